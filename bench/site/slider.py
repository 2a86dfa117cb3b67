"""How long a slider's picture takes, from the moment the hand lets go until it is painted, in a real browser."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from random import Random

from playwright.sync_api import Page, sync_playwright

from bench.site.city import CLERK, PASSWORD
from bench.site.pages import RUN
from bench.site.row import Row
from bench.site.stage import Stage, serving_site
from prepare_machine import find_chromium

TIMES, WARMING = 20, 5
MOST = 0.150
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
# A picture counts when it answers the newest question; the next frame draws it, and a message sent in that frame
# comes when it has been painted.
_WATCH = """
() => {
  const form = document.getElementById("simulation");
  const shown = (act) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = act;
    channel.port2.postMessage(0);
  });
  const ask = window.fetch;
  let asked = "", released = 0;
  window.fetch = (address, given) => { asked = given.body; return ask(address, given); };
  window.pictures = [];
  form.addEventListener("change", (event) => {
    if (event.target.type !== "range") return;
    performance.mark("released");
    released = performance.now();
  }, true);
  new MutationObserver(() => {
    const moved = [...form.querySelectorAll("input[data-key]")].filter((field) => Number(field.value) !== Number(field.dataset.value));
    if (!released || !moved.every((field) => asked.includes(JSON.stringify(field.dataset.key) + ":" + JSON.stringify(field.value)))) return;
    const since = released;
    released = 0;
    shown(() => {
      performance.measure("picture", "released");
      window.pictures.push(performance.now() - since);
    });
  }).observe(form, { attributes: true, attributeFilter: ["data-answers"] });
}
"""


def measure_slider(on: Stage, times: int = TIMES) -> Iterator[Row]:
    """A number is dragged back and forth, twenty times."""
    with serving_site(on) as served, sync_playwright() as playwright:
        chromium = find_chromium()
        assert chromium is not None, "python tests/prepare_machine.py"
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{served.address}/people/login/")
        page.fill("[name=username]", CLERK)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(f"{served.address}/")
        page.goto(f"{served.address}{RUN}simulation/")
        page.wait_for_selector("#simulation[data-answers]", state="attached", timeout=120_000)
        page.evaluate(_WATCH)
        for number in range(WARMING + times):
            _drag(page, Random(number))
        taken = sorted(page.evaluate("window.pictures")[WARMING:])
        browser.close()
    seconds = [each / 1000 for each in taken]
    p95 = statistics.quantiles(seconds, n=20)[-1]
    met = "met" if p95 < MOST else "missed"
    yield Row(
        "slider: from release to the new picture",
        on.database,
        statistics.median(seconds),
        p95,
        note=f"< {MOST * 1000:.0f} ms: {met}",
    )


def _drag(page: Page, random: Random) -> None:
    """Take a slider somewhere with the mouse, in a third of a second, and wait for the picture."""
    before = page.evaluate("window.pictures.length")
    box = page.locator("#simulation input[type=range]").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    # A press on the track brings the thumb; then to and fro, so that no movement ends where the one before did.
    halves = [(0.1, 0.45), (0.55, 0.9)] * 6
    for number, half in enumerate(halves):
        page.mouse.move(box["x"] + box["width"] * random.uniform(*half), middle)
        if number == 0:
            page.mouse.down()
        if number < len(halves) - 1:
            page.wait_for_timeout(30)
    page.mouse.up()
    page.wait_for_function("before => window.pictures.length > before", arg=before, timeout=60_000)
