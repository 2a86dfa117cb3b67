"""What is done to an event: answered by the enterprise, verified, returned, dismissed, sent to the field.

All of it is done to the event's case; ``cases`` moves the event after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from muheng.casework.document import Part
from muheng.web.casework.actions import Attachment, act
from muheng.web.casework.models import Case
from muheng.web.casework.writing import deed
from muheng.web.entrance import clean_text
from muheng.web.files.attachments import Upload, keep_attachments
from muheng.web.monitoring.actions.marks import Stretch, add_mark
from muheng.web.monitoring.cases import HANDLE, field_check, open_alert, title_of
from muheng.web.monitoring.models import Event, Tier
from muheng.web.people.models import Organisation, User
from muheng.web.refusal import Refused, invalid
from muheng.web.registry.queries import is_own, may

EXPLANATION, RECORD = "说明材料", "核查记录"
"""Labels of the case type's attachments."""
MOST = 5000


def may_handle(user: User, event: Event) -> bool:
    """Whether a person verifies an event: by a post, and not of one's own enterprise."""
    enterprise = event.point.enterprise
    return may(user, HANDLE, enterprise) and not is_own(user, enterprise)


@deed
def answer(
    actor: User,
    event: Event,
    *,
    cause: str,
    note: str,
    uploads: Sequence[Upload] = (),
    mark: Stretch | None = None,
    seen: int | None = None,
    at: datetime | None = None,
) -> Event:
    """The enterprise says what it was, and may mark the stretch with it; an officer may note what was said by telephone.

    Raises Refused; nothing is kept then, the mark neither.
    """
    held, part = _hold(event), _part(actor, event)
    said = clean_note(note)
    if not said:
        raise invalid(_("请写明情况。"), "note")
    if not cause:
        raise invalid(_("请选原因。"), "cause")
    when = at or timezone.now()
    case = open_alert(held, when)
    if mark is not None:
        add_mark(actor, held.point, mark, at=when)
    act(
        actor,
        case,
        "explain",
        seen=seen,
        note=said,
        fields={"cause": cause},
        files=[Attachment(each, EXPLANATION) for each in keep_attachments(actor, uploads)],
        part=part,
        at=at,
    )
    return _again(held)


@deed
def verify(
    actor: User,
    event: Event,
    *,
    conclusion: str,
    note: str = "",
    uploads: Sequence[Upload] = (),
    seen: int | None = None,
    at: datetime | None = None,
) -> Event:
    """What the enterprise said holds, with the conclusion; the event is over. Raises Refused."""
    held = _handle(actor, event)
    if not conclusion:
        raise invalid(_("请选核实结论。"), "conclusion")
    files = [Attachment(each, RECORD) for each in keep_attachments(actor, uploads)]
    return _act(
        actor, held, "verify", note=note, fields={"conclusion": conclusion}, files=files, seen=seen, at=at
    )


@deed
def send_back(
    actor: User, event: Event, *, note: str, seen: int | None = None, at: datetime | None = None
) -> Event:
    """What the enterprise said is not clear: it says more. Raises Refused."""
    return _act(actor, _handle(actor, event), "return", note=_required(note), seen=seen, at=at)


@deed
def dismiss(
    actor: User, event: Event, *, note: str, seen: int | None = None, at: datetime | None = None
) -> Event:
    """It was none. Raises Refused."""
    return _act(actor, _handle(actor, event), "dismiss", note=_required(note), seen=seen, at=at)


@deed
def send_to_field(
    actor: User | None,
    event: Event,
    *,
    note: str,
    organisation: Organisation | None = None,
    handler: User | None = None,
    seen: int | None = None,
    at: datetime | None = None,
) -> Event:
    """Somebody goes there: a field check is opened below the event's case. ``actor`` None: by the rule of repeats."""
    held = _hold(event) if actor is None else _handle(actor, event)
    said = _required(note)
    when = at or timezone.now()
    with translation.override("zh-hans"):
        child = field_check(
            held.point,
            f"{held.point.enterprise.name} {title_of(held)}",
            f"{held.number}：{said}",
            "repeated" if held.repeated else "exceedance",
            organisation,
            handler,
        )
    case = open_alert(held, when)
    part: Part = "room" if actor is None else "handler"
    act(actor, case, "transfer", seen=seen, note=said, children=[child], part=part, at=at)
    return _again(held)


@deed
def verify_many(
    actor: User, events: Sequence[Event], *, conclusion: str, note: str = "", at: datetime | None = None
) -> list[Event]:
    """Several reminders that were answered, at once: all or none. Raises Refused."""
    wrong = [each for each in events if each.tier != Tier.REMIND]
    if wrong:
        numbers = "、".join(each.number for each in wrong[:5])
        raise Refused(
            _("只有提醒可以一起核实，这些不是：%(numbers)s。") % {"numbers": numbers},
            _("预警和督办一件一件核实。"),
            status=422,
            code="invalid",
        )
    return [verify(actor, each, conclusion=conclusion, note=note, at=at) for each in events]


# -- what they share ---------------------------------------------------------------------------------------


def _act(actor: User, event: Event, verb: str, *, note: str, **given: Any) -> Event:
    case = open_alert(event, given.get("at") or timezone.now())
    act(actor, case, verb, note=clean_note(note), part="handler", **given)
    return _again(event)


def _hold(event: Event) -> Event:
    """An event, for as long as the transaction lasts nobody else's to change."""
    rows = Event.objects.select_for_update(of=("self",)).select_related("point__enterprise__county", "case")
    return rows.get(pk=event.pk)


def _again(event: Event) -> Event:
    event.refresh_from_db()
    return event


def _part(actor: User, event: Event) -> Part:
    if is_own(actor, event.point.enterprise):
        return "enterprise"
    if may_handle(actor, event):
        return "handler"
    raise not_found()


def _handle(actor: User, event: Event) -> Event:
    if not may_handle(actor, event):
        raise not_found()
    return _hold(event)


def case_version(case: Case | None) -> int | None:
    """What a page says that the person saw."""
    return None if case is None else case.version


def _required(note: str) -> str:
    said = clean_note(note)
    if not said:
        raise invalid(_("请写明理由。"), "note")
    return said


def clean_note(text: str) -> str:
    """What somebody wrote, without control characters, and no longer than a page."""
    return clean_text(text)[:MOST]


def not_found() -> Refused:
    return Refused(_("没有这件监测事件，或者它不归您办。"), status=404, code="not_found")
