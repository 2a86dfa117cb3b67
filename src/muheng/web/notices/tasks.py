"""Background work of notices: what is due goes out, and a channel is tried."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from muheng.web.jobs.actions import Progress, task
from muheng.web.notices.actions import DELIVER, TRY, ask_delivery
from muheng.web.notices.delivery import deliver_due, next_due, send_dispatch
from muheng.web.notices.models import Dispatch, State

PAUSE = timedelta(seconds=30)


@task(DELIVER, every=timedelta(hours=1), lane="watch")
def deliver(progress: Progress) -> dict[str, int]:
    """Send what is due, and ask for the next time. The hourly round is for what a broken job left."""
    sent = 0
    try:
        sent = deliver_due()
    finally:
        with transaction.atomic():
            moment = next_due()
            if moment is not None:
                # What cannot go now is not asked for again and again.
                ask_delivery(moment if sent else max(moment, timezone.now() + PAUSE))
    return {"sent": sent}


@task(TRY)
def try_channel(progress: Progress, dispatch: int) -> dict[str, Any]:
    """One trial message, sent once."""
    own = Dispatch.objects.filter(pk=dispatch, state=State.WAITING)
    own.update(tried_at=timezone.now(), attempts=1)
    found = own.select_related("channel").first()
    if found is not None:
        send_dispatch(found)
    return {"state": Dispatch.objects.get(pk=dispatch).state}
