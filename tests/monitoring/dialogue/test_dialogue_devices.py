"""The allow-list: read back as written, and refused with line and column."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.monitoring.dialogue.devices import (
    COLUMNS,
    EDITIONS,
    MINUTE_INTERVALS,
    Device,
    DevicesRefused,
    read_devices,
    write_devices,
)

MN = "010000A8900016F000169DC0"
HEAD = ",".join(COLUMNS)
devices = st.builds(
    Device,
    mn=st.text("0123456789ABCDEF", min_size=24, max_size=24),
    password=st.text("0123456789abcXYZ", min_size=6, max_size=6),
    point=st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf")), max_size=5
    ),
    edition=st.sampled_from((0, *EDITIONS[1:])),
    key=st.none() | st.binary(min_size=16, max_size=16),
    realtime_seconds=st.just(0) | st.integers(30, 3600),
    minute_interval=st.sampled_from(MINUTE_INTERVALS),
)


@given(st.lists(devices, unique_by=lambda device: device.mn))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, given: list[Device]) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    write_devices(path, given)
    assert read_devices(path) == {device.mn: device for device in given}
    first = path.read_bytes()
    write_devices(path, reversed(given))
    assert path.read_bytes() == first
    assert path.stat().st_mode & 0o077 == 0


def problems_of(tmp_path: Path, text: str | bytes) -> list[tuple[int | None, str, str]]:
    path = tmp_path / "devices.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DevicesRefused) as refused:
        read_devices(path)
    found = refused.value.problems
    assert all(problem.fix is not None for problem in found)
    return [(problem.line, problem.path, str(problem.what)) for problem in found]


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (f"{MN[:-1]},123456,1,2017,,,", "mn", "23 位"),
        (f"{MN.lower()},123456,1,2025,,,", "mn", "0-9、A-F"),
        (f"{MN},123456,1,2005,,,", "mn", "14 位"),
        ("9.1E+17,123456,1,,,,", "mn", "表格软件"),
        (",123456,1,,,,", "mn", "没有写 MN"),
        ("设备一,123456,1,,,,", "mn", "字符"),
        (f"{MN},12345,1,,,,", "password", "5 位"),
        (f"{MN},12;456,1,,,,", "password", "字符"),
        (f"{MN},123456,1,2011,,,", "edition", "2011"),
        (f"{MN},123456,1,,abc,,", "key", "3 位"),
        (f"{MN},123456,1,,,20,", "realtime_seconds", "20"),
        (f"{MN},123456,1,,,,7", "minute_interval", "7"),
        (f"{MN},123456,1,,,,10,9", "", "8 格"),
        (f'"{MN},123456', "", "CSV"),
    ],
)
def test_a_problem_has_its_place(tmp_path: Path, row: str, column: str, words: str) -> None:
    ((line, where, what),) = problems_of(tmp_path, f"{HEAD}\nYD4210001,abcdef\n{row}\n")
    assert (line, where) == (3, column)
    assert words in what


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    found = problems_of(tmp_path, f"{HEAD}\n{MN},123456\n\n{MN},12345,,1999\n")
    assert [(line, column) for line, column, _ in found] == [(4, "password"), (4, "edition"), (4, "mn")]
    assert "第 2 行" in found[-1][2]


def test_columns_are_checked_first(tmp_path: Path) -> None:
    found = problems_of(tmp_path, "mn,密码,mn\nx,y,z\n")
    assert [(line, column) for line, column, _ in found] == [(1, "password"), (1, "mn"), (1, "密码")]
    assert problems_of(tmp_path, "")[0][1] == "mn"


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    ((_, _, what),) = problems_of(tmp_path, f"{HEAD}\n{MN},123456,一号排口\n".encode(encoding))
    assert "UTF-8" in what


def test_a_byte_order_mark_and_any_order_of_columns_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "devices.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"password,mn\r\n123456 , {MN}\r\n".encode())
    assert read_devices(path) == {MN: Device(MN, "123456")}
