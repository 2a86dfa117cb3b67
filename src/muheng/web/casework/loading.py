"""Many cases with their whole histories at once: brought from elsewhere, or made up for demonstrations and measurements.

Each history is replayed before anything is written, so that what is loaded is what the site's own acts could have made;
rights are not asked. What a parent has to say of its children (``child``, ``child_closed``) is added where the history
does not say it, if it is loaded with them. Loaded again, a history that is there already (by ``source``) is left as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from muheng.casework.document import CaseType, Part
from muheng.casework.history import Actor, BrokenHistory, Event, replay
from muheng.casework.standing import CHINA, Standing
from muheng.web.audit.actions import record
from muheng.web.casework.kinds import calendar, case_types, find_type
from muheng.web.casework.mirror import create_mirrored, mirror
from muheng.web.casework.models import Case, CaseEvent, CaseFile, Numbering, PersonalValue
from muheng.web.casework.routing import first_office
from muheng.web.casework.telling import tell_of
from muheng.web.casework.writing import (
    Attachment,
    actor_of,
    clean,
    content,
    deed,
    find_place,
    spell_number,
    split_personal,
)
from muheng.web.people.models import Organisation, User
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise


@dataclass(frozen=True)
class EventGiven:
    """One event; its number follows from its place.

    ``data`` as the library has it, ``organisation`` and ``handler`` as numbers, ``fields`` with personal values in plain
    text. Other cases (``child``, ``cases``) are named by number or by the ``source`` of their history.
    """

    at: datetime
    act: str
    part: Part
    actor: User | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[Attachment] = ()


@dataclass(frozen=True)
class History:
    """A case from its opening on. ``parent`` is the source (or number) of the case that it came out of.

    Without a ``number`` it gets the next of the year that it was opened in.
    """

    source: str
    type: str
    title: str
    events: Sequence[EventGiven]
    enterprise: Enterprise | None = None
    place: Organisation | None = None
    parent: str = ""
    number: str = ""


@dataclass
class _Loading:
    history: History
    case_type: CaseType
    case: Case
    given: list[tuple[EventGiven, dict[str, Any]]] = field(default_factory=list)
    personal: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    standing: Standing | None = None


@deed
def load_histories(
    entries: Iterable[History], actor: User | None = None, tell: datetime | None = None
) -> dict[str, Case]:
    """Load histories; gives their cases by source, those that were there already among them.

    ``tell``: where the last that happened to a case happened from this moment on, it is told as if it happened now.
    Raises Refused for the first history that its type does not allow, and then loads none.
    """
    asked = list(entries)
    sources = [each.source for each in asked]
    if "" in sources or len(set(sources)) != len(sources):
        raise ValueError("each history has a source of its own")
    found = _find_loaded(sources)
    new = sorted((each for each in asked if each.source not in found), key=lambda each: each.events[0].at)
    if not new:
        return found
    numbers = {source: case.number for source, case in found.items()} | _give_numbers(new)
    loading = {each.source: _begin(each, numbers) for each in new}
    _add_children(loading)
    for each in loading.values():
        _replay(each, numbers)
    for level in _by_depth(loading):
        for each in level:
            _place_below(each, {**found, **{source: made.case for source, made in loading.items()}})
        create_mirrored([each.case for each in level])
    _link_merged(loading.values())
    _write(list(loading.values()))
    record(actor, "casework.load", loading[new[0].source].case, cases=len(new))
    if tell is not None:
        _tell(loading.values(), tell)
    return found | {source: each.case for source, each in loading.items()}


def _find_loaded(sources: Sequence[str]) -> dict[str, Case]:
    found: dict[str, Case] = {}
    for start in range(0, len(sources), 500):
        rows = Case.objects.filter(source__in=sources[start : start + 500]).select_related("thread")
        found |= {case.source: case for case in rows}
    return found


def _give_numbers(histories: Sequence[History]) -> dict[str, str]:
    """The number of each by source, in the order in which they were opened."""
    last: dict[tuple[str, int], int] = {}
    numbers: dict[str, str] = {}
    for each in histories:
        case_type, year = find_type(each.type), each.events[0].at.astimezone(CHINA).year
        place = (case_type.prefix, year)
        if place not in last:
            held, _made = Numbering.objects.select_for_update().get_or_create(
                prefix=case_type.prefix, year=year
            )
            last[place] = held.last
        if each.number:
            prefix, own_year, own = each.number.rsplit("-", 2)
            numbers[each.source] = each.number
            if (prefix, own_year) == (case_type.prefix, str(year)):
                last[place] = max(last[place], int(own))
        else:
            last[place] += 1
            numbers[each.source] = spell_number(case_type, year, last[place])
    for (prefix, year), number in last.items():
        Numbering.objects.filter(prefix=prefix, year=year).update(last=number)
    return numbers


def _begin(history: History, numbers: Mapping[str, str]) -> _Loading:
    case_type = find_type(history.type)
    county, township = find_place(history.enterprise, history.place)
    case = Case(
        number=numbers[history.source],
        type=case_type.id,
        title=clean(history.title),
        enterprise=history.enterprise,
        county=county,
        township=township,
        opener=history.events[0].actor,
        shown_to_enterprise=case_type.shown_to_enterprise,
        source=history.source,
    )
    loading = _Loading(history, case_type, case)
    for place, event in enumerate(history.events):
        fields = dict(event.data.get("fields") or {})
        if place == 0 and case_type.field("title") is not None:
            fields.setdefault("title", case.title)
        values, personal = split_personal(case_type, fields)
        loading.personal |= personal
        data = content(event.files, **{**event.data, "fields": values})
        if place == 0 and "organisation" not in data:
            data["organisation"] = first_office(case_type, event.actor, history.enterprise, history.place).pk
        loading.given.append((event, data))
    return loading


def _add_children(loading: Mapping[str, _Loading]) -> None:
    """What parents say of their children, where the histories do not."""
    for each in loading.values():
        parent = loading.get(each.history.parent)
        if parent is None:
            continue
        said = {
            (event.act == "child_closed", name)
            for event, data in parent.given
            for name in _names(data.get("child"))
        }
        name, opened = each.history.source, each.given[0][0]
        if not said & {(False, name), (False, each.case.number)}:
            _add(parent, EventGiven(opened.at, "child", "site"), name)
        if said & {(True, name), (True, each.case.number)}:
            continue
        for event, phase in _endings(each):
            _add(parent, EventGiven(event.at, "child_closed", "site"), name, phase)
    for each in loading.values():
        each.given.sort(key=lambda pair: (pair[0].at, _RANK.get(pair[0].act, 2)))


_RANK = {"open": 0, "child_closed": 1, "child": 3}


def _add(parent: _Loading, event: EventGiven, name: str, phase: str = "") -> None:
    parent.given.append((event, {"child": {"case": name, **({"phase": phase} if phase else {})}}))


def _endings(loading: _Loading) -> list[tuple[EventGiven, str]]:
    """The events by which a case ended, or was taken up again."""
    found: list[tuple[EventGiven, str]] = []
    ended = False
    for event, _data in loading.given:
        act = loading.case_type.act(event.act)
        to = loading.case_type.merged if event.act == "merge" else act.to if act is not None else None
        state = loading.case_type.state(to) if to is not None else None
        if state is not None and (state.phase in ("closed", "void")) != ended:
            ended = not ended
            found.append((event, state.phase))
    return found


def _names(child: Any) -> list[str]:
    rows = child if isinstance(child, list | tuple) else [child] if child else []
    return [str(row["case"] if isinstance(row, Mapping) else row) for row in rows]


def _replay(loading: _Loading, numbers: Mapping[str, str]) -> None:
    for number, (event, data) in enumerate(loading.given, 1):
        data = _named(data, numbers)
        by: Actor = actor_of(event.part, event.actor)
        loading.events.append(Event(number, event.at, event.act, by, data))
    try:
        loading.standing = replay(loading.case_type, loading.events, calendar(), strict=True)
    except BrokenHistory as broken:
        raise Refused(
            _("“%(source)s”第 %(number)s 步：%(what)s")
            % {
                "source": loading.history.source,
                "number": broken.number,
                "what": broken.what.render(language()),
            },
            _("改正后再装入；一件也没有装入。"),
            status=422,
            code="invalid",
        ) from broken
    mirror(loading.case, loading.standing)


def _named(data: dict[str, Any], numbers: Mapping[str, str]) -> dict[str, Any]:
    """Other cases by their numbers, with their types."""
    named = dict(data)
    if data.get("cases"):
        named["cases"] = [numbers.get(name, name) for name in data["cases"]]
    if data.get("child"):
        given = data["child"] if isinstance(data["child"], list | tuple) else [data["child"]]
        rows = [row if isinstance(row, Mapping) else {"case": row} for row in given]
        named["child"] = [
            {"type": _type_of(number), **row, "case": number}
            for row in rows
            for number in [numbers.get(str(row["case"]), str(row["case"]))]
        ]
    return named


def _type_of(number: str) -> str:
    prefix = number.split("-", 1)[0]
    return next((each.id for each in case_types().values() if each.prefix == prefix), "")


def _by_depth(loading: Mapping[str, _Loading]) -> list[list[_Loading]]:
    """Parents before their children."""
    levels: dict[int, list[_Loading]] = defaultdict(list)
    for each in loading.values():
        depth, parent = 0, loading.get(each.history.parent)
        while parent is not None:
            if parent is each or depth > len(loading):
                raise ValueError(f"{each.history.source} is below itself")
            depth, parent = depth + 1, loading.get(parent.history.parent)
        levels[depth].append(each)
    return [levels[depth] for depth in sorted(levels)]


def _place_below(loading: _Loading, cases: Mapping[str, Case]) -> None:
    name = loading.history.parent
    if not name:
        return
    parent = cases.get(name) or Case.objects.select_related("thread").get(number=name)
    loading.case.parent = parent
    loading.case.thread = parent.thread or parent


def _link_merged(loading: Iterable[_Loading]) -> None:
    """Cases that went into others know these once all are there."""
    gone = {each.case.number: each for each in loading if each.standing and each.standing.merged_into}
    into = {each.standing.merged_into for each in gone.values() if each.standing is not None}
    kept = {case.number: case for case in Case.objects.filter(number__in=into)}
    for each in gone.values():
        assert each.standing is not None
        each.case.merged_into = kept[each.standing.merged_into]
    Case.objects.bulk_update([each.case for each in gone.values()], ("merged_into",), batch_size=500)


def _write(loading: Sequence[_Loading]) -> None:
    rows = [
        (
            each,
            attachments,
            CaseEvent(
                case=each.case,
                number=event.number,
                at=event.at,
                act=event.act,
                part=event.by.part,
                actor_id=event.by.id,
                actor_name=event.by.name,
                data=dict(event.data),
            ),
        )
        for each in loading
        for event, attachments in zip(each.events, (given.files for given, _data in each.given), strict=True)
    ]
    CaseEvent.objects.bulk_create([row for _each, _files, row in rows], batch_size=1000)
    CaseFile.objects.bulk_create(
        [
            CaseFile(
                case=each.case,
                event=row,
                stored=attachment.stored,
                label=attachment.label,
                internal=bool(row.data.get("internal")),
            )
            for each, attachments, row in rows
            for attachment in attachments
        ],
        batch_size=1000,
    )
    PersonalValue.objects.bulk_create(
        [
            PersonalValue(case=each.case, field=name, value=value)
            for each in loading
            if each.standing is not None and not each.standing.erased
            for name, value in each.personal.items()
        ],
        batch_size=1000,
    )


def _tell(loading: Iterable[_Loading], since: datetime) -> None:
    for each in loading:
        event, (given, _data) = each.events[-1], each.given[-1]
        if event.at >= since and each.standing is not None:
            tell_of(each.case, event, given.actor, each.standing)
