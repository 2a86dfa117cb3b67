"""A synthetic city and its policy, to report on. No enterprise in it is real."""

from __future__ import annotations

from random import Random

import polars as pl

from muheng.documents.diagnostic import format_diagnostics
from muheng.documents.message import say
from muheng.intake.facts import CODE, NAME, Facts, Item, SourceTable
from muheng.intake.problem import Problem
from muheng.policy.compile import compile_policy
from muheng.policy.plan import Plan

POLICY = """
[policy]
id = "demo-2025"
name = "示例市工业企业亩均效益综合评价办法"
source = { document = "示例市实施办法", number = "示政办〔2025〕0号", date = 2025-03-01, status = "合成示例" }
valid = { from = 2025-01-01, until = 2027-01-01 }
illustrative = true
open = [
    "文本没有说明总分相同时怎样排序，本文件按亩均税收、再按信用代码。",
    "文本没有说明一票否决的企业是否占名额，本文件按占名额。",
]

[input]
规模 = { type = "文本", values = ["规上", "规下"], missing = "不参评：未列规模" }
行业代码 = { type = "文本", missing = "未分类" }
税收 = { unit = "万元", missing = "得零分", from = "税务" }
用地面积 = { unit = "亩", digits = 2, missing = 0, from = "自然资源" }
增加值 = { unit = "万元", missing = "得零分", from = "统计" }
综合能耗 = { unit = "tce", basis = "等价值", missing = "同组平均得分", from = "统计" }
出租户数 = { unit = "户", digits = 0, missing = 0 }
标签 = { type = "标签", missing = "" }
投产不足两年 = { type = "文本", values = ["是", "否"], missing = "否" }
事故 = { type = "等级", levels = ["无", "一般", "较大"], missing = "无" }

[define]
用地 = { formula = "用地面积", unit = "亩", must = "> 0", else = "不参评：无有效用地" }
行业组 = { group = "行业代码", other = "其他", table.金属 = ["31", "32", "33"], table.装备 = ["34", "35"] }

[[exempt]]
name = "公用事业"
when = "开头是(行业代码, '44', '45', '46')"
then = "免评价"

[[exempt]]
name = "投产不足两年"
when = "投产不足两年 == '是'"
then = "暂缓评价"
treated_as = "B"

[class.规上]
when = "规模 == '规上'"

[[class.规上.indicator]]
name = "亩均税收"
formula = "税收 / 用地"
unit = "万元/亩"
digits = 4
weight = 45
score = { by = "比值", base = 14.75, cap = "1.5倍权重", floor = 0 }
clause = "第六条"

[[class.规上.indicator]]
name = "亩均增加值"
formula = "增加值 / 用地"
unit = "万元/亩"
digits = 4
weight = 30
zero = "得零分"
score = { by = "比值", base = { of = "同组平均", by = ["行业组"] }, cap = "1.5倍权重", floor = 0 }

[[class.规上.indicator]]
name = "单位能耗增加值"
formula = "增加值 / 综合能耗"
unit = "万元/tce"
digits = 4
weight = 25
missing = "同组平均得分"
zero = "得零分"
score = { by = "极差", bottom = 20, equal = "满分" }

[class.规下]
when = "规模 == '规下'"

[[class.规下.indicator]]
name = "亩均税收"
formula = "税收 / 用地"
unit = "万元/亩"
digits = 4
weight = 100
score = { by = "名次" }

[class.规下.grading]
order = ["总分 降", "统一社会信用代码 升"]
quota = { A = "5%", B = "75%", C = "95%", D = "100%" }
round = { A = "四舍五入", B = "四舍五入", D = "进一" }
counted = ["参评"]
ties = "按排序键"
vetoed = "占名额"
direct = "占名额"

[scoring]
score_digits = 4
total_digits = 1
cap = "不设"
floor = 0

[limit]
创新绿色加分 = { take = "合计", cap = 5 }
出租减分 = { take = "合计", cap = 10 }

[[bonus]]
name = "高新技术企业"
when = "有('高新技术企业')"
add = 3
limit = "创新绿色加分"

[[bonus]]
name = "绿色工厂"
when = "有('绿色工厂')"
add = 3
limit = "创新绿色加分"

[[deduction]]
name = "出租厂房"
points = "2 * 出租户数"
limit = "出租减分"

[grade]
A = { name = "优先发展类" }
B = { name = "支持发展类" }
C = { name = "提升发展类" }
D = { name = "限制发展类" }

[grading]
within = ["行业组"]
order = ["总分 降", "亩均税收 降", "统一社会信用代码 升"]
quota = { A = "20%", B = "60%", C = "95%", D = "100%" }
round = { A = "四舍五入", B = "四舍五入", D = "进一" }
counted = ["参评"]
ties = "按排序键"
vetoed = "占名额"
direct = "占名额"
small = { below = 8, then = "合并小组" }

[[regrade]]
name = "省级领跑者"
when = "有('领跑者')"
then = "提 1 档"

[[veto]]
name = "较大及以上安全生产事故"
when = "事故 >= '较大'"
then = "最高 D"
clause = "第十一条"
"""

TOWNSHIPS = ("东桥镇", "南浦镇", "西岗街道", "北塘街道", "中和镇", "河口乡", "临江街道")
PARKS = (None, None, "高新技术产业园区", "临江化工园")
INDUSTRIES = ("3110", "3240", "3311", "3411", "3484", "3512", "3670", "2614", "1779", "3821", "4411")
FIRST, SECOND = "恒瑞鼎盛华泰金宏远博", "通达源丰康隆昌顺安新"
TRADES = ("机械", "金属制品", "新材料", "电子", "食品", "纺织", "精密铸造", "环保设备")


def make_plan(text: str = POLICY) -> Plan:
    compiled = compile_policy(text, "demo.toml")
    assert compiled.plan is not None, format_diagnostics(list(compiled.diagnostics))
    return compiled.plan


def make_facts(rows: int, seed: int = 7) -> Facts:
    """``rows`` enterprises of one year; about one in ten lacks something."""
    random = Random(seed)
    columns: dict[str, list[object]] = {}

    def put(name: str, value: object) -> None:
        columns.setdefault(name, []).append(value)

    for index in range(rows):
        above = random.random() < 0.4
        land = round(random.lognormvariate(3.2 if above else 1.6, 0.7), 2)
        quality = random.lognormvariate(0, 0.8)
        value_added = land * quality * (70 if above else 30)
        put(CODE, f"9134{index:014d}")
        name = random.choice(FIRST) + random.choice(SECOND) + random.choice(TRADES)
        put(NAME, f"示例市{name}{random.choice(('有限公司', '股份有限公司'))}{index}")
        put("规模", "规上" if above else "规下")
        put("行业代码", random.choice(INDUSTRIES))
        put("乡镇", random.choice((*TOWNSHIPS, *TOWNSHIPS, None)))
        put("园区", random.choice(PARKS))
        put("税收", round(value_added * random.lognormvariate(-2.0, 0.4) * 100))
        put("用地面积", 0 if random.random() < 0.03 else round(land * 100))
        put("增加值", round(value_added * 100))
        energy = (
            None if random.random() < 0.06 else round(value_added * random.lognormvariate(-1.2, 0.6) * 100)
        )
        put("综合能耗", energy)
        put("出租户数", random.choice((0, 0, 0, 0, 0, 0, 0, 1, 3)))
        tags = [tag for tag in ("高新技术企业", "绿色工厂", "领跑者") if random.random() < 0.08]
        put("标签", "|".join(tags))
        put("投产不足两年", "是" if random.random() < 0.04 else "否")
        put("事故", "较大" if random.random() < 0.004 else "无")
        then = quality * random.lognormvariate(0, 0.35)
        grade = next(
            grade for grade, least in (("A", 1.9), ("B", 0.8), ("C", 0.27), ("D", 0)) if then >= least
        )
        put("上年等级", None if random.random() < 0.07 else grade)
    items = {
        "规模": Item("规模", "text"),
        "行业代码": Item("行业代码", "text"),
        "乡镇": Item("乡镇", "text"),
        "园区": Item("园区", "text"),
        "税收": Item("税收", "number", "万元", 2),
        "用地面积": Item("用地面积", "number", "亩", 2),
        "增加值": Item("增加值", "number", "万元", 2),
        "综合能耗": Item("综合能耗", "number", "tce", 2, "等价值"),
        "出租户数": Item("出租户数", "number", "户", 0),
        "标签": Item("标签", "tags"),
        "投产不足两年": Item("投产不足两年", "text"),
        "事故": Item("事故", "text"),
        "上年等级": Item("上年等级", "text"),
    }
    frame = pl.DataFrame(
        columns,
        schema={CODE: pl.String, NAME: pl.String, **{name: item.dtype for name, item in items.items()}},
    ).sort(CODE)
    sources = tuple(
        SourceTable(file, sheet, department, "", f"{index:064x}", {}, frame.select(CODE).head(0))
        for index, (file, sheet, department) in enumerate(
            (("税务局2025.xlsx", "入库税收", "税务"), ("统计局2025.xlsx", "能耗", "统计"))
        )
    )
    return Facts(2025, items, frame, sources)


def make_problems() -> list[Problem]:
    return [
        Problem(
            "error",
            "税务局2025.xlsx",
            "入库税收",
            17,
            "入库税收",
            "F17",
            "1,234.5万",
            say("“{text}”不是数字。", text="1,234.5万"),
            say("请只填数值 1234.5。"),
            "示例市恒通机械有限公司17",
            "913400000000000017",
        ),
        Problem(
            "warning", "统计局2025.xlsx", "能耗", None, None, None, "", say("“{text}”不是数字。", text="=1+1")
        ),
        Problem("error", "来历不明.xlsx", None, None, None, None, "", say("文件是空的。")),
    ]
