"""A method read, changed with the keyboard alone, compared; on a phone; and without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from web.browser.looking import Site, check_accessible, log_in, picture

DRAFT = "/policies/ah-maanshan-2027/1/edit/"


def enter(page: Page, site: Site) -> None:
    """As the section chief; everybody in the demo has the same password."""
    log_in(page, Site(site.address, {"chief": site.passwords["clerk"]}), "chief")


def test_a_method_is_read_and_leads_to_its_source(page: Page, site: Site) -> None:
    enter(page, site)
    page.goto(site.at("/policies/"))
    check_accessible(page)
    page.get_by_role("link", name="马鞍山市工业企业亩均效益评价（示例）").click()
    expect(page.get_by_role("heading", name="六、评价指标和计分")).to_be_visible()
    check_accessible(page)
    picture(page, "policy")
    row = page.get_by_role("row", name="严重失信")
    row.get_by_role("link").click()
    page.wait_for_url("**/source/#L*")
    line = page.url.rsplit("#", 1)[1]
    expect(page.locator(f"#{line}")).to_have_text("[[veto]]")


def test_a_draft_is_mended_with_the_keyboard_alone(page: Page, own_site: Site) -> None:
    enter(page, own_site)
    page.goto(own_site.at(DRAFT))
    text = page.get_by_label("办法的文本")
    findings = page.locator("#findings")
    expect(findings).to_contain_text("没有错误")
    text.focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("错误 = = 1\n")
    expect(findings.get_by_role("link", name="第 1 行")).to_be_visible()
    check_accessible(page)
    # Away from the place, and back by the finding's own link.
    page.keyboard.press("Control+End")
    link = findings.get_by_role("link", name="第 1 行")
    link.focus()
    page.keyboard.press("Enter")
    expect(text).to_be_focused()
    assert text.evaluate("t => t.value.slice(t.selectionStart, t.selectionEnd)") == "错误 = = 1"
    page.keyboard.press("Control+End")
    page.keyboard.press("F8")
    assert text.evaluate("t => t.selectionStart") == 0
    page.keyboard.press("Delete")
    page.keyboard.press("Delete")
    expect(findings).to_contain_text("没有错误")
    page.keyboard.type("# 改过一行\n")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("已保存。")).to_be_visible()
    assert page.get_by_label("办法的文本").input_value().startswith("# 改过一行\n")


def test_two_versions_are_compared(page: Page, own_site: Site) -> None:
    enter(page, own_site)
    page.goto(own_site.at("/policies/compare/?before=ah-maanshan-demo@1&after=ah-maanshan-2027@1"))
    expect(page.locator("del").first).to_have_text("40")
    expect(page.locator("ins").first).to_have_text("35")
    check_accessible(page)
    page.get_by_role("button", name="算一算").click()
    expect(page.get_by_role("heading", name="变动的企业")).to_be_visible(timeout=60_000)
    check_accessible(page)
    picture(page, "policy-compare")
    page.locator("#moves ol a").first.click()
    expect(page.get_by_text("原因 1", exact=False).first).to_be_visible()


@pytest.mark.parametrize(
    "address", ["/policies/", "/policies/ah-maanshan-demo/", "/policies/ah-maanshan-demo/1/source/", DRAFT]
)
def test_pages_fit_a_phone(phone: Page, site: Site, address: str) -> None:
    enter(phone, site)
    phone.goto(site.at(address))
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessible(phone)


def test_without_a_script_a_draft_is_checked_by_its_button(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    enter(page, site)
    page.goto(site.at(DRAFT))
    text = page.get_by_label("办法的文本")
    text.fill("错误 = = 1\n" + text.input_value())
    page.get_by_role("button", name="检查", exact=True).click()
    link = page.locator("#findings").get_by_role("link", name="第 1 行")
    expect(link).to_have_attribute("href", "#L1")
    expect(page.locator("#L1")).to_have_text("错误 = = 1")
    context.close()
