"""The same plan by HiGHS alone: one binary for each option, the whole city as one integer program, from arrays."""

from __future__ import annotations

import time
from dataclasses import dataclass

import highspy
import numpy as np

from muheng.emergency.plan.problem import POLLUTANTS, Problem


@dataclass(frozen=True)
class Found:
    """``gap`` is what was proved when it ended; None: no plan was found."""

    seconds: float
    gap: float | None


def solve_by_highs(problem: Problem, gap: float, limit: float) -> Found:
    """One level; stopped at ``gap`` or after ``limit`` seconds. Building the model counts, as ours does."""
    begun = time.perf_counter()
    lines, options = len(problem.lines), len(problem.loss)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = options, lines + len(POLLUTANTS)
    # Costs near one and rows that ask for one: the scaling in which HiGHS does best.
    model.col_cost_ = problem.loss / max(float(np.median(problem.loss[problem.loss > 0])), 1.0)
    model.col_lower_, model.col_upper_ = np.zeros(options), np.ones(options)
    model.row_lower_ = np.ones(lines + len(POLLUTANTS))
    model.row_upper_ = np.concatenate([np.ones(lines), np.full(len(POLLUTANTS), np.inf)])
    model.integrality_ = [highspy.HighsVarType.kInteger] * options
    cuts = problem.reduction / problem.need[0]
    used = [np.flatnonzero(cuts[:, p]) for p in range(len(POLLUTANTS))]
    sizes = [np.diff(problem.start), [len(each) for each in used]]
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    matrix.start_ = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int32)
    matrix.index_ = np.concatenate([np.arange(options), *used]).astype(np.int32)
    matrix.value_ = np.concatenate([np.ones(options), *(cuts[each, p] for p, each in enumerate(used))])
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("time_limit", limit)
    solver.passModel(model)
    solver.run()
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    return Found(time.perf_counter() - begun, float(info.mip_gap) if found else None)
