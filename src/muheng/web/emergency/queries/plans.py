"""What a person may see of plans: figures of the whole for who sees the whole list, lines of their own places for others."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import polars as pl
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from muheng.emergency.explanation import LABELS, Answer, Reason
from muheng.emergency.inventory.model import Level
from muheng.emergency.plan.problem import LEVELS, POLLUTANTS
from muheng.standards.industry import UnknownIndustry, industry_name
from muheng.web.charts import Chart, Series
from muheng.web.emergency.models import Plan
from muheng.web.emergency.queries.lists import (
    POLLUTANT_TITLES,
    find_firm,
    firms_of,
    lists_for,
    sees_all,
    show_kilograms,
)
from muheng.web.emergency.stored_plans import Measured, StoredPlan, measured, read_plan
from muheng.web.emergency.wording import (
    LEVEL_TITLES,
    show_change,
    show_percent,
    show_short_wan,
    show_small,
    show_wan,
    show_yuan,
)
from muheng.web.jobs.models import Job
from muheng.web.reading import language

FAIRNESS = "emergency.price_fairness"
WORKED = (Plan.State.PROPOSED, Plan.State.ADOPTED, Plan.State.REPLACED, Plan.State.WITHDRAWN)


def plans_for(user: Any) -> QuerySet[Plan]:
    """The plans of the lists that a person may see; of those whose whole they may not see, only what was adopted."""
    rows = Plan.objects.filter(inventory__in=lists_for(user)).select_related(
        "inventory__organisation", "made_by", "adopted_by", "withdrawn_by", "job"
    )
    whole = [row.pk for row in lists_for(user) if sees_all(user, row)]
    return rows.filter(inventory__in=whole) | rows.filter(state__in=(Plan.State.ADOPTED, Plan.State.REPLACED))


def find_plan(user: Any, number: int) -> Plan:
    """One plan. Raises Http404."""
    found = plans_for(user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def whole_plan(user: Any, number: int) -> Plan:
    """One whose figures a person may see. Raises Http404."""
    found = find_plan(user, number)
    if not sees_all(user, found.inventory):
        raise Http404
    return found


def stored_of(plan: Plan) -> StoredPlan:
    """What was kept of it. Raises Http404 where there is nothing yet."""
    if not plan.folder:
        raise Http404
    return read_plan(plan.folder)


def lines_for(user: Any, plan: Plan) -> pl.DataFrame:
    """The lines that a person may see."""
    table = stored_of(plan).lines
    if sees_all(user, plan.inventory):
        return table
    codes = list(firms_of(user, plan.inventory).values_list("code", flat=True))
    return table.filter(pl.col("firm").is_in(codes))


@dataclass(frozen=True)
class LineQuestion:
    """What is asked of a plan's lines."""

    q: str = ""
    county: str = ""
    trade: str = ""
    grade: str = ""
    level: str = ""
    measure: str = ""
    reason: str = ""
    acting: bool = False
    changed: bool = False
    sort: str = ""


LINE_SORTS = ("firm_name", "name", "county", "grade", *(f"loss_{level}" for level in LEVELS))


def ask_lines(table: pl.DataFrame, asked: LineQuestion, levels: tuple[Level, ...]) -> pl.DataFrame:
    """The rows that answer; who loses most at the worst level first where nothing is asked."""
    if asked.q:
        places = [
            pl.col(name).str.contains(asked.q, literal=True) for name in ("firm_name", "name", "line", "firm")
        ]
        table = table.filter(pl.any_horizontal(places))
    for name in ("county", "trade", "grade"):
        if wanted := getattr(asked, name):
            table = table.filter(pl.col(name) == wanted)
    looked = [level for level in levels if asked.level in ("", level)]
    if asked.measure:
        table = table.filter(
            pl.any_horizontal(pl.col(f"measure_{level}") == asked.measure for level in looked)
        )
    if asked.reason:
        table = table.filter(pl.any_horizontal(pl.col(f"reason_{level}") == asked.reason for level in looked))
    if asked.acting:
        table = table.filter(pl.any_horizontal(is_acting(level) for level in looked))
    if asked.changed:
        table = table.filter(
            pl.any_horizontal(
                (pl.col(f"filed_{level}") != "") & (pl.col(f"filed_{level}") != pl.col(f"measure_{level}"))
                for level in looked
            )
        )
    key = asked.sort.lstrip("-")
    if key in LINE_SORTS and key in table.columns:
        return table.sort([key, "line"], descending=[asked.sort.startswith("-"), False])
    worst = f"loss_{levels[-1]}"
    return table.sort([worst, "line"], descending=[True, False])


def is_acting(level: str) -> pl.Expr:
    """Whether a line has something to do."""
    cuts = pl.sum_horizontal(f"{p}_{level}" for p in POLLUTANTS)
    return (pl.col(f"part_{level}") > 0) | (cuts > 0) | (pl.col(f"kind_{level}") != "")


def show_line(row: dict[str, Any], levels: tuple[Level, ...]) -> dict[str, Any]:
    """A row as the list of lines shows it."""
    return {
        **{
            name: row[name]
            for name in (
                "line",
                "name",
                "firm",
                "firm_name",
                "county",
                "trade",
                "grade",
                "guarantee",
                "lines",
            )
        },
        "cells": [show_measure(row, level) for level in levels],
    }


def show_measure(row: dict[str, Any], level: Level) -> dict[str, Any]:
    """What a line does at a level, for a page."""
    found = measured(row, level)
    filed = row[f"filed_{level}"]
    return {
        "level": level,
        "title": LEVEL_TITLES[level],
        "name": found.name,
        "idle": found.idle,
        "loss": show_wan(found.loss) if found.loss else "",
        "cut": [show_kilograms(each) for each in found.cut],
        "reason": LABELS[row[f"reason_{level}"]].render(language()),
        "changed": bool(filed) and filed != found.name,
        "filed": filed,
    }


def answers_for(user: Any, plan: Plan, line: str) -> tuple[dict[str, Any], list[Answer]]:
    """Why a line does what it does, at each level. Raises Http404 for a line that the person may not see."""
    stored = stored_of(plan)
    place = stored.places.get(line)
    if place is None:
        raise Http404
    row = stored.lines.row(place, named=True)
    find_firm(user, plan.inventory, row["firm"])
    return row, answers_of(stored, line)


def answers_of(stored: StoredPlan, line: str) -> list[Answer]:
    """At each level; none where the problem cannot be built again as it was."""
    explanation = stored.explanation
    if explanation is None:
        return []
    at = explanation.find(line)
    return [explanation.answer(at, v) for v in range(len(stored.levels))]


def show_answer(answer: Answer, public: bool = False) -> dict[str, Any]:
    """An answer for a page. ``public``: for the enterprise itself, to whom nothing is hidden of its own lines."""
    lang = language()
    return {
        "level": answer.level,
        "title": LEVEL_TITLES[answer.level],
        "measure": answer.option,
        "reason": LABELS[answer.reason].render(lang),
        "why": answer.why.render(lang),
        "change": answer.change.render(lang) if answer.change is not None else "",
        "loss": show_yuan(answer.loss),
        "worth": show_yuan(answer.worth),
        "stray": show_yuan(answer.stray) if answer.stray else "",
        "weighed": [
            {
                "name": each.name,
                "loss": show_yuan(each.loss),
                "worth": show_yuan(each.worth),
                "net": show_yuan(each.net),
                "chosen": each.chosen,
                "permitted": each.permitted,
                "why_not": each.left_out.render(lang) if each.left_out is not None else "",
            }
            for each in answer.weighed
        ],
    }


# -- figures of the whole ------------------------------------------------------------------------------


def show_levels(plan: Plan) -> list[dict[str, Any]]:
    """The headline: at each level what is lost, what 一刀切 would lose, how far the proof leaves it open."""
    found = []
    for level, figures in plan.figures.get("levels", {}).items():
        beside, filed = figures["uniform"], figures.get("filed")
        saved = beside["loss"] - figures["loss"] if beside else None
        open_ = max(figures["loss"] - figures["bound"], 0)
        found.append(
            {
                "level": level,
                "title": LEVEL_TITLES[level],
                "loss": show_short_wan(figures["loss"]),
                "uniform": show_short_wan(beside["loss"]) if beside else "",
                "saved": show_short_wan(saved) if saved is not None and saved > 0 else "",
                "part": show_percent(Fraction(beside["part"]), 1) if beside else "",
                "times": f"{beside['loss'] / figures['loss']:.1f}" if beside and figures["loss"] else "",
                "filed": show_short_wan(filed["loss"]) if filed else "",
                "filed_reaches": bool(filed and filed["reaches"]),
                "open": show_small(open_),
                "gap": show_percent(Fraction(figures["gap"]).limit_denominator(10**9), 3),
                "proved": open_ == 0,
                "feasible": figures["feasible"],
                "acting": figures["acting"],
                "firms": figures["borne"]["firms"],
                "changes": figures["changes"],
            }
        )
    return found


def loss_chart(plan: Plan) -> Chart:
    """The loss of a day beside that of cutting everybody alike."""
    levels = plan.figures["levels"]
    rows: list[tuple[str, str, list[int | None]]] = [
        (_("本方案"), "accent", [each["loss"] for each in levels.values()]),
        (
            _("现行备案措施"),
            "A",
            [each["filed"]["loss"] if each.get("filed") else None for each in levels.values()],
        ),
        (
            _("分级一刀切"),
            "soft",
            [each["graded"]["loss"] if each["graded"] else None for each in levels.values()],
        ),
        (
            _("一刀切"),
            "warn",
            [each["uniform"]["loss"] if each["uniform"] else None for each in levels.values()],
        ),
        (
            _("一刀切（只用可选措施）"),
            "wrong",
            [
                each["uniform_offered"]["loss"] if each["uniform_offered"] else None
                for each in levels.values()
            ],
        ),
    ]
    rows = [row for row in rows if any(value is not None for value in row[2])]
    return Chart(
        "losses",
        _("达到同样减排量，一天的损失"),
        _("预警级别"),
        [str(LEVEL_TITLES[level]) for level in levels],
        [Series(name, [_wan(value) for value in values], tone) for name, tone, values in rows],
        unit=_("万元"),
    )


def _wan(fen: int | None) -> float | None:
    return None if fen is None else round(fen / 1_000_000, 2)


def reduction_charts(plan: Plan) -> list[Chart]:
    """By level: what is cut of each pollutant beside what has to be, per cent of the base."""
    found = []
    for level, figures in plan.figures["levels"].items():
        base, others = figures["base"], figures["others"]
        reached = [_part(figures["reductions"][p] + others[p], base[p]) for p in range(4)]
        required = [float(Fraction(each) * 100) for each in figures["ratio"]]
        found.append(
            Chart(
                f"reductions-{level}",
                str(LEVEL_TITLES[level]),
                _("污染物"),
                list(POLLUTANT_TITLES),
                [Series(_("减排比例"), reached, "accent"), Series(_("应达"), required, "soft")],
                unit="%",
            )
        )
    return found


def _part(cut: int, base: int) -> float | None:
    return round(cut * 100 / base, 2) if base else None


def show_reductions(plan: Plan) -> list[dict[str, Any]]:
    """The figures of the lines beside their need, kg a day."""
    return [
        {
            "level": level,
            "title": LEVEL_TITLES[level],
            "cells": [
                {
                    "cut": show_kilograms(figures["reductions"][p]),
                    "need": show_kilograms(figures["need"][p]),
                    "short": show_kilograms(figures["shortfall"][p]) if figures["shortfall"][p] else "",
                    "share": show_percent(
                        Fraction(figures["reductions"][p] + figures["others"][p], figures["base"][p])
                        if figures["base"][p]
                        else None
                    ),
                    "price": f"{figures['prices'][p]:,.2f}" if figures["prices"][p] > 0 else "",
                }
                for p in range(4)
            ],
        }
        for level, figures in plan.figures["levels"].items()
    ]


def show_pool(plan: Plan) -> list[dict[str, Any]]:
    """Where SO2 and NOx are made up for each other: the sum of both ratios beside the sum that is required."""
    if not plan.figures.get("pooled"):
        return []
    found = []
    for level, figures in plan.figures["levels"].items():
        reached = sum(
            (
                Fraction(figures["reductions"][p] + figures["others"][p], figures["base"][p])
                for p in (0, 1)
                if figures["base"][p]
            ),
            Fraction(0),
        )
        required = Fraction(figures["ratio"][0]) + Fraction(figures["ratio"][1])
        found.append(
            {
                "level": level,
                "title": LEVEL_TITLES[level],
                "reached": show_percent(reached),
                "required": show_percent(required),
            }
        )
    return found


AXES = ("county", "industry", "grade", "size")


def show_borne(plan: Plan, level: str) -> dict[str, Any]:
    """Who bears the loss of a level."""
    titles = {"county": _("县区"), "industry": _("行业"), "grade": _("绩效等级"), "size": _("规模")}
    borne = plan.figures["levels"][level]["borne"]
    total = plan.figures["levels"][level]["loss"]
    return {
        "level": level,
        "title": LEVEL_TITLES[level],
        "top_lines": show_percent(Fraction(borne["top_lines"]), 1),
        "top_firms": show_percent(Fraction(borne["top_firms"]), 1),
        "hard_hit": borne["hard_hit"],
        "firms": borne["firms"],
        "groups": [
            {
                "title": titles[axis],
                "rows": [
                    {
                        **each,
                        "loss": show_wan(each["loss"]),
                        "share": show_percent(Fraction(each["loss"], total) if total else None, 1),
                        "name": _name_group(axis, each["name"]),
                        "part": show_percent(
                            Fraction(each["loss"], each["output"]) if each["output"] else None, 2
                        ),
                    }
                    for each in sorted(borne["groups"][axis], key=lambda each: -each["loss"])[:20]
                ],
            }
            for axis in AXES
        ],
    }


def _name_group(axis: str, name: str) -> str:
    """Enterprises of no graded trade are told by their industry's code: its name reads better."""
    code, _bracket, rest = name.partition("（")
    if axis != "industry" or not code.isdigit():
        return name
    try:
        return f"{industry_name(code)} {code}{_bracket}{rest}"
    except UnknownIndustry:
        return name


def borne_chart(plan: Plan, level: str) -> Chart:
    """By county: what part of its output each loses in a day."""
    rows = plan.figures["levels"][level]["borne"]["groups"]["county"]
    return Chart(
        "borne",
        _("各县区一天损失"),
        _("县区"),
        [each["name"] for each in rows],
        [Series(_("损失"), [_wan(each["loss"]) for each in rows], "accent")],
        kind="bars",
        unit=_("万元"),
    )


def curve_chart(plan: Plan, level: str) -> Chart:
    """Enterprises who lose least first, and what share of the loss they bear."""
    curve = plan.figures["levels"][level]["borne"]["curve"]
    picked = curve[:: max(1, len(curve) // 20)]
    if picked[-1] != curve[-1]:
        picked.append(curve[-1])
    return Chart(
        "curve",
        _("损失的集中程度"),
        _("企业（由少到多）"),
        [f"{round(x * 100)}%" for x, _y in picked],
        [Series(_("累计承担的损失"), [round(y * 100, 1) for _x, y in picked], "accent")],
        kind="line",
        unit="%",
    )


def choices_of_lines(table: pl.DataFrame, levels: tuple[Level, ...]) -> dict[str, list[str]]:
    """What filters offer."""
    names: set[str] = set()
    for level in levels:
        names |= set(table.get_column(f"measure_{level}").unique())
    return {
        "measure": sorted(names),
        **{
            name: sorted(set(table.get_column(name).unique()) - {""}) for name in ("county", "trade", "grade")
        },
    }


@dataclass(frozen=True)
class Difference:
    """Two plans of one list beside each other."""

    settings: list[tuple[str, str]]
    """Lines of the texts that only the one, or only the other has."""
    levels: list[dict[str, Any]]
    lines: pl.DataFrame


def compare_plans(one: Plan, other: Plan) -> Difference:
    """Settings, figures, and the lines that do otherwise."""
    mine, theirs = stored_of(one), stored_of(other)
    levels = [level for level in mine.levels if level in theirs.levels]
    left, right = one.settings.splitlines(), other.settings.splitlines()
    only = [(line.strip(), "") for line in left if line.strip() and line not in right]
    only += [("", line.strip()) for line in right if line.strip() and line not in left]
    rows = []
    for level in levels:
        a, b = one.figures["levels"][level], other.figures["levels"][level]
        rows.append(
            {
                "level": level,
                "title": LEVEL_TITLES[level],
                "loss": (show_wan(a["loss"]), show_wan(b["loss"])),
                "more": show_wan(b["loss"] - a["loss"]),
                "firms": (a["borne"]["firms"], b["borne"]["firms"]),
                "acting": (a["acting"], b["acting"]),
                "top": (
                    show_percent(Fraction(a["borne"]["top_lines"]), 1),
                    show_percent(Fraction(b["borne"]["top_lines"]), 1),
                ),
            }
        )
    kept = ["line", *(f"{name}_{level}" for level in levels for name in ("measure", "loss"))]
    joined = mine.lines.join(theirs.lines.select(kept), on="line", suffix="_other")
    changed = joined.filter(
        pl.any_horizontal(pl.col(f"measure_{level}") != pl.col(f"measure_{level}_other") for level in levels)
    )
    return Difference(only, rows, changed.sort(["firm_name", "line"]))


def firm_measures(plan: Plan | None, code: str) -> dict[str, list[Measured]]:
    """By line, what an enterprise does at each level by a plan."""
    if plan is None or not plan.folder:
        return {}
    stored = read_plan(plan.folder)
    return {row["line"]: [measured(row, level) for level in stored.levels] for row in stored.of_firm(code)}


def level_of(text: str, levels: tuple[Level, ...]) -> Level:
    """The level that an address asks for, the worst where it asks for none."""
    return text if text in levels else levels[-1]


def show_reasons(plan: Plan) -> list[dict[str, Any]]:
    """How many lines are there for which reason, by level."""
    lang = language()
    return [
        {
            "level": level,
            "title": LEVEL_TITLES[level],
            "measures": figures["measures"][:8],
            "reasons": [
                (LABELS[cast(Reason, reason)].render(lang), reason, many)
                for reason, many in figures["reasons"].items()
            ],
        }
        for level, figures in plan.figures["levels"].items()
    ]


def show_reach(plan: Plan) -> list[dict[str, Any]]:
    """Of levels that cannot be reached: which pollutant, how far, whose exemption closes it."""
    lang = language()
    return [
        {
            "level": level,
            "title": LEVEL_TITLES[level],
            "said": [each[lang] for each in found["said"]],
            "limits": [
                {
                    "pollutant": each["pollutant"],
                    "asked": show_percent(Fraction(each["asked"])) if each["asked"] else "",
                    "reachable": show_percent(Fraction(each["reachable"])) if each["reachable"] else "",
                    "need": show_kilograms(each["need"]),
                    "most": show_kilograms(each["most"]),
                    "short": show_kilograms(each["short"]),
                    "missed": bool(each["short"]),
                }
                for each in found["limits"]
            ],
            "closers": [
                {**each, "adds": [show_kilograms(mass) for mass in each["adds"]]} for each in found["closers"]
            ],
            "closes": found["closes"],
        }
        for level, found in plan.figures.get("reach", {}).items()
    ]


def show_fairness(plan: Plan) -> list[dict[str, Any]]:
    """What fairness costs, where that was asked."""
    return [
        {
            "cap": show_percent(Fraction(each["cap"]), 0) if each["cap"] else "",
            "share": show_percent(Fraction(each["share"]), 0) if each["share"] else "",
            "levels": [
                (
                    show_short_wan(loss),
                    show_change(dearer),
                    feasible,
                )
                for loss, dearer, feasible in zip(
                    each["losses"], each["dearer"], each["feasible"], strict=True
                )
            ],
            "feasible": all(each["feasible"]),
            "impossible": each["impossible"][language()] if each.get("impossible") else "",
            "together": show_change(each["together"]),
            "hardest": show_percent(Fraction(each["hardest"]), 1),
            "top_firms": show_percent(Fraction(each["top_firms"]), 1),
        }
        for each in plan.figures.get("fairness", ())
    ]


def fairness_job(user: Any, plan: Plan) -> Job | None:
    """The work that a person has asked for on what fairness costs, while it is under way."""
    rows = Job.objects.filter(kind=FAIRNESS, owner=user, arguments__plan=plan.pk)
    return rows.filter(state__in=(Job.State.WAITING, Job.State.RUNNING)).order_by("-pk").first()
