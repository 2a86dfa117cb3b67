"""From the forecast to the episode's report: who proposes, who signs, the plant on a phone, the inspector, side by side."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from docx import Document
from playwright.sync_api import Page, expect

from web.browser.looking import Site, check_accessible, log_in, picture

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82"
)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def fetch(page: Page, name: str) -> bytes:
    with page.expect_download() as found:
        page.get_by_role("link", name=name).first.click()
    return Path(found.value.path()).read_bytes()


@pytest.mark.answers(409, 422)
def test_an_episode_side_by_side(
    own_site: Site, phone: Page, enter: Callable[[Site, str], Page], tmp_path: Path
) -> None:
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    photo = tmp_path / "现场.png"
    photo.write_bytes(PNG)

    # The officer of the air types a forecast: what cannot be read is said, then what the rules make of it.
    air = enter(own_site, "air")
    air.goto(own_site.at("/emergency/"))
    expect(air.get_by_role("heading", name="空气会怎样")).to_be_visible()
    check_accessible(air)
    air.get_by_role("link", name="秋冬季减排方案").click()
    check_accessible(air)
    picture(air, "emergency-plan", tallest=1180)
    air.goto(own_site.at("/emergency/"))
    air.get_by_role("link", name="录入预报").first.click()
    for at, aqi in enumerate(("二百", "221", "90", "70", "60")):
        air.locator(f"[name=aqi-{at}]").fill(aqi)
        air.locator(f"[name=primary-{at}]").fill("PM2.5")
    air.get_by_role("button", name="先看判断").click()
    expect(air.locator("#judged")).to_contain_text("“二百” 不能作为 AQI")
    air.locator("[name=aqi-0]").fill("212")
    air.get_by_role("button", name="先看判断").click()
    expect(air.locator("#judged")).to_contain_text("建议发布橙色预警")
    check_accessible(air)
    air.get_by_label("来源").fill("市监测站会商")
    air.get_by_role("button", name="保存预报").click()
    expect(air.get_by_label("级别")).to_have_value("orange")
    check_accessible(air)
    air.locator("#starts").fill(f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}")
    air.get_by_label("理由").fill("预报连续两天超过 200。")
    air.get_by_role("button", name="提出预警").click()
    expect(air.get_by_text("您提出的预警由另一位有签发权限的人签发。")).to_be_visible()
    address = air.url
    check_accessible(air)

    # Somebody else signs; the orders are written meanwhile.
    leader = enter(own_site, "leader")
    leader.goto(own_site.at("/"))
    leader.get_by_role("link", name="审定橙色预警：签发或不启动").click()
    leader.get_by_label("文号").first.fill("应急办〔测〕1号")
    leader.get_by_role("button", name="签发启动").click()
    expect(leader.locator("#live")).to_contain_text("执行率", timeout=30_000)
    check_accessible(leader)

    # The plant, on a phone: it acknowledges and shows by its meter that a line does as ordered.
    log_in(phone, own_site, "plant")
    phone.goto(own_site.at("/emergency/mine/"))
    assert fits(phone)
    check_accessible(phone)
    phone.get_by_role("button", name="确认收到").click()
    expect(phone.locator("#messages")).to_contain_text("已确认收到")
    order = phone.url
    phone.get_by_role("link", name="报送凭证").first.click()
    assert fits(phone)
    check_accessible(phone)
    phone.get_by_label("用电").check()
    phone.get_by_label("平日读数").fill("1,000")
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_role("alert")).to_contain_text("请填当日的读数")
    expect(phone.get_by_label("平日读数")).to_have_value("1,000")
    phone.get_by_label("当日读数").fill("0")
    phone.get_by_label("照片、台账").set_input_files(photo)
    phone.get_by_role("button", name="提交").click()
    expect(phone.locator("#messages")).to_contain_text("措施到位")
    assert fits(phone)
    check_accessible(phone)
    picture(phone, "emergency-phone", width=390)
    paper = Document(io.BytesIO(fetch(phone, "通知（Word）")))
    assert any("应急办〔测〕1号" in each.text for each in paper.paragraphs)

    # An inspector finds another plant running: it leads the list, and becomes a case.
    inspector = enter(own_site, "inspector")
    inspector.set_viewport_size({"width": 390, "height": 844})
    inspector.goto(own_site.at("/emergency/checks/?state=silent"))
    assert fits(inspector)
    check_accessible(inspector)
    card = inspector.locator(".visits a").first
    running = card.inner_text()
    card.click()
    other = inspector.url
    inspector.get_by_role("link", name="记检查").first.click()
    inspector.get_by_label("措施不到位").check()
    inspector.get_by_label("说明").fill("设备在运转")
    inspector.get_by_label("现场照片").set_input_files(photo)
    check_accessible(inspector)
    inspector.get_by_role("button", name="提交").click()
    expect(inspector.locator(".visits a").first).to_have_text(running)
    inspector.goto(other)
    inspector.get_by_label("具体情况").fill("已要求立即停下")
    inspector.get_by_role("button", name="立事项").click()
    expect(inspector.locator("#messages")).to_contain_text("已立事项")
    assert fits(inspector)
    check_accessible(inspector)

    # The officer sees it live, with the list as files.
    air.goto(address)
    expect(air.locator("#live")).to_contain_text(running)
    check_accessible(air)
    book = openpyxl.load_workbook(io.BytesIO(fetch(air, "下载 Excel")))
    stands = [row[12] for row in book["措施清单"].iter_rows(min_row=5, values_only=True)]
    assert {"措施到位", "措施不到位", "没有凭证"} == set(stands)
    air.get_by_role("link", name="企业清单").click()
    check_accessible(air)
    air.get_by_label("情况").select_option("broken")
    expect(air.locator("tbody tr")).to_have_count(1)

    # Lifted before the forecast allows it: said once, then remembered.
    leader.goto(address)
    leader.locator("summary", has_text="解除").click()
    leader.locator("#lift-number").fill("应急办〔测〕2号")
    leader.locator("#lift-reason").fill("省里通知解除")
    leader.get_by_role("button", name="解除预警").click()
    expect(leader.get_by_role("alert")).to_contain_text("按预报还不能解除")
    expect(leader.locator("#lift-reason")).to_have_value("省里通知解除")
    leader.get_by_label("与规则判断不一致，仍要这样做").check()
    leader.get_by_role("button", name="解除预警").click()
    expect(leader.locator("#messages")).to_contain_text("预警已解除")
    phone.goto(order)
    expect(phone.locator("main")).to_contain_text("预警已于")

    air.goto(address)
    air.get_by_role("link", name="写总结报告").first.click()
    check_accessible(air)
    air.locator("#aqi-1").fill("205")
    air.get_by_label("经验和问题").fill("夜查要提前。")
    air.get_by_role("button", name="存档", exact=True).click()
    expect(air.locator("#messages")).to_contain_text("总结报告已存档")
    expect(air.locator("main")).to_contain_text(running)
    check_accessible(air)
    report = Document(io.BytesIO(fetch(air, "下载 Word")))
    assert any("夜查要提前。" in each.text for each in report.paragraphs)
