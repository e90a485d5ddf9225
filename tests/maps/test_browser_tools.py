"""Tools of the map page in a real browser: measuring, the sheet on paper, sharing, position, full screen."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from drawn_city import HOSTILE, hostile_layers, layers
from PIL import Image
from pyproj import Geod

pytestmark = pytest.mark.browser

GRS80 = Geod(ellps="GRS80")


# --- measuring ------------------------------------------------------------------------------------


def measured(page, places, *, area):
    page.evaluate(
        """([places, area]) => { plan.measure.area = area; plan.measure.places = places.map((p) => L.latLng(p)); plan.measure.draw(); }""",
        [places, area],
    )
    return page.locator("#measure-said").inner_text()


def amount(said, before, unit):
    return float(re.search(rf"{before} ?([\d,.]+) {unit}", said).group(1).replace(",", ""))


@pytest.mark.parametrize(
    "places",
    [
        [[32.6, 117.0], [32.6005, 117.0], [32.6005, 117.0007], [32.6, 117.0007]],
        [[32.62, 116.9], [32.7, 117.01], [32.55, 117.2], [32.5, 116.95]],
        [[32.0, 116.0], [33.5, 116.2], [33.2, 118.0], [32.1, 117.6]],
    ],
    ids=["block", "city", "prefecture"],
)
def test_lengths_and_areas_are_those_of_an_independent_geodesic_library(visit, places):
    page = visit(layers()).page
    page.locator("#measure-button").click()
    lat, lon = [p[0] for p in places], [p[1] for p in places]
    length = GRS80.line_length(lon, lat)
    ring_m2, around_m = GRS80.polygon_area_perimeter(lon, lat)
    said = measured(page, places, area=False)
    assert amount(said, "距离", "m") == pytest.approx(length, abs=0.6 if length > 100 else 0.06)
    said = measured(page, places, area=True)
    square = amount(said, "面积", "m²")
    # A side is the arc of a great circle on the sphere of equal area; over 150 km that is 1e-5 off the geodesic's.
    assert square == pytest.approx(abs(ring_m2), rel=1e-5, abs=0.6)
    assert amount(said, "=", "亩") == pytest.approx(square * 3 / 2000, abs=0.01)
    assert amount(said, "=", "ha") == pytest.approx(square / 10_000, abs=0.01)
    assert amount(said, "周长", "m") == pytest.approx(around_m, abs=0.6)


def test_measuring_by_click_and_by_keyboard_opens_no_card(visit):
    one = visit(layers())
    page = one.page
    page.locator("#measure-button").focus()
    page.keyboard.press("Enter")
    assert page.locator("#measure-said").inner_text().startswith("在地图上依次点击")
    page.locator(".leaflet-container").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    assert page.evaluate("plan.measure.places.length") == 2
    area = page.locator(".leaflet-container").bounding_box()
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] / 3)
    page.wait_for_timeout(400)
    assert page.evaluate("plan.measure.places.length") == 3
    assert page.locator(".card").count() == 0
    page.locator("#measure-undo").click()
    assert page.evaluate("plan.measure.places.length") == 2
    page.keyboard.press("Escape")
    assert not page.locator("#measure").is_visible()
    assert page.evaluate("document.activeElement.id") == "measure-button"
    one.assert_quiet()


# --- on paper -------------------------------------------------------------------------------------


def saved_png(page, paper, upright):
    page.locator("#print-button").click()
    page.locator("#paper").select_option(paper)
    page.locator("#upright").select_option("1" if upright else "0")
    with page.expect_download() as waiting:
        page.locator("#print-png").click()
    data = Path(waiting.value.path()).read_bytes()
    return waiting.value.suggested_filename, Image.open(io.BytesIO(data)).convert("RGB"), Image.open(io.BytesIO(data))


@pytest.mark.parametrize(("paper", "upright", "size_mm"), [("A4", False, (297, 210)), ("A3", True, (297, 420))])
def test_the_saved_sheet_has_its_size_and_shows_the_map_and_what_belongs_to_it(visit, paper, upright, size_mm):
    one = visit(layers(), synthetic=True, attribution="示例数据", map_number="皖S(2024)1号")
    page = one.page
    name, picture, raw = saved_png(page, paper, upright)
    assert name == f"map-2024-09-30-{paper}.png"
    assert picture.size == tuple(pytest.approx(mm / 25.4 * 200, abs=1) for mm in size_mm)
    assert raw.info["dpi"] == (pytest.approx(200, abs=0.1), pytest.approx(200, abs=0.1))
    sheet = page.evaluate(
        """([paper, upright]) => { const s = new plan.Sheet(plan, paper, upright);
             const at = (row) => { const p = s.at(plan.centres(plan.read("zones")).at(row)); return [p.x, p.y]; };
             return { box: [s.left, s.top, s.wide, s.high], edge: s.edge, zone: at(0), metres: s.metres(),
                      fill: plan.read("zones").symbols[plan.read("zones").cls[0]].fill, entries: s.entries.map((e) => [e.text, e.count]) }; }""",
        [paper, upright],
    )
    dots = 200 / 96

    def crop(x, y, wide, high):
        return picture.crop(tuple(round(v * dots) for v in (x, y, x + wide, y + high)))

    def ink(part):
        return float((np.asarray(part).min(axis=2) < 110).mean())

    left, top, wide, high = sheet["box"]
    assert len(crop(left, top, wide, high).getcolors(10**7)) > 500, "the map is drawn"
    colours = {colour for _, colour in crop(sheet["zone"][0] - 60, sheet["zone"][1] - 60, 120, 120).getcolors(10**7)}
    wanted = tuple(int(sheet["fill"][i : i + 2], 16) for i in (1, 3, 5))
    assert any(sum(abs(a - b) for a, b in zip(c, wanted, strict=True)) < 90 for c in colours), "a zone in its colour"
    for what, part in {
        "title": crop(sheet["edge"], sheet["edge"], 300, 36),
        "legend": crop(left + wide + 12, top, 180, 200),
        "north": crop(left + wide - 42, top + 8, 32, 58),
        "scale": crop(left + wide - 180, top + high - 46, 170, 40),
        "number, date and source": crop(left, top + high + 4, 300, 30),
    }.items():
        assert ink(part) > 0.01, what
    assert ["小区", 9] in sheet["entries"]
    assert ["增补计划", 3] in sheet["entries"]
    # The page says its scale: the ground that one inch of the sheet shows.
    corners = page.evaluate(
        """([paper, upright]) => { const s = new plan.Sheet(plan, paper, upright), y = s.top + s.high / 2, x = s.left + s.wide / 2;
             return [s.latLng(x - 48, y), s.latLng(x + 48, y)].map((p) => [p.lng, p.lat]); }""",
        [paper, upright],
    )
    inch_m = GRS80.inv(*corners[0], *corners[1])[2]
    assert sheet["metres"] * 96 == pytest.approx(inch_m, rel=1e-4)
    one.assert_quiet()


def test_a_legend_beside_the_map_is_as_wide_as_its_longest_text_needs(visit):
    page = visit(layers()).page
    page.evaluate("() => { plan.read('communities').label = '小区：300 m 内可到公园的临路长度占比'; }")
    texts = page.evaluate(
        """() => { const s = new plan.Sheet(plan, "A4", false), ctx = document.createElement("canvas").getContext("2d");
             const size = 12 * Math.max(0.7, s.squeeze);
             return s.entries.map((e) => { ctx.font = s.font(size, e.head ? 600 : 400);
               const count = e.count === null ? "" : e.count.toLocaleString("en-US");
               const room = s.column - 14 - (e.symbol || e.bubble ? (e.head ? 33 : 41) : 0) - ctx.measureText(count).width - 8;
               return [e.text, s.fit(ctx, e.text, room), s.column * s.columns]; }); }"""
    )
    assert [text for text, drawn, _ in texts if drawn != text] == []
    assert texts[0][2] <= 440


def test_printing_shows_the_sheet_alone(visit):
    one = visit(layers())
    page = one.page
    page.evaluate("() => { window.printed = 0; window.print = () => { window.printed += 1; }; }")
    page.locator("#print-button").click()
    page.locator("#print-paper").click()
    page.wait_for_selector("body.on-paper", timeout=15_000)
    assert page.evaluate("window.printed") == 1
    page.emulate_media(media="print")
    assert page.locator("#paper-sheet img").is_visible()
    assert not page.locator(".head").is_visible()
    assert page.evaluate("document.querySelector('#paper-sheet style').textContent").startswith(
        "@page { size: A4 landscape"
    )
    page.emulate_media(media="screen")
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#paper-sheet img").count() == 0
    one.assert_quiet()


# --- sharing, position, full screen ---------------------------------------------------------------


def test_a_frame_shows_the_map_alone_with_the_same_view(visit):
    one = visit(layers(), show=["communities", "parks"], title='"><b>图</b>')
    page = one.page
    page.evaluate("() => plan.visit('communities', 4)")
    page.wait_for_timeout(150)
    page.locator("#share-button").click()
    code = page.locator("#share-code").input_value()
    assert "本页从文件打开" in page.locator("#share-said").inner_text()
    page.locator("#share-copy-code").click()
    page.get_by_text(re.compile("^(已复制。|已选中，请按 Ctrl\\+C 复制。)$")).wait_for(timeout=5_000)
    source, title = page.evaluate(
        """(code) => { const d = new DOMParser().parseFromString(code, "text/html");
             if (d.body.children.length !== 1) throw new Error(code);
             return [d.body.firstChild.getAttribute("src"), d.body.firstChild.title]; }""",
        code,
    )
    assert title == '"><b>图</b>'
    assert source.endswith("&embed=1")
    page.keyboard.press("Escape")
    assert not page.locator("#share").is_visible()
    two = visit(layers(), show=["communities", "parks"], fragment=source[source.index("#") :])
    assert not two.page.locator(".head").is_visible()
    assert not two.page.locator("#side").is_visible()
    assert two.page.locator("main").bounding_box()["height"] == 900
    assert two.page.locator(".card h2").inner_text() == page.evaluate("plan.title(plan.read('communities'), 4)")
    assert "embed" not in two.page.locator("#embed-open").get_attribute("href")
    one.assert_quiet()
    two.assert_quiet()


def test_position_is_asked_for_on_a_click_only_and_a_file_says_why_not(visit):
    one = visit(layers())
    page = one.page
    page.evaluate(
        "() => { window.asked = 0; navigator.geolocation.getCurrentPosition = () => { window.asked += 1; }; }"
    )
    assert not page.locator("#message").is_visible()
    page.locator("#locate-button").click()
    assert page.locator("#message p").inner_text().startswith("从文件打开的网页不能定位")
    assert page.evaluate("window.asked") == 0
    page.locator("#message-close").click()
    assert not page.locator("#message").is_visible()
    one.assert_quiet()


def test_full_screen_that_is_refused_says_what_else_to_do(visit):
    one = visit(layers())
    page = one.page
    page.evaluate("() => { document.documentElement.requestFullscreen = () => Promise.reject(new TypeError('no')); }")
    page.locator("#full-button").click()
    page.wait_for_selector("#message:not([hidden])")
    assert "F11" in page.locator("#message p").inner_text()
    one.assert_quiet()


@pytest.mark.parametrize("text", [HOSTILE[n] for n in (0, 2, 4, 6, 15, 16, 18)])
def test_hostile_text_runs_nothing_in_the_tools(visit, text):
    one = visit(hostile_layers(text), title=text, attribution=text, map_number=text)
    page = one.page
    page.evaluate("plan.order.forEach((name) => plan.show(name, true))")
    page.locator("#print-button").click()
    assert page.locator("#print-preview canvas").count() == 1
    page.keyboard.press("Escape")
    page.locator("#share-button").click()
    assert (
        page.evaluate(
            "() => new DOMParser().parseFromString(document.getElementById('share-code').value, 'text/html').body.children.length"
        )
        == 1
    )
    page.keyboard.press("Escape")
    page.locator("#measure-button").click()
    one.assert_quiet()
