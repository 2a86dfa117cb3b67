"""Lists of cases: the inboxes that a person has, what is asked of one, the rows that answer, and how they read.

A page of a list has to cost little with a million cases. Each way by which a person sees cases is asked by itself, in
the order of an index and no further than the page reaches; the answers are put together here. One question with all
ways in it makes databases read every case of a county before they sort. Counting stops at a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.casework import queries
from muheng.web.casework.kinds import case_types
from muheng.web.casework.models import Case
from muheng.web.casework.wording import Due, say_due, say_kind, say_state
from muheng.web.entrance import read_number
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds, posts_of
from muheng.web.people.scope import scope_of
from muheng.web.reading import language
from muheng.web.registry.models import Enterprise
from muheng.web.registry.search import ranked

PAGE = 50
FARTHEST = 200
"""Pages that can be turned to; who looks further narrows the list, or takes it as a workbook."""
COUNTED = 1_000
"""Counting stops here: 1000+."""
_MOST_ENTERPRISES = 200
_FIRST_DAY = date(1900, 1, 1)
"""Days before it have no beginning in every zone."""

TABS: dict[str, Any] = {
    "mine": gettext_lazy("等我办"),
    "desk": gettext_lazy("待受理"),
    "office": gettext_lazy("本单位"),
    "overdue": gettext_lazy("已超期"),
    "escalated": gettext_lazy("已上报"),
    "all": gettext_lazy("全部"),
}


@dataclass(frozen=True)
class Question:
    """What is asked of a list; every part is optional. ``since`` and ``until`` are days of opening, both inclusive."""

    tab: str = "all"
    q: str = ""
    type: str = ""
    kind: str = ""
    county: int | None = None
    office: int | None = None
    handler: int | None = None
    state: str = ""
    phase: str = ""
    overdue: bool = False
    since: date | None = None
    until: date | None = None
    enterprise: str = ""

    @property
    def filtered(self) -> bool:
        """Whether it asks for less than its tab has."""
        return self != Question(tab=self.tab)


def read_question(given: QueryDict | Mapping[str, str]) -> Question:
    """The question that an address asks; what cannot be understood is left out."""

    def text(name: str) -> str:
        return (given.get(name) or "").strip().replace("\x00", "")[:100]

    tab = text("tab")
    return Question(
        tab=tab if tab in TABS else "",
        q=text("q"),
        type=text("type"),
        kind=text("kind"),
        county=read_number(text("county")),
        office=read_number(text("office")),
        handler=read_number(text("handler")),
        state=text("state"),
        phase=text("phase") if text("phase") in Case.Phase.values else "",
        overdue=bool(text("overdue")),
        since=read_day(text("since")),
        until=read_day(text("until")),
        enterprise=text("enterprise").upper(),
    )


def read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# -- the inboxes of a person ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Tab:
    """One of a person's inboxes; ``count`` is text, nothing where it is not counted."""

    key: str
    title: Any
    count: str = ""


def tabs_of(user: User) -> list[str]:
    """The inboxes that fit who a person is, what waits for themselves first."""
    has = {
        "mine": holds(user, queries.HANDLE),
        "desk": holds(user, queries.ASSIGN),
        "office": bool(queries.own_offices(user)),
        "overdue": holds(user, queries.LEAD) or bool(queries.own_offices(user)),
        "escalated": holds(user, queries.LEAD),
        "all": True,
    }
    if holds(user, queries.LEAD) and not has["mine"]:
        # Who only leads looks at what is late before everything else.
        return [key for key in ("overdue", "escalated", "all", "desk") if has[key]]
    return [key for key in TABS if has[key]]


def show_tabs(user: User, now: datetime) -> list[Tab]:
    """A person's inboxes with how much is in each, as far as that costs little."""
    return [
        Tab(key, TABS[key], say_count(count(user, Question(tab=key), now)) if key != "all" else "")
        for key in tabs_of(user)
    ]


def first_tab(tabs: Sequence[Tab]) -> str:
    """The inbox that a person begins with: the first with something in it."""
    return next((tab.key for tab in tabs if tab.count not in ("", "0")), tabs[0].key)


def say_count(number: int) -> str:
    return f"{COUNTED}+" if number > COUNTED else f"{number}"


@dataclass(frozen=True)
class Source:
    """The ways by which a list's cases are found, each a condition; ``order`` is what they all are sorted by."""

    ways: tuple[Q, ...]
    order: tuple[str, ...]


_BY_TURN = ("turn_at", "id")
_NEWEST = ("-opened_at", "-id")


def _source(user: User, asked: Question, now: datetime) -> Source:
    tab, live = asked.tab, Q(live=True)
    if tab == "mine":
        return Source((live & Q(handler=user, waits_for="handler"),), _BY_TURN)
    if tab == "office":
        return Source((live & Q(organisation__in=queries.own_offices(user)),), ("assigned", "turn_at", "id"))
    if tab == "desk":
        return Source((live & Q(waits_for="desk") & led_q(user, queries.ASSIGN),), _BY_TURN)
    if tab == "overdue":
        return Source((live & Q(turn_at__lt=now) & _watched_q(user),), _BY_TURN)
    if tab == "escalated":
        return Source((live & Q(level__gt=0) & led_q(user, queries.LEAD),), _BY_TURN)
    return Source(queries.ways_of_sight(user), _BY_TURN if asked.overdue else _NEWEST)


def _watched_q(user: User) -> Q:
    """What somebody has to see is not late: who leads all that they lead, others what lies with their office."""
    if holds(user, queries.LEAD):
        return led_q(user, queries.LEAD)
    return Q(organisation__in=queries.own_offices(user))


def led_q(user: User, right: str) -> Q:
    """The cases that lie with offices which a person has a right for, of the places that they look after."""
    posts = [post for post in posts_of(user) if right in post.rights]
    if any(post.kind == Organisation.Kind.CITY for post in posts):
        return Q()
    below = Q(pk__in=())
    for post in posts:
        below |= Q(path__startswith=post.path)
    offices = list(Organisation.objects.filter(below).order_by().values_list("pk", flat=True))
    own = queries.own_offices(user)
    inside = Q(organisation__in=offices)
    if set(offices) <= own:
        return inside
    return inside & (queries.place_q(user) | Q(organisation__in=own))


# -- what is asked ----------------------------------------------------------------------------------------


def _narrow(rows: QuerySet[Case], asked: Question, now: datetime) -> QuerySet[Case]:
    for name in ("type", "kind", "state", "phase"):
        if value := getattr(asked, name):
            rows = rows.filter(**{name: value})
    for name, column in (("county", "county_id"), ("office", "organisation_id"), ("handler", "handler_id")):
        if (number := getattr(asked, name)) is not None:
            rows = rows.filter(**{column: number})
    if asked.overdue and asked.tab != "overdue":
        rows = rows.filter(live=True, turn_at__lt=now)
    if asked.since is not None:
        rows = rows.filter(opened_at__gte=_midnight(asked.since))
    if asked.until is not None and asked.until < date.max:
        rows = rows.filter(opened_at__lt=_midnight(asked.until + timedelta(days=1)))
    if asked.enterprise:
        rows = rows.filter(enterprise__in=Enterprise.objects.filter(code=asked.enterprise).values("pk"))
    return rows


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(max(day, _FIRST_DAY), time.min))


def _queries(user: User, asked: Question, now: datetime) -> tuple[list[QuerySet[Case]], tuple[str, ...]]:
    """Queries that together find the list, each in its order; a case may be found by several."""
    source = _source(user, asked, now)
    rows = [_narrow(Case.objects.filter(way), asked, now) for way in source.ways]
    if asked.q:
        words = _words(user, asked.q)
        rows = [each.filter(word) for each in rows for word in words]
    return [each.order_by(*source.order) for each in rows], source.order


def _words(user: User, text: str) -> list[Q]:
    """Ways to find a case by what somebody typed: its number, the enterprise, words of its title."""
    folded = text.upper()
    if "-" in folded and folded.replace("-", "").isalnum() and folded.isascii():
        return [Q(number__startswith=folded)]
    title = Q()
    for word in text.split()[:6]:
        title &= Q(title__icontains=word)
    found = list(ranked(scope_of(user), text)[:_MOST_ENTERPRISES])
    return [Q(enterprise__in=found), title] if found else [title]


def find_numbers(
    user: User, asked: Question, start: int, many: int, now: datetime | None = None
) -> list[int]:
    """The primary keys of a stretch of the list, in its order."""
    rows, order = _queries(user, asked, now or timezone.now())
    columns = [name.lstrip("-") for name in order]
    if len(rows) == 1:
        return list(rows[0].values_list("pk", flat=True)[start : start + many])
    found = {key for each in rows for key in each.values_list(*columns)[: start + many]}
    backwards = order[0].startswith("-")
    return [key[-1] for key in sorted(found, reverse=backwards)[start : start + many]]


def count(user: User, asked: Question, now: datetime | None = None) -> int:
    """How many cases a list has, counted no further than ``COUNTED`` and one."""
    rows, _order = _queries(user, asked, now or timezone.now())
    if len(rows) == 1:
        return rows[0].order_by()[: COUNTED + 1].count()
    found: set[int] = set()
    for each in rows:
        found.update(each.order_by().values_list("pk", flat=True)[: COUNTED + 1])
        if len(found) > COUNTED:
            break
    return min(len(found), COUNTED + 1)


@dataclass(frozen=True)
class Page:
    """A stretch of a list: ``number`` counts from 1; ``total`` is text, ``1000+`` where it was not counted to the end."""

    number: int
    keys: tuple[int, ...]
    total: str
    more: bool

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.keys) - 1

    @property
    def before(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        return self.number + 1 if self.more and self.number < FARTHEST else None


def read_page(user: User, asked: Question, page: str, now: datetime) -> Page:
    number = min(max(read_number(page) or 1, 1), FARTHEST)
    keys = find_numbers(user, asked, (number - 1) * PAGE, PAGE + 1, now)
    shown, more = tuple(keys[:PAGE]), len(keys) > PAGE
    if not more and (shown or number == 1):
        total = str((number - 1) * PAGE + len(shown))
    else:
        total = say_count(count(user, asked, now))
    return Page(number, shown, total, more)


# -- how it reads ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A case as a list shows it."""

    pk: int
    number: str
    title: str
    type: str
    kind: str
    state: str
    phase: str
    enterprise: str
    office: str
    handler: str
    opened_on: date
    closed_on: date | None
    due: Due
    level: int
    late: bool
    rating: int | None
    live: bool


_COLUMNS = (
    *("pk", "number", "title", "type", "kind", "state", "phase", "live", "opened_on", "closed_on", "due"),
    *("due_at", "due_clock", "provisional", "paused", "level", "late", "rating"),
    *("enterprise__name", "organisation__name", "organisation__english", "handler__name"),
)


def read_rows(keys: Iterable[int], now: datetime | None = None) -> list[Row]:
    """The rows of these cases, in the order of the keys."""
    keys, now = list(keys), now or timezone.now()
    found = {row["pk"]: row for row in Case.objects.filter(pk__in=keys).order_by().values(*_COLUMNS)}
    return [_row(found[key], now) for key in keys if key in found]


def _row(row: dict[str, Any], now: datetime) -> Row:
    case_type = case_types()[row["type"]]
    english = language() == "en" and row["organisation__english"]
    shown = Due("")
    if row["live"]:
        shown = say_due(
            case_type, row["due_at"] or row["due"], row["due_clock"], row["provisional"], row["paused"], now
        )
    return Row(
        pk=row["pk"],
        number=row["number"],
        title=row["title"],
        type=case_type.title(language()),
        kind=say_kind(case_type, row["kind"]),
        state=say_state(case_type, row["state"]),
        phase=row["phase"],
        enterprise=row["enterprise__name"] or "",
        office=english or row["organisation__name"],
        handler=row["handler__name"] or "",
        opened_on=row["opened_on"],
        closed_on=row["closed_on"],
        due=shown,
        level=row["level"],
        late=row["late"],
        rating=row["rating"],
        live=row["live"],
    )


Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Choices:
    """What the filters offer to a person: (value, title) in order."""

    types: Pairs
    kinds: Pairs
    states: Pairs
    phases: Pairs
    counties: Pairs
    offices: Pairs
    handlers: Pairs


def offer_choices(user: User, asked: Question) -> Choices:
    """Kinds and states are those of the type that is asked for; offices those of the county, or of the person's places."""
    lang = language()
    types = case_types()
    chosen = types.get(asked.type)
    return Choices(
        types=[(each.id, each.title(lang)) for each in types.values()],
        kinds=[(each.id, each.title(lang)) for each in chosen.kinds] if chosen else [],
        states=[(each.id, each.title(lang)) for each in chosen.states] if chosen else [],
        phases=[(value, str(title)) for value, title in Case.Phase.choices],
        counties=_counties(user),
        offices=_offices(user),
        handlers=_handlers(user, asked),
    )


def _counties(user: User) -> Pairs:
    scope = scope_of(user, queries.VIEW)
    rows = Organisation.objects.filter(kind=Organisation.Kind.COUNTY).order_by("order", "pk")
    if not scope.everything:
        rows = rows.filter(pk__in=scope.counties)
    return [(str(each.pk), each.title) for each in rows]


def _offices(user: User) -> Pairs:
    posts = posts_of(user)
    below = Q(pk__in=())
    for post in posts:
        below |= Q(path__startswith=post.path)
    rows = (
        Organisation.objects.filter(below).exclude(kind=Organisation.Kind.TOWNSHIP).select_related("parent")
    )
    several = len({each.parent_id for each in rows}) > 1
    return [
        (str(each.pk), f"{each.title}（{each.parent.title}）" if several and each.parent else each.title)
        for each in rows.order_by("path")
    ]


def _handlers(user: User, asked: Question) -> Pairs:
    """The persons of the office that is asked for, or of the person's own."""
    offices = {asked.office} if asked.office is not None else queries.own_offices(user)
    people = User.objects.filter(memberships__organisation__in=offices, is_active=True)
    if asked.handler is not None:
        people = people | User.objects.filter(pk=asked.handler, memberships__isnull=False)
    return [(str(each.pk), each.name) for each in people.distinct().order_by("pk")[:200]]


def describe(asked: Question) -> str:
    """What was asked, for the head of an export."""
    case_type = case_types().get(asked.type)
    said = [str(TABS.get(asked.tab, ""))]
    if case_type is not None:
        said += [
            case_type.title(language()),
            say_kind(case_type, asked.kind),
            say_state(case_type, asked.state) if asked.state else "",
        ]
    if asked.phase:
        said.append(str(Case.Phase(asked.phase).label))
    places = [number for number in (asked.county, asked.office) if number]
    titles = {each.pk: each.title for each in Organisation.objects.filter(pk__in=places)}
    said += [titles.get(number, "") for number in places]
    said.append(_("已超期") if asked.overdue else "")
    if asked.since or asked.until:
        said.append(
            _("%(first)s 至 %(last)s 登记")
            % {"first": asked.since or _("最早"), "last": asked.until or _("最近")}
        )
    said += [asked.enterprise, asked.q]
    return "，".join(part for part in said if part)


def resolve(asked: Question, tabs: Sequence[Tab]) -> Question:
    """The question with an inbox that the person has."""
    keys = [tab.key for tab in tabs]
    if asked.tab in keys:
        return asked
    return replace(asked, tab="all" if asked.filtered else first_tab(tabs))


def count_all(user: User, asked: Question, now: datetime | None = None) -> int:
    """How many cases a list has, counted to the end: for programs, which can wait."""
    rows = _narrow(queries.visible_cases(user), asked, now or timezone.now())
    if asked.q:
        found = Q()
        for word in _words(user, asked.q):
            found |= word
        rows = rows.filter(found)
    return rows.count()
