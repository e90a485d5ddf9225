"""Large layers in a real browser: from a disk, from a plain host, from one that serves ranges, from one that serves nothing."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from drawn_city import CRS, HOSTILE, X0, Y0

from gis_renovation.cli import serve
from gis_renovation.display import html
from gis_renovation.maps import PageFacts
from gis_renovation.maps import page as maps

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip: test extra)")

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium found (Debian: apt-get install chromium)"),
]

SIDE = 101
COUNT = SIDE * SIDE


def places():
    """Squares of 40 m, one per 60 m; those of the first row bear hostile names."""
    at = np.arange(COUNT)
    x, y = X0 + at % SIDE * 60.0, Y0 + at // SIDE * 60.0
    names = [HOSTILE[n] if n < len(HOSTILE) else f"龙湖新村{n}" for n in at]
    return gpd.GeoDataFrame(
        {
            "name": names,
            "households": at % 500 + 1,
            "plan_batch": np.array(["main", None, "supplement"], object)[at % 3],
        },
        geometry=shapely.box(x, y, x + 40, y + 40),
        crs=CRS,
        index=pd.Index([f"C{n:06}" for n in at], name="community_id"),
    )


@functools.lru_cache(maxsize=1)
def middles():
    """The middle of every square in degrees: latitude, longitude."""
    points = places().geometry.centroid.to_crs("EPSG:4490")
    return np.stack([points.y, points.x], axis=1).tolist()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    made = maps.map_files(
        {"communities": places()}, PageFacts(title="图", as_of=date(2024, 9, 30), show=["communities"])
    )
    (folder / "index.html").write_text(made.page, encoding="utf-8")
    for path, data in made.files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
    page = maps.map_page(
        {"communities": places()}, PageFacts(title="图", as_of=date(2024, 9, 30), show=["communities"])
    )
    (folder / "single.html").write_text(page, encoding="utf-8")
    return folder


class _Plain(http.server.SimpleHTTPRequestHandler):
    """A static host that knows no ranges."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def hosts(site):
    plain = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Plain, directory=str(site)))
    ranged = serve.preview_server(site, 0)
    for server in (plain, ranged):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "file": f"file://{site}/index.html",
        "single": f"file://{site}/single.html",
        "plain": f"http://127.0.0.1:{plain.server_address[1]}/index.html",
        "ranged": f"http://127.0.0.1:{ranged.server_address[1]}/index.html",
    }
    for server in (plain, ranged):
        server.shutdown()
        server.server_close()


class Visit:
    """One opened page, what it asked for beside itself, and what it complained of."""

    def __init__(self, browser, url, fragment=""):
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.asked, self.outside, self.errors, self.dialogs = [], [], [], []
        own = url.split("/index.html")[0].split("/single.html")[0]
        self.context.route("**/*", lambda route: self._route(route, own))
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type in {"error", "warning"} else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("dialog", lambda d: (self.dialogs.append(d.message), d.dismiss()))
        self.page.goto(url + fragment, timeout=30_000)
        self.page.wait_for_selector("body[data-ready=true]", timeout=30_000)

    def _route(self, route, own):
        if not route.request.url.startswith(own):
            self.outside.append(route.request.url)
            route.abort()
            return
        self.asked.append((route.request.url.rpartition("/")[2], route.request.headers.get("range", "")))
        route.continue_()

    def street(self, zoom=17):
        """Zoom in and wait until everything the view holds was read and drawn."""
        self.page.evaluate(f"plan.map.setZoom({zoom}, {{ animate: false }})")
        self.settle()

    def settle(self):
        self.page.wait_for_function(
            "() => { const g = plan.groups.communities, c = g.inner && g.counted();"
            " return c && c.all > 0 && c.drawn === c.all && !g.inner.isLoading(); }",
            timeout=15_000,
        )
        self.page.wait_for_timeout(150)

    def far(self):
        """Zoom out to where counts stand for the features."""
        self.page.evaluate("plan.map.setZoom(12, { animate: false })")
        self.page.wait_for_timeout(150)

    def said(self):
        return self.page.text_content("[data-shown=communities]")

    def spot(self, row):
        """Where in the window a square's middle is."""
        return self.page.evaluate(
            "([lat, lng]) => { const p = plan.map.latLngToContainerPoint([lat, lng]);"
            " const b = plan.map.getContainer().getBoundingClientRect(); return [p.x + b.x, p.y + b.y]; }",
            middles()[row],
        )


@pytest.fixture
def visit(browser):
    opened = []

    def go(url, fragment=""):
        opened.append(Visit(browser, url, fragment))
        return opened[-1]

    yield go
    for one in opened:
        one.context.close()


SHADES = """([x, y]) => { const found = [];
  document.querySelectorAll("canvas.leaflet-tile").forEach((tile) => { const b = tile.getBoundingClientRect();
    if (x < b.left || x >= b.right || y < b.top || y >= b.bottom) return;
    const ratio = tile.width / b.width;
    found.push([...tile.getContext("2d").getImageData((x - b.left) * ratio, (y - b.top) * ratio, 1, 1).data]); });
  return found; }"""


@pytest.mark.parametrize(
    ("host", "wanted", "unwanted"),
    [
        ("file", "communities.000.pm.js", "communities.pmtiles"),
        ("single", None, "communities"),
        ("plain", "communities.000.pm.js", None),
        ("ranged", "communities.pmtiles", "communities.000.pm.js"),
    ],
)
def test_every_host_shows_every_feature_and_nothing_is_asked_outside(visit, hosts, host, wanted, unwanted):
    page = visit(hosts[host])
    page.far()
    assert page.said() == f"显示 {COUNT:,} / {COUNT:,}（按 {units(page)} 个区域汇总）"
    page.street()
    assert page.outside == []
    assert page.errors == []
    names = [name for name, _ in page.asked]
    assert wanted is None or wanted in names
    assert unwanted is None or not any(unwanted in name for name in names)
    if host == "ranged":
        tiles = [span for name, span in page.asked if name == "communities.pmtiles"]
        assert all(span.startswith("bytes=") for span in tiles)


def units(page):
    return page.page.evaluate("plan.read('communities.units').ids.length")


def test_counts_of_the_far_view_add_up_to_all(visit, hosts):
    page = visit(hosts["file"])
    page.far()
    total = page.page.evaluate(
        "() => { const u = plan.read('communities.units');"
        " const c = u.columns.find((one) => one.name === 'feature_count');"
        " return c.data.map((v) => c.dict ? c.dict[v] : v).reduce((a, b) => a + b, 0); }"
    )
    assert total == COUNT
    drawn = page.page.evaluate("document.querySelectorAll('.leaflet-overlay-pane path').length")
    assert drawn == units(page), "every area is a shape on the map"
    assert page.page.is_visible("[data-far=communities]")
    page.street()
    assert not page.page.is_visible("[data-far=communities]"), "and their legend goes with them"


def test_every_square_in_the_view_is_ink_and_the_gaps_are_not(visit, hosts):
    page = visit(hosts["file"])
    page.street()
    centre = SIDE * (SIDE // 2) + SIDE // 2
    wide = page.spot(centre + 1)[0] - page.spot(centre)[0]
    for row in [centre + x + SIDE * y for x in range(-4, 5, 2) for y in (-2, 0, 2)]:
        x, y = page.spot(row)
        assert any(pixel[3] > 0 for pixel in page.page.evaluate(SHADES, [x, y])), row
        # Half a step on is the middle of the street between two squares.
        assert all(pixel[3] == 0 for pixel in page.page.evaluate(SHADES, [x + wide / 2, y])), row


def test_the_page_counts_each_feature_once_across_tile_edges(visit, hosts):
    page = visit(hosts["file"])
    page.street(int(page.page.evaluate("plan.read('communities').tiles.street_zoom")))
    drawn = page.page.evaluate("plan.groups.communities.counted()")
    ids = page.page.evaluate(
        "() => { const ids = []; plan.groups.communities.decoded(plan.map.getBounds()).forEach((tile) => tile.data.forEach("
        "(features, label) => { if (label.slice(-1) !== 'e') features.forEach((f) => ids.push(f.props.community_id)); }));"
        " return ids; }"
    )
    assert len(ids) == len(set(ids)) == drawn["drawn"] == drawn["all"]
    assert page.said() == f"显示 {len(ids):,} / {len(ids):,}（视野所在图幅），全图共 {COUNT:,}"


def test_click_opens_the_card_with_all_facts_and_the_shape_is_marked(visit, hosts):
    page = visit(hosts["single"])
    page.street()
    row = SIDE * (SIDE // 2) + SIDE // 2
    page.page.mouse.click(*page.spot(row))
    page.page.wait_for_selector(".card")
    text = page.page.text_content(".card")
    assert f"龙湖新村{row}" in text
    assert f"C{row:06}" in text
    assert f"{row % 500 + 1}" in text
    assert page.page.evaluate("plan.selected.id") == f"C{row:06}"
    box = page.page.evaluate(
        "(() => { const b = plan.mark.getBounds(); return [b.getEast() - b.getWest(), b.getNorth() - b.getSouth()]; })()"
    )
    truth = places().geometry.iloc[[row]].to_crs("EPSG:4490").total_bounds
    assert box == pytest.approx([truth[2] - truth[0], truth[3] - truth[1]], abs=4e-6)
    assert page.errors == []


def test_keyboard_reaches_a_feature_through_the_table(visit, hosts):
    page = visit(hosts["file"])
    page.far()
    page.page.focus("#table-button")
    page.page.keyboard.press("Enter")
    page.page.select_option("#sheet-layer", "communities")
    assert "放大到 14 级后逐个列出" in page.page.text_content("#sheet-count")
    page.street()
    page.page.wait_for_selector("#sheet tbody tr")
    assert f"移动地图列出别处的；共 {COUNT:,} 个" in page.page.text_content("#sheet-count")
    link = page.page.locator("#sheet tbody .link").first
    name = link.text_content()
    link.focus()
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".card")
    assert page.page.get_attribute(".card", "data-id") == name
    assert page.errors == []


def test_a_name_far_away_is_found_and_its_card_opens(visit, hosts):
    page = visit(hosts["ranged"])
    page.page.fill("#find", f"lhxc{COUNT - 1}")
    page.page.wait_for_selector("#found [role=option]")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".card", timeout=15_000)
    assert page.page.get_attribute(".card", "data-id") == f"C{COUNT - 1:06}"
    assert page.page.evaluate("document.activeElement.classList.contains('leaflet-popup-content')")
    assert page.errors == []


def test_a_link_opens_the_same_view_and_the_same_card(visit, hosts):
    first = visit(hosts["file"])
    first.street()
    row = SIDE * (SIDE // 2) + SIDE // 2
    first.page.mouse.click(*first.spot(row))
    first.page.wait_for_selector(".card")
    first.page.wait_for_timeout(200)
    fragment = first.page.evaluate("location.hash")
    second = visit(hosts["file"], fragment)
    second.page.wait_for_selector(".card", timeout=15_000)
    assert second.page.get_attribute(".card", "data-id") == f"C{row:06}"
    assert second.errors == []


def test_hostile_values_of_tiles_are_text_on_the_card_and_in_the_table(visit, hosts):
    page = visit(hosts["file"])
    page.page.evaluate("plan.map.setView([0, 0], 17, { animate: false })")
    corner = places().geometry.iloc[[5]].to_crs("EPSG:4490").total_bounds
    page.page.evaluate("([x, y]) => plan.map.setView([y, x], 17, { animate: false })", [corner[0], corner[1]])
    page.settle()
    for row in range(0, len(HOSTILE), 4):
        page.page.evaluate(
            "(id) => { plan.groups.communities.asked = id; plan.groups.communities.answer(); }", f"C{row:06}"
        )
        if page.page.evaluate("plan.selected && plan.selected.id") == f"C{row:06}":
            shown = page.page.locator(".card h2").last.text_content()
            assert shown.strip() == html.plain_text(HOSTILE[row]).strip() or shown == f"C{row:06}"
    page.page.click("#table-button")
    page.page.wait_for_selector("#sheet tbody tr")
    assert page.dialogs == []
    assert page.errors == []
    assert (
        page.page.evaluate(
            "document.querySelectorAll('#sheet tbody img, #sheet tbody script, .card img, .card script').length"
        )
        == 0
    )


def test_missing_files_are_said_in_one_sentence_and_the_counts_stay(visit, hosts, site, tmp_path):
    shutil.copy(site / "index.html", tmp_path / "index.html")
    page = visit(f"file://{tmp_path}/index.html")
    page.far()
    assert page.said().startswith(f"显示 {COUNT:,} / {COUNT:,}")
    page.page.evaluate("plan.map.setZoom(17, { animate: false })")
    page.page.wait_for_selector(".tile-fault[role=alert]", timeout=15_000)
    text = page.page.text_content(".tile-fault")
    assert "“小区”的数据文件没有读到" in text
    assert "tiles 文件夹" in text
    assert page.said() == ""
    assert page.page.locator(".tile-fault").count() == 1
