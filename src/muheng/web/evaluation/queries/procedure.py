"""What a person may see of the procedure: evaluations, rosters, sheets, objections, runs; and what comes next.

An evaluation is seen by those whose place lies within its territory, or holds it; rows within it by their scope.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404

from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.people.models import Organisation
from muheng.web.people.rights import holds, posts_of


def evaluations_for(user: Any) -> QuerySet[Evaluation]:
    """The evaluations that a person may see, the newest first."""
    rows = Evaluation.objects.select_related(
        "organisation", "policy__document", "chosen", "created_by", "job"
    )
    paths = [post.path for post in posts_of(user) if "evaluation.view" in post.rights]
    if not paths:
        return rows.none()
    seen = Q(pk__in=())
    for path in paths:
        above = [int(part) for part in path.strip("/").split("/")]
        seen |= Q(organisation__path__startswith=path) | Q(organisation__in=above)
        # A department of a place above evaluates for the whole of that place.
        seen |= Q(organisation__kind=Organisation.Kind.DEPARTMENT, organisation__parent__in=above)
    return rows.filter(seen)


def find_evaluation(user: Any, number: int) -> Evaluation:
    """Raises Http404 for one that the person may not see."""
    found = evaluations_for(user).filter(pk=number).first()
    if found is None:
        raise Http404(number)
    return found


def runs_of(evaluation: Evaluation) -> QuerySet[Run]:
    """Its runs, the newest first."""
    return evaluation.runs.select_related(
        "policy__document", "created_by", "signed_by", "job", "replaces"
    ).order_by("-number")


def find_run(user: Any, number: int, run: int) -> Run:
    """One run of an evaluation that the person may see. Raises Http404."""
    evaluation = find_evaluation(user, number)
    found = runs_of(evaluation).filter(number=run).first()
    if found is None:
        raise Http404(run)
    found.evaluation = evaluation
    return found


def may(user: Any, right: str, evaluation: Evaluation) -> bool:
    """Whether the person may do this in this evaluation."""
    return holds(user, right, evaluation.organisation)
