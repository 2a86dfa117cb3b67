"""An enterprise's grade by the table of its trade: what it lacks for the next one, and what that would have saved it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, get_args

from django.conf import settings as site
from django.utils import timezone

from muheng.cities.pack import load_pack
from muheng.documents.message import Refusal
from muheng.emergency.grading import (
    GROUP_NAMES,
    Fact,
    GradeTable,
    Grading,
    Indicator,
    Saving,
    Step,
    explain_grading,
    grade_firm,
    load_grade_tables,
    read_fact,
    save_by_grade,
    say_condition,
    say_grade,
)
from muheng.emergency.inventory.model import Level
from muheng.emergency.norms import read_norms
from muheng.emergency.options import UnusableList
from muheng.emergency.regrading import lose_with_grade
from muheng.emergency.settings import read_settings
from muheng.web.emergency.city_settings import city_settings
from muheng.web.emergency.models import GradeSheet, ListedFirm, Plan
from muheng.web.emergency.seasons import last_season_days
from muheng.web.emergency.stored_plans import StoredPlan, read_plan
from muheng.web.emergency.wording import LEVEL_TITLES, show_wan
from muheng.web.reading import language
from muheng.web.registry.models import Enterprise


@lru_cache(maxsize=1)
def grade_tables() -> Mapping[str, GradeTable]:
    """By trade, of the site's city."""
    pack, _found = load_pack(site.CITY)
    return load_grade_tables(pack.folder if pack is not None else None)[0]


def find_table(trade: str) -> GradeTable | None:
    return grade_tables().get(trade)


def newest_sheet(enterprise: Enterprise, table: GradeTable) -> GradeSheet | None:
    """What was last stated."""
    return (
        GradeSheet.objects.filter(enterprise=enterprise, table=table.id).order_by("-made_at", "-pk").first()
    )


def facts_of(sheet: GradeSheet | None, table: GradeTable) -> dict[str, Fact]:
    """As the table reads them; what the table no longer asks for is left out."""
    found: dict[str, Fact] = {}
    for indicator in table.indicators:
        text = sheet.facts.get(indicator.id, "") if sheet is not None else ""
        try:
            found[indicator.id] = read_fact(indicator, text)
        except Refusal:
            found[indicator.id] = None
    return found


def violations_of(sheet: GradeSheet | None, table: GradeTable) -> list[str]:
    known = {drop.id for drop in table.drops}
    return [
        each for each in (sheet.facts.get("violations", []) if sheet is not None else []) if each in known
    ]


def grading_of(enterprise: Enterprise, table: GradeTable) -> tuple[Grading, GradeSheet | None]:
    """The grade by what was last stated."""
    sheet = newest_sheet(enterprise, table)
    grading = grade_firm(table, facts_of(sheet, table), timezone.localdate(), violations_of(sheet, table))
    return grading, sheet


def steps_above(grading: Grading, listed: str) -> tuple[Step, ...]:
    """The grades that are better than the one on the list, the nearest first; all that are not reached where it has none."""
    grades = grading.table.grades
    if listed not in grades:
        return grading.higher
    better = grades[: grades.index(listed)]
    return tuple(step for step in grading.higher if step.grade in better)


def show_grading(grading: Grading, sheet: GradeSheet | None, listed: str) -> dict[str, Any]:
    """For a page: the grade, and for each better one what is lacking."""
    lang = language()
    return {
        "grade": grading.grade,
        "grade_said": say_grade(grading.grade).render(lang),
        "sheet": sheet,
        "illustrative": grading.table.status == "illustrative",
        "said": [each.render(lang) for each in explain_grading(grading)],
        "steps": [
            {
                "grade": step.grade,
                "said": say_grade(step.grade).render(lang),
                "lacks": [
                    {
                        "name": lack.indicator.said.render(lang),
                        "group": GROUP_NAMES[lack.indicator.group].render(lang),
                        "wanted": say_condition(lack.indicator, lack.condition).render(lang),
                        "found": show_fact(lack.indicator, lack.found),
                        "gap": "" if lack.gap is None else f"{lack.gap:f}",
                        "unknown": lack.unknown,
                    }
                    for lack in step.lacks
                ],
            }
            for step in steps_above(grading, listed)
        ],
    }


def show_fact(indicator: Indicator, fact: Fact) -> str:
    """What is known of an indicator."""
    if fact is None:
        return ""
    if isinstance(fact, bool):
        yes, no = ("yes", "no") if language() == "en" else ("是", "否")
        return yes if fact else no
    if isinstance(fact, Decimal):
        unit = "%" if indicator.type == "share" else f" {indicator.unit}" if indicator.unit != "1" else ""
        return f"{fact:f}{unit}".rstrip()
    return fact


def form_of(
    table: GradeTable, sheet: GradeSheet | None, typed: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The indicators by group, with what was stated, or what was typed just now."""
    lang = language()
    groups: dict[str, list[dict[str, Any]]] = {}
    for indicator in table.indicators:
        given = typed.get(f"fact-{indicator.id}", "") if typed is not None else None
        stated = str(sheet.facts.get(indicator.id, "")) if sheet is not None else ""
        groups.setdefault(GROUP_NAMES[indicator.group].render(lang), []).append(
            {
                "name": f"fact-{indicator.id}",
                "title": indicator.said.render(lang),
                "type": indicator.type,
                "unit": "%" if indicator.type == "share" else "" if indicator.unit == "1" else indicator.unit,
                "choices": indicator.choices,
                "value": stated if given is None else given,
            }
        )
    return [{"title": title, "fields": fields} for title, fields in groups.items()]


# -- what the next grade would save ----------------------------------------------------------------------


@dataclass(frozen=True)
class Worth:
    """What a better grade would have saved in a season of so many days at each level; fen."""

    grade: str
    days: Mapping[Level, int]
    saving: Saving
    recorded: bool
    """Whether the days are those of the alerts of the last year, and not the settings' weights."""


def worth_of(plan: Plan, firm: ListedFirm, grade: str) -> Worth | None:
    """Beside what the plan asks of the enterprise now; at the prices of the plan. None where that cannot be said."""
    stored = read_plan(plan.folder)
    present = present_losses(stored, firm.code)
    better = losses_at(plan, stored, firm.code, grade)
    if better is None:
        return None
    recorded = last_season_days(plan.inventory.organisation, timezone.now())
    weights = city_settings().weights
    days: dict[Level, int] = {
        level: recorded.get(level, 0) if recorded else getattr(weights, level) for level in stored.levels
    }
    return Worth(grade, days, save_by_grade(days, present, better), bool(recorded))


def present_losses(stored: StoredPlan, code: str) -> dict[Level, int]:
    """What an enterprise loses in a day at each level by the plan."""
    rows = stored.of_firm(code)
    return {level: sum(row[f"loss_{level}"] for row in rows) for level in stored.levels}


def losses_at(plan: Plan, stored: StoredPlan, code: str, grade: str) -> dict[Level, int] | None:
    """The same with another grade, at the plan's prices."""
    making = stored.making
    settings, _found = read_settings(making.settings)
    if settings is None:
        return None
    norms = read_norms(making.norms)[0] if settings.execution.norms else None
    prices: dict[Level, tuple[float, float, float, float]] = {
        level: tuple(plan.figures["levels"][level]["prices"]) for level in stored.levels
    }
    try:
        return lose_with_grade(stored.listing.inventory, settings, norms, prices, code, grade)
    except UnusableList:
        return None


def show_worth(worth: Worth) -> dict[str, Any]:
    """For a page."""
    return {
        "grade": worth.grade,
        "total": show_wan(worth.saving.total),
        "any": worth.saving.total > 0,
        "recorded": worth.recorded,
        "levels": [
            (LEVEL_TITLES[level], worth.days[level], show_wan(worth.saving.by_level[level]))
            for level in get_args(Level)
            if worth.days.get(level)
        ],
    }
