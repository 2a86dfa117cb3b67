"""Limits in hours on the site: the row and its lists, rounds that remind to the minute, pages that say until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from muheng.casework.case_type import load_type
from muheng.cities.pack import COMMON_CASES
from muheng.web.casework import kinds, listing, sweep
from muheng.web.casework.actions import act, open_case
from muheng.web.casework.checking import check_cases
from muheng.web.casework.measures import Cut, Sight, cases_behind, count_in_hand, measure
from muheng.web.casework.models import NEVER, Case
from muheng.web.casework.sweep import Swept
from muheng.web.casework.tally import find_differences
from muheng.web.jobs.actions import find_tasks
from muheng.web.notices.models import Notice
from muheng.web.people.models import User
from web.casework.offices import CHINA, Offices, hand_over, raise_demand
from web.clock import hold_clock

Login = Callable[[User], Client]
NOW = datetime(2026, 3, 6, 15, 30, 45, tzinfo=CHINA)  # a Friday
DUE = NOW + timedelta(hours=48)
HOUR, MINUTE, INSTANT = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    return hold_clock(monkeypatch, NOW)


def raise_alert(offices: Offices, title: str = "1号排口超标", explained: bool = True, **given: Any) -> Case:
    """Given to the handler, explained at once: the clock of 48 hours runs."""
    case = open_case(
        None,
        "alert",
        title,
        enterprise=offices.city.enterprises[0],
        kind="exceedance",
        organisation=offices.land,
        handler=offices.handler,
        part="room",
        at=given.pop("at", NOW),
        **given,
    )
    if explained:
        act(
            offices.owner,
            case,
            "explain",
            note="喷氨泵跳闸",
            fields={"cause": "治理设施故障"},
            at=case.opened_at,
        )
    return Case.objects.get(pk=case.pk)


def titles(user: User, now: datetime, **asked: Any) -> list[str]:
    found = listing.find_numbers(user, listing.Question(**asked), 0, 50, now)
    return [row.title for row in listing.read_rows(found, now)]


def test_the_row_says_the_moment_and_its_day(offices: Offices) -> None:
    case = raise_alert(offices)
    assert (case.due, case.due_at, case.due_clock, case.turn_at) == (DUE.date(), DUE, "verify", DUE)
    assert case.deadline == DUE
    assert case.dues == {"verify": "2026-03-08T15:30:45+08:00"}
    assert case.remind_at == NOW + 24 * HOUR
    demand = hand_over(offices, raise_demand(offices, at=NOW), when=NOW)
    assert (demand.due_at, demand.deadline) == (None, demand.due)
    assert demand.due is not None
    assert demand.turn_at == datetime(*demand.due.timetuple()[:3], 23, 59, 59, 999_999, tzinfo=CHINA)
    closed = act(offices.handler, case, "verify", fields={"conclusion": "确属超标"}, at=DUE)
    assert (closed.due_at, closed.turn_at, closed.remind_at, closed.late) == (None, NEVER, None, False)
    assert all(not found.columns for found in check_cases())


def test_lists_are_in_the_order_of_moments_and_late_to_the_moment(offices: Offices) -> None:
    """A clock in days is over at the end of its day: after whatever is due by the hour on that day."""
    day = Case.objects.get(pk=hand_over(offices, raise_demand(offices, "按日的", at=NOW), when=NOW).pk)
    assert day.due is not None
    last = datetime(day.due.year, day.due.month, day.due.day, tzinfo=CHINA)
    for title, hours in (("当天早上", 8), ("次日零点", 24), ("当天深夜", 23)):
        raise_alert(offices, title, at=last + (hours - 48) * HOUR)
    assert titles(offices.handler, last, tab="mine") == ["当天早上", "当天深夜", "按日的", "次日零点"]
    for now, late in (
        (last + 8 * HOUR, []),
        (last + 8 * HOUR + INSTANT, ["当天早上"]),
        (last + 24 * HOUR - INSTANT, ["当天早上", "当天深夜"]),
        (last + 24 * HOUR, ["当天早上", "当天深夜", "按日的"]),
        (last + 24 * HOUR + INSTANT, ["当天早上", "当天深夜", "按日的", "次日零点"]),
    ):
        assert titles(offices.head, now, tab="overdue") == late
        assert titles(offices.head, now, tab="all", overdue=True) == late
        assert listing.count(offices.head, listing.Question(tab="overdue"), now) == len(late)


def test_a_round_reminds_to_the_minute_and_never_twice(offices: Offices) -> None:
    case = raise_alert(offices)
    for now, notices in (
        (NOW + 24 * HOUR - INSTANT, []),
        (NOW + 24 * HOUR, ["warn 50"]),
        (NOW + 24 * HOUR, []),
        (DUE - MINUTE, []),
        (DUE + MINUTE, ["warn 100"]),
        (DUE + 2 * MINUTE, []),
        (DUE + 24 * HOUR - INSTANT, []),
        (DUE + 24 * HOUR, ["escalate 1"]),
        (DUE + 120 * HOUR, ["escalate 2"]),
        (DUE + 500 * HOUR, []),
    ):
        before = case.events.count()
        assert sweep.remind_due(now) == Swept(reminded=int(bool(notices))), now
        assert sweep.sweep(now) == Swept(), now
        rows = case.events.order_by("number")[before:]
        assert [f"{row.act} {row.data['level']}" for row in rows] == notices, now
    subjects = list(Notice.objects.filter(person=offices.handler).values_list("subject_line", flat=True))
    assert subjects.count("“1号排口超标”时限已用去 50%，请在2026年3月8日 15:30前办") == 1
    assert subjects.count("“1号排口超标”到期，请马上办：应在2026年3月8日 15:30前办完") == 1
    assert len([subject for subject in subjects if "超期并上报" in subject]) == 2
    raised = Notice.objects.filter(person=offices.head).values_list("subject_line", flat=True)
    assert "已超期，请您督办" in raised[0]


def test_rounds_come_often_enough_for_hours() -> None:
    from muheng.web.jobs import actions

    find_tasks()
    assert actions._rounds["casework.remind"] <= timedelta(minutes=5)


def test_kept_and_late_count_like_those_in_days(offices: Offices, clock: Callable[[datetime], None]) -> None:
    for title, when in (("按时", DUE), ("迟了", DUE + INSTANT)):
        case = raise_alert(offices, title)
        act(offices.handler, case, "verify", fields={"conclusion": "确属超标"}, at=when)
    waiting = raise_alert(offices, "没办")
    everything = Sight(everything=True)
    for now, late in ((DUE, 0), (DUE + INSTANT, 1)):
        clock(now)
        today = now.date()
        assert count_in_hand("whole", Cut(), everything, today)[None].overdue == late
        found = cases_behind("overdue", Cut(), everything, today, today, today)
        assert [case.pk for case in found] == [waiting.pk] * late
    figures = measure("whole", Cut(), everything, date(2026, 3, 1), date(2026, 3, 31), today)[None]
    assert (figures.closed, figures.timed, figures.on_time) == (2, 2, 1)
    assert (figures.promised, figures.promised_kept, figures.legal) == (2, 1, 0)
    assert find_differences() == {}


def test_pages_say_until_when(offices: Offices, login: Login, clock: Callable[[datetime], None]) -> None:
    case = raise_alert(offices, explained=False)
    raised, english = login(offices.handler), login(offices.handler)
    english.cookies["django_language"] = "en"
    for now, said, in_english in (
        (NOW, "今天 16:30 前", "By 16:30 today"),
        (NOW + HOUR, "今天 16:30 前", "By 16:30 today"),
        (NOW + HOUR + INSTANT, "已超期", "Overdue"),
        (NOW + 3 * HOUR + MINUTE, "超期2小时", "2 hours overdue"),
    ):
        clock(now)
        for path in (f"/cases/{case.number}/", "/cases/?tab=office"):
            assert said in raised.get(path).content.decode(), (now, path)
        assert in_english in english.get(f"/cases/{case.number}/").content.decode(), now
    clock(NOW)
    act(offices.owner, case, "explain", note="喷氨泵跳闸", fields={"cause": "治理设施故障"}, at=NOW)
    for now, said in (
        (NOW, "2026年3月8日 15:30 前"),
        (NOW + 20 * HOUR, "明天 15:30 前"),
        (DUE, "今天 15:30 前"),
    ):
        clock(now)
        text = raised.get(f"/cases/{case.number}/").content.decode()
        assert said in text
        assert "2026年3月6日 15:30起算，2026年3月8日 15:30到期" in text
    assert "已用48小时，共48小时" in text
    clock(NOW + HOUR / 3)
    assert "已用20分钟，共48小时" in raised.get(f"/cases/{case.number}/").content.decode()
    clock(NOW + 4 * HOUR / 3)
    assert "已用1小时20分钟，共48小时" in raised.get(f"/cases/{case.number}/").content.decode()
    assert raised.get(f"/cases/{case.number}/paper/").status_code == 200
    shown = raised.get(f"/api/cases/{case.number}").json()
    assert (shown["due"], shown["overdue"]) == ("2026-03-08", False)
    assert datetime.fromisoformat(shown["due_at"]) == DUE
    explain, verify = sorted(shown["clocks"], key=lambda each: each["id"])
    assert (verify["unit"], verify["spent"], verify["limit"]) == ("hour", pytest.approx(4 / 3), 48)
    assert (explain["stopped_on"], explain["late"]) == ("2026-03-06", False)


def test_hours_are_extended_by_hours(
    offices: Offices, login: Login, clock: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (COMMON_CASES / "alert.toml").read_text("utf-8")
    text = text.replace("hours = 48\n", "hours = 48\nextension = { times = 1, hours = 12 }\n")
    more = """
[[act]]
id = "extend"
name = "延期"
english = "Extend"
from = ["explained"]
by = ["handler"]
note = "required"
extends = ["verify"]
"""
    case_type, found = load_type(text + more)
    assert case_type is not None, found
    monkeypatch.setitem(kinds.case_types(), "alert", case_type)
    case = raise_alert(offices)
    handler = login(offices.handler)
    form = handler.get(f"/cases/{case.number}/?act=extend").content.decode()
    assert "延长几小时" in form
    assert "一次最多12小时" in form
    given = {"act": "extend", "seen": case.version, "clock": "verify", "note": "等监测报告"}
    refused = handler.post(f"/cases/{case.number}/act/", given | {"days": "13"})
    assert refused.status_code == 422
    assert "小时数应是 1 到 12" in refused.content.decode()
    assert handler.post(f"/cases/{case.number}/act/", given | {"days": "12"}).status_code == 302
    case.refresh_from_db()
    assert case.due_at == DUE + 12 * HOUR
    assert case.events.last().data["hours"] == 12
    assert "延长12小时" in handler.get(f"/cases/{case.number}/").content.decode()


def test_a_type_that_came_to_hours_is_counted_anew_without_a_word(
    offices: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases that were open when their type's file changed get their moments by the next round; nobody is told of holidays."""
    text = (COMMON_CASES / "alert.toml").read_text("utf-8")
    days = text.replace('unit = "hour"\nhours = 48', 'unit = "working"\ndays = 3').replace(
        'clock = "verify"\noverdue_hours', 'clock = "verify"\noverdue_days'
    )
    case_type, found = load_type(days)
    assert case_type is not None, found
    with monkeypatch.context() as before:
        before.setitem(kinds.case_types(), "alert", case_type)
        case = raise_alert(offices)
        assert (case.due, case.due_at, case.dues) == (date(2026, 3, 11), None, {"verify": "2026-03-11"})
    Case.objects.update(calendar="")  # as the migration leaves them
    notices, events = Notice.objects.count(), case.events.count()
    assert sweep.sweep(NOW + HOUR).recounted == 1
    case.refresh_from_db()
    assert (case.due_at, case.turn_at, case.remind_at) == (DUE, DUE, NOW + 24 * HOUR)
    assert (Notice.objects.count(), case.events.count()) == (notices, events)
