"""The clerk's path in a real browser: a defective workbook dropped, mended, accepted, undone; by keyboard; on a phone."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect

from web.browser.looking import Site, check_accessible, log_in, picture

SLOW = 60_000  # milliseconds: the worker is another process on a busy machine


def known(page: Page, site: Site, count: int = 3) -> list[tuple[str, str]]:
    """Codes and names of some enterprises of the demo, as its API gives them."""
    found = page.request.get(site.at(f"/api/enterprises?limit={count}")).json()["items"]
    return [(each["code"], each["name"]) for each in found]


def write(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "税收"
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def drop(page: Page, site: Site, file: Path) -> None:
    """Hand in a file and wait until the worker has read it; the page turns by itself."""
    page.goto(site.at("/intake/"))
    page.get_by_role("link", name="上传表格").click()
    page.get_by_label("数据属于哪一年").fill("2025")
    page.get_by_label("表格文件").set_input_files(file)
    expect(page.locator("[data-chosen] li")).to_contain_text(file.name)
    page.get_by_role("button", name="上传并读取").click()
    expect(page.get_by_role("link", name="识别")).to_be_visible(timeout=SLOW)


def test_a_defective_workbook_is_mended_accepted_and_undone(
    page: Page, own_site: Site, tmp_path: Path
) -> None:
    log_in(page, own_site, "clerk")
    one, two, three = known(page, own_site)
    rows = [["编码", "单位", "缴了多少"], [*one, 123_400], [*two, "五百"], [*three, 7000]]
    drop(page, own_site, write(tmp_path / "某局.xlsx", rows))
    expect(page.get_by_text("没有认出这张表").or_(page.get_by_text("没有找到表头")).first).to_be_visible()
    check_accessible(page)
    # The mapping is mended: the kind is chosen, its columns are offered at once.
    page.get_by_role("link", name="识别").click()
    page.get_by_role("link", name="某局.xlsx · 税收").click()
    page.get_by_label("这是哪一种表").select_option("税务 · 税收")
    page.wait_for_url("**kind=*")
    for letters, column in (("A", "统一社会信用代码"), ("B", "企业名称"), ("C", "入库税收")):
        page.get_by_label(f"{letters} 列改成").select_option(column)
    page.get_by_label("C 列的单位改成").fill("元")
    page.get_by_label("表头在第几行").fill("1")
    check_accessible(page)
    page.get_by_role("button", name="保存并重新读取").click()
    expect(page.get_by_role("heading", name="接受这一批")).to_be_visible(timeout=SLOW)
    # One row has an error: it is seen at its cell, and its workbook can be had with the cell marked.
    page.get_by_role("link", name="看错误").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("C3")
    check_accessible(page)
    page.get_by_role("link", name="概况").click()
    page.get_by_role("button", name="生成标好问题的表").click()
    with page.expect_download(timeout=SLOW) as download:
        page.get_by_role("link", name="标好问题的表").click(timeout=SLOW)
    marked = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    assert marked.sheetnames == ["税收", "问题清单"]
    page.get_by_role("link", name="变化").click()
    expect(page.get_by_role("row", name="入库税收")).to_be_visible()
    check_accessible(page)
    page.get_by_role("link", name="概况").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="接受", exact=True).click()
    expect(page.get_by_text("已接受，2025 年的数据已更新。")).to_be_visible(timeout=SLOW)
    page.get_by_text("撤销这一批").click()
    page.get_by_label("撤销的原因").fill("单位不对")
    page.get_by_role("button", name="撤销", exact=True).click()
    expect(page.get_by_text("撤销：单位不对")).to_be_visible(timeout=SLOW)


def test_the_keyboard_is_enough(page: Page, own_site: Site, tmp_path: Path) -> None:
    log_in(page, own_site, "clerk")
    (one,) = known(page, own_site, 1)
    drop(
        page,
        own_site,
        write(tmp_path / "税务局补报.xlsx", [["信用代码", "企业名称", "入库税收"], [*one, 88]]),
    )
    button = page.get_by_role("button", name="接受", exact=True)
    for _step in range(40):
        page.keyboard.press("Tab")
        if button.evaluate("node => node === document.activeElement"):
            break
    else:
        pytest.fail("the button is not reached by Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("已接受，2025 年的数据已更新。")).to_be_visible(timeout=SLOW)


def test_files_are_dropped_with_the_mouse(page: Page, site: Site, tmp_path: Path) -> None:
    log_in(page, site, "clerk")
    page.goto(site.at("/intake/new/"))
    content = base64.b64encode(write(tmp_path / "x.xlsx", [["a"]]).read_bytes()).decode()
    data = page.evaluate_handle(
        """content => {
            const data = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            data.items.add(new File([bytes], "拖来的.xlsx"));
            return data;
        }""",
        content,
    )
    place = page.locator("[data-drop]")
    place.dispatch_event("dragenter", {"dataTransfer": data})
    expect(place).to_have_class("drop over")
    place.dispatch_event("drop", {"dataTransfer": data})
    expect(page.locator("[data-chosen] li")).to_contain_text("拖来的.xlsx")
    assert page.get_by_label("表格文件").evaluate("input => input.files.length") == 1


@pytest.mark.answers(422)
def test_what_is_no_table_is_told_in_its_place(page: Page, site: Site, tmp_path: Path) -> None:
    log_in(page, site, "clerk")
    page.goto(site.at("/intake/new/"))
    wrong = tmp_path / "扫描件.xlsx"
    wrong.write_bytes(b"%PDF-1.7")
    page.get_by_label("表格文件").set_input_files(wrong)
    page.get_by_role("button", name="上传并读取").click()
    expect(page.get_by_role("alert")).to_contain_text("“扫描件.xlsx”的内容其实是 PDF")
    check_accessible(page)


def test_without_a_script_and_on_a_phone(browser: Browser, phone: Page, site: Site) -> None:
    log_in(phone, site, "clerk")
    phone.goto(site.at("/intake/"))
    first = phone.locator("tbody a").first.get_attribute("href")
    assert first is not None
    for path in (
        "/intake/",
        "/intake/new/",
        first,
        f"{first}sheets/",
        f"{first}sheets/0/",
        f"{first}problems/",
    ):
        phone.goto(site.at(path))
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, path
        check_accessible(phone)
    context = browser.new_context(java_script_enabled=False, storage_state=phone.context.storage_state())
    plain = context.new_page()
    plain.goto(site.at(f"{first}sheets/0/?kind=tax/税收"))
    expect(plain.get_by_role("heading", level=1)).to_be_visible()
    context.close()


def test_the_demos_batches_are_seen(page: Page, site: Site) -> None:
    log_in(page, site, "clerk")
    page.goto(site.at("/intake/"))
    check_accessible(page)
    page.get_by_role("link").filter(has=page.locator("xpath=ancestor::tbody")).first.click()
    expect(page.get_by_role("heading", name="工作表")).to_be_visible()
    picture(page, "intake")
