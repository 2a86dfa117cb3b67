"""Why something has not gone out, as the log keeps it (a word) and as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

REASONS: Mapping[str, Any] = {
    "address": _("这个地址不允许发往"),
    "unknown_host": _("找不到这个主机名"),
    "unreachable": _("连不上对方的服务器"),
    "certificate": _("对方的证书不可信"),
    "timeout": _("对方太久没有答复"),
    "redirect": _("对方要求转到别的地址，没有跟去"),
    "status": _("对方的服务器答复出错"),
    "refused": _("对方收到了，但没有接受"),
    "garbled": _("对方的答复看不懂"),
    "limited": _("对方说发得太快，稍后再发"),
    "key": _("网站的密钥换过，请重新填写地址和签名密钥"),
    "ended": _("渠道已停用"),
    "recipient": _("邮件服务器不收这个邮箱地址"),
    "mail_server": _("连不上邮件服务器"),
    "mail_login": _("邮件服务器不认用户名或密码"),
    "broken": _("系统出错，没有完成。"),
    "mail_refused": _("邮件服务器没有收下这封邮件"),
}


class Undelivered(Exception):
    """What was sent has not arrived: a key of ``REASONS``, and what the other side said."""

    def __init__(self, reason: str, answer: str = "", status: int | None = None, pause: float = 0) -> None:
        super().__init__(f"{reason} {answer}")
        self.reason, self.answer, self.status, self.pause = reason, answer, status, pause
