"""A city is a folder: `city.toml`, its own `layouts/*.toml` and `cases/*.toml`, its `policies/*.toml`, its `demo/`.

This module reads `city.toml` strictly, checks what the files of a pack say of each other, and finds packs and
policies by id. It reads no layout, policy or case type beyond its id; the rooms that use them do.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, Refusal, say
from muheng.documents.schema import Number, validate
from muheng.documents.spelling import offer
from muheng.documents.toml_file import KeyPath, TomlFile, read_toml
from muheng.standards.division import divisions_under, find_division
from muheng.standards.industry import industry_name

PACKS = Path(__file__).parent
COMMON_LAYOUTS = PACKS / "common" / "layouts"
COMMON_CASES = PACKS / "common" / "cases"

_ID = r"^[a-z][a-z0-9-]*$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """A document or report that figures are taken from."""

    id: str = Field(min_length=1, description="在本文件里引用它的短名。")
    document: str = Field(min_length=1, description="文件或报道的题名。")
    publisher: str | None = Field(None, description="发布者或登载处。")
    date: datetime.date = Field(description="发布日期。")
    status: str = Field(description="见到的是原件、转载还是摘引。")


class County(_Strict):
    """A county or district with its townships and streets."""

    code: str = Field(pattern=r"^\d{6}$", description="GB/T 2260 行政区划代码。")
    name: str = Field(min_length=1, description="区县名称，与国家标准一致。")
    townships: tuple[str, ...] = Field(description="所辖乡镇、街道，在全市不重名。")


class Park(_Strict):
    """An industrial park, its place, and the industries that it is meant for."""

    id: str = Field(pattern=_ID, description="园区代号。")
    name: str = Field(min_length=1, description="园区全称。")
    short: str | None = Field(None, description="简称；部门表格里常用。")
    level: Literal["国家级", "省级", "市级", "县级"]
    county: str | None = Field(None, description="所在区县的名称；城市本身是区县的不写。")
    township: str | None = Field(None, description="所在乡镇、街道。")
    industries: tuple[str, ...] = Field(
        (), description="主导产业：GB/T 4754 大类代码（两位）或门类（字母）。"
    )


class Department(_Strict):
    """An office that answers what enterprises ask: a bureau, or a support group and its sections."""

    name: str = Field(min_length=1, description="部门或专班的名称，在全市不重名。")
    english: str = Field(min_length=1, description="英文名称。")
    place: str | None = Field(None, description="所在区县或园区的名称；市级的不写。")
    under: str | None = Field(None, description="属于哪个部门；不属于别的部门的不写。")
    work: tuple[str, ...] = Field((), description="办理哪些种类的诉求：种类的代号，如 land、money。")


class Figure(_Strict):
    """A figure that a source gives for the city, so that the demo can be held against it."""

    name: str = Field(min_length=1)
    value: Number
    unit: str = Field(min_length=1)
    source: str = Field(description="哪一个 source 的 id。")
    note: str | None = None


class City(_Strict):
    """`city.toml`."""

    id: str = Field(pattern=_ID, description="城市包代号，与文件夹同名。")
    name: str = Field(min_length=1, description="中文名称，与国家标准一致。")
    english: str = Field(min_length=1, description="英文名称。")
    division: str = Field(pattern=r"^\d{6}$", description="GB/T 2260 行政区划代码。")
    status: Literal["illustrative", "sourced"] = Field(
        description="illustrative：示例，未逐项核对；sourced：每项都有来源。"
    )
    note: str | None = Field(None, description="哪些是示例，哪些未核对。")
    source: tuple[Source, ...] = ()
    county: tuple[County, ...] = Field(
        (), description="区县。城市本身是区县的不写；要写镇街，就把自己写成唯一的区县。"
    )
    park: tuple[Park, ...] = ()
    department: tuple[Department, ...] = Field((), description="办理企业诉求的部门、专班。")
    figure: tuple[Figure, ...] = ()

    def townships(self) -> Iterator[tuple[str, str]]:
        """(township, county) in the order of the file."""
        for county in self.county:
            for township in county.townships:
                yield township, county.name

    def find_park(self, name: str) -> Park | None:
        """The park with this id, name or short name."""
        return next((park for park in self.park if name in (park.id, park.name, park.short)), None)


@dataclass(frozen=True)
class Pack:
    """A city's folder, checked. `layouts`, `policies` and `cases` are files, in an order that does not change."""

    folder: Path
    city: City
    layouts: tuple[Path, ...]
    """The common layouts, each replaced by the pack's own of the same id, then the pack's further ones."""
    policies: tuple[Path, ...]
    cases: tuple[Path, ...] = ()
    """The common case types, replaced and added to as layouts are; what is wrong in them the room `casework` says."""

    @property
    def id(self) -> str:
        return self.city.id


class UnknownIdError(LookupError):
    """No pack or policy has this id."""

    def __init__(self, what: Message, fix: Message | None) -> None:
        super().__init__(str(what))
        self.what = what
        self.fix = fix


def list_packs() -> list[str]:
    """Ids of the packs that are shipped, sorted."""
    return sorted(path.parent.name for path in PACKS.glob("*/city.toml"))


def find_pack(id: str) -> Path:  # noqa: A002
    """The folder of a shipped pack, or of a city's own that is named by its path. Raises UnknownIdError."""
    own = Path(id)
    if own.is_absolute() and (own / "city.toml").is_file():
        return own
    known = list_packs()
    if id not in known:
        what = say("没有代号为“{id}”的城市包。", id=id)
        raise UnknownIdError(what, offer(id, known))
    return PACKS / id


def find_policy(id: str) -> Path:  # noqa: A002
    """The file of a shipped policy; a policy's file is named by its id. Raises UnknownIdError."""
    files = {path.stem: path for pack in list_packs() for path in _tomls(PACKS / pack / "policies")}
    if id not in files:
        what = say("没有代号为“{id}”的政策。", id=id)
        raise UnknownIdError(what, offer(id, files))
    return files[id]


def load_pack(source: Path | str) -> tuple[Pack | None, list[Diagnostic]]:
    """Read and check a pack, by its folder or the id of a shipped one: every mistake in its files at once.

    The pack is None when there is an error; a pack with warnings is given.
    """
    folder = Path(source)
    if isinstance(source, str) and not folder.is_dir():
        try:
            folder = find_pack(source)
        except UnknownIdError as error:
            return None, [Diagnostic("error", source, None, "", error.what, error.fix)]
    file, found = read_toml(folder / "city.toml", _shown(folder / "city.toml"))
    city = None
    if file is not None:
        city, mistakes = validate(file, City)
        found += mistakes
        if city is not None:
            found += _check_city(file, city, folder.name)
    layouts, mistakes = _find_files(folder, COMMON_LAYOUTS)
    found += mistakes
    cases, _ = _find_files(folder, COMMON_CASES)
    policies = _tomls(folder / "policies")
    found += _check_policies(folder, policies)
    if city is None or any(diagnostic.severity == "error" for diagnostic in found):
        return None, found
    return Pack(folder, city, layouts, tuple(policies), cases), found


def _check_city(file: TomlFile, city: City, folder: str) -> list[Diagnostic]:
    found = []
    if city.id != folder:
        what = say("代号是“{id}”，文件夹是“{folder}”。", id=city.id, folder=folder)
        found.append(file.error(("id",), what, say("改成同名。")))
    found += _check_division(file, ("division",), city.division, city.name)
    for index, county in enumerate(city.county):
        at: KeyPath = ("county", index)
        itself = county.code == city.division
        if county.code[:4] != city.division[:4] or (itself and len(city.county) > 1):
            what = say(
                "{code} 不在{city}（{division}）之内。",
                code=county.code,
                city=city.name,
                division=city.division,
            )
            fix = say("区县代码的前四位是 {prefix}。", prefix=city.division[:4])
            found.append(file.error((*at, "code"), what, fix))
        else:
            found += _check_division(file, (*at, "code"), county.code, county.name)
    found += _check_parks(file, city)
    found += _check_departments(file, city)
    sources = [source.id for source in city.source]
    for index, figure in enumerate(city.figure):
        if figure.source not in sources:
            what = say("没有 id 为“{id}”的来源。", id=figure.source)
            found.append(file.error(("figure", index, "source"), what, offer(figure.source, sources)))
    for table, key in (
        ("county", "code"),
        ("county", "name"),
        ("park", "id"),
        ("park", "name"),
        ("park", "short"),
        ("department", "name"),
        ("source", "id"),
        ("figure", "name"),
    ):
        rows = getattr(city, table)
        places = [((table, index, key), getattr(row, key)) for index, row in enumerate(rows)]
        found += _check_repeats(file, [(path, value) for path, value in places if value is not None])
    townships = [
        (("county", index, "townships", number), name)
        for index, county in enumerate(city.county)
        for number, name in enumerate(county.townships)
    ]
    found += _check_repeats(file, townships)
    return sorted(found, key=lambda diagnostic: diagnostic.line or 0)


def _check_division(file: TomlFile, path: KeyPath, code: str, name: str) -> Iterator[Diagnostic]:
    known = find_division(code)
    if known is not None and known.name == name and known.successor is None:
        return
    near = [*divisions_under(f"{code[:4]}00"), *divisions_under(f"{code[:2]}0000")]
    meant = next((division for division in near if division.name == name), None)
    fix = None if meant is None else say("{name}的代码是 {code}。", name=name, code=meant.code)
    if known is None:
        what = say("GB/T 2260 里没有 {code}（本软件收录的城市范围内）。", code=code)
    elif known.successor is not None:
        what = say("{code}（{name}）{until} 年已撤销。", code=code, name=known.name, until=known.until)
        fix = fix or say("改用 {code}。", code=known.successor)
    else:
        what = say("{code} 是{right}，不是{name}。", code=code, right=known.name, name=name)
    yield file.error(path, what, fix)


def _check_parks(file: TomlFile, city: City) -> Iterator[Diagnostic]:
    counties = {county.name: county for county in city.county}
    home = dict(city.townships())
    for index, park in enumerate(city.park):
        at: KeyPath = ("park", index)
        if park.county is not None and park.county not in counties:
            what = say("{city}没有名为“{county}”的区县。", city=city.name, county=park.county)
            yield file.error((*at, "county"), what, offer(park.county, counties))
        elif park.county is None and counties:
            what = say("园区“{park}”没有写所在区县。", park=park.name)
            yield file.error(at, what, say("加上 county，写区县的名称。"))
        if park.township is not None and park.township not in home:
            what = say("没有名为“{township}”的乡镇、街道。", township=park.township)
            yield file.error((*at, "township"), what, offer(park.township, home))
        elif park.township is not None and park.county in counties and home[park.township] != park.county:
            what = say(
                "{township}属于{right}，不属于{county}。",
                township=park.township,
                right=home[park.township],
                county=park.county,
            )
            fix = say("改 county，或改成{county}的乡镇、街道。", county=park.county)
            yield file.error((*at, "township"), what, fix)
        for number, industry in enumerate(park.industries):
            try:
                industry_name(industry)
            except Refusal as refusal:
                yield file.error((*at, "industries", number), refusal.what, refusal.fix)


def _check_departments(file: TomlFile, city: City) -> Iterator[Diagnostic]:
    places = [county.name for county in city.county] + [park.name for park in city.park]
    above: list[str] = []
    for index, department in enumerate(city.department):
        if department.place is not None and department.place not in places:
            what = say("{city}没有名为“{place}”的区县、园区。", city=city.name, place=department.place)
            yield file.error(("department", index, "place"), what, offer(department.place, places))
        if department.under is not None and department.under not in above:
            what = say("前面没有名为“{name}”的部门。", name=department.under)
            fix = offer(department.under, above) or say("上级部门要写在下级前面。")
            yield file.error(("department", index, "under"), what, fix)
        above.append(department.name)


def _check_repeats(file: TomlFile, places: Iterable[tuple[KeyPath, str]]) -> Iterator[Diagnostic]:
    first: dict[str, KeyPath] = {}
    for path, value in places:
        if value in first:
            what = say("“{value}”重复，第一次在第 {line} 行。", value=value, line=file.line_of(first[value]))
            yield file.error(path, what, say("删去一处，或改成不同的。"))
        else:
            first[value] = path


def _find_files(folder: Path, shared: Path) -> tuple[tuple[Path, ...], list[Diagnostic]]:
    """The common files, each replaced by the pack's own of the same id, then the pack's further ones."""
    common, found = _by_id(_tomls(shared))
    own: dict[str, Path] = {}
    if folder.resolve() != shared.parent:
        own, mistakes = _by_id(_tomls(folder / shared.name))
        found += mistakes
    return tuple((common | own).values()), found


def _by_id(paths: Iterable[Path]) -> tuple[dict[str, Path], list[Diagnostic]]:
    """Files by the id at their top, and what is wrong with the ids."""
    files: dict[str, Path] = {}
    found: list[Diagnostic] = []
    for path in paths:
        file, mistakes = read_toml(path, _shown(path))
        found += mistakes
        if file is None:
            continue
        name = file.data.get("id")
        if not isinstance(name, str):
            found.append(
                file.error(("id",), say("缺少“{key}”。", key="id"), say('加上一行，例如：id = "tax"'))
            )
        elif name in files:
            what = say("代号“{id}”在 {file} 里已经用过。", id=name, file=files[name].name)
            found.append(file.error(("id",), what, say("同一个城市包里代号不能重复，改其中一个。")))
        else:
            files[name] = path
    return files, found


def _check_policies(folder: Path, policies: Iterable[Path]) -> Iterator[Diagnostic]:
    elsewhere = {
        path.stem: path
        for pack in list_packs()
        if (PACKS / pack).resolve() != folder.resolve()
        for path in _tomls(PACKS / pack / "policies")
    }
    for path in policies:
        file, mistakes = read_toml(path, _shown(path))
        yield from mistakes
        if file is None:
            continue
        head = file.data.get("policy")
        name = head.get("id") if isinstance(head, dict) else None
        if name != path.stem:
            what = say("政策代号是“{id}”，文件名是“{file}”。", id=name, file=path.name)
            yield file.error(("policy", "id"), what, say("文件名改成 代号.toml，按代号才找得到它。"))
        if path.stem in elsewhere:
            what = say("代号“{id}”在 {file} 里已经用过。", id=path.stem, file=_shown(elsewhere[path.stem]))
            yield file.error(("policy", "id"), what, say("改成不同的代号。"))


def _tomls(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml"))


def _shown(path: Path) -> str:
    """A path as diagnostics name it: from the pack's folder on."""
    parts = path.parts
    return "/".join(parts[-2:] if path.name == "city.toml" else parts[-3:])
