"""Who bears the loss, by hand; and what fairness costs with the real solver."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from emergency.options.t1_list import KG, WAN, build, common_settings, t1_list
from muheng.emergency.plan.solve import solve
from muheng.emergency.plan.verify import verify
from muheng.emergency.spread import ask_fairness, price_fairness, share_by_county, spread


def test_who_bears_it() -> None:
    built = build(t1_list(), "orange")
    (found,) = spread(solve(built.problem))
    # 20.2: kiln 2 stands (9), foundry half (2), coating stands (5), glass 30 % (4.2).
    assert (found.loss, found.lines_cut, found.firms_cut) == (202 * WAN // 10, 4, 4)
    assert found.top_lines == found.top_firms == Fraction(90, 202)
    assert found.hard_hit == 2
    counties = {each.name: each for each in found.groups["county"]}
    assert counties["甲县"].loss == 11 * WAN
    assert counties["甲县"].part == Fraction(11, 83)
    assert counties["乙县"].reductions == (27 * KG, 59 * KG, 25 * KG, 161_500)
    assert [each.name for each in found.groups["size"]] == ["大", "中", "小"]
    assert [each.firms for each in found.groups["size"]] == [1, 3, 4]
    assert found.groups["size"][0].loss == 0  # the steel works is graded A
    assert sum(each.loss for each in found.groups["grade"]) == found.loss
    assert found.curve[0] == (0.0, 0.0)
    assert found.curve[-1] == (1.0, 1.0)
    # Losses 0 0 0 0 2 4.2 5 9 of eight: (2·(5·2 + 6·4.2 + 7·5 + 8·9) − 9·20.2) / (7·20.2).
    assert found.gini == pytest.approx((2 * 142.2 - 181.8) / 141.4)


def test_a_cap_on_each_enterprise_costs_something() -> None:
    built = build(t1_list(), "yellow")
    free, capped = price_fairness(built.problem, (None, Fraction(3, 10)))
    assert free.levels[0].loss == round(12.5 * WAN)
    assert free.dearer == (Fraction(0),)
    # Half of kiln 2 is more than three tenths of it; the coating shop has no other measure than to stand.
    assert capped.levels[0].loss >= free.levels[0].loss
    assert capped.cap == Fraction(3, 10)
    assert free.hardest == 1  # the coating shop stands in any case
    asked = ask_fairness(built.problem, Fraction(1, 2), Fraction(1, 2), None)
    assert asked.county_need is not None
    assert verify(solve(asked)) == ()


def test_demands_that_contradict_each_other_are_told() -> None:
    built = build(t1_list(), "yellow")
    # The foundry alone could cut its county's VOCs, but half of it is more than three tenths.
    _free, both = price_fairness(built.problem, (None, Fraction(3, 10)), (Fraction(1, 2),))
    assert both.levels == ()
    assert str(both.impossible) == "黄色预警：即使不要求减排比例，也做不到：F4 的损失上限。"


def test_shares_of_counties_are_those_of_the_settings() -> None:
    settings = common_settings()
    fairness = settings.fairness.model_copy(update={"county_share": Decimal(50)})
    asked = build(t1_list(), settings=settings.model_copy(update={"fairness": fairness}))
    plain = build(t1_list())
    assert asked.problem.county_need is not None
    found = share_by_county(plain.problem, Fraction(1, 2))
    # Glass cannot stop, but half and a stop of it stand among its measures: what it emits is known.
    assert found.tolist() == asked.problem.county_need.tolist()
