"""Needs: the list, one with its candidates, filing and changing; introductions and their steps."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.casework.models import Case
from muheng.web.casework.queries import visible_cases
from muheng.web.matching.actions import introductions as deeds
from muheng.web.matching.actions.needs import (
    CASE_KINDS,
    change_need,
    end_need,
    file_need,
    need_from_case,
)
from muheng.web.matching.candidates import offers_for
from muheng.web.matching.forms import NeedForm, StepForm, put_refusal
from muheng.web.matching.models import Introduction, Kind, Need, Offer
from muheng.web.matching.pages.common import (
    chosen,
    enterprise_of,
    find,
    kind_of,
    list_page,
    named,
    split_candidates,
    typed_version,
)
from muheng.web.matching.queries import (
    EDIT,
    VIEW,
    introductions_seen,
    needs_seen,
    offers_seen,
    own_enterprises,
)
from muheng.web.matching.wording import need_line, show_candidate, show_kept, show_offer_bounds
from muheng.web.people.rights import require
from muheng.web.people.scope import Scope
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own, may, official_scope
from muheng.web.request import Request


def listing(request: Request) -> HttpResponse:
    """Needs that the official looks after."""
    require(request.user, VIEW)
    kind, words = kind_of(request), request.GET.get("q", "").strip()[:100]
    state = chosen(request, "state", [*Need.State.values, "live", ""], "live")
    rows = needs_seen(request.user)
    if kind:
        rows = rows.filter(kind=kind)
    if state == "live":
        rows = rows.filter(state__in=(Need.State.OPEN, Need.State.TALKING))
    elif state:
        rows = rows.filter(state=state)
    if words:
        rows = rows.filter(named(words))
    context = list_page(request, rows.order_by("-opened_at", "-pk"))
    context |= {
        "rows": [(need, need_line(need)) for need in context["page"]],
        "kind": kind,
        "kinds": Kind.choices,
        "state": state,
        "states": [("live", _("还没有落实")), *Need.State.choices, ("", _("全部"))],
        "q": words,
        "may_edit": official_scope(request.user, EDIT) != Scope(),
    }
    return render(request, "matching/needs.html", context)


def show(request: Request, number: int) -> HttpResponse:
    """One need, and who could meet it, with the reasons."""
    need = find(needs_seen(request.user), number)
    own = is_own(request.user, need.enterprise)
    may_edit = may(request.user, EDIT, need.enterprise)
    held = {each.offer_id: each for each in introductions_seen(request.user).filter(need=need).order_by("pk")}
    candidates: list[dict[str, Any]] = []
    if need.live:
        offers = offers_seen(request.user).filter(kind=need.kind, state=Offer.State.OPEN)
        for found in offers_for(need, offers, timezone.localdate()):
            candidates.append(
                {
                    "offer": found.row,
                    "bounds": show_offer_bounds(found.row),
                    "introduction": held.get(found.row.pk),
                    **show_candidate(found.candidate, public=not may_edit),
                }
            )
    context = {
        "need": need,
        "line": need_line(need),
        "own": own,
        "may_edit": may_edit,
        "may_change": (own or may_edit) and need.live,
        "introductions": list(held.values())[::-1],
        **split_candidates(request, candidates),
    }
    return render(request, "matching/need.html", context)


def new(request: Request) -> HttpResponse:
    """A need is filed: by an enterprise for itself, by an official for one of theirs."""
    own = list(own_enterprises(request.user))
    if not own:
        require(request.user, EDIT)
    kind = kind_of(request) or Kind.FINANCE
    code = request.POST.get("code", request.GET.get("enterprise", own[0].code if own else ""))
    form = NeedForm(kind, request.POST if request.method == "POST" else None)
    missing = ""
    if request.method == "POST":
        enterprise = _enterprise(request, code, own)
        if enterprise is None:
            missing = _("没有找到这个代码的企业，或不在您负责的范围内。")
        elif form.is_valid():
            try:
                need = file_need(request.user, enterprise, kind, form.terms())
            except Refused as refused:
                put_refusal(form, refused)
            else:
                messages.success(request, _("需求已登记。"))
                return redirect("matching:need", need.pk)
    context = {
        "form": form,
        "kind": kind,
        "kinds": Kind.choices,
        "own": own,
        "code": code,
        "missing": missing,
    }
    wrong = request.method == "POST"
    return render(request, "matching/need_form.html", context, status=422 if wrong else 200)


def _enterprise(request: Request, code: str, own: list[Enterprise]) -> Enterprise | None:
    if own:
        return next((each for each in own if each.code == code), None)
    return enterprise_of(official_scope(request.user, EDIT).filter(Enterprise.objects.all()), code)


def from_case(request: Request, case_number: str) -> HttpResponse:
    """A demand for money, technology or labour becomes a need."""
    case = visible_cases(request.user).filter(number=case_number).select_related("enterprise").first()
    if case is None or case.enterprise is None or case.kind not in CASE_KINDS:
        raise Http404
    if not may(request.user, EDIT, case.enterprise) and not is_own(request.user, case.enterprise):
        raise Http404
    found = needs_seen(request.user).filter(case=case).first()
    if found is not None:
        return redirect("matching:need", found.pk)
    return _take_case(request, case, case.enterprise)


def _take_case(request: Request, case: Case, enterprise: Enterprise) -> HttpResponse:
    kind = CASE_KINDS[case.kind]
    initial = {"title": case.title[:120]}
    form = NeedForm(kind, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            need = need_from_case(request.user, case, form.terms())
        except Refused as refused:
            put_refusal(form, refused)
        else:
            messages.success(request, _("诉求 %(number)s 已转成供需需求。") % {"number": case.number})
            return redirect("matching:need", need.pk)
    context = {"form": form, "kind": kind, "case": case, "enterprise": enterprise}
    wrong = request.method == "POST"
    return render(request, "matching/need_form.html", context, status=422 if wrong else 200)


def edit(request: Request, number: int) -> HttpResponse:
    """Other terms."""
    need = find(needs_seen(request.user).prefetch_related("tags", "must"), number)
    if not is_own(request.user, need.enterprise) and not may(request.user, EDIT, need.enterprise):
        raise Http404
    if request.method == "POST":
        form = NeedForm(need.kind, request.POST)
        if form.is_valid():
            try:
                change_need(request.user, need, form.terms(), version=typed_version(request))
            except Refused as refused:
                put_refusal(form, refused)
            else:
                messages.success(request, _("已保存。"))
                return redirect("matching:need", need.pk)
    else:
        form = NeedForm(need.kind, need=need)
    context = {"form": form, "kind": need.kind, "need": need, "enterprise": need.enterprise}
    wrong = request.method == "POST"
    return render(request, "matching/need_form.html", context, status=422 if wrong else 200)


@require_POST
def end(request: Request, number: int) -> HttpResponse:
    need = find(needs_seen(request.user), number)
    end_need(request.user, need, request.POST.get("reason", ""), met="met" in request.POST)
    messages.success(request, _("这一需求已结束。"))
    return redirect("matching:need", need.pk)


@require_POST
def introduce(request: Request, number: int, offer: int) -> HttpResponse:
    need = find(needs_seen(request.user), number)
    chosen_offer = find(offers_seen(request.user), offer)
    begun = deeds.introduce(request.user, need, chosen_offer, reason=request.POST.get("reason", ""))
    messages.success(request, _("已推介 %(name)s。") % {"name": chosen_offer.supplier.name})
    return redirect("matching:introduction", begun.pk)


@require_POST
def ask(request: Request, number: int, offer: int) -> HttpResponse:
    need = find(needs_seen(request.user), number)
    chosen_offer = find(offers_seen(request.user), offer)
    begun = deeds.ask_for(request.user, need, chosen_offer)
    messages.success(
        request, _("已申请对接 %(name)s，请等工作人员联系。") % {"name": chosen_offer.supplier.name}
    )
    return redirect("matching:introduction", begun.pk)


def introduction(request: Request, number: int) -> HttpResponse:
    """One introduction: its steps, the reasons that it was made for, and the next step."""
    row = find(introductions_seen(request.user), number)
    own = is_own(request.user, row.need.enterprise)
    may_edit = may(request.user, EDIT, row.need.enterprise)
    form = StepForm(row.need.kind, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        state = request.POST.get("state", "")
        if state not in Introduction.State.values:
            raise Http404
        if form.is_valid():
            given = form.cleaned_data
            try:
                deeds.advance(
                    request.user,
                    row,
                    state,
                    note=given["note"],
                    amount=given["amount"],
                    on=given["on"],
                    version=typed_version(request),
                )
            except Refused as refused:
                if refused.status == 403:
                    raise
                put_refusal(form, refused)
            else:
                messages.success(request, _("已记下。"))
                return redirect("matching:introduction", row.pk)
        row = find(introductions_seen(request.user), number)
    states = deeds.NEXT[row.state]
    if not may_edit:
        own_states = (Introduction.State.CONTACTED, Introduction.State.FAILED)
        states = tuple(
            each for each in states if each in own_states and row.state != Introduction.State.AGREED
        )
    context = {
        "row": row,
        "own": own,
        "may_edit": may_edit,
        "next": [(state, Introduction.State(state).label) for state in states] if own or may_edit else [],
        "form": form,
        "steps": row.steps.select_related("by").order_by("-number"),
        "reasons": show_kept(row.reasons, public=not may_edit),
        "asks_amount": Introduction.State.AGREED in states,
        "may_grant": may_edit
        and row.need.kind == Kind.FINANCE
        and row.state == Introduction.State.AGREED
        and not hasattr(row, "credit"),
    }
    wrong = request.method == "POST"
    return render(request, "matching/introduction.html", context, status=422 if wrong else 200)
