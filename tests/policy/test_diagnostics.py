"""A policy with mistakes gives all of them at once, each with its line and how to mend it; nothing runs."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import GRADE, GRADING, INDICATOR, INPUT, SCORING, graded, indicator, policy

from muheng.documents.diagnostic import Diagnostic, format_diagnostics
from muheng.policy.compile import compile_policy
from muheng.policy.expression import ExpressionError, parse_expression

MISTAKES = """\
[policy]
id = "test"
name = "测试"
source = { document = "测试", status = "自拟" }
valid = { from = 2024-01-01, until = 2023-01-01 }        # 1 终止早于起始
open = []

[input]
规模 = { type = "文本", values = ["规上", "规下"], missing = "不参评：未列规模" }
税收 = { unit = "万圆", missing = "得零分" }               # 2 没有这个单位
用地 = { unit = "亩", missing = 0 }
能耗 = { unit = "tce", missing = "得零分" }                # 3 没有口径
收入 = { unit = "万元", missing = "得零份" }               # 4 没有这种处理
职工 = { unit = "人", missing = "视为缺" }
事故 = { type = "等级", missing = "无" }                   # 5 没有取值
总分 = { unit = "分", missing = 0 }                       # 6 系统用名
"工.时" = { unit = "分", missing = 0 }                    # 7 名称里有点号

[define]
甲 = { formula = "乙 + 1", unit = "1" }                   # 8 循环
乙 = { formula = "甲 * 2", unit = "1" }
面积 = { formula = "用地 + 收入", unit = "亩" }            # 9 亩加万元
职工 = { formula = "用地", unit = "亩" }                  # 10 定义了两次
坏 = { formula = "__import__('os')", unit = "1" }        # 11 没有这个函数
连带 = { formula = "面积 * 税收 + 坏", unit = "1" }        # 只用了上面错的，不再报

[class.规上]
when = "规摸 == '规上'"                                   # 12 写错的名称

[[class.规上.indicator]]
name = "亩均税收"
formula = "税收 / 用地"
unit = "万元/亩"
digits = 4
weight = 60                                              # 13 合计 95
score = { by = "比值", base = 20, cap = "不设", floor = 0 }

[[class.规上.indicator]]
name = "亩均收入"
formula = "收入 / 用地"                                   # 14 单位不符
unit = "万元/人"
digits = 4
weight = 20
score = { by = "比值", base = 20, cap = "不设", floor = 0 }

[[class.规上.indicator]]                                  # 15、16 分母可能为零，缺了怎么办
name = "人均收入"
formula = "收入 / 职工"
unit = "万元/人"
digits = 4
weight = 15
score = { by = "极差" }                                   # 17、18 没有底分，没有写相同时怎样

[scoring]
score_digits = 2
total_digits = 2
cap = "10%"                                              # 19 百分比
floor = "不设"

[limit]
用地 = { take = "合计", cap = 5 }                          # 20 与数据项同名

[[bonus]]
name = "高企"
when = "有('高新技术企业')"                                # 标签没有声明；有错名在先，不报
add = -1                                                  # 21 负数
limit = "加分"                                            # 22 没有这个限额组

[[veto]]
name = "事故"
when = "事故 >= '较大'"
then = "最高 E"                                           # 23 没有这个等级

[grade]
A = { name = "优先" }
B = { name = "支持" }
C = { name = "提升" }

[grading]
order = ["总分 降", "亩均税收 降"]                          # 24 可能相同
quota = { A = "20%", B = "20%", C = "100%" }             # 25 B 永远评不上
round = { A = "舍去" }                                   # 26 B 的小数
counted = ["T"]                                          # 27 没有参评
ties = "同分就高"
vetoed = "占名额"
direct = "占名额"
"""


def line_of(text: str, part: str, nth: int = 1) -> int:
    return [number for number, line in enumerate(text.splitlines(), 1) if part in line][nth - 1]


def mistakes(text: str) -> list[Diagnostic]:
    found = compile_policy(text, "规则.toml")
    errors = [diagnostic for diagnostic in found.diagnostics if diagnostic.severity == "error"]
    assert (found.plan is None) == bool(errors), format_diagnostics(found.diagnostics)
    return errors


def only(text: str) -> Diagnostic:
    errors = mistakes(text)
    assert len(errors) == 1, format_diagnostics(errors)
    return errors[0]


def warnings(text: str) -> list[str]:
    found = compile_policy(text, "规则.toml")
    assert found.plan is not None, format_diagnostics(found.diagnostics)
    return [str(diagnostic.what) for diagnostic in found.diagnostics]


def test_all_mistakes_at_once_each_on_its_line() -> None:
    errors = mistakes(MISTAKES)
    marked = {number for number, line in enumerate(MISTAKES.splitlines(), 1) if re.search(r"# \d", line)}
    lines = [diagnostic.line for diagnostic in errors]
    assert set(lines) == marked, format_diagnostics(errors)
    assert len(errors) == 27, format_diagnostics(errors)
    assert lines == sorted(line for line in lines if line is not None)


def test_mistakes_are_shown_as_a_clerk_reads_them() -> None:
    shown = format_diagnostics(compile_policy(MISTAKES, "规则.toml").diagnostics)
    for part in (
        f"规则.toml:{line_of(MISTAKES, '万圆')}  input.税收.unit\n  不认识的单位“万圆”。\n  改法：是不是“万元”？",
        "权重合计 95，应为 100。规上：60+20+15。",
        "循环引用：甲 → 乙 → 甲。",
        "“亩”与“万元”单位不同，不能相加减或比较。",
        "没有名为“规摸”的数据项或中间值。\n  改法：是否指“规模”？",
        "class.规上.indicator[亩均收入].formula\n  公式算出的单位是“万元/亩”，写的是“万元/人”。\n  改法：检查公式，或把 unit 改为“万元/亩”。",
        "最后一个排序键“亩均税收”可能相同，名次无法唯一确定。\n  改法：末尾加“统一社会信用代码 升”。",
        "累计比例应逐级增大，不超过 100%：“B”永远评不上。",
        "27 个错误，0 个提示。未运行。",
    ):
        assert part in shown, shown


def test_the_same_in_english() -> None:
    shown = format_diagnostics(compile_policy(MISTAKES, "rule.toml").diagnostics, "en")
    assert "Cumulative shares must grow from grade to grade" in shown
    assert "Errors: 27, warnings: 0. Not run." in shown


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("__import__('os')", "没有函数“__import__”"),
        ("open('/etc/passwd')", "没有函数“open”"),
        ("eval('1')", "没有函数“eval”"),
        ("成绩.__class__", "“.”不认识"),
        ("().__class__.__bases__", "“.”不认识"),
        ("()", "应为名称、数值或括号"),
        ("成绩['a']", "公式到这里应当结束"),
        ("lambda: 1", "“:”不认识"),
        ("[x for x in 成绩]", "应为“,”"),
        ("成绩 ** 9999999", "应为名称、数值或括号"),
        ("成绩 if 1 else 2", "公式到这里应当结束"),
        ("成绩; 1", "“;”不认识"),
        ("成绩 # 1", "“#”不认识"),
        ("{成绩}", "“{”不认识"),
        ("f'{成绩}'", "公式到这里应当结束"),
        ("成绩 = 1", "比较两个值请写 =="),
        ("1 < 成绩 < 3", "一次只能比较两个值"),
        ("(" * 1000 + "1" + ")" * 1000, "括号套得太深"),
        ("最大(" * 900 + "1" + ")" * 900, "括号套得太深"),
        ("[" * 1000, "括号套得太深"),
        ("1" * 100_000, "公式太长（100000 个字符"),
        ("成绩" + " + 成绩" * 200, "公式层次太深"),
        ("成绩 +", "公式没有写完"),
        ("最大(成绩", "公式没有写完"),
        ("", "公式没有写完"),
        ("'没有写完", "“'”不认识"),
        ("成绩 + '高'", "文字“高”只能用来比较"),
        ("成绩 > 1", "这里应当是数值，写的是条件"),
        ("['高']", "列表只能写在“in”后面"),
        ("成积 * 2", "没有名为“成积”"),
        ("总分", "没有名为“总分”"),
        ("成绩单 * 2", "“成绩单”是指标，这里还没有算出"),
        ("最大(成绩)", "最大、最小至少要两个值"),
        ("绝对值(成绩, 1)", "要 1 个值，写了 2 个"),
        ("如果(成绩 > 1, 2)", "要 3 个值，写了 2 个"),
        ("满年(成绩)", "这里应当是日期"),
        ("有('高企') * 1", "本规则声明了 0 项标签"),
        ("平均(成绩 * 2)", "第一个值应为名称"),
        ("平均(成绩, 成绩)", "按文本项分组"),
    ],
)  # fmt: skip
def test_an_expression_reaches_nothing_but_declared_names(source: str, says: str) -> None:
    text = policy(define=f'量 = {{ formula = """{source}""", unit = "1" }}')
    error = only(text)
    assert says in str(error.what)
    assert (error.path, error.line) == ("define.量.formula", line_of(text, "量 ="))


def test_many_signs_and_negations_are_no_depth() -> None:
    assert not mistakes(policy(define=f'量 = {{ formula = "{"-" * 1000}成绩 + 成绩", unit = "1" }}'))
    assert not mistakes(policy(define=f'量 = {{ when = "{"非 " * 1001}成绩 > 1" }}'))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="成绩量 ()+-*/<>=!且或非in[],'\"%.1`如果最大平均有缺_ə①\n\\{}", max_size=60))
def test_any_text_is_parsed_or_refused(source: str) -> None:
    with suppress(ExpressionError):
        parse_expression(source)


PIECES = [
    ('unit = "1"', 'unit = "亩"'),
    ('missing = "得零分"', 'missing = "视为缺"'),
    ('formula = "成绩"', 'formula = "成绩 / 成绩"'),
    ('name = "成绩单"', 'name = "成绩"'),
    ("weight = 100", 'weight = "100%"'),
    ("weight = 100", "weight = 0"),
    ("base = 100", "base = 0"),
    ("base = 100", 'base = { of = "同组平均" }'),
    ("base = 100", "base = { 甲 = 1 }"),
    ('by = "比值"', 'by = "名次"'),
    ("digits = 2", "digits = 9"),
    ('cap = "不设"', 'cap = "无"'),
    ('A = { name = "优先" }\n', ""),
    ('order = ["总分 降", "统一社会信用代码 升"]', "order = []"),
    ('quota = { A = "20%", B = "60%", C = "95%", D = "100%" }', ""),
    ('D = "进一"', 'E = "进一"'),
    ('counted = ["参评"]', "counted = []"),
    ("[class.企业]", '[class.企业]\nlike = "企业"'),
    ("[grading]", '[grading]\nwithin = ["成绩"]'),
    ("[grading]", '[grading]\nmethod = "两步"'),
    ("[grade]", "[grade]\n[grad]"),
    ("open = []", ""),
    ("[scoring]", '[merge]\nby = "宗地"\nland = "成绩"\nalone = "("\n[scoring]'),
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6, unique=True))
def test_mistakes_in_any_company_are_diagnosed(changes: list[tuple[str, str]]) -> None:
    text = policy()
    for old, new in changes:
        text = text.replace(old, new, 1)
    mistakes(text)  # a plan or errors, never an exception and never silence


def test_every_single_change_is_a_mistake() -> None:
    assert [new for old, new in PIECES if not mistakes(policy().replace(old, new, 1))] == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("权重应大于零", policy(indicator=INDICATOR.replace("weight = 100", "weight = -5"))),
        ("这里写分数，不写百分比（100%）", policy(indicator=INDICATOR.replace("weight = 100", 'weight = "100%"'))),
        ("这里写分数，不写百分比（120%）", policy(indicator=INDICATOR.replace('cap = "不设"', 'cap = "120%"'))),
        ("下限大于上限", policy(indicator=INDICATOR.replace('cap = "不设", floor = "不设"', "cap = 5, floor = 6"))),
        ("下限大于上限", policy(scoring=SCORING.replace('cap = "不设"', "cap = 1").replace('floor = "不设"', "floor = 2"))),
        ("基准值应大于零", policy(indicator=INDICATOR.replace("base = 100", "base = 0"))),
        ("比值法没有写 cap", policy(indicator=INDICATOR.replace('cap = "不设", ', ""))),
        ("比值法不用 bottom", policy(indicator=INDICATOR.replace('cap = "不设"', 'cap = "不设", bottom = 20'))),
        ("指标“成绩单”写了两次", policy(indicator=INDICATOR.replace("100\n", "50\n") + indicator(weight="50"))),
        ("“成绩”定义了两次", policy(define='成绩 = { formula = "1", unit = "1" }')),
        ("分数线应逐级降低：“B”永远评不上", policy(grading=graded(quota='{ A = ">= 60分", B = ">= 80分", C = ">= 50分", D = "100%" }', round="{}"))),
        ("累计比例应逐级增大", policy(grading=graded(quota='{ A = "20%", B = "120%", C = "130%", D = "100%" }'))),
        ("最后一级的累计比例应为 100%", policy(grading=graded(quota='{ A = "20%", B = "60%", C = "95%", D = "99%" }'))),
        ("quota 应按由好到差写全各等级：A、B、C、D", policy(grading=graded(quota='{ A = "20%", C = "95%", B = "60%", D = "100%" }'))),
        ("round 中的“C”用不上", policy(grading=graded(round='{ A = "舍去", B = "舍去", C = "舍去", D = "进一" }'))),
        ("排序键“总分”应写作“总分 降”", policy(grading=graded(order='["总分", "统一社会信用代码 升"]'))),
        ("排序键“成积”不是数值", policy(grading=graded(order='["成积 降", "统一社会信用代码 升"]'))),
        ("同分同档要求第一个排序键是“总分 降”", policy(grading=graded(order='["总分 升", "统一社会信用代码 升"]', ties='"同分就低"'))),
        ("“行业”不是可以用来分组的文本项", policy(grading=graded(within='["行业"]'))),
        ("“企业”没有定级办法", policy(grading="")),
        ("至少要有两个等级", policy(grade='\n[grade]\nA = { name = "优" }\n', grading=graded(quota='{ A = "100%" }', round="{}"))),
        ("两步法不写 quota 和 round", policy(grading=graded(method='"两步"', rest='"B"', step='[{ from = "前50%", order = ["统一社会信用代码 升"], first = "10%", round = "舍去", grade = "A" }]'))),
        ("一票否决不能提档", policy('\n[[veto]]\nname = "否"\nwhen = "成绩 > 1"\nthen = "提 1 档"\n')),
        ("不认识的写法“变成 A”", policy('\n[[regrade]]\nname = "否"\nwhen = "成绩 > 1"\nthen = "变成 A"\n')),
        ("没有类别“规下”", policy('\n[[veto]]\nname = "否"\nwhen = "成绩 > 1"\nthen = "最高 D"\nclasses = ["规下"]\n')),
        ("依初评等级的调整不能同时“不占名额”", policy("\n[[regrade]]\nname = \"否\"\nwhen = \"初评等级 == 'B'\"\nthen = \"定为 A\"\n", grading=graded(direct='"不占名额"'))),
        ("“降 1 档”无从执行", policy('\n[[veto]]\nname = "否"\nwhen = "成绩 > 1"\nthen = "降 1 档"\n', grading=graded(vetoed='"不占名额"'))),
        ("“最高 C”无从执行", policy('\n[[veto]]\nname = "否"\nwhen = "成绩 > 1"\nthen = "最高 C"\n', grading=graded(vetoed='"不占名额"'))),
        ("add 与 points 应写且只写一个", policy('\n[limit]\n加 = { take = "合计", cap = 5 }\n[[bonus]]\nname = "甲"\nlimit = "加"\n')),
        ("没有限额组“加”", policy('\n[[bonus]]\nname = "甲"\nadd = 1\nlimit = "加"\n')),
        ("限额组“加”既有加分又有减分", policy('\n[limit]\n加 = { take = "合计", cap = 5 }\n[[bonus]]\nname = "甲"\nadd = 1\nlimit = "加"\n[[deduction]]\nname = "乙"\nadd = 1\nlimit = "加"\n')),
        ("“成绩”定义了两次", policy('\n[limit]\n成绩 = { take = "合计", cap = 5 }\n[[bonus]]\nname = "甲"\nadd = 1\nlimit = "成绩"\n')),
        ("公式算出的单位是“万元”，写的是“分”", policy('\n[limit]\n加 = { take = "合计", cap = 5 }\n[[bonus]]\nname = "甲"\npoints = "税收"\nlimit = "加"\n', inputs='税收 = { unit = "万元", missing = 0 }')),
        ("must 和 else 应同时写", policy(define='量 = { formula = "成绩", unit = "1", must = "> 0" }')),
        ("formula、when、group 应写且只写一个", policy(define='量 = { formula = "成绩", unit = "1", when = "成绩 > 1" }')),
        ("分组要写 table 和 other", policy(inputs='行业 = { type = "文本", missing = "视为缺" }', define='组 = { group = "行业" }')),
        ("“17”同时属于“纺织”和“其他”", policy(inputs='行业 = { type = "文本", missing = "视为缺" }', define='组 = { group = "行业", table = { 纺织 = ["17"], 其他 = ["17"] }, other = "其他" }')),
        ("合理范围的下限应小于上限", policy(inputs='税收 = { unit = "万元", missing = 0, range = [5, 5] }')),
        ("数值没有写单位", policy(inputs="税收 = { missing = 0 }")),
        ("文本不用写 unit", policy(inputs='行业 = { type = "文本", unit = "亩", missing = "视为缺" }')),
        ("替代值“小”不在取值中", policy(inputs='规模 = { type = "文本", values = ["大"], missing = "小" }')),
        ("日期缺失时没有替代值", policy(inputs='投产 = { type = "日期", missing = "2020-01-01" }')),
        ("“得零分”只用于数值", policy(inputs='行业 = { type = "文本", missing = "得零分" }')),
        ("“规模”没有“大型”这个取值", policy("\n[[veto]]\nname = \"否\"\nwhen = \"规模 == '大型'\"\nthen = \"最高 D\"\n", inputs='规模 = { type = "文本", values = ["大", "小"], missing = "小" }')),
        ("没有等级“特大”", policy("\n[[veto]]\nname = \"否\"\nwhen = \"事故 >= '特大'\"\nthen = \"最高 D\"\n", inputs='事故 = { type = "等级", levels = ["无", "较大"], missing = "无" }')),
        ("“2024-13-01”不是日期", policy(inputs='投产 = { type = "日期", missing = "视为缺" }', define="晚 = { when = \"投产 > '2024-13-01'\" }")),
        ("标签不能直接比较", policy(inputs='标签 = { type = "标签", missing = "视为缺" }', define="高 = { when = \"标签 == '高企'\" }")),
        ("base 按组给数时，要写 by_group", policy(indicator=INDICATOR.replace("base = 100", 'base = { "*" = 1 }'))),
        ("values 只用于上年平均", policy(indicator=INDICATOR.replace("base = 100", 'base = { of = "同组平均", values = { "*" = 1 } }').replace("digits = 2\n", 'digits = 2\nzero = "得零分"\n'))),
        ("加权平均要求指标公式是一次除法", policy(indicator=INDICATOR.replace("base = 100", 'base = { of = "同组加权平均" }').replace("digits = 2\n", 'digits = 2\nzero = "得零分"\n'))),
        ("percentile 与“同组分位”应同时出现", policy(indicator=INDICATOR.replace("base = 100", 'base = { of = "同组分位" }').replace("digits = 2\n", 'digits = 2\nzero = "得零分"\n'))),
        ("分档的界限应由高到低", policy(indicator=indicator(score='by = "分档", bands = [[1, 5], [2, 10]]').join(["\n[class.企业]\n", ""]))),
        ("没有评价类别", policy(indicator="\n[class]\n")),
        ("没有指标", policy(indicator="\n[class.企业]\n")),
        ("有多类时，每类都要写 when", policy(indicator=INDICATOR + '\n[class.另一]\nlike = "企业"\n')),
        ("like 应写另一类", policy(indicator=INDICATOR.replace("[class.企业]", '[class.企业]\nwhen = "成绩 > 1"') + '\n[class.另一]\nlike = "没有"\nwhen = "成绩 > 2"\n')),
        ("没有等级“E”", policy('\n[[exempt]]\nname = "甲"\nwhen = "成绩 > 1"\nthen = "不定等级"\ntreated_as = "E"\n')),
    ],
)  # fmt: skip
def test_one_mistake(what: str, text: str) -> None:
    errors = mistakes(text)
    assert any(what in str(error.what) for error in errors), format_diagnostics(errors)
    assert all(error.line is not None for error in errors), format_diagnostics(errors)


@pytest.mark.parametrize(
    ("old", "new", "what", "path"),
    [
        ("weight = 100", "wieght = 100", "不认识的名称“wieght”。", "class.企业.indicator[成绩单].wieght"),
        ("total_digits = 2", "", "缺少“total_digits”。", "scoring.total_digits"),
        ("digits = 2\nweight", 'digits = "2"\nweight', "应是整数", "class.企业.indicator[成绩单].digits"),
        ('ties = "按排序键"', 'ties = "同分就髙"', "没有 \"同分就髙\" 这个选项。", "grading.ties"),
        ("from = 2024-01-01", 'from = "2024年"', "应是日期", "policy.valid.from"),
    ],
)  # fmt: skip
def test_shape_mistakes(old: str, new: str, what: str, path: str) -> None:
    text = policy().replace(old, new, 1)
    errors = mistakes(text)
    assert any(what in str(error.what) and error.path == path for error in errors), format_diagnostics(errors)


def test_text_that_is_no_toml() -> None:
    error = only(policy().replace("weight = 100", "weight = = 100"))
    assert error.line == line_of(policy(), "weight = 100")


def test_a_base_by_groups_must_cover_every_group() -> None:
    group = '行业 = { type = "文本", values = ["纺织", "机械"], missing = "纺织" }'
    by_group = INDICATOR.replace("base = 100", 'by_group = "行业", base = { 纺织 = 100 }')
    assert "“机械”没有基准值" in str(only(policy(inputs=group, indicator=by_group)).what)
    assert not mistakes(
        policy(inputs=group, indicator=by_group.replace("纺织 = 100", '纺织 = 100, "*" = 50'))
    )
    wrong = by_group.replace("纺织 = 100", '纺只 = 100, "*" = 50')
    assert "没有名为“纺只”的组" in str(only(policy(inputs=group, indicator=wrong)).what)
    open_group = '行业 = { type = "文本", missing = "视为缺" }'
    assert "可能有组没有基准值" in str(only(policy(inputs=open_group, indicator=by_group)).what)


def test_doubts_are_warned_of_and_run() -> None:
    assert warnings(policy()) == []
    assert warnings(policy(inputs='税收 = { unit = "万元", missing = 0 }')) == ["“税收”没有用到。"]
    assert warnings(policy(indicator=INDICATOR.replace('cap = "不设"', "cap = 50"))) == [
        "得分上限 50 小于权重 100，谁也得不到满分。"
    ]
    exempt = '\n[[exempt]]\nname = "{}"\nwhen = "成绩 > 1"\nthen = "T"\n'
    assert warnings(policy(exempt.format("甲") + exempt.format("乙"))) == ["与“甲”条件相同，永远轮不到。"]
    veto = '\n[[veto]]\nname = "{}"\nwhen = "成绩 > 1"\nthen = "最高 D"\n'
    assert warnings(policy(veto.format("甲") + veto.format("乙"))) == ["与一票否决“甲”条件相同。"]
    industry = '行业 = { type = "文本", missing = "视为缺" }'
    assert "过小组" in warnings(policy(inputs=industry, grading=graded(within='["行业"]')))[0]


def test_definitions_may_stand_in_any_order() -> None:
    define = '甲 = { formula = "乙 * 2", unit = "1" }\n乙 = { formula = "成绩 + 1", unit = "1" }'
    assert not mistakes(policy(define=define))


def test_mistakes_do_not_hide_behind_one_another() -> None:
    text = policy(
        inputs='税收 = { unit = "万圆", missing = 0 }',
        indicator=INDICATOR.replace("weight = 100", "weight = 95"),
        grading=graded(order='["总分 降"]'),
    )
    paths = [error.path for error in mistakes(text)]
    assert paths == ["input.税收.unit", "class.企业.indicator[成绩单].weight", "grading.order"]


def test_the_parts_used_here_make_a_policy() -> None:
    assert INPUT in policy()
    assert GRADE in policy()
    assert GRADING in policy()
    assert not mistakes(policy())
