"""The sheet of the weekly meeting (每周例会): what came in, what was solved, what is late and who must act, what comes next.

One value holds all that stands in it; page, Word file and workbook are made from it. Sentences are made of its figures.
It is a Chinese office's paper and is in Chinese whatever the reader's language. Knows no database and no today.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from muheng.casework.figures import Figures, spell
from muheng.reports.meeting_words import compare_counts, day, days_of, listed, percent, short_day

SHOWN = 15
URGENT = 40
"""Rows of a list in the Word file, and of what is late or was escalated; the workbook has all that the paper holds."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Strict):
    """One case, as it is told of in a paper."""

    number: str
    title: str
    enterprise: str = ""
    county: str = ""
    kind: str = ""
    office: str = ""
    handler: str = ""
    opened: date
    due: date | None = None
    closed: date | None = None
    net_days: int | None = None
    overdue: int = 0
    """Working days past its due date."""
    late: bool = False
    level: int = 0
    rating: int | None = None
    progress: str = ""
    """What was last said of it, by whoever handles it."""
    must_act: str = ""
    """Who has the next step."""

    @property
    def owner(self) -> str:
        return f"{self.office}（{self.handler}）" if self.handler else self.office


class Line(_Strict):
    """A county's figures."""

    name: str
    figures: Figures
    open: int = 0
    overdue: int = 0


class Visited(_Strict):
    """A visit that was made."""

    on: date
    enterprise: str
    county: str = ""
    way: str = ""
    by: str = ""
    found: str = ""


class Meeting(_Strict):
    """All that stands in the sheet. Lists may be cut: ``totals`` says how many there are of each."""

    title: str
    issuer: str
    place: str
    subject: str
    first: date
    last: date
    as_of: date
    edition: int = 1
    now: Figures
    before: Figures
    open: int
    overdue: int
    escalated: int
    counties: tuple[Line, ...] = ()
    opened_items: tuple[Item, ...] = ()
    closed_items: tuple[Item, ...] = ()
    overdue_items: tuple[Item, ...] = ()
    escalated_items: tuple[Item, ...] = ()
    due_items: tuple[Item, ...] = ()
    visits: tuple[Visited, ...] = ()
    decisions: tuple[str, ...] = ()
    totals: Mapping[str, int] = {}

    @property
    def span(self) -> str:
        return f"{day(self.first)}至{day(self.last, year=self.last.year != self.first.year)}"

    @property
    def against(self) -> str:
        """What ``before`` is of: as many days of the week before, or all of it."""
        return "上周同期" if self.as_of < self.last else "上周"

    def count(self, name: str) -> int:
        return self.totals.get(name, len(getattr(self, name)))


def summarise(meeting: Meeting) -> list[str]:
    """The week in plain sentences."""
    now, before = meeting.now, meeting.before
    said = [
        f"截至{day(meeting.as_of)}，{meeting.place}在办{meeting.subject}{meeting.open}件"
        + (f"，其中超期{meeting.overdue}件" if meeting.overdue else "，没有超期的" if meeting.open else "")
        + (f"，已上报{meeting.escalated}件" if meeting.escalated else "")
        + "。",
        f"本周（{meeting.span}）新增{now.opened}件，{compare_counts(now.opened, before.opened, meeting.against)}；"
        f"办结{now.closed}件，{compare_counts(now.closed, before.closed, meeting.against)}。",
    ]
    if now.closed:
        parts = []
        if now.timed:
            parts.append(f"按时办结{now.on_time}件，按时办结率{percent(now.value('on_time'))}")
        parts.append(f"平均净用时{spell('net_days', now.value('net_days'))}个工作日")
        if now.rated:
            parts.append(f"企业评价{now.rated}件，满意率{percent(now.value('satisfied'))}")
        if now.reopened:
            parts.append(f"重新办理过的{now.reopened}件")
        said.append(f"办结的{meeting.subject}中，" + "，".join(parts) + "。")
    late = [each for each in meeting.counties if each.overdue]
    if late:
        late.sort(key=lambda each: -each.overdue)
        said.append("超期的在" + listed([f"{each.name}{each.overdue}件" for each in late[:5]]) + "。")
    due, visits = meeting.count("due_items"), meeting.count("visits")
    said.append(f"下周到期{due}件。" if due else "下周没有到期的。")
    if visits:
        firms = len({each.enterprise for each in meeting.visits})
        said.append(
            f"本周走访企业{visits}次" + (f"，涉及{firms}家" if visits == len(meeting.visits) else "") + "。"
        )
    return said


def fill_meeting(meeting: Meeting) -> dict[str, Any]:
    """What the Word template may use, under the names that a clerk finds in it."""
    sections = {
        "新增": meeting.opened_items,
        "办结": meeting.closed_items,
        "超期": meeting.overdue_items,
        "上报": meeting.escalated_items,
        "下周到期": meeting.due_items,
    }
    names = {"新增": "opened", "办结": "closed", "超期": "overdue", "上报": "escalated", "下周到期": "due"}
    filled: dict[str, Any] = {
        "标题": meeting.title,
        "单位": meeting.issuer,
        "期间": meeting.span,
        "日期": day(meeting.as_of),
        "版次": "" if meeting.edition == 1 else f"（第{meeting.edition}版）",
        "概况": summarise(meeting),
        "县区": [
            {
                "名称": each.name,
                "新增": each.figures.opened,
                "办结": each.figures.closed,
                "按时办结率": spell("on_time", each.figures.value("on_time")),
                "净用时": spell("net_days", each.figures.value("net_days")),
                "在办": each.open,
                "超期": each.overdue,
            }
            for each in meeting.counties
        ],
        "走访": [
            {
                "日期": short_day(each.on),
                "企业": each.enterprise,
                "县区": each.county,
                "方式": each.way,
                "走访人": each.by,
                "情况": each.found,
            }
            for each in meeting.visits[:SHOWN]
        ],
        "走访另有": left_out(meeting.count("visits"), SHOWN),
        "议题": [{"序": number, "内容": text} for number, text in enumerate(meeting.decisions, 1)],
    }
    for name, items in sections.items():
        most = URGENT if name in ("超期", "上报") else SHOWN
        filled[f"{name}事项"] = [fill_item(number, each) for number, each in enumerate(items[:most], 1)]
        filled[f"{name}另有"] = left_out(meeting.count(f"{names[name]}_items"), most)
    return filled


def left_out(count: int, most: int) -> str:
    """What is said below a list that was cut."""
    return f"另有{count - most}件，见所附表格。" if count > most else ""


def fill_item(number: int, item: Item) -> dict[str, Any]:
    """A case under the names of the Word template."""
    return {
        "序": number,
        "编号": item.number,
        "企业": item.enterprise,
        "县区": item.county,
        "类别": item.kind,
        "事项": item.title,
        "单位": item.office,
        "承办人": item.handler,
        "承办": item.owner,
        "登记": short_day(item.opened),
        "到期": short_day(item.due),
        "办结": short_day(item.closed),
        "用时": days_of(item),
        "超期": f"{item.overdue}个工作日" if item.overdue else "",
        "评价": f"{item.rating}分" if item.rating else "",
        "进展": item.progress or "未说明",
        "责任": item.must_act or item.owner,
        "上报": f"第{item.level}级" if item.level else "",
    }
