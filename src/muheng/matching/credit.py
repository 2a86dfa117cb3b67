"""A credit and what is lent under it, as an append-only book in whole fen: nothing is overwritten, errors are reversed.

A credit that revolves may be lent again when it was repaid; another is lent once. More than is granted is lent only
with a reason. Knows no bank, enterprise or page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

from muheng.documents.message import Refusal, say
from muheng.matching.money import MOST, say_money

Act = Literal["lend", "repay", "reverse"]


@dataclass(frozen=True)
class Credit:
    """What a bank granted. ``until``: the last day on which it may be drawn, None where that is open."""

    granted: int
    since: date
    until: date | None = None
    revolving: bool = False


@dataclass(frozen=True)
class Entry:
    """One line of the book. ``of``: the loan that a repayment repays, or the line that a reversal takes back."""

    number: int
    act: Act
    amount: int
    on: date
    of: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Loan:
    """A loan as the book has it."""

    amount: int
    on: date
    repaid: int = 0

    @property
    def outstanding(self) -> int:
        return self.amount - self.repaid


@dataclass(frozen=True)
class CreditStanding:
    """What the book says. Lines taken back count nowhere."""

    credit: Credit
    entries: tuple[Entry, ...] = ()
    loans: Mapping[int, Loan] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def lent(self) -> int:
        """All that was ever lent (累计投放)."""
        return sum(loan.amount for loan in self.loans.values())

    @property
    def repaid(self) -> int:
        return sum(loan.repaid for loan in self.loans.values())

    @property
    def outstanding(self) -> int:
        return self.lent - self.repaid

    @property
    def left(self) -> int:
        """What may still be lent; negative where more was lent, with a reason."""
        return self.credit.granted - (self.outstanding if self.credit.revolving else self.lent)

    @property
    def reversed(self) -> frozenset[int]:
        """The lines that were taken back."""
        return frozenset(
            entry.of for entry in self.entries if entry.act == "reverse" and entry.of is not None
        )


def open_book(credit: Credit) -> CreditStanding:
    """A credit under which nothing was lent yet. Raises Refusal."""
    _check_amount(credit.granted)
    if credit.until is not None and credit.until < credit.since:
        raise Refusal(
            say("到期日 {until} 早于授信日 {since}。", until=credit.until, since=credit.since),
            say("请核对两个日期。"),
            ("until",),
        )
    return CreditStanding(credit)


def write(book: CreditStanding, entry: Entry) -> CreditStanding:
    """The book with one more line. Raises Refusal; the book stays as it was."""
    if entry.number != len(book.entries) + 1:
        raise Refusal(say("这一笔应是第 {due} 笔。", due=len(book.entries) + 1), at=("number",))
    if entry.act == "lend":
        loans = _lend(book, entry)
    elif entry.act == "repay":
        loans = _repay(book, entry)
    else:
        loans = _reverse(book, entry)
    return CreditStanding(book.credit, (*book.entries, entry), MappingProxyType(loans))


def read_book(credit: Credit, entries: Iterable[Entry]) -> CreditStanding:
    """The book after all its lines."""
    book = open_book(credit)
    for entry in entries:
        book = write(book, entry)
    return book


def _lend(book: CreditStanding, entry: Entry) -> dict[int, Loan]:
    _check_amount(entry.amount)
    credit = book.credit
    if entry.on < credit.since:
        raise Refusal(
            say("放款日 {on} 早于授信日 {since}。", on=entry.on, since=credit.since),
            say("请核对日期。"),
            ("on",),
        )
    if not entry.reason.strip():
        if credit.until is not None and entry.on > credit.until:
            what = say("授信 {until} 已到期，{on} 放款要写明原因。", until=credit.until, on=entry.on)
            raise Refusal(what, say("请写明原因，或核对日期。"), ("reason",))
        if entry.amount > book.left:
            what = say(
                "放款 {amount}，授信只剩 {left}，超出 {over}。",
                amount=say_money(entry.amount),
                left=say_money(max(book.left, 0)),
                over=say_money(entry.amount - book.left),
            )
            raise Refusal(what, say("请核对金额；确实超授信放款的，写明原因。"), ("reason",))
    return {**book.loans, entry.number: Loan(entry.amount, entry.on)}


def _repay(book: CreditStanding, entry: Entry) -> dict[int, Loan]:
    _check_amount(entry.amount)
    loan = book.loans.get(entry.of or 0)
    if loan is None or entry.of is None:
        raise Refusal(say("没有这笔放款。"), say("请选择归还的是哪一笔放款。"), ("of",))
    if entry.on < loan.on:
        what = say("还款日 {on} 早于放款日 {lent}。", on=entry.on, lent=loan.on)
        raise Refusal(what, say("请核对日期。"), ("on",))
    if entry.amount > loan.outstanding:
        what = say(
            "还款 {amount}，这笔放款只剩 {left} 未还。",
            amount=say_money(entry.amount),
            left=say_money(loan.outstanding),
        )
        raise Refusal(what, say("请核对金额，或分到各笔放款。"), ("amount",))
    repaid = Loan(loan.amount, loan.on, loan.repaid + entry.amount)
    return {**book.loans, entry.of: repaid}


def _reverse(book: CreditStanding, entry: Entry) -> dict[int, Loan]:
    taken = next((each for each in book.entries if each.number == entry.of), None)
    if taken is None or taken.act == "reverse" or taken.number in book.reversed:
        raise Refusal(say("没有可以冲正的这一笔。"), say("请选择一笔没有冲正过的放款或还款。"), ("of",))
    if not entry.reason.strip():
        raise Refusal(say("冲正要写明原因。"), at=("reason",))
    if entry.amount != taken.amount:
        what = say("冲正的金额应是原来的 {amount}。", amount=say_money(taken.amount))
        raise Refusal(what, at=("amount",))
    if entry.on < taken.on:
        raise Refusal(
            say("冲正日 {on} 早于原来的 {day}。", on=entry.on, day=taken.on), say("请核对日期。"), ("on",)
        )
    loans = dict(book.loans)
    if taken.act == "lend":
        if loans[taken.number].repaid:
            raise Refusal(say("这笔放款已有还款，不能冲正。"), say("请先冲正它的还款。"), ("of",))
        del loans[taken.number]
    elif taken.of is not None:
        loan = loans[taken.of]
        loans[taken.of] = Loan(loan.amount, loan.on, loan.repaid - taken.amount)
    return loans


def _check_amount(amount: int) -> None:
    if not 0 < amount <= MOST:
        raise Refusal(
            say("金额应大于 0，不超过 {most}。", most=say_money(MOST)), say("请核对金额和单位。"), ("amount",)
        )
