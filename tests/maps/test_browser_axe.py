"""The map page for everybody: axe-core finds no fault in any state, on a desk and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_city import two_counties
from map_browser import AS_OF, SCREENS

from gis_renovation.maps import page as maps
from gis_renovation.maps.page_facts import Download, PageFacts

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(
    "state",
    ["start", "table", "card", "compare", "measure", "print", "share", "panel", "large", "english", "message", "embed"],
)
def test_no_accessibility_fault_is_found_by_axe(browser, tmp_path, screen, state):
    path = tmp_path / "index.html"
    made = maps.map_page(
        two_counties(),
        PageFacts(
            title="示意市工作图",
            as_of=AS_OF,
            synthetic=True,
            show=["communities", "community_states"],
            downloads=[Download("data/data.gpkg", 500_000, ""), Download("data/communities.csv", 900, "communities")],
            lang="en" if state == "english" else "zh",
        ),
    )
    path.write_text(made, encoding="utf-8")
    width, height = SCREENS[screen]
    # The page's own policy would not let the checker in.
    context = browser.new_context(viewport={"width": width, "height": height}, bypass_csp=True)
    page = context.new_page()
    page.goto(f"file://{path}" + ("#16/32.64/117.00&embed=1" if state == "embed" else ""))
    page.wait_for_selector("body[data-ready=true]")
    assert page.evaluate("document.documentElement.lang") == ("en" if state == "english" else "zh-CN")
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    if state == "panel" and screen == "phone":
        page.locator("#panel-button").click()
    if state == "message":
        page.locator("#locate-button").click()
    if state == "large":
        page.locator("#large-button").click()
    if state == "table":
        page.locator("#table-button").click()
    if state == "card":
        page.evaluate("() => plan.visit('communities', 8)")
    if state in {"print", "share", "measure"}:
        page.locator(f"#{state}-button").click()
    if state == "compare":
        page.locator("#months-pair").click()
    page.wait_for_timeout(200)
    page.add_script_tag(path=AXE)
    faults = page.evaluate(
        """async () => (await axe.run(document)).violations
             .map((v) => v.id + ": " + v.nodes.map((n) => n.html).join(" | "))"""
    )
    context.close()
    assert faults == []
