"""The clock: late in the evening, on a make-up Saturday, over long holidays, paused, extended, recounted."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from casebook import CALENDAR, Book, at
from hypothesis import given
from hypothesis import strategies as st

from muheng.casework.case_type import load_type
from muheng.casework.clock_standing import ClockStanding, Pause
from muheng.casework.document import CaseType
from muheng.casework.history import replay
from muheng.casework.reminders import escalations_due, next_reminder, recount, warnings_due
from muheng.casework.standing import next_due, offers
from muheng.documents.message import Refusal
from muheng.standards.calendar import Calendar

SMALL = """
id = "small"
name = "小事"
english = "Small matter"
prefix = "XS"
subject = "none"

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
by = ["desk"]
starts = ["legal", "plain"]

[[act]]
id = "pause"
name = "暂停"
english = "Pause"
from = ["open"]
to = "held"
by = ["desk"]
note = "required"
pauses = ["legal", "plain"]

[[act]]
id = "resume"
name = "恢复"
english = "Resume"
from = ["held"]
to = "open"
by = ["desk"]
resumes = ["legal", "plain"]

[[act]]
id = "extend"
name = "延期"
english = "Extend"
from = ["open"]
by = ["leader"]
note = "required"
extends = ["legal", "plain"]

[[act]]
id = "finish"
name = "办结"
english = "Finish"
from = ["open", "held"]
to = "closed"
by = ["handler"]
stops = ["legal", "plain"]

[[clock]]
id = "legal"
name = "规定时限"
english = "Legal limit"
nature = "legal"
unit = "working"
days = 5
extension = { times = 2, days = 10 }
warn_at = ["60%", "100%"]
basis = "测试"

[[clock]]
id = "plain"
name = "承诺时限"
english = "Promised limit"
nature = "promised"
unit = "calendar"
days = 10
extension = { times = 1, days = 5 }
warn_at = ["50%"]
basis = "测试"

[[escalation]]
clock = "legal"
overdue_days = 1
levels = 1
tells = ["handler"]

[[escalation]]
clock = "legal"
overdue_days = 3
levels = 2

[[escalation]]
clock = "plain"
at = "90%"
levels = 1
"""


def small() -> CaseType:
    case_type, found = load_type(SMALL)
    assert case_type is not None, found
    return case_type


def opened(when: str, calendar: Calendar = CALENDAR) -> Book:
    return Book(small(), calendar).open(when, "desk")


def due(book: Book, clock: str = "legal") -> date | None:
    return book.standing.clocks[clock].due


# -- the clock tests -----------------------------------------------------------------------


def test_start_at_23_59() -> None:
    assert due(opened("2026-04-29T23:59")) == date(2026, 5, 9)
    assert due(opened("2026-04-29T23:59:59.999999")) == date(2026, 5, 9)
    assert due(opened("2026-04-30T00:00")) == date(2026, 5, 11)  # a minute later is another day
    book = opened("2026-04-29T23:59")
    assert not book.standing.clocks["legal"].is_late(date(2026, 5, 9))
    book.act("2026-05-09T23:59", "finish", "handler")
    assert not book.standing.clocks["legal"].late
    late = opened("2026-04-29T23:59").act("2026-05-10T00:00", "finish", "handler")
    assert late.standing.clocks["legal"].late


def test_start_on_a_make_up_saturday() -> None:
    book = opened("2026-02-14T10:00")  # worked, the holiday begins the day after
    assert due(book) == date(2026, 2, 28)  # 24, 25, 26, 27 and the make-up Saturday 28th
    assert book.standing.clocks["legal"].spent(date(2026, 2, 23)) == 0
    assert book.standing.clocks["legal"].spent(date(2026, 2, 28)) == 5
    assert due(opened("2026-02-28T10:00")) == date(2026, 3, 6)


def test_start_on_a_day_off() -> None:
    assert due(opened("2026-02-15T10:00")) == due(opened("2026-02-14T10:00"))
    assert due(opened("2026-02-23T10:00")) == date(2026, 2, 28)


def test_across_spring_festival() -> None:
    assert due(opened("2026-02-10T09:00")) == date(2026, 2, 24)
    # Ten calendar days end in the holiday and go on to the first working day after it.
    assert due(opened("2026-02-10T09:00"), "plain") == date(2026, 2, 24)


def test_across_national_day() -> None:
    # 30 September; the holiday is 1 to 7 October; then Thursday, Friday, the make-up Saturday and Monday.
    assert due(opened("2026-09-29T09:00")) == date(2026, 10, 12)
    assert due(opened("2026-09-21T09:00"), "plain") == date(2026, 10, 8)  # ten days end on 1 October


def test_across_national_day_counted_by_hand() -> None:
    working = [
        date(2026, 9, 30),
        date(2026, 10, 8),
        date(2026, 10, 9),
        date(2026, 10, 10),
        date(2026, 10, 12),
    ]
    assert [CALENDAR.add_working_days(date(2026, 9, 29), n + 1).due for n in range(5)] == working


def test_paused_twice() -> None:
    book = opened("2026-03-02T09:00")  # a Monday; due on Monday the 9th
    assert due(book) == date(2026, 3, 9)
    book.act("2026-03-03T09:00", "pause", "desk", note="等材料")
    assert due(book) is None
    assert next_due(book.standing) is None
    assert book.standing.clocks["legal"].paused
    book.act("2026-03-05T18:00", "resume", "desk")  # the 4th and the 5th are out
    assert due(book) == date(2026, 3, 11)
    book.act("2026-03-06T09:00", "pause", "desk", note="专家评审")
    book.act(
        "2026-03-16T09:00", "resume", "desk"
    )  # the 9th to the 13th and the 16th are out: six working days
    assert due(book) == date(2026, 3, 19)
    clock = book.standing.clocks["legal"]
    assert [clock.spent(day) for day in (date(2026, 3, 3), date(2026, 3, 5), date(2026, 3, 6))] == [1, 1, 2]
    assert clock.spent(date(2026, 3, 19)) == 5
    assert [pause.reason for pause in clock.pauses] == ["等材料", "专家评审"]


def test_paused_and_resumed_on_one_day_costs_nothing() -> None:
    book = opened("2026-03-02T09:00")
    for hour in (9, 11, 13):
        book.act(f"2026-03-03T{hour:02}:00", "pause", "desk", note="误点")
        book.act(f"2026-03-03T{hour:02}:30", "resume", "desk")
    assert due(book) == date(2026, 3, 9)


def test_a_clock_that_was_overdue_before_the_pause_stays_overdue() -> None:
    book = opened("2026-03-02T09:00")
    book.act("2026-03-11T09:00", "pause", "desk", note="晚了才停")
    clock = book.standing.clocks["legal"]
    assert clock.due == date(2026, 3, 9)
    assert clock.is_late(date(2026, 3, 11))
    book.act("2026-03-31T09:00", "finish", "handler")
    assert book.standing.clocks["legal"].late


def test_extended() -> None:
    book = opened("2026-03-02T09:00")
    book.act("2026-03-03T09:00", "extend", "leader", note="情况复杂", clock="legal", days=10)
    assert due(book) == date(2026, 3, 23)
    assert due(book, "plain") == date(2026, 3, 12)
    book.act("2026-03-04T09:00", "extend", "leader", note="还要几天", clock="legal", days=3)
    assert due(book) == date(2026, 3, 26)
    assert book.standing.clocks["legal"].limit == 18
    assert book.standing.extended == 2
    # Twice is what the file allows; the other clock is then the only one, and need not be named.
    with pytest.raises(Refusal, match="承诺时限"):
        book.act("2026-03-05T09:00", "extend", "leader", note="再延", clock="legal", days=1)
    book.act("2026-03-05T09:00", "extend", "leader", note="再延", days=5)
    assert due(book, "plain") == date(2026, 3, 17)
    with pytest.raises(Refusal, match="次数已用完"):
        book.act("2026-03-05T09:00", "extend", "leader", note="再延", days=1)


@pytest.mark.parametrize("days", [0, -1, 11, 3.0, "3", True, None])
def test_extended_only_by_what_the_file_allows(days: object) -> None:
    book = opened("2026-03-02T09:00")
    with pytest.raises(Refusal, match="1 到 10"):
        book.act("2026-03-03T09:00", "extend", "leader", note="延", clock="legal", days=days)


def test_an_overdue_clock_is_not_extended_any_more() -> None:
    book = opened("2026-03-02T09:00")
    with pytest.raises(Refusal, match="已经超期"):
        book.act("2026-03-10T09:00", "extend", "leader", note="延", clock="legal", days=5)
    # The other clock, due on the 12th, can still be.
    for day, ready in (("2026-03-10", True), ("2026-03-12", True), ("2026-03-13", False)):
        found = offers(book.case_type, book.standing, ["leader"], at(f"{day}T09:00"))
        assert ("extend" in [offer.act.id for offer in found]) is ready
    book.act("2026-03-09T23:00", "extend", "leader", note="最后一天", clock="legal", days=5)
    assert due(book) == date(2026, 3, 16)


def published_2027() -> Calendar:
    """A made-up notice: New Year on Friday 1 January, Monday 4 January off too, Sunday the 10th worked."""
    return replace(
        CALENDAR,
        years={**CALENDAR.years, 2027: "测试用"},
        holidays=CALENDAR.holidays | {date(2027, 1, 1), date(2027, 1, 4)},
        make_up_days=CALENDAR.make_up_days | {date(2027, 1, 10)},
    )


def test_2027_is_still_unpublished() -> None:
    assert 2027 not in CALENDAR.years
    book = opened("2026-12-29T09:00")
    assert due(book) == date(2027, 1, 5)  # Monday to Friday
    assert book.standing.clocks["legal"].provisional
    assert next_due(book.standing) == ("legal", date(2027, 1, 5), True)
    assert not opened("2026-12-24T09:00").standing.clocks["legal"].provisional
    assert due(opened("2026-12-24T09:00")) == date(2026, 12, 31)


def test_calendar_republished() -> None:
    book = opened("2026-12-29T09:00")
    anew = published_2027()
    found = replay(book.case_type, book.events, anew)
    assert found.clocks["legal"].due == date(2027, 1, 7)  # 30, 31, then 5, 6, 7
    assert not found.clocks["legal"].provisional
    again, moved = recount(book.standing, anew)
    assert again == found
    assert {clock.id: clock.due for clock in again.clocks.values()} == {
        clock.id: clock.due for clock in found.clocks.values()
    }
    assert [(each.clock, each.old, each.new) for each in moved] == [
        ("legal", date(2027, 1, 5), date(2027, 1, 7))
    ]
    book.calendar = anew
    book.act("2027-01-02T09:00", "recount", "site", **moved[0].data)
    assert book.events[-1].data["fields"] == {"old": "2027-01-05", "new": "2027-01-07"}
    assert due(book) == date(2027, 1, 5)  # the cached step before was counted by the old calendar
    assert replay(book.case_type, book.events, anew).clocks["legal"].due == date(2027, 1, 7)
    assert recount(replay(book.case_type, book.events, anew), anew)[1] == ()


def test_a_republished_calendar_breaks_no_history() -> None:
    """An extension that was in time by the old calendar stays, though by the new one it came too late."""
    book = opened("2026-12-29T09:00")
    book.act("2027-01-05T09:00", "extend", "leader", note="延", clock="legal", days=5)
    worked_on_sunday = replace(
        CALENDAR,
        years={**CALENDAR.years, 2027: "测试用"},
        make_up_days=CALENDAR.make_up_days | {date(2027, 1, 2), date(2027, 1, 3)},
    )
    found = replay(book.case_type, book.events, worked_on_sunday)
    assert found.clocks["legal"].limit == 10
    assert found.clocks["legal"].due == date(2027, 1, 8)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_the_zone_of_the_server_is_wrong(zone: str) -> None:
    """The same due dates in a process whose machine believes to be elsewhere, from times given in UTC."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_clocks import opened\n"
        "for when in ('2026-04-29T15:59+00:00', '2026-04-29T16:00+00:00'):\n"
        "    print(opened(when).standing.clocks['legal'].due)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, os.path.dirname(__file__)],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["2026-05-09", "2026-05-11"]


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(Refusal, match="时区"):
        Book(small()).act(datetime(2026, 4, 29, 23, 59), "open", "desk")


# -- warnings and escalations ----------------------------------------------------------------------


def test_warnings_and_escalations_are_due_once() -> None:
    case_type = small()
    book = opened("2026-03-02T09:00")  # legal due 9 March, plain 12 March
    assert warnings_due(case_type, book.standing, date(2026, 3, 4)) == ()
    assert next_reminder(case_type, book.standing) == date(2026, 3, 5)
    (first,) = warnings_due(case_type, book.standing, date(2026, 3, 5))
    assert (first.clock, first.level, first.due) == ("legal", 60, date(2026, 3, 9))
    book.act("2026-03-05T01:00", "warn", "site", **first.data)
    assert warnings_due(case_type, book.standing, date(2026, 3, 6)) == ()
    # A sweep that did not run for days speaks of the highest share only.
    found = {(each.clock, each.level) for each in warnings_due(case_type, book.standing, date(2026, 3, 9))}
    assert found == {("legal", 100), ("plain", 50)}
    assert escalations_due(case_type, book.standing, date(2026, 3, 9)) == ()
    (raised,) = escalations_due(case_type, book.standing, date(2026, 3, 10))
    assert (raised.clock, raised.level, raised.overdue, raised.tells) == ("legal", 1, 1, ("handler",))
    late = escalations_due(case_type, book.standing, date(2026, 3, 12))
    assert [(each.clock, each.level) for each in late] == [("legal", 1), ("plain", 1), ("legal", 2)]
    book.act("2026-03-10T01:00", "escalate", "site", **raised.data)
    assert book.standing.level == 1
    assert escalations_due(case_type, book.standing, date(2026, 3, 10)) == ()
    assert [each.level for each in escalations_due(case_type, book.standing, date(2026, 3, 12))] == [1, 2]


def test_a_longer_limit_is_warned_of_anew() -> None:
    case_type = small()
    book = opened("2026-03-02T09:00").act("2026-03-05T09:00", "warn", "site", clock="legal", level=60)
    book.act("2026-03-06T09:00", "extend", "leader", note="延", clock="legal", days=5)
    assert "legal" not in {each.clock for each in warnings_due(case_type, book.standing, date(2026, 3, 9))}
    found = {each.clock: each.level for each in warnings_due(case_type, book.standing, date(2026, 3, 10))}
    assert found["legal"] == 60


def test_nothing_is_due_while_paused_or_after_the_end() -> None:
    case_type = small()
    book = opened("2026-03-02T09:00")
    book.act("2026-03-04T09:00", "pause", "desk", note="等")
    far = date(2026, 6, 1)
    assert (warnings_due(case_type, book.standing, far), escalations_due(case_type, book.standing, far)) == (
        (),
        (),
    )
    assert next_reminder(case_type, book.standing) is None
    with pytest.raises(Refusal, match="没有在计时"):
        book.act("2026-03-05T09:00", "warn", "site", clock="legal", level=60)
    book.act("2026-03-05T09:00", "finish", "handler")
    assert warnings_due(case_type, book.standing, far) == ()


@given(st.dates(date(2026, 1, 5), date(2026, 3, 1)), st.integers(0, 40))
def test_the_next_reminder_is_the_first_day_on_which_something_is_due(start: date, ahead: int) -> None:
    case_type = small()
    book = opened(f"{start}T09:00")
    first = next_reminder(case_type, book.standing)
    assert first is not None
    day = start + timedelta(days=ahead)
    something = warnings_due(case_type, book.standing, day) or escalations_due(case_type, book.standing, day)
    assert bool(something) is (day >= first)


# -- arithmetic ------------------------------------------------------------------------------------

DAYS = st.dates(date(2025, 6, 1), date(2027, 3, 1))


@st.composite
def clocks(draw: st.DrawFn, ended: bool | None = None) -> ClockStanding:
    """A clock with up to three pauses, the last maybe open."""
    started = draw(DAYS)
    moments = sorted(draw(st.lists(st.integers(0, 60), min_size=0, max_size=6)))
    days = [started + timedelta(days=moment) for moment in moments]
    pauses = [Pause(one, two, "") for one, two in zip(days[::2], days[1::2], strict=False)]
    if len(days) % 2 and draw(st.booleans()):
        pauses.append(Pause(days[-1], None, ""))
    return ClockStanding(
        "c",
        started,
        draw(st.integers(0, 40)),
        draw(st.sampled_from(["working", "calendar"])),
        CALENDAR,
        tuple(pauses),
    )


def walk(clock: ClockStanding) -> date | None:
    """The due date by walking day after day, as a clerk would with a calendar on the wall."""

    def excluded(day: date) -> bool:
        return any(
            pause.paused_on < day and (pause.resumed_on is None or day <= pause.resumed_on)
            for pause in clock.pauses
        )

    working = clock.unit == "working"
    day, counted = clock.started_on, 0
    while counted < clock.limit:
        day += timedelta(days=1)
        if day > date(2029, 1, 1):
            return None
        counted += not excluded(day) and (not working or CALENDAR.is_working_day(day))
    while not working and (not CALENDAR.is_working_day(day) or (day > clock.started_on and excluded(day))):
        day += timedelta(days=1)
        if day > date(2029, 1, 1):
            return None
    return day


@given(clocks())
def test_due_dates_are_those_of_a_clerk_who_counts_days(clock: ClockStanding) -> None:
    assert clock.due == walk(clock)
    if clock.due is not None:
        published = all(year in CALENDAR.years for year in range(clock.started_on.year, clock.due.year + 1))
        assert clock.provisional is (not published) or clock.unit == "calendar"


@given(clocks(), DAYS, DAYS)
def test_days_spent_never_run_backwards(clock: ClockStanding, one: date, two: date) -> None:
    early, late = sorted((one, two))
    assert 0 <= clock.spent(early) <= clock.spent(late)
    assert clock.spent(late) <= clock.count(late, clock.unit, gross=True)
    if clock.unit == "working" and clock.due is not None:
        assert clock.spent(clock.due) == clock.limit
    if clock.due is not None and clock.limit:
        assert (clock.share(late) > 1) is (clock.spent(late) > clock.limit)


@given(DAYS, st.integers(1, 30), st.integers(0, 20), st.integers(0, 30))
def test_a_pause_moves_the_due_date_by_the_working_days_it_takes_out(
    start: date, limit: int, before: int, length: int
) -> None:
    plain = ClockStanding("c", start, limit, "working", CALENDAR)
    paused_on = start + timedelta(days=before)
    resumed_on = paused_on + timedelta(days=length)
    paused = plain.pause(paused_on, "").resume(resumed_on)
    assert plain.due is not None
    assert paused.due is not None
    out = CALENDAR.count_working_days(paused_on, resumed_on) if plain.due > paused_on else 0
    assert CALENDAR.count_working_days(plain.due, paused.due) == out


def test_shares_are_exact() -> None:
    clock = opened("2026-03-02T09:00").standing.clocks["legal"]
    assert clock.share(date(2026, 3, 5)) == Fraction(3, 5)
    assert clock.share(date(2026, 3, 10)) == Fraction(6, 5)
    assert clock.overdue(date(2026, 3, 9)) == 0
    assert clock.overdue(date(2026, 3, 16)) == 5
    assert clock.overdue(date(2026, 3, 15)) == 4  # a Sunday


def test_times_in_another_zone_are_the_same_moments() -> None:
    book = opened("2026-04-29T15:59+00:00")
    assert book.events[0].at.astimezone(UTC).hour == 15
    assert due(book) == date(2026, 5, 9)
    assert replay(book.case_type, book.events, CALENDAR, at("2026-04-29T23:59")).version == 1
