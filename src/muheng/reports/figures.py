"""The figures behind the reports: counts by grade, moves, levels; the cuts are found by ``policy.cuts``.

Counts integers and keeps scores scaled; what a figure is called, and how it is drawn, is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import polars as pl

from muheng.intake.facts import CODE, NAME
from muheng.intake.problem import Problem
from muheng.policy import plan as p
from muheng.policy.cuts import Cut, find_cuts
from muheng.policy.run import Result, evaluate
from muheng.reports.listing import (
    DIVISION,
    LAST_GRADE,
    PARK,
    SECTION,
    TOWNSHIP,
    knows,
    list_subjects,
    move_text,
)
from muheng.standards.rounding import divide_half_up

BINS = 30


@dataclass(frozen=True)
class Breakdown:
    """How many of each label have each grade. ``counts[i][j]``: label i, grade j; the last column is 未定级.

    A label of None stands for rows that do not say. Labels with most subjects first, None last.
    """

    by: str
    grades: tuple[str, ...]
    labels: tuple[str | None, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def totals(self) -> tuple[int, ...]:
        """Sum of each column."""
        return tuple(sum(column) for column in zip(*self.counts, strict=True)) or (0,) * (
            len(self.grades) + 1
        )

    @property
    def size(self) -> int:
        return sum(self.totals)


@dataclass(frozen=True)
class Moves:
    """Last year's grade (rows; the last, None, had none) against this year's (columns; the last: 未定级).

    ``up`` and ``down`` are rows of the listing, the farthest first; only grades of both years are compared.
    """

    before: tuple[str | None, ...]
    after: tuple[str | None, ...]
    counts: tuple[tuple[int, ...], ...]
    up: pl.DataFrame
    down: pl.DataFrame
    same: int


@dataclass(frozen=True)
class Histogram:
    """Rated subjects of a class by score: bin i holds [start + i·width, start + (i+1)·width), scaled.

    The first and last bins also hold what lies beyond where ``open_low`` / ``open_high``.
    """

    class_name: str
    digits: int
    start: int
    width: int
    counts: tuple[tuple[int, ...], ...]
    open_low: bool
    open_high: bool


@dataclass(frozen=True)
class Level:
    """Median value of an indicator among the graded of each grade (scaled; None where nobody has it)."""

    class_name: str
    indicator: str
    unit: str
    digits: int
    medians: tuple[int | None, ...]

    @property
    def largest(self) -> int:
        return max((abs(median) for median in self.medians if median is not None), default=0)


@dataclass(frozen=True)
class Ungraded:
    """``standing`` and ``reason`` None: in no class; reason None alone: rated, but without place or grade."""

    standing: str | None
    reason: str | None
    treated_as: str | None
    count: int


@dataclass(frozen=True)
class Adjusted:
    """Who got one bonus or deduction, before its group's limit; ``points`` their scaled sum."""

    limit: str
    name: str
    sign: int
    subjects: int
    points: int
    digits: int


@dataclass(frozen=True)
class Limited:
    """What a group of bonuses or deductions came to; ``cut``: subjects whose points the limit made fewer."""

    name: str
    sign: int
    subjects: int
    points: int
    cut: int
    digits: int


@dataclass(frozen=True)
class Regraded:
    """One direct grade, lift, drop or veto; ``changed``: grades that it, in its turn, made another."""

    name: str
    then: str
    veto: bool
    subjects: int
    changed: int


@dataclass(frozen=True)
class Judged:
    """Where an indicator's score rests on more than its value: ``filled`` by the rule for missing data,
    ``over`` full points (``most`` the highest, of whom)."""

    class_name: str
    indicator: str
    filled: int
    over: int
    weight: Fraction
    most: int | None
    most_name: str | None
    digits: int


@dataclass(frozen=True)
class ProblemGroup:
    """Problems of one department (None: the file belongs to none that is known)."""

    department: str | None
    errors: int
    warnings: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """All that a report counts. ``listing``: see ``list_subjects``; None where nobody says, or there was no last year."""

    listing: pl.DataFrame
    grades: tuple[str, ...]
    by_class: Breakdown
    by_section: Breakdown | None
    by_division: Breakdown | None
    by_township: Breakdown | None
    by_park: Breakdown | None
    moves: Moves | None
    histograms: tuple[Histogram, ...]
    levels: tuple[Level, ...]
    cuts: tuple[Cut, ...]
    ungraded: tuple[Ungraded, ...]
    limited: tuple[Limited, ...]
    adjusted: tuple[Adjusted, ...]
    regraded: tuple[Regraded, ...]
    judged: tuple[Judged, ...]
    problems: tuple[ProblemGroup, ...]


def gather_figures(
    result: Result, problems: Sequence[Problem], last_year: pl.DataFrame | None = None
) -> Figures:
    """Every figure of the reports. ``last_year``: 统一社会信用代码, 等级."""
    listing = list_subjects(result, last_year)
    grades = result.plan.grades
    limited, adjusted = sum_adjustments(result)

    def known(by: str) -> Breakdown | None:
        return count_grades(listing, by, grades) if knows(listing, by) else None

    return Figures(
        listing=listing,
        grades=grades,
        by_class=_in_order(count_grades(listing, p.CLASS, grades), result.plan.classes),
        by_section=known(SECTION),
        by_division=known(DIVISION),
        by_township=known(TOWNSHIP),
        by_park=known(PARK),
        moves=compare_years(listing, grades) if knows(listing, LAST_GRADE) else None,
        histograms=tuple(
            histogram
            for name in result.plan.classes
            if (histogram := spread_scores(listing, name, grades, result.plan.numeric(p.TOTAL).digits))
        ),
        levels=median_levels(result, listing),
        cuts=find_cuts(result),
        ungraded=list_ungraded(listing),
        limited=limited,
        adjusted=adjusted,
        regraded=count_regraded(result),
        judged=judge_scores(result),
        problems=group_problems(result, problems),
    )


def count_grades(listing: pl.DataFrame, by: str, grades: tuple[str, ...]) -> Breakdown:
    """Subjects by label and grade; the sum is the listing's height."""
    counted = listing.group_by(by, p.GRADE).len()
    columns = (*grades, None)
    table: dict[str | None, list[int]] = {}
    for label, grade, count in counted.iter_rows():
        table.setdefault(label, [0] * len(columns))[columns.index(grade)] = count
    labels = sorted(table, key=lambda label: (label is None, -sum(table[label]), label or ""))
    return Breakdown(by, grades, tuple(labels), tuple(tuple(table[label]) for label in labels))


def _in_order(breakdown: Breakdown, labels: tuple[str, ...]) -> Breakdown:
    """With the given labels first, in their order, also those without a subject."""
    table: dict[str | None, tuple[int, ...]] = dict.fromkeys(labels, (0,) * (len(breakdown.grades) + 1))
    table |= dict(zip(breakdown.labels, breakdown.counts, strict=True))
    return replace(breakdown, labels=tuple(table), counts=tuple(table.values()))


def compare_years(listing: pl.DataFrame, grades: tuple[str, ...]) -> Moves:
    """Who stands where, against last year."""
    known = set(listing[LAST_GRADE].drop_nulls())
    before: tuple[str | None, ...] = (*grades, *sorted(known - set(grades)), None)
    after: tuple[str | None, ...] = (*grades, None)
    counts = [[0] * len(after) for _ in before]
    for last, grade, count in listing.group_by(LAST_GRADE, p.GRADE).len().iter_rows():
        counts[before.index(last)][after.index(grade)] = count
    both = listing.filter(pl.col(LAST_GRADE).is_in(grades) & pl.col(p.GRADE).is_not_null())
    places = {grade: place for place, grade in enumerate(grades)}
    steps = both.with_columns(
        (
            pl.col(LAST_GRADE).replace_strict(places, return_dtype=pl.Int64)
            - pl.col(p.GRADE).replace_strict(places, return_dtype=pl.Int64)
        ).alias("~升")
    )
    up = steps.filter(pl.col("~升") > 0).sort("~升", CODE, descending=[True, False]).drop("~升")
    down = steps.filter(pl.col("~升") < 0).sort("~升", CODE).drop("~升")
    return Moves(before, after, tuple(map(tuple, counts)), up, down, both.height - up.height - down.height)


def spread_scores(
    listing: pl.DataFrame, class_name: str, grades: tuple[str, ...], digits: int
) -> Histogram | None:
    """The rated subjects of a class in at most ``BINS`` + 2 bins of a round width; None where nobody is."""
    rated = listing.filter(
        (pl.col(p.CLASS) == class_name) & (pl.col(p.STANDING) == p.RATED) & pl.col(p.TOTAL).is_not_null()
    )
    if not rated.height:
        return None
    totals = rated[p.TOTAL]
    # One outlier must not press everyone else into one bin.
    ends = [totals.quantile(share, "nearest") for share in (0.01, 0.99)]
    low, high = (int(end) for end in ends if end is not None)
    width = _round_width(high - low)
    start = low // width * width
    many = (high - start) // width + 1
    binned = rated.select(p.GRADE, ((pl.col(p.TOTAL) - start) // width).clip(0, many - 1).alias("~段"))
    columns = (*grades, None)
    counts = [[0] * len(columns) for _ in range(many)]
    for grade, place, count in binned.group_by(p.GRADE, "~段").len().iter_rows():
        counts[place][columns.index(grade)] = count
    least, most = int(totals.min()), int(totals.max())  # type: ignore[arg-type]
    return Histogram(
        class_name,
        digits,
        start,
        width,
        tuple(map(tuple, counts)),
        least < start,
        most >= start + many * width,
    )


def _round_width(span: int) -> int:
    """The least of 1, 2, 5, 10, 20, … of which ``BINS`` cover the span."""
    width = 1
    while True:
        for factor in (1, 2, 5):
            if width * factor * BINS >= span:
                return width * factor
        width *= 10


def median_levels(result: Result, listing: pl.DataFrame) -> tuple[Level, ...]:
    """Medians of each class's indicators by grade; of two middle values, their mean."""
    levels: list[Level] = []
    for indicator in result.plan.indicators:
        node = result.plan.numeric(indicator.value)
        rows = pl.DataFrame(
            [listing[p.CLASS], listing[p.GRADE], result.values[indicator.value].alias("v")]
        ).filter((pl.col(p.CLASS) == indicator.class_name) & pl.col("v").is_not_null())
        found = rows.group_by(p.GRADE).agg(
            low=pl.col("v").quantile(0.5, "lower"), high=pl.col("v").quantile(0.5, "higher")
        )
        middles = {grade: divide_half_up(int(low) + int(high), 2) for grade, low, high in found.iter_rows()}
        levels.append(
            Level(
                indicator.class_name,
                indicator.name,
                node.unit,
                node.digits,
                tuple(middles.get(grade) for grade in result.plan.grades),
            )
        )
    return tuple(levels)


def list_ungraded(listing: pl.DataFrame) -> tuple[Ungraded, ...]:
    """Who has no grade, by standing and reason, the most frequent first."""
    without = listing.filter(pl.col(p.GRADE).is_null()).with_columns(ungraded_because())
    found = without.group_by("~状态", "~理由", p.TREATED_AS).len()
    groups = [Ungraded(*row) for row in found.iter_rows()]
    return tuple(sorted(groups, key=lambda group: (-group.count, group.standing or "", group.reason or "")))


def ungraded_because() -> list[pl.Expr]:
    """~状态 and ~理由 of a listing's rows, as :class:`Ungraded` has them."""
    unclassed = (pl.col(p.STANDING) == p.RATED) & pl.col(p.CLASS).is_null()
    return [
        pl.when(~unclassed).then(pl.col(p.STANDING)).alias("~状态"),
        pl.when(pl.col(p.REASON) != "").then(pl.col(p.REASON)).alias("~理由"),
    ]


def sum_adjustments(result: Result) -> tuple[tuple[Limited, ...], tuple[Adjusted, ...]]:
    """Bonuses and deductions by limit group and one by one."""
    limited: list[Limited] = []
    adjusted: list[Adjusted] = []
    rated = result.values[p.STANDING] == p.STANDINGS.index(p.RATED)
    for node in result.plan.nodes:
        if not isinstance(node, p.LimitedSum):
            continue
        values = result.values.filter(rated).select(node.name, *node.of).fill_null(0)
        sums = values[node.name]
        if node.take == "合计":
            whole = values.select(pl.sum_horizontal(node.of)).to_series()
        elif node.take == "最高一项":
            whole = values.select(pl.max_horizontal(node.of)).to_series()
        else:
            firsts = [pl.when(pl.col(name) != 0).then(pl.col(name)) for name in node.of]
            whole = values.select(pl.coalesce(*firsts, pl.lit(0))).to_series()
        limited.append(
            Limited(
                node.name,
                node.sign,
                int((sums != 0).sum()),
                int(sums.sum()),
                int((whole > sums).sum()),
                node.digits,
            )
        )
        for name in node.of:
            points = values[name]
            adjusted.append(
                Adjusted(
                    node.name,
                    result.plan.by_name[name].title,
                    node.sign,
                    int((points != 0).sum()),
                    int(points.sum()),
                    node.digits,
                )
            )
    return tuple(limited), tuple(adjusted)


def grades_without(result: Result, sign: int) -> pl.Series:
    """Each subject's grade had there been no bonuses (1) or no deductions (−1); computed anew for all."""
    total = result.plan.numeric(p.TOTAL)
    assert isinstance(total, p.Total)
    bare = replace(total, of=tuple((name, given) for name, given in total.of if given != sign))
    nodes = tuple(bare if node.name == p.TOTAL else node for node in result.plan.nodes)
    plan = replace(result.plan, nodes=nodes)
    return evaluate(plan, result.facts, previous=result.previous).grades[p.GRADE]


def count_regraded(result: Result) -> tuple[Regraded, ...]:
    """Each regrading in its order: to whom it applied, and whose grade it changed."""
    values = result.values
    plan = result.plan
    worst = len(plan.grades) - 1
    grade = values[p.FIRST_GRADE]
    found: list[Regraded] = []
    for index, move in enumerate(plan.regrading.moves):
        applies = values[f"{p.GRADE}.调整{index + 1}"]
        target = plan.grades.index(move.grade) if move.grade else 0
        frame = pl.DataFrame([grade.alias("g"), applies.alias("m")])
        g = pl.col("g")
        after = {
            "set": pl.lit(target, pl.Int64),
            "up": (g - move.steps).clip(lower_bound=0),
            "down": (g + move.steps).clip(upper_bound=worst),
            "at_best": g.fill_null(target).clip(lower_bound=target),
            "at_worst": g.fill_null(target).clip(upper_bound=target),
        }[move.how]
        moved = frame.select(pl.when(pl.col("m")).then(after).otherwise(g).alias("g")).to_series()
        found.append(
            Regraded(
                move.title,
                move_text(plan, move),
                move.veto,
                int(applies.sum()),
                int(moved.ne_missing(grade).sum()),
            )
        )
        grade = moved
    return tuple(found)


def judge_scores(result: Result) -> tuple[Judged, ...]:
    """Indicators whose scores were filled or went past full points, the most frequent first."""
    plan = result.plan
    found: list[Judged] = []
    for indicator in plan.indicators:
        node = plan.numeric(indicator.filled)
        frame = result.values.select(
            NAME, pl.col(indicator.score).alias("score"), pl.col(indicator.filled).alias("filled")
        ).drop_nulls("filled")
        full = indicator.weight * 10**node.digits
        over = frame.filter(pl.col("filled") > full.numerator // full.denominator)
        top = over.sort("filled", descending=True, maintain_order=True).head(1).rows(named=True)
        found.append(
            Judged(
                indicator.class_name,
                indicator.name,
                frame["score"].null_count(),
                over.height,
                indicator.weight,
                top[0]["filled"] if top else None,
                top[0][NAME] if top else None,
                node.digits,
            )
        )
    return tuple(judged for judged in found if judged.filled or judged.over)


def group_problems(result: Result, problems: Sequence[Problem]) -> tuple[ProblemGroup, ...]:
    """Problems by the department whose file it is, the most errors first."""
    departments = {table.file: table.department or None for table in result.facts.sources}
    groups: dict[str | None, list[Problem]] = {}
    for problem in problems:
        groups.setdefault(departments.get(problem.file), []).append(problem)
    found = []
    for department, members in groups.items():
        errors = sum(problem.severity == "error" for problem in members)
        files = tuple(sorted({problem.file for problem in members}))
        found.append(ProblemGroup(department, errors, len(members) - errors, files))
    return tuple(
        sorted(
            found,
            key=lambda group: (
                -group.errors,
                -group.warnings,
                group.department is None,
                group.department or "",
            ),
        )
    )
