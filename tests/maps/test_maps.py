"""The map page as text: what it says, what it never says, and that it is the same every time."""

from __future__ import annotations

import hashlib
import html.parser
import json
import re
import tomllib
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from drawn_city import CRS, HOSTILE, X0, Y0, hostile_layers, layers
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from gis_renovation.display import html as markup
from gis_renovation.errors import CRSError, DataError
from gis_renovation.maps import PageFacts, assets
from gis_renovation.maps import page as maps
from gis_renovation.maps import settings as page_settings
from gis_renovation.maps.encoding.shapes import encode_geometry, label_points
from gis_renovation.shipped import shipped

AS_OF = date(2024, 9, 30)


def page_of(made, **options):
    return maps.map_page(made, PageFacts(**({"title": "工作图", "as_of": AS_OF} | options)))


@pytest.fixture(scope="module")
def page():
    return page_of(layers(), synthetic=True, attribution="示例数据")


class Reader(html.parser.HTMLParser):
    """Every element with its attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.styles, self.words = [], [], [], []
        self.inside = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = (tag, dict(attrs))

    def handle_endtag(self, _tag):
        self.inside = None

    def handle_data(self, data):
        tag, attributes = self.inside or ("", {})
        if tag == "script":
            self.scripts.append((attributes.get("type", ""), data))
        elif tag == "style":
            self.styles.append(data)
        else:
            self.words.append(data.strip())


def block(page, name):
    found = re.search(rf'<script type="application/json" id="{re.escape(name)}">(.*?)</script>', page, re.DOTALL)
    return json.loads(found.group(1))


# --- the page -------------------------------------------------------------------------------------


def test_page_states_language_title_date_and_that_it_may_be_zoomed(page):
    reader = Reader(page)
    elements = dict(reader.elements)
    assert elements["html"]["lang"] == "zh-CN"
    viewport = [a["content"] for tag, a in reader.elements if tag == "meta" and a.get("name") == "viewport"]
    assert viewport == ["width=device-width, initial-scale=1"]
    assert "工作图" in reader.words
    assert "数据截至 2024-09-30" in reader.words


def test_synthetic_data_is_named_so_on_the_page_and_real_data_is_not(page):
    assert "合成示例数据，非真实" in Reader(page).words[:60]
    visible = "".join(Reader(page_of(layers())).words)
    assert "合成示例数据" not in visible


def test_same_input_gives_the_same_bytes(page):
    assert page_of(layers(), synthetic=True, attribution="示例数据") == page


def test_page_names_no_other_host(page):
    reader = Reader(page)
    loading = {"src", "href", "srcset", "data", "action", "poster", "xlink:href", "background"}
    for tag, attributes in reader.elements:
        for key in loading & set(attributes):
            assert attributes[key].startswith(("#", "data:")), (tag, attributes)
    for style in reader.styles:
        assert all(url.startswith(("data:", "#")) for url in re.findall(r"url\(['\"]?([^)'\"]+)", style))
        assert "@import" not in style
    code = "".join(text for kind, text in reader.scripts if kind == "")
    assert set(re.findall(r"https?://([^/\"' ]+)", code)) <= {"www.w3.org"}, "only XML namespaces"


def test_policy_allows_exactly_the_scripts_of_the_page(page):
    policy = next(a["content"] for tag, a in Reader(page).elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    import base64

    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 3
    assert allowed == {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts}
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "http:" not in policy
    assert "https:" not in policy


def test_legend_counts_every_class(page):
    words = [word for word in Reader(page).words if word.strip()]
    at = words.index("主计划")
    assert words[at : at + 6] == ["主计划", "3", "增补计划", "3", "未知", "3"]


def test_layers_stand_under_chinese_themes_in_order(page):
    words = Reader(page).words
    places = [words.index(theme) for theme in ("改造片区", "改造进度", "闲置资源", "公园与慢行", "基础地理")]
    assert places == sorted(places)


def test_english_page_has_english_words_and_sentences():
    page = page_of(layers(), lang="en")
    assert '<html lang="en">' in page
    words = Reader(page).words
    assert "Renovation zones" in words
    assert "改造片区" not in words
    names = [column["name"] for column in block(page, "layer-community_links")["columns"]]
    assert "reason_en" in names
    assert "reason_zh" not in names


def test_unknown_stays_null_and_is_never_zero(page):
    data = block(page, "layer-communities")
    households = next(column for column in data["columns"] if column["name"] == "households")
    assert households["label"] == "户数"
    assert households["unit"] == "户"
    assert households["data"] == [300, 350, 400, 450, 500, 550, 600, 650, None]


def test_cards_leave_out_what_does_not_apply_and_say_what_silence_means():
    made = layers()
    made["zone_members"] = made["zone_members"].assign(
        zone_id=[*["Z-C1"] * 8, None], gap_share=float("nan"), reason_zh=[*[None] * 8, "户数过少"]
    )
    related = next(one for one in block(page_of(made), "layer-communities")["related"] if one["name"] == "zone_members")
    columns = {column["name"]: column for column in related["columns"]}

    def told(name):
        one = columns[name]
        return [one["dict"][v] if "dict" in one and v is not None else v for v in one["data"]]

    assert told("zone_id") == [*["Z-C1"] * 8, "未纳入任何片区"]
    assert set(told("gap_share")) == {""}
    assert told("reason_zh") == [*[""] * 8, "户数过少"]


def said_on_cards(page, layer, column):
    """What a reader of the cards sees in one column of a layer or of a table on its card."""
    data = block(page, f"layer-{layer}")
    columns = [*data["columns"], *(column for table in data["related"] for column in table["columns"])]
    one = next(found for found in columns if found["name"] == column)
    values = [one["dict"][v] if "dict" in one and v is not None else v for v in one["data"]]
    return [one.get("labels", {}).get(value, value) for value in values]


def test_a_card_names_what_its_ids_mean_and_keeps_the_id():
    made = layers()
    page, english = page_of(made), page_of(made, lang="en")
    zones = ["龙湖片区（Z-C1）"] * 3 + ["泉山片区（Z-C4）"] * 6
    assert said_on_cards(page, "communities", "zone_id") == zones
    assert said_on_cards(english, "communities", "zone_id")[0] == "龙湖片区 (Z-C1)"
    assert said_on_cards(page, "communities", "unit_code") == ["田家庵区（340403）"] * 9
    assert said_on_cards(page, "community_links", "crossing_id") == ["", "", "淮滨天桥（X1）"]


def test_a_card_names_only_what_the_edition_shows():
    made = layers()
    made["zones"] = made["zones"].assign(name=["龙湖片区", None])
    made["reporting_units"] = made["reporting_units"].drop(columns="name")
    page = page_of(made)
    assert said_on_cards(page, "communities", "zone_id") == ["龙湖片区（Z-C1）"] * 3 + ["Z-C4"] * 6
    assert said_on_cards(page, "communities", "unit_code") == ["340403"] * 9
    assert "田家庵区" not in page
    assert "泉山片区" not in page


def test_card_of_a_parcel_carries_its_ledger_rows(page):
    related = block(page, "layer-idle_parcels")["related"][0]
    assert related["name"] == "parcel_ledger"
    assert related["rows_of"] == [[0, 1], [], [2]]


def test_progress_is_drawn_on_the_communities_shapes(page):
    data = block(page, "layer-community_states")
    state = next(column for column in data["columns"] if column["name"] == "state")
    values = [None if v is None else (state["dict"][v] if "dict" in state else v) for v in state["data"]]
    assert values == ["started", "started", *[None] * 7]


def test_nothing_to_draw_is_one_clear_error():
    with pytest.raises(DataError, match="没有可以上图的图层"):
        page_of({"zone_members": layers()["zone_members"], "communities": None})
    empty = layers()["communities"].iloc[:0]
    with pytest.raises(DataError, match="communities"):
        page_of({"communities": empty})


def test_layer_without_crs_is_refused():
    places = layers()["communities"]
    places = gpd.GeoDataFrame(
        pd.DataFrame(places.drop(columns="geometry")), geometry=places.geometry.to_numpy(), crs=None
    )
    with pytest.raises(CRSError, match="communities"):
        page_of({"communities": places})


def test_features_without_shape_are_counted_not_hidden():
    places = layers()["communities"]
    places.geometry = [None, Polygon(), *places.geometry[2:]]
    page = page_of({"communities": places})
    data = block(page, "layer-communities")
    assert (data["count"], data["without_shape"], len(data["ids"])) == (9, 2, 7)
    assert "显示 7 / 9；2 个没有图形，仅列于表中" in Reader(page).words


def test_a_large_layer_is_simplified_on_screen_and_says_that_all_are_shown():
    count = 2001
    rings = [Point(X0 + (i % 50) * 100, Y0 + (i // 50) * 100).buffer(20, quad_segs=64) for i in range(count)]
    large = gpd.GeoDataFrame(
        {"name": [f"楼{i}" for i in range(count)]},
        geometry=rings,
        crs=CRS,
        index=pd.Index(range(count), name="building_id"),
    )
    page = page_of({"buildings": large})
    data = block(page, "layer-buildings")
    assert len(data["ids"]) == count
    assert max(len(ring) for ring in data["geometry"]) < 2 * 64, "a circle of 257 vertices is simplified"
    assert "显示 2,001 / 2,001；屏幕图形简化 0.5 m，数量不减" in Reader(page).words
    assert block(page, "settings")["dense"] == ["buildings"]


# --- text is text ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_adds_no_element_and_no_code(text, page):
    plain = Reader(page_of(hostile_layers("甲"), title="甲", attribution="甲", map_number="甲"))
    hostile_page = page_of(hostile_layers(text), title=text, attribution=text, map_number=text)
    hostile = Reader(hostile_page)
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(a) for _, a in hostile.elements] == [sorted(a) for _, a in plain.elements]
    code = [re.sub(r'layer\(".*?"\)', "", script) for kind, script in hostile.scripts if kind == ""]
    assert code == [re.sub(r'layer\(".*?"\)', "", script) for kind, script in plain.scripts if kind == ""]
    assert "49" not in hostile.words, "no template was evaluated"
    assert markup.plain_text(text).strip() in hostile.words, "the text is there, as text"
    hostile_page.encode("utf-8")


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_safe_text_reads_back_as_the_text_it_was(text):
    import html

    escaped = markup.safe(text)
    assert not set(escaped) & set("<>\"'`{}$")
    assert html.unescape(escaped) == html.unescape(html.escape(markup.plain_text(text)))


@given(
    st.recursive(
        st.text(max_size=20) | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=6
    )
)
@settings(max_examples=200, deadline=None)
def test_script_json_holds_no_markup_and_reads_back(value):
    text = markup.script_json(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


# --- shapes ---------------------------------------------------------------------------------------


def decoded(flat, origin):
    steps = np.array(flat).reshape(-1, 2)
    return (np.cumsum(steps, axis=0) + np.array(origin)) * 1e-6


def test_encoded_vertices_are_within_a_decimetre_of_the_true_place(page):
    data = block(page, "layer-communities")
    ring = decoded(data["geometry"][0], data["origin"])
    x, y = Transformer.from_crs("EPSG:4490", CRS, always_xy=True).transform(ring[:, 0], ring[:, 1])
    corners = sorted({(X0, Y0), (X0 + 180, Y0), (X0 + 180, Y0 + 120), (X0, Y0 + 120)})
    found = sorted(zip(x, y, strict=True), key=lambda p: (round(p[0]), round(p[1])))
    assert len(found) == 4
    assert np.abs(np.array(found) - np.array(corners)).max() < 0.1


def test_every_kind_of_shape_survives_encoding():
    shapes = np.array(
        [
            Point(117.0, 32.6),
            LineString([(117, 32.6), (117.1, 32.7)]),
            box(117, 32.6, 117.1, 32.7).difference(box(117.02, 32.62, 117.05, 32.65)),
            MultiPolygon([box(117, 32.6, 117.01, 32.61), box(117.02, 32.6, 117.03, 32.61)]),
            MultiPolygon([box(117, 32.6, 117.01, 32.61)]),
        ],
        dtype=object,
    )
    origin = (117_000_000, 32_600_000)
    point, line, holed, multi, single = encode_geometry(shapes, origin)
    assert point == [0, 0]
    assert line == [[0, 0, 100_000, 100_000]]
    assert (len(holed), len(holed[0])) == (1, 2)
    assert [len(polygon) for polygon in multi] == [1, 1]
    assert Polygon(decoded(single, origin)).area == pytest.approx(0.01 * 0.01)
    hole = Polygon(decoded(holed[0][1], origin))
    assert hole.area == pytest.approx(0.03 * 0.03)


def test_a_ring_smaller_than_the_rounding_keeps_its_vertices():
    tiny = np.array([box(117, 32.6, 117 + 1e-8, 32.6 + 1e-8)], dtype=object)
    assert len(encode_geometry(tiny, (117_000_000, 32_600_000))[0]) == 8


def label_place(shape):
    return (label_points(np.array([shape], dtype=object))[0] * 1e-6).tolist()


def test_names_stand_inside_areas_and_on_lines():
    horseshoe = box(0, 0, 3, 3).difference(box(1, 1, 2, 3))
    assert horseshoe.covers(Point(label_place(horseshoe)))
    assert label_place(LineString([(0, 0), (4, 0)])) == [2, 0]
    assert label_place(MultiPolygon([box(0, 0, 2, 2), box(4, 0, 6, 2)])) == [3, 1]
    exclave = MultiPolygon([box(0, 0, 2, 2), box(4, 0, 4.1, 0.1)])
    assert exclave.geoms[0].contains(Point(label_place(exclave)))


def test_a_page_reckons_a_name_s_place_from_the_shape_s_first_vertex(page):
    data = block(page, "layer-communities")
    steps, origin = np.array(data["label_steps"]).reshape(-1, 2), np.array(data["origin"])
    assert len(steps) == len(data["geometry"])
    for shape, step in zip(data["geometry"], steps, strict=True):
        ring = decoded(shape, origin)
        assert Polygon(ring).contains(Point((origin + shape[:2] + step) * 1e-6))


def test_the_page_s_script_carries_no_comments_between_its_lines():
    script = assets.page_script(tiled=True)
    assert "\n/*" not in script
    assert "\n " not in script
    assert (
        script.count("function ")
        == sum(assets.asset_js(f"page/{name}.js").count("function ") for name in (*assets.PAGE_SCRIPTS, "tiles")) + 1
    )


# --- search ---------------------------------------------------------------------------------------


def test_rare_characters_have_one_letter_each_and_are_not_in_the_ordered_part():
    characters, letters = page_settings.PINYIN_RARE
    assert len(characters) == len(letters) == len(set(characters))
    for character in characters:
        code = int.from_bytes(character.encode("gb2312"), "big")
        assert code >= page_settings.PINYIN_STARTS[-1][0], character


def test_characters_of_several_readings_hold_the_one_their_place_in_the_code_tells():
    letters = [(first, character) for first, found in page_settings.PINYIN_SEVERAL.items() for character in found]
    assert len({character for _, character in letters}) == len(letters)
    starts = page_settings.PINYIN_STARTS
    for several, character in letters:
        assert len(set(several)) == len(several) > 1
        code = int.from_bytes(character.encode("gb2312"), "big")
        letter = [letter for start, letter in starts if start <= code][-1]
        assert letter in several, (character, letter)  # "" for those ordered by radical


def test_searched_layers_are_those_present(page):
    assert block(page, "search-index")["layers"] == [
        "communities",
        "zones",
        "parks",
        "facilities",
        "streets",
        "reporting_units",
        "idle_parcels",
    ]


# --- vendored files -------------------------------------------------------------------------------


def test_vendored_files_are_the_pinned_ones_with_their_licence():
    folder = shipped("assets")
    notice = shipped("../NOTICE").read_text(encoding="utf-8")
    for name, entry in tomllib.loads((folder / "vendor.toml").read_text(encoding="utf-8")).items():
        for path, digest in entry["files"].items():
            data = (folder / name / path.removeprefix("dist/")).read_bytes()
            assert hashlib.sha256(data).hexdigest() == digest, path
        licence = entry.get("licence_text") or f"{name}/LICENSE"
        assert (folder / licence).is_file(), name
        assert "LICENSE" in entry["files"] or "licence_text" in entry, name
        assert entry["package"] in notice
        assert entry["licence"] in notice


def test_row_order_changes_nothing_but_the_order_of_rows():
    straight = block(page_of(layers()), "layer-communities")
    turned = layers()
    turned["communities"] = turned["communities"].iloc[::-1]
    back = block(page_of(turned), "layer-communities")
    pairs = dict(zip(back["ids"], back["geometry"], strict=True))
    assert [pairs[i] for i in straight["ids"]] == straight["geometry"]
    assert back["origin"] == straight["origin"]


def test_shapely_agrees_on_the_area_of_a_drawn_block(page):
    data = block(page, "layer-communities")
    ring = decoded(data["geometry"][4], data["origin"])
    x, y = Transformer.from_crs("EPSG:4490", CRS, always_xy=True).transform(ring[:, 0], ring[:, 1])
    assert shapely.Polygon(zip(x, y, strict=True)).area == pytest.approx(180 * 120, rel=1e-3)


def test_everything_below_a_painted_layer_is_painted_too():
    blocks = [
        {"name": name, "kind": kind, "ids": range(count)}
        for name, kind, count in (
            ("parks", "polygon", 9),
            ("sites", "point", 9),
            ("parcels", "polygon", 2001),
            ("zones", "polygon", 5),
        )
    ]
    assert page_settings.dense_layers(blocks) == ["parks", "parcels"]
    assert page_settings.dense_layers(blocks[:2]) == []
