"""Everybody alike, by hand; and never cheaper than the plan."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emergency.options.t1_list import KG, WAN, build, common_settings, kilograms, t1_list, t1_twin
from muheng.emergency.comparison import AsFiled, compare
from muheng.emergency.inventory.model import Filed, Firm, Inventory, Line, Source
from muheng.emergency.plan.solve import solve


def two_lines(*grades: str, others: float = 0) -> Inventory:
    """Two kilns of 100 kg SO2: one loses 10,000 yuan by a stop, the other 30,000."""
    firms = tuple(
        Firm(f"F{i}", f"示例企业{i}", "甲县", trade="砖瓦窑", grade=grade) for i, grade in enumerate(grades)
    )
    lines = tuple(
        Line(f"F{i}-1", f"F{i}", f"{i}号窑", daily=kilograms((100, 0, 0, 0)), stop_loss=loss * WAN)
        for i, loss in enumerate((1, 3)[: len(grades)])
    )
    base = (Source("其他源", kilograms((others, 0, 0, 0))),) if others else ()
    return Inventory("示例清单", firms, lines, base=base)


def test_everybody_the_same_part() -> None:
    # 20 % of 200 kg is 40 kg: 20 % of each line, 0.2 of 40,000 yuan; offered is 30 % and more.
    built = build(two_lines("", ""), "orange")
    plan = solve(built.problem)
    (found,) = compare(plan, built)
    assert plan.levels[0].loss == WAN // 2  # half of the cheaper kiln: 50 kg
    assert found.uniform is not None
    assert (found.uniform.part, found.uniform.loss) == (Fraction(1, 5), 4 * WAN // 5)
    assert found.uniform.reductions == (40 * KG, 0, 0, 0)
    assert found.uniform_offered is not None
    assert (found.uniform_offered.part, found.uniform_offered.loss) == (Fraction(3, 10), 12 * WAN // 10)
    assert found.saved(found.uniform) == 3 * WAN // 10
    assert found.times(found.uniform_offered) == Fraction(12, 5)
    assert found.uniform.lines == found.uniform_offered.lines == 2
    assert found.lines == 1


def test_what_is_filed_stands_beside_the_plan() -> None:
    # The dearer kiln is filed for a stop: 100 kg for 30,000 yuan, where 40 kg are asked.
    held = two_lines("", "")
    filed = replace(held, filed=(Filed("F1-1", "orange", "停产", "停产", 1000),))
    built = build(filed, "orange")
    (found,) = compare(solve(built.problem), built)
    assert found.filed == AsFiled(3 * WAN, (100 * KG, 0, 0, 0), 1, True)
    mild = replace(held, filed=(Filed("F0-1", "orange", "限产30%", "限产", 300),))
    built = build(mild, "orange")
    (found,) = compare(solve(built.problem), built)
    assert found.filed == AsFiled(3 * WAN // 10, (30 * KG, 0, 0, 0), 1, False)
    assert compare(solve(build(held, "orange").problem))[0].filed is None


def test_by_grade_three_to_two_to_one() -> None:
    # D stands, which is 100 kg; C and B then have nothing left to give at orange.
    built = build(two_lines("D", "B"), "orange")
    (found,) = compare(solve(built.problem), built)
    assert found.graded is not None
    assert found.graded.part == 0
    # C twice as much as B: 3x of 100 kg = 40 kg.
    built = build(two_lines("C", "B"), "orange")
    (found,) = compare(solve(built.problem), built)
    assert found.graded is not None
    assert found.graded.part == Fraction(2, 15)
    assert found.graded.loss == round(WAN * (Fraction(4, 15) + 3 * Fraction(2, 15)))


def test_where_alike_does_not_reach_nothing_is_said() -> None:
    built = build(two_lines("A", "B", others=800), "orange")  # 20 % of 1,000 kg, and one line of 100
    plan = solve(built.problem)
    assert plan.levels[0].shortfall[0] == 100 * KG
    (found,) = compare(plan, built)
    assert found.uniform is not None  # beside what the plan reaches
    assert found.uniform.part == 1
    assert found.saved(found.uniform) == 0


@pytest.mark.parametrize("inventory", [t1_list(), t1_twin()])
def test_the_plan_is_never_dearer_than_offered_alike(inventory: Inventory) -> None:
    built = build(inventory)
    for v, level in enumerate(("yellow", "orange", "red")):
        alone = build(inventory, level)
        (found,) = compare(solve(alone.problem), alone)
        assert found.uniform_offered is not None
        assert found.saved(found.uniform_offered) >= 0  # type: ignore[operator]
        assert built.needs[v] == alone.needs[0]


@given(
    st.lists(st.tuples(st.integers(1, 90), st.integers(1, 40)), min_size=1, max_size=6), st.integers(1, 60)
)
def test_alike_reaches_every_need_exactly(kilns: list[tuple[int, int]], ratio: int) -> None:
    plain = two_lines("B", "B")
    firms = tuple(replace(plain.firms[0], code=f"F{i}") for i in range(len(kilns)))
    lines = tuple(
        replace(
            plain.lines[0],
            id=f"F{i}-1",
            firm=f"F{i}",
            daily=kilograms((so2, so2 / 2, 0, 0)),
            stop_loss=loss * WAN,
        )
        for i, (so2, loss) in enumerate(kilns)
    )
    settings = common_settings()
    ratios = settings.ratio.orange.model_copy(update={"so2": ratio, "nox": ratio // 2, "pm": 0, "voc": 0})
    settings = settings.model_copy(update={"ratio": settings.ratio.model_copy(update={"orange": ratios})})
    built = build(Inventory("示例", firms, lines), "orange", settings=settings)
    (found,) = compare(solve(built.problem), built)
    assert found.uniform is not None
    assert found.uniform.part == Fraction(built.needs[0].lines[0], sum(line.daily[0] for line in lines))
    assert found.uniform.reductions[0] == built.needs[0].lines[0]
