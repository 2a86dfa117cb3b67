"""The AQI of HJ 633-2026 and HJ 633-2012: worked values, both roundings, missing data, the top of each table."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.documents.message import Refusal
from muheng.standards.air_quality import DAILY, HOURLY, assess, level_of, limit_of

NEW, OLD = date(2026, 3, 1), date(2026, 2, 28)
WORKED = [
    ("82 141 12 48 1.1 96", "120 109 12 60 28 48", 120, ["PM2.5"], 109),
    ("60 120 10 30 0.8 120", "100 100 10 38 20 67", 100, ["PM2.5", "PM10"], 85),
    ("168 236 20 75 2.3 60", "218 145 20 94 58 30", 218, ["PM2.5"], 218),
    ("35 50 50 40 2.0 100", "50 50 50 50 50 50", 50, [], 50),
]


def day(text: str) -> dict[str, Decimal | None]:
    return dict(zip(DAILY, map(Decimal, text.split()), strict=True))


@pytest.mark.parametrize(("concentrations", "indices", "aqi", "primary", "before"), WORKED)
def test_worked_days(concentrations: str, indices: str, aqi: int, primary: list[str], before: int) -> None:
    found = assess(NEW, day(concentrations))
    assert list(found.iaqi.values()) == [int(each) for each in indices.split()]
    assert (found.aqi, list(found.primary), found.standard) == (aqi, primary, "HJ 633-2026")
    earlier = assess(OLD, day(concentrations))
    assert (earlier.aqi, earlier.standard) == (before, "HJ 633-2012")


def test_primary_pollutants_of_the_edition_before() -> None:
    assert assess(OLD, day(WORKED[0][0])).primary == ("PM2.5",)
    assert assess(OLD, day(WORKED[1][0])).primary == ("PM10",)
    assert assess(OLD, day(WORKED[2][0])).iaqi["PM10"] == 143


@pytest.mark.parametrize(
    ("pm25", "index"),
    [("60.5", 100), ("60.6", 101), ("59.5", 100), ("61.5", 102), ("0.5", 0), ("500", 500), ("5000", 500)],
)
def test_concentrations_are_rounded_half_to_even_and_indices_up(pm25: str, index: int) -> None:
    assert assess(NEW, {"PM2.5": Decimal(pm25)}).iaqi["PM2.5"] == index


def test_co_is_rounded_to_one_decimal() -> None:
    assert assess(NEW, {"CO": Decimal("2.05")}).iaqi["CO"] == 50
    assert assess(NEW, {"CO": Decimal("2.06")}).iaqi["CO"] == 53


def test_an_index_with_a_pollutant_missing_is_published_above_100_only() -> None:
    partial = {
        "PM2.5": Decimal(60),
        "PM10": Decimal(80),
        "SO2": Decimal(5),
        "NO2": Decimal(20),
        "CO": Decimal(1),
    }
    found = assess(NEW, partial)
    assert (found.aqi, found.level, found.primary, found.missing) == (None, None, (), ("O3-8h",))
    assert found.iaqi["PM2.5"] == 100
    assert assess(NEW, {**partial, "PM2.5": Decimal(61)}).aqi == 101
    assert assess(NEW, partial, unmonitored=["O3-8h"]).aqi == 100
    assert assess(OLD, partial).aqi == 82
    assert assess(NEW, {}).aqi is None


def test_the_end_of_the_hourly_table_of_so2_and_of_the_8_hour_table_of_o3() -> None:
    assert assess(NEW, {"SO2": 801}, "hourly").iaqi["SO2"] == 200
    assert assess(NEW, {"O3-8h": 801}).iaqi["O3-8h"] == 300
    assert assess(OLD, {"O3-8h": 801}).iaqi["O3-8h"] is None
    assert assess(OLD, {"O3-8h": 801, "O3-1h": 1000}).iaqi["O3-8h"] == 400
    assert assess(OLD, {"SO2": 801, "SO2-24h": 475}, "hourly").iaqi["SO2"] == 150
    assert assess(OLD, {"SO2": 801, "SO2-24h": 9999}, "hourly").iaqi["SO2"] == 500


def test_clean_air_is_of_the_first_level() -> None:
    found = assess(NEW, dict.fromkeys(DAILY, 0))
    assert (found.aqi, str(found.level), found.primary) == (1, "优", ())
    assert [str(level_of(each)) for each in (50, 51, 100, 101, 150, 151, 200, 201, 300, 301, 500)] == [
        "优", "良", "良", "轻度污染", "轻度污染", "中度污染", "中度污染", "重度污染", "重度污染", "严重污染", "严重污染",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "word"), [({"PM1": 3}, "PM1"), ({"PM2.5": -1}, "负数"), ({"O3": 100}, "O3")]
)
def test_what_cannot_be_is_refused(given: dict[str, int], word: str) -> None:
    with pytest.raises(Refusal) as caught:
        assess(NEW, given)
    assert word in str(caught.value.what)


def test_before_the_first_edition_there_is_none() -> None:
    with pytest.raises(Refusal, match="2012"):
        assess(date(2012, 2, 28), {"PM2.5": 3})


def test_limits_change_by_date() -> None:
    found = [limit_of(on, "PM2.5", "day") for on in (OLD, NEW, date(2030, 12, 31), date(2031, 1, 1))]
    assert [str(each.value) for each in found if each] == ["75", "60", "60", "50"]
    assert [each.standard for each in found if each] == ["GB 3095-2012", *["GB 3095-2026"] * 3]
    assert limit_of(NEW, "PM2.5", "hour") is None
    assert limit_of(date(2031, 1, 1), "SO2", "hour") == limit_of(NEW, "SO2", "day")


amounts = st.fractions(min_value=0, max_value=4000)


@given(st.sampled_from([NEW, OLD]), st.sampled_from([*HOURLY, *DAILY]), amounts, amounts)
def test_more_pollution_never_has_a_smaller_index(
    on: date, name: str, one: Fraction, other: Fraction
) -> None:
    report = "daily" if name in DAILY and name not in HOURLY else "hourly"
    indices = [assess(on, {name: each}, report).iaqi[name] for each in sorted((one, other))]
    known = [each for each in indices if each is not None]
    assert known == sorted(known)
    assert all(0 <= each <= 500 for each in known)


@given(st.fixed_dictionaries(dict.fromkeys(DAILY, amounts)))
def test_the_index_is_the_largest_of_the_individual_ones(given: dict[str, Fraction]) -> None:
    found = assess(NEW, given)
    assert found.aqi == max(1, *(each for each in found.iaqi.values() if each is not None))
    assert set(found.primary) == (
        {name for name, each in found.iaqi.items() if each == found.aqi} if (found.aqi or 0) > 50 else set()
    )
