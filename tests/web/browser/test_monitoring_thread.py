"""From an event to the field: the plant answers and proves, the officer returns, locks the evidence and sends somebody."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from web.browser.looking import Site, check_accessible, log_in, picture


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.answers(409, 422)
def test_the_six_steps_side_by_side(
    own_site: Site, phone: Page, enter: Callable[[Site, str], Page], tmp_path: Path
) -> None:
    letter = tmp_path / "情况说明.txt"
    letter.write_text("备用泵切换记录", encoding="utf-8")

    # The plant, on a phone: what waits, then its answer; what cannot be taken is said and nothing typed is lost.
    log_in(phone, own_site, "plant")
    phone.goto(own_site.at("/monitoring/mine/"))
    expect(phone.get_by_role("heading", name="自动监控")).to_be_visible()
    assert fits(phone)
    check_accessible(phone)
    picture(phone, "monitoring-phone", width=390, tallest=1100)
    phone.get_by_role("link", name=re.compile("^说明：.*超标")).first.click()
    assert fits(phone)
    check_accessible(phone)
    address = phone.url
    number = address.rstrip("/").rsplit("/", 1)[-1]
    phone.get_by_label("情况说明", exact=True).fill("备用泵切换时短时超标。")
    phone.get_by_role("button", name="提交说明").click()
    expect(phone.get_by_role("alert")).to_contain_text("请选原因")
    expect(phone.get_by_label("情况说明", exact=True)).to_have_value("备用泵切换时短时超标。")
    phone.get_by_label("原因").select_option("治理设施故障")
    phone.get_by_label("说明材料").set_input_files(letter)
    phone.get_by_role("button", name="提交说明").click()
    expect(phone.locator("#messages")).to_contain_text("说明已提交")

    # The officer: the inbox, the event; not clear enough, so it goes back.
    officer = enter(own_site, "monitor")
    officer.goto(own_site.at("/monitoring/events/"))
    check_accessible(officer)
    officer.get_by_role("link", name=number).click()
    expect(officer.locator(".steps li[aria-current]")).to_contain_text("反馈处置")
    check_accessible(officer)
    officer.get_by_label("意见").fill("没有说明何时恢复。")
    officer.get_by_role("button", name="说明不清，退回").click()
    expect(officer.locator("#messages")).to_contain_text("已退回企业")

    # The plant says more, and proves yesterday.
    phone.goto(address)
    expect(phone.locator(".timeline")).to_contain_text("没有说明何时恢复。")
    phone.get_by_label("原因").select_option("治理设施故障")
    phone.get_by_label("情况说明", exact=True).fill("备用泵切换时短时超标，一小时后恢复。")
    phone.get_by_role("button", name="提交说明").click()
    expect(phone.locator("#messages")).to_contain_text("说明已提交")
    phone.goto(own_site.at("/monitoring/mine/proof/"))
    assert fits(phone)
    check_accessible(phone)
    if phone.get_by_role("button", name="提交自证").count():
        phone.get_by_label("达标，数据真实完整").check()
        phone.get_by_label(re.compile("^情况说明")).fill("设施正常运行。")
        phone.get_by_role("button", name="提交自证").click()
    expect(phone.locator("main")).to_contain_text("内容摘要")
    assert fits(phone)
    check_accessible(phone)

    # The evidence is locked, verified, and somebody is sent.
    officer.goto(own_site.at(f"/monitoring/events/{number}/"))
    expect(officer.locator("main")).to_contain_text("一小时后恢复")
    officer.get_by_role("button", name="锁定证据").click()
    sealed = officer.locator("#step-evidence ~ ul a")
    expect(sealed).to_be_visible(timeout=60_000)  # the worker is another process on a busy machine
    sealed.click()
    officer.get_by_role("button", name="现在核对").click()
    expect(officer.get_by_text("都对得上")).to_be_visible()
    check_accessible(officer)
    officer.goto(own_site.at(f"/monitoring/events/{number}/"))
    officer.locator("summary", has_text="转现场查处").click()
    officer.get_by_label("为什么去、查什么").fill("核对喷氨泵和旁路。")
    officer.get_by_role("button", name="派人去现场").click()
    expect(officer.locator("#messages")).to_contain_text("已转现场查处：XX-")
    check_accessible(officer)
    picture(officer, "monitoring-event", tallest=1500)
    phone.goto(address)
    expect(phone.locator(".tag", has_text="现场查处")).to_be_visible()
    for kept in ("XX-", "核对喷氨泵和旁路"):  # who comes, and what for, is not told before
        expect(phone.locator("main")).not_to_contain_text(kept)

    # Patrols and suspicions: what an officer sees beside it.
    for path in (
        "/monitoring/suspicions/",
        "/monitoring/patrols/",
        "/monitoring/patrols/draw/",
        "/monitoring/proofs/",
    ):
        officer.goto(own_site.at(path))
        check_accessible(officer)
        assert fits(officer)
