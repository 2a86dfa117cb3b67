"""When an alert is due, as a file: levels, clauses, when it may be lifted, what each cause asks for. Read and checked.

The common sets (``cities/common/emergency/alerts``) are replaced and added to by a city's own (``emergency/alerts``).
What a forecast makes of the rules is ``alerts``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from muheng.casework.document import Title
from muheng.cities.pack import PACKS
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import say
from muheng.documents.schema import validate
from muheng.documents.toml_file import KeyPath, TomlFile, read_toml
from muheng.emergency.inventory.model import Level

COMMON = PACKS / "common" / "emergency" / "alerts"
LEVELS: tuple[Level, ...] = get_args(Level)

Pollutant = Literal["PM2.5", "PM10", "SO2", "NO2", "CO", "O3"]
POLLUTANTS: tuple[Pollutant, ...] = get_args(Pollutant)
CauseId = Literal["pm25", "ozone", "dust", "wildfire", "transboundary", "other"]

Index = Annotated[StrictInt, Field(ge=1, le=500)]
Hours = Annotated[StrictInt, Field(ge=1, le=720)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _key(description: str, example: str, default: Any = ..., **limits: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"example": example}, **limits)


class _Named(_Strict):
    name: str = _key("中文名称。", 'name = "黄色预警"', min_length=1, max_length=60)
    english: str = _key("英文名称。", 'english = "Yellow alert"', min_length=1, max_length=100)

    @property
    def said(self) -> Title:
        return Title(self.name, english=self.english)


class Source(_Strict):
    """A document that the rules were taken from."""

    document: str = _key("文件的名称。", 'document = "某市重污染天气应急预案"', min_length=1)
    number: str | None = _key("文号。", 'number = "环大气〔2024〕6号"', None)
    date: datetime.date | None = _key("印发日期。", "date = 2024-01-23", None)
    status: str = _key("是原件、转载，还是未见原件。", 'status = "转载"', min_length=1)


class Condition(_Strict):
    """The daily AQI lies above a line, or reaches it, for so many hours on end."""

    above: Annotated[StrictInt, Field(ge=0, lt=500)] | None = _key(
        "日AQI 大于多少（不含本数）；与 reaches 二选一。", "above = 200", None
    )
    reaches: Index | None = _key("日AQI 达到多少（含本数）；与 above 二选一。", "reaches = 500", None)
    hours: Hours | None = _key(
        "持续多少小时（含本数）；一个日均值算 24 小时。不写：有一个值就算。", "hours = 48", None
    )

    @property
    def line(self) -> int:
        """The condition holds for an index above this."""
        return self.above if self.above is not None else (self.reaches or 1) - 1

    def implies(self, other: Condition) -> bool:
        return self.line >= other.line and (self.hours or 1) >= (other.hours or 1)


class Clause(_Strict):
    """Conditions that hold in one episode, all of them."""

    text: str = _key("这一条的原文或说法。", 'text = "日AQI>150 持续 48 小时及以上"', min_length=1)
    english: str = _key("英文说法。", 'english = "daily AQI > 150 for 48 h or more"', min_length=1)
    all: tuple[Condition, ...] = _key(
        "同一次过程里全都要满足的条件。", "all = [{ above = 150, hours = 48 }]", min_length=1
    )

    @property
    def said(self) -> Title:
        return Title(self.text, english=self.english)

    def implies(self, other: Clause) -> bool:
        return all(any(mine.implies(theirs) for mine in self.all) for theirs in other.all)


class AlertLevel(_Named):
    """One colour."""

    id: Level = _key("yellow 黄色，orange 橙色，red 红色。", 'id = "yellow"')
    response: str = _key("响应级别。", 'response = "Ⅲ级响应"', min_length=1)
    response_english: str = _key("响应级别的英文。", 'response_english = "level III response"', min_length=1)
    sign_off: str = _key("由谁签发。", 'sign_off = "分管副市长"', min_length=1)
    sign_off_english: str = _key("由谁签发，英文。", 'sign_off_english = "the vice mayor"', min_length=1)
    any: tuple[Clause, ...] = _key(
        "启动条件：满足其中一条即可。", '[[level.any]]\ntext = "日AQI>200"', min_length=1
    )

    @property
    def response_said(self) -> Title:
        return Title(self.response, english=self.response_english)

    @property
    def sign_off_said(self) -> Title:
        return Title(self.sign_off, english=self.sign_off_english)


class Clear(_Strict):
    """When the air counts as clean again."""

    at_most: Index = _key("日AQI 降到不超过多少（启动线）。", "at_most = 150")
    more_than_hours: Hours = _key("并且预测将这样持续超过多少小时（不含本数）。", "more_than_hours = 36")


class Merge(_Strict):
    """Two episodes with too little between them to clear are one."""

    count: Literal["together", "longest"] = _key(
        "按一次过程计算时，小时数怎样算：together 间断前后合计（从严），longest 只算最长的一段不间断。",
        'count = "together"',
    )


class Lower(_Strict):
    """When a level may be lowered, so that it does not swing."""

    more_than_hours: Hours = _key(
        "本级已执行、并且预测今后不再达到本级，都超过多少小时才降级；否则维持较高级别。",
        "more_than_hours = 36",
    )


class Tier(_Named):
    """A city's own controls below yellow."""

    text: str = _key("采取什么措施。", 'text = "临时管控"', min_length=1)
    text_english: str = _key("采取什么措施，英文。", 'text_english = "interim controls"', min_length=1)
    clear: Clear = _key("何时结束。", "clear = { at_most = 100, more_than_hours = 24 }")
    any: tuple[Clause, ...] = _key(
        "启动条件：满足其中一条即可。", '[[tier.any]]\ntext = "日AQI>150"', min_length=1
    )

    @property
    def text_said(self) -> Title:
        return Title(self.text, english=self.text_english)


class Cause(_Named):
    """What the pollution is made of, or where it comes from, and what that asks for."""

    id: CauseId = _key(
        "pm25 细颗粒物，ozone 臭氧，dust 沙尘，wildfire 山火，transboundary 境外传输，other 其他。",
        'id = "pm25"',
    )
    pollutants: tuple[Pollutant, ...] = _key(
        "首要污染物是哪些时归到这里；留空的只能由人认定。", 'pollutants = ["PM2.5"]', ()
    )
    cuts: StrictBool = _key("是否启动减排清单。", "cuts = true")
    text: str = _key("怎样应对。", 'text = "启动减排清单"', min_length=1)
    text_english: str = _key(
        "怎样应对，英文。", 'text_english = "the reduction list is started"', min_length=1
    )

    @property
    def text_said(self) -> Title:
        return Title(self.text, english=self.text_english)


class AlertRules(_Named):
    """A rule set, read."""

    id: str = _key(
        "代号，与文件同名；城市包里同一代号的文件替换通用的。",
        'id = "CN-2024"',
        pattern=r"^[A-Za-z][A-Za-z0-9-]*$",
    )
    from_day: datetime.date | None = _key("从哪天起施行。", "from = 2024-01-23", None, alias="from")
    until: datetime.date | None = _key("到哪天为止（不含当日）；仍施行的不写。", "until = 2024-01-23", None)
    note: str = _key("说明：哪些是示例，哪些未核对。", 'note = "签发人为示例。"', "")
    source: tuple[Source, ...] = _key(
        "依据的文件。", '[[source]]\ndocument = "…"\nstatus = "转载"', min_length=1
    )
    notice_hours: Annotated[StrictInt, Field(ge=0, le=240)] = _key(
        "至少提前多少小时发布。", "notice_hours = 24"
    )
    clear: Clear = _key("解除。", "[clear]\nat_most = 150\nmore_than_hours = 36")
    merge: Merge = _key("合并。", '[merge]\ncount = "together"')
    lower: Lower = _key("降级。", "[lower]\nmore_than_hours = 36")
    tier: Tier | None = _key("黄色以下的一档；没有的不写。", '[tier]\nname = "临时管控"', None)
    levels: tuple[AlertLevel, ...] = _key(
        "各级预警，由低到高。", '[[level]]\nid = "yellow"', alias="level", min_length=1
    )
    causes: tuple[Cause, ...] = _key("成因和应对。", '[[cause]]\nid = "pm25"', alias="cause", min_length=1)

    def level(self, id: Level) -> AlertLevel:  # noqa: A002
        """Raises KeyError where the rules have no such level."""
        return self._levels[id]

    def cause(self, id: CauseId) -> Cause | None:  # noqa: A002
        return next((cause for cause in self.causes if cause.id == id), None)

    def cause_of(self, pollutant: str) -> Cause | None:
        """The cause that this primary pollutant speaks for."""
        return next((cause for cause in self.causes if pollutant in cause.pollutants), None)

    @cached_property
    def cut_pollutants(self) -> tuple[Pollutant, ...]:
        """Those whose own index starts the reduction list."""
        return tuple(each for cause in self.causes if cause.cuts for each in cause.pollutants)

    @cached_property
    def _levels(self) -> dict[Level, AlertLevel]:
        return {level.id: level for level in self.levels}


def load_alert_rules(folder: Path | None = None) -> tuple[dict[str, AlertRules], list[Diagnostic]]:
    """The common rule sets by id, each replaced by the pack's own of the same id, then the pack's further ones."""
    files = {path.stem: path for path in sorted(COMMON.glob("*.toml"))}
    if folder is not None:
        files |= {path.stem: path for path in sorted((folder / "emergency" / "alerts").glob("*.toml"))}
    rules: dict[str, AlertRules] = {}
    found: list[Diagnostic] = []
    for path in files.values():
        read, mistakes = load_alert_file(path)
        found += mistakes
        if read is not None:
            rules[read.id] = read
    return rules, found


def load_alert_file(
    source: Path | str, name: str | None = None
) -> tuple[AlertRules | None, list[Diagnostic]]:
    """One rule set, a file or its text: every mistake at once. None when one of them is an error."""
    shown = "/".join(source.parts[-4:]) if isinstance(source, Path) else None
    file, found = read_toml(source, name or shown)
    if file is None:
        return None, found
    rules, mistakes = validate(file, AlertRules)
    found += mistakes
    if rules is None:
        return None, found
    if isinstance(source, Path) and source.stem != rules.id:
        what = say("代号是“{id}”，文件名是“{file}”。", id=rules.id, file=source.name)
        found.append(file.error(("id",), what, say("改成同名。")))
    found += sorted(_check(file, rules), key=lambda each: each.line or 0)
    return (None if any(each.severity == "error" for each in found) else rules), found


def _check(file: TomlFile, rules: AlertRules) -> Iterator[Diagnostic]:
    if rules.from_day is not None and rules.until is not None and rules.until <= rules.from_day:
        what = say("适用期间的终止日期应晚于起始日期。")
        yield file.error(("until",), what, say("请核对两个日期。"))
    order = [LEVELS.index(level.id) for level in rules.levels]
    for at in range(1, len(order)):
        if order[at] <= order[at - 1]:
            what = say("各级预警要由低到高，每级一次。")
            yield file.error(("level", at, "id"), what, say("次序是 yellow、orange、red。"))
    for at, level in enumerate(rules.levels):
        yield from _check_clauses(file, ("level", at, "any"), level.any, rules.clear)
    if rules.tier is not None:
        yield from _check_clauses(file, ("tier", "any"), rules.tier.any, rules.tier.clear)
    yield from _check_reach(file, rules)
    yield from _check_causes(file, rules)


def _check_clauses(
    file: TomlFile, path: KeyPath, clauses: tuple[Clause, ...], clear: Clear
) -> Iterator[Diagnostic]:
    for number, clause in enumerate(clauses):
        for place, condition in enumerate(clause.all):
            at = (*path, number, "all", place)
            if (condition.above is None) == (condition.reaches is None):
                yield file.error(at, say("above 和 reaches 要写一个，只写一个。"), say("例如 above = 200。"))
            elif condition.line < clear.at_most:
                what = say(
                    "启动线 {line} 低于解除线 {clear}：启动时就已满足解除条件。",
                    line=condition.line,
                    clear=clear.at_most,
                )
                yield file.error(at, what, say("改启动线，或改 clear 的 at_most。"))


def _check_reach(file: TomlFile, rules: AlertRules) -> Iterator[Diagnostic]:
    """A clause that starts a higher level whenever it starts this one decides nothing."""
    for at, level in enumerate(rules.levels):
        for number, clause in enumerate(level.any):
            for higher in rules.levels[at + 1 :]:
                if any(clause.implies(other) for other in higher.any):
                    what = say("这一条永远不起作用：满足它时总是已达到{higher}。", higher=higher.said)
                    fix = say("请核对两级的数。")
                    yield file.warning(("level", at, "any", number), what, fix)
                    break


def _check_causes(file: TomlFile, rules: AlertRules) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    ids: list[str] = []
    for at, cause in enumerate(rules.causes):
        if cause.id in ids:
            what = say("“{value}”写了两次。", value=cause.id)
            yield file.error(("cause", at, "id"), what, say("删去一处，或改成不同的。"))
        ids.append(cause.id)
        for place, pollutant in enumerate(cause.pollutants):
            if pollutant in seen:
                what = say("{pollutant} 已归到“{cause}”。", pollutant=pollutant, cause=seen[pollutant])
                yield file.error(("cause", at, "pollutants", place), what, say("每种污染物只归一处。"))
            seen.setdefault(pollutant, cause.name)
    if left := [pollutant for pollutant in POLLUTANTS if pollutant not in seen]:
        what = say("首要污染物是 {names} 时，不知道归哪种成因。", names="、".join(left))
        yield file.error(("cause",), what, say("写进某个 cause 的 pollutants。"))
    if not rules.cut_pollutants:
        what = say("没有一种首要污染物会启动减排清单。")
        yield file.error(("cause",), what, say("至少一个写了 pollutants 的 cause 要有 cuts = true。"))
