"""Casework on the demo sites: the articles' figures come out of the site's own queries, and it goes in once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db.models import F, Sum
from django.test import Client
from django.utils import timezone

from muheng.monitoring.store.segments import verify_segments
from muheng.web import demo
from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.casework import kinds, measures
from muheng.web.casework.measures import Cut, Sight, measure, rank_counties
from muheng.web.casework.models import Case, PersonalValue
from muheng.web.casework.writing import standing_of
from muheng.web.emergency.models import Alert, Forecast, Plan
from muheng.web.liaison import rules
from muheng.web.matching import figures
from muheng.web.matching.figures import Span
from muheng.web.matching.models import Attendance, Gathering, Need
from muheng.web.monitoring.actions.evidence import verify
from muheng.web.monitoring.models import (
    Event,
    Evidence,
    Latest,
    MonthAmount,
    Patrol,
    Point,
    Proof,
    Suspicion,
)
from muheng.web.monitoring.store import store_folder
from muheng.web.people.models import Organisation, User
from muheng.web.serving import city_title, demo_logins, held_city

ALL = Sight(everything=True)
DEMANDS = Cut(types=("demand",))


@pytest.fixture(autouse=True)
def fresh_rules() -> Iterator[None]:
    """What a process reads once of its city is read anew for another."""
    cached = (kinds.case_types, measures.city_ranking, rules.city_rules)
    for each in cached:
        each.cache_clear()
    yield
    for each in cached:
        each.cache_clear()


def load(settings: Any, city: str) -> None:
    settings.CITY = city
    demo.load_demo(lambda _line: None)


def check_logins(client: Client, usernames: list[str]) -> None:
    assert [login.username for login in demo_logins()] == usernames
    for login in demo_logins():
        person = authenticate(username=login.username, password=login.password)
        assert isinstance(person, User)
        client.force_login(person)
        assert client.get("/").status_code == 200


def check_emergency() -> None:
    """A list in force with its adopted plan, an episode that has its report, and a forecast that asks for the next."""
    plan = Plan.objects.get(state="adopted")
    assert plan.inventory.state == "in_force"
    assert not [each for each in plan.inventory.findings if each["severity"] == "error"]
    assert all(each["feasible"] for each in plan.figures["levels"].values())
    alert = Alert.objects.get()
    assert alert.state == "lifted"
    orders = alert.orders.filter(lines__gt=0)
    held = orders.aggregate(lines=Sum("lines"), done=Sum("done_lines"), broken=Sum("broken_lines"))
    assert held["lines"] > held["done"] > held["lines"] * 0.8
    assert held["broken"] > 0
    assert 0 < orders.filter(acknowledged_at=None).count() < orders.count() / 4
    assert not orders.filter(acknowledged_at__lt=F("sent_at")).exists()
    assert alert.reports.get().docx is not None
    now = Forecast.objects.get(judgement__action="issue", issued_at__gt=alert.lifted_at)
    assert now.judgement["level"] in ("yellow", "orange", "red")


def check_monitoring() -> None:
    """Two months of frames, judged: what was answered, what waits, what went to the field, and evidence that verifies."""
    assert Point.objects.count() > 15
    assert all(each.worst is not None for each in Latest.objects.all())
    assert verify_segments(store_folder() / "segments") == []
    events = Event.objects.filter(gone=False)
    assert {each.state for each in events} >= {"open", "closed", "field"}
    assert events.filter(repeated=True).exists()
    assert events.filter(state="open", point__enterprise__representatives__user__username="plant").exists()
    assert Suspicion.objects.filter(kind="flat").exists()
    evidence = Evidence.objects.get()
    assert evidence.frames > 0
    assert verify(evidence).findings == ()
    assert 0 < Patrol.objects.exclude(done_at=None).count() < Patrol.objects.count()
    assert Proof.objects.exists()
    assert MonthAmount.objects.filter(milligrams__gt=0).exists()


@pytest.mark.django_db
def test_jining(client: Client, settings: Any) -> None:
    load(settings, "jining")
    today = timezone.localdate()
    assert held_city() == city_title() == "济宁市"
    check_logins(client, ["clerk", "leader", "enterprise", "desk", "air", "monitor", "plant"])

    # 164 demands solved in 2022, the same by county, by office and case by case.
    first, last = date(2022, 1, 1), date(2022, 12, 31)
    assert measure("whole", DEMANDS, ALL, first, last, today)[None].closed == 164
    by_county = measure("county", DEMANDS, ALL, first, last, today)
    assert sum(each.closed for each in by_county.values()) == 164
    assert len(by_county) == 11
    groups = dict(Organisation.objects.filter(name__contains="要素保障组").values_list("pk", "name"))
    by_office = {
        groups[key]: each.closed
        for key, each in measure("organisation", DEMANDS, ALL, first, last, today).items()
        if each.closed
    }
    assert len(by_office) == 14
    assert by_office["邹城市生态环境要素保障组"] == 19
    solved = Case.objects.filter(type="demand", phase="closed", closed_on__year=2022)
    assert solved.count() == 164
    assert solved.filter(level__gt=0).count() == 1
    ranked = rank_counties(first, last, (date(2021, 1, 1), date(2021, 12, 31)), today)
    assert ranked[0].place.place == 1
    assert len(ranked) == 11
    assert len({each.place.place for each in ranked}) > 8

    # Something is in hand, and some of it is late.
    live = Case.objects.filter(type="demand", live=True)
    assert live.count() > 20
    assert live.filter(due__lt=today).count() >= 4
    assert live.filter(state="submitted").exists()
    assert live.filter(level__gt=0).count() >= 2
    assert Case.objects.filter(type="cleaner_production", opened_on__year=2022).count() == 70

    # Leaflets, trainings, the meeting with those who offer technology.
    leader = User.objects.get(username="leader")
    handed = dict(figures.materials_by_kind(leader, Span(2022)))
    assert sorted(handed.values()) == [1_500, 32_000, 38_000]
    assert Gathering.objects.filter(kind="lecture", state="held", on__year=2022).count() == 18
    meeting = Gathering.objects.get(kind="technology")
    assert Attendance.objects.filter(gathering=meeting).exclude(signed_at=None).count() == 108
    assert set(Need.objects.values_list("kind", flat=True)) == {"technology"}

    check_emergency()
    check_monitoring()

    # Rows say what histories say, persons are not in histories, and a second time adds nothing.
    for case in Case.objects.order_by("?")[:25]:
        standing = standing_of(case)
        assert (standing.version, standing.state, standing.phase) == (case.version, case.state, case.phase)
    assert PersonalValue.objects.filter(field="phone", value__startswith="138").count() > 40
    # What is older than the law lets it be kept has been erased.
    assert not PersonalValue.objects.filter(case__in=solved).exists()
    before = Entry.objects.count(), Case.objects.count(), User.objects.count()
    demo.load_demo(lambda _line: None)
    assert (Entry.objects.count(), Case.objects.count(), User.objects.count()) == before
    assert find_break() is None


@pytest.mark.django_db
def test_shanting(client: Client, settings: Any) -> None:
    load(settings, "shanting")
    today = timezone.localdate()
    assert held_city() == city_title() == "山亭区"
    check_logins(client, ["clerk", "leader", "enterprise", "desk"])
    by_kind = measure("kind", DEMANDS, ALL, date(2022, 1, 1), date(2023, 8, 24), today)
    closed = {key[1]: each.closed for key, each in by_kind.items() if each.closed}
    assert set(closed) == {"land", "money", "labour"}
    assert sum(closed.values()) == 63

    leader = User.objects.get(username="leader")
    totals = figures.totals(leader, Span())
    assert (totals.granted, totals.lent, totals.firms) == (232_200_000_000, 118_800_000_000, 23)
    for rows in (figures.by_bank(leader, Span()), figures.by_month(leader, Span())):
        assert sum(each.granted for each in rows) == totals.granted
        assert sum(each.lent for each in rows) == totals.lent
    assert Gathering.objects.filter(kind="banks", state="held").count() == 5


@pytest.mark.parametrize("city", ["jining", "shanting"])
@pytest.mark.django_db
def test_half_a_demo_is_none(monkeypatch: pytest.MonkeyPatch, settings: Any, city: str) -> None:
    def fail(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo.casework, "load_exchanges", fail)
    with pytest.raises(KeyboardInterrupt):
        load(settings, city)
    assert not Case.objects.exists()
    assert not User.objects.exists()
