"""The typed plan: what a policy file says, as a list of named nodes in the order they can be computed.

The plan is the policy's meaning; executors, explanation, what-if and the oracle in the tests all read it.
Numbers in it are exact. A numeric node holds ``value × 10**digits`` in its ``unit``; a missing value is null.
Resolved expression trees are in base units (``Unit.factor`` applied), so that they need no unit arithmetic.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Literal

from muheng.intake.facts import CODE
from muheng.policy.document import PolicyDocument
from muheng.policy.expression import Expression, names_in

CLASS = "类别"
STANDING = "评价状态"
REASON = "状态理由"
SUBTOTAL = "指标得分合计"
TOTAL = "总分"
PLACE = "名次"
FIRST_GRADE = "初评等级"
GRADE = "等级"
REGRADED_BY = "调整依据"
TREATED_AS = "施策等级"
ALONE = "单独评价"

RATED = "参评"
STANDINGS = (RATED, "T", "免评价", "暂缓评价", "不参评", "不定等级")

Rounding = Literal["四舍五入", "进一", "舍去"]


@dataclass(frozen=True, kw_only=True)
class Node:
    """``path`` is where the policy file says it; ``title`` is what people call it."""

    name: str
    title: str
    path: tuple[str | int, ...] = ()
    clause: str | None = None

    def reads(self) -> tuple[str, ...]:
        """Names of the nodes this one is computed from."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Numeric(Node):
    """Holds ``value × 10**digits`` in ``unit``; null is missing."""

    unit: str
    digits: int


@dataclass(frozen=True, kw_only=True)
class NumberInput(Numeric):
    """``fill`` replaces a missing value; ``required``: a missing value refuses the run."""

    range: tuple[Fraction, Fraction]
    fill: Fraction | None = None
    required: bool = False
    basis: str | None = None
    provider: str | None = None


@dataclass(frozen=True, kw_only=True)
class CodeInput(Node):
    """Text, tags, date or level. Dates are the integer yyyymmdd; levels the index in ``levels``."""

    kind: Literal["text", "tags", "date", "level"]
    levels: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    fill: str | None = None
    required: bool = False
    provider: str | None = None


@dataclass(frozen=True, kw_only=True)
class Formula(Numeric):
    """An exact quotient rounded half away from zero to ``digits``; null where an operand is missing,
    a denominator is not positive, ``must`` fails, or the row is of another class."""

    tree: Expression
    only: str | None = None
    must: tuple[str, Fraction] | None = None

    def reads(self) -> tuple[str, ...]:
        return (*names_in(self.tree), *((CLASS,) if self.only else ()))


@dataclass(frozen=True, kw_only=True)
class Condition(Node):
    """True or false, never null: a comparison with a missing value is false."""

    tree: Expression

    def reads(self) -> tuple[str, ...]:
        return tuple(names_in(self.tree))


@dataclass(frozen=True, kw_only=True)
class Grouping(Node):
    """Text → group label by the longest matching prefix, so that 171 can stand apart from 17."""

    source: str
    table: tuple[tuple[str, tuple[str, ...]], ...]
    other: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The groups' names in the order of their codes."""
        return tuple(dict.fromkeys([*(label for label, _ in self.table), self.other]))

    def reads(self) -> tuple[str, ...]:
        return (self.source,)


@dataclass(frozen=True, kw_only=True)
class Classify(Node):
    """The class of each row: the first whose condition holds (null: none)."""

    rules: tuple[tuple[str, Expression | None], ...]

    def reads(self) -> tuple[str, ...]:
        return tuple(name for _, tree in self.rules if tree is not None for name in names_in(tree))


@dataclass(frozen=True)
class StandingRule:
    """One reason not to be rated as the others; ``only`` limits it to rows of these classes."""

    standing: str
    reason: str
    tree: Expression
    only: tuple[str, ...] | None = None
    scored: bool = False
    treated_as: str | None = None
    path: tuple[str | int, ...] = ()
    clause: str | None = None


@dataclass(frozen=True, kw_only=True)
class Standing(Node):
    """参评, or the first rule that holds."""

    rules: tuple[StandingRule, ...]

    def reads(self) -> tuple[str, ...]:
        return (CLASS, *(name for rule in self.rules for name in names_in(rule.tree)))


@dataclass(frozen=True, kw_only=True)
class Aggregate(Numeric):
    """One figure per group over the rated rows of one class, given back to every row of the group.

    mean: Σ/n; weighted: Σnumerator/Σdenominator (trees in base units); percentile: the ⌈p·n⌉-th smallest;
    min, max, sum, count. All times ``times``, rounded to ``digits``. ``source="previous"``: of last year's
    facts; ``source="table"``: published figures by group label. ``only=None``: the rated rows of every class.
    """

    how: Literal["mean", "weighted", "percentile", "min", "max", "sum", "count"]
    of: str | None
    by: tuple[str, ...] = ()
    only: str | None = None
    times: Fraction = Fraction(1)
    share: Fraction = Fraction(0)
    weighted: tuple[Expression, Expression] | None = None
    source: Literal["current", "previous", "table"] = "current"
    table: tuple[tuple[str, Fraction], ...] = ()
    small: int = 0

    def reads(self) -> tuple[str, ...]:
        if self.source == "table":
            return self.by
        weighted = (name for tree in self.weighted or () for name in names_in(tree))
        return (CLASS, STANDING, *((self.of,) if self.of else ()), *self.by, *weighted)


@dataclass(frozen=True, kw_only=True)
class RatioScore(Numeric):
    """weight × value ÷ base (or base ÷ value), kept between floor and cap; null where the value is."""

    of: str
    base: str | Fraction
    weight: Fraction
    inverse: bool
    cap: Fraction | None
    floor: Fraction | None

    def reads(self) -> tuple[str, ...]:
        return (self.of, *((self.base,) if isinstance(self.base, str) else ()))


@dataclass(frozen=True, kw_only=True)
class RangeScore(Numeric):
    """weight × [bottom + (100 − bottom) × (value − low) ÷ (high − low)] ÷ 100; ``equal`` where high = low."""

    of: str
    low: str
    high: str
    weight: Fraction
    bottom: Fraction
    inverse: bool
    equal: Fraction

    def reads(self) -> tuple[str, ...]:
        return (self.of, self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class RankScore(Numeric):
    """weight × (n − rank + 1) ÷ n among the rated rows of the group; equal values share the better rank."""

    of: str
    by: tuple[str, ...]
    only: str
    weight: Fraction
    inverse: bool

    def reads(self) -> tuple[str, ...]:
        return (CLASS, STANDING, self.of, *self.by)


@dataclass(frozen=True, kw_only=True)
class BandScore(Numeric):
    """Points of the first band whose lower bound the value reaches (upper bound for inverse), else 0."""

    of: str
    bands: tuple[tuple[Fraction, Fraction], ...]
    inverse: bool

    def reads(self) -> tuple[str, ...]:
        return (self.of,)


@dataclass(frozen=True, kw_only=True)
class Fill(Numeric):
    """The score of an indicator for every scored row of its class: what is missing is filled by rule.

    ``missing`` and ``zero``: a figure, or "mean" (mean score of the rated rows that have one, by ``by``).
    ``zero`` is for rows whose denominator (``zero_when``) or base is not positive.
    """

    of: str
    value: str
    only: str
    weight: Fraction
    missing: Fraction | Literal["mean"]
    zero: Fraction | Literal["mean"]
    zero_when: Expression | None
    by: tuple[str, ...] = ()

    def reads(self) -> tuple[str, ...]:
        zero_when = names_in(self.zero_when) if self.zero_when else []
        return (CLASS, STANDING, self.of, self.value, *self.by, *zero_when)


@dataclass(frozen=True, kw_only=True)
class Subtotal(Numeric):
    """Σ of the filled scores of the row's class; null for rows that are not scored."""

    of: tuple[str, ...]

    def reads(self) -> tuple[str, ...]:
        return (CLASS, STANDING, *self.of)


@dataclass(frozen=True, kw_only=True)
class Adjustment(Numeric):
    """Points of one bonus or deduction, neither ever below 0: a deduction cannot turn into a bonus. 0 where it
    does not apply, null where not scored."""

    when: Expression | None
    only: tuple[str, ...]
    points: Expression | None
    percent: Fraction | None
    sign: Literal[1, -1]

    def reads(self) -> tuple[str, ...]:
        trees = [tree for tree in (self.when, self.points) if tree is not None]
        return (CLASS, SUBTOTAL, *(name for tree in trees for name in names_in(tree)))


@dataclass(frozen=True, kw_only=True)
class LimitedSum(Numeric):
    """Points of one limit group: all, the highest or the first that is not 0, at most ``cap``."""

    of: tuple[str, ...]
    take: Literal["合计", "最高一项", "第一项"]
    cap: Fraction | None
    sign: Literal[1, -1]

    def reads(self) -> tuple[str, ...]:
        return self.of


@dataclass(frozen=True, kw_only=True)
class Total(Numeric):
    """Subtotal plus and minus the limited sums, rounded, then kept between floor and cap."""

    of: tuple[tuple[str, int], ...]
    cap: Fraction | None
    floor: Fraction | None

    def reads(self) -> tuple[str, ...]:
        return (SUBTOTAL, *(name for name, _ in self.of))


@dataclass(frozen=True)
class Key:
    """One sorting key: a numeric node, or the credit code."""

    name: str
    descending: bool


@dataclass(frozen=True)
class Bound:
    """Where one grade ends. ``share`` of the counted rows, or a total that must be reached.

    ``tail``: the share is that of the last grade, counted from the bottom.
    """

    grade: str
    share: Fraction | None
    rounding: Rounding
    tail: bool
    at_least: Fraction | None


@dataclass(frozen=True)
class PlanStep:
    """Two-step grading: of the first or last ``part`` of the ranked rows, re-ordered, the first ``share`` of
    the counted rows get ``grade``."""

    last: bool
    part: Fraction
    order: tuple[Key, ...]
    share: Fraction
    rounding: Rounding
    grade: str


@dataclass(frozen=True, kw_only=True)
class Ranking(Node):
    """Places within each group of the classes in ``only``, and the first grade that each place gets.

    Rows whose ``unranked`` tree holds take no place and are not counted.
    """

    only: tuple[str, ...]
    by: tuple[str, ...]
    order: tuple[Key, ...]
    ties: Literal["按排序键", "同分就高", "同分就低"]
    bounds: tuple[Bound, ...]
    steps: tuple[PlanStep, ...]
    rest: str
    counted: tuple[str, ...]
    unranked: Expression | None
    small: int = 0
    small_then: Literal["合并小组", "按全体"] = "合并小组"

    def reads(self) -> tuple[str, ...]:
        keys = [key.name for key in self.order if key.name != CODE]
        keys += [key.name for step in self.steps for key in step.order if key.name != CODE]
        unranked = names_in(self.unranked) if self.unranked is not None else []
        return (CLASS, STANDING, TOTAL, *keys, *self.by, *unranked)


@dataclass(frozen=True)
class Move:
    """``how``: set (定为), up (提), down (降), at_best (最高), at_worst (最低)."""

    title: str
    tree: Expression
    how: Literal["set", "up", "down", "at_best", "at_worst"]
    grade: str | None
    steps: int
    only: tuple[str, ...]
    veto: bool
    path: tuple[str | int, ...] = ()
    clause: str | None = None


@dataclass(frozen=True, kw_only=True)
class Regrading(Node):
    """The first grade after direct grades, lifts and drops in their order, vetoes last."""

    of: tuple[str, ...]
    moves: tuple[Move, ...]

    def reads(self) -> tuple[str, ...]:
        return (CLASS, STANDING, *self.of, *(name for move in self.moves for name in names_in(move.tree)))


@dataclass(frozen=True, kw_only=True)
class Pick(Numeric):
    """One column from the class-specific nodes of the same indicator."""

    of: tuple[str, ...]

    def reads(self) -> tuple[str, ...]:
        return self.of


AnyNode = (
    NumberInput
    | CodeInput
    | Formula
    | Condition
    | Grouping
    | Classify
    | Standing
    | Aggregate
    | RatioScore
    | RangeScore
    | RankScore
    | BandScore
    | Fill
    | Subtotal
    | Adjustment
    | LimitedSum
    | Total
    | Ranking
    | Regrading
    | Pick
)


@dataclass(frozen=True)
class IndicatorPlan:
    """The nodes that belong to one indicator of one class, for whoever shows it."""

    name: str
    class_name: str
    value: str
    score: str
    filled: str
    base: str | Fraction | None
    weight: Fraction
    path: tuple[str | int, ...]
    clause: str | None
    formula: str


@dataclass(frozen=True)
class Plan:
    """``nodes`` in computable order. ``grades`` best first. ``document`` is what it was compiled from."""

    document: PolicyDocument
    text: str
    nodes: tuple[AnyNode, ...]
    classes: tuple[str, ...]
    grades: tuple[str, ...]
    indicators: tuple[IndicatorPlan, ...]

    @cached_property
    def by_name(self) -> dict[str, AnyNode]:
        return {node.name: node for node in self.nodes}

    def numeric(self, name: str) -> Numeric:
        node = self.by_name[name]
        assert isinstance(node, Numeric), name
        return node

    @cached_property
    def standing(self) -> Standing:
        return next(node for node in self.nodes if isinstance(node, Standing))

    @cached_property
    def regrading(self) -> Regrading:
        return next(node for node in self.nodes if isinstance(node, Regrading))

    @cached_property
    def rankings(self) -> tuple[Ranking, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Ranking))

    @cached_property
    def meaning(self) -> str:
        """Hash of what changes results: wording, clauses and positions in the file left out."""
        digest = hashlib.sha256()
        for node in self.nodes:
            digest.update(repr(_without_wording(node)).encode())
        return digest.hexdigest()

    @cached_property
    def wording(self) -> str:
        """Hash of the file's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def _without_wording(value: AnyNode) -> AnyNode:
    plain = replace(value, path=(), clause=None)
    if isinstance(plain, Standing):
        return replace(plain, rules=tuple(replace(rule, path=(), clause=None) for rule in plain.rules))
    if isinstance(plain, Regrading):
        return replace(plain, moves=tuple(replace(move, path=(), clause=None) for move in plain.moves))
    return plain
