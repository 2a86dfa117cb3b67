"""``muheng deadline``: worked values, every way to write a start, the reasons, and bad input."""

from __future__ import annotations

import json

import pytest
from small_town import muheng

from muheng.documents.message import english_catalogue
from muheng.standards.calendar import load_calendar


def test_the_json_is_exactly_this() -> None:
    outcome = muheng("deadline", "2026-02-10", "15", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == '{"due": "2026-03-09", "provisional": false}\n'


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-04-29", "5", "2026-05-09"),  # a make-up Saturday
        ("2026-02-10", "0", "2026-02-10"),
        ("2026-02-10T23:59", "15", "2026-03-09"),
        ("2026-02-10 23:59:59", "15", "2026-03-09"),
        ("2026年2月10日", "15", "2026-03-09"),
        ("2026年2月10日 23时59分", "15", "2026-03-09"),
        ("２０２６年２月１０日", "１５", "2026-03-09"),
        ("２０２６－０２－１０", "１５", "2026-03-09"),
        ("2026/2/10", "15", "2026-03-09"),
        ("2026-02-10T15:59Z", "1", "2026-02-11"),  # 23:59 in China
        ("2026-02-10T16:00Z", "1", "2026-02-12"),  # already the 11th in China
        ("2026-02-11T00:30+09:00", "1", "2026-02-11"),  # still the 10th in China
        ("2026-02-10T12:00-0500", "1", "2026-02-12"),
        ("2026-02-14", "1", "2026-02-24"),  # starts on a make-up Saturday
    ],
)
def test_worked_values(start: str, days: str, due: str) -> None:
    outcome = muheng("deadline", start, days, "--json")
    assert outcome.data == {"due": due, "provisional": False}


def test_the_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    for zone in ("America/Los_Angeles", "Pacific/Kiritimati"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert muheng("deadline", "2026-02-10T23:59", 1, "--json").data["due"] == "2026-02-11"
    monkeypatch.undo()
    time.tzset()


def test_calendar_days_end_on_a_working_day() -> None:
    def due(start: str, days: int) -> str:
        return str(muheng("deadline", start, days, "--calendar", "--json").data["due"])

    assert due("2026-02-01", 5) == "2026-02-06"
    assert due("2026-02-01", 6) == "2026-02-09"  # a Saturday
    assert due("2026-02-10", 6) == "2026-02-24"  # Spring Festival
    assert due("2026-05-01", 8) == "2026-05-09"  # a Saturday that is worked
    said = muheng("deadline", "2026-02-01", 6, "--calendar").out
    assert "顺延" in said
    assert "2026年2月9日（星期一）" in said


def test_the_reasons() -> None:
    said = muheng("deadline", "2026-02-10", "15").out
    assert "2026年3月9日（星期一）到期" in said
    assert "春节" in said
    assert "2026年2月14日（星期六）" in said
    assert "2026年2月28日（星期六）" in said
    assert "暂定" not in said
    english = muheng("deadline", "2026-02-10", "15", "--lang", "en").out
    assert "Spring Festival" in english
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in english)


def test_every_holiday_has_an_english_name() -> None:
    assert {holiday.name for holiday in load_calendar().named} <= set(english_catalogue())


def test_a_year_without_a_notice_is_provisional_and_says_why() -> None:
    last = max(load_calendar().years)
    outcome = muheng("deadline", f"{last}-12-25", "10", "--json")
    assert outcome.data["provisional"] is True
    assert f"暂定：{last + 1} 年" in muheng("deadline", f"{last}-12-25", "10").out
    assert muheng("deadline", f"{last}-12-25", "30", "--calendar", "--json").data["provisional"] is True
    assert muheng("deadline", f"{last}-12-25", "1", "--json").data["provisional"] is False
    assert "没有收录" in muheng("deadline", "1999-03-01", "3").out


@pytest.mark.parametrize(
    ("start", "days", "word"),
    [
        ("2026-02-30", "5", "没有“2026-02-30”"),
        ("2026-02-10T25:00", "5", "没有“2026-02-10T25:00”"),
        ("明天", "5", "START"),
        ("2026-02", "5", "START"),
        ("2026-02/10", "5", "START"),
        ("2026-02-10", "十五", "DAYS"),
        ("2026-02-10", "1.5", "DAYS"),
        ("2026-02-10", "-3", "不能写负数"),
        ("2026-02-10", "99999999999999999999", "太大"),
        ("9999-12-30", "30", "9999"),
        ("2026-02-10T10:00+25:00", "3", "没有"),
    ],
)
def test_bad_input_is_clear(start: str, days: str, word: str) -> None:
    outcome = muheng("deadline", start, days)
    assert outcome.code == 2
    assert outcome.out == ""
    assert word in outcome.err
    error = json.loads(muheng("deadline", start, days, "--json").out)["error"]
    assert error["kind"] == "usage"
    assert word in error["what"]
