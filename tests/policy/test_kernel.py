"""The numpy kernel gives the integers of the Polars executor, whatever changed before and whatever failed.

MUHENG_EXAMPLES multiplies the number of generated cases.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from generate import Case, cases
from hypothesis import HealthCheck, assume, event, given, reject, settings
from hypothesis import strategies as st
from small_city import City, cities, policies

from muheng.policy import plan as p
from muheng.policy.advise import touched_rows
from muheng.policy.bind import DataError
from muheng.policy.compile import compile_policy
from muheng.policy.executors.numpy_engine import Kernel, run_numpy
from muheng.policy.executors.outcome import OverflowRefused
from muheng.policy.executors.polars_engine import run_polars
from muheng.policy.program import Binary, Check, Column, Constant, Let, Program, Step
from muheng.policy.run import Result, data_frame, evaluate

MANY = int(os.environ.get("MUHENG_EXAMPLES", "1"))


def checked(examples: int) -> settings:
    return settings(
        max_examples=examples * MANY,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        report_multiple_bugs=False,
    )


def assert_same_columns(expected: pl.DataFrame, found: pl.DataFrame) -> None:
    for series in expected.iter_columns():
        assert found[series.name].cast(series.dtype).to_list() == series.to_list(), series.name


def frame_of(**columns: list[int | None]) -> pl.DataFrame:
    made = {f"@{name}": pl.Series(values, dtype=pl.Int64) for name, values in columns.items()}
    return pl.DataFrame(made).with_row_index("~行").cast({"~行": pl.Int64})


def program(*steps: Step, rows: int = 4) -> Program:
    return Program(steps, rows)


@checked(25)
@given(cases())
def test_numpy_and_polars_agree_on_every_column(case: Case) -> None:
    plan = compile_policy(case.text, "generated.toml").plan
    if plan is None:
        reject()
    try:
        result = evaluate(plan, case.facts, previous=case.previous)
    except DataError:
        event("refused")
        return
    frame = data_frame(result.encoded)
    assert_same_columns(run_polars(result.program, frame), run_numpy(result.program, frame))


@checked(25)
@given(cities(), st.data())
def test_a_part_replayed_is_the_whole_recomputed(city: City, data: st.DataObject) -> None:
    """One enterprise's figure changes: rerunning its groups alone gives what a full run gives for them."""
    result = evaluated(city)
    row = data.draw(st.integers(0, result.values.height - 1))
    name = data.draw(st.sampled_from(["税收", "利润", "增加值", "研发", "能耗"]))
    values = result.encoded.frame[name].to_list()
    known = [value for value in values if value is not None]
    assume(values[row] is not None)
    value = data.draw(st.sampled_from([min(known), max(known), (min(known) + max(known)) // 2]))
    # Who keeps its standing, its class and what it has a figure for stays in its groups.
    assume((value > 0) == (values[row] > 0))
    rows = touched_rows(result, row)
    part = result.kernel.part(rows)
    column = part.columns[f"@{name}"]
    changed = column.data.copy()
    changed[np.searchsorted(rows, row)] = value
    part.columns[f"@{name}"] = replace(column, data=changed)
    part.replay(result.program.between(frozenset({f"@{name}"}), frozenset({p.GRADE, p.TOTAL, p.PLACE})))

    values[row] = value
    frame = data_frame(result.encoded).with_columns(pl.Series(f"@{name}", values, dtype=pl.Int64))
    whole = run_polars(result.program, frame)
    for outcome in (p.TOTAL, p.PLACE, p.GRADE):
        assert part.series(outcome).to_list() == whole[outcome].gather(rows).to_list()


@checked(10)
@given(cities(), policies())
def test_a_kernel_taken_through_two_policies_in_turn_is_always_fresh(first: City, text: str) -> None:
    frame = data_frame(evaluated(first).encoded)
    programs = [evaluated(first).program, evaluated(replace(first, text=text)).program]
    kernel = Kernel(frame)
    for turn in (0, 1, 0, 1):
        kernel.update(programs[turn])
        found = pl.DataFrame([kernel.series(name) for name in kernel.names()])
        assert_same_columns(run_polars(programs[turn], frame).select(outcome_names(programs[turn])), found)


def outcome_names(of: Program) -> list[str]:
    return [step.name for step in of.steps if not isinstance(step, Check) and not step.name.startswith("~")]


def evaluated(city: City) -> Result:
    try:
        return evaluate(city.plan, city.facts, previous=city.previous)
    except DataError:
        reject()


# -- updates -----------------------------------------------------------------------------------------

DATA = {"甲": [1, 2, 3, 4], "乙": [10, 20, 30, 40]}


def test_a_step_that_was_gone_for_a_while_is_computed_again() -> None:
    twice = Let("双", Binary("multiply", Column("数"), Constant(2)))
    kernel = Kernel(frame_of(**DATA))
    kernel.update(program(Let("数", Column("@甲")), twice))
    kernel.update(program(Let("数", Column("@乙"))))
    kernel.update(program(Let("数", Column("@乙")), twice))
    assert kernel.series("双").to_list() == [20, 40, 60, 80]


def test_a_check_that_becomes_tighter_is_made_though_its_column_stays() -> None:
    number = Let("数", Column("@乙"))
    kernel = Kernel(frame_of(**DATA))
    kernel.update(program(number, Check("数", 100, "节点")))
    with pytest.raises(OverflowRefused) as refused:
        kernel.update(program(number, Check("数", 25, "节点")))
    assert refused.value.rows == [2, 3]


def test_a_check_that_another_column_passed_is_made_again() -> None:
    kernel = Kernel(frame_of(**DATA))
    kernel.update(program(Let("数", Column("@甲")), Check("数", 25, "节点")))
    kernel.update(program(Let("数", Column("@乙"))))
    with pytest.raises(OverflowRefused):
        kernel.update(program(Let("数", Column("@乙")), Check("数", 25, "节点")))


def test_a_refused_program_is_refused_again_and_the_one_before_still_runs() -> None:
    good = program(Let("数", Column("@甲")), Check("数", 25, "节点"), Let("双", double("数")))
    bad = program(Let("数", Column("@乙")), Check("数", 25, "节点"), Let("双", double("数")))
    kernel = Kernel(frame_of(**DATA))
    kernel.update(good)
    for _ in range(2):
        with pytest.raises(OverflowRefused):
            kernel.update(bad)
    kernel.update(good)
    assert kernel.series("数").to_list() == DATA["甲"]
    assert kernel.series("双").to_list() == [2, 4, 6, 8]


def double(name: str) -> Binary:
    return Binary("multiply", Column(name), Constant(2))
