"""The cheapest changes that would lift one enterprise's grade, each verified by regrading its whole group.

An enterprise's own change moves its group's mean and everyone's place; so every answer is a run of the policy
over all rows that touch it, others unchanged. Cost is the change as a share of the enterprise's own figure: what
a change costs in money the facts do not say. "Not reachable" is an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Language, Message, say
from muheng.policy import plan as p
from muheng.policy.executors.numpy_engine import Values
from muheng.policy.executors.one_row import evaluate_row
from muheng.policy.executors.outcome import OverflowRefused
from muheng.policy.explain import find_row, lowest_totals, ranked_group, ranking_of, trimmed
from muheng.policy.expression import Comparison, Expression, TextTest, names_in, walk
from muheng.policy.lower import lower
from muheng.policy.lowering.quotients import has_tag
from muheng.policy.program import (
    BetterCount,
    Bounds,
    Check,
    Column,
    Op,
    Program,
    Reduce,
    RowNumber,
    columns_in,
)
from muheng.policy.run import Result, last_year_figures
from muheng.standards.rounding import format_scaled, scale_half_up

# How far one figure is moved before it counts as out of reach.
MOST_UP = 10
MOST_DOWN = Fraction(1, 10)
PROBES = 40
CHORDS = 8
SHOWN = 3
OUTCOME = frozenset({p.GRADE, p.TOTAL, p.PLACE})
MOST_TAGS = 8
# Per cent by which all figures together are moved at most.
MOST_TOGETHER = 90

# Who is looked at together: a truth value of each row, and the column of group codes (None: one group).
Membership = tuple[Op, Column | None]


@dataclass(frozen=True)
class Step:
    """One figure changed (``before`` and ``after`` as text with decimals), or a status gained (``tag``)."""

    item: str
    unit: str | None
    before: str | None
    after: str | None
    share: Fraction | None
    tag: str | None = None


@dataclass(frozen=True)
class Way:
    """Changes that reach the grade: verified place and score after them."""

    steps: tuple[Step, ...]
    grade: str
    total: str
    place: int | None
    cost: Fraction


@dataclass(frozen=True)
class Dead:
    """A single figure that does not reach the grade however far it goes; ``short`` points are still missing."""

    item: str
    limit: Message
    short: str | None


@dataclass(frozen=True)
class Advice:
    """``held``: the enterprise has the grade or a better one already. ``obstacles``: what holds the grade down
    whatever the score."""

    code: str
    name: str
    now: str | None
    wanted: str
    held: bool
    ways: tuple[Way, ...]
    dead: tuple[Dead, ...]
    obstacles: tuple[Message, ...]
    probes: int

    @property
    def reachable(self) -> bool:
        return bool(self.ways)

    def lines(self, lang: Language = "zh") -> list[str]:
        shown: list[Message] = []
        if self.held:
            shown.append(say("{name} 已是 {grade} 类。", name=self.name, grade=self.now))
        elif self.ways:
            shown.append(
                say(
                    "{name} 到 {grade} 类最省的办法（其他企业不变，已按改变后的数据重算全组）：",
                    name=self.name,
                    grade=self.wanted,
                )
            )
            for number, way in enumerate(self.ways, 1):
                shown.append(say("{number}. {way}", number=number, way=_say_way(way)))
        else:
            shown.append(say("{name} 在可算的范围内到不了 {grade} 类。", name=self.name, grade=self.wanted))
        for dead in self.dead:
            short = say("，总分仍差 {short} 分", short=dead.short) if dead.short else ""
            shown.append(
                say("只靠{item}到不了：{limit}{short}。", item=dead.item, limit=dead.limit, short=short)
            )
        shown += self.obstacles
        return [message.render(lang) for message in shown]

    def json(self, lang: Language = "zh") -> dict[str, Any]:
        return {
            "code": self.code,
            "name": self.name,
            "now": self.now,
            "wanted": self.wanted,
            "held": self.held,
            "reachable": self.reachable,
            "ways": [
                {
                    "steps": [
                        {
                            "item": step.item, "unit": step.unit, "before": step.before, "after": step.after,
                            "tag": step.tag, "share": None if step.share is None else float(step.share),
                        }
                        for step in way.steps
                    ],
                    "grade": way.grade, "total": way.total, "place": way.place,
                    "text": _say_way(way).render(lang),
                }
                for way in self.ways
            ],
            "not_enough": [
                {"item": dead.item, "limit": dead.limit.render(lang), "short": dead.short} for dead in self.dead
            ],
            "obstacles": [message.render(lang) for message in self.obstacles],
        }  # fmt: skip


@dataclass
class _Found:
    """What single figures can do; ``levers``: those that raise the score, and whether by going up."""

    ways: list[Way]
    dead: list[Dead]
    levers: list[tuple[str, bool]]


def _say_way(way: Way) -> Message:
    parts = [_say_step(step) for step in way.steps]
    what = parts[0]
    for part in parts[1:]:
        what = say("{first}，并且{second}", first=what, second=part)
    if way.place is None:
        return say("{what}：达到 {grade}，总分 {total}", what=what, grade=way.grade, total=way.total)
    return say(
        "{what}：达到 {grade}，总分 {total}，第 {place} 名",
        what=what,
        grade=way.grade,
        total=way.total,
        place=way.place,
    )


def _say_step(step: Step) -> Message:
    if step.tag is not None:
        return say("认定{tag}", tag=step.tag.replace(":", "（") + ("）" if ":" in step.tag else ""))
    assert step.share is not None
    assert step.before is not None
    assert step.after is not None
    change = f"{float(step.share) * 100:+.1f}%"
    up = step.share > 0
    word = say(
        "由 {before} 增至 {after} {unit}",
        before=trimmed(step.before),
        after=trimmed(step.after),
        unit=step.unit,
    )
    if not up:
        word = say(
            "由 {before} 减至 {after} {unit}",
            before=trimmed(step.before),
            after=trimmed(step.after),
            unit=step.unit,
        )
    return say("{item}{word}（{change}）", item=step.item, word=word, change=change)


def advise(result: Result, enterprise: str, grade: str) -> Advice:
    """Ways for one enterprise to reach ``grade`` or better. Raises UnknownEnterprise, or ValueError for an unknown
    grade."""
    if grade not in result.plan.grades:
        raise ValueError(grade)
    row, wanted = find_row(result, enterprise), result.plan.grades.index(grade)
    try:
        return _Adviser(result, row, wanted, touched_rows(result, row)).advise()
    except _OtherGroup:
        everyone = np.arange(result.values.height, dtype=np.intp)
        return _Adviser(result, row, wanted, everyone).advise()


class _OtherGroup(Exception):
    """A change took a row into a group of which not all rows are looked at."""


class _Adviser:
    """Tries changes of one row on the rows that it touches.

    An estimate (one row, its group held still) ranks the items; what is told is what a full trial has shown.
    """

    def __init__(self, result: Result, row: int, wanted: int, rows: NDArray[np.intp]) -> None:
        self.result = result
        self.plan = result.plan
        self.row = row
        self.wanted = wanted
        self.probes = 0
        self.whole = len(rows) == result.kernel.rows
        self.at = int(np.searchsorted(rows, row))
        self.kernel = result.kernel.part(rows)
        self.program = result.program
        self.bounds = result.encoded.bounds
        self.inputs: dict[str, Values] = {}
        self.changed: frozenset[str] = frozenset()
        self.refused = False
        self.cells: dict[str, int | bool | None] = {}
        self.given: dict[str, int] = {}
        self.limits: dict[str, tuple[int, int]] = {}
        self.homes: dict[Membership, NDArray[np.int64]] = {}
        self.deciding: dict[frozenset[str], list[Membership]] = {}

    # -- trying ------------------------------------------------------------------------------------

    def set(self, values: dict[str, int]) -> None:
        """The row with these inputs, the others as they are, and its group with it.

        Raises :class:`_OtherGroup` where the rows at hand do not suffice to know.
        """
        touched = frozenset(values) | self.changed
        if not touched:
            return
        self.probes += 1
        watched = [] if self.whole else self.memberships(touched)
        for membership in watched:
            if membership not in self.homes:
                self.homes[membership] = self.groups(membership)
        for name in touched:
            column = self.inputs.setdefault(name, self.kernel.columns[f"@{name}"])
            if name in values:
                data = column.data.copy()
                data[self.at] = values[name]
                valid = column.valid
                if valid is not None and not valid[self.at]:
                    valid = valid.copy()
                    valid[self.at] = True
                column = Values(data, valid)
            self.kernel.columns[f"@{name}"] = column
        self.changed = frozenset(values)
        try:
            self.kernel.replay(self.program.between(_sources(touched), OUTCOME))
        except OverflowRefused:
            # Whoever reported such figures would be refused: no way leads there.
            self.refused = True
            return
        self.refused = False
        for membership in watched:
            groups = self.groups(membership)
            if ((groups >= 0) & (groups != self.homes[membership])).any():
                raise _OtherGroup

    def memberships(self, touched: frozenset[str]) -> list[Membership]:
        """The groupings whose rows or keys these inputs decide about."""
        if touched not in self.deciding:
            steps = self.program.between(_sources(touched), OUTCOME)
            stale = _sources(touched) | {step.name for step in steps if not isinstance(step, Check)}
            self.deciding[touched] = list(
                {
                    (step.where, step.key): None
                    for step in steps
                    if isinstance(step, Reduce | RowNumber | BetterCount)
                    and (columns_in(step.where) | ({step.key.name} if step.key else set())) & stale
                }
            )
        return self.deciding[touched]

    def groups(self, membership: Membership) -> NDArray[np.int64]:
        """The group of each row at hand; −1 where it has none."""
        mask, key = membership
        codes = self.kernel.values(key.name).data if key is not None else np.zeros(1, dtype=np.int64)
        return np.where(self.kernel.flags_of(mask), codes, -1)

    def reached(self) -> bool:
        grade = None if self.refused else self.kernel.at(p.GRADE, self.at)
        return grade is not None and int(grade) <= self.wanted

    def total(self) -> int:
        found = self.kernel.at(p.TOTAL, self.at)
        return 0 if found is None else int(found)

    def estimate(self, name: str, value: int) -> int | None:
        """The row's total with another figure, its group held still; None where it would not be scored."""
        steps = self.program.between(_sources([name]), frozenset({p.TOTAL}))
        return evaluate_row(steps, {f"@{name}": value}, self.read).get(p.TOTAL)

    def read(self, name: str) -> int | bool | None:
        if name not in self.cells:
            self.cells[name] = self.kernel.at(name, self.at)
        return self.cells[name]

    def value(self, name: str) -> int:
        """What the department gave; 0 where it gave nothing."""
        if name not in self.given:
            self.given[name] = self.result.encoded.frame[name][self.row] or 0
        return self.given[name]

    def number(self, name: str) -> p.NumberInput:
        node = self.plan.by_name[name]
        assert isinstance(node, p.NumberInput)
        return node

    # -- the search --------------------------------------------------------------------------------

    def advise(self) -> Advice:
        values = self.result.values
        grade = values[p.GRADE][self.row]
        ways: list[Way] = []
        dead: list[Dead] = []
        if grade is not None and grade > self.wanted:
            self.prove_farther()
            ways, dead = self.search()
            first = values[p.FIRST_GRADE][self.row]
            if first is not None and first <= self.wanted:
                # Its score is good enough; what holds it down is said as an obstacle.
                dead = []
        return Advice(
            values.item(self.row, 0),
            values.item(self.row, 1),
            None if grade is None else self.plan.grades[grade],
            self.plan.grades[self.wanted],
            grade is not None and grade <= self.wanted,
            tuple(sorted(ways, key=lambda way: (way.cost, len(way.steps)))),
            tuple(dead),
            tuple(self.obstacles(grade)),
            self.probes,
        )

    def prove_farther(self) -> None:
        """The steps are proved free of overflow for the figures at hand; some are to be tried beyond them."""
        bounds = dict(self.bounds)
        for name in self.levers:
            ends = [self.far(name, up) for up in (True, False)]
            known = bounds[name]
            bounds[name] = replace(known, low=min(known.low, *ends), high=max(known.high, *ends))
        if bounds == self.bounds:
            return
        program = self.lowered(bounds, self.result.encoded.labels)
        if program.unproved:
            return
        self.bounds = bounds
        self.use(program)

    def lowered(self, bounds: Mapping[str, Bounds], labels: Mapping[str, tuple[str, ...]]) -> Program:
        encoded = self.result.encoded
        figures = last_year_figures(self.plan, self.result.previous)
        return lower(self.plan, encoded.year, encoded.frame.height, bounds, labels, figures)

    def use(self, program: Program) -> None:
        """Another program for the figures as they are; nothing may be changed."""
        self.program = program
        self.kernel.update(program)
        self.homes.clear()
        self.deciding.clear()

    def search(self) -> tuple[list[Way], list[Dead]]:
        found = self.single({})
        ways = found.ways
        helped: tuple[str, str] | None = None
        best = -1
        for item, tag in self.statuses():
            with self.granted(item, tag) as values:
                self.set(values)
                if self.reached():
                    ways.append(self.way((_status(item, tag),), Fraction(0)))
                elif self.total() > best:
                    helped, best = (item, tag), self.total()
        if helped is not None:
            with self.granted(*helped) as values:
                ways += [
                    replace(way, steps=(_status(*helped), *way.steps)) for way in self.single(values).ways[:1]
                ]
        if not ways and len(found.levers) > 1:
            ways += self.together(found.levers)
        self.set({})
        return ways, found.dead

    def single(self, others: dict[str, int]) -> _Found:
        """One figure at a time, on top of ``others``: the cheapest ways first, and what does not suffice."""
        self.set(others)
        self.cells = {}
        line, now = self.line(), self.total()
        hopeful: list[tuple[Fraction, str, bool, int]] = []
        rest: list[tuple[str, bool | None]] = []
        for name in self.levers:
            slope = self.slope(name, now)
            near = None if slope is None else self.nearest(name, *slope, now, line)
            if slope is None or near is None:
                rest.append((name, slope and slope[0]))
            else:
                hopeful.append((self.share(name, near), name, slope[0], near))
        found = _Found([], [], [])
        for _, name, up, near in sorted(hopeful):
            if len(found.ways) == SHOWN:
                break
            way = self.confirm(name, up, near, others)
            if way is None:
                rest.append((name, up))
            else:
                found.ways.append(way)
                found.levers.append((name, up))
        for name, guess in rest:
            self.exhaust(name, guess, others, now, found)
        found.ways.sort(key=lambda way: way.cost)
        del found.ways[SHOWN:]
        return found

    @cached_property
    def levers(self) -> list[str]:
        """Data items that the enterprise has, and so can change: those behind its class's indicators, then those
        that a bonus, a deduction or a change of grade compares with something."""
        class_name = self.plan.classes[self.result.values[p.CLASS][self.row]]
        waiting = [item.value for item in self.plan.indicators if item.class_name == class_name]
        waiting += [name for tree in self.conditions() for name in _compared(tree)]
        seen: dict[str, None] = {}
        while waiting:
            node = self.plan.by_name.get(waiting.pop(0))
            if isinstance(node, p.NumberInput):
                if self.value(node.name):
                    seen[node.name] = None
            elif isinstance(node, p.Formula | p.Pick):
                waiting += node.reads()
        return list(seen)

    def conditions(self, helpful: bool = False) -> Iterator[Expression]:
        """What bonuses, deductions and changes of grade depend on, named conditions spelt out; ``helpful``: of
        what gives points or a better grade only."""
        trees: list[Expression] = []
        for node in self.plan.nodes:
            if isinstance(node, p.Adjustment) and (node.sign > 0 or not helpful):
                trees += [tree for tree in (node.when, node.points) if tree is not None]
        for move in self.plan.regrading.moves:
            if not helpful or (not move.veto and move.how in ("set", "up", "at_worst")):
                trees.append(move.tree)
        while trees:
            tree = trees.pop(0)
            yield tree
            named = (self.plan.by_name.get(name) for name in names_in(tree))
            trees += [node.tree for node in named if isinstance(node, p.Condition)]

    def directions(self, name: str) -> list[bool]:
        """Up (True) and down, as far as the figure can go there and it is something to advise."""
        ups = [True, False]
        # Fewer staff would raise productivity on paper; it is not something to advise.
        if self.number(name).unit == "人":
            ups.remove(False)
        return [up for up in ups if (self.far(name, up) > self.value(name)) is up]

    def far(self, name: str, up: bool) -> int:
        """Ten times the figure, or a tenth of it, as far as the policy takes such a figure for believable."""
        if name not in self.limits:
            value, node = self.value(name), self.number(name)
            low, high = (scale_half_up(end, node.digits) for end in node.range)
            down = max(value - int(abs(value) * (1 - MOST_DOWN)), low)
            self.limits[name] = (down, min(value + abs(value) * (MOST_UP - 1), high))
        return self.limits[name][up]

    def within(self, name: str, figure: int) -> bool:
        return self.far(name, False) <= figure <= self.far(name, True)

    def slope(self, name: str, now: int) -> tuple[bool, int, int] | None:
        """Whether more (True) or less of the item raises the score, with the farthest figure that is still scored
        and the score there; None where neither does."""
        for up in self.directions(name):
            point = self.far(name, up)
            most = self.estimate(name, point)
            if most is None:
                # Land below what the policy evaluates at all, say.
                point, most = self.last_scored(name, point, now)
            if most > now:
                return up, point, most
        return None

    def last_scored(self, name: str, beyond: int, now: int) -> tuple[int, int]:
        """The farthest figure on the way to one that is not scored, to a thousandth, and the score there."""
        near, most = self.value(name), now
        grain = max(abs(near) // 1000, 1)
        while abs(beyond - near) > grain:
            middle = (near + beyond) // 2
            found = self.estimate(name, middle)
            if found is None:
                beyond = middle
            else:
                near, most = middle, found
        return near, most

    def share(self, name: str, figure: int) -> Fraction:
        return Fraction(abs(figure - self.value(name)), abs(self.value(name)))

    def nearest(self, name: str, up: bool, point: int, most: int, now: int, line: int | None) -> int | None:
        """The least change that reaches the line by estimate; None where even the best figure does not."""
        value = self.value(name)
        if line is None:
            return point
        short, low, enough, high = value, now, point, most
        if high < line:
            return None
        grain = max(abs(value) // 2000, 1)
        above = True
        for probe in range(PROBES):
            gap = enough - short
            if abs(gap) <= max(grain, abs(enough - value) // 100):
                break
            # Scores are nearly linear in one figure: guess along the chord, a little to either side of the line
            # in turn, so that both ends close in; where that does not do, halve.
            middle = short + gap * (line - low) // max(high - low, 1)
            nudge = max(grain, abs(middle - value) // 250)
            middle += nudge if above is up else -nudge
            if probe >= CHORDS:
                middle = (short + enough) // 2
            middle = min(max(middle, min(short, enough) + 1), max(short, enough) - 1)
            guess = self.estimate(name, middle)
            if guess is not None and guess >= line:
                enough, high, above = middle, guess, False
            else:
                short, low, above = middle, low if guess is None else guess, True
        return enough

    def confirm(self, name: str, up: bool, near: int, others: dict[str, int]) -> Way | None:
        """The estimate tried on the whole group, moved until it holds; to a thousandth of the figure."""
        value, far, digits = self.value(name), self.far(name, up), self.number(name).digits
        grain = max(abs(value) // 1000, 1)
        found: Way | None = None

        def enough(figure: int) -> bool:
            nonlocal found
            self.set({**others, name: figure})
            if not self.reached():
                return False
            texts = format_scaled(value, digits), format_scaled(figure, digits)
            step = Step(name, self.number(name).unit, *texts, Fraction(figure - value, abs(value)))
            found = self.way((step,), self.share(name, figure))
            return True

        short, reach = value, near
        step = max(abs(near - value) // 50, grain)
        while not enough(reach):
            if reach == far:
                return None
            short = reach
            reach = min(reach + step, far) if up else max(reach - step, far)
            step *= 4
        less = near - max(grain, abs(near - value) // 100) * (1 if up else -1)
        if short == value and abs(less - value) < abs(near - value):
            # The estimate held at once: see whether a little less does too.
            short, reach = (value, less) if enough(less) else (less, reach)
        while abs(reach - short) > max(grain, abs(reach - value) // 50):
            middle = (short + reach) // 2
            short, reach = (short, middle) if enough(middle) else (middle, reach)
        return found

    def exhaust(self, name: str, guess: bool | None, others: dict[str, int], now: int, found: _Found) -> None:
        """Try a figure at its farthest, where the estimate sees no way: it holds the group still, and does not
        see places, classes or conditions change."""
        ups = self.directions(name)
        many_ways = self.decides_otherwise(name)
        if not many_ways:
            ups = [up for up in ups if up is guess]
        dead: Dead | None = None
        for up in sorted(ups, key=lambda up: up is not guess):
            far = self.far(name, up)
            for figure in (far, (self.value(name) + far) // 2) if many_ways else (far,):
                self.set({**others, name: figure})
                way = self.confirm(name, up, figure, others) if self.reached() else None
                if way is not None:
                    found.ways.append(way)
                    found.levers.append((name, up))
                    return
                if (
                    dead is None
                    and figure == far
                    and not self.refused
                    and (up is guess or self.total() > now)
                ):
                    dead = self.dead(name, up)
                    found.levers.append((name, up))
        if dead is not None:
            found.dead.append(dead)

    def decides_otherwise(self, name: str) -> bool:
        """Whether the item decides about the grade by other means than the row's own score with its group held
        still: a place within an indicator, an extreme, the class, a condition, a sorting key."""
        stale = set(_sources([name]))
        for step, reads in zip(self.program.steps, self.program.reads, strict=True):
            if isinstance(step, Check) or step.name == p.TOTAL or not reads & stale:
                continue
            if isinstance(step, RowNumber | BetterCount) or step.name == p.GRADE:
                return True
            if isinstance(step, Reduce) and step.how in ("min", "max"):
                return True
            stale.add(step.name)
        return False

    def together(self, levers: list[tuple[str, bool]]) -> Iterator[Way]:
        """Every figure moved by the same share, where no single one is enough."""

        def moved(percent: int) -> dict[str, int]:
            return {
                name: self.value(name) + abs(self.value(name)) * percent // 100 * (1 if up else -1)
                for name, up in levers
            }

        low, high = 0, MOST_TOGETHER
        while not all(self.within(name, after) for name, after in moved(high).items()):
            high -= 1
        self.set(moved(high))
        if not self.reached():
            return
        while high - low > 1:
            middle = (low + high) // 2
            self.set(moved(middle))
            low, high = (low, middle) if self.reached() else (middle, high)
        self.set(moved(high))
        steps: list[Step] = []
        for name, after in moved(high).items():
            value, node = self.value(name), self.number(name)
            if after != value:
                texts = format_scaled(value, node.digits), format_scaled(after, node.digits)
                steps.append(Step(name, node.unit, *texts, Fraction(after - value, abs(value))))
        yield self.way(tuple(steps), sum((abs(step.share or Fraction(0)) for step in steps), Fraction(0)))

    def way(self, steps: tuple[Step, ...], cost: Fraction) -> Way:
        """The way that is set now, with its verified outcome."""
        grade = self.kernel.at(p.GRADE, self.at)
        place = self.kernel.at(p.PLACE, self.at)
        digits = self.plan.numeric(p.TOTAL).digits
        assert grade is not None
        return Way(
            steps,
            self.plan.grades[int(grade)],
            trimmed(format_scaled(self.total(), digits)),
            None if place is None else int(place),
            cost,
        )

    def line(self) -> int | None:
        """The lowest total that has the wanted grade or better by score in the row's group, as things are set."""
        ranking = ranking_of(self.result, self.row)
        if ranking is None:
            return None
        lines = lowest_totals(self.kernel, self.plan, ranking, self.wanted)
        return lines.get(ranked_group(self.kernel, ranking, self.at))

    def dead(self, name: str, up: bool) -> Dead:
        """The figure at its farthest, as it is set now."""
        value, far, node = self.value(name), self.far(name, up), self.number(name)
        line, total = self.line(), self.total()
        short = None
        if line is not None and line > total:
            short = trimmed(format_scaled(line - total, self.plan.numeric(p.TOTAL).digits))
        shown = trimmed(format_scaled(far, node.digits))
        if far == value * MOST_UP:
            limit = say("增至 {value} {unit}（10 倍）", value=shown, unit=node.unit)
        elif up:
            limit = say("增至 {value} {unit}", value=shown, unit=node.unit)
        elif value > 0 and far == value - int(value * (1 - MOST_DOWN)):
            limit = say("减至 {value} {unit}（十分之一）", value=shown, unit=node.unit)
        else:
            limit = say("减至 {value} {unit}", value=shown, unit=node.unit)
        return Dead(name, limit, short)

    # -- statuses ----------------------------------------------------------------------------------

    def statuses(self) -> list[tuple[str, str]]:
        """Items of tags, and the tags in them, that give points or a better grade and that the enterprise has not."""
        wanted = {
            (part.name, part.values[0]): None
            for tree in self.conditions(helpful=True)
            for part in walk(tree)
            if isinstance(part, TextTest) and part.how == "has"
        }
        return [(item, tag) for item, tag in wanted if not has_tag(self.tags(item), tag)][:MOST_TAGS]

    def tags(self, item: str) -> str:
        """The enterprise's own tags, as the departments gave them."""
        code = self.result.encoded.frame[item][self.row]
        return "" if code is None else self.result.encoded.labels[item][code]

    @contextmanager
    def granted(self, item: str, tag: str) -> Iterator[dict[str, int]]:
        """The policy with one more combination of tags known: the enterprise's own and ``tag``."""
        known = self.result.encoded.labels[item]
        own = self.tags(item)
        labels = {**self.result.encoded.labels, item: (*known, f"{own}|{tag}" if own else tag)}
        bounds = {**self.bounds, item: replace(self.bounds[item], high=len(known))}
        self.set({})
        before = self.program
        self.use(self.lowered(bounds, labels))
        yield {item: len(known)}
        self.set({})
        self.use(before)

    def obstacles(self, grade: int | None) -> Iterator[Message]:
        """What no score can outvote."""
        if grade is None:
            yield say("这户企业未参加定级：{reason}。", reason=self.result.grades[p.REASON][self.row])
            return
        if grade <= self.wanted:
            return
        holding = [
            move
            for move in self.result.moves(self.row)
            if move.how == "down"
            or (move.how in ("at_best", "set") and self.plan.grades.index(move.grade or "") > self.wanted)
        ]
        for move in holding:
            what = move.grade or say("降 {steps} 档", steps=move.steps)
            yield say(
                "另有“{title}”（{what}），不消除则不能靠得分提高到相应等级。", title=move.title, what=what
            )
        if not holding:
            yield say("没有一票否决或降档情形。")


def _status(item: str, tag: str) -> Step:
    return Step(item, None, None, None, None, tag)


def _compared(tree: Expression) -> Iterator[str]:
    """Names of the figures that are held against a limit; what has to equal something is no figure to move."""
    for part in walk(tree):
        if isinstance(part, Comparison) and part.operator in ("<", "<=", ">", ">="):
            yield from names_in(part)


def _sources(names: Iterable[str]) -> frozenset[str]:
    """The columns of the data behind inputs."""
    return frozenset(f"@{name}" for name in names)


def touched_rows(result: Result, row: int) -> NDArray[np.intp]:
    """All rows whose figures can depend on this row or decide about it: its groups, and theirs in turn, until no
    group is cut. Ascending."""
    kernel = result.kernel
    if (known := result.components.get(row)) is not None:
        return known
    inside = np.zeros(kernel.rows, dtype=np.bool_)
    inside[row] = True
    groupings = {
        (step.where, step.key)
        for step in result.program.steps
        if isinstance(step, Reduce | RowNumber | BetterCount)
    }
    classes = kernel.values(p.CLASS)
    known_class = classes.data if classes.valid is None else np.where(classes.valid, classes.data, -1)
    masks: dict[Op, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
    while True:
        before = int(inside.sum())
        for mask_op, key in groupings:
            if mask_op not in masks:
                mask = kernel.flags_of(mask_op)
                # A figure is over the masked rows; whoever is of their classes may read it, rated or not.
                masks[mask_op] = mask, np.isin(known_class, np.unique(known_class[mask]))
            mask, readers = masks[mask_op]
            members = inside & readers
            if not members.any():
                continue
            if key is None:
                inside |= mask
                continue
            codes = kernel.values(key.name).data
            wanted = np.zeros(int(codes.max()) + 1, dtype=np.bool_)
            wanted[codes[members]] = True
            inside |= mask & wanted[codes]
        if int(inside.sum()) == before:
            rows = np.flatnonzero(inside)
            result.components.update(dict.fromkeys(rows.tolist(), rows))
            return rows
