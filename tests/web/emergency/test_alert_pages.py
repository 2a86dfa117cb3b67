"""Pages of forecasts, alerts and orders: what stands there, what a mistake keeps, who gets in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from web.emergency.population import START, Town, enter, issue, propose
from web.emergency.test_orders import LATER, begun, line_of, order_of, upload


def enter_site(person: Any) -> Any:
    from django.test import Client

    client = Client()
    client.force_login(person)
    return client


def typed(*days: str, **more: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for at, aqi in enumerate(days):
        values |= {f"date-{at}": (START + timedelta(days=at)).date().isoformat(), f"aqi-{at}": aqi}
        values |= {f"primary-{at}": "PM2.5"}
    return values | more


def test_a_forecast_from_the_form_to_the_proposal(town: Town) -> None:
    from muheng.web.emergency.models import Alert, Forecast

    client = enter_site(town.officer)
    shown = client.post("/emergency/forecasts/new/", typed("210", "22o", "90", source="会商"))
    assert shown.status_code == 422
    assert "“22o” 不能作为 AQI" in shown.content.decode()
    assert 'value="22o"' in shown.content.decode()
    assert not Forecast.objects.exists()
    preview = client.post(
        "/emergency/forecasts/new/", typed("210", "220", "90", preview="1")
    ).content.decode()
    assert "建议发布橙色预警" in preview
    assert not Forecast.objects.exists()
    made = client.post("/emergency/forecasts/new/", typed("210", "220", "90", source="会商"), follow=True)
    assert "建议发布橙色预警" in made.content.decode()
    forecast = Forecast.objects.get()
    given = {"level": "red", "cause": "pm25", "starts_at": "2026-11-21T00:00", "ends_at": "2026-11-23T00:00"}
    address = f"/emergency/forecasts/{forecast.pk}/propose/"
    departs = client.post(address, given | {"reason": "偏重"})
    assert departs.status_code == 409
    assert 'name="despite"' in departs.content.decode()
    assert "偏重" in departs.content.decode()
    client.post(address, given | {"level": "orange", "reason": "预报"})
    assert Alert.objects.get().starts_at == START


def test_a_forecast_from_a_file_and_from_concentrations(town: Town) -> None:
    from muheng.web.emergency.models import Forecast

    client = enter_site(town.officer)
    table = b"date,aqi,primary\n2026-11-21,210,PM2.5\n2026-11-22,220,PM2.5\n"
    client.post("/emergency/forecasts/new/", {"file": upload("预报.csv", table)})
    assert Forecast.objects.get().judgement["level"] == "orange"
    means = {"date-0": "2026-11-21", "pm25-0": "168", "pm10-0": "236", "so2-0": "20", "no2-0": "75"}
    client.post("/emergency/forecasts/new/", means | {"co-0": "2.3", "o3_8h-0": "60"})
    latest = Forecast.objects.order_by("pk").last()
    assert latest is not None
    assert latest.series["values"][0]["aqi"] == 218


@pytest.mark.parametrize("lang", ["zh-hans", "en"])
def test_every_page_opens_for_who_may(town: Town, clock: Callable[[datetime], None], lang: str) -> None:
    from django.conf import settings

    from muheng.web.emergency.actions.alerts import lift_alert
    from muheng.web.emergency.actions.episodes import issue_report

    alert = begun(town, clock)
    order = order_of(town, alert)
    measure = order.content["lines"][0]["measure"]
    official = [
        "/emergency/",
        "/emergency/alerts/",
        "/emergency/forecasts/",
        "/emergency/forecasts/new/",
        f"/emergency/forecasts/{alert.forecast_id}/",
        f"/emergency/alerts/{alert.pk}/",
        f"/emergency/alerts/{alert.pk}/live/",
        f"/emergency/alerts/{alert.pk}/map.json",
        f"/emergency/alerts/{alert.pk}/orders/?state=silent&q=东山&county={town.people.counties[0].pk}",
        f"/emergency/alerts/{alert.pk}/roster.xlsx",
        f"/emergency/alerts/{alert.pk}/roster.docx",
        f"/emergency/orders/{order.pk}/",
        f"/emergency/orders/{order.pk}/order.docx",
        f"/emergency/orders/{order.pk}/board.docx",
        f"/emergency/orders/{order.pk}/lines/{measure}/",
        "/emergency/checks/",
        f"/enterprises/{town.people.enterprises[0].code}/",
        "/",
    ]
    own = [
        "/emergency/mine/",
        f"/emergency/alerts/{alert.pk}/",
        f"/emergency/orders/{order.pk}/",
        f"/emergency/orders/{order.pk}/lines/{measure}/",
        "/",
    ]
    for person, addresses in ((town.officer, official), (town.owner, own)):
        client = enter_site(person)
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en" if lang == "en" else "zh-hans"
        for address in addresses:
            assert client.get(address).status_code == 200, address
    lift_alert(town.issuer, alert, reason="好了", number="2号", despite=True)
    report = issue_report(town.officer, type(alert).objects.get(pk=alert.pk))
    client = enter_site(town.officer)
    for address in (
        f"/emergency/alerts/{alert.pk}/report/",
        f"/emergency/episodes/{report.pk}/",
        f"/emergency/episodes/{report.pk}/report.docx",
        f"/emergency/episodes/{report.pk}/report.xlsx",
    ):
        assert client.get(address).status_code == 200, address
        assert enter_site(town.people.county_clerk).get(address).status_code == 404, address


def test_what_is_not_theirs_does_not_exist(town: Town) -> None:
    alert = issue(town)
    order = order_of(town, alert)
    far = alert.orders.filter(firm__county=town.people.counties[1]).first()
    for person, address, status in (
        (town.owner, f"/emergency/orders/{far.pk}/", 404),
        (town.people.other_owner, f"/emergency/orders/{order.pk}/order.docx", 404),
        (town.people.county_clerk, f"/emergency/orders/{far.pk}/", 404),
        (town.people.data_clerk, f"/emergency/alerts/{alert.pk}/", 403),
        (town.owner, f"/emergency/alerts/{alert.pk}/orders/", 403),
        (town.people.clerk, "/emergency/forecasts/new/", 403),
        (town.people.clerk, "/emergency/checks/", 403),
        (town.people.clerk, "/emergency/mine/", 403),
    ):
        assert enter_site(person).get(address).status_code == status, address
    assert enter_site(town.owner).get("/emergency/").status_code == 302


def test_nothing_typed_is_lost(town: Town, clock: Callable[[datetime], None]) -> None:
    alert = begun(town, clock)
    order = order_of(town, alert)
    measure = order.content["lines"][0]["measure"]
    client = enter_site(town.owner)
    address = f"/emergency/orders/{order.pk}/lines/{measure}/"
    found = client.post(address, {"kind": "power", "usual": "一千", "found": "3", "note": "夜班停了"})
    assert found.status_code == 422
    text = found.content.decode()
    assert "“一千”不是数。" in text
    assert 'value="一千"' in text
    assert "夜班停了" in text
    done = client.post(address, {"kind": "power", "usual": "1,000", "found": "300"}, follow=True)
    assert "措施到位" in done.content.decode()
    files = client.post(address, {"kind": "photo", "files": upload()}, follow=True).content.decode()
    assert "现场.png" in files
    check = order.check_ins.get(kind="photo")
    evidence = f"/emergency/orders/{order.pk}/files/{check.files.get().pk}/"
    assert client.get(evidence).status_code == 200
    assert enter_site(town.people.other_owner).get(evidence).status_code == 404


def test_the_first_page_says_what_waits(town: Town, clock: Callable[[datetime], None]) -> None:
    from muheng.web.emergency.deeds import list_deeds

    def said(person: Any) -> list[str]:
        from muheng.web.people.models import User

        return [each.title for each in list_deeds(User.objects.get(pk=person.pk))]

    enter(town, 210, 220, 100, 60)
    assert said(town.officer) == ["预报达到橙色预警，提出预警"]
    alert = propose(town)
    assert said(town.issuer) == ["审定橙色预警：签发或不启动"]
    assert said(town.officer) == []
    from muheng.web.emergency.actions.alerts import issue_alert
    from muheng.web.emergency.actions.checkins import acknowledge, inspect
    from muheng.web.emergency.actions.orders import write_orders

    issue_alert(town.issuer, alert, number="1号")
    write_orders(alert.steps.get(kind="issued"))
    assert said(town.owner) == ["确认收到橙色预警的减排措施"]
    order = order_of(town, alert)
    acknowledge(town.owner, order)
    assert said(town.owner) == ["落实橙色预警的减排措施，报送凭证"]
    clock(LATER)
    inspect(town.inspector, order, line_of(order), "broken", note="在运转")
    assert said(town.inspector)[0] == "1 家企业措施不到位，去现场"
