"""Background work of the demo, done at once: a job that fails here is a fault of the demo, and says so."""

from __future__ import annotations

from muheng.web.jobs.actions import run_next
from muheng.web.jobs.models import Job


class DemoFailed(Exception):
    """A piece of work that the demo asked for did not come out."""


def do_pending() -> None:
    """Do all that waits. Raises DemoFailed."""
    while (job := run_next()) is not None:
        if job.state != Job.State.DONE:
            raise DemoFailed(f"{job.title}：{job.error}{job.fix}")
