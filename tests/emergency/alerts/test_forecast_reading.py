"""Forecasts from tables: days and hours, indices and concentrations, gaps; what is wrong is told by cell."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from muheng.casework.standing import CHINA
from muheng.documents.message import Refusal
from muheng.emergency.forecast import (
    Value,
    assess_value,
    extend_series,
    make_series,
    rate_value,
    read_forecast,
)
from muheng.standards.air_quality import assess

DAY = datetime(2026, 11, 20, tzinfo=CHINA)


def test_days_with_their_index_and_primary_pollutants() -> None:
    series, problems = read_forecast(
        "date,aqi,primary\n2026-11-21,165,PM2.5、O3\n2026/11/20,48,\n2026年11月22日,120,臭氧8小时\n"
    )
    assert problems == []
    assert series is not None
    assert [(value.start, value.aqi, value.primary) for value in series.values] == [
        (DAY, 48, None),
        (DAY + timedelta(days=1), 165, ("PM2.5", "O3")),
        (DAY + timedelta(days=2), 120, ("O3",)),
    ]
    assert series.values[1].indices == {"PM2.5": 165, "O3": 165}
    assert all(value.hours == 24 for value in series.values)


def test_concentrations_are_rated_by_the_edition_of_their_day() -> None:
    text = "日期,PM2.5(µg/m³),PM10,SO2,NO2,CO,O3-8h\n2026-02-28,82,141,12,48,1.1,96\n2026-03-01,82,141,12,48,1.1,96\n"
    series, problems = read_forecast(text)
    assert series is not None
    assert problems == []
    assert [(value.aqi, value.primary) for value in series.values] == [(109, ("PM2.5",)), (120, ("PM2.5",))]
    assert series.values[1].indices == {"PM2.5": 120, "PM10": 109, "SO2": 12, "NO2": 60, "CO": 28, "O3": 48}


def test_pollutants_without_a_column_are_left_out_and_told() -> None:
    series, problems = read_forecast("date,pm25\n2026-11-20,40\n")
    assert series is not None
    assert series.values[0].aqi == 60
    assert series.not_forecast == ("PM10", "SO2", "NO2", "CO", "O3-8h")
    assert [(each.severity, str(each.what)) for each in problems] == [
        ("warning", "没有预报 PM10、SO2、NO2、CO、O3-8h，AQI 按其余污染物计算。")
    ]


def test_an_empty_cell_in_a_column_is_missing() -> None:
    """HJ 633-2026: with a pollutant missing an index up to 100 is not published."""
    series, _ = read_forecast("date,pm25,pm10\n2026-11-20,40,\n2026-11-21,120,\n")
    assert series is not None
    assert [value.aqi for value in series.values] == [None, 158]


def test_holes_are_values_without_an_index() -> None:
    series, problems = read_forecast("date,aqi\n2026-11-20,160\n2026-11-22,\n2026-11-23,170\n")
    assert series is not None
    assert [value.aqi for value in series.values] == [160, None, None, 170]
    assert series.gaps == (DAY + timedelta(days=1), DAY + timedelta(days=2))
    assert str(problems[0].what) == "2 个时段没有 AQI：2026-11-21、2026-11-22。"


def test_running_means_by_the_hour() -> None:
    series, problems = read_forecast(
        "time,aqi,primary\n2026-11-20 23:00,201,PM2.5\n2026-11-21T00:00,202,PM2.5\n2026-11-21 1时,203,PM2.5\n"
    )
    assert series is not None
    assert problems == []
    assert series.kind == "hourly"
    assert [value.aqi for value in series.values] == [201, 202, 203]
    assert series.values[-1].end == datetime(2026, 11, 21, 2, tzinfo=CHINA)


def test_a_workbook_is_read_as_well(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "预报.xlsx")
    sheet = book.add_worksheet("预报")
    for at, cell in enumerate(("日期", "AQI", "首要污染物")):
        sheet.write(1, at, cell)
    sheet.write_datetime(2, 0, datetime(2026, 11, 20), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write_number(2, 1, 212)
    sheet.write_string(2, 2, "PM2.5")
    book.close()
    series, problems = read_forecast(tmp_path / "预报.xlsx")
    assert problems == []
    assert series is not None
    assert [(value.start, value.aqi) for value in series.values] == [(DAY, 212)]


def test_a_file_in_gbk_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "forecast.csv"
    path.write_bytes("日期,AQI,首要污染物\n2026-11-20,212,细颗粒物\n".encode("gbk"))
    series, problems = read_forecast(path)
    assert problems == []
    assert series is not None
    assert series.values[0].primary == ("PM2.5",)


@pytest.mark.parametrize(
    ("text", "cell", "what"),
    [
        ("", None, "预报里没有数据。"),
        ("date,aqi\n", None, "预报里没有数据。"),
        ("aqi\n120\n", None, "要有一列 date（日均值）或一列 time（逐小时的 24 小时滑动值），只要一列。"),
        ("date,primary\n2026-11-20,O3\n", None, "既没有 AQI，也没有浓度。"),
        ("date,aqi,pm25\n2026-11-20,1,2\n", "C1", "既有 AQI 又有浓度，不知道按哪个算。"),
        ("date,aqi,AQI\n2026-11-20,1,2\n", "C1", "“AQI”写了两次。"),
        ("date,aqi\n2026-11-31,120\n", "A2", "“2026-11-31”不是日期。"),
        ("date,aqi\n\n2026-11-20,180~210\n", "B3", "“180~210” 不能作为 AQI。"),
        ("date,aqi\n2026-11-20,501\n", "B2", "“501” 不能作为 AQI。"),
        ("date,aqi\n2026-11-20,-3\n", "B2", "“-3” 不能作为 AQI。"),
        ("date,aqi,primary\n2026-11-20,120,PM1\n", "C2", "不认得污染物“PM1”。"),
        ("date,pm25\n2026-11-20,1e3\n", "B2", "“1e3” 不能作为浓度。"),
        ("date,aqi\n2026-11-20,120\n2026-11-20,130\n", "A3", "2026-11-20 已在第 2 行写过。"),
        ("date,aqi\n2026-11-20,120\n2066-11-20,130\n", None, "从 2026-11-20 到 2066-11-20 太长。"),
        ("time,aqi\n2026-11-20 13:30,120\n", "A2", "“2026-11-20 13:30”不是整点时间。"),
    ],
)
def test_what_is_wrong_is_told_by_cell(text: str, cell: str | None, what: str) -> None:
    series, problems = read_forecast(text)
    assert series is None
    assert (cell, what) in [(each.cell, str(each.what)) for each in problems if each.severity == "error"]


def test_all_mistakes_are_told_at_once() -> None:
    series, problems = read_forecast("date,aqi\n2026-11-20,x\nyesterday,120\n2026-11-22,90\n")
    assert series is None
    assert [each.cell for each in problems] == ["B2", "A3"]


def test_a_column_that_nobody_reads_is_told() -> None:
    series, problems = read_forecast("date,aqi,风速\n2026-11-20,120,3\n")
    assert series is not None
    assert [(each.severity, each.cell, str(each.what)) for each in problems] == [
        ("warning", "C1", "没有用到这一列。")
    ]


def test_measured_days_before_a_forecast() -> None:
    past = make_series(
        "daily", [rate_value(DAY, "daily", 210), rate_value(DAY + timedelta(days=1), "daily", 190)]
    )
    later = make_series(
        "daily",
        [rate_value(DAY + timedelta(days=1), "daily", 170), rate_value(DAY + timedelta(days=2), "daily", 90)],
    )
    assert [value.aqi for value in extend_series(past, later).values] == [210, 170, 90]
    with pytest.raises(Refusal, match="接不起来"):
        extend_series(make_series("hourly", [rate_value(DAY, "hourly", 210)]), later)


def test_days_begin_at_midnight_in_china() -> None:
    with pytest.raises(ValueError, match="daily"):
        make_series("daily", [rate_value(DAY + timedelta(hours=1), "daily", 210)])
    utc = rate_value(datetime.fromisoformat("2026-11-19T16:00:00+00:00"), "daily", 210)
    assert make_series("daily", [utc]).values[0].start == DAY


CELLS = st.sampled_from(
    [
        "date",
        "time",
        "aqi",
        "primary",
        "pm25",
        "o3_8h",
        "2026-11-20",
        "2026-11-21 5:00",
        "9999-12-31",
        "0001-01-01",
        "120",
        "501",
        "",
        "-",
        "PM2.5",
        "1e9",
        '"',
        "\x00",
        "“",
        "²",
        "٣",
        "2026年13月1日",
        "24:00",
        "\t",
    ]
)


@given(st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=6).map("\n".join))
def test_no_text_is_too_strange(text: str) -> None:
    series, problems = read_forecast(text)
    assert (series is None) == any(each.severity == "error" for each in problems)


@given(st.permutations(range(5)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    rows = [f"2026-11-{20 + at},{100 + at},PM2.5" for at in range(5)]
    text = "\n".join(["date,aqi,primary", *(rows[at] for at in order)])
    assert read_forecast(text) == read_forecast("\n".join(["date,aqi,primary", *rows]))


@pytest.mark.parametrize(("pollutant", "most"), [("PM2.5", 620), ("PM10", 720)])
def test_the_edition_of_2026_starts_no_alert_that_the_old_one_would_not(pollutant: str, most: int) -> None:
    """At 150 and above the breakpoints of PM2.5 and PM10 did not change."""
    for concentration in range(most):
        old, new = (
            assess_value(
                datetime(*day, tzinfo=CHINA), "daily", {pollutant: concentration}, _others(pollutant)
            )
            for day in ((2026, 2, 28), (2026, 3, 1))
        )
        for line in (150, 200, 300, 499):
            assert (_index(old) > line) == (_index(new) > line), concentration
    triggers = {"PM2.5": (115, 150, 250), "PM10": (250, 350, 420)}[pollutant]
    for day in (date(2026, 2, 28), date(2026, 3, 1)):
        for concentration, line in zip(triggers, (150, 200, 300), strict=True):
            assert assess(day, {pollutant: Decimal(concentration)}, "daily", _others(pollutant)).aqi == line
            assert (assess(day, {pollutant: concentration + 1}, "daily", _others(pollutant)).aqi or 0) > line


def _others(pollutant: str) -> list[str]:
    return [name for name in ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3-8h") if name != pollutant]


def _index(value: Value) -> int:
    assert value.aqi is not None
    return value.aqi
