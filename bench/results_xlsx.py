"""Writing results.xlsx for 100,000 enterprises, beside XlsxWriter's constant-memory mode with the same cells.

The peer gets every cell as a Python value and every format made; all it does is write them. Ours starts from
the result: figures, cuts, sheets, cells. Peak memory is that of a process that does ours alone.
"""

from __future__ import annotations

import gc
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from bench.comparison import Comparison, time_once
from bench.scenario import make_facts, make_policy
from muheng.intake.facts import Item
from muheng.policy.compile import compile_policy
from muheng.policy.run import Result, evaluate
from muheng.reports.figures import gather_figures
from muheng.reports.rows import Column
from muheng.reports.sheet import Table
from muheng.reports.workbook import lay_out_sheets, write_results

ROWS = 100_000
ROUNDS = 3
TOWNSHIPS = 40


def make_result(rows: int) -> Result:
    """The evaluation benchmark's job, with a township for each enterprise."""
    facts = make_facts(rows)
    township = pl.Series("乡镇", [f"第{index % TOWNSHIPS + 1}镇" for index in range(rows)])
    items = {**facts.items, "乡镇": Item("乡镇", "text")}
    plan = compile_policy(make_policy(), "bench.toml").plan
    assert plan is not None
    return evaluate(plan, replace(facts, items=items, frame=facts.frame.with_columns(township)))


Sheets = list[tuple[str, list[tuple[list[str], list[bool], list[tuple[Any, ...]]]]]]


def cells(table: Table) -> list[tuple[Any, ...]]:
    """The table's rows: text, number or None."""

    def values(column: Column) -> list[Any]:
        if column.is_text or not column.digits:
            return column.values.to_list()
        quotients = pl.Series(column.values.fill_null(0).to_numpy() / 10.0**column.digits)
        return quotients.set(column.values.is_null(), None).to_list()

    return list(zip(*map(values, table.columns), strict=True))


def peer_cells(result: Result) -> Sheets:
    """The same sheets as Python values: name, then header, which columns are text, and rows of each table."""
    sheets = lay_out_sheets(result, [], gather_figures(result, []))
    return [
        (
            sheet.name,
            [
                (
                    [column.title for column in table.columns],
                    [column.is_text for column in table.columns],
                    cells(table),
                )
                for table in sheet.tables
            ],
        )
        for sheet in sheets
    ]


def write_peer(sheets: Sheets, path: Path) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        number = book.add_format({"num_format": "#,##0.0000"})
        text = book.add_format({"num_format": "@"})
        for name, tables in sheets:
            page = book.add_worksheet(name)
            for index, is_text in enumerate(tables[0][1]):
                page.set_column(index, index, 12, text if is_text else number)
            row = 0
            for header, texts, rows in tables:
                for index, title in enumerate(header):
                    page.write_string(row, index, title)
                writers = [page.write_string if is_text else page.write_number for is_text in texts]
                for values in rows:
                    row += 1
                    for index, value in enumerate(values):
                        if value is not None:
                            writers[index](row, index, value)
                row += 2


def timed(action: Callable[[], None]) -> float:
    gc.collect()
    return time_once(action)


def run(rows: int = ROWS, rounds: int = ROUNDS) -> Iterator[Comparison]:
    """Medians of rounds that take turns."""
    result = make_result(rows)
    sheets = peer_cells(result)
    many = sum(len(header) * len(lines) for _, tables in sheets for header, _, lines in tables)
    ours: list[float] = []
    peer: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            ours.append(timed(lambda: write_results(result, [], Path(folder) / "ours.xlsx")))
            peer.append(timed(lambda: write_peer(sheets, Path(folder) / "peer.xlsx")))
    child = subprocess.run(
        [sys.executable, "-m", "bench.results_xlsx", str(rows)],
        check=True,
        capture_output=True,
        text=True,
    )
    yield Comparison(
        f"results.xlsx, {rows:,} enterprises, {many:,} cells",
        statistics.median(ours),
        "XlsxWriter, constant memory",
        statistics.median(peer),
        float(child.stdout),
    )


def _once(rows: int) -> None:
    """Ours alone, with the evaluation before it; prints the peak of the process, in MB."""
    result = make_result(rows)
    with tempfile.TemporaryDirectory() as folder:
        write_results(result, [], Path(folder) / "ours.xlsx")
    print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1))


if __name__ == "__main__":
    _once(int(sys.argv[1]))
