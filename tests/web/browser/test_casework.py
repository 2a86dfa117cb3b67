"""A demand from the enterprise's phone to its rating, the official beside it; and the official's lists without a mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from web.browser.looking import Site, check_accessible, log_in

TITLE = "厂区东门道路需要拓宽"


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def act(page: Page, name: str) -> None:
    """Choose an act of the case by its button; its form is there when the heading says so."""
    page.get_by_role("navigation", name="可以办的").get_by_role("link", name=name, exact=True).click()
    expect(page.locator("#act-title")).to_have_text(name)


def send(page: Page, name: str) -> None:
    page.locator(".act-form").get_by_role("button", name=name, exact=True).click()
    expect(page.locator("#messages")).to_contain_text(f"“{name}”已办")


@pytest.mark.answers(409)
def test_a_demand_side_by_side(
    own_site: Site, phone: Page, enter: Callable[[Site, str], Page], tmp_path: Path
) -> None:
    photo = tmp_path / "现场.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    log_in(phone, own_site, "enterprise")
    phone.goto(own_site.at("/cases/mine/"))
    phone.get_by_role("link", name="提出诉求").click()
    assert fits(phone)
    check_accessible(phone)
    expect(phone.get_by_label("用工人数")).to_be_hidden()
    phone.get_by_label("用地", exact=True).check()
    expect(phone.get_by_label("用地面积")).to_be_visible()
    phone.get_by_label("诉求事项").fill(TITLE)
    phone.get_by_label("具体情况").fill("货车进出困难。")
    phone.get_by_label("选文件或拍照").set_input_files(photo)
    phone.get_by_role("button", name="提出", exact=True).click()
    expect(phone.get_by_role("heading", level=1)).to_have_text(TITLE)
    assert fits(phone)
    check_accessible(phone)
    address = phone.url

    clerk = enter(own_site, "clerk")
    clerk.goto(own_site.at("/cases/?tab=desk"))
    check_accessible(clerk)
    clerk.get_by_role("link", name=TITLE).focus()
    clerk.keyboard.press("Enter")
    expect(clerk.get_by_role("link", name="现场.png").first).to_be_visible()
    check_accessible(clerk)
    send(clerk, "受理")
    # Meanwhile the enterprise adds something: the desk is told, and what it chose is still there.
    act(phone, "记一笔")
    phone.get_by_label("写什么").fill("已和村里商量过")
    send(phone, "记一笔")
    office = clerk.get_by_label("交给")
    office.select_option(index=1)
    chosen = office.input_value()
    clerk.get_by_label("说明").fill("请抓紧")
    clerk.locator(".act-form").get_by_role("button", name="交办").click()
    expect(clerk.get_by_role("alert")).to_contain_text("有了新情况")
    expect(clerk.get_by_label("交给")).to_have_value(chosen)
    expect(clerk.get_by_label("说明")).to_have_value("请抓紧")
    check_accessible(clerk)
    send(clerk, "交办")

    # The clerk takes it over; a text begun for one act goes along to another.
    act(clerk, "指派")
    name = clerk.locator(".who a").last.inner_text()
    mine = clerk.locator("#to option", has_text=name).first
    clerk.get_by_label("交给").select_option(mine.get_attribute("value"))
    send(clerk, "指派")
    act(clerk, "通报进展")
    clerk.get_by_label("说明").fill("道路拓宽已列入计划")
    act(clerk, "答复")
    expect(clerk.get_by_label("说明")).to_have_value("道路拓宽已列入计划")
    clerk.get_by_label("办理结果").select_option("已解决")
    send(clerk, "答复")
    expect(clerk.locator(".clock-bar").first).to_be_visible()
    check_accessible(clerk)

    phone.goto(own_site.at("/cases/mine/"))
    assert fits(phone)
    check_accessible(phone)
    expect(phone.get_by_role("link", name=TITLE)).to_be_visible()
    phone.goto(f"{address}?act=confirm")
    send(phone, "确认办结")
    phone.goto(f"{address}?act=rate")
    check_accessible(phone)
    phone.get_by_role("radio").first.focus()
    phone.keyboard.press("Space")
    send(phone, "评价")
    expect(phone.locator(".timeline")).to_contain_text("5 分，非常满意")


def test_the_lists_without_a_mouse(site: Site, page: Page) -> None:
    log_in(page, site, "clerk")
    page.goto(site.at("/cases/?tab=all"))
    check_accessible(page)
    page.get_by_label("类型").focus()
    page.keyboard.type("企业")
    page.keyboard.press("Enter")
    page.goto(site.at("/cases/new/"))
    check_accessible(page)
    page.get_by_role("link", name="企业诉求").focus()
    page.keyboard.press("Enter")
    page.get_by_label("名称、首字母或代码").fill("有限公司")
    expect(page.locator("#found-enterprises input").first).to_be_visible()
    check_accessible(page)
    page.locator("#found-enterprises input").first.focus()
    page.keyboard.press("Space")
    assert page.locator("#found-enterprises input").first.is_checked()
