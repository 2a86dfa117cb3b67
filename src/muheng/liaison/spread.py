"""Spread enterprises over officers: evenly, near ones together, and with as few changes of officer as that allows.

Of all pairings that the places and limits allow, the one is taken that pairs most; of these the one with the most even
loads; of these the one that moves fewest from the officer they have; of these the one with the shortest distances and
the most alike townships and industries. Found by successive shortest paths, so it is that one, not one near it; only
where an officer's middle lies is settled step by step. Whoever is in charge decides: this proposes and says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from muheng.documents.message import Message, say
from muheng.liaison.ground import Point, measure, measure_all

_FAR = 100_000  # metres; farther is as far
_UNKNOWN = 20_000  # metres, where one of the two has no coordinates
_OTHER_TOWNSHIP = 3_000  # what another township weighs, in metres
_OTHER_INDUSTRY = 2_000
_ROUNDS = 8
_COST = _FAR + _OTHER_TOWNSHIP + _OTHER_INDUSTRY


@dataclass(frozen=True)
class Enterprise:
    """One to be looked after. ``places``: the numbers of the places that it lies in (county, township, park)."""

    code: str
    places: frozenset[int] = frozenset()
    township: int | None = None
    industry: str = ""
    at: Point | None = None
    officer: int | None = None
    """Who has it now."""


@dataclass(frozen=True)
class Officer:
    """Who may look after enterprises. ``places``: where; None is everywhere. ``elsewhere``: enterprises that they keep
    and that are not spoken of here. ``most``: how many they may have in all."""

    id: int
    places: frozenset[int] | None = None
    most: int = 20
    elsewhere: int = 0


@dataclass(frozen=True)
class Pair:
    """Who gets an enterprise, and why."""

    code: str
    officer: int
    change: Literal["kept", "moved", "new"]
    reasons: tuple[Message, ...]


@dataclass(frozen=True)
class Left:
    """An enterprise for which there is nobody."""

    code: str
    reason: Message


@dataclass(frozen=True)
class Spread:
    """Every enterprise is in one of both. ``loads``: officer → enterprises in all."""

    pairs: tuple[Pair, ...]
    left: tuple[Left, ...]
    loads: Mapping[int, int]

    def count(self, change: str) -> int:
        return sum(pair.change == change for pair in self.pairs)


def spread(enterprises: Iterable[Enterprise], officers: Iterable[Officer], *, keep: bool = False) -> Spread:
    """Who is to look after which enterprise. With ``keep`` nobody who has an officer of these gets another.

    The order in which they are given does not matter.
    """
    these = sorted(enterprises, key=lambda each: each.code)
    those = sorted(officers, key=lambda each: each.id)
    if len({each.code for each in these}) < len(these) or len({each.id for each in those}) < len(those):
        raise ValueError("an enterprise or an officer is named twice")
    if not these or not those:
        return _tell(these, those, [-1] * len(these), np.zeros((len(these), len(those)), dtype=bool))
    allowed = _find_allowed(these, those, keep)
    held = _find_held(these, those)
    taken = held.copy()
    tried: set[tuple[int, ...]] = set()
    for _round in range(_ROUNDS):
        cost = _weigh(these, those, taken)
        taken = _Flow(those, allowed, held, cost).pair()
        if tuple(taken) in tried:
            break
        tried.add(tuple(taken))
    return _tell(these, those, taken, allowed)


def _find_allowed(these: Sequence[Enterprise], those: Sequence[Officer], keep: bool) -> NDArray[np.bool_]:
    ids = {officer.id for officer in those}
    return np.array(
        [
            [
                officer.id == each.officer
                if keep and each.officer in ids
                else officer.id == each.officer
                or officer.places is None
                or bool(officer.places & each.places)
                for officer in those
            ]
            for each in these
        ],
        dtype=bool,
    )


def _find_held(these: Sequence[Enterprise], those: Sequence[Officer]) -> list[int]:
    at = {officer.id: number for number, officer in enumerate(those)}
    return [-1 if each.officer is None else at.get(each.officer, -1) for each in these]


# -- nearness ------------------------------------------------------------------------------------------


def _weigh(these: Sequence[Enterprise], those: Sequence[Officer], taken: list[int]) -> NDArray[np.int64]:
    """What it weighs, in metres, to give each enterprise to each officer: from the middle of what the officer has."""
    groups: list[list[Enterprise]] = [[] for _ in those]
    for each, officer in zip(these, taken, strict=True):
        if officer >= 0:
            groups[officer].append(each)
    _seed(these, those, groups)
    cost = np.zeros((len(these), len(those)), dtype=np.int64)
    points = [each.at or (0.0, 0.0) for each in these]
    placed = np.array([each.at is not None for each in these])
    for number, group in enumerate(groups):
        middle = _middle(group)
        if middle is None:
            cost[:, number] = _UNKNOWN
        else:
            near = np.minimum(measure_all(points, [middle])[:, 0], _FAR)
            cost[:, number] = np.where(placed, near, _UNKNOWN)
        townships = Counter(each.township for each in group)
        industries = Counter(each.industry[:2] for each in group)
        for at, each in enumerate(these):
            cost[at, number] += _share(townships[each.township], len(group), _OTHER_TOWNSHIP)
            cost[at, number] += _share(industries[each.industry[:2]], len(group), _OTHER_INDUSTRY)
    return cost


def _share(alike: int, every: int, weight: int) -> int:
    return weight - weight * alike // every if every else weight


def _seed(these: Sequence[Enterprise], those: Sequence[Officer], groups: list[list[Enterprise]]) -> None:
    """Who has nobody yet begins with the enterprise that is farthest from all beginnings and middles so far."""
    begun = [middle for group in groups if (middle := _middle(group)) is not None]
    for number, group in enumerate(groups):
        if group:
            continue
        places = those[number].places
        free = [each for each in these if each.at and (places is None or places & each.places)]
        if not free:
            continue
        if begun:
            distances = measure_all([each.at for each in free if each.at], begun).min(axis=1)
            first = free[int(distances.argmax())]
        else:
            first = free[0]
        assert first.at is not None
        begun.append(first.at)
        group.append(first)


def _middle(group: Sequence[Enterprise]) -> Point | None:
    points = [each.at for each in group if each.at is not None]
    if not points:
        return None
    return sum(at[0] for at in points) / len(points), sum(at[1] for at in points) / len(points)


# -- the pairing ---------------------------------------------------------------------------------------


class _Flow:
    """Enterprises are given out one by one, each along the cheapest chain of changes, so that after each the whole is
    the cheapest of all pairings of those given out so far. What is compared first weighs more than all that follow."""

    def __init__(
        self,
        those: Sequence[Officer],
        allowed: NDArray[np.bool_],
        held: list[int],
        cost: NDArray[np.int64],
    ) -> None:
        every, many = allowed.shape
        self.allowed, self.held, self.many = allowed, held, many
        self.load = np.array([officer.elsewhere for officer in those], dtype=np.int64)
        self.most = np.array([officer.most for officer in those], dtype=np.int64)
        # On a chain, each officer stands once: so a move weighs more than all distances of a chain, and so on.
        move = 2 * (many + 2) * _COST + 1
        self.uneven = 2 * (many + 2) * (move + _COST) + 1
        self.never = np.iinfo(np.int64).max // 4
        assert self.uneven * (2 * (every + int(self.load.max(initial=0))) + 2) < self.never // 4
        self.cost = cost.copy()
        for at, officer in enumerate(held):
            if officer >= 0:
                self.cost[at] += move
                self.cost[at, officer] -= move
        self.taken = [-1] * every
        self.members: list[set[int]] = [set() for _ in range(many)]
        self.change = np.full((many, many), self.never, dtype=np.int64)
        self.carrier = np.full((many, many), -1, dtype=np.int64)

    def pair(self) -> list[int]:
        # Who has an officer comes first: a limit leaves over those who never had one.
        for at in sorted(range(len(self.taken)), key=lambda at: (self.held[at] < 0, at)):
            self._give(at)
        return self.taken

    def _give(self, at: int) -> None:
        reach = np.where(self.allowed[at], self.cost[at], self.never)
        before = np.full(self.many, -1, dtype=np.int64)
        for _step in range(self.many):
            through = np.where(
                (reach[:, None] < self.never) & (self.change < self.never),
                reach[:, None] + self.change,
                self.never,
            )
            origin = through.argmin(axis=0)
            shorter = through[origin, np.arange(self.many)]
            better = shorter < reach
            if not better.any():
                break
            reach = np.where(better, shorter, reach)
            before = np.where(better, origin, before)
        end = np.where(
            (reach < self.never) & (self.load < self.most),
            reach + self.uneven * (2 * self.load + 1),
            self.never,
        )
        last = int(end.argmin())
        if end[last] >= self.never:
            return
        self.load[last] += 1
        chain = [last]
        while before[chain[-1]] >= 0:
            chain.append(int(before[chain[-1]]))
        # From the end of the chain: each officer hands one on to the next, the first takes the new one.
        handed = [int(self.carrier[one, other]) for other, one in pairwise(chain)]
        for moved, other in zip([*handed, at], chain, strict=True):
            if self.taken[moved] >= 0:
                self.members[self.taken[moved]].discard(moved)
            self.members[other].add(moved)
            self.taken[moved] = other
        for officer in chain:
            self._look(officer)

    def _look(self, officer: int) -> None:
        """What it costs this officer to hand one on to each other, and which that is."""
        mine = np.array(sorted(self.members[officer]), dtype=np.int64)
        difference = np.where(
            self.allowed[mine], self.cost[mine] - self.cost[mine, officer][:, None], self.never
        )
        best = difference.argmin(axis=0)
        self.change[officer] = difference[best, np.arange(self.many)]
        self.carrier[officer] = mine[best]
        self.change[officer, officer] = self.never


# -- why -----------------------------------------------------------------------------------------------


def _tell(
    these: Sequence[Enterprise], those: Sequence[Officer], taken: list[int], allowed: NDArray[np.bool_]
) -> Spread:
    groups: list[list[Enterprise]] = [[] for _ in those]
    for each, officer in zip(these, taken, strict=True):
        if officer >= 0:
            groups[officer].append(each)
    loads = {officer.id: officer.elsewhere + len(groups[at]) for at, officer in enumerate(those)}
    ids = {officer.id for officer in those}
    pairs, left = [], []
    for at, each in enumerate(these):
        if taken[at] < 0:
            left.append(Left(each.code, _why_left(bool(allowed[at].any()))))
            continue
        chosen = those[taken[at]]
        change: Literal["kept", "moved", "new"]
        if each.officer == chosen.id:
            change, said = "kept", [say("原来就由其联系，不变")]
        else:
            change = "new" if each.officer is None else "moved"
            said = [] if change == "new" else [_why_moved(each.officer in ids)]
            said += _why(each, groups[taken[at]], loads[chosen.id])
        pairs.append(Pair(each.code, chosen.id, change, tuple(said)))
    return Spread(tuple(pairs), tuple(left), loads)


def _why_left(anybody: bool) -> Message:
    if anybody:
        return say("能联系它的人都已满额；请增加联络员，或提高每人户数")
    return say("没有人负责它所在的地方；请在当地增加联络员")


def _why_moved(still_there: bool) -> Message:
    if still_there:
        return say("原联络员户数偏多，调整后各人相差最少")
    return say("原联络员不在这次安排的人员里")


def _why(each: Enterprise, group: Sequence[Enterprise], load: int) -> list[Message]:
    others = [other for other in group if other is not each]
    said = []
    alike = sum(other.township is not None and other.township == each.township for other in others)
    if alike:
        said.append(say("其联系的企业有 {count} 户在同一镇街", count=alike))
    trade = sum(bool(each.industry) and other.industry[:2] == each.industry[:2] for other in others)
    if trade:
        said.append(say("{count} 户同行业", count=trade))
    near = [measure(each.at, other.at) for other in others if each.at is not None and other.at is not None]
    if near:
        said.append(say("离其中最近的一户 {distance} 公里", distance=f"{min(near) / 1000:.1f}"))
    said.append(say("调整后其共联系 {count} 户", count=load))
    return said
