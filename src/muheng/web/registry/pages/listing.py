"""The list of enterprises, its export, search as one types, and an enterprise account's own."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from muheng.web.files.pages import download
from muheng.web.jobs.models import Job
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import holds, require
from muheng.web.people.scope import scope_of
from muheng.web.registry import listing
from muheng.web.registry.exports import KIND, ask_if_long, find_export, write_at_once
from muheng.web.registry.queries import enterprises_for
from muheng.web.registry.search import search
from muheng.web.request import Request

PAGE = 50


def show_list(request: Request) -> HttpResponse:
    """The enterprises that a person looks after; what is typed into the header's box comes here too."""
    require(request.user, "registry.view")
    scope = scope_of(request.user)
    asked = listing.read_question(request.GET)
    numbers = listing.list_numbers(listing.find_rows(scope, asked), asked)
    page = Paginator(numbers, PAGE).get_page(request.GET.get("page"))
    found = listing.read_page(page.object_list, asked.columns)
    if len(found) == 1 and "go" in request.GET and page.paginator.count == 1:
        return redirect("registry:show", found[0]["code"])
    keys = ("name", *asked.columns)
    return render(
        request,
        "registry/list.html",
        {
            "asked": asked,
            "page": page,
            "rows": listing.show_rows(found, asked.columns),
            "heads": [_head(request, asked, key) for key in keys],
            "columns": [
                (column.key, column.title, column.key in asked.columns) for column in listing.COLUMNS.values()
            ],
            "columns_open": asked.columns != listing.SHOWN,
            "choices": listing.offer_choices(scope, asked.county),
            "query": rest_of_query(request),
            "may_register": holds(request.user, "registry.edit"),
            "merged": listing.MERGED,
        },
    )


def _head(request: Request, asked: listing.Question, key: str) -> dict[str, object]:
    """A column's head: its title, and the address that sorts by it."""
    title = _("企业名称") if key == "name" else listing.COLUMNS[key].title
    if key not in listing.SORTS:
        return {"title": title}
    turned = key == asked.sort and not asked.descending
    return {
        "title": title,
        "href": f"?{rest_of_query(request, 'sort')}sort={'-' if turned else ''}{key}",
        "sorted": ("descending" if asked.descending else "ascending") if key == asked.sort else "",
    }


def search_typed(request: Request) -> HttpResponse:
    """What is found so far, for the box in the header."""
    require(request.user, "registry.view")
    query = request.GET.get("q", "")[:100].replace("\x00", "")
    found = search(scope_of(request.user), query, 8) if query.strip() else []
    return render(request, "registry/found.html", {"found": found, "query": query.strip()})


def export(request: Request) -> HttpResponse | FileResponse:
    """The list as a workbook: at once, or in the background where it is long."""
    require(request.user, "registry.view")
    scope = scope_of(request.user)
    asked = listing.read_question(request.GET)
    job = ask_if_long(request.user, request.GET.urlencode(), asked)
    return redirect("registry:exported", job.pk) if job is not None else write_at_once(scope, asked)


def exported(request: Request, number: int) -> HttpResponse | FileResponse:
    """A long list on its way, then the workbook; only for who asked for it."""
    if "file" in request.GET:
        return download(find_export(request.user, number))
    job = get_object_or_404(Job, pk=number, kind=KIND, owner=request.user)
    return render(request, "registry/exported.html", {"job": job, "done": job.state == Job.State.DONE})


def mine(request: Request) -> HttpResponse:
    """An enterprise account's own file, or the choice among several."""
    numbers = scope_of(request.user).enterprises
    if not numbers:
        raise Http404
    own = list(enterprises_for(request.user).filter(pk__in=numbers).order_by("code"))
    if len(own) == 1:
        return redirect("registry:show", own[0].code)
    return render(request, "registry/mine.html", {"own": own})
