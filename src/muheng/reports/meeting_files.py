"""The weekly sheet and the monthly review as a Word file and as a workbook.

The Word file is a template that a clerk can change in Word; a city's own (``papers/`` in its pack) takes the place of
the one shipped here. Figures and sentences come from ``meeting`` and ``review``.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from docxtpl import DocxTemplate
from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from muheng.casework.figures import LOOKS
from muheng.documents.message import Refusal, say
from muheng.reports.meeting import Item, Line, Meeting, Visited, fill_meeting
from muheng.reports.meeting import summarise as summarise_meeting
from muheng.reports.review import Review, fill_review, name_best, name_worst
from muheng.reports.review import summarise as summarise_review
from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.standards.rounding import scale_half_up

TEMPLATES = Path(__file__).parent / "templates" / "papers"
_CREATED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def find_template(name: str, folder: Path | None = None) -> Path:
    """The template of a city's folder, or the one shipped."""
    own = folder / "papers" / f"{name}.docx" if folder is not None else None
    return own if own is not None and own.is_file() else TEMPLATES / f"{name}.docx"


def write_docx(paper: Meeting | Review, template: Path) -> bytes:
    """The paper as a Word file; the same paper and template give the same bytes.

    Raises Refusal where the template has a mistake.
    """
    values = fill_meeting(paper) if isinstance(paper, Meeting) else fill_review(paper)
    return fill_template(values, template, paper.as_of)


def fill_template(values: Mapping[str, Any], template: Path, day: date) -> bytes:
    """A Word file from a template, dated ``day``. Raises Refusal where the template has a mistake."""
    held = io.BytesIO()
    try:
        document = DocxTemplate(template)
        document.render(dict(values), SandboxedEnvironment(autoescape=True), autoescape=True)
        document.save(held)
    except (TemplateError, KeyError, ValueError, zipfile.BadZipFile) as error:
        what = say("模板 {file} 用不了：{error}", file=template.name, error=str(error))
        raise Refusal(what, say("用 Word 打开模板，对照随软件带来的那一份改正花括号里的名字。")) from error
    moment = f"{day.isoformat()}T00:00:00Z".encode()
    return _still(held.getvalue(), moment)


def _still(content: bytes, moment: bytes) -> bytes:
    """The same file without the moment at which it was written."""
    held = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            part = source.read(name)
            if name == "docProps/core.xml":
                part = _CREATED.sub(rb"\g<1>" + moment + rb"\g<2>", part)
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def write_xlsx(paper: Meeting | Review, path: Path) -> None:
    """The paper as a workbook, with all rows."""
    sheets = _meeting_sheets(paper) if isinstance(paper, Meeting) else _review_sheets(paper)
    write_sheets(sheets, path, datetime(paper.as_of.year, paper.as_of.month, paper.as_of.day))


def _meeting_sheets(meeting: Meeting) -> list[Sheet]:
    lists: tuple[tuple[str, tuple[Item, ...]], ...] = (
        ("新增", meeting.opened_items),
        ("办结", meeting.closed_items),
        ("超期", meeting.overdue_items),
        ("已上报", meeting.escalated_items),
        ("下周到期", meeting.due_items),
    )
    sheets = [
        _lines_sheet(
            "各县区", meeting.title, (meeting.span, *summarise_meeting(meeting)), "县区", meeting.counties
        )
    ]
    sheets += [_items_sheet(name, f"{name}（{meeting.span}）", items) for name, items in lists]
    sheets.append(_visits_sheet(meeting))
    texts = pl.Series(list(meeting.decisions), dtype=pl.String)
    sheets.append(Sheet("需要研究", (Table(("需要会议研究的问题",), (Column("问题", texts),)),)))
    return sheets


def _review_sheets(review: Review) -> list[Sheet]:
    rows = review.standings
    columns = [
        _number("名次", [each.place for each in rows]),
        _number("上月名次", [each.before for each in rows]),
        _text("县区", [each.name for each in rows]),
        _text("得分", [each.score for each in rows]),
        _number("办结", [each.figures.closed for each in rows]),
    ]
    for name in review.indicators:
        look = LOOKS[name]
        factor = 100 if look.unit == "%" else 1
        values = [each.figures.value(name) for each in rows]
        scaled = [None if value is None else scale_half_up(value * factor, look.digits) for value in values]
        columns.append(Column(f"{look.name}（{look.unit}）", pl.Series(scaled, dtype=pl.Int64), look.digits))
        columns.append(_text(f"{look.name}得分", [each.points.get(name, "—") for each in rows]))
    columns.append(_number("现有超期", [each.overdue for each in rows]))
    lines = (review.title, review.month, *summarise_review(review), *name_best(review), *name_worst(review))
    ranking = Sheet("排名", (Table(lines, tuple(columns), review.explained),))
    return [
        ranking,
        _lines_sheet("各类别", f"{review.month}各类别办理情况", (), "类别", review.kinds),
        _items_sheet("办得好的", "办得好的事项", review.good),
        _items_sheet("办得不好的", "办得不好的事项", review.bad),
    ]


def _lines_sheet(name: str, title: str, lines: Iterable[str], head: str, rows: Sequence[Line]) -> Sheet:
    figures = [each.figures for each in rows]

    def indicator(key: str, digits: int, factor: int) -> list[int | None]:
        values = [each.value(key) for each in figures]  # type: ignore[arg-type]
        return [None if value is None else scale_half_up(value * factor, digits) for value in values]

    columns = (
        _text(head, [each.name for each in rows]),
        _number("新增", [each.opened for each in figures]),
        _number("办结", [each.closed for each in figures]),
        Column("按时办结率（%）", pl.Series(indicator("on_time", 1, 100), dtype=pl.Int64), 1),
        Column("平均净用时（工作日）", pl.Series(indicator("net_days", 1, 1), dtype=pl.Int64), 1),
        _number("在办", [each.open for each in rows]),
        _number("超期", [each.overdue for each in rows]),
    )
    return Sheet(name, (Table((title, *lines), columns),))


def _items_sheet(name: str, title: str, items: Sequence[Item]) -> Sheet:
    columns: tuple[tuple[str, Callable[[Item], str]], ...] = (
        ("编号", lambda each: each.number),
        ("企业", lambda each: each.enterprise),
        ("县区", lambda each: each.county),
        ("类别", lambda each: each.kind),
        ("事项", lambda each: each.title),
        ("承办单位", lambda each: each.office),
        ("承办人", lambda each: each.handler),
        ("登记", lambda each: each.opened.isoformat()),
        ("到期", lambda each: each.due.isoformat() if each.due else ""),
        ("办结", lambda each: each.closed.isoformat() if each.closed else ""),
        ("最近进展", lambda each: each.progress),
        ("谁来办", lambda each: each.must_act),
    )
    made = [_text(head, [value(each) for each in items]) for head, value in columns]
    made += [
        _number("净用时（工作日）", [each.net_days for each in items]),
        _number("超期（工作日）", [each.overdue or None for each in items]),
        _number("评价", [each.rating for each in items]),
    ]
    return Sheet(name, (Table((title,), tuple(made)),))


def _visits_sheet(meeting: Meeting) -> Sheet:
    visits: Sequence[Visited] = meeting.visits
    columns = (
        _text("日期", [each.on.isoformat() for each in visits]),
        _text("企业", [each.enterprise for each in visits]),
        _text("县区", [each.county for each in visits]),
        _text("方式", [each.way for each in visits]),
        _text("走访人", [each.by for each in visits]),
        _text("情况", [each.found for each in visits]),
    )
    return Sheet("走访", (Table((f"走访（{meeting.span}）",), columns),))


def _text(title: str, values: Sequence[str]) -> Column:
    return Column(title, pl.Series(values, dtype=pl.String))


def _number(title: str, values: Sequence[int | None]) -> Column:
    return Column(title, pl.Series(values, dtype=pl.Int64))
