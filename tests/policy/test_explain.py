"""Why a grade: the sentences a manager reads, from the grade down to the cell."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import graded, indicator, make_facts, marks, policy, run
from test_worked_values import HUANGYAN, text_of

from muheng.intake.facts import CODE, ROW, Facts, SourceTable
from muheng.policy.explain import Reason, UnknownEnterprise, explain
from muheng.policy.plan import GRADE, Numeric
from muheng.policy.run import Result


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
