"""Worked examples of the shipped policies, computed by hand, exact to the digits given.

The enterprises are invented; formulas, weights and bases are the policies' own, what the texts leave open is
assumed as the files say it (and varied here where another assumption is as good).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from small_policies import Outcome, make_facts, run

from muheng.cities.pack import find_policy


def text_of(policy: str) -> str:
    return find_policy(policy).read_text(encoding="utf-8")


def scores(outcome: Outcome, name: str, of: str, *indicators: str) -> list[str]:
    return [str(outcome.score(name, f"{of}.{indicator}.得分")) for indicator in indicators]


# 黄岩 2022: value ÷ published base × weight; no emission data → the mean score of the others.

HUANGYAN = {
    "甲": {"规模": "规上", "自有用地": 50, "承租用地": 10, "入库税收": 1800, "工业增加值": 9000, "综合能耗": 3000,
           "主要污染物排放量": 1.5, "平均职工人数": 450, "研发费用": 900, "营业收入": 30000},
    "乙": {"规模": "规上", "自有用地": 50, "出租用地": 10, "入库税收": 480, "工业增加值": 3200, "综合能耗": 2000,
           "平均职工人数": 200, "研发费用": 160, "营业收入": 16000},
    "丙": {"规模": "规上", "自有用地": 20, "入库税收": 10, "工业增加值": 200, "综合能耗": 400,
           "主要污染物排放量": 0.5, "平均职工人数": 40, "研发费用": 0, "营业收入": 1000},
    "丁": {"规模": "规下", "自有用地": 5, "入库税收": 60, "用电量": 200},
    "戊": {"规模": "规下", "自有用地": 3.5, "入库税收": 3.5, "用电量": 40},
    "己": {"规模": "规下", "自有用地": 3, "入库税收": 0, "用电量": 40},
}  # fmt: skip
ABOVE = ("亩均税收", "亩均增加值", "单位能耗增加值", "单位排放增加值", "全员劳动生产率", "研发经费占比")


def test_huangyan_2022_above() -> None:
    found = run(text_of("zj-huangyan-2022"), HUANGYAN, year=2022)
    values = {name: [found.figure(name, f"规上.{i}") for i in ABOVE] for name in "甲乙丙"}
    assert [found.figure(name, "用地") for name in "甲乙丙"] == [60, 40, 20]
    assert values["甲"] == [30, 150, 3, 6000, 20, Decimal("0.03")]
    assert values["乙"] == [12, 80, Decimal("1.6"), None, 16, Decimal("0.01")]
    assert values["丙"] == [Decimal("0.5"), 10, Decimal("0.5"), 400, 5, 0]
    assert scores(found, "甲", "规上", *ABOVE) == ["37.349", "22.033", "22.272", "12.171", "11.025", "9.934"]
    assert scores(found, "乙", "规上", *ABOVE) == ["14.940", "11.751", "11.878", "6.491", "8.820", "3.311"]
    assert scores(found, "丙", "规上", *ABOVE) == ["0.622", "1.469", "3.712", "0.811", "2.756", "0.000"]
    assert [str(found.total(name)) for name in "甲乙丙"] == ["114.784", "57.191", "9.371"]


def test_huangyan_2022_below() -> None:
    found = run(text_of("zj-huangyan-2022"), HUANGYAN, year=2022)
    two = ("亩均税收", "单位用电税收")
    assert scores(found, "丁", "规下", *two) == ["51.754", "63.776"]
    assert scores(found, "戊", "规下", *two) == ["4.313", "18.601"]
    assert [str(found.total(name)) for name in "丁戊己"] == ["115.530", "22.914", "0.000"]


def test_huangyan_2022_if_a_score_were_capped_at_one_fifth_more() -> None:
    text = text_of("zj-huangyan-2022").replace('cap = "不设", floor = 0', 'cap = "1.2倍权重", floor = 0')
    found = run(text, HUANGYAN, year=2022)
    assert scores(found, "甲", "规上", *ABOVE)[0] == "36.000"
    assert scores(found, "甲", "规上", *ABOVE)[3] == "12.000"
    # The mean that 乙 gets is of the capped scores.
    assert scores(found, "乙", "规上", *ABOVE)[3] == "6.406"
    assert [str(found.total(name)) for name in "甲乙丙"] == ["113.264", "57.106", "9.371"]


def test_huangyan_land_in_square_metres_is_the_same() -> None:
    square_metres = {"自有用地": Decimal("33333.333333"), "出租用地": Decimal("6666.666667")}
    units = dict.fromkeys(square_metres, "m²")
    facts = make_facts({"乙": HUANGYAN["乙"] | square_metres}, 2022, units=units)
    assert run(text_of("zj-huangyan-2022"), facts).figure("乙", "用地") == 40


def test_huangyan_2021_has_bases_of_its_own() -> None:
    found = run(text_of("zj-huangyan-2021"), HUANGYAN, year=2021)
    # 30÷26.01×30, 150÷132.27×20, 3÷2.54×20, 6000÷4861.08×10, 20÷17.45×10, 0.03÷0.0305×10
    expected = ["34.602", "22.681", "23.622", "12.343", "11.461", "9.836"]
    assert scores(found, "甲", "规上", *ABOVE) == expected
    assert scores(found, "丁", "规下", "亩均税收", "单位用电税收") == ["36.142", "63.408"]


def test_huangyan_mixed_enterprises_get_both_results() -> None:
    shared = {"合并组": "一号院", "主体企业": f"91{0:016d}"}
    rows = {"甲": HUANGYAN["甲"] | shared, "乙": HUANGYAN["乙"] | shared, "丙": HUANGYAN["丙"]}
    found = run(text_of("zj-huangyan-2022"), rows, year=2022)
    assert found.figure("甲", "用地") == 100
    assert found.figure("甲", "规上.亩均税收") == Decimal("22.8")
    # 甲 is the lead; 乙 shares its row.
    assert found.result.rows[f"91{1:016d}"] == found.row("甲")
    independent = found.result.independent
    assert independent is not None
    alone = Outcome(independent)
    assert [str(alone.total(name)) for name in "甲乙丙"] == ["114.784", "57.191", "9.371"]


# 淮安 2024: base = 2 × last year's mean.

HUAIAN = {
    "甲": {
        "规模": "规上",
        "自有用地": 40,
        "入库税收": 720,
        "营业收入": 16000,
        "综合能耗": 1200,
        "县区加分": 5,
    },
    "乙": {"规模": "规上", "自有用地": 30, "入库税收": 150, "营业收入": 3600, "综合能耗": 500},
    "丙": {"规模": "规上", "自有用地": 80, "入库税收": 80, "营业收入": 4000, "综合能耗": 1600, "县区减分": 3},
}
THREE = ("亩均税收", "亩均销售收入", "单位能耗税收")


def test_huaian_2024() -> None:
    found = run(text_of("js-huaian-2024"), HUAIAN)
    assert [found.figure("甲", f"工业企业.{name}.基准") for name in THREE] == [12, 300, Decimal("0.5")]
    assert scores(found, "甲", "工业企业", *THREE) == ["67.500", "46.667", "24.000"]
    assert scores(found, "乙", "工业企业", *THREE) == ["18.750", "14.000", "12.000"]
    assert scores(found, "丙", "工业企业", *THREE) == ["3.750", "5.833", "2.000"]
    assert [str(found.total(name)) for name in "甲乙丙"] == ["143.167", "44.750", "8.583"]


def test_huaian_2024_if_a_score_were_capped_at_its_weight() -> None:
    text = text_of("js-huaian-2024").replace(
        'cap = "不设", floor = "不设"', 'cap = "1倍权重", floor = "不设"'
    )
    found = run(text, HUAIAN)
    assert [str(found.total(name)) for name in "甲乙丙"] == ["105.000", "44.750", "8.583"]


def test_huaian_2024_from_the_facts_of_last_year() -> None:
    text = text_of("js-huaian-2024")
    for assumed in ("6", "150", "0.25"):
        text = text.replace(f', values = {{ "*" = {assumed} }}', "")
    assert "values" not in text.split("[class.工业企业]")[1].split("[scoring]")[0].replace("删去 values", "")
    last_year = {  # means 6, 150 and 0.25; a utility and a stub of land do not count
        "甲": {"规模": "规上", "自有用地": 10, "入库税收": 40, "营业收入": 1000, "综合能耗": 200},
        "乙": {
            "规模": "规上",
            "自有用地": 10,
            "入库税收": 80,
            "营业收入": 2000,
            "综合能耗": Decimal("266.666667"),
        },
        "丙": {"规模": "规上", "自有用地": 10, "入库税收": 999, "行业代码": "4411"},
        "丁": {"规模": "规下", "自有用地": 2, "入库税收": 999},
    }
    found = run(text, HUAIAN, previous=last_year)
    assert [found.figure("甲", f"工业企业.{name}.基准") for name in THREE] == [12, 300, Decimal("0.5")]
    assert [str(found.total(name)) for name in "甲乙丙"] == ["143.167", "44.750", "8.583"]


def huaian_roster(count: int) -> dict[str, dict[str, object]]:
    return {
        f"企业{at:02}": {
            "规模": "规上",
            "自有用地": 10,
            "入库税收": 1000 - at,
            "营业收入": 100,
            "综合能耗": 100,
        }
        for at in range(1, count + 1)
    }


@pytest.mark.parametrize(
    ("count", "letters"),
    [(20, "A" * 4 + "B" * 8 + "C" * 7 + "D"), (13, "A" * 2 + "B" * 5 + "C" * 5 + "D")],
)
def test_huaian_grades(count: int, letters: str) -> None:
    assert run(text_of("js-huaian-2024"), huaian_roster(count)).letters == letters


def test_huaian_equal_scores_share_the_better_grade() -> None:
    rows = huaian_roster(20)
    rows["企业05"] = rows["企业04"]
    found = run(text_of("js-huaian-2024"), rows)
    assert found.letters == "A" * 5 + "B" * 7 + "C" * 7 + "D"


# 旌德 2022: weight × [20 + 80 × (x − min) ÷ (max − min)] ÷ 100; weights assumed in the file.

JINGDE = {
    "甲": {"规模": "规上", "自有用地": 10, "入库税收": 50, "营业收入": 1000, "平均职工人数": 20,
           "主要污染物排放量": 2, "研发费用": 10, "综合能耗": 100},
    "乙": {"规模": "规上", "自有用地": 20, "入库税收": 300, "营业收入": 4000, "技改投资": 100, "平均职工人数": 40,
           "主要污染物排放量": 4, "研发费用": 40, "综合能耗": 200},
    "丙": {"规模": "规上", "自有用地": 10, "入库税收": 250, "营业收入": 6000, "技改投资": 200, "平均职工人数": 30,
           "研发费用": 60, "综合能耗": 150},
}  # fmt: skip
SEVEN = ("亩均税收", "亩均营业收入", "亩均技改投资", "全员劳动生产率", "单位污染物排放营业收入",
         "研发经费占营业收入比重", "单位能耗营业收入")  # fmt: skip


def test_jingde_2022() -> None:
    found = run(text_of("ah-jingde-2022"), JINGDE, year=2022)
    # 甲 is lowest in all: 20 % of each weight; R&D is 1 % for all three, so all get its full weight.
    assert scores(found, "甲", "规上", *SEVEN) == [
        "8.000",
        "3.000",
        "2.000",
        "2.000",
        "2.000",
        "10.000",
        "1.000",
    ]
    assert scores(found, "乙", "规上", *SEVEN) == [
        "24.000",
        "5.400",
        "4.000",
        "4.667",
        "10.000",
        "10.000",
        "2.333",
    ]
    # 丙 has no emission data: (2 + 10) ÷ 2.
    assert scores(found, "丙", "规上", *SEVEN) == [
        "40.000",
        "15.000",
        "10.000",
        "10.000",
        "6.000",
        "10.000",
        "5.000",
    ]
    assert [str(found.total(name)) for name in "甲乙丙"] == ["28.000", "60.400", "96.000"]


def test_jingde_an_outlier_presses_everyone_to_the_floor() -> None:
    rows = {
        f"企业{at:02}": {"规模": "规上", "自有用地": 10, "入库税收": 10 * at, "营业收入": 100}
        for at in range(1, 11)
    }
    before = run(text_of("ah-jingde-2022"), rows, year=2022)
    assert [scores(before, name, "规上", "亩均税收") for name in ("企业01", "企业10")] == [
        ["8.000"],
        ["40.000"],
    ]
    rows["特大"] = {"规模": "规上", "自有用地": 10, "入库税收": 1000, "营业收入": 100}
    after = run(text_of("ah-jingde-2022"), rows, year=2022)
    # 40 × [20 + 80 × 9 ÷ 99] ÷ 100
    assert scores(after, "企业10", "规上", "亩均税收") == ["10.909"]
    assert scores(after, "特大", "规上", "亩均税收") == ["40.000"]


def test_jingde_large_and_small_are_measured_apart() -> None:
    small = {f"小{name}": {**row, "规模": "规下"} for name, row in JINGDE.items()}
    found = run(text_of("ah-jingde-2022"), {**JINGDE, **small}, year=2022)
    assert scores(found, "小乙", "规下", "亩均税收") == ["36.000"]  # 60 × [20 + 80 × ½] ÷ 100
    assert scores(found, "乙", "规上", "亩均税收") == ["24.000"]


# 广德: small enterprises by rank alone; 不定等级 has a score, no grade, and is treated as B.


def guangde_small(count: int) -> dict[str, dict[str, object]]:
    return {
        f"企业{at:02}": {"规模": "规下", "园区": "市经开区东区", "自有用地": 10, "入库税收": 1000 - 10 * at}
        for at in range(1, count + 1)
    }


def test_guangde_small_enterprises_by_rank() -> None:
    found = run(text_of("ah-guangde"), guangde_small(20))
    assert found.letters == "A" * 5 + "B" * 9 + "C" * 5 + "D"
    assert [found.total(name) for name in ("企业01", "企业10", "企业20")] == [100, 55, 5]


def test_guangde_undetermined() -> None:
    rows = guangde_small(20)
    rows["水厂"] = {**rows["企业10"], "行业代码": "4610"}
    rows["新建"] = {**rows["企业01"], "标签": "在建重大项目"}
    found = run(text_of("ah-guangde"), rows)
    assert found.letters == "A" * 5 + "B" * 9 + "C" * 5 + "D" + "无无"
    assert found.standing("水厂") == ("不定等级", "公用事业")
    assert [found.total(name) for name in ("水厂", "新建")] == [55, 100]
    assert [found.column("施策等级")[name] for name in ("水厂", "新建", "企业20")] == ["B", "B", "D"]


def test_guangde_scope_of_small_enterprises() -> None:
    rows = {
        "园内五亩": {"规模": "规下", "园区": "市经开区西区", "自有用地": 5, "入库税收": 5},
        "园内四亩": {"规模": "规下", "园区": "市经开区西区", "自有用地": Decimal("4.9999"), "入库税收": 5},
        "园外五亩": {"规模": "规下", "自有用地": 5, "入库税收": 5},
        "租厂满四年": {"规模": "规下", "承租用地": 2, "租用厂房面积": 3000, "注册日期": date(2020, 12, 31), "入库税收": 5},
        "租厂差一天": {"规模": "规下", "承租用地": 2, "租用厂房面积": 3000, "注册日期": date(2021, 1, 1), "入库税收": 5},
        "租厂小": {"规模": "规下", "承租用地": 2, "租用厂房面积": 2999, "注册日期": date(2010, 1, 1), "入库税收": 5},
    }  # fmt: skip
    found = run(text_of("ah-guangde"), rows)
    rated = [name for name in rows if found.standing(name)[0] == "参评"]
    assert rated == ["园内五亩", "租厂满四年"]


# 温岭 parks: five industry groups, other quotas for small enterprises, deductions for leasing out.


def wenling(scale: str, count: int, industry: str = "3441", **more: object) -> dict[str, dict[str, object]]:
    return {
        f"{scale}{industry}{at:02}": {
            "规模": scale, "园区": "工业园", "行业代码": industry, "自有用地": 10, "入库税收": 1000 - 10 * at,
            "工业增加值": 1000, "营业收入": 3000, "综合能耗": 100, "平均职工人数": 10, "用电量": 10, **more,
        }
        for at in range(1, count + 1)
    }  # fmt: skip


def test_wenling_quotas_differ_by_scale_and_hold_in_each_group() -> None:
    large, pumps, shoes = wenling("规上", 20), wenling("规下", 20), wenling("规下", 20, "1951")
    found = run(text_of("zj-wenling-park-2022"), {**large, **pumps, **shoes}, year=2022)
    letters = "".join(str(found.grades[name]) for name in (*large, *pumps, *shoes))
    assert letters[:20] == "A" * 4 + "B" * 12 + "C" * 3 + "D"
    assert letters[20:40] == letters[40:] == "A" + "B" * 14 + "C" * 4 + "D"


def test_wenling_small_groups_are_ranked_together() -> None:
    rows = wenling("规上", 20) | wenling("规上", 6, "1711") | wenling("规上", 4, "3911")
    found = run(text_of("zj-wenling-park-2022"), rows, year=2022)
    pooled = [name for name in rows if "34" not in name]
    assert sorted(str(found.grades[name]) for name in pooled) == list("AABBBBBBCD")


@pytest.mark.parametrize(
    ("scale", "tenants", "deducted"),
    [("规上", 0, 0), ("规上", 1, 0), ("规上", 2, 5), ("规上", 4, 15), ("规上", 30, 145),
     ("规下", 0, 0), ("规下", 1, 10), ("规下", 2, 15), ("规下", 4, 25), ("规下", 30, 155)],
)  # fmt: skip
def test_wenling_deductions_for_leasing_out(scale: str, tenants: int, deducted: int) -> None:
    rows = wenling(scale, 2)
    first = next(iter(rows))
    before = run(text_of("zj-wenling-park-2022"), rows, year=2022).total(first)
    rows[first] |= {"出租规下户数": tenants}
    after = run(text_of("zj-wenling-park-2022"), rows, year=2022).total(first)
    assert before is not None
    assert after == before - deducted


def test_wenling_outside_the_parks_nobody_is_rated() -> None:
    rows = wenling("规上", 2)
    first = next(iter(rows))
    rows[first] = {key: value for key, value in rows[first].items() if key != "园区"}
    found = run(text_of("zj-wenling-park-2022"), rows, year=2022)
    assert found.standing(first) == ("不参评", "不在园区内")


# 郑州 2018: two steps.


def zhengzhou(count: int = 20) -> dict[str, dict[str, object]]:
    """By total 1 is best and 20 worst; by tax per mu the first half runs the other way; likewise by energy."""
    return {
        f"企业{at:02}": {
            "自有用地": 10,
            "入库税收": 100 + at if at <= count // 2 else 50,
            "营业收入": 2000 - 50 * at,
            "工业总产值": 1000 + at,
            "综合能耗": 100,
        }
        for at in range(1, count + 1)
    }


def test_zhengzhou_two_steps() -> None:
    found = run(text_of("ha-zhengzhou-2018"), zhengzhou(), year=2018)
    assert [found.column("名次")[name] for name in zhengzhou()] == list(range(1, 21))
    # First half: the highest tax per mu, 15 % of 20 = 3; second half: the lowest output per tce, 10 % of 20 = 2.
    assert found.letters == "BBBBBBBAAA" + "CC" + "B" * 8
    assert set(found.counts) == {"A", "B", "C"}


def test_zhengzhou_without_energy_data_nobody_falls_to_c() -> None:
    rows = zhengzhou()
    rows["企业11"] |= {"综合能耗": None}
    rows["企业12"] |= {"综合能耗": 0}
    found = run(text_of("ha-zhengzhou-2018"), rows, year=2018)
    assert found.letters == "BBBBBBBAAA" + "BBCC" + "B" * 6


def test_zhengzhou_odd_numbers() -> None:
    # 21 × 50 % = 10.5: places 1–10 are the first half; 15 % → 3.15 → 3, 10 % → 2.1 → 2.
    found = run(text_of("ha-zhengzhou-2018"), zhengzhou(21), year=2018)
    assert found.letters == "BBBBBBBAAA" + "CC" + "B" * 9
