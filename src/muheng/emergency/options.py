"""From the list and the settings to the problem: every measure that may be chosen, and the reason for each that may not.

Works nothing out: ``plan.solve`` decides, ``explanation`` says why.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.documents.message import Message, say
from muheng.emergency.inventory.model import Firm, Inventory, Level, Line
from muheng.emergency.measures import Measures, Option, offer_measures, some
from muheng.emergency.needs import Need, Needs, add_needs
from muheng.emergency.norms import Norms
from muheng.emergency.permission import Permission, Ruling, permit
from muheng.emergency.plan.problem import LEVELS, Integers, Labels, Pool, Problem
from muheng.emergency.season import Burden, charge_for_season
from muheng.emergency.settings import Settings, part_of
from muheng.emergency.ties import Rows, demand_norms, demand_supplies, link_facilities, share_counties
from muheng.standards.industry import UnknownIndustry, industry_name

NO_CAP = 2**62
UNGRADED = "未评级"
OTHER_INDUSTRY = "其他行业"


class UnusableList(ValueError):
    """No problem can be made of a list; all that is wrong at once."""

    def __init__(self, problems: Sequence[Message]) -> None:
        super().__init__("；".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, eq=False)
class Built:
    """The problem, and everything that its numbers stand for."""

    problem: Problem
    inventory: Inventory
    settings: Settings
    options: tuple[Option, ...]
    """One for each row of the problem's options."""
    needs: tuple[Need, ...]
    """By level."""
    possible: NDArray[np.bool_]
    """(levels, options): what the process allows, whatever the rules say."""
    rulings: Mapping[tuple[int, int], Ruling]
    """(level, line): the rule that decided what is left."""
    barred: Mapping[tuple[int, int], Message]
    """(level, option): what the process does not allow, or a later level takes away, and why."""
    stop_loss: Integers
    """By line: the loss of its strictest measure in a day; what its share is counted in."""
    notice: Mapping[str, int]
    notes: tuple[Message, ...]

    @property
    def levels(self) -> tuple[str, ...]:
        return self.problem.levels

    def left_out(self, v: int, option: int) -> Message | None:
        """Why an option may not be chosen at a level; None where it may."""
        problem = self.problem
        if problem.permitted is None or problem.permitted[v, option]:
            return None
        if (why := self.barred.get((v, option))) is not None:
            return why
        return self.rulings[v, int(problem.line_of[option])].why

    def line_options(self, line: int) -> range:
        return range(int(self.problem.start[line]), int(self.problem.start[line + 1]))


def build_problem(
    inventory: Inventory,
    settings: Settings,
    norms: Norms | None = None,
    notice_hours: int | Mapping[str, int] | None = None,
    history: Mapping[str, Burden] | None = None,
    levels: Sequence[str] = LEVELS,
    on: datetime.date | None = None,
) -> Built:
    """The problem of the list. Raises UnusableList.

    ``notice_hours`` is how long ahead an alert is told, where it isn't as the settings have it; ``history`` what lines
    have borne this season (for rotation); ``on`` the day for which grades must still be valid.
    """
    lines = sorted(inventory.lines, key=lambda line: line.id)
    firms = {firm.code: firm for firm in inventory.firms}
    wanted: tuple[Level, ...] = tuple(level for level in get_args(Level) if level in levels)
    if wrong := _misfits(lines, firms, settings, norms, wanted):
        raise UnusableList(wrong)
    notice = _notice(settings, notice_hours)
    grades, notes = _grades(inventory, on)
    measures = offer_measures(inventory, settings)
    followed = norms if settings.execution.norms else None
    allowed = permit(inventory, measures, settings, followed, notice, wanted, grades)
    controlled = {
        level: {
            line.id
            for i, line in enumerate(lines)
            if (ruling := allowed.rulings.get((level, i))) is None
            or ruling.rule in ("stop_grade", "norm", "filed")
        }
        for level in wanted
    }
    needs = add_needs(inventory, settings, wanted, controlled)
    if measures.problems or needs.problems:
        raise UnusableList((*measures.problems, *needs.problems))
    problem, more = _assemble(inventory, settings, measures, allowed, needs, grades, history)
    start = problem.start
    return Built(
        problem,
        inventory,
        settings,
        measures.in_order([line.id for line in lines]),
        needs.levels,
        _mask(allowed.possible, start, wanted),
        {(wanted.index(level), i): ruling for (level, i), ruling in allowed.rulings.items()},
        {(wanted.index(level), int(start[i]) + j): why for (level, i, j), why in allowed.barred.items()},
        np.maximum.reduceat(problem.loss, start[:-1]),
        notice,
        (*notes, *measures.notes, *needs.notes, *allowed.notes, *more),
    )


def _misfits(
    lines: Sequence[Line],
    firms: Mapping[str, Firm],
    settings: Settings,
    norms: Norms | None,
    levels: Sequence[Level],
) -> list[Message]:
    wrong: list[Message] = []
    if not lines:
        wrong.append(say("清单里没有生产线。"))
    if not levels:
        wrong.append(say("没有要安排的级别。"))
    ids = [line.id for line in lines]
    for one, other in pairwise(ids):
        if one == other:
            wrong.append(say("生产线编号 {line} 重复。", line=one))
    for line in lines:
        if line.firm not in firms:
            wrong.append(say("生产线 {line} 的企业 {firm} 不在清单里。", line=line.id, firm=line.firm))
    kinds = {each.kind for each in settings.guarantee}
    for firm in sorted(firms.values(), key=lambda firm: firm.code):
        if firm.guarantee and firm.guarantee not in kinds:
            wrong.append(
                say(
                    "{firm} 的保障类型“{kind}”在应急减排设置里没有。请改清单，或在设置里加上这一类。",
                    firm=firm.name,
                    kind=firm.guarantee,
                )
            )
    if settings.execution.norms and norms is None:
        wrong.append(say("设置要求执行最低措施，但没有最低措施表（norms.toml）。"))
    return wrong


def _notice(settings: Settings, hours: int | Mapping[str, int] | None) -> dict[str, int]:
    found: dict[str, int] = {level: getattr(settings.execution.notice, level) for level in LEVELS}
    if isinstance(hours, int):
        return dict.fromkeys(LEVELS, hours)
    return found | dict(hours or {})


def _grades(inventory: Inventory, on: datetime.date | None) -> tuple[dict[str, str], list[Message]]:
    """Grades in force; one that has run out counts as none."""
    grades, lapsed = {}, []
    for firm in inventory.firms:
        over = on is not None and firm.grade_until is not None and firm.grade_until < on
        grades[firm.code] = "" if over else firm.grade
        if over and firm.grade:
            lapsed.append(firm.name)
    if not lapsed:
        return grades, []
    return grades, [
        say("{count} 家企业的绩效等级已过期，按未评级算：{firms}。", count=len(lapsed), firms=some(lapsed))
    ]


# -- the arrays ------------------------------------------------------------------------------------------


def _assemble(
    inventory: Inventory,
    settings: Settings,
    measures: Measures,
    allowed: Permission,
    needs: Needs,
    grades: Mapping[str, str],
    history: Mapping[str, Burden] | None,
) -> tuple[Problem, list[Message]]:
    lines = sorted(inventory.lines, key=lambda line: line.id)
    firms = {firm.code: firm for firm in inventory.firms}
    levels = tuple(need.level for need in needs.levels)
    ids = [line.id for line in lines]
    options = measures.in_order(ids)
    start = np.concatenate(([0], np.cumsum([len(measures.options[line]) for line in ids]))).astype(np.int64)
    loss = np.array([option.loss for option in options], np.int64)
    reduction = np.array([option.cut for option in options], np.int64).reshape(-1, 4)
    stop_loss = np.maximum.reduceat(loss, start[:-1])
    rows = Rows(lines, firms, options, start, reduction, _mask(allowed.permitted, start, levels))
    counties = _labels([firms[line.firm].county for line in lines])
    owners = _labels([line.firm for line in lines])
    output = _outputs(owners, firms, stop_loss)
    county_need, short = share_counties(rows, counties, needs, settings)
    supplies, lacking = demand_supplies(rows, settings)
    fairness = settings.fairness
    problem = Problem(
        lines=pl.Series("line", ids, pl.String),
        firms=owners,
        counties=counties,
        industries=_labels([_peers(firms[line.firm], grades[line.firm], settings) for line in lines]),
        grades=_labels([grades[line.firm] or UNGRADED for line in lines]),
        start=start,
        options=_labels([option.name for option in options]),
        loss=loss,
        reduction=reduction,
        levels=levels,
        need=_need(needs, settings),
        weight=tuple(getattr(settings.weights, level) for level in levels),
        permitted=rows.permitted,
        charge=charge_for_season(loss, start, stop_loss, ids, history, fairness.rotation),
        filed=_filed(lines, start, measures, levels),
        pool=_pool(needs, settings),
        county_need=county_need,
        firm_cap=_caps(output, settings),
        output=output,
        band=None if fairness.band is None else part_of(fairness.band),
        demands=(*supplies, *demand_norms(rows, allowed.firm_norms)),
        links=link_facilities(rows),
        grade_order=fairness.grade_order,
    )
    return problem, [*short, *lacking]


def _mask(
    allowed: Mapping[str, Sequence[frozenset[int]]], start: Integers, levels: Sequence[str]
) -> NDArray[np.bool_]:
    mask = np.zeros((len(levels), int(start[-1])), np.bool_)
    for v, level in enumerate(levels):
        first = start[:-1].tolist()
        mask[v, [begin + j for begin, own in zip(first, allowed[level], strict=True) for j in own]] = True
    return mask


def _labels(values: Sequence[str]) -> Labels:
    names = sorted(set(values))
    code = {name: i for i, name in enumerate(names)}
    return Labels(np.array([code[value] for value in values], np.int32), tuple(names))


def _peers(firm: Firm, grade: str, settings: Settings) -> str:
    """Who is compared with whom: of the same trade, or of the same division of industry.

    Where better grades must not cut more than worse ones, those without a grade stand aside.
    """
    name = firm.trade or _division(firm.industry)
    return f"{name}（{UNGRADED}）" if settings.fairness.grade_order and not grade else name


@cache
def _division(code: str) -> str:
    try:
        return industry_name(code)
    except UnknownIndustry:
        return code or OTHER_INDUSTRY


def _outputs(owners: Labels, firms: Mapping[str, Firm], stop_loss: Integers) -> Integers:
    """What each firm makes in a day: as stated, or what standing still would cost all its lines."""
    sums = np.zeros(len(owners.names), np.int64)
    np.add.at(sums, owners.codes, stop_loss)
    stated = [firms[code].output for code in owners.names]
    return np.array(
        [int(total) if output is None else output for output, total in zip(stated, sums, strict=True)],
        np.int64,
    )


def _need(needs: Needs, settings: Settings) -> Integers:
    need = np.array([each.lines for each in needs.levels], np.int64).reshape(-1, 4)
    if _pool(needs, settings) is not None:
        need[:, :2] = 0  # the pool stands for them
    return need


def _pool(needs: Needs, settings: Settings) -> Pool | None:
    if not settings.ratio.pooling:
        return None
    so2, nox = needs.levels[0].base[:2]
    if not so2 or not nox:
        return None
    wanted = tuple(
        max(sum(each.ratio[:2]) - Fraction(each.others[0], so2) - Fraction(each.others[1], nox), Fraction(0))
        for each in needs.levels
    )
    return Pool((so2, nox), wanted)


def _filed(
    lines: Sequence[Line], start: Integers, measures: Measures, levels: Sequence[Level]
) -> NDArray[np.int32] | None:
    if not measures.filed:
        return None
    filed = np.full((len(levels), len(lines)), -1, np.int32)
    for v, level in enumerate(levels):
        for i, line in enumerate(lines):
            if (own := measures.filed.get((line.id, level), -1)) >= 0:
                filed[v, i] = start[i] + own
    return filed


def _caps(output: Integers, settings: Settings) -> Integers | None:
    cap = settings.fairness.firm_cap
    if cap is None:
        return None
    part = part_of(cap)
    return np.array([math.floor(part * each) if each else NO_CAP for each in output.tolist()], np.int64)
