"""Evaluates row-by-row steps for one row in plain integers, group figures and places held as they are.

For estimates only: a change of one row moves its group too, which ``numpy_engine`` recomputes.
"""

from __future__ import annotations

from collections.abc import Callable

from muheng.policy.program import (
    Absolute,
    AllOf,
    AnyOf,
    Binary,
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
    Step,
    Where,
)

Scalar = int | bool | None
Read = Callable[[str], Scalar]


def evaluate_row(steps: list[Step], changed: dict[str, Scalar], read: Read) -> dict[str, Scalar]:
    """The columns of ``steps`` (in order) for a row whose ``changed`` columns are as given; group figures and
    places among the steps keep the values that ``read`` gives."""
    known = dict(changed)

    def look(name: str) -> Scalar:
        return known[name] if name in known else read(name)

    for step in steps:
        if isinstance(step, Let):
            known[step.name] = _evaluate(step.value, look)
    return known


def _evaluate(op: Op, read: Read) -> Scalar:
    match op:
        case Column(name):
            return read(name)
        case Constant(value):
            return value
        case Binary(how, left, right):
            first, second = _evaluate(left, read), _evaluate(right, read)
            return None if first is None or second is None else _calculate(how, first, second)
        case Absolute(of):
            found = _evaluate(of, read)
            return None if found is None else abs(found)
        case Compare(how, left, right):
            first, second = _evaluate(left, read), _evaluate(right, read)
            return None if first is None or second is None else _compare(how, first, second)
        case AllOf(of):
            return all(_evaluate(part, read) for part in of)
        case AnyOf(of):
            return any(_evaluate(part, read) for part in of)
        case Invert(of):
            return not _evaluate(of, read)
        case Where(test, yes, no):
            return _evaluate(yes if _evaluate(test, read) else no, read)
        case IsNull(of):
            return _evaluate(of, read) is None
        case Coalesce(of, other):
            found = _evaluate(of, read)
            return _evaluate(other, read) if found is None else found
        case InSet(of, codes):
            return _evaluate(of, read) in codes
        case Lookup(of, table):
            found = _evaluate(of, read)
            return None if found is None else table[found]
    raise AssertionError(op)


def _calculate(how: str, first: int, second: int) -> int | None:
    match how:
        case "add":
            return first + second
        case "subtract":
            return first - second
        case "multiply":
            return first * second
        case "floor_divide":
            return first // second if second else None
        case "least":
            return min(first, second)
        case _:
            return max(first, second)


def _compare(how: str, first: int, second: int) -> bool:
    match how:
        case "==":
            return first == second
        case "!=":
            return first != second
        case "<":
            return first < second
        case "<=":
            return first <= second
        case ">":
            return first > second
        case _:
            return first >= second
