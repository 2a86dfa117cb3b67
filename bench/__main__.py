"""``make bench``: every benchmark, ours beside a peer in the same run, medians, as one table."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version

from bench import evaluation, intake, interaction, results_xlsx

PACKAGES = ("polars", "duckdb", "numpy", "pandas", "openfisca-core", "fastexcel", "XlsxWriter")


def main() -> None:
    """Prints Markdown; names given as arguments choose benchmarks."""
    chosen = {
        "evaluation": evaluation,
        "interaction": interaction,
        "intake": intake,
        "results_xlsx": results_xlsx,
    }
    wanted = sys.argv[1:] or list(chosen)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; ", end="")
    print(", ".join(f"{package} {version(package)}" for package in PACKAGES))
    print("\n| job | ours | beside | theirs | ours / theirs | note |\n|---|---|---|---|---|---|", flush=True)
    for name in wanted:
        for comparison in chosen[name].run():
            print(comparison, flush=True)


if __name__ == "__main__":
    main()
