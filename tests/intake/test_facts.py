"""Facts: found by code and item, written and read back to the byte."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.intake.address import column_letters, column_number
from muheng.intake.facts import (
    CODE,
    NAME,
    ROW,
    Facts,
    Item,
    SourceTable,
    facts_from_table,
    read_facts,
    show,
    write_facts,
)

ITEMS = {
    "税收": Item("税收", "number", "万元", 2),
    "能耗": Item("能耗", "number", "tce", 2, "等价值"),
    "规模": Item("规模", "text"),
    "投产": Item("投产", "date"),
    "标签": Item("标签", "tags"),
}

values = {
    "税收": st.none() | st.integers(-(10**15), 10**15),
    "能耗": st.none() | st.integers(0, 10**12),
    "规模": st.none() | st.sampled_from(["规上", "规下"]),
    "投产": st.none() | st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    "标签": st.none() | st.text("甲乙:|", max_size=5),
}


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    codes = draw(st.lists(st.text("ABC0123456789", min_size=1, max_size=4), unique=True, max_size=12))
    data: dict[str, Any] = {CODE: codes, NAME: [f"厂{code}" for code in codes]}
    for name, strategy in values.items():
        data[name] = [draw(strategy) for _ in codes]
    return pl.DataFrame(
        data, {CODE: pl.String(), NAME: pl.String(), **{name: item.dtype for name, item in ITEMS.items()}}
    )


def written(facts: Facts, folder: Path) -> dict[str, bytes]:
    write_facts(facts, folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@settings(max_examples=40, deadline=None)
@given(tables(), st.randoms())
def test_facts_come_back_and_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, table: pl.DataFrame, random: Any
) -> None:
    folder = tmp_path_factory.mktemp("facts")
    facts = facts_from_table(table, ITEMS, 2022)
    first = written(facts, folder / "1")
    again = read_facts(folder / "1")
    assert again.frame.equals(facts.frame)
    assert again.items == facts.items
    assert again.year == 2022
    assert [source.columns for source in again.sources] == [source.columns for source in facts.sources]
    assert written(again, folder / "2") == first
    # How the frame is cut in chunks leaves no trace.
    cut = random.randint(0, table.height)
    chunked = pl.concat([facts.frame.head(cut), facts.frame.slice(cut)], rechunk=False)
    assert written(Facts(2022, facts.items, chunked, facts.sources), folder / "3") == first


def test_the_frame_is_sorted_and_complete() -> None:
    table = pl.DataFrame({CODE: ["乙", "甲"], "税收": [1, None]}, {CODE: pl.String, "税收": pl.Int64})
    facts = facts_from_table(table, ITEMS, 2022)
    assert facts.frame.columns == [CODE, NAME, *ITEMS]
    assert facts.frame.get_column(CODE).to_list() == sorted(["乙", "甲"])
    assert facts.frame.schema["投产"] == pl.Date
    (cell,) = facts.cells("乙", "税收")
    assert (cell.cell, cell.value) == ("B2", "0.01")
    assert facts.cells("甲", "税收") == []
    assert facts.cells("丙", "税收") == []
    assert facts.cells("乙", "规模") == []


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame({CODE: ["甲", "甲"]}),
        pl.DataFrame({CODE: ["甲", None]}),
        pl.DataFrame({CODE: ["甲"], "税收": [1.5]}),
        pl.DataFrame({CODE: ["甲"], "投产": ["2021-03-05"]}),
    ],
)
def test_what_is_no_table_of_facts_is_refused(table: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"must be present and unique|its item needs"):
        facts_from_table(table, ITEMS, 2022)


def test_the_cells_of_a_sum_are_those_of_its_parts() -> None:
    items = {name: Item(name, "number", "t", 1) for name in ("COD", "氨氮", "合计")}
    frame = pl.DataFrame({CODE: ["甲"], NAME: [None], "COD": [15], "氨氮": [None], "合计": [15]})
    rows = pl.DataFrame({CODE: ["甲", None], ROW: [4, 5], "COD": [15, 7], "氨氮": [None, 2]})
    table = SourceTable(
        "环.xlsx", "表", "生态环境", "ecology", "", {"COD": "C", "氨氮": "D"}, rows, {"合计": ("COD", "氨氮")}
    )
    (cell,) = Facts(2022, items, frame, (table,)).cells("甲", "合计")
    assert (cell.cell, cell.value) == ("C4", "1.5")


@given(st.integers(0, 20_000))
def test_column_letters_and_numbers_agree(index: int) -> None:
    assert column_number(column_letters(index)) == index + 1


def test_letters_of_known_columns() -> None:
    assert [column_letters(index) for index in (0, 25, 26, 701, 702, 16383)] == [
        "A",
        "Z",
        "AA",
        "ZZ",
        "AAA",
        "XFD",
    ]


@pytest.mark.parametrize(
    ("value", "item", "text"),
    [
        (48000, ITEMS["税收"], "480.00"),
        (-5, ITEMS["税收"], "-0.05"),
        (7, Item("户", "number", "户", 0), "7"),
        (date(2021, 3, 5), ITEMS["投产"], "2021-03-05"),
        ("规上", ITEMS["规模"], "规上"),
    ],
)
def test_values_are_shown_with_their_digits(value: Any, item: Item, text: str) -> None:
    assert show(value, item) == text
