"""What each kind of channel wants to be sent, and how it says that it took it.

DingTalk and WeCom take markdown, Feishu text, a program JSON with a signature. Texts of notices are plain: letters that
would be a link, a picture or a mention in a messenger are put as their wide counterparts. Sends nothing itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from muheng.web.notices.models import Channel, Dispatch
from muheng.web.notices.post import Answer
from muheng.web.notices.reasons import Undelivered

Kind = Channel.Kind

A_MINUTE: Mapping[str, int] = {Kind.DINGTALK: 20, Kind.WECOM: 20, Kind.FEISHU: 100, Kind.JSON: 120}
"""How many messages a channel takes in a minute; the messengers say so, the last is our own manners."""

_TOO_FAST = {130101: 600.0, 45009: 60.0, 11232: 60.0}
"""Codes by which DingTalk, WeCom and Feishu say so, and seconds to leave them alone then."""

_LONGEST = 4000  # bytes of a text; WeCom takes 4096
_WIDE = str.maketrans("[]<>`*#_~|!\\", "［］＜＞｀＊＃＿～｜！＼")


@dataclass(frozen=True)
class Request:
    """What is to be posted where."""

    address: str
    body: bytes
    headers: Mapping[str, str]


def write_request(
    kind: str, address: str, secret: str, dispatch: Dispatch, link: str, label: str, now: datetime
) -> Request:
    """The request that tells a channel of a message. ``link``: absolute address, or empty; ``label``: how it is called."""
    subject, text = _plain(dispatch.subject_line), _plain(dispatch.text)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    milliseconds = str(int(now.timestamp() * 1000))
    seconds = str(int(now.timestamp()))
    content: dict[str, Any]
    if kind == Kind.DINGTALK:
        markdown = _cut(f"### {subject}\n\n{_paragraphs(text)}", f"\n\n[{label}]({link})" if link else "")
        content = {"msgtype": "markdown", "markdown": {"title": subject, "text": markdown}}
        if secret:
            mark = "&" if "?" in address else "?"
            signed = _sign(secret.encode(), f"{milliseconds}\n{secret}".encode())
            address = f"{address}{mark}timestamp={milliseconds}&sign={quote_plus(b64encode(signed))}"
    elif kind == Kind.WECOM:
        markdown = _cut(f"### {subject}\n{text}", f"\n[{label}]({link})" if link else "")
        content = {"msgtype": "markdown", "markdown": {"content": markdown}}
    elif kind == Kind.FEISHU:
        plain = _cut(f"{subject}\n{text}", f"\n{link}" if link else "")
        content = {"msg_type": "text", "content": {"text": plain}}
        if secret:
            # Here what is signed is the key, and the message is empty.
            signed = _sign(f"{seconds}\n{secret}".encode(), b"")
            content |= {"timestamp": seconds, "sign": b64encode(signed).decode("ascii")}
    else:
        content = {
            "id": str(dispatch.uuid),
            "at": dispatch.at.isoformat(),
            "room": dispatch.room,
            "urgent": dispatch.urgent,
            "subject": dispatch.subject_line,
            "text": dispatch.text,
            "link": link,
        }
    body = json.dumps(content, ensure_ascii=False).encode()
    if kind == Kind.JSON:
        headers |= {"X-Muheng-Id": str(dispatch.uuid), "X-Muheng-Timestamp": seconds}
        if secret:
            signature = _sign(secret.encode(), seconds.encode() + b"." + body).hex()
            headers["X-Muheng-Signature"] = f"sha256={signature}"
    return Request(address, body, headers)


def judge(kind: str, answer: Answer) -> None:
    """Raises Undelivered where the answer says that the message was not taken."""
    said = answer.text[:200]
    code = _code(kind, answer.text)
    if code in _TOO_FAST:
        raise Undelivered("limited", said, answer.status, pause=_TOO_FAST[code])
    if answer.status == 429:
        raise Undelivered("limited", said, answer.status, pause=answer.pause or 60.0)
    if not 200 <= answer.status < 300:
        raise Undelivered("status", said, answer.status, pause=answer.pause)
    if kind == Kind.JSON:
        return
    if code is None:
        raise Undelivered("garbled", said, answer.status)
    if code != 0:
        raise Undelivered("refused", said, answer.status)


def _code(kind: str, text: str) -> int | None:
    """The number by which a messenger says whether it took a message."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    code = found.get("code" if kind == Kind.FEISHU else "errcode") if isinstance(found, dict) else None
    return code if isinstance(code, int) else None


def _sign(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _plain(text: str) -> str:
    return text.translate(_WIDE)


def _paragraphs(text: str) -> str:
    """DingTalk breaks a line only where markdown has a new paragraph."""
    return "\n\n".join(line for line in text.splitlines() if line)


def _cut(text: str, end: str) -> str:
    """Text as long as a messenger takes it, with its end."""
    room = _LONGEST - len(end.encode())
    whole = text.encode()
    if len(whole) > room:
        text = whole[: room - 3].decode("utf-8", "ignore") + "…"
    return text + end
