"""How a finding reads: what is odd, and what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.filing.items import form
from muheng.web.reading import language

_SENTENCES: dict[str, tuple[Any, Any]] = {
    "missing": (gettext_lazy("没有填。"), gettext_lazy("没有发生就填 0。")),
    "negative": (gettext_lazy("%(figure)s 是负数。"), gettext_lazy("这一项不会小于 0，请核对。")),
    "digits": (
        gettext_lazy("%(figure)s 的小数超过 %(digits)s 位。"),
        gettext_lazy("请四舍五入到 %(digits)s 位小数。"),
    ),
    "zero": (
        gettext_lazy("填了 0，近三个月通常是 %(usual)s %(unit)s。"),
        gettext_lazy("确实停产或没有发生，请说明原因。"),
    ),
    "unit": (
        gettext_lazy(
            "%(figure)s %(unit)s 是通常的 %(times)s 倍（%(reference)s %(unit)s），像是按 %(mistaken)s 填的。"
        ),
        gettext_lazy("本项单位是 %(unit)s；按 %(mistaken)s 算应填 %(meant)s。确实如此，请说明原因。"),
    ),
    "shift": (
        gettext_lazy("%(figure)s %(unit)s 是通常的 %(times)s 倍（%(reference)s %(unit)s），像是小数点错位。"),
        gettext_lazy("是不是 %(meant)s？确实如此，请说明原因。"),
    ),
    "swing": (
        gettext_lazy("%(figure)s %(unit)s 是近三个月中位数 %(reference)s %(unit)s 的 %(times)s 倍。"),
        gettext_lazy("请核对；确实如此，请说明原因。"),
    ),
    "swing_year": (
        gettext_lazy("%(figure)s %(unit)s 是上年同月 %(reference)s %(unit)s 的 %(times)s 倍。"),
        gettext_lazy("请核对；确实如此，请说明原因。"),
    ),
    "same": (gettext_lazy("与上月完全相同（%(figure)s %(unit)s）。"), gettext_lazy("请确认不是照抄上月。")),
    "month_above_permit": (
        gettext_lazy("一个月就有 %(figure)s %(unit)s，超过全年许可量 %(limit)s %(unit)s。"),
        gettext_lazy("请核对数值和单位；属实请说明原因，并联系生态环境部门。"),
    ),
    "above_permit": (
        gettext_lazy("1—%(months)s月累计 %(sum)s %(unit)s，超过全年许可量 %(limit)s %(unit)s。"),
        gettext_lazy("请核对；属实请说明原因，并联系生态环境部门。"),
    ),
    "near_permit": (
        gettext_lazy("1—%(months)s月累计 %(sum)s %(unit)s，已用全年许可量 %(limit)s %(unit)s 的 %(share)s。"),
        "",
    ),
    "above_energy": (
        gettext_lazy("用电 %(figure)s %(unit)s 折标准煤 %(coal)s tce，已超过%(whole)s %(total)s tce。"),
        gettext_lazy("两项必有一项不对，请核对；确实如此，请说明原因。"),
    ),
    "unreadable": ("%(what)s", "%(fix)s"),
}


def sentence(finding: dict[str, Any]) -> dict[str, str]:
    """A stored finding for a page: item, level, what, fix."""
    what, fix = _SENTENCES[finding["kind"]]
    params = dict(finding["params"])
    if "whole" in params:
        params["whole"] = item_title(params["whole"])
    return {
        "item": finding["item"],
        "title": item_title(finding["item"]),
        "level": finding["level"],
        "kind": finding["kind"],
        "what": str(what) % params,
        "fix": str(fix) % params,
    }


def item_title(name: str) -> str:
    """The item's name in the reader's language."""
    item = form().items.get(name)
    return item.title(language()) if item else name


def level_title(level: str) -> str:
    return {"error": _("错误"), "warning": _("要说明"), "note": _("提醒")}[level]
