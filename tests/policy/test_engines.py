"""Oracle, Polars, numpy and DuckDB through Ibis give the same value at every node of every policy, in every row.

MUHENG_EXAMPLES multiplies the number of generated cases, for long hunts.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from generate import YEAR, Case, cases, crowd, policies, tables
from hypothesis import HealthCheck, currently_in_test_context, event, given, reject, settings
from hypothesis import strategies as st
from oracle import Oracle, Value

from muheng.cities.pack import find_policy
from muheng.intake.facts import CODE, NAME, Facts, Item
from muheng.policy import plan as p
from muheng.policy.bind import DataError, Encoded, bind
from muheng.policy.compile import compile_policy
from muheng.policy.executors.ibis_engine import run_duckdb
from muheng.policy.executors.numpy_engine import run_numpy
from muheng.policy.executors.outcome import OverflowRefused
from muheng.policy.executors.polars_engine import run_polars
from muheng.policy.lower import MOVES, ROW
from muheng.policy.program import Binary, Check, Column, Constant, Let, Program
from muheng.policy.run import Engine, Result, decode, evaluate, make_program, run_program

# Ibis 12 still calls DuckDB by an old name.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

MANY = float(os.environ.get("MUHENG_EXAMPLES", "1"))
# A policy with every feature, and one whose groups are many.
CROWDED = ("ah-maanshan-demo", "zj-wenling-park-2022")


def checked(examples: int) -> settings:
    return settings(
        max_examples=max(1, round(examples * MANY)),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        report_multiple_bugs=False,
    )


def compiled(text: str) -> p.Plan:
    found = compile_policy(text, "generated.toml")
    if found.plan is None:
        event("does not compile")
        reject()
    return found.plan


def evaluated(plan: p.Plan, case: Case, engine: Engine = "polars") -> Result | None:
    """None where the facts are refused, in words."""
    try:
        return evaluate(plan, case.facts, previous=case.previous, engine=engine)
    except DataError as error:
        misfits = error.misfits
    assert misfits
    if currently_in_test_context():
        event(f"refused: {misfits[0].what.template}")
    return None


def read(result: Result, name: str) -> list[Value]:
    """A column of a result as the oracle says it."""
    plan = result.plan
    node = plan.by_name.get(name)
    if isinstance(node, p.CodeInput) and node.kind in ("date", "level"):
        return result.values[name].to_list()
    if isinstance(node, p.CodeInput | p.Grouping | p.Classify):
        return decode(result.values[name], result.labels[name]).to_list()
    if isinstance(node, p.Standing):
        return decode(result.values[name], p.STANDINGS).to_list()
    if name in (p.FIRST_GRADE, p.GRADE, p.TREATED_AS):
        return decode(result.values[name], plan.grades).to_list()
    return result.values[name].to_list()


def assert_told_alike(case: Case, result: Result) -> None:
    """Every node of the plan, and what is made of them, is what the oracle says."""
    plan = result.plan
    oracle = Oracle(plan, case.facts, case.previous)
    for name in [*(node.name for node in plan.nodes), p.FIRST_GRADE, p.PLACE, p.TREATED_AS]:
        assert read(result, name) == oracle.column(name), name
    for ranking in plan.rankings:
        first = decode(result.values[f"{ranking.name}.初评"], plan.grades).to_list()
        assert first == oracle.first_grades(ranking), ranking.name
    applied = [
        tuple(index for index in range(len(plan.regrading.moves)) if bits >> index & 1)
        for bits in result.values[MOVES]
    ]
    assert applied == [moves for _, moves in oracle.regrade(plan.regrading)]


def framed(encoded: Encoded) -> pl.DataFrame:
    """The columns that a program reads."""
    frame = encoded.frame.rename({name: f"@{name}" for name in encoded.frame.columns[2:]})
    return frame.with_columns(pl.int_range(frame.height, dtype=pl.Int64).alias(ROW))


def assert_same_columns(found: pl.DataFrame, values: pl.DataFrame) -> None:
    for name in values.columns:
        assert found[name].dtype == values[name].dtype, name
        assert found[name].to_list() == values[name].to_list(), name


@checked(60)
@given(cases(), st.integers(0, 2**32))
def test_oracle_polars_and_numpy_agree_on_every_node(case: Case, seed: int) -> None:
    """Also with the enterprises in another order."""
    plan = compiled(case.text)
    result = evaluated(plan, case)
    facts = replace(case.facts, frame=case.facts.frame.sample(fraction=1, shuffle=True, seed=seed))
    again = evaluated(plan, replace(case, facts=facts))
    assert (result is None) == (again is None)
    if result is not None and again is not None:
        event("evaluated")
        assert_told_alike(case, result)
        assert again.values.equals(result.values)
        assert_same_columns(run_numpy(result.program, framed(result.encoded)), result.values)


@checked(8)
@given(cases(), st.integers(0, 2**32))
def test_duckdb_agrees_with_rows_in_any_order(case: Case, seed: int) -> None:
    result = evaluated(compiled(case.text), case)
    if result is not None:
        event("evaluated")
        shuffled = framed(result.encoded).sample(fraction=1, shuffle=True, seed=seed)
        assert_same_columns(run_duckdb(result.program, shuffled, threads=2), result.values)


@checked(25)
@given(policies(), st.integers(0, 8), st.data())
def test_at_the_edges_of_what_is_declared_numbers_are_right_or_refused(
    text: str, smaller: int, data: st.DataObject
) -> None:
    """``smaller`` by powers of ten, to come near the limits of the proof from above."""
    plan = compiled(text)
    edges = {
        node.name: (
            _scaled(node.range[0], node, smaller),
            _scaled(node.range[1], node, smaller),
            node.unit,
            node.digits,
        )
        for node in plan.nodes
        if isinstance(node, p.NumberInput)
    }
    case = Case(text, data.draw(tables(edges=edges)), data.draw(tables(YEAR - 1)))
    result = evaluated(plan, case)
    if result is not None:
        event("evaluated")
        assert_told_alike(case, result)


def _scaled(limit: Fraction, node: p.NumberInput, smaller: int) -> int:
    return int(limit * 10**node.digits / 10**smaller)


@pytest.fixture(scope="module", params=CROWDED)
def crowded(request: pytest.FixtureRequest) -> tuple[Program, pl.DataFrame, pl.DataFrame]:
    """A shipped policy's program, 20,000 made-up enterprises, and what Polars makes of them."""
    program, encoded = crowded_program(request.param, 20_000)
    return program, framed(encoded), run_program(program, encoded)


def crowded_program(policy: str, count: int) -> tuple[Program, Encoded]:
    plan = compile_policy(find_policy(policy)).plan
    assert plan is not None
    encoded = bind(plan, crowd(plan, count, seed=1))
    return make_program(plan, encoded), encoded


@pytest.mark.parametrize("threads", [1, 2])
def test_duckdb_threads_change_nothing(
    crowded: tuple[Program, pl.DataFrame, pl.DataFrame], threads: int
) -> None:
    program, frame, values = crowded
    found = run_duckdb(program, frame.sample(fraction=1, shuffle=True, seed=threads), threads)
    kept = [name for name in values.columns if not name.startswith("~")]
    assert_same_columns(found, values.select(kept))


def print_fingerprint() -> None:
    """Run in processes of their own: how many threads Polars has is fixed when it is imported."""
    for policy in CROWDED:
        values = run_program(*crowded_program(policy, 50_000))
        hashes = values.select(sorted(values.columns)).hash_rows(seed=1)
        digest = hashlib.sha256(hashes.to_numpy().tobytes()).hexdigest()
        print(pl.thread_pool_size(), policy, digest)


def test_polars_threads_change_nothing() -> None:
    script = "from test_engines import print_fingerprint; print_fingerprint()"
    found = []
    for threads in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "POLARS_MAX_THREADS": threads},
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
        lines = [line.split() for line in done.stdout.splitlines()]
        assert {size for size, _, _ in lines} == {threads}
        found.append([rest for _, *rest in lines])
    assert found[0] == found[1]


@pytest.mark.parametrize("engine", [run_polars, run_numpy, run_duckdb])
def test_every_engine_refuses_the_same_rows(engine: Callable[[Program, pl.DataFrame], pl.DataFrame]) -> None:
    """The second check fails too, and arithmetic after either would overflow."""
    program = Program(
        (
            Let("甲", Binary("multiply", Column("@甲"), Constant(1000))),
            Check("甲", 2000, "甲节点"),
            Let("乙", Binary("multiply", Column("甲"), Constant(2**50))),
            Check("乙", 2**60, "乙节点"),
            Let("丙", Binary("multiply", Column("乙"), Column("乙"))),
        ),
        rows=4,
    )
    frame = pl.DataFrame({"@甲": [2, 2**40, None, -3], ROW: [0, 1, 2, 3]})
    with pytest.raises(OverflowRefused) as refused:
        engine(program, frame)
    assert (refused.value.node, refused.value.rows) == ("甲节点", [1, 3])


# -- what the generated cases found once -----------------------------------------------------------------

SMALL = """
[policy]
id = "small"
name = "小"
source = { document = "无", status = "示例" }
valid = { from = 2020-01-01 }
open = []
[input]
税收 = { unit = "万元", missing = "视为缺", range = [-1e15, 1e15] }
研发 = { unit = "万元", missing = "视为缺" }
用地 = { unit = "亩", missing = "视为缺" }
乡镇 = { type = "文本", missing = "视为缺" }
村 = { type = "文本", missing = "视为缺" }
[[exempt]]
name = "新办"
when = "税收 < 0"
then = "不定等级"
scored = true
[class.全部]
when = "not (乡镇 == 'a')"
[[class.全部.indicator]]
name = "亩均"
formula = "FORMULA"
unit = "万元/亩"
digits = 4
weight = 100
missing = "得零分"
zero = "得零分"
score = { by = "比值", base = BASE, cap = "不设", floor = 0 }
[scoring]
score_digits = 2
total_digits = 2
cap = "不设"
floor = "不设"
[limit]
加分 = { take = "合计", cap = "不设" }
[[bonus]]
name = "加"
add = 3
limit = "加分"
[grade]
A = { name = "好" }
B = { name = "差" }
[grading]
within = []
order = ["总分 降", "用地 升", "总分 升", "用地 降", "统一社会信用代码 降"]
quota = { A = "40%", B = "100%" }
round = { A = "四舍五入" }
counted = ["参评"]
ties = "按排序键"
vetoed = "占名额"
direct = "占名额"
"""


def small_case(formula: str = "税收 / 用地", base: str = "3", most: int = 10**6) -> Case:
    figures = {
        "税收": [100, 8, None, -5, -5, most, 7, 100],
        "研发": [3, 2, 4, 9, 9, 11, None, 3],
        "用地": [10, 0, 5, 0, 1, 2, None, 10],
    }
    texts = {
        "乡镇": ["a/b", "a", "", None, "a", "*", "b", "c"],
        "村": ["c", "b/c", None, "", "x", "y", "*", "z"],
    }
    items = {name: Item(name, "number", "亩" if name == "用地" else "万元", 0) for name in figures}
    items |= {name: Item(name, "text") for name in texts}
    who = {CODE: [f"91{row}" for row in range(8)], NAME: [f"企业{row}" for row in range(8)]}
    facts = Facts(YEAR, items, pl.DataFrame({**who, **figures, **texts}))
    # Last year everybody stood one place further down.
    moved = facts.frame.with_columns(pl.col("乡镇", "村").shift(1))
    previous = Facts(YEAR - 1, items, moved)
    return Case(SMALL.replace("FORMULA", formula).replace("BASE", base), facts, previous)


@pytest.mark.parametrize(
    "formula",
    [
        "税收 / 用地",
        "(研发 / (用地 + 1)) * (研发 / (用地 + 1)) / (研发 / 用地)",
        "if(税收 / 用地 >= 研发 / 用地, 1, 2) * (税收 / (用地 + 1))",
        "if(税收 / 用地 != 0, 1, 2) * (税收 / (用地 + 1))",
        "min(税收, 税收 / 0) / 用地",
        "max(-(税收), 0) / 用地",
        "max(税收 / 用地, 研发 / 2 / 用地)",
        f"min({', '.join(f'税收 + {n}' for n in range(40))}) / 用地",
    ],
)
def test_formulas(formula: str) -> None:
    case = small_case(formula)
    result = evaluated(compiled(case.text), case)
    assert result is not None
    assert_told_alike(case, result)
    assert_same_columns(run_numpy(result.program, framed(result.encoded)), result.values)
    assert_same_columns(run_duckdb(result.program, framed(result.encoded), 1), result.values)


@pytest.mark.parametrize("by", ["[]", "['乡镇']", "['乡镇', '村']", "['村', '乡镇']"])
def test_last_years_groups_are_known_by_their_labels(by: str) -> None:
    """A label may look like two joined, like none at all, or like “all others”."""
    case = small_case(base=f"{{ of = '上年同组平均', by = {by} }}")
    result = evaluated(compiled(case.text), case)
    assert result is not None
    assert_told_alike(case, result)


@pytest.mark.parametrize(
    "case",
    [
        small_case("if(税收 > 1e30, 税收, 研发) / 用地"),
        small_case("(税收 + 1e30) / 用地"),
        small_case(most=2**63 - 1),
        small_case("税收 * 研发 / 用地 / 研发", most=10**13),
        replace(
            small_case("税收 * 税收 / 用地 / 研发", "{ of = '上年同组平均' }"),
            previous=small_case(most=10**14).facts,
        ),
    ],
    ids=["compared", "added", "given", "multiplied", "last year's"],
)
def test_what_cannot_be_exact_is_refused_in_words(case: Case) -> None:
    assert evaluated(compiled(case.text), case) is None
