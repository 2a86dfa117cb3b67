"""What if the numbers of the policy were others: everyone regraded while a hand moves a slider.

A simulation holds every column of a run in memory and is changed by being used, so one person at a time moves it.
Each process gets one ready when it is first asked for; until then it says that it is being prepared.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from muheng.documents.message import Message, Refusal
from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.policy.bind import DataError
from muheng.policy.run import describe_misfits
from muheng.policy.whatif import Effect, Simulation, TrialError
from muheng.web.evaluation.levers import read_changes
from muheng.web.evaluation.queries.results import ROW, SeenRun
from muheng.web.evaluation.queries.table import show_number
from muheng.web.evaluation.runs import read_simulation
from muheng.web.reading import language
from muheng.web.refusal import Refused

MOVERS = 12
"""Enterprises listed in each direction."""

_log = logging.getLogger(__name__)
_ready: set[str] = set()
_locks: dict[str, Lock] = {}
_door = Lock()


def is_ready(folder: str) -> bool:
    """Whether this process has the run at hand."""
    return folder in _ready


def prepare(folder: str) -> None:
    """Begin to get a run ready, in a thread of its own; at once where it is already."""
    with _door:
        begun = folder in _locks
    if not begun:
        _lock_of(folder)
        Thread(target=_warm, args=(folder,), daemon=True).start()


def _warm(folder: str) -> None:
    try:
        with held(folder):
            pass
    except Exception:
        # Whoever asks next meets the same trouble in a request, where it is shown.
        _log.exception("simulation of %s", folder)
        with _door:
            _locks.pop(folder, None)


@contextmanager
def held(folder: str) -> Iterator[Simulation]:
    """The simulation of a run, for one at a time."""
    with _lock_of(folder):
        found = read_simulation(folder)
        _ready.add(folder)
        yield found


def _lock_of(folder: str) -> Lock:
    with _door:
        return _locks.setdefault(folder, Lock())


@dataclass(frozen=True)
class Mover:
    """An enterprise whose grade would be another."""

    code: str
    name: str
    before: str
    after: str
    total: str


@dataclass(frozen=True)
class Picture:
    """What the changes would do to the rows in sight. ``labels``: the grades, then 未定级; ``matrix[i][j]`` from i to j;
    ``classes``: name, counts before, counts after."""

    labels: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    matrix: tuple[tuple[int, ...], ...]
    classes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    moved: int
    up: int
    down: int
    risers: tuple[Mover, ...]
    fallers: tuple[Mover, ...]

    def json(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "before": self.before,
            "after": self.after,
            "matrix": self.matrix,
            "classes": [
                {"name": name, "before": before, "after": after} for name, before, after in self.classes
            ],
            "moved": self.moved,
            "up": self.up,
            "down": self.down,
            "risers": [vars(mover) for mover in self.risers],
            "fallers": [vars(mover) for mover in self.fallers],
        }


def simulate(seen: SeenRun, asked: Mapping[str, Any]) -> Picture:
    """Regrade everyone with these numbers. Raises Refused where the policy would have errors or cannot be computed."""
    changes = read_changes(seen.run.policy_text, asked)
    try:
        with held(seen.run.results) as simulation:
            effect = simulation.change(changes)
            before = simulation.before
    except TrialError as error:
        first = next(each for each in error.diagnostics if each.severity == "error")
        raise _refused(first.what, first.fix) from error
    except DataError as error:
        raise _refused(describe_misfits(error.misfits)[0], None) from error
    except Refusal as refusal:
        raise _refused(refusal.what, refusal.fix) from refusal
    return _picture(seen, before, effect)


def _refused(what: Message, fix: Message | None) -> Refused:
    lang = language()
    return Refused(
        _("这样改后不能计算：%(what)s") % {"what": what.render(lang)},
        fix.render(lang) if fix is not None else "",
        status=422,
        code="invalid",
    )


def _picture(seen: SeenRun, before: NDArray[np.int64], effect: Effect) -> Picture:
    """Cut to the rows in sight. The grades are those of the run: numbers change, not names."""
    grades = seen.plan.grades
    many = len(grades)
    at = seen.rows[ROW].to_numpy()
    old = np.where(before[at] < 0, many, before[at])
    new = np.where(effect.grades[at] < 0, many, effect.grades[at])
    matrix = np.bincount(old * (many + 1) + new, minlength=(many + 1) ** 2).reshape(many + 1, many + 1)
    graded = (old < many) & (new < many)
    steps = np.where(graded, old - new, 0)
    return Picture(
        labels=(*grades, _("未定级")),
        before=_whole(matrix.sum(axis=1)),
        after=_whole(matrix.sum(axis=0)),
        matrix=tuple(_whole(row) for row in matrix),
        classes=tuple(_classes(seen, old, new)),
        moved=int((old != new).sum()),
        up=int((steps > 0).sum()),
        down=int((steps < 0).sum()),
        risers=_movers(seen, steps, old, new, 1),
        fallers=_movers(seen, steps, old, new, -1),
    )


def _whole(numbers: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(number) for number in numbers)


def _classes(
    seen: SeenRun, old: NDArray[np.int64], new: NDArray[np.int64]
) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    many = len(seen.plan.grades) + 1
    if len(seen.plan.classes) < 2:
        return
    names = seen.rows[p.CLASS]
    for name in seen.plan.classes:
        inside = (names == name).fill_null(False).to_numpy()
        yield (
            name,
            _whole(np.bincount(old[inside], minlength=many)),
            _whole(np.bincount(new[inside], minlength=many)),
        )


def _movers(
    seen: SeenRun, steps: NDArray[np.int64], old: NDArray[np.int64], new: NDArray[np.int64], way: int
) -> tuple[Mover, ...]:
    """The farthest in one direction first, then by credit code."""
    found = np.flatnonzero(steps * way > 0)
    found = found[np.argsort(-steps[found] * way, kind="stable")][:MOVERS]
    grades = seen.plan.grades
    digits = seen.plan.numeric(p.TOTAL).digits
    rows = seen.rows[found].select(CODE, NAME, p.TOTAL).iter_rows()
    return tuple(
        Mover(code, name or "", grades[old[at]], grades[new[at]], show_number(total, digits))
        for at, (code, name, total) in zip(found, rows, strict=True)
    )
