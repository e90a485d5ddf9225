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
    # Of 26 m a connecting lane of 6 m is taken where there is a second aisle: 10 stalls a row, or 8.
    assert parking.stalls(np.array([depth]), np.array([26.0]))[0] == rows * (10 if rows < 3 else 8)


def laid_out(parking, depth, length, *, entered_at_end):
    """Stalls, aisles and lane as rectangles in a rectangle of ``length`` (x) by ``depth`` (y)."""
    rows = int(parking.rows(np.array([depth]))[0])
    aisles, y = [], 0.0
    stalls_y = []
    for row in range(0, rows, 2):
        stalls_y.append((y, y + parking.stall_length_m))
        aisles.append((y + parking.stall_length_m, y + parking.stall_length_m + parking.aisle_m))
        y = aisles[-1][1]
        if row + 1 < rows:
            stalls_y.append((y, y + parking.stall_length_m))
            y += parking.stall_length_m
    lane = parking.aisle_m if rows > 2 or not entered_at_end else 0.0
    a_row = max(0, int((length - lane) / parking.stall_width_m + 1e-6))
    stalls = [
        box(lane + n * parking.stall_width_m, low, lane + (n + 1) * parking.stall_width_m, high)
        for low, high in stalls_y
        for n in range(a_row)
    ]
    drives = [box(0, low, length, high) for low, high in aisles]
    return stalls, [*drives, box(0, 0, lane, depth)] if lane else drives


@settings(max_examples=150, deadline=None)
@given(st.floats(2, 80), st.floats(2, 80), st.sampled_from([2.4, 2.5, 3.0]), st.sampled_from([5.5, 6.0, 7.0]))
def test_every_stall_that_is_counted_can_be_laid_out_and_driven_into(one, other, stall, aisle):
    width, length = sorted((one, other))
    parking = Parking(stall_width_m=stall, stall_length_m=5.3, aisle_m=aisle)
    _, counted = parking.layout(np.array([width]), np.array([length]))
    layouts = [
        (laid_out(parking, width, length, entered_at_end=True), length, width),
        (laid_out(parking, length, width, entered_at_end=False), width, length),
    ]
    (stalls, drives), across, deep = max(layouts, key=lambda found: len(found[0][0]))
    assert counted[0] == len(stalls)
    if not stalls:
        return
    lot, drive = box(-1e-6, -1e-6, across + 1e-6, deep + 1e-6), shapely.union_all(drives)
    assert lot.covers(shapely.union_all(stalls))
    assert drive.geom_type == "Polygon", "all aisles hang together"
    assert sum(s.area for s in stalls) == pytest.approx(shapely.union_all(stalls).area)
    assert shapely.union_all(stalls).intersection(drive).area < 1e-6
    for at in stalls:
        assert at.boundary.intersection(drive.buffer(1e-9)).length >= parking.stall_width_m - 1e-6
    # Some shorter side of the lot opens on an aisle or the lane over its whole breadth.
    left, bottom, right, top = lot.bounds
    ends = [box(left, bottom, left + 2e-6, top), box(right - 2e-6, bottom, right, top)]
    ends += [box(left, bottom, right, bottom + 2e-6), box(left, top - 2e-6, right, top)]
    short = ends[:2] if deep <= across else ends[2:]
    assert any(end.intersection(drive.buffer(2e-6)).area / 2e-6 >= aisle - 1e-3 for end in short)


# --- uses that surely fit --------------------------------------------------------------------------

BUILDINGS = {"use_service_complex": 600.0, "use_large_service_complex": 800.0}
GROUNDS = {"use_activity_ground": (150.0, 8.0), "use_pocket_park": (2000.0, 12.0)}


@pytest.mark.parametrize("size", [(3, 300), (4, 520), (5.8, 400), (2.5, 1000)])
@pytest.mark.parametrize("turn", [0.0, 33.0])
def test_nothing_is_offered_on_a_strip_that_nothing_fits_in(size, turn):
    row = shaped(shapely.affinity.rotate(box(0, 0, *size), turn)).loc["P0"]
    assert row["fitting_uses"] == row["unclear_uses"] == ""
    assert row["parking_rows_count"] == row["parking_stalls_count"] == 0


@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        (box(0, 0, 10, 60), {"use_service_complex", "use_activity_ground"}),  # 600 m² of just the least width
        (box(0, 0, 9.5, 90), {"use_activity_ground"}),  # 855 m², too narrow for a building
        (shapely.union(box(0, 0, 3, 300), box(0, 0, 20, 31)), {"use_service_complex", "use_activity_ground"}),
        (shapely.union(box(0, 0, 3, 300), box(0, 0, 12, 12)), set()),  # a tail adds no ground
        (box(0, 0, 8, 18.75), {"use_activity_ground"}),
        (box(0, 0, 7.9, 40), set()),
        (box(0, 0, 12, 166.7), {"use_service_complex", "use_large_service_complex", "use_activity_ground"}
         | {"use_pocket_park", "use_historic_pocket_park"}),
    ],
)  # fmt: skip
def test_least_widths_say_which_uses_fit(shape, fits):
    row = shaped(shape).loc["P0"]
    found = set(row["fitting_uses"].split(", ")) - {"use_parking", "use_basketball_court", ""}
    assert found == fits
    if "use_service_complex" in fits:
        assert "宽不小于 10 m" in row["uses_zh"]
        assert "at least 10 m wide" in row["uses_en"]


def building_fits(shape, area, width):
    """Whether a building of that area and least width can be placed in a stepped plot, its walls along the plot's.

    Whatever fits lies in a rectangle whose sides are on the lines of the drawing: all of them are tried.
    """
    shapely.prepare(shape)
    x, y = (np.unique(values.round(9)) for values in np.array(shape.exterior.coords).T)
    a, b, c, d = (grid.ravel() for grid in np.meshgrid(x, y, x, y, indexing="ij"))
    tried = (np.minimum(c - a, d - b) >= width) & ((c - a) * (d - b) >= area)
    inner = 1e-6
    return (
        bool(shapely.covers(shape, box(a + inner, b + inner, c - inner, d - inner)[tried]).any())
        if tried.any()
        else False
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_use_that_fits_can_really_be_placed_and_one_refused_cannot(seed):
    rng = np.random.default_rng(seed)
    parts = [box(*a, *(a + s)) for a, s in zip(rng.uniform(0, 25, (3, 2)), rng.uniform(4, 45, (3, 2)), strict=True)]
    shape = max(shapely.get_parts(shapely.union_all(parts)), key=shapely.area)
    row = shaped(shapely.affinity.rotate(shape, float(rng.choice([0.0, 17.0, 45.0])), origin=(0, 0))).loc["P0"]
    fitting, unclear = row["fitting_uses"].split(", "), row["unclear_uses"].split(", ")
    for use, area in BUILDINGS.items():
        if use in fitting:
            assert building_fits(shape, area, 10.0), use
        elif use not in unclear:
            assert not building_fits(shape, area, 10.0), use
    for use, (area, width) in GROUNDS.items():
        # The ground that discs of the width reach, without tails and corners: less than what is counted.
        core = shape.buffer(-width / 2)
        reached = max((part.area for part in shapely.get_parts(core.buffer(width / 2))), default=0.0)
        if use in fitting:
            assert shape.area >= area
            assert not core.is_empty
            corners = 4 * len(shapely.get_coordinates(shape)) * (width / 2) ** 2
            assert reached >= area - corners
        elif use not in unclear:
            assert reached < area


def test_a_city_may_set_another_width_but_not_without_saying_whose():
    own = """
[pack]
name = "own"
version = "1"
title = ["自定", "own"]
[override.use_service_complex]
least_width_m = 12
"""
    sourced = f'{own}least_width_source = ["我市导则", "our guide"]\n'
    rules = rules_in_force([("own.toml", sourced)])
    chosen = next(rule for rule in rules if rule.id == "use_service_complex")
    assert "最小宽度 12 m 为参数（我市导则）" in chosen.source.zh
    plot = plots(box(0, 0, 11, 80))
    assert "use_service_complex" in shape_usable_land(plot, **NOTHING, rules=RULES)["fitting_uses"].item()
    assert "use_service_complex" not in shape_usable_land(plot, **NOTHING, rules=rules)["fitting_uses"].item()
    with pytest.raises(ConfigError, match="least_width_source"):
        rules_in_force([("own.toml", own)])
    with pytest.raises(ConfigError, match="least_width_m"):
        read_rule_pack(sourced.replace("= 12", "= 0"))
    wrong = sourced.replace("use_service_complex", "parcel_area_usable")
    with pytest.raises(ConfigError, match="usable_shapes"):
        rules_in_force([("own.toml", wrong)])


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
