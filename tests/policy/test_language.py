"""What the policy language says at its edges: every rule of the reference, with values worked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
from small_policies import INDICATOR, SCORING, Outcome, graded, indicator, marks, policy, run

from muheng.policy.bind import DataError
from muheng.policy.run import describe_misfits

INDUSTRY = '行业 = { type = "文本", missing = "视为缺" }\n'
TAX = '税收 = { unit = "万元", missing = "得零分" }\n'
LAND = '用地 = { unit = "亩", missing = 0 }\n'
TAGGED = '标签 = { type = "标签", missing = "视为缺" }\n'
FLAG = '标记 = { type = "文本", missing = "无" }\n'
UTILITY = '\n[[exempt]]\nname = "公用"\nwhen = "标记 == \'公用\'"\nthen = "{}"\n{}\n'

Rows = dict[str, dict[str, object]]


def one(*indicators: str) -> str:
    """A class 企业 of these indicators."""
    return "\n[class.企业]\n" + "".join(indicators)


def totals(found: Outcome, names: str) -> list[Decimal | None]:
    return [found.total(name) for name in names]


def row(values: Mapping[str, object], **more: object) -> dict[str, object]:
    return {**values, **more}


def rules(section: str, *lines: Mapping[str, object]) -> str:
    """[[section]] tables; text is quoted, lists and numbers as they are."""
    made = ""
    for line in lines:
        made += f"\n[[{section}]]\n"
        made += "".join(f"{key} = {_toml(value)}\n" for key, value in line.items())
    return made


def _toml(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return "true" if value is True else str(value).replace("'", '"')


def refusal(source: str, rows: Mapping[str, Mapping[str, object]], **more: object) -> list[str]:
    with pytest.raises(DataError) as raised:
        run(source, rows, **more)  # type: ignore[arg-type]
    return [str(message) for message in describe_misfits(raised.value.misfits)]


# -- scores ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "value", "points"),
    [
        ('by = "比值", base = 40, cap = "不设", floor = "不设"', 50, "125"),
        ('by = "比值", base = 40, cap = 120, floor = "不设"', 50, "120"),
        ('by = "比值", base = 40, cap = "1.1倍权重", floor = "不设"', 50, "110"),
        ('by = "比值", base = 40, cap = "1.1倍权重", floor = "不设"', 44, "110"),
        ('by = "比值", base = 40, cap = "不设", floor = 0', -10, "0"),
        ('by = "比值", base = 40, cap = "不设", floor = "不设"', -10, "-25"),
        ('by = "比值", base = 40, cap = "不设", floor = -20', -10, "-20"),
        ('by = "比值", base = 40, cap = "不设", floor = 10', 0, "10"),
        ('by = "比值", base = 3, cap = "不设", floor = 0', 1, "33.33"),
        ('by = "比值", base = 3, cap = "不设", floor = 0', 2, "66.67"),
        ('by = "比值", base = 8000, cap = "不设", floor = "不设"', 1, "0.01"),  # 0.0125
        ('by = "比值", base = 20000, cap = "不设", floor = "不设"', 1, "0.01"),  # 0.005 up
        ('by = "比值", base = 20000, cap = "不设", floor = "不设"', -1, "-0.01"),  # away from zero
        ('by = "比值", base = "50%", cap = "不设", floor = 0', Decimal("0.4"), "80"),
        ('by = "比值", base = 40, direction = "越低越好", cap = "不设", floor = 0', 50, "80"),
        ('by = "比值", base = 40, direction = "越低越好", cap = 150, floor = 0', 20, "150"),
        ('by = "分档", bands = [[20, 30], [10, 15]]', 20, "30"),
        ('by = "分档", bands = [[20, 30], [10, 15]]', Decimal("19.99"), "15"),
        ('by = "分档", bands = [[20, 30], [10, 15]]', 10, "15"),
        ('by = "分档", bands = [[20, 30], [10, 15]]', Decimal("9.99"), "0"),
        ('by = "分档", bands = [[10, 30], [20, 15]], direction = "越低越好"', 10, "30"),
        ('by = "分档", bands = [[10, 30], [20, 15]], direction = "越低越好"', Decimal("10.01"), "15"),
        ('by = "分档", bands = [[10, 30], [20, 15]], direction = "越低越好"', Decimal("20.01"), "0"),
        ('by = "分档", bands = [["50%", 30]]', Decimal("0.5"), "30"),
    ],
)  # fmt: skip
def test_score_of_one_value(score: str, value: object, points: str) -> None:
    text = policy(indicator=one(indicator(score=score, more='zero = "得零分"')))
    assert run(text, {"甲": {"成绩": value}}).total("甲") == Decimal(points)


def test_a_percentage_is_read_in_the_unit_of_the_indicator() -> None:
    ratio = 'by = "比值", base = "3.02%", cap = "不设", floor = 0'
    plain = 'by = "比值", base = 3.02, cap = "不设", floor = 0'
    rows = {"甲": {"成绩": Decimal("0.0604")}}
    for score in (ratio, plain):
        text = policy(indicator=one(indicator(unit="%", score=score)), inputs="").replace(
            'unit = "1", digits = 2', 'unit = "1", digits = 4'
        )
        assert run(text, rows).total("甲") == 200


@pytest.mark.parametrize(
    ("more", "values", "points"),
    [
        ("", (0, 50, 100), ("20", "60", "100")),
        ("", (0, 30, 90), ("20", "46.67", "100")),
        ("", (-10, 0, 10), ("20", "60", "100")),
        ("", (7, 7, 7), ("100", "100", "100")),
        (', direction = "越低越好"', (0, 50, 100), ("100", "60", "20")),
    ],
)
def test_range_score(more: str, values: tuple[int, ...], points: tuple[str, ...]) -> None:
    score = f'by = "极差", bottom = 20, equal = "满分"{more}'
    found = run(policy(indicator=one(indicator(score=score))), marks(*values))
    assert [str(found.score(f"企业{at}", "总分")) for at in (1, 2, 3)] == [
        f"{Decimal(p):.3f}" for p in points
    ]


def test_range_score_of_equals_may_be_nothing() -> None:
    score = 'by = "极差", bottom = 20, equal = "得零分"'
    found = run(policy(indicator=one(indicator(score=score))), marks(7, 7, None))
    assert [found.total(f"企业{at}") for at in (1, 2, 3)] == [0, 0, 0]


def test_range_score_within_groups_and_of_the_rated_only() -> None:
    text = policy(
        UTILITY.format("不定等级", "scored = true"),
        inputs=INDUSTRY + FLAG,
        indicator=one(indicator(score='by = "极差", bottom = 0, equal = "满分", group = ["行业"]')),
    )
    rows: Rows = {
        "甲": {"成绩": 0, "行业": "纺织"},
        "乙": {"成绩": 10, "行业": "纺织"},
        "丙": {"成绩": 100, "行业": "机械"},
        "丁": {"成绩": 300, "行业": "机械"},
        "戊": {"成绩": 5},
        "己": {"成绩": 20, "行业": "纺织", "标记": "公用"},
    }
    # 戊 alone has no industry and is a group of itself; 己 is measured on the rated ones' scale, beyond its end.
    assert totals(run(text, rows), "甲乙丙丁戊己") == [0, 100, 0, 100, 100, 200]


def test_rank_score() -> None:
    score = 'by = "名次"'
    found = run(policy(indicator=one(indicator(score=score))), marks(9, 7, 7, 1))
    assert [found.total(f"企业{at}") for at in range(1, 5)] == [100, 75, 75, 25]
    low = run(policy(indicator=one(indicator(score=score + ', direction = "越低越好"'))), marks(9, 7, 7, 1))
    assert [low.total(f"企业{at}") for at in range(1, 5)] == [25, 75, 75, 100]


def test_rank_score_counts_those_that_have_the_figure() -> None:
    text = policy(
        UTILITY.format("不定等级", "scored = true"),
        inputs=INDUSTRY + FLAG,
        indicator=one(indicator(score='by = "名次", group = ["行业"]')),
    )
    rows: Rows = {
        "甲": {"成绩": 9, "行业": "纺织"},
        "乙": {"成绩": 5, "行业": "纺织"},
        "丙": {"行业": "纺织"},
        "丁": {"成绩": 1, "行业": "机械"},
        "戊": {"成绩": 7, "行业": "纺织", "标记": "公用"},
        "己": {"成绩": 1, "行业": "纺织", "标记": "公用"},
    }
    # 戊 comes after one of two rated; 己 after both.
    assert totals(run(text, rows), "甲乙丙丁戊己") == [100, 50, 0, 100, 50, 0]


# -- bases -----------------------------------------------------------------------------------------


def based(base: str, *, more: str = "", formula: str = "成绩", unit: str = "1", by_group: str = "") -> str:
    score = f'by = "比值", {by_group}base = {base}, cap = "不设", floor = "不设"'
    zero = "" if 'zero = "' in more else 'zero = "得零分"\n'
    return one(indicator(formula, unit=unit, score=score, more=zero + more))


def test_base_by_group() -> None:
    inputs = '行业 = { type = "文本", values = ["纺织", "机械", "其他"], missing = "其他" }'
    text = policy(inputs=inputs, indicator=based('{ 纺织 = 20, "*" = 50 }', by_group='by_group = "行业", '))
    rows: Rows = {
        "甲": {"成绩": 10, "行业": "纺织"},
        "乙": {"成绩": 10, "行业": "机械"},
        "丙": {"成绩": 10},
    }
    assert totals(run(text, rows), "甲乙丙") == [50, 20, 20]


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ('{ of = "同组平均" }', ["50", "150", "40", "160"]),  # mean 20 of all four
        ('{ of = "同组平均", times = 2 }', ["25", "75", "20", "80"]),
        ('{ of = "同组平均", times = "120%" }', ["41.67", "125", "33.33", "133.33"]),
        ('{ of = "同组平均", by = ["行业"] }', ["50", "150", "100", "100"]),  # 纺织 20, 机械 8, 化工 32
        (
            '{ of = "同组平均", by = ["行业"], small = { below = 2, then = "按全体" } }',
            ["50", "150", "40", "160"],
        ),
        ('{ of = "同组分位", percentile = "50%" }', ["100", "300", "80", "320"]),  # 2nd of 8 10 30 32
        ('{ of = "同组分位", percentile = "51%" }', ["33.33", "100", "26.67", "106.67"]),
        ('{ of = "同组分位", percentile = "100%" }', ["31.25", "93.75", "25", "100"]),
        ('{ of = "同组分位", percentile = "0.1%" }', ["125", "375", "100", "400"]),
        ('{ of = "同组分位", percentile = "50%", times = "1.5" }', ["66.67", "200", "53.33", "213.33"]),
        ('{ of = "同组分位", percentile = "90%", by = ["行业"] }', ["33.33", "100", "100", "100"]),
    ],
)
def test_base_of_the_group(base: str, expected: list[str]) -> None:
    text = policy(
        UTILITY.format("T", ""),
        inputs=INDUSTRY + FLAG,
        indicator=based(base),
    )
    rows: Rows = {
        "甲": {"成绩": 10, "行业": "纺织"},
        "乙": {"成绩": 30, "行业": "纺织"},
        "丙": {"成绩": 8, "行业": "机械"},
        "丁": {"成绩": 32, "行业": "化工"},
        "无数": {"行业": "纺织"},  # without the figure: not in the mean
        "公用": {"成绩": 9999, "行业": "纺织", "标记": "公用"},  # not rated: not in the mean
    }
    found = run(text, rows)
    assert totals(found, "甲乙丙丁") == [Decimal(points) for points in expected]
    assert found.total("无数") == 0
    assert found.total("公用") is None


def test_weighted_mean_is_sum_over_sum() -> None:
    text = policy(
        inputs=TAX + LAND,
        indicator=based('{ of = "同组加权平均" }', formula="税收 / 用地", unit="万元/亩"),
    )
    rows: Rows = {"甲": {"税收": 100, "用地": 10}, "乙": {"税收": 100, "用地": 90}, "丙": {"用地": 5}}
    found = run(text, rows)
    # (100 + 100) ÷ (10 + 90) = 2; the plain mean would be 5.56. 丙 has land but no tax: in neither sum.
    assert found.figure("甲", "企业.成绩单.基准") == 2
    assert totals(found, "甲乙丙") == [500, Decimal("55.5"), 0]


def test_base_of_last_year_by_group() -> None:
    text = policy(inputs=INDUSTRY, indicator=based('{ of = "上年同组平均", times = 2, by = ["行业"] }'))
    rows: Rows = {
        "甲": {"成绩": 10, "行业": "纺织"},
        "乙": {"成绩": 10, "行业": "机械"},
        "丙": {"成绩": 10, "行业": "新行业"},
        "丁": {"成绩": 10},
    }
    before: Rows = {
        "甲": {"成绩": 2, "行业": "纺织"},
        "乙": {"成绩": 8, "行业": "纺织"},
        "丙": {"成绩": 20, "行业": "机械"},
        "老厂": {"成绩": 4},
    }
    found = run(text, rows, previous=before)
    # 纺织 2×5, 机械 2×20, none 2×4; 新行业 did not exist: its rule for a missing base, 0 points.
    assert totals(found, "甲乙丙丁") == [100, 25, 0, 125]


def test_base_of_last_year_needs_last_year() -> None:
    text = policy(indicator=based('{ of = "上年同组加权平均" }', formula="成绩 / 成绩"))
    assert refusal(text, marks(1)) == [
        "“企业.成绩单”以上年平均为基准，没有给上年数据。 用 --previous 给出上年的数据，或在规则的 base 中写 values。"
    ]


def test_base_published_for_last_year() -> None:
    inputs = '行业 = { type = "文本", values = ["纺织", "机械"], missing = "纺织" }'
    text = policy(
        inputs=inputs,
        indicator=based(
            '{ of = "上年同组平均", times = 2, by = ["行业"], values = { 纺织 = 5, 机械 = 2.5 } }'
        ),
    )
    rows: Rows = {"甲": {"成绩": 10}, "乙": {"成绩": 10, "行业": "机械"}}
    assert totals(run(text, rows), "甲乙") == [100, 200]


@pytest.mark.parametrize("values", [(0, 0), (-5, 5), (-5, -5)])
@pytest.mark.parametrize(("rule", "points"), [("得零分", 0), ("满分", 100), ("同组平均得分", 0)])
def test_a_mean_that_is_not_positive_is_no_base(values: tuple[int, int], rule: str, points: int) -> None:
    text = policy(indicator=based('{ of = "同组平均" }', more=f'zero = "{rule}"\n'))
    found = run(text, marks(*values))
    assert [found.total("企业1"), found.total("企业2")] == [points, points]


def test_nobody_is_rated() -> None:
    text = policy(UTILITY.format("T", "scored = true"), inputs=FLAG, indicator=based('{ of = "同组平均" }'))
    found = run(text, {"甲": {"成绩": 5, "标记": "公用"}})
    assert found.total("甲") == 0
    assert found.letters == "无"


# -- what is missing, what is zero -----------------------------------------------------------------


def missing_rule(rule: str, of_indicator: str = "") -> str:
    more = f'missing = "{of_indicator}"' if of_indicator else ""
    inputs = f'量 = {{ unit = "1", digits = 2, missing = {rule} }}'
    return policy(
        inputs=inputs,
        indicator=one(indicator("量", more=more, weight="60"), indicator(weight="40", name="乙项")),
    )


@pytest.mark.parametrize(
    ("rule", "of_indicator", "total"),
    [
        ('"得零分"', "", 40),
        ("30", "", 58),
        ('"同组平均得分"', "", 85),  # mean of 60 and 30
        ('"视为缺"', "得零分", 40),
        ('"视为缺"', "满分", 100),
        ('"视为缺"', "同组平均得分", 85),
        ('"得零分"', "满分", 100),  # the indicator's own rule goes before the item's
    ],
)
def test_missing_number(rule: str, of_indicator: str, total: int) -> None:
    rows = {"甲": {"量": 100, "成绩": 100}, "乙": {"量": 50, "成绩": 100}, "丙": {"成绩": 100}}
    found = run(missing_rule(rule, of_indicator), rows)
    assert totals(found, "甲乙丙") == [100, 70, total]


@pytest.mark.parametrize("standing", ["不参评", "暂缓评价", "免评价", "T"])
def test_missing_number_keeps_from_being_rated(standing: str) -> None:
    for text in (missing_rule(f'"{standing}：没有量"'), missing_rule('"视为缺"', f"{standing}：没有量")):
        found = run(text, {"甲": {"量": 100, "成绩": 100}, "乙": {"成绩": 100}})
        assert found.standing("乙") == (standing, "没有量")
        assert found.total("乙") is None
        assert found.letters[1] == "无"


def test_missing_number_refuses_the_run() -> None:
    rows = {"甲": {"量": 1, "成绩": 1}, "乙": {"成绩": 1}, "丙": {"成绩": 1}}
    assert refusal(missing_rule('"报错"'), rows) == [
        "乙 缺“量”，规则规定缺此项不得运行。",
        "丙 缺“量”，规则规定缺此项不得运行。",
    ]
    assert refusal(missing_rule('"报错"'), {"甲": {"成绩": 1}}) == ["没有“量”的数据。"]


def test_an_item_nobody_gave_is_missing_for_everyone() -> None:
    assert run(missing_rule('"得零分"'), marks(100)).total("企业1") == 40


def test_missing_in_a_class_that_does_not_read_it_is_no_matter() -> None:
    text = policy(
        inputs='规模 = { type = "文本", missing = "规下" }\n量 = { unit = "1", missing = "不参评：没有量" }',
        indicator="\n[class.规上]\nwhen = \"规模 == '规上'\"\n" + indicator("量", of="规上")
        + "\n[class.规下]\nwhen = \"规模 == '规下'\"\n" + indicator(of="规下", name="另一项"),
    )  # fmt: skip
    found = run(text, {"甲": {"规模": "规上", "成绩": 1}, "乙": {"规模": "规下", "成绩": 1}})
    assert [found.standing(name)[0] for name in "甲乙"] == ["不参评", "参评"]


def test_mean_of_scores_by_group_and_after_the_cap() -> None:
    text = policy(
        UTILITY.format("T", ""),
        inputs=INDUSTRY + FLAG + '量 = { unit = "1", missing = "同组平均得分" }',
        indicator=one(
            indicator(
                "量", score='by = "比值", base = 100, cap = 120, floor = 0', more='missing_by = ["行业"]'
            )
        ),
    )
    rows: Rows = {
        "甲": {"量": 500, "行业": "纺织"},
        "乙": {"量": 80, "行业": "纺织"},
        "丙": {"量": 10, "行业": "机械"},
        "丁": {"行业": "纺织"},
        "戊": {"行业": "机械"},
        "己": {"行业": "化工"},
        "庚": {"量": 0, "行业": "纺织", "标记": "公用"},
    }
    # 纺织 (120 + 80) ÷ 2, 机械 10; nobody in 化工 has a score: 0.
    assert totals(run(text, rows), "丁戊己") == [100, 10, 0]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("得零分", (200, 0, 0)),
        ("满分", (200, 100, 100)),
        ("同组平均得分", (200, 200, 200)),
    ],
)
def test_zero_or_negative_denominator(rule: str, expected: tuple[int, ...]) -> None:
    text = policy(
        inputs='量 = { unit = "1", range = [-100, 100], missing = "报错" }',
        indicator=one(indicator("成绩 / 量", more=f'zero = "{rule}"')),
    )
    rows = {
        "甲": {"成绩": 100, "量": Decimal("0.5")},
        "乙": {"成绩": 100, "量": 0},
        "丙": {"成绩": 100, "量": -1},
    }
    assert tuple(totals(run(text, rows), "甲乙丙")) == expected


def test_zero_denominator_keeps_from_being_rated() -> None:
    text = policy(
        inputs='量 = { unit = "1", missing = "得零分" }',
        indicator=one(indicator("成绩 / 量", more='zero = "不参评：没有产出"')),
    )
    found = run(text, {"甲": {"成绩": 1, "量": 0}, "乙": {"成绩": 1, "量": 1}, "丙": {"成绩": 1}})
    assert found.standing("甲") == ("不参评", "没有产出")
    assert totals(found, "乙丙") == [1, 0]


def test_zero_and_missing_have_each_their_rule() -> None:
    text = policy(
        inputs='量 = { unit = "1", missing = "视为缺" }',
        indicator=one(indicator("成绩 / 量", more='zero = "满分"\nmissing = "得零分"')),
    )
    rows = {"甲": {"成绩": 1, "量": 0}, "乙": {"成绩": 1}, "丙": {"量": 0}, "丁": {"量": 5}}
    # 丙 lacks the numerator too; its denominator is what is not positive.
    assert totals(run(text, rows), "甲乙丙丁") == [100, 0, 100, 0]


@pytest.mark.parametrize(
    ("must", "otherwise", "value", "standing", "total"),
    [
        ("> 0", "不参评：无效", 0, "不参评", None),
        ("> 0", "不参评：无效", Decimal("0.01"), "参评", 1),
        ("> 0", "不参评：无效", Decimal("0.004"), "不参评", None),  # what is asked of is the rounded value
        (">= 0.1", "暂缓评价：无效", Decimal("0.1"), "参评", 10),
        ("≥ 0.1", "暂缓评价：无效", Decimal("0.09"), "暂缓评价", None),
        ("> 0", "得零分", -5, "参评", 0),
    ],
)
def test_must(must: str, otherwise: str, value: object, standing: str, total: int | None) -> None:
    text = policy(
        inputs='量 = { unit = "1", missing = 0 }',
        define=f'数 = {{ formula = "量", unit = "1", digits = 2, must = "{must}", else = "{otherwise}" }}',
        indicator=one(indicator("数 * 100")),
    )
    found = run(text, {"甲": {"量": value}})
    assert (found.standing("甲")[0], found.total("甲")) == (standing, total)


def test_a_value_out_of_its_range_refuses_the_run() -> None:
    text = policy(
        inputs='量 = { unit = "1", missing = 0, range = [0, 10] }', define='数 = { when = "量 > 1" }'
    )
    assert refusal(text, {"甲": {"成绩": 1, "量": 11}})[0].startswith("甲 的“量”为 11")


# -- bonuses and deductions ------------------------------------------------------------------------


def with_bonus(take: str, cap: str, *lines: Mapping[str, object], digits: str = SCORING) -> str:
    limit = f'\n[limit]\n加 = {{ take = "{take}", cap = {cap} }}\n减 = {{ take = "合计", cap = 5 }}\n'
    return policy(limit + "".join(rules(*line) for line in lines), inputs=TAGGED, scoring=digits)  # type: ignore[misc]


def bonus(name: str, tag: str, add: object, limit: str = "加") -> tuple[str, dict[str, object]]:
    return "bonus", {"name": name, "when": f"有('{tag}')", "add": add, "limit": limit}


@pytest.mark.parametrize(
    ("take", "cap", "tags", "total"),
    [
        ("合计", '"不设"', "甲|乙|丙", 56),
        ("合计", "4", "甲|乙|丙", 54),
        ("合计", "4", "乙", 52),
        ("最高一项", '"不设"', "甲|乙|丙", 53),
        ("最高一项", "2.5", "甲|乙|丙", Decimal("52.5")),
        ("第一项", '"不设"', "甲|乙|丙", 51),
        ("第一项", '"不设"', "乙|丙", 52),
        ("第一项", '"不设"', "别的", 50),
    ],
)
def test_bonus_limits(take: str, cap: str, tags: str, total: object) -> None:
    text = with_bonus(take, cap, bonus("甲", "甲", 1), bonus("乙", "乙", 2), bonus("丙", "丙", 3))
    assert run(text, {"甲": {"成绩": 50, "标签": tags}}).total("甲") == total


def test_bonus_in_percent_of_the_subtotal() -> None:
    text = with_bonus("合计", "10", bonus("甲", "甲", "5%"), bonus("乙", "乙", "2.5%"))
    rows = {
        "甲": {"成绩": 50, "标签": "甲"},
        "乙": {"成绩": 50, "标签": "甲|乙"},
        "丙": {"成绩": 300, "标签": "甲"},
        "丁": {"成绩": Decimal("0.1"), "标签": "甲"},
    }
    # 2.5; 2.5 + 1.25; 15 capped at 10; 0.005 rounds up to 0.01.
    assert totals(run(text, rows), "甲乙丙丁") == [
        Decimal("52.5"), Decimal("53.75"), 310, Decimal("0.11"),
    ]  # fmt: skip


def test_deductions_are_capped_apart() -> None:
    text = with_bonus(
        "合计", "2", bonus("好", "好", 3), ("deduction", {"name": "坏", "when": "有('坏')", "add": 4, "limit": "减"}),
        ("deduction", {"name": "更坏", "when": "有('更坏')", "add": "10%", "limit": "减"}),
    )  # fmt: skip
    rows = {
        "甲": {"成绩": 30, "标签": "好|坏"},
        "乙": {"成绩": 30, "标签": "坏|更坏"},
        "丙": {"成绩": 1, "标签": "坏|更坏"},
    }
    assert totals(run(text, rows), "甲乙丙") == [28, 25, Decimal("-3.1")]


def test_points_by_formula() -> None:
    limit = '\n[limit]\n减 = { take = "合计", cap = "不设" }\n'
    line = {"name": "出租", "points": "5 * 最大(户数甲 - 1, 0)", "limit": "减"}
    text = policy(limit + rules("deduction", line), inputs='户数甲 = { unit = "户", missing = 0 }')
    rows = {"甲": {"成绩": 50}, "乙": {"成绩": 50, "户数甲": 1}, "丙": {"成绩": 50, "户数甲": 4}}
    assert totals(run(text, rows), "甲乙丙") == [50, 50, 35]
    share = {"name": "出租", "points": "20 * 户数甲 / 职工", "limit": "减"}
    inputs = '户数甲 = { unit = "户", missing = 0 }\n职工 = { unit = "户", missing = 10 }'
    assert (
        run(
            policy(limit + rules("deduction", share), inputs=inputs), {"甲": {"成绩": 50, "户数甲": 5}}
        ).total("甲")
        == 40
    )


def test_bonus_only_for_some_classes() -> None:
    two = (
        "\n[class.大]\nwhen = \"标记 == '大'\"\n" + indicator(of="大")
        + "\n[class.小]\nlike = \"大\"\nwhen = \"标记 == '小'\"\n"
    )  # fmt: skip
    limit = '\n[limit]\n加 = { take = "合计", cap = "不设" }\n'
    line = {"name": "加分", "add": 5, "limit": "加", "classes": ["大"]}
    text = policy(limit + rules("bonus", line), inputs=FLAG, indicator=two)
    rows = {"甲": {"成绩": 50, "标记": "大"}, "乙": {"成绩": 50, "标记": "小"}, "丙": {"成绩": 50}}
    found = run(text, rows)
    assert totals(found, "甲乙丙") == [55, 50, None]
    assert found.standing("丙") == ("不参评", "不属于任何评价类别")


@pytest.mark.parametrize(
    ("cap", "floor", "digits", "value", "total"),
    [
        ("100", '"不设"', 2, 130, "100"),
        ('"不设"', "0", 2, -5, "0"),
        ('"不设"', '"不设"', 0, Decimal("0.5"), "1"),
        ('"不设"', '"不设"', 0, Decimal("-0.5"), "-1"),
        ('"不设"', '"不设"', 1, Decimal("2.25"), "2.3"),
        ('"不设"', '"不设"', 1, Decimal("2.24"), "2.2"),
        ("2.2", '"不设"', 1, Decimal("2.25"), "2.2"),
    ],
)
def test_total(cap: str, floor: str, digits: int, value: object, total: str) -> None:
    scoring = f"\n[scoring]\nscore_digits = 2\ntotal_digits = {digits}\ncap = {cap}\nfloor = {floor}\n"
    assert run(policy(scoring=scoring), {"甲": {"成绩": value}}).total("甲") == Decimal(total)


# -- grades ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "rounding", "counts"),
    [
        (20, '{ A = "舍去", B = "舍去", D = "进一" }', "4 8 7 1"),
        (13, '{ A = "舍去", B = "舍去", C = "舍去" }', "2 5 5 1"),
        (13, '{ A = "进一", B = "进一", C = "进一" }', "3 5 5 0"),  # bounds 2.6, 7.8, 12.35
        (13, '{ A = "四舍五入", B = "四舍五入", C = "四舍五入" }', "3 5 4 1"),
        (13, '{ A = "四舍五入", B = "四舍五入", D = "四舍五入" }', "3 5 4 1"),  # 0.65 → 1 from the tail
        (13, '{ A = "四舍五入", B = "四舍五入", D = "舍去" }', "3 5 5 0"),
        (50, '{ A = "舍去", B = "舍去", C = "四舍五入" }', "10 20 18 2"),  # 47.5 → 48
        (50, '{ A = "舍去", B = "舍去", D = "四舍五入" }', "10 20 17 3"),  # 2.5 → 3
        (1, '{ A = "舍去", B = "舍去", D = "进一" }', "0 0 0 1"),
        (1, '{ A = "进一", B = "舍去", D = "进一" }', "1 0 0 0"),
        (2, '{ A = "四舍五入", B = "四舍五入", D = "进一" }', "0 1 0 1"),
    ],
)
def test_quota_rounding(count: int, rounding: str, counts: str) -> None:
    found = run(policy(grading=graded(round=rounding)), marks(*range(count, 0, -1))).counts
    assert " ".join(str(found.get(grade, 0)) for grade in "ABCD") == counts


@pytest.mark.parametrize(
    ("ties", "letters"),
    [("按排序键", "AABBBCCCCD"), ("同分就高", "AAAABCCCCD"), ("同分就低", "BBBBBCCCCD")],
)
def test_ties(ties: str, letters: str) -> None:
    rule = graded(ties=f'"{ties}"', quota='{ A = "20%", B = "50%", C = "90%", D = "100%" }')
    rows = marks(9, 9, 9, 9, 8, 7, 6, 5, 4, 3)
    assert run(policy(grading=rule), rows).letters == letters


def test_ties_at_the_last_cut() -> None:
    quota = '{ A = "20%", B = "50%", C = "90%", D = "100%" }'
    rows = marks(9, 8, 7, 6, 5, 4, 3, 2, 2, 2)
    high = run(policy(grading=graded(ties='"同分就高"', quota=quota)), rows)
    low = run(policy(grading=graded(ties='"同分就低"', quota=quota)), rows)
    assert high.letters == "AABBBCCCCC"
    assert low.letters == "AABBBCCDDD"
    assert high.column("名次")["企业10"] == 8


def test_order_keys_part_equal_totals() -> None:
    inputs = '量 = { unit = "1", missing = "视为缺" }'
    define = '序 = { formula = "量", unit = "1", digits = 2 }'
    rows = {
        "甲": {"成绩": 9, "量": 1},
        "乙": {"成绩": 9, "量": 3},
        "丙": {"成绩": 9},
        "丁": {"成绩": 9, "量": 2},
        "戊": {"成绩": 9, "量": 2},
    }
    for keys, places in (
        ('"总分 降", "序 降", "统一社会信用代码 升"', [4, 1, 5, 2, 3]),
        (
            '"总分 降", "序 升", "统一社会信用代码 升"',
            [1, 4, 5, 2, 3],
        ),  # what is missing comes last either way
        ('"总分 降", "序 降", "统一社会信用代码 降"', [4, 1, 5, 3, 2]),
        ('"统一社会信用代码 降"', [5, 4, 3, 2, 1]),
    ):
        found = run(policy(inputs=inputs, define=define, grading=graded(order=f"[{keys}]")), rows)
        assert [found.column("名次")[name] for name in "甲乙丙丁戊"] == places


@pytest.mark.parametrize(("counted", "a"), [('["参评"]', 2), ('["参评", "T"]', 3), ('["参评", "免评价"]', 2)])
def test_who_is_counted_in_the_quota(counted: str, a: int) -> None:
    text = policy(UTILITY.format("T", ""), inputs=FLAG, grading=graded(counted=counted))
    rows: Rows = {**marks(*range(10, 0, -1)), **marks(*range(5), start="公用")}
    for at in range(1, 6):
        rows[f"公用{at}"]["标记"] = "公用"
    assert run(text, rows).counts["A"] == a


def test_score_lines() -> None:
    rule = graded(quota='{ A = ">= 90分", B = ">= 75.5分", C = "90%", D = "100%" }', round='{ D = "进一" }')
    found = run(
        policy(grading=rule),
        marks(95, 90, Decimal("89.99"), Decimal("75.5"), Decimal("75.49"), 70, 65, 60, 55, 50),
    )
    assert found.letters == "AABBCCCCCD"
    everyone = run(policy(grading=rule), marks(95, 94, 93))
    assert everyone.letters == "AAA"


def test_grades_within_groups() -> None:
    text = policy(
        inputs=INDUSTRY,
        grading=graded(
            within='["行业"]',
            round='{ A = "进一", B = "进一", D = "进一" }',
            small='{ below = 1, then = "按全体" }',
        ),
    )
    rows: Rows = {}
    for industry in ("纺织", "机械"):
        rows |= {f"{industry}{at}": {"成绩": 10 - at, "行业": industry} for at in range(1, 6)}
    rows["无业"] = {"成绩": 1}
    assert run(text, rows).letters == "ABBCD" + "ABBCD" + "A"


@pytest.mark.parametrize(("then", "last"), [("合并小组", "BD"), ("按全体", "AC")])
def test_small_groups(then: str, last: str) -> None:
    rule = graded(
        within='["行业"]',
        round='{ A = "四舍五入", B = "四舍五入", D = "进一" }',
        small=f'{{ below = 5, then = "{then}" }}',
    )
    rows: Rows = {f"纺织{at}": {"成绩": 100 - at, "行业": "纺织"} for at in range(1, 11)}
    rows |= {"机械": {"成绩": 200, "行业": "机械"}, "化工": {"成绩": 92, "行业": "化工"}}
    # Together 机械 and 化工 are a group of two (0.4 → 0, 1.2 → 1, 0.1 → 1); of all twelve they are first and ninth.
    assert run(policy(inputs=INDUSTRY, grading=rule), rows).letters == "AABBBBCCCD" + last


def test_groups_and_classes_are_ranked_apart() -> None:
    two = (
        "\n[class.大]\nwhen = \"标记 == '大'\"\n" + indicator(of="大")
        + "\n[class.小]\nlike = \"大\"\nwhen = \"标记 == '小'\"\n"
    )  # fmt: skip
    rows: Rows = {}
    for size in ("大", "小"):
        rows |= {
            f"{size}{at}": {"成绩": (10 if size == "大" else 1) * at, "标记": size} for at in range(5, 0, -1)
        }
    found = run(policy(inputs=FLAG, indicator=two), rows)
    assert found.letters == "ABBCD" * 2
    assert [found.column("名次")[name] for name in rows] == [1, 2, 3, 4, 5] * 2


def test_a_class_may_have_its_own_grading() -> None:
    two = (
        "\n[class.大]\nwhen = \"标记 == '大'\"\n" + indicator(of="大")
        + "\n[class.小]\nlike = \"大\"\nwhen = \"标记 == '小'\"\n"
        + graded(quota='{ A = "50%", B = "60%", C = "95%", D = "100%" }').replace("[grading]", "[class.小.grading]")
    )  # fmt: skip
    rows: Rows = {f"{size}{at}": {"成绩": 9 - at, "标记": size} for size in "大小" for at in range(4)}
    assert run(policy(inputs=FLAG, indicator=two), rows).letters == "BBCD" + "AACD"


# -- direct grades, lifts, drops, vetoes -----------------------------------------------------------


def moved(then: str, *, when: str = "有('标')", section: str = "regrade", **grading: str) -> str:
    line = {"name": "调", "when": when, "then": then}
    return policy(rules(section, line), inputs=TAGGED, grading=graded(**grading))


def tagged(at: int, tag: str = "标") -> Rows:
    rows = marks(*range(10, 0, -1))  # A A B B B B C C C D
    rows[f"企业{at}"]["标签"] = tag
    return rows


@pytest.mark.parametrize(
    ("then", "at", "grade"),
    [
        ("定为 A", 10, "A"), ("定为 D", 1, "D"), ("提 1 档", 10, "C"), ("提 2 档", 10, "B"), ("提 9 档", 10, "A"),
        ("提 1 档", 1, "A"), ("降 1 档", 1, "B"), ("降 9 档", 3, "D"), ("降 1 档", 10, "D"),
        ("最高 B", 1, "B"), ("最高 B", 7, "C"), ("最低 B", 10, "B"), ("最低 B", 1, "A"), ("提1档", 3, "A"),
    ],
)  # fmt: skip
def test_moves(then: str, at: int, grade: str) -> None:
    found = run(moved(then), tagged(at))
    assert found.grades[f"企业{at}"] == grade
    assert found.moves(f"企业{at}") == ["调"]
    others = [letter for place, letter in enumerate(found.letters, 1) if place != at]
    assert others == [letter for place, letter in enumerate("AABBBBCCCD", 1) if place != at]


@pytest.mark.parametrize(("direct", "letters"), [("占名额", "AABBBBCCCA"), ("不占名额", "ABBBBCCCDA")])
def test_direct_grades_and_the_quota(direct: str, letters: str) -> None:
    # Without a place the other nine share the quotas of nine: 1.8, 5.4, and 0.45 rounded up.
    assert run(moved("定为 A", direct=f'"{direct}"'), tagged(10)).letters == letters


@pytest.mark.parametrize(("vetoed", "letters"), [("占名额", "DABBBBBCCD"), ("不占名额", "DAABBBBCCD")])
def test_vetoes_and_the_quota(vetoed: str, letters: str) -> None:
    text = moved(
        "最高 D",
        section="veto",
        vetoed=f'"{vetoed}"',
        round='{ A = "四舍五入", B = "进一", D = "进一" }',
        quota='{ A = "20%", B = "61%", C = "95%", D = "100%" }',
    )
    found = run(text, tagged(1))
    # Of ten: 2, 6.1 → 7 and 0.5 → 1; without the first, of nine: 1.8 → 2, 5.49 → 6 and 0.45 → 1.
    assert found.letters == letters
    places = [found.column("名次")[f"企业{at}"] for at in (1, 2)]
    assert places == ([1, 2] if vetoed == "占名额" else [None, 1])


def test_moves_in_their_order_and_vetoes_last() -> None:
    lift = {"name": "提", "when": "有('提')", "then": "提 1 档"}
    drop = {"name": "降", "when": "有('降')", "then": "降 1 档"}
    veto = {"name": "否", "when": "有('否')", "then": "最高 C"}
    rows = marks(*range(10, 0, -1))
    rows["企业1"]["标签"] = "提|降"
    rows["企业2"]["标签"] = "提|否"
    rows["企业10"]["标签"] = "提|降"
    # A lift from A leads nowhere, a drop from D neither: the order decides.
    first = run(policy(rules("veto", veto) + rules("regrade", lift, drop), inputs=TAGGED), rows)
    assert [first.grades[f"企业{at}"] for at in (1, 2, 10)] == ["B", "C", "D"]
    other = run(policy(rules("veto", veto) + rules("regrade", drop, lift), inputs=TAGGED), rows)
    assert [other.grades[f"企业{at}"] for at in (1, 2, 10)] == ["A", "C", "C"]
    assert first.moves("企业2") == ["提", "否"]


def test_no_bonus_outweighs_a_veto() -> None:
    limit = '\n[limit]\n加 = { take = "合计", cap = "不设" }\n'
    more = rules("bonus", {"name": "加", "when": "有('标')", "add": 1000, "limit": "加"})
    veto = rules("veto", {"name": "否", "when": "有('标')", "then": "最高 D"})
    found = run(policy(limit + more + veto, inputs=TAGGED), tagged(5))
    assert (found.column("名次")["企业5"], found.grades["企业5"]) == (1, "D")


def test_moves_by_first_grade_by_score_and_by_indicator() -> None:
    by_grade = run(moved("提 1 档", when="初评等级 == 'B' 且 总分 < 6"), marks(*range(10, 0, -1)))
    assert by_grade.letters == "AABBBACCCD"
    by_value = run(moved("最高 C", when="成绩单 < 8"), marks(*range(10, 0, -1)))
    assert by_value.letters == "AABCCCCCCD"


def test_who_is_not_rated_is_not_moved() -> None:
    line = {"name": "定", "when": "成绩 > 0", "then": "定为 A"}
    text = policy(UTILITY.format("T", "") + rules("regrade", line), inputs=FLAG)
    found = run(text, {"甲": {"成绩": 5}, "乙": {"成绩": 5, "标记": "公用"}})
    assert found.letters == "A无"
    assert found.moves("乙") == []


# -- who is rated ----------------------------------------------------------------------------------


@pytest.mark.parametrize("standing", ["T", "免评价", "暂缓评价", "不参评", "不定等级"])
@pytest.mark.parametrize("scored", [False, True])
def test_exemptions(standing: str, scored: bool) -> None:
    more = f'scored = {str(scored).lower()}\ntreated_as = "B"'
    found = run(policy(UTILITY.format(standing, more), inputs=FLAG), {
        "甲": {"成绩": 50}, "乙": {"成绩": 90, "标记": "公用"},
    })  # fmt: skip
    assert found.standing("乙") == (standing, "公用")
    assert found.total("乙") == (90 if scored else None)
    assert found.letters == "D无"
    assert [found.column("施策等级")[name] for name in "甲乙"] == ["D", "B"]
    assert found.column("名次") == {"甲": 1, "乙": None}


def test_the_first_exemption_that_holds_is_the_reason() -> None:
    exempt = rules(
        "exempt",
        {"name": "先", "when": "成绩 > 10", "then": "T"},
        {"name": "后", "when": "成绩 > 5", "then": "免评价"},
    )
    found = run(policy(exempt), marks(20, 7, 1))
    assert [found.standing(f"企业{at}") for at in (1, 2, 3)] == [("T", "先"), ("免评价", "后"), ("参评", "")]


def test_exemptions_go_before_what_is_missing() -> None:
    exempt = rules("exempt", {"name": "公用", "when": "标记 == '公用'", "then": "T"})
    inputs = FLAG + '量 = { unit = "1", missing = "不参评：没有量" }'
    text = policy(exempt, inputs=inputs, indicator=one(indicator("量")))
    found = run(text, {"甲": {"标记": "公用"}, "乙": {"标记": "无"}})
    assert [found.standing(name) for name in "甲乙"] == [("T", "公用"), ("不参评", "没有量")]


# -- conditions, dates, levels, tags, groups -------------------------------------------------------


def holds(
    condition: str, rows: Mapping[str, Mapping[str, object]], inputs: str = "", year: int = 2024
) -> str:
    """Names of the rows for which a condition holds."""
    text = policy(
        rules("exempt", {"name": "真", "when": condition, "then": "T"}),
        inputs=inputs,
        define='用到 = { when = "成绩 > 0" }',
    )
    found = run(text, rows, year=year)
    return "".join(name for name in rows if found.standing(name)[0] == "T")


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("满年(投产) >= 2", "甲丙"),
        ("满年(投产) < 2", "乙丁"),
        ("满年(投产) == 0", "丁"),
        ("满年(投产) == 12", "丙"),
        ("缺(投产)", "戊"),
        ("非 (满年(投产) >= 2)", "乙丁戊"),
        ("投产 > '2022-12-31'", "乙丁"),
        ("投产 <= '2022-12-31'", "甲丙"),
        ("投产 > 年末", "丁"),
        ("投产 == '2012-02-29'", "丙"),
        ("投产 in ['2012-02-29', '2023-01-01']", "乙丙"),
    ],
)
def test_dates(condition: str, names: str) -> None:
    days = {
        "甲": date(2022, 12, 31),
        "乙": date(2023, 1, 1),
        "丙": date(2012, 2, 29),
        "丁": date(2025, 1, 1),
        "戊": None,
    }
    rows = {name: {"成绩": 1, "投产": day} for name, day in days.items()}
    assert holds(condition, rows, '投产 = { type = "日期", missing = "视为缺" }') == names


@pytest.mark.parametrize(("year", "names"), [(2023, "甲"), (2024, "甲乙")])
def test_full_years_depend_on_the_year_alone(year: int, names: str) -> None:
    rows = {"甲": {"成绩": 1, "投产": date(2021, 6, 30)}, "乙": {"成绩": 1, "投产": date(2022, 7, 1)}}
    assert holds("满年(投产) >= 2", rows, '投产 = { type = "日期", missing = "视为缺" }', year) == names


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("事故 >= '较大'", "丙丁"), ("事故 > '较大'", "丁"), ("事故 == '无'", "甲戊"), ("事故 != '无'", "乙丙丁"),
        ("'较大' <= 事故", "丙丁"), ("事故 < '一般'", "甲戊"), ("事故 in ['一般', '重大']", "乙丁"), ("缺(事故)", "戊"),
    ],
)  # fmt: skip
def test_levels(condition: str, names: str) -> None:
    levels = {"甲": "无", "乙": "一般", "丙": "较大", "丁": "重大", "戊": None}
    rows = {name: {"成绩": 1, "事故": level} for name, level in levels.items()}
    inputs = '事故 = { type = "等级", levels = ["无", "一般", "较大", "重大"], missing = "无" }'
    assert holds(condition, rows, inputs) == names


def test_a_level_or_text_that_is_not_declared_refuses_the_run() -> None:
    inputs = '事故 = { type = "等级", levels = ["无", "较大"], missing = "无" }'
    text = policy(rules("exempt", {"name": "真", "when": "事故 > '无'", "then": "T"}), inputs=inputs)
    assert refusal(text, {"甲": {"成绩": 1, "事故": "特大"}}) == [
        "甲 的“事故”是“特大”，规则里没有。 可用：无、较大。"
    ]
    closed = policy(
        rules("exempt", {"name": "真", "when": "规模 == '规上'", "then": "T"}),
        inputs='规模 = { type = "文本", values = ["规上", "规下"], missing = "规下" }',
    )
    assert refusal(closed, {"甲": {"成绩": 1, "规模": "大型"}}) == [
        "甲 的“规模”是“大型”，规则里没有。 可用：规上、规下。"
    ]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("有('专精特新')", "甲乙"), ("有('专精特新', '省级')", "甲"), ("有('专精')", "丙"), ("有('省级')", ""),
        ("有('专精特新', '省')", ""), ("有('高企') 且 非 有('专精特新')", "丁"), ("有(标签, '高企')", "乙丁"),
        ("非 有('高企')", "甲丙戊"), ("缺(标签)", "戊"),
    ],
)  # fmt: skip
def test_tags(condition: str, names: str) -> None:
    tags = {"甲": "专精特新:省级", "乙": "专精特新:国家级|高企", "丙": "专精", "丁": "高企", "戊": None}
    rows = {name: {"成绩": 1, "标签": text} for name, text in tags.items()}
    assert holds(condition, rows, TAGGED) == names


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("开头是(行业, '17', '18')", "甲乙"), ("开头是(行业, '171')", "甲"), ("行业 == '1711'", "甲"),
        ("行业 != '1711'", "乙丙"), ("行业 in ['1711', '3411']", "甲丙"), ("缺(行业)", "丁"),
        ("成绩 >= 2 且 成绩 < 4", "乙丙"), ("成绩 == 1 或 成绩 == 4", "甲丁"), ("成绩 ≥ 3", "丙丁"), ("成绩 ≠ 1", "乙丙丁"),
        ("非 成绩 > 1 或 成绩 > 3", "甲丁"), ("成绩 > 50%", "甲乙丙丁"), ("成绩 × 2 ÷ 4 == 1", "乙"),
        ("如果(成绩 > 2, 成绩, -成绩) > 0", "丙丁"), ("绝对值(成绩 - 3) <= 1", "乙丙丁"),
        ("最小(成绩, 2) == 2", "乙丙丁"), ("最大(成绩, 3, 2) == 3", "甲乙丙"), ("（成绩 + 1） * 2 == 6", "乙"),
        ("量 > 0 或 量 <= 0", "甲"), ("非 (量 > 0)", "乙丙丁"), ("成绩 / 量 > 0", "甲"), ("成绩 in [1, 3]", "甲丙"),
    ],
)  # fmt: skip
def test_conditions(condition: str, names: str) -> None:
    codes = {"甲": "1711", "乙": "1811", "丙": "3411", "丁": None}
    rows: Rows = {name: {"成绩": at, "行业": code} for at, (name, code) in enumerate(codes.items(), 1)}
    rows["甲"]["量"] = 2
    rows["乙"]["量"] = None
    inputs = INDUSTRY + '量 = { unit = "1", missing = "视为缺" }'
    assert holds(condition, rows, inputs) == names


def test_units_are_converted_exactly_in_formulas() -> None:
    text = policy(
        inputs='用地 = { unit = "亩", missing = 0 }\n厂房 = { unit = "m²", missing = 0 }\n' + TAX,
        define='总面积 = { formula = "用地 + 厂房", unit = "亩", digits = 4 }\n大 = { when = "厂房 >= 用地" }',
        indicator=one(indicator("税收 / 总面积", unit="元/m²", digits=4, more='zero = "得零分"', weight="60"),
                      indicator("如果(大, 1, 0) * 100", name="大否", weight="40")),
    )  # fmt: skip
    found = run(
        text,
        {
            "甲": {"用地": 3, "厂房": 2000, "税收": 1},
            "乙": {"用地": 3, "厂房": Decimal("1999.99"), "税收": 1},
        },
    )
    # 2,000 m² = 3 亩; 1 万元 ÷ 6 亩 = 10,000 元 ÷ 4,000 m² = 2.5 元/m².
    assert found.figure("甲", "总面积") == 6
    assert found.figure("甲", "企业.成绩单") == Decimal("2.5")
    assert totals(found, "甲乙") == [Decimal("41.5"), Decimal("1.5")]


def test_groupings() -> None:
    text = policy(
        inputs='行业 = { type = "文本", missing = "视为缺" }',
        define='组 = { group = "行业", table = { 纺织 = ["17", "18"], 针织 = ["176"], 机械 = ["34"] }, other = "其他" }',
        grading=graded(within='["组"]', small='{ below = 1, then = "按全体" }'),
    )
    codes = {"甲": "1711", "乙": "1761", "丙": "3411", "丁": "9999", "戊": None, "己": "1"}
    found = run(text, {name: {"成绩": 1, "行业": code} for name, code in codes.items()})
    labels = found.result.labels["组"]
    groups = [labels[found.result.values["组"][found.row(name)]] for name in codes]
    # The longest prefix wins; what has no code or an unknown one is 其他.
    assert groups == ["纺织", "针织", "机械", "其他", "其他", "其他"]


def test_figures_of_groups_in_formulas() -> None:
    text = policy(
        UTILITY.format("T", ""),
        inputs=INDUSTRY + FLAG + TAX,
        define='均 = { formula = "平均(税收, 行业)", unit = "万元", digits = 2 }\n'
        '占比 = { formula = "税收 / 合计(税收)", unit = "%", digits = 2 }\n'
        '同业 = { formula = "户数(行业)", unit = "户" }\n'
        '全部 = { formula = "户数()", unit = "户" }',
        indicator=one(indicator("如果(税收 > 均, 占比, 0)", unit="%", digits=2, more='missing = "得零分"\nzero = "得零分"',
                                score='by = "比值", base = 100, cap = "不设", floor = 0')),
        grading=graded(order='["总分 降", "同业 降", "全部 降", "统一社会信用代码 升"]'),
    )  # fmt: skip
    rows: Rows = {
        "甲": {"税收": 30, "行业": "纺织"},
        "乙": {"税收": 10, "行业": "纺织"},
        "丙": {"税收": 60, "行业": "机械"},
        "丁": {"行业": "机械"},
        "戊": {"税收": 900, "行业": "机械", "标记": "公用"},
    }
    found = run(text, rows)
    # 900 is of one who is not rated, in no sum; 丁 has no tax: in no mean, but in the count.
    assert [found.figure(name, "均") for name in "甲丙"] == [20, 60]
    assert [found.figure(name, "占比") for name in "甲乙丙"] == [30, 10, 60]
    assert [found.figure(name, "同业") for name in "甲丁"] == [2, 2]
    assert found.figure("甲", "全部") == 4
    assert totals(found, "甲乙丙丁") == [30, 0, 0, 0]


def test_classes_take_the_first_that_fits() -> None:
    half = 'by = "比值", base = 200, cap = "不设", floor = "不设"'
    two = (
        '\n[class.大]\nwhen = "成绩 >= 50"\n' + indicator(of="大")
        + '\n[class.中]\nwhen = "成绩 >= 10"\n' + indicator(of="中", name="另一项", score=half)
    )  # fmt: skip
    found = run(policy(indicator=two), marks(50, 20, 5))
    assert found.column("类别") == {"企业1": "大", "企业2": "中", "企业3": None}
    assert found.standing("企业3") == ("不参评", "不属于任何评价类别")
    assert [found.total(f"企业{at}") for at in (1, 2, 3)] == [50, 10, None]


# -- several enterprises, one subject --------------------------------------------------------------

LEADS = f"91{1:016d}"


def merged(more: str = 'result = "共享"', alone: str = "") -> str:
    merge = f'\n[merge]\nby = "宗地号"\nland = "用地"\n{more}\n' + (f'alone = "{alone}"\n' if alone else "")
    inputs = (
        '宗地号 = { type = "文本", missing = "视为缺" }\n主体 = { type = "文本", missing = "视为缺" }\n'
        + TAGGED + '用地 = { unit = "亩", missing = 0 }\n承租用地 = { unit = "亩", missing = 0 }\n' + TAX
    )  # fmt: skip
    define = '面积 = { formula = "用地 + 承租用地", unit = "亩", must = "> 0", else = "不参评：无地" }'
    return policy(
        merge, inputs=inputs, define=define,
        indicator=one(indicator("税收 / 面积", unit="万元/亩", score='by = "比值", base = 10, cap = "不设", floor = 0')),
    )  # fmt: skip


PARCEL: Rows = {
    "甲": {"宗地号": "一", "用地": 10, "税收": 50, "标签": "高企"},
    "乙": {"宗地号": "一", "用地": 30, "税收": 150},
    "丙": {"宗地号": "一", "承租用地": 10, "税收": None},
    "丁": {"宗地号": "二", "用地": 10, "税收": 100},
    "戊": {"用地": 10},
}


def test_merged_members_share_a_result() -> None:
    found = run(merged(), PARCEL)
    assert list(found.column("等级")) == ["乙", "丁", "戊"]  # the largest leads
    assert totals(found, "乙丁戊") == [40, 100, 0]  # (50 + 150) ÷ 50 ÷ 10 × 100
    codes = {name: f"91{at:016d}" for at, name in enumerate(PARCEL)}
    assert {name: found.result.rows[code] for name, code in codes.items()} == {
        "甲": found.row("乙"), "乙": found.row("乙"), "丙": found.row("乙"), "丁": found.row("丁"), "戊": found.row("戊"),
    }  # fmt: skip


def test_a_declared_lead_goes_before_the_largest() -> None:
    rows = {
        **PARCEL,
        "甲": row(PARCEL["甲"], 主体=f"91{0:016d}"),
        "乙": row(PARCEL["乙"], 主体=f"91{0:016d}"),
    }
    found = run(merged('lead = "主体"\nresult = "共享"'), rows)
    assert list(found.column("等级")) == ["甲", "丁", "戊"]
    assert found.total("甲") == 40


def test_large_tenants_stand_alone() -> None:
    found = run(merged(alone="承租用地 >= 10"), PARCEL)
    assert list(found.column("等级")) == ["乙", "丙", "丁", "戊"]
    assert totals(found, "乙丙") == [50, 0]


def test_what_no_member_has_stays_missing() -> None:
    rows: Rows = {
        "甲": {"宗地号": "一", "用地": 1},
        "乙": {"宗地号": "一", "用地": 2},
        "丙": {"用地": 1, "税收": 5},
    }
    text = merged().replace(
        '税收 = { unit = "万元", missing = "得零分" }', '税收 = { unit = "万元", missing = "暂缓评价：无税" }'
    )
    assert run(text, rows).standing("乙") == ("暂缓评价", "无税")


@pytest.mark.parametrize("official", ["合并", "独立"])
def test_both_results(official: str) -> None:
    found = run(merged(f'result = "独立与合并"\nofficial = "{official}"'), PARCEL)
    assert found.result.independent is not None
    other = Outcome(found.result.independent)
    together, apart = (found, other) if official == "合并" else (other, found)
    assert totals(together, "乙丁戊") == [40, 100, 0]
    assert totals(apart, "甲乙丙丁戊") == [50, 50, 0, 100, 0]


# -- two steps -------------------------------------------------------------------------------------


def test_two_steps_do_not_take_the_same_twice() -> None:
    step = (
        '[{ from = "前60%", order = ["成绩单 升", "统一社会信用代码 升"], first = "30%", round = "进一", grade = "A" },'
        ' { from = "后60%", order = ["成绩单 降", "统一社会信用代码 升"], first = "25%", round = "舍去", grade = "D" }]'
    )
    grading = graded(method='"两步"', rest='"B"', step=step)
    grading = "\n".join(line for line in grading.splitlines() if not line.startswith(("quota", "round")))
    found = run(policy(grading=grading), marks(*range(10, 0, -1)))
    # First six, ascending: 6, 5, 4 are A. Of the last six (5–10) those three are gone: 7 and 8 are next.
    assert found.letters == "BBBAAADDBB"


def test_the_parts_used_here_are_complete() -> None:
    assert "weight = 100" in INDICATOR
    assert run(policy(), marks(1)).letters == "D"
