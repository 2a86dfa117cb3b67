"""Integer operations with bounds: no sum or product is written down before it is known to fit in 64 bits."""

from __future__ import annotations

from dataclasses import dataclass

from muheng.policy.program import (
    Absolute,
    AllOf,
    Binary,
    Bounds,
    Check,
    Coalesce,
    Column,
    Compare,
    Constant,
    Let,
    Op,
    Step,
    Where,
    columns_in,
)

MOST = 2**62
# A check tighter than this would refuse believable data; the policy's digits or ranges are then to blame.
LEAST_USEFUL_LIMIT = 10**6

TRUE, FALSE = Constant(True), Constant(False)


@dataclass(frozen=True)
class Int:
    """An integer operation and what is known of its value."""

    op: Op
    low: int
    high: int
    nullable: bool

    @property
    def magnitude(self) -> int:
        return max(abs(self.low), abs(self.high))


ONE = Int(Constant(1), 1, 1, False)
ZERO = Int(Constant(0), 0, 0, False)


class Integers:
    """Writes steps and follows what is known of every column. ``node`` is whose steps are being written."""

    def __init__(self) -> None:
        self.known: dict[str, Bounds] = {}
        self.steps: list[Step] = []
        self.unproved: list[tuple[str, str]] = []
        self.halves: dict[Op, Int] = {}
        # Columns with one value per group: derived from group figures alone.
        self.by_group: set[str] = set()
        self.node = ""
        self.serial = 0

    def let(self, name: str, value: Int) -> Int:
        """Give a value a column of its own."""
        self.steps.append(Let(name, value.op))
        self.known[name] = Bounds(value.low, value.high, value.nullable)
        if self.by_group.issuperset(columns_in(value.op)):
            self.by_group.add(name)
        return self.column(name)

    def column(self, name: str) -> Int:
        known = self.known[name]
        return Int(Column(name), known.low, known.high, known.nullable)

    def hidden(self, value: Int) -> Int:
        """The value in a column of its own, unless it is one already."""
        if isinstance(value.op, Column | Constant):
            return value
        self.serial += 1
        return self.let(f"~{self.serial}", value)

    def flag(self, name: str, op: Op) -> Column:
        self.steps.append(Let(name, op))
        return Column(name)

    def hidden_flag(self, op: Op) -> Op:
        """A condition in a column of its own, unless it is one already."""
        if isinstance(op, Column | Constant):
            return op
        self.serial += 1
        return self.flag(f"~{self.serial}", op)

    def keep_within(self, value: Int, limit: int) -> Int:
        """The value with a check that it stays within ±limit."""
        if value.magnitude <= limit:
            return value
        if limit < LEAST_USEFUL_LIMIT:
            self.unproved.append((self.node, f"±{limit}"))
            limit = max(limit, 1)
        made = self.hidden(value)
        if isinstance(made.op, Column):
            self.steps.append(Check(made.op.name, limit, self.node))
            self.known[made.op.name] = Bounds(max(made.low, -limit), min(made.high, limit), made.nullable)
        else:
            self.unproved.append((self.node, f"±{limit}"))
        return Int(made.op, max(made.low, -limit), min(made.high, limit), made.nullable)

    def times(self, value: Int, factor: int) -> Int:
        if factor == 1:
            return value
        if isinstance(value.op, Constant) and value.op.value is None:
            return value
        if isinstance(value.op, Constant) and isinstance(value.op.value, int):
            return self.constant(value.op.value * factor)
        if value.low == value.high == 0:
            # Nothing but zeros and nulls: the factor, which may be past 64 bits, changes none of them.
            return value
        value = self.keep_within(value, MOST // max(abs(factor), 1))
        ends = sorted((value.low * factor, value.high * factor))
        return Int(Binary("multiply", value.op, Constant(factor)), ends[0], ends[1], value.nullable)

    def product(self, left: Int, right: Int) -> Int:
        for value, other in ((left, right), (right, left)):
            if isinstance(value.op, Constant) and isinstance(value.op.value, int):
                return self.times(other, value.op.value)
        if left.magnitude * right.magnitude > MOST:
            wider, narrower = (left, right) if left.magnitude >= right.magnitude else (right, left)
            wider = self.keep_within(wider, MOST // max(narrower.magnitude, 1))
            left, right = wider, narrower
        corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
        return Int(
            Binary("multiply", left.op, right.op), min(corners), max(corners), left.nullable or right.nullable
        )

    def plus(self, left: Int, right: Int, how: str = "add") -> Int:
        left, right = self.keep_within(left, MOST // 2), self.keep_within(right, MOST // 2)
        nullable = left.nullable or right.nullable
        if how == "add":
            if right.op == Constant(0):
                return left
            if left.op == Constant(0):
                return right
            return Int(
                Binary("add", left.op, right.op), left.low + right.low, left.high + right.high, nullable
            )
        if right.op == Constant(0):
            return left
        return Int(
            Binary("subtract", left.op, right.op), left.low - right.high, left.high - right.low, nullable
        )

    def positive(self, value: Int) -> Int:
        """The value where it is above zero, null elsewhere."""
        if value.low > 0:
            return value
        value = self.hidden(value)
        return Int(
            Where(self.compare(">", value, ZERO), value.op, Constant(None)), 1, max(value.high, 1), True
        )

    def half_up(self, over: Int, under: Int) -> Int:
        """over ÷ under to the nearest integer, halves away from zero; ``under`` is positive or null."""
        if isinstance(under.op, Constant) and isinstance(under.op.value, int):
            if under.op.value == 1:
                return over
            half = Int(Constant(under.op.value // 2), under.op.value // 2, under.op.value // 2, False)
        else:
            under = self.hidden(under)
            half = self._half(under)
        nullable = over.nullable or under.nullable or under.low < 1
        if over.low >= 0:
            top = self.plus(over, half)
            return Int(
                Binary("floor_divide", top.op, under.op),
                top.low // max(under.high, 1),
                top.high // max(under.low, 1),
                nullable,
            )
        over = self.hidden(over)
        size = Int(Absolute(over.op), 0, over.magnitude, over.nullable)
        top = self.plus(size, half)
        quotient = self.hidden(
            Int(Binary("floor_divide", top.op, under.op), 0, top.high // max(under.low, 1), nullable)
        )
        negative = Binary("subtract", Constant(0), quotient.op)
        return Int(
            Where(self.compare("<", over, ZERO), negative, quotient.op),
            -quotient.high if over.low < 0 else 0,
            quotient.high,
            nullable,
        )

    def _half(self, value: Int) -> Int:
        """Half of a divisor in a column of its own: several quotients may share it."""
        if value.op not in self.halves:
            op = Binary("floor_divide", value.op, Constant(2))
            half = Int(op, value.low // 2, value.high // 2, value.nullable)
            # Where the divisor is a group's figure, halving it in each row is cheaper than handing it out.
            by_group = isinstance(value.op, Column) and value.op.name in self.by_group
            self.halves[value.op] = half if by_group else self.hidden(half)
        return self.halves[value.op]

    def compare(self, how: str, left: Int, right: Int) -> Op:
        test: Op = Compare(how, left.op, right.op)  # type: ignore[arg-type]
        return Coalesce(test, FALSE) if left.nullable or right.nullable else test

    def least(self, left: Int, right: Int) -> Int:
        nullable = left.nullable or right.nullable
        return Int(
            Binary("least", left.op, right.op), min(left.low, right.low), min(left.high, right.high), nullable
        )

    def greatest(self, left: Int, right: Int) -> Int:
        nullable = left.nullable or right.nullable
        return Int(
            Binary("greatest", left.op, right.op),
            max(left.low, right.low),
            max(left.high, right.high),
            nullable,
        )

    def where(self, test: Op, yes: Int, no: Int) -> Int:
        return Int(
            Where(test, yes.op, no.op),
            min(yes.low, no.low),
            max(yes.high, no.high),
            yes.nullable or no.nullable,
        )

    def null_unless(self, test: Op, value: Int) -> Int:
        if test == TRUE:
            return value
        return Int(Where(test, value.op, Constant(None)), value.low, value.high, True)

    def coalesce(self, value: Int, other: Int) -> Int:
        if not value.nullable:
            return value
        return Int(
            Coalesce(value.op, other.op),
            min(value.low, other.low),
            max(value.high, other.high),
            other.nullable,
        )

    def constant(self, value: int) -> Int:
        if abs(value) > MOST:
            self.unproved.append((self.node, f"±{MOST}"))
            value = MOST if value > 0 else -MOST
        return Int(Constant(value), value, value, False)


def all_of(tests: list[Op]) -> Op:
    """The conjunction of tests, those that always hold left out."""
    kept = [test for test in tests if test != TRUE]
    if not kept:
        return TRUE
    return kept[0] if len(kept) == 1 else AllOf(tuple(kept))
