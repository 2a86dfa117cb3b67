"""``muheng check``: everything wrong in any document that a city writes, or in its whole pack, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.downloads import local_path, shown
from muheng.cli.site import key_option
from muheng.cli.verb import verb
from muheng.documents.diagnostic import Diagnostic, diagnostic_json, format_diagnostics
from muheng.documents.message import Language, Message, say

Kind = Literal[
    "policy", "layout", "case", "matching", "alert", "grades", "emergency", "norms", "monitoring", "city"
]
CITY = "city.toml"

_SAID: dict[Kind, Message] = {
    "policy": say("规则"),
    "layout": say("布局"),
    "case": say("事项类型"),
    "matching": say("供需规则"),
    "alert": say("预警规则"),
    "grades": say("绩效分级指标表"),
    "emergency": say("应急减排设置"),
    "norms": say("最低措施表"),
    "monitoring": say("监测规则"),
    "city": say("城市包"),
}


@dataclass(frozen=True)
class Checked:
    """One file, or one pack with all its files."""

    path: Path
    kind: Kind
    found: tuple[Diagnostic, ...]


def command(lang: Language) -> click.Command:
    return verb(
        "check",
        lang,
        say(
            "检查规则文件、部门表格布局、事项类型、供需规则、预警规则、绩效分级指标表、应急减排设置、最低措施表、监测规则、"
            "城市包的文件夹，或装着它们的文件夹；一次列出全部问题和改法。"
            "PATH 也可写随软件所带的规则或城市包的编号，或网站上一份办法的地址。"
        ),
        check_path,
        click.Argument(["path"], metavar="PATH"),
        key_option(lang),
    )


def check_path(path: str, lang: Language) -> Answer:
    checked = list(_check(_find(path)))
    found = [diagnostic for each in checked for diagnostic in each.found]
    errors = sum(diagnostic.severity == "error" for diagnostic in found)
    lines = [
        say("{path}：{kind}，没有问题。", path=shown(each.path), kind=_SAID[each.kind]).render(lang)
        for each in checked
        if not each.found
    ]
    if found:
        lines.append(format_diagnostics(found, lang))
    data = {
        "path": path,
        "checked": [
            {
                "path": str(shown(each.path)),
                "kind": each.kind,
                "errors": sum(diagnostic.severity == "error" for diagnostic in each.found),
                "warnings": sum(diagnostic.severity == "warning" for diagnostic in each.found),
            }
            for each in checked
        ],
        "errors": errors,
        "warnings": len(found) - errors,
        "diagnostics": [diagnostic_json(diagnostic, lang) for diagnostic in found],
    }
    return Answer(lines, data, failed=errors > 0)


def _find(given: str) -> Path:
    from muheng.cities.pack import UnknownIdError, find_pack, find_policy

    path = local_path(given)
    if path.exists():
        return path
    if not path.suffix and len(path.parts) == 1:
        for find in (find_policy, find_pack):
            try:
                return find(given)
            except UnknownIdError:
                continue
    raise Failure(
        "file",
        say("找不到 {path}。", path=given),
        say("写文件、文件夹，或随软件所带的规则或城市包的编号。"),
    )


def _check(path: Path) -> Iterator[Checked]:
    if path.is_dir():
        if (path / CITY).is_file():
            yield _check_pack(path)
            return
        files = sorted(path.glob("*.toml"))
        if not files:
            what = say("文件夹 {path} 里没有规则、布局或事项类型（.toml）。", path=path)
            raise Failure("file", what, say("城市包的文件夹里要有 city.toml。"))
        for file in files:
            yield _check_file(file)
    elif path.name == CITY:
        yield _check_pack(path.absolute().parent)
    else:
        yield _check_file(path)


def _check_file(path: Path) -> Checked:
    from muheng.casework.case_type import read_case_type
    from muheng.documents.toml_file import read_toml
    from muheng.emergency.alert_rules import load_alert_file
    from muheng.emergency.grading import load_grade_file
    from muheng.emergency.norms import read_norms
    from muheng.emergency.settings import read_settings
    from muheng.intake.layout import load_layouts
    from muheng.matching.rules import load_document
    from muheng.monitoring.judgement.rules import is_rules, read_rules_file
    from muheng.monitoring.patrolling import is_patrolling, read_patrolling
    from muheng.policy.compile import compile_file

    file, found = read_toml(path, str(shown(path)))
    if file is None:
        return Checked(path, "policy", tuple(found))
    if "policy" not in file.data:
        if is_rules(file.data):
            return Checked(path, "monitoring", tuple(read_rules_file(path)))
        if is_patrolling(file.data):
            return Checked(path, "monitoring", tuple(read_patrolling(path)[1]))
        if {"clear", "cause"} & set(file.data):
            return Checked(path, "alert", tuple(load_alert_file(path, file.name)[1]))
        if {"trade", "ungraded"} & set(file.data):
            return Checked(path, "grades", tuple(load_grade_file(path, file.name)[1]))
        if {"ratio", "execution"} & set(file.data):
            return Checked(path, "emergency", tuple(read_settings(path)[1]))
        if "norm" in file.data:
            return Checked(path, "norms", tuple(read_norms(path)[1]))
        if "sheet" in file.data:
            return Checked(path, "layout", tuple(load_layouts([path])[1]))
        if {"state", "act", "opening"} & set(file.data):
            return Checked(path, "case", tuple(read_case_type(file)[1]))
        if {"condition", "points", "ties"} & set(file.data):
            return Checked(path, "matching", tuple(load_document(path, file.name)[1]))
    return Checked(path, "policy", compile_file(file).diagnostics)


def _check_pack(folder: Path) -> Checked:
    """What the pack says of itself, and every document in it."""
    from muheng.casework.case_type import load_types
    from muheng.cities.demo import read_parameters
    from muheng.cities.pack import load_pack
    from muheng.emergency.alert_rules import load_alert_rules
    from muheng.emergency.grading import load_grade_tables
    from muheng.emergency.norms import load_norms
    from muheng.emergency.settings import load_settings
    from muheng.intake.layout import load_layouts
    from muheng.matching.rules import load_rules
    from muheng.monitoring.judgement.rules import load_rules as load_monitoring_rules
    from muheng.monitoring.patrolling import load_patrolling
    from muheng.policy.compile import compile_policy

    pack, found = load_pack(folder)
    own = sorted((folder / "layouts").glob("*.toml"))
    # The pack names its files from its folder on; with whole paths nothing is told twice.
    paths = {
        "/".join(path.parts[-depth:]): str(path)
        for path in folder.rglob("*.toml")
        for depth in (2, 3, 4)
        if len(path.parts) >= depth
    }
    found += load_types(folder)[1]
    found += load_rules(folder)[1]
    found += load_alert_rules(folder)[1]
    found += load_grade_tables(folder)[1]
    found += load_settings(folder)[1]
    found += load_norms(folder)[1]
    found += load_monitoring_rules(folder)[1]
    found += load_patrolling(folder)[1]
    found = [replace(diagnostic, file=paths.get(diagnostic.file, diagnostic.file)) for diagnostic in found]
    found += load_layouts(pack.layouts if pack is not None else own)[1]
    for policy in sorted((folder / "policies").glob("*.toml")):
        found += compile_policy(policy).diagnostics
    if pack is not None and (folder / "demo").is_dir():
        found += read_parameters(pack)[1]
    return Checked(folder, "city", tuple(dict.fromkeys(found)))
