"""Gives each expression its meaning: every name declared, every type and unit right, literals in base units.

Works on one expression at a time; what the names stand for comes in as a table of :class:`Meaning`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from muheng.documents.message import Message, Refusal, say
from muheng.documents.spelling import nearest
from muheng.policy.expression import (
    AGGREGATES,
    Arithmetic,
    Call,
    Comparison,
    Expression,
    Listing,
    Logic,
    Missing,
    Name,
    Negation,
    Not,
    Number,
    Text,
    TextTest,
)
from muheng.standards.units import Unit, divide, multiply, parse_unit, same_dimension

Kind = Literal["number", "condition", "text", "tags", "date", "level"]

PURE = parse_unit("1")


@dataclass(frozen=True)
class Meaning:
    """What a declared name is. ``unit`` for numbers, ``levels`` for levels, ``values`` for closed texts."""

    kind: Kind
    unit: Unit | None = None
    levels: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """A tree in base units. ``unit`` is None for a bare number, which takes the unit of its neighbour."""

    tree: Expression
    kind: Kind
    unit: Unit | None = None
    levels: tuple[str, ...] = ()


class MeaningError(Refusal):
    """The expression can be read but makes no sense; ``what`` says why, ``fix`` how to mend it."""


class BrokenError(Exception):
    """The expression reads a declared name that could not be understood; that has been reported already."""


_KINDS: dict[str, Message] = {
    "number": say("数值"),
    "condition": say("条件"),
    "text": say("文本"),
    "tags": say("标签"),
    "date": say("日期"),
    "level": say("等级"),
}


class Resolver:
    """Resolves expressions against one table of names; ``aggregate`` names 平均(x, 组) etc."""

    def __init__(
        self,
        meanings: Mapping[str, Meaning],
        aggregate: Callable[[Call], Resolved] | None = None,
        broken: Collection[str] = (),
        later: Collection[str] = (),
    ) -> None:
        self.meanings = meanings
        self.aggregate = aggregate
        self.broken = broken
        self.later = later

    def number(self, tree: Expression, unit: Unit) -> Expression:
        """A tree whose value is a quantity of ``unit``'s dimension, in base units."""
        found = self._expect(self.resolve(tree), "number")
        if found.unit is None:
            return _scaled(found.tree, unit)
        if not same_dimension(found.unit, unit):
            raise MeaningError(
                say(
                    "公式算出的单位是“{found}”，写的是“{declared}”。",
                    found=found.unit.symbol,
                    declared=unit.symbol,
                ),
                say("检查公式，或把 unit 改为“{found}”。", found=found.unit.symbol),
            )
        return found.tree

    def condition(self, tree: Expression) -> Expression:
        return self._expect(self.resolve(tree), "condition").tree

    def resolve(self, tree: Expression) -> Resolved:
        match tree:
            case Number(_, text):
                return Resolved(tree, "number", PURE if text.endswith("%") else None)
            case Text():
                raise MeaningError(say("文字“{text}”只能用来比较。", text=tree.value))
            case Listing():
                raise MeaningError(say("列表只能写在“in”后面。"))
            case Name(name):
                return self._name(name)
            case Negation(operand):
                found = self._expect(self.resolve(operand), "number")
                return Resolved(Negation(found.tree), "number", found.unit)
            case Arithmetic():
                return self._arithmetic(tree)
            case Comparison():
                return Resolved(self._comparison(tree), "condition")
            case Logic(operator, operands):
                trees = tuple(self._expect(self.resolve(operand), "condition").tree for operand in operands)
                return Resolved(Logic(operator, trees), "condition")
            case Not(operand):
                return Resolved(Not(self._expect(self.resolve(operand), "condition").tree), "condition")
            case Call():
                return self._call(tree)
            case _:
                raise AssertionError(tree)

    def _expect(self, found: Resolved, kind: Kind) -> Resolved:
        if found.kind != kind:
            raise MeaningError(
                say("这里应当是{expected}，写的是{found}。", expected=_KINDS[kind], found=_KINDS[found.kind])
            )
        return found

    def _meaning(self, name: str) -> Meaning:
        meaning = self.meanings.get(name)
        if meaning is None:
            if name in self.broken:
                raise BrokenError(name)
            if name in self.later:
                raise MeaningError(
                    say("“{name}”是指标，这里还没有算出。", name=name),
                    say("在 [define] 中定义它（换一个名称），指标公式和这里都引用那个名称。"),
                )
            close = nearest(name, self.meanings)
            fix = say("是否指“{name}”？", name=close) if close else say("请在 [input] 或 [define] 中写明它。")
            raise MeaningError(say("没有名为“{name}”的数据项或中间值。", name=name), fix)
        return meaning

    def _name(self, name: str) -> Resolved:
        meaning = self._meaning(name)
        return Resolved(Name(name), meaning.kind, meaning.unit, meaning.levels)

    def _arithmetic(self, tree: Arithmetic) -> Resolved:
        left = self._expect(self.resolve(tree.left), "number")
        right = self._expect(self.resolve(tree.right), "number")
        if tree.operator in "+-":
            left, right = self._same_unit(left, right)
            return Resolved(Arithmetic(tree.operator, left.tree, right.tree), "number", left.unit)
        if left.unit is None and right.unit is None:
            unit = None
        elif tree.operator == "*":
            unit = multiply(left.unit or PURE, right.unit or PURE)
        else:
            unit = divide(left.unit or PURE, right.unit or PURE)
        return Resolved(Arithmetic(tree.operator, left.tree, right.tree), "number", unit)

    def _same_unit(self, left: Resolved, right: Resolved) -> tuple[Resolved, Resolved]:
        if left.unit is None and right.unit is not None:
            return Resolved(_scaled(left.tree, right.unit), "number", right.unit), right
        if right.unit is None and left.unit is not None:
            return left, Resolved(_scaled(right.tree, left.unit), "number", left.unit)
        if left.unit is not None and right.unit is not None and not same_dimension(left.unit, right.unit):
            raise MeaningError(
                say(
                    "“{left}”与“{right}”单位不同，不能相加减或比较。",
                    left=left.unit.symbol,
                    right=right.unit.symbol,
                ),
                say("检查所用的数据项，或先用除法化成同一种量。"),
            )
        return left, right

    def _comparison(self, tree: Comparison) -> Expression:
        if tree.operator == "in":
            return self._membership(tree)
        operator, left, right = tree.operator, tree.left, tree.right
        if isinstance(left, Text) and not isinstance(right, Text):
            mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
            operator, left, right = mirrored.get(operator, operator), right, left
        found = self.resolve(left)
        if found.kind in ("text", "tags"):
            if found.kind == "tags":
                raise MeaningError(say("标签不能直接比较。"), say("请写“有('标签', '级别')”。"))
            if not isinstance(right, Text) or operator not in ("==", "!="):
                raise MeaningError(say("文本只能用 == 或 != 与引号中的文字比较。"))
            test = self._one_of(found, (right.value,))
            if operator == "==":
                return test
            # A comparison with a missing value is false: every text that is there begins with nothing.
            return Logic("and", (Not(test), TextTest(test.name, "startswith", ("",))))
        if found.kind == "level":
            if not isinstance(right, Text):
                raise MeaningError(
                    say("等级只能与引号中的等级比较，可用：{levels}。", levels="、".join(found.levels))
                )
            return Comparison(operator, found.tree, self._level(found, right.value))
        if found.kind == "date":
            other = self._date(right)
            return Comparison(operator, found.tree, other)
        if found.kind == "number":
            if isinstance(right, Text):
                raise MeaningError(
                    say("数值不能与文字“{text}”比较。", text=right.value), say("数值不加引号。")
                )
            first, second = self._same_unit(found, self._expect(self.resolve(right), "number"))
            return Comparison(operator, first.tree, second.tree)
        raise MeaningError(say("条件不能再比较大小，请用“且”“或”“非”连接。"))

    def _membership(self, tree: Comparison) -> Expression:
        if not isinstance(tree.right, Listing) or not tree.right.items:
            raise MeaningError(say("“in”后面应为列表，如 ['A', 'B']。"))
        found = self.resolve(tree.left)
        if found.kind == "text":
            values = tuple(self._literal(item) for item in tree.right.items)
            return self._one_of(found, values)
        if found.kind in ("level", "number", "date"):
            parts = tuple(self._comparison(Comparison("==", tree.left, item)) for item in tree.right.items)
            return parts[0] if len(parts) == 1 else Logic("or", parts)
        raise MeaningError(say("“in”前面应为文本、等级、数值或日期。"))

    def _literal(self, tree: Expression) -> str:
        if not isinstance(tree, Text):
            raise MeaningError(say("这里应当是引号中的文字。"))
        return tree.value

    def _one_of(self, found: Resolved, values: tuple[str, ...]) -> TextTest:
        """Whether a text is one of ``values``, each of which it can have."""
        assert isinstance(found.tree, Name)
        allowed = self._meaning(found.tree.name).values
        for value in values:
            if allowed and value not in allowed:
                raise MeaningError(
                    say("“{name}”没有“{value}”这个取值。", name=found.tree.name, value=value),
                    say("可用：{values}。", values="、".join(allowed)),
                )
        return TextTest(found.tree.name, "equals", values)

    def _level(self, found: Resolved, text: str) -> Number:
        if text not in found.levels:
            raise MeaningError(
                say("没有等级“{text}”。", text=text), say("可用：{levels}。", levels="、".join(found.levels))
            )
        index = found.levels.index(text)
        return Number(Fraction(index), text)

    def _date(self, tree: Expression) -> Expression:
        if isinstance(tree, Text):
            try:
                day = date.fromisoformat(tree.value)
            except ValueError:
                raise MeaningError(
                    say("“{text}”不是日期。", text=tree.value), say("日期写作 '2022-12-31'。")
                ) from None
            return Number(Fraction(day.year * 10000 + day.month * 100 + day.day), tree.value)
        return self._expect(self.resolve(tree), "date").tree

    def _call(self, tree: Call) -> Resolved:
        match tree.function:
            case "if":
                return self._if(tree)
            case "min" | "max":
                return self._extreme(tree)
            case "abs":
                found = self._expect(self.resolve(self._arguments(tree, 1)[0]), "number")
                return Resolved(Call("abs", (found.tree,)), "number", found.unit)
            case "has":
                return Resolved(self._has(tree), "condition")
            case "missing":
                (argument,) = self._arguments(tree, 1)
                if not isinstance(argument, Name):
                    raise MeaningError(say("“缺(…)”里只能写一个名称。"))
                self._meaning(argument.name)
                return Resolved(Missing(argument.name), "condition")
            case "startswith":
                return Resolved(self._startswith(tree), "condition")
            case "full_years":
                (argument,) = self._arguments(tree, 1)
                found = self._expect(self.resolve(argument), "date")
                return Resolved(Call("full_years", (found.tree,)), "number", parse_unit("年"))
            case function if function in AGGREGATES:
                if self.aggregate is None:
                    raise MeaningError(say("这里不能用平均、合计、户数。"), say("请先在 [define] 中定义它。"))
                return self.aggregate(tree)
            case _:
                raise AssertionError(tree.function)

    def _arguments(self, tree: Call, count: int) -> tuple[Expression, ...]:
        if len(tree.arguments) != count:
            raise MeaningError(
                say(
                    "函数“{name}”要 {count} 个值，写了 {found} 个。",
                    name=tree.function,
                    count=count,
                    found=len(tree.arguments),
                )
            )
        return tree.arguments

    def _if(self, tree: Call) -> Resolved:
        condition, yes, no = self._arguments(tree, 3)
        tested = self.condition(condition)
        first = self._expect(self.resolve(yes), "number")
        second = self._expect(self.resolve(no), "number")
        first, second = self._same_unit(first, second)
        return Resolved(Call("if", (tested, first.tree, second.tree)), "number", first.unit)

    def _extreme(self, tree: Call) -> Resolved:
        if len(tree.arguments) < 2:
            raise MeaningError(say("最大、最小至少要两个值。"))
        found = [self._expect(self.resolve(argument), "number") for argument in tree.arguments]
        anchor = next((item for item in found if item.unit is not None), found[0])
        aligned = [self._same_unit(item, anchor)[0] for item in found]
        return Resolved(Call(tree.function, tuple(item.tree for item in aligned)), "number", anchor.unit)

    def _has(self, tree: Call) -> TextTest:
        """有('标签'), 有('标签', '级别') on the only tags input, or 有(项, '标签', '级别')."""
        arguments = list(tree.arguments)
        if arguments and isinstance(arguments[0], Name):
            name = arguments.pop(0)
            assert isinstance(name, Name)
            owner = name.name
        else:
            tags = [name for name, meaning in self.meanings.items() if meaning.kind == "tags"]
            if len(tags) != 1:
                if self.broken:
                    raise BrokenError("标签")
                raise MeaningError(
                    say("“有(…)”用于标签；本规则声明了 {count} 项标签。", count=len(tags)),
                    say("写作“有(项名, '标签')”。"),
                )
            owner = tags[0]
        if self._meaning(owner).kind != "tags":
            raise MeaningError(say("“{name}”不是标签。", name=owner))
        if not 1 <= len(arguments) <= 2:
            raise MeaningError(say("“有(…)”写一个标签，或标签和级别。"))
        return TextTest(owner, "has", (":".join(self._literal(item) for item in arguments),))

    def _startswith(self, tree: Call) -> TextTest:
        if len(tree.arguments) < 2 or not isinstance(tree.arguments[0], Name):
            raise MeaningError(say("写作“开头是(行业代码, '17', '18')”。"))
        found = self._expect(self.resolve(tree.arguments[0]), "text")
        assert isinstance(found.tree, Name)
        return TextTest(
            found.tree.name, "startswith", tuple(self._literal(item) for item in tree.arguments[1:])
        )


def _scaled(tree: Expression, unit: Unit) -> Expression:
    """A bare-number tree read as a quantity of ``unit``, in base units."""
    if isinstance(tree, Number):
        return Number(tree.value * unit.factor, f"{tree.text}{unit.symbol}")
    if unit.factor == 1:
        return tree
    return Arithmetic("*", tree, Number(unit.factor, unit.symbol))
