"""The plan becomes a program of integer steps, with a proof that none of them can overflow.

Every rounding of the plan happens here, in one function (``_half_up``), so that all executors share it. Bounds
of every value are followed from the bounds of the inputs; where a product could pass 2**62, a ``Check`` step
limits the operand, and a run whose data pass the check is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd

from muheng.intake.facts import CODE
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
from muheng.policy.program import (
    Absolute,
    AllOf,
    AnyOf,
    BetterCount,
    Binary,
    Bounds,
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
)
from muheng.standards.rounding import scale_half_up
from muheng.standards.units import parse_unit

MOST = 2**62
# A check tighter than this would refuse believable data; the policy's digits or ranges are then to blame.
LEAST_USEFUL_LIMIT = 10**6

YEAR_END = "年末"
SCORED = "~计分"
RULE = "~状态规则"
MOVES = "~调整"
UNRANKED = "~不排名"
ROW = "~行"

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


@dataclass(frozen=True)
class Ratio:
    """factor × over ÷ under, exact; ``under`` is not negative (0: undefined, as null), None for 1."""

    over: Int
    under: Int | None
    factor: Fraction


ONE = Int(Constant(1), 1, 1, False)
ZERO = Int(Constant(0), 0, 0, False)


def lower(
    plan: p.Plan,
    year: int,
    rows: int,
    bounds: Mapping[str, Bounds],
    labels: Mapping[str, tuple[str, ...]],
    previous: Mapping[str, Mapping[tuple[str | None, ...], int]] | None = None,
    only: frozenset[str] | None = None,
) -> Program:
    """``bounds`` of each input column as it is in the data; ``previous`` of each aggregate of last year's facts
    by group labels; ``only`` the nodes wanted (with all that they read)."""
    lowering = _Lowering(plan, year, rows, bounds, labels, previous or {})
    for node in plan.nodes:
        if only is None or node.name in only:
            lowering.add(node)
    if only is None:
        lowering.finish()
    return Program(tuple(lowering.steps), rows, tuple(lowering.unproved))


class _Lowering:
    """One pass over the plan's nodes; knows the bounds of every column made so far."""

    def __init__(
        self,
        plan: p.Plan,
        year: int,
        rows: int,
        bounds: Mapping[str, Bounds],
        labels: Mapping[str, tuple[str, ...]],
        previous: Mapping[str, Mapping[tuple[str | None, ...], int]],
    ) -> None:
        self.plan = plan
        self.year = year
        self.rows = max(rows, 1)
        self.inputs = bounds
        self.labels: dict[str, tuple[str, ...]] = dict(labels)
        self.previous = previous
        self.known: dict[str, Bounds] = {}
        self.steps: list[Step] = []
        self.unproved: list[tuple[str, str]] = []
        self.keys: dict[tuple[str, ...], tuple[Column | None, int]] = {}
        self.masks: dict[str, Op] = {}
        self.halves: dict[Op, Int] = {}
        self.reduced: dict[Reduce, str] = {}
        self.by_group: set[str] = set()
        self.node = ""
        self.serial = 0

    # -- columns -----------------------------------------------------------------------------------

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

    def _hidden(self, value: Int) -> Int:
        """The value in a column of its own, unless it is one already."""
        if isinstance(value.op, Column | Constant):
            return value
        self.serial += 1
        return self.let(f"~{self.serial}", value)

    def _flag(self, name: str, op: Op) -> Column:
        self.steps.append(Let(name, op))
        return Column(name)

    # -- integer arithmetic with bounds ------------------------------------------------------------

    def _limited(self, value: Int, limit: int) -> Int:
        """The value with a check that it stays within ±limit."""
        if value.magnitude <= limit:
            return value
        if limit < LEAST_USEFUL_LIMIT:
            self.unproved.append((self.node, f"±{limit}"))
            limit = max(limit, 1)
        made = self._hidden(value)
        if isinstance(made.op, Column):
            self.steps.append(Check(made.op.name, limit, self.node))
            self.known[made.op.name] = Bounds(max(made.low, -limit), min(made.high, limit), made.nullable)
        return Int(made.op, max(made.low, -limit), min(made.high, limit), made.nullable)

    def _times(self, value: Int, factor: int) -> Int:
        if factor == 1:
            return value
        if isinstance(value.op, Constant) and value.op.value is None:
            return value
        if isinstance(value.op, Constant) and isinstance(value.op.value, int):
            product = value.op.value * factor
            return Int(Constant(product), product, product, False)
        value = self._limited(value, MOST // max(abs(factor), 1))
        ends = sorted((value.low * factor, value.high * factor))
        return Int(Binary("multiply", value.op, Constant(factor)), ends[0], ends[1], value.nullable)

    def _product(self, left: Int, right: Int) -> Int:
        for value, other in ((left, right), (right, left)):
            if isinstance(value.op, Constant) and isinstance(value.op.value, int):
                return self._times(other, value.op.value)
        if left.magnitude * right.magnitude > MOST:
            wider, narrower = (left, right) if left.magnitude >= right.magnitude else (right, left)
            wider = self._limited(wider, MOST // max(narrower.magnitude, 1))
            left, right = wider, narrower
        corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
        return Int(
            Binary("multiply", left.op, right.op), min(corners), max(corners), left.nullable or right.nullable
        )

    def _plus(self, left: Int, right: Int, how: str = "add") -> Int:
        left, right = self._limited(left, MOST // 2), self._limited(right, MOST // 2)
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

    def _positive(self, value: Int) -> Int:
        """The value where it is above zero, null elsewhere."""
        if value.low > 0:
            return value
        value = self._hidden(value)
        return Int(
            Where(self._compare(">", value, ZERO), value.op, Constant(None)), 1, max(value.high, 1), True
        )

    def _half_up(self, over: Int, under: Int) -> Int:
        """over ÷ under to the nearest integer, halves away from zero; ``under`` is positive or null."""
        if isinstance(under.op, Constant) and isinstance(under.op.value, int):
            if under.op.value == 1:
                return over
            half = Int(Constant(under.op.value // 2), under.op.value // 2, under.op.value // 2, False)
        else:
            under = self._hidden(under)
            half = self._half(under)
        nullable = over.nullable or under.nullable or under.low < 1
        if over.low >= 0:
            top = self._plus(over, half)
            return Int(
                Binary("floor_divide", top.op, under.op),
                top.low // max(under.high, 1),
                top.high // max(under.low, 1),
                nullable,
            )
        over = self._hidden(over)
        size = Int(Absolute(over.op), 0, over.magnitude, over.nullable)
        top = self._plus(size, half)
        quotient = self._hidden(
            Int(Binary("floor_divide", top.op, under.op), 0, top.high // max(under.low, 1), nullable)
        )
        negative = Binary("subtract", Constant(0), quotient.op)
        return Int(
            Where(self._compare("<", over, ZERO), negative, quotient.op),
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
            self.halves[value.op] = half if by_group else self._hidden(half)
        return self.halves[value.op]

    def _compare(self, how: str, left: Int, right: Int) -> Op:
        test: Op = Compare(how, left.op, right.op)  # type: ignore[arg-type]
        return Coalesce(test, FALSE) if left.nullable or right.nullable else test

    def _least(self, left: Int, right: Int) -> Int:
        nullable = left.nullable or right.nullable
        return Int(
            Binary("least", left.op, right.op), min(left.low, right.low), min(left.high, right.high), nullable
        )

    def _greatest(self, left: Int, right: Int) -> Int:
        nullable = left.nullable or right.nullable
        return Int(
            Binary("greatest", left.op, right.op),
            max(left.low, right.low),
            max(left.high, right.high),
            nullable,
        )

    def _where(self, test: Op, yes: Int, no: Int) -> Int:
        return Int(
            Where(test, yes.op, no.op),
            min(yes.low, no.low),
            max(yes.high, no.high),
            yes.nullable or no.nullable,
        )

    def _null_unless(self, test: Op, value: Int) -> Int:
        if test == TRUE:
            return value
        return Int(Where(test, value.op, Constant(None)), value.low, value.high, True)

    def _coalesce(self, value: Int, other: Int) -> Int:
        if not value.nullable:
            return value
        return Int(
            Coalesce(value.op, other.op),
            min(value.low, other.low),
            max(value.high, other.high),
            other.nullable,
        )

    def _constant(self, value: int) -> Int:
        return Int(Constant(value), value, value, False)

    # -- exact quotients ---------------------------------------------------------------------------

    def _ratio(self, tree: Expression) -> Ratio:
        match tree:
            case Number(value, _):
                return Ratio(ZERO, None, Fraction(1)) if value == 0 else Ratio(ONE, None, value)
            case Name(name):
                return self._named(name)
            case Negation(operand):
                found = self._ratio(operand)
                return Ratio(found.over, found.under, -found.factor)
            case Arithmetic("+" | "-" as operator, left, right):
                first, second, factor, under = self._aligned(self._ratio(left), self._ratio(right))
                return Ratio(
                    self._plus(first, second, "add" if operator == "+" else "subtract"), under, factor
                )
            case Arithmetic("*", left, right):
                return self._multiplied(self._ratio(left), self._ratio(right))
            case Arithmetic("/", left, right):
                return self._divided(self._ratio(left), self._ratio(right))
            case Call("if", (test, yes, no)):
                return self._chosen(self._truth(test), self._ratio(yes), self._ratio(no))
            case Call("min" | "max" as function, arguments):
                best = self._ratio(arguments[0])
                for argument in arguments[1:]:
                    best = self._better(function, best, self._ratio(argument))
                return best
            case Call("abs", (operand,)):
                found = self._ratio(operand)
                over = Int(Absolute(found.over.op), 0, found.over.magnitude, found.over.nullable)
                return Ratio(over, found.under, abs(found.factor))
            case Call("full_years", (operand,)):
                day = self._ratio(operand).over
                end = self._constant(self.year * 10000 + 1231)
                gap = self._plus(end, day, "subtract")
                # Dates after the year's end are not negative years: nothing has passed yet.
                gap = self._hidden(self._greatest(gap, ZERO))
                years = Int(
                    Binary("floor_divide", gap.op, Constant(10000)), 0, gap.high // 10000, gap.nullable
                )
                return Ratio(years, None, Fraction(1))
            case _:
                raise AssertionError(tree)

    def _named(self, name: str) -> Ratio:
        if name == YEAR_END:
            return Ratio(self._constant(self.year * 10000 + 1231), None, Fraction(1))
        node = self.plan.by_name[name]
        if isinstance(node, p.Numeric):
            factor = parse_unit(node.unit).factor / Fraction(10) ** node.digits
            return Ratio(self.column(name), None, factor)
        return Ratio(self.column(name), None, Fraction(1))

    def _aligned(self, a: Ratio, b: Ratio) -> tuple[Int, Int, Fraction, Int | None]:
        """Two quotients as integers over one denominator and one factor."""
        factor = _common(a, b)
        first = self._times(a.over, _whole(a.factor / factor))
        second = self._times(b.over, _whole(b.factor / factor))
        if a.under is None and b.under is None:
            return first, second, factor, None
        # Across a zero denominator everything would compare as equal.
        a = Ratio(a.over, None if a.under is None else self._positive(a.under), a.factor)
        b = Ratio(b.over, None if b.under is None else self._positive(b.under), b.factor)
        if a.under is not None and b.under is not None and a.under.op == b.under.op:
            return first, second, factor, a.under
        if b.under is not None:
            first = self._product(first, b.under)
        if a.under is not None:
            second = self._product(second, a.under)
        under = a.under or b.under
        if a.under is not None and b.under is not None:
            under = self._product(a.under, b.under)
        return first, second, factor, under

    def _multiplied(self, a: Ratio, b: Ratio) -> Ratio:
        under = a.under or b.under
        if a.under is not None and b.under is not None:
            under = self._product(a.under, b.under)
        return Ratio(self._product(a.over, b.over), under, a.factor * b.factor)

    def _divided(self, a: Ratio, b: Ratio) -> Ratio:
        if b.factor < 0:
            b = Ratio(self._times(b.over, -1), b.under, -b.factor)
        # A divisor that moves to the numerator must still make the whole null where it is zero.
        over = a.over if b.under is None else self._product(a.over, self._positive(b.under))
        # Division by zero is null in itself; only a sign has to be guarded.
        divisor = b.over if b.over.low >= 0 else self._positive(b.over)
        if isinstance(divisor.op, Constant):
            if divisor.low == 0:
                return Ratio(Int(Constant(None), 0, 0, True), None, a.factor)
            return Ratio(over, a.under, a.factor / b.factor / Fraction(divisor.low))
        under = divisor if a.under is None else self._product(a.under, divisor)
        return Ratio(over, under, a.factor / b.factor)

    def _chosen(self, test: Op, a: Ratio, b: Ratio) -> Ratio:
        factor = _common(a, b)
        over = self._where(
            test,
            self._times(a.over, _whole(a.factor / factor)),
            self._times(b.over, _whole(b.factor / factor)),
        )
        if a.under is None and b.under is None:
            return Ratio(over, None, factor)
        return Ratio(over, self._where(test, a.under or ONE, b.under or ONE), factor)

    def _better(self, function: str, a: Ratio, b: Ratio) -> Ratio:
        first, second, factor, under = self._aligned(a, b)
        if factor < 0:
            function = "min" if function == "max" else "max"
        chosen = self._greatest(first, second) if function == "max" else self._least(first, second)
        return Ratio(chosen, under, factor)

    def _rounded(self, ratio: Ratio, factor: Fraction) -> Int:
        """ratio × factor to the nearest integer."""
        scale = ratio.factor * factor
        over = self._times(ratio.over, scale.numerator)
        if ratio.under is None:
            return self._half_up(over, self._constant(scale.denominator))
        return self._half_up(over, self._times(ratio.under, scale.denominator))

    def _at(self, tree: Expression, unit: str, digits: int) -> Int:
        """A tree (base units) as a scaled integer of ``unit``."""
        return self._rounded(self._ratio(tree), Fraction(10) ** digits / parse_unit(unit).factor)

    # -- truth -------------------------------------------------------------------------------------

    def _truth(self, tree: Expression) -> Op:
        """Never null: a comparison with a missing value is false."""
        match tree:
            case Name(name):
                return Column(name)
            case Comparison(operator, left, right):
                first, second, factor, under = self._aligned(self._ratio(left), self._ratio(right))
                if factor < 0:
                    first, second = second, first
                test = self._compare(operator, first, second)
                if under is None or (under.low > 0 and not under.nullable):
                    return test
                return AllOf((self._compare(">", under, ZERO), test))
            case Logic("and", operands):
                return AllOf(tuple(self._truth(operand) for operand in operands))
            case Logic("or", operands):
                return AnyOf(tuple(self._truth(operand) for operand in operands))
            case Not(operand):
                return Invert(self._truth(operand))
            case TextTest():
                return self._text_test(tree)
            case Missing(name):
                return IsNull(Column(_raw(self.plan, name)))
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

    # -- groups and masks --------------------------------------------------------------------------

    def _key(self, by: tuple[str, ...]) -> tuple[Column | None, int]:
        """One integer per combination of labels; a missing label is a label of its own."""
        if not by:
            return None, 1
        if by not in self.keys:
            key: Op | None = None
            size = 1
            for name in by:
                labels = self.labels[name]
                part: Op = Column(name)
                if self.known[name].nullable:
                    part = Coalesce(part, Constant(len(labels)))
                many = len(labels) + 1
                key = part if key is None else Binary("add", Binary("multiply", key, Constant(many)), part)
                size *= many
            assert key is not None
            self.keys[by] = (self._flag(f"~组.{'.'.join(by)}", key), size)
        return self.keys[by]

    def _in_class(self, class_name: str) -> Op:
        return Compare("==", Column(p.CLASS), Constant(self.plan.classes.index(class_name)))

    def _in_classes(self, names: tuple[str, ...]) -> Op:
        if set(names) == set(self.plan.classes):
            return Invert(IsNull(Column(p.CLASS))) if self.known[p.CLASS].nullable else TRUE
        return InSet(Column(p.CLASS), frozenset(self.plan.classes.index(name) for name in names))

    def _rated(self, class_name: str | None) -> Op:
        """Rated rows of one class, or of every class."""
        name = f"~参评.{class_name}" if class_name else "~参评"
        if name not in self.masks:
            tests: list[Op] = (
                [Compare("==", Column(p.STANDING), Constant(0))] if self.plan.standing.rules else []
            )
            if class_name is not None and len(self.plan.classes) > 1:
                tests.append(Coalesce(self._in_class(class_name), FALSE))
            elif self.known[p.CLASS].nullable:
                tests.append(Invert(IsNull(Column(p.CLASS))))
            test = _all(tests)
            self.masks[name] = TRUE if test == TRUE else self._flag(name, test)
        return self.masks[name]

    def _scored(self, class_name: str) -> Op:
        tests: list[Op] = [Column(SCORED)] if self.plan.standing.rules else []
        if len(self.plan.classes) > 1:
            tests.append(Coalesce(self._in_class(class_name), FALSE))
        elif self.known[p.CLASS].nullable:
            # Who belongs to no class may still be exempt by a rule that asks for a score.
            tests.append(Invert(IsNull(Column(p.CLASS))))
        return _all(tests)

    # -- nodes -------------------------------------------------------------------------------------

    def add(self, node: p.AnyNode) -> None:
        self.node = node.name
        match node:
            case p.NumberInput():
                self._number_input(node)
            case p.CodeInput():
                self._code_input(node)
            case p.Formula():
                self._formula(node)
            case p.Condition():
                self._flag(node.name, self._truth(node.tree))
            case p.Grouping():
                self._grouping(node)
            case p.Classify():
                self._classify(node)
            case p.Standing():
                self._standing(node)
            case p.Aggregate():
                self._aggregate(node)
            case p.RatioScore():
                self._ratio_score(node)
            case p.RangeScore():
                self._range_score(node)
            case p.RankScore():
                self._rank_score(node)
            case p.BandScore():
                self._band_score(node)
            case p.Fill():
                self._fill(node)
            case p.Subtotal():
                self._subtotal(node)
            case p.Adjustment():
                self._adjustment(node)
            case p.LimitedSum():
                self._limited_sum(node)
            case p.Total():
                self._total(node)
            case p.Ranking():
                self._ranking(node)
            case p.Regrading():
                self._regrading(node)
            case p.Pick():
                value = self.column(node.of[0])
                for name in node.of[1:]:
                    value = self._coalesce(value, self.column(name))
                self.let(node.name, value)

    def _number_input(self, node: p.NumberInput) -> None:
        raw = self.inputs[node.name]
        value = Int(Column(_source(node.name)), raw.low, raw.high, raw.nullable)
        if node.fill is not None:
            value = self._coalesce(value, self._constant(scale_half_up(node.fill, node.digits)))
        self.let(node.name, value)

    def _code_input(self, node: p.CodeInput) -> None:
        raw = self.inputs[node.name]
        value = Int(Column(_source(node.name)), raw.low, raw.high, raw.nullable)
        if node.kind == "level":
            self.labels[node.name] = node.levels
        if node.fill is not None:
            value = self._coalesce(value, self._constant(self.labels[node.name].index(node.fill)))
        self.let(node.name, value)

    def _formula(self, node: p.Formula) -> None:
        value = self._at(node.tree, node.unit, node.digits)
        if node.must is not None:
            operator, least = node.must
            scaled = least * Fraction(10) ** node.digits
            value = self._hidden(value)
            lowest = (
                scaled.numerator // scaled.denominator + 1
                if operator == ">"
                else -(-scaled.numerator // scaled.denominator)
            )
            test = self._compare(">=", value, self._constant(lowest))
            value = Int(
                Where(test, value.op, Constant(None)), max(value.low, lowest), max(value.high, lowest), True
            )
        if node.only is not None:
            value = self._null_unless(Coalesce(self._in_class(node.only), FALSE), value)
        self.let(node.name, value)

    def _grouping(self, node: p.Grouping) -> None:
        labels = tuple(dict.fromkeys([*(label for label, _ in node.table), node.other]))
        table: list[int] = []
        for text in self.labels[node.source]:
            # The longest prefix that fits, so that 171 can stand apart from 17.
            fits = [
                (len(prefix), label)
                for label, prefixes in node.table
                for prefix in prefixes
                if text.startswith(prefix)
            ]
            table.append(labels.index(max(fits, key=lambda fit: fit[0])[1] if fits else node.other))
        self.labels[node.name] = labels
        found = Int(
            Lookup(Column(node.source), tuple(table)), 0, len(labels) - 1, self.known[node.source].nullable
        )
        self.let(node.name, self._coalesce(found, self._constant(labels.index(node.other))))

    def _classify(self, node: p.Classify) -> None:
        self.labels[p.CLASS] = self.plan.classes
        op: Op = Constant(None)
        nullable = True
        for index in reversed(range(len(node.rules))):
            _, tree = node.rules[index]
            if tree is None:
                op, nullable = Constant(index), False
            else:
                op = Where(self._truth(tree), Constant(index), op)
        self.let(node.name, Int(op, 0, len(node.rules) - 1, nullable))

    def _standing(self, node: p.Standing) -> None:
        op: Op = Constant(0)
        for index in reversed(range(len(node.rules))):
            rule = node.rules[index]
            test = self._truth(rule.tree)
            if rule.only is not None:
                test = _all([self._in_classes(rule.only), test])
            op = Where(test, Constant(index + 1), op)
        self.let(RULE, Int(op, 0, len(node.rules), False))
        standing = (0, *(p.STANDINGS.index(rule.standing) for rule in node.rules))
        self.let(node.name, Int(Lookup(Column(RULE), standing), 0, len(p.STANDINGS) - 1, False))
        scored = frozenset({0, *(index + 1 for index, rule in enumerate(node.rules) if rule.scored)})
        self._flag(SCORED, InSet(Column(RULE), scored))

    def _reduce(
        self, name: str, how: str, of: Int | None, where: Op, key: Column | None, size: int, bounds: Bounds
    ) -> Int:
        """One figure per group; the same figure asked for again is the same column."""
        step = Reduce("", how, of.op if of else None, where, key, size)  # type: ignore[arg-type]
        if step not in self.reduced:
            self.reduced[step] = name
            self.steps.append(replace(step, name=name))
            self.known[name] = bounds
            self.by_group.add(name)
        return self.column(self.reduced[step])

    def _count(self, name: str, where: Op, key: Column | None, size: int) -> Int:
        return self._reduce(name, "count", None, where, key, size, Bounds(0, self.rows, False))

    def _aggregate(self, node: p.Aggregate) -> None:
        self.let(node.name, self._group_figure(node))

    def _group_figure(self, node: p.Aggregate) -> Int:
        if node.source != "current":
            return self._given_figure(node)
        mask = self._rated(node.only)
        figure = self._over(node, mask, node.by, node.name)
        if not node.small:
            return figure
        key, size = self._key(node.by)
        many = self._count(f"~{node.name}.户数", self._having(mask, node), key, size)
        whole = self._over(node, mask, (), f"{node.name}.全体")
        return self._where(Compare("<", many.op, Constant(node.small)), whole, figure)

    def _having(self, mask: Op, node: p.Aggregate) -> Op:
        if node.of is None or not self.known[node.of].nullable:
            return mask
        return _all([mask, Invert(IsNull(Column(node.of)))])

    def _over(self, node: p.Aggregate, mask: Op, by: tuple[str, ...], name: str) -> Int:
        key, size = self._key(by)
        mask_op = self._having(mask, node)

        def reduce(
            part: str, how: str, of: Int | None, where: Op, low: int, high: int, nullable: bool
        ) -> Int:
            return self._reduce(f"~{name}.{part}", how, of, where, key, size, Bounds(low, high, nullable))

        def total(part: str, value: Int, where: Op) -> Int:
            value = self._limited(value, MOST // self.rows)
            return reduce(
                part,
                "sum",
                value,
                where,
                min(value.low, 0) * self.rows,
                max(value.high, 0) * self.rows,
                False,
            )

        if node.how == "count":
            return reduce("数", "count", None, mask_op, 0, self.rows, False)
        if node.how == "weighted":
            assert node.weighted is not None
            over, under = (self._ratio(tree) for tree in node.weighted)
            first, second = self._hidden(over.over), self._hidden(under.over)
            both = _all([mask_op, *(Invert(IsNull(part.op)) for part in (first, second) if part.nullable)])
            numerator, denominator = total("分子", first, both), total("分母", second, both)
            scale = Fraction(10) ** node.digits / parse_unit(node.unit).factor
            quotient = self._divided(
                Ratio(numerator, None, over.factor), Ratio(denominator, None, under.factor)
            )
            return self._rounded(quotient, scale * node.times)
        assert node.of is not None
        value = self.column(node.of)
        source = self.plan.numeric(node.of)
        shift = node.times * Fraction(10) ** (node.digits - source.digits)
        if node.how == "sum":
            return self._rounded(Ratio(total("和", value, mask_op), None, Fraction(1)), shift)
        if node.how == "mean":
            many = reduce("数", "count", None, mask_op, 0, self.rows, False)
            quotient = self._divided(
                Ratio(total("和", value, mask_op), None, Fraction(1)), Ratio(many, None, Fraction(1))
            )
            return self._rounded(quotient, shift)
        if node.how in ("min", "max"):
            found = reduce("值", node.how, value, mask_op, value.low, value.high, True)
            return self._rounded(Ratio(found, None, Fraction(1)), shift)
        many = reduce("数", "count", None, mask_op, 0, self.rows, False)
        where = self._flag(f"{name}.有值", mask_op)
        place = f"{name}.序"
        self.steps.append(RowNumber(place, ((Column(node.of), False),), where, key, size))
        self.known[place] = Bounds(1, self.rows, True)
        wanted = self._ceiling(many, node.share)
        at = Where(self._compare("==", self.column(place), wanted), Column(node.of), Constant(None))
        found = reduce("值", "max", Int(at, value.low, value.high, True), where, value.low, value.high, True)
        return self._rounded(Ratio(found, None, Fraction(1)), shift)

    def _ceiling(self, many: Int, share: Fraction) -> Int:
        top = self._plus(self._times(many, share.numerator), self._constant(share.denominator - 1))
        return Int(
            Binary("floor_divide", top.op, Constant(share.denominator)),
            0,
            top.high // share.denominator,
            many.nullable,
        )

    def _given_figure(self, node: p.Aggregate) -> Int:
        """Published figures, or those of last year, by group."""
        groups = self._key_labels(node.by)
        if node.source == "previous":
            found = self.previous.get(node.name, {})
            table = tuple(found.get(labels) for labels in groups)
        else:
            scale = Fraction(10) ** node.digits * node.times
            scaled = {label: scale_half_up(figure * scale, 0) for label, figure in node.table}
            default = scaled.get("*")
            table = tuple(scaled.get("/".join(label or "" for label in labels), default) for labels in groups)
        figures = [value for value in table if value is not None]
        low, high = (min(figures), max(figures)) if figures else (0, 0)
        key, size = self._key(node.by)
        if key is None:
            return Int(Constant(table[0]), low, high, table[0] is None)
        assert len(table) == size
        return Int(Lookup(key, table), low, high, None in table)

    def _key_labels(self, by: tuple[str, ...]) -> list[tuple[str | None, ...]]:
        """The labels of each group in the order of ``_key``; None: missing."""
        combined: list[tuple[str | None, ...]] = [()]
        for name in by:
            combined = [(*left, label) for left in combined for label in (*self.labels[name], None)]
        return combined

    # -- scores ------------------------------------------------------------------------------------

    def _clipped(self, value: Int, floor: Fraction | None, cap: Fraction | None, digits: int) -> Int:
        if cap is not None and value.high > (most := scale_half_up(cap, digits)):
            value = self._least(value, self._constant(most))
        if floor is not None and value.low < (least := scale_half_up(floor, digits)):
            value = self._greatest(value, self._constant(least))
        return value

    def _ratio_score(self, node: p.RatioScore) -> None:
        source = self.plan.numeric(node.of)
        value = Ratio(self.column(node.of), None, Fraction(1, 10**source.digits))
        if isinstance(node.base, str):
            published = self.plan.numeric(node.base)
            base = Ratio(self.column(node.base), None, Fraction(1, 10**published.digits))
        else:
            base = Ratio(ONE, None, node.base)
        quotient = self._divided(base, value) if node.inverse else self._divided(value, base)
        score = self._rounded(quotient, node.weight * 10**node.digits)
        self.let(node.name, self._clipped(score, node.floor, node.cap, node.digits))

    def _range_score(self, node: p.RangeScore) -> None:
        low, high, value = self.column(node.low), self.column(node.high), self.column(node.of)
        span = self._plus(high, low, "subtract")
        part = self._plus(high, value, "subtract") if node.inverse else self._plus(value, low, "subtract")
        # An unrated but scored row may lie outside the range of the rated ones.
        span, part = self._hidden(span), self._hidden(part)
        share = self._divided(Ratio(part, None, Fraction(1)), Ratio(span, None, Fraction(1)))
        base = Ratio(ONE, None, node.bottom) if node.bottom else Ratio(ZERO, None, Fraction(1))
        rest = Ratio(share.over, share.under, share.factor * (100 - node.bottom))
        first, second, factor, under = self._aligned(base, rest)
        score = self._rounded(
            Ratio(self._plus(first, second), under, factor), node.weight / 100 * 10**node.digits
        )
        equal = self._constant(scale_half_up(node.equal, node.digits))
        same = self._null_unless(Invert(IsNull(value.op)), equal) if value.nullable else equal
        self.let(node.name, self._where(self._compare("==", low, high), same, score))

    def _rank_score(self, node: p.RankScore) -> None:
        key, size = self._key(node.by)
        rated = self._rated(node.only)
        value = self.column(node.of)
        there = Invert(IsNull(value.op))
        where = self._flag(f"{node.name}.计分", _all([self._scored(node.only), there]))
        population = self._flag(f"{node.name}.参评", _all([rated, there]))
        better = f"{node.name}.更优"
        self.steps.append(
            BetterCount(better, Column(node.of), not node.inverse, where, population, key, size)
        )
        self.known[better] = Bounds(0, self.rows, True)
        many = self._count(f"~{node.name}.户数", population, key, size)
        left = self._plus(many, self.column(better), "subtract")
        share = self._divided(Ratio(left, None, Fraction(1)), Ratio(many, None, Fraction(1)))
        self.let(node.name, self._rounded(share, node.weight * 10**node.digits))

    def _band_score(self, node: p.BandScore) -> None:
        source = self.plan.numeric(node.of)
        value = self.column(node.of)
        points = ZERO
        for limit, given in reversed(node.bands):
            at = limit * 10**source.digits
            scaled = self._constant(scale_half_up(given, node.digits))
            whole = at.numerator // at.denominator if node.inverse else -(-at.numerator // at.denominator)
            test = self._compare("<=" if node.inverse else ">=", value, self._constant(whole))
            points = self._where(test, scaled, points)
        if value.nullable:
            points = self._null_unless(Invert(IsNull(value.op)), points)
        self.let(node.name, points)

    def _fill(self, node: p.Fill) -> None:
        score = self.column(node.of)
        if score.nullable:
            missing = self._filler(node, node.missing)
            zero = missing if node.zero == node.missing else self._filler(node, node.zero)
            if zero != missing:
                tests: list[Op] = [Invert(IsNull(Column(node.value)))]
                if node.zero_when is not None:
                    tests.insert(0, self._truth(node.zero_when))
                missing = self._where(AnyOf(tuple(tests)), zero, missing)
            score = self._coalesce(score, missing)
        self.let(node.name, self._null_unless(self._scored(node.only), score))

    def _filler(self, node: p.Fill, rule: Fraction | str) -> Int:
        if isinstance(rule, Fraction):
            return self._constant(scale_half_up(rule, node.digits))
        name = f"{node.name}.均分"
        if name not in self.known:
            key, size = self._key(node.by)
            score = self._limited(self.column(node.of), MOST // self.rows)
            having = _all([self._rated(node.only), Invert(IsNull(score.op))])
            bounds = Bounds(min(score.low, 0) * self.rows, max(score.high, 0) * self.rows, False)
            total = self._reduce(f"~{name}.和", "sum", score, having, key, size, bounds)
            many = self._count(f"~{name}.数", having, key, size)
            mean = self._divided(Ratio(total, None, Fraction(1)), Ratio(many, None, Fraction(1)))
            # Where nobody in the group has the figure there is no mean: 0 points, reported by the run.
            self.let(name, self._coalesce(self._rounded(mean, Fraction(1)), ZERO))
        return self.column(name)

    # -- totals ------------------------------------------------------------------------------------

    def _subtotal(self, node: p.Subtotal) -> None:
        sums: list[Int] = []
        for class_name in self.plan.classes:
            parts = [
                self.column(indicator.filled)
                for indicator in self.plan.indicators
                if indicator.class_name == class_name
            ]
            total = parts[0]
            for part in parts[1:]:
                total = self._plus(total, part)
            sums.append(total)
        total = sums[0]
        for other in sums[1:]:
            total = self._coalesce(total, other)
        self.let(node.name, total)

    def _adjustment(self, node: p.Adjustment) -> None:
        if node.percent is not None:
            points = self._rounded(Ratio(self.column(p.SUBTOTAL), None, Fraction(1)), node.percent)
        else:
            assert node.points is not None
            points = self._at(node.points, node.unit, node.digits)
        points = self._coalesce(points, ZERO)
        tests: list[Op] = []
        if node.only:
            tests.append(self._in_classes(node.only))
        if node.when is not None:
            tests.append(self._truth(node.when))
        if tests:
            points = self._where(_all(tests), points, ZERO)
        subtotal = self.column(p.SUBTOTAL)
        scored = Invert(IsNull(subtotal.op)) if subtotal.nullable else TRUE
        self.let(node.name, self._null_unless(scored, points))

    def _limited_sum(self, node: p.LimitedSum) -> None:
        total = self.column(node.of[0])
        for name in node.of[1:]:
            other = self.column(name)
            if node.take == "合计":
                total = self._plus(total, other)
            elif node.take == "最高一项":
                total = self._greatest(total, other)
            else:
                total = self._where(self._compare("!=", total, ZERO), total, other)
        self.let(node.name, self._clipped(total, None, node.cap, node.digits))

    def _total(self, node: p.Total) -> None:
        total = self.column(p.SUBTOTAL)
        for name, sign in node.of:
            total = self._plus(total, self.column(name), "add" if sign > 0 else "subtract")
        digits = self.plan.numeric(p.SUBTOTAL).digits
        total = self._rounded(Ratio(total, None, Fraction(1)), Fraction(10) ** (node.digits - digits))
        self.let(node.name, self._clipped(total, node.floor, node.cap, node.digits))

    # -- grades ------------------------------------------------------------------------------------

    def _order_column(self, key: p.Key, prefix: str) -> tuple[Column, bool]:
        """A key without nulls: what is missing comes last."""
        value = self.column(key.name)
        if not value.nullable:
            return Column(key.name), key.descending
        worst = value.low - 1 if key.descending else value.high + 1
        made = self.let(f"{prefix}.键.{key.name}", self._coalesce(value, self._constant(worst)))
        assert isinstance(made.op, Column)
        return made.op, key.descending

    def _order(self, keys: tuple[p.Key, ...], prefix: str) -> tuple[tuple[Column, bool], ...]:
        columns: list[tuple[Column, bool]] = []
        seen: set[str] = set()
        for key in keys:
            if key.name in seen:  # Whatever its direction, it decides nothing a second time.
                continue
            seen.add(key.name)
            if key.name == CODE:
                # Rows stand in ascending order of the code, so only the reverse needs a column.
                if key.descending:
                    columns.append((Column(ROW), True))
                break
            columns.append(self._order_column(key, prefix))
        return tuple(columns)

    def _ranking(self, node: p.Ranking) -> None:
        name = node.name
        one_class = len(node.only) == 1
        by = node.by if one_class else (p.CLASS, *node.by)
        in_classes = [self._in_classes(node.only)] if set(node.only) != set(self.plan.classes) else []
        if not in_classes and self.known[p.CLASS].nullable:
            in_classes = [Invert(IsNull(Column(p.CLASS)))]
        kept: list[Op] = [Invert(self._truth(node.unranked))] if node.unranked is not None else []
        ranked = self._flag(
            f"{name}.排名", _all([Compare("==", Column(p.STANDING), Constant(0)), *in_classes, *kept])
        )
        standings = frozenset(p.STANDINGS.index(standing) for standing in node.counted)
        counted = self._flag(
            f"{name}.计额户", _all([InSet(Column(p.STANDING), standings), *in_classes, *kept])
        )
        key, size = self._key(by)
        small: Op | None = None
        whole_key, whole_size = self._key(() if one_class else (p.CLASS,))
        if node.small and node.by:
            many = self.let(f"{name}.原组户数", self._count(f"~{name}.原组户数", ranked, key, size))
            small = Compare("<", many.op, Constant(node.small))
            if node.small_then == "合并小组":
                pool: Op = Constant(size) if whole_key is None else Binary("add", Constant(size), whole_key)
                assert key is not None
                key = self._flag(f"{name}.组", Where(small, pool, key))
                size += whole_size
                small = None
        place, ranked_count, counted_count = self._place(node, name, ranked, counted, key, size)
        if small is not None:
            parts = self._place(node, f"{name}.全体", ranked, counted, whole_key, whole_size)
            place, ranked_count, counted_count = (
                self._where(small, whole, part)
                for whole, part in zip(parts, (place, ranked_count, counted_count), strict=True)
            )
        place = self.let(name, place)
        ranked_count = self.let(f"{name}.户数", ranked_count)
        counted_count = self.let(f"{name}.计额", counted_count)
        if key is not None and key.name != f"{name}.组":
            self._flag(f"{name}.组", key)
        if node.steps:
            grade = self._stepped(node, place, ranked, ranked_count, counted_count, key, size)
        else:
            grade = self._bounded(node, place, ranked_count, counted_count)
        self.let(f"{name}.初评", self._null_unless(ranked, grade))

    def _place(
        self, node: p.Ranking, name: str, ranked: Column, counted: Column, key: Column | None, size: int
    ) -> tuple[Int, Int, Int]:
        made = [
            self._count(f"~{name}.{part}", mask, key, size)
            for part, mask in (("排名数", ranked), ("计额数", counted))
        ]
        if node.ties == "按排序键":
            self.steps.append(RowNumber(f"{name}.位次", self._order(node.order, name), ranked, key, size))
            self.known[f"{name}.位次"] = Bounds(1, self.rows, True)
            return self.column(f"{name}.位次"), made[0], made[1]
        total, _ = self._order_column(p.Key(p.TOTAL, True), name)
        better = f"{name}.更优"
        self.steps.append(BetterCount(better, total, node.ties == "同分就高", ranked, ranked, key, size))
        self.known[better] = Bounds(0, self.rows, True)
        if node.ties == "同分就高":
            return self._plus(self.column(better), ONE), made[0], made[1]
        return self._plus(made[0], self.column(better), "subtract"), made[0], made[1]

    def _quota(self, many: Int, share: Fraction, rounding: p.Rounding) -> Int:
        top = self._times(many, share.numerator)
        extra = {"舍去": 0, "进一": share.denominator - 1, "四舍五入": share.denominator // 2}[rounding]
        top = self._plus(top, self._constant(extra))
        return Int(Binary("floor_divide", top.op, Constant(share.denominator)), 0, self.rows, many.nullable)

    def _bounded(self, node: p.Ranking, place: Int, ranked: Int, counted: Int) -> Int:
        grade = self._constant(len(self.plan.grades) - 1)
        total = self.plan.numeric(p.TOTAL)
        for index in reversed(range(len(node.bounds))):
            bound = node.bounds[index]
            if bound.at_least is not None:
                least = bound.at_least * 10**total.digits
                test = self._compare(
                    ">=", self.column(p.TOTAL), self._constant(-(-least.numerator // least.denominator))
                )
            else:
                assert bound.share is not None
                last = self._quota(counted, bound.share, bound.rounding)
                if bound.tail:
                    last = self._plus(ranked, last, "subtract")
                last = self.let(f"{node.name}.界.{bound.grade}", last)
                test = self._compare("<=", place, last)
            grade = self._where(test, self._constant(index), grade)
        return grade

    def _stepped(
        self,
        node: p.Ranking,
        place: Int,
        ranked: Column,
        ranked_count: Int,
        counted: Int,
        key: Column | None,
        size: int,
    ) -> Int:
        grade = self._constant(self.plan.grades.index(node.rest))
        taken: list[Op] = []
        chosen: list[tuple[Op, int]] = []
        for index, step in enumerate(node.steps):
            prefix = f"{node.name}.第{index + 1}步"
            edge = 1 - step.part if step.last else step.part
            inside = self._compare(
                ">" if step.last else "<=",
                self._times(place, edge.denominator),
                self._times(ranked_count, edge.numerator),
            )
            members = self._flag(f"{prefix}.候选", _all([ranked, inside, *(Invert(test) for test in taken)]))
            self.steps.append(
                RowNumber(f"{prefix}.位次", self._order(step.order, prefix), members, key, size)
            )
            self.known[f"{prefix}.位次"] = Bounds(1, self.rows, True)
            quota = self.let(f"{prefix}.名额", self._quota(counted, step.share, step.rounding))
            test = self._flag(f"{prefix}.入选", self._compare("<=", self.column(f"{prefix}.位次"), quota))
            taken.append(test)
            chosen.append((test, self.plan.grades.index(step.grade)))
        for selected, code in reversed(chosen):
            grade = self._where(selected, self._constant(code), grade)
        return grade

    def _regrading(self, node: p.Regrading) -> None:
        self.labels[p.FIRST_GRADE] = self.plan.grades
        first = self.column(f"{node.of[0]}.初评")
        for name in node.of[1:]:
            first = self._coalesce(first, self.column(f"{name}.初评"))
        grade = self.let(p.FIRST_GRADE, first)
        worst = len(self.plan.grades) - 1
        rated: Op = Compare("==", Column(p.STANDING), Constant(0))
        moved = ZERO
        for index, move in enumerate(node.moves):
            tests: list[Op] = [rated]
            if move.only:
                tests.append(self._in_classes(move.only))
            tests.append(self._truth(move.tree))
            test = self._flag(f"{p.GRADE}.调整{index + 1}", _all(tests))
            moved = self._plus(moved, self._where(test, self._constant(2**index), ZERO))
            target = self._constant(self.plan.grades.index(move.grade) if move.grade else 0)
            match move.how:
                case "set":
                    after = target
                case "up":
                    after = self._greatest(self._plus(grade, self._constant(move.steps), "subtract"), ZERO)
                case "down":
                    after = self._least(self._plus(grade, self._constant(move.steps)), self._constant(worst))
                case "at_best":
                    after = self._greatest(self._coalesce(grade, target), target)
                case "at_worst":
                    after = self._least(self._coalesce(grade, target), target)
            grade = self._hidden(self._where(test, after, grade))
        self.let(MOVES, moved)
        self.let(p.GRADE, self._null_unless(rated, grade))

    def finish(self) -> None:
        """What every result has, whatever the policy: one place column, and the grade for allocating factors."""
        names = self.plan.regrading.of
        place = self.column(names[0])
        for name in names[1:]:
            place = self._coalesce(place, self.column(name))
        self.let(p.PLACE, place)
        rules = self.plan.standing.rules
        treated = tuple(
            self.plan.grades.index(rule.treated_as) if rule.treated_as else None for rule in rules
        )
        worst = len(self.plan.grades) - 1
        by_rule = Int(Lookup(Column(RULE), (None, *treated)), 0, worst, True)
        self.let(p.TREATED_AS, self._coalesce(self.column(p.GRADE), by_rule))


def _all(tests: list[Op]) -> Op:
    kept = [test for test in tests if test != TRUE]
    if not kept:
        return TRUE
    return kept[0] if len(kept) == 1 else AllOf(tuple(kept))


def _common(a: Ratio, b: Ratio) -> Fraction:
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


def _source(name: str) -> str:
    """The column of the data as bound, before the policy replaces what is missing."""
    return f"@{name}"


def _raw(plan: p.Plan, name: str) -> str:
    node = plan.by_name.get(name)
    return _source(name) if isinstance(node, p.NumberInput | p.CodeInput) else name


def has_tag(tags: str, wanted: str) -> bool:
    """Whether ``专精特新:省级|绿色工厂`` has the tag ``专精特新`` (any level) or ``专精特新:省级`` (that level)."""
    return any(tag == wanted or tag.startswith(f"{wanted}:") for tag in tags.split("|"))
