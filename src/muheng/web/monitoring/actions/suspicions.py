"""Somebody looks at a suspicion: it has a good explanation, or it is confirmed and goes to the field."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from muheng.web.audit.actions import record
from muheng.web.casework.actions import open_case
from muheng.web.casework.models import Case
from muheng.web.casework.writing import deed
from muheng.web.monitoring.actions.events import clean_note
from muheng.web.monitoring.cases import FIELD, HANDLE, field_check
from muheng.web.monitoring.models import Suspicion
from muheng.web.monitoring.sayings import factor_title, sign_title
from muheng.web.people.models import User
from muheng.web.refusal import Refused, invalid
from muheng.web.registry.queries import is_own, may


def source_of(suspicion: Suspicion) -> str:
    """How a case says which suspicion it comes from."""
    return f"monitoring.suspicion:{suspicion.pk}"


@deed
def judge_suspicion(
    actor: User, suspicion: Suspicion, state: str, note: str, *, at: datetime | None = None
) -> Suspicion:
    """Explained, or confirmed: then a field check is opened. What is confirmed stays so. Raises Refused."""
    rows = Suspicion.objects.select_for_update(of=("self",)).select_related("point__enterprise__county")
    held = rows.get(pk=suspicion.pk)
    enterprise = held.point.enterprise
    if is_own(actor, enterprise) or not may(actor, HANDLE, enterprise):
        raise Refused(_("没有这个疑点，或者它不归您核实。"), status=404, code="not_found")
    if held.state == Suspicion.State.CONFIRMED:
        raise Refused(_("这个疑点已经查实，转了现场。"), code="conflict")
    if state not in (Suspicion.State.EXPLAINED, Suspicion.State.CONFIRMED):
        raise invalid(_("请选结论：有合理解释，还是查实。"), "state")
    said = clean_note(note)
    if not said:
        raise invalid(_("请写明依据：看了什么，怎样认定。"), "note")
    now = at or timezone.now()
    held.state, held.note, held.looked_by, held.looked_at = Suspicion.State(state), said, actor, now
    held.save(update_fields=("state", "note", "looked_by", "looked_at"))
    if state == Suspicion.State.CONFIRMED:
        _open_field_check(actor, held, said, now)
    record(actor, "monitoring.judge_suspicion", held.point, suspicion=held.pk, kind=held.kind, state=state)
    return held


def _open_field_check(actor: User, suspicion: Suspicion, said: str, now: datetime) -> None:
    point = suspicion.point
    with translation.override("zh-hans"):
        what = f"{point.name} {factor_title(suspicion.factor)} {sign_title(suspicion.kind)}"
        seen = str(suspicion.seen.get("zh", ""))
    child = field_check(
        point, f"{point.enterprise.name} {' '.join(what.split())}", f"{seen}\n{said}", "falsified"
    )
    open_case(
        actor,
        FIELD,
        child.title,
        enterprise=point.enterprise,
        kind=child.kind,
        fields=child.fields,
        organisation=child.organisation,
        part="handler",
        source=source_of(suspicion),
        at=now,
    )


def field_check_of(suspicion: Suspicion) -> Case | None:
    """Where it was sent."""
    return Case.objects.filter(source=source_of(suspicion)).order_by("-pk").first()
