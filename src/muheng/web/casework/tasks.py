"""Background work of casework."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from muheng.web.casework import exports  # noqa: F401  the workbook of a list
from muheng.web.casework.sweep import remind_due, sweep
from muheng.web.casework.tally import fold
from muheng.web.jobs.actions import Progress, task


@task("casework.sweep", every=timedelta(minutes=10))
def sweep_cases(progress: Progress) -> dict[str, Any]:
    """Count anew, warn, raise, erase: whatever comes round."""
    return asdict(sweep(progress=progress))


@task("casework.remind", every=timedelta(minutes=2), lane="watch")
def remind_of_cases(progress: Progress) -> dict[str, Any]:
    """Warn and raise as soon as clocks in hours call for it."""
    return asdict(remind_due(progress=progress))


@task("casework.fold", every=timedelta(hours=6))
def fold_tally(progress: Progress) -> int:
    """Make one row of many of the tally's; gives how many fewer there are."""
    return fold()
