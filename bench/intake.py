"""Intake of a 100,000 × 40 workbook (5 text columns, 35 of numbers), checks and source cells included.

The peer is fastexcel's bare read of the same file into Polars, which checks nothing and keeps no source.
Each run is a process of its own, so that peak memory is its own; times do not count starting Python.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import xlsxwriter
from stdnum.cn.uscc import calc_check_digit

from bench.comparison import Comparison

ROWS = 100_000
NUMBERS = 35
RUNS = 3

_PEER = """
import fastexcel
frame = fastexcel.read_excel(path).load_sheet(0).to_polars()
"""

_OURS = """
from pathlib import Path
from muheng.intake.layout import Column, Layout, Sheet
from muheng.intake.workbooks import read_workbooks
columns = {
    "统一社会信用代码": Column(type="信用代码", required=True),
    "企业名称": Column(type="名称", required=True),
    "规模": Column(type="文本", item="规模", values={"规上": (), "规下": ()}),
    "乡镇": Column(type="文本", item="乡镇"),
    "行业代码": Column(type="文本", item="行业代码"),
}
for number in range(numbers):
    name = f"项目{number}"
    columns[name] = Column(type="数字", unit="万元", digits=2, item=name)
sheet = Sheet(columns=columns, roster=True)
layout = Layout(id="wide", name="宽表", department="测试", sheet={"宽表": sheet})
intake = read_workbooks([Path(path)], [layout], 2024)
assert intake.sheets[0].imported == rows, intake.sheets
assert intake.facts.cells(intake.facts.frame["统一社会信用代码"][7], "项目3")
"""

_MEASURED = """
import json, resource, sys, time
import polars, fastexcel, numpy
import muheng.intake.workbooks
path, rows, numbers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
start = time.perf_counter()
{body}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([seconds, peak]))
"""


def make_workbook(path: Path, rows: int = ROWS, numbers: int = NUMBERS, seed: int = 1) -> None:
    """A synthetic roster with figures; invented codes with right check digits."""
    rng = random.Random(seed)
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("宽表")
    head = ["统一社会信用代码", "企业名称", "规模", "乡镇", "行业代码"]
    sheet.write_row(0, 0, head + [f"项目{number}（万元）" for number in range(numbers)])
    for row in range(1, rows + 1):
        texts = [
            _make_code(row),
            f"虚构第{row}机械有限公司",
            rng.choice(["规上", "规下"]),
            f"某{row % 30}镇",
            f"{rng.randint(13, 43)}11",
        ]
        sheet.write_row(row, 0, texts + [round(rng.lognormvariate(5, 1), 2) for _ in range(numbers)])
    book.close()


def _make_code(number: int) -> str:
    body = f"91340500MA{number:07d}"
    return body + str(calc_check_digit(body))


def run(rows: int = ROWS) -> Iterator[Comparison]:
    """Medians of three runs, ours and the peer's in turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "宽表.xlsx"
        make_workbook(path, rows)
        ours, peer = [], []
        for _ in range(RUNS):
            peer.append(_measure(_PEER, path, rows))
            ours.append(_measure(_OURS, path, rows))
    yield Comparison(
        f"intake {rows:,} × {NUMBERS + 5}",
        median(seconds for seconds, _ in ours),
        "fastexcel's bare read",
        median(seconds for seconds, _ in peer),
        median(peak for _, peak in ours),
    )


def _measure(body: str, path: Path, rows: int) -> tuple[float, float]:
    program = _MEASURED.format(body=body)
    command = [sys.executable, "-c", program, str(path), str(rows), str(NUMBERS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = json.loads(done.stdout)
    return seconds, peak
