"""How each gate and facility joins the walking network: the report people ask for first when a distance looks wrong."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.crs import require_metric
from gis_renovation.greenways import blocking_shapes, walk_lines
from gis_renovation.ids import sorted_by_id, with_ids
from gis_renovation.networks import build_network, network_components
from gis_renovation.services.joining import JOINED, NO_NETWORK, TOO_FAR, join_places
from gis_renovation.services.settings import USUAL_WALKS, Walks
from gis_renovation.unknowns import name_or_id, optional_column
from gis_renovation.words import Text


def access_snaps(
    facilities: gpd.GeoDataFrame,
    slow_paths: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    gates: gpd.GeoDataFrame | None = None,
    *,
    walks: Walks = USUAL_WALKS,
) -> gpd.GeoDataFrame:
    """Where each facility and gate joins the network surely open to walkers, how far that is, and what could not.

    Parameters are those of :func:`gis_renovation.services.service_access`, which joins places the same way.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``access_snaps``: points, where the place joins (the place itself where it does not), indexed by
        ``snap_id`` (layer/id), those not joined first. ``component_share``: the part of the network's length that
        hangs together with it, so that a place on an island is seen. ``snap_distance_m`` of a place not joined is
        that to the nearest line.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        Ids missing or repeated.

    Notes
    -----
    O((n + m) log m) and the pairs within ``connect_m``.
    """
    crs = require_metric(facilities=facilities, slow_paths=slow_paths, streets=streets, barriers=barriers, gates=gates)
    lines = walk_lines(with_ids(slow_paths, "slow_paths"), with_ids(streets, "streets"), walks, sure=True)
    nodes, edges = build_network(lines, snap_m=walks.snap_m)
    named = [(name, layer) for name, layer in (("facilities", facilities), ("gates", gates)) if layer is not None]
    layers = [(name, sorted_by_id(layer, name)) for name, layer in named]
    places = np.concatenate([layer.geometry.to_numpy() for _, layer in layers])
    join = join_places(places, edges, blocking_shapes(barriers, walks.blocking_kinds), walks.connect_m)
    table = pd.DataFrame(
        {
            "place_layer": [name for name, layer in layers for _ in layer.index],
            "place_id": [key for _, layer in layers for key in layer.index],
            "name": np.concatenate([optional_column(layer, "name").to_numpy(dtype=object) for _, layer in layers]),
            "state": join["state"].to_numpy(),
            "snap_distance_m": join["connector_m"].to_numpy(),
            "limit_m": walks.connect_m,
        }
    )
    table["name"] = table["name"].astype("object").where(table["name"].notna(), None)
    _add_edges(table, join, nodes, edges)
    remarks = [_remark(row) for row in table.itertuples()]
    table["reason_zh"] = [text.zh for text in remarks]
    table["reason_en"] = [text.en for text in remarks]
    keys = pd.Index([f"{a}/{b}" for a, b in zip(table["place_layer"], table["place_id"], strict=True)], dtype="object")
    shapes = places.copy()
    on = np.flatnonzero(join["edge"] >= 0)
    shapes[on] = shapely.line_interpolate_point(
        edges.geometry.to_numpy()[join["edge"].to_numpy()[on]], join["along_m"].to_numpy()[on]
    )
    result = gpd.GeoDataFrame(table.set_index(keys.rename("snap_id")), geometry=shapes, crs=crs)
    order = np.lexsort((result.index.to_numpy(dtype=str), result["state"].eq(JOINED)))
    return result.iloc[order]


def _add_edges(table: pd.DataFrame, join: pd.DataFrame, nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> None:
    """Columns of the edge a place joins and of the part of the network it hangs on; unknown where it joins none."""
    on, edge = join["edge"].ge(0).to_numpy(), join["edge"].to_numpy()
    part = network_components(nodes, edges).reindex(edges["from_node"]).to_numpy(dtype=object)
    length = edges["length_m"].groupby(part).transform("sum").to_numpy() / max(edges["length_m"].sum(), 1e-9)
    ids, parts = np.full(len(on), None, dtype=object), np.full(len(on), None, dtype=object)
    share = np.full(len(on), np.nan)
    ids[on] = edges.index.to_numpy(dtype=object)[edge[on]]
    parts[on], share[on] = part[edge[on]], length[edge[on]]
    table["edge_id"], table["component"], table["component_share"] = ids, parts, share


def _remark(row: Any) -> Text:
    """What a place's joining means, by name."""
    name = name_or_id(row.name, row.place_id)
    if row.state == NO_NETWORK:
        return Text(f"{name}：没有可确认能步行的路网。", f"{name}: there is no network surely open to walkers.")
    far, cap = f"{row.snap_distance_m:.1f} m", f"{row.limit_m:g} m"
    if row.state == JOINED:
        share = f"{row.component_share:.1%}"
        return Text(
            f"{name}：接入 {row.edge_id}，连接段 {far}，所在连通部分占路网长度 {share}。",
            f"{name}: joins {row.edge_id} by a connector of {far}; with it hangs {share} of the network's length.",
        )
    if row.state == TOO_FAR:
        return Text(
            f"{name}：未接入，最近的步行路 {far}，超过 {cap}。请核对位置，或补画道路。",
            f"{name}: not joined, the nearest way is {far} off, above {cap}. Check its place or draw the path.",
        )
    return Text(
        f"{name}：未接入，{cap} 内的步行路都隔着河流、铁路或围墙（最近 {far}）。请核对位置，或补画门、桥。",
        f"{name}: not joined, a river, railway or wall lies before every way within {cap} (nearest {far}). "
        "Check its place or draw the gate or bridge.",
    )
