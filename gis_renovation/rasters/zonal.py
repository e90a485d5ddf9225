"""Values of a raster inside polygons, weighted by the exact share of each pixel covered.

The share of a pixel inside a polygon is computed as font renderers compute it: each edge is cut at
the grid lines, and every piece adds the area between itself and the right border of its pixel, and
its height to all pixels further right. Summed over a polygon's rings that is the exact area, holes
and multiparts included, with no sampling and no clipping of geometry. Pixels wholly inside are kept
as runs, whose sums come from running totals of the raster's rows: once the weights of a grid are
known, another raster on that grid costs little more than reading it.

Reference for the method: coverage accumulation in scan conversion (the "signed area" rasteriser of
FreeType and its successors), here in double precision and vectorised over all polygons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from gis_renovation.arrays import Floats, Ints
from gis_renovation.crs import require_metric
from gis_renovation.errors import CRSError, DataError, Finding
from gis_renovation.words import Text

if TYPE_CHECKING:
    import geopandas as gpd


# Below this a run's cover differs from 0 or 1 by rounding alone (pixel units).
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Raster:
    """One band: values with NaN for nodata, the affine transform from (column, row) to x, y, the CRS.

    Raises DataError if the values are not a two-dimensional array of numbers with at least one
    pixel, or the transform is not invertible; CRSError if the CRS is missing.
    """

    values: NDArray[np.floating[Any]]
    transform: Affine
    crs: CRS

    def __post_init__(self) -> None:
        if self.crs is None:
            raise CRSError(
                "栅格没有坐标系，不能与面图层叠加；请在来源卡写明 crs。",
                "The raster has no CRS and cannot be laid over polygons; state `crs` in its card.",
            )
        two_dimensional = self.values.ndim == len(("row", "column"))
        if not two_dimensional or self.values.size == 0 or not np.issubdtype(self.values.dtype, np.floating):
            raise _bad_raster(
                f"栅格应为二维浮点数组且至少有一个像元，现为 {self.values.dtype} {self.values.shape}。",
                f"A raster must be a two-dimensional float array, found {self.values.dtype} {self.values.shape}.",
            )
        if not np.isfinite(self.transform.determinant) or self.transform.determinant == 0.0:
            raise _bad_raster(
                f"栅格的仿射变换无效：{tuple(self.transform)[:6]}。",
                f"The raster's transform is not invertible: {tuple(self.transform)[:6]}.",
            )

    @property
    def pixel_area_m2(self) -> float:
        """Area of a pixel in the square of the CRS's unit."""
        return abs(float(self.transform.determinant))


@dataclass(frozen=True, eq=False)
class GridCoverage:
    """Which pixels of one grid each polygon covers, and how much of each.

    ``rim_*`` are single pixels with their covered share; ``run_*`` are stretches of pixels of one
    row, columns ``[start, stop)``, of one share: 1 inside, less where a level edge halves the row.
    ``inside_px`` is each polygon's area on the grid and ``total_px`` its whole area, both in pixels.
    Positions follow the polygons given.
    """

    height: int
    width: int
    rim_shape: Ints
    rim_pixel: Ints
    rim_share: Floats
    run_shape: Ints
    run_row: Ints
    run_start: Ints
    run_stop: Ints
    run_share: Floats
    inside_px: Floats
    total_px: Floats


def grid_coverage(polygons: NDArray[np.object_], *, transform: Affine, height: int, width: int) -> GridCoverage:
    """The exact coverage of a grid by each polygon.

    ``polygons`` are valid and in the grid's CRS; missing ones cover nothing. The grid may be
    rotated. O(boundary length in pixels), a bounded number of polygons at a time; the interior
    costs nothing.
    """
    step = np.sqrt(abs(transform.determinant))
    pieces = np.nan_to_num(shapely.length(polygons)) / step * 2.0 + shapely.get_num_coordinates(polygons)
    batch = (np.cumsum(pieces) // 3_000_000).astype(np.int64)
    starts = np.flatnonzero(np.diff(batch, prepend=-1))
    parts = [
        _cover_batch(part, int(start), transform=transform, height=height, width=width)
        for start, part in zip(starts, np.split(polygons, starts[1:]), strict=False)
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.empty(0)] * 10
    return GridCoverage(
        height=height,
        width=width,
        rim_shape=columns[0].astype(np.int64),
        rim_pixel=columns[1].astype(np.int64),
        rim_share=columns[2],
        run_shape=columns[3].astype(np.int64),
        run_row=columns[4].astype(np.int64),
        run_start=columns[5].astype(np.int64),
        run_stop=columns[6].astype(np.int64),
        run_share=columns[7],
        inside_px=columns[8],
        total_px=columns[9],
    )


def _cover_batch(
    polygons: NDArray[np.object_], first: int, *, transform: Affine, height: int, width: int
) -> tuple[NDArray[Any], ...]:
    """The arrays of a GridCoverage for some polygons, the first of which has position ``first``."""
    count = len(polygons)
    edges = _edges(polygons, transform)
    total_px = np.abs(
        np.bincount(edges[0], weights=(edges[1] + edges[3]) / 2.0 * (edges[4] - edges[2]), minlength=count)
    )
    shape, row, column, cover, area = _pixel_sums(*_cut_at_grid(*_clip(*edges, height, width)), height, width)
    before = _running_cover(shape, row, cover)
    share = np.clip(before + area, 0.0, 1.0)
    rim = (column >= 0) & (share > _ROUNDING)
    follows = np.zeros(len(shape), bool)
    follows[:-1] = (shape[1:] == shape[:-1]) & (row[1:] == row[:-1])
    stop = np.where(follows, np.roll(column, -1), width)
    after = np.clip(before + cover, 0.0, 1.0)
    run = (after > _ROUNDING) & (stop > column + 1)
    inside = np.bincount(shape[rim], weights=share[rim], minlength=count)
    inside = inside + np.bincount(shape[run], weights=(after * (stop - column - 1))[run], minlength=count)
    rims = (shape[rim] + first, row[rim] * width + column[rim], share[rim])
    return (*rims, shape[run] + first, row[run], column[run] + 1, stop[run], after[run], inside, total_px)


def _edges(polygons: NDArray[np.object_], transform: Affine) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """Position of the polygon and end points of every ring edge in pixels, the inside on one known side."""
    parts, part_of = shapely.get_parts(shapely.orient_polygons(polygons), return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    xy, point_of = shapely.get_coordinates(rings, return_index=True)
    column, row = _moved(~transform, xy[:, 0], xy[:, 1])
    if transform.determinant > 0.0:  # rows counted upwards: mirror, so that one sign rule holds below
        column, row, point_of = column[::-1], row[::-1], point_of[::-1]
    same = point_of[1:] == point_of[:-1]
    shape = part_of[ring_of[point_of[1:][same]]].astype(np.int64)
    return shape, column[:-1][same], row[:-1][same], column[1:][same], row[1:][same]


def _clip(
    shape: Ints, x0: Floats, y0: Floats, x1: Floats, y1: Floats, height: int, width: int
) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """Edges cut to the grid's rows; what lies left of it becomes upright at -0.5, what lies right goes.

    An edge right of the grid covers none of its pixels; one left of it covers all pixels of its rows
    whatever its column.
    """
    keep = (y0 != y1) & (np.maximum(y0, y1) > 0.0) & (np.minimum(y0, y1) < height)
    shape, x0, y0, x1, y1 = (values[keep] for values in (shape, x0, y0, x1, y1))
    slope = (x1 - x0) / (y1 - y0)
    top, bottom = np.clip(y0, 0.0, height), np.clip(y1, 0.0, height)
    x0, x1, y0, y1 = x0 + (top - y0) * slope, x1 + (bottom - y1) * slope, top, bottom
    for border in (0.0, float(width)):
        across = np.flatnonzero((np.minimum(x0, x1) < border) & (np.maximum(x0, x1) > border))
        y_cut = y0[across] + (border - x0[across]) / (x1[across] - x0[across]) * (y1[across] - y0[across])
        x_cut = np.full(len(across), border)
        shape = np.concatenate([shape, shape[across]])
        x0, y0 = np.concatenate([x0, x_cut]), np.concatenate([y0, y_cut])
        x1, y1 = np.concatenate([x1, x1[across]]), np.concatenate([y1, y1[across]])
        x1[across], y1[across] = x_cut, y_cut
    left = np.maximum(x0, x1) <= 0.0
    x0, x1 = np.where(left, -0.5, x0), np.where(left, -0.5, x1)
    keep = (np.minimum(x0, x1) < width) & (y0 != y1)
    return shape[keep], x0[keep], y0[keep], x1[keep], y1[keep]


def _cut_at_grid(
    shape: Ints, x0: Floats, y0: Floats, x1: Floats, y1: Floats
) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """Edges cut wherever they cross a column or row line, so that each piece lies in one pixel."""
    edge_parts, t_parts = [np.arange(len(shape))], [np.zeros(len(shape))]
    for start, stop in ((x0, x1), (y0, y1)):
        low, high = np.minimum(start, stop), np.maximum(start, stop)
        first = np.floor(low) + 1.0
        lines = np.maximum(np.ceil(high) - first, 0.0).astype(np.int64)
        edge = np.repeat(np.arange(len(shape)), lines)
        line = np.arange(len(edge)) - np.repeat(np.cumsum(lines) - lines, lines) + first[edge]
        edge_parts.append(edge)
        t_parts.append((line - start[edge]) / (stop - start)[edge])
    edge, t = np.concatenate(edge_parts), np.concatenate(t_parts)
    order = np.lexsort((t, edge))
    edge, t = edge[order], t[order]
    until = np.ones(len(t))
    until[:-1] = np.where(edge[1:] == edge[:-1], t[1:], 1.0)
    dx, dy = (x1 - x0)[edge], (y1 - y0)[edge]
    x_from, y_from = x0[edge] + t * dx, y0[edge] + t * dy
    return shape[edge], x_from, y_from, x0[edge] + until * dx, y0[edge] + until * dy


def _pixel_sums(
    shape: Ints, x0: Floats, y0: Floats, x1: Floats, y1: Floats, height: int, width: int
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Per polygon and pixel touched, sorted: the height its pieces span and the area right of them."""
    x_mid = (x0 + x1) / 2.0
    row = np.clip(np.floor((y0 + y1) / 2.0), 0, height - 1).astype(np.int64)
    column = np.clip(np.floor(x_mid), -1, width - 1).astype(np.int64)
    span = y1 - y0
    key = (shape * height + row) * (width + 1) + column + 1
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    if len(starts) == 0:
        return shape, row, column, span, span
    cover = np.add.reduceat(span[order], starts)
    area = np.add.reduceat((span * (column + 1 - x_mid))[order], starts)
    pick = order[starts]
    return shape[pick], row[pick], column[pick], cover, area


def _running_cover(shape: Ints, row: Ints, cover: Floats) -> Floats:
    """Sum of the covers left of each pixel in its polygon and row."""
    if len(cover) == 0:
        return cover
    before = np.cumsum(cover) - cover
    starts = np.flatnonzero((np.diff(shape, prepend=-1) != 0) | (np.diff(row, prepend=-1) != 0))
    return np.asarray(before - np.repeat(before[starts], np.diff(np.append(starts, len(cover)))))


def zonal_sums(coverage: GridCoverage, values: NDArray[np.floating[Any]]) -> tuple[Floats, Floats]:
    """Weighted sum of known values in each polygon, and the weight of known pixels, both in pixels.

    ``values`` has the coverage's height and width, NaN where unknown. O(pixels in the rows used +
    rim pixels).
    """
    if values.shape != (coverage.height, coverage.width):
        raise _bad_raster(
            f"栅格大小 {values.shape} 与权重所用网格 {(coverage.height, coverage.width)} 不同。",
            f"The raster is {values.shape}, the weights were computed for {(coverage.height, coverage.width)}.",
        )
    count = len(coverage.inside_px)
    rim = values.ravel()[coverage.rim_pixel].astype(np.float64)
    known = ~np.isnan(rim)
    weight = np.bincount(coverage.rim_shape, weights=coverage.rim_share * known, minlength=count)
    total = np.bincount(coverage.rim_shape, weights=np.where(known, rim, 0.0) * coverage.rim_share, minlength=count)
    run_total, run_known = _run_sums(coverage, values)
    # Without rim pixels bincount gives whole numbers, hence no +=.
    weight = weight + np.bincount(coverage.run_shape, weights=run_known, minlength=count)
    total = total + np.bincount(coverage.run_shape, weights=run_total, minlength=count)
    return total.astype(np.float64), weight.astype(np.float64)


# Pixels of a strip of rows whose running totals are taken at once: 8 MB of them.
_STRIP_PX = 1_000_000


def _run_sums(coverage: GridCoverage, values: NDArray[np.floating[Any]]) -> tuple[Floats, Floats]:
    """Weighted sum and weight of known values in each run, from running totals of one strip of rows at a time."""
    order = np.argsort(coverage.run_row, kind="stable")
    row, start, stop = coverage.run_row[order], coverage.run_start[order], coverage.run_stop[order]
    total, known = np.zeros(len(row)), np.zeros(len(row))
    strip = max(1, _STRIP_PX // coverage.width)

    def add(top: int) -> None:
        first, last = np.searchsorted(row, (top, top + strip))
        if first == last:
            return
        block = values[top : top + strip].astype(np.float64)
        missing = np.isnan(block)
        lacking = missing.any()
        left = (row[first:last] - top) * (coverage.width + 1) + start[first:last]
        right = left + stop[first:last] - start[first:last]
        running = np.zeros((len(block), coverage.width + 1))
        np.cumsum(np.where(missing, 0.0, block) if lacking else block, axis=1, out=running[:, 1:])
        total[first:last] = running.ravel()[right] - running.ravel()[left]
        known[first:last] = (stop - start)[first:last]
        if lacking:
            np.cumsum(missing, axis=1, out=running[:, 1:])
            known[first:last] -= running.ravel()[right] - running.ravel()[left]

    # Each strip writes its own runs, so the threads change nothing.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, range(0, coverage.height, strip)))
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return total[back] * coverage.run_share, known[back] * coverage.run_share


def zonal_extremes(coverage: GridCoverage, values: NDArray[np.floating[Any]]) -> tuple[Floats, Floats]:
    """Lowest and highest known value among the pixels each polygon touches; NaN where none is known.

    O(covered pixels), done for a bounded number of pixels at a time.
    """
    count = len(coverage.inside_px)
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    flat = values.ravel()
    _extend(low, high, coverage.rim_shape, flat[coverage.rim_pixel].astype(np.float64))
    length = coverage.run_stop - coverage.run_start
    ends = np.cumsum(length)
    first = 0
    while first < len(length):
        last = max(first + 1, int(np.searchsorted(ends, (ends[first - 1] if first else 0) + 4_000_000)))
        part = slice(first, last)
        begins = ends[part] - length[part]
        offset = np.arange(length[part].sum()) - np.repeat(begins - begins[0], length[part])
        pixel = np.repeat(coverage.run_row[part] * coverage.width + coverage.run_start[part], length[part]) + offset
        _extend(low, high, np.repeat(coverage.run_shape[part], length[part]), flat[pixel].astype(np.float64))
        first = last
    empty = np.isinf(low)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _extend(low: Floats, high: Floats, shape: Ints, values: Floats) -> None:
    known = ~np.isnan(values)
    np.minimum.at(low, shape[known], values[known])
    np.maximum.at(high, shape[known], values[known])


# --- the analyses ---------------------------------------------------------------------------------


def parcel_greenness(
    parcels: gpd.GeoDataFrame,
    greenness_before: Raster | None,
    greenness_after: Raster | None,
    *,
    min_known_share: float = 0.5,
) -> pd.DataFrame:
    """Mean greenness of each parcel at two dates, and the change between them.

    Greenness is a vegetation index from -1 to 1. Growth on land said to be built, or loss on land
    said to be idle, is evidence for a visit, never a verdict.

    Parameters
    ----------
    parcels
        Polygons indexed by parcel_id, in one projected CRS in metres.
    greenness_before, greenness_after
        Rasters in that CRS; ``None`` is a date without data. If both share one grid, the pixel
        weights are computed once.
    min_known_share
        A mean is unknown where less than this share of the parcel has known pixels.

    Returns
    -------
    DataFrame indexed and sorted by parcel_id: greenness_before, greenness_after, greenness_change
    (NaN = unknown), known_share_before, known_share_after (share of the parcel's area with known
    pixels), nodata_share_before, nodata_share_after (on the grid, but without a value),
    outside_share_before, outside_share_after (beyond the edge of the raster) and pixel_count (the
    parcel's area in pixels of the later raster). Without parcels: no rows, the same columns.

    Raises
    ------
    CRSError for unlike CRS; DataError for a raster without any value, outside -1..1, or that meets
    no parcel. O(boundary length in pixels + pixels of the rows used).
    """
    require_metric(parcels=parcels)
    parcels = parcels.sort_index()
    polygons = np.asarray(parcels.geometry.to_numpy(), dtype=object)
    columns: dict[str, Floats] = {}
    coverage: GridCoverage | None = None
    for date, raster in (("before", greenness_before), ("after", greenness_after)):
        if raster is not None:
            _check_raster(raster, parcels, f"greenness_{date}", low=-1.0, high=1.0)
            coverage = _coverage_of(polygons, raster)
        columns |= _means(coverage if raster is not None else None, raster, len(parcels), date, min_known_share)
    columns["greenness_change"] = columns["greenness_after"] - columns["greenness_before"]
    columns["pixel_count"] = coverage.total_px if coverage is not None else np.full(len(parcels), np.nan)
    order = ["greenness_before", "greenness_after", "greenness_change"]
    names = [*order, *(name for name in columns if name not in order)]
    return pd.DataFrame({name: columns[name] for name in names}, index=parcels.index)


def _means(
    coverage: GridCoverage | None, raster: Raster | None, count: int, date: str, min_known_share: float
) -> dict[str, Floats]:
    """Mean, known, nodata and outside share of one date; all unknown without a raster."""
    if coverage is None or raster is None:
        unknown = np.full(count, np.nan)
        shares = dict.fromkeys((f"nodata_share_{date}", f"outside_share_{date}"), unknown)
        return {f"greenness_{date}": unknown, f"known_share_{date}": np.zeros(count)} | shares
    total, weight = zonal_sums(coverage, raster.values)
    known, nodata, outside = _shares(coverage, weight)
    return {
        f"greenness_{date}": _mean(total, weight, known >= min_known_share),
        f"known_share_{date}": known,
        f"nodata_share_{date}": nodata,
        f"outside_share_{date}": outside,
    }


def parcel_night_light(
    parcels: gpd.GeoDataFrame,
    night_light: Raster | None,
    night_light_before: Raster | None = None,
    *,
    min_known_share: float = 0.5,
) -> pd.DataFrame:
    """Mean brightness at night of each parcel, in the raster's own unit, and its change since an earlier date.

    Pixels of night light are often larger than parcels, so that a parcel shows its neighbours' light:
    pixel_count says how many pixels it fills. As :func:`parcel_greenness` otherwise: indexed and
    sorted by parcel_id, columns night_light, night_light_before, night_light_change_share (of the
    earlier brightness; unknown where that is 0 or unknown), known_share, nodata_share,
    outside_share, pixel_count (of the later raster). Weights of a shared grid are computed once.
    """
    found = _of_rasters(
        parcels,
        {"night_light": night_light, "night_light_before": night_light_before},
        min_known_share,
        low=0.0,
        high=np.inf,
    )
    later, before = found["night_light"], found["night_light_before"]["night_light_before"]
    later.insert(1, "night_light_before", before)
    later.insert(2, "night_light_change_share", later["night_light"] / before.where(before > 0.0) - 1.0)
    return later


def parcel_land_cover(
    parcels: gpd.GeoDataFrame,
    land_cover: Raster | None,
    *,
    bare_classes: tuple[int, ...] = (),
    min_known_share: float = 0.5,
) -> pd.DataFrame:
    """Share of each parcel that is bare ground, by exact pixel shares.

    ``bare_classes`` are the raster's codes of bare ground, which differ between products; without
    them the share is unknown. Indexed and sorted by parcel_id: bare_share, known_share,
    nodata_share, outside_share, pixel_count. Errors as in :func:`parcel_greenness`.
    """
    if land_cover is not None and bare_classes:
        bare = np.where(np.isnan(land_cover.values), np.nan, np.isin(land_cover.values, bare_classes))
        land_cover = Raster(values=bare.astype(np.float64), transform=land_cover.transform, crs=land_cover.crs)
    elif land_cover is not None:
        land_cover = None
    return _of_rasters(parcels, {"bare_share": land_cover}, min_known_share, low=0.0, high=1.0)["bare_share"]


def _of_rasters(
    parcels: gpd.GeoDataFrame, rasters: Mapping[str, Raster | None], min_known_share: float, *, low: float, high: float
) -> dict[str, pd.DataFrame]:
    """Mean of each raster in each parcel with its shares; unknown throughout without a raster."""
    require_metric(parcels=parcels)
    parcels = parcels.sort_index()
    polygons = np.asarray(parcels.geometry.to_numpy(), dtype=object)
    unknown = np.full(len(parcels), np.nan)
    found = {}
    for name, raster in rasters.items():
        columns = {name: unknown, "known_share": np.zeros(len(parcels))}
        columns |= dict.fromkeys(("nodata_share", "outside_share", "pixel_count"), unknown)
        if raster is not None:
            _check_raster(raster, parcels, name, low=low, high=high)
            coverage = _coverage_of(polygons, raster)
            total, weight = zonal_sums(coverage, raster.values)
            known, nodata, outside = _shares(coverage, weight)
            values = (_mean(total, weight, known >= min_known_share), known, nodata, outside, coverage.total_px)
            columns = dict(zip(columns, values, strict=True))
        found[name] = pd.DataFrame(columns, index=parcels.index)
    return found


def community_terrain(
    communities: gpd.GeoDataFrame, terrain: Raster | None, *, min_known_share: float = 0.5
) -> pd.DataFrame:
    """Height and steepness of each community's ground, for drains, ramps and slow paths.

    ``communities`` are polygons in one projected CRS in metres, ``terrain`` a raster of heights in m
    in the same CRS (its datum is named in its card and not changed here). Heights are unknown where
    less than ``min_known_share`` of a community has known pixels.

    Returns a DataFrame indexed and sorted by community_id: mean_height_m (weighted by the exact
    share of each pixel), lowest_m, highest_m (of pixels touched), relief_m, mean_slope_share (rise
    by run, central differences), known_share, nodata_share, outside_share. Without communities: no
    rows, the same columns. Raises CRSError for unlike CRS, DataError for a raster without any value
    or that meets no community. O(covered pixels).
    """
    require_metric(communities=communities)
    communities = communities.sort_index()
    count = len(communities)
    if terrain is None:
        columns = dict.fromkeys(_TERRAIN_COLUMNS, np.full(count, np.nan)) | {"known_share": np.zeros(count)}
        return pd.DataFrame(columns, index=communities.index)
    _check_raster(terrain, communities, "terrain", low=-500.0, high=9000.0)
    coverage = _coverage_of(np.asarray(communities.geometry.to_numpy(), dtype=object), terrain)
    total, weight = zonal_sums(coverage, terrain.values)
    known, nodata, outside = _shares(coverage, weight)
    enough = known >= min_known_share
    low, high = (np.where(enough, values, np.nan) for values in zonal_extremes(coverage, terrain.values))
    steep, steep_weight = zonal_sums(coverage, _slope(terrain))
    values = (
        _mean(total, weight, enough),
        low,
        high,
        high - low,
        _mean(steep, steep_weight, enough & (steep_weight > 0.0)),
        known,
        nodata,
        outside,
    )
    return pd.DataFrame(dict(zip(_TERRAIN_COLUMNS, values, strict=True)), index=communities.index)


_TERRAIN_COLUMNS = (
    "mean_height_m",
    "lowest_m",
    "highest_m",
    "relief_m",
    "mean_slope_share",
    "known_share",
    "nodata_share",
    "outside_share",
)


def _slope(terrain: Raster) -> Floats:
    """Rise by run of every pixel, from central differences; NaN beside unknown heights.

    A raster one pixel wide has no slope in that direction.
    """
    values = terrain.values.astype(np.float64)
    by_row, by_column = (
        np.gradient(values, axis=axis) if values.shape[axis] > 1 else np.zeros_like(values) for axis in (0, 1)
    )
    inverse = ~terrain.transform  # d column / d x and so on
    slope = np.hypot(inverse.a * by_column + inverse.d * by_row, inverse.b * by_column + inverse.e * by_row)
    return np.asarray(slope, np.float64)


@dataclass(frozen=True)
class _OnGrid:
    """Polygons on a grid, equal to others by their content: what weights are remembered by.

    ``digest`` is that of the polygons' WKB, so that polygons read twice, or in another step, are known again.
    """

    digest: bytes
    transform: tuple[float, ...]
    height: int
    width: int
    polygons: NDArray[np.object_] = field(compare=False, repr=False)

    @classmethod
    def of(cls, polygons: NDArray[np.object_], raster: Raster) -> _OnGrid:
        digest = hashlib.sha256()
        for wkb in shapely.to_wkb(polygons):
            digest.update(wkb or b"\0")
        height, width = raster.values.shape
        return cls(digest.digest(), tuple(raster.transform)[:6], height, width, polygons)


# Two: the pipeline's steps go over the same parcels on the grids of two products by turns.
@lru_cache(maxsize=2)
def _weights_of(place: _OnGrid) -> GridCoverage:
    return grid_coverage(place.polygons, transform=Affine(*place.transform), height=place.height, width=place.width)


def _coverage_of(polygons: NDArray[np.object_], raster: Raster) -> GridCoverage:
    """The weights of the polygons on the raster's grid: computed once, for every raster, year and step."""
    return _weights_of(_OnGrid.of(polygons, raster))


def _shares(coverage: GridCoverage, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares of each polygon with a known value, without one, and beyond the raster's edge."""
    total = np.where(coverage.total_px > 0.0, coverage.total_px, np.nan)
    inside = np.minimum(coverage.inside_px, coverage.total_px) / total
    known = np.clip(weight / total, 0.0, inside)
    return known, inside - known, 1.0 - inside


def _mean(total: Floats, weight: Floats, enough: NDArray[np.bool_]) -> Floats:
    mean = np.full(len(total), np.nan)
    return np.asarray(np.divide(total, weight, out=mean, where=enough & (weight > 0.0)), np.float64)


def _check_raster(raster: Raster, polygons: gpd.GeoDataFrame, name: str, *, low: float, high: float) -> None:
    """Refuse a raster in another CRS, without values, out of range, or elsewhere."""
    if not CRS(polygons.crs).equals(raster.crs, ignore_axis_order=True):
        raise CRSError(
            f"栅格 {name} 的坐标系是 {raster.crs.to_string()}，面图层是 {CRS(polygons.crs).to_string()}；"
            "请先把栅格转换到项目坐标系。",
            f"Raster {name} is in {raster.crs.to_string()}, the polygons in {CRS(polygons.crs).to_string()}; "
            "bring the raster to the project CRS first.",
        )
    known = raster.values[~np.isnan(raster.values)]
    if known.size == 0:
        raise _bad_raster("栅格全部为无数据值。", "Every pixel of the raster is nodata.", name)
    if known.min() < low or known.max() > high:
        raise _bad_raster(
            f"栅格取值 {known.min():g} 至 {known.max():g} 超出 {low:g} 至 {high:g}；请核对缩放系数和无数据值。",
            f"The raster holds {known.min():g} to {known.max():g}, outside {low:g} to {high:g}; "
            "check its scale factor and nodata value.",
            name,
        )
    height, width = raster.values.shape
    corners = _moved(raster.transform, np.array([0.0, width, 0.0, width]), np.array([0.0, 0.0, height, height]))
    frame = shapely.MultiPoint(np.column_stack(corners)).envelope
    if len(polygons) and not shapely.intersects(frame, shapely.box(*polygons.total_bounds)):
        raise _bad_raster(
            f"栅格范围 {frame.bounds} 与面图层范围 {tuple(polygons.total_bounds)} 不相交；可能是另一城市的数据。",
            f"The raster's extent {frame.bounds} does not meet the polygons' {tuple(polygons.total_bounds)}; "
            "it may be another city's.",
            name,
        )


def _moved(transform: Affine, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Written out, for arrays, and because Affine's operator for it changed between its versions."""
    return transform.a * x + transform.b * y + transform.c, transform.d * x + transform.e * y + transform.f


def _bad_raster(zh: str, en: str, name: str = "raster") -> DataError:
    return DataError([Finding(severity="error", code="bad_raster", layer=name, text=Text(zh, en))])
