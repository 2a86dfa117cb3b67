"""Points and devices through their pages: watched, limited, given a device; a list taken whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import polars as pl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from web.monitoring.works import NOW, NOX, Works

HEADS = "统一社会信用代码,排口编号,排口类型,MN,密码,基准氧含量"
STRANGER = "FFEEDDCCBBAA998877665544"


@pytest.fixture
def store() -> Iterator[Path]:
    """Emptied afterwards: the suite has one home."""
    import shutil

    from muheng.web.monitoring.store import store_folder

    yield store_folder()
    shutil.rmtree(store_folder(), ignore_errors=True)


def send_list(client: Client, text: str) -> object:
    file = SimpleUploadedFile("设备.csv", text.encode("utf-8-sig"))
    return client.post("/monitoring/devices/import/", {"files": file})


def test_a_list_is_taken_whole_or_not_at_all(
    works: Works, client: Client, store: Path, django_capture_on_commit_callbacks: object
) -> None:
    from muheng.web.monitoring.models import Device, Point
    from muheng.web.registry.actions import add_outlet

    plant = works.people.enterprises[1]
    limits = [{"pollutant": "二氧化硫", "limit": "50", "unit": "mg/m³", "yearly": ""}]
    add_outlet(None, plant, "DA007", "气", name="烘干", limits=limits)
    other = works.devices[1].mn
    good = f"{plant.code},DA007,废气排口,{STRANGER},123456,6\n{works.stack.enterprise.code},DA001,,A1B2C3D4E5F60718293A4BEE,654321,\n"
    bad = f"{plant.code},DA999,废气排口,0011,123456,\n{plant.code},DA007,烟囱,{other},12345,x\n{plant.code},DA007,废气排口,{other},123456,\n"
    client.force_login(works.officer)
    page = send_list(client, f"{HEADS}\n{good}{bad}")
    assert page.status_code == 422  # type: ignore[attr-defined]
    faults = [(each.cell, each.found) for each in page.context["faults"]]  # type: ignore[attr-defined]
    assert faults == [("B4", "DA999"), ("E5", "12345"), ("D6", other)]
    assert Point.objects.count() == 3
    page = send_list(client, f"{HEADS}\n{good}")
    assert page.status_code == 200  # type: ignore[attr-defined]
    does = [each.does for each in page.context["deeds"]]  # type: ignore[attr-defined]
    assert does == ["开始监控、登记设备", f"更换设备（原 {works.devices[0].mn}）"]
    assert Point.objects.count() == 3, "a trial changes nothing"
    sealed = page.context["sealed"]  # type: ignore[attr-defined]
    assert "654321" not in page.content.decode()  # type: ignore[attr-defined]
    with django_capture_on_commit_callbacks(execute=True) as told:  # type: ignore[operator]
        answer = client.post("/monitoring/devices/import/", {"sealed": sealed})
    assert answer.status_code == 302
    assert len(told) == 1, "the allow-list is written once"
    point = Point.objects.get(outlet__code="DA007")
    assert point.limits == [{"factor": "a21026", "most": "50"}]
    assert point.reference_oxygen == 6
    assert Device.objects.get(mn=STRANGER).point == point
    assert not Device.objects.get(mn=works.devices[0].mn).allowed
    assert STRANGER in (store / "devices.csv").read_text(encoding="utf-8")
    for text in ("MN,密码\n1,2\n", "", "not a list"):
        assert send_list(client, text).status_code == 422  # type: ignore[attr-defined]
    assert client.post("/monitoring/devices/import/", {"sealed": "made up"}).status_code == 422
    template = b"".join(client.get("/monitoring/devices/import/template.xlsx").streaming_content)  # type: ignore[attr-defined]
    assert "MN" in pl.read_excel(io.BytesIO(template), engine="calamine", has_header=False).row(0)
    client.force_login(works.county_officer)
    foreign = f"{works.water.enterprise.code},DW001,,{'1' * 24},123456,\n"
    assert [each.cell for each in send_list(client, f"{HEADS}\n{foreign}").context["faults"]] == ["B2"]  # type: ignore[attr-defined]


def test_a_point_is_changed_on_its_page(works: Works, client: Client, store: Path) -> None:
    from muheng.web.monitoring.models import Device

    client.force_login(works.officer)
    address = f"/monitoring/points/{works.stack.pk}/edit/"

    def send(**given: str) -> str:
        answer = client.post(address, given, follow=True)
        assert answer.status_code in (200, 422)
        return answer.content.decode()

    send(act="limit", factor=NOX, most="40", since="2026-11-15", converted="1", reason="新许可证")
    works.stack.refresh_from_db()
    held = [each for each in works.stack.limits if each["factor"] == NOX]
    assert held == [
        {"factor": NOX, "most": "50", "until": "2026-11-15"},
        {"factor": NOX, "most": "40", "from": "2026-11-15"},
    ]
    assert "没有编码为“nox”的因子" in send(act="limit", factor="nox", most="40", since="2026-11-15")
    assert "请选一个日期" in send(act="limit", factor=NOX, most="40", since="")
    page = send(act="device", mn=STRANGER)
    device = Device.objects.get(mn=STRANGER)
    assert device.allowed
    from muheng.web.notices.sealing import unseal

    password = unseal(device.sealed_password)
    assert len(password) == 6
    assert f">{password}<" in page
    assert password not in client.get(address).content.decode()
    assert "不是 24 位" in send(act="device", mn="12", password="123456")
    send(act="device", mn=STRANGER, edition="2025", key="00112233445566778899aabbccddeeff")
    device.refresh_from_db()
    assert (device.edition, unseal(device.sealed_password)) == (2025, password)
    send(act="stop-device")
    device.refresh_from_db()
    assert not device.allowed
    send(act="point", name="1号炉", reference_oxygen="9", key="1")
    send(act="stop", until="2026-11-21")
    works.stack.refresh_from_db()
    assert (works.stack.name, works.stack.reference_oxygen, works.stack.key) == ("1号炉", 9, True)
    assert str(works.stack.watched_until) == "2026-11-21"
    assert client.post(address, {"act": "other"}).status_code == 404
    client.force_login(works.county_officer)
    assert client.get(f"/monitoring/points/{works.water.pk}/edit/").status_code == 404
    client.force_login(works.people.clerk)
    assert client.get(address).status_code == 403


def test_who_keeps_trying_is_given_a_point(works: Works, client: Client, store: Path) -> None:
    from muheng.monitoring.hj212.crc import compute_crc_text
    from muheng.monitoring.store.segments import Record, SegmentWriter
    from muheng.web.monitoring.models import Ask, Device
    from muheng.web.notices.sealing import unseal

    segment = f"QN=20261120093000000;ST=31;CN=2011;PW=987654;MN={STRANGER};Flag=5;CP=&&DataTime=20261120093000;a21026-Rtd=1&&".encode()
    frame = b"##%04d" % len(segment) + segment
    whole, broken = frame + compute_crc_text(segment) + b"\r\n", frame + b"0000\r\n"
    now = int((NOW - timedelta(minutes=3)).astimezone(UTC).timestamp() * 1e6)
    writer = SegmentWriter(store / "segments")
    writer.append([Record(now, STRANGER, "10.0.0.9:1", "unknown_device", whole)] * 3)
    writer.append([Record(now, works.devices[1].mn, "10.0.0.8:1", "crc", broken)])
    writer.append([Record(now - 7200 * 10**6, works.devices[1].mn, "10.0.0.8:1", "password", whole)])
    writer.sync()
    writer.close()
    Device.objects.filter(pk=works.devices[0].pk).update(allowed=False)
    client.force_login(works.officer)
    page = client.get("/monitoring/devices/quarantine/")
    assert page.context["count"] == 4
    assert [(each.mn, each.times) for each in page.context["strangers"]] == [(STRANGER, 3)]
    text = page.content.decode()
    assert "校验码写的是 0000，应为" in text
    assert "设备表里没有这台设备" in text
    longer = client.get("/monitoring/devices/quarantine/", {"hours": 24, "mn": works.devices[1].mn})
    assert longer.context["count"] == 2
    assert "密码不对" in longer.content.decode()
    given = {"mn": STRANGER, "point": works.stack.pk}
    assert client.post("/monitoring/devices/quarantine/admit/", {**given, "mn": "0"}).status_code == 404
    assert client.post("/monitoring/devices/quarantine/admit/", given).status_code == 302
    device = Device.objects.get(mn=STRANGER)
    assert (device.point, unseal(device.sealed_password), device.edition) == (works.stack, "987654", 2017)
    again = {**given, "point": works.dry_stack.pk}
    assert client.post("/monitoring/devices/quarantine/admit/", again).status_code == 409
    # What is asked of it stays on the point's page.
    asks = f"/monitoring/points/{works.stack.pk}/asks/"
    given = {"command": "2061", "begin": "2026-11-19T00:00", "end": "2026-11-19T06:00"}
    assert client.post(asks, given).status_code == 302
    ask = Ask.objects.get()
    assert dict(ask.contents) == {"BeginTime": "20261119000000", "EndTime": "20261119060000"}
    page = client.post(asks, {"command": "2051", "begin": "", "end": ""})
    assert page.status_code == 422
    assert "补传小时数据" in page.content.decode()
    assert "请写明从何时到何时" in page.content.decode()
