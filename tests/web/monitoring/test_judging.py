"""Hours become events, suspicions, cases and notices; judged again, they are the same; late data and marks correct them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from web.monitoring.works import CHINA, NOX, OVER_FROM, OVER_HOURS, Works

HOUR = timedelta(hours=1)
SOON = timedelta(minutes=10)
NOW = datetime(2026, 11, 20, 0, 15, tzinfo=CHINA)
"""All hours up to midnight are there."""


def judge(now: datetime = NOW) -> int:
    from muheng.web.monitoring.judging import judge_due

    return judge_due(now)


def over_event() -> Any:
    from muheng.web.monitoring.models import Event

    found = [each for each in Event.objects.all() if any(seen["kind"] == "over" for seen in each.seen)]
    assert len(found) == 1
    return found[0]


def set_hours(point: object, begin: datetime, values: list[float | None], flag: str = "N") -> None:
    from muheng.web.monitoring.models import Hour
    from muheng.web.monitoring.moments import to_aware
    from muheng.web.monitoring.points import judge_again

    for at, value in enumerate(values):
        time = to_aware(begin + at * HOUR)
        hour, _new = Hour.objects.get_or_create(point=point, time=time)
        if value is None:
            hour.values = {}
        else:
            hour.values = {**hour.values, NOX: [value, flag, 60]}
        hour.save()
    judge_again(point)  # type: ignore[arg-type]


def test_an_exceedance_becomes_one_event(works: Works) -> None:
    from muheng.web.monitoring.models import Event, EventStep, Point
    from muheng.web.monitoring.moments import to_local
    from muheng.web.notices.models import Notice

    assert judge() == 3
    event = over_event()
    assert event.point == works.dry_stack
    assert to_local(event.begin) <= OVER_FROM
    assert to_local(event.last) == OVER_FROM + (OVER_HOURS - 1) * HOUR
    assert event.peak == pytest.approx(70.1 / 50)
    assert event.tier == "warn"
    assert not event.over
    assert event.number == f"JC-{NOW:%Y%m%d}-001" or Event.objects.count() > 1
    assert event.case is not None
    assert event.case.type == "alert"
    assert event.case.enterprise == works.dry_stack.enterprise
    kinds = list(event.steps.values_list("kind", flat=True))
    assert kinds[0] == EventStep.Kind.RAISED
    assert kinds.count(EventStep.Kind.PUSHED) == 2
    pushed = [step.detail["to"] for step in event.steps.filter(kind="pushed")]
    assert pushed == ["enterprise", "county"]
    assert Notice.objects.filter(person=works.owner).exists()
    told = Notice.objects.filter(person=works.county_officer, room="monitoring")
    assert [event.point.enterprise.name in each.subject_line for each in told] == [True]
    assert not Notice.objects.filter(person=works.officer, room="monitoring").exists()
    assert not Point.objects.filter(stale=True).exists()

    assert judge() == 0
    before = list(Event.objects.values())
    works.dry_stack.stale = True
    works.dry_stack.save()
    assert judge() == 1
    assert list(Event.objects.values()) == before
    assert judge(NOW + HOUR) == 0, "nothing new came, and nothing is missing yet"
    assert judge(NOW + HOUR + SOON) == 3
    assert list(Event.objects.values()) == before
    set_hours(works.dry_stack, datetime(2026, 11, 20), [20.0, 21.5, 22.0])
    judge(NOW + 3 * HOUR)
    event.refresh_from_db()
    assert event.over


def test_a_hint_asks_nobody_and_ends_with_its_hours(works: Works) -> None:
    from muheng.web.monitoring.models import Event

    last = datetime(2026, 11, 19, 20)
    set_hours(works.dry_stack, OVER_FROM, [20.0 + at for at in range(OVER_HOURS)])
    set_hours(works.dry_stack, last, [42.0, 43.0, 44.0, 45.0])
    judge()
    event = Event.objects.get(point=works.dry_stack)
    assert [each["kind"] for each in event.seen] == ["near"]
    assert (event.tier, event.state, event.case, event.due_at) == ("remind", "open", None, None)
    set_hours(works.dry_stack, datetime(2026, 11, 20), [20.0 + at for at in range(8)])
    judge(NOW + 8 * HOUR)
    event.refresh_from_db()
    assert (event.state, event.over) == ("closed", True)
    assert list(event.steps.values_list("kind", flat=True)) == ["raised", "pushed", "closed"]


def test_it_grows_and_what_people_did_stays(works: Works) -> None:
    judge()
    event = over_event()
    steps = event.steps.count()
    set_hours(works.dry_stack, OVER_FROM + OVER_HOURS * HOUR, [155.0, 61.0])
    judge(NOW + SOON)
    grown = over_event()
    assert (grown.pk, grown.number, grown.case_id) == (event.pk, event.number, event.case_id)
    assert grown.tier == "supervise"
    assert grown.peak == pytest.approx(3.1)
    assert grown.last == event.last + 2 * HOUR
    assert grown.raised_at == event.raised_at
    new = list(grown.steps.values_list("kind", flat=True))[steps:]
    assert new == ["grown", "pushed"]
    from muheng.web.notices.models import Notice

    for person in (works.officer, works.people.leader):
        assert Notice.objects.filter(person=person, room="monitoring", urgent=True).count() == 1


def test_corrected_hours_take_an_event_away_and_bring_it_back(works: Works) -> None:
    judge()
    event = over_event()
    values = [61.2, 64.8, 70.1, 66.3, 58.9]
    set_hours(works.dry_stack, OVER_FROM, [20.0 + each / 10 for each in values])
    judge(NOW + SOON)
    event.refresh_from_db()
    assert event.gone
    assert event.due_at is None
    assert event.case.live
    assert "不再成立" in event.case.events.order_by("-number")[0].data["note"]
    set_hours(works.dry_stack, OVER_FROM, values)
    judge(NOW + 2 * SOON)
    event.refresh_from_db()
    assert not event.gone
    assert event.due_at is not None


def test_a_mark_exempts_what_it_covers(works: Works) -> None:
    from muheng.web.monitoring.models import Mark
    from muheng.web.monitoring.moments import to_aware
    from muheng.web.monitoring.points import judge_again

    judge()
    Mark.objects.create(
        point=works.dry_stack,
        mark="starting",
        begin=to_aware(OVER_FROM - HOUR),
        end=to_aware(OVER_FROM + 6 * HOUR),
        by=works.owner,
        at=NOW,
    )
    judge_again(works.dry_stack)
    event = over_event()
    judge(NOW + timedelta(minutes=5))
    event.refresh_from_db()
    assert event.gone


def test_a_closed_event_stays_closed_and_what_follows_is_another(works: Works) -> None:
    from muheng.web.monitoring.models import Event

    judge()
    event = over_event()
    Event.objects.filter(pk=event.pk).update(state=Event.State.CLOSED, closed_at=NOW - 5 * HOUR)
    judge(NOW + HOUR)
    assert over_event().pk == event.pk
    # Closed at 19:15; more came within the quiet hours.
    set_hours(works.dry_stack, OVER_FROM + OVER_HOURS * HOUR, [20.0, 20.0, 71.0, 72.0, 73.0])
    judge(NOW + HOUR + SOON)
    over = Event.objects.filter(point=works.dry_stack, factor=NOX, gone=False).order_by("begin")
    assert [each.state for each in over] == ["closed", "open"]
    assert over[1].begin > over[0].last


def test_hours_to_come_and_hours_not_yet_due_are_not_missing(works: Works) -> None:
    from django.test import Client

    from muheng.web.monitoring.models import Event

    def missing(minutes: int) -> list[Event]:
        judge(NOW + timedelta(minutes=minutes))
        rows = Event.objects.filter(point=works.stack)
        return [each for each in rows if any(seen["kind"] == "missing" for seen in each.seen)]

    assert missing(0) == []
    # At 2:15 the second hour ended fifteen minutes ago; at 2:25 both are missing, all pollutants together.
    assert missing(120) == []
    (event,) = missing(130)
    assert event.factor == ""
    assert (event.last - event.begin) // HOUR == 1
    assert not event.over
    assert event.case is not None
    assert event.case.kind == "offline"
    assert [each.pk for each in missing(600)] == [event.pk]
    client = Client()
    for person, href in ((works.officer, "events"), (works.owner, "mine/events")):
        client.force_login(person)
        assert client.get(f"/monitoring/{href}/{event.number}/").status_code == 200


def test_a_storm_of_silence_is_the_platforms_own(works: Works) -> None:
    from muheng.web.monitoring.models import Event, Latest, Outage
    from muheng.web.monitoring.moments import to_aware
    from muheng.web.notices.models import Notice
    from web.monitoring.works import END

    rules = _rules_with_outages()
    midnight = to_aware(datetime(END.year, END.month, END.day))
    for point in works.points:
        Latest.objects.create(point=point, hour=midnight - HOUR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("muheng.web.monitoring.outages.city_rules", lambda: rules)
        judge(NOW + 9 * HOUR + SOON)
        (outage,) = Outage.objects.all()
        assert (outage.begin, outage.percent) == (midnight, 100)
        assert outage.end == midnight + 9 * HOUR
        kinds = {seen["kind"] for each in Event.objects.all() for seen in each.seen}
        assert "over" in kinds
        assert "missing" not in kinds
        told = Notice.objects.filter(person=works.officer, subject_line__contains="平台接收中断")
        assert told.count() == 1
        judge(NOW + 10 * HOUR + SOON)
        assert Outage.objects.get().end == midnight + 10 * HOUR
        assert told.count() == 1
        for point in works.points:
            set_hours(point, datetime(END.year, END.month, END.day), [20.0 + at for at in range(10)])
        judge(NOW + 10 * HOUR + 2 * SOON)
        assert not Outage.objects.exists()


def _rules_with_outages() -> Any:
    from dataclasses import replace

    from muheng.web.monitoring.city_rules import city_rules

    rules = city_rules()
    outage = rules.alerts.outage
    assert outage is not None
    few = rules.alerts.model_copy(update={"outage": outage.model_copy(update={"points": 2})})
    return replace(rules, alerts=few)


def test_signs_become_suspicions_once(works: Works) -> None:
    from muheng.web.monitoring.models import Suspicion

    set_hours(works.stack, datetime(2026, 11, 15, 6), [22.5] * 12)
    judge()
    (flat,) = Suspicion.objects.filter(kind="flat", point=works.stack, factor=NOX)
    assert flat.strength in ("weak", "clear", "strong")
    assert set(flat.seen) == {"zh", "en"}
    judge(NOW + HOUR)
    assert Suspicion.objects.filter(kind="flat", point=works.stack, factor=NOX).count() == 1
    set_hours(works.stack, datetime(2026, 11, 15, 6), [20.0 + at * 0.37 for at in range(12)])
    judge(NOW + HOUR + SOON)
    flat.refresh_from_db()
    assert flat.gone


def test_repeated_events_go_to_the_field(works: Works) -> None:
    from muheng.web.monitoring.models import Event

    set_hours(works.dry_stack, datetime(2026, 11, 12, 6), [60.0, 61.0])
    set_hours(works.dry_stack, datetime(2026, 11, 15, 6), [60.0, 61.0])
    judge()
    events = Event.objects.filter(point=works.dry_stack, factor=NOX)
    repeated = [each for each in events if each.repeated]
    assert len(repeated) == 1
    (event,) = repeated
    assert event.state == Event.State.FIELD
    assert event.due_at is None
    assert event.steps.filter(kind="field").count() == 1
    assert event.case.children.get().type == "field_check"


def test_what_was_not_asked_for_yet_is_not_missing(works: Works) -> None:
    from muheng.web.monitoring.actions.points import change_limits
    from muheng.web.monitoring.models import Event, Hour, Suspicion
    from muheng.web.monitoring.moments import to_aware

    change_limits(
        works.officer,
        works.stack,
        [{"factor": "a21005", "most": "80"}],
        datetime(2026, 11, 19).date(),
        reason="许可证增加一项",
    )
    last = Hour.objects.get(point=works.stack, time=to_aware(datetime(2026, 11, 19, 23)))
    last.values["a01012"] = [99.0, "N", 60]
    last.save()
    judge()
    assert not Suspicion.objects.filter(kind="missing", factor="a01012").exists()
    event = Event.objects.get(point=works.stack, factor="a21005")
    assert (event.last - event.begin) // HOUR == 23


def test_an_hour_is_judged_when_it_came_and_not_again_when_it_is_due(works: Works) -> None:
    from muheng.web.monitoring.models import Hour
    from muheng.web.monitoring.points import judge_again

    assert judge(datetime(2026, 11, 20, 0, 25, tzinfo=CHINA)) == 3
    Hour.objects.create(
        point=works.water,
        time=datetime(2026, 11, 20, 0, tzinfo=CHINA),
        values={"w01018": [40, "N", 60], "w00000": [100, "N", 60]},
    )
    judge_again(works.water)
    assert judge(datetime(2026, 11, 20, 1, 5, tzinfo=CHINA)) == 1
    works.water.refresh_from_db()
    assert works.water.judged_until == datetime(2026, 11, 20, 1, tzinfo=CHINA)
    assert judge(datetime(2026, 11, 20, 1, 19, tzinfo=CHINA)) == 0
    assert judge(datetime(2026, 11, 20, 1, 21, tzinfo=CHINA)) == 2, "the others did not send it"
