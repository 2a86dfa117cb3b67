"""``muheng demo`` and ``muheng run``: the demo city from nothing to grades."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from small_town import muheng

from muheng.cli.answer import Answer
from muheng.cli.run import show_everything
from muheng.cli.verb import print_lines
from muheng.intake.facts import read_facts

ROOT = Path(__file__).parents[2]


def explained_on(page: str) -> list[str]:
    """The explained grade that a README shows."""
    text = (ROOT / page).read_text(encoding="utf-8")
    block = re.search(r"<!-- explained -->\n```\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return block.group(1).splitlines()


def test_run_shows_everything_and_its_next_commands_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "演示 输出"
    answer: Answer = show_everything(str(out), quiet=True, lang="zh")
    print_lines(answer.lines)
    words = capsys.readouterr().out
    for word in ("合计", "数据问题", "逐字节相同", "举一户为例", "亩均税收", "annotated/"):
        assert word in words
    results = out / "results"
    assert set(os.listdir(results)) == {
        "results.xlsx", "report.html", "results.parquet", "bundle.zip", "annotated"
    }  # fmt: skip
    lines = words.split("接下来可以")[1].splitlines()
    commands = [shlex.split(line, comments=True)[1:] for line in lines if re.search(r"muheng\S* \w+ ", line)]
    assert [command[0] for command in commands] == ["explain", "advise", "whatif", "verify"]
    for command in commands:
        assert muheng(*command).code == 0
    data = answer.data
    assert data["proved"] is True
    assert data["demo"]["enterprises"] >= 1000
    assert sum(data["evaluation"]["grades"].values()) == data["evaluation"]["subjects"]
    assert data["evaluation"]["seal"] in words
    departments = {group["department"] for group in data["evaluation"]["problems"]["departments"]}
    assert departments >= {"税务", "供电", "统计"}
    assert data["example"]["code"] in words
    for page, lang in (("README.md", "zh"), ("README.en.md", "en")):
        told = muheng("explain", results, data["example"]["code"], "--lang", lang).out.splitlines()
        assert [line for line in explained_on(page) if line not in told] == [], page
    assert len(os.listdir(results / "annotated")) == len(data["evaluation"]["files"]) - 4


def test_a_demo_of_another_year_takes_the_place_of_the_first(tmp_path: Path) -> None:
    out = tmp_path / "城 市"
    data = muheng("demo", "maanshan", "--out", out, "--seed", 3, "--year", 2024, "--json").data
    assert (data["year"], data["seed"], data["city"]) == (2024, 3, "maanshan")
    assert sum(data["defects"].values()) > 100
    assert all(Path(file).is_file() for file in data["files"])
    assert read_facts(out / "上年数据").year == 2023
    words = muheng("demo", "maanshan", "--out", out)
    assert words.code == 0
    # evaluate would read both years, were the first still there.
    assert not [name for name in os.listdir(out) if "2024" in name]
    assert all(name in words.out for name in os.listdir(out))


def test_a_city_without_a_demo_or_without_a_pack(tmp_path: Path) -> None:
    for city in ("jingde", "亚特兰蒂斯"):
        outcome = muheng("demo", city, "--out", tmp_path / "x", "--json")
        assert outcome.code == 1
        assert outcome.data["error"]["kind"] == "unknown"
    assert os.listdir(tmp_path) == []
