"""What the API answers when it does not do what was asked: one form, in the reader's language, whatever went wrong.

``{"error": {"code", "what", "fix", "at"}}``: ``code`` for programs, ``what`` and ``fix`` for people, ``at`` the field.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFilesSent
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser

from muheng.documents.message import Refusal
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by

_log = logging.getLogger(__name__)

STATUSES: Mapping[int, str] = {
    400: "请求体不是所要的格式。",
    401: "没有登录，也没有有效的密钥。",
    403: "没有这项权限。",
    404: "没有这一项，或不在您的权限之内。",
    409: "现在的状态下不能这样做，或别人先改过了。",
    413: "太大或太多。",
    422: "内容不对：缺少、超出范围或写法不对；at 是哪一项。",
    500: "网站出错了。",
}
"""Every status of a refusal, as the description of the API lists them."""


def answer(refused: Refused) -> HttpResponse:
    """A refusal as the API's body."""
    text = json.dumps(refused.body(), ensure_ascii=False)
    return HttpResponse(text, status=refused.status, content_type="application/json; charset=utf-8")


def not_found() -> Refused:
    return Refused(_("没有找到。"), status=404, code="not_found")


def unknown_address() -> Refused:
    return Refused(_("接口没有这个地址。"), _("全部地址见 /api/docs。"), status=404, code="unknown_address")


def method_not_allowed(method: str | None, allowed: str) -> HttpResponse:
    """For an address that knows other methods."""
    refused = Refused(
        _("这个地址不接受 %(method)s。") % {"method": method or ""},
        _("可以用：%(allowed)s。") % {"allowed": allowed},
        status=405,
        code="method_not_allowed",
    )
    response = answer(refused)
    response.headers["Allow"] = allowed
    return response


def handle_errors(api: NinjaAPI) -> None:
    """Give the API its answers to everything that an operation may raise."""
    for kind, handler in (
        (Refused, _refused),
        (Refusal, _refusal),
        (AuthenticationError, _stranger),
        (Http404, _missing),
        (ValidationError, _invalid),
        (HttpError, _http),
        (SuspiciousOperation, _suspicious),
        (MultiPartParserError, _malformed),
        (Exception, _broken),
    ):
        api.add_exception_handler(kind, handler)


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(error)


def _refusal(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(refused_by(error, language()))


def _stranger(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(Refused(_("请先登录，或带上密钥。"), status=401, code="unauthenticated"))


def _missing(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(not_found())


def _malformed(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(
        Refused(_("请求体读不懂。"), _("请按 /api/docs 所说的格式发送。"), status=400, code="malformed")
    )


def _suspicious(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error, RequestDataTooBig | TooManyFilesSent):
        return answer(Refused(_("请求太大。"), _("请分成几次。"), status=413, code="too_large"))
    return _malformed(request, error)


def _http(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error.__cause__, Refused):
        return answer(error.__cause__)
    if error.status_code == 403:
        what = _("用登录的会话操作时，要带上 CSRF 令牌。")
        return answer(Refused(what, _("程序请用密钥。"), status=403, code="csrf"))
    if error.status_code == 400:
        return _malformed(request, error)
    return answer(Refused(str(error), status=error.status_code, code="http"))


def _broken(request: HttpRequest, error: Any) -> HttpResponse:
    """What nobody foresaw: written down here, and no more than that told outside."""
    _log.error("%s %s", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=None, request=request)
    return answer(
        Refused(
            _("网站出错了，没有完成。"),
            _("请稍后再试；一直这样，请告诉网站的管理员。"),
            status=500,
            code="broken",
        )
    )


# -- what does not fit the description ---------------------------------------------------------------

_SENTENCES: Mapping[str, Any] = {
    "missing": gettext_lazy("必填"),
    "int_parsing": gettext_lazy("应是整数"),
    "int_type": gettext_lazy("应是整数"),
    "int_from_float": gettext_lazy("应是整数"),
    "int_parsing_size": gettext_lazy("数太大"),
    "float_parsing": gettext_lazy("应是数"),
    "float_type": gettext_lazy("应是数"),
    "finite_number": gettext_lazy("应是数"),
    "decimal_parsing": gettext_lazy("应是数"),
    "decimal_type": gettext_lazy("应是数"),
    "bool_parsing": gettext_lazy("应是 true 或 false"),
    "bool_type": gettext_lazy("应是 true 或 false"),
    "string_type": gettext_lazy("应是文字"),
    "string_too_long": gettext_lazy("最多 %(max_length)s 个字"),
    "string_too_short": gettext_lazy("至少 %(min_length)s 个字"),
    "string_pattern_mismatch": gettext_lazy("写法不对"),
    "too_long": gettext_lazy("最多 %(max_length)s 项"),
    "too_short": gettext_lazy("至少 %(min_length)s 项"),
    "greater_than_equal": gettext_lazy("不小于 %(ge)s"),
    "greater_than": gettext_lazy("大于 %(gt)s"),
    "less_than_equal": gettext_lazy("不大于 %(le)s"),
    "less_than": gettext_lazy("小于 %(lt)s"),
    "list_type": gettext_lazy("应是列表"),
    "dict_type": gettext_lazy("应是对象"),
    "model_type": gettext_lazy("应是对象"),
    "model_attributes_type": gettext_lazy("应是对象"),
    "date_type": gettext_lazy("应是日期，写作 2026-03-09"),
    "date_parsing": gettext_lazy("应是日期，写作 2026-03-09"),
    "date_from_datetime_parsing": gettext_lazy("应是日期，写作 2026-03-09"),
    "date_from_datetime_inexact": gettext_lazy("应是日期，写作 2026-03-09"),
    "literal_error": gettext_lazy("只能是 %(expected)s"),
    "enum": gettext_lazy("只能是 %(expected)s"),
    "extra_forbidden": gettext_lazy("没有这一项"),
}


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(refuse_values(error.errors))


def refuse_values(found: Sequence[Mapping[str, Any]]) -> Refused:
    """All that does not fit, in one sentence; ``at`` is the first place."""
    said = list(dict.fromkeys((_place(each["loc"]), _sentence(each)) for each in found))
    what = "；".join(f"{place} {sentence}" if place else sentence for place, sentence in said[:10])
    return Refused(
        _("请求的内容不对：%(what)s") % {"what": what},
        _("各项的写法见 /api/docs。"),
        status=422,
        code="invalid",
        at=said[0][0] if said else "",
    )


def _place(where: Sequence[Any]) -> str:
    """The field: without where it came in, and without the name that our code has for the whole body."""
    parts = where[2:] if where[:1] == ("body",) else where[1:]
    return ".".join(str(part) for part in parts)[:100]


def _sentence(error: Mapping[str, Any]) -> str:
    template = _SENTENCES.get(str(error.get("type")))
    return str(template) % error.get("ctx", {}) if template is not None else _("写法不对")


class TextParser(Parser):
    """JSON as databases can keep it: no NUL, no half characters, no NaN."""

    def parse_body(self, request: HttpRequest) -> Any:
        def refuse_constant(name: str) -> None:
            raise ValueError(name)

        given = json.loads(request.body, parse_constant=refuse_constant)
        _check_text(given)
        return given

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        for name, values in data.lists():
            _check_text([name, *(value for value in values if isinstance(value, str))])
        return super().parse_querydict(data, list_fields, request)


def _check_text(value: Any) -> None:
    """Raises Refused for text that no database keeps."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Refused(_("文字里有不可见的控制字符。"), _("请去掉再发。"), status=422, code="invalid")
    elif isinstance(value, dict):
        for name, part in value.items():
            _check_text(name)
            _check_text(part)
    elif isinstance(value, list):
        for part in value:
            _check_text(part)
