"""Basemaps of other makers on the map page in a real browser; every answer of a host is made up here."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from drawn_city import HOSTILE, layers
from map_browser import AS_OF, SCREENS
from PIL import Image, ImageDraw
from pyproj import Geod

from gis_renovation.crs import wgs84_to_gcj02
from gis_renovation.maps import PageFacts
from gis_renovation.maps import page as maps
from gis_renovation.maps.basemaps import Basemap, page_basemaps

pytestmark = pytest.mark.browser

HOST = "https://tiles.example.cn"
OWN = {
    "name": "市局底图",
    "url": f"{HOST}/base/{{z}}/{{x}}/{{y}}.png",
    "attribution": "某市自然资源局",
    "exportable": True,
}
LABELS = {"labels_url": f"{HOST}/labels/{{z}}/{{x}}/{{y}}.png"}
GRS80 = Geod(ellps="GRS80")
AXE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"


def plain(colour):
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), colour).save(picture, "PNG")
    return picture.getvalue()


def world(lon, lat, zoom):
    """Pixels of the web's usual map of squares."""
    sine = math.sin(math.radians(lat))
    return [
        256 * 2**zoom * part for part in ((lon + 180) / 360, 0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi))
    ]


def dotted(places, *, gcj02):
    """A host whose white tiles carry a red dot at each control point, drawn in its own coordinates."""

    def answer(url):
        zoom, column, row = (int(part) for part in re.search(r"/(\d+)/(\d+)/(\d+)\.png", url).groups())
        drawn = Image.new("RGB", (1024, 1024), "white")
        pen = ImageDraw.Draw(drawn)
        for lon, lat in places:
            there = (
                [float(part[0]) for part in wgs84_to_gcj02(np.array([lon]), np.array([lat]))] if gcj02 else (lon, lat)
            )
            x, y = world(*there, zoom)
            x, y = 4 * (x - 256 * column), 4 * (y - 256 * row)
            pen.ellipse((x - 24, y - 24, x + 24, y + 24), fill="red")
        picture = io.BytesIO()
        drawn.resize((256, 256), Image.Resampling.BOX).save(picture, "PNG")
        return 200, picture.getvalue()

    return answer


@pytest.fixture
def based(browser, tmp_path):
    """Open a page with basemaps; ``answer`` is the host: address -> status and picture."""
    opened = []

    def open_page(*bases, answer=lambda _: (200, plain("white")), screen="desktop", fragment="", bypass=False, **made):
        got = page_basemaps([Basemap(**base) for base in bases], made.pop("environ", {}), single=False)
        path = tmp_path / f"index{len(opened)}.html"
        text = maps.map_page(layers(), PageFacts(title="示意市工作图", as_of=AS_OF, basemaps=got, **made))
        path.write_text(text, encoding="utf-8")
        width, height = SCREENS[screen]
        context = browser.new_context(viewport={"width": width, "height": height}, bypass_csp=bypass)
        opened.append(context)
        asked, errors = [], []

        def route(one):
            url = one.request.url
            if url.startswith("file:"):
                one.continue_()
                return
            asked.append(url)
            if not any(url.startswith(host) for host in (HOST, "https://t")):
                one.abort()
                return
            status, body = answer(url)
            one.fulfill(
                status=status, body=body, content_type="image/png", headers={"Access-Control-Allow-Origin": "*"}
            )

        context.route("**/*", route)
        page = context.new_page()
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(f"file://{path}{fragment}")
        page.wait_for_selector("body[data-ready=true]")
        return page, asked, errors

    yield open_page
    for context in opened:
        context.close()


def until(page, true):
    """Wait by asking: the page's own policy lets no waiting script in."""
    for _ in range(60):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    raise AssertionError(true)


def choose(page, at=0):
    page.locator("#base").select_option(str(at))
    until(page, "!plan.base_tiles || !plan.base_tiles.isLoading()")
    page.wait_for_timeout(350)


def test_no_basemap_is_there_unless_a_profile_names_one(based):
    page, asked, errors = based()
    assert page.locator("#base").count() == 0
    assert "img-src data: blob:;" in page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert (asked, errors) == ([], [])


def test_a_host_is_asked_only_once_a_reader_chooses_it_and_no_other_may_be(based):
    page, asked, errors = based(OWN)
    assert asked == []
    assert page.locator("#base").evaluate("e => e.options[e.selectedIndex].text") == "无（本项目图层）"
    choose(page)
    assert asked
    assert all(url.startswith(HOST + "/base/") for url in asked)
    assert "某市自然资源局" in page.locator(".leaflet-control-attribution").inner_text()
    asked.clear()
    blocked = page.evaluate(
        """() => new Promise((done) => {
             document.addEventListener("securitypolicyviolation", (e) => done(e.blockedURI));
             new Image().src = "https://other.example.com/a.png"; })"""
    )
    assert blocked.startswith("https://other.example.com")
    assert (asked, errors) == ([], [])
    choose(page, "")
    assert page.locator(".leaflet-base-pane img").count() == 0
    assert "某市自然资源局" not in page.locator(".leaflet-control-attribution").inner_text()


def test_tianditu_sends_the_key_to_its_own_hosts_and_its_labels_lie_above_the_data(based):
    page, asked, _ = based({"source": "tianditu_img"}, environ={"TIANDITU_KEY": "k123"})
    choose(page)
    until(page, "document.querySelectorAll('.leaflet-base-labels-pane img').length > 0")
    assert all(re.match(r"https://t[0-7]\.tianditu\.gov\.cn/(img|cia)_w/wmts\?.*&tk=k123$", url) for url in asked)
    depth = "(name) => Number(getComputedStyle(plan.map.getPane(name)).zIndex)"
    assert page.evaluate(depth, "base") < page.evaluate(depth, "overlayPane") < page.evaluate(depth, "base-labels")
    page.locator("#base-labels").uncheck()
    assert page.locator(".leaflet-base-labels-pane img").count() == 0
    assert page.locator(".leaflet-base-pane img").count() > 0


# --- where it lies --------------------------------------------------------------------------------

CENTRE = (117.0, 32.63)


def distances_m(page, places):
    """How far each control point of the basemap lies from its place on the page, by the pixels of a screenshot."""
    frame = page.locator(".leaflet-container").bounding_box()
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=frame))).convert("RGB")).astype(float)
    red = np.clip(255 - picture[:, :, 1], 0, 255) * (picture[:, :, 0] > 200)
    found = []
    for lon, lat in places:
        x, y = page.evaluate(
            "([lng, lat]) => { const p = plan.map.latLngToContainerPoint([lat, lng]); return [p.x, p.y]; }", [lon, lat]
        )
        left, top = round(x) - 30, round(y) - 30
        part = red[top : top + 60, left : left + 60]
        assert part.sum() > 0, "the dot is near its place"
        rows, columns = np.mgrid[0:60, 0:60] + 0.5
        spot = [left + (part * columns).sum() / part.sum(), top + (part * rows).sum() / part.sum()]
        place = page.evaluate(
            "([x, y]) => { const p = plan.map.containerPointToLatLng([x, y]); return [p.lng, p.lat]; }", spot
        )
        found.append(GRS80.inv(lon, lat, *place)[2])
    return found


@pytest.mark.parametrize("zoom", [16, 18, 19])
@pytest.mark.parametrize("gcj02", [True, False], ids=["gcj02", "cgcs2000"])
def test_control_points_lie_within_a_metre_whatever_the_datum_of_the_tiles(based, gcj02, zoom):
    step = 0.004 / 2 ** (zoom - 16)
    places = [
        (CENTRE[0] + step * i, CENTRE[1] + 0.7 * step * j) for i, j in ((0, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
    ]
    page, _, errors = based(OWN | {"datum": "gcj02" if gcj02 else "cgcs2000"}, answer=dotted(places, gcj02=gcj02))
    kept = page.evaluate("JSON.stringify(plan.read('communities').geometry)")
    page.evaluate("() => plan.order.forEach((name) => plan.show(name, false))")
    page.evaluate("([lng, lat, z]) => plan.map.setView([lat, lng], z, { animate: false })", [*CENTRE, zoom])
    choose(page)
    assert max(distances_m(page, places)) < 1.0
    # After a reader has dragged the map the tiles still lie right.
    page.evaluate("() => plan.map.panBy([-90, 60], { animate: false })")
    page.wait_for_timeout(400)
    assert max(distances_m(page, places)) < 1.0
    assert page.evaluate("JSON.stringify(plan.read('communities').geometry)") == kept, "the data is not moved"
    assert errors == []


@pytest.mark.parametrize(
    ("declared", "drawn", "said"),
    [
        ("cgcs2000", True, 'datum = "gcj02"'),
        ("gcj02", False, 'datum = "cgcs2000"'),
        ("gcj02", True, "与本项目图层一致"),
    ],
)
def test_the_offset_check_names_the_datum_that_was_declared_wrongly(based, declared, drawn, said):
    page, _, _ = based(OWN | {"datum": declared}, answer=dotted([CENTRE], gcj02=drawn))
    page.evaluate("() => plan.order.forEach((name) => plan.show(name, false))")
    page.evaluate("([lng, lat]) => plan.map.setView([lat, lng], 16, { animate: false })", CENTRE)
    choose(page)
    page.locator("#base-check").click()
    assert "先点击" in page.locator("#message p").inner_text()
    assert page.locator(".cross").is_visible()
    frame = page.locator(".leaflet-container").bounding_box()
    own = page.evaluate(
        "([lng, lat]) => { const p = plan.map.latLngToContainerPoint([lat, lng]); return [p.x, p.y]; }", CENTRE
    )
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=frame))).convert("RGB")).astype(int)
    # The dot's red, and neither the violet of the cross nor the brown of the message.
    rows, columns = np.nonzero((picture[:, :, 0] > 240) & (picture[:, :, 1:].max(axis=2) < 20))
    page.mouse.click(frame["x"] + own[0], frame["y"] + own[1])
    page.wait_for_timeout(400)
    page.mouse.click(frame["x"] + columns.mean(), frame["y"] + rows.mean())
    page.wait_for_timeout(400)
    assert said in page.locator("#message p").inner_text()
    assert not page.locator(".cross").is_visible()


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 418])
def test_a_refused_key_gives_one_message_and_the_map_goes_on_with_its_own_layers(based, status):
    page, asked, errors = based(OWN | LABELS, answer=lambda _: (status, b"{}"))
    before = page.locator(".leaflet-overlay-pane path").count()
    page.locator("#base").select_option("0")
    page.wait_for_selector("#message:not([hidden])")
    page.wait_for_timeout(500)
    assert page.locator("#message p").inner_text() == (
        "底图“市局底图”没有内容：密钥被拒绝或未授权本网站，或网络不通。已改回本项目图层。"
    )
    assert page.locator("#base").input_value() == ""
    assert page.locator(".leaflet-base-pane img").count() == 0
    assert page.locator(".leaflet-overlay-pane path").count() == before
    assert "base=" not in page.evaluate("location.hash")
    asked.clear()
    page.evaluate("() => plan.map.panBy([700, 0], { animate: false })")
    page.wait_for_timeout(300)
    assert (asked, errors) == ([], []), "it is not asked again and again"


def test_labels_that_are_refused_leave_the_basemap(based):
    page, _, errors = based(OWN | LABELS, answer=lambda url: (403, b"") if "/labels/" in url else (200, plain("teal")))
    choose(page)
    page.wait_for_selector("#message:not([hidden])")
    assert "注记没有内容" in page.locator("#message p").inner_text()
    assert not page.locator("#base-labels").is_checked()
    assert page.locator(".leaflet-base-pane img.leaflet-tile-loaded").count() > 0
    assert errors == []


# --- with the rest of the page --------------------------------------------------------------------


def test_a_link_keeps_the_basemap_and_everything_works_by_keyboard(based):
    page, asked, _ = based(OWN | LABELS)
    page.locator("#base").focus()
    page.keyboard.press("ArrowDown")
    until(page, "plan.base_at === 0")
    page.wait_for_timeout(150)
    link = page.evaluate("location.hash")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator(".leaflet-base-labels-pane img").count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className").startswith("folium-map")
    page.keyboard.press("Enter")
    assert "再点击" in page.locator("#message p").inner_text()
    page.keyboard.press("Enter")
    assert page.locator("#message p").inner_text().startswith("底图偏移 0 m")
    other, asked, _ = based(OWN | LABELS, fragment=link)
    until(other, "plan.base_at === 0")
    other.wait_for_timeout(300)
    assert asked


@pytest.mark.parametrize("exportable", [True, False])
def test_a_sheet_holds_the_basemap_where_its_host_allows_and_says_so_where_not(based, exportable):
    page, _, errors = based(OWN | {"exportable": exportable}, answer=lambda _: (200, plain("#12ab34")))
    choose(page)
    page.locator("#print-button").click()
    if not exportable:
        page.locator("#print-png").click()
        page.get_by_text("浏览器不允许把底图画进图片").wait_for(timeout=5000)
        assert errors == []
        return
    with page.expect_download() as waiting:
        page.locator("#print-png").click()
    picture = Image.open(waiting.value.path()).convert("RGB")
    share = (np.abs(np.asarray(picture).astype(int) - (0x12, 0xAB, 0x34)).max(axis=2) < 12).mean()
    assert share > 0.2


@pytest.mark.parametrize("screen", SCREENS)
def test_no_accessibility_fault_with_a_basemap_and_its_message(based, screen):
    page, _, _ = based(OWN | LABELS, screen=screen, bypass=True)
    if screen == "phone":
        page.locator("#panel-button").click()
    choose(page)
    page.add_script_tag(path=AXE)
    run = "async () => (await axe.run(document)).violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join())"
    assert page.evaluate(run) == []
    page.locator("#base-check").click()
    assert page.evaluate(run) == []


@pytest.mark.parametrize("text", [HOSTILE[n] for n in (0, 2, 4, 6, 15)])
def test_hostile_names_and_sources_of_a_basemap_are_text(based, text):
    page, _, errors = based(OWN | {"name": text, "attribution": text})
    page.on("dialog", lambda one: errors.append(one.message))
    choose(page)
    assert page.locator(".leaflet-control-attribution img, .leaflet-control-attribution script").count() == 0
    page.locator("#print-button").click()
    page.wait_for_timeout(100)
    assert page.locator("#print-preview canvas").count() == 1
    assert errors == []
