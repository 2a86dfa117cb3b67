"""Totals, bonuses and deductions, places, grades and regrading as nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

from muheng.documents.message import say
from muheng.documents.toml_file import KeyPath
from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.compiling.indicators import check_limits
from muheng.policy.compiling.workspace import Workspace, as_fraction, is_percentage
from muheng.policy.document import Adjustment, Boundaries, Regrade, Veto
from muheng.policy.expression import Expression, Logic, Number, TextTest, names_in
from muheng.policy.resolve import Meaning
from muheng.standards.units import parse_unit

_KEY = re.compile(r"^(.+?)\s+(升|降)$")
_THRESHOLD = re.compile(r"^\s*(?:>=|≥)\s*(-?\d+(?:\.\d+)?)\s*分?\s*$")
_MOVE = re.compile(r"^(?:(定为)\s*(\S+)|(提|降)\s*(\d+)\s*档|(最高|最低)\s*(\S+))$")

_HOW: dict[str, Literal["set", "up", "down", "at_best", "at_worst"]] = {
    "定为": "set",
    "提": "up",
    "降": "down",
    "最高": "at_best",
    "最低": "at_worst",
}

Sign = Literal[1, -1]


def add_totals(ws: Workspace) -> None:
    """Subtotal, bonuses and deductions in their limit groups, and the total, all in points."""
    scoring = ws.document.scoring
    ws.nodes[p.SUBTOTAL] = p.Subtotal(
        name=p.SUBTOTAL,
        title=p.SUBTOTAL,
        path=("scoring",),
        unit="分",
        digits=scoring.score_digits,
        of=tuple(indicator.filled for indicator in ws.indicators),
    )
    ws.meanings[p.SUBTOTAL] = Meaning("number", parse_unit("分"))
    signs: dict[str, Sign] = {}
    members: dict[str, list[str]] = {name: [] for name in ws.document.limit}
    for name in members:
        if not ws.declare(name, ("limit", name), Meaning("number", parse_unit("分"))):
            ws.broken.add(name)
    sections: tuple[tuple[str, Sign, tuple[Adjustment, ...]], ...] = (
        ("bonus", 1, ws.document.bonus),
        ("deduction", -1, ws.document.deduction),
    )
    for section, sign, adjustments in sections:
        for index, adjustment in enumerate(adjustments):
            _adjustment(ws, (section, index), adjustment, sign, signs, members)
    limited: list[tuple[str, int]] = []
    for name, limit in ws.document.limit.items():
        if not members[name] or name in ws.broken:
            continue
        cap = ws.amount_or_none(("limit", name, "cap"), limit.cap)
        sign = signs[name]
        ws.nodes[name] = p.LimitedSum(
            name=name,
            title=name,
            path=("limit", name),
            unit="分",
            digits=scoring.score_digits,
            of=tuple(members[name]),
            take=limit.take,
            cap=cap,
            sign=sign,
        )
        limited.append((name, sign))
    cap = ws.amount_or_none(("scoring", "cap"), scoring.cap)
    floor = ws.amount_or_none(("scoring", "floor"), scoring.floor)
    check_limits(ws, ("scoring", "floor"), floor, cap)
    ws.nodes[p.TOTAL] = p.Total(
        name=p.TOTAL,
        title=p.TOTAL,
        path=("scoring",),
        unit="分",
        digits=scoring.total_digits,
        of=tuple(limited),
        cap=cap,
        floor=floor,
    )
    ws.meanings[p.TOTAL] = Meaning("number", parse_unit("分"))


def _adjustment(
    ws: Workspace,
    path: KeyPath,
    adjustment: Adjustment,
    sign: Sign,
    signs: dict[str, Sign],
    members: dict[str, list[str]],
) -> None:
    if adjustment.limit not in members:
        ws.error(
            (*path, "limit"),
            say("没有限额组“{name}”。", name=adjustment.limit),
            say("在 [limit] 中写明它的取法和上限。"),
        )
    elif signs.setdefault(adjustment.limit, sign) != sign:
        ws.error(
            (*path, "limit"),
            say("限额组“{name}”既有加分又有减分。", name=adjustment.limit),
            say("加分、减分各用一组。"),
        )
    if (adjustment.add is None) == (adjustment.points is None):
        ws.error(path, say("add 与 points 应写且只写一个。"))
        return
    ws.check_classes(adjustment.classes, (*path, "classes"))
    when = None if adjustment.when is None else ws.condition((*path, "when"), adjustment.when)
    points: Expression | None = None
    percent: Fraction | None = None
    if adjustment.points is not None:
        points = ws.attempt((*path, "points"), lambda: ws.points(adjustment.points or ""))
    else:
        figure = ws.number((*path, "add"), adjustment.add)
        if figure is not None and figure < 0:
            ws.error((*path, "add"), say("加分、减分都写正数。"))
        if is_percentage(adjustment.add):
            percent = figure
        elif figure is not None:
            points = Number(figure, str(adjustment.add))
    name = f"{adjustment.limit}.{adjustment.name}"
    if name in ws.nodes:
        ws.error((*path, "name"), say("“{name}”写了两次。", name=adjustment.name))
    members.get(adjustment.limit, []).append(name)
    ws.nodes[name] = p.Adjustment(
        name=name,
        title=adjustment.name,
        path=path,
        clause=adjustment.clause,
        unit="分",
        digits=ws.document.scoring.score_digits,
        when=when,
        only=adjustment.classes,
        points=points,
        percent=percent,
        sign=sign,
    )


def check_grades(ws: Workspace) -> None:
    """Report grades that are too few, or named so that other texts could not refer to them."""
    if len(ws.grades) < 2:
        ws.error(("grade",), say("至少要有两个等级。"), say('如 A = {{ name = "优先发展类" }}，由好到差。'))
    for grade in ws.grades:
        if not re.fullmatch(r"\w+\+?", grade):
            ws.error(("grade", grade), say("“{name}”不能作等级名。", name=grade), say("如 A、B、A+。"))


def add_grading(ws: Workspace) -> None:
    """One ranking for each grading of the file, over the classes that use it, and the regrading after all of them."""
    shared: list[str] = []
    for name, declared in ws.document.classes.items():
        if declared.grading is None:
            if ws.document.grading is None:
                ws.error(
                    ("class", name),
                    say("“{name}”没有定级办法。", name=name),
                    say("写 [grading] 或 [class.{name}.grading]。", name=name),
                )
                continue
            shared.append(name)
    rankings: list[str] = []
    moves = _moves(ws)
    if ws.document.grading is not None and shared:
        _ranking(ws, ("grading",), ws.document.grading, tuple(shared), moves, rankings)
    for name, declared in ws.document.classes.items():
        if declared.grading is not None:
            _ranking(ws, ("class", name, "grading"), declared.grading, (name,), moves, rankings)
    ws.nodes[p.GRADE] = p.Regrading(
        name=p.GRADE, title=p.GRADE, path=("regrade",), of=tuple(rankings), moves=moves
    )


def _moves(ws: Workspace) -> tuple[p.Move, ...]:
    ws.meanings[p.FIRST_GRADE] = Meaning("text", values=ws.grades)
    moves: list[p.Move] = []
    sections: tuple[tuple[str, tuple[Regrade | Veto, ...], bool], ...] = (
        ("regrade", ws.document.regrade, False),
        ("veto", ws.document.veto, True),
    )
    for section, rules, veto in sections:
        for index, rule in enumerate(rules):
            path: KeyPath = (section, index)
            tree = ws.condition((*path, "when"), rule.when)
            ws.check_classes(rule.classes, (*path, "classes"))
            match = _MOVE.match(rule.then.strip())
            if match is None:
                ws.error(
                    (*path, "then"),
                    say("不认识的写法“{then}”。", then=rule.then),
                    say("写“定为 A”“提 1 档”“降 1 档”“最高 C”或“最低 B”。"),
                )
                continue
            target = match.group(2) or match.group(6)
            if target is not None and target not in ws.grades:
                ws.error(
                    (*path, "then"),
                    say("没有等级“{grade}”。", grade=target),
                    say("可用：{grades}。", grades="、".join(ws.grades)),
                )
                continue
            word = match.group(1) or match.group(3) or match.group(5)
            how = _HOW[word]
            if veto and how in ("up", "at_worst"):
                ws.error((*path, "then"), say("一票否决不能提档。"))
            if tree is not None:
                moves.append(
                    p.Move(
                        rule.name,
                        tree,
                        how,
                        target,
                        int(match.group(4) or 0),
                        rule.classes,
                        veto,
                        path=path,
                        clause=rule.clause,
                    )
                )
    return tuple(moves)


def _ranking(
    ws: Workspace,
    path: KeyPath,
    grading: Boundaries,
    classes: tuple[str, ...],
    moves: tuple[p.Move, ...],
    made: list[str],
) -> None:
    ws.check_groups(grading.within, (*path, "within"))
    order = _order(ws, grading.order, (*path, "order"))
    if grading.ties != "按排序键" and (not order or order[0] != p.Key(p.TOTAL, True)):
        ws.error((*path, "ties"), say("同分同档要求第一个排序键是“总分 降”。"))
    steps: tuple[p.PlanStep, ...] = ()
    bounds: tuple[p.Bound, ...] = ()
    rest = ws.grades[-1] if ws.grades else ""
    if grading.method == "两步":
        steps, rest = _steps(ws, grading, path)
    else:
        bounds = _bounds(ws, grading, path)
    left_out: list[Expression] = []
    for move in moves:
        if move.only and not set(move.only) & set(classes):
            continue
        if (move.veto and grading.vetoed == "不占名额") or (
            move.how == "set" and not move.veto and grading.direct == "不占名额"
        ):
            tree = move.tree
            if move.how == "down" or (move.how == "at_best" and move.grade != ws.grades[-1]):
                ws.error(
                    (*move.path, "then"),
                    say("被否决的企业不占名额，就没有初评等级，“{then}”无从执行。", then=_said(move)),
                    say('写“定为 C”之类，或在定级办法里写 vetoed = "占名额"。'),
                )
            elif p.FIRST_GRADE in names_in(tree):
                ws.error(move.path, say("依初评等级的调整不能同时“不占名额”：等级尚未算出。"))
            elif move.only and set(move.only) != set(classes):
                left_out.append(Logic("and", (_class_test(move.only), tree)))
            else:
                left_out.append(tree)
    unranked = None if not left_out else left_out[0] if len(left_out) == 1 else Logic("or", tuple(left_out))
    name = f"{p.PLACE}.{'、'.join(classes)}"
    made.append(name)
    ws.nodes[name] = p.Ranking(
        name=name,
        title=p.PLACE,
        path=path,
        only=classes,
        by=grading.within,
        order=order,
        ties=grading.ties,
        bounds=bounds,
        steps=steps,
        rest=rest,
        counted=grading.counted,
        unranked=unranked,
        small=grading.small.below if grading.small else 0,
        small_then=grading.small.then if grading.small else "合并小组",
    )
    if p.RATED not in grading.counted:
        ws.error((*path, "counted"), say("计入名额的企业至少要有“参评”。"))


def _order(ws: Workspace, keys: tuple[str, ...], path: KeyPath) -> tuple[p.Key, ...]:
    order: list[p.Key] = []
    for key in keys:
        match = _KEY.match(key.strip())
        if match is None:
            ws.error(path, say("排序键“{key}”应写作“总分 降”。", key=key))
            continue
        name = match.group(1)
        if name in ws.broken:
            continue
        meaning = ws.meanings.get(name)
        if name != CODE and (
            meaning is None or meaning.kind != "number" or not isinstance(ws.nodes.get(name), p.Numeric)
        ):
            ws.error(path, say("排序键“{name}”不是数值。", name=name), ws.suggest(name))
            continue
        order.append(p.Key(name, match.group(2) == "降"))
    if not keys:
        ws.error(path, say("没有写排序键。"), say('写 order = ["总分 降", "统一社会信用代码 升"]。'))
    elif not order or order[-1].name != CODE:
        last = keys[-1].rsplit(" ", 1)[0]
        ws.error(
            path,
            say("最后一个排序键“{key}”可能相同，名次无法唯一确定。", key=last),
            say("末尾加“统一社会信用代码 升”。"),
        )
    return tuple(order)


def _steps(ws: Workspace, grading: Boundaries, path: KeyPath) -> tuple[tuple[p.PlanStep, ...], str]:
    if grading.quota or grading.round:
        ws.error((*path, "quota"), say("两步法不写 quota 和 round。"), say("各步写 first 和 round。"))
    if not grading.step or grading.rest is None:
        ws.error(path, say("两步法要写各步和 rest。"))
        return (), grading.rest or ""
    if grading.small is not None and grading.small.then == "按全体":
        ws.error((*path, "small"), say("两步法的过小组只能“合并小组”。"))
    if grading.rest not in ws.grades:
        ws.error((*path, "rest"), say("没有等级“{grade}”。", grade=grading.rest))
    steps: list[p.PlanStep] = []
    for index, step in enumerate(grading.step):
        here: KeyPath = (*path, "step", index)
        if step.grade not in ws.grades:
            ws.error((*here, "grade"), say("没有等级“{grade}”。", grade=step.grade))
        steps.append(
            p.PlanStep(
                last=step.part.startswith("后"),
                part=as_fraction(step.part[1:]) or Fraction(0),
                order=_order(ws, step.order, (*here, "order")),
                share=as_fraction(step.first) or Fraction(0),
                rounding=step.round,
                grade=step.grade,
            )
        )
    return tuple(steps), grading.rest


def _bounds(ws: Workspace, grading: Boundaries, path: KeyPath) -> tuple[p.Bound, ...]:
    if len(ws.grades) < 2:
        return ()
    if tuple(grading.quota) != ws.grades:
        ws.error(
            (*path, "quota"),
            say("quota 应按由好到差写全各等级：{grades}。", grades="、".join(ws.grades)),
        )
        return ()
    bounds: list[p.Bound] = []
    before = Fraction(0)
    least: Fraction | None = None
    worst = ws.grades[-1]
    needed: set[str] = set()
    for index, grade in enumerate(ws.grades[:-1]):
        text = grading.quota[grade]
        here: KeyPath = (*path, "quota", grade)
        if match := _THRESHOLD.match(text):
            if least is not None and Fraction(match.group(1)) >= least:
                ws.error(here, say("分数线应逐级降低：“{grade}”永远评不上。", grade=grade))
            least = Fraction(match.group(1))
            bounds.append(p.Bound(grade, None, "舍去", False, Fraction(match.group(1))))
            continue
        share = as_fraction(text) if is_percentage(text) else None
        if share is None:
            ws.error(here, say("“{text}”应为累计比例（“20%”）或分数线（“>= 60分”）。", text=text))
            continue
        if share <= before or share > 1:
            ws.error(
                here,
                say("累计比例应逐级增大，不超过 100%：“{grade}”永远评不上。", grade=ws.grades[index]),
            )
        before = share
        last_cut = index == len(ws.grades) - 2
        if last_cut and worst in grading.round:
            bounds.append(p.Bound(grade, 1 - share, grading.round[worst], True, None))
            needed.add(worst)
        elif grade in grading.round:
            bounds.append(p.Bound(grade, share, grading.round[grade], False, None))
            needed.add(grade)
        else:
            ws.error(
                (*path, "round"),
                say("“{grade}”的名额得小数时怎么办，没有说明。", grade=grade),
                say('在 round 中写 {grade} = "四舍五入"、"进一" 或 "舍去"。', grade=grade),
            )
    if as_fraction(grading.quota[worst]) != 1:
        ws.error((*path, "quota", worst), say("最后一级的累计比例应为 100%。"))
    for grade in grading.round:
        if grade not in needed:
            ws.error(
                (*path, "round", grade),
                say("round 中的“{grade}”用不上。", grade=grade),
                say("同一界限只写一处：好级一侧，或最后一级。"),
            )
    return tuple(bounds)


def _said(move: p.Move) -> str:
    return f"降 {move.steps} 档" if move.how == "down" else f"最高 {move.grade}"


def _class_test(classes: Iterable[str]) -> Expression:
    return TextTest(p.CLASS, "equals", tuple(classes))
