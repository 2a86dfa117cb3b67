"""Once a day all points of the city are held against each other: who sends what another sent is a suspicion on both.

Judging looks at each point by itself and so has no part in it. What is held of all points together are prints of windows,
a few hundred bytes for each; hours are read a few points at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.documents.message import Message
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.rules import Rules
from muheng.monitoring.judgement.signs import Sign, SignKind
from muheng.monitoring.judgement.signs_copied import (
    Blocks,
    Copy,
    explain_copy,
    find_copies,
    join_blocks,
    list_blocks,
    take_series,
)
from muheng.monitoring.judgement.standing import weigh_marks
from muheng.web.jobs.actions import Progress
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.events import EDGE, keep_sign, update
from muheng.web.monitoring.judging import Span, lay_points, span_of
from muheng.web.monitoring.models import Point, Suspicion
from muheng.web.monitoring.moments import to_aware, to_local
from muheng.web.monitoring.points import watched_since

KIND: SignKind = "copied_neighbour"
AT_ONCE = 250
"""Points whose hours are held together."""


def compare_all(now: datetime | None = None, progress: Progress | None = None) -> int:
    """Look for copies among all watched points, and keep what is found; gives how many suspicions stand."""
    now = now or timezone.now()
    span, rules = span_of(now), city_rules()
    rows = watched_since(span.begin.date()).filter(watched_from__lte=to_local(now).date())
    numbers = list(rows.order_by("pk").values_list("pk", flat=True))
    signs = list(_explain(_find(numbers, span, rules, progress), span, rules))
    return _keep(signs, span, now)


def _find(
    numbers: Sequence[int], span: Span, rules: Rules, progress: Progress | None
) -> list[tuple[str, int, Copy]]:
    """Factor, how many windows of it there are, and what looks alike; ``Copy.mine`` and ``other`` are numbers of points."""
    parts: dict[str, list[Blocks]] = {}
    for low in range(0, len(numbers), AT_ONCE):
        if progress is not None:
            progress(low, len(numbers), _("比对各点位的数值"))
        own: dict[str, list[Blocks]] = {}
        for number, hours in _lay(numbers[low : low + AT_ONCE], span, rules).items():
            for factor, blocks in list_blocks(hours, number, rules):
                own.setdefault(factor, []).append(blocks)
        for factor, some in own.items():
            parts.setdefault(factor, []).append(join_blocks(some))
    found = []
    for factor in sorted(parts):
        whole = join_blocks(parts.pop(factor))
        found += [(factor, len(whole.prints), copy) for copy in find_copies(whole)]
    return found


def _lay(numbers: Sequence[int], span: Span, rules: Rules) -> dict[int, Hours]:
    points = list(Point.objects.filter(pk__in=numbers).order_by("pk"))
    return {point.pk: hours for point, hours in zip(points, lay_points(points, span, rules), strict=True)}


def _explain(copies: Sequence[tuple[str, int, Copy]], span: Span, rules: Rules) -> Iterator[Sign]:
    """The hours of what looks alike once more, and the values beside each other."""
    batch: list[tuple[str, int, Copy]] = []
    needed: set[int] = set()
    for each in sorted(copies, key=lambda one: (one[2], one[0])):
        pair = {each[2].mine, each[2].other}
        if batch and len(needed | pair) > AT_ONCE:
            yield from _explain_some(batch, needed, span, rules)
            batch, needed = [], set()
        batch.append(each)
        needed |= pair
    if batch:
        yield from _explain_some(batch, needed, span, rules)


def _explain_some(
    copies: Sequence[tuple[str, int, Copy]], numbers: set[int], span: Span, rules: Rules
) -> Iterator[Sign]:
    laid = _lay(sorted(numbers), span, rules)
    standing = {number: weigh_marks(hours, rules) for number, hours in laid.items()}
    points = Point.objects.filter(pk__in=numbers).select_related("enterprise")
    names = {str(each.pk): f"{each.enterprise.name} {each.name}" for each in points}
    for factor, windows, copy in copies:
        if any(at not in laid or factor not in laid[at].factors for at in (copy.mine, copy.other)):
            continue  # it changed meanwhile
        mine, other = (take_series(laid[at], standing[at], factor) for at in (copy.mine, copy.other))
        for sign in explain_copy(copy, mine, other, windows, rules.alerts.signs):
            yield replace(sign, seen=_name_outlet(sign.seen, names))


def _name_outlet(seen: Message, names: dict[str, str]) -> Message:
    """People know points by their names."""
    params = {
        name: names.get(str(value), value) if name == "outlet" else value for name, value in seen.params
    }
    return Message(seen.template, tuple(params.items()))


@transaction.atomic
def _keep(signs: Sequence[Sign], span: Span, now: datetime) -> int:
    """Suspicions of them; one that is not seen any more is gone."""
    held: dict[tuple[int, str], list[Suspicion]] = {}
    rows = Suspicion.objects.filter(kind=KIND, end__gt=to_aware(span.begin)).order_by("begin", "pk")
    for row in rows:
        held.setdefault((row.point_id, row.factor), []).append(row)
    met: set[int] = set()
    for sign in signs:
        own = held.setdefault((int(sign.outlet), sign.factor), [])
        met.add(keep_sign(int(sign.outlet), sign, own, met, now).pk)
    for some in held.values():
        for each in some:
            if each.pk not in met and to_local(each.begin) >= span.begin + EDGE:
                update(each, gone=True)
    return len(met)
