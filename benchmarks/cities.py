"""Cities for measuring: seeded, of any size, drawn so that the work is like a real city's."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

CRS = "EPSG:4548"
CORNERS = 20
CELL_M = 180.0
BLOCK = 5  # communities along a block's side
ARTERIAL_M = 14.0  # how much wider the gap between blocks is than the gaps within
ORIGIN = np.array([500_000.0, 3_600_000.0])


def make_communities(count: int, *, seed: int = 1, shuffled: bool = True) -> gpd.GeoDataFrame:
    """Compounds of 20 corners in blocks of five by five; like a rounded rectangle, gaps of 0 to some 40 m."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    cell = np.stack([np.arange(count) % side, np.arange(count) // side], axis=1)
    middle = ORIGIN + cell * CELL_M + (cell // BLOCK) * ARTERIAL_M + rng.uniform(-8.0, 8.0, (count, 2))
    half = rng.uniform(74.0, 89.0, (count, 2))
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, (count, CORNERS)), axis=1)
    x, y = np.cos(angle), np.sin(angle)
    radius = (np.abs(x) ** 6 + np.abs(y) ** 6) ** (-1.0 / 6.0) * rng.uniform(0.94, 1.0, (count, CORNERS))
    xy = middle[:, None] + np.stack([radius * x, radius * y], axis=-1) * half[:, None]
    order = rng.permutation(count) if shuffled else np.arange(count)
    ids = pd.Index([f"C{number:07d}" for number in range(count)], name="community_id")
    names = [f"示意小区{number}" for number in range(count)]
    units = [f"3404{number % 7:02d}" for number in (cell[order, 0] // 60).tolist()]
    return gpd.GeoDataFrame(
        {"name": names, "unit_code": units}, geometry=shapely.polygons(xy[order]), index=ids, crs=CRS
    )


def make_barriers(count: int, *, seed: int = 2) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Arterials between all blocks, every sixth of them a railway, canal or expressway; crossings every 400 m."""
    rng = np.random.default_rng(seed)
    cells = int(np.ceil(np.sqrt(count)))
    length_m = cells * CELL_M + cells // BLOCK * ARTERIAL_M
    shapes, kinds, points = [], [], []
    for upright in (False, True):
        for number in range(1, -(-cells // BLOCK)):
            at = number * BLOCK * CELL_M + number * ARTERIAL_M - ARTERIAL_M / 2.0 - CELL_M / 2.0
            along = np.arange(-200.0, length_m + 200.0, 40.0)
            off = at + np.clip(np.cumsum(rng.normal(0.0, 0.6, len(along))), -4.0, 4.0)
            xy = ORIGIN + np.stack([off, along] if upright else [along, off], axis=1)
            line = shapely.linestrings(xy)
            kind = "arterial" if number % 6 else ("railway", "canal", "expressway")[number // 6 % 3]
            shapes.append(shapely.buffer(line, 4.0, cap_style="flat") if kind == "canal" else line)
            kinds.append(kind)
            points.append(shapely.points(xy[:: 10 if kind == "arterial" else 30] + 0.5))
    crossing = np.concatenate(points)
    barriers = gpd.GeoDataFrame(
        {"kind": kinds, "grade": [2 if kind == "arterial" else 1 for kind in kinds]},
        geometry=shapes,
        index=pd.Index([f"B{number:05d}" for number in range(len(shapes))], name="barrier_id"),
        crs=CRS,
    )
    crossings = gpd.GeoDataFrame(
        {"kind": ["level_crossing"] * len(crossing)},
        geometry=crossing,
        index=pd.Index([f"X{number:06d}" for number in range(len(crossing))], name="crossing_id"),
        crs=CRS,
    )
    return barriers, crossings
