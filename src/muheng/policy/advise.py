"""The cheapest changes that would lift one enterprise's grade, each verified by regrading its whole group.

An enterprise's own change moves its group's mean and everyone's place; so every answer is a run of the policy
over all rows that touch it, others unchanged. Cost is the change as a share of the enterprise's own figure: what
a change costs in money the facts do not say. "Not reachable" is an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Language, Message, say
from muheng.policy import plan as p
from muheng.policy.executors.numpy_engine import Values
from muheng.policy.executors.one_row import evaluate_row
from muheng.policy.explain import find_row, lowest_total, ranking_of, trimmed
from muheng.policy.expression import TextTest, walk
from muheng.policy.lower import lower
from muheng.policy.program import BetterCount, Op, Program, Reduce, RowNumber
from muheng.policy.run import Result, last_year_figures
from muheng.standards.rounding import format_scaled

# How far one figure is moved before it counts as out of reach.
MOST_UP = 10
MOST_DOWN = Fraction(1, 10)
PROBES = 40
SHOWN = 3
OUTCOME = frozenset({p.GRADE, p.TOTAL, p.PLACE})
MOST_TAGS = 8


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
    """``obstacles``: what holds the grade down whatever the score. ``fixed``: what was left as it is."""

    code: str
    name: str
    now: str | None
    wanted: str
    ways: tuple[Way, ...]
    dead: tuple[Dead, ...]
    obstacles: tuple[Message, ...]
    probes: int

    @property
    def reachable(self) -> bool:
        return bool(self.ways)

    def lines(self, lang: Language = "zh") -> list[str]:
        shown: list[Message] = []
        if self.now == self.wanted:
            shown.append(say("{name} 已是 {grade} 类。", name=self.name, grade=self.wanted))
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
    row = find_row(result, enterprise)
    return _Adviser(result, row, result.plan.grades.index(grade)).advise(enterprise)


class _Adviser:
    """Tries changes of one row on the rows that it touches.

    An estimate (one row, its group held still) ranks the items; what is told is what a full trial has shown.
    """

    def __init__(self, result: Result, row: int, wanted: int) -> None:
        self.result = result
        self.plan = result.plan
        self.row = row
        self.wanted = wanted
        self.probes = 0
        rows = touched_rows(result, row)
        self.at = int(np.searchsorted(rows, row))
        self.kernel = result.kernel.part(rows)
        self.program = result.program
        self.inputs: dict[str, Values] = {}
        self.changed: frozenset[str] = frozenset()
        self.guesses = 0

    # -- trying ------------------------------------------------------------------------------------

    def set(self, values: dict[str, int]) -> None:
        """The row with these inputs, the others as they are, and its group with it."""
        touched = frozenset(values) | self.changed
        if not touched:
            return
        self.probes += 1
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
        self.kernel.replay(self.program.between(frozenset(f"@{name}" for name in touched), OUTCOME))

    def reached(self) -> bool:
        grade = self.kernel.at(p.GRADE, self.at)
        return grade is not None and int(grade) <= self.wanted

    def total(self) -> int:
        found = self.kernel.at(p.TOTAL, self.at)
        return 0 if found is None else int(found)

    def estimate(self, name: str, value: int) -> int:
        """The row's total with another figure, its group held still."""
        self.guesses += 1
        steps = self.program.between(frozenset({f"@{name}"}), frozenset({p.TOTAL}))
        found = evaluate_row(steps, {f"@{name}": value}, self.read).get(p.TOTAL)
        return 0 if found is None else int(found)

    def read(self, name: str) -> int | bool | None:
        if name not in self.cells:
            self.cells[name] = self.kernel.at(name, self.at)
        return self.cells[name]

    def value(self, name: str) -> int:
        found: int | None = self.result.encoded.frame[name][self.row]
        return found or 0

    # -- the search --------------------------------------------------------------------------------

    def advise(self, enterprise: str) -> Advice:
        values = self.result.values
        grade = values[p.GRADE][self.row]
        ways: list[Way] = []
        dead: list[Dead] = []
        if grade is not None and grade > self.wanted:
            ways, dead = self.search()
        return Advice(
            enterprise,
            values.item(self.row, 1),
            None if grade is None else self.plan.grades[grade],
            self.plan.grades[self.wanted],
            tuple(sorted(ways, key=lambda way: (way.cost, len(way.steps)))),
            tuple(dead),
            tuple(self.obstacles(grade)),
            self.probes,
        )

    def search(self) -> tuple[list[Way], list[Dead]]:
        tags = list(self.tags())
        ways, dead, levers = self.single({})
        helped: tuple[str, int] | None = None
        best = -1
        for tag, code in tags:
            with self.tagged(tag) as values:
                self.set(values)
                if self.reached():
                    ways.append(self.way((self.tag_step(tag),), Fraction(0)))
                elif self.total() > best:
                    helped, best = (tag, code), self.total()
        if helped is not None:
            with self.tagged(helped[0]) as values:
                more, _, _ = self.single(values)
                step = self.tag_step(helped[0])
                ways += [replace(way, steps=(step, *way.steps)) for way in more[:1]]
        if not ways and len(levers) > 1:
            ways += self.together(levers)
        self.set({})
        return ways, dead

    def single(self, others: dict[str, int]) -> tuple[list[Way], list[Dead], list[tuple[str, bool]]]:
        """Ways by one figure, the cheapest first; figures that are not enough; all figures that help."""
        self.set(others)
        self.cells: dict[str, int | bool | None] = {}
        line = self.line()
        candidates: list[tuple[Fraction, str, bool, int]] = []
        levers: list[tuple[str, bool]] = []
        dead: list[Dead] = []
        now = self.total()
        for name in self.levers():
            reach = self.farthest(name, now)
            if reach is None:
                continue
            up, most = reach
            # Fewer staff would raise productivity on paper; it is not something to advise.
            if not up and self.plan.numeric(name).unit == "人":
                continue
            levers.append((name, up))
            near = self.nearest(name, up, now, most, line)
            if near is None:
                dead.append(self.dead(name, up, most, line))
            else:
                candidates.append(
                    (Fraction(abs(near - self.value(name)), abs(self.value(name))), name, up, near)
                )
        ways: list[Way] = []
        for _, name, up, near in sorted(candidates):
            if len(ways) == SHOWN:
                break
            way = self.confirm(name, up, near, others)
            if way is not None:
                ways.append(way)
            else:
                dead.append(self.dead(name, up, self.estimate(name, self.far(name, up)), line))
        return ways, dead, levers

    def levers(self) -> Iterator[str]:
        """Data items behind the class's indicators that the enterprise has, and so can change."""
        class_name = self.plan.classes[self.result.values[p.CLASS][self.row]]
        seen: dict[str, None] = {}
        waiting = [item.value for item in self.plan.indicators if item.class_name == class_name]
        while waiting:
            node = self.plan.by_name.get(waiting.pop(0))
            if isinstance(node, p.NumberInput):
                if self.value(node.name):
                    seen[node.name] = None
            elif isinstance(node, p.Formula | p.Pick):
                waiting += node.reads()
        yield from seen

    def farthest(self, name: str, now: int) -> tuple[bool, int] | None:
        """Whether more (True) or less of the item raises the score, and how far; None where neither does."""
        for up in (True, False):
            most = self.estimate(name, self.far(name, up))
            if most > now:
                return up, most
        return None

    def far(self, name: str, up: bool) -> int:
        value = self.value(name)
        return value * MOST_UP if up else int(value * MOST_DOWN)

    def nearest(self, name: str, up: bool, now: int, most: int, line: int | None) -> int | None:
        """The least change that reaches the line by estimate; None where even the farthest does not."""
        value, far = self.value(name), self.far(name, up)
        if line is None:
            return far
        short, low, enough, high = value, now, far, most
        if high < line:
            return None
        grain = max(abs(value) // 2000, 1)
        for probe in range(PROBES):
            if abs(enough - short) <= max(grain, abs(enough - value) // 100):
                break
            # Scores are nearly linear in one figure: guess along the chord first, then halve.
            middle = (
                short + (enough - short) * (line - low) // max(high - low, 1)
                if probe < 4
                else (short + enough) // 2
            )
            middle = min(max(middle, min(short, enough) + 1), max(short, enough) - 1)
            found = self.estimate(name, middle)
            if found >= line:
                enough, high = middle, found
            else:
                short, low = middle, found
        return enough

    def confirm(self, name: str, up: bool, near: int, others: dict[str, int]) -> Way | None:
        """The estimate tried on the whole group, moved until it holds; to a thousandth of the figure."""
        value, far = self.value(name), self.far(name, up)
        node = self.plan.by_name[name]
        assert isinstance(node, p.NumberInput)
        grain = max(abs(value) // 1000, 1)
        found: Way | None = None

        def enough(figure: int) -> bool:
            nonlocal found
            self.set({**others, name: figure})
            if not self.reached():
                return False
            share = Fraction(figure - value, abs(value))
            texts = format_scaled(value, node.digits), format_scaled(figure, node.digits)
            found = self.way((Step(name, node.unit, *texts, share),), abs(share))
            return True

        short, reach = value, near
        step = max(abs(near - value) // 50, grain)
        while not enough(reach):
            if reach == far:
                return None
            short = reach
            reach = min(reach + step, far) if up else max(reach - step, far)
            step *= 4
        if short == value and near != value:
            # The estimate held at once: see whether a little less does too.
            less = near - max(grain, abs(near - value) // 100) * (1 if up else -1)
            short, reach = (value, less) if enough(less) else (less, reach)
        while abs(reach - short) > max(grain, abs(reach - value) // 50):
            middle = (short + reach) // 2
            short, reach = (short, middle) if enough(middle) else (middle, reach)
        return found

    def together(self, levers: list[tuple[str, bool]]) -> Iterator[Way]:
        """Every figure moved by the same share, where no single one is enough."""

        def moved(percent: int) -> dict[str, int]:
            return {
                name: self.value(name) + abs(self.value(name)) * percent // 100 * (1 if up else -1)
                for name, up in levers
            }

        low, high = 0, 90
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
            node = self.plan.by_name[name]
            assert isinstance(node, p.NumberInput)
            value = self.value(name)
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
        if ranking is None or ranking.steps:
            return None
        return lowest_total(self.kernel, ranking, self.at, self.wanted)

    def dead(self, name: str, up: bool, total: int, line: int | None) -> Dead:
        far = self.far(name, up)
        node = self.plan.by_name[name]
        assert isinstance(node, p.NumberInput)
        short = None
        if line is not None and line > total:
            short = trimmed(format_scaled(line - total, self.plan.numeric(p.TOTAL).digits))
        shown = trimmed(format_scaled(far, node.digits))
        if up:
            return Dead(name, say("增至 {value} {unit}（10 倍）", value=shown, unit=node.unit), short)
        return Dead(name, say("减至 {value} {unit}（十分之一）", value=shown, unit=node.unit), short)

    # -- statuses ----------------------------------------------------------------------------------

    def tag_input(self) -> str:
        return next(
            node.name for node in self.plan.nodes if isinstance(node, p.CodeInput) and node.kind == "tags"
        )

    def tag_step(self, tag: str) -> Step:
        return Step(self.tag_input(), None, None, None, None, tag)

    def tags(self) -> list[tuple[str, int]]:
        """Statuses that give points and that the enterprise does not have, with the code that stands for them."""
        wanted: dict[str, None] = {}
        for node in self.plan.nodes:
            if isinstance(node, p.Adjustment) and node.sign > 0 and node.when is not None:
                if self.result.values[node.name][self.row]:
                    continue
                for part in walk(node.when):
                    if isinstance(part, TextTest) and part.how == "has":
                        wanted.setdefault(part.values[0], None)
        if not wanted:
            return []
        # One code past the known labels stands for the enterprise's own tags and the new one.
        code = len(self.result.encoded.labels[self.tag_input()])
        return [(tag, code) for tag in list(wanted)[:MOST_TAGS]]

    @contextmanager
    def tagged(self, tag: str) -> Iterator[dict[str, int]]:
        """The policy with one more tag combination known: the enterprise's own and ``tag``."""
        encoded, name = self.result.encoded, self.tag_input()
        known = encoded.labels[name]
        own = encoded.frame[name][self.row]
        labels = {**encoded.labels, name: (*known, f"{known[own]}|{tag}" if own is not None else tag)}
        bounds = {**encoded.bounds, name: replace(encoded.bounds[name], high=len(known))}
        figures = last_year_figures(self.plan, self.result.previous)
        program = lower(self.plan, self.result.year, encoded.frame.height, bounds, labels, figures)
        self.set({})
        before = self.program
        self._use(program)
        yield {name: len(known)}
        self.set({})
        self._use(before)

    def _use(self, program: Program) -> None:
        self.program = program
        self.kernel.update(program)

    def obstacles(self, grade: int | None) -> Iterator[Message]:
        """What no score can outvote."""
        if grade is None:
            yield say("这户企业未参加定级：{reason}。", reason=self.result.grades[p.REASON][self.row])
            return
        moves = self.result.moves(self.row)
        holding = [
            move
            for move in moves
            if move.how in ("at_best", "down", "set") and move.grade != self.plan.grades[0]
        ]
        for move in holding:
            what = move.grade or say("降 {steps} 档", steps=move.steps)
            yield say(
                "另有“{title}”（{what}），不消除则不能靠得分提高到相应等级。", title=move.title, what=what
            )
        if not holding:
            yield say("没有一票否决或降档情形。")


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
    plain_masks: dict[Op, NDArray[np.bool_]] = {}
    while True:
        before = int(inside.sum())
        for mask_op, key in groupings:
            if mask_op not in plain_masks:
                plain_masks[mask_op] = kernel.flags_of(mask_op)
            mask = plain_masks[mask_op]
            members = inside & mask
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
