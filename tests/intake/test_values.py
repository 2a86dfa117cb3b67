"""Dates, tags and texts with a list of values."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.intake.values import join_tags, read_dates, read_tags, read_texts


@settings(deadline=None)
@given(st.dates(date(1900, 3, 1), date(2099, 12, 31)))
def test_every_way_of_writing_a_date(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    written = [
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day:%Y%m%d}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year} 年 {day.month} 月 {day.day} 日",
        f"{day.isoformat()} 00:00:00",
        f"{day.isoformat()}".translate(str.maketrans("0123456789-", "０１２３４５６７８９－")),
        *([str(serial)] if serial >= 10_000 else []),
    ]
    read, faults = read_dates(pl.Series(written))
    assert faults == []
    assert set(read) == {day}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("2021-02-30", "没有这一天"),
        ("2021年13月1日", "没有这一天"),
        ("2021-03", "没有写到日"),
        ("2021年3月", "没有写到日"),
        ("202103", "没有写到日"),
        ("2021", "没有写到日"),
        ("三月五日", "不是日期"),
        ("123", "不是日期"),
        ("5021-03-05", "不是日期"),
    ],
)
def test_what_is_no_date_is_told_of(text: str, what: str) -> None:
    read, faults = read_dates(pl.Series(["2021-03-05", None, text, "—"]))
    assert read.to_list() == [date(2021, 3, 5), None, None, None]
    assert [(fault.at, fault.found) for fault in faults] == [(2, text)]
    assert what in str(faults[0].what)


def test_tags_are_separated_and_kept_once() -> None:
    text = "高新技术企业、专精特新：省级;绿色工厂: 省级|高新技术企业，品牌:省级名牌"
    assert read_tags(pl.Series([text, "无", None]))[0].to_list() == [
        "高新技术企业|专精特新:省级|绿色工厂:省级|品牌:省级名牌",
        None,
        None,
    ]
    assert join_tags(" | ") is None


def test_values_are_known_by_their_aliases() -> None:
    values = {"规上": ("规模以上",), "规下": ()}
    read, faults = read_texts(pl.Series(["规模以上", "规下 ", "规 上", None, "—", "中型"]), values)
    assert read.to_list() == ["规上", "规下", "规上", None, None, None]
    assert [(fault.at, str(fault.what)) for fault in faults] == [(5, "“中型” 不是本列的取值。")]
    assert str(faults[0].fix) == "请填 规上、规下 之一，或留空。"


def test_nothing_is_a_value_where_it_is_listed() -> None:
    read, _ = read_texts(pl.Series(["无", "没有", "-"]), {"无": ("没有",), "较大": ()})
    assert read.to_list() == ["无", "无", None]
    assert read_texts(pl.Series(["无", "甲园", "/"]), None)[0].to_list() == [None, "甲园", None]
