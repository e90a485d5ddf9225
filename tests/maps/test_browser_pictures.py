"""Pictures of the page on a desk and on a phone, kept in ``artefacts/`` to be looked at; and no control lies under another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_city import layers
from map_browser import SCREENS
from PIL import Image

pytestmark = pytest.mark.browser

KEPT = Path(__file__).parents[2] / "artefacts" / "pages"

STATES = {
    "start": "",
    "card": "() => plan.visit('communities', 4)",
    "table": "() => document.getElementById('table-button').click()",
    "measure": "() => document.getElementById('measure-button').click()",
    "months": "() => plan.show('community_states', true)",
    "compare": "() => { plan.show('community_states', true); document.getElementById('months-pair').click(); }",
    "print": "() => document.getElementById('print-button').click()",
    "share": "() => document.getElementById('share-button').click()",
}

# Every control that can be seen, and what a finger would hit at its middle.
COVERED = """() => {
  const open = document.querySelector("dialog[open]"), inside = (e) => !open || open.contains(e);
  return [...document.querySelectorAll("button, input, select, textarea, a[href]")].filter((e) => {
    const b = e.getBoundingClientRect(), x = b.left + b.width / 2, y = b.top + b.height / 2;
    if (!inside(e) || !b.width || !e.checkVisibility({ visibilityProperty: true }) || e.classList.contains("skip")) return false;
    const side = e.closest("#side, .grid, .leaflet-popup-content, dialog"), s = side && side.getBoundingClientRect();
    if (s && (y < s.top || y > s.bottom || x < s.left || x > s.right)) return false;  // scrolled away
    if (e.id === "swipe-range") return false;  // only its thumb takes the finger
    const hit = document.elementFromPoint(x, y);
    return !(hit && (e === hit || e.contains(hit) || hit.contains(e) && hit.tagName === "LABEL"));
  }).map((e) => e.id || e.className || e.outerHTML.slice(0, 80)); }"""


@pytest.mark.parametrize(("screen", "large"), [("desktop", False), ("phone", False), ("phone", True)])
def test_no_control_is_covered_in_any_state_and_the_pictures_are_kept(visit, screen, large):
    one = visit(layers(), screen=screen, synthetic=True, attribution="示例数据", show=["communities", "zones", "parks"])
    page = one.page
    if large:
        page.locator("#large-button").click()
    KEPT.mkdir(parents=True, exist_ok=True)
    for state, action in STATES.items():
        page.goto("about:blank")
        page.goto(one.url)
        page.wait_for_selector("body[data-ready=true]")
        if action:
            page.evaluate(action)
        page.wait_for_timeout(250)
        path = KEPT / f"{screen}-{state}{'-large' if large else ''}.png"
        page.screenshot(path=path)
        colours = Image.open(path).convert("RGB").getcolors(10**7)
        assert len(colours) > 150, f"{state}: something is drawn"
        assert page.evaluate(COVERED) == [], state
        assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen][0], state
    one.assert_quiet()


@pytest.mark.parametrize(("paper", "upright"), [("A4", "0"), ("A4", "1"), ("A3", "0"), ("A3", "1")])
def test_each_sheet_is_kept_and_has_ink_in_each_of_its_parts(visit, paper, upright):
    one = visit(
        layers(),
        synthetic=True,
        attribution="示例数据",
        map_number="皖S(2024)1号",
        show=["communities", "zones", "parks"],
    )
    page = one.page
    page.locator("#print-button").click()
    page.locator("#paper").select_option(paper)
    page.locator("#upright").select_option(upright)
    with page.expect_download() as waiting:
        page.locator("#print-png").click()
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"sheet-{paper}-{'upright' if upright == '1' else 'lying'}.png"
    waiting.value.save_as(path)
    picture = np.asarray(Image.open(path).convert("L"))
    high = picture.shape[0]
    for part in np.array_split(picture[int(high * 0.05) : int(high * 0.95)], 9):
        assert (part < 128).mean() > 0.0005
    one.assert_quiet()
