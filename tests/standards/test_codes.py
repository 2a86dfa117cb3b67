"""Industries (GB/T 4754-2017) and administrative divisions (GB/T 2260)."""

from __future__ import annotations

import pytest

from muheng.standards.division import divisions_under, find_division, full_name
from muheng.standards.industry import (
    UnknownIndustry,
    division_name,
    division_of,
    industry_name,
    list_divisions,
    section_name,
    section_of,
)


def test_all_sections_and_divisions() -> None:
    sections = "ABCDEFGHIJKLMNOPQRST"
    divisions = [division for section in sections for division in list_divisions(section)]
    assert divisions == [f"{n:02d}" for n in range(1, 98)]
    letters = [section_of(division) for division in divisions]
    assert letters == sorted(letters)


@pytest.mark.parametrize("code", ["C34", "c34", "34", "341", "3411", "C3411", " 34 "])
def test_every_way_of_writing(code: str) -> None:
    assert section_of(code) == "C"
    assert division_of(code) == "34"
    assert division_name(code) == "通用设备制造业"
    assert section_name(code) == "制造业"


def test_a_section_alone() -> None:
    assert industry_name("D") == "电力、热力、燃气及水生产和供应业"
    assert industry_name("44") == "电力、热力生产和供应业"
    assert division_of("D") is None
    with pytest.raises(UnknownIndustry):
        division_name("D")


@pytest.mark.parametrize("code", ["", "0", "00", "98", "U01", "C345678", "通用设备"])
def test_no_industry(code: str) -> None:
    with pytest.raises(UnknownIndustry):
        industry_name(code)


def test_a_wrong_letter_is_mended() -> None:
    with pytest.raises(UnknownIndustry) as caught:
        section_of("D3411")
    assert str(caught.value.fix) == "写成 C3411。"


def test_divisions_of_the_demo_cities() -> None:
    assert full_name("340504") == "安徽省马鞍山市雨山区"
    assert full_name("370406") == "山东省枣庄市山亭区"
    assert full_name("331003") == "浙江省台州市黄岩区"
    assert full_name("999999") is None
    assert [county.name for county in divisions_under("340500")] == [
        "花山区", "雨山区", "博望区", "当涂县", "含山县", "和县",
    ]  # fmt: skip
    assert len(divisions_under("370800")) == 11
    assert len(divisions_under("330400")) == 7
    assert len(divisions_under("430700")) == 9
    assert len(divisions_under("320800")) == 7
    assert len(divisions_under("410100")) == 12


@pytest.mark.parametrize("province", ["320000", "330000", "340000", "370000", "410000", "430000"])
def test_the_tree_has_no_loose_ends(province: str) -> None:
    for city in divisions_under(province):
        assert divisions_under(city.code)
        for county in divisions_under(city.code):
            assert (full_name(county.code) or "").startswith((full_name(province) or "") + city.name)


def test_former_codes_lead_to_their_successors() -> None:
    former = find_division("341822")
    assert former is not None
    assert (former.name, former.successor, former.until) == ("广德县", "341882", 2019)
    assert former not in divisions_under("341800")
    successor = find_division(former.successor or "")
    assert successor is not None
    assert successor.name == "广德市"
