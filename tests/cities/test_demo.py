"""The demo city is synthetic, plausible, the same for the same seed, and damaged where it says it is."""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from stdnum.cn import uscc

from muheng.cities.demo import DemoCity, make_demo, read_parameters, write_demo
from muheng.cities.pack import Pack
from muheng.standards.credit_code import check_credit_code
from muheng.standards.industry import division_name
from muheng.standards.units import parse_unit

ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def with_land(truth: pl.DataFrame) -> pl.DataFrame:
    """Figures as floats, and 用地 = 自有 + 承租 − 出租."""
    numbers = [name for name, dtype in truth.schema.items() if isinstance(dtype, pl.Decimal)]
    floats = truth.with_columns(pl.col(numbers).cast(pl.Float64))
    held = [pl.col(name).fill_null(0) for name in ("自有用地", "承租用地", "出租用地")]
    return floats.with_columns((held[0] + held[1] - held[2]).alias("用地"))


def test_the_same_seed_gives_the_same_bytes(
    maanshan: Pack, city: DemoCity, files: list[Path], tmp_path: Path
) -> None:
    again = make_demo(maanshan, city.seed, city.year)
    assert again.truth.equals(city.truth)
    assert again.defects == city.defects
    for first, second in zip(files, write_demo(again, tmp_path), strict=True):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes(), first.name


def test_another_seed_gives_another_city(maanshan: Pack, city: DemoCity) -> None:
    other = make_demo(maanshan, city.seed + 1, city.year)
    assert len(set(other.truth["企业名称"]) & set(city.truth["企业名称"])) < 5
    assert other.truth.height == city.truth.height


def test_the_year_before_is_the_past_of_the_year_after(maanshan: Pack, city: DemoCity) -> None:
    before = make_demo(maanshan, city.seed, city.year - 1)
    assert before.truth.equals(city.past)
    assert set(before.truth["企业名称"]) < set(city.truth["企业名称"])


@pytest.mark.parametrize(("seed", "year"), [(0, 2022), (1, 2023), (2, 2024), (3, 2026)])
def test_any_seed_and_year_make_a_city(maanshan: Pack, seed: int, year: int) -> None:
    city = make_demo(maanshan, seed, year)
    assert 1150 <= city.truth.height <= 1200
    assert city.truth["注册日期"].dt.year().max() <= min(year, 2025)
    above = with_land(city.truth).filter(pl.col("规模") == "规上")
    growth = 1.03 ** (year - 2025)
    assert above["入库税收"].sum() / above["用地"].sum() == pytest.approx(14.75 * growth, rel=0.08)


def test_enterprises_are_as_many_as_the_parameters_say(maanshan: Pack, city: DemoCity) -> None:
    parameters, _ = read_parameters(maanshan)
    assert parameters is not None
    assert dict(city.truth["规模"].value_counts().iter_rows()) == {"规上": 480, "规下": 720}
    wanted = Counter()
    for industry in parameters.roster.industry:
        wanted[industry.group] += industry.above + industry.below
    assert dict(city.truth["行业组"].value_counts().iter_rows()) == dict(wanted)
    home = dict(maanshan.city.townships())
    counties = Counter(home[township] for township in city.truth["乡镇"])
    assert counties == {county.name: county.above + county.below for county in parameters.roster.county}
    inside = Counter(park.split("|")[0] for park in city.truth["园区"].drop_nulls())
    for park in parameters.roster.park:
        found = maanshan.city.find_park(park.id)
        assert found is not None
        assert inside[found.short or ""] == park.above + park.below
    assert all(division_name(code) for code in city.truth["行业代码"])


def test_codes_are_valid_and_evidently_synthetic(city: DemoCity) -> None:
    codes = city.truth["统一社会信用代码"].to_list()
    assert len(set(codes)) == len(codes) == 1200
    for code in codes:
        assert uscc.is_valid(code)
        assert check_credit_code(code).problem is None
        assert re.fullmatch(r"913405\d\d(MUHENG|000[01]\d\d)....", code)
        if "MUHENG" not in code:
            total = sum(
                int(digit) * weight for digit, weight in zip(code[8:16], ORGANISATION_WEIGHTS, strict=True)
            )
            right = "0123456789X"[(11 - total % 11) % 11]
            assert code[16] != right
    # Some are all digits, which is what Excel spoils.
    assert sum(code.isdigit() for code in codes) > 100
    names = city.truth["企业名称"]
    assert names.n_unique() == 1200
    assert names.str.contains(r"^\p{Han}{3}\p{Han}+（?\p{Han}*）?.*公司$").all()


def test_levels_are_plausible_and_heavy_tailed(city: DemoCity) -> None:
    truth = with_land(city.truth)
    above = truth.filter(pl.col("规模") == "规上")
    below = truth.filter(pl.col("规模") == "规下")
    assert above["入库税收"].sum() / above["用地"].sum() == pytest.approx(14.75, rel=0.06)
    assert 1 < below["入库税收"].sum() / below["用地"].sum() < 4
    land = above["用地"].sort(descending=True)
    assert land[:48].sum() > 0.4 * land.sum()
    assert land.mean() > 1.7 * land.median()
    ordinary = above.filter((pl.col("状态") == "正常") & (pl.col("用地") > 0) & (pl.col("入库税收") > 0))
    ratios = ordinary.select(
        tax=pl.col("入库税收") / pl.col("用地"),
        value=pl.col("工业增加值") / pl.col("用地"),
        energy=pl.col("工业增加值") / pl.col("综合能耗"),
        labour=pl.col("工业增加值") / pl.col("平均职工人数"),
    )
    medians = ratios.median().row(0, named=True)
    assert 6 < medians["tax"] < 15
    assert 40 < medians["value"] < 110
    assert 1 < medians["energy"] < 4
    assert 12 < medians["labour"] < 30
    # Within an industry the ratios rise together; between industries they need not.
    logs = ratios.with_columns(ordinary["行业组"]).drop_nulls().with_columns(pl.exclude("行业组").log())
    above_its_group = logs.select(pl.exclude("行业组") - pl.exclude("行业组").mean().over("行业组"))
    for one, other, least in (("tax", "value", 0.6), ("value", "energy", 0.1), ("value", "labour", 0.1)):
        assert above_its_group.select(pl.corr(one, other)).item() > least
    assert (
        (above["综合能耗"] > above["综合能耗当量值"]) | above["综合能耗"].is_null() | (above["用电量"] == 0)
    ).all()


def test_the_hard_cases_are_all_there(city: DemoCity) -> None:
    truth = with_land(city.truth)

    def count(condition: pl.Expr) -> int:
        return truth.filter(condition).height

    assert count(pl.col("增值税") < 0) >= 10
    assert count(pl.col("入库税收") < 0) == 3
    assert count(pl.col("自有用地").is_null() & pl.col("承租用地").is_null()) == 12
    assert count((pl.col("出租用地") > 0) & (pl.col("用地") == 0)) == 2
    assert count(pl.col("用地") < 0) == 0
    assert count(pl.col("自有用地").is_null() & (pl.col("承租用地") > 0)) > 100
    assert count(pl.col("自有用地").is_not_null() & (pl.col("承租用地") > 0)) > 20
    assert count(pl.col("出租户数") > 1) > 10
    assert 500 < count(pl.col("主要污染物排放量").is_null()) < 700
    assert count(pl.col("状态") == "在建") == 6
    assert count(pl.col("状态") == "停产") == 12
    assert count(pl.col("注册日期").dt.year() >= city.year - 2) > 20
    assert count(pl.col("园区").str.contains(r"\|")) == 3
    assert count(pl.col("合并组").is_not_null()) >= 12
    assert set(truth["环境违法等级"]) == {"无", "一般", "较大", "重大"}
    assert count(pl.col("失信") == "是") == 6
    tags = set("|".join(truth["标签"].drop_nulls()).split("|"))
    assert tags >= {"高新技术企业", "专精特新:省级", "专精特新:国家级", "绿色工厂:国家级", "智能工厂:省级"}
    assert {division_name(code) for code in truth["行业代码"]} >= {"水的生产和供应业"}
    grades = truth.filter(pl.col("上年等级").is_not_null()).group_by("规模", "上年等级").len()
    shares = {(scale, grade): n for scale, grade, n in grades.iter_rows()}
    assert 0.19 < shares["规上", "A"] / sum(n for (scale, _), n in shares.items() if scale == "规上") < 0.21


def test_sums_and_units_hold(city: DemoCity) -> None:
    parts = ["COD排放量", "氨氮排放量", "二氧化硫排放量", "氮氧化物排放量"]
    emitting = city.truth.filter(pl.col("主要污染物排放量").is_not_null())
    total = emitting.select(pl.sum_horizontal(pl.col(parts).fill_null(0))).to_series()
    assert total.to_list() == emitting["主要污染物排放量"].to_list()
    for unit in set(city.units.values()):
        parse_unit(unit)
    assert set(city.units) < set(city.truth.columns)


def test_no_cell_is_a_formula_and_every_defect_stands_where_it_is_said_to(
    city: DemoCity, files: list[Path]
) -> None:
    cells: dict[tuple[str, str, str], object] = {}
    hidden = set()
    for path in files:
        if path.suffix == ".csv":
            rows = csv.reader(path.read_bytes().decode("gbk").splitlines(keepends=True))
            for number, row in enumerate(rows, 1):
                cells |= {
                    (path.name, path.stem, f"{chr(65 + i)}{number}"): text for i, text in enumerate(row)
                }
            continue
        book = openpyxl.load_workbook(path)
        for sheet in book.worksheets:
            if sheet.sheet_state == "hidden":
                hidden.add((path.name, sheet.title))
            for cells_of_row in sheet.iter_rows():
                for cell in cells_of_row:
                    assert cell.data_type != "f"
                    if cell.value is not None:
                        cells[path.name, sheet.title, cell.coordinate] = cell.value
    for defect in city.defects:
        value = cells.get((defect.file, defect.sheet, defect.cell))
        if isinstance(value, int | float):
            assert value == float(defect.found), defect
        else:
            assert (value or "") == defect.found, defect
        assert defect.cell == re.sub(r"\d+", "", defect.cell) + str(defect.row)
        if defect.kind == "隐藏工作表":
            assert (defect.file, defect.sheet) in hidden
        if defect.kind == "信用代码存成数字":
            assert f"{value:.14e}".endswith("e+17")
            assert f"{value:.14e}"[:1] == "9"
    assert len(hidden) == 2


def test_defects_are_planted_as_asked_and_one_to_an_enterprise(maanshan: Pack, city: DemoCity) -> None:
    parameters, _ = read_parameters(maanshan)
    assert parameters is not None
    wanted = Counter()
    for kinds in parameters.defects.planted.values():
        wanted.update(kinds)
    planted = Counter(
        defect.kind for defect in city.defects if defect.outcome in ("认出", "问题", "提示", "读入")
    )
    for kind, count in wanted.items():
        assert planted[kind] >= count, kind
    for kind in ("全角数字", "千分位", "文本数字"):
        assert planted[kind] > 40
    assert {defect.kind for defect in city.defects if defect.outcome == "略过"} == {
        "合计行", "隐藏工作表", "末尾空行", "两行表头",
    }  # fmt: skip
    known = set(city.truth["统一社会信用代码"])
    damaged = Counter(
        code for defect in city.defects if defect.outcome in ("认出", "问题") for code in defect.codes
    )
    assert set(damaged) <= known
    assert max(damaged.values()) == 1


def test_departments_write_in_their_own_way(city: DemoCity, files: list[Path]) -> None:
    by_name = {path.name: path for path in files}
    tax = openpyxl.load_workbook(by_name["税务局2025.xlsx"])["入库税收"]
    assert tax["D3"].value == "入库税收合计（元）"
    assert "A1:K1" in {str(merged) for merged in tax.merged_cells.ranges}
    statistics = openpyxl.load_workbook(by_name["统计局2025年报.xlsx"]).worksheets[0]
    assert statistics["N2"].value == "单位：万元"
    assert statistics["B4"].value == "总计"
    ecology = openpyxl.load_workbook(by_name["生态环境局2025.xlsx"]).worksheets[0]
    assert {"C3:F3", "G3:J3", "A3:A4"} <= {str(merged) for merged in ecology.merged_cells.ranges}
    with pytest.raises(UnicodeDecodeError):
        by_name["水务2025.csv"].read_text(encoding="utf-8")
    roster = openpyxl.load_workbook(by_name["经信局2025年企业名单.xlsx"])["企业名单"]
    assert roster.max_row == 1208 + 40


def test_a_mistake_in_the_parameters_is_named(maanshan: Pack, tmp_path: Path) -> None:
    folder = tmp_path / "maanshan"
    shutil.copytree(maanshan.folder, folder)
    path = folder / "demo" / "roster.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace('name = "和县",   above = 70', 'name = "和县",   above = 71').replace(
        '"jingkai"', '"jingkay"'
    )
    path.write_text(text, encoding="utf-8")
    broken = replace(maanshan, folder=folder)
    parameters, found = read_parameters(broken)
    assert parameters is None
    told = " ".join(str(diagnostic.what) for diagnostic in found)
    assert "规上：区县合计 481 家，行业合计 480 家" in told
    assert "没有代号为“jingkay”的园区" in told
    with pytest.raises(ValueError, match="481"):
        make_demo(broken, 1, 2025)


def test_an_area_is_exact_in_both_units(city: DemoCity) -> None:
    owned = city.truth["自有用地"].drop_nulls().to_list()
    assert all((area / 3 * 2000) % 1 == 0 for area in owned if isinstance(area, Decimal))
