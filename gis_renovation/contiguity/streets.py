"""What lies between neighbours that is no barrier of the layer: streets, and ground that both claim."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.contiguity.pairs import Pairs
from gis_renovation.contiguity.sentences import Street, metres
from gis_renovation.ids import sorted_by_id
from gis_renovation.schemas import layer_schema
from gis_renovation.words import Text

# Streets as wide as a barrier, and those inside a compound, which part nobody.
WIDE = ("expressway", "arterial")
INNER = ("access",)
# A street is drawn already if so much of it lies this near to a barrier of such a kind.
ALONG_M = 30.0
DRAWN_SHARE = 0.5
# Ground that two outlines share by less than this is drawing error at their border.
SHARED_M2 = 1.0
WITHIN_SHARE = 0.98
STREET_GRADE = 2


def with_arterials(
    barriers: gpd.GeoDataFrame | None, streets: gpd.GeoDataFrame | None, crs: Any
) -> gpd.GeoDataFrame | None:
    """The barriers, and each arterial and expressway of the streets that none of them stands for.

    Their ids are ``street:`` and the street's id, their grade is that of a street one crosses at lights.
    """
    if streets is None or "class" not in streets:
        return barriers
    barriers, streets = sorted_by_id(barriers, "barriers"), sorted_by_id(streets, "streets")
    wide = streets[streets["class"].isin(WIDE)]
    if barriers is not None and len(barriers) and "kind" in barriers:
        roads = shapely.union_all(barriers.geometry[barriers["kind"].isin(WIDE)].to_numpy())
        drawn = shapely.length(shapely.intersection(wide.geometry.to_numpy(), shapely.buffer(roads, ALONG_M)))
        wide = wide[drawn < DRAWN_SHARE * np.maximum(wide.length.to_numpy(), 1e-9)]
    if not len(wide):
        return barriers
    names = wide["name"].tolist() if "name" in wide else [None] * len(wide)
    fresh = gpd.GeoDataFrame(
        {"kind": wide["class"].tolist(), "name": names, "grade": pd.array([STREET_GRADE] * len(wide), dtype="Int64")},
        geometry=wide.geometry.to_numpy(),
        index=[f"street:{key}" for key in wide.index],
        crs=crs,
    )
    if barriers is None or not len(barriers):
        return fresh
    kept = pd.DataFrame(barriers.drop(columns=barriers.geometry.name)).assign(geometry=barriers.geometry)
    return gpd.GeoDataFrame(pd.concat([kept, fresh]), geometry="geometry", crs=crs)


def streets_between(streets: gpd.GeoDataFrame | None, pairs: Pairs) -> dict[int, Street]:
    """The widest street that the shortest line of each pair crosses, where there is one. O(pairs log streets)."""
    if streets is None or not len(streets) or not len(pairs.line):
        return {}
    blank = [None] * len(streets)
    kinds = streets["class"].tolist() if "class" in streets else blank
    names = streets["name"].tolist() if "name" in streets else blank
    labels = layer_schema("streets").fields["class"].values
    order = {kind: place for place, kind in enumerate(labels)}
    rows = np.flatnonzero(pairs.gap_m > 0)
    at, street = shapely.STRtree(np.asarray(streets.geometry.to_numpy(), dtype=object)).query(
        pairs.line[rows], predicate="intersects"
    )
    best: dict[int, tuple[int, int]] = {}
    for row, which in zip(rows[at].tolist(), street.tolist(), strict=True):
        if kinds[which] not in INNER:
            found = (order.get(str(kinds[which]), len(order)), which)
            best[row] = min(best.get(row, found), found)
    return {row: _street(names[which], kinds[which], labels) for row, (_, which) in sorted(best.items())}


def _street(name: Any, kind: Any, labels: Any) -> Street:
    told = labels.get(str(kind), Text("道路", "a street"))
    if isinstance(name, str) and name.strip():
        told = Text.same(name)
    return Street(told, kind if isinstance(kind, str) else None, kind in WIDE)


def overlaps_told(polygons: Geometries, pairs: Pairs) -> dict[int, Text]:
    """What is said of pairs that do more than touch: one lies in the other, or both share ground. O(such pairs)."""
    rows = np.flatnonzero(pairs.gap_m == 0)
    one, other = polygons[pairs.first[rows]], polygons[pairs.second[rows]]
    shared_m2 = shapely.area(shapely.intersection(one, other))
    least_m2 = np.minimum(shapely.area(one), shapely.area(other))
    told: dict[int, Text] = {}
    for row, shared, least in zip(rows.tolist(), shared_m2.tolist(), least_m2.tolist(), strict=True):
        if shared >= WITHIN_SHARE * least > 0:
            told[row] = Text("范围相套（一个在另一个之内）", "one lies inside the other")
        elif shared >= SHARED_M2:
            size = metres(shared)
            told[row] = Text(f"范围重叠约 {size} 平方米", f"overlapping by about {size} m²")
    return told
