"""``muheng upload``: hand departments' workbooks in to a site, and see how it read them. Accepts nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from muheng.cli.answer import Answer, Failure, Table
from muheng.cli.progress import follow_progress
from muheng.cli.site import Site, find_site, key_option
from muheng.cli.sources import find_files
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, say

SHOWN = 20  # problems; --json has them all
_PART = 200
_PAUSES = (0.2, 0.3, 0.5, 1.0)  # seconds between looks; the last goes on


def command(lang: Language) -> click.Command:
    return verb(
        "upload",
        lang,
        say("把部门表格交给网站，作为一批，由网站读取；接受与否在网站上决定。SITE 是网站的地址。"),
        upload,
        click.Argument(["site"], metavar="SITE"),
        click.Argument(["files"], metavar="FILE…", nargs=-1, required=True),
        option(
            lang,
            "--year",
            about=say("数据属于哪一年。"),
            type=click.IntRange(2001, 2099),
            metavar="YEAR",
            required=True,
        ),
        option(lang, "--title", about=say("这一批的标题（默认是文件名）。"), default="", metavar="TITLE"),
        option(lang, "--wait", about=say("等网站读完，说出每张表认作什么、有哪些问题。"), is_flag=True),
        key_option(lang),
        option(lang, "--quiet", about=say("不显示进度。"), is_flag=True),
    )


def upload(
    site: str, files: tuple[str, ...], year: int, title: str, wait: bool, quiet: bool, lang: Language
) -> Answer:
    there, _inside = find_site(site)
    found = find_files(files)
    for path in found:
        if path.is_dir():
            raise Failure(
                "file", say("{path} 是文件夹，不是表格。", path=path), say("写表格文件，或装着表格的文件夹。")
            )
    with follow_progress(lang, quiet) as tell:
        tell(say("上传 {count} 个文件", count=len(found)), 0)
        batch = there.send_files("intake/batches", found, {"year": str(year), "title": title})
        page = f"{there.base}/intake/{batch['id']}/"
        if wait:
            try:
                batch = _follow(there, batch, lambda percent: tell(say("网站在读取"), percent))
            except KeyboardInterrupt as stop:
                what = say("不再等了；第 {number} 批已经交给网站。", number=batch["id"])
                raise Failure("interrupted", what, say("进度和结果在 {page}", page=page)) from stop
    if not wait:
        lines = [
            say("已交给网站：第 {number} 批“{title}”，正在读取。", number=batch["id"], title=batch["title"]),
            say("进度和结果在 {page}", page=page),
        ]
        return Answer([line.render(lang) for line in lines], {"batch": batch, "page": page})
    if batch["state"] == "reading":
        raise Failure(
            "remote",
            say("网站没有读完第 {number} 批：{error}", number=batch["id"], error=batch["error"]),
            say("原因和办法见 {page}", page=page),
            about={"code": "not_read", "batch": batch["id"], "page": page},
        )
    sheets = _list_all(there, f"intake/batches/{batch['id']}/sheets")
    problems = _list_all(there, f"intake/batches/{batch['id']}/problems")
    data = {"batch": batch, "page": page, "sheets": sheets, "problems": problems}
    return Answer(_say(batch, sheets, problems, page, lang), data)


def _follow(site: Site, batch: Mapping[str, Any], tell: Callable[[int], None]) -> Any:
    """Look until the reading has ended, however it did."""
    looked = 0
    while batch["state"] == "reading" and not batch["stopped"]:
        tell(batch["progress"])
        time.sleep(_PAUSES[min(looked, len(_PAUSES) - 1)])
        looked += 1
        batch = site.ask(f"intake/batches/{batch['id']}")
    return batch


def _list_all(site: Site, path: str) -> list[dict[str, Any]]:
    """A list of the site, part by part."""
    found: list[dict[str, Any]] = []
    while True:
        part = site.ask(path, limit=_PART, offset=len(found))
        found += part["items"]
        if not part["items"] or len(found) >= part["count"]:
            return found


# -- what is said ----------------------------------------------------------------------------------


def _say(
    batch: Mapping[str, Any],
    sheets: list[dict[str, Any]],
    problems: list[dict[str, Any]],
    page: str,
    lang: Language,
) -> list[str | Table]:
    """What each sheet was read as, its problems with their cells, and what is to be done next."""
    head = (
        say("文件"), say("工作表"), say("读作"), say("行"), say("导入"), say("有问题未导入"), say("跳过")
    )  # fmt: skip
    rows = [
        (
            sheet["file"],
            sheet["sheet"] or "—",
            _read_as(sheet, lang),
            *(f"{sheet[name]:,}" for name in ("rows", "imported", "listed", "skipped")),
        )
        for sheet in sheets
    ]
    lines: list[str | Table] = [
        say(
            "第 {number} 批“{title}”，{year} 年：",
            number=batch["id"],
            title=batch["title"],
            year=batch["year"],
        ).render(lang),
        Table(tuple(word.render(lang) for word in head), rows, texts=3),
    ]
    for sheet in sheets:
        if sheet["what"] and not sheet["read"]:
            where = " · ".join(part for part in (sheet["file"], sheet["sheet"]) if part)
            lines += _with_fix(
                say("{where}：{what}", where=where, what=sheet["what"]).render(lang), sheet["fix"]
            )
    lines.append("")
    if not problems:
        lines.append(say("数据没有发现问题。").render(lang))
    else:
        errors = sum(problem["severity"] == "error" for problem in problems)
        lines.append(
            say(
                "错误 {errors} 处（所在的行不导入），提示 {warnings} 处：",
                errors=f"{errors:,}",
                warnings=f"{len(problems) - errors:,}",
            ).render(lang)
        )
    for problem in problems[:SHOWN]:
        where = " · ".join(
            part for part in (problem["file"], problem["column"] or problem["sheet"], problem["cell"]) if part
        )
        lines += _with_fix(
            say("{where}：{what}", where=where, what=problem["what"]).render(lang), problem["fix"]
        )
    if len(problems) > SHOWN:
        lines.append(say("……另有 {count} 条，全部见 --json。", count=len(problems) - SHOWN).render(lang))
    lines += ["", say("核对、接受或放弃：{page}", page=page).render(lang)]
    return lines


def _read_as(sheet: Mapping[str, Any], lang: Language) -> str:
    if not sheet["read"]:
        return say("没有读").render(lang)
    return f"{sheet['department']}·{sheet['kind']}"


def _with_fix(line: str, fix: str | None) -> list[str]:
    return [line, f"  {fix}"] if fix else [line]
