"""Words that the workbook and the page share: numbers as people write them, names for what has none."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from muheng.documents.message import Language, Message, say
from muheng.policy import plan as p
from muheng.policy.cuts import Cut
from muheng.policy.run import Result
from muheng.reports.figures import ProblemGroup, Ungraded
from muheng.standards.rounding import divide_half_up, format_scaled

UNGRADED = say("未定级")
NOT_GIVEN = say("未填")
NO_CLASS = say("未归类")
NO_LAST_GRADE = say("上年无等级")
STANDINGS = {
    "参评": say("参评"),
    "T": say("T"),
    "免评价": say("免评价"),
    "暂缓评价": say("暂缓评价"),
    "不参评": say("不参评"),
    "不定等级": say("不定等级"),
}


def count(number: int) -> str:
    """1,200."""
    return f"{number:,}"


def share(part: int, whole: int) -> str:
    """In per cent with one decimal; — of nothing."""
    return f"{format_scaled(divide_half_up(part * 1000, whole), 1)}%" if whole else "—"


def scaled(value: int | None, digits: int) -> str:
    """A scaled integer with thousands separators; — where missing."""
    return "—" if value is None else f"{Decimal(format_scaled(value, digits)):,}"


def level(value: int | None, digits: int, largest: int) -> str:
    """A figure among others up to ``largest``: two decimals are enough where the figures are large."""
    if value is None or digits <= 2 or largest < 10**digits:
        return scaled(value, digits)
    return scaled(divide_half_up(value, 10 ** (digits - 2)), 2)


def listed(parts: Sequence[Message | str]) -> Message | str:
    """One after the other, with the language's own comma."""
    first, *rest = parts
    for part in rest:
        first = say("{first}，{second}", first=first, second=part)
    return first


def grade_name(result: Result, grade: str) -> str:
    """A（优先发展类）, or A alone where the full name says no more."""
    name = result.plan.document.grade[grade].name
    return grade if name == grade else f"{grade}（{name}）"


def grade_counts(grades: tuple[str, ...], counts: tuple[int, ...]) -> Message:
    """A 55，B 97，…；未定级 10; ``counts`` as in a breakdown."""
    parts = listed([f"{grade} {count(number)}" for grade, number in zip(grades, counts, strict=False)])
    return say(
        "{total} 户：{parts}；未定级 {without}",
        total=count(sum(counts)),
        parts=parts,
        without=count(counts[-1]),
    )


def validity(result: Result) -> Message:
    """From when to when the policy applies."""
    valid = result.plan.document.policy.valid
    if valid.until is None:
        return say("{start} 起", start=valid.start.isoformat())
    return say(
        "{start} 起，{until} 前（不含当日）", start=valid.start.isoformat(), until=valid.until.isoformat()
    )


def source(result: Result) -> str:
    """The document that the policy is taken from."""
    given = result.plan.document.policy.source
    parts = [given.document, given.number, given.date.isoformat() if given.date else None]
    return "，".join(part for part in parts if part)


def standing_name(standing: str | None) -> Message | str:
    """A standing, or — for who is in no class."""
    return STANDINGS[standing] if standing is not None else "—"


def cut_title(cut: Cut) -> Message:
    """Which boundary it is."""
    if cut.step:
        return say("第{step}步 {grade} 的末位", step=cut.step, grade=cut.grade)
    return say("{better}｜{worse}", better=cut.better, worse=cut.worse)


def cut_group(cut: Cut) -> Message | str:
    """Who is ranked together."""
    classes = "、".join(cut.classes)
    # Where several classes are ranked by one rule, the group's label names the class itself.
    if cut.group is None or len(cut.classes) > 1:
        return cut.group or classes
    return say("{name} {group}", name=classes, group=cut.group)


def cut_decision(cut: Cut) -> Message:
    """What told the last one in from the first one out."""
    if cut.by_code:
        return say("{tied} 户各排序键全部相同，按信用代码先后分开", tied=cut.tied)
    key = (
        say("{key}（高者在前）", key=cut.key.name)
        if cut.key.descending
        else say("{key}（低者在前）", key=cut.key.name)
    )
    if cut.depth:
        return say(
            "{tied} 户并列，由第 {place} 排序键“{key}”分开", tied=cut.tied, place=cut.depth + 1, key=key
        )
    return say("无并列") if cut.key.name == p.TOTAL else say("无并列，按“{key}”", key=key)


def ungraded_reason(group: Ungraded) -> Message | str:
    """Why there is no grade."""
    if group.standing is None:
        return say("不属于规则的任何一类")
    if group.reason is not None:
        return group.reason
    return say("参评，但不参加排名")


def department_name(group: ProblemGroup) -> Message | str:
    """The department, or that none is known for the file."""
    return group.department if group.department is not None else say("部门未知")


def render(value: Message | str, lang: Language) -> str:
    """A sentence in the language; a name as it is."""
    return value.render(lang) if isinstance(value, Message) else value
