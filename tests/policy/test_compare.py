"""Two results beside each other: who moves, and which changed rule moved them."""

from __future__ import annotations

from small_policies import graded, make_facts, marks, policy, run

from muheng.intake.facts import CODE, NAME
from muheng.policy.compare import compare
from muheng.policy.run import evaluate

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
