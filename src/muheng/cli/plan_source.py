"""What ``muheng plan`` is given: a plain folder or the emergency list's workbook, as a problem. Solves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from muheng.cli.answer import Detail, Failure
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, say

if TYPE_CHECKING:
    from muheng.emergency.norms import Norms
    from muheng.emergency.options import Built
    from muheng.emergency.plan.problem import Problem
    from muheng.emergency.settings import Settings
    from muheng.intake.problem import Problem as Finding

BOOKS = (".xlsx", ".xlsm", ".xls")
_GIVE = say("写应急减排清单的工作簿，或装着 lines.csv 的文件夹。")


@dataclass(frozen=True)
class Source:
    """``built`` is what stands behind the problem of a workbook; ``files`` are those that were read, by name."""

    problem: Problem
    built: Built | None
    notes: tuple[Diagnostic, ...]
    files: dict[str, Path]


def read_source(path: Path, levels: Sequence[str] | None, city: str | None) -> Source:
    """Raises Failure with everything that is wrong."""
    if not path.exists():
        raise Failure("file", say("找不到 {path}。", path=path), _GIVE)
    if path.is_dir():
        if city is not None:
            raise Failure("usage", say("--city 只用于工作簿。"), say("去掉 --city。"))
        return _read_folder(path, levels)
    if path.suffix.casefold() not in BOOKS:
        raise Failure("file", say("{path} 不是工作簿，也不是文件夹。", path=path), _GIVE)
    return _read_book(path, levels, city)


def _read_folder(path: Path, levels: Sequence[str] | None) -> Source:
    from muheng.emergency.plan.folder import FILES, read_folder

    problem, found = read_folder(path, levels)
    if problem is None:
        raise Failure("data", say("{path} 里的数据有错误，没有编方案。", path=path), diagnostics=found)
    files = {name: path / name for name in FILES if (path / name).is_file()}
    return Source(problem, None, tuple(found), files)


def _read_book(path: Path, levels: Sequence[str] | None, city: str | None) -> Source:
    from muheng.emergency.inventory.reading import read_inventory
    from muheng.emergency.options import UnusableList, build_problem
    from muheng.emergency.plan.problem import LEVELS

    inventory, findings = read_inventory(path)
    found = [_place(finding) for finding in findings]
    if inventory is None:
        raise Failure("data", say("{path} 里的数据有错误，没有编方案。", path=path), diagnostics=found)
    settings, norms, more = _read_rules(city)
    try:
        built = build_problem(inventory, settings, norms, levels=LEVELS if levels is None else levels)
    except UnusableList as error:
        details = [Detail(problem) for problem in error.problems]
        raise Failure("data", say("按这份清单编不了方案。"), details=details) from error
    notes = [*found, *more, *_tell(path.name, built.notes)]
    return Source(built.problem, built, tuple(notes), {path.name: path})


def _read_rules(city: str | None) -> tuple[Settings, Norms | None, list[Diagnostic]]:
    """How the city cuts: its own settings and norms, or the common ones."""
    from muheng.cities.pack import load_pack
    from muheng.emergency.norms import load_norms
    from muheng.emergency.settings import load_settings

    folder = None
    if city is not None:
        pack, found = load_pack(city)
        if pack is None:
            raise Failure("policy", say("城市包“{name}”有错误。", name=city), diagnostics=found)
        folder = pack.folder
    settings, found = load_settings(folder)
    if settings is None:
        raise Failure("policy", say("应急减排设置有错误。"), diagnostics=found)
    if not settings.execution.norms:
        return settings, None, found
    norms, more = load_norms(folder)
    if norms is None:
        raise Failure("policy", say("最低措施表有错误。"), diagnostics=more)
    return settings, norms, found + more


def _place(finding: Finding) -> Diagnostic:
    """A finding at a cell as others are told: file and sheet, row, cell."""
    file = " · ".join(part for part in (finding.file, finding.sheet) if part)
    where = " ".join(part for part in (finding.cell, finding.column) if part)
    return Diagnostic(finding.severity, file, finding.row, where, finding.what, finding.fix)


def _tell(file: str, notes: Iterable[Message]) -> list[Diagnostic]:
    return [Diagnostic("warning", file, None, "", note) for note in notes]
