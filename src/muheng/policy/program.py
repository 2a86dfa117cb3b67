"""The plan in integer steps that any engine can take: the small language between ``lower`` and the executors.

Everything is an integer or a truth value; null means missing. Texts are codes into sorted label lists, so no
engine's collation, decimals or rounding can matter. Division is ``FloorDivide`` of a non-negative by a positive
integer (null where the divisor is zero or null).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal


@dataclass(frozen=True)
class Column:
    name: str


@dataclass(frozen=True)
class Constant:
    value: int | bool | None


@dataclass(frozen=True)
class Binary:
    """add, subtract, multiply, floor_divide, least, greatest: null where an operand is null."""

    how: Literal["add", "subtract", "multiply", "floor_divide", "least", "greatest"]
    left: Op
    right: Op


@dataclass(frozen=True)
class Absolute:
    of: Op


@dataclass(frozen=True)
class Compare:
    """A truth value; null where an operand is null (``lower`` turns that into false where it can happen)."""

    how: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Op
    right: Op


@dataclass(frozen=True)
class AllOf:
    of: tuple[Op, ...]


@dataclass(frozen=True)
class AnyOf:
    of: tuple[Op, ...]


@dataclass(frozen=True)
class Invert:
    of: Op


@dataclass(frozen=True)
class Where:
    """``test`` is never null."""

    test: Op
    yes: Op
    no: Op


@dataclass(frozen=True)
class IsNull:
    of: Op


@dataclass(frozen=True)
class Coalesce:
    of: Op
    other: Op


@dataclass(frozen=True)
class InSet:
    """Whether a code is one of ``codes``; false for null."""

    of: Op
    codes: frozenset[int]


@dataclass(frozen=True)
class Lookup:
    """``table[of]``; null for null. Every code is inside the table."""

    of: Op
    table: tuple[int | None, ...]


Op = (
    Column
    | Constant
    | Binary
    | Absolute
    | Compare
    | AllOf
    | AnyOf
    | Invert
    | Where
    | IsNull
    | Coalesce
    | InSet
    | Lookup
)


@dataclass(frozen=True)
class Let:
    name: str
    value: Op


@dataclass(frozen=True)
class Reduce:
    """sum, min, max (of values that are not null) or count (of rows) where ``where`` holds, per ``key``,
    given to every row of the group. sum and count of nothing are 0; min and max of nothing are null."""

    name: str
    how: Literal["sum", "min", "max", "count"]
    of: Op | None
    where: Op
    key: Column | None
    size: int


@dataclass(frozen=True)
class RowNumber:
    """1, 2, … within each key among the rows where ``where`` holds; null elsewhere. Keys are never null;
    rows equal in every key keep the order of the frame (ascending credit code)."""

    name: str
    order: tuple[tuple[Column, bool], ...]  # (key, descending)
    where: Column
    key: Column | None
    size: int


@dataclass(frozen=True)
class BetterCount:
    """How many rows of ``population`` in the same key are strictly better; null where ``where`` fails."""

    name: str
    by: Column
    descending: bool
    where: Column
    population: Column
    key: Column | None
    size: int


@dataclass(frozen=True)
class Check:
    """No |value| of the column may exceed ``limit``: beyond it a later step could overflow."""

    column: str
    limit: int
    node: str


Step = Let | Reduce | RowNumber | BetterCount | Check


@dataclass(frozen=True)
class Bounds:
    """What is known of a column: ``low <= value <= high`` wherever it is not null."""

    low: int
    high: int
    nullable: bool

    @property
    def magnitude(self) -> int:
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True, eq=False)
class Program:
    """``steps`` in order; ``rows`` for which freedom from overflow is proved."""

    steps: tuple[Step, ...]
    rows: int
    unproved: tuple[tuple[str, str], ...] = ()  # (node, why): an operation that no check can make safe

    @cached_property
    def reads(self) -> list[set[str]]:
        """What each step reads."""
        return [step_reads(step) for step in self.steps]

    def between(self, changed: frozenset[str], wanted: frozenset[str]) -> list[Step]:
        """The steps that have to run again, in order, for ``wanted`` columns when ``changed`` ones change."""
        key = (changed, wanted)
        if key not in self._between:
            stale, chosen = set(changed), []
            for step, reads in zip(self.steps, self.reads, strict=True):
                if reads & stale:
                    chosen.append((step, reads))
                    if not isinstance(step, Check):
                        stale.add(step.name)
            needed, kept = set(wanted), []
            for step, reads in reversed(chosen):
                if isinstance(step, Check) or step.name in needed:
                    kept.append(step)
                    needed |= reads
            self._between[key] = kept[::-1]
        return self._between[key]

    @cached_property
    def _between(self) -> dict[tuple[frozenset[str], frozenset[str]], list[Step]]:
        return {}


def operands(op: Op) -> tuple[Op, ...]:
    """The direct parts of an operation, left to right."""
    match op:
        case Binary(_, left, right) | Compare(_, left, right):
            return (left, right)
        case Absolute(of) | Invert(of) | IsNull(of) | InSet(of, _) | Lookup(of, _):
            return (of,)
        case AllOf(of) | AnyOf(of):
            return of
        case Where(test, yes, no):
            return (test, yes, no)
        case Coalesce(of, other):
            return (of, other)
        case _:
            return ()


def columns_in(op: Op) -> set[str]:
    """Names of the columns an operation reads."""
    found: set[str] = set()
    stack = [op]
    while stack:
        part = stack.pop()
        if isinstance(part, Column):
            found.add(part.name)
        else:
            stack.extend(operands(part))
    return found


def step_reads(step: Step) -> set[str]:
    """Names of the columns a step reads."""
    match step:
        case Let(_, value):
            return columns_in(value)
        case Reduce():
            parts = [op for op in (step.of, step.where, step.key) if op is not None]
            return {name for op in parts for name in columns_in(op)}
        case RowNumber():
            return {
                step.where.name,
                *(column.name for column, _ in step.order),
                *([step.key.name] if step.key else []),
            }
        case BetterCount():
            return {
                step.by.name,
                step.where.name,
                step.population.name,
                *([step.key.name] if step.key else []),
            }
        case Check(column, _, _):
            return {column}


def in_batches(steps: tuple[Step, ...]) -> list[list[Step]]:
    """Steps that do not read one another stand together; each batch reads only batches before it."""
    level: dict[str, int] = {}
    batches: list[list[Step]] = []
    for step in steps:
        depth = max((level.get(name, -1) for name in step_reads(step)), default=-1) + 1
        if not isinstance(step, Check):
            level[step.name] = depth
        while len(batches) <= depth:
            batches.append([])
        batches[depth].append(step)
    return batches
