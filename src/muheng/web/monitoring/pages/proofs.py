"""A day's proof: the form with what the data say, the proof as it was given, and who has given none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from muheng.web.entrance import read_number
from muheng.web.files.attachments import ACCEPT
from muheng.web.files.pages import download
from muheng.web.monitoring.actions import proofs as actions
from muheng.web.monitoring.models import Event, Point, Proof, Tier
from muheng.web.monitoring.pages.own import pick_enterprise
from muheng.web.monitoring.pages.reading import read_day
from muheng.web.monitoring.queries import proofs as queries
from muheng.web.monitoring.queries.own import OWN
from muheng.web.monitoring.queries.scope import VIEW, points_for
from muheng.web.monitoring.sayings import factor_title, factor_unit, mark_title
from muheng.web.paging import rest_of_query
from muheng.web.people.models import User
from muheng.web.people.rights import holds, require
from muheng.web.people.scope import scope_of
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own, official_scope
from muheng.web.request import Request

PAGE = 50


def form(request: Request) -> HttpResponse:
    """The proof of yesterday, or of the day that is asked for."""
    require(request.user, OWN)
    enterprise, held = pick_enterprise(request)
    if enterprise is None:
        raise Http404
    now = timezone.now()
    days = queries.list_days(enterprise, now)
    day = read_day(request.GET.get("day", "") or request.POST.get("day", ""))
    if day is None:
        day = next((each.day for each in days if each.proof is None), None)
    day = day or timezone.localdate(now) - timedelta(days=1)
    given = Proof.objects.filter(enterprise=enterprise, day=day).first()
    if given is not None and request.method == "GET":
        return redirect("monitoring:proof", given.pk)
    refused: Refused | None = None
    if request.method == "POST":
        try:
            made = _submit(request, enterprise, day)
            messages.success(request, _("自证已提交。"))
            return redirect("monitoring:proof", made.pk)
        except Refused as found:
            if found.status in (403, 404):
                raise
            refused = found
    points = queries.describe_day(enterprise, day)
    context = {
        "enterprise": enterprise,
        "held": held,
        "days": days,
        "day": day,
        "due": queries.due_of(day),
        "late": queries.due_of(day) < now,
        "points": [_show_point(each, request.POST.get(f"said-{each['point']}", "")) for each in points],
        "over": queries.is_over(points),
        "accept": ACCEPT,
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, "monitoring/own_proof.html", context, status=refused.status if refused else 200)


def _submit(request: Request, enterprise: Enterprise, day: Any) -> Proof:
    given = request.POST
    said = {
        number: given[name]
        for name in given
        if name.startswith("said-") and (number := read_number(name.removeprefix("said-"))) is not None
    }
    return actions.submit_proof(
        request.user,
        enterprise,
        day,
        complied={"yes": True, "no": False}.get(given.get("complied", "")),
        statement=given.get("statement", ""),
        ledger=given.get("ledger", ""),
        said=said,
        uploads=request.FILES.getlist("files"),
    )


def _show_point(point: dict[str, Any], said: str = "") -> dict[str, Any]:
    """A point of a proof's content with words in the reader's language."""
    factors = [
        each | {"title": factor_title(each["factor"]), "unit": factor_unit(each["factor"])}
        for each in point["factors"]
    ]
    return {
        **point,
        "factors": factors,
        "complete": queries.is_complete(point),
        "said": said,
        "marks": [
            {
                "title": mark_title(each["mark"]),
                "begin": datetime.fromisoformat(each["begin"]),
                "end": datetime.fromisoformat(each["end"]) if each["end"] else None,
            }
            for each in point["marks"]
        ],
        "events": [
            each
            | {
                "factor": factor_title(each["factor"]),
                "state": Event.State(each["state"]).label,
                "tier": Tier(each["tier"]).label,
            }
            for each in point["events"]
        ],
    }


# -- a proof that was given ------------------------------------------------------------------------------------


def find_proof(user: User, number: int) -> Proof:
    """A proof of an enterprise that the person may see. Raises Http404."""
    rows = Proof.objects.select_related("enterprise__county", "by")
    found = scope_of(user, VIEW).filter(rows, "enterprise__").filter(pk=number).first()
    if found is None:
        raise Http404(number)
    return found


@require_GET
def show(request: Request, number: int) -> HttpResponse:
    if not holds(request.user, OWN):
        require(request.user, VIEW)
    return _show(request, find_proof(request.user, number))


def _show(request: Request, proof: Proof, refused: Refused | None = None) -> HttpResponse:
    content = proof.content
    own = is_own(request.user, proof.enterprise)
    context = {
        "proof": proof,
        "content": content,
        "points": [
            _show_point(each, content["said"].get(str(each["point"]), "")) for each in content["points"]
        ],
        "over": queries.is_over(content["points"]),
        "untouched": actions.is_untouched(proof),
        "late": proof.at > queries.due_of(proof.day),
        "files": proof.files.all(),
        "remarks": proof.remarks.select_related("by"),
        "own": own,
        "back": reverse("monitoring:own-proof" if own else "monitoring:proofs"),
        "refused": refused,
        "typed": request.POST if refused else {},
    }
    return render(request, "monitoring/proof.html", context, status=refused.status if refused else 200)


@require_POST
def remark(request: Request, number: int) -> HttpResponse:
    """Add something; the proof stays."""
    require(request.user, OWN)
    proof = find_proof(request.user, number)
    try:
        actions.add_remark(request.user, proof, request.POST.get("text", ""))
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _show(request, proof, refused)
    messages.success(request, _("补充说明已记下，原来的自证不变。"))
    return redirect("monitoring:proof", proof.pk)


@require_GET
def file(request: Request, number: int, stored: int) -> Any:
    """A file that was brought with a proof."""
    if not holds(request.user, OWN):
        require(request.user, VIEW)
    found = find_proof(request.user, number).files.filter(pk=stored).first()
    if found is None:
        raise Http404(stored)
    return download(found)


# -- who has given one, and who not ----------------------------------------------------------------------------


@require_GET
def listing(request: Request) -> HttpResponse:
    """The enterprises of a day: without a proof first, then those that say they did not comply."""
    require(request.user, VIEW)
    now = timezone.now()
    yesterday = timezone.localdate(now) - timedelta(days=1)
    day = min(read_day(request.GET.get("day", "")) or yesterday, yesterday)
    points = queries.watched_on(_seen_points(request.user), day)
    enterprises = {each.enterprise_id: each.enterprise for each in points}
    held = {
        each.enterprise_id: each
        for each in Proof.objects.filter(enterprise__in=enterprises, day=day).select_related("by")
    }
    rows = [
        queries.ProofDay(each, day, queries.due_of(day), held.get(each.pk)) for each in enterprises.values()
    ]
    lacking = [each for each in rows if each.proof is None]
    if request.GET.get("only") == "missing":
        rows = lacking
    rows.sort(
        key=lambda each: (
            each.proof is not None,
            bool(each.proof and each.proof.complied),
            each.enterprise.code,
        )
    )
    context = {
        "day": day,
        "due": queries.due_of(day),
        "passed": queries.due_of(day) <= now,
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "query": rest_of_query(request),
        "all": len(enterprises),
        "lacking": len(lacking),
        "only": request.GET.get("only", ""),
        "yesterday": yesterday,
        "may_patrol": holds(request.user, "monitoring.patrol"),
    }
    return render(request, "monitoring/proofs.html", context)


def _seen_points(user: User) -> list[Point]:
    scope = official_scope(user, VIEW)
    return list(scope.filter(points_for(user), "enterprise__").select_related("enterprise__county"))
