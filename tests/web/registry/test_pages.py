"""Pages of the registry: who may see which, what they cost, and that they say what is so."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import polars as pl
import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from muheng.intake.facts import CODE, NAME, Item, facts_from_table
from muheng.web.jobs.actions import run_pending
from muheng.web.registry import actions, exports, maps, panels
from muheng.web.registry import models as m
from muheng.web.registry.reorganisation import merge
from muheng.web.registry.urls import urlpatterns
from web.population import Population, make_city, make_code

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[118.5, 31.6], [118.501, 31.6], [118.501, 31.601], [118.5, 31.6]]],
}
BOX = "118.4,31.5,118.6,31.7"
ITEMS = {
    item.name: item
    for item in (
        Item("行业组", "text"),
        Item("入库税收", "number", "万元", 2),
        Item("工业增加值", "number", "万元", 2),
        Item("自有用地", "number", "亩", 4),
        Item("出租用地", "number", "亩", 4),
        Item("综合能耗", "number", "tce", 2, "等价值"),
    )
}


@pytest.fixture
def city(db: None) -> Population:
    cache.clear()
    city = make_city()
    first, last = city.enterprises[0], city.enterprises[-1]
    for number, (firm, place) in enumerate(((first, city.townships[0]), (last, city.townships[3]))):
        parcel = actions.add_parcel(
            None, f"GB{number}", Decimal(6000), township=place, geometry=SQUARE, since=date(2012, 1, 1)
        )
        actions.add_holding(None, firm, parcel, Decimal(6000), since=date(2012, 1, 1))
        actions.add_contact(None, firm, "王安", phone="0555-5550123", mobile="13800000123", main=True)
    with transaction.atomic():
        for year in (2023, 2024):
            panels.add_layer(make_facts(city, year), f"{year}年数据", "test", None)
    return city


def make_facts(city: Population, year: int) -> Any:
    """Tax 10, 20, … 万元 on 10 mu each, of which the first lets out 5."""
    codes = [firm.code for firm in city.enterprises]
    many = len(codes)
    frame = pl.DataFrame(
        {
            CODE: codes,
            NAME: [firm.name for firm in city.enterprises],
            "行业组": ["机械" if number % 2 == 0 else "其他" for number in range(many)],
            "入库税收": [1000 * (number + 1) for number in range(many)],
            "工业增加值": [None if number == 0 else 5000 for number in range(many)],
            "自有用地": [100_000] * many,
            "出租用地": [50_000 if number == 0 else None for number in range(many)],
            "综合能耗": [None] * many,
        },
        schema_overrides={"综合能耗": pl.Int64},
    )
    return facts_from_table(frame, ITEMS, year, file="税务.xlsx", sheet="税收")


def login(city: Population, who: str) -> Client:
    client = Client()
    client.force_login(city.people[who])
    return client


def addresses(code: str) -> dict[str, str]:
    """Every address of the registry, for one enterprise."""
    found = {}
    for pattern in urlpatterns:
        path = str(pattern.pattern).replace("<code:code>", code).replace("<int:number>", "1")
        found[pattern.name] = f"/enterprises/{path}"
    return found


NEED_POST = {"undo"}
OF_ONE = {"show", "years", "months", "land", "plant", "history", "own_map", "edit", "merge", "split", "undo"}
OF_OFFICIALS = {"list", "search", "export", "map", "map_data"}
QUESTIONS = {"map_data": {"box": BOX}}


def visit(client: Client, name: str, address: str) -> int:
    if name in NEED_POST:
        return client.post(address, {"why": "试"}).status_code
    return client.get(address, QUESTIONS.get(name)).status_code


def test_strangers_are_sent_to_log_in(city: Population) -> None:
    for name, address in addresses(city.enterprises[0].code).items():
        response = Client().post(address) if name in NEED_POST else Client().get(address)
        assert response.status_code == 302, name
        assert response["Location"].startswith("/people/login/"), name


@pytest.mark.parametrize("who", ["other_county_clerk", "other_owner"])
def test_what_is_not_ones_own_does_not_exist(city: Population, who: str) -> None:
    client = login(city, who)
    found = addresses(city.enterprises[0].code)
    assert {name: visit(client, name, found[name]) for name in OF_ONE} == dict.fromkeys(OF_ONE, 404)


def test_an_enterprise_sees_its_file_and_nothing_of_the_city(city: Population) -> None:
    client = login(city, "owner")
    found = addresses(city.enterprises[0].code)
    seen = {name: visit(client, name, address) for name, address in found.items()}
    assert seen == {
        **dict.fromkeys(OF_OFFICIALS, 403),
        **dict.fromkeys(OF_ONE, 200),
        **dict.fromkeys(("edit", "merge", "split"), 403),
        "register": 403,
        "undo": 404,
        "exported": 404,
        "mine": 302,
    }


@pytest.mark.parametrize(
    ("who", "refused"),
    [
        ("clerk", {"merge", "split"}),
        ("chief", set()),
        ("leader", {"edit", "merge", "split", "register"}),
        ("data_clerk", {"edit", "merge", "split", "register"}),
        ("county_clerk", {"merge", "split"}),
        ("township_clerk", {"merge", "split"}),
        ("park_clerk", {"merge", "split"}),
    ],
)
def test_officials_see_what_they_look_after(city: Population, who: str, refused: set[str]) -> None:
    client = login(city, who)
    found = addresses(city.enterprises[0].code)
    seen = {name: visit(client, name, address) for name, address in found.items()}
    missing = {"undo", "exported", "mine"}
    assert {name for name, status in seen.items() if status == 403} == refused
    assert {name for name, status in seen.items() if status == 404} == missing
    assert {name for name, status in seen.items() if status == 200} == set(found) - refused - missing


@pytest.mark.parametrize(
    ("who", "many"),
    [
        ("clerk", 12),
        ("leader", 12),
        ("county_clerk", 7),
        ("other_county_clerk", 5),
        ("township_clerk", 4),
        ("park_clerk", 3),
    ],
)
def test_lists_searches_maps_and_exports_keep_to_the_scope(city: Population, who: str, many: int) -> None:
    client = login(city, who)
    assert client.get("/enterprises/").context["page"].paginator.count == many
    assert client.get("/enterprises/?q=有限公司").context["page"].paginator.count == many
    options = client.get("/enterprises/search/?q=玻璃").content.decode()
    assert ("湖心玻璃" in options) == (who in ("clerk", "leader", "other_county_clerk"))
    shown = client.get(f"/enterprises/map.json?box={BOX}").json()
    assert shown["count"] == len(shown["features"]) == 1 + (many == 12)
    book = openpyxl.load_workbook(io.BytesIO(b"".join(client.get("/enterprises/export/").streaming_content)))
    assert sum(str(row[1].value).startswith("9134") for row in book.active.iter_rows()) == many


def test_a_list_costs_as_many_queries_with_many_rows(city: Population) -> None:
    client = login(city, "clerk")
    client.get("/enterprises/")
    with CaptureQueriesContext(connection) as few:
        client.get(
            f"/enterprises/?county={city.counties[1].pk}&columns=parks&columns=statuses&columns=county"
        )
    for number in range(100, 140):
        firm = actions.register_enterprise(None, make_code(number), f"厂{number}", county=city.counties[1])
        actions.grant_status(None, firm, "绿色工厂", date(2024, 1, 1))
    with CaptureQueriesContext(connection) as many:
        client.get(
            f"/enterprises/?county={city.counties[1].pk}&columns=parks&columns=statuses&columns=county"
        )
    assert len(many) == len(few) <= 15, [query["sql"] for query in many.captured_queries]


def test_a_file_costs_as_many_queries_with_much_in_it(city: Population) -> None:
    client = login(city, "clerk")
    first = city.enterprises[0]
    address = f"/enterprises/{first.code}/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(10, 20):
        parcel = actions.add_parcel(
            None, f"GB{number}", Decimal(6000), township=city.townships[0], geometry=SQUARE
        )
        actions.add_holding(None, first, parcel, Decimal(6000), since=date(2013, 1, 1))
        actions.grant_status(None, first, f"称号{number}", date(2024, 1, 1))
        actions.add_lease(None, Decimal(1), lessor=first, tenant=city.enterprises[2], since=date(2020, 1, 1))
        actions.add_line(None, first, f"线{number}", since=date(2020, 1, 1))
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few) <= 48, [query["sql"] for query in many.captured_queries]


def test_the_figures_that_matter_stand_beside_the_industry(city: Population) -> None:
    client = login(city, "clerk")
    page = client.get(f"/enterprises/{city.enterprises[0].code}/")
    tax, value = page.context["newest"].standings[:2]
    # 10 万元 on 10 − 5 mu; its industry has itself and 3, 5, 7, 9, 11.
    assert (tax.own, tax.median, tax.best_quarter, tax.place, tax.many) == ("2.00", "6.00", "8.50", 6, 6)
    assert (value.own, value.place) == ("", None)
    assert page.context["trend"].rows == [
        ("2023", ["2.00", "6.00", "8.50"]),
        ("2024", ["2.00", "6.00", "8.50"]),
    ]


def test_every_figure_has_its_cell_and_batch(city: Population) -> None:
    page = login(city, "owner").get(f"/enterprises/{city.enterprises[0].code}/years/?year=2023")
    figures = {figure.item: figure for figure in page.context["figures"]}
    assert set(figures) == {"行业组", "入库税收", "自有用地", "出租用地"}
    tax = figures["入库税收"]
    assert (tax.value, tax.unit, tax.layer.title) == ("10", "万元", "2023年数据")
    assert [(cell.file, cell.sheet, cell.cell) for cell in tax.cells] == [("税务.xlsx", "税收", "D2")]


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        ("clerk", "13800000123"),
        ("county_clerk", "13800000123"),
        ("owner", "13800000123"),
        ("leader", "138****0123"),
    ],
)
def test_telephone_numbers_are_masked(city: Population, who: str, shown: str) -> None:
    page = login(city, who).get(f"/enterprises/{city.enterprises[0].code}/").content.decode()
    assert shown in page
    assert ("13800000123" in page) == (shown == "13800000123")
    assert ("0555-5550123" in page) == (shown == "13800000123")


def test_filters_and_sorting(city: Population) -> None:
    client = login(city, "clerk")
    actions.grant_status(None, city.enterprises[3], "绿色工厂", date(2020, 1, 1), until=date(2021, 1, 1))
    actions.grant_status(None, city.enterprises[4], "绿色工厂", date(2020, 1, 1))
    m.Enterprise.objects.filter(pk=city.enterprises[5].pk).update(grade="A")

    def names(query: str) -> list[str]:
        return [row.name for row in client.get(f"/enterprises/?{query}").context["rows"]]

    assert names("status=绿色工厂") == ["桥头电子有限公司"]
    assert names("grade=A") == ["东山化工有限公司"]
    assert len(names("grade=-")) == 11
    assert names("industry_group=行业30") == ["湖心水泥有限公司", "湖心玻璃有限公司"]
    assert names("industry=26&sort=-code") == ["东山化工有限公司", "亩衡新材料股份有限公司"]
    assert len(names(f"township={city.townships[3].pk}")) == 3
    assert len(names(f"park={city.park.pk}")) == 3
    assert names("q=东山 机械") == ["东山精工机械有限公司"]
    assert names("q=9999") == names("county=x&q=qqq") == []
    # Asking for what makes no sense asks for nothing.
    assert len(names("county=x&sort=drop&page=x&columns=nothing")) == 12


def test_one_hit_of_the_header_box_opens_the_file(city: Population) -> None:
    client = login(city, "clerk")
    assert client.get("/enterprises/?go=1&q=mhxcl")["Location"] == f"/enterprises/{city.enterprises[2].code}/"
    assert client.get("/enterprises/?go=1&q=东山").status_code == 200


def test_the_likeliest_comes_first(city: Population) -> None:
    actions.register_enterprise(None, make_code(90), "新机械东山公司", county=city.counties[0])
    page = login(city, "clerk").get("/enterprises/?q=东山")
    assert [row.name for row in page.context["rows"]][-1] == "新机械东山公司"


def test_no_cell_of_an_export_is_a_formula(city: Population) -> None:
    actions.register_enterprise(None, make_code(91), '=HYPERLINK("x")公司', county=city.counties[0])
    answer = login(city, "clerk").get("/enterprises/export/?q=HYPERLINK")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    (cell,) = [
        row[0]
        for row in book.active.iter_rows()
        if "HYPERLINK" in str(row[0].value) and "公司" in str(row[0].value)
    ]
    assert (cell.data_type, cell.value) == ("s", '=HYPERLINK("x")公司')


def test_a_long_export_is_written_in_the_background(
    city: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 3)
    client = login(city, "county_clerk")
    answer = client.get("/enterprises/export/?scale=规上")
    waiting = client.get(answer["Location"])
    assert "下载" not in waiting.content.decode().split("名单较长")[0]
    assert run_pending() == 1
    file = client.get(answer["Location"] + "?file")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(file.streaming_content)))
    assert sum(str(row[1].value).startswith("9134") for row in book.active.iter_rows()) == 4
    assert login(city, "clerk").get(answer["Location"]).status_code == 404


def test_a_full_box_is_counted_by_township(city: Population, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "MOST", 1)
    data = login(city, "clerk").get(f"/enterprises/map.json?box={BOX}").json()
    assert (data["whole"], data["count"]) == (False, 2)
    assert {feature["properties"]["title"] for feature in data["features"]} == {"河口镇", "沙洲乡"}


@pytest.mark.parametrize("box", ["", "1,2,3", "a,b,c,d", "nan,1,2,3", "10,0,5,1", "1e999,0,1,1"])
def test_a_box_that_is_none_is_refused(city: Population, box: str) -> None:
    answer = login(city, "clerk").get("/enterprises/map.json", {"box": box})
    assert answer.status_code == 422
    assert answer.json()["error"]["at"] == "box"


def test_a_change_goes_through_the_page(city: Population) -> None:
    client = login(city, "clerk")
    first = city.enterprises[0]
    address = f"/enterprises/{first.code}/edit/"
    given = {"form": "rename", "name": "新名字有限公司", "since": "2024-05-01", "source": "变更登记"}
    assert client.post(address, given).status_code == 302
    first.refresh_from_db()
    assert first.name == "新名字有限公司"
    said = client.post(address, given).content.decode()
    assert "没有变化" in said
    given = {"form": "place", "township": str(city.townships[2].pk), "since": "2024-06-01", "source": "文"}
    assert client.post(address, given).status_code == 302
    first.refresh_from_db()
    assert first.county == city.counties[1]
    assert not first.parks.exists()
    given = {
        "form": "parcel",
        "parcel": str(first.holdings.get().parcel_id),
        "state": "idle",
        "since": "2024-06-01",
        "source": "巡查",
    }
    assert client.post(address, given).status_code == 302
    events = client.get(f"/enterprises/{first.code}/history/").context["events"]
    titles = [event.title for event in events]
    assert "更名：东山精工机械有限公司 → 新名字有限公司" in titles
    assert "镇街：河口镇 → 湖心镇" in titles
    assert "宗地 GB0转为闲置" in titles
    assert [event.day for event in events] == sorted((event.day for event in events), reverse=True)


def test_merging_by_the_pages(city: Population) -> None:
    client = login(city, "chief")
    first, second = city.enterprises[:2]
    address = f"/enterprises/{first.code}/merge/"
    given = {"target": second.code, "day": "2025-01-01", "basis": "协议"}
    shown = client.post(address, given)
    assert m.Enterprise.objects.get(pk=first.pk).merged_into is None
    assert "2024、2023年的年度数据" in shown.content.decode()
    names = [each["name"] for group in shown.context["groups"] for each in group["pieces"] if each["ticked"]]
    assert len(names) == 3  # land, contact, account
    done = client.post(address, {**given, "chosen": names, "confirmed": "yes"})
    assert done["Location"] == f"/enterprises/{second.code}/"
    assert "已并入另一家企业" in client.get(f"/enterprises/{first.code}/").content.decode()
    assert len(client.get("/enterprises/").context["rows"]) == 11
    assert [row.name for row in client.get("/enterprises/?state=merged").context["rows"]] == [first.name]
    deed = m.Reorganisation.objects.get()
    undone = client.post(f"/enterprises/{second.code}/undo/{deed.pk}/", {"why": "作废"})
    assert undone.status_code == 302
    assert m.Enterprise.objects.get(pk=first.pk).merged_into is None


def test_an_owner_of_two_chooses(city: Population) -> None:
    actions.represent(None, city.owner, city.enterprises[1])
    page = login(city, "owner").get("/enterprises/mine/")
    assert [each.code for each in page.context["own"]] == [firm.code for firm in city.enterprises[:2]]
    merge(None, city.enterprises[1], city.enterprises[0], date(2025, 1, 1), "协议")
    assert login(city, "clerk").get("/enterprises/mine/").status_code == 404
