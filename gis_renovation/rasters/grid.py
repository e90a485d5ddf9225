"""Rasters as grids, and the exact share of each of their pixels that polygons cover.

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

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from gis_renovation.arrays import Floats, Ints
from gis_renovation.errors import CRSError, DataError, Finding
from gis_renovation.words import Text

# Values of one band; NaN is nodata.
Pixels = NDArray[np.floating[Any]]

# Below this a run's cover differs from 0 or 1 by rounding alone (pixel units).
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Raster:
    """One band: values with NaN for nodata, the affine transform from (column, row) to x, y, the CRS.

    Raises DataError if the values are not a two-dimensional array of numbers with at least one
    pixel, or the transform is not invertible; CRSError if the CRS is missing.
    """

    values: Pixels
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
            raise bad_raster(
                f"栅格应为二维浮点数组且至少有一个像元，现为 {self.values.dtype} {self.values.shape}。",
                f"A raster must be a two-dimensional float array, found {self.values.dtype} {self.values.shape}.",
            )
        if not np.isfinite(self.transform.determinant) or self.transform.determinant == 0.0:
            raise bad_raster(
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


class _Edges(NamedTuple):
    """Ring edges in pixels: the position of the polygon, where the edge starts, where it ends."""

    shape: Ints
    x0: Floats
    y0: Floats
    x1: Floats
    y1: Floats


def _cover_batch(
    polygons: NDArray[np.object_], first: int, *, transform: Affine, height: int, width: int
) -> tuple[NDArray[Any], ...]:
    """The arrays of a GridCoverage for some polygons, the first of which has position ``first``."""
    count = len(polygons)
    edges = _edges(polygons, transform)
    below = (edges.x0 + edges.x1) / 2.0 * (edges.y1 - edges.y0)
    total_px = np.abs(np.bincount(edges.shape, weights=below, minlength=count))
    shape, row, column, cover, area = _pixel_sums(_cut_at_grid(_clip(edges, height, width)), height, width)
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


def _edges(polygons: NDArray[np.object_], transform: Affine) -> _Edges:
    """Position of the polygon and end points of every ring edge in pixels, the inside on one known side."""
    parts, part_of = shapely.get_parts(shapely.orient_polygons(polygons), return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    xy, point_of = shapely.get_coordinates(rings, return_index=True)
    column, row = moved(~transform, xy[:, 0], xy[:, 1])
    if transform.determinant > 0.0:  # rows counted upwards: mirror, so that one sign rule holds below
        column, row, point_of = column[::-1], row[::-1], point_of[::-1]
    same = point_of[1:] == point_of[:-1]
    shape = part_of[ring_of[point_of[1:][same]]].astype(np.int64)
    return _Edges(shape, column[:-1][same], row[:-1][same], column[1:][same], row[1:][same])


def _clip(edges: _Edges, height: int, width: int) -> _Edges:
    """Edges cut to the grid's rows; what lies left of it becomes upright at -0.5, what lies right goes.

    An edge right of the grid covers none of its pixels; one left of it covers all pixels of its rows
    whatever its column.
    """
    shape, x0, y0, x1, y1 = edges
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
    return _Edges(shape[keep], x0[keep], y0[keep], x1[keep], y1[keep])


def _cut_at_grid(edges: _Edges) -> _Edges:
    """Edges cut wherever they cross a column or row line, so that each piece lies in one pixel."""
    shape, x0, y0, x1, y1 = edges
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
    return _Edges(shape[edge], x_from, y_from, x0[edge] + until * dx, y0[edge] + until * dy)


def _pixel_sums(edges: _Edges, height: int, width: int) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Per polygon and pixel touched, sorted: the height its pieces span and the area right of them."""
    shape, x0, y0, x1, y1 = edges
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


def moved(transform: Affine, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Written out, for arrays, and because Affine's operator for it changed between its versions."""
    return transform.a * x + transform.b * y + transform.c, transform.d * x + transform.e * y + transform.f


def bad_raster(zh: str, en: str, name: str = "raster") -> DataError:
    """The error that says why a raster cannot be used."""
    return DataError([Finding(severity="error", code="bad_raster", layer=name, text=Text(zh, en))])
