"""The report of a pollution episode: what was forecast and issued, who did what, what it cut and cost, what was learnt.

One value holds all that stands in it, as it was issued; page, Word file and workbook are made from it. Like the other
papers it is in Chinese. Knows no database and no today.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from muheng.emergency.inventory.model import NOTHING, Level, Mass
from muheng.reports.meeting_words import day, listed
from muheng.reports.order import LEVEL_NAMES, RESPONSES, kilograms, moment, ten_thousand_yuan
from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.standards.rounding import format_trimmed, scale_half_up

SHOWN = 60
"""Rows of a list in the Word file; the workbook has all."""
POLLUTANTS = ("SO₂", "NOₓ", "颗粒物", "VOCs")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Day(_Strict):
    """A day of the episode: the AQI that was forecast when the alert was issued, and the one that was recorded."""

    on: date
    forecast: int | None = None
    primary: str = ""
    recorded: int | None = None


class InForce(_Strict):
    """A level and how long it was in force."""

    level: Level
    start: datetime
    end: datetime
    minutes: int


class Deed(_Strict):
    """Something done to the alert: issued, raised, lowered, extended, lifted."""

    what: str
    level: Level
    at: datetime
    number: str = ""
    reason: str = ""
    by: str = ""
    departs: bool = False


class Part(_Strict):
    """A county's share, or all of it."""

    name: str
    firms: int = 0
    acknowledged: int = 0
    in_time: int = 0
    lines: int = 0
    done: int = 0
    broken: int = 0

    @property
    def rate(self) -> Fraction | None:
        return Fraction(self.done, self.lines) if self.lines else None


class AtLevel(_Strict):
    """A level's plan, a day: what had to be cut, what was ordered, what was shown; and what it costs."""

    level: Level
    need: Mass | None = None
    planned: Mass = NOTHING
    shown: Mass = NOTHING
    """Of the lines that were shown to be in place."""
    loss: int = 0
    """Fen a day of what was ordered."""
    uniform_loss: int | None = None
    """Fen a day of cutting everybody alike for the same reductions; None: not known."""
    minutes: int = 0

    @property
    def saved(self) -> int | None:
        return None if self.uniform_loss is None else self.uniform_loss - self.loss


class Culprit(_Strict):
    """A line that did not do as ordered, or an enterprise that never answered."""

    enterprise: str
    code: str = ""
    county: str = ""
    line: str = ""
    measure: str = ""
    found: str = ""
    case: str = ""
    """Number of the case that was opened."""


class Spared(_Strict):
    """An enterprise on the list that had nothing to do by its grade or its duty."""

    enterprise: str
    county: str = ""
    grade: str = ""
    why: str = ""


class Episode(_Strict):
    """All that stands in the report."""

    title: str
    issuer: str
    place: str
    number: str = ""
    cause: str
    rules: str
    made: datetime
    starts: datetime
    lifted: datetime
    spans: tuple[InForce, ...]
    deeds: tuple[Deed, ...]
    days: tuple[Day, ...]
    whole: Part
    counties: tuple[Part, ...]
    levels: tuple[AtLevel, ...]
    acknowledge_hours: int
    checks: int = 0
    """How often a line was checked, by officials."""
    check_ins: int = 0
    broken: tuple[Culprit, ...] = ()
    silent: tuple[Culprit, ...] = ()
    """Enterprises that never acknowledged."""
    spared: tuple[Spared, ...] = ()
    learnt: tuple[str, ...] = ()

    @property
    def highest(self) -> Level:
        order: list[Level] = ["yellow", "orange", "red"]
        return max((each.level for each in self.spans), key=order.index, default="yellow")

    @property
    def minutes(self) -> int:
        return sum(each.minutes for each in self.spans)

    def total(self, kind: str) -> Mass:
        """``planned``, ``shown`` or ``need`` over the whole episode, g: a day's share for each hour."""
        sums = [Fraction(0)] * 4
        for each in self.levels:
            for at, grams in enumerate(getattr(each, kind) or NOTHING):
                sums[at] += Fraction(grams * each.minutes, 24 * 60)
        so2, nox, pm, voc = (round(each) for each in sums)
        return so2, nox, pm, voc

    @property
    def loss(self) -> int:
        """Fen over the whole episode."""
        return round(sum((Fraction(each.loss * each.minutes, 24 * 60) for each in self.levels), Fraction(0)))

    @property
    def saved(self) -> int | None:
        """Fen over the whole episode against the uniform cut; None where a level has none to compare with."""
        known = [(each.saved, each.minutes) for each in self.levels]
        if not known or any(saved is None for saved, _minutes in known):
            return None
        return round(
            sum((Fraction((saved or 0) * minutes, 24 * 60) for saved, minutes in known), Fraction(0))
        )


def share(value: Fraction | None) -> str:
    """97.5%; a dash where there is nothing to share."""
    return "—" if value is None else f"{format_trimmed(scale_half_up(value * 100, 1), 1)}%"


def duration(minutes: int) -> str:
    """2天3小时."""
    days, left = divmod(minutes, 24 * 60)
    hours, rest = divmod(left, 60)
    parts = [f"{number}{unit}" for number, unit in ((days, "天"), (hours, "小时"), (rest, "分钟")) if number]
    return "".join(parts) or "0小时"


def masses(grams: Mass) -> str:
    """SO₂ 12.3千克、…"""
    return "、".join(f"{name} {kilograms(each)}千克" for name, each in zip(POLLUTANTS, grams, strict=True))


def summarise(episode: Episode) -> list[str]:
    """The episode in plain sentences."""
    whole = episode.whole
    spans = listed(
        [f"{LEVEL_NAMES[level]}{duration(minutes)}" for level, minutes in _by_level(episode).items()]
        or ["0小时"]
    )
    said = [
        f"{moment(episode.starts)}至{moment(episode.lifted)}，{episode.place}因{episode.cause}污染"
        f"启动{LEVEL_NAMES[episode.highest]}预警（{RESPONSES[episode.highest]}），响应共{duration(episode.minutes)}，"
        f"其中{spans}。"
    ]
    said += _say_air(episode)
    if whole.firms:
        said.append(
            f"按应急减排清单向{whole.firms}家企业的{whole.lines}条生产线下达措施；"
            f"{whole.in_time}家在{episode.acknowledge_hours}小时内确认，共确认{whole.acknowledged}家"
            + (f"，{len(episode.silent)}家没有确认" if episode.silent else "")
            + "。"
        )
        said.append(
            f"查实措施到位{whole.done}条，执行率{share(whole.rate)}；"
            + (f"不到位{whole.broken}条" if whole.broken else "没有查到不到位的")
            + f"，没有凭证的{whole.lines - whole.done - whole.broken}条。"
            f"企业报来凭证{episode.check_ins}次，现场检查{episode.checks}次。"
        )
        said.append(
            f"下达的措施在响应期间应减排{masses(episode.total('planned'))}；"
            f"有凭证的减排{masses(episode.total('shown'))}。"
        )
        saved = episode.saved
        said.append(
            f"按清单的数，损失约{ten_thousand_yuan(episode.loss)}万元"
            + (f"；达到同样减排，一刀切要多损失{ten_thousand_yuan(saved)}万元" if saved else "")
            + "。"
        )
    else:
        said.append("本次污染不启动应急减排清单，没有要求企业停产、限产。")
    if episode.spared:
        said.append(f"因绩效等级或保障任务没有强制减排的企业{len(episode.spared)}家。")
    return said


def _say_air(episode: Episode) -> list[str]:
    known = [each for each in episode.days if each.recorded is not None]
    forecast = [each.forecast for each in episode.days if each.forecast is not None]
    said = []
    if forecast:
        said.append(f"预报日AQI最高{max(forecast)}。")
    if known:
        worst = max(known, key=lambda each: each.recorded or 0)
        both = [abs((each.recorded or 0) - each.forecast) for each in known if each.forecast is not None]
        said.append(
            f"实况日AQI最高{worst.recorded}（{day(worst.on, year=False)}）"
            + (
                f"，与预报平均相差{format_trimmed(scale_half_up(Fraction(sum(both), len(both)), 1), 1)}"
                if both
                else ""
            )
            + "。"
        )
    return ["".join(said)] if said else []


def _by_level(episode: Episode) -> dict[Level, int]:
    found: dict[Level, int] = {}
    for each in episode.spans:
        found[each.level] = found.get(each.level, 0) + each.minutes
    return found


def fill_episode(episode: Episode) -> dict[str, Any]:
    """What the Word template may use, under the names that a clerk finds in it."""
    return {
        "标题": episode.title,
        "单位": episode.issuer,
        "日期": day(episode.made.date()),
        "概况": summarise(episode),
        "过程": [
            {
                "时间": moment(each.at),
                "事": each.what,
                "级别": LEVEL_NAMES[each.level],
                "文号": each.number or "—",
                "理由": each.reason + ("（与规则判断不一致）" if each.departs else ""),
            }
            for each in episode.deeds
        ],
        "逐日": [
            {
                "日期": day(each.on, year=False),
                "预报": _or_dash(each.forecast),
                "首要": each.primary or "—",
                "实况": _or_dash(each.recorded),
            }
            for each in episode.days
        ],
        "县区": [_fill_part(each) for each in (*episode.counties, episode.whole)]
        if episode.whole.firms
        else [],
        "各级": [
            {
                "级别": LEVEL_NAMES[each.level],
                "污染物": name,
                "要求": kilograms(each.need[at]) if each.need is not None else "—",
                "下达": kilograms(each.planned[at]),
                "查实": kilograms(each.shown[at]),
            }
            for each in episode.levels
            for at, name in enumerate(POLLUTANTS)
        ],
        "不到位": [_fill_culprit(number, each) for number, each in enumerate(episode.broken[:SHOWN], 1)],
        "未确认": [_fill_culprit(number, each) for number, each in enumerate(episode.silent[:SHOWN], 1)],
        "未列": _left_out(episode),
        "未强制": [
            {"企业": each.enterprise, "县区": each.county, "等级": each.grade or "—", "原因": each.why}
            for each in episode.spared[:SHOWN]
        ],
        "教训": list(episode.learnt),
    }


def _left_out(episode: Episode) -> str:
    more = max(len(episode.broken), len(episode.silent), len(episode.spared)) > SHOWN
    return f"各表只列前{SHOWN}行，全部见所附表格。" if more else ""


def _fill_part(part: Part) -> dict[str, Any]:
    return {
        "名称": part.name,
        "户数": part.firms,
        "确认": part.acknowledged,
        "按时": part.in_time,
        "条数": part.lines,
        "到位": part.done,
        "不到位": part.broken,
        "执行率": share(part.rate),
    }


def _fill_culprit(number: int, each: Culprit) -> dict[str, Any]:
    return {
        "序": number,
        "企业": each.enterprise,
        "县区": each.county,
        "线": each.line or "—",
        "措施": each.measure or "—",
        "情况": each.found or "—",
        "编号": each.case or "—",
    }


def _or_dash(value: int | None) -> str:
    return "—" if value is None else str(value)


# -- the workbook ----------------------------------------------------------------------------------------


def write_episode(episode: Episode, path: Path) -> None:
    """The report as a workbook, with all rows. Raises OSError."""
    made = datetime(episode.made.year, episode.made.month, episode.made.day)
    write_sheets(_sheets(episode), path, made)


def _sheets(episode: Episode) -> list[Sheet]:
    parts = (*episode.counties, episode.whole)
    by_county = (
        _text("县区", parts, lambda each: each.name),
        _number("企业", parts, lambda each: each.firms),
        _number("已确认", parts, lambda each: each.acknowledged),
        _number("按时确认", parts, lambda each: each.in_time),
        _number("生产线", parts, lambda each: each.lines),
        _number("措施到位", parts, lambda each: each.done),
        _number("不到位", parts, lambda each: each.broken),
        Column(
            "执行率（%）",
            pl.Series(
                [None if each.rate is None else scale_half_up(each.rate * 100, 1) for each in parts],
                dtype=pl.Int64,
            ),
            1,
        ),
    )
    rows = [(each, at) for each in episode.levels for at in range(4)]
    by_level = (
        _text("级别", rows, lambda row: LEVEL_NAMES[row[0].level]),
        _text("污染物", rows, lambda row: POLLUTANTS[row[1]]),
        _mass("要求（千克/天）", [each.need[at] if each.need is not None else None for each, at in rows]),
        _mass("下达（千克/天）", [each.planned[at] for each, at in rows]),
        _mass("查实（千克/天）", [each.shown[at] for each, at in rows]),
        Column(
            "执行小时",
            pl.Series([scale_half_up(Fraction(each.minutes, 60), 1) for each, _at in rows], dtype=pl.Int64),
            1,
        ),
    )
    deeds = (
        _text("时间", episode.deeds, lambda each: f"{each.at:%Y-%m-%d %H:%M}"),
        _text("事项", episode.deeds, lambda each: each.what),
        _text("级别", episode.deeds, lambda each: LEVEL_NAMES[each.level]),
        _text("文号", episode.deeds, lambda each: each.number),
        _text("理由", episode.deeds, lambda each: each.reason),
        _text("经办", episode.deeds, lambda each: each.by),
        _text("与规则判断不一致", episode.deeds, lambda each: "是" if each.departs else ""),
    )
    days = (
        _text("日期", episode.days, lambda each: each.on.isoformat()),
        _number("预报日AQI", episode.days, lambda each: each.forecast),
        _text("首要污染物", episode.days, lambda each: each.primary),
        _number("实况日AQI", episode.days, lambda each: each.recorded),
    )
    spared = (
        _text("企业", episode.spared, lambda each: each.enterprise),
        _text("县区", episode.spared, lambda each: each.county),
        _text("绩效等级", episode.spared, lambda each: each.grade),
        _text("原因", episode.spared, lambda each: each.why),
    )
    return [
        Sheet("各县区", (Table((episode.title, *summarise(episode)), by_county, episode.learnt),)),
        Sheet("各级减排", (Table(("各级减排（每天）",), by_level),)),
        Sheet("过程", (Table(("预警过程",), deeds),)),
        Sheet("逐日空气质量", (Table(("逐日空气质量",), days),)),
        _culprits("不到位", "措施不到位的生产线", episode.broken),
        _culprits("没有确认", "没有确认收到的企业", episode.silent),
        Sheet("没有强制减排", (Table(("因绩效等级或保障任务没有强制减排的企业",), spared),)),
    ]


def _culprits(name: str, title: str, rows: Sequence[Culprit]) -> Sheet:
    columns = (
        _text("企业", rows, lambda each: each.enterprise),
        _text("统一社会信用代码", rows, lambda each: each.code),
        _text("县区", rows, lambda each: each.county),
        _text("生产线", rows, lambda each: each.line),
        _text("措施", rows, lambda each: each.measure),
        _text("情况", rows, lambda each: each.found),
        _text("事项编号", rows, lambda each: each.case),
    )
    return Sheet(name, (Table((title,), columns),))


def _text(title: str, rows: Sequence[Any], value: Callable[[Any], str]) -> Column:
    return Column(title, pl.Series([value(each) for each in rows], dtype=pl.String))


def _number(title: str, rows: Sequence[Any], value: Callable[[Any], int | None]) -> Column:
    return Column(title, pl.Series([value(each) for each in rows], dtype=pl.Int64))


def _mass(title: str, grams: Sequence[int | None]) -> Column:
    """Kilograms with three digits: the grams as they are."""
    return Column(title, pl.Series(list(grams), dtype=pl.Int64), 3)
