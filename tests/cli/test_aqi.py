"""``muheng aqi``: what it prints, and what it says to numbers that are none."""

from __future__ import annotations

import pytest
from small_town import muheng

DAY = ("--pm25", 82, "--pm10", 141, "--so2", 12, "--no2", 48, "--co", "1.1", "--o3-8h", 96)


def test_a_day_in_json() -> None:
    assert muheng("aqi", "--date", "2026-06-01", *DAY, "--json").data == {
        "aqi": 120,
        "level": "轻度污染",
        "primary": ["PM2.5"],
        "iaqi": {"PM2.5": 120, "PM10": 109, "SO2": 12, "NO2": 60, "CO": 28, "O3-8h": 48},
        "standard": "HJ 633-2026",
    }


def test_a_day_in_words() -> None:
    said = muheng("aqi", "--date", "2026-06-01", *DAY).out
    assert "AQI 120，轻度污染，首要污染物 PM2.5。" in said
    assert "AQI 120, Lightly polluted" in muheng("aqi", "--date", "2026-06-01", *DAY, "--lang", "en").out


def test_an_index_that_may_not_be_published_is_null() -> None:
    found = muheng("aqi", "--date", "2026-06-01", "--pm25", 30, "--json").data
    assert (found["aqi"], found["level"], found["primary"], found["iaqi"]["PM10"]) == (None, None, [], None)
    assert "不公布" in muheng("aqi", "--date", "2026-06-01", "--pm25", 30).out


def test_what_is_never_monitored_is_not_missing() -> None:
    rest = [each for name in ("pm10", "so2", "no2", "co", "o3-8h") for each in (f"--{name}", "/")]
    assert muheng("aqi", "--date", "2026-06-01", "--pm25", "３０", *rest, "--json").data["aqi"] == 43


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--date", "2026-06-01", "--pm25", "many"), "不是数字"),
        (("--date", "2026-06-01", "--pm25", "nan"), "不是数字"),
        (("--date", "2026-06-01", "--pm25", "1e99"), "不是数字"),
        (("--date", "2026-06-01", "--pm25", "-3"), "负数"),
        (("--date", "2026-13-01", "--pm25", "3"), "不是日期"),
        (("--date", "2011-01-01", "--pm25", "3"), "2012-02-29"),
        (("--date", "2026-06-01", "--o3", "3"), "O3"),
        (("--date", "2026-06-01"), "没有写任何浓度"),
    ],
)
def test_what_cannot_be_read_is_said(arguments: tuple[str, ...], said: str) -> None:
    outcome = muheng("aqi", *arguments)
    assert outcome.code == 1
    assert said in outcome.err
