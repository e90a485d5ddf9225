"""Usable ground, its largest circle and rectangle, and the uses that fit."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError
from gis_renovation.land.shapes import Parking, largest_rectangles, shape_usable_land
from gis_renovation.rule_packs import rules_in_force
from gis_renovation.rules import read_rule_pack
from gis_renovation.schemas import layer_schema

CRS = "EPSG:4548"
RULES = rules_in_force()
box = shapely.box


def layer(key, rows):
    frame = gpd.GeoDataFrame([facts for _, facts in rows.values()], geometry=[s for s, _ in rows.values()], crs=CRS)
    frame.index = pd.Index(list(rows), name=key, dtype=object)
    return frame


def plots(*shapes, verdict="candidate"):
    return layer("parcel_id", {f"P{i}": (shape, {"verdict": verdict}) for i, shape in enumerate(shapes)})


NOTHING = {
    "buildings": layer("building_id", {"B": (box(900, 900, 901, 901), {})}),
    "utility_lines": layer("line_id", {"L": (shapely.LineString([(900, 0), (901, 0)]), {"network": "sewer"})}),
    "control_lines": layer("control_line_id", {"C": (box(900, 900, 901, 901), {"kind": "blue"})}),
}


def shaped(*shapes, **layers):
    return shape_usable_land(plots(*shapes), **(NOTHING | layers), rules=RULES)


def rectangle(shape, sizes=()):
    width, length, angle, flags = largest_rectangles(np.array([shape], dtype=object), sizes)
    return width[0], length[0], angle[0], [flag[0] for flag in flags]


def test_a_turned_rectangle_is_found_whole_with_its_direction():
    width, length, angle, _ = rectangle(shapely.affinity.rotate(box(0, 0, 40, 15), 30))
    assert (width, length, angle) == pytest.approx((15.0, 40.0, 30.0), abs=1e-3)


def test_the_largest_rectangle_of_an_l_is_one_of_its_legs():
    width, length, _, _ = rectangle(box(0, 0, 30, 12) | box(0, 0, 10, 40))
    assert (width, length) == pytest.approx((10.0, 40.0), abs=1e-3)


def test_the_largest_rectangle_of_a_right_triangle_is_half_of_it():
    width, length, _, _ = rectangle(shapely.Polygon([(0, 0), (40, 0), (0, 30)]))
    assert width * length == pytest.approx(300.0, rel=0.01)


def test_a_hole_is_no_ground():
    width, length, _, _ = rectangle(box(0, 0, 30, 30) - box(10, 0.5, 20, 29.5))
    assert (width, length) == pytest.approx((10.0, 30.0), abs=1e-3)


@pytest.mark.parametrize(("size", "fits"), [((40, 15), True), ((15, 40), True), ((41, 15), False), ((40, 15.5), False)])
def test_a_size_fits_either_way_round_or_not_at_all(size, fits):
    assert rectangle(shapely.affinity.rotate(box(0, 0, 40, 15), 20), [size])[3] == [fits]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_rectangle_lies_inside_and_no_random_one_along_the_edges_is_much_larger(seed):
    rng = np.random.default_rng(seed)
    turns = np.sort(rng.uniform(0, 2 * np.pi, 9))
    reach = rng.uniform(10, 40, 9)
    shape = shapely.Polygon(np.column_stack([reach * np.cos(turns), reach * np.sin(turns)])).buffer(0)
    if shape.geom_type != "Polygon" or shape.area < 50:
        return
    width, length, angle, _ = rectangle(shape)
    assert width * length <= shape.area
    # Somewhere along its direction the rectangle, a little smaller, must fit: slide it over a grid of places.
    turned = shapely.affinity.rotate(shape, -angle, origin=(0, 0))
    left, bottom, right, top = turned.bounds
    x, y = np.meshgrid(np.linspace(left, right, 70), np.linspace(bottom, top, 70))
    placed = shapely.box(x, y, x + 0.9 * length, y + 0.9 * width)
    assert shapely.covers(turned, placed).any()
    # Random rectangles in that direction.
    corner = rng.uniform((left, bottom), (right, top), (4000, 2))
    span = rng.uniform(0, (right - left, top - bottom), (4000, 2))
    trial = shapely.box(*corner.T, *(corner + span).T)
    largest = shapely.area(trial)[shapely.covers(turned, trial)].max(initial=0.0)
    assert width * length >= 0.97 * largest


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 9)] * 4), min_size=1, max_size=6))
def test_on_a_stepped_plot_no_more_than_two_cells_a_side_are_lost(corners):
    boxes = [box(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1) for a, b, c, d in corners]
    shape = shapely.union_all(boxes)
    if shape.geom_type != "Polygon":
        return
    # The largest rectangle of a stepped plot has its sides on the lines of the drawing: try them all.
    a, b, c, d = np.array(list(itertools.product(range(11), repeat=4))).T
    tried = (a < c) & (b < d)
    a, b, c, d = a[tried], b[tried], c[tried], d[tried]
    shapely.prepare(shape)
    fits = shapely.covers(shape, shapely.box(a, b, c, d))
    across, up = (c - a)[fits], (d - b)[fits]
    width, length, _, _ = rectangle(shape)
    left, bottom, right, top = shape.bounds
    least = np.maximum(across - (right - left) / 24, 0) * np.maximum(up - (top - bottom) / 24, 0)
    assert least.max() - 1e-6 <= width * length <= (across * up).max() + 1e-6


def test_the_whole_plot_is_usable_where_nothing_stands_in_the_way():
    row = shaped(box(0, 0, 40, 20)).loc["P0"]
    assert (row["area_m2"], row["usable_share"], row["piece_count"]) == (800.0, 1.0, 1)
    assert row["circle_diameter_m"] == pytest.approx(20.0, abs=0.1)
    assert row["not_deducted_zh"] == ""
    assert row["fitting_uses"].split(", ") == [
        "use_service_complex",
        "use_large_service_complex",
        "use_activity_ground",
        "use_basketball_court",
        "use_parking",
    ]


def test_a_sewer_takes_its_strip_and_cuts_the_plot_in_two():
    pipe = layer(
        "line_id", {"L": (shapely.LineString([(15, -50), (15, 50)]), {"network": "sewer", "status": "in_use"})}
    )
    row = shaped(box(0, 0, 40, 20), utility_lines=pipe).loc["P0"]
    # 2.5 m each side of x = 15 leaves 12.5 m to the west and 22.5 m to the east.
    assert (row["area_m2"], row["piece_count"]) == (450.0, 2)
    assert row["rectangle_length_m"] == pytest.approx(22.5, abs=1e-3)
    assert "use_basketball_court" not in row["fitting_uses"] + row["unclear_uses"]


def test_an_abandoned_pipe_takes_nothing_and_an_unknown_status_takes_its_strip():
    pipe = layer(
        "line_id", {"L": (shapely.LineString([(15, -50), (15, 50)]), {"network": "sewer", "status": "abandoned"})}
    )
    assert shaped(box(0, 0, 40, 20), utility_lines=pipe).loc["P0", "area_m2"] == 800.0
    assert shaped(box(0, 0, 40, 20), utility_lines=pipe.assign(status=None)).loc["P0", "area_m2"] == 450.0


def test_buildings_and_blocked_control_lines_are_taken_off_and_others_are_not():
    house = layer("building_id", {"B": (box(0, 0, 10, 20), {})})
    red = layer("control_line_id", {"C": (box(30, 0, 60, 20), {"kind": "road_redline"})})
    assert shaped(box(0, 0, 40, 20), buildings=house, control_lines=red).loc["P0", "area_m2"] == 400.0
    green = red.assign(kind="urban_boundary")
    assert shaped(box(0, 0, 40, 20), buildings=house, control_lines=green).loc["P0", "area_m2"] == 600.0


def test_a_missing_layer_is_named_as_not_deducted():
    row = shaped(box(0, 0, 40, 20), utility_lines=None).loc["P0"]
    assert row["not_deducted_zh"] == "未核查、未扣除：管线"


def test_excluded_plots_and_plots_without_anything_left_are_not_in_the_layer():
    house = layer("building_id", {"B": (box(-1, -1, 41, 21), {})})
    assert len(shaped(box(0, 0, 40, 20), buildings=house)) == 0
    places = plots(box(0, 0, 40, 20), verdict="excluded")
    assert len(shape_usable_land(places, **NOTHING, rules=RULES)) == 0
    kept = shape_usable_land(plots(box(0, 0, 40, 20), verdict="unknown"), **NOTHING, rules=RULES)
    assert list(kept.index) == ["P0"]


@pytest.mark.parametrize(
    ("depth", "rows"), [(11.2, 0), (11.3, 1), (16.5, 1), (16.6, 2), (27.8, 2), (27.9, 3), (33.2, 4)]
)
def test_rows_of_parking_by_depth(depth, rows):
    # Stall 5.3, aisle 6: one row needs 11.3, two 16.6, three 27.9, four 33.2.
    parking = Parking(stall_width_m=2.5, stall_length_m=5.3, aisle_m=6.0)
    assert parking.rows(np.array([depth]))[0] == rows
    assert parking.stalls(np.array([depth]), np.array([26.0]))[0] == rows * 10


def test_a_rule_with_an_unknown_measure_is_refused_and_an_own_size_is_accepted():
    own = """
[pack]
name = "own"
version = "1"
title = ["自定", "own"]
[rules.use_own]
layer = "usable_shapes"
measure = "fits_20x20_m"
operator = ">="
value = 1
unit = "个"
role = "notes"
text = ["场地", "ground"]
"""
    rules = read_rule_pack(own).rules
    found = shape_usable_land(plots(box(0, 0, 40, 20), box(0, 0, 40, 19)), **NOTHING, rules=rules)
    assert found["fitting_uses"].tolist() == ["use_own", ""]
    with pytest.raises(ConfigError, match="fits_axb_m"):
        shape_usable_land(plots(box(0, 0, 4, 4)), **NOTHING, rules=read_rule_pack(own.replace("20x20", "axb")).rules)


def test_results_keep_their_schema_and_empty_in_gives_empty_out():
    full = shaped(box(0, 0, 40, 20))
    schema = layer_schema("usable_shapes")
    assert check_layer(full, schema) == []
    assert ({*full.columns, schema.key} - {"geometry"}) == set(schema.fields)
    empty = shape_usable_land(plots(box(0, 0, 40, 20)).iloc[:0], **NOTHING, rules=RULES)
    assert list(empty.columns) == list(full.columns)
    assert [fault for fault in check_layer(empty, schema) if fault.severity == "error"] == []
