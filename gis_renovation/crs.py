"""Which coordinate system a measurement may use, and the only place that reprojects.

Analyses call :func:`require_metric` as line one and then trust their numbers. Chinese display
offsets (GCJ-02, BD-09) are undone here with the iterative inverse, and only when a card asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError as ProjCRSError
from pyproj.exceptions import ProjError

from gis_renovation.arrays import Floats, Positions
from gis_renovation.errors import CRSError
from gis_renovation.words import NO_TEXT, Text

if TYPE_CHECKING:
    import geopandas as gpd


# Datums for which PROJ's database holds no real transformation to CGCS2000 (docs/methods.md, 1): the
# numbers come back almost unchanged and look converted.
UNCONVERTIBLE_DATUMS = ("Beijing 1954", "Xian 1980", "New Beijing")

# Longitudes and latitudes in degrees moved by an offset.
Shift = Callable[[Floats, Floats], tuple[Floats, Floats]]

# Public constants of the GCJ-02 offset: Krasovsky 1940 semi-major axis and eccentricity squared.
_GCJ_A = 6378245.0
_GCJ_EE = 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0


class UnstatedCRSError(CRSError):
    """A raster that says no CRS, nor does its card; ``corners`` are the x and y of its four, (4, 2)."""

    def __init__(self, zh: str, en: str, corners: Floats) -> None:
        super().__init__(zh, en)
        self.corners = corners


def parse_crs(text: str | None, *, where: str) -> CRS:
    """A CRS from text such as ``EPSG:4548``; ``where`` names the file and key in the error."""
    if not text:
        raise CRSError(
            f'{where}：坐标系未知，不能用于分析。请写明，例如 crs = "EPSG:4490"（CGCS2000 经纬度）'
            f'或 "EPSG:4548"（CGCS2000 三度带，中央经线 117°）。',
            f'{where}: the CRS is unknown, so nothing can be measured. State it, for example crs = "EPSG:4490".',
        )
    try:
        return CRS.from_user_input(text)
    except ProjCRSError:
        raise CRSError(
            f"{where}：无法识别坐标系 {text!r}。请用 EPSG 代码，例如 EPSG:4548。",
            f"{where}: {text!r} is not a known CRS. Use an EPSG code such as EPSG:4548.",
        ) from None


def require_metric(**layers: gpd.GeoDataFrame | gpd.GeoSeries | None) -> CRS:
    """The one projected CRS in metres that all given layers share.

    Layers given as ``None`` are passed over. Raises CRSError naming every layer that has no CRS, a
    geographic one, one in another unit, Web Mercator (areas are 1.41 times too large at 32.6° N),
    or one that differs from the others. O(layers).
    """
    found = {name: layer.crs for name, layer in layers.items() if layer is not None}
    bad = {name: _label(crs) for name, crs in found.items() if not is_metric(crs)}
    distinct = {_label(crs) for crs in found.values()}
    if bad or len(distinct) > 1:
        shown = bad or {name: _label(crs) for name, crs in found.items()}
        why = {name: _unfit(found[name]) for name in shown}
        zh = "，".join(f"{name} 为 {label}{why[name].zh}" for name, label in sorted(shown.items()))
        en = ", ".join(f"{name}: {label}{why[name].en}" for name, label in sorted(shown.items()))
        raise CRSError(
            f"长度和面积需要同一个以米为单位的投影坐标系；现在 {zh}。"
            "请用 gdf.to_crs(...) 转换（没有坐标系的先用 gdf.set_crs(...) 写明原来的），"
            "或在 project.toml 设置 crs；CGCS2000 三度带如 EPSG:4548（中央经线 117°）。",
            f"Distances and areas need one projected CRS in metres; found {en}. "
            "Reproject with `gdf.to_crs(...)` (a frame without one: first `gdf.set_crs(...)` with what it is in), "
            "or set `crs` in project.toml; such as EPSG:4548, CGCS2000 with central meridian 117°.",
        )
    if not found:
        raise CRSError("没有可测量的图层。", "There is no layer to measure.")
    return CRS(next(iter(found.values())))


def _unfit(crs: CRS | None) -> Text:
    """Why a CRS is unfit to measure in, in brackets; nothing of one that only differs from the others."""
    if crs is None or is_metric(crs):
        return NO_TEXT
    if crs.is_geographic:
        return Text("（经纬度，单位为度）", " (degrees)")
    if crs.is_projected and all(axis.unit_name == "metre" for axis in crs.axis_info[:2]):
        return Text("（网络墨卡托，长度和面积都偏大）", " (Web Mercator: lengths and areas come out too large)")
    return Text("（单位不是米）", " (not in metres)")


def is_metric(crs: CRS | str | int | None) -> bool:
    """Whether lengths and areas may be measured in ``crs``: projected, in metres, not Web Mercator."""
    if crs is None:
        return False
    crs = CRS(crs)
    if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info[:2]):
        return False
    operation = crs.coordinate_operation
    return operation is None or "Pseudo" not in operation.method_name


def refuse_ballpark(source: CRS, target: CRS, *, where: str) -> None:
    """Raise CRSError when source and target differ by a datum PROJ cannot really convert."""
    names = [str(crs.datum.name) if crs.datum else "" for crs in (source, target)]
    for old in UNCONVERTIBLE_DATUMS:
        if (old in names[0]) != (old in names[1]):
            raise CRSError(
                f"{where}：{old} 与 CGCS2000 之间没有公开的转换参数，直接转换会偏差数十至上百米。"
                "请用控制点求四参数后再导入，或向数据提供单位索取 CGCS2000 成果。",
                f"{where}: there is no public transformation between {old} and CGCS2000; converting would be wrong "
                "by tens to hundreds of metres. Fit four parameters from control points, or ask for CGCS2000 data.",
            )


def reproject(frame: gpd.GeoDataFrame, target: CRS, *, where: str) -> gpd.GeoDataFrame:
    """``frame`` in ``target``; the only reprojection of a run.

    Raises CRSError for a frame without CRS, a datum pair without a real transformation, or
    coordinates that do not survive (infinite after projecting). Returns a new frame. O(vertices).
    """
    import shapely

    if frame.crs is None:
        parse_crs(None, where=where)
    source = CRS(frame.crs)
    refuse_ballpark(source, target, where=where)
    if source.equals(target, ignore_axis_order=True):
        return frame.set_crs(target, allow_override=True)
    try:
        moved = frame.to_crs(target)
    except ProjError:
        raise CRSError(
            f"{where}：坐标系 {_label(source)} 的参数有误（如比例因子为 0），不能转换；请向提供单位索取正确的坐标系，"
            "写进来源卡的 crs，并加一行 replace_crs = true。",
            f"{where}: the CRS {_label(source)} has impossible parameters, such as a scale of 0, and nothing can be "
            "converted from it. Ask for the right one, write it as crs in the card, and add replace_crs = true.",
        ) from None
    present = ~(shapely.is_missing(frame.geometry.to_numpy()) | shapely.is_empty(frame.geometry.to_numpy()))
    with np.errstate(invalid="ignore"):
        was_finite = np.isfinite(shapely.bounds(frame.geometry.to_numpy())).all(axis=1)
        lost = present & was_finite & ~np.isfinite(shapely.bounds(moved.geometry.to_numpy())).all(axis=1)
    if lost.any():
        raise CRSError(
            f"{where}：{int(lost.sum())} 个要素的坐标不在 {_label(source)} 的有效范围内，无法投影到 {_label(target)}；"
            "坐标系可能写错，或 X/Y 颠倒。",
            f"{where}: {int(lost.sum())} features lie outside what {_label(source)} allows and cannot be projected "
            f"to {_label(target)}; the CRS may be wrong or the axes swapped.",
        )
    return moved


def same_crs(one: CRS | str | int, other: CRS | str | int) -> bool:
    """Whether two CRSs put the same numbers in the same place, whatever they are called.

    CGCS2000 and WGS-84 count as the same datum (metre level), other datums by name. Old
    software writes projections in its own words, so numbers decide: five points must agree to 1 mm. A projection
    with impossible numbers, such as a scale of 0, is like no other.
    """
    one, other = CRS(one), CRS(other)
    if one.equals(other, ignore_axis_order=True):
        return True
    if one.is_geographic != other.is_geographic or _datum(one) != _datum(other):
        return False
    if one.is_geographic:
        return True
    steps = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    lon, lat = _central_meridian(one) + steps, 32.0 + steps
    try:
        places = [
            np.column_stack(Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True).transform(lon, lat))
            for crs in (one, other)
        ]
    except ProjError:
        return False
    with np.errstate(invalid="ignore"):
        return bool((np.abs(places[0] - places[1]) < 1e-3).all())


def _datum(crs: CRS) -> str:
    """A datum's name without its spelling: Esri writes D_China_2000, EPSG “China 2000”."""
    name = crs.geodetic_crs.datum.name if crs.geodetic_crs and crs.geodetic_crs.datum else ""
    letters = "".join(c for c in name.lower().removeprefix("d_") if c.isalnum())
    like_wgs84 = ("china2000", "cgcs2000", "chinageodetic", "wgs84", "wgs1984", "worldgeodeticsystem1984")
    return "wgs84" if letters.startswith(like_wgs84) else letters


def _central_meridian(crs: CRS) -> float:
    operation = crs.coordinate_operation
    named = {p.name: p.value for p in operation.params} if operation else {}
    return float(next((v for k, v in named.items() if k.startswith("Longitude of")), 117.0))


@dataclass(frozen=True)
class FourParameters:
    """A plane similarity: x' = dx + a x - b y, y' = dy + b x + a y, with what it leaves at the control points."""

    dx_m: float
    dy_m: float
    a: float
    b: float
    origin: tuple[float, float]
    residuals_m: tuple[float, ...]

    @property
    def points(self) -> int:
        """How many control points it was fitted to."""
        return len(self.residuals_m)

    @property
    def scale(self) -> float:
        """Length after by length before."""
        return float(np.hypot(self.a, self.b))

    @property
    def rotation_seconds(self) -> float:
        """Rotation in seconds of arc, counter-clockwise."""
        return float(np.degrees(np.arctan2(self.b, self.a)) * 3600)

    @property
    def rmse_m(self) -> float:
        """Root mean square of the residuals."""
        return float(np.sqrt(np.mean(np.square(self.residuals_m))))

    @property
    def largest_residual_m(self) -> float:
        """The residual of the worst point."""
        return float(max(self.residuals_m))

    def apply(self, xy: Floats) -> Floats:
        """Coordinates (n, 2) moved."""
        x, y = (np.asarray(xy, float) - self.origin).T
        return np.column_stack([self.dx_m + self.a * x - self.b * y, self.dy_m + self.b * x + self.a * y])

    def record(self) -> dict[str, Any]:
        """The parameters and residuals, for the manifest."""
        return {
            "points": self.points,
            "dx_m": self.dx_m,
            "dy_m": self.dy_m,
            "origin": list(self.origin),
            "scale": self.scale,
            "rotation_seconds": self.rotation_seconds,
            "rmse_m": self.rmse_m,
            "residuals_m": list(self.residuals_m),
        }


def fit_four_parameters(from_x: Floats, from_y: Floats, to_x: Floats, to_y: Floats, *, where: str) -> FourParameters:
    """Shift, rotation and scale by least squares from points known in both grids. Metres; two points at least.

    Raises CRSError for fewer than two distinct points, unknown coordinates, or a scale more than 1 % from
    one (grids of one country differ by parts in 10,000: the points are mixed up or in other units).
    """
    old = np.column_stack([np.asarray(from_x, float), np.asarray(from_y, float)])
    new = np.column_stack([np.asarray(to_x, float), np.asarray(to_y, float)])
    if not (np.isfinite(old).all() and np.isfinite(new).all()) or len(np.unique(old, axis=0)) < 2:
        raise CRSError(
            f"{where}：控制点至少要两个不同的点，且坐标都要填全。",
            f"{where}: control points need at least two different points, with all coordinates filled in.",
        )
    origin = old.mean(axis=0)
    x, y = (old - origin).T
    target = new.mean(axis=0)
    u, v = (new - target).T
    norm = float((x * x + y * y).sum())
    a, b = float((x * u + y * v).sum()) / norm, float((x * v - y * u).sum()) / norm
    fit = FourParameters(float(target[0]), float(target[1]), a, b, (float(origin[0]), float(origin[1])), ())
    residuals = np.hypot(*(fit.apply(old) - new).T)
    if abs(fit.scale - 1) > 0.01:
        raise CRSError(
            f"{where}：由控制点求得的尺度为 {fit.scale:.6f}，明显不对；"
            "请检查 X/Y 是否颠倒、点号是否对应、单位是否为米。",
            f"{where}: the control points give a scale of {fit.scale:.6f}; check swapped axes, point order and units.",
        )
    return replace(fit, residuals_m=tuple(float(r) for r in residuals))


# Up to this length an edge's great circle and geodesic enclose less than 1e-3 m²; longer ones go through pyproj.
_SHORT_EDGE_M = 300.0
_CGCS2000 = Geod(a=6378137.0, rf=298.257222101)


def geodesic_area_m2(layer: gpd.GeoDataFrame | gpd.GeoSeries) -> Floats:
    """Area in m² on the CGCS2000 ellipsoid (GRS 1980 axis; flattening 1/298.257222101), one a row.

    Independent of the projection; unknown geometry gives NaN. Edges are geodesics between the
    vertices: the excess of great-circle edges on the sphere of equal area (authalic latitude; J. P. Snyder,
    Map Projections: A Working Manual, USGS 1987, p. 16), which is that of the ellipsoid within 4e-8
    where edges are short; rings with an edge beyond 300 m are measured by pyproj. O(vertices).
    """
    import shapely

    geometry = np.asarray(layer.geometry.to_crs("EPSG:4490").to_numpy(), dtype=object)
    parts, owner = shapely.get_parts(geometry, return_index=True)
    polygon = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part = shapely.get_rings(parts[polygon], return_index=True)
    sizes = _ring_areas(*shapely.get_coordinates(rings, return_index=True), len(rings))
    outer = np.diff(part, prepend=-1) != 0  # the first ring of each polygon; the others are holes
    signed = np.where(outer, sizes, -sizes)
    areas = np.bincount(owner[polygon][part], weights=signed, minlength=len(geometry)).astype(np.float64)
    areas[shapely.is_missing(geometry)] = np.nan
    return areas


def _ring_areas(degrees: Floats, ring: Positions, count: int) -> Floats:
    """Area of each closed ring of longitudes and latitudes in degrees."""
    lon, sine = np.radians(degrees[:, 0]), np.sin(np.radians(degrees[:, 1]))
    e = np.sqrt(_CGCS2000.es)

    def strip(sine: Floats | float) -> Any:
        return (1.0 - e * e) * (sine / (1.0 - (e * sine) ** 2) + np.arctanh(e * sine) / e)

    # Half the authalic latitude, as a tangent.
    authalic = np.clip(strip(sine) / strip(1.0), -1.0, 1.0)
    half = authalic / (1.0 + np.sqrt(1.0 - authalic**2))
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    turn = lon[edge + 1] - lon[edge]
    excess = 2.0 * np.arctan(np.tan(turn / 2.0) * (half[edge] + half[edge + 1]) / (1.0 + half[edge] * half[edge + 1]))
    areas = np.bincount(ring[edge], weights=excess, minlength=count) * _CGCS2000.a**2 * strip(1.0) / 2.0
    length = _CGCS2000.a * np.hypot(turn, np.radians(degrees[edge + 1, 1] - degrees[edge, 1]))
    for number in np.unique(ring[edge[length > _SHORT_EDGE_M]]):
        own = degrees[slice(*np.searchsorted(ring, (number, number + 1)))]
        areas[number] = _CGCS2000.polygon_area_perimeter(*np.ascontiguousarray(own.T))[0]
    return np.asarray(np.abs(areas))


# --- GCJ-02 and BD-09 -----------------------------------------------------------------------------


def wgs84_to_gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Longitude and latitude in degrees, shifted as Chinese consumer maps shift them (docs/methods.md, 1)."""
    x, y = np.asarray(lon, float) - 105.0, np.asarray(lat, float) - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    d_lat += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    d_lat += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    d_lon += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    d_lon += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = np.radians(lat)
    magic = 1.0 - _GCJ_EE * np.sin(phi) ** 2
    d_lat = np.degrees(d_lat / ((_GCJ_A * (1.0 - _GCJ_EE)) / (magic * np.sqrt(magic))))
    d_lon = np.degrees(d_lon / (_GCJ_A / np.sqrt(magic) * np.cos(phi)))
    return np.asarray(lon + d_lon), np.asarray(lat + d_lat)


def gcj02_to_bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """GCJ-02 degrees to BD-09 degrees."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def wgs84_to_bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """WGS-84 degrees to BD-09 degrees."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def gcj02_to_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """The iterative inverse of :func:`wgs84_to_gcj02`, to better than 1e-6 m."""
    return _invert(wgs84_to_gcj02, lon, lat)


def bd09_to_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """The iterative inverse of :func:`wgs84_to_bd09`, to better than 1e-6 m."""
    return _invert(wgs84_to_bd09, lon, lat)


def _invert(forward: Shift, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Fixed-point inverse; the offsets change slowly, so each round gains about two digits."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    x, y = lon.copy(), lat.copy()
    for _ in range(30):
        fx, fy = forward(x, y)
        dx, dy = lon - fx, lat - fy
        x, y = x + dx, y + dy
        if max(np.abs(dx).max(initial=0.0), np.abs(dy).max(initial=0.0)) < 1e-13:
            break
    return x, y


def _label(crs: CRS | str | int | None) -> str:
    if crs is None:
        return "未知/unknown"
    crs = CRS(crs)
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.name)
