"""The demo city on a real server, and a real browser that may talk to nobody else.

The site runs in processes of its own, so no test here shares a database connection with it: look at pages, or ask the
API. One loading of the demo serves the whole run; every site that a test gets holds a copy of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    WebError,
    sync_playwright,
)

from prepare_machine import find_chromium
from web.browser import rewound
from web.browser.looking import PATIENCE, Site, log_in

FLAGS = (
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


# -- the site --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def demo_home() -> Path:
    """A home with the demo city loaded, made by whichever worker is first; not to be served from."""
    mine = Path(os.environ["MUHENG_HOME"])
    shared = mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine
    home = shared / "demo"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            with _serve(shared / "demo.part") as site:
                _passwords(home).write_text(json.dumps(dict(site.passwords)))
            (shared / "demo.part").rename(home)
    return home


@pytest.fixture(scope="session")
def site(demo_home: Path) -> Iterator[Site]:
    """For tests that only read: the demo that was loaded before, served again as people do."""
    with _copy(demo_home) as home, _serve(home) as site:
        yield site


Lend = Callable[[], AbstractContextManager[Site]]


@pytest.fixture(scope="session")
def lend(demo_home: Path) -> Iterator[Lend]:
    """Sites to be changed, each for one borrower at a time, who finds the demo there as it was loaded."""
    free: list[Site] = []
    with ExitStack() as stack:

        def start() -> Site:
            home = stack.enter_context(_copy(demo_home))
            address = stack.enter_context(rewound.running(home, _free_port(), _outside()))
            return Site(address, json.loads(_passwords(demo_home).read_text()), home)

        @contextmanager
        def borrow() -> Iterator[Site]:
            site = free.pop() if free else start()
            rewound.rewind(site.home, demo_home)
            yield site
            free.append(site)

        yield borrow


@pytest.fixture
def own_site(lend: Lend) -> Iterator[Site]:
    """For a test that changes what is there."""
    with lend() as site:
        yield site


@pytest.fixture(scope="module")
def shared_site(lend: Lend) -> Iterator[Site]:
    """For the tests of one module, each of which changes things of its own."""
    with lend() as site:
        yield site


def _passwords(demo: Path) -> Path:
    return demo.with_suffix(".passwords")


def _outside() -> dict[str, str]:
    """The environment without what the suite set for its own process."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MUHENG_", "DJANGO_"))}


@contextmanager
def _copy(demo: Path) -> Iterator[Path]:
    home = Path(os.environ["MUHENG_HOME"]) / f"site-{_free_port()}"
    shutil.copytree(demo, home, ignore=shutil.ignore_patterns("static"))
    (home / "static").symlink_to(demo / "static")
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _serve(home: Path) -> Iterator[Site]:
    """The site as a newcomer starts it, on a free port. Its complaints go to the test's own standard error."""
    command = [sys.executable, "-m", "muheng.cli.main", "serve", "--demo", "--quiet", "--json"]
    process = subprocess.Popen(
        [*command, "--port", str(_free_port())],
        env={**_outside(), "MUHENG_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said, _ = json.JSONDecoder().raw_decode(_read_document(process.stdout))
        passwords = {login["username"]: login["password"] for login in said["logins"]}
        yield Site(said["address"], passwords, home)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _read_document(stream: Iterator[str]) -> str:
    """Lines up to the brace that closes the document; the process goes on."""
    lines = []
    for line in stream:
        lines.append(line)
        if line.rstrip() == "}":
            break
    return "".join(lines)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# -- the browser -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module at a time: while it is there, an event loop runs in this thread, and Django refuses to query."""
    chromium = find_chromium()
    assert chromium is not None, "python tests/prepare_machine.py"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window of 1280 × 800. The test fails when its page complains, or asks another machine for anything."""
    with _watched(_new_window(browser), request) as page:
        yield page


@pytest.fixture
def enter(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[Site, str], Page]]:
    """A window for each of several persons: ``enter(site, "clerk")``."""
    with ExitStack() as stack:

        def open_window(site: Site, username: str) -> Page:
            page = stack.enter_context(_watched(_new_window(browser), request))
            log_in(page, site, username)
            return page

        yield open_window


@pytest.fixture
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The same on a phone."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    with _watched(context, request) as page:
        yield page


def _new_window(browser: Browser) -> BrowserContext:
    return browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )


@contextmanager
def _watched(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    meant = {status for mark in request.node.iter_markers("answers") for status in mark.args}
    complaints: list[str] = []

    def note_request(asked: Request) -> None:
        address = urlsplit(asked.url)
        if address.scheme not in ("data", "blob", "about") and address.hostname != "127.0.0.1":
            complaints.append(f"request leaving the machine: {asked.url[:200]}")

    def note_console(message: ConsoleMessage) -> None:
        # The browser's own words, and htmx's.
        words = [f"{said} {status} " for status in meant for said in ("status of", "Error Code")]
        expected = any(each in message.text for each in words)
        if message.type == "error" and not expected:
            complaints.append(f"console: {message.text}")

    def note_error(error: WebError) -> None:
        complaints.append(f"error on {error.page.url if error.page else 'no page'}: {error.error}")

    context.set_default_timeout(PATIENCE)
    context.on("request", note_request)
    context.on("console", note_console)
    context.on("weberror", note_error)
    page = context.new_page()
    try:
        yield page
    finally:
        context.close()
    assert complaints == []
