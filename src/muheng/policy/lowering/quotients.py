"""Expressions as exact quotients of integers, rounded once; and conditions that are never null."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import gcd

from muheng.policy import plan as p
from muheng.policy.expression import (
    Arithmetic,
    Call,
    Comparison,
    Expression,
    Logic,
    Missing,
    Name,
    Negation,
    Not,
    Number,
    TextTest,
)
from muheng.policy.lowering.integers import ONE, ZERO, Int, Integers
from muheng.policy.program import (
    Absolute,
    AllOf,
    AnyOf,
    Binary,
    Column,
    Constant,
    InSet,
    Invert,
    IsNull,
    Op,
)
from muheng.standards.units import parse_unit

YEAR_END = "年末"


@dataclass(frozen=True)
class Ratio:
    """factor × over ÷ under, exact; ``under`` is not negative (0: undefined, as null), None for 1."""

    over: Int
    under: Int | None
    factor: Fraction


class Quotients(Integers):
    """Turns resolved trees (base units) into quotients of columns."""

    def __init__(self, plan: p.Plan, year: int, labels: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__()
        self.plan = plan
        self.year = year
        self.labels: dict[str, tuple[str, ...]] = dict(labels)

    def ratio(self, tree: Expression) -> Ratio:
        match tree:
            case Number(value, _):
                return Ratio(ZERO, None, Fraction(1)) if value == 0 else Ratio(ONE, None, value)
            case Name(name):
                return self._named(name)
            case Negation(operand):
                found = self.ratio(operand)
                return Ratio(found.over, found.under, -found.factor)
            case Arithmetic("+" | "-" as operator, left, right):
                first, second, factor, under = self.aligned(self.ratio(left), self.ratio(right))
                return Ratio(
                    self.plus(first, second, "add" if operator == "+" else "subtract"), under, factor
                )
            case Arithmetic("*", left, right):
                return self.multiplied(self.ratio(left), self.ratio(right))
            case Arithmetic("/", left, right):
                return self.divided(self.ratio(left), self.ratio(right))
            case Call("if", (test, yes, no)):
                return self._chosen(self.truth(test), self.ratio(yes), self.ratio(no))
            case Call("min" | "max" as function, arguments):
                best = self.ratio(arguments[0])
                for argument in arguments[1:]:
                    best = self._better(function, best, self.ratio(argument))
                return best
            case Call("abs", (operand,)):
                found = self.ratio(operand)
                over = Int(Absolute(found.over.op), 0, found.over.magnitude, found.over.nullable)
                return Ratio(over, found.under, abs(found.factor))
            case Call("full_years", (operand,)):
                day = self.ratio(operand).over
                end = self.constant(self.year * 10000 + 1231)
                gap = self.plus(end, day, "subtract")
                # Dates after the year's end are not negative years: nothing has passed yet.
                gap = self.hidden(self.greatest(gap, ZERO))
                years = Int(
                    Binary("floor_divide", gap.op, Constant(10000)), 0, gap.high // 10000, gap.nullable
                )
                return Ratio(years, None, Fraction(1))
            case _:
                raise AssertionError(tree)

    def _named(self, name: str) -> Ratio:
        if name == YEAR_END:
            return Ratio(self.constant(self.year * 10000 + 1231), None, Fraction(1))
        node = self.plan.by_name[name]
        if isinstance(node, p.Numeric):
            factor = parse_unit(node.unit).factor / Fraction(10) ** node.digits
            return Ratio(self.column(name), None, factor)
        return Ratio(self.column(name), None, Fraction(1))

    def aligned(self, a: Ratio, b: Ratio) -> tuple[Int, Int, Fraction, Int | None]:
        """Two quotients as integers over one denominator and one factor."""
        factor = common_factor(a, b)
        first = self.times(a.over, _whole(a.factor / factor))
        second = self.times(b.over, _whole(b.factor / factor))
        if a.under is None and b.under is None:
            return first, second, factor, None
        # Across a zero denominator everything would compare as equal.
        a = Ratio(a.over, None if a.under is None else self.positive(a.under), a.factor)
        b = Ratio(b.over, None if b.under is None else self.positive(b.under), b.factor)
        if a.under is not None and b.under is not None and a.under.op == b.under.op:
            return first, second, factor, a.under
        if b.under is not None:
            first = self.product(first, b.under)
        if a.under is not None:
            second = self.product(second, a.under)
        under = a.under or b.under
        if a.under is not None and b.under is not None:
            under = self.product(a.under, b.under)
        return first, second, factor, under

    def multiplied(self, a: Ratio, b: Ratio) -> Ratio:
        under = a.under or b.under
        if a.under is not None and b.under is not None:
            under = self.product(a.under, b.under)
        return Ratio(self.product(a.over, b.over), under, a.factor * b.factor)

    def divided(self, a: Ratio, b: Ratio) -> Ratio:
        if b.factor < 0:
            b = Ratio(self.times(b.over, -1), b.under, -b.factor)
        # A divisor that moves to the numerator must still make the whole null where it is zero.
        over = a.over if b.under is None else self.product(a.over, self.positive(b.under))
        # Division by zero is null in itself; only a sign has to be guarded.
        divisor = b.over if b.over.low >= 0 else self.positive(b.over)
        if isinstance(divisor.op, Constant):
            if divisor.low == 0:
                return Ratio(Int(Constant(None), 0, 0, True), None, a.factor)
            return Ratio(over, a.under, a.factor / b.factor / Fraction(divisor.low))
        under = divisor if a.under is None else self.product(a.under, divisor)
        return Ratio(over, under, a.factor / b.factor)

    def _chosen(self, test: Op, a: Ratio, b: Ratio) -> Ratio:
        factor = common_factor(a, b)
        if a.under is not None or b.under is not None:
            test = self.hidden_flag(test)
        over = self.where(
            test,
            self.times(a.over, _whole(a.factor / factor)),
            self.times(b.over, _whole(b.factor / factor)),
        )
        if a.under is None and b.under is None:
            return Ratio(over, None, factor)
        return Ratio(over, self.where(test, a.under or ONE, b.under or ONE), factor)

    def _better(self, function: str, a: Ratio, b: Ratio) -> Ratio:
        first, second, factor, under = self.aligned(a, b)
        # Engines name both sides more than once; of many, nested, the expression would grow without bound.
        first, second = self.hidden(first), self.hidden(second)
        if factor < 0:
            function = "min" if function == "max" else "max"
        chosen = self.greatest(first, second) if function == "max" else self.least(first, second)
        return Ratio(chosen, under, factor)

    def rounded(self, ratio: Ratio, factor: Fraction) -> Int:
        """ratio × factor to the nearest integer."""
        scale = ratio.factor * factor
        over = self.times(ratio.over, scale.numerator)
        if ratio.under is None:
            return self.half_up(over, self.constant(scale.denominator))
        return self.half_up(over, self.times(ratio.under, scale.denominator))

    def scaled(self, tree: Expression, unit: str, digits: int) -> Int:
        """A tree (base units) as a scaled integer of ``unit``."""
        return self.rounded(self.ratio(tree), Fraction(10) ** digits / parse_unit(unit).factor)

    def truth(self, tree: Expression) -> Op:
        """Never null: a comparison with a missing value is false."""
        match tree:
            case Name(name):
                return Column(name)
            case Comparison(operator, left, right):
                first, second, factor, under = self.aligned(self.ratio(left), self.ratio(right))
                if factor < 0:
                    first, second = second, first
                test = self.compare(operator, first, second)
                if under is None or (under.low > 0 and not under.nullable):
                    return test
                return AllOf((self.compare(">", under, ZERO), test))
            case Logic("and", operands):
                return AllOf(tuple(self.truth(operand) for operand in operands))
            case Logic("or", operands):
                return AnyOf(tuple(self.truth(operand) for operand in operands))
            case Not(operand):
                return Invert(self.truth(operand))
            case TextTest():
                return self._text_test(tree)
            case Missing(name):
                return IsNull(Column(raw_column(self.plan, name)))
            case _:
                raise AssertionError(tree)

    def _text_test(self, test: TextTest) -> Op:
        labels = self.labels[test.name]
        match test.how:
            case "equals":
                codes = {code for code, label in enumerate(labels) if label in test.values}
            case "startswith":
                codes = {code for code, label in enumerate(labels) if label.startswith(test.values)}
            case "has":
                codes = {code for code, label in enumerate(labels) if has_tag(label, test.values[0])}
        return InSet(Column(test.name), frozenset(codes))


def common_factor(a: Ratio, b: Ratio) -> Fraction:
    """The greatest factor of which both are whole multiples; zeros have no say."""
    if a.over is ZERO:
        return b.factor
    if b.over is ZERO:
        return a.factor
    x, y = a.factor, b.factor
    return Fraction(
        gcd(x.numerator * y.denominator, y.numerator * x.denominator), x.denominator * y.denominator
    )


def _whole(value: Fraction) -> int:
    # A zero's own factor may not be a multiple; whatever it is multiplied by, it stays zero.
    return value.numerator if value.denominator == 1 else 1


def source_column(name: str) -> str:
    """The column of the data as bound, before the policy replaces what is missing."""
    return f"@{name}"


def raw_column(plan: p.Plan, name: str) -> str:
    """The column that says whether a value is missing: of a data item, the data as bound."""
    node = plan.by_name.get(name)
    return source_column(name) if isinstance(node, p.NumberInput | p.CodeInput) else name


@lru_cache(maxsize=65_536)
def has_tag(tags: str, wanted: str) -> bool:
    """Whether ``专精特新:省级|绿色工厂`` has the tag ``专精特新`` (any level) or ``专精特新:省级`` (that level)."""
    return any(tag == wanted or tag.startswith(f"{wanted}:") for tag in tags.split("|"))
