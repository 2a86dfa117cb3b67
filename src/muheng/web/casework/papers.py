"""The weekly meeting sheet and the monthly review: put together from the cases, issued once, and found again years later.

A draft is made anew each time it is looked at. Issued, it is kept as it was handed out: its data, its Word file and its
workbook, under the digests of their content; issuing again makes another edition.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.casework.clock_standing import begin_of, end_of
from muheng.casework.figures import Figures
from muheng.casework.history import BUILT_INS
from muheng.casework.period import Period, period_of
from muheng.cities.pack import find_pack
from muheng.documents.message import Refusal
from muheng.reports.meeting import Item, Line, Meeting, Visited
from muheng.reports.meeting_files import find_template, write_docx, write_xlsx
from muheng.reports.review import Review, Standing
from muheng.web.audit.actions import record
from muheng.web.casework import measures
from muheng.web.casework.kinds import calendar, case_types
from muheng.web.casework.measures import Cut, InHand, Sight
from muheng.web.casework.models import Case, CaseEvent, Paper
from muheng.web.casework.queries import LEAD, VIEW
from muheng.web.files.actions import store
from muheng.web.people.models import Organisation
from muheng.web.people.rights import holds, require
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by

Kind = Literal["meeting", "review"]
MODELS: dict[str, type[Meeting] | type[Review]] = {"meeting": Meeting, "review": Review}
MOST = 300
"""Cases that a list in a paper holds."""
TYPICAL = 3
VISIT = "visit"
SAID = 120
"""Letters of the latest progress that are told."""


# -- whose paper it is --------------------------------------------------------------------------------------


def places_of(user: Any) -> list[Organisation]:
    """The city or the counties whose papers a person may see."""
    kinds = Organisation.Kind
    sight = measures.sight_of(user)
    if sight.everything:
        found = Organisation.objects.filter(kind__in=(kinds.CITY, kinds.COUNTY))
        return sorted(found, key=lambda each: (each.kind != kinds.CITY, each.order, each.pk))
    return list(Organisation.objects.filter(pk__in=sight.counties, kind=kinds.COUNTY).order_by("order", "pk"))


def papers_for(user: Any) -> QuerySet[Paper]:
    """The papers that a person may see."""
    if not holds(user, VIEW):
        return Paper.objects.none()
    return Paper.objects.filter(place__in=[each.pk for each in places_of(user)]).select_related(
        "place", "issued_by", "docx", "xlsx"
    )


def may_issue(user: Any, place: Organisation) -> bool:
    return holds(user, LEAD, place)


def _sight(place: Organisation) -> Sight:
    if place.kind == Organisation.Kind.CITY:
        return Sight(everything=True)
    return Sight(counties=frozenset({place.pk}))


def issuer_of(user: Any) -> str:
    """The office in whose name a person issues."""
    held = user.memberships.select_related("organisation", "role").order_by("pk")
    found = [each.organisation for each in held if VIEW in each.role.rights]
    return found[0].name if found else ""


# -- put together ------------------------------------------------------------------------------------------


def draft(
    kind: Kind, place: Organisation, day: date, today: date, issuer: str, said: Sequence[str] = ()
) -> Meeting | Review:
    """The paper of the week or month that a day lies in, as of today. ``said``: what a person adds at its end."""
    period = period_of("week" if kind == "meeting" else "month", day)
    if kind == "meeting":
        return _draft_meeting(place, period, today, issuer, said)
    return _draft_review(place, period, today, issuer, said)


def _draft_meeting(
    place: Organisation, period: Period, today: date, issuer: str, said: Sequence[str]
) -> Meeting:
    sight, cut, last = _sight(place), _cut(), period.until(today)
    now, before = _both(cut, sight, period, today)
    hand = measures.count_in_hand("whole", cut, sight, today).get(None, InHand())

    def behind(figure: measures.Figure) -> QuerySet[Case]:
        return measures.cases_behind(figure, cut, sight, period.first, last, today)

    following = period.next
    lists = {
        "opened_items": behind("opened"),
        "closed_items": behind("closed"),
        "overdue_items": behind("overdue"),
        "escalated_items": behind("escalated").order_by("-level", "turn_at", "pk"),
        "due_items": behind("open").filter(
            turn_at__range=(begin_of(max(today, period.last)), end_of(following.last))
        ),
    }
    visits = _visits(sight, period.first, last)
    totals = {name: rows.count() for name, rows in lists.items()} | {"visits": len(visits)}
    items = {name: _items(rows, today) for name, rows in lists.items()}
    return Meeting(
        title=f"{place.name}{_subject()}办理每周例会材料",
        issuer=issuer,
        place=_scope_name(place),
        subject=_subject(),
        first=period.first,
        last=period.last,
        as_of=today,
        now=now,
        before=before,
        open=hand.open,
        overdue=hand.overdue,
        escalated=hand.escalated,
        counties=_lines("county", cut, sight, period, today) if sight.everything else (),
        visits=visits[:MOST],
        decisions=tuple(said),
        totals=totals,
        **items,
    )


def _draft_review(
    place: Organisation, period: Period, today: date, issuer: str, said: Sequence[str]
) -> Review:
    sight, cut, last = _sight(place), _cut(), period.until(today)
    now, before = _both(cut, sight, period, today)
    hand = measures.count_in_hand("whole", cut, sight, today).get(None, InHand())
    rule = measures.city_ranking()
    only = None if sight.everything else sight.counties
    ranked = measures.rank_counties(period.first, last, period.alike(today), today, only)
    closed = measures.cases_behind("closed", cut, sight, period.first, last, today)
    good = closed.filter(late=False, rating=5, reopened=0).order_by("net_days", "-closed_on", "pk")
    overdue = measures.cases_behind("overdue", cut, sight, period.first, last, today)
    bad = list(_items(overdue.order_by("-level", "turn_at", "pk")[:TYPICAL], today))
    late = closed.filter(late=True).order_by("-net_days", "pk")
    bad += _items(late[: max(TYPICAL - len(bad), 0)], today)
    return Review(
        title=f"{place.name}{_subject()}办理{period.first.year}年{period.first.month}月点评",
        issuer=issuer,
        place=_scope_name(place),
        subject=_subject(),
        first=period.first,
        last=period.last,
        as_of=today,
        now=now,
        before=before,
        open=hand.open,
        overdue=hand.overdue,
        rule=rule.name,
        explained=tuple(each.render() for each in rule.explain()),
        indicators=tuple(each.of for each in rule.indicator),
        standings=tuple(
            Standing(
                name=each.county.name,
                place=each.place.place,
                shared=each.place.shared,
                before=each.before,
                score=each.place.shown_score,
                points={name: each.place.shown_points(name) for name in each.place.points},
                figures=each.place.figures,
                overdue=each.in_hand.overdue,
            )
            for each in ranked
        ),
        kinds=_lines("kind", cut, sight, period, today),
        good=tuple(_items(good[:TYPICAL], today)),
        bad=tuple(bad),
        remarks=tuple(said),
    )


def propose(paper: Meeting | Review) -> list[str]:
    """What a meeting may have to decide, to begin with: what was escalated highest."""
    if isinstance(paper, Review):
        return []
    return [
        f"{each.enterprise}“{each.title}”（{each.number}）已上报到第{each.level}级，请研究。"
        for each in paper.escalated_items[:5]
    ]


def _cut() -> Cut:
    return Cut(types=measures.city_ranking().types)


def _subject() -> str:
    types = case_types()
    return "、".join(types[each].name for each in measures.city_ranking().types)


def _scope_name(place: Organisation) -> str:
    return "全市" if place.kind == Organisation.Kind.CITY else place.name


def _both(cut: Cut, sight: Sight, period: Period, today: date) -> tuple[Figures, Figures]:
    now = measures.measure("whole", cut, sight, period.first, period.until(today), today)
    before = measures.measure("whole", cut, sight, *period.alike(today), today)
    return now.get(None, Figures()), before.get(None, Figures())


def _lines(
    by: Literal["county", "kind"], cut: Cut, sight: Sight, period: Period, today: date
) -> tuple[Line, ...]:
    figures = measures.measure(by, cut, sight, period.first, period.until(today), today)
    hands = measures.count_in_hand(by, cut, sight, today)
    if by == "county":
        names: dict[Any, str] = {each.pk: each.name for each in measures.list_counties()}
    else:
        names = {
            (type_id, kind.id): kind.name
            for type_id, case_type in case_types().items()
            for kind in case_type.kinds
            if (type_id, kind.id) in figures.keys() | hands.keys()
        }
    return tuple(
        Line(
            name=name,
            figures=figures.get(key, Figures()),
            open=hands.get(key, InHand()).open,
            overdue=hands.get(key, InHand()).overdue,
        )
        for key, name in names.items()
    )


_PARTS = {
    "enterprise": "企业",
    "opener": "登记人",
    "desk": "受理岗",
    "leader": "分管领导",
    "room": "业务科室",
    "site": "系统",
}


def _items(rows: QuerySet[Case], today: date) -> tuple[Item, ...]:
    """Cases as papers tell of them, with what was last said of each."""
    cases = list(rows.select_related("enterprise", "county", "organisation__parent", "handler")[:MOST])
    said = _last_said(cases)
    types, days = case_types(), calendar()
    items = []
    for case in cases:
        case_type = types.get(case.type)
        kind = case_type.kind(case.kind) if case_type is not None else None
        office = _office(case.organisation)
        handler = case.handler.name if case.handler is not None else ""
        must_act = handler or office if case.waits_for == "handler" else _PARTS.get(case.waits_for, "")
        over = days.count_working_days(case.due, today) if case.due is not None and case.due < today else 0
        items.append(
            Item(
                number=case.number,
                title=case.title,
                enterprise=case.enterprise.name if case.enterprise is not None else "",
                county=case.county.name if case.county is not None else "",
                kind=kind.name if kind is not None else "",
                office=office,
                handler=handler,
                opened=case.opened_on,
                due=case.due,
                closed=case.closed_on,
                net_days=case.net_days,
                overdue=over if case.live else 0,
                late=case.late,
                level=case.level,
                rating=case.rating,
                progress=said.get(case.pk, ""),
                must_act=must_act if case.live else "",
            )
        )
    return tuple(items)


def _office(place: Organisation) -> str:
    home = place.parent
    if (
        place.kind == Organisation.Kind.DEPARTMENT
        and home is not None
        and home.kind == Organisation.Kind.COUNTY
    ):
        return place.name if place.name.startswith(home.name) else f"{home.name}{place.name}"
    return place.name


def _last_said(cases: Sequence[Case]) -> dict[int, str]:
    """The last note of an official to each case that is not internal, in one line."""
    of_officials = CaseEvent.objects.filter(part__in=("handler", "desk", "leader", "room"))
    silent = [act for act in BUILT_INS if act != "note"]
    rows = (
        of_officials.filter(case__in=[each.pk for each in cases])
        .exclude(act__in=silent)
        .order_by("case_id", "number")
        .values_list("case_id", "data")
    )
    said: dict[int, str] = {}
    for case, data in rows:
        note = " ".join(str(data.get("note") or "").split())
        if note and not data.get("internal"):
            said[case] = note if len(note) <= SAID else note[: SAID - 1] + "…"
    return said


def _visits(sight: Sight, first: date, last: date) -> tuple[Visited, ...]:
    """Visits that were made from ``first`` to ``last``: cases of that type say when, how and what was seen."""
    if VISIT not in case_types():
        return ()
    rows = Case.objects.filter(
        type=VISIT, fields__visited_on__gte=first.isoformat(), fields__visited_on__lte=last.isoformat()
    ).exclude(phase=Case.Phase.VOID)
    # A visit is recorded within a quarter of its being planned: not all that ever were are looked through.
    rows = rows.filter(Q(live=True) | Q(closed_on__gte=first))
    if not sight.everything:
        rows = rows.filter(county__in=sight.counties)
    found = []
    for case in rows.select_related("enterprise", "county", "handler", "opener")[: MOST * 10]:
        person = case.handler or case.opener
        found.append(
            Visited(
                on=date.fromisoformat(case.fields["visited_on"]),
                enterprise=case.enterprise.name if case.enterprise is not None else "",
                county=case.county.name if case.county is not None else "",
                way=str(case.fields.get("way") or ""),
                by=person.name if person is not None else "",
                found=_short(str(case.fields.get("seen") or "")),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.on, each.enterprise)))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SAID else text[: SAID - 1] + "…"


# -- issued ---------------------------------------------------------------------------------------------------


def make_docx(paper: Meeting | Review) -> bytes:
    """The Word file by the city's template. Raises Refused."""
    kind = "meeting" if isinstance(paper, Meeting) else "review"
    try:
        return write_docx(paper, find_template(kind, find_pack(settings.CITY)))
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal


def make_xlsx(paper: Meeting | Review) -> bytes:
    """The workbook."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "paper.xlsx"
        write_xlsx(paper, path)
        return path.read_bytes()


@transaction.atomic
def issue(
    actor: Any,
    kind: Kind,
    place: Organisation,
    day: date,
    said: Sequence[str] = (),
    at: datetime | None = None,
) -> Paper:
    """Keep a paper as it is handed out now. Raises Refused."""
    require(actor, LEAD, place)
    at = at or timezone.now()
    today = measures.day_of(at)
    if period_of("week" if kind == "meeting" else "month", day).first > today:
        raise Refused(
            _("这一期还没有开始。"), _("请选已经开始的一期。"), status=422, code="invalid", at="day"
        )
    paper = draft(kind, place, day, today, issuer_of(actor), clean_lines(said))
    # Two who issue at once: the second waits for the first, and is the next edition.
    Organisation.objects.select_for_update().get(pk=place.pk)
    earlier = Paper.objects.filter(kind=kind, place=place, first=paper.first)
    paper = paper.model_copy(update={"edition": (earlier.aggregate(last=Max("edition"))["last"] or 0) + 1})
    name = f"{paper.title}（{paper.first:%Y%m%d}-{paper.last:%Y%m%d}，第{paper.edition}版）"
    issued = Paper.objects.create(
        kind=kind,
        place=place,
        first=paper.first,
        last=paper.last,
        as_of=today,
        edition=paper.edition,
        title=paper.title,
        data=paper.model_dump(mode="json"),
        docx=store(make_docx(paper), f"{name}.docx", actor),
        xlsx=store(make_xlsx(paper), f"{name}.xlsx", actor),
        issued_by=actor,
        issued_at=at,
    )
    record(
        actor,
        "casework.issue",
        issued,
        docx=issued.docx.sha256,
        xlsx=issued.xlsx.sha256,
        edition=paper.edition,
    )
    return issued


def read_paper(paper: Paper) -> Meeting | Review:
    """What stands in an issued paper."""
    return MODELS[paper.kind].model_validate(paper.data)


def clean_lines(lines: Iterable[str]) -> list[str]:
    """What a person typed, a sentence a line; the paper numbers them."""
    found = [" ".join(line.split()) for line in lines]
    return [line[:300] for line in found if line][:30]
