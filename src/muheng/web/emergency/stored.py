"""Stored lists as a page needs them: read once by a process, and looked up by enterprise and line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

from muheng.emergency.inventory.keeping import from_folder, to_folder
from muheng.emergency.inventory.model import Filed, Firm, Inventory, Line, Offer, Transport
from muheng.web.files.actions import folder_path, store_folder

_KEPT = 4
"""Lists that a process keeps: the one in force, the one before it, drafts."""


@dataclass(frozen=True)
class Listing:
    """A list with its rows by enterprise and line."""

    inventory: Inventory
    firms: Mapping[str, Firm]
    lines: Mapping[str, Line]
    lines_of: Mapping[str, tuple[Line, ...]]
    offers_of: Mapping[str, tuple[Offer, ...]]
    filed_of: Mapping[str, tuple[Filed, ...]]
    transport_of: Mapping[str, Transport]


def store_list(inventory: Inventory) -> str:
    """Keeps a list; gives the digest that it is found by."""
    return store_folder(lambda folder: to_folder(inventory, folder))


@lru_cache(maxsize=_KEPT)
def read_list(digest: str) -> Listing:
    """The list of a digest."""
    return look_up(from_folder(folder_path(digest)))


def look_up(inventory: Inventory) -> Listing:
    """A list's rows by what they belong to."""
    return Listing(
        inventory,
        {firm.code: firm for firm in inventory.firms},
        {line.id: line for line in inventory.lines},
        _grouped((line.firm, line) for line in inventory.lines),
        _by_line(inventory.offers),
        _by_line(inventory.filed),
        {each.firm: each for each in inventory.transport},
    )


class _OfLine(Protocol):
    @property
    def line(self) -> str: ...


R = TypeVar("R", bound=_OfLine)
T = TypeVar("T")


def _by_line(rows: Iterable[R]) -> dict[str, tuple[R, ...]]:
    return _grouped((row.line, row) for row in rows)


def _grouped(rows: Iterable[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for key, row in rows:
        found[key].append(row)
    return {key: tuple(each) for key, each in found.items()}
