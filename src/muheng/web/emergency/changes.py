"""What is other in a list than in the one before it, for the yearly revision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from muheng.emergency.inventory import sheets
from muheng.emergency.inventory.change import Change, compare
from muheng.web.emergency.stored import read_list

ALL, FIRMS, LINES, MEASURES, OTHER = "", "firms", "lines", "measures", "other"
_SHEETS = {
    FIRMS: (sheets.FIRMS,),
    LINES: (sheets.LINES,),
    MEASURES: (sheets.OFFERS, sheets.FILED),
    OTHER: (sheets.TRANSPORT, sheets.BASE),
}


@dataclass(frozen=True)
class Changes:
    """All of them, and how many rows came, went or changed by sheet."""

    rows: tuple[Change, ...]
    counts: Counter[tuple[str, str]]


@lru_cache(maxsize=4)
def find_changes(before: str, after: str) -> Changes:
    """Between the stored lists of two digests."""
    rows = tuple(compare(read_list(before).inventory, read_list(after).inventory))
    return Changes(rows, Counter((row.sheet, row.what) for row in rows))


def show_counts(changes: Changes) -> list[tuple[str, int]]:
    """The numbers that matter."""
    counts = changes.counts
    return [
        (_("家企业新列入"), counts[sheets.FIRMS, "added"]),
        (_("家企业退出"), counts[sheets.FIRMS, "gone"]),
        (_("条生产线新列入"), counts[sheets.LINES, "added"]),
        (_("条生产线退出"), counts[sheets.LINES, "gone"]),
        (_("家企业改了内容"), counts[sheets.FIRMS, "changed"]),
        (_("条生产线改了内容"), counts[sheets.LINES, "changed"]),
    ]


def choose(changes: Changes, part: str) -> Sequence[Change]:
    """Those of one kind of sheet."""
    wanted = _SHEETS.get(part)
    return changes.rows if wanted is None else [row for row in changes.rows if row.sheet in wanted]


def show_change(row: Change) -> dict[str, Any]:
    """For a page."""
    titles = {"added": _("新增"), "gone": _("退出"), "changed": _("修改")}
    return {
        "what": row.what,
        "title": titles[row.what],
        "sheet": row.sheet,
        "name": row.name,
        "fields": row.fields,
    }


def parts() -> list[tuple[str, str]]:
    return [
        (ALL, _("全部")),
        (FIRMS, _("企业")),
        (LINES, _("生产线")),
        (MEASURES, _("措施")),
        (OTHER, _("运输和基数")),
    ]
