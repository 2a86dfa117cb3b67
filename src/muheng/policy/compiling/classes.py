"""Classes of enterprises, and the rules by which a row is not rated like the others."""

from __future__ import annotations

from muheng.documents.message import say
from muheng.documents.toml_file import KeyPath
from muheng.policy import plan as p
from muheng.policy.compiling.definitions import raw_name
from muheng.policy.compiling.workspace import Workspace, read_standing
from muheng.policy.expression import Comparison, Expression, Missing, Name, Number
from muheng.policy.resolve import Meaning
from muheng.standards.units import parse_unit


def add_classes(ws: Workspace) -> None:
    """Which class each row is of: the first whose ``when`` holds, in the order of the file."""
    document = ws.document
    if not document.classes:
        ws.error(("class",), say("没有评价类别。"), say("加上 [class.工业企业] 和它的指标。"))
    rules: list[tuple[str, Expression | None]] = []
    for name, declared in document.classes.items():
        path: KeyPath = ("class", name)
        if declared.when is None and len(document.classes) > 1:
            ws.error(path, say("有多类时，每类都要写 when。"), say("如 when = \"规模 == '规上'\"。"))
        tree = None if declared.when is None else ws.condition((*path, "when"), declared.when)
        rules.append((name, tree))
        if declared.like is not None:
            other = document.classes.get(declared.like)
            if other is None or other.like is not None:
                ws.error((*path, "like"), say("like 应写另一类（它自己写了指标）。"))
            if declared.indicator:
                ws.error((*path, "like"), say("like 与 indicator 不能同时写。"))
        elif not declared.indicator:
            ws.error(
                path,
                say("“{name}”没有指标。", name=name),
                say("加上 [[class.{name}.indicator]]。", name=name),
            )
    ws.nodes[p.CLASS] = p.Classify(name=p.CLASS, title=p.CLASS, path=("class",), rules=tuple(rules))
    ws.meanings[p.CLASS] = Meaning("text", values=tuple(document.classes))


def add_exemptions(ws: Workspace) -> None:
    """The standing rules of ``[[exempt]]``, in the order of the file; the first that holds decides."""
    for index, rule in enumerate(ws.document.exempt):
        path: KeyPath = ("exempt", index)
        tree = ws.condition((*path, "when"), rule.when)
        if rule.treated_as is not None and rule.treated_as not in ws.grades:
            ws.error((*path, "treated_as"), say("没有等级“{grade}”。", grade=rule.treated_as))
        if tree is not None:
            ws.standing_rules.append(
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


def add_standing(ws: Workspace) -> None:
    """Exemptions first, then what keeps a row from being rated: no class, no data, failed ``must``."""
    rules = list(ws.standing_rules)
    classes = list(ws.document.classes)
    if all(declared.when is not None for declared in ws.document.classes.values()):
        none = Missing(p.CLASS)
        rules.append(p.StandingRule("不参评", "不属于任何评价类别", none, path=("class",)))
    for name, declared in ws.document.input.items():
        found = read_standing(declared.missing)
        if found is None:
            continue
        only = tuple(c for c in classes if name in ws.class_uses.get(c, set()))
        everywhere = declared.type != "数值" or len(only) == len(classes)
        if only or everywhere:
            rules.append(
                p.StandingRule(
                    *found,
                    Missing(name),
                    None if everywhere else only,
                    path=("input", name),
                    clause=declared.clause,
                )
            )
    for name, definition in ws.document.define.items():
        found = read_standing(definition.otherwise)
        node = ws.nodes.get(name)
        if found is None or not isinstance(node, p.Formula) or node.must is None:
            continue
        only = tuple(c for c in classes if name in ws.class_uses.get(c, set()))
        operator, limit = node.must
        least = Number(limit * parse_unit(node.unit).factor, str(limit))
        tree = Comparison("<=" if operator == ">" else "<", Name(raw_name(name)), least)
        if only:
            rules.append(
                p.StandingRule(
                    *found,
                    tree,
                    None if len(only) == len(classes) else only,
                    path=("define", name),
                    clause=definition.clause,
                )
            )
    rules += ws.value_rules
    ws.nodes[p.STANDING] = p.Standing(name=p.STANDING, title=p.STANDING, path=("exempt",), rules=tuple(rules))
