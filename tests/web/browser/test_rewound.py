"""The site that tests borrow one after another: whatever one of them did, the next finds the demo."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from playwright.sync_api import Page, expect

from web.browser.conftest import Lend
from web.browser.looking import Site, log_in


def test_what_one_changed_the_next_does_not_find(lend: Lend, page: Page) -> None:
    with lend() as site:
        home, before = site.home, names(site)
        kept = next(file for file in (home / "files").rglob("*") if file.is_file())
        text = kept.read_bytes()
        with closing(sqlite3.connect(home / "muheng.sqlite3", timeout=30)) as database, database:
            database.execute("UPDATE people_organisation SET name = name || '（旧）'")
        (home / "files" / "left.txt").write_text("left")
        kept.write_bytes(b"other")
        log_in(page, site, "chief")
        page.goto(site.at("/people/"))
        expect(page.locator("main")).to_contain_text("（旧）")
    with lend() as site:
        assert site.home == home
        assert names(site) == before
        assert not (home / "files" / "left.txt").exists()
        assert kept.read_bytes() == text
        page.goto(site.at("/people/"))
        expect(page.get_by_label("用户名")).to_be_visible()  # nobody is logged in
        log_in(page, site, "chief")
        page.goto(site.at("/people/"))
        expect(page.locator("main")).not_to_contain_text("（旧）")


def names(site: Site) -> list[tuple[str]]:
    with closing(sqlite3.connect(site.home / "muheng.sqlite3", timeout=30)) as database:
        return database.execute("SELECT name FROM people_organisation ORDER BY id").fetchall()
