"""Pages that belong to no room: the language switch, and what is said when something is not there."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from muheng.web.reading import COOKIE


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language and go back to the page."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    chosen = "en" if request.POST.get("language") == "en" else "zh-hans"
    response.set_cookie(COOKIE, chosen, max_age=31_536_000, samesite="Lax", httponly=True)
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "web/not_found.html", status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "web/forbidden.html", status=403)


def broken(request: HttpRequest) -> HttpResponse:
    return render(request, "web/broken.html", status=500)
