"""A map page opened in a real browser as a file, with every other request stopped and written down."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
AS_OF = date(2024, 9, 30)
SCREENS = {"desktop": (1440, 900), "phone": (390, 844)}


def running_browser():
    """Chromium without its sandbox and graphics card; the test is skipped where there is none."""
    playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip: test extra)")
    if CHROMIUM is None:
        pytest.skip("no Chromium found (Debian: apt-get install chromium)")
    with playwright_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield running
        running.close()


class Visit:
    """One opened page with everything it asked for, complained of and popped up."""

    def __init__(self, browser, path, *, screen="desktop", fragment=""):
        width, height = SCREENS[screen]
        self.context = browser.new_context(viewport={"width": width, "height": height}, has_touch=screen == "phone")
        self.requests, self.errors, self.dialogs = [], [], []
        self.context.route("**/*", self._route)
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type in {"error", "warning"} else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("dialog", self._dialog)
        self.url = f"file://{path}{fragment}"
        self.page.goto(self.url, timeout=30_000)
        self.page.wait_for_selector("body[data-ready=true]", timeout=30_000)
        self.page.wait_for_timeout(120)

    def _route(self, route):
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            self.requests.append(route.request.url)
            route.abort()

    def _dialog(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def assert_quiet(self):
        assert self.requests == []
        assert self.errors == []
        assert self.dialogs == []


def visits(browser, folder):
    """A function that writes a page of layers into ``folder`` and opens it; all are closed in the end."""
    from gis_renovation.maps import PageFacts, page

    opened = []

    def open_page(made, *, screen="desktop", fragment="", **options):
        path = folder / f"index{len(opened)}.html"
        text = page.map_page(made, PageFacts(**({"title": "示意市工作图", "as_of": AS_OF} | options)))
        path.write_text(text, encoding="utf-8")
        opened.append(Visit(browser, path, screen=screen, fragment=fragment))
        return opened[-1]

    yield open_page
    for one in opened:
        one.context.close()
