"""Links to a libpysal graph and back: what a graph can say, isolates, order."""

import builtins

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph
from shapely import LineString, Point, box

from gis_renovation.checking.remedies import check_layer
from gis_renovation.contiguity import link_communities, links_from_graph, links_to_graph
from gis_renovation.errors import CRSError, DataError, GisRenovationError
from gis_renovation.schemas import layer_schema
from gis_renovation.zones import delineate_zones

METRIC = "EPSG:4548"


def homes(places):
    shapes = [box(x, y, x + 100, y + 100) for x, y in places.values()]
    return gpd.GeoDataFrame(geometry=shapes, index=pd.Index(list(places), name="community_id"), crs=METRIC)


# A touches B, C is 40 m from B across a railway, D is far away.
ROW = {"D": (9000, 0), "B": (100, 0), "A": (0, 0), "C": (240, 0)}
RAILWAY = gpd.GeoDataFrame({"kind": ["railway"]}, geometry=[LineString([(220, -900), (220, 900)])], crs=METRIC)
BRIDGE = gpd.GeoDataFrame({"kind": ["footbridge"]}, geometry=[Point(220, 50)], crs=METRIC)


def test_a_graph_has_the_links_one_can_walk_and_keeps_who_has_none():
    places = homes(ROW)
    assert links_to_graph(places, link_communities(places)).neighbors == {
        "A": ("B",),
        "B": ("A", "C"),
        "C": ("B",),
        "D": (),
    }
    cut = links_to_graph(places, link_communities(places, RAILWAY))
    assert cut.neighbors == {"A": ("B",), "B": ("A",), "C": (), "D": ()}
    assert cut.isolates.tolist() == ["C", "D"]
    bridged = links_to_graph(places, link_communities(places, RAILWAY, BRIDGE))
    assert bridged.neighbors["C"] == ("B",)
    assert bridged.asymmetry().empty


def test_no_order_of_rows_changes_a_graph():
    places = homes(ROW)
    links = link_communities(places)
    assert links_to_graph(places.sort_index(), links.iloc[::-1]).equals(links_to_graph(places, links))
    graph = links_to_graph(places, links)
    assert links_from_graph(places.iloc[::-1], graph).equals(links_from_graph(places, graph))


@pytest.mark.parametrize("names", [list(ROW), None])
def test_there_and_back_again(names):
    places = homes(ROW) if names else homes(ROW).reset_index(drop=True)
    links = link_communities(places)
    graph = links_to_graph(places, links)
    back = links_from_graph(places, graph)
    assert links_to_graph(places, back).equals(graph)
    same = ["focal", "neighbor", "status", "gap_m"]
    assert back[same].equals(links[same])
    assert list(back.columns) == list(links.columns)
    assert (back.dtypes == links.dtypes).all()


def test_what_a_graph_does_not_say_stays_unknown():
    places = homes(ROW)
    back = links_from_graph(places, links_to_graph(places, link_communities(places, RAILWAY, BRIDGE)))
    told = {"focal", "neighbor", "status", "gap_m", "reason_zh", "reason_en", "geometry"}
    assert back[[name for name in back.columns if name not in told]].isna().all(axis=None)
    faults = {(fault.field, fault.code) for fault in check_layer(back, layer_schema("community_links"))}
    assert faults == {("cause", "unknown_value"), ("shared_wall_m", "unknown_value")}
    # Zones can be cut from it nevertheless.
    assert set(delineate_zones(places.assign(households=400), back).index) == set(ROW)


def test_a_one_sided_neighbour_counts_once_and_oneself_not_at_all():
    places = homes(ROW).reset_index(drop=True)
    nearest = Graph.build_knn(places.set_geometry(places.centroid), k=1)
    assert links_from_graph(places, nearest).index.tolist() == ["0~3", "1~2", "1~3"]
    alone = Graph.from_arrays(["A", "B"], ["A", "B"], [1, 0])
    assert len(links_from_graph(homes({"A": (0, 0), "B": (9, 0)}), alone)) == 0


def test_contiguity_built_by_libpysal_gives_the_gaps_of_the_polygons():
    places = homes({f"H{k}": (100 * k, 0) for k in range(5)})
    links = links_from_graph(places, Graph.build_contiguity(places))
    assert links.gap_m.tolist() == [0.0] * 4
    far = links_from_graph(places, Graph.build_distance_band(places.set_geometry(places.centroid), 250))
    assert far.gap_m.to_numpy() == pytest.approx([0, 100, 0, 100, 0, 100, 0])


def test_nothing_gives_nothing_with_the_same_columns():
    places = homes(ROW)
    none = links_from_graph(places, links_to_graph(places, link_communities(places).iloc[:0]))
    assert len(none) == 0
    assert list(none.columns) == list(link_communities(places).columns)
    assert none.crs == METRIC
    assert np.array_equal(none.dtypes, link_communities(places).dtypes)


def test_strangers_and_degrees_are_refused():
    places = homes(ROW)
    with pytest.raises(DataError):
        links_from_graph(places, Graph.from_arrays(["A", "X"], ["X", "A"], [1, 1]))
    with pytest.raises(DataError):
        links_to_graph(places.drop("A"), link_communities(places))
    with pytest.raises(CRSError):
        links_from_graph(places.to_crs(4490), links_to_graph(places, link_communities(places)))


def test_without_libpysal_the_line_that_installs_it_is_named(monkeypatch):
    places = homes(ROW)
    monkeypatch.setattr("importlib.import_module", lambda _: builtins.__import__("no_such_library"))
    with pytest.raises(GisRenovationError, match="bridges") as caught:
        links_to_graph(places, link_communities(places))
    assert "pip install" in caught.value.in_language("en")
