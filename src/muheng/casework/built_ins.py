"""The acts that every case type has and no file declares: notes, attachments, assigning, children, merging, and what
the site writes down of clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from muheng.casework.clock_standing import ClockStanding
from muheng.casework.document import CaseType, Part, Phase
from muheng.casework.event import (
    Event,
    check_keys,
    check_kind,
    check_labels,
    check_part,
    read_cases,
    read_children,
    read_files,
)
from muheng.casework.moving import enter, with_children, with_clock, with_kind
from muheng.casework.standing import RUNNING, Standing
from muheng.documents.message import Message, Refusal, say


@dataclass(frozen=True)
class BuiltIn:
    """An act that every type has: who may take it, and in which phases."""

    name: Message
    by: tuple[Part, ...]
    phases: tuple[Phase, ...]
    keys: tuple[str, ...]


_ALL: tuple[Part, ...] = ("enterprise", "opener", "desk", "handler", "leader", "room", "site")
_STAFF: tuple[Part, ...] = ("opener", "desk", "handler", "leader", "room", "site")

BUILT_INS: Mapping[str, BuiltIn] = MappingProxyType(
    {
        "note": BuiltIn(say("记一笔"), _ALL, ("open", "answered", "closed"), ("note", "internal", "files")),
        "attach": BuiltIn(say("附上材料"), _ALL, RUNNING, ("note", "files")),
        "assign": BuiltIn(
            say("指派"),
            ("desk", "handler", "leader", "room"),
            RUNNING,
            ("note", "organisation", "handler", "kind"),
        ),
        "urge": BuiltIn(say("催办"), ("enterprise", "opener", "leader", "desk"), RUNNING, ("note",)),
        "child": BuiltIn(say("引出下级事项"), _STAFF, RUNNING, ("note", "child")),
        "child_closed": BuiltIn(
            say("下级事项结束"), _STAFF, ("open", "answered", "closed", "void"), ("note", "child")
        ),
        "merge": BuiltIn(say("并入另一件"), ("desk", "leader", "room"), RUNNING, ("note", "cases")),
        "absorb": BuiltIn(say("并入了另一件"), ("desk", "leader", "room"), RUNNING, ("note", "cases")),
        "split": BuiltIn(say("拆分"), ("desk", "handler", "leader", "room"), RUNNING, ("note", "cases")),
        "escalate": BuiltIn(say("上报"), ("site",), RUNNING, ("note", "clock", "level", "organisation")),
        "warn": BuiltIn(say("提醒"), ("site",), RUNNING, ("note", "clock", "level")),
        "erase": BuiltIn(say("抹去个人信息"), ("site", "leader"), ("closed", "void"), ("note",)),
        "recount": BuiltIn(say("日历重新公布，重算期限"), ("site",), RUNNING, ("note", "clock", "fields")),
    }
)
"""`recount` keeps in `fields` the due dates: {"old": "2027-01-08", "new": "2027-01-11"}."""


def built_ins(standing: Standing, parts: Iterable[Part]) -> tuple[str, ...]:
    """The acts that every type has which somebody of these parts may take now."""
    wanted = set(parts)
    return tuple(
        name
        for name, built_in in BUILT_INS.items()
        if standing.phase in built_in.phases and not wanted.isdisjoint(built_in.by)
    )


def take_built_in(case_type: CaseType, standing: Standing, event: Event, strict: bool) -> Standing:
    """The standing after it; not `strict`, what the file may have come to say otherwise is not asked."""
    built_in = BUILT_INS[event.act]
    if standing.phase not in built_in.phases:
        state = case_type.state(standing.state)
        raise Refusal(
            say(
                "现在是“{state}”，不能“{act}”。",
                state=standing.state if state is None else state.said,
                act=built_in.name,
            ),
            say("别人可能先办了一步：刷新后再看。"),
        )
    if strict:
        check_part(event, built_in.by, built_in.name)
        check_keys(event, set(built_in.keys), built_in.name)
        check_labels(case_type, event)
        if "kind" in event.data:
            check_kind(case_type, event.data["kind"])
    elif event.act in ("warn", "escalate", "recount") and not _has_clock(standing, event):
        return standing
    return _EFFECTS[event.act](case_type, standing, event)


def _has_clock(standing: Standing, event: Event) -> bool:
    clock = standing.clocks.get(str(event.data.get("clock")))
    return clock is not None and (clock.running or event.act == "recount")


def _note(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    if not str(event.data.get("note") or "").strip():
        raise Refusal(say("没有写内容。"))
    return replace(standing, files=(*standing.files, *read_files(event)))


def _attach(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    files = read_files(event)
    if not files:
        raise Refusal(say("没有附件。"))
    return replace(standing, files=(*standing.files, *files))


def _assign(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    data = event.data
    if not {"organisation", "handler", "kind"} & set(data):
        raise Refusal(say("写明交给哪个单位或哪个人。"))
    changed = standing
    if "organisation" in data:
        changed = replace(changed, organisation=data["organisation"], handler=None)
    if "handler" in data:
        changed = replace(changed, handler=data["handler"])
    return with_kind(case_type, changed, data["kind"]) if "kind" in data else changed


def _urge(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    return replace(standing, urged=standing.urged + 1)


def _child(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    return with_children(standing, event, None)


def _child_closed(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    children = dict(standing.children)
    for child in read_children(event):
        known = children.get(child["case"])
        phase = child.get("phase", "closed")
        if known is None:
            raise Refusal(say("它没有引出过这一件。"))
        if phase not in ("open", "answered", "closed", "void"):
            raise Refusal(say("下级事项的阶段不对：{phase}。", phase=phase))
        labels = tuple(str(label) for label in child.get("labels", ()))
        children[known.case] = replace(known, phase=phase, number=event.number, labels=labels)
    return replace(standing, children=children)


def _merge(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    cases = read_cases(event)
    if case_type.merged is None or len(cases) != 1:
        raise Refusal(say("“{type}”不能合并。", type=case_type.said))
    return enter(case_type, replace(standing, merged_into=cases[0]), case_type.merged, event.at)


def _absorb(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    return replace(standing, absorbed=(*standing.absorbed, *read_cases(event)))


def _split(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    return replace(standing, split=(*standing.split, *read_cases(event)))


def _warn(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    clock, level = _noticed_clock(case_type, standing, event)
    return with_clock(standing, replace(clock, warned=max(clock.warned, level)))


def _escalate(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    clock, level = _noticed_clock(case_type, standing, event)
    changed = with_clock(standing, replace(clock, escalated=max(clock.escalated, level)))
    return replace(changed, level=max(standing.level, level))


def _noticed_clock(case_type: CaseType, standing: Standing, event: Event) -> tuple[ClockStanding, int]:
    clock = standing.clocks.get(str(event.data.get("clock")))
    level = event.data.get("level")
    if clock is None or not clock.running:
        raise Refusal(say("没有这个时限，或它没有在计时。"))
    if isinstance(level, bool) or not isinstance(level, int) or level < 1:
        raise Refusal(say("写明第几级。"))
    return clock, level


def _erase(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    if event.by.part != "site" and not str(event.data.get("note") or "").strip():
        raise Refusal(say("提前抹去个人信息要写明理由。"))
    personal = {field.id for field in case_type.fields if field.personal}
    left = {name: value for name, value in standing.fields.items() if name not in personal}
    return replace(standing, fields=left, erased=True)


def _recount(case_type: CaseType, standing: Standing, event: Event) -> Standing:
    dues = event.data.get("fields")
    if event.data.get("clock") not in standing.clocks:
        raise Refusal(say("没有这个时限。"))
    if not isinstance(dues, Mapping) or set(dues) != {"old", "new"}:
        raise Refusal(say("写明重算前后的到期日。"))
    return standing


_EFFECTS: Mapping[str, Callable[[CaseType, Standing, Event], Standing]] = {
    "note": _note,
    "attach": _attach,
    "assign": _assign,
    "urge": _urge,
    "child": _child,
    "child_closed": _child_closed,
    "merge": _merge,
    "absorb": _absorb,
    "split": _split,
    "escalate": _escalate,
    "warn": _warn,
    "erase": _erase,
    "recount": _recount,
}
