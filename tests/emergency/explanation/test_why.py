"""The answer to “why me?”: prices, worth, strays and rules, on instances whose figures can be worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emergency.options.t1_list import KG, WAN, build, t1_list, t1_twin
from muheng.emergency.explanation import explain, explain_prices
from muheng.emergency.inventory.model import Filed
from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.solve import solve


def with_prices(plan: Plan, *prices: tuple[float, float, float, float]) -> Plan:
    """The plan with prices of our own, so that nets can be worked by hand."""
    return replace(
        plan,
        levels=tuple(replace(each, prices=price) for each, price in zip(plan.levels, prices, strict=True)),
    )


def test_a_line_is_answered_at_the_prices() -> None:
    built = build(t1_list(), "orange")
    plan = with_prices(solve(built.problem), (0.0, 400.0, 0.0, 0.0))
    told = explain(plan, built)
    line = told.find("F2-1")
    answer = told.answer(line, 0)
    # 260 kg of NOx at 400 yuan are worth 104,000 yuan; the stop loses 90,000.
    assert (answer.option, answer.reason) == ("停产", "price")
    assert answer.loss == 9 * WAN
    assert answer.worth == 104_000 * 100
    assert [each.net for each in answer.weighed] == [0, -4200 * 100, -7000 * 100, -14_000 * 100]
    assert str(answer.why) == "“停产”损失 90,000 元，减下的量按参考价值 104,000 元，在可选的 4 项里最省。"
    assert str(answer.change) == "按参考价，“停产”的损失要多 7,000 元 以上，才会改为“限产50%”。"
    assert answer.why.render("en").startswith('"停产" loses 90,000 yuan')


def test_what_strays_from_the_prices_says_by_how_much() -> None:
    built = build(t1_list(), "orange")
    plan = with_prices(solve(built.problem), (0.0, 400.0, 0.0, 0.0))
    told = explain(plan, built)
    answer = told.answer(told.find("F4-1"), 0)
    # Half of the foundry loses 20,000 yuan and cuts 10 kg of NOx, 4,000 yuan worth: 16,000 more than going on.
    assert (answer.option, answer.reason, answer.stray) == ("限产50%", "closing", 16_000 * 100)
    assert str(answer.why) == "为凑足减排量的零头而选“限产50%”，按参考价比“正常生产”多 16,000 元。"
    enough = told.answer(told.find("F3-1"), 0)
    # Its stop would lose 100,000 and cut 96,000 worth: not worth it, so going on is the price rule itself.
    assert (enough.option, enough.reason) == ("正常生产", "price")
    assert str(enough.why) == "减它不划算：“限产30%”要损失 30,000 元，减下的量按参考价只值 28,800 元。"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("F1-1", "绩效 A 级，自主减排，不强制。"),
        ("F5-1", "绩效 D 级，各级都停产。"),
        ("F6-1", "保障类（民生保障），到红色为止不强制减排。"),
    ],
)
def test_a_rule_is_named(line: str, why: str) -> None:
    built = build(t1_list())
    told = explain(solve(built.problem), built)
    for v in range(3):
        answer = told.answer(told.find(line), v)
        assert answer.reason == "only"
        assert str(answer.why) == why
    left_out = [each for each in told.answer(told.find("F7-1"), 0).weighed if not each.permitted]
    assert {(each.name, str(each.left_out)) for each in left_out} == {
        ("限产50%", "负荷不能低于 70%，这项措施要降到 50%。"),
        ("停产", "连续工序，不能临时停产。"),
    }


def test_a_line_held_by_another_level_says_which() -> None:
    built = build(t1_list())
    plan = solve(built.problem)
    chosen = plan.chosen.copy()
    line = plan.problem.lines.to_list().index("F2-1")
    first = int(plan.problem.start[line])
    chosen[:, line] = [first + 2, first + 3, first + 3]
    free = (0.0, 0.0, 0.0, 0.0)
    held = with_prices(replace(plan, chosen=chosen), (0.0, 0.0, 0.0, 0.0), free, (0.0, 900.0, 0.0, 0.0))
    told = explain(held, built)
    orange = told.answer(line, 1)
    # Nothing is worth anything at orange, so going on would be best; yellow has it at half.
    assert orange.reason != "nested"  # a stop is stricter than yellow asks
    chosen[1, line] = first + 2
    told = explain(replace(held, chosen=chosen), built)
    orange = told.answer(line, 1)
    assert orange.reason == "nested"
    assert str(orange.why) == "黄色已取“限产50%”，本级不能更松，所以不取“正常生产”；按参考价相差 45,000 元。"


def test_the_table_has_every_line_at_every_level_and_the_plan_s_sum() -> None:
    built = build(t1_list())
    plan = solve(built.problem)
    table = explain(plan, built).table()
    assert table.columns == ["line", "level", "option", "loss", "worth", "stray", "reason"]
    assert table.height == 24
    for figures in plan.levels:
        assert table.filter(level=figures.level)["loss"].sum() * 100 == pytest.approx(figures.loss)


def test_without_the_list_the_figures_speak() -> None:
    built = build(t1_list(), "red")
    plan = solve(built.problem)
    alone, told = explain(plan), explain(plan, built)
    assert np.array_equal(alone.reason, told.reason)
    assert str(alone.answer(0, 0).why) == "只能是“正常生产”，没有别的措施可选。"
    assert alone.count(0) == told.count(0)
    assert sum(alone.count(0).values()) == len(plan.problem.lines)


def test_prices_in_words() -> None:
    built = build(t1_list(), "orange")
    plan = with_prices(solve(built.problem), (1189.0, 0.0, 435.5, 943.25))
    assert [str(each) for each in explain_prices(plan, 0)] == [
        "SO2 最后一千克的代价 1,189.00 元。",
        "NOx 不紧：不再多减也达标。",
        "PM 最后一千克的代价 435.50 元。",
        "VOCs 最后一千克的代价 943.25 元。",
    ]
    assert KG == 1000


def test_what_cannot_be_reached_is_not_called_a_rounding_gap() -> None:
    built = build(t1_twin(), "orange")
    plan = with_prices(solve(built.problem), (100.0, 0.0, 0.0, 0.0))
    told = explain(plan, built)
    answer = told.answer(told.find("F3-1"), 0)
    # Its 40 kg of SO2 are worth 4,000 yuan at our price; the stop loses 100,000.
    assert (answer.option, answer.reason, answer.stray) == ("停产", "short", 96_000 * 100)
    assert str(answer.why) == "减排量达不到要求，能减的都减，所以取“停产”；按参考价比“正常生产”多 96,000 元。"


def test_what_is_kept_as_filed_says_so() -> None:
    filed = (Filed("F8-1", "orange", "限产50%", "限产", 500),)
    built = build(replace(t1_list(), filed=filed), "orange")
    plan = with_prices(solve(built.problem), (0.0, 0.0, 0.0, 0.0))
    line = plan.problem.lines.to_list().index("F8-1")
    chosen = plan.chosen.copy()
    chosen[0, line] = plan.problem.start[line] + 1
    cut = plan.problem.reduction[chosen[0]].sum(axis=0)
    figures = replace(plan.levels[0], reductions=tuple(int(each) for each in cut))
    answer = explain(replace(plan, chosen=chosen, levels=(figures,)), built).answer(line, 0)
    assert answer.reason == "filed"
    assert str(answer.why) == "沿用备案的“限产50%”，少一处改动；按参考价比“正常生产”多 15,000 元。"
