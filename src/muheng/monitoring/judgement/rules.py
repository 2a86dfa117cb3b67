"""The rules of judgement as three files: validity, limits, alerts. Read and checked; what they do is in the other modules.

The common files (``cities/common/monitoring``) are replaced one by one by a city's own (``monitoring/``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from muheng.cities.pack import PACKS
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import say
from muheng.documents.schema import Number, validate
from muheng.documents.toml_file import TomlFile, read_toml

FOLDER = "monitoring"
COMMON = PACKS / "common" / FOLDER

DataFlag = Literal["N", "F", "M", "S", "D", "C", "T", "B", "P"]
Basis = Literal["hour", "day"]
Effect = Literal["stopped", "invalid", "exempt", "none"]
TierId = Literal["remind", "warn", "supervise"]
TIERS: tuple[TierId, ...] = get_args(TierId)
Until = Literal["answered", "closed"]
ConditionKind = Literal["near", "over", "flat", "missing", "marked", "day", "days"]

Count = Annotated[StrictInt, Field(ge=1, le=100_000)]
Percent = Annotated[StrictInt, Field(ge=0, le=100)]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(_Strict):
    name: str = Field(min_length=1, description="中文名称。", json_schema_extra={"example": 'name = "废气"'})
    english: str = Field(
        min_length=1, description="英文名称。", json_schema_extra={"example": 'english = "Waste gas"'}
    )


class Source(_Strict):
    """A document that the numbers were taken from."""

    document: str = Field(min_length=1, description="文件的名称。")
    status: str = Field(min_length=1, description="是原件、转载，还是未见原件。")


class _Document(_Named):
    note: str = Field("", description="说明：哪些是示例，哪些未核对。")
    source: tuple[Source, ...] = Field((), description="依据的文件。")


class Method(_Named):
    """How one medium is measured."""

    id: Id = Field(description="代号。", json_schema_extra={"example": 'id = "gas"'})
    hour_minutes: Annotated[StrictInt, Field(ge=1, le=60)] = Field(
        description="小时均值至少要多少分钟有效数据。"
    )
    day_hours: Annotated[StrictInt, Field(ge=1, le=24)] = Field(
        description="日均值至少要多少个有效小时均值。"
    )
    counts: tuple[DataFlag, ...] = Field(min_length=1, description="哪些数据标记算有效。")
    stopped: tuple[DataFlag, ...] = Field((), description="哪些数据标记表示停运。")
    flow: str | None = Field(None, description="流量的因子编码。")
    oxygen: str | None = Field(None, description="氧含量的因子编码；不折算的不写。")
    milligrams: Count = Field(description="浓度单位乘流量单位是多少毫克每小时。")
    weighted: StrictBool = Field(description="日均值是否按流量加权。")
    capture_percent: Percent = Field(description="季度有效数据捕集率至少百分之几。")


class Oxygen(_Strict):
    """Where conversion to the reference oxygen still means something."""

    at_most: Annotated[Number, Field(gt=0, lt=21)] = Field(
        description="氧含量（%）高于此不折算，该小时不判。"
    )
    digits: Annotated[StrictInt, Field(ge=0, le=6)] = Field(description="折算值保留几位小数。")


class Replacement(_Strict):
    """How missing hours are replaced, for emission totals only."""

    capture_from: Percent = Field(description="季度有效数据捕集率达到百分之几时适用。")
    gap_up_to: Count | None = Field(None, description="连续缺失不超过多少小时；不写为不限。")
    hours: Count = Field(description="取此前多少个有效小时排放量的最大值。")


class Validity(_Document):
    """The document ``validity.toml``."""

    method: tuple[Method, ...] = Field(min_length=1, description="各类监测。")
    oxygen: Oxygen = Field(description="折算。")
    replacement: tuple[Replacement, ...] = Field(
        min_length=1, description="缺失数据的补代，先写的先用；捕集率低于各条的用最后一条并说明。"
    )


class Kind(_Named):
    """A kind of outlet: how it is measured, on what basis its standard judges."""

    id: Id = Field(description="代号。")
    method: Id = Field(description="validity.toml 里哪一种监测。")
    basis: Basis = Field(description="hour 按小时均值判，day 按日均值判。")


class MarkKind(_Named):
    """What may be marked, and what that does."""

    id: Id = Field(description="代号。")
    of: Literal["plant", "monitor"] = Field(description="plant 生产设施，monitor 监测设施。")
    effect: Effect = Field(
        description="stopped 未生产；invalid 数据无效；exempt 数据有效但不判超标；none 照判。"
    )
    natural: StrictBool = Field(
        False, description="超过限值是这种工况的本性（如启停炉），不算作“标记多在超过限值时”。"
    )


class Cap(_Strict):
    """Marks that stop working after so many hours of a calendar year."""

    trade: str = Field("", description="哪个行业；不写的管其余行业。")
    marks: tuple[Id, ...] = Field(min_length=1, description="哪些标记合计。")
    hours: Annotated[StrictInt, Field(ge=0, le=8784)] = Field(description="一个自然年最多多少小时。")


class Limits(_Document):
    """The document ``limits.toml``."""

    kind: tuple[Kind, ...] = Field(min_length=1, description="各类排口。")
    mark: tuple[MarkKind, ...] = Field(min_length=1, description="各种标记。")
    cap: tuple[Cap, ...] = Field((), description="标记时数的上限。")

    @cached_property
    def marks(self) -> dict[str, MarkKind]:
        return {each.id: each for each in self.mark}

    def find_cap(self, trade: str) -> Cap | None:
        """The cap of a trade, or the one for the rest."""
        own = (each for each in self.cap if each.trade == trade and trade)
        return next(own, None) or next((each for each in self.cap if not each.trade), None)


class Range(_Strict):
    """What a factor can be at all."""

    factor: str = Field(min_length=1, description="因子编码。")
    least: Number = Field(description="最小可能。")
    most: Number = Field(description="最大可能。")


class Signs(_Strict):
    """From where on data look wrong."""

    missing_hours: Count = Field(description="未标记而连续缺失多少小时。")
    flat_hours: Count = Field(description="数值不变至少多少小时。")
    chance: Annotated[Number, Field(gt=0, le=1)] = Field(
        description="按本序列自身的规律，全期内偶然如此（数值不变、与别处相同）的期望次数低于多少才算。"
    )
    drift_days: Annotated[StrictInt, Field(ge=5, le=90)] = Field(description="连续多少天朝一个方向变。")
    drift_percent: Count = Field(description="变化至少达到平均水平的百分之几。")
    drift_fit: Annotated[Number, Field(gt=0, lt=1)] = Field(description="日中位数贴合直线的程度（R²）。")
    copied_hours: Annotated[StrictInt, Field(ge=6, le=168)] = Field(
        description="与别处或别时连续多少小时逐个相同；要能整除或被 24 整除。"
    )
    copied_distinct: Count = Field(description="其中至少多少个不同的数值。")
    clip_percent: Annotated[StrictInt, Field(ge=1, le=20)] = Field(description="限值以下百分之几算贴近限值。")
    clip_hours: Count = Field(description="一期内贴近限值至少多少小时。")
    clip_times: Count = Field(description="贴近限值的时数至少是低一段时数的多少倍。")
    jump_times: Count = Field(description="一小时的变化至少是平常变化的多少倍。")
    jump_percent: Count = Field(description="并且至少达到平常水平的百分之几。")
    mismatch_flow_percent: Percent = Field(description="流量达到平常的百分之几算在排放。")
    mismatch_value_percent: Percent = Field(description="浓度低于平常的百分之几算不相称。")
    mismatch_hours: Count = Field(description="不相称连续多少小时。")
    oxygen_points: Annotated[Number, Field(gt=0)] = Field(description="氧含量比平常低多少个百分点。")
    oxygen_hours: Count = Field(description="一天里靠低氧才不超标的小时数。")
    marked_percent: Percent = Field(description="一期内标记的时数超过百分之几。")
    convenient_percent: Percent = Field(description="超过限值的小时里因标记而不判的超过百分之几。")
    convenient_hours: Count = Field(description="并且至少多少小时。")
    afterwards_percent: Percent = Field(50, description="超过限值的次数里，超过以后才标记的达到百分之几。")
    afterwards_cases: Annotated[StrictInt, Field(ge=2, le=1000)] = Field(
        3, description="并且一期内至少多少次。"
    )
    period_days: Annotated[StrictInt, Field(ge=7, le=92)] = Field(
        description="贴近限值、标记按多少天一期看。"
    )
    range: tuple[Range, ...] = Field((), description="因子的可能范围。")


class When(_Strict):
    """A condition that raises an event to a tier."""

    kind: ConditionKind = Field(
        description=(
            "near 达到限值的百分之几；over 超过限值；flat 数值不变；missing 未标记的缺失；"
            "marked 一天标记的时数；day 日均值超标；days 多日超标。"
        )
    )
    percent: Count | None = Field(None, description="限值的百分之几（near）。")
    hours: Count | None = Field(None, description="连续多少小时；marked 为一天合计超过多少小时。")
    days: Count | None = Field(None, description="超标多少天（days）。")


class Escalate(_Strict):
    """When an event comes to this tier from the one below because nobody did what was due."""

    after_hours: Count = Field(description="下一级到达后多少小时。")
    after_hours_key: Count | None = Field(None, description="重点单位多少小时；不写的同上。")
    until: Until = Field(description="answered 未答复的升级，closed 未办结的升级。")


class Tier(_Named):
    """One of the three tiers."""

    id: TierId = Field(description="remind 提醒，warn 预警，supervise 督办。")
    to: str = Field(min_length=1, description="推送给谁。")
    to_english: str = Field(min_length=1, description="推送给谁，英文。")
    when: tuple[When, ...] = Field(min_length=1, description="满足一条即到这一级。")
    escalate: Escalate | None = Field(None, description="下一级逾期升级到这一级。")


class EpisodeRules(_Strict):
    """When two alerts are one event."""

    quiet_hours: Count = Field(description="间隔不超过多少小时的算一次事件。")
    day_window: Count = Field(description="多日超标看最近多少天。")


class Follow(_Strict):
    """Which events are followed by a case; others only remind."""

    case: tuple[ConditionKind, ...] = Field(description="出现哪些情形的事件建一件事项；其余只提醒。")


class Repeat(_Strict):
    """So many events of one outlet within so many days go to the field."""

    events: Annotated[StrictInt, Field(ge=2, le=1000)] = Field(description="多少起事件。")
    days: Annotated[StrictInt, Field(ge=1, le=366)] = Field(description="多少天以内。")
    tier: TierId = Field(description="到哪一级的事件才算。")
    kinds: tuple[ConditionKind, ...] = Field(min_length=1, description="出现哪些情形的事件才算。")


class OutageRule(_Strict):
    """Hours in which so many outlets are silent at once that it is the receiver and not they."""

    percent: Annotated[StrictInt, Field(ge=1, le=100)] = Field(
        description="百分之几的点位同一小时没有数据，算平台接收中断。"
    )
    points: Annotated[StrictInt, Field(ge=2)] = Field(description="至少有多少个点位时才这样看。")


class Alerts(_Document):
    """The document ``alerts.toml``."""

    signs: Signs = Field(description="疑点。")
    episodes: EpisodeRules = Field(description="事件的合并。")
    tier: tuple[Tier, ...] = Field(min_length=1, description="各级，由低到高。")
    follow: Follow = Field(
        Follow(case=("over", "missing", "marked", "day", "days")), description="哪些事件建事项。"
    )
    repeat: Repeat | None = Field(None, description="反复发生的转现场；不写的不转。")
    outage: OutageRule | None = Field(None, description="平台接收中断；不写的不看。")


@dataclass(frozen=True)
class Rules:
    """The three documents that judge together."""

    validity: Validity
    limits: Limits
    alerts: Alerts

    def kind(self, id: str) -> Kind:  # noqa: A002
        """Raises KeyError for a kind that the rules do not have."""
        return {each.id: each for each in self.limits.kind}[id]

    def method(self, kind: str) -> Method:
        """How an outlet of this kind is measured."""
        return {each.id: each for each in self.validity.method}[self.kind(kind).method]


D = TypeVar("D", bound=_Document)


def load_rules(folder: Path | None = None) -> tuple[Rules | None, list[Diagnostic]]:
    """The common files, each replaced by that of a city's folder; None and what is wrong with them."""
    validity, found = _load(folder, "validity.toml", Validity)
    limits, more = _load(folder, "limits.toml", Limits)
    alerts, still = _load(folder, "alerts.toml", Alerts)
    found += more + still
    if validity is None or limits is None or alerts is None:
        return None, found
    if strange := _strange_methods(validity, limits):
        path = find_rules_file(folder, "limits.toml")
        file, _ = read_toml(path, _shown(path))
        assert file is not None
        found += [file.error(("kind", at, "method"), what, fix) for at, what, fix in strange]
        return None, found
    return Rules(validity, limits, alerts), found


def read_rules_file(source: Path | str) -> list[Diagnostic]:
    """What is wrong with one of the three documents, told apart by what stands in it."""
    file, found = read_toml(source, _shown(source))
    if file is None:
        return found
    return found + _read(file, _model_of(file.data))[1]


def is_rules(data: dict[str, Any]) -> bool:
    """Whether a document is one of the three."""
    return bool({"method", "oxygen", "replacement", "signs", "episodes", "cap"} & set(data)) or (
        {"kind", "mark"} <= set(data)
    )


def _model_of(data: dict[str, Any]) -> type[Validity] | type[Limits] | type[Alerts]:
    if {"signs", "episodes", "tier", "follow", "repeat", "outage"} & set(data):
        return Alerts
    return Limits if {"kind", "mark", "cap"} & set(data) else Validity


def find_rules_file(folder: Path | None, name: str) -> Path:
    """The city's own file where it has one, else the common one."""
    own = folder / FOLDER / name if folder is not None else None
    return own if own is not None and own.is_file() else COMMON / name


def _shown(source: Path | str) -> str:
    return "/".join(source.parts[-3:]) if isinstance(source, Path) else FOLDER


def _load(folder: Path | None, name: str, model: type[D]) -> tuple[D | None, list[Diagnostic]]:
    path = find_rules_file(folder, name)
    file, found = read_toml(path, _shown(path))
    if file is None:
        return None, found
    document, mistakes = _read(file, model)
    return document, found + mistakes


def _read(file: TomlFile, model: type[D]) -> tuple[D | None, list[Diagnostic]]:
    document, found = validate(file, model)
    if document is None:
        return None, found
    if isinstance(document, Validity):
        found += _twice(file, "method", [each.id for each in document.method])
    elif isinstance(document, Limits):
        found += _twice(file, "kind", [each.id for each in document.kind])
        found += _twice(file, "mark", [each.id for each in document.mark])
        found += _check_caps(file, document)
    else:
        assert isinstance(document, Alerts)
        found += _check_alerts(file, document)
    return (None if any(each.severity == "error" for each in found) else document), found


def _twice(file: TomlFile, key: str, ids: Sequence[str]) -> Iterator[Diagnostic]:
    for at, each in enumerate(ids):
        if each in ids[:at]:
            yield file.error(
                (key, at, "id"), say("“{value}”写了两次。", value=each), say("删去一处，或改成不同的。")
            )


def _check_caps(file: TomlFile, document: Limits) -> Iterator[Diagnostic]:
    known = document.marks
    for at, cap in enumerate(document.cap):
        for place, mark in enumerate(cap.marks):
            if mark not in known:
                what = say("没有“{mark}”这种标记。", mark=mark)
                yield file.error(
                    ("cap", at, "marks", place), what, say("可以写：{known}。", known="、".join(known))
                )


_NEEDS = {
    "near": ("percent", "hours"),
    "over": ("hours",),
    "missing": ("hours",),
    "marked": ("hours",),
    "days": ("days",),
}


def _check_alerts(file: TomlFile, document: Alerts) -> Iterator[Diagnostic]:
    order = [TIERS.index(each.id) for each in document.tier]
    for at in range(1, len(order)):
        if order[at] <= order[at - 1]:
            what = say("各级要由低到高，每级一次。")
            yield file.error(("tier", at, "id"), what, say("次序是 remind、warn、supervise。"))
    for at, tier in enumerate(document.tier):
        if at == 0 and tier.escalate is not None:
            what = say("最低一级不能由下一级升上来。")
            yield file.error(("tier", at, "escalate"), what, say("删去 escalate。"))
        for place, when in enumerate(tier.when):
            for key in ("percent", "hours", "days"):
                needed, given = key in _NEEDS.get(when.kind, ()), getattr(when, key) is not None
                path = ("tier", at, "when", place)
                if needed and not given:
                    yield file.error(
                        path, say("缺少“{key}”。", key=key), say("例如 {example}。", example=f"{key} = 2")
                    )
                elif given and not needed:
                    what = say("“{kind}”这一种不看 {key}。", kind=when.kind, key=key)
                    yield file.error((*path, key), what, say("删去 {key}。", key=key))
    hours = document.signs.copied_hours
    if 24 % hours and hours % 24:
        what = say("{hours} 小时既不能整除一天，也不是整天。", hours=hours)
        yield file.error(("signs", "copied_hours"), what, say("例如 12 或 24。"))
    for at, each in enumerate(document.signs.range):
        if each.most <= each.least:
            what = say("最大可能 {most} 应大于最小可能 {least}。", most=each.most, least=each.least)
            yield file.error(("signs", "range", at, "most"), what, say("请核对两个数。"))


def _strange_methods(validity: Validity, limits: Limits) -> list[tuple[int, Any, Any]]:
    known = [each.id for each in validity.method]
    return [
        (
            at,
            say("没有“{method}”这种监测。", method=kind.method),
            say("可以写：{known}。", known="、".join(known)),
        )
        for at, kind in enumerate(limits.kind)
        if kind.method not in known
    ]
