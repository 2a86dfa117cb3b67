"""What is added to the history of a case: who did what, when, and what they brought, read and checked.

Knows the file, not the standing of the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from muheng.casework.document import CaseType, Part
from muheng.casework.standing import AttachedFile
from muheng.casework.values import read_value
from muheng.documents.message import Message, Refusal, say

DATA_KEYS = frozenset(
    {
        *("note", "internal", "fields", "files", "organisation", "handler", "kind", "rating"),
        *("clock", "days", "hours", "limits", "child", "cases", "reason", "level"),
    }
)


@dataclass(frozen=True)
class Actor:
    """`part` is who they are to this case; id and name are theirs on the site."""

    part: Part
    id: Any = None
    name: str = ""


@dataclass(frozen=True)
class Event:
    """`number` counts from 1; `at` knows its zone; `data` is JSON with the keys of DATA_KEYS only."""

    number: int
    at: datetime
    act: str
    by: Actor
    data: Mapping[str, Any] = field(default_factory=dict)


PARTS: Mapping[Part, Message] = MappingProxyType(
    {
        "enterprise": say("企业"),
        "opener": say("提出人"),
        "desk": say("受理岗"),
        "handler": say("承办人"),
        "leader": say("督办审批人"),
        "room": say("其他业务"),
        "site": say("系统"),
    }
)


def check_part(event: Event, allowed: tuple[Part, ...], act: str | Message) -> None:
    if event.by.part not in allowed:
        raise Refusal(
            say("“{act}”由{parts}办。", act=act, parts=joined([PARTS[part] for part in allowed], "、"))
        )


def check_keys(event: Event, allowed: set[str], act: str | Message) -> None:
    given = {key for key, value in event.data.items() if value not in (None, "", [], {}, ())}
    if given - allowed:
        raise Refusal(say("“{act}”不用写“{keys}”。", act=act, keys="、".join(sorted(given - allowed))))


def check_kind(case_type: CaseType, kind: object) -> None:
    if case_type.kinds and (not isinstance(kind, str) or case_type.kind(kind) is None):
        raise Refusal(
            say("请选类别：{kinds}。", kinds=joined([known.said for known in case_type.kinds], "、")),
            at=("kind",),
        )
    if not case_type.kinds and kind is not None:
        raise Refusal(say("“{type}”不分类别。", type=case_type.said), at=("kind",))


def read_fields(case_type: CaseType, given: object, allowed: Iterable[str]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise Refusal(say("填写的内容应是一张表。"))
    allowed = set(allowed)
    read: dict[str, Any] = {}
    for name, value in given.items():
        declared = case_type.field(name) if isinstance(name, str) else None
        if declared is None or name not in allowed:
            raise Refusal(say("这里不用填“{field}”。", field=name if declared is None else declared.said))
        if declared.personal and value is not True and value not in (None, "", False):
            raise Refusal(say("“{field}”是个人信息，不能写进历史。", field=declared.said))
        found = True if declared.personal and value is True else read_value(declared, value)
        if found is not None:
            read[name] = found
    return read


def kept_fields(case_type: CaseType, given: Any) -> dict[str, Any]:
    """Values as they stand in an event that was right when it was written; those that the file no longer can read, or
    no longer knows, as they were."""
    kept: dict[str, Any] = {}
    for name, value in (given or {}).items():
        declared = case_type.field(name)
        if declared is None or declared.personal:
            found = value
        else:
            try:
                found = read_value(declared, value)
            except Refusal:
                found = value
        if found not in (None, "") and (found is not False or declared is None or declared.type == "flag"):
            kept[name] = found
    return kept


def read_files(event: Event) -> tuple[AttachedFile, ...]:
    given = event.data.get("files") or []
    if not isinstance(given, list | tuple):
        raise Refusal(say("附件应是列表。"))
    read = []
    for entry in given:
        if not isinstance(entry, Mapping) or set(entry) != {"label", "name", "sha256"}:
            raise Refusal(say("每个附件要有种类、文件名和摘要。"))
        label, name, digest = (str(entry[key] or "") for key in ("label", "name", "sha256"))
        read.append(AttachedFile(label, name, digest, event.number))
    return tuple(read)


def check_labels(case_type: CaseType, event: Event) -> None:
    for file in read_files(event):
        if file.label and file.label not in case_type.labels:
            raise Refusal(
                say(
                    "附件没有“{label}”这一种，可选：{labels}。",
                    label=file.label,
                    labels="、".join(case_type.labels),
                )
            )


def check_attachments(labels: Iterable[str], files: Iterable[AttachedFile]) -> None:
    held = {file.label for file in files}
    lacking = [label for label in labels if label not in held]
    if lacking:
        raise Refusal(say("还缺附件：{labels}。", labels="、".join(lacking)), at=("files",))


def read_children(event: Event) -> list[Mapping[str, Any]]:
    given = event.data.get("child")
    rows = [given] if isinstance(given, Mapping) else list(given) if isinstance(given, list | tuple) else []
    if not rows or not all(
        isinstance(row, Mapping)
        and isinstance(row.get("case"), int | str)
        and set(row) <= {"case", "type", "phase", "labels"}
        and isinstance(row.get("labels", []), list | tuple)
        for row in rows
    ):
        raise Refusal(say("写明引出了哪一件。"))
    return rows


def read_cases(event: Event) -> tuple[Any, ...]:
    given = event.data.get("cases")
    if (
        not isinstance(given, list | tuple)
        or not given
        or not all(isinstance(case, int | str) for case in given)
    ):
        raise Refusal(say("写明是哪一件。"))
    return tuple(given)


def read_rating(event: Event) -> int:
    rating = event.data.get("rating")
    if isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 5:
        raise Refusal(say("请评价：1 到 5 分，5 分为非常满意。"), at=("rating",))
    return rating


def joined(messages: Iterable[Message], by: str = "") -> Message:
    """Several sentences as one; Chinese and English stand each by themselves."""
    rows = list(messages)
    template = by.join(f"{{m{number}}}" for number in range(len(rows)))
    return Message(template, tuple((f"m{number}", row) for number, row in enumerate(rows)))
