"""The four bounds of a zone (东至/西至/南至/北至), read from named streets and barriers around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

# Sight lines looked along for each side; an odd number, so that the middle is one of them.
SIGHT_LINES = 9
SIDES = {"east": ("东", (1, 0)), "west": ("西", (-1, 0)), "south": ("南", (0, -1)), "north": ("北", (0, 1))}
# Pieces of one street or river drawn with gaps no wider than twice this still part what lies beside them.
GAP_M = 1.0
# A line through one community parts it if this share of it, or more, lies on either side: less is drawing error.
PARTED_SHARE = 0.25


def four_bounds(
    zones: gpd.GeoSeries,
    members: Sequence[Any],
    streets: gpd.GeoDataFrame | None,
    barriers: gpd.GeoDataFrame | None,
    *,
    reach_m: float,
) -> dict[str, Any]:
    """For each side the name met first along most sight lines outward from the zone's edge.

    ``members`` are the polygons of each zone's communities, zone by zone. A street or river with members
    on both of its sides runs through the zone and bounds none of its sides; the next name beyond it may.
    Returns columns ``east_bound`` … ``north_bound`` (null where no named line lies within ``reach_m``
    metres), ``extent_zh``, the usual phrase, and ``extent_en``. Of names met equally often the nearer
    wins, then the lesser. O(zones log lines).
    """
    lines, names = _named_lines(streets, barriers)
    tree = shapely.STRtree(lines)
    found: dict[str, list[str | None]] = {side: [] for side in SIDES}
    for shape, own in zip(zones, members, strict=True):
        inner = _names_through(own, tree, lines, names)
        for side, (_, direction) in SIDES.items():
            found[side].append(_bound(shape, direction, tree, lines, names, reach_m, inner))
    rows = range(len(zones))
    zh = ["，".join(f"{SIDES[side][0]}至{found[side][row] or '（待核）'}" for side in SIDES) for row in rows]
    en = [", ".join(f"{side} to {found[side][row] or '(to be checked)'}" for side in SIDES) for row in rows]
    columns = {f"{side}_bound": pd.array(values, dtype="str") for side, values in found.items()}
    return {"extent_zh": pd.array(zh, dtype="str"), "extent_en": pd.array(en, dtype="str"), **columns}


def _named_lines(*layers: gpd.GeoDataFrame | None) -> tuple[Any, list[str]]:
    shapes, names = [], []
    for layer in layers:
        if layer is None or "name" not in layer:
            continue
        for _, name, shape in sorted(
            zip(layer.index, layer["name"], layer.geometry, strict=True), key=lambda row: str(row[0])
        ):
            if isinstance(name, str) and name and shape is not None and not shape.is_empty:
                shapes.append(shape)
                names.append(name)
    return np.array(shapes, dtype=object), names


def _names_through(members: Any, tree: Any, lines: Any, names: list[str]) -> set[str]:
    """Names of the lines that run through a zone: all pieces of a name together part its communities."""
    hull = shapely.convex_hull(shapely.union_all(members))
    pieces: dict[str, list[Any]] = {}
    for row in sorted(tree.query(hull, predicate="intersects")):
        pieces.setdefault(names[row], []).append(lines[row])
    return {name for name, shapes in pieces.items() if _parts(shapes, hull, members)}


def _parts(shapes: list[Any], hull: Any, members: Any) -> bool:
    """Whether a line cuts the hull so that communities, or much of one, lie on either side."""
    sides = shapely.get_parts(shapely.difference(hull, shapely.buffer(shapely.union_all(shapes), GAP_M)))
    if len(sides) < 2:
        return False
    inside = shapely.area(shapely.intersection(np.asarray(members)[:, None], sides[None, :]))
    share = inside / np.maximum(shapely.area(members), 1e-9)[:, None]
    home = share.argmax(axis=1)[share.max(axis=1) > 0]
    return len(set(home.tolist())) > 1 or bool((np.sort(share, axis=1)[:, -2] >= PARTED_SHARE).any())


def _bound(
    shape: Any,
    direction: tuple[int, int],
    tree: Any,
    lines: Any,
    names: list[str],
    reach_m: float,
    inner: set[str],
) -> str | None:
    sights = _sight_lines(shape, direction, reach_m)
    sight, line = tree.query(sights, predicate="intersects")
    starts = shapely.get_point(sights, 0)
    away = shapely.distance(starts[sight], shapely.intersection(sights[sight], lines[line]))
    first: dict[int, tuple[float, str]] = {}
    for ray, row, distance in zip(sight, line, away, strict=True):
        if names[row] in inner:
            continue
        entry = (round(float(distance), 3), names[row])
        first[int(ray)] = min(first.get(int(ray), entry), entry)
    votes: dict[str, list[float]] = {}
    for distance, name in first.values():
        votes.setdefault(name, []).append(distance)
    if not votes:
        return None
    return min(votes, key=lambda name: (-len(votes[name]), round(sum(votes[name]) / len(votes[name]), 3), name))


def _sight_lines(shape: Any, direction: tuple[int, int], reach_m: float) -> Any:
    """Lines outward from the zone's outermost points at even spacing across the direction looked in."""
    left, bottom, right, top = shape.bounds
    across = (np.arange(SIGHT_LINES) + 0.5) / SIGHT_LINES
    dx, dy = direction
    if dx:
        y = bottom + across * (top - bottom)
        slices = shapely.linestrings([[(left - 1, v), (right + 1, v)] for v in y])
        edge = shapely.bounds(shapely.intersection(slices, shape))[:, 2 if dx > 0 else 0]
        ends = [[(x, v), (x + dx * reach_m, v)] for x, v in zip(edge, y, strict=True) if np.isfinite(x)]
    else:
        x = left + across * (right - left)
        slices = shapely.linestrings([[(v, bottom - 1), (v, top + 1)] for v in x])
        edge = shapely.bounds(shapely.intersection(slices, shape))[:, 3 if dy > 0 else 1]
        ends = [[(v, y), (v, y + dy * reach_m)] for y, v in zip(edge, x, strict=True) if np.isfinite(y)]
    return shapely.linestrings(ends) if ends else np.array([], dtype=object)
