"""How far published shapes lie from those of the data: what somebody finds who holds the one against the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import KDTree

from gis_renovation.arrays import Floats
from gis_renovation.errors import ConfigError
from gis_renovation.words import Text

# A published corner so near to one of the data is that corner, to within what surveys themselves differ.
SAME_PLACE_M = 1.0


class Spread(NamedTuple):
    """Distances in metres: the median, what 95 in a hundred do not exceed, the greatest."""

    median: float
    p95: float
    greatest: float


class Displacement(NamedTuple):
    """Of one layer: how many corners were published, and how far they lie from the corners and lines of the data.

    ``same_place_share`` is the share of them within :data:`SAME_PLACE_M` of a corner of the data.
    """

    corners: int
    to_corner: Spread
    to_line: Spread
    same_place_share: float


def measured_displacement(data: gpd.GeoSeries, published: gpd.GeoSeries) -> Displacement | None:
    """The distance of each published corner to the nearest corner, and to the nearest line, of the layer's data.

    Nearest of the whole layer, as somebody would look who has the survey and not our ids; every distance is so
    small that no other comparison of corners gives a smaller one. Both in one metric CRS. None where no shape was
    published or none is in the data. O(n log n).
    """
    asked = _corners(published)
    known = _corners(data)
    if len(asked) == 0 or len(known) == 0:
        return None
    to_corner, _ = KDTree(known).query(asked)
    shapes = data.to_numpy()
    lines = shapely.boundary(shapes[shapely.get_dimensions(shapes) == 2])
    outlines = np.concatenate([lines, shapes[np.isin(shapely.get_dimensions(shapes), (0, 1))]])
    points = shapely.points(asked)
    (at, _), near = shapely.STRtree(outlines).query_nearest(points, return_distance=True, all_matches=False)
    to_line = np.zeros(len(asked))
    to_line[at] = near
    return Displacement(len(asked), _spread(to_corner), _spread(to_line), float(np.mean(to_corner <= SAME_PLACE_M)))


def _corners(shapes: gpd.GeoSeries) -> Floats:
    """Each corner once; the point that closes a ring is no second one."""
    corners: Floats = np.unique(shapely.get_coordinates(shapes.to_numpy()), axis=0)
    return corners


def _spread(distances: Floats) -> Spread:
    return Spread(float(np.median(distances)), float(np.quantile(distances, 0.95)), float(distances.max()))


def measured_layers(data: Mapping[str, pd.DataFrame], published: Mapping[str, pd.DataFrame]) -> dict[str, Displacement]:
    """:func:`measured_displacement` of every layer whose shapes leave."""
    found = {}
    for name, frame in published.items():
        before = data.get(name)
        if _shaped(frame) and before is not None and _shaped(before):
            measured = measured_displacement(before.geometry, frame.geometry)
            if measured is not None:
                found[name] = measured
    return found


def _shaped(frame: pd.DataFrame) -> bool:
    return isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None


# --- what may be said of it -----------------------------------------------------------------------

# Words of coarseness and metres within one clause, either first.
_NUMBER = r"(?P<{0}>\d+(?:\.\d+)?)\s*(?:m(?![²\w])|米(?!²)|metres?\b|meters?\b)"
_WORD = r"(?:概括|取整|偏移|偏差|精度|误差|模糊|脱密|generali[sz]|round|coarse|displac|accura|offset|shifted)"
_CLAIM = re.compile(
    rf"{_WORD}[^。；;！!\n]{{0,30}}?{_NUMBER.format('after')}|{_NUMBER.format('before')}[^。；;！!\n]{{0,12}}?{_WORD}",
    re.IGNORECASE,
)


def claims_in(texts: Iterable[str]) -> list[float]:
    """The metres by which texts say that shapes are coarse or displaced, greatest first."""
    found = {float(match["after"] or match["before"]) for text in texts for match in _CLAIM.finditer(text)}
    return sorted(found, reverse=True)


def require_measured(
    claimed_m: float, texts: Iterable[str], measured: Mapping[str, Displacement], *, where: str
) -> None:
    """Raise ConfigError if somebody says that shapes are coarser than they were measured to be.

    Claimed is ``claimed_m`` of the profile ``where`` and what its own ``texts`` say in words. A claim holds if in
    every layer at least half of the published corners lie so far from every corner of the data.
    """
    claims = [*([claimed_m] if claimed_m > 0 else []), *claims_in(texts)]
    claim = max(claims, default=0.0)
    short = {name: one for name, one in measured.items() if one.to_corner.median < claim}
    if not short:
        return
    zh = "；".join(
        f"{name} 中位 {one.to_corner.median:.2f} m、最大 {one.to_corner.greatest:.2f} m" for name, one in short.items()
    )
    en = "; ".join(
        f"{name} median {one.to_corner.median:.2f} m, greatest {one.to_corner.greatest:.2f} m"
        for name, one in short.items()
    )
    raise ConfigError(
        f"{where}：说明图形偏差 {claim:g} m，实测没有这么多，未发布任何内容：{zh}（公开图形的角点到最近的数据角点）。"
        "请把 [geometry] 的 grid_m 改大，或把 claimed_m、[site] 中的说法改到不超过实测的中位数。",
        f"{where} says that shapes are displaced by {claim:g} m, which was not measured; nothing was published: {en} "
        "(of published corners to the nearest corner of the data). Raise grid_m in [geometry], or lower claimed_m or "
        "what [site] says to no more than the median.",
    )


def spread_text(spread: Spread) -> Text:
    """The three numbers in one line."""
    median, p95, greatest = (f"{value:.2f} m" for value in spread)
    return Text(f"中位 {median}、95% {p95}、最大 {greatest}", f"median {median}, 95% {p95}, greatest {greatest}")
