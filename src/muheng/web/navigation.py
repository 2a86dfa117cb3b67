"""The frame around each page: the rooms a person may enter, and what the header says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from muheng.web.people.rights import holds


@dataclass(frozen=True)
class Place:
    """An entry of the navigation: its title, its address by name, the right that it takes (or one of several)."""

    title: Any
    name: str
    right: str


PLACES = (
    Place(_("首页"), "home:home", ""),
    Place(_("企业"), "registry:list", "registry.view"),
    Place(_("事项"), "casework:inbox", "casework.handle casework.view"),
    Place(_("走访"), "liaison:home", "liaison.visit liaison.view"),
    Place(_("供需"), "matching:home", "matching.view"),
    Place(_("数据归集"), "intake:list", "intake.view"),
    Place(_("评价"), "evaluation:list", "evaluation.view"),
    Place(_("评价办法"), "policy:list", "policy.view"),
    Place(_("填报核对"), "filing:review", "filing.review"),
    Place(_("人员与机构"), "people:list", "people.view"),
    Place(_("我的企业"), "registry:mine", "own.view"),
    Place(_("我的诉求"), "casework:mine", "own.case"),
    Place(_("供需对接"), "matching:mine", "own.case"),
    Place(_("评价结果"), "evaluation:mine", "own.view"),
    Place(_("月度填报"), "filing:mine", "own.file"),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The template context of base.html."""
    entries = []
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        for place in PLACES:
            if place.right and not any(holds(user, right) for right in place.right.split()):
                continue
            try:
                address = reverse(place.name)
            except NoReverseMatch:
                continue
            here = request.path == address if place.name == "home:home" else request.path.startswith(address)
            entries.append({"title": place.title, "address": address, "here": here})
    searchable = user is not None and holds(user, "registry.view")
    return {"places": entries, "searchable": searchable, "city_name": city_name(), "city": settings.CITY}


def city_name() -> str:
    """The city that the site serves, as its organisation tree calls it."""
    from muheng.web.people.queries import city_title

    return city_title()
