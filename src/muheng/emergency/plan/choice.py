"""One option for each line, rows to be covered, least cost: the integer program as HiGHS takes it.

Arrays in, arrays out; what costs and rows mean is not known here. Runs are stopped by gap, target or number of nodes,
never by the clock, on one thread, so that the same arrays give the same answer on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Chosen:
    """``options`` (one index for each line) is None where nothing was found; ``bound`` -inf where nothing is proved."""

    options: Indices | None
    cost: float
    bound: float
    short: Floats
    """By how much each row is left uncovered; only with ``elastic``."""


def choose(
    start: Indices,
    cost: Floats,
    cut: Floats,
    need: Floats,
    *,
    gap: float = 0.0,
    target: float | None = None,
    nodes: int | None = None,
    elastic: Floats | None = None,
    hint: Indices | None = None,
) -> Chosen:
    """Least ``cost`` with ``sum(cut[:, chosen]) >= need``; options of line i are ``start[i]:start[i + 1]``.

    ``elastic``: what a unit of each row costs that is left uncovered; None: rows must be covered.
    ``target``: a cost that is good enough to stop at. ``hint``: a choice to begin with.
    """
    import highspy

    lines, columns, rows = len(start) - 1, len(cost), len(need)
    extra = 0 if elastic is None else rows
    scale = _power_of_two(np.abs(cost).max(initial=0.0))
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns + extra, lines + rows
    prices = np.empty(0) if elastic is None else elastic / scale
    model.col_cost_ = np.concatenate([cost / scale, prices])
    model.col_lower_ = np.zeros(columns + extra)
    model.col_upper_ = np.concatenate([np.ones(columns), np.full(extra, np.inf)])
    model.row_lower_ = np.concatenate([np.ones(lines), need])
    model.row_upper_ = np.concatenate([np.ones(lines), np.full(rows, np.inf)])
    integer, continuous = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    model.integrality_ = [integer] * columns + [continuous] * extra
    _fill(model.a_matrix_, start, cut, extra)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    solver = make_solver()
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("mip_abs_gap", 0.0)
    if nodes is not None:
        solver.setOptionValue("mip_max_nodes", nodes)
    if target is not None:
        solver.setOptionValue("objective_target", target / scale)
    solver.passModel(model)
    if hint is not None:
        known = highspy.HighsSolution()
        values = np.zeros(columns + extra)
        values[hint] = 1.0
        if extra:
            values[columns:] = np.maximum(0.0, need - cut[:, hint].sum(1))
        known.col_value = values
        solver.setSolution(known)
    solver.run()
    info = solver.getInfo()
    bound = info.mip_dual_bound * scale if np.isfinite(info.mip_dual_bound) else -np.inf
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Chosen(None, np.inf, bound, np.zeros(rows))
    values = np.array(solver.getSolution().col_value)
    options = _largest(start, values[:columns])
    return Chosen(options, float(cost[options].sum()), bound, values[columns:])


def make_solver() -> Any:
    """HiGHS, silent and repeatable."""
    import highspy

    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("primal_feasibility_tolerance", _TOLERANCE)
    solver.setOptionValue("dual_feasibility_tolerance", _TOLERANCE)
    solver.setOptionValue("mip_feasibility_tolerance", _TOLERANCE)
    return solver


def _power_of_two(most: float) -> float:
    """A divisor that brings costs near one and changes none of their digits."""
    return float(2.0 ** np.floor(np.log2(most))) if most > 0 else 1.0


def _fill(matrix: Any, start: Indices, cut: Floats, extra: int) -> None:
    """The rows: one option of each line, then the rows to be covered."""
    columns = cut.shape[1]
    starts, index, value = [start[:-1]], [np.arange(columns)], [np.ones(columns)]
    filled = columns
    for p, row in enumerate(cut):
        used = np.flatnonzero(row)
        starts.append(np.array([filled]))
        index.append(used)
        value.append(row[used])
        if extra:
            index.append(np.array([columns + p]))
            value.append(np.ones(1))
        filled += len(used) + (1 if extra else 0)
    starts.append(np.array([filled]))
    matrix.start_ = np.concatenate(starts).astype(np.int32)
    matrix.index_ = np.concatenate(index).astype(np.int32)
    matrix.value_ = np.concatenate(value)


def _largest(start: Indices, values: Floats) -> Indices:
    """The option of each line that has the largest value, the first of equals."""
    line = np.repeat(np.arange(len(start) - 1), np.diff(start))
    order = np.lexsort((np.arange(len(values)), -values, line))
    return order[start[:-1]]
