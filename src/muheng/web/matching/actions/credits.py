"""Credit granted, money lent and repaid: the library's book, line by line, with who wrote it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.matching.credit import Act, CreditStanding, Entry, open_book, read_book, write
from muheng.matching.credit import Credit as Granted
from muheng.web.audit.actions import record
from muheng.web.matching.actions.checks import check_text, invalid, moment_of, require_for
from muheng.web.matching.models import Credit, CreditLine, Introduction, Kind, Supplier
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry.models import Enterprise


@transaction.atomic
def grant_credit(
    actor: Any,
    enterprise: Enterprise,
    bank: Supplier,
    granted: int,
    *,
    since: date,
    document: str,
    until: date | None = None,
    revolving: bool = False,
    introduction: Introduction | None = None,
    at: datetime | None = None,
) -> Credit:
    """Credit that a bank granted, by its document; ``introduction``: the one that it came of, which is agreed."""
    require_for(actor, enterprise)
    now, _day = moment_of(at)
    _not_to_come(since, "since", now)
    if bank.kind != Kind.FINANCE:
        raise invalid(_("“%(name)s”不是金融机构。") % {"name": bank.name}, _("请选择银行。"), "bank")
    if introduction is not None:
        if introduction.need.enterprise_id != enterprise.pk or introduction.offer.supplier_id != bank.pk:
            raise invalid(_("这次对接不是这家企业和这家银行的。"), at="introduction")
        if introduction.state != Introduction.State.AGREED:
            raise Refused(_("这次对接还没有达成。"), _("请先记为达成，再登记授信。"))
        if Credit.objects.filter(introduction=introduction).exists():
            raise Refused(_("这次对接已经登记过授信。"), _("请打开已有的授信。"))
    try:
        open_book(Granted(granted, since, until, revolving))
    except Refusal as refusal:
        raise _refused(refusal) from refusal
    credit = Credit.objects.create(
        enterprise=enterprise,
        bank=bank,
        introduction=introduction,
        county=enterprise.county,
        granted=granted,
        since=since,
        until=until,
        revolving=revolving,
        document=check_text(document, 200, "document", _("授信文件"), needed=True),
        recorded_at=now,
        recorded_by=actor,
    )
    record(actor, "matching.credit.grant", credit, fen=granted, bank=bank.name, document=credit.document)
    return credit


def lend(
    actor: Any,
    credit: Credit,
    amount: int,
    on: date,
    *,
    document: str = "",
    reason: str = "",
    at: datetime | None = None,
) -> CreditLine:
    """A loan under a credit. More than is granted, or after its last day, only with a reason."""
    return _enter(actor, credit, "lend", amount, on, None, document, reason, at)


def repay(
    actor: Any,
    credit: Credit,
    loan: int,
    amount: int,
    on: date,
    *,
    document: str = "",
    at: datetime | None = None,
) -> CreditLine:
    """Part or all of a loan (the number of its line) is paid back."""
    return _enter(actor, credit, "repay", amount, on, loan, document, "", at)


def reverse_line(
    actor: Any, credit: Credit, line: int, reason: str, *, on: date | None = None, at: datetime | None = None
) -> CreditLine:
    """A line that was wrong is taken back by another; it stays in the book."""
    _now, day = moment_of(at, on)
    found = CreditLine.objects.filter(credit=credit, number=line).first()
    amount = found.amount if found is not None else 0
    return _enter(actor, credit, "reverse", amount, day, line, "", reason, at)


@transaction.atomic
def void_credit(actor: Any, credit: Credit, reason: str, *, at: datetime | None = None) -> Credit:
    """A credit that was recorded wrongly and under which nothing is lent counts no more."""
    credit = _hold(actor, credit)
    if credit.lent:
        raise Refused(_("这笔授信已有放款，不能作废。"), _("请先冲正它的放款。"))
    credit.void_reason = check_text(reason, 300, "reason", _("原因"), needed=True)
    credit.voided_at, _day = moment_of(at)
    # The introduction may have its right credit.
    credit.introduction = None
    credit.save()
    record(actor, "matching.credit.void", credit, reason=credit.void_reason)
    return credit


def book_of(credit: Credit) -> CreditStanding:
    """The library's book of a credit, from its lines."""
    granted = Granted(credit.granted, credit.since, credit.until, credit.revolving)
    lines = [
        Entry(line.number, _act(line.act), line.amount, line.on, line.of, line.reason)
        for line in CreditLine.objects.filter(credit=credit).order_by("number")
    ]
    return read_book(granted, lines)


def _act(text: str) -> Act:
    return "lend" if text == "lend" else "repay" if text == "repay" else "reverse"


@transaction.atomic
def _enter(
    actor: Any,
    credit: Credit,
    act: Act,
    amount: int,
    on: date,
    of: int | None,
    document: str,
    reason: str,
    at: datetime | None,
) -> CreditLine:
    credit = _hold(actor, credit)
    now, _today = moment_of(at, on)
    before = book_of(credit)
    reason = check_text(reason, 300, "reason", _("原因"))
    entry = Entry(len(before.entries) + 1, act, amount, on, of, reason)
    try:
        after = write(before, entry)
    except Refusal as refusal:
        raise _refused(refusal) from refusal
    line = CreditLine.objects.create(
        credit=credit,
        number=entry.number,
        act=act,
        amount=amount,
        of=of,
        lent=after.lent - before.lent,
        repaid=after.repaid - before.repaid,
        on=on,
        document=check_text(document, 200, "document", _("凭证")),
        reason=reason,
        at=now,
        by=actor,
    )
    credit.lent, credit.repaid, credit.lines = after.lent, after.repaid, len(after.entries)
    credit.save()
    record(
        actor, f"matching.credit.{act}", credit, line=entry.number, fen=amount, on=on, of=of, reason=reason
    )
    return line


def _hold(actor: Any, credit: Credit) -> Credit:
    held = Credit.objects.select_for_update().get(pk=credit.pk)
    require_for(actor, held.enterprise)
    if held.voided_at is not None:
        raise Refused(_("这笔授信已作废。"), _("请用新登记的授信。"))
    return held


def _not_to_come(day: date, at: str, now: datetime) -> None:
    try:
        moment_of(now, day)
    except Refused as refused:
        refused.at = at
        raise


def _refused(refusal: Refusal) -> Refused:
    refused = refused_by(refusal, language())
    refused.at = str(refusal.at[0]) if refusal.at else ""
    return refused
