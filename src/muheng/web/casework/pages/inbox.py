"""The inboxes of an official: what waits, by whose hands it has to go, the next due first."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.casework import exports, listing, queries
from muheng.web.casework.models import SavedList
from muheng.web.casework.pages.bulk import list_deeds
from muheng.web.casework.pages.lists import clean_query, require_official
from muheng.web.files.pages import download
from muheng.web.jobs.models import Job
from muheng.web.paging import rest_of_query
from muheng.web.people.models import User
from muheng.web.people.rights import holds, posts_of, represents
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import enterprises_for
from muheng.web.request import Request

MOST_LISTS = 30


def inbox(request: Request) -> HttpResponse:
    """What waits for a person, the next due first."""
    user, now = request.user, timezone.now()
    if represents(user) and not posts_of(user):
        return redirect("casework:mine")
    require_official(user)
    tabs = listing.show_tabs(user, now)
    asked = listing.resolve(listing.read_question(request.GET), tabs)
    page = listing.read_page(user, asked, request.GET.get("page", ""), now)
    rows = listing.read_rows(page.keys, now)
    query = _query(request, asked)
    context = {
        "tabs": tabs,
        "asked": asked,
        "title": listing.TABS[asked.tab],
        "page": page,
        "rows": rows,
        "choices": listing.offer_choices(user, asked),
        "query": query,
        "narrowed": asked.filtered,
        "saved": list(SavedList.objects.filter(user=user)),
        "deeds": list_deeds(user) if rows else [],
        "may_open": holds(user, "casework.open"),
        "may_measure": holds(user, queries.VIEW),
        "may_set": holds(user, "casework.set"),
        "overdue_first": asked.tab != "all" or asked.overdue,
        "enterprise": _enterprise(user, asked),
    }
    return render(request, "casework/inbox.html", context)


def _enterprise(user: User, asked: listing.Question) -> Enterprise | None:
    """The enterprise whose cases are asked for, for the page to name it."""
    return enterprises_for(user).filter(code=asked.enterprise).first() if asked.enterprise else None


def _query(request: Request, asked: listing.Question) -> str:
    """The rest of the address, with the inbox that was chosen for who named none."""
    rest = rest_of_query(request, "tab")
    return f"tab={asked.tab}&{rest}"


# -- lists that a person named -----------------------------------------------------------------------------


@require_POST
def save_list(request: Request) -> HttpResponse:
    """Keep the filter under a name; the same name replaces what it had."""
    require_official(request.user)
    name = " ".join(request.POST.get("name", "").split())[:60]
    query = clean_query(request.POST.get("query", ""))
    held = SavedList.objects.filter(user=request.user)
    if not name:
        messages.error(request, _("给这份清单起个名字。"))
    elif held.exclude(name=name).count() >= MOST_LISTS:
        messages.error(request, _("最多存 %(most)d 份清单，请先删掉不用的。") % {"most": MOST_LISTS})
    else:
        SavedList.objects.update_or_create(user=request.user, name=name, defaults={"query": query})
        messages.success(request, _("已存为“%(name)s”。") % {"name": name})
    return redirect(f"{reverse('casework:inbox')}?{query}")


@require_POST
def remove_list(request: Request, number: int) -> HttpResponse:
    found = get_object_or_404(SavedList, pk=number, user=request.user)
    messages.success(request, _("已删去“%(name)s”。") % {"name": found.name})
    found.delete()
    return redirect("casework:inbox")


# -- as a workbook -----------------------------------------------------------------------------------------


@require_POST
def export(request: Request) -> HttpResponse:
    """Ask for the list as a workbook; it is written in the background."""
    require_official(request.user)
    job = exports.ask(request.user, clean_query(request.POST.get("query", "")))
    return redirect("casework:exported", job.pk)


def exported(request: Request, number: int) -> HttpResponse | FileResponse:
    """The workbook on its way, then the workbook; only for who asked for it."""
    if "file" in request.GET:
        return download(exports.find(request.user, number))
    job = get_object_or_404(Job, pk=number, kind=exports.KIND, owner=request.user)
    return render(request, "casework/exported.html", {"job": job, "done": job.state == Job.State.DONE})
