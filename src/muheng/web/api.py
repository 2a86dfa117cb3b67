"""The programs' way in, ``/api/``: the same queries and actions as the pages, with keys, paging and one form of error."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer, SessionAuth

from muheng.web.people.keys import find_person
from muheng.web.refusal import Refused


class KeyAuth(HttpBearer):
    """``Authorization: Bearer mh_…``."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        person = find_person(token)
        if person is not None:
            request.user = person
        return person


api = NinjaAPI(
    title="Muheng",
    version="1",
    description="亩衡的接口。与页面同一套查询和操作；用密钥（Bearer）或登录后的会话。",
    auth=[KeyAuth(), SessionAuth()],
    docs_decorator=lambda view: view,
    urls_namespace="api",
)


def answer(request: HttpRequest, refused: Refused) -> HttpResponse:
    return api.create_response(request, refused.body(), status=refused.status)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return answer(request, error)


@api.exception_handler(AuthenticationError)
def _stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return answer(request, Refused(_("请先登录，或带上密钥。"), status=401, code="unauthenticated"))


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return answer(request, Refused(_("没有找到。"), status=404, code="not_found"))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    place = ".".join(str(part) for part in first.get("loc", ()))
    return answer(
        request,
        Refused(
            _("请求的内容不对：%(what)s") % {"what": first.get("msg", "")},
            status=422,
            code="invalid",
            at=place,
        ),
    )


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return answer(request, Refused(str(error), status=error.status_code, code="http"))


def mount() -> None:
    """Each room's router under its name."""
    for room in settings.ROOMS:
        module = apps.get_app_config(room).module
        if module is not None and module_has_submodule(module, "api"):
            found = import_module(f"{module.__name__}.api")
            api.add_router(f"/{found.PREFIX}/", found.router)


mount()
# Asked for once: each asking makes new views.
addresses = api.urls
# A key comes without a session: the pages' rule of logging in first is not for programs.
for _pattern in addresses[0]:
    if _pattern.callback is not None:
        _pattern.callback = login_not_required(_pattern.callback)
