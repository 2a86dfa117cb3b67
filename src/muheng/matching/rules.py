"""Read and check matching documents: those that come with the software, and a city's own in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from muheng.cities.pack import PACKS
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Language, Refusal, say
from muheng.documents.schema import validate
from muheng.documents.spelling import offer
from muheng.documents.toml_file import KeyPath, TomlFile, read_toml
from muheng.matching.document import (
    Condition,
    GradeCondition,
    GradePoints,
    IndustryCondition,
    MatchingDocument,
    PointRule,
    StatusPoints,
    TagPoints,
)
from muheng.matching.terms import Kind
from muheng.standards.industry import industry_name

COMMON = PACKS / "common" / "matching"
_MONEY: tuple[Kind, ...] = ("technology", "finance")


@dataclass(frozen=True)
class Rules:
    """A checked document, ready to rank by."""

    document: MatchingDocument

    @property
    def id(self) -> str:
        return self.document.id

    @property
    def kind(self) -> Kind:
        return self.document.kind

    @property
    def money(self) -> bool:
        """Whether amounts are fen, not persons."""
        return self.kind in _MONEY

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return self.document.condition

    @property
    def points(self) -> tuple[PointRule, ...]:
        return self.document.points

    def title(self, lang: Language) -> str:
        return self.document.english if lang == "en" else self.document.name


def load_rules(folder: Path | None = None) -> tuple[dict[Kind, Rules], list[Diagnostic]]:
    """The rules of each kind: the common ones, replaced by those of a city's folder that have the same id."""
    files = {path.stem: path for path in _tomls(COMMON)}
    if folder is not None:
        files |= {path.stem: path for path in _tomls(folder / "matching")}
    found: list[Diagnostic] = []
    rules: dict[Kind, Rules] = {}
    for path in files.values():
        read, mistakes = load_document(path)
        found += mistakes
        if read is None:
            continue
        if read.kind in rules:
            what = say(
                "“{one}”和“{other}”都是 {kind} 的规则。",
                one=rules[read.kind].id,
                other=read.id,
                kind=read.kind,
            )
            fix = say("每一类只留一份；要替换通用的，用同一个代号。")
            found.append(Diagnostic("error", _shown(path), None, "kind", what, fix))
            continue
        rules[read.kind] = read
    return rules, found


def load_document(source: Path | str, name: str | None = None) -> tuple[Rules | None, list[Diagnostic]]:
    """One document, a file or its text: every mistake at once. None when one of them is an error.

    ``name`` is what diagnostics call it.
    """
    file, found = read_toml(source, name or (_shown(source) if isinstance(source, Path) else None))
    if file is None:
        return None, found
    document, mistakes = validate(file, MatchingDocument)
    found += mistakes
    if document is None:
        return None, found
    found += sorted(_check(file, document, source), key=lambda each: each.line or 0)
    if any(each.severity == "error" for each in found):
        return None, found
    return Rules(document), found


def _check(file: TomlFile, document: MatchingDocument, source: Path | str) -> Iterator[Diagnostic]:
    if isinstance(source, Path) and source.stem != document.id:
        what = say("代号是“{id}”，文件名是“{file}”。", id=document.id, file=source.name)
        yield file.error(("id",), what, say("改成同名。"))
    if not document.condition and not document.points:
        yield file.error((), say("没有条件也没有加分，排不出先后。"), say("至少写一条 [[points]]。"))
    yield from _check_names(file, document)
    yield from _check_ties(file, document)
    for at, condition in enumerate(document.condition):
        yield from _check_condition(file, document, ("condition", at), condition)
    for at, rule in enumerate(document.points):
        yield from _check_points(file, document, ("points", at), rule)


def _check_names(file: TomlFile, document: MatchingDocument) -> Iterator[Diagnostic]:
    for key in ("name", "english"):
        first: dict[str, KeyPath] = {}
        for table, rules in (("condition", document.condition), ("points", document.points)):
            for at, rule in enumerate(rules):
                path: KeyPath = (table, at, key)
                value = getattr(rule, key)
                if value in first:
                    what = say(
                        "“{value}”重复，第一次在第 {line} 行。", value=value, line=file.line_of(first[value])
                    )
                    yield file.error(path, what, say("删去一处，或改成不同的。"))
                first.setdefault(value, path)


def _check_ties(file: TomlFile, document: MatchingDocument) -> Iterator[Diagnostic]:
    for at, tie in enumerate(document.ties):
        if tie in document.ties[:at]:
            yield file.error(("ties",), say("“{tie}”写了两次。", tie=tie), say("删去后一个。"))
        elif tie == "rate" and document.kind != "finance":
            yield file.error(("ties",), say("只有资金有利率。"), say("去掉“rate”。"))
    if document.ties[-1] != "id":
        what = say("最后一项“{tie}”可能相同，名次无法唯一确定。", tie=document.ties[-1])
        yield file.error(("ties",), what, say('末尾加 "id"。'))


def _check_condition(
    file: TomlFile, document: MatchingDocument, path: KeyPath, condition: Condition
) -> Iterator[Diagnostic]:
    if condition.test == "rate" and document.kind != "finance":
        yield file.error((*path, "test"), say("只有资金有利率。"), say("删去这一条。"))
    if condition.test == "term" and document.kind == "technology":
        yield file.error((*path, "test"), say("技术没有期限可比。"), say("删去这一条，时间要求用 lead。"))
    if isinstance(condition, IndustryCondition):
        yield from _check_industries(file, (*path, "only"), condition.only)
    if condition.test == "amount":
        bounds = (("least", condition.least), ("most", condition.most))
        digits = 6 if document.kind in _MONEY else 0
        for key, bound in bounds:
            if bound is not None and (bound < 0 or not _fits(bound, digits)):
                what = say("{found} 不能作为数额。", found=bound)
                fix = say("万元最多 6 位小数。") if digits else say("人数写整数。")
                yield file.error((*path, key), what, fix)
        if condition.least is not None and condition.most is not None and condition.least > condition.most:
            what = say(
                "下限 {least} 大于上限 {most}，没有需求符合。", least=condition.least, most=condition.most
            )
            yield file.error((*path, "least"), what, say("改其中一个。"))
    if condition.test == "rate" and condition.most is not None and not _fits(condition.most, 2):
        yield file.error((*path, "most"), say("利率最多两位小数：{found}。", found=condition.most))


def _check_points(
    file: TomlFile, document: MatchingDocument, path: KeyPath, rule: PointRule
) -> Iterator[Diagnostic]:
    if rule.test == "rate" and document.kind != "finance":
        yield file.error((*path, "test"), say("只有资金有利率。"), say("删去这一条。"))
    if isinstance(rule, TagPoints | StatusPoints) and rule.most < rule.each:
        what = say("合计最多 {most} 分，少于一项的 {each} 分。", most=rule.most, each=rule.each)
        yield file.error((*path, "most"), what, say("most 至少等于 each。"))
    if isinstance(rule, GradePoints):
        yield from _check_grades(file, document, path, rule)
    if rule.test in ("urgency", "lead", "rate"):
        yield from _check_steps(file, path, [(Decimal(step.within), step.points) for step in rule.steps])
        if rule.test == "rate":
            for at, step in enumerate(rule.steps):
                if not _fits(step.within, 2):
                    where = (*path, "steps", at, "within")
                    yield file.error(where, say("利率最多两位小数：{found}。", found=step.within))
    if rule.test == "industry":
        order = [rule.digits[key] for key in ("门类", "2", "3", "4") if key in rule.digits]
        if order != sorted(order):
            what = say("行业越细，分数却没有越高：{points}。", points="、".join(map(str, order)))
            yield file.warning((*path, "digits"), what, say("由粗到细，分数递增。"))


def _check_grades(
    file: TomlFile, document: MatchingDocument, path: KeyPath, rule: GradePoints
) -> Iterator[Diagnostic]:
    for at, condition in enumerate(document.condition):
        if isinstance(condition, GradeCondition) and condition.only:
            for grade in rule.grades:
                if grade not in condition.only:
                    line = file.line_of(("condition", at))
                    what = say(
                        "{grade} 的分永远得不到：第 {line} 行的条件不收这个等级。", grade=grade, line=line
                    )
                    fix = offer(grade, condition.only)
                    yield file.warning((*path, "grades", grade), what, fix)


def _check_steps(file: TomlFile, path: KeyPath, steps: list[tuple[Decimal, int]]) -> Iterator[Diagnostic]:
    for at in range(1, len(steps)):
        (before, more), (within, points) = steps[at - 1], steps[at]
        where = (*path, "steps", at)
        if within <= before:
            what = say("各档要由小到大：{within} 在 {before} 之后。", within=within, before=before)
            yield file.error((*where, "within"), what, say("调换次序，或删去一档。"))
        elif points >= more:
            what = say("这一档 {points} 分，不少于前一档的 {more} 分。", points=points, more=more)
            yield file.error((*where, "points"), what, say("越往后分数越低。"))


def _check_industries(file: TomlFile, path: KeyPath, codes: Iterable[str]) -> Iterator[Diagnostic]:
    for at, code in enumerate(codes):
        try:
            industry_name(code)
        except Refusal as refusal:
            yield file.error((*path, at), refusal.what, refusal.fix)


def _fits(number: Decimal, digits: int) -> bool:
    return number == round(number, digits)


def _tomls(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml"))


def _shown(path: Path) -> str:
    return "/".join(path.parts[-3:])
