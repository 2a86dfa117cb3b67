"""What-if, explanation and advice at 100k enterprises: medians over many enterprises, beside a full run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bench.comparison import Comparison, median_time, time_once
from bench.scenario import make_facts, make_policy
from muheng.intake.facts import CODE
from muheng.policy.advise import advise
from muheng.policy.compile import compile_policy
from muheng.policy.explain import explain
from muheng.policy.plan import GRADE
from muheng.policy.run import evaluate
from muheng.policy.whatif import Simulation

ROWS = 100_000


def each(act: Callable[[Any], Any], items: Iterable[Any]) -> float:
    """Median seconds of one call."""
    return statistics.median(time_once(lambda item=item: act(item)) for item in items)


def run(rows: int = ROWS) -> Iterator[Comparison]:
    """Each interaction beside an evaluation of everyone."""
    plan = compile_policy(make_policy(), "bench.toml").plan
    assert plan is not None
    facts = make_facts(rows)
    full = median_time(lambda: evaluate(plan, facts), 5)
    result = evaluate(plan, facts)
    grades = result.values[GRADE].to_list()
    codes = result.values[CODE].to_list()
    class_c = [code for code, grade in zip(codes, grades, strict=True) if grade == 2][:: rows // 400][:60]
    simulation = Simulation(result)
    simulation.weigh("工业", "亩均税收", 31)
    result.kernel  # noqa: B018  (made once per result, as a server would hold it)
    jobs = {
        "what-if, one weight": each(
            lambda weight: simulation.weigh("工业", "亩均税收", weight), range(32, 62)
        ),
        "explanation": each(lambda code: explain(result, code), codes[:: rows // 200]),
        "advice to B, verified": each(lambda code: advise(result, code, "B"), class_c),
    }
    for job, ours in jobs.items():
        yield Comparison(f"{job}, {rows:,}", ours, "a full run", full)
