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
from muheng.policy import plan as p
from muheng.policy.bind import DataError, Encoded
from muheng.policy.change import Change, make_change, read_change, read_data
from muheng.policy.compare import Comparison, compare_trial
from muheng.policy.compile import compile_file
from muheng.policy.executors.numpy_engine import Kernel
from muheng.policy.executors.outcome import OverflowRefused
from muheng.policy.program import Program
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
    """``grades``: grade number of each row (−1: none). ``matrix[i, j]``: how many go from grade i to grade j; the
    last row and column are those without a grade. ``recomputed``: how many columns the change reached."""

    plan: p.Plan
    grades: NDArray[np.int64]
    matrix: NDArray[np.int64]
    recomputed: int

    @property
    def moved(self) -> int:
        return int(self.matrix.sum() - np.trace(self.matrix))


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
        """Another weight for one indicator, its cap in the same proportion. The file is not read again."""
        found = next(
            item
            for item in self.result.plan.indicators
            if (item.class_name, item.name) == (class_name, indicator)
        )
        new = Fraction(str(weight))
        scale = new / found.weight
        nodes: list[p.AnyNode] = []
        for node in self.result.plan.nodes:
            if node.name == found.score and isinstance(node, p.RatioScore):
                cap = None if node.cap is None else node.cap * scale
                node = replace(node, weight=new, cap=cap)
            elif node.name in (found.score, found.filled) and isinstance(
                node, p.RangeScore | p.RankScore | p.Fill
            ):
                node = replace(node, weight=new)
            nodes.append(node)
        return self.run(replace(self.result.plan, nodes=tuple(nodes)))

    def run(self, plan: p.Plan) -> Effect:
        program = self._program(plan)
        try:
            stale = self.kernel.update(program)
        except OverflowRefused as refused:
            raise DataError(too_large(plan, self.encoded, refused)) from refused
        after = self._grades()
        many = len(plan.grades) + 1
        # −1, no grade, is the last row and column.
        pairs = np.where(self.before < 0, many - 1, self.before) * many
        pairs += np.where(after < 0, many - 1, after)
        matrix = np.bincount(pairs, minlength=many * many).reshape(many, many)
        return Effect(plan, after, matrix, len(stale))

    def _program(self, plan: p.Plan) -> Program:
        figures = last_year_figures(plan, self.result.previous)
        return make_program(plan, self.encoded, figures)

    def _grades(self) -> NDArray[np.int64]:
        values = self.kernel.values(p.GRADE)
        data = np.asarray(values.data, dtype=np.int64)
        return data.copy() if values.valid is None else np.where(values.valid, data, -1)
