"""Every kind of fault planted into a clean network is found once, at its place, and nothing else is."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from gis_renovation.checking.remedies import check_layer
from gis_renovation.sample.city import make_city
from gis_renovation.schemas import layer_schema
from gis_renovation.utilities.doctor import check_utility_topology

CRS = "EPSG:4548"
LINES = {"main": [(0, 0), (100, 0)], "on": [(100, 0), (200, 0)], "branch": [(100, 0), (100, 80)]}
POINTS = {"S": ("source", 0, 0), "V": ("valve", 100, 0), "A": ("inlet", 200, 0), "B": ("inlet", 100, 80)}


def checked(more_lines=None, more_points=None, *, status=None, network="water", **options):
    rows, spots = {**LINES, **(more_lines or {})}, {**POINTS, **(more_points or {})}
    lines = gpd.GeoDataFrame(
        {
            "network": [network if name in (more_lines or {}) else "water" for name in rows],
            "status": [status if name in (more_lines or {}) else "in_use" for name in rows],
        },
        geometry=[shapely.LineString(xy) for xy in rows.values()],
        index=pd.Index(rows, dtype="object"),
        crs=CRS,
    )
    points = gpd.GeoDataFrame(
        {"network": "water", "kind": [kind for kind, *_ in spots.values()]},
        geometry=[shapely.Point(x, y) for _, x, y in spots.values()],
        index=pd.Index(spots, dtype="object"),
        crs=CRS,
    )
    return check_utility_topology(lines, points, **options)


def test_a_clean_network_has_no_fault():
    assert len(checked()) == 0


@pytest.mark.parametrize(
    ("kind", "lines", "points", "told"),
    [
        ("self_loop", {"x": [(100, 0), (110, 10), (120, 0), (100, 0)]}, {}, ("x", None, None)),
        ("tiny_line", {"x": [(100, 0), (100.3, 0.2)]}, {}, ("x", None, None)),
        ("duplicate_line", {"x": [(100, 0), (200, 0)]}, {}, ("x", None, "on")),
        ("reversed_line", {"x": [(200, 0), (100, 0)]}, {}, ("x", None, "on")),
        ("near_miss", {"x": [(50, 1.5), (50, 40)]}, {"C": ("inlet", 50, 40)}, ("x", None, "main")),
        ("dangling_end", {"x": [(50, 0), (50, 40)]}, {}, ("x", None, None)),
        ("dangling_end", {"x": [(50, 0), (50, 40)]}, {"C": ("joint", 50, 40)}, ("x", None, None)),
        (
            "crossing",
            {"x": [(150, -40), (150, 40)]},
            {"C": ("inlet", 150, 40), "D": ("inlet", 150, -40)},
            ("on", None, "x"),
        ),
        ("unused_node", {}, {"C": ("joint", 50, 3)}, (None, "C", None)),
        ("unused_valve", {}, {"C": ("valve", 50, 3)}, (None, "C", None)),
        ("repeated_node", {}, {"W": ("joint", 100, 0)}, (None, "W", "V")),
    ],
)
def test_a_planted_fault_is_found_and_nothing_else(kind, lines, points, told):
    found = checked(lines, points)
    if kind in ("duplicate_line", "reversed_line"):
        found = found[found["other_id"].notna()]
    (fault,) = found.itertuples()
    none = [None if pd.isna(value) else value for value in (fault.line_id, fault.node_id, fault.other_id)]
    assert (fault.kind, *none) == (kind, *told)
    assert fault.proposal_zh
    assert fault.proposal_en
    for status in ("abandoned", "empty", "planned"):
        if lines and not points:
            assert len(checked(lines, status=status)) == 0


def test_a_fault_lies_where_a_person_would_look_for_it():
    near = checked({"x": [(50, 1.5), (50, 40)]}, {"C": ("inlet", 50, 40)})
    assert near.geometry.iloc[0].equals(shapely.Point(50, 1.5))
    assert near["metres"].iloc[0] == 1.5
    ends = {"C": ("inlet", 150, 40), "D": ("inlet", 150, -40)}
    cross = {"x": [(150, -40), (150, 40)]}
    assert checked(cross, ends).geometry.iloc[0].equals(shapely.Point(150, 0))
    assert len(checked(cross, {**ends, "J": ("joint", 150, 0)})) == 0


def test_limits_stand_where_they_are_set():
    gap = ({"x": [(50, 1.5), (50, 40)]}, {"C": ("inlet", 50, 40)})
    assert checked(*gap, near_miss_m=1.4)["kind"].tolist() == ["dangling_end"]
    assert len(checked(*gap, snap_m=1.6)) == 0
    assert len(checked(longest_line_m=100)) == 0
    assert checked(longest_line_m=99)["line_id"].tolist() == ["main", "on"]


def test_pipes_of_two_networks_may_cross():
    gas = {"x": [(150, -40), (150, 40)]}
    assert set(checked(gas, network="gas")["kind"]) == {"dangling_end"}


def test_the_sample_is_told_whatever_its_row_order_and_keeps_the_schema():
    city = make_city()
    lines, nodes = city["utility_lines"], city["utility_nodes"]
    found = check_utility_topology(lines, nodes)
    assert {finding.code for finding in check_layer(found, layer_schema("utility_faults"))} <= {"empty_layer"}
    assert not set(found["kind"]) & {"duplicate_line", "reversed_line", "self_loop", "repeated_node", "tiny_line"}
    again = check_utility_topology(lines.sample(frac=1, random_state=1), nodes.sample(frac=1, random_state=2))
    assert_geodataframe_equal(again, found)
    moved = (
        lines.assign(geometry=lines.geometry.translate(1000, 500)),
        nodes.assign(geometry=nodes.geometry.translate(1000, 500)),
    )
    assert check_utility_topology(*moved)["kind"].value_counts().to_dict() == found["kind"].value_counts().to_dict()
    assert {field.disclosure for field in layer_schema("utility_faults").fields.values()} == {"restricted"}
    assert np.isfinite(found.loc[found["kind"] == "near_miss", "metres"]).all()
