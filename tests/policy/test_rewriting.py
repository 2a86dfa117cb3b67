"""A number changed in a policy's text changes that number and nothing else of what a person wrote."""

from __future__ import annotations

import difflib

import pytest

from muheng.documents.message import Refusal
from muheng.policy.change import ABSENT, Change, make_change, read_change, read_data
from muheng.policy.rewriting import rewrite

TEXT = """\
# A method.
[class.规上]
when = "规模 == '规上' 且 用地 > 3"   # three mu

[[class.规上.indicator]]
name   = "亩均税收"
weight = 40   # of 100
score  = { by = "比值", base = { of = "同组加权平均", small = { below = 10, then = "按全体" } }, cap = "1.5倍权重", floor = 0 }

[[class.规上.indicator]]
name   = '亩均利润'
weight = 60.50
score  = { by = "比值", base = 12, cap = 90, floor = 0 }

[grading]
quota = { A = "20%", 'B' = "60%", "C" = '95%' }
order = [
    "总分 降",  # first
]
"""


@pytest.mark.parametrize(
    ("assignment", "line"),
    [
        ("class.规上.indicator[亩均税收].weight=45", "weight = 45   # of 100"),
        ("class.规上.indicator[亩均利润].weight=59.5", "weight = 59.5"),
        ("class.规上.indicator[亩均税收].score.base.small.below=8", "small = { below = 8, then"),
        ("class.规上.indicator[亩均利润].score.floor=-5", "cap = 90, floor = -5 }"),
        ("class.规上.indicator[亩均税收].score.cap=1.2倍权重", 'cap = "1.2倍权重", floor = 0 }'),
        ("grading.quota.B=55%", "'B' = \"55%\""),
        ("grading.quota.C=90%", '"C" = "90%"'),
        ("class.规上.when=\"规模 == '规上' 且 用地 > 5\"", '用地 > 5"   # three mu'),
    ],
)
def test_one_line_changes_and_the_rest_stays(assignment: str, line: str) -> None:
    file = read_data(TEXT, "policy")
    change = read_change(file, assignment)
    made = rewrite(TEXT, [change])
    assert read_data(made, "policy").data == make_change(file, change).data
    changed = [row for row in difflib.ndiff(TEXT.split("\n"), made.split("\n")) if row[0] in "+-"]
    assert len(changed) == 2
    assert line in changed[1]


def test_several_changes_one_after_another() -> None:
    file = read_data(TEXT, "policy")
    changes = [
        read_change(file, f"class.规上.indicator[{name}].weight={weight}")
        for name, weight in (("亩均税收", 1), ("亩均利润", 99))
    ]
    made = read_data(rewrite(TEXT, changes), "policy").data
    assert [item["weight"] for item in made["class"]["规上"]["indicator"]] == [1, 99]
    assert rewrite(TEXT, []) == TEXT


@pytest.mark.parametrize(
    "change",
    [
        Change(("scoring", "cap"), ABSENT, 5),
        Change(("class", "规上", "indicator", "没有", "weight"), 1, 2),
        Change(("class", "规上", "indicator", "亩均税收", "score", "inverse"), ABSENT, 1),
        Change(("grading", "order"), ["总分 降"], 3),
    ],
)
def test_what_is_not_written_as_a_value_is_refused(change: Change) -> None:
    with pytest.raises(Refusal):
        rewrite(TEXT, [change])
