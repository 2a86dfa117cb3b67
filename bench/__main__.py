"""``make bench``: every benchmark, ours beside a peer in the same run, medians, as one table; the site as another."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version

from bench import evaluation, intake, interaction, results_xlsx
from bench.site import measuring
from bench.site.row import HEAD

PACKAGES = ("polars", "duckdb", "numpy", "pandas", "openfisca-core", "fastexcel", "XlsxWriter")
SITE_PACKAGES = ("Django", "django-ninja", "granian", "psycopg")


def main() -> None:
    """Prints Markdown; names given as arguments choose benchmarks."""
    chosen = {
        "evaluation": evaluation,
        "interaction": interaction,
        "intake": intake,
        "results_xlsx": results_xlsx,
    }
    wanted = sys.argv[1:] or [*chosen, "site"]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; ", end="")
    print(", ".join(f"{package} {version(package)}" for package in (*PACKAGES, *SITE_PACKAGES)))
    if compared := [name for name in wanted if name != "site"]:
        print(
            "\n| job | ours | beside | theirs | ours / theirs | note |\n|---|---|---|---|---|---|", flush=True
        )
        for name in compared:
            for comparison in chosen[name].run():
                print(comparison, flush=True)
    if "site" in wanted:
        print(f"\n{HEAD}", flush=True)
        for row in measuring.run():
            print(row, flush=True)


if __name__ == "__main__":
    main()
