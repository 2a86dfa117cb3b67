"""Performance grades (绩效分级): an industry's table as a file, the grade that facts reach, what the next one still lacks.

A grade is reached where all of its conditions hold; a fact that is missing fulfils nothing. What a grade has to do in an
alert is in the settings and options; ``save_by_grade`` only adds up what the plans of two grades lose.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from muheng.casework.document import Title
from muheng.cities.pack import PACKS
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Language, Message, Refusal, say
from muheng.documents.schema import Number, validate
from muheng.documents.spelling import offer
from muheng.documents.toml_file import KeyPath, TomlFile, read_toml
from muheng.emergency.alert_rules import Source
from muheng.emergency.inventory.model import Level
from muheng.standards.industry import industry_name

COMMON = PACKS / "common" / "emergency" / "grades"
TRADES = PACKS / "common" / "emergency" / "key_industries.toml"

Grade = Literal["A", "B", "B-", "C", "D", "引领性", "非引领性"]
SCALES: tuple[tuple[Grade, ...], ...] = (("A", "B", "B-", "C", "D"), ("引领性", "非引领性"))
"""Best first."""

Group = Literal[
    "装备水平", "污染治理技术", "排放限值", "无组织排放", "监测监控", "环境管理", "运输方式", "能效水平"
]
GROUP_NAMES: dict[Group, Message] = {
    "装备水平": say("装备水平"),
    "污染治理技术": say("污染治理技术"),
    "排放限值": say("排放限值"),
    "无组织排放": say("无组织排放"),
    "监测监控": say("监测监控"),
    "环境管理": say("环境管理"),
    "运输方式": say("运输方式"),
    "能效水平": say("能效水平"),
}

Fact = Decimal | bool | str | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _key(description: str, example: str, default: Any = ..., **limits: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"example": example}, **limits)


# -- the file ----------------------------------------------------------------------------------------


class Condition(_Strict):
    """What an indicator has to be for a grade; one of the keys, as its type asks."""

    at_most: Number | None = _key("不大于多少（含本数）。", "at_most = 10", None)
    at_least: Number | None = _key("不小于多少（含本数）。", "at_least = 80", None)
    one_of: tuple[str, ...] | None = _key("是其中之一。", 'one_of = ["新型干法"]', None, min_length=1)
    yes: StrictBool | None = _key("应当有（true）。", "yes = true", None)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(
            name for name in ("at_most", "at_least", "one_of", "yes") if getattr(self, name) is not None
        )

    def holds(self, found: Fact) -> bool:
        if found is None:
            return False
        if isinstance(found, bool):
            return self.yes is not None and found == self.yes
        if isinstance(found, str):
            return self.one_of is not None and found in self.one_of
        return (self.at_most is None or found <= self.at_most) and (
            self.at_least is None or found >= self.at_least
        )

    def implies(self, other: Condition) -> bool:
        """Does whatever fulfils this one fulfil the other?"""
        if self.keys != other.keys:
            return False
        if self.at_most is not None and other.at_most is not None and self.at_most > other.at_most:
            return False
        if self.at_least is not None and other.at_least is not None and self.at_least < other.at_least:
            return False
        if self.one_of is not None and other.one_of is not None and not set(self.one_of) <= set(other.one_of):
            return False
        return self.yes == other.yes


class Indicator(_Strict):
    """One thing that is looked at."""

    id: str = _key("编号，小写字母、数字和下划线。", 'id = "kiln_pm"', pattern=r"^[a-z][a-z0-9_]*$")
    name: str = _key("中文名称。", 'name = "窑尾颗粒物排放浓度"', min_length=1, max_length=80)
    english: str = _key("英文名称。", 'english = "Particles at the kiln tail"', min_length=1, max_length=120)
    group: Group = _key("属于哪一组。", 'group = "排放限值"')
    type: Literal["number", "share", "choice", "flag"] = _key(
        "number 数，share 百分比（0 至 100），choice 选项，flag 是或否。", 'type = "number"'
    )
    unit: str = _key("数的单位。", 'unit = "mg/m³"', "")
    choices: tuple[str, ...] = _key("选项；类型为 choice 时必填。", 'choices = ["新型干法", "立窑"]', ())
    needs: dict[Grade, Condition] = _key(
        "各等级的要求；最低一级不写。", "needs = { A = { at_most = 5 }, B = { at_most = 10 } }", min_length=1
    )

    @property
    def said(self) -> Title:
        return Title(self.name, english=self.english)


class Drop(_Strict):
    """What takes a firm down to a grade, whatever it reaches."""

    id: str = _key("编号。", 'id = "false_data"', pattern=r"^[a-z][a-z0-9_]*$")
    name: str = _key("中文名称。", 'name = "数据弄虚作假"', min_length=1, max_length=60)
    english: str = _key("英文名称。", 'english = "False data"', min_length=1, max_length=100)
    to: Grade = _key("降为哪一级；已更低的不变。", 'to = "C"')
    from_day: datetime.date | None = _key("从哪天起施行。", "from = 2019-10-01", None, alias="from")
    until: datetime.date | None = _key("到哪天为止（不含当日）。", "until = 2027-01-01", None)
    basis: str = _key("出自哪里。", 'basis = "示例，以本地规定为准"', min_length=1)

    @property
    def said(self) -> Title:
        return Title(self.name, english=self.english)

    def in_force(self, on: datetime.date) -> bool:
        return (self.from_day is None or self.from_day <= on) and (self.until is None or on < self.until)


class GradeTable(_Strict):
    """An industry's table, read."""

    id: str = _key("代号，与文件同名。", 'id = "cement"', pattern=r"^[a-z][a-z0-9-]*$")
    trade: str = _key("哪个重点行业。", 'trade = "水泥"', min_length=1)
    english: str = _key("行业的英文名称。", 'english = "Cement"', min_length=1)
    codes: tuple[str, ...] = _key("GB/T 4754 代码的开头几位，供查找。", 'codes = ["301"]', ())
    status: Literal["illustrative", "sourced"] = _key(
        "illustrative：示例，数值未核对；sourced：每项都有来源。", 'status = "illustrative"'
    )
    note: str = _key("说明：哪些是示例。", 'note = "各项数值为示例。"', "")
    source: tuple[Source, ...] = _key("依据的文件。", '[[source]]\ndocument = "…"\nstatus = "未见原件"', ())
    grades: tuple[Grade, ...] = _key("有哪几级，由高到低。", 'grades = ["A", "B", "C", "D"]', min_length=2)
    ungraded: Grade = _key("没有评级的企业按哪一级。", 'ungraded = "D"')
    indicators: tuple[Indicator, ...] = _key(
        "指标。", '[[indicator]]\nid = "kiln_pm"', alias="indicator", min_length=1
    )
    drops: tuple[Drop, ...] = _key("降级情形。", '[[drop]]\nid = "false_data"', (), alias="drop")

    @property
    def said(self) -> Title:
        return Title(self.trade, english=self.english)

    def indicator(self, id: str) -> Indicator | None:  # noqa: A002
        return next((indicator for indicator in self.indicators if indicator.id == id), None)


class Trade(_Strict):
    """One of the industries that are graded."""

    name: str = _key("名称。", 'name = "水泥"', min_length=1)
    english: str = _key("英文名称。", 'english = "Cement"', min_length=1)

    @property
    def said(self) -> Title:
        return Title(self.name, english=self.english)


class _Trades(_Strict):
    source: tuple[Source, ...] = Field(min_length=1)
    industry: tuple[Trade, ...] = Field(min_length=1)


@cache
def list_trades() -> tuple[Trade, ...]:
    """The industries with grades of their own (重点行业), in the order of the source."""
    file, found = read_toml(TRADES)
    read, mistakes = validate(file, _Trades) if file is not None else (None, found)
    if read is None:
        raise ValueError("; ".join(str(each.what) for each in mistakes))
    return read.industry


# -- what facts reach --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lack:
    """A condition that is not fulfilled. ``gap``: how far a number is from it; None: no number, or no fact at all."""

    indicator: Indicator
    condition: Condition
    found: Fact
    gap: Decimal | None

    @property
    def unknown(self) -> bool:
        return self.found is None


@dataclass(frozen=True)
class Step:
    """A grade above, and all that is lacking for it."""

    grade: Grade
    lacks: tuple[Lack, ...]


@dataclass(frozen=True)
class Grading:
    """``reached`` by the conditions; ``grade`` after what takes a firm down. ``higher``: the nearest grade first."""

    table: GradeTable
    grade: Grade
    reached: Grade
    dropped: tuple[Drop, ...]
    higher: tuple[Step, ...]


def grade_firm(
    table: GradeTable,
    facts: Mapping[str, Fact],
    on: datetime.date,
    violations: Collection[str] = (),
) -> Grading:
    """The grade of a firm by what is known of it. ``violations``: ids of the table's drops that have happened.

    Raises Refusal: a fact or violation that the table does not have, a fact of the wrong type.
    """
    _check_facts(table, facts, violations)
    lacks = {grade: tuple(_lacks(table, grade, facts)) for grade in table.grades}
    reached = next(grade for grade in table.grades if not lacks[grade])
    dropped = tuple(drop for drop in table.drops if drop.id in violations and drop.in_force(on))
    place = max(table.grades.index(grade) for grade in (reached, *(drop.to for drop in dropped)))
    better = reversed(table.grades[:place])
    return Grading(
        table, table.grades[place], reached, dropped, tuple(Step(grade, lacks[grade]) for grade in better)
    )


def read_fact(indicator: Indicator, text: str) -> Fact:
    """What a person or a sheet says of an indicator; None for nothing. Raises Refusal with what is expected."""
    folded = unicodedata.normalize("NFKC", text).strip()
    if folded in ("", "-", "—", "/"):
        return None
    if indicator.type == "flag":
        flags = {
            "是": True,
            "有": True,
            "true": True,
            "否": False,
            "无": False,
            "没有": False,
            "false": False,
        }
        if folded.casefold() not in flags:
            raise Refusal(
                say("“{found}” 不能作为“{name}”。", found=text, name=indicator.said), say("写“是”或“否”。")
            )
        return flags[folded.casefold()]
    if indicator.type == "choice":
        if folded not in indicator.choices:
            fix = offer(folded, indicator.choices)
            raise Refusal(say("“{found}” 不能作为“{name}”。", found=text, name=indicator.said), fix)
        return folded
    plain = folded.removesuffix("%") if indicator.type == "share" else folded
    digits = plain.removeprefix("-").replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise Refusal(say("“{found}” 不能作为“{name}”。", found=text, name=indicator.said), say("只写数字。"))
    value = Decimal(plain)
    if indicator.type == "share" and not 0 <= value <= 100:
        raise Refusal(
            say("“{found}” 不能作为“{name}”。", found=text, name=indicator.said),
            say("百分比在 0 到 100 之间。"),
        )
    return value


def explain_grading(grading: Grading) -> tuple[Message, ...]:
    """The grade, what took it down, and for each higher grade what is lacking."""
    table = grading.table
    said: list[Message] = []
    if table.status == "illustrative":
        said.append(say("“{trade}”的指标数值为示例，未按正式附件核对，结论只供试算。", trade=table.said))
    said.append(say("按已有情况达到 {grade} 级。", grade=say_grade(grading.reached)))
    said += [
        say(
            "因“{drop}”降为 {grade} 级（{basis}）。",
            drop=drop.said,
            grade=say_grade(drop.to),
            basis=drop.basis,
        )
        for drop in grading.dropped
        if table.grades.index(drop.to) > table.grades.index(grading.reached)
    ]
    for step in grading.higher:
        if not step.lacks:
            continue
        said.append(say("到 {grade} 级还差 {count} 项：", grade=say_grade(step.grade), count=len(step.lacks)))
        said += [_explain_lack(lack) for lack in step.lacks]
    return tuple(said)


def grading_json(grading: Grading, lang: Language = "zh") -> dict[str, Any]:
    """The grading as JSON values, sentences rendered in `lang`."""
    return {
        "table": grading.table.id,
        "trade": grading.table.trade,
        "status": grading.table.status,
        "grade": grading.grade,
        "reached": grading.reached,
        "dropped": [drop.id for drop in grading.dropped],
        "higher": [
            {
                "grade": step.grade,
                "lacks": [
                    {
                        "indicator": lack.indicator.id,
                        "name": lack.indicator.said.render(lang),
                        "group": GROUP_NAMES[lack.indicator.group].render(lang),
                        "wanted": say_condition(lack.indicator, lack.condition).render(lang),
                        "found": str(lack.found) if isinstance(lack.found, Decimal) else lack.found,
                        "gap": None if lack.gap is None else str(lack.gap),
                    }
                    for lack in step.lacks
                ],
            }
            for step in grading.higher
        ],
        "explanation": [sentence.render(lang) for sentence in explain_grading(grading)],
    }


def say_grade(grade: Grade) -> Message:
    if grade == "引领性":
        return say("引领性")
    return say("非引领性") if grade == "非引领性" else Message(grade)


def say_condition(indicator: Indicator, condition: Condition) -> Message:
    """不大于 10 mg/m³."""
    unit = _unit(indicator)
    if condition.at_most is not None and condition.at_least is not None:
        return say("{low} 至 {high}{unit}", low=condition.at_least, high=condition.at_most, unit=unit)
    if condition.at_most is not None:
        return say("不大于 {bound}{unit}", bound=condition.at_most, unit=unit)
    if condition.at_least is not None:
        return say("不小于 {bound}{unit}", bound=condition.at_least, unit=unit)
    if condition.one_of is not None:
        return say("是 {choices}", choices=" / ".join(condition.one_of))
    return say("具备") if condition.yes else say("不具备")


def _explain_lack(lack: Lack) -> Message:
    name, wanted = lack.indicator.said, say_condition(lack.indicator, lack.condition)
    if lack.found is None:
        return say("· {name}：要求{wanted}，没有数据", name=name, wanted=wanted)
    if lack.gap is not None:
        unit = _unit(lack.indicator)
        return say(
            "· {name}：要求{wanted}，现为 {found}{unit}，差 {gap}{unit}",
            name=name,
            wanted=wanted,
            found=lack.found,
            gap=lack.gap,
            unit=unit,
        )
    found = lack.found if isinstance(lack.found, str) else say("具备") if lack.found else say("不具备")
    return say("· {name}：要求{wanted}，现为 {found}", name=name, wanted=wanted, found=found)


def _unit(indicator: Indicator) -> str:
    """The unit as it stands behind a number."""
    if indicator.type == "share":
        return "%"
    return "" if indicator.unit == "1" else f" {indicator.unit}"


def _lacks(table: GradeTable, grade: Grade, facts: Mapping[str, Fact]) -> Iterator[Lack]:
    for indicator in table.indicators:
        condition = indicator.needs.get(grade)
        if condition is None:
            continue
        found = facts.get(indicator.id)
        if not condition.holds(found):
            yield Lack(indicator, condition, found, _gap(condition, found))


def _gap(condition: Condition, found: Fact) -> Decimal | None:
    if not isinstance(found, Decimal):
        return None
    if condition.at_most is not None and found > condition.at_most:
        return found - condition.at_most
    return None if condition.at_least is None else condition.at_least - found


def _check_facts(table: GradeTable, facts: Mapping[str, Fact], violations: Collection[str]) -> None:
    kinds = {"number": Decimal, "share": Decimal, "choice": str, "flag": bool}
    for id_, fact in facts.items():
        indicator = table.indicator(id_)
        if indicator is None:
            raise Refusal(
                say("“{trade}”的指标里没有“{id}”。", trade=table.said, id=id_),
                offer(id_, [each.id for each in table.indicators]),
            )
        if fact is not None and not isinstance(fact, kinds[indicator.type]):
            raise Refusal(say("“{found}” 不能作为“{name}”。", found=fact, name=indicator.said))
    known = [drop.id for drop in table.drops]
    for id_ in violations:
        if id_ not in known:
            raise Refusal(
                say("“{trade}”没有“{id}”这种降级情形。", trade=table.said, id=id_), offer(id_, known)
            )


# -- what a grade is worth ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Saving:
    """What a firm would have lost less in a season, in the unit of the losses: at each level, and together."""

    by_level: Mapping[Level, int]
    total: int


def save_by_grade(
    days: Mapping[Level, int], present: Mapping[Level, int], better: Mapping[Level, int]
) -> Saving:
    """What a better grade would have saved: days in force at each level, and a day's loss under the plans of both grades.

    Negative where the better grade loses more. Raises ValueError: a level with days and without losses.
    """
    if missing := [
        level for level, count in days.items() if count and not (level in present and level in better)
    ]:
        raise ValueError(missing)
    saved = {level: count * (present[level] - better[level]) if count else 0 for level, count in days.items()}
    return Saving(saved, sum(saved.values()))


# -- reading and checking ----------------------------------------------------------------------------


def load_grade_tables(folder: Path | None = None) -> tuple[dict[str, GradeTable], list[Diagnostic]]:
    """The tables by trade: the common ones, each replaced by the pack's own of the same id, then the pack's further ones."""
    files = {path.stem: path for path in sorted(COMMON.glob("*.toml"))}
    if folder is not None:
        files |= {path.stem: path for path in sorted((folder / "emergency" / "grades").glob("*.toml"))}
    tables: dict[str, GradeTable] = {}
    found: list[Diagnostic] = []
    for path in files.values():
        table, mistakes = load_grade_file(path)
        found += mistakes
        if table is None:
            continue
        if table.trade in tables:
            what = say(
                "“{one}”和“{other}”都是“{trade}”的指标表。",
                one=tables[table.trade].id,
                other=table.id,
                trade=table.trade,
            )
            fix = say("每个行业只留一份；要替换通用的，用同一个代号。")
            found.append(Diagnostic("error", "/".join(path.parts[-4:]), None, "trade", what, fix))
            continue
        tables[table.trade] = table
    return tables, found


def load_grade_file(
    source: Path | str, name: str | None = None
) -> tuple[GradeTable | None, list[Diagnostic]]:
    """One table, a file or its text: every mistake at once. None when one of them is an error."""
    shown = "/".join(source.parts[-4:]) if isinstance(source, Path) else None
    file, found = read_toml(source, name or shown)
    if file is None:
        return None, found
    table, mistakes = validate(file, GradeTable)
    found += mistakes
    if table is None:
        return None, found
    if isinstance(source, Path) and source.stem != table.id:
        what = say("代号是“{id}”，文件名是“{file}”。", id=table.id, file=source.name)
        found.append(file.error(("id",), what, say("改成同名。")))
    found += sorted(_check(file, table), key=lambda each: each.line or 0)
    return (None if any(each.severity == "error" for each in found) else table), found


def _check(file: TomlFile, table: GradeTable) -> Iterator[Diagnostic]:
    names = [trade.name for trade in list_trades()]
    if table.trade not in names:
        what = say("“{trade}”不在重点行业之列。", trade=table.trade)
        yield file.error(("trade",), what, offer(table.trade, names))
    for at, code in enumerate(table.codes):
        try:
            industry_name(code)
        except Refusal as refusal:
            yield file.error(("codes", at), refusal.what, refusal.fix)
    if table.status == "sourced" and not table.source:
        yield file.error(
            ("status",), say("没有写来源，不能是 sourced。"), say("加上 [[source]]，或改成 illustrative。")
        )
    yield from _check_grades(file, table)
    for key in ("id", "name"):
        seen: set[str] = set()
        for at, indicator in enumerate(table.indicators):
            if (value := getattr(indicator, key)) in seen:
                what = say("“{value}”写了两次。", value=value)
                yield file.error(("indicator", at, key), what, say("删去一处，或改成不同的。"))
            seen.add(value)
    for at, indicator in enumerate(table.indicators):
        yield from _check_indicator(file, table, ("indicator", at), indicator)
    ids: set[str] = set()
    for at, drop in enumerate(table.drops):
        if drop.id in ids:
            what = say("“{value}”写了两次。", value=drop.id)
            yield file.error(("drop", at, "id"), what, say("删去一处，或改成不同的。"))
        ids.add(drop.id)
        if drop.to not in table.grades:
            what = say("本表没有“{grade}”这一级。", grade=drop.to)
            yield file.error(("drop", at, "to"), what, offer(drop.to, table.grades))
        if drop.from_day is not None and drop.until is not None and drop.until <= drop.from_day:
            what = say("适用期间的终止日期应晚于起始日期。")
            yield file.error(("drop", at, "until"), what, say("请核对两个日期。"))


def _check_grades(file: TomlFile, table: GradeTable) -> Iterator[Diagnostic]:
    if not any(_is_ordered(table.grades, scale) for scale in SCALES):
        scales = "；".join("、".join(scale) for scale in SCALES)
        fix = say("由高到低取其中几级：{scales}。", scales=scales)
        yield file.error(("grades",), say("等级的次序或名称不对。"), fix)
    if table.ungraded not in table.grades:
        what = say("本表没有“{grade}”这一级。", grade=table.ungraded)
        yield file.error(("ungraded",), what, offer(table.ungraded, table.grades))
    for grade in table.grades[:-1]:
        if not any(grade in indicator.needs for indicator in table.indicators):
            what = say("“{grade}”没有任何要求，谁都达到。", grade=grade)
            yield file.error(("grades",), what, say("写出要求，或从 grades 里去掉这一级。"))


def _check_indicator(
    file: TomlFile, table: GradeTable, at: KeyPath, indicator: Indicator
) -> Iterator[Diagnostic]:
    if indicator.type == "choice" and len(indicator.choices) < 2:
        yield file.error(
            (*at, "choices"), say("选项至少两个。"), say('例如 choices = ["新型干法", "立窑"]。')
        )
    if indicator.type == "number" and not indicator.unit:
        yield file.error(at, say("缺少“{key}”。", key="unit"), say('没有单位的写 unit = "1"。'))
    allowed: dict[str, Collection[str]] = {
        "number": ("at_most", "at_least"),
        "share": ("at_most", "at_least"),
        "choice": ("one_of",),
        "flag": ("yes",),
    }
    for grade, condition in indicator.needs.items():
        where = (*at, "needs", grade)
        if grade not in table.grades:
            what = say("本表没有“{grade}”这一级。", grade=grade)
            yield file.error(where, what, offer(grade, table.grades))
        elif grade == table.grades[-1]:
            yield file.error(where, say("最低一级不写要求。"), say("删去这一项。"))
        keys = condition.keys
        if not keys or any(key not in allowed[indicator.type] for key in keys):
            expected = "、".join(allowed[indicator.type])
            what = say("这一项要写 {expected}。", expected=expected)
            yield file.error(where, what, None)
            continue
        for choice in condition.one_of or ():
            if choice not in indicator.choices:
                what = say("“{choice}”不在选项里。", choice=choice)
                yield file.error(where, what, offer(choice, indicator.choices))
    yield from _check_order(file, table, at, indicator)


def _check_order(
    file: TomlFile, table: GradeTable, at: KeyPath, indicator: Indicator
) -> Iterator[Diagnostic]:
    """What a grade asks, every better grade asks at least."""
    for better, worse in pairwise(table.grades):
        if worse not in indicator.needs:
            continue
        mild, strict = indicator.needs[worse], indicator.needs.get(better)
        if strict is None or not strict.implies(mild):
            what = say("“{better}”的要求不比“{worse}”严。", better=better, worse=worse)
            fix = say("高一级的要求至少同样严。")
            path = (*at, "needs", better if strict is not None else worse)
            yield file.error(path, what, fix)


def _is_ordered(grades: Sequence[Grade], scale: Sequence[Grade]) -> bool:
    return list(grades) == [grade for grade in scale if grade in grades]
