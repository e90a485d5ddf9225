"""Contiguous renovation zones (连片改造片区): which communities are renovated together, and why.

Communities are joined over the links that :mod:`gis_renovation.contiguity` found usable (status
``joined`` or ``rejoined``). Unknown sums stay unknown and say of how many communities.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis_renovation.crs import require_metric

USABLE = ("joined", "rejoined")
SUMMED = ("households", "floor_area_m2", "cost_yuan", "building_count")


def delineate_zones(communities: gpd.GeoDataFrame, community_links: gpd.GeoDataFrame) -> pd.DataFrame:
    """The zone of every community: the connected components over usable links.

    Indexed by ``community_id``, sorted. A community without a usable link forms a zone of its own.
    ``zone_id`` is ``Z-`` and the smallest member's id. No communities give no rows. O(n + m).
    """
    ids = np.sort(communities.index.to_numpy(dtype=object))
    labels = _components(ids, community_links)
    first = pd.Series(ids).groupby(labels).transform("first").to_numpy(dtype=object)
    zone = [f"Z-{member}" for member in first]
    return pd.DataFrame({"zone_id": pd.array(zone, dtype="str")}, index=pd.Index(ids, name="community_id"))


def describe_zones(
    communities: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    community_links: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """One row a zone: its members' union, its sums, and why these communities belong together.

    Indexed by ``zone_id``, sorted. A sum with any unknown member is unknown; ``<sum>_unknown_count``
    says of how many. Communities left out (``zone_id`` null) are in no row.
    """
    require_metric(communities=communities, community_links=community_links, streets=streets)
    grouped = zone_members[zone_members["zone_id"].notna()].groupby("zone_id", sort=True).groups
    rows = {zone: communities.loc[sorted(members)] for zone, members in grouped.items()}
    table = pd.DataFrame([_zone_row(members) for members in rows.values()], index=pd.Index(rows, name="zone_id"))
    unions = [shapely.union_all(members.geometry.to_numpy()) for members in rows.values()]
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(unions, index=table.index, crs=communities.crs))


def _components(ids: NDArray[np.object_], links: pd.DataFrame) -> NDArray[np.int32]:
    usable = links[links["status"].isin(USABLE)]
    position = pd.Series(np.arange(len(ids)), index=ids)
    heads, tails = position[usable["focal"]].to_numpy(), position[usable["neighbor"]].to_numpy()
    graph = coo_array((np.ones(len(heads)), (heads, tails)), shape=(len(ids), len(ids)))
    return np.asarray(connected_components(graph, directed=False)[1])


def _zone_row(members: gpd.GeoDataFrame) -> dict[str, Any]:
    # A community without a name (or a layer without names) is called by its id.
    called = members["name"].fillna(members.index.to_series()) if "name" in members else members.index.to_series()
    names = "、".join(called)
    row: dict[str, Any] = {"name": f"{called.iloc[0]}片区", "community_count": len(members)}
    for column in SUMMED:
        values = members[column] if column in members else pd.Series(np.nan, index=members.index)
        row[column] = values.sum() if values.notna().all() else np.nan
        row[f"{column}_unknown_count"] = int(values.isna().sum())
    row["land_area_m2"] = float(members.geometry.area.sum())
    row["why_zh"] = f"由{names}共 {len(members)} 个小区组成，相互之间可步行连通。"
    row["why_en"] = (
        f"{len(members)} communities within walking links of each other: {', '.join(called)}."
    )
    return row
