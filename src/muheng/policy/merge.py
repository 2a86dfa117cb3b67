"""Enterprises on one parcel become one subject: figures added, everything else from the lead.

Works on facts, before any policy is computed; the exact sums are of the facts' own integers.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from muheng.intake.facts import CODE, NAME, Facts
from muheng.policy import plan as p


def merge_facts(plan: p.Plan, facts: Facts, alone: list[str]) -> tuple[Facts, dict[str, str]]:
    """The facts with one row per subject, and the subject's code for every enterprise.

    ``alone``: credit codes of those who are evaluated by themselves (large tenants and the like).
    The subject has the lead's code and name. A sum is missing only where every member's figure is.
    """
    merge = plan.document.merge
    assert merge is not None
    frame = facts.frame
    kinds = {name: item.kind for name, item in facts.items.items()}
    wanted = {merge.by: "text", merge.land: "number"} | ({merge.lead: "text"} if merge.lead else {})
    if merge.by not in kinds or any(kinds.get(name, kind) != kind for name, kind in wanted.items()):
        # Nobody gave parcels; or something else under these names, which binding will say.
        return facts, {code: code for code in frame[CODE]}
    parcel = pl.col(merge.by).replace("", None)
    group = (
        pl.when(parcel.is_null() | pl.col(CODE).is_in(alone))
        .then(pl.col(CODE))
        .otherwise(pl.lit("宗地/") + parcel)
    )
    keyed = frame.with_columns(group.alias("~组"))
    is_lead = (
        pl.lit(False)
        if merge.lead is None or merge.lead not in facts.items
        else pl.col(merge.lead) == pl.col(CODE)
    )
    size = pl.col(merge.land).fill_null(-1) if merge.land in facts.items else pl.lit(0)
    leads = (
        keyed.with_columns(is_lead.fill_null(False).alias("~主体"), size.alias("~用地"))
        .sort(["~主体", "~用地", CODE], descending=[True, True, False])
        .unique("~组", keep="first", maintain_order=True)
        .select("~组", pl.col(CODE).alias("~主"))
    )
    keyed = keyed.join(leads, on="~组", how="left")
    numbers = [name for name, item in facts.items.items() if item.kind == "number"]
    sums = keyed.group_by("~主").agg(
        *(pl.when(pl.col(name).is_not_null().any()).then(_sum(pl.col(name))).alias(name) for name in numbers)
    )
    others = [name for name in frame.columns if name not in numbers]
    merged = (
        keyed.filter(pl.col(CODE) == pl.col("~主"))
        .select(others)
        .join(sums, left_on=CODE, right_on="~主", how="left")
        .select(frame.columns)
        .sort(CODE)
    )
    members = dict(zip(keyed[CODE], keyed["~主"], strict=True))
    assert merged[NAME].null_count() == 0
    return replace(facts, frame=merged), members


def _sum(values: pl.Expr) -> pl.Expr:
    """The exact sum; beyond ±2**62, which no range allows, that limit instead of a number that has wrapped."""
    return values.cast(pl.Int128).sum().clip(-(2**62), 2**62).cast(pl.Int64)
