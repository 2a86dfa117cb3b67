"""Objections as far as a person may see them: what is open, what is late, what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, When
from django.http import Http404

from muheng.web.evaluation.models import Evaluation, Objection
from muheng.web.evaluation.steps import today
from muheng.web.files.models import StoredFile
from muheng.web.people.scope import scope_of


@dataclass(frozen=True)
class ObjectionCount:
    """How many are open, how many of those are past their day, and all of them by state."""

    open: int
    late: int
    total: int
    states: dict[str, int]


def objections_for(user: Any, evaluation: Evaluation | None = None) -> QuerySet[Objection]:
    """The objections about enterprises that a person may see.

    An enterprise's account sees what it raised itself: who else wrote about it is no business of its.
    """
    rows = Objection.objects.all() if evaluation is None else evaluation.objections.all()
    scope = scope_of(user, "evaluation.view")
    rows = scope.filter(rows, "enterprise__")
    if scope.enterprises:
        rows = rows.filter(Q(party=Objection.Party.OWN) | ~Q(enterprise__in=scope.enterprises))
    return rows.select_related("enterprise__county", "enterprise__township", "answered_by", "raised_by")


def filter_objections(
    rows: QuerySet[Objection], state: str, stage: str, day: date | None = None
) -> QuerySet[Objection]:
    """``state``: one of the states, or late; ``stage``: one of the stages."""
    if state == "late":
        rows = rows.filter(state=Objection.State.OPEN, due__lt=day or today())
    elif state in Objection.State.values:
        rows = rows.filter(state=state)
    if stage in Objection.Stage.values:
        rows = rows.filter(stage=stage)
    # What is open comes first, the most urgent on top.
    waits = Case(When(state=Objection.State.OPEN, then=0), default=1, output_field=IntegerField())
    return rows.order_by(waits, "due", "pk")


def count_objections(user: Any, evaluation: Evaluation, day: date | None = None) -> ObjectionCount:
    """In one question."""
    rows = scope_of(user, "evaluation.view").filter(evaluation.objections.all(), "enterprise__")
    late = Q(state=Objection.State.OPEN, due__lt=day or today())
    counted = rows.order_by().values("state").annotate(count=Count("pk"), late=Count("pk", filter=late))
    states = {row["state"]: row["count"] for row in counted}
    return ObjectionCount(
        states.get(Objection.State.OPEN, 0),
        sum(row["late"] for row in counted),
        sum(states.values()),
        states,
    )


def find_objection(user: Any, number: int) -> Objection:
    """Raises Http404 for one that the person may not see."""
    rows = objections_for(user).select_related(
        "evaluation__organisation", "evaluation__policy", "run", "layer"
    )
    found = rows.prefetch_related("evidence").filter(pk=number).first()
    if found is None:
        raise Http404(number)
    return found


def find_evidence(user: Any, number: int, file: int) -> StoredFile:
    """A file of an objection that the person may see. Raises Http404."""
    found = find_objection(user, number).evidence.filter(pk=file).first()
    if found is None:
        raise Http404(file)
    return found
