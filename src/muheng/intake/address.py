"""Where a cell stands, as Excel writes it: letters for the column, a number for the row. Knows no sheet."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"([A-Z]+)([0-9]+)")


def column_letters(index: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: bytes | str) -> int:
    """A → 1, Z → 26, AA → 27."""
    number = 0
    for letter in letters.encode() if isinstance(letters, str) else letters:
        number = number * 26 + letter - 64
    return number


def split_address(address: str) -> tuple[str, int]:
    """F17 → F and 17. Raises ValueError for what is no address."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(address)
    return found.group(1), int(found.group(2))
