"""The parcels of a run's enterprises on the map, coloured by grade."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.urls import reverse

from muheng.reports import words
from muheng.web.evaluation.pages.run import show
from muheng.web.evaluation.queries.maps import MOST, parcels_of
from muheng.web.evaluation.queries.results import see_run
from muheng.web.evaluation.queries.table import choose_rows, list_choices, list_fields, read_question
from muheng.web.reading import language
from muheng.web.request import Request


def page(request: Request, evaluation: int, number: int) -> HttpResponse:
    seen = see_run(request.user, evaluation, number)
    question = read_question(request.GET, list_fields(seen))
    address = reverse("evaluation:run-map-data", args=(evaluation, number))
    grades = [(grade, seen.plan.document.grade[grade].name) for grade in seen.plan.grades]
    return show(
        request,
        seen,
        "run-map",
        "evaluation/results/map.html",
        question=question,
        choices=list_choices(seen),
        count=len(choose_rows(seen, question)),
        data=f"{address}?{question.address}",
        legend=[*grades, ("", words.UNGRADED.render(language()))],
        address=question.address,
        most=MOST,
    )


def data(request: Request, evaluation: int, number: int) -> HttpResponse:
    """GeoJSON for the page."""
    seen = see_run(request.user, evaluation, number)
    question = read_question(request.GET, list_fields(seen))
    return JsonResponse(parcels_of(seen, choose_rows(seen, question)))
