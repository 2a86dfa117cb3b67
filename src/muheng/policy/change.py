"""Changes to a policy file as data: one changed place, the differences of two files, a file with a change made.

A place is written as people read it: ``class.规上.indicator[亩均税收].weight``. Elements of a list of tables are
known by their name. Wording (titles, sources, clauses) is not a change of meaning and is left to the compiler's
fingerprint.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from muheng.documents.message import Refusal, say
from muheng.documents.spelling import nearest
from muheng.documents.toml_file import TomlFile, read_toml

Place = tuple[str, ...]
ABSENT: Any = object()

_STEP = re.compile(r"""\s*(?:\[(?P<name>[^\]]+)\]|\.?(?:"(?P<quoted>[^"]+)"|(?P<key>[^.\[\]"]+)))""")


@dataclass(frozen=True)
class Change:
    """``after`` instead of ``before`` at a place; ABSENT where there was or will be nothing."""

    place: Place
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{show_place(self.place)}：{show_value(self.before)} → {show_value(self.after)}"


class PlaceError(Refusal):
    """The path leads nowhere in this policy file."""


def read_change(file: TomlFile, assignment: str) -> Change:
    """``PATH=VALUE`` as a change to the file. VALUE as TOML; a bare word is text. Raises :class:`PlaceError`."""
    path, equals, text = assignment.partition("=")
    if not equals:
        raise PlaceError(
            say("“{text}”应写作 路径=值。", text=assignment),
            say("如 class.规上.indicator[亩均税收].weight=45"),
        )
    place = read_place(path.strip())
    if not place:
        raise PlaceError(
            say("“{text}”应写作 路径=值。", text=assignment),
            say("如 class.规上.indicator[亩均税收].weight=45"),
        )
    before = _get(file.data, place)
    if before is ABSENT:
        # A key that the file leaves out may be set; anything further off has to be there.
        missing = next(
            depth for depth in range(1, len(place) + 1) if _get(file.data, place[:depth]) is ABSENT
        )
        parent = _get(file.data, place[: missing - 1])
        if missing < len(place) or missing == 1 or not isinstance(parent, dict):
            known = _names(parent)
            close = nearest(place[missing - 1], known)
            names = "、".join(known[:12])
            fix = say("是否指“{name}”？", name=close) if close else say("可用：{names}。", names=names)
            raise PlaceError(say("规则中没有“{path}”。", path=show_place(place[:missing])), fix)
    return Change(place, before, _read_value(text.strip()))


def read_place(path: str) -> Place:
    """``class.规上.indicator[亩均税收].weight`` as its steps. Raises :class:`PlaceError`."""
    steps: list[str] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or match.end() == position:
            raise PlaceError(
                say("路径“{path}”写法不对。", path=path), say("如 class.规上.indicator[亩均税收].weight")
            )
        steps.append((match.group("name") or match.group("quoted") or match.group("key")).strip())
        position = match.end()
    return tuple(steps)


def _read_value(text: str) -> Any:
    """As a policy file would have it, Chinese keys without quotes included."""
    file, _ = read_toml(f"value = {text}", "value")
    return text if file is None else file.data["value"]


def make_change(file: TomlFile, change: Change) -> TomlFile:
    """The file with the change made in its data; its text and lines stay those of the original."""
    data = copy.deepcopy(file.data)
    parent = _get(data, change.place[:-1])
    key = change.place[-1]
    if isinstance(parent, list):
        index = _index(parent, key)
        if change.after is ABSENT:
            if index is not None:
                del parent[index]
        elif index is None:
            parent.append(copy.deepcopy(change.after))
        else:
            parent[index] = copy.deepcopy(change.after)
    elif isinstance(parent, dict):
        if change.after is ABSENT:
            parent.pop(key, None)
        else:
            parent[key] = copy.deepcopy(change.after)
    else:
        raise PlaceError(say("规则中没有“{path}”。", path=show_place(change.place)))
    return replace(file, data=data)


@lru_cache(maxsize=16)
def read_data(text: str, name: str) -> TomlFile:
    """A policy text that is known to be readable. It is read once, as a slider asks for it at every movement: what is
    given is everybody's, to be copied by who would change it."""
    file, diagnostics = read_toml(text, name)
    assert file is not None, diagnostics
    return file


def differences(before: TomlFile, after: TomlFile) -> list[Change]:
    """What stands differently in the second file, in its order; removals last."""
    return list(_differences((), before.data, after.data))


def _differences(place: Place, before: Any, after: Any) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict) and not _order_changed(place, before, after):
        for key in after:
            yield from _differences((*place, key), before.get(key, ABSENT), after[key])
        for key in before:
            if key not in after:
                yield Change((*place, key), before[key], ABSENT)
    elif _named(before) and _named(after) and _renamed(before, after):
        for old, new in zip(before, after, strict=True):
            if old["name"] == new["name"]:
                yield from _differences((*place, old["name"]), old, new)
            else:
                yield Change((*place, old["name"]), old, new)
    elif _named(before) and _named(after) and _same_order(before, after):
        known = {element["name"]: element for element in before}
        for element in after:
            yield from _differences((*place, element["name"]), known.pop(element["name"], ABSENT), element)
        for name, element in known.items():
            yield Change((*place, name), element, ABSENT)
    elif (
        before is ABSENT
        or after is ABSENT
        or before != after
        or (isinstance(before, dict) and list(before) != list(after))
    ):
        yield Change(place, before, after)


def _order_changed(place: Place, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the order of the keys says something else: grades and quotas stand from best to worst, and the
    first class that an enterprise fits is its class."""
    if place[-1:] in (("grade",), ("quota",)):
        return list(before) != list(after)
    if place != ("class",):
        return False
    kept = [key for key in before if key in after]
    return list(after)[: len(kept)] != kept


def _renamed(before: list[Any], after: list[Any]) -> bool:
    """Whether the lists differ in elements that have another name in the same place."""
    old, new = [element["name"] for element in before], [element["name"] for element in after]
    return len(old) == len(new) and all(
        first == second or (first not in new and second not in old)
        for first, second in zip(old, new, strict=True)
    )


def _named(value: Any) -> bool:
    if not isinstance(value, list) or not all(
        isinstance(element, dict) and "name" in element for element in value
    ):
        return False
    names = [element["name"] for element in value]
    return len(set(names)) == len(names)


def _same_order(before: list[Any], after: list[Any]) -> bool:
    """Elements that both lists have stand in the same order: rules act in order."""
    old = [element["name"] for element in before]
    new = [element["name"] for element in after]
    kept = [name for name in old if name in new]
    # A new element in the middle of ordered rules cannot be told from a move.
    return kept == [name for name in new if name in old] and new[: len(kept)] == kept


def _get(data: Any, place: Place) -> Any:
    for step in place:
        if isinstance(data, dict):
            data = data.get(step, ABSENT)
        elif isinstance(data, list):
            index = _index(data, step)
            data = ABSENT if index is None else data[index]
        else:
            return ABSENT
        if data is ABSENT:
            return ABSENT
    return data


def _index(elements: list[Any], key: str) -> int | None:
    for index, element in enumerate(elements):
        if isinstance(element, dict) and element.get("name") == key:
            return index
    if key.isdigit() and 1 <= int(key) <= len(elements):
        return int(key) - 1
    return None


def _names(data: Any) -> list[str]:
    if isinstance(data, dict):
        return list(data)
    if isinstance(data, list):
        return [element["name"] for element in data if isinstance(element, dict) and "name" in element]
    return []


def show_place(place: Place) -> str:
    """class.规上.indicator[亩均税收].weight"""
    shown = ""
    lists = {"indicator", "bonus", "deduction", "exempt", "regrade", "veto", "step"}
    for index, step in enumerate(place):
        if index and place[index - 1] in lists:
            shown += f"[{step}]"
        else:
            shown += f".{step}" if shown else step
    return shown


def show_value(value: Any) -> str:
    """A value of the file as people read it, texts without quotes."""
    if value is ABSENT:
        return "（无）"
    if isinstance(value, dict):
        return "{" + "，".join(f"{key} = {show_value(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + "，".join(show_value(part) for part in value) + "]"
    return str(value)
