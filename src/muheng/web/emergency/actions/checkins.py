"""An order is acknowledged; what shows that its lines do as ordered is brought by the plant, or found by an officer.

What was found stays as it was; a later look is another row. An official's finding stands until an official looks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.documents.message import Message
from muheng.emergency.execution import judge_reading
from muheng.web.audit.actions import record
from muheng.web.casework.actions import open_case
from muheng.web.casework.models import Case
from muheng.web.emergency.models import Alert, CheckIn, Measure, Order
from muheng.web.emergency.queries.alerts import may_inspect, states_of_lines
from muheng.web.entrance import clean_text
from muheng.web.files.attachments import Upload, keep_attachments
from muheng.web.files.models import StoredFile
from muheng.web.people.models import User
from muheng.web.people.scope import scope_of
from muheng.web.refusal import Refused, invalid
from muheng.web.templatetags.words import moment

READINGS = (CheckIn.Kind.POWER, CheckIn.Kind.MONITOR)
BY_PLANT = (*READINGS, CheckIn.Kind.LEDGER, CheckIn.Kind.PHOTO)
HAZARD, DEMAND = "hazard", "demand"
"""Types of cases: a measure that is not in place, and an objection of the plant's."""
MOST = Decimal(10) ** 12
AHEAD = timedelta(minutes=5)


def source_of(order: Order) -> str:
    """How a case says which order it comes from."""
    return f"emergency.order:{order.pk}"


def acts_for(user: Any, order: Order) -> bool:
    """Whether a person acts for the enterprise that was ordered."""
    return order.enterprise_id is not None and order.enterprise_id in scope_of(user).enterprises


@transaction.atomic
def acknowledge(actor: User, order: Order, *, at: datetime | None = None) -> Order:
    """The enterprise has the order; an officer may note it who told them by telephone. Raises Refused."""
    row = _hold(order)
    if not acts_for(actor, row) and not may_inspect(actor, row):
        raise _not_found()
    _check_in_force(row)
    if row.acknowledged_at is not None:
        return row  # twice is once
    _acknowledge(row, actor, at or timezone.now())
    return row


def _acknowledge(row: Order, actor: User | None, now: datetime) -> None:
    row.acknowledged_at, row.acknowledged_by = now, actor
    row.save(update_fields=("acknowledged_at", "acknowledged_by"))
    record(actor, "emergency.acknowledge", row, enterprise=row.firm.code, by_phone=not _is_own(actor, row))


def _is_own(actor: User | None, row: Order) -> bool:
    return actor is not None and acts_for(actor, row)


@dataclass(frozen=True)
class Evidence:
    """What a plant brings for a line. ``reference``: its own number of it; sent twice, it is one."""

    kind: str
    at: datetime | None = None
    usual: Decimal | None = None
    found: Decimal | None = None
    unit: str = ""
    note: str = ""
    reference: str = ""


@transaction.atomic
def check_in(
    actor: User,
    order: Order,
    line: str,
    evidence: Evidence,
    uploads: Sequence[Upload] = (),
    *,
    now: datetime | None = None,
) -> CheckIn:
    """Keep what a plant brings for a line; a reading is judged at once. Raises Refused."""
    row = _hold(order)
    if not acts_for(actor, row):
        raise _not_found()
    _check_in_force(row)
    measure = find_measure(row, line)
    if evidence.kind not in BY_PLANT:
        raise invalid(_("请选用什么来证明。"), "kind")
    when = now or timezone.now()
    reference = clean_text(evidence.reference)[:80]
    if reference:
        sent = CheckIn.objects.filter(order=row, measure=measure, reference=reference).first()
        if sent is not None:
            return sent
    seen = _check_moment(row, evidence.at or when, when)
    reading = evidence.kind in READINGS
    if reading:
        _check_reading(evidence)
    elif not uploads and not evidence.note.strip():
        raise invalid(_("请附照片、台账，或写明情况。"), "files")
    verdict, _said = (
        judge_reading(measure.part, evidence.usual, evidence.found) if reading else ("open", None)
    )
    made = CheckIn(
        order=row,
        measure=measure,
        kind=evidence.kind,
        at=seen,
        usual=evidence.usual if reading else None,
        found=evidence.found if reading else None,
        unit=clean_text(evidence.unit)[:20] if reading else "",
        note=clean_text(evidence.note)[:500],
        reference=reference,
        verdict=verdict,
        made_by=actor,
        made_at=when,
    )
    _keep(made, keep_attachments(actor, uploads), actor)
    if row.acknowledged_at is None:
        _acknowledge(row, actor, when)
    return made


@transaction.atomic
def inspect(
    actor: User,
    order: Order,
    line: str,
    verdict: str,
    *,
    note: str = "",
    uploads: Sequence[Upload] = (),
    at: datetime | None = None,
    now: datetime | None = None,
) -> CheckIn:
    """Keep what an officer found at the plant. Raises Refused."""
    row = _hold(order)
    if not may_inspect(actor, row):
        raise _not_found()
    _check_in_force(row)
    measure = find_measure(row, line)
    if verdict not in CheckIn.Verdict.values:
        raise invalid(_("请选检查结果。"), "verdict")
    said = clean_text(note)[:500]
    if verdict == CheckIn.Verdict.BROKEN and not said:
        raise invalid(_("措施不到位的，请写明看到什么。"), "note")
    when = now or timezone.now()
    made = CheckIn(
        order=row,
        measure=measure,
        kind=CheckIn.Kind.SITE,
        at=_check_moment(row, at or when, when),
        note=said,
        verdict=verdict,
        by_official=True,
        made_by=actor,
        made_at=when,
    )
    _keep(made, keep_attachments(actor, uploads), actor)
    return made


def _keep(made: CheckIn, files: Iterable[StoredFile], actor: User) -> None:
    made.save()
    made.files.set(files)
    _recount(made.order)
    record(
        actor,
        "emergency.inspect" if made.by_official else "emergency.check_in",
        made.order,
        line=made.measure.line,
        kind=made.kind,
        verdict=made.verdict,
    )


def _recount(order: Order) -> None:
    states = list(states_of_lines([order.pk]).values())
    order.done_lines, order.broken_lines = states.count("done"), states.count("broken")
    order.save(update_fields=("done_lines", "broken_lines"))


@transaction.atomic
def open_hazard(actor: User, order: Order, *, note: str, now: datetime | None = None) -> Case:
    """A case of what was not done as ordered, once an order. Raises Refused."""
    row = _hold(order)
    if not may_inspect(actor, row):
        raise _not_found()
    if row.broken_lines == 0:
        raise Refused(_("没有查到措施不到位的生产线。"), _("请先记下检查结果。"))
    enterprise = row.enterprise
    if enterprise is None:
        raise Refused(_("企业档案里没有这家企业，不能立事项。"), _("请先建企业档案。"))
    held = case_of(row)
    if held is not None:
        raise Refused(_("已经立了事项：%(number)s。") % {"number": held.number}, code="conflict")
    lines = "、".join(_broken_lines(row))
    when = now or timezone.now()
    return open_case(
        actor,
        HAZARD,
        _("没有按%(level)s预警落实停限产：%(lines)s")
        % {"level": row.get_level_display(), "lines": lines[:120]},
        enterprise=enterprise,
        kind="air",
        fields={
            "severity": "较大",
            "found_on": timezone.localdate(when).isoformat(),
            "spot": lines[:200],
            "detail": clean_text(note)[:2000],
        },
        source=source_of(row),
        at=now,
    )


@transaction.atomic
def object_to(actor: User, order: Order, *, text: str, now: datetime | None = None) -> Case:
    """The enterprise says that a measure does not fit; the order counts meanwhile. Raises Refused."""
    if not acts_for(actor, order) or order.enterprise is None:
        raise _not_found()
    said = clean_text(text)[:2000]
    if not said:
        raise invalid(_("请写明哪里不符、应当怎样。"), "text")
    return open_case(
        actor,
        DEMAND,
        _("对%(level)s预警减排措施的异议") % {"level": order.get_level_display()},
        enterprise=order.enterprise,
        kind="environment",
        fields={"detail": said},
        source=source_of(order),
        at=now,
    )


def case_of(order: Order, type_id: str = HAZARD) -> Case | None:
    """The case that was opened of an order."""
    return Case.objects.filter(source=source_of(order), type=type_id).order_by("pk").first()


def _broken_lines(order: Order) -> list[str]:
    states = states_of_lines([order.pk])
    names = {each["measure"]: each["name"] for each in order.content["lines"]}
    return [
        names[measure]
        for (_order, measure), state in states.items()
        if state == "broken" and measure in names
    ]


def say_check(check: CheckIn) -> Message | None:
    """Why a reading was judged so."""
    if check.kind not in READINGS:
        return None
    return judge_reading(check.measure.part, check.usual, check.found)[1]


def find_measure(order: Order, line: str) -> Measure:
    """The measure that an order asks of a line. Raises Refused."""
    number = next((each["measure"] for each in order.content.get("lines", ()) if each["line"] == line), None)
    found = Measure.objects.filter(pk=number).first() if number is not None else None
    if found is None:
        raise Refused(_("通知里没有这条生产线。"), status=404, code="not_found", at="line")
    return found


def _hold(order: Order) -> Order:
    """An order, for as long as the transaction lasts nobody else's to change."""
    rows = Order.objects.select_for_update(of=("self",))
    return rows.select_related("alert__organisation", "firm__county", "enterprise").get(pk=order.pk)


def _check_in_force(row: Order) -> None:
    if row.alert.state != Alert.State.ISSUED:
        raise Refused(
            _("预警%(state)s，不再确认和核查。") % {"state": row.alert.get_state_display()},
            _("情况记在总结报告里。"),
        )
    if row.replaced_at is not None:
        raise Refused(_("这份通知已被新的替代。"), _("请看最新的通知。"))
    if row.lines == 0:
        raise Refused(_("这份通知没有要求的措施。"))


def _check_moment(row: Order, at: datetime, now: datetime) -> datetime:
    if at > now + AHEAD:
        raise invalid(_("核查时间在将来。"), "at")
    if at < row.due_at:
        # What a meter shows before the response says nothing of it.
        raise invalid(_("措施从%(start)s起执行，核查时间应在这之后。") % {"start": moment(row.due_at)}, "at")
    return at


def _check_reading(evidence: Evidence) -> None:
    for name, value, what in (
        ("usual", evidence.usual, _("请填平日的读数。")),
        ("found", evidence.found, _("请填当日的读数。")),
    ):
        if value is None:
            raise invalid(what, name)
        if not value.is_finite() or value < 0 or value > MOST:
            raise invalid(_("读数应是不小于零的数。"), name)


def _not_found() -> Refused:
    return Refused(_("没有这份通知，或者它不归您办。"), status=404, code="not_found")
