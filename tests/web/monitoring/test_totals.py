"""Amounts by months, accepted as figures of the year; and beside the emergency list."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from web.monitoring.works import NOW, NOX, SO2, Works

YEAR = 2025
ITEMS = ("COD排放量", "氨氮排放量", "二氧化硫排放量", "氮氧化物排放量", "主要污染物排放量")


def put_facts(works: Works, sulphur: str = "10") -> None:
    """A panel of the year with four amounts and their sum, of the plant and the mill."""
    from muheng.intake.facts import CODE, NAME, ROW, Facts, Item, SourceTable
    from muheng.web.registry.panels import add_layer

    items = {name: Item(name, "number", "t", 4) for name in ITEMS}
    firms = sorted((works.stack.enterprise, works.water.enterprise), key=lambda each: each.code)
    figures = [Decimal(0), Decimal(1), Decimal(sulphur), Decimal(20)]
    row = [int(each * 10_000) for each in (*figures, sum(figures))]
    frame = pl.DataFrame(
        {
            CODE: [each.code for each in firms],
            NAME: [each.name for each in firms],
            **{name: pl.Series([row[at]] * 2, dtype=pl.Int64) for at, name in enumerate(ITEMS)},
        }
    )
    table = SourceTable(
        "排放.xlsx",
        "排放",
        "生态环境",
        "ecology",
        "",
        dict(zip(ITEMS[:4], "CDEF", strict=True)),
        frame.select(CODE, pl.Series(ROW, [2, 3], dtype=pl.UInt32), *ITEMS[:4]),
        {ITEMS[4]: ITEMS[:4]},
    )
    add_layer(Facts(YEAR, items, frame, (table,)), "生态环境局排放表", "test", None)


def put_months(point: Any, factor: str, months: int, kilograms: int = 500) -> None:
    from muheng.web.monitoring.models import MonthAmount

    MonthAmount.objects.bulk_create(
        MonthAmount(
            point=point,
            factor=factor,
            month=f"{YEAR}-{month:02d}",
            milligrams=kilograms * 1_000_000,
            measured_hours=700,
            replaced_hours=20,
            empty_hours=0,
            stopped_hours=0,
            outside_hours=0,
        )
        for month in range(1, months + 1)
    )


def test_months_are_added_up_again_until_settled(works: Works) -> None:
    from muheng.web.monitoring.models import Hour, MonthAmount
    from muheng.web.monitoring.totals import add_up_due

    assert add_up_due(NOW) == 3
    rows = MonthAmount.objects.filter(point=works.stack, factor=NOX)
    assert [row.month for row in rows] == ["2026-10", "2026-11"]
    november = rows[1]
    hours = Hour.objects.filter(point=works.stack, time__gte=NOW.replace(day=1, hour=0, minute=0))
    measured = sum(
        round(hour.values[NOX][0] * hour.values["a00000"][0])
        for hour in hours
        if hour.values.get(NOX, (0, "", 0))[1] == "N" and hour.values.get("a00000", (0, "", 0))[1] == "N"
    )
    assert november.measured_hours > 400
    assert int(november.milligrams) >= measured
    assert (
        november.measured_hours + november.replaced_hours + november.empty_hours + november.stopped_hours
        == 19 * 24 + 9
    )
    october = rows[0]
    # Watched from the eleventh on: what was before counts for nothing, not against the capture rate either.
    assert october.outside_hours == 0
    assert (
        october.measured_hours + october.replaced_hours + october.empty_hours + october.stopped_hours
        == 21 * 24
    )
    water = MonthAmount.objects.get(point=works.water, month="2026-11")
    # About 44 mg/L in 135 m³/h for 465 hours.
    assert 2_500 < int(water.milligrams) / 1e6 < 3_100
    MonthAmount.objects.filter(pk=november.pk).update(final=True, milligrams=7)
    MonthAmount.objects.filter(pk=rows[0].pk).update(milligrams=7)
    add_up_due(NOW)
    assert [int(row.milligrams) == 7 for row in rows.all()] == [False, True]


def test_what_is_not_whole_cannot_be_accepted(works: Works) -> None:
    from muheng.web.monitoring.actions.totals import settle_year
    from muheng.web.monitoring.queries.totals import list_year
    from muheng.web.refusal import Refused

    put_facts(works)
    put_months(works.stack, SO2, 12)
    works.dry_stack.outlet.limits = [{"pollutant": "二氧化硫", "limit": "35", "unit": "mg/m³", "yearly": "8"}]
    works.dry_stack.outlet.save()
    (row,) = list_year(works.officer, YEAR, date(2026, 2, 1))
    assert [(each.kind, each.said) for each in row.lacking] == [("outlets", "没有监测的排放口：DA002")]
    with pytest.raises(Refused, match=f"{row.enterprise.name} 二氧化硫排放量（没有监测的排放口：DA002）"):
        settle_year(works.officer, YEAR, [row.key], NOW)
    with pytest.raises(Refused, match="没有监测排放量"):
        settle_year(works.officer, YEAR, [(row.enterprise.code, "氨氮排放量")], NOW)
    with pytest.raises(Refused, match="请选"):
        settle_year(works.officer, YEAR, [], NOW)
    put_months(works.dry_stack, SO2, 11)
    (row,) = list_year(works.officer, YEAR, date(2026, 2, 1))
    assert [(each.kind, each.said) for each in row.lacking] == [("months", "监测数据只有 11 个月")]
    assert list_year(works.owner, YEAR, date(2026, 2, 1)) == []
    with pytest.raises(Refused, match="权限"):
        settle_year(works.owner, YEAR, [row.key], NOW)


def test_the_year_takes_monitored_figures_with_their_sum(works: Works) -> None:
    from muheng.web.monitoring.actions.totals import settle_year
    from muheng.web.monitoring.models import MonthAmount
    from muheng.web.monitoring.queries.totals import YearFigures, list_year
    from muheng.web.refusal import Refused
    from muheng.web.registry.panels import current, remove_layer

    put_facts(works)
    put_months(works.stack, SO2, 12)
    put_months(works.dry_stack, SO2, 12, 250)
    (row,) = list_year(works.officer, YEAR, date(2026, 2, 1))
    assert (row.tonnes, row.filed, row.difference) == (Decimal(9), Decimal(10), Decimal("-10.0"))
    assert row.whole
    code = row.enterprise.code
    layer = settle_year(works.officer, YEAR, [row.key], NOW)
    facts = current(YEAR)
    assert facts is not None
    assert YearFigures(facts).read(code, "二氧化硫排放量") == 9
    assert YearFigures(facts).read(code, "氮氧化物排放量") == 20
    assert YearFigures(facts).read(code, "主要污染物排放量") == 30
    assert YearFigures(facts).read(works.water.enterprise.code, "主要污染物排放量") == 31
    assert facts.cells(code, "二氧化硫排放量")[0].file == "自动监测 2025 年 12 个月"
    assert MonthAmount.objects.filter(final=True).count() == 24
    with pytest.raises(Refused, match="已经采用"):
        settle_year(works.officer, YEAR, [row.key], NOW)
    (taken,) = list_year(works.officer, YEAR, date(2026, 2, 1))
    assert (taken.settled, taken.ready) == (True, False)
    remove_layer(layer)
    # It lies over the figures no more, and may be taken again.
    (back,) = list_year(works.officer, YEAR, date(2026, 2, 1))
    assert (back.settled, back.ready) == (False, True)
    again = current(YEAR)
    assert again is not None
    assert YearFigures(again).read(code, "主要污染物排放量") == 31


def test_an_emergency_list_is_held_against_it(works: Works) -> None:
    from muheng.web.monitoring.queries.totals import daily_grams

    put_months(works.stack, SO2, 12, 720)
    plant = works.stack.enterprise.code
    assert daily_grams([plant], date(2026, 1, 15)) == {plant: (24_000, None, None, None)}
    assert daily_grams([plant], date(2027, 2, 15)) == {}
    works.dry_stack.outlet.limits = [{"pollutant": "SO2", "limit": "35", "unit": "mg/m³"}]
    works.dry_stack.outlet.save()
    assert daily_grams([plant], date(2026, 1, 15)) == {}


def test_the_pages_of_amounts(works: Works) -> None:
    from django.test import Client

    from muheng.web.monitoring.totals import add_up_due

    client = Client()
    client.force_login(works.officer)
    assert "还没有算过" in client.get("/monitoring/totals/").content.decode()
    add_up_due(NOW)
    shown = client.get("/monitoring/totals/").content.decode()
    assert "1号锅炉排口" in shown
    assert "本月到现在为止" in shown
    client.force_login(works.people.other_owner)
    assert client.get("/monitoring/totals/").status_code == 403
    client.force_login(works.officer)
    put_facts(works)
    put_months(works.stack, SO2, 12)
    put_months(works.water, "w01018", 5)
    shown = client.get(f"/monitoring/totals/year/?year={YEAR}").content.decode()
    assert "监测数据只有 5 个月" in shown
    mill, plant = works.water.enterprise.code, works.stack.enterprise.code
    first, other = f"{plant}|二氧化硫排放量", f"{mill}|COD排放量"
    assert f'value="{first}" checked' in shown
    refused = client.post("/monitoring/totals/settle/", {"year": YEAR, "chosen": [other, first]})
    assert refused.status_code == 422
    assert f'value="{first}" checked' in refused.content.decode()
    done = client.post("/monitoring/totals/settle/", {"year": YEAR, "chosen": [first]}, follow=True)
    assert "1 项排放量已采用监测数" in done.content.decode()


def test_a_clerk_chooses_what_is_taken(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items one by one, or all that the filters leave; what was left out can follow, and the sum is right each time."""
    from django.test import Client

    from muheng.web.monitoring.models import MonthAmount
    from muheng.web.monitoring.pages import totals
    from muheng.web.monitoring.queries.totals import YearFigures, list_year
    from muheng.web.registry.panels import current

    def figure(item: str) -> Decimal | None:
        facts = current(YEAR)
        assert facts is not None
        return YearFigures(facts).read(works.stack.enterprise.code, item)

    put_facts(works)
    for point, factor, months in (
        (works.stack, SO2, 12),
        (works.stack, NOX, 12),
        (works.water, "w01018", 12),
        (works.water, "w21003", 7),
    ):
        put_months(point, factor, months)
    client = Client()
    client.force_login(works.officer)
    address = f"/monitoring/totals/year/?year={YEAR}"
    page = client.get(address).content.decode()
    assert page.count('name="chosen"') == page.count(" checked") == 3
    assert "监测数据不足 12 个月 1 项" in page
    assert client.get(f"{address}&none=1").content.decode().count(" checked") == 0
    lacking = client.get(f"{address}&state=months").content.decode()
    assert "监测数据只有 7 个月" in lacking
    assert 'name="chosen"' not in lacking
    code = works.stack.enterprise.code
    client.post("/monitoring/totals/settle/", {"year": YEAR, "chosen": [f"{code}|氮氧化物排放量"]})
    assert set(MonthAmount.objects.filter(final=True).values_list("factor", flat=True)) == {NOX}
    assert [figure(f"{name}排放量") for name in ("二氧化硫", "氮氧化物", "主要污染物")] == [10, 6, 17]
    # All that the filter leaves, whatever is ticked and on however many pages.
    monkeypatch.setattr(totals, "YEAR_PAGE", 1)
    name = works.stack.enterprise.name
    shown = client.get(address).content.decode()
    assert "采用筛选出的全部 2 项" in shown
    client.post("/monitoring/totals/settle/", {"year": YEAR, "all": "1", "q": name})
    assert [figure(f"{name}排放量") for name in ("二氧化硫", "氮氧化物", "主要污染物")] == [6, 6, 13]
    rows = list_year(works.officer, YEAR, date(2026, 2, 1))
    assert {each.item for each in rows if each.ready} == {"COD排放量"}
    client.force_login(works.people.clerk)
    assert client.post("/monitoring/totals/settle/", {"year": YEAR, "all": "1"}).status_code == 403


def test_who_is_not_among_the_years_figures_keeps_nobody_from_being_taken(works: Works) -> None:
    from muheng.web.monitoring.actions.totals import settle_year
    from muheng.web.monitoring.models import Point
    from muheng.web.monitoring.queries.totals import list_year
    from muheng.web.registry.actions import add_outlet

    put_facts(works)
    stranger = works.people.enterprises[1]
    outlet = add_outlet(None, stranger, "DA009", "废气", name="排口")
    point = Point.objects.create(
        enterprise=stranger, outlet=outlet, name="排口", kind="stack", watched_from=date(2025, 1, 1)
    )
    put_months(works.stack, SO2, 12)
    put_months(point, SO2, 12)
    rows = list_year(works.officer, YEAR, date(2026, 2, 1))
    assert [(each.enterprise, each.ready) for each in rows] == [
        (works.stack.enterprise, True),
        (stranger, False),
    ]
    assert [each.kind for each in rows[1].lacking] == ["enterprise"]
    settle_year(works.officer, YEAR, [each.key for each in rows if each.ready], NOW)
