"""Whether a line does as it was ordered, by its meter or monitor; and the times within which an order is answered.

The limits are declared here with their reasons; they are examples until a city sets its own. What was measured, and by
whom, this module does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import Level

Verdict = Literal["done", "broken", "open"]

WHOLE = 1000
"""Thousandths of a line's production."""
LEFT_AT_STOP = Fraction(1, 10)
"""Of the usual day, what a line that stands still may show: lights, heat kept, control devices that run on."""
TOLERANCE = Fraction(1, 20)
"""Of the usual day, what a line with a lower load may show above its part: days differ, meters are read at other hours."""
ACKNOWLEDGE_WITHIN = timedelta(hours=2)
"""An order that nobody has acknowledged by then is reminded of."""
TELL_COUNTY_AFTER = timedelta(hours=4)
"""And by then its county is told, to go there or to call."""


def find_limit(part: int, usual: Decimal) -> Fraction | None:
    """The most that a day's reading may show; None where a reading cannot show the measure.

    ``part``: thousandths of the production given up. A measure that gives up none (better treatment, fewer lorries), or a
    line that usually shows nothing, cannot be judged so.
    """
    if part <= 0 or usual <= 0:
        return None
    if part >= WHOLE:
        return Fraction(usual) * LEFT_AT_STOP
    return Fraction(usual) * (1 - Fraction(part, WHOLE) + TOLERANCE)


def judge_reading(part: int, usual: Decimal | None, found: Decimal | None) -> tuple[Verdict, Message]:
    """What a reading shows of a measure, with the reason."""
    if usual is None or found is None:
        return "open", say("没有平日和当日的读数，待核。")
    limit = find_limit(part, usual)
    if limit is None:
        if part <= 0:
            return "open", say("这项措施不减产量，读数看不出来，待核。")
        return "open", say("平日读数为零，比不出来，待核。")
    values = {
        "share": show_share(Fraction(found) / Fraction(usual)),
        "most": show_share(limit / Fraction(usual)),
    }
    if found <= limit:
        return "done", say("为平日的 {share}，不超过 {most}，措施到位。", **values)
    return "broken", say("为平日的 {share}，超过 {most}，措施不到位。", **values)


def show_share(share: Fraction) -> str:
    """52.5%, 10%; to a tenth of a per cent."""
    tenths = round(share * 1000)
    return f"{tenths // 10}%" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}%"


@dataclass(frozen=True)
class Look:
    """One check of a line: when, what it said, and whether an official looked."""

    at: datetime
    verdict: Verdict
    by_official: bool = False


def find_state(looks: Iterable[Look]) -> Verdict | None:
    """How a line stands: as an official last found it, else by the last check. None: nothing was shown yet."""
    seen = sorted(looks, key=lambda look: look.at)
    official = [look for look in seen if look.by_official and look.verdict != "open"]
    last = official[-1] if official else seen[-1] if seen else None
    return None if last is None else last.verdict


@dataclass(frozen=True)
class Span:
    """A level in force from a moment to another."""

    level: Level
    start: datetime
    end: datetime

    @property
    def hours(self) -> Fraction:
        return Fraction(max((self.end - self.start).total_seconds(), 0)) / 3600


def find_spans(changes: Sequence[tuple[datetime, Level]], end: datetime) -> tuple[Span, ...]:
    """How long each level was in force: ``changes`` in the order in which they were decided, up to the end.

    A level that was replaced before it began was never in force.
    """
    spans = []
    for number, (start, level) in enumerate(changes):
        later = [at for at, _level in changes[number + 1 :]]
        stop = min([*later, end])
        if stop > start:
            spans.append(Span(level, start, stop))
    return tuple(spans)
