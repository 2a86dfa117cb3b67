"""Sliders for every number of a run's policy, and what moving them would do; to be kept as a draft or run as a trial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.charts import Chart, Series
from muheng.web.evaluation.actions import numbers
from muheng.web.evaluation.levers import GROUPS, WEIGHTS, Lever, list_levers
from muheng.web.evaluation.pages.run import read_line, show
from muheng.web.evaluation.queries.overview import figures_of
from muheng.web.evaluation.queries.results import SeenRun, see_run
from muheng.web.evaluation.simulations import Picture, is_ready, prepare, simulate
from muheng.web.people.rights import holds
from muheng.web.refusal import Refused
from muheng.web.request import Request

LARGEST = 20_000


@dataclass(frozen=True)
class Slider:
    """A lever as the page draws it; its figures are text as the fields want them."""

    id: str
    lever: Lever
    now: str
    low: str
    high: str
    step: str
    value: str


def page(request: Request, evaluation: int, number: int) -> HttpResponse:
    """The sliders, and the picture of what is set. Without a script the form is sent, and answered here."""
    seen = see_run(request.user, evaluation, number)
    text = seen.run.policy_text
    asked = _asked(request.POST) if request.method == "POST" else {}
    refused = None
    try:
        changed = {key: value for key, value in asked.items() if key in list_levers(text)}
        picture = simulate(seen, changed) if request.method == "POST" else _still(seen)
    except Refused as refusal:
        picture, refused = _still(seen), refusal
    prepare(seen.run.results)
    place = (evaluation, number)
    return show(
        request,
        seen,
        "simulation",
        "evaluation/results/simulation.html",
        groups=_groups(text, asked),
        picture=picture,
        chart=_chart(picture),
        rows=_rows(picture),
        refused=refused,
        steps={
            "simulate": reverse("evaluation:simulate", args=place),
            "enterprise": reverse("evaluation:run-enterprise", args=(*place, "CODE")),
        },
        drafts=holds(request.user, "policy.edit"),
        trials=holds(request.user, "evaluation.edit", seen.run.evaluation.organisation),
    )


def _rows(picture: Picture) -> list[dict[str, Any]]:
    """The matrix as the page draws it: below the diagonal is up."""
    return [
        {
            "label": label,
            "cells": [
                {
                    "many": many,
                    "kind": f"{'same' if at == to else 'better' if to < at else 'worse'}{'' if many else ' none'}",
                }
                for to, many in enumerate(picture.matrix[at])
            ],
        }
        for at, label in enumerate(picture.labels)
    ]


def _still(seen: SeenRun) -> Picture:
    """The run as it is."""
    many = len(seen.plan.grades) + 1
    found = figures_of(seen).by_class
    totals = found.totals
    order = dict(zip(found.labels, found.counts, strict=True))
    classes = tuple((name, order[name], order[name]) for name in seen.plan.classes if name in order)
    return Picture(
        labels=(*seen.plan.grades, _("未定级")),
        before=totals,
        after=totals,
        matrix=tuple(tuple(totals[at] if at == to else 0 for to in range(many)) for at in range(many)),
        classes=classes if len(seen.plan.classes) > 1 else (),
        moved=0,
        up=0,
        down=0,
        risers=(),
        fallers=(),
    )


def _groups(text: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """Levers by kind; weights by their class, with what they add up to."""
    found: dict[tuple[str, str], list[Slider]] = {}
    for at, (key, lever) in enumerate(list_levers(text).items()):
        slider = Slider(
            f"n{at}",
            lever,
            asked.get(key, f"{lever.value:f}"),
            f"{lever.low:f}",
            f"{lever.high:f}",
            f"{lever.step:f}",
            f"{lever.value:f}",
        )
        found.setdefault((lever.group, lever.owner), []).append(slider)
    shown = []
    for group, title in GROUPS.items():
        for (kind, owner), sliders in found.items():
            if kind == group:
                shown.append(
                    {
                        "title": f"{title}（{owner}）" if owner else title,
                        "weights": kind == WEIGHTS,
                        "owner": owner,
                        "sliders": sliders,
                        "sum": f"{sum(slider.lever.value for slider in sliders):f}",
                        "open": kind == WEIGHTS,
                    }
                )
    return shown


def _chart(picture: Picture) -> Chart:
    return Chart(
        "simulation-chart",
        _("各等级的户数"),
        _("等级"),
        picture.labels,
        [
            Series(_("现在"), picture.before, tone="soft"),
            Series(_("这样改后"), picture.after, tone="accent"),
        ],
        unit=_("户"),
    )


@require_POST
def simulate_now(request: Request, evaluation: int, number: int) -> JsonResponse:
    """``{"changes": {place: number}}`` in, the picture out; 202 while this process gets the run ready."""
    seen = see_run(request.user, evaluation, number)
    changes = _read_body(request)
    if not is_ready(seen.run.results):
        prepare(seen.run.results)
        return JsonResponse({"state": "preparing"}, status=202)
    try:
        return JsonResponse(simulate(seen, changes).json())
    except Refused as refused:
        return JsonResponse(refused.body(), status=refused.status)


def _read_body(request: Request) -> dict[str, Any]:
    if len(request.body) > LARGEST:
        raise Refused(_("请求的内容太长。"), status=413, code="too_large")
    try:
        found = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        found = None
    changes = found.get("changes") if isinstance(found, dict) else None
    if not isinstance(changes, dict) or not all(
        isinstance(value, str | int | float) for value in changes.values()
    ):
        raise Refused(
            _("请求的内容不对：%(what)s") % {"what": "changes"}, status=422, code="invalid", at="changes"
        )
    return changes


def _asked(posted: Mapping[str, Any]) -> dict[str, str]:
    """The numbers of the page's form."""
    return {
        key[2:]: str(value)[:40]
        for key, value in posted.items()
        if key.startswith("n:") and str(value).strip()
    }


@require_POST
def keep_draft(request: Request, evaluation: int, number: int) -> HttpResponse:
    """The numbers as a draft of a method of the place's own, to be worked on further."""
    seen = see_run(request.user, evaluation, number)
    title = read_line(request.POST.get("title", ""), 180)
    draft = numbers.keep_draft(request.user, seen, _asked(request.POST), title)
    return redirect("policy:edit", draft.document.slug, draft.number)


@require_POST
def run_trial(request: Request, evaluation: int, number: int) -> HttpResponse:
    """The numbers as a trial run of the evaluation, kept and sealed like any other."""
    seen = see_run(request.user, evaluation, number)
    title = read_line(request.POST.get("title", ""), 100)
    run = numbers.run_trial(request.user, seen, _asked(request.POST), title)
    return redirect("evaluation:run", evaluation, run.number)
