"""What one version of a policy says differently from another: rule beside rule, and each change as a sentence.

`policy.change` finds the changes and `policy.compare` whom they move; here they are put into words.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from muheng.documents.message import Message, say
from muheng.documents.toml_file import read_toml
from muheng.policy.change import ABSENT, Change, differences, show_place
from muheng.policy.compile import compile_file
from muheng.reports.phrases import Reader, Said, day, joined, quoted, unit_words
from muheng.reports.policy_chapters import write_policy
from muheng.reports.policy_indicators import limit_words
from muheng.reports.policy_text import Chapter, Passage, PolicyText, Row
from muheng.reports.words import render
from muheng.standards.rounding import format_exact


@dataclass(frozen=True)
class Part:
    """One column that differs; ``title`` is empty where the whole sentence stands on both sides."""

    title: Said
    before: Said
    after: Said


@dataclass(frozen=True)
class Difference:
    """One rule in two versions; None where a version does not have it."""

    chapter: Said
    before: Passage | Row | None
    after: Passage | Row | None

    @property
    def name(self) -> Said:
        """The rule's name, where it is a row and has one."""
        place = self.after or self.before
        return place.cells[0] if isinstance(place, Row) else ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """What differs: of two rows only the columns that do."""
        before, after = self.before, self.after
        if isinstance(before, Row) and isinstance(after, Row) and before.header == after.header:
            return tuple(
                Part(title, old, new)
                for title, old, new in zip(after.header, before.cells, after.cells, strict=True)
                if render(old, "zh") != render(new, "zh")
            )
        return (Part("", before.words if before else "", after.words if after else ""),)


def compare_wording(before: PolicyText, after: PolicyText) -> tuple[Difference, ...]:
    """Every rule that reads otherwise, in the order of the second document, what was dropped beside it or last in its
    chapter. A rule that has only another name stands beside itself."""
    found: list[Difference] = []
    old = {chapter.id: chapter for chapter in before.chapters}
    for chapter in after.chapters:
        found += _compare_chapters(chapter.title, old.pop(chapter.id, None), chapter)
    for chapter in old.values():
        found += _compare_chapters(chapter.title, chapter, None)
    return tuple(found)


def _compare_chapters(title: Said, before: Chapter | None, after: Chapter | None) -> list[Difference]:
    old = {place.key: place for place in before.places()} if before is not None else {}
    new = {place.key: place for place in after.places()} if after is not None else {}
    renamed = _renamed([key for key in old if key not in new], [key for key in new if key not in old])
    found: list[Difference] = []
    for key, place in new.items():
        other = old.pop(renamed.get(key, key), None)
        if other is None or _text(other) != _text(place):
            found.append(Difference(title, other, place))
    return found + [Difference(title, place, None) for place in old.values()]


def _renamed(gone: list[str], come: list[str]) -> dict[str, str]:
    """New keys to old ones: where a list lost as many elements as it got, they are the same ones renamed."""
    lost, got = _by_list(gone), _by_list(come)
    return {
        new: old
        for name, keys in got.items()
        if len(keys) == len(lost.get(name, ()))
        for new, old in zip(keys, lost[name], strict=True)
    }


def _by_list(keys: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in keys:
        name, bracket, _ = key.rpartition("[")
        if bracket:
            found.setdefault(name, []).append(key)
    return found


def _text(place: Passage | Row) -> str:
    return render(place.words, "zh")


class ChangeTeller:
    """Tells changes between two texts; a text is None where the file does not compile."""

    def __init__(self, before: PolicyText | None, after: PolicyText | None, reader: Reader) -> None:
        self.before, self.after, self.reader = before, after, reader

    def tell(self, change: Change) -> Said:
        """规上“亩均税收”的权重由 40 改为 45; a whole rule by its sentence."""
        subject, key = self._subject(change.place)
        if _is_rule(change.before) or _is_rule(change.after):
            return self._told_by_sentence(change, subject)
        if change.place[:2] == ("policy", "open"):
            return say("{subject}有改动", subject=subject)
        before, after = self._value(key, change.before), self._value(key, change.after)
        if change.before is ABSENT:
            return say("增加{subject}：{after}", subject=subject, after=after)
        if change.after is ABSENT:
            return say("取消{subject}（原为：{before}）", subject=subject, before=before)
        if key in ("formula", "when", "points", "alone"):
            return say(
                "{subject}改为：{after}（原为：{before}）", subject=subject, before=before, after=after
            )
        return say("{subject}由{before}改为{after}", subject=subject, before=before, after=after)

    def tell_all(self, changes: Iterable[Change]) -> Said:
        return joined([self.tell(change) for change in changes], "；")

    def _told_by_sentence(self, change: Change, subject: Said) -> Said:
        """A whole rule came, went, or was written anew."""
        key = show_place(change.place)
        name = change.after.get("name") if isinstance(change.after, dict) else None
        new_key = show_place((*change.place[:-1], name)) if isinstance(name, str) else key
        before = _sentence(self.before, key) if change.before is not ABSENT else None
        after = _sentence(self.after, new_key) if change.after is not ABSENT else None
        if before is not None and after is not None:
            return say(
                "{subject}改为：{after}（原为：{before}）", subject=subject, before=before, after=after
            )
        if change.before is ABSENT:
            return _with_sentence(say("增加{subject}", subject=subject), after)
        if change.after is ABSENT:
            return _with_sentence(say("取消{subject}", subject=subject), before)
        return say("{subject}改写", subject=subject)

    def _subject(self, place: tuple[str, ...]) -> tuple[Said, str]:
        """What a place is called, and the key whose value stands there."""
        match place:
            case ("class", name, "indicator", indicator, *rest):
                whole: Said = say("{group}“{name}”", group=name, name=indicator)
            case ("class", name, "grading", *rest):
                whole = say("{group}的定级办法", group=name)
            case ("class", name, *rest):
                whole = say("类别“{name}”", name=name)
            case (section, *rest) if section in ELEMENTS and rest:
                whole = say("{kind}“{name}”", kind=ELEMENTS[section], name=rest.pop(0))
            case (section, *rest):
                whole = SECTIONS.get(section, section)
        key = ""
        for number, step in enumerate(rest):
            if step in _SILENT and number < len(rest) - 1:
                continue
            known = KEYS.get(f"{place[0]}.{step}") or KEYS.get(step)
            if known is not None:
                key = step
            whole = say("{whole}的{part}", whole=whole, part=known if known is not None else quoted(step))
        return whole, key or place[0]

    def _value(self, key: str, value: Any) -> Said:
        if value is ABSENT:
            return "—"
        if isinstance(value, bool):
            return say("是") if value else say("否")
        if isinstance(value, datetime.date):
            return day(value)
        if isinstance(value, list):
            return joined([self._value(key, part) for part in value]) if value else say("无")
        if isinstance(value, Mapping):
            return (
                joined([self._pair(name, part) for name, part in value.items()], "，") if value else say("无")
            )
        if isinstance(value, str):
            return self._written(key, value)
        return format_exact(value)

    def _pair(self, name: str, value: Any) -> Said:
        return say("{name} {value}", name=KEYS.get(name, name), value=self._value(name, value))

    def _written(self, key: str, text: str) -> Said:
        match key:
            case "formula" | "points":
                return self.reader.formula(text)
            case "when" | "alone":
                return self.reader.condition(text)
            case "unit":
                return unit_words(text)
            case "cap" | "floor":
                return limit_words(text)
            case "order":
                return _order(text)
        return quoted(text) if not text.strip().rstrip("%").replace(".", "").isdigit() else text.strip()


def tell_texts(before: str, after: str) -> tuple[Said, ...]:
    """What stands differently in the second text, as sentences; where one of them is no TOML, the lines that differ."""
    first, _ = read_toml(before, "before")
    second, _ = read_toml(after, "after")
    if first is None or second is None:
        return tuple(_tell_lines(before, after))
    old, new = compile_file(first).plan, compile_file(second).plan
    teller = ChangeTeller(
        write_policy(old) if old is not None else None,
        write_policy(new) if new is not None else None,
        Reader(new if new is not None else old),
    )
    told = tuple(teller.tell(change) for change in differences(first, second))
    return told or ((say("只有注释或排版不同。"),) if before != after else ())


def _tell_lines(before: str, after: str) -> Iterator[Said]:
    old, new = before.splitlines(), after.splitlines()
    for kind, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        was, now = "\n".join(old[first:last]).strip(), "\n".join(new[start:end]).strip()
        if not now:
            yield say("第 {line} 行起删去：{text}", line=first + 1, text=was)
        elif not was:
            yield say("第 {line} 行起增加：{text}", line=start + 1, text=now)
        else:
            yield say("第 {line} 行起改为：{text}（原为：{was}）", line=start + 1, text=now, was=was)


def _with_sentence(said: Message, sentence: Said | None) -> Said:
    """With the sentence of the rule, where it is known."""
    return said if sentence is None else say("{what}：{sentence}", what=said, sentence=sentence)


def _is_rule(value: Any) -> bool:
    """A table that is a rule of its own, or a list of such."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(part, dict) for part in value)
    return isinstance(value, dict)


def _sentence(text: PolicyText | None, key: str) -> Said | None:
    """What a document says of a place: its own sentence, else those of what lies under it."""
    if text is None:
        return None
    if key in text.places:
        return text.places[key][1].said
    under = [
        place.said for name, (_, place) in text.places.items() if name.startswith((f"{key}.", f"{key}["))
    ]
    return joined(under, "；") if under else None


def _order(text: str) -> Said:
    name, _, direction = text.strip().rpartition(" ")
    if direction == "降":
        return say("{name}（高者在前）", name=name)
    if direction == "升":
        return say("{name}（低者在前）", name=name)
    return text


# Steps that lead to a value without saying anything about it.
_SILENT = frozenset({"score", "valid"})

SECTIONS: dict[str, Message] = {
    "policy": say("本办法"), "scoring": say("得分和总分"), "merge": say("合并评价办法"), "grading": say("定级办法"),
    "exempt": say("不按参评企业评价的情形"), "bonus": say("加分项"), "deduction": say("减分项"), "regrade": say("等级调整"),
    "veto": say("一票否决"), "class": say("类别"), "grade": say("评价等级"), "limit": say("限额"), "input": say("数据项"),
    "define": say("定义"),
}  # fmt: skip
ELEMENTS: dict[str, Message] = {
    "input": say("数据项"), "define": say("定义"), "exempt": say("例外情形"), "limit": say("限额组"), "bonus": say("加分项"),
    "deduction": say("减分项"), "grade": say("评价等级"), "regrade": say("等级调整"), "veto": say("一票否决"),
}  # fmt: skip
KEYS: dict[str, Message] = {
    "policy.id": say("编号"), "name": say("名称"), "source": say("依据文件"), "document": say("文件名称"), "number": say("文号"),
    "date": say("印发日期"), "url": say("网页"), "status": say("来源情况"), "valid": say("适用的期间"), "valid.from": say("起始日期"),
    "policy.from": say("起始日期"), "until": say("终止日期（不含当日）"), "open": say("没有说明的事项"), "illustrative": say("仅为示例"),
    "type": say("类型"), "unit": say("单位"), "digits": say("小数位数"), "range": say("合理范围"), "basis": say("能耗口径"),
    "levels": say("级别"), "values": say("取值"), "from": say("提供部门"), "missing": say("没有数据时的处理"), "clause": say("依据条款"),
    "formula": say("计算公式"), "when": say("所需条件"), "group": say("分组"), "table": say("分组表"), "other": say("其余归入"),
    "must": say("应满足的要求"), "else": say("不满足要求时的处理"), "exempt.then": say("归入"), "then": say("处理"),
    "scored": say("是否计算得分"), "treated_as": say("配置要素时的等级"), "below": say("户数下限"), "of": say("取法"), "times": say("倍数"),
    "base": say("基准值"), "percentile": say("分位"), "small": say("户数过少的组"), "by_group": say("基准值的分组"),
    "class.by": say("计分方法"), "merge.by": say("合并依据"), "by": say("分组"), "direction": say("方向"), "cap": say("上限"),
    "floor": say("下限"), "bottom": say("底分"), "equal": say("全组数值相同时的得分"), "bands": say("分档"), "weight": say("权重"),
    "score": say("计分办法"), "missing_by": say("平均得分的分组"), "zero": say("分母不大于零时的处理"), "indicator": say("指标"),
    "grading": say("定级办法"), "like": say("沿用的类别"), "method": say("方法"), "within": say("排名分组"), "order": say("排序"),
    "quota": say("名额"), "round": say("取整"), "counted": say("计入名额的企业"), "ties": say("同分的处理"), "vetoed": say("被否决企业的名额"),
    "direct": say("直接定级企业的名额"), "step": say("各步"), "grading.from": say("名次段"), "first": say("比例"), "grade": say("评价等级"),
    "rest": say("其余企业的等级"), "add": say("分值"), "points": say("分值"), "limit": say("限额组"), "classes": say("适用的类别"),
    "take": say("取法"), "lead": say("主体企业"), "land": say("比较用地的数据"), "alone": say("单独评价的条件"), "result": say("结果"),
    "official": say("为准的结果"), "score_digits": say("单项得分的小数位数"), "total_digits": say("总分的小数位数"),
    "weights": say("权重合计"),
}  # fmt: skip
