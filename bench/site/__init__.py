"""The site with a city of 100,000, on both databases: pages under load, the slider, an upload, a run, a signature."""  # noqa: A005

from __future__ import annotations

import sys
from pathlib import Path

# The suite's own PostgreSQL and browser serve here too.
sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))
