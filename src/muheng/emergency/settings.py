"""A city's choices for its emergency plan: ``emergency.toml``, a closed document that this module reads and checks.

What must be cut and of which base, what lines may be asked to do, who is spared, what fairness asks. The list itself
(``inventory``) and the norms by trade and grade (``norms``) are other documents; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from muheng.cities.pack import PACKS
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import say
from muheng.documents.schema import Number, validate
from muheng.documents.toml_file import TomlFile, read_toml
from muheng.emergency.inventory.model import CountBy, Evidence, Level, MeasureKind
from muheng.emergency.plan.problem import LEVELS, POLLUTANTS

FILE = "emergency.toml"
COMMON = PACKS / "common" / "emergency" / "settings.toml"

Percent = Annotated[Number, Field(ge=0, le=100)]
Hours = Annotated[int, Field(ge=0, le=240)]
RatioBase = Literal["all_society", "industry", "controlled_firms"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ratios(_Strict):
    """The ratios of one level."""

    so2: Percent = Field(description="SO2 减排比例，%。")
    nox: Percent = Field(description="NOx 减排比例，%。")
    pm: Percent = Field(description="颗粒物减排比例，%。")
    voc: Percent = Field(description="VOCs 减排比例，%。")


class Ratio(_Strict):
    """What must be reached at each level, and of what."""

    base: RatioBase = Field(
        description="比例以什么为基数：all_society 全社会，industry 工业源，controlled_firms 本级管控的企业。",
        json_schema_extra={"example": 'base = "all_society"'},
    )
    pooling: bool = Field(
        description="SO2 与 NOx 可否互相折抵：true 只看两项比例之和。",
        json_schema_extra={"example": "pooling = false"},
    )
    sources_counted: tuple[str, ...] = Field(
        description="除工业源外，哪些源自己的减排量计入完成量，名称与减排基数表一致。",
        json_schema_extra={"example": 'sources_counted = ["扬尘源", "移动源"]'},
    )
    long_stopped: Literal["excluded", "included"] = Field(
        description="长期停产企业的排放是否算进基数；其停产一律不算减排。",
        json_schema_extra={"example": 'long_stopped = "excluded"'},
    )
    yellow: Ratios = Field(description="黄色预警（Ⅲ级响应）。")
    orange: Ratios = Field(description="橙色预警（Ⅱ级响应）。")
    red: Ratios = Field(description="红色预警（Ⅰ级响应）。")


class Loss(_Strict):
    """What a day's loss is."""

    measure: Literal["output", "value_added"] = Field(
        description="清单里的停产损失是产值（output）还是增加值（value_added）；只用来说明，不换算。",
        json_schema_extra={"example": 'measure = "output"'},
    )
    missing: Literal["refuse", "share_output"] = Field(
        description="生产线没写停产损失时：refuse 退回补填；share_output 由企业日产值减去已写的，余数在没写的各线间平分。",
        json_schema_extra={"example": 'missing = "refuse"'},
    )


class Measure(_Strict):
    """One measure that any line may be asked for where the list names none for it."""

    name: str = Field(min_length=1, max_length=40, description="名称，如 限产30%。")
    kind: MeasureKind = Field(description="措施类型。")
    part: Annotated[Number, Field(gt=0, le=100)] = Field(description="减少的产量，%；停产为 100。")
    count_by: CountBy = Field(description="以什么计。")
    evidence: Evidence | None = Field(None, description="用什么核查；不写则按生产线的电表、排放口推定。")


class Grades(_Strict):
    """Grades that decide without choice."""

    spared: tuple[str, ...] = Field(description="各级都自主减排、不强制的等级。")
    stopped: tuple[str, ...] = Field(description="各级都停产的等级；工艺不能停的取最严的一档。")


class Guarantee(_Strict):
    """One kind of enterprise that is spared."""

    kind: str = Field(min_length=1, description="保障类型，与清单一致。")
    most: Level = Field(description="最高到哪一级仍不强制减排；企业自己的级别更低的从其规定。")
    rule: Literal["spared", "supply"] = Field(
        description="spared 不强制减排；supply 只保最低供应，其余部分可以减（以热定产、以量定产）。"
    )


class Supply(_Strict):
    """Something that has to be delivered whatever the air is like."""

    name: str = Field(min_length=1, description="供应什么，与清单里生产线的民生供应一致。")
    part: Percent = Field(description="至少保证现有供应的百分之几。")


class Small(_Strict):
    """Enterprises too small to be asked."""

    yearly: Annotated[Number, Field(gt=0, le=100_000)] = Field(
        description="四项污染物年排放量合计不超过多少千克。"
    )


class ByLevel(_Strict):
    yellow: Hours = Field(description="黄色。")
    orange: Hours = Field(description="橙色。")
    red: Hours = Field(description="红色。")


class Execution(_Strict):
    """How a cut is carried out."""

    whole_lines: bool = Field(
        description="有几条线的企业是否整条停线（以生产线计）；只有一条线的、不能停的仍降负荷。",
        json_schema_extra={"example": "whole_lines = true"},
    )
    notice: ByLevel = Field(description="各级提前多少小时通知；停得比这慢的线不安排停产。")
    norms: bool = Field(
        description="是否执行按行业和绩效等级规定的最低措施（norms.toml）。",
        json_schema_extra={"example": "norms = false"},
    )
    filed: Literal["bind", "preferred", "ignored"] = Field(
        description="已备案的一厂一策：bind 照此执行，只优化其余；preferred 损失相当时少改动；ignored 不看。",
        json_schema_extra={"example": 'filed = "preferred"'},
    )


class Fairness(_Strict):
    """What the plan owes to counties and enterprises; what isn't written isn't asked."""

    county_share: Percent | None = Field(
        None, description="每个县区的生产线至少达到全市平均减排力度的百分之几。"
    )
    firm_cap: Percent | None = Field(None, description="一家企业一天最多损失日产值的百分之几。")
    band: Percent | None = Field(None, description="为了同类企业之间更均衡，最多比最小损失多付百分之几。")
    grade_order: bool = Field(
        description="同行业中，绩效好的企业减产比例不得高于绩效差的。",
        json_schema_extra={"example": "grade_order = false"},
    )
    rotation: Annotated[Number, Field(ge=0, le=10)] = Field(
        description="轮换：本季每多承担一天满负荷损失，再安排它时损失多算几倍；0 为不轮换。",
        json_schema_extra={"example": "rotation = 0"},
    )


class Weights(_Strict):
    """How much each level counts where levels are decided together: its days in the last season."""

    yellow: Annotated[int, Field(ge=1, le=1000)] = Field(description="黄色几天。")
    orange: Annotated[int, Field(ge=1, le=1000)] = Field(description="橙色几天。")
    red: Annotated[int, Field(ge=1, le=1000)] = Field(description="红色几天。")


class Settings(_Strict):
    """The document ``emergency.toml``."""

    name: str = Field(
        min_length=1, description="名称。", json_schema_extra={"example": 'name = "应急减排设置"'}
    )
    english: str = Field(
        min_length=1,
        description="英文名称。",
        json_schema_extra={"example": 'english = "Emergency settings"'},
    )
    source: str = Field(
        min_length=1,
        description="依据：文件、条款、日期；没有的写“示例”。",
        json_schema_extra={"example": 'source = "示例，以当地应急预案为准"'},
    )
    status: Literal["illustrative", "sourced"] = Field(
        description="illustrative：示例，未逐项核对；sourced：每项都有来源。",
        json_schema_extra={"example": 'status = "illustrative"'},
    )
    note: str = Field("", description="哪些是示例，哪些未核对。")
    ratio: Ratio = Field(description="减排比例和基数。")
    loss: Loss = Field(description="损失怎样计。")
    measure: tuple[Measure, ...] = Field(min_length=1, description="清单没有为生产线列出可选措施时用的措施。")
    grades: Grades = Field(description="直接由绩效等级决定的。")
    guarantee: tuple[Guarantee, ...] = Field((), description="保障类型。")
    supply: tuple[Supply, ...] = Field((), description="民生供应；没有列出的一概全额保证。")
    small: Small | None = Field(None, description="小微涉气企业：不强制减排的界线；不写就不另作安排。")
    execution: Execution = Field(description="怎样执行。")
    fairness: Fairness = Field(description="公平。")
    weights: Weights = Field(description="几级一起安排时各级的权重，通常是上一季各级的天数。")

    def ratios(self, level: str) -> tuple[Fraction, Fraction, Fraction, Fraction]:
        """As parts of one: SO2, NOx, PM, VOCs."""
        table: Ratios = getattr(self.ratio, level)
        so2, nox, pm, voc = (part_of(getattr(table, pollutant)) for pollutant in POLLUTANTS)
        return so2, nox, pm, voc

    def find_guarantee(self, kind: str) -> Guarantee | None:
        return next((each for each in self.guarantee if each.kind == kind), None)


def part_of(percent: Decimal) -> Fraction:
    """A percentage as a part of one."""
    return Fraction(percent) / 100


def load_settings(folder: Path | None = None) -> tuple[Settings | None, list[Diagnostic]]:
    """The settings of a city's folder, or the common ones; None and what is wrong with them."""
    own = folder / FILE if folder is not None else None
    return read_settings(own if own is not None and own.is_file() else COMMON)


def read_settings(source: Path | str) -> tuple[Settings | None, list[Diagnostic]]:
    """A file, or its text: every mistake at once."""
    file, found = read_toml(source, "/".join(source.parts[-2:]) if isinstance(source, Path) else FILE)
    if file is None:
        return None, found
    settings, mistakes = validate(file, Settings)
    found += mistakes
    if settings is not None:
        found += sorted(_check(file, settings), key=lambda each: each.line or 0)
    return (None if any(each.severity == "error" for each in found) else settings), found


def _check(file: TomlFile, settings: Settings) -> Iterator[Diagnostic]:
    yield from _check_ratios(file, settings)
    yield from _check_measures(file, settings)
    yield from _check_repeats(file, "guarantee", "kind", [each.kind for each in settings.guarantee])
    yield from _check_repeats(file, "supply", "name", [each.name for each in settings.supply])
    for grade in settings.grades.spared:
        if grade in settings.grades.stopped:
            what = say("“{grade}”级既不强制又要停产。", grade=grade)
            yield file.error(("grades", "stopped"), what, say("从其中一处删去。"))
    if not settings.execution.whole_lines and any(
        each.count_by == "生产线计" and each.part < 100 for each in settings.measure
    ):
        what = say("有措施按生产线计，却没有整条停线的规则。")
        yield file.warning(("execution", "whole_lines"), what, say("写 true，或改措施的 count_by。"))


def _check_ratios(file: TomlFile, settings: Settings) -> Iterator[Diagnostic]:
    ratio = settings.ratio
    if ratio.pooling and ratio.base == "controlled_firms":
        what = say("以管控企业为基数时，各级的基数不同，SO2 与 NOx 不能互相折抵。")
        yield file.error(("ratio", "pooling"), what, say("写 pooling = false，或换一种基数。"))
    for mild, strict in pairwise(LEVELS):
        for p, pollutant in enumerate(POLLUTANTS):
            less, more = settings.ratios(mild)[p], settings.ratios(strict)[p]
            if more < less:
                what = say("级别更高，{pollutant} 的比例却更低。", pollutant=pollutant)
                yield file.error(("ratio", strict, pollutant), what, say("各级比例应逐级不减。"))
    seen: set[str] = set()
    for at, name in enumerate(ratio.sources_counted):
        if name in seen:
            yield file.error(
                ("ratio", "sources_counted", at), say("“{name}”写了两次。", name=name), say("删去一处。")
            )
        seen.add(name)


def _check_measures(file: TomlFile, settings: Settings) -> Iterator[Diagnostic]:
    yield from _check_repeats(file, "measure", "name", [each.name for each in settings.measure])
    for at, each in enumerate(settings.measure):
        if each.part * 10 % 1:
            what = say("减少的产量最多一位小数：{found}。", found=each.part)
            yield file.error(("measure", at, "part"), what)
        if each.kind == "停产" and each.part != 100:
            what = say("停产要减 100%，写的是 {found}%。", found=each.part)
            yield file.error(("measure", at, "part"), what, say("写 100，或改成限产。"))
        if each.kind == "限产" and each.part == 100:
            what = say("限产 100% 就是停产。")
            yield file.error(("measure", at, "kind"), what, say("改成停产。"))
        if each.kind not in ("停产", "限产", "停止工序"):
            what = say("“{kind}”减多少因厂而异，不能当作通用措施。", kind=each.kind)
            yield file.error(("measure", at, "kind"), what, say("写进清单里各生产线的可选措施。"))


def _check_repeats(file: TomlFile, table: str, key: str, values: list[str]) -> Iterator[Diagnostic]:
    for at, value in enumerate(values):
        if (first := values.index(value)) < at:
            line = file.line_of((table, first, key))
            what = say("“{value}”重复，第一次在第 {line} 行。", value=value, line=line)
            yield file.error((table, at, key), what, say("删去一处，或改成不同的。"))
