"""In which language a person reads: what they chose, Chinese until then, whatever their browser says."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from muheng.documents.message import Language

COOKIE = settings.LANGUAGE_COOKIE_NAME


class LanguageMiddleware:
    """Turns the pages of a request to the language chosen in the cookie; the API's to ``?lang=en``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("lang") if request.path.startswith("/api/") else request.COOKIES.get(COOKIE)
        with translation.override("en" if asked == "en" else "zh-hans"):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language())
            return response


def language() -> Language:
    """The library's name of the language of this request."""
    return "en" if (translation.get_language() or "").startswith("en") else "zh"
