"""A policy and facts become a result: bind, lower, run an engine, name the figures.

The result keeps every intermediate figure, so that explanation, comparison and proof need nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.documents.message import Message, say
from muheng.intake.facts import CODE, NAME, Facts
from muheng.policy import plan as p
from muheng.policy.bind import SHOWN, DataError, Encoded, Misfit, bind
from muheng.policy.executors.numpy_engine import Kernel
from muheng.policy.executors.outcome import OverflowRefused
from muheng.policy.executors.polars_engine import run_polars
from muheng.policy.lower import MOVES, ROW, RULE, lower
from muheng.policy.merge import merge_facts
from muheng.policy.program import Check, Program
from muheng.standards.rounding import format_scaled

Engine = Literal["polars", "duckdb"]


@dataclass(frozen=True)
class Result:
    """One policy run over one year's facts.

    ``values``: one row per subject sorted by credit code; 统一社会信用代码, 企业名称, then every node of the plan as
    integers (see ``Plan``). ``labels`` decode text columns. ``members`` maps each enterprise to its subject where
    enterprises were merged.
    """

    plan: p.Plan
    facts: Facts
    encoded: Encoded
    values: pl.DataFrame
    labels: Mapping[str, tuple[str, ...]]
    program: Program
    previous: Facts | None = None
    members: Mapping[str, str] | None = None
    independent: Result | None = None
    unmerged: Facts | None = None
    unmerged_previous: Facts | None = None

    @property
    def given(self) -> Facts:
        """The facts of every enterprise, as they were before any were merged."""
        return self.unmerged or self.facts

    @property
    def given_previous(self) -> Facts | None:
        return self.unmerged_previous or self.previous

    def members_of(self, subject: str) -> list[str]:
        """The enterprises whose figures a subject's are: itself, and those merged into it."""
        return self.merged_into.get(subject, [subject])

    @cached_property
    def merged_into(self) -> dict[str, list[str]]:
        """Members by their subject's code, the subject first, for merged subjects only."""
        found: dict[str, list[str]] = {}
        for member, lead in (self.members or {}).items():
            if member != lead:
                found.setdefault(lead, [lead]).append(member)
        return found

    @property
    def year(self) -> int:
        return self.encoded.year

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each subject, and of each member of a merged subject, by credit code."""
        rows = {code: row for row, code in enumerate(self.values[CODE])}
        for member, lead in (self.members or {}).items():
            rows.setdefault(member, rows[lead])
        return rows

    @cached_property
    def kernel(self) -> Kernel:
        """Every column in numpy, hidden ones included, for advice and what-if."""
        kernel = Kernel(data_frame(self.encoded))
        kernel.update(self.program)
        return kernel

    @cached_property
    def lines(self) -> dict[tuple[str, int], Mapping[int, int]]:
        """Where grades begin, by ranking and grade, then by group, as far as they were asked for (see ``explain``)."""
        return {}

    @cached_property
    def components(self) -> dict[int, NDArray[np.intp]]:
        """Rows that hang together with a row, as far as they were asked for (see ``advise``)."""
        return {}

    @cached_property
    def grades(self) -> pl.DataFrame:
        """The list: 统一社会信用代码, 企业名称, 类别, 评价状态, 状态理由, 总分, 名次, 初评等级, 等级, 施策等级 as people read them.

        总分 is text with the policy's decimals; 等级 is null for who is not graded.
        """
        plan = self.plan
        digits = plan.numeric(p.TOTAL).digits
        reasons = ("", *(rule.reason for rule in plan.standing.rules))
        lookups = {
            p.CLASS: plan.classes,
            p.STANDING: p.STANDINGS,
            p.FIRST_GRADE: plan.grades,
            p.GRADE: plan.grades,
            p.TREATED_AS: plan.grades,
        }
        columns = [self.values[CODE], self.values[NAME]]
        columns += [decode(self.values[name], labels).alias(name) for name, labels in lookups.items()]
        columns.append(decode(self.values[RULE], reasons).alias(p.REASON))
        columns.append(decimal_text(self.values[p.TOTAL], digits).alias(p.TOTAL))
        columns.append(self.values[p.PLACE])
        order = [
            CODE,
            NAME,
            p.CLASS,
            p.STANDING,
            p.REASON,
            p.TOTAL,
            p.PLACE,
            p.FIRST_GRADE,
            p.GRADE,
            p.TREATED_AS,
        ]
        return pl.DataFrame(columns).select(order)

    def moves(self, row: int) -> list[p.Move]:
        """The regradings and vetoes that applied to a row, in order."""
        applied = self.values[MOVES][row]
        return [move for index, move in enumerate(self.plan.regrading.moves) if applied >> index & 1]

    def figure(self, row: int, name: str) -> str | None:
        """A numeric node of one row as text with its decimals; None where missing."""
        value = self.values[name][row]
        return None if value is None else format_scaled(value, self.plan.numeric(name).digits)


def decode(codes: pl.Series, labels: tuple[str, ...]) -> pl.Series:
    """Codes to their labels; null stays null."""
    table = pl.Series(labels, dtype=pl.String)
    return table.gather(codes) if len(labels) else codes.cast(pl.String)


def decimal_text(values: pl.Series, digits: int) -> pl.Series:
    """Scaled integers as decimal text, exactly."""
    if digits == 0:
        return values.cast(pl.String)
    scale = 10**digits
    frame = values.to_frame("v")
    sign = pl.when(pl.col("v") < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole = (pl.col("v").abs() // scale).cast(pl.String)
    rest = (pl.col("v").abs() % scale).cast(pl.String).str.zfill(digits)
    return frame.select(pl.concat_str([sign, whole, pl.lit("."), rest])).to_series()


def evaluate(
    plan: p.Plan, facts: Facts, *, previous: Facts | None = None, engine: Engine = "polars"
) -> Result:
    """Evaluate the policy for the year of ``facts``; ``previous`` are last year's, where the policy needs them.

    Raises :class:`DataError` with everything in the facts that does not fit; nothing is computed then.
    """
    merge = plan.document.merge
    if merge is None:
        return _evaluate(plan, facts, previous, engine)
    merged, members = merge_facts(plan, facts, _alone(plan, facts))
    merged_previous = merge_facts(plan, previous, _alone(plan, previous))[0] if previous is not None else None
    together = replace(
        _evaluate(plan, merged, merged_previous, engine),
        members=members,
        unmerged=facts,
        unmerged_previous=previous,
    )
    if merge.result == "共享":
        return together
    alone = _evaluate(plan, facts, previous, engine)
    if merge.official == "合并":
        return replace(together, independent=alone)
    return replace(alone, independent=together)


def _alone(plan: p.Plan, facts: Facts) -> list[str]:
    """Who is not merged with the others on the parcel."""
    node = plan.by_name.get(p.ALONE)
    if node is None:
        return []
    encoded = bind(plan, facts)
    values = _run(plan, make_program(plan, encoded, only=frozenset({p.ALONE, *node.reads()})), encoded)
    return values.filter(pl.col(p.ALONE))[CODE].to_list()


def _evaluate(plan: p.Plan, facts: Facts, previous: Facts | None, engine: Engine) -> Result:
    encoded = bind(plan, facts)
    last_year = last_year_figures(plan, previous)
    program = make_program(plan, encoded, last_year)
    values = _run(plan, program, encoded, engine)
    # In the program's order, which is the same whatever engine ran it.
    made = (step.name for step in program.steps if not isinstance(step, Check))
    kept = [CODE, NAME, *(name for name in made if name[0] not in "~@" or name in (RULE, MOVES))]
    return Result(plan, facts, encoded, values.select(kept), result_labels(plan, encoded), program, previous)


def _run(plan: p.Plan, program: Program, encoded: Encoded, engine: Engine = "polars") -> pl.DataFrame:
    """Raises :class:`DataError` where a value is too large."""
    try:
        return run_program(program, encoded, engine)
    except OverflowRefused as refused:
        raise DataError(too_large(plan, encoded, refused)) from refused


def result_labels(plan: p.Plan, encoded: Encoded) -> dict[str, tuple[str, ...]]:
    """Labels of every text column a result may have."""
    labels = dict(encoded.labels)
    for node in plan.nodes:
        if isinstance(node, p.CodeInput) and node.kind == "level":
            labels[node.name] = node.levels
        elif isinstance(node, p.Grouping):
            labels[node.name] = node.labels
    labels[p.CLASS] = plan.classes
    return labels


def make_program(
    plan: p.Plan,
    encoded: Encoded,
    last_year: Mapping[str, Mapping[tuple[str | None, ...], int]] | None = None,
    only: frozenset[str] | None = None,
) -> Program:
    """The integer steps for these data, proved free of overflow for them."""
    program = lower(plan, encoded.year, encoded.frame.height, encoded.bounds, encoded.labels, last_year, only)
    if program.unproved:
        raise DataError(
            [
                Misfit(
                    node,
                    say("“{node}”的数值范围太大，无法保证精确计算（{limit}）。", node=node, limit=limit),
                    say("在规则中减少 digits，或写明数据项的 range。"),
                )
                for node, limit in program.unproved
            ]
        )
    return program


def data_frame(encoded: Encoded) -> pl.DataFrame:
    """The columns a program reads: ``@`` and the name of each input, and the number of the row."""
    frame = encoded.frame.rename({name: f"@{name}" for name in encoded.frame.columns[2:]})
    return frame.with_columns(pl.int_range(frame.height, dtype=pl.Int64).alias(ROW))


def run_program(program: Program, encoded: Encoded, engine: Engine = "polars") -> pl.DataFrame:
    """Raises OverflowRefused. The frame has the credit code, the name and every column of the program."""
    frame = data_frame(encoded)
    if engine == "polars":
        return run_polars(program, frame)
    # Ibis is an extra: it is asked for only where it is used.
    from muheng.policy.executors.ibis_engine import run_duckdb

    return run_duckdb(program, frame)


def last_year_figures(plan: p.Plan, previous: Facts | None) -> dict[str, dict[tuple[str | None, ...], int]]:
    """The group figures that the policy takes from last year's facts, by group labels."""
    wanted = [node for node in plan.nodes if isinstance(node, p.Aggregate) and node.source == "previous"]
    if not wanted:
        return {}
    if previous is None:
        raise DataError(
            [
                Misfit(
                    node.name,
                    say("“{name}”以上年平均为基准，没有给上年数据。", name=node.name.rsplit(".", 1)[0]),
                    say("用 --previous 给出上年的数据，或在规则的 base 中写 values。"),
                )
                for node in wanted
            ]
        )
    current = [replace(node, source="current") for node in wanted]
    names = {node.name for node in current}
    by_name = {**plan.by_name, **{node.name: node for node in current}}
    needed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in needed or name not in by_name:
            continue
        needed.add(name)
        waiting.extend(by_name[name].reads())
    then = replace(plan, nodes=tuple(by_name[node.name] for node in plan.nodes))
    encoded = bind(then, previous)
    values = _run(then, make_program(then, encoded, only=frozenset(needed)), encoded)
    labels = result_labels(then, encoded)
    figures: dict[str, dict[tuple[str | None, ...], int]] = {}
    for node in current:
        table = values.select(*node.by, node.name).unique().drop_nulls(node.name)
        figures[node.name] = {
            tuple(
                None if code is None else labels[name][code]
                for name, code in zip(node.by, row[:-1], strict=True)
            ): row[-1]
            for row in table.iter_rows()
        }
    return figures


def too_large(plan: p.Plan, encoded: Encoded, refused: OverflowRefused) -> list[Misfit]:
    """The first enterprises with a value beyond what can be computed exactly."""
    frame = encoded.frame
    title = plan.by_name[refused.node].title
    return [
        Misfit(
            refused.node,
            say("{name} 的“{item}”数值过大，无法保证精确计算。", name=frame[NAME][row], item=title),
            say("核对它的分子和分母（多为单位写错，或用地极小）。"),
            frame[CODE][row],
            frame[NAME][row],
        )
        for row in refused.rows[:SHOWN]
    ]


def describe_misfits(misfits: list[Misfit]) -> list[Message]:
    """One sentence each, with how to mend it."""
    return [
        misfit.what if misfit.fix is None else say("{what} {fix}", what=misfit.what, fix=misfit.fix)
        for misfit in misfits
    ]
