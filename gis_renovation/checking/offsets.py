"""Layers against a trusted layer: displaced as Chinese web maps displace, or all by one vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gis_renovation.arrays import Flags, Floats
from gis_renovation.checking.grids import TRUSTED_LAYERS, Move, finite_centres, within
from gis_renovation.crs import (
    bd09_to_wgs84,
    gcj02_to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from gis_renovation.errors import FeatureRef, Finding, by_key
from gis_renovation.words import Text

if TYPE_CHECKING:
    import geopandas as gpd


# Comparing two layers: at most this many points, matched at these distances; the first that decides counts.
_SAMPLE = 1500


_MATCH_M = (3.0, 10.0, 30.0)


_BEST_SHARE = 0.6


_NEARLY_ALL = 0.95


_AHEAD = 3.0


_DECOY_SHARE = 0.5


_REACH_M = 2_000.0


_GLANCE = 500


_FEWEST = 8


@dataclass(frozen=True)
class Offset:
    """How a layer lies against a trusted one.

    ``kind`` is ``none``, ``gcj02`` or ``bd09`` (the layer is shifted as those maps shift), ``trusted_gcj02``
    or ``trusted_bd09`` (the trusted one is), ``mixed_gcj02`` or ``mixed_bd09`` (some of its features are),
    ``shifted`` (all by one vector), or ``unclear``: the layers do not show the same things. ``dx_m``, ``dy_m``
    is what the layer lies too far east and north; ``scores`` the share of its points that meet the trusted layer
    under each explanation.
    """

    kind: str
    dx_m: float
    dy_m: float
    scores: Mapping[str, float]


def check_offsets(
    layers: Mapping[str, gpd.GeoDataFrame], project_crs: CRS, *, trusted: Sequence[str] = ()
) -> list[Finding]:
    """Layers displaced against a trusted one as Chinese web maps displace, or all by one vector.

    ``trusted`` are the layers whose cards say so. Without any, the words leave open which of the two is wrong, and
    layers are compared with the reporting units and communities, layers of areas also with each other, until one
    agrees. Warnings only: nothing is moved.
    """
    names = [name for name in (trusted or (*TRUSTED_LAYERS, *_DRAWN_ALIKE)) if name in layers]
    findings = []
    for name, layer in sorted(layers.items()):
        if name in trusted:
            continue
        for other in names:
            if other == name or (not trusted and name in names[: names.index(other)]):
                continue
            if not trusted and other in _DRAWN_ALIKE and name not in _DRAWN_ALIKE:
                continue
            found = find_offset(layer, layers[other], project_crs)
            if found.kind not in ("none", "unclear"):
                mixed = found.kind.startswith("mixed_")
                rows = _shifted_rows(layer, layers[other], found.kind, project_crs) if mixed else ()
                findings.append(_offset_finding(name, other, found, known=bool(trusted), rows=rows))
            if found.kind != "unclear":
                break
    return findings


# Layers whose outlines follow the same walls and borders, so that a shift between two of them shows.
_DRAWN_ALIKE = ("parcels", "land_survey", "planned_use", "buildings", "parks")


_OFFSET_WORDS = {
    "gcj02": Text(
        '很可能是高德、腾讯的 GCJ-02 坐标；核实后在来源卡写 datum = "gcj02"',
        'it is likely GCJ-02 (Amap, Tencent); if so, write datum = "gcj02" in its card',
    ),
    "bd09": Text(
        '很可能是百度的 BD-09 坐标；核实后在来源卡写 datum = "bd09"',
        'it is likely BD-09 (Baidu); if so, write datum = "bd09" in its card',
    ),
    "mixed_gcj02": Text(
        '只有一部分要素如此，很可能混入了 GCJ-02 坐标；请把两种来源分成两个文件，为 GCJ-02 的写 datum = "gcj02"',
        'only some features do: GCJ-02 is likely mixed in; split the file and write datum = "gcj02" for those',
    ),
    "mixed_bd09": Text(
        '只有一部分要素如此，很可能混入了 BD-09 坐标；请把两种来源分成两个文件，为 BD-09 的写 datum = "bd09"',
        'only some features do: BD-09 is likely mixed in; split the file by source and write datum = "bd09" for those',
    ),
    "trusted_gcj02": Text(
        "对照图层反而像 GCJ-02 坐标，请核实对照图层的来源",
        "the other layer looks like GCJ-02; find out where it came from",
    ),
    "trusted_bd09": Text(
        "对照图层反而像 BD-09 坐标，请核实对照图层的来源",
        "the other layer looks like BD-09; find out where it came from",
    ),
    "shifted": Text(
        "整体平移，可能是地方独立坐标或旧坐标系；请索取控制点或 CGCS2000 成果",
        "all by one vector: perhaps a local or an old grid; ask for control points or CGCS2000 data",
    ),
}


_SCORE_WORDS = {
    "none": Text("原样", "as it is"),
    "gcj02": Text("本图层按 GCJ-02 改正后", "this layer corrected from GCJ-02"),
    "bd09": Text("本图层按 BD-09 改正后", "this layer corrected from BD-09"),
    "trusted_gcj02": Text("对照图层按 GCJ-02 改正后", "the other layer corrected from GCJ-02"),
    "trusted_bd09": Text("对照图层按 BD-09 改正后", "the other layer corrected from BD-09"),
    "shifted": Text("整体平移后", "all moved by one vector"),
}


def _offset_finding(name: str, other: str, found: Offset, *, known: bool, rows: tuple[FeatureRef, ...] = ()) -> Finding:
    words = _OFFSET_WORDS[found.kind]
    length = float(np.hypot(found.dx_m, found.dy_m))
    said = [(_SCORE_WORDS[kind], f"{share:.0%}") for kind, share in found.scores.items()]
    shares = Text("，".join(f"{w.zh} {s}" for w, s in said), ", ".join(f"{w.en} {s}" for w, s in said))
    sure = (
        Text("", "")
        if known
        else Text("（没有标明可信图层，也可能是对照图层有误）", " (no layer is marked trusted; the other may be wrong)")
    )
    return Finding(
        severity="warning",
        code=f"offset_{found.kind}",
        layer=name,
        features=rows,
        text=Text(
            f"与 {other} 相比偏移约 {length:,.0f} m（东 {found.dx_m:+,.0f}，北 {found.dy_m:+,.0f}）："
            f"{words.zh}{sure.zh}。"
            f"各种解释下的吻合比例：{shares.zh}。",
            f"Lies about {length:,.0f} m off {other} (east {found.dx_m:+,.0f}, north {found.dy_m:+,.0f}): "
            f"{words.en}{sure.en}. "
            f"Share that meets under each explanation: {shares.en}.",
        ),
    )


def find_offset(layer: gpd.GeoDataFrame, trusted: gpd.GeoDataFrame, project_crs: CRS) -> Offset:
    """Score each explanation of how ``layer`` lies against ``trusted``; both in ``project_crs``, metres.

    Points on the layer's outlines are moved by each explanation; the score is the share that then lies on
    an outline of the trusted layer. An explanation is taken if most points meet, several times more
    than unmoved, and no shift of like size in another direction does nearly as well (regular towns repeat
    themselves). O(n log m) for a sample of n = 3,000 points.
    """
    points = _outline_points(layer)
    outlines = _outlines(trusted)
    if len(points) < _FEWEST or not len(outlines):
        return Offset("unclear", 0.0, 0.0, {})
    points, outlines = _near_each_other(points, outlines)
    if len(points) < _FEWEST or not len(outlines):
        return Offset("unclear", 0.0, 0.0, {})
    tree = shapely.STRtree(outlines)
    unmoved = _distances(tree, points[:: max(1, len(points) // _GLANCE)])
    if _share(unmoved, _MATCH_M[0]) >= _NEARLY_ALL:
        return Offset("none", 0.0, 0.0, {"none": _share(unmoved, _MATCH_M[0])})
    moved = {kind: move(points) for kind, move in _explanations(project_crs).items()}
    distances = {kind: _distances(tree, xy) for kind, xy in moved.items()}
    mixed = _mixture(tree, moved, distances)
    if mixed is not None:
        return mixed
    for distance in _MATCH_M:
        scores = {kind: _share(found, distance) for kind, found in distances.items()}
        best = max(scores, key=lambda kind: scores[kind])
        if scores["none"] >= _BEST_SHARE:
            return Offset("none", 0.0, 0.0, scores)
        sure = scores[best] >= max(_BEST_SHARE, _AHEAD * scores["none"])
        if sure and not _repeats(tree, moved[best], distance, scores[best]):
            shift = np.median(points - moved[best], axis=0) - _residual(tree, moved[best], distance)
            return Offset(best, float(shift[0]), float(shift[1]), scores)
    return _one_vector(layer, trusted, {kind: _share(found, _MATCH_M[0]) for kind, found in distances.items()})


# Two sources in one layer: each holds at least this share, and nearly all that one does not explain the other does.
_SMALLEST_PART, _EXPLAINED = 0.05, 0.8


def _mixture(tree: shapely.STRtree, moved: Mapping[str, Floats], distances: Mapping[str, Floats]) -> Offset | None:
    """Some features in place, nearly all others shifted as a web map shifts; None if it is not so."""
    rest = distances["none"] > _MATCH_M[1]
    part = float(rest.mean())
    if not _SMALLEST_PART <= part <= 1 - _SMALLEST_PART or rest.sum() < 2 * _FEWEST:
        return None
    for kind in ("gcj02", "bd09"):
        share = _share(distances[kind][rest], _MATCH_M[0])
        # Where the whole layer is shifted, those that lie near something by chance are explained too.
        whole = _share(distances[kind][~rest], _MATCH_M[0]) > _DECOY_SHARE
        if share >= _EXPLAINED and not whole and not _repeats(tree, moved[kind][rest], _MATCH_M[0], share):
            explained = rest & (distances[kind] <= _MATCH_M[0])
            shifts = (moved["none"] - moved[kind])[explained]
            # They differ by tens of metres across a city: one that occurs, not the middle of each direction.
            shift = shifts[np.argmin(np.hypot(*(shifts - np.median(shifts, axis=0)).T))]
            scores = {"none": 1 - part, kind: part * share}
            return Offset(f"mixed_{kind}", float(shift[0]), float(shift[1]), scores)
    return None


def _shifted_rows(
    layer: gpd.GeoDataFrame, trusted: gpd.GeoDataFrame, kind: str, project_crs: CRS
) -> tuple[FeatureRef, ...]:
    """The features whose first corner meets the trusted layer only after the shift is undone."""
    geometry = layer.geometry.to_numpy()
    usable = _usable(geometry)
    xy, owner = shapely.get_coordinates(geometry[usable], return_index=True)
    first = xy[np.flatnonzero(np.diff(owner, prepend=-1))]
    tree = shapely.STRtree(_outlines(trusted))
    undone = _explanations(project_crs)[kind.removeprefix("mixed_")](first)
    off = (_distances(tree, first) > _MATCH_M[1]) & (_distances(tree, undone) <= _MATCH_M[0])
    return by_key(layer.index[usable][off])


@cache
def _explanations(project: CRS) -> dict[str, Move]:
    there = Transformer.from_crs(project, "EPSG:4490", always_xy=True)
    back = Transformer.from_crs("EPSG:4490", project, always_xy=True)

    def through(change: Callable[[Floats, Floats], tuple[Floats, Floats]]) -> Move:
        def move(xy: Floats) -> Floats:
            lon, lat = there.transform(xy[:, 0], xy[:, 1])
            return np.column_stack(back.transform(*change(np.asarray(lon), np.asarray(lat))))

        return move

    return {
        "none": lambda xy: xy,
        "gcj02": through(gcj02_to_wgs84),
        "bd09": through(bd09_to_wgs84),
        "trusted_gcj02": through(wgs84_to_gcj02),
        "trusted_bd09": through(wgs84_to_bd09),
    }


def _outline_points(layer: gpd.GeoDataFrame) -> Floats:
    """Corners and middles of edges, evenly thinned to the sample's size; points are themselves."""
    geometry = layer.geometry.to_numpy()
    geometry = geometry[_usable(geometry)]
    geometry = geometry[:: max(1, len(geometry) // _SAMPLE)]
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    same = owner[1:] == owner[:-1]
    middles = (xy[1:] + xy[:-1])[same] / 2
    points = np.concatenate([xy, middles])
    return points[:: max(1, len(points) // _SAMPLE)][:_SAMPLE]


def _outlines(layer: gpd.GeoDataFrame) -> NDArray[Any]:
    geometry = layer.geometry.to_numpy()
    geometry = geometry[_usable(geometry)]
    areas = np.isin(shapely.get_type_id(geometry), [3, 6])
    return np.asarray(np.where(areas, shapely.boundary(geometry), geometry), dtype=object)


def _usable(geometry: NDArray[Any]) -> Flags:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(shapely.bounds(geometry)).all(axis=1))


def _near_each_other(points: Floats, outlines: NDArray[Any]) -> tuple[Floats, NDArray[Any]]:
    """What can meet at all: points within reach of the other layer's extent, outlines near the points."""
    left, bottom, right, top = shapely.total_bounds(outlines)
    extent = np.array([left - _REACH_M, bottom - _REACH_M, right + _REACH_M, top + _REACH_M])
    points = points[within(points, extent)]
    if not len(points):
        return points, outlines
    low, high = points.min(axis=0) - _REACH_M, points.max(axis=0) + _REACH_M
    bounds = shapely.bounds(outlines)
    near = (bounds[:, 0] <= high[0]) & (bounds[:, 2] >= low[0]) & (bounds[:, 1] <= high[1]) & (bounds[:, 3] >= low[1])
    return points, outlines[near]


def _distances(tree: shapely.STRtree, points: Floats) -> Floats:
    """From each point to the nearest outline, infinite beyond the widest distance at which things are matched."""
    out = np.full(len(points), np.inf)
    found, away = tree.query_nearest(
        shapely.points(points), max_distance=_MATCH_M[-1], return_distance=True, all_matches=False
    )
    out[found[0]] = away
    return out


def _share(distances: Floats, distance_m: float) -> float:
    """The share of points that meet an outline within ``distance_m``."""
    return float((distances <= distance_m).mean())


def _repeats(tree: shapely.STRtree, points: Floats, distance_m: float, share: float) -> bool:
    """Whether shifts that mean nothing meet nearly as well: then the pattern repeats and proves nothing."""
    thinned = points[:: max(1, len(points) // 500)]
    for radius in (150.0, 330.0, 550.0, 900.0):
        for angle in np.arange(0.3, 2 * np.pi, np.pi / 4):
            decoy = thinned + radius * np.array([np.cos(angle), np.sin(angle)])
            if _share(_distances(tree, decoy), distance_m) > _DECOY_SHARE * share:
                return True
    return False


def _residual(tree: shapely.STRtree, points: Floats, distance_m: float) -> Floats:
    """What is left between points and the outlines they meet, as a median vector (trusted minus point)."""
    found, others = tree.query_nearest(shapely.points(points), max_distance=distance_m, all_matches=False)
    if not len(found):
        return np.zeros(2)
    lines = shapely.shortest_line(shapely.points(points[found]), tree.geometries[others])
    ends = shapely.get_coordinates(lines).reshape(-1, 2, 2)
    return np.asarray(np.median(ends[:, 1] - ends[:, 0], axis=0))


def _one_vector(layer: gpd.GeoDataFrame, trusted: gpd.GeoDataFrame, scores: Mapping[str, float]) -> Offset:
    """One shift for all features, from the differences between the centres of both layers.

    The commonest difference must be shared by most features and stand alone.
    """
    ours, theirs = (finite_centres(part) for part in (layer, trusted))
    if len(ours) < _FEWEST or len(theirs) < _FEWEST:
        return Offset("unclear", 0.0, 0.0, scores)
    ours = ours[:: max(1, len(ours) // 1000)]
    centres: Any = shapely.points(theirs)
    near = shapely.STRtree(centres).query(shapely.points(ours), predicate="dwithin", distance=_REACH_M)
    if near.shape[1] > 5_000_000:
        keep = np.unique(near[0])[:: max(1, near.shape[1] // 5_000_000)]
        near = near[:, np.isin(near[0], keep)]
    differences = ours[near[0]] - theirs[near[1]]
    size = 10.0
    cells = np.floor((differences + _REACH_M) / size).astype(int)
    side = int(2 * _REACH_M / size) + 1
    counts = np.bincount(cells[:, 0] * side + cells[:, 1], minlength=side * side).reshape(side, side)
    # A shift on the edge of a cell falls into its neighbours too.
    wide = np.zeros_like(counts)
    for i, j in np.ndindex(3, 3):
        wide += np.roll(counts, (i - 1, j - 1), axis=(0, 1))
    peak = np.unravel_index(int(np.argmax(wide)), wide.shape)
    centre = (np.array(peak) + 0.5) * size - _REACH_M
    sharing = (np.abs(differences - centre) <= 1.5 * size).all(axis=1)
    # Many points around one centre prove nothing: both sides must be many.
    fewest = min(len(np.unique(near[0][sharing])), len(np.unique(near[1][sharing])))
    shared = fewest / len(ours)
    away = wide.copy()
    away[max(0, peak[0] - 3) : peak[0] + 4, max(0, peak[1] - 3) : peak[1] + 4] = 0
    if fewest < _FEWEST or shared < _BEST_SHARE or away.max(initial=0) > _DECOY_SHARE * wide[peak]:
        return Offset("unclear", 0.0, 0.0, scores)
    shift = np.median(differences[sharing], axis=0)
    if np.hypot(*shift) < _MATCH_M[0]:
        return Offset("none", 0.0, 0.0, scores)
    return Offset("shifted", float(shift[0]), float(shift[1]), {**scores, "shifted": min(shared, 1.0)})
