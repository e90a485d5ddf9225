"""Gates of the synthetic city: known for most communities, one or two each, a few of them shut."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.sample.plots import generator

KNOWN_SHARE, SECOND_SHARE, SHUT_SHARE = 0.6, 0.5, 0.15


def make_gates(communities: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, seed: int) -> gpd.GeoDataFrame:
    """A main gate where the outline comes nearest to a street, a side gate half-way round, which may be shut."""
    rng = generator(seed, "gates")
    draws = rng.random((len(communities), 3))
    lines = streets.geometry.to_numpy()
    tree = shapely.STRtree(lines)
    rows = []
    for key, shape, (known, second, shut) in zip(communities.index, communities.geometry, draws, strict=True):
        if known >= KNOWN_SHARE:
            continue
        rim = shapely.get_exterior_ring(max(shapely.get_parts(shape), key=shapely.area))
        main = shapely.line_locate_point(
            rim, shapely.get_point(shapely.shortest_line(rim, lines[tree.nearest(rim)]), 0)
        )
        rows.append((key, "大门", True, shapely.line_interpolate_point(rim, main)))
        if second < SECOND_SHARE:
            side = (main + 0.5 * rim.length) % rim.length
            rows.append((key, "侧门", bool(shut >= SHUT_SHARE), shapely.line_interpolate_point(rim, side)))
    shapes = np.array([row[3] for row in rows], dtype=object)
    frame = gpd.GeoDataFrame(
        pd.DataFrame([row[:3] for row in rows], columns=["community_id", "name", "open"]).astype({"open": "boolean"}),
        geometry=shapely.set_precision(shapes, 0.01),
        crs=communities.crs,
    )
    frame.index = pd.Index([f"MK-{k + 1:05d}" for k in range(len(frame))], name="gate_id", dtype="object")
    return frame
