"""Formulas and conditions in words, in both languages, and as written where they cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from muheng.cities.pack import find_policy
from muheng.policy.compile import compile_policy
from muheng.reports.phrases import Reader, joined, unit_words
from muheng.reports.words import render


def reader(policy: str = "ah-maanshan-demo") -> Reader:
    plan = compile_policy(find_policy(policy)).plan
    assert plan is not None
    return Reader(plan)


CONDITIONS = [
    ("规模 == '规下' 且 用地 < 3", "规模为“规下”，且用地不足 3 亩"),
    ("3 > 用地", "用地不足 3 亩"),
    ("状态 in ['注销', '迁出']", "状态为“注销”或“迁出”"),
    ("开头是(行业代码, '44', '45', '46')", "行业代码以44、45或46开头"),
    ("非 开头是(行业代码, '44')", "行业代码不以44开头"),
    ("有('专精特新', '国家级') 或 有('品牌')", "有“专精特新”（国家级）标签，或有“品牌”标签"),
    ("非 有('品牌')", "没有“品牌”标签"),
    ("安全事故等级 >= '较大'", "安全事故等级为“较大”及以上"),
    ("失信 != '是'", "失信不是“是”"),
    ("满年(投产日期) < 2", "投产日期至评价年度12月31日不满 2 年"),
    ("满年(投产日期) > 2", "投产日期至评价年度12月31日的满周年数超过 2 年"),
    ("约定投产日期 > 年末", "约定投产日期晚于评价年度12月31日"),
    ("投产日期 <= '2021-03-09'", "投产日期不晚于2021年3月9日"),
    ("缺(约定投产日期)", "没有约定投产日期"),
    ("非 缺(约定投产日期)", "有约定投产日期"),
    ("非 出租过半", "不符合“出租过半”"),
    ("非 (用电量 > 0)", "并非（用电量大于0）"),
    ("出租用地 * 2 > 自有用地", "出租用地×2大于自有用地"),
    ("研发投入强度 >= 5", "研发投入强度达到 5%"),
    (
        "状态 == '在建' 且 (缺(约定投产日期) 或 约定投产日期 > 年末)",
        "状态为“在建”，且（没有约定投产日期，或约定投产日期晚于评价年度12月31日）",
    ),
]


@pytest.mark.parametrize(("source", "words"), CONDITIONS)
def test_a_condition_reads_as_a_clause_of_a_document(source: str, words: str) -> None:
    assert render(reader().condition(source), "zh") == words


FORMULAS = [
    ("自有用地 + 承租用地 - 出租用地", "自有用地＋承租用地－出租用地"),
    ("自有用地 - (承租用地 - 出租用地)", "自有用地－（承租用地－出租用地）"),
    ("入库税收 / (自有用地 * 2)", "入库税收÷（自有用地×2）"),
    ("5 * 最大(平均职工人数 - 1, 0)", "5×（平均职工人数－1与0中的较大者）"),
    ("最小(自有用地, 承租用地, 出租用地)", "自有用地、承租用地、出租用地 中最小者"),
    ("如果(出租用地 > 0, 出租用地, 0)", "出租用地大于0的，取 出租用地，否则取 0"),
    ("-入库税收", "－入库税收"),
    ("平均(用地, 行业组)", "同一行业组参评企业用地的平均值"),
    ("户数()", "参评企业户数"),
    ("合计(用地)", "参评企业用地的合计"),
]


@pytest.mark.parametrize(("source", "words"), FORMULAS)
def test_a_formula_reads_as_on_paper(source: str, words: str) -> None:
    assert render(reader().formula(source), "zh") == words


def test_english_says_the_same() -> None:
    said = reader().condition("规模 == '规下' 且 用地 < 3")
    assert render(said, "en") == "规模 is “规下”, and 用地 is below 3 mu"
    assert render(reader().formula("入库税收 / 用地"), "en") == "入库税收 ÷ 用地"


@pytest.mark.parametrize(
    "source", ["用地 <", "用地 ==", "'", "最大(", "满年() < 2", "有()", "缺(1)", "开头是()"]
)
def test_what_cannot_be_read_is_still_said(source: str) -> None:
    for plan in (reader(), Reader(None)):
        assert render(plan.condition(source), "zh")
        assert render(plan.formula(source), "en")


def test_units_are_words() -> None:
    assert [render(unit_words(unit), "zh") for unit in ("万元/tce", "万kWh", "m²", "万元/(人·年)")] == [
        "万元/吨标准煤",
        "万千瓦时",
        "平方米",
        "万元/(人·年)",
    ]


def test_a_long_list_does_not_nest_deeply() -> None:
    assert len(render(joined([str(number) for number in range(5000)]), "en").split(", ")) == 5000


def test_every_unit_of_the_shipped_policies_has_a_name() -> None:
    for path in Path(find_policy("ah-guangde")).parents[2].glob("*/policies/*.toml"):
        plan = compile_policy(path).plan
        assert plan is not None
        for item in plan.document.input.values():
            if item.unit and item.unit != "%":
                assert unit_words(item.unit) != item.unit, item.unit
