"""A person's notices and how they wish to be told; for who may, the channels of organisations with their log."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.jobs.models import Job
from muheng.web.notices import actions, queries
from muheng.web.notices.forms import ChannelForm, NewChannelForm
from muheng.web.notices.models import Channel, Notice, Preference
from muheng.web.notices.reasons import REASONS
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.request import Request

_PAGE = 50


def list_notices(request: Request) -> HttpResponse:
    """One's own notices, unread first."""
    room = request.GET.get("room", "")[:20]
    unread = bool(request.GET.get("unread"))
    page = Paginator(queries.notices_of(request.user, room, unread), _PAGE).get_page(request.GET.get("page"))
    rooms = queries.rooms_of(request.user)
    return render(
        request,
        "notices/list.html",
        {
            "page": page,
            "rows": [(notice, queries.room_title(notice.room)) for notice in page],
            "query": rest_of_query(request),
            "rooms": rooms,
            "room": room,
            "unread": unread,
            "waiting": sum(count for _room, _title, count in rooms),
            "configures": holds(request.user, actions.RIGHT),
        },
    )


def open_notice(request: Request, number: int) -> HttpResponse:
    """Marks a notice as read and goes on to what it is about; links in mails come here too, so it is a plain link."""
    notice = get_object_or_404(Notice, pk=number, person=request.user)
    actions.mark_read(request.user, [notice.pk])
    return redirect(notice.href)


@require_POST
def read(request: Request, number: int) -> HttpResponse:
    notice = get_object_or_404(Notice, pk=number, person=request.user)
    actions.mark_read(request.user, [notice.pk])
    return _back(request)


@require_POST
def read_all(request: Request) -> HttpResponse:
    done = actions.mark_all_read(request.user, request.POST.get("room", ""))
    messages.success(request, _("已标记 %(count)d 条为已读。") % {"count": done})
    return _back(request)


def _back(request: Request) -> HttpResponse:
    """To the list as it was filtered."""
    asked = request.POST.get("query", "")
    return redirect(f"/notices/?{asked}" if asked.isprintable() and len(asked) < 200 else "notices:list")


def preferences(request: Request) -> HttpResponse:
    """In the site always; by mail as one wishes."""
    person = request.user
    held = Preference.objects.filter(person=person).first() or Preference(person=person)
    given = {"mail": held.mail, "language": held.language, "email": person.email}
    refused: Refused | None = None
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in given}
        try:
            actions.set_preference(person, **given)
        except Refused as found:
            refused = found
        else:
            messages.success(request, _("已保存。"))
            return redirect("notices:preferences")
    context = {
        "given": given,
        "refused": refused,
        "mails": Preference.Mail.choices,
        "tongues": Preference.Tongue.choices,
        "mailing": settings.MAILING,
    }
    return render(request, "notices/preferences.html", context, status=422 if refused else 200)


# -- channels --------------------------------------------------------------------------------------


def list_channels(request: Request) -> HttpResponse:
    """The channels that the person sets up, and mails that have not gone."""
    require(request.user, actions.RIGHT)
    letters = Paginator(queries.troubled_letters(request.user), _PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "notices/channels.html",
        {
            "channels": list(queries.channels_for(request.user)),
            "page": letters,
            "letters": [(letter, REASONS.get(letter.reason, letter.reason)) for letter in letters],
            "query": rest_of_query(request),
            "mailing": settings.MAILING,
            "site": settings.SITE,
        },
    )


def new_channel(request: Request) -> HttpResponse:
    require(request.user, actions.RIGHT)
    form = NewChannelForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            channel = actions.make_channel(
                request.user, form.cleaned_data["organisation"], form.cleaned_data["kind"], **form.values()
            )
        except Refused as refused:
            _show_in(form, refused)
        else:
            messages.success(request, _("渠道已建好，发一条测试消息看看。"))
            return redirect("notices:channel", channel.pk)
    status = 422 if form.errors else 200
    return render(request, "notices/new_channel.html", {"form": form}, status=status)


def show_channel(request: Request, number: int) -> HttpResponse:
    """A channel's settings, its trial, and the log of what went out."""
    channel = _find(request, number)
    given = {
        "name": channel.name,
        "rooms": channel.rooms,
        "urgent_only": channel.urgent_only,
        "language": channel.language,
    }
    form = ChannelForm(request.POST or None, initial=given)
    if request.method == "POST" and channel.ended_at is None and form.is_valid():
        try:
            actions.change_channel(request.user, channel, **form.values())
        except Refused as refused:
            _show_in(form, refused)
        else:
            messages.success(request, _("已保存。"))
            return redirect("notices:channel", channel.pk)
    log = queries.dispatches_for(request.user).filter(channel=channel)
    page = Paginator(log, _PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "channel": channel,
        "form": form,
        "page": page,
        "rows": [(dispatch, REASONS.get(dispatch.reason, dispatch.reason)) for dispatch in page],
        "query": rest_of_query(request),
        "titles": [queries.room_title(room) for room in channel.rooms],
        "job": _trial(request, channel),
    }
    return render(request, "notices/channel.html", context, status=422 if form.errors else 200)


@require_POST
def try_channel(request: Request, number: int) -> HttpResponse:
    actions.try_channel(request.user, _find(request, number))
    return redirect("notices:channel", number)


@require_POST
def end_channel(request: Request, number: int) -> HttpResponse:
    actions.end_channel(request.user, _find(request, number))
    messages.success(request, _("渠道已停用。"))
    return redirect("notices:channels")


@require_POST
def send_again(request: Request, number: int) -> HttpResponse:
    require(request.user, actions.RIGHT)
    dispatch = get_object_or_404(queries.dispatches_for(request.user).select_related("channel"), pk=number)
    actions.send_again(request.user, dispatch)
    messages.success(request, _("已排队再发。"))
    return redirect("notices:channel", dispatch.channel_id)


def _find(request: Request, number: int) -> Channel:
    """A channel that the person sets up; what is elsewhere is not there for them."""
    require(request.user, actions.RIGHT)
    return get_object_or_404(queries.channels_for(request.user), pk=number)


def _trial(request: Request, channel: Channel) -> Job | None:
    """The trial of the channel that is under way."""
    open_states = (Job.State.WAITING, Job.State.RUNNING)
    trials = channel.dispatches.filter(trial=True).values_list("pk", flat=True)
    return Job.objects.filter(
        owner=request.user,
        kind=actions.TRY,
        state__in=open_states,
        arguments__dispatch__in=list(trials[:200]),
    ).first()


def _show_in(form: ChannelForm, refused: Refused) -> None:
    """A refusal at its field."""
    form.add_error(refused.at if refused.at in form.fields else None, f"{refused.what} {refused.fix}".strip())
