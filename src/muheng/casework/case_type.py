"""Case-type files: found, read and checked. Everything that is wrong is told at once, with how to mend it.

``document`` says what may stand in a file; here the parts are put together. What a case does is ``history``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from muheng.casework.checking import check
from muheng.casework.document import CaseType
from muheng.cities.pack import COMMON_CASES
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import say
from muheng.documents.schema import validate
from muheng.documents.spelling import offer
from muheng.documents.toml_file import TomlFile, read_toml


def load_types(folder: Path | None = None) -> tuple[dict[str, CaseType], list[Diagnostic]]:
    """The common types, each replaced by the folder's own of the same id, then the folder's further ones.

    The folder is a city's pack or one that holds case-type files. A type with an error is left out.
    """
    folders = [COMMON_CASES]
    if folder is not None and folder.resolve() != COMMON_CASES.resolve():
        folders.append(folder / "cases" if (folder / "city.toml").is_file() else folder)
    types: dict[str, CaseType] = {}
    files: dict[str, TomlFile] = {}
    found: list[Diagnostic] = []
    for each in folders:
        here: dict[str, Path] = {}
        for path in sorted(each.glob("*.toml")):
            case_type, file, mistakes = _load(path)
            found += mistakes
            if case_type is None or file is None:
                continue
            if case_type.id in here:
                what = say("代号“{id}”在 {file} 里已经用过。", id=case_type.id, file=here[case_type.id].name)
                found.append(file.error(("id",), what, say("同一个城市包里代号不能重复，改其中一个。")))
                continue
            here[case_type.id] = path
            types[case_type.id] = case_type
            files[case_type.id] = file
    found += _check_together(types, files)
    return types, found


def load_type(source: Path | str, name: str | None = None) -> tuple[CaseType | None, list[Diagnostic]]:
    """One file (a path) or its text, by itself; None when there is an error."""
    case_type, _, found = _load(source, name)
    return case_type, found


def read_case_type(file: TomlFile) -> tuple[CaseType | None, list[Diagnostic]]:
    """A file that is read already; None when there is an error."""
    case_type, found = validate(file, CaseType)
    if case_type is None:
        return None, found
    found += check(file, case_type)
    found.sort(key=lambda diagnostic: diagnostic.line or 0)
    return (None if any(each.severity == "error" for each in found) else case_type), found


def route(case_type: CaseType, kind: str, names: Iterable[str]) -> str | None:
    """Of the departments' names, the one that this kind goes to by the words of the file."""
    declared = case_type.kind(kind)
    known = list(names)
    for word in declared.routes if declared is not None else ():
        for name in known:
            if word in name:
                return name
    return None


def _load(
    source: Path | str, name: str | None = None
) -> tuple[CaseType | None, TomlFile | None, list[Diagnostic]]:
    if isinstance(source, Path) and name is None:
        name = "/".join(source.parts[-3:])
    file, found = read_toml(source, name)
    if file is None:
        return None, None, found
    case_type, mistakes = read_case_type(file)
    return case_type, file, [*found, *mistakes]


def _check_together(types: dict[str, CaseType], files: dict[str, TomlFile]) -> list[Diagnostic]:
    """What one file says of another: types that it opens exist; prefixes differ."""
    found: list[Diagnostic] = []
    prefixes: dict[str, str] = {}
    for case_type in types.values():
        file = files[case_type.id]
        for number, act in enumerate(case_type.acts):
            for place, opened in enumerate(act.opens):
                if opened not in types:
                    what = say("没有编号为“{id}”的事项类型。", id=opened)
                    found.append(
                        file.error(("act", number, "opens", place), what, offer(opened, sorted(types)))
                    )
                    continue
                shut_out = [part for part in act.by if part not in types[opened].opening.by]
                if shut_out:
                    what = say(
                        "“{act}”引出“{child}”，但“{child}”不让 {parts} 登记。",
                        act=act.name,
                        child=types[opened].name,
                        parts="、".join(shut_out),
                    )
                    fix = say("在 {id} 的 [opening] by 里加上，或从这个动作的 by 里去掉。", id=opened)
                    found.append(file.error(("act", number, "opens", place), what, fix))
        if (other := prefixes.setdefault(case_type.prefix, case_type.id)) != case_type.id:
            what = say("字头“{prefix}”已由“{other}”使用。", prefix=case_type.prefix, other=types[other].name)
            found.append(file.error(("prefix",), what, say("换一个字头。")))
    return found
