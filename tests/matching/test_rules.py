"""Matching documents: the shipped ones are clean, a city's own replaces the common one, each mistake has its sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from muheng.matching.rules import COMMON, load_document, load_rules

HEAD = """
id = "finance"
kind = "finance"
name = "资金"
english = "Finance"
source = "示例"
ties = ["id"]
"""
TAGS = '[[points]]\nname = "标签"\nenglish = "Tags"\ntest = "tags"\neach = 5\nmost = 10\n'


def test_the_shipped_rules_are_clean() -> None:
    rules, found = load_rules()
    assert found == []
    assert set(rules) == {"finance", "technology", "labour"}
    assert [each.title("en") for each in rules.values()] == ["Finance", "Labour", "Technology"]


def test_a_citys_own_takes_the_place_of_the_common_one(tmp_path: Path) -> None:
    folder = tmp_path / "matching"
    folder.mkdir()
    (folder / "finance.toml").write_text(HEAD + TAGS, encoding="utf-8")
    rules, found = load_rules(tmp_path)
    assert found == []
    assert [rule.name for rule in rules["finance"].points] == ["标签"]
    assert rules["labour"].points == load_rules()[0]["labour"].points


def test_two_documents_of_a_kind_are_not_guessed_between(tmp_path: Path) -> None:
    folder = tmp_path / "matching"
    folder.mkdir()
    (folder / "loans.toml").write_text(
        HEAD.replace('"finance"\nkind', '"loans"\nkind') + TAGS, encoding="utf-8"
    )
    _rules, found = load_rules(tmp_path)
    assert [str(each.what) for each in found] == ["“finance”和“loans”都是 finance 的规则。"]


def test_a_file_is_called_by_its_id(tmp_path: Path) -> None:
    path = tmp_path / "money.toml"
    path.write_text((COMMON / "finance.toml").read_text(encoding="utf-8"), encoding="utf-8")
    rules, found = load_document(path)
    assert rules is None
    assert [str(each.what) for each in found] == ["代号是“finance”，文件名是“money.toml”。"]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (HEAD, None, "没有条件也没有加分，排不出先后。"),
        (HEAD.replace('["id"]', '["rate"]') + TAGS, 7, "最后一项“rate”可能相同，名次无法唯一确定。"),
        (HEAD.replace('["id"]', '["id", "id"]') + TAGS, 7, "“id”写了两次。"),
        (HEAD + TAGS + TAGS.replace("Tags", "More tags"), 15, "“标签”重复，第一次在第 9 行。"),
        (HEAD + TAGS.replace("most = 10", "most = 4"), 13, "合计最多 4 分，少于一项的 5 分。"),
        (HEAD + TAGS.replace("each = 5", "each = 2.5"), 12, "应是整数，写的是 2.5。"),
        (
            HEAD + TAGS + '[[condition]]\nname = "区域"\nenglish = "Region"\ntest = "region"\n',
            14,
            "缺少“unknown”。",
        ),
        (
            HEAD
            + TAGS
            + '[[condition]]\nname = "区域"\nenglish = "Region"\ntest = "regoin"\nunknown = "pass"\n',
            14,
            "“test”没有“regoin”这一种。",
        ),
        (
            HEAD
            + TAGS
            + '[[condition]]\nname = "行业"\nenglish = "Industry"\ntest = "industry"\nunknown = "pass"\nonly = ["C3", "34"]\n',
            19,
            "没有“C3”这个行业代码。",
        ),
        (
            HEAD
            + TAGS
            + '[[condition]]\nname = "金额"\nenglish = "Amount"\ntest = "amount"\nunknown = "pass"\nleast = 50\nmost = 20\n',
            19,
            "下限 50 大于上限 20，没有需求符合。",
        ),
        (
            HEAD
            + TAGS
            + '[[condition]]\nname = "金额"\nenglish = "Amount"\ntest = "amount"\nunknown = "pass"\nleast = 0.0000001\n',
            19,
            "1E-7 不能作为数额。",
        ),
        (
            HEAD
            + '[[points]]\nname = "利率"\nenglish = "Rate"\ntest = "rate"\nsteps = [{ within = 4, points = 5 }, { within = 3, points = 9 }]\n',
            12,
            "各档要由小到大：3 在 4 之后。",
        ),
        (
            HEAD
            + '[[points]]\nname = "急"\nenglish = "Urgent"\ntest = "urgency"\nsteps = [{ within = 4, points = 5 }, { within = 8, points = 9 }]\n',
            12,
            "这一档 9 分，不少于前一档的 5 分。",
        ),
        (
            HEAD
            + '[[points]]\nname = "利率"\nenglish = "Rate"\ntest = "rate"\nsteps = [{ within = 3.455, points = 5 }]\n',
            12,
            "利率最多两位小数：3.455。",
        ),
        (
            HEAD.replace('kind = "finance"', 'kind = "labour"')
            + TAGS
            + '[[condition]]\nname = "利率"\nenglish = "Rate"\ntest = "rate"\nunknown = "pass"\n',
            17,
            "只有资金有利率。",
        ),
        (
            HEAD.replace('kind = "finance"', 'kind = "technology"')
            + TAGS
            + '[[condition]]\nname = "期限"\nenglish = "Term"\ntest = "term"\nunknown = "pass"\n',
            17,
            "技术没有期限可比。",
        ),
    ],
)
def test_each_mistake_is_told_where_it_stands(text: str, line: int | None, what: str) -> None:
    rules, found = load_document(text)
    assert rules is None
    assert [(each.line, str(each.what)) for each in found] == [(line, what)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            '[[condition]]\nname = "等级"\nenglish = "Grade"\ntest = "grade"\nunknown = "pass"\nonly = ["A", "B"]\n'
            '[[points]]\nname = "等级分"\nenglish = "Grade points"\ntest = "grade"\ngrades = { A = 9, C = 1 }\n',
            "C 的分永远得不到：第 8 行的条件不收这个等级。",
        ),
        (
            '[[points]]\nname = "行业"\nenglish = "Industry"\ntest = "industry"\ndigits = { 2 = 9, 3 = 5 }\n',
            "行业越细，分数却没有越高：9、5。",
        ),
    ],
)
def test_what_is_odd_is_told_and_runs(text: str, what: str) -> None:
    rules, found = load_document(HEAD + text)
    assert rules is not None
    assert [(each.severity, str(each.what)) for each in found] == [("warning", what)]
