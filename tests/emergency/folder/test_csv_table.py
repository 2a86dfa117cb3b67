"""Tables as people and programs write them; what cannot be read is told with its line and column."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.emergency.plan.csv_table import MOST_TOLD, Column, read_number, read_table

COLUMNS = (Column("line"), Column("note", required=False), Column("loss", 0.0))


def read(tmp_path: Path, content: str | bytes):  # type: ignore[no-untyped-def]
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, COLUMNS)


def rows_of(tmp_path: Path, content: str | bytes) -> list[tuple[str, str, float]]:
    table, found = read(tmp_path, content)
    assert table is not None, found
    return table.frame.rows()


def faults_of(tmp_path: Path, content: str | bytes) -> list[tuple[int | None, str, str]]:
    table, found = read(tmp_path, content)
    assert table is None
    return [(each.line, each.path, str(each.what)) for each in found if each.severity == "error"]


@pytest.mark.parametrize(
    "content",
    [
        "line,note,loss\nL1,甲,1234.5\nL2,,0.00001\n",
        "\ufeffline,note,loss\nL1,甲,1234.5\nL2,,0.00001",
        "line,note,loss\r\nL1,甲,1234.5\r\nL2,,1e-05\r\n",
        "line,note,loss\rL1,甲,1234.5\rL2,,1e-05\r",
        " Line , NOTE,loss\n L1 ,\t甲, 1234.5 \n　L2　,,1.0E-5\n",
        'loss,line,note\n"1,234.5","L1",甲\n１e-５,L2,""\n',
        "line,note,loss\n\nL1,甲,1 234.50\n,,\n\nL2,,.00001\n\n",
        "line,\ufeffnote,loss\nL1,甲,\u200b1234.5\nL2,,0.00001\n",
        "line,note,loss\nL1,甲,+1234.5\nL2,,0.00001\n".encode("gbk"),
        "line,note,loss\nL1,甲,１，２３４．５\nL2,,0.00001\n".encode("gb18030"),
    ],
)
def test_the_same_table_in_many_hands(tmp_path: Path, content: str | bytes) -> None:
    assert rows_of(tmp_path, content) == [("L1", "甲", 1234.5), ("L2", "", 0.00001)]


def test_gbk_is_told(tmp_path: Path) -> None:
    _, found = read(tmp_path, "line,note,loss\nL1,甲,1\n".encode("gbk"))
    assert [(each.severity, str(each.what)) for each in found] == [
        ("warning", "文件是用 GBK 编码保存的，已按 GBK 读取。")
    ]


def test_unknown_columns_are_told_and_not_used(tmp_path: Path) -> None:
    table, found = read(tmp_path, "line,phone,note,loss\nL1,x,,1\n")
    assert table is not None
    assert table.frame.columns == ["line", "note", "loss"]
    assert [(each.severity, str(each.what)) for each in found] == [("warning", "不认识的列没有用：phone。")]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("abc", "不是数字"), ("nan", "不是数字"), ("inf", "不是数字"), ("-Infinity", "不是数字"), ("-1", "负数"),
        ("", "空的"), ("-", "不是数字"), ("12元", "不是数字"), ("1,2", "不是数字"), ("1e999", "太大"), ("0x10", "不是数字"),
        ("1_000", "不是数字"), ("①", "不是数字"), ("１2..5", "不是数字"), ("=1+1", "不是数字"), ("１-２", "不是数字"),
    ],
)  # fmt: skip
def test_a_cell_that_is_no_number(tmp_path: Path, cell: str, said: str) -> None:
    faults = faults_of(tmp_path, f'line,note,loss\nL1,,5\n\nL2,,"{cell}"\nL3,,7\n')
    assert [(line, path) for line, path, _ in faults] == [(4, "loss")]
    assert said in faults[0][2]


def test_every_bad_cell_is_told_up_to_a_number(tmp_path: Path) -> None:
    rows = "".join(f"L{at},,x{at}\n" for at in range(1000))
    faults = faults_of(tmp_path, "line,note,loss\n" + rows + ",,3\n")
    assert len(faults) == MOST_TOLD + 2
    assert faults[0] == (2, "loss", "“x0” 不是数字。")
    assert str(1000 - MOST_TOLD) in faults[MOST_TOLD][2]
    assert faults[-1][:2] == (1002, "line")


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("line,loss\nL1,3\n", 1, "缺少列“note”"),
        ("line,notes,loss\nL1,,3\n", 1, "缺少列“note”"),
        ("line,note,loss,loss\nL1,,3,4\n", 1, "“loss”有 2 个"),
        ("line;note;loss\nL1;;3\n", 1, "应是逗号"),
        ("line\tnote\tloss\nL1\t\t3\n", 1, "应是逗号"),
        ("\nline,note,loss\nL1,,3\n", 1, "缺少列"),
        ("line,note,loss\nL1,,3\nL2,a,b,4\n", 3, "有 4 格，应有 3 格"),
        ('line,note,loss\nL1,"a"b,3\n', 2, "双引号"),
        ('line,note,loss\nL1,,3\nL2,"a,3\nL3,,4\n', 3, "双引号"),
        ("", None, "空的"),
        ("\ufeff\n\n", None, "空的"),
        ("line,note,loss\nL1,甲,3\n".encode("utf-16"), 1, "UTF-16"),
        (b"line,note,loss\nL1,\xff\xfe\xff,3\n", 2, "UTF-8"),
        (b"PK\x03\x04\0\0\0", None, "不是文本"),
    ],
)
def test_a_file_that_cannot_be_read(
    tmp_path: Path, content: str | bytes, line: int | None, said: str
) -> None:
    faults = faults_of(tmp_path, content)
    assert faults[0][0] == line
    assert said in faults[0][2]


def test_a_missing_file_has_its_misspelt_twin(tmp_path: Path) -> None:
    (tmp_path / "option.csv").touch()
    _, found = read_table(tmp_path / "options.csv", COLUMNS)
    assert "option.csv" in str(found[0].fix)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1).filter(str.strip),
            st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))),
            st.floats(0, 1e12),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_whatever_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, float]]) -> None:  # fmt: skip
    stream = io.StringIO()
    csv.writer(stream).writerows([("line", "note", "loss"), *rows])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(stream.getvalue().encode())
    table, found = read_table(path, COLUMNS)
    assert table is not None, found
    assert table.frame.rows() == [(line.strip(), note.strip(), loss) for line, note, loss in rows]
    assert table.frame.get_column("loss").to_numpy().dtype == np.float64


def test_numbers_of_a_person() -> None:
    assert [read_number(text) for text in ("１，２３４．５", "1 234", " -3。5", "１２", "1.", "12 34")] == [
        1234.5, 1234.0, -3.5, 12.0, 1.0, None
    ]  # fmt: skip
