"""What each line of the list could do: going on as usual, its own offers or the settings' menu, and what it filed.

Each measure with its cut and its loss, in the order of strictness. Whether it may be chosen, ``permission`` says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import (
    NOTHING,
    CountBy,
    Evidence,
    Filed,
    Firm,
    Inventory,
    Line,
    Mass,
    MeasureKind,
    Offer,
)
from muheng.emergency.settings import Settings
from muheng.standards.rounding import divide_half_up

AS_USUAL = "正常生产"
WHOLE = 1000
"""Thousandths: all of a line's production."""
_OF_PRODUCTION = (None, "停产", "限产", "停止工序")


@dataclass(frozen=True, slots=True)
class Option:
    """One measure of one line: a row of the problem, with what people call it."""

    line: str
    name: str
    kind: MeasureKind | None
    part: int
    """Thousandths of its production given up."""
    cut: Mass
    """g a day"""
    loss: int
    """Fen a day."""
    count_by: CountBy | None = None
    evidence: Evidence | None = None
    text: str = ""

    @property
    def stops(self) -> bool:
        """The whole line stands still."""
        return self.part == WHOLE

    @property
    def as_usual(self) -> bool:
        return self.part == 0 and self.cut == NOTHING

    @property
    def limits(self) -> bool:
        """It goes on with less."""
        return 0 < self.part < WHOLE and self.kind in (None, "限产")


@dataclass(frozen=True)
class Measures:
    """By line, in the order of strictness; the option that was filed; what had to be assumed; what cannot be."""

    options: Mapping[str, tuple[Option, ...]]
    filed: Mapping[tuple[str, str], int]
    """(line, level) → which of its options."""
    notes: tuple[Message, ...]
    problems: tuple[Message, ...]

    def in_order(self, lines: Iterable[str]) -> tuple[Option, ...]:
        """The options of these lines, one line after the other."""
        return tuple(option for line in lines for option in self.options[line])


def offer_measures(inventory: Inventory, settings: Settings) -> Measures:
    """The options of all lines."""
    firms = {firm.code: firm for firm in inventory.firms}
    offers = _by_line(inventory.offers)
    filed = _by_line(inventory.filed if settings.execution.filed != "ignored" else ())
    losses, notes, problems = _stop_losses(inventory, firms, offers, settings)
    options: dict[str, tuple[Option, ...]] = {}
    taken: dict[tuple[str, str], int] = {}
    crossed: list[str] = []
    for line in sorted(inventory.lines, key=lambda line: line.id):
        if firms[line.firm].stopped:
            options[line.id] = (Option(line.id, AS_USUAL, None, 0, NOTHING, 0),)
            continue
        offered = _of_list(line, offers[line.id], losses[line.id]) or _of_menu(
            line, settings, losses[line.id]
        )
        if not offered[0].as_usual:
            offered.insert(0, Option(line.id, AS_USUAL, None, 0, NOTHING, 0))
        for each in sorted(filed[line.id], key=lambda each: (each.level, each.name, each.part)):
            _place_filed(line, each, losses[line.id], offered)
        options[line.id] = tuple(offered)
        for each in filed[line.id]:
            taken[line.id, each.level] = _match(line, each, losses[line.id], offered)
        if any(mild.cut[p] > strict.cut[p] for mild, strict in pairwise(offered) for p in range(4)):
            crossed.append(line.id)
    if crossed:
        notes.append(
            say(
                "{count} 条生产线的措施不能逐项比出松紧（后一项有的污染物减得更少），按清单写的次序算：{lines}。",
                count=len(crossed),
                lines=some(crossed),
            )
        )
    return Measures(options, taken, tuple(notes), tuple(problems))


R = TypeVar("R", Offer, Filed)


def _by_line(rows: Iterable[R]) -> defaultdict[str, list[R]]:
    found: defaultdict[str, list[R]] = defaultdict(list)
    for row in rows:
        found[row.line].append(row)
    return found


def _of_list(line: Line, offers: list[Offer], stop_loss: int) -> list[Option]:
    return [
        Option(
            line.id,
            each.name,
            each.kind,
            each.part,
            _cut(line, each.kind, each.part, each.cut),
            _loss(line, each.kind, each.part, stop_loss) if each.loss is None else each.loss,
            each.count_by,
            each.evidence,
        )
        for each in sorted(offers, key=lambda each: (each.order, each.part, each.name))
    ]


def _of_menu(line: Line, settings: Settings, stop_loss: int) -> list[Option]:
    offered = [Option(line.id, AS_USUAL, None, 0, NOTHING, 0)]
    for each in sorted(settings.measure, key=lambda each: (each.part, each.name)):
        part = int(each.part * 10)
        offered.append(
            Option(
                line.id,
                each.name,
                each.kind,
                part,
                _cut(line, each.kind, part, None),
                _loss(line, each.kind, part, stop_loss),
                each.count_by,
                each.evidence,
            )
        )
    return offered


def _place_filed(line: Line, filed: Filed, stop_loss: int, offered: list[Option]) -> None:
    """Among the options, where none of them is the same: after those that give up no more, then by what is cut."""
    if _match(line, filed, stop_loss, offered) >= 0:
        return
    option = _filed_option(line, filed, stop_loss)
    names = {each.name for each in offered}
    if option.name in names:
        option = replace(option, name=f"{option.name}（{_LEVEL[filed.level]}）")
    key = (option.part, sum(option.cut))
    at = next((i for i, each in enumerate(offered) if (each.part, sum(each.cut)) > key), len(offered))
    offered.insert(max(at, 1), option)


def _match(line: Line, filed: Filed, stop_loss: int, offered: list[Option]) -> int:
    """The option that is what was filed; -1 none. One of the same name goes first."""
    wanted = _filed_option(line, filed, stop_loss)
    fitting = [i for i, each in enumerate(offered) if each.part == wanted.part and each.cut == wanted.cut]
    named = [i for i in fitting if offered[i].name.startswith(wanted.name)]
    return (named or fitting or [-1])[0]


def _filed_option(line: Line, filed: Filed, stop_loss: int) -> Option:
    return Option(
        line.id,
        filed.name,
        filed.kind,
        filed.part,
        _cut(line, filed.kind, filed.part, filed.cut),
        _loss(line, filed.kind, filed.part, stop_loss),
        filed.count_by,
        filed.evidence,
        filed.text,
    )


_LEVEL = {"yellow": "黄色", "orange": "橙色", "red": "红色"}


def _cut(line: Line, kind: MeasureKind | None, part: int, stated: Mass | None) -> Mass:
    """No more than is emitted. What isn't of production (own accord, better treatment, fewer lorries) counts only as filed."""
    if stated is not None:
        so2, nox, pm, voc = (min(one, most) for one, most in zip(stated, line.daily, strict=True))
    elif kind in _OF_PRODUCTION:
        so2, nox, pm, voc = (each * part // WHOLE for each in line.daily)
    else:
        return NOTHING
    return so2, nox, pm, voc


def _loss(line: Line, kind: MeasureKind | None, part: int, stop_loss: int) -> int:
    stops = part == WHOLE and kind in _OF_PRODUCTION
    return divide_half_up(stop_loss * part, WHOLE) + (line.restart_cost if stops else 0)


def _stop_losses(
    inventory: Inventory, firms: Mapping[str, Firm], offers: Mapping[str, list[Offer]], settings: Settings
) -> tuple[dict[str, int], list[Message], list[Message]]:
    """What a day without each line costs: as stated, or by the settings' rule for those that don't state it."""
    losses = {line.id: line.stop_loss for line in inventory.lines if line.stop_loss is not None}
    stated: defaultdict[str, int] = defaultdict(int)
    silent: defaultdict[str, list[str]] = defaultdict(list)
    for line in sorted(inventory.lines, key=lambda line: line.id):
        if line.stop_loss is not None:
            stated[line.firm] += line.stop_loss
            continue
        rows = offers.get(line.id, [])
        if firms[line.firm].stopped or (
            rows and all(each.loss is not None or each.part == 0 for each in rows)
        ):
            losses[line.id] = 0
        else:
            silent[line.firm].append(line.id)
    shared: list[str] = []
    refused: list[str] = []
    for code, lines in silent.items():
        output = firms[code].output
        if output is None or settings.loss.missing == "refuse":
            refused += lines
            losses |= dict.fromkeys(lines, 0)
            continue
        losses |= dict.fromkeys(lines, max(output - stated[code], 0) // len(lines))
        shared += lines
    notes, problems = [], []
    if shared:
        notes.append(
            say(
                "{count} 条生产线没写停产损失，按企业日产值减去已写的、余数平分：{lines}。",
                count=len(shared),
                lines=some(shared),
            )
        )
    if refused and settings.loss.missing == "share_output":
        problems.append(
            say(
                "{count} 条生产线没写停产损失，也没有企业日产值可分摊：{lines}。请在清单里补填。",
                count=len(refused),
                lines=some(refused),
            )
        )
    elif refused:
        problems.append(
            say(
                "{count} 条生产线没写停产损失：{lines}。请在清单里补填。",
                count=len(refused),
                lines=some(refused),
            )
        )
    return losses, notes, problems


def some(names: Iterable[str], most: int = 5) -> Message | str:
    """The first few of many names."""
    shown = sorted(names)
    if len(shown) <= most:
        return "、".join(shown)
    return say("{names}等", names="、".join(shown[:most]))
