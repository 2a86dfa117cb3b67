"""Signs that show only when factors, limits and marks of one outlet are held against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from muheng.documents.message import say
from muheng.monitoring.judgement.exceedance import Against
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.oxygen import AIR
from muheng.monitoring.judgement.rules import Oxygen, Rules, Signs
from muheng.monitoring.judgement.runs import Hold, Numbers, find_runs
from muheng.monitoring.judgement.signs import MarkedAfter, Sign
from muheng.monitoring.judgement.signs_of_series import is_its_way, put_sign
from muheng.monitoring.judgement.standing import Standing, find_touched


def find_unlike_flow(
    hours: Hours,
    factor: str,
    value: Numbers,
    usual: float,
    flow: Numbers,
    usual_flow: float,
    aside: Hold,
    rule: Signs,
) -> Iterator[Sign]:
    """Much gas with next to nothing in it, or the usual concentration of no gas."""
    much, little = rule.mismatch_flow_percent / 100, rule.mismatch_value_percent / 100
    if usual <= 0 or usual_flow <= 0:
        return
    empty = (flow >= much * usual_flow) & (value < little * usual) & ~aside
    still = (flow < little * usual_flow) & (value >= much * usual) & ~aside
    if is_its_way(empty):
        empty = np.zeros_like(empty)
    for begin, end in find_runs(empty, rule.mismatch_hours):
        seen = say("{hours} 小时流量如常（平常的 {flow}%），浓度只有平常的 {value}%。", hours=end - begin,
                   flow=_percent(flow[begin:end], usual_flow), value=_percent(value[begin:end], usual))  # fmt: skip
        yield put_sign(hours, "unlike_flow", factor, begin, end, (end - begin) / rule.mismatch_hours, seen)
    for begin, end in find_runs(still, rule.mismatch_hours):
        seen = say("{hours} 小时几乎没有流量（平常的 {flow}%），浓度却是平常的 {value}%。", hours=end - begin,
                   flow=_percent(flow[begin:end], usual_flow), value=_percent(value[begin:end], usual))  # fmt: skip
        yield put_sign(hours, "unlike_flow", factor, begin, end, (end - begin) / rule.mismatch_hours, seen)


def _percent(part: Numbers, usual: float) -> int:
    return round(float(part.mean()) / usual * 100)


def find_low_oxygen(
    hours: Hours,
    factor: str,
    measured: Numbers,
    against: Against,
    oxygen: Numbers,
    usual: float,
    reference: float,
    rule: Signs,
) -> Iterator[Sign]:
    """Days on which values keep the limit only because the oxygen stood lower than it usually does."""
    low = oxygen <= usual - float(rule.oxygen_points)
    if usual >= AIR or not low.any():
        return
    as_usual = measured * ((AIR - reference) / (AIR - usual))
    saved = low & (as_usual > against.most) & (against.value <= against.most)
    daily = saved.reshape(-1, 24).sum(axis=1)
    for begin, end in find_runs(daily >= rule.oxygen_hours):
        part = slice(begin * 24, end * 24)
        count = int(saved[part].sum())
        seen = say("{hours} 小时按平常的氧含量 {usual}% 折算会超标；这些小时氧含量平均 {low}%，因而没有超。",
                   hours=count, usual=round(usual, 1), low=round(float(oxygen[part][saved[part]].mean()), 1))  # fmt: skip
        times = count / (end - begin) / rule.oxygen_hours
        yield put_sign(hours, "oxygen_low", factor, begin * 24, end * 24, times, seen)


def find_high_oxygen(
    hours: Hours,
    factor: str,
    oxygen: Numbers,
    flow: Numbers | None,
    usual_flow: float,
    aside: Hold,
    rule: Signs,
    limit: Oxygen,
) -> Iterator[Sign]:
    """The plant runs, and its oxygen stands so high that nothing can be judged."""
    high = (oxygen > float(limit.at_most)) & ~aside
    if flow is not None and usual_flow > 0:
        high &= flow >= rule.mismatch_flow_percent / 100 * usual_flow
    for begin, end in find_runs(high, rule.mismatch_hours):
        seen = say("{hours} 小时氧含量高于 {most}%，流量如常，没有标记，浓度无法折算。",
                   hours=end - begin, most=limit.at_most)  # fmt: skip
        yield put_sign(hours, "oxygen_high", factor, begin, end, (end - begin) / rule.mismatch_hours, seen)


def find_marking(hours: Hours, standing: Standing, shown: dict[str, Numbers], rules: Rules) -> Iterator[Sign]:
    """Periods with too many marks and flags, or with marks just where values passed the limit, or only after they had.

    ``shown``: by pollutant the value ÷ limit of every hour that has a number, valid or not. Starting and stopping pass
    limits by nature; all else that is said of the monitor or of the plant can be convenient.
    """
    yield from find_afterwards(hours, shown, rules)
    rule = rules.alerts.signs
    flagged = hours.flagged.any(axis=0)
    aside = (standing.marked | flagged) & ~standing.stopped
    if not aside.any():
        return
    length = len(aside)
    step = rule.period_days * 24
    begins = np.arange(0, length, step)
    running = np.add.reduceat(~standing.stopped, begins, dtype=np.int64)
    out = np.add.reduceat(aside, begins, dtype=np.int64)
    for at, begin in enumerate(begins.tolist()):
        part, whole = int(out[at]), int(running[at])
        if whole >= step // 2 and part * 100 > rule.marked_percent * whole:
            percent = part * 100 / whole
            seen = say("运行的 {whole} 小时里有 {part} 小时被标记或注明无效（{percent}%）。",
                       whole=whole, part=part, percent=round(percent))  # fmt: skip
            times = percent / max(rule.marked_percent, 1)
            yield put_sign(hours, "marked", "", begin, min(begin + step, length), times, seen)
    for factor, ratio in shown.items():
        row = hours.factors.index(factor)
        hidden = standing.excused | hours.flagged[row]
        over = (ratio > 1) & ~standing.stopped & (hidden | ~standing.exempt)
        if int(over.sum()) < rule.convenient_hours:
            continue
        all_over = np.add.reduceat(over, begins, dtype=np.int64)
        covered = np.add.reduceat(over & hidden, begins, dtype=np.int64)
        for at, begin in enumerate(begins.tolist()):
            part, whole = int(covered[at]), int(all_over[at])
            if part >= rule.convenient_hours and part * 100 >= rule.convenient_percent * whole:
                seen = say(
                    "超过限值的 {whole} 小时里，有 {part} 小时因标记而不判。",
                    whole=whole,
                    part=part,
                )
                times = part / rule.convenient_hours
                yield put_sign(hours, "convenient", factor, begin, min(begin + step, length), times, seen)


def find_afterwards(hours: Hours, shown: dict[str, Numbers], rules: Rules) -> Iterator[Sign]:
    """Times that the limit was passed and the mark made when that was known; most of the times, and again and again.

    An hour's mean is known when the hour is over. Hours with few between them are one time, as they are one event.
    """
    rule, apart = rules.alerts.signs, rules.alerts.episodes.quiet_hours
    marks = [
        mark
        for mark in hours.marks
        if mark.made is not None and rules.limits.marks[mark.mark].effect != "none"
    ]
    if len(marks) < rule.afterwards_cases or not shown:
        return
    ratio = np.fmax.reduce([np.where(hours.stopped, np.nan, each) for each in shown.values()])
    over = ratio > 1
    times = _join(find_runs(over), apart)
    cases = []
    for begin, end in times:
        for mark in marks:
            first, last = find_touched(hours, mark)
            covered = np.flatnonzero(over[max(first, begin) : min(last, end)]) + max(first, begin)
            if (
                len(covered)
                and mark.made is not None
                and mark.made > hours.calendar.time_of(int(covered[0]) + 1)
            ):
                part = ratio[begin:end][over[begin:end]]
                moment = hours.calendar.time_of(begin)
                found = MarkedAfter(moment, len(part), round(float(part.max()), 3), mark.mark, mark.made)
                cases.append((begin, end, found))
                break
    for first, last in _find_clusters([begin for begin, _end, _found in cases], rule):
        since, until = cases[first][0], cases[last][1]
        whole = sum(since <= begin < until for begin, _end in times)
        part = last - first + 1
        if part * 100 < rule.afterwards_percent * whole:
            continue
        seen = say("超过限值 {whole} 次，其中 {part} 次在超过以后才标记。", whole=whole, part=part)
        sign = put_sign(hours, "afterwards", "", since, until, part / rule.afterwards_cases, seen)
        yield replace(sign, cases=tuple(found for _begin, _end, found in cases[first : last + 1]))


def _join(runs: list[tuple[int, int]], apart: int) -> list[tuple[int, int]]:
    """Runs with no more than so many hours between them as one."""
    joined: list[tuple[int, int]] = []
    for begin, end in runs:
        if joined and begin - joined[-1][1] <= apart:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((begin, end))
    return joined


def _find_clusters(begins: list[int], rule: Signs) -> list[tuple[int, int]]:
    """First and last place of stretches of cases of which any so many that follow each other lie within a period."""
    few, most = rule.afterwards_cases - 1, rule.period_days * 24
    found: list[tuple[int, int]] = []
    for at in range(len(begins) - few):
        if begins[at + few] - begins[at] <= most:
            if found and found[-1][1] >= at:
                found[-1] = found[-1][0], at + few
            else:
                found.append((at, at + few))
    return found


def find_running(
    hours: Hours, stopped: Hold, factor: str, flow: Numbers, usual_flow: float, rule: Signs
) -> Iterator[Sign]:
    """Said to stand still, and the flow is as usual. ``flow``: whatever came, valid or not."""
    if usual_flow <= 0:
        return
    holds = stopped & (flow >= rule.mismatch_flow_percent / 100 * usual_flow)
    for begin, end in find_runs(holds, rule.mismatch_hours):
        seen = say("标记停运的 {hours} 小时里流量是平常的 {flow}%。", hours=end - begin,
                   flow=_percent(flow[begin:end], usual_flow))  # fmt: skip
        yield put_sign(hours, "running", factor, begin, end, (end - begin) / rule.mismatch_hours, seen)
