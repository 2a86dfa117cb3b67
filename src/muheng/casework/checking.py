"""What is well formed in a case-type file and still wrong: every finding with its line and how to mend it.

Names first; only when all of them are known are the ways through the states followed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from muheng.casework.built_ins import BUILT_INS
from muheng.casework.document import (
    MOST_DAYS,
    MOST_HOURS,
    Act,
    CaseType,
    Clock,
    Escalation,
    FieldOf,
    read_share,
)
from muheng.casework.event import PARTS
from muheng.casework.ways import acts_with_place, clock_ways, confirmed_before, ends_reached, reachable
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, say
from muheng.documents.spelling import offer
from muheng.documents.toml_file import KeyPath, TomlFile


@dataclass(frozen=True)
class _Finding:
    path: KeyPath
    what: Message
    fix: Message | None
    severity: Literal["error", "warning"] = "error"


def check(file: TomlFile, case_type: CaseType) -> list[Diagnostic]:
    """All findings, in the order of the checks."""
    found = [
        *_repeats(file, case_type),
        *_names(case_type),
        *_fields(case_type),
        *_limits(case_type),
        *_shares(case_type),
    ]
    if not found:
        found += [
            *_states(case_type),
            *_acts(case_type),
            *_clocks(case_type),
            *_conditions(case_type),
            *_escalations(case_type),
        ]
    return [
        (file.error if each.severity == "error" else file.warning)(each.path, each.what, each.fix)
        for each in found
    ]


# -- names -----------------------------------------------------------------------------------------


def _repeats(file: TomlFile, case_type: CaseType) -> Iterator[_Finding]:
    for table, rows in (
        ("kind", case_type.kinds),
        ("field", case_type.fields),
        ("state", case_type.states),
        ("act", case_type.acts),
        ("clock", case_type.clocks),
    ):
        for key in ("id", "name"):
            first: dict[str, int] = {}
            for number, row in enumerate(rows):
                value = getattr(row, key)
                if value in first:
                    line = file.line_of((table, first[value], key))
                    what = say("“{value}”重复，第一次在第 {line} 行。", value=value, line=line)
                    yield _Finding((table, number, key), what, say("删去一处，或改成不同的。"))
                first.setdefault(value, number)
    for number, act in enumerate(case_type.acts):
        if act.id in (*BUILT_INS, "open"):
            what = say("“{id}”是各类型都有的动作，不能另作定义。", id=act.id)
            yield _Finding(("act", number, "id"), what, say("换一个编号。"))


def _names(case_type: CaseType) -> Iterator[_Finding]:
    states = [state.id for state in case_type.states]
    clocks = [clock.id for clock in case_type.clocks]
    fields = [field.id for field in case_type.fields]
    kinds = [kind.id for kind in case_type.kinds]
    labels = case_type.labels
    opening = case_type.opening
    yield from _known(("opening", "state"), [opening.state], states, say("状态"))
    yield from _known(("opening", "starts"), opening.starts, clocks, say("时限"))
    yield from _known(("opening", "attachments"), opening.attachments, labels, say("附件种类"))
    if case_type.merged is not None:
        yield from _known(("merged",), [case_type.merged], states, say("状态"))
    for number, field in enumerate(case_type.fields):
        yield from _known(("field", number, "kinds"), field.kinds, kinds, say("类别"))
    for number, clock in enumerate(case_type.clocks):
        yield from _known(("clock", number, "by_kind"), clock.by_kind, kinds, say("类别"))
    for number, escalation in enumerate(case_type.escalations):
        yield from _known(("escalation", number, "clock"), [escalation.clock], clocks, say("时限"))
    for number, act in enumerate(case_type.acts):
        at: KeyPath = ("act", number)
        yield from _known((*at, "from"), act.from_states, states, say("状态"))
        if act.to is not None:
            yield from _known((*at, "to"), [act.to], states, say("状态"))
        for key in ("starts", "stops", "pauses", "resumes", "extends"):
            yield from _known((*at, key), getattr(act, key), clocks, say("时限"))
        for key in ("fields", "optional"):
            yield from _known((*at, key), getattr(act, key), fields, say("填写内容"))
        yield from _known((*at, "attachments"), act.attachments, labels, say("附件种类"))
        yield from _known((*at, "needs", "fields"), act.needs.fields, fields, say("填写内容"))
        yield from _known((*at, "needs", "evidence"), act.needs.evidence, labels, say("附件种类"))


def _known(path: KeyPath, names: Iterable[str], known: Collection[str], what: Message) -> Iterator[_Finding]:
    for name in names:
        if name not in known:
            yield _Finding(path, say("没有名为“{name}”的{what}。", name=name, what=what), offer(name, known))


# -- what is asked ---------------------------------------------------------------------------------


def _fields(case_type: CaseType) -> Iterator[_Finding]:
    asked = {name for act in case_type.acts for name in (*act.fields, *act.optional)}
    for number, field in enumerate(case_type.fields):
        yield from _field(("field", number), field)
        if field.opening == "none" and field.id not in asked:
            what = say("登记时不问，也没有动作填写它。")
            fix = say("在某个 act 的 fields 或 optional 里加上“{id}”，或改 opening。", id=field.id)
            yield _Finding(("field", number, "opening"), what, fix)
    personal = any(field.personal for field in case_type.fields)
    if personal and case_type.erase_after_days is None:
        what = say("有个人信息，没有写办结多少天后抹去。")
        yield _Finding(("erase_after_days",), what, say("加上一行，例如：erase_after_days = 1095"))
    if not personal and case_type.erase_after_days is not None:
        what = say("没有个人信息，却写了多少天后抹去。")
        yield _Finding(("erase_after_days",), what, say("删去这一行，或给有关的内容加上 personal = true。"))


def _field(at: KeyPath, field: FieldOf) -> Iterator[_Finding]:
    if field.type == "choice" and not field.choices:
        yield _Finding(at, say("是选项，没有写可选哪些。"), say('加上 choices = ["…", "…"]。'))
    if field.type != "choice" and field.choices:
        yield _Finding(
            (*at, "choices"), say("不是选项，不用写可选哪些。"), say('加上 type = "choice"，或删去。')
        )
    if field.unit is not None and field.type != "number":
        yield _Finding(
            (*at, "unit"), say("只有数才写单位。"), say('改成 type = "number"，或删去；金额一律是万元。')
        )
    if field.personal and field.type not in ("text", "long"):
        yield _Finding((*at, "personal"), say("个人信息只能是文字。"), say('改成 type = "text"。'))


# -- states and acts -------------------------------------------------------------------------------


def _states(case_type: CaseType) -> Iterator[_Finding]:
    phases = {state.id: state.phase for state in case_type.states}
    if phases[case_type.opening.state] != "open":
        what = say(
            "登记后的状态“{state}”不是在办（open）。", state=_state(case_type, case_type.opening.state)
        )
        yield _Finding(("opening", "state"), what, say("改成一个在办的状态。"))
    if case_type.merged is not None and phases[case_type.merged] != "void":
        what = say("合并后的状态“{state}”不是作废（void）。", state=_state(case_type, case_type.merged))
        yield _Finding(("merged",), what, say("改成一个作废的状态。"))
    reached = reachable(case_type)
    ending = ends_reached(case_type, ("closed", "void"))
    if not any(state.phase == "closed" and state.id in reached for state in case_type.states):
        yield _Finding(
            ("state",),
            say("没有一条路走到办结。"),
            say("加一个通往 closed 状态的动作，或检查各动作的 from 和 to。"),
        )
    for number, state in enumerate(case_type.states):
        at: KeyPath = ("state", number)
        if state.id not in reached:
            what = say("没有动作走到“{state}”。", state=state.name)
            yield _Finding(at, what, say("加一个 to 为“{id}”的动作，或删去这个状态。", id=state.id))
            continue
        if state.phase in ("closed", "void"):
            if state.waits_for != "nobody":
                yield _Finding(
                    (*at, "waits_for"), say("已经结束，不该再等谁。"), say('改成 waits_for = "nobody"。')
                )
            continue
        if state.id not in ending:
            what = say("“{state}”是死路：从这里走不到办结，也走不到作废。", state=state.name)
            yield _Finding(at, what, say("加一个从这里出去的动作。"))
        elif state.waits_for == "nobody":
            what = say("“{state}”还在办，没有写等谁。", state=state.name)
            yield _Finding((*at, "waits_for"), what, say("写明等谁办。"))
        elif not any(state.waits_for in act.by for act in case_type.acts_from(state.id)):
            what = say(
                "“{state}”等{part}办，却没有{part}能做的动作。", state=state.name, part=PARTS[state.waits_for]
            )
            yield _Finding((*at, "waits_for"), what, say("改 waits_for，或给一个动作的 by 加上它。"))


def _acts(case_type: CaseType) -> Iterator[_Finding]:
    if case_type.subject != "enterprise" and set(case_type.opening.by) == {"enterprise"}:
        yield _nobody_there(("opening", "by"))
    for number, act in enumerate(case_type.acts):
        at: KeyPath = ("act", number)
        if case_type.subject != "enterprise" and set(act.by) == {"enterprise"}:
            yield _nobody_there((*at, "by"))
        yield from _ends(case_type, at, act)
        for key, name in (("confirms", say("确认")), ("asks_rating", say("评价"))):
            if getattr(act, key) and not set(act.by) <= {"enterprise", "opener"}:
                what = say("{what}只能由企业或提出人办。", what=name)
                yield _Finding((*at, "by"), what, say('改成 by = ["enterprise"]。'))
        if act.internal and "enterprise" in act.by:
            what = say("企业办的步骤不能只给工作人员看。")
            yield _Finding((*at, "internal"), what, say("从 by 里去掉 enterprise，或删去 internal = true。"))
        if act.asks_rating and any(_phase(case_type, state) == "open" for state in act.from_states):
            what = say("还没有答复就请企业评价。")
            yield _Finding((*at, "asks_rating"), what, say("from 只写待确认或办结的状态。"))
        unexplained = act.note != "required" and not act.reasons
        for key, name in (
            ("returns", say("退回")),
            ("pauses", say("暂停计时")),
            ("extends", say("延期")),
            ("reopens", say("重新办理")),
        ):
            if getattr(act, key) and unexplained:
                what = say("{what}要写明理由。", what=name)
                yield _Finding((*at, key), what, say('加上 note = "required"，或写 reasons。'))
        if act.bulk and (act.opens or act.asks_rating or act.extends):
            what = say("引出下级事项、评价和延期要一件一件办，不能成批。")
            yield _Finding((*at, "bulk"), what, say("删去 bulk = true。"))


def _ends(case_type: CaseType, at: KeyPath, act: Act) -> Iterator[_Finding]:
    """Nothing leaves a void case; a closed one only by reopening."""
    for state in act.from_states:
        phase, end = _phase(case_type, state), _phase(case_type, act.to or state)
        if phase == "void":
            what = say("“{state}”已经作废，不能再办。", state=_state(case_type, state))
            yield _Finding((*at, "from"), what, say("从 from 里去掉它。"))
        elif phase == "closed" and end != "closed" and not act.reopens:
            what = say("从办结再回到办理，没有写是重新办理。")
            yield _Finding((*at, "to"), what, say("加上 reopens = true。"))
        elif act.reopens and (phase != "closed" or end not in ("open", "answered")):
            what = say("重新办理只能从办结回到办理。")
            yield _Finding((*at, "reopens"), what, say("改 from 或 to，或删去 reopens。"))
    if act.within_days is not None and not act.reopens:
        yield _Finding(
            (*at, "within_days"), say("只有重新办理才限天数。"), say("加上 reopens = true，或删去这一行。")
        )


def _nobody_there(path: KeyPath) -> _Finding:
    what = say("事项不是关于一户企业的，没有企业可以办。")
    return _Finding(path, what, say('改 by，或把 subject 改成 "enterprise"。'))


# -- clocks ----------------------------------------------------------------------------------------


def _limits(case_type: CaseType) -> Iterator[_Finding]:
    """Limits, and how far they may be extended, are in days or in hours, as the clock counts."""
    for number, clock in enumerate(case_type.clocks):
        at: KeyPath = ("clock", number)
        key, other = _keys_of(clock)
        for path, table in ((at, clock), ((*at, "extension"), clock.extension)):
            if table is not None and getattr(table, other) is not None:
                yield _other_unit((*path, other), clock, key, other)
            elif table is not None and getattr(table, key) is None:
                what = say(
                    "时限“{clock}”按{unit}计，没有写 {key}。", clock=clock.name, unit=_unit(clock), key=key
                )
                yield _Finding(path, what, say("加上一行，例如：{example}", example=f"{key} = 5"))
        least, most = (1, MOST_HOURS) if clock.unit == "hour" else (0, MOST_DAYS)
        wrong = [amount for amount in clock.by_kind.values() if not least <= amount <= most]
        if wrong:
            what = say(
                "时限“{clock}”按{unit}计，应在 {least} 到 {most} 之间，写的是 {found}。",
                clock=clock.name,
                unit=_unit(clock),
                least=least,
                most=most,
                found=wrong[0],
            )
            yield _Finding((*at, "by_kind"), what, say("改成范围内的整数。"))


def _keys_of(clock: Clock) -> tuple[str, str]:
    """What its limits are written as, and what not."""
    return ("hours", "days") if clock.unit == "hour" else ("days", "hours")


def _unit(clock: Clock) -> Message:
    return say("小时") if clock.unit == "hour" else say("日")


def _other_unit(path: KeyPath, clock: Clock, key: str, other: str) -> _Finding:
    what = say("时限“{clock}”按{unit}计，不能写 {other}。", clock=clock.name, unit=_unit(clock), other=other)
    return _Finding(path, what, say("改成 {key}，或改 unit。", key=key))


def _shares(case_type: CaseType) -> Iterator[_Finding]:
    for number, clock in enumerate(case_type.clocks):
        at: KeyPath = ("clock", number, "warn_at")
        read = [_whole_share(share) for share in clock.warn_at]
        wrong = [share for share, level in zip(clock.warn_at, read, strict=True) if level is None]
        if wrong:
            what = say("“{share}”不是 1% 到 100% 的整数百分比。", share=wrong[0])
            yield _Finding(at, what, say('写成 "80%" 的样子。'))
        elif any(one >= two for one, two in pairwise(level for level in read if level is not None)):
            yield _Finding(at, say("提醒要由早到晚，不重复。"), say("按百分比由小到大写。"))
    for number, escalation in enumerate(case_type.escalations):
        counted = case_type.clock(escalation.clock)
        if counted is None:
            continue  # told already
        key, other = (f"overdue_{name}" for name in _keys_of(counted))
        if getattr(escalation, other) is not None:
            yield _other_unit(("escalation", number, other), counted, key, other)
        elif (escalation.at is None) is (escalation.overdue is None):
            what = say("at 和 {key} 应写一项，也只写一项。", key=key)
            fix = say('例如：{key} = 1，或 at = "100%"。', key=key)
            yield _Finding(("escalation", number), what, fix)


def _whole_share(text: str) -> int | None:
    number = text.removesuffix("%")
    if not text.endswith("%") or not number.isascii() or not number.isdigit():
        return None
    return int(number) if 1 <= int(number) <= 100 else None


def _clocks(case_type: CaseType) -> Iterator[_Finding]:
    acts = list(acts_with_place(case_type))
    for number, clock in enumerate(case_type.clocks):
        at: KeyPath = ("clock", number)
        ways = clock_ways(case_type, clock.id)
        if not any("running" in doing for doing in ways.values()):
            what = say("时限“{clock}”从不开始。", clock=clock.name)
            yield _Finding(at, what, say("在 [opening] 或某个动作的 starts 里加上“{id}”。", id=clock.id))
            continue
        extended = False
        for place, act in acts:
            doing = {one for state in act.from_states for one in ways.get(state, ())}
            here: KeyPath = ("act", place)
            if (
                clock.id in act.starts
                and not doing.isdisjoint(("running", "paused"))
                and clock.id not in act.stops
            ):
                what = say("“{act}”时，时限“{clock}”可能已经在计。", act=act.name, clock=clock.name)
                fix = say("先在走到这里的动作里停下它，或从 starts 里去掉。")
                yield _Finding((*here, "starts"), what, fix)
            for key, ready, word in (
                ("stops", ("running", "paused"), say("停下")),
                ("pauses", ("running",), say("暂停")),
                ("resumes", ("paused",), say("恢复")),
                ("extends", ("running", "paused"), say("延长")),
            ):
                if clock.id in getattr(act, key) and doing.isdisjoint(ready):
                    what = say(
                        "“{act}”时，没有正待{word}的时限“{clock}”。",
                        act=act.name,
                        word=word,
                        clock=clock.name,
                    )
                    yield _Finding(
                        (*here, key), what, say("从 {key} 里去掉它，或检查它从哪里开始。", key=key)
                    )
            if clock.id in act.extends:
                extended = True
                if clock.extension is None:
                    what = say("时限“{clock}”没有写怎样延长。", clock=clock.name)
                    fix = say("在时限里加上 extension，写明次数和每次至多多久，或从 extends 里去掉它。")
                    yield _Finding((*here, "extends"), what, fix)
            if clock.id not in act.stops and act.to is not None and _phase(case_type, act.to) == "closed":
                left = doing & {"running", "paused"}
                if left and any(_phase(case_type, state) != "closed" for state in act.from_states):
                    what = say("“{act}”后办结，时限“{clock}”没有停。", act=act.name, clock=clock.name)
                    fix = say("在这个动作或以前的动作的 stops 里加上“{id}”。", id=clock.id)
                    yield _Finding(here, what, fix)
        if clock.extension is not None and not extended:
            what = say("时限“{clock}”可以延长，却没有动作延长它。", clock=clock.name)
            fix = say("在某个动作的 extends 里加上“{id}”，或删去 extension。", id=clock.id)
            yield _Finding((*at, "extension"), what, fix, "warning")


def _escalations(case_type: CaseType) -> Iterator[_Finding]:
    by_clock: dict[str, list[tuple[int, Escalation]]] = {}
    for number, escalation in enumerate(case_type.escalations):
        by_clock.setdefault(escalation.clock, []).append((number, escalation))
        clock = case_type.clock(escalation.clock)
        assert clock is not None
        if not clock.warnings:
            what = say("时限“{clock}”没有提醒就上报。", clock=clock.name)
            yield _Finding(
                ("escalation", number, "clock"), what, say('给时限加上 warn_at，例如 ["80%"]。'), "warning"
            )
        elif escalation.at is not None and read_share(escalation.at) < clock.warnings[0]:
            what = say("上报（{at}）早于第一次提醒（{first}%）。", at=escalation.at, first=clock.warnings[0])
            yield _Finding(("escalation", number, "at"), what, say("先提醒承办人，再上报。"))
    for rows in by_clock.values():
        ordered = sorted(rows, key=lambda row: _moment(row[1]))
        for (_, sooner), (number, later) in pairwise(ordered):
            if later.levels <= sooner.levels:
                what = say(
                    "后一次上报的级数（{later}）没有高于前一次（{sooner}）。",
                    later=later.levels,
                    sooner=sooner.levels,
                )
                yield _Finding(("escalation", number, "levels"), what, say("越晚报得越高，或删去一条。"))


def _moment(escalation: Escalation) -> tuple[int, int]:
    """Shares come before time overdue, shares above all included."""
    if escalation.overdue is not None:
        return 1, escalation.overdue
    return 0, read_share(escalation.at or "100%")


# -- conditions ------------------------------------------------------------------------------------


def _conditions(case_type: CaseType) -> Iterator[_Finding]:
    opened = {kind for _, act in acts_with_place(case_type) for kind in act.opens}
    confirmed = confirmed_before(case_type)
    for number, act in enumerate(case_type.acts):
        at: KeyPath = ("act", number, "needs")
        if act.needs.confirmed and confirmed.isdisjoint(act.from_states):
            what = say("“{act}”要企业确认过，在它以前没有确认的动作。", act=act.name)
            yield _Finding((*at, "confirmed"), what, say("给企业一个 confirms = true 的动作，排在它以前。"))
        for wanted in act.needs.closed:
            if wanted not in opened:
                what = say("“{act}”要有办结的“{type}”，没有动作引出它。", act=act.name, type=wanted)
                yield _Finding(
                    (*at, "closed"), what, say("在以前的某个动作的 opens 里加上“{id}”。", id=wanted)
                )


def _phase(case_type: CaseType, state: str) -> str:
    found = case_type.state(state)
    assert found is not None, state
    return found.phase


def _state(case_type: CaseType, state: str) -> str:
    found = case_type.state(state)
    return state if found is None else found.name
