"""Walls that two communities share, where one could be opened (拆墙并院): how long, and where."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Floats, Geometries, Positions
from gis_renovation.contiguity.limits import require_length
from gis_renovation.contiguity.pairs import DOT_M, Pairs
from gis_renovation.crs import require_metric
from gis_renovation.ids import sorted_by_id, with_ids
from gis_renovation.unknowns import names_or_ids
from gis_renovation.words import Text

# Boundaries that meet at a steeper angle do not run side by side.
PARALLEL_DEGREES = 30.0
# Pairs of boundary segments compared at once; bounds what is in memory.
SEGMENT_PAIRS_AT_ONCE = 1_000_000


class SharedWalls(NamedTuple):
    """For each pair the length in m, and the middle of the longest stretch as x and y (NaN where none)."""

    length_m: Floats
    middle: Floats


class _Segments(NamedTuple):
    """Boundary segments by community: those of community c are ``offset[c]`` to ``offset[c + 1]``."""

    start: Floats
    end: Floats
    offset: Positions


def shared_walls(polygons: Geometries, first: Positions, second: Positions, *, wall_gap_m: float) -> SharedWalls:
    """How long the boundaries of each pair run side by side, at most ``wall_gap_m`` apart.

    Measured along each boundary where the other lies within that distance at an angle of at most 30
    degrees, projected at right angles; the smaller of the two lengths. A jagged edge does not count
    twice, a corner alone does not count. Pairs further apart give 0. O(vertices near the other).
    """
    length_m, middle = np.zeros(len(first)), np.full((len(first), 2), np.nan)
    used, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    polygons, first, second = polygons[used], place[: len(first)], place[len(first) :]
    segments = _segments(polygons)
    counts = np.diff(segments.offset)
    work = np.cumsum(np.minimum(counts[first] * counts[second], SEGMENT_PAIRS_AT_ONCE))
    begin = 0
    while begin < len(first):
        so_far = work[begin - 1] if begin else 0
        stop = max(int(np.searchsorted(work, so_far + 16 * SEGMENT_PAIRS_AT_ONCE)), begin + 1)
        rows = slice(begin, stop)
        length_m[rows], middle[rows] = _measured(segments, polygons, first[rows], second[rows], wall_gap_m)
        begin = stop
    return SharedWalls(length_m, middle)


def walls_of(polygons: Geometries, pairs: Pairs, wall_gap_m: float) -> SharedWalls:
    """Shared walls of all pairs; those further apart than the bound have none."""
    length_m, middle = np.zeros(len(pairs.first)), np.full((len(pairs.first), 2), np.nan)
    near = np.flatnonzero(pairs.gap_m <= wall_gap_m)
    if len(near):
        found = shared_walls(polygons, pairs.first[near], pairs.second[near], wall_gap_m=wall_gap_m)
        length_m[near], middle[near] = found.length_m, found.middle
    return SharedWalls(length_m, middle)


def _segments(polygons: Geometries) -> _Segments:
    part, of = shapely.get_parts(polygons, return_index=True)
    ring, ring_of = shapely.get_rings(part, return_index=True)
    xy, at = shapely.get_coordinates(ring, return_index=True)
    real = (at[1:] == at[:-1]) & (xy[1:] != xy[:-1]).any(axis=1)
    owner = of[ring_of[at[:-1][real]]]
    offset = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(polygons)))]).astype(np.intp)
    return _Segments(xy[:-1][real], xy[1:][real], offset)


def _measured(
    segments: _Segments, polygons: Geometries, first: Positions, second: Positions, wall_gap_m: float
) -> tuple[Floats, Floats]:
    """Lengths and middles of one lot of pairs."""
    box = shapely.bounds(polygons)
    near, near_pair = _segments_near(segments, first, box[second], wall_gap_m)
    far, far_pair = _segments_near(segments, second, box[first], wall_gap_m)
    one, other = _all_with_all(near_pair, far_pair, len(first))
    seen_near = _alongside(segments, near[one], far[other], wall_gap_m)
    seen_far = _alongside(segments, far[other], near[one], wall_gap_m)
    length_near, middle = _merged(segments, _Stretches(near, near_pair, one, *seen_near), len(first))
    length_far, _ = _merged(segments, _Stretches(far, far_pair, other, *seen_far), len(first))
    return np.minimum(length_near, length_far), middle


def _segments_near(segments: _Segments, place: Positions, box: Floats, reach_m: float) -> tuple[Positions, Positions]:
    """Segments of each pair's community whose box is within reach of the other community's box."""
    counts = segments.offset[place + 1] - segments.offset[place]
    pair = np.repeat(np.arange(len(place)), counts)
    at = np.arange(len(pair)) + np.repeat(segments.offset[place] - (np.cumsum(counts) - counts), counts)
    low, high = np.minimum(segments.start[at], segments.end[at]), np.maximum(segments.start[at], segments.end[at])
    keep = ((low <= box[pair, 2:] + reach_m) & (high >= box[pair, :2] - reach_m)).all(axis=1)
    return at[keep], pair[keep]


def _all_with_all(one_pair: Positions, other_pair: Positions, count: int) -> tuple[Positions, Positions]:
    """Every combination of an entry of the one and an entry of the other list with the same pair."""
    others = np.bincount(other_pair, minlength=count)
    begin = np.cumsum(others) - others
    repeats = others[one_pair]
    one = np.repeat(np.arange(len(one_pair)), repeats)
    other = np.arange(len(one)) - np.repeat(np.cumsum(repeats) - repeats, repeats) + begin[one_pair[one]]
    return one, other


def _alongside(segments: _Segments, one: Positions, other: Positions, reach_m: float) -> tuple[Floats, Floats]:
    """From where to where, in m along segment ``one``, segment ``other`` is beside it (from > to: nowhere)."""
    start, way = segments.start[one], segments.end[one] - segments.start[one]
    length_m = np.hypot(way[:, 0], way[:, 1])
    way /= length_m[:, None]
    u, v = segments.start[other] - start, segments.end[other] - start
    along = np.stack([(u * way).sum(axis=1), (v * way).sum(axis=1)])
    off = np.stack([way[:, 0] * u[:, 1] - way[:, 1] * u[:, 0], way[:, 0] * v[:, 1] - way[:, 1] * v[:, 0]])
    step, rise = along[1] - along[0], off[1] - off[0]
    parallel = np.abs(rise) <= np.abs(step) * math.tan(math.radians(PARALLEL_DEGREES))
    begin = np.clip(along.min(axis=0), 0.0, length_m)
    end = np.clip(along.max(axis=0), 0.0, length_m)
    # Where the other slants, it is within reach only between these two places.
    level = ~parallel | (np.abs(rise) < 1e-12)
    slope = np.where(level, 0.0, rise / np.where(step == 0.0, 1.0, step))
    bound = np.where(level, 1.0, slope)
    reaches = np.stack([along[0] + (side * reach_m - off[0]) / bound for side in (-1.0, 1.0)])
    begin = np.where(level, begin, np.maximum(begin, reaches.min(axis=0)))
    end = np.where(level, end, np.minimum(end, reaches.max(axis=0)))
    # A hair more than the reach, so that boundaries exactly that far apart count in spite of rounding.
    too_far = level & (np.abs(off).min(axis=0) > reach_m * (1.0 + 1e-9) + 1e-7)
    end = np.where(~parallel | too_far, begin - 1.0, end)
    return begin, end


class _Stretches(NamedTuple):
    """Stretches of segments, in m along them: the segments ``at`` of pairs, by ``entry`` in these."""

    at: Positions
    pair: Positions
    entry: Positions
    begin: Floats
    end: Floats


def _merged(segments: _Segments, stretches: _Stretches, count: int) -> tuple[Floats, Floats]:
    """Length of the union of stretches along each entry's segment, summed by pair; middle of the longest."""
    at, pair, entry, begin, end = stretches
    real = end > begin
    entry, begin, end = entry[real], begin[real], end[real]
    order = np.lexsort((begin, entry))
    entry, begin, end = entry[order], begin[order], end[order]
    # Laid end to end, with room between, the segments of all entries make one axis.
    way = segments.end[at] - segments.start[at]
    room = np.hypot(way[:, 0], way[:, 1]) + 1.0
    shift = (np.cumsum(room) - room)[entry]
    reached = np.concatenate([[-1.0], np.maximum.accumulate(end + shift)[:-1]]) if len(entry) else np.zeros(0)
    fresh = np.maximum(end + shift - np.maximum(begin + shift, reached), 0.0)
    length_m = np.bincount(pair[entry], fresh, minlength=count).astype(np.float64)
    middle = np.full((count, 2), np.nan)
    rising = np.lexsort((end - begin, pair[entry]))
    half = (begin + end)[rising] / 2.0
    segment = at[entry[rising]]
    unit = way[entry[rising]] / (room[entry[rising]] - 1.0)[:, None]
    middle[pair[entry[rising]]] = segments.start[segment] + unit * half[:, None]
    return length_m, middle


# --- walls one could open ---------------------------------------------------------------------------


def list_shared_walls(
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    zone_members: pd.DataFrame | None = None,
    *,
    wall_gap_m: float = 2.0,
    min_wall_m: float = 5.0,
) -> gpd.GeoDataFrame:
    """Every wall two communities share, with its length, and whether opening it (拆墙并院) serves a zone.

    Parameters
    ----------
    communities
        Polygons in a projected CRS in metres, index the community id (a default index counts as ids
        "0", "1", ...); ``name`` where known.
    community_links
        Layer of :func:`link_communities`; the lengths are those of ``shared_wall_m``.
    zone_members
        Whose ``zone_id`` says which communities are renovated together; None: not known yet.
    wall_gap_m
        As for :func:`link_communities`: where the boundary is drawn as shared.
    min_wall_m
        Shorter stretches are not listed: 5 m takes a gate and a path.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``shared_walls``, index ``link_id``, sorted: the stretch of the first community's boundary
        that runs along the other. No shared walls give no rows with the same columns.

    Raises
    ------
    CRSError
        No common projected CRS in metres.
    ConfigError
        A length out of range.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(links + vertices of the communities that share a wall).

    Examples
    --------
    Two squares of 100 m that touch along one side:

    >>> from shapely import box
    >>> from gis_renovation.contiguity import link_communities
    >>> squares = [box(0, 0, 100, 100), box(100, 0, 200, 100)]
    >>> communities = gpd.GeoDataFrame(geometry=squares, index=["A", "B"], crs="EPSG:4548")
    >>> list_shared_walls(communities, link_communities(communities))[["shared_wall_m", "use"]]
             shared_wall_m       use
    link_id
    A~B              100.0  unzoned
    """
    metric = require_metric(communities=communities, community_links=community_links)
    require_length("wall_gap_m", wall_gap_m)
    require_length("min_wall_m", min_wall_m)
    links, shapes = sorted_by_id(community_links, "community_links"), sorted_by_id(communities, "communities")
    shared = links[links["shared_wall_m"] >= max(min_wall_m, DOT_M)]
    one, other = (shapes.geometry.reindex(shared[side]).to_numpy() for side in ("focal", "neighbor"))
    home = {} if zone_members is None else with_ids(zone_members, "zone_members")["zone_id"].dropna().to_dict()
    first, second = ([home.get(member) for member in shared[side]] for side in ("focal", "neighbor"))
    together = [a if a == b else None for a, b in zip(first, second, strict=True)]
    use = _wall_uses(shared["status"], together, has_zones=zone_members is not None)
    names = names_or_ids(shapes)
    ends = [(names[a], names[b]) for a, b in zip(shared["focal"], shared["neighbor"], strict=True)]
    texts = _wall_sentences(ends, shared["shared_wall_m"], use)
    columns = {
        "focal": shared["focal"].array,
        "neighbor": shared["neighbor"].array,
        "shared_wall_m": shared["shared_wall_m"].array,
        "gap_m": shared["gap_m"].array,
        "use": pd.array(use, dtype="str"),
        "zone_id": pd.array(together, dtype="str"),
        "reason_zh": pd.array([text.zh for text in texts], dtype="str"),
        "reason_en": pd.array([text.en for text in texts], dtype="str"),
    }
    frame = pd.DataFrame(columns, index=pd.Index(shared.index, dtype="str", name="link_id"))
    lines = gpd.array.from_shapely(_wall_lines(one, other, wall_gap_m=wall_gap_m))
    return gpd.GeoDataFrame(frame, geometry=lines, crs=metric)


def _wall_lines(one: Geometries, other: Geometries, *, wall_gap_m: float) -> Geometries:
    """The stretch of each first boundary that lies within the gap of the other polygon, to draw a shared wall."""
    near = shapely.buffer(other, max(wall_gap_m, 0.01), cap_style="flat", join_style="mitre")
    stretch = shapely.line_merge(shapely.intersection(shapely.boundary(one), near))
    lines = [shapely.get_parts(line)[shapely.get_dimensions(shapely.get_parts(line)) == 1] for line in stretch]
    drawn = np.empty(len(lines), dtype=object)
    drawn[:] = [parts[0] if len(parts) == 1 else shapely.multilinestrings(parts) for parts in lines]
    return drawn


def _wall_uses(status: Iterable[str], zone: Sequence[str | None], *, has_zones: bool) -> list[str]:
    """What opening each wall would do: code of the layer's ``use``."""
    return [
        "blocked" if state == "cut" else "same_zone" if home else "other_zone" if has_zones else "unzoned"
        for state, home in zip(status, zone, strict=True)
    ]


def _wall_sentences(ends: Sequence[tuple[str, str]], length_m: Iterable[float], uses: Sequence[str]) -> list[Text]:
    """What is said of each wall."""
    texts = []
    for (one, two), length, use in zip(ends, length_m, uses, strict=True):
        start = Text(
            f"{one}与{two}边界并行约 {length:.0f} 米", f"{one} and {two} run side by side along {length:.0f} m"
        )
        rest = _USE_TEXTS[use]
        texts.append(Text(f"{start.zh}，{rest.zh}", f"{start.en}; {rest.en}"))
    return texts


_USE_TEXTS = {
    "same_zone": Text("同在一个片区，可研究拆墙并院", "in one zone: the wall could be opened"),
    "other_zone": Text("不在同一片区，拆墙须两片区协商", "not in one zone: opening it needs both zones' consent"),
    "blocked": Text("两侧被隔断，不宜拆墙", "cut off from one another: not to be opened"),
    "unzoned": Text("尚未划分片区，可研究拆墙并院", "no zones yet: the wall could be opened"),
}
