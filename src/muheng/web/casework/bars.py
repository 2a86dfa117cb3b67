"""A clock of a case as a page shows it: a bar of its days or hours, and what the bar says as text. Asks no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from muheng.casework.clock_standing import ClockStanding, Mark, begin_of
from muheng.casework.document import CaseType, Unit
from muheng.casework.standing import RUNNING, Standing
from muheng.web.casework.wording import Due, count_days, say_amount, say_doubt, say_due_at
from muheng.web.reading import language
from muheng.web.templatetags.words import moment as say_mark


@dataclass(frozen=True)
class Stretch:
    """Days or hours of a bar, from ``start`` on, as hundredths of its length; ``kind``: spent, paused, left or over."""

    kind: str
    start: float
    width: float


@dataclass(frozen=True)
class Bar:
    """A clock: what it is, how far it is, its stretches, and the sentences that belong to it."""

    title: str
    nature: str
    basis: str
    legal: bool
    running: bool
    due: Due
    spent: str
    dates: str
    stretches: tuple[Stretch, ...]
    lines: tuple[str, ...]


def draw_bars(case_type: CaseType, standing: Standing, now: datetime) -> list[Bar]:
    """Every run of every clock, those that run first, then the newest."""
    runs = sorted(standing.runs, key=lambda clock: begin_of(clock.started_on), reverse=True)
    runs.sort(key=lambda clock: clock.stopped_on is not None)
    return [_draw(case_type, clock, now, standing.phase in RUNNING) for clock in runs]


def _draw(case_type: CaseType, clock: ClockStanding, now: datetime, live: bool) -> Bar:
    declared = case_type.clock(clock.id)
    legal = declared is not None and declared.nature == "legal"
    used = say_amount(clock.spent(now), clock.unit)
    return Bar(
        title=declared.title(language()) if declared is not None else clock.id,
        nature=_("法定") if legal else _("承诺"),
        basis=declared.basis if declared is not None else "",
        legal=legal,
        running=live and clock.stopped_on is None,
        due=say_clock(clock, now),
        spent=_("已用%(used)s，共%(limit)s") % {"used": used, "limit": say_amount(clock.limit, clock.unit)},
        dates=_dates(clock),
        stretches=tuple(_stretches(clock, now)),
        lines=tuple(_lines(clock)),
    )


def say_clock(clock: ClockStanding, now: datetime) -> Due:
    """How near its end a clock is, or how it was kept."""
    due = clock.due
    doubt = say_doubt(due) if clock.provisional and due is not None and clock.stopped_on is None else ""
    if clock.stopped_on is not None:
        if clock.late:
            over = say_amount(clock.overdue(now), clock.unit)
            return Due(_("超期%(days)s办完") % {"days": over}, "wrong", due)
        return Due(_("按期"), "good", due)
    if clock.paused:
        return Due(_("暂停计时"), "plain")
    if due is None:
        return Due("")
    if isinstance(due, datetime):
        return say_due_at(due, now)
    if clock.is_late(now):
        late = clock.overdue(now)
        text = _("超期%(days)s") % {"days": say_amount(late, clock.unit)} if late else _("已超期")
        return Due(text, "wrong", due, doubt)
    left = count_days(clock.day(now), due, clock.unit)
    text = _("还有%(days)s") % {"days": say_amount(left, clock.unit)} if left else _("今天到期")
    return Due(text, "" if left > 2 else "warn", due, doubt)


def _dates(clock: ClockStanding) -> str:
    first = {"day": say_mark(clock.started_on)}
    started = (_("%(day)s起算") if clock.unit == "hour" else _("%(day)s起算（当日不计）")) % first
    if clock.stopped_on is not None:
        return started + _("，%(day)s停止") % {"day": say_mark(clock.stopped_on)}
    if clock.due is not None:
        return started + _("，%(day)s到期") % {"day": say_mark(clock.due)}
    return started


def _lines(clock: ClockStanding) -> list[str]:
    told = []
    for pause in clock.pauses:
        values = {"first": say_mark(pause.paused_on), "last": say_mark(pause.resumed_on), "why": pause.reason}
        if pause.resumed_on is None:
            told.append(_("%(first)s起暂停：%(why)s") % values)
        else:
            told.append(_("%(first)s至%(last)s暂停：%(why)s") % values)
    for extended in clock.extensions:
        days = say_amount(extended.amount, clock.unit)
        told.append(
            _("%(day)s延长%(days)s：%(why)s")
            % {"day": say_mark(extended.extended_on), "days": days, "why": extended.reason}
        )
    return told


def _stretches(clock: ClockStanding, now: datetime) -> list[Stretch]:
    """The bar from the start of the clock to when it is due, or to now where that is later, as the clock counts: a week-end
    is no part of a limit in working days."""
    until = clock.stopped_on or max(clock.mark(now), clock.started_on)
    due = clock.due
    end = max(until, due or until)
    whole = max(_length(clock.started_on, end, clock.unit), 1)
    pieces: list[tuple[str, Mark, Mark]] = []
    at = clock.started_on
    for pause in clock.pauses:
        resumed = pause.resumed_on or until
        pieces += [("spent", at, min(pause.paused_on, until)), ("paused", pause.paused_on, resumed)]
        at = resumed
    if not clock.paused:
        turn = min(max(due, at), until) if due is not None else until
        pieces += [("spent", at, turn), ("over", turn, until)]
        if due is not None:
            pieces.append(("left", until, due))
    drawn = [
        (kind, _length(clock.started_on, first, clock.unit), _length(first, last, clock.unit))
        for kind, first, last in pieces
        if last > first
    ]
    return [
        Stretch(kind, round(100 * start / whole, 2), round(100 * length / whole, 2))
        for kind, start, length in drawn
        if length > 0
    ]


def _length(first: Mark, last: Mark, unit: Unit) -> float:
    return (last - first) / timedelta(hours=1) if unit == "hour" else count_days(first, last, unit)
