"""What a person may see of forecasts, alerts and orders: alerts of the places that theirs lie in or that they look after,
orders of the enterprises in their scope, an enterprise its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from django.db.models import Count, F, Q, QuerySet, Sum
from django.http import Http404

from muheng.emergency.execution import Look, Verdict, find_state
from muheng.web.emergency.models import Alert, CheckIn, EpisodeReport, Forecast, Measure, Order, Plan
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds, posts_of
from muheng.web.people.scope import scope_of
from muheng.web.registry.queries import official_scope

VIEW, EDIT, ISSUE, INSPECT, OWN = (
    "emergency.view",
    "emergency.edit",
    "emergency.issue",
    "emergency.inspect",
    "own.emergency",
)


def _seen_places(user: Any) -> Q:
    seen = Q(pk__in=())
    for post in posts_of(user):
        if VIEW in post.rights:
            above = [int(number) for number in post.path.strip("/").split("/") if number]
            seen |= Q(organisation__path__startswith=post.path) | Q(organisation__in=above)
    return seen


def forecasts_for(user: Any) -> QuerySet[Forecast]:
    """Forecasts, the newest first."""
    return Forecast.objects.filter(_seen_places(user)).select_related("organisation", "entered_by")


def find_forecast(user: Any, number: int) -> Forecast:
    """One forecast. Raises Http404."""
    found = forecasts_for(user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def alerts_for(user: Any) -> QuerySet[Alert]:
    """Alerts that a person may see: officials those of their places, an enterprise those that gave it an order."""
    seen = _seen_places(user)
    own = scope_of(user).enterprises
    if own:
        seen |= Q(pk__in=Order.objects.filter(enterprise__in=own).values("alert"))
    rows = Alert.objects.filter(seen)
    return rows.select_related(
        "organisation", "forecast", "plan", "job", "proposed_by", "issued_by", "lifted_by"
    )


def find_alert(user: Any, number: int) -> Alert:
    """One alert. Raises Http404."""
    found = alerts_for(user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def live_alert(place: Organisation | None) -> Alert | None:
    """The alert of a place that is proposed or in force; there is one at most."""
    states = (Alert.State.PROPOSED, Alert.State.ISSUED)
    return Alert.objects.filter(organisation=place, state__in=states).order_by("-pk").first()


def place_of(user: Any, right: str = VIEW) -> Organisation | None:
    """The widest place for which a person has a right."""
    numbers = [post.territory_id for post in posts_of(user) if right in post.rights]
    return Organisation.objects.filter(pk__in=numbers).order_by("path").first()


def alert_place(user: Any) -> Organisation | None:
    """The place whose air a person is told of: the city that theirs lies in. Asked for once in the life of the object."""
    paths = [post.path for post in posts_of(user) if VIEW in post.rights]
    if not paths:
        return None
    if "_air" not in user.__dict__:
        # The city is the root of the tree.
        user.__dict__["_air"] = Organisation.objects.filter(
            pk=int(min(paths).strip("/").split("/")[0])
        ).first()
    found: Organisation | None = user.__dict__["_air"]
    return found


def adopted_plan(place: Organisation) -> Plan | None:
    """The plan that orders of a place are written from."""
    rows = Plan.objects.filter(inventory__organisation=place, state=Plan.State.ADOPTED)
    return rows.order_by("-adopted_at", "-pk").select_related("inventory").first()


# -- orders --------------------------------------------------------------------------------------------


def orders_for(user: Any) -> QuerySet[Order]:
    """Orders that a person may see."""
    rows = Order.objects.select_related("alert", "firm__county", "enterprise", "acknowledged_by")
    scope = official_scope(user, VIEW)
    if scope.everything:
        return rows
    own = scope_of(user).enterprises
    return rows.filter(
        scope.q("enterprise__") | Q(enterprise=None, firm__county__in=scope.counties) | Q(enterprise__in=own)
    )


def find_order(user: Any, number: int) -> Order:
    """One order. Raises Http404."""
    found = orders_for(user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def own_orders(user: Any) -> QuerySet[Order]:
    """The orders of the enterprises that a person acts for, the newest first."""
    own = scope_of(user).enterprises
    return Order.objects.filter(enterprise__in=own).select_related("alert", "firm__county", "enterprise")


def orders_of(user: Any, alert: Alert) -> QuerySet[Order]:
    """The orders of an alert that count now, or counted when it ended, with something to do."""
    return orders_for(user).filter(alert=alert, replaced_at=None, lines__gt=0)


def in_force(order: Order) -> bool:
    """Whether an order has to be followed now."""
    return order.alert.state == Alert.State.ISSUED and order.replaced_at is None and order.lines > 0


def may_inspect(user: Any, order: Order) -> bool:
    """Whether a person may look at a plant for this order."""
    if not holds(user, INSPECT):
        return False
    scope = official_scope(user, INSPECT)
    if scope.everything:
        return True
    here = Order.objects.filter(pk=order.pk)
    return here.filter(scope.q("enterprise__") | Q(enterprise=None, firm__county__in=scope.counties)).exists()


def inspectable(user: Any) -> QuerySet[Order]:
    """The orders in force of the plants that a person may inspect: not in place first, then not answered."""
    if not holds(user, INSPECT):
        return Order.objects.none()
    scope = official_scope(user, INSPECT)
    rows = Order.objects.filter(alert__state=Alert.State.ISSUED, replaced_at=None, lines__gt=0)
    if not scope.everything:
        rows = rows.filter(scope.q("enterprise__") | Q(enterprise=None, firm__county__in=scope.counties))
    return rows.select_related("alert", "firm__county", "enterprise")


# -- execution -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Execution:
    """How far orders are carried out."""

    orders: int = 0
    acknowledged: int = 0
    lines: int = 0
    done: int = 0
    broken: int = 0
    broken_firms: int = 0
    whole: int = 0
    """Enterprises all of whose lines are in place."""

    @property
    def open(self) -> int:
        return self.lines - self.done - self.broken

    @property
    def silent(self) -> int:
        return self.orders - self.acknowledged

    @property
    def rate(self) -> Fraction | None:
        """执行率: lines in place of lines ordered."""
        return Fraction(self.done, self.lines) if self.lines else None


_SUMS = {
    "orders": Count("pk"),
    "acknowledged": Count("acknowledged_at"),
    "lines_": Sum("lines"),
    "done": Sum("done_lines"),
    "broken": Sum("broken_lines"),
    "broken_firms": Count("pk", filter=Q(broken_lines__gt=0)),
    "whole": Count("pk", filter=Q(done_lines=F("lines"))),
}


def count_execution(rows: QuerySet[Order]) -> Execution:
    """The figures of some orders."""
    return _execution(rows.order_by().aggregate(**_SUMS))


def count_by_county(rows: QuerySet[Order]) -> list[tuple[Organisation | None, Execution]]:
    """The figures by county, in the order of the counties."""
    found = list(rows.order_by().values("firm__county").annotate(**_SUMS))
    places = Organisation.objects.in_bulk([each["firm__county"] for each in found if each["firm__county"]])
    named = [(places.get(each["firm__county"]), _execution(dict(each))) for each in found]
    return sorted(
        named,
        key=lambda each: (each[0] is None, each[0].order if each[0] else 0, each[0].pk if each[0] else 0),
    )


def _execution(sums: dict[str, Any]) -> Execution:
    return Execution(
        sums["orders"],
        sums["acknowledged"],
        sums["lines_"] or 0,
        sums["done"] or 0,
        sums["broken"] or 0,
        sums["broken_firms"],
        sums["whole"],
    )


STATES = ("broken", "silent", "open", "done")
"""How an order stands, the worst first."""


def state_of(order: Order) -> str:
    """Of ``STATES``: something is not in place; nobody has answered; not all is shown; all is in place."""
    if order.broken_lines:
        return "broken"
    if order.done_lines >= order.lines:
        return "done"
    return "open" if order.acknowledged_at is not None else "silent"


def filter_state(rows: QuerySet[Order], state: str) -> QuerySet[Order]:
    """The orders in a state of ``STATES``."""
    unfinished = rows.filter(broken_lines=0, done_lines__lt=F("lines"))
    if state == "broken":
        return rows.filter(broken_lines__gt=0)
    if state == "done":
        return rows.filter(broken_lines=0, done_lines__gte=F("lines"))
    if state == "silent":
        return unfinished.filter(acknowledged_at=None)
    if state == "open":
        return unfinished.exclude(acknowledged_at=None)
    return rows


def sort_by_urgency(rows: QuerySet[Order]) -> QuerySet[Order]:
    """Not in place first, then those that nobody answered, then by what is not shown yet."""
    return rows.order_by(
        "-broken_lines", F("acknowledged_at").asc(nulls_first=True), "done_lines", "firm__code"
    )


def states_of_lines(orders: Iterable[int]) -> dict[tuple[int, int], Verdict | None]:
    """(order, measure) → how the line stands; only lines that were checked."""
    looks: dict[tuple[int, int], list[Look]] = {}
    rows = CheckIn.objects.filter(order__in=list(orders))
    for order, measure, at, verdict, official in rows.values_list(
        "order_id", "measure_id", "at", "verdict", "by_official"
    ):
        looks.setdefault((order, measure), []).append(Look(at, cast(Verdict, verdict), official))
    return {key: find_state(each) for key, each in looks.items()}


def measures_of(order: Order) -> dict[int, Measure]:
    """The measures that an order speaks of, by number."""
    numbers = [each["measure"] for each in order.content.get("lines", ())]
    return Measure.objects.in_bulk(numbers)


def reports_for(user: Any) -> QuerySet[EpisodeReport]:
    """Reports of episodes, whole or not at all: for who looks after the whole place."""
    posts = [post for post in posts_of(user) if VIEW in post.rights]
    seen = Q(pk__in=())
    for post in posts:
        seen |= Q(alert__organisation__path__startswith=post.path)
    return EpisodeReport.objects.filter(seen).select_related("alert__organisation", "docx", "xlsx", "made_by")


def sees_whole(user: Any, alert: Alert) -> bool:
    """Whether the figures of the whole place are for this person."""
    return holds(user, VIEW, alert.organisation)


def representatives_of(enterprises: Iterable[int]) -> list[User]:
    """Who acts for some enterprises."""
    found: dict[int, User] = {}
    numbers = list(enterprises)
    for start in range(0, len(numbers), 800):
        rows = User.objects.filter(
            represented__enterprise__in=numbers[start : start + 800], represented__until=None, is_active=True
        )
        found |= {person.pk: person for person in rows.distinct()}
    return [found[number] for number in sorted(found)]
