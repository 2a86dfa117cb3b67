"""A problem as a plain folder: what is written is read, in any order of rows, and what does not fit is told."""

from __future__ import annotations

import csv
import random
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.documents.message import Refusal
from muheng.emergency.plan.folder import (
    COUNTIES,
    FIRMS,
    LINES,
    OPTIONS,
    TARGETS,
    format_amount,
    label,
    read_folder,
    write_folder,
)
from muheng.emergency.plan.problem import LEVELS, Labels, Problem

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8).map(
    str.strip
)
FILLED = NAMES.filter(bool)


def amounts(draw: st.DrawFn, count: int) -> Any:
    return draw(st.lists(st.integers(0, 10**12), min_size=count, max_size=count))


def named(draw: st.DrawFn, count: int, names: st.SearchStrategy[str]) -> Labels:
    return label(pl.Series(draw(st.lists(names, min_size=count, max_size=count)), dtype=pl.String))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    ids = sorted(draw(st.sets(FILLED, min_size=1, max_size=6)))
    lines = len(ids)
    options = [draw(st.lists(FILLED, min_size=1, max_size=4, unique=True)) for _ in ids]
    count = sum(map(len, options))
    levels = tuple(level for level in LEVELS if draw(st.booleans())) or ("red",)
    firms, counties = named(draw, lines, FILLED), named(draw, lines, NAMES)
    need = [amounts(draw, 4) for _ in levels]
    problem = Problem(
        lines=pl.Series("line", ids),
        firms=firms,
        counties=counties,
        industries=named(draw, lines, NAMES),
        grades=named(draw, lines, NAMES),
        start=np.cumsum([0, *map(len, options)]),
        options=label(pl.Series([name for names in options for name in names])),
        loss=np.array(amounts(draw, count)),
        reduction=np.array([amounts(draw, 4) for _ in range(count)]),
        levels=levels,
        need=np.array(need),
        weight=draw(st.sampled_from([(), (6, 3, 1)[: len(levels)]])),
    )
    if problem.weight:
        divisor = np.gcd.reduce(problem.weight)
        problem = replace(problem, weight=tuple(int(each // divisor) for each in problem.weight))
    if draw(st.booleans()) and "" not in counties.names:
        shares = [[amounts(draw, 4) for _ in counties.names] for _ in levels]
        problem = replace(problem, county_need=np.array(shares))
    if draw(st.booleans()):
        problem = replace(problem, firm_cap=np.array(amounts(draw, len(firms.names))))
    return problem


def same(one: Problem, other: Problem) -> None:
    for field in fields(Problem):
        mine, yours = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, Labels):
            assert (mine.names, mine.codes.tolist()) == (yours.names, yours.codes.tolist()), field.name
        elif isinstance(mine, np.ndarray):
            assert mine.tolist() == yours.tolist(), field.name
        elif isinstance(mine, pl.Series):
            assert mine.to_list() == yours.to_list()
        else:
            assert mine == yours, field.name


def shuffle(folder: Path, seed: int) -> None:
    for file in folder.glob("*.csv"):
        with file.open(encoding="utf-8", newline="") as stream:
            head, *rows = csv.reader(stream)
        random.Random(seed).shuffle(rows)
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([head, *rows])


@given(problems(), st.integers(0, 3))
def test_what_is_written_is_read_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, problem: Problem, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("plan")
    write_folder(problem, folder)
    again, found = read_folder(folder)
    assert again is not None, found
    assert found == []
    same(problem, again)
    shuffle(folder, seed)
    shuffled, found = read_folder(folder)
    assert shuffled is not None, found
    same(problem, shuffled)


def write(folder: Path, **files: str) -> Path:
    """A city of two lines, with some of its files otherwise."""
    given = {
        LINES: "line,firm,county,industry,grade\nL1,F1,甲,水泥,B\nL2,F2,乙,铸造,C\n",
        OPTIONS: (
            "line,option,order,loss,so2,nox,pm,voc\n"
            "L1,none,0,0,0,0,0,0\nL1,stop,2,100,10,10,10,10\nL1,half,1,40,5,5,5,5\n"
            "L2,none,0,0,0,0,0,0\nL2,stop,1,30,2,2,2,2\n"
        ),
        TARGETS: "[orange]\nso2 = 6\nnox = 6\npm = 6\nvoc = 6\n",
    }
    names = {
        "lines": LINES,
        "options": OPTIONS,
        "targets": TARGETS,
        "counties": COUNTIES,
        "firms": FIRMS,
    }
    given |= {names[key]: text for key, text in files.items()}
    for name, text in given.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def told(folder: Path, *levels: str) -> list[tuple[str, int | None, str, str]]:
    problem, found = read_folder(folder, levels or None)
    assert problem is None
    return [(each.file, each.line, each.path, str(each.what)) for each in found if each.severity == "error"]


def test_options_stand_by_strictness(tmp_path: Path) -> None:
    problem, found = read_folder(write(tmp_path))
    assert problem is not None
    assert found == []
    assert [problem.options.names[code] for code in problem.options.codes] == [
        "none", "half", "stop", "none", "stop"
    ]  # fmt: skip
    assert problem.loss.tolist() == [0, 4000, 10000, 0, 3000]
    assert problem.need.tolist() == [[6000] * 4]
    assert problem.levels == ("orange",)
    assert problem.plain


@pytest.mark.parametrize(
    ("file", "text", "line", "column", "said"),
    [
        ("lines", "line,firm,county,industry,grade\n", None, "", "没有内容"),
        ("lines", "line,firm,county,industry,grade\nL1,F,甲,a,B\nL2,F,甲,a,B\nL1,F,甲,a,B\n", 4, "line", "“L1”前面已经写过"),
        ("lines", "line,firm,county,industry,grade\nL1,,甲,a,B\nL2,F,甲,a,B\n", 2, "firm", "空的"),
        ("lines", "line,firm,county,industry,grade\nL1,F,甲,a,B\nL2,F,甲,a,B\nL3,F,,,\n", 4, "line", "“L3”没有任何措施"),
        ("options", "line,option,order,loss,so2,nox,pm,voc\nL1,a,0,0,0,0,0,0\nL2,a,0,0,0,0,0,0\nL9,a,0,0,0,0,0,0\n", 4, "line", "没有生产线“L9”"),
        ("options", "line,option,order,loss,so2,nox,pm,voc\nL1,a,0,0,0,0,0,0\nL2,a,1,0,0,0,0,0\nL2,b,1.0,0,0,0,0,0\n", 4, "order", "序号 1 在"),
        ("options", "line,option,order,loss,so2,nox,pm,voc\nL2,a,1,0,0,0,0,0\nL1,a,0,0,0,0,0,0\nL2,a,0,0,0,0,0,0\n", 2, "option", "“a”在这条生产线上写了两次"),
        ("options", "line,option,order,loss,so2,nox,pm,voc\nL1,a,0,-1,0,0,0,0\nL2,a,0,0,0,0,0,0\n", 2, "loss", "负数"),
        ("options", "line,option,order,loss,so2,nox,pm,voc\nL1,a,0,1e18,0,0,0,0\nL2,a,0,0,0,0,0,0\n", 2, "loss", "太大"),
        ("options", "line,option,order,loss,so2,nox,pm,voc\nL1,a,0,0,0,0,0,0\nL2,a,0,0,0,0,0,1e16\n", 3, "voc", "太大"),
        ("options", "line,option,order,loss,so2,nox,pm\nL1,a,0,0,0,0,0\n", 1, "", "缺少列“voc”"),
        ("targets", "[orange]\nso2 = -1\n", 2, "orange.so2", "不小于"),
        ("targets", "[orange]\nSO2 = 1\n", 2, "orange.SO2", "不认识"),
        ("targets", "[purple]\nso2 = 1\n", 1, "purple", "不认识"),
        ("targets", "[orange]\nso2 = \"1\"\n", 2, "orange.so2", "应是数字"),
        ("targets", "[orange]\nso2 = nan\n", 2, "orange.so2", "不是一个确定的数"),
        ("targets", "[orange]\nso2 = 1e30\n", None, "", "太大"),
        ("targets", "", None, "", "没有写任何一级"),
        ("targets", "[orange]\nso2 = \n", 2, "", ""),
        ("targets", "[orange]\nso2=1\n[red]\nso2=1\n[weights]\norange=1\n", 5, "weights", "没有写 red 的权重"),
        ("targets", "[orange]\nso2=1\n[red]\nso2=1\n[weights]\norange=0.1234567\nred=1\n", 5, "weights", "太大"),
        ("targets", "[orange]\nso2=1\n[weights]\norange=0\n", 4, "weights.orange", "大于"),
        ("counties", "county,level,so2,nox,pm,voc\n丙,orange,1,1,1,1\n", 2, "county", "没有“丙”这个县"),
        ("counties", "county,level,so2,nox,pm,voc\n甲,橙色,1,1,1,1\n", 2, "level", "没有“橙色”"),
        ("counties", "county,level,so2,nox,pm,voc\n甲,orange,1,1,1,1\n甲,orange,1,1,1,1\n", 3, "county", "已经写过"),
        ("firms", "firm,cap\nF9,3\n", 2, "firm", "没有企业“F9”"),
        ("firms", "firm,cap\nF1,3\nF1,4\n", 3, "firm", "已经写过"),
        ("firms", "firm,cap\nF1,x\n", 2, "cap", "不是数字"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(
    tmp_path: Path, file: str, text: str, line: int | None, column: str, said: str
) -> None:
    found = told(write(tmp_path, **{file: text}))
    suffix = ".toml" if file == "targets" else ".csv"
    assert [each[:3] for each in found] == [(file + suffix, line, column)]
    assert said in found[0][3]


def test_faults_of_all_files_are_told_together(tmp_path: Path) -> None:
    folder = write(tmp_path, lines="line,firm\n", targets="[orange]\nso2 = -1\n")
    (folder / OPTIONS).unlink()
    assert {each[0] for each in told(folder)} == {LINES, OPTIONS, TARGETS}


def test_levels_are_those_asked(tmp_path: Path) -> None:
    folder = write(
        tmp_path, targets="[red]\nso2 = 3\n[yellow]\nso2 = 1.5\n[weights]\nyellow = 0.6\nred = 0.2\n"
    )
    problem, found = read_folder(folder)
    assert problem is not None
    assert (problem.levels, problem.weight) == (("yellow", "red"), (3, 1))
    assert problem.need.tolist() == [[1500, 0, 0, 0], [3000, 0, 0, 0]]
    assert {str(each.what) for each in found} == {"没有写 nox、pm、voc，当作不要求减排。"}
    problem, _ = read_folder(folder, ["red"])
    assert problem is not None
    assert (problem.levels, problem.weight) == (("red",), (1,))
    assert told(folder, "orange", "red")[0][3] == "没有 [orange] 的目标。"


def test_decimals_grow_as_far_as_sums_hold(tmp_path: Path) -> None:
    text = (
        "line,option,order,loss,so2,nox,pm,voc\n"
        "L1,a,0,0.12345,1e-05,0,0,0\nL1,b,1,1e9,0.30000000000000004,0,0,0\nL2,a,0,0,0,0,0,0\n"
    )
    problem, found = read_folder(write(tmp_path, options=text))
    assert problem is not None
    assert found == []
    assert (problem.money_digits, problem.mass_digits) == (5, 5)
    assert problem.loss.tolist() == [12345, 10**14, 0]
    assert problem.reduction[:, 0].tolist() == [1, 30000, 0]
    assert problem.need.tolist() == [[600_000] * 4]


def test_decimals_beyond_are_cut_and_told(tmp_path: Path) -> None:
    third = repr(1 / 3)
    text = (
        "line,option,order,loss,so2,nox,pm,voc\n"
        f"L1,a,0,{third},{2 / 3!r},0,0,0\nL1,b,1,1e9,1e9,0,0,0\nL2,a,0,0,0,0,0,0\n"
    )
    problem, found = read_folder(write(tmp_path, options=text, targets=f"[red]\nso2 = {third}\n"))
    assert problem is not None
    said = [str(each.what) for each in found if each.file == OPTIONS]
    assert len(said) == 2
    digits = problem.mass_digits
    assert problem.reduction[0, 0] == int("6" * digits)
    assert problem.need[0, 0] == int("3" * (digits - 1) + "4")
    assert problem.loss[0] == int("3" * problem.money_digits)
    assert 2 * 10**9 * 10**digits < 2**62 <= 2 * 10**9 * 10 ** (digits + 1)


def test_counties_and_caps(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        counties="county,level,so2,nox,pm,voc\n乙,orange,1,0,0.5,0\n甲,red,9,9,9,9\n",
        firms="firm,cap\nF1,40\n",
    )
    problem, found = read_folder(folder)
    assert problem is not None, found
    assert problem.county_need is not None
    assert problem.firm_cap is not None
    assert problem.counties.names == ("乙", "甲")
    assert problem.county_need.tolist() == [[[1000, 0, 500, 0], [0, 0, 0, 0]]]
    assert problem.firm_cap.tolist() == [4000, 3000]
    assert not problem.plain


def test_shares_of_counties_with_too_many_decimals_are_raised(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        targets="[orange]\nso2 = 1e9\nnox = 0\npm = 0\nvoc = 0\n",
        counties=f"county,level,so2,nox,pm,voc\n甲,orange,{1 / 3!r},0,{2 / 3!r},0\n",
    )
    problem, found = read_folder(folder)
    assert problem is not None
    assert problem.county_need is not None
    digits = problem.mass_digits
    assert problem.county_need[0, 1].tolist() == [
        int("3" * (digits - 1) + "4"),
        0,
        int("6" * (digits - 1) + "7"),
        0,
    ]
    assert [str(each.what) for each in found] == [
        f"小数的位数太多：减排量在第 {digits} 位小数以后舍去，目标向上进位（千克/日）。"
    ]


def test_a_folder_has_no_place_for_the_rest(tmp_path: Path) -> None:
    problem, _ = read_folder(write(tmp_path))
    assert problem is not None
    with pytest.raises(Refusal, match="band"):
        write_folder(replace(problem, band=Fraction(1, 100)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_amounts_as_text() -> None:
    assert [format_amount(value, 3) for value in (0, 5, 30_000, 12_500, 10**18)] == [
        "0", "0.005", "30", "12.5", "1000000000000000"
    ]  # fmt: skip
    assert format_amount(7, 0) == "7"
