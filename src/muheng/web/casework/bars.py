"""A clock of a case as a page shows it: a bar of its days, and what the bar says as text. Asks no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from muheng.casework.clock_standing import ClockStanding
from muheng.casework.document import CaseType
from muheng.casework.standing import RUNNING, Standing
from muheng.web.casework.wording import Due, count_days, say_days, say_doubt
from muheng.web.reading import language
from muheng.web.templatetags.words import day as say_day


@dataclass(frozen=True)
class Stretch:
    """Days of a bar, from ``start`` on, as hundredths of its length; ``kind``: spent, paused, left or over."""

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


def draw_bars(case_type: CaseType, standing: Standing, today: date) -> list[Bar]:
    """Every run of every clock, those that run first, then the newest."""
    runs = sorted(standing.runs, key=lambda clock: clock.started_on, reverse=True)
    runs.sort(key=lambda clock: clock.stopped_on is not None)
    return [_draw(case_type, clock, today, standing.phase in RUNNING) for clock in runs]


def _draw(case_type: CaseType, clock: ClockStanding, today: date, live: bool) -> Bar:
    declared = case_type.clock(clock.id)
    legal = declared is not None and declared.nature == "legal"
    used = say_days(clock.spent(today), clock.unit)
    return Bar(
        title=declared.title(language()) if declared is not None else clock.id,
        nature=_("法定") if legal else _("承诺"),
        basis=declared.basis if declared is not None else "",
        legal=legal,
        running=live and clock.stopped_on is None,
        due=say_clock(clock, today),
        spent=_("已用%(used)s，共%(limit)s") % {"used": used, "limit": say_days(clock.limit, clock.unit)},
        dates=_dates(clock),
        stretches=tuple(_stretches(clock, today)),
        lines=tuple(_lines(clock)),
    )


def say_clock(clock: ClockStanding, today: date) -> Due:
    """How near its end a clock is, or how it was kept."""
    due = clock.due
    doubt = say_doubt(due) if clock.provisional and due is not None and clock.stopped_on is None else ""
    if clock.stopped_on is not None:
        if clock.late:
            over = say_days(clock.overdue(today), clock.unit)
            return Due(_("超期%(days)s办完") % {"days": over}, "wrong", due)
        return Due(_("按期"), "good", due)
    if clock.paused:
        return Due(_("暂停计时"), "plain")
    if due is None:
        return Due("")
    if clock.is_late(today):
        late = clock.overdue(today)
        text = _("超期%(days)s") % {"days": say_days(late, clock.unit)} if late else _("已超期")
        return Due(text, "wrong", due, doubt)
    left = count_days(today, due, clock.unit)
    text = _("还有%(days)s") % {"days": say_days(left, clock.unit)} if left else _("今天到期")
    return Due(text, "" if left > 2 else "warn", due, doubt)


def _dates(clock: ClockStanding) -> str:
    started = _("%(day)s起算（当日不计）") % {"day": say_day(clock.started_on)}
    if clock.stopped_on is not None:
        return started + _("，%(day)s停止") % {"day": say_day(clock.stopped_on)}
    if clock.due is not None:
        return started + _("，%(day)s到期") % {"day": say_day(clock.due)}
    return started


def _lines(clock: ClockStanding) -> list[str]:
    told = []
    for pause in clock.pauses:
        values = {"first": say_day(pause.paused_on), "last": say_day(pause.resumed_on), "why": pause.reason}
        if pause.resumed_on is None:
            told.append(_("%(first)s起暂停：%(why)s") % values)
        else:
            told.append(_("%(first)s至%(last)s暂停：%(why)s") % values)
    for extended in clock.extensions:
        days = say_days(extended.days, clock.unit)
        told.append(
            _("%(day)s延长%(days)s：%(why)s")
            % {"day": say_day(extended.extended_on), "days": days, "why": extended.reason}
        )
    return told


def _stretches(clock: ClockStanding, today: date) -> list[Stretch]:
    """The bar from the start of the clock to its due day, or to today where that is later, in the clock's own days:
    a week-end is no part of a limit in working days."""
    until = clock.stopped_on or max(today, clock.started_on)
    due = clock.due
    end = max(until, due or until)
    whole = max(count_days(clock.started_on, end, clock.unit), 1)
    pieces: list[tuple[str, date, date]] = []
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
        (kind, count_days(clock.started_on, first, clock.unit), count_days(first, last, clock.unit))
        for kind, first, last in pieces
        if last > first
    ]
    return [
        Stretch(kind, round(100 * start / whole, 2), round(100 * length / whole, 2))
        for kind, start, length in drawn
        if length > 0
    ]
