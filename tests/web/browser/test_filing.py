"""The enterprise's month on a phone, the official's review, and everybody's first page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from web.browser.looking import Site, check_accessible, log_in, picture


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("person", ["clerk", "leader", "enterprise"])
def test_the_first_page(page: Page, site: Site, person: str) -> None:
    log_in(page, site, person)
    todo = page.locator(".todo li")
    expect(todo).to_have_count(3)
    if person != "enterprise":
        expect(page.locator(".chart-picture svg").first).to_be_visible()
    check_accessible(page)
    picture(page, f"home-{person}")
    todo.first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.parametrize("person", ["clerk", "leader", "enterprise"])
def test_the_first_page_on_a_phone(phone: Page, site: Site, person: str) -> None:
    log_in(phone, site, person)
    expect(phone.locator(".todo li").first).to_be_visible()
    assert fits(phone)
    check_accessible(phone)


@pytest.mark.answers(422)
def test_a_month_is_filed_with_a_thumb(phone: Page, own_site: Site) -> None:
    log_in(phone, own_site, "enterprise")
    phone.get_by_role("link", name=re.compile("填报.*的能耗")).click()
    assert fits(phone)
    check_accessible(phone)
    hints = phone.locator(".figure-field .hint")
    for at in range(6):
        usual = re.search(r"上月 ([0-9,.]+)", hints.nth(at).inner_text())
        assert usual is not None
        phone.locator(f"#figure-{at}").fill(usual[1].replace(",", ""))
    field = phone.locator("#figure-0")
    right = field.input_value()
    field.fill(f"{float(right) * 10_000:.0f}")
    field.blur()
    expect(phone.locator("#found-0")).to_contain_text("像是按 kWh 填的")
    expect(phone.get_by_label("用电量：说明原因")).to_be_visible()
    check_accessible(phone)
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_role("alert")).to_contain_text("需要说明原因：用电量")
    field = phone.locator("#figure-0")
    field.fill(right)
    field.blur()
    expect(phone.locator("#found-0")).not_to_contain_text("像是按")
    phone.get_by_role("button", name="提交").click()
    expect(phone.locator("#messages")).to_contain_text("等主管部门核对")
    expect(phone.locator(".figure b").first).to_have_text("都已填报")
    assert fits(phone)
    check_accessible(phone)


def test_review_without_a_mouse(page: Page, own_site: Site) -> None:
    log_in(page, own_site, "clerk")
    page.locator("summary", has_text=re.compile("还有 .+ 件")).focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("份有疑问的月度填报")).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("填报核对")
    check_accessible(page)
    picture(page, "filing-review")
    page.locator("tbody a").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chart-picture svg").first).to_be_visible()
    check_accessible(page)
    page.get_by_label("退回原因").focus()
    page.keyboard.type("请核对用电量的小数点")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("已退回")
