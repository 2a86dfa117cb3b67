"""Results to report on: a whole city, one enterprise, nobody graded."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from report_city import make_facts, make_plan, make_problems

from muheng.intake.problem import Problem
from muheng.policy.plan import Plan
from muheng.policy.run import Result, evaluate


@pytest.fixture(scope="session")
def plan() -> Plan:
    return make_plan()


@pytest.fixture(scope="session")
def result(plan: Plan) -> Result:
    """1,200 enterprises of every kind."""
    return evaluate(plan, make_facts(1200))


@pytest.fixture(scope="session")
def problems() -> list[Problem]:
    return make_problems()


@pytest.fixture(scope="session")
def one(plan: Plan) -> Result:
    """One enterprise, of 规上: 规下 is empty."""
    facts = make_facts(60)
    frame = facts.frame.filter(
        (pl.col("规模") == "规上") & (pl.col("用地面积") > 0) & (pl.col("投产不足两年") == "否")
    )
    return evaluate(
        plan, replace(facts, frame=frame.filter(~pl.col("行业代码").str.starts_with("4")).head(1))
    )


@pytest.fixture(scope="session")
def nobody(plan: Plan) -> Result:
    """Nobody is graded: no land at all."""
    facts = make_facts(40)
    return evaluate(
        plan, replace(facts, frame=facts.frame.with_columns(pl.lit(0, pl.Int64).alias("用地面积")))
    )
