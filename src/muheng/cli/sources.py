"""Data named on the command line: which files are meant, how each is to be read, and what they say.

Recognises a facts folder, a sealed result, one plain table headed by the policy's input names, and departments'
workbooks. Converts nothing itself.
"""

from __future__ import annotations

import glob
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from muheng.cli.answer import Detail, Failure, Table
from muheng.cli.bundle import open_bundle
from muheng.cli.downloads import city_of, local_path, shown
from muheng.cli.site import is_address
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Language, say

if TYPE_CHECKING:
    import polars as pl

    from muheng.cities.pack import Pack
    from muheng.intake.facts import Facts, Item
    from muheng.intake.layout import Layout
    from muheng.intake.problem import Problem
    from muheng.intake.workbooks import Intake, SheetReport
    from muheng.policy.plan import Plan

TABLES = (".xlsx", ".xlsm", ".xls", ".csv", ".txt", ".tsv", ".tab")
HEAD = "facts.json"
MANIFEST = "manifest.json"
# What reports group by, where a plain table has it, though the policy does not ask for it.
REPORTED = ("乡镇", "园区", "行业代码", "上年等级")

Way = Literal["facts", "bundle", "plain", "departments"]


@dataclass(frozen=True)
class Data:
    """Facts and how they came. ``files`` are those that can be handed back marked; ``grades`` (统一社会信用代码,
    等级) are known where the data come from a sealed result."""

    facts: Facts
    way: Way
    problems: tuple[Problem, ...] = ()
    sheets: tuple[SheetReport, ...] = ()
    files: tuple[Path, ...] = ()
    grades: pl.DataFrame | None = None

    def lines(self, lang: Language) -> list[str | Table]:
        """How the data were read; a row for each sheet."""
        households = f"{self.facts.frame.height:,}"
        if self.way == "facts":
            return [say("读入已核数据，{count} 户", count=households).render(lang)]
        if self.way == "bundle":
            return [say("读入封存包里的数据，{count} 户", count=households).render(lang)]
        head = (
            say("文件"), say("工作表"), say("读作"), say("行"), say("导入"), say("有问题未导入"), say("跳过")
        )  # fmt: skip
        rows = [
            (
                sheet.file,
                sheet.sheet,
                say("平表").render(lang) if self.way == "plain" else f"{sheet.department}·{sheet.kind}",
                *(f"{count:,}" for count in (sheet.rows, sheet.imported, sheet.listed, sheet.skipped)),
            )
            for sheet in self.sheets
        ]
        total = say("读入 {count} 户", count=households).render(lang)
        return [total, Table(tuple(word.render(lang) for word in head), rows, texts=3)]

    def json(self) -> list[dict[str, Any]]:
        if self.way in ("facts", "bundle"):
            return [{"read_as": self.way, "rows": self.facts.frame.height}]
        return [
            {
                "file": sheet.file, "sheet": sheet.sheet, "read_as": self.way, "layout": sheet.layout,
                "kind": sheet.kind, "department": sheet.department, "rows": sheet.rows,
                "imported": sheet.imported, "listed": sheet.listed, "skipped": sheet.skipped,
            }
            for sheet in self.sheets
        ]  # fmt: skip


def find_files(given: Sequence[str]) -> list[Path]:
    """The files that are meant by files, folders and patterns; folders that hold facts stay as they are.

    Raises Failure for what is not there, and for two files of one name, as problems and source cells name
    files by it.
    """
    found: dict[Path, Path] = {}
    for text in given:
        for path in _expand(text):
            found.setdefault(path.resolve(), path)
    by_name: dict[str, Path] = {}
    for path in found.values():
        other = by_name.setdefault(path.name, path)
        if other is not path:
            raise Failure(
                "file",
                say(
                    "{one} 和 {other} 同名，问题和出处会分不清是哪一个。", one=shown(other), other=shown(path)
                ),
                say("给其中一个改名。"),
            )
    return list(found.values())


def _expand(text: str) -> list[Path]:
    if is_address(text):
        return [local_path(text)]
    path = Path(text)
    if path.is_dir() and not (path / HEAD).is_file():
        inside = [file for file in sorted(path.iterdir()) if _is_table(file)]
        if not inside:
            kinds = "、".join(TABLES)
            raise Failure(
                "file", say("文件夹 {path} 里没有数据文件。", path=path), say("可读：{kinds}。", kinds=kinds)
            )
        return inside
    if path.exists():
        return [path]
    matched = [Path(name) for name in sorted(glob.glob(text, recursive=True))]
    if not matched:
        raise Failure("file", say("找不到 {path}。", path=text), say("检查文件名和所在的文件夹。"))
    return [file for file in matched if file.is_dir() or not file.name.startswith("~$")]


def _is_table(file: Path) -> bool:
    # Excel keeps ~$name.xlsx beside a workbook that is open.
    return file.is_file() and file.suffix.lower() in TABLES and not file.name.startswith(("~$", "."))


def read_data(
    given: Sequence[str], plan: Plan, layouts: Sequence[Layout], year: int, past: Facts | None = None
) -> Data:
    """Facts of ``year`` from files named on the command line. ``past``: last year's facts, to compare with."""
    from muheng.intake.workbooks import read_workbooks

    files = find_files(given)
    single = files[0] if len(files) == 1 else None
    for path in files:
        if path.is_dir() or _is_bundle(path):
            if single is None:
                raise Failure(
                    "data",
                    say("{path} 自成一套数据，不能和别的文件一起读。", path=shown(path)),
                    say("只给这一个，或只给部门表格。"),
                )
            return _of_year(_read_facts_folder(path) if path.is_dir() else _read_bundle(path), year, path)
    if single is not None:
        plain = _read_plain(single, plan, year)
        wanted = set(_inputs(plan))
        given_by_plain = _named(plain, wanted)
        if 2 * given_by_plain >= len(wanted):
            return _from_intake(plain, "plain", files)
        intake = read_workbooks(files, layouts, year, past=past)
        if given_by_plain and given_by_plain >= len(wanted & set(_given(intake, layouts))):
            return _from_intake(plain, "plain", files)
    else:
        intake = read_workbooks(files, layouts, year, past=past)
    return _from_intake(intake, "departments", files)


def _of_year(data: Data, year: int, path: Path) -> Data:
    if data.facts.year != year:
        raise Failure(
            "data",
            say(
                "{path} 是 {found} 年的数据，这里要 {year} 年的。",
                path=shown(path),
                found=data.facts.year,
                year=year,
            ),
            say("换一份数据，或改 --year。"),
        )
    return data


def _is_bundle(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _read_facts_folder(folder: Path) -> Data:
    import polars as pl

    from muheng.intake.facts import read_facts

    try:
        return Data(read_facts(folder), "facts")
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise Failure("data", say("{path} 不是已核数据的文件夹，或已损坏。", path=shown(folder))) from error


def _read_bundle(path: Path) -> Data:
    from muheng.intake.facts import CODE
    from muheng.policy import plan as p

    result = open_bundle(str(path))
    return Data(result.facts, "bundle", grades=result.grades.select(CODE, p.GRADE))


def _from_intake(intake: Intake, way: Way, files: Iterable[Path]) -> Data:
    return Data(intake.facts, way, intake.problems, intake.sheets, tuple(files))


def _read_plain(file: Path, plan: Plan, year: int) -> Intake:
    from muheng.intake.facts import Item
    from muheng.intake.workbooks import read_plain

    items = _inputs(plan)
    for name in REPORTED:
        items.setdefault(name, Item(name, "text"))
    return read_plain(file, items, year)


def _inputs(plan: Plan) -> dict[str, Item]:
    """The policy's inputs as items of a plain table."""
    from muheng.intake.facts import Item
    from muheng.policy.plan import CodeInput, NumberInput

    items: dict[str, Item] = {}
    for node in plan.nodes:
        if isinstance(node, NumberInput):
            items[node.name] = Item(node.name, "number", node.unit, node.digits, node.basis)
        elif isinstance(node, CodeInput):
            items[node.name] = Item(node.name, "text" if node.kind == "level" else node.kind)
    return items


def _named(intake: Intake, wanted: set[str]) -> int:
    return len(wanted & {name for sheet in intake.sheets for name in sheet.columns})


def _given(intake: Intake, layouts: Sequence[Layout]) -> Iterator[str]:
    """Items that the recognised sheets can give."""
    declared = {layout.id: layout for layout in layouts}
    for sheet in intake.sheets:
        yield from declared[sheet.layout].sheet[sheet.kind].items()


# -- the pack and its layouts ----------------------------------------------------------------------


def find_pack_of(policy: Path) -> Path | None:
    """The city pack that a policy file lies in."""
    folder = policy.resolve().parent.parent
    return folder if policy.resolve().parent.name == "policies" and (folder / "city.toml").is_file() else None


def read_layouts(policy: Path, city: str | None) -> tuple[list[Layout], Pack | None]:
    """Layouts of the pack that is named, or that the policy lies in, or the common ones. Raises Failure."""
    from muheng.cities.pack import COMMON_LAYOUTS, load_pack
    from muheng.intake.layout import load_layouts

    own = find_pack_of(policy)
    pack: Pack | None = None
    found: list[Diagnostic] = []
    source: str | Path | None = city if city is not None else own or city_of(policy)
    if source is not None:
        pack, found = load_pack(source)
        if pack is None:
            raise Failure("policy", say("城市包“{name}”有错误。", name=source), diagnostics=found)
    paths = pack.layouts if pack is not None else sorted(COMMON_LAYOUTS.glob("*.toml"))
    layouts, diagnostics = load_layouts(paths)
    if any(diagnostic.severity == "error" for diagnostic in diagnostics):
        raise Failure("policy", say("部门表格的布局有错误。"), diagnostics=diagnostics)
    return layouts, pack


def read_policy(given: str) -> tuple[Plan, Path, tuple[Diagnostic, ...]]:
    """A policy by its path or the id of a shipped one, with its warnings. Raises Failure."""
    from muheng.policy.compile import compile_policy

    path = find_policy_file(given)
    compiled = compile_policy(path, str(shown(path)))
    if compiled.plan is None:
        raise Failure("policy", say("规则文件有错误，没有运行。"), diagnostics=compiled.diagnostics)
    return compiled.plan, path, compiled.diagnostics


def find_policy_file(given: str) -> Path:
    """The file of a policy, fetched where it is on a site. Raises Failure."""
    from muheng.cities.pack import UnknownIdError, find_policy

    path = local_path(given)
    if path.is_dir():
        raise Failure("policy", say("{path} 是文件夹，不是规则文件。", path=path), say("写到 .toml 为止。"))
    if path.exists():
        return path
    if path.suffix or len(path.parts) > 1:
        raise Failure("policy", say("找不到规则文件 {path}。", path=path), say("检查文件名和所在的文件夹。"))
    try:
        return find_policy(given)
    except UnknownIdError as error:
        raise Failure("policy", error.what, error.fix) from error


def misfit_details(error: Any) -> list[Detail]:
    """Everything in the facts that does not fit, of a DataError."""
    return [
        Detail(misfit.what, misfit.fix, {"item": misfit.item, "code": misfit.code, "name": misfit.name})
        for misfit in error.misfits
    ]
