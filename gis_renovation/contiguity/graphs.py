"""Communities and their links as a graph: groups one can walk within, and the way from and to libpysal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis_renovation.arrays import Positions
from gis_renovation.bridges import bridge_to
from gis_renovation.contiguity.links import drawn_links
from gis_renovation.contiguity.pairs import Pairs
from gis_renovation.contiguity.sentences import metres
from gis_renovation.crs import require_metric
from gis_renovation.errors import DataError, Finding, by_key
from gis_renovation.ids import ids_in, sorted_by_id, with_ids
from gis_renovation.schemas import layer_schema
from gis_renovation.words import Text

if TYPE_CHECKING:
    from libpysal.graph import Graph

# Links one can walk, whether or not over a crossing.
USABLE = ("joined", "rejoined")
ENDS = ("focal", "neighbor")


def connected_groups(communities: gpd.GeoDataFrame, community_links: pd.DataFrame) -> pd.Series[Any]:
    """Which communities one can walk between over joined and rejoined links: the groups zones are cut from.

    Parameters
    ----------
    communities
        Index the community id; nothing else is read.
    community_links
        Layer of :func:`link_communities`.

    Returns
    -------
    pandas.Series
        ``group_id``: "G-" and the smallest id of the group, on the index of ``communities`` in its order.
        A community without a link is a group of its own. Empty for no communities.

    Raises
    ------
    DataError
        A link names a community that is not there.

    Notes
    -----
    O(communities + links).
    """
    order = sorted_by_id(communities, "communities").index
    one, other = _ends(order, community_links[community_links["status"].isin(USABLE)])
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(len(order), len(order)))
    _, label = connected_components(graph, directed=False)
    smallest = order.to_numpy()[np.unique(label, return_index=True)[1]] if len(order) else np.zeros(0, dtype=object)
    group = pd.Series([f"G-{smallest[at]}" for at in label], index=order, dtype="str")
    by_row = group.loc[with_ids(communities, "communities").index].to_numpy()
    return pd.Series(by_row, index=communities.index, name="group_id", dtype="str")


def links_to_graph(communities: gpd.GeoDataFrame, community_links: pd.DataFrame) -> Graph:
    """Communities and the links one can walk as a libpysal ``Graph``, for spatial statistics.

    A graph knows neighbours and one weight a pair, nothing else: gaps, walls, barriers and reasons stay behind,
    and a cut link is none. Both directions of a link are in it, each of weight 1.

    Parameters
    ----------
    communities
        Index the community id; nothing else is read. A community without a link stays, as an isolate.
    community_links
        Layer of :func:`link_communities`; ``joined`` and ``rejoined`` links are taken.

    Returns
    -------
    libpysal.graph.Graph
        On the text ids of the communities in ascending order, whatever the order of the rows.

    Raises
    ------
    GisRenovationError
        libpysal is not installed (``pip install "gis-renovation[bridges]"``).
    DataError
        A link names a community that is not there, or ids are missing or repeated.

    Notes
    -----
    O(communities + links log links).

    Examples
    --------
    Two squares 40 m apart, and one far away from both:

    >>> from shapely import box
    >>> from gis_renovation.contiguity import link_communities
    >>> squares = [box(x, 0, x + 9, 9) for x in (0, 49, 999)]
    >>> communities = gpd.GeoDataFrame(geometry=squares, index=["A", "B", "C"], crs="EPSG:4548")
    >>> graph = links_to_graph(communities, link_communities(communities))
    >>> graph.neighbors
    {'A': ('B',), 'B': ('A',), 'C': ()}
    """
    order = sorted_by_id(communities, "communities").index
    one, other = _ends(order, community_links[community_links["status"].isin(USABLE)])
    alone = np.setdiff1d(np.arange(len(order)), np.concatenate([one, other]))
    # libpysal writes an isolate as a link to itself of weight 0.
    focal, neighbor = np.concatenate([one, other, alone]), np.concatenate([other, one, alone])
    weight = np.concatenate([np.ones(2 * len(one), dtype=np.int64), np.zeros(len(alone), dtype=np.int64)])
    ids, rank = order.to_numpy(dtype=object), np.lexsort((neighbor, focal))
    graph: Graph = bridge_to("libpysal.graph").Graph.from_arrays(ids[focal[rank]], ids[neighbor[rank]], weight[rank])
    return graph


def links_from_graph(communities: gpd.GeoDataFrame, graph: Graph) -> gpd.GeoDataFrame:
    """The neighbours that somebody else's libpysal ``Graph`` names, as links that zones can be cut from.

    A graph says that two communities are neighbours, and that is all that is taken from it: its weights mean
    what its maker meant. A pair counts if either direction has a weight other than 0 (nearest neighbours are
    one-sided). The gap is measured here, between the polygons. Nobody looked for barriers, walks, walls, mains
    or paths: these stay unknown, the reasons say so, and :func:`link_communities` is the way to know them.

    Parameters
    ----------
    communities
        Polygons in a projected CRS in metres, index the community id.
    graph
        On the ids of ``communities``, isolates allowed; ids that are numbers count by their text.

    Returns
    -------
    geopandas.GeoDataFrame
        As layer ``community_links``, index ``link_id``, sorted; ``status`` is ``joined``, ``gap_m`` in metres,
        ``cause`` and all that was not looked at are null. Without neighbours: no rows, the same columns.

    Raises
    ------
    CRSError
        The communities are not in a projected CRS in metres.
    DataError
        The graph names a community that is not there, or ids are missing or repeated.

    Notes
    -----
    O(communities + links log links).

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> from shapely import box
    >>> squares = [box(x, 0, x + 9, 9) for x in (0, 49, 999)]
    >>> communities = gpd.GeoDataFrame(geometry=squares, index=["A", "B", "C"], crs="EPSG:4548")
    >>> graph = Graph.from_dicts({"A": {"B": 1}, "B": {"A": 1}, "C": {}})
    >>> links_from_graph(communities, graph)[["status", "gap_m", "cause"]]
             status  gap_m cause
    link_id
    A~B      joined   40.0   NaN
    """
    metric = require_metric(communities=communities)
    places = sorted_by_id(communities, "communities")
    adjacency = graph.adjacency.reset_index()
    known = adjacency[adjacency["weight"] != 0]
    ends = np.stack(_ends(places.index, known.assign(**{side: ids_in(known[side]) for side in ENDS})))
    first, second = np.unique(np.sort(ends[:, ends[0] != ends[1]], axis=0), axis=1)
    polygons = np.asarray(places.geometry.to_numpy(), dtype=object)
    gap_m = np.asarray(shapely.distance(polygons[first], polygons[second]))
    pairs = Pairs(first, second, gap_m, np.asarray(shapely.shortest_line(polygons[first], polygons[second])))
    lines = drawn_links(polygons, pairs, pairs.line.copy(), np.full((len(first), 2), np.nan))
    return gpd.GeoDataFrame(_unexamined(places.index, pairs), geometry=lines, crs=metric)


def _unexamined(ids: pd.Index, pairs: Pairs) -> pd.DataFrame:
    """Links of which nothing is known but that they are there, and the gap; columns as the layer has them."""
    names = ids.to_numpy(dtype=object)
    focal, neighbor = names[pairs.first].tolist(), names[pairs.second].tolist()
    gaps = [metres(gap_m) for gap_m in pairs.gap_m.tolist()]
    told: dict[str, object] = {
        "focal": pd.array(focal, dtype="str"),
        "neighbor": pd.array(neighbor, dtype="str"),
        "status": pd.array(["joined"] * len(gaps), dtype="str"),
        "gap_m": pairs.gap_m,
        "reason_zh": pd.array([f"由外部邻接图给定，相距 {gap} 米；其间有无阻隔未核查" for gap in gaps], dtype="str"),
        "reason_en": pd.array(
            [f"neighbours by a given graph, {gap} m apart; nobody looked for barriers" for gap in gaps], dtype="str"
        ),
    }
    types = {"string": "str", "integer": "Int64", "number": "float64", "boolean": "boolean"}
    fields = [field for field in layer_schema("community_links").fields.values() if field.name != "link_id"]
    columns = {
        field.name: told.get(field.name, pd.Series([None] * len(gaps), dtype=types[field.type]).array)
        for field in fields
    }
    links = [f"{one}~{other}" for one, other in zip(focal, neighbor, strict=True)]
    return pd.DataFrame(columns, index=pd.Index(links, dtype="str", name="link_id"))


def _ends(ids: pd.Index, links: pd.DataFrame) -> tuple[Positions, Positions]:
    """Positions of the communities that links join. Raises DataError where one is not there."""
    one, other = (np.asarray(ids.get_indexer(pd.Index(links[side], dtype=object))) for side in ENDS)
    stray = (one < 0) | (other < 0)
    if stray.any():
        text = Text("连接指向不存在的小区；请重新运行 community_links。", "Links name communities that are not there.")
        lost = by_key(links.index[stray])
        raise DataError(
            [Finding(severity="error", code="dangling_reference", layer="community_links", features=lost, text=text)]
        )
    return one, other
