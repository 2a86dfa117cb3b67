"""A choice as arrays: of each group of columns exactly one, at least cost, so that every row has its least.

The group is a line, or a line at a level where levels are decided together. Floating point lives here, and HiGHS; the
exact rows stay beside, and it is by them that an answer is accepted. Runs are stopped by gap or number of nodes, on one
thread, so that the same arrays give the same answer on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muheng.emergency.plan.general_rows import Rows, add_up_rows
from muheng.emergency.plan.problem import Integers

Floats = NDArray[np.float64]
_TINY = 1e-9
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Matrix:
    """The rows of a choice in floating point, each divided so that its least is about one."""

    row: Places
    column: Places
    value: Floats
    least: Floats
    scale: Floats


@dataclass(frozen=True, eq=False)
class Choice:
    start: Places
    """The columns of group i are ``start[i]:start[i + 1]``."""
    cost: Integers
    allowed: Mask
    """At least one column of each group."""
    rows: tuple[Rows, ...]

    @cached_property
    def group(self) -> Places:
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    @cached_property
    def unit(self) -> float:
        """What cost is divided by inside."""
        paid = self.cost[self.cost > 0]
        return float(np.median(paid)) if len(paid) else 1.0

    @cached_property
    def matrix(self) -> Matrix:
        rows, columns, values, least = [], [], [], []
        before = 0
        for block in self.rows:
            rows.append(block.row + before)
            columns.append(block.option)
            values.append(block.value.astype(np.float64))
            least.append(block.least.astype(np.float64))
            before += len(block.least)
        row = np.concatenate([np.zeros(0, np.intp), *rows])
        value = np.concatenate([np.zeros(0), *values])
        ends = np.concatenate([np.zeros(0), *least])
        largest = np.zeros(before)
        np.maximum.at(largest, row, np.abs(value))
        size = np.where(ends == 0, largest, np.maximum(np.abs(ends), largest * 1e-3))
        scale: Floats = np.exp2(np.round(np.log2(np.where(size > 0, size, 1.0)))).astype(np.float64)
        return Matrix(
            row, np.concatenate([np.zeros(0, np.intp), *columns]), value / scale[row], ends / scale, scale
        )

    def cost_of(self, chosen: Places) -> int:
        return sum(self.cost[chosen].tolist())

    def shortages(self, chosen: Places) -> tuple[Integers, ...]:
        """By how much each row is missed, block by block, exactly; 0 where it is kept."""
        taken = np.zeros(len(self.cost), np.bool_)
        taken[chosen] = True
        return tuple(np.maximum(block.least - add_up_rows(block, taken), 0) for block in self.rows)

    def keeps(self, chosen: Places) -> bool:
        return bool(self.allowed[chosen].all()) and not any(short.any() for short in self.shortages(chosen))


@dataclass(frozen=True, eq=False)
class Reduced:
    """A choice without one column of each group, which stands for all others being out (so that most groups need no row)."""

    base: Places
    columns: Places
    """Those left of the choice's, ascending."""
    group: Places
    cost: Floats
    offset: float
    row: Places
    place: Places
    """Index into ``columns``."""
    value: Floats
    least: Floats


@dataclass(frozen=True, eq=False)
class Extra:
    """Continuous columns from 0 on (slack, levels of shares) beside the choice."""

    cost: Floats
    row: Places
    column: Places
    value: Floats


@dataclass(frozen=True, eq=False)
class Answer:
    """``values`` is None where there is none; ``bound`` in the choice's cost, safely below the truth."""

    impossible: bool
    values: Floats | None
    extra: Floats
    duals: Floats
    bound: float


def reduce(choice: Choice, allowed: Mask, base: Places) -> Reduced:
    """Only the allowed columns, each as its difference from the base of its group."""
    matrix, groups, rows = choice.matrix, len(choice.start) - 1, len(choice.matrix.least)
    is_base = np.zeros(len(choice.cost), np.bool_)
    is_base[base] = True
    columns = np.flatnonzero(allowed & ~is_base)
    place = np.full(len(choice.cost), -1, np.intp)
    place[columns] = np.arange(len(columns))
    group = choice.group[columns]
    count = np.bincount(group, minlength=groups)
    first = np.concatenate([np.zeros(1, np.intp), np.cumsum(count)[:-1]])

    of_base = is_base[matrix.column]
    row, value = matrix.row[of_base], matrix.value[of_base]
    least = matrix.least - np.bincount(row, value, rows)
    at = choice.group[matrix.column[of_base]]
    repeats = count[at]
    within = np.arange(int(repeats.sum())) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    kept = place[matrix.column] >= 0
    key = np.concatenate(
        [
            place[matrix.column[kept]] * rows + matrix.row[kept],
            (np.repeat(first[at], repeats) + within) * rows + np.repeat(row, repeats),
        ]
    )
    values = np.concatenate([matrix.value[kept], -np.repeat(value, repeats)])
    order = np.argsort(key, kind="stable")
    key, values = key[order], values[order]
    if len(key):
        begins = np.flatnonzero(np.concatenate([np.ones(1, np.bool_), key[1:] != key[:-1]]))
        key, values = key[begins], np.add.reduceat(values, begins)
        # HiGHS drops what is this small; what it could give is then not asked for, so that bounds stay below the truth.
        tiny = np.abs(values) <= _TINY
        least = least - np.bincount(key[tiny] % rows, np.maximum(values[tiny], 0.0), rows)
        key, values = key[~tiny], values[~tiny]
    return Reduced(
        base,
        columns,
        group,
        (choice.cost[columns] - choice.cost[base][group]) / choice.unit,
        float(choice.cost[base].sum()) / choice.unit,
        key % max(rows, 1),
        key // max(rows, 1),
        values,
        least,
    )


def solve_relaxed(choice: Choice, reduced: Reduced, extra: Extra | None = None) -> Answer:
    """Columns may be taken in part."""
    return _solve(choice, reduced, extra, None, 0, None)


def solve_whole(
    choice: Choice,
    reduced: Reduced,
    gap: float,
    nodes: int,
    start: Places | None = None,
    extra: Extra | None = None,
) -> Answer:
    return _solve(choice, reduced, extra, gap, nodes, start)


def read_chosen(choice: Choice, reduced: Reduced, values: Floats) -> Places:
    """The column of each group that is nearest to being taken whole."""
    chosen = reduced.base.copy()
    taken = np.flatnonzero(values > 0.5)
    chosen[reduced.group[taken]] = reduced.columns[taken]
    return chosen


def bound_by(choice: Choice, allowed: Mask, duals: Floats) -> tuple[int, Floats]:
    """What prices of the rows prove: a cost that nothing allowed is below, and what each column adds to it at the least.

    Holds for any prices: a group is charged for what its column lacks and each takes the cheapest. The sum's rounding
    errors are taken off.
    """
    matrix = choice.matrix
    paid = np.maximum(duals, 0.0) * choice.unit
    worth = matrix.value * paid[matrix.row]
    net = choice.cost - np.bincount(matrix.column, worth, len(choice.cost))
    size = np.abs(choice.cost) + np.bincount(matrix.column, np.abs(worth), len(choice.cost))
    net = np.where(allowed, net, np.inf)
    least = np.minimum.reduceat(net, choice.start[:-1])
    largest = np.maximum.reduceat(np.where(allowed, size, 0.0), choice.start[:-1])
    due = matrix.least * paid
    error = 1e-13 * (float(largest.sum()) + float(np.abs(due).sum()))
    more: Floats = np.asarray(net - least[choice.group], np.float64)
    return ceil(float(least.sum() + due.sum()) - error), more


def _solve(
    choice: Choice,
    reduced: Reduced,
    extra: Extra | None,
    gap: float | None,
    nodes: int,
    start: Places | None,
) -> Answer:
    import highspy

    count, rows = len(reduced.columns), len(reduced.least)
    if extra is None:
        extra = Extra(np.zeros(0), np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))
    if count + len(extra.cost) == 0:
        impossible = bool((reduced.least > 1e-9).any())
        values = None if impossible else np.zeros(0)
        bound = -np.inf if gap is None else reduced.offset * choice.unit * (1 - 1e-12)
        return Answer(impossible, values, np.zeros(0), np.zeros(rows), bound)
    size = np.bincount(reduced.group, minlength=len(choice.start) - 1)
    several = size[reduced.group] > 1
    crowded = np.flatnonzero(size > 1)
    number = np.full(len(size), -1, np.intp)
    number[crowded] = np.arange(len(crowded))
    row = np.concatenate([reduced.row, rows + number[reduced.group[several]], extra.row])
    column = np.concatenate([reduced.place, np.flatnonzero(several), count + extra.column])
    value = np.concatenate([reduced.value, np.ones(int(several.sum())), extra.value])
    order = np.lexsort((row, column))
    ends = np.cumsum(np.bincount(column, minlength=count + len(extra.cost)))

    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = count + len(extra.cost), rows + len(crowded)
    model.offset_ = reduced.offset
    model.col_cost_ = np.concatenate([reduced.cost, extra.cost])
    model.col_lower_ = np.zeros(count + len(extra.cost))
    model.col_upper_ = np.concatenate([np.ones(count), np.full(len(extra.cost), np.inf)])
    model.row_lower_ = np.concatenate([reduced.least, np.full(len(crowded), -np.inf)])
    model.row_upper_ = np.concatenate([np.full(rows, np.inf), np.ones(len(crowded))])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.concatenate([np.zeros(1), ends]).astype(np.int32)
    model.a_matrix_.index_ = row[order].astype(np.int32)
    model.a_matrix_.value_ = value[order]
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    if gap is not None:
        whole, part = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        model.integrality_ = [whole] * count + [part] * len(extra.cost)
        solver.setOptionValue("mip_rel_gap", gap)
        solver.setOptionValue("mip_max_nodes", nodes)
        solver.setOptionValue("mip_feasibility_tolerance", 1e-9)
        solver.setOptionValue("primal_feasibility_tolerance", 1e-9)
    solver.passModel(model)
    if start is not None:
        known = highspy.HighsSolution()
        taken = np.zeros(len(choice.cost), np.bool_)
        taken[start] = True
        known.col_value = taken[reduced.columns].astype(np.float64)
        solver.setSolution(known)
    solver.run()
    return _read(solver, highspy, choice.unit, count, rows, gap is not None)


def _read(solver: Any, highspy: Any, unit: float, count: int, rows: int, whole: bool) -> Answer:
    status, info = solver.getModelStatus(), solver.getInfo()
    impossible = status == highspy.HighsModelStatus.kInfeasible
    bound = -np.inf
    if whole and isfinite(info.mip_dual_bound):
        bound = info.mip_dual_bound * unit
        bound -= 1e-9 * abs(bound) + 2e-6 * unit
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if impossible or not feasible:
        return Answer(impossible, None, np.zeros(0), np.zeros(rows), bound)
    solution = solver.getSolution()
    values = np.array(solution.col_value)
    duals = np.zeros(rows) if whole else np.array(solution.row_dual)[:rows]
    return Answer(False, values[:count], values[count:], duals, bound)
