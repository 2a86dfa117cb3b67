"""The history of a case as its page tells it: who did what, when, as whom, with what they wrote and brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from muheng.casework.document import CaseType
from muheng.casework.history import Event
from muheng.casework.moving import read_amount
from muheng.web.casework.changes import name_of_act
from muheng.web.casework.kinds import case_types
from muheng.web.casework.models import Case, CaseFile
from muheng.web.casework.wording import say_amount, say_kind, say_part, say_rating, say_size
from muheng.web.people.models import Organisation, User
from muheng.web.reading import language

# What is said among officials: reminders, counting again, and who has to look at it besides.
_INSIDE = frozenset({"warn", "escalate", "recount", "erase"})


@dataclass(frozen=True)
class FileLink:
    number: int
    name: str
    label: str
    size: str
    internal: bool
    by: int
    """The event that brought it."""


@dataclass(frozen=True)
class Entry:
    """One event. ``lines``: what it said besides the note, title and text; ``cases``: numbers of cases that it names."""

    number: int
    at: datetime
    who: str
    part: str
    act: str
    note: str = ""
    internal: bool = False
    lines: tuple[tuple[str, str], ...] = ()
    cases: tuple[str, ...] = ()
    files: tuple[FileLink, ...] = ()
    quiet: bool = field(default=False)
    """Written by the site itself."""


def list_files(case: Case, inside: bool, until: int | None = None) -> list[FileLink]:
    """The files of a case that somebody may have; ``until``: those that the events up to a number brought."""
    rows = (
        CaseFile.objects.filter(case=case).select_related("stored", "event").order_by("event__number", "pk")
    )
    if not inside:
        rows = rows.filter(internal=False)
    if until is not None:
        rows = rows.filter(event__number__lte=until)
    return [
        FileLink(
            row.pk, row.stored.name, row.label, say_size(row.stored.size), row.internal, row.event.number
        )
        for row in rows
    ]


def tell(
    case_type: CaseType, events: Sequence[Event], files: Iterable[FileLink], inside: bool, personal: bool
) -> list[Entry]:
    """The events that somebody may read, the newest first. ``personal``: who it is about may be told."""
    shown = [event for event in events if inside or _is_for_all(event)]
    offices, people = _names(shown)
    brought: dict[int, list[FileLink]] = {}
    for file in files:
        brought.setdefault(file.by, []).append(file)
    return [
        Entry(
            number=event.number,
            at=event.at,
            who=event.by.name,
            part=say_part(event.by.part),
            act=name_of_act(case_type, event.act),
            note=str(event.data.get("note") or ""),
            internal=bool(event.data.get("internal")),
            lines=tuple(_lines(case_type, event, offices, people, personal)),
            cases=tuple(_cases(event, inside)),
            files=tuple(brought.get(event.number, ())),
            quiet=event.by.part == "site",
        )
        for event in reversed(shown)
    ]


def _is_for_all(event: Event) -> bool:
    if event.act in ("child", "child_closed"):
        return bool(list(_cases(event, inside=False)))
    return not event.data.get("internal") and event.act not in _INSIDE


def _names(events: Iterable[Event]) -> tuple[Mapping[int, str], Mapping[int, str]]:
    offices = {event.data["organisation"] for event in events if event.data.get("organisation")}
    people = {event.data["handler"] for event in events if event.data.get("handler")}
    named = Organisation.objects.in_bulk(offices) if offices else {}
    persons = User.objects.in_bulk(people) if people else {}
    return (
        {number: each.title for number, each in named.items()},
        {number: each.name for number, each in persons.items()},
    )


def _lines(
    case_type: CaseType,
    event: Event,
    offices: Mapping[int, str],
    people: Mapping[int, str],
    personal: bool,
) -> Iterable[tuple[str, str]]:
    data = event.data
    if data.get("reason"):
        yield _("事由"), str(data["reason"])
    if data.get("organisation"):
        to = " ".join(
            filter(None, (offices.get(data["organisation"], ""), people.get(data.get("handler") or 0, "")))
        )
        yield (_("现由") if event.act == "open" else _("交给")), to
    elif data.get("handler"):
        yield _("交给"), people.get(data["handler"], "")
    if data.get("kind") and event.act != "open":
        yield _("类别"), say_kind(case_type, data["kind"])
    if data.get("rating"):
        yield (
            _("评价"),
            _("%(stars)s 分，%(said)s")
            % {
                "stars": data["rating"],
                "said": say_rating(data["rating"]),
            },
        )
    yield from _clock_lines(case_type, event)
    if event.act == "open":
        return  # its values stand on the page by themselves
    for name, value in (data.get("fields") or {}).items() if event.act != "recount" else ():
        declared = case_type.field(name)
        if declared is None:
            continue
        if declared.personal:
            yield declared.title(language()), _("已更新") if personal else _("已隐藏")
        else:
            yield declared.title(language()), say_value(value, declared.unit or "", declared.type)


def _clock_lines(case_type: CaseType, event: Event) -> Iterable[tuple[str, str]]:
    data = event.data
    clock = case_type.clock(str(data.get("clock"))) if data.get("clock") else None
    if clock is None:
        return
    title = clock.title(language())
    if event.act == "recount":
        dues = data.get("fields") or {}
        yield title, _("%(old)s 改为 %(new)s") % {"old": dues.get("old", ""), "new": dues.get("new", "")}
    elif event.act == "warn":
        yield title, _("已用到 %(share)s%%") % {"share": data.get("level")}
    elif event.act == "escalate":
        yield title, _("报到上 %(level)s 级") % {"level": data.get("level")}
    elif amount := read_amount(data, clock.unit):
        yield title, _("延长%(days)s") % {"days": say_amount(amount, clock.unit)}


def _cases(event: Event, inside: bool) -> Iterable[str]:
    for number in event.data.get("cases") or ():
        yield str(number)
    child = event.data.get("child") or ()
    for row in (child,) if isinstance(child, Mapping) else child:
        # What offices do among themselves, an enterprise is not told the numbers of.
        case_type = case_types().get(str(row.get("type", "")))
        if inside or (case_type is not None and case_type.shown_to_enterprise):
            yield str(row.get("case", ""))


def say_value(value: Any, unit: str, kind: str) -> str:
    """A value of a field as it reads."""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    suffix = _("万元") if kind == "money" else unit
    return f"{value} {suffix}".strip()
