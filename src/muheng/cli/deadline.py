"""``muheng deadline``: the day on which a time limit ends, and which holidays lie on the way."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, Message, say

if TYPE_CHECKING:
    from muheng.standards.calendar import Calendar, Deadline

MOST_DAYS = 36_600
_DATE = r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日)"
_TIME = r"(\d{1,2})[:时](\d{1,2})(?:分|:(\d{1,2})(?:\.\d+)?)?"
_ZONE = r"(Z|[+-]\d{2}(?::?\d{2})?)"
_START = re.compile(rf"{_DATE}(?:[T ]*{_TIME} *{_ZONE}?)?", re.IGNORECASE)

WEEKDAYS = (
    say("星期一"),
    say("星期二"),
    say("星期三"),
    say("星期四"),
    say("星期五"),
    say("星期六"),
    say("星期日"),
)


def command(lang: Language) -> click.Command:
    return verb(
        "deadline",
        lang,
        say(
            "从 START 起 DAYS 个工作日，哪一天到期。起算当日不计，放假和调休按国务院公布的安排。"
            "START 是日期（2026-02-10、2026年2月10日）或时间（2026-02-10T23:59，不写时区为北京时间）。"
        ),
        find_deadline,
        click.Argument(["start"], metavar="START"),
        click.Argument(["days"], metavar="DAYS"),
        option(
            lang,
            "--calendar",
            "by_calendar",
            about=say("按自然日计；最后一日是休息日的，顺延到下一个工作日。"),
            is_flag=True,
        ),
    )


def find_deadline(start: str, days: str, by_calendar: bool, lang: Language) -> Answer:
    from muheng.standards.calendar import load_calendar

    first = read_start(start)
    count = read_days(days)
    calendar = load_calendar()
    try:
        found = (
            calendar.add_calendar_days(first, count)
            if by_calendar
            else calendar.add_working_days(first, count)
        )
    except OverflowError:
        raise Failure("usage", say("超出了能算的年份（到 9999 年）。")) from None
    lines = _explain(calendar, first, count, found, by_calendar)
    return Answer(
        [line.render(lang) for line in lines],
        {"due": found.due.isoformat(), "provisional": found.provisional},
    )


def read_start(text: str) -> date:
    """The day in China on which the limit begins. Raises Failure."""
    plain = unicodedata.normalize("NFKC", text).strip()
    match = _START.fullmatch(plain)
    fix = say("写成 2026-02-10、2026年2月10日，或 2026-02-10T23:59。")
    if match is None:
        raise Failure("usage", say("START 应是日期或时间，写的是“{found}”。", found=text), fix)
    parts = match.groups()
    year, month, day = (int(part) for part in [part for part in parts[:7] if part is not None])
    hour, minute, second, zone = parts[7:]
    try:
        moment = datetime(year, month, day, int(hour or 0), int(minute or 0), int(second or 0))
        if zone is not None:
            moment = (moment - _offset(zone) + timedelta(hours=8)).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise Failure("usage", say("没有“{found}”这一天或这个时间。", found=text), fix) from None
    return moment.date()


def _offset(zone: str) -> timedelta:
    """Raises ValueError for an offset of a day or more."""
    if zone in ("Z", "z"):
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError(zone)
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    timezone(offset)
    return -offset if zone[0] == "-" else offset


def read_days(text: str) -> int:
    """Raises Failure."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not re.fullmatch(r"\d+", plain, re.ASCII):
        raise Failure("usage", say("DAYS 应是不小于 0 的整数，写的是“{found}”。", found=text))
    if len(plain.lstrip("0")) > 5 or int(plain) > MOST_DAYS:
        raise Failure(
            "usage", say("DAYS 太大：至多 {most} 日，写的是“{found}”。", most=MOST_DAYS, found=text)
        )
    return int(plain)


def _explain(calendar: Calendar, start: date, days: int, found: Deadline, by_calendar: bool) -> list[Message]:
    if by_calendar:
        head = say(
            "从{start}起 {days} 日，{due}到期。", start=_day(start), days=days, due=_day(found.due, True)
        )
    else:
        head = say(
            "从{start}起 {days} 个工作日，{due}到期。",
            start=_day(start),
            days=days,
            due=_day(found.due, True),
        )
    lines = [head]
    if days:
        lines.append(say("起算当日不计入。"))
    end = start + timedelta(days=days)
    if by_calendar and found.due != end:
        lines.append(say("满 {days} 日是{end}，休息日，顺延到下一个工作日。", days=days, end=_day(end, True)))
    after = start + timedelta(days=1) if not by_calendar else end
    for holiday in calendar.named:
        if holiday.last >= after and holiday.first <= found.due and days:
            lines.append(
                say(
                    "其间{name}放假：{first}至{last}。",
                    name=Message(holiday.name),
                    first=_day(holiday.first),
                    last=_day(holiday.last),
                )
                if holiday.first != holiday.last
                else say("其间{name}放假：{first}。", name=Message(holiday.name), first=_day(holiday.first))
            )
    worked = sorted(day for day in calendar.make_up_days if after <= day <= found.due)
    lines += [say("其间调休上班：{day}。", day=_day(day, True)) for day in worked if days]
    if found.provisional:
        lines.append(_why_provisional(calendar, start, found.due))
    return lines


def _why_provisional(calendar: Calendar, start: date, due: date) -> Message:
    years = [year for year in range(start.year, due.year + 1) if year not in calendar.years]
    last = max(calendar.years)
    if years and years[-1] > last:
        return say(
            "暂定：{year} 年的放假安排还没有公布（或本软件还没有收录），先按周一至周五上班算，公布后要重算。",
            year=max(years[0], last + 1),
        )
    return say(
        "暂定：本软件没有收录 {year} 年的放假安排，按周一至周五上班算。", year=years[0] if years else last
    )


def _day(day: date, weekday: bool = False) -> Message:
    if weekday:
        return say(
            "{year}年{month}月{day}日（{weekday}）",
            year=day.year,
            month=day.month,
            day=day.day,
            weekday=WEEKDAYS[day.weekday()],
        )
    return say("{year}年{month}月{day}日", year=day.year, month=day.month, day=day.day)
