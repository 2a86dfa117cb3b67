"""One enterprise in one run: the grade explained down to the departments' cells, each indicator beside its measure,
what would help. For officials who see it, and for the enterprise itself once a result is public.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Q
from django.http import Http404

from muheng.documents.message import Language, Message
from muheng.intake.facts import CODE, NAME, SourceCell
from muheng.policy import plan as p
from muheng.policy.advise import Advice, advise
from muheng.policy.explain import Reason, UnknownEnterprise, explain, trimmed
from muheng.policy.run import Result
from muheng.reports import words
from muheng.standards.rounding import format_exact, format_scaled
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.evaluation.queries.comparison import standings
from muheng.web.evaluation.queries.results import SeenRun
from muheng.web.evaluation.runs import read_result
from muheng.web.people.scope import scope_of
from muheng.web.registry.models import Enterprise, GradeRecord
from muheng.web.registry.queries import may

PUBLIC = (Evaluation.State.PUBLICITY, Evaluation.State.ANSWERS, Evaluation.State.FINAL)
"""While these last, the chosen run is shown to those whom it is about."""


@dataclass(frozen=True)
class Branch:
    """A reason as it is read. ``open``: its parts are in sight from the start."""

    said: str
    clause: str
    cells: tuple[SourceCell, ...]
    parts: tuple[Branch, ...]
    open: bool


@dataclass(frozen=True)
class Score:
    """One indicator: the value, what it was held against, and the points out of the weight (``percent`` of it)."""

    name: str
    value: str
    unit: str
    base: str
    weight: str
    points: str
    percent: int


@dataclass(frozen=True)
class Told:
    """``subject``: the name of the enterprise whose figures these are, where it is another."""

    code: str
    name: str
    subject: str
    grade: str
    grade_name: str
    standing: str
    class_name: str
    total: str
    place: int | None
    tree: Branch
    scores: tuple[Score, ...]
    open_questions: tuple[str, ...]


def tell(result: Result, code: str, lang: Language) -> Told:
    """Raises Http404 for who is not in the run."""
    try:
        found = explain(result, code)
    except UnknownEnterprise:
        raise Http404(code) from None
    row = result.rows[found.code]
    listed = result.grades.row(row, named=True)
    grade = found.grade or ""
    return Told(
        code=found.code,
        name=found.name,
        subject=listed[NAME] if found.subject != found.code else "",
        grade=grade,
        grade_name=result.plan.document.grade[grade].name if grade else "",
        standing=words.render(words.standing_name(listed[p.STANDING]), lang),
        class_name=listed[p.CLASS] or "",
        total=trimmed(listed[p.TOTAL]) if listed[p.TOTAL] is not None else "",
        place=listed[p.PLACE],
        tree=_branch(found.root, lang, 0),
        scores=tuple(_scores(result, row, listed[p.CLASS])),
        open_questions=found.open_questions,
    )


def _branch(reason: Reason, lang: Language, depth: int) -> Branch:
    sentence: Message = reason.sentence
    return Branch(
        sentence.render(lang),
        reason.clause or "",
        reason.cells,
        tuple(_branch(part, lang, depth + 1) for part in reason.parts),
        depth == 0,
    )


def _scores(result: Result, row: int, class_name: str | None) -> Iterator[Score]:
    for item in result.plan.indicators:
        points = result.values[item.filled][row] if item.class_name == class_name else None
        if points is None:
            continue
        node = result.plan.numeric(item.value)
        value = result.values[item.value][row]
        digits = result.plan.numeric(item.filled).digits
        full = item.weight * 10**digits
        base = ""
        if isinstance(item.base, str):
            found = result.values[item.base][row]
            base = words.scaled(found, result.plan.numeric(item.base).digits) if found is not None else ""
        elif item.base is not None:
            base = format_exact(item.base)
        yield Score(
            item.name,
            words.scaled(value, node.digits),
            node.unit,
            base,
            format_exact(item.weight),
            trimmed(format_scaled(points, digits)),
            max(0, min(100, int(points * 100 / full))) if full else 0,
        )


def find_in_run(user: Any, seen: SeenRun, code: str) -> str:
    """The code, where the person may see that enterprise in this run: it, its merged subject, or by its place now."""
    subject = (seen.result.members or {}).get(code, code)
    if code not in seen.result.rows:
        raise Http404(code)
    if not seen.sees(subject):
        enterprise = Enterprise.objects.filter(code=code).first()
        if enterprise is None or not may(user, "evaluation.view", enterprise):
            raise Http404(code)
    return code


@lru_cache(maxsize=256)
def advise_in(folder: str, code: str, grade: str) -> Advice:
    """Ways to a grade, each verified by regrading everyone it touches. Raises Http404."""
    try:
        return advise(read_result(folder), code, grade)
    except (UnknownEnterprise, ValueError):
        raise Http404(code) from None


def grade_history(code: str) -> list[GradeRecord]:
    """The grades that signed evaluations gave, the newest first."""
    return list(GradeRecord.objects.filter(enterprise__code=code, ended_at=None).order_by("-year"))


# -- the enterprise itself -----------------------------------------------------------------------------------------


def own_enterprises(user: Any) -> list[Enterprise]:
    """The enterprises that an account acts for."""
    return list(Enterprise.objects.filter(pk__in=scope_of(user, "own.view").enterprises).order_by("name"))


def public_runs(enterprise: Enterprise) -> list[Run]:
    """The runs that an enterprise may see of itself, the newest year first: signed ones, and what is in publicity."""
    shown = Q(evaluation__state__in=PUBLIC) | Q(signed_at__isnull=False)
    found = Run.objects.filter(shown, evaluation__chosen__isnull=False).exclude(results="")
    runs = found.select_related("evaluation").order_by("-evaluation__year", "-pk")
    return [
        run
        for run in runs
        if run.evaluation.chosen_id == run.pk and enterprise.code in standings(run.results)[CODE]
    ]


def find_own(user: Any, evaluation: int, code: str) -> tuple[Enterprise, Run]:
    """An enterprise of the account, and its public result in an evaluation. Raises Http404."""
    enterprise = next((each for each in own_enterprises(user) if each.code == code), None)
    if enterprise is None:
        raise Http404(code)
    run = next((each for each in public_runs(enterprise) if each.evaluation_id == evaluation), None)
    if run is None:
        raise Http404(code)
    return enterprise, run
