"""What a plan means, told a second time: plain Python, exact fractions, one row after another.

Reads the plan and the facts as people would. It shares no code with the lowering, the program or the engines, so
that a mistake would have to be made twice in the same way to go unseen. Slow, and only for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from math import ceil, floor

from muheng.intake.facts import CODE, Facts
from muheng.policy import expression as e
from muheng.policy import plan as p
from muheng.standards.units import parse_unit

Value = int | str | bool | None
Labels = tuple[str | None, ...]


def half_away(value: Fraction) -> int:
    """The nearest integer; exactly between two, the one further from zero."""
    nearest = floor(abs(value) + Fraction(1, 2))
    return nearest if value >= 0 else -nearest


def round_share(value: Fraction, rounding: p.Rounding) -> int:
    if rounding == "进一":
        return ceil(value)
    return floor(value) if rounding == "舍去" else floor(value + Fraction(1, 2))


class Oracle:
    """``column(name)`` gives the values of a node (or of 初评等级, 名次, 施策等级), rows by ascending credit code.

    Numbers are scaled integers as in the plan, texts are texts, dates yyyymmdd, levels their index, classes,
    standings and grades their names.
    """

    def __init__(self, plan: p.Plan, facts: Facts, previous: Facts | None = None) -> None:
        self.plan = plan
        self.facts = facts
        self.previous = previous
        self.frame = facts.frame.sort(CODE)
        self.rows = range(self.frame.height)
        self.made: dict[str, list[Value]] = {}
        self.raw: dict[str, list[Value]] = {}

    def column(self, name: str) -> list[Value]:
        if name not in self.made:
            self.made[name] = self.compute(name)
        return self.made[name]

    def compute(self, name: str) -> list[Value]:
        if name == p.FIRST_GRADE:
            return self.first_of([self.first_grades(ranking) for ranking in self.rankings])
        if name == p.PLACE:
            return self.first_of([self.column(ranking.name) for ranking in self.rankings])
        if name == p.TREATED_AS:
            rules = self.plan.standing.rules
            grades = self.column(p.GRADE)
            return [
                grades[row] if index is None or grades[row] is not None else rules[index].treated_as
                for row, index in enumerate(self.standing_rules)
            ]
        node = self.plan.by_name[name]
        match node:
            case p.NumberInput() | p.CodeInput():
                return self.filled_input(node)
            case p.Standing():
                rules = node.rules
                return [p.RATED if index is None else rules[index].standing for index in self.standing_rules]
            case p.Classify():
                return self.each(lambda row: next((c for c, t in node.rules if self.holds(t, row)), None))
            case p.Aggregate():
                return self.aggregate(node)
            case p.Ranking():
                return [place for place, _ in self.rank(node)]
            case p.Regrading():
                return [grade for grade, _ in self.regrade(node)]
            case _:
                return self.each(lambda row: self.cell(node, row))

    def each(self, what: Callable[[int], Value]) -> list[Value]:
        return [what(row) for row in self.rows]

    def first_of(self, columns: Sequence[Sequence[Value]]) -> list[Value]:
        return [next((v for v in values if v is not None), None) for values in zip(*columns, strict=True)]

    # -- inputs ------------------------------------------------------------------------------------

    def given(self, node: p.NumberInput | p.CodeInput) -> list[Value]:
        """As provided, before anything replaces what is missing."""
        if node.name not in self.raw:
            item = self.facts.items.get(node.name)
            if item is None:
                self.raw[node.name] = [None] * len(self.rows)
            elif isinstance(node, p.NumberInput):
                assert item.unit is not None
                assert item.digits is not None
                factor = parse_unit(item.unit).factor / parse_unit(node.unit).factor
                factor *= Fraction(10) ** node.digits / Fraction(10) ** item.digits
                self.raw[node.name] = [
                    None if value is None else half_away(value * factor) for value in self.frame[node.name]
                ]
            else:
                self.raw[node.name] = [self.code(node, value) for value in self.frame[node.name]]
        return self.raw[node.name]

    def code(self, node: p.CodeInput, value: object) -> Value:
        if isinstance(value, date):
            return int(f"{value:%Y%m%d}")
        if value is None:
            return None
        assert isinstance(value, str)
        return node.levels.index(value) if node.kind == "level" else value

    def filled_input(self, node: p.NumberInput | p.CodeInput) -> list[Value]:
        fill: Value = None
        if isinstance(node, p.NumberInput):
            fill = None if node.fill is None else half_away(node.fill * 10**node.digits)
        elif node.fill is not None:
            fill = self.code(node, node.fill)
        return [fill if value is None else value for value in self.given(node)]

    # -- trees -------------------------------------------------------------------------------------

    def number(self, tree: e.Expression, row: int) -> Fraction | None:
        """In base units; None where an operand is missing or a denominator is not positive."""
        match tree:
            case e.Number(value, _):
                return value
            case e.Name(name):
                return self.quantity(name, row)
            case e.Negation(operand):
                value = self.number(operand, row)
                return None if value is None else -value
            case e.Arithmetic(operator, left, right):
                a, b = self.number(left, row), self.number(right, row)
                if a is None or b is None:
                    return None
                if operator == "/":
                    return a / b if b > 0 else None
                return a + b if operator == "+" else a - b if operator == "-" else a * b
            case e.Call("if", (test, yes, no)):
                return self.number(yes if self.holds(test, row) else no, row)
            case e.Call("abs", (operand,)):
                value = self.number(operand, row)
                return None if value is None else abs(value)
            case e.Call("full_years", (operand,)):
                day = self.number(operand, row)
                return None if day is None else Fraction(self.full_years(int(day)))
            case e.Call("min" | "max" as function, arguments):
                values = [self.number(argument, row) for argument in arguments]
                known = [value for value in values if value is not None]
                if len(known) < len(values):
                    return None
                return min(known) if function == "min" else max(known)
        raise AssertionError(tree)

    def quantity(self, name: str, row: int) -> Fraction | None:
        if name == "年末":
            return Fraction(self.facts.year * 10000 + 1231)
        value = self.column(name)[row]
        if value is None:
            return None
        assert isinstance(value, int)
        node = self.plan.by_name[name]
        if isinstance(node, p.Numeric):
            return Fraction(value, 10**node.digits) * parse_unit(node.unit).factor
        return Fraction(value)

    def full_years(self, yyyymmdd: int) -> int:
        """Anniversaries of the day up to the year's end."""
        begun = date(yyyymmdd // 10000, yyyymmdd // 100 % 100, yyyymmdd % 100)
        return max(0, self.facts.year - begun.year)

    def holds(self, tree: e.Expression | None, row: int) -> bool:
        """A comparison with a missing value does not hold; no condition always holds."""
        match tree:
            case None:
                return True
            case e.Name(name):
                return bool(self.column(name)[row])
            case e.Comparison(operator, left, right):
                a, b = self.number(left, row), self.number(right, row)
                if a is None or b is None:
                    return False
                return {
                    "==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b,
                }[operator]  # fmt: skip
            case e.Logic("and", operands):
                return all(self.holds(operand, row) for operand in operands)
            case e.Logic("or", operands):
                return any(self.holds(operand, row) for operand in operands)
            case e.Not(operand):
                return not self.holds(operand, row)
            case e.TextTest(name, how, values):
                text = self.column(name)[row]
                return isinstance(text, str) and self.matches(text, how, values)
            case e.Missing(name):
                node = self.plan.by_name.get(name)
                is_input = isinstance(node, p.NumberInput | p.CodeInput)
                return (self.given(node) if is_input else self.column(name))[row] is None
        raise AssertionError(tree)

    def matches(self, text: str, how: str, values: tuple[str, ...]) -> bool:
        if how == "equals":
            return text in values
        if how == "startswith":
            return any(text[: len(value)] == value for value in values)
        (wanted,) = values
        return any(tag == wanted or tag.partition(":")[0] == wanted for tag in text.split("|"))

    # -- who is in ---------------------------------------------------------------------------------

    @cached_property
    def standing_rules(self) -> list[int | None]:
        """The first rule that holds for each row; None: rated."""
        classes = self.column(p.CLASS)
        return [
            next(
                (
                    index
                    for index, rule in enumerate(self.plan.standing.rules)
                    if (rule.only is None or classes[row] in rule.only) and self.holds(rule.tree, row)
                ),
                None,
            )
            for row in self.rows
        ]

    def rated(self, row: int, class_name: str | None) -> bool:
        of_class = self.column(p.CLASS)[row]
        return self.standing_rules[row] is None and (
            of_class is not None if class_name is None else of_class == class_name
        )

    def scored(self, row: int) -> bool:
        """Rated, or by a rule that asks for a score all the same; always of a class."""
        rule = self.standing_rules[row]
        return self.column(p.CLASS)[row] is not None and (
            rule is None or self.plan.standing.rules[rule].scored
        )

    def labels(self, by: tuple[str, ...], row: int) -> Labels:
        return tuple(self.column(name)[row] for name in by)  # type: ignore[misc]

    # -- group figures -----------------------------------------------------------------------------

    def aggregate(self, node: p.Aggregate) -> list[Value]:
        if node.source == "table":
            table = dict(node.table)
            figures = self.each(lambda row: None)
            for row in self.rows:
                label = "/".join(label or "" for label in self.labels(node.by, row))
                figure = table.get(label, table.get("*"))
                if figure is not None:
                    figures[row] = half_away(figure * node.times * 10**node.digits)
            return figures
        if node.source == "previous":
            assert self.previous is not None
            then = Oracle(self.plan, self.previous)
            found = then.group_figures(replace(node, source="current"))
            return self.each(lambda row: found.get(self.labels(node.by, row)))
        found = self.group_figures(node)
        return self.each(lambda row: found[self.labels(node.by, row)])

    def group_figures(self, node: p.Aggregate) -> dict[Labels, int | None]:
        members: dict[Labels, list[int]] = {self.labels(node.by, row): [] for row in self.rows}
        for row in self.rows:
            has_it = node.of is None or self.column(node.of)[row] is not None
            if has_it and self.rated(row, node.only):
                members[self.labels(node.by, row)].append(row)
        everyone = sorted(row for rows in members.values() for row in rows)
        return {
            labels: self.figure(node, everyone if len(rows) < node.small else rows)
            for labels, rows in members.items()
        }

    def figure(self, node: p.Aggregate, rows: list[int]) -> int | None:
        scale = node.times * 10**node.digits
        if node.how == "count":
            return len(rows)
        if node.how == "weighted":
            assert node.weighted is not None
            over, under = node.weighted
            pairs = [(self.number(over, row), self.number(under, row)) for row in rows]
            known = [(a, b) for a, b in pairs if a is not None and b is not None]
            divisor = sum((b for _, b in known), Fraction(0))
            if divisor <= 0:
                return None
            quotient = sum((a for a, _ in known), Fraction(0)) / divisor
            return half_away(quotient / parse_unit(node.unit).factor * scale)
        assert node.of is not None
        digits = self.plan.numeric(node.of).digits
        values = sorted(Fraction(int(self.column(node.of)[row] or 0), 10**digits) for row in rows)
        if node.how == "sum":
            return half_away(sum(values, Fraction(0)) * scale)
        if not values:
            return None
        match node.how:
            case "mean":
                figure = sum(values, Fraction(0)) / len(values)
            case "percentile":
                figure = values[ceil(node.share * len(values)) - 1]
            case "min":
                figure = values[0]
            case "max":
                figure = values[-1]
        return half_away(figure * scale)

    # -- one cell ----------------------------------------------------------------------------------

    def cell(self, node: p.AnyNode, row: int) -> Value:
        match node:
            case p.Formula():
                return self.formula(node, row)
            case p.Condition():
                return self.holds(node.tree, row)
            case p.Grouping():
                return self.group_of(node, self.column(node.source)[row])
            case p.RatioScore():
                return self.ratio_score(node, row)
            case p.RangeScore():
                return self.range_score(node, row)
            case p.RankScore():
                return self.rank_score(node, row)
            case p.BandScore():
                return self.band_score(node, row)
            case p.Fill():
                return self.fill(node, row)
            case p.Subtotal():
                if not self.scored(row):
                    return None
                parts = [self.column(name)[row] for name in node.of]
                return sum(part for part in parts if isinstance(part, int))
            case p.Adjustment():
                return self.adjustment(node, row)
            case p.LimitedSum():
                return self.limited_sum(node, row)
            case p.Total():
                return self.total(node, row)
            case p.Pick():
                return next((v for name in node.of if (v := self.column(name)[row]) is not None), None)
        raise AssertionError(node)

    def value(self, name: str, row: int) -> Fraction | None:
        """A numeric node in its own unit."""
        value = self.column(name)[row]
        return None if value is None else Fraction(int(value), 10 ** self.plan.numeric(name).digits)

    def formula(self, node: p.Formula, row: int) -> Value:
        if node.only is not None and self.column(p.CLASS)[row] != node.only:
            return None
        exact = self.number(node.tree, row)
        if exact is None:
            return None
        value = half_away(exact / parse_unit(node.unit).factor * 10**node.digits)
        if node.must is not None:
            operator, least = node.must
            figure = Fraction(value, 10**node.digits)
            if not (figure > least or (operator == ">=" and figure == least)):
                return None
        return value

    def group_of(self, node: p.Grouping, text: Value) -> str:
        if not isinstance(text, str):
            return node.other
        fitting = [
            (len(start), label) for label, starts in node.table for start in starts if text.startswith(start)
        ]
        return max(fitting)[1] if fitting else node.other

    def kept(self, score: Fraction, floor_: Fraction | None, cap: Fraction | None, digits: int) -> int:
        """Rounded, then kept between the bounds (which are rounded alike)."""
        rounded = half_away(score * 10**digits)
        if cap is not None:
            rounded = min(rounded, half_away(cap * 10**digits))
        if floor_ is not None:
            rounded = max(rounded, half_away(floor_ * 10**digits))
        return rounded

    def ratio_score(self, node: p.RatioScore, row: int) -> Value:
        value = self.value(node.of, row)
        base = self.value(node.base, row) if isinstance(node.base, str) else node.base
        over, under = (base, value) if node.inverse else (value, base)
        if over is None or under is None or under <= 0:
            return None
        return self.kept(node.weight * over / under, node.floor, node.cap, node.digits)

    def range_score(self, node: p.RangeScore, row: int) -> Value:
        value, low, high = (self.value(name, row) for name in (node.of, node.low, node.high))
        if value is None or low is None or high is None:
            return None
        if low == high:
            return half_away(node.equal * 10**node.digits)
        part = (high - value if node.inverse else value - low) / (high - low)
        percent = node.bottom + (100 - node.bottom) * part
        return half_away(node.weight * percent / 100 * 10**node.digits)

    def rank_score(self, node: p.RankScore, row: int) -> Value:
        own = self.column(node.of)[row]
        if own is None or not self.scored(row) or self.column(p.CLASS)[row] != node.only:
            return None
        field = [
            int(value)
            for other in self.rows
            if (value := self.column(node.of)[other]) is not None
            and self.rated(other, node.only)
            and self.labels(node.by, other) == self.labels(node.by, row)
        ]
        if not field:
            return None
        rank = 1 + sum(value < int(own) if node.inverse else value > int(own) for value in field)
        return half_away(node.weight * Fraction(len(field) - rank + 1, len(field)) * 10**node.digits)

    def band_score(self, node: p.BandScore, row: int) -> Value:
        value = self.value(node.of, row)
        if value is None:
            return None
        for limit, points in node.bands:
            if value <= limit if node.inverse else value >= limit:
                return half_away(points * 10**node.digits)
        return 0

    def fill(self, node: p.Fill, row: int) -> Value:
        if not self.scored(row) or self.column(p.CLASS)[row] != node.only:
            return None
        score = self.column(node.of)[row]
        if score is not None:
            return score
        is_zero = self.column(node.value)[row] is not None or (
            node.zero_when is not None and self.holds(node.zero_when, row)
        )
        rule = node.zero if is_zero else node.missing
        if isinstance(rule, Fraction):
            return half_away(rule * 10**node.digits)
        scores = [
            int(value)
            for other in self.rows
            if (value := self.column(node.of)[other]) is not None
            and self.rated(other, node.only)
            and self.labels(node.by, other) == self.labels(node.by, row)
        ]
        return half_away(Fraction(sum(scores), len(scores))) if scores else 0

    def adjustment(self, node: p.Adjustment, row: int) -> Value:
        subtotal = self.value(p.SUBTOTAL, row)
        if subtotal is None:
            return None
        if (node.only and self.column(p.CLASS)[row] not in node.only) or not self.holds(node.when, row):
            return 0
        if node.percent is not None:
            return max(half_away(subtotal * node.percent * 10**node.digits), 0)
        assert node.points is not None
        points = self.number(node.points, row)
        return 0 if points is None else max(half_away(points * 10**node.digits), 0)

    def limited_sum(self, node: p.LimitedSum, row: int) -> Value:
        if self.column(p.SUBTOTAL)[row] is None:
            return None
        points = [int(self.column(name)[row] or 0) for name in node.of]
        match node.take:
            case "合计":
                taken = sum(points)
            case "最高一项":
                taken = max(points)
            case "第一项":
                taken = next((given for given in points if given != 0), 0)
        return taken if node.cap is None else min(taken, half_away(node.cap * 10**node.digits))

    def total(self, node: p.Total, row: int) -> Value:
        total = self.value(p.SUBTOTAL, row)
        if total is None:
            return None
        for name, sign in node.of:
            total += sign * (self.value(name, row) or 0)
        return self.kept(total, node.floor, node.cap, node.digits)

    # -- grades ------------------------------------------------------------------------------------

    @property
    def rankings(self) -> list[p.Ranking]:
        return [self.plan.by_name[name] for name in self.plan.regrading.of]  # type: ignore[misc]

    def first_grades(self, node: p.Ranking) -> list[Value]:
        return [grade for _, grade in self.rank(node)]

    def rank(self, node: p.Ranking) -> list[tuple[int | None, str | None]]:
        """Place and first grade of each row."""
        classes, standings = self.column(p.CLASS), self.column(p.STANDING)

        def takes_part(row: int) -> bool:
            left_out = node.unranked is not None and self.holds(node.unranked, row)
            return classes[row] in node.only and not left_out

        ranked = [row for row in self.rows if takes_part(row) and standings[row] == p.RATED]
        counted = [row for row in self.rows if takes_part(row) and standings[row] in node.counted]

        def by_class_and_labels(row: int) -> Hashable:
            return classes[row], self.labels(node.by, row)

        sizes: dict[Hashable, int] = {}
        for row in ranked:
            group = by_class_and_labels(row)
            sizes[group] = sizes.get(group, 0) + 1

        def is_small(row: int) -> bool:
            return bool(node.by) and sizes.get(by_class_and_labels(row), 0) < node.small

        def competitors(row: int, rows: list[int]) -> list[int]:
            """Those of ``rows`` that a row is placed among, itself included."""
            if is_small(row) and node.small_then == "按全体":
                return [other for other in rows if classes[other] == classes[row]]
            if is_small(row):
                return [other for other in rows if classes[other] == classes[row] and is_small(other)]
            return [other for other in rows if by_class_and_labels(other) == by_class_and_labels(row)]

        found: list[tuple[int | None, str | None]] = [(None, None)] * len(self.rows)
        fields = {row: competitors(row, ranked) for row in ranked}
        places = {row: self.place(node, row, fields[row]) for row in ranked}
        for row in ranked:
            quota_of = len(competitors(row, counted))
            if node.steps:
                grade = self.stepped(node, row, fields[row], places, quota_of)
            else:
                grade = self.bounded(node, row, places[row], len(fields[row]), quota_of)
            found[row] = places[row], grade
        return found

    def standing_order(self, order: tuple[p.Key, ...], row: int) -> tuple[tuple[bool, int], ...]:
        """Sorts before another row's if better: key by key, what is missing last."""
        keys: list[tuple[bool, int]] = []
        for key in order:
            value = row if key.name == CODE else self.column(key.name)[row]
            if value is None:
                keys.append((True, 0))
            else:
                keys.append((False, -int(value) if key.descending else int(value)))
        return tuple(keys)

    def place(self, node: p.Ranking, row: int, field: list[int]) -> int:
        if node.ties == "按排序键":
            ordered = sorted(field, key=lambda other: self.standing_order(node.order, other))
            return ordered.index(row) + 1
        totals = [int(self.column(p.TOTAL)[other] or 0) for other in field]
        own = int(self.column(p.TOTAL)[row] or 0)
        if node.ties == "同分就高":
            return 1 + sum(total > own for total in totals)
        return sum(total >= own for total in totals)

    def bounded(self, node: p.Ranking, row: int, place: int, ranked: int, counted: int) -> str:
        for bound in node.bounds:
            if bound.at_least is not None:
                total = self.value(p.TOTAL, row)
                if total is not None and total >= bound.at_least:
                    return bound.grade
            else:
                assert bound.share is not None
                quota = round_share(bound.share * counted, bound.rounding)
                if place <= (ranked - quota if bound.tail else quota):
                    return bound.grade
        return self.plan.grades[-1]

    def stepped(
        self, node: p.Ranking, row: int, field: list[int], places: dict[int, int], counted: int
    ) -> str:
        taken: set[int] = set()
        for step in node.steps:
            if step.last:
                part = [other for other in field if places[other] > (1 - step.part) * len(field)]
            else:
                part = [other for other in field if places[other] <= step.part * len(field)]
            candidates = [other for other in part if other not in taken]
            candidates.sort(key=lambda other: self.standing_order(step.order, other))
            chosen = candidates[: round_share(step.share * counted, step.rounding)]
            if row in chosen:
                return step.grade
            taken.update(chosen)
        return node.rest

    def regrade(self, node: p.Regrading) -> list[tuple[str | None, tuple[int, ...]]]:
        """The grade of each row, and which moves led to it."""
        first = self.column(p.FIRST_GRADE)
        found: list[tuple[str | None, tuple[int, ...]]] = []
        for row in self.rows:
            if self.standing_rules[row] is not None:
                found.append((None, ()))
                continue
            best, worst = 0, len(self.plan.grades) - 1
            own = first[row]
            grade = None if own is None else self.plan.grades.index(str(own))
            applied: list[int] = []
            for index, move in enumerate(node.moves):
                if move.only and self.column(p.CLASS)[row] not in move.only:
                    continue
                if not self.holds(move.tree, row):
                    continue
                applied.append(index)
                target = self.plan.grades.index(move.grade) if move.grade is not None else None
                if target is not None:
                    if move.how == "at_best" and grade is not None:
                        grade = max(grade, target)
                    elif move.how == "at_worst" and grade is not None:
                        grade = min(grade, target)
                    else:
                        grade = target
                elif grade is not None:
                    grade += move.steps if move.how == "down" else -move.steps
                    grade = min(max(grade, best), worst)
            found.append((None if grade is None else self.plan.grades[grade], tuple(applied)))
        return found
