"""A large city is made fast, is whole and valid, and its workbook is read back to the same figures."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely
from pyproj import Geod

from muheng.cities.demo import LARGE_LAYOUT, DemoCity, LargeCity, make_large, write_upload
from muheng.cities.pack import Pack
from muheng.intake.facts import CODE, NAME, Item, facts_from_table
from muheng.intake.layout import load_layouts
from muheng.intake.workbooks import read_workbooks
from muheng.standards.credit_code import check_credit_code
from muheng.standards.units import parse_unit

COUNT = 4000


@pytest.fixture(scope="module")
def large(maanshan: Pack) -> LargeCity:
    return make_large(maanshan, 3, COUNT)


def test_the_same_seed_gives_the_same_city(maanshan: Pack, large: LargeCity) -> None:
    again, other = make_large(maanshan, 3, COUNT), make_large(maanshan, 4, COUNT)
    for name in ("frame", "parcels", "locations", "former_names"):
        assert getattr(again, name).equals(getattr(large, name))
        assert not getattr(other, name).equals(getattr(large, name))


def test_codes_and_names_are_valid_unique_and_none_of_the_demo(large: LargeCity, city: DemoCity) -> None:
    codes = large.frame[CODE]
    assert codes.is_sorted()
    assert codes.n_unique() == COUNT
    assert all(check_credit_code(code).problem is None for code in codes)
    assert codes.str.slice(8, 5).unique().to_list() == ["MUHEN"]
    assert not set(codes) & set(city.truth[CODE])
    names = pl.concat([large.frame[NAME], large.former_names["曾用名"]])
    assert names.n_unique() == len(names) == COUNT + int(COUNT * 0.08)
    former = large.former_names.join(large.frame.select(CODE, "注册日期"), on=CODE)
    assert former.select(((pl.col("起") == pl.col("注册日期")) & (pl.col("起") < pl.col("止"))).all()).item()


def test_more_than_there_are_codes_is_refused(maanshan: Pack) -> None:
    for count in (0, 31**4):
        with pytest.raises(ValueError, match="count must be between"):
            make_large(maanshan, 1, count)


def test_facts_are_whole_and_plausible(maanshan: Pack, large: LargeCity) -> None:
    assert len(large.items) >= 40
    layouts, _ = load_layouts(maanshan.layouts)
    known = {name: item for layout in layouts for name, item in layout.items().items()}
    items = {name: item for name, item in known.items() if name in large.frame.columns}
    for name, (unit, digits) in large.items.items():
        parse_unit(unit)
        if name in known:
            assert (known[name].unit, known[name].digits) == (unit, digits)
        else:
            items[name] = Item(name, "number", unit, digits)
    facts = facts_from_table(large.frame, items, large.year)
    assert facts.frame.height == COUNT
    assert set(facts.frame.columns) == set(large.frame.columns)
    assert large.frame["规模"].value_counts().filter(pl.col("规模") == "规上")["count"][0] > 0.1 * COUNT
    home = dict(maanshan.city.townships())
    assert set(large.frame["乡镇"]) == set(home)
    assert large.frame["园区"].drop_nulls().n_unique() == len(maanshan.city.park)
    sums = large.frame.drop_nulls("主要污染物排放量").select(
        pl.sum_horizontal("COD排放量", "氨氮排放量", "二氧化硫排放量", "氮氧化物排放量")
        - pl.col("主要污染物排放量")
    )
    assert sums.to_series().abs().max() == 0
    assert large.frame["入库税收"].min() >= 0
    assert large.frame["标签"].null_count() < COUNT
    assert large.frame.filter(pl.col("标签") == "").is_empty()


def test_parcels_have_their_areas_and_lie_apart(large: LargeCity) -> None:
    shapes = shapely.from_geojson(large.parcels["geometry"].to_numpy())
    geod = Geod(ellps="GRS80")
    for shape, area in zip(shapes, large.parcels["面积"], strict=True):
        assert geod.geometry_area_perimeter(shape)[0] == pytest.approx(area, rel=0.005)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    apart = one < other
    shared = shapely.intersection(shapes[one[apart]], shapes[other[apart]])
    assert shapely.area(shared).max() < 1e-12
    owned = large.frame.select(CODE, own=(pl.col("自有用地") / 15).round().cast(pl.Int64)).join(
        large.parcels.select(CODE, area="面积"), on=CODE
    )
    # 亩 with four decimals is exact for whole square metres: m² × 3 / 2000.
    assert owned["own"].equals(owned["area"], check_names=False)
    at = shapely.points(large.locations["经度"].to_numpy(), large.locations["纬度"].to_numpy())
    assert bool(np.all(shapely.contains(shapes, at)))
    assert large.parcels["宗地号"].n_unique() == COUNT
    assert json.loads(large.parcels["geometry"][0])["type"] == "Polygon"


def test_the_upload_is_read_back_as_it_was_written(large: LargeCity, tmp_path: Path) -> None:
    path = tmp_path / "宽表.xlsx"
    write_upload(large, path)
    layouts, found = load_layouts([LARGE_LAYOUT])
    assert not found
    intake = read_workbooks([path], layouts, large.year)
    assert intake.sheets[0].imported == COUNT
    assert not intake.problems
    names = [name for name in intake.facts.frame.columns if name in large.frame.columns]
    assert len(names) == 40
    assert intake.facts.frame.select(names).equals(large.frame.select(names))
    # The clock is not asked: written in another second, the bytes are the same.
    with zipfile.ZipFile(path) as archive:
        assert b"2000-01-01T00:00:00Z" in archive.read("docProps/core.xml")
    again = tmp_path / "again.xlsx"
    write_upload(large, again)
    assert again.read_bytes() == path.read_bytes()
