"""Runs a program with Polars: elementwise steps in parallel batches, group figures by dense keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import polars as pl

from muheng.policy.executors import ordering
from muheng.policy.executors.outcome import OverflowRefused
from muheng.policy.program import (
    Absolute,
    All,
    Any_,
    BetterCount,
    Binary,
    Check,
    Coalesce,
    Column,
    Compare,
    InSet,
    Invert,
    IsNull,
    Let,
    Literal_,
    Lookup,
    Op,
    Program,
    Reduce,
    RowNumber,
    Step,
    Where,
    in_batches,
)


def run_polars(program: Program, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` has the program's input columns (``@name``) and ``~行``; every step's column is added.

    Raises :class:`OverflowRefused` where a check fails.
    """
    state = _State(frame)
    for batch in in_batches(program.steps):
        state.run(batch)
    return state.finish()


class _State:
    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        # A figure that is the same for every row stays one number.
        self.scalars: dict[str, int | None] = {}

    def run(self, steps: list[Step]) -> None:
        """A batch of steps that do not read one another."""
        lets = [self.expression(step.value).alias(step.name) for step in steps if isinstance(step, Let)]
        if lets:
            self.frame = self.frame.with_columns(lets)
        keys = dict.fromkeys(step.key for step in steps if isinstance(step, Reduce))
        for key in keys:
            self.reduce(key, [step for step in steps if isinstance(step, Reduce) and step.key == key])
        for step in steps:
            match step:
                case RowNumber():
                    order = [(self.integers(column), descending) for column, descending in step.order]
                    self.add(step.name, *ordering.row_numbers(self.groups(step.key), order, self.flags(step.where)))
                case BetterCount():
                    counts = ordering.better_counts(
                        self.groups(step.key),
                        self.integers(step.by),
                        step.descending,
                        self.flags(step.where),
                        self.flags(step.population),
                    )
                    self.add(step.name, *counts)
                case Check(column, limit, node):
                    self.check(column, limit, node)
                case _:
                    pass

    def check(self, column: str, limit: int, node: str) -> None:
        values = self.frame[column]
        low, high = values.min(), values.max()
        if (isinstance(low, int) and low < -limit) or (isinstance(high, int) and high > limit):
            raise OverflowRefused(node, (values.abs() > limit).fill_null(False).arg_true().to_list())

    def reduce(self, key: Column | None, steps: list[Reduce]) -> None:
        figures = [self.figure(step) for step in steps]
        if key is None:
            row = self.frame.select(figures).row(0, named=True)
            self.scalars.update({name: None if value is None else int(value) for name, value in row.items()})
            return
        table = self.frame.group_by(key.name).agg(figures)
        keys = table[key.name].to_numpy()
        codes = self.frame[key.name]
        spread: list[pl.Series] = []
        for step in steps:
            found = table[step.name]
            dense = np.zeros(step.size, dtype=np.int64)
            dense[keys] = found.fill_null(0).to_numpy()
            whole = pl.Series(step.name, dense)
            if found.null_count():
                there = np.zeros(step.size, dtype=np.bool_)
                there[keys] = found.is_not_null().to_numpy()
                whole = whole.set(pl.Series(~there), None)
            spread.append(whole.gather(codes).alias(step.name))
        self.frame = self.frame.with_columns(spread)

    def figure(self, step: Reduce) -> pl.Expr:
        where = self.expression(step.where)
        if step.how == "count":
            return where.sum().cast(pl.Int64).alias(step.name)
        assert step.of is not None
        value = self.expression(step.of)
        if step.where != Literal_(True):
            value = pl.when(where).then(value).otherwise(None)
        reduced = {"sum": pl.Expr.sum, "min": pl.Expr.min, "max": pl.Expr.max}[step.how](value)
        return reduced.cast(pl.Int64).alias(step.name)

    def add(self, name: str, values: ordering.Ints, valid: ordering.Flags) -> None:
        series = pl.Series(name, values)
        if not valid.all():
            series = series.set(pl.Series(~valid), None)
        self.frame = self.frame.with_columns(series)

    def groups(self, key: Column | None) -> ordering.Ints | None:
        return None if key is None else self.integers(key)

    def integers(self, column: Column) -> ordering.Ints:
        if column.name in self.scalars:
            return np.full(self.frame.height, self.scalars[column.name], dtype=np.int64)
        # Null stands only where ``where`` is false; any number will do there.
        return self.frame[column.name].fill_null(0).to_numpy()

    def flags(self, column: Column) -> ordering.Flags:
        return self.frame[column.name].to_numpy()

    def finish(self) -> pl.DataFrame:
        scalars = [pl.lit(value, dtype=pl.Int64).alias(name) for name, value in self.scalars.items()]
        return self.frame.with_columns(scalars)

    def expression(self, op: Op) -> pl.Expr:
        match op:
            case Column(name):
                if name in self.scalars:
                    return pl.lit(self.scalars[name], dtype=pl.Int64)
                return pl.col(name)
            case Literal_(value):
                return pl.lit(value) if isinstance(value, bool) else pl.lit(value, dtype=pl.Int64)
            case Binary("least" | "greatest" as how, left, right):
                return self.extreme(how, left, right)
            case Binary(how, left, right):
                return _ARITHMETIC[how](self.expression(left), self.expression(right))
            case Absolute(of):
                return self.expression(of).abs()
            case Compare(how, left, right):
                return _COMPARISON[how](self.expression(left), self.expression(right))
            case All(of):
                return _chain(pl.Expr.__and__, map(self.expression, of))
            case Any_(of):
                return _chain(pl.Expr.__or__, map(self.expression, of))
            case Invert(of):
                return ~self.expression(of)
            case Where(test, yes, no):
                return pl.when(self.expression(test)).then(self.expression(yes)).otherwise(self.expression(no))
            case IsNull(of):
                return self.expression(of).is_null()
            case Coalesce(of, other):
                return self.expression(of).fill_null(self.expression(other))
            case InSet(of, codes):
                if not codes:
                    return pl.lit(False)
                value = self.expression(of)
                test = value == next(iter(codes)) if len(codes) == 1 else value.is_in(sorted(codes))
                return test.fill_null(False)
            case Lookup(of, table):
                return pl.lit(pl.Series(table, dtype=pl.Int64)).gather(self.expression(of))
        raise AssertionError(op)

    def extreme(self, how: str, left: Op, right: Op) -> pl.Expr:
        """Null where either is; a constant bound is a clip."""
        first, second = self.expression(left), self.expression(right)
        if isinstance(right, Literal_):
            return first.clip(upper_bound=second) if how == "least" else first.clip(lower_bound=second)
        wins = first <= second if how == "least" else first >= second
        return pl.when(wins).then(first).when(~wins).then(second).otherwise(None)


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
