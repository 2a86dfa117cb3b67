"""Whom one text moves against another, on a year's facts: computed once, kept, and shown to each within their scope.

Small cities are compared at once, large ones as background work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from muheng.documents.message import Message
from muheng.intake.facts import CODE, Facts, write_frame
from muheng.policy.bind import DataError
from muheng.policy.change import Change, differences, read_data
from muheng.policy.compare import compare
from muheng.policy.compile import compile_policy
from muheng.policy.plan import Plan
from muheng.policy.run import describe_misfits, evaluate
from muheng.reports.phrases import Reader, Said
from muheng.reports.policy_changes import ChangeTeller
from muheng.web.files.actions import store_folder
from muheng.web.jobs.actions import enqueue
from muheng.web.jobs.models import Job
from muheng.web.people.rights import require
from muheng.web.people.scope import scope_of
from muheng.web.policy.documents import check_text, digest_of
from muheng.web.policy.models import Comparison, PolicyVersion
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise, Panel
from muheng.web.registry.panels import current, read_panel

STANDINGS = "standings.parquet"
AT_ONCE = 8
"""Evaluations of a small city that a page may wait for."""
SMALL = 5_000
"""Enterprises up to which an evaluation takes hardly longer than that of one."""

BEFORE, AFTER, CAUSE = "原等级", "新等级", "原因"
MOVED = pl.col(BEFORE) != pl.col(AFTER)
Step = Callable[[int, int, str | Message], None]


@dataclass(frozen=True)
class Question:
    """Two texts and a year's facts. ``previous`` is last year's panel, empty where there is none."""

    before: PolicyVersion
    after: PolicyVersion
    year: int
    facts: str
    previous: str

    def find(self) -> Comparison | None:
        """The answer, where it has been computed."""
        return Comparison.objects.filter(
            before=self.before.sha256,
            after=self.after.sha256,
            year=self.year,
            facts=self.facts,
            previous=self.previous,
        ).first()


def ask(user: Any, before: PolicyVersion, after: PolicyVersion, year: int) -> Question:
    """The question as the facts now are. Raises Refused where there are none."""
    require(user, "policy.view")
    folders = dict(Panel.objects.filter(pk__in=(year, year - 1)).values_list("pk", "folder"))
    if year not in folders:
        raise Refused(
            _("没有 %(year)d 年的数据。") % {"year": year}, _("请先在“数据归集”里接受这一年的表格。")
        )
    return Question(before, after, year, folders[year], folders.get(year - 1, ""))


def answer(user: Any, question: Question) -> Comparison | Job:
    """What is known, computed now where that is quick; else the work that computes it."""
    require(user, "policy.view")
    known = question.find()
    if known is not None:
        return known
    plans = make_plan(question.before), make_plan(question.after)
    facts = current(question.year)
    assert facts is not None
    changes = differences(*(read_data(plan.text, "policy") for plan in plans))
    if (len(changes) + 2) * (1 + facts.frame.height // SMALL) <= AT_ONCE:
        return keep(question, lambda done, total, note: None)
    arguments: dict[str, Any] = {
        "before": question.before.pk,
        "after": question.after.pk,
        "year": question.year,
    }
    running = Job.objects.filter(
        kind="policy.compare", arguments=arguments, state__in=(Job.State.WAITING, Job.State.RUNNING)
    )
    title = _("比较 %(before)s 和 %(after)s") % {
        "before": question.before.label,
        "after": question.after.label,
    }
    return running.first() or enqueue("policy.compare", user, title, **arguments)


def keep(question: Question, progress: Step) -> Comparison:
    """Compute and keep. Raises Refused where a text has errors or does not fit the facts."""
    before, after = make_plan(question.before), make_plan(question.after)
    facts = read_panel(question.facts)
    previous = read_panel(question.previous) if question.previous else None
    progress(0, 3, _("按原办法评价"))
    first = _evaluate(before, question.before, facts, previous)
    progress(1, 3, _("按新办法评价"))
    second = _evaluate(after, question.after, facts, previous)
    progress(2, 3, _("逐条找出变动的原因"))
    found = compare(first, second)
    changes = differences(read_data(before.text, "before"), read_data(after.text, "after"))
    everyone = found.everyone.join(
        found.moves.select(CODE, CAUSE), on=CODE, how="left", maintain_order="left"
    )
    summary = {
        "causes": [
            {"changes": [_index(changes, change) for change in cause.changes], "moved": cause.moved}
            for cause in found.causes
        ],
        "ties": found.json()["ties"],
        "only_before": len(found.only_before),
        "only_after": len(found.only_after),
    }

    def fill(folder: Path) -> None:
        write_frame(everyone, folder / STANDINGS)

    made = Comparison(
        before=digest_of(before.text),
        after=digest_of(after.text),
        year=question.year,
        facts=question.facts,
        previous=question.previous,
        folder=store_folder(fill),
        summary=summary,
    )
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError:  # another answered the same question a moment earlier
        return Comparison.objects.get(
            before=made.before, after=made.after, year=made.year, facts=made.facts, previous=made.previous
        )
    return made


def make_plan(version: PolicyVersion) -> Plan:
    """Raises Refused where the text has errors."""
    plan = compile_policy(version.text, version.document.slug).plan
    if plan is None or check_text(version.text, version.document.slug).errors:
        raise Refused(
            _("%(label)s 还有错误，不能用来评价。") % {"label": version.label},
            _("请先改正；可以先比较文字。"),
            status=422,
            code="has_errors",
        )
    return plan


def _evaluate(plan: Plan, version: PolicyVersion, facts: Facts, previous: Facts | None) -> Any:
    try:
        return evaluate(plan, facts, previous=previous)
    except DataError as error:
        misfits = describe_misfits(list(error.misfits))
        raise Refused(
            _("%(year)d 年的数据不能按 %(label)s 评价。") % {"year": facts.year, "label": version.label},
            "；".join(misfit.render(language()) for misfit in misfits[:3]),
            status=422,
            code="misfit",
        ) from error


def _index(changes: list[Change], wanted: Change) -> int:
    return next((at for at, change in enumerate(changes) if change == wanted), -1)


# -- what a person sees ------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _read_standings(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path / STANDINGS, use_pyarrow=False)


def read_standings(user: Any, comparison: Comparison) -> pl.DataFrame:
    """Everyone within a person's scope: code, name, grades and totals before and after, causes of a move."""
    require(user, "policy.view")
    everyone = _read_standings(comparison.path)
    scope = scope_of(user, "policy.view")
    if scope.everything:
        return everyone
    codes = list(scope.filter(Enterprise.objects.all()).values_list("code", flat=True))
    return everyone.filter(pl.col(CODE).is_in(pl.Series(codes, dtype=pl.String).implode()))


@dataclass(frozen=True)
class CauseTold:
    """What moved ``moved`` enterprises (of the whole city)."""

    number: int
    what: Said
    moved: int


def tell_causes(comparison: Comparison, before: PolicyVersion, after: PolicyVersion) -> list[CauseTold]:
    """The causes as sentences."""
    old = check_text(before.text, before.document.slug).document
    new = check_text(after.text, after.document.slug).document
    changes = differences(read_data(before.text, "before"), read_data(after.text, "after"))
    teller = ChangeTeller(old, new, Reader(compile_policy(after.text).plan))
    return [
        CauseTold(
            number,
            teller.tell_all([changes[at] for at in cause["changes"] if 0 <= at < len(changes)]),
            cause["moved"],
        )
        for number, cause in enumerate(comparison.summary["causes"], 1)
    ]


@dataclass(frozen=True)
class Matrix:
    """Grades before (rows) and after (columns), how many went from one to the other."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def rows(self) -> list[tuple[str, list[tuple[str, int, bool]]]]:
        """Each row's grade, and for each column its grade, how many, and whether they stayed."""
        return [
            (
                old,
                [(new, many, old == new) for new, many in zip(self.after, self.counts[number], strict=True)],
            )
            for number, old in enumerate(self.before)
        ]


def make_matrix(standings: pl.DataFrame, before: Plan, after: Plan) -> Matrix:
    counts = {(old, new): many for old, new, many in standings.group_by(BEFORE, AFTER).len().iter_rows()}
    olds = _ordered({old for old, _new in counts}, before)
    news = _ordered({new for _old, new in counts}, after)
    return Matrix(olds, news, tuple(tuple(counts.get((old, new), 0) for new in news) for old in olds))


def count_directions(standings: pl.DataFrame, plan: Plan) -> tuple[int, int, int]:
    """How many rose, fell, and changed between a grade and none."""
    order = {grade: at for at, grade in enumerate(plan.grades)}
    rose = fell = other = 0
    for old, new, many in standings.filter(MOVED).group_by(BEFORE, AFTER).len().iter_rows():
        if old not in order or new not in order:
            other += many
        elif order[new] < order[old]:
            rose += many
        else:
            fell += many
    return rose, fell, other


def _ordered(labels: set[str], plan: Plan) -> tuple[str, ...]:
    graded = [grade for grade in plan.grades if grade in labels]
    return (*graded, *sorted(labels - set(graded)))
