"""The room's own background work on orders: they are written after a step, and looked after until they are answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from muheng.web.emergency.actions.orders import remind_silent, write_orders
from muheng.web.emergency.models import AlertStep
from muheng.web.jobs.actions import Progress, task


@task("emergency.write_orders", lane="watch")
def write(progress: Progress, step: int) -> dict[str, Any]:
    """Write the orders of a step."""
    found = AlertStep.objects.select_related("alert", "done_by").get(pk=step)
    return {"alert": found.alert_id, "orders": write_orders(found, progress)}


@task("emergency.remind", every=timedelta(minutes=10), lane="watch")
def remind(progress: Progress) -> dict[str, int]:
    """Remind who has not acknowledged, and tell their counties."""
    return remind_silent(timezone.now())
