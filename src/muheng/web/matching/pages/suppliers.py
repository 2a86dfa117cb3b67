"""Suppliers and their offers; an offer with the needs that it fits."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.matching.actions import suppliers as deeds
from muheng.web.matching.candidates import needs_for
from muheng.web.matching.forms import NewSupplierForm, OfferForm, SupplierForm, put_refusal
from muheng.web.matching.models import Kind, Need, Offer, Supplier
from muheng.web.matching.pages.common import (
    chosen,
    find,
    home_place,
    kind_of,
    list_page,
    split_candidates,
    typed_version,
)
from muheng.web.matching.queries import (
    EDIT,
    VIEW,
    introductions_seen,
    needs_seen,
    offers_seen,
    suppliers_seen,
)
from muheng.web.matching.wording import need_line, show_candidate, show_offer_bounds
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.request import Request


def listing(request: Request) -> HttpResponse:
    """Offers of all suppliers."""
    require(request.user, VIEW)
    kind, words = kind_of(request), request.GET.get("q", "").strip()[:100]
    state = chosen(request, "state", [*Offer.State.values, ""], "open")
    rows = offers_seen(request.user)
    if kind:
        rows = rows.filter(kind=kind)
    if state:
        rows = rows.filter(state=state)
    if words:
        rows = rows.filter(title__icontains=words) | rows.filter(supplier__name__icontains=words)
    context = list_page(request, rows.order_by("-added_at", "-pk"))
    context |= {
        "rows": [(offer, show_offer_bounds(offer)) for offer in context["page"]],
        "kind": kind,
        "kinds": Kind.choices,
        "state": state,
        "states": [*Offer.State.choices, ("", _("全部"))],
        "q": words,
        "may_edit": holds(request.user, EDIT),
    }
    return render(request, "matching/offers.html", context)


def show(request: Request, number: int) -> HttpResponse:
    """One offer; for officials the needs that it fits, with the reasons."""
    offer = find(offers_seen(request.user), number)
    official = holds(request.user, VIEW)
    candidates: list[dict[str, Any]] = []
    if official and offer.state == Offer.State.OPEN:
        live = needs_seen(request.user).filter(
            kind=offer.kind, state__in=(Need.State.OPEN, Need.State.TALKING)
        )
        needs = list(live.prefetch_related("tags", "must").order_by("-opened_at", "-pk"))
        held = {
            each.need_id: each for each in introductions_seen(request.user).filter(offer=offer).order_by("pk")
        }
        for found in needs_for(offer, needs, timezone.localdate()):
            candidates.append(
                {
                    "need": found.row,
                    "line": need_line(found.row),
                    "introduction": held.get(found.row.pk),
                    **show_candidate(found.candidate),
                }
            )
    context = {
        "offer": offer,
        "bounds": show_offer_bounds(offer),
        "official": official,
        "may_edit": holds(request.user, EDIT, offer.supplier.keeper),
        **split_candidates(request, candidates),
    }
    return render(request, "matching/offer.html", context)


def new_offer(request: Request, number: int) -> HttpResponse:
    supplier = _kept(request, number)
    form = OfferForm(supplier.kind, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            offer = deeds.add_offer(request.user, supplier, form.terms())
        except Refused as refused:
            put_refusal(form, refused)
        else:
            messages.success(request, _("供给已登记。"))
            return redirect("matching:offer", offer.pk)
    wrong = request.method == "POST"
    context = {"form": form, "supplier": supplier}
    return render(request, "matching/offer_form.html", context, status=422 if wrong else 200)


def edit_offer(request: Request, number: int) -> HttpResponse:
    offer = find(offers_seen(request.user), number)
    _kept(request, offer.supplier_id)
    if request.method == "POST":
        form = OfferForm(offer.kind, request.POST)
        if form.is_valid():
            try:
                deeds.change_offer(request.user, offer, form.terms(), version=typed_version(request))
            except Refused as refused:
                put_refusal(form, refused)
            else:
                messages.success(request, _("已保存。"))
                return redirect("matching:offer", offer.pk)
    else:
        form = OfferForm(offer.kind, offer=offer)
    wrong = request.method == "POST"
    context = {"form": form, "supplier": offer.supplier, "offer": offer}
    return render(request, "matching/offer_form.html", context, status=422 if wrong else 200)


@require_POST
def end_offer(request: Request, number: int) -> HttpResponse:
    offer = find(offers_seen(request.user), number)
    deeds.end_offer(request.user, offer, request.POST.get("reason", ""))
    messages.success(request, _("这一供给已停止。"))
    return redirect("matching:offer", offer.pk)


def suppliers(request: Request) -> HttpResponse:
    """Banks, technology suppliers and labour agencies."""
    require(request.user, VIEW)
    kind, words = kind_of(request), request.GET.get("q", "").strip()[:100]
    rows = suppliers_seen(request.user)
    if kind:
        rows = rows.filter(kind=kind)
    if words:
        rows = rows.filter(name__icontains=words)
    context = list_page(request, rows.order_by("kind", "name"))
    context |= {"kind": kind, "kinds": Kind.choices, "q": words, "may_edit": holds(request.user, EDIT)}
    return render(request, "matching/suppliers.html", context)


def new_supplier(request: Request) -> HttpResponse:
    require(request.user, EDIT)
    keeper = home_place(request.user, EDIT)
    if keeper is None:
        raise Http404
    initial = {"kind": kind_of(request) or Kind.FINANCE}
    form = NewSupplierForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            supplier = deeds.add_supplier(
                request.user,
                given["kind"],
                given["name"],
                keeper=keeper,
                place=given["place"],
                about=given["about"],
                contact=given["contact"],
                phone=given["phone"],
            )
        except Refused as refused:
            put_refusal(form, refused)
        else:
            messages.success(request, _("供方已登记，请接着登记它的供给。"))
            return redirect("matching:new_offer", supplier.pk)
    wrong = request.method == "POST"
    return render(request, "matching/supplier_form.html", {"form": form}, status=422 if wrong else 200)


def supplier(request: Request, number: int) -> HttpResponse:
    """One supplier with its offers; officials of its keeper change it here."""
    require(request.user, VIEW)
    row = find(suppliers_seen(request.user), number)
    may_edit = holds(request.user, EDIT, row.keeper)
    form = SupplierForm(request.POST if request.method == "POST" else None, supplier=row)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            deeds.change_supplier(
                request.user,
                row,
                given["name"],
                place=given["place"],
                about=given["about"],
                contact=given["contact"],
                phone=given["phone"],
            )
        except Refused as refused:
            if refused.status == 403:
                raise
            put_refusal(form, refused)
        else:
            messages.success(request, _("已保存。"))
            return redirect("matching:supplier", row.pk)
    offers = offers_seen(request.user).filter(supplier=row).order_by("-added_at", "-pk")
    context = {
        "supplier": row,
        "offers": [(offer, show_offer_bounds(offer)) for offer in offers],
        "form": form,
        "may_edit": may_edit,
    }
    wrong = request.method == "POST"
    return render(request, "matching/supplier.html", context, status=422 if wrong else 200)


def _kept(request: Request, number: int) -> Supplier:
    """A supplier that the official keeps."""
    row = find(suppliers_seen(request.user), number)
    require(request.user, EDIT, row.keeper)
    return row
