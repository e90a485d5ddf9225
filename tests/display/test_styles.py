"""The one style table: every class has a look, a label and a count; neighbours differ in colour."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from drawn_city import CRS, HOSTILE, communities, layers
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from gis_renovation.display import html, styles
from gis_renovation.errors import FileError
from gis_renovation.maps import PageFacts, page
from gis_renovation.run import steps
from gis_renovation.schemas import layer_schemas
from gis_renovation.writing import qgis


def test_every_styled_code_is_a_code_of_its_schema():
    wrong = []
    for name, style in styles.style_table().layers.items():
        schema = layer_schemas().get(style.table or name)
        if schema is None:
            continue
        field = schema.fields.get(style.column) if style.column else None
        if style.column and field is None:
            wrong.append(f"{name}: no column {style.column}")
        elif field is not None and field.values and set(style.values) - set(field.values):
            wrong.append(f"{name}: {set(style.values) - set(field.values)}")
    assert wrong == []


def test_every_result_and_context_layer_with_shapes_has_a_style_and_every_theme_exists():
    table = styles.style_table()
    drawn = {*steps.CONTEXT_LAYERS, *(step.layer for step in steps.STEPS)}
    missing = [name for name, s in layer_schemas().items() if name in drawn and s.geometry and name not in table.layers]
    assert missing == []
    assert {style.theme for style in table.layers.values()} <= set(table.themes)


def test_a_layer_without_a_style_is_drawn_in_the_neutral_one():
    frame = communities()
    classes, _ = styles.classify("somebodys_layer", frame)
    assert [(c.symbol, c.count) for c in classes] == [(styles.style_table().fallback.symbol, 9)]
    assert styles.layer_style("somebodys_layer").theme == "other"


def test_classes_of_one_layer_differ_without_colour():
    """Dash, width, shape or sign; graduated fills are told apart by their order from light to dark."""
    table = styles.style_table()
    for name in ("community_links", "idle_parcels", "idle_premises", "communities", "utility_lines"):
        looks = []
        for change in table.layers[name].values.values():
            symbol = table.layers[name].symbol.model_copy(update=change)
            looks.append((tuple(symbol.dash), symbol.width, symbol.shape, symbol.glyph))
        assert len(set(looks)) == len(looks), name


def test_english_maps_bear_letters_that_differ_within_a_layer():
    table = styles.style_table()
    for name, style in table.layers.items():
        changes = [style.symbol.model_dump(), *style.values.values(), style.rest or {}, style.unknown or {}]
        glyphs = {change.get("glyph", "") for change in changes} - {""}
        letters = [table.glyphs_en.get(glyph, glyph) for glyph in glyphs]
        assert all(letter.isascii() for letter in letters), name
        assert len(set(letters)) == len(letters), name


def test_an_english_page_and_its_database_show_no_chinese_sign():
    made = layers()
    both = {
        lang: page.map_page(made, PageFacts(title="x", as_of=date(2024, 9, 30), lang=lang)) for lang in ("zh", "en")
    }
    assert ">服</text>" in both["zh"]
    assert '"glyph":"服"' in both["zh"]
    assert ">天</text>" in both["zh"]
    assert 'value="服"' in qgis.qml_style("facilities", made["facilities"])
    for sign in styles.style_table().glyphs_en:
        assert f">{sign}</text>" not in both["en"]
        assert f'"glyph":"{sign}"' not in both["en"]
        assert f'value="{sign}"' not in qgis.qml_style("facilities", made["facilities"], lang="en")


def test_unknown_never_looks_like_a_class():
    table = styles.style_table()
    for name, style in table.layers.items():
        if not style.column:
            continue
        unknown = styles._symbol(style, None)
        known = [styles._symbol(style, code) for code in style.values]
        assert unknown not in known, name


def test_classify_counts_every_row_once():
    classes, position = styles.classify("communities", communities())
    assert [(c.code, c.label.zh, c.count) for c in classes] == [
        ("main", "主计划", 3),
        ("supplement", "增补计划", 3),
        (None, "未知", 3),
    ]
    assert position.tolist() == [0, 1, 2] * 3


def test_a_code_nobody_styled_still_has_its_own_line():
    frame = communities().assign(plan_batch="brand_new")
    classes, _ = styles.classify("communities", frame)
    assert [(c.code, c.label.zh, c.count) for c in classes] == [("brand_new", "brand_new", 9)]


def test_numbers_fall_into_their_class_and_unknown_stays_apart():
    shares = [0.0, 0.2, 0.39, 0.8, 1.0, np.nan]
    frame = gpd.GeoDataFrame(
        {"completed_share": shares}, geometry=[Point(i, 0) for i in range(6)], crs=CRS, index=pd.Index(list("abcdef"))
    )
    classes, position = styles.classify("unit_progress", frame)
    assert [c.label.zh for c in classes] == ["不足 20%", "20% 至不足 40%", "80% 及以上", "未知"]
    assert position.tolist() == [0, 1, 1, 2, 2, 3]


def test_empty_layer_has_no_class():
    classes, position = styles.classify("communities", communities().iloc[:0])
    assert classes == ()
    assert len(position) == 0


def test_a_missing_column_makes_one_class():
    classes, _ = styles.classify("communities", communities().drop(columns="plan_batch"))
    assert [(c.label.zh, c.count) for c in classes] == [("小区", 9)]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=40, unique=True))
@settings(max_examples=60, deadline=None)
def test_neighbouring_areas_never_share_a_colour_on_a_grid(cells):
    """Blocks of 200 m with streets of 40 m: each has at most eight neighbours, eight colours suffice here."""
    frame = gpd.GeoDataFrame(
        geometry=[box(x * 240, y * 240, x * 240 + 200, y * 240 + 200) for x, y in cells],
        crs=CRS,
        index=[f"Z{i}" for i in range(len(cells))],
    )
    colours = styles.neighbour_colours(frame, 8, gap_m=60)
    shapes = frame.geometry.to_numpy()
    for a in range(len(cells)):
        for b in range(a):
            if shapely.distance(shapes[a], shapes[b]) <= 60:
                assert colours[a] != colours[b]


def test_colouring_does_not_depend_on_row_order():
    zones = communities()
    straight = dict(zip(zones.index, styles.neighbour_colours(zones, 8), strict=True))
    turned = zones.iloc[::-1]
    back = dict(zip(turned.index, styles.neighbour_colours(turned, 8), strict=True))
    assert straight == back


def test_swatches_are_plain_svg_without_script_or_style():
    for name, frame in layers().items():
        if not isinstance(frame, gpd.GeoDataFrame):
            continue
        for kind in ("polygon", "line", "point"):
            for styled in styles.classify(name, frame)[0]:
                picture = styles.swatch_svg(styled.symbol, kind)
                assert picture.startswith("<svg ")
                assert "style=" not in picture
                assert "script" not in picture


@pytest.mark.parametrize("colour", styles.style_table().palette["neighbours"])
def test_zone_fills_are_light_enough_for_dark_names(colour):
    """WCAG 2.1: contrast of the ink #1e2a35 on the fill at least 4.5."""
    assert contrast("#1e2a35", colour) >= 4.5


def contrast(one, other):
    light = sorted((luminance(one), luminance(other)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- QGIS -----------------------------------------------------------------------------------------


def renderer(text):
    root = ET.fromstring(text.partition("\n")[2])
    return root, root.find("renderer-v2")


def test_qml_of_codes_is_categorised_with_the_colours_and_labels_of_the_web_map():
    frame = layers()["community_links"]
    root, drawn = renderer(qgis.qml_style("community_links", frame))
    assert drawn.get("type") == "categorizedSymbol"
    assert drawn.get("attr") == "status"
    listed = {c.get("value"): c.get("label") for c in drawn.iter("category")}
    assert listed == {"joined": "相连", "cut": "隔断", "rejoined": "经通道连通"}
    web = [styled.symbol for styled in styles.classify("community_links", frame)[0]]
    colours = [prop.get("v") for prop in drawn.iter("prop") if prop.get("k") == "line_color"]
    assert colours == [
        ",".join([*(str(int(s.stroke[i : i + 2], 16)) for i in (1, 3, 5)), str(round(s.stroke_opacity * 255))])
        for s in web
    ]
    dashes = [prop.get("v") for prop in drawn.iter("prop") if prop.get("k") == "customdash"]
    assert dashes[1] == ";".join(f"{d:g}" for d in web[1].dash)
    aliases = {a.get("field"): a.get("name") for a in root.iter("alias")}
    assert aliases["gap_m"] == "边缘间距（m）"


def test_qml_draws_unknown_values():
    _, drawn = renderer(qgis.qml_style("communities", communities()))
    assert [(c.get("value"), c.get("label")) for c in drawn.iter("category")][-1] == ("", "未知")
    frame = communities().assign(completed_share=[0.1, 0.5, None] * 3)
    _, ruled = renderer(qgis.qml_style("unit_progress", frame))
    assert ruled.get("type") == "RuleRenderer"
    filters = [rule.get("filter") for rule in ruled.iter("rule")]
    assert filters == [
        '"completed_share" < 0.2',
        '"completed_share" >= 0.4 AND "completed_share" < 0.6',
        '"completed_share" IS NULL',
    ]


def test_qml_of_zones_gives_each_zone_the_fill_of_the_web_map():
    zones = layers()["zones"]
    _, drawn = renderer(qgis.qml_style("zones", zones))
    assert drawn.get("attr") == "zone_id"
    assert [c.get("value") for c in drawn.iter("category")] == ["Z-C1", "Z-C4"]
    symbols = {c.get("symbol") for c in drawn.iter("category")}
    assert len(symbols) == 2, "the two zones face each other across the river and differ"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_qml_stays_well_formed_with_hostile_codes(text):
    frame = communities().assign(plan_batch=text)
    _, drawn = renderer(qgis.qml_style("communities", frame))
    category = next(drawn.iter("category"))
    assert category.get("value") == " ".join(html.plain_text(text).split("\n")) or "\n" in text


def test_layer_styles_are_written_into_the_geopackage_and_equal_the_second_time(tmp_path):
    path = tmp_path / "layers.gpkg"
    made = layers()
    for name in ("communities", "zones", "community_links"):
        made[name].to_file(path, layer=name, driver="GPKG", VERSION="1.2")
    qgis.write_layer_styles(path, made)
    first = rows_of(path)
    qgis.write_layer_styles(path, made)
    assert rows_of(path) == first
    assert [row[0] for row in first] == ["communities", "community_links", "zones"]
    with closing(sqlite3.connect(path)) as database:
        held = dict(database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
        kind = database.execute("SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'").fetchone()
    assert kind == ("attributes",)
    assert [row[1] for row in first] == [held[row[0]] for row in first]
    assert all(row[2] == 1 and row[3] == qgis.UPDATE_TIME for row in first)
    assert len(gpd.read_file(path, layer="zones")) == 2, "the file is still readable"


def rows_of(path):
    with closing(sqlite3.connect(path)) as database:
        columns = "f_table_name, f_geometry_column, useAsDefault, update_time, styleQML, f_table_catalog"
        return database.execute(f"SELECT {columns} FROM layer_styles").fetchall()


def test_styles_of_no_layer_are_an_empty_table_with_the_same_columns():
    empty = qgis.layer_style_rows({"zone_members": layers()["zone_members"]})
    assert len(empty) == 0
    assert list(empty.columns) == list(qgis.layer_style_rows(layers()).columns)


def test_a_file_that_is_no_geopackage_is_refused_with_a_reason(tmp_path):
    path = tmp_path / "layers.gpkg"
    path.write_text("not a database " * 100)
    with pytest.raises(FileError, match="不是可写的 GeoPackage"):
        qgis.write_layer_styles(path, layers())
