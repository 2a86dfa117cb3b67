"""The emergency lists of the demo cities."""

from __future__ import annotations

import pytest

from muheng.cities.demo import make_registry
from muheng.cities.pack import find_pack, load_pack
from muheng.emergency.demo import make_inventory
from muheng.emergency.inventory.model import Inventory


@pytest.fixture(scope="module", params=["jining", "shanting"])
def inventory(request: pytest.FixtureRequest) -> Inventory:
    pack, _found = load_pack(find_pack(request.param))
    assert pack is not None
    return make_inventory(pack, make_registry(pack, 1, 2025), 1, "2026—2027")


def test_every_line_has_its_firm_and_days_make_its_daily_amount(inventory: Inventory) -> None:
    firms = {firm.code for firm in inventory.firms}
    assert [firm.code for firm in inventory.firms] == sorted(firms)
    assert [line.id for line in inventory.lines] == sorted({line.id for line in inventory.lines})
    for line in inventory.lines:
        assert line.firm in firms
        assert line.days
        for yearly, daily in zip(line.yearly, line.daily, strict=True):
            assert abs(yearly - daily * line.days) <= line.days


def test_measures_are_filed_for_lines_of_the_list_and_never_grow_milder(inventory: Inventory) -> None:
    order = {"yellow": 0, "orange": 1, "red": 2}
    parts: dict[str, list[int]] = {}
    for filed in sorted(inventory.filed, key=lambda each: order[each.level]):
        parts.setdefault(filed.line, []).append(filed.part)
    assert set(parts) <= {line.id for line in inventory.lines}
    assert all(each == sorted(each) for each in parts.values())


def test_the_region_emits_more_than_its_list(inventory: Inventory) -> None:
    stopped = {firm.code for firm in inventory.firms if firm.stopped}
    for p in range(4):
        listed = sum(line.daily[p] for line in inventory.lines if line.firm not in stopped)
        industry = next(source for source in inventory.base if source.name == "工业源").emission[p]
        assert listed <= industry < sum(source.emission[p] for source in inventory.base)
