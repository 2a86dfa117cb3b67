"""The codes of the three standards, as the files in ``data`` list them: what a number or a letter on the wire stands for.

Names are Chinese, as the standards give them. Units are those that HJ 212-2017 prints; some of them (particles in ng/m³)
are not what devices send, so nothing is converted by them here.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

EDITIONS = (2005, 2017, 2025)
Kind = Literal[
    "system", "command", "data_flag", "suffix", "request_result", "execution_result", "device_state"
]


@dataclass(frozen=True)
class Code:
    """``direction``: R request of the host, U upload, N notice; commands only. ``counts``: a flag of good data.

    ``number``: a suffix whose values are figures.
    """

    code: str
    name: str
    editions: tuple[int, ...] = EDITIONS
    direction: str = ""
    counts: bool = False
    number: bool = True


@dataclass(frozen=True)
class Factor:
    """``code`` of 2017 and 2025, ``old_code`` of 2005 (empty where there was none); ``format`` as in ``N5.2``."""

    code: str
    name: str
    old_code: str
    unit: str
    total_unit: str
    format: str


@cache
def codes(kind: Kind) -> Mapping[str, Code]:
    return MappingProxyType(
        {
            row["code"]: Code(**{**row, "editions": tuple(row.get("editions", EDITIONS))})
            for row in _file()[kind]
        }
    )


@cache
def factors() -> Mapping[str, Factor]:
    """By the code of 2017."""
    text = files(__package__).joinpath("data", "factors.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["code"]: Factor(**row) for row in csv.DictReader(text.splitlines())})


@cache
def _by_old_code() -> Mapping[str, Factor]:
    return {factor.old_code: factor for factor in factors().values() if factor.old_code}


def find_factor(code: str) -> Factor | None:
    """By the new code or the old one."""
    return factors().get(code) or _by_old_code().get(code)


def modernise(code: str) -> str:
    """The code of 2017 for one of 2005; any other code as it is."""
    factor = _by_old_code().get(code)
    return code if factor is None else factor.code


def name_system(code: str) -> str | None:
    """What the packet is about (ST): its own name, else that of the range."""
    found = codes("system").get(code)
    if found is not None:
        return found.name
    number = int(code) if code.isascii() and code.isdigit() else -1
    ranges = _file()["system_range"]
    return next((each["name"] for each in ranges if each["first"] <= number <= each["last"]), None)


@cache
def _file() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(files(__package__).joinpath("data", "codes.toml").read_text(encoding="utf-8"))
