"""Monitored amounts become figures of the year: a person accepts them, item by item, where they are whole."""

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
from muheng.web.monitoring.queries.totals import EDIT, YearAmount, YearFigures, list_year, origin_of
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry.models import Layer
from muheng.web.registry.panels import add_layer, current

DIGITS = 4
MOST_NAMED = 5


@transaction.atomic
def settle_year(
    actor: User, year: int, chosen: Collection[tuple[str, str]], at: datetime | None = None
) -> Layer:
    """Lay monitored amounts over the figures of a year, their months settled. ``chosen``: enterprises' codes with items.

    All or none. Sums that an accepted sheet made of an item are made anew with it. The layer is taken away like any other.
    Raises Refused.
    """
    require(actor, EDIT)
    now, wanted = at or timezone.now(), set(chosen)
    if not wanted:
        raise Refused(_("请选要采用的监测数。"), status=422, code="invalid", at="chosen")
    amounts = {each.key: each for each in list_year(actor, year, timezone.localdate(now))}
    if wrong := sorted(key for key in wanted if key not in amounts or not amounts[key].ready):
        raise Refused(
            _("%(count)s 项不能采用：%(which)s。")
            % {
                "count": len(wrong),
                "which": _("；").join(_say_wrong(key, amounts.get(key)) for key in wrong[:MOST_NAMED]),
            },
            _("看清缺什么以后，只选完整的。其余的也没有采用。"),
            status=422,
            code="invalid",
            at="chosen",
        )
    taken = [amounts[key] for key in sorted(wanted)]
    facts = current(year)
    assert facts is not None
    try:
        layer = correction_layer(facts, [*_corrections(taken, year), *_sums(taken, facts, year)])
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal
    laid = add_layer(layer, _document(year), origin_of(year), actor)
    for each in taken:
        factors = [one.code for one in pollutants().values() if one.item == each.item]
        MonthAmount.objects.filter(
            point__enterprise=each.enterprise, factor__in=factors, month__startswith=f"{year}-"
        ).update(final=True)
    record(
        actor,
        "monitoring.settle",
        laid,
        year=year,
        figures={f"{each.enterprise.code} {each.item}": _text(each.tonnes) for each in taken},
    )
    return laid


def _say_wrong(key: tuple[str, str], amount: YearAmount | None) -> str:
    if amount is None:
        return _("%(code)s %(item)s 没有监测排放量") % {"code": key[0], "item": key[1]}
    why = _("已经采用") if amount.settled else _("，").join(each.said for each in amount.lacking)
    return _("%(name)s %(item)s（%(why)s）") % {"name": amount.enterprise.name, "item": key[1], "why": why}


def _corrections(chosen: Sequence[YearAmount], year: int) -> list[Correction]:
    return [
        Correction(each.enterprise.code, each.item, _text(each.tonnes), _document(year)) for each in chosen
    ]


def _sums(chosen: Sequence[YearAmount], facts: Facts, year: int) -> list[Correction]:
    """Figures that are sums of these items: a part that is not monitored stays as it was filed."""
    parts = parts_of_sums(facts)
    filed = YearFigures(facts)
    new = {(each.enterprise.code, each.item): each.tonnes for each in chosen}
    found = []
    for code in sorted({code for code, _item in new}):
        for total, of in sorted(parts.items()):
            if total not in facts.items or not any((code, part) in new for part in of):
                continue
            value = sum((_part(new, filed, code, part) for part in of), Decimal(0))
            found.append(Correction(code, total, _text(value), _document(year)))
    return found


def _part(new: Mapping[tuple[str, str], Decimal], filed: YearFigures, code: str, item: str) -> Decimal:
    monitored = new.get((code, item))
    return monitored if monitored is not None else filed.read(code, item) or Decimal(0)


def _document(year: int) -> str:
    return f"自动监测 {year} 年 12 个月"


def _text(tonnes: Decimal) -> str:
    return format(tonnes.quantize(Decimal(1).scaleb(-DIGITS)), "f")
