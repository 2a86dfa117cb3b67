"""Enterprises in a real browser: found by keyboard alone, read, seen on maps, on a phone, and without a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from web.browser.looking import Site, check_accessible, log_in, picture

FILE = re.compile(r"/enterprises/[0-9A-Z]{18}/$")


def first_code(page: Page, site: Site) -> str:
    """The code of the first enterprise of the list."""
    page.goto(site.at("/enterprises/?grade=A"))
    address = page.locator("#enterprises tbody th a").first.get_attribute("href")
    assert address is not None
    return address.split("/")[2]


def test_found_by_keyboard_alone(page: Page, site: Site) -> None:
    log_in(page, site, "clerk")
    page.goto(site.at("/enterprises/"))
    wanted = page.locator("#enterprises tbody th a").nth(3).inner_text()
    box = page.get_by_role("combobox", name="找企业")
    box.focus()
    page.keyboard.type(wanted[:4])
    options = page.locator("#search-found [role=option]")
    expect(options.first).to_be_visible()
    check_accessible(page)
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "found-1")
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#search-found [aria-selected=true] b").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url(FILE)
    expect(page.get_by_role("heading", level=1)).to_contain_text(chosen)


def test_what_is_not_there_is_said(page: Page, site: Site) -> None:
    log_in(page, site, "clerk")
    page.get_by_role("combobox", name="找企业").fill("没有这家企业")
    expect(page.locator("#search-found")).to_contain_text("没有找到")
    check_accessible(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/enterprises/?**")
    expect(page.locator("main")).to_contain_text("没有符合条件的企业")


def test_the_list_and_a_file_with_all_its_pages(page: Page, site: Site) -> None:
    log_in(page, site, "leader")
    page.goto(site.at("/enterprises/"))
    check_accessible(page)
    picture(page, "enterprises")
    code = first_code(page, site)
    page.goto(site.at(f"/enterprises/{code}/"))
    expect(page.locator(".chart-picture svg").first).to_be_visible()
    expect(page.locator("[data-map][data-features]")).to_have_count(1)
    check_accessible(page)
    picture(page, "enterprise")
    for tab in ("年度数据", "月度数据", "土地", "生产与排放", "历史"):
        page.get_by_role("navigation", name="档案").get_by_role("link", name=tab).click()
        expect(page.locator(".tabs [aria-current=page]")).to_have_text(tab)
        check_accessible(page)


def test_the_citys_parcels(page: Page, site: Site) -> None:
    log_in(page, site, "leader")
    page.goto(site.at("/enterprises/map/"))
    drawn = page.locator("#city-map[data-features]")
    expect(drawn).to_have_count(1)
    many = int(drawn.get_attribute("data-features") or 0)
    assert many > 100
    check_accessible(page)
    picture(page, "map")
    # What the window shows is asked for anew: fewer parcels from nearer.
    for _step in range(3):
        with page.expect_response(re.compile(r"map\.json\?box=")):
            page.locator(".leaflet-control-zoom-in").click()
    expect(page.locator("#city-map")).not_to_have_attribute("data-features", str(many))
    page.get_by_label("颜色表示").select_option("grade")
    page.wait_for_url("**by=grade**")
    expect(page.locator("#city-map[data-features]")).to_have_count(1)


def test_on_a_phone_nothing_is_wider_than_the_screen(phone: Page, site: Site) -> None:
    log_in(phone, site, "leader")
    code = first_code(phone, site)
    for address in ("", "map/", *(f"{code}/{tab}" for tab in ("", "years/", "land/", "plant/", "history/"))):
        phone.goto(site.at(f"/enterprises/{address}"))
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, address
    check_accessible(phone)


def test_the_enterprise_reads_its_own_file(page: Page, site: Site) -> None:
    log_in(page, site, "enterprise")
    page.get_by_role("link", name="我的企业").click()
    page.wait_for_url(FILE)
    expect(page.get_by_role("combobox", name="找企业")).to_have_count(0)
    check_accessible(page)


def test_people_and_organisations(page: Page, site: Site) -> None:
    log_in(page, site, "leader")
    page.get_by_role("link", name="人员与机构").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("人员与机构")
    check_accessible(page)


@pytest.mark.parametrize("english", [False, True])
def test_without_a_script_the_search_goes_to_the_list(browser: Browser, site: Site, english: bool) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    try:
        log_in(page, site, "clerk")
        if english:
            page.get_by_role("button", name="English").click()
        page.locator("#search-box").fill("机械")
        page.keyboard.press("Enter")
        page.wait_for_url("**/enterprises/?**")
        expect(page.get_by_role("heading", level=1)).to_have_text("Enterprises" if english else "企业")
        assert page.locator("#enterprises tbody tr").count() > 1
    finally:
        context.close()
