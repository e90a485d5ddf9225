"""What rasters say of parcels and communities: greenness, light at night, bare ground, heights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis_renovation.arrays import Floats
from gis_renovation.crs import require_metric
from gis_renovation.errors import CRSError, GisRenovationError
from gis_renovation.ids import sorted_by_id
from gis_renovation.rasters.grid import GridCoverage, Raster, bad_raster, moved
from gis_renovation.rasters.zonal import coverage_of, mean, shares, zonal_extremes, zonal_sums

if TYPE_CHECKING:
    import geopandas as gpd


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
        Polygons indexed by parcel_id (a default index counts as ids "0", "1", ...), in one projected CRS in metres.
    greenness_before, greenness_after
        Rasters in that CRS; ``None`` is a date without data. If both share one grid, the pixel
        weights are computed once.
    min_known_share
        A mean is unknown where less than this share of the parcel has known pixels.

    Returns
    -------
    pandas.DataFrame
        Layer ``parcel_greenness``, indexed and sorted by parcel_id: greenness_before, greenness_after,
        greenness_change (NaN = unknown), known_share_before, known_share_after (share of the parcel's area with
        known pixels), nodata_share_before, nodata_share_after (on the grid, but without a value),
        outside_share_before, outside_share_after (beyond the edge of the raster) and pixel_count (the parcel's
        area in pixels of the later raster). Without parcels: no rows, the same columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        A raster without any value, outside -1..1, or that meets no parcel; ids missing, repeated, or forgotten
        in a column.

    Notes
    -----
    O(boundary length in pixels + pixels of the rows used).

    Examples
    --------
    A parcel over one pixel of 10 m and half of the next:

    >>> import geopandas as gpd
    >>> from affine import Affine
    >>> from shapely import box
    >>> parcel = gpd.GeoDataFrame(geometry=[box(0, 0, 15, 10)], index=["P"], crs="EPSG:4548")
    >>> place = {"transform": Affine(10, 0, 0, 0, -10, 10), "crs": CRS("EPSG:4548")}
    >>> before, after = (Raster(np.array([pair]), **place) for pair in ([0.2, 0.2], [0.2, 0.8]))
    >>> parcel_greenness(parcel, before, after)[["greenness_before", "greenness_after", "pixel_count"]]
       greenness_before  greenness_after  pixel_count
    P               0.2              0.4          1.5
    """
    require_metric(parcels=parcels)
    parcels = sorted_by_id(parcels, "parcels")
    polygons = np.asarray(parcels.geometry.to_numpy(), dtype=object)
    columns: dict[str, Floats] = {}
    coverage: GridCoverage | None = None
    for date, raster in (("before", greenness_before), ("after", greenness_after)):
        if raster is not None:
            _require_fit(raster, parcels, f"greenness_{date}")
            coverage = coverage_of(polygons, raster)
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
        unmeasured = dict.fromkeys((f"nodata_share_{date}", f"outside_share_{date}"), unknown)
        return {f"greenness_{date}": unknown, f"known_share_{date}": np.zeros(count)} | unmeasured
    total, weight = zonal_sums(coverage, raster.values)
    known, nodata, outside = shares(coverage, weight)
    return {
        f"greenness_{date}": mean(total, weight, known >= min_known_share),
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
    pixel_count says how many pixels it fills.

    Parameters
    ----------
    parcels, min_known_share
        As for :func:`parcel_greenness`.
    night_light, night_light_before
        Rasters in the CRS of the parcels, 0 or more; ``None`` is a date without data. Weights of a shared grid are
        computed once.

    Returns
    -------
    pandas.DataFrame
        Layer ``parcel_night_light``, indexed and sorted by parcel_id: night_light, night_light_before,
        night_light_change_share (of the earlier brightness; unknown where that is 0 or unknown), known_share,
        nodata_share, outside_share, pixel_count (of the later raster). Without parcels: no rows, the same columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        A raster without any value, below 0, or that meets no parcel; ids missing, repeated, or forgotten in a
        column.

    Notes
    -----
    O(boundary length in pixels + pixels of the rows used).

    Examples
    --------
    A parcel over half of one pixel and half of the next, which has gone dark:

    >>> import geopandas as gpd
    >>> from affine import Affine
    >>> from shapely import box
    >>> parcel = gpd.GeoDataFrame(geometry=[box(5, 0, 15, 10)], index=["P"], crs="EPSG:4548")
    >>> place = {"transform": Affine(10, 0, 0, 0, -10, 10), "crs": CRS("EPSG:4548")}
    >>> before, now = (Raster(np.array([pair]), **place) for pair in ([8.0, 8.0], [8.0, 0.0]))
    >>> parcel_night_light(parcel, now, before)[["night_light", "night_light_change_share"]]
       night_light  night_light_change_share
    P          4.0                      -0.5
    """
    found = _of_rasters(
        parcels,
        {"night_light": night_light, "night_light_before": night_light_before},
        min_known_share,
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

    Parameters
    ----------
    parcels, min_known_share
        As for :func:`parcel_greenness`.
    land_cover
        Raster of class codes in the CRS of the parcels; ``None``: unknown.
    bare_classes
        The raster's codes of bare ground, which differ between products; without them the share is unknown.

    Returns
    -------
    pandas.DataFrame
        Layer ``parcel_land_cover``, indexed and sorted by parcel_id: bare_share, known_share, nodata_share,
        outside_share, pixel_count. Without parcels: no rows, the same columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        A raster without any value or that meets no parcel; ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(boundary length in pixels + pixels of the rows used).

    Examples
    --------
    A parcel over one pixel of class 60 (bare) and half a pixel of class 50 (built):

    >>> import geopandas as gpd
    >>> from affine import Affine
    >>> from shapely import box
    >>> parcel = gpd.GeoDataFrame(geometry=[box(0, 0, 15, 10)], index=["P"], crs="EPSG:4548")
    >>> codes = Raster(np.array([[60.0, 50.0]]), Affine(10, 0, 0, 0, -10, 10), CRS("EPSG:4548"))
    >>> parcel_land_cover(parcel, codes, bare_classes=(60,))[["bare_share", "known_share"]].round(3)
       bare_share  known_share
    P       0.667          1.0
    """
    if land_cover is not None and bare_classes:
        bare = np.where(np.isnan(land_cover.values), np.nan, np.isin(land_cover.values, bare_classes))
        land_cover = Raster(values=bare.astype(np.float64), transform=land_cover.transform, crs=land_cover.crs)
    elif land_cover is not None:
        land_cover = None
    return _of_rasters(parcels, {"bare_share": land_cover}, min_known_share)["bare_share"]


def _of_rasters(
    parcels: gpd.GeoDataFrame, rasters: Mapping[str, Raster | None], min_known_share: float
) -> dict[str, pd.DataFrame]:
    """Mean of each raster in each parcel with its shares; unknown throughout without a raster."""
    require_metric(parcels=parcels)
    parcels = sorted_by_id(parcels, "parcels")
    polygons = np.asarray(parcels.geometry.to_numpy(), dtype=object)
    unknown = np.full(len(parcels), np.nan)
    found = {}
    for name, raster in rasters.items():
        columns = {name: unknown, "known_share": np.zeros(len(parcels))}
        columns |= dict.fromkeys(("nodata_share", "outside_share", "pixel_count"), unknown)
        if raster is not None:
            _require_fit(raster, parcels, name)
            coverage = coverage_of(polygons, raster)
            total, weight = zonal_sums(coverage, raster.values)
            known, nodata, outside = shares(coverage, weight)
            values = (mean(total, weight, known >= min_known_share), known, nodata, outside, coverage.total_px)
            columns = dict(zip(columns, values, strict=True))
        found[name] = pd.DataFrame(columns, index=parcels.index)
    return found


def community_terrain(
    communities: gpd.GeoDataFrame, terrain: Raster | None, *, min_known_share: float = 0.5
) -> pd.DataFrame:
    """Height and steepness of each community's ground, for drains, ramps and slow paths.

    Parameters
    ----------
    communities
        Polygons indexed by community_id (a default index counts as ids "0", "1", ...), in one projected CRS in
        metres.
    terrain
        Raster of heights in m in the same CRS (its datum is named in its card and not changed here); ``None``:
        unknown.
    min_known_share
        Heights are unknown where less than this share of a community has known pixels.

    Returns
    -------
    pandas.DataFrame
        Layer ``community_terrain``, indexed and sorted by community_id: mean_height_m (weighted by the exact
        share of each pixel), lowest_m, highest_m (of pixels touched), relief_m, mean_slope_share (rise by run,
        central differences), known_share, nodata_share, outside_share. Without communities: no rows, the same
        columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        A raster without any value or that meets no community; ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(covered pixels).

    Examples
    --------
    Ground that rises 1 m over each pixel of 10 m:

    >>> import geopandas as gpd
    >>> from affine import Affine
    >>> from shapely import box
    >>> home = gpd.GeoDataFrame(geometry=[box(0, 0, 30, 10)], index=["A"], crs="EPSG:4548")
    >>> heights = Raster(np.array([[20.0, 21.0, 22.0]]), Affine(10, 0, 0, 0, -10, 10), CRS("EPSG:4548"))
    >>> community_terrain(home, heights)[["mean_height_m", "relief_m", "mean_slope_share"]]
       mean_height_m  relief_m  mean_slope_share
    A           21.0       2.0               0.1
    """
    require_metric(communities=communities)
    communities = sorted_by_id(communities, "communities")
    count = len(communities)
    if terrain is None:
        columns = dict.fromkeys(_TERRAIN_COLUMNS, np.full(count, np.nan)) | {"known_share": np.zeros(count)}
        return pd.DataFrame(columns, index=communities.index)
    _require_fit(terrain, communities, "terrain")
    coverage = coverage_of(np.asarray(communities.geometry.to_numpy(), dtype=object), terrain)
    total, weight = zonal_sums(coverage, terrain.values)
    known, nodata, outside = shares(coverage, weight)
    enough = known >= min_known_share
    low, high = (np.where(enough, values, np.nan) for values in zonal_extremes(coverage, terrain.values))
    steep, steep_weight = zonal_sums(coverage, _slope(terrain))
    values = (
        mean(total, weight, enough),
        low,
        high,
        high - low,
        mean(steep, steep_weight, enough & (steep_weight > 0.0)),
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


# What values a raster of a layer may hold; others are a slip of scale or of nodata.
VALUE_RANGES: Mapping[str, tuple[float, float]] = {
    "terrain": (-500.0, 9000.0),
    "greenness_before": (-1.0, 1.0),
    "greenness_after": (-1.0, 1.0),
    "night_light": (0.0, np.inf),
    "night_light_before": (0.0, np.inf),
}


def raster_fault(raster: Raster, polygons: gpd.GeoDataFrame, name: str) -> GisRenovationError | None:
    """Why nothing can be measured with the raster of layer ``name`` in these polygons; None if it can.

    It is in another CRS, has no value at all or one out of range, or lies elsewhere. What the analyses of this
    package refuse is what this tells, so that one may ask before. O(pixels).
    """
    if not CRS(polygons.crs).equals(raster.crs, ignore_axis_order=True):
        return CRSError(
            f"栅格 {name} 的坐标系是 {raster.crs.to_string()}，面图层是 {CRS(polygons.crs).to_string()}；"
            "请先把栅格转换到项目坐标系。",
            f"Raster {name} is in {raster.crs.to_string()}, the polygons in {CRS(polygons.crs).to_string()}; "
            "bring the raster to the project CRS first.",
        )
    known = raster.values[~np.isnan(raster.values)]
    if known.size == 0:
        return bad_raster("栅格全部为无数据值。", "Every pixel of the raster is nodata.", name)
    low, high = VALUE_RANGES.get(name, (-np.inf, np.inf))
    if known.min() < low or known.max() > high:
        return bad_raster(
            f"栅格取值 {known.min():g} 至 {known.max():g} 超出 {low:g} 至 {high:g}；请核对缩放系数和无数据值。",
            f"The raster holds {known.min():g} to {known.max():g}, outside {low:g} to {high:g}; "
            "check its scale factor and nodata value.",
            name,
        )
    height, width = raster.values.shape
    corners = moved(raster.transform, np.array([0.0, width, 0.0, width]), np.array([0.0, 0.0, height, height]))
    frame = shapely.MultiPoint(np.column_stack(corners)).envelope
    if len(polygons) and not shapely.intersects(frame, shapely.box(*polygons.total_bounds)):
        own, theirs = _extent(frame.bounds), _extent(polygons.total_bounds)
        return bad_raster(
            f"栅格范围 {own} 与面图层范围 {theirs} 不相交；可能是另一城市的数据。",
            f"The raster's extent {own} does not meet the polygons' {theirs}; it may be another city's.",
            name,
        )
    return None


def _extent(bounds: Iterable[float]) -> str:
    """Left, bottom, right, top for people, to the metre."""
    return "(" + ", ".join(f"{value:.0f}" for value in bounds) + ")"


def _require_fit(raster: Raster, polygons: gpd.GeoDataFrame, name: str) -> None:
    """Refuse a raster in another CRS, without values, out of range, or elsewhere."""
    fault = raster_fault(raster, polygons, name)
    if fault is not None:
        raise fault
