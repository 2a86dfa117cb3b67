"""Limits that are changed from a day that has passed: with a reason, told to everybody, and seen on what came or went."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from web.monitoring.works import CHINA, NOX, SO2, Works

NOW = datetime(2026, 11, 20, 9, 40, tzinfo=CHINA)
BEFORE = date(2026, 11, 18)
SOON = timedelta(minutes=5)


def judge(now: datetime = NOW) -> None:
    from muheng.web.monitoring.judging import judge_due

    judge_due(now)


def change(works: Works, most: str, since: date, reason: str = "", factor: str = NOX, **more: Any) -> None:
    from muheng.web.monitoring.actions.points import change_limits

    row = {"factor": factor, "most": most}
    change_limits(works.officer, works.dry_stack, [row], since, reason=reason, **({"at": NOW} | more))


def told(person: object, *words: str) -> list[Any]:
    from muheng.web.notices.models import Notice

    rows = Notice.objects.filter(person=person, room="monitoring").order_by("pk")
    return [each for each in rows if all(word in f"{each.subject_line}\n{each.text}" for word in words)]


def over_event() -> Any:
    from muheng.web.monitoring.models import Event

    (found,) = Event.objects.filter(factor=NOX, begin__gte=datetime(2026, 11, 19, tzinfo=CHINA))
    return found


def test_an_event_that_a_raised_limit_ends_stays_and_says_why(works: Works) -> None:
    from muheng.web.audit.models import Entry
    from muheng.web.monitoring.models import Event, LimitChange
    from muheng.web.refusal import Refused

    judge()
    event = over_event()
    with pytest.raises(Refused, match="理由"):
        change(works, "80", BEFORE)
    assert not LimitChange.objects.exists()
    works.dry_stack.refresh_from_db()
    assert works.dry_stack.limits[0] == {"factor": NOX, "most": "50"}
    change(works, "100", BEFORE, "许可证 2026 年 11 月 18 日变更")
    kept = LimitChange.objects.get()
    assert (kept.before, kept.after) == ([{"factor": NOX, "most": "50"}], {"factor": NOX, "most": "100"})
    assert (kept.by, kept.at, kept.back, kept.judged_at) == (works.officer, NOW, True, None)
    assert Entry.objects.filter(verb="monitoring.change_limits").latest("pk").detail["back"] is True
    words = ("50 mg/m³ → 100 mg/m³", "2026年11月18日", "许可证 2026 年 11 月 18 日变更", "监控何")
    for person in (works.owner, works.county_officer):
        (notice,) = told(person, *words)
        assert notice.urgent
    # Who did it knows.
    assert not told(works.officer, *words)

    judge(NOW + SOON)
    event.refresh_from_db()
    assert event.gone
    assert event.state == Event.State.OPEN
    steps = list(event.steps.filter(kind__in=("gone", "limits")))
    assert [step.kind for step in steps] == ["gone", "limits"]
    assert steps[0].detail["limits"] == [kept.pk]
    assert (steps[1].by, steps[1].detail["became"]) == (works.officer, "gone")
    assert "100 mg/m³" in event.case.events.latest("pk").data["note"]
    assert told(works.county_officer, "改限值后不再成立")
    kept.refresh_from_db()
    assert kept.judged_at == NOW + SOON

    client = Client()
    client.force_login(works.county_officer)
    inbox = client.get("/monitoring/events/").content.decode()
    assert event.number in inbox
    assert "改限值后不再成立" in inbox
    page = client.get(f"/monitoring/events/{event.number}/").content.decode()
    assert "按新限值不再成立" in page
    assert "最高是当时限值的" in page
    assert "50 mg/m³ → 100 mg/m³" in page
    point = client.get(f"/monitoring/points/{works.dry_stack.pk}/").content.decode()
    assert "50 mg/m³ → 100 mg/m³" in point
    assert "从过去起" in point
    client.force_login(works.owner)
    own = client.get(f"/monitoring/mine/points/{works.dry_stack.pk}/").content.decode()
    assert "许可证 2026 年 11 月 18 日变更" in own

    # And taken back: it stands again, and says so.
    change(works, "50", BEFORE, "许可证没有变更", at=NOW + SOON)
    judge(NOW + 2 * SOON)
    event.refresh_from_db()
    assert not event.gone
    assert event.steps.filter(kind="limits").last().detail["became"] == "again"


def test_an_event_that_a_lowered_limit_makes_says_so(works: Works) -> None:
    from muheng.web.monitoring.models import Event, EventStep

    judge()
    assert not Event.objects.filter(point=works.dry_stack, factor=SO2).exists()
    highest = max(
        hour.values[SO2][0]
        for hour in works.dry_stack.hours.filter(time__gte=datetime(2026, 11, 18, tzinfo=CHINA))
        if hour.values.get(SO2, (0, "", 0))[1] == "N"
    )
    change(works, f"{highest - 0.5:.1f}", BEFORE, "环评批复复核", factor=SO2)
    # What is only known of later is due to it as little as to anything else.
    judge(NOW + SOON)
    events = list(Event.objects.filter(point=works.dry_stack, factor=SO2))
    assert events
    for event in events:
        (step,) = event.steps.filter(kind=EventStep.Kind.LIMITS)
        assert step.detail["became"] == "raised"
    judge(NOW + 2 * SOON)
    assert EventStep.objects.filter(kind=EventStep.Kind.LIMITS).count() == len(events)


def test_what_begins_today_or_later_needs_no_reason_and_is_told_too(works: Works) -> None:
    from muheng.web.monitoring.models import EventStep, LimitChange
    from muheng.web.refusal import Refused

    judge()
    change(works, "40", date(2026, 12, 1))
    (notice,) = told(works.owner, "限值改动", "自2026年12月1日起", "50 mg/m³ → 40 mg/m³")
    assert not notice.urgent
    # 50 until December, 40 from then on: both are what a change from today is instead of.
    change(works, "", date(2026, 11, 20))
    assert told(works.owner, "50 mg/m³；2026年12月1日起 40 mg/m³ → 没有限值")
    judge(NOW + SOON)
    assert not EventStep.objects.filter(kind=EventStep.Kind.LIMITS).exists()
    assert not LimitChange.objects.filter(judged_at=None).exists()
    with pytest.raises(Refused, match="没有变"):
        change(works, "", date(2026, 11, 20))
    with pytest.raises(Refused, match="没有变"):
        change(works, "35.0", date(2026, 11, 20), factor=SO2)


def test_the_form_keeps_what_was_typed(works: Works) -> None:
    client = Client()
    client.force_login(works.officer)
    address = f"/monitoring/points/{works.dry_stack.pk}/edit/"
    typed = {"act": "limit", "factor": NOX, "most": "66", "since": "2026-11-01", "basis": "day"}
    refused = client.post(address, typed)
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "从过去的一天起改限值要写明理由" in page
    assert 'value="66"' in page
    assert 'value="2026-11-01"' in page
    done = client.post(address, typed | {"reason": "许可证变更"}, follow=True)
    shown = done.content.decode()
    assert "正在重新判定" in shown
    assert "50 mg/m³ → 66 mg/m³，按日均值判" in shown


def test_what_all_factors_are_judged_by_needs_a_reason_too(works: Works) -> None:
    """A reference oxygen that is taken back lowers every value of the last weeks."""
    from muheng.web.monitoring.actions.points import change_point
    from muheng.web.monitoring.models import LimitChange
    from muheng.web.refusal import Refused

    def set_oxygen(oxygen: str, reason: str = "", name: str = "1号锅炉排口") -> None:
        point = works.stack
        terms = {"reference_oxygen": Decimal(oxygen), "trade": "", "key": False}
        change_point(works.officer, point, name=name, reason=reason, at=NOW, **terms)

    # Nothing was judged yet: it is being set up.
    set_oxygen("3.5")
    assert not LimitChange.objects.exists()
    judge()
    with pytest.raises(Refused, match="理由"):
        set_oxygen("9")
    set_oxygen("3.5", name="一号炉")
    assert not LimitChange.objects.exists()
    set_oxygen("9", "燃料改为生物质")
    kept = LimitChange.objects.get()
    assert (kept.back, NOW.date() - kept.since) == (True, timedelta(days=34))
    assert told(works.owner, "基准氧含量", "3.5 → 9", "燃料改为生物质")
    client = Client()
    client.force_login(works.county_officer)
    page = client.get(f"/monitoring/points/{works.stack.pk}/").content.decode()
    assert "基准氧含量（%） 3.5 → 9" in page


def test_nobody_changes_the_limits_of_his_own_enterprise(works: Works) -> None:
    from muheng.web.refusal import Refused
    from muheng.web.registry.actions import represent

    represent(None, works.officer, works.dry_stack.enterprise)
    with pytest.raises(Refused, match="您自己代表的企业"):
        change(works, "100", date(2026, 12, 1))
