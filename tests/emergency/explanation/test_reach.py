"""What cannot be reached: which pollutant, how far, whose exemption; and that lifting it closes the gap."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from emergency.options.t1_list import KG, build, common_settings, kilograms, t1_list, t1_twin
from muheng.emergency.inventory.model import Firm, Inventory, Line
from muheng.emergency.plan.solve import solve
from muheng.emergency.plan.verify import verify
from muheng.emergency.reach import explain_reach, find_reach, lift_exemptions


def test_the_twin_is_explained() -> None:
    built = build(t1_twin())
    plan = solve(built.problem)
    assert verify(plan) == ()
    orange = explain_reach(plan, built)[1]
    so2 = orange.limits[0]
    # 20 % of 810 kg is 162; kilns 40 + 40, foundry 10, 30 % of the glass works' 110: 123.
    assert (so2.need, so2.most, so2.short) == (162 * KG, 123 * KG, 39 * KG)
    assert (so2.asked, so2.reachable) == (Fraction(1, 5), Fraction(123, 810))
    assert [(each.firm, each.rules, each.adds[0]) for each in orange.closers] == [
        ("F1", ("grade",), 120 * KG)
    ]
    assert orange.closes
    assert [str(each) for each in orange.said] == [
        "橙色：SO2 应减 162 千克/日，还差 39 千克/日；要求 20%，最高只能到 15.18%。",
        "示例企业1现在免于强制；不再免除，就能补上缺口。",
        "工艺不能停或不能再降，少减 SO2 77 千克/日：只有治理提升才减得下来。",
    ]
    lifted = solve(lift_exemptions(built, ["F1"]))
    assert lifted.levels[1].feasible


def test_a_plan_that_reaches_everything_says_nothing() -> None:
    built = build(t1_list())
    plan = solve(built.problem)
    assert all(each.feasible and each.said == () for each in explain_reach(plan, built))


def test_a_longer_notice_is_told() -> None:
    firm = Firm("F0", "示例企业0", "甲县")
    line = Line(
        "F0-1", "F0", "0号窑", daily=kilograms((100, 0, 0, 0)), stop_loss=100, stop_hours=48, least_load=900
    )
    built = build(Inventory("示例", (firm,), (line,)), "orange")
    plan = solve(built.problem)
    (orange,) = explain_reach(plan, built)
    assert orange.notice == (48, (100 * KG, 0, 0, 0))
    assert "提前 48 小时通知，还能多减 SO2 100 千克/日。" in [str(each) for each in orange.said]
    longer = build(Inventory("示例", (firm,), (line,)), "orange", notice_hours=48)
    assert solve(longer.problem).levels[0].feasible


def test_nobody_left_to_ask() -> None:
    plain = t1_list()
    everything = common_settings()
    ratios = everything.ratio.red.model_copy(update={"so2": 100})
    settings = everything.model_copy(update={"ratio": everything.ratio.model_copy(update={"red": ratios})})
    built = build(plain, "red", settings=settings)
    plan = solve(built.problem)
    (red,) = explain_reach(plan, built)
    assert not red.closes
    assert {each.firm for each in red.closers} == {"F1", "F6"}
    # All 480 kg are asked; others' 60 nobody cuts, of the glass works' 90 only 27.
    assert str(red.said[-2]) == "示例企业1、示例企业6现在免于强制；即使都不再免除，仍差 SO2 123 千克/日。"
    assert red.said[-2].render("en").endswith("even if none of them were, SO2 123 kg/d are still short.")


@given(st.integers(5, 95), st.sets(st.integers(0, 4)), st.lists(st.integers(0, 200), min_size=5, max_size=5))
def test_what_is_said_to_close_the_gap_closes_it(ratio: int, spared: set[int], amounts: list[int]) -> None:
    firms = tuple(Firm(f"F{i}", f"示例企业{i}", "甲县", grade="A" if i in spared else "C") for i in range(5))
    lines = tuple(
        Line(f"F{i}-1", f"F{i}", f"{i}号线", daily=kilograms((kg, 200 - kg, 0, 0)), stop_loss=100 + i)
        for i, kg in enumerate(amounts)
    )
    settings = common_settings()
    ratios = settings.ratio.orange.model_copy(update={"so2": ratio, "nox": ratio, "pm": 0, "voc": 0})
    settings = settings.model_copy(update={"ratio": settings.ratio.model_copy(update={"orange": ratios})})
    built = build(Inventory("示例", firms, lines), "orange", settings=settings)
    plan = solve(built.problem)
    (told,) = explain_reach(plan, built)
    assert told.feasible == plan.levels[0].feasible
    for p in range(4):
        assert told.limits[p].most == find_reach(built.problem)[0, p]
    if not told.feasible:
        assert told.closes  # nothing here is held back by the process
        lifted = solve(lift_exemptions(built, [each.firm for each in told.closers]))
        assert lifted.levels[0].feasible
        for each in told.closers:
            fewer = [other.firm for other in told.closers if other is not each]
            assert not solve(lift_exemptions(built, fewer)).levels[0].feasible
