"""A plan as it is kept: the measure of each line at each level as a table, and all that it was made from, so that the
problem can be built again and each answer to “why” given as it was then.

A folder: ``plan.json`` (list, day, choices, proof), ``settings.toml``, ``norms.toml``, ``lines.parquet``.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from muheng.emergency.explanation import REASONS, Explanation, explain
from muheng.emergency.inventory.model import Inventory, Level, Mass
from muheng.emergency.norms import read_norms
from muheng.emergency.options import Built, build_problem
from muheng.emergency.orders import orders_of
from muheng.emergency.plan.answer import JointFigures, LevelFigures, Plan
from muheng.emergency.plan.problem import POLLUTANTS, Problem
from muheng.emergency.season import Burden
from muheng.emergency.settings import read_settings
from muheng.web.emergency.stored import Listing, read_list
from muheng.web.files.actions import folder_path, store_folder

FORMAT = 1
_KEPT = 4


@dataclass(frozen=True)
class Making:
    """What a plan is made from: the list by its digest, the texts, the day, what lines have borne already."""

    folder: str
    settings: str
    norms: str
    on: datetime.date
    history: Mapping[str, Burden]

    def build(self) -> Built:
        """The problem. Raises UnusableList; the settings were checked before."""
        settings, _found = read_settings(self.settings)
        if settings is None:
            raise ValueError("settings with mistakes")
        norms = read_norms(self.norms)[0] if settings.execution.norms else None
        return build_problem(
            read_list(self.folder).inventory, settings, norms, history=dict(self.history) or None, on=self.on
        )


@dataclass(frozen=True)
class Measured:
    """What a line does at a level; ``loss`` fen a day, ``cut`` g a day, ``part`` thousandths."""

    line: str
    level: Level
    name: str
    kind: str
    part: int
    count_by: str
    evidence: str
    """By what it is checked, 、 between."""
    what: str
    """In words, Chinese: which unit stops, or to what load."""
    what_english: str
    loss: int
    cut: Mass

    @property
    def idle(self) -> bool:
        """Nothing is asked."""
        return not self.part and not any(self.cut) and not self.kind


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """A plan that was kept."""

    folder: str
    head: Mapping[str, Any]
    lines: pl.DataFrame
    """A row for each line: line, name, firm, firm_name, county, trade, grade, guarantee; and for each level option,
    measure, kind, part, count_by, evidence, what, what_en, loss, so2, nox, pm, voc, reason, stray, each with the level's name
    behind it (``loss_red``)."""

    @property
    def levels(self) -> tuple[Level, ...]:
        return tuple(self.head["levels"])

    @property
    def making(self) -> Making:
        path = folder_path(self.folder)
        return Making(
            self.head["list"],
            (path / "settings.toml").read_text(encoding="utf-8"),
            (path / "norms.toml").read_text(encoding="utf-8"),
            datetime.date.fromisoformat(self.head["on"]),
            {line: Burden(days, loss) for line, (days, loss) in self.head["history"].items()},
        )

    @cached_property
    def listing(self) -> Listing:
        return read_list(self.head["list"])

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each line stands."""
        return {line: place for place, line in enumerate(self.lines.get_column("line"))}

    @cached_property
    def explanation(self) -> Explanation | None:
        """Built again from what it was made from; None where this version of the program makes another problem of it."""
        built = self.making.build()
        if digest_problem(built.problem) != self.head["problem"]:
            return None
        start = built.problem.start[:-1].astype(np.int32)
        chosen = np.array([start + np.array(row, np.int32) for row in self.head["chosen"]])
        figures = tuple(_figures(each) for each in self.head["figures"])
        joint = JointFigures(**self.head["joint"]) if self.head["joint"] else None
        return explain(Plan(built.problem, chosen, figures, joint), built)

    def measures(self) -> Iterator[Measured]:
        """Every line at every level, in the order of lines."""
        for row in self.lines.iter_rows(named=True):
            for level in self.levels:
                yield measured(row, level)

    def of_firm(self, code: str) -> list[dict[str, Any]]:
        """The rows of an enterprise's lines."""
        return self.lines.filter(pl.col("firm") == code).to_dicts()


def measured(row: Mapping[str, Any], level: Level) -> Measured:
    """What a row of ``StoredPlan.lines`` says of one level."""
    so2, nox, pm, voc = (row[f"{p}_{level}"] for p in POLLUTANTS)
    return Measured(
        row["line"],
        level,
        row[f"measure_{level}"],
        row[f"kind_{level}"],
        row[f"part_{level}"],
        row[f"count_by_{level}"],
        row[f"evidence_{level}"],
        row[f"what_{level}"],
        row[f"what_en_{level}"],
        row[f"loss_{level}"],
        (so2, nox, pm, voc),
    )


def store_plan(making: Making, gap: str, explanation: Explanation) -> str:
    """Keeps a plan; gives the digest of its folder."""
    plan, built = explanation.plan, explanation.built
    assert built is not None
    problem = plan.problem
    head = {
        "format": FORMAT,
        "list": making.folder,
        "on": making.on.isoformat(),
        "gap": gap,
        "history": {line: [dict(each.days), each.loss] for line, each in making.history.items()},
        "levels": list(problem.levels),
        "problem": digest_problem(problem),
        "chosen": (plan.chosen - problem.start[:-1]).tolist(),
        "figures": [asdict(each) for each in plan.levels],
        "joint": asdict(plan.joint) if plan.joint else None,
        "unfairness": list(plan.unfairness),
        "changes": list(plan.changes),
    }
    table = tabulate(explanation, built.inventory)

    def fill(folder: Path) -> None:
        text = json.dumps(head, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        (folder / "plan.json").write_text(text, encoding="utf-8")
        (folder / "settings.toml").write_text(making.settings, encoding="utf-8")
        (folder / "norms.toml").write_text(making.norms, encoding="utf-8")
        table.write_parquet(folder / "lines.parquet")

    return store_folder(fill)


@lru_cache(maxsize=_KEPT)
def read_plan(folder: str) -> StoredPlan:
    """The plan of a digest."""
    path = folder_path(folder)
    head = json.loads((path / "plan.json").read_text(encoding="utf-8"))
    return StoredPlan(folder, head, pl.read_parquet(path / "lines.parquet"))


def digest_problem(problem: Problem) -> str:
    """By what two problems are the same: lines, options, amounts, needs and what is permitted."""
    found = hashlib.sha256()
    found.update("\n".join(problem.lines.to_list()).encode())
    found.update("\n".join(problem.options.names).encode())
    for part in (problem.start, problem.options.codes, problem.loss, problem.reduction, problem.need):
        found.update(np.ascontiguousarray(part, np.int64).tobytes())
    for extra in (problem.permitted, problem.charge):
        found.update(b"-" if extra is None else np.ascontiguousarray(extra, np.int64).tobytes())
    return found.hexdigest()


def tabulate(explanation: Explanation, inventory: Inventory) -> pl.DataFrame:
    """The table of a plan's lines."""
    plan, built = explanation.plan, explanation.built
    assert built is not None
    problem = plan.problem
    lines = {line.id: line for line in inventory.lines}
    firms = {firm.code: firm for firm in inventory.firms}
    filed = {(each.line, each.level): each for each in inventory.filed}
    tasks = {
        (own.line.id, task.level): task
        for order in orders_of(built, plan).values()
        for own in order.lines
        for task in own.tasks
    }
    own = [lines[line] for line in problem.lines]
    owners = [firms[line.firm] for line in own]
    columns: dict[str, Any] = {
        "line": problem.lines,
        "name": [line.name for line in own],
        "firm": [firm.code for firm in owners],
        "firm_name": [firm.name for firm in owners],
        "county": [firm.county for firm in owners],
        "trade": [firm.trade for firm in owners],
        "grade": [firm.grade for firm in owners],
        "guarantee": [firm.guarantee for firm in owners],
        "lines": _count([firm.code for firm in owners]),
    }
    for v, level in enumerate(problem.levels):
        row = plan.chosen[v].tolist()
        taken = [built.options[option] for option in row]
        asked = [tasks[line.id, level] for line in own]
        columns |= {
            f"option_{level}": (plan.chosen[v] - problem.start[:-1]).tolist(),
            f"measure_{level}": [each.name for each in taken],
            f"kind_{level}": [each.kind or "" for each in taken],
            f"part_{level}": [each.part for each in taken],
            f"count_by_{level}": [each.count_by or "" for each in asked],
            f"evidence_{level}": ["、".join(each.evidence) for each in asked],
            f"what_{level}": [each.what.render("zh") for each in asked],
            f"what_en_{level}": [each.what.render("en") for each in asked],
            f"loss_{level}": [each.loss for each in taken],
            **{f"{p}_{level}": [each.cut[at] for each in taken] for at, p in enumerate(POLLUTANTS)},
            f"reason_{level}": [REASONS[code] for code in explanation.reason[v].tolist()],
            f"stray_{level}": [round(each) for each in explanation.stray[v].tolist()],
            f"filed_{level}": [
                filed[line.id, cast(Level, level)].name if (line.id, level) in filed else "" for line in own
            ],
        }
    return pl.DataFrame(columns)


def _count(codes: list[str]) -> list[int]:
    many: dict[str, int] = {}
    for code in codes:
        many[code] = many.get(code, 0) + 1
    return [many[code] for code in codes]


def _figures(kept: Mapping[str, Any]) -> LevelFigures:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in kept.items()
    }
    return LevelFigures(**values)
