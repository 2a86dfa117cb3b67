"""Read a batch's files: the library's work between the stored files and the batch. Decides nothing about the batch.

Whatever is read is matched against the registry, compared with the year before, and limited to the enterprises
that the person who handed it in may speak of.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
from django.conf import settings
from django.utils.translation import gettext as _

from muheng.cities.pack import COMMON_LAYOUTS, load_pack
from muheng.documents.message import Message, Refusal, say
from muheng.intake.change import ADDED, CHANGED, ITEM, KIND, NEW, OLD, REMOVED, compare_facts
from muheng.intake.facts import CODE, NAME, Facts
from muheng.intake.layout import Layout, load_layouts
from muheng.intake.sheet_fix import fixes_from_json
from muheng.intake.withhold import withhold
from muheng.intake.workbooks import Intake, read_workbooks
from muheng.web.intake.models import Batch
from muheng.web.intake.roster import PARKS, TOWNSHIP, registry_roster
from muheng.web.people.models import Organisation
from muheng.web.people.scope import Scope
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry import panels
from muheng.web.registry.models import Enterprise, Panel
from muheng.web.registry.queries import official_scope

EXAMPLES = 20
"""Cells that are kept of each item and kind of change, to be shown."""


@lru_cache(maxsize=1)
def city_layouts() -> tuple[Layout, ...]:
    """The departments' layouts of the site's city, the common ones where it has none of its own."""
    pack, _diagnostics = load_pack(settings.CITY)
    paths = pack.layouts if pack is not None else sorted(COMMON_LAYOUTS.glob("*.toml"))
    layouts, _found = load_layouts(paths)
    return tuple(layouts)


@contextmanager
def laid_out(files: Mapping[str, Path]) -> Iterator[list[Path]]:
    """The stored files under the names that they were handed in by, for as long as they are read."""
    with tempfile.TemporaryDirectory(prefix="muheng-batch-") as folder:
        paths = []
        for name, stored in files.items():
            path = Path(folder) / name
            os.symlink(stored, path)
            paths.append(path)
        yield paths


def read_batch(batch: Batch, progress: Callable[[Message, int, int], None]) -> Intake:
    """Read the files of a batch. Raises Refusal for a decision about a sheet that cannot be."""
    files = {file.name: file.stored.path for file in batch.files.select_related("stored")}
    scope = official_scope(batch.owner, "intake.upload")
    roster = registry_roster()
    if not scope.everything:
        inside = set(scope.filter(Enterprise.objects.all()).values_list("code", flat=True))
        roster = replace(roster, unoffered=frozenset(roster.frame.get_column(CODE)) - inside)
    with laid_out(files) as paths:
        intake = read_workbooks(
            paths,
            city_layouts(),
            batch.year,
            past=panels.current(batch.year - 1),
            roster=roster if roster.frame.height else None,
            fixes=fixes_from_json(batch.fixes),
            progress=progress,
        )
    matched = set(intake.matches.get_column(CODE).drop_nulls())
    return withhold(
        intake,
        find_outside(intake.facts, scope, matched),
        say("这家企业不在您负责的区域内，没有导入。"),
        say("请只报本区域的企业；属地有误的，请先在企业档案里更正。"),
    )


def find_outside(facts: Facts, scope: Scope, matched: Collection[str] = ()) -> set[str]:
    """The enterprises of the facts that are not within a scope; a new one is where its roster says it is.

    ``matched``: further ones that rows speak of, without giving a figure that counts.
    """
    if scope.everything:
        return set()
    codes = {*facts.frame.get_column(CODE), *matched}
    known: set[str] = set()
    inside: set[str] = set()
    listed = sorted(codes)
    for start in range(0, len(listed), 2000):
        part = Enterprise.objects.filter(code__in=listed[start : start + 2000])
        known |= set(part.values_list("code", flat=True))
        inside |= set(scope.filter(part).values_list("code", flat=True))
    new = codes - known
    if new:
        inside |= _new_inside(facts.frame.filter(pl.col(CODE).is_in(list(new))), scope)
    return codes - inside


def _new_inside(rows: pl.DataFrame, scope: Scope) -> set[str]:
    kind = Organisation.Kind
    townships = Organisation.objects.filter(kind=kind.TOWNSHIP)
    within = {
        node.name for node in townships if node.pk in scope.townships or node.parent_id in scope.counties
    }
    parks = [
        node
        for node in Organisation.objects.filter(kind=kind.PARK)
        if node.pk in scope.parks or node.parent_id in scope.counties
    ]
    names = {name for park in parks for name in (park.name, park.short) if name}
    given = [name for name in (TOWNSHIP, PARKS) if name in rows.columns]
    found = set()
    for row in rows.select(CODE, *given).iter_rows(named=True):
        township = (row.get(TOWNSHIP) or "").split("|")[0]
        listed = set((row.get(PARKS) or "").split("|"))
        # Where the township is said it decides; a park may lie in two counties.
        if (township in within) if township else bool(listed & names):
            found.add(row[CODE])
    return found


def describe_change(year: int, facts: Facts) -> tuple[dict[str, Any], str]:
    """What the facts would change in the year as it is now, and the folder of the year's facts compared with.

    Raises Refused where they cannot be laid over it.
    """
    base = current_folder(year)
    before = panels.current(year)
    try:
        after = panels.preview(year, facts)
        change = compare_facts(before, after, examples=EXAMPLES)
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal
    cells: dict[tuple[str, str], list[list[str]]] = {}
    for code, name, item, kind, old, new in change.cells.select(CODE, NAME, ITEM, KIND, OLD, NEW).iter_rows():
        cells.setdefault((item, kind), []).append([code, name or "", old or "", new or ""])
    given = set(facts.items)
    items = [
        {
            "item": row[ITEM],
            "unit": facts.items[row[ITEM]].unit or "",
            "added": row[ADDED],
            "changed": row[CHANGED],
            "same": _given_same(facts, row),
            "removed": row[REMOVED],
            "examples": {
                "added": cells.get((row[ITEM], ADDED), []),
                "changed": cells.get((row[ITEM], CHANGED), []),
            },
        }
        for row in change.counts.iter_rows(named=True)
        if row[ITEM] in given and facts.frame.get_column(row[ITEM]).null_count() < facts.frame.height
    ]
    return {
        "figures": {
            name: sum(item[name] for item in items) for name in ("added", "changed", "same", "removed")
        },
        "items": items,
        "joined": change.joined.height,
        "joined_examples": [[code, name or ""] for code, name in change.joined.head(EXAMPLES).iter_rows()],
        "renamed": [[code, old, new] for code, _name, old, new in change.renamed.head(EXAMPLES).iter_rows()],
    }, base


def _given_same(facts: Facts, row: Mapping[str, Any]) -> int:
    """Figures that the batch gives and that are so already; not those that it does not speak of."""
    given = facts.frame.height - facts.frame.get_column(row[ITEM]).null_count()
    return int(given - row[ADDED] - row[CHANGED])


def current_folder(year: int) -> str:
    """The folder of the year's facts as they now are; empty where there are none."""
    return Panel.objects.filter(pk=year).values_list("folder", flat=True).first() or ""


def require_within(user: Any, right: str, facts: Facts) -> None:
    """Raises Refused where facts speak of enterprises that a person has no such right for."""
    outside = find_outside(facts, official_scope(user, right))
    if outside:
        raise Refused(
            _("这一批里有 %(count)s 家企业不在您负责的区域内。") % {"count": len(outside)},
            _("请由上一级部门办理。"),
            status=403,
            code="forbidden",
        )
