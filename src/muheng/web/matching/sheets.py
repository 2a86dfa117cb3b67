"""The figures as sheets of a workbook: sums in 万元 to the fen, and every credit with its book."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table
from muheng.web.matching import figures
from muheng.web.matching.figures import LedgerRow, ReachRow, Span
from muheng.web.matching.models import CreditLine
from muheng.web.matching.queries import credits_seen

_WAN_DIGITS = 6
"""Decimals of 万元 in a fen."""


def ledger_sheets(user: Any, span: Span) -> list[Sheet]:
    """Sums by bank, county and month, reach, and the books."""
    days = str(span.year) if span.year else _("全部年份")
    day = timezone.localdate().isoformat()
    head = _("%(days)s，%(day)s 导出") % {"days": days, "day": day}
    total = figures.totals(user, span)
    ledgers = [
        (_("按银行"), _("银行"), figures.by_bank(user, span), span.year is None),
        (_("按县区"), _("县区"), figures.by_county(user, span), span.year is None),
        (_("按月份"), _("月份"), figures.by_month(user, span), False),
    ]
    reaches = [
        (_("按种类"), _("种类"), figures.reach_by_kind(user, span)),
        (_("按县区"), _("县区"), figures.reach_by_county(user, span)),
    ]
    return [
        Sheet(
            _("授信和放款"),
            tuple(
                _ledger((title, head), key, [*rows, total], standing)
                for title, key, rows, standing in ledgers
            ),
        ),
        Sheet(
            _("活动"),
            tuple(_reach((title, head), key, rows) for title, key, rows in reaches),
        ),
        Sheet(_("授信台账"), (_credits(user, span, head),)),
        Sheet(_("放款和还款明细"), (_lines(user, span, head),)),
    ]


def _ledger(lines: tuple[str, ...], key: str, rows: Sequence[LedgerRow], standing: bool) -> Table:
    """``standing``: with what is outstanding, which is so on a day and not of a span."""
    outstanding = _money(_("未还（万元）"), [row.outstanding for row in rows])
    return Table(
        lines,
        (
            _texts(key, [row.title for row in rows]),
            _money(_("授信（万元）"), [row.granted for row in rows]),
            _money(_("放款（万元）"), [row.lent for row in rows]),
            _money(_("还款（万元）"), [row.repaid for row in rows]),
            *((outstanding,) if standing else ()),
            _count(_("授信企业"), [row.firms for row in rows]),
        ),
        (_("授信企业：一家企业在几家银行、几个月有授信的，各算一次，合计里只算一次。"),),
    )


def _reach(lines: tuple[str, ...], key: str, rows: Sequence[ReachRow]) -> Table:
    return Table(
        lines,
        (
            _texts(key, [row.title for row in rows]),
            _count(_("场次"), [row.gatherings for row in rows]),
            _count(_("到场人数"), [row.heads for row in rows]),
            _count(_("企业（家）"), [row.firms for row in rows]),
            _count(_("企业（家次）"), [row.visits for row in rows]),
            _count(_("发放资料（份）"), [row.materials for row in rows]),
        ),
    )


def _credits(user: Any, span: Span, head: str) -> Table:
    rows = list(credits_seen(user).filter(span.of("since"), voided_at=None).order_by("since", "pk"))
    return Table(
        (_("授信台账"), head),
        (
            _count(_("授信编号"), [row.pk for row in rows], plain=True),
            _texts(_("企业"), [row.enterprise.name for row in rows]),
            _texts(_("统一社会信用代码"), [row.enterprise.code for row in rows]),
            _texts(_("县区"), [row.county.title if row.county else "" for row in rows]),
            _texts(_("银行"), [row.bank.name for row in rows]),
            _texts(_("授信日期"), [row.since.isoformat() for row in rows]),
            _texts(_("到期日"), [row.until.isoformat() if row.until else "" for row in rows]),
            _texts(_("授信文件"), [row.document for row in rows]),
            _money(_("授信（万元）"), [row.granted for row in rows]),
            _money(_("放款（万元）"), [row.lent for row in rows]),
            _money(_("还款（万元）"), [row.repaid for row in rows]),
        ),
    )


def _lines(user: Any, span: Span, head: str) -> Table:
    seen = credits_seen(user).filter(voided_at=None).order_by().values("pk")
    rows = list(
        CreditLine.objects.filter(span.of("on"), credit__in=seen)
        .select_related("credit__enterprise", "credit__bank", "by")
        .order_by("on", "credit_id", "number")
    )
    return Table(
        (_("放款和还款明细"), head),
        (
            _count(_("授信编号"), [row.credit_id for row in rows], plain=True),
            _count(_("笔"), [row.number for row in rows], plain=True),
            _texts(_("日期"), [row.on.isoformat() for row in rows]),
            _texts(_("企业"), [row.credit.enterprise.name for row in rows]),
            _texts(_("银行"), [row.credit.bank.name for row in rows]),
            _texts(_("记什么"), [row.get_act_display() for row in rows]),
            _money(_("放款（万元）"), [row.lent for row in rows]),
            _money(_("还款（万元）"), [row.repaid for row in rows]),
            _texts(_("凭证"), [row.document for row in rows]),
            _texts(_("原因"), [row.reason for row in rows]),
            _texts(_("经办人"), [row.by.name if row.by else "" for row in rows]),
        ),
    )


def _texts(title: str, values: Sequence[str]) -> Column:
    return Column(title, pl.Series(values, dtype=pl.String))


def _money(title: str, values: Sequence[int]) -> Column:
    return Column(title, pl.Series(values, dtype=pl.Int64), _WAN_DIGITS)


def _count(title: str, values: Sequence[int], *, plain: bool = False) -> Column:
    return Column(title, pl.Series(values, dtype=pl.Int64), plain=plain)
