"""The append-only history of a case, and how each event changes what it says.

`take` is one step, with every check that an act has to pass when it is made; `replay` is all steps, and does not
ask again what depends on the calendar: a calendar that is republished moves due dates and breaks no history.
Nothing here reads a clock: events bring their own time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from types import MappingProxyType
from typing import Any

from muheng.casework.clock_standing import ClockStanding
from muheng.casework.document import Act, CaseType, Part, Phase
from muheng.casework.standing import (
    CHINA,
    RUNNING,
    AttachedFile,
    Child,
    Standing,
    extendable,
    is_too_late_to_reopen,
    missing_for,
    pausable,
    resumable,
)
from muheng.casework.values import read_value
from muheng.documents.message import Message, Refusal, say
from muheng.standards.calendar import Calendar

DATA_KEYS = frozenset(
    {
        *("note", "internal", "fields", "files", "organisation", "handler", "kind", "rating"),
        *("clock", "days", "child", "cases", "reason", "level"),
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


class BrokenHistory(ValueError):
    """A history that the file does not allow: at which event, and why."""

    def __init__(self, number: int, what: Message) -> None:
        super().__init__(str(say("第 {number} 步：{what}", number=number, what=what)))
        self.number = number
        self.what = what


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
        "urge": BuiltIn(say("催办"), ("enterprise", "leader", "desk"), RUNNING, ("note",)),
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


def take(
    case_type: CaseType,
    standing: Standing | None,
    event: Event,
    calendar: Calendar,
    zone: tzinfo = CHINA,
) -> Standing:
    """The standing after one more event; None stands for a case that is not there yet. Raises Refusal."""
    return _step(case_type, standing, event, calendar, zone, anew=True)


def replay(
    case_type: CaseType,
    events: Iterable[Event],
    calendar: Calendar,
    until: datetime | None = None,
    zone: tzinfo = CHINA,
) -> Standing:
    """The standing after all events, or after those up to and with a moment. Raises BrokenHistory."""
    standing: Standing | None = None
    for event in events:
        if until is not None and event.at > until:
            break
        try:
            standing = _step(case_type, standing, event, calendar, zone, anew=False)
        except Refusal as refusal:
            raise BrokenHistory(event.number, refusal.what) from refusal
    if standing is None:
        raise BrokenHistory(1, say("还没有登记。"))
    return standing


def _step(
    case_type: CaseType,
    standing: Standing | None,
    event: Event,
    calendar: Calendar,
    zone: tzinfo,
    anew: bool,
) -> Standing:
    _check_event(standing, event)
    today = event.at.astimezone(zone).date()
    if standing is None:
        return _open(case_type, event, calendar, today)
    standing = replace(standing, version=event.number, last_at=event.at)
    if event.act in BUILT_INS:
        return _take_built_in(case_type, standing, event, today)
    act = case_type.act(event.act)
    if act is None:
        raise Refusal(say("“{type}”没有“{act}”这个动作。", type=case_type.name, act=event.act))
    return _take_act(case_type, standing, act, event, calendar, today, zone, anew)


def _check_event(standing: Standing | None, event: Event) -> None:
    if event.at.tzinfo is None:
        raise Refusal(say("时间没有写明时区。"))
    due = 1 if standing is None else standing.version + 1
    if event.number != due:
        raise Refusal(
            say("应是第 {due} 步，写的是第 {number} 步。", due=due, number=event.number),
            say("别人可能先办了一步：刷新后再看。"),
        )
    if standing is not None and event.at < standing.last_at:
        raise Refusal(say("时间早于上一步。"), say("检查服务器的时钟。"))
    if (standing is None) is not (event.act == "open"):
        raise Refusal(say("还没有登记。") if standing is None else say("已经登记过了。"))
    if unknown := sorted(set(event.data) - DATA_KEYS):
        raise Refusal(say("历史里不能写“{keys}”。", keys="、".join(unknown)))


# -- opening ---------------------------------------------------------------------------------------


def _open(case_type: CaseType, event: Event, calendar: Calendar, today: date) -> Standing:
    opening = case_type.opening
    data = event.data
    _check_part(event, opening.by, say("登记"))
    allowed = {"note", "fields", "files", "kind", "organisation", "handler", "cases"}
    # A room of the site that has set a limit of its own says so.
    _check_keys(event, allowed | {"days"} if event.by.part == "room" else allowed, say("登记"))
    kind = data.get("kind")
    _check_kind(case_type, kind)
    asked = case_type.fields_at_opening(kind)
    fields = _read_fields(case_type, data.get("fields") or {}, [field.id for field in asked])
    empty = [field.name for field in asked if field.opening == "required" and field.id not in fields]
    if empty:
        raise Refusal(say("还没有填写：{fields}。", fields="、".join(empty)))
    files = _read_files(case_type, event)
    _check_attachments(opening.attachments, files)
    state = case_type.state(opening.state)
    assert state is not None, opening.state
    standing = Standing(
        version=1,
        state=state.id,
        phase=state.phase,
        opened_at=event.at,
        last_at=event.at,
        entered_at=event.at,
        kind=kind,
        fields=fields,
        organisation=data.get("organisation"),
        handler=data.get("handler"),
        files=files,
        came_from=_read_cases(event) if data.get("cases") else (),
    )
    days = data.get("days")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= 3660):
        raise Refusal(say("时限的天数应是 0 到 3660 的整数。"), at=("days",))
    return _start(case_type, standing, opening.starts, calendar, today, days)


# -- acts of the file ------------------------------------------------------------------------------


def _take_act(
    case_type: CaseType,
    standing: Standing,
    act: Act,
    event: Event,
    calendar: Calendar,
    today: date,
    zone: tzinfo,
    anew: bool,
) -> Standing:
    if standing.state not in act.from_states:
        state = case_type.state(standing.state)
        raise Refusal(
            say(
                "现在是“{state}”，不能“{act}”。",
                state=standing.state if state is None else state.name,
                act=act.name,
            ),
            say("别人可能先办了一步：刷新后再看。"),
        )
    _check_part(event, act.by, act.name)
    _check_keys(event, _keys_of(act), act.name)
    _check_note(act, event)
    missing = missing_for(case_type, standing, act.needs)
    if missing:
        raise Refusal(say("“{act}”的条件还没有满足：{missing}", act=act.name, missing=_joined(missing)))
    if act.reopens and is_too_late_to_reopen(act, standing, event.at, zone):
        raise Refusal(
            say("办结已超过 {days} 天，不能“{act}”。", days=act.within_days, act=act.name),
            say("另行登记一件。"),
        )
    changed = _with_content(case_type, standing, act, event)
    changed = _with_clocks(case_type, changed, act, event, calendar, today, anew)
    if act.opens:
        changed = _with_children(changed, event, act.opens)
    if act.asks_rating:
        changed = replace(changed, rating=_read_rating(event))
    if act.confirms:
        changed = replace(changed, confirmed=True)
    if act.returns:
        changed = replace(changed, returned=changed.returned + 1)
    if act.reopens:
        changed = replace(
            changed, reopened=changed.reopened + 1, round_from=event.number, rating=None, closed_at=None
        )
    return changed if act.to is None else _enter(case_type, changed, act.to, event.at, today)


def _keys_of(act: Act) -> set[str]:
    keys = {"files"}
    if act.note != "none":
        keys.add("note")
    if act.reasons:
        keys.add("reason")
    if act.fields or act.optional:
        keys.add("fields")
    if act.assigns != "none":
        keys |= {"organisation", "handler"}
    if act.kind:
        keys.add("kind")
    if act.asks_rating:
        keys.add("rating")
    if act.extends:
        keys |= {"clock", "days"}
    if act.opens:
        keys.add("child")
    return keys


def _check_note(act: Act, event: Event) -> None:
    note = event.data.get("note")
    if note is not None and not isinstance(note, str):
        raise Refusal(say("说明应是文字。"))
    if act.note == "required" and not (note or "").strip():
        raise Refusal(say("“{act}”要写明理由或说明。", act=act.name))
    if act.reasons and event.data.get("reason") not in act.reasons:
        raise Refusal(say("“{act}”要选一项事由：{reasons}。", act=act.name, reasons="、".join(act.reasons)))


def _with_content(case_type: CaseType, standing: Standing, act: Act, event: Event) -> Standing:
    data = event.data
    files = _read_files(case_type, event)
    held = (*(file for file in standing.files if file.number >= standing.round_from), *files)
    _check_attachments(act.attachments, held)
    fields = dict(standing.fields)
    fields.update(_read_fields(case_type, data.get("fields") or {}, [*act.fields, *act.optional]))
    asked = [field for name in act.fields if (field := case_type.field(name)) is not None]
    empty = [field.name for field in asked if field.is_for(standing.kind) and field.id not in fields]
    if empty:
        raise Refusal(say("还没有填写：{fields}。", fields="、".join(empty)))
    changed = replace(standing, files=(*standing.files, *files), fields=fields)
    if act.assigns == "required" and data.get("organisation") is None:
        raise Refusal(say("“{act}”要选承办单位。", act=act.name))
    if act.assigns != "none" and data.get("organisation") is not None:
        changed = replace(changed, organisation=data["organisation"], handler=data.get("handler"))
    if act.kind and "kind" in data:
        changed = _with_kind(case_type, changed, data["kind"])
    return changed


def _with_clocks(
    case_type: CaseType,
    standing: Standing,
    act: Act,
    event: Event,
    calendar: Calendar,
    today: date,
    anew: bool,
) -> Standing:
    reason = str(event.data.get("reason") or event.data.get("note") or "")
    clocks = dict(standing.clocks)
    for name in act.stops:
        if name in clocks and clocks[name].stopped_on is None:
            clocks[name] = clocks[name].stop(today)
    pausing, resuming = pausable(act, standing), resumable(act, standing)
    if (act.pauses and not pausing) or (act.resumes and not resuming):
        raise Refusal(say("没有可以“{act}”的时限。", act=act.name))
    clocks.update({clock.id: clock.pause(today, reason) for clock in pausing})
    clocks.update({clock.id: clock.resume(today) for clock in resuming})
    standing = replace(standing, clocks=clocks)
    if act.extends:
        standing = _extend(case_type, standing, act, event, today, reason, anew)
    return _start(case_type, standing, act.starts, calendar, today)


def _extend(
    case_type: CaseType, standing: Standing, act: Act, event: Event, today: date, reason: str, anew: bool
) -> Standing:
    able = {clock.id: clock for clock in extendable(act, standing, case_type)}
    if not able:
        raise Refusal(say("没有可以延长的时限，或延长次数已用完。"))
    wanted = event.data.get("clock", next(iter(able)) if len(able) == 1 else None)
    if wanted not in able:
        names = [declared.name for name in able if (declared := case_type.clock(name)) is not None]
        raise Refusal(say("写明延长哪个时限：{clocks}。", clocks="、".join(names)))
    declared = case_type.clock(wanted)
    assert declared is not None
    assert declared.extension is not None
    days, most = event.data.get("days"), declared.extension.days
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= most:
        raise Refusal(say("延长的天数应是 1 到 {most} 的整数。", most=most))
    if anew and able[wanted].is_late(today):
        raise Refusal(
            say("“{clock}”已经超期，不能再延长。", clock=declared.name), say("延长要在到期以前办。")
        )
    clocks = {**standing.clocks, wanted: able[wanted].extend(today, days, reason)}
    return replace(standing, clocks=clocks, extended=standing.extended + 1)


def _start(
    case_type: CaseType,
    standing: Standing,
    names: Iterable[str],
    calendar: Calendar,
    today: date,
    days: int | None = None,
) -> Standing:
    clocks, earlier = dict(standing.clocks), list(standing.earlier)
    for name in names:
        declared = case_type.clock(name)
        if declared is None:
            continue
        if name in clocks:
            if clocks[name].stopped_on is None:
                continue
            earlier.append(clocks.pop(name))
        limit = declared.limit(standing.kind) if days is None else days
        clocks[name] = ClockStanding(name, today, limit, declared.unit, calendar)
    return replace(standing, clocks=clocks, earlier=tuple(earlier))


def _enter(case_type: CaseType, standing: Standing, to: str, at: datetime, today: date) -> Standing:
    state = case_type.state(to)
    if state is None:
        raise Refusal(say("“{type}”没有“{state}”这个状态。", type=case_type.name, state=to))
    ends = state.phase not in RUNNING
    confirmed = standing.confirmed and state.phase != "open"
    changed = replace(standing, state=to, phase=state.phase, confirmed=confirmed)
    if to != standing.state:
        changed = replace(changed, entered_at=at)
    if state.phase == "answered":
        changed = replace(changed, answered_at=at)
    if ends and standing.closed_at is None:
        clocks = {
            name: clock if clock.stopped_on is not None else clock.stop(today)
            for name, clock in changed.clocks.items()
        }
        changed = replace(changed, closed_at=at, clocks=clocks)
    return changed


# -- acts that every type has ----------------------------------------------------------------------


def _take_built_in(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    built_in = BUILT_INS[event.act]
    if standing.phase not in built_in.phases:
        state = case_type.state(standing.state)
        raise Refusal(
            say(
                "现在是“{state}”，不能“{act}”。",
                state=standing.state if state is None else state.name,
                act=built_in.name,
            ),
            say("别人可能先办了一步：刷新后再看。"),
        )
    _check_part(event, built_in.by, built_in.name)
    _check_keys(event, set(built_in.keys), built_in.name)
    return _EFFECTS[event.act](case_type, standing, event, today)


def _note(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    if not str(event.data.get("note") or "").strip():
        raise Refusal(say("没有写内容。"))
    return replace(standing, files=(*standing.files, *_read_files(case_type, event)))


def _attach(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    files = _read_files(case_type, event)
    if not files:
        raise Refusal(say("没有附件。"))
    return replace(standing, files=(*standing.files, *files))


def _assign(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    data = event.data
    if not {"organisation", "handler", "kind"} & set(data):
        raise Refusal(say("写明交给哪个单位或哪个人。"))
    changed = standing
    if "organisation" in data:
        changed = replace(changed, organisation=data["organisation"], handler=None)
    if "handler" in data:
        changed = replace(changed, handler=data["handler"])
    return _with_kind(case_type, changed, data["kind"]) if "kind" in data else changed


def _urge(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    return replace(standing, urged=standing.urged + 1)


def _child(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    return _with_children(standing, event, None)


def _child_closed(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    children = dict(standing.children)
    for child in _read_children(event):
        known = children.get(child["case"])
        phase = child.get("phase", "closed")
        if known is None:
            raise Refusal(say("它没有引出过这一件。"))
        if phase not in ("open", "answered", "closed", "void"):
            raise Refusal(say("下级事项的阶段不对：{phase}。", phase=phase))
        children[known.case] = replace(known, phase=phase, number=event.number)
    return replace(standing, children=children)


def _merge(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    cases = _read_cases(event)
    if case_type.merged is None or len(cases) != 1:
        raise Refusal(say("“{type}”不能合并。", type=case_type.name))
    return _enter(case_type, replace(standing, merged_into=cases[0]), case_type.merged, event.at, today)


def _absorb(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    return replace(standing, absorbed=(*standing.absorbed, *_read_cases(event)))


def _split(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    return replace(standing, split=(*standing.split, *_read_cases(event)))


def _warn(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    clock, level = _noticed_clock(case_type, standing, event)
    return _with_clock(standing, replace(clock, warned=max(clock.warned, level)))


def _escalate(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    clock, level = _noticed_clock(case_type, standing, event)
    changed = _with_clock(standing, replace(clock, escalated=max(clock.escalated, level)))
    return replace(changed, level=max(standing.level, level))


def _erase(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    if event.by.part != "site" and not str(event.data.get("note") or "").strip():
        raise Refusal(say("提前抹去个人信息要写明理由。"))
    personal = {field.id for field in case_type.fields if field.personal}
    left = {name: value for name, value in standing.fields.items() if name not in personal}
    return replace(standing, fields=left, erased=True)


def _recount(case_type: CaseType, standing: Standing, event: Event, today: date) -> Standing:
    dues = event.data.get("fields")
    if event.data.get("clock") not in standing.clocks:
        raise Refusal(say("没有这个时限。"))
    if not isinstance(dues, Mapping) or set(dues) != {"old", "new"}:
        raise Refusal(say("写明重算前后的到期日。"))
    return standing


_EFFECTS: Mapping[str, Callable[[CaseType, Standing, Event, date], Standing]] = {
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


# -- what events bring -----------------------------------------------------------------------------


def _check_part(event: Event, allowed: tuple[Part, ...], act: str | Message) -> None:
    if event.by.part not in allowed:
        raise Refusal(
            say("“{act}”由{parts}办。", act=act, parts=_joined([PARTS[part] for part in allowed], "、"))
        )


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


def _check_keys(event: Event, allowed: set[str], act: str | Message) -> None:
    given = {key for key, value in event.data.items() if value not in (None, "", [], {}, ())}
    if given - allowed:
        raise Refusal(say("“{act}”不用写“{keys}”。", act=act, keys="、".join(sorted(given - allowed))))


def _check_kind(case_type: CaseType, kind: object) -> None:
    if case_type.kinds and (not isinstance(kind, str) or case_type.kind(kind) is None):
        raise Refusal(
            say("请选类别：{kinds}。", kinds="、".join(known.name for known in case_type.kinds)), at=("kind",)
        )
    if not case_type.kinds and kind is not None:
        raise Refusal(say("“{type}”不分类别。", type=case_type.name), at=("kind",))


def _with_kind(case_type: CaseType, standing: Standing, kind: object) -> Standing:
    """Another kind may have other limits; clocks that have not ended get them."""
    _check_kind(case_type, kind)
    assert isinstance(kind, str)
    clocks = dict(standing.clocks)
    for name, clock in clocks.items():
        declared = case_type.clock(name)
        if clock.stopped_on is None and declared is not None:
            clocks[name] = replace(clock, base=declared.limit(kind))
    return replace(standing, kind=kind, clocks=clocks)


def _read_fields(case_type: CaseType, given: object, allowed: Iterable[str]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise Refusal(say("填写的内容应是一张表。"))
    allowed = set(allowed)
    read: dict[str, Any] = {}
    for name, value in given.items():
        declared = case_type.field(name) if isinstance(name, str) else None
        if declared is None or name not in allowed:
            raise Refusal(say("这里不用填“{field}”。", field=name if declared is None else declared.name))
        if declared.personal and value is not True and value not in (None, "", False):
            raise Refusal(say("“{field}”是个人信息，不能写进历史。", field=declared.name))
        found = True if declared.personal and value is True else read_value(declared, value)
        if found is not None:
            read[name] = found
    return read


def _read_files(case_type: CaseType, event: Event) -> tuple[AttachedFile, ...]:
    given = event.data.get("files") or []
    if not isinstance(given, list | tuple):
        raise Refusal(say("附件应是列表。"))
    read = []
    for entry in given:
        if not isinstance(entry, Mapping) or set(entry) != {"label", "name", "sha256"}:
            raise Refusal(say("每个附件要有种类、文件名和摘要。"))
        label = str(entry["label"] or "")
        if label and label not in case_type.labels:
            raise Refusal(
                say(
                    "附件没有“{label}”这一种，可选：{labels}。",
                    label=label,
                    labels="、".join(case_type.labels),
                )
            )
        read.append(AttachedFile(label, str(entry["name"]), str(entry["sha256"]), event.number))
    return tuple(read)


def _check_attachments(labels: Iterable[str], files: Iterable[AttachedFile]) -> None:
    held = {file.label for file in files}
    lacking = [label for label in labels if label not in held]
    if lacking:
        raise Refusal(say("还缺附件：{labels}。", labels="、".join(lacking)), at=("files",))


def _with_children(standing: Standing, event: Event, types: tuple[str, ...] | None) -> Standing:
    children = dict(standing.children)
    found = _read_children(event)
    for child in found:
        if types is not None and child.get("type") not in types:
            raise Refusal(say("这里不能引出“{type}”。", type=child.get("type")))
        if not isinstance(child.get("type"), str):
            raise Refusal(say("写明引出了哪一件。"))
        if child["case"] in children:
            raise Refusal(say("这一件已经记过。"))
        children[child["case"]] = Child(child["case"], child["type"], "open", event.number)
    return replace(standing, children=children)


def _read_children(event: Event) -> list[Mapping[str, Any]]:
    given = event.data.get("child")
    rows = [given] if isinstance(given, Mapping) else list(given) if isinstance(given, list | tuple) else []
    if not rows or not all(
        isinstance(row, Mapping)
        and isinstance(row.get("case"), int | str)
        and set(row) <= {"case", "type", "phase"}
        for row in rows
    ):
        raise Refusal(say("写明引出了哪一件。"))
    return rows


def _read_cases(event: Event) -> tuple[Any, ...]:
    given = event.data.get("cases")
    if (
        not isinstance(given, list | tuple)
        or not given
        or not all(isinstance(case, int | str) for case in given)
    ):
        raise Refusal(say("写明是哪一件。"))
    return tuple(given)


def _read_rating(event: Event) -> int:
    rating = event.data.get("rating")
    if isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 5:
        raise Refusal(say("请评价：1 到 5 分，5 分为非常满意。"), at=("rating",))
    return rating


def _noticed_clock(case_type: CaseType, standing: Standing, event: Event) -> tuple[ClockStanding, int]:
    clock = standing.clocks.get(str(event.data.get("clock")))
    level = event.data.get("level")
    if clock is None or not clock.running:
        raise Refusal(say("没有这个时限，或它没有在计时。"))
    if isinstance(level, bool) or not isinstance(level, int) or level < 1:
        raise Refusal(say("写明第几级。"))
    return clock, level


def _with_clock(standing: Standing, clock: ClockStanding) -> Standing:
    return replace(standing, clocks={**standing.clocks, clock.id: clock})


def _joined(messages: Iterable[Message], by: str = "") -> Message:
    """Several sentences as one; Chinese and English stand each by themselves."""
    rows = list(messages)
    template = by.join(f"{{m{number}}}" for number in range(len(rows)))
    return Message(template, tuple((f"m{number}", row) for number, row in enumerate(rows)))
