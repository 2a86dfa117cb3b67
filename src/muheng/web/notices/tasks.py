"""Background work of notices: what is due goes out."""

from __future__ import annotations

from datetime import timedelta

from muheng.web.jobs.actions import Progress, task
from muheng.web.notices.actions import DELIVER


@task(DELIVER, every=timedelta(hours=1))
def deliver(progress: Progress) -> None:
    """Nothing goes outside yet."""
