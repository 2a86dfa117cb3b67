"""Merging and splitting: the preview is what happens, and undoing leaves no trace."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from muheng.web.refusal import Refused
from muheng.web.registry import actions
from muheng.web.registry import models as m
from muheng.web.registry.reorganisation import merge, preview, split, undo
from web.population import Population, make_city, make_code

DAY = date(2025, 7, 1)


@pytest.fixture
def city(db: None) -> Population:
    """Two neighbours with something of every kind, some of it the same."""
    city = make_city()
    first, second = city.enterprises[:2]
    parcel = actions.add_parcel(None, "GB1", Decimal(20000), township=city.townships[0])
    actions.add_holding(None, first, parcel, Decimal(12000), since=date(2012, 1, 1))
    actions.add_holding(None, second, parcel, Decimal(8000), since=date(2013, 1, 1))
    actions.add_lease(
        None, Decimal(5), lessor=first, tenant=second, since=date(2020, 1, 1), until=date(2030, 1, 1)
    )
    actions.add_lease(None, Decimal(3), lessor=second, tenant_name="某加工部", since=date(2021, 1, 1))
    actions.add_lease(
        None, Decimal(2), lessor_name="某村", tenant=second, since=date(2010, 1, 1), until=date(2015, 1, 1)
    )
    for firm in (first, second):
        actions.grant_status(None, firm, "高新技术企业", date(2022, 1, 1), until=date(2028, 1, 1))
        actions.add_outlet(None, firm, "DA001", "废气")
        actions.add_meter(None, firm, "电", "88001", share=Decimal(50))
        actions.add_contact(None, firm, "联系人")
    actions.grant_status(None, second, "绿色工厂", date(2023, 1, 1))
    actions.add_outlet(None, second, "DW001", "废水")
    actions.add_line(None, second, "一号线")
    actions.add_permit(None, second, "排污许可证", "P001V", since=date(2022, 1, 1), until=date(2027, 1, 1))
    actions.represent(None, city.other_owner, second)
    for firm, months in ((first, (1, 2)), (second, (2, 3))):
        for month in months:
            m.MonthlyFigure.objects.create(
                enterprise=firm, year=2025, month=month, item="用电量", value=Decimal(month), unit="万kWh"
            )
    return city


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of the registry, but for when they were touched."""
    kept = (
        m.Enterprise, m.NameRecord, m.StatusRecord, m.Parcel, m.Holding, m.Lease, m.ProductionLine, m.Outlet,
        m.Meter, m.Contact, m.Permit, m.Representative, m.MonthlyFigure,
    )  # fmt: skip
    state = {}
    for model in kept:
        rows = list(model._default_manager.order_by("pk").values())
        for row in rows:
            row.pop("changed_at", None)
        state[model.__name__] = rows
    return state


def test_the_preview_says_what_moves_and_what_stays(city: Population) -> None:
    first, second = city.enterprises[:2]
    shown = preview(city.chief, second, DAY, first)
    said = {group.key: [(piece.label, bool(piece.stays)) for piece in group.pieces] for group in shown.groups}
    assert said == {
        "holding": [("宗地 GB1，12 亩", False)],
        "lease_out": [("租给某加工部，3 亩", False)],
        "lease_in": [("租自东山精工机械有限公司，5 亩", True)],
        "status": [("高新技术企业", True), ("绿色工厂", False)],
        "permit": [("排污许可证 P001V", False)],
        "line": [("一号线", False)],
        "outlet": [("DA001 ", True), ("DW001 ", False)],
        "meter": [("电 88001", True)],
        "contact": [("联系人", False)],
        "account": [("企业郑（other_owner）", False)],
        "monthly": [("2025年，2 个数字", False)],
    }
    assert "1 个对方同月已有" in shown.groups[-1].pieces[0].note


def test_merge_does_what_the_preview_said(city: Population) -> None:
    first, second = city.enterprises[:2]
    deed = merge(city.chief, second, first, DAY, "合并协议")
    second.refresh_from_db()
    assert second.merged_into == first
    holdings = m.Holding.objects.filter(enterprise=first).order_by("since")
    assert [(row.area, row.since, row.until) for row in holdings] == [
        (Decimal(12000), date(2012, 1, 1), None),
        (Decimal(8000), DAY, None),
    ]
    assert m.Holding.objects.get(enterprise=second).until == DAY
    between = m.Lease.objects.get(lessor=first, tenant=second)
    assert between.until == DAY
    assert m.Lease.objects.get(lessor=first, since=DAY).lessor_name == first.name
    assert set(first.outlets.values_list("code", flat=True)) == {"DA001", "DW001"}
    assert set(second.outlets.values_list("code", flat=True)) == {"DA001"}
    assert first.monthly.count() == 3
    assert second.monthly.get().month == 2
    assert deed.moved["monthly"]
    # What was merged away is closed.
    with pytest.raises(Refused, match="已并入"):
        actions.rename(city.chief, second, "新名字", DAY)
    with pytest.raises(Refused, match="已经并入"):
        merge(city.chief, second, city.enterprises[2], DAY, "再合并")


def test_only_what_is_chosen_moves(city: Population) -> None:
    first, second = city.enterprises[:2]
    outlet = second.outlets.get(code="DW001")
    merge(city.chief, second, first, DAY, "合并协议", {"outlet": [outlet.pk]})
    assert second.holdings.get().until is None
    assert first.outlets.count() == 2
    taken = second.outlets.get()
    with pytest.raises(Refused, match="1 项已不能移动"):
        split(city.chief, first, make_code(70), "分出厂", DAY, "分立", {"outlet": [taken.pk]})
    assert not m.Enterprise.objects.filter(code=make_code(70)).exists()


def test_undoing_a_merge_leaves_no_trace(city: Population) -> None:
    first, second = city.enterprises[:2]
    before = everything()
    deed = merge(city.chief, second, first, DAY, "合并协议")
    assert everything() != before
    undo(city.chief, deed, "协议作废")
    assert everything() == before
    with pytest.raises(Refused, match="撤销过"):
        undo(city.chief, deed, "再来")


def test_what_changed_since_cannot_be_undone(city: Population) -> None:
    first, second = city.enterprises[:2]
    deed = merge(city.chief, second, first, DAY, "合并协议")
    actions.remove_row(city.chief, first.outlets.get(code="DW001"))
    before = everything()
    with pytest.raises(Refused, match="排放口在此之后又有变化"):
        undo(city.chief, deed, "协议作废")
    assert everything() == before


def test_split_and_back(city: Population) -> None:
    second = city.enterprises[1]
    line, holding = second.lines.get(), second.holdings.get()
    deed = split(
        city.chief, second, make_code(71), "东山铸造二厂有限公司", DAY, "分立协议",
        {"line": [line.pk], "holding": [holding.pk], "monthly": [2025]},
    )  # fmt: skip
    made = deed.target
    assert (made.county, made.scale, made.industry) == (second.county, second.scale, second.industry)
    assert made.lines.get() == line
    assert made.holdings.get().since == DAY
    assert made.monthly.count() == 2
    assert not made.outlets.exists()
    undo(city.chief, deed, "未获批准")
    assert second.lines.get() == line
    assert m.Holding.objects.filter(parcel=holding.parcel).count() == 2
    made.refresh_from_db()
    assert made.merged_into == second


@pytest.mark.parametrize("who", ["clerk", "county_clerk", "owner", "leader"])
def test_only_who_has_the_right_reorganises(city: Population, who: str) -> None:
    first, second = city.enterprises[:2]
    with pytest.raises(Refused) as refused:
        merge(city.people[who], second, first, DAY, "合并协议")
    assert refused.value.status == 403
