"""A forecast of the air: the AQI of coming days, or of running 24-hour means by the hour; read from a table or built.

Days are China's. Concentrations become an AQI by the edition of HJ 633 in force on the day (``standards.air_quality``).
What a forecast starts is not known here.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeVar

from muheng.casework.standing import CHINA
from muheng.documents.message import Message, Refusal, say
from muheng.documents.spelling import nearest
from muheng.emergency.alert_rules import POLLUTANTS, Pollutant
from muheng.intake.address import column_letters
from muheng.intake.numbers import MISSING
from muheng.intake.problem import Problem
from muheng.intake.tables import read_tables
from muheng.standards.air_quality import HIGHEST, assess

Kind = Literal["daily", "hourly"]
T = TypeVar("T")

HOURS: dict[Kind, int] = {"daily": 24, "hourly": 1}
LONGEST: dict[Kind, int] = {"daily": 400, "hourly": 2_400}
"""A forecast with the days before it; more is a mistyped date."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    "date": ("date", "日期", "预报日期"),
    "time": ("time", "时间", "时刻", "预报时间"),
    "aqi": ("aqi", "日aqi", "空气质量指数"),
    "primary": ("primary", "首要污染物"),
    "PM2.5": ("pm25", "细颗粒物"),
    "PM10": ("pm10", "可吸入颗粒物"),
    "SO2": ("so2", "二氧化硫"),
    "NO2": ("no2", "二氧化氮"),
    "CO": ("co", "一氧化碳"),
    "O3-8h": ("o38h", "o3", "臭氧", "臭氧8小时", "o3日最大8小时"),
}
_POLLUTANTS: dict[str, Pollutant] = {
    **dict.fromkeys(_COLUMNS["PM2.5"], "PM2.5"),
    **dict.fromkeys(_COLUMNS["PM10"], "PM10"),
    **dict.fromkeys(_COLUMNS["SO2"], "SO2"),
    **dict.fromkeys(_COLUMNS["NO2"], "NO2"),
    **dict.fromkeys(_COLUMNS["CO"], "CO"),
    **dict.fromkeys((*_COLUMNS["O3-8h"], "o31h"), "O3"),
}
_NOTHING = MISSING - {"", "空"}
_YEARS = range(2000, 2101)
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[T ]*(\d{1,2})(?:[:时](?:(\d{1,2})(?::00)?分?)?)?"
)


@dataclass(frozen=True)
class Value:
    """The AQI of a day, or of the 24 hours that a running mean covers; it counts for ``hours`` from ``start``.

    ``aqi`` None: missing, or not to be published. ``indices``: the index that each pollutant alone would give, as far
    as it is known; of a forecast that names primary pollutants only, theirs is the AQI. ``primary`` None: not said.
    """

    start: datetime
    hours: int
    aqi: int | None
    primary: tuple[Pollutant, ...] | None
    indices: Mapping[Pollutant, int]

    @property
    def end(self) -> datetime:
        return self.start + timedelta(hours=self.hours)


@dataclass(frozen=True)
class Series:
    """Values one after another without a hole: what is not known is a value without an AQI."""

    kind: Kind
    values: tuple[Value, ...]
    issued: datetime | None = None
    """When the forecast was made."""
    not_forecast: tuple[str, ...] = ()
    """Pollutants that the forecast says nothing of; the AQI is that of the others."""

    @property
    def gaps(self) -> tuple[datetime, ...]:
        """Where values without an AQI begin."""
        return tuple(value.start for value in self.values if value.aqi is None)


def rate_value(
    start: datetime, kind: Kind, aqi: int | None, primary: Sequence[Pollutant] | None = None
) -> Value:
    """A value whose AQI and primary pollutants are given. Raises Refusal: AQI outside of 0 to 500."""
    if aqi is not None and not 0 <= aqi <= HIGHEST:
        raise Refusal(say("AQI 是 {found}，应在 0 到 500 之间。", found=aqi))
    known = tuple(primary) if primary is not None else None
    indices = {} if aqi is None else dict.fromkeys(known or (), aqi)
    return Value(start, HOURS[kind], aqi, known, indices)


def assess_value(
    start: datetime,
    kind: Kind,
    concentrations: Mapping[str, Decimal | int | None],
    unforecast: Sequence[str] = (),
) -> Value:
    """A value from means of 24 hours (O3: the largest 8-hour mean), µg/m³ and CO mg/m³, by the edition of that day.

    A running mean is rated by the edition of the day that it is given for. Raises Refusal as ``assess`` does.
    """
    hours = HOURS[kind]
    found = assess(start.astimezone(CHINA).date(), concentrations, "daily", unforecast)
    indices = {_pollutant(name): index for name, index in found.iaqi.items() if index is not None}
    primary = None if found.aqi is None else tuple(_pollutant(name) for name in found.primary)
    return Value(start, hours, found.aqi, primary, indices)


def make_series(
    kind: Kind, values: Sequence[Value], issued: datetime | None = None, not_forecast: Sequence[str] = ()
) -> Series:
    """Values in any order; holes are filled with values without an AQI. Raises Refusal: none, doubled, too long.

    Days begin at midnight and hours on the hour, in China. Raises ValueError otherwise.
    """
    if not values:
        raise Refusal(say("预报里没有数据。"))
    if any(value.hours != HOURS[kind] or not _is_whole(value.start, kind) for value in values):
        raise ValueError(kind)
    step = timedelta(hours=HOURS[kind])
    known = sorted(values, key=lambda value: value.start)
    for before, after in pairwise(known):
        if after.start - before.start < step:
            raise Refusal(say("{when} 写了两次。", when=_shown(after.start, kind)), say("删去一处。"))
    if (count := (known[-1].start - known[0].start) // step + 1) > LONGEST[kind]:
        what = say(
            "从 {first} 到 {last} 太长。",
            first=_shown(known[0].start, kind),
            last=_shown(known[-1].start, kind),
        )
        raise Refusal(what, say("检查日期有没有写错。"))
    by_start = {value.start: value for value in known}
    starts = [known[0].start + step * at for at in range(count)]
    filled = tuple(by_start.get(start) or Value(start, HOURS[kind], None, None, {}) for start in starts)
    return Series(kind, filled, issued, tuple(not_forecast))


def extend_series(past: Series, later: Series) -> Series:
    """The later forecast with the days before it (measured, or forecast earlier). Raises Refusal: of two kinds."""
    if past.kind != later.kind:
        raise Refusal(say("一份是日均值，一份是小时滑动值，接不起来。"), say("换成同一种。"))
    known = {value.start: value for value in past.values if value.aqi is not None}
    known |= {
        value.start: value for value in later.values if value.aqi is not None or value.start not in known
    }
    return make_series(later.kind, list(known.values()), later.issued, later.not_forecast)


# -- from a table ------------------------------------------------------------------------------------


def read_forecast(
    source: Path | str, issued: datetime | None = None, name: str | None = None
) -> tuple[Series | None, list[Problem]]:
    """A forecast from a CSV file or workbook (``Path``), or from the text of a table (``str``).

    Columns: ``date,aqi,primary``, or ``date`` with means (``pm25,pm10,so2,no2,co,o3_8h``); ``time`` instead of ``date``
    for running 24-hour means by the hour, each for the hour that begins then. Nothing is taken where one row is wrong.
    """
    if isinstance(source, str):
        reading = _Reading(name or str(say("预报")), None, issued)
        try:
            lines = csv.reader(io.StringIO(source, newline=""), delimiter=_delimiter(source))
            return reading.read([list(row) for row in lines])
        except csv.Error:
            reading.note(
                "error", None, None, "", say("读不出表格。"), say("每行一天或一小时，各项用逗号隔开。")
            )
            return None, reading.problems
    tables, problems = read_tables(source)
    if problems or len(tables) != 1:
        if not problems:
            what = say("有 {count} 张工作表，不知道读哪一张。", count=len(tables))
            problems = [Problem("error", source.name, None, None, None, None, "", what, say("只留一张。"))]
        return None, problems
    table = tables[0]
    letters = table.frame.columns
    reading = _Reading(name or table.file, None if table.delimited else table.sheet, issued, letters)
    return reading.read([list(row) for row in table.frame.iter_rows()])


class _Reading:
    """One table on its way to a series, and what is wrong with it."""

    def __init__(
        self, file: str, sheet: str | None, issued: datetime | None, letters: Sequence[str] | None = None
    ) -> None:
        self.file, self.sheet, self.issued, self.letters = file, sheet, issued, letters
        self.problems: list[Problem] = []

    def read(self, rows: list[list[str | None]]) -> tuple[Series | None, list[Problem]]:
        top = next((at for at, row in enumerate(rows) if any(_fold(cell) for cell in row)), None)
        if top is None:
            self.note("error", None, None, "", say("预报里没有数据。"))
            return None, self.problems
        columns = self.recognise(rows[top], top + 1)
        if any(problem.severity == "error" for problem in self.problems):
            return None, self.problems
        kind: Kind = "daily" if "date" in columns else "hourly"
        unforecast = [] if "aqi" in columns else [name for name in _MEANS if name not in columns]
        values: list[Value] = []
        seen: dict[datetime, int] = {}
        for at, row in enumerate(rows[top + 1 :], start=top + 2):
            if not any(_fold(cell) for cell in row):
                continue
            value = self.read_row(row, at, columns, kind, unforecast)
            if value is None:
                continue
            if value.start in seen:
                what = say(
                    "{when} 已在第 {row} 行写过。", when=_shown(value.start, kind), row=seen[value.start]
                )
                self.note(
                    "error", at, columns["date" if kind == "daily" else "time"], "", what, say("删去一处。")
                )
            seen.setdefault(value.start, at)
            values.append(value)
        if any(problem.severity == "error" for problem in self.problems):
            return None, self.problems
        try:
            series = make_series(kind, values, self.issued, unforecast)
        except Refusal as refusal:
            self.note("error", None, None, "", refusal.what, refusal.fix)
            return None, self.problems
        self.tell_gaps(series)
        return series, self.problems

    def recognise(self, header: list[str | None], row: int) -> dict[str, int]:
        """Where each known column stands."""
        names = {alias: name for name, aliases in _COLUMNS.items() for alias in aliases}
        columns: dict[str, int] = {}
        for at, cell in enumerate(header):
            text = _fold_name(cell)
            if not text:
                continue
            name = names.get(text)
            if name is None:
                meant = nearest(text, names)
                fix = None if meant is None else say("是不是“{meant}”？", meant=meant)
                self.note("warning", row, at, cell or "", say("没有用到这一列。"), fix)
            elif name in columns:
                self.note(
                    "error", row, at, cell or "", say("“{value}”写了两次。", value=cell), say("删去一处。")
                )
            else:
                columns[name] = at
        if ("date" in columns) == ("time" in columns):
            self.note(
                "error",
                row,
                None,
                "",
                say("要有一列 date（日均值）或一列 time（逐小时的 24 小时滑动值），只要一列。"),
            )
        means = [name for name in _MEANS if name in columns]
        if "aqi" in columns and means:
            what = say("既有 AQI 又有浓度，不知道按哪个算。")
            self.note("error", row, columns[means[0]], "", what, say("只留 aqi 和 primary，或只留浓度。"))
        elif "aqi" not in columns and not means:
            fix = say("写 aqi、primary，或 pm25、pm10、so2、no2、co、o3_8h。")
            self.note("error", row, None, "", say("既没有 AQI，也没有浓度。"), fix)
        return columns

    def read_row(
        self,
        row: list[str | None],
        at: int,
        columns: Mapping[str, int],
        kind: Kind,
        unforecast: Sequence[str],
    ) -> Value | None:
        """The value of a row; None where a cell is wrong."""
        before = len(self.problems)
        cells = {name: _strip(row[place]) if place < len(row) else "" for name, place in columns.items()}
        key = "date" if kind == "daily" else "time"
        start = self.take(cells[key], at, columns[key], _read_day if kind == "daily" else _read_hour)
        if "aqi" in columns:
            aqi = self.take(cells["aqi"], at, columns["aqi"], _read_index)
            primary = None
            if "primary" in columns:
                primary = self.take(cells["primary"], at, columns["primary"], _read_primary)
            if start is None or len(self.problems) > before:
                return None
            return rate_value(start, kind, aqi, primary)
        means = {
            name: self.take(cells[name], at, columns[name], _read_mean) for name in _MEANS if name in columns
        }
        if start is None or len(self.problems) > before:
            return None
        try:
            return assess_value(start, kind, means, unforecast)
        except Refusal as refusal:
            self.note("error", at, columns[key], cells[key], refusal.what, refusal.fix)
            return None

    def take(self, text: str, row: int, column: int, read: Callable[[str], T]) -> T | None:
        try:
            return read(text)
        except Refusal as refusal:
            self.note("error", row, column, text, refusal.what, refusal.fix)
            return None

    def tell_gaps(self, series: Series) -> None:
        gaps = series.gaps
        if gaps:
            shown = "、".join(_shown(gap, series.kind) for gap in gaps[:5]) + ("……" if len(gaps) > 5 else "")
            what = say("{count} 个时段没有 AQI：{gaps}。", count=len(gaps), gaps=shown)
            self.note("warning", None, None, "", what, say("缺的时段不算超过，也不算转好。"))
        if series.not_forecast:
            what = say("没有预报 {names}，AQI 按其余污染物计算。", names="、".join(series.not_forecast))
            self.note("warning", None, None, "", what)

    def note(
        self,
        severity: Literal["error", "warning"],
        row: int | None,
        column: int | None,
        found: str,
        what: Message,
        fix: Message | None = None,
    ) -> None:
        letters = None
        if column is not None:
            letters = self.letters[column] if self.letters is not None else column_letters(column)
        cell = None if letters is None or row is None else f"{letters}{row}"
        self.problems.append(Problem(severity, self.file, self.sheet, row, None, cell, found, what, fix))


_MEANS = ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3-8h")


def _read_day(text: str) -> datetime:
    folded = _fold(text).removesuffix("00:00:00")
    found = _DATE.fullmatch(folded)
    if found is not None and int(found.group(1)) in _YEARS:
        try:
            return datetime.combine(date(*map(int, found.groups())), time(0), CHINA)
        except ValueError:
            pass
    raise Refusal(say("“{text}”不是日期。", text=text), say("写作 2026-06-01。"))


def _read_hour(text: str) -> datetime:
    found = _TIME.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is not None and int(found.group(1)) in _YEARS:
        year, month, day, hour, minute = (int(part or 0) for part in found.groups())
        try:
            if minute == 0:
                return datetime(year, month, day, hour, tzinfo=CHINA)
        except ValueError:
            pass
    raise Refusal(say("“{text}”不是整点时间。", text=text), say("写作 2026-06-01 13:00。"))


def _read_index(text: str) -> int | None:
    folded = _fold(text)
    if folded in MISSING:
        return None
    if not re.fullmatch(r"\d{1,3}(\.0+)?", folded) or int(folded.split(".")[0]) > HIGHEST:
        fix = say("写 0 到 500 的整数；预报是一个范围的，写会商确定的那个数；没有就留空。")
        raise Refusal(say("“{found}” 不能作为 AQI。", found=text), fix)
    return int(folded.split(".")[0])


def _read_primary(text: str) -> tuple[Pollutant, ...] | None:
    if _fold(text) in _NOTHING:
        return ()
    named: list[Pollutant] = []
    for part in re.split(r"[、,;/+|和]", unicodedata.normalize("NFKC", text)):
        name = _fold_name(part)
        if not name:
            continue
        if name not in _POLLUTANTS:
            fix = say("可用：{names}。", names="、".join(POLLUTANTS))
            raise Refusal(say("不认得污染物“{name}”。", name=part.strip()), fix)
        named.append(_POLLUTANTS[name])
    return tuple(dict.fromkeys(named)) or None


def _read_mean(text: str) -> Decimal | None:
    folded = _fold(text)
    if folded in MISSING:
        return None
    if not re.fullmatch(r"\d{1,6}(\.\d{1,9})?", folded):
        fix = say("只写数：µg/m³，CO 是 mg/m³；没有就留空。")
        raise Refusal(say("“{found}” 不能作为浓度。", found=text), fix)
    return Decimal(folded)


def _pollutant(name: str) -> Pollutant:
    return _POLLUTANTS[_fold_name(name)]


def _delimiter(text: str) -> str:
    head = text[:2_000]
    return max(",\t;", key=head.count)


def _strip(cell: str | None) -> str:
    return (cell or "").strip("\ufeff \t\r\n\u3000\xa0")


def _fold(cell: str | None) -> str:
    return "".join(unicodedata.normalize("NFKC", _strip(cell)).split()).casefold()


def _fold_name(cell: str | None) -> str:
    """A name without its unit and marks: ``PM2.5(µg/m³)`` and ``pm25`` are one."""
    text = re.sub(r"[(\[].*$", "", _fold(cell))
    return re.sub(r"[._\-\s]", "", text)


def _is_whole(start: datetime, kind: Kind) -> bool:
    local = start.astimezone(CHINA)
    return not (local.minute or local.second or local.microsecond or (kind == "daily" and local.hour))


def _shown(when: datetime, kind: Kind) -> str:
    return when.date().isoformat() if kind == "daily" else f"{when:%Y-%m-%d %H:00}"
