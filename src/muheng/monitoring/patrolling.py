"""Which points are looked at from afar, and when a day's proof is due: the rules as a file, and a draw that anyone can run again.

Each point has as many tickets as its weight. A ticket's number is SHA-256 of ``seed:point:ticket`` (tickets counted from
1); the points with the smallest numbers are drawn. So a point's chance is as its weight, nobody chooses, and who has the
seed and the list gets the same points with ``printf`` and ``sha256sum``. Who looks, and what they find, are elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.schema import validate
from muheng.documents.toml_file import read_toml
from muheng.monitoring.judgement.rules import COMMON, FOLDER

NAME = "patrols.toml"
Count = Annotated[StrictInt, Field(ge=1, le=10_000)]
Share = Annotated[StrictInt, Field(ge=0, le=1_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProofRules(_Strict):
    """When an enterprise's proof of a day is due."""

    due_hour: Annotated[StrictInt, Field(ge=0, le=23)] = Field(description="次日几点以前报前一天的自证。")
    look_back_days: Annotated[StrictInt, Field(ge=1, le=92)] = Field(
        description="最近多少天没有自证的，作为巡查的对象。"
    )

    def due(self, day: date) -> datetime:
        """Until when the proof of a day is in time, in local time."""
        return datetime.combine(day + timedelta(days=1), time(self.due_hour))


class MarkRules(_Strict):
    """When a mark comes after the fact."""

    late_hours: Count = Field(description="标记的开始过去多少小时以后才标的，算事后标记。")


class Weight(_Strict):
    """How many tickets a point has."""

    basic: Count = Field(description="每个点位几份。")
    suspicion: Share = Field(description="每个待核的疑点加几份。")
    event: Share = Field(description="每个没有办结的事件加几份。")
    no_proof: Share = Field(description="每个没有自证的日子加几份。")
    most: Count = Field(description="最多多少份。")

    def of(self, suspicions: int, events: int, unproved: int) -> int:
        """The tickets of a point with so many of each."""
        found = self.basic + self.suspicion * suspicions + self.event * events + self.no_proof * unproved
        return min(found, self.most)


class PatrolRules(_Strict):
    """How a round of patrols is made."""

    points: Count = Field(description="一轮抽多少个点位。")
    days: Annotated[StrictInt, Field(ge=0, le=92)] = Field(description="几个工作日内看完。")
    weight: Weight = Field(description="权重。")


class Patrolling(_Strict):
    """The document ``patrols.toml``."""

    name: str = Field(min_length=1, description="中文名称。")
    english: str = Field(min_length=1, description="英文名称。")
    note: str = Field("", description="说明：哪些是示例。")
    proof: ProofRules = Field(description="企业自证。")
    mark: MarkRules = Field(description="标记。")
    patrol: PatrolRules = Field(description="网上巡查。")


@dataclass(frozen=True)
class Candidate:
    """A point that may be drawn, with its tickets."""

    point: str
    weight: int


def draw(candidates: Sequence[Candidate], count: int, seed: str) -> list[str]:
    """``count`` points (all, where there are fewer), in the order drawn. The order of the candidates does not matter."""
    tickets = sorted((_first_ticket(each, seed), each.point) for each in candidates if each.weight > 0)
    return [point for _ticket, point in tickets[:count]]


def _first_ticket(candidate: Candidate, seed: str) -> str:
    return min(
        hashlib.sha256(f"{seed}:{candidate.point}:{number}".encode()).hexdigest()
        for number in range(1, candidate.weight + 1)
    )


def load_patrolling(folder: Path | None = None) -> tuple[Patrolling | None, list[Diagnostic]]:
    """The common file, or that of a city's folder in its place."""
    own = folder / FOLDER / NAME if folder is not None else None
    return read_patrolling(own if own is not None and own.is_file() else COMMON / NAME)


def read_patrolling(path: Path) -> tuple[Patrolling | None, list[Diagnostic]]:
    """A file of these rules, and what is wrong with it."""
    file, found = read_toml(path, "/".join(path.parts[-3:]))
    if file is None:
        return None, found
    document, mistakes = validate(file, Patrolling)
    return document, found + mistakes


def is_patrolling(data: dict[str, Any]) -> bool:
    """Whether a document is one of these."""
    return bool({"patrol", "proof"} & set(data))
