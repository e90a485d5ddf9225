"""What coordinates look like: numbers that name their grid, points moved between grids, centres and extents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from gis_renovation.arrays import Flags, Floats
from gis_renovation.words import Text

if TYPE_CHECKING:
    import geopandas as gpd


# What the numbers of China's places look like (docs/methods.md, 1).
LON, LAT = (73.0, 136.0), (3.0, 54.0)
_NORTHING = (300_000.0, 6_100_000.0)
_EASTING = (100_000.0, 900_000.0)
ZONES_3, ZONES_6 = (25, 45), (13, 23)


def likely_crs(points: Floats, *, project_crs: str = "") -> list[tuple[str, Text]]:
    """CRSs that numbers like these are usually in, best first; empty when nothing fits.

    ``points`` is (n, 2), x first. A zone number in front tells 3° from 6° zones; without one the
    central meridian cannot be known, so the project's own CRS is offered if it is such a grid. The
    datum is never seen in the numbers: CGCS2000 is offered because it is the one in force.
    """
    if not len(points):
        return []
    x, y = (float(v) for v in np.median(points, axis=0))
    swap = looks_swapped(x, y)
    if swap:
        x, y = y, x
    note = Text("；两列次序是先北后东", "; northing comes first") if swap else Text("", "")
    code, why = _named_grid(x, y, project_crs)
    return [(code, Text(why.zh + note.zh, why.en + note.en))] if code else []


_EPSG = re.compile(r"EPSG\s*[:：_\-]?\s*(\d{4,6})(?!\d)", re.IGNORECASE)


def crs_in_headers(headers: Iterable[str]) -> tuple[str, str] | None:
    """The CRS that a table's headers state, such as ``WKT（EPSG:4548）``, and the header; None if they say none.

    A code that does not exist, or two different ones, says nothing.
    """
    found: dict[str, str] = {}
    for header in headers:
        for number in _EPSG.findall(unicodedata.normalize("NFKC", header)):
            found.setdefault(f"EPSG:{number}", header)
    if len(found) != 1:
        return None
    code, header = next(iter(found.items()))
    try:
        CRS.from_user_input(code)
    except CRSError:
        return None
    return code, header


def without_crs(header: str) -> str:
    """A header without the brackets in which it states a CRS."""
    plain = unicodedata.normalize("NFKC", header)
    return re.sub(r"\s*[(\[][^()\[\]]*EPSG[^()\[\]]*[)\]]", "", plain, flags=re.IGNORECASE)


def _named_grid(x: float, y: float, project_crs: str) -> tuple[str, Text]:
    zone, rest = divmod(x, 1e6)
    if between(x, LON) and between(y, LAT):
        zh = "经纬度；若来自高德、百度地图，请再写 datum"
        return "EPSG:4490", Text(zh, "degrees; if from Amap or Baidu, write datum too")
    if abs(x) <= 180 and abs(y) <= 90:
        return "EPSG:4326", Text("经纬度，不在中国", "degrees, outside China")
    if between(y, _NORTHING) and between(rest, _EASTING):
        if between(zone, ZONES_3):
            return f"EPSG:{4513 + int(zone) - 25}", Text(f"三度带，带号 {int(zone)}", f"3-degree zone {int(zone)}")
        if between(zone, ZONES_6):
            return f"EPSG:{4491 + int(zone) - 13}", Text(f"六度带，带号 {int(zone)}", f"6-degree zone {int(zone)}")
        if zone == 0 and project_crs:
            zh = "没有带号，看不出中央经线，按项目坐标系"
            return project_crs, Text(zh, "no zone number, so the central meridian is the project's")
    return "", Text("", "")


def looks_swapped(x: float, y: float) -> bool:
    """Whether x holds what is a northing or latitude in China and y what is an easting or longitude."""
    if abs(x) <= 180 and abs(y) <= 180:
        return between(x, LAT) and between(y, LON) and not (between(x, LON) and between(y, LAT))
    zone, rest = divmod(y, 1e6)
    prefixed = between(zone, ZONES_3) or between(zone, ZONES_6)
    return x > 1_000_000 and between(x, _NORTHING) and between(rest, _EASTING) and (zone == 0 or prefixed)


def between(value: float, bounds: tuple[float, float]) -> bool:
    """Whether a value lies within bounds, both included."""
    return bounds[0] <= value <= bounds[1]


def moved_into(xy: Floats, source: CRS, target: CRS) -> Floats:
    """Coordinates in ``target``; what cannot be there becomes NaN."""
    if source.equals(target, ignore_axis_order=True):
        return np.asarray(xy, float)
    x, y = Transformer.from_crs(source, target, always_xy=True).transform(xy[:, 0], xy[:, 1])
    out = np.column_stack([x, y]).astype(float)
    out[~np.isfinite(out).all(axis=1)] = np.nan
    return out


def crs_code(crs: CRS) -> str:
    """What people call a CRS: its code, or its name where it has none."""
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.name)


def centres_of(layer: gpd.GeoDataFrame) -> Floats:
    """The middle of each feature's bounds, (n, 2); NaN without a shape."""
    bounds = shapely.bounds(layer.geometry.to_numpy())
    return np.column_stack([(bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2])


def within(points: Floats, extent: Floats) -> Flags:
    """Which points lie in an extent of left, bottom, right, top."""
    with np.errstate(invalid="ignore"):
        inside = (points >= extent[:2]) & (points <= extent[2:])
    return np.asarray(inside.all(axis=1))


def finite_centres(layer: gpd.GeoDataFrame) -> Floats:
    """The centres of the features that have one."""
    centres = centres_of(layer)
    return centres[np.isfinite(centres).all(axis=1)]


Move = Callable[[Floats], Floats]


TRUSTED_LAYERS = ("reporting_units", "communities")
