"""Indicators as nodes: value, benchmark, score, and what stands in where one of them is missing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from muheng.documents.message import say
from muheng.documents.toml_file import KeyPath
from muheng.policy import plan as p
from muheng.policy.compiling.definitions import is_positive
from muheng.policy.compiling.workspace import (
    LEFT_MISSING,
    SCORE_FULL,
    SCORE_MEAN,
    SCORE_ZERO,
    Workspace,
    as_fraction,
    read_standing,
)
from muheng.policy.document import Base, Indicator
from muheng.policy.expression import (
    Arithmetic,
    Comparison,
    Expression,
    Logic,
    Missing,
    Negation,
    Not,
    Number,
    denominators,
    names_in,
)
from muheng.policy.resolve import Meaning
from muheng.standards.units import parse_unit


def add_indicators(ws: Workspace, class_name: str) -> None:
    """Value, score and filled score of every indicator of a class; a class ``like`` another has its own nodes."""
    declared = ws.document.classes[class_name]
    owner = class_name
    if declared.like is not None:
        if declared.like not in ws.document.classes:
            return
        owner, declared = declared.like, ws.document.classes[declared.like]
    names: set[str] = set()
    for index, indicator in enumerate(declared.indicator):
        path: KeyPath = ("class", owner, "indicator", index)
        if indicator.name in names:
            ws.error((*path, "name"), say("指标“{name}”写了两次。", name=indicator.name))
            continue
        names.add(indicator.name)
        if not _indicator(ws, class_name, indicator, path):
            ws.broken.add(indicator.name)


def _indicator(ws: Workspace, class_name: str, indicator: Indicator, path: KeyPath) -> bool:
    """Whether the indicator could be understood."""
    unit = ws.attempt((*path, "unit"), lambda: parse_unit(indicator.unit))
    tree = ws.attempt((*path, "formula"), lambda: ws.quantity(indicator.formula, unit)) if unit else None
    weight = ws.amount((*path, "weight"), indicator.weight)
    if weight is not None and weight <= 0:
        ws.error((*path, "weight"), say("权重应大于零。"), say("不计分的指标不用写。"))
    if unit is None or tree is None or weight is None:
        return False
    _note_uses(ws, class_name, tree)
    value = f"{class_name}.{indicator.name}"
    only = class_name if len(ws.document.classes) > 1 else None
    formula = p.Formula(
        name=value,
        title=indicator.name,
        path=path,
        clause=indicator.clause,
        unit=indicator.unit,
        digits=indicator.digits,
        tree=tree,
        only=only,
    )
    ws.nodes[value] = formula
    zero_when, zero = _zero(ws, class_name, indicator, tree, path)
    missing = _indicator_missing(ws, class_name, indicator, tree, value, zero_when, path)
    ws.missing_rules[value] = frozenset()
    score, base = _score(ws, class_name, indicator, formula, weight, path)
    if score is None:
        return False
    ws.nodes[score.name] = score
    filled = f"{value}.得分"
    digits = ws.document.scoring.score_digits
    ws.check_groups(indicator.missing_by, (*path, "missing_by"))
    ws.nodes[filled] = p.Fill(
        name=filled,
        title=indicator.name,
        path=path,
        clause=indicator.clause,
        unit="分",
        digits=digits,
        of=score.name,
        value=value,
        only=class_name,
        weight=weight,
        missing=missing,
        zero=zero,
        zero_when=zero_when,
        by=indicator.missing_by,
    )
    ws.indicators.append(
        p.IndicatorPlan(
            name=indicator.name,
            class_name=class_name,
            value=value,
            score=score.name,
            filled=filled,
            base=base,
            weight=weight,
            path=path,
            clause=indicator.clause,
            formula=indicator.formula,
        )
    )
    return True


def _note_uses(ws: Workspace, class_name: str, tree: Expression) -> None:
    """All inputs and definitions behind a formula: their missing rules apply to this class."""
    uses = ws.class_uses.setdefault(class_name, set())
    waiting = names_in(tree)
    while waiting:
        name = waiting.pop()
        if name in uses:
            continue
        uses.add(name)
        node = ws.nodes.get(name)
        if node is not None:
            waiting.extend(node.reads())


def _zero(
    ws: Workspace, class_name: str, indicator: Indicator, tree: Expression, path: KeyPath
) -> tuple[Expression | None, Fraction | Literal["mean"]]:
    risky = [divisor for divisor in denominators(tree) if not is_positive(ws, divisor)]
    base = indicator.score.base
    # A group's mean may be zero or below; the quotient is then undefined in the same way.
    by_mean = isinstance(base, Base) and indicator.score.by == "比值"
    inverse = indicator.score.direction == "越低越好" and indicator.score.by == "比值"
    if indicator.zero is None:
        if risky or by_mean or inverse:
            ws.error(
                path,
                say("“{name}”的分母或基准可能为零，没有说明怎么办。", name=indicator.name),
                say(
                    '加上 zero = "得零分"（或“满分”“同组平均得分”“不参评：理由”）；或给分母写 must = "> 0"。'
                ),
            )
        return None, Fraction(0)
    tests: list[Expression] = [Comparison("<=", divisor, Number(Fraction(0), "0")) for divisor in risky]
    when = None if not tests else tests[0] if len(tests) == 1 else Logic("or", tuple(tests))
    if found := read_standing(indicator.zero):
        if when is not None:
            ws.value_rules.append(
                p.StandingRule(
                    *found,
                    when,
                    _only(ws, class_name),
                    path=path,
                    clause=indicator.clause,
                )
            )
        return when, Fraction(0)
    return when, _score_rule(ws, indicator.zero, indicator.weight, (*path, "zero"))


def _only(ws: Workspace, class_name: str) -> tuple[str, ...] | None:
    return (class_name,) if len(ws.document.classes) > 1 else None


def _score_rule(ws: Workspace, rule: str, weight: object, path: KeyPath) -> Fraction | Literal["mean"]:
    if rule == SCORE_MEAN:
        return "mean"
    if rule == SCORE_FULL:
        return as_fraction(weight) or Fraction(0)
    if rule != SCORE_ZERO:
        ws.error(
            path,
            say("不认识的处理“{rule}”。", rule=rule),
            say("写“得零分”“满分”“同组平均得分”或“不参评：理由”。"),
        )
    return Fraction(0)


def _indicator_missing(
    ws: Workspace,
    class_name: str,
    indicator: Indicator,
    tree: Expression,
    value: str,
    zero_when: Expression | None,
    path: KeyPath,
) -> Fraction | Literal["mean"]:
    if indicator.missing is not None:
        if found := read_standing(indicator.missing):
            absent: Expression = Missing(value)
            if zero_when is not None:
                absent = Logic("and", (absent, Not(zero_when)))
            ws.value_rules.append(
                p.StandingRule(
                    *found,
                    absent,
                    _only(ws, class_name),
                    path=path,
                    clause=indicator.clause,
                )
            )
            return Fraction(0)
        return _score_rule(ws, indicator.missing, indicator.weight, (*path, "missing"))
    causes = ws.causes_behind(tree)
    if not causes:
        return Fraction(0)
    if len(causes) == 1 and (rule := next(iter(causes))) != LEFT_MISSING:
        return _score_rule(ws, rule, indicator.weight, path)
    ws.error(
        path,
        say("“{name}”可能缺数据，所用数据项的规定不一致或没有规定得分。", name=indicator.name),
        say('给指标写 missing = "得零分"（或“同组平均得分”“不参评：理由”）。'),
    )
    return Fraction(0)


def _score(
    ws: Workspace, class_name: str, indicator: Indicator, value: p.Formula, weight: Fraction, path: KeyPath
) -> tuple[p.AnyNode | None, str | Fraction | None]:
    score = indicator.score
    at: KeyPath = (*path, "score")
    name = f"{value.name}.计分"
    inverse = score.direction == "越低越好"
    digits = ws.document.scoring.score_digits
    _check_score_keys(ws, score.by, indicator, at)
    ws.check_groups(score.group, (*at, "group"))
    match score.by:
        case "比值":
            base = _base(ws, class_name, indicator, value, at)
            if base is None:
                return None, None
            cap = ws.amount_or_none((*at, "cap"), score.cap, weight)
            floor = ws.amount_or_none((*at, "floor"), score.floor, weight)
            check_limits(ws, (*at, "floor"), floor, cap)
            return p.RatioScore(
                name=name,
                title=indicator.name,
                path=at,
                clause=indicator.clause,
                unit="分",
                digits=digits,
                of=value.name,
                base=base,
                weight=weight,
                inverse=inverse,
                cap=cap,
                floor=floor,
            ), base
        case "极差":
            low = _range_end(ws, class_name, value, "min", "最小值", score.group, at)
            high = _range_end(ws, class_name, value, "max", "最大值", score.group, at)
            bottom = ws.amount_or_none((*at, "bottom"), score.bottom) or Fraction(0)
            if not 0 <= bottom <= 100:
                ws.error((*at, "bottom"), say("底分应在 0 到 100 之间。"))
            return p.RangeScore(
                name=name,
                title=indicator.name,
                path=at,
                clause=indicator.clause,
                unit="分",
                digits=digits,
                of=value.name,
                low=low,
                high=high,
                weight=weight,
                bottom=bottom,
                inverse=inverse,
                equal=weight if score.equal == SCORE_FULL else Fraction(0),
            ), None
        case "名次":
            return p.RankScore(
                name=name,
                title=indicator.name,
                path=at,
                clause=indicator.clause,
                unit="分",
                digits=digits,
                of=value.name,
                by=score.group,
                only=class_name,
                weight=weight,
                inverse=inverse,
            ), None
        case "分档":
            bands = _bands(ws, indicator, at)
            return p.BandScore(
                name=name,
                title=indicator.name,
                path=at,
                clause=indicator.clause,
                unit="分",
                digits=digits,
                of=value.name,
                bands=bands,
                inverse=inverse,
            ), None


def _range_end(
    ws: Workspace,
    class_name: str,
    value: p.Formula,
    how: Literal["min", "max"],
    title: str,
    group: tuple[str, ...],
    at: KeyPath,
) -> str:
    """The node of the least or greatest value in each group."""
    name = f"{value.name}.{title}"
    ws.nodes[name] = p.Aggregate(
        name=name,
        title=title,
        path=at,
        unit=value.unit,
        digits=value.digits,
        how=how,
        of=value.name,
        by=group,
        only=class_name,
    )
    return name


def check_limits(ws: Workspace, path: KeyPath, floor: Fraction | None, cap: Fraction | None) -> None:
    """Report a floor above its cap."""
    if floor is not None and cap is not None and floor > cap:
        ws.error(path, say("下限大于上限。"), say("检查 cap 和 floor。"))


def _bands(ws: Workspace, indicator: Indicator, at: KeyPath) -> tuple[tuple[Fraction, Fraction], ...]:
    unit = parse_unit(indicator.unit)
    bands = [
        (ws.figure((*at, "bands", index), low, unit), ws.amount((*at, "bands", index), points))
        for index, (low, points) in enumerate(indicator.score.bands or ())
    ]
    clean = [(low, points) for low, points in bands if low is not None and points is not None]
    lows = [low for low, _ in clean]
    descending = indicator.score.direction == "越高越好"
    if lows != sorted(set(lows), reverse=descending):
        ws.error(
            (*at, "bands"),
            say(
                "分档的界限应{order}，且不重复。",
                order=say("由高到低") if descending else say("由低到高"),
            ),
        )
    return tuple(clean)


def _check_score_keys(ws: Workspace, by: str, indicator: Indicator, at: KeyPath) -> None:
    needed = {
        "比值": ("base", "cap", "floor"),
        "极差": ("bottom", "equal"),
        "名次": (),
        "分档": ("bands",),
    }
    usable = {
        "比值": {"base", "by_group", "cap", "floor"},
        "极差": {"bottom", "equal", "group"},
        "名次": {"group"},
        "分档": {"bands"},
    }
    for key in needed[by]:
        if getattr(indicator.score, key) is None:
            ws.error(at, say("{by}法没有写 {key}。", by=by, key=key), say("这是需要明确的选择，不能默认。"))
    given = indicator.score.model_fields_set - {"by", "direction"}
    for key in sorted(given - usable[by]):
        ws.error((*at, key), say("{by}法不用 {key}。", by=by, key=key), say("删去这一项。"))


def _base(
    ws: Workspace, class_name: str, indicator: Indicator, value: p.Formula, at: KeyPath
) -> str | Fraction | None:
    base = indicator.score.base
    here: KeyPath = (*at, "base")
    if base is None:
        return None
    name = f"{value.name}.基准"
    if isinstance(base, dict):
        group = indicator.score.by_group
        if group is None:
            ws.error(at, say("base 按组给数时，要写 by_group。"))
            return None
        ws.check_groups((group,), (*at, "by_group"))
        ws.nodes[name] = p.Aggregate(
            name=name,
            title="基准",
            path=here,
            clause=indicator.clause,
            unit=value.unit,
            digits=_published_digits(base.values(), value.digits),
            how="mean",
            of=None,
            by=(group,),
            only=class_name,
            source="table",
            table=_published(ws, base, (group,), indicator, here),
        )
        return name
    if not isinstance(base, Base):
        constant = ws.figure(here, base, parse_unit(indicator.unit))
        if constant is not None and constant <= 0:
            ws.error(here, say("基准值应大于零。"))
            return None
        return constant
    return _group_base(ws, class_name, indicator, value, base, name, here)


def _group_base(
    ws: Workspace,
    class_name: str,
    indicator: Indicator,
    value: p.Formula,
    base: Base,
    name: str,
    here: KeyPath,
) -> str | None:
    ws.check_groups(base.by, (*here, "by"))
    times = ws.number((*here, "times"), base.times)
    if times is None or times <= 0:
        ws.error((*here, "times"), say("倍数应大于零。"))
        return None
    previous = base.of.startswith("上年")
    if base.values is not None and not previous:
        ws.error((*here, "values"), say("values 只用于上年平均。"))
    if (base.of == "同组分位") != (base.percentile is not None):
        ws.error(here, say("percentile 与“同组分位”应同时出现。"))
        return None
    share = ws.number((*here, "percentile"), base.percentile) if base.percentile is not None else Fraction(0)
    if share is None or (base.percentile is not None and not 0 < share <= 1):
        ws.error((*here, "percentile"), say("分位应大于 0、不超过 100%。"))
        return None
    weighted = None
    if "加权" in base.of:
        weighted = _split_quotient(value.tree)
        if weighted is None:
            ws.error(here, say("加权平均要求指标公式是一次除法。"), say("把分子、分母先各自定义为中间值。"))
            return None
    digits = value.digits if base.digits is None else base.digits
    if base.values is not None:
        ws.nodes[name] = p.Aggregate(
            name=name,
            title=base.of,
            path=here,
            clause=indicator.clause,
            unit=value.unit,
            digits=max(digits, _published_digits(base.values.values(), digits)),
            how="mean",
            of=None,
            by=base.by,
            only=class_name,
            times=times,
            source="table",
            table=_published(ws, base.values, base.by, indicator, (*here, "values")),
        )
        return name
    how: Literal["mean", "weighted", "percentile"] = "mean"
    if weighted is not None:
        how = "weighted"
    elif base.percentile is not None:
        how = "percentile"
    small = 0
    if base.small is not None:
        small = base.small.below
        if base.small.then != "按全体":
            ws.error((*here, "small"), say("基准值的过小组只能“按全体”。"))
    ws.nodes[name] = p.Aggregate(
        name=name,
        title=base.of,
        path=here,
        clause=indicator.clause,
        unit=value.unit,
        digits=digits,
        how=how,
        of=value.name,
        by=base.by,
        only=class_name,
        times=times,
        share=share,
        weighted=weighted,
        source="previous" if previous else "current",
        small=small,
    )
    return name


def _published(
    ws: Workspace, values: dict[str, str | Decimal], by: tuple[str, ...], indicator: Indicator, here: KeyPath
) -> tuple[tuple[str, Fraction], ...]:
    """Published figures by group label; every group must have one."""
    unit = parse_unit(indicator.unit)
    pairs = [(label, ws.figure((*here, label), figure, unit)) for label, figure in values.items()]
    for label, figure in pairs:
        if figure is not None and figure <= 0:
            ws.error((*here, label), say("基准值应大于零。"))
    known = _labels(ws, by)
    if known is not None:
        for label in values:
            if label != "*" and label not in known:
                ws.error(
                    (*here, label),
                    say("没有名为“{label}”的组。", label=label),
                    say("可用：{values}。", values="、".join([*known, "*"])),
                )
    if "*" not in values and (not known or any(label not in values for label in known)):
        without = [label for label in known or () if label not in values]
        ws.error(
            here,
            say("“{label}”没有基准值。", label="、".join(without))
            if without
            else say("分组的取值没有列明，可能有组没有基准值。"),
            say("逐组写全，或加“*”一项作为其余各组的基准。"),
        )
    return tuple((label, figure) for label, figure in pairs if figure is not None)


def _labels(ws: Workspace, by: tuple[str, ...]) -> list[str] | None:
    """All labels that the groups can have; None where a text is open or may be missing."""
    if not by:
        return []
    meaning, node = ws.meanings.get(by[0]), ws.nodes.get(by[0])
    if len(by) > 1 or meaning is None or not meaning.values:
        return None
    may_be_missing = isinstance(node, p.CodeInput) and node.fill is None and not node.required
    kept_out = by[0] in ws.document.input and read_standing(ws.document.input[by[0]].missing) is not None
    return list(meaning.values) if kept_out or not may_be_missing else None


def _published_digits(values: Iterable[object], least: int) -> int:
    """Decimals enough to hold the published figures as printed."""
    most = least
    for value in values:
        if isinstance(value, Decimal | int):
            exponent = Decimal(value).as_tuple().exponent
            most = max(most, -exponent if isinstance(exponent, int) else 0)
    return most


def add_picks(ws: Workspace) -> None:
    """An indicator's bare name, for order keys and regrading, whatever the class of the row."""
    by_name: dict[str, list[p.IndicatorPlan]] = {}
    for indicator in ws.indicators:
        by_name.setdefault(indicator.name, []).append(indicator)
    for name, places in by_name.items():
        nodes = [node for place in places if isinstance(node := ws.nodes[place.value], p.Formula)]
        if len({(node.unit, node.digits) for node in nodes}) > 1:
            ws.error(
                (*places[-1].path, "unit"),
                say("“{name}”在各类中的单位或位数不同。", name=name),
                say("统一单位和 digits，或换一个名称。"),
            )
        if ws.declare(name, places[0].path, Meaning("number", parse_unit(nodes[0].unit))):
            ws.missing_rules[name] = frozenset()
            ws.nodes[name] = p.Pick(
                name=name,
                title=name,
                path=places[0].path,
                unit=nodes[0].unit,
                digits=nodes[0].digits,
                of=tuple(place.value for place in places),
            )


def _split_quotient(tree: Expression) -> tuple[Expression, Expression] | None:
    if isinstance(tree, Negation):
        return None
    if (
        isinstance(tree, Arithmetic)
        and tree.operator == "/"
        and not denominators(tree.left)
        and not denominators(tree.right)
    ):
        return tree.left, tree.right
    return None
