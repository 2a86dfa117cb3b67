"""Gatherings: the list, one with its guests and materials, and writing down what happened."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.matching.actions import gatherings as deeds
from muheng.web.matching.forms import CodesForm, GatheringForm, HeldForm, MaterialForm, put_refusal
from muheng.web.matching.models import Gathering
from muheng.web.matching.pages.common import chosen, find, home_place, list_page, typed_version
from muheng.web.matching.queries import EDIT, VIEW, gatherings_seen
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import official_scope
from muheng.web.request import Request


def listing(request: Request) -> HttpResponse:
    """Gatherings of the official's places and of the city."""
    require(request.user, VIEW)
    kind = chosen(request, "what", Gathering.Kind.values)
    state = chosen(request, "state", Gathering.State.values)
    rows = gatherings_seen(request.user)
    if kind:
        rows = rows.filter(kind=kind)
    if state:
        rows = rows.filter(state=state)
    context = list_page(request, rows.order_by("-on", "-pk"))
    context |= {
        "kind": kind,
        "kinds": Gathering.Kind.choices,
        "state": state,
        "states": Gathering.State.choices,
        "may_edit": holds(request.user, EDIT),
    }
    return render(request, "matching/gatherings.html", context)


def new(request: Request) -> HttpResponse:
    require(request.user, EDIT)
    host = home_place(request.user, EDIT)
    if host is None:
        raise Http404
    form = GatheringForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = deeds.plan_gathering(
                request.user,
                given["kind"],
                given["title"],
                on=given["on"],
                place=given["place"],
                host=host,
            )
        except Refused as refused:
            put_refusal(form, refused)
        else:
            messages.success(request, _("活动已登记，请接着邀请企业。"))
            return redirect("matching:gathering", row.pk)
    wrong = request.method == "POST"
    return render(request, "matching/gathering_form.html", {"form": form}, status=422 if wrong else 200)


def show(request: Request, number: int) -> HttpResponse:
    """One gathering."""
    require(request.user, VIEW)
    row = find(gatherings_seen(request.user), number)
    return _show(request, row, {})


@require_POST
def invite(request: Request, number: int) -> HttpResponse:
    row = _held(request, number)
    return _with_codes(request, row, "invite")


@require_POST
def sign_in(request: Request, number: int) -> HttpResponse:
    row = _held(request, number)
    return _with_codes(request, row, "sign")


def _with_codes(request: Request, row: Gathering, which: str) -> HttpResponse:
    form = CodesForm(request.POST, prefix=which)
    if form.is_valid():
        codes = form.cleaned_data["codes"]
        inside = official_scope(request.user, EDIT).filter(Enterprise.objects.filter(code__in=codes))
        found = list(inside)
        unknown = sorted(set(codes) - {each.code for each in found})
        if unknown:
            told = _("没有找到 %(codes)s，或不在您负责的范围内；没有记下任何一家。")
            form.add_error("codes", told % {"codes": "、".join(unknown[:10])})
        else:
            deed = deeds.invite if which == "invite" else deeds.sign_in
            try:
                many = deed(request.user, row, found)
            except Refused as refused:
                put_refusal(form, refused)
            else:
                said = _("新邀请 %(count)d 家。") if which == "invite" else _("新签到 %(count)d 家。")
                messages.success(request, said % {"count": many})
                return redirect("matching:gathering", row.pk)
    return _show(request, row, {which: form}, status=422)


@require_POST
def sign_one(request: Request, number: int, code: str) -> HttpResponse:
    """One guest signs in, or a sign-in is taken back."""
    row = _held(request, number)
    inside = official_scope(request.user, EDIT).filter(Enterprise.objects.filter(code=code))
    enterprise = inside.first()
    if enterprise is None:
        raise Http404
    if "undo" in request.POST:
        deeds.unsign(request.user, row, enterprise)
    else:
        deeds.sign_in(request.user, row, [enterprise])
    return redirect("matching:gathering", row.pk)


@require_POST
def hold(request: Request, number: int) -> HttpResponse:
    row = _held(request, number)
    form = HeldForm(request.POST, prefix="held")
    if form.is_valid():
        try:
            deeds.hold_gathering(request.user, row, form.cleaned_data["heads"], form.cleaned_data["summary"])
        except Refused as refused:
            put_refusal(form, refused)
        else:
            messages.success(request, _("已记下。"))
            return redirect("matching:gathering", row.pk)
    return _show(request, row, {"held": form}, status=422)


@require_POST
def hand_out(request: Request, number: int) -> HttpResponse:
    row = _held(request, number)
    form = MaterialForm(request.POST, prefix="material")
    if form.is_valid():
        given = form.cleaned_data
        try:
            deeds.hand_out(request.user, row, given["kind"], given["title"], given["count"])
        except Refused as refused:
            put_refusal(form, refused)
        else:
            messages.success(request, _("已记下。"))
            return redirect("matching:gathering", row.pk)
    return _show(request, row, {"material": form}, status=422)


def edit(request: Request, number: int) -> HttpResponse:
    """Another title, day or place."""
    row = _held(request, number)
    initial = {"kind": row.kind, "title": row.title, "on": row.on, "place": row.place}
    form = GatheringForm(request.POST if request.method == "POST" else None, initial=initial)
    form.fields["kind"].disabled = True
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            deeds.change_gathering(
                request.user,
                row,
                given["title"],
                on=given["on"],
                place=given["place"],
                version=typed_version(request),
            )
        except Refused as refused:
            put_refusal(form, refused)
        else:
            messages.success(request, _("已保存。"))
            return redirect("matching:gathering", row.pk)
    wrong = request.method == "POST"
    context = {"form": form, "row": row}
    return render(request, "matching/gathering_form.html", context, status=422 if wrong else 200)


@require_POST
def cancel(request: Request, number: int) -> HttpResponse:
    row = _held(request, number)
    deeds.cancel_gathering(request.user, row, request.POST.get("reason", ""))
    messages.success(request, _("这次活动已取消。"))
    return redirect("matching:gathering", row.pk)


def _held(request: Request, number: int) -> Gathering:
    """A gathering that the official keeps."""
    row = find(gatherings_seen(request.user), number)
    require(request.user, EDIT, row.host)
    return row


def _show(request: Request, row: Gathering, forms: dict[str, forms.Form], status: int = 200) -> HttpResponse:
    scope = official_scope(request.user, VIEW)
    guests = scope.filter(row.attendances.select_related("enterprise__county"), "enterprise__")
    every = row.attendances.all()
    context: dict[str, Any] = {
        "row": row,
        "guests": guests.order_by("enterprise__code"),
        "invited": every.filter(invited=True).count(),
        "signed": every.exclude(signed_at=None).count(),
        "materials": row.materials.all(),
        "may_edit": holds(request.user, EDIT, row.host) and row.state != Gathering.State.CANCELLED,
        "invite": forms.get("invite") or CodesForm(prefix="invite"),
        "sign": forms.get("sign") or CodesForm(prefix="sign"),
        "held": forms.get("held")
        or HeldForm(prefix="held", initial={"heads": row.heads, "summary": row.summary}),
        "material": forms.get("material") or MaterialForm(prefix="material"),
    }
    return render(request, "matching/gathering.html", context, status=status)
