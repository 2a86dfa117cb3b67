"""What is done to a file: histories without gaps, rights by place, and everything in the book."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.people.models import User
from muheng.web.people.rights import represents
from muheng.web.people.scope import scope_of
from muheng.web.refusal import Refused
from muheng.web.registry import actions
from muheng.web.registry import models as m
from muheng.web.registry.models import (
    AttributeRecord,
    Enterprise,
    NameRecord,
    Parcel,
    ParcelState,
    StatusRecord,
)
from muheng.web.registry.search import search
from web.population import Population, make_city, make_code

SINCE = date(2024, 5, 1)
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[118.5, 31.6], [118.501, 31.6], [118.501, 31.601], [118.5, 31.6]]],
}


@pytest.fixture
def city(db: None) -> Population:
    return make_city()


def test_register_refuses_a_code_that_is_wrong_or_taken(city: Population) -> None:
    with pytest.raises(Refused) as wrong:
        actions.register_enterprise(city.clerk, "91340500MA0000001A", "某厂", township=city.townships[0])
    assert wrong.value.status == 422
    assert wrong.value.at == "code"
    with pytest.raises(Refused, match="已经建档：东山精工机械有限公司"):
        actions.register_enterprise(city.clerk, make_code(1), "某厂", township=city.townships[0])
    with pytest.raises(Refused, match="没有填企业名称"):
        actions.register_enterprise(city.clerk, make_code(99), "  ", township=city.townships[0])


def test_a_county_registers_at_home_only(city: Population) -> None:
    made = actions.register_enterprise(city.county_clerk, make_code(50), "新厂", township=city.townships[0])
    assert made.county == city.counties[0]
    with pytest.raises(Refused) as refused:
        actions.register_enterprise(city.county_clerk, make_code(51), "新厂", township=city.townships[2])
    assert refused.value.status == 403


def test_a_name_before_is_history_and_still_found(city: Population) -> None:
    firm = city.enterprises[0]
    actions.rename(city.clerk, firm, "东山智能装备有限公司", SINCE, "变更登记1号")
    firm.refresh_from_db()
    assert firm.name == "东山智能装备有限公司"
    names = list(NameRecord.objects.filter(enterprise=firm).values_list("name", "since", "until"))
    assert names == [
        ("东山精工机械有限公司", date(2010, 3, 9), SINCE),
        ("东山智能装备有限公司", SINCE, None),
    ]
    scope = scope_of(city.clerk)
    for query, former in (
        ("精工机械", "东山精工机械有限公司"),
        ("dsjg", "东山精工机械有限公司"),
        ("智能装备", ""),
    ):
        (found,) = search(scope, query)
        assert (found.code, found.former) == (firm.code, former)
    assert Entry.objects.filter(verb="registry.rename").get().detail["before"] == "东山精工机械有限公司"
    with pytest.raises(Refused, match="没有变化"):
        actions.rename(city.clerk, firm, " 东山智能装备有限公司 ", SINCE)
    with pytest.raises(Refused, match="要晚于它"):
        actions.rename(city.clerk, firm, "再改名", date(2024, 4, 30))


def test_an_attribute_keeps_what_was_before_the_first_record(city: Population) -> None:
    firm = city.enterprises[0]
    actions.change_attribute(city.clerk, firm, "scale", "规上", SINCE, "名单")
    rows = AttributeRecord.objects.filter(enterprise=firm, attribute="scale")
    assert set(rows.values_list("value", "since", "until")) == {("规下", None, SINCE), ("规上", SINCE, None)}
    firm.refresh_from_db()
    assert firm.scale == "规上"


def test_moving_takes_the_right_at_both_ends(city: Population) -> None:
    firm = city.enterprises[0]
    with pytest.raises(Refused) as refused:
        actions.change_attribute(city.county_clerk, firm, "township", city.townships[2], SINCE)
    assert refused.value.status == 403
    actions.change_attribute(city.clerk, firm, "township", city.townships[2], SINCE)
    firm.refresh_from_db()
    assert firm.county == city.counties[1]
    actions.change_attribute(city.clerk, firm, "parks", [], date(2024, 6, 1))
    values = AttributeRecord.objects.filter(enterprise=firm, attribute="parks").values_list(
        "value", flat=True
    )
    assert set(values) == {"东山经济开发区", ""}


@pytest.mark.parametrize("who", ["owner", "leader", "data_clerk", "other_county_clerk"])
def test_who_may_not_edit_changes_nothing(city: Population, who: str) -> None:
    firm = city.enterprises[0]
    with pytest.raises(Refused) as refused:
        actions.rename(city.people[who], firm, "别的名字", SINCE)
    assert refused.value.status == 403
    assert Enterprise.objects.get(pk=firm.pk).name == firm.name


@pytest.mark.parametrize("who", ["clerk", "chief", "county_clerk", "township_clerk", "park_clerk"])
def test_who_looks_after_it_may_edit(city: Population, who: str) -> None:
    assert actions.rename(city.people[who], city.enterprises[0], "别的名字", SINCE).name == "别的名字"


def test_a_higher_level_ends_the_one_before(city: Population) -> None:
    firm = city.enterprises[0]
    first = actions.grant_status(city.clerk, firm, "专精特新", date(2020, 1, 1), level="省级")
    second = actions.grant_status(
        city.clerk, firm, "专精特新", date(2023, 1, 1), level="国家级", until=date(2026, 1, 1)
    )
    first.refresh_from_db()
    assert first.until == second.since
    actions.end_status(city.clerk, second, date(2025, 1, 1), "撤销文件")
    assert StatusRecord.objects.get(pk=second.pk).until == date(2025, 1, 1)
    with pytest.raises(Refused, match="已于 2025-01-01 到期"):
        actions.end_status(city.clerk, second, date(2025, 6, 1))


def test_land_has_states_and_is_not_held_twice(city: Population) -> None:
    parcel = actions.add_parcel(
        city.clerk,
        "340500GB1",
        Decimal("6000"),
        township=city.townships[0],
        geometry=SQUARE,
        since=date(2010, 1, 1),
    )
    assert parcel.west == 118.5
    actions.set_parcel_state(city.county_clerk, parcel, Parcel.State.IDLE, SINCE, "巡查")
    states = ParcelState.objects.filter(parcel=parcel).values_list("state", "since", "until")
    assert list(states) == [("in_use", date(2010, 1, 1), SINCE), ("idle", SINCE, None)]
    with pytest.raises(Refused) as refused:
        actions.set_parcel_state(city.other_county_clerk, parcel, Parcel.State.CLEARED, date(2024, 7, 1))
    assert refused.value.status == 403
    first, second = city.enterprises[:2]
    actions.add_holding(city.clerk, first, parcel, Decimal("4000"), since=date(2010, 1, 1))
    with pytest.raises(Refused, match="余下的不够"):
        actions.add_holding(city.clerk, second, parcel, Decimal("2001"), since=date(2020, 1, 1))
    actions.add_holding(city.clerk, second, parcel, Decimal("6000"), until=date(2010, 1, 1))


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        ({"type": "Point", "coordinates": [118, 31]}, "多边形"),
        ({"type": "Polygon", "coordinates": "x"}, "多边形"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}, "自相交"),
        (
            {"type": "Polygon", "coordinates": [[[31, 118], [31.1, 118], [31.1, 118.1], [31, 118]]]},
            "国境之外",
        ),
    ],
)
def test_a_shape_that_is_none_is_refused(city: Population, geometry: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said):
        actions.add_parcel(city.clerk, "1", Decimal(1), township=city.townships[0], geometry=geometry)


def test_shared_meters_are_not_shared_out_more_than_whole(city: Population) -> None:
    actions.add_meter(city.clerk, city.enterprises[0], "电", "88001", share=Decimal(60))
    with pytest.raises(Refused, match="超过 100%"):
        actions.add_meter(city.clerk, city.enterprises[1], "电", "88001", share=Decimal("40.01"))
    actions.add_meter(city.clerk, city.enterprises[1], "电", "88001", share=Decimal(40))


def test_a_lease_is_anyones_business_who_looks_after_one_side(city: Population) -> None:
    here, there = city.enterprises[0], city.enterprises[-1]
    actions.add_lease(city.other_county_clerk, Decimal("3.5"), lessor=here, tenant=there, since=SINCE)
    with pytest.raises(Refused):
        actions.add_lease(city.other_county_clerk, Decimal(1), lessor=here, tenant=city.enterprises[1])
    with pytest.raises(Refused, match="不能是同一家"):
        actions.add_lease(city.clerk, Decimal(1), lessor=here, tenant=here)


def test_an_account_that_acts_no_more_sees_no_more(city: Population) -> None:
    row = m.Representative.objects.get(user=city.owner)
    with pytest.raises(Refused) as refused:
        actions.end_represent(city.other_county_clerk, row)
    assert refused.value.status == 403
    assert represents(User.objects.get(pk=city.owner.pk))
    actions.end_represent(city.county_clerk, row)
    after = User.objects.get(pk=city.owner.pk)
    assert not represents(after)
    assert not scope_of(after).enterprises
    actions.represent(city.county_clerk, city.owner, city.enterprises[0])
    assert represents(User.objects.get(pk=city.owner.pk))


def test_what_happens_tomorrow_is_entered_tomorrow(city: Population) -> None:
    with pytest.raises(Refused, match="还没有到"):
        actions.rename(city.clerk, city.enterprises[0], "未来公司", date(2999, 1, 1))


def test_every_deed_is_in_the_book(city: Population) -> None:
    actions.add_contact(city.clerk, city.enterprises[0], "王安", phone="0555-5550001", main=True)
    actions.add_line(city.clerk, city.enterprises[0], "一号线", number="SX01")
    entry = Entry.objects.order_by("-number").first()
    assert entry is not None
    assert (entry.verb, entry.actor) == ("registry.add_productionline", "经办张")
    assert find_break() is None


class Histories(TestCase):
    """Any order of days: what is accepted leaves a history without gap or overlap, what is refused leaves no trace."""

    @settings(max_examples=15)
    @given(
        st.lists(
            st.tuples(st.dates(date(2020, 1, 1), date(2020, 1, 9)), st.sampled_from("甲乙丙")), max_size=8
        )
    )
    def test_names_follow_each_other(self, wishes: list[tuple[date, str]]) -> None:
        firm = actions.register_enterprise(None, make_code(7), "始", since=date(2019, 1, 1))
        for since, name in wishes:
            try:
                actions.rename(None, firm, name, since)
            except Refused:
                continue
        rows = list(NameRecord.objects.filter(enterprise=firm).order_by("since"))
        for row, after in pairwise(rows):
            assert row.until == after.since
            assert row.since is not None
            assert after.since is not None
            assert row.since < after.since
        assert [row for row in rows if row.until is None] == rows[-1:]
        assert rows[-1].name == Enterprise.objects.get(pk=firm.pk).name
