"""Figures and rankings as workbooks."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from django.http import FileResponse
from django.utils.translation import gettext as _

from muheng.casework.figures import LOOKS, Figures, Indicator
from muheng.casework.ranking import Ranking
from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.standards.rounding import scale_half_up
from muheng.web.casework.measures import InHand, Ranked
from muheng.web.reading import language

if TYPE_CHECKING:
    from muheng.web.casework.pages.measures import Counted

SHOWN: tuple[Indicator, ...] = (
    "on_time", "promised_kept", "legal_kept", "net_days", "gross_days", "compression", "satisfied", "rating",
    "reopened",
)  # fmt: skip


def write_figures(title: str, group: str, counted: Counted) -> FileResponse:
    """Each group's line, and the whole at the end."""
    rows: list[tuple[str, Figures, InHand]] = [
        (name, each, hand) for _key, name, each, hand in counted.groups
    ]
    rows.append((_("合计"), counted.whole, counted.in_hand))
    figures = [each for _name, each, _hand in rows]
    hands = [hand for _name, _figures, hand in rows]
    columns = [
        Column(group, pl.Series([name for name, _figures, _hand in rows], dtype=pl.String)),
        _count(_("新增"), [each.opened for each in figures]),
        _count(_("办结"), [each.closed for each in figures]),
        *(_indicator(each, figures) for each in SHOWN),
        _count(_("在办"), [each.open for each in hands]),
        _count(_("超期"), [each.overdue for each in hands]),
        _count(_("已上报"), [each.escalated for each in hands]),
    ]
    last = counted.question.last
    lines = (title, _("截至 %(day)s；在办、超期、已上报为现在的件数。") % {"day": last.isoformat()})
    return send(Sheet(_("办理情况"), (Table(lines, tuple(columns)),)), last, title)


def write_ranking(rule: Ranking, period: str, ranked: Sequence[Ranked], last: date) -> FileResponse:
    """The places with their figures and points; the rule below."""
    figures = [each.place.figures for each in ranked]
    lang = language()
    columns = [
        _count(_("名次"), [each.place.place for each in ranked]),
        _count(_("前期名次"), [each.before for each in ranked]),
        Column(_("县区"), pl.Series([each.county.title for each in ranked], dtype=pl.String)),
        Column(_("得分"), pl.Series([each.place.score for each in ranked], dtype=pl.Int64), 2),
        _count(_("办结"), [each.closed for each in figures]),
    ]
    for each in rule.indicator:
        points = [place.place.points.get(each.of) for place in ranked]
        scaled = [None if value is None else scale_half_up(value, 2) for value in points]
        name = _("%(name)s得分") % {"name": LOOKS[each.of].name.render(lang)}
        columns += [_indicator(each.of, figures), Column(name, pl.Series(scaled, dtype=pl.Int64), 2)]
    columns.append(_count(_("超期"), [each.in_hand.overdue for each in ranked]))
    title = rule.english if lang == "en" else rule.name
    lines = (f"{title} {period}", _("截至 %(day)s；超期为现在的件数。") % {"day": last.isoformat()})
    notes = tuple(each.render(lang) for each in rule.explain())
    return send(Sheet(_("排名"), (Table(lines, tuple(columns), notes),)), last, f"{title} {period}")


def _count(title: str, values: Sequence[int | None]) -> Column:
    return Column(title, pl.Series(values, dtype=pl.Int64))


def _indicator(indicator: Indicator, figures: Sequence[Figures]) -> Column:
    look = LOOKS[indicator]
    values = [each.value(indicator) for each in figures]
    factor = 100 if look.unit == "%" else 1
    scaled = [None if value is None else scale_half_up(value * factor, look.digits) for value in values]
    unit = _("（%(unit)s）") % {"unit": "%" if look.unit == "%" else _(look.unit)}
    return Column(look.name.render(language()) + unit, pl.Series(scaled, dtype=pl.Int64), look.digits)


def send(sheet: Sheet, made: date, title: str) -> FileResponse:
    """A workbook of one sheet as a download."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.xlsx"
        write_sheets([sheet], path, datetime(made.year, made.month, made.day))
        content: Any = io.BytesIO(path.read_bytes())
    return FileResponse(content, as_attachment=True, filename=f"{title}.xlsx".replace("/", "-"))
