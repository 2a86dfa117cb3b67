"""What a past episode's plants brought and officers found, put in whole: for demos and for records kept elsewhere.

Each is judged as one that comes by the pages is; it is one deed in the book, not one for each line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from muheng.emergency.execution import judge_reading
from muheng.web.audit.actions import record
from muheng.web.emergency.models import Alert, CheckIn, Measure, Order
from muheng.web.emergency.queries.alerts import states_of_lines
from muheng.web.people.models import User


@dataclass(frozen=True)
class Answer:
    """When an enterprise acknowledged an order, and who did."""

    order: Order
    at: datetime
    by: User | None


@dataclass(frozen=True)
class Reading:
    """A meter's reading of a line: usually and as found, in the same unit."""

    order: Order
    measure: Measure
    at: datetime
    usual: Decimal
    found: Decimal
    unit: str
    by: User | None


@transaction.atomic
def load_answers(
    actor: User, alert: Alert, answers: Iterable[Answer], readings: Iterable[Reading], now: datetime
) -> int:
    """Acknowledgements and readings of an alert's orders; gives how many lines were read."""
    answered = {}
    for answer in answers:
        answer.order.acknowledged_at, answer.order.acknowledged_by = answer.at, answer.by
        answered[answer.order.pk] = answer.order
    Order.objects.bulk_update(answered.values(), ("acknowledged_at", "acknowledged_by"), batch_size=500)
    made = [
        CheckIn(
            order=reading.order,
            measure=reading.measure,
            kind=CheckIn.Kind.POWER,
            at=reading.at,
            usual=reading.usual,
            found=reading.found,
            unit=reading.unit,
            verdict=judge_reading(reading.measure.part, reading.usual, reading.found)[0],
            made_by=reading.by,
            made_at=reading.at,
        )
        for reading in readings
    ]
    CheckIn.objects.bulk_create(made, batch_size=500)
    _recount(alert)
    record(
        actor,
        "emergency.load_answers",
        alert,
        acknowledged=len(answered),
        lines=len(made),
        at=now.isoformat(),
    )
    return len(made)


def _recount(alert: Alert) -> None:
    orders = {order.pk: order for order in alert.orders.all()}
    for order in orders.values():
        order.done_lines = order.broken_lines = 0
    for (number, _measure), state in states_of_lines(list(orders)).items():
        orders[number].done_lines += state == "done"
        orders[number].broken_lines += state == "broken"
    Order.objects.bulk_update(orders.values(), ("done_lines", "broken_lines"), batch_size=500)
