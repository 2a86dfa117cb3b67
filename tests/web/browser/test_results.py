"""Results in a real browser: sliders by mouse, keyboard and number, the table, the map, what an enterprise reads."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from web.browser.looking import Site, check_accessible, log_in, picture

PAGES = ("", "table/", "cuts/", "moves/", "groups/", "map/", "policy/", "simulation/")
READY = 60_000


def newest_run(page: Page, site: Site) -> str:
    """The address of the run in publicity, as somebody logged in."""
    evaluations = page.request.get(site.at("/api/evaluations")).json()["items"]
    shown = next(each for each in evaluations if each["state"] == "publicity")
    return site.at(f"/evaluations/{shown['id']}/runs/{shown['chosen']}/")


def wait_for_answers(page: Page, more_than: int) -> int:
    expect(page.locator("#simulation")).not_to_have_attribute("data-answers", str(more_than), timeout=READY)
    expect(page.locator("#simulation")).to_have_attribute("data-answers", re.compile(r"\d+"), timeout=READY)
    return answers(page)


def answers(page: Page) -> int:
    """How many pictures have been drawn."""
    return int(page.locator("#simulation").get_attribute("data-answers") or 0)


def test_each_page_is_accessible(page: Page, site: Site) -> None:
    log_in(page, site, "clerk")
    run = newest_run(page, site)
    for rest in PAGES:
        page.goto(f"{run}{rest}")
        page.wait_for_load_state("networkidle")
        check_accessible(page)
        if rest in ("", "cuts/", "simulation/"):
            picture(page, f"results-{rest.strip('/') or 'overview'}")


def test_sliders_regrade_while_the_hand_moves(page: Page, site: Site) -> None:
    log_in(page, site, "clerk")
    run = newest_run(page, site)
    page.goto(f"{run}simulation/")
    first = wait_for_answers(page, 0)
    moved = page.locator("[data-figure=moved]")
    expect(moved).to_have_text("0")
    slider = page.locator("input[type=range]").first
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, middle)
    page.mouse.down()
    for step in range(30):
        page.mouse.move(box["x"] + box["width"] * (0.4 + step * 0.015), middle)
    page.mouse.up()
    wait_for_answers(page, first)
    expect(moved).not_to_have_text("0")
    # One question at a time, the newest next: never one for each step of the hand, and the last one is shown.
    page.wait_for_load_state("networkidle")
    assert answers(page) - first <= 31
    value = slider.input_value()
    expect(page.locator("input[type=number]").first).to_have_value(value)
    key = page.locator("input[data-key]").first.get_attribute("data-key")
    alone = page.request.post(
        site.at(f"/api{run.removeprefix(site.at('')[:-1])}simulation"),
        data={"changes": {key: value}},
        headers={"X-CSRFToken": page.locator("[name=csrfmiddlewaretoken]").first.input_value()},
    ).json()
    expect(moved).to_have_text(f"{alone['moved']:,}")
    # The weights no longer add up, which is said; the others are scaled.
    total = page.locator("[data-sum]").first
    expect(total).to_have_class("sum off")
    before = answers(page)
    page.locator("[data-scale]").first.click()
    wait_for_answers(page, before)
    expect(total.locator("output")).to_have_text("100")
    picture(page, "simulation")
    check_accessible(page)
    before = answers(page)
    page.get_by_role("button", name="全部还原").click()
    wait_for_answers(page, before)
    expect(moved).to_have_text("0")


def test_sliders_by_keyboard_and_number(page: Page, site: Site) -> None:
    log_in(page, site, "clerk")
    page.goto(f"{newest_run(page, site)}simulation/")
    seen = wait_for_answers(page, 0)
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("End")
    seen = wait_for_answers(page, seen)
    expect(page.locator("input[type=number]").first).to_have_value("100")
    number = page.locator("input[type=number]").first
    number.fill("40")
    wait_for_answers(page, seen)
    expect(page.locator("input[type=range]").first).to_have_value("40")
    expect(page.locator("[data-figure=moved]")).to_have_text("0")


def test_the_table_is_filtered_sorted_and_left_by_its_links(page: Page, site: Site) -> None:
    log_in(page, site, "leader")
    page.goto(f"{newest_run(page, site)}table/")
    page.get_by_label("A", exact=True).check()
    page.wait_for_url("**grade=A**")
    grades = page.locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert set(grades) == {"A"}
    page.get_by_role("link", name="总分", exact=True).click()
    page.wait_for_url("**sort=**")
    assert "grade=A" in page.url
    scores = [float(text) for text in page.locator("tbody tr td:nth-child(3)").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    picture(page, "results-table")
    page.locator("tbody th a").first.click()
    expect(page.get_by_role("heading", name="为什么是这个等级")).to_be_visible()
    check_accessible(page)


def test_the_map_draws_parcels_by_grade(page: Page, site: Site) -> None:
    log_in(page, site, "clerk")
    page.goto(f"{newest_run(page, site)}map/?grade=D")
    drawn = page.locator("[data-map]")
    expect(drawn).to_have_attribute("data-features", re.compile("[1-9]"), timeout=READY)
    picture(page, "results-map")


def test_an_enterprise_reads_why_and_what_would_help_on_a_phone(phone: Page, site: Site) -> None:
    log_in(phone, site, "enterprise")
    phone.goto(site.at("/evaluations/mine/"))
    expect(phone.get_by_role("heading", name="为什么是这个等级")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400
    phone.get_by_role("button", name="算一算").click()
    expect(phone.locator("#advice")).to_contain_text("到", timeout=READY)
    check_accessible(phone)


@pytest.mark.parametrize("rest", ["table/?grade=A", "groups/?by=park", "simulation/"])
def test_without_a_script(browser: Browser, site: Site, rest: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site, "clerk")
    page.goto(f"{newest_run(page, site)}{rest}")
    expect(page.locator("main h1")).to_be_visible()
    if rest == "simulation/":
        page.locator("input[type=number]").first.fill("90")
        page.get_by_role("button", name="重算").click()
        expect(page.locator("[data-figure=moved]")).not_to_have_text("0")
    context.close()
