"""The registry as the roster that workbooks are matched against, and an accepted roster's way into the registry.

Runs of a hundred thousand rows, so rows are made in bulk and the deed is recorded once, with its counts, by the action
that calls this. What a batch made here can be taken back by it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl
from django.db.models import Q
from django.utils import timezone

from muheng.intake.facts import CODE, NAME, Facts
from muheng.intake.identity import Roster
from muheng.web.people.models import Organisation
from muheng.web.registry.models import AttributeRecord, Enterprise, NameRecord, SearchEntry, StatusRecord
from muheng.web.registry.search import search_text

ATTRIBUTES = {"scale": "规模", "industry": "行业代码", "industry_group": "行业组", "state": "状态"}
"""Columns of an enterprise whose changes are kept as history, and the roster's items that say them."""

DAYS = {"registered_on": "注册日期", "started_on": "投产日期", "agreed_on": "约定投产日期"}
TOWNSHIP, PARKS, TAGS = "乡镇", "园区", "标签"
_CHUNK = 2000


def registry_roster() -> Roster:
    """Every enterprise of the registry with the names that it bore, and what tells rows apart besides."""
    columns = list(ATTRIBUTES)
    rows = list(Enterprise.objects.values_list("code", "name", *columns))
    items = [ATTRIBUTES[column] for column in columns]
    schema = dict.fromkeys((CODE, NAME, *items), pl.String)
    frame = pl.DataFrame(rows, schema, orient="row")
    names = NameRecord.objects.values_list("enterprise__code", "name").iterator(chunk_size=_CHUNK)
    borne = pl.DataFrame(list(names), {CODE: pl.String, NAME: pl.String}, orient="row")
    former = borne.unique().join(frame, on=[CODE, NAME], how="anti")
    known = frame.select(CODE, *(pl.when(pl.col(item) != "").then(pl.col(item)) for item in items))
    return Roster(frame.select(CODE, NAME), former, known)


@dataclass
class RosterChanges:
    """What a roster changed in the registry: codes that it registered, and (code, what, before, after)."""

    created: list[str] = field(default_factory=list)
    changed: list[tuple[str, str, str, str]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        return {"created": self.created, "changed": [list(change) for change in self.changed]}

    @property
    def renamed(self) -> int:
        return sum(what == "name" for _code, what, _before, _after in self.changed)


def prepare_roster(facts: Facts, progress: Callable[[int, int], None]) -> dict[str, str]:
    """What new enterprises of a roster will be found by, by code: the slow part, to be done before the transaction."""
    rows = facts.frame.select(CODE, NAME).rows()
    texts: dict[str, str] = {}
    for start in range(0, len(rows), _CHUNK):
        progress(start, len(rows))
        part = rows[start : start + _CHUNK]
        known = set(
            Enterprise.objects.filter(code__in=[code for code, _n in part]).values_list("code", flat=True)
        )
        texts |= {code: search_text(code, [name or code]) for code, name in part if code not in known}
    return texts


def take_roster(
    facts: Facts, source: str, since: date, *, newest: bool, prepared: Mapping[str, str] | None = None
) -> RosterChanges:
    """Bring an accepted roster into the registry. In the caller's transaction, which also records the deed.

    Enterprises that are not there are registered. Where ``newest`` (no later year's roster was accepted) what the
    roster says otherwise becomes history from ``since`` on; of an older roster only the names are kept, as former ones.
    """
    given = [
        name for name in (*ATTRIBUTES.values(), *DAYS.values(), TOWNSHIP, PARKS, TAGS) if name in facts.items
    ]
    rows = {row[CODE]: row for row in facts.frame.select(CODE, NAME, *given).iter_rows(named=True)}
    changes = RosterChanges()
    places = _Places()
    known: dict[str, Enterprise] = {}
    codes = list(rows)
    for start in range(0, len(codes), _CHUNK):
        for found in Enterprise.objects.select_related("township").filter(
            code__in=codes[start : start + _CHUNK]
        ):
            known[found.code] = found
    new = [row for code, row in rows.items() if code not in known]
    made = _register(new, places, source, prepared or {})
    changes.created = [enterprise.code for enterprise in made]
    # The file of one that was merged is closed.
    old = [
        (known[code], row)
        for code, row in rows.items()
        if code in known and known[code].merged_into_id is None
    ]
    if newest:
        _change(old, places, source, since, changes)
        _set_statuses(
            [(known[row[CODE]], row) for _e, row in old] + list(zip(made, new, strict=True)), source, since
        )
    else:
        _keep_former_names(old, source)
        _set_statuses(list(zip(made, new, strict=True)), source, since)
    return changes


class _Places:
    """Townships and parks by the names that rosters give them; one that two places bear is nobody's."""

    def __init__(self) -> None:
        kind = Organisation.Kind
        self.townships: dict[str, Organisation | None] = {}
        self.parks: dict[str, Organisation | None] = {}
        nodes = Organisation.objects.filter(kind__in=(kind.TOWNSHIP, kind.PARK)).select_related("parent")
        for node in nodes:
            table = self.townships if node.kind == kind.TOWNSHIP else self.parks
            for name in {node.name, node.short} - {""}:
                table[name] = None if name in table else node

    def township(self, row: Mapping[str, Any]) -> Organisation | None:
        return self.townships.get(_first(row.get(TOWNSHIP)))

    def parks_of(self, row: Mapping[str, Any]) -> list[Organisation]:
        found = (self.parks.get(name) for name in (row.get(PARKS) or "").split("|"))
        return [park for park in found if park is not None]

    def county(self, row: Mapping[str, Any]) -> Organisation | None:
        """Of the township, or of the only park."""
        township = self.township(row)
        if township is not None:
            return township.parent
        parents = {park.parent_id: park.parent for park in self.parks_of(row)}
        parent = next(iter(parents.values())) if len(parents) == 1 else None
        return parent if parent is not None and parent.kind == Organisation.Kind.COUNTY else None


def _first(text: str | None) -> str:
    return (text or "").split("|")[0]


def _register(
    rows: Sequence[Mapping[str, Any]], places: _Places, source: str, prepared: Mapping[str, str]
) -> list[Enterprise]:
    made = [
        Enterprise(
            code=row[CODE],
            name=row[NAME] or row[CODE],
            township=places.township(row),
            county=places.county(row),
            **{column: _fit(column, row.get(item)) for column, item in ATTRIBUTES.items()},
            **{column: row.get(item) for column, item in DAYS.items()},
        )
        for row in rows
    ]
    Enterprise.objects.bulk_create(made, batch_size=_CHUNK)
    NameRecord.objects.bulk_create(
        [
            NameRecord(enterprise=each, name=each.name, since=each.registered_on, source=source)
            for each in made
        ],
        batch_size=_CHUNK,
    )
    SearchEntry.objects.bulk_create(
        [
            SearchEntry(enterprise=each, text=prepared.get(each.code) or search_text(each.code, [each.name]))
            for each in made
        ],
        batch_size=_CHUNK,
    )
    joins = Enterprise.parks.through
    joins.objects.bulk_create(
        [
            joins(enterprise_id=each.pk, organisation_id=park.pk)
            for each, row in zip(made, rows, strict=True)
            for park in places.parks_of(row)
        ],
        batch_size=_CHUNK,
    )
    return made


_LENGTHS = {"scale": 20, "industry": 8, "industry_group": 60, "state": 20}


def _fit(column: str, text: str | None) -> str:
    return (text or "")[: _LENGTHS[column]]


def _change(
    pairs: Sequence[tuple[Enterprise, Mapping[str, Any]]],
    places: _Places,
    source: str,
    since: date,
    changes: RosterChanges,
) -> None:
    held = _parks_held([enterprise.pk for enterprise, row in pairs if row.get(PARKS)])
    changed: list[Enterprise] = []
    parks: list[tuple[Enterprise, list[Organisation]]] = []
    turns: list[tuple[Enterprise, str, str, str]] = []
    for enterprise, row in pairs:
        before = len(turns)
        name = row[NAME]
        if name and name != enterprise.name:
            turns.append((enterprise, "name", enterprise.name, name))
            enterprise.name = name
        for column, item in ATTRIBUTES.items():
            value = _fit(column, row.get(item))
            if value and value != getattr(enterprise, column):
                turns.append((enterprise, column, getattr(enterprise, column), value))
                setattr(enterprise, column, value)
        township = places.township(row)
        if township is not None and township.pk != enterprise.township_id:
            was = enterprise.township.name if enterprise.township else ""
            turns.append((enterprise, "township", was, township.name))
            enterprise.township, enterprise.county = township, township.parent
        now = places.parks_of(row)
        if now and {park.pk for park in now} != set(held.get(enterprise.pk, {})):
            was = "、".join(held.get(enterprise.pk, {}).values())
            turns.append((enterprise, "parks", was, "、".join(park.name for park in now)))
            parks.append((enterprise, now))
        days = {column: row.get(item) for column, item in DAYS.items() if row.get(item) is not None}
        filled = [column for column, day in days.items() if getattr(enterprise, column) is None]
        for column in filled:
            setattr(enterprise, column, days[column])
        if len(turns) > before or filled:
            changed.append(enterprise)
    now_at = timezone.now()
    for enterprise in changed:
        enterprise.changed_at = now_at
    Enterprise.objects.bulk_update(
        changed, ["name", *ATTRIBUTES, "township", "county", *DAYS, "changed_at"], batch_size=500
    )
    for enterprise, now in parks:
        enterprise.parks.set(now)
    _turn_names([turn for turn in turns if turn[1] == "name"], source, since)
    _turn_attributes([turn for turn in turns if turn[1] != "name"], source, since)
    changes.changed += [(enterprise.code, what, was, now) for enterprise, what, was, now in turns]


def _parks_held(numbers: list[int]) -> dict[int, dict[int, str]]:
    held: dict[int, dict[int, str]] = {}
    for start in range(0, len(numbers), _CHUNK):
        joined = Enterprise.parks.through.objects.filter(enterprise_id__in=numbers[start : start + _CHUNK])
        for enterprise, park, name in joined.order_by("organisation_id").values_list(
            "enterprise_id", "organisation_id", "organisation__name"
        ):
            held.setdefault(enterprise, {})[park] = name
    return held


def _turn_names(turns: list[tuple[Enterprise, str, str, str]], source: str, since: date) -> None:
    """The name before ends on the day that the new one begins."""
    for enterprise, _what, was, now in turns:
        rows = NameRecord.objects.filter(enterprise=enterprise)
        if not rows.exists():
            NameRecord.objects.create(enterprise=enterprise, name=was, until=since)
        rows.filter(until=None).update(until=since)
        NameRecord.objects.create(enterprise=enterprise, name=now, since=since, source=source)
        refresh_search(enterprise)


def refresh_search(enterprise: Enterprise) -> None:
    names = NameRecord.objects.filter(enterprise=enterprise).values_list("name", flat=True)
    SearchEntry.objects.update_or_create(
        enterprise=enterprise, defaults={"text": search_text(enterprise.code, [enterprise.name, *names])}
    )


def _turn_attributes(turns: list[tuple[Enterprise, str, str, str]], source: str, since: date) -> None:
    numbers = {enterprise.pk for enterprise, *_rest in turns}
    running: dict[tuple[int, str], AttributeRecord] = {}
    for start in range(0, len(numbers), _CHUNK):
        part = sorted(numbers)[start : start + _CHUNK]
        for row in AttributeRecord.objects.filter(enterprise_id__in=part, until=None).order_by("since", "pk"):
            running[row.enterprise_id, row.attribute] = row
    ended: list[AttributeRecord] = []
    new: list[AttributeRecord] = []
    for enterprise, attribute, was, now in turns:
        before = running.get((enterprise.pk, attribute))
        if before is not None:
            before.until = since
            ended.append(before)
        elif was:
            new.append(AttributeRecord(enterprise=enterprise, attribute=attribute, value=was, until=since))
        new.append(
            AttributeRecord(enterprise=enterprise, attribute=attribute, value=now, since=since, source=source)
        )
    AttributeRecord.objects.bulk_update(ended, ["until"], batch_size=_CHUNK)
    AttributeRecord.objects.bulk_create(new, batch_size=_CHUNK)


def _keep_former_names(pairs: Iterable[tuple[Enterprise, Mapping[str, Any]]], source: str) -> None:
    for enterprise, row in pairs:
        name = row[NAME]
        if name and name != enterprise.name:
            rows = NameRecord.objects.filter(enterprise=enterprise)
            if not rows.filter(name=name).exists():
                first = rows.filter(since__isnull=False).order_by("since").first()
                until = first.since if first is not None else timezone.localdate()
                NameRecord.objects.create(enterprise=enterprise, name=name, until=until, source=source)
                refresh_search(enterprise)


def _set_statuses(pairs: Sequence[tuple[Enterprise, Mapping[str, Any]]], source: str, since: date) -> None:
    """Statuses that the roster's tags name begin; those that only rosters ever named, and this one does not, end."""
    tagged = {enterprise.pk: _tags(row.get(TAGS)) for enterprise, row in pairs}
    if not any(tagged.values()):
        return
    numbers = sorted(tagged)
    held: dict[int, list[StatusRecord]] = {}
    for start in range(0, len(numbers), _CHUNK):
        rows = StatusRecord.objects.filter(enterprise_id__in=numbers[start : start + _CHUNK])
        for row in rows.filter(Q(until=None) | Q(until__gt=since)):
            held.setdefault(row.enterprise_id, []).append(row)
    ended: list[StatusRecord] = []
    new: list[StatusRecord] = []
    for number, tags in tagged.items():
        have = {(row.status, row.level) for row in held.get(number, ())}
        new += [
            StatusRecord(enterprise_id=number, status=status, level=level, since=since, source=source)
            for status, level in tags
            if (status, level) not in have
        ]
        for row in held.get(number, ()):
            if (row.status, row.level) not in tags and row.source.startswith(SOURCE):
                row.until = since
                ended.append(row)
    StatusRecord.objects.bulk_update(ended, ["until"], batch_size=_CHUNK)
    StatusRecord.objects.bulk_create(new, batch_size=_CHUNK)


SOURCE = "名单批次"


def source_of(batch: int, title: str) -> str:
    """How rows that a batch made say where they come from."""
    return f"{SOURCE}{batch}：{title}"[:200]


def _tags(text: str | None) -> list[tuple[str, str]]:
    found = []
    for tag in (text or "").split("|"):
        status, _, level = tag.partition(":")
        if status.strip():
            found.append((status.strip()[:60], level.strip()[:30]))
    return found


def take_back(changes: Mapping[str, Any], source: str, keep: Collection[str]) -> None:
    """Undo what ``take_roster`` did under ``source``, as far as nobody went on from it.

    Later changes and all other data stay; so do enterprises in ``keep``, of which other facts are known.
    """
    codes = list(dict.fromkeys(code for code, *_rest in changes.get("changed", ())))
    by_code: dict[str, Enterprise] = {}
    for start in range(0, len(codes), _CHUNK):
        for found in Enterprise.objects.filter(code__in=codes[start : start + _CHUNK]):
            by_code[found.code] = found
    for code, what, was, now in reversed(changes.get("changed", ())):
        enterprise = by_code.get(code)
        if enterprise is not None:
            _take_back_one(enterprise, what, was, now, source)
    StatusRecord.objects.filter(source=source).delete()
    for row in NameRecord.objects.filter(source=source, until__isnull=False, since=None):
        enterprise = row.enterprise
        row.delete()
        refresh_search(enterprise)
    created = [code for code in changes.get("created", ()) if code not in keep]
    for start in range(0, len(created), _CHUNK):
        Enterprise.objects.filter(code__in=created[start : start + _CHUNK]).exclude(_in_use(source)).delete()


def _take_back_one(enterprise: Enterprise, what: str, was: str, now: str, source: str) -> None:
    records: Any = NameRecord if what == "name" else AttributeRecord
    rows = records.objects.filter(enterprise=enterprise)
    if what != "name":
        rows = rows.filter(attribute=what)
    own = rows.filter(source=source, until=None).first()
    if own is None:
        return  # Somebody has changed it since.
    before = rows.filter(until=own.since).exclude(pk=own.pk).order_by("-pk").first()
    if before is not None:
        rows.filter(pk=before.pk).update(until=None)
    own.delete()
    if what == "township":
        place = Organisation.objects.filter(kind=Organisation.Kind.TOWNSHIP, name=was).select_related(
            "parent"
        )
        enterprise.township = place.first()
        if enterprise.township is not None:
            enterprise.county = enterprise.township.parent
    elif what == "parks":
        names = [name for name in was.split("、") if name]
        enterprise.parks.set(Organisation.objects.filter(kind=Organisation.Kind.PARK, name__in=names))
    else:
        setattr(enterprise, what, was)
    enterprise.save()
    if what == "name":
        refresh_search(enterprise)


def _in_use(source: str) -> Q:
    """Whether anything but the roster of this source speaks of an enterprise."""
    used = Q()
    for history in (NameRecord, AttributeRecord, StatusRecord):
        used |= Q(pk__in=history.objects.exclude(source=source).values("enterprise"))
    for relation in Enterprise._meta.related_objects:
        model, field = relation.related_model, relation.field.name
        if model not in (SearchEntry, NameRecord, AttributeRecord, StatusRecord):
            used |= Q(pk__in=model._default_manager.filter(**{f"{field}__isnull": False}).values(field))
    return used
