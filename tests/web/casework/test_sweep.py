"""What comes round by itself: each thing once, in China's days, whoever sweeps and however often."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from django.test import override_settings

from muheng.casework.clock_standing import begin_of
from muheng.standards.calendar import Calendar, load_calendar
from muheng.web.casework import kinds, mirror, sweep, writing
from muheng.web.casework.actions import act, open_case, standing_of
from muheng.web.casework.checking import check_cases
from muheng.web.casework.models import Case, CaseEvent, OpeningKey, PersonalValue
from muheng.web.casework.sweep import Swept
from muheng.web.jobs.actions import ask_due_rounds, run_pending
from muheng.web.jobs.models import Job
from muheng.web.notices.models import Notice
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from web.casework.test_path import raise_demand
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db
CHINA = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 2, 9, tzinfo=CHINA)  # a Monday; no holiday until 4 April


@pytest.fixture
def city() -> Population:
    return make_city()


@pytest.fixture
def handler(city: Population) -> User:
    office = make_department("自然资源和规划局", city.counties[0])
    person = make_person("handler", "承办何", PASSWORD)
    appoint(person, take_roles()["handler"], office)
    return person


def on(day: date, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


def handed(city: Population, handler: User, at: datetime = START) -> Case:
    """A demand of kind money: promised 15, legal 20 working days from the acceptance on."""
    case = open_case(
        city.owner,
        "demand",
        "贷款到期需要续贷",
        enterprise=city.enterprises[0],
        kind="money",
        fields={"detail": "四月到期。", "contact": "吴某", "phone": "13800000001"},
        at=at,
    )
    act(city.county_clerk, case, "accept", at=at)
    office = handler.memberships.get().organisation
    return act(city.county_clerk, case, "dispatch", organisation=office, handler=handler, at=at)


def swept(case: Case) -> list[tuple[str, str, int]]:
    rows = case.events.filter(act__in=("warn", "escalate")).order_by("number")
    return [(row.act, row.data["clock"], row.data["level"]) for row in rows]


def told(person: User) -> list[str]:
    return list(Notice.objects.filter(person=person).order_by("pk").values_list("subject_line", flat=True))


def test_warned_raised_and_told_each_once(city: Population, handler: User) -> None:
    case = handed(city, handler)
    calendar = load_calendar()

    def day(number: int) -> date:
        return calendar.add_working_days(START.date(), number).due

    assert (case.due, case.due_clock, case.remind_at) == (day(15), "promised", begin_of(day(8)))
    assert sweep.sweep(on(day(7))) == Swept()
    assert swept(case) == []
    assert sweep.sweep(on(day(8))) == Swept(reminded=1)
    assert sweep.sweep(on(day(8), 23)) == Swept()
    assert swept(case) == [("warn", "promised", 50)]
    sweep.sweep(on(day(15)))  # 80 % was slept through
    assert swept(case)[1:] == [("warn", "promised", 100)]
    assert "到期，请马上办" in told(handler)[-1]
    # Two days overdue: raised to the county, and as it has no leader told to the city's.
    before = len(told(city.leader))
    sweep.sweep(on(day(17)))
    assert swept(case)[2:] == [("warn", "legal", 80), ("escalate", "promised", 1)]
    assert told(city.leader)[before:] == [
        f"“贷款到期需要续贷”（自然资源和规划局）已超期，请您督办：应在{day(15).year}年{day(15).month}月{day(15).day}日前办完"
    ]
    assert "已超期并上报东山区" in told(handler)[-1]
    assert "已超期并上报东山区" in told(city.county_clerk)[-1]
    assert told(city.other_county_clerk) == []
    case.refresh_from_db()
    assert case.level == 1
    sweep.sweep(on(day(40)))
    assert swept(case)[4:] == [("escalate", "legal", 1), ("escalate", "promised", 2)]
    case.refresh_from_db()
    assert (case.level, case.remind_at) == (2, None)
    assert sweep.sweep(on(day(60))) == Swept()
    assert all(not found.columns and not found.broken for found in check_cases())


def test_nothing_is_due_while_the_clock_is_paused_or_stopped(city: Population, handler: User) -> None:
    paused, answered = handed(city, handler), handed(city, handler)
    act(
        city.county_clerk,
        paused,
        "suspend",
        reason="等待上级批复",
        note="…",
        at=START + timedelta(days=2),
    )
    act(handler, answered, "answer", note="…", fields={"outcome": "已解决"}, at=START + timedelta(days=2))
    assert sweep.sweep(START + timedelta(days=300)) == Swept()
    act(city.county_clerk, paused, "resume", at=START + timedelta(days=301))
    paused.refresh_from_db()
    assert paused.remind_at is not None
    assert paused.remind_at >= begin_of((START + timedelta(days=302)).date())


@pytest.fixture(params=["America/New_York", "Pacific/Kiritimati", "UTC"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[str]:
    """The clock of the server stands in another zone, and Django's too."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    with override_settings(TIME_ZONE=request.param):
        yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_days_are_chinas_wherever_the_server_stands(elsewhere: str, city: Population, handler: User) -> None:
    # 23:59 in China is the same day in none or one of the others.
    case = handed(city, handler, on(date(2026, 3, 2), 23, 59))
    assert (case.opened_on, case.due) == (date(2026, 3, 2), date(2026, 3, 23))
    assert case.number.startswith("SQ-2026-")
    sweep.sweep(on(date(2026, 3, 11), 23, 59))
    assert swept(case) == []
    sweep.sweep(on(date(2026, 3, 12), 0, 1))
    assert swept(case) == [("warn", "promised", 50)]
    late = handed(city, handler, on(date(2025, 12, 31), 23, 59))
    assert late.number.startswith("SQ-2025-")


def test_a_new_calendar_moves_due_dates_and_says_so(
    city: Population, handler: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, other = handed(city, handler), handed(city, handler)
    act(handler, other, "answer", note="…", fields={"outcome": "已解决"}, at=START + timedelta(days=1))
    old = case.due
    assert old is not None
    known = load_calendar()
    amended = Calendar(known.years, known.holidays | {date(2026, 3, 6), date(2026, 3, 9)}, known.make_up_days)

    def publish() -> None:
        for module in (writing, mirror, kinds):
            if hasattr(module, "calendar"):
                monkeypatch.setattr(module, "calendar", lambda: amended)
        for module in (mirror, writing, sweep):
            monkeypatch.setattr(module, "calendar_digest", lambda: "amended")

    publish()
    now = START + timedelta(days=2)
    assert sweep.sweep(now) == Swept(recounted=2)
    assert sweep.sweep(now) == Swept()
    case.refresh_from_db()
    new = known.add_working_days(old, 2).due
    assert (case.due, case.calendar) == (new, "amended")
    rows = case.events.filter(act="recount").order_by("number")
    assert [row.data["clock"] for row in rows] == ["legal", "promised"]
    assert rows[1].data["fields"] == {"old": old.isoformat(), "new": new.isoformat()}
    assert f"改为{new.year}年{new.month}月{new.day}日" in told(handler)[-1]
    assert f"改为{new.year}年{new.month}月{new.day}日" in told(city.owner)[-1]
    assert not other.events.filter(act="recount").exists()
    assert not Case.objects.get(pk=other.pk).events.filter(act="recount").exists()


def test_who_acts_before_the_sweep_recounts_first(
    city: Population, handler: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = handed(city, handler)
    Case.objects.filter(pk=case.pk).update(calendar="another", dues={"promised": "2026-03-20"})
    act(handler, case, "progress", note="在办", seen=3, at=START + timedelta(days=1))
    assert list(case.events.values_list("act", flat=True))[3:] == ["recount", "progress"]
    case.refresh_from_db()
    assert (case.version, case.calendar) == (5, mirror.calendar_digest())


def test_personal_values_are_erased_when_their_time_has_come(city: Population, handler: User) -> None:
    case, kept = handed(city, handler), handed(city, handler)
    act(city.owner, case, "withdraw", at=START + timedelta(days=1))
    case.refresh_from_db()
    ended = case.closed_on
    assert ended is not None
    assert case.erase_on == ended + timedelta(days=1095)
    assert sweep.sweep(on(case.erase_on - timedelta(days=1))).erased == 0
    assert PersonalValue.objects.filter(case=case).count() == 2
    assert sweep.sweep(on(case.erase_on)).erased == 1
    assert sweep.sweep(on(case.erase_on)).erased == 0
    case.refresh_from_db()
    assert (case.personal.count(), case.erase_on, case.events.last().act) == (0, None, "erase")
    assert case.erased_at is not None
    assert set(case.fields) == {"title", "detail"}
    assert kept.personal.count() == 2


def test_a_leader_may_have_them_erased_before(city: Population, handler: User) -> None:
    case = handed(city, handler)
    act(city.owner, case, "withdraw", at=START + timedelta(days=1))
    for who, note in ((city.county_clerk, "本人要求"), (city.owner, "本人要求"), (city.leader, "")):
        with pytest.raises(Refused):
            act(who, case, "erase", note=note)
    act(city.leader, case, "erase", note="本人要求")
    assert not PersonalValue.objects.filter(case=case).exists()
    assert standing_of(Case.objects.get(pk=case.pk)).erased


def test_one_case_that_cannot_be_looked_at_stops_no_other(
    city: Population, handler: User, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = handed(city, handler), handed(city, handler)
    CaseEvent.objects.create(case=broken, number=9, at=START, act="rate", part="enterprise")
    done = sweep.sweep(START + timedelta(days=10))
    assert (done.reminded, done.failed) == (1, [broken.number])
    assert swept(sound) == [("warn", "promised", 50)]


def test_it_comes_round_by_itself(city: Population) -> None:
    case = raise_demand(city)
    Case.objects.filter(pk=case.pk).update(calendar="another")
    OpeningKey.objects.create(user=city.clerk, key="old", digest="", case=case, at=START)
    ask_due_rounds()
    run_pending()
    job = Job.objects.get(kind="casework.sweep")
    assert (job.state, job.result["recounted"]) == ("done", 1)
    assert not OpeningKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_sweeps_at_once_each_case_is_swept_once() -> None:
    city = make_city()
    office = make_department("自然资源和规划局", city.counties[0])
    person = make_person("handler", "承办何", PASSWORD)
    appoint(person, take_roles()["handler"], office)
    cases = [handed(city, person) for _ in range(5)]
    ready = Barrier(2)

    def run(_number: int) -> Swept:
        ready.wait(10)
        try:
            return sweep.sweep(START + timedelta(days=10))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(run, range(2)))
    assert sum(each.reminded for each in found) == 5
    assert [swept(case) for case in cases] == [[("warn", "promised", 50)]] * 5
    assert Notice.objects.filter(subject_line__contains="已用去").count() == 5
