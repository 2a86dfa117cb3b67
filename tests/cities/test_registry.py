"""The demo registry is the same for the same seed, agrees with the demo city, and has no gaps and overlaps."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import shapely
from pyproj import Geod

from muheng.cities.demo import MONTHLY_UNITS, DemoCity, DemoRegistry, make_demo, make_registry
from muheng.cities.pack import Pack
from muheng.intake.facts import facts_from_decimals
from muheng.intake.layout import load_layouts

CODE = "统一社会信用代码"


@pytest.fixture(scope="session")
def registry(maanshan: Pack, city: DemoCity) -> DemoRegistry:
    return make_registry(maanshan, city.seed, city.year)


def polygons(registry: DemoRegistry) -> list[shapely.Polygon]:
    return [shapely.Polygon(parcel.ring) for parcel in registry.parcels]


def periods_by(rows: object, key: object) -> dict[object, list[tuple[date, date | None]]]:
    found: dict[object, list[tuple[date, date | None]]] = defaultdict(list)
    for row in rows:  # type: ignore[attr-defined]
        found[key(row)].append((row.start, row.end))  # type: ignore[operator]
    return found


def follow(periods: list[tuple[date, date | None]]) -> bool:
    """Do the periods follow each other without gap or overlap, each at least a day long?"""
    return all(end is None or start < end for start, end in periods) and all(
        one[1] == other[0] for one, other in pairwise(periods)
    )


def test_the_same_seed_gives_the_same_registry(maanshan: Pack, registry: DemoRegistry) -> None:
    again = make_registry(maanshan, registry.seed, registry.year)
    # Polars frames have no plain equality, and a mapping of them neither.
    for name, value in vars(registry).items():
        other = getattr(again, name)
        if isinstance(value, pl.DataFrame):
            assert value.equals(other)
        elif name == "yearly":
            assert value.keys() == other.keys()
            assert all(frame.equals(other[year]) for year, frame in value.items())
        elif name == "city":
            assert value.truth.equals(other.truth)
        else:
            assert value == other, name


def test_the_city_is_the_demo_city(registry: DemoRegistry, city: DemoCity) -> None:
    assert registry.city.truth.equals(city.truth)
    assert registry.city.past.equals(city.past)
    assert registry.city.workbooks == city.workbooks
    assert registry.city.defects == city.defects


@pytest.mark.parametrize(("seed", "year"), [(0, 2022), (5, 2026)])
def test_any_seed_and_year_make_a_registry(maanshan: Pack, seed: int, year: int) -> None:
    registry = make_registry(maanshan, seed, year, years=3)
    known = set(registry.city.truth[CODE])
    assert sorted(registry.yearly) == [year - 2, year - 1]
    assert {parcel.code for parcel in registry.parcels} - {None} <= known
    assert len(registry.disputes) == 12
    shapes = polygons(registry)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    apart = one < other
    shared = shapely.intersection(np.array(shapes)[one[apart]], np.array(shapes)[other[apart]])
    assert shapely.area(shared).max() < 1e-12


def test_areas_are_those_of_the_land_register(registry: DemoRegistry, city: DemoCity) -> None:
    geod = Geod(ellps="GRS80")
    owned: dict[str, Decimal] = defaultdict(Decimal)
    for parcel, shape in zip(registry.parcels, polygons(registry), strict=True):
        assert shape.is_valid
        # Positive: the ring is counter-clockwise, as GeoJSON asks.
        area, _ = geod.geometry_area_perimeter(shape)
        assert area == pytest.approx(parcel.area, rel=0.002)
        if parcel.code is not None:
            owned[parcel.code] += Decimal(parcel.area) * 3 / 2000
    truth = dict(city.truth.select(CODE, "自有用地").drop_nulls().iter_rows())
    assert owned == truth


def test_parcels_lie_apart_and_within_their_town_county_and_park(registry: DemoRegistry) -> None:
    shapes = np.array(polygons(registry))
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    apart = one < other
    assert shapely.area(shapely.intersection(shapes[one[apart]], shapes[other[apart]])).max() < 1e-12
    outlines = {
        (outline.kind, outline.name): shapely.MultiPolygon([(r[0], r[1:]) for r in outline.polygons])
        for outline in registry.outlines
    }
    assert len(outlines) == 6 + 49 + 9
    for shape in outlines.values():
        assert shape.is_valid
        west, south, east, north = shape.bounds
        assert 117.8 < west < east < 119.0
        assert 31.3 < south < north < 32.1
    for parcel, shape in zip(registry.parcels, shapes, strict=True):
        assert outlines["县区", parcel.county].contains(shape)
        assert outlines["镇街", parcel.township].contains(shape)
        assert parcel.park is None or outlines["园区", parcel.park].contains(shape)
    assert len({(parcel.number, parcel.part) for parcel in registry.parcels}) == len(registry.parcels)
    for kind in ("县区", "镇街", "园区"):
        # Outlines are rounded to a metre: neighbours may share slivers, never ground.
        of_kind = [shape for (k, _), shape in outlines.items() if k == kind]
        assert shapely.union_all(of_kind).area == pytest.approx(sum(s.area for s in of_kind), rel=1e-4)


def test_geojson_is_geojson(registry: DemoRegistry) -> None:
    parcel, outline = registry.parcels[0], registry.outlines[0]
    shape = shapely.from_geojson(json.dumps(parcel.geojson()))
    assert shape.equals(shapely.Polygon(parcel.ring))
    assert shapely.from_geojson(json.dumps(outline.geojson())).geom_type == "MultiPolygon"


def test_every_enterprise_has_a_place_in_its_county(registry: DemoRegistry) -> None:
    assert [place.code for place in registry.locations] == registry.city.truth[CODE].to_list()
    counties = {
        outline.name: shapely.MultiPolygon([(r[0], r[1:]) for r in outline.polygons])
        for outline in registry.outlines
        if outline.kind == "县区"
    }
    astray = [
        place
        for place in registry.locations
        if not counties[place.county].contains(shapely.Point(place.longitude, place.latitude))
    ]
    # One who stands in parks of two counties is drawn where its largest parcel is.
    assert all(len(place.parks) > 1 for place in astray)
    persons = {contact.code: contact.name for contact in registry.contacts if contact.post == "法定代表人"}
    assert all(place.legal_person == persons[place.code] for place in registry.locations)


def test_states_follow_each_other(registry: DemoRegistry) -> None:
    for parcel in registry.parcels:
        assert follow([(state.start, state.end) for state in parcel.states])
        assert parcel.states[-1].end is None
        assert parcel.states[-1].start < date(registry.year + 1, 10, 31)
        assert all(one.state != other.state for one, other in pairwise(parcel.states))
    last = {parcel.states[-1].state for parcel in registry.parcels}
    assert last == {"在用", "闲置", "低效", "已腾退", "已盘活"}
    reserved = [parcel for parcel in registry.parcels if parcel.code is None]
    assert len(reserved) == 36
    assert all(parcel.certificate == "" for parcel in reserved)


def test_names_follow_each_other_and_end_in_the_present_one(registry: DemoRegistry) -> None:
    names = dict(registry.city.truth.select(CODE, "企业名称").iter_rows())
    former = [name.name for name in registry.former_names]
    assert len(set(former)) == len(former)
    assert not set(former) & set(names.values())
    held = periods_by(registry.former_names, lambda name: name.code)
    assert 0.07 < len(held) / len(names) < 0.09
    founded = {place.code: place.registered for place in registry.locations}
    for code, periods in held.items():
        assert follow(periods)
        assert periods[0][0] == founded[str(code)]


def test_titles_are_those_of_the_roster_and_do_not_overlap(registry: DemoRegistry) -> None:
    year_end = date(registry.year, 12, 31)
    held: dict[str, set[str]] = defaultdict(set)
    for status in registry.statuses:
        if status.start <= year_end and (status.end is None or year_end < status.end):
            held[status.code].add(status.tag())
    roster = {
        code: set((tags or "").split("|")) - {""}
        for code, tags in registry.city.truth.select(CODE, "标签").iter_rows()
    }
    assert {code: held.get(code, set()) for code in roster} == roster
    founded = {place.code: place.registered for place in registry.locations}
    for (code, _), periods in periods_by(registry.statuses, lambda s: (s.code, s.tag())).items():
        assert periods[0][0] >= founded[code]  # type: ignore[index]
        assert all(one[1] is not None and one[1] <= other[0] for one, other in pairwise(periods))
    ended = [s for s in registry.statuses if s.end is not None and s.end <= year_end]
    begun = [s for s in registry.statuses if s.start > year_end]
    assert len(ended) > 50
    assert len(begun) > 10
    for periods in periods_by(registry.park_statuses, lambda status: status.park).values():
        assert follow(periods)


def test_earlier_years_have_the_figures_of_their_own_demo(maanshan: Pack, registry: DemoRegistry) -> None:
    year = registry.year
    assert sorted(registry.yearly) == [year - 4, year - 3, year - 2, year - 1]
    before = make_demo(maanshan, registry.seed, year - 3).truth
    frame = registry.yearly[year - 3]
    told = ["企业名称", "标签", "安全事故等级", "环境违法等级", "失信"]
    assert frame.drop(told).equals(before.drop(told))
    assert registry.yearly[year - 1].drop(told).equals(registry.city.past.drop(told))
    former = {(name.code, name.name) for name in registry.former_names}
    now = dict(registry.city.truth.select(CODE, "企业名称").iter_rows())
    renamed = [row for row in frame.select(CODE, "企业名称").iter_rows() if now[row[0]] != row[1]]
    assert renamed
    assert set(renamed) <= former
    assert frame["标签"].null_count() > registry.city.truth["标签"].null_count()


def test_earlier_years_become_facts(maanshan: Pack, registry: DemoRegistry) -> None:
    layouts, _ = load_layouts(maanshan.layouts)
    items = {name: item for layout in layouts for name, item in layout.items().items()}
    for year, frame in registry.yearly.items():
        facts = facts_from_decimals(frame, items, year, file="历年数据", sheet=str(year))
        tax = facts.frame["入库税收"].to_list()
        assert tax == [None if t is None else int(t * 100) for t in frame["入库税收"]]
        assert facts.cells(frame[CODE][0], "入库税收")


def test_permits_and_outlets_add_up_to_what_is_permitted(registry: DemoRegistry) -> None:
    permitted: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for outlet in registry.outlets:
        for limit in outlet.limits:
            assert limit.unit == ("mg/L" if outlet.medium == "废水" else "mg/m³")
            permitted[outlet.code, limit.pollutant] += limit.permitted or 0
    truth = registry.city.truth
    for pollutant in ("COD", "氨氮", "二氧化硫", "氮氧化物"):
        due = dict(truth.select(CODE, f"{pollutant}核定量").drop_nulls().iter_rows())
        assert {code: total for (code, p), total in permitted.items() if p == pollutant} == due
    assert {permit.code for permit in registry.permits} == set(
        truth.filter(pl.col("主要污染物排放量").is_not_null())[CODE]
    )
    for permit in registry.permits:
        assert permit.number == f"{permit.code}001V"
        assert permit.start <= date(registry.year, 12, 31) < permit.end
    lines = {(line.code, line.number) for line in registry.lines}
    numbers = defaultdict(list)
    for outlet in registry.outlets:
        assert outlet.line is None or (outlet.code, outlet.line) in lines
        numbers[outlet.code, outlet.number[:2]].append(int(outlet.number[2:]))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    shapes = defaultdict(list)
    for parcel, shape in zip(registry.parcels, polygons(registry), strict=True):
        shapes[parcel.code].append(shape)
    for outlet in registry.outlets:
        point = shapely.Point(outlet.longitude, outlet.latitude)
        on = shapes.get(outlet.code)
        assert on is None or any(shape.contains(point) for shape in on)


def test_meters_add_up_to_the_year(registry: DemoRegistry) -> None:
    used: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for meter in registry.meters:
        for code, percent in meter.shares or ((meter.code, Decimal(100)),):
            used[meter.medium, code] += meter.used * percent / 100
        assert bool(meter.shares) == (meter.nature == "公用")
        assert sum(percent for _, percent in meter.shares) in (0, 100)
    for medium, item in (("电", "用电量"), ("水", "用水量")):
        for code, total in registry.city.truth.select(CODE, item).drop_nulls().iter_rows():
            assert used[medium, code] == total
    assert len({(meter.medium, meter.number) for meter in registry.meters}) == len(registry.meters)


def test_months_add_up_to_the_year(registry: DemoRegistry) -> None:
    year, monthly = registry.year, registry.monthly
    assert monthly.columns == [CODE, "月份", *MONTHLY_UNITS]
    assert monthly[CODE].n_unique() == 60
    months = monthly["月份"].unique().sort().to_list()
    assert len(months) == 24
    assert (months[0], months[-1]) == (date(year - 1, 11, 1), date(year + 1, 10, 1))
    assert monthly.height == 60 * 24
    items = ["用电量", "用水量", "综合能耗", "工业总产值"]
    sums = monthly.filter(pl.col("月份").dt.year() == year).group_by(CODE).agg(pl.col(items).sum()).sort(CODE)
    truth = registry.city.truth.join(sums, on=CODE, how="semi").select(CODE, *items).sort(CODE)
    assert sums.rows() == truth.rows()
    february = monthly.filter(pl.col("月份") == date(year, 2, 1))["工业总产值"].sum()
    march = monthly.filter(pl.col("月份") == date(year, 3, 1))["工业总产值"].sum()
    assert february < Decimal("0.8") * march
    assert monthly.select((pl.col(list(MONTHLY_UNITS)) < 0).any()).row(0) == (False,) * 6


def test_only_the_planted_months_stand_out(registry: DemoRegistry) -> None:
    assert {anomaly.kind for anomaly in registry.anomalies} == {"错位十倍", "超许可量"}
    planted = {(anomaly.code, anomaly.month, anomaly.item) for anomaly in registry.anomalies}
    permits = {permit.code: permit for permit in registry.permits}
    above, slipped = set(), set()
    for (code,), frame in registry.monthly.group_by(CODE):
        for item in MONTHLY_UNITS:
            middle = frame[item].cast(pl.Float64).median()
            for month, value in frame.select("月份", item).iter_rows():
                if item == "用电量" and float(value) > 4 * middle:
                    slipped.add((code, month, item))
                if item == "危险废物产生量" and value > permits[str(code)].hazardous_waste:
                    above.add((code, month, item))
    assert slipped | above == planted
    for anomaly in registry.anomalies:
        assert anomaly.month.year > registry.year
        row = registry.monthly.filter(pl.col(CODE) == anomaly.code, pl.col("月份") == anomaly.month)
        assert row[anomaly.item].to_list() == [anomaly.filed]


def test_disputes_speak_of_figures_that_are_there(registry: DemoRegistry) -> None:
    truth = {row[CODE]: row for row in registry.city.truth.iter_rows(named=True)}
    answered = {row.code: row for row in registry.confirmations}
    assert set(answered) == set(truth)
    for dispute in registry.disputes:
        assert truth[dispute.code][dispute.item] == dispute.official != dispute.claimed
        assert registry.city.units[dispute.item] == dispute.unit
        assert answered[dispute.code].outcome == "提出异议"
        assert answered[dispute.code].day == dispute.raised < dispute.answered
    outcomes = [row.outcome for row in registry.confirmations]
    assert outcomes.count("提出异议") == len(registry.disputes)
    assert 20 < outcomes.count("逾期未确认") < 90
    assert all((row.day is None) == (row.outcome == "逾期未确认") for row in registry.confirmations)
    for row in (*registry.disputes, *registry.objections):
        assert (truth[row.code]["规模"], truth[row.code]["状态"]) == ("规上", "正常")
    for objection in registry.objections:
        assert objection.item is None or truth[objection.code][objection.item]
        assert 1 <= objection.raised <= registry.publicity
        assert objection.raised < objection.answered
    assert {objection.upheld for objection in registry.objections} == {True, False}


def test_persons_and_numbers_are_evidently_made_up(registry: DemoRegistry) -> None:
    for contact in registry.contacts:
        assert re.fullmatch(r"0555-555\d{4}", contact.phone)
        assert re.fullmatch(r"13800000\d{3}", contact.mobile)
    documents = [status.issuer for status in (*registry.statuses, *registry.park_statuses)]
    documents += [state.source for parcel in registry.parcels for state in parcel.states]
    assert all("演示" in text for text in documents)
