"""The append-only history of a case, and how each event changes what it says.

`take` is one step, with every check that an act has to pass when it is made; `replay` is all steps. What was right when
it was made stays right: replaying does not ask again what depends on the calendar, nor, unless it is told to, what a
file may have come to ask since: more fields, other reasons, further conditions. States and their acts it always follows.
Nothing here reads a clock: events bring their own time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo

from muheng.casework.built_ins import BUILT_INS as BUILT_INS
from muheng.casework.built_ins import built_ins as built_ins
from muheng.casework.built_ins import take_built_in
from muheng.casework.document import MOST_DAYS, MOST_HOURS, Act, CaseType
from muheng.casework.event import (
    DATA_KEYS,
    check_attachments,
    check_keys,
    check_kind,
    check_labels,
    check_part,
    joined,
    kept_fields,
    read_cases,
    read_children,
    read_fields,
    read_files,
    read_rating,
)
from muheng.casework.event import PARTS as PARTS
from muheng.casework.event import Actor as Actor
from muheng.casework.event import Event as Event
from muheng.casework.moving import enter, read_amount, start_clocks, with_children, with_kind
from muheng.casework.standing import (
    CHINA,
    Standing,
    extendable,
    is_too_late_to_reopen,
    missing_for,
    pausable,
    resumable,
)
from muheng.documents.message import Message, Refusal, say
from muheng.standards.calendar import Calendar


class BrokenHistory(ValueError):
    """A history that the file does not allow: at which event, and why."""

    def __init__(self, number: int, what: Message) -> None:
        super().__init__(str(say("第 {number} 步：{what}", number=number, what=what)))
        self.number = number
        self.what = what


def take(
    case_type: CaseType,
    standing: Standing | None,
    event: Event,
    calendar: Calendar,
    zone: tzinfo = CHINA,
) -> Standing:
    """The standing after one more event; None stands for a case that is not there yet. Raises Refusal."""
    return _step(case_type, standing, event, calendar, zone, strict=True, anew=True)


def replay(
    case_type: CaseType,
    events: Iterable[Event],
    calendar: Calendar,
    until: datetime | None = None,
    zone: tzinfo = CHINA,
    strict: bool = False,
) -> Standing:
    """The standing after all events, or after those up to and with a moment. Raises BrokenHistory.

    A history from elsewhere is replayed `strict`: as if every act were made today.
    """
    standing: Standing | None = None
    for event in events:
        if until is not None and event.at > until:
            break
        try:
            standing = _step(case_type, standing, event, calendar, zone, strict, anew=False)
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
    strict: bool,
    anew: bool,
) -> Standing:
    _check_event(standing, event)
    if standing is None:
        if strict:
            _check_opening(case_type, event)
        return _open(case_type, event, calendar, zone)
    standing = replace(standing, version=event.number, last_at=event.at)
    if event.act in BUILT_INS:
        return take_built_in(case_type, standing, event, strict)
    act = case_type.act(event.act)
    if act is None:
        raise Refusal(say("“{type}”没有“{act}”这个动作。", type=case_type.said, act=event.act))
    return _take_act(case_type, standing, act, event, calendar, zone, strict, anew)


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


def _check_opening(case_type: CaseType, event: Event) -> None:
    opening, data = case_type.opening, event.data
    check_part(event, opening.by, say("登记"))
    allowed = {"note", "fields", "files", "kind", "organisation", "handler", "cases"}
    # A room of the site that has set limits of its own says so.
    check_keys(event, allowed | {"days", "limits"} if event.by.part == "room" else allowed, say("登记"))
    kind = data.get("kind")
    check_kind(case_type, kind)
    asked = case_type.fields_at_opening(kind)
    given = read_fields(case_type, data.get("fields") or {}, [field.id for field in asked])
    empty = [field.said for field in asked if field.opening == "required" and field.id not in given]
    if empty:
        raise Refusal(say("还没有填写：{fields}。", fields=joined(empty, "、")))
    check_labels(case_type, event)
    check_attachments(opening.attachments, read_files(event))
    if data.get("days") is not None and not _is_count(data["days"], 0, MOST_DAYS):
        raise Refusal(say("时限的天数应是 0 到 3660 的整数。"), at=("days",))
    _check_limits(case_type, data.get("limits") or {})


def _check_limits(case_type: CaseType, limits: object) -> None:
    for name, given in limits.items() if isinstance(limits, Mapping) else [("", limits)]:
        declared = case_type.clock(name)
        if declared is None:
            raise Refusal(say("没有时限“{clock}”。", clock=name), at=("limits",))
        key, least, most = ("hours", 1, MOST_HOURS) if declared.unit == "hour" else ("days", 0, MOST_DAYS)
        if not isinstance(given, Mapping) or set(given) != {key} or not _is_count(given[key], least, most):
            raise Refusal(
                say(
                    "“{clock}”要写 {key}，{least} 到 {most} 的整数。",
                    clock=declared.said,
                    key=key,
                    least=least,
                    most=most,
                ),
                at=("limits", name),
            )


def _is_count(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _open(case_type: CaseType, event: Event, calendar: Calendar, zone: tzinfo) -> Standing:
    opening, data = case_type.opening, event.data
    state = case_type.state(opening.state)
    assert state is not None, opening.state
    standing = Standing(
        version=1,
        state=state.id,
        phase=state.phase,
        opened_at=event.at,
        last_at=event.at,
        entered_at=event.at,
        kind=data.get("kind"),
        fields=kept_fields(case_type, data.get("fields")),
        organisation=data.get("organisation"),
        handler=data.get("handler"),
        files=read_files(event),
        came_from=read_cases(event) if data.get("cases") else (),
        limits=data.get("limits") or {},
    )
    return start_clocks(case_type, standing, opening.starts, calendar, event.at, zone, data)


# -- acts of the file ------------------------------------------------------------------------------


def _take_act(
    case_type: CaseType,
    standing: Standing,
    act: Act,
    event: Event,
    calendar: Calendar,
    zone: tzinfo,
    strict: bool,
    anew: bool,
) -> Standing:
    if standing.state not in act.from_states:
        state = case_type.state(standing.state)
        raise Refusal(
            say(
                "现在是“{state}”，不能“{act}”。",
                state=standing.state if state is None else state.said,
                act=act.said,
            ),
            say("别人可能先办了一步：刷新后再看。"),
        )
    if strict:
        _check_act(case_type, standing, act, event, zone)
    changed = _with_content(case_type, standing, act, event)
    changed = _with_clocks(case_type, changed, act, event, calendar, zone, strict, anew)
    if event.data.get("child"):
        changed = with_children(changed, event, act.opens if strict else None)
    if act.asks_rating:
        changed = replace(changed, rating=event.data.get("rating"))
    if act.confirms:
        changed = replace(changed, confirmed=True)
    if act.returns:
        changed = replace(changed, returned=changed.returned + 1)
    if act.reopens:
        changed = replace(
            changed, reopened=changed.reopened + 1, round_from=event.number, rating=None, closed_at=None
        )
    return changed if act.to is None else enter(case_type, changed, act.to, event.at)


def _check_act(case_type: CaseType, standing: Standing, act: Act, event: Event, zone: tzinfo) -> None:
    """Everything that the file asks of the act, but for clocks."""
    check_part(event, act.by, act.said)
    check_keys(event, _keys_of(act), act.said)
    _check_note(act, event)
    missing = missing_for(case_type, standing, act.needs)
    if missing:
        raise Refusal(say("“{act}”的条件还没有满足：{missing}", act=act.said, missing=joined(missing)))
    if act.reopens and is_too_late_to_reopen(act, standing, event.at, zone):
        raise Refusal(
            say("办结已超过 {days} 天，不能“{act}”。", days=act.within_days, act=act.said),
            say("另行登记一件。"),
        )
    check_labels(case_type, event)
    held = (*(file for file in standing.files if file.number >= standing.round_from), *read_files(event))
    check_attachments(act.attachments, held)
    given = read_fields(case_type, event.data.get("fields") or {}, [*act.fields, *act.optional])
    asked = [field for name in act.fields if (field := case_type.field(name)) is not None]
    empty = [
        field.said
        for field in asked
        if field.is_for(standing.kind) and field.id not in given and field.id not in standing.fields
    ]
    if empty:
        raise Refusal(say("还没有填写：{fields}。", fields=joined(empty, "、")))
    if act.assigns == "required" and event.data.get("organisation") is None:
        raise Refusal(say("“{act}”要选承办单位。", act=act.said))
    if "kind" in event.data:
        check_kind(case_type, event.data["kind"])
    if act.opens:
        read_children(event)
    if act.asks_rating:
        read_rating(event)


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
        keys |= {"clock", "days", "hours"}
    if act.opens:
        keys.add("child")
    if act.internal:
        keys.add("internal")
    return keys


def _check_note(act: Act, event: Event) -> None:
    note = event.data.get("note")
    if note is not None and not isinstance(note, str):
        raise Refusal(say("说明应是文字。"))
    if act.note == "required" and not (note or "").strip():
        raise Refusal(say("“{act}”要写明理由或说明。", act=act.said))
    if act.reasons and event.data.get("reason") not in act.reasons:
        raise Refusal(say("“{act}”要选一项事由：{reasons}。", act=act.said, reasons="、".join(act.reasons)))


def _with_content(case_type: CaseType, standing: Standing, act: Act, event: Event) -> Standing:
    data = event.data
    changed = replace(
        standing,
        files=(*standing.files, *read_files(event)),
        fields={**standing.fields, **kept_fields(case_type, data.get("fields"))},
    )
    if data.get("organisation") is not None:
        changed = replace(changed, organisation=data["organisation"], handler=data.get("handler"))
    return with_kind(case_type, changed, data["kind"]) if data.get("kind") else changed


def _with_clocks(
    case_type: CaseType,
    standing: Standing,
    act: Act,
    event: Event,
    calendar: Calendar,
    zone: tzinfo,
    strict: bool,
    anew: bool,
) -> Standing:
    reason = str(event.data.get("reason") or event.data.get("note") or "")
    clocks = dict(standing.clocks)
    for name in act.stops:
        if name in clocks and clocks[name].stopped_on is None:
            clocks[name] = clocks[name].stop(event.at)
    pausing, resuming = pausable(act, standing), resumable(act, standing)
    if strict and ((act.pauses and not pausing) or (act.resumes and not resuming)):
        raise Refusal(say("没有可以“{act}”的时限。", act=act.said))
    clocks.update({clock.id: clock.pause(event.at, reason) for clock in pausing})
    clocks.update({clock.id: clock.resume(event.at) for clock in resuming})
    standing = replace(standing, clocks=clocks)
    if act.extends:
        if strict:
            _check_extension(case_type, standing, act, event, anew)
        standing = _extend(case_type, standing, act, event, reason)
    return start_clocks(case_type, standing, act.starts, calendar, event.at, zone)


def _check_extension(case_type: CaseType, standing: Standing, act: Act, event: Event, anew: bool) -> None:
    able = {clock.id: clock for clock in extendable(act, standing, case_type)}
    if not able:
        raise Refusal(say("没有可以延长的时限，或延长次数已用完。"))
    wanted = event.data.get("clock", next(iter(able)) if len(able) == 1 else None)
    if wanted not in able:
        names = [declared.said for name in able if (declared := case_type.clock(name)) is not None]
        raise Refusal(say("写明延长哪个时限：{clocks}。", clocks=joined(names, "、")))
    declared = case_type.clock(wanted)
    assert declared is not None
    assert declared.extension is not None
    most = declared.extension.most
    if declared.unit == "hour":
        if "days" in event.data or not _is_count(event.data.get("hours"), 1, most):
            raise Refusal(say("延长的小时数应是 1 到 {most} 的整数。", most=most))
    elif "hours" in event.data or not _is_count(event.data.get("days"), 1, most):
        raise Refusal(say("延长的天数应是 1 到 {most} 的整数。", most=most))
    if anew and able[wanted].is_late(event.at):
        raise Refusal(
            say("“{clock}”已经超期，不能再延长。", clock=declared.said), say("延长要在到期以前办。")
        )


def _extend(case_type: CaseType, standing: Standing, act: Act, event: Event, reason: str) -> Standing:
    able = [clock.id for clock in extendable(act, standing, case_type)]
    clock = standing.clocks.get(event.data.get("clock") or (able[0] if able else ""))
    if clock is None or clock.stopped_on is not None:
        return standing
    amount = read_amount(event.data, clock.unit) or 0
    clocks = {**standing.clocks, clock.id: clock.extend(event.at, amount, reason)}
    return replace(standing, clocks=clocks, extended=standing.extended + 1)
