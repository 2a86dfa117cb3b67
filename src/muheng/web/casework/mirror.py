"""A case's row, made to say what its standing says. The row is for lists; the events are the truth."""

from __future__ import annotations

from muheng.casework.standing import CHINA, RUNNING, Standing, next_due
from muheng.web.casework.models import Case

MIRRORED = (
    "kind",
    "organisation_id",
    "handler_id",
    "fields",
    "state",
    "phase",
    "live",
    "version",
    "opened_at",
    "opened_on",
    "closed_at",
    "closed_on",
    "due",
    "due_clock",
    "provisional",
    "paused",
    "level",
    "late",
    "net_days",
    "gross_days",
    "rating",
    "reopened",
)
"""The columns that follow from the events."""


def mirror(case: Case, standing: Standing) -> None:
    """Set the columns; the caller saves."""
    due = next_due(standing)
    case.kind = standing.kind or ""
    case.organisation_id = standing.organisation
    case.handler_id = standing.handler
    case.fields = dict(standing.fields)
    case.state = standing.state
    case.phase = standing.phase
    case.live = standing.phase in RUNNING
    case.version = standing.version
    case.opened_at = standing.opened_at
    case.opened_on = standing.opened_at.astimezone(CHINA).date()
    case.closed_at = standing.closed_at
    case.closed_on = standing.closed_at.astimezone(CHINA).date() if standing.closed_at else None
    case.due_clock, case.due, case.provisional = due or ("", None, False)
    case.paused = case.live and any(clock.paused for clock in standing.clocks.values())
    case.level = standing.level
    case.late = any(clock.late for clock in standing.runs)
    case.rating = standing.rating
    case.reopened = standing.reopened
    case.net_days = case.gross_days = None
