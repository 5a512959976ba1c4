"""A real browser on the real application; whatever goes wrong in it fails the test, looked for or not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright
from werkzeug.serving import make_server

from placewise.core.scope import Role
from placewise.web.pages import TOKEN
from placewise.web.serving import WorkerProcess, running_worker
from tests.conftest import Account, MakeAccount, Urls

CHROMIUM = "/usr/bin/chromium"
#: Nothing but the page itself may speak to the network.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  const where = `${event.sourceFile}:${event.lineNumber}`;
  window.placewiseViolation(`${event.effectiveDirective} refused ${event.blockedURI} in ${where}`);
});
"""

# Signing in costs a password hash, and the machine may be shared: patience is no part of what is tested.
expect.set_options(timeout=20_000)

OpenAs = Callable[..., Page]


@dataclass
class Watch:
    """What went wrong in the browser; a test may expect answers with an error status, and nothing else.

    Attributes
    ----------
    expected : set of int
        Statuses of errors that the test itself provokes.
    """

    origin: str
    faults: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def follow(self, context: BrowserContext) -> None:
        """Listen to everything that happens in a browser's window."""
        context.expose_binding("placewiseViolation", lambda _, what: self.faults.append(f"CSP: {what}"))
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))
        context.on("console", self._console)
        context.on("request", lambda request: self._request(request.url))
        context.on("requestfailed", lambda request: self._failed(request.url, request.failure))
        context.on("response", self._response)

    def _console(self, message: Any) -> None:
        # An answer with an error status is judged by its status, below.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _request(self, url: str) -> None:
        if not url.startswith((self.origin + "/", "data:", "blob:")):
            self.faults.append(f"foreign request: {url}")

    def _failed(self, url: str, failure: str | None) -> None:
        # Leaving a page cuts off what it was still fetching.
        if failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {url} {failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.faults.append(f"status {response.status}: {response.url}")


@pytest.fixture(scope="session")
def server(app: Flask) -> Iterator[str]:
    """Address of the application, served on this machine only."""
    listening = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.port}"
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture(scope="module")
def worker(database_urls: Urls) -> Iterator[WorkerProcess]:
    """The process that does long calculations; ends with the module, for other tests do theirs by hand."""
    urls = {"PLACEWISE_WORKER_URL": database_urls.worker, "PLACEWISE_DATABASE_URL": database_urls.app}
    with running_worker(urls | {"PLACEWISE_PROCESSES": "1"}) as started:
        yield started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def watch(server: str) -> Iterator[Watch]:
    """Fails the test at its end on any error, foreign request or refused script."""
    watch = Watch(server)
    yield watch
    assert watch.faults == []


@pytest.fixture
def context(browser: Browser, watch: Watch, server: str) -> Iterator[BrowserContext]:
    """A fresh window, 1280 pixels wide."""
    context = browser.new_context(base_url=server, viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(15_000)
    watch.follow(context)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab in which nobody is signed in."""
    return context.new_page()


@pytest.fixture
def page_as(app: Flask, context: BrowserContext, make_account: MakeAccount, server: str) -> OpenAs:
    """Make a tab signed in with these roles in the test's partnership, or as this account."""

    def make(roles: Role = Role.COORDINATOR, *, account: Account | None = None) -> Page:
        context.add_cookies([sign_in_cookie(app, server, account or make_account(roles))])
        return context.new_page()

    return make


def sign_in_cookie(app: Flask, server: str, account: Account) -> Any:
    """The cookie that a browser holds after signing in."""
    sign = app.session_interface.get_signing_serializer(app)
    assert sign is not None
    return {
        "name": app.config["SESSION_COOKIE_NAME"],
        "value": str(sign.dumps({TOKEN: account.token})),
        "url": server,
        "httpOnly": True,
        "sameSite": "Strict",
    }


def axe(page: Page) -> list[str]:
    """Accessibility faults of the page as it stands, one line each; [] is the only good answer."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run()")
    return [
        f"{fault['id']} ({fault['impact']}): {node['html'][:150]} – {node['failureSummary'][:200]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than its window."""
    return bool(
        page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )


def focus_stops(page: Page, *, most: int = 80) -> list[dict[str, Any]]:
    """Each stop of the Tab key through the page: its name, and whether it can be seen to have the focus."""
    describe = """() => {
      const at = document.activeElement;
      if (!at || at === document.body) return null;
      const style = getComputedStyle(at);
      const seen = at.getBoundingClientRect();
      return {
        name: (at.getAttribute("aria-label") || at.innerText || at.name || at.tagName).trim().slice(0, 60),
        marked: (style.outlineStyle !== "none" && style.outlineWidth !== "0px") || style.boxShadow !== "none",
        visible: seen.width > 0 && seen.height > 0,
      };
    }"""
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(describe)
        if stop is None:
            break
        stops.append(stop)
    return stops
