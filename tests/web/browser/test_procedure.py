"""An evaluation from a departments' workbook to a sealed bundle that a stranger proves, by everyone whose turn it is."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from web.browser.looking import Site, check_accessible
from web.browser.test_intake import drop, known, write

Enter = Callable[[Site, str], Page]
SLOW = 60_000  # milliseconds: the worker is another process on a busy machine
TITLE = "2025年度复评"


def let_days_pass(site: Site, title: str, term: str) -> None:
    """The last day of a term was yesterday. Nothing on the site can do this: only time."""
    with closing(sqlite3.connect(site.home / "muheng.sqlite3", timeout=30)) as database, database:
        changed = database.execute(
            f"UPDATE evaluation_evaluation SET {term} = ? WHERE title = ?",
            ((date.today() - timedelta(days=1)).isoformat(), title),
        )
        assert changed.rowcount == 1


def open_step(page: Page, step: str) -> None:
    page.get_by_role("navigation", name="这次评价的各页").get_by_role("link", name=step, exact=True).click()


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def test_from_the_workbook_to_the_signature(own_site: Site, enter: Enter, tmp_path: Path) -> None:
    clerk = enter(own_site, "clerk")
    owner = enter(own_site, "enterprise")
    owner.get_by_role("link", name="我的企业").click()
    name = owner.get_by_role("heading", level=1).inner_text().split()[-1]  # after the grade

    # The department's figures: one column that the site doesn't know is told, one cell is wrong, both are mended.
    (first,) = known(clerk, own_site, 1)
    rows = [["信用代码", "企业名称", "入库税收"], [*first, "八百"]]
    drop(clerk, own_site, write(tmp_path / "税务局补报.xlsx", rows))
    clerk.get_by_role("link", name="看错误").click()
    expect(clerk.locator("tbody tr")).to_contain_text("C2")
    rows[1][2] = "812.5"
    drop(clerk, own_site, write(tmp_path / "税务局补报（改）.xlsx", rows))
    press(clerk, "接受")
    expect(clerk.get_by_text("已接受，2025 年的数据已更新。")).to_be_visible(timeout=SLOW)

    clerk.get_by_role("link", name="评价", exact=True).click()
    clerk.get_by_role("link", name="新建评价").first.click()
    clerk.get_by_label("年度").select_option("2025")
    clerk.get_by_label("名称").fill(TITLE)
    clerk.get_by_label("评价办法").select_option(label="马鞍山市工业企业亩均效益评价（示例） 第 1 版")
    press(clerk, "新建评价")
    address = clerk.url
    open_step(clerk, "名单")
    expect(clerk.locator("tbody tr").first).to_be_visible(timeout=SLOW)

    open_step(clerk, "企业确认")
    clerk.get_by_label("确认期限（工作日）").fill("10")
    press(clerk, "发确认单")
    expect(clerk.get_by_role("button", name="结束确认")).to_be_visible()

    owner.goto(own_site.at("/evaluations/sheets/"))
    owner.get_by_role("link", name=TITLE).click()
    check_accessible(owner)
    owner.get_by_label("哪一项").select_option("入库税收")
    owner.get_by_label("应为").fill("999")
    owner.get_by_label("理由").fill("漏计十二月入库的一笔。")
    owner.get_by_label("佐证文件").set_input_files(
        {"name": "完税证明.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 1"}
    )
    press(owner, "提交异议")
    owner.get_by_role("link", name="待答复").click()
    expect(owner.locator("main")).to_contain_text("漏计十二月入库的一笔。")
    expect(owner.get_by_role("link", name="完税证明.pdf")).to_be_visible()

    let_days_pass(own_site, TITLE, "confirm_until")
    clerk.reload()
    press(clerk, "结束确认")
    clerk.goto(f"{address}objections/")
    clerk.get_by_role("link", name=name).click()
    clerk.get_by_label("采纳", exact=True).check()
    clerk.get_by_label("答复的理由").fill("完税证明属实。")
    press(clerk, "答复")
    expect(clerk.locator("main")).to_contain_text("数据已按更正单")

    clerk.goto(address)
    open_step(clerk, "试算")
    clerk.get_by_label("名称").fill("按现行办法")
    press(clerk, "试算")
    expect(clerk.get_by_role("button", name="送内部审核")).to_be_visible(timeout=SLOW)
    press(clerk, "送内部审核")

    chief = enter(own_site, "chief")
    chief.goto(address)
    open_step(chief, "内部审核")
    chief.get_by_label("意见").fill("同意送审稿。")
    press(chief, "同意")

    clerk.goto(address)
    open_step(clerk, "公示")
    clerk.get_by_label("公示几个工作日").fill("5")
    press(clerk, "公示")
    expect(clerk.get_by_role("button", name="结束公示")).to_be_visible()

    owner.goto(own_site.at("/evaluations/mine/"))
    owner.get_by_role("link", name="提出异议").click()
    check_accessible(owner)
    owner.get_by_label("理由").fill("等级低于预期。")
    press(owner, "提交异议")
    chief.goto(f"{address}objections/?state=open")
    chief.get_by_role("link", name=name).click()
    chief.get_by_label("不采纳").check()
    chief.get_by_label("答复的理由").fill("按办法计算无误。")
    press(chief, "答复")

    let_days_pass(own_site, TITLE, "publicity_until")
    clerk.goto(f"{address}publicity/")
    press(clerk, "结束公示")
    open_step(clerk, "终算签发")
    press(clerk, "终算")
    expect(clerk.get_by_role("heading", name="等待签发的终算")).to_be_visible(timeout=SLOW)

    leader = enter(own_site, "leader")
    leader.goto(f"{address}final/")
    check_accessible(leader)
    leader.on("dialog", lambda dialog: dialog.accept())
    press(leader, "签发")
    expect(leader.get_by_role("heading", name="签发的结果")).to_be_visible()
    with leader.expect_download() as download:
        leader.get_by_role("link", name="下载封存包").click()
    bundle = tmp_path / "bundle.zip"
    download.value.save_as(bundle)
    assert verify(bundle).returncode == 0

    # One number of the method changed, and the proof fails there.
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(bundle) as real, zipfile.ZipFile(forged, "w") as false:
        for each in real.namelist():
            content = real.read(each)
            false.writestr(each, content.replace(b"20%", b"25%") if each == "policy.toml" else content)
    failed = verify(forged)
    assert failed.returncode == 1
    assert "policy.toml" in failed.stdout + failed.stderr


def verify(bundle: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "muheng.cli.main", "verify", str(bundle)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
