"""What each rule of a policy did in one run: how many it let out, filled, capped, lifted. For a text beside its effect.

Keys are those of the policy's document (`policy_text`). Reads a finished result; computes nothing anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

import polars as pl

from muheng.documents.message import Message, say
from muheng.policy import plan as p
from muheng.policy.lower import MOVES, RULE
from muheng.policy.run import Result
from muheng.reports.phrases import unit_words
from muheng.reports.policy_text import PolicyText
from muheng.reports.words import count, scaled
from muheng.standards.rounding import divide_half_up, scale_half_up

Effects = Mapping[str, tuple[Message, ...]]


def find_effects(result: Result, text: PolicyText) -> Effects:
    """Sentences by the key of the rule; rules that leave no figures have none."""
    found: dict[str, list[Message]] = {}
    for key, said in _all(result, text):
        if key in text.places:
            found.setdefault(key, []).append(said)
    return {key: tuple(said) for key, said in found.items()}


def _all(result: Result, text: PolicyText) -> Iterator[tuple[str, Message]]:
    yield from _classes(result)
    yield from _standings(result, text)
    yield from _data(result)
    yield from _indicators(result)
    yield from _points(result)
    yield from _grades(result)
    yield from _moves(result)


def _classes(result: Result) -> Iterator[tuple[str, Message]]:
    counts = dict(result.values[p.CLASS].value_counts().iter_rows())
    for number, name in enumerate(result.plan.classes):
        said = say("{count} 户", count=count(counts.get(number, 0)))
        yield f"class.{name}.when", said
        yield f"class.{name}", said


def _standings(result: Result, text: PolicyText) -> Iterator[tuple[str, Message]]:
    """Rules of standing are the rows of the scope's table, in the same order."""
    counts = dict(result.values[RULE].value_counts().iter_rows())
    scope = next(chapter for chapter in text.chapters if chapter.id == "scope")
    rows = [part for part in scope.parts if hasattr(part, "rows")]
    for number, row in enumerate(rows[0].rows if rows else (), 1):
        yield row.key, say("{count} 户", count=count(counts.get(number, 0)))


def _data(result: Result) -> Iterator[tuple[str, Message]]:
    whole = result.encoded.frame.height
    for name in result.plan.document.input:
        if name not in result.encoded.frame.columns:
            continue
        missing = result.encoded.frame[name].null_count()
        if missing == whole:
            yield f"input.{name}", say("都没有提供")
        elif missing:
            yield f"input.{name}", say("{count} 户没有提供", count=count(missing))
        else:
            yield f"input.{name}", say("都已提供")


def _indicators(result: Result) -> Iterator[tuple[str, Message]]:
    plan = result.plan
    classes = dict(enumerate(plan.classes))
    codes = {name: number for number, name in classes.items()}
    for item in plan.indicators:
        key = f"class.{item.class_name}.indicator[{item.name}]"
        members = result.values.filter(pl.col(p.CLASS) == codes[item.class_name])
        scores = members.filter(pl.col(item.filled).is_not_null())
        if not scores.height:
            continue
        node = plan.numeric(item.filled)
        if isinstance(item.base, str):
            base = plan.numeric(item.base)
            bases = members[item.base].drop_nulls().unique()
            if len(bases) == 1:
                figure = scaled(bases[0], base.digits)
                yield key, say("基准值 {figure} {unit}", figure=figure, unit=unit_words(base.unit))
            elif len(bases):
                low, high = (scaled(int(end), base.digits) for end in (bases.min(), bases.max()))  # type: ignore[arg-type]
                yield (
                    key,
                    say("各组基准值 {low} 至 {high} {unit}", low=low, high=high, unit=unit_words(base.unit)),
                )
        total, many = int(scores[item.filled].sum()), scores.height
        yield key, say("平均得 {points} 分", points=scaled(divide_half_up(total, many), node.digits))
        filled = int(scores[item.score].null_count())
        if filled:
            yield key, say("{count} 户没有数据或分母不大于零", count=count(filled))
        score = plan.by_name[item.score]
        if isinstance(score, p.RatioScore) and score.cap is not None:
            capped = int((scores[item.score] == scale_half_up(score.cap, score.digits)).sum())
            if capped:
                yield key, say("{count} 户达到上限", count=count(capped))


def _points(result: Result) -> Iterator[tuple[str, Message]]:
    plan = result.plan
    for node in plan.nodes:
        if isinstance(node, p.Adjustment):
            section = "bonus" if node.sign > 0 else "deduction"
            applied = int((result.values[node.name] > 0).sum())
            yield f"{section}[{node.title}]", say("{count} 户", count=count(applied))
        elif isinstance(node, p.LimitedSum) and node.cap is not None:
            reached = int((result.values[node.name] == scale_half_up(node.cap, node.digits)).sum())
            if reached:
                yield f"limit.{node.name}", say("{count} 户达到上限", count=count(reached))


def _grades(result: Result) -> Iterator[tuple[str, Message]]:
    plan = result.plan
    for ranking in plan.rankings:
        codes = [plan.classes.index(name) for name in ranking.only]
        members = result.values.filter(pl.col(p.CLASS).is_in(codes))
        first = dict(members[p.FIRST_GRADE].value_counts().iter_rows())
        last = dict(members[p.GRADE].value_counts().iter_rows())
        path = ".".join(map(str, ranking.path))
        for number, grade in enumerate(plan.grades):
            yield (
                f"{path}.quota.{grade}",
                say(
                    "初评 {first} 户，调整后 {last} 户",
                    first=count(first.get(number, 0)),
                    last=count(last.get(number, 0)),
                ),
            )


def _moves(result: Result) -> Iterator[tuple[str, Message]]:
    applied = result.values[MOVES]
    moves = result.plan.regrading.moves
    for section, numbered in groupby(enumerate(moves), key=lambda pair: pair[1].path[0]):
        for number, move in numbered:
            many = int((applied // 2**number % 2 == 1).sum())
            yield f"{section}[{move.title}]", say("{count} 户符合", count=count(many))
