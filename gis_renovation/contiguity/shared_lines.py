"""What ties neighbours together beside the gap: mains and paths that both stand at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis_renovation.arrays import Geometries, Positions

# A main that is empty, abandoned or only planned serves nobody today.
UNUSED_STATUS = ("abandoned", "empty", "planned")


def shared_kind_count(
    polygons: Geometries,
    first: Positions,
    second: Positions,
    lines: Geometries,
    kind: pd.Series[Any],
    *,
    reach_m: float,
) -> NDArray[np.int64]:
    """For each pair, of how many kinds one and the same line comes within ``reach_m`` of both polygons.

    ``kind`` is aligned with ``lines``; lines without a kind count as one kind of their own.
    O(communities near lines + pairs x lines at both).
    """
    code, kinds = pd.factorize(kind, use_na_sentinel=False)
    used = np.unique(np.concatenate([first, second])).astype(np.intp)
    at, line = shapely.STRtree(lines).query(polygons[used], predicate="dwithin", distance=reach_m)
    stands = csr_array((np.ones(len(at), dtype=np.int32), (used[at], line)), shape=(len(polygons), len(lines)))
    both = stands[first].multiply(stands[second]).tocsr()
    of_kind = csr_array(
        (np.ones(len(code), dtype=np.int32), (np.arange(len(code)), code)), shape=(len(code), len(kinds))
    )
    return np.asarray(((both @ of_kind) > 0).sum(axis=1), dtype=np.int64).ravel()
