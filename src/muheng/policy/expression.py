"""The closed expression language of policy files: text → a small syntax tree.

It can name declared values, compare, calculate and call the functions listed in ``FUNCTIONS``; nothing else
exists in it. There is no evaluation here: names, types and units are checked by ``resolve``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from muheng.documents.message import Message, say

MAX_LENGTH = 4_000
MAX_DEPTH = 60


@dataclass(frozen=True)
class Number:
    value: Fraction
    text: str


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Listing:
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Negation:
    operand: Expression


@dataclass(frozen=True)
class Arithmetic:
    operator: str  # + - * /
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Comparison:
    operator: str  # == != < <= > >= in
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Logic:
    operator: str  # and or
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Not:
    operand: Expression


@dataclass(frozen=True)
class Call:
    function: str  # canonical English name, see FUNCTIONS
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class TextTest:
    """A resolved test of a text or tags column. ``how``: equals, startswith or has (tag, or tag:level)."""

    name: str
    how: Literal["equals", "startswith", "has"]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Missing:
    """Whether a declared value is missing in a row (before any replacement)."""

    name: str


Expression = (
    Number
    | Text
    | Name
    | Listing
    | Negation
    | Arithmetic
    | Comparison
    | Logic
    | Not
    | Call
    | TextTest
    | Missing
)

FUNCTIONS: dict[str, str] = {
    "if": "if",
    "如果": "if",
    "min": "min",
    "最小": "min",
    "max": "max",
    "最大": "max",
    "abs": "abs",
    "绝对值": "abs",
    "has": "has",
    "有": "has",
    "missing": "missing",
    "缺": "missing",
    "startswith": "startswith",
    "开头是": "startswith",
    "full_years": "full_years",
    "满年": "full_years",
    "mean": "mean",
    "平均": "mean",
    "sum": "sum",
    "合计": "sum",
    "count": "count",
    "户数": "count",
}
AGGREGATES = frozenset({"mean", "sum", "count"})

_WORDS = {
    "and": "and",
    "且": "and",
    "or": "or",
    "或": "or",
    "not": "not",
    "非": "not",
    "in": "in",
    "属于": "in",
}
_OPERATORS = {
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "×": "*",
    "÷": "/",
    "（": "(",
    "）": ")",
    "，": ",",
    "＝＝": "==",
}
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?%?)
    | (?P<text>'[^'\n]*'|"[^"\n]*")
    | (?P<quoted>`[^`\n]+`)
    | (?P<name>[^\W\d]\w*)
    | (?P<operator>==|!=|<=|>=|＝＝|[-+*/()<>,\[\]≥≤≠×÷（），])
    )""",
    re.VERBOSE,
)


class ExpressionError(Exception):
    """The text is not an expression; ``what`` says why, ``position`` where (0-based character)."""

    def __init__(self, what: Message, position: int) -> None:
        super().__init__(str(what))
        self.what = what
        self.position = position


@dataclass(frozen=True)
class _Token:
    kind: str
    value: str
    position: int


def _tokenise(source: str) -> Iterator[_Token]:
    position = 0
    end = len(source.rstrip())
    while position < end:
        match = _TOKEN.match(source, position)
        if match is None or match.end() == position:
            while position < end and source[position].isspace():
                position += 1
            if source[position] == "=":
                what = say("第 {column} 个字符“=”：比较两个值请写 ==。", column=position + 1)
            else:
                what = say("第 {column} 个字符“{found}”不认识。", column=position + 1, found=source[position])
            raise ExpressionError(what, position)
        kind = match.lastgroup or ""
        value = match.group(kind)
        start = match.start(kind)
        if kind == "name" and value.lower() in _WORDS:
            yield _Token("word", _WORDS[value.lower()], start)
        elif kind == "quoted":
            yield _Token("name", value[1:-1], start)
        elif kind == "operator":
            yield _Token("operator", _OPERATORS.get(value, value), start)
        else:
            yield _Token(kind, value, start)
        position = match.end()
    yield _Token("end", "", end)


class _Parser:
    """Recursive descent over one expression; depth is bounded: hostile text cannot exhaust the stack."""

    def __init__(self, source: str) -> None:
        self.tokens = list(_tokenise(source))
        self.index = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.index]

    def accept(self, kind: str, *values: str) -> _Token | None:
        token = self.token
        if token.kind == kind and (not values or token.value in values):
            self.index += 1
            return token
        return None

    def expect(self, value: str) -> None:
        if self.accept("operator", value) is None:
            raise self.unexpected(say("应为“{value}”", value=value))

    def unexpected(self, expected: Message) -> ExpressionError:
        token = self.token
        if token.kind == "end":
            return ExpressionError(say("公式没有写完：{expected}。", expected=expected), token.position)
        return ExpressionError(
            say(
                "第 {column} 个字符“{found}”处：{expected}。",
                column=token.position + 1,
                found=token.value,
                expected=expected,
            ),
            token.position,
        )

    def parse(self) -> Expression:
        tree = self.disjunction()
        if self.token.kind != "end":
            raise self.unexpected(say("公式到这里应当结束"))
        return tree

    def disjunction(self) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(
                say("括号套得太深（超过 {limit} 层）。", limit=MAX_DEPTH), self.token.position
            )
        operands = [self.conjunction()]
        while self.accept("word", "or"):
            operands.append(self.conjunction())
        self.depth -= 1
        return operands[0] if len(operands) == 1 else Logic("or", tuple(operands))

    def conjunction(self) -> Expression:
        operands = [self.inversion()]
        while self.accept("word", "and"):
            operands.append(self.inversion())
        return operands[0] if len(operands) == 1 else Logic("and", tuple(operands))

    def inversion(self) -> Expression:
        negations = 0
        while self.accept("word", "not"):
            negations += 1
        tree = self.comparison()
        return Not(tree) if negations % 2 else tree

    def comparison(self) -> Expression:
        left = self.addition()
        token = self.accept("operator", "==", "!=", "<", "<=", ">", ">=") or self.accept("word", "in")
        if token is None:
            return left
        right = self.addition()
        if self.token.kind == "operator" and self.token.value in ("==", "!=", "<", "<=", ">", ">="):
            raise self.unexpected(say("一次只能比较两个值，请用“且”连接"))
        return Comparison(token.value, left, right)

    def addition(self) -> Expression:
        tree = self.multiplication()
        while token := self.accept("operator", "+", "-"):
            tree = Arithmetic(token.value, tree, self.multiplication())
        return tree

    def multiplication(self) -> Expression:
        tree = self.sign()
        while token := self.accept("operator", "*", "/"):
            tree = Arithmetic(token.value, tree, self.sign())
        return tree

    def sign(self) -> Expression:
        minus = 0
        while token := self.accept("operator", "-", "+"):
            minus += token.value == "-"
        tree = self.atom()
        return Negation(tree) if minus % 2 else tree

    def atom(self) -> Expression:
        if token := self.accept("number"):
            text = token.value
            value = Fraction(text.rstrip("%"))
            return Number(value / 100 if text.endswith("%") else value, text)
        if token := self.accept("text"):
            return Text(token.value[1:-1])
        if token := self.accept("name"):
            if self.token.kind == "operator" and self.token.value == "(":
                return self.call(token)
            return Name(token.value)
        if self.accept("operator", "("):
            tree = self.disjunction()
            self.expect(")")
            return tree
        if self.accept("operator", "["):
            return Listing(tuple(self.sequence("]")))
        raise self.unexpected(say("应为名称、数值或括号"))

    def call(self, token: _Token) -> Expression:
        function = FUNCTIONS.get(token.value) or FUNCTIONS.get(token.value.lower())
        if function is None:
            known = "、".join(name for name in FUNCTIONS if not name.isascii())
            raise ExpressionError(
                say("没有函数“{name}”；可用的有：{known}。", name=token.value, known=known), token.position
            )
        self.expect("(")
        return Call(function, tuple(self.sequence(")")))

    def sequence(self, closing: str) -> Iterator[Expression]:
        items: list[Expression] = []
        while not self.accept("operator", closing):
            if items:
                self.expect(",")
            items.append(self.disjunction())
        return iter(items)


@lru_cache(maxsize=4096)
def parse_expression(source: str) -> Expression:
    """Parse one expression; raises :class:`ExpressionError`."""
    if len(source) > MAX_LENGTH:
        raise ExpressionError(
            say("公式太长（{length} 个字符，最多 {limit}）。", length=len(source), limit=MAX_LENGTH), 0
        )
    tree = _Parser(source).parse()
    # A chain such as a+a+a+… nests to the left without any bracket.
    if _is_too_deep(tree):
        raise ExpressionError(
            say("公式层次太深（超过 {limit} 层），请拆成几个有名称的中间值。", limit=MAX_DEPTH), 0
        )
    return tree


def children(tree: Expression) -> tuple[Expression, ...]:
    """The direct parts of a tree, left to right."""
    match tree:
        case Negation(operand) | Not(operand):
            return (operand,)
        case Arithmetic(_, left, right) | Comparison(_, left, right):
            return (left, right)
        case Logic(_, operands) | Listing(operands) | Call(_, operands):
            return operands
        case _:
            return ()


def walk(tree: Expression) -> Iterator[Expression]:
    """All nodes of the tree, the root first, left to right."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def _is_too_deep(tree: Expression) -> bool:
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
        if not level:
            return False
    return True


def names_in(tree: Expression) -> list[str]:
    """Declared names the expression reads, in order of appearance, without repetition."""
    found = (node.name for node in walk(tree) if isinstance(node, Name | TextTest | Missing))
    return list(dict.fromkeys(found))


def denominators(tree: Expression) -> list[Expression]:
    """What the tree divides by, constant divisors left out."""
    divisions = (node for node in walk(tree) if isinstance(node, Arithmetic) and node.operator == "/")
    return [node.right for node in divisions if names_in(node.right)]
