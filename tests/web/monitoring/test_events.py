"""From the answer to the end of an event: by its own page's actions, and by the case's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from web.monitoring.happenings import BEGIN, make_event
from web.monitoring.works import NOW, Works

CAUSE, SAID = "治理设施故障", "喷氨泵跳闸，已换备用泵。"
LOOKED = {"data": "正常", "video": "正常", "power": "正常", "dcs": "正常", "ledger": "正常"}


def kinds(event: Any) -> list[str]:
    return [each.kind for each in event.steps.all()]


def test_an_event_becomes_a_case_of_the_enterprise(works: Works) -> None:
    from muheng.web.casework.models import Case
    from muheng.web.casework.queries import visible_cases
    from muheng.web.notices.models import Notice

    event = make_event(works)
    case = Case.objects.get(pk=event.case_id)
    assert (case.type, case.kind, case.state) == ("alert", "exceedance", "raised")
    assert case.fields["standard"] == "50 mg/m³"
    assert case.fields["value"] == "限值的 1.4 倍"
    assert case.title == "熔炼炉排口 氮氧化物 超标（JC-20261119-001）"
    assert case.organisation == works.county_officer.memberships.get().organisation
    assert Notice.objects.filter(person=works.owner).exists()
    seen = (works.officer, works.county_officer, works.owner)
    assert all(visible_cases(user).filter(pk=case.pk).exists() for user in seen)
    assert not visible_cases(works.people.other_owner).filter(pk=case.pk).exists()
    other = make_event(works, point=works.water, seen=[{"kind": "missing", "hours": 2}])
    assert other.case is not None
    assert other.case.kind == "offline"
    assert other.case.organisation == works.officer.memberships.get().organisation  # nobody in that county


def test_answered_returned_answered_and_verified(works: Works) -> None:
    from muheng.web.monitoring.actions.events import answer, send_back, verify
    from muheng.web.monitoring.models import Event
    from muheng.web.refusal import Refused

    event = make_event(works, due_at=NOW, due_until="answered")
    with pytest.raises(Refused) as empty:
        answer(works.owner, event, cause=CAUSE, note=" ")
    assert empty.value.at == "note"
    letter = SimpleUploadedFile("情况说明.pdf", b"%PDF-1.4", "application/pdf")
    answer(works.owner, event, cause=CAUSE, note=SAID, uploads=[letter])
    assert (event.case is not None, Event.objects.get().state) == (True, "answered")
    event.refresh_from_db()
    assert event.answered_at == NOW
    assert event.due_until == "closed"  # the clock that runs now
    assert event.case is not None
    assert event.case.files.get().label == "说明材料"
    with pytest.raises(Refused):
        verify(works.owner, event, conclusion="确属超标")  # nobody verifies what they said themselves
    with pytest.raises(Refused):
        answer(works.people.other_owner, event, cause=CAUSE, note=SAID)
    send_back(works.county_officer, event, note="没有说明何时恢复")
    event.refresh_from_db()
    assert (event.state, event.answered_at) == ("open", None)
    answer(works.owner, event, cause=CAUSE, note="19日20时恢复。")
    verify(works.officer, event, conclusion="确属超标", note="数据和台账一致")
    event.refresh_from_db()
    assert (event.state, event.closed_at) == ("closed", NOW)
    assert event.case.refresh_from_db() is None
    assert event.case.state == "closed"
    assert kinds(event) == ["answered", "verified", "answered", "verified", "closed"]
    assert event.steps.first().detail["files"][0]["name"] == "情况说明.pdf"


def test_the_case_and_the_event_never_disagree(works: Works) -> None:
    """What is done on the case's page is done to the event."""
    from muheng.web.casework.actions import act

    event = make_event(works)
    assert event.case is not None
    act(works.owner, event.case, "explain", note=SAID, fields={"cause": CAUSE})
    event.refresh_from_db()
    assert event.state == "answered"
    act(works.county_officer, event.case, "dismiss", note="补传数据后不超")
    event.refresh_from_db()
    assert event.state == "closed"
    last = event.steps.last()
    assert last.detail["dismissed"]
    assert last.by == works.county_officer


def test_seen_by_somebody_before(works: Works) -> None:
    from muheng.web.casework.actions import ChangedMeanwhile
    from muheng.web.monitoring.actions.events import answer, dismiss

    event = make_event(works)
    assert event.case is not None
    version = event.case.version
    answer(works.owner, event, cause=CAUSE, note=SAID)
    with pytest.raises(ChangedMeanwhile):
        dismiss(works.officer, event, note="误报", seen=version)


def test_to_the_field_and_back(works: Works) -> None:
    from muheng.web.casework.actions import Attachment, act
    from muheng.web.casework.models import Case
    from muheng.web.files.actions import store
    from muheng.web.monitoring.actions.events import send_to_field

    event = make_event(works, repeated=True)
    send_to_field(None, event, note="三十天内第三次")
    event.refresh_from_db()
    assert event.state == "field"
    check = Case.objects.get(type="field_check")
    assert (check.parent, check.kind, check.state) == (event.case, "repeated", "sent")
    assert check.organisation == works.county_officer.memberships.get().organisation
    act(works.county_officer, check, "arrive", fields={"arrived_on": "2026-11-20"})
    record = Attachment(store(b"%PDF-1.4", "笔录.pdf", works.county_officer), "现场检查笔录")
    told = {"finding": "备用泵正常", "evidence": "照片三张"}
    act(works.county_officer, check, "find_nothing", fields=told, files=[record])
    event.refresh_from_db()
    assert event.state == "closed"
    assert kinds(event) == ["field", "field", "closed"]
    assert event.steps.last().detail["finding"] == "备用泵正常"


def test_many_reminders_at_once_or_none(works: Works) -> None:
    from muheng.web.monitoring.actions.events import answer, verify_many
    from muheng.web.monitoring.models import Event
    from muheng.web.refusal import Refused

    events = [make_event(works, begin=BEGIN - timedelta(days=day)) for day in range(3)]
    for event in events:
        answer(works.owner, event, cause=CAUSE, note=SAID)
    Event.objects.filter(pk=events[2].pk).update(tier="warn")
    fresh = list(Event.objects.order_by("pk"))
    with pytest.raises(Refused, match="JC-20261119-003"):
        verify_many(works.officer, fresh, conclusion="已恢复正常")
    assert Event.objects.filter(state="closed").count() == 0
    verify_many(works.officer, fresh[:2], conclusion="已恢复正常")
    assert Event.objects.filter(state="closed").count() == 2


def test_a_case_leads_to_its_event(works: Works) -> None:
    from muheng.web.casework.ways import ways_of

    event = make_event(works)
    assert event.case is not None
    (own,) = ways_of(event.case, works.owner)
    (official,) = ways_of(event.case, works.officer)
    assert own.href == f"/monitoring/mine/events/{event.number}/"
    assert official.href == f"/monitoring/events/{event.number}/"
