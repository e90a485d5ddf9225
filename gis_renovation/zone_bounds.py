"""The four bounds of a zone (东至/西至/南至/北至), read from named streets and barriers around it."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

# Sight lines looked along for each side; an odd number, so that the middle is one of them.
SIGHT_LINES = 9
SIDES = {"east": ("东", (1, 0)), "west": ("西", (-1, 0)), "south": ("南", (0, -1)), "north": ("北", (0, 1))}


def four_bounds(
    zones: gpd.GeoSeries, streets: gpd.GeoDataFrame | None, barriers: gpd.GeoDataFrame | None, *, reach_m: float
) -> dict[str, Any]:
    """For each side the name met first along most sight lines outward from the zone's edge.

    Returns columns ``east_bound`` … ``north_bound`` (null where no named line lies within ``reach_m``
    metres) and ``extent_zh``, the usual phrase. Of names met equally often the nearer wins, then the
    lesser. O(zones log lines).
    """
    lines, names = _named_lines(streets, barriers)
    tree = shapely.STRtree(lines)
    columns: dict[str, Any] = {}
    for side, (_, direction) in SIDES.items():
        found = [_bound(shape, direction, tree, lines, names, reach_m) for shape in zones]
        columns[f"{side}_bound"] = pd.array(found, dtype="str")
    phrase = [
        "，".join(
            f"{label}至{columns[f'{side}_bound'][row] if not pd.isna(columns[f'{side}_bound'][row]) else '（待核）'}"
            for side, (label, _) in SIDES.items()
        )
        for row in range(len(zones))
    ]
    return {"extent_zh": pd.array(phrase, dtype="str"), **columns}


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


def _bound(
    shape: Any, direction: tuple[int, int], tree: Any, lines: Any, names: list[str], reach_m: float
) -> str | None:
    sights = _sight_lines(shape, direction, reach_m)
    sight, line = tree.query(sights, predicate="intersects")
    starts = shapely.get_point(sights, 0)
    away = shapely.distance(starts[sight], shapely.intersection(sights[sight], lines[line]))
    first: dict[int, tuple[float, str]] = {}
    for ray, row, distance in zip(sight, line, away, strict=True):
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
