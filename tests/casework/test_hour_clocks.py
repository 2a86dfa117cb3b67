"""Clocks in hours: against plain arithmetic of moments, beside a clock in days that knows nothing of them, and in the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from casebook import CALENDAR, Book, at
from hypothesis import given
from hypothesis import strategies as st

from muheng.casework.case_type import load_type
from muheng.casework.clock_standing import ClockStanding, begin_of
from muheng.casework.document import CaseType
from muheng.casework.history import replay
from muheng.casework.measure import measure
from muheng.casework.reminders import escalations_due, next_reminder, recount, warnings_due
from muheng.casework.standing import next_due, offers
from muheng.documents.message import Refusal

HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
URGENT = """
id = "urgent"
name = "急事"
english = "Urgent matter"
prefix = "JS"
subject = "none"

[[kind]]
id = "usual"
name = "一般"
english = "Usual"

[[kind]]
id = "key"
name = "重点"
english = "Key"

[[state]]
id = "open"
name = "在办"
english = "Open"
phase = "open"
waits_for = "handler"

[[state]]
id = "held"
name = "暂停"
english = "Held"
phase = "open"
waits_for = "handler"

[[state]]
id = "closed"
name = "办结"
english = "Closed"
phase = "closed"
waits_for = "nobody"

[opening]
state = "open"
by = ["desk", "room"]
starts = ["hours", "days"]

[[act]]
id = "pause"
name = "暂停"
english = "Pause"
from = ["open"]
to = "held"
by = ["desk"]
note = "required"
pauses = ["hours", "days"]

[[act]]
id = "resume"
name = "恢复"
english = "Resume"
from = ["held"]
to = "open"
by = ["desk"]
resumes = ["hours", "days"]

[[act]]
id = "extend"
name = "延期"
english = "Extend"
from = ["open"]
by = ["leader"]
note = "required"
extends = ["hours", "days"]

[[act]]
id = "finish"
name = "办结"
english = "Finish"
from = ["open", "held"]
to = "closed"
by = ["handler"]
stops = ["hours", "days"]

[[clock]]
id = "hours"
name = "小时时限"
english = "Limit in hours"
nature = "legal"
unit = "hour"
hours = 48
by_kind = { key = 4 }
extension = { times = 3, hours = 12 }
warn_at = ["50%", "100%"]
basis = "测试"

[[clock]]
id = "days"
name = "日时限"
english = "Limit in days"
nature = "promised"
unit = "working"
days = 5
extension = { times = 3, days = 2 }
warn_at = ["100%"]
basis = "测试"

[[escalation]]
clock = "hours"
overdue_hours = 3
levels = 1
tells = ["handler"]
"""


@cache
def load(text: str = URGENT) -> CaseType:
    case_type, found = load_type(text)
    assert case_type is not None, found
    return case_type


def opened(when: str = "2026-03-06T16:30:15.000250", kind: str = "usual", **data: Any) -> Book:
    return Book(load()).open(when, "room", kind=kind, **data)


def hours_of(book: Book) -> ClockStanding:
    return book.standing.clocks["hours"]


# -- by hand ---------------------------------------------------------------------------------------


def test_nights_and_days_off_count_and_the_very_moment_is_in_time() -> None:
    clock = hours_of(opened())  # a Friday
    due = at("2026-03-08T16:30:15.000250")
    assert (clock.due, clock.provisional) == (due, False)
    assert not clock.is_late(due)
    assert clock.is_late(due + INSTANT)
    assert clock.spent(due - HOUR / 3) == Fraction(143, 3)
    assert clock.share(due - 24 * HOUR) == Fraction(1, 2)
    assert clock.overdue(due + 2.5 * HOUR) == Fraction(5, 2)
    for when, late in ((due, False), (due + INSTANT, True)):
        ended = opened().act(when, "finish", "handler")
        assert hours_of(ended).late is late
        measured = measure(load(), ended.standing, CALENDAR)
        assert measured is not None
        assert (measured.clocks["hours"].on_time, measured.clocks["days"].on_time) == (not late, True)
        assert measured.on_time is not late


def test_a_pause_takes_out_what_lies_between_its_moments() -> None:
    book = opened()
    book.act("2026-03-07T16:30:15.000250", "pause", "desk", note="等监测")
    assert hours_of(book).due is None
    assert next_due(book.standing) is None
    assert warnings_due(load(), book.standing, at("2026-04-01T00:00")) == ()
    book.act("2026-03-07T16:45:15.000251", "resume", "desk")
    assert hours_of(book).due == at("2026-03-08T16:45:15.000251")
    assert hours_of(book).spent(at("2026-03-07T16:40")) == 24
    late = opened().act("2026-03-08T16:30:15.000251", "pause", "desk", note="晚了一微秒才停")
    assert hours_of(late).is_late(at("2026-03-09T00:00"))


def test_an_extension_is_written_in_hours() -> None:
    book = opened()
    wrong: tuple[dict[str, Any], ...] = (
        {"days": 1},
        {"hours": 13},
        {"hours": 0},
        {"hours": True},
        {"hours": 2, "days": 1},
        {},
    )
    for given_ in wrong:
        with pytest.raises(Refusal, match="小时数应是 1 到 12"):
            book.act("2026-03-07T08:00", "extend", "leader", note="延", clock="hours", **given_)
    with pytest.raises(Refusal, match="天数应是 1 到 2"):
        book.act("2026-03-07T08:00", "extend", "leader", note="延", clock="days", hours=2)
    book.act("2026-03-08T16:30:15.000250", "extend", "leader", note="最后一刻", clock="hours", hours=12)
    assert hours_of(book).due == at("2026-03-09T04:30:15.000250")
    assert (hours_of(book).limit, book.standing.clocks["days"].limit) == (60, 5)
    for when, ready in (("2026-03-09T04:30:15.000250", True), ("2026-03-09T04:30:15.000251", False)):
        with_days_over = opened()
        with_days_over.events, with_days_over.standings = book.events[:], book.standings[:]
        if not ready:
            with pytest.raises(Refusal, match="已经超期"):
                with_days_over.act(when, "extend", "leader", note="延", clock="hours", hours=1)
        else:
            with_days_over.act(when, "extend", "leader", note="延", clock="hours", hours=1)
        # The one in days can still be, so the act is offered.
        assert [each.act.id for each in offers(load(), book.standing, ["leader"], at(when))] == ["extend"]


def test_each_warning_and_escalation_has_its_moment() -> None:
    case_type, book = load(), opened()
    half, due = at("2026-03-07T16:30:15.000250"), at("2026-03-08T16:30:15.000250")
    for moment, verb, level in ((half, "warn", 50), (due, "warn", 100), (due + 3 * HOUR, "escalate", 1)):
        assert next_reminder(case_type, book.standing) == moment
        for before in (moment - INSTANT, moment):
            found = [
                *(("warn", each) for each in warnings_due(case_type, book.standing, before)),
                *(("escalate", each) for each in escalations_due(case_type, book.standing, before)),
            ]
            assert [(each, of.level, of.due) for each, of in found] == [(verb, level, due)] * (
                before == moment
            )
        book.act(moment, verb, "site", clock="hours", level=level)
    # What is left is the one in days: on its last day, from its first moment on.
    assert next_reminder(case_type, book.standing) == date(2026, 3, 13)


def test_what_is_due_first_is_told_by_moments() -> None:
    assert next_due(opened().standing) == ("hours", at("2026-03-08T16:30:15.000250"), False)
    book = opened()
    for hour in (8, 9, 10):
        book.act(f"2026-03-07T{hour:02}:00", "extend", "leader", note="延", clock="hours", hours=12)
    assert next_due(book.standing) == ("hours", at("2026-03-10T04:30:15.000250"), False)
    # On the day of the last moment of which the one in days is due, the one in hours comes before it.
    same = Book(load()).open("2026-03-12T00:00", "room", limits={"hours": {"hours": 191}}, kind="usual")
    assert same.standing.clocks["days"].due == date(2026, 3, 19)
    assert next_due(same.standing) == ("hours", at("2026-03-19T23:00"), False)


def test_moments_are_china_s_whatever_zone_they_came_in() -> None:
    east, utc = (opened(when) for when in ("2026-03-07T00:30", "2026-03-06T16:30+00:00"))
    assert hours_of(utc) == hours_of(east)
    assert hours_of(utc).due.isoformat() == "2026-03-09T00:30:00+08:00"  # type: ignore[union-attr]
    assert hours_of(utc).day(at("2026-03-06T16:30+00:00")) == date(2026, 3, 7)
    # A day alone is over for it.
    assert hours_of(east).is_late(date(2026, 3, 9))
    assert not hours_of(east).is_late(date(2026, 3, 8))


def test_kinds_and_rooms_have_limits_of_their_own() -> None:
    assert hours_of(opened(kind="key")).limit == 4
    book = opened()
    book.act("2026-03-06T17:00", "assign", "desk", kind="key")
    assert hours_of(book).due == at("2026-03-06T20:30:15.000250")
    own = opened(limits={"hours": {"hours": 7}})
    own.act("2026-03-06T17:00", "assign", "desk", kind="key")
    assert (hours_of(own).limit, own.standing.clocks["days"].limit) == (7, 5)
    for limits in ({"hours": 7}, {"hours": {"days": 7}}, {"hours": {"hours": 0}}, {"hour": {"hours": 1}}, 7):
        with pytest.raises(Refusal, match=r"要写 hours，1 到|没有时限"):
            opened(limits=limits)
    with pytest.raises(Refusal, match="limits"):
        Book(load()).open("2026-03-06T17:00", "desk", kind="usual", limits={"hours": {"hours": 7}})


def test_days_of_before_the_file_came_to_hours_are_read_as_hours() -> None:
    days = load(
        URGENT.replace('"hour"\nhours = 48', '"calendar"\ndays = 2')
        .replace("times = 3, hours = 12", "times = 3, days = 12")
        .replace("overdue_hours", "overdue_days")
    )
    book = Book(days).open("2026-03-06T16:30", "room", kind="usual", days=3)
    book.act("2026-03-07T09:00", "extend", "leader", note="延", clock="hours", days=2)
    now = replay(load(), book.events, CALENDAR).clocks["hours"]
    assert (now.limit, now.due) == (120, at("2026-03-11T16:30"))
    there = opened().act("2026-03-07T09:00", "extend", "leader", note="延", clock="hours", hours=7)
    assert replay(days, there.events, CALENDAR).clocks["hours"].limit == 3


def test_a_case_in_hours_counts_its_days_by_the_days_of_its_moments() -> None:
    book = opened("2026-03-06T23:30")
    book.act("2026-03-07T00:30", "pause", "desk", note="等").act("2026-03-09T09:00", "resume", "desk")
    book.act("2026-03-10T09:30", "finish", "handler")
    found = measure(load(), book.standing, CALENDAR)
    assert found is not None
    hours = found.clocks["hours"]
    assert (hours.net, hours.gross, hours.unit) == (1 + Fraction(49, 2), 82, "hour")
    assert (found.net_working, found.gross_working) == (1, 2)  # Tuesday; Monday and Tuesday


# -- any history -----------------------------------------------------------------------------------


@dataclass
class Arithmetic:
    """The clock in hours as moments and lengths of time, without the library."""

    start: datetime
    limit: timedelta = 48 * HOUR
    pauses: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    def due(self) -> datetime | None:
        end = self.start + self.limit
        for begin, resumed in self.pauses:
            if begin >= end:
                break
            if resumed is None:
                return None
            end += resumed - begin
        return end

    def spent(self, until: datetime) -> timedelta:
        paused = ((begin, min(resumed or until, until)) for begin, resumed in self.pauses if begin < until)
        return until - self.start - sum((end - begin for begin, end in paused), timedelta())


GAPS = st.one_of(
    st.integers(0, 60 * 3_600_000_000),
    st.integers(0, 60).map(lambda hours: hours * 3_600_000_000),
    st.integers(0, 5),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["pause", "resume", "extend", "note"]), GAPS, st.integers(1, 12)), max_size=9
)


def without_hours() -> CaseType:
    before, after = URGENT.split('[[clock]]\nid = "hours"')
    text = before + '[[clock]]\nid = "days"' + after.split('id = "days"')[1]
    return load(text.split("[[escalation]]")[0].replace('"hours", ', ""))


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 28)), STEPS, GAPS)
def test_any_history_is_plain_arithmetic_and_the_clock_in_days_never_notices(
    start: datetime, steps: list[tuple[str, int, int]], last: int
) -> None:
    now = start.replace(tzinfo=UTC)
    plain = Arithmetic(now)
    book, alone = (Book(each).act(now, "open", "desk", kind="usual") for each in (load(), without_hours()))
    for verb, gap, amount in steps:
        now += gap * INSTANT
        said: dict[str, Any] = {} if verb == "resume" else {"note": "记"}
        data = said | ({"clock": "hours", "hours": amount} if verb == "extend" else {})
        try:
            book.act(now, verb, "leader" if verb == "extend" else "desk", **data)
        except Refusal:
            continue
        if verb == "pause":
            plain.pauses.append((now, None))
        elif verb == "resume":
            plain.pauses[-1] = (plain.pauses[-1][0], now)
        elif verb == "extend":
            plain.limit += amount * HOUR
        alone.act(now, "note" if verb == "extend" else verb, "desk", **said)
        check(book, plain, alone, now)
    now += last * INSTANT
    due = plain.due()
    finished = book.act(now, "finish", "handler").standing
    assert finished.clocks["hours"].late is (due is not None and now > due)
    assert finished.clocks["days"] == alone.act(now, "finish", "handler").standing.clocks["days"]
    assert replay(load(), book.events, CALENDAR) == finished


def check(book: Book, plain: Arithmetic, alone: Book, now: datetime) -> None:
    clock, due, standing = hours_of(book), plain.due(), book.standing
    assert clock.due == due
    assert standing.clocks["days"] == alone.standing.clocks["days"]
    assert recount(standing, CALENDAR) == (standing, ())
    for later in (now, now + INSTANT, now + 7 * HOUR, now + 90 * HOUR):
        late = due is not None and later > due
        assert clock.spent(later) == Fraction(plain.spent(later) // INSTANT, HOUR // INSTANT)
        assert clock.is_late(later) is late
        assert clock.overdue(later) == (
            Fraction((later - due) // INSTANT, HOUR // INSTANT) if late and due else 0
        )
    coming = next_reminder(load(), standing)
    assert (coming is not None) is clock.running
    if coming is not None:
        moment = begin_of(coming)
        for at_, called in ((moment, True), (moment - INSTANT, False)):
            found = (*warnings_due(load(), standing, at_), *escalations_due(load(), standing, at_))
            assert bool(found) is called


# -- the file --------------------------------------------------------------------------------------

BAD = [
    ("hours = 48", "hours = 48\ndays = 2", "按小时计，不能写 days", "days = 2"),
    ("hours = 48", "days = 2", "按小时计，不能写 days", "days = 2"),
    ("hours = 48\n", "", "按小时计，没有写 hours", 'id = "hours"'),
    ("hours = 48", "hours = 0", "不小于 1", "hours = 0"),
    ("hours = 48", "hours = 90000", "不大于", "hours = 90000"),
    ("hours = 48", "hours = 1.5", "整数", "hours = 1.5"),
    ("by_kind = { key = 4 }", "by_kind = { key = 0 }", "应在 1 到 87840 之间，写的是 0", "by_kind = { key = 0 }"),
    ("times = 3, hours = 12", "times = 3, days = 1", "按小时计，不能写 days", "extension = { times = 3, days = 1 }"),
    ("times = 3, hours = 12", "times = 3", "没有写 hours", "extension = { times = 3 }"),
    ("days = 5", "hours = 5", "按日计，不能写 hours", "hours = 5"),
    ("days = 5\n", "", "按日计，没有写 days", 'id = "days"'),
    ("days = 5", "days = 5\nby_kind = { key = 5000 }", "应在 0 到 3660 之间", "by_kind = { key = 5000 }"),
    ("overdue_hours = 3", "overdue_days = 3", "不能写 overdue_days", "overdue_days = 3"),
    ("overdue_hours = 3", 'overdue_hours = 3\nat = "100%"', "at 和 overdue_hours 应写一项", "[[escalation]]"),
    ('clock = "hours"\noverdue', 'clock = "days"\noverdue', "按日计，不能写 overdue_hours", "overdue_hours = 3"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "word", "line"), BAD, ids=[f"{new[:30]} {word}" for _, new, word, _ in BAD]
)
def test_hours_and_days_are_not_mixed_up(old: str, new: str, word: str, line: str) -> None:
    assert old in URGENT
    text = URGENT.replace(old, new, 1)
    case_type, found = load_type(text, "urgent.toml")
    assert case_type is None
    told = [each for each in found if word in str(each.what)]
    assert told, [str(each.what) for each in found]
    assert all(each.what.render("en") != str(each.what) for each in found)
    assert line in text.splitlines()[(told[0].line or 0) - 1 : (told[0].line or 0) + 1], told[0].line
