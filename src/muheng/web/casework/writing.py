"""One event more: the event, the row that mirrors it, the book of deeds and whoever has to be told, in one transaction.

``actions`` and the sweep write through here; who may do what is decided there and in the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import F

from muheng.casework.document import CaseType
from muheng.casework.history import Actor, Event, replay, take
from muheng.casework.standing import CHINA, Standing
from muheng.casework.values import read_value
from muheng.documents.message import Refusal
from muheng.web.audit.actions import hold_book, record
from muheng.web.casework.kinds import calendar, find_type
from muheng.web.casework.mirror import calendar_digest, save_mirror
from muheng.web.casework.models import Case, CaseEvent, CaseFile, Numbering, PersonalValue
from muheng.web.casework.telling import tell_of
from muheng.web.files.models import StoredFile
from muheng.web.people.models import Organisation, User
from muheng.web.reading import language
from muheng.web.refusal import refused_by
from muheng.web.registry.models import Enterprise

P = ParamSpec("P")
R = TypeVar("R")
ATTEMPTS = 3


@dataclass(frozen=True)
class Attachment:
    """A stored file with the label that the case's type gives it."""

    stored: StoredFile
    label: str = ""


def deed(function: Callable[P, R]) -> Callable[P, R]:
    """A transaction that will write in the book of deeds, and so takes the book before any case.

    A deed can touch several cases (a parent, one that is merged); as whoever touches any has the book, no two wait for
    each other crosswise. Where another room holds a row that this one needs and waits for the book itself, the
    database ends one of the two: that one is done again from the start.
    """

    @wraps(function)
    def done(*args: P.args, **kwargs: P.kwargs) -> R:
        outermost = not connection.in_atomic_block
        for attempt in range(ATTEMPTS):
            try:
                with transaction.atomic():
                    hold_book()
                    return function(*args, **kwargs)
            except OperationalError as error:
                if not (outermost and _is_deadlock(error)) or attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError

    return done


def _is_deadlock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") == "40P01"


def hold(number: int) -> Case:
    """A case, for as long as the transaction lasts nobody else's to change."""
    return (
        Case.objects.select_for_update(of=("self",))
        .select_related("enterprise", "organisation", "county", "township", "handler", "thread")
        .get(pk=number)
    )


def standing_of(case: Case, until: datetime | None = None) -> Standing:
    """How a case stands by its events, now or at a moment of the past."""
    return replay(find_type(case.type), events_of(case), calendar(), until)


def events_of(case: Case) -> list[Event]:
    """The history of a case."""
    return [event_of(row) for row in case.events.order_by("number")]


def event_of(row: CaseEvent) -> Event:
    """An event as the library reads it."""
    return Event(row.number, row.at, row.act, Actor(row.part, row.actor_id, row.actor_name), row.data)  # type: ignore[arg-type]


Follower = Callable[[Case, CaseEvent, User | None], None]
_followers: list[Follower] = []


def follow(function: Follower) -> Follower:
    """Adds what a later room does of its own when something happened to a case, in the same transaction."""
    if function not in _followers:
        _followers.append(function)
    return function


def append(
    case: Case,
    verb: str,
    actor: User | None,
    by: Actor,
    data: dict[str, Any],
    at: datetime,
    personal: Mapping[str, str] | None = None,
    files: Sequence[Attachment] = (),
) -> Standing:
    """Write one event more; ``case`` is held. Raises Refused."""
    if verb != "recount":
        recount(case, at)
    phase = case.phase
    event = Event(case.version + 1, at, verb, by, data)
    case_type = find_type(case.type)
    standing = take_event(case_type, standing_of(case), event)
    if verb == "erase":
        case.personal.all().delete()
        case.erased_at = at
    save_mirror(case, standing)
    row = keep(case, event, actor, personal or {}, files)
    record(actor, "casework.act", case, act=verb, number=event.number)
    tell_of(case, event, actor, standing)
    for done in _followers:
        done(case, row, actor)
    _tell_parent(case, phase, at)
    return standing


def recount(case: Case, at: datetime) -> bool:
    """Where a case was counted by other calendars than the site has now, count it anew; gives whether it was.

    Each due date that moves is an event, so that people hear of it; ``case`` is held.
    """
    if not case.live or case.calendar == calendar_digest():
        return False
    standing, before = standing_of(case), dict(case.dues)
    at = max(at, standing.last_at)
    moved = False
    for name, clock in standing.clocks.items():
        old, new = before.get(name), clock.due
        # Days alone move with the calendar; a clock that came to count hours is as its file says now.
        counts_days = clock.unit != "hour" and "T" not in (old or "T")
        if clock.stopped_on is None and counts_days and new is not None and old != new.isoformat():
            dues = {"old": old, "new": new.isoformat()}
            append(case, "recount", None, Actor("site"), {"clock": name, "fields": dues}, at)
            moved = True
    if not moved:
        save_mirror(case, standing)
    return True


def _tell_parent(case: Case, before: str, at: datetime) -> None:
    """The parent's history says when a child has ended, and when it is taken up again."""
    ended = {Case.Phase.CLOSED, Case.Phase.VOID}
    if case.parent_id is None or case.phase == before or not ({case.phase, before} & ended):
        return
    parent = hold(case.parent_id)
    last = parent.events.order_by("-number").values_list("at", flat=True)[0]
    child: dict[str, Any] = {"case": case.number, "type": case.type, "phase": case.phase}
    labels = case.files.exclude(label="").values_list("label", flat=True).order_by("label").distinct()
    if case.phase == Case.Phase.CLOSED and labels:
        child["labels"] = list(labels)
    append(parent, "child_closed", None, Actor("site"), {"child": child}, max(at, last))


def take_event(case_type: CaseType, standing: Standing | None, event: Event) -> Standing:
    """The library's step; its refusal as the site's."""
    try:
        return take(case_type, standing, event, calendar())
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal


def keep(
    case: Case, event: Event, actor: User | None, personal: Mapping[str, str], files: Sequence[Attachment]
) -> CaseEvent:
    """The rows of an event: itself, its files, and personal values beside it."""
    row = CaseEvent.objects.create(
        case=case,
        number=event.number,
        at=event.at,
        act=event.act,
        part=event.by.part,
        actor=actor,
        actor_name=event.by.name,
        data=dict(event.data),
    )
    for attachment in files:
        CaseFile.objects.create(
            case=case,
            event=row,
            stored=attachment.stored,
            label=attachment.label,
            internal=bool(event.data.get("internal")),
        )
    for field, value in personal.items():
        PersonalValue.objects.update_or_create(case=case, field=field, defaults={"value": value})
    return row


def content(files: Iterable[Attachment] = (), **given: Any) -> dict[str, Any]:
    """What an event says: only what was given."""
    data = {name: value for name, value in given.items() if value not in (None, "", [], {})}
    listed = [{"label": each.label, "name": each.stored.name, "sha256": each.stored.sha256} for each in files]
    return {**data, "files": listed} if listed else data


def split_personal(case_type: CaseType, fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values for the history, and those that name persons: the history has True for these."""
    values, personal = dict(fields), {}
    for name in fields:
        declared = case_type.field(name)
        if declared is None or not declared.personal or fields[name] is True:
            continue
        try:
            found = read_value(declared, fields[name])
        except Refusal as refusal:
            raise refused_by(refusal, language()) from refusal
        if found is None:
            del values[name]
        else:
            values[name], personal[name] = True, str(found)
    return values, personal


def next_number(case_type: CaseType, at: datetime) -> str:
    """SQ-2026-000123: the prefix of the type, the year in China, and a number without gaps."""
    year = at.astimezone(CHINA).year
    held, _made = Numbering.objects.select_for_update().get_or_create(prefix=case_type.prefix, year=year)
    Numbering.objects.filter(pk=held.pk).update(last=F("last") + 1)
    return spell_number(case_type, year, held.last + 1)


def spell_number(case_type: CaseType, year: int, number: int) -> str:
    return f"{case_type.prefix}-{year}-{number:06d}"


def find_place(
    enterprise: Enterprise | None, place: Organisation | None
) -> tuple[Organisation | None, Organisation | None]:
    """The county and township that a case belongs to."""
    if enterprise is not None:
        return enterprise.county, enterprise.township
    kinds = Organisation.Kind
    township = place if place is not None and place.kind == kinds.TOWNSHIP else None
    county = place
    while county is not None and county.kind != kinds.COUNTY:
        county = county.parent
    return county, township


def clean(title: str) -> str:
    """A title as one line."""
    return " ".join(title.split())[:200]


def actor_of(part: Any, person: User | None) -> Actor:
    """Somebody as the history names them."""
    return Actor(part, person.pk if person else None, person.name if person else "")
