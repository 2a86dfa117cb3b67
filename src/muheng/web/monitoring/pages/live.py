"""The live board and the map."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from muheng.web.monitoring.queries import board
from muheng.web.monitoring.queries.receiver import read_receiver
from muheng.web.monitoring.queries.scope import VIEW
from muheng.web.paging import answer, rest_of_query
from muheng.web.people.rights import holds, require
from muheng.web.registry.maps import ground
from muheng.web.request import Request

PAGE = 50


@require_GET
def home(request: Request) -> HttpResponse:
    """The points, worst first; asked by htmx, only what changes with the data."""
    require(request.user, VIEW)
    now = timezone.now()
    asked = board.read_question(request.GET)
    found = board.ask_points(request.user, asked, now)
    # Only numbers are sorted: whole rows, with all their values, cost several times as much.
    ordered = board.worst_first(found, asked, now).values_list("pk", flat=True)
    page = Paginator(ordered, PAGE).get_page(request.GET.get("page"))
    points = board.read_rows(request.user, list(page), now)
    receiver = read_receiver()
    context: dict[str, Any] = {
        "asked": asked,
        "counts": board.count_states(request.user, now),
        "rows": board.show_rows(points, now, asked.factor),
        "page": page,
        "query": rest_of_query(request),
        "receiver": receiver,
        "runs": receiver.runs(now),
        "now": now,
        "may_edit": holds(request.user, "monitoring.edit"),
    }
    if request.htmx:
        return render(request, "monitoring/board.html", context | {"oob": True})
    return render(request, "monitoring/home.html", context | _choices(request))


@require_GET
def on_map(request: Request) -> HttpResponse:
    """The same points where they are."""
    require(request.user, VIEW)
    context = {
        "asked": board.read_question(request.GET),
        "counts": board.count_states(request.user, timezone.now()),
        "query": request.GET.urlencode(),
    }
    return render(request, "monitoring/map.html", context | _choices(request))


@require_GET
def map_data(request: Request) -> HttpResponse:
    """GeoJSON: counties behind, points in front."""
    require(request.user, VIEW)
    now = timezone.now()
    found = board.ask_points(request.user, board.read_question(request.GET), now)
    return answer({"type": "FeatureCollection", "features": [*ground(), *board.draw_features(found, now)]})


def _choices(request: Request) -> dict[str, Any]:
    states = [*board.STATES.items(), ("online", board.ONLINE)]
    return {"choices": board.choices_of(request.user), "states": states}
