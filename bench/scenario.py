"""The job of the evaluation benchmark: six ratios, 40 industries' means, caps, bonuses, vetoes, ranks, quotas.

Synthetic log-normal data; one fixed seed. The same numbers go to every peer.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from muheng.intake.facts import CODE, NAME, Facts, Item

INDUSTRIES = 40
MONEY = ("税收", "增加值", "营业收入", "利润", "研发费用")
NUMBERS = {**dict.fromkeys(MONEY, ("万元", 2)), "用地": ("亩", 4), "综合能耗": ("tce", 2)}
FLAGS = ("高新", "绿色工厂", "智能工厂", "品牌")
RATIOS = (
    ("亩均税收", "税收", "用地", 30),
    ("亩均增加值", "增加值", "用地", 20),
    ("亩均营业收入", "营业收入", "用地", 15),
    ("亩均利润", "利润", "用地", 10),
    ("亩均研发", "研发费用", "用地", 10),
    ("单位能耗增加值", "增加值", "综合能耗", 15),
)
BONUS = (("高新", 3), ("绿色工厂", 4), ("智能工厂", 3), ("品牌", 2))
DIGITS, SCORE_DIGITS, TOTAL_DIGITS = 4, 4, 2


def make_facts(rows: int, seed: int = 7) -> Facts:
    """Facts of ``rows`` enterprises, sorted by code."""
    random = np.random.default_rng(seed)
    size = random.lognormal(0, 1.1, rows)
    columns: dict[str, pl.Series] = {
        CODE: pl.Series([f"9{index:017d}" for index in range(rows)]),
        NAME: pl.Series([f"企业{index}" for index in range(rows)]),
        "行业": pl.Series(random.integers(10, 10 + INDUSTRIES, rows).astype(str)),
    }
    scales = {
        "税收": 300,
        "增加值": 2000,
        "营业收入": 9000,
        "利润": 500,
        "研发费用": 200,
        "用地": 20,
        "综合能耗": 900,
    }
    for name, (_, digits) in NUMBERS.items():
        values = size * random.lognormal(0, 0.6, rows) * scales[name] + 0.5
        columns[name] = pl.Series((values * 10**digits).astype(np.int64))
    for name, share in zip(FLAGS, (0.1, 0.05, 0.08, 0.12), strict=True):
        columns[name] = pl.Series((random.random(rows) < share).astype(np.int64))
    for name, share in (("事故", 0.002), ("违法", 0.003), ("失信", 0.01)):
        columns[name] = pl.Series((random.random(rows) < share).astype(np.int64))
    items = {
        name: Item(name, "number", unit, digits, "等价值" if unit == "tce" else None)
        for name, (unit, digits) in NUMBERS.items()
    }
    items |= {name: Item(name, "number", "1", 0) for name in (*FLAGS, "事故", "违法", "失信")}
    items["行业"] = Item("行业", "text")
    return Facts(2022, items, pl.DataFrame(columns).sort(CODE), ())


def make_policy() -> str:
    """The policy file of the job."""
    inputs = [
        f'{name} = {{ unit = "{unit}", digits = {digits}, missing = "得零分"{_basis(unit)} }}'
        for name, (unit, digits) in NUMBERS.items()
    ]
    inputs += [
        f'{name} = {{ unit = "1", digits = 0, missing = 0 }}' for name in (*FLAGS, "事故", "违法", "失信")
    ]
    indicators = [
        f"""
[[class.工业.indicator]]
name = "{name}"
formula = "{top} / {bottom}"
unit = "万元/{"tce" if bottom == "综合能耗" else "亩"}"
digits = {DIGITS}
weight = {weight}
zero = "得零分"
score = {{ by = "比值", base = {{ of = "同组平均", by = ["行业"] }}, cap = "1.5倍权重", floor = 0 }}"""
        for name, top, bottom, weight in RATIOS
    ]
    bonuses = [
        f'[[bonus]]\nname = "{name}"\nwhen = "{name} == 1"\nadd = {points}\nlimit = "加分"\n'
        for name, points in BONUS
    ]
    return "\n".join(
        [
            '[policy]\nid = "bench"\nname = "bench"\nsource = { document = "bench", status = "示例" }\nvalid = { from = 2022-01-01 }\nopen = []',
            '[input]\n行业 = { type = "文本", missing = "未分类" }',
            *inputs,
            *indicators,
            f'[scoring]\nscore_digits = {SCORE_DIGITS}\ntotal_digits = {TOTAL_DIGITS}\ncap = "不设"\nfloor = "不设"',
            '[limit]\n加分 = { take = "合计", cap = 10 }',
            *bonuses,
            '[grade]\nA = { name = "A" }\nB = { name = "B" }\nC = { name = "C" }\nD = { name = "D" }',
            """[grading]
within = ["行业"]
order = ["总分 降", "统一社会信用代码 升"]
quota = { A = "20%", B = "70%", C = "95%", D = "100%" }
round = { A = "舍去", B = "舍去", C = "舍去" }
counted = ["参评"]
ties = "按排序键"
vetoed = "占名额"
direct = "占名额\"""",
            '[[veto]]\nname = "事故"\nwhen = "事故 == 1"\nthen = "最高 D"\n[[veto]]\nname = "违法"\nwhen = "违法 == 1"\nthen = "最高 D"',
            '[[veto]]\nname = "失信"\nwhen = "失信 == 1"\nthen = "最高 C"',
        ]
    )


def _basis(unit: str) -> str:
    return ', basis = "等价值"' if unit == "tce" else ""
