"""The clocks of the tiers, what devices answered, and the rounds that see to it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from web.monitoring.works import CHINA, NOX, Works

NOW = datetime(2026, 11, 20, 0, 15, tzinfo=CHINA)
HOUR = timedelta(hours=1)


def raise_event(works: Works) -> Any:
    """The exceedance of the second stack, as if it had lasted two hours: a reminder."""
    from muheng.web.monitoring.judging import judge_due
    from muheng.web.monitoring.models import Event, Hour
    from muheng.web.monitoring.moments import to_aware

    for hour in Hour.objects.filter(
        point=works.dry_stack, time__gte=to_aware(datetime(2026, 11, 19, 16)), time__lt=NOW
    ):
        hour.values[NOX] = [21.0 + hour.time.minute + hour.pk % 7, "N", 60]
        hour.save()
    judge_due(NOW)
    return Event.objects.get(point=works.dry_stack, factor=NOX)


def escalate(now: datetime) -> int:
    from muheng.web.monitoring.escalating import escalate_due

    return escalate_due(now)


def test_silence_brings_it_to_the_county_and_then_to_the_city(works: Works) -> None:
    from muheng.web.notices.models import Notice

    event = raise_event(works)
    assert (event.tier, event.due_until) == ("remind", "answered")
    # The hours were before midnight; the enterprise has its hour from when it was told.
    assert event.due_at == NOW + HOUR
    assert escalate(NOW + HOUR - timedelta(minutes=1)) == 0
    assert escalate(NOW + HOUR) == 1
    event.refresh_from_db()
    assert (event.tier, event.due_until, event.due_at) == ("warn", "closed", NOW + 49 * HOUR)
    assert Notice.objects.filter(person=works.county_officer, room="monitoring").count() == 1
    assert escalate(NOW + 49 * HOUR) == 1
    event.refresh_from_db()
    assert (event.tier, event.due_at) == ("supervise", None)
    assert Notice.objects.filter(person=works.people.leader, room="monitoring").count() == 1
    because = [step.detail.get("because") for step in event.steps.filter(kind="grown")]
    assert because == ["answered", "closed"]
    assert escalate(NOW + 500 * HOUR) == 0


def test_an_answer_stops_the_first_clock_and_a_key_unit_has_less_time(works: Works) -> None:
    from muheng.web.monitoring.city_rules import city_rules
    from muheng.web.monitoring.escalating import set_clock
    from muheng.web.monitoring.models import Event

    works.dry_stack.key = True
    works.dry_stack.save()
    event = raise_event(works)
    Event.objects.filter(pk=event.pk).update(state=Event.State.ANSWERED, answered_at=NOW + HOUR / 2)
    event.refresh_from_db()
    set_clock(event, city_rules().alerts, NOW + HOUR / 2)
    assert event.due_at is None
    assert escalate(NOW + 100 * HOUR) == 0
    Event.objects.filter(pk=event.pk).update(
        state=Event.State.OPEN, answered_at=None, due_at=NOW + HOUR, due_until="answered"
    )
    assert escalate(NOW + 2 * HOUR) == 1
    event.refresh_from_db()
    assert event.due_at == NOW + 5 * HOUR


def test_a_request_and_its_answer(
    works: Works, tmp_path: Path, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    from muheng.web.monitoring.actions.asks import ask_device
    from muheng.web.monitoring.answering import take_answers
    from muheng.web.notices.models import Notice
    from muheng.web.refusal import Refused

    settings.HOME = tmp_path
    with django_capture_on_commit_callbacks(execute=True):
        ask = ask_device(works.officer, works.devices[0], "3012")
    path = tmp_path / "monitoring" / "asks" / f"{ask.pk}.json"
    assert json.loads(path.read_text()) == {
        "mn": works.devices[0].mn,
        "command": "3012",
        "cp": [["PolId", NOX]],
    }
    with pytest.raises(Refused, match="还在等"):
        ask_device(works.officer, works.devices[0], "3012")
    with pytest.raises(Refused, match="权限"):
        ask_device(works.owner, works.devices[0], "3015")
    assert take_answers() == 0
    done = path.with_name(f"{ask.pk}.done.json")
    done.write_text(json.dumps({"result": "refused", "qn_rtn": 2}))
    assert take_answers() == 1
    ask.refresh_from_db()
    assert (ask.state, ask.answer["qn_rtn"]) == ("refused", 2)
    assert not done.exists()
    told = Notice.objects.get(person=works.officer, room="monitoring")
    assert told.subject_line == "立即采样：设备拒绝（1号锅炉排口）"


def test_the_allow_list_follows_the_devices(
    works: Works, tmp_path: Path, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    from django.db import connection

    from muheng.monitoring.dialogue.devices import read_devices
    from muheng.web.monitoring.actions.devices import add_device, replace_device, stop_device
    from muheng.web.monitoring.actions.points import stop_watching
    from muheng.web.refusal import Refused

    settings.HOME = tmp_path
    path = tmp_path / "monitoring" / "devices.csv"
    with django_capture_on_commit_callbacks(execute=True):
        replace_device(
            works.officer, works.devices[0], "F" * 24, "654321", edition=2025, key="0123456789abcdef" * 2
        )
    listed = read_devices(path)
    assert set(listed) == {"F" * 24, works.devices[1].mn, works.devices[2].mn}
    new = listed["F" * 24]
    assert (new.password, new.point, new.edition) == ("654321", str(works.stack.pk), 2025)
    assert new.key == bytes.fromhex("0123456789abcdef" * 2)
    with pytest.raises(Refused, match="已有设备"):
        add_device(works.officer, works.stack, "E" * 24, "123456")
    with pytest.raises(Refused, match="24 位"):
        replace_device(works.officer, works.devices[1], "ABC", "123456")
    with pytest.raises(Refused, match="不在您管理的范围"):
        stop_device(works.county_officer, works.devices[2])
    connection.run_on_commit.clear()
    with django_capture_on_commit_callbacks(execute=True):
        stop_watching(works.officer, works.water, NOW.date())
    assert set(read_devices(path)) == {"F" * 24, works.devices[1].mn}
    stop_device(works.officer, works.devices[1])
    with pytest.raises(Refused, match="登记过"):
        add_device(works.officer, works.dry_stack, works.devices[2].mn, "123456")


def test_limits_change_with_their_days(works: Works) -> None:
    from datetime import date

    from muheng.web.monitoring.actions.points import change_limits, propose_limits, watch_outlet
    from muheng.web.monitoring.points import limits_on
    from muheng.web.refusal import Refused
    from muheng.web.registry.actions import add_outlet

    outlet = add_outlet(
        None,
        works.stack.enterprise,
        "DA003",
        "废气",
        limits=[{"pollutant": "颗粒物", "limit": "20"}, {"pollutant": "油烟", "limit": "2"}],
    )
    assert propose_limits(outlet) == ([{"factor": "a34013", "most": "20"}], ["油烟"])
    point = watch_outlet(works.officer, outlet, "stack", date(2026, 11, 1))
    change_limits(works.officer, point, [{"factor": "a34013", "most": "10"}], date(2026, 12, 1))
    point.refresh_from_db()
    assert [limits_on(point, day)["a34013"].most for day in (date(2026, 11, 30), date(2026, 12, 1))] == [
        20,
        10,
    ]
    change_limits(works.officer, point, [{"factor": "a34013", "most": ""}], date(2027, 1, 1))
    point.refresh_from_db()
    assert limits_on(point, date(2026, 12, 31))["a34013"].most == 10
    assert limits_on(point, date(2027, 1, 1)) == {}
    for bad, said in (
        (({"factor": "x1", "most": "1"}), "没有编码"),
        (({"factor": "a34013", "most": "0"}), "大于零"),
    ):
        with pytest.raises(Refused, match=said):
            change_limits(works.officer, point, [bad], date(2027, 1, 1))


def test_old_hours_go_and_the_rounds_run(works: Works, tmp_path: Path, settings: Any) -> None:
    from muheng.web.jobs.actions import ask_due_rounds, run_pending
    from muheng.web.jobs.models import Job
    from muheng.web.monitoring.models import Hour
    from muheng.web.monitoring.taking import KEEP, clear_old_hours

    settings.HOME = tmp_path
    before = Hour.objects.count()
    assert clear_old_hours(NOW + KEEP - timedelta(days=20)) > 0
    assert 0 < Hour.objects.count() < before
    ask_due_rounds()
    run_pending()
    rounds = Job.objects.filter(kind__startswith="monitoring.")
    assert {job.kind for job in rounds} >= {
        f"monitoring.{verb}" for verb in ("take", "judge", "escalate", "add_up", "tidy")
    }
    assert [(job.kind, job.error) for job in rounds if job.state != "done"] == []
