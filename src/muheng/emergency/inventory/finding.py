"""Something to look at in the list: about which enterprise or line, what, and what to do. Finds nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import Firm, Inventory, Line
from muheng.emergency.inventory.sheets import find_place
from muheng.standards.rounding import format_trimmed

Severity = Literal["error", "warning", "note"]
"""error: it cannot be so; warning: somebody has to look; note: good to know."""
Kind = Literal[
    "amounts",
    "twice",
    "permit",
    "monitoring",
    "measures",
    "evidence",
    "grade",
    "guarantee",
    "transport",
    "base",
    "ratio",
]

KIND_NAMES: dict[Kind, Message] = {
    "amounts": say("排放量核算"),
    "twice": say("重复计算"),
    "permit": say("许可排放量"),
    "monitoring": say("监测数据"),
    "measures": say("减排措施"),
    "evidence": say("可核查"),
    "grade": say("绩效等级"),
    "guarantee": say("保障"),
    "transport": say("运输"),
    "base": say("减排基数"),
    "ratio": say("减排比例"),
}


@dataclass(frozen=True)
class Finding:
    """``firm`` and ``line`` are their ids, None where the whole list is meant; ``place`` such as 生产线!A12."""

    severity: Severity
    kind: Kind
    firm: str | None
    line: str | None
    what: Message
    fix: Message | None = None
    place: str = ""


def about_line(
    inventory: Inventory,
    line: Line,
    severity: Severity,
    kind: Kind,
    what: Message,
    fix: Message | None = None,
) -> Finding:
    """A finding at a line."""
    return Finding(severity, kind, line.firm, line.id, what, fix, find_place(inventory, "line", line.id))


def about_firm(
    inventory: Inventory,
    firm: Firm,
    severity: Severity,
    kind: Kind,
    what: Message,
    fix: Message | None = None,
) -> Finding:
    """A finding at an enterprise."""
    return Finding(severity, kind, firm.code, None, what, fix, find_place(inventory, "firm", firm.code))


def kilograms(grams: int) -> str:
    """12.5 for 12500 g."""
    return format_trimmed(grams, 3)


def tonnes(grams: int) -> str:
    """1.25 for 1250000 g."""
    return format_trimmed(grams, 6)


def percent(part: int) -> str:
    """30 for 300 thousandths."""
    return format_trimmed(part, 1)
