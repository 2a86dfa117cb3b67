"""Ratios beside the industry: exact, by unit, and never of what is missing."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.intake.facts import CODE, Facts, Item, facts_from_table
from muheng.web.registry import panels
from muheng.web.registry.figures import compare, compare_for, list_figures, position, years_of
from muheng.web.registry.queries import mask
from web.population import make_city

AMOUNT = st.one_of(st.none(), st.integers(-5, 10**9))


def facts_of(rows: dict[str, tuple[int | None, int | None, int | None]], land: str = "亩") -> Facts:
    """Facts of 2024: tax in 元 with two digits, own land and land let out with four."""
    frame = pl.DataFrame(
        {
            CODE: list(rows),
            "入库税收": [row[0] for row in rows.values()],
            "自有用地": [row[1] for row in rows.values()],
            "出租用地": [row[2] for row in rows.values()],
        },
        schema={CODE: pl.String, "入库税收": pl.Int64, "自有用地": pl.Int64, "出租用地": pl.Int64},
    )
    items = {
        "入库税收": Item("入库税收", "number", "元", 2),
        "自有用地": Item("自有用地", "number", land, 4),
        "出租用地": Item("出租用地", "number", land, 4),
    }
    return facts_from_table(frame, items, 2024)


@given(st.sets(st.text("AB19", min_size=1, max_size=4), min_size=1), st.text("AB19", max_size=4))
def test_a_row_is_found_where_it_is(codes: set[str], asked: str) -> None:
    facts = facts_of(dict.fromkeys(codes, (1, 1, 1)))
    there = facts.frame.get_column(CODE).to_list()
    assert position(facts, asked) == (there.index(asked) if asked in there else None)


@pytest.mark.django_db(transaction=False)
@pytest.mark.parametrize(
    ("land", "mu"), [("亩", Decimal(1)), ("m²", Decimal(3) / 2000), ("公顷", Decimal(15))]
)
def test_units_are_converted(land: str, mu: Decimal) -> None:
    with transaction.atomic():
        panels.add_layer(facts_of({"A": (123_456_789, 50_0000, None), "B": (None, 1, 1)}, land), "", "", None)
    (year,) = compare("A")
    due = Decimal(123_456_789) / 100 / 10000 / (50 * mu)
    assert year.standings[0].own.replace(",", "") == str(due.quantize(Decimal("0.01"), ROUND_HALF_UP))
    assert years_of("A") == [2024]
    assert years_of("C") == compare("C") == list_figures("C", 2024) == list_figures("A", 1999) == []
    (missing,) = compare("B")
    assert missing.standings[0].own == ""


@pytest.mark.django_db
@settings(max_examples=20)
@given(st.lists(st.tuples(AMOUNT, AMOUNT, AMOUNT), min_size=1, max_size=6))
def test_any_figures_give_a_ratio_or_none(rows: list[tuple[int | None, int | None, int | None]]) -> None:
    given_rows = {f"{number}": row for number, row in enumerate(rows)}
    with transaction.atomic():
        panels.add_layer(facts_of(given_rows), "", "", None)
        for code, (tax, own, out) in given_rows.items():
            standing = compare(code)[0].standings[0]
            below = (own or 0) - (out or 0)
            if tax is None or below <= 0:
                assert standing.own == ""
            else:
                due = Decimal(tax) / 10**6 * 10**4 / below
                assert Decimal(standing.own.replace(",", "")) == due.quantize(Decimal("0.01"), ROUND_HALF_UP)
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("number", "shown"),
    [("13800000123", "138****0123"), ("0555-5550123", "055****0123"), ("5550123", "****")],
)
def test_masked_numbers(number: str, shown: str) -> None:
    assert mask(number) == shown


@pytest.mark.django_db
@pytest.mark.parametrize(("many", "told"), [(4, False), (5, True)])
def test_an_enterprise_is_not_told_the_figures_of_a_few_others(many: int, told: bool) -> None:
    people = make_city()
    codes = [each.code for each in people.enterprises[:many]]
    facts = facts_of({code: (100_00 * at, 10_0000, 0) for at, code in enumerate(codes, 1)})
    frame = facts.frame.with_columns(pl.lit("34").alias("行业代码"))
    items = {**facts.items, "行业代码": Item("行业代码", "text")}
    with transaction.atomic():
        panels.add_layer(facts_from_table(frame, items, 2024), "税收", "test", None)
    enterprise = people.enterprises[0]
    for person, sees in ((people.owner, told), (people.clerk, True)):
        (year,) = compare_for(person, enterprise)
        tax = year.standings[0]
        assert (tax.own, tax.many) == (compare(enterprise.code)[0].standings[0].own, many)
        assert bool(tax.median) is bool(tax.best_quarter) is (tax.leads is not None) is sees
