"""Plans: settings changed for one of them, what came out, who bears it, why each line, compared, adopted, withdrawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from muheng.emergency.explanation import LABELS
from muheng.web.emergency.actions import plans as actions
from muheng.web.emergency.city_settings import settings_text
from muheng.web.emergency.forms import apply_form, read_text, settings_fields
from muheng.web.emergency.models import EmergencyList, Plan
from muheng.web.emergency.pages.lists import frame, send_or_wait
from muheng.web.emergency.plan_map import draw_map
from muheng.web.emergency.queries import lists
from muheng.web.emergency.queries import plans as queries
from muheng.web.emergency.queries.plans import LineQuestion
from muheng.web.emergency.wording import LEVEL_TITLES
from muheng.web.entrance import read_number
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import holds, require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.request import Request

PAGE = 50


@require_GET
def listing(request: Request) -> HttpResponse:
    """All plans, the newest first."""
    require(request.user, lists.VIEW)
    rows = queries.plans_for(request.user)
    state = request.GET.get("state", "")
    if state in Plan.State.values:
        rows = rows.filter(state=state)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "query": rest_of_query(request),
        "state": state,
        "states": Plan.State.choices,
        "rows": [(row, queries.show_levels(row)) for row in page],
        "in_force": lists.list_in_force(request.user),
        "may_edit": holds(request.user, lists.EDIT),
    }
    return render(request, "emergency/plan_all.html", context)


@require_GET
def of_list(request: Request, number: int) -> HttpResponse:
    """The plans of one list."""
    found = lists.find_list(request.user, number)
    if not lists.sees_all(request.user, found):
        raise Http404
    rows = Plan.objects.filter(inventory=found).select_related("made_by", "adopted_by")
    context = {
        **frame(request, found, "list-plans"),
        "rows": [(row, queries.show_levels(row)) for row in rows],
    }
    return render(request, "emergency/list_plans.html", context)


def new(request: Request, number: int) -> HttpResponse:
    """Settings for one plan: by the form, or as the text."""
    found = lists.find_list(request.user, number)
    require(request.user, lists.EDIT, found.organisation)
    if not found.folder:
        raise Http404
    given = request.POST
    text = given.get("text", "") if request.method == "POST" else _start_text(request, found)
    refused = None
    if request.method == "POST":
        try:
            if given.get("by") == "form":
                text = apply_form(text, given)
            made = actions.ask_plan(
                request.user,
                found,
                text.replace("\r\n", "\n"),
                given.get("title", ""),
                given.get("gap", actions.DEFAULT_GAP),
            )
            return redirect("emergency:plan", made.pk)
        except Refused as error:
            refused = error
    settings = read_text(text)
    context = {
        "list": found,
        "refused": refused,
        "text": text,
        "by_text": given.get("by") == "text" or settings is None,
        "fields": _typed(settings_fields(settings), given) if settings is not None else None,
        "settings": settings,
        "title": given.get("title", ""),
        "gaps": [(gap, _GAPS[gap]) for gap in actions.GAPS],
        "gap": given.get("gap", actions.DEFAULT_GAP),
    }
    return render(request, "emergency/plan_new.html", context, status=refused.status if refused else 200)


_GAPS = {
    "1/10000": gettext_lazy("万分之一"),
    "1/5000": gettext_lazy("万分之二"),
    "1/1000": gettext_lazy("千分之一"),
    "1/200": gettext_lazy("千分之五"),
    "1/100": gettext_lazy("百分之一"),
}


def _start_text(request: Request, found: EmergencyList) -> str:
    """The city's settings, or those of another plan of the same list that is to be changed."""
    like = read_number(request.GET.get("like", ""))
    before = Plan.objects.filter(inventory=found, pk=like).first() if like is not None else None
    return before.settings if before is not None else settings_text()


def _typed(fields: dict[str, Any], given: Any) -> dict[str, Any]:
    """What was typed stays in the form where it was refused."""
    if given.get("by") != "form":
        return fields
    fields["ratios"] = [
        {**row, "fields": [(name, key, given.get(name, value)) for name, key, value in row["fields"]]}
        for row in fields["ratios"]
    ]
    for part in ("notice", "weights"):
        fields[part] = [(name, title, given.get(name, value)) for name, title, value in fields[part]]
    for part in ("rules", "fairness"):
        fields[part] = [
            _refill(each, given.get(each.name, "") if each.check else given.get(each.name, each.value))
            for each in fields[part]
        ]
    return fields


def _refill(field: Any, value: str) -> Any:
    return replace(field, value=value)


_TABS = {
    "plan": gettext_lazy("概况"),
    "plan-lines": gettext_lazy("生产线"),
    "plan-borne": gettext_lazy("谁承担"),
    "plan-map": gettext_lazy("地图"),
    "plan-settings": gettext_lazy("设置"),
    "plan-compare": gettext_lazy("对比"),
}


def _frame(request: Request, plan: Plan, tab: str) -> dict[str, Any]:
    """What every page of a plan shows."""
    user = request.user
    whole = lists.sees_all(user, plan.inventory)
    place = plan.inventory.organisation
    return {
        "plan": plan,
        "list": plan.inventory,
        "whole": whole,
        "tabs": [
            {"address": reverse(f"emergency:{name}", args=[plan.pk]), "title": title, "here": name == tab}
            for name, title in _TABS.items()
            if whole or name in ("plan-lines", "plan-map")
        ]
        if plan.folder
        else [],
        "may_edit": holds(user, lists.EDIT, place),
        "may_adopt": holds(user, lists.ADOPT, place),
        "own": plan.made_by_id == user.pk,
        "own_job": plan.job is not None and plan.job.owner_id == user.pk,
        "busy": plan.state == Plan.State.WORKING and plan.job is not None and not plan.job.ended,
    }


@require_GET
def show(request: Request, number: int) -> HttpResponse:
    plan = queries.find_plan(request.user, number)
    return _show(request, plan)


def _show(request: Request, plan: Plan, refused: Refused | None = None) -> HttpResponse:
    """The headline, the proof in plain words, cuts beside needs, prices; or why there is no plan."""
    if not lists.sees_all(request.user, plan.inventory):
        return redirect("emergency:plan-lines", plan.pk)
    context = {**_frame(request, plan, "plan"), "refused": refused}
    status = refused.status if refused else 200
    if not plan.folder:
        lang = language()
        context["trouble"] = [each[lang] for each in plan.trouble]
        return render(request, "emergency/plan_failed.html", context, status=status)
    lang = language()
    context |= {
        "levels": queries.show_levels(plan),
        "losses": queries.loss_chart(plan),
        "charts": queries.reduction_charts(plan),
        "reductions": queries.show_reductions(plan),
        "pollutants": lists.POLLUTANT_TITLES,
        "pool": queries.show_pool(plan),
        "notes": [each[lang] for each in plan.figures["notes"]],
        "reach": queries.show_reach(plan),
        "reasons": queries.show_reasons(plan),
        "seconds": plan.figures["seconds"],
    }
    return render(request, "emergency/plan_show.html", context, status=status)


@require_GET
def lines(request: Request, number: int) -> HttpResponse:
    """Every line with its measure at each level: searched, filtered, sorted."""
    plan = queries.find_plan(request.user, number)
    table = queries.lines_for(request.user, plan)
    levels = queries.stored_of(plan).levels
    asked = _question(request)
    rows = queries.ask_lines(table, asked, levels)
    page = Paginator(range(rows.height), PAGE).get_page(request.GET.get("page"))
    part = rows.slice((page.number - 1) * PAGE, PAGE).to_dicts()
    context = {
        **_frame(request, plan, "plan-lines"),
        "page": page,
        "query": rest_of_query(request),
        "rows": [queries.show_line(row, levels) for row in part],
        "levels": [(level, LEVEL_TITLES[level]) for level in levels],
        "asked": asked,
        "choices": queries.choices_of_lines(table, levels),
        "reasons": [(reason, label.render(language())) for reason, label in LABELS.items()],
        "heads": _heads(request, asked, levels),
    }
    return render(request, "emergency/plan_lines.html", context)


def _question(request: Request) -> LineQuestion:
    given = request.GET
    names = ("q", "county", "trade", "grade", "level", "measure", "reason", "sort")
    text = {name: given.get(name, "").strip()[:100] for name in names}
    return LineQuestion(acting=bool(given.get("acting")), changed=bool(given.get("changed")), **text)


def _heads(request: Request, asked: LineQuestion, levels: Any) -> list[dict[str, Any]]:
    rest = rest_of_query(request, "sort")
    titles = [
        ("firm_name", _("企业")),
        ("name", _("生产线")),
        ("county", _("县区")),
        ("grade", _("绩效等级")),
    ]
    titles += [(f"loss_{level}", str(LEVEL_TITLES[level])) for level in levels]
    heads = []
    for key, title in titles:
        here = asked.sort.lstrip("-") == key
        down = asked.sort.startswith("-") and here
        turned = ("" if down else "-") if here else ("-" if key.startswith("loss") else "")
        heads.append(
            {
                "title": title,
                "href": f"?{rest}sort={turned}{key}",
                "sorted": ("descending" if down else "ascending") if here else "",
            }
        )
    return heads


@require_GET
def why(request: Request, number: int) -> HttpResponse:
    """Why a line does what it does: a part of a page, or a page of its own."""
    plan = queries.find_plan(request.user, number)
    row, answers = queries.answers_for(request.user, plan, request.GET.get("line", ""))
    context = {
        **_frame(request, plan, "plan-lines"),
        "row": row,
        "answers": [queries.show_answer(each) for each in answers],
    }
    template = "emergency/plan_why_part.html" if request.htmx else "emergency/plan_why.html"
    return render(request, template, context)


@require_GET
def borne(request: Request, number: int) -> HttpResponse:
    """Who bears the loss of a level."""
    plan = queries.whole_plan(request.user, number)
    levels = queries.stored_of(plan).levels
    level = queries.level_of(request.GET.get("level", ""), levels)
    context = {
        **_frame(request, plan, "plan-borne"),
        "borne": queries.show_borne(plan, level),
        "level": level,
        "levels": [(each, LEVEL_TITLES[each]) for each in levels],
        "county_chart": queries.borne_chart(plan, level),
        "curve": queries.curve_chart(plan, level),
        "fairness": queries.show_fairness(plan),
        "fairness_job": queries.fairness_job(request.user, plan),
    }
    return render(request, "emergency/plan_borne.html", context)


@require_POST
def price_fairness(request: Request, number: int) -> HttpResponse:
    """What fairness would cost is worked out in the background."""
    plan = queries.whole_plan(request.user, number)
    actions.ask_fairness(request.user, plan)
    return redirect("emergency:plan-borne", number)


@require_GET
def map_page(request: Request, number: int) -> HttpResponse:
    """Where the enterprises are, coloured by what they do at a level."""
    plan = queries.find_plan(request.user, number)
    levels = queries.stored_of(plan).levels
    level = queries.level_of(request.GET.get("level", ""), levels)
    context = {
        **_frame(request, plan, "plan-map"),
        "level": level,
        "levels": [(each, LEVEL_TITLES[each]) for each in levels],
    }
    return render(request, "emergency/plan_map.html", context)


@require_GET
def map_data(request: Request, number: int) -> HttpResponse:
    plan = queries.find_plan(request.user, number)
    level = queries.level_of(request.GET.get("level", ""), queries.stored_of(plan).levels)
    return draw_map(request.user, plan, level)


@require_GET
def settings_page(request: Request, number: int) -> HttpResponse:
    plan = queries.whole_plan(request.user, number)
    return render(request, "emergency/plan_settings.html", _frame(request, plan, "plan-settings"))


@require_GET
def compare(request: Request, number: int) -> HttpResponse:
    """Beside another plan of the same list, or of another list."""
    plan = queries.whole_plan(request.user, number)
    others = [
        row
        for row in queries.plans_for(request.user).filter(state__in=queries.WORKED).exclude(pk=plan.pk)[:50]
        if row.folder and lists.sees_all(request.user, row.inventory)
    ]
    chosen = read_number(request.GET.get("with", ""))
    other = next((row for row in others if row.pk == chosen), None)
    context = {**_frame(request, plan, "plan-compare"), "others": others, "other": other}
    if other is not None:
        found = queries.compare_plans(plan, other)
        page = Paginator(range(found.lines.height), PAGE).get_page(request.GET.get("page"))
        levels = [row["level"] for row in found.levels]
        context |= {
            "difference": found,
            "page": page,
            "query": rest_of_query(request),
            "levels": [LEVEL_TITLES[level] for level in levels],
            "rows": [
                {
                    **row,
                    "cells": [(row[f"measure_{level}"], row[f"measure_{level}_other"]) for level in levels],
                }
                for row in found.lines.slice((page.number - 1) * PAGE, PAGE).to_dicts()
            ],
        }
    return render(request, "emergency/plan_compare.html", context)


@require_POST
def adopt(request: Request, number: int) -> HttpResponse:
    plan = queries.whole_plan(request.user, number)
    try:
        actions.adopt_plan(request.user, plan, request.POST.get("note", ""))
    except Refused as error:
        return _show(request, queries.find_plan(request.user, number), error)
    messages.success(request, _("已采用。预警启动时按这个方案下达。"))
    return redirect("emergency:plan", number)


@require_POST
def withdraw(request: Request, number: int) -> HttpResponse:
    plan = queries.whole_plan(request.user, number)
    try:
        actions.withdraw_plan(request.user, plan, request.POST.get("note", ""))
    except Refused as error:
        return _show(request, queries.find_plan(request.user, number), error)
    messages.success(request, _("已撤回。"))
    return redirect("emergency:plan", number)


@require_GET
def workbook(request: Request, number: int) -> FileResponse | HttpResponse:
    """The list with this plan's measures in its columns."""
    plan = queries.whole_plan(request.user, number)
    queries.stored_of(plan)
    return send_or_wait(request, plan.inventory, plan)


@require_GET
def table(request: Request, number: int) -> HttpResponse:
    """``plan.csv``, as ``muheng plan`` writes it: line and the measure at each level."""
    plan = queries.whole_plan(request.user, number)
    stored = queries.stored_of(plan)
    rows = stored.lines.select("line", *(pl.col(f"measure_{level}").alias(level) for level in stored.levels))
    response = HttpResponse(rows.write_csv(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="plan-{plan.pk}.csv"'
    return response
