"""Why a grade: the sentences a manager reads, from the grade down to the cell."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from small_city import NUMBERS, TAGS, City, cities
from small_policies import SCORING, graded, indicator, make_facts, marks, policy, run
from test_worked_values import HUANGYAN, text_of

from muheng.intake.facts import CODE, NAME, ROW, Facts, SourceTable
from muheng.policy.bind import DataError
from muheng.policy.explain import Reason, UnknownEnterprise, explain, ranking_of
from muheng.policy.plan import GRADE, CodeInput, Numeric
from muheng.policy.run import Result, evaluate

MANY = int(os.environ.get("MUHENG_EXAMPLES", "1"))


def told(result: Result, name: str, lang: str = "zh") -> str:
    return "\n".join(explain(result, name).lines(lang))  # type: ignore[arg-type]


def all_reasons(reason: Reason) -> list[Reason]:
    return [reason, *(inner for part in reason.parts for inner in all_reasons(part))]


def test_the_worked_example_in_words() -> None:
    result = run(text_of("zj-huangyan-2022"), HUANGYAN, year=2022).result
    text = told(result, "乙")
    assert "综合等级 B" in text
    assert "总分 57.191 分，规上 3 家中第 2 名；A 的分数线 114.784，还差 57.593 分" in text
    assert "亩均税收 12 万元/亩（480 万元 ÷ 40 亩），基准 24.097" in text
    assert "用地 40 亩 = 50 亩 + 0 亩 − 10 亩" in text
    assert "生态环境未提供主要污染物排放量，按办法取同组平均得分，得 6.491" in text
    assert "承租用地：未提供，按 0 亩 计" in text


def test_english_has_no_chinese_sentence() -> None:
    result = run(text_of("zj-huangyan-2022"), HUANGYAN, year=2022).result
    lines = explain(result, "乙").lines("en")
    assert lines[1].startswith("Grade B (")
    assert "57.593 points are missing" in lines[1]
    assert not any(word in line for line in lines[:20] for word in ("得分", "分数线", "未提供", "按办法"))


def test_every_value_is_the_result_s() -> None:
    result = run(text_of("zj-huangyan-2022"), HUANGYAN, year=2022).result
    for name in HUANGYAN:
        explanation = explain(result, name)
        row = result.rows[explanation.code]
        for reason in all_reasons(explanation.root):
            node = result.plan.by_name.get(reason.node)
            if isinstance(node, Numeric) and reason.value is not None and reason.unit == node.unit:
                assert reason.value == result.figure(row, reason.node)


def test_a_figure_ends_at_its_cells() -> None:
    facts = make_facts(marks(90, 50))
    code = facts.frame[CODE][0]
    sheet = SourceTable(
        "统计局2024.xlsx", "年报", "统计", "statistics", "", {"成绩": "F"},
        pl.DataFrame({CODE: [code, code], ROW: [17, 18], "成绩": [60_000_000, 30_000_000]}),
    )  # fmt: skip
    result = run(policy(), Facts(facts.year, facts.items, facts.frame, (sheet,))).result
    assert "成绩 90（统计局2024.xlsx · 年报 · F17、统计局2024.xlsx · 年报 · F18）" in told(result, "企业1")
    figure = next(reason for reason in all_reasons(explain(result, "企业1").root) if reason.cells)
    assert [cell.cell for cell in figure.cells] == ["F17", "F18"]


def test_a_cap_that_bit_and_a_group_mean_are_named() -> None:
    source = policy(
        inputs='行业 = { type = "文本", missing = "其他" }',
        indicator="[class.企业]\n"
        + indicator(
            score='by = "比值", base = { of = "同组平均", by = ["行业"], times = 2 }, cap = "1.2倍权重", floor = 0',
            more='zero = "得零分"',
        ),
    )
    rows = {
        "大": {"成绩": 90, "行业": "钢铁"},
        "小": {"成绩": 0, "行业": "钢铁"},
        "独": {"成绩": 4, "行业": "食品"},
    }
    result = run(source, rows).result
    assert "基准 90（钢铁平均的 2 倍）" in told(result, "大")
    assert "基准 8（食品平均的 2 倍），得 50 分" in told(result, "独")
    capped = run(source.replace("times = 2", 'times = "50%"'), rows).result
    assert "达到上限 120 分" in told(capped, "大")


def test_a_veto_and_a_lift_say_what_the_score_gave() -> None:
    source = policy(
        """
[[regrade]]
name = "县五百强"
when = "有('五百强')"
then = "提 1 档"
clause = "第十条"
[[veto]]
name = "重大事故"
when = "有('事故')"
then = "最高 D"
clause = "一票否决"
""",
        inputs='标签 = { type = "标签", missing = "" }',
    )
    rows = {f"企业{at}": {"成绩": 100 - at, "标签": "无"} for at in range(9)}
    rows["好"] = {"成绩": 100, "标签": "事故"}
    rows["升"] = {"成绩": 60, "标签": "五百强"}
    result = run(source, rows).result
    assert "一票否决：重大事故，最高 D（按分数为 A） 〔一票否决〕" in told(result, "好")
    assert "综合等级 D" in told(result, "好")
    assert "等级调整：县五百强，提 1 档（按分数为 D） 〔第十条〕" in told(result, "升")


def test_who_is_not_rated_is_told_why() -> None:
    source = policy(
        """
[[exempt]]
name = "公用事业"
when = "有('公用')"
then = "不定等级"
scored = true
treated_as = "B"
""",
        inputs='标签 = { type = "标签", missing = "" }',
    )
    result = run(source, {"水厂": {"成绩": 70, "标签": "公用"}, "甲": {"成绩": 60, "标签": "无"}}).result
    text = told(result, "水厂")
    assert "不定等级：公用事业，配置要素时按 B 对待" in text
    assert "得 70 分" in text


def test_a_tie_at_the_line_names_the_key() -> None:
    result = run(policy(), marks(100, 80, 80, 60, 40)).result
    assert run(policy(), marks(100, 80, 80, 60, 40)).letters == "ABBCD"
    source = policy(grading=graded(quota='{ A = "40%", B = "60%", C = "95%", D = "100%" }'))
    tied = run(source, marks(100, 80, 80, 60, 40))
    assert tied.letters == "AABCD"
    assert "A 的分数线也是 80，同分按“统一社会信用代码”排在后面" in told(tied.result, "企业3")
    assert "A 的分数线 100，还差 20 分" in told(result, "企业2")


def test_one_enterprise_and_nobody_graded() -> None:
    alone = run(policy(), marks(50)).result
    assert "1 家中第 1 名" in told(alone, "企业1")
    nobody = run(
        policy('[[exempt]]\nname = "都不评"\nwhen = "成绩 >= 0"\nthen = "不参评"\n'), marks(50, 60)
    ).result
    assert "不参评：都不评" in told(nobody, "企业2")


def test_an_unknown_enterprise_is_said_so() -> None:
    result = run(policy(), marks(50)).result
    with pytest.raises(UnknownEnterprise):
        explain(result, "没有这一户")


def test_members_of_a_merged_subject_are_found_by_code_and_name() -> None:
    source = policy(
        """
[merge]
by = "宗地号"
land = "用地"
result = "共享"
""",
        inputs='宗地号 = { type = "文本", missing = "视为缺" }\n用地 = { unit = "亩", missing = 0 }',
    )
    rows = {
        "主": {"成绩": 40, "宗地号": "甲", "用地": 9},
        "从": {"成绩": 30, "宗地号": "甲", "用地": 1},
        "独": {"成绩": 50, "宗地号": None, "用地": 5},
    }
    result = run(source, rows).result
    for who in ("从", result.given.frame[CODE][1]):
        explanation = explain(result, who)
        assert (explanation.name, explanation.code) == ("从", result.given.frame[CODE][1])
        assert explanation.subject == result.given.frame[CODE][0]
        assert "主与从合并评价，数据相加" in "\n".join(explanation.lines())


@settings(max_examples=25)
@given(st.lists(st.integers(-50, 150) | st.none(), min_size=1, max_size=12))
def test_every_row_of_any_result_can_be_told(values: list[int | None]) -> None:
    result = run(policy(indicator="[class.企业]\n" + indicator()), marks(*values)).result
    for name in result.values["企业名称"]:
        lines = explain(result, name).lines()
        assert lines[0] == name
        grade = result.grades[GRADE][result.rows[explain(result, name).code]]
        assert grade is None or f"综合等级 {grade}" in lines[1]


def test_a_result_whose_values_were_sealed_is_told_the_same() -> None:
    result = run(policy(), marks(90, 50, 20)).result
    again = replace(result, values=result.values.clone())
    assert told(again, "企业2") == told(result, "企业2")


# -- at the edges --------------------------------------------------------------------------------------


def chinese_left(result: Result, line: str) -> str:
    """What is still Chinese in an English line once names, units and labels are taken away."""
    plan = result.plan
    words = {*plan.by_name, *plan.classes, *(node.title for node in plan.nodes), CODE, *NUMBERS, *TAGS}
    words |= {node.unit for node in plan.nodes if isinstance(node, Numeric)}
    words |= {label for labels in result.labels.values() for label in labels}
    words |= {label for node in plan.nodes if isinstance(node, CodeInput) for label in node.levels}
    words |= {grade.name for grade in plan.document.grade.values()} | set(result.values[NAME])
    words |= {rule.reason for rule in plan.standing.rules} | {move.title for move in plan.regrading.moves}
    for word in sorted(words, key=len, reverse=True):
        line = line.replace(word, "") if word else line
    return "".join(re.findall(r"[\u4e00-\u9fff]+", line))


@settings(max_examples=25 * MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(cities())
def test_every_row_of_a_small_city_is_told_in_both_languages(city: City) -> None:
    try:
        result = evaluate(city.plan, city.facts, previous=city.previous)
    except DataError:
        reject()
    for row, code in enumerate(result.values[CODE]):
        explanation = explain(result, code)
        json.dumps(explanation.json("en"), ensure_ascii=False)
        assert [
            chinese_left(result, line) for line in explanation.lines("en") if chinese_left(result, line)
        ] == []
        for reason in all_reasons(explanation.root):
            node = result.plan.by_name.get(reason.node)
            if isinstance(node, Numeric) and reason.value is not None:
                assert (reason.value, reason.unit) == (result.figure(row, reason.node), node.unit)
        assert_gap_is_true(result, row, explanation.lines()[1])


def assert_gap_is_true(result: Result, row: int, sentence: str) -> None:
    """With as many points more as the sentence says are missing, the row would stand where the better grade does."""
    found = re.search(r"；(\w) 的分数线 (-?[\d.]+)，还差 ([\d.]+) 分", sentence)
    if found is None:
        return
    better, line, gap = found.group(1), Decimal(found.group(2)), Decimal(found.group(3))
    assert gap > 0
    assert Decimal(result.grades["总分"][row]) + gap == line
    ranking = ranking_of(result, row)
    assert ranking is not None
    by_place = all(bound.at_least is None for bound in ranking.bounds[: result.plan.grades.index(better) + 1])
    if (
        by_place and "按全体" not in sentence
    ):  # whoever stands at that place may have its grade in its own group
        assert any(
            grade is not None and grade <= better and Decimal(total) == line
            for grade, total in zip(result.grades["初评等级"], result.grades["总分"], strict=True)
            if total is not None
        )


@pytest.mark.parametrize("name", ["甲", "乙", "丙", "丁", "戊", "己"])
def test_the_worked_totals_in_words(name: str) -> None:
    """甲 114.784, 乙 57.191, 丙 9.371, 丁 115.530, 戊 22.914, 己 0 (facts of policies, 7A)."""
    totals = {"甲": 114.784, "乙": 57.191, "丙": 9.371, "丁": 115.530, "戊": 22.914, "己": 0}
    result = run(text_of("zj-huangyan-2022"), HUANGYAN, year=2022).result
    shown = re.search(r"总分 ([\d.]+)", told(result, name))
    assert shown is not None
    assert abs(float(shown.group(1)) - totals[name]) < 0.0006


def test_a_name_stands_for_its_own_code() -> None:
    result = run(policy(), marks(90, 50, 20)).result
    explanation = explain(result, "企业2")
    assert (explanation.code, explanation.subject) == (result.values[CODE][1], result.values[CODE][1])


QUOTIENT = 'by = "比值", base = 10, cap = "不设", floor = 0'


def quotient(**keys: str) -> str:
    """税收 ÷ 用地; 减项, which nobody has, is 0 where it is missing."""
    return policy(
        inputs='税收 = { unit = "万元", missing = "得零分", from = "税务局" }\n用地 = { unit = "亩", missing = "得零分" }\n'
        '减项 = { unit = "万元", missing = 0 }\n',
        indicator="[class.企业]\n"
        + indicator(
            keys.pop("formula", "(税收 - 减项) / 用地"),
            unit="万元/亩",
            score=keys.pop("score", QUOTIENT),
            more=keys.pop("rules", 'zero = "满分"'),
        ),
        **keys,
    )


def test_a_divisor_of_zero_is_not_blamed_on_a_figure_that_the_policy_replaces() -> None:
    result = run(
        quotient(), {"甲": {"税收": 90, "用地": 0}, "乙": {"税收": 90, "用地": 9}, "丙": {"用地": 9}}
    ).result
    assert "90 万元 − 0 万元) ÷ 0 亩的分母或基准不大于零，按办法取100 分，得 100 分" in told(result, "甲")
    assert "税务局未提供税收，按办法取0 分，得 0 分" in told(result, "丙")
    assert "减项未提供" not in told(result, "丙")
    assert "减项：未提供，按 0 万元 计" in told(result, "丙")


def test_a_group_without_a_mean_above_zero_is_the_base_s_fault() -> None:
    score = 'by = "比值", base = { of = "同组平均" }, cap = "不设", floor = 0'
    result = run(quotient(score=score), {"甲": {"税收": 0, "用地": 5}, "乙": {"税收": 0, "用地": 9}}).result
    assert "的分母或基准不大于零，按办法取100 分" in told(result, "甲")


def test_words_of_a_formula_are_translated() -> None:
    formula = "最大(税收 - 减项, 0) / 用地"
    result = run(quotient(formula=formula), {"甲": {"税收": 90, "用地": 9}}).result
    assert "（最大(90 万元 − 0 万元，0) ÷ 9 亩）" in told(result, "甲")
    assert "max(90 万元 − 0 万元, 0) ÷ 9 亩" in told(result, "甲", "en")


def test_a_group_too_small_for_its_own_base_names_everyone() -> None:
    score = 'by = "比值", base = { of = "同组平均", by = ["行业"], small = { below = 2, then = "按全体" } }, cap = "不设", floor = 0'
    source = policy(
        inputs='行业 = { type = "文本", missing = "其他" }',
        indicator="[class.企业]\n" + indicator(score=score, more='zero = "得零分"'),
    )
    rows = {
        "甲": {"成绩": 90, "行业": "钢铁"},
        "乙": {"成绩": 30, "行业": "钢铁"},
        "丙": {"成绩": 60, "行业": "食品"},
    }
    result = run(source, rows).result
    assert "基准 60（钢铁平均）" in told(result, "甲")
    assert "基准 60（全体平均）" in told(result, "丙")


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ('{ of = "上年同组平均" }', "基准 40（上年全体平均）"),
        ('{ of = "同组分位", percentile = "90%" }', "基准 90（全体90% 分位）"),
        ('{ 甲 = 30, "*" = 20 }, by_group = "行业"', "基准 30（已公布）"),
    ],
)
def test_how_a_base_arose(base: str, words: str) -> None:
    source = policy(
        inputs='行业 = { type = "文本", missing = "其他" }',
        indicator="[class.企业]\n"
        + indicator(score=f'by = "比值", base = {base}, cap = "不设", floor = 0', more='zero = "得零分"'),
        grading=graded(within='["行业"]', small='{ below = 2, then = "合并小组" }'),
    )
    rows = {"企业1": {"成绩": 90, "行业": "甲"}, "企业2": {"成绩": 30, "行业": "甲"}}
    result = run(source, rows, previous={"企业1": {"成绩": 40, "行业": "甲"}}).result
    assert words in told(result, "企业1")


def test_scores_by_range_by_place_and_by_bands() -> None:
    def words(score: str) -> str:
        return told(
            run(policy(indicator="[class.企业]\n" + indicator(score=score)), marks(90, 50, 10)).result,
            "企业2",
        )

    assert "同组最小 10、最大 90，得 50 分" in words('by = "极差", bottom = 0, equal = "满分"')
    assert "同组第 2 名，得 66.67 分" in words('by = "名次"')
    assert "按分档，得 30 分" in words('by = "分档", bands = [[60, 100], [40, 30]]')


def test_limits_say_how_points_became_one_figure() -> None:
    def words(take: str, cap: str) -> str:
        more = f'[limit]\n加分 = {{ take = "{take}", cap = {cap} }}\n' + "".join(
            f'[[bonus]]\nname = "{name}"\nwhen = "成绩 > 0"\nadd = {points}\nlimit = "加分"\n'
            for name, points in (("高新", 3), ("专精", 4))
        )
        return told(run(policy(more), marks(90)).result, "企业1")

    assert "加分 +7 分\n" in words("合计", "10") + "\n"
    assert "加分 +5 分（合计，上限 5）" in words("合计", "5")
    assert "加分 +4 分（取最高一项）" in words("最高一项", "10")
    assert "加分 +3 分（取第一项）" in words("第一项", '"不设"')
    assert "加分 +2 分（取第一项，上限 2）" in words("第一项", "2")


def test_a_cap_on_the_total_is_told() -> None:
    capped = SCORING.replace('cap = "不设"', "cap = 100")
    result = run(policy(scoring=capped), marks(130, 60)).result
    assert "各项合计 130 分，达到上限 100 分" in told(result, "企业1")
    assert "各项合计" not in told(result, "企业2")


def test_a_score_line_is_the_file_s_and_not_the_last_one_above_it() -> None:
    grading = graded(quota='{ A = ">= 80分", B = ">= 60分", C = "95%", D = "100%" }', round='{ C = "进一" }')
    result = run(policy(grading=grading), marks(95, 71, 40)).result
    assert "A 的分数线 80，还差 9 分" in told(result, "企业2")
    assert "B 的分数线 60，还差 20 分" in told(result, "企业3")


def test_places_by_another_key_have_no_score_line() -> None:
    """The last has the best score and the worst place: nothing is missing in points."""
    grading = graded(order='["排序 降", "统一社会信用代码 升"]')
    inputs = '排序 = { unit = "1", digits = 0, missing = 0 }'
    rows = {f"企业{at}": {"成绩": 10 * at, "排序": 9 - at} for at in range(1, 6)}
    result = run(policy(inputs=inputs, grading=grading), rows).result
    assert all("分数线" not in told(result, name) for name in rows)


def test_a_tie_names_the_key_that_told_the_two_apart() -> None:
    grading = graded(
        order='["总分 降", "排序 降", "统一社会信用代码 升"]',
        quota='{ A = "50%", B = "60%", C = "95%", D = "100%" }',
    )
    inputs = '排序 = { unit = "1", digits = 0, missing = 0 }'

    def words(first: int, second: int) -> str:
        rows = {"甲": {"成绩": 80, "排序": first}, "乙": {"成绩": 80, "排序": second}}
        return told(run(policy(inputs=inputs, grading=grading), rows).result, "乙")

    assert "同分按“排序”排在后面" in words(5, 4)
    assert "同分按“统一社会信用代码”排在后面" in words(5, 5)


def test_small_groups_say_whom_they_are_ranked_with() -> None:
    rows = {f"企业{at}": {"成绩": 100 - at, "行业": "钢铁"} for at in range(4)}
    rows["食"] = {"成绩": 50, "行业": "食品"}
    rows["纸"] = {"成绩": 40, "行业": "造纸"}
    inputs = '行业 = { type = "文本", missing = "其他" }'

    def words(then: str) -> str:
        grading = graded(within='["行业"]', small=f'{{ below = 2, then = "{then}" }}')
        return told(run(policy(inputs=inputs, grading=grading), rows).result, "食")

    assert "食品等户数少的组合并 2 家中第 1 名" in words("合并小组")
    assert "全体（食品户数少，按全体排名） 6 家中第 5 名；B 的分数线" in words("按全体")


def test_two_steps_tell_the_place_in_each() -> None:
    grading = (
        '[grading]\nmethod = "两步"\norder = ["总分 降", "统一社会信用代码 升"]\ncounted = ["参评"]\n'
        'ties = "按排序键"\nvetoed = "占名额"\ndirect = "占名额"\nrest = "B"\n'
        '[[grading.step]]\nfrom = "前50%"\norder = ["成绩单 升", "统一社会信用代码 升"]\nfirst = "25%"\nround = "进一"\ngrade = "A"\n'
        '[[grading.step]]\nfrom = "后50%"\norder = ["成绩单 升", "统一社会信用代码 升"]\nfirst = "25%"\nround = "进一"\ngrade = "C"\n'
    )
    outcome = run(policy(grading=grading), marks(90, 80, 70, 60))
    assert outcome.letters == "BABC"
    assert "第 1 步：总分名次前 50%的企业按“成绩单”重新排，第 2 名，A 取前 1 名" in told(
        outcome.result, "企业1"
    )
    assert "第 2 步：总分名次后 50%" in told(outcome.result, "企业4")


def test_conditions_and_dates_in_words() -> None:
    more = '[[exempt]]\nname = "新投产"\nwhen = "新"\nthen = "暂缓评价"\n'
    source = policy(
        more, inputs='投产 = { type = "日期", missing = "视为缺" }', define='新 = { when = "满年(投产) < 2" }'
    )
    result = run(
        source, {"甲": {"成绩": 9, "投产": date(2024, 3, 5)}, "乙": {"成绩": 9, "投产": date(2014, 3, 5)}}
    ).result
    assert "暂缓评价：新投产" in told(result, "甲")
    assert "新 成立" in told(result, "甲")
    assert "新 true" in told(result, "甲", "en")


def test_an_indicator_that_excludes_shows_what_is_missing() -> None:
    source = quotient(rules='zero = "不参评：无用地"\nmissing = "不参评：缺数据"')
    result = run(
        source, {"甲": {"税收": 90, "用地": 0}, "乙": {"用地": 5}, "丙": {"税收": 9, "用地": 3}}
    ).result
    assert "不参评：无用地" in told(result, "甲")
    assert "用地 0 亩" in told(result, "甲")
    assert "不参评：缺数据" in told(result, "乙")
    assert "税收：未提供" in told(result, "乙")


def test_the_cells_of_a_merged_subject_are_those_of_all_members() -> None:
    source = policy(
        '[merge]\nby = "宗地号"\nland = "用地"\nresult = "共享"\n',
        inputs='宗地号 = { type = "文本", missing = "视为缺" }\n用地 = { unit = "亩", missing = 0 }',
    )
    facts = make_facts(
        {"主": {"成绩": 40, "宗地号": "甲", "用地": 9}, "从": {"成绩": 30, "宗地号": "甲", "用地": 1}}
    )
    sheet = SourceTable(
        "统计.xlsx", "年报", "统计", "statistics", "", {"成绩": "C"},
        pl.DataFrame({CODE: facts.frame[CODE], ROW: [5, 6], "成绩": facts.frame["成绩"]}),
    )  # fmt: skip
    result = run(source, replace(facts, sources=(sheet,))).result
    assert "成绩 70（统计.xlsx · 年报 · C5、统计.xlsx · 年报 · C6）" in told(result, "从")
