"""A reference page in Chinese, made from the models of a document: every key, what it may be, and an example.

The sentences are the fields' own descriptions; this module only lays them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from muheng.documents.schema import (
    BOOLEAN,
    DATE,
    INTEGER,
    LIST,
    NUMBER,
    TABLE,
    TEXT,
    TIME,
    fields_of,
    flatten,
    show,
)

_WORDS = {
    str: TEXT,
    int: INTEGER,
    Decimal: NUMBER,
    float: NUMBER,
    bool: BOOLEAN,
    date: DATE,
    datetime: TIME,
    time: TIME,
}


@dataclass
class _Section:
    """A model and the places in the document where it stands, `[table]` or `[[repeated]]`."""

    model: type[BaseModel]
    places: list[str] = field(default_factory=list)


def reference_markdown(model: type[BaseModel], title: str, introduction: str = "") -> str:
    """One Markdown page: the top level first, then each table after the one that first mentions it."""
    sections = _collect(model)
    parts = [f"# {title}"]
    if introduction:
        parts.append(introduction.strip())
    parts += [_section(section, sections) for section in sections.values()]
    return "\n\n".join(parts) + "\n"


def _collect(model: type[BaseModel]) -> dict[type[BaseModel], _Section]:
    sections: dict[type[BaseModel], _Section] = {}

    def visit(here: type[BaseModel], path: tuple[str, ...]) -> None:
        for key, info in fields_of(here).items():
            for child, names, repeated in _tables([info.annotation]):
                place = (*path, key, *names)
                shown = f"[[{'.'.join(place)}]]" if repeated else f"[{'.'.join(place)}]"
                known = child in sections
                sections.setdefault(child, _Section(child)).places.append(shown)
                if not known:
                    visit(child, place)

    sections[model] = _Section(model)
    visit(model, ())
    return sections


def _tables(types: list[Any]) -> list[tuple[type[BaseModel], tuple[str, ...], bool]]:
    """Models inside a type, with the placeholders of names between, and whether they stand in a list."""
    found: list[tuple[type[BaseModel], tuple[str, ...], bool]] = []
    for branch in flatten(types):
        origin, arguments = get_origin(branch), get_args(branch)
        if isinstance(branch, type) and issubclass(branch, BaseModel):
            found.append((branch, (), False))
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            found += [(m, ("〈名称〉", *suffix), repeated) for m, suffix, repeated in _tables([arguments[1]])]
        elif origin in (list, tuple):
            elements = [argument for argument in arguments if argument is not Ellipsis]
            found += [(m, suffix, True) for m, suffix, _ in _tables(elements)]
    return found


def _section(section: _Section, sections: Mapping[type[BaseModel], _Section]) -> str:
    heading = f"`{section.places[0]}`" if section.places else "文件的各部分"
    lines = [f'<a id="{_anchor(section.model)}"></a>', f"## {heading}", ""]
    if section.places[1:]:
        others = "、".join(f"`{place}`" for place in section.places[1:])
        lines += [f"同样的写法也用于 {others}。", ""]
    lines += ["| 键 | 类型 | 必填或默认 | 说明 | 例子 |", "|---|---|---|---|---|"]
    for key, info in fields_of(section.model).items():
        cells = [f"`{key}`", _kind(info, sections), _default(info), info.description or "", _example(info)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _kind(info: FieldInfo, sections: Mapping[type[BaseModel], _Section]) -> str:
    kind = _type_words(info.annotation, sections)
    limits = "，".join(
        f"{sign} {getattr(constraint, name)}"
        for constraint in info.metadata
        for name, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))
        if getattr(constraint, name, None) is not None
    )
    return f"{kind}（{limits}）" if limits else kind


def _type_words(annotation: Any, sections: Mapping[type[BaseModel], _Section]) -> str:
    words = [_one_type(branch, sections) for branch in flatten([annotation]) if branch is not type(None)]
    return "或".join(dict.fromkeys(words))


def _one_type(branch: Any, sections: Mapping[type[BaseModel], _Section]) -> str:
    origin, arguments = get_origin(branch), get_args(branch)
    if origin is Literal:
        return "、".join(f"`{show(choice)}`" for choice in arguments)
    if isinstance(branch, type) and issubclass(branch, BaseModel):
        place = sections[branch].places[0]
        return f"{TABLE}（见 [`{place}`](#{_anchor(branch)})）"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"{TABLE}：名称 = {_type_words(arguments[1], sections)}"
    if origin is tuple and Ellipsis not in arguments:
        return f"{LIST} [{', '.join(_type_words(argument, sections) for argument in arguments)}]"
    if origin in (list, tuple, set, frozenset):
        return f"{_type_words(arguments[0], sections)}的{LIST}"
    return str(_WORDS[branch]) if branch in _WORDS else str(getattr(branch, "__name__", branch))


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "必填"
    default = info.get_default(call_default_factory=True, validated_data={})
    if default is None or default in ((), [], {}) or isinstance(default, BaseModel):
        return "可不写"
    return f"默认 `{show(default)}`"


def _example(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    example = extra.get("example") if isinstance(extra, dict) else None
    if not isinstance(example, str):
        return ""
    return "<br>".join(f"`{line}`" for line in example.strip().splitlines())


def _anchor(model: type[BaseModel]) -> str:
    return model.__name__.lower()
