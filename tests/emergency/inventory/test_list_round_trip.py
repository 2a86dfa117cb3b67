"""The list written and read is the same list; what a workbook cannot do harm with; the same list, the same bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
from hypothesis import HealthCheck, given, settings
from list_samples import inventories, make_code, make_name

from muheng.emergency.inventory.keeping import from_bytes, from_folder, to_bytes, to_folder
from muheng.emergency.inventory.model import Firm, Inventory, Line, Source
from muheng.emergency.inventory.reading import read_inventory
from muheng.emergency.inventory.writing import Plan, Planned, write_inventory

ONCE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=15
)


@ONCE
@given(inventories())
def test_what_is_written_is_read_again_and_holds_no_formula(tmp_path: Path, inventory: Inventory) -> None:
    path = tmp_path / "清单.xlsx"
    write_inventory(inventory, path)
    read, problems = read_inventory(path)
    assert [problem for problem in problems if problem.severity == "error"] == []
    assert read == inventory
    assert b"<f>" not in b"".join(_sheets(path))


def _sheets(path: Path) -> list[bytes]:
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]


@ONCE
@given(inventories())
def test_what_is_kept_is_found_again(inventory: Inventory) -> None:
    assert from_bytes(to_bytes(inventory)) == inventory
    assert to_bytes(from_bytes(to_bytes(inventory))) == to_bytes(inventory)


def test_the_same_list_gives_the_same_bytes_and_its_places_lie_beside(tmp_path: Path) -> None:
    inventory = Inventory("空", (), ())
    write_inventory(inventory, tmp_path / "1.xlsx")
    write_inventory(inventory, tmp_path / "2.xlsx")
    assert (tmp_path / "1.xlsx").read_bytes() == (tmp_path / "2.xlsx").read_bytes()
    placed = Inventory("空", (), (), places={("firm", "x"): "企业!A4"})
    assert to_bytes(placed) == to_bytes(inventory)
    to_folder(placed, tmp_path / "kept")
    assert from_folder(tmp_path / "kept").places == placed.places


def test_a_plan_stands_beside_the_list_with_its_totals_and_ratios(tmp_path: Path) -> None:
    firm = Firm(make_code(0), make_name(0), "东县", grade="C")
    lines = tuple(
        Line(f"{firm.code}-{n}", firm.code, f"{n}号窑", daily=(10_000, 20_000, 0, 0)) for n in (1, 2)
    )
    base = (
        Source("工业源", (100_000, 100_000, 100_000, 0)),
        Source("移动源", (0, 100_000, 0, 0), {"red": (0, 5_000, 0, 0)}),
    )
    inventory = Inventory("清单", (firm,), lines, base=base)
    plan: Plan = {
        (lines[0].id, "red"): Planned("停产", 1000, (10_000, 20_000, 0, 0), 250_000),
        (lines[1].id, "red"): Planned("限产30%", 300, (3_000, 6_000, 0, 0), 50_005),
    }
    path = tmp_path / "方案.xlsx"
    write_inventory(inventory, path, plan)
    assert read_inventory(path)[0] == inventory
    book = openpyxl.load_workbook(path, data_only=True)
    rows = list(book["拟定措施"].iter_rows(min_row=4, min_col=21, values_only=True))
    assert rows == [
        ("停产", 100, 2500, 10, 20, 0, 0),
        ("限产30%", 30, 500.05, 3, 6, 0, 0),
        (None, None, 3000.05, 13, 26, 0, 0),
    ]
    ratios = [row for row in book["减排比例"].iter_rows(min_row=4, values_only=True) if row[0] == "红色"]
    assert [(row[1], row[5], row[7]) for row in ratios] == [
        ("SO2", 0, 13),
        ("NOx", 2.5, 15.5),
        ("颗粒物", 0, 0),
        ("VOCs", None, None),
    ]
