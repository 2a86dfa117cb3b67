"""Whom an event of a case is told, in sentences that say what is to be done.

Whoever has the next step hears that it is theirs, whoever waits hears what was done, the heads where it is late, and
the channels of the office. Nobody is told of their own deeds, and nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from muheng.casework.clock_standing import end_of
from muheng.casework.document import CaseType
from muheng.casework.history import Event
from muheng.casework.standing import Standing
from muheng.web.casework.changes import name_of_act
from muheng.web.casework.holders import leaders_above, people_of, representatives
from muheng.web.casework.kinds import find_type
from muheng.web.casework.mirror import read_deadline
from muheng.web.casework.models import Case
from muheng.web.notices.actions import tell, tell_channel
from muheng.web.people.models import Organisation, User
from muheng.web.reading import language
from muheng.web.templatetags.words import moment

ROOM = "casework"
OFFICIALS = ("handler", "desk", "leader")
MOST_OF_A_NOTE = 300


@dataclass(frozen=True)
class Word:
    """What some people are told; the first word that somebody gets is the one they are told."""

    people: Iterable[User]
    subject: Any
    more: Any = ""
    urgent: bool = False


@dataclass(frozen=True)
class Call:
    """What the channels of offices are told."""

    offices: tuple[Organisation, ...]
    subject: Any
    urgent: bool = False


def tell_of(case: Case, event: Event, actor: User | None, standing: Standing) -> None:
    """Tell who has to know of an event that was just written, in its transaction."""
    case_type = find_type(case.type)
    words, calls = _find_words(case, case_type, event, standing)
    told = {actor.pk} if actor is not None else set()
    key, href = f"case:{case.pk}:{event.number}", reverse("casework:show", args=[case.number])
    for word in words:
        people = {person.pk: person for person in word.people if person.pk not in told}
        told |= set(people)
        text = _lines(_about(case), word.more)
        tell(people.values(), word.subject, text, href, room=ROOM, key=key, urgent=word.urgent, at=event.at)
    for call in calls:
        tell_channel(
            call.offices,
            call.subject,
            _about(case),
            href,
            room=ROOM,
            key=key,
            urgent=call.urgent,
            at=event.at,
        )


Found = tuple[list[Word], list[Call]]


def _find_words(case: Case, case_type: CaseType, event: Event, standing: Standing) -> Found:
    clocks = {"warn": _warned, "escalate": _escalated, "recount": _recounted}
    if event.act in clocks:
        return clocks[event.act](case, case_type, event)
    if event.act in ("child", "absorb", "erase"):
        return [], []
    if event.act == "child_closed":
        return _child_ended(case, standing), []
    if event.act == "urge":
        urged = _said(_("催办：请尽快办理“%(title)s”"), title=case.title)
        return [Word(_next(case, case_type), urged, _note(event), True)], [Call((case.organisation,), urged)]
    if event.act in ("note", "attach"):
        return _noted(case, case_type, event), []
    if event.act == "merge":
        subject = _said(
            _("“%(title)s”已并入 %(number)s，请到那一件看进展"), title=case.title, number=standing.merged_into
        )
        return [Word(_waiting(case), subject, _note(event))], []
    if event.act == "split":
        subject = _said(
            _("“%(title)s”已拆成 %(count)s 件分别办理"),
            title=case.title,
            count=len(event.data.get("cases") or ()),
        )
        return [Word(representatives(case), subject, _note(event))], []
    return _moved(case, case_type, event)


# -- acts ---------------------------------------------------------------------------------------------------


def _moved(case: Case, case_type: CaseType, event: Event) -> Found:
    """The case was opened, assigned, or moved by an act of its type."""
    act = case_type.act(event.act)
    entered = event.act in ("open", "assign") or (act is not None and act.to is not None)
    if not case.live:
        return (_ended(case, case_type, event) if entered else _rated(case, event)), []
    state = case_type.state(case.state)
    waits_for = state.waits_for if state is not None else "nobody"
    words, calls = [], []
    if entered:
        subject = _next_subject(case, case_type, event, waits_for)
        words.append(Word(_next(case, case_type), subject, _lines(_note(event), _due(case))))
        if waits_for in OFFICIALS:
            calls.append(Call((case.organisation,), subject))
    elif waits_for in OFFICIALS and event.by.part != waits_for:
        words.append(Word(_next(case, case_type), _news(case, case_type, event), _note(event)))
    if event.act != "open":
        words.append(Word(_waiting(case), _news(case, case_type, event), _note(event)))
    return words, calls


def _ended(case: Case, case_type: CaseType, event: Event) -> list[Word]:
    words, note = [], _note(event)
    values = {"title": case.title, "state": _state(case, case_type)}
    asked = any(act.asks_rating and "enterprise" in act.by for act in case_type.acts_from(case.state))
    if case.phase == Case.Phase.CLOSED and asked:
        words.append(Word(representatives(case), _said(_("“%(title)s”已办结，请您评价"), **values), note))
    # What goes on as another case is not over for whom it is about.
    over = case.phase == Case.Phase.CLOSED and not event.data.get("child")
    done = _("“%(title)s”已办结") if over else _("“%(title)s”：%(state)s")
    everybody = [*_waiting(case), *people_of(case, "handler")]
    return [*words, Word(everybody, _said(done, **values), note)]


def _rated(case: Case, event: Event) -> list[Word]:
    rating = event.data.get("rating")
    if not rating:
        return []
    more = _said(_("评 %(rating)s 分，5 分为非常满意。"), rating=rating)
    return [Word(people_of(case, "handler"), _said(_("企业评价了“%(title)s”"), title=case.title), more)]


def _news(case: Case, case_type: CaseType, event: Event) -> Any:
    return _said(_("“%(title)s”有新进展：%(act)s"), title=case.title, act=_act(case_type, event.act))


def _waiting(case: Case) -> list[User]:
    """Who brought it and waits for the end of it."""
    return [*representatives(case), *people_of(case, "opener")]


def _next_subject(case: Case, case_type: CaseType, event: Event, waits_for: str) -> Any:
    act = case_type.act(event.act)
    title = case.title
    if act is not None and act.reopens:
        return _said(_("“%(title)s”要求重新办理，请接着办"), title=title)
    if act is not None and act.returns:
        if waits_for == "enterprise":
            return _said(_("“%(title)s”被退回，请按理由补正后再报"), title=title)
        return _said(_("“%(title)s”被退回，请看理由后再办"), title=title)
    if waits_for == "enterprise":
        if case.phase == Case.Phase.ANSWERED:
            return _said(_("“%(title)s”已答复，请您确认并评价"), title=title)
        return _said(_("“%(title)s”等您办：%(state)s"), title=title, state=_state(case, case_type))
    if waits_for == "handler":
        return _said(_("“%(title)s”已交给您办理"), title=title)
    if waits_for == "leader":
        return _said(_("“%(title)s”请您审批：%(state)s"), title=title, state=_state(case, case_type))
    return _said(_("“%(title)s”等您办：%(state)s"), title=title, state=_state(case, case_type))


def _noted(case: Case, case_type: CaseType, event: Event) -> list[Word]:
    if event.data.get("internal"):
        subject = _said(_("“%(title)s”有内部备注"), title=case.title)
        return [Word([case.handler] if case.handler is not None else [], subject, _note(event))]
    if event.by.part in ("enterprise", "opener"):
        subject = _said(_("“%(title)s”有补充，请看"), title=case.title)
        return [Word(people_of(case, "handler"), subject, _note(event))]
    return [Word(_waiting(case), _news(case, case_type, event), _note(event))]


def _child_ended(case: Case, standing: Standing) -> list[Word]:
    if not case.live:
        return []
    left = sum(not child.ended for child in standing.children.values())
    if left:
        subject = _said(_("“%(title)s”引出的事项办完一件，还有 %(count)s 件"), title=case.title, count=left)
    else:
        subject = _said(_("“%(title)s”引出的事项都已办完，可以接着办了"), title=case.title)
    return [Word(_next(case, find_type(case.type)), subject)]


# -- clocks -------------------------------------------------------------------------------------------------


def _warned(case: Case, case_type: CaseType, event: Event) -> Found:
    level, due = int(event.data["level"]), _due_of(case, event)
    values = {"title": case.title, "due": _when(due), "level": level}
    if level < 100:
        subject = _said(_("“%(title)s”时限已用去 %(level)s%%，请在%(due)s前办"), **values)
    else:
        subject = _said(_("“%(title)s”到期，请马上办：应在%(due)s前办完"), **values)
    calls = [Call((case.organisation,), subject, True)] if level >= 100 else []
    return [Word(_charged(case, case_type), subject, _clock(case_type, event), level >= 100)], calls


def _escalated(case: Case, case_type: CaseType, event: Event) -> Found:
    level, clock, due = int(event.data["level"]), str(event.data["clock"]), _due_of(case, event)
    raised = [each for each in case_type.escalations if each.clock == clock and each.levels == level]
    place, leaders = leaders_above(case.organisation, level)
    values = {
        "title": case.title,
        "due": _when(due),
        "office": _title(case.organisation),
        "place": _title(place),
    }
    if due is not None and event.at > end_of(due):
        subject = _said(_("“%(title)s”（%(office)s）已超期，请您督办：应在%(due)s前办完"), **values)
        own = _said(_("“%(title)s”已超期并上报%(place)s，请马上办：应在%(due)s前办完"), **values)
    else:
        subject = _said(_("“%(title)s”（%(office)s）快到期，请您督办：应在%(due)s前办完"), **values)
        own = _said(_("“%(title)s”快到期并上报%(place)s，请抓紧办：应在%(due)s前办完"), **values)
    parts = [part for each in raised for part in each.tells if part != "leader"]
    told = [person for part in dict.fromkeys(parts) for person in people_of(case, part)]
    if any("leader" in each.tells for each in raised):
        leaders = [*leaders, *people_of(case, "leader")]
    more = _clock(case_type, event)
    return (
        [Word(leaders, subject, more, True), Word(told, own, more, True)],
        [Call((case.organisation,), own, True)],
    )


def _recounted(case: Case, case_type: CaseType, event: Event) -> Found:
    dues = event.data["fields"]
    subject = _said(
        _("“%(title)s”的期限由%(old)s改为%(new)s"),
        title=case.title,
        old=_when(read_deadline(dues["old"])),
        new=_when(read_deadline(dues["new"])),
    )
    more = _lines(_clock(case_type, event), _("放假安排公布或调整，按新的工作日重新计算。"))
    return [
        Word(_charged(case, case_type), subject, more),
        Word(_waiting(case), subject, more),
    ], []


def _charged(case: Case, case_type: CaseType) -> list[User]:
    """Whom a clock is running for: the officials who have the next step, else those who have the case."""
    state = case_type.state(case.state)
    waits_for = state.waits_for if state is not None else "handler"
    return people_of(case, waits_for if waits_for in OFFICIALS else "handler")


def _next(case: Case, case_type: CaseType) -> list[User]:
    state = case_type.state(case.state)
    return people_of(case, state.waits_for) if state is not None else []


def _due_of(case: Case, event: Event) -> date | None:
    found = case.dues.get(str(event.data["clock"]))
    return read_deadline(found) if found else None


# -- words in the reader's language ---------------------------------------------------------------------------


def _said(template: Any, **values: Any) -> Any:
    """A sentence that is put together when it is read: in the language of whom it is for."""
    return _later(lambda: str(template) % {name: str(value) for name, value in values.items()})


def _later(text: Callable[[], str]) -> Any:
    return lazy(text, str)()


def _lines(*lines: Any) -> Any:
    return _later(lambda: "\n".join(text for text in map(str, lines) if text))


def _about(case: Case) -> Any:
    """Which case it is: its number and whose."""
    return f"{case.number} {case.enterprise.name}" if case.enterprise is not None else case.number


def _note(event: Event) -> Any:
    if event.data.get("internal") and event.act != "note":
        # A step is told to the enterprise too: what it may not read stands in the case alone.
        return ""
    reason, note = event.data.get("reason"), str(event.data.get("note") or "").strip()
    return "\n".join(text for text in (reason, note[:MOST_OF_A_NOTE]) if text)


def _due(case: Case) -> Any:
    return _said(_("请在%(due)s前办完。"), due=_when(case.deadline)) if case.due is not None else ""


def _when(value: date | None) -> Any:
    return _later(lambda: moment(value))


def _title(office: Organisation) -> Any:
    return _later(lambda: office.title)


def _state(case: Case, case_type: CaseType) -> Any:
    state = case_type.state(case.state)
    return _later(lambda: state.title(language()) if state is not None else case.state)


def _act(case_type: CaseType, act_id: str) -> Any:
    return _later(lambda: name_of_act(case_type, act_id))


def _clock(case_type: CaseType, event: Event) -> Any:
    declared = case_type.clock(str(event.data["clock"]))
    return _later(lambda: declared.title(language()) if declared is not None else "")
