"""Check a TOML document against a pydantic model: every error at once, in words for the person who wrote it.

The models themselves belong to the rooms that read the documents. They forbid unknown keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, Refusal, say
from muheng.documents.spelling import nearest
from muheng.documents.toml_file import KeyPath, TomlFile

M = TypeVar("M", bound=BaseModel)


def _refuse_non_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


Number = Annotated[Decimal, BeforeValidator(_refuse_non_number)]
"""An exact number written without quotes. A plain `Decimal` field would also take "30" and true."""


def validate(file: TomlFile, model: type[M]) -> tuple[M | None, list[Diagnostic]]:
    """The document as `model`, or None and one diagnostic for each mistake, in the order of the lines."""
    try:
        return model.model_validate(file.data), []
    except ValidationError as error:
        mistakes = [_place(file, model, details) for details in error.errors(include_url=False)]
    found = [_translate(file, group) for group in _group(mistakes)]
    return None, sorted(found, key=lambda diagnostic: diagnostic.line or 0)


def show(value: object) -> str:
    """A value as it is written in TOML, cut to a length that fits in a sentence."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key} = {show(child)}" for key, child in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(show(child) for child in value) + "]"
    elif isinstance(value, str):
        text = f'"{value}"'
    else:
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"


@dataclass(frozen=True)
class _Mistake:
    kind: str
    path: KeyPath
    found: Any
    context: Mapping[str, Any]
    text: str
    fields: Mapping[str, FieldInfo]
    """Keys that the table holding `path` may have."""
    in_union: bool


def _place(file: TomlFile, model: type[BaseModel], details: Any) -> _Mistake:
    """Follow pydantic's location through the data; parts that are not in the data name union branches."""
    kind: str = details["type"]
    location: tuple[str | int, ...] = details["loc"]
    here: Any = file.data
    types: list[Any] = [model]
    holder: list[Any] = types
    path: KeyPath = ()
    in_union = False
    for position, part in enumerate(location):
        if isinstance(here, dict) and isinstance(part, str) and part in here:
            holder, types, here = types, _child_types(types, part), here[part]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            holder, types, here = types, _child_types(types, None), here[part]
        elif kind == "missing" and position == len(location) - 1:
            holder = types
        else:
            in_union = in_union or part != "[key]"
            types = [t for t in types if _is_branch(t, str(part))] or types
            continue
        path = (*path, part)
    context = details.get("ctx", {})
    refused = context.get("error")
    if isinstance(refused, Refusal):
        path += refused.at
    return _Mistake(kind, path, details["input"], context, details["msg"], _known_fields(holder), in_union)


def _group(mistakes: list[_Mistake]) -> Iterator[list[_Mistake]]:
    """One group per path. Of a union's branches, those that fit the value's shape best speak for it."""
    by_path: dict[KeyPath, list[_Mistake]] = {}
    for mistake in mistakes:
        by_path.setdefault(mistake.path, []).append(mistake)
    for path, group in by_path.items():
        deeper = any(len(other) > len(path) and other[: len(path)] == path for other in by_path)
        if deeper and all(mistake.in_union and mistake.kind in (*_EXPECTED, *_CHOICES) for mistake in group):
            continue
        yield group


# words

TEXT = say("文字")
INTEGER = say("整数")
NUMBER = say("数字")
BOOLEAN = say("true 或 false")
DATE = say("日期")
TIME = say("时间")
LIST = say("列表")
TABLE = say("表")

_CHOICES = ("literal_error", "enum")

_EXPECTED: dict[str, Message] = {
    "string_type": TEXT, "string_sub_type": TEXT,
    "int_type": INTEGER, "int_parsing": INTEGER, "int_from_float": INTEGER,
    "number_type": NUMBER,
    "float_type": NUMBER, "float_parsing": NUMBER, "decimal_type": NUMBER, "decimal_parsing": NUMBER,
    "bool_type": BOOLEAN, "bool_parsing": BOOLEAN,
    "date_type": DATE, "date_parsing": DATE, "date_from_datetime_parsing": DATE,
    "date_from_datetime_inexact": DATE, "datetime_type": TIME, "datetime_parsing": TIME,
    "datetime_from_date_parsing": TIME, "time_type": TIME, "time_parsing": TIME,
    "list_type": LIST, "tuple_type": LIST, "set_type": LIST, "frozen_set_type": LIST,
    "dict_type": TABLE, "model_type": TABLE, "model_attributes_type": TABLE, "mapping_type": TABLE,
}  # fmt: skip


def _translate(file: TomlFile, group: list[_Mistake]) -> Diagnostic:
    what, fix = _words(group)
    return file.error(group[0].path, what, fix)


def _words(group: list[_Mistake]) -> tuple[Message, Message | None]:
    # When all branches of a union refuse, one that understood the value (a refusal, a bound) says more than
    # those that expected another type.
    first = next((mistake for mistake in group if mistake.kind not in (*_EXPECTED, *_CHOICES)), group[0])
    key = str(first.path[-1]) if first.path else ""
    context, found = first.context, show(first.found)
    refused = context.get("error")
    if isinstance(refused, Refusal):
        return refused.what, refused.fix
    if first.kind == "extra_forbidden":
        return _unknown_key(key, first.fields)
    if first.kind == "missing":
        return say("缺少“{key}”。", key=key), _example(key, first.fields)
    if first.kind == "union_tag_invalid" or all(mistake.kind in _CHOICES for mistake in group):
        return _wrong_choice(first)
    if first.kind == "union_tag_not_found":
        tag = str(context["discriminator"]).strip("'")
        return say("缺少“{key}”，不知道是哪一种。", key=tag), None
    if first.kind in (*_EXPECTED, *_CHOICES):
        expected = list(dict.fromkeys(_expected(mistake) for mistake in group))
        what = say("应是{expected}，写的是 {found}。", expected=_either(expected), found=found)
        return what, _type_fix(first) if len(expected) == 1 else None
    if first.kind in _BOUNDS:
        bound = next(context[name] for name in ("gt", "ge", "lt", "le") if name in context)
        relation = _BOUNDS[first.kind]
        return say(
            "应{relation} {bound}，写的是 {found}。", relation=relation, bound=bound, found=found
        ), None
    if first.kind in ("too_short", "string_too_short"):
        if context["min_length"] == 1:
            return say("不能是空的。"), None
        return say("太短：至少 {least} 项（字）。", least=context["min_length"]), None
    if first.kind in ("too_long", "string_too_long"):
        return say("太长：至多 {most} 项（字）。", most=context["max_length"]), None
    if first.kind == "string_pattern_mismatch":
        return say("写法不对：{found}，应符合 {pattern}。", found=found, pattern=context["pattern"]), None
    if isinstance(refused, Exception):
        return say("{found} 不能用：{reason}", found=found, reason=str(refused)), None
    return say("{found} 不符合要求（{reason}）。", found=found, reason=first.text), None


_BOUNDS = {
    "greater_than": say("大于"),
    "greater_than_equal": say("不小于"),
    "less_than": say("小于"),
    "less_than_equal": say("不大于"),
}


def _unknown_key(key: str, known: Mapping[str, FieldInfo]) -> tuple[Message, Message | None]:
    what = say("不认识的名称“{key}”。", key=key)
    if (meant := nearest(key, known)) is not None:
        return what, say("是不是“{meant}”？", meant=meant)
    if known:
        return what, say("这里可以写：{known}。", known="、".join(known))
    return what, None


def _example(key: str, fields: Mapping[str, FieldInfo]) -> Message | None:
    field = fields.get(key)
    if field is None:
        return None
    extra = field.json_schema_extra
    example = extra.get("example") if isinstance(extra, dict) else None
    if isinstance(example, str):
        return say("加上一行，例如：{example}", example=example.strip())
    if field.description:
        return say("加上“{key}”：{description}", key=key, description=field.description)
    return None


def _expected(mistake: _Mistake) -> Message:
    if mistake.kind in _CHOICES:
        return say("“{choices}”", choices="”“".join(_options(mistake)))
    return _EXPECTED[mistake.kind]


def _options(mistake: _Mistake) -> list[str]:
    listed = mistake.context["expected_tags" if mistake.kind == "union_tag_invalid" else "expected"]
    return [choice.strip().strip("'") for choice in str(listed).replace(" or ", ", ").split(", ")]


def _wrong_choice(mistake: _Mistake) -> tuple[Message, Message]:
    options = _options(mistake)
    if mistake.kind == "union_tag_invalid":
        tag = str(mistake.context["discriminator"]).strip("'")
        found = str(mistake.context["tag"])
        what = say("“{key}”没有“{found}”这一种。", key=tag, found=found)
    else:
        found = str(mistake.found)
        what = say("没有 {found} 这个选项。", found=show(mistake.found))
    if (meant := nearest(found, options)) is not None:
        return what, say("是不是“{meant}”？可以写：{choices}。", meant=meant, choices="、".join(options))
    return what, say("可以写：{choices}。", choices="、".join(options))


def _either(expected: Sequence[Message]) -> Message:
    answer = expected[0]
    for another in expected[1:]:
        answer = say("{one}或{other}", one=answer, other=another)
    return answer


def _type_fix(mistake: _Mistake) -> Message | None:
    expected = _EXPECTED[mistake.kind]
    if expected == TEXT and not isinstance(mistake.found, dict | list):
        return say('加上英文引号："{found}"', found=mistake.found)
    if expected == LIST:
        return say("写成列表：[{found}]", found=show(mistake.found))
    if expected == DATE:
        return say("日期写成 2026-01-31 的样子，不加引号。")
    if expected in (NUMBER, INTEGER) and isinstance(mistake.found, str):
        return say("直接写数字，不加引号。")
    return None


# the types behind a path


def _child_types(types: Sequence[Any], key: str | None) -> list[Any]:
    """Types of the value under `key` (None: of a list's elements)."""
    children: list[Any] = []
    for branch in flatten(types):
        origin, arguments = get_origin(branch), get_args(branch)
        if isinstance(branch, type) and issubclass(branch, BaseModel):
            field = fields_of(branch).get(key) if key is not None else None
            if field is not None:
                children.append(field.annotation)
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            children.append(arguments[1])
        elif isinstance(origin, type) and issubclass(origin, Sequence | set | frozenset):
            children += [argument for argument in arguments if argument is not Ellipsis]
    return flatten(children)


def flatten(types: Sequence[Any]) -> list[Any]:
    """The types themselves, with unions and `Annotated` taken apart."""
    flat: list[Any] = []
    for each in types:
        if get_origin(each) in (Union, UnionType):
            flat += flatten(get_args(each))
        elif get_origin(each) is Annotated:
            flat += flatten(get_args(each)[:1])
        else:
            flat.append(each)
    return flat


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by the name that stands in the document."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _known_fields(types: Sequence[Any]) -> dict[str, FieldInfo]:
    known: dict[str, FieldInfo] = {}
    for branch in flatten(types):
        if isinstance(branch, type) and issubclass(branch, BaseModel):
            known |= fields_of(branch)
    return known


def _is_branch(branch: Any, label: str) -> bool:
    """Does pydantic's label of a union branch (a class name or a discriminator's value) mean this type?"""
    if not (isinstance(branch, type) and issubclass(branch, BaseModel)):
        return False
    if branch.__name__ == label:
        return True
    for field in branch.model_fields.values():
        if get_origin(field.annotation) is Literal and label in map(str, get_args(field.annotation)):
            return True
    return False
