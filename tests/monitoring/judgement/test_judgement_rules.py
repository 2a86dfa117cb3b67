"""The rule files: the shipped ones are sound; a mistake is told with its line; a city replaces a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from muheng.cli.check import check_path
from muheng.monitoring.judgement.rules import COMMON, load_rules, read_rules_file


def test_the_shipped_rules_are_sound() -> None:
    rules, found = load_rules()
    assert found == []
    assert rules is not None
    assert [tier.id for tier in rules.alerts.tier] == ["remind", "warn", "supervise"]
    for name in ("validity", "limits", "alerts"):
        path = COMMON / f"{name}.toml"
        assert read_rules_file(path) == []
        assert "示例" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("validity.toml", "hour_minutes = 45", "hour_minutes = 61", "不大于 60"),
        ("validity.toml", "at_most = 19.5", "at_most = 21", "小于 21"),
        ("validity.toml", 'counts = ["N"]', 'counts = ["X"]', "X"),
        ("limits.toml", 'marks = ["starting", "stopping",', 'marks = ["starting", "warming",', "warming"),
        ("limits.toml", 'effect = "none"', 'effect = "gone"', "gone"),
        ("alerts.toml", "copied_hours = 12", "copied_hours = 10", "10 小时"),
        ("alerts.toml", "percent = 80\nhours = 2", "hours = 2", "percent"),
        ("alerts.toml", 'kind = "flat"', 'kind = "flat"\nhours = 4', "不看 hours"),
        ("alerts.toml", 'id = "warn"', 'id = "remind"', "由低到高"),
        ("alerts.toml", "quiet_hours", "quite_hours", "quiet_hours"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    text = (COMMON / name).read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / name
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    found = read_rules_file(file)
    assert any(said in f"{each.what}{each.fix}" and each.line for each in found), found


def test_a_city_replaces_a_file_and_keeps_the_others(tmp_path: Path) -> None:
    (tmp_path / "monitoring").mkdir()
    text = (COMMON / "alerts.toml").read_text(encoding="utf-8")
    (tmp_path / "monitoring" / "alerts.toml").write_text(text.replace("quiet_hours = 6", "quiet_hours = 12"), encoding="utf-8")  # fmt: skip
    rules, found = load_rules(tmp_path)
    common, _ = load_rules()
    assert found == []
    assert rules is not None
    assert common is not None
    assert rules.alerts.episodes.quiet_hours == 12
    assert rules.validity == common.validity


def test_a_kind_needs_a_method_of_the_other_file(tmp_path: Path) -> None:
    (tmp_path / "monitoring").mkdir()
    text = (COMMON / "limits.toml").read_text(encoding="utf-8")
    (tmp_path / "monitoring" / "limits.toml").write_text(text.replace('method = "water"', 'method = "sea"'), encoding="utf-8")  # fmt: skip
    rules, found = load_rules(tmp_path)
    assert rules is None
    assert "sea" in str(found[0].what)
    assert found[0].line


def test_muheng_check_knows_the_three_files(tmp_path: Path) -> None:
    sound = check_path(str(COMMON), "zh")
    assert not sound.failed
    assert {each["kind"] for each in sound.data["checked"]} == {"monitoring"}
    wrong = tmp_path / "alerts.toml"
    wrong.write_text((COMMON / "alerts.toml").read_text(encoding="utf-8").replace("[signs]", "[sign]"), encoding="utf-8")  # fmt: skip
    assert check_path(str(wrong), "zh").failed
