"""Whole histories at once: as if done one by one, checked, and only once."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from muheng.web.audit.models import Entry
from muheng.web.casework.actions import act, open_case, standing_of
from muheng.web.casework.loading import EventGiven, History, load_histories
from muheng.web.casework.mirror import mirror, row_of
from muheng.web.casework.models import Case, CaseEvent, PersonalValue
from muheng.web.casework.tally import find_differences
from muheng.web.notices.models import Notice
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def city() -> Population:
    return make_city()


@pytest.fixture
def handler(city: Population) -> User:
    office = make_department("自然资源和规划局", city.counties[0])
    person = make_person("handler", "承办何", PASSWORD)
    appoint(person, take_roles()["handler"], office)
    return person


def after(days: float) -> datetime:
    return START + timedelta(days=days)


def solved(city: Population, handler: User, name: str = "demo:1") -> History:
    clerk, owner = city.county_clerk, city.owner
    office = handler.memberships.get().organisation_id
    fields = {"detail": "厂区东侧道路拓宽占去约3亩。", "contact": "吴某", "phone": "13800000001"}
    return History(
        name,
        "demand",
        "二期用地红线需要调整",
        (
            EventGiven(after(0), "open", "enterprise", owner, {"kind": "land", "fields": fields}),
            EventGiven(after(1), "accept", "desk", clerk),
            EventGiven(after(1), "dispatch", "desk", clerk, {"organisation": office, "handler": handler.pk}),
            EventGiven(
                after(4), "answer", "handler", handler, {"note": "已调整。", "fields": {"outcome": "已解决"}}
            ),
            EventGiven(after(5), "confirm", "enterprise", owner),
            EventGiven(after(5), "rate", "enterprise", owner, {"rating": 5}),
        ),
        enterprise=city.enterprises[0],
    )


def test_a_loaded_case_is_as_one_that_was_acted(city: Population, handler: User) -> None:
    case = load_histories([solved(city, handler)])["demo:1"]
    assert (case.number, case.state, case.rating) == ("SQ-2026-000001", "closed", 5)
    told = {each.field: each.value for each in PersonalValue.objects.filter(case=case)}
    assert told == {"contact": "吴某", "phone": "13800000001"}
    assert "1380" not in str(list(CaseEvent.objects.values_list("data", flat=True)))

    done = open_case(
        city.owner,
        "demand",
        "二期用地红线需要调整",
        enterprise=city.enterprises[0],
        kind="land",
        fields={"detail": "厂区东侧道路拓宽占去约3亩。", "contact": "吴某", "phone": "13800000001"},
        at=after(0),
    )
    office = handler.memberships.get().organisation
    act(city.county_clerk, done, "accept", at=after(1))
    act(city.county_clerk, done, "dispatch", organisation=office, handler=handler, at=after(1))
    act(handler, done, "answer", note="已调整。", fields={"outcome": "已解决"}, at=after(4))
    act(city.owner, done, "confirm", at=after(5))
    act(city.owner, done, "rate", rating=5, at=after(5))
    assert row_of(Case.objects.get(pk=case.pk)) == row_of(Case.objects.get(pk=done.pk))
    ours, theirs = (
        list(CaseEvent.objects.filter(case=each).values("number", "at", "act", "part", "actor_name", "data"))
        for each in (case, done)
    )
    assert ours == theirs
    assert not find_differences()


def test_loading_again_does_nothing(city: Population, handler: User) -> None:
    first = load_histories([solved(city, handler)], actor=city.clerk)
    before = CaseEvent.objects.count()
    second = load_histories([solved(city, handler), solved(city, handler, "demo:2")], actor=city.clerk)
    assert second["demo:1"] == first["demo:1"]
    assert second["demo:2"].number == "SQ-2026-000002"
    assert CaseEvent.objects.count() == 2 * before
    assert [entry.detail["cases"] for entry in Entry.objects.filter(verb="casework.load")] == [1, 1]
    opened = open_case(
        city.owner,
        "demand",
        "下一件",
        enterprise=city.enterprises[0],
        kind="land",
        fields={"detail": "…"},
        at=after(9),
    )
    assert opened.number == "SQ-2026-000003"


def test_what_the_type_does_not_allow_loads_nothing(city: Population, handler: User) -> None:
    good, bad = solved(city, handler), solved(city, handler, "demo:2")
    bad = History(bad.source, bad.type, bad.title, (bad.events[0], bad.events[3]), bad.enterprise)
    with pytest.raises(Refused) as caught:
        load_histories([good, bad])
    assert "demo:2" in caught.value.what
    assert "第 2 步" in caught.value.what
    assert not Case.objects.exists()


def test_parents_say_of_their_children_and_merged_ones_know_into_what(
    city: Population, handler: User
) -> None:
    parent = solved(city, handler)
    joint = EventGiven(after(2), "joint", "handler", handler, {"child": ["demo:assist"]})
    parent = History(
        parent.source,
        parent.type,
        parent.title,
        (*parent.events[:3], joint, *parent.events[3:]),
        parent.enterprise,
    )
    assist = History(
        "demo:assist",
        "assist",
        "请会同核定红线",
        assist_events(city, handler),
        city.enterprises[0],
        parent="demo:1",
    )
    twice = solved(city, handler, "demo:twice")
    opening = EventGiven(after(0.5), "open", "enterprise", city.owner, twice.events[0].data)
    gone = EventGiven(after(1.5), "merge", "desk", city.county_clerk, {"cases": ["demo:1"]})
    twice = History(twice.source, twice.type, "红线要调整", (opening, gone), twice.enterprise)
    found = load_histories([twice, assist, parent])
    first = Case.objects.get(source="demo:1")
    assert list(first.events.values_list("act", flat=True)) == [
        "open",
        "accept",
        "dispatch",
        "joint",
        "child_closed",
        "answer",
        "confirm",
        "rate",
    ]
    child = Case.objects.get(source="demo:assist")
    assert (child.parent, child.thread) == (first, first)
    assert first.events.get(act="joint").data == {"child": [{"case": child.number, "type": "assist"}]}
    assert Case.objects.get(source="demo:twice").merged_into == first
    for case in found.values():
        again = Case.objects.get(pk=case.pk)
        before = row_of(again)
        mirror(again, standing_of(again))
        assert row_of(again) == before


def assist_events(city: Population, handler: User) -> tuple[EventGiven, ...]:
    office = handler.memberships.get().organisation_id
    return (
        EventGiven(
            after(2), "open", "handler", handler, {"fields": {"detail": "核定。"}, "organisation": office}
        ),
        EventGiven(after(3), "finish", "handler", handler, {"note": "已核定。"}),
    )


def test_what_happened_lately_is_told(city: Population, handler: User) -> None:
    now = timezone.now()
    history = solved(city, handler)
    late = [
        EventGiven(now - timedelta(hours=3 - place), each.act, each.part, each.actor, each.data)
        for place, each in enumerate(history.events[:3])
    ]
    load_histories(
        [History("demo:now", history.type, history.title, late, history.enterprise)],
        tell=now - timedelta(hours=1),
    )
    assert Notice.objects.filter(person=handler).count() == 1


def test_a_thousand_histories_take_seconds(city: Population, handler: User) -> None:
    before = timezone.now()
    load_histories(solved(city, handler, f"demo:{number}") for number in range(1000))
    assert timezone.now() - before < timedelta(seconds=20)
    assert Case.objects.count() == 1000
    assert sorted(Case.objects.values_list("number", flat=True))[-1] == "SQ-2026-001000"
