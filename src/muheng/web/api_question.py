"""What stands after the question mark of an API address: a name that the operation does not know is refused.

A filter that is misspelt would else be passed over, and its asker would take the whole list for the part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from muheng.web.refusal import Refused

LANG = "lang"
"""Every operation knows it."""

Run = Callable[..., Any]


def know_questions(run: Run) -> Run:
    """For ``NinjaAPI.add_decorator(…, mode="view")``: has every operation refuse names that it does not know."""
    operation: Any = run.__self__  # type: ignore[attr-defined]
    known = [
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    ]
    view = operation.view_func

    # Around the view, so that a stranger is told first that they are one.
    @wraps(view)
    def asked(request: HttpRequest, **values: Any) -> Any:
        refuse_unknown(request.GET, known)
        return view(request, **values)

    operation.view_func = asked
    return run


def refuse_unknown(asked: Collection[str], known: Collection[str]) -> None:
    """Raises Refused for the names that are not known, and says which are."""
    unknown = [name for name in asked if name != LANG and name not in known]
    if not unknown:
        return
    raise Refused(
        _("这个地址没有“%(names)s”这样的条件。") % {"names": "”“".join(name[:40] for name in unknown[:5])},
        _("可以用：%(names)s。") % {"names": "、".join((*known, LANG))},
        status=422,
        code="unknown_parameter",
        at=unknown[0][:100],
    )
