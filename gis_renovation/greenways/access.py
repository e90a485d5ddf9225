"""How far each community walks to the nearest public park, and which share of it is near one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.crs import require_metric
from gis_renovation.greenways.rules import USUAL_GOALS, USUAL_WALKING, ParkGoals, WalkingRules
from gis_renovation.greenways.walks import park_walks
from gis_renovation.ids import sorted_by_id, with_ids
from gis_renovation.outlines import require_areas
from gis_renovation.unknowns import known_no, known_yes, optional_column

# Walking this many times the straight distance makes a reader look for what lies between.
_FAR_ROUND = 3.0


def park_access(
    communities: gpd.GeoDataFrame,
    slow_paths: gpd.GeoDataFrame,
    parks: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    goals: ParkGoals = USUAL_GOALS,
    walking: WalkingRules = USUAL_WALKING,
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
        Polygons, project CRS in metres, indexed by id (a default index counts as ids "0", "1", ...).
    slow_paths, streets
        Lines, same CRS, indexed by id. Paths and streets that cross meet, unless a ``level`` column says they do not.
    barriers
        Lines or polygons of ``kind``, same CRS. None: connectors are not tested against any.
    goals
        How near a park should be: walking distances to test, service radii by a park's size.
    walking
        What people may walk on, how far a gate may lie from the drawn network, what no connector crosses.

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
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    Adding a path or park never lengthens a distance. O(n log n) for n vertices at ``step_m`` spacing:
    one Dijkstra from all parks at once.

    Examples
    --------
    A compound beside a path that leads 200 m on to a park:

    >>> from shapely import LineString, box
    >>> def drawn(shape, key, **columns):
    ...     return gpd.GeoDataFrame({"public": [True], **columns}, geometry=[shape], index=[key], crs="EPSG:4548")
    >>> home, park = drawn(box(0, 0, 100, 100), "A"), drawn(box(300, 0, 400, 100), "K")
    >>> path = drawn(LineString([(100, 50), (300, 50)]), "P", kind="footway")
    >>> park_access(home, path, park)[["network_distance_m", "park_id", "guide_300_m"]]
                  network_distance_m park_id guide_300_m
    community_id
    A                          200.0       K       meets
    """
    require_metric(communities=communities, slow_paths=slow_paths, parks=parks, streets=streets, barriers=barriers)
    require_areas(communities=communities)
    areas, parks = sorted_by_id(communities, "communities"), sorted_by_id(parks, "parks")
    paths, roads = with_ids(slow_paths, "slow_paths"), with_ids(streets, "streets")
    (sure_lines, sure_parks), (open_lines, open_parks) = (
        (
            walk_lines(paths, roads, walking, sure=sure),
            parks[known_yes(parks, "public") if sure else ~known_no(parks, "public")],
        )
        for sure in (True, False)
    )
    walls = blocking_shapes(barriers, walking.blocking_kinds)
    confirmed = park_walks(areas, sure_lines, sure_parks, walls, goals=goals, walking=walking)
    # The confirmed ground is part of the possible one, so of equal size they are the same.
    if len(sure_lines) == len(open_lines) and len(sure_parks) == len(open_parks):
        possible = confirmed
    else:
        possible = park_walks(areas, open_lines, open_parks, walls, goals=goals, walking=walking)
    table = confirmed.join(possible.drop(columns="served_share").add_prefix("possible_"))
    table = _with_straight(table, areas, parks[~known_no(parks, "public")], walking.connect_m)
    if not known_yes(parks, "public").any():
        table[["served_share", *(f"covered_{d:g}_m_share" for d in goals.distances_m)]] = np.nan
    return _described(table, parks, goals.distances_m, walking.connect_m)


# --- what may be walked ---------------------------------------------------------------------------


def walk_lines(
    slow_paths: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None,
    walking: WalkingRules,
    *,
    sure: bool,
) -> gpd.GeoDataFrame:
    """Paths and streets one surely may walk on, or those one is not known to be kept from."""
    if sure:
        surely = optional_column(slow_paths, "kind").isin(walking.walk_kinds)
        chosen = [slow_paths[known_yes(slow_paths, "public") & surely]]
    else:
        chosen = [slow_paths[~known_no(slow_paths, "public")]]
    if streets is not None:
        kind = optional_column(streets, "class")
        walkway, shared = known_yes(streets, "walkway"), kind.isin(walking.shared_classes)
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


def blocking_shapes(barriers: gpd.GeoDataFrame | None, kinds: tuple[str, ...]) -> Geometries:
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
    reasons = [_access_reason(walk, distances_m, connect_m, len(parks)) for walk in _walks_of(table, distances_m)]
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


class _Walk(NamedTuple):
    """What is known of one community's way to a park: metres (NaN: none), the park's name or id, shares by distance."""

    confirmed_m: float
    possible_m: float
    straight_m: float
    frontage_m: float
    park: str | None
    shares: tuple[float, ...]


def _walks_of(table: pd.DataFrame, distances_m: tuple[float, ...]) -> Iterator[_Walk]:
    """The rows of the table."""
    names = ("network_distance_m", "possible_network_distance_m", "straight_distance_m", "frontage_m")
    lengths = [table[name].tolist() for name in names]
    parks = [name or key for name, key in zip(table["park_name"].tolist(), table["park_id"].tolist(), strict=True)]
    shares = table[[f"covered_{d:g}_m_share" for d in distances_m]].to_numpy(dtype=float).tolist()
    return itertools.starmap(_Walk, zip(*lengths, parks, map(tuple, shares), strict=True))


def _access_reason(walk: _Walk, distances_m: tuple[float, ...], connect_m: float, park_count: int) -> tuple[str, str]:
    """What the figures of one community rest on, in Chinese and English."""
    if park_count == 0:
        return "公园图层没有要素，未核查。", "The park layer is empty: not checked."
    straight, walked = walk.straight_m, walk.confirmed_m
    zh, en = [], []
    if not np.isnan(walked):
        zh.append(f"步行 {walked:.0f} m 可到{walk.park}边缘")
        en.append(f"{walked:.0f} m on foot to the edge of {walk.park}")
        shares = list(zip(distances_m, walk.shares, strict=True))
        zh += [f"{d:g} m 内可到公园的临路长度占 {share:.0%}" for d, share in shares if not np.isnan(share)]
        en += [f"a park within {d:g} m of {share:.0%} of the frontage" for d, share in shares if not np.isnan(share)]
    elif walk.frontage_m > 0:
        zh.append("可确认的步行路网不通往任何已知开放的公园")
        en.append("the confirmed walking network leads to no park known to be public")
    else:
        zh.append(f"{connect_m:g} m 内没有可确认能步行的道路")
        en.append(f"no line surely open to walkers within {connect_m:g} m")
    if not np.isnan(straight):
        zh.append(f"最近公园直线距离 {straight:.0f} m")
        en.append(f"the nearest park is {straight:.0f} m away in a straight line")
    farthest = max(distances_m, default=0.0)
    if straight <= farthest and walk.frontage_m > 0 and not walked <= max(farthest, _FAR_ROUND * straight):
        zh.append("直线虽近但步行不便，请查看是否有河流、铁路或围墙阻隔")
        en.append("near but hardly to be walked: look for a river, a railway or a wall")
    possible = walk.possible_m
    if not np.isnan(possible) and (np.isnan(walked) or possible < walked - 1):
        zh.append(f"若未核实的公园、慢行道和人行道均可用，为 {possible:.0f} m，请核实")
        en.append(f"{possible:.0f} m if every unverified park, path and walkway is open: verify")
    return "；".join(zh) + "。", sentence(en)


def sentence(parts: list[str]) -> str:
    """English parts as one sentence."""
    text = "; ".join(parts) + "."
    return text[0].upper() + text[1:]
