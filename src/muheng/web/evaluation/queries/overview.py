"""What a run came to, for the rows that a person sees: counts, histograms, levels, moves, cuts.

Counting is the library's (``muheng.reports``); here it is cut to a person's sight and kept while it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import polars as pl

from muheng.documents.message import Language
from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.policy.cuts import GROUP, Cut, Neighbour, find_cuts, group_labels
from muheng.policy.run import Result
from muheng.reports.figures import (
    Breakdown,
    Figures,
    compare_years,
    count_grades,
    count_regraded,
    judge_scores,
    list_ungraded,
    median_levels,
    spread_scores,
    sum_adjustments,
)
from muheng.reports.findings import tell_findings
from muheng.reports.listing import DIVISION, LAST_GRADE, PARK, SECTION, TOWNSHIP, knows
from muheng.reports.story import Story
from muheng.standards.rounding import divide_half_up
from muheng.web.evaluation.queries.results import ROW, SeenRun, Sight, rows_of
from muheng.web.evaluation.queries.table import COUNTY, NONE, Field, county_titles
from muheng.web.evaluation.runs import COUNTY_ID, make_plan, read_result

BESIDE = 3
"""How many on each side of a cut are shown."""


def figures_of(seen: SeenRun) -> Figures:
    """Every figure of the reports, of the rows in sight."""
    return _figures(seen.sight, seen.run.policy_text)


def part_of(seen: SeenRun) -> Result:
    """The result cut to the rows in sight, for counting; its program and kernel are still everybody's."""
    return _part(seen.sight, seen.run.policy_text)


@lru_cache(maxsize=4)
def _part(sight: Sight, text: str) -> Result:
    result = read_result(sight.folder)
    if sight.everything:
        return result
    rows = rows_of(sight, make_plan(text).grades)[ROW]
    encoded = replace(result.encoded, frame=result.encoded.frame[rows])
    return replace(result, values=result.values[rows], encoded=encoded)


@lru_cache(maxsize=8)
def _figures(sight: Sight, text: str) -> Figures:
    plan = make_plan(text)
    rows, part = rows_of(sight, plan.grades), _part(sight, text)
    limited, adjusted = sum_adjustments(part)
    digits = plan.numeric(p.TOTAL).digits

    def known(by: str) -> Breakdown | None:
        return count_grades(rows, by, plan.grades) if knows(rows, by) else None

    spread = (spread_scores(rows, name, plan.grades, digits) for name in plan.classes)
    return Figures(
        listing=rows,
        grades=plan.grades,
        by_class=count_grades(rows, p.CLASS, plan.grades),
        by_section=known(SECTION),
        by_division=known(DIVISION),
        by_township=known(TOWNSHIP),
        by_park=known(PARK),
        moves=compare_years(rows, plan.grades) if knows(rows, LAST_GRADE) else None,
        histograms=tuple(found for found in spread if found is not None),
        levels=median_levels(part, rows),
        # The cuts lie between enterprises of the whole city.
        cuts=find_cuts(part) if sight.everything else (),
        ungraded=list_ungraded(rows),
        limited=limited,
        adjusted=adjusted,
        regraded=count_regraded(part),
        judged=judge_scores(part),
        problems=(),
    )


def findings_of(seen: SeenRun, lang: Language) -> list[str]:
    """What stands out, in sentences."""
    return tell_findings(Story(part_of(seen), (), figures_of(seen), lang, {}))


# -- groups --------------------------------------------------------------------------------------------------------

GROUPINGS = {"section": SECTION, "division": DIVISION, "county": COUNTY, "township": TOWNSHIP, "park": PARK}


@dataclass(frozen=True)
class Group:
    """One industry, place or park: how many have each grade (the last: none), and the medians of some figures."""

    label: str | None
    value: str
    counts: tuple[int, ...]
    medians: tuple[int | None, ...]

    @property
    def size(self) -> int:
        return sum(self.counts)


def group_rows(seen: SeenRun, by: str, fields: Sequence[Field]) -> list[Group]:
    """The groups by size, who says nothing last. An enterprise in two parks stands in both."""
    rows = seen.rows
    name = COUNTY_ID if by == "county" else GROUPINGS[by]
    if by == "park":
        rows = rows.with_columns(pl.col(PARK).str.split("、")).explode(PARK)
    found = count_grades(rows, name, seen.plan.grades)
    middles = rows.group_by(name).agg(
        *(
            pl.coalesce(field.parts).quantile(0.5, end).alias(f"{number}:{end}")
            for number, field in enumerate(fields)
            for end in ("lower", "higher")
        )
    )
    medians = {
        row[0]: tuple(_middle(row[at], row[at + 1]) for at in range(1, len(row), 2))
        for row in middles.iter_rows()
    }
    titles = county_titles(filter(None, found.labels)) if by == "county" else {}  # type: ignore[arg-type]
    return [
        Group(
            titles.get(label, label),  # type: ignore[call-overload]
            NONE if label is None else str(label),
            counts,
            medians[label],
        )
        for label, counts in zip(found.labels, found.counts, strict=True)
    ]


def _middle(low: float | None, high: float | None) -> int | None:
    return None if low is None or high is None else divide_half_up(int(low) + int(high), 2)


# -- cuts ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """One enterprise beside a cut. ``code`` is empty where it is outside of the person's sight."""

    code: str
    name: str
    place: int
    total: int | None
    grade: str | None
    inside: bool
    edge: bool


@dataclass(frozen=True)
class Border:
    """A cut and who stands beside it, the better first."""

    cut: Cut
    sides: tuple[Side, ...]


def find_borders(seen: SeenRun, lang: Language) -> list[Border]:
    """Every cut of the run; those of other places are there without names."""
    return _borders(seen.sight, seen.run.policy_text, lang)


@lru_cache(maxsize=8)
def _borders(sight: Sight, text: str, lang: Language) -> list[Border]:
    plan, result = make_plan(text), read_result(sight.folder)
    whole = rows_of(Sight(sight.folder, everything=True), plan.grades).select(
        CODE, NAME, p.CLASS, p.PLACE, p.TOTAL, p.GRADE
    )
    ranked = whole.with_columns(group_labels(result, lang)).filter(pl.col(p.PLACE).is_not_null())
    parts: dict[tuple[str | None, str | None], pl.DataFrame] = {
        (key[0], key[1]): part.sort(p.PLACE)
        for key, part in ranked.partition_by(p.CLASS, GROUP, as_dict=True, include_key=True).items()
    }
    seen_codes = None if sight.everything else frozenset(rows_of(sight, plan.grades)[CODE])
    found = []
    for cut in find_cuts(result):
        near = _near(cut, parts, ranked)
        sides = tuple(
            Side("", "", side.place, side.total, None, side.inside, side.edge)
            if seen_codes is not None and side.code not in seen_codes
            else side
            for side in near
        )
        found.append(Border(cut, sides))
    return found


def _near(
    cut: Cut, parts: dict[tuple[str | None, str | None], pl.DataFrame], ranked: pl.DataFrame
) -> list[Side]:
    edges = {cut.last_in.code: True, cut.first_out.code: False}
    if not cut.step:
        for part in (part for (name, _group), part in parts.items() if name in cut.classes):
            codes = part[CODE]
            row = codes.index_of(cut.last_in.code)
            other = codes.index_of(cut.first_out.code)
            if row is None or other is None:
                continue
            start = max(0, row - BESIDE + 1)
            rows = part[start : other + BESIDE]
            return [
                Side(code, name, place, total, grade, at + start <= row, code in edges)
                for at, (code, name, place, total, grade) in enumerate(
                    rows.select(CODE, NAME, p.PLACE, p.TOTAL, p.GRADE).iter_rows()
                )
            ]
    return [_edge(cut.last_in, True, ranked), _edge(cut.first_out, False, ranked)]


def _edge(side: Neighbour, inside: bool, ranked: pl.DataFrame) -> Side:
    grade = ranked.filter(pl.col(CODE) == side.code)[p.GRADE]
    return Side(side.code, side.name, side.place, side.total, grade[0] if len(grade) else None, inside, True)
