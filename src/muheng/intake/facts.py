"""The checked facts of one year: what is known of each enterprise, and the cell that each figure came from.

Facts are values. This module holds, finds, writes and reads them; it checks nothing and adds nothing up.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import IO, Literal

import polars as pl

from muheng.intake.address import column_letters
from muheng.standards.rounding import format_scaled

CODE = "统一社会信用代码"
NAME = "企业名称"
ROW = "行"

ItemKind = Literal["number", "text", "date", "tags"]


@dataclass(frozen=True)
class Item:
    """One named figure of an enterprise.

    A number has a unit and `digits`: its column holds value × 10**digits as Int64. `basis` (当量值 / 等价值)
    is only for standard coal. Tags are text such as `高新技术企业|专精特新:省级`.
    """

    name: str
    kind: ItemKind
    unit: str | None = None
    digits: int | None = None
    basis: str | None = None

    @property
    def dtype(self) -> pl.DataType:
        """The type of the item's column."""
        if self.kind == "number":
            return pl.Int64()
        return pl.Date() if self.kind == "date" else pl.String()


@dataclass(frozen=True)
class SourceCell:
    """Where one figure stands in a department's file, and what it says there."""

    file: str
    sheet: str
    cell: str
    value: str


@dataclass(frozen=True)
class SourceTable:
    """One sheet as read, before anything is added up.

    `frame` has 统一社会信用代码 (the enterprise that the row was matched to; null where it was not), 行
    (1-based row of the sheet), then one column per item, typed as in `Facts.frame`. A row that concerns
    several enterprises (a shared meter) stands once for each. `columns` gives the column letters of each item
    in the sheet; `parts` names, for an item that is the sum of others, those others, which have its digits.
    """

    file: str
    sheet: str
    department: str
    layout: str
    sha256: str
    columns: dict[str, str]
    frame: pl.DataFrame
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def rows_of(self) -> Mapping[str, list[int]]:
        """Positions in `frame` by credit code, made once."""
        rows: dict[str, list[int]] = {}
        for at, code in enumerate(self.frame.get_column(CODE).to_list()):
            if code is not None:
                rows.setdefault(code, []).append(at)
        return rows


@dataclass(frozen=True)
class Facts:
    """What is known of every enterprise of the roster for one year.

    `frame` has one row per enterprise, sorted by 统一社会信用代码 (unique), 企业名称, then one column per
    item: number → Int64 scaled by the item's digits, text and tags → String, date → Date. Null means not
    provided.
    """

    year: int
    items: dict[str, Item]
    frame: pl.DataFrame
    sources: tuple[SourceTable, ...] = ()

    def cells(self, code: str, item: str) -> list[SourceCell]:
        """The cells that an enterprise's figure came from, in the order of files, sheets and rows.

        Empty when the item was not provided. The cells of a sum are those of its parts.
        """
        found: list[SourceCell] = []
        for table in self.sources:
            for name in table.parts.get(item, (item,)):
                letters = table.columns.get(name)
                if letters is None:
                    continue
                column = table.frame.get_column(name)
                rows = table.frame.get_column(ROW)
                for at in table.rows_of.get(code, ()):
                    if column[at] is not None:
                        text = show(column[at], self.items[item])
                        found.append(SourceCell(table.file, table.sheet, f"{letters}{rows[at]}", text))
        return found


def keep_enterprises(facts: Facts, codes: Collection[str]) -> Facts:
    """The facts of those enterprises, and nobody else's cells."""
    inside = pl.col(CODE).is_in(pl.Series(list(codes), dtype=pl.String).implode())
    sources = tuple(replace(table, frame=table.frame.filter(inside)) for table in facts.sources)
    return replace(facts, frame=facts.frame.filter(inside), sources=sources)


def show(value: int | str | date, item: Item) -> str:
    """A stored value as plain text: a number with its item's digits, a date in ISO form."""
    if isinstance(value, int):
        return format_scaled(value, item.digits or 0)
    return value.isoformat() if isinstance(value, date) else value


def write_facts(facts: Facts, folder: Path) -> None:
    """Write `facts.json`, `facts.parquet` and `source-000.parquet` …; the same facts give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {
        "year": facts.year,
        "items": [asdict(item) for item in facts.items.values()],
        "sources": [
            {
                "file": table.file,
                "sheet": table.sheet,
                "department": table.department,
                "layout": table.layout,
                "sha256": table.sha256,
                "columns": table.columns,
                "parts": table.parts,
            }
            for table in facts.sources
        ],
    }
    text = json.dumps(head, ensure_ascii=False, indent=1)
    (folder / "facts.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    write_frame(facts.frame, folder / "facts.parquet")
    for number, table in enumerate(facts.sources):
        write_frame(table.frame, folder / f"source-{number:03d}.parquet")


def read_facts(folder: Path) -> Facts:
    """Read what `write_facts` wrote.

    Raises OSError, ValueError, KeyError or TypeError when the folder holds something else.
    """
    head = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    sources = tuple(
        SourceTable(
            **{**table, "parts": {name: tuple(of) for name, of in table["parts"].items()}},
            frame=_read_frame(folder / f"source-{number:03d}.parquet"),
        )
        for number, table in enumerate(head["sources"])
    )
    items = {item["name"]: Item(**item) for item in head["items"]}
    return Facts(head["year"], items, _read_frame(folder / "facts.parquet"), sources)


def facts_from_table(
    frame: pl.DataFrame, items: Mapping[str, Item], year: int, *, file: str = "表", sheet: str = "表"
) -> Facts:
    """Facts from a table typed as `Facts.frame` is: 统一社会信用代码, 企业名称 and a column per item.

    Every figure's source is its row (the first is row 2, below a header) and column in that table.
    Raises ValueError when codes are null or repeated, or a column has another type than its item.
    """
    codes = frame.get_column(CODE)
    if codes.null_count() or codes.n_unique() != frame.height:
        raise ValueError(f"{CODE} must be present and unique")
    for name, item in items.items():
        if name in frame.columns and frame.schema[name] not in (item.dtype, pl.Null()):
            raise ValueError(f"column {name} is {frame.schema[name]}, its item needs {item.dtype}")
    given = [name for name in items if name in frame.columns]
    typed = frame.with_columns(
        [pl.col(name).cast(items[name].dtype) for name in given]
        + [pl.lit(None, items[name].dtype).alias(name) for name in items if name not in frame.columns]
    )
    if NAME not in typed.columns:
        typed = typed.with_columns(pl.lit(None, pl.String).alias(NAME))
    letters = {name: column_letters(frame.columns.index(name)) for name in given}
    rows = pl.int_range(2, frame.height + 2, dtype=pl.UInt32, eager=True).alias(ROW)
    source = SourceTable(
        file, sheet, "", "", "", letters, typed.select(pl.col(CODE), rows, *[pl.col(name) for name in given])
    )
    return Facts(year, dict(items), typed.select(CODE, NAME, *items).sort(CODE), (source,))


def facts_from_decimals(
    frame: pl.DataFrame, items: Mapping[str, Item], year: int, *, file: str, sheet: str
) -> Facts:
    """As `facts_from_table`, of a table whose numbers are exact decimals in their items' units."""
    columns = [pl.col(CODE), pl.col(NAME)]
    for name, item in items.items():
        if name in frame.columns:
            given = pl.col(name) * 10 ** (item.digits or 0) if item.kind == "number" else pl.col(name)
            columns.append(given.cast(item.dtype).alias(name))
    return facts_from_table(frame.select(columns), items, year, file=file, sheet=sheet)


def write_frame(frame: pl.DataFrame, target: Path | IO[bytes]) -> None:
    """Write a frame as parquet; the same values and types give the same bytes under one version of Polars."""
    # One chunk, fixed compression and group size: the bytes depend on the values alone.
    frame.rechunk().write_parquet(
        target, compression="zstd", compression_level=3, statistics=False, row_group_size=131_072
    )


def _read_frame(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path, use_pyarrow=False)
