"""The whole thread of casework, enterprise and officials side by side: a demand to its rating, a visit to the hazard
that is struck off, the desk's ways with many, the figures that come of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Locator, Page, expect

from web.browser.looking import Site, check_accessible, log_in, picture

Enter = Callable[[Site, str], Page]


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    file = tmp_path / "东门现场.jpg"
    ImageOps.colorize(Image.linear_gradient("L"), "#2d4356", "#c8d3d9").resize((800, 600)).save(file, "JPEG")
    return file


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def check(page: Page) -> None:
    """What every page of this room owes to everybody."""
    check_accessible(page)
    assert fits(page), f"{page.url} scrolls sideways"


def act(page: Page, name: str) -> None:
    """Choose an act of the case by its button; its form is there when the heading says so."""
    page.get_by_role("navigation", name="可以办的").get_by_role("link", name=name, exact=True).click()
    expect(page.locator("#act-title")).to_have_text(name)


def press(page: Page, name: str) -> None:
    page.locator(".act-form").get_by_role("button", name=name, exact=True).click()


def send(page: Page, name: str) -> None:
    press(page, name)
    expect(page.locator("#messages")).to_contain_text(f"“{name}”已办")


def do(page: Page, name: str, note: str = "") -> None:
    act(page, name)
    if note:
        page.get_by_label("说明").fill(note)
    send(page, name)


def give(select: Locator, name: str) -> None:
    """Choose by a part of what the choice says."""
    value = select.locator("option", has_text=name).first.get_attribute("value")
    select.select_option(value)


def card(page: Page, heading: str) -> Locator:
    return page.locator(".card", has=page.get_by_role("heading", name=heading, exact=True))


def state(page: Page) -> Locator:
    return page.locator(".head .tag").first


def rings(page: Page, site: Site, subject: str) -> None:
    """The bell says that something is unread, and the list says what."""
    page.reload()
    expect(page.locator(".bell")).to_contain_text("条未读")
    page.goto(site.at("/notices/"))
    expect(page.get_by_role("main")).to_contain_text(subject)


@pytest.mark.answers(409)
def test_a_demand_to_its_rating(shared_site: Site, phone: Page, enter: Enter, photograph: Path) -> None:
    site, title = shared_site, "东门外三亩边角地请求并入厂区"
    log_in(phone, site, "enterprise")
    phone.goto(site.at("/cases/mine/"))
    phone.get_by_role("link", name="提出诉求").click()
    phone.get_by_label("用地", exact=True).check()
    phone.get_by_label("诉求事项").fill(title)
    phone.get_by_label("具体情况").fill("东门外有三亩边角地，货车调头要占用道路。")
    phone.get_by_label("选文件或拍照").set_input_files(photograph)
    check(phone)
    phone.get_by_role("button", name="提出", exact=True).click()
    expect(phone.get_by_role("heading", level=1)).to_have_text(title)
    expect(state(phone)).to_have_text("待受理")
    check(phone)
    address = phone.url

    # The desk takes it in and gives it to a person.
    desk = enter(site, "desk")
    desk.goto(site.at("/cases/texts/"))
    desk.get_by_label("名称").fill("边角地答复")
    desk.get_by_label("用在哪类事项").select_option(label="企业诉求 · 用地")
    desk.get_by_label("答复文本").fill("经现场核实，边角地可按规划调整方案办理。")
    desk.get_by_role("button", name="存下").click()
    check(desk)
    desk.goto(site.at("/cases/?tab=desk"))
    check(desk)
    desk.get_by_role("link", name=title).click()
    expect(desk.get_by_role("link", name="东门现场.jpg").first).to_be_visible()
    send(desk, "受理")
    give(desk.get_by_label("交给"), "曹文嘉")
    send(desk, "交办")

    handler = enter(site, "handler")
    rings(handler, site, title)
    check(handler)
    handler.goto(site.at("/cases/"))
    handler.get_by_role("link", name=title).click()
    phone.reload()
    expect(state(phone)).to_have_text("办理中")
    expect(phone.locator(".timeline")).to_contain_text("市自然资源和规划局")

    # The desk is about to stop the clock when the handler writes: it is told, and its words are still there.
    act(desk, "暂停计时")
    desk.get_by_label("事由").select_option("听证、专家评审或技术评估")
    desk.get_by_label("说明").fill("边角地要先做规划论证。")
    do(handler, "通报进展", "已到现场测量。")
    press(desk, "暂停计时")
    expect(desk.get_by_role("alert")).to_contain_text("曹文嘉")
    expect(desk.get_by_role("alert")).to_contain_text("通报进展")
    expect(desk.get_by_label("事由")).to_have_value("听证、专家评审或技术评估")
    expect(desk.get_by_label("说明")).to_have_value("边角地要先做规划论证。")
    check(desk)
    send(desk, "暂停计时")
    for page in (desk, handler, phone):
        page.reload()
        expect(state(page)).to_have_text("暂停计时")
        limit = card(page, "时限").locator(".clock", has_text="承诺时限")
        expect(limit).to_contain_text("暂停计时")
        expect(limit).to_contain_text("听证、专家评审或技术评估")
    check(phone)

    do(handler, "恢复计时")
    act(handler, "记一笔")
    handler.get_by_label("写什么").fill("这块地上一轮曾有争议，先不对外说。")
    handler.get_by_label("内部记录").check()
    send(handler, "记一笔")
    act(handler, "会同办理")
    handler.get_by_label("协办事项").fill("边角地的土壤环境意见")
    give(handler.get_by_label("由谁办"), "何云川")
    send(handler, "会同办理")
    expect(handler.locator(".missing")).to_contain_text("“答复”还差")
    expect(card(handler, "来龙去脉")).to_contain_text("协办中")
    phone.reload()
    expect(phone.locator(".timeline")).to_contain_text("已到现场测量。")
    expect(phone.get_by_role("main")).not_to_contain_text("先不对外说")

    helper = enter(site, "liaison7")
    rings(helper, site, "边角地的土壤环境意见")
    helper.goto(site.at("/cases/"))
    helper.get_by_role("link", name="边角地的土壤环境意见").click()
    do(helper, "反馈协办意见", "土壤无污染，可以并入。")

    handler.reload()
    act(handler, "答复")
    handler.get_by_text("用常用语").click()
    handler.get_by_role("button", name="边角地答复").click()
    expect(handler.get_by_label("说明")).to_have_value("经现场核实，边角地可按规划调整方案办理。")
    handler.get_by_label("办理结果").select_option("部分解决")
    send(handler, "答复")

    # Not good enough; answered again; confirmed and rated.
    rings(phone, site, title)
    check(phone)
    phone.goto(site.at("/cases/mine/"))
    check(phone)
    waiting = card(phone, "等您办").get_by_role("listitem").filter(has_text=title)
    waiting.get_by_role("link", name="不满意，退回重办").click()
    phone.get_by_label("说明").fill("没有写什么时候办。")
    send(phone, "不满意，退回重办")
    handler.reload()
    expect(handler.locator(".timeline")).to_contain_text("没有写什么时候办。")
    expect(card(handler, "时限")).to_contain_text("重办时限")
    act(handler, "答复")
    handler.get_by_label("说明").fill("规划调整方案本月报批，下月底前办完。")
    handler.get_by_label("办理结果").select_option("已解决")
    send(handler, "答复")
    phone.goto(address)
    send(phone, "确认办结")
    act(phone, "评价")
    phone.get_by_role("radio").first.check()
    send(phone, "评价")
    handler.reload()
    expect(state(handler)).to_have_text("已办结")
    expect(handler.locator(".timeline")).to_contain_text("5 分，非常满意")
    rings(handler, site, title)


@pytest.mark.answers(422)
def test_a_visit_to_the_hazard_struck_off(
    shared_site: Site, phone: Page, enter: Enter, photograph: Path
) -> None:
    site = shared_site
    owner = enter(site, "enterprise")
    owner.get_by_role("link", name="我的企业").click()
    name = owner.get_by_role("heading", level=1).inner_text().split()[-1]  # after the grade

    log_in(phone, site, "liaison")
    phone.goto(site.at("/liaison/visit/"))
    expect(phone.locator("#visit-form[data-begun]")).to_be_visible()
    phone.get_by_label("企业", exact=True).select_option(label=name)
    phone.get_by_label("看到、谈到什么").fill("看了喷漆房和危废库。")
    hazard = phone.locator("[data-block=hazard]").first
    hazard.get_by_label("隐患", exact=True).fill("喷漆房活性炭超期未换")
    hazard.get_by_label("类别", exact=True).select_option(label="废气")
    hazard.get_by_label("建议", exact=True).fill("改用可再生的吸附装置")
    hazard.get_by_label("整改期限").select_option(value="limited")
    hazard.get_by_label("隐患照片").set_input_files(photograph)
    expect(phone.locator(".photos img")).to_have_count(1)
    demand = phone.locator("[data-block=demand]").first
    demand.get_by_label("诉求", exact=True).fill("排污许可延续请指导")
    demand.get_by_label("类别").select_option(label="生态环境")
    check(phone)
    picture(phone, "visit-phone", width=390, tallest=1300)
    phone.get_by_role("button", name="提交", exact=True).click()
    expect(phone.get_by_role("heading", level=1)).to_have_text(name)
    check(phone)
    card(phone, "未销号的隐患").get_by_role("link", name="喷漆房活性炭超期未换").click()
    address = phone.url
    expect(state(phone)).to_have_text("整改中")
    check(phone)

    # It cannot be struck off yet, and the page says why.
    missing = phone.locator(".missing")
    expect(missing).to_contain_text("“销号”还差")
    act(phone, "销号")
    expect(phone.locator(".act-form").get_by_role("button", name="销号")).to_be_disabled()
    expect(phone.locator(".act-form")).to_contain_text("整改后照片")

    # The enterprise takes the advice, and reports what it did, with the evidence that is asked for.
    owner.goto(site.at("/cases/mine/"))
    check(owner)
    card(owner, "等您办").get_by_role("link", name="改用可再生的吸附装置").click()
    do(owner, "采纳")
    do(owner, "报送落实情况", "已与厂家签约，本周安装。")
    proposal = owner.url
    owner.goto(site.at("/cases/mine/"))
    waiting = card(owner, "等您办").get_by_role("listitem").filter(has_text="喷漆房活性炭超期未换")
    waiting.get_by_role("link", name="报送整改情况").click()
    owner.get_by_label("整改措施").fill("已全部更换活性炭，建立更换台账。")
    press(owner, "报送整改情况")
    expect(owner.get_by_role("alert")).to_contain_text("整改后照片")
    expect(owner.get_by_label("整改措施")).to_have_value("已全部更换活性炭，建立更换台账。")
    check(owner)
    owner.get_by_label("整改后照片").set_input_files(photograph)
    send(owner, "报送整改情况")
    rectification = owner.url

    phone.goto(proposal)
    expect(phone.locator(".timeline")).to_contain_text("已与厂家签约，本周安装。")
    send(phone, "核实")
    phone.goto(rectification)
    expect(phone.get_by_role("link", name="东门现场.jpg").first).to_be_visible()
    send(phone, "复核通过")
    phone.goto(address)
    expect(missing).to_contain_text("还没有回访")
    act(phone, "安排回访")
    phone.get_by_label("回访事项").fill("看更换后的活性炭")
    send(phone, "安排回访")
    card(phone, "来龙去脉").get_by_role("link", name="看更换后的活性炭").click()
    act(phone, "记录回访")
    phone.get_by_label("回访方式").select_option("上门")
    phone.get_by_label("回访日期").fill(phone.evaluate("new Date().toLocaleDateString('sv')"))
    phone.get_by_label("回访情况").fill("活性炭已更换，台账齐全。")
    send(phone, "记录回访")
    phone.goto(address)
    # What the enterprise brought as evidence of its rectification is the hazard's too.
    expect(missing).to_have_count(0)
    do(phone, "销号")
    expect(state(phone)).to_have_text("已销号")
    check(phone)

    # One thread, from whichever of its cases one looks; the enterprise sees what is its own of it.
    thread = card(phone, "来龙去脉")
    for number in range(5):
        phone.goto(address)
        thread.get_by_role("link").nth(number).click()
        expect(thread.get_by_role("listitem")).to_have_count(6)
        expect(thread.get_by_role("listitem").filter(has_text="已销号")).to_have_count(1)
    owner.goto(address)
    expect(state(owner)).to_have_text("已销号")
    check(owner)
    own = card(owner, "来龙去脉").get_by_role("listitem")
    expect(own).to_have_count(4)
    own.get_by_role("link", name="改用可再生的吸附装置").click()
    expect(state(owner)).to_have_text("已落实")


def test_many_at_once_two_into_one_and_an_order(shared_site: Site, enter: Enter) -> None:
    site = shared_site
    owner = enter(site, "enterprise2")
    for title in ("厂区北侧供电线路经常跳闸", "厂区北侧供电线路时常跳闸"):
        owner.goto(site.at("/cases/mine/ask/"))
        owner.get_by_label("用能", exact=True).check()
        owner.get_by_label("诉求事项").fill(title)
        owner.get_by_label("具体情况").fill("每周跳闸两三次，影响连续生产。")
        owner.get_by_role("button", name="提出", exact=True).click()
        expect(owner.get_by_role("heading", level=1)).to_have_text(title)

    # Two that can be accepted and one that cannot: what would happen is shown first.
    desk = enter(site, "desk")
    desk.goto(site.at("/cases/?tab=all&type=demand&phase=open"))
    rows = desk.locator("table.cases tbody tr")
    for text in ("经常跳闸", "时常跳闸", "办理中"):
        rows.filter(has_text=text).first.get_by_role("checkbox").check()
    desk.get_by_label("一起办什么").select_option(label="受理（企业诉求）")
    desk.get_by_role("button", name="对选中的一起办…").click()
    expect(desk.locator(".figure")).to_contain_text("2 件能办")
    expect(card(desk, "不能办的").get_by_role("listitem")).to_have_count(1)
    check(desk)
    desk.get_by_role("button", name="办这 2 件").click()
    expect(desk.locator("#messages")).to_contain_text("已办 2 件")

    desk.get_by_role("link", name="厂区北侧供电线路时常跳闸").click()
    card(desk, "可能是同一件事").get_by_role("link", name="厂区北侧供电线路经常跳闸").click()
    expect(desk.get_by_role("heading", name="并入的一件")).to_be_visible()
    check(desk)
    desk.get_by_role("button", name="并入", exact=True).click()
    expect(desk.locator("#messages")).to_contain_text("已并入这一件")
    expect(desk.get_by_role("heading", level=1)).to_have_text("厂区北侧供电线路经常跳闸")
    owner.reload()
    expect(state(owner)).to_have_text("已合并")
    expect(owner.locator(".head")).to_contain_text("已并入 SQ")

    leader = enter(site, "leader")
    leader.goto(site.at("/cases/?tab=overdue"))
    check(leader)
    late = leader.locator("table.cases tbody th a").first
    title = late.inner_text()
    late.click()
    address = leader.url
    leader.get_by_role("link", name="督办", exact=True).click()
    leader.get_by_label("类别").select_option(label="加急")
    check(leader)
    leader.get_by_role("button", name="下达督办").click()
    expect(leader.get_by_role("heading", level=1)).to_have_text(f"督办：{title}")
    expect(leader.locator("#messages")).to_contain_text("已下达督办")
    leader.goto(address)
    expect(card(leader, "来龙去脉")).to_contain_text("督办")


def test_the_ranking_and_the_weekly_paper(shared_site: Site, enter: Enter, tmp_path: Path) -> None:
    site = shared_site
    leader = enter(site, "leader")
    leader.goto(site.at("/cases/measures/?span=year"))
    check(leader)
    picture(leader, "measures")
    leader.get_by_role("link", name="县区排名").click()
    leader.get_by_label("期间").select_option(value="year")
    expect(leader).to_have_url(re.compile("span=year"))
    expect(leader.locator("main table").first.locator("tbody tr")).to_have_count(6)
    check(leader)
    picture(leader, "ranking")
    leader.get_by_role("link", name="例会和点评").click()
    check(leader)
    leader.get_by_role("link", name="看这一期").first.click()
    leader.get_by_label("需要会议研究的问题").fill("边角地并入厂区的审批口径")
    check(leader)
    leader.get_by_role("button", name="印发").click()
    expect(leader.locator(".lead")).to_contain_text("第 1 版")
    check(leader)
    with leader.expect_download() as download:
        leader.get_by_role("link", name="下载 Word").click()
    file = tmp_path / "例会.docx"
    download.value.save_as(file)
    written = [paragraph.text for paragraph in docx.Document(str(file)).paragraphs]
    assert any("边角地并入厂区的审批口径" in text for text in written)


def test_the_figures_of_the_article(site: Site, page: Page) -> None:
    log_in(page, site, "chief")
    page.goto(site.at("/liaison/all/"))
    expect(page.locator(".figures-row")).to_contain_text("/ 100 户")
    page.goto(site.at("/liaison/overdue/"))
    (many,) = re.findall(r"(\d+)\s*户逾期", page.locator(".figure").first.inner_text())
    assert int(many) > 0
    for type_id, count in (("hazard", 224), ("proposal", 212)):
        page.goto(site.at(f"/cases/?tab=all&type={type_id}"))
        expect(page.locator(".head .lead")).to_contain_text(f"共 {count} 件")
    page.goto(site.at("/cases/?tab=overdue"))
    picture(page, "cases-inbox")
    page.locator("table.cases tbody th a").first.click()
    expect(page.get_by_role("heading", name="时限", exact=True)).to_be_visible()
    check(page)
    picture(page, "case")


def test_the_pages_in_english(site: Site, page: Page) -> None:
    log_in(page, site, "chief")
    page.goto(site.at("/cases/?tab=overdue"))
    page.get_by_role("button", name="English").click()
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Next")).to_be_visible()
    check(page)
