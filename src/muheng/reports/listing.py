"""The list that every report starts from: one row per subject, with what people sort and count it by.

Takes names, places and industries from the facts and grades from the result; counts and writes nothing.
"""

from __future__ import annotations

import polars as pl

from muheng.intake.facts import CODE, NAME, Facts
from muheng.policy import plan as p
from muheng.policy.lower import MOVES
from muheng.policy.run import Result
from muheng.standards.industry import UnknownIndustry, division_name, division_of, section_name, section_of

TOWNSHIP = "乡镇"
PARK = "园区"
PLACE = "所在"
INDUSTRY = "行业代码"
SECTION = "门类"
DIVISION = "大类"
LAST_GRADE = "上年等级"
MEMBERS = "合并评价的企业"


def list_subjects(result: Result, last_year: pl.DataFrame | None = None) -> pl.DataFrame:
    """``Result.grades`` with 总分 as the scaled integer, and more columns, null where not known:

    调整依据, 乡镇, 园区, 所在 (both in one), 行业代码, 门类, 大类, 上年等级, 合并评价的企业 (of merged ones).

    ``last_year`` has 统一社会信用代码 and 等级; without it, 上年等级 comes from the facts.
    """
    frame = result.grades.with_columns(result.values[p.TOTAL], _regraded_by(result))
    places = [_joined(_text(result.facts, name)).alias(name) for name in (TOWNSHIP, PARK)]
    others = [_text(result.facts, name) for name in (INDUSTRY, LAST_GRADE)]
    given = result.facts.frame.select(CODE, *places, *others)
    if last_year is not None:
        grades = last_year.select(CODE, pl.col(p.GRADE).alias(LAST_GRADE)).unique(CODE, keep="first")
        given = given.drop(LAST_GRADE).join(grades, on=CODE, how="left")
    frame = frame.join(given, on=CODE, how="left", maintain_order="left").join(
        _members(result), on=CODE, how="left", maintain_order="left"
    )
    sections, divisions = _industry_labels(frame[INDUSTRY])
    return frame.with_columns(
        pl.when(pl.col(TOWNSHIP).is_null())
        .then(pl.col(PARK))
        .when(pl.col(PARK).is_null())
        .then(pl.col(TOWNSHIP))
        .otherwise(pl.format("{}（{}）", TOWNSHIP, PARK))
        .alias(PLACE),
        pl.col(INDUSTRY).replace_strict(sections, default=None, return_dtype=pl.String).alias(SECTION),
        pl.col(INDUSTRY).replace_strict(divisions, default=None, return_dtype=pl.String).alias(DIVISION),
    )


def knows(frame: pl.DataFrame, name: str) -> bool:
    """Whether the column says anything at all."""
    return frame[name].null_count() < frame.height


def move_text(plan: p.Plan, move: p.Move) -> str:
    """What the rule says it does: 提 1 档, 最高 C."""
    section, index = move.path
    rules = plan.document.veto if section == "veto" else plan.document.regrade
    return rules[int(index)].then


def _text(facts: Facts, name: str) -> pl.Expr:
    """A text item; blank is null. Null where the facts have no such item."""
    item = facts.items.get(name)
    if item is None or item.kind not in ("text", "tags"):
        return pl.lit(None, pl.String).alias(name)
    stripped = pl.col(name).str.strip_chars()
    return pl.when(stripped != "").then(stripped).alias(name)


def _joined(text: pl.Expr) -> pl.Expr:
    """An enterprise in several places, 甲|乙 or 乙|甲 in the facts, has one name for them all."""
    return (
        pl.when(text.str.contains("|", literal=True))
        .then(text.str.split("|").list.sort().list.join("、"))
        .otherwise(text)
    )


def _regraded_by(result: Result) -> pl.Series:
    """What moved the grade, in the order it was applied: 县五百强（提 1 档）；…"""
    moves = result.plan.regrading.moves
    applied = result.values[MOVES]
    if not moves or not applied.max():
        return pl.Series(p.REGRADED_BY, [None] * len(applied), dtype=pl.String)
    texts: dict[int, str] = {}
    for bits in applied.unique().drop_nulls():
        named = [move for index, move in enumerate(moves) if bits >> index & 1]
        texts[bits] = "；".join(f"{move.title}（{move_text(result.plan, move)}）" for move in named)
    texts.pop(0, None)
    return applied.replace_strict(texts, default=None, return_dtype=pl.String).alias(p.REGRADED_BY)


def _members(result: Result) -> pl.DataFrame:
    """The other members of each merged subject, by the lead's code."""
    pairs = [(lead, member) for member, lead in (result.members or {}).items() if member != lead]
    frame = pl.DataFrame(pairs, schema={CODE: pl.String, MEMBERS: pl.String}, orient="row")
    names = result.given.frame.select(pl.col(CODE).alias(MEMBERS), NAME)
    named = frame.join(names, on=MEMBERS, how="left", maintain_order="left")
    frame = named.select(CODE, pl.format("{} {}", pl.col(NAME).fill_null(""), MEMBERS).alias(MEMBERS))
    return frame.group_by(CODE, maintain_order=True).agg(pl.col(MEMBERS).sort().str.join("；"))


def _industry_labels(codes: pl.Series) -> tuple[dict[str, str], dict[str, str]]:
    """Code → section, code → division, as they are shown; a code that is none of GB/T 4754 stays as it is."""
    sections: dict[str, str] = {}
    divisions: dict[str, str] = {}
    for code in codes.unique().drop_nulls():
        try:
            letter, division = section_of(code), division_of(code)
        except UnknownIndustry:
            sections[code] = divisions[code] = code
            continue
        sections[code] = f"{letter} {section_name(code)}"
        divisions[code] = sections[code] if division is None else f"{letter}{division} {division_name(code)}"
    return sections, divisions
