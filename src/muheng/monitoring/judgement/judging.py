"""A year of outlets judged at once: everything the other modules find, for each outlet, then between outlets.

Outlets are independent of each other except for copying.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from muheng.monitoring.judgement.capture import CaptureRate, find_capture
from muheng.monitoring.judgement.episodes import ALL, Episode, Observed, feed, watch
from muheng.monitoring.judgement.exceedance import Against, compare_with_limits
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.rules import Rules
from muheng.monitoring.judgement.runs import Hold, Numbers
from muheng.monitoring.judgement.signs import Sign
from muheng.monitoring.judgement.signs_copied import (
    Blocks,
    explain_copy,
    find_copied_time,
    find_copies,
    join_blocks,
    print_windows,
    take_blocks,
    take_series,
)
from muheng.monitoring.judgement.signs_of_outlet import (
    find_high_oxygen,
    find_low_oxygen,
    find_marking,
    find_running,
    find_unlike_flow,
)
from muheng.monitoring.judgement.signs_of_series import (
    find_absent,
    find_clipped,
    find_drift,
    find_flat,
    find_flat_hours,
    find_jumps,
    find_missing,
    find_out_of_range,
    find_silent,
)
from muheng.monitoring.judgement.standing import MarkCount, Standing, weigh_marks
from muheng.monitoring.judgement.totals import MonthTotal, find_totals


@dataclass(frozen=True, eq=False)
class Judged:
    """What was found at one outlet. ``episodes``: all, an open one last of its pollutant. ``capture`` and ``totals``: empty
    where they were not asked for."""

    hours: Hours
    standing: Standing
    against: tuple[Against, ...]
    capture: tuple[CaptureRate, ...]
    totals: tuple[MonthTotal, ...]
    signs: tuple[Sign, ...]
    episodes: tuple[Episode, ...]

    @property
    def marks(self) -> tuple[MarkCount, ...]:
        return self.standing.counts


def judge(
    outlets: Sequence[Hours], rules: Rules, *, amounts: bool = True, between: bool = True
) -> tuple[Judged, ...]:
    """All outlets in the order given. Without ``amounts`` capture rates and totals are left out: events and signs need none.
    Without ``between`` what shows only between outlets is: these are not all that there are."""
    found = [
        _judge_outlet(hours, rules, amounts, at if between else None) for at, hours in enumerate(outlets)
    ]
    judged = [each for each, _ in found]
    blocks: dict[str, list[Blocks]] = {}
    for _, own in found:
        for factor, each in own:
            blocks.setdefault(factor, []).append(each)
    copied: dict[str, list[Sign]] = {}
    for factor in sorted(blocks):
        for sign in _find_between(judged, factor, join_blocks(blocks[factor]), rules):
            copied.setdefault(sign.outlet, []).append(sign)
    return tuple(_with_signs(each, copied.get(each.hours.outlet.id, [])) for each in judged)


def _find_between(judged: Sequence[Judged], factor: str, blocks: Blocks, rules: Rules) -> Iterator[Sign]:
    for copy in find_copies(blocks):
        mine, other = (
            take_series(judged[at].hours, judged[at].standing, factor) for at in (copy.mine, copy.other)
        )
        yield from explain_copy(copy, mine, other, len(blocks.prints), rules.alerts.signs)


def list_exceedances(judged: Sequence[Judged]) -> pl.DataFrame:
    """Every hour or day over its limit: outlet, factor, basis, time, value, limit, times_over (value ÷ limit − 1).

    For a value below a lower limit ``limit`` is that one and ``times_over`` is null.
    """
    parts = [_exceedances_of(each, against) for each in judged for against in each.against]
    frames = [part for pair in parts for part in pair]
    return pl.concat(frames) if frames else _NO_EXCEEDANCES


_NO_EXCEEDANCES = pl.DataFrame(
    schema={
        "outlet": pl.String(),
        "factor": pl.String(),
        "basis": pl.String(),
        "time": pl.Datetime("us"),
        "value": pl.Float64(),
        "limit": pl.Float64(),
        "times_over": pl.Float64(),
    }
)


def _exceedances_of(judged: Judged, against: Against) -> list[pl.DataFrame]:
    origin: datetime = judged.hours.calendar.time_of(0)
    frames = []
    for basis, places, value, step in (
        ("hour", against.over_hours, against.value, 1),
        ("day", against.over_days, against.day_value, 24),
    ):
        if len(places) == 0:
            continue
        taken = value[places]
        most, least = against.most[places * step], against.least[places * step]
        below = taken < least
        times = pl.Series(np.where(below, np.nan, taken / most - 1)).fill_nan(None)
        time = np.datetime64(origin, "us") + (places * step).astype("timedelta64[h]")
        frames.append(
            pl.DataFrame(
                {
                    "outlet": pl.repeat(judged.hours.outlet.id, len(places), eager=True),
                    "factor": pl.repeat(against.factor, len(places), eager=True),
                    "basis": pl.repeat(basis, len(places), eager=True),
                    "time": time,
                    "value": taken,
                    "limit": np.where(below, least, most),
                    "times_over": times,
                }
            )
        )
    return frames


def _with_signs(judged: Judged, more: list[Sign]) -> Judged:
    signs = sorted([*judged.signs, *more], key=lambda each: (each.begin, each.kind, each.factor))
    return Judged(
        judged.hours,
        judged.standing,
        judged.against,
        judged.capture,
        judged.totals,
        tuple(signs),
        judged.episodes,
    )


def _judge_outlet(
    hours: Hours, rules: Rules, amounts: bool, owner: int | None
) -> tuple[Judged, list[tuple[str, Blocks]]]:
    """``owner``: its number among the outlets that are compared, None where none are."""
    method = rules.method(hours.outlet.kind)
    standing = weigh_marks(hours, rules)
    against = compare_with_limits(hours, standing, rules)
    capture = find_capture(hours, standing, method) if amounts else {}
    totals = find_totals(hours, standing, capture, method, rules.validity.replacement) if amounts else ()
    absent = find_absent(hours, standing)
    silent = find_silent(hours, absent)
    absent &= ~silent
    signs, flat_hours, blocks = _find_signs(hours, standing, against, absent, rules, owner)
    signs += find_missing(hours, ALL, silent, rules.alerts.signs)
    episodes = [
        episode
        for each in against
        for episode in _find_episodes(
            hours.outlet.id,
            each.factor,
            observe(hours, standing, each, absent),
            flat_hours[each.factor],
            rules,
        )
    ]
    if silent.any():
        episodes += _find_episodes(hours.outlet.id, ALL, _observe_silence(hours, silent), 1, rules)
    rates = tuple(rate for each in capture.values() for rate in each)
    return Judged(hours, standing, against, rates, totals, tuple(signs), tuple(episodes)), blocks


def observe(hours: Hours, standing: Standing, against: Against, absent: Hold) -> Observed:
    """One pollutant's hours as the episodes need them."""
    row = hours.factors.index(against.factor)
    day_ratio = np.full(hours.values.shape[1], np.nan)
    day_ratio[23::24] = against.day_ratio
    value = np.where(standing.valid[row] & ~standing.marked, hours.values[row], np.nan)
    passed = slice(hours.over)
    return Observed(
        hours.calendar.time_of(0),
        value[passed],
        against.ratio[passed],
        absent[row][passed],
        (standing.marked & ~standing.stopped)[passed],
        day_ratio[passed],
    )


def _observe_silence(hours: Hours, silent: Hold) -> Observed:
    passed = slice(hours.over)
    nothing = np.full(len(silent[passed]), np.nan)
    unmarked = np.zeros(len(nothing), dtype=np.bool_)
    return Observed(hours.calendar.time_of(0), nothing, nothing, silent[passed], unmarked, nothing)


def _find_episodes(
    outlet: str, pollutant: str, observed: Observed, flat_hours: int, rules: Rules
) -> tuple[Episode, ...]:
    after, ended = feed(watch(outlet, pollutant, flat_hours), observed, rules.alerts)
    return ended if after.open is None else (*ended, after.open)


def _find_signs(
    hours: Hours,
    standing: Standing,
    against: tuple[Against, ...],
    absent: Hold,
    rules: Rules,
    owner: int | None,
) -> tuple[list[Sign], dict[str, int], list[tuple[str, Blocks]]]:
    rule, method = rules.alerts.signs, rules.method(hours.outlet.kind)
    valid = np.where(standing.valid, hours.values, np.nan)
    usual = [_median(series) for series in valid]
    flow, oxygen = hours.place(method.flow), hours.place(method.oxygen)
    flowed = None if flow is None else valid[flow]
    usual_flow = 0.0 if flow is None else usual[flow]
    compared = {each.factor: each for each in against}
    equal = np.zeros(valid.shape, dtype=np.bool_)
    equal[:, 1:] = valid[:, 1:] == valid[:, :-1]
    signs = list(find_drift(hours, [row for row in range(len(valid)) if row != flow], valid, rule))
    flat_hours: dict[str, int] = {}
    blocks: list[tuple[str, Blocks]] = []
    shown: dict[str, Numbers] = {}
    for row, factor in enumerate(hours.factors):
        value = valid[row]
        flat_hours[factor] = find_flat_hours(equal[row], rule)
        printed = print_windows(value, rule)
        if owner is not None:
            blocks.append((factor, take_blocks(owner, printed, rule)))
        signs += find_missing(hours, factor, absent[row], rule)
        signs += find_flat(hours, row, equal[row] & ~standing.marked, flat_hours[factor])
        signs += find_out_of_range(hours, row, value, rule)
        signs += find_copied_time(hours, row, printed, rule)
        if row != flow:
            signs += find_jumps(hours, row, value, usual[row], standing.marked, flowed, rule)
        each = compared.get(factor)
        if each is None:
            continue
        shown[factor] = _show(hours, row, each)
        signs += find_clipped(hours, each, rule)
        if flow is not None:
            signs += find_unlike_flow(
                hours, factor, value, usual[row], valid[flow], usual_flow, standing.marked, rule
            )
        reference = hours.outlet.reference_oxygen
        if oxygen is not None and reference is not None:
            signs += find_low_oxygen(
                hours, factor, value, each, valid[oxygen], usual[oxygen], reference, rule
            )
    if oxygen is not None and hours.outlet.reference_oxygen is not None:
        signs += find_high_oxygen(
            hours, hours.factors[oxygen], valid[oxygen], flowed, usual_flow, standing.marked, rule,
            rules.validity.oxygen,
        )  # fmt: skip
    signs += find_marking(hours, standing, shown, rules)
    if flow is not None:
        signs += find_running(
            hours, standing.stopped, hours.factors[flow], hours.values[flow], usual_flow, rule
        )
    return signs, flat_hours, blocks


def _median(series: Numbers) -> float:
    known = series[np.isfinite(series)]
    return float(np.partition(known, len(known) // 2)[len(known) // 2]) if len(known) else 0.0


def _show(hours: Hours, row: int, against: Against) -> Numbers:
    """Value ÷ limit of every hour with a number: as judged where it is, as measured where it does not count."""
    shown: Numbers = np.where(np.isfinite(against.value), against.value, hours.values[row]) / against.most
    return shown
