"""Two results beside each other: who moves, from where to where, and which changed rule moved them.

Causes are found by making the changes one after another, in the order of the file, and regrading everyone after
each; a move belongs to the change after which the grade is another. Changed data come last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from muheng.documents.message import Language, Message, say
from muheng.intake.facts import CODE, NAME, Facts
from muheng.policy import plan as p
from muheng.policy.bind import DataError
from muheng.policy.change import Change, Place, differences, make_change, read_data
from muheng.policy.compile import compile_file
from muheng.policy.cuts import Cut, find_cuts
from muheng.policy.run import Result, evaluate
from muheng.standards.rounding import format_scaled


@dataclass(frozen=True)
class Cause:
    """One step from the first result to the second: changes that only make sense together, or other data."""

    what: Message
    changes: tuple[Change, ...]
    moved: int


@dataclass(frozen=True)
class Comparison:
    """``moves``: 统一社会信用代码, 企业名称, 原等级, 新等级, 原总分, 新总分, 原因 (number of the cause, from 1; several
    joined by 、), one row for each enterprise whose grade differs. ``matrix``: 原等级, 新等级, 户数, everyone.
    ``everyone``: the columns of ``moves`` up to 新总分, for all who stand in both. ``ties``: the cuts of the second
    result that a tie key decided."""

    moves: pl.DataFrame
    matrix: pl.DataFrame
    causes: tuple[Cause, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    ties: tuple[Cut, ...]
    everyone: pl.DataFrame

    def lines(self, lang: Language = "zh", most: int = 20) -> list[str]:
        shown = [say("{count} 户等级变动。", count=self.moves.height).render(lang)]
        for before, after, many in self.matrix.filter(pl.col("原等级") != pl.col("新等级")).iter_rows():
            shown.append(
                say("  {before} → {after}：{many} 户", before=before, after=after, many=many).render(lang)
            )
        for number, cause in enumerate(self.causes, 1):
            shown.append(
                say(
                    "{number}. {what}：使 {moved} 户变动", number=number, what=cause.what, moved=cause.moved
                ).render(lang)
            )
        for row in self.moves.head(most).iter_rows(named=True):
            shown.append(
                say(
                    "· {name}（{code}）{before} → {after}，总分 {old} → {new}，原因 {why}",
                    name=row[NAME],
                    code=row[CODE],
                    before=row["原等级"],
                    after=row["新等级"],
                    old=row["原总分"] or "—",
                    new=row["新总分"] or "—",
                    why=row["原因"] or "—",
                ).render(lang)
            )
        if self.moves.height > most:
            shown.append(say("……另有 {count} 户。", count=self.moves.height - most).render(lang))
        for codes, what in (
            (self.only_before, say("只在前一结果中")),
            (self.only_after, say("只在后一结果中")),
        ):
            if codes:
                shown.append(say("{what}：{count} 户", what=what, count=len(codes)).render(lang))
        for cut in self.ties:
            shown.append(
                say(
                    "{group} {better}／{worse} 分界处 {tied} 户同为 {total} 分，由“{key}”决定",
                    group=cut.group or "、".join(cut.classes),
                    better=cut.better,
                    worse=cut.worse,
                    tied=cut.tied,
                    total="—" if cut.last_in.total is None else format_scaled(cut.last_in.total, cut.digits),
                    key=cut.key.name,
                ).render(lang)
            )
        return shown

    def json(self, lang: Language = "zh") -> dict[str, Any]:
        return {
            "moved": self.moves.height,
            "matrix": self.matrix.rename({"原等级": "before", "新等级": "after", "户数": "count"}).to_dicts(),
            "causes": [
                {
                    "what": cause.what.render(lang),
                    "changes": [str(change) for change in cause.changes],
                    "moved": cause.moved,
                }
                for cause in self.causes
            ],
            "moves": [
                {
                    "code": row[CODE], "name": row[NAME], "before": row["原等级"], "after": row["新等级"],
                    "score_before": row["原总分"], "score_after": row["新总分"], "causes": row["原因"],
                }
                for row in self.moves.iter_rows(named=True)
            ],
            "only_before": list(self.only_before),
            "only_after": list(self.only_after),
            "ties": [
                {
                    "classes": list(cut.classes),
                    "group": cut.group.render(lang) if isinstance(cut.group, Message) else cut.group,
                    "better": cut.better,
                    "worse": cut.worse,
                    "tied": cut.tied,
                    "decided_by": cut.key.name,
                }
                for cut in self.ties
            ],
        }  # fmt: skip


def compare(before: Result, after: Result) -> Comparison:
    """Everything from ``before`` to ``after``; enterprises are matched by credit code."""
    stages = [_standing(before)]
    causes: list[Cause] = []
    reason = stages[0].select(CODE, pl.lit("").alias("原因"))
    for number, (what, changes, result) in enumerate(_stages(before, after), 1):
        stages.append(_standing(result))
        turned = _beside(*stages[-2:]).filter(_MOVED).select(CODE, pl.lit(str(number)).alias("~号"))
        causes.append(Cause(what, changes, turned.height))
        reason = reason.join(turned, on=CODE, how="left", maintain_order="left").select(
            CODE,
            pl.concat_str(["原因", "~号"], separator="、", ignore_nulls=True)
            .str.strip_chars_start("、")
            .alias("原因"),
        )
    return _compared(stages[0], _standing(after), reason, tuple(causes), find_ties(after))


def compare_trial(before: Result, after: Result, changes: tuple[Change, ...]) -> Comparison:
    """A what-if whose changes are known: one cause."""
    first, last = _standing(before), _standing(after)
    what = say("{changes}", changes="；".join(map(str, changes)))
    cause = Cause(what, changes, _beside(first, last).filter(_MOVED).height)
    reason = first.select(CODE, pl.lit("1").alias("原因"))
    return _compared(first, last, reason, (cause,), find_ties(after))


def find_ties(result: Result) -> tuple[Cut, ...]:
    """The cuts at which the score did not decide."""
    return tuple(cut for cut in find_cuts(result) if cut.depth)


_MOVED = pl.col("原等级") != pl.col("新等级")


def _beside(first: pl.DataFrame, last: pl.DataFrame) -> pl.DataFrame:
    """统一社会信用代码, 企业名称, 原等级, 新等级, 原总分, 新总分 of everyone who stands in both."""
    return first.join(last, on=CODE, how="inner", suffix="_后", maintain_order="left").select(
        CODE,
        NAME,
        pl.col("等级").alias("原等级"),
        pl.col("等级_后").alias("新等级"),
        pl.col(p.TOTAL).alias("原总分"),
        pl.col(f"{p.TOTAL}_后").alias("新总分"),
    )


def _compared(
    first: pl.DataFrame,
    last: pl.DataFrame,
    reason: pl.DataFrame,
    causes: tuple[Cause, ...],
    ties: tuple[Cut, ...],
) -> Comparison:
    """``reason``: 统一社会信用代码, 原因 of everyone in ``first``."""
    both = _beside(first, last)
    matrix = both.group_by("原等级", "新等级").agg(pl.len().alias("户数")).sort("原等级", "新等级")
    return Comparison(
        both.filter(_MOVED).join(reason, on=CODE, how="left", maintain_order="left"),
        matrix,
        causes,
        tuple(first.join(last, on=CODE, how="anti")[CODE].sort()),
        tuple(last.join(first, on=CODE, how="anti")[CODE].sort()),
        ties,
        both,
    )


def _standing(result: Result) -> pl.DataFrame:
    """统一社会信用代码, 企业名称, 等级, 总分: everyone's grade, or standing where there is none; members of merged subjects have their subject's."""
    grades = result.grades.select(CODE, NAME, pl.coalesce(p.GRADE, p.STANDING).alias("等级"), p.TOTAL)
    if result.members is None:
        return grades
    members = pl.DataFrame({CODE: list(result.members), "~主": list(result.members.values())})
    names = result.given.frame.select(CODE, NAME)
    return (
        members.join(grades.drop(NAME), left_on="~主", right_on=CODE, how="left")
        .join(names, on=CODE, how="left")
        .select(CODE, NAME, "等级", p.TOTAL)
        .sort(CODE)
    )


def _stages(before: Result, after: Result) -> Iterator[tuple[Message, tuple[Change, ...], Result]]:
    """Results on the way: the first facts under ever more of the second policy, then the second facts."""
    file = read_data(before.plan.text, "before")
    target = read_data(after.plan.text, "after")
    waiting: list[Change] = []
    meaning = before.plan.meaning
    for change in differences(file, target):
        file = make_change(file, change)
        if _is_wording(change.place):
            continue
        waiting.append(change)
        result = _try(compile_file(file, trial=True).plan, before)
        if result is None:
            continue
        if result.plan.meaning != meaning:
            meaning = result.plan.meaning
            yield say("{changes}", changes="；".join(map(str, waiting))), tuple(waiting), result
        waiting = []
    other_data: Message | None = None
    if _differ(before.given, after.given) or _differ(before.given_previous, after.given_previous):
        other_data = say("数据有改动")
        if before.year != after.year:
            other_data = say("数据由 {before} 年换为 {after} 年", before=before.year, after=after.year)
    if waiting:
        # These rules cannot run on the first facts: they and the other data act together.
        what = say("{changes}", changes="；".join(map(str, waiting)))
        if other_data is not None:
            what = say("{changes}；{data}", changes=what, data=other_data)
        yield what, tuple(waiting), after
    elif other_data is not None:
        yield other_data, (), after


def _is_wording(place: Place) -> bool:
    """Whether a place only says what something is called or where it comes from."""
    match place:
        case (
            ("policy", *_) | ("grade", _, "name") | ("input", _, "from" | "clause") | ("define", _, "clause")
        ):
            return True
        case ("merge", "clause") | (_, _, "clause") | ("class", _, "indicator", _, "clause"):
            return True
    return False


def _differ(first: Facts | None, second: Facts | None) -> bool:
    """Whether two years' facts are other facts; where each figure comes from does not matter."""
    if first is None or second is None:
        return first is not second
    return (first.year, first.items) != (second.year, second.items) or not first.frame.equals(second.frame)


def _try(plan: p.Plan | None, before: Result) -> Result | None:
    """A result over the first facts, or None where the changes made so far do not make a policy that can run on
    them."""
    if plan is None:
        return None
    try:
        return evaluate(plan, before.given, previous=before.given_previous)
    except DataError:
        return None
