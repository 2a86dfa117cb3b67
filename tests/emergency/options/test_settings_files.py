"""Settings and norms: the shipped ones are clean, a city's own replaces them, each mistake has its sentence and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from muheng.cities.pack import PACKS
from muheng.emergency.norms import COMMON as NORMS
from muheng.emergency.norms import load_norms, read_norms
from muheng.emergency.settings import COMMON, load_settings, read_settings

TEXT = COMMON.read_text("utf-8")
OWN = sorted(path.parent for path in PACKS.glob("*/emergency.toml"))


@pytest.mark.parametrize("folder", [None, *OWN], ids=lambda folder: folder.name if folder else "common")
def test_what_is_shipped_is_clean(folder: Path | None) -> None:
    settings, found = load_settings(folder)
    assert found == []
    assert settings is not None
    assert settings.status == "illustrative"
    assert load_norms(folder)[1] == []


def test_a_city_s_own_takes_the_place_of_the_common_ones(tmp_path: Path) -> None:
    (tmp_path / "emergency.toml").write_text(
        TEXT.replace("pooling         = false", "pooling = true"), "utf-8"
    )
    settings, found = load_settings(tmp_path)
    assert settings is not None, found
    assert settings.ratio.pooling
    (tmp_path / "emergency").mkdir()
    (tmp_path / "emergency" / "norms.toml").write_text(
        NORMS.read_text("utf-8").replace("part = 30", "part = 31"), "utf-8"
    )
    norms, found = load_norms(tmp_path)
    assert norms is not None, found
    assert norms.norm[0].orange.part == 31


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("pooling         = false\n", "", "缺少“pooling”。"),
        ("[weights]", "[weights]\norangen = 1", "不认识的名称“orangen”。"),
        ('"all_society"', '"everybody"', "没有 \"everybody\" 这个选项。"),
        ("red             = { so2 = 30", "red             = { so2 = 15", "级别更高，so2 的比例却更低。"),
        ("so2 = 10", 'so2 = "10"', "应是数字，写的是 \"10\"。"),
        ("so2 = 10", "so2 = 101", "应不大于 100，写的是 101。"),
        ("part     = 100", "part     = 90", "停产要减 100%，写的是 90%。"),
        ("part     = 50", "part     = 100", "限产 100% 就是停产。"),
        ("part     = 50", "part     = 33.33", "减少的产量最多一位小数：33.33。"),
        ('"限产50%"', '"限产30%"', "“限产30%”重复，第一次在第 22 行。"),
        ('kind     = "停产"', 'kind     = "自主减排"', "“自主减排”减多少因厂而异，不能当作通用措施。"),
        ('stopped = ["D"]', 'stopped = ["D", "A"]', "“A”级既不强制又要停产。"),
        ('kind = "重点工程"', 'kind = "绿色引领"', "“绿色引领”重复，第一次在第 59 行。"),
        ('most = "orange"', 'most = "blue"', "没有 \"blue\" 这个选项。"),
        ('"移动源"', '"扬尘源"', "“扬尘源”写了两次。"),
        ("yellow = 6", "yellow = 0", "应不小于 1，写的是 0。"),
        ("rotation    = 0", "rotation = nan", "“NaN” 不是一个确定的数。"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_sentence(old: str, new: str, what: str) -> None:
    assert old in TEXT
    _settings, found = read_settings(TEXT.replace(old, new, 1))
    assert [str(each.what) for each in found] == [what]
    assert all(each.line for each in found)


def test_with_controlled_firms_as_the_base_nothing_makes_up_for_anything() -> None:
    text = TEXT.replace('"all_society"', '"controlled_firms"').replace(
        "pooling         = false", "pooling = true"
    )
    settings, found = read_settings(text)
    assert settings is None
    assert [str(each.what) for each in found] == [
        "以管控企业为基数时，各级的基数不同，SO2 与 NOx 不能互相折抵。"
    ]


def test_measures_by_lines_without_whole_lines_are_pointed_out() -> None:
    text = TEXT.replace('count_by = "负荷计"', 'count_by = "生产线计"', 1).replace(
        "whole_lines = true", "whole_lines = false"
    )
    settings, found = read_settings(text)
    assert settings is not None
    assert [(each.severity, str(each.what)) for each in found] == [
        ("warning", "有措施按生产线计，却没有整条停线的规则。")
    ]


def test_the_norm_that_says_most_goes_first() -> None:
    text = NORMS.read_text("utf-8") + (
        '[[norm]]\ntrades = ["水泥"]\ngrades = ["B"]\nyellow = { part = 1 }\norange = { part = 2 }\nred = { part = 3 }\n'
        '[[norm]]\ntrades = ["水泥"]\ngrades = ["B"]\nstep = "粉磨"\nyellow = { part = 4 }\norange = { part = 5 }\n'
        "red = { part = 6 }\n"
    )
    norms, found = read_norms(text)
    assert norms is not None, found
    parts = [
        norms.find(*key)
        for key in (
            ("水泥", "B", ""),
            ("水泥", "B", "粉磨"),
            ("玻璃", "B", "粉磨"),
            ("", "B", ""),
            ("水泥", "", ""),
        )
    ]
    assert [None if each is None else int(each.yellow.part) for each in parts] == [1, 4, 0, None, None]


def test_norms_that_contradict_each_other_are_told() -> None:
    text = (
        NORMS.read_text("utf-8")
        .replace('grades = ["B-"]', 'grades = ["B"]')
        .replace("{ part = 75 }", "{ part = 3 }")
    )
    norms, found = read_norms(text)
    assert norms is None
    assert [str(each.what) for each in found] == [
        "各行业 B 级的规定重复，第一次在第 8 行。",
        "级别更高，要求却更松。",
    ]
