"""What a demo city is made of: the pack's `demo/*.toml`, and words and industry profiles that cities share.

Read and checked here; nothing is drawn here. Quantities that differ by size of enterprise come in pairs
`{ above = …, below = … }`: 规上 and 规下.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from muheng.cities.pack import PACKS, Pack
from muheng.documents.diagnostic import Diagnostic, format_diagnostics
from muheng.documents.message import say
from muheng.documents.schema import validate
from muheng.documents.toml_file import TomlFile, read_toml
from muheng.standards.industry import industry_name

Scale = Literal["规上", "规下"]
SCALES: tuple[Scale, ...] = ("规上", "规下")
SheetKind = Literal["名单", "税收", "用地", "租赁", "用电", "分摊", "用水", "统计", "排放"]
DefectKind = Literal[
    "信用代码存成数字",
    "信用代码错字",
    "旧注册号",
    "缺信用代码",
    "名称变体",
    "缺代码且名称变体",
    "名称对不上",
    "名单外企业",
    "重复行",
    "重复行不一致",
    "单位错位",
    "不是数字",
    "错误值",
    "负数",
    "取值不认识",
    "日期不存在",
    "纵向合并",
    "公用电表无分摊",
    "分摊合计不足",
    "一企两园",
    "一宗多企",
]
M = TypeVar("M", bound="_Strict")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pair(_Strict):
    """A share, or a level."""

    above: float
    below: float

    def of(self, scale: Scale) -> float:
        return self.above if scale == "规上" else self.below


class Counts(_Strict):
    """Numbers of enterprises."""

    above: int = Field(ge=0)
    below: int = Field(ge=0)

    def of(self, scale: Scale) -> int:
        return self.above if scale == "规上" else self.below


class Form(Pair):
    text: str


class Names(_Strict):
    """Characters of the three-character brand, and the legal forms."""

    first: str
    second: str
    third: str
    forms: tuple[Form, ...]


class IndustryClass(_Strict):
    """A class (小类) of GB/T 4754, and words for it in enterprises' names."""

    code: str = Field(pattern=r"^\d{4}$")
    name: str
    words: tuple[str, ...] = Field(min_length=1)

    @field_validator("code")
    @classmethod
    def _known(cls, code: str) -> str:
        industry_name(code)
        return code


class Industry(_Strict):
    """Middle levels of an industry. Energy is tce per 万元 value added with electricity at 当量值."""

    id: str
    utility: bool = False
    revenue_per_mu: float
    value_added: float
    tax: float
    productivity: float
    energy: float
    power: float
    coal: float
    gas: float
    water: float
    research: float
    classes: tuple[IndustryClass, ...] = Field(min_length=1)


class Industries(_Strict):
    industry: tuple[Industry, ...]


class CountyCounts(Counts):
    name: str


class ParkCounts(Counts):
    id: str


class IndustryCounts(Counts):
    id: str
    group: str


class Anchor(_Strict):
    """One enterprise far larger than the others; revenue in 万元, land in 亩."""

    industry: str
    county: str
    revenue: float
    land: float


class Spread(_Strict):
    """A lognormal distribution, cut at both ends."""

    median: float
    spread: float
    least: float
    most: float


class Revenue(_Strict):
    above: Spread
    below: Spread

    def of(self, scale: Scale) -> Spread:
        return self.above if scale == "规上" else self.below


class Life(_Strict):
    """What happens to enterprises; a `Pair` is a probability, `Counts` are numbers."""

    tenant: Pair
    lease_in: Pair
    landless: Counts
    more_parcels: Pair
    start_up: Counts
    building: Counts
    stopped: Counts
    emission: Pair
    energy: Pair
    negative_vat: Counts
    negative_tax: Counts
    shared_parcel: int
    shared_meter: int
    village_lessor: float
    two_parks: int
    whole_leased_out: int


class Tag(Pair):
    text: str


class Record(_Strict):
    accident: dict[str, int]
    violation: dict[str, int]
    dishonest: int


class Roster(_Strict):
    base_year: int
    certificate: str
    """How land certificates of the place begin and end, around {year} and {serial}."""
    area_code: str
    growth: float
    tax_per_mu: float
    county: tuple[CountyCounts, ...]
    park: tuple[ParkCounts, ...]
    industry: tuple[IndustryCounts, ...]
    anchor: Anchor
    revenue: Revenue
    life: Life
    tag: tuple[Tag, ...]
    record: Record


class Noise(_Strict):
    """Shares of number cells that are written in another way; all of them can be read."""

    full_width: float = 0.0
    thousands: float = 0.0
    text: float = 0.0
    dash: float = 0.0


class Defects(_Strict):
    """Noise, and how many of each kind of defect are planted on which sheet."""

    noise: Noise = Noise()
    planted: dict[SheetKind, dict[DefectKind, int]] = {}


class ColumnForm(_Strict):
    """How a department writes a column: `is` is our name for it, `times` its unit against the layout's."""

    is_: str = Field(alias="is")
    header: str
    top: str | None = None
    times: int = 1


class SheetForm(_Strict):
    """How a department's sheet looks. `stale` is the name of a hidden sheet with last year's figures."""

    of: SheetKind
    name: str
    title: str
    note: str | None = None
    corner: str | None = None
    total: Literal["top", "bottom"] | None = None
    stale: str | None = None
    blank_tail: int = 0
    columns: tuple[ColumnForm, ...]


class WorkbookForm(_Strict):
    file: str
    encoding: Literal["gbk"] | None = None
    sheet: tuple[SheetForm, ...]


class Workbooks(_Strict):
    workbook: tuple[WorkbookForm, ...] = ()


class DemoParameters(_Strict):
    names: Names
    industries: dict[str, Industry]
    roster: Roster
    workbooks: tuple[WorkbookForm, ...]
    defects: Defects


def read_parameters(pack: Pack) -> tuple[DemoParameters | None, list[Diagnostic]]:
    """The parameters of a pack's demo, or None and every mistake in its files."""
    found: list[Diagnostic] = []

    def read(path: Path, model: type[M]) -> tuple[TomlFile | None, M | None]:
        file, mistakes = read_toml(path, "/".join(path.parts[-3:]))
        found.extend(mistakes)
        if file is None:
            return None, None
        value, mistakes = validate(file, model)
        found.extend(mistakes)
        return file, value

    def read_if_there(path: Path, model: type[M]) -> tuple[TomlFile | None, M | None]:
        return read(path, model) if path.exists() else (None, model())

    common = PACKS / "common" / "demo"
    _, names = read(common / "names.toml", Names)
    _, profiles = read(common / "industries.toml", Industries)
    file, roster = read(pack.folder / "demo" / "roster.toml", Roster)
    # A city whose departments send nothing yet has neither.
    _, defects = read_if_there(pack.folder / "demo" / "defects.toml", Defects)
    _, forms = read_if_there(pack.folder / "demo" / "workbooks.toml", Workbooks)
    if (
        file is None
        or names is None
        or profiles is None
        or roster is None
        or defects is None
        or forms is None
    ):
        return None, found
    industries = {industry.id: industry for industry in profiles.industry}
    found += _check_roster(file, roster, industries, pack)
    if found:
        return None, found
    return DemoParameters(
        names=names, industries=industries, roster=roster, workbooks=forms.workbook, defects=defects
    ), []


def demo_parameters(pack: Pack) -> DemoParameters:
    """As `read_parameters`; raises ValueError with every diagnostic when the files have mistakes."""
    parameters, found = read_parameters(pack)
    if parameters is None:
        raise ValueError(format_diagnostics(found))
    return parameters


def _check_roster(
    file: TomlFile, roster: Roster, industries: dict[str, Industry], pack: Pack
) -> Iterator[Diagnostic]:
    counties = {county.name for county in pack.city.county}
    for index, county in enumerate(roster.county):
        if county.name not in counties:
            what = say("{city}没有名为“{county}”的区县。", city=pack.city.name, county=county.name)
            yield file.error(("county", index, "name"), what)
    for index, park in enumerate(roster.park):
        if park.id not in {known.id for known in pack.city.park}:
            yield file.error(("park", index, "id"), say("没有代号为“{id}”的园区。", id=park.id))
    for index, industry in enumerate(roster.industry):
        if industry.id not in industries:
            yield file.error(("industry", index, "id"), say("没有名为“{id}”的行业画像。", id=industry.id))
    for scale in SCALES:
        by_county = sum(county.of(scale) for county in roster.county)
        by_industry = sum(industry.of(scale) for industry in roster.industry)
        if by_county != by_industry:
            what = say(
                "{scale}：区县合计 {counties} 家，行业合计 {industries} 家。",
                scale=scale,
                counties=by_county,
                industries=by_industry,
            )
            yield file.error(("industry",), what, say("两个合计要相等。"))
    for county in roster.county:
        parks = {park.id for park in pack.city.park if park.county == county.name}
        for scale in SCALES:
            inside = sum(park.of(scale) for park in roster.park if park.id in parks)
            if inside > county.of(scale):
                what = say(
                    "{county}的园区有{scale}企业 {inside} 家，多于全县的 {all} 家。",
                    county=county.name,
                    scale=scale,
                    inside=inside,
                    all=county.of(scale),
                )
                yield file.error(("park",), what)
