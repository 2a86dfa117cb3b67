"""Layers of facts: the last figure wins with its cells, and what is taken away leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.documents.message import Refusal
from muheng.intake.change import CHANGED, ITEM, KIND, NEW, OLD, compare_facts
from muheng.intake.facts import CODE, NAME, ROW, Facts, Item, SourceTable, facts_from_table, write_facts
from muheng.intake.overlay import Correction, corrected, correction_layer, overlay

ITEMS = {
    "税收": Item("税收", "number", "万元", 2),
    "COD": Item("COD", "number", "t", 1),
    "氨氮": Item("氨氮", "number", "t", 1),
    "合计": Item("合计", "number", "t", 1),
    "规模": Item("规模", "text"),
}
CODES = [f"甲{number}" for number in range(5)]


@st.composite
def layers(draw: st.DrawFn, number: int | None = None) -> Facts:
    """A batch of one or two sheets: some enterprises, some items, sums of what is given."""
    label = draw(st.integers(0, 99)) if number is None else number
    tables, figures = [], pl.DataFrame(schema={CODE: pl.String})
    items: dict[str, Item] = {}
    kinds = draw(st.lists(st.sampled_from(["税", "环", "名单"]), min_size=1, max_size=2, unique=True))
    for kind in kinds:
        own = {"税": ["税收"], "环": ["COD", "氨氮"], "名单": ["规模"]}[kind]
        codes = draw(st.lists(st.sampled_from(CODES), unique=True, max_size=5))
        value = st.none() | (st.sampled_from(["规上", "规下"]) if kind == "名单" else st.integers(0, 9))
        rows = pl.DataFrame(
            {
                CODE: [*codes, None],
                ROW: list(range(2, len(codes) + 3)),
                **{name: [draw(value) for _ in range(len(codes) + 1)] for name in own},
            },
            {CODE: pl.String, ROW: pl.UInt32, **{name: ITEMS[name].dtype for name in own}},
        )
        items |= {name: ITEMS[name] for name in own}
        parts: dict[str, tuple[str, ...]] = {}
        given_rows = rows.filter(pl.col(CODE).is_not_null()).drop(ROW)
        if kind == "环":
            parts = {"合计": ("COD", "氨氮")}
            items["合计"] = ITEMS["合计"]
            given_rows = given_rows.with_columns(
                pl.when(pl.any_horizontal(pl.col(own).is_not_null()))
                .then(pl.sum_horizontal(own))
                .alias("合计")
            )
        letters = {name: "CDE"[at] for at, name in enumerate(own)}
        tables.append(SourceTable(f"{label}{kind}.xlsx", "表", kind, kind, "", letters, rows, parts))
        figures = figures.join(given_rows, on=CODE, how="full", coalesce=True)
    names = st.none() | st.sampled_from(["老名", "新名"])
    frame = figures.with_columns(
        pl.Series(NAME, [draw(names) for _ in range(figures.height)], dtype=pl.String)
    )
    return Facts(2022, items, frame.select(CODE, NAME, *items).sort(CODE), tuple(tables))


def cells(facts: Facts) -> dict[tuple[str, str], list[tuple[str, str, str]]]:
    return {
        (code, item): [(cell.file, cell.cell, cell.value) for cell in facts.cells(code, item)]
        for code in facts.frame.get_column(CODE)
        for item in facts.items
    }


def values(facts: Facts) -> dict[tuple[str, str], Any]:
    return {
        (row[CODE], name): row[name]
        for row in facts.frame.iter_rows(named=True)
        for name in (NAME, *facts.items)
        if row[name] is not None
    }


def content(facts: Facts, folder: Path) -> dict[str, bytes]:
    write_facts(facts, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(max_examples=60)
@given(st.lists(layers(), min_size=1, max_size=4))
def test_the_last_that_gives_a_value_gives_it_with_its_cells(laid: Sequence[Facts]) -> None:
    whole = overlay(laid)
    expected: dict[tuple[str, str], Any] = {}
    owners: dict[tuple[str, str], Facts] = {}
    for layer in laid:
        for key, value in values(layer).items():
            expected[key], owners[key] = value, layer
    assert values(whole) == expected
    assert whole.frame.get_column(CODE).to_list() == sorted({key for f in laid for key in f.frame[CODE]})
    for key, found in cells(whole).items():
        assert found == (owners[key].cells(*key) and cells(owners[key])[key] if key in owners else [])


@settings(max_examples=60)
@given(st.lists(layers(), min_size=2, max_size=4), st.data())
def test_laying_in_parts_gives_the_same_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory, laid: list[Facts], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(laid) - 1))
    folder = tmp_path_factory.mktemp("laid")
    whole = content(overlay(laid), folder / "whole")
    assert content(overlay([overlay(laid[:cut]), *laid[cut:]]), folder / "first") == whole
    assert content(overlay([*laid[:cut], overlay(laid[cut:])]), folder / "last") == whole
    assert content(overlay([overlay(laid)]), folder / "again") == whole


@settings(max_examples=40)
@given(layers(1), layers(2))
def test_order_matters_only_where_both_speak(one: Facts, other: Facts) -> None:
    forth, back = values(overlay([one, other])), values(overlay([other, one]))
    both = set(values(one)) & set(values(other))
    assert {key for key in forth if forth[key] != back[key]} <= both
    assert set(forth) == set(back) == set(values(one)) | set(values(other))


def table(rows: dict[str, int | None], file: str = "税.xlsx", item: str = "税收") -> Facts:
    frame = pl.DataFrame(
        {CODE: list(rows), NAME: [f"厂{code}" for code in rows], item: list(rows.values())},
        {CODE: pl.String, NAME: pl.String, item: pl.Int64},
    )
    return facts_from_table(frame, {item: ITEMS[item]}, 2022, file=file)


def test_a_part_that_is_given_anew_leaves_the_sum_its_cells() -> None:
    rows = pl.DataFrame({CODE: ["甲"], ROW: [4], "COD": [15], "氨氮": [2]})
    sheet = SourceTable(
        "环.xlsx", "表", "", "", "", {"COD": "C", "氨氮": "D"}, rows, {"合计": ("COD", "氨氮")}
    )
    frame = pl.DataFrame({CODE: ["甲"], NAME: ["厂"], "COD": [15], "氨氮": [2], "合计": [17]})
    below = Facts(2022, {name: ITEMS[name] for name in ("COD", "氨氮", "合计")}, frame, (sheet,))
    whole = overlay([below, table({"甲": 20}, "补.xlsx", "COD")])
    assert [cell.file for cell in whole.cells("甲", "COD")] == ["补.xlsx"]
    assert [cell.cell for cell in whole.cells("甲", "合计")] == ["C4", "D4"]


def test_what_cannot_be_of_one_year_is_refused() -> None:
    one = table({"甲": 1})
    with pytest.raises(Refusal, match="2022 年和 2023 年"):
        overlay([one, replace(one, year=2023)])
    with pytest.raises(Refusal, match="“税收”在先前的批次里是 万元、2 位小数，在这一批里是 元、2 位小数"):
        overlay([one, replace(one, items={"税收": Item("税收", "number", "元", 2)})])
    with pytest.raises(ValueError, match="no layers"):
        overlay([])


@settings(max_examples=60)
@given(st.lists(layers(), max_size=3), st.lists(layers(), max_size=3), st.none() | st.integers(0, 2))
def test_every_difference_is_counted_and_shown(
    below: list[Facts], above: list[Facts], examples: int | None
) -> None:
    before, after = (overlay(each) if each else None for each in (below, above))
    change = compare_facts(before, after, examples=examples)
    old = {k: v for k, v in (values(before) if before else {}).items() if k[1] != NAME}
    new = {k: v for k, v in (values(after) if after else {}).items() if k[1] != NAME}
    assert change.figures == {
        "新增": len(set(new) - set(old)),
        "改变": sum(old[key] != new[key] for key in set(old) & set(new)),
        "相同": sum(old[key] == new[key] for key in set(old) & set(new)),
        "去掉": len(set(old) - set(new)),
    }
    shown = change.cells.group_by(ITEM, KIND).len()
    counted = change.counts.unpivot(index=ITEM, variable_name=KIND, value_name="n").filter(
        (pl.col(KIND) != "相同") & (pl.col("n") > 0)
    )
    if examples is None:
        assert dict(zip(shown.select(ITEM, KIND).rows(), shown["len"], strict=True)) == dict(
            zip(counted.select(ITEM, KIND).rows(), counted["n"], strict=True)
        )
    else:
        assert shown.get_column("len").max() in (None, *range(1, examples + 1))
    codes = [set(facts.frame[CODE]) if facts else set() for facts in (before, after)]
    assert set(change.joined[CODE]) == codes[1] - codes[0]
    assert set(change.gone[CODE]) == codes[0] - codes[1]


def test_figures_are_shown_with_their_digits() -> None:
    change = compare_facts(table({"甲": -5, "乙": 100}), table({"甲": 12345, "乙": 100, "丙": None}))
    assert change.cells.filter(pl.col(KIND) == CHANGED).select(CODE, NAME, OLD, NEW).rows() == [
        ("甲", "厂甲", "-0.05", "123.45")
    ]
    assert change.joined.rows() == [("丙", "厂丙")]


def test_a_correction_is_a_layer_that_cites_its_document() -> None:
    facts = table({"甲": 100, "乙": 200})
    right = corrected(facts, [Correction("甲", "税收", " 3.5 ", "更正单 第12号")])
    assert values(right)["甲", "税收"] == 350
    (cell,) = right.cells("甲", "税收")
    assert (cell.file, cell.sheet, cell.value) == ("更正单 第12号", "更正", "3.50")
    assert right.cells("乙", "税收") == facts.cells("乙", "税收")
    assert corrected(facts, []) == facts


@pytest.mark.parametrize(
    ("corrections", "words"),
    [
        ([Correction("丙", "税收", "1", "单")], "企业 丙 不在"),
        ([Correction("甲", "能耗", "1", "单")], "没有“能耗”"),
        ([Correction("甲", "税收", "", "单")], "没有填更正后的值"),
        ([Correction("甲", "税收", "一百", "单")], "不是数字"),
        ([Correction("甲", "税收", "NaN", "单")], "小数位太多|不是数字"),
        ([Correction("甲", "税收", "1.234", "单")], "保留 2 位"),
        ([Correction("甲", "税收", "1e30", "单")], "太大"),
        ([Correction("甲", "税收", "1", "单"), Correction("甲", "税收", "2", "单")], "更正了两次"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(corrections: list[Correction], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        correction_layer(table({"甲": 1}), corrections)
