"""What the parts of the compiler share: the document, the nodes and meanings made so far, and the diagnostics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Literal, TypeVar

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, say
from muheng.documents.spelling import nearest
from muheng.documents.toml_file import KeyPath, TomlFile
from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.document import PolicyDocument
from muheng.policy.expression import (
    Call,
    Expression,
    ExpressionError,
    names_in,
    parse_expression,
)
from muheng.policy.resolve import BrokenError, Meaning, MeaningError, Resolved, Resolver
from muheng.standards.units import Unit, UnknownUnit, parse_unit

T = TypeVar("T")

SCORE_ZERO, SCORE_MEAN, SCORE_FULL = "得零分", "同组平均得分", "满分"
LEFT_MISSING = "视为缺"
REFUSE = "报错"
_STANDING = re.compile(r"^(不参评|暂缓评价|免评价|T)[：:](.+)$")

SYSTEM_NAMES = {
    p.CLASS,
    p.STANDING,
    p.REASON,
    p.SUBTOTAL,
    p.TOTAL,
    p.PLACE,
    p.FIRST_GRADE,
    p.GRADE,
    p.REGRADED_BY,
    p.TREATED_AS,
    p.ALONE,
}


class Workspace:
    """Collects nodes and diagnostics while the document is walked once, top to bottom."""

    def __init__(
        self,
        file: TomlFile,
        document: PolicyDocument,
        trial: bool,
        aggregate: Callable[[Workspace, Call], Resolved],
    ) -> None:
        self.trial = trial
        self.file = file
        self.document = document
        self.found: list[Diagnostic] = []
        self.nodes: dict[str, p.AnyNode] = {}
        self.meanings: dict[str, Meaning] = {}
        self.indicators: list[p.IndicatorPlan] = []
        # How a value can be missing: the rules of the inputs behind it.
        self.missing_rules: dict[str, frozenset[str]] = {}
        self.standing_rules: list[p.StandingRule] = []
        self.value_rules: list[p.StandingRule] = []
        self.class_uses: dict[str, set[str]] = {}
        # Declared names that could not be understood: reported once, not again wherever they are used.
        self.broken: set[str] = set()
        self.resolver = Resolver(
            self.meanings, partial(aggregate, self), self.broken, _indicator_names(document)
        )
        self.grades = tuple(document.grade)

    def error(self, path: KeyPath, what: Message, fix: Message | None = None) -> None:
        self.report("error", path, what, fix)

    def report(
        self, severity: Literal["error", "warning"], path: KeyPath, what: Message, fix: Message | None
    ) -> None:
        place = self.file.error if severity == "error" else self.file.warning
        self.found.append(place(path, what, fix))

    def attempt(self, path: KeyPath, act: Callable[[], T]) -> T | None:
        """What ``act`` makes, or None and a diagnostic at ``path``."""
        try:
            return act()
        except BrokenError:
            pass
        except MeaningError as error:
            self.error(path, error.what, error.fix)
        except ExpressionError as error:
            self.error(path, error.what, say("公式可用名称、数值、四则运算、比较、且、或、非和所列函数。"))
        except UnknownUnit as error:
            self.error(path, error.what, error.fix or say("改为通用单位，如 万元、亩、tce、万kWh、人。"))
        return None

    def number(self, path: KeyPath, value: object) -> Fraction | None:
        """A figure of the file: 30, 24.097 or "5%"."""
        found = as_fraction(value)
        if found is None:
            self.error(
                path, say("“{value}”不是数。", value=value), say('写数值，或引号中的百分比，如 "5%"。')
            )
        return found

    def amount(self, path: KeyPath, value: object) -> Fraction | None:
        """Points: a figure that is no percentage."""
        if is_percentage(value):
            self.error(path, say("这里写分数，不写百分比（{value}）。", value=value), say("写数值，如 12。"))
            return None
        return self.number(path, value)

    def figure(self, path: KeyPath, value: object, unit: Unit) -> Fraction | None:
        """A figure in ``unit``: a bare number, or a percentage where the unit has no dimension."""
        found = self.number(path, value)
        if found is None or not is_percentage(value):
            return found
        if unit.dimensions:
            self.error(
                path,
                say("“{value}”是百分比，这里的单位是{unit}。", value=value, unit=unit.symbol),
                say("写数值。"),
            )
            return None
        return found / unit.factor

    def amount_or_none(self, path: KeyPath, value: object, weight: Fraction | None = None) -> Fraction | None:
        """ "不设" (or nothing, reported elsewhere) → None; "1.2倍权重" (of an indicator); or points."""
        if value is None or value == "不设":
            return None
        if weight is not None and isinstance(value, str):
            match = re.fullmatch(r"(\d+(?:\.\d+)?)倍权重", value.strip())
            if match:
                return Fraction(match.group(1)) * weight
        return self.amount(path, value)

    def has_errors(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self.found)

    def declare(self, name: str, path: KeyPath, meaning: Meaning) -> bool:
        if name in SYSTEM_NAMES or name in (CODE, "企业名称", "年末"):
            self.error(path, say("“{name}”是系统用名，不能另作定义。", name=name), say("换一个名称。"))
            return False
        if not name.strip() or name != name.strip() or set(name) & set(".~@`"):
            self.error(path, say("“{name}”不能作名称。", name=name), say("名称不含空格、. ~ @ 和反引号。"))
            return False
        if name in self.meanings:
            self.error(path, say("“{name}”定义了两次。", name=name), say("删去一处，或换一个名称。"))
            return False
        self.meanings[name] = meaning
        return True

    def suggest(self, name: str) -> Message | None:
        close = nearest(name, self.meanings)
        return say("是否指“{name}”？", name=close) if close else None

    def quantity(self, text: str, unit: Unit) -> Expression:
        return self.resolver.number(parse_expression(text), unit)

    def points(self, text: str) -> Expression:
        """A quantity of points; a bare count such as 5 × 户数 is read as points."""
        tree = parse_expression(text)
        found = self.resolver.resolve(tree)
        if found.kind == "number" and found.unit is not None:
            counts = {dimension for dimension, _ in found.unit.dimensions} <= {
                "households",
                "people",
                "items",
            }
            if counts:
                return found.tree
        return self.resolver.number(tree, parse_unit("分"))

    def condition(self, path: KeyPath, text: str) -> Expression | None:
        return self.attempt(path, lambda: self.resolver.condition(parse_expression(text)))

    def causes_behind(self, tree: Expression) -> frozenset[str]:
        return frozenset().union(*(self.missing_rules.get(name, frozenset()) for name in names_in(tree)))

    def check_groups(self, names: Iterable[str], path: KeyPath) -> None:
        for name in names:
            if name in self.broken:
                continue
            known = self.meanings.get(name)
            # The first grade comes out of the groups; they cannot come out of it.
            if known is None or known.kind != "text" or name == p.FIRST_GRADE:
                self.error(path, say("“{name}”不是可以用来分组的文本项。", name=name), self.suggest(name))

    def check_classes(self, names: Iterable[str], path: KeyPath) -> None:
        for name in names:
            if name not in self.document.classes:
                self.error(path, say("没有类别“{name}”。", name=name))


def _indicator_names(document: PolicyDocument) -> frozenset[str]:
    return frozenset(
        indicator.name for declared in document.classes.values() for indicator in declared.indicator
    )


def read_standing(rule: object) -> tuple[str, str] | None:
    """Standing and reason of a rule such as 不参评：无有效用地; None for any other rule."""
    match = _STANDING.match(rule) if isinstance(rule, str) else None
    return None if match is None else (match.group(1), match.group(2).strip())


def is_percentage(value: object) -> bool:
    """Whether the author wrote "5%" and not a plain figure."""
    return isinstance(value, str) and value.strip().endswith("%")


def as_fraction(value: object) -> Fraction | None:
    """30, Decimal("24.097"), "5%" or "12.5" as an exact fraction; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return Fraction(value)
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*(%?)\s*", value)
        if match:
            return Fraction(match.group(1)) / (100 if match.group(2) else 1)
    return None
