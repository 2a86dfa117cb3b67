"""What follows in the room when somebody acted on one of its cases.

Whoever acts, on the event's page or on the case's own, the case's act comes first and the event follows it, in one
transaction: the two cannot disagree.
"""

from __future__ import annotations

from datetime import datetime

from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case, CaseEvent
from muheng.web.casework.writing import follow
from muheng.web.monitoring.cases import ALERT, FIELD, PATROL, keep_step
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.escalating import set_clock
from muheng.web.monitoring.models import Event, EventStep, Patrol
from muheng.web.people.models import User


@follow
def follow_alert(case: Case, done: CaseEvent, actor: User | None) -> None:
    """An event stands as its case does."""
    if case.type != ALERT:
        return
    event = Event.objects.filter(case=case).select_related("point").first()
    if event is None:
        return
    state, kind = Event.State, EventStep.Kind
    detail = _detail(case, done)
    if done.act == "explain":
        _move(event, state.ANSWERED, done.at, answered_at=done.at)
        keep_step(event, kind.ANSWERED, done.at, actor, detail | {"cause": case.fields.get("cause", "")})
    elif done.act == "return":
        _move(event, state.OPEN, done.at, answered_at=None)
        keep_step(event, kind.VERIFIED, done.at, actor, detail | {"returned": True})
    elif done.act == "verify":
        conclusion = case.fields.get("conclusion", "")
        keep_step(event, kind.VERIFIED, done.at, actor, detail | {"conclusion": conclusion})
        _close(event, done.at, actor, detail | {"conclusion": conclusion})
    elif done.act == "dismiss":
        _close(event, done.at, actor, detail | {"dismissed": True})
    elif done.act == "transfer":
        _move(event, state.FIELD, done.at)
        children = done.data.get("child") or []
        detail["field"] = [each["case"] for each in children]
        keep_step(event, kind.FIELD, done.at, actor, detail)


@follow
def follow_field_check(case: Case, done: CaseEvent, actor: User | None) -> None:
    """An event that was sent to the field is over when what was found there is."""
    if case.type != FIELD or case.parent_id is None:
        return
    event = Event.objects.filter(case=case.parent_id, state=Event.State.FIELD).first()
    act = find_type(FIELD).act(done.act)
    if event is None or act is None or act.to is None:
        return
    detail = _detail(case, done) | {"act": done.act, "finding": case.fields.get("finding", "")}
    if case.phase == Case.Phase.OPEN:
        keep_step(event, EventStep.Kind.FIELD, done.at, actor, detail)
    else:
        _close(event, done.at, actor, detail)


@follow
def follow_patrol(case: Case, done: CaseEvent, actor: User | None) -> None:
    """A patrol is done when its case is; an event that it was made for tells of it."""
    if case.type != PATROL or case.live:
        return
    patrol = Patrol.objects.select_related("event").filter(case=case, done_at=None).first()
    if patrol is None:
        return
    patrol.done_at = done.at
    patrol.finding = case.state if case.phase == Case.Phase.CLOSED else ""
    patrol.save(update_fields=("done_at", "finding"))
    if patrol.event is not None and patrol.finding:
        detail = _detail(case, done) | {"finding": patrol.finding}
        keep_step(patrol.event, EventStep.Kind.PATROLLED, done.at, actor, detail)


def _detail(case: Case, done: CaseEvent) -> dict[str, object]:
    files = [{"name": each["name"], "sha256": each["sha256"]} for each in done.data.get("files", ())]
    return {"case": case.number, "note": done.data.get("note", ""), "files": files}


def _move(event: Event, state: Event.State, at: datetime, **times: datetime | None) -> None:
    event.state = state
    for name, value in times.items():
        setattr(event, name, value)
    event.save(update_fields=("state", *times))
    set_clock(event, city_rules().alerts, at)


def _close(event: Event, at: datetime, actor: User | None, detail: dict[str, object]) -> None:
    _move(event, Event.State.CLOSED, at, closed_at=at)
    keep_step(event, EventStep.Kind.CLOSED, at, actor, detail)
