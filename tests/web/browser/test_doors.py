"""The first page that anybody sees, and what the other browser tests rely on."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from web.browser.looking import Site, check_accessible, log_in, picture


def test_the_way_in(page: Page, site: Site) -> None:
    page.goto(site.address)
    expect(page.get_by_label("用户名")).to_be_focused()
    check_accessible(page)
    picture(page, "login")
    page.keyboard.type("clerk")
    page.keyboard.press("Tab")
    page.keyboard.type(site.passwords["clerk"])
    page.keyboard.press("Enter")
    page.wait_for_url(site.address)


def test_everybody_of_the_demo_can_come_in(page: Page, site: Site) -> None:
    assert {"clerk", "leader"} <= set(site.passwords)
    for username in site.passwords:
        page.context.clear_cookies()
        log_in(page, site, username)


def test_a_wrong_password_is_told_in_place(page: Page, site: Site) -> None:
    page.goto(site.at("/people/login/"))
    page.get_by_label("用户名").fill("clerk")
    page.get_by_label("密码").fill("不对")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_label("用户名")).to_have_value("clerk")
    assert page.url.startswith(site.at("/people/login/"))


def test_a_phone_needs_no_sideways_scrolling(phone: Page, site: Site) -> None:
    phone.goto(site.address)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessible(phone)
