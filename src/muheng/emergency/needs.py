"""What the lines of the list have to cut: the base, the ratio of it, and what other sources cut of their own accord.

Exact fractions, rounded up to whole grams at the end and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import NOTHING, Inventory, Level, Mass
from muheng.emergency.settings import Settings

INDUSTRY = "工业源"

Parts = tuple[Fraction, Fraction, Fraction, Fraction]


@dataclass(frozen=True)
class Need:
    """One level; grams a day."""

    level: Level
    base: Mass
    """What the ratio is of (减排基数)."""
    ratio: Parts
    others: Mass
    """What other sources cut (扬尘源, 移动源 …)."""
    exact: Parts
    """Ratio of the base less what others cut; none below nought."""
    lines: Mass
    """The same, rounded up to whole grams: what the lines have to cut."""


@dataclass(frozen=True)
class Needs:
    levels: tuple[Need, ...]
    listed: Mass
    """What the lines of the list emit in a day, those long stopped aside."""
    notes: tuple[Message, ...]
    problems: tuple[Message, ...]


def add_needs(
    inventory: Inventory,
    settings: Settings,
    levels: Sequence[Level],
    controlled: Mapping[Level, Collection[str]],
) -> Needs:
    """``controlled``: by level, the lines that are neither spared nor standing."""
    firms = {firm.code: firm for firm in inventory.firms}
    included = settings.ratio.long_stopped == "included"
    running = [line.daily for line in inventory.lines if not firms[line.firm].stopped]
    listed = _add(running)
    industry = _add(line.daily for line in inventory.lines if included or not firms[line.firm].stopped)
    notes: list[Message] = []
    problems: list[Message] = []
    sources = {source.name: source for source in inventory.base}
    stated = sources.get(INDUSTRY)
    if stated is not None:
        over = [
            (name, (own - most) * 100 > most)
            for name, own, most in zip(_NAMES, industry, stated.emission, strict=True)
            if own > most
        ]
        far = "、".join(name for name, much in over if much)
        if far:
            problems.append(
                say(
                    "清单各生产线的 {pollutants} 合计超过减排基数表里的工业源。请核对基数表或日排放量。",
                    pollutants=far,
                )
            )
        elif over:
            names = "、".join(name for name, _much in over)
            notes.append(
                say("清单的 {pollutants} 合计比工业源多，不到百分之一，按清单算。", pollutants=names)
            )
        industry = _larger(industry, stated.emission)
    base = settings.ratio.base
    counted = [name for name in settings.ratio.sources_counted if name != INDUSTRY]
    if base == "all_society":
        others = [source for source in inventory.base if source.name != INDUSTRY]
        if not others:
            notes.append(say("减排基数表没有工业源以外的源，全社会排放量按工业源算。"))
        uncounted = [source.name for source in others if source.name not in counted and source.cut]
        if uncounted:
            notes.append(say("{sources}的减排量按设置不计入完成量。", sources="、".join(uncounted)))
        whole = _add([industry, *(source.emission for source in others)])
    found = []
    for level in levels:
        cut = NOTHING
        if base == "all_society":
            of = whole
            cut = _add(source.cut.get(level, NOTHING) for source in others if source.name in counted)
        elif base == "industry":
            of = industry
        else:
            lines = controlled[level]
            of = _add(line.daily for line in inventory.lines if line.id in lines)
        ratio = settings.ratios(level)
        so2, nox, pm, voc = (
            max(part * total - other, Fraction(0)) for part, total, other in zip(ratio, of, cut, strict=True)
        )
        exact = (so2, nox, pm, voc)
        found.append(Need(level, of, ratio, cut, exact, _up(exact)))
    return Needs(tuple(found), listed, tuple(notes), tuple(problems))


_NAMES = ("SO2", "NOx", "PM", "VOCs")


def _up(exact: Parts) -> Mass:
    so2, nox, pm, voc = (math.ceil(each) for each in exact)
    return so2, nox, pm, voc


def _larger(one: Mass, other: Mass) -> Mass:
    so2, nox, pm, voc = (max(pair) for pair in zip(one, other, strict=True))
    return so2, nox, pm, voc


def _add(masses: Iterable[Mass]) -> Mass:
    so2 = nox = pm = voc = 0
    for each in masses:
        so2, nox, pm, voc = so2 + each[0], nox + each[1], pm + each[2], voc + each[3]
    return so2, nox, pm, voc
