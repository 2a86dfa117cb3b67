"""The frame around each page: the rooms a person may enter, and what the header says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from muheng.web.people.rights import holds


@dataclass(frozen=True)
class Place:
    """A room that can be entered: its title, its address by name, the right that it takes (or one of several), and the
    group of rooms that it is found in; without one it stands by itself."""

    title: Any
    name: str
    right: str
    group: Any = ""


@dataclass(frozen=True)
class Entry:
    """What a person sees of a place, or of a group of them (``inside``)."""

    title: Any
    address: str
    here: bool
    inside: tuple[Entry, ...] = ()


_SERVICE, _EVALUATION = _("服务企业"), _("亩均评价")

PLACES = (
    Place(_("首页"), "home:home", ""),
    Place(_("企业"), "registry:list", "registry.view"),
    Place(_("事项"), "casework:inbox", "casework.handle casework.view", _SERVICE),
    Place(_("走访"), "liaison:home", "liaison.visit liaison.view", _SERVICE),
    Place(_("供需"), "matching:home", "matching.view", _SERVICE),
    Place(_("评价"), "evaluation:list", "evaluation.view", _EVALUATION),
    Place(_("评价办法"), "policy:list", "policy.view", _EVALUATION),
    Place(_("数据归集"), "intake:list", "intake.view", _EVALUATION),
    Place(_("填报核对"), "filing:review", "filing.review", _EVALUATION),
    Place(_("自动监控"), "monitoring:home", "monitoring.view"),
    Place(_("应急减排"), "emergency:home", "emergency.view"),
    Place(_("人员与机构"), "people:list", "people.view"),
    Place(_("我的企业"), "registry:mine", "own.view"),
    Place(_("我的诉求"), "casework:mine", "own.case"),
    Place(_("供需对接"), "matching:mine", "own.case"),
    Place(_("自动监控"), "monitoring:mine", "own.monitoring"),
    Place(_("应急减排"), "emergency:mine", "own.emergency"),
    Place(_("评价结果"), "evaluation:mine", "own.view"),
    Place(_("月度填报"), "filing:mine", "own.file"),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The template context of base.html."""
    user = getattr(request, "user", None)
    entries = list(_entries(request)) if user is not None and user.is_authenticated else []
    return {
        "main_navigation": entries,
        "group_navigation": next((entry.inside for entry in entries if entry.here), ()),
        "searchable": user is not None and holds(user, "registry.view"),
        "city_name": city_name(),
        "city": settings.CITY,
    }


def _entries(request: HttpRequest) -> Iterator[Entry]:
    """The places that a person may enter; those of a group as one entry, unless there is only one of them."""
    open_ones = [place for place in PLACES if _may_enter(request.user, place)]
    addresses = {place.name: reverse(place.name) for place in open_ones}
    # Of rooms within each other's address (/cases/, /cases/mine/) the person is in the innermost.
    around = [name for name, address in addresses.items() if request.path.startswith(address)]
    here = max(around, key=lambda name: len(addresses[name]), default="")
    if here == "home:home" and request.path != addresses[here]:
        here = ""
    for group, members in groupby(open_ones, key=lambda place: place.group or place.name):
        inside = tuple(Entry(place.title, addresses[place.name], place.name == here) for place in members)
        if len(inside) == 1:
            yield inside[0]
        else:
            yield Entry(group, inside[0].address, any(entry.here for entry in inside), inside)


def _may_enter(user: Any, place: Place) -> bool:
    return not place.right or any(holds(user, right) for right in place.right.split())


def city_name() -> str:
    """The city that the site serves, as its organisation tree calls it."""
    from muheng.web.people.queries import city_title

    return city_title()
