"""The site in a real browser, opened as files: axe, no script, large type, print, to the map and back."""

from __future__ import annotations

import io
import shutil
from datetime import date
from pathlib import Path

import pytest
from drawn_city import layers, publish_city
from PIL import Image

from gis_renovation.publish.profile import PhotosTable, read_profile
from gis_renovation.publish.site.photos import Photo

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip: test extra)")

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found (Debian: apt-get install chromium)"),
]

AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
PAGES = (
    "index.html",
    "communities/index.html",
    "communities/C1.html",
    "communities/C2.html",
    "zones/Z-C1.html",
    "data.html",
    "about.html",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    profile = read_profile(place, "public")
    target = place / "maps" / "public"
    targets = {"main": {"communities": 3, "households": None, "floor_area_m2": None}}
    photos = [Photo("C2", stage, 1, jpeg(), 64, 48, date(2024, 5, 1), "") for stage in ("before", "after")]
    allowed = profile.model_copy(update={"photos": PhotosTable(show=True)})
    publish_city(layers(), allowed, target, photos=photos, targets=targets)
    return target


def jpeg():
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "#8a6d3b").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def visit(browser, folder):
    opened, seen = [], []

    def open_page(path, *, width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 844}, **options)
        context.set_default_timeout(5_000)
        page = context.new_page()
        page.on("console", lambda m: seen.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda e: seen.append(str(e)))
        page.on("request", lambda r: seen.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
        page.goto(f"file://{folder}/{path}", timeout=30_000)
        opened.append(context)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert seen == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PAGES)
def test_no_accessibility_fault_and_no_sideways_scrolling(visit, folder, path, width):
    page = visit(path, width=width, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    faults = page.evaluate("async () => (await axe.run(document)).violations.map(v => v.id + ': ' + v.nodes[0].html)")
    assert faults == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("label[for=large]").click(timeout=3000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_but_the_map_works_without_javascript(visit):
    page = visit("index.html", java_script_enabled=False)
    page.get_by_role("link", name="小区", exact=True).click()
    page.get_by_role("link", name="龙湖新村").click()
    assert page.get_by_role("heading", level=1).inner_text() == "龙湖新村"
    page.get_by_role("link", name="龙湖片区").click()
    assert page.get_by_role("heading", level=1).inner_text() == "龙湖片区"
    page.get_by_role("link", name="总览").first.click()
    page.get_by_role("link", name="开放数据").click()
    assert page.get_by_role("link", name="communities.csv", exact=True).count() == 1
    before = page.evaluate("parseFloat(getComputedStyle(document.querySelector('main')).fontSize)")
    page.locator("label[for=large]").click()
    after = page.evaluate("parseFloat(getComputedStyle(document.querySelector('main')).fontSize)")
    assert after > 1.25 * before


def test_a_table_too_wide_for_a_phone_says_so_and_keeps_its_names_in_view_without_javascript(visit):
    page = visit("index.html", width=390, java_script_enabled=False)
    boxes = page.evaluate(
        """() => [...document.querySelectorAll(".wide")].filter(e => e.clientWidth).map(e => [
          e.scrollWidth > e.clientWidth, getComputedStyle(e, "::before").visibility, e.tabIndex, e.getAttribute("aria-label")])"""
    )
    assert {too_wide for too_wide, *_ in boxes} == {True, False}
    assert all((said == "visible") == too_wide for too_wide, said, *_ in boxes)
    assert all(tab == 0 and label for *_, tab, label in boxes)
    first = page.locator(".wide").first
    names = first.locator("tbody th").first
    before = names.bounding_box()
    first.evaluate("e => { e.scrollLeft = e.scrollWidth }")
    assert first.evaluate("e => e.scrollLeft") > 0
    assert names.bounding_box() == before


def test_large_type_is_kept_from_page_to_page(visit):
    page = visit("index.html")
    page.locator("label[for=large]").click()
    page.get_by_role("link", name="关于").click()
    assert page.is_checked("#large")


def test_the_keyboard_reaches_content_menu_and_switch(visit):
    page = visit("communities/C1.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "large"
    page.keyboard.press("Space")
    assert page.is_checked("#large")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_page_leads_to_its_place_on_the_map_and_the_card_back_to_the_page(visit):
    page = visit("communities/C2.html")
    page.get_by_role("link", name="在地图上看").click()
    page.wait_for_selector("body[data-ready=true]", timeout=30_000)
    card = page.locator(".leaflet-popup .card")
    assert card.get_attribute("data-id") == "C2"
    card.get_by_role("link", name="查看详情页").click()
    assert page.get_by_role("heading", level=1).inner_text() == "淮滨小区"


def test_photos_are_seen_on_the_page_and_on_the_maps_card(visit):
    page = visit("communities/C2.html")
    page.get_by_alt_text("淮滨小区改造前照片").scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth === 64)")
    page.get_by_role("link", name="在地图上看").click()
    page.wait_for_selector("body[data-ready=true]", timeout=30_000)
    card = page.locator(".leaflet-popup .card")
    card.get_by_alt_text("淮滨小区改造后照片").scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('.card img')].every(i => i.complete && i.naturalWidth === 64)"
    )
    assert card.locator("figcaption").all_inner_texts() == ["改造前 · 2024-05-01", "改造后 · 2024-05-01"]
    assert card.locator("img").first.get_attribute("loading") == "lazy"


def test_a_printed_page_drops_the_menu_and_keeps_the_facts(visit):
    page = visit("communities/C1.html")
    page.emulate_media(media="print")
    assert not page.locator("nav.main").is_visible()
    assert page.locator("figure svg").is_visible()
    assert page.get_by_text("审图号：尚未取得").first.is_visible()
