"""What holds of every list, with the real solver: who is spared is never cut, D always stops, levels only get stricter."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from emergency.options.t1_list import WAN, build, common_settings, kilograms
from muheng.documents.message import Refusal
from muheng.emergency.comparison import compare
from muheng.emergency.explanation import explain
from muheng.emergency.inventory.model import Filed, Firm, Inventory, Line, Source
from muheng.emergency.norms import load_norms
from muheng.emergency.options import Built
from muheng.emergency.orders import orders_of
from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.solve import solve
from muheng.emergency.plan.verify import verify
from muheng.emergency.reach import explain_reach
from muheng.emergency.settings import Settings, Supply
from muheng.emergency.spread import spread

EXACT = Fraction(0)
GRADES = ("A", "B", "C", "D", "")


@st.composite
def lists(draw: st.DrawFn) -> Inventory:
    """Up to six firms of one or two lines."""
    firms, lines = [], []
    for n in range(draw(st.integers(1, 6))):
        guarantee = draw(st.sampled_from(("", "", "民生保障", "绿色引领")))
        firms.append(
            Firm(
                f"F{n}", f"示例企业{n}", draw(st.sampled_from(("甲县", "乙县"))), trade="铸造",
                grade=draw(st.sampled_from(GRADES)), guarantee=guarantee,
            )
        )  # fmt: skip
        for number in range(draw(st.integers(1, 2))):
            lines.append(
                Line(
                    f"F{n}-{number}", f"F{n}", f"{number}号线",
                    daily=kilograms(tuple(draw(st.integers(0, 60)) for _ in range(4))),  # type: ignore[arg-type]
                    stop_loss=draw(st.integers(0, 50)) * WAN // 10,
                    restart_cost=draw(st.integers(0, 3)) * 1000,
                    continuous=draw(st.booleans()), least_load=draw(st.sampled_from((0, 500, 700))),
                    stop_hours=draw(st.sampled_from((0, 12, 48))),
                )
            )  # fmt: skip
    others = Source("移动源", kilograms((20, 80, 30, 10)), {"orange": kilograms((0, 9, 0, 0))})
    return Inventory("示例", tuple(firms), tuple(lines), base=draw(st.sampled_from(((), (others,)))))


def plan_of(built: Built) -> Plan:
    plan = solve(built.problem, EXACT)
    assert verify(plan) == ()
    return plan


def cost(plan: Plan) -> tuple[Fraction, int]:
    """How much of the needs is lacking, and the loss: the first counts before the second."""
    (figures,) = plan.levels
    lacking = [
        Fraction(short, int(need))
        for short, need in zip(figures.shortfall, plan.problem.need[0], strict=True)
        if need
    ]
    return sum(lacking, Fraction(0)), figures.loss


@settings(max_examples=40)
@given(lists(), st.booleans())
def test_the_spared_are_never_cut_and_d_always_stops(inventory: Inventory, whole: bool) -> None:
    asked = common_settings()
    asked = asked.model_copy(update={"execution": asked.execution.model_copy(update={"whole_lines": whole})})
    built = build(inventory, settings=asked)
    plan = plan_of(built)
    firms = {firm.code: firm for firm in inventory.firms}
    lines = sorted(inventory.lines, key=lambda line: line.id)
    for i, line in enumerate(lines):
        firm = firms[line.firm]
        parts = [built.options[option].part for option in plan.chosen[:, i]]
        assert parts == sorted(parts)
        if firm.grade == "A" or firm.guarantee == "民生保障":
            assert parts == [0, 0, 0]
        elif firm.guarantee == "绿色引领":
            assert parts[:2] == [0, 0]
        elif firm.grade == "D" and not line.continuous and line.stop_hours <= 24:
            assert parts == [1000, 1000, 1000]
        if line.continuous or line.stop_hours > 24:
            assert max(parts) <= 1000 - (line.least_load if line.continuous or max(parts) < 1000 else 0)


@settings(max_examples=30)
@given(lists(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(inventory: Inventory, random: Random) -> None:
    firms, lines = list(inventory.firms), list(inventory.lines)
    random.shuffle(firms)
    random.shuffle(lines)
    one = plan_of(build(inventory))
    other = plan_of(build(replace(inventory, firms=tuple(firms), lines=tuple(lines))))
    assert one.chosen.tolist() == other.chosen.tolist()


@settings(max_examples=30)
@given(lists(), st.sampled_from(("so2", "nox", "pm", "voc")), st.integers(1, 30))
def test_a_higher_ratio_is_never_cheaper(inventory: Inventory, pollutant: str, more: int) -> None:
    free = build(inventory, "orange")
    asked = raise_ratio(common_settings(), pollutant, more)
    dearer = build(inventory, "orange", settings=asked)
    before, after = plan_of(free), plan_of(dearer)
    if after.levels[0].feasible:
        assert before.levels[0].feasible
        assert after.levels[0].loss >= before.levels[0].loss


def raise_ratio(asked: Settings, pollutant: str, more: int) -> Settings:
    orange = asked.ratio.orange
    orange = orange.model_copy(update={pollutant: getattr(orange, pollutant) + more})
    return asked.model_copy(update={"ratio": asked.ratio.model_copy(update={"orange": orange})})


@settings(max_examples=30)
@given(lists(), st.integers(0, 5))
def test_without_an_exemption_nothing_gets_dearer(inventory: Inventory, n: int) -> None:
    firms = list(inventory.firms)
    n %= len(firms)
    if firms[n].grade == "D":
        return  # it would have to stop, which is another rule
    spared = build(inventory, "orange")
    firms[n] = replace(firms[n], guarantee="", grade="C" if firms[n].grade == "A" else firms[n].grade)
    asked = build(replace(inventory, firms=tuple(firms)), "orange")
    assert cost(plan_of(asked)) <= cost(plan_of(spared))


@st.composite
def city_choices(draw: st.DrawFn) -> Settings:
    """Any mixture of the rules that a city can turn on."""
    plain = common_settings()
    percent = st.sampled_from((None, Decimal(30), Decimal(50), Decimal(100)))
    execution = plain.execution.model_copy(
        update={
            "whole_lines": draw(st.booleans()),
            "norms": draw(st.booleans()),
            "filed": draw(st.sampled_from(("bind", "preferred", "ignored"))),
        }
    )
    fairness = plain.fairness.model_copy(
        update={
            "county_share": draw(percent),
            "firm_cap": draw(percent),
            "band": draw(st.sampled_from((None, Decimal(1), Decimal(10)))),
            "grade_order": draw(st.booleans()),
        }
    )
    ratio = plain.ratio.model_copy(update={"pooling": draw(st.booleans())})
    supply = draw(st.sampled_from(((), (Supply(name="供热", part=Decimal(60)),))))
    return plain.model_copy(
        update={"execution": execution, "fairness": fairness, "ratio": ratio, "supply": supply}
    )


@st.composite
def rich_lists(draw: st.DrawFn) -> Inventory:
    """With boilers, heat that is delivered, and filed plans."""
    plain = draw(lists())
    lines = list(plain.lines)
    if len(lines) > 1 and draw(st.booleans()):
        lines[0] = replace(lines[0], serves=(lines[1].id,))
    if draw(st.booleans()):
        lines[-1] = replace(lines[-1], supply="供热", supplied=draw(st.integers(0, 500)))
    measures = (
        ("正常生产", None, 0),
        ("限产50%", "限产", 500),
        ("停产", "停产", 1000),
        ("少烘两炉", "限产", 210),
    )
    filed = [
        Filed(line.id, level, *draw(st.sampled_from(measures)))  # type: ignore[arg-type]
        for line in lines
        for level in ("yellow", "orange", "red")
        if draw(st.integers(0, 3)) == 0
    ]
    return replace(plain, lines=tuple(lines), filed=tuple(filed))


@settings(max_examples=60)
@given(rich_lists(), city_choices())
def test_whatever_a_city_turns_on_the_plan_keeps_it_or_says_which_rule_cannot_be_kept(
    inventory: Inventory, asked: Settings
) -> None:
    built = build(inventory, settings=asked, norms=load_norms()[0])
    problem = built.problem
    assert problem.permitted is not None
    assert np.logical_or.reduceat(problem.permitted, problem.start[:-1], axis=1).all()
    for v in range(3):
        for option in range(len(problem.loss)):
            assert (built.left_out(v, option) is None) == problem.permitted[v, option]
    try:
        plan = solve(problem)
    except Refusal:
        event("impossible")
        return
    assert verify(plan) == ()
    told = explain(plan, built)
    for i in range(len(problem.lines)):
        for v in range(3):
            answer = told.answer(i, v)
            assert answer.why.render("en") != ""
            assert sum(each.chosen for each in answer.weighed) == 1
    assert len(explain_reach(plan, built)) == len(compare(plan, built)) == len(spread(plan)) == 3
    assert sum(order.loss["red"] for order in orders_of(built, plan).values()) == plan.levels[2].loss
