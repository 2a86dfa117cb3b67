"""Notices in the browser: the bell, how one wishes to be told, and a channel that cannot be reached."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from web.browser.looking import Site, check_accessible, log_in


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_notices_on_a_phone(phone: Page, own_site: Site) -> None:
    log_in(phone, own_site, "enterprise")
    phone.get_by_role("link", name="通知").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("通知")
    assert fits(phone)
    check_accessible(phone)
    phone.get_by_role("link", name="怎样通知我").click()
    phone.get_by_label("邮箱").fill("owner@example.cn")
    phone.get_by_label("随时发", exact=True).check()
    assert fits(phone)
    check_accessible(phone)
    phone.get_by_role("button", name="保存").click()
    expect(phone.get_by_text("已保存")).to_be_visible()
    expect(phone.get_by_label("随时发", exact=True)).to_be_checked()


@pytest.mark.answers(422)
def test_a_channel_without_a_mouse(page: Page, own_site: Site) -> None:
    log_in(page, own_site, "chief")
    page.goto(own_site.at("/notices/"))
    page.get_by_role("link", name="通知渠道").press("Enter")
    check_accessible(page)
    page.get_by_role("link", name="新建渠道").press("Enter")
    check_accessible(page)
    page.get_by_label("机构").select_option(index=1)
    page.get_by_label("名称").fill("督办群")
    page.get_by_label("地址").fill("http://127.0.0.1/robot")
    page.get_by_label("事项").press("Space")
    page.get_by_role("button", name="保存").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("这个地址不能用")
    check_accessible(page)
    assert page.get_by_label("名称").input_value() == "督办群"
    assert page.get_by_label("事项").is_checked()
    # Another spelling of the same machine: it is found when the message goes.
    page.get_by_label("地址").fill("http://localhost:9/robot")
    page.get_by_role("button", name="保存").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("督办群")
    page.get_by_role("button", name="发一条测试消息").press("Enter")
    expect(page.get_by_role("table")).to_contain_text("这个地址不允许发往")
    check_accessible(page)
    expect(page.get_by_role("table")).to_contain_text("没有发成")
