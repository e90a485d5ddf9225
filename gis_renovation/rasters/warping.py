"""A raster brought into another CRS, by a way of resampling that somebody names."""

from __future__ import annotations

import numpy as np
from affine import Affine
from pyproj import CRS, Transformer

from gis_renovation.arrays import Floats
from gis_renovation.errors import CRSError
from gis_renovation.rasters.grid import Raster, moved

# So many points along each side of a grid say how far it reaches in another CRS.
_ALONG = 21


def warp_raster(raster: Raster, crs: CRS, how: str) -> Raster:
    """``raster`` on a north-up grid in ``crs`` with square pixels of about its own size.

    ``how`` is GDAL's word: ``nearest`` and ``mode`` keep values as they are and alone suit codes of classes;
    ``bilinear``, ``cubic`` and ``average`` mix neighbours and suit heights and indices. Pixels without a value stay
    without one and are not mixed into others. Raises CRSError for a raster that cannot be in ``crs``.
    O(pixels). By GDAL's warper.
    """
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    transform, rows, columns = _grid_in(raster, crs)
    values = np.full((rows, columns), np.nan)
    reproject(
        raster.values.astype(np.float64),
        values,
        src_transform=raster.transform,
        src_crs=raster.crs.to_wkt(),
        dst_transform=transform,
        dst_crs=crs.to_wkt(),
        src_nodata=np.nan,
        dst_nodata=np.nan,
        resampling=Resampling[how],
    )
    return Raster(values, transform, crs)


def _grid_in(raster: Raster, crs: CRS) -> tuple[Affine, int, int]:
    """The grid in ``crs`` that holds the whole raster: its transform, rows and columns."""
    height, width = raster.values.shape
    to = Transformer.from_crs(raster.crs, crs, always_xy=True)
    along, none = np.linspace(0.0, 1.0, _ALONG), np.zeros(_ALONG)
    across = np.concatenate([along, along, none, none + 1.0]) * width
    down = np.concatenate([none, none + 1.0, along, along]) * height
    x, y = _placed(to, raster.transform, across, down)
    middle = np.array([0.0, 1.0, 0.0]) + width // 2, np.array([0.0, 0.0, 1.0]) + height // 2
    (x0, x1, x2), (y0, y1, y2) = _placed(to, raster.transform, *middle)
    pixel = float(np.sqrt(abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))))
    if not np.isfinite([*x, *y, pixel]).all() or pixel == 0.0:
        own, wanted = raster.crs.to_string()[:80], crs.to_string()[:80]
        raise CRSError(
            f"栅格不能从 {own} 转换到 {wanted}；请核对它的坐标系。",
            f"The raster cannot be brought from {own} to {wanted}; check its CRS.",
        )
    rows, columns = (max(1, int(np.ceil(np.ptp(side) / pixel))) for side in (y, x))
    return Affine(pixel, 0.0, float(x.min()), 0.0, -pixel, float(y.max())), rows, columns


def _placed(to: Transformer, transform: Affine, across: Floats, down: Floats) -> tuple[Floats, Floats]:
    """Places of a grid, in pixels, as coordinates in the other CRS."""
    x, y = to.transform(*moved(transform, across, down))
    return np.asarray(x, np.float64), np.asarray(y, np.float64)
