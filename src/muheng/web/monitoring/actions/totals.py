"""Monitored amounts become figures of the year: a person accepts them, enterprise by enterprise, where they are whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.intake.facts import Facts
from muheng.intake.overlay import Correction, correction_layer, parts_of_sums
from muheng.web.audit.actions import record
from muheng.web.monitoring.models import MonthAmount
from muheng.web.monitoring.pollutants import pollutants
from muheng.web.monitoring.queries.totals import EDIT, YearAmount, list_year, read_figure
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry.models import Layer
from muheng.web.registry.panels import add_layer, current

DIGITS = 4


@transaction.atomic
def settle_year(actor: User, year: int, codes: Collection[str], at: datetime | None = None) -> Layer:
    """Lay the monitored amounts of enterprises over the figures of a year, their months settled. Raises Refused.

    Sums that an accepted sheet made of an item are made anew with it. The layer is taken away like any other.
    """
    require(actor, EDIT)
    now = at or timezone.now()
    wanted = set(codes)
    amounts = [
        each for each in list_year(actor, year, timezone.localdate(now)) if each.enterprise.code in wanted
    ]
    if not amounts:
        raise Refused(_("请选要采用监测数的企业。"), status=422, code="invalid", at="codes")
    chosen = [each for each in amounts if each.whole and not each.settled]
    left = wanted - {each.enterprise.code for each in chosen}
    if left:
        names = sorted({each.enterprise.name for each in amounts if each.enterprise.code in left})
        raise Refused(
            _("%(names)s的监测数不完整，或者已经采用。")
            % {"names": "、".join(names) or "、".join(sorted(left))},
            _("看清缺什么以后，只选完整的。"),
            status=422,
            code="invalid",
            at="codes",
        )
    facts = current(year)
    assert facts is not None
    try:
        layer = correction_layer(facts, [*_corrections(chosen, year), *_sums(chosen, facts, year)])
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal
    laid = add_layer(layer, _document(year), f"monitoring.year:{year}", actor)
    for each in chosen:
        factors = [one.code for one in pollutants().values() if one.item == each.item]
        MonthAmount.objects.filter(
            point__enterprise=each.enterprise, factor__in=factors, month__startswith=f"{year}-"
        ).update(final=True)
    record(
        actor,
        "monitoring.settle",
        laid,
        year=year,
        figures={f"{each.enterprise.code} {each.item}": _text(each.tonnes) for each in chosen},
    )
    return laid


def _corrections(chosen: Sequence[YearAmount], year: int) -> list[Correction]:
    return [
        Correction(each.enterprise.code, each.item, _text(each.tonnes), _document(year)) for each in chosen
    ]


def _sums(chosen: Sequence[YearAmount], facts: Facts, year: int) -> list[Correction]:
    """Figures that are sums of these items: a part that is not monitored stays as it was filed."""
    parts = parts_of_sums(facts)
    new = {(each.enterprise.code, each.item): each.tonnes for each in chosen}
    found = []
    for code in sorted({code for code, _item in new}):
        for total, of in sorted(parts.items()):
            if total not in facts.items or not any((code, part) in new for part in of):
                continue
            value = sum((_part(new, facts, code, part) for part in of), Decimal(0))
            found.append(Correction(code, total, _text(value), _document(year)))
    return found


def _part(new: Mapping[tuple[str, str], Decimal], facts: Facts, code: str, item: str) -> Decimal:
    monitored = new.get((code, item))
    return monitored if monitored is not None else read_figure(facts, code, item) or Decimal(0)


def _document(year: int) -> str:
    return f"自动监测 {year} 年 12 个月"


def _text(tonnes: Decimal) -> str:
    return format(tonnes.quantize(Decimal(1).scaleb(-DIGITS)), "f")
