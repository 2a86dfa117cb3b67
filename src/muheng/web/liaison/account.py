"""An enterprise's account (一企一账): visits, what was found, what it asked, what was promised, and the next visit.

All of it is cases; this reads those that the person may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from muheng.liaison.duty import Visit
from muheng.web.casework.kinds import find_type
from muheng.web.casework.models import Case
from muheng.web.casework.queries import visible_cases
from muheng.web.liaison.models import Pairing
from muheng.web.liaison.queries import (
    DEMAND_TYPE,
    HAZARD_TYPE,
    MADE,
    PROPOSAL_TYPE,
    VISIT_TYPE,
    Owed,
    pairings_for,
    reckon_all,
    visit_from,
)
from muheng.web.people.models import User
from muheng.web.reading import language
from muheng.web.registry.models import Enterprise

_MOST = 200


@dataclass(frozen=True)
class CaseLine:
    """A case as the account lists it."""

    case: Case
    type: str
    state: str
    kind: str
    late: bool


@dataclass(frozen=True)
class VisitLine:
    """A visit, and what came of it."""

    case: Case
    visit: Visit
    officer: str
    hazards: int
    demands: int


@dataclass(frozen=True)
class Account:
    """``promised``: open cases with a day by which somebody has to have done something, the next first."""

    owed: Owed | None
    visits: tuple[VisitLine, ...]
    hazards: tuple[CaseLine, ...]
    struck_off: int
    proposals: tuple[CaseLine, ...]
    proposals_done: int
    demands: tuple[CaseLine, ...]
    demands_done: int
    others: tuple[CaseLine, ...]
    promised: tuple[CaseLine, ...]
    history: tuple[Pairing, ...]


def read_account(user: User, enterprise: Enterprise, pairing: Pairing | None, today: date) -> Account:
    """The account as of today, as far as the person may see its cases."""
    rows = visible_cases(user).filter(enterprise=enterprise).exclude(phase=Case.Phase.VOID)
    cases = list(rows.select_related("organisation", "handler", "opener").order_by("-opened_at")[:_MOST])
    now = timezone.now()
    lines = [_line(case, now) for case in cases]
    by_type: dict[str, list[CaseLine]] = {}
    for line in lines:
        by_type.setdefault(line.case.type, []).append(line)

    def waiting(type_id: str) -> tuple[CaseLine, ...]:
        return tuple(line for line in by_type.get(type_id, ()) if line.case.live)

    def done(type_id: str) -> int:
        return sum(not line.case.live for line in by_type.get(type_id, ()))

    listed = (VISIT_TYPE, HAZARD_TYPE, PROPOSAL_TYPE, DEMAND_TYPE)
    children = _count_children(cases)
    promised = [line for line in lines if line.case.live and line.case.due is not None]
    return Account(
        owed=reckon_all([pairing], today)[0] if pairing is not None else None,
        visits=tuple(
            _visit(line.case, children) for line in by_type.get(VISIT_TYPE, ()) if line.case.phase in MADE
        ),
        hazards=waiting(HAZARD_TYPE),
        struck_off=done(HAZARD_TYPE),
        proposals=waiting(PROPOSAL_TYPE),
        proposals_done=done(PROPOSAL_TYPE),
        demands=waiting(DEMAND_TYPE),
        demands_done=done(DEMAND_TYPE),
        others=tuple(line for line in lines if line.case.type not in listed and line.case.live),
        promised=tuple(sorted(promised, key=lambda line: (line.case.turn_at, line.case.pk))),
        history=tuple(pairings_for(user).filter(enterprise=enterprise)),
    )


def _line(case: Case, now: datetime) -> CaseLine:
    found = find_type(case.type)
    state = found.state(case.state)
    kind = next((each for each in found.kinds if each.id == case.kind), None)
    return CaseLine(
        case,
        found.title(language()),
        state.title(language()) if state is not None else case.state,
        kind.title(language()) if kind is not None else "",
        case.is_overdue(now),
    )


def _visit(case: Case, children: dict[int, dict[str, int]]) -> VisitLine:
    here = children.get(case.pk, {})
    return VisitLine(
        case,
        visit_from(case.fields, case.opened_on),
        case.opener.name if case.opener is not None else "",
        here.get(HAZARD_TYPE, 0),
        here.get(DEMAND_TYPE, 0),
    )


def _count_children(cases: list[Case]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, int]] = {}
    for case in cases:
        if case.parent_id is not None:
            here = found.setdefault(case.parent_id, {})
            here[case.type] = here.get(case.type, 0) + 1
    return found
