"""The programs' way in, ``/api/``: the same queries and actions as the pages, with keys, paging and one form of error."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils.module_loading import module_has_submodule
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer, SessionAuth

from muheng.web.api_description import ABOUT, TITLE, complete
from muheng.web.api_errors import (
    TextParser,
    answer,
    handle_errors,
    method_not_allowed,
    not_found,
    unknown_address,
)
from muheng.web.api_question import know_questions
from muheng.web.people.keys import find_person

View = Callable[..., HttpResponse]


class KeyAuth(HttpBearer):
    """``Authorization: Bearer mh_…``."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        person = find_person(token)
        if person is not None:
            request.user = person
        return person


class BrowserAuth(SessionAuth):
    """A session of the pages, with its CSRF token. Who sends a key is not asked for one."""

    def __call__(self, request: HttpRequest) -> Any:
        if "Authorization" in request.headers or not request.user.is_authenticated:
            return None
        return super().__call__(request)


class SiteAPI(NinjaAPI):
    """The API with a description that says of each operation what is true of all."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        description = super().get_openapi_schema(path_prefix=prefix)
        complete(description, prefix)
        return description

    def get_openapi_operation_id(self, operation: Any) -> str:
        """``intake_list_batches``: the room, and what it does."""
        view = operation.view_func
        return f"{view.__module__.split('.')[2]}_{view.__name__}"


api = SiteAPI(
    title=TITLE,
    version="1",
    description=ABOUT,
    auth=[KeyAuth(), BrowserAuth()],
    parser=TextParser(),
    urls_namespace="api",
)
handle_errors(api)
api.add_decorator(know_questions, mode="view")


def mount() -> None:
    """Each room's router under its name."""
    for room in settings.ROOMS:
        module = apps.get_app_config(room).module
        if module is not None and module_has_submodule(module, "api"):
            found = import_module(f"{module.__name__}.api")
            routers = getattr(found, "ROUTERS", None) or {found.PREFIX: found.router}
            for prefix, router in routers.items():
                api.add_router(f"/{prefix}/", router)


def _guard(view: View) -> View:
    """A view whose refusals all have the one form; a key comes without a session, so logging in is not for it."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if any("\0" in value for value in kwargs.values() if isinstance(value, str)):
            return answer(not_found())
        try:
            response = view(request, *args, **kwargs)
        except Http404:  # the API's root
            return answer(unknown_address())
        if response.status_code == 405:
            return method_not_allowed(request.method, response.headers.get("Allow", ""))
        return response

    return login_not_required(guarded)


@csrf_exempt
@login_not_required
def find_address(request: HttpRequest, rest: str) -> HttpResponse:
    """What is no address of the API; one that only has a stroke too many or too few at its end is meant."""
    path = request.path_info
    try:
        match = resolve(path[:-1] if path.endswith("/") else f"{path}/")
    except Resolver404:
        return answer(unknown_address())
    if match.func is find_address:
        return answer(unknown_address())
    found: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return found


mount()
# Asked for once: each asking makes new views.
addresses = api.urls
for _pattern in addresses[0]:
    if _pattern.callback is not None:
        _pattern.callback = _guard(_pattern.callback)
