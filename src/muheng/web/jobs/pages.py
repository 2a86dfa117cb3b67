"""One job as a live strip of progress, and the button that stops it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from muheng.web.jobs import actions
from muheng.web.jobs.models import Job
from muheng.web.request import Request


def show(request: Request, number: int) -> HttpResponse:
    """The strip; it asks for itself again until the job has ended, and then reloads the page around it."""
    job = get_object_or_404(Job, pk=number, owner=request.user)
    response = render(request, "jobs/strip.html", {"job": job})
    if job.ended and request.GET.get("watched"):
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
def cancel(request: Request, number: int) -> HttpResponse:
    job = get_object_or_404(Job, pk=number, owner=request.user)
    actions.cancel(job)
    job.refresh_from_db()
    return render(request, "jobs/strip.html", {"job": job})
