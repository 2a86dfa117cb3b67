"""What is wrong with a document, where, and how to mend it. Holds no rule of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from muheng.documents.message import Language, Message, say


@dataclass(frozen=True)
class Diagnostic:
    """One finding. `line` counts from 1; `path` is for a person: `class.规上.indicator[亩均税收].weight`."""

    severity: Literal["error", "warning"]
    file: str
    line: int | None
    path: str
    what: Message
    fix: Message | None = None


def format_diagnostics(diagnostics: Iterable[Diagnostic], lang: Language = "zh") -> str:
    """All findings as text, in the order given, closed by a line that counts them."""
    found = list(diagnostics)
    lines: list[str] = []
    for diagnostic in found:
        place = diagnostic.file if diagnostic.line is None else f"{diagnostic.file}:{diagnostic.line}"
        lines.append(f"{place}  {diagnostic.path}".rstrip())
        what = diagnostic.what
        if diagnostic.severity == "warning":
            what = say("提示：{what}", what=what)
        lines.append(_indent(what.render(lang)))
        if diagnostic.fix is not None:
            lines.append(_indent(say("改法：{fix}", fix=diagnostic.fix).render(lang)))
    errors = sum(diagnostic.severity == "error" for diagnostic in found)
    warnings = len(found) - errors
    if errors:
        count = say("{errors} 个错误，{warnings} 个提示。未运行。", errors=errors, warnings=warnings)
    else:
        count = say("{errors} 个错误，{warnings} 个提示。", errors=errors, warnings=warnings)
    lines.append(count.render(lang))
    return "\n".join(lines)


def diagnostic_json(diagnostic: Diagnostic, lang: Language = "zh") -> dict[str, Any]:
    """The finding as JSON values, sentences rendered in `lang`."""
    return {
        "severity": diagnostic.severity,
        "file": diagnostic.file,
        "line": diagnostic.line,
        "path": diagnostic.path,
        "what": diagnostic.what.render(lang),
        "fix": None if diagnostic.fix is None else diagnostic.fix.render(lang),
    }


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
