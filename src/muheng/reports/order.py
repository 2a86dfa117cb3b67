"""The order of one plant (一厂一策) at a level of an alert, its notice for the factory gate, and the list of a whole city.

One value holds what an order says; it is kept as it was sent, and every paper is made from it. Papers are in Chinese,
as the offices and plants need them. Knows no database and no today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from muheng.emergency.execution import LEFT_AT_STOP, TOLERANCE, WHOLE
from muheng.emergency.inventory.model import Level, Mass
from muheng.reports.meeting_words import day
from muheng.standards.rounding import divide_half_up, format_scaled, format_trimmed

LEVEL_NAMES: Mapping[Level, str] = {"yellow": "黄色", "orange": "橙色", "red": "红色"}
RESPONSES: Mapping[Level, str] = {"yellow": "Ⅲ级响应", "orange": "Ⅱ级响应", "red": "Ⅰ级响应"}
SHOWN = 200
"""Rows of the city's list in the Word file; the workbook has all."""
_EVIDENCE = {
    "用电": "生产用电，与平日同期比较",
    "在线监测": "在线监测数据",
    "DCS": "DCS 历史曲线",
    "门禁": "门禁、车辆进出记录",
    "台账": "生产和减排台账",
    "现场": "现场检查",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderedLine(_Strict):
    """What one line has to do."""

    measure: int
    """The row of the adopted plan that it comes from."""
    line: str
    name: str
    step: str
    """What is done: 停产, 限产50% …"""
    kind: str = ""
    part: int = 0
    """Thousandths of the production given up."""
    count_by: str = ""
    evidence: str = ""
    meter: str = ""
    outlet: str = ""
    text: str = ""
    text_english: str = ""
    cut: Mass = (0, 0, 0, 0)
    """g a day."""
    loss: int = 0
    """Fen a day."""
    change: str = ""
    """What it had to do at the level before, where that was something else."""

    @property
    def left(self) -> str:
        """The part of its usual load that it may keep: 65%."""
        return f"{format_trimmed(max(WHOLE - self.part, 0), 1)}%"

    @property
    def load(self) -> str:
        """To what load."""
        if self.part >= WHOLE:
            return "停止生产"
        if self.part > 0:
            return f"负荷不超过平日的{self.left}"
        return "按措施内容执行"

    @property
    def said(self) -> str:
        """The measure in words."""
        return self.text or self.step

    @property
    def shown_by(self) -> str:
        """What shows that it is done."""
        told = _EVIDENCE.get(self.evidence, self.evidence)
        where = "、".join(
            text
            for text in (
                f"电表{self.meter}" if self.meter else "",
                f"排放口{self.outlet}" if self.outlet else "",
            )
            if text
        )
        return f"{told}（{where}）" if told and where else told or where or "台账、照片"


class PlantOrder(_Strict):
    """All that an order says."""

    number: str
    """文号 of the alert's paper."""
    issuer: str
    place: str
    code: str
    name: str
    county: str = ""
    grade: str = ""
    level: Level
    before: Level | None = None
    """The level that the orders before this one were of; None: these are the first."""
    sent: datetime
    starts: datetime
    ends: datetime
    due: datetime
    contact: str = ""
    """Whom the plant may call."""
    phone: str = ""
    acknowledge_hours: int
    lines: tuple[OrderedLine, ...]
    released: tuple[str, ...] = ()
    """Lines that had something to do at the level before and have nothing now."""

    @property
    def level_name(self) -> str:
        return LEVEL_NAMES[self.level]

    @property
    def span(self) -> str:
        return f"{moment(self.starts)}起，至预警解除（预计{moment(self.ends)}）"


def moment(value: datetime) -> str:
    """2026年11月20日14时, as notices write it; with minutes where there are any."""
    text = f"{day(value.date())}{value.hour}时"
    return f"{text}{value.minute}分" if value.minute else text


def kilograms(grams: int) -> str:
    """12.3, with the grams rounded to tenths of a kilogram."""
    return format_trimmed(divide_half_up(grams, 100), 1)


def ten_thousand_yuan(fen: int) -> str:
    """万元 with two digits."""
    return format_scaled(divide_half_up(fen, 10_000), 2)


def fill_order(order: PlantOrder) -> dict[str, Any]:
    """What the Word templates of the order and of the notice may use, under the names that a clerk finds in them."""
    return {
        "文号": order.number,
        "单位": order.issuer,
        "地方": order.place,
        "企业": order.name,
        "代码": order.code,
        "县区": order.county,
        "绩效等级": order.grade or "未评级",
        "级别": order.level_name,
        "响应": RESPONSES[order.level],
        "期间": order.span,
        "到位": moment(order.due),
        "确认": f"{order.acknowledge_hours}小时",
        "变化": _say_change(order),
        "解除的线": list(order.released),
        "线": [
            {
                "序": number,
                "名称": each.name,
                "编号": each.line,
                "措施": each.said,
                "负荷": each.load,
                "以何计": each.count_by or "—",
                "凭证": each.shown_by,
                "变化": each.change,
                "减排": "、".join(
                    f"{name} {kilograms(grams)}"
                    for name, grams in zip(("SO₂", "NOₓ", "颗粒物", "VOCs"), each.cut, strict=True)
                    if grams
                )
                or "—",
            }
            for number, each in enumerate(order.lines, 1)
        ],
        "条数": len(order.lines),
        "停产余量": f"{LEFT_AT_STOP * 100}%",
        "限产容差": f"{TOLERANCE * 100}个百分点",
        "联系人": order.contact or order.issuer,
        "电话": order.phone,
        "日期": day(order.sent.date()),
    }


def _say_change(order: PlantOrder) -> str:
    if order.before is None:
        return ""
    return f"本通知替代此前的{LEVEL_NAMES[order.before]}预警通知：有变化的在表中写明，没有写的措施不变。"


def fill_roster(orders: Sequence[PlantOrder], title: str) -> dict[str, Any]:
    """What the template of the city's list may use. ``orders``: at least one."""
    first = orders[0]
    rows = [(order, line) for order in orders for line in order.lines]
    counties: dict[str, list[PlantOrder]] = {}
    for order in orders:
        counties.setdefault(order.county or "未定县区", []).append(order)
    return {
        "标题": title,
        "文号": first.number,
        "单位": first.issuer,
        "级别": first.level_name,
        "响应": RESPONSES[first.level],
        "期间": first.span,
        "户数": len(orders),
        "条数": len(rows),
        "停产": sum(line.part >= WHOLE for _order, line in rows),
        "限产": sum(0 < line.part < WHOLE for _order, line in rows),
        "县区": [
            {
                "名称": name,
                "户数": len(these),
                "条数": sum(len(each.lines) for each in these),
                "减排": "、".join(
                    f"{pollutant} {kilograms(sum(line.cut[at] for each in these for line in each.lines))}"
                    for at, pollutant in enumerate(("SO₂", "NOₓ", "颗粒物", "VOCs"))
                ),
            }
            for name, these in counties.items()
        ],
        "线": [
            {
                "序": number,
                "企业": order.name,
                "县区": order.county,
                "名称": line.name,
                "措施": line.said,
                "负荷": line.load,
            }
            for number, (order, line) in enumerate(rows[:SHOWN], 1)
        ],
        "另有": f"另有{len(rows) - SHOWN}条生产线，见所附表格。" if len(rows) > SHOWN else "",
        "日期": day(first.sent.date()),
    }
