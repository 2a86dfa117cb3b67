"""A year's months added up beside the departments' yearly figure, as texts; and as a card on the enterprise's page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from muheng.web.filing import queries
from muheng.web.filing.items import form
from muheng.web.filing.months import newest_month
from muheng.web.filing.wording import item_title
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own, may
from muheng.web.registry.sections import Section, register_section
from muheng.web.templatetags.words import plain


def say_sums(enterprise: Enterprise, year: int) -> list[dict[str, Any]]:
    """A line for each item that was filed in the year; ``differs`` where all twelve months are in and do not agree."""
    sums = queries.year_sums(enterprise, year, queries.yearly_figures(enterprise.code, year))
    return [_said(each) for each in sums]


def _said(each: queries.YearSum) -> dict[str, Any]:
    share = each.share
    return {
        "title": item_title(each.item),
        "unit": each.unit,
        "months": each.months,
        "total": plain(each.total),
        "yearly": plain(_round(each.yearly, each.item)),
        "difference": plain(_round(each.difference, each.item)),
        "share": f"{share:+.1%}" if share is not None else "",
        "agrees": each.agrees,
        "differs": each.yearly is not None and each.months == 12 and not each.agrees,
    }


def _round(figure: Decimal | None, item: str) -> Decimal | None:
    return None if figure is None else round(figure, form().items[item].digits)


def sums_card(enterprise: Enterprise, user: User) -> Section | None:
    """The last whole year, for the enterprise itself and for who reviews its filings."""
    if not (is_own(user, enterprise) or may(user, queries.RIGHT, enterprise)):
        return None
    year = newest_month().shift(-11).year
    sums = say_sums(enterprise, year)
    return Section("filing/sums.html", {"year": year, "sums": sums}) if sums else None


register_section("figures", sums_card)
