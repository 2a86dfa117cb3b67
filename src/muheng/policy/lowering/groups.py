"""Figures of groups: grouping keys, who is rated, and one figure per group from this year, last year or a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from muheng.policy import plan as p
from muheng.policy.lowering.integers import FALSE, MOST, TRUE, Int, all_of
from muheng.policy.lowering.quotients import Quotients, Ratio
from muheng.policy.program import (
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
    Reduce,
    RowNumber,
    Where,
)
from muheng.standards.rounding import scale_half_up
from muheng.standards.units import parse_unit

SCORED = "~计分"


class Groups(Quotients):
    """``previous``: last year's figure of each aggregate by group labels."""

    def __init__(
        self,
        plan: p.Plan,
        year: int,
        rows: int,
        labels: Mapping[str, tuple[str, ...]],
        previous: Mapping[str, Mapping[tuple[str | None, ...], int]],
    ) -> None:
        super().__init__(plan, year, labels)
        self.rows = max(rows, 1)
        self.previous = previous
        self.keys: dict[tuple[str, ...], tuple[Column | None, int]] = {}
        self.masks: dict[str, Op] = {}
        self.reduced: dict[Reduce, str] = {}

    def key_of(self, by: tuple[str, ...]) -> tuple[Column | None, int]:
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
            if size > MOST:
                self.unproved.append((self.node, str(size)))
            self.keys[by] = (self.flag(f"~组.{'.'.join(by)}", key), size)
        return self.keys[by]

    def in_class(self, class_name: str) -> Op:
        return Compare("==", Column(p.CLASS), Constant(self.plan.classes.index(class_name)))

    def in_classes(self, names: tuple[str, ...]) -> Op:
        if set(names) == set(self.plan.classes):
            return Invert(IsNull(Column(p.CLASS))) if self.known[p.CLASS].nullable else TRUE
        return InSet(Column(p.CLASS), frozenset(self.plan.classes.index(name) for name in names))

    def is_rated(self) -> Op:
        """参评, whatever the class; everyone where the policy exempts nobody."""
        return Compare("==", Column(p.STANDING), Constant(0)) if self.plan.standing.rules else TRUE

    def rated(self, class_name: str | None) -> Op:
        """Rated rows of one class, or of every class."""
        name = f"~参评.{class_name}" if class_name else "~参评"
        if name not in self.masks:
            tests: list[Op] = [self.is_rated()]
            if class_name is not None and len(self.plan.classes) > 1:
                tests.append(Coalesce(self.in_class(class_name), FALSE))
            elif self.known[p.CLASS].nullable:
                tests.append(Invert(IsNull(Column(p.CLASS))))
            test = all_of(tests)
            self.masks[name] = TRUE if test == TRUE else self.flag(name, test)
        return self.masks[name]

    def scored(self, class_name: str) -> Op:
        tests: list[Op] = [Column(SCORED)] if self.plan.standing.rules else []
        if len(self.plan.classes) > 1:
            tests.append(Coalesce(self.in_class(class_name), FALSE))
        elif self.known[p.CLASS].nullable:
            # Who belongs to no class may still be exempt by a rule that asks for a score.
            tests.append(Invert(IsNull(Column(p.CLASS))))
        return all_of(tests)

    def reduce(
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

    def count(self, name: str, where: Op, key: Column | None, size: int) -> Int:
        return self.reduce(name, "count", None, where, key, size, Bounds(0, self.rows, False))

    def aggregate(self, node: p.Aggregate) -> None:
        self.let(node.name, self._group_figure(node))

    def _group_figure(self, node: p.Aggregate) -> Int:
        if node.source != "current":
            return self._given_figure(node)
        mask = self.rated(node.only)
        figure = self._over(node, mask, node.by, node.name)
        if not node.small:
            return figure
        key, size = self.key_of(node.by)
        many = self.count(f"~{node.name}.户数", self._having(mask, node), key, size)
        whole = self._over(node, mask, (), f"{node.name}.全体")
        return self.where(Compare("<", many.op, Constant(node.small)), whole, figure)

    def _having(self, mask: Op, node: p.Aggregate) -> Op:
        if node.of is None or not self.known[node.of].nullable:
            return mask
        return all_of([mask, Invert(IsNull(Column(node.of)))])

    def _over(self, node: p.Aggregate, mask: Op, by: tuple[str, ...], name: str) -> Int:
        key, size = self.key_of(by)
        mask_op = self._having(mask, node)

        def reduce(
            part: str, how: str, of: Int | None, where: Op, low: int, high: int, nullable: bool
        ) -> Int:
            return self.reduce(f"~{name}.{part}", how, of, where, key, size, Bounds(low, high, nullable))

        def total(part: str, value: Int, where: Op) -> Int:
            value = self.keep_within(value, MOST // self.rows)
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
            over, under = (self.ratio(tree) for tree in node.weighted)
            first, second = self.hidden(over.over), self.hidden(under.over)
            both = all_of([mask_op, *(Invert(IsNull(part.op)) for part in (first, second) if part.nullable)])
            numerator, denominator = total("分子", first, both), total("分母", second, both)
            scale = Fraction(10) ** node.digits / parse_unit(node.unit).factor
            quotient = self.divided(
                Ratio(numerator, None, over.factor), Ratio(denominator, None, under.factor)
            )
            return self.rounded(quotient, scale * node.times)
        assert node.of is not None
        value = self.column(node.of)
        source = self.plan.numeric(node.of)
        shift = node.times * Fraction(10) ** (node.digits - source.digits)
        if node.how == "sum":
            return self.rounded(Ratio(total("和", value, mask_op), None, Fraction(1)), shift)
        if node.how == "mean":
            many = reduce("数", "count", None, mask_op, 0, self.rows, False)
            quotient = self.divided(
                Ratio(total("和", value, mask_op), None, Fraction(1)), Ratio(many, None, Fraction(1))
            )
            return self.rounded(quotient, shift)
        if node.how in ("min", "max"):
            found = reduce("值", node.how, value, mask_op, value.low, value.high, True)
            return self.rounded(Ratio(found, None, Fraction(1)), shift)
        many = reduce("数", "count", None, mask_op, 0, self.rows, False)
        where = self.flag(f"{name}.有值", mask_op)
        place = f"{name}.序"
        self.steps.append(RowNumber(place, ((Column(node.of), False),), where, key, size))
        self.known[place] = Bounds(1, self.rows, True)
        wanted = self._ceiling(many, node.share)
        at = Where(self.compare("==", self.column(place), wanted), Column(node.of), Constant(None))
        found = reduce("值", "max", Int(at, value.low, value.high, True), where, value.low, value.high, True)
        return self.rounded(Ratio(found, None, Fraction(1)), shift)

    def _ceiling(self, many: Int, share: Fraction) -> Int:
        top = self.plus(self.times(many, share.numerator), self.constant(share.denominator - 1))
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
        key, size = self.key_of(node.by)
        if key is None:
            return Int(Constant(table[0]), low, high, table[0] is None)
        assert len(table) == size
        return Int(Lookup(key, table), low, high, None in table)

    def _key_labels(self, by: tuple[str, ...]) -> list[tuple[str | None, ...]]:
        """The labels of each group in the order of ``key_of``; None: missing."""
        combined: list[tuple[str | None, ...]] = [()]
        for name in by:
            combined = [(*left, label) for left in combined for label in (*self.labels[name], None)]
        return combined
