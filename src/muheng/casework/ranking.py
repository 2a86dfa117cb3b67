"""The rule by which counties are ranked, a file: which cases, what counts how much, who is too small, how ties stand.

``ranking.toml`` of a city's pack, or the common one. ``rank`` applies it; figures come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from muheng.casework.figures import LOOKS, Figures, Indicator, spell
from muheng.cities.pack import PACKS
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, say
from muheng.documents.schema import Number, validate
from muheng.documents.spelling import offer
from muheng.documents.toml_file import TomlFile, read_toml
from muheng.standards.rounding import format_scaled, scale_half_up

FILE = "ranking.toml"
DIGITS = 2
"""Of a score: it is rounded first and compared then, so that the order is what people see."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weighed(_Strict):
    """One indicator of the score: full points at ``full`` or better, none at ``zero`` or worse, even in between."""

    of: Indicator = Field(description="哪一项指标。")
    weight: Number = Field(description="满分多少分。", gt=0)
    full: Number = Field(description="达到多少得满分；比率写百分数，如 100。")
    zero: Number = Field(description="到多少不得分；比率写百分数，如 60。")

    def points(self, figures: Figures) -> Fraction | None:
        """Points for these figures; None where they do not say."""
        value = figures.value(self.of)
        if value is None:
            return None
        shown = value * 100 if LOOKS[self.of].unit == "%" else value
        zero, full = Fraction(self.zero), Fraction(self.full)
        return Fraction(self.weight) * min(max((shown - zero) / (full - zero), Fraction(0)), Fraction(1))


class Ranking(_Strict):
    """The document ``ranking.toml``."""

    name: str = Field(min_length=1, description="排名的名称。")
    english: str = Field(min_length=1, description="英文名称。")
    note: str = Field("", description="出处；哪些是示例。")
    types: tuple[str, ...] = Field(min_length=1, description="哪几类事项计入。")
    at_least: int = Field(1, ge=1, description="办结不足多少件的不排名。")
    indicator: tuple[Weighed, ...] = Field((), description="计分的指标；不写就只按 order 排。")
    order: tuple[Indicator | Literal["score"], ...] = Field(
        min_length=1, description="依次比什么：score 为得分，其余为指标；前一项相同再比后一项。"
    )
    ties: Literal["gap", "next"] = Field(
        "gap", description="各项都相同的并列；gap：其后空出名次（1、2、2、4），next：接着排（1、2、2、3）。"
    )

    def explain(self) -> list[Message]:
        """The rule in sentences, for the page and the paper."""
        said = [say("办结不足{count}件的不排名。", count=self.at_least)]
        for each in self.indicator:
            said.append(
                say(
                    "{name}{weight}分：{full}得满分，{zero}不得分，其间按比例。",
                    name=LOOKS[each.of].name,
                    weight=_plain(each.weight),
                    full=_with_unit(each.of, each.full),
                    zero=_with_unit(each.of, each.zero),
                )
            )
        if self.indicator:
            said.append(say("没有数据的指标不计，按其余各项折算为满分100分。"))
        keys = "、".join("{" + f"k{number}" + "}" for number in range(len(self.order)))
        names: dict[str, Any] = {f"k{number}": _name(key) for number, key in enumerate(self.order)}
        said.append(say("依次比较：{keys}。", keys=Message(keys, tuple(names.items()))))
        said.append(
            say("各项都相同的并列，其后空出名次。")
            if self.ties == "gap"
            else say("各项都相同的并列，其后名次接着排。")
        )
        return said


def _name(key: Indicator | Literal["score"]) -> Message:
    return say("得分") if key == "score" else LOOKS[key].name


def _with_unit(indicator: Indicator, value: Decimal) -> Message | str:
    unit = LOOKS[indicator].unit
    if unit == "%":
        return f"{_plain(value)}%"
    return say("{count}个工作日", count=_plain(value)) if unit == "工作日" else _plain(value)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# -- read and checked ------------------------------------------------------------------------------------


def load_ranking(
    folder: Path | None = None, types: Collection[str] | None = None
) -> tuple[Ranking | None, list[Diagnostic]]:
    """The rule of a city's folder, or the common one; None and what is wrong with it. ``types``: case types known."""
    own = folder / FILE if folder is not None else None
    return read_ranking(own if own is not None and own.is_file() else PACKS / "common" / FILE, types)


def read_ranking(
    source: Path | str, types: Collection[str] | None = None
) -> tuple[Ranking | None, list[Diagnostic]]:
    """A file, or its text."""
    file, found = read_toml(source, None if isinstance(source, Path) else FILE)
    if file is None:
        return None, found
    ranking, mistakes = validate(file, Ranking)
    found += mistakes
    if ranking is not None:
        found += _check(file, ranking, types)
    return (None if any(each.severity == "error" for each in found) else ranking), found


def _check(file: TomlFile, ranking: Ranking, types: Collection[str] | None) -> Iterator[Diagnostic]:
    for number, type_id in enumerate(ranking.types):
        if types is not None and type_id not in types:
            what = say("没有编号为“{id}”的事项类型。", id=type_id)
            yield file.error(("types", number), what, offer(type_id, sorted(types)))
    seen: set[str] = set()
    for number, each in enumerate(ranking.indicator):
        here, look = ("indicator", number), LOOKS[each.of]
        if each.of in seen:
            yield file.error((*here, "of"), say("“{name}”写了两次。", name=look.name), say("删去一处。"))
        seen.add(each.of)
        if (each.full > each.zero) != look.more_is_better or each.full == each.zero:
            more = say("多的好") if look.more_is_better else say("少的好")
            what = say("“{name}”{more}，满分线和零分线的大小不对。", name=look.name, more=more)
            fix = say("对调 full 和 zero，或改成不同的数。")
            yield file.error((*here, "full"), what, fix)
    if ranking.indicator and (total := sum(each.weight for each in ranking.indicator)) != 100:
        what = say("各项分值合计 {total}，应为 100。", total=_plain(Decimal(total)))
        yield file.error(("indicator", 0, "weight"), what, say("改分值，使合计为 100。"))
    if "score" in ranking.order and not ranking.indicator:
        what = say("没有计分的指标，不能按得分排。")
        yield file.error(("order",), what, say("写出 indicator，或从 order 里删去 score。"))
    if ranking.indicator and "score" not in ranking.order:
        yield file.error(("order",), say("计了分却不按得分排。"), say("在 order 的最前面写 score。"))
    for number, key in enumerate(ranking.order):
        if key in ranking.order[:number]:
            yield file.error(("order", number), say("“{name}”写了两次。", name=_name(key)), say("删去一处。"))


# -- applied ------------------------------------------------------------------------------------------------

K = TypeVar("K")


@dataclass(frozen=True)
class Place(Generic[K]):
    """Where somebody stands. ``place`` is None for who is too small to be ranked; ``score`` holds points × 100."""

    key: K
    figures: Figures
    place: int | None
    shared: bool
    score: int | None
    points: Mapping[Indicator, Fraction | None]

    @property
    def shown_score(self) -> str:
        return "—" if self.score is None else format_scaled(self.score, DIGITS)

    def shown_points(self, indicator: Indicator) -> str:
        points = self.points.get(indicator)
        return "—" if points is None else format_scaled(scale_half_up(points, DIGITS), DIGITS)

    def shown(self, indicator: Indicator) -> str:
        return spell(indicator, self.figures.value(indicator))


def rank(ranking: Ranking, figures: Mapping[K, Figures]) -> list[Place[K]]:
    """Everyone in the order of the rule, who is not ranked at the end. Those alike stand in the order given."""
    scored = [_score(ranking, key, each) for key, each in figures.items()]
    ranked = [each for each in scored if each.figures.closed >= ranking.at_least]
    ranked.sort(key=lambda each: _sort_key(ranking, each))
    found: list[Place[K]] = []
    place = 0
    for _alike, group in groupby(ranked, key=lambda each: _sort_key(ranking, each)):
        held = list(group)
        place = len(found) + 1 if ranking.ties == "gap" else place + 1
        found += [
            Place(each.key, each.figures, place, len(held) > 1, each.score, each.points) for each in held
        ]
    rest = [each for each in scored if each.figures.closed < ranking.at_least]
    return found + [Place(each.key, each.figures, None, False, None, each.points) for each in rest]


def _score(ranking: Ranking, key: K, figures: Figures) -> Place[K]:
    points = {each.of: each.points(figures) for each in ranking.indicator}
    counted = [each for each in ranking.indicator if points[each.of] is not None]
    weight = sum((Fraction(each.weight) for each in counted), Fraction(0))
    total = sum((points[each.of] or Fraction(0) for each in counted), Fraction(0))
    score = scale_half_up(total * 100 / weight, DIGITS) if weight else None
    return Place(key, figures, None, False, score, points)


def _sort_key(ranking: Ranking, place: Place[K]) -> tuple[Any, ...]:
    """Smaller is better; who has no figure comes after all who have one."""
    keys: list[Any] = []
    for key in ranking.order:
        if key == "score":
            value = None if place.score is None else Fraction(place.score)
            better = True
        else:
            value, better = place.figures.value(key), LOOKS[key].more_is_better
        keys.append((value is None, Fraction(0) if value is None else -value if better else value))
    return tuple(keys)
