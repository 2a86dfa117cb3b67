"""The live board: watched points, worst first, and how many are in which state.

What is live is what devices said last: it warns, and judges nothing. Points that are watched no longer are not on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, Exists, F, FloatField, IntegerField, OuterRef, Q, QuerySet, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.entrance import read_number
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.flags import flag_title
from muheng.web.monitoring.models import Device, Mark, Point
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.queries.scope import VIEW, points_for
from muheng.web.monitoring.sayings import factor_title, factor_unit, mark_title
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds, require
from muheng.web.registry.models import SearchEntry
from muheng.web.registry.search import matching

OWN = "own.monitoring"
ONLINE_WITHIN = timedelta(minutes=15)
"""A device that said nothing for so long is offline."""
STATES: dict[str, Any] = {
    "over": gettext_lazy("超限"),
    "offline": gettext_lazy("离线"),
    "marked": gettext_lazy("有标记"),
    "normal": gettext_lazy("正常"),
    "silent": gettext_lazy("从未上线"),
}
"""Of a point, one of them."""
ONLINE = gettext_lazy("在线")
TONES = {"over": "wrong", "offline": "none", "marked": "warn", "normal": "accent", "silent": "none"}


@dataclass(frozen=True)
class Question:
    """What is asked of the board; ``state`` is one of ``STATES``, or ``online``."""

    q: str = ""
    county: int | None = None
    kind: str = ""
    state: str = ""
    factor: str = ""


def read_question(given: QueryDict | Mapping[str, str]) -> Question:
    """The question that an address asks; what cannot be understood is left out."""

    def text(name: str) -> str:
        return (given.get(name) or "").strip()[:100]

    state = text("state")
    factor = text("factor")
    return Question(
        text("q"),
        read_number(text("county")),
        text("kind"),
        state if state in STATES or state == "online" else "",
        factor if factor.isascii() and factor.isalnum() else "",
    )


def states_at(now: datetime) -> dict[str, Q]:
    """The condition of each state on points that know whether they are ``excused`` (``live_points``)."""
    heard, silent = Q(latest__seen_at__gte=now - ONLINE_WITHIN), Q(latest=None) | Q(latest__seen_at=None)
    over = Q(latest__worst__gt=1)
    return {
        "over": heard & over & Q(excused=False),
        "offline": Q(latest__seen_at__lt=now - ONLINE_WITHIN),
        "marked": heard & Q(excused=True),
        "normal": heard & (Q(latest__worst=None) | ~over) & Q(excused=False),
        "silent": silent,
        "online": heard,
    }


def live_points(user: User, now: datetime) -> QuerySet[Point]:
    """The watched points that a person may see; ``excused``: under a mark by which values are not judged."""
    effects = city_rules().limits.marks
    excusing = [name for name, kind in effects.items() if kind.effect != "none"]
    held = Mark.objects.filter(withdrawn_at=None, mark__in=excusing, begin__lte=now).filter(
        Q(end=None) | Q(end__gt=now)
    )
    rows = points_for(user).filter(watched_until=None)
    return rows.annotate(excused=Exists(held.filter(point=OuterRef("pk"))))


def find_point(user: User, number: int) -> Point:
    """A point that the person may see: an official's, or of the enterprise that they act for. Raises Http404, Refused."""
    if not holds(user, OWN):
        require(user, VIEW)
    rows = points_for(user).select_related("latest", "enterprise__county", "outlet")
    found = rows.filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def live_point(user: User, point: Point, now: datetime) -> Point:
    """As the board has it; a point that is watched no longer is off the board, and as it was given."""
    rows = live_points(user, now).select_related("latest", "outlet", "enterprise__county")
    return rows.filter(pk=point.pk).first() or point


def count_states(user: User, now: datetime) -> dict[str, int]:
    """How many points are in each state, and ``all``."""
    counts = {name: Count("pk", filter=condition) for name, condition in states_at(now).items()}
    found: dict[str, int] = live_points(user, now).order_by().aggregate(all=Count("pk"), **counts)
    return found


def ask_points(user: User, asked: Question, now: datetime) -> QuerySet[Point]:
    """The points that answer, in no order."""
    rows = live_points(user, now)
    if asked.county is not None:
        rows = rows.filter(enterprise__county=asked.county)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.state:
        rows = rows.filter(states_at(now)[asked.state])
    if asked.factor:
        rows = rows.filter(latest__values__has_key=asked.factor)
    if asked.q:
        by_name = matching(SearchEntry.objects.all(), asked.q).values("enterprise")
        of_device = Device.objects.filter(allowed=True, mn__startswith=asked.q.upper()).values("point")
        rows = rows.filter(Q(enterprise__in=by_name) | Q(name__contains=asked.q) | Q(pk__in=of_device))
    return rows


def worst_first(rows: QuerySet[Point], asked: Question, now: datetime) -> QuerySet[Point]:
    """Over their limit first, then those that fell silent, then the rest by how near they are to their limit."""
    states = states_at(now)
    ratio: Any = F("latest__worst")
    if asked.factor:
        path = KeyTextTransform("ratio", KeyTransform(asked.factor, "latest__values"))
        ratio = Cast(path, FloatField())
    rank = Case(
        When(states["over"], then=0),
        When(states["offline"], then=1),
        When(states["silent"], then=3),
        default=2,
        output_field=IntegerField(),
    )
    rows = rows.annotate(rank=rank, near=ratio)
    return rows.order_by("rank", F("near").desc(nulls_last=True), "pk")


@dataclass(frozen=True)
class Reading:
    """One factor of a point as it came last, with the limit that holds today. ``limit``: as text, with its unit."""

    factor: str
    title: str
    value: float | None
    unit: str
    limit: str
    ratio: float | None
    flag: str

    @property
    def flag_title(self) -> str:
        return flag_title(self.flag)


@dataclass(frozen=True)
class Row:
    """A point on the board; ``reading``: its worst factor, or the one that was asked for."""

    point: Point
    state: str
    reading: Reading | None
    marks: tuple[str, ...]

    @property
    def state_title(self) -> Any:
        return STATES[self.state]

    @property
    def time(self) -> datetime | None:
        latest = getattr(self.point, "latest", None)
        return latest.seen_at if latest is not None else None


def read_rows(user: User, numbers: Sequence[int], now: datetime) -> list[Point]:
    """The points of a page, in its order, with what the board shows of them."""
    rows = live_points(user, now).select_related("latest", "outlet", "enterprise__county")
    found = rows.in_bulk(list(numbers))
    return [found[number] for number in numbers if number in found]


def show_rows(points: Iterable[Point], now: datetime, factor: str = "") -> list[Row]:
    """As the board shows them; the points come from ``ask_points`` with ``latest`` at hand."""
    held = list(points)
    marks = current_marks([point.pk for point in held], now)
    return [
        Row(point, state_of(point, now), pick_reading(point, now, factor), marks.get(point.pk, ()))
        for point in held
    ]


def current_marks(points: Sequence[int], now: datetime) -> dict[int, tuple[str, ...]]:
    """The names of the marks that hold now, by point."""
    rows = Mark.objects.filter(point__in=points, withdrawn_at=None, begin__lte=now)
    rows = rows.filter(Q(end=None) | Q(end__gt=now)).order_by("begin", "pk")
    found: dict[int, tuple[str, ...]] = {}
    for point, mark in rows.values_list("point", "mark"):
        found[point] = (*found.get(point, ()), mark_title(mark))
    return found


def state_of(point: Point, now: datetime) -> str:
    """As the conditions in ``states_at`` have it."""
    latest = getattr(point, "latest", None)
    seen, worst = (None, None) if latest is None else (latest.seen_at, latest.worst)
    return _state(seen, worst, getattr(point, "excused", False), now - ONLINE_WITHIN)


def _state(seen: datetime | None, worst: float | None, excused: bool, offline: datetime) -> str:
    if seen is None:
        return "silent"
    if seen < offline:
        return "offline"
    if excused:
        return "marked"
    return "over" if worst is not None and worst > 1 else "normal"


def list_readings(point: Point, now: datetime) -> list[Reading]:
    """All factors of a point: those with limits first, as its limits have them."""
    latest = getattr(point, "latest", None)
    values: Mapping[str, Mapping[str, Any]] = latest.values if latest is not None else {}
    limits = limits_on(point, to_local(now).date())
    found = []
    for factor in [
        *(each for each in limits if each in values),
        *(each for each in values if each not in limits),
    ]:
        given, limit = values[factor], limits.get(factor)
        converted = point.reference_oxygen is not None and limit is not None and limit.converted
        value = (
            given.get("converted") if converted and given.get("converted") is not None else given.get("value")
        )
        shown = "" if limit is None else say_limit(limit.most, limit.least)
        unit = factor_unit(factor)
        ratio, flag = given.get("ratio"), str(given.get("flag") or "")
        found.append(Reading(factor, factor_title(factor), value, unit, shown, ratio, flag))
    return found


def pick_reading(point: Point, now: datetime, factor: str = "") -> Reading | None:
    readings = list_readings(point, now)
    if factor:
        return next((each for each in readings if each.factor == factor), None)
    judged = [each for each in readings if each.ratio is not None]
    return max(judged, key=lambda each: each.ratio or 0.0, default=readings[0] if readings else None)


def say_limit(most: float | None, least: float | None) -> str:
    """50; 6–9 where both ends are bounded."""
    if most is None:
        return "" if least is None else f"≥{least:g}"
    return f"{most:g}" if least is None else f"{least:g}–{most:g}"


def choices_of(user: User) -> dict[str, Any]:
    """What there is to choose from: counties, kinds and factors of the points that a person may see."""
    rows = points_for(user).filter(watched_until=None).order_by()
    counties = Organisation.objects.filter(pk__in=rows.values("enterprise__county")).order_by("order", "pk")
    present = set(rows.values_list("kind", flat=True).distinct())
    factors = {
        each["factor"] for limits in rows.values_list("limits", flat=True).distinct() for each in limits
    }
    return {
        "counties": list(counties),
        "kinds": [each for each in city_rules().limits.kind if each.id in present],
        "factors": sorted((factor, factor_title(factor)) for factor in factors),
    }


def draw_features(points: QuerySet[Point], now: datetime) -> list[dict[str, Any]]:
    """Points on the map, by state; an outlet without a place of its own is where its enterprise is."""
    titles = {state: str(title) for state, title in STATES.items()}
    address = reverse("monitoring:point", args=[0])
    offline = now - ONLINE_WITHIN
    features = []
    columns = (
        *("pk", "name", "enterprise__name", "outlet__longitude", "outlet__latitude"),
        *("enterprise__longitude", "enterprise__latitude"),
        *("latest__seen_at", "latest__worst", "excused"),
    )
    for number, name, firm, *places, seen, worst, excused in points.order_by().values_list(*columns):
        x, y = places[:2] if None not in places[:2] else places[2:]
        if x is None or y is None:
            continue
        state = _state(seen, worst, excused, offline)
        note = titles[state]
        if worst is not None:
            note += _("，最高为限值的 %(times)s 倍") % {"times": f"{worst:.2f}"}
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [x, y]},
                "properties": {
                    "title": f"{firm} {name}",
                    "tone": TONES[state],
                    "note": note,
                    "href": address.replace("/0/", f"/{number}/"),
                },
            }
        )
    return features
