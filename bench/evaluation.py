"""Evaluation of 10k, 100k and 1M enterprises beside hand-written peers, in one run; medians."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb

from bench.comparison import Comparison, median_time
from bench.peers import by_pandas, by_polars, duckdb_sql, openfisca_run, to_float
from bench.scenario import FLAGS, NUMBERS, make_facts, make_policy
from muheng.policy.compile import compile_policy
from muheng.policy.run import evaluate


def run(sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000), times: int = 7) -> Iterator[Comparison]:
    """Each size beside each peer."""
    plan = compile_policy(make_policy(), "bench.toml").plan
    assert plan is not None
    for size in sizes:
        facts = make_facts(size)
        ours = median_time(lambda facts=facts: evaluate(plan, facts), times)
        frame = to_float(facts.frame)
        connection = duckdb.connect()
        connection.execute("SET threads = 2")
        connection.register("arrow", frame.to_arrow())
        connection.execute("CREATE TABLE facts AS SELECT * FROM arrow")
        sql = duckdb_sql()
        table = frame.to_pandas()
        names = [*NUMBERS, *FLAGS, "事故", "违法", "失信"]
        columns = {name: frame[name].to_numpy() for name in names}
        industry = frame["行业"].cast(int).to_numpy() - 10
        peers: dict[str, Callable[[], Any]] = {
            "Polars by hand": lambda frame=frame: by_polars(frame),
            "DuckDB SQL by hand": lambda connection=connection, sql=sql: connection.sql(sql).to_arrow_table(),
            "pandas by hand": lambda table=table: by_pandas(table),
            "openfisca-core": lambda columns=columns, industry=industry: openfisca_run(columns, industry),
        }
        for name, act in peers.items():
            yield Comparison(f"evaluate {size:,}", ours, name, median_time(act, times))
