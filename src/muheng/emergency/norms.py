"""The least that a trade's grade has to do at each level: a table file, which this module reads and looks up.

A city fills it in from the annex of the national guide; what is shipped is an example. Whether norms are followed the
settings say (``execution.norms``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from muheng.cities.pack import PACKS
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import say
from muheng.documents.schema import validate
from muheng.documents.toml_file import TomlFile, read_toml
from muheng.emergency.inventory.model import CountBy, Level, MeasureKind
from muheng.emergency.plan.problem import LEVELS
from muheng.emergency.settings import Percent

FILE = "emergency/norms.toml"
COMMON = PACKS / "common" / FILE


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Least(_Strict):
    """The least at one level."""

    part: Percent = Field(description="至少减少产量的百分之几；只管运输的写 0。")
    measure: MeasureKind | None = Field(None, description="规定的措施类型。")
    count_by: CountBy | None = Field(None, description="以什么计。")
    text: str = Field("", description="原文要求。")


class Norm(_Strict):
    """For trades, grades and a step: the least at each level."""

    trades: tuple[str, ...] = Field(
        description="哪些重点行业；空的列表表示凡有绩效等级的行业，另有专门规定的除外。",
        json_schema_extra={"example": 'trades = ["水泥"]'},
    )
    grades: tuple[str, ...] = Field(
        min_length=1, description="哪些绩效等级。", json_schema_extra={"example": 'grades = ["B"]'}
    )
    step: str = Field("", description="只管哪一道涉气工序；不写为全部工序。")
    yellow: Least = Field(description="黄色。")
    orange: Least = Field(description="橙色。")
    red: Least = Field(description="红色。")

    def least(self, level: Level) -> Least:
        found: Least = getattr(self, level)
        return found


class Norms(_Strict):
    """The document ``norms.toml``."""

    name: str = Field(min_length=1, description="名称。")
    english: str = Field(min_length=1, description="英文名称。")
    source: str = Field(min_length=1, description="依据；没有的写“示例”。")
    status: Literal["illustrative", "sourced"] = Field(
        description="illustrative：示例；sourced：逐项有来源。"
    )
    norm: tuple[Norm, ...] = Field(min_length=1, description="一行一条。")

    def find(self, trade: str, grade: str, step: str = "") -> Norm | None:
        """The norm for a line: one that names its trade goes before one for all, one for its step before one for any."""
        if not trade or not grade:
            return None
        fitting = [
            each
            for each in self.norm
            if grade in each.grades and (not each.trades or trade in each.trades) and each.step in ("", step)
        ]
        return min(fitting, key=lambda each: (not each.trades, not each.step), default=None)


def load_norms(folder: Path | None = None) -> tuple[Norms | None, list[Diagnostic]]:
    """The norms of a city's folder (``emergency/norms.toml``), or the common ones; None and what is wrong with them."""
    own = folder / FILE if folder is not None else None
    return read_norms(own if own is not None and own.is_file() else COMMON)


def read_norms(source: Path | str) -> tuple[Norms | None, list[Diagnostic]]:
    """A file, or its text: every mistake at once."""
    file, found = read_toml(source, "/".join(source.parts[-3:]) if isinstance(source, Path) else FILE)
    if file is None:
        return None, found
    norms, mistakes = validate(file, Norms)
    found += mistakes
    if norms is not None:
        found += sorted(_check(file, norms), key=lambda each: each.line or 0)
    return (None if any(each.severity == "error" for each in found) else norms), found


def _check(file: TomlFile, norms: Norms) -> Iterator[Diagnostic]:
    seen: dict[tuple[str, str, str], int] = {}
    for at, norm in enumerate(norms.norm):
        for trade in norm.trades or ("",):
            for grade in norm.grades:
                key = (trade, grade, norm.step)
                if key in seen:
                    what = say(
                        "{trade} {grade} 级的规定重复，第一次在第 {line} 行。",
                        trade=trade or say("各行业"),
                        grade=grade,
                        line=file.line_of(("norm", seen[key])),
                    )
                    yield file.error(("norm", at), what, say("删去一处，或改成不同的。"))
                seen.setdefault(key, at)
        for mild, strict in pairwise(LEVELS):
            if getattr(norm, strict).part < getattr(norm, mild).part:
                what = say("级别更高，要求却更松。")
                yield file.error(("norm", at, strict, "part"), what, say("各级要求应逐级不减。"))
