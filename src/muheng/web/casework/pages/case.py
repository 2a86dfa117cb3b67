"""One case: how it stands, whose turn it is, what may be done next, and everything that happened. Also as it was once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.casework.document import CaseType, Part
from muheng.casework.history import BrokenHistory, Event, built_ins, replay
from muheng.casework.standing import RUNNING, Offer, Standing, next_due, offers
from muheng.web.casework import actions, queries
from muheng.web.casework.bars import Bar, draw_bars, say_clock
from muheng.web.casework.changes import name_of_act
from muheng.web.casework.duplicates import find_duplicates
from muheng.web.casework.forms import (
    Sheet,
    Typed,
    ask_act,
    name_kinds,
    read_act,
    read_typed,
    take_files,
)
from muheng.web.casework.hands import list_hands, read_hand
from muheng.web.casework.kinds import calendar, case_types, find_type
from muheng.web.casework.models import AnswerTemplate, Case, CaseFile
from muheng.web.casework.routing import proposed_office
from muheng.web.casework.story import Entry, FileLink, list_files, say_value, tell
from muheng.web.casework.templates import templates_for
from muheng.web.casework.ways import ways_of
from muheng.web.casework.wording import Due, say_due, say_end, say_kind, say_part, say_rating, say_state
from muheng.web.files.attachments import ACCEPT
from muheng.web.files.pages import download
from muheng.web.people.models import Organisation, User
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.request import Request
from muheng.web.templatetags.words import day as say_day
from muheng.web.templatetags.words import moment as say_mark

PLAIN = ("note", "attach", "assign", "urge")
"""The acts that every type has which have a form on the page; the others have pages of their own, or are the site's."""
_CHAIN = 60


@dataclass
class Seen:
    """A case as one person sees it, now or at a moment of the past; what is asked for once is kept."""

    user: User
    case: Case
    until: datetime | None = None

    @cached_property
    def case_type(self) -> CaseType:
        return find_type(self.case.type)

    @cached_property
    def all_events(self) -> list[Event]:
        return actions.events_of(self.case)

    @cached_property
    def events(self) -> list[Event]:
        until = self.until
        return [event for event in self.all_events if until is None or event.at <= until]

    @cached_property
    def standing(self) -> Standing:
        try:
            return replay(self.case_type, self.events, calendar())
        except BrokenHistory as broken:
            raise Http404(str(broken)) from broken

    @cached_property
    def parts(self) -> frozenset[Part]:
        return queries.parts_of(self.user, self.case)

    @cached_property
    def inside(self) -> bool:
        return queries.sees_inside(self.user, self.case)

    @cached_property
    def personal(self) -> bool:
        return queries.sees_personal(self.user, self.case)

    @cached_property
    def values(self) -> Mapping[str, str]:
        """Personal values, for who may read them."""
        return dict(self.case.personal.values_list("field", "value")) if self.personal else {}

    @cached_property
    def files(self) -> list[FileLink]:
        last = self.standing.version if self.until is not None else None
        return list_files(self.case, self.inside, last)

    @cached_property
    def offers(self) -> tuple[Offer, ...]:
        if self.until is not None:
            return ()
        return offers(self.case_type, self.standing, self.parts, timezone.now())

    @cached_property
    def plain_acts(self) -> tuple[str, ...]:
        """Acts that every type has; an enterprise adds and asks, officials also give on."""
        if self.until is not None:
            return ()
        found = [name for name in built_ins(self.standing, self.parts) if name in PLAIN]
        return tuple(name for name in PLAIN if name in found)


def find_seen(request: Request, number: str) -> Seen:
    """The case as the person sees it, at the moment that the address asks for. Raises Http404."""
    return Seen(
        request.user, queries.find_case(request.user, number), _read_moment(request.GET.get("until", ""))
    )


def _read_moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if timezone.is_naive(found):
        try:
            found = timezone.make_aware(found)
        except (ValueError, OverflowError):
            return None
    # A minute is meant whole.
    return min(found.replace(second=59, microsecond=999_999), timezone.now())


# -- the page ----------------------------------------------------------------------------------------------


def show(request: Request, number: str) -> HttpResponse:
    """A case, with the form of one act where one was chosen or is due."""
    seen = find_seen(request, number)
    return _show(request, seen, _sheet(seen, request.GET.get("act", ""), request.GET.get("child", "")))


def _show(
    request: Request,
    seen: Seen,
    sheet: Sheet | None,
    refused: Refused | None = None,
    lost: Typed | None = None,
) -> HttpResponse:
    """``lost``: what was typed for an act that cannot be done any more."""
    case, standing, now = seen.case, seen.standing, timezone.now()
    if seen.until is not None:
        now = min(now, seen.until)
    chain = _chain(seen, now)
    context = {
        "case": case,
        "type": seen.case_type.title(language()),
        "standing": standing,
        "state": say_state(seen.case_type, standing.state),
        "kind": say_kind(seen.case_type, standing.kind),
        "waits": _say_waits(seen),
        "hands": _say_hands(seen),
        "number": _number(seen, now),
        "bars": draw_bars(seen.case_type, standing, now),
        "values": _values(seen),
        "entries": _entries(seen),
        "files": seen.files,
        "chain": chain if len(chain) > 1 else [],
        "linked": {each.number for each in chain} if not seen.inside else None,
        "acts": _act_links(seen, sheet),
        "blocked": [(offer.act.title(language()), offer.missing) for offer in seen.offers if offer.missing],
        "sheet": sheet,
        "refused": refused,
        "changes": getattr(refused, "changes", None),
        "lost": lost,
        "lost_fields": _name_fields(seen.case_type, lost) if lost is not None else [],
        "accept": ACCEPT,
        "inside": seen.inside,
        "until": seen.until,
        "first": timezone.localtime(standing.opened_at),
        "together": _together(seen),
        "supervise": _may_supervise(seen, now),
        "ratings": [
            (str(stars), "★" * stars + "☆" * (5 - stars), say_rating(stars)) for stars in range(5, 0, -1)
        ],
        "ways": ways_of(case, request.user),
        "alike": _alike(seen),
        "templates": _texts(seen) if sheet is not None and sheet.note != "none" else (),
    }
    return render(request, "casework/show.html", context, status=refused.status if refused else 200)


def _name_fields(case_type: CaseType, typed: Typed) -> list[tuple[str, str]]:
    """What was typed, under the titles that it was typed under."""
    named = [(case_type.field(name), text) for name, text in typed.fields.items() if text.strip()]
    return [(field.title(language()), text) for field, text in named if field is not None]


@dataclass(frozen=True)
class ActLink:
    """A button: the act that it opens the form of."""

    id: str
    title: str
    chosen: bool
    plain: bool
    blocked: bool = False


def _act_links(seen: Seen, sheet: Sheet | None) -> list[ActLink]:
    chosen = sheet.act if sheet is not None else ""
    declared = [
        ActLink(offer.act.id, offer.act.title(language()), offer.act.id == chosen, False, bool(offer.missing))
        for offer in seen.offers
    ]
    return declared + [
        ActLink(name, name_of_act(seen.case_type, name), name == chosen, True) for name in seen.plain_acts
    ]


def _way(seen: Seen, offer: Offer) -> int:
    """Where an act leads: 0 on, 1 nowhere else, 2 back or out."""
    act = offer.act
    target = seen.case_type.state(act.to) if act.to is not None else None
    if act.returns or (target is not None and target.phase == "void"):
        return 2
    return 0 if target is not None else 1


def _sheet(
    seen: Seen, asked: str, child: str = "", typed: Typed | None = None, child_typed: Typed | None = None
) -> Sheet | None:
    """The form of the act that was asked for; without one, of the first where it is this person's turn."""
    if not asked and seen.until is None:
        state = seen.case_type.state(seen.standing.state)
        if state is not None and state.waits_for in seen.parts:
            ahead = (each for each in seen.offers if not each.missing and _way(seen, each) == 0)
            asked = next((each.act.id for each in ahead), "")
    if asked in seen.plain_acts:
        return _plain_sheet(seen, asked, typed)
    offer = next((offer for offer in seen.offers if offer.act.id == asked), None)
    if offer is None:
        return None
    act = offer.act
    groups = list_hands(seen.case, proposed_office(seen.case_type, seen.case)) if _gives(seen, act.id) else []
    if act.assigns != "none" and typed is None and groups and groups[0].proposed:
        typed = Typed(kind=seen.standing.kind or "", to=groups[0].hands[0].value)
    return ask_act(
        seen.case_type,
        seen.standing,
        act,
        groups=tuple(groups),
        personal=seen.values,
        child=child,
        child_typed=child_typed,
        typed=typed,
        missing=offer.missing,
    )


def _gives(seen: Seen, act_id: str) -> bool:
    """Whether the act lets an official choose an office."""
    act = seen.case_type.act(act_id)
    return act is not None and seen.inside and (act.assigns != "none" or bool(act.opens))


def _plain_sheet(seen: Seen, name: str, typed: Typed | None) -> Sheet:
    case_type = seen.case_type
    sheet = Sheet(
        act=name,
        title=name_of_act(case_type, name),
        note="required" if name == "note" else "optional",
        labels=case_type.labels if name in ("note", "attach") else (),
        takes_files=name in ("note", "attach"),
        internal=name == "note" and seen.inside,
        typed=typed or Typed(kind=seen.standing.kind or ""),
    )
    if name != "assign":
        return sheet
    groups = list_hands(seen.case, proposed_office(case_type, seen.case))
    return replace(sheet, assigns="required", groups=tuple(groups), kinds=name_kinds(case_type))


# -- acting ---------------------------------------------------------------------------------------------------


@require_POST
def act(request: Request, number: str) -> HttpResponse:
    """Do one act. A refusal shows the page again, with everything that was typed and the files that were brought."""
    seen = Seen(request.user, queries.find_case(request.user, number))
    name = request.POST.get("act", "")
    typed, bad = take_files(request, read_typed(request.POST), _labels(seen, name, request))
    child = read_typed(request.POST, "child-")
    sheet = _sheet(seen, name, request.POST.get("child-type", ""), typed, child)
    try:
        if bad is not None:
            raise bad
        _act(seen, name, sheet, typed, read_version(request))
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        again = Seen(request.user, queries.find_case(request.user, number))
        sheet = _sheet(again, name, request.POST.get("child-type", ""), typed, child) if name else None
        return _show(request, again, sheet, refused, typed if sheet is None else None)
    messages.success(request, _("“%(act)s”已办。") % {"act": name_of_act(seen.case_type, name)})
    return redirect("casework:show", seen.case.number)


def read_version(request: Request) -> int:
    """The version that the form was made for; a form without one is as old as can be."""
    text = request.POST.get("seen", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _labels(seen: Seen, name: str, request: Request) -> tuple[str, ...]:
    act = seen.case_type.act(name)
    if act is not None and act.opens:
        asked = request.POST.get("child-type", "")
        return find_type(asked if asked in act.opens else act.opens[0]).labels
    return seen.case_type.labels


def _act(seen: Seen, name: str, sheet: Sheet | None, typed: Typed, version: int) -> None:
    declared = seen.case_type.act(name)
    if declared is None and name not in PLAIN:
        raise Refused(_("没有这个动作。"), status=422, code="invalid")
    given: dict[str, Any] = {}
    if sheet is not None and declared is not None:
        given = read_act(seen.case_type, seen.standing, declared, sheet, seen.values)
    elif sheet is not None:
        given = _plain_given(seen, name, sheet)
    actions.act(seen.user, seen.case, name, seen=version, **given)


def _plain_given(seen: Seen, name: str, sheet: Sheet) -> dict[str, Any]:
    typed = sheet.typed
    given: dict[str, Any] = {"note": typed.note}
    if sheet.takes_files:
        given["files"] = typed.attachments
    if name == "note":
        given["internal"] = typed.internal and sheet.internal
    if name == "assign":
        given["organisation"], given["handler"] = read_hand(typed.to, list(sheet.groups))
        if typed.kind and typed.kind != seen.standing.kind:
            given["kind"] = typed.kind
    return given


# -- its pieces ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """The one figure that matters: what it says, and what it is about."""

    text: str
    about: str
    tone: str = ""
    doubt: str = ""


def _number(seen: Seen, now: datetime) -> Number:
    standing = seen.standing
    if standing.phase not in RUNNING:
        told = say_end(standing)
        late = any(clock.late for clock in standing.runs)
        return Number(told, _say_took(standing), "wrong" if late else "")
    due = next_due(standing)
    if due is not None:
        name, deadline, provisional = due
        clock = seen.case_type.clock(name)
        shown = say_due(seen.case_type, deadline, name, provisional, False, now)
        about = _("%(clock)s，%(day)s到期") % {
            "clock": clock.title(language()) if clock is not None else name,
            "day": say_mark(deadline),
        }
        return Number(shown.text, about, shown.tone, shown.doubt)
    paused = [clock for clock in standing.clocks.values() if clock.paused]
    if paused:
        shown = say_clock(paused[0], now)
        return Number(shown.text, paused[0].pauses[-1].reason, "warn")
    return Number(say_state(seen.case_type, standing.state), _("没有在计的时限"))


def _say_took(standing: Standing) -> str:
    if standing.closed_at is None:
        return ""
    first, last = timezone.localdate(standing.opened_at), timezone.localdate(standing.closed_at)
    days = calendar().count_working_days(first, last)
    return _("%(day)s结束，历时%(days)d个工作日") % {"day": say_day(last), "days": days}


def _say_waits(seen: Seen) -> str:
    state = seen.case_type.state(seen.standing.state)
    if state is None or state.waits_for == "nobody" or seen.standing.phase not in RUNNING:
        return ""
    return say_part(state.waits_for)


def _say_hands(seen: Seen) -> str:
    """The office and the person who have it; as it was, where the past is asked for."""
    if seen.until is None:
        office, person = seen.case.organisation, seen.case.handler
    else:
        office = Organisation.objects.get(pk=seen.standing.organisation)
        person = User.objects.filter(pk=seen.standing.handler).first()
    name = person.name if person is not None else _("还没有指定承办人")
    return f"{office.title} · {name}" if seen.inside else office.title


def _values(seen: Seen) -> list[tuple[str, str, bool]]:
    """What was filled in: title, text, and whether it is long."""
    standing, told = seen.standing, []
    for declared in seen.case_type.fields:
        if declared.id == "title" or (declared.id not in standing.fields and not declared.personal):
            continue
        if declared.personal:
            if standing.erased:
                text = _("已抹去")
            elif declared.id not in standing.fields:
                continue
            else:
                text = seen.values.get(declared.id, "") if seen.personal else _("已隐藏")
        else:
            text = say_value(standing.fields[declared.id], declared.unit or "", declared.type)
        told.append((declared.title(language()), text, declared.type == "long"))
    return told


def _entries(seen: Seen) -> list[Entry]:
    return tell(seen.case_type, seen.events, seen.files, seen.inside, seen.personal)


@dataclass(frozen=True)
class Link:
    """A case of the same thread; ``depth``: how far below the first."""

    number: str
    title: str
    type: str
    state: str
    phase: str
    due: Due
    depth: int
    here: bool


def _chain(seen: Seen, now: datetime) -> list[Link]:
    """The cases that came one out of the other, as far as the person may see them, each below what it came from."""
    root = seen.case.thread_id or seen.case.pk
    visible = queries.visible_cases(seen.user)
    # Asked apart and put in order here: asked together, SQLite walks every case by its day of opening.
    rest = visible.filter(thread=root).exclude(pk=root).order_by("pk")[:_CHAIN]
    found = sorted([*visible.filter(pk=root), *rest], key=lambda each: (each.opened_at, each.pk))
    below: dict[int | None, list[Case]] = {}
    known = {each.pk for each in found}
    for each in found:
        below.setdefault(each.parent_id if each.parent_id in known else None, []).append(each)
    links: list[Link] = []

    def add(rows: Collection[Case], depth: int) -> None:
        for each in rows:
            links.append(_link(each, depth, each.pk == seen.case.pk, now))
            add(below.get(each.pk, ()), depth + 1)

    add(below.get(None, ()), 0)
    return links


def _link(case: Case, depth: int, here: bool, now: datetime) -> Link:
    case_type = case_types()[case.type]
    due = Due("")
    if case.live:
        due = say_due(case_type, case.deadline, case.due_clock, case.provisional, case.paused, now)
    state = say_state(case_type, case.state)
    return Link(
        case.number, case.title, case_type.title(language()), state, case.phase, due, min(depth, 4), here
    )


def _together(seen: Seen) -> list[str]:
    """Which pages of joining there are for this person: ``merge``, ``split``."""
    if seen.until is not None or not seen.inside:
        return []
    able = built_ins(seen.standing, seen.parts)
    found = ["merge"] if "merge" in able and seen.case_type.merged and seen.case.enterprise_id else []
    return [*found, *(["split"] if "split" in able and _is_split(seen.case_type) else [])]


def _is_split(case_type: CaseType) -> bool:
    """What enterprises ask may be several things at once; a visit or a hazard is one."""
    return case_type.merged is not None


def _may_supervise(seen: Seen, now: datetime) -> bool:
    """Whether the person may order that a late case be brought to its end."""
    late = seen.case.is_overdue(now)
    return seen.until is None and late and "leader" in seen.parts and SUPERVISION in case_types()


SUPERVISION = "supervision"


def _texts(seen: Seen) -> list[AnswerTemplate]:
    """What an office answers with often."""
    return list(templates_for(seen.user, seen.case)) if seen.inside else []


def _alike(seen: Seen) -> list[Case]:
    """Cases that may say the same, for who may put one into the other."""
    if "merge" not in _together(seen):
        return []
    return [each.case for each in find_duplicates(seen.user, seen.case)]


# -- files, paper -----------------------------------------------------------------------------------------------


def file(request: Request, number: str, file: int) -> FileResponse:
    """A file of the case, to be saved; those of internal notes for officials only."""
    case = queries.find_case(request.user, number)
    found = get_object_or_404(CaseFile.objects.select_related("stored"), pk=file, case=case)
    if found.internal and not queries.sees_inside(request.user, case):
        raise Http404
    return download(found.stored)


def paper(request: Request, number: str) -> HttpResponse:
    """The case on paper, without what is internal unless it is asked for."""
    seen = find_seen(request, number)
    inside = seen.inside and "inside" in request.GET
    entries = tell(
        seen.case_type,
        seen.events,
        [each for each in seen.files if inside or not each.internal],
        inside,
        seen.personal,
    )
    now = timezone.now()
    bars: list[Bar] = draw_bars(seen.case_type, seen.standing, now)
    context = {
        "case": seen.case,
        "type": seen.case_type.title(language()),
        "state": say_state(seen.case_type, seen.standing.state),
        "kind": say_kind(seen.case_type, seen.standing.kind),
        "hands": _say_hands(seen),
        "number": _number(seen, now),
        "bars": bars,
        "values": _values(seen),
        "entries": entries[::-1],
        "may_inside": seen.inside,
        "inside": inside,
        "standing": seen.standing,
        "until": seen.until,
        "now": timezone.now(),
    }
    return render(request, "casework/paper.html", context)
