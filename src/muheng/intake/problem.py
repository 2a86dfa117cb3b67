"""What is wrong in a department's file, at which cell, and how to mend it. Finds nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from muheng.documents.message import Language, Message, say

PROBLEM_SHEET = "问题清单"
"""The sheet that we add to a workbook handed back; intake does not read it."""

Severity = Literal["error", "warning"]

SEVERITY_NAMES: dict[Severity, Message] = {"error": say("错误"), "warning": say("提示")}


@dataclass(frozen=True)
class Problem:
    """One finding in a file. `row` is 1-based; `cell` is an address such as F17; unknown is None."""

    severity: Severity
    file: str
    sheet: str | None
    row: int | None
    column: str | None
    cell: str | None
    found: str
    what: Message
    fix: Message | None = None
    enterprise: str | None = None
    code: str | None = None


def format_problem(problem: Problem, lang: Language = "zh") -> str:
    """`税务局2022.xlsx · 入库税收 · F17：“1,234.5万” 不是数字。` and, indented below, how to mend it."""
    sheet = problem.sheet if problem.column is None else problem.column
    place = problem.cell or (None if problem.row is None else say("第{row}行", row=problem.row).render(lang))
    where = " · ".join(part for part in (problem.file, sheet, place) if part)
    text = say("{where}：{what}", where=where, what=problem.what).render(lang)
    return text if problem.fix is None else f"{text}\n  {problem.fix.render(lang)}"


def problem_json(problem: Problem, lang: Language = "zh") -> dict[str, Any]:
    """The finding as JSON values, sentences rendered in `lang`."""
    return {
        "severity": problem.severity,
        "file": problem.file,
        "sheet": problem.sheet,
        "row": problem.row,
        "column": problem.column,
        "cell": problem.cell,
        "found": problem.found,
        "what": problem.what.render(lang),
        "fix": None if problem.fix is None else problem.fix.render(lang),
        "enterprise": problem.enterprise,
        "code": problem.code,
    }
