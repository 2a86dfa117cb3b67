"""The weekly meeting sheet and the monthly review: looked at, added to, issued, found again."""

from __future__ import annotations

import io
from datetime import date
from typing import cast

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from muheng.casework.period import Period, Span, period_of
from muheng.reports.meeting import Meeting, fill_meeting
from muheng.reports.review import Review, fill_review
from muheng.web.casework import papers as room
from muheng.web.casework.models import Paper
from muheng.web.casework.pages.measures import today
from muheng.web.casework.queries import VIEW
from muheng.web.files.pages import download
from muheng.web.people.models import Organisation
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.request import Request

ROWS = 30
SPANS: dict[str, Span] = {"meeting": "week", "review": "month"}
BACK = 12


@require_GET
def papers(request: Request) -> HttpResponse:
    """What can be made now, and what was issued."""
    require(request.user, VIEW)
    page = Paginator(room.papers_for(request.user), ROWS).get_page(request.GET.get("page"))
    places = room.places_of(request.user)
    kinds = [
        (kind, name, period_of(SPANS[kind], today()).title.render(language()))
        for kind, name in Paper.Kind.choices
    ]
    context = {
        "page": page,
        "query": "",
        "places": places,
        "kinds": kinds,
        "place": places[0] if places else None,
    }
    return render(request, "casework/measures/papers.html", context)


def _asked(request: Request, kind: str) -> tuple[room.Kind, Organisation, date, Period]:
    """What paper is asked for: of which place, and of which days. Raises Http404."""
    require(request.user, VIEW)
    if kind not in SPANS:
        raise Http404(kind)
    asked = request.POST if request.method == "POST" else request.GET
    places = {str(each.pk): each for each in room.places_of(request.user)}
    place = places.get(asked.get("place", "")) or next(iter(places.values()), None)
    if place is None or (asked.get("place") and asked["place"] not in places):
        raise Http404(asked.get("place"))
    now = today()
    try:
        day = min(max(date.fromisoformat(asked.get("day", "")), date(2000, 1, 1)), now)
    except ValueError:
        day = now
    return cast(room.Kind, kind), place, day, period_of(SPANS[kind], day)


def _said(request: Request) -> list[str] | None:
    asked = request.POST if request.method == "POST" else request.GET
    return room.clean_lines(asked["said"].splitlines()) if "said" in asked else None


@require_GET
def draft(request: Request, kind: str) -> HttpResponse:
    """The paper as it would be issued now."""
    asked, place, day, period = _asked(request, kind)
    issuer = room.issuer_of(request.user)
    said = _said(request)
    paper = room.draft(asked, place, day, today(), issuer, said or ())
    if said is None:
        said = room.propose(paper)
        paper = room.draft(asked, place, day, today(), issuer, said) if said else paper
    periods, each = [], period_of(SPANS[kind], today())
    for _back in range(BACK):
        periods.append((each.first.isoformat(), each.title.render(language())))
        each = each.before
    context = {
        "kind": kind,
        "name": Paper.Kind(kind).label,
        "paper": paper,
        "values": fill(paper),
        "place": place,
        "places": room.places_of(request.user),
        "periods": periods,
        "day": period.first.isoformat(),
        "said": "\n".join(said),
        "may_issue": room.may_issue(request.user, place),
        "past": period.last < today(),
        "issued": room.papers_for(request.user).filter(kind=kind, place=place, first=period.first),
        "query": f"place={place.pk}&day={period.first.isoformat()}",
    }
    return render(request, "casework/measures/draft.html", context)


def fill(paper: Meeting | Review) -> dict[str, object]:
    """What the page shows: the same values that the Word template is given."""
    return fill_meeting(paper) if isinstance(paper, Meeting) else fill_review(paper)


@require_POST
def look(request: Request, kind: str) -> FileResponse:
    """The Word file of a draft, marked as one."""
    asked, place, day, _period = _asked(request, kind)
    paper = room.draft(asked, place, day, today(), room.issuer_of(request.user), _said(request) or ())
    paper = paper.model_copy(update={"title": f"{paper.title}（草稿）"})
    held = io.BytesIO(room.make_docx(paper))
    return FileResponse(held, as_attachment=True, filename=f"{paper.title}.docx")


@require_POST
def issue(request: Request, kind: str) -> HttpResponse:
    """Hand it out."""
    asked, place, day, _period = _asked(request, kind)
    issued = room.issue(request.user, asked, place, day, _said(request) or ())
    return HttpResponseRedirect(reverse("casework:paper-issued", args=[issued.pk]))


@require_GET
def issued(request: Request, number: int) -> HttpResponse:
    """A paper as it was handed out."""
    require(request.user, VIEW)
    found = get_object_or_404(room.papers_for(request.user), pk=number)
    paper = room.read_paper(found)
    later = room.papers_for(request.user).filter(
        kind=found.kind, place=found.place, first=found.first, edition__gt=found.edition
    )
    context = {
        "found": found,
        "kind": found.kind,
        "name": Paper.Kind(found.kind).label,
        "paper": paper,
        "values": fill(paper),
        "later": later.order_by("edition").last(),
    }
    return render(request, "casework/measures/issued.html", context)


@require_GET
def issued_file(request: Request, number: int, form: str) -> FileResponse:
    """Its Word file or workbook, the very bytes that were handed out."""
    require(request.user, VIEW)
    found = get_object_or_404(room.papers_for(request.user), pk=number)
    if form not in ("docx", "xlsx"):
        raise Http404(form)
    return download(found.docx if form == "docx" else found.xlsx)
