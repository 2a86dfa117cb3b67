"""Names and values of a packet: its header, and what stands between ``CP=&&`` and ``&&`` by factor.

Devices send the same names in the same order again and again, so how a sequence of names falls into header and factors is
worked out once (``read_regular``); what is not simply names and values in turn is read item by item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

Factors = dict[str, dict[str, str]]
Read = tuple[dict[str, str], dict[str, str], Factors]
"""Header, items without a factor, factors."""

_CUT = b"CP=&&"
_SEMICOLON = ord(";")
FREE, FREE_BYTES = "//", b"//"
"""Around free text, as device information has it."""
_NO_SEPARATORS = bytes(set(range(256)) - set(b";,="))
_TO_EQUALS = bytes.maketrans(b";,", b"==")
_REGULAR = re.compile(rb"=(?:[;,]=)*")
_LAYOUTS = 2048
"""So many sequences of names are remembered."""
_MOST_SIGNS = 256
"""Of a sequence that is remembered: twice what a packet of usual length holds. Longer ones would fill the memory."""

_Build = Callable[[Sequence[str]], dict[str, str]]


class _Layout(NamedTuple):
    header: tuple[str, ...]
    plain: tuple[tuple[str, int], ...]
    """Name and place of items without a factor."""
    factors: tuple[tuple[str, _Build], ...]
    """Code, and what makes its suffixes' values from all values."""


def read_regular(segment: bytes, cut: int) -> Read | None:
    """An ASCII data segment that ends with ``&&``; ``cut`` is where its ``CP=&&`` stands. None: read it item by item."""
    if (cut and segment[cut - 1] != _SEMICOLON) or FREE_BYTES in segment:
        return None
    before = segment.count(b";", 0, cut)
    text = segment[:-2].replace(_CUT, b"", 1)
    if text.endswith(b";"):
        text = text[:-1]
    shape = text.translate(None, _NO_SEPARATORS)
    if len(shape) > _MOST_SIGNS:
        return None
    tokens = text.translate(_TO_EQUALS).decode("ascii").split("=")
    layout = _find_layout(before, shape, *tokens[::2])
    if layout is None:
        return None
    values = tokens[1::2]
    header, plain, factors = layout
    return (
        dict(zip(header, values)),  # noqa: B905, the header's values come first
        {name: values[place] for name, place in plain},
        {code: build(values) for code, build in factors},
    )


@lru_cache(_LAYOUTS)
def _find_layout(before: int, shape: bytes, *names: str) -> _Layout | None:
    """None where names do not tell: something has no value, comes twice, or a factor is not in one piece."""
    header = names[:before]
    if _REGULAR.fullmatch(shape) is None or b"," in shape[: 2 * before] or len({*header}) < before:
        return None
    if not all(name.strip() for name in names):
        return None
    plain: dict[str, int] = {}
    factors: dict[str, tuple[int, list[str]]] = {}
    last = ""
    for place, name in enumerate(names[before:], before):
        code, suffix = split_name(name)
        if not code:
            if suffix in plain:
                return None
            plain[suffix] = place
        elif code not in factors:
            factors[code] = (place, [suffix])
        elif code == last and suffix not in factors[code][1]:
            factors[code][1].append(suffix)
        else:
            return None
        last = code
    return _Layout(
        header,
        tuple(plain.items()),
        tuple((code, _builder(at, suffixes)) for code, (at, suffixes) in factors.items()),
    )


def _builder(at: int, names: Sequence[str]) -> _Build:
    """Dictionaries written out are three times as fast as those made of pairs; most factors send two or three values."""
    if len(names) == 1:
        (a,) = names
        return lambda values: {a: values[at]}
    if len(names) == 2:
        a, b = names
        second = at + 1
        return lambda values: {a: values[at], b: values[second]}
    if len(names) == 3:
        a, b, c = names
        second, third = at + 1, at + 2
        return lambda values: {a: values[at], b: values[second], c: values[third]}
    end = at + len(names)
    return lambda values: dict(zip(names, values[at:end], strict=True))


# -- item by item ----------------------------------------------------------------------------------------------------


def read_items(text: str) -> tuple[dict[str, str], Factors]:
    """``a21026-Rtd=12.3`` is ``{"a21026": {"Rtd": "12.3"}}``. Where a name comes twice the last value counts."""
    plain: dict[str, str] = {}
    factors: Factors = {}
    for name, value in split_items(text):
        code, suffix = split_name(name)
        if code:
            factors.setdefault(code, {})[suffix] = value
        else:
            plain[suffix] = value
    return plain, factors


def split_name(name: str) -> tuple[str, str]:
    """``a21026-Rtd`` is a21026 and Rtd; what has no factor has an empty code."""
    code, _, suffix = name.strip().rpartition("-")
    return code, suffix


def split_items(text: str) -> Iterator[tuple[str, str]]:
    """Names and values as they stand; free text between ``//`` may hold separators. What has no ``=`` has no value."""
    name, value, loose = "", "", False
    for separator, part in re.findall(r"(^|[;,])([^;,]*)", text):
        if loose:
            value += separator + part
        else:
            if name:
                yield name, value
            name, _, value = part.partition("=")
            name = name.strip()
        loose = bool(name) and is_open(value)
    if name:
        yield name, value


def is_open(value: str) -> bool:
    """Free text that began and has not ended: whatever follows is read as more of it."""
    return value.startswith(FREE) and not (value.endswith(FREE) and len(value) > 3)


def read_header(text: str) -> dict[str, str]:
    """``QN=…;ST=…`` with its keys as sent; what has no ``=`` has an empty value."""
    pairs = (item.partition("=") for item in text.split(";"))
    return {key: value for key, _, value in pairs if key.strip()}
