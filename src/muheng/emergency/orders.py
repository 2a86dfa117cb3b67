"""What one enterprise has to do at each level, line by line and in words: for its order and its notice board (公示牌).

Values only; documents and pages write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import CountBy, Evidence, Firm, Line, Mass, Transport
from muheng.emergency.measures import Option
from muheng.emergency.options import Built
from muheng.emergency.permission import Ruling
from muheng.emergency.plan.answer import Plan

COUNTED: Mapping[CountBy, Message] = {
    "生产线计": say("以生产线计"),
    "负荷计": say("以负荷计"),
    "原料计": say("以原料计"),
    "燃料计": say("以燃料计"),
    "用电计": say("以用电计"),
    "产量计": say("以产量计"),
}
PROVED: Mapping[Evidence, Message] = {
    "用电": say("用电"),
    "DCS": say("分布式控制系统（DCS）"),
    "在线监测": say("在线监测"),
    "门禁": say("门禁"),
    "台账": say("台账"),
    "现场": say("现场"),
}


@dataclass(frozen=True)
class Task:
    """One line at one level."""

    level: str
    option: Option
    what: Message
    """Which unit stops, or to what load."""
    count_by: CountBy | None
    evidence: tuple[Evidence, ...]
    """By what it is checked: as the measure says, or by what the line has."""
    proof: Message | None
    """The meter or outlet."""
    lead_hours: int
    """How long before the alert begins it has to start stopping; nought where it need not."""
    cut: Mass
    loss: int
    ruling: Ruling | None
    """The rule that decided, where one did."""


@dataclass(frozen=True)
class LineOrder:
    line: Line
    tasks: tuple[Task, ...]
    """By level."""


@dataclass(frozen=True)
class PlantOrder:
    """Everything that one enterprise is told."""

    firm: Firm
    lines: tuple[LineOrder, ...]
    transport: Transport | None
    cut: Mapping[str, Mass]
    """By level, all its lines."""
    loss: Mapping[str, int]

    def asks(self, level: str) -> bool:
        """Whether any line does more than usual at a level."""
        return any(
            task.level == level and not task.option.as_usual for own in self.lines for task in own.tasks
        )


def order_of(built: Built, plan: Plan, firm: str) -> PlantOrder:
    """Raises KeyError for a firm that is not on the list."""
    orders = orders_of(built, plan, (firm,))
    return orders[firm]


def orders_of(built: Built, plan: Plan, firms: tuple[str, ...] | None = None) -> dict[str, PlantOrder]:
    """By firm, in the order of their codes; all of them where none are named."""
    problem = built.problem
    known = {firm.code: firm for firm in built.inventory.firms}
    wanted = sorted(known if firms is None else firms)
    transport = {each.firm: each for each in built.inventory.transport}
    lines = sorted(built.inventory.lines, key=lambda line: line.id)
    own: dict[str, list[int]] = {code: [] for code in wanted}
    for i, line in enumerate(lines):
        if line.firm in own:
            own[line.firm].append(i)
    words: dict[tuple[str, str, int], str] = {
        (each.line, each.level, each.part): each.text for each in built.inventory.filed
    }
    found = {}
    for code in wanted:
        rows = plan.chosen[:, own[code]]
        masses = {
            level: problem.reduction[row].sum(axis=0) for level, row in zip(problem.levels, rows, strict=True)
        }
        found[code] = PlantOrder(
            known[code],
            tuple(
                LineOrder(
                    lines[i],
                    tuple(_task(built, plan, lines[i], i, v, words) for v in range(len(problem.levels))),
                )
                for i in own[code]
            ),
            transport.get(code),
            {level: (int(m[0]), int(m[1]), int(m[2]), int(m[3])) for level, m in masses.items()},
            {level: int(problem.loss[row].sum()) for level, row in zip(problem.levels, rows, strict=True)},
        )
    return found


def _task(
    built: Built, plan: Plan, line: Line, i: int, v: int, words: Mapping[tuple[str, str, int], str]
) -> Task:
    option = built.options[int(plan.chosen[v, i])]
    return Task(
        built.levels[v],
        option,
        _say_task(line, option, built.levels[v], words),
        _count_by(built, line, option),
        _evidence(line, option),
        _proof(line, option),
        line.stop_hours if option.stops else 0,
        option.cut,
        option.loss,
        built.rulings.get((v, i)),
    )


def _count_by(built: Built, line: Line, option: Option) -> CountBy | None:
    """Whole lines where an enterprise of several stops them."""
    if option.as_usual:
        return None
    if option.stops and built.settings.execution.whole_lines:
        return "生产线计"
    return option.count_by


def _evidence(line: Line, option: Option) -> tuple[Evidence, ...]:
    if option.as_usual:
        return ()
    if option.evidence is not None:
        return (option.evidence,)
    found: list[Evidence] = []
    if line.meter:
        found.append("用电")
    if line.outlet:
        found.append("在线监测")
    return tuple(found) or ("台账", "现场")


def _proof(line: Line, option: Option) -> Message | None:
    if option.as_usual:
        return None
    if line.meter and line.outlet:
        return say("电表 {meter}，排放口 {outlet}", meter=line.meter, outlet=line.outlet)
    if line.meter:
        return say("电表 {meter}", meter=line.meter)
    return say("排放口 {outlet}", outlet=line.outlet) if line.outlet else None


def _say_task(line: Line, option: Option, level: str, words: Mapping[tuple[str, str, int], str]) -> Message:
    """The filed words where it is what was filed; else unit, step and load."""
    if option.text:
        return Message("{text}", (("text", option.text),))
    if text := words.get((line.id, level, option.part)):
        return Message("{text}", (("text", text),))
    # A name often says the step or the equipment already.
    unit = line.name if line.equipment in line.name else f"{line.name}（{line.equipment}）"
    if option.as_usual:
        return say("{unit}：正常生产，落实日常管理。", unit=unit)
    step = "" if line.step in unit else f"（{line.step}）"
    if option.stops:
        return say("{unit}{step}停产。", unit=unit, step=step)
    if option.kind == "停止工序":
        return say("{unit}：停止{name}。", unit=unit, name=line.step or option.name)
    if option.limits:
        left = 1000 - option.part
        load = f"{left // 10}%" if left % 10 == 0 else f"{left / 10}%"
        by: Message | str = "" if option.count_by is None else say("（{by}）", by=COUNTED[option.count_by])
        return say("{unit}{step}降到日常负荷的 {load} 以下{by}。", unit=unit, step=step, load=load, by=by)
    return say("{unit}：{name}。", unit=unit, name=option.name)


def acting_firms(built: Built, plan: Plan, level: str) -> tuple[str, ...]:
    """Codes of the enterprises that do more than usual at a level: whom an alert is sent to."""
    v = built.levels.index(level)
    acting = np.array([not built.options[int(option)].as_usual for option in plan.chosen[v]])
    return tuple(
        built.problem.firms.names[code] for code in np.unique(built.problem.firms.codes[acting]).tolist()
    )
