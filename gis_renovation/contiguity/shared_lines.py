"""What ties neighbours together beside the gap: mains and paths that both stand at."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pandas.api.extensions import ExtensionArray
from scipy.sparse import csr_array

from gis_renovation.arrays import Geometries, Ints
from gis_renovation.contiguity.pairs import Pairs

# A main that is empty, abandoned or only planned serves nobody today.
UNUSED_STATUS = ("abandoned", "empty", "planned")


def shared_kind_count(
    polygons: Geometries, pairs: Pairs, lines: Geometries, kind: pd.Series[Any], *, reach_m: float
) -> Ints:
    """For each pair, of how many kinds one and the same line comes within ``reach_m`` of both polygons.

    ``kind`` is aligned with ``lines``; lines without a kind count as one kind of their own.
    O(communities near lines + pairs x lines at both).
    """
    code, kinds = pd.factorize(kind, use_na_sentinel=False)
    first, second = pairs.first, pairs.second
    used = np.unique(np.concatenate([first, second])).astype(np.intp)
    at, line = shapely.STRtree(lines).query(polygons[used], predicate="dwithin", distance=reach_m)
    stands = csr_array((np.ones(len(at), dtype=np.int32), (used[at], line)), shape=(len(polygons), len(lines)))
    both = stands[first].multiply(stands[second]).tocsr()
    of_kind = csr_array(
        (np.ones(len(code), dtype=np.int32), (np.arange(len(code)), code)), shape=(len(code), len(kinds))
    )
    return np.asarray(((both @ of_kind) > 0).sum(axis=1), dtype=np.int64).ravel()


def ties_of(
    polygons: Geometries,
    pairs: Pairs,
    utility_lines: gpd.GeoDataFrame | None,
    slow_paths: gpd.GeoDataFrame | None,
    reach_m: float,
) -> dict[str, ExtensionArray]:
    """Mains in use (or of unknown state) and paths that both communities stand at; null where no layer is given."""
    mains = pd.array([pd.NA] * len(pairs.first), dtype="Int64")
    paths = pd.array([pd.NA] * len(pairs.first), dtype="boolean")
    if utility_lines is not None:
        used = utility_lines
        if "status" in used:
            used = used[~used["status"].isin(UNUSED_STATUS)]
        shapes = np.asarray(used.geometry.to_numpy(), dtype=object)
        count = shared_kind_count(polygons, pairs, shapes, used["network"], reach_m=reach_m)
        mains = pd.array(count, dtype="Int64")
    if slow_paths is not None:
        shapes = np.asarray(slow_paths.geometry.to_numpy(), dtype=object)
        one_kind = pd.Series("path", index=slow_paths.index)
        count = shared_kind_count(polygons, pairs, shapes, one_kind, reach_m=reach_m)
        paths = pd.array(count > 0, dtype="boolean")
    return {"shared_main_count": mains, "shares_path": paths}
