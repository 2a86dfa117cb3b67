"""A list is handed in with a mistake, mended, put in force; a plan for it is made, asked why, adopted by another person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from emergency.options.t1_list import t1_list
from muheng.emergency.inventory.model import Inventory
from muheng.emergency.inventory.writing import write_inventory
from web.browser.looking import Site, check_accessible, log_in

KEEPER, ADOPTER = "air", "chief"
COUNTIES = {"甲县": "当涂县", "乙县": "和县"}
CODES = {
    "F1": "91340500MA00000018",
    "F2": "91340500MA0000002B",
    "F3": "91340500MA0000003E",
    "F4": "91340500MA0000004H",
    "F5": "91340500MA0000005L",
    "F6": "91340500MA0000006P",
    "F7": "91340500MA0000007T",
    "F8": "91340500MA0000008X",
}


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def small_list() -> Inventory:
    """The worked instance in two counties of the demo."""
    plain = t1_list()
    return replace(
        plain,
        firms=tuple(
            replace(firm, code=CODES[firm.code], county=COUNTIES[firm.county]) for firm in plain.firms
        ),
        lines=tuple(replace(line, id=f"{CODES[line.firm]}-1", firm=CODES[line.firm]) for line in plain.lines),
        offers=tuple(replace(each, line=f"{CODES[each.line[:2]]}-1") for each in plain.offers),
    )


@pytest.fixture
def workbooks(tmp_path: Path) -> tuple[Path, Path]:
    """With a loss that is no number, and as it should be."""
    good, bad = tmp_path / "清单.xlsx", tmp_path / "清单（草）.xlsx"
    write_inventory(small_list(), good)
    book = load_workbook(BytesIO(good.read_bytes()))
    page = book["生产线"]
    column = next(
        cell.column
        for row in page.iter_rows(max_row=5)
        for cell in row
        if str(cell.value).startswith("日停产损失")
    )
    page.cell(page.max_row, column).value = "很多"
    book.save(bad)
    return bad, good


@pytest.mark.answers(422)
def test_from_a_workbook_to_an_adopted_plan(
    enter: Callable[[Site, str], Page], own_site: Site, workbooks: tuple[Path, Path]
) -> None:
    bad, good = workbooks
    page = enter(own_site, KEEPER)
    page.goto(own_site.at("/emergency/lists/"))
    check_accessible(page)
    page.get_by_role("link", name="上传清单").click()
    check_accessible(page)
    page.get_by_label("清单工作簿").set_input_files(bad)
    page.get_by_label("适用季节").fill("2026-2027")
    page.get_by_role("button", name="上传并读取").click()
    expect(page.get_by_text("处错误；改完之前整份清单不收。")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("region", name="问题")).to_contain_text("很多")
    check_accessible(page)
    with page.expect_download() as sent:
        page.get_by_role("link", name="下载标注好的工作簿").click()
    marked = load_workbook(BytesIO(Path(sent.value.path()).read_bytes()))
    assert any(cell.comment for row in marked["生产线"].iter_rows() for cell in row)

    page.get_by_role("link", name="改好后重新上传").click()
    page.get_by_label("清单工作簿").set_input_files(good)
    page.get_by_label("标题").fill("两县清单")
    page.get_by_role("button", name="上传并读取").click()
    expect(page.get_by_role("link", name="算方案")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="两县清单")).to_be_visible()
    check_accessible(page)
    address = page.url
    for tab in ("企业", "检查", "变化", "方案"):
        page.get_by_role("navigation", name="清单的各页").get_by_role("link", name=tab, exact=True).click()
        check_accessible(page)

    page.goto(address)
    page.get_by_role("link", name="算方案").click()
    check_accessible(page)
    page.get_by_label("黄色 so2").fill("三成")
    page.get_by_label("方案名称").fill("两县方案")
    page.get_by_role("button", name="开始计算").click()
    expect(page.get_by_role("alert")).to_contain_text("三成")
    expect(page.get_by_label("方案名称")).to_have_value("两县方案")
    page.get_by_label("黄色 so2").fill("10")
    page.get_by_label("有几条线的企业整条停线").uncheck()
    page.get_by_role("button", name="开始计算").click()
    expect(page.get_by_text("减了多少，要减多少", exact=True)).to_be_visible(timeout=90_000)
    check_accessible(page)
    plan = page.url
    expect(page.get_by_text("要由另一位有采用权限的同事")).to_have_count(0)

    for tab in ("谁承担", "设置", "对比", "生产线"):
        page.get_by_role("navigation", name="方案的各页").get_by_role("link", name=tab, exact=True).click()
        check_accessible(page)
    page.get_by_role("link", name="为什么：2号线").click()
    expect(page.get_by_role("heading", name="为什么是示例企业2的2号线")).to_be_visible()
    page.get_by_text("逐项比较").first.click()
    check_accessible(page)

    other = enter(own_site, ADOPTER)
    other.goto(plan)
    other.get_by_label("说明").fill("会商同意")
    other.get_by_role("button", name="采用", exact=True).click()
    expect(other.get_by_text("已采用。预警启动时按这个方案下达。")).to_be_visible()
    other.goto(address)
    other.get_by_role("button", name="启用这份清单").click()
    expect(other.get_by_text("清单已启用。")).to_be_visible()


def test_lists_and_plans_on_a_phone_and_in_english(phone: Page, site: Site) -> None:
    log_in(phone, site, KEEPER)
    phone.goto(site.at("/emergency/plans/"))
    plan = phone.get_by_role("region", name="减排方案").get_by_role("link").first.get_attribute("href")
    assert plan is not None
    for address in (
        "/emergency/lists/",
        "/emergency/plans/",
        plan,
        f"{plan}lines/",
        f"{plan}borne/",
        f"{plan}map/",
    ):
        phone.goto(site.at(address))
        assert fits(phone), address
        check_accessible(phone)
    phone.get_by_role("button", name="English").click()
    phone.goto(site.at(plan))
    expect(phone.get_by_text("What is cut, what has to be", exact=True)).to_be_visible()
    assert fits(phone)


def test_an_enterprise_sees_its_measures_and_what_the_next_grade_would_save(page: Page, site: Site) -> None:
    log_in(page, site, "plant")
    page.goto(site.at("/emergency/mine/grade/"))
    expect(page.get_by_role("heading", name="绩效分级与差距").first).to_be_visible()
    check_accessible(page)
    page.get_by_role("link", name="为什么是我").first.click()
    expect(page.get_by_role("heading", name="为什么是我")).to_be_visible()
    check_accessible(page)
