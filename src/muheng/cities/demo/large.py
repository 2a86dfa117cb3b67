"""A city of any size with the demo's makeup, made column by column, to measure software with.

Plausible and whole, but plainer than the demo: one parcel each, no defects. Figures are exact integers scaled
by their digits, as facts hold them. Codes and names are none of the demo's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import hypot, sqrt
from pathlib import Path

import numpy as np
import polars as pl
import xlsxwriter
from numpy.typing import NDArray

from muheng.cities.demo.figures import (
    COAL_TCE,
    GAS_TCE,
    POLLUTANTS,
    POWER_TCE,
    POWER_TCE_EQUIVALENT,
    STEAM_TCE,
    UNITS,
)
from muheng.cities.demo.parameters import SCALES, DemoParameters, demo_parameters
from muheng.cities.demo.places import (
    Plane,
    Spot,
    list_spots,
    metres_per_degree,
    middle_of,
    read_centres,
    site_plane,
    spread,
)
from muheng.cities.pack import PACKS, Pack
from muheng.standards.credit_code import ALPHABET

LARGE_LAYOUT = PACKS / "common" / "demo" / "wide_layout.toml"
"""The layout that reads what `write_upload` writes; to be used alone, as its items are those of the others."""

_CODE, _NAME = "统一社会信用代码", "企业名称"
_DIGITS = {
    "万元": 2, "亩": 4, "户": 0, "万kWh": 4, "万m³": 4, "人": 0, "tce": 2, "t": 4, "百万kJ": 2,
}  # fmt: skip
_FURTHER = {
    "一般固废产生量": ("t", 2),
    "危险废物产生量": ("t", 3),
    "发明专利": ("件", 0),
    "建筑面积": ("m²", 0),
}
_ABOVE = 0.12
"""Share of 规上."""
_RENAMED = 0.08
_STREET, _LANE, _BLOCK = 20.0, 14.0, 360.0
_SQUARE_METRES_PER_MU = 2000 / 3
_MOST = len(ALPHABET) ** 4 - len(ALPHABET) ** 3
_TEXTS = ("规模", "行业组", "乡镇")
_CREATED = datetime(2000, 1, 1)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LargeCity:
    """`frame` is typed as the frame of facts: sorted by code, texts and dates of the roster, then `items`.

    `items` gives unit and digits of every number. `parcels` has 统一社会信用代码, 宗地号, 面积 (m²), 县区, 乡镇,
    园区, 状态 and geometry (GeoJSON text); `locations` 县区, 乡镇, 园区, 经度, 纬度; `former_names` 曾用名, 起, 止
    (half-open).
    """

    pack: str
    seed: int
    year: int
    items: Mapping[str, tuple[str, int]]
    frame: pl.DataFrame
    former_names: pl.DataFrame
    parcels: pl.DataFrame
    locations: pl.DataFrame


def make_large(pack: Pack, seed: int, count: int, year: int = 2025) -> LargeCity:
    """A city of `count` enterprises. The same pack, seed, count and year give the same.

    Raises ValueError when `count` is more than there are codes, or the pack's demo files have mistakes.
    """
    if not 1 <= count <= _MOST:
        raise ValueError(f"count must be between 1 and {_MOST}, not {count}")
    parameters = demo_parameters(pack)
    spots = list_spots(pack, read_centres(pack))
    rng = np.random.default_rng([seed, count])
    above = rng.random(count) < _ABOVE
    home = _draw_homes(rng, above, list(spots.values()), pack, parameters)
    kinds = _list_kinds(parameters)
    kind = _draw_kinds(rng, above, kinds)
    status = rng.choice(3, count, p=[0.975, 0.018, 0.007])
    figures, area = _draw_figures(rng, above, kinds, kind, status, parameters)
    registered, started, agreed = _draw_dates(rng, status, year)
    items = {name: (unit, _DIGITS[unit]) for name, unit in UNITS.items()} | _FURTHER
    spot_list = list(spots.values())
    division = {county.name: county.code for county in pack.city.county}
    divisions = [division[spot.county] for spot in spot_list]

    columns: dict[str, pl.Series] = {
        _CODE: _make_codes(rng.permutation(count), divisions, home),
        _NAME: _make_names(rng, np.arange(count), kinds, kind, parameters),
        "规模": _pick(("规下", "规上"), above.astype(np.int64)),
        "行业代码": _pick(kinds.codes, kind),
        "行业组": _pick(kinds.groups, kind),
        "乡镇": _pick([spot.township for spot in spot_list], home),
        "园区": _pick([spot.park for spot in spot_list], home),
        "状态": _pick(("正常", "停产", "在建"), status),
        "标签": _draw_tags(rng, above, status == 0, parameters),
        "安全事故等级": _pick(("无", "一般", "较大"), rng.choice(3, count, p=[0.993, 0.005, 0.002])),
        "环境违法等级": _pick(
            ("无", "一般", "较大", "重大"), rng.choice(4, count, p=[0.985, 0.01, 0.004, 0.001])
        ),
        "失信": _pick(("否", "是"), (rng.random(count) < 0.005).astype(np.int64)),
        "上年等级": _pick(("A", "B", "C", "D", None), rng.choice(5, count, p=[0.19, 0.38, 0.33, 0.05, 0.05])),
        "合并组": pl.Series([None] * count, dtype=pl.String),
        "主体企业": pl.Series([None] * count, dtype=pl.String),
        "注册日期": registered,
        "投产日期": started,
        "约定投产日期": agreed,
    }
    columns |= {name: _scale(figures[name], digits) for name, (_, digits) in items.items()}
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    ground = _lay_out(area, home, spots)
    states = rng.choice(5, count, p=[0.86, 0.03, 0.06, 0.02, 0.03])
    places = frame.select(_CODE, "乡镇", "园区").with_columns(
        _pick([spot.county for spot in spot_list], home).alias("县区")
    )
    parcels = places.select(
        _CODE,
        pl.concat_str(
            pl.col(_CODE).str.slice(2, 6),
            pl.lit("001001GB"),
            pl.int_range(1, count + 1).cast(pl.String).str.zfill(6),
            pl.lit("W00000000"),
        ).alias("宗地号"),
        pl.Series("面积", area),
        "县区",
        "乡镇",
        "园区",
        _pick(("在用", "闲置", "低效", "已腾退", "已盘活"), states).alias("状态"),
        _geojson(ground),
    )
    locations = places.select(
        _CODE,
        "县区",
        "乡镇",
        "园区",
        pl.Series("经度", ground[:, :, 0].mean(axis=1).round(6)),
        pl.Series("纬度", ground[:, :, 1].mean(axis=1).round(6)),
    )
    return LargeCity(
        pack=pack.id,
        seed=seed,
        year=year,
        items=items,
        frame=frame.sort(_CODE),
        former_names=_draw_former_names(rng, frame, kinds, kind, parameters, year).sort(_CODE),
        parcels=parcels.sort(_CODE),
        locations=locations.sort(_CODE),
    )


def write_upload(large: LargeCity, path: Path) -> None:
    """One workbook of 40 columns and a row per enterprise, such as a bureau sends; the same city, the same bytes."""
    numbers = list(large.items)[: 40 - 2 - len(_TEXTS)]
    # Standard coal has two conversions; a header that does not say which draws a remark.
    said = {"综合能耗": "综合能耗等价值"}
    head = [_CODE, _NAME, *_TEXTS]
    head += [f"{said.get(name, name)}（{large.items[name][0]}）" for name in numbers]
    shown = large.frame.select(
        _CODE, _NAME, *_TEXTS, *(pl.col(name) / 10 ** large.items[name][1] for name in numbers)
    )
    book = xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"created": _CREATED, "comments": "合成数据"})
    page = book.add_worksheet("宽表")
    for column, text in enumerate(head):
        page.write_string(0, column, text)
    texts = 2 + len(_TEXTS)
    for row, cells in enumerate(shown.iter_rows(), 1):
        for column, text in enumerate(cells[:texts]):
            if text is not None:
                page.write_string(row, column, text)
        for column, number in enumerate(cells[texts:], texts):
            if number is not None:
                page.write_number(row, column, number)
    book.close()


@dataclass(frozen=True)
class _Kinds:
    """The classes of all industries side by side; `levels` are those of their industry, `shares` by scale."""

    codes: tuple[str, ...]
    groups: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    shares: tuple[Floats, ...]
    levels: Mapping[str, Floats]


def _list_kinds(parameters: DemoParameters) -> _Kinds:
    rows = [
        (counts, parameters.industries[counts.id], of)
        for counts in parameters.roster.industry
        for of in parameters.industries[counts.id].classes
    ]
    levels = (
        "revenue_per_mu", "value_added", "tax", "productivity", "energy", "power", "coal", "gas", "water",
        "research",
    )  # fmt: skip
    return _Kinds(
        codes=tuple(of.code for _, _, of in rows),
        groups=tuple(counts.group for counts, _, _ in rows),
        words=tuple(of.words for _, _, of in rows),
        shares=tuple(
            np.array([counts.of(scale) / len(industry.classes) for counts, industry, _ in rows])
            for scale in SCALES
        ),
        levels={name: np.array([float(getattr(of, name)) for _, of, _ in rows]) for name in levels},
    )


def _draw_kinds(rng: np.random.Generator, above: NDArray[np.bool_], kinds: _Kinds) -> Ints:
    """Each one's place in `kinds`."""
    large, small = (rng.choice(len(shares), len(above), p=shares / shares.sum()) for shares in kinds.shares)
    return np.where(above, large, small)


def _draw_homes(
    rng: np.random.Generator,
    above: NDArray[np.bool_],
    spots: Sequence[Spot],
    pack: Pack,
    parameters: DemoParameters,
) -> Ints:
    """Each one's town or park, as many in each as the demo has, in proportion."""
    drawn = []
    for scale in SCALES:
        inside = {park.id: park.of(scale) for park in parameters.roster.park}
        left = {county.name: county.of(scale) for county in parameters.roster.county}
        for spot in spots:
            left[spot.county] -= inside.get(spot.id or "", 0)
        towns = {county.name: len(county.townships) for county in pack.city.county}
        share = np.array(
            [inside.get(spot.id, 0) if spot.id else left[spot.county] / towns[spot.county] for spot in spots]
        )
        drawn.append(rng.choice(len(spots), len(above), p=share / share.sum()))
    return np.where(above, drawn[0], drawn[1])


def _draw_figures(
    rng: np.random.Generator,
    above: NDArray[np.bool_],
    kinds: _Kinds,
    kind: Ints,
    status: Ints,
    parameters: DemoParameters,
) -> tuple[dict[str, Floats], Ints]:
    """Every figure in its unit, NaN where nobody provides it, and each one's own land in m²."""
    count = len(above)
    level = {name: values[kind] for name, values in kinds.levels.items()}

    def around(middle: Floats | float, spread: float) -> Floats:
        return np.asarray(middle * np.exp(spread * rng.standard_normal(count)))

    def only(share: float | Floats, values: Floats) -> Floats:
        return np.where(rng.random(count) < share, values, np.nan)

    def by_scale(large: float, small: float) -> Floats:
        return np.where(above, large, small)

    of = parameters.roster.revenue
    size = np.exp(by_scale(of.above.spread, of.below.spread) * rng.standard_normal(count))
    revenue = np.clip(
        by_scale(of.above.median, of.below.median) * size,
        by_scale(of.above.least, of.below.least),
        by_scale(of.above.most, of.below.most),
    )
    skill = rng.standard_normal(count)
    per_mu = level["revenue_per_mu"] * by_scale(1.0, 0.34) * size**0.15 * np.exp(0.4 * skill)
    # Land is kept to what a hundred thousand enterprises leave room for.
    area = (np.clip(around(revenue / per_mu, 0.58), 1.2, 600.0) * _SQUARE_METRES_PER_MU).astype(np.int64)
    active = np.array([1.0, 0.06, 0.0])[status]
    revenue = revenue * active
    value_added = revenue * np.clip(around(level["value_added"], 0.22), 0.02, 0.8)
    tax = np.round(value_added * np.clip(around(level["tax"] * np.exp(0.15 * skill), 0.45), 0.01, 0.9), 2)
    energy = value_added * around(level["energy"] * np.exp(-0.35 * skill), 0.55)
    power = np.round(energy * level["power"] / POWER_TCE + 0.02, 4)
    coal = np.round(energy * level["coal"] / COAL_TCE, 2)
    gas = np.round(energy * level["gas"] / GAS_TCE, 4)
    rest = np.maximum(1 - level["power"] - level["coal"] - level["gas"], 0)
    steam = np.round(energy * rest / STEAM_TCE, 2)
    water = np.round(value_added * around(level["water"], 0.6) / 1e4, 4)
    fuels = coal * COAL_TCE + gas * GAS_TCE + steam * STEAM_TCE
    mu = area / _SQUARE_METRES_PER_MU
    tons = {"COD": water * 0.25, "氨氮": water * 0.02, "二氧化硫": coal * 0.001, "氮氧化物": gas * 0.006}
    emits = rng.random(count) < by_scale(0.8, 0.34)
    emitted = {p: np.where(emits, np.round(tons[p], 4), np.nan) for p in POLLUTANTS}
    permitted = {
        p: np.where(emits, np.round(tons[p] * rng.uniform(1.1, 1.9, count) + 0.001, 3), np.nan)
        for p in POLLUTANTS
    }
    tenants = np.where(rng.random(count) < 0.03, rng.integers(1, 5, count), 0)
    lets = np.where(tenants > 0, np.round(mu * 0.2, 2), np.nan)
    figures: dict[str, Floats] = {
        "入库税收": tax,
        "增值税": np.round(tax * rng.uniform(0.38, 0.55, count), 2),
        "企业所得税": np.round(tax * rng.uniform(0.08, 0.28, count), 2),
        "出口免抵税额": only(by_scale(0.16, 0.02), np.round(tax * 0.12, 2)),
        "先征后退": only(0.008, np.round(tax * 0.05, 2)),
        "即征即退": only(0.02, np.round(tax * 0.12, 2)),
        "房产税": np.round(mu * rng.uniform(0.15, 0.45, count), 2),
        "城镇土地使用税": np.round(mu * 0.333335, 2),
        "自有用地": mu,
        "承租用地": only(0.06, np.round(mu * rng.uniform(0.1, 0.4, count), 2)),
        "出租用地": lets,
        "出租户数": np.where(tenants > 0, tenants, np.nan),
        "出租规下户数": np.where(tenants > 0, np.maximum(tenants - 1, 0), np.nan),
        "用电量": power,
        "用水量": water,
        "自取水量": only(0.03, np.round(water * 0.5, 4)),
        "工业总产值": np.where(above, np.round(revenue * rng.uniform(0.97, 1.06, count), 2), np.nan),
        "工业增加值": np.round(value_added, 2),
        "营业收入": np.round(revenue, 2),
        "利润总额": np.where(
            above, np.round(revenue * (0.05 + 0.05 * rng.standard_normal(count)), 2), np.nan
        ),
        "研发费用": only(by_scale(0.82, 0.12), np.round(revenue * around(level["research"], 0.5), 2)),
        "技改投资": np.where(above, only(0.5, np.round(revenue * 0.03, 2)), np.nan),
        "平均职工人数": np.maximum(np.round(value_added / around(level["productivity"] * 0.8, 0.35)), 3),
        "综合能耗": np.round(fuels + power * POWER_TCE_EQUIVALENT, 2),
        "综合能耗当量值": np.round(fuels + power * POWER_TCE, 2),
        "原煤消费量": np.where(coal > 0, coal, np.nan),
        "天然气消费量": np.where(gas > 0, gas, np.nan),
        "蒸汽消费量": np.where(steam > 0, steam, np.nan),
        "主要污染物排放量": sum(emitted.values(), np.zeros(count)),
        "排污权核定量": sum(permitted.values(), np.zeros(count)),
        "一般固废产生量": np.round(value_added * 0.2, 2),
        "危险废物产生量": np.where(emits, np.round(value_added * 0.01, 3), np.nan),
        "发明专利": np.where(above, rng.poisson(2.0, count), 0).astype(np.float64),
        "建筑面积": np.round(area * rng.uniform(0.4, 1.4, count)),
    }
    figures |= {f"{p}排放量": values for p, values in emitted.items()}
    figures |= {f"{p}核定量": values for p, values in permitted.items()}
    return figures, area


def _draw_dates(rng: np.random.Generator, status: Ints, year: int) -> tuple[pl.Series, pl.Series, pl.Series]:
    """注册日期, 投产日期, 约定投产日期."""
    count = len(status)
    first, last = (np.datetime64(day, "D").astype(np.int64) for day in ("1996-03-01", f"{year - 2}-12-20"))
    days = rng.integers(first, last, count)
    building = status == 2
    days = np.where(building, last - rng.integers(0, 400, count), days)
    drawn = pl.DataFrame(
        {"注册": days, "投产": days + rng.integers(120, 700, count), "约定": days + 900, "在建": building}
    ).with_columns(pl.col("注册", "投产", "约定").cast(pl.Int32).cast(pl.Date))
    return (
        drawn["注册"],
        drawn.select(pl.when(~pl.col("在建")).then("投产"))["投产"],
        drawn.select(pl.when("在建").then("约定"))["约定"],
    )


def _draw_tags(
    rng: np.random.Generator, above: NDArray[np.bool_], able: NDArray[np.bool_], parameters: DemoParameters
) -> pl.Series:
    parts = []
    for tag in parameters.roster.tag:
        held = able & (rng.random(len(above)) < np.where(above, tag.above, tag.below))
        parts.append(_pick((None, tag.text), held.astype(np.int64)).alias(tag.text))
    joined = pl.DataFrame(parts).select(
        pl.concat_str(pl.all(), separator="|", ignore_nulls=True).alias("标签")
    )
    return joined.select(pl.when(pl.col("标签") != "").then("标签"))["标签"]


def _draw_former_names(
    rng: np.random.Generator,
    frame: pl.DataFrame,
    kinds: _Kinds,
    kind: Ints,
    parameters: DemoParameters,
    year: int,
) -> pl.DataFrame:
    chosen = np.sort(rng.choice(frame.height, int(frame.height * _RENAMED), replace=False))
    names = _make_names(rng, frame.height + np.arange(len(chosen)), kinds, kind[chosen], parameters)
    renamed = frame.select(_CODE, pl.col("注册日期").alias("起"))[chosen]
    days = pl.Series(rng.integers(300, 365 * 6, len(chosen)))
    return renamed.select(
        _CODE,
        names.alias("曾用名"),
        "起",
        pl.min_horizontal(pl.col("起") + pl.duration(days=pl.lit(days)), pl.lit(date(year + 1, 9, 30))).alias(
            "止"
        ),
    )


def _make_codes(numbers: Ints, divisions: Sequence[str], home: Ints) -> pl.Series:
    """Valid codes that say MUHEN and four characters, the first not G: MUHENG is the small demo's."""
    base = len(ALPHABET)
    value = {character: at for at, character in enumerate(ALPHABET)}
    skipped = numbers + np.where(numbers >= value["G"] * base**3, base**3, 0)
    digits = np.empty((len(numbers), 18), dtype=np.int64)
    heads = np.array([[value[c] for c in f"91{division}MUHEN"] for division in divisions])
    digits[:, :13] = heads[home]
    for at in range(4):
        digits[:, 13 + at] = skipped // base ** (3 - at) % base
    weights = np.array([pow(3, at, base) for at in range(17)])
    digits[:, 17] = -(digits[:, :17] @ weights) % base
    letters = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)[digits]
    return pl.Series(np.ascontiguousarray(letters).view("S18").ravel().astype("U18"))


def _make_names(
    rng: np.random.Generator, numbers: Ints, kinds: _Kinds, kind: Ints, parameters: DemoParameters
) -> pl.Series:
    """Names with brands of four characters, a different one for each number."""
    words = parameters.names
    parts = (words.first, words.second, words.third, words.second)
    total = int(np.prod([len(part) for part in parts]))
    # A prime step goes through all brands before one comes again.
    left = numbers * 999_983 % total
    brand = []
    for part in parts:
        brand.append(_pick(part, left % len(part)))
        left = left // len(part)
    most = max(len(of) for of in kinds.words)
    padded = [of[at % len(of)] for of in kinds.words for at in range(most)]
    word = _pick(padded, kind * most + rng.integers(0, most, len(numbers)))
    forms = np.array([form.below for form in words.forms])
    form = _pick(
        [form.text for form in words.forms], rng.choice(len(forms), len(numbers), p=forms / forms.sum())
    )
    columns = [part.alias(str(at)) for at, part in enumerate((*brand, word, form))]
    return pl.DataFrame(columns).select(pl.concat_str(pl.all()))["0"]


def _lay_out(area: Ints, home: Ints, spots: Mapping[str, Spot]) -> Floats:
    """Corners of every parcel, counter-clockwise: longitude and latitude in an array of count × 4 × 2."""
    corners = np.empty((len(area), 4, 2))
    radii: dict[str, float] = {}
    for at, name in enumerate(spots):
        members = np.flatnonzero(home == at)
        laid, radii[name] = _lay_rows(area[members].astype(np.float64))
        corners[members] = laid
    plane = middle_of(spots)
    sites = spread(spots, radii, plane)
    for at, name in enumerate(spots):
        members = np.flatnonzero(home == at)
        corners[members] = _to_globe(corners[members], site_plane(sites[name], plane))
    return corners


def _lay_rows(area: Floats) -> tuple[Floats, float]:
    """Rectangles in rows of like size around the origin, and the radius of them all."""
    corners = np.empty((len(area), 4, 2))
    if not len(area):
        return corners, 200.0
    order = np.argsort(-area, kind="stable")
    sizes = area[order]
    sums = np.concatenate([[0.0], np.cumsum(sizes)])
    width = max(sqrt(sums[-1]) * 1.15, 200.0)
    start, bottom, widest = 0, 0.0, 0.0
    while start < len(sizes):
        depth = sqrt(sizes[start])
        full = int(np.searchsorted(sums, sums[start] + width * depth, side="right")) - 1
        alike = int(np.searchsorted(-sizes, -(depth * depth) / 4, side="right"))
        end = max(min(full, alike), start + 1)
        right = np.cumsum(sizes[start:end] / depth)
        lanes = np.floor((right - sizes[start:end] / depth) / _BLOCK) * _LANE
        left, right = right - sizes[start:end] / depth + lanes, right + lanes
        low, high = np.full(end - start, bottom), np.full(end - start, bottom + depth)
        corners[order[start:end]] = np.stack(
            [np.stack(pair, axis=1) for pair in ((left, low), (right, low), (right, high), (left, high))],
            axis=1,
        )
        widest = max(widest, float(right[-1]))
        bottom += depth + _STREET
        start = end
    corners -= np.array([widest / 2, bottom / 2])
    return corners, hypot(widest, bottom) / 2


def _to_globe(corners: Floats, local: Plane) -> Floats:
    """Metres around a site's middle as degrees."""
    return np.asarray(
        np.round(corners / metres_per_degree(local.latitude) + (local.longitude, local.latitude), 7)
    )


def _geojson(corners: Floats) -> pl.Series:
    columns = {f"{at}{axis}": corners[:, at, i] for at in range(4) for i, axis in enumerate("xy")}
    points = [
        pl.concat_str(pl.lit("["), f"{at}x", pl.lit(","), f"{at}y", pl.lit("]")) for at in (0, 1, 2, 3, 0)
    ]
    ring = pl.concat_str(points, separator=",")
    text = pl.concat_str(pl.lit('{"type":"Polygon","coordinates":[['), ring, pl.lit("]]}"))
    return pl.DataFrame(columns).select(text.alias("geometry"))["geometry"]


def _pick(values: Sequence[str | None] | str, at: Ints) -> pl.Series:
    """The text at each position."""
    return pl.Series(list(values), dtype=pl.String).gather(pl.Series(at))


def _scale(values: Floats, digits: int) -> pl.Series:
    """Whole numbers at so many digits; NaN is null."""
    given = ~np.isnan(values)
    scaled = np.round(np.where(given, values, 0.0) * 10**digits).astype(np.int64)
    return pl.DataFrame({"value": scaled, "given": given}).select(pl.when("given").then("value"))["value"]
