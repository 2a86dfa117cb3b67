"""Formulas, conditions, units and dates of a policy file in the words of an ordinary document.

A policy file writes `用地 < 3`; a document that an official signs says 用地不足 3 亩. Nothing is evaluated here,
and what cannot be parsed stands as it was written.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from muheng.documents.message import Message, say
from muheng.policy import plan as p
from muheng.policy.expression import (
    Arithmetic,
    Call,
    Comparison,
    Expression,
    ExpressionError,
    Listing,
    Logic,
    Name,
    Negation,
    Not,
    Number,
    Text,
    names_in,
    parse_expression,
)
from muheng.standards.rounding import format_exact

Said = Message | str

YEAR_END = "年末"
# Operators of a comparison read from right to left.
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}

_UNITS = {
    "1": say("比值"), "元": say("元"), "万元": say("万元"), "亿元": say("亿元"), "亩": say("亩"), "公顷": say("公顷"),
    "m²": say("平方米"), "㎡": say("平方米"), "m2": say("平方米"), "万m²": say("万平方米"), "kWh": say("千瓦时"),
    "万kWh": say("万千瓦时"), "亿kWh": say("亿千瓦时"), "tce": say("吨标准煤"), "万tce": say("万吨标准煤"),
    "kgce": say("千克标准煤"), "t": say("吨"), "万t": say("万吨"), "kg": say("千克"), "m³": say("立方米"), "m3": say("立方米"),
    "万m³": say("万立方米"), "GJ": say("吉焦"), "人": say("人"), "户": say("户"), "项": say("项"), "分": say("分"), "年": say("年"),
}  # fmt: skip


def joined(parts: Sequence[Said], word: str = "、") -> Said:
    """The parts one after the other, with 、 or another word of ``_JOINTS`` between them, in each language its own."""
    if not parts:
        return "—"
    if len(parts) == 1:
        return parts[0]
    # Halved, so that long lists do not nest deeply.
    middle = len(parts) // 2
    first, second = joined(parts[:middle], word), joined(parts[middle:], word)
    match word:
        case "；":
            return say("{first}；{second}", first=first, second=second)
        case "，":
            return say("{first}，{second}", first=first, second=second)
        case "，且":
            return say("{first}，且{second}", first=first, second=second)
        case "，或":
            return say("{first}，或{second}", first=first, second=second)
    return say("{first}、{second}", first=first, second=second)


def any_of(parts: Sequence[Said]) -> Said:
    """44、45或46."""
    if len(parts) < 2:
        return joined(parts)
    return say("{others}或{last}", others=joined(parts[:-1]), last=parts[-1])


def quoted(text: str) -> Message:
    """“规上”."""
    return say("“{text}”", text=text)


def unit_words(unit: str) -> Said:
    """万kWh as 万千瓦时, 万元/tce as 万元/吨标准煤; a unit that has no other name stays."""
    if (known := _UNITS.get(unit)) is not None:
        return known
    above, stroke, below = unit.partition("/")
    if not stroke or above not in _UNITS or below not in _UNITS:
        return unit
    return say("{above}/{below}", above=_UNITS[above], below=_UNITS[below])


def amount(figure: Said, unit: str) -> Said:
    """3 亩; figures without a unit, and per cent, stand alone."""
    if unit in ("", "1"):
        return figure
    if unit in ("%", "‰"):
        return f"{figure}{unit}"
    return say("{figure} {unit}", figure=figure, unit=unit_words(unit))


def figure(value: str | Decimal | Fraction | int) -> str:
    """A figure as its author wrote it: 24.097, 5%, 100."""
    if isinstance(value, str):
        return value.strip()
    return format_exact(Fraction(value))


def day(date: datetime.date) -> Message:
    """2022年1月1日."""
    return say("{year}年{month}月{day}日", year=date.year, month=date.month, day=date.day)


class Reader:
    """Puts the expressions of one policy into words; ``plan`` knows what each name is, and is None where the file
    does not compile."""

    def __init__(self, plan: p.Plan | None) -> None:
        self.plan = plan

    def unit_of(self, name: str) -> str:
        node = self._node(name)
        return node.unit if isinstance(node, p.Numeric) else ""

    def formula(self, source: str) -> Said:
        """入库税收÷用地."""
        try:
            return self._quantity(parse_expression(source), 0)
        except ExpressionError:
            return source

    def condition(self, source: str) -> Said:
        """规模为“规下”，且用地不足 3 亩."""
        try:
            return self._condition(parse_expression(source), False)
        except ExpressionError:
            return source

    def _node(self, name: str) -> p.AnyNode | None:
        return self.plan.by_name.get(name) if self.plan is not None else None

    # -- conditions ------------------------------------------------------------------------------------------

    def _condition(self, tree: Expression, inner: bool) -> Said:
        match tree:
            case Logic(operator, operands):
                word = "，且" if operator == "and" else "，或"
                whole = joined([self._condition(operand, True) for operand in operands], word)
                return say("（{text}）", text=whole) if inner else whole
            case Not(operand):
                return self._denied(operand)
            case Comparison(operator, left, right):
                return self._comparison(operator, left, right)
            case Name(name):
                return say("符合“{name}”", name=name)
            case Call("has", arguments) if arguments:
                return say("有{tag}标签", tag=self._tag(arguments))
            case Call("missing", (Name(name),)):
                return say("没有{name}", name=name)
            case Call("startswith", (Name(name), *starts)):
                return say("{name}以{starts}开头", name=name, starts=any_of(_texts(starts)))
        return self._quantity(tree, 0)

    def _denied(self, tree: Expression) -> Said:
        match tree:
            case Name(name):
                return say("不符合“{name}”", name=name)
            case Call("has", arguments) if arguments:
                return say("没有{tag}标签", tag=self._tag(arguments))
            case Call("missing", (Name(name),)):
                return say("有{name}", name=name)
            case Call("startswith", (Name(name), *starts)):
                return say("{name}不以{starts}开头", name=name, starts=any_of(_texts(starts)))
        return say("并非（{text}）", text=self._condition(tree, False))

    def _tag(self, arguments: tuple[Expression, ...]) -> Said:
        owner = arguments[0].name if isinstance(arguments[0], Name) and len(arguments) > 1 else None
        tag, *level = _texts(arguments[1:] if owner else arguments)
        said = say("“{tag}”（{level}）", tag=tag, level=level[0]) if level else quoted(tag)
        return said if owner is None else say("{name}中的{tag}", name=owner, tag=said)

    def _comparison(self, operator: str, left: Expression, right: Expression) -> Said:
        if operator == "in" and isinstance(right, Listing):
            values: list[Said] = [quoted(text) for text in _texts(right.items)]
            return say("{name}为{values}", name=self._quantity(left, 0), values=any_of(values))
        if isinstance(left, Number | Text) and operator in _TURNED:
            left, right, operator = right, left, _TURNED[operator]
        if (
            isinstance(left, Call)
            and left.function == "full_years"
            and left.arguments
            and operator in ("<", ">=")
        ):
            since, years = self._quantity(left.arguments[0], 0), self._quantity(right, 0)
            if operator == "<":
                return say("{since}至评价年度12月31日不满 {years} 年", since=since, years=years)
            return say("{since}至评价年度12月31日满 {years} 年", since=since, years=years)
        first = self._quantity(left, 0)
        if self._is_date(left) or self._is_date(right):
            return _compared_dates(operator, first, self._date(right))
        if isinstance(right, Text):
            return _compared_texts(operator, first, quoted(right.value))
        if isinstance(right, Number) and right.value > 0:
            return _compared_figures(operator, first, amount(right.text, self._unit(left)))
        return _compared(operator, first, self._quantity(right, 0))

    def _is_date(self, tree: Expression) -> bool:
        if not isinstance(tree, Name):
            return False
        node = self._node(tree.name)
        return tree.name == YEAR_END or (isinstance(node, p.CodeInput) and node.kind == "date")

    def _date(self, tree: Expression) -> Said:
        if isinstance(tree, Text):
            try:
                return day(datetime.date.fromisoformat(tree.value))
            except ValueError:
                return tree.value
        return self._quantity(tree, 0)

    def _unit(self, tree: Expression) -> str:
        """The unit that a plain figure beside ``tree`` is in: that of its names, where they have one."""
        if isinstance(tree, Call) and tree.function == "full_years":
            return "年"
        if isinstance(tree, Call) and tree.function == "count":
            return "户"
        units = {unit for name in names_in(tree) if (unit := self.unit_of(name))}
        if isinstance(tree, Arithmetic) and tree.operator in "*/":
            return ""
        return units.pop() if len(units) == 1 else ""

    # -- formulas --------------------------------------------------------------------------------------------

    def _quantity(self, tree: Expression, strength: int) -> Said:
        match tree:
            case Number(_, text):
                return text
            case Text(value):
                return quoted(value)
            case Name(name):
                return say("评价年度12月31日") if name == YEAR_END else name
            case Negation(operand):
                return say("－{value}", value=self._quantity(operand, 3))
            case Arithmetic(operator, left, right):
                level = 1 if operator in "+-" else 2
                first, second = self._quantity(left, level), self._quantity(right, level + 1)
                whole = _combined(operator, first, second)
                return say("（{text}）", text=whole) if level < strength else whole
            case Call():
                called = self._called(tree)
                return say("（{text}）", text=called) if strength else called
            case Listing(items):
                return joined([self._quantity(item, 0) for item in items])
            case Logic() | Not() | Comparison():
                return self._condition(tree, True)
        return "…"

    def _called(self, tree: Call) -> Said:
        arguments = tree.arguments
        if tree.function == "if" and len(arguments) == 3:
            return say(
                "{condition}的，取 {value}，否则取 {other}",
                condition=self._condition(arguments[0], False),
                value=self._quantity(arguments[1], 0),
                other=self._quantity(arguments[2], 0),
            )
        parts = [self._quantity(argument, 0) for argument in arguments]
        if tree.function in ("mean", "sum", "count"):
            return _over_group(tree.function, parts)
        match tree.function:
            case "max" if len(parts) == 2:
                return say("{first}与{second}中的较大者", first=parts[0], second=parts[1])
            case "min" if len(parts) == 2:
                return say("{first}与{second}中的较小者", first=parts[0], second=parts[1])
            case "max":
                return say("{values} 中最大者", values=joined(parts))
            case "min":
                return say("{values} 中最小者", values=joined(parts))
            case "abs":
                return say("{value} 的绝对值", value=joined(parts))
            case "full_years":
                return say("{since}至评价年度12月31日的满周年数", since=joined(parts))
        return say("{function}（{values}）", function=tree.function, values=joined(parts))


def _texts(trees: Sequence[Expression]) -> list[str]:
    return [_text(tree) for tree in trees]


def _text(tree: Expression) -> str:
    match tree:
        case Text(value):
            return value
        case Name(name):
            return name
        case Number(_, text):
            return text
    return "…"  # not a text at all: the compiler says so


def _over_group(function: str, parts: list[Said]) -> Said:
    """Figures of a group are over the rated enterprises alone."""
    if function == "count":
        if not parts:
            return say("参评企业户数")
        return say("同一{groups}的参评企业户数", groups=joined(parts))
    of, *groups = parts
    if function == "mean":
        if not groups:
            return say("参评企业{name}的平均值", name=of)
        return say("同一{groups}参评企业{name}的平均值", groups=joined(groups), name=of)
    if not groups:
        return say("参评企业{name}的合计", name=of)
    return say("同一{groups}参评企业{name}的合计", groups=joined(groups), name=of)


def _combined(operator: str, first: Said, second: Said) -> Message:
    match operator:
        case "+":
            return say("{first}＋{second}", first=first, second=second)
        case "-":
            return say("{first}－{second}", first=first, second=second)
        case "*":
            return say("{first}×{second}", first=first, second=second)
    return say("{first}÷{second}", first=first, second=second)


def _compared_figures(operator: str, first: Said, second: Said) -> Message:
    match operator:
        case "<":
            return say("{first}不足 {second}", first=first, second=second)
        case "<=":
            return say("{first}不超过 {second}", first=first, second=second)
        case ">":
            return say("{first}超过 {second}", first=first, second=second)
        case ">=":
            return say("{first}达到 {second}", first=first, second=second)
    return _compared(operator, first, second)


def _compared(operator: str, first: Said, second: Said) -> Message:
    match operator:
        case "<":
            return say("{first}小于{second}", first=first, second=second)
        case "<=":
            return say("{first}不大于{second}", first=first, second=second)
        case ">":
            return say("{first}大于{second}", first=first, second=second)
        case ">=":
            return say("{first}不小于{second}", first=first, second=second)
        case "!=":
            return say("{first}不等于{second}", first=first, second=second)
    return say("{first}等于{second}", first=first, second=second)


def _compared_texts(operator: str, first: Said, second: Said) -> Message:
    match operator:
        case "!=":
            return say("{name}不是{value}", name=first, value=second)
        case "<":
            return say("{name}低于{value}", name=first, value=second)
        case "<=":
            return say("{name}为{value}及以下", name=first, value=second)
        case ">":
            return say("{name}高于{value}", name=first, value=second)
        case ">=":
            return say("{name}为{value}及以上", name=first, value=second)
    return say("{name}为{value}", name=first, value=second)


def _compared_dates(operator: str, first: Said, second: Said) -> Message:
    match operator:
        case "<":
            return say("{first}早于{second}", first=first, second=second)
        case "<=":
            return say("{first}不晚于{second}", first=first, second=second)
        case ">":
            return say("{first}晚于{second}", first=first, second=second)
        case ">=":
            return say("{first}不早于{second}", first=first, second=second)
        case "!=":
            return say("{first}不是{second}", first=first, second=second)
    return say("{first}为{second}", first=first, second=second)
