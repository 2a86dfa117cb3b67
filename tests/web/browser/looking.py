"""What tests do with a page besides clicking: log in, look for what keeps people out, take a picture for docs/."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page, expect

import muheng.web

ROOT = Path(__file__).parents[3]
AXE = Path(muheng.web.__file__).parent / "assets" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 15_000  # milliseconds
TALLEST = 1600  # pixels of a picture


@dataclass(frozen=True)
class Site:
    """A running site, where its data are, and the passwords that it told."""

    address: str
    passwords: Mapping[str, str]
    home: Path = Path()

    def at(self, path: str) -> str:
        return urljoin(self.address, path)


def log_in(page: Page, site: Site, username: str) -> None:
    """Come in as a person of the demo; ends on the person's first page."""
    page.goto(site.at("/people/login/"))
    page.get_by_label("用户名").fill(username)
    # Three are told at the start; everybody in the demo has the same.
    page.get_by_label("密码").fill(site.passwords.get(username) or site.passwords["clerk"])
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda address: "/people/login/" not in address)


def check_accessible(page: Page) -> None:
    """No serious or critical fault by axe-core's rules, once maps are drawn: what draws them puts buttons there.

    Raises AssertionError with each fault and its places.
    """
    expect(page.locator("[data-map]:not([data-features])")).to_have_count(0)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    # What would be fetched once more before it looks is for rules that are not asked for, or of less weight.
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
    assert found["passes"], "axe looked at nothing"
    faults = [
        f"{fault['id']} ({fault['impact']}): {fault['help']}\n    "
        + "\n    ".join(node["html"][:200] for node in fault["nodes"])
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert not faults, f"{page.url}\n" + "\n".join(faults)


def picture(page: Page, name: str, width: int = 1280, tallest: int = TALLEST) -> None:
    """With MUHENG_PICTURES=1, the page as docs/pictures/NAME.png where the docs have that picture already: it is made anew
    from the real thing. A picture that is to be new begins as an empty file."""
    file = ROOT / "docs" / "pictures" / f"{name}.png"
    if os.environ.get("MUHENG_PICTURES") != "1" or not file.exists():
        return
    from PIL import Image

    height = min(tallest, page.evaluate("document.documentElement.scrollHeight"))
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")
    taken = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide")))
    if before is not None:
        page.set_viewport_size(before)
    # 256 colours are enough for a calm page, and a third of the size.
    few = taken.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(file, optimize=True)
