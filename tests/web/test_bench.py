"""The benchmark of the site's pages runs, on a small city: the numbers mean nothing here, that there are some does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
from bench.site.pages import measure_pages
from bench.site.stage import stage
with stage("SQLite", 300) as on:
    for row in measure_pages(on, 300, seconds=0.1, users=2):
        print(row, flush=True)
"""
CASES = """
from bench.casework.measuring import MAKER, measure
from bench.site.stage import stage
with stage("SQLite", 1500, MAKER) as on:
    for row in measure(on, seconds=0.1, users=2):
        print(row, flush=True)
"""
CASE_JOBS = [
    "inbox",
    "overdue list",
    "county ranking",
    "figures",
    "case",
    "an enterprise's own cases",
    "mixed: act",
    "mixed: all",
    "memory while mixed",
    "bare Django list page, 50 rows",
]
JOBS = [
    "enterprise list",
    "enterprise page",
    "search as one types",
    "results table",
    "overview of a run",
    "explanation",
    "home page",
    "JSON list, 50 rows",
    "bare Django list page, 50 rows",
    "bare Django JSON, 50 rows",
]


@pytest.mark.parametrize(("program", "jobs"), [(PROGRAM, JOBS), (CASES, CASE_JOBS)], ids=["site", "casework"])
def test_every_page_is_measured(tmp_path: Path, program: str, jobs: list[str]) -> None:
    outside = {
        name: value for name, value in os.environ.items() if not name.startswith(("MUHENG_", "DJANGO_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**outside, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
    # Of the pages mixed, not each need have had its turn in so short a time.
    measured = [row for row in rows if not row[0].startswith("mixed: ") or row[0] in jobs]
    assert [row[0] for row in measured] == jobs
    assert all(row[2].endswith(" ms") for row in rows if row[0] != "memory while mixed")
