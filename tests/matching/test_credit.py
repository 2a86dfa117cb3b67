"""The book of a credit: never more lent than granted without a reason, errors reversed, and every sum adds up."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from muheng.documents.message import Refusal
from muheng.matching.credit import Act, Credit, CreditStanding, Entry, open_book, read_book, write
from muheng.matching.money import WAN, YI, in_wan, read_money, say_money, show_money

DAY = date(2026, 3, 2)
CREDIT = Credit(1000 * WAN, DAY, DAY + timedelta(365))


def refusal(book: CreditStanding, entry: Entry) -> tuple[str, tuple[str | int, ...]]:
    with pytest.raises(Refusal) as refused:
        write(book, entry)
    return str(refused.value.what), refused.value.at


def test_lent_and_repaid() -> None:
    book = read_book(
        CREDIT,
        [
            Entry(1, "lend", 600 * WAN, DAY),
            Entry(2, "repay", 200 * WAN, DAY + timedelta(30), of=1),
            Entry(3, "lend", 400 * WAN, DAY + timedelta(40)),
        ],
    )
    assert (book.lent, book.repaid, book.outstanding, book.left) == (1000 * WAN, 200 * WAN, 800 * WAN, 0)


def test_what_revolves_is_lent_again() -> None:
    entries = [Entry(1, "lend", 1000 * WAN, DAY), Entry(2, "repay", 300 * WAN, DAY, of=1)]
    once = read_book(CREDIT, entries)
    again = read_book(Credit(1000 * WAN, DAY, revolving=True), entries)
    assert (once.left, again.left) == (0, 300 * WAN)


@pytest.mark.parametrize(
    ("entry", "what", "at"),
    [
        (Entry(2, "lend", 500 * WAN, DAY), "放款 500 万元，授信只剩 400 万元，超出 100 万元。", "reason"),
        (Entry(2, "lend", 1, DAY - timedelta(1)), "放款日 2026-03-01 早于授信日 2026-03-02。", "on"),
        (
            Entry(2, "lend", 1, DAY + timedelta(366)),
            "授信 2027-03-02 已到期，2027-03-03 放款要写明原因。",
            "reason",
        ),
        (Entry(2, "lend", 0, DAY), "金额应大于 0，不超过 10,000 亿元。", "amount"),
        (Entry(2, "repay", 601 * WAN, DAY, of=1), "还款 601 万元，这笔放款只剩 600 万元 未还。", "amount"),
        (Entry(2, "repay", 1, DAY - timedelta(1), of=1), "还款日 2026-03-01 早于放款日 2026-03-02。", "on"),
        (Entry(2, "repay", 1, DAY, of=7), "没有这笔放款。", "of"),
        (Entry(2, "repay", 1, DAY), "没有这笔放款。", "of"),
        (Entry(2, "reverse", 600 * WAN, DAY, of=1), "冲正要写明原因。", "reason"),
        (Entry(2, "reverse", 5, DAY, of=1, reason="记错"), "冲正的金额应是原来的 600 万元。", "amount"),
        (Entry(2, "reverse", 5, DAY, of=9, reason="记错"), "没有可以冲正的这一笔。", "of"),
        (Entry(5, "lend", 5, DAY), "这一笔应是第 2 笔。", "number"),
    ],
)
def test_what_the_book_refuses(entry: Entry, what: str, at: str) -> None:
    assert refusal(read_book(CREDIT, [Entry(1, "lend", 600 * WAN, DAY)]), entry) == (what, (at,))


def test_more_than_granted_only_with_a_reason() -> None:
    book = write(open_book(CREDIT), Entry(1, "lend", 1200 * WAN, DAY, reason="银行另有批复"))
    assert book.left == -200 * WAN


def test_an_error_is_reversed_not_overwritten() -> None:
    book = read_book(CREDIT, [Entry(1, "lend", 600 * WAN, DAY), Entry(2, "repay", 100 * WAN, DAY, of=1)])
    assert refusal(book, Entry(3, "reverse", 600 * WAN, DAY, of=1, reason="记错")) == (
        "这笔放款已有还款，不能冲正。",
        ("of",),
    )
    book = write(book, Entry(3, "reverse", 100 * WAN, DAY, of=2, reason="记错户"))
    book = write(book, Entry(4, "reverse", 600 * WAN, DAY, of=1, reason="记错户"))
    assert (book.lent, book.repaid, book.left, len(book.entries)) == (0, 0, 1000 * WAN, 4)
    assert refusal(book, Entry(5, "reverse", 600 * WAN, DAY, of=1, reason="又")) == (
        "没有可以冲正的这一笔。",
        ("of",),
    )


def test_a_credit_ends_after_it_began() -> None:
    with pytest.raises(Refusal, match="早于授信日"):
        open_book(Credit(1, DAY, DAY - timedelta(1)))


class Book(RuleBasedStateMachine):
    """Random lines: what the book takes adds up, what it refuses leaves it as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.book = open_book(Credit(50 * WAN, DAY, revolving=False))
        self.reasons = False
        self.lent: dict[int, int] = {}
        self.repaid: dict[int, tuple[int, int]] = {}

    def enter(self, act: Act, amount: int, later: int, of: int | None = None, reason: str = "") -> int | None:
        number = len(self.book.entries) + 1
        entry = Entry(number, act, amount, DAY + timedelta(later), of, reason)
        before = self.book
        try:
            self.book = write(self.book, entry)
        except Refusal:
            assert self.book is before
            return None
        return number

    @rule(
        amount=st.integers(1, 60 * WAN),
        later=st.integers(0, 30),
        reason=st.sampled_from(["", "", "", "批复"]),
    )
    def lend(self, amount: int, later: int, reason: str) -> None:
        number = self.enter("lend", amount, later, reason=reason)
        if number is not None:
            self.lent[number] = amount
            self.reasons = self.reasons or bool(reason)

    @precondition(lambda self: self.lent)
    @rule(data=st.data(), amount=st.integers(1, 60 * WAN), later=st.integers(0, 30))
    def repay(self, data: st.DataObject, amount: int, later: int) -> None:
        of = data.draw(st.sampled_from(sorted(self.lent)))
        number = self.enter("repay", amount, later, of)
        if number is not None:
            self.repaid[number] = of, amount

    @precondition(lambda self: self.book.entries)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.book.entries))
        if self.enter("reverse", entry.amount, 31, entry.number, "记错") is not None:
            self.lent.pop(entry.number, None)
            self.repaid.pop(entry.number, None)

    @invariant()
    def sums_add_up(self) -> None:
        assert self.book.lent == sum(self.lent.values())
        assert self.book.repaid == sum(amount for _of, amount in self.repaid.values())
        assert self.book.outstanding == self.book.lent - self.book.repaid >= 0
        assert all(loan.outstanding >= 0 for loan in self.book.loans.values())
        assert self.reasons or self.book.left >= 0
        assert read_book(self.book.credit, self.book.entries) == self.book


TestBook = Book.TestCase
TestBook.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


# -- money -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("500", 500 * WAN),
        ("23.22亿", 2_322_000_000_00),
        ("11.88 亿元", 1_188_000_000_00),
        ("１，２００万", 1200 * WAN),
        ("1,234.56元", 123_456),
        ("0.000001", 1),
        ("", None),
        ("  ", None),
    ],
)
def test_money_is_read_exactly(text: str, fen: int | None) -> None:
    assert read_money(text) == fen


@pytest.mark.parametrize(
    "text", ["五百", "1e5", "-3", "0.0000001", "2万亿", "亿", "无"], ids=lambda text: text
)
def test_what_is_no_sum_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        read_money(text)


@pytest.mark.parametrize(
    ("fen", "shown", "english"),
    [
        (2_322_000_000_00, "23.22 亿元", "23.22 yi yuan"),
        (1 * YI, "1 亿元", "1 yi yuan"),
        (1 * YI + 1, "10,000.000001 万元", "10,000.000001 wan yuan"),
        (500 * WAN, "500 万元", "500 wan yuan"),
        (-1_234_567 * WAN, "-123.4567 亿元", "-123.4567 yi yuan"),
        (0, "0 万元", "0 wan yuan"),
    ],
)
def test_money_is_shown_exactly(fen: int, shown: str, english: str) -> None:
    assert (show_money(fen), say_money(fen).render("en")) == (shown, english)
    assert read_money(shown) == fen if fen >= 0 else True
    assert in_wan(1_234_567) == "1.234567"
