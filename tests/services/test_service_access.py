"""Walks to services on drawn ground: connectors, gates, walls, steps, islands; and against networkx on random streets."""

from __future__ import annotations

import itertools

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString, Point, box

from gis_renovation.errors import ConfigError
from gis_renovation.networks import build_network, network_to_networkx
from gis_renovation.rule_packs import rules_in_force
from gis_renovation.schemas import layer_schema
from gis_renovation.services import Walks, access_snaps, service_access
from gis_renovation.services.joining import join_places, walks_between

CRS = "EPSG:4548"
RULES = tuple(rule for rule in rules_in_force() if rule.layer == "facilities")
NOTHING = np.empty(0, dtype=object)


def layer(shapes, **columns):
    keys = list(shapes)
    return gpd.GeoDataFrame(columns, geometry=list(shapes.values()), index=pd.Index(keys, dtype="object"), crs=CRS)


def paths(*shapes, **columns):
    given = {"kind": ["footway"] * len(shapes), "public": [True] * len(shapes)} | columns
    return layer({f"P{k}": shape for k, shape in enumerate(shapes)}, **given)


HOME = layer({"A": box(0, 0, 100, 100)})
STREET = LineString([(50, -20), (1000, -20)])


def school(x, y=-20, **more):
    shapes = {"K": Point(x, y), **more}
    return layer(shapes, kind=["kindergarten"] * len(shapes), name=[f"园{key}" for key in shapes])


def gate(x, y, **columns):
    return layer({"G": Point(x, y)}, community_id=["A"], **columns)


def walk(*layers, rules=RULES, home=HOME, **options):
    return service_access(home, *layers, rules=rules, **options).loc["A/kindergarten"]


def test_a_gate_off_the_network_adds_exactly_its_connector():
    far = Walks(connect_m=300)
    at = [walk(school(700), paths(STREET), gates=gate(100, y), walks=far)["distance_m"] for y in (-20, 230)]
    assert at == pytest.approx([600, 850], abs=1e-6)
    refused = walk(school(700), paths(STREET), gates=gate(100, 230), walks=Walks(connect_m=249))
    assert np.isnan(refused["distance_m"])
    assert "未接入" in refused["reason_zh"]


def test_gates_and_facilities_join_edges_not_nodes_and_on_one_edge_walk_straight():
    assert walk(school(310, -25), paths(STREET), gates=gate(100, 0))["distance_m"] == pytest.approx(20 + 210 + 5)


def test_without_gates_the_outline_is_measured_and_the_remark_says_so():
    row = walk(school(310), paths(STREET))
    assert row["starts_from"] == "frontage"
    assert row["distance_m"] == pytest.approx(20 + 210)
    assert "出入口不明" in row["reason_zh"]
    known = walk(school(310), paths(STREET), gates=gate(60, 0))
    assert (known["starts_from"], known["distance_m"]) == ("gates", pytest.approx(20 + 250))
    assert "出入口不明" not in known["reason_zh"]


def test_a_closed_gate_is_no_start():
    two = layer({"G": Point(100, 0), "H": Point(60, 0)}, community_id=["A", "A"], open=[False, None])
    assert walk(school(310), paths(STREET), gates=two)["distance_m"] == pytest.approx(20 + 250)


def test_a_wall_before_the_gate_blocks_its_connector():
    wall = layer({"W": LineString([(-50, -10), (2000, -10)])}, kind=["wall"])
    assert np.isnan(walk(school(310), paths(STREET), None, wall)["distance_m"])
    snaps = access_snaps(school(310), paths(STREET), None, wall, gates=gate(60, 0))
    assert snaps["state"].to_dict() == {"gates/G": "blocked", "facilities/K": "joined"}


def test_steps_lengthen_the_step_free_walk_only():
    round_about = LineString([(100, -20), (100, -120), (200, -120), (200, -20)])
    parts = [LineString([(50, -20), (100, -20)]), LineString([(100, -20), (200, -20)]), round_about,
             LineString([(200, -20), (400, -20)])]  # fmt: skip
    row = walk(school(310), paths(*parts, kind=["footway", "steps", "footway", "footway"]), gates=gate(60, -20))
    assert (row["distance_m"], row["step_free_distance_m"]) == pytest.approx((250, 450))
    assert "不走台阶为 450 m" in row["reason_zh"]


def test_an_unverified_path_leaves_the_verdict_open_and_a_closed_one_does_not():
    verdicts = {}
    for public in (True, None, False):
        lines = paths(STREET, LineString([(50, -40), (51, -40)]), public=pd.array([public, True], dtype="object"))
        verdicts[public] = walk(school(250), lines, gates=gate(100, -20))["guide"]
    assert verdicts == {True: "meets", None: "unknown", False: "unknown"}


def test_the_second_facility_and_the_verdicts_follow_the_rule():
    row = walk(school(350, L=Point(395, -20)), paths(STREET), gates=gate(100, -20))
    assert (row["guide"], row["facility_id"], row["second_facility_id"]) == ("meets", "K", "L")
    assert row["second_distance_m"] == pytest.approx(295)
    past = walk(school(401), paths(STREET), gates=gate(100, -20))
    assert (past["guide"], past["distance_m"]) == ("exceeds", pytest.approx(301))
    assert "GB 50180-2018" in past["source_zh"]


def test_a_kind_that_the_layer_does_not_have_is_unknown_not_missing():
    row = service_access(HOME, school(300), paths(STREET), rules=RULES).loc["A/nursery"]
    assert row["guide"] == "unknown"
    assert "未核查" in row["reason_zh"]


def test_a_facility_inside_is_no_walk():
    assert walk(school(50, 50), paths(STREET))["distance_m"] == 0


@pytest.mark.parametrize("empty", ["communities", "facilities", "slow_paths"])
def test_empty_layers_give_the_same_columns(empty):
    full = {"communities": HOME, "facilities": school(300), "slow_paths": paths(STREET)}
    usual = service_access(**full, rules=RULES)
    table = service_access(**{**full, empty: full[empty].iloc[:0]}, rules=RULES)
    assert list(table.columns) == list(usual.columns)
    assert set(table.columns) | {"access_id"} == set(layer_schema("service_access").fields)
    assert not table["guide"].eq("meets").any()


def test_an_island_shows_in_the_snap_report_and_a_place_too_far_is_named():
    lines = paths(STREET, LineString([(50, 500), (100, 500)]))
    snaps = access_snaps(school(300, L=Point(60, 510), M=Point(5000, 5000)), lines)
    assert snaps.index[0] == "facilities/M"
    assert "园M" in snaps.loc["facilities/M", "reason_zh"]
    assert snaps.loc["facilities/L", "component_share"] == pytest.approx(50 / 1000)
    assert snaps.loc["facilities/K", "component_share"] == pytest.approx(950 / 1000)
    assert snaps.loc["facilities/L", "snap_distance_m"] == pytest.approx(10)
    assert snaps.geometry["facilities/L"].equals(Point(60, 500))


def test_values_not_above_zero_are_refused_by_name():
    with pytest.raises(ConfigError, match="speed_m_per_min = 0"):
        Walks(speed_m_per_min=0)


def streets_and_places(seed):
    """A grid with a third of its streets taken out, and places scattered over it."""
    rng = np.random.default_rng(seed)
    lines = [LineString([(x, y), (x + dx, y + dy)]) for x in range(0, 800, 100) for y in range(0, 800, 100)
             for dx, dy in ((100, 0), (0, 100)) if rng.random() < 0.67]  # fmt: skip
    nodes, edges = build_network(paths(*lines))
    starts, goals = (np.asarray(shapely.points(rng.uniform(0, 800, (n, 2))), dtype=object) for n in (25, 18))
    return nodes, edges, starts, goals


def by_networkx(nodes, edges, starts, goals, limit_m):
    """The same walks on a graph in which the places are nodes that cut their edges, one search a start."""
    sides = {
        "s": (starts, join_places(starts, edges, NOTHING, 60)),
        "g": (goals, join_places(goals, edges, NOTHING, 60)),
    }
    graph = network_to_networkx(nodes, edges)
    cuts = {}
    for side, (_, joins) in sides.items():
        for k, row in joins[joins["edge"] >= 0].iterrows():
            cuts.setdefault(edges.index[row["edge"]], []).append((row["along_m"], (side, k), row["connector_m"]))
    for key, places in cuts.items():
        tail, head, length = edges.loc[key, ["from_node", "to_node", "length_m"]]
        graph.remove_edge(tail, head, key)
        chain = [(0.0, tail), *((along, ("on", place)) for along, place, _ in sorted(places)), (length, head)]
        for (a, one), (b, two) in itertools.pairwise(chain):
            graph.add_edge(one, two, length_m=b - a)
        for _, place, metres in places:
            graph.add_edge(("on", place), place, length_m=metres)
    found = {}
    for k in range(len(starts)):
        if ("s", k) in graph:
            reach = nx.single_source_dijkstra_path_length(graph, ("s", k), cutoff=limit_m, weight="length_m")
            found |= {(k, place[1]): metres for place, metres in reach.items() if place[0] == "g"}
    return found


@pytest.mark.parametrize(("seed", "limit_m"), [(1, 400.0), (2, 900.0), (3, np.inf)])
def test_walks_are_those_of_networkx(seed, limit_m):
    nodes, edges, starts, goals = streets_and_places(seed)
    joins = [join_places(points, edges, NOTHING, 60) for points in (starts, goals)]
    table = walks_between((starts, joins[0]), (goals, joins[1]), nodes, edges, limit_m)
    mine = dict(zip(zip(table["start"], table["goal"], strict=True), table["metres"], strict=True))
    theirs = by_networkx(nodes, edges, starts, goals, limit_m)
    assert len(theirs) > 20
    assert mine == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("seed", [4, 5])
def test_a_new_street_never_lengthens_a_walk(seed):
    rng = np.random.default_rng(seed)
    lines = [LineString([(x, 0), (x, 600)]) for x in (0, 300, 600)] + [LineString([(0, 0), (600, 0)])]
    places = school(*rng.uniform(0, 600, 2), L=Point(*rng.uniform(0, 600, 2)))
    gates = gate(*rng.uniform(0, 600, 2))
    options = {"gates": gates, "walks": Walks(connect_m=400)}
    before = walk(places, paths(*lines), **options)["distance_m"]
    # A connector goes to the nearest edge, so the new street runs beyond the old ones, not between a gate and them.
    for y in (600, 700):
        lines.append(LineString([(0, y), (600, y)]))
        after = walk(places, paths(*lines), **options)["distance_m"]
        assert after <= before + 1e-6
        before = after
