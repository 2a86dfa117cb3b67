"""A policy file becomes a plan, or a list of everything that is wrong with it; never an exception.

Shapes are checked by ``document``, expressions by ``resolve``; here the parts are put together: which names
exist, what depends on what, and what every choice that the author must make means for the plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal, TypeVar

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, say
from muheng.documents.schema import validate
from muheng.documents.spelling import nearest
from muheng.documents.toml_file import TomlFile, read_toml
from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.document import (
    Adjustment,
    Base,
    Boundaries,
    Definition,
    Indicator,
    Input,
    Merge,
    PolicyDocument,
    Regrade,
    Veto,
)
from muheng.policy.expression import (
    Arithmetic,
    Call,
    Comparison,
    Expression,
    ExpressionError,
    Logic,
    Missing,
    Name,
    Negation,
    Not,
    Number,
    TextTest,
    denominators,
    names_in,
    parse_expression,
)
from muheng.policy.lint import lint
from muheng.policy.resolve import BrokenError, Kind, Meaning, MeaningError, Resolved, Resolver
from muheng.standards.units import Unit, UnknownUnit, default_digits, default_range, parse_unit

KeyPath = tuple[str | int, ...]
T = TypeVar("T")

SCORE_ZERO, SCORE_MEAN, SCORE_FULL = "得零分", "同组平均得分", "满分"
LEFT_MISSING = "视为缺"
REFUSE = "报错"
_STANDING_PREFIX = re.compile(r"^(不参评|暂缓评价|免评价|T)[：:](.+)$")
_MUST = re.compile(r"^\s*(>=|>|≥)\s*(\d+(?:\.\d+)?)\s*$")
_KEY = re.compile(r"^(.+?)\s+(升|降)$")
_THRESHOLD = re.compile(r"^\s*(?:>=|≥)\s*(-?\d+(?:\.\d+)?)\s*分?\s*$")
_MOVE = re.compile(r"^(?:(定为)\s*(\S+)|(提|降)\s*(\d+)\s*档|(最高|最低)\s*(\S+))$")

_HOW: dict[str, Literal["set", "up", "down", "at_best", "at_worst"]] = {
    "定为": "set",
    "提": "up",
    "降": "down",
    "最高": "at_best",
    "最低": "at_worst",
}

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


@dataclass(frozen=True)
class Compiled:
    """``plan`` is there exactly when no diagnostic is an error."""

    plan: p.Plan | None
    diagnostics: tuple[Diagnostic, ...]


def compile_policy(source: Path | str, name: str | None = None) -> Compiled:
    """Compile a policy file (a path) or its text."""
    file, diagnostics = read_toml(source, name)
    if file is None:
        return Compiled(None, tuple(diagnostics))
    return compile_file(file)


def compile_file(file: TomlFile, trial: bool = False) -> Compiled:
    """Compile a policy file already read. In a ``trial`` (what-if, comparison) what ``lint`` finds is a warning:
    while one weight moves, the weights do not add up."""
    document, diagnostics = validate(file, PolicyDocument)
    if document is None:
        return Compiled(None, tuple(diagnostics))
    return _Compiler(file, document, trial).compile()


class _Compiler:
    """Collects nodes and diagnostics while it walks the document once, top to bottom."""

    def __init__(self, file: TomlFile, document: PolicyDocument, trial: bool) -> None:
        self.trial = trial
        self.file = file
        self.document = document
        self.found: list[Diagnostic] = []
        self.nodes: dict[str, p.AnyNode] = {}
        self.meanings: dict[str, Meaning] = {}
        self.indicators: list[p.IndicatorPlan] = []
        # How a value can be missing: the rules of the inputs behind it.
        self.causes: dict[str, frozenset[str]] = {}
        self.standing_rules: list[p.StandingRule] = []
        self.value_rules: list[p.StandingRule] = []
        self.class_uses: dict[str, set[str]] = {}
        # Declared names that could not be understood: reported once, not again wherever they are used.
        self.broken: set[str] = set()
        self.resolver = Resolver(self.meanings, self._aggregate, self.broken, _indicator_names(document))
        self.grades = tuple(document.grade)

    # -- diagnostics -------------------------------------------------------------------------------

    def error(self, path: KeyPath, what: Message, fix: Message | None = None) -> None:
        self._report("error", path, what, fix)

    def _report(
        self, severity: Literal["error", "warning"], path: KeyPath, what: Message, fix: Message | None
    ) -> None:
        line = self.file.line_of(path)
        self.found.append(Diagnostic(severity, self.file.name, line, self._show(path), what, fix))

    def _show(self, path: KeyPath) -> str:
        """class.规上.indicator[亩均税收].weight: list positions shown by the name that stands there."""
        shown = ""
        value: object = self.file.data
        for key in path:
            value = value[key] if isinstance(value, list | dict) and _holds(value, key) else None  # type: ignore[index]
            if isinstance(key, int):
                label = value.get("name") if isinstance(value, dict) else None
                shown += f"[{label or key + 1}]"
            else:
                shown += f".{key}" if shown else key
        return shown

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
        if isinstance(value, str) and value.strip().endswith("%"):
            self.error(path, say("这里写分数，不写百分比（{value}）。", value=value), say("写数值，如 12。"))
            return None
        return self.number(path, value)

    def figure(self, path: KeyPath, value: object, unit: Unit) -> Fraction | None:
        """A figure in ``unit``: a bare number, or a percentage where the unit has no dimension."""
        found = self.number(path, value)
        if found is None or not (isinstance(value, str) and value.strip().endswith("%")):
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

    # -- the walk ----------------------------------------------------------------------------------

    def compile(self) -> Compiled:
        document = self.document
        if (
            document.policy.valid.until is not None
            and document.policy.valid.until <= document.policy.valid.start
        ):
            self.error(
                ("policy", "valid"), say("适用期间的终止日期应晚于起始日期。"), say("until 是不含的那一天。")
            )
        self.meanings["年末"] = Meaning("date")
        for name, declared in document.input.items():
            self._input(name, declared)
            if name not in self.meanings and name not in SYSTEM_NAMES:
                self.broken.add(name)
        for name in self._definition_order():
            self._define(name, document.define[name])
            if name not in self.meanings and name not in SYSTEM_NAMES:
                self.broken.add(name)
        self._merge()
        self._classes()
        self._exemptions()
        for class_name in document.classes:
            self._indicators(class_name)
        self._pick_indicators()
        self._standing()
        self._totals()
        self._grades()
        self._regrading_and_ranking()
        if not self._has_errors():
            self._unused()
        for finding in lint(document):
            self._report(
                "warning" if self.trial else finding.severity, finding.path, finding.what, finding.fix
            )
        ordered = self._in_order()
        self.found.sort(key=lambda item: (item.line or 0, item.severity))
        if ordered is None or self._has_errors():
            return Compiled(None, tuple(self.found))
        made = p.Plan(
            document=document,
            text=self.file.text,
            nodes=ordered,
            classes=tuple(document.classes),
            grades=self.grades,
            indicators=tuple(self.indicators),
        )
        return Compiled(made, tuple(self.found))

    def _has_errors(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self.found)

    def _definition_order(self) -> list[str]:
        """Definitions so that each comes after those it reads, whatever their order in the file."""
        define = self.document.define
        reads = {name: [read for read in _names_read(define[name]) if read in define] for name in define}
        while True:
            try:
                return list(TopologicalSorter(reads).static_order())
            except CycleError as error:
                cycle: list[str] = error.args[1]
                self.error(
                    ("define", cycle[-1]),
                    say("循环引用：{cycle}。", cycle=" → ".join(reversed(cycle))),
                    say("去掉其中一个引用。"),
                )
                self.broken.update(cycle)
                reads = {
                    name: [read for read in names if read not in cycle]
                    for name, names in reads.items()
                    if name not in cycle
                }

    def _unused(self) -> None:
        read = {name for node in self.nodes.values() for name in node.reads()}
        for section, declared in (("input", self.document.input), ("define", self.document.define)):
            for name in declared:
                if name not in read and not (
                    self.document.merge and name in _merge_reads(self.document.merge)
                ):
                    self._report(
                        "warning",
                        (section, name),
                        say("“{name}”没有用到。", name=name),
                        say("删去，或检查公式是否漏写。"),
                    )

    def _in_order(self) -> tuple[p.AnyNode, ...] | None:
        graph = {
            name: [read for read in node.reads() if read in self.nodes] for name, node in self.nodes.items()
        }
        try:
            return tuple(self.nodes[name] for name in TopologicalSorter(graph).static_order())
        except CycleError as error:
            cycle = error.args[1]
            paths = [self.nodes[name].path for name in cycle if self.nodes[name].path]
            self.error(
                paths[0] if paths else ("define",),
                say("循环引用：{cycle}。", cycle=" → ".join(reversed(cycle))),
                say("去掉其中一个引用。"),
            )
            return None

    def _declare(self, name: str, path: KeyPath, meaning: Meaning) -> bool:
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

    # -- inputs ------------------------------------------------------------------------------------

    def _input(self, name: str, declared: Input) -> None:
        path: KeyPath = ("input", name)
        if declared.type == "数值":
            self._number_input(name, declared, path)
            return
        kind: Kind = {"文本": "text", "标签": "tags", "日期": "date", "等级": "level"}[declared.type]  # type: ignore[assignment]
        if kind == "level" and not declared.levels:
            self.error(path, say("等级没有写取值。"), say('加上 levels = ["无", "一般", …]，由轻到重。'))
            return
        for key in ("unit", "digits", "range", "basis"):
            if getattr(declared, key) is not None:
                self.error(
                    (*path, key),
                    say("{type}不用写 {key}。", type=declared.type, key=key),
                    say("删去这一项。"),
                )
        meaning = Meaning(kind, None, declared.levels or (), declared.values or ())
        if not self._declare(name, path, meaning):
            return
        missing = declared.missing
        fill: str | None = None
        if not isinstance(missing, str):
            self.error((*path, "missing"), say("{type}的 missing 应为文字。", type=declared.type))
        elif missing in (SCORE_ZERO, SCORE_MEAN):
            self.error((*path, "missing"), say("“{rule}”只用于数值。", rule=missing))
        elif missing not in (REFUSE, LEFT_MISSING) and not self._missing_standing(missing):
            fill = missing
            options = declared.levels if kind == "level" else declared.values
            if options and fill not in options:
                self.error(
                    (*path, "missing"),
                    say("替代值“{value}”不在取值中。", value=fill),
                    say("可用：{values}。", values="、".join(options)),
                )
            if kind == "date":
                self.error(
                    (*path, "missing"),
                    say("日期缺失时没有替代值。"),
                    say("写“视为缺”“报错”或“不参评：理由”。"),
                )
        self.nodes[name] = p.CodeInput(
            name=name,
            title=name,
            path=path,
            clause=declared.clause,
            kind=kind,  # type: ignore[arg-type]
            levels=declared.levels or (),
            values=declared.values or (),
            fill=fill,
            required=missing == REFUSE,
            provider=declared.provider,
        )

    def _number_input(self, name: str, declared: Input, path: KeyPath) -> None:
        if declared.unit is None:
            self.error(path, say("数值没有写单位。"), say('加上 unit，如 unit = "万元"。'))
            return
        unit = self.attempt((*path, "unit"), lambda: parse_unit(declared.unit or ""))
        if unit is None:
            return
        for key in ("levels", "values"):
            if getattr(declared, key) is not None:
                self.error(
                    (*path, key),
                    say("{type}不用写 {key}。", type=declared.type, key=key),
                    say("删去这一项。"),
                )
        if ("coal", 1) in unit.dimensions and declared.basis is None:
            self.error(
                path,
                say("综合能耗没有写口径。"),
                say('加上 basis = "等价值" 或 "当量值"；两种口径相差约一倍半，不能默认。'),
            )
        if not self._declare(name, path, Meaning("number", unit)):
            return
        low, high = declared.range or default_range(unit)
        if low >= high:
            self.error((*path, "range"), say("合理范围的下限应小于上限。"))
        fill, causes = self._missing_number(name, declared, path)
        self.causes[name] = causes
        self.nodes[name] = p.NumberInput(
            name=name,
            title=name,
            path=path,
            clause=declared.clause,
            unit=declared.unit,
            digits=default_digits(unit) if declared.digits is None else declared.digits,
            range=(Fraction(low), Fraction(high)),
            fill=fill,
            required=declared.missing == REFUSE,
            basis=declared.basis,
            provider=declared.provider,
        )

    def _missing_number(
        self, name: str, declared: Input, path: KeyPath
    ) -> tuple[Fraction | None, frozenset[str]]:
        missing = declared.missing
        if not isinstance(missing, str):
            return Fraction(missing), frozenset()
        if missing in (SCORE_ZERO, SCORE_MEAN, LEFT_MISSING):
            return None, frozenset({missing})
        if missing == REFUSE or self._missing_standing(missing):
            return None, frozenset()
        self.error(
            (*path, "missing"),
            say("不认识的缺失处理“{rule}”。", rule=missing),
            say("写一个数、“得零分”“同组平均得分”“视为缺”“报错”，或“不参评：理由”。"),
        )
        return None, frozenset()

    def _missing_standing(self, rule: object) -> bool:
        """Whether the rule is 不参评：理由 and the like; ``_standing`` makes it a rule later."""
        return isinstance(rule, str) and _STANDING_PREFIX.match(rule) is not None

    # -- definitions -------------------------------------------------------------------------------

    def _define(self, name: str, definition: Definition) -> None:
        path: KeyPath = ("define", name)
        ways = [key for key in ("formula", "when", "group") if getattr(definition, key) is not None]
        if len(ways) != 1:
            self.error(
                path,
                say("formula、when、group 应写且只写一个。"),
                say("数值写 formula，条件写 when，分组写 group。"),
            )
            return
        if ways[0] != "formula":
            for key in ("unit", "digits", "must", "otherwise"):
                if getattr(definition, key) is not None:
                    shown = "else" if key == "otherwise" else key
                    self.error(
                        (*path, shown), say("{key} 只和 formula 一起用。", key=shown), say("删去这一项。")
                    )
        if ways[0] == "when":
            tree = self.condition((*path, "when"), definition.when or "")
            if tree is not None and self._declare(name, path, Meaning("condition")):
                self.nodes[name] = p.Condition(
                    name=name, title=name, path=path, clause=definition.clause, tree=tree
                )
        elif ways[0] == "group":
            self._grouping(name, definition, path)
        else:
            self._formula(name, definition, path)

    def _grouping(self, name: str, definition: Definition, path: KeyPath) -> None:
        source = definition.group or ""
        if source in self.broken:
            return
        if source not in self.meanings or self.meanings[source].kind != "text":
            self.error(
                (*path, "group"), say("“{name}”不是已声明的文本项。", name=source), self._suggest(source)
            )
            return
        if not definition.table or definition.other is None:
            self.error(path, say("分组要写 table 和 other。"), say("other 说明不在表中的归入哪一组。"))
            return
        seen: dict[str, str] = {}
        for label, prefixes in definition.table.items():
            for prefix in prefixes:
                if prefix in seen:
                    self.error(
                        (*path, "table", label),
                        say("“{prefix}”同时属于“{a}”和“{b}”。", prefix=prefix, a=seen[prefix], b=label),
                    )
                seen[prefix] = label
        values = tuple(dict.fromkeys([*definition.table, definition.other]))
        if self._declare(name, path, Meaning("text", values=values)):
            self.nodes[name] = p.Grouping(
                name=name,
                title=name,
                path=path,
                clause=definition.clause,
                source=source,
                table=tuple(definition.table.items()),
                other=definition.other,
            )

    def _suggest(self, name: str) -> Message | None:
        close = nearest(name, self.meanings)
        return say("是否指“{name}”？", name=close) if close else None

    def _formula(self, name: str, definition: Definition, path: KeyPath) -> None:
        if definition.unit is None:
            self.error(path, say("没有写单位。"), say('加上 unit；没有单位的比值写 unit = "1" 或 "%"。'))
            return
        unit = self.attempt((*path, "unit"), lambda: parse_unit(definition.unit or ""))
        tree = (
            self.attempt((*path, "formula"), lambda: self._quantity(definition.formula or "", unit))
            if unit
            else None
        )
        if unit is None or tree is None:
            return
        must: tuple[str, Fraction] | None = None
        if definition.must is not None:
            match = _MUST.match(definition.must)
            if match is None:
                self.error((*path, "must"), say("must 写作“> 0”或“>= 0.1”。"))
            else:
                must = (match.group(1).replace("≥", ">="), Fraction(match.group(2)))
        if (definition.must is None) != (definition.otherwise is None):
            self.error(
                path, say("must 和 else 应同时写。"), say("else 说明不满足时怎么办，如“不参评：无有效用地”。")
            )
        if not self._declare(name, path, Meaning("number", unit)):
            return
        causes = self._causes(tree)
        if definition.otherwise == SCORE_ZERO:
            causes |= {SCORE_ZERO}
        elif definition.otherwise is not None and _STANDING_PREFIX.match(definition.otherwise) is None:
            self.error((*path, "else"), say("else 应为“不参评：理由”“暂缓评价：理由”或“得零分”。"))
        if any(not self._is_positive(divisor) for divisor in denominators(tree)):
            causes |= {LEFT_MISSING}
        self.causes[name] = causes
        digits = default_digits(unit) if definition.digits is None else definition.digits
        if must is not None:
            # What ``must`` is asked of is the rounded value, also where it fails.
            whole = raw_name(name)
            self.nodes[whole] = p.Formula(
                name=whole, title=name, path=path, unit=definition.unit, digits=digits, tree=tree
            )
            tree = Name(whole)
        self.nodes[name] = p.Formula(
            name=name,
            title=name,
            path=path,
            clause=definition.clause,
            unit=definition.unit,
            digits=digits,
            tree=tree,
            must=must,
        )

    def _quantity(self, text: str, unit: Unit) -> Expression:
        return self.resolver.number(parse_expression(text), unit)

    def _points(self, text: str) -> Expression:
        """A quantity of points; a bare count such as 5 × 户数 is read as points."""
        found = self.resolver.resolve(parse_expression(text))
        if found.kind == "number" and found.unit is not None:
            counts = {dimension for dimension, _ in found.unit.dimensions} <= {
                "households",
                "people",
                "items",
            }
            if counts:
                return found.tree
        return self.resolver.number(parse_expression(text), parse_unit("分"))

    def condition(self, path: KeyPath, text: str) -> Expression | None:
        return self.attempt(path, lambda: self.resolver.condition(parse_expression(text)))

    def _causes(self, tree: Expression) -> frozenset[str]:
        return frozenset().union(*(self.causes.get(name, frozenset()) for name in names_in(tree)))

    def _is_positive(self, tree: Expression) -> bool:
        """Whether the tree is provably above zero wherever it is not missing."""
        if isinstance(tree, Number):
            return tree.value > 0
        if isinstance(tree, Arithmetic) and tree.operator in "*/":
            return self._is_positive(tree.left) and self._is_positive(tree.right)
        if isinstance(tree, Arithmetic) and tree.operator == "+":
            sides = (tree.left, tree.right)
            return all(map(self._is_not_negative, sides)) and any(map(self._is_positive, sides))
        if isinstance(tree, Call) and tree.function == "max":
            return any(map(self._is_positive, tree.arguments))
        if isinstance(tree, Name):
            node = self.nodes.get(tree.name)
            if isinstance(node, p.NumberInput):
                return node.range[0] > 0 and (node.fill is None or node.fill > 0)
            return isinstance(node, p.Formula) and node.must is not None
        return False

    def _is_not_negative(self, tree: Expression) -> bool:
        if isinstance(tree, Number):
            return tree.value >= 0
        if isinstance(tree, Name):
            node = self.nodes.get(tree.name)
            if isinstance(node, p.NumberInput):
                return node.range[0] >= 0 and (node.fill is None or node.fill >= 0)
            return isinstance(node, p.Formula) and node.must is not None
        if isinstance(tree, Arithmetic) and tree.operator in "+*/":
            return self._is_not_negative(tree.left) and self._is_not_negative(tree.right)
        return (
            isinstance(tree, Call)
            and tree.function == "max"
            and any(map(self._is_not_negative, tree.arguments))
        )

    def _aggregate(self, tree: Call) -> Resolved:
        """平均(x, 组…), 合计(x, 组…), 户数(组…) in a formula: over the rated rows of every class."""
        arguments = list(tree.arguments)
        of: str | None = None
        unit, symbol, digits = parse_unit("户"), "户", 0
        if tree.function != "count":
            first = arguments.pop(0) if arguments else None
            if not isinstance(first, Name):
                raise MeaningError(
                    say("平均、合计的第一个值应为名称。"), say("请先在 [define] 中给它一个名称。")
                )
            found = self.resolver.resolve(first)
            node = self.nodes.get(first.name)
            if found.unit is None or not isinstance(node, p.Numeric):
                raise MeaningError(say("“{name}”不是数值，不能求平均或合计。", name=first.name))
            of, unit, symbol, digits = first.name, found.unit, node.unit, node.digits
        by: list[str] = []
        for argument in arguments:
            if not isinstance(argument, Name) or self.resolver.resolve(argument).kind != "text":
                raise MeaningError(say("平均、合计、户数按文本项分组。"), say("如“平均(亩均税收, 行业组)”。"))
            by.append(argument.name)
        how: Literal["mean", "sum", "count"] = tree.function  # type: ignore[assignment]
        name = f"{tree.function}({', '.join([*([of] if of else []), *by])})"
        self.nodes[name] = p.Aggregate(
            name=name, title=name, unit=symbol, digits=digits, how=how, of=of, by=tuple(by)
        )
        self.causes.setdefault(name, frozenset())
        return Resolved(Name(name), "number", unit)

    def _merge(self) -> None:
        merge = self.document.merge
        if merge is None:
            return
        for key, name, kind in (
            ("by", merge.by, "text"),
            ("land", merge.land, "number"),
            ("lead", merge.lead, "text"),
        ):
            if name is None or name in self.broken:
                continue
            if name not in self.document.input or self.meanings[name].kind != kind:
                self.error(
                    ("merge", key),
                    say("“{name}”不是已声明的数据项，或类型不符。", name=name),
                    self._suggest(name),
                )
        if merge.alone is not None:
            tree = self.condition(("merge", "alone"), merge.alone)
            if tree is not None:
                self.nodes[p.ALONE] = p.Condition(
                    name=p.ALONE, title=p.ALONE, path=("merge", "alone"), tree=tree
                )
            for name in names_in(tree) if tree is not None else []:
                if name not in self.document.input:
                    self.error(
                        ("merge", "alone"), say("合并条件只能用数据项，不能用中间值“{name}”。", name=name)
                    )

    # -- classes and standing ----------------------------------------------------------------------

    def _classes(self) -> None:
        document = self.document
        if not document.classes:
            self.error(("class",), say("没有评价类别。"), say("加上 [class.工业企业] 和它的指标。"))
        rules: list[tuple[str, Expression | None]] = []
        for name, declared in document.classes.items():
            path: KeyPath = ("class", name)
            if declared.when is None and len(document.classes) > 1:
                self.error(path, say("有多类时，每类都要写 when。"), say("如 when = \"规模 == '规上'\"。"))
            tree = None if declared.when is None else self.condition((*path, "when"), declared.when)
            rules.append((name, tree))
            if declared.like is not None:
                other = document.classes.get(declared.like)
                if other is None or other.like is not None:
                    self.error((*path, "like"), say("like 应写另一类（它自己写了指标）。"))
                if declared.indicator:
                    self.error((*path, "like"), say("like 与 indicator 不能同时写。"))
            elif not declared.indicator:
                self.error(
                    path,
                    say("“{name}”没有指标。", name=name),
                    say("加上 [[class.{name}.indicator]]。", name=name),
                )
        self.nodes[p.CLASS] = p.Classify(name=p.CLASS, title=p.CLASS, path=("class",), rules=tuple(rules))
        self.meanings[p.CLASS] = Meaning("text", values=tuple(document.classes))

    def _exemptions(self) -> None:
        for index, rule in enumerate(self.document.exempt):
            path: KeyPath = ("exempt", index)
            tree = self.condition((*path, "when"), rule.when)
            if rule.treated_as is not None and rule.treated_as not in self.grades:
                self.error((*path, "treated_as"), say("没有等级“{grade}”。", grade=rule.treated_as))
            if tree is not None:
                self.standing_rules.append(
                    p.StandingRule(
                        rule.then,
                        rule.name,
                        tree,
                        None,
                        rule.scored,
                        rule.treated_as,
                        path=path,
                        clause=rule.clause,
                    )
                )

    def _standing(self) -> None:
        """Exemptions first, then what keeps a row from being rated: no class, no data, failed ``must``."""
        rules = list(self.standing_rules)
        classes = list(self.document.classes)
        if all(declared.when is not None for declared in self.document.classes.values()):
            none = Missing(p.CLASS)
            rules.append(p.StandingRule("不参评", "不属于任何评价类别", none, path=("class",)))
        for name, declared in self.document.input.items():
            match = _STANDING_PREFIX.match(declared.missing) if isinstance(declared.missing, str) else None
            if match is None:
                continue
            only = tuple(c for c in classes if name in self.class_uses.get(c, set()))
            everywhere = declared.type != "数值" or len(only) == len(classes)
            if only or everywhere:
                rules.append(
                    p.StandingRule(
                        match.group(1),
                        match.group(2).strip(),
                        Missing(name),
                        None if everywhere else only,
                        path=("input", name),
                        clause=declared.clause,
                    )
                )
        for name, definition in self.document.define.items():
            match = _STANDING_PREFIX.match(definition.otherwise or "")
            node = self.nodes.get(name)
            if match is None or not isinstance(node, p.Formula) or node.must is None:
                continue
            only = tuple(c for c in classes if name in self.class_uses.get(c, set()))
            operator, limit = node.must
            least = Number(limit * parse_unit(node.unit).factor, str(limit))
            tree = Comparison("<=" if operator == ">" else "<", Name(raw_name(name)), least)
            if only:
                rules.append(
                    p.StandingRule(
                        match.group(1),
                        match.group(2).strip(),
                        tree,
                        None if len(only) == len(classes) else only,
                        path=("define", name),
                        clause=definition.clause,
                    )
                )
        rules += self.value_rules
        self.nodes[p.STANDING] = p.Standing(
            name=p.STANDING, title=p.STANDING, path=("exempt",), rules=tuple(rules)
        )

    # -- indicators --------------------------------------------------------------------------------

    def _indicators(self, class_name: str) -> None:
        declared = self.document.classes[class_name]
        owner = class_name
        if declared.like is not None:
            if declared.like not in self.document.classes:
                return
            owner, declared = declared.like, self.document.classes[declared.like]
        names: set[str] = set()
        for index, indicator in enumerate(declared.indicator):
            path: KeyPath = ("class", owner, "indicator", index)
            if indicator.name in names:
                self.error((*path, "name"), say("指标“{name}”写了两次。", name=indicator.name))
                continue
            names.add(indicator.name)
            if not self._indicator(class_name, indicator, path):
                self.broken.add(indicator.name)

    def _indicator(self, class_name: str, indicator: Indicator, path: KeyPath) -> bool:
        """Whether the indicator could be understood."""
        unit = self.attempt((*path, "unit"), lambda: parse_unit(indicator.unit))
        tree = (
            self.attempt((*path, "formula"), lambda: self._quantity(indicator.formula, unit))
            if unit
            else None
        )
        weight = self.amount((*path, "weight"), indicator.weight)
        if weight is not None and weight <= 0:
            self.error((*path, "weight"), say("权重应大于零。"), say("不计分的指标不用写。"))
        if unit is None or tree is None or weight is None:
            return False
        self._note_uses(class_name, tree)
        value = f"{class_name}.{indicator.name}"
        only = class_name if len(self.document.classes) > 1 else None
        formula = p.Formula(
            name=value,
            title=indicator.name,
            path=path,
            clause=indicator.clause,
            unit=indicator.unit,
            digits=indicator.digits,
            tree=tree,
            only=only,
        )
        self.nodes[value] = formula
        zero_when, zero = self._zero(class_name, indicator, tree, path)
        missing = self._indicator_missing(class_name, indicator, tree, value, zero_when, path)
        self.causes[value] = frozenset()
        score, base = self._score(class_name, indicator, formula, weight, path)
        if score is None:
            return False
        self.nodes[score.name] = score
        filled = f"{value}.得分"
        digits = self.document.scoring.score_digits
        self._check_groups(indicator.missing_by, (*path, "missing_by"))
        self.nodes[filled] = p.Fill(
            name=filled,
            title=indicator.name,
            path=path,
            clause=indicator.clause,
            unit="分",
            digits=digits,
            of=score.name,
            value=value,
            only=class_name,
            weight=weight,
            missing=missing,
            zero=zero,
            zero_when=zero_when,
            by=indicator.missing_by,
        )
        self.indicators.append(
            p.IndicatorPlan(
                name=indicator.name,
                class_name=class_name,
                value=value,
                score=score.name,
                filled=filled,
                base=base,
                weight=weight,
                path=path,
                clause=indicator.clause,
                formula=indicator.formula,
            )
        )
        return True

    def _note_uses(self, class_name: str, tree: Expression) -> None:
        """All inputs and definitions behind a formula: their missing rules apply to this class."""
        uses = self.class_uses.setdefault(class_name, set())
        waiting = names_in(tree)
        while waiting:
            name = waiting.pop()
            if name in uses:
                continue
            uses.add(name)
            node = self.nodes.get(name)
            if node is not None:
                waiting.extend(node.reads())

    def _zero(
        self, class_name: str, indicator: Indicator, tree: Expression, path: KeyPath
    ) -> tuple[Expression | None, Fraction | Literal["mean"]]:
        risky = [divisor for divisor in denominators(tree) if not self._is_positive(divisor)]
        base = indicator.score.base
        # A group's mean may be zero or below; the quotient is then undefined in the same way.
        by_mean = isinstance(base, Base) and indicator.score.by == "比值"
        inverse = indicator.score.direction == "越低越好" and indicator.score.by == "比值"
        if indicator.zero is None:
            if risky or by_mean or inverse:
                self.error(
                    path,
                    say("“{name}”的分母或基准可能为零，没有说明怎么办。", name=indicator.name),
                    say(
                        '加上 zero = "得零分"（或“满分”“同组平均得分”“不参评：理由”）；或给分母写 must = "> 0"。'
                    ),
                )
            return None, Fraction(0)
        tests: list[Expression] = [Comparison("<=", divisor, Number(Fraction(0), "0")) for divisor in risky]
        when = None if not tests else tests[0] if len(tests) == 1 else Logic("or", tuple(tests))
        if match := _STANDING_PREFIX.match(indicator.zero):
            if when is not None:
                self.value_rules.append(
                    p.StandingRule(
                        match.group(1),
                        match.group(2).strip(),
                        when,
                        self._only(class_name),
                        path=path,
                        clause=indicator.clause,
                    )
                )
            return when, Fraction(0)
        return when, self._score_rule(indicator.zero, indicator.weight, (*path, "zero"))

    def _only(self, class_name: str) -> tuple[str, ...] | None:
        return (class_name,) if len(self.document.classes) > 1 else None

    def _score_rule(self, rule: str, weight: object, path: KeyPath) -> Fraction | Literal["mean"]:
        if rule == SCORE_MEAN:
            return "mean"
        if rule == SCORE_FULL:
            return as_fraction(weight) or Fraction(0)
        if rule != SCORE_ZERO:
            self.error(
                path,
                say("不认识的处理“{rule}”。", rule=rule),
                say("写“得零分”“满分”“同组平均得分”或“不参评：理由”。"),
            )
        return Fraction(0)

    def _indicator_missing(
        self,
        class_name: str,
        indicator: Indicator,
        tree: Expression,
        value: str,
        zero_when: Expression | None,
        path: KeyPath,
    ) -> Fraction | Literal["mean"]:
        if indicator.missing is not None:
            if match := _STANDING_PREFIX.match(indicator.missing):
                absent: Expression = Missing(value)
                if zero_when is not None:
                    absent = Logic("and", (absent, Not(zero_when)))
                self.value_rules.append(
                    p.StandingRule(
                        match.group(1),
                        match.group(2).strip(),
                        absent,
                        self._only(class_name),
                        path=path,
                        clause=indicator.clause,
                    )
                )
                return Fraction(0)
            return self._score_rule(indicator.missing, indicator.weight, (*path, "missing"))
        causes = self._causes(tree)
        if not causes:
            return Fraction(0)
        if len(causes) == 1 and (rule := next(iter(causes))) != LEFT_MISSING:
            return self._score_rule(rule, indicator.weight, path)
        self.error(
            path,
            say("“{name}”可能缺数据，所用数据项的规定不一致或没有规定得分。", name=indicator.name),
            say('给指标写 missing = "得零分"（或“同组平均得分”“不参评：理由”）。'),
        )
        return Fraction(0)

    def _check_groups(self, names: Iterable[str], path: KeyPath) -> None:
        for name in names:
            if name in self.broken:
                continue
            if name not in self.meanings or self.meanings[name].kind != "text":
                self.error(path, say("“{name}”不是可以用来分组的文本项。", name=name), self._suggest(name))

    def _score(
        self, class_name: str, indicator: Indicator, value: p.Formula, weight: Fraction, path: KeyPath
    ) -> tuple[p.AnyNode | None, str | Fraction | None]:
        score = indicator.score
        at: KeyPath = (*path, "score")
        name = f"{value.name}.计分"
        inverse = score.direction == "越低越好"
        digits = self.document.scoring.score_digits
        self._check_score_keys(score.by, indicator, at)
        self._check_groups(score.group, (*at, "group"))
        match score.by:
            case "比值":
                base = self._base(class_name, indicator, value, at)
                if base is None:
                    return None, None
                cap = self.amount_or_none((*at, "cap"), score.cap, weight)
                floor = self.amount_or_none((*at, "floor"), score.floor, weight)
                self._check_limits((*at, "floor"), floor, cap)
                return p.RatioScore(
                    name=name,
                    title=indicator.name,
                    path=at,
                    clause=indicator.clause,
                    unit="分",
                    digits=digits,
                    of=value.name,
                    base=base,
                    weight=weight,
                    inverse=inverse,
                    cap=cap,
                    floor=floor,
                ), base
            case "极差":
                ends = []
                for how, title in (("min", "最小值"), ("max", "最大值")):
                    end = f"{value.name}.{title}"
                    self.nodes[end] = p.Aggregate(
                        name=end,
                        title=title,
                        path=at,
                        unit=value.unit,
                        digits=value.digits,
                        how=how,  # type: ignore[arg-type]
                        of=value.name,
                        by=score.group,
                        only=class_name,
                    )
                    ends.append(end)
                bottom = self.amount_or_none((*at, "bottom"), score.bottom) or Fraction(0)
                if not 0 <= bottom <= 100:
                    self.error((*at, "bottom"), say("底分应在 0 到 100 之间。"))
                return p.RangeScore(
                    name=name,
                    title=indicator.name,
                    path=at,
                    clause=indicator.clause,
                    unit="分",
                    digits=digits,
                    of=value.name,
                    low=ends[0],
                    high=ends[1],
                    weight=weight,
                    bottom=bottom,
                    inverse=inverse,
                    equal=weight if score.equal == SCORE_FULL else Fraction(0),
                ), None
            case "名次":
                return p.RankScore(
                    name=name,
                    title=indicator.name,
                    path=at,
                    clause=indicator.clause,
                    unit="分",
                    digits=digits,
                    of=value.name,
                    by=score.group,
                    only=class_name,
                    weight=weight,
                    inverse=inverse,
                ), None
            case "分档":
                bands = self._bands(indicator, at)
                return p.BandScore(
                    name=name,
                    title=indicator.name,
                    path=at,
                    clause=indicator.clause,
                    unit="分",
                    digits=digits,
                    of=value.name,
                    bands=bands,
                    inverse=inverse,
                ), None

    def _check_limits(self, path: KeyPath, floor: Fraction | None, cap: Fraction | None) -> None:
        if floor is not None and cap is not None and floor > cap:
            self.error(path, say("下限大于上限。"), say("检查 cap 和 floor。"))

    def _bands(self, indicator: Indicator, at: KeyPath) -> tuple[tuple[Fraction, Fraction], ...]:
        unit = parse_unit(indicator.unit)
        bands = [
            (self.figure((*at, "bands", index), low, unit), self.amount((*at, "bands", index), points))
            for index, (low, points) in enumerate(indicator.score.bands or ())
        ]
        clean = [(low, points) for low, points in bands if low is not None and points is not None]
        lows = [low for low, _ in clean]
        descending = indicator.score.direction == "越高越好"
        if lows != sorted(set(lows), reverse=descending):
            self.error(
                (*at, "bands"),
                say(
                    "分档的界限应{order}，且不重复。",
                    order=say("由高到低") if descending else say("由低到高"),
                ),
            )
        return tuple(clean)

    def _check_score_keys(self, by: str, indicator: Indicator, at: KeyPath) -> None:
        needed = {
            "比值": ("base", "cap", "floor"),
            "极差": ("bottom", "equal"),
            "名次": (),
            "分档": ("bands",),
        }
        usable = {
            "比值": {"base", "by_group", "cap", "floor"},
            "极差": {"bottom", "equal", "group"},
            "名次": {"group"},
            "分档": {"bands"},
        }
        for key in needed[by]:
            if getattr(indicator.score, key) is None:
                self.error(
                    at, say("{by}法没有写 {key}。", by=by, key=key), say("这是需要明确的选择，不能默认。")
                )
        given = indicator.score.model_fields_set - {"by", "direction"}
        for key in sorted(given - usable[by]):
            self.error((*at, key), say("{by}法不用 {key}。", by=by, key=key), say("删去这一项。"))

    def _base(
        self, class_name: str, indicator: Indicator, value: p.Formula, at: KeyPath
    ) -> str | Fraction | None:
        base = indicator.score.base
        here: KeyPath = (*at, "base")
        if base is None:
            return None
        name = f"{value.name}.基准"
        if isinstance(base, dict):
            group = indicator.score.by_group
            if group is None:
                self.error(at, say("base 按组给数时，要写 by_group。"))
                return None
            self._check_groups((group,), (*at, "by_group"))
            self.nodes[name] = p.Aggregate(
                name=name,
                title="基准",
                path=here,
                clause=indicator.clause,
                unit=value.unit,
                digits=self._published_digits(base.values(), value.digits),
                how="mean",
                of=None,
                by=(group,),
                only=class_name,
                source="table",
                table=self._published(base, (group,), indicator, here),
            )
            return name
        if not isinstance(base, Base):
            constant = self.figure(here, base, parse_unit(indicator.unit))
            if constant is not None and constant <= 0:
                self.error(here, say("基准值应大于零。"))
                return None
            return constant
        return self._group_base(class_name, indicator, value, base, name, here)

    def _group_base(
        self, class_name: str, indicator: Indicator, value: p.Formula, base: Base, name: str, here: KeyPath
    ) -> str | None:
        self._check_groups(base.by, (*here, "by"))
        times = self.number((*here, "times"), base.times)
        if times is None or times <= 0:
            self.error((*here, "times"), say("倍数应大于零。"))
            return None
        previous = base.of.startswith("上年")
        if base.values is not None and not previous:
            self.error((*here, "values"), say("values 只用于上年平均。"))
        if (base.of == "同组分位") != (base.percentile is not None):
            self.error(here, say("percentile 与“同组分位”应同时出现。"))
            return None
        share = (
            self.number((*here, "percentile"), base.percentile)
            if base.percentile is not None
            else Fraction(0)
        )
        if share is None or (base.percentile is not None and not 0 < share <= 1):
            self.error((*here, "percentile"), say("分位应大于 0、不超过 100%。"))
            return None
        weighted = None
        if "加权" in base.of:
            weighted = _split_quotient(value.tree)
            if weighted is None:
                self.error(
                    here, say("加权平均要求指标公式是一次除法。"), say("把分子、分母先各自定义为中间值。")
                )
                return None
        digits = value.digits if base.digits is None else base.digits
        if base.values is not None:
            self.nodes[name] = p.Aggregate(
                name=name,
                title=f"{base.of}",
                path=here,
                clause=indicator.clause,
                unit=value.unit,
                digits=max(digits, self._published_digits(base.values.values(), digits)),
                how="mean",
                of=None,
                by=base.by,
                only=class_name,
                times=times,
                source="table",
                table=self._published(base.values, base.by, indicator, (*here, "values")),
            )
            return name
        how: Literal["mean", "weighted", "percentile"] = "mean"
        if weighted is not None:
            how = "weighted"
        elif base.percentile is not None:
            how = "percentile"
        small = 0
        if base.small is not None:
            small = base.small.below
            if base.small.then != "按全体":
                self.error((*here, "small"), say("基准值的过小组只能“按全体”。"))
        self.nodes[name] = p.Aggregate(
            name=name,
            title=base.of,
            path=here,
            clause=indicator.clause,
            unit=value.unit,
            digits=digits,
            how=how,
            of=value.name,
            by=base.by,
            only=class_name,
            times=times,
            share=share,
            weighted=weighted,
            source="previous" if previous else "current",
            small=small,
        )
        return name

    def _published(
        self, values: dict[str, str | Decimal], by: tuple[str, ...], indicator: Indicator, here: KeyPath
    ) -> tuple[tuple[str, Fraction], ...]:
        """Published figures by group label; every group must have one."""
        unit = parse_unit(indicator.unit)
        pairs = [(label, self.figure((*here, label), figure, unit)) for label, figure in values.items()]
        for label, figure in pairs:
            if figure is not None and figure <= 0:
                self.error((*here, label), say("基准值应大于零。"))
        known = self._labels(by)
        if known is not None:
            for label in values:
                if label != "*" and label not in known:
                    self.error(
                        (*here, label),
                        say("没有名为“{label}”的组。", label=label),
                        say("可用：{values}。", values="、".join([*known, "*"])),
                    )
        if "*" not in values and (not known or any(label not in values for label in known)):
            without = [label for label in known or () if label not in values]
            self.error(
                here,
                say("“{label}”没有基准值。", label="、".join(without))
                if without
                else say("分组的取值没有列明，可能有组没有基准值。"),
                say("逐组写全，或加“*”一项作为其余各组的基准。"),
            )
        return tuple((label, figure) for label, figure in pairs if figure is not None)

    def _labels(self, by: tuple[str, ...]) -> list[str] | None:
        """All labels that the groups can have; None where a text is open or may be missing."""
        if not by:
            return []
        meaning, node = self.meanings.get(by[0]), self.nodes.get(by[0])
        if len(by) > 1 or meaning is None or not meaning.values:
            return None
        may_be_missing = isinstance(node, p.CodeInput) and node.fill is None and not node.required
        kept_out = by[0] in self.document.input and self._missing_standing(self.document.input[by[0]].missing)
        return list(meaning.values) if kept_out or not may_be_missing else None

    def _published_digits(self, values: Iterable[object], least: int) -> int:
        """Decimals enough to hold the published figures as printed."""
        most = least
        for value in values:
            if isinstance(value, Decimal | int):
                exponent = Decimal(value).as_tuple().exponent
                most = max(most, -exponent if isinstance(exponent, int) else 0)
        return most

    def _pick_indicators(self) -> None:
        """An indicator's bare name, for order keys and regrading, whatever the class of the row."""
        by_name: dict[str, list[p.IndicatorPlan]] = {}
        for indicator in self.indicators:
            by_name.setdefault(indicator.name, []).append(indicator)
        for name, places in by_name.items():
            nodes = [node for place in places if isinstance(node := self.nodes[place.value], p.Formula)]
            if len({(node.unit, node.digits) for node in nodes}) > 1:
                self.error(
                    (*places[-1].path, "unit"),
                    say("“{name}”在各类中的单位或位数不同。", name=name),
                    say("统一单位和 digits，或换一个名称。"),
                )
            if self._declare(name, places[0].path, Meaning("number", parse_unit(nodes[0].unit))):
                self.causes[name] = frozenset()
                self.nodes[name] = p.Pick(
                    name=name,
                    title=name,
                    path=places[0].path,
                    unit=nodes[0].unit,
                    digits=nodes[0].digits,
                    of=tuple(place.value for place in places),
                )

    # -- totals ------------------------------------------------------------------------------------

    def _totals(self) -> None:
        scoring = self.document.scoring
        self.nodes[p.SUBTOTAL] = p.Subtotal(
            name=p.SUBTOTAL,
            title=p.SUBTOTAL,
            path=("scoring",),
            unit="分",
            digits=scoring.score_digits,
            of=tuple(indicator.filled for indicator in self.indicators),
        )
        self.meanings[p.SUBTOTAL] = Meaning("number", parse_unit("分"))
        signs: dict[str, int] = {}
        members: dict[str, list[str]] = {name: [] for name in self.document.limit}
        for name in members:
            if not self._declare(name, ("limit", name), Meaning("number", parse_unit("分"))):
                self.broken.add(name)
        for section, sign, adjustments in (
            ("bonus", 1, self.document.bonus),
            ("deduction", -1, self.document.deduction),
        ):
            for index, adjustment in enumerate(adjustments):
                self._adjustment((section, index), adjustment, sign, signs, members)
        limited: list[tuple[str, int]] = []
        for name, limit in self.document.limit.items():
            if not members[name] or name in self.broken:
                continue
            cap = self.amount_or_none(("limit", name, "cap"), limit.cap)
            sign = signs[name]
            self.nodes[name] = p.LimitedSum(
                name=name,
                title=name,
                path=("limit", name),
                unit="分",
                digits=scoring.score_digits,
                of=tuple(members[name]),
                take=limit.take,
                cap=cap,
                sign=1 if sign > 0 else -1,
            )
            limited.append((name, sign))
        cap = self.amount_or_none(("scoring", "cap"), scoring.cap)
        floor = self.amount_or_none(("scoring", "floor"), scoring.floor)
        self._check_limits(("scoring", "floor"), floor, cap)
        self.nodes[p.TOTAL] = p.Total(
            name=p.TOTAL,
            title=p.TOTAL,
            path=("scoring",),
            unit="分",
            digits=scoring.total_digits,
            of=tuple(limited),
            cap=cap,
            floor=floor,
        )
        self.meanings[p.TOTAL] = Meaning("number", parse_unit("分"))

    def _adjustment(
        self,
        path: KeyPath,
        adjustment: Adjustment,
        sign: int,
        signs: dict[str, int],
        members: dict[str, list[str]],
    ) -> None:
        if adjustment.limit not in members:
            self.error(
                (*path, "limit"),
                say("没有限额组“{name}”。", name=adjustment.limit),
                say("在 [limit] 中写明它的取法和上限。"),
            )
        elif signs.setdefault(adjustment.limit, sign) != sign:
            self.error(
                (*path, "limit"),
                say("限额组“{name}”既有加分又有减分。", name=adjustment.limit),
                say("加分、减分各用一组。"),
            )
        if (adjustment.add is None) == (adjustment.points is None):
            self.error(path, say("add 与 points 应写且只写一个。"))
            return
        self._check_classes(adjustment.classes, (*path, "classes"))
        when = None if adjustment.when is None else self.condition((*path, "when"), adjustment.when)
        points: Expression | None = None
        percent: Fraction | None = None
        if adjustment.points is not None:
            points = self.attempt((*path, "points"), lambda: self._points(adjustment.points or ""))
        else:
            figure = self.number((*path, "add"), adjustment.add)
            if figure is not None and figure < 0:
                self.error((*path, "add"), say("加分、减分都写正数。"))
            if isinstance(adjustment.add, str) and adjustment.add.strip().endswith("%"):
                percent = figure
            elif figure is not None:
                points = Number(figure, str(adjustment.add))
        name = f"{adjustment.limit}.{adjustment.name}"
        if name in self.nodes:
            self.error((*path, "name"), say("“{name}”写了两次。", name=adjustment.name))
        members.get(adjustment.limit, []).append(name)
        self.nodes[name] = p.Adjustment(
            name=name,
            title=adjustment.name,
            path=path,
            clause=adjustment.clause,
            unit="分",
            digits=self.document.scoring.score_digits,
            when=when,
            only=adjustment.classes,
            points=points,
            percent=percent,
            sign=1 if sign > 0 else -1,
        )

    def _check_classes(self, names: Iterable[str], path: KeyPath) -> None:
        for name in names:
            if name not in self.document.classes:
                self.error(path, say("没有类别“{name}”。", name=name))

    # -- grades ------------------------------------------------------------------------------------

    def _grades(self) -> None:
        if len(self.grades) < 2:
            self.error(
                ("grade",), say("至少要有两个等级。"), say('如 A = {{ name = "优先发展类" }}，由好到差。')
            )
        for grade in self.grades:
            if not re.fullmatch(r"\w+\+?", grade):
                self.error(("grade", grade), say("“{name}”不能作等级名。", name=grade), say("如 A、B、A+。"))

    def _regrading_and_ranking(self) -> None:
        shared: dict[int, list[str]] = {}
        for name, declared in self.document.classes.items():
            if declared.grading is None:
                if self.document.grading is None:
                    self.error(
                        ("class", name),
                        say("“{name}”没有定级办法。", name=name),
                        say("写 [grading] 或 [class.{name}.grading]。", name=name),
                    )
                    continue
                shared.setdefault(0, []).append(name)
        rankings: list[str] = []
        moves = self._moves()
        if self.document.grading is not None and shared:
            self._ranking(("grading",), self.document.grading, tuple(shared[0]), moves, rankings)
        for name, declared in self.document.classes.items():
            if declared.grading is not None:
                self._ranking(("class", name, "grading"), declared.grading, (name,), moves, rankings)
        self.nodes[p.GRADE] = p.Regrading(
            name=p.GRADE, title=p.GRADE, path=("regrade",), of=tuple(rankings), moves=moves
        )

    def _moves(self) -> tuple[p.Move, ...]:
        self.meanings[p.FIRST_GRADE] = Meaning("text", values=self.grades)
        moves: list[p.Move] = []
        sections: tuple[tuple[str, tuple[Regrade | Veto, ...], bool], ...] = (
            ("regrade", self.document.regrade, False),
            ("veto", self.document.veto, True),
        )
        for section, rules, veto in sections:
            for index, rule in enumerate(rules):
                path: KeyPath = (section, index)
                tree = self.condition((*path, "when"), rule.when)
                self._check_classes(rule.classes, (*path, "classes"))
                match = _MOVE.match(rule.then.strip())
                if match is None:
                    self.error(
                        (*path, "then"),
                        say("不认识的写法“{then}”。", then=rule.then),
                        say("写“定为 A”“提 1 档”“降 1 档”“最高 C”或“最低 B”。"),
                    )
                    continue
                target = match.group(2) or match.group(6)
                if target is not None and target not in self.grades:
                    self.error(
                        (*path, "then"),
                        say("没有等级“{grade}”。", grade=target),
                        say("可用：{grades}。", grades="、".join(self.grades)),
                    )
                    continue
                word = match.group(1) or match.group(3) or match.group(5)
                how = _HOW[word]
                if veto and how in ("up", "at_worst"):
                    self.error((*path, "then"), say("一票否决不能提档。"))
                if tree is not None:
                    moves.append(
                        p.Move(
                            rule.name,
                            tree,
                            how,
                            target,
                            int(match.group(4) or 0),
                            rule.classes,
                            veto,
                            path=path,
                            clause=rule.clause,
                        )
                    )
        return tuple(moves)

    def _ranking(
        self,
        path: KeyPath,
        grading: Boundaries,
        classes: tuple[str, ...],
        moves: tuple[p.Move, ...],
        made: list[str],
    ) -> None:
        self._check_groups(grading.within, (*path, "within"))
        order = self._order(grading.order, (*path, "order"))
        if grading.ties != "按排序键" and (not order or order[0] != p.Key(p.TOTAL, True)):
            self.error((*path, "ties"), say("同分同档要求第一个排序键是“总分 降”。"))
        steps: tuple[p.PlanStep, ...] = ()
        bounds: tuple[p.Bound, ...] = ()
        rest = self.grades[-1] if self.grades else ""
        if grading.method == "两步":
            steps, rest = self._steps(grading, path)
        else:
            bounds = self._bounds(grading, path)
        left_out: list[Expression] = []
        for move in moves:
            if move.only and not set(move.only) & set(classes):
                continue
            if (move.veto and grading.vetoed == "不占名额") or (
                move.how == "set" and not move.veto and grading.direct == "不占名额"
            ):
                tree = move.tree
                if move.how == "down" or (move.how == "at_best" and move.grade != self.grades[-1]):
                    self.error(
                        (*move.path, "then"),
                        say("被否决的企业不占名额，就没有初评等级，“{then}”无从执行。", then=_said(move)),
                        say('写“定为 C”之类，或在定级办法里写 vetoed = "占名额"。'),
                    )
                elif p.FIRST_GRADE in names_in(tree):
                    self.error(move.path, say("依初评等级的调整不能同时“不占名额”：等级尚未算出。"))
                elif move.only and set(move.only) != set(classes):
                    left_out.append(Logic("and", (_class_test(move.only), tree)))
                else:
                    left_out.append(tree)
        unranked = (
            None if not left_out else left_out[0] if len(left_out) == 1 else Logic("or", tuple(left_out))
        )
        name = f"{p.PLACE}.{'、'.join(classes)}"
        made.append(name)
        self.nodes[name] = p.Ranking(
            name=name,
            title=p.PLACE,
            path=path,
            only=classes,
            by=grading.within,
            order=order,
            ties=grading.ties,
            bounds=bounds,
            steps=steps,
            rest=rest,
            counted=grading.counted,
            unranked=unranked,
            small=grading.small.below if grading.small else 0,
            small_then=grading.small.then if grading.small else "合并小组",
        )
        if p.RATED not in grading.counted:
            self.error((*path, "counted"), say("计入名额的企业至少要有“参评”。"))

    def _order(self, keys: tuple[str, ...], path: KeyPath) -> tuple[p.Key, ...]:
        order: list[p.Key] = []
        for key in keys:
            match = _KEY.match(key.strip())
            if match is None:
                self.error(path, say("排序键“{key}”应写作“总分 降”。", key=key))
                continue
            name = match.group(1)
            if name in self.broken:
                continue
            meaning = self.meanings.get(name)
            if name != CODE and (
                meaning is None or meaning.kind != "number" or not isinstance(self.nodes.get(name), p.Numeric)
            ):
                self.error(path, say("排序键“{name}”不是数值。", name=name), self._suggest(name))
                continue
            order.append(p.Key(name, match.group(2) == "降"))
        if not keys:
            self.error(path, say("没有写排序键。"), say('写 order = ["总分 降", "统一社会信用代码 升"]。'))
        elif not order or order[-1].name != CODE:
            last = keys[-1].rsplit(" ", 1)[0]
            self.error(
                path,
                say("最后一个排序键“{key}”可能相同，名次无法唯一确定。", key=last),
                say("末尾加“统一社会信用代码 升”。"),
            )
        return tuple(order)

    def _steps(self, grading: Boundaries, path: KeyPath) -> tuple[tuple[p.PlanStep, ...], str]:
        if grading.quota or grading.round:
            self.error((*path, "quota"), say("两步法不写 quota 和 round。"), say("各步写 first 和 round。"))
        if not grading.step or grading.rest is None:
            self.error(path, say("两步法要写各步和 rest。"))
            return (), grading.rest or ""
        if grading.small is not None and grading.small.then == "按全体":
            self.error((*path, "small"), say("两步法的过小组只能“合并小组”。"))
        if grading.rest not in self.grades:
            self.error((*path, "rest"), say("没有等级“{grade}”。", grade=grading.rest))
        steps: list[p.PlanStep] = []
        for index, step in enumerate(grading.step):
            here: KeyPath = (*path, "step", index)
            if step.grade not in self.grades:
                self.error((*here, "grade"), say("没有等级“{grade}”。", grade=step.grade))
            steps.append(
                p.PlanStep(
                    last=step.part.startswith("后"),
                    part=as_fraction(step.part[1:]) or Fraction(0),
                    order=self._order(step.order, (*here, "order")),
                    share=as_fraction(step.first) or Fraction(0),
                    rounding=step.round,
                    grade=step.grade,
                )
            )
        return tuple(steps), grading.rest

    def _bounds(self, grading: Boundaries, path: KeyPath) -> tuple[p.Bound, ...]:
        if len(self.grades) < 2:
            return ()
        if tuple(grading.quota) != self.grades:
            self.error(
                (*path, "quota"),
                say("quota 应按由好到差写全各等级：{grades}。", grades="、".join(self.grades)),
            )
            return ()
        bounds: list[p.Bound] = []
        before = Fraction(0)
        least: Fraction | None = None
        worst = self.grades[-1]
        needed: set[str] = set()
        for index, grade in enumerate(self.grades[:-1]):
            text = grading.quota[grade]
            here: KeyPath = (*path, "quota", grade)
            if match := _THRESHOLD.match(text):
                if least is not None and Fraction(match.group(1)) >= least:
                    self.error(here, say("分数线应逐级降低：“{grade}”永远评不上。", grade=grade))
                least = Fraction(match.group(1))
                bounds.append(p.Bound(grade, None, "舍去", False, Fraction(match.group(1))))
                continue
            share = as_fraction(text) if text.strip().endswith("%") else None
            if share is None:
                self.error(here, say("“{text}”应为累计比例（“20%”）或分数线（“>= 60分”）。", text=text))
                continue
            if share <= before or share > 1:
                self.error(
                    here,
                    say("累计比例应逐级增大，不超过 100%：“{grade}”永远评不上。", grade=self.grades[index]),
                )
            before = share
            last_cut = index == len(self.grades) - 2
            if last_cut and worst in grading.round:
                bounds.append(p.Bound(grade, 1 - share, grading.round[worst], True, None))
                needed.add(worst)
            elif grade in grading.round:
                bounds.append(p.Bound(grade, share, grading.round[grade], False, None))
                needed.add(grade)
            else:
                self.error(
                    (*path, "round"),
                    say("“{grade}”的名额得小数时怎么办，没有说明。", grade=grade),
                    say('在 round 中写 {grade} = "四舍五入"、"进一" 或 "舍去"。', grade=grade),
                )
        if as_fraction(grading.quota[worst]) != 1:
            self.error((*path, "quota", worst), say("最后一级的累计比例应为 100%。"))
        for grade in grading.round:
            if grade not in needed:
                self.error(
                    (*path, "round", grade),
                    say("round 中的“{grade}”用不上。", grade=grade),
                    say("同一界限只写一处：好级一侧，或最后一级。"),
                )
        return tuple(bounds)


def raw_name(name: str) -> str:
    """The node of a definition's value before its ``must`` is asked."""
    return f"{name}.原值"


def _holds(value: object, key: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(key, int) and 0 <= key < len(value)
    return isinstance(value, dict) and key in value


def _indicator_names(document: PolicyDocument) -> frozenset[str]:
    return frozenset(
        indicator.name for declared in document.classes.values() for indicator in declared.indicator
    )


def _names_read(definition: Definition) -> list[str]:
    """What a definition reads, as far as it can be parsed; what cannot is reported where it is compiled."""
    if definition.group is not None:
        return [definition.group]
    try:
        return names_in(parse_expression(definition.formula or definition.when or ""))
    except ExpressionError:
        return []


def _merge_reads(merge: Merge) -> set[str]:
    alone = names_in(parse_expression(merge.alone)) if merge.alone else []
    return {merge.by, merge.land, *alone, *([merge.lead] if merge.lead else [])}


def _said(move: p.Move) -> str:
    return f"降 {move.steps} 档" if move.how == "down" else f"最高 {move.grade}"


def _class_test(classes: Iterable[str]) -> Expression:
    return TextTest(p.CLASS, "equals", tuple(classes))


def _split_quotient(tree: Expression) -> tuple[Expression, Expression] | None:
    if isinstance(tree, Negation):
        return None
    if (
        isinstance(tree, Arithmetic)
        and tree.operator == "/"
        and not denominators(tree.left)
        and not denominators(tree.right)
    ):
        return tree.left, tree.right
    return None


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
