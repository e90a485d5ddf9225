"""Values of a raster inside polygons, weighted by the exact share of each pixel covered.

The weights of a grid are computed once (:mod:`gis_renovation.rasters.grid`); another raster on that grid costs
little more than reading it.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray

from gis_renovation.arrays import Flags, Floats, Ints
from gis_renovation.rasters.grid import GridCoverage, Pixels, Raster, bad_raster, grid_coverage


def zonal_sums(coverage: GridCoverage, values: Pixels) -> tuple[Floats, Floats]:
    """Weighted sum of known values in each polygon, and the weight of known pixels, both in pixels.

    ``values`` has the coverage's height and width, NaN where unknown. O(pixels in the rows used +
    rim pixels).
    """
    if values.shape != (coverage.height, coverage.width):
        raise bad_raster(
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


def _run_sums(coverage: GridCoverage, values: Pixels) -> tuple[Floats, Floats]:
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


def zonal_extremes(coverage: GridCoverage, values: Pixels) -> tuple[Floats, Floats]:
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


def coverage_of(polygons: NDArray[np.object_], raster: Raster) -> GridCoverage:
    """The weights of the polygons on the raster's grid: computed once, for every raster, year and step."""
    return _weights_of(_OnGrid.of(polygons, raster))


def shares(coverage: GridCoverage, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares of each polygon with a known value, without one, and beyond the raster's edge."""
    total = np.where(coverage.total_px > 0.0, coverage.total_px, np.nan)
    inside = np.minimum(coverage.inside_px, coverage.total_px) / total
    known = np.clip(weight / total, 0.0, inside)
    return known, inside - known, 1.0 - inside


def mean(total: Floats, weight: Floats, enough: Flags) -> Floats:
    """Weighted mean of each polygon; NaN where not enough of it is known, or nothing."""
    unknown = np.full(len(total), np.nan)
    return np.asarray(np.divide(total, weight, out=unknown, where=enough & (weight > 0.0)), np.float64)
