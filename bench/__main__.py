"""``make bench``: every benchmark, ours beside a peer in the same run, medians, as one table; the site and plans as others."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version

from bench import evaluation, intake, interaction, results_xlsx
from bench.casework import deadlines
from bench.casework import measuring as casework
from bench.emergency import measuring as emergency
from bench.monitoring import judging, receiving, watching
from bench.monitoring import measuring as hj212
from bench.site import measuring
from bench.site.row import HEAD

PACKAGES = ("polars", "duckdb", "numpy", "highspy", "pandas", "openfisca-core", "fastexcel", "XlsxWriter")
SITE_PACKAGES = ("Django", "django-ninja", "granian", "psycopg")


def main() -> None:
    """Prints Markdown; names given as arguments choose benchmarks."""
    chosen = {
        "evaluation": evaluation,
        "interaction": interaction,
        "intake": intake,
        "results_xlsx": results_xlsx,
        "deadlines": deadlines,
    }
    tables = {
        "site": (HEAD, measuring),
        "casework": (HEAD, casework),
        "emergency": (emergency.HEAD, emergency),
        "hj212": (hj212.HEAD, hj212),
        "receiving": (receiving.HEAD, receiving),
        "watching": (watching.HEAD, watching),
        "judging": (judging.HEAD, judging),
    }
    wanted = sys.argv[1:] or [*chosen, *tables]
    if "casework" in wanted and "deadlines" not in wanted:
        wanted.insert(0, "deadlines")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; ", end="")
    print(", ".join(f"{package} {version(package)}" for package in (*PACKAGES, *SITE_PACKAGES)))
    if compared := [name for name in wanted if name in chosen]:
        print(
            "\n| job | ours | beside | theirs | ours / theirs | note |\n|---|---|---|---|---|---|", flush=True
        )
        for name in compared:
            for comparison in chosen[name].run():
                print(comparison, flush=True)
    for name in (each for each in wanted if each in tables):
        head, measured = tables[name]
        print(f"\n{head}", flush=True)
        for row in measured.run():
            print(row, flush=True)


if __name__ == "__main__":
    main()
