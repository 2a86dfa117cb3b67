"""Synthetic cities to show and test with: departments' workbooks as they really arrive, and the truth.

Nothing here comes from a real enterprise. What differs between cities is in each pack's `demo/*.toml`.
"""

from muheng.cities.demo.city import DemoCity, make_demo, write_demo
from muheng.cities.demo.large import LARGE_LAYOUT, LargeCity, make_large, write_upload
from muheng.cities.demo.monthly import MONTHLY_UNITS
from muheng.cities.demo.parameters import read_parameters
from muheng.cities.demo.registry import DemoRegistry, make_registry
from muheng.cities.demo.sheets import Defect

__all__ = [
    "LARGE_LAYOUT",
    "MONTHLY_UNITS",
    "Defect",
    "DemoCity",
    "DemoRegistry",
    "LargeCity",
    "make_demo",
    "make_large",
    "make_registry",
    "read_parameters",
    "write_demo",
    "write_upload",
]
