"""What if a rule were different: regrade everyone while the hand moves.

Keeps every column of the result in a numpy kernel and recomputes only what a change reaches. Gives the same
integers as a full run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import say
from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.bind import DataError, Encoded
from muheng.policy.change import Change, PlaceError, make_change, read_change, read_data
from muheng.policy.compare import Comparison, compare_trial
from muheng.policy.compile import compile_file
from muheng.policy.document import Indicator
from muheng.policy.executors.numpy_engine import Kernel
from muheng.policy.executors.outcome import OverflowRefused
from muheng.policy.run import Result, data_frame, evaluate, last_year_figures, make_program, too_large


class TrialError(ValueError):
    """The changed policy has errors; ``diagnostics`` say which."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(
            "；".join(str(diagnostic.what) for diagnostic in diagnostics if diagnostic.severity == "error")
        )
        self.diagnostics = diagnostics


@dataclass(frozen=True)
class Effect:
    """``grades``: number in the plan's grades of each row of the result (−1: none). ``matrix[i, j]``: how many go
    from grade i of ``before`` to grade j of the plan; the last row and column are those without a grade.
    ``recomputed``: how many columns the change reached."""

    plan: p.Plan
    before: tuple[str, ...]
    grades: NDArray[np.int64]
    matrix: NDArray[np.int64]
    recomputed: int

    @property
    def moved(self) -> int:
        stayed = self.matrix[-1, -1] + sum(
            self.matrix[index, self.plan.grades.index(grade)]
            for index, grade in enumerate(self.before)
            if grade in self.plan.grades
        )
        return int(self.matrix.sum() - stayed)


def change_policy(plan: p.Plan, changes: Sequence[Change]) -> p.Plan:
    """The plan with the changes made. Raises :class:`TrialError`."""
    file = read_data(plan.text, plan.document.policy.id)
    for change in changes:
        file = make_change(file, change)
    compiled = compile_file(file, trial=True)
    if compiled.plan is None:
        raise TrialError(compiled.diagnostics)
    return compiled.plan


def what_if(result: Result, assignments: Sequence[str]) -> Comparison:
    """``PATH=VALUE`` changes made together, everyone regraded, who moves. Raises PlaceError, TrialError, DataError."""
    file = read_data(result.plan.text, result.plan.document.policy.id)
    changes = tuple(read_change(file, assignment) for assignment in assignments)
    plan = change_policy(result.plan, changes)
    changed = evaluate(plan, result.given, previous=result.given_previous)
    return compare_trial(result, changed, changes)


class Simulation:
    """One result held ready for sliders. ``weigh`` is the quick way for weights; ``change`` takes any change."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.encoded: Encoded = result.encoded
        self.kernel = Kernel(data_frame(result.encoded))
        self.kernel.update(result.program)
        self.before = self._grades()

    def change(self, changes: Sequence[Change]) -> Effect:
        """Raises :class:`TrialError` or :class:`DataError`."""
        return self.run(change_policy(self.result.plan, changes))

    def weigh(self, class_name: str, indicator: str, weight: int | float | str) -> Effect:
        """Another weight for one indicator of one class: what ``change`` makes of it, but the file is not read again.

        Raises :class:`PlaceError` for an unknown indicator or a weight that is not above zero.
        """
        plan = self.result.plan
        found = next(
            (item for item in plan.indicators if (item.class_name, item.name) == (class_name, indicator)),
            None,
        )
        if found is None:
            raise PlaceError(say("“{class_name}”没有指标“{name}”。", class_name=class_name, name=indicator))
        new = Fraction(str(weight))
        if new <= 0:
            raise PlaceError(say("权重应大于零。"))
        score, scale = _declared(plan, found).score, new / found.weight

        def scaled(figure: Fraction) -> Fraction:
            """Full marks for what is missing follow the weight."""
            return new if figure == found.weight else figure

        nodes: list[p.AnyNode] = []
        for node in plan.nodes:
            if node.name == found.score and isinstance(node, p.RatioScore):
                cap, floor = _limit(score.cap, node.cap, scale), _limit(score.floor, node.floor, scale)
                node = replace(node, weight=new, cap=cap, floor=floor)
            elif node.name == found.score and isinstance(node, p.RangeScore):
                node = replace(node, weight=new, equal=scaled(node.equal))
            elif node.name == found.score and isinstance(node, p.RankScore):
                node = replace(node, weight=new)
            elif node.name == found.filled and isinstance(node, p.Fill):
                missing = node.missing if node.missing == "mean" else scaled(node.missing)
                zero = node.zero if node.zero == "mean" else scaled(node.zero)
                node = replace(node, weight=new, missing=missing, zero=zero)
            nodes.append(node)
        weighed = replace(found, weight=new)
        indicators = tuple(weighed if item is found else item for item in plan.indicators)
        return self.run(replace(plan, nodes=tuple(nodes), indicators=indicators))

    def run(self, plan: p.Plan) -> Effect:
        """The effect of any plan over the same facts. Raises :class:`DataError`; the next run is as if it had not
        been."""
        if _reads_alike(plan, self.result.plan):
            after, recomputed = self._rerun(plan)
        else:
            after, recomputed = self._afresh(plan)
        before = self.result.plan.grades
        many = len(plan.grades) + 1
        # −1, no grade, is the last row and column.
        pairs = np.where(self.before < 0, len(before), self.before) * many
        pairs += np.where(after < 0, many - 1, after)
        matrix = np.bincount(pairs, minlength=(len(before) + 1) * many).reshape(len(before) + 1, many)
        return Effect(plan, before, after, matrix, recomputed)

    def _rerun(self, plan: p.Plan) -> tuple[NDArray[np.int64], int]:
        figures = last_year_figures(plan, self.result.previous)
        try:
            stale = self.kernel.update(make_program(plan, self.encoded, figures))
        except OverflowRefused as refused:
            raise DataError(too_large(plan, self.encoded, refused)) from refused
        return self._grades(), len(stale)

    def _afresh(self, plan: p.Plan) -> tuple[NDArray[np.int64], int]:
        """Where the facts themselves are read in another way: in other units, merged with others."""
        found = evaluate(plan, self.result.given, previous=self.result.given_previous)
        grades = found.values[p.GRADE].fill_null(-1).to_numpy()
        rows = [found.rows[code] for code in self.result.values[CODE]]
        return grades[rows].astype(np.int64), found.values.width

    def _grades(self) -> NDArray[np.int64]:
        values = self.kernel.values(p.GRADE)
        data = np.asarray(values.data, dtype=np.int64)
        return data.copy() if values.valid is None else np.where(values.valid, data, -1)


def _reads_alike(plan: p.Plan, other: p.Plan) -> bool:
    """Whether both read the same columns from the facts. What stands in for a missing number is put in later,
    except where enterprises are merged by it."""
    if plan.document.merge != other.document.merge:
        return False
    return _inputs(plan) == _inputs(other)


def _inputs(plan: p.Plan) -> dict[str, p.AnyNode]:
    merged = plan.document.merge is not None
    return {
        node.name: replace(node, path=(), clause=None, provider=None, fill=node.fill if merged else None)
        if isinstance(node, p.NumberInput)
        else replace(node, path=(), clause=None, provider=None)
        for node in plan.nodes
        if isinstance(node, p.NumberInput | p.CodeInput)
    }


def _declared(plan: p.Plan, indicator: p.IndicatorPlan) -> Indicator:
    _, owner, _, index = indicator.path
    return plan.document.classes[str(owner)].indicator[int(index)]


def _limit(text: object, now: Fraction | None, scale: Fraction) -> Fraction | None:
    """A cap or floor that is given as a multiple of the weight follows it."""
    return now * scale if now is not None and isinstance(text, str) and "倍权重" in text else now
