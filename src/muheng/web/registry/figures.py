"""One enterprise's yearly figures out of the panels, and how it stands among its industry.

Reads stored facts; computes ratios for reading, never a score.
"""

from __future__ import annotations

from muheng.intake.facts import CODE, Facts
from muheng.web.registry.panels import current, list_years


def position(facts: Facts, code: str) -> int | None:
    """The row of an enterprise; codes are sorted, so it is found by halving."""
    codes = facts.frame.get_column(CODE)
    at = int(codes.search_sorted(code))
    return at if at < len(codes) and codes[at] == code else None


def years_of(code: str) -> list[int]:
    """The years that have figures of this code, the newest first."""
    found = []
    for year in list_years():
        facts = current(year)
        if facts is not None and position(facts, code) is not None:
            found.append(year)
    return found
