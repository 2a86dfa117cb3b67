"""A result as a table for other programs: decimals, texts and dates instead of scaled integers and codes."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.policy.run import Result, decode

# What the list says of each subject, in the words of ``Result.grades``.
SAID = (p.CLASS, p.STANDING, p.REASON, p.PLACE, p.FIRST_GRADE, p.GRADE, p.TREATED_AS)


def readable(result: Result) -> pl.DataFrame:
    """One row per subject: 统一社会信用代码, 企业名称, what the list says, then every named figure of the policy.

    Numbers are ``Decimal(38, digits)``, conditions booleans, dates dates, texts texts.
    """
    said = result.grades
    columns = [result.values[CODE], result.values[NAME], *(said[name] for name in SAID)]
    for node in result.plan.nodes:
        if node.name in SAID or node.name not in result.values.columns:
            continue
        columns.append(_readable(result.values[node.name], node, result.labels).alias(node.name))
    return pl.DataFrame(columns)


def _readable(values: pl.Series, node: p.AnyNode, labels: Mapping[str, tuple[str, ...]]) -> pl.Series:
    if isinstance(node, p.Numeric):
        # Through text, so that no digit passes through a binary float.
        return decimals(values, node.digits)
    if isinstance(node, p.CodeInput) and node.kind == "date":
        return values.cast(pl.String).str.to_date("%Y%m%d", strict=False)
    if node.name in labels:
        return decode(values, labels[node.name])
    return values


def decimals(values: pl.Series, digits: int) -> pl.Series:
    """Scaled integers as decimals, exactly."""
    from muheng.policy.run import decimal_text

    return decimal_text(values, digits).cast(pl.Decimal(38, digits))
