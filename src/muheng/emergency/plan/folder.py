"""A problem as a plain folder for researchers and benchmarks, and a plan as ``plan.csv``.

``lines.csv``, ``options.csv`` and ``targets.toml`` are asked for; ``counties.csv`` (the least that each county cuts) and
``firms.csv`` (the most that an enterprise loses) may stand beside them. Amounts are yuan and kilograms a day. What else
a problem can hold has no place in such a folder. Nothing is solved here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Refusal, say
from muheng.documents.schema import Number, validate
from muheng.documents.spelling import offer
from muheng.documents.toml_file import TomlFile, read_toml
from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.csv_table import Column, Table, read_table, shorten
from muheng.emergency.plan.decimals import (
    LIMIT,
    Floats,
    count_digits,
    decimals_of,
    room_for,
    scale,
    scale_decimal,
)
from muheng.emergency.plan.problem import LEVELS, POLLUTANTS, Integers, Labels, Problem

LINES, OPTIONS, TARGETS = "lines.csv", "options.csv", "targets.toml"
COUNTIES, FIRMS = "counties.csv", "firms.csv"
FILES = (LINES, OPTIONS, TARGETS, COUNTIES, FIRMS)
MONEY_DIGITS, MASS_DIGITS = 2, 3
"""Fen and grams, unless the numbers have more decimals."""
MOST_WEIGHT = 1_000_000

_LINES = (
    Column("line"),
    Column("firm"),
    Column("county", required=False),
    Column("industry", required=False),
    Column("grade", required=False),
)
_OPTIONS = (
    Column("line"),
    Column("option"),
    Column("order", -math.inf),
    Column("loss", 0.0),
    *(Column(pollutant, 0.0) for pollutant in POLLUTANTS),
)
_COUNTIES = (Column("county"), Column("level"), *(Column(pollutant, 0.0) for pollutant in POLLUTANTS))
_FIRMS = (Column("firm"), Column("cap", 0.0))


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Part):
    """``[yellow]``: what the lines together have to cut, kg a day; what is not written is not asked."""

    so2: Number = Field(Decimal(0), ge=0)
    nox: Number = Field(Decimal(0), ge=0)
    pm: Number = Field(Decimal(0), ge=0)
    voc: Number = Field(Decimal(0), ge=0)


class Weights(_Part):
    """``[weights]``: how much a day at each level counts."""

    yellow: Number | None = Field(None, gt=0)
    orange: Number | None = Field(None, gt=0)
    red: Number | None = Field(None, gt=0)


class Targets(_Part):
    yellow: Target | None = None
    orange: Target | None = None
    red: Target | None = None
    weights: Weights | None = None


# -- reading ---------------------------------------------------------------------------------------------------------


def read_folder(folder: Path, levels: Sequence[str] | None = None) -> tuple[Problem | None, list[Diagnostic]]:
    """The problem of ``levels`` (None: all that have targets), or None and everything that is wrong.

    With a problem there are only warnings: columns that are not used, decimals that were cut.
    """
    lines, found = read_table(folder / LINES, _LINES)
    options, more = read_table(folder / OPTIONS, _OPTIONS)
    targets, about_targets = _read_targets(folder / TARGETS, levels)
    found += more + about_targets
    counties = firms = None
    if (folder / COUNTIES).exists():
        counties, more = read_table(folder / COUNTIES, _COUNTIES)
        found += more
    if (folder / FIRMS).exists():
        firms, more = read_table(folder / FIRMS, _FIRMS)
        found += more
    if lines is None or options is None or targets is None or _has_errors(found):
        return None, found
    del more
    roster, faults = _order_lines(lines)
    found += faults
    if roster is None:
        return None, found
    measures, faults = _order_options(options, roster, lines)
    found += faults
    if measures is None:
        return None, found
    del options
    problem, faults = _assemble(roster, measures, targets, counties, firms)
    return problem, found + faults


@dataclass(frozen=True)
class _Asked:
    """Targets of the levels asked."""

    levels: tuple[str, ...]
    need: tuple[tuple[Decimal, ...], ...]
    weight: tuple[int, ...]


@dataclass(frozen=True)
class _Roster:
    """The lines in the order of their ids."""

    lines: pl.Series
    firms: Labels
    counties: Labels
    industries: Labels
    grades: Labels


@dataclass(frozen=True)
class _Measures:
    """The options in the order of lines and strictness; amounts as they were read."""

    table: Table
    rows: NDArray[np.int64] | None
    """Where each option stands in the table; None: in the table's order."""
    start: Integers
    names: Labels

    def amounts(self, column: str) -> Floats:
        values = self.table.frame.get_column(column).to_numpy()
        return values if self.rows is None else values[self.rows]


def _has_errors(found: Iterable[Diagnostic]) -> bool:
    return any(each.severity == "error" for each in found)


def _read_targets(path: Path, levels: Sequence[str] | None) -> tuple[_Asked | None, list[Diagnostic]]:
    file, found = read_toml(path, path.name)
    if file is None:
        return None, found
    targets, found = validate(file, Targets)
    if targets is None:
        return None, found
    there = {level: target for level in LEVELS if (target := getattr(targets, level)) is not None}
    wanted = [level for level in LEVELS if level in (there if levels is None else levels)]
    if not there:
        fix = say("写上一级，例如 [yellow] 和下面的 so2 = 1200。")
        return None, [file.error((), say("没有写任何一级的目标。"), fix)]
    for level in wanted:
        if level not in there:
            fix = say("补上 [{level}]，或只编 {there}。", level=level, there="、".join(there))
            found.append(file.error((), say("没有 [{level}] 的目标。", level=level), fix))
        elif unsaid := [each for each in POLLUTANTS if each not in there[level].model_fields_set]:
            what = say("没有写 {names}，当作不要求减排。", names="、".join(unsaid))
            found.append(file.warning((level,), what))
    weight = _read_weights(file, targets.weights, wanted, found)
    if _has_errors(found):
        return None, found
    need = tuple(tuple(getattr(there[level], each) for each in POLLUTANTS) for level in wanted)
    return _Asked(tuple(wanted), need, weight), found


def _read_weights(
    file: TomlFile, weights: Weights | None, wanted: Sequence[str], found: list[Diagnostic]
) -> tuple[int, ...]:
    """Whole numbers in the same proportion; none where levels count alike."""
    if weights is None:
        return ()
    missing = [level for level in wanted if getattr(weights, level) is None]
    if missing:
        fix = say("每一级都写上，或整段不写（各级同等）。")
        what = say("没有写 {names} 的权重。", names="、".join(missing))
        found.append(file.error(("weights",), what, fix))
        return ()
    given = [Fraction(getattr(weights, level)) for level in wanted]
    whole = [int(each * math.lcm(*(one.denominator for one in given))) for each in given]
    whole = [each // math.gcd(*whole) for each in whole]
    if sum(whole) > MOST_WEIGHT:
        what = say("权重化为整数后太大：{whole}。", whole="、".join(map(str, whole)))
        found.append(file.error(("weights",), what, say("写成位数少的数，例如 0.6、0.3、0.1。")))
    return tuple(whole)


def _order_lines(table: Table) -> tuple[_Roster | None, list[Diagnostic]]:
    frame = table.frame
    if not frame.height:
        fix = say("每条生产线写一行。")
        return None, [Diagnostic("error", table.file, None, "", say("只有列名，没有内容。"), fix)]
    ids = frame.get_column("line")
    again = ids.is_first_distinct().not_()
    if again.any():
        fix = say("每条生产线只写一行；不同的生产线用不同的编号。")
        return None, list(
            table.tell(
                again.arg_true(), "line", lambda found: say("生产线“{found}”前面已经写过。", found=found), fix
            )
        )
    if not ids.is_sorted():
        frame = frame.sort("line")
    labels = (label(frame.get_column(name)) for name in ("firm", "county", "industry", "grade"))
    return _Roster(frame.get_column("line"), *labels), []


def label(texts: pl.Series) -> Labels:
    """The texts as codes into their sorted list."""
    names = texts.unique().sort()
    codes = texts.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int32)
    return Labels(codes, tuple(names))


def _order_options(table: Table, roster: _Roster, lines: Table) -> tuple[_Measures | None, list[Diagnostic]]:
    frame = table.frame
    if not frame.height:
        fix = say("每条生产线的每个可选措施写一行。")
        return None, [Diagnostic("error", table.file, None, "", say("只有列名，没有内容。"), fix)]
    found: list[Diagnostic] = []
    coded = frame.get_column("line").cast(pl.Enum(roster.lines), strict=False).to_physical()
    unknown = coded.is_null()
    if unknown.any():
        fix = say("在 {file} 里加上这条生产线，或改正编号。", file=LINES)
        found += table.tell(
            unknown.arg_true(),
            "line",
            lambda id_: say("{file} 里没有生产线“{found}”。", file=LINES, found=id_),
            fix,
        )
        return None, found
    line = coded.to_numpy().astype(np.int64)
    count = np.bincount(line, minlength=len(roster.lines))
    bare = roster.lines.filter(pl.Series(count == 0))
    if len(bare):
        without = lines.frame.get_column("line").is_in(bare.implode()).arg_true()
        fix = say("在 {file} 里写上它的措施；不能减的也要有一行，减排量写 0。", file=OPTIONS)
        found += lines.tell(without, "line", lambda id_: say("生产线“{found}”没有任何措施。", found=id_), fix)
    order = frame.get_column("order").to_numpy()
    rows: NDArray[np.int64] | None = None
    if not ((line[1:] > line[:-1]) | ((line[1:] == line[:-1]) & (order[1:] > order[:-1]))).all():
        keys = pl.DataFrame({"line": line, "order": order})
        rows = (
            keys.select(pl.arg_sort_by("line", "order", maintain_order=True))
            .to_series()
            .to_numpy()
            .astype(np.int64)
        )
        line, order = line[rows], order[rows]
        again = np.flatnonzero((line[1:] == line[:-1]) & (order[1:] == order[:-1])) + 1
        if len(again):
            fix = say("同一条生产线的措施按从松到严编不同的序号。")
            found += table.tell(
                rows[again].tolist(),
                "order",
                lambda order: say("序号 {found} 在这条生产线上重复。", found=f"{order:g}"),
                fix,
            )
    names = label(frame.get_column("option"))
    if rows is not None:
        names = Labels(names.codes[rows], names.names)
    twice = _find_twice(line, names, rows)
    if len(twice):
        fix = say("同一条生产线的措施用不同的名称。")
        found += table.tell(
            twice, "option", lambda name: say("措施“{found}”在这条生产线上写了两次。", found=name), fix
        )
    if found:
        return None, found
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
    return _Measures(table, rows, start, names), []


def _find_twice(line: Integers, names: Labels, rows: NDArray[np.int64] | None) -> list[int]:
    """Rows of the table whose line had an option of that name before."""
    key = line * len(names.names) + names.codes
    order = np.argsort(key, kind="stable")
    key = key[order]
    again = order[1:][key[1:] == key[:-1]]
    return sorted((again if rows is None else rows[again]).tolist())


# -- numbers ---------------------------------------------------------------------------------------------------------


def _assemble(
    roster: _Roster, measures: _Measures, asked: _Asked, counties: Table | None, firms: Table | None
) -> tuple[Problem | None, list[Diagnostic]]:
    found: list[Diagnostic] = []
    lines = len(roster.lines)
    cuts = [measures.amounts(pollutant) for pollutant in POLLUTANTS]
    loss = measures.amounts("loss")
    county_need = None
    if counties is not None:
        county_need, faults = _place_counties(counties, roster, asked.levels)
        found += faults
    caps = None
    if firms is not None:
        caps, faults = _place_firms(firms, roster)
        found += faults
    for column, values, digits in [
        ("loss", loss, MONEY_DIGITS),
        *zip(POLLUTANTS, cuts, [MASS_DIGITS] * 4, strict=True),
    ]:
        found += _refuse_huge(measures, column, values, digits, lines)
    if _has_errors(found):
        return None, found

    extra = [] if county_need is None else [county_need.ravel()]
    needs = [each for row in asked.need for each in row]
    room = min(
        room_for(max(float(values.max()) for values in cuts), lines),
        *(room_for(float(values.max(initial=0.0)), 1) for values in extra),
        *(room_for(float(need), 1) for need in needs),
    )
    if room < MASS_DIGITS:
        fix = say("核对数值和单位：一天多少千克。")
        return None, [*found, Diagnostic("error", TARGETS, None, "", say("目标的数太大了。"), fix)]
    wanted = max(
        *(count_digits(values, MASS_DIGITS, room) for values in (*cuts, *extra)),
        *(decimals_of(need) for need in needs),
    )
    mass_digits = min(wanted, room)
    if wanted > room:
        what = say(
            "小数的位数太多：减排量在第 {digits} 位小数以后舍去，目标向上进位（千克/日）。",
            digits=mass_digits,
        )
        found.append(Diagnostic("warning", OPTIONS, None, "", what))
    room = room_for(float(loss.max()), lines)
    wanted = count_digits(loss, MONEY_DIGITS, room)
    if caps is not None:
        wanted = max(wanted, count_digits(caps[np.isfinite(caps)], MONEY_DIGITS, room))
    money_digits = min(wanted, room)
    if wanted > room:
        what = say("小数的位数太多：损失四舍五入到第 {digits} 位小数（元/日）。", digits=money_digits)
        found.append(Diagnostic("warning", OPTIONS, None, "", what))

    reduction = np.empty((len(loss), len(POLLUTANTS)), np.int64, order="F")
    for p, values in enumerate(cuts):
        reduction[:, p] = scale(values, mass_digits, "down")
    problem = Problem(
        lines=roster.lines,
        firms=roster.firms,
        counties=roster.counties,
        industries=roster.industries,
        grades=roster.grades,
        start=measures.start,
        options=measures.names,
        loss=scale(loss, money_digits, "half up"),
        reduction=reduction,
        levels=asked.levels,
        need=np.array(
            [[scale_decimal(need, mass_digits, up=True) for need in row] for row in asked.need], np.int64
        ),
        weight=asked.weight,
        county_need=None if county_need is None else scale(county_need, mass_digits, "up"),
        money_digits=money_digits,
        mass_digits=mass_digits,
    )
    if caps is not None:
        problem = replace(problem, firm_cap=_scale_caps(problem, caps))
    return problem, found


def _refuse_huge(
    measures: _Measures, column: str, values: Floats, digits: int, lines: int
) -> Iterable[Diagnostic]:
    """Amounts whose sum over the lines would not fit: no line of a city comes near."""
    most = LIMIT / 10**digits / max(lines, 1) / 2
    if float(values.max()) < most:
        return []
    rows = np.flatnonzero(measures.table.frame.get_column(column).to_numpy() >= most).tolist()
    fix = say("核对数值和单位。")
    return measures.table.tell(rows, column, lambda found: say("“{found}” 太大了。", found=f"{found:g}"), fix)


def _place_counties(table: Table, roster: _Roster, levels: Sequence[str]) -> tuple[Floats, list[Diagnostic]]:
    """(level, county, pollutant), kg a day; 0 where nothing is written."""
    found: list[Diagnostic] = []
    need = np.zeros((len(levels), len(roster.counties.names), len(POLLUTANTS)))
    place = {name: at for at, name in enumerate(roster.counties.names)}
    done: set[tuple[str, str]] = set()
    for row, values in enumerate(table.frame.iter_rows()):
        county, level, *amounts = values
        line = table.line_of(row)
        if county not in place:
            what = say("{file} 里没有“{found}”这个县。", file=LINES, found=county)
            found.append(Diagnostic("error", table.file, line, "county", what, offer(county, place)))
        elif level not in LEVELS:
            what = say("没有“{found}”这一级。", found=level)
            found.append(Diagnostic("error", table.file, line, "level", what, offer(level, LEVELS)))
        elif (county, level) in done:
            what = say("“{county}”的 {level} 前面已经写过。", county=county, level=level)
            found.append(Diagnostic("error", table.file, line, "county", what, say("只留一行。")))
        elif level in levels:
            need[levels.index(level), place[county]] = amounts
        done.add((county, level))
    return need, shorten(found)


def _place_firms(table: Table, roster: _Roster) -> tuple[Floats, list[Diagnostic]]:
    """Yuan a day by enterprise; infinite where nothing is written."""
    found: list[Diagnostic] = []
    caps = np.full(len(roster.firms.names), np.inf)
    place = {name: at for at, name in enumerate(roster.firms.names)}
    for row, (firm, cap) in enumerate(table.frame.iter_rows()):
        at = place.get(firm)
        if at is None:
            what = say("{file} 里没有企业“{found}”。", file=LINES, found=firm)
            found.append(
                Diagnostic("error", table.file, table.line_of(row), "firm", what, offer(firm, place))
            )
        elif np.isfinite(caps[at]):
            what = say("企业“{found}”前面已经写过。", found=firm)
            found.append(Diagnostic("error", table.file, table.line_of(row), "firm", what, say("只留一行。")))
        else:
            caps[at] = cap
    return caps, shorten(found)


def _scale_caps(problem: Problem, caps: Floats) -> Integers:
    """An enterprise without a cap gets what it could lose at most: a cap that binds nobody."""
    worst = np.maximum.reduceat(problem.loss, problem.start[:-1])
    most = np.zeros(len(caps), np.int64)
    np.add.at(most, problem.firms.codes, worst)
    capped = caps < LIMIT / 10**problem.money_digits / 2
    most[capped] = scale(caps[capped], problem.money_digits, "down")
    return most


# -- writing ---------------------------------------------------------------------------------------------------------


def write_folder(problem: Problem, folder: Path) -> None:
    """The problem as such a folder, which reads back as the same problem. Raises Refusal where it holds more."""
    beyond = {
        "permitted": problem.permitted, "charge": problem.charge, "filed": problem.filed, "pool": problem.pool,
        "band": problem.band, "demands": problem.demands or None, "links": problem.links or None,
        "grade_order": problem.grade_order or None,
    }  # fmt: skip
    if held := [name for name, value in beyond.items() if value is not None]:
        raise Refusal(say("文件夹里写不下这些要求：{names}。", names="、".join(held)))
    folder.mkdir(parents=True, exist_ok=True)
    named = {
        "firm": problem.firms,
        "county": problem.counties,
        "industry": problem.industries,
        "grade": problem.grades,
    }
    texts = {name: texts_of(labels) for name, labels in named.items()}
    pl.DataFrame({"line": problem.lines, **texts}).write_csv(folder / LINES)
    rank = np.arange(len(problem.loss)) - problem.start[problem.line_of]
    columns: dict[str, Any] = {
        "line": problem.lines.gather(problem.line_of),
        "option": texts_of(problem.options),
        "order": rank,
        "loss": decimal_texts(problem.loss, problem.money_digits),
    }
    for p, pollutant in enumerate(POLLUTANTS):
        columns[pollutant] = decimal_texts(problem.reduction[:, p], problem.mass_digits)
    pl.DataFrame(columns).write_csv(folder / OPTIONS)
    (folder / TARGETS).write_text(_write_targets(problem), encoding="utf-8", newline="\n")
    if problem.county_need is not None:
        rows = _county_rows(problem, problem.county_need)
        pl.DataFrame(rows, schema=[column.name for column in _COUNTIES], orient="row").write_csv(
            folder / COUNTIES
        )
    if problem.firm_cap is not None:
        cap = decimal_texts(problem.firm_cap, problem.money_digits)
        pl.DataFrame({"firm": list(problem.firms.names), "cap": cap}).write_csv(folder / FIRMS)


def _write_targets(problem: Problem) -> str:
    lines = []
    for level, need in zip(problem.levels, problem.need.tolist(), strict=True):
        lines.append(f"[{level}]")
        lines += [
            f"{pollutant} = {format_amount(amount, problem.mass_digits)}"
            for pollutant, amount in zip(POLLUTANTS, need, strict=True)
        ]
        lines.append("")
    if problem.weight:
        lines.append("[weights]")
        lines += [f"{level} = {each}" for level, each in zip(problem.levels, problem.weight, strict=True)]
        lines.append("")
    return "\n".join(lines)


def _county_rows(problem: Problem, need: Integers) -> list[tuple[str, ...]]:
    return [
        (county, level, *(format_amount(int(amount), problem.mass_digits) for amount in need[v, c]))
        for v, level in enumerate(problem.levels)
        for c, county in enumerate(problem.counties.names)
        if need[v, c].any()
    ]


def texts_of(labels: Labels) -> pl.Series:
    return pl.Series(labels.names, dtype=pl.String).gather(labels.codes)


def decimal_texts(values: Integers, digits: int) -> pl.Series:
    """Scaled integers (none negative) as decimal text, without noughts at the end."""
    number = pl.Series("number", values)
    text = pl.concat_str(
        (pl.col("number") // 10**digits).cast(pl.String),
        pl.lit("."),
        (pl.col("number") % 10**digits).cast(pl.String).str.zfill(digits),
    )
    return number.to_frame().select(text.str.strip_chars_end("0").str.strip_chars_end(".")).to_series()


def format_amount(value: int, digits: int) -> str:
    """A scaled integer as decimal text: 12.5, 30."""
    whole, rest = divmod(value, 10**digits)
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")


def write_plan(plan: Plan, path: Path) -> None:
    """``plan.csv``: for each line the option of each level, in the order of ids."""
    problem = plan.problem
    names = texts_of(problem.options)
    columns: Mapping[str, pl.Series] = {
        level: names.gather(row) for level, row in zip(problem.levels, plan.chosen, strict=True)
    }
    pl.DataFrame({"line": problem.lines, **columns}).write_csv(path)
