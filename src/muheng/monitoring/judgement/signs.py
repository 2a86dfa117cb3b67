"""What looks wrong in monitoring data: a suspicion with what was seen, from when to when, and what else may explain it.

A sign is never a verdict: each kind comes with innocent causes that have to be ruled out first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from muheng.documents.message import Message, say

SignKind = Literal[
    "missing", "flat", "drift", "clipped", "jump", "range", "copied_time", "copied_neighbour", "unlike_flow",
    "oxygen_low", "oxygen_high", "marked", "convenient", "afterwards", "running", "revised",
]  # fmt: skip
Strength = Literal["weak", "clear", "strong"]

NAMES: dict[SignKind, Message] = {
    "missing": say("无标记的缺失"),
    "flat": say("数值不变"),
    "drift": say("持续漂移"),
    "clipped": say("贴着限值"),
    "jump": say("突变"),
    "range": say("超出可能范围"),
    "copied_time": say("与另一时段相同"),
    "copied_neighbour": say("与另一排口相同"),
    "unlike_flow": say("浓度与流量不相称"),
    "oxygen_low": say("氧含量偏低而不超标"),
    "oxygen_high": say("氧含量过高而无法折算"),
    "marked": say("标记过多"),
    "convenient": say("标记多在超过限值时"),
    "afterwards": say("超过限值以后才标记"),
    "running": say("标记停运而仍有流量"),
    "revised": say("改报后不再超标"),
}

INNOCENT: dict[SignKind, tuple[Message, ...]] = {
    "missing": (say("停电或通信中断"), say("设备故障而未及时标记")),
    "flat": (
        say("浓度低于检出限"),
        say("仪器分辨率低、工况很稳"),
        say("仪器在保持（校准、反吹）时输出上一个值"),
    ),
    "drift": (
        say("燃料、原料或负荷逐渐变化"),
        say("治理设施效率逐渐下降"),
        say("仪器零点、量程漂移，待校准"),
    ),
    "clipped": (say("治理设施按限值自动控制"), say("量程上限恰在限值附近")),
    "jump": (say("工况突变或治理设施故障"), say("更换仪器、校准后恢复"), say("信号干扰")),
    "range": (say("仪器故障或未校零"), say("单位设置不对")),
    "copied_time": (say("断线补传时时间写错"), say("数采仪重启后重发缓存")),
    "copied_neighbour": (say("两个排口共用一台仪器"), say("数采仪通道配置重复")),
    "unlike_flow": (
        say("改用清洁燃料或间歇生产"),
        say("采样管路泄漏、堵塞"),
        say("流速仪故障"),
    ),
    "oxygen_low": (say("燃烧调整、负荷升高"), say("氧传感器老化")),
    "oxygen_high": (say("启停炉、空烧而未标记"), say("烟道或采样管路漏风")),
    "marked": (say("设备大修或改造"), say("仪器长期故障待修")),
    "convenient": (
        say("校准时通入高浓度标准气"),
        say("仪器故障时读数偏高"),
        say("治理设施故障确实使排放升高"),
    ),
    "afterwards": (say("故障先使数值升高，发现以后才来得及标记"), say("值班人员按班次补记")),
    "running": (say("风机仍在吹扫、通风"), say("流速仪零点漂移")),
    "revised": (say("数采仪按标准修正了数据标记"), say("设备恢复后重新计算了小时均值")),
}


@dataclass(frozen=True)
class MarkedAfter:
    """One time that an operator marked only when the limit had been passed: from when, how many hours, how far, and the mark."""

    begin: datetime
    hours: int
    ratio: float
    mark: str
    made: datetime


@dataclass(frozen=True)
class Sign:
    """``times``: how far past the line of the rules, 1 being on it. ``end``: the first hour without it."""

    kind: SignKind
    outlet: str
    factor: str
    begin: datetime
    end: datetime
    times: float
    seen: Message
    cases: tuple[MarkedAfter, ...] = ()
    """What it was put together from, where that is a list."""

    @property
    def name(self) -> Message:
        return NAMES[self.kind]

    @property
    def strength(self) -> Strength:
        """Below twice the line weak, from five times strong."""
        if self.times < 2:
            return "weak"
        return "clear" if self.times < 5 else "strong"

    @property
    def innocent(self) -> tuple[Message, ...]:
        """What else may be behind it."""
        return INNOCENT[self.kind]
