"""The slow paths in and around each community: how long, how wide, how lit, where they end."""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.crs import require_metric
from gis_renovation.greenways.access import sentence
from gis_renovation.greenways.rules import require_positive
from gis_renovation.ids import sorted_by_id, with_ids
from gis_renovation.networks import build_network, lengths_within, network_components, node_degrees
from gis_renovation.outlines import require_areas
from gis_renovation.unknowns import known_no, known_yes, optional_column, optional_numbers


def slow_path_provision(
    communities: gpd.GeoDataFrame,
    slow_paths: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None = None,
    *,
    around_m: float = 300.0,
    narrow_m: float = 1.5,
    snap_m: float = 0.5,
) -> pd.DataFrame:
    """The slow paths in and around each community: length, light, width, openness, loose ends.

    First hints where the slow-traffic system (慢行系统) breaks off, not yet a plan of what to build. Paths known
    to be closed to the public are measured apart and left out of everything else.

    Parameters
    ----------
    communities
        Polygons, project CRS in metres, indexed by id (a default index counts as ids "0", "1", ...).
    slow_paths, streets
        Lines, same CRS, indexed by id. Streets, walkable or not, only tie paths together; without them a path's
        end on a street looks loose.
    around_m
        How far around the polygon to look, straight, metres; 300 m is the five-minute circle (GB 50180-2018).
    narrow_m
        A path below this width is narrow, metres. 1.5 m is the lower end of what walking paths are
        commonly given; no clause was found, so treat it as a guide value.
    snap_m
        Gap in the drawing that still joins two lines, metres.

    Returns
    -------
    pandas.DataFrame
        Layer ``slow_path_provision``, indexed by ``community_id`` and sorted by it. ``length_m`` lies inside
        the polygon, ``around_length_m`` inside or within ``around_m``; the other lengths divide the
        latter. ``lit_share`` is over paths of known lighting, unknown when there are none.
        ``component_count``: how many unconnected pieces of the whole network (paths and streets) the paths
        around belong to; ``dangle_count``: path ends there that meet neither path nor street. No
        communities: an empty frame with the same columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    ConfigError
        ``around_m`` is not above 0.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n log n + k) for k pairs of path and surroundings that meet.

    Examples
    --------
    A path of 400 m, of which 100 m lie in the compound and 300 m beside it:

    >>> from shapely import LineString, box
    >>> home = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 100)], index=["A"], crs="EPSG:4548")
    >>> path = gpd.GeoDataFrame(geometry=[LineString([(0, 50), (400, 50)])], index=["P"], crs="EPSG:4548")
    >>> slow_path_provision(home, path)[["length_m", "around_length_m", "dangle_count"]]
                  length_m  around_length_m  dangle_count
    community_id
    A                100.0            400.0             2
    """
    require_metric(communities=communities, slow_paths=slow_paths, streets=streets)
    require_areas(communities=communities)
    require_positive(around_m=around_m)
    areas, paths = sorted_by_id(communities, "communities"), sorted_by_id(slow_paths, "slow_paths")
    closed = known_no(paths, "public")
    open_paths = paths[~closed]
    shapes = areas.geometry.to_numpy()
    around = shapely.buffer(shapes, around_m, quad_segs=32)
    table = pd.DataFrame({"length_m": _sums(lengths_within(open_paths.geometry.to_numpy(), shapes), len(areas))})
    table = table.join(_divided(open_paths, around, narrow_m))
    closed_m = lengths_within(paths[closed].geometry.to_numpy(), around)
    table["closed_length_m"] = _sums(closed_m, len(areas))
    table = table.join(_loose_ends(open_paths, with_ids(streets, "streets"), around, snap_m))
    table.index = areas.index.rename("community_id")
    rows = table[list(_Paths._fields)].itertuples(index=False, name=None)
    reasons = [_provision_reason(_Paths(*row), around_m) for row in rows]
    table["reason_zh"] = pd.Series([zh for zh, _ in reasons], index=table.index, dtype="object")
    table["reason_en"] = pd.Series([en for _, en in reasons], index=table.index, dtype="object")
    return table


def _sums(lengths: pd.Series[Any], count: int) -> pd.Series[Any]:
    """Metres by area position, 0 where nothing lies."""
    return lengths.groupby(level="area").sum().reindex(range(count), fill_value=0.0)


def _divided(paths: gpd.GeoDataFrame, around: Geometries, narrow_m: float) -> pd.DataFrame:
    """Length around each area, divided by light, width, kind and openness."""
    lengths = lengths_within(paths.geometry.to_numpy(), around)
    line = lengths.index.get_level_values("line")
    width = optional_numbers(paths, "width_m").to_numpy()[line]
    kind = optional_column(paths, "kind").to_numpy(dtype=object)[line]
    lit, dark = known_yes(paths, "lit")[line], known_no(paths, "lit")[line]
    masks = {
        "around_length_m": np.full(len(lengths), fill_value=True),
        "lit_length_m": lit,
        "unlit_length_m": dark,
        "lit_unknown_length_m": ~lit & ~dark,
        "narrow_length_m": width < narrow_m,
        "width_unknown_length_m": np.isnan(width),
        "greenway_length_m": kind == "greenway",
        "steps_length_m": kind == "steps",
        "public_unknown_length_m": ~known_yes(paths, "public")[line],
    }
    table = pd.DataFrame({name: _sums(lengths.where(mask, 0.0), len(around)) for name, mask in masks.items()})
    metre_width = _sums((lengths * width).where(~np.isnan(width), 0.0), len(around))
    wide = table["around_length_m"] - table["width_unknown_length_m"]
    table["mean_width_m"] = (metre_width / wide.where(wide > 0)).astype("float64")
    seen = table["lit_length_m"] + table["unlit_length_m"]
    table["lit_share"] = (table["lit_length_m"] / seen.where(seen > 0)).astype("float64")
    return table


def _loose_ends(
    paths: gpd.GeoDataFrame, streets: gpd.GeoDataFrame | None, around: Geometries, snap_m: float
) -> pd.DataFrame:
    """Unconnected pieces the paths of each surroundings belong to, and path ends there that meet nothing."""
    lines = _with_level(paths, "path")
    if streets is not None:
        lines = gpd.GeoDataFrame(pd.concat([lines, _with_level(streets, "street")]), crs=paths.crs)
    nodes, edges = build_network(lines, snap_m=snap_m)
    dead_end = node_degrees(nodes, edges).eq(1).to_numpy()
    edges = edges.assign(piece=edges["from_node"].map(network_components(nodes, edges)))
    edges = edges[edges["line_id"].astype(str).str.startswith("path/")]
    area, edge = shapely.STRtree(edges.geometry.to_numpy()).query(around, predicate="intersects")
    pieces = pd.DataFrame({"area": area, "piece": edges["piece"].to_numpy(dtype=object)[edge]})
    of_paths = nodes.index.isin(edges["from_node"]) | nodes.index.isin(edges["to_node"])
    loose = nodes[of_paths & dead_end]
    area, _ = shapely.STRtree(loose.geometry.to_numpy()).query(around, predicate="intersects")
    return pd.DataFrame(
        {
            "component_count": pieces.groupby("area")["piece"].nunique().reindex(range(len(around)), fill_value=0),
            "dangle_count": np.bincount(area, minlength=len(around)),
        }
    ).astype("int64")


def _with_level(lines: gpd.GeoDataFrame, prefix: str) -> gpd.GeoDataFrame:
    keys = pd.Index([f"{prefix}/{key}" for key in lines.index], dtype="object")
    frame = gpd.GeoDataFrame({"level": optional_column(lines, "level")}, geometry=lines.geometry, crs=lines.crs)
    return frame.set_axis(keys)


class _Paths(NamedTuple):
    """What is said of the paths around one community."""

    around_length_m: float
    component_count: int
    dangle_count: int
    unlit_length_m: float
    lit_unknown_length_m: float


def _provision_reason(paths: _Paths, around_m: float) -> tuple[str, str]:
    """What the paths around one community lack, in Chinese and English."""
    if paths.around_length_m <= 0:
        return f"{around_m:g} m 内没有慢行道。", f"No slow path within {around_m:g} m."
    zh = [f"{around_m:g} m 内有慢行道 {paths.around_length_m:.0f} m"]
    en = [f"{paths.around_length_m:.0f} m of slow paths within {around_m:g} m"]
    if paths.component_count > 1:
        zh.append(f"分为互不相连的 {paths.component_count} 段")
        en.append(f"in {paths.component_count} unconnected pieces")
    if paths.dangle_count:
        zh.append(f"断头 {paths.dangle_count} 处")
        en.append(f"dead ends: {paths.dangle_count}")
    if paths.unlit_length_m > 0:
        zh.append(f"无照明 {paths.unlit_length_m:.0f} m")
        en.append(f"{paths.unlit_length_m:.0f} m unlit")
    if paths.lit_unknown_length_m > 0:
        zh.append(f"照明情况不明 {paths.lit_unknown_length_m:.0f} m")
        en.append(f"lighting unknown on {paths.lit_unknown_length_m:.0f} m")
    return "；".join(zh) + "。", sentence(en)
