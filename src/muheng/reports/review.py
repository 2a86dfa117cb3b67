"""The monthly review (每月点评): the ranking and how it changed, the month in sentences, who did best and worst, cases.

One value holds all that stands in it; page, Word file and workbook are made from it. In Chinese, like the weekly sheet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from muheng.casework.figures import LOOKS, Figures, Indicator, spell
from muheng.reports.meeting import Item, Line, fill_item
from muheng.reports.meeting_words import compare, compare_counts, day, percent


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Standing(_Strict):
    """A county in the ranking. ``place`` and ``before`` are None where it was not ranked."""

    name: str
    place: int | None
    shared: bool = False
    before: int | None = None
    score: str = "—"
    points: Mapping[Indicator, str] = {}
    figures: Figures
    overdue: int = 0

    @property
    def shown_place(self) -> str:
        if self.place is None:
            return "—"
        return f"{self.place}（并列）" if self.shared else str(self.place)

    @property
    def moved(self) -> str:
        """How its place changed since the month before."""
        if self.place is None or self.before is None:
            return "—"
        change = self.before - self.place
        return "未变" if change == 0 else f"升{change}" if change > 0 else f"降{-change}"


class Review(_Strict):
    """All that stands in the review."""

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
    rule: str
    explained: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    standings: tuple[Standing, ...]
    kinds: tuple[Line, ...] = ()
    good: tuple[Item, ...] = ()
    bad: tuple[Item, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def month(self) -> str:
        return f"{self.first.year}年{self.first.month}月"

    @property
    def against(self) -> str:
        """What ``before`` is of: as many days of the month before, or all of it."""
        return "上月同期" if self.as_of < self.last else "上月"


def summarise(review: Review) -> list[str]:
    """The month in plain sentences."""
    now, before = review.now, review.before
    said = [
        f"截至{day(review.as_of)}，{review.first.month}月{review.place}新增{review.subject}{now.opened}件，"
        f"{compare_counts(now.opened, before.opened, review.against)}；办结{now.closed}件，"
        f"{compare_counts(now.closed, before.closed, review.against)}；在办{review.open}件"
        + (f"，其中超期{review.overdue}件。" if review.overdue else "，没有超期的。" if review.open else "。")
    ]
    if not now.closed:
        return said
    if now.timed:
        said.append(
            _joined(
                f"按时办结率{percent(now.value('on_time'))}",
                compare("on_time", now.value("on_time"), before.value("on_time"), review.against),
            )
            + "。"
        )
    said.append(
        _joined(
            f"平均净用时{spell('net_days', now.value('net_days'))}个工作日",
            compare("net_days", now.value("net_days"), before.value("net_days"), review.against),
        )
        + f"；连同暂停，平均{spell('gross_days', now.value('gross_days'))}个工作日。"
    )
    if (saved := now.value("compression")) is not None:
        word = "压缩" if saved >= 0 else "超出"
        said.append(f"较规定时限{word}{percent(abs(saved))}（{now.legal}件有规定时限）。")
    if now.rated:
        said.append(
            _joined(
                f"企业评价{now.rated}件，满意率{percent(now.value('satisfied'))}",
                compare("satisfied", now.value("satisfied"), before.value("satisfied"), review.against),
            )
            + (f"；平均{spell('rating', now.value('rating'))}分。" if now.rating else "。")
        )
    said.append(f"办结后重新办理的{now.reopened}件。" if now.reopened else "没有重新办理的。")
    busiest = sorted(review.kinds, key=lambda each: -each.figures.opened)[:3]
    if busiest and busiest[0].figures.opened:
        parts = [f"{each.name}{each.figures.opened}件" for each in busiest if each.figures.opened]
        said.append("新增的以" + "、".join(parts) + "为多。")
    return said


def name_best(review: Review) -> list[str]:
    """Who stands first, with the figures."""
    return [_tell(review, each) for each in review.standings if each.place == 1]


def name_worst(review: Review) -> list[str]:
    """Who stands last, where that says something: three or more are ranked."""
    ranked = [each for each in review.standings if each.place is not None]
    if len(ranked) < 3 or ranked[-1].place == 1:
        return []
    return [_tell(review, each) for each in ranked if each.place == ranked[-1].place]


def _tell(review: Review, standing: Standing) -> str:
    figures = standing.figures
    parts = [f"{standing.name}第{standing.place}名" + ("（并列）" if standing.shared else "")]
    if standing.before is not None and standing.place is not None and standing.before != standing.place:
        change = standing.before - standing.place
        parts[0] += f"，比{review.against}{'上升' if change > 0 else '下降'}{abs(change)}名"
    parts.append(f"办结{figures.closed}件")
    for each in review.indicators:
        value = figures.value(each)
        if value is not None and each != "closed":
            unit = LOOKS[each].unit
            text = (
                percent(value)
                if unit == "%"
                else spell(each, value) + ("个工作日" if unit == "工作日" else unit)
            )
            parts.append(f"{LOOKS[each].name}{text}")
    if standing.overdue:
        parts.append(f"现有超期{standing.overdue}件")
    return "，".join(parts) + "。"


def tell_good(item: Item) -> str:
    """A case that went well, in a sentence."""
    said = f"{item.enterprise}“{item.title}”：{item.office}"
    said += f"用{item.net_days}个工作日办结" if item.net_days is not None else "办结"
    said += f"，企业评{item.rating}分" if item.rating else ""
    return (
        said
        + (f"。{item.progress}" if item.progress else "")
        + ("" if item.progress.endswith("。") else "。")
    )


def tell_bad(item: Item) -> str:
    """A case that did not go well."""
    said = f"{item.enterprise}“{item.title}”：{item.owner}"
    if item.closed is None:
        said += f"，应于{day(item.due)}办结，已超期{item.overdue}个工作日" if item.overdue else "，尚未办结"
        said += f"，已上报到第{item.level}级" if item.level else ""
    else:
        said += "超期办结" + (f"，用{item.net_days}个工作日" if item.net_days is not None else "")
    return said + f"。最近进展：{(item.progress or '未说明').rstrip('。')}。"


def fill_review(review: Review) -> dict[str, Any]:
    """What the Word template may use, under the names that a clerk finds in it."""
    return {
        "标题": review.title,
        "单位": review.issuer,
        "月份": review.month,
        "日期": day(review.as_of),
        "版次": "" if review.edition == 1 else f"（第{review.edition}版）",
        "概况": summarise(review),
        "排名名称": review.rule,
        "指标": [LOOKS[each].name.render() for each in review.indicators],
        "排名": [
            {
                "名次": each.shown_place,
                "上月": "—" if each.before is None else each.before,
                "变化": each.moved,
                "名称": each.name,
                "得分": each.score,
                "办结": each.figures.closed,
                "指标": [spell(name, each.figures.value(name)) for name in review.indicators],
                "超期": each.overdue,
            }
            for each in review.standings
        ],
        "规则": list(review.explained),
        "先进": name_best(review),
        "后进": name_worst(review),
        "类别": [
            {
                "名称": each.name,
                "新增": each.figures.opened,
                "办结": each.figures.closed,
                "按时办结率": spell("on_time", each.figures.value("on_time")),
                "净用时": spell("net_days", each.figures.value("net_days")),
                "在办": each.open,
                "超期": each.overdue,
            }
            for each in review.kinds
        ],
        "好的": [tell_good(each) for each in review.good],
        "差的": [tell_bad(each) for each in review.bad],
        "好的事项": [fill_item(number, each) for number, each in enumerate(review.good, 1)],
        "差的事项": [fill_item(number, each) for number, each in enumerate(review.bad, 1)],
        "要求": [{"序": number, "内容": text} for number, text in enumerate(review.remarks, 1)],
    }


def _joined(first: str, second: str) -> str:
    return f"{first}，{second}" if second else first
