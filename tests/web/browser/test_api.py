"""The API's description in the browser: under the site's content policy, asking nobody else."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from web.browser.looking import Site, log_in


def test_the_description_opens_and_tries_an_operation(page: Page, site: Site) -> None:
    log_in(page, site, "clerk")
    page.goto(site.at("/api/docs"))
    expect(page.get_by_role("heading", name="亩衡接口")).to_be_visible()
    tried = page.locator("#operations-我-people_show_me")
    tried.get_by_role("button").first.click()
    tried.get_by_role("button", name="Try it out").click()
    tried.get_by_role("button", name="Execute").click()
    expect(tried.locator(".live-responses-table")).to_contain_text('"username": "clerk"')
