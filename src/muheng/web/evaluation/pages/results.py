"""Pages of a run: what it came to, its cuts, its groups, and the policy's text beside what it did."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from muheng.reports import words
from muheng.reports.figures import Breakdown, Histogram
from muheng.standards.rounding import format_scaled
from muheng.web.charts import Chart, Series
from muheng.web.evaluation.pages.run import show
from muheng.web.evaluation.queries.beside import read_beside
from muheng.web.evaluation.queries.overview import (
    GROUPINGS,
    Group,
    figures_of,
    find_borders,
    findings_of,
    group_rows,
)
from muheng.web.evaluation.queries.procedure import find_evaluation, may
from muheng.web.evaluation.queries.results import SeenRun, find_run, see_run
from muheng.web.evaluation.queries.table import NONE, Field, list_fields, show_number
from muheng.web.reading import language
from muheng.web.request import Request

SHOWN_GROUPS = 30
MOST_MEDIANS = 4


def overview(request: Request, evaluation: int, number: int) -> HttpResponse:
    """The one number that matters, how grades and scores are spread, what stands out."""
    run = find_run(request.user, evaluation, number)
    if not run.results:
        found = find_evaluation(request.user, evaluation)
        whole = may(request.user, "evaluation.view", found)
        return render(
            request, "evaluation/results/waiting.html", {"run": run, "evaluation": found, "whole": whole}
        )
    seen = see_run(request.user, evaluation, number)
    figures, lang = figures_of(seen), language()
    totals = figures.by_class.totals
    graded = sum(totals[:-1])
    moves = figures.moves
    return show(
        request,
        seen,
        "run",
        "evaluation/results/overview.html",
        best=figures.grades[0],
        best_count=totals[0],
        best_share=words.share(totals[0], graded),
        graded=graded,
        ungraded=totals[-1],
        subjects=sum(totals),
        rose=moves.up.height if moves else None,
        fell=moves.down.height if moves else None,
        findings=findings_of(seen, lang),
        charts=[
            *_year_chart(seen),
            _class_chart(seen, figures.by_class),
            *(_score_chart(seen, found, at) for at, found in enumerate(figures.histograms)),
        ],
        reasons=[
            (
                words.render(words.standing_name(group.standing), lang),
                words.render(words.ungraded_reason(group), lang),
                group.treated_as or "",
                group.count,
            )
            for group in figures.ungraded
        ],
    )


def grade_series(grades: tuple[str, ...], columns: list[tuple[int, ...]]) -> list[Series]:
    """A series for each grade and one for those without, over the given columns of counts."""
    names = [*grades, words.UNGRADED.render(language())]
    return [
        Series(name, [counts[at] for counts in columns], tone="none" if at == len(grades) else name[:1])
        for at, name in enumerate(names)
        if at < len(grades) or any(counts[at] for counts in columns)
    ]


def _class_chart(seen: SeenRun, found: Breakdown) -> Chart:
    order = {name: at for at, name in enumerate(seen.plan.classes)}
    pairs = sorted(
        zip(found.labels, found.counts, strict=True), key=lambda pair: order.get(pair[0] or "", 99)
    )
    labels = [words.NO_CLASS.render(language()) if name is None else name for name, _counts in pairs]
    return Chart(
        "by-class",
        _("各类企业的等级"),
        _("类别"),
        labels,
        grade_series(found.grades, [counts for _name, counts in pairs]),
        kind="bars",
        stacked=True,
        unit=_("户"),
    )


def _year_chart(seen: SeenRun) -> list[Chart]:
    """This year's grades beside last year's, where there was one."""
    moves = figures_of(seen).moves
    if moves is None:
        return []
    now = [sum(row[at] for row in moves.counts) for at in range(len(seen.plan.grades))]
    before = dict(zip(moves.before, (sum(row) for row in moves.counts), strict=True))
    return [
        Chart(
            "by-year",
            _("与上年比"),
            _("等级"),
            seen.plan.grades,
            [
                Series(_("上年"), [before.get(grade, 0) for grade in seen.plan.grades], tone="soft"),
                Series(_("本年"), now, tone="accent"),
            ],
            unit=_("户"),
        )
    ]


def _score_chart(seen: SeenRun, found: Histogram, at: int) -> Chart:
    labels = []
    for place in range(len(found.counts)):
        start = found.start + place * found.width
        label = words.scaled(start, found.digits).rstrip("0").rstrip(".") if found.digits else str(start)
        if place == 0 and found.open_low:
            end = format_scaled(start + found.width, found.digits)
            label = _("低于 %(score)s") % {"score": _trim(end)}
        elif place == len(found.counts) - 1 and found.open_high:
            label = _("%(score)s 以上") % {"score": label}
        labels.append(label)
    return Chart(
        f"scores-{at}",
        _("%(name)s企业的总分分布") % {"name": found.class_name},
        _("总分（自）"),
        labels,
        grade_series(seen.plan.grades, list(found.counts)),
        stacked=True,
        unit=_("户"),
    )


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def cuts(request: Request, evaluation: int, number: int) -> HttpResponse:
    """Where the grades part: who is just above and below, by what, and what decided where they are equal."""
    seen = see_run(request.user, evaluation, number)
    lang = language()
    found = find_borders(seen, lang)
    tied = [border for border in found if border.cut.depth]
    if request.GET.get("show") == "tied":
        chosen = tied
    elif request.GET.get("show") == "close":
        chosen = sorted(found, key=lambda border: (border.cut.gap is None, abs(border.cut.gap or 0)))
    else:
        chosen = found
    borders = [
        {
            "group": words.render(words.cut_group(border.cut), lang),
            "title": words.render(words.cut_title(border.cut), lang),
            "gap": words.scaled(border.cut.gap, border.cut.digits),
            "decision": words.cut_decision(border.cut).render(lang),
            "by_code": border.cut.by_code,
            "tied": border.cut.tied,
            "sides": [(side, words.scaled(side.total, border.cut.digits)) for side in border.sides],
        }
        for border in chosen
    ]
    return show(
        request,
        seen,
        "run-cuts",
        "evaluation/results/cuts.html",
        borders=borders,
        many=len(found),
        tied=len(tied),
        by_code=sum(border.cut.by_code for border in found),
        shown=request.GET.get("show", ""),
    )


def groups(request: Request, evaluation: int, number: int) -> HttpResponse:
    """Industries, places and parks beside each other."""
    seen = see_run(request.user, evaluation, number)
    by = request.GET.get("by", "")
    if by not in GROUPINGS:
        by = "division"
    fields = {key: field for key, field in list_fields(seen).items() if key.endswith(":v")}
    asked = [key for key in dict.fromkeys(request.GET.getlist("figure")) if key in fields]
    chosen = [fields[key] for key in (asked or list(fields)[:3])[:MOST_MEDIANS]]
    found = group_rows(seen, by, chosen)
    titles = {
        "section": _("行业门类"),
        "division": _("行业大类"),
        "county": _("县区"),
        "township": _("乡镇"),
        "park": _("园区"),
    }
    nowhere = _("不在园区") if by == "park" else _("未填")
    named = [(group, nowhere if group.label is None else group.label) for group in found]
    shown = named[:SHOWN_GROUPS]
    charts = [
        Chart(
            "by-group",
            _("各组的等级"),
            titles[by],
            [label for _group, label in shown],
            grade_series(seen.plan.grades, [group.counts for group, _label in shown]),
            kind="bars",
            stacked=True,
            unit=_("户"),
        ),
        *(_median_chart(field, at, shown, titles[by]) for at, field in enumerate(chosen)),
    ]
    keys = {
        "section": "industry",
        "division": "industry",
        "county": "county",
        "township": "township",
        "park": "park",
    }
    return show(
        request,
        seen,
        "run-groups",
        "evaluation/results/groups.html",
        by=by,
        title=titles[by],
        groupings=list(titles.items()),
        key=keys[by],
        fields=fields.values(),
        chosen=chosen,
        chosen_keys=[field.key for field in chosen],
        charts=charts,
        grades=seen.plan.grades,
        rows=[
            {
                "label": label,
                "value": group.value,
                "counts": group.counts,
                "size": f"{group.size:,}",
                "share": words.share(group.counts[0], sum(group.counts[:-1])),
                "medians": [
                    show_number(median, field.digits or 0)
                    for median, field in zip(group.medians, chosen, strict=True)
                ],
                "linked": not (by == "county" and group.value == NONE),
            }
            for group, label in named
        ],
        hidden=max(0, len(named) - SHOWN_GROUPS),
    )


def _median_chart(field: Field, at: int, shown: list[tuple[Group, str]], title: str) -> Chart:
    digits = field.digits or 0
    middles = [group.medians[at] for group, _label in shown]
    return Chart(
        f"median-{at}",
        _("%(name)s的中位数") % {"name": field.title},
        title,
        [label for _group, label in shown],
        [
            Series(
                field.title,
                [None if middle is None else middle / 10**digits for middle in middles],
                tone="accent",
            )
        ],
        kind="bars",
        unit=field.unit,
        shown=[[show_number(middle, digits) for middle in middles]],
    )


def policy_text(request: Request, evaluation: int, number: int) -> HttpResponse:
    """Each rule of the policy, and beside it what it did in this run."""
    seen = see_run(request.user, evaluation, number)
    return show(
        request,
        seen,
        "run-policy",
        "evaluation/results/policy.html",
        text=read_beside(seen, language()),
        regraded=figures_of(seen).regraded,
    )
