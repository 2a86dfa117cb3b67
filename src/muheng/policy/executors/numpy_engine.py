"""Runs a program with numpy, and reruns only what changed.

The kernel behind what-if and advice: it keeps every column, and a changed program recomputes the steps that differ and
those that read them. Same integers as every other executor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

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
    step_reads,
)

Array = NDArray[np.int64] | NDArray[np.bool_]
Valid = NDArray[np.bool_] | None


@dataclass
class Values:
    """Numbers or truth values, and where they are not null (None: everywhere)."""

    data: Array
    valid: Valid = None


@dataclass
class Grouping:
    """``codes`` of each row (None: one group for all) and the number of groups."""

    codes: ordering.Ints | None
    size: int


@dataclass(frozen=True)
class Home:
    """Where figures with one value per group live."""

    key: Column | None


class _Slices(dict[str, Values]):
    """Columns of some rows, cut out of the whole only when they are asked for."""

    def __init__(self, whole: Mapping[str, Values], rows: NDArray[np.intp]) -> None:
        super().__init__()
        self.whole = whole
        self.rows = rows

    def __missing__(self, name: str) -> Values:
        values = self.whole[name]
        valid = None if values.valid is None else values.valid[self.rows]
        self[name] = Values(values.data[self.rows], valid)
        return self[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.whole


def run_numpy(program: Program, frame: pl.DataFrame) -> pl.DataFrame:
    """Same contract as ``run_polars``."""
    kernel = Kernel(frame)
    kernel.update(program)
    return frame.with_columns(kernel.series(name) for name in kernel.names() if not name.startswith("@"))


def read_columns(frame: pl.DataFrame) -> dict[str, Values]:
    """The integer and truth columns of a frame."""
    columns: dict[str, Values] = {}
    for series in frame.iter_columns():
        if series.dtype not in (pl.Int64, pl.Boolean):
            continue
        valid = series.is_not_null().to_numpy() if series.null_count() else None
        filled = series if valid is None else series.fill_null(False if series.dtype == pl.Boolean else 0)
        columns[series.name] = Values(filled.to_numpy(), valid)
    return columns


class Kernel:
    """The columns of one data set under a program that may change."""

    def __init__(self, frame: pl.DataFrame | Mapping[str, Values], rows: int | None = None) -> None:
        self.inputs = read_columns(frame) if isinstance(frame, pl.DataFrame) else dict(frame)
        self.rows = frame.height if isinstance(frame, pl.DataFrame) else rows or 0
        self.columns: dict[str, Values] = dict(self.inputs)
        # Figures with one value per group, by grouping key.
        self.tables: dict[str, tuple[Column | None, Values]] = {}
        self.groupings: dict[Column | None, Grouping] = {}
        self.steps: dict[str, Step] = {}
        # The checks that each column has passed as it is.
        self.passed: dict[str, set[Check]] = {}

    def part(self, rows: NDArray[np.intp]) -> Kernel:
        """The same figures for some of the rows; right as long as those rows hold whole groups."""
        found = Kernel({}, rows=len(rows))
        found.columns = _Slices(self.columns, rows)
        for key, grouping in self.groupings.items():
            codes = None if grouping.codes is None else grouping.codes[rows]
            found.groupings[key] = Grouping(codes, grouping.size)
        found.tables = dict(self.tables)
        found.steps = dict(self.steps)
        found.passed = {name: set(checks) for name, checks in self.passed.items()}
        return found

    def names(self) -> list[str]:
        return [*self.columns, *self.tables]

    def __contains__(self, name: str) -> bool:
        return name in self.columns or name in self.tables

    def update(self, program: Program, changed_inputs: Iterable[str] = ()) -> set[str]:
        """Bring the columns in line with the program; returns the names that were computed anew.

        Raises :class:`OverflowRefused` where a check fails.
        """
        stale = set(changed_inputs)
        todo: list[Step] = []
        named = {step.name for step in program.steps if not isinstance(step, Check)}
        # What the program no longer has would not follow its inputs, and be wrong when it comes back.
        for name in [name for name in self.steps if name not in named]:
            self._forget(name)
        for step in program.steps:
            if isinstance(step, Check):
                if step.column in stale or step not in self.passed.get(step.column, ()):
                    todo.append(step)
            elif self.steps.get(step.name) != step or (stale and step_reads(step) & stale):
                stale.add(step.name)
                todo.append(step)
        for name in stale:
            self.passed.pop(name, None)
        for step in todo:
            if not isinstance(step, Check):
                self._forget(step.name)
        # A step counts as done once it has run, so that after a refusal the rest is still to be done.
        for step in todo:
            self._run(step)
            if isinstance(step, Check):
                self.passed.setdefault(step.column, set()).add(step)
            else:
                self.steps[step.name] = step
        return stale

    def _forget(self, name: str) -> None:
        self.steps.pop(name, None)
        self.columns.pop(name, None)
        self.tables.pop(name, None)
        self.groupings.pop(Column(name), None)
        self.passed.pop(name, None)

    def replay(self, steps: list[Step]) -> None:
        """Run steps of the present program again after a column they read was replaced."""
        for step in steps:
            if not isinstance(step, Check):
                self.groupings.pop(Column(step.name), None)
            self._run(step)

    def _run(self, step: Step) -> None:
        match step:
            case Let():
                self._let(step)
            case Reduce():
                self._reduce(step)
            case RowNumber() | BetterCount():
                self._place(step)
            case Check():
                self._check(step)

    # -- reading -----------------------------------------------------------------------------------

    def values(self, name: str) -> Values:
        """A column with one value per row."""
        if name in self.columns:
            return self.columns[name]
        key, table = self.tables[name]
        codes = self._grouping(key).codes
        if codes is None:
            data = np.full(self.rows, table.data[0])
            valid = None if table.valid is None or table.valid[0] else np.zeros(self.rows, np.bool_)
            return Values(data, valid)
        return Values(table.data[codes], None if table.valid is None else table.valid[codes])

    def flags_of(self, op: Op) -> ordering.Flags:
        """Truth of an operation in every row."""
        return np.array(self._all_rows(op).data, dtype=np.bool_)

    def series(self, name: str) -> pl.Series:
        values = self.values(name)
        series = pl.Series(name, values.data)
        return series if values.valid is None else series.set(pl.Series(~values.valid), None)

    def at(self, name: str, row: int) -> int | bool | None:
        """One value of one row."""
        if name in self.columns:
            values, index = self.columns[name], row
        else:
            key, values = self.tables[name]
            codes = self._grouping(key).codes
            index = 0 if codes is None else int(codes[row])
        if values.valid is not None and not values.valid[index]:
            return None
        found: int | bool = values.data[index].item()
        return found

    def _grouping(self, key: Column | None, size: int = 1) -> Grouping:
        found = self.groupings.get(key)
        if found is None:
            found = self.groupings[key] = self._make_grouping(key, size)
        return found

    def _make_grouping(self, key: Column | None, size: int) -> Grouping:
        if key is None:
            return Grouping(None, 1)
        codes = self.values(key.name).data.astype(np.int64, copy=False)
        if size > 4 * self.rows + 1024:
            _, codes = np.unique(codes, return_inverse=True)
            size = int(codes.max()) + 1
        return Grouping(codes, size)

    # -- steps -------------------------------------------------------------------------------------

    def _let(self, step: Let) -> None:
        home = self._find_home(step)
        if home is not None:
            found = _evaluate(step.value, lambda name: self.tables[name][1], self._grouping(home.key).size)
            self.tables[step.name] = (home.key, found)
        elif isinstance(step.value, Column) and step.value.name in self.columns:
            self.columns[step.name] = self.columns[step.value.name]
        else:
            self.columns[step.name] = self._all_rows(step.value)

    def _find_home(self, step: Let) -> Home | None:
        """The grouping whose figures alone the step reads: it has one value per group then."""
        if step.name in self.tables:
            return Home(self.tables[step.name][0])
        if step.name in self.columns:
            return None
        reads = columns_in(step.value)
        if not all(name in self.tables for name in reads):
            return None
        keys = {self.tables[name][0] for name in reads} or {None}
        return Home(keys.pop()) if len(keys) == 1 else None

    def _reduce(self, step: Reduce) -> None:
        grouping = self._grouping(step.key, step.size)
        where = self._all_rows(step.where)
        mask: Valid = None if step.where == Constant(True) else np.asarray(where.data, dtype=np.bool_)
        if step.of is None:
            counted = np.ones(self.rows, np.bool_) if mask is None else mask
            self.tables[step.name] = (step.key, Values(_sum(counted, grouping)))
            return
        values = self._all_rows(step.of)
        if values.valid is not None:
            mask = values.valid if mask is None else mask & values.valid
        if mask is not None and mask.all():
            mask = None
        if step.how == "sum":
            data = values.data if mask is None else np.where(mask, values.data, 0)
            self.tables[step.name] = (step.key, Values(_sum(data, grouping)))
        else:
            self.tables[step.name] = (step.key, _extreme(step.how, values.data, mask, grouping))

    def _all_rows(self, op: Op) -> Values:
        return _full(_evaluate(op, self.values, self.rows), self.rows)

    def _place(self, step: RowNumber | BetterCount) -> None:
        codes = None if step.key is None else self._grouping(step.key, step.size).codes
        where = self._flags(step.where)
        if isinstance(step, RowNumber):
            order = [(self._integers(column), descending) for column, descending in step.order]
            data, valid = ordering.row_numbers(codes, order, where)
        else:
            population = self._flags(step.population)
            data, valid = ordering.better_counts(
                codes, self._integers(step.by), step.descending, where, population
            )
        self.columns[step.name] = Values(data, None if valid.all() else valid)

    def _integers(self, column: Column) -> ordering.Ints:
        return self.values(column.name).data.astype(np.int64, copy=False)

    def _flags(self, column: Column) -> ordering.Flags:
        return self.values(column.name).data.astype(np.bool_, copy=False)

    def _check(self, step: Check) -> None:
        values = self.values(step.column)
        beyond = np.abs(values.data) > step.limit
        if values.valid is not None:
            beyond &= values.valid
        if beyond.any():
            raise OverflowRefused(step.node, np.flatnonzero(beyond).tolist())


def _sum(data: Array, grouping: Grouping) -> NDArray[np.int64]:
    """Exact group sums: by float weights where no partial sum can reach 2**53, in two halves otherwise."""
    if grouping.codes is None:
        return np.asarray([data.sum(dtype=np.int64)])
    if data.dtype == np.bool_:
        return np.bincount(grouping.codes[data], minlength=grouping.size).astype(np.int64)
    largest = max(abs(int(data.min(initial=0))), abs(int(data.max(initial=0))))
    if largest * len(data) < 2**53:
        return np.bincount(grouping.codes, weights=data, minlength=grouping.size).astype(np.int64)
    low = data & 0xFFFFFF
    parts = [np.bincount(grouping.codes, weights=part, minlength=grouping.size) for part in (low, data >> 24)]
    if (largest >> 24) * len(data) < 2**53:
        return parts[0].astype(np.int64) + (parts[1].astype(np.int64) << 24)
    sums = np.zeros(grouping.size, dtype=np.int64)
    np.add.at(sums, grouping.codes, data)
    return sums


def _extreme(how: str, data: Array, mask: Valid, grouping: Grouping) -> Values:
    low = how == "min"
    worst = np.iinfo(np.int64).max if low else np.iinfo(np.int64).min
    codes = grouping.codes if grouping.codes is not None else np.zeros(len(data), dtype=np.int64)
    if mask is not None:
        codes, data = codes[mask], data[mask]
    found = np.full(grouping.size, worst, dtype=np.int64)
    (np.minimum if low else np.maximum).at(found, codes, data)
    there = np.bincount(codes, minlength=grouping.size) > 0
    found[~there] = 0
    return Values(found, None if there.all() else there)


# -- operations ------------------------------------------------------------------------------------


def _evaluate(op: Op, read: Callable[[str], Values], rows: int) -> Values:
    match op:
        case Column(name):
            return read(name)
        case Constant(value):
            if value is None:
                return Values(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.bool_))
            return Values(np.asarray([value]))
        case Binary(how, left, right):
            return _binary(how, _evaluate(left, read, rows), _evaluate(right, read, rows))
        case Absolute(of):
            found = _evaluate(of, read, rows)
            return Values(np.absolute(found.data.astype(np.int64, copy=False)), found.valid)
        case Compare(how, left, right):
            first, second = _evaluate(left, read, rows), _evaluate(right, read, rows)
            return Values(_COMPARISON[how](first.data, second.data), _both(first.valid, second.valid))
        case AllOf(of):
            return _chain(np.logical_and, of, read, rows)
        case AnyOf(of):
            return _chain(np.logical_or, of, read, rows)
        case Invert(of):
            found = _evaluate(of, read, rows)
            return Values(~found.data.astype(np.bool_, copy=False), found.valid)
        case Where(test, yes, no):
            return _where(_evaluate(test, read, rows), _evaluate(yes, read, rows), _evaluate(no, read, rows))
        case IsNull(of):
            found = _evaluate(of, read, rows)
            return Values(np.zeros(1, np.bool_) if found.valid is None else ~found.valid)
        case Coalesce(of, other):
            return _coalesce(_evaluate(of, read, rows), other, read, rows)
        case InSet(of, codes):
            return _in_set(_evaluate(of, read, rows), codes)
        case Lookup(of, table):
            return _look_up(_evaluate(of, read, rows), table)
    raise AssertionError(op)


def _full(values: Values, rows: int) -> Values:
    """A constant as a column; a mask that hides nothing left out."""
    data, valid = values.data, values.valid
    if valid is not None:
        valid = None if valid.all() else np.broadcast_to(valid, rows)
    spread: Array = data if len(data) == rows else np.broadcast_to(data, rows)  # type: ignore[assignment]
    return Values(spread, valid)


def _both(first: Valid, second: Valid) -> Valid:
    if first is None:
        return second
    return first if second is None else first & second


def _binary(how: str, first: Values, second: Values) -> Values:
    valid = _both(first.valid, second.valid)
    if how != "floor_divide":
        return Values(_ARITHMETIC[how](first.data, second.data), valid)
    divisor = second.data
    zero = divisor == 0
    if zero.any():
        divisor = np.where(zero, 1, divisor)
        valid = _both(valid, ~zero)
    return Values(np.floor_divide(first.data, divisor, dtype=np.int64), valid)


def _where(test: Values, yes: Values, no: Values) -> Values:
    chosen = test.data.astype(np.bool_, copy=False)
    # Masks are joined bit by bit, several times as fast as np.where chooses.
    valid: Valid = None
    if yes.valid is not None and no.valid is not None:
        valid = (chosen & yes.valid) | (~chosen & no.valid)
    elif yes.valid is not None:
        valid = ~chosen | yes.valid
    elif no.valid is not None:
        valid = chosen | no.valid
    return Values(np.where(chosen, yes.data, no.data), valid)


def _coalesce(value: Values, other: Op, read: Callable[[str], Values], rows: int) -> Values:
    if value.valid is None:
        return value
    instead = _evaluate(other, read, rows)
    valid = None if instead.valid is None else value.valid | instead.valid
    return Values(np.where(value.valid, value.data, instead.data), valid)


def _in_set(value: Values, codes: frozenset[int]) -> Values:
    if not codes:
        return Values(np.zeros(1, np.bool_))
    if len(codes) == 1:
        found = value.data == next(iter(codes))
    else:
        table = np.zeros(max(codes) + 2, dtype=np.bool_)
        table[list(codes)] = True
        # The last place of the table stands for every code beyond it.
        found = table[np.minimum(value.data, len(table) - 1)]
    return Values(found if value.valid is None else found & value.valid)


def _look_up(value: Values, table: tuple[int | None, ...]) -> Values:
    data = np.asarray([entry or 0 for entry in table] or [0], dtype=np.int64)
    found = data[value.data]
    valid = value.valid
    if None in table:
        there = np.asarray([entry is not None for entry in table])
        valid = _both(valid, there[value.data])
    return Values(found, valid)


def _chain(
    join: Callable[[Array, Array], Array], ops: tuple[Op, ...], read: Callable[[str], Values], rows: int
) -> Values:
    result: Array = _evaluate(ops[0], read, rows).data
    for op in ops[1:]:
        result = join(result, _evaluate(op, read, rows).data)
    return Values(result)


_ARITHMETIC: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "least": np.minimum,
    "greatest": np.maximum,
}
_COMPARISON: dict[str, Callable[[Array, Array], Array]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
