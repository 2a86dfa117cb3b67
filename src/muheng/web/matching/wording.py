"""How what the library says of a pair reads to this person; an enterprise is not told what others take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from muheng.documents.message import say
from muheng.matching.money import show_money
from muheng.matching.ranking import Candidate, Reason
from muheng.web.matching.models import Kind, Need, Offer
from muheng.web.reading import language

CAPACITY = "capacity"


def show_amount(value: int | None, kind: str) -> str:
    """An amount of a kind: 500 万元, or 80 人."""
    if value is None:
        return ""
    if kind == Kind.LABOUR:
        return say("{count} 人", count=f"{value:,}").render(language())
    return show_money(value, language())


def show_offer_bounds(offer: Offer) -> str:
    """From how much to how much: 100 万元 至 500 万元."""
    least, most = show_amount(offer.least, offer.kind), show_amount(offer.most, offer.kind)
    if least and most:
        return _("%(least)s 至 %(most)s") % {"least": least, "most": most}
    if most:
        return _("最多 %(most)s") % {"most": most}
    return _("至少 %(least)s") % {"least": least} if least else _("不限")


def show_candidate(candidate: Candidate, *, public: bool = False) -> dict[str, Any]:
    """A candidate for a page or a program."""
    return {
        "points": candidate.points,
        "place": candidate.place,
        "fits": candidate.fits,
        "for": [_reason(each, public) for each in candidate.reasons],
        "against": [_reason(each, public) for each in candidate.against],
        "open": [_reason(each, public) for each in candidate.open],
        "missed": [_reason(each, public) for each in candidate.missed],
    }


def _reason(reason: Reason, public: bool) -> dict[str, Any]:
    lang = language()
    what = reason.what.render(lang)
    if public and reason.test == CAPACITY:
        what = _("余量可能不够。")
    return {"name": reason.title(lang), "what": what, "points": reason.points}


def show_kept(
    reasons: Iterable[Mapping[str, Any]], *, public: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """The reasons that an introduction keeps, by their side."""
    lang = language()
    found: dict[str, list[dict[str, Any]]] = {"for": [], "against": [], "open": [], "missed": []}
    for each in reasons:
        name, what = each[lang]
        if public and each["test"] == CAPACITY:
            what = _("余量可能不够。")
        found[each["side"]].append({"name": name, "what": what, "points": each["points"]})
    return found


def need_line(need: Need) -> str:
    """What is looked for in a few words: 500 万元 · 12 个月 · 不超过 4%."""
    parts = [show_amount(need.amount, need.kind)]
    if need.months:
        parts.append(_("%(months)d 个月") % {"months": need.months})
    return " · ".join(part for part in parts if part)
