"""Runs a program on a SQL engine through Ibis: DuckDB here, Spark or Sail where a province has one.

Ibis builds the SQL; no SQL is written here. Columns are called c0, c1, … there, because SQL engines fold the
case of names and refuse some characters. Ibis is an optional dependency, imported only when this engine runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub
from typing import TYPE_CHECKING, Any

import polars as pl

from muheng.documents.message import Refusal, say
from muheng.policy.executors.outcome import OverflowRefused
from muheng.policy.lower import ROW
from muheng.policy.program import (
    Absolute,
    AllOf,
    AnyOf,
    BetterCount,
    Binary,
    Check,
    Coalesce,
    Column,
    Compare,
    Constant,
    InSet,
    Invert,
    IsNull,
    Let,
    Lookup,
    Op,
    Program,
    Reduce,
    RowNumber,
    Step,
    Where,
    in_batches,
    step_reads,
)

if TYPE_CHECKING:
    from ibis.backends import BaseBackend
    from ibis.expr.types import Table

# Batches computed into one stored table: more, and the SQL nests too deep to be planned quickly.
STORED_EVERY = 3

# Ibis writes `//` as a division of floats, wrong beyond 2**53; engines have an exact one by these names.
_INTEGER_DIVISION = {
    "duckdb": "divide",
    "pyspark": "div",
    "databricks": "div",
    "postgres": "div",
    "clickhouse": "intDiv",
}


def run_duckdb(program: Program, frame: pl.DataFrame, threads: int | None = None) -> pl.DataFrame:
    """What ``run_polars`` gives, computed by DuckDB: every step's column added, rows in the order of ``~行``.

    Raises :class:`OverflowRefused` where a check fails, :class:`Refusal` where Ibis is not installed.
    """
    ibis = _import_ibis()
    wanted = [name for name in frame.columns if name == ROW or name.startswith("@")]
    columns = {name: f"c{index}" for index, name in enumerate(wanted)}
    connection = ibis.duckdb.connect(**({} if threads is None else {"threads": threads}))
    try:
        table = ibis.memtable(frame.select(wanted).rename(columns))
        made, columns = run_ibis(program, table, columns, connection)
        found = made.to_polars().sort(columns[ROW])
    finally:
        connection.disconnect()
    added = [found[columns[name]].alias(name) for name in columns if name not in wanted]
    return frame.sort(ROW).with_columns(added)


def run_ibis(
    program: Program, table: Table, columns: Mapping[str, str], connection: BaseBackend
) -> tuple[Table, dict[str, str]]:
    """Run on any backend with window functions and temporary tables.

    ``columns`` gives the name in ``table`` of each input column (``@name``) and of ``~行``. Returns a table,
    its rows in no order, and the name in it of every column of the program.
    Raises :class:`OverflowRefused`.
    """
    run = _Run(_import_ibis(), connection, table, dict(columns))
    batches = in_batches(program.steps)
    for start in range(0, len(batches), STORED_EVERY):
        run.store(batches[start : start + STORED_EVERY])
    run.refuse_overflow()
    return run.gathered(run.columns), run.columns


def _import_ibis() -> Any:
    try:
        import ibis
    except ModuleNotFoundError as error:
        raise Refusal(
            say("没有安装 SQL 引擎（Ibis 和 DuckDB）。"),
            say("安装 muheng[cluster]，或改用 --engine polars。"),
        ) from error
    return ibis


class _Run:
    """The columns made so far, in stored tables of a few columns each.

    Narrow tables, because SQL engines carry every column of a row through every window.
    """

    def __init__(self, ibis: Any, connection: BaseBackend, table: Table, columns: dict[str, str]) -> None:
        self.ibis = ibis
        self.connection = connection
        self.row = columns[ROW]
        self.base = table
        self.columns = columns
        self.homes = dict.fromkeys(columns, table)
        self.checks: list[tuple[str, str, Table]] = []  # (column true beyond the limit, node, its table)
        self.serial = len(columns)
        self.divide = _integer_division(ibis, connection.name)
        # While a table is being made: its expression, its columns by name, its checks.
        self.table = table
        self.made: list[str] = []
        self.beyond: list[tuple[str, str]] = []

    def gathered(self, names: Iterable[str]) -> Table:
        """One table with the columns of these names and the row number."""
        homes: dict[Table, list[str]] = {}
        for name in names:
            if name != ROW:
                homes.setdefault(self.homes[name], []).append(self.columns[name])
        parts = [home.select(self.row, *columns) for home, columns in homes.items()]
        return reduce(lambda left, right: left.join(right, self.row), parts or [self.base.select(self.row)])

    def store(self, batches: list[list[Step]]) -> None:
        """Compute some batches into a table of what they make."""
        steps = [step for batch in batches for step in batch]
        fresh = {step.name for step in steps if not isinstance(step, Check)}
        needed = {name: None for step in steps for name in sorted(step_reads(step)) if name not in fresh}
        self.table = self.gathered(needed)
        self.made, self.beyond = [], []
        for batch in batches:
            self.add(batch)
        made = list(dict.fromkeys(self.made))
        stored = self.table.select(
            self.row, *(self.columns[name] for name in made), *(beyond for beyond, _ in self.beyond)
        )
        if self.connection.supports_temporary_tables:
            stored = self.connection.create_table(f"muheng_{self.serial}", stored, temp=True)
        else:
            stored = stored.cache()
        self.homes.update(dict.fromkeys(made, stored))
        self.checks += [(beyond, node, stored) for beyond, node in self.beyond]

    def add(self, steps: list[Step]) -> None:
        """A batch of steps that do not read one another."""
        self.limit([step for step in steps if isinstance(step, Check)])
        self.mutate({step.name: self.value(step) for step in steps if not isinstance(step, Check)})

    def mutate(self, values: Mapping[str, Any]) -> None:
        if values:
            columns = {name: self.fresh() for name in values}
            self.table = self.table.mutate(**{columns[name]: value for name, value in values.items()})
            self.columns.update(columns)
            self.made += values

    def fresh(self) -> str:
        self.serial += 1
        return f"c{self.serial}"

    def limit(self, checks: list[Check]) -> None:
        """Note where a column passes its limit, and blank it there: SQL engines raise where int64 overflows.

        Blanking changes no result: any value passed by a limit refuses the run.
        """
        tightest: dict[str, int] = {}
        beyond: dict[str, Any] = {}
        for check in checks:
            column = self.fresh()
            beyond[column] = self.column(check.column).abs() > self.integer(check.limit)
            self.beyond.append((column, check.node))
            tightest[check.column] = min(check.limit, tightest.get(check.column, check.limit))
        if beyond:
            self.table = self.table.mutate(**beyond)
        within = {name: self.column(name).abs() <= self.integer(most) for name, most in tightest.items()}
        self.mutate({name: self.ibis.ifelse(within[name], self.column(name), self.null()) for name in within})

    def refuse_overflow(self) -> None:
        for stored in dict.fromkeys(table for _, _, table in self.checks):
            checks = [(beyond, node) for beyond, node, table in self.checks if table is stored]
            failed = stored.aggregate(**{beyond: stored[beyond].any() for beyond, _ in checks})
            found = self.connection.to_pyarrow(failed).to_pylist()[0]
            for beyond, node in checks:
                if found[beyond]:
                    rows = self.connection.to_pyarrow(stored.filter(stored[beyond]).select(self.row))
                    raise OverflowRefused(node, sorted(rows[self.row].to_pylist()))

    def value(self, step: Let | Reduce | RowNumber | BetterCount) -> Any:
        match step:
            case Let(_, value):
                return self.expression(value)
            case Reduce():
                return self.reduced(step)
            case RowNumber(_, order, where, key, _):
                # Of a key that stands twice Ibis would keep the last; the first is the one that decides.
                keys: dict[str, bool] = {}
                for by, descending in (*order, (Column(ROW), False)):
                    keys.setdefault(by.name, descending)
                there = self.column(where.name)
                window = self.ibis.window(
                    group_by=[there, *self.group(key)],
                    order_by=[self.directed(name, descending) for name, descending in keys.items()],
                )
                number = self.ibis.row_number().over(window) + self.integer(1)
                return self.ibis.ifelse(there, number, self.null())
            case BetterCount(_, by, descending, where, population, key, _):
                ordered = self.column(by.name)
                counted = self.ibis.ifelse(self.column(population.name), self.integer(1), self.integer(0))
                reached = self.ibis.range_window(
                    group_by=self.group(key) or None,
                    order_by=self.directed(by.name, descending),
                    preceding=None,
                    following=0,
                )
                equal = self.ibis.window(group_by=[*self.group(key), ordered], preceding=None, following=None)
                better = counted.sum().over(reached) - counted.sum().over(equal)
                return self.ibis.ifelse(self.column(where.name), better, self.null())

    def reduced(self, step: Reduce) -> Any:
        # Ibis sums columns only; a condition that always holds has to be made one.
        where = self.column(ROW).notnull() if step.where == Constant(True) else self.expression(step.where)
        window = self.ibis.window(group_by=self.group(step.key) or None, preceding=None, following=None)
        if step.how == "count":
            ones = self.ibis.ifelse(where, self.integer(1), self.integer(0))
            return ones.sum().over(window)
        assert step.of is not None
        value = self.ibis.ifelse(where, self.expression(step.of), self.null())
        if step.how == "sum":
            return self.ibis.coalesce(value.sum().over(window), self.integer(0))
        return (value.min() if step.how == "min" else value.max()).over(window)

    def group(self, key: Column | None) -> list[Any]:
        return [] if key is None else [self.column(key.name)]

    def column(self, name: str) -> Any:
        return self.table[self.columns[name]]

    def directed(self, name: str, descending: bool) -> Any:
        return self.ibis.desc(self.column(name)) if descending else self.column(name)

    def integer(self, value: int) -> Any:
        # Engines take small literals for 32 bits, and arithmetic among such would overflow.
        return self.ibis.literal(value, "int64" if abs(value) >= 2**31 else "int32").cast("int64")

    def null(self) -> Any:
        return self.ibis.null("int64")

    def expression(self, op: Op) -> Any:
        ibis = self.ibis
        match op:
            case Column(name):
                return self.column(name)
            case Constant(None):
                return self.null()
            case Constant(bool() as value):
                return ibis.literal(value)
            case Constant(int() as value):
                return self.integer(value)
            case Binary("least" | "greatest" as how, left, right):
                first, second = self.expression(left), self.expression(right)
                # SQL engines differ in what the least of a number and null is.
                wins = first <= second if how == "least" else first >= second
                return ibis.cases((wins, first), (~wins, second), else_=self.null())
            case Binary("floor_divide", left, right):
                divisor = self.expression(right)
                if not isinstance(right, Constant):
                    divisor = divisor.nullif(self.integer(0))
                return self.divide(self.expression(left), divisor)
            case Binary(how, left, right):
                return _ARITHMETIC[how](self.expression(left), self.expression(right))
            case Absolute(of):
                return self.expression(of).abs()
            case Compare(how, left, right):
                return _COMPARISON[how](self.expression(left), self.expression(right))
            case AllOf(of):
                return reduce(and_, map(self.expression, of))
            case AnyOf(of):
                return reduce(or_, map(self.expression, of))
            case Invert(of):
                return ~self.expression(of)
            case Where(test, yes, no):
                return ibis.ifelse(self.expression(test), self.expression(yes), self.expression(no))
            case IsNull(of):
                return self.expression(of).isnull()
            case Coalesce(of, other):
                return ibis.coalesce(self.expression(of), self.expression(other))
            case InSet(of, codes):
                if not codes:
                    return ibis.literal(False)
                return ibis.coalesce(self.expression(of).isin(sorted(codes)), ibis.literal(False))
            case Lookup(of, table):
                if not any(value is not None for value in table):
                    return self.null()
                wide = any(value is not None and abs(value) >= 2**31 for value in table)
                listed = ibis.literal(list(table), "array<int64>" if wide else "array<int32>")
                return listed[self.expression(of)].cast("int64")
        raise AssertionError(op)


def _integer_division(ibis: Any, backend: str) -> Callable[[Any, Any], Any]:
    """Exact division of a non-negative by a positive integer."""
    name = _INTEGER_DIVISION[backend]

    def divide(left: int, right: int) -> int:  # type: ignore[empty-body]
        ...

    made: Callable[[Any, Any], Any] = ibis.udf.scalar.builtin(divide, name=name)
    return made


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"add": add, "subtract": sub, "multiply": mul}
_COMPARISON: dict[str, Callable[[Any, Any], Any]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
