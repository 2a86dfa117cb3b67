"""What an action will not do, said to the person who asked: what is wrong, and what to do.

An action raises ``Refused``; a page shows it in its place, the API answers it as a body of one form.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve

from muheng.documents.message import Language, Refusal


class Refused(Exception):
    """Refused with a sentence. ``status`` is the HTTP status; ``code`` names the kind for programs; ``at`` the field."""

    def __init__(
        self, what: str, fix: str = "", *, status: int = 409, code: str = "conflict", at: str = ""
    ) -> None:
        super().__init__(what)
        self.what, self.fix, self.status, self.code, self.at = what, fix, status, code, at

    def body(self) -> dict[str, object]:
        """The error as the API answers it."""
        return {"error": {"code": self.code, "what": self.what, "fix": self.fix, "at": self.at}}


def invalid(what: str, at: str, fix: str = "") -> Refused:
    """What was typed in the field ``at`` cannot be taken."""
    return Refused(what, fix, status=422, code="invalid", at=at)


def refused_by(refusal: Refusal, lang: Language) -> Refused:
    """The library's refusal as the site's, in the language of the reader."""
    fix = refusal.fix.render(lang) if refusal.fix is not None else ""
    return Refused(refusal.what.render(lang), fix, status=422, code="invalid")


class RefusalMiddleware:
    """Shows a refusal that a page let through as a page of its own, or as a fragment to htmx."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405 and request.method == "GET" and not request.path.startswith("/api/"):
            # Where only forms are sent to, somebody comes who changes the language on the page that refused one.
            return redirect(_above(request.path))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return show_refused(request, exception) if isinstance(exception, Refused) else None


def show_refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    """A refusal as a page of its own, or as a fragment to htmx."""
    asked_by_htmx = getattr(request, "htmx", False)
    template = "web/refused_part.html" if asked_by_htmx else "web/refused.html"
    response = render(request, template, {"refused": refused}, status=refused.status)
    if asked_by_htmx:
        # The place that asked keeps what it has; the sentence goes to the messages of the page.
        response.headers["HX-Retarget"] = "#messages"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def _above(path: str) -> str:
    """The nearest address above that is a page."""
    while path != "/":
        path = path.rstrip("/").rpartition("/")[0] + "/"
        try:
            resolve(path)
        except Resolver404:
            continue
        break
    return path
