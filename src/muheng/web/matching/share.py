"""A part of a sum in percent."""

from __future__ import annotations

from muheng.standards.rounding import divide_half_up, format_scaled


def percent(part: int, whole: int) -> str:
    """With one decimal, halves up: 51.2; nothing of nothing."""
    return format_scaled(divide_half_up(part * 1000, whole), 1) if whole else ""
