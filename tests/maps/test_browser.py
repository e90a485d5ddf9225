"""The map page in a real browser, opened as a file with every other request stopped and written down."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from drawn_city import CRS, HOSTILE, NAMES, X0, Y0, hostile_layers, layers
from shapely.geometry import box

from gis_renovation.display import html
from gis_renovation.maps import assets

pytestmark = pytest.mark.browser


def click_community(page, name):
    """Click on the middle of a community as a person would."""
    box = page.locator(".leaflet-container").bounding_box()
    spot = page.evaluate(
        """(name) => { const l = plan.read("communities"), c = l.columns[l.title];
             const row = l.ids.findIndex((_, i) => (c.dict ? c.dict[c.data[i]] : c.data[i]) === name);
             const p = plan.map.latLngToContainerPoint(plan.features.communities[row].getBounds().getCenter());
             return [p.x, p.y]; }""",
        name,
    )
    # A little off the middle, where links between communities end.
    page.mouse.click(box["x"] + spot[0] + 30, box["y"] + spot[1] + 20)
    page.wait_for_selector(".card", timeout=5000)


def test_page_opens_from_a_file_without_a_request_or_an_error(visit):
    one = visit(layers(), synthetic=True, attribution="示例数据")
    one.assert_quiet()
    assert one.page.locator(".note").first.inner_text().startswith("合成示例数据，非真实")
    assert one.page.title() == "示意市工作图"
    drawn = one.page.locator(".leaflet-overlay-pane path").count()
    shown = one.page.evaluate("plan.visible().reduce((n, name) => n + plan.read(name).ids.length, 0)")
    markers = one.page.locator(".leaflet-marker-pane .mark").count()
    assert drawn + markers == shown


def test_scale_is_metric_and_no_flag_stands_in_the_attribution(visit):
    one = visit(layers(), attribution="示例数据")
    assert one.page.locator(".leaflet-control-scale-line").count() == 1
    assert one.page.locator(".leaflet-control-scale-line").inner_text().strip().endswith("m")
    attribution = one.page.locator(".leaflet-control-attribution")
    assert "示例数据" in attribution.inner_text()
    assert attribution.locator("svg").count() == 0


def test_click_opens_the_card_of_the_community(visit):
    one = visit(layers())
    click_community(one.page, "龙湖新村")
    card = one.page.locator(".card")
    assert card.locator("h2").inner_text() == "龙湖新村"
    words = card.inner_text()
    assert "300 户" in words
    assert "25,000 m²" in words
    assert "已开工" in words
    one.assert_quiet()


def test_unknown_reads_unknown_on_the_card(visit):
    one = visit(layers())
    click_community(one.page, NAMES[8])
    facts = dict(
        zip(one.page.locator(".card dt").all_inner_texts(), one.page.locator(".card dd").all_inner_texts(), strict=True)
    )
    assert facts["户数"] == "未知"
    assert facts["计划批次"] == "未知"


def test_layers_switch_on_and_off_with_the_keyboard(visit):
    expect = pytest.importorskip("playwright.sync_api").expect
    one = visit(layers())
    box = one.page.locator('input[data-layer="slow_paths"]')
    assert not box.is_checked()
    shapes = one.page.locator(".leaflet-overlay-pane path")
    before = shapes.count()
    theme = one.page.locator("details.theme", has=box)
    if not theme.evaluate("e => e.open"):
        theme.locator("summary").focus()
        one.page.keyboard.press("Enter")
    box.focus()
    one.page.keyboard.press("Space")
    expect(shapes).to_have_count(before + 1)
    one.page.keyboard.press("Space")
    expect(shapes).to_have_count(before)


@pytest.mark.parametrize("typed", ["舜耕", "sgjy", "c8"])
def test_search_finds_by_part_of_the_name_by_initials_and_by_id(visit, typed):
    one = visit(layers())
    one.page.locator("#find").fill(typed)
    assert one.page.locator("#found [role=option]").first.inner_text().split()[0] in {"舜耕家园", "舜耕公园"}
    option = one.page.locator("#found [role=option]", has_text="舜耕家园")
    one.page.keyboard.press("ArrowDown")
    assert option.count() == 1
    one.page.keyboard.press("Enter")
    one.page.wait_for_selector(".card")
    assert one.page.locator(".card h2").inner_text() == "舜耕家园"
    assert one.page.evaluate("document.activeElement.contains(document.querySelector('.card'))"), (
        "the card has the focus"
    )
    one.page.keyboard.press("Escape")
    one.page.wait_for_selector(".card", state="detached", timeout=5000)
    one.assert_quiet()


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("龙湖新村", "lhxc"),
        ("田家庵区机关", "tjaqjg"),
        ("八公山", "bgs"),
        ("Block 7号", "block7h"),
        ("翡翠苑", "fcy"),
        ("晖鑫苑", "hxy"),
        ("璟晖府", "jhf"),
        ("重庆路小区", "cqlxq"),
        ("银行宿舍", "yhss"),
        ("音乐学院", "yyxy"),
        ("厦门路小区", "xmlxq"),
        ("长淮新村", "chxc"),
        ("圩埂新村", "wgxc"),
    ],
)
def test_names_are_found_by_the_initials_of_their_pinyin(visit, name, typed):
    made = layers()["communities"]
    made.loc["C5", "name"] = name
    page = visit({"communities": made}).page
    page.locator("#find").fill(typed)
    assert name in page.locator("#found .what").all_inner_texts()


def test_a_community_without_a_name_is_found_by_its_id(visit):
    made = layers()["communities"]
    made["name"] = made["name"].astype("str")
    made.loc["C5", "name"] = None
    page = visit({"communities": made}).page
    page.locator("#find").fill("C5")
    assert page.locator("#found .what").all_inner_texts() == ["C5"]


def test_equal_names_are_told_apart_by_county_or_id(visit):
    made = layers()
    made["communities"].loc[["C1", "C2"], "name"] = "同名新村"
    page = visit(made).page
    page.locator("#find").fill("同名")
    where = page.locator("#found .where").all_inner_texts()
    assert [text.split()[-1] for text in where] == ["C1", "C2"], "one county: the id"


def test_the_table_does_not_cut_off_the_open_card(visit):
    one = visit(layers())
    click_community(one.page, NAMES[0])
    one.page.locator("#table-button").click()
    one.page.wait_for_timeout(600)
    close = one.page.locator(".leaflet-popup-close-button").bounding_box()
    area = one.page.locator(".leaflet-container").bounding_box()
    assert close["y"] >= area["y"]
    assert close["y"] + close["height"] <= area["y"] + area["height"]
    one.page.locator(".leaflet-popup-close-button").click()
    one.assert_quiet()


def test_what_cuts_communities_apart_stands_open_in_the_legend(visit):
    page = visit(layers()).page
    assert page.locator("input[data-layer=barriers]").is_visible()
    assert page.locator("input[data-layer=barriers]").is_checked()


def test_streets_in_many_pieces_are_found_once(visit):
    made = layers()
    made["streets"]["name"] = "朝阳路"
    page = visit(made).page
    page.locator("#find").fill("朝阳路")
    assert page.locator("#found [role=option]").count() == 1


def test_search_says_when_nothing_is_found(visit):
    one = visit(layers())
    one.page.locator("#find").fill("没有这个小区")
    assert one.page.locator("#found").inner_text() == "没有找到"


def test_links_differ_by_dash(visit):
    one = visit(layers())
    dashes = one.page.evaluate(
        "plan.features.community_links.map(item => item.getElement().getAttribute('stroke-dasharray'))"
    )
    assert len(set(dashes)) == 3


def test_a_link_to_a_view_shows_the_same_view_again(visit):
    one = visit(layers())
    one.page.evaluate("plan.show('slow_paths', true); plan.show('zones', false); plan.visit('communities', 4)")
    one.page.wait_for_timeout(200)
    fragment = one.page.evaluate("location.hash")
    two = visit(layers(), fragment=fragment)
    assert two.page.locator(".card h2").inner_text() == NAMES[4]
    assert two.page.locator('input[data-layer="slow_paths"]').is_checked()
    assert not two.page.locator('input[data-layer="zones"]').is_checked()
    two.assert_quiet()


@pytest.mark.parametrize("text", [HOSTILE[n] for n in (0, 2, 4, 6, 8, 13, 16)])
def test_hostile_text_shows_as_text_and_runs_nothing(visit, text):
    one = visit(hostile_layers(text), title=text, attribution=text, map_number=text)
    page = one.page
    page.evaluate("plan.order.forEach((name) => plan.show(name, true))")
    page.evaluate("plan.visit('communities', 0)")
    expected = html.plain_text(text)
    assert page.locator(".card h2").text_content() == expected
    assert page.locator("h1").text_content() == expected
    assert expected in page.locator(".side").text_content()
    assert expected in page.locator(".leaflet-control-attribution").text_content()
    page.locator("#find").fill(text[:40])
    page.wait_for_timeout(100)
    assert page.locator("#found .what").first.text_content() == expected
    for tag in ("img", "script:not([type])", "b", "form", "iframe"):
        assert page.locator(f"main {tag}, .side {tag}, .head {tag}").count() == 0, tag
    one.assert_quiet()


def test_phone_shows_the_map_first_and_the_layers_on_request(visit):
    one = visit(layers(), screen="phone", synthetic=True)
    page = one.page
    assert not page.locator("#side").is_visible()
    assert page.locator("main").bounding_box()["height"] > 600
    page.locator("#panel-button").tap()
    assert page.locator("#side").is_visible()
    assert page.locator("#panel-button").get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#panel-button").tap()
    click_community(page, "龙湖新村")
    page.wait_for_timeout(500)  # the map slides until the whole card is on the screen
    card = page.locator(".card").bounding_box()
    assert card["x"] >= 0
    assert card["x"] + card["width"] <= 390
    one.assert_quiet()


def test_far_out_counts_stand_for_the_communities_and_add_up(visit):
    far = layers()
    moved = far["communities"].iloc[:4].copy()
    moved.index = pd.Index([f"D{i}" for i in range(4)], name="community_id")
    moved.geometry = moved.geometry.translate(40_000, 20_000)
    far["communities"] = pd.concat([far["communities"], moved])
    one = visit({"communities": far["communities"]})
    page = one.page
    numbers = [int(text) for text in page.locator(".bubble").all_inner_texts()]
    assert sorted(numbers) == [4, 9]
    assert page.locator(".leaflet-overlay-pane path").count() == 0
    assert page.locator(".bubble").first.get_attribute("title").endswith("放大查看")
    page.locator(".bubble", has_text="4").click()
    for _ in range(4):
        if page.locator(".bubble").count():
            page.locator(".bubble").first.click()
            page.wait_for_timeout(100)
    assert page.locator(".leaflet-overlay-pane path").count() > 0
    one.assert_quiet()


def many_buildings(count=2500):
    rows = [
        box(X0 + (i % 50) * 30, Y0 + (i // 50) * 30, X0 + (i % 50) * 30 + 20, Y0 + (i // 50) * 30 + 20)
        for i in range(count)
    ]
    return gpd.GeoDataFrame(
        {"floors": [i % 7 for i in range(count)]},
        geometry=rows,
        crs=CRS,
        index=pd.Index([f"B{i:05}" for i in range(count)], name="building_id"),
    )


def test_thousands_of_shapes_are_painted_every_one_and_open_their_card(visit):
    one = visit({"buildings": many_buildings()}, show=["buildings"])
    page = one.page
    page.evaluate("() => { plan.map.setZoom(16, { animate: false }); }")
    page.wait_for_timeout(300)
    assert page.locator(".leaflet-overlay-pane path").count() == 0
    painted = page.evaluate(
        """() => { const size = plan.map.getSize(), layer = plan.groups.buildings;
             let inView = 0, hit = 0;
             plan.read("buildings").ids.forEach((id, row) => {
               const at = plan.centres(plan.read("buildings")).at(row), p = plan.map.latLngToContainerPoint(at);
               if (p.x < 0 || p.y < 0 || p.x > size.x || p.y > size.y) return;
               inView += 1;
               if (layer.hit(at, plan.map.getZoom()) === row) hit += 1; });
             return [inView, hit]; }"""
    )
    assert painted[0] > 300
    assert painted[1] == painted[0]
    spot = page.evaluate(
        """() => { const at = plan.centres(plan.read("buildings")).at(1234), p = plan.map.latLngToContainerPoint(at);
             return [p.x, p.y]; }"""
    )
    frame = page.locator(".leaflet-container").bounding_box()
    page.mouse.click(frame["x"] + spot[0], frame["y"] + spot[1])
    page.wait_for_selector(".card")
    assert page.locator(".card").get_attribute("data-id") == "B01234"
    assert "2 层" in page.locator(".card").inner_text()
    one.assert_quiet()


def test_a_shape_of_a_few_pixels_is_hit_beside_it_and_none_far_from_it(visit):
    one = visit({"buildings": many_buildings()}, show=["buildings"])
    hits = one.page.evaluate(
        """() => { const layer = plan.groups.buildings, spot = plan.centres(plan.read("buildings"));
             plan.map.setZoom(14, { animate: false });
             const beside = (row, west, north) => {
               const p = plan.map.latLngToContainerPoint(spot.at(row)).add([west, north]);
               return layer.hit(plan.map.containerPointToLatLng(p), plan.map.getZoom()); };
             // Row 0 is the south-western corner: 20 m are 2.5 pixels, the next building stands 3.7 pixels on.
             return [beside(0, 0, 0), beside(0, -4, 0), beside(0, 0, 5), beside(0, -40, 0)]; }"""
    )
    assert hits == [0, 0, 0, -1]
    one.assert_quiet()


def test_numbers_stand_as_they_do_in_the_tables_beside_the_map(visit):
    values = [0, 0.4, -0.4, 7, 12.5, 999.994, 1000, -1234.5678, 22595, 1735100.26, 1e9, 0.0049]
    page = visit(layers()).page
    said = page.evaluate(
        f"""(values) => {{ {assets.asset_js("page/words.js")}
        return [0, 1, 2].map((digits) => values.map((value) => number(value, digits))); }}""",
        values,
    )

    def python(value, digits):
        text = f"{value:,.{digits}f}"
        text = text.rstrip("0").rstrip(".") if digits else text
        return "0" if float(text.replace(",", "")) == 0 else text

    # Halves are left out: Python rounds them to even.
    whole = [value for value in values if value != 12.5]
    assert [[text for text, value in zip(row, values, strict=True) if value in whole] for row in said] == [
        [python(value, digits) for value in whole] for digits in (0, 1, 2)
    ]
    assert [row[values.index(12.5)] for row in said] == ["13", "12.5", "12.5"]


def test_painted_tiles_show_each_building_as_ink(visit):
    one = visit({"buildings": many_buildings()}, show=["buildings"])
    page = one.page
    page.evaluate("() => { plan.map.setZoom(15, { animate: false }); }")
    page.wait_for_timeout(300)
    missing = page.evaluate(
        """() => { const tiles = [...document.querySelectorAll("canvas.leaflet-tile")]
               .map((c) => [c, c.getBoundingClientRect(), c.getContext("2d")]);
             const frame = document.querySelector(".leaflet-container").getBoundingClientRect();
             let missing = 0;
             plan.read("buildings").ids.forEach((id, row) => {
               const p = plan.map.latLngToContainerPoint(plan.centres(plan.read("buildings")).at(row));
               const x = p.x + frame.x, y = p.y + frame.y;
               const tile = tiles.find(([, r]) => x >= r.left && x < r.right && y >= r.top && y < r.bottom);
               if (!tile) return;
               const ink = tile[2].getImageData(x - tile[1].left, y - tile[1].top, 1, 1).data[3];
               if (ink === 0) missing += 1; });
             return [tiles.length, missing]; }"""
    )
    assert missing[0] > 0
    assert missing[1] == 0


# --- the table ------------------------------------------------------------------------------------


def test_table_has_the_same_rows_sorts_with_unknown_last_and_filters(visit):
    one = visit(layers())
    page = one.page
    page.locator("#table-button").click()
    assert page.locator("#sheet tbody tr").count() == 9
    heads = page.locator("#sheet thead button").all_inner_texts()
    at = heads.index("户数")
    column = f"#sheet tbody tr td:nth-child({at + 1})"
    page.locator("#sheet thead button").nth(at).click()
    page.locator("#sheet thead button").nth(at).click()
    numbers = page.locator(column).all_inner_texts()
    assert numbers == ["650 户", "600 户", "550 户", "500 户", "450 户", "400 户", "350 户", "300 户", "未知"]
    assert page.locator("#sheet th[aria-sort=descending]").count() == 1
    page.locator("#sheet-filter").fill("舜耕")
    assert page.locator("#sheet tbody tr").count() == 1
    assert page.locator("#sheet-count").inner_text() == "第 1–1 行，共 1 行（全部 9）"
    one.assert_quiet()


def test_row_opens_the_card_and_the_shape_marks_its_row(visit):
    one = visit(layers())
    page = one.page
    page.locator("#table-button").click()
    page.locator("#sheet tbody tr", has_text=NAMES[4]).locator("button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".card")
    assert page.locator(".card h2").inner_text() == NAMES[4]
    assert page.locator("#sheet tr.selected").inner_text().startswith("C5")
    page.evaluate("() => { plan.open('communities', 0, null); }")
    assert page.locator("#sheet tr.selected").inner_text().startswith("C1")
    page.locator("#sheet-filter").press("Escape")
    assert not page.locator("#sheet").is_visible()
    one.assert_quiet()


def test_the_table_is_filtered_by_initials_too_and_says_when_no_row_fits(visit):
    one = visit(layers())
    page = one.page
    page.locator("#table-button").click()
    page.locator("#sheet-filter").fill("sgjy")
    page.wait_for_timeout(300)
    assert page.locator("#sheet tbody td").first.inner_text() == "舜耕家园"
    assert page.locator("#sheet tbody tr").count() == 1
    page.locator("#sheet-filter").fill("zzzz")
    page.wait_for_timeout(300)
    assert page.locator("#sheet-count").inner_text() == "没有符合条件的行（全部 9）"
    one.assert_quiet()


def test_table_pages_through_thousands_of_rows(visit):
    one = visit({"buildings": many_buildings()})
    page = one.page
    page.locator("#table-button").click()
    assert page.locator("#sheet tbody tr").count() == 100
    page.locator("#sheet-after").click()
    assert page.locator("#sheet-count").inner_text() == "第 101–200 行，共 2500 行（全部 2500）"
    assert page.locator("#sheet tbody th").first.inner_text() == "B00100"


# --- months ---------------------------------------------------------------------------------------


def test_slider_shows_how_far_the_works_had_come_each_month(visit):
    one = visit(layers(), show=["communities", "community_states"])
    page = one.page
    assert page.locator("#months").is_visible()
    fills = "() => plan.features.community_states.map((item) => item.getElement().getAttribute('fill'))"
    september = page.evaluate(fills)
    page.locator("#months-range").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#months-said").inner_text().startswith("2024-08-31")
    assert "招标 2" in page.locator("#months-said").inner_text()
    august = page.evaluate(fills)
    assert august[:2] != september[:2], "C1 and C2 belong to the project"
    assert august[2:] == september[2:], "the others have no record in either month"
    page.wait_for_timeout(150)
    two = visit(layers(), fragment=page.evaluate("location.hash"))
    assert two.page.locator("#months-said").inner_text().startswith("2024-08-31")
    assert two.page.evaluate(fills) == august
    page.locator('input[data-layer="community_states"]').evaluate("box => box.click()")
    assert not page.locator("#months").is_visible()
    one.assert_quiet()
    two.assert_quiet()


# --- everybody can use it -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["print", "share"])
def test_a_dialog_keeps_the_keyboard_until_it_is_closed_and_gives_it_back(visit, name):
    one = visit(layers())
    page = one.page
    page.locator(f"#{name}-button").focus()
    page.keyboard.press("Enter")
    assert page.locator(f"#{name}").is_visible()
    stops = []
    for _ in range(12):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("(id) => document.getElementById(id).contains(document.activeElement)", name))
    # Between the last control and the first a browser shows its own bar; nothing of the page behind is reached.
    outside = page.evaluate("document.activeElement !== document.body && !document.activeElement.closest('dialog')")
    assert not outside
    assert sum(stops) >= 9
    page.keyboard.press("Escape")
    assert not page.locator(f"#{name}").is_visible()
    assert page.evaluate("document.activeElement.id") == f"{name}-button"
    one.assert_quiet()


def test_the_rows_as_filtered_are_saved_for_a_spreadsheet(visit):
    made = layers()
    made["communities"].loc["C2", "name"] = '=HYPERLINK("http://a")'
    one = visit(made)
    page = one.page
    page.locator("#table-button").click()

    def saved():
        with page.expect_download() as waiting:
            page.locator("#sheet-save").click()
        data = Path(waiting.value.path()).read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        return waiting.value.suggested_filename, list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))

    name, (head, *rows) = saved()
    assert name == "communities-2024-09-30.csv"
    assert [row[0] for row in rows] == [f"C{n}" for n in range(1, 10)]
    column = {title: at for at, title in enumerate(head)}
    assert rows[1][column["小区名称"]] == '\'=HYPERLINK("http://a")'
    households = next(at for title, at in column.items() if title.startswith("户数"))
    assert (head[households], rows[0][households], rows[8][households]) == ("户数 (户)", "300", "未知")
    page.locator("#sheet-filter").fill("舜耕")
    assert [row[0] for row in saved()[1][1:]] == ["C8"]
    one.assert_quiet()


def test_keyboard_reaches_every_control_in_order_and_is_never_trapped(visit):
    one = visit(layers(), synthetic=True)
    page = one.page
    stops = []
    for _ in range(70):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => { const e = document.activeElement;
                 return e.id || e.getAttribute("data-layer") || e.className || e.tagName; }"""
        )
        if stops and stop in {"BODY", stops[0]}:
            break
        stops.append(stop)
    assert stops[0] == "skip"
    wanted = [
        "table-button",
        "home-button",
        "large-button",
        "print-button",
        "share-button",
        "find",
        "communities",
        "zones",
        "show-names",
        "measure-button",
        "full-button",
        "locate-button",
    ]
    places = [stops.index(stop) for stop in wanted]
    assert places == sorted(places)
    assert any("leaflet-control-zoom-in" in stop for stop in stops)
    assert len(stops) < 60, "no shape of the map is a stop of its own"


def test_large_type_makes_everything_larger(visit):
    one = visit(layers())
    page = one.page
    size = "() => parseFloat(getComputedStyle(document.querySelector('.entry .what')).fontSize)"
    before = page.evaluate(size)
    page.locator("#large-button").click()
    assert page.evaluate(size) >= 1.25 * before
    names = "() => parseFloat(getComputedStyle(document.querySelector('.leaflet-names-pane .name.community')).fontSize)"
    page.wait_for_timeout(150)
    assert page.evaluate(names) >= 1.25 * 12
    # The choice stays with the reader, and is the one the pages of the site know.
    assert page.evaluate("localStorage.getItem('large-type')") == "yes"
    page.reload()
    page.wait_for_selector("body.large[data-ready=true]")
    assert page.locator("#large-button").get_attribute("aria-pressed") == "true"
    one.assert_quiet()


def test_print_shows_title_legend_and_scale_without_the_controls(visit):
    one = visit(layers(), synthetic=True)
    page = one.page
    page.emulate_media(media="print")
    assert page.locator("h1").is_visible()
    assert page.locator(".note").is_visible()
    assert page.locator("ul.legend").first.is_visible()
    assert page.locator(".leaflet-control-scale").is_visible()
    for hidden in (".tools", ".finder", ".leaflet-control-zoom"):
        assert not page.locator(hidden).is_visible(), hidden
    assert len(page.pdf(format="A3", landscape=True, print_background=True)) > 20_000


def test_the_page_says_how_much_of_how_many_the_view_holds(visit):
    one = visit(layers())
    page = one.page
    assert page.locator("#in-view").inner_text() == "当前视野：小区 9 / 9"
    page.evaluate("() => plan.visit('communities', 0)")
    page.wait_for_timeout(200)
    inside = page.evaluate(
        """() => plan.read("communities").ids.filter((_, row) =>
             plan.map.getBounds().contains(plan.centres(plan.read("communities")).at(row))).length"""
    )
    assert page.locator("#in-view").inner_text() == f"当前视野：小区 {inside} / 9"
    assert page.locator("#in-view").get_attribute("role") == "status"


def test_the_view_is_told_by_the_layers_that_are_on(visit):
    one = visit(layers())
    page, said = one.page, one.page.locator("#in-view")

    def shows(*names):
        page.evaluate("(on) => plan.order.forEach((name) => plan.show(name, on.includes(name)))", list(names))
        page.wait_for_timeout(200)
        return said.inner_text()

    assert shows("communities") == "当前视野：小区 9 / 9"
    assert shows("community_states").startswith("当前视野：小区 9 / 9"), "the same communities, by their states"
    zones = page.evaluate("() => plan.read('zones')")
    assert shows("zones") == f"当前视野：{zones['label']} {zones['count']} / {zones['count']}"
    assert shows() == "未打开任何图层"
    one.assert_quiet()


@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_a_card_stands_clear_of_the_months_though_its_shape_lies_under_them(visit, screen):
    one = visit(layers(), screen=screen, show=["communities", "community_states"])
    page = one.page
    if screen == "desktop":
        page.locator("#table-button").click()
        page.wait_for_timeout(200)
    page.evaluate(
        """() => { const spot = plan.centres(plan.read("communities")).at(3), size = plan.map.getSize();
             plan.map.setView(spot, 16, { animate: false });
             plan.map.panBy([0, 40 - size.y / 2], { animate: false });  // forty pixels above the map's foot
             plan.open("community_states", 3, null); }"""
    )
    page.wait_for_timeout(600)
    card, bar = page.locator(".leaflet-popup-content-wrapper").bounding_box(), page.locator("#months").bounding_box()
    assert card["y"] >= page.locator(".leaflet-container").bounding_box()["y"]
    assert card["y"] + card["height"] <= bar["y"]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"map_number": "皖S(2024)<b>001</b>号"}, "审图号：皖S(2024)<b>001</b>号"), ({}, "未经地图审核")],
)
@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_the_map_number_stands_on_the_map_itself_also_where_it_is_embedded(visit, options, said, screen):
    for fragment in ("", "#14/32.6/117.0&embed=1"):
        page = visit(layers(), screen=screen, fragment=fragment, **options).page
        place = page.locator(".leaflet-control-attribution")
        assert said in place.inner_text()
        box, frame = place.bounding_box(), page.locator(".leaflet-container").bounding_box()
        assert box["x"] >= frame["x"]
        assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
