"""My enterprises, all pairings, what is overdue, and an enterprise's account (一企一账)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.liaison.duty import URGENCIES, period_of
from muheng.web.entrance import read_number
from muheng.web.liaison import account as accounts
from muheng.web.liaison import actions, findings, queries
from muheng.web.liaison.rules import city_rules
from muheng.web.liaison.wording import URGENCY, say_period
from muheng.web.paging import rest_of_query
from muheng.web.people.models import User
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import official_scope
from muheng.web.request import Request

_PAGE = 50


def frame(request: Request, here: str) -> dict[str, Any]:
    """What every page of the room has: its tabs, and the period that is spoken of."""
    rules = city_rules()
    today = timezone.localdate()
    return {
        "here": here,
        "period": say_period(period_of(today, rules.visit.months), rules),
        "rules": rules,
        "today": today,
        "may_view": holds(request.user, queries.VIEW),
        "may_pair": holds(request.user, queries.PAIR),
        "may_visit": holds(request.user, queries.VISIT),
    }


def home(request: Request) -> HttpResponse:
    """My enterprises; who has none and may see others' gets these."""
    user = request.user
    if not any(holds(user, right) for right in (queries.VIEW, queries.VISIT)):
        require(user, queries.VISIT)
    own = queries.own_pairings(user)
    if holds(user, queries.VIEW) and not own.exists():
        return redirect("liaison:list")
    owed = queries.reckon_all(own, timezone.localdate())
    context = {
        **frame(request, "home"),
        "owed": owed,
        "to_visit": sum(each.duty.to_visit for each in owed),
        "overdue": sum(each.duty.urgency == "overdue" for each in owed),
        "this_week": sum(each.duty.urgency in ("overdue", "this_week") for each in owed),
        "hazards": sum(each.hazards for each in owed),
        "demands": sum(each.demands for each in owed),
    }
    return render(request, "liaison/home.html", context)


def list_pairings(request: Request) -> HttpResponse:
    """All pairings that the person may see, filtered."""
    require(request.user, queries.VIEW)
    rows = queries.live(queries.pairings_for(request.user))
    county, officer = (read_number(request.GET.get(name, "")) for name in ("county", "officer"))
    asked, words = request.GET.get("urgency", ""), request.GET.get("q", "").strip()[:100]
    every = queries.reckon_all(rows, timezone.localdate(), counted=False)
    shown = [
        each
        for each in every
        if (county is None or each.enterprise.county_id == county)
        and (officer is None or each.pairing.officer_id == officer)
        and (asked not in URGENCIES or each.duty.urgency == asked)
        and (not words or words.lower() in f"{each.enterprise.name} {each.enterprise.code}".lower())
    ]
    context = {
        **frame(request, "list"),
        "page": Paginator(shown, _PAGE).get_page(request.GET.get("page")),
        "query": rest_of_query(request),
        "every": len(every),
        "visited": sum(not each.duty.to_visit for each in every),
        "overdue": sum(each.duty.urgency == "overdue" for each in every),
        "officers": sorted({(each.pairing.officer_id, each.pairing.officer.name) for each in every}),
        "counties": sorted(
            {(place.pk, place.title) for each in every if (place := each.enterprise.county) is not None}
        ),
        "urgencies": list(URGENCY.items()),
        "asked": {"county": county, "officer": officer, "urgency": asked, "q": words},
    }
    return render(request, "liaison/list.html", context)


def overdue(request: Request) -> HttpResponse:
    """Visits that are overdue, by county and officer."""
    require(request.user, queries.VIEW)
    rows = queries.live(queries.pairings_for(request.user))
    every = queries.reckon_all(rows, timezone.localdate())
    late = [each for each in every if each.duty.urgency == "overdue"]
    context = {
        **frame(request, "overdue"),
        "late": late,
        "every": len(every),
        "longest": max((each.days_late for each in late), default=0),
        "by_county": queries.tally(every, "county"),
        "by_officer": queries.tally(every, "officer"),
    }
    return render(request, "liaison/overdue.html", context)


def found(request: Request) -> HttpResponse:
    """What visits found: hazards by kind, period and enterprise, and proposals."""
    require(request.user, queries.VIEW)
    today = timezone.localdate()
    years = findings.years_of(request.user)
    year = read_number(request.GET.get("year", ""))
    year = year if year in years else None
    first, last = (date(year, 1, 1), date(year, 12, 31)) if year else (None, None)
    context = {
        **frame(request, "found"),
        "findings": findings.count_findings(request.user, first, last, today),
        "years": years,
        "year": year,
    }
    return render(request, "liaison/found.html", context)


def account(request: Request, code: str) -> HttpResponse:
    """Everything about one enterprise in one place: visits, hazards, proposals, demands, what is promised, the next visit."""
    return _show_account(request, code)


def _show_account(request: Request, code: str, refused: Refused | None = None) -> HttpResponse:
    user = request.user
    enterprise, pairing = queries.find_paired(user, code)
    scope = official_scope(user, queries.PAIR)
    arranging = holds(user, queries.PAIR) and (
        scope.everything or scope.filter(Enterprise.objects.filter(pk=enterprise.pk)).exists()
    )
    context = {
        **frame(request, "account"),
        "enterprise": enterprise,
        "pairing": pairing,
        "account": accounts.read_account(user, enterprise, pairing, timezone.localdate()),
        "may_record": queries.may_visit(user, enterprise),
        "arranging": arranging,
        "officers": queries.officers_in(user).exclude(pk=pairing.officer_id if pairing else 0)
        if arranging
        else [],
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, "liaison/account.html", context, status=refused.status if refused else 200)


@require_POST
def arrange_one(request: Request, code: str) -> HttpResponse:
    """Pair one by hand, give it to somebody else, or end it."""
    enterprise, _pairing = queries.find_paired(request.user, code)
    reason = request.POST.get("reason", "")
    try:
        if "end" in request.POST:
            actions.end_pairing(request.user, enterprise, reason=reason)
            messages.success(request, _("已结束%(name)s的结对。") % {"name": enterprise.name})
        else:
            officer = _find_officer(request)
            seen = read_number(request.POST.get("seen", ""))
            if seen is not None:
                actions.move(request.user, enterprise, officer, reason=reason, seen=seen)
            else:
                actions.pair(request.user, enterprise, officer, reason=reason)
            messages.success(
                request,
                _("%(name)s现由%(officer)s联系。") % {"name": enterprise.name, "officer": officer.name},
            )
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _show_account(request, code, refused)
    return redirect("liaison:account", enterprise.code)


def _find_officer(request: Request) -> User:
    number = read_number(request.POST.get("officer", ""))
    found = queries.officers_in(request.user).filter(pk=number).first() if number is not None else None
    if found is None:
        raise Refused(_("请选联络员。"), status=422, code="invalid", at="officer")
    return found
