"""The list written and read is the same list; what a workbook cannot do harm with; the same list, the same bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from list_samples import inventories

from muheng.emergency.inventory.keeping import from_bytes, from_folder, to_bytes, to_folder
from muheng.emergency.inventory.model import Inventory
from muheng.emergency.inventory.reading import read_inventory
from muheng.emergency.inventory.writing import write_inventory

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
