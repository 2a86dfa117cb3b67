"""Two results beside each other: who moves, and which changed rule moved them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from small_city import YEAR, City, cities, policies, rosters
from small_policies import GRADE, graded, indicator, make_facts, marks, policy, run

from muheng.intake.facts import CODE, NAME, Facts
from muheng.policy.bind import DataError
from muheng.policy.change import differences, make_change, read_data
from muheng.policy.compare import compare
from muheng.policy.run import Result, evaluate

MANY = int(os.environ.get("MUHENG_EXAMPLES", "1"))

VETO = '[[veto]]\nname = "不及格"\nwhen = "成绩 < 30"\nthen = "最高 D"\n'


def test_the_same_results_differ_in_nothing() -> None:
    result = run(policy(), marks(*range(10, 100, 9))).result
    found = compare(result, result)
    assert (found.moves.height, found.causes, found.only_before, found.only_after) == (0, (), (), ())
    assert found.matrix["户数"].sum() == 10


def test_moves_are_the_difference_of_the_two_lists() -> None:
    before = run(policy(), marks(*range(5, 105, 5))).result
    after = run(
        policy(grading=graded(quota='{ A = "50%", B = "60%", C = "95%", D = "100%" }')), before.facts
    ).result
    found = compare(before, after)
    pairs = zip(before.grades["等级"], after.grades["等级"], strict=True)
    moved = [code for code, (a, b) in zip(before.grades[CODE], pairs, strict=True) if a != b]
    assert found.moves[CODE].to_list() == moved
    assert found.moves.height == 6
    assert set(found.moves["新等级"]) == {"A"}


def test_each_move_has_the_change_that_made_it() -> None:
    # Twenty enterprises: a larger A moves two, a veto on the worst four moves three (one was D already).
    facts = make_facts(marks(*range(5, 105, 5)))
    before = run(policy(), facts).result
    wider = graded(quota='{ A = "30%", B = "60%", C = "95%", D = "100%" }')
    after = run(policy(VETO.replace("< 30", "<= 20"), grading=wider), facts).result
    found = compare(before, after)
    assert [cause.moved for cause in found.causes] == [2, 3]
    by_name = dict(zip(found.moves[NAME], found.moves["原因"], strict=True))
    assert by_name == {"企业15": "1", "企业16": "1", "企业2": "2", "企业3": "2", "企业4": "2"}
    assert "grading.quota" in str(found.causes[0].what)
    assert "veto" in str(found.causes[1].what)


def test_other_wording_moves_nobody_and_is_no_cause() -> None:
    facts = make_facts(marks(*range(10, 100, 9)))
    before = run(policy(), facts).result
    after = run(
        policy().replace('name = "测试"', 'name = "改了名"').replace("open = []", 'open = ["问题"]'), facts
    ).result
    assert compare(before, after).causes == ()


def test_changes_that_only_work_together_are_one_cause() -> None:
    facts = make_facts(marks(*range(10, 100, 9)))
    before = run(policy(), facts).result
    renamed = policy(
        grade='[grade]\nA = { name = "优先" }\nB = { name = "支持" }\nC = { name = "其他" }\n',
        grading=graded(quota='{ A = "20%", B = "60%", C = "100%" }', round='{ A = "舍去", B = "舍去" }'),
    )
    found = compare(before, run(renamed, facts).result)
    assert len(found.causes) == 1
    assert found.moves["新等级"].to_list() == ["C"]


def test_other_data_are_the_last_cause() -> None:
    before = run(policy(), marks(90, 80, 70, 60, 50)).result
    after = run(policy(), {**marks(10, 80, 70, 60, 50), "新来": {"成绩": 99}}, year=2025).result
    found = compare(before, after)
    assert str(found.causes[-1].what) == "数据由 2024 年换为 2025 年"
    assert len(found.only_after) == 1
    assert found.only_before == ()


def test_ties_at_the_cuts_are_told() -> None:
    result = run(
        policy(grading=graded(quota='{ A = "40%", B = "60%", C = "95%", D = "100%" }')), marks(9, 8, 8, 8, 1)
    )
    found = compare(result.result, result.result)
    assert [(cut.better, cut.tied, cut.key.name) for cut in found.ties] == [
        ("A", 3, "统一社会信用代码"),
        ("B", 3, "统一社会信用代码"),
    ]
    assert any("分界处 3 户同为 8.00 分" in line for line in found.lines())


def test_merged_members_are_compared_one_by_one() -> None:
    source = policy(
        '[merge]\nby = "宗地号"\nland = "用地"\nresult = "共享"\n',
        inputs='宗地号 = { type = "文本", missing = "视为缺" }\n用地 = { unit = "亩", missing = 0 }',
    )
    rows = {
        f"企业{at}": {"成绩": at, "宗地号": "甲" if at < 3 else f"丁{at}", "用地": 1} for at in range(1, 11)
    }
    before = run(source, rows).result
    after = evaluate(before.plan, before.given)
    found = compare(before, after)
    assert found.matrix["户数"].sum() == 10


def test_a_cause_for_each_changed_rule_worked_by_hand() -> None:
    """Ten enterprises, 10 to 100 points; A 2, B 4, C 3, D 1. Three changes, in the order of the file:
    a base of 200 halves every score and moves nobody; a bonus of 30 lifts 60 over 70 and 80 (of 30, 35, 40);
    a veto takes the best to D, and the place stays taken."""
    facts = make_facts({**marks(*range(10, 110, 10))})
    bonus = '[limit]\n加分 = { take = "合计", cap = 50 }\n[[bonus]]\nname = "特"\nwhen = "成绩 == 60"\nadd = 30\nlimit = "加分"\n'
    veto = '[[veto]]\nname = "事故"\nwhen = "成绩 == 100"\nthen = "最高 D"\n'
    before = run(policy(), facts).result
    after = run(
        policy(
            bonus + veto,
            indicator="[class.企业]\n"
            + indicator(score='by = "比值", base = 200, cap = "不设", floor = "不设"'),
        ),
        facts,
    ).result
    found = compare(before, after)
    told = [(str(cause.changes[-1].place[0]), cause.moved) for cause in found.causes]
    assert told == [("class", 0), ("bonus", 2), ("veto", 1)]
    moves = {row[1]: (row[2], row[3], row[-1]) for row in found.moves.iter_rows()}
    assert moves == {"企业6": ("B", "A", "2"), "企业9": ("A", "B", "2"), "企业10": ("A", "D", "3")}


def test_a_rule_with_another_name_is_one_change() -> None:
    facts = make_facts(marks(*range(10, 110, 10)))
    limit = '[limit]\n加分 = { take = "合计", cap = 50 }\n'

    def bonus(name: str) -> str:
        return f'{limit}[[bonus]]\nname = "{name}"\nwhen = "成绩 == 60"\nadd = 30\nlimit = "加分"\n'

    found = compare(run(policy(bonus("甲")), facts).result, run(policy(bonus("乙")), facts).result)
    assert [cause.moved for cause in found.causes] == [0]
    assert found.moves.height == 0


def test_classes_in_another_order_are_another_rule() -> None:
    """An enterprise of both classes is of the first."""
    facts = make_facts(marks(*range(10, 110, 10)))
    classes = [
        f'[class.{name}]\nwhen = "成绩 {test}"\n{indicator(of=name, weight=weight)}'
        for name, test, weight in (("甲", "> 20", "100"), ("乙", "< 90", "100"))
    ]
    before = run(policy(indicator="".join(classes)), facts).result
    after = run(policy(indicator="".join(reversed(classes))), facts).result
    found = compare(before, after)
    assert len(found.causes) == 1
    assert found.causes[0].changes[0].place == ("class",)
    assert found.moves.height == found.causes[0].moved > 0


def test_other_names_of_grades_and_departments_are_no_cause() -> None:
    facts = make_facts(marks(*range(10, 110, 10)))
    before = run(policy(), facts).result
    changed = policy(grade=GRADE.replace("优先", "优先发展类"))
    changed = changed.replace(
        'missing = "得零分" }', 'missing = "得零分", from = "统计局", clause = "第二条" }'
    )
    assert compare(before, run(changed, facts).result).causes == ()


def test_last_year_s_data_alone_may_move_somebody() -> None:
    source = policy(
        indicator="[class.企业]\n"
        + indicator(
            score='by = "比值", base = { of = "上年同组平均" }, cap = 100, floor = 0', more='zero = "得零分"'
        ),
        grading=graded(
            quota='{ A = ">= 90分", B = "60%", C = "95%", D = "100%" }', round='{ B = "舍去", D = "进一" }'
        ),
    )
    rows = marks(50, 40, 30, 20)
    before = run(source, rows, previous=marks(40)).result
    after = run(source, rows, previous=marks(60)).result
    found = compare(before, after)
    assert [(str(cause.what), cause.moved) for cause in found.causes] == [("数据有改动", found.moves.height)]
    assert found.moves.height > 0
    assert set(found.moves["原因"]) == {"1"}


def test_another_year_with_the_same_figures_is_other_data() -> None:
    source = policy(
        '[[exempt]]\nname = "新投产"\nwhen = "满年(投产) < 2"\nthen = "暂缓评价"\n',
        inputs='投产 = { type = "日期", missing = "视为缺" }',
    )
    rows = {f"企业{at}": {"成绩": at, "投产": date(2020 + at % 4, 6, 1)} for at in range(1, 9)}
    found = compare(run(source, rows, year=2024).result, run(source, rows, year=2025).result)
    assert str(found.causes[-1].what) == "数据由 2024 年换为 2025 年"
    assert found.causes[-1].moved == found.moves.height > 0


def test_rules_that_need_other_data_and_those_data_are_one_cause() -> None:
    """The new rule refuses to run without a figure that only the second year's departments gave."""
    before = run(policy(), marks(90, 80, 70, 60, 50)).result
    needed = policy(
        '[[veto]]\nname = "事故"\nwhen = "事故 > 0"\nthen = "最高 D"\n',
        inputs='事故 = { unit = "1", missing = "报错" }',
    )
    rows = {
        name: {**row, "事故": 1 if name == "企业1" else 0} for name, row in marks(90, 80, 70, 60, 50).items()
    }
    found = compare(before, run(needed, rows, year=2025).result)
    assert len(found.causes) == 1
    assert "数据由 2024 年换为 2025 年" in str(found.causes[0].what)
    assert "veto" in str(found.causes[0].what)
    assert set(found.moves["原因"]) == {"1"}


def test_enterprises_of_one_year_only_are_listed_in_order() -> None:
    before = run(policy(), {f"企业{at}": {"成绩": at} for at in range(1, 9)}).result
    facts = make_facts(
        {f"企业{at}": {"成绩": at} for at in range(5, 13)},
        2025,
        codes={f"企业{at}": f"91{at:016d}" for at in range(5, 13)},
    )
    found = compare(before, run(policy(), facts).result)
    assert len(found.only_before) == 5
    assert list(found.only_before) == sorted(found.only_before)
    assert list(found.only_after) == sorted(found.only_after)
    assert found.matrix["户数"].sum() == 3


@settings(max_examples=6 * MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(cities(), policies(), rosters(YEAR), st.booleans())
def test_all_changes_made_lead_to_the_second_policy_and_every_move_has_a_cause(
    city: City, text: str, other: Facts, same_facts: bool
) -> None:
    target = read_data(text, "b")
    file = read_data(city.text, "a")
    for change in differences(file, target):
        file = make_change(file, change)
    assert file.data == target.data
    assert list(file.data["class"]) == list(target.data["class"])
    try:
        before = evaluate(city.plan, city.facts, previous=city.previous)
        second = replace(city, text=text, facts=city.facts if same_facts else other)
        after = evaluate(second.plan, second.facts, previous=city.previous)
    except DataError:
        reject()
    found = compare(before, after)
    assert "" not in found.moves["原因"].to_list()
    json.dumps(found.json("en"), ensure_ascii=False)
    assert found.lines("en")
    first, last = (dict(zip(each.grades[CODE], standing_of(each), strict=True)) for each in (before, after))
    moved = [code for code in first if code in last and first[code] != last[code]]
    assert found.moves[CODE].to_list() == moved
    assert found.matrix["户数"].sum() == len(first.keys() & last.keys())


def standing_of(result: Result) -> list[str]:
    return [
        grade or standing
        for grade, standing in zip(result.grades["等级"], result.grades["评价状态"], strict=True)
    ]
