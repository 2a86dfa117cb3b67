"""The plan becomes a program of integer steps, with a proof that none of them can overflow.

One method writes the steps of each kind of node; what they are written with (bounded integers, exact quotients,
figures of groups) is in ``lowering``. Every rounding of the plan is written by one function
(``Integers.half_up``), so that all executors share it. Bounds of every value are followed from the bounds of the
inputs; where a product could pass 2**62, a ``Check`` step limits the operand, and a run whose data pass the check
is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.lowering.groups import SCORED, Groups
from muheng.policy.lowering.integers import FALSE, MOST, ONE, TRUE, ZERO, Int, all_of
from muheng.policy.lowering.quotients import Ratio, source_column
from muheng.policy.program import (
    AnyOf,
    BetterCount,
    Binary,
    Bounds,
    Coalesce,
    Column,
    Compare,
    Constant,
    InSet,
    Invert,
    IsNull,
    Lookup,
    Op,
    Program,
    RowNumber,
    Where,
)
from muheng.standards.rounding import scale_half_up

RULE = "~状态规则"
MOVES = "~调整"
ROW = "~行"


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


class _Lowering(Groups):
    """One pass over the plan's nodes."""

    def __init__(
        self,
        plan: p.Plan,
        year: int,
        rows: int,
        bounds: Mapping[str, Bounds],
        labels: Mapping[str, tuple[str, ...]],
        previous: Mapping[str, Mapping[tuple[str | None, ...], int]],
    ) -> None:
        super().__init__(plan, year, rows, labels, previous)
        self.inputs = bounds

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
                self.flag(node.name, self.truth(node.tree))
            case p.Grouping():
                self._grouping(node)
            case p.Classify():
                self._classify(node)
            case p.Standing():
                self._standing(node)
            case p.Aggregate():
                self.aggregate(node)
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
                    value = self.coalesce(value, self.column(name))
                self.let(node.name, value)

    def _number_input(self, node: p.NumberInput) -> None:
        raw = self.inputs[node.name]
        value = Int(Column(source_column(node.name)), raw.low, raw.high, raw.nullable)
        if node.fill is not None:
            value = self.coalesce(value, self.constant(scale_half_up(node.fill, node.digits)))
        self.let(node.name, value)

    def _code_input(self, node: p.CodeInput) -> None:
        raw = self.inputs[node.name]
        value = Int(Column(source_column(node.name)), raw.low, raw.high, raw.nullable)
        if node.kind == "level":
            self.labels[node.name] = node.levels
        if node.fill is not None:
            value = self.coalesce(value, self.constant(self.labels[node.name].index(node.fill)))
        self.let(node.name, value)

    def _formula(self, node: p.Formula) -> None:
        value = self.scaled(node.tree, node.unit, node.digits)
        if node.must is not None:
            operator, least = node.must
            scaled = least * Fraction(10) ** node.digits
            value = self.hidden(value)
            lowest = (
                scaled.numerator // scaled.denominator + 1
                if operator == ">"
                else -(-scaled.numerator // scaled.denominator)
            )
            test = self.compare(">=", value, self.constant(lowest))
            value = Int(
                Where(test, value.op, Constant(None)), max(value.low, lowest), max(value.high, lowest), True
            )
        if node.only is not None:
            value = self.null_unless(Coalesce(self.in_class(node.only), FALSE), value)
        self.let(node.name, value)

    def _grouping(self, node: p.Grouping) -> None:
        labels = node.labels
        table: list[int] = []
        for text in self.labels[node.source]:
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
        self.let(node.name, self.coalesce(found, self.constant(labels.index(node.other))))

    def _classify(self, node: p.Classify) -> None:
        self.labels[p.CLASS] = self.plan.classes
        op: Op = Constant(None)
        nullable = True
        for index in reversed(range(len(node.rules))):
            _, tree = node.rules[index]
            if tree is None:
                op, nullable = Constant(index), False
            else:
                op = Where(self.truth(tree), Constant(index), op)
        self.let(node.name, Int(op, 0, len(node.rules) - 1, nullable))

    def _standing(self, node: p.Standing) -> None:
        op: Op = Constant(0)
        for index in reversed(range(len(node.rules))):
            rule = node.rules[index]
            test = self.truth(rule.tree)
            if rule.only is not None:
                test = all_of([self.in_classes(rule.only), test])
            op = Where(test, Constant(index + 1), op)
        self.let(RULE, Int(op, 0, len(node.rules), False))
        standing = (0, *(p.STANDINGS.index(rule.standing) for rule in node.rules))
        self.let(node.name, Int(Lookup(Column(RULE), standing), 0, len(p.STANDINGS) - 1, False))
        scored = frozenset({0, *(index + 1 for index, rule in enumerate(node.rules) if rule.scored)})
        self.flag(SCORED, InSet(Column(RULE), scored))

    def _clipped(self, value: Int, floor: Fraction | None, cap: Fraction | None, digits: int) -> Int:
        if cap is not None and value.high > (most := scale_half_up(cap, digits)):
            value = self.least(value, self.constant(most))
        if floor is not None and value.low < (least := scale_half_up(floor, digits)):
            value = self.greatest(value, self.constant(least))
        return value

    def _ratio_score(self, node: p.RatioScore) -> None:
        source = self.plan.numeric(node.of)
        value = Ratio(self.column(node.of), None, Fraction(1, 10**source.digits))
        if isinstance(node.base, str):
            published = self.plan.numeric(node.base)
            base = Ratio(self.column(node.base), None, Fraction(1, 10**published.digits))
        else:
            base = Ratio(ONE, None, node.base)
        quotient = self.divided(base, value) if node.inverse else self.divided(value, base)
        score = self.rounded(quotient, node.weight * 10**node.digits)
        self.let(node.name, self._clipped(score, node.floor, node.cap, node.digits))

    def _range_score(self, node: p.RangeScore) -> None:
        low, high, value = self.column(node.low), self.column(node.high), self.column(node.of)
        span = self.plus(high, low, "subtract")
        part = self.plus(high, value, "subtract") if node.inverse else self.plus(value, low, "subtract")
        # An unrated but scored row may lie outside the range of the rated ones.
        span, part = self.hidden(span), self.hidden(part)
        share = self.divided(Ratio(part, None, Fraction(1)), Ratio(span, None, Fraction(1)))
        base = Ratio(ONE, None, node.bottom) if node.bottom else Ratio(ZERO, None, Fraction(1))
        rest = Ratio(share.over, share.under, share.factor * (100 - node.bottom))
        first, second, factor, under = self.aligned(base, rest)
        score = self.rounded(
            Ratio(self.plus(first, second), under, factor), node.weight / 100 * 10**node.digits
        )
        equal = self.constant(scale_half_up(node.equal, node.digits))
        same = self.null_unless(Invert(IsNull(value.op)), equal) if value.nullable else equal
        self.let(node.name, self.where(self.compare("==", low, high), same, score))

    def _rank_score(self, node: p.RankScore) -> None:
        key, size = self.key_of(node.by)
        rated = self.rated(node.only)
        value = self.column(node.of)
        there = Invert(IsNull(value.op))
        where = self.flag(f"{node.name}.计分", all_of([self.scored(node.only), there]))
        population = self.flag(f"{node.name}.参评", all_of([rated, there]))
        better = f"{node.name}.更优"
        self.steps.append(
            BetterCount(better, Column(node.of), not node.inverse, where, population, key, size)
        )
        self.known[better] = Bounds(0, self.rows, True)
        many = self.count(f"~{node.name}.户数", population, key, size)
        left = self.plus(many, self.column(better), "subtract")
        share = self.divided(Ratio(left, None, Fraction(1)), Ratio(many, None, Fraction(1)))
        self.let(node.name, self.rounded(share, node.weight * 10**node.digits))

    def _band_score(self, node: p.BandScore) -> None:
        source = self.plan.numeric(node.of)
        value = self.column(node.of)
        points = ZERO
        for limit, given in reversed(node.bands):
            at = limit * 10**source.digits
            scaled = self.constant(scale_half_up(given, node.digits))
            whole = at.numerator // at.denominator if node.inverse else -(-at.numerator // at.denominator)
            test = self.compare("<=" if node.inverse else ">=", value, self.constant(whole))
            points = self.where(test, scaled, points)
        if value.nullable:
            points = self.null_unless(Invert(IsNull(value.op)), points)
        self.let(node.name, points)

    def _fill(self, node: p.Fill) -> None:
        score = self.column(node.of)
        if score.nullable:
            missing = self._filler(node, node.missing)
            zero = missing if node.zero == node.missing else self._filler(node, node.zero)
            if zero != missing:
                tests: list[Op] = [Invert(IsNull(Column(node.value)))]
                if node.zero_when is not None:
                    tests.insert(0, self.truth(node.zero_when))
                missing = self.where(AnyOf(tuple(tests)), zero, missing)
            score = self.coalesce(score, missing)
        self.let(node.name, self.null_unless(self.scored(node.only), score))

    def _filler(self, node: p.Fill, rule: Fraction | str) -> Int:
        if isinstance(rule, Fraction):
            return self.constant(scale_half_up(rule, node.digits))
        name = f"{node.name}.均分"
        if name not in self.known:
            key, size = self.key_of(node.by)
            score = self.keep_within(self.column(node.of), MOST // self.rows)
            having = all_of([self.rated(node.only), Invert(IsNull(score.op))])
            bounds = Bounds(min(score.low, 0) * self.rows, max(score.high, 0) * self.rows, False)
            total = self.reduce(f"~{name}.和", "sum", score, having, key, size, bounds)
            many = self.count(f"~{name}.数", having, key, size)
            mean = self.divided(Ratio(total, None, Fraction(1)), Ratio(many, None, Fraction(1)))
            # Where nobody in the group has the figure there is no mean: 0 points, reported by the run.
            self.let(name, self.coalesce(self.rounded(mean, Fraction(1)), ZERO))
        return self.column(name)

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
                total = self.plus(total, part)
            sums.append(total)
        total = sums[0]
        for other in sums[1:]:
            total = self.coalesce(total, other)
        self.let(node.name, total)

    def _adjustment(self, node: p.Adjustment) -> None:
        if node.percent is not None:
            points = self.rounded(Ratio(self.column(p.SUBTOTAL), None, Fraction(1)), node.percent)
        else:
            assert node.points is not None
            points = self.scaled(node.points, node.unit, node.digits)
        points = self.coalesce(points, ZERO)
        if points.low < 0:
            points = self.greatest(points, ZERO)
        tests: list[Op] = []
        if node.only:
            tests.append(self.in_classes(node.only))
        if node.when is not None:
            tests.append(self.truth(node.when))
        if tests:
            points = self.where(all_of(tests), points, ZERO)
        subtotal = self.column(p.SUBTOTAL)
        scored = Invert(IsNull(subtotal.op)) if subtotal.nullable else TRUE
        self.let(node.name, self.null_unless(scored, points))

    def _limited_sum(self, node: p.LimitedSum) -> None:
        total = self.column(node.of[0])
        for name in node.of[1:]:
            other = self.column(name)
            if node.take == "合计":
                total = self.plus(total, other)
            elif node.take == "最高一项":
                total = self.greatest(total, other)
            else:
                total = self.where(self.compare("!=", total, ZERO), total, other)
        self.let(node.name, self._clipped(total, None, node.cap, node.digits))

    def _total(self, node: p.Total) -> None:
        total = self.column(p.SUBTOTAL)
        for name, sign in node.of:
            total = self.plus(total, self.column(name), "add" if sign > 0 else "subtract")
        digits = self.plan.numeric(p.SUBTOTAL).digits
        total = self.rounded(Ratio(total, None, Fraction(1)), Fraction(10) ** (node.digits - digits))
        self.let(node.name, self._clipped(total, node.floor, node.cap, node.digits))

    def _order_column(self, key: p.Key, prefix: str) -> tuple[Column, bool]:
        """A key without nulls: what is missing comes last."""
        value = self.column(key.name)
        if not value.nullable:
            return Column(key.name), key.descending
        worst = value.low - 1 if key.descending else value.high + 1
        made = self.let(f"{prefix}.键.{key.name}", self.coalesce(value, self.constant(worst)))
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
        in_classes = [self.in_classes(node.only)] if set(node.only) != set(self.plan.classes) else []
        if not in_classes and self.known[p.CLASS].nullable:
            in_classes = [Invert(IsNull(Column(p.CLASS)))]
        kept: list[Op] = [Invert(self.truth(node.unranked))] if node.unranked is not None else []
        ranked = self.flag(f"{name}.排名", all_of([self.is_rated(), *in_classes, *kept]))
        standings = frozenset(p.STANDINGS.index(standing) for standing in node.counted)
        counted = self.flag(
            f"{name}.计额户", all_of([InSet(Column(p.STANDING), standings), *in_classes, *kept])
        )
        key, size = self.key_of(by)
        small: Op | None = None
        whole_key, whole_size = self.key_of(() if one_class else (p.CLASS,))
        if node.small and node.by:
            many = self.let(f"{name}.原组户数", self.count(f"~{name}.原组户数", ranked, key, size))
            small = Compare("<", many.op, Constant(node.small))
            if node.small_then == "合并小组":
                pool: Op = Constant(size) if whole_key is None else Binary("add", Constant(size), whole_key)
                assert key is not None
                key = self.flag(f"{name}.组", Where(small, pool, key))
                size += whole_size
                small = None
        place, ranked_count, counted_count = self._place(node, name, ranked, counted, key, size)
        if small is not None:
            parts = self._place(node, f"{name}.全体", ranked, counted, whole_key, whole_size)
            place, ranked_count, counted_count = (
                self.where(small, whole, part)
                for whole, part in zip(parts, (place, ranked_count, counted_count), strict=True)
            )
        place = self.let(name, place)
        ranked_count = self.let(f"{name}.户数", ranked_count)
        counted_count = self.let(f"{name}.计额", counted_count)
        if key is not None and key.name != f"{name}.组":
            self.flag(f"{name}.组", key)
        if node.steps:
            grade = self._stepped(node, place, ranked, ranked_count, counted_count, key, size)
        else:
            grade = self._bounded(node, place, ranked_count, counted_count)
        self.let(f"{name}.初评", self.null_unless(ranked, grade))

    def _place(
        self, node: p.Ranking, name: str, ranked: Column, counted: Column, key: Column | None, size: int
    ) -> tuple[Int, Int, Int]:
        made = [
            self.count(f"~{name}.{part}", mask, key, size)
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
            return self.plus(self.column(better), ONE), made[0], made[1]
        return self.plus(made[0], self.column(better), "subtract"), made[0], made[1]

    def _quota(self, many: Int, share: Fraction, rounding: p.Rounding) -> Int:
        top = self.times(many, share.numerator)
        extra = {"舍去": 0, "进一": share.denominator - 1, "四舍五入": share.denominator // 2}[rounding]
        top = self.plus(top, self.constant(extra))
        return Int(Binary("floor_divide", top.op, Constant(share.denominator)), 0, self.rows, many.nullable)

    def _bounded(self, node: p.Ranking, place: Int, ranked: Int, counted: Int) -> Int:
        grade = self.constant(len(self.plan.grades) - 1)
        total = self.plan.numeric(p.TOTAL)
        for index in reversed(range(len(node.bounds))):
            bound = node.bounds[index]
            if bound.at_least is not None:
                least = bound.at_least * 10**total.digits
                test = self.compare(
                    ">=", self.column(p.TOTAL), self.constant(-(-least.numerator // least.denominator))
                )
            else:
                assert bound.share is not None
                last = self._quota(counted, bound.share, bound.rounding)
                if bound.tail:
                    last = self.plus(ranked, last, "subtract")
                last = self.let(f"{node.name}.界.{bound.grade}", last)
                test = self.compare("<=", place, last)
            grade = self.where(test, self.constant(index), grade)
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
        grade = self.constant(self.plan.grades.index(node.rest))
        taken: list[Op] = []
        chosen: list[tuple[Op, int]] = []
        for index, step in enumerate(node.steps):
            prefix = f"{node.name}.第{index + 1}步"
            edge = 1 - step.part if step.last else step.part
            inside = self.compare(
                ">" if step.last else "<=",
                self.times(place, edge.denominator),
                self.times(ranked_count, edge.numerator),
            )
            members = self.flag(f"{prefix}.候选", all_of([ranked, inside, *(Invert(test) for test in taken)]))
            self.steps.append(
                RowNumber(f"{prefix}.位次", self._order(step.order, prefix), members, key, size)
            )
            self.known[f"{prefix}.位次"] = Bounds(1, self.rows, True)
            quota = self.let(f"{prefix}.名额", self._quota(counted, step.share, step.rounding))
            test = self.flag(f"{prefix}.入选", self.compare("<=", self.column(f"{prefix}.位次"), quota))
            taken.append(test)
            chosen.append((test, self.plan.grades.index(step.grade)))
        for selected, code in reversed(chosen):
            grade = self.where(selected, self.constant(code), grade)
        return grade

    def _regrading(self, node: p.Regrading) -> None:
        self.labels[p.FIRST_GRADE] = self.plan.grades
        first = self.column(f"{node.of[0]}.初评")
        for name in node.of[1:]:
            first = self.coalesce(first, self.column(f"{name}.初评"))
        grade = self.let(p.FIRST_GRADE, first)
        worst = len(self.plan.grades) - 1
        rated: Op = self.is_rated()
        moved = ZERO
        for index, move in enumerate(node.moves):
            tests: list[Op] = [rated]
            if move.only:
                tests.append(self.in_classes(move.only))
            tests.append(self.truth(move.tree))
            test = self.flag(f"{p.GRADE}.调整{index + 1}", all_of(tests))
            moved = self.plus(moved, self.where(test, self.constant(2**index), ZERO))
            target = self.constant(self.plan.grades.index(move.grade) if move.grade else 0)
            match move.how:
                case "set":
                    after = target
                case "up":
                    after = self.greatest(self.plus(grade, self.constant(move.steps), "subtract"), ZERO)
                case "down":
                    after = self.least(self.plus(grade, self.constant(move.steps)), self.constant(worst))
                case "at_best":
                    after = self.greatest(self.coalesce(grade, target), target)
                case "at_worst":
                    after = self.least(self.coalesce(grade, target), target)
            grade = self.hidden(self.where(test, after, grade))
        self.let(MOVES, moved)
        self.let(p.GRADE, self.null_unless(rated, grade))

    def finish(self) -> None:
        """What every result has, whatever the policy: one place column, and the grade for allocating factors."""
        names = self.plan.regrading.of
        place = self.column(names[0])
        for name in names[1:]:
            place = self.coalesce(place, self.column(name))
        self.let(p.PLACE, place)
        rules = self.plan.standing.rules
        treated = tuple(
            self.plan.grades.index(rule.treated_as) if rule.treated_as else None for rule in rules
        )
        worst = len(self.plan.grades) - 1
        by_rule = Int(Lookup(Column(RULE), (None, *treated)), 0, worst, True)
        self.let(p.TREATED_AS, self.coalesce(self.column(p.GRADE), by_rule))
