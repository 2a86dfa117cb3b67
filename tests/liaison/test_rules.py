"""The city's rules for pairing and visits."""

from __future__ import annotations

from pathlib import Path

import pytest

from muheng.documents.diagnostic import format_diagnostics
from muheng.liaison.rules import load_rules, read_rules


def test_the_common_rules_are_once_a_quarter_at_the_door() -> None:
    rules, found = load_rules()
    assert found == []
    assert rules is not None
    assert (rules.visit.months, rules.visit.at_least, rules.visit.ways) == (3, 1, ("上门走访",))


def test_a_citys_own_rules_replace_the_common_ones(tmp_path: Path) -> None:
    (tmp_path / "liaison.toml").write_text(
        '[visit]\nmonths = 1\nways = ["上门走访", "电话"]\n[pairing]\nmost = 5\n[week]\nper_day = 2\n',
        encoding="utf-8",
    )
    rules, found = load_rules(tmp_path)
    assert found == []
    assert rules is not None
    assert (rules.visit.months, rules.pairing.most, rules.visit.grace) == (1, 5, 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[visit]\nmonths = 5", "liaison.toml:2"),
        ("[visit]\nmonths = 3\nways = []", "liaison.toml:3"),
        ('[visit]\nmonths = 3\nways = ["微信"]', "liaison.toml:3"),
        ("[visit]\nmonths = 3\nat_most = 2", "at_most"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "liaison.toml"
    file.write_text(f"{line}\n[pairing]\nmost = 5\n[week]\nper_day = 2\n", encoding="utf-8")
    rules, found = read_rules(file)
    assert rules is None
    assert said in format_diagnostics(found)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    rules, found = read_rules(tmp_path / "liaison.toml")
    assert rules is None
    assert found
