"""The evaluation job by hand: Polars, DuckDB SQL, pandas and OpenFisca, each as its users would write it.

All in binary floats, as is usual; every intermediate figure is kept. Rounding of totals to 2 decimals makes the
ties real; ties go to the lower credit code in all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from bench.scenario import BONUS, INDUSTRIES, NUMBERS, RATIOS

CODE = "统一社会信用代码"


def to_float(frame: pl.DataFrame) -> pl.DataFrame:
    """The facts as a hand-written script would hold them: floats, industry as text."""
    return frame.with_columns(pl.col(name) / 10**digits for name, (_, digits) in NUMBERS.items())


def by_polars(frame: pl.DataFrame) -> pl.DataFrame:
    values = [(pl.col(top) / pl.col(bottom)).alias(name) for name, top, bottom, _ in RATIOS]
    means = [pl.col(name).mean().over("行业").alias(f"{name}基准") for name, *_ in RATIOS]
    scores = [
        (pl.col(name) / pl.col(f"{name}基准") * weight).clip(0, 1.5 * weight).alias(f"{name}得分")
        for name, _, _, weight in RATIOS
    ]
    bonuses = [
        pl.when(pl.col(name) == 1).then(points).otherwise(0).alias(f"{name}加分") for name, points in BONUS
    ]
    cuts = [
        pl.when(pl.col("名次") <= (pl.col("户数") * share).floor()).then(pl.lit(grade))
        for grade, share in (("A", 0.20), ("B", 0.70), ("C", 0.95))
    ]
    return (
        frame.lazy()
        .with_columns(values)
        .with_columns(means)
        .with_columns(scores)
        .with_columns(bonuses)
        .with_columns(
            pl.sum_horizontal(f"{name}得分" for name, *_ in RATIOS).alias("合计"),
            pl.sum_horizontal(f"{name}加分" for name, _ in BONUS).clip(0, 10).alias("加分"),
        )
        .with_columns(((pl.col("合计") + pl.col("加分")) * 100).round(0).alias("总分") / 100)
        # Rows stand by code, and an ordinal rank keeps the order of equal rows.
        .with_columns(
            pl.col("总分").rank("ordinal", descending=True).over("行业").alias("名次"),
            pl.len().over("行业").alias("户数"),
        )
        .with_columns(pl.coalesce(*cuts, pl.lit("D")).alias("初评"))
        .with_columns(
            pl.when((pl.col("事故") == 1) | (pl.col("违法") == 1))
            .then(pl.lit("D"))
            .when((pl.col("失信") == 1) & pl.col("初评").is_in(["A", "B"]))
            .then(pl.lit("C"))
            .otherwise(pl.col("初评"))
            .alias("等级")
        )
        .collect()
    )


def duckdb_sql() -> str:
    values = ", ".join(f'"{top}" / "{bottom}" AS "{name}"' for name, top, bottom, _ in RATIOS)
    means = ", ".join(f'avg("{name}") OVER g AS "{name}基准"' for name, *_ in RATIOS)
    scores = ", ".join(
        f'least(greatest("{name}" / "{name}基准" * {weight}, 0), {1.5 * weight}) AS "{name}得分"'
        for name, _, _, weight in RATIOS
    )
    bonuses = ", ".join(
        f'CASE WHEN "{name}" = 1 THEN {points} ELSE 0 END AS "{name}加分"' for name, points in BONUS
    )
    subtotal = " + ".join(f'"{name}得分"' for name, *_ in RATIOS)
    bonus = " + ".join(f'"{name}加分"' for name, _ in BONUS)
    return f"""
WITH a AS (SELECT *, {values} FROM facts),
     b AS (SELECT *, {means} FROM a WINDOW g AS (PARTITION BY "行业")),
     c AS (SELECT *, {scores}, {bonuses} FROM b),
     d AS (SELECT *, {subtotal} AS "合计", least({bonus}, 10) AS "加分" FROM c),
     e AS (SELECT *, round("合计" + "加分", 2) AS "总分" FROM d),
     f AS (SELECT *, row_number() OVER (PARTITION BY "行业" ORDER BY "总分" DESC, "{CODE}") AS "名次",
                  count(*) OVER (PARTITION BY "行业") AS "户数" FROM e),
     h AS (SELECT *, CASE WHEN "名次" <= floor("户数" * 0.2) THEN 'A' WHEN "名次" <= floor("户数" * 0.7) THEN 'B'
                  WHEN "名次" <= floor("户数" * 0.95) THEN 'C' ELSE 'D' END AS "初评" FROM f)
SELECT *, CASE WHEN "事故" = 1 OR "违法" = 1 THEN 'D' WHEN "失信" = 1 AND "初评" IN ('A', 'B') THEN 'C'
               ELSE "初评" END AS "等级" FROM h"""


def by_pandas(table: Any) -> Any:
    table = table.copy(deep=False)
    groups = table.groupby("行业", sort=False)
    for name, top, bottom, weight in RATIOS:
        table[name] = table[top] / table[bottom]
        table[f"{name}基准"] = table[name].groupby(table["行业"], sort=False).transform("mean")
        table[f"{name}得分"] = (table[name] / table[f"{name}基准"] * weight).clip(0, 1.5 * weight)
    for name, points in BONUS:
        table[f"{name}加分"] = np.where(table[name] == 1, points, 0)
    table["合计"] = sum(table[f"{name}得分"] for name, *_ in RATIOS)
    table["加分"] = sum(table[f"{name}加分"] for name, _ in BONUS).clip(0, 10)
    table["总分"] = ((table["合计"] + table["加分"]) * 100).round() / 100
    table["名次"] = table.groupby("行业", sort=False)["总分"].rank(method="first", ascending=False)
    table["户数"] = groups["税收"].transform("size")
    place, many = table["名次"], table["户数"]
    conditions = [
        place <= np.floor(many * 0.2),
        place <= np.floor(many * 0.7),
        place <= np.floor(many * 0.95),
    ]
    table["初评"] = np.select(conditions, ["A", "B", "C"], "D")
    table["等级"] = np.where(
        (table["事故"] == 1) | (table["违法"] == 1),
        "D",
        np.where((table["失信"] == 1) & table["初评"].isin(["A", "B"]), "C", table["初评"]),
    )
    return table


def openfisca_run(columns: dict[str, np.ndarray], industry: np.ndarray) -> np.ndarray:
    """The job on openfisca-core: one variable per figure, industries as group entities' aggregates.

    OpenFisca has no group quota; ranks and cuts are written in numpy inside the formulas, as its users do.
    """
    from openfisca_core.entities import build_entity
    from openfisca_core.periods import DateUnit
    from openfisca_core.simulations import SimulationBuilder
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    firm = build_entity("firm", "firms", "", is_person=True)
    sector = build_entity(
        "sector", "sectors", "", roles=[{"key": "member", "plural": "members", "label": "", "doc": ""}]
    )
    system = TaxBenefitSystem([firm, sector])

    def declare(name: str, formula: Any = None, value_type: type = float) -> None:
        body: dict[str, Any] = {
            "value_type": value_type, "entity": firm, "definition_period": DateUnit.YEAR, "label": name,
        }  # fmt: skip
        if formula is not None:
            body["formula"] = formula
        system.add_variable(type(name, (Variable,), body))

    for name in columns:
        declare(name)
    counts = np.bincount(industry, minlength=INDUSTRIES)

    def ratio(top: str, bottom: str) -> Any:
        return lambda firms, period: firms(top, period) / firms(bottom, period)

    def mean(name: str) -> Any:
        return lambda firms, period: firms.sector.sum(firms.sector.members(name, period)) / counts[industry]

    def score(name: str, weight: int) -> Any:
        return lambda firms, period: np.clip(
            firms(name, period) / firms(f"{name}_mean", period) * weight, 0, 1.5 * weight
        )

    for name, top, bottom, weight in RATIOS:
        declare(name, ratio(top, bottom))
        declare(f"{name}_mean", mean(name))
        declare(f"{name}_score", score(name, weight))
    declare(
        "bonus",
        lambda firms, period: np.clip(sum(firms(name, period) * points for name, points in BONUS), 0, 10),
    )
    declare(
        "total",
        lambda firms, period: np.round(
            sum(firms(f"{name}_score", period) for name, *_ in RATIOS) + firms("bonus", period), 2
        ),
    )

    def place(firms: Any, period: Any) -> np.ndarray:
        order = np.lexsort((-firms("total", period), industry))
        starts = np.cumsum(counts) - counts
        places = np.empty(len(industry))
        places[order] = np.arange(len(industry)) - np.repeat(starts, counts) + 1
        return places

    declare("place", place)

    def grade(firms: Any, period: Any) -> np.ndarray:
        many = counts[industry]
        at = firms("place", period)
        first = np.select([at <= np.floor(many * share) for share in (0.2, 0.7, 0.95)], [0, 1, 2], 3)
        first = np.where((firms("事故", period) == 1) | (firms("违法", period) == 1), 3, first)
        return np.where((firms("失信", period) == 1) & (first < 2), 2, first)

    declare("grade", grade, int)
    builder = SimulationBuilder()
    builder.create_entities(system)
    builder.declare_person_entity("firm", np.arange(len(industry)))
    sectors = builder.declare_entity("sector", np.arange(INDUSTRIES))
    builder.join_with_persons(sectors, industry, roles=np.repeat("member", len(industry)))
    simulation = builder.build(system)
    for name, values in columns.items():
        simulation.set_input(name, "2022", values)
    return simulation.calculate("grade", "2022")
