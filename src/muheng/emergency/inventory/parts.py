"""Percentages as clerks and Excel write them, to thousandths: 30, 30% and a cell that shows 30% and holds 0.3."""

from __future__ import annotations

from collections import Counter

from muheng.documents.message import say
from muheng.emergency.inventory.row import Notes, Row
from muheng.standards.rounding import divide_half_up

WHOLE = 1000


def read_parts(rows: list[Row], column: str, notes: Notes) -> list[int | None]:
    """Thousandths of a column of percentages.

    A cell that Excel shows as 50% holds 0.5. Where no figure of a sheet passes 1, all are read so; where some
    do, those that do not are asked about. A typed per cent sign leaves no doubt.
    """
    signed = [row.text(column).rstrip().endswith(("%", "％")) for row in rows]
    most: Counter[int] = Counter()
    for row, sign in zip(rows, signed, strict=True):
        if not sign and row.get(column):
            most[id(row.sheet)] = max(most[id(row.sheet)], row.get(column))
    told: Counter[int] = Counter()
    parts: list[int | None] = []
    for row, sign in zip(rows, signed, strict=True):
        value: int | None = row.get(column)
        shares = most[id(row.sheet)] <= WHOLE
        if value is None:
            parts.append(None)
        elif sign or not shares or value == 0:
            if not sign and 0 < value <= WHOLE:
                notes.add(
                    "error",
                    say(
                        "“{found}”是 {share}% 还是 {percent}%，分不清：同一列别处写的是百分数。",
                        found=row.text(column),
                        share=f"{value / 10:g}",
                        percent=f"{value / 1000:g}",
                    ),
                    say("请统一写成百分数，例如 50。"),
                    at=row,
                    column=column,
                )
            parts.append(_thousandths(row, column, value, 100, notes))
        else:
            if not told[id(row.sheet)]:
                notes.add(
                    "warning",
                    say(
                        "“{column}”都不大于 1，按小数读：{found} 即 {percent}%。",
                        column=column,
                        found=row.text(column),
                        percent=f"{value / 10:g}",
                    ),
                    say("如果本来就是百分之几，请改成百分数。"),
                    at=row,
                    column=column,
                )
            told[id(row.sheet)] += 1
            parts.append(_thousandths(row, column, value, 1, notes))
    return parts


def _thousandths(row: Row, column: str, value: int, per: int, notes: Notes) -> int | None:
    if not 0 <= value <= WHOLE * per:
        notes.add(
            "error",
            say("“{column}”应在 0 到 100% 之间，写的是 {found}。", column=column, found=row.text(column)),
            say("请核对数值。"),
            at=row,
            column=column,
        )
        return None
    part = divide_half_up(value, per)
    if part * per != value:
        notes.add(
            "warning",
            say(
                "“{found}”精确到千分之一，按 {percent}% 计。",
                found=row.text(column),
                percent=f"{part / 10:g}",
            ),
            at=row,
            column=column,
        )
    return part
