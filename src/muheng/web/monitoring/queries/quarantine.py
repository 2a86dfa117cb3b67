"""Frames that the receiver did not take, with the reasons in words; devices nobody knows yet, so that they can be admitted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.monitoring.hj212.decoding import decode_bytes
from muheng.monitoring.hj212.words import explain_reasons
from muheng.monitoring.store.quarantine import Refused, list_quarantine
from muheng.web.monitoring.actions.devices import EDIT
from muheng.web.monitoring.models import Device
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.queries.scope import points_for
from muheng.web.monitoring.store import store_folder
from muheng.web.people.models import User
from muheng.web.reading import language

HOURS = (1, 24)
"""How far back it may be looked; every packet of the time is read for it."""
MOST = 500
_PASSWORD = re.compile("PW=[^;&]*", re.IGNORECASE)


@dataclass(frozen=True)
class Kept:
    """A frame in quarantine. ``text``: as it came, without its password and what cannot be printed."""

    received: datetime
    mn: str
    peer: str
    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Stranger:
    """A device that is not on the list and keeps trying."""

    mn: str
    peer: str
    times: int
    last: datetime


def read_quarantine(user: User, hours: int, mn: str = "") -> list[Refused]:
    """The newest of the last hours, of one device or of all; of devices that are known only those of the person's points."""
    now = to_local(timezone.now())
    begin, end = now - timedelta(hours=hours), now + timedelta(minutes=1)
    found = list_quarantine(store_folder(), begin, end, mn or None, MOST)
    known = Device.objects.filter(mn__in={each.mn for each in found if "\0" not in each.mn})
    others = set(known.exclude(point__in=points_for(user, EDIT)).values_list("mn", flat=True))
    return [each for each in found if each.mn not in others]


def show_kept(refused: Sequence[Refused]) -> list[Kept]:
    return [
        Kept(each.received, each.mn, each.peer, tuple(_say(each)), _printable(each.raw)) for each in refused
    ]


def list_strangers(refused: Sequence[Refused]) -> list[Stranger]:
    """By how often they came."""
    found: dict[str, list[Refused]] = {}
    for each in refused:
        if "unknown_device" in each.reasons and each.mn:
            found.setdefault(each.mn, []).append(each)
    strangers = [Stranger(mn, rows[0].peer, len(rows), rows[0].received) for mn, rows in found.items()]
    return sorted(strangers, key=lambda each: (-each.times, each.mn))


def _say(refused: Refused) -> Iterator[str]:
    words: dict[str, Any] = {
        "unknown_device": _("设备表里没有这台设备。"),
        "password": _("密码不对。"),
        "command": _("不是设备该发的命令。"),
        "too_long": _("一包太长。"),
    }
    packet = decode_bytes(refused.raw)
    said = [] if packet is None else [each.render(language()) for each in explain_reasons(packet)]
    if packet is None:
        said = [_("读不出一包完整的数据。")]
    yield from said if any(reason not in words for reason in refused.reasons) else ()
    for reason in refused.reasons:
        if reason in words:
            yield words[reason]


def _printable(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    shown = "".join(each if each.isprintable() else "·" for each in text).strip("·")
    return _PASSWORD.sub("PW=······", shown)
