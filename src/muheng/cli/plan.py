"""``muheng plan``: which production line does what at each alert level, so that every ratio is met and least is lost."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from muheng.cli.answer import Answer, Detail, Failure, Table
from muheng.cli.output import fill_folder
from muheng.cli.plan_source import Source, read_source
from muheng.cli.progress import follow_progress
from muheng.cli.verb import option, print_lines, verb
from muheng.documents.diagnostic import diagnostic_json, format_diagnostics
from muheng.documents.message import Language, Message, Refusal, say

if TYPE_CHECKING:
    from muheng.emergency.inventory.model import Level
    from muheng.emergency.options import Built
    from muheng.emergency.plan.answer import LevelFigures, Plan
    from muheng.emergency.plan.problem import Problem

PLAN, WHY, BOOK, SUMMARY = "plan.csv", "explanation.csv", "plan.xlsx", "summary.json"
OUTPUTS = (PLAN, WHY, BOOK, SUMMARY)
LEVELS = {"yellow": say("黄色"), "orange": say("橙色"), "red": say("红色")}
POLLUTANTS = {"so2": "SO2", "nox": "NOx", "pm": "PM", "voc": "VOCs"}
GAPS = ((2_000, Fraction(1, 1000)), (200_000, Fraction(1, 5000)))
"""Up to so many lines the cost is proved to be so near the least; beyond them a ten-thousandth."""
FINEST = Fraction(1, 10_000)


def command(lang: Language) -> click.Command:
    return verb(
        "plan",
        lang,
        say("重污染天气应急减排方案：每条生产线在每一级采取哪个措施，使各项减排量都达到、损失最小。"),
        make_plan,
        click.Argument(["source"], metavar="SOURCE"),
        option(
            lang,
            "--levels",
            about=say("哪几级，用逗号隔开：yellow、orange、red；几级一起编，高一级不比低一级松。"),
            metavar="LEVELS",
        ),
        option(lang, "--out", about=say("结果写到哪个文件夹。"), required=True, metavar="DIR"),
        option(
            lang,
            "--gap",
            about=say("损失离证明的下界多近就够了，如 0.0002 或 0.02%。不写时按生产线的多少定。"),
            metavar="G",
        ),
        option(
            lang,
            "--city",
            about=say("按哪个城市包的应急减排设置；只用于工作簿，不写用通用设置。"),
            metavar="PACK",
        ),
        option(lang, "--quiet", about=say("不显示进度。"), is_flag=True),
    )


@dataclass(frozen=True)
class Planning:
    """What was asked, what came out, and where it was written."""

    source: Source
    plan: Plan
    gap: Fraction
    out: Path


def make_plan(
    source: str, levels: str | None, out: str, gap: str | None, city: str | None, quiet: bool, lang: Language
) -> Answer:
    wanted = None if levels is None else _read_levels(levels)
    asked = None if gap is None else _read_gap(gap)
    with follow_progress(lang, quiet) as tell, fill_folder(Path(out), OUTPUTS, SUMMARY) as folder:
        tell(say("读取 {source}", source=source), 0)
        given = read_source(Path(source), wanted, city)
        if given.notes and sys.stderr is not None:
            print_lines([format_diagnostics(given.notes, lang)], sys.stderr)
        lines = len(given.problem.lines)
        near = default_gap(lines) if asked is None else asked
        tell(say("为 {count} 条生产线选措施", count=f"{lines:,}"), 10)
        done = Planning(
            given, _solve(given.problem, near, lambda message: tell(message, 10)), near, Path(out)
        )
        tell(say("逐条核对方案"), 80)
        _check(done.plan)
        tell(say("写 {folder}", folder=out), 85)
        _write(done, folder, lang)
    return Answer(_lines(done, lang), describe(done.plan))


def _solve(problem: Problem, gap: Fraction, tell: Callable[[Message], None]) -> Plan:
    from muheng.emergency.plan.solve import solve

    try:
        return solve(problem, gap, tell)
    except Refusal as refusal:
        raise Failure("data", refusal.what, refusal.fix) from refusal


def _write(done: Planning, folder: Path, lang: Language) -> None:
    from muheng.emergency.explanation import explain
    from muheng.emergency.plan.folder import write_plan

    write_plan(done.plan, folder / PLAN)
    why = explain(done.plan, done.source.built).table()
    if lang == "en":
        from muheng.emergency.explanation import LABELS

        why = why.with_columns(
            why["reason"].replace({str(each): each.render(lang) for each in LABELS.values()})
        )
    why.write_csv(folder / WHY, include_bom=True)
    if done.source.built is not None:
        _write_book(done.source.built, done.plan, folder / BOOK, lang)
    summary = json.dumps(summarise(done, lang), ensure_ascii=False, indent=1)
    (folder / SUMMARY).write_text(summary + "\n", encoding="utf-8", newline="\n")


def _write_book(built: Built, plan: Plan, path: Path, lang: Language) -> None:
    """The list's workbook, with what each line is to do on a sheet of its own."""
    from muheng.emergency.inventory.writing import Planned, write_inventory

    planned: dict[tuple[str, Level], Planned] = {}
    levels = cast("tuple[Level, ...]", plan.problem.levels)
    for level, row in zip(levels, plan.chosen.tolist(), strict=True):
        for place in row:
            option = built.options[place]
            planned[option.line, level] = Planned(option.name, option.part, option.cut, option.loss)
    write_inventory(built.inventory, path, planned, lang=lang)


# -- what is asked ---------------------------------------------------------------------------------------------------


def _read_levels(text: str) -> list[str]:
    named = [part.strip().casefold() for part in unicodedata.normalize("NFKC", text).split(",")]
    unknown = [name for name in named if name not in LEVELS]
    if unknown:
        raise Failure(
            "usage",
            say("--levels 里的“{name}”不是级别。", name=unknown[0]),
            say("写 yellow、orange、red 中的几个，用逗号隔开。"),
        )
    return named


def _read_gap(text: str) -> Fraction:
    folded = unicodedata.normalize("NFKC", text).replace(" ", "")
    parts = 100 if folded.endswith("%") else 1
    try:
        value = Fraction(folded.removesuffix("%")) / parts
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if not 0 <= value < 1:
        raise Failure(
            "usage",
            say("--gap 的“{text}”不是差距。", text=text),
            say("写 0 到 1 之间的数，如 0.0002 或 0.02%。"),
        )
    return value


def default_gap(lines: int) -> Fraction:
    return next((gap for most, gap in GAPS if lines <= most), FINEST)


def _check(plan: Plan) -> None:
    """A plan that breaks what it says is a mistake of the program: nobody gets to see it."""
    from muheng.emergency.plan.verify import verify

    breaches = verify(plan)
    if breaches:
        details = [
            Detail(
                say("{where}：{what}", where=LEVELS.get(breach.level, say("合计")), what=breach.what),
                about={"level": breach.level, "lines": list(breach.lines)},
            )
            for breach in breaches
        ]
        what = say("编出的方案没有通过核对，这是程序的错误，没有写下任何结果。")
        raise Failure("internal", what, say("请把所用的命令和数据发给维护者。"), details)


# -- what is said ----------------------------------------------------------------------------------------------------


def describe(plan: Plan) -> dict[str, Any]:
    """The figures by level for a program: yuan and kilograms a day."""
    problem = plan.problem
    figures: dict[str, Any] = {
        each.level: _describe_level(problem, each, need)
        for each, need in zip(plan.levels, problem.need.tolist(), strict=True)
    }
    if plan.joint is not None:
        figures["joint"] = {
            "loss": _number(plan.joint.loss, problem.money_digits),
            "bound": _number(plan.joint.bound, problem.money_digits),
            "gap": _gap(plan.joint.loss, plan.joint.bound, plan.joint.gap),
            "weights": dict(zip(problem.levels, problem.weight or (1,) * len(problem.levels), strict=True)),
        }
    return figures


def _describe_level(problem: Problem, figures: LevelFigures, need: Sequence[int]) -> dict[str, Any]:
    def masses(amounts: Sequence[int]) -> dict[str, int | float]:
        return {
            name: _number(amount, problem.mass_digits)
            for name, amount in zip(POLLUTANTS, amounts, strict=True)
        }

    return {
        "loss": _number(figures.loss, problem.money_digits),
        "bound": _number(figures.bound, problem.money_digits),
        "gap": _gap(figures.loss, figures.bound, figures.gap),
        "need": masses(need),
        "reductions": masses(figures.reductions),
        "prices": dict(zip(POLLUTANTS, figures.prices, strict=True)),
        "feasible": figures.feasible,
        "shortfall": masses(figures.shortfall),
    }


def _number(value: int, digits: int) -> int | float:
    """The amount as JSON writes it: 125000, 48.5."""
    whole, rest = divmod(value, 10**digits)
    return whole if rest == 0 else float(value / 10**digits)


def _gap(loss: int, bound: int, gap: float) -> float | None:
    """Nothing where the bound is nought and the loss is not: no part of nought."""
    return None if bound == 0 and loss > 0 else gap


def summarise(done: Planning, lang: Language) -> dict[str, Any]:
    """summary.json: the figures, and what they came of."""
    from importlib.metadata import version

    problem = done.plan.problem
    return {
        **describe(done.plan),
        "lines": len(problem.lines),
        "options": len(problem.loss),
        "firms": len(problem.firms.names),
        "asked_gap": float(done.gap),
        "notes": [diagnostic_json(note, lang) for note in done.source.notes],
        "source": {name: _digest(path) for name, path in done.source.files.items()},
        "engine": {name: version(name) for name in ("muheng", "numpy", "highspy")},
    }


def _digest(path: Path) -> str:
    """SHA-256: the same files give the same plan."""
    from hashlib import file_digest

    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _lines(done: Planning, lang: Language) -> list[str | Table]:
    plan, problem = done.plan, done.plan.problem
    title = say(
        "应急减排方案 · {lines} 条生产线，{firms} 家企业",
        lines=f"{len(problem.lines):,}",
        firms=f"{len(problem.firms.names):,}",
    )
    lines: list[str | Table] = [title.render(lang), "", _loss_table(plan, lang)]
    lines += _unproved(done, lang)
    if done.source.built is not None:
        lines += _alike_table(done, lang)
    reasons = _explain_shortfalls(done)
    for figures, need in zip(plan.levels, problem.need.tolist(), strict=True):
        lines += ["", _level_title(figures).render(lang), _pollutant_table(problem, figures, need, lang)]
        lines += [message.render(lang) for message in reasons.get(figures.level, ())]
    lines += ["", say("写在 {out}", out=done.out).render(lang)]
    about = [(PLAN, say("每条生产线每一级的措施")), (WHY, say("每条生产线为什么是这个措施"))]
    if done.source.built is not None:
        about.append((BOOK, say("清单，附各级的措施")))
    about.append((SUMMARY, say("以上各数，供程序读")))
    lines += [f"  {name:<16} {what.render(lang)}" for name, what in about]
    return lines


def _explain_shortfalls(done: Planning) -> dict[str, tuple[Message, ...]]:
    """By level: which pollutant is out of reach, how far it goes, whose exemption would close it."""
    if all(figures.feasible for figures in done.plan.levels):
        return {}
    from muheng.emergency.reach import explain_reach

    return {reach.level: reach.said for reach in explain_reach(done.plan, done.source.built)}


def _alike_table(done: Planning, lang: Language) -> list[str | Table]:
    """What cutting everybody alike would lose for the same."""
    from muheng.emergency.comparison import compare

    digits = done.plan.problem.money_digits
    head = (say("同样的减排量"), say("本方案（万元/日）"), say("一刀切"), say("按绩效等级一刀切"))
    rows = [
        (
            LEVELS[each.level].render(lang),
            _wan(each.loss, digits),
            *("—" if way is None else _wan(way.loss, digits) for way in (each.uniform, each.graded)),
        )
        for each in compare(done.plan, done.source.built)
    ]
    return ["", Table(tuple(word.render(lang) for word in head), rows)]


def _loss_table(plan: Plan, lang: Language) -> Table:
    digits = plan.problem.money_digits
    rows = [
        (
            LEVELS[each.level].render(lang),
            _wan(each.loss, digits),
            _wan(each.bound, digits),
            _percent(_gap(each.loss, each.bound, each.gap)),
        )
        for each in plan.levels
    ]
    if plan.joint is not None:
        weights = ":".join(map(str, plan.problem.weight or (1,) * len(plan.levels)))
        name = say("合计（权重 {weights}）", weights=weights).render(lang)
        joint = plan.joint
        gap = _percent(_gap(joint.loss, joint.bound, joint.gap))
        rows.append((name, _wan(joint.loss, digits), _wan(joint.bound, digits), gap))
    head = (say("级别"), say("损失（万元/日）"), say("不可能低于"), say("差距"))
    return Table(tuple(word.render(lang) for word in head), rows)


def _unproved(done: Planning, lang: Language) -> list[str]:
    """Levels whose loss was not proved to be as near the least as was asked."""
    plan = done.plan
    told = [each.level for each in plan.levels if not each.gap <= done.gap]
    if plan.joint is not None:
        told = [] if plan.joint.gap <= done.gap else ["joint"]
    what = say("没有证明到要求的差距 {asked}：方案可用，可能还有更省的。", asked=_percent(float(done.gap)))
    return [what.render(lang)] if told else []


def _level_title(figures: LevelFigures) -> Message:
    name = LEVELS[figures.level]
    return say("{level}：各项都达到", level=name) if figures.feasible else say("{level}：达不到", level=name)


def _pollutant_table(problem: Problem, figures: LevelFigures, need: Sequence[int], lang: Language) -> Table:
    head = (say("污染物"), say("应减（千克/日）"), say("减排（千克/日）"), say("参考价（元/千克）"))
    rows = [
        # What cannot be reached has no price: no money buys the next kilogram.
        (name, _mass(due, problem), _mass(cut, problem), "—" if short else f"{price:,.2f}")
        for name, due, cut, price, short in zip(
            POLLUTANTS.values(), need, figures.reductions, figures.prices, figures.shortfall, strict=True
        )
    ]
    return Table(tuple(word.render(lang) for word in head), rows)


def _wan(value: int, digits: int) -> str:
    return f"{value / 10 ** (digits + 4):,.2f}"


def _mass(value: int, problem: Problem) -> str:
    return f"{value / 10**problem.mass_digits:,.3f}".rstrip("0").rstrip(".")


def _percent(gap: float | None) -> str:
    """To a ten-thousandth of a per cent: 0.0096%."""
    if gap is None:
        return "—"
    return "<0.0001%" if 0 < gap < 1e-6 else f"{gap * 100:.4f}".rstrip("0").rstrip(".") + "%"
