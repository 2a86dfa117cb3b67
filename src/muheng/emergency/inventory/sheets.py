"""The sheets of the list's workbook: their names, their columns as the layout declares them, what texts mean there.

Reading and writing share it, so that what was written is read again. The declarations themselves are data
(``cities/common/emergency/list.toml``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from muheng.cities.pack import PACKS
from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import Inventory, Level
from muheng.intake.layout import Column, Layout, load_layouts

FIRMS = "企业"
LINES = "生产线"
OFFERS = "可选措施"
FILED = "减排措施"
FILED_BY_LEVEL = "减排措施（分级）"
TRANSPORT = "运输"
BASE = "减排基数"

NOTES = "填表说明"
PLANNED = "拟定措施"
RATIOS = "减排比例"
"""These three the software writes itself; they are not read."""

CODE = "统一社会信用代码"
NAME = "企业名称"
NUMBER = "生产线编号"
POLLUTANTS = ("SO2", "NOx", "颗粒物", "VOCs")
POLLUTANT_NAMES: tuple[Message, ...] = (say("SO2"), say("NOx"), say("颗粒物"), say("VOCs"))
"""For sentences."""
LEVELS: dict[Level, str] = {"yellow": "黄色", "orange": "橙色", "red": "红色"}
"""As the columns 预警级别 and 保障最高级别 say them; with 预警 behind it in headers."""
LEVEL_OF = {name: level for level, name in LEVELS.items()}
NOT_GRADED = "未评级"
SOURCES = ("工业源", "扬尘源", "移动源", "其他源")
"""The usual sources, in the order in which they are listed; others follow by name."""


@cache
def list_layout() -> Layout:
    """The declared sheets of the list."""
    layouts, diagnostics = load_layouts([PACKS / "common" / "emergency" / "list.toml"])
    assert not diagnostics, diagnostics
    return layouts[0]


def written_columns(kind: str) -> dict[str, Column]:
    """The columns that we write: measures have a sheet of their own, though a line's row may also bear them."""
    columns = list_layout().sheet[kind].columns
    if kind != LINES:
        return columns
    return {name: column for name, column in columns.items() if "预警" not in name}


def alert(level: Level) -> str:
    """黄色预警, 橙色预警, 红色预警."""
    return LEVELS[level] + "预警"


def join_names(names: Sequence[Message]) -> Message:
    """甲、乙."""
    text = names[0]
    for name in names[1:]:
        text = say("{one}、{other}", one=text, other=name)
    return text


def source_order(name: str) -> tuple[int, str]:
    """Where a source stands in the base."""
    return (SOURCES.index(name) if name in SOURCES else len(SOURCES), name)


def own_number(line: str, firm: str) -> str:
    """A line's number within its enterprise."""
    return line.removeprefix(f"{firm}-")


def find_place(inventory: Inventory, kind: str, *key: str) -> str:
    """Sheet and cell where a row stands, such as 生产线!A12; empty for a list that came from no workbook."""
    return inventory.places.get((kind, "/".join(key)), "")
