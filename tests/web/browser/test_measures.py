"""Figures, the ranking and the papers in a real browser: keyboard, phone, accessible, the Word file as it comes."""

from __future__ import annotations

import io

import docx
from playwright.sync_api import Page, expect

from web.browser.looking import Site, check_accessible, log_in

PAGES = (
    "/cases/measures/?span=year",
    "/cases/measures/?span=year&by=organisation",
    "/cases/measures/ranking/",
    "/cases/measures/cases/?figure=open",
    "/cases/measures/papers/",
    "/cases/measures/papers/meeting/draft/",
    "/cases/measures/papers/review/draft/",
)


def test_pages_of_figures_are_accessible_and_fit_a_phone(page: Page, phone: Page, site: Site) -> None:
    log_in(page, site, "chief")
    log_in(phone, site, "chief")
    for path in PAGES:
        for window in (page, phone):
            window.goto(site.at(path))
            expect(window.get_by_role("heading", level=1)).to_be_visible()
            check_accessible(window)
            assert window.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_a_review_is_issued_and_downloaded(page: Page, own_site: Site) -> None:
    log_in(page, own_site, "chief")
    page.goto(own_site.at("/cases/measures/"))
    page.get_by_role("link", name="例会和点评").click()
    page.get_by_role("link", name="看这一期").last.click()
    page.get_by_label("下一步要求").fill("超期的县区书面说明原因。\n下月初前办结。")
    page.get_by_role("button", name="印发", exact=True).click()
    expect(page.get_by_text("第 1 版")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载 Word").click()
    with open(waiting.value.path(), "rb") as file:
        text = "\n".join(each.text for each in docx.Document(io.BytesIO(file.read())).paragraphs)
    assert "2．下月初前办结。" in text
    check_accessible(page)
