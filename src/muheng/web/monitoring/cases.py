"""The cases of the room: alerts of events, patrols, field checks. How they are opened, who sees them, the ways from them.

What becomes of an event when its case is acted on is in ``following``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from muheng.casework.case_type import route
from muheng.casework.document import MOST_HOURS
from muheng.casework.standing import CHINA
from muheng.monitoring.judgement.rules import Until
from muheng.web.casework.actions import NewChild, open_case
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case
from muheng.web.casework.queries import more_sight
from muheng.web.casework.ways import Way, register_way
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import Event, EventStep, Patrol, Point, Suspicion
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.sayings import event_title, factor_title, factor_unit, say_ratio
from muheng.web.people.models import Organisation, Role, User
from muheng.web.people.rights import holds
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own, official_scope
from muheng.web.templatetags.words import plain

ALERT, PATROL, FIELD = "alert", "patrol", "field_check"
TYPES = (ALERT, PATROL, FIELD)
HANDLE = "monitoring.handle"
_SOURCE = "monitoring.event"
_KIND_OF_ALERT = {"missing": "offline", "flat": "abnormal", "marked": "abnormal"}


def source_of(event: Event) -> str:
    """How a case says which event it is of."""
    return f"{_SOURCE}:{event.pk}"


def title_of(event: Event) -> str:
    """1号锅炉排口 氮氧化物 超标."""
    words = (event.point.name, factor_title(event.factor), event_title(event.seen))
    return " ".join(filter(None, words))


def office_of(enterprise: Enterprise, right: str = HANDLE) -> Organisation | None:
    """Who looks after the events of an enterprise: of its county before the city's, the department that the case type
    names before others. None where nobody has the right."""
    roles = [role.pk for role in Role.objects.all() if right in role.rights]
    held = Organisation.objects.filter(memberships__role__in=roles, memberships__user__is_active=True)
    county = enterprise.county
    while county is not None:
        near = Q(pk=county.pk) | Q(parent=county, kind=Organisation.Kind.DEPARTMENT)
        found = list(held.filter(near).distinct().order_by("order", "pk"))
        if found:
            case_type = find_type(ALERT)
            named = route(case_type, case_type.kinds[0].id, [each.name for each in found])
            return next((each for each in found if each.name == named), found[0])
        county = county.parent
    return None


def open_alert(event: Event, at: datetime) -> Case:
    """The case of an event, opened where it has none; the enterprise is told by it."""
    if event.case is not None:
        return event.case
    point = event.point
    kinds = {str(each.get("kind")) for each in event.seen}
    over = kinds - set(_KIND_OF_ALERT)
    with translation.override("zh-hans"):
        limit = limits_on(point, event.begin.astimezone(CHINA).date()).get(event.factor)
        most = (
            "" if limit is None or limit.most is None else f"{plain(limit.most)} {factor_unit(event.factor)}"
        )
        peak = say_ratio(event.peak)
        fields = {
            "point": point.name,
            "pollutant": factor_title(event.factor),
            "value": f"限值的 {peak}" if peak else "",
            "standard": most.strip(),
            "raised_on": event.raised_at.astimezone(CHINA).date().isoformat(),
        }
        title = f"{title_of(event)}（{event.number}）"
    case = open_case(
        None,
        ALERT,
        title,
        enterprise=point.enterprise,
        kind="exceedance" if over or not kinds else _KIND_OF_ALERT[sorted(kinds)[0]],
        fields={name: value for name, value in fields.items() if value},
        organisation=office_of(point.enterprise),
        part="room",
        source=source_of(event),
        limits=_limits(point),
        at=at,
    )
    event.case = case
    event.save(update_fields=("case",))
    return case


_ENDED_BY: Mapping[Until, str] = {"answered": "explain", "closed": "verify"}
"""By what is due at a tier, the clock of the case."""


def _limits(point: Point) -> dict[str, dict[str, int]]:
    """The limits of an alert are those after which its event comes to a higher tier: of a key unit the shorter ones."""
    case_type = find_type(ALERT)
    limits = {}
    for rule in (tier.escalate for tier in city_rules().alerts.tier):
        clock = case_type.clock(_ENDED_BY[rule.until]) if rule is not None else None
        if rule is not None and clock is not None and clock.unit == "hour":
            shorter = rule.after_hours_key if point.key else None
            limits[clock.id] = {"hours": min(shorter or rule.after_hours, MOST_HOURS)}
    return limits


def field_check(
    point: Point,
    title: str,
    detail: str,
    kind: str,
    organisation: Organisation | None = None,
    handler: User | None = None,
) -> NewChild:
    """What a field check is opened with."""
    return NewChild(
        FIELD,
        title[:200],
        kind=kind,
        fields={"point": point.name, "detail": detail},
        organisation=organisation or office_of(point.enterprise),
        handler=handler,
    )


def keep_step(
    event: Event, kind: EventStep.Kind, at: datetime, by: User | None, detail: dict[str, object]
) -> EventStep:
    """One more of an event's steps; empty details are left out."""
    kept = {name: value for name, value in detail.items() if value not in ("", None, [])}
    return EventStep.objects.create(event=event, kind=kind, at=at, by=by, detail=kept)


# -- who sees them, and ways from them -------------------------------------------------------------------------


@more_sight
def sight(user: User) -> Q | None:
    """Who handles events sees their cases, wherever the cases lie."""
    if not holds(user, HANDLE):
        return None
    return Q(type__in=TYPES) & official_scope(user, HANDLE).q("enterprise__")


@register_way
def find_event_of(case: Case, user: User) -> Way | None:
    """From a case to the event that it is of, or was opened below."""
    if case.type not in TYPES:
        return None
    number = case.parent_id if case.type == FIELD else case.pk
    event = Event.objects.filter(case=number).select_related("point__enterprise").first()
    if event is not None:
        own = is_own(user, event.point.enterprise)
        name = "monitoring:own-event" if own else "monitoring:event"
        return Way(_("看监测事件"), reverse(name, args=[event.number]))
    patrol = Patrol.objects.filter(case=case).first()
    if patrol is not None and patrol.round_id is not None:
        return Way(_("看巡查轮次"), reverse("monitoring:patrol-round", args=[patrol.round_id]))
    suspicion = _suspicion_of(case)
    return Way(_("看疑点"), reverse("monitoring:suspicion", args=[suspicion.pk])) if suspicion else None


def _suspicion_of(case: Case) -> Suspicion | None:
    room, _colon, number = case.source.partition(":")
    if room != "monitoring.suspicion" or not number.isdigit():
        return None
    return Suspicion.objects.filter(pk=int(number)).first()
