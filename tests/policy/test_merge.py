"""Enterprises of one parcel become one subject: nothing is lost, nothing is added, and everyone finds its result."""

from __future__ import annotations

import os
from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import Outcome, compiled, indicator, make_facts, policy, run

from muheng.intake.facts import CODE, NAME, Facts, Item
from muheng.policy.advise import advise
from muheng.policy.bind import DataError
from muheng.policy.explain import explain
from muheng.policy.merge import merge_facts
from muheng.policy.plan import Plan
from muheng.policy.run import evaluate

MANY = int(os.environ.get("MUHENG_EXAMPLES", "1"))


def merging(result: str = 'result = "共享"', alone: str = "", lead: str = 'lead = "主体"') -> str:
    more = f'alone = "{alone}"\n' if alone else ""
    return policy(
        f'[merge]\nby = "宗地号"\nland = "用地"\n{lead}\n{result}\n{more}',
        inputs='宗地号 = { type = "文本", missing = "视为缺" }\n主体 = { type = "文本", missing = "视为缺" }\n'
        '用地 = { unit = "亩", digits = 2, missing = "视为缺" }\n税收 = { unit = "万元", digits = 2, range = [-1e12, 1e12], missing = "得零分" }\n',
        indicator="[class.企业]\n"
        + indicator(
            "税收 / 用地",
            unit="万元/亩",
            more='zero = "得零分"\nmissing = "得零分"',
            score='by = "比值", base = 10, cap = "不设", floor = "不设"',
        ),
    )


PLAN: Plan = compiled(merging())


@st.composite
def parcels(draw: st.DrawFn) -> Facts:
    count = draw(st.integers(1, 12))
    codes = [f"91{at:04d}" for at in range(count)]
    figures = st.none() | st.integers(-(10**9), 10**9) | st.sampled_from([0, 2**61, -(2**61)])

    def column(of: st.SearchStrategy[object], kind: pl.DataType) -> pl.Series:
        return pl.Series(draw(st.lists(of, min_size=count, max_size=count)), dtype=kind)

    frame = pl.DataFrame(
        {
            CODE: codes,
            NAME: [f"企业{at}" for at in range(count)],
            "宗地号": column(st.sampled_from([None, "一", "二", "三", ""]), pl.String()),
            "主体": column(st.sampled_from([None, *codes]), pl.String()),
            "用地": column(st.none() | st.integers(0, 5), pl.Int64()),
            "税收": column(figures, pl.Int64()),
            "备注": column(st.sampled_from([None, "甲", "乙"]), pl.String()),
        }
    )
    items = {
        "宗地号": Item("宗地号", "text"),
        "主体": Item("主体", "text"),
        "用地": Item("用地", "number", "亩", 2),
        "税收": Item("税收", "number", "万元", 2),
        "备注": Item("备注", "text"),
    }
    return Facts(2024, items, frame)


@settings(max_examples=80 * MANY, deadline=None)
@given(parcels(), st.data())
def test_every_enterprise_is_in_one_subject_and_every_figure_counts_once(
    facts: Facts, data: st.DataObject
) -> None:
    codes = facts.frame[CODE].to_list()
    alone = data.draw(st.lists(st.sampled_from(codes), unique=True))
    merged, members = merge_facts(PLAN, facts, alone)
    rows = {row[CODE]: row for row in facts.frame.iter_rows(named=True)}
    assert list(members) == codes
    assert merged.frame[CODE].to_list() == sorted(set(members.values()))
    assert merged.frame.schema == facts.frame.schema
    groups: dict[str, list[str]] = defaultdict(list)
    for member, subject in members.items():
        groups[subject].append(member)
    for row in merged.frame.iter_rows(named=True):
        group = groups[row[CODE]]
        assert row[CODE] in group
        assert (row[NAME], row["备注"]) == (rows[row[CODE]][NAME], rows[row[CODE]]["备注"])
        for name in ("用地", "税收"):
            known = [rows[member][name] for member in group if rows[member][name] is not None]
            # What no 64-bit figure can hold is left for the believable range to refuse.
            assert row[name] == (min(max(sum(known), -(2**62)), 2**62) if known else None)
        if len(group) > 1:
            assert len({rows[member]["宗地号"] for member in group}) == 1
            assert not set(group) & set(alone)
    together: dict[str, set[str]] = defaultdict(set)
    for code, row in rows.items():
        if row["宗地号"] and code not in alone:
            together[row["宗地号"]].add(members[code])
        else:
            assert groups[members[code]] == [code]
    assert all(len(subjects) == 1 for subjects in together.values())


@settings(max_examples=60 * MANY, deadline=None)
@given(parcels())
def test_the_lead_is_who_is_named_then_the_largest_then_the_first(facts: Facts) -> None:
    _, members = merge_facts(PLAN, facts, [])
    rows = {row[CODE]: row for row in facts.frame.iter_rows(named=True)}
    for subject in set(members.values()):
        group = [rows[member] for member, lead in members.items() if lead == subject]
        best = min(
            group,
            key=lambda row: (
                row["主体"] != row[CODE],
                -(-1 if row["用地"] is None else row["用地"]),
                row[CODE],
            ),
        )
        assert subject == best[CODE]


def test_merging_what_is_merged_changes_nothing() -> None:
    facts = make_facts(
        {f"企业{at}": {"宗地号": "一二三"[at % 3], "用地": at, "税收": 7 * at} for at in range(9)}
    )
    once, _ = merge_facts(PLAN, facts, [])
    twice, members = merge_facts(PLAN, once, [])
    assert twice.frame.equals(once.frame)
    assert set(members) == set(members.values())


def test_a_sum_beyond_64_bits_is_refused_and_never_wraps() -> None:
    huge = 9 * 10**18
    frame = make_facts(
        {"甲": {"宗地号": "一", "用地": 1, "税收": 1}, "乙": {"宗地号": "一", "用地": 2, "税收": 1}}
    )
    facts = Facts(2024, frame.items, frame.frame.with_columns(pl.lit(huge).alias("税收")))
    with pytest.raises(DataError) as caught:
        evaluate(PLAN, facts)
    assert "不在合理范围" in str(caught.value)


def test_parcels_of_another_kind_are_a_misfit_and_not_a_crash() -> None:
    facts = make_facts({"甲": {"宗地号": 5, "用地": 1, "税收": 1}})
    with pytest.raises(DataError) as caught:
        evaluate(PLAN, facts)
    assert "宗地号" in str(caught.value)
    for item, value in (("用地", "五亩"), ("主体", 7)):
        rows = {"甲": {"宗地号": "一", "用地": 1, "税收": 1, item: value}}
        with pytest.raises(DataError) as caught:
            evaluate(PLAN, make_facts(rows))
        assert item in str(caught.value)


def test_without_parcels_everyone_is_alone() -> None:
    found = run(PLAN, {"甲": {"用地": 1, "税收": 10}, "乙": {"用地": 2, "税收": 10}})
    assert found.result.values.height == 2
    assert found.result.members == {code: code for code in found.result.values[CODE]}


ROWS = {
    "甲": {"宗地号": "一", "用地": 10, "税收": 50},
    "乙": {"宗地号": "一", "用地": 30, "税收": 150},
    "丙": {"宗地号": "一", "用地": 10, "税收": 400},
    "丁": {"宗地号": "二", "用地": 10, "税收": 90},
    "戊": {"用地": 10, "税收": 60},
}


@pytest.mark.parametrize("official", ["合并", "独立"])
def test_alone_and_together_side_by_side(official: str) -> None:
    """Together 甲, 乙 and 丙 have 600 万元 on 50 亩: 120 points; apart 50, 50 and 400."""
    found = run(merging(f'result = "独立与合并"\nofficial = "{official}"'), ROWS)
    other = found.result.independent
    assert other is not None
    together, apart = (found, Outcome(other)) if official == "合并" else (Outcome(other), found)
    assert together.total("乙") == 120
    assert [apart.total(name) for name in "甲乙丙"] == [50, 50, 400]
    assert together.result.members is not None
    assert found.result.given.frame.height == 5
    code = found.result.given.frame[CODE][2]  # 丙, which 乙 leads
    told = "\n".join(explain(found.result, code).lines())
    assert "供对照" in told
    assert ("独立评价为" if official == "合并" else "合并评价为") in told


def test_advice_for_a_member_is_for_its_subject() -> None:
    found = run(merging(), ROWS | {f"企业{at}": {"用地": 10, "税收": 200 + at} for at in range(6)})
    code = found.result.given.frame[CODE][0]  # 甲
    told = advise(found.result, code, "A")
    assert told.name == "乙"
    assert all(step.before == "600.00" for way in told.ways for step in way.steps if step.item == "税收")


def test_the_condition_for_standing_alone_is_asked_before_merging() -> None:
    """Each has less than 30 mu, all together have more: they are merged nevertheless."""
    rows = {name: {"宗地号": "一", "用地": 20, "税收": 100} for name in "甲乙丙"}
    assert run(merging(alone="用地 >= 30"), rows).result.values.height == 1
    rows["丁"] = {"宗地号": "一", "用地": 30, "税收": 1}
    assert run(merging(alone="用地 >= 30"), rows).result.values.height == 2
