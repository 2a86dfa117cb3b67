"""The cuts between grades: who is the last one in and the first one out, and what told them apart.

Reads places and first grades as the engine gave them; direct grades, lifts and vetoes come after the cuts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from muheng.documents.message import Language, Message, say
from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.policy.run import Result, decode

GROUP = "排名组"
SHOWN_GROUPS = 6


@dataclass(frozen=True)
class Neighbour:
    """One side of a cut. ``place`` is the place in the order that the cut was made in."""

    code: str
    name: str
    place: int
    total: int | None


@dataclass(frozen=True)
class Cut:
    """``key`` is the first sorting key in which the two differ, the ``depth``-th; depth 0: no tie.

    ``group`` is None where all of ``classes`` are ranked together. ``better`` and ``worse`` are the first
    grades on either side. ``step`` is 0, or the number of the step of a two-step grading; there the last one
    in is the last to be chosen for ``grade``. ``tied`` counts who has the total of a tie, on both sides.
    """

    classes: tuple[str, ...]
    group: Message | str | None
    step: int
    grade: str
    better: str
    worse: str
    last_in: Neighbour
    first_out: Neighbour
    gap: int | None
    key: p.Key
    depth: int
    tied: int
    digits: int

    def covers(self, class_name: str) -> bool:
        """Whether the cut is that of one whole class."""
        alone = self.classes == (class_name,) and self.group is None
        return not self.step and (alone or (len(self.classes) > 1 and self.group == class_name))

    @property
    def by_code(self) -> bool:
        """Nothing but the credit code told the two apart."""
        return self.key.name == CODE


def find_cuts(result: Result) -> tuple[Cut, ...]:
    """Every cut of every group that has somebody on both sides."""
    return tuple(cut for ranking in result.plan.rankings for cut in _ranking_cuts(result, ranking))


def group_labels(result: Result, lang: Language = "zh") -> pl.Series:
    """排名组: the group in which each row is ranked; null where there is but one, or no place."""
    found = [pl.DataFrame(schema={"~序": pl.UInt32, p.CLASS: pl.String})]
    for ranking in result.plan.rankings:
        ranked = _ranked(result, ranking)
        names = {group: name for group, name in _group_names(result, ranking, ranked).items() if name}
        shown = {
            group: name.render(lang) if isinstance(name, Message) else name for group, name in names.items()
        }
        label = pl.col("~组").replace_strict(shown, default=None, return_dtype=pl.String)
        found.append(ranked.select("~序", label.alias(p.CLASS)))
    rows = pl.DataFrame([pl.int_range(result.values.height, dtype=pl.UInt32, eager=True).alias("~序")])
    return rows.join(pl.concat(found), on="~序", how="left", maintain_order="left")[p.CLASS].alias(GROUP)


def _ranked(result: Result, ranking: p.Ranking) -> pl.DataFrame:
    """Rows with a place: ~序, ~组 (one number per group), ~位, ~初评, and what the keys and labels need."""
    values, name = result.values, ranking.name
    group = pl.col(f"{name}.组") if f"{name}.组" in values.columns else pl.lit(0, pl.Int64)
    if ranking.small and ranking.by and ranking.small_then == "按全体":
        # Small groups take their places among their whole class: together they have cuts of their own.
        group = (
            pl.when(pl.col(f"{name}.原组户数") < ranking.small).then(-1 - pl.col(p.CLASS)).otherwise(group)
        )
    keys = {key.name for order in (ranking.order, *(step.order for step in ranking.steps)) for key in order}
    steps = [
        column
        for number in range(1, len(ranking.steps) + 1)
        for column in (f"{name}.第{number}步.候选", f"{name}.第{number}步.位次", f"{name}.第{number}步.入选")
    ]
    wanted = {CODE, NAME, p.TOTAL, p.CLASS, *keys, *ranking.by, *steps}
    return (
        values.with_row_index("~序")
        .filter(f"{name}.排名")
        .select(
            "~序",
            group.alias("~组"),
            pl.col(name).alias("~位"),
            pl.col(f"{name}.初评").alias("~初评"),
            *(column for column in values.columns if column in wanted),
        )
    )


def _group_names(result: Result, ranking: p.Ranking, ranked: pl.DataFrame) -> dict[int, Message | str | None]:
    """What to call each group."""
    by = ranking.by if len(ranking.only) == 1 else (p.CLASS, *ranking.by)
    if not by:
        return dict.fromkeys(ranked["~组"].unique(), None)
    parts = [decode(ranked[name], result.labels[name]).fill_null("—").alias(name) for name in by]
    labels = pl.DataFrame([ranked["~组"], *parts]).select(
        "~组", pl.concat_str(by, separator="·").alias("~名")
    )
    found: dict[int, Message | str | None] = {}
    for group, names in labels.group_by("~组").agg(pl.col("~名").unique().sort()).iter_rows():
        shown = "、".join(names[:SHOWN_GROUPS])
        if len(names) > SHOWN_GROUPS:
            shown = f"{shown}……"
        if group < 0:
            found[group] = say("小组按全体排名（{groups}）", groups=shown)
        else:
            found[group] = names[0] if len(names) == 1 else say("合并小组（{groups}）", groups=shown)
    return found


def _ranking_cuts(result: Result, ranking: p.Ranking) -> list[Cut]:
    """Group by group, each from the best cut down."""
    return [cut for _, cut in sorted(_found(result, ranking), key=lambda found: found[0])]


def _found(result: Result, ranking: p.Ranking) -> Iterator[tuple[int, Cut]]:
    ranked = _ranked(result, ranking)
    if not ranked.height:
        return
    names = _group_names(result, ranking, ranked)
    if ranking.steps:
        for number, step in enumerate(ranking.steps, 1):
            prefix = f"{ranking.name}.第{number}步"
            chosen = ranked.filter(f"{prefix}.候选").with_columns(pl.col(f"{prefix}.位次").alias("~位"))
            inside = chosen.filter(f"{prefix}.入选")
            pairs = _pairs(inside, chosen.filter(~pl.col(f"{prefix}.入选")))
            yield from _cuts(result, ranking, chosen, names, pairs, step.order, number, step.grade)
        return
    for index, grade in enumerate(result.plan.grades[:-1]):
        inside = ranked.filter(pl.col("~初评") == index)
        pairs = _pairs(inside, ranked.filter(pl.col("~初评") > index))
        yield from _cuts(result, ranking, ranked, names, pairs, ranking.order, 0, grade)


def _pairs(inside: pl.DataFrame, outside: pl.DataFrame) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    """The last inside and the first outside of each group that has both."""
    last = inside.sort("~组", "~位", "~序").unique("~组", keep="last", maintain_order=True)
    first = outside.sort("~组", "~位", "~序").unique("~组", keep="first", maintain_order=True)
    firsts = {row["~组"]: row for row in first.iter_rows(named=True)}
    for row in last.iter_rows(named=True):
        if row["~组"] in firsts:
            yield row, firsts[row["~组"]]


def _cuts(
    result: Result,
    ranking: p.Ranking,
    ranked: pl.DataFrame,
    names: dict[int, Message | str | None],
    pairs: Iterable[tuple[dict[str, int], dict[str, int]]],
    order: tuple[p.Key, ...],
    step: int,
    grade: str,
) -> Iterator[tuple[int, Cut]]:
    grades = result.plan.grades
    for last, first in pairs:
        keys = (*order, p.Key(CODE, False))
        depth = next(depth for depth, key in enumerate(keys) if last[key.name] != first[key.name])
        tied = 0
        if depth:
            same = [pl.col(key.name).eq_missing(pl.lit(last[key.name], pl.Int64)) for key in order[:depth]]
            tied = ranked.filter(pl.col("~组") == last["~组"], *same).height
        both = last[p.TOTAL] is not None and first[p.TOTAL] is not None
        cut = Cut(
            ranking.only,
            names[last["~组"]],
            step,
            grade,
            grades[last["~初评"]],
            grades[first["~初评"]],
            _neighbour(last),
            _neighbour(first),
            last[p.TOTAL] - first[p.TOTAL] if both else None,
            keys[depth],
            depth,
            tied,
            result.plan.numeric(p.TOTAL).digits,
        )
        yield last["~组"], cut


def _neighbour(row: dict[str, int]) -> Neighbour:
    return Neighbour(str(row[CODE]), str(row[NAME]), row["~位"], row[p.TOTAL])
