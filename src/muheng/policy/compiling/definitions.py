"""Data items and definitions of a policy file as nodes: units, missing rules, what is provably positive."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from muheng.documents.message import say
from muheng.documents.toml_file import KeyPath
from muheng.policy import plan as p
from muheng.policy.compiling.workspace import (
    LEFT_MISSING,
    REFUSE,
    SCORE_MEAN,
    SCORE_ZERO,
    Workspace,
    read_standing,
)
from muheng.policy.document import Definition, Input, Merge
from muheng.policy.expression import (
    Arithmetic,
    Call,
    Expression,
    ExpressionError,
    Name,
    Number,
    denominators,
    names_in,
    parse_expression,
)
from muheng.policy.resolve import Kind, Meaning, MeaningError, Resolved
from muheng.standards.units import default_digits, default_range, parse_unit

_MUST = re.compile(r"^\s*(>=|>|≥)\s*(\d+(?:\.\d+)?)\s*$")


def definition_order(ws: Workspace) -> list[str]:
    """Definitions so that each comes after those it reads, whatever their order in the file."""
    define = ws.document.define
    reads = {name: [read for read in _names_read(define[name]) if read in define] for name in define}
    while True:
        try:
            return list(TopologicalSorter(reads).static_order())
        except CycleError as error:
            cycle: list[str] = error.args[1]
            ws.error(
                ("define", cycle[-1]),
                say("循环引用：{cycle}。", cycle=" → ".join(reversed(cycle))),
                say("去掉其中一个引用。"),
            )
            ws.broken.update(cycle)
            reads = {
                name: [read for read in names if read not in cycle]
                for name, names in reads.items()
                if name not in cycle
            }


def add_input(ws: Workspace, name: str, declared: Input) -> None:
    """A data item as a node, with what its ``missing`` rule makes of the rows without it."""
    path: KeyPath = ("input", name)
    if declared.type == "数值":
        _number_input(ws, name, declared, path)
        return
    kind: Kind = {"文本": "text", "标签": "tags", "日期": "date", "等级": "level"}[declared.type]  # type: ignore[assignment]
    if kind == "level" and not declared.levels:
        ws.error(path, say("等级没有写取值。"), say('加上 levels = ["无", "一般", …]，由轻到重。'))
        return
    for key in ("unit", "digits", "range", "basis"):
        if getattr(declared, key) is not None:
            ws.error(
                (*path, key),
                say("{type}不用写 {key}。", type=declared.type, key=key),
                say("删去这一项。"),
            )
    meaning = Meaning(kind, None, declared.levels or (), declared.values or ())
    if not ws.declare(name, path, meaning):
        return
    missing = declared.missing
    fill: str | None = None
    if not isinstance(missing, str):
        ws.error((*path, "missing"), say("{type}的 missing 应为文字。", type=declared.type))
    elif missing in (SCORE_ZERO, SCORE_MEAN):
        ws.error((*path, "missing"), say("“{rule}”只用于数值。", rule=missing))
    elif missing not in (REFUSE, LEFT_MISSING) and read_standing(missing) is None:
        fill = missing
        options = declared.levels if kind == "level" else declared.values
        if options and fill not in options:
            ws.error(
                (*path, "missing"),
                say("替代值“{value}”不在取值中。", value=fill),
                say("可用：{values}。", values="、".join(options)),
            )
        if kind == "date":
            ws.error(
                (*path, "missing"),
                say("日期缺失时没有替代值。"),
                say("写“视为缺”“报错”或“不参评：理由”。"),
            )
    ws.nodes[name] = p.CodeInput(
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


def _number_input(ws: Workspace, name: str, declared: Input, path: KeyPath) -> None:
    if declared.unit is None:
        ws.error(path, say("数值没有写单位。"), say('加上 unit，如 unit = "万元"。'))
        return
    unit = ws.attempt((*path, "unit"), lambda: parse_unit(declared.unit or ""))
    if unit is None:
        return
    for key in ("levels", "values"):
        if getattr(declared, key) is not None:
            ws.error(
                (*path, key),
                say("{type}不用写 {key}。", type=declared.type, key=key),
                say("删去这一项。"),
            )
    if ("coal", 1) in unit.dimensions and declared.basis is None:
        ws.error(
            path,
            say("综合能耗没有写口径。"),
            say('加上 basis = "等价值" 或 "当量值"；两种口径相差约一倍半，不能默认。'),
        )
    if not ws.declare(name, path, Meaning("number", unit)):
        return
    low, high = declared.range or default_range(unit)
    if low >= high:
        ws.error((*path, "range"), say("合理范围的下限应小于上限。"))
    fill, causes = _missing_number(ws, declared, path)
    ws.missing_rules[name] = causes
    ws.nodes[name] = p.NumberInput(
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


def _missing_number(ws: Workspace, declared: Input, path: KeyPath) -> tuple[Fraction | None, frozenset[str]]:
    """What replaces a missing figure, and the rules that then decide about the score."""
    missing = declared.missing
    if not isinstance(missing, str):
        return Fraction(missing), frozenset()
    if missing in (SCORE_ZERO, SCORE_MEAN, LEFT_MISSING):
        return None, frozenset({missing})
    if missing == REFUSE or read_standing(missing) is not None:
        return None, frozenset()
    ws.error(
        (*path, "missing"),
        say("不认识的缺失处理“{rule}”。", rule=missing),
        say("写一个数、“得零分”“同组平均得分”“视为缺”“报错”，或“不参评：理由”。"),
    )
    return None, frozenset()


def add_definition(ws: Workspace, name: str, definition: Definition) -> None:
    """A formula, condition or grouping as a node; what cannot be understood is reported and leaves no node."""
    path: KeyPath = ("define", name)
    ways = [key for key in ("formula", "when", "group") if getattr(definition, key) is not None]
    if len(ways) != 1:
        ws.error(
            path,
            say("formula、when、group 应写且只写一个。"),
            say("数值写 formula，条件写 when，分组写 group。"),
        )
        return
    if ways[0] != "formula":
        for key in ("unit", "digits", "must", "otherwise"):
            if getattr(definition, key) is not None:
                shown = "else" if key == "otherwise" else key
                ws.error((*path, shown), say("{key} 只和 formula 一起用。", key=shown), say("删去这一项。"))
    if ways[0] == "when":
        tree = ws.condition((*path, "when"), definition.when or "")
        if tree is not None and ws.declare(name, path, Meaning("condition")):
            ws.nodes[name] = p.Condition(
                name=name, title=name, path=path, clause=definition.clause, tree=tree
            )
    elif ways[0] == "group":
        _grouping(ws, name, definition, path)
    else:
        _formula(ws, name, definition, path)


def _grouping(ws: Workspace, name: str, definition: Definition, path: KeyPath) -> None:
    source = definition.group or ""
    if source in ws.broken:
        return
    if source not in ws.meanings or ws.meanings[source].kind != "text":
        ws.error((*path, "group"), say("“{name}”不是已声明的文本项。", name=source), ws.suggest(source))
        return
    if not definition.table or definition.other is None:
        ws.error(path, say("分组要写 table 和 other。"), say("other 说明不在表中的归入哪一组。"))
        return
    seen: dict[str, str] = {}
    for label, prefixes in definition.table.items():
        for prefix in prefixes:
            if prefix in seen:
                ws.error(
                    (*path, "table", label),
                    say("“{prefix}”同时属于“{a}”和“{b}”。", prefix=prefix, a=seen[prefix], b=label),
                )
            seen[prefix] = label
    node = p.Grouping(
        name=name,
        title=name,
        path=path,
        clause=definition.clause,
        source=source,
        table=tuple(definition.table.items()),
        other=definition.other,
    )
    if ws.declare(name, path, Meaning("text", values=node.labels)):
        ws.nodes[name] = node


def _formula(ws: Workspace, name: str, definition: Definition, path: KeyPath) -> None:
    if definition.unit is None:
        ws.error(path, say("没有写单位。"), say('加上 unit；没有单位的比值写 unit = "1" 或 "%"。'))
        return
    unit = ws.attempt((*path, "unit"), lambda: parse_unit(definition.unit or ""))
    tree = (
        ws.attempt((*path, "formula"), lambda: ws.quantity(definition.formula or "", unit)) if unit else None
    )
    if unit is None or tree is None:
        return
    must: tuple[str, Fraction] | None = None
    if definition.must is not None:
        match = _MUST.match(definition.must)
        if match is None:
            ws.error((*path, "must"), say("must 写作“> 0”或“>= 0.1”。"))
        else:
            must = (match.group(1).replace("≥", ">="), Fraction(match.group(2)))
    if (definition.must is None) != (definition.otherwise is None):
        ws.error(
            path, say("must 和 else 应同时写。"), say("else 说明不满足时怎么办，如“不参评：无有效用地”。")
        )
    if not ws.declare(name, path, Meaning("number", unit)):
        return
    causes = ws.causes_behind(tree)
    if definition.otherwise == SCORE_ZERO:
        causes |= {SCORE_ZERO}
    elif definition.otherwise is not None and read_standing(definition.otherwise) is None:
        ws.error((*path, "else"), say("else 应为“不参评：理由”“暂缓评价：理由”或“得零分”。"))
    if any(not is_positive(ws, divisor) for divisor in denominators(tree)):
        causes |= {LEFT_MISSING}
    ws.missing_rules[name] = causes
    digits = default_digits(unit) if definition.digits is None else definition.digits
    if must is not None:
        # What ``must`` is asked of is the rounded value, also where it fails.
        whole = raw_name(name)
        ws.nodes[whole] = p.Formula(
            name=whole, title=name, path=path, unit=definition.unit, digits=digits, tree=tree
        )
        tree = Name(whole)
    ws.nodes[name] = p.Formula(
        name=name,
        title=name,
        path=path,
        clause=definition.clause,
        unit=definition.unit,
        digits=digits,
        tree=tree,
        must=must,
    )


def is_positive(ws: Workspace, tree: Expression) -> bool:
    """Whether the tree is provably above zero wherever it is not missing."""
    if isinstance(tree, Number):
        return tree.value > 0
    if isinstance(tree, Arithmetic) and tree.operator in "*/":
        return is_positive(ws, tree.left) and is_positive(ws, tree.right)
    if isinstance(tree, Arithmetic) and tree.operator == "+":
        sides = (tree.left, tree.right)
        return all(map(partial(_is_not_negative, ws), sides)) and any(map(partial(is_positive, ws), sides))
    if isinstance(tree, Call) and tree.function == "max":
        return any(map(partial(is_positive, ws), tree.arguments))
    if isinstance(tree, Name):
        node = ws.nodes.get(tree.name)
        if isinstance(node, p.NumberInput):
            return node.range[0] > 0 and (node.fill is None or node.fill > 0)
        return isinstance(node, p.Formula) and node.must is not None
    return False


def _is_not_negative(ws: Workspace, tree: Expression) -> bool:
    if isinstance(tree, Number):
        return tree.value >= 0
    if isinstance(tree, Name):
        node = ws.nodes.get(tree.name)
        if isinstance(node, p.NumberInput):
            return node.range[0] >= 0 and (node.fill is None or node.fill >= 0)
        return isinstance(node, p.Formula) and node.must is not None
    if isinstance(tree, Arithmetic) and tree.operator in "+*/":
        return _is_not_negative(ws, tree.left) and _is_not_negative(ws, tree.right)
    return (
        isinstance(tree, Call)
        and tree.function == "max"
        and any(map(partial(_is_not_negative, ws), tree.arguments))
    )


def name_aggregate(ws: Workspace, tree: Call) -> Resolved:
    """平均(x, 组…), 合计(x, 组…), 户数(组…) in a formula: over the rated rows of every class."""
    arguments = list(tree.arguments)
    of: str | None = None
    unit, symbol, digits = parse_unit("户"), "户", 0
    if tree.function != "count":
        first = arguments.pop(0) if arguments else None
        if not isinstance(first, Name):
            raise MeaningError(say("平均、合计的第一个值应为名称。"), say("请先在 [define] 中给它一个名称。"))
        found = ws.resolver.resolve(first)
        node = ws.nodes.get(first.name)
        if found.unit is None or not isinstance(node, p.Numeric):
            raise MeaningError(say("“{name}”不是数值，不能求平均或合计。", name=first.name))
        of, unit, symbol, digits = first.name, found.unit, node.unit, node.digits
    by: list[str] = []
    for argument in arguments:
        if not isinstance(argument, Name) or ws.resolver.resolve(argument).kind != "text":
            raise MeaningError(say("平均、合计、户数按文本项分组。"), say("如“平均(亩均税收, 行业组)”。"))
        by.append(argument.name)
    how: Literal["mean", "sum", "count"] = tree.function  # type: ignore[assignment]
    name = f"{tree.function}({', '.join([*([of] if of else []), *by])})"
    ws.nodes[name] = p.Aggregate(
        name=name, title=name, unit=symbol, digits=digits, how=how, of=of, by=tuple(by)
    )
    ws.missing_rules.setdefault(name, frozenset())
    return Resolved(Name(name), "number", unit)


def check_merge(ws: Workspace) -> None:
    """Report what ``[merge]`` names wrongly; its ``alone`` becomes a condition on the data items alone."""
    merge = ws.document.merge
    if merge is None:
        return
    for key, name, kind in (
        ("by", merge.by, "text"),
        ("land", merge.land, "number"),
        ("lead", merge.lead, "text"),
    ):
        if name is None or name in ws.broken:
            continue
        if name not in ws.document.input or ws.meanings[name].kind != kind:
            ws.error(
                ("merge", key),
                say("“{name}”不是已声明的数据项，或类型不符。", name=name),
                ws.suggest(name),
            )
    if merge.alone is not None:
        tree = ws.condition(("merge", "alone"), merge.alone)
        if tree is not None:
            ws.nodes[p.ALONE] = p.Condition(name=p.ALONE, title=p.ALONE, path=("merge", "alone"), tree=tree)
        for name in names_in(tree) if tree is not None else []:
            if name not in ws.document.input:
                ws.error(("merge", "alone"), say("合并条件只能用数据项，不能用中间值“{name}”。", name=name))


def raw_name(name: str) -> str:
    """The node of a definition's value before its ``must`` is asked."""
    return f"{name}.原值"


def _names_read(definition: Definition) -> list[str]:
    """What a definition reads, as far as it can be parsed; what cannot is reported where it is compiled."""
    if definition.group is not None:
        return [definition.group]
    try:
        return names_in(parse_expression(definition.formula or definition.when or ""))
    except ExpressionError:
        return []


def merge_reads(merge: Merge) -> set[str]:
    """The data items that merging reads; ``alone`` is known to be readable."""
    alone = names_in(parse_expression(merge.alone)) if merge.alone else []
    return {merge.by, merge.land, *alone, *([merge.lead] if merge.lead else [])}
