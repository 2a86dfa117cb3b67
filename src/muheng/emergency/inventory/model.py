"""The emergency list (应急减排清单): enterprises, their lines, the measures filed for each level, transport, the base.

Values only. Mass in grams a day, money in fen a day, parts of the output in thousandths, so that everything adds up
exactly. Where a figure came from (sheet, cell) stays with it in ``places``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["yellow", "orange", "red"]

Mass = tuple[int, int, int, int]
"""SO2, NOx, PM, VOCs."""
NOTHING: Mass = (0, 0, 0, 0)

MeasureKind = Literal["停产", "限产", "停止工序", "提高治理效率", "运输减量", "自主减排"]
CountBy = Literal["生产线计", "负荷计", "原料计", "燃料计", "用电计", "产量计"]
Evidence = Literal["用电", "DCS", "在线监测", "门禁", "台账", "现场"]


@dataclass(frozen=True)
class Firm:
    """An enterprise on the list."""

    code: str
    """统一社会信用代码"""
    name: str
    county: str
    industry: str = ""
    """GB/T 4754"""
    trade: str = ""
    """Which of the industries with grades of their own (重点行业); empty: none."""
    grade: str = ""
    """A, B, B-, C, D, 引领性, 非引领性; empty: not graded."""
    grade_until: datetime.date | None = None
    guarantee: str = ""
    """Why it is spared (保障类型): 民生保障, 战略性新兴产业, 军工和出口订单, 绿色引领, 重点工程, 小微涉气 … as the settings list them."""
    guarantee_level: Level | None = None
    """Up to which level it is spared."""
    stopped: bool = False
    """长期停产: it emits nothing now, so that a cut of it counts nothing."""
    permit: str = ""
    permitted: tuple[int | None, int | None, int | None, int | None] = (None, None, None, None)
    """What the permit allows, g a year."""
    output: int | None = None
    """Output value, fen a day: what the share that it loses is counted in."""
    longitude: float | None = None
    latitude: float | None = None
    contact: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Line:
    """A production line, or a step of it, that emits."""

    id: str
    """Unique in the list: the code of the firm, a dash, the line's own number."""
    firm: str
    name: str
    product: str = ""
    capacity: str = ""
    step: str = ""
    """涉气工序"""
    equipment: str = ""
    fuel: str = ""
    control: str = ""
    """治理设施"""
    days: int | None = None
    """Production days a year."""
    yearly: tuple[int | None, int | None, int | None, int | None] = (None, None, None, None)
    """g a year."""
    daily: Mass = NOTHING
    """g a day: as stated, or yearly over days (rounded half up to whole grams)."""
    continuous: bool = False
    """It cannot be stopped at short notice (连续工序)."""
    least_load: int = 0
    """Thousandths of its load below which it cannot run (other than standing still)."""
    stop_hours: int = 0
    restart_hours: int = 0
    meter: str = ""
    """电表户号, by which the stop is proved"""
    outlet: str = ""
    """排放口编号, likewise"""
    stop_loss: int | None = None
    """What a day without it costs, fen."""
    restart_cost: int = 0
    """Fen, once for each stop; counted for each day of a stop."""
    serves: tuple[str, ...] = ()
    """A shared facility (boiler, gas maker): the lines that cannot run without it."""
    supply: str = ""
    """What it delivers for livelihood (供热, 供电, 垃圾焚烧 …); empty: nothing."""
    supplied: int = 0
    """How much of it in a day."""


@dataclass(frozen=True)
class Offer:
    """One measure that a line could take, where the list names its own instead of the settings' menu."""

    line: str
    name: str
    order: int
    """Strictness among the line's measures; 0 is going on as usual."""
    kind: MeasureKind | None
    part: int
    """Thousandths of its production given up."""
    cut: Mass | None = None
    """g a day; None: that part of what it emits."""
    loss: int | None = None
    """Fen a day; None: that part of ``stop_loss``, with the restart where it stops."""
    count_by: CountBy | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Filed:
    """What the plan of one plant (一厂一策) that is in force says of a line at a level."""

    line: str
    level: Level
    name: str
    kind: MeasureKind | None = None
    part: int = 0
    cut: Mass | None = None
    count_by: CountBy | None = None
    evidence: Evidence | None = None
    text: str = ""
    """The measure in words: which unit stops, until what load."""


@dataclass(frozen=True)
class Transport:
    """Lorries a day of a firm: usually and at each level, and which emission stage may still come in."""

    firm: str
    usual: int
    yellow: int
    orange: int
    red: int
    stage: str = ""


@dataclass(frozen=True)
class Source:
    """One source of the region's emissions (工业源, 扬尘源, 移动源, 其他源): g a day, and what its own measures cut at each level."""

    name: str
    emission: Mass
    cut: Mapping[Level, Mass] = field(default_factory=dict)


@dataclass(frozen=True)
class Inventory:
    """The whole list. Firms by code, lines by id, in ascending order; every line's firm is there."""

    title: str
    firms: tuple[Firm, ...]
    lines: tuple[Line, ...]
    offers: tuple[Offer, ...] = ()
    filed: tuple[Filed, ...] = ()
    transport: tuple[Transport, ...] = ()
    base: tuple[Source, ...] = ()
    """减排基数: every source of the region; 工业源 may hold more than the list (enterprises outside of it)."""
    places: Mapping[tuple[str, str], str] = field(default_factory=dict, compare=False)
    """Where a row stands in its workbook: (``"line"``, id) → ``"生产线!A12"``."""
