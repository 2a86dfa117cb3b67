"""What the data flags of HJ 212 mean, in words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

FLAGS: dict[str, Any] = {
    "N": _("正常"),
    "F": _("停运"),
    "M": _("维护"),
    "S": _("手工输入"),
    "D": _("故障"),
    "C": _("校准"),
    "T": _("超量程"),
    "B": _("通讯异常"),
    "P": _("电源故障"),
}


def flag_title(flag: str) -> str:
    """Nothing for one that the standard does not have."""
    return str(FLAGS.get(flag, flag))
