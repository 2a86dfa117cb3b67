"""One enterprise of a list: lines, measures at each level, its grade and what the next would save. And the same for itself."""

from __future__ import annotations

from typing import Any, get_args

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from muheng.emergency.grading import GradeTable
from muheng.emergency.inventory.model import Level, Line
from muheng.emergency.plan.problem import LEVELS
from muheng.web.emergency.actions.grades import state_facts
from muheng.web.emergency.grades import (
    find_table,
    form_of,
    grading_of,
    show_grading,
    show_worth,
    steps_above,
    violations_of,
    worth_of,
)
from muheng.web.emergency.models import EmergencyList, ListedFirm, Plan
from muheng.web.emergency.pages.lists import frame
from muheng.web.emergency.queries import lists as queries
from muheng.web.emergency.queries import plans
from muheng.web.emergency.queries.own import own_listings
from muheng.web.emergency.wording import LEVEL_TITLES, in_language, show_part, show_wan
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import may
from muheng.web.request import Request


def show(request: Request, number: int, code: str) -> HttpResponse:
    """For officials."""
    found = queries.find_list(request.user, number)
    firm = queries.find_firm(request.user, found, code)
    listing = queries.listing_of(found)
    plan = queries.adopted_plan(found) or _newest_plan(request, found)
    refused = None
    table = find_table(firm.trade)
    may_state = (
        firm.enterprise is not None and table is not None and may(request.user, queries.EDIT, firm.enterprise)
    )
    if request.method == "POST" and may_state and table is not None and firm.enterprise is not None:
        refused = _state(request, firm.enterprise, table)
        if refused is None:
            return redirect("emergency:list-firm", number, firm.code)
    listed = listing.firms[firm.code]
    context = {
        **frame(request, found, "list-firms"),
        "firm": firm,
        "listed": listed,
        "permitted": [
            (name, "" if value is None else f"{value / 1_000_000:,.3f}".rstrip("0").rstrip("."))
            for name, value in zip(queries.POLLUTANT_TITLES, listed.permitted, strict=True)
        ],
        "guarantee_level": LEVEL_TITLES.get(listed.guarantee_level or "", ""),
        "lines": show_lines(found, plan, firm),
        "plan": plan,
        "transport": listing.transport_of.get(firm.code),
        "findings": [
            in_language(each)
            for each in queries.findings_of(request.user, found)
            if each.get("firm") == firm.code
        ],
        "pollutants": queries.POLLUTANT_TITLES,
        "levels": [(level, LEVEL_TITLES[level]) for level in LEVELS],
        "may_state": may_state,
        "refused": refused,
        **_grade(request, firm, plan, table, refused),
    }
    return render(request, "emergency/list_firm.html", context, status=refused.status if refused else 200)


def _newest_plan(request: Request, found: EmergencyList) -> Plan | None:
    """To who may see proposals, the newest that was worked out."""
    if not queries.sees_all(request.user, found):
        return None
    return Plan.objects.filter(inventory=found, state=Plan.State.PROPOSED).exclude(folder="").first()


def show_lines(found: EmergencyList, plan: Plan | None, firm: ListedFirm) -> list[dict[str, Any]]:
    """The lines with what is filed for them and what the plan says."""
    listing = queries.listing_of(found)
    planned = {}
    if plan is not None and plan.folder:
        stored = plans.stored_of(plan)
        planned = {
            row["line"]: {level: plans.show_measure(row, level) for level in stored.levels}
            for row in stored.of_firm(firm.code)
        }
    rows = []
    for line in listing.lines_of.get(firm.code, ()):
        filed = {each.level: each for each in listing.filed_of.get(line.id, ())}
        rows.append(
            {
                "line": line,
                "kg": queries.in_kilograms(line.daily),
                "facts": _facts(line),
                "levels": [
                    {
                        "level": level,
                        "title": LEVEL_TITLES[level],
                        "filed": filed.get(level),
                        "planned": planned.get(line.id, {}).get(level),
                    }
                    for level in get_args(Level)
                ],
            }
        )
    return rows


def _facts(line: Line) -> list[tuple[str, str]]:
    found = [
        (_("产品"), line.product),
        (_("产能"), line.capacity),
        (_("涉气工序"), line.step),
        (_("主要设备"), line.equipment),
        (_("燃料"), line.fuel),
        (_("治理设施"), line.control),
        (_("年生产天数"), str(line.days) if line.days else ""),
        (_("连续工序"), _("是，短时间不能停") if line.continuous else ""),
        (_("最低负荷"), show_part(line.least_load) if line.least_load else ""),
        (_("停下要几小时"), str(line.stop_hours) if line.stop_hours else ""),
        (_("停产一天损失"), show_wan(line.stop_loss) if line.stop_loss is not None else ""),
        (_("电表户号"), line.meter),
        (_("排放口"), line.outlet),
        (_("民生供应"), line.supply),
        (_("供它用的生产线"), "、".join(line.serves)),
    ]
    return [(title, text) for title, text in found if text]


def _grade(
    request: Request, firm: ListedFirm, plan: Plan | None, table: GradeTable | None, refused: Refused | None
) -> dict[str, Any]:
    """The grade with what is lacking, and what each higher one would have saved."""
    if table is None or firm.enterprise is None:
        return {"table": table, "grading": None}
    grading, sheet = grading_of(firm.enterprise, table)
    worth = []
    if plan is not None and plan.folder:
        for step in steps_above(grading, firm.grade):
            if (found := worth_of(plan, firm, step.grade)) is not None:
                worth.append(show_worth(found))
    typed = request.POST if refused is not None else None
    return {
        "table": table,
        "grading": show_grading(grading, sheet, firm.grade),
        "worth": {each["grade"]: each for each in worth},
        "groups": form_of(table, sheet, typed),
        "drops": [
            {"id": drop.id, "title": drop.said, "on": drop.id in violations_of(sheet, table)}
            for drop in table.drops
        ],
    }


def _state(request: Request, enterprise: Enterprise, table: GradeTable) -> Refused | None:
    given = {each.id: request.POST.get(f"fact-{each.id}", "") for each in table.indicators}
    try:
        state_facts(request.user, enterprise, table, given, request.POST.getlist("violations"))
    except Refused as error:
        if error.status == 403:
            raise
        return error
    messages.success(request, _("已记下，等级和差距已重新计算。"))
    return None


def own_grade(request: Request) -> HttpResponse:
    """For the enterprise: its lines and measures, its grade, what is missing for the next one, what that would save."""
    require(request.user, "own.emergency")
    listings = own_listings(request.user)
    code = request.GET.get("enterprise", "")
    firm = next((each for each in listings if each.code == code), listings[0] if listings else None)
    if firm is None:
        return render(request, "emergency/own_grade.html", {"firm": None})
    refused = None
    table = find_table(firm.trade)
    if request.method == "POST" and table is not None and firm.enterprise is not None:
        refused = _state(request, firm.enterprise, table)
        if refused is None:
            return redirect(f"{reverse('emergency:own-grade')}?enterprise={firm.code}")
    plan = queries.adopted_plan(firm.inventory)
    context = {
        "firm": firm,
        "listings": listings,
        "list": firm.inventory,
        "plan": plan,
        "lines": show_lines(firm.inventory, plan, firm),
        "transport": queries.listing_of(firm.inventory).transport_of.get(firm.code),
        "levels": [(level, LEVEL_TITLES[level]) for level in LEVELS],
        "pollutants": queries.POLLUTANT_TITLES,
        "may_state": table is not None,
        "refused": refused,
        **_grade(request, firm, plan, table, refused),
        "drops": [],
    }
    return render(request, "emergency/own_grade.html", context, status=refused.status if refused else 200)


@require_GET
def own_why(request: Request) -> HttpResponse:
    """Why one of the enterprise's own lines has to do what it has."""
    require(request.user, "own.emergency")
    line = request.GET.get("line", "")
    for firm in own_listings(request.user):
        plan = queries.adopted_plan(firm.inventory)
        if plan is None or not plan.folder:
            continue
        stored = plans.stored_of(plan)
        place = stored.places.get(line)
        row = stored.lines.row(place, named=True) if place is not None else None
        if row is None or row["firm"] != firm.code:
            continue
        answers = [plans.show_answer(each) for each in plans.answers_of(stored, line)]
        context = {"firm": firm, "plan": plan, "row": row, "answers": answers}
        return render(request, "emergency/own_why.html", context)
    raise Http404
