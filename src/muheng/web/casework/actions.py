"""What is done with cases: opened, moved by the acts of their type, assigned, noted, urged, joined, merged, split.

Every deed is one event more. The library says from the events whether it may be and how the case then stands; here it
is checked who the person is to the case. Other rooms open and move cases through here too, as the part ``room``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.casework.document import CaseType, Part
from muheng.casework.history import BUILT_INS, Actor, Event
from muheng.casework.standing import Standing
from muheng.web.audit.actions import record
from muheng.web.casework.changes import describe_events
from muheng.web.casework.kinds import find_type
from muheng.web.casework.mirror import save_mirror
from muheng.web.casework.models import Case
from muheng.web.casework.queries import ASSIGN, HANDLE, LEAD, parts_of, sees_inside
from muheng.web.casework.routing import county_of, first_office
from muheng.web.casework.telling import tell_of
from muheng.web.casework.writing import (
    Attachment,
    actor_of,
    append,
    clean,
    content,
    deed,
    events_of,
    find_place,
    hold,
    keep,
    next_number,
    split_personal,
    standing_of,
    take_event,
)
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own

__all__ = [
    "Attachment",
    "ChangedMeanwhile",
    "NewChild",
    "act",
    "clean_title",
    "events_of",
    "merge",
    "open_case",
    "split",
    "standing_of",
    "try_act",
]


class ChangedMeanwhile(Refused):
    """Somebody else did something to the case since the person saw it. ``changes`` says what, by whom."""

    def __init__(self, changes: Sequence[str]) -> None:
        super().__init__(
            _("您打开之后，这件事有了新情况：%(changes)s") % {"changes": "；".join(changes)},
            _("您填写的内容还在。看过新情况，再提交一次。"),
            code="changed",
        )
        self.changes = list(changes)

    def body(self) -> dict[str, object]:
        """The error as the API answers it, with what happened."""
        found = super().body()
        return found | {"changes": self.changes}


# -- opening ---------------------------------------------------------------------------------------------


@deed
def open_case(
    actor: User | None,
    type_id: str,
    title: str,
    *,
    enterprise: Enterprise | None = None,
    place: Organisation | None = None,
    kind: str = "",
    fields: Mapping[str, Any] | None = None,
    files: Sequence[Attachment] = (),
    note: str = "",
    organisation: Organisation | None = None,
    handler: User | None = None,
    parent: Case | None = None,
    part: Part | None = None,
    source: str = "",
    announce: bool = True,
    days: int | None = None,
    limits: Mapping[str, Mapping[str, int]] | None = None,
    shown_to_enterprise: bool | None = None,
    at: datetime | None = None,
) -> Case:
    """Open a case. ``part`` is given by rooms of the site (``room``); a person's follows from who they are.

    ``place`` is the county or township that a case without an enterprise is about. The parent's history says that
    it has a child, unless the act that opens it says so itself (``announce``). A room that promised a term of its own
    gives its ``days``, or its ``limits`` by clock (``{"verify": {"hours": 4}}``), and says whether the enterprise sees the
    case. Raises Refused.
    """
    case_type = find_type(type_id)
    at = at or timezone.now()
    if parent is not None:
        parent = hold(parent.pk)
    by = actor_of(part or _opening_part(actor, case_type, enterprise, parent), actor)
    given = dict(fields or {})
    title = clean_title(title or str(given.get("title") or ""))
    if case_type.field("title") is not None:
        given.setdefault("title", title)
    if case_type.subject == "enterprise" and enterprise is None:
        raise Refused(_("请选是哪家企业的事。"), status=422, code="invalid", at="enterprise")
    if by.part == "enterprise":
        # Who handles it is for officials to say.
        organisation = handler = None
    if organisation is not None and by.part not in ("room", "site"):
        above = parent.organisation if parent is not None else None
        _check_office(actor, organisation, *find_place(enterprise, place), above)
    office = organisation or first_office(case_type, actor, enterprise, place)
    if handler is not None:
        _check_handler(handler, office)
    values, personal = split_personal(case_type, given)
    data = content(
        note=note,
        kind=kind,
        days=days,
        limits=limits,
        fields=values,
        files=files,
        organisation=office.pk,
        handler=handler.pk if handler else None,
    )
    event = Event(1, at, "open", by, data)
    standing = take_event(case_type, None, event)
    county, township = find_place(enterprise, place)
    case = Case(
        number=next_number(case_type, at),
        type=case_type.id,
        title=title,
        enterprise=enterprise,
        county=county,
        township=township,
        opener=actor,
        shown_to_enterprise=(
            case_type.shown_to_enterprise if shown_to_enterprise is None else shown_to_enterprise
        ),
        parent=parent,
        thread=(parent.thread or parent) if parent else None,
        source=source,
    )
    save_mirror(case, standing, new=True)
    keep(case, event, actor, personal, files)
    record(actor, "casework.open", case, type=type_id, enterprise=enterprise.code if enterprise else "")
    if parent is not None and announce:
        append(parent, "child", actor, by, {"child": {"case": case.number, "type": case.type}}, at)
    tell_of(case, event, actor, standing)
    return case


def clean_title(title: str) -> str:
    """A title as one line. Raises Refused where there is none."""
    found = clean(title)
    if not found:
        raise Refused(_("请写明标题。"), status=422, code="invalid", at="title")
    return found


def _opening_part(
    actor: User | None, case_type: CaseType, enterprise: Enterprise | None, parent: Case | None
) -> Part:
    """As who a person opens a case: their enterprise's, or the part that their office gives them in it."""
    if actor is None:
        return "site"
    if enterprise is not None and is_own(actor, enterprise):
        return "enterprise"
    require(actor, "casework.open")
    may: tuple[Part, ...] = case_type.opening.by
    held: list[Part] = [part for part, right in _OPENING if part in may and holds(actor, right)]
    if parent is not None:
        mine = parts_of(actor, parent)
        if not mine:
            raise Refused(_("这件事不由您办。"), _("可以请受理岗交给您。"), status=403, code="forbidden")
        held = [part for part in held if part in mine] or held
    return held[0] if held else "opener"


_OPENING: tuple[tuple[Part, str], ...] = (
    ("desk", ASSIGN),
    ("handler", HANDLE),
    ("leader", LEAD),
    ("opener", "casework.open"),
)
"""As who an official opens a case: the first that the type allows and their rights give."""


# -- the acts of a type, and those that every type has ------------------------------------------------------


@dataclass(frozen=True)
class NewChild:
    """A case that an act opens below the one that it is done to."""

    type: str
    title: str
    kind: str = ""
    fields: Mapping[str, Any] | None = None
    files: Sequence[Attachment] = ()
    note: str = ""
    organisation: Organisation | None = None
    handler: User | None = None


@deed
def act(
    actor: User | None,
    case: Case,
    act_id: str,
    *,
    seen: int | None = None,
    note: str = "",
    reason: str = "",
    fields: Mapping[str, Any] | None = None,
    files: Sequence[Attachment] = (),
    organisation: Organisation | None = None,
    handler: User | None = None,
    kind: str = "",
    rating: int | None = None,
    clock: str = "",
    days: int | None = None,
    hours: int | None = None,
    internal: bool = False,
    children: Sequence[NewChild] = (),
    part: Part | None = None,
    at: datetime | None = None,
) -> Case:
    """Do an act of the case's type, or one that every type has (``note``, ``attach``, ``assign``, ``urge``).

    ``seen`` is the version that the person saw: where the case has moved on since, :class:`ChangedMeanwhile` says what
    happened, and nothing is written (``check_seen``). Raises Refused.
    """
    held = hold(case.pk)
    at = at or timezone.now()
    by = _check_actor(actor, held, act_id, seen, organisation, handler, part)
    case_type = find_type(held.type)
    declared = case_type.act(act_id)
    inside = internal or (declared is not None and declared.internal)
    values, personal = split_personal(case_type, fields or {})
    opened = [
        open_case(
            actor,
            child.type,
            child.title,
            enterprise=held.enterprise,
            place=held.township or held.county,
            kind=child.kind,
            fields=child.fields,
            files=child.files,
            note=child.note,
            organisation=child.organisation or held.organisation,
            handler=child.handler,
            parent=held,
            part=by.part,
            announce=False,
            at=at,
        )
        for child in children
    ]
    data = content(
        note=note.strip(),
        reason=reason,
        fields=values,
        files=files,
        organisation=organisation.pk if organisation else None,
        handler=handler.pk if handler else None,
        kind=kind,
        rating=rating,
        clock=clock,
        days=days,
        hours=hours,
        internal=(inside and by.part != "enterprise") or None,
        child=[{"case": each.number, "type": each.type} for each in opened],
    )
    append(held, act_id, actor, by, data, at, personal, files)
    return held


def try_act(
    actor: User | None,
    case: Case,
    act_id: str,
    *,
    seen: int | None = None,
    note: str = "",
    reason: str = "",
    fields: Mapping[str, Any] | None = None,
    organisation: Organisation | None = None,
    handler: User | None = None,
    kind: str = "",
    part: Part | None = None,
    at: datetime | None = None,
) -> tuple[Standing, Standing]:
    """How a case stands before and after an act, which is not done. Raises Refused as :func:`act` would."""
    by = _check_actor(actor, case, act_id, seen, organisation, handler, part)
    values, _personal = split_personal(find_type(case.type), fields or {})
    data = content(
        note=note.strip(),
        reason=reason,
        fields=values,
        organisation=organisation.pk if organisation else None,
        handler=handler.pk if handler else None,
        kind=kind,
    )
    before = standing_of(case)
    event = Event(case.version + 1, at or timezone.now(), act_id, by, data)
    return before, take_event(find_type(case.type), before, event)


def check_seen(actor: User | None, case: Case, seen: int) -> None:
    """Raises ChangedMeanwhile where people did something to a case since somebody saw it.

    What the site noted of clocks, and what they may not read, overtakes nobody.
    """
    if seen > case.version:
        raise Refused(_("这件事没有第 %(seen)s 版。") % {"seen": seen}, status=422, code="invalid", at="seen")
    inside = actor is None or sees_inside(actor, case)
    changes = describe_events(case, seen, inside) if seen < case.version else []
    if changes:
        raise ChangedMeanwhile(changes)


def _check_actor(
    actor: User | None,
    case: Case,
    act_id: str,
    seen: int | None,
    organisation: Organisation | None,
    handler: User | None,
    part: Part | None,
) -> Actor:
    """As who somebody does an act to the case as they saw it, and whether its new handler may be one."""
    if seen is not None:
        check_seen(actor, case, seen)
    by = actor_of(part or _acting_part(actor, case, find_type(case.type), act_id), actor)
    if organisation is not None and by.part not in ("room", "site"):
        _check_office(actor, organisation, case.county, case.organisation)
    if handler is not None:
        _check_handler(handler, organisation or case.organisation)
    return by


def _acting_part(actor: User | None, case: Case, case_type: CaseType, act_id: str) -> Part:
    """Of the parts that a person has in a case, one that may do the act; raises Refused where there is none."""
    if actor is None:
        return "site"
    declared = case_type.act(act_id)
    built_in = BUILT_INS.get(act_id)
    allowed = declared.by if declared else built_in.by if built_in else ()
    mine = parts_of(actor, case)
    for part in allowed:
        if part in mine:
            return part
    if not mine:
        raise Refused(_("这件事不由您办。"), _("可以请受理岗交给您。"), status=403, code="forbidden")
    # The library says who may, in a sentence.
    return sorted(mine)[0]


def _check_office(actor: User | None, office: Organisation, *near: Organisation | None) -> None:
    """People give cases to offices of the city, of the counties that a case lies in, and to those that they look after."""
    home = county_of(office)
    if home is None or home in [county_of(place) for place in near]:
        return
    if holds(actor, ASSIGN, office) or holds(actor, LEAD, office):
        return
    raise Refused(
        _("不能交给%(office)s：不在这件事的县区。") % {"office": office.title},
        _("请选市级部门或本县区的单位。"),
        status=422,
        code="invalid",
        at="organisation",
    )


def _check_handler(handler: User, organisation: Organisation) -> None:
    held = handler.memberships.filter(organisation=organisation)
    if not handler.is_active or not held.exists():
        raise Refused(
            _("%(person)s不在%(office)s。") % {"person": handler.name, "office": organisation.title},
            _("请选这个单位的人，或者先换单位。"),
            status=422,
            code="invalid",
            at="handler",
        )


@deed
def merge(
    actor: User,
    case: Case,
    into: Case,
    note: str = "",
    at: datetime | None = None,
    seen: int | None = None,
) -> Case:
    """One of two that say the same goes into the other for good; both keep their history, who opened it is told."""
    if case.pk == into.pk:
        raise Refused(_("不能并入自己。"), status=422, code="invalid", at="into")
    first, second = (hold(number) for number in sorted((case.pk, into.pk)))
    gone, kept = (first, second) if first.pk == case.pk else (second, first)
    if seen is not None:
        check_seen(actor, gone, seen)
    if (gone.type, gone.enterprise_id) != (kept.type, kept.enterprise_id):
        raise Refused(_("只能合并同一家企业的同类事项。"), status=422, code="invalid", at="into")
    waiting = sum(not child.ended for child in standing_of(gone).children.values())
    if waiting:
        # The kept case would be answered while they are still open.
        raise Refused(
            _("由它引出的事项还有 %(count)s 件没有办结。") % {"count": waiting},
            _("先办完，或者把另一件并入这一件。"),
        )
    at = at or timezone.now()
    for held, verb, other in ((kept, "absorb", gone), (gone, "merge", kept)):
        by = actor_of(_acting_part(actor, held, find_type(held.type), verb), actor)
        append(held, verb, actor, by, content(note=note.strip(), cases=[other.number]), at)
    return kept


@deed
def split(
    actor: User,
    case: Case,
    parts: Sequence[NewChild],
    note: str = "",
    at: datetime | None = None,
    seen: int | None = None,
) -> list[Case]:
    """Make cases of their own of what was asked together. The first case goes on with what is left to it."""
    held = hold(case.pk)
    if seen is not None:
        check_seen(actor, held, seen)
    if not parts:
        raise Refused(_("写明拆成哪几件。"), status=422, code="invalid", at="parts")
    at = at or timezone.now()
    by = actor_of(_acting_part(actor, held, find_type(held.type), "split"), actor)
    made = [
        open_case(
            actor,
            held.type,
            each.title,
            enterprise=held.enterprise,
            place=held.township or held.county,
            kind=each.kind or held.kind,
            fields={**_open_fields(held, each.kind or held.kind), **(each.fields or {})},
            note=each.note,
            organisation=each.organisation,
            handler=each.handler,
            part=by.part if by.part in find_type(held.type).opening.by else "desk",
            at=at,
        )
        for each in parts
    ]
    for each in made:
        Case.objects.filter(pk=each.pk).update(thread=held.thread or held)
    append(held, "split", actor, by, content(note=note.strip(), cases=[each.number for each in made]), at)
    return made


def _open_fields(case: Case, kind: str) -> dict[str, Any]:
    """What was filled in at the opening, personal values with it: the parts of a split case ask for it too."""
    case_type = find_type(case.type)
    asked = {field.id for field in case_type.fields_at_opening(kind or None)} - {"title"}
    personal = {each.field: each.value for each in case.personal.all()}
    known = {**case.fields, **personal}
    return {name: value for name, value in known.items() if name in asked and value is not True}
