"""The benchmark of the site's pages runs, on a small city: the numbers mean nothing here, that there are some does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
from bench.site.pages import measure_pages
from bench.site.stage import stage
with stage("SQLite", 300) as on:
    for row in measure_pages(on, 300, seconds=0.1, users=2):
        print(row, flush=True)
"""
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


def test_every_page_is_measured(tmp_path: Path) -> None:
    outside = {
        name: value for name, value in os.environ.items() if not name.startswith(("MUHENG_", "DJANGO_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**outside, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == JOBS
    assert all(row[2].endswith(" ms") for row in rows)
