"""Each cut's neighbours really are neighbours, and what told them apart is said."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import polars as pl
import pytest
from report_city import POLICY, make_facts, make_plan

from muheng.documents.message import Message
from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.cuts import Cut, find_cuts, group_labels
from muheng.policy.run import Result, evaluate
from muheng.reports import words

COARSE = POLICY.replace("total_digits = 1", "total_digits = 0")


@pytest.fixture(scope="module")
def coarse() -> Result:
    """Scores without decimals: ties are many."""
    return evaluate(make_plan(COARSE), make_facts(1200))


def rows_by_group(result: Result) -> dict[tuple[str, str | None], list[dict[str, object]]]:
    """Placed rows by class and group, best first."""
    frame = result.grades.with_columns(
        group_labels(result), result.values[p.TOTAL].alias("分"), result.values["亩均税收"]
    )
    groups: dict[tuple[str, str | None], list[dict[str, object]]] = defaultdict(list)
    for row in frame.filter(pl.col(p.PLACE).is_not_null()).sort(p.PLACE).iter_rows(named=True):
        groups[row[p.CLASS], row["排名组"]].append(row)
    return groups


def expected(result: Result) -> list[tuple[str, str, int, str, int]]:
    """(last in, first out, gap, key, depth) of every cut, from the lists alone."""
    found = []
    keys = {"规上": ("分", "亩均税收", CODE), "规下": ("分", CODE)}
    for (class_name, _), rows in rows_by_group(result).items():
        for above, below in pairwise(rows):
            if above[p.FIRST_GRADE] != below[p.FIRST_GRADE]:
                depth = next(i for i, key in enumerate(keys[class_name]) if above[key] != below[key])
                gap = int(str(above["分"])) - int(str(below["分"]))
                key = keys[class_name][depth].replace("分", p.TOTAL)
                found.append((str(above[CODE]), str(below[CODE]), gap, key, depth))
    return sorted(found)


def shown(cuts: tuple[Cut, ...]) -> list[tuple[str, str, int | None, str, int]]:
    return sorted((cut.last_in.code, cut.first_out.code, cut.gap, cut.key.name, cut.depth) for cut in cuts)


def test_cuts_are_between_neighbours(result: Result) -> None:
    assert shown(find_cuts(result)) == expected(result)
    assert len(find_cuts(result)) == 12


def test_ties_say_which_key_decided(coarse: Result) -> None:
    cuts = find_cuts(coarse)
    assert shown(cuts) == expected(coarse)
    tied = [cut for cut in cuts if cut.depth]
    assert any(cut.key.name == "亩均税收" for cut in tied)
    assert any(cut.by_code for cut in tied)
    for cut in tied:
        assert cut.gap == 0
        same = [
            row
            for (class_name, group), rows in rows_by_group(coarse).items()
            for row in rows
            if class_name in cut.classes and group == cut.group and row["分"] == cut.last_in.total
        ]
        if cut.depth == 1:
            assert cut.tied == len(same) >= 2


def test_the_decision_is_said_in_words(coarse: Result) -> None:
    by_code = next(cut for cut in find_cuts(coarse) if cut.by_code)
    assert str(words.cut_decision(by_code)) == f"{by_code.tied} 户各排序键全部相同，按信用代码先后分开"
    by_tax = next(cut for cut in find_cuts(coarse) if cut.key.name == "亩均税收")
    assert str(words.cut_decision(by_tax)).endswith("户并列，由第 2 排序键“亩均税收（高者在前）”分开")
    clear = next(cut for cut in find_cuts(coarse) if not cut.depth)
    assert str(words.cut_decision(clear)) == "无并列"


def test_equal_scores_are_never_cut_apart_where_they_share_a_place() -> None:
    text = COARSE.replace('ties = "按排序键"', 'ties = "同分就高"')
    cuts = find_cuts(evaluate(make_plan(text), make_facts(1200)))
    assert cuts
    assert all(cut.gap and cut.gap > 0 and not cut.depth for cut in cuts)


@pytest.mark.parametrize(("then", "word"), [("合并小组", "合并小组（"), ("按全体", "小组按全体排名（")])
def test_small_groups_are_named(then: str, word: str) -> None:
    text = POLICY.replace(
        'small = { below = 8, then = "合并小组" }', f'small = {{ below = 160, then = "{then}" }}'
    )
    result = evaluate(make_plan(text), make_facts(1200))
    groups = [cut.group for cut in find_cuts(result) if cut.classes == ("规上",)]
    assert any(isinstance(group, Message) and str(group).startswith(word) for group in groups)


def test_groups_of_several_classes_are_named_by_class() -> None:
    start = POLICY.index("[class.规下.grading]")
    text = POLICY[:start] + POLICY[POLICY.index("[scoring]") :]
    text = text.replace('within = ["行业组"]', "within = []").replace(
        "small = { below = 8", "# small = { below = 8"
    )
    cuts = find_cuts(evaluate(make_plan(text), make_facts(400)))
    assert {cut.group for cut in cuts} == {"规上", "规下"}
    assert all(cut.covers(str(cut.group)) for cut in cuts)
    assert not any(cut.covers("其他") for cut in cuts)


def test_two_step_cuts_are_between_the_last_chosen_and_the_next() -> None:
    start, end = POLICY.index("[grading]"), POLICY.index("[[regrade]]")
    steps = """
[grading]
method = "两步"
order = ["总分 降", "统一社会信用代码 升"]
counted = ["参评"]
ties = "按排序键"
vetoed = "占名额"
direct = "占名额"
rest = "B"

[[grading.step]]
from = "前50%"
order = ["亩均税收 降", "统一社会信用代码 升"]
first = "15%"
round = "四舍五入"
grade = "A"

[[grading.step]]
from = "后50%"
order = ["亩均税收 升", "统一社会信用代码 升"]
first = "10%"
round = "四舍五入"
grade = "C"

"""
    text = POLICY[:start] + steps + POLICY[end:]
    result = evaluate(make_plan(text), make_facts(400))
    cuts = [cut for cut in find_cuts(result) if cut.classes == ("规上",)]
    assert [(cut.step, cut.better, cut.worse) for cut in cuts] == [(1, "A", "B"), (2, "C", "B")]
    tax = dict(zip(result.values[CODE], result.values["亩均税收"], strict=True))
    first, second = cuts
    assert tax[first.last_in.code] >= tax[first.first_out.code]
    assert tax[second.last_in.code] <= tax[second.first_out.code]
    chosen = result.grades.filter((pl.col(p.CLASS) == "规上") & (pl.col(p.FIRST_GRADE) == "A"))
    assert first.last_in.place == chosen.height
    assert min(tax[code] for code in chosen[CODE]) == tax[first.last_in.code]
    assert str(words.cut_title(first)) == "第1步 A 的末位"


def test_group_labels_are_those_of_the_rows(result: Result) -> None:
    labels = group_labels(result)
    assert len(labels) == result.values.height
    by_class = defaultdict(set)
    for class_name, place, label in zip(result.grades[p.CLASS], result.grades[p.PLACE], labels, strict=True):
        by_class[class_name, place is None].add(label)
    assert by_class["规上", False] == {"金属", "装备", "其他"}
    assert by_class["规下", False] == {None}
    assert by_class["规上", True] == {None}
