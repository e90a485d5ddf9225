"""Layers that make no sense are said to, with which features; clean ones raise nothing."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from gis_renovation.checking.plausibility import (
    check_areas,
    check_names,
    check_overlaps,
    check_plan_ratios,
    check_plausibility,
    check_ratios,
    check_slivers,
)


def layer(shapes, **columns):
    keys = pd.Index([chr(97 + n) for n in range(len(shapes))], name="community_id")
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4548, index=keys)


def found(findings):
    return {f.code: f.named("zh") for f in findings}


def test_overlapping_contained_and_sliver_pairs_are_told_apart():
    shapes = [
        box(0, 0, 100, 100),
        box(20, 20, 40, 40),
        box(90, 0, 200, 100),
        box(199.8, 0, 300, 100),
        box(300, 0, 400, 100),
    ]
    assert found(check_overlaps(layer(shapes), "communities")) == {
        "contained": ("a ∩ b: 400.0 m²",),
        "overlap": ("a ∩ c: 1,000.0 m²",),
        "sliver_overlap": ("c ∩ d: 20.0 m²",),
    }


@given(st.permutations(range(4)))
def test_row_order_does_not_matter(order):
    shapes = [box(0, 0, 10, 10), box(5, 0, 15, 10), box(8, 0, 20, 10), box(50, 0, 60, 10)]
    frame = layer(shapes)
    assert found(check_overlaps(frame.iloc[list(order)], "communities")) == found(check_overlaps(frame, "communities"))


def test_features_of_one_outline_are_each_paired_with_the_first():
    shapes = [box(0, 0, 10, 10)] * 4 + [box(8, 0, 20, 10)]
    assert found(check_overlaps(layer(shapes), "communities")) == {
        "contained": ("a ∩ b: 100.0 m²", "a ∩ c: 100.0 m²", "a ∩ d: 100.0 m²"),
        "overlap": ("a ∩ e: 20.0 m²",),
    }


def test_a_quarter_of_a_million_parcels_are_all_compared():
    side = 500
    x, y = (a.ravel() * 10.0 for a in np.meshgrid(np.arange(side), np.arange(side)))
    shapes = shapely.box(x, y, x + 10, y + 10)
    shapes[side * 200 + 7] = box(65, 2000, 80, 2010)  # five metres into its left neighbour
    frame = gpd.GeoDataFrame(geometry=shapes, crs=4548, index=pd.RangeIndex(side * side).astype("str"))
    assert found(check_overlaps(frame, "parcels")) == {"overlap": ("100006 ∩ 100007: 50.0 m²",)}


squares = st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(1, 6)] * 2)


@given(st.lists(squares, min_size=2, max_size=12, unique=True))
def test_pairs_are_those_whose_shared_ground_arithmetic_finds(places):
    frame = layer([box(x, y, x + w, y + h) for x, y, w, h in places])
    said = [i for ids in found(check_overlaps(frame, "communities")).values() for i in ids]
    expected = []
    for n, (x, y, w, h) in enumerate(places):
        for m, (a, b, c, d) in enumerate(places[:n]):
            wide, high = min(x + w, a + c) - max(x, a), min(y + h, b + d) - max(y, b)
            if wide > 0 and high > 0:
                expected.append(f"{chr(97 + m)} ∩ {chr(97 + n)}: {wide * high:,.1f} m²")
    assert sorted(said) == sorted(expected)


def test_neighbours_that_only_touch_are_fine():
    assert check_overlaps(layer([box(0, 0, 10, 10), box(10, 0, 20, 10), box(20, 10, 30, 20)]), "communities") == []


def test_a_polygon_as_thin_as_a_line_is_a_sliver():
    # 100 m by 0.4 m: twice the area over the perimeter is just below 0.4 m.
    assert found(check_slivers(layer([box(0, 0, 100, 0.4), box(0, 0, 100, 3)]), "communities")) == {"sliver": ("a",)}


def test_a_recorded_area_may_differ_by_a_tenth():
    frame = layer([box(0, 0, 10, 10)] * 4, registered_area_m2=[100.0, 109.0, 111.0, np.nan])
    assert found(check_areas(frame, "parcels")) == {"area_differs": ("c: 111 / 100 m²",)}


def test_a_slip_of_units_shows_in_the_ratios():
    frame = layer([box(0, 0, 100, 100)] * 4, floor_area_m2=[8000.0, 0.8, 8000.0, np.nan], households=[100, 100, 4, 0])
    assert found(check_ratios(frame)) == {"household_area": ("b: 0.008", "c: 2,000"), "floor_area_ratio": ("b: 8e-05",)}


def test_the_supplements_totals_are_an_outlier_and_the_main_plans_are_not():
    # Huainan's plan of 2024: 173.51 万m² / 22,595 = 76.8; 142.12 万m² / 11,162 = 127.3.
    findings = check_plan_ratios({"main": (22595, 1_735_100), "supplement": (11162, 1_421_200), "reserve": (None, 5.0)})
    assert [f.code for f in findings] == ["plan_ratio"]
    assert "增补计划" in findings[0].text.zh
    assert "127" in findings[0].text.zh


def test_shared_names_and_names_of_units_are_said():
    frame = layer([box(0, 0, 1, 1)] * 4, name=["八公山", "一村", "一村", None])
    units = layer([box(0, 0, 9, 9)], name=["八公山"])
    expected = {"no_name": ("d",), "same_name": ("一村: b, c",), "named_like_unit": ("a: 八公山",)}
    assert found(check_names(frame, units)) == expected


def test_empty_layers_and_tables_and_rasters_are_passed_over():
    empty = layer([], name=[], floor_area_m2=[], households=[])
    assert check_plausibility({"communities": empty, "funds": pd.DataFrame({"a": [1]}), "terrain": object()}) == []


def test_missing_and_invalid_shapes_do_not_stop_the_check():
    from shapely.geometry import Point, Polygon

    bow = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    with np.errstate(invalid="ignore"):
        nowhere = box(np.nan, 0, 1, 1)
    frame = layer([None, Point(0, 0), bow, box(0, 0, 10, 10), nowhere])
    assert check_overlaps(frame, "communities") == []


@pytest.mark.parametrize("count", [0, 1])
def test_one_feature_overlaps_nothing(count):
    assert check_overlaps(layer([box(0, 0, 1, 1)] * count), "communities") == []


def test_communities_without_a_name_are_counted():
    frame = layer([box(0, 0, 10, 10), box(20, 0, 30, 10), box(40, 0, 50, 10)], name=["x", None, " "])
    (finding,) = check_names(frame)
    assert (finding.severity, finding.code, finding.named("zh")) == ("warning", "no_name", ("b", "c"))
    assert finding.text.zh == "2 个小区没有名称；表格和地图上将以编号称呼。"
    assert check_names(frame.iloc[:1]) == []


def _barriers(**columns):
    keys = pd.Index([f"B{n}" for n in range(len(next(iter(columns.values()))))], name="barrier_id")
    lines = [shapely.LineString([(0, 9 * n), (99, 9 * n)]) for n in range(len(keys))]
    return gpd.GeoDataFrame(columns, geometry=lines, crs=4548, index=keys)


def test_walls_without_grade_and_barriers_of_no_kind_are_told_with_their_rows():
    kinds, grades = ["wall", "wall", "river", None, "moat"], pd.array([None, 3, None, 1, None], dtype="Int64")
    remarks = check_plausibility({"barriers": _barriers(kind=kinds, grade=grades)})
    told = {(f.code, f.severity, f.field): f.named("zh") for f in remarks}
    assert told == {
        ("unknown_barrier_kind", "warning", "kind"): ("B3（第4行）", "B4（第5行）"),
        ("unknown_wall_grade", "warning", "grade"): ("B0（第1行）",),
    }
    assert found(check_plausibility({"barriers": _barriers(kind=["wall", "river"])})) == {
        "unknown_wall_grade": ("B0（第1行）",)
    }
    assert check_plausibility({"barriers": _barriers(kind=["wall", "railway"], grade=[1, 1])}) == []
