"""A visit is written down in a yard without a network, outlives a reload, and arrives once; the other pages of the room."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from web.browser.looking import Site, check_accessible, log_in

OFFICER, HEAD = "liaison", "chief"


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """As large as a phone's, with the place where it was taken."""
    noted = Image.Exif()
    noted[0x010E] = "GPS-31.67N-118.50E"
    noted.get_ifd(0x8825)[2] = (31.0, 40.0, 12.0)
    file = tmp_path / "IMG_0001.jpg"
    Image.effect_noise((2400, 1800), 40).convert("RGB").save(file, "JPEG", exif=noted)
    return file


def pictures_of(site: Site) -> set[Path]:
    """The JPEGs that the site keeps; a picture that came twice is one file."""
    files = (file for file in (site.home / "files").rglob("*") if file.is_file())
    return {file for file in files if file.read_bytes()[:3] == b"\xff\xd8\xff"}


def open_form(page: Page, site: Site) -> None:
    """The form, with everything there that opens it without a network."""
    page.goto(site.at("/liaison/visit/"))
    expect(page.locator("#visit-form[data-begun]")).to_be_visible()
    expect(page.locator("#visit-form[data-opens-offline]")).to_be_visible()


def test_a_draft_without_a_network_is_not_lost_and_is_sent_once(
    phone: Page, own_site: Site, photograph: Path
) -> None:
    posted: list[str] = []
    phone.context.on("request", lambda asked: posted.append(asked.url) if asked.method == "POST" else None)
    before = pictures_of(own_site)
    log_in(phone, own_site, OFFICER)
    open_form(phone, own_site)
    assert fits(phone)
    check_accessible(phone)
    phone.get_by_label("企业", exact=True).select_option(index=1)
    name = phone.locator("#enterprise option:checked").inner_text()
    state = phone.locator("#draft-state")
    expect(state).to_contain_text(re.compile(r"草稿已存在本机 \d\d:\d\d"))

    phone.context.set_offline(True)
    phone.get_by_label("看到、谈到什么").fill("看了危废库，导流沟堵了。")
    expect(state).to_contain_text("没有网络，草稿已存在本机")
    phone.locator("#photo").set_input_files(photograph)
    expect(phone.locator(".photos img")).to_have_count(1)
    phone.locator("#hazard-0-title").fill("导流沟堵塞")
    phone.locator("#hazard-0-kind").select_option(label="危险废物")
    phone.get_by_role("button", name="再记一处隐患").click()
    phone.locator("#hazard-1-title").fill("标签没有更换")
    phone.locator("#hazard-1-kind").select_option(label="危险废物")
    phone.locator("#hazard-1-limit").select_option(value="at_once")
    phone.locator("#hazard-1-photo").set_input_files(photograph)
    expect(phone.locator(".photos img")).to_have_count(2)
    check_accessible(phone)

    phone.reload()
    expect(state).to_contain_text("已恢复本机的草稿")
    expect(phone.get_by_label("看到、谈到什么")).to_have_value("看了危废库，导流沟堵了。")
    expect(phone.locator("#enterprise option:checked")).to_have_text(name)
    expect(phone.locator("#hazard-1-title")).to_have_value("标签没有更换")
    expect(phone.locator("#hazard-1-limit")).to_have_value("at_once")
    expect(phone.locator(".photos img")).to_have_count(2)

    phone.get_by_role("button", name="提交").click()
    expect(state).to_have_text("没有网络，联网后自动提交")
    phone.reload()
    expect(state).to_have_text("没有网络，联网后自动提交")

    posted.clear()
    phone.context.set_offline(False)
    expect(phone.get_by_role("heading", level=1)).to_have_text(name)
    assert "/visit/" not in phone.url
    hazards = phone.locator(".card", has=phone.get_by_role("heading", name="未销号的隐患"))
    expect(hazards.get_by_role("link", name="导流沟堵塞")).to_have_count(1)
    expect(hazards.get_by_role("link", name="标签没有更换")).to_have_count(1)
    assert fits(phone)
    check_accessible(phone)
    assert len(posted) == 1
    (kept,) = pictures_of(own_site) - before
    sent = Image.open(io.BytesIO(kept.read_bytes()))
    assert (max(sent.size), dict(sent.getexif())) == (1600, {})

    open_form(phone, own_site)
    expect(phone.get_by_label("看到、谈到什么")).to_have_value("")
    expect(phone.locator("#other-drafts")).to_be_hidden()


def test_a_draft_that_waits_is_sent_from_another_page(phone: Page, own_site: Site) -> None:
    log_in(phone, own_site, OFFICER)
    open_form(phone, own_site)
    phone.get_by_label("企业", exact=True).select_option(index=1)
    phone.get_by_label("看到、谈到什么").fill("看了新上的除尘器。")
    expect(phone.locator("#draft-state")).to_contain_text("草稿已存在本机")
    phone.goto(own_site.at("/liaison/"))
    waiting = phone.locator("#waiting-visits")
    expect(waiting).to_contain_text("还有没提交的走访")
    check_accessible(phone)
    waiting.get_by_role("link").click()
    expect(phone.get_by_label("看到、谈到什么")).to_have_value("看了新上的除尘器。")
    phone.context.set_offline(True)
    phone.get_by_role("button", name="提交").click()
    expect(phone.locator("#draft-state")).to_have_text("没有网络，联网后自动提交")
    # The phone is put away; at the desk another page of the site is opened.
    phone.goto("about:blank")
    phone.context.set_offline(False)
    phone.goto(own_site.at("/liaison/"))
    expect(waiting).to_contain_text("已自动提交：走访已记录")
    phone.reload()
    expect(waiting).to_be_hidden()


@pytest.mark.answers(422)
def test_what_the_site_refuses_stays_on_the_phone(phone: Page, own_site: Site) -> None:
    log_in(phone, own_site, OFFICER)
    open_form(phone, own_site)
    phone.get_by_label("企业", exact=True).select_option(index=1)
    phone.locator("#hazard-0-title").fill("布袋破损")
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_role("alert")).to_contain_text("请选第 1 处隐患的类别")
    expect(phone.locator("#hazard-0-kind")).to_be_focused()
    expect(phone.locator("#hazard-0-title")).to_have_value("布袋破损")
    phone.locator("#hazard-0-kind").select_option(index=1)
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_role("link", name="布袋破损").first).to_be_visible()


def test_the_week_is_planned_moved_and_printed(page: Page, own_site: Site) -> None:
    log_in(page, own_site, OFFICER)
    page.goto(own_site.at("/liaison/"))
    expect(page.get_by_text("户本期还要走访")).to_be_visible()
    check_accessible(page)
    page.get_by_role("link", name="排本周走访").click()
    page.get_by_role("link", name="下一周").click()
    page.get_by_role("button", name="排这一周").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("已排")
    expect(page.locator(".map[data-features]")).to_be_visible()
    check_accessible(page)
    stop = page.locator(".stops select").first
    name = stop.get_attribute("name") or ""
    stop.select_option(index=5)
    page.get_by_role("button", name="按最短路线排顺序并保存").click()
    expect(page.locator("#messages")).to_contain_text("已保存")
    last = page.locator(".day").last
    expect(last.locator(f'select[name="{name}"]')).to_have_count(1)
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="保存安排")).to_be_hidden()
    expect(page.locator(".day").last).to_be_visible()


def test_the_head_looks_and_arranges(page: Page, own_site: Site) -> None:
    log_in(page, own_site, HEAD)
    page.goto(own_site.at("/liaison/overdue/"))
    expect(page.get_by_role("heading", name="逾期的企业")).to_be_visible()
    check_accessible(page)
    page.get_by_role("link", name="结对一览").click()
    expect(page.locator(".figure", has_text="本期已走访")).to_be_visible()
    check_accessible(page)
    page.get_by_role("link", name="各人本周").click()
    check_accessible(page)
    page.get_by_role("link", name="安排结对").click()
    check_accessible(page)
    page.get_by_role("button", name="看方案").click()
    expect(page.locator(".map[data-features]")).to_be_visible()
    check_accessible(page)
    page.get_by_label("这次调整的原因").fill("年度调整")
    page.get_by_role("button", name="采用这个方案").click()
    expect(page.locator("#messages")).to_contain_text("已采用")
