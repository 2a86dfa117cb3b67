"""元 for 万元: flagged, never changed."""

from __future__ import annotations

import polars as pl

from muheng.intake.facts import CODE, NAME, Facts, Item, facts_from_table
from muheng.intake.slips import find_slips

ITEMS = {
    "税收": Item("税收", "number", "万元", 2),
    "用地": Item("用地", "number", "亩", 4),
    "行业代码": Item("行业代码", "text"),
    "规模": Item("规模", "text"),
}


def facts(taxes: list[int | None], industry: str = "3311", digits: int = 2) -> Facts:
    frame = pl.DataFrame(
        {
            CODE: [f"{n:03d}" for n in range(len(taxes))],
            NAME: [f"厂{n}" for n in range(len(taxes))],
            "税收": pl.Series(taxes, dtype=pl.Int64),
            "用地": pl.Series([10**9 if n == 0 else 100 for n in range(len(taxes))], dtype=pl.Int64),
            "行业代码": [industry] * len(taxes),
            "规模": ["规上"] * len(taxes),
        }
    )
    items = {**ITEMS, "税收": Item("税收", "number", "万元", digits)}
    return facts_from_table(frame, items, 2022, file="税务局.xlsx", sheet="税收")


def test_against_the_enterprises_own_past_both_ways() -> None:
    past = facts([100_00, 100_00, 100_00, 100_00, None, 0])
    now = facts([100_00, 130_0000_00, 1, 900_00, 100_00, 100_00])
    problems = find_slips(now, past)
    assert [(p.code, p.cell, p.severity) for p in problems] == [
        ("001", "C3", "warning"),
        ("002", "C4", "warning"),
    ]
    assert str(problems[0].what) == "是本企业上一年的值的 13,000 倍，像是 元 和 万元 弄混了。"
    assert str(problems[1].what) == "是本企业上一年的值的 1/10,000 倍，像是 元 和 万元 弄混了。"
    assert str(problems[0].fix) == "本列单位是 万元；请核对。没有改动这个数。"
    assert now.frame.get_column("税收")[1] == 130_0000_00


def test_the_past_may_have_other_digits() -> None:
    assert not find_slips(facts([100_00] * 6), facts([100_0000] * 6, digits=4))


def test_a_whole_column_is_told_once() -> None:
    past = facts([n * 100 for n in range(1, 21)])
    now = facts([n * 100 * 10_000 for n in range(1, 19)] + [100, 100])
    (problem,) = find_slips(now, past)
    assert "20 家可比企业中有 18 家" in str(problem.what)
    assert problem.cell is None


def test_against_the_industry_only_upwards() -> None:
    taxes: list[int | None] = [100_00 + n for n in range(20)]
    taxes[3], taxes[4] = 100_0000_00, 1
    (problem,) = find_slips(facts(taxes), None)
    assert (problem.code, problem.cell) == ("003", "C5")
    assert "同行业的中位数" in str(problem.what)


def test_few_enterprises_prove_nothing() -> None:
    assert not find_slips(facts([100, 100, 100_0000, 100]), None)
    assert not find_slips(facts([]), None)
