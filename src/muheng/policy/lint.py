"""What is well-formed in a policy file and still wrong or doubtful. Looks at no data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from muheng.documents.message import Message, say
from muheng.documents.toml_file import KeyPath
from muheng.policy.document import Boundaries, PolicyDocument
from muheng.standards.rounding import format_exact


@dataclass(frozen=True)
class Finding:
    """One finding, at a place of the file."""

    severity: Literal["error", "warning"]
    path: KeyPath
    what: Message
    fix: Message | None = None


def lint(document: PolicyDocument) -> Iterator[Finding]:
    """All findings, in the order of the file."""
    yield from _weights(document)
    yield from _caps(document)
    yield from _repeated_conditions(document)
    yield from _small_groups(document)


def _weights(document: PolicyDocument) -> Iterator[Finding]:
    due = _figure(document.scoring.weights)
    for name, declared in document.classes.items():
        weights = [_figure(indicator.weight) for indicator in declared.indicator]
        if not weights or None in weights:
            continue
        total = sum((weight for weight in weights if weight is not None), Fraction(0))
        if total != due:
            yield Finding(
                "error",
                ("class", name, "indicator", 0, "weight"),
                say(
                    "权重合计 {total}，应为 {due}。{name}：{parts}。",
                    total=format_exact(total),
                    due=format_exact(due or Fraction(0)),
                    name=name,
                    parts="+".join(format_exact(weight) for weight in weights if weight is not None),
                ),
                say("检查各指标的 weight；若来源文本合计不是 100，在 [scoring] 写 weights。"),
            )


def _caps(document: PolicyDocument) -> Iterator[Finding]:
    for name, declared in document.classes.items():
        for index, indicator in enumerate(declared.indicator):
            cap, weight = _figure(indicator.score.cap), _figure(indicator.weight)
            if cap is not None and weight is not None and cap < weight:
                yield Finding(
                    "warning",
                    ("class", name, "indicator", index, "score", "cap"),
                    say(
                        "得分上限 {cap} 小于权重 {weight}，谁也得不到满分。",
                        cap=format_exact(cap),
                        weight=format_exact(weight),
                    ),
                    say("确认来源文本；一般上限不小于权重。"),
                )


def _repeated_conditions(document: PolicyDocument) -> Iterator[Finding]:
    """A second rule with the same condition in an ordered, first-wins list never acts."""
    seen: dict[str, str] = {}
    for index, rule in enumerate(document.exempt):
        first = seen.setdefault(rule.when, rule.name)
        if first != rule.name:
            yield Finding(
                "warning",
                ("exempt", index, "when"),
                say("与“{first}”条件相同，永远轮不到。", first=first),
                say("合并两条，或改条件。"),
            )
    vetoes: dict[tuple[str, tuple[str, ...]], str] = {}
    for index, veto in enumerate(document.veto):
        first = vetoes.setdefault((veto.when, veto.classes), veto.name)
        if first != veto.name:
            yield Finding(
                "warning",
                ("veto", index, "when"),
                say("与一票否决“{first}”条件相同。", first=first),
                say("保留较重的一条。"),
            )


def _small_groups(document: PolicyDocument) -> Iterator[Finding]:
    places: list[tuple[KeyPath, Boundaries]] = []
    if document.grading is not None:
        places.append((("grading",), document.grading))
    places += [
        (("class", name, "grading"), declared.grading)
        for name, declared in document.classes.items()
        if declared.grading is not None
    ]
    for path, grading in places:
        if grading.within and grading.small is None:
            yield Finding(
                "warning",
                (*path, "within"),
                say("分组排名而没有规定过小组怎么办：5 户的组里，5% 是 0.25 户。"),
                say('加上 small = {{ below = 20, then = "合并小组" }}，或确认来源文本确无规定。'),
            )


def _figure(value: object) -> Fraction | None:
    return Fraction(value) if isinstance(value, int | Decimal) else None
