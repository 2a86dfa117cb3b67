"""Why one enterprise has its grade: a tree from the grade down to the cells of the departments' files.

Reads a finished result; computes nothing that is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.documents.message import Language, Message, say
from muheng.intake.facts import CODE, NAME, SourceCell
from muheng.policy import plan as p
from muheng.policy.executors.numpy_engine import Kernel
from muheng.policy.executors.one_row import evaluate_row
from muheng.policy.expression import (
    Arithmetic,
    Call,
    Comparison,
    Expression,
    Listing,
    Logic,
    Missing,
    Name,
    Negation,
    Not,
    Number,
    Text,
    TextTest,
    names_in,
    parse_expression,
)
from muheng.policy.lower import RULE
from muheng.policy.program import Column, Let, Where
from muheng.policy.run import Result
from muheng.standards.rounding import format_scaled, scale_half_up

MAX_CELLS = 12


@dataclass(frozen=True)
class Reason:
    """One figure or decision: what it is in a sentence, where it comes from, and what lies under it."""

    node: str
    sentence: Message
    value: str | None = None
    unit: str | None = None
    clause: str | None = None
    cells: tuple[SourceCell, ...] = ()
    parts: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """``subject`` is the enterprise whose figures these are: another one where enterprises were merged."""

    code: str
    name: str
    subject: str
    grade: str | None
    root: Reason
    open_questions: tuple[str, ...]

    def lines(self, lang: Language = "zh") -> list[str]:
        """The tree as indented lines."""
        shown = [self.name, *_lines(self.root, 0, lang)]
        if self.open_questions:
            shown.append(say("规则原文未说明之处：").render(lang))
            shown += [f"· {point}" for point in self.open_questions]
        return shown

    def json(self, lang: Language = "zh") -> dict[str, Any]:
        return {
            "code": self.code,
            "name": self.name,
            "subject": self.subject,
            "grade": self.grade,
            "reason": _json(self.root, lang),
            "open": list(self.open_questions),
        }


class UnknownEnterprise(LookupError):
    """No enterprise of the result has this credit code or name."""


def find_row(result: Result, enterprise: str) -> int:
    """Row of an enterprise by credit code, or by its full name where only one has it."""
    row = result.rows.get(enterprise)
    if row is not None:
        return row
    named = result.given.frame.filter(pl.col(NAME) == enterprise)[CODE]
    if len(named) != 1 or named[0] not in result.rows:
        raise UnknownEnterprise(enterprise)
    return result.rows[named[0]]


def explain(result: Result, enterprise: str) -> Explanation:
    """Raises :class:`UnknownEnterprise`."""
    row = find_row(result, enterprise)
    writer = _Writer(result, row)
    grade = result.grades[p.GRADE][row]
    own = pl.col(CODE if enterprise in result.rows else NAME) == enterprise
    who = result.given.frame.filter(own) if result.members is not None else result.values[row]
    return Explanation(
        code=who[CODE][0],
        name=who[NAME][0],
        subject=result.values.item(row, 0),
        grade=grade,
        root=writer.grade(),
        open_questions=result.plan.document.policy.open,
    )


class _Writer:
    """Writes the reasons of one row."""

    def __init__(self, result: Result, row: int) -> None:
        self.result = result
        self.plan = result.plan
        self.row = row
        self.subject: str = result.values.item(row, 0)
        self.told: set[str] = set()

    def value(self, name: str) -> int | bool | None:
        found: int | bool | None = self.result.values[name][self.row]
        return found

    def provided(self, name: str) -> int | None:
        """A data item as the department gave it, before the policy replaces what is missing."""
        found: int | None = self.result.encoded.frame[name][self.row]
        return found

    def shown(self, name: str) -> str | Message:
        """A figure with its unit, trailing zeros left out."""
        node = self.plan.by_name[name]
        value = self.value(name)
        if value is None:
            return "—"
        if isinstance(node, p.Numeric):
            text = trimmed(format_scaled(int(value), node.digits))
            return text if node.unit in ("1", "") else f"{text} {node.unit}"
        if isinstance(node, p.CodeInput) and node.kind == "date":
            text = f"{value:08d}"
            return f"{text[:4]}-{text[4:6]}-{text[6:]}"
        if isinstance(node, p.Condition):
            return say("成立") if value else say("不成立")
        labels = self.result.labels.get(name)
        return labels[int(value)] if labels is not None else str(value)

    def figure_of(self, name: str) -> tuple[str | None, str | None]:
        """A numeric node's exact value and unit, as the result has them."""
        node = self.plan.by_name[name]
        return (
            (self.result.figure(self.row, name), node.unit) if isinstance(node, p.Numeric) else (None, None)
        )

    # -- the grade ---------------------------------------------------------------------------------

    def grade(self) -> Reason:
        standing = self.value(p.STANDING)
        if standing:
            return self.not_rated(int(standing))
        ranking = ranking_of(self.result, self.row)
        grade = self.value(p.GRADE)
        label = self.plan.grades[int(grade)] if grade is not None else "—"
        name = self.plan.document.grade[label].name if grade is not None else "—"
        total = self.shown(p.TOTAL)
        parts = (*self.merging(), *self.score_parts(), *self.steps(ranking), *self.changes())
        if ranking is None or self.value(ranking.name) is None:
            sentence = say(
                "综合等级 {grade}（{name}），总分 {total}，不参加排名", grade=label, name=name, total=total
            )
            return Reason(p.GRADE, sentence, label, parts=parts)
        sentence = say(
            "综合等级 {grade}（{name}）：总分 {total}，{group} {many} 家中第 {place} 名{line}",
            grade=label,
            name=name,
            total=total,
            group=self.group(ranking),
            many=self.value(f"{ranking.name}.户数"),
            place=self.value(ranking.name),
            line=self.next_line(ranking),
        )
        return Reason(p.GRADE, sentence, label, parts=parts)

    def merging(self) -> Iterator[Reason]:
        """Who is evaluated together here, and what the other evaluation gave where there are two."""
        if self.result.members is None and self.result.independent is None:
            return
        members = self.result.members_of(self.subject)
        names = dict(
            self.result.given.frame.filter(pl.col(CODE).is_in(members)).select(CODE, NAME).iter_rows()
        )
        if len(members) > 1:
            others = "、".join(names[code] for code in members[1:])
            yield Reason(
                p.GRADE, say("{lead}与{others}合并评价，数据相加", lead=names[self.subject], others=others)
            )
        other = self.result.independent
        if other is None or (row := other.rows.get(self.subject)) is None:
            return
        grade, total = other.grades[p.GRADE][row], other.grades[p.TOTAL][row]
        if grade is not None and len(other.members_of(other.values.item(row, 0))) != len(members):
            what = say("独立评价") if len(members) > 1 else say("合并评价")
            yield Reason(
                p.GRADE,
                say("{what}为 {grade}，总分 {total}，供对照", what=what, grade=grade, total=trimmed(total)),
            )

    def not_rated(self, standing: int) -> Reason:
        rule = self.plan.standing.rules[int(self.value(RULE) or 1) - 1]
        label = p.STANDINGS[standing]
        sentence = say("{standing}：{reason}", standing=STANDINGS[label], reason=rule.reason)
        if rule.treated_as:
            sentence = say("{what}，配置要素时按 {grade} 对待", what=sentence, grade=rule.treated_as)
        parts = tuple(self.asked(rule.tree))
        if rule.scored:
            parts += self.score_parts()
        return Reason(p.STANDING, sentence, label, clause=rule.clause, parts=parts)

    def asked(self, tree: Expression) -> Iterator[Reason]:
        """The figures that a condition asks for; those behind an indicator instead of the indicator."""
        formulas = {item.value: item.formula for item in self.plan.indicators}
        for name in names_in(tree):
            if name in formulas:
                yield from self.inputs(formulas[name])
            elif name in self.plan.by_name:
                yield self.figure(name)

    def group(self, ranking: p.Ranking) -> str | Message:
        """Those among whom the place is."""
        classes = [self.plan.classes[int(self.value(p.CLASS) or 0)]] if len(self.plan.classes) > 1 else []
        whole = classes[0] if classes else say("全体")
        if not ranking.by:
            return whole
        own = _within(classes, [self.shown(name) for name in ranking.by])
        if not ranking.small or int(self.value(f"{ranking.name}.原组户数") or 0) >= ranking.small:
            return own
        if ranking.small_then == "按全体":
            return say("{whole}（{own}户数少，按全体排名）", whole=whole, own=own)
        return say("{own}等户数少的组合并", own=own)

    def next_line(self, ranking: p.Ranking) -> Message | str:
        """The score that the grade above begins at, and how far it is."""
        first = self.value(p.FIRST_GRADE)
        if not first:
            return ""
        line = grade_line(self.result, ranking, self.row, int(first) - 1)
        own = self.value(p.TOTAL)
        if line is None or own is None or line < own:
            return ""
        digits = self.plan.numeric(p.TOTAL).digits
        better = self.plan.grades[int(first) - 1]
        shown = trimmed(format_scaled(line, digits))
        if line == own:
            key = self.decided_by(ranking, line)
            return say(
                "；{better} 的分数线也是 {line}，同分按“{key}”排在后面", better=better, line=shown, key=key
            )
        return say(
            "；{better} 的分数线 {line}，还差 {gap} 分",
            better=better,
            line=shown,
            gap=trimmed(format_scaled(line - int(own), digits)),
        )

    def decided_by(self, ranking: p.Ranking, line: int) -> str:
        """The sorting key by which the row is behind the last one that has the better grade with the same score."""
        kernel = self.result.kernel
        group = ranked_group(kernel, ranking, self.row)
        first = kernel.values(f"{ranking.name}.初评")
        same = (kernel.values(p.TOTAL).data == line) & (first.data < int(self.value(p.FIRST_GRADE) or 0))
        same &= kernel.flags_of(Column(f"{ranking.name}.排名"))
        rivals = [row for row in np.flatnonzero(same).tolist() if ranked_group(kernel, ranking, row) == group]
        for key in ranking.order:
            if key.name != CODE and any(
                self.result.values[key.name][row] == self.value(key.name) for row in rivals
            ):
                rivals = [row for row in rivals if self.result.values[key.name][row] == self.value(key.name)]
            else:
                return key.name
        return CODE

    def steps(self, ranking: p.Ranking | None) -> Iterator[Reason]:
        """How far the row came in each step of a two-step grading."""
        for number, step in enumerate(ranking.steps if ranking is not None else (), 1):
            assert ranking is not None
            prefix = f"{ranking.name}.第{number}步"
            if not self.value(f"{prefix}.候选"):
                continue
            part = (
                say("后 {share}", share=percent(step.part))
                if step.last
                else say("前 {share}", share=percent(step.part))
            )
            sentence = say(
                "第 {number} 步：总分名次{part}的企业按“{key}”重新排，第 {place} 名，{grade} 取前 {quota} 名",
                number=number,
                part=part,
                key=step.order[0].name,
                place=self.value(f"{prefix}.位次"),
                grade=step.grade,
                quota=self.value(f"{prefix}.名额"),
            )
            yield Reason(p.GRADE, sentence)

    def changes(self) -> Iterator[Reason]:
        """Direct grades, lifts, drops and vetoes that applied."""
        first = self.value(p.FIRST_GRADE)
        for move in self.result.moves(self.row):
            kind = say("一票否决") if move.veto else say("等级调整")
            what = {
                "set": say("定为 {grade}", grade=move.grade),
                "up": say("提 {steps} 档", steps=move.steps),
                "down": say("降 {steps} 档", steps=move.steps),
                "at_best": say("最高 {grade}", grade=move.grade),
                "at_worst": say("最低 {grade}", grade=move.grade),
            }[move.how]
            sentence = say("{kind}：{title}，{what}", kind=kind, title=move.title, what=what)
            if first is not None:
                sentence = say(
                    "{kind}：{title}，{what}（按分数为 {before}）",
                    kind=kind,
                    title=move.title,
                    what=what,
                    before=self.plan.grades[int(first)],
                )
            yield Reason(p.GRADE, sentence, clause=move.clause, parts=tuple(self.asked(move.tree)))

    # -- scores ------------------------------------------------------------------------------------

    def score_parts(self) -> tuple[Reason, ...]:
        number = self.value(p.CLASS)
        if number is None:
            return ()
        class_name = self.plan.classes[int(number)]
        indicators = [self.indicator(item) for item in self.plan.indicators if item.class_name == class_name]
        return (*indicators, *self.adjustments(), *self.total_limit())

    def indicator(self, indicator: p.IndicatorPlan) -> Reason:
        points = self.points(indicator.filled)
        value = self.value(indicator.value)
        filled = self.plan.by_name[indicator.filled]
        assert isinstance(filled, p.Fill)
        if value is None or self.value(indicator.score) is None:
            sentence = self.filled(indicator, filled, points)
        else:
            sentence = say(
                "{name} {value}（{formula}）{how}，得 {points} 分（权重 {weight}）",
                name=indicator.name,
                value=self.shown(indicator.value),
                formula=self.written(indicator.formula),
                how=self.how(indicator),
                points=points,
                weight=plain(indicator.weight),
            )
        node = self.plan.numeric(indicator.value)
        return Reason(
            indicator.value,
            sentence,
            None if value is None else format_scaled(int(value), node.digits),
            node.unit,
            indicator.clause,
            parts=tuple(self.inputs(indicator.formula)),
        )

    def filled(self, indicator: p.IndicatorPlan, filled: p.Fill, points: str) -> Message:
        if self.is_zero_case(filled, indicator):
            why = say("{formula}的分母或基准不大于零", formula=self.written(indicator.formula))
            rule = filled.zero
        else:
            why = self.why_missing(indicator)
            rule = filled.missing
        how = say("同组平均得分") if rule == "mean" else say("{points} 分", points=points)
        return say(
            "{name}：{why}，按办法取{how}，得 {points} 分",
            name=indicator.name,
            why=why,
            how=how,
            points=points,
        )

    def is_zero_case(self, filled: p.Fill, indicator: p.IndicatorPlan) -> bool:
        """Whether the rule for a divisor or base that is not above zero applied, and not that for missing data."""
        if self.value(indicator.value) is not None:
            return True
        if filled.zero_when is None:
            return False
        missing, zero = (self.instead(filled, rule) for rule in (filled.missing, filled.zero))
        if missing != zero:
            return self.value(filled.name) == zero
        return not self.absent(indicator.formula)

    def instead(self, filled: p.Fill, rule: Fraction | str) -> int | None:
        if isinstance(rule, Fraction):
            return scale_half_up(rule, filled.digits)
        mean = self.value(f"{filled.name}.均分")
        return None if mean is None else int(mean)

    def why_missing(self, indicator: p.IndicatorPlan) -> Message:
        absent = self.absent(indicator.formula)
        if not absent:
            unfit = [
                name
                for name in names_in(parse_expression(indicator.formula))
                if name in self.plan.by_name and self.value(name) is None
            ]
            return say("{items}没有有效的值", items="、".join(unfit or [indicator.name]))
        nodes = [self.plan.by_name[name] for name in absent]
        providers = dict.fromkeys(
            node.provider for node in nodes if isinstance(node, p.NumberInput) and node.provider
        )
        return say(
            "{who}未提供{items}",
            who="、".join(providers) if providers else say("有关部门"),
            items="、".join(absent),
        )

    def how(self, indicator: p.IndicatorPlan) -> Message | str:
        """The benchmark, how it arose, and the cap or floor that bit."""
        node = self.plan.by_name[indicator.score]
        match node:
            case p.RatioScore():
                base = self.base(node)
                bit = self.bitten(node)
                return say("，基准 {base}{bit}", base=base, bit=bit)
            case p.RangeScore():
                return say(
                    "，同组最小 {low}、最大 {high}", low=self.shown(node.low), high=self.shown(node.high)
                )
            case p.RankScore():
                better = self.value(f"{node.name}.更优")
                return say("，同组第 {place} 名", place=int(better or 0) + 1)
            case _:
                return say("，按分档")

    def base(self, node: p.RatioScore) -> Message | str:
        if isinstance(node.base, Fraction):
            return plain(node.base)
        base = self.plan.by_name[node.base]
        assert isinstance(base, p.Aggregate)
        shown = self.shown(node.base)
        if base.source == "table":
            return say("{value}（已公布）", value=shown)
        whose = say("上年") if base.source == "previous" else ""
        group = _within([], [self.shown(name) for name in base.by]) if base.by else say("全体")
        if base.by and self.is_of_all(base):
            group = say("全体")
        kind = {
            "mean": say("平均"),
            "weighted": say("加权平均"),
            "percentile": say("{share} 分位", share=percent(base.share)),
        }.get(base.how, say("平均"))
        times = say("的 {times} 倍", times=plain(base.times)) if base.times != 1 else ""
        return say(
            "{value}（{whose}{group}{kind}{times}）",
            value=shown,
            whose=whose,
            group=group,
            kind=kind,
            times=times,
        )

    def is_of_all(self, base: p.Aggregate) -> bool:
        """Whether the row's group is too small for a figure of its own."""
        if not base.small:
            return False
        step = next(step for step in self.result.program.steps if getattr(step, "name", None) == base.name)
        assert isinstance(step, Let)
        assert isinstance(step.value, Where)
        test = Let(base.name, step.value.test)
        return bool(evaluate_row([test], {}, self.hidden)[base.name])

    def hidden(self, name: str) -> int | bool | None:
        """A column that the result does not keep."""
        return self.result.kernel.at(name, self.row)

    def bitten(self, node: p.RatioScore | p.Total) -> Message | str:
        """The cap or the floor that a score is at."""
        score = self.value(node.name)
        if score is not None and node.cap is not None and score == scale_half_up(node.cap, node.digits):
            return say("，达到上限 {limit} 分", limit=plain(node.cap))
        if score is not None and node.floor is not None and score == scale_half_up(node.floor, node.digits):
            return say("，按下限 {limit} 分", limit=plain(node.floor))
        return ""

    def total_limit(self) -> Iterator[Reason]:
        """The cap or floor of the total, where it is not simply the sum of what stands above."""
        node = self.plan.by_name[p.TOTAL]
        assert isinstance(node, p.Total)
        subtotal, total = self.value(p.SUBTOTAL), self.value(p.TOTAL)
        if subtotal is None or total is None:
            return
        whole = int(subtotal) + sum(sign * int(self.value(name) or 0) for name, sign in node.of)
        digits = self.plan.numeric(p.SUBTOTAL).digits
        exact = Fraction(whole, 10**digits)
        if scale_half_up(exact, node.digits) == total:
            return
        sentence = say(
            "各项合计 {points} 分{bit}", points=trimmed(format_scaled(whole, digits)), bit=self.bitten(node)
        )
        yield Reason(p.TOTAL, sentence, *self.figure_of(p.TOTAL))

    def adjustments(self) -> Iterator[Reason]:
        for node in self.plan.nodes:
            if not isinstance(node, p.LimitedSum):
                continue
            given = [name for name in node.of if self.value(name)]
            if not given:
                continue
            parts = tuple(
                Reason(
                    name,
                    say("{name} {points} 分", name=self.plan.by_name[name].title, points=self.points(name)),
                    *self.figure_of(name),
                    clause=self.plan.by_name[name].clause,
                )
                for name in given
            )
            sentence = say(
                "{title}{sign}{points} 分{note}",
                title=node.title,
                sign=" +" if node.sign > 0 else " −",
                points=self.points(node.name),
                note=self.taken(node, [int(self.value(name) or 0) for name in given]),
            )
            yield Reason(node.name, sentence, *self.figure_of(node.name), clause=node.clause, parts=parts)

    def taken(self, node: p.LimitedSum, given: list[int]) -> Message | str:
        """How several points became one figure, where it is not their plain sum."""
        capped = node.cap is not None and self.value(node.name) == scale_half_up(node.cap, node.digits)
        first = node.take != "合计" and len(given) > 1
        cap = plain(node.cap) if node.cap is not None else ""
        if node.take == "合计":
            return (
                say("（合计，上限 {cap}）", cap=cap) if capped and sum(given) != self.value(node.name) else ""
            )
        if node.take == "最高一项":
            return (
                say("（取最高一项，上限 {cap}）", cap=cap)
                if capped
                else say("（取最高一项）")
                if first
                else ""
            )
        return say("（取第一项，上限 {cap}）", cap=cap) if capped else say("（取第一项）") if first else ""

    def points(self, name: str) -> str:
        value = self.value(name)
        return "—" if value is None else trimmed(format_scaled(int(value), self.plan.numeric(name).digits))

    # -- figures -----------------------------------------------------------------------------------

    def inputs(self, formula: str) -> Iterator[Reason]:
        for name in names_in(parse_expression(formula)):
            if name in self.plan.by_name:
                yield self.figure(name)

    def absent(self, formula: str) -> list[str]:
        """Data items behind a formula that nobody gave and the policy does not replace."""
        waiting = names_in(parse_expression(formula))
        found: dict[str, None] = {}
        while waiting:
            name = waiting.pop(0)
            node = self.plan.by_name.get(name)
            if isinstance(node, p.NumberInput) and self.value(name) is None:
                found[name] = None
            elif isinstance(node, p.Formula):
                waiting.extend(names_in(node.tree))
        return list(found)

    def figure(self, name: str) -> Reason:
        """A data item with its cells, or a definition with its formula."""
        node = self.plan.by_name[name]
        definition = self.plan.document.define.get(name.removesuffix(".原值"))
        if definition is not None and definition.formula is not None:
            sentence = say(
                "{name} {value} = {formula}",
                name=node.title,
                value=self.shown(name),
                formula=self.written(definition.formula),
            )
            # What lies under a definition is told once, where it is first used.
            parts = () if name in self.told else tuple(self.inputs(definition.formula))
            self.told.add(name)
            return Reason(name, sentence, *self.figure_of(name), clause=node.clause, parts=parts)
        if isinstance(node, p.NumberInput | p.CodeInput):
            return self.data(name, node)
        sentence = say("{name} {value}", name=node.title, value=self.shown(name))
        return Reason(name, sentence, *self.figure_of(name), clause=node.clause)

    def data(self, name: str, node: p.NumberInput | p.CodeInput) -> Reason:
        members = self.result.members_of(self.subject)
        cells = tuple(cell for member in members for cell in self.result.given.cells(member, name))
        raw = self.provided(name)
        if raw is None:
            instead = self.shown(name)
            sentence = (
                say("{name}：未提供", name=name)
                if instead == "—"
                else say("{name}：未提供，按 {value} 计", name=name, value=instead)
            )
            return Reason(name, sentence, clause=node.clause)
        unit = node.unit if isinstance(node, p.NumberInput) else None
        value = (
            format_scaled(int(raw), node.digits) if isinstance(node, p.NumberInput) else str(self.shown(name))
        )
        where = "、".join(f"{cell.file} · {cell.sheet} · {cell.cell}" for cell in cells[:MAX_CELLS])
        if where:
            sentence = say("{name} {value}（{where}）", name=name, value=self.shown(name), where=where)
        else:
            sentence = say("{name} {value}", name=name, value=self.shown(name))
        return Reason(name, sentence, value, unit, node.clause, cells)

    def written(self, formula: str) -> str | Message:
        """The formula of the file with this enterprise's numbers in it: 480 万元 ÷ 40 亩."""
        return self._write(parse_expression(formula), 0)

    def _write(self, tree: Expression, strength: int) -> str | Message:
        match tree:
            case Number(_, text):
                return text
            case Text(value):
                return value
            case Name(name):
                if name == "年末":
                    return f"{self.result.year}-12-31"
                return self.shown(name) if name in self.plan.by_name else name
            case Negation(operand):
                return _joined("−", self._write(operand, 3))
            case Arithmetic(operator, left, right):
                level = 1 if operator in "+-" else 2
                sign = {"+": " + ", "-": " − ", "*": " × ", "/": " ÷ "}[operator]
                whole = _joined(self._write(left, level), sign, self._write(right, level + 1))
                return _joined("(", whole, ")") if level < strength else whole
            case Comparison(operator, left, right):
                return _joined(self._write(left, 1), f" {operator} ", self._write(right, 1))
            case Logic(operator, operands):
                word = say(" 且 ") if operator == "and" else say(" 或 ")
                return _joined("(", *_between(word, [self._write(operand, 0) for operand in operands]), ")")
            case Not(operand):
                return _joined(say("非 "), self._write(operand, 3))
            case Listing(items):
                return _joined("[", *_between(say("，"), [self._write(item, 0) for item in items]), "]")
            case Call(function, arguments):
                written = _between(say("，"), [self._write(argument, 0) for argument in arguments])
                return _joined(_CALLED[function], "(", *written, ")")
            case TextTest(name, _, values):
                return f"{name} {'、'.join(values)}"
            case Missing(name):
                return _joined(say("缺"), " ", name)


_CALLED = {
    "if": say("如果"), "min": say("最小"), "max": say("最大"), "abs": say("绝对值"), "has": say("有"), "missing": say("缺"),
    "startswith": say("开头是"), "full_years": say("满年"), "mean": say("平均"), "sum": say("合计"), "count": say("户数"),
}  # fmt: skip
STANDINGS = {
    "参评": say("参评"), "T": say("T"), "免评价": say("免评价"), "暂缓评价": say("暂缓评价"), "不参评": say("不参评"),
    "不定等级": say("不定等级"),
}  # fmt: skip


def _joined(*parts: str | Message) -> str | Message:
    """The parts one after the other; plain text where all of them are."""
    whole = parts[0]
    for part in parts[1:]:
        if isinstance(whole, str) and isinstance(part, str):
            whole += part
        else:
            whole = say("{first}{second}", first=whole, second=part)
    return whole


def _between(word: str | Message, parts: list[str | Message]) -> list[str | Message]:
    """The parts with a word between each two."""
    return [piece for part in parts for piece in (word, part)][1:]


def _within(classes: list[str], labels: list[str | Message]) -> str | Message:
    """规上·钢铁."""
    return _joined(*_between("·", [*classes, *labels]))


def ranking_of(result: Result, row: int) -> p.Ranking | None:
    """The ranking that the row's class belongs to."""
    number = result.values[p.CLASS][row]
    if number is None:
        return None
    name = result.plan.classes[number]
    return next((ranking for ranking in result.plan.rankings if name in ranking.only), None)


def grade_line(result: Result, ranking: p.Ranking, row: int, grade: int) -> int | None:
    """The scaled total at which a grade begins for a row (see ``lowest_totals``), looked for once per ranking."""
    key = (ranking.name, grade)
    if key not in result.lines:
        result.lines[key] = lowest_totals(result.kernel, result.plan, ranking, grade)
    return result.lines[key].get(ranked_group(result.kernel, ranking, row))


def lowest_totals(kernel: Kernel, plan: p.Plan, ranking: p.Ranking, grade: int) -> Mapping[int, int]:
    """The scaled total at which ``grade`` begins, by ``ranked_group``: the score line of the file, or the lowest
    total that has the grade or a better one by place. Without the groups where nobody got so far; empty where
    places are not by total."""
    if ranking.steps or ranking.order[0] != p.Key(p.TOTAL, True):
        return {}
    name = ranking.name
    ranked = kernel.flags_of(Column(f"{name}.排名"))
    totals = _integers(kernel, p.TOTAL)
    groups = _integers(kernel, f"{name}.组") if f"{name}.组" in kernel else np.zeros(len(totals), np.int64)
    small = _small(kernel, ranking)
    found: dict[int, int] = {}
    for bound in ranking.bounds[: grade + 1]:
        if bound.at_least is not None:
            line = ceil(bound.at_least * 10 ** plan.numeric(p.TOTAL).digits)
            for group in {*np.unique(groups).tolist(), *(-1 - code for code in range(len(plan.classes)))}:
                found[group] = min(line, found.get(group, line))
            continue
        last = _integers(kernel, f"{name}.界.{bound.grade}")
        reached = ranked & (_integers(kernel, name) <= last)
        if small is None:
            _note_lowest(found, groups[reached], totals[reached])
            continue
        _note_lowest(found, groups[reached & ~small], totals[reached & ~small])
        classes, places = _integers(kernel, p.CLASS), _places_among_all(kernel, ranking)
        for code in np.unique(classes[small & ranked]).tolist():
            members = ranked & (classes == code)
            reached = members & (places <= last[members & small][0])
            _note_lowest(found, np.full(int(reached.sum()), -1 - code), totals[reached])
    return found


def ranked_group(kernel: Kernel, ranking: p.Ranking, row: int) -> int:
    """Those whom a row is ranked with; negative where a small group is ranked among its whole class."""
    small = _small(kernel, ranking)
    if small is not None and small[row]:
        return -1 - int(kernel.at(p.CLASS, row) or 0)
    name = f"{ranking.name}.组"
    return int(kernel.at(name, row) or 0) if name in kernel else 0


def _small(kernel: Kernel, ranking: p.Ranking) -> NDArray[np.bool_] | None:
    """Rows of groups so small that they are ranked among their whole class; None where the policy has none."""
    if not (ranking.small and ranking.by and ranking.small_then == "按全体"):
        return None
    small: NDArray[np.bool_] = _integers(kernel, f"{ranking.name}.原组户数") < ranking.small
    return small


def _places_among_all(kernel: Kernel, ranking: p.Ranking) -> NDArray[np.int64]:
    name = f"{ranking.name}.全体"
    if ranking.ties == "按排序键":
        return _integers(kernel, f"{name}.位次")
    others = _integers(kernel, f"{name}.更优")
    return others + 1 if ranking.ties == "同分就高" else _integers(kernel, f"~{name}.排名数") - others


def _note_lowest(found: dict[int, int], groups: NDArray[np.int64], totals: NDArray[np.int64]) -> None:
    """Keep the lowest total of each group in ``found``."""
    codes, inverse = groups, groups
    if groups.size and int(groups.max()) <= 4 * groups.size + 1024 and int(groups.min()) >= 0:
        codes = np.arange(int(groups.max()) + 1)
    else:
        codes, inverse = np.unique(groups, return_inverse=True)
    highest = np.iinfo(np.int64).max
    lowest = np.full(len(codes), highest)
    np.minimum.at(lowest, inverse, totals)
    for code, total in zip(codes.tolist(), lowest.tolist(), strict=True):
        if total < highest:
            found[code] = min(total, found.get(code, total))


def _integers(kernel: Kernel, name: str) -> NDArray[np.int64]:
    return kernel.values(name).data.astype(np.int64, copy=False)


def trimmed(text: str) -> str:
    """12.3400 → 12.34; 12.00 → 12."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain(value: Fraction) -> str:
    """An exact figure as people write it: 24.097, 1/3 as 0.3333."""
    if value.denominator == 1:
        return str(value.numerator)
    return trimmed(f"{float(value):.6f}")


def percent(share: Fraction) -> str:
    return f"{plain(share * 100)}%"


def _lines(reason: Reason, depth: int, lang: Language) -> Iterator[str]:
    mark = "· " if depth else ""
    clause = f" 〔{reason.clause}〕" if reason.clause else ""
    yield f"{'  ' * max(depth - 1, 0)}{mark}{reason.sentence.render(lang)}{clause}"
    for part in reason.parts:
        yield from _lines(part, depth + 1, lang)


def _json(reason: Reason, lang: Language) -> dict[str, Any]:
    return {
        "node": reason.node,
        "sentence": reason.sentence.render(lang),
        "value": reason.value,
        "unit": reason.unit,
        "clause": reason.clause,
        "cells": [vars(cell) for cell in reason.cells],
        "parts": [_json(part, lang) for part in reason.parts],
    }
