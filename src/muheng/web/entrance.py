"""What is turned away before any room sees it: requests too large to take in, and text that no database keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from muheng.web.refusal import Refused, show_refused


class EntranceMiddleware:
    """Stands before everything that reads a request's body, and behind what says who sends it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _size(request) > _limit(request):
            refused = Refused(_("请求太大。"), _("请分成几次。"), status=413, code="too_large")
            if request.path_info.startswith("/api/"):
                return JsonResponse(refused.body(), status=refused.status)
            return show_refused(request, refused)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """The API says this in its own way (``api_errors``)."""
        if request.path_info.startswith("/api/") or not _has_nul(request):
            return None
        what, fix = _("文字里有不可见的控制字符。"), _("请去掉再发。")
        return show_refused(request, Refused(what, fix, status=422, code="invalid"))


def _size(request: HttpRequest) -> int:
    """As the head of the request says; a server reads no more than that."""
    return read_number(request.META.get("CONTENT_LENGTH") or "0") or 0


def _limit(request: HttpRequest) -> int:
    """A stranger sends no files. Who comes with a key is asked for it before the API reads on."""
    known = request.user.is_authenticated or "Authorization" in request.headers
    return settings.REQUEST_MAX_BYTES if known else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _has_nul(request: HttpRequest) -> bool:
    given = [request.GET, request.POST] if request.method == "POST" else [request.GET]
    texts = (text for each in given for name, values in each.lists() for text in (name, *values))
    return "\0" in request.path_info or any("\0" in text for text in texts)


def read_number(text: str) -> int | None:
    """A number as addresses and forms write it; None for anything else, and for what no database holds."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def clean_text(text: str) -> str:
    """What a person wrote, without characters that nobody sees and databases refuse."""
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n").strip()
