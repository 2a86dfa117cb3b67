"""A policy file becomes a plan, or a list of everything that is wrong with it; never an exception.

Shapes are checked by ``document``, expressions by ``resolve``; here the parts are put together: which names
exist, what depends on what, and what every choice that the author must make means for the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import say
from muheng.documents.schema import validate
from muheng.documents.toml_file import TomlFile, read_toml
from muheng.policy import plan as p
from muheng.policy.compiling.classes import add_classes, add_exemptions, add_standing
from muheng.policy.compiling.definitions import (
    add_definition,
    add_input,
    check_merge,
    definition_order,
    merge_reads,
    name_aggregate,
)
from muheng.policy.compiling.grading import add_grading, add_totals, check_grades
from muheng.policy.compiling.indicators import add_indicators, add_picks
from muheng.policy.compiling.workspace import SYSTEM_NAMES, Workspace
from muheng.policy.document import PolicyDocument
from muheng.policy.lint import lint
from muheng.policy.resolve import Meaning


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
    return _compile(Workspace(file, document, trial, name_aggregate))


def _compile(ws: Workspace) -> Compiled:
    document = ws.document
    if document.policy.valid.until is not None and document.policy.valid.until <= document.policy.valid.start:
        ws.error(
            ("policy", "valid"), say("适用期间的终止日期应晚于起始日期。"), say("until 是不含的那一天。")
        )
    ws.meanings["年末"] = Meaning("date")
    for name, declared in document.input.items():
        add_input(ws, name, declared)
        if name not in ws.meanings and name not in SYSTEM_NAMES:
            ws.broken.add(name)
    for name in definition_order(ws):
        add_definition(ws, name, document.define[name])
        if name not in ws.meanings and name not in SYSTEM_NAMES:
            ws.broken.add(name)
    check_merge(ws)
    add_classes(ws)
    add_exemptions(ws)
    for class_name in document.classes:
        add_indicators(ws, class_name)
    add_picks(ws)
    add_standing(ws)
    add_totals(ws)
    check_grades(ws)
    add_grading(ws)
    if not ws.has_errors():
        _unused(ws)
    for finding in lint(document):
        ws.report("warning" if ws.trial else finding.severity, finding.path, finding.what, finding.fix)
    ordered = _in_order(ws)
    ws.found.sort(key=lambda item: (item.line or 0, item.severity))
    if ordered is None or ws.has_errors():
        return Compiled(None, tuple(ws.found))
    made = p.Plan(
        document=document,
        text=ws.file.text,
        nodes=ordered,
        classes=tuple(document.classes),
        grades=ws.grades,
        indicators=tuple(ws.indicators),
    )
    return Compiled(made, tuple(ws.found))


def _unused(ws: Workspace) -> None:
    read = {name for node in ws.nodes.values() for name in node.reads()}
    for section, declared in (("input", ws.document.input), ("define", ws.document.define)):
        for name in declared:
            if name not in read and not (ws.document.merge and name in merge_reads(ws.document.merge)):
                ws.report(
                    "warning",
                    (section, name),
                    say("“{name}”没有用到。", name=name),
                    say("删去，或检查公式是否漏写。"),
                )


def _in_order(ws: Workspace) -> tuple[p.AnyNode, ...] | None:
    graph = {name: [read for read in node.reads() if read in ws.nodes] for name, node in ws.nodes.items()}
    try:
        return tuple(ws.nodes[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = error.args[1]
        paths = [ws.nodes[name].path for name in cycle if ws.nodes[name].path]
        ws.error(
            paths[0] if paths else ("define",),
            say("循环引用：{cycle}。", cycle=" → ".join(reversed(cycle))),
            say("去掉其中一个引用。"),
        )
        return None
