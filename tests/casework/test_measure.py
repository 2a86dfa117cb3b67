"""Days of one case, against counting by hand."""

from __future__ import annotations

from fractions import Fraction

from casebook import CALENDAR, Book, load

from muheng.casework.measure import measure


def closed_demand() -> Book:
    book = Book(load("demand"))
    book.open("2026-02-09T10:00", kind="land", fields={"title": "要地", "detail": "三十亩"})
    book.act("2026-02-10T09:00", "accept", "desk")  # 1 working day after the opening
    book.act("2026-02-10T09:30", "dispatch", "desk", organisation=3)
    book.act("2026-02-12T09:00", "suspend", "desk", note="等批复", reason="等待上级批复")
    book.act("2026-02-25T09:00", "resume", "desk")
    book.act("2026-02-27T17:00", "answer", "handler", note="已供地", fields={"outcome": "已解决"})
    return book.act("2026-03-02T10:00", "confirm", "enterprise")


def test_one_case_by_hand() -> None:
    book = closed_demand()
    assert measure(book.case_type, book.until("2026-02-28T00:00"), CALENDAR) is None
    found = measure(book.case_type, book.standing, CALENDAR)
    assert found is not None
    # 10, 11, 12 February, then 26 and 27; the pause took out the 13th to the 25th, no clock ran after the answer.
    assert (found.net_working, found.net_calendar) == (5, 5)
    # 10–14 (the 14th is worked), 24–28 (the 28th too), 2 March; holiday from the 15th to the 23rd.
    assert (found.gross_working, found.gross_calendar) == (5 + 5 + 1, 21)
    legal, promised = found.clocks["legal"], found.clocks["promised"]
    assert (legal.net, legal.gross, legal.limit, legal.on_time) == (4, 8, 30, True)
    assert (promised.net, promised.limit) == (4, 15)
    assert found.compression == 1 - Fraction(4, 30)
    assert found.on_time is True


def test_a_reopened_case_counts_all_its_runs() -> None:
    book = closed_demand()
    book.act("2026-03-03T10:00", "reopen", "enterprise", note="又出问题")
    book.act("2026-03-12T10:00", "answer", "handler", note="再次答复", fields={"outcome": "部分解决"})
    book.act("2026-03-12T11:00", "object", "enterprise", note="没解决")
    book.act("2026-03-13T10:00", "answer", "handler", note="解决了", fields={"outcome": "已解决"})
    book.act("2026-03-13T11:00", "confirm", "enterprise")
    book.act("2026-03-13T12:00", "rate", "enterprise", rating=4)
    found = measure(book.case_type, book.standing, CALENDAR)
    assert found is not None
    redo = found.clocks["redo"]
    assert (redo.runs, redo.net, redo.on_time) == (2, 7 + 1, False)
    assert (found.on_time, found.reopened, found.rating) == (False, 1, 4)
    assert found.net_working == 5 + 8
