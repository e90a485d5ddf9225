"""Neighbours, gaps, barriers and crossings."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box

from gis_renovation.contiguity import link_communities, nearby_pairs
from gis_renovation.errors import ConfigError, CRSError
from gis_renovation.schemas import check_layer, layer_schema

METRIC = "EPSG:4548"


def layer(shapes, key, **columns):
    index = pd.Index(list(shapes), name=key)
    return gpd.GeoDataFrame(columns, geometry=list(shapes.values()), index=index, crs=METRIC)


def communities(shapes, **columns):
    return layer(shapes, "community_id", name=[f"小区{i}" for i in shapes], **columns)


def barriers(shapes, kind="railway", **columns):
    return layer(shapes, "barrier_id", kind=kind, **columns)


def crossings(shapes, kind="footbridge", **columns):
    return layer(shapes, "crossing_id", kind=kind, **columns)


# A and B are squares of 100 m, 40 m apart; the railway runs north-south in the middle of the gap.
SQUARES = {"A": box(0, 0, 100, 100), "B": box(140, 0, 240, 100)}
RAILWAY = {"R": LineString([(120, -500), (120, 600)])}


def only(links):
    assert len(links) == 1
    return links.iloc[0]


def test_squares_within_the_bound_are_joined_across_the_gap():
    link = only(link_communities(communities(SQUARES)))
    assert (link.status, link.gap_m, link.walk_m, link.name) == ("joined", 40.0, 40.0, "A~B")
    assert link.geometry.length == 40.0


def test_a_railway_through_the_gap_cuts():
    link = only(link_communities(communities(SQUARES), barriers(RAILWAY, name="淮南铁路")))
    assert (link.status, link.barrier_id, link.barrier_kind) == ("cut", "R", "railway")
    assert "淮南铁路" in link.reason_zh
    assert "40 米" in link.reason_zh


def test_a_footbridge_near_by_joins_again():
    bridge = crossings({"F": Point(120, 160)}, name="人民天桥")
    link = only(link_communities(communities(SQUARES), barriers(RAILWAY), bridge))
    assert (link.status, link.crossing_id) == ("rejoined", "F")
    assert link.walk_m == pytest.approx(2 * np.hypot(20, 60))
    assert "人民天桥" in link.reason_zh


def test_a_barrier_that_leaves_half_the_gap_open_does_not_cut():
    half = {"R": LineString([(120, 40), (120, 600)])}
    link = only(link_communities(communities(SQUARES), barriers(half)))
    assert link.status == "joined"


def test_a_wall_along_the_shared_boundary_cuts():
    shapes = {"A": box(0, 0, 100, 100), "B": box(100, 0, 200, 100)}
    link = only(link_communities(communities(shapes), barriers({"W": LineString([(100, 0), (100, 100)])}, "wall")))
    assert (link.status, link.gap_m) == ("cut", 0.0)


def test_different_known_counties_cut_and_unknown_ones_do_not():
    for units, status in ((["1", "2"], "cut"), (["1", None], "joined"), (["1", "1"], "joined")):
        assert only(link_communities(communities(SQUARES, unit_code=units))).status == status


def test_no_communities_give_no_links_with_the_same_columns():
    full = link_communities(communities(SQUARES), barriers(RAILWAY))
    none = link_communities(communities(SQUARES).iloc[:0], barriers(RAILWAY))
    assert len(none) == 0
    assert list(none.columns) == list(full.columns)
    assert none.index.name == "link_id"


def test_the_layer_keeps_its_schema():
    links = link_communities(communities(SQUARES), barriers(RAILWAY), crossings({"F": Point(120, 160)}))
    assert check_layer(links, layer_schema("community_links")) == []


def test_degrees_are_refused():
    with pytest.raises(CRSError, match="EPSG:4326"):
        link_communities(communities(SQUARES).set_crs(4326, allow_override=True))


def test_a_negative_gap_is_refused():
    with pytest.raises(ConfigError, match="max_gap_m"):
        link_communities(communities(SQUARES), max_gap_m=-1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 40), st.floats(0, 80))
def test_pairs_equal_every_pair_measured_one_by_one(seed, count, bound):
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 400, (count, 2)).astype(float)
    shapes = shapely.box(corners[:, 0], corners[:, 1], corners[:, 0] + 40, corners[:, 1] + 30)
    found = nearby_pairs(shapes, max_gap_m=bound)
    expected = [
        (i, j, shapes[i].distance(shapes[j]))
        for i in range(count)
        for j in range(i + 1, count)
        if shapes[i].distance(shapes[j]) <= bound
    ]
    assert list(zip(found.first, found.second, found.gap_m, strict=True)) == expected
