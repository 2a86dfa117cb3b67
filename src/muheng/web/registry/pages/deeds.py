"""Changing a file: registering, the small changes, merging and splitting with their previews, undoing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.entrance import read_number
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry import actions, reorganisation
from muheng.web.registry.forms import (
    AttributeForm,
    ContactForm,
    MergeForm,
    ParcelStateForm,
    PlaceForm,
    RegisterForm,
    RenameForm,
    SplitForm,
    StatusForm,
    add_refusal,
)
from muheng.web.registry.models import Enterprise, Reorganisation
from muheng.web.registry.queries import enterprises_for, find_enterprise, official_scope
from muheng.web.request import Request


def register(request: Request) -> HttpResponse:
    """Open a file."""
    require(request.user, "registry.edit")
    form = RegisterForm(official_scope(request.user, "registry.edit"), request.POST or None)
    if form.is_valid():
        try:
            made = actions.register_enterprise(request.user, **form.cleaned_data)
        except Refused as refused:
            add_refusal(form, refused.what, refused.fix, refused.at)
        else:
            messages.success(request, _("已建档。"))
            return redirect("registry:show", made.code)
    return render(request, "registry/register.html", {"form": form})


def edit(request: Request, code: str) -> HttpResponse:
    """The small changes of a file, each a form of its own."""
    enterprise = find_enterprise(request.user, code)
    actions.allow(request.user, "registry.edit", enterprise)
    scope = official_scope(request.user, "registry.edit")
    asked = request.POST.get("form", "")
    makers: dict[str, tuple[Any, Callable[..., forms.Form]]] = {
        "rename": (_("更名"), RenameForm),
        "attribute": (_("改登记事项"), AttributeForm),
        "place": (_("改镇街、园区"), lambda *given: PlaceForm(scope, enterprise, *given)),
        "status": (_("登记称号"), StatusForm),
        "parcel": (_("改宗地状态"), lambda *given: ParcelStateForm(enterprise, *given)),
        "contact": (_("加联系人"), ContactForm),
    }
    shown = {
        key: (title, make(request.POST) if key == asked else make()) for key, (title, make) in makers.items()
    }
    if asked in shown:
        form = shown[asked][1]
        if form.is_valid():
            try:
                _carry_out(request, enterprise, asked, form.cleaned_data)
            except Refused as refused:
                add_refusal(form, refused.what, refused.fix, refused.at)
            else:
                messages.success(request, _("已保存，改动记入历史。"))
                return redirect("registry:edit", enterprise.code)
    forms_shown = [
        {"key": key, "title": title, "form": form, "open": bool(form.errors)}
        for key, (title, form) in shown.items()
    ]
    return render(request, "registry/edit.html", {"enterprise": enterprise, "forms": forms_shown})


def _carry_out(request: Request, enterprise: Enterprise, which: str, given: dict[str, Any]) -> None:
    user = request.user
    if which == "rename":
        actions.rename(user, enterprise, **given)
    elif which == "attribute":
        actions.change_attribute(user, enterprise, **given)
    elif which == "place":
        actions.move(user, enterprise, **given)
    elif which == "status":
        actions.grant_status(user, enterprise, **given)
    elif which == "parcel":
        actions.set_parcel_state(user, **given)
    else:
        actions.add_contact(user, enterprise, **given)


def merge_page(request: Request, code: str) -> HttpResponse:
    """Into whom; then what would move; then the deed."""
    enterprise = find_enterprise(request.user, code)
    actions.allow(request.user, reorganisation.RIGHT, enterprise)
    form = MergeForm(request.POST or None)
    planned = target = None
    if form.is_valid():
        day, basis = form.cleaned_data["day"], form.cleaned_data["basis"]
        try:
            target = _other(request, form.cleaned_data["target"])
            if "confirmed" in request.POST:
                reorganisation.merge(request.user, enterprise, target, day, basis, _chosen(request))
                messages.success(request, _("已并入%(name)s。") % {"name": target.name})
                return redirect("registry:show", target.code)
            planned = reorganisation.preview(request.user, enterprise, day, target)
        except Refused as refused:
            add_refusal(form, refused.what, refused.fix, refused.at)
    return _reorganise(request, enterprise, form, planned, _("合并"), ticked=True)


def split_page(request: Request, code: str) -> HttpResponse:
    """The new enterprise; then what goes with it; then the deed."""
    enterprise = find_enterprise(request.user, code)
    actions.allow(request.user, reorganisation.RIGHT, enterprise)
    form = SplitForm(request.POST or None)
    planned = None
    if form.is_valid():
        given = form.cleaned_data
        try:
            if "confirmed" in request.POST:
                deed = reorganisation.split(request.user, enterprise, **given, chosen=_chosen(request))
                messages.success(request, _("已分立出%(name)s。") % {"name": deed.target.name})
                return redirect("registry:show", deed.target.code)
            planned = reorganisation.preview(request.user, enterprise, given["day"])
        except Refused as refused:
            add_refusal(form, refused.what, refused.fix, refused.at)
    return _reorganise(request, enterprise, form, planned, _("分立"), ticked=False)


@require_POST
def undo_page(request: Request, code: str, number: int) -> HttpResponse:
    """Take a merge or a split back."""
    enterprise = find_enterprise(request.user, code)
    deed = get_object_or_404(Reorganisation, pk=number)
    if enterprise.pk not in (deed.source_id, deed.target_id):
        raise Refused(_("没有找到。"), status=404, code="not_found")
    reorganisation.undo(request.user, deed, request.POST.get("why", ""))
    messages.success(request, _("已撤销，移动过的内容都回到原企业。"))
    return redirect("registry:history", enterprise.code)


def _reorganise(
    request: Request,
    enterprise: Enterprise,
    form: forms.Form,
    planned: reorganisation.Preview | None,
    title: str,
    *,
    ticked: bool,
) -> HttpResponse:
    chosen = _chosen(request) if "chosen" in request.POST else None
    groups = []
    for group in planned.groups if planned is not None else ():
        pieces = [
            {
                "piece": piece,
                "name": f"{group.key}:{piece.number}",
                "ticked": not piece.stays
                and (ticked if chosen is None else piece.number in chosen.get(group.key, ())),
            }
            for piece in group.pieces
        ]
        groups.append({"title": group.title, "pieces": pieces})
    return render(
        request,
        "registry/reorganise.html",
        {"enterprise": enterprise, "form": form, "planned": planned, "groups": groups, "title": title},
    )


def _chosen(request: Request) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for name in request.POST.getlist("chosen"):
        key, _colon, number = name.partition(":")
        if (piece := read_number(number)) is not None:
            found.setdefault(key, set()).add(piece)
    return found


def _other(request: Request, code: str) -> Enterprise:
    found = enterprises_for(request.user).filter(code=code.strip().upper()).first()
    if found is None:
        raise Refused(
            _("没有信用代码为 %(code)s 的企业。") % {"code": code}, status=422, code="invalid", at="target"
        )
    return found
