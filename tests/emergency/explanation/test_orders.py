"""What a plant is told: whole lines, loads, filed words, and by what it is proved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emergency.options.t1_list import WAN, build, kilograms, t1_list
from muheng.emergency.inventory.model import Filed, Inventory, Transport
from muheng.emergency.orders import acting_firms, order_of, orders_of
from muheng.emergency.plan.solve import solve


def test_a_plant_is_told_what_to_do_at_each_level() -> None:
    plain = t1_list()
    lines = tuple(
        replace(line, equipment="2#回转窑", step="熟料烧成", meter="E02", outlet="DA001", stop_hours=8)
        if line.id == "F2-1"
        else line
        for line in plain.lines
    )
    built = build(
        replace(plain, lines=lines, transport=(Transport("F2", 100, 80, 50, 20, "国五"),)), "orange"
    )
    plan = solve(built.problem)
    order = order_of(built, plan, "F2")
    (task,) = order.lines[0].tasks
    assert str(task.what) == "2号线（2#回转窑）（熟料烧成）停产。"
    assert task.evidence == ("用电", "在线监测")
    assert str(task.proof) == "电表 E02，排放口 DA001"
    assert task.lead_hours == 8
    assert order.cut == {"orange": kilograms((60, 260, 70, 0))}
    assert order.loss == {"orange": 9 * WAN}
    assert order.transport is not None
    assert order.asks("orange")
    glass = order_of(built, plan, "F7").lines[0].tasks[0]
    assert str(glass.what) == "7号线降到日常负荷的 70% 以下（以负荷计）。"
    assert glass.what.render("en") == "7号线 falls to 70% of its usual load or less (by load)."
    assert glass.evidence == ("台账", "现场")
    spared = order_of(built, plan, "F1")
    assert not spared.asks("orange")
    assert str(spared.lines[0].tasks[0].what) == "1号线：正常生产，落实日常管理。"
    assert acting_firms(built, plan, "orange") == ("F2", "F4", "F5", "F7")
    assert list(orders_of(built, plan)) == sorted(firm.code for firm in plain.firms)
    with pytest.raises(KeyError):
        order_of(built, plan, "nobody")


def test_the_words_on_file_are_kept_where_that_is_what_is_chosen() -> None:
    text = "1#、2#喷漆室停止作业，烘干炉断电"
    plain: Inventory = replace(t1_list(), filed=(Filed("F5-1", "orange", "停产", "停产", 1000, text=text),))
    built = build(plain, "orange")
    task = order_of(built, solve(built.problem), "F5").lines[0].tasks[0]
    assert str(task.what) == text
