"""The live board: what devices send is there without reloading; nothing is asked while nobody looks."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from muheng.monitoring.dialogue.devices import Device, read_devices
from muheng.monitoring.hj212.encoding import encode, write_contents
from muheng.monitoring.hj212.moments import write_moment, write_qn
from muheng.monitoring.store.digest import digest
from muheng.monitoring.store.segments import Record, SegmentWriter
from muheng.web import serving
from web.browser import rewound
from web.browser.looking import Site, check_accessible, log_in

DUST = "a34013"
HOUR = timedelta(hours=1)
PERIOD = 10_500
"""Milliseconds: a little longer than the board waits between two looks."""
ROUNDS = """
import json
from muheng.web.monitoring.judging import judge_due
from muheng.web.monitoring.models import Event
from muheng.web.monitoring.taking import take_fresh
take_fresh()
judge_due()
held = Event.objects.order_by("pk").last()
print(json.dumps([held.number, str(held.point_id)]))
"""


def a_stack(site: Site) -> Device:
    """A device that tells of dust, at a point without open events."""
    devices = read_devices(site.home / "monitoring" / "devices.csv")
    return next(each for each in devices.values() if each.point == "8")


def send(site: Site, device: Device, now: datetime) -> None:
    """Three hours over the limit and what is measured now, as the receiver keeps them; then what its digest finds."""
    store = site.home / "monitoring"
    local = now.astimezone(UTC).replace(tzinfo=None, microsecond=0) + 8 * HOUR
    received = int(now.timestamp() * 1_000_000)
    begins = [local.replace(minute=0, second=0) - ago * HOUR for ago in (4, 3, 2)]
    sent = [("2061", begin, "Avg", "41.5") for begin in begins] + [("2011", local, "Rtd", "46.2")]
    records = []
    for command, time, suffix, value in sent:
        header = {"QN": write_qn(local), "ST": "31", "CN": command, "PW": device.password, "MN": device.mn}
        contents = write_contents(
            {"DataTime": write_moment(time)}, {DUST: {suffix: value, f"Zs{suffix}": value, "Flag": "N"}}
        )
        raw = encode({**header, "Flag": "5"}, contents).rstrip(b"\r\n")
        records.append(Record(received, device.mn, "10.20.1.1:40212", "", raw))
    with SegmentWriter(store / "segments") as writer:
        writer.append(records)
        writer.sync()
    assert digest(store, now).records == len(records)


def go_round(site: Site) -> tuple[str, str]:
    """What the site's worker does with it in its next minute; gives the newest event and its point."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUHENG_")}
    environment |= {"MUHENG_HOME": str(site.home), "DJANGO_SETTINGS_MODULE": serving.SETTINGS}
    with rewound.turn_of(site.home).open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # not both it and we
        command = [sys.executable, "-m", "muheng.web.manage", "shell", "--no-imports", "-c", ROUNDS]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    number, point = json.loads(done.stdout.splitlines()[-1])
    return number, point


@pytest.mark.answers(503)
def test_what_is_sent_is_seen_and_nobody_is_asked_in_vain(own_site: Site, page: Page, phone: Page) -> None:
    device = a_stack(own_site)
    log_in(page, own_site, "monitor")
    page.clock.install()
    page.goto(own_site.at("/monitoring/"))
    row = page.locator("#points tbody tr", has=page.locator(f"#point-{device.point}"))
    expect(row).not_to_contain_text("超限")
    expect(page.locator("#count-over")).to_have_text("0")
    check_accessible(page)
    asked: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).path == "/monitoring/":
            asked.append(request.url)

    page.on("request", note)

    # By keyboard, on the point that is about to change; what is typed and chosen is not the board's.
    page.locator(f"#point-{device.point}").focus()
    page.get_by_label("企业、点位或设备号").evaluate("box => box.value = '排放'")
    send(own_site, device, datetime.now(UTC))
    number, point = go_round(own_site)
    assert point == device.point
    with page.expect_response(re.compile("/monitoring/$")):
        page.clock.run_for(PERIOD)
    first = page.locator("#points tbody tr").first
    expect(first).to_contain_text("46.2")
    expect(first.locator(".tag").first).to_have_text("超限")
    expect(page.locator("#count-over")).to_have_text("1")
    expect(page.get_by_label("企业、点位或设备号")).to_have_value("排放")
    expect(page.locator(f"#point-{device.point}")).to_be_focused()
    check_accessible(page)

    # Nobody looks: nothing is asked. Somebody looks again: at once.
    def turn_away(away: bool) -> None:
        page.evaluate(
            """away => {
                Object.defineProperty(document, "hidden", { get: () => away, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            away,
        )

    turn_away(True)
    asked.clear()
    page.clock.run_for(5 * PERIOD)
    assert asked == []
    with page.expect_response(re.compile("/monitoring/$")):
        turn_away(False)
    assert len(asked) == 1

    # The site is away: what stands there is said to be old, until it is back.
    def refuse(route: Route) -> None:
        route.fulfill(status=503, body="")

    page.route("**/monitoring/", refuse)
    page.clock.run_for(PERIOD)
    expect(page.get_by_text("连不上网站")).to_be_visible()
    expect(first).to_contain_text("46.2")
    page.unroute("**/monitoring/", refuse)
    page.clock.run_for(PERIOD)
    expect(page.get_by_text("连不上网站")).to_be_hidden()

    # By keyboard to the point, and back by the browser; who has left asks nothing.
    page.locator(f"#point-{device.point}").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=number)).to_be_visible()
    asked.clear()
    page.clock.run_for(3 * PERIOD)
    assert asked == []

    # On a phone what decides is seen without moving the table.
    log_in(phone, own_site, "leader")
    phone.goto(own_site.at("/monitoring/?state=over"))
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    value = phone.locator("#points td", has_text="46.2").bounding_box()
    assert value is not None
    assert value["x"] + value["width"] <= 390
    check_accessible(phone)

    # Logged out meanwhile: the board becomes the page that asks who one is, not a part of it.
    page.goto(own_site.at("/monitoring/"))
    page.context.clear_cookies()
    page.clock.run_for(PERIOD)
    page.wait_for_url("**/people/login/**")
    expect(page.locator("#board")).to_have_count(0)
