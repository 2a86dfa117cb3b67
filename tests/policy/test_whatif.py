"""What-if: the kernel says what a full run of the changed policy says, whatever was tried before."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import compiled, graded, indicator, make_facts, policy

from muheng.policy.change import Change, PlaceError, make_change, read_change, read_data
from muheng.policy.plan import GRADE
from muheng.policy.run import Result, evaluate
from muheng.policy.whatif import Simulation, TrialError, change_policy, what_if

TWO = policy(
    inputs='行业 = { type = "文本", missing = "其他" }\n附加 = { unit = "1", digits = 2, missing = "同组平均得分" }',
    indicator="[class.企业]\n"
    + indicator(
        weight="60",
        score='by = "比值", base = { of = "同组平均", by = ["行业"] }, cap = "1.5倍权重", floor = 0',
        more='zero = "得零分"',
    )
    + indicator("附加", name="附加项", weight="40", score='by = "极差", bottom = 20, equal = "满分"'),
    grading=graded(within='["行业"]'),
)
ROWS = {
    f"企业{at}": {
        "成绩": (at * 37) % 101,
        "附加": None if at % 7 == 0 else (at * 53) % 97,
        "行业": "甲乙丙"[at % 3],
    }
    for at in range(1, 41)
}
CHANGES = {
    "weight": lambda value: Change(("class", "企业", "indicator", "成绩单", "weight"), 60, value),
    "cap": lambda value: Change(("class", "企业", "indicator", "成绩单", "score", "cap"), "", value),
    "bottom": lambda value: Change(
        ("class", "企业", "indicator", "附加项", "score", "bottom"), 20, value % 90
    ),
    "quota": lambda value: Change(("grading", "quota", "A"), "", f"{1 + value % 50}%"),
    "digits": lambda value: Change(("scoring", "total_digits"), 2, value % 3),
}


@pytest.fixture(scope="module")
def result() -> Result:
    return evaluate(compiled(TWO), make_facts(ROWS))


def grades_of(found: Result) -> list[int]:
    return [-1 if grade is None else grade for grade in found.values[GRADE]]


def test_a_weight_by_hand(result: Result) -> None:
    effect = Simulation(result).weigh("企业", "成绩单", 10)
    again = evaluate(
        change_policy(result.plan, [CHANGES["weight"](10), CHANGES["cap"]("1.5倍权重")]), result.facts
    )
    assert effect.grades.tolist() == grades_of(again)
    assert effect.matrix.sum() == 40
    assert effect.moved == sum(a != b for a, b in zip(grades_of(result), grades_of(again), strict=True))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(1, 99)), min_size=1, max_size=5))
def test_any_sequence_of_trials_equals_full_runs(trials: list[tuple[str, int]]) -> None:
    result = evaluate(compiled(TWO), make_facts(ROWS))
    simulation = Simulation(result)
    for kind, value in trials:
        change = CHANGES[kind](value)
        effect = simulation.change([change])
        plan = change_policy(result.plan, [change])
        assert effect.grades.tolist() == grades_of(evaluate(plan, result.facts))
    assert simulation.run(result.plan).moved == 0


def test_a_trial_that_fails_leaves_the_simulation_usable(result: Result) -> None:
    simulation = Simulation(result)
    with pytest.raises(TrialError):
        simulation.change([Change(("class", "企业", "indicator", "成绩单", "formula"), "", "成绩 / 没有")])
    assert simulation.run(result.plan).moved == 0


def test_commands_take_paths_as_people_write_them(result: Result) -> None:
    found = what_if(result, ["class.企业.indicator[成绩单].weight=5", "grading.quota.A=50%"])
    assert str(found.causes[0].what) == (
        "class.企业.indicator[成绩单].weight：60 → 5；grading.quota.A：20% → 50%"
    )
    assert found.moves.height > 0
    assert what_if(result, ["policy.name=换个名"]).moves.height == 0


@pytest.mark.parametrize(
    ("assignment", "hint"),
    [
        ("class.企业.indicator[成绩].weight=5", "成绩单"),
        ("grading.quotas.A=50%", "quota"),
        ("没有等号", "路径=值"),
        ("a..b=1", ""),
    ],
)
def test_a_path_that_leads_nowhere(result: Result, assignment: str, hint: str) -> None:
    with pytest.raises(PlaceError) as caught:
        what_if(result, [assignment])
    assert hint in f"{caught.value.what}{caught.value.fix or ''}"


def test_values_are_read_as_toml_or_text() -> None:
    file = read_data(TWO, "t")
    assert read_change(file, "scoring.total_digits=3").after == 3
    assert read_change(file, "class.企业.indicator[成绩单].weight=30.5").after == Decimal("30.5")
    assert read_change(file, "grading.quota.A=25%").after == "25%"
    assert read_change(file, 'grading.within=["行业"]').after == ["行业"]


def test_a_change_leaves_the_file_itself_alone() -> None:
    file = read_data(TWO, "t")
    changed = make_change(file, read_change(file, "scoring.total_digits=3"))
    assert changed.data["scoring"]["total_digits"] == 3
    assert file.data["scoring"]["total_digits"] == 2
