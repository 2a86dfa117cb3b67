"""Each rule between the list and the problem, on lists small enough to work by hand."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from emergency.options.t1_list import KG, WAN, build, common_settings, kilograms, t1_list
from muheng.emergency.inventory.model import Filed, Firm, Inventory, Line, Offer, Source
from muheng.emergency.norms import load_norms
from muheng.emergency.options import Built, UnusableList
from muheng.emergency.plan.solve import solve
from muheng.emergency.plan.verify import verify
from muheng.emergency.season import Burden, Episode, add_up_season, episode_of, list_turns, measure_season
from muheng.emergency.settings import Guarantee, Settings, Small, Supply


def firm(n: int = 0, **more: Any) -> Firm:
    return Firm(f"F{n}", f"示例企业{n}", "甲县", **more)


def line(n: int = 0, number: int = 1, **more: Any) -> Line:
    more = {"daily": kilograms((100, 50, 20, 10)), "stop_loss": WAN} | more
    return Line(f"F{n}-{number}", f"F{n}", f"{number}号线", **more)


def listed(firms: list[Firm], lines: list[Line], **more: Any) -> Inventory:
    return Inventory("示例清单", tuple(firms), tuple(lines), **more)


def with_ratio(**changes: Any) -> Settings:
    settings = common_settings()
    return settings.model_copy(update={"ratio": settings.ratio.model_copy(update=changes)})


def executed(settings: Settings | None = None, **changes: Any) -> Settings:
    settings = settings or common_settings()
    return settings.model_copy(update={"execution": settings.execution.model_copy(update=changes)})


def fair(**changes: Any) -> Settings:
    settings = common_settings()
    return settings.model_copy(update={"fairness": settings.fairness.model_copy(update=changes)})


def allowed(built: Built, line_id: str, v: int = 0) -> list[str]:
    """Names of what a line may do."""
    i = built.problem.lines.to_list().index(line_id)
    assert built.problem.permitted is not None
    return [built.options[o].name for o in built.line_options(i) if built.problem.permitted[v, o]]


def reasons(built: Built, line_id: str, v: int = 0) -> dict[str, str]:
    i = built.problem.lines.to_list().index(line_id)
    return {
        built.options[o].name: str(why)
        for o in built.line_options(i)
        if (why := built.left_out(v, o)) is not None
    }


# -- what has to be cut -----------------------------------------------------------------------------------

OTHERS = (
    Source("扬尘源", kilograms((0, 0, 100, 0)), {"orange": kilograms((0, 0, 30, 0))}),
    Source("移动源", kilograms((10, 150, 0, 0)), {"orange": kilograms((0, 15, 0, 0))}),
)


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        # Two running lines of 100, 50, 20, 10; one of them spared; others 10, 150, 100, 0 of which 0, 15, 30, 0 go.
        ("all_society", (42_000, 35_000, 0, 4_000)),
        ("industry", (40_000, 20_000, 8_000, 4_000)),
        ("controlled_firms", (20_000, 10_000, 4_000, 2_000)),
    ],
)
def test_what_the_ratio_is_of(base: str, expected: tuple[int, ...]) -> None:
    firms = [firm(0), firm(1, grade="A"), firm(2, stopped=True)]
    built = build(
        listed(firms, [line(0), line(1), line(2)], base=OTHERS), "orange", settings=with_ratio(base=base)
    )
    assert tuple(built.problem.need[0]) == expected
    assert built.needs[0].lines == expected


def test_long_stopped_enterprises_may_count_in_the_base_but_never_as_a_cut() -> None:
    plain = listed([firm(0), firm(2, stopped=True)], [line(0), line(2)])
    settings = with_ratio(base="industry", long_stopped="included")
    built = build(plain, "orange", settings=settings)
    assert built.problem.need[0, 0] == 40 * KG
    assert allowed(built, "F2-1") == ["正常生产"]
    assert built.problem.reduction[built.line_options(1).start].sum() == 0


def test_industry_may_be_more_than_the_list_but_not_less() -> None:
    more = Source("工业源", kilograms((500, 500, 500, 500)))
    built = build(listed([firm()], [line()], base=(more, *OTHERS)), "orange")
    assert tuple(built.needs[0].base) == kilograms((510, 650, 600, 500))
    less = Source("工业源", kilograms((99, 500, 500, 500)))
    with pytest.raises(UnusableList) as refused:
        build(listed([firm()], [line()], base=(less,)), "orange")
    assert [str(each) for each in refused.value.problems] == [
        "清单各生产线的 SO2 合计超过减排基数表里的工业源。请核对基数表或日排放量。"
    ]


def test_a_base_that_was_rounded_does_not_stop_the_work() -> None:
    rounded = Source("工业源", (99_500, 50_000, 20_000, 10_000))
    built = build(listed([firm()], [line()], base=(rounded,)), "orange")
    assert built.needs[0].base == kilograms((100, 50, 20, 10))
    assert "清单的 SO2 合计比工业源多，不到百分之一，按清单算。" in [str(each) for each in built.notes]


def test_needs_are_rounded_up_to_whole_grams() -> None:
    built = build(listed([firm()], [line(daily=(11, 0, 0, 0))]), "yellow")
    assert built.needs[0].exact[0] == Fraction(11, 10)
    assert built.problem.need[0, 0] == 2


def test_sources_that_do_not_count_still_emit() -> None:
    settings = with_ratio(sources_counted=("扬尘源",))
    built = build(listed([firm()], [line()], base=OTHERS), "orange", settings=settings)
    assert built.needs[0].base[1] == 200 * KG
    assert built.needs[0].others[1] == 0
    assert "移动源的减排量按设置不计入完成量。" in [str(each) for each in built.notes]


def test_so2_and_nox_make_up_for_each_other() -> None:
    # 20 % of each alone asks both kilns for something; the sum of 40 % is reached by the one that is all SO2.
    kilns = listed(
        [firm(0), firm(1)],
        [
            line(0, daily=kilograms((90, 0, 0, 0))),
            line(1, daily=kilograms((10, 100, 0, 0)), stop_loss=9 * WAN),
        ],
    )
    apart = solve(build(kilns, "orange").problem)
    built = build(kilns, "orange", settings=with_ratio(pooling=True))
    pooled = solve(built.problem)
    assert verify(pooled) == ()
    assert built.problem.pool is not None
    assert built.problem.pool.need == (Fraction(2, 5),)
    assert apart.levels[0].loss == 9 * WAN * 3 // 10 + WAN * 3 // 10
    assert pooled.levels[0].loss == WAN // 2  # half of the first kiln: 45 %


# -- who may be asked what ---------------------------------------------------------------------------------


def test_whole_lines_stop_where_there_are_several() -> None:
    lines = [line(0, 1), line(0, 2), line(1, 1), line(0, 3, continuous=True, least_load=500)]
    built = build(listed([firm(0), firm(1)], lines), "orange", settings=executed(whole_lines=True))
    assert allowed(built, "F0-1") == ["正常生产", "停产"]
    assert reasons(built, "F0-1")["限产30%"] == "企业有几条生产线，应整条停线，不逐条降负荷。"
    assert allowed(built, "F1-1") == ["正常生产", "限产30%", "限产50%", "停产"]
    assert allowed(built, "F0-3") == [
        "正常生产",
        "限产30%",
        "限产50%",
    ]  # it cannot stop, so it lowers its load


def test_a_stop_that_takes_longer_than_the_notice_is_left_out() -> None:
    slow = listed([firm()], [line(stop_hours=36)])
    assert allowed(build(slow, "orange"), "F0-1") == ["正常生产", "限产30%", "限产50%"]
    assert reasons(build(slow, "orange"), "F0-1") == {"停产": "停下来要 36 小时，只提前 24 小时通知。"}
    assert "停产" in allowed(build(slow, "orange", notice_hours=36), "F0-1")
    mixed = build(slow, notice_hours={"yellow": 48, "orange": 24, "red": 48})
    assert ["停产" in allowed(mixed, "F0-1", v) for v in range(3)] == [False, False, True]
    # A stop at yellow would have to last through orange, which may be called with less notice.
    assert reasons(mixed, "F0-1", 0) == {"停产": "下一级不允许这样严，为逐级加严，本级也不用。"}


def test_an_exemption_ends_at_its_level() -> None:
    built = build(listed([firm(guarantee="绿色引领")], [line()]))
    assert [len(allowed(built, "F0-1", v)) for v in range(3)] == [1, 1, 4]
    lower = build(listed([firm(guarantee="绿色引领", guarantee_level="yellow")], [line()]))
    assert [len(allowed(lower, "F0-1", v)) for v in range(3)] == [1, 4, 4]
    with pytest.raises(UnusableList, match="保障类型“亲戚”在应急减排设置里没有"):
        build(listed([firm(guarantee="亲戚")], [line()]))


def test_d_stops_or_does_its_strictest() -> None:
    lines = [line(0), line(1, continuous=True, least_load=600)]
    built = build(listed([firm(0, grade="D"), firm(1, grade="D")], lines))
    for v in range(3):
        assert allowed(built, "F0-1", v) == ["停产"]
        assert allowed(built, "F1-1", v) == ["限产30%"]
    assert str(built.rulings[0, 1].why) == "绩效 D 级应停产；工艺不允许停，取最严的一档。"


def test_a_grade_that_has_run_out_counts_no_more() -> None:
    plain = listed([firm(grade="A", grade_until=datetime.date(2026, 1, 1))], [line()])
    assert len(allowed(build(plain, "orange", on=datetime.date(2026, 1, 1)), "F0-1")) == 1
    lapsed = build(plain, "orange", on=datetime.date(2026, 1, 2))
    assert len(allowed(lapsed, "F0-1")) == 4
    assert "1 家企业的绩效等级已过期，按未评级算：示例企业0。" in [str(each) for each in lapsed.notes]


def test_who_is_too_small_is_spared() -> None:
    settings = common_settings(small=Small(yearly=Decimal(100)))
    lines = [
        line(0, yearly=(60 * KG, 40 * KG, 0, 0)),
        line(1, yearly=(60 * KG, 40 * KG, 1, 0)),
        line(2),  # neither its year nor its days are known
    ]
    built = build(listed([firm(0), firm(1), firm(2)], lines), "orange", settings=settings)
    assert [len(allowed(built, f"F{n}-1")) for n in range(3)] == [1, 4, 4]
    assert str(built.rulings[0, 0].why) == "小微涉气企业（四项合计每年不超过 100 千克），不强制减排。"


def test_what_an_enterprise_does_of_its_own_accord_counts_only_with_a_number() -> None:
    offers = (
        Offer("F0-1", "照常", 0, None, 0),
        Offer("F0-1", "自主减排", 1, "自主减排", 0),
        Offer("F0-1", "提高脱硝效率", 2, "提高治理效率", 0, cut=kilograms((0, 20, 0, 0)), loss=500),
    )
    built = build(listed([firm()], [line()], offers=offers), "orange")
    assert [tuple(row) for row in built.problem.reduction] == [
        (0, 0, 0, 0),
        (0, 0, 0, 0),
        kilograms((0, 20, 0, 0)),
    ]
    assert built.problem.loss.tolist() == [0, 0, 500]
    own = Filed("F0-1", "orange", "自主减排", "自主减排", 0, cut=kilograms((5, 0, 0, 0)))
    spared = build(listed([firm(grade="A")], [line()], filed=(own,)), "orange")
    assert allowed(spared, "F0-1") == ["自主减排"]
    assert built.options[0].as_usual


def test_stops_cost_their_restart_and_cuts_are_rounded_down() -> None:
    built = build(listed([firm()], [line(daily=(999, 0, 0, 0), stop_loss=1001, restart_cost=77)]), "orange")
    assert built.problem.loss.tolist() == [0, 300, 501, 1078]
    assert built.problem.reduction[:, 0].tolist() == [0, 299, 499, 999]


def test_what_a_stop_costs_may_be_shared_out_of_the_output() -> None:
    lines = [line(0, 1, stop_loss=400), line(0, 2, stop_loss=None), line(0, 3, stop_loss=None)]
    built = build(listed([firm(output=1001)], lines), "orange")
    assert built.stop_loss.tolist() == [400, 300, 300]
    refuse = common_settings()
    refuse = refuse.model_copy(update={"loss": refuse.loss.model_copy(update={"missing": "refuse"})})
    for settings, inventory in (
        (refuse, listed([firm(output=1001)], lines)),
        (None, listed([firm()], lines)),
    ):
        with pytest.raises(UnusableList, match="2 条生产线没写停产损失"):
            build(inventory, "orange", settings=settings)


def test_measures_that_cannot_be_compared_are_told() -> None:
    offers = (
        Offer("F0-1", "限产30%", 1, "限产", 300),
        Offer("F0-1", "停止喷涂", 2, "停止工序", 200, cut=kilograms((0, 0, 0, 9))),
    )
    built = build(listed([firm()], [line()], offers=offers), "orange")
    assert allowed(built, "F0-1") == ["正常生产", "限产30%", "停止喷涂"]
    assert str(built.notes[0]).startswith("1 条生产线的措施不能逐项比出松紧")


# -- norms and filed plans ---------------------------------------------------------------------------------


def test_norms_are_a_switch() -> None:
    norms, _found = load_norms()
    plain = listed([firm(0, trade="水泥", grade="B"), firm(1, trade="", grade="B")], [line(0), line(1)])
    assert len(allowed(build(plain, "orange", norms=norms), "F0-1")) == 4
    built = build(plain, norms=norms, settings=executed(norms=True))
    assert [allowed(built, "F0-1", v)[0] for v in range(3)] == ["正常生产", "限产30%", "限产50%"]
    assert reasons(built, "F0-1", 1) == {"正常生产": "水泥 B 级在本级至少减 30%。"}
    assert len(allowed(built, "F1-1", 2)) == 4  # of no trade that has norms
    with pytest.raises(UnusableList, match=r"没有最低措施表"):
        build(plain, settings=executed(norms=True))


def test_a_norm_of_a_part_is_counted_by_lines_where_whole_lines_stop() -> None:
    norms, _found = load_norms()
    losses = (5, 1, 3)
    lines = [line(0, number, stop_loss=loss * WAN) for number, loss in zip((1, 2, 3), losses, strict=True)]
    settings = executed(norms=True, whole_lines=True)
    built = build(listed([firm(0, trade="水泥", grade="B")], lines), "orange", norms=norms, settings=settings)
    plan = solve(built.problem)
    assert verify(plan) == ()
    # 30 % of three lines is one line, the cheapest; 20 % of the air asks for no more.
    assert [built.options[o].name for o in plan.chosen[0]] == ["正常生产", "停产", "正常生产"]
    red = build(listed([firm(0, trade="水泥", grade="B")], lines), "red", norms=norms, settings=settings)
    assert [red.options[o].name for o in solve(red.problem).chosen[0]] == ["正常生产", "停产", "停产"]


def test_filed_plans_bind_or_are_preferred() -> None:
    filed = (
        Filed("F0-1", "orange", "停1号窑", "限产", 500, text="停1号窑"),
        Filed("F1-1", "orange", "限产20%", "限产", 200),
    )
    plain = listed([firm(0), firm(1)], [line(0), line(1)], filed=filed)
    built = build(plain, "orange", settings=executed(filed="bind"))
    assert allowed(built, "F0-1") == ["限产50%"]  # the same measure under another name
    assert allowed(built, "F1-1") == ["限产20%"]
    assert reasons(built, "F1-1")["停产"] == "已备案的一厂一策在本级是“限产20%”。"
    preferred = build(plain, "orange")
    assert allowed(preferred, "F1-1") == ["正常生产", "限产20%", "限产30%", "限产50%", "停产"]
    assert preferred.problem.filed is not None
    assert [preferred.options[o].name for o in preferred.problem.filed[0]] == ["限产50%", "限产20%"]
    ignored = build(plain, "orange", settings=executed(filed="ignored"))
    assert ignored.problem.filed is None
    assert len(allowed(ignored, "F1-1")) == 4


def test_what_is_filed_and_binds_goes_before_whole_lines_but_not_before_what_can_be_done() -> None:
    filed = (Filed("F0-1", "orange", "限产50%", "限产", 500), Filed("F0-2", "orange", "停产", "停产", 1000))
    lines = [line(0, 1), line(0, 2, stop_hours=99)]
    built = build(
        listed([firm()], lines, filed=filed), "orange", settings=executed(filed="bind", whole_lines=True)
    )
    assert allowed(built, "F0-1") == ["限产50%"]
    assert allowed(built, "F0-2") == ["正常生产", "限产30%", "限产50%"]
    assert "1 条生产线备案的措施工艺上做不到，未照此执行：F0-2。" in [str(each) for each in built.notes]


def test_what_is_filed_yields_to_a_norm() -> None:
    norms, _found = load_norms()
    plain = listed(
        [firm(trade="水泥", grade="B")], [line()], filed=(Filed("F0-1", "red", "限产30%", "限产", 300),)
    )
    built = build(plain, "red", norms=norms, settings=executed(norms=True, filed="bind"))
    assert allowed(built, "F0-1") == ["限产50%", "停产"]
    assert (
        reasons(built, "F0-1")["限产30%"] == "水泥 B 级在本级至少减 50%。备案的“限产30%”达不到，不照此执行。"
    )


# -- what holds lines together -----------------------------------------------------------------------------


def test_a_boiler_stops_only_with_everything_that_hangs_on_it() -> None:
    boiler = line(0, 9, daily=kilograms((900, 0, 0, 0)), serves=("F0-1", "F0-2"), stop_loss=1)
    built = build(listed([firm()], [line(0, 1), line(0, 2), boiler]), "orange")
    assert [(each.line, each.limit, each.served) for each in built.problem.links] == [(2, 3, (0, 1))]
    plan = solve(built.problem)
    assert verify(plan) == ()
    stuck = build(listed([firm()], [line(0, 1, continuous=True), line(0, 2), boiler]), "orange")
    assert "停产" not in allowed(stuck, "F0-9")
    assert reasons(stuck, "F0-9")["停产"] == "F0-1 靠它生产，本级不停，所以它不能停。"


def test_facilities_that_serve_each_other_do_not_stop_the_work() -> None:
    lines = [line(0, 1, serves=("F0-2", "F0-1", "nobody")), line(0, 2, serves=("F0-1",))]
    built = build(listed([firm()], lines), "orange")
    assert [(each.line, each.served) for each in built.problem.links] == [(0, (1,)), (1, (0,))]
    assert verify(solve(built.problem)) == ()


def test_a_boiler_makes_no_second_line() -> None:
    boiler = line(0, 9, serves=("F0-1",))
    built = build(listed([firm()], [line(0, 1), boiler]), "orange", settings=executed(whole_lines=True))
    assert allowed(built, "F0-1") == allowed(built, "F0-9") == ["正常生产", "限产30%", "限产50%", "停产"]


def test_livelihood_is_delivered() -> None:
    heat = {"supply": "供热", "stop_loss": 1}
    plain = listed([firm(0), firm(1)], [line(0, supplied=600, **heat), line(1, supplied=400, **heat)])
    whole = build(plain, "orange")
    assert allowed(whole, "F0-1") == ["正常生产"]
    assert str(whole.rulings[0, 0].why) == "它保障供热，供应一概不减。"
    settings = common_settings(supply=(Supply(name="供热", part=Decimal(70)),))
    built = build(plain, "orange", settings=settings)
    (demand,) = built.problem.demands
    assert (demand.name, demand.least) == ("供热", (700,))
    assert demand.output.tolist() == [600, 420, 300, 0, 400, 280, 200, 0]
    assert verify(solve(built.problem)) == ()


def test_a_guarantee_of_supply_leaves_the_rest_to_be_cut() -> None:
    guarantee = (Guarantee(kind="以热定产", most="red", rule="supply"),)
    settings = common_settings(guarantee=guarantee, supply=(Supply(name="供热", part=Decimal(70)),))
    plain = listed([firm(0, guarantee="以热定产")], [line(0, supply="供热", supplied=1000)])
    built = build(plain, "orange", settings=settings)
    plan = solve(built.problem)
    assert [built.options[o].name for o in plan.chosen[0]] == ["限产30%"]
    silent = build(listed([firm(0, guarantee="以热定产")], [line(0)]), "orange", settings=settings)
    assert "1 家企业按供应量保障，但没有生产线写明供应什么，不受保障：示例企业0。" in [
        str(each) for each in silent.notes
    ]
    assert len(allowed(silent, "F0-1")) == 4


def test_counties_have_their_share_and_enterprises_their_cap() -> None:
    firms = [firm(0), replace(firm(1), county="乙县")]
    plain = listed(firms, [line(0, stop_loss=100), line(1, stop_loss=9 * WAN)])
    free = solve(build(plain, "orange").problem)
    assert free.levels[0].loss == 50  # half of the cheap one is a quarter of the air
    built = build(plain, "orange", settings=fair(county_share=Decimal(50)))
    assert built.problem.county_need is not None
    assert built.problem.county_need[0, :, 0].tolist() == [10 * KG, 10 * KG]
    plan = solve(built.problem)
    assert verify(plan) == ()
    assert plan.levels[0].loss == 30 + 9 * WAN * 3 // 10
    capped = build(plain, "orange", settings=fair(firm_cap=Decimal(40)))
    assert capped.problem.firm_cap is not None
    assert capped.problem.firm_cap.tolist() == [40, 9 * WAN * 4 // 10]
    assert solve(capped.problem).levels[0].loss == 30 + 9 * WAN * 3 // 10


def test_a_county_is_asked_for_no_more_than_it_can() -> None:
    firms = [firm(0), replace(firm(1, grade="A"), county="乙县")]
    built = build(listed(firms, [line(0), line(1)]), "orange", settings=fair(county_share=Decimal(100)))
    assert built.problem.county_need is not None
    assert built.problem.county_need[0, 0].tolist() == [0, 0, 0, 0]
    assert "乙县达不到县区最低份额，只要求到各自的最大能力。" in [str(each) for each in built.notes]


# -- the season --------------------------------------------------------------------------------------------


def test_who_has_borne_much_is_charged_more() -> None:
    plain = listed([firm(0), firm(1)], [line(0, stop_loss=100), line(1, stop_loss=120)])
    first = build(plain, "orange")
    plan = solve(first.problem)
    assert [first.options[o].name for o in plan.chosen[0]] == ["限产50%", "正常生产"]
    history = add_up_season([episode_of("一", plan, {"orange": 2})])
    assert history == {"F0-1": Burden({"orange": 2}, 100)}
    settings = fair(rotation=Decimal("0.5"))
    second = build(plain, "orange", settings=settings, history=history)
    assert second.problem.charge is not None
    # One day of a full stop borne: one and a half times.
    assert second.problem.charge.tolist() == [0, 45, 75, 150, 0, 36, 60, 120]
    turned = solve(second.problem)
    assert [second.options[o].name for o in turned.chosen[0]] == ["正常生产", "限产50%"]
    assert turned.levels[0].loss == 60
    turns = list_turns(turned, history, second.stop_loss)
    assert [(each.line, each.borne, each.now) for each in turns] == [
        ("F0-1", 1, (False,)),
        ("F1-1", 0, (True,)),
    ]
    season = add_up_season(
        [episode_of("一", plan, {"orange": 2}), Episode("二", {"orange": 1}, {("F1-1", "orange"): 60})]
    )
    even = measure_season(season, ["F0-1", "F1-1"], second.stop_loss)
    assert (even.lines, even.most, even.mean) == (2, 1, Fraction(3, 4))


# -- lists that cannot be used -----------------------------------------------------------------------------


def test_everything_wrong_is_told_at_once() -> None:
    plain = listed([firm(0, guarantee="亲戚")], [line(0), line(0), line(7)])
    with pytest.raises(UnusableList) as refused:
        build(plain)
    assert [str(each) for each in refused.value.problems] == [
        "生产线编号 F0-1 重复。",
        "生产线 F7-1 的企业 F7 不在清单里。",
        "示例企业0 的保障类型“亲戚”在应急减排设置里没有。请改清单，或在设置里加上这一类。",
    ]
    with pytest.raises(UnusableList, match="清单里没有生产线"):
        build(listed([], []))


def test_the_order_of_rows_does_not_matter() -> None:
    plain = t1_list()
    turned = replace(plain, firms=plain.firms[::-1], lines=plain.lines[::-1], offers=plain.offers[::-1])
    one, other = build(plain), build(turned)
    assert one.problem.lines.equals(other.problem.lines)
    assert one.options == other.options
    assert solve(one.problem).chosen.tolist() == solve(other.problem).chosen.tolist()


def test_who_is_compared_with_whom() -> None:
    firms = [
        firm(0, trade="水泥", grade="B"),
        firm(1, trade="水泥"),
        firm(2, industry="3011"),
        firm(3, industry="?"),
        firm(4),
    ]
    plain = listed(firms, [line(n) for n in range(5)])

    def peers(built: Built) -> list[str]:
        return [built.problem.industries.names[code] for code in built.problem.industries.codes]

    assert peers(build(plain)) == ["水泥", "水泥", "非金属矿物制品业", "?", "其他行业"]
    ordered = build(plain, settings=fair(grade_order=True))
    assert peers(ordered)[:2] == ["水泥", "水泥（未评级）"]
