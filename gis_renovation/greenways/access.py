"""The slow-traffic network: how far a community walks to a park, and what paths it has around it."""

from __future__ import annotations

from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.greenways.walks import park_walks
from gis_renovation.networks import build_network, lengths_within, network_components, node_degrees
from gis_renovation.unknowns import known_no, known_yes, optional_column, optional_numbers

# Guide values ("不宜大于", recommended, not an order): 300 m is the five-minute circle (GB 50180-2018) and the
# radius of pocket parks of 0.2-1 ha, 500 m the ten-minute circle (TD/T 1062-2021) and that of community parks of
# 1-5 ha (GB/T 51346-2019, table 4.4.7); docs/methods.md, 7.1.
GUIDE_DISTANCES_M = (300.0, 500.0)
# Least area (m²) and service radius (m) of public parks: GB/T 51346-2019, table 4.4.7 (pocket park 0.2-1 ha 300 m,
# community park 1-5 ha 500 m and 5-10 ha 800-1000 m); docs/methods.md, 7.1.
SERVICE_RADII_M = ((2_000.0, 300.0), (10_000.0, 500.0), (50_000.0, 800.0))
# On these people walk on the carriageway where there is no walkway; on a cycleway they may not.
SHARED_CLASSES = ("access", "branch")
WALK_KINDS = ("footway", "greenway", "steps", "alley")
# Walking this many times the straight distance makes a reader look for what lies between.
_FAR_ROUND = 3.0
BLOCKING_KINDS = ("river", "canal", "lake", "railway", "expressway")


def park_access(
    communities: gpd.GeoDataFrame,
    slow_paths: gpd.GeoDataFrame,
    parks: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    distances_m: tuple[float, ...] = GUIDE_DISTANCES_M,
    service_radii_m: tuple[tuple[float, float], ...] = SERVICE_RADII_M,
    connect_m: float = 30.0,
    snap_m: float = 0.5,
    step_m: float = 10.0,
    shared_classes: tuple[str, ...] = SHARED_CLASSES,
    walk_kinds: tuple[str, ...] = WALK_KINDS,
    blocking_kinds: tuple[str, ...] = BLOCKING_KINDS,
) -> pd.DataFrame:
    """How far each community walks to the nearest public park, and which share of it is near one.

    Distance is walked along paths and streets, so a park across a river is as far as the bridge makes
    it; the straight distance stands beside to show where that happens. Nobody knows a compound's
    gates from a polygon, so a community's **frontage** is measured instead: all of the network inside
    it or within ``connect_m`` of it. From each place of the frontage the walk is the straight
    connector to the polygon, the way along the network, and the straight connector from the network to the
    park's edge (at most ``connect_m``); a connector never crosses a river or the like. The distance is the
    shortest of these; the share is that of the frontage's length (edges, not nodes) from which a park
    is within the distance.

    What is not known to be open does not pass as open. The result is counted on **confirmed** ground: parks and paths
    with ``public`` yes, paths of ``walk_kinds``, streets with a walkway or of ``shared_classes``. The
    ``possible_*`` columns count everything not known to be closed (never expressways without a known
    walkway); where the two differ the guide verdict may be ``unknown``.

    Parameters
    ----------
    communities, parks
        Polygons, project CRS in metres, indexed by id.
    slow_paths, streets
        Lines, same CRS. Paths and streets that cross meet, unless a ``level`` column says they do not.
    barriers
        Lines or polygons of ``kind``, same CRS. None: connectors are not tested against any.
    distances_m
        Walking distances to test, metres. The defaults are guide values of GB 50180-2018 (five-minute
        circle) and TD/T 1062-2021 (ten minutes), as is the park radius in GB/T 51346-2019 table 4.4.7.
    service_radii_m
        Pairs of least park area (m²) and service radius (m) for ``served_share``; the defaults are the
        lower bounds of GB/T 51346-2019 table 4.4.7. Smaller parks are not counted there.
    connect_m
        How far a gate may lie from the drawn network, metres. 30 m is about from a wall to the centre
        line of an arterial.
    snap_m
        Gap in the drawing that still joins two lines, metres.
    step_m
        Spacing at which connectors are measured along lines, metres; the way along the network is exact.
    shared_classes
        Street classes people walk on without a walkway, too.
    walk_kinds
        Kinds of slow path people surely may walk on.
    blocking_kinds
        Kinds of barrier that no connector crosses.

    Returns
    -------
    pandas.DataFrame
        Layer ``park_access``, indexed by ``community_id`` and sorted by it. ``network_distance_m`` and
        ``park_id`` are unknown when no confirmed way exists, ``covered_<d>_m_share`` (0-1) when there is
        no frontage or no park to measure to; ``reason_*`` says which. ``served_share`` (0-1): the share of
        the frontage within the service radius of some park by its size. ``detour_ratio`` is walked over
        straight distance, unknown below ``connect_m`` straight. ``guide_<d>_m``: meets, exceeds or
        unknown. No communities: an empty frame with the same columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    ConfigError
        A distance is not above 0.

    Notes
    -----
    Adding a path or park never lengthens a distance. O(n log n) for n vertices at ``step_m`` spacing:
    one Dijkstra from all parks at once.
    """
    require_metric(communities=communities, slow_paths=slow_paths, parks=parks, streets=streets, barriers=barriers)
    _require_positive(distances_m=min(distances_m, default=0), connect_m=connect_m, step_m=step_m)
    areas, parks = communities.sort_index(), parks.sort_index()
    (sure_lines, sure_parks), (open_lines, open_parks) = (
        (
            _walk_lines(slow_paths, streets, shared_classes, walk_kinds, sure=sure),
            parks[known_yes(parks, "public") if sure else ~known_no(parks, "public")],
        )
        for sure in (True, False)
    )
    measure = partial(
        park_walks,
        areas,
        walls=_blocking(barriers, blocking_kinds),
        distances_m=distances_m,
        service_radii_m=service_radii_m,
        connect_m=connect_m,
        snap_m=snap_m,
        step_m=step_m,
    )
    confirmed = measure(sure_lines, sure_parks)
    # The confirmed ground is part of the possible one, so of equal size they are the same.
    same = len(sure_lines) == len(open_lines) and len(sure_parks) == len(open_parks)
    possible = confirmed if same else measure(open_lines, open_parks)
    table = confirmed.join(possible.drop(columns="served_share").add_prefix("possible_"))
    table = _with_straight(table, areas, parks[~known_no(parks, "public")], connect_m)
    if not known_yes(parks, "public").any():
        table[["served_share", *(f"covered_{d:g}_m_share" for d in distances_m)]] = np.nan
    return _described(table, parks, distances_m, connect_m)


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
        Polygons, project CRS in metres.
    slow_paths, streets
        Lines, same CRS. Streets, walkable or not, only tie paths together; without them a path's end on a
        street looks loose.
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

    Notes
    -----
    O(n log n + k) for k pairs of path and surroundings that meet.
    """
    require_metric(communities=communities, slow_paths=slow_paths, streets=streets)
    _require_positive(around_m=around_m)
    areas, paths = communities.sort_index(), slow_paths.sort_index()
    closed = known_no(paths, "public")
    open_paths = paths[~closed]
    shapes = areas.geometry.to_numpy()
    around = shapely.buffer(shapes, around_m, quad_segs=32)
    table = pd.DataFrame({"length_m": _sums(lengths_within(open_paths.geometry.to_numpy(), shapes), len(areas))})
    table = table.join(_divided(open_paths, around, narrow_m))
    closed_m = lengths_within(paths[closed].geometry.to_numpy(), around)
    table["closed_length_m"] = _sums(closed_m, len(areas))
    table = table.join(_loose_ends(open_paths, streets, around, snap_m))
    table.index = areas.index.rename("community_id")
    reasons = [_provision_reason(row, around_m) for row in table.itertuples()]
    table["reason_zh"] = pd.Series([zh for zh, _ in reasons], index=table.index, dtype="object")
    table["reason_en"] = pd.Series([en for _, en in reasons], index=table.index, dtype="object")
    return table


# --- what may be walked ---------------------------------------------------------------------------


def _walk_lines(
    slow_paths: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None,
    shared_classes: tuple[str, ...],
    walk_kinds: tuple[str, ...],
    *,
    sure: bool,
) -> gpd.GeoDataFrame:
    """Paths and streets one surely may walk on, or those one is not known to be kept from."""
    if sure:
        chosen = [slow_paths[known_yes(slow_paths, "public") & optional_column(slow_paths, "kind").isin(walk_kinds)]]
    else:
        chosen = [slow_paths[~known_no(slow_paths, "public")]]
    if streets is not None:
        kind = optional_column(streets, "class")
        walkway, shared = known_yes(streets, "walkway"), kind.isin(shared_classes)
        maybe = ~known_no(streets, "walkway") & ~kind.eq("expressway")
        chosen.append(streets[walkway | shared if sure else walkway | shared | maybe])
    parts = [
        gpd.GeoDataFrame(
            {"level": optional_column(layer, "level")}, geometry=layer.geometry, crs=slow_paths.crs
        ).set_axis(pd.Index([f"{name}/{key}" for key in layer.index], dtype="object"))
        for name, layer in zip(("path", "street"), chosen, strict=False)
    ]
    return gpd.GeoDataFrame(pd.concat(parts), geometry="geometry", crs=slow_paths.crs)


# --- words and figures of park access -------------------------------------------------------------


def _with_straight(
    table: pd.DataFrame, areas: gpd.GeoDataFrame, parks: gpd.GeoDataFrame, connect_m: float
) -> pd.DataFrame:
    """The table with the straight distance to the nearest park not known to be closed, and the detour."""
    metres, park = np.full(len(areas), np.nan), np.full(len(areas), None, dtype=object)
    if len(parks) and len(areas):
        pairs, gaps = shapely.STRtree(parks.geometry.to_numpy()).query_nearest(
            areas.geometry.to_numpy(), return_distance=True
        )
        area, nearest = np.asarray(pairs)
        order = np.lexsort((nearest, area))
        first = order[np.unique(area[order], return_index=True)[1]]
        metres[area[first]], park[area[first]] = gaps[first], parks.index.to_numpy(dtype=object)[nearest[first]]
    table["straight_distance_m"] = metres
    table["straight_park_id"] = pd.Series(park, index=table.index, dtype="object")
    # Gaps closed by snapping cost nothing, but no walk is shorter than the straight line.
    for name in ("network_distance_m", "possible_network_distance_m"):
        table[name] = table[[name, "straight_distance_m"]].max(axis="columns").where(table[name].notna())
    # Beside a park the ratio says nothing: a few metres straight make any walk look endless.
    straight = table["straight_distance_m"].where(table["straight_distance_m"] >= connect_m)
    table["detour_ratio"] = (table["network_distance_m"] / straight).astype("float64")
    return table


def _blocking(barriers: gpd.GeoDataFrame | None, kinds: tuple[str, ...]) -> Geometries:
    """Geometries of the barriers no connector may cross."""
    if barriers is None:
        return np.empty(0, dtype=object)
    return np.asarray(barriers.geometry[optional_column(barriers, "kind").isin(kinds)].to_numpy(), dtype=object)


def _described(
    table: pd.DataFrame, parks: gpd.GeoDataFrame, distances_m: tuple[float, ...], connect_m: float
) -> pd.DataFrame:
    """The table with names, guide verdicts and reasons, columns in order."""
    names = optional_column(parks, "name")
    table["park_name"] = table["park_id"].map(names).astype("object")
    table["park_name"] = table["park_name"].where(table["park_name"].notna(), None)
    confirmed, possible = table["network_distance_m"], table["possible_network_distance_m"]
    for distance_m in distances_m:
        # A possible walk that is too long, or none at all on a drawn network, is certain; no network drawn is not.
        too_far = (possible > distance_m) | (possible.isna() & (table["possible_frontage_m"] > 0) & (len(parks) > 0))
        verdict = np.select([confirmed <= distance_m, too_far], ["meets", "exceeds"], "unknown")
        table[f"guide_{distance_m:g}_m"] = pd.Series(verdict, index=table.index, dtype="object")
    reasons = [_access_reason(row, distances_m, connect_m, len(parks)) for row in table.to_dict("records")]
    table["reason_zh"] = pd.Series([zh for zh, _ in reasons], index=table.index, dtype="object")
    table["reason_en"] = pd.Series([en for _, en in reasons], index=table.index, dtype="object")
    table = table.rename(columns={"possible_network_distance_m": "possible_distance_m"})
    shares = [f"covered_{d:g}_m_share" for d in distances_m]
    return table[
        [
            "network_distance_m",
            "park_id",
            "park_name",
            "straight_distance_m",
            "straight_park_id",
            "detour_ratio",
            "frontage_m",
            *shares,
            "served_share",
            *(f"guide_{d:g}_m" for d in distances_m),
            "possible_distance_m",
            "possible_park_id",
            *(f"possible_{share}" for share in shares),
            "reason_zh",
            "reason_en",
        ]
    ]


def _access_reason(
    row: dict[Any, Any], distances_m: tuple[float, ...], connect_m: float, park_count: int
) -> tuple[str, str]:
    """What the figures of one community rest on, in Chinese and English."""
    if park_count == 0:
        return "公园图层没有要素，未核查。", "The park layer is empty: not checked."
    straight, walk = row["straight_distance_m"], row["network_distance_m"]
    zh, en = [], []
    if not np.isnan(walk):
        name = row["park_name"] or row["park_id"]
        zh.append(f"步行 {walk:.0f} m 可到{name}")
        en.append(f"{walk:.0f} m on foot to {name}")
        shares = [(d, row[f"covered_{d:g}_m_share"]) for d in distances_m]
        zh += [f"{d:g} m 内可到公园的临路长度占 {share:.0%}" for d, share in shares if not np.isnan(share)]
        en += [f"{share:.0%} of the frontage within {d:g} m" for d, share in shares if not np.isnan(share)]
    elif row["frontage_m"] > 0:
        zh.append("可确认的步行路网不通往任何已知开放的公园")
        en.append("the confirmed walking network leads to no park known to be public")
    else:
        zh.append(f"{connect_m:g} m 内没有可确认能步行的道路")
        en.append(f"no line surely open to walkers within {connect_m:g} m")
    if not np.isnan(straight):
        zh.append(f"最近公园直线距离 {straight:.0f} m")
        en.append(f"the nearest park is {straight:.0f} m away in a straight line")
    farthest = max(distances_m, default=0.0)
    if straight <= farthest and row["frontage_m"] > 0 and not walk <= max(farthest, _FAR_ROUND * straight):
        zh.append("直线虽近但步行不便，请查看是否有河流、铁路或围墙阻隔")
        en.append("near but hardly to be walked: look for a river, a railway or a wall")
    possible = row["possible_network_distance_m"]
    if not np.isnan(possible) and (np.isnan(walk) or possible < walk - 1):
        zh.append(f"若未核实的公园、慢行道和人行道均可用，为 {possible:.0f} m，请核实")
        en.append(f"{possible:.0f} m if every unverified park, path and walkway is open: verify")
    return "；".join(zh) + "。", _sentence(en)


def _sentence(parts: list[str]) -> str:
    text = "; ".join(parts) + "."
    return text[0].upper() + text[1:]


# --- provision ------------------------------------------------------------------------------------


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


def _provision_reason(row: Any, around_m: float) -> tuple[str, str]:
    """What the paths around one community lack, in Chinese and English."""
    if row.around_length_m <= 0:
        return f"{around_m:g} m 内没有慢行道。", f"No slow path within {around_m:g} m."
    zh = [f"{around_m:g} m 内有慢行道 {row.around_length_m:.0f} m"]
    en = [f"{row.around_length_m:.0f} m of slow paths within {around_m:g} m"]
    if row.component_count > 1:
        zh.append(f"分为互不相连的 {row.component_count} 段")
        en.append(f"in {row.component_count} unconnected pieces")
    if row.dangle_count:
        zh.append(f"断头 {row.dangle_count} 处")
        en.append(f"dead ends: {row.dangle_count}")
    if row.unlit_length_m > 0:
        zh.append(f"无照明 {row.unlit_length_m:.0f} m")
        en.append(f"{row.unlit_length_m:.0f} m unlit")
    if row.lit_unknown_length_m > 0:
        zh.append(f"照明情况不明 {row.lit_unknown_length_m:.0f} m")
        en.append(f"lighting unknown on {row.lit_unknown_length_m:.0f} m")
    return "；".join(zh) + "。", _sentence(en)


def _require_positive(**values: float) -> None:
    """Raise ConfigError naming every option that is not above 0."""
    wrong = {name: value for name, value in values.items() if not value > 0}
    if wrong:
        listed = ", ".join(f"{name} = {value:g}" for name, value in wrong.items())
        raise ConfigError(
            f"[greenways] 以下参数应为大于 0 的米数：{listed}。",
            f"[greenways] these must be metres above 0: {listed}.",
        )
