"""A person before the page: a window of a real Chromium, with all that it complained about and everywhere it asked.

Every wait has a deadline and ends on what is shown, never on a clock alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
from doors.peers import Farm, Json, until
from gateway.peers import Web
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",  # tests run as root in containers, where Chromium's own sandbox is not to be had
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LIMIT = 60_000  # ms
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
LOOK_WITH_AXE = "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations"
expect.set_options(timeout=LIMIT)
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
Size = tuple[int, int]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser that asks nobody anything by itself."""
    with sync_playwright() as made:
        browser = made.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Person:
    """One window on the page. `faults` are errors of the console, `asked` the places that it sent requests to."""

    def __init__(
        self, browser: Browser, origin: str, size: Size = (1280, 800), scheme: str = "light", zone: str = "UTC"
    ) -> None:
        self.origin = origin
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            timezone_id=zone,
        )
        self.context.set_default_timeout(LIMIT)
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.asked: set[str] = set()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.on("request", lambda request: self.asked.add(_place(request.url)))
        self.page.on("websocket", lambda socket: self.asked.add(_place(socket.url)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.faults.append(text)

    def open(self, path: str = "") -> Person:
        """Go to a view by its address, and wait until the farm is there and that view is drawn."""
        self.page.goto(f"{self.origin}/#/{path}")
        self.page.locator(".pulse b").first.wait_for()
        self.page.locator('main[aria-busy="false"]').wait_for()
        self.page.evaluate(DRAWN)  # another address of an open page is no new document: the old view may be there still
        return self

    def see(self, text: str, where: str = "main") -> Locator:
        """Wait for a text."""
        found = self.page.locator(where).get_by_text(text).first
        found.wait_for()
        return found

    def button(self, name: str, where: str = "body") -> Locator:
        return self.page.locator(where).get_by_role("button", name=name, exact=True).first

    def row(self, name: str) -> Locator:
        """The row of a table that has this name."""
        return self.page.locator(".tr", has=self.page.get_by_role("link", name=name, exact=True)).first

    def card(self, name: str) -> Locator:
        return self.page.locator(".card", has=self.page.get_by_role("heading", name=name, exact=True)).first

    def until(self, script: str, what: str) -> Any:
        """The first true value of a script in the page."""
        return until(lambda: self.page.evaluate(script), what)

    def widths(self) -> tuple[int, int]:
        """How wide the page or its table is, and how wide it is shown: equal unless it scrolls sideways."""
        found = self.page.evaluate(
            "[...document.querySelectorAll('html, .table .scroll')].map((one) => [one.scrollWidth, one.clientWidth])"
        )
        content, window = max(found, key=lambda one: one[0] - one[1])
        return int(content), int(window)

    def barriers(self) -> list[str]:
        """Serious and critical violations that axe finds, each with where."""
        self.page.evaluate(AXE)
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in self.page.evaluate(LOOK_WITH_AXE)
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    def close(self) -> None:
        self.context.close()


def _place(url: str) -> str:
    found = urlsplit(url)
    return found.scheme if found.scheme in ("data", "blob") else found.netloc


class House:
    """A farm, its gateway, a browser, and the people of a test."""

    def __init__(self, farm: Farm, web: Web, browser: Browser) -> None:
        self.farm, self.web, self.browser = farm, web, browser
        self.people: list[Person] = []
        self.broken = False  # a test broke the farm on purpose: connections that fail are no faults then

    def person(self, size: Size = (1280, 800), scheme: str = "light", zone: str = "UTC") -> Person:
        self.people.append(Person(self.browser, self.web.origin, size, scheme, zone))
        return self.people[-1]

    def good_night(self, *expected: str) -> None:
        """Everybody leaves, and nobody's page has met a fault but those expected, by a part of their words."""
        faults = [fault for person in self.people for fault in person.faults]
        while self.people:
            self.people.pop().close()
        assert [fault for fault in faults if not any(word in fault for word in expected)] == []

    def call(self, method: str, **params: Any) -> Any:
        with Json(self.farm.port) as peer:
            return peer.call(method, **params)

    def job(self, name: str, **more: Any) -> int:
        """Make a job; its id."""
        made = self.call("job.create", **{"name": name, "function": "simple", **more})
        return int(made["jobs"][0]["id"])

    def run(self, name: str, state: str = "success0", **more: Any) -> int:
        """Make a job, run it, and wait for its end; its id."""
        job = self.job(name, run=True, **more)
        until(lambda: self.call("job.show", job=str(job))["state"].startswith(state), f"{name} is {state}", 120)
        return job
