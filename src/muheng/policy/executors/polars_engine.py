"""Runs a program with Polars: elementwise steps in parallel batches, group figures by dense keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from muheng.policy.executors import ordering
from muheng.policy.executors.outcome import OverflowRefused
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
    columns_in,
    in_batches,
    step_reads,
)


def run_polars(program: Program, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` has the program's input columns (``@name``) and ``~行``; every step's column is added.

    Raises :class:`OverflowRefused` where a check fails.
    """
    state = _State(frame)
    for batch in in_batches(program.steps):
        state.run(batch)
    return state.finish()


@dataclass
class _Groups:
    """The figures of one grouping: ``table`` has one row per group, ``codes`` the group of each row of the data
    (None: one group)."""

    table: pl.DataFrame
    codes: ordering.Ints | None


class _State:
    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.groups: dict[Column | None, _Groups] = {}
        # Columns that have one value per group, and so far only there.
        self.home: dict[str, Column | None] = {}

    def run(self, steps: list[Step]) -> None:
        """A batch of steps that do not read one another."""
        by_home: dict[Column | None, list[Let]] = {}
        by_row: list[Let] = []
        for step in steps:
            if isinstance(step, Let):
                homes = {self.home.get(name, step) for name in columns_in(step.value)}
                home = homes.pop() if len(homes) == 1 else step
                if home is step or isinstance(home, Let):
                    by_row.append(step)
                else:
                    by_home.setdefault(home, []).append(step)
        for key, lets in by_home.items():
            groups = self.groups[key]
            groups.table = groups.table.with_columns(
                self.expression(step.value).alias(step.name) for step in lets
            )
            self.home.update((step.name, key) for step in lets)
        if by_row:
            self.spread({name for step in by_row for name in columns_in(step.value)})
            self.frame = self.frame.with_columns(
                self.expression(step.value).alias(step.name) for step in by_row
            )
        reduces = [step for step in steps if isinstance(step, Reduce)]
        for key in dict.fromkeys(step.key for step in reduces):
            self.reduce(key, [step for step in reduces if step.key == key])
        for step in steps:
            if isinstance(step, RowNumber | BetterCount):
                self.spread(step_reads(step))
                self.place(step)
            elif isinstance(step, Check):
                self.spread({step.column})
                self.check(step)

    def spread(self, names: Iterable[str]) -> None:
        """Give group figures to every row of the group."""
        made: list[pl.Series | pl.Expr] = []
        for name in names:
            if name not in self.home:
                continue
            groups = self.groups[self.home.pop(name)]
            figures = groups.table[name]
            if groups.codes is None:
                made.append(pl.lit(figures[0], dtype=figures.dtype).alias(name))
                continue
            series = pl.Series(
                name, figures.fill_null(False if figures.dtype == pl.Boolean else 0).to_numpy()[groups.codes]
            )
            if figures.null_count():
                series = series.set(pl.Series(figures.is_null().to_numpy()[groups.codes]), None)
            made.append(series)
        if made:
            self.frame = self.frame.with_columns(made)

    def place(self, step: RowNumber | BetterCount) -> None:
        codes = None if step.key is None else self.integers(step.key)
        if isinstance(step, RowNumber):
            order = [(self.integers(column), descending) for column, descending in step.order]
            values, valid = ordering.row_numbers(codes, order, self.flags(step.where))
        else:
            values, valid = ordering.better_counts(
                codes,
                self.integers(step.by),
                step.descending,
                self.flags(step.where),
                self.flags(step.population),
            )
        series = pl.Series(step.name, values)
        if not valid.all():
            series = series.set(pl.Series(~valid), None)
        self.frame = self.frame.with_columns(series)

    def check(self, step: Check) -> None:
        values = self.frame[step.column]
        low, high = values.min(), values.max()
        if (isinstance(low, int) and low < -step.limit) or (isinstance(high, int) and high > step.limit):
            raise OverflowRefused(
                step.node, (values.abs() > step.limit).fill_null(False).arg_true().to_list()
            )

    def reduce(self, key: Column | None, steps: list[Reduce]) -> None:
        groups = self.groups.get(key)
        if groups is None:
            groups = self.groups[key] = self.make_groups(key, steps[0].size)
        self.spread({name for step in steps for name in step_reads(step)})
        figures = [self.masked(step) for step in steps]
        size = groups.table.height
        if groups.codes is None:
            found = self.frame.select(figures)
            keys = np.zeros(1, dtype=np.int64)
        else:
            codes = pl.Series("~组码", groups.codes)
            found = self.frame.lazy().with_columns(codes).group_by("~组码").agg(figures).collect()
            keys = found["~组码"].to_numpy()
        made: list[pl.Series] = []
        for step in steps:
            column = found[step.name]
            dense = np.zeros(size, dtype=np.int64)
            dense[keys] = column.fill_null(0).to_numpy()
            series = pl.Series(step.name, dense)
            if step.how in ("min", "max"):
                there = np.zeros(size, dtype=np.bool_)
                there[keys] = column.is_not_null().to_numpy()
                series = series.set(pl.Series(~there), None)
            made.append(series)
        groups.table = groups.table.with_columns(made)
        self.home.update((step.name, key) for step in steps)

    def make_groups(self, key: Column | None, size: int) -> _Groups:
        if key is None:
            return _Groups(pl.DataFrame({"~组号": [0]}), None)
        self.spread({key.name})
        codes = self.integers(key)
        if size > 4 * len(codes) + 1024:
            _, codes = np.unique(codes, return_inverse=True)
            size = int(codes.max()) + 1
        return _Groups(pl.DataFrame({"~组号": np.arange(size)}), codes)

    def masked(self, step: Reduce) -> pl.Expr:
        everyone = step.where == Constant(True)
        where = self.expression(step.where)
        if step.how == "count":
            return (pl.len() if everyone else where.sum()).cast(pl.Int64).alias(step.name)
        assert step.of is not None
        value = self.expression(step.of)
        if not everyone:
            value = pl.when(where).then(value).otherwise(None)
        return _REDUCTION[step.how](value).cast(pl.Int64).alias(step.name)

    def integers(self, column: Column) -> ordering.Ints:
        # Null stands only where ``where`` is false; any number will do there.
        return self.frame[column.name].fill_null(0).to_numpy()

    def flags(self, column: Column) -> ordering.Flags:
        return self.frame[column.name].to_numpy()

    def finish(self) -> pl.DataFrame:
        self.spread([name for name in self.home if not name.startswith("~")])
        return self.frame

    def expression(self, op: Op) -> pl.Expr:
        match op:
            case Column(name):
                return pl.col(name)
            case Constant(value):
                return pl.lit(value) if isinstance(value, bool) else pl.lit(value, dtype=pl.Int64)
            case Binary("least" | "greatest" as how, left, right):
                return self.extreme(how, left, right)
            case Binary(how, left, right):
                return _ARITHMETIC[how](self.expression(left), self.expression(right))
            case Absolute(of):
                return self.expression(of).abs()
            case Compare(how, left, right):
                return _COMPARISON[how](self.expression(left), self.expression(right))
            case AllOf(of):
                return _chain(pl.Expr.__and__, map(self.expression, of))
            case AnyOf(of):
                return _chain(pl.Expr.__or__, map(self.expression, of))
            case Invert(of):
                return ~self.expression(of)
            case Where(test, yes, no):
                return (
                    pl.when(self.expression(test)).then(self.expression(yes)).otherwise(self.expression(no))
                )
            case IsNull(of):
                return self.expression(of).is_null()
            case Coalesce(of, other):
                return self.expression(of).fill_null(self.expression(other))
            case InSet(of, codes):
                if not codes:
                    return pl.lit(False)
                code = self.expression(of)
                found = code.eq(next(iter(codes))) if len(codes) == 1 else code.is_in(sorted(codes))
                return found.fill_null(False)
            case Lookup(of, table):
                return pl.lit(pl.Series(table, dtype=pl.Int64)).gather(self.expression(of))
        raise AssertionError(op)

    def extreme(self, how: str, left: Op, right: Op) -> pl.Expr:
        """Null where either is; a constant bound is a clip."""
        first, second = self.expression(left), self.expression(right)
        if isinstance(right, Constant) and right.value is not None:
            return first.clip(upper_bound=second) if how == "least" else first.clip(lower_bound=second)
        wins = first <= second if how == "least" else first >= second
        return pl.when(wins).then(first).when(~wins).then(second).otherwise(None)


_REDUCTION: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "sum": pl.Expr.sum,
    "min": pl.Expr.min,
    "max": pl.Expr.max,
}
_ARITHMETIC: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "add": pl.Expr.__add__,
    "subtract": pl.Expr.__sub__,
    "multiply": pl.Expr.__mul__,
    "floor_divide": pl.Expr.__floordiv__,
}
_COMPARISON: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "==": pl.Expr.__eq__,
    "!=": pl.Expr.__ne__,
    "<": pl.Expr.__lt__,
    "<=": pl.Expr.__le__,
    ">": pl.Expr.__gt__,
    ">=": pl.Expr.__ge__,
}


def _chain(join: Callable[[pl.Expr, pl.Expr], pl.Expr], parts: Iterable[pl.Expr]) -> pl.Expr:
    first, *rest = parts
    for part in rest:
        first = join(first, part)
    return first
