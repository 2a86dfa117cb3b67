"""A case's row, made to say what its standing says. The row is for lists; the events are the truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from muheng.casework.clock_standing import begin_of, end_of
from muheng.casework.measure import measure
from muheng.casework.reminders import next_reminder
from muheng.casework.standing import CHINA, RUNNING, Standing, next_due
from muheng.standards.calendar import calendar_files
from muheng.web.casework.kinds import calendar, find_type
from muheng.web.casework.models import NEVER, Case
from muheng.web.casework.tally import add_cases, keep_step, share_of

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
    "due_at",
    "due_clock",
    "provisional",
    "paused",
    "turn_at",
    "waits_for",
    "assigned",
    "dues",
    "calendar",
    "remind_at",
    "erase_on",
    "level",
    "late",
    "net_days",
    "gross_days",
    "rating",
    "reopened",
    "late_legal",
    "late_promised",
    "legal_limit",
    "legal_net",
)
"""The columns that follow from the events."""


def save_mirror(case: Case, standing: Standing, *, new: bool = False) -> None:
    """Make the row say what the standing says, and the tally with it. Every change of a row goes through here."""
    before = {} if new else share_of(case)
    mirror(case, standing)
    if standing.merged_into is not None and case.merged_into_id is None:
        case.merged_into = Case.objects.get(number=standing.merged_into)
    case.save(force_insert=new, force_update=not new)
    keep_step(before, share_of(case))


def create_mirrored(cases: Sequence[Case]) -> None:
    """Write many new rows, on which ``mirror`` was called, and count them."""
    Case.objects.bulk_create(cases, batch_size=500)
    add_cases(cases)


def mirror(case: Case, standing: Standing) -> None:
    """Set the columns only."""
    case_type = find_type(case.type)
    due = next_due(standing)
    reminder = next_reminder(case_type, standing) if standing.phase in RUNNING else None
    case.title = " ".join(str(standing.fields.get("title") or case.title).split())[:200]
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
    case.due_clock, deadline, case.provisional = due or ("", None, False)
    case.due_at = deadline if isinstance(deadline, datetime) else None
    case.due = deadline.astimezone(CHINA).date() if isinstance(deadline, datetime) else deadline
    case.paused = case.live and any(clock.paused for clock in standing.clocks.values())
    case.turn_at = NEVER if deadline is None else end_of(deadline)
    state = case_type.state(standing.state)
    case.waits_for = state.waits_for if case.live and state is not None else ""
    case.assigned = standing.handler is not None
    case.dues = {
        name: clock.due.isoformat()
        for name, clock in sorted(standing.clocks.items())
        if case.live and clock.stopped_on is None and clock.due is not None
    }
    case.calendar = calendar_digest() if case.live else ""
    case.remind_at = None if reminder is None else begin_of(reminder)
    case.level = standing.level
    case.late = any(clock.late for clock in standing.runs)
    case.rating = standing.rating
    case.reopened = standing.reopened
    measured = measure(case_type, standing, calendar())
    case.net_days = measured.net_working if measured is not None else None
    case.gross_days = measured.gross_working if measured is not None else None
    clocks = list(measured.clocks.values()) if measured is not None else []
    legal, promised = ([each for each in clocks if each.nature == nature] for nature in ("legal", "promised"))
    case.late_legal = not all(each.on_time for each in legal) if legal else None
    case.late_promised = not all(each.on_time for each in promised) if promised else None
    in_days = [each for each in legal if each.unit != "hour"]
    case.legal_limit = sum(each.limit for each in in_days) if legal else None
    case.legal_net = sum(int(each.net) for each in in_days) if legal else None
    case.erase_on = None
    if case.closed_on is not None and not case.live and case_type.erase_after_days is not None:
        personal = (field.id for field in case_type.fields if field.personal)
        if any(name in standing.fields for name in personal):
            case.erase_on = case.closed_on + timedelta(days=case_type.erase_after_days)


def read_deadline(text: str) -> date:
    """A day or a moment as ``dues`` has it."""
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


@cache
def calendar_digest() -> str:
    """Names the calendars that the site counts by; another when one is published or amended."""
    found = hashlib.sha256()
    for name, content in sorted(calendar_files().items()):
        found.update(name.encode() + b"\0" + content)
    return found.hexdigest()[:16]


def row_of(case: Case) -> dict[str, Any]:
    """The columns that follow from the events, as they are now."""
    return {name: getattr(case, name) for name in (*MIRRORED, "title", "merged_into_id")}
