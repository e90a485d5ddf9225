"""Boundary-point files of land surveys (界址点坐标 txt): a header of properties, then the rings, point by point.

In these files X is the northing and Y the easting; a parcel's rings are told apart by their ring number,
and each ring repeats its first point at the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Flags, Floats
from gis_renovation.errors import CRSError, FeatureRef, by_row
from gis_renovation.reading.formats.opening import Reading
from gis_renovation.reading.values import FileColumns

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_METRES = r"(-?(?:\d{1,12}(?:\.\d*)?|\.\d+)(?![\d.]))"
_POINT = re.compile(rf"^\s*([^,，\s]*)\s*[,，]\s*(-?\d{{1,9}})\s*[,，]\s*{_METRES}\s*[,，]\s*{_METRES}")
_SECTION = re.compile(r"^\s*\[(.+?)\]\s*$")
_PROPERTY = re.compile(r"^\s*([^=,]+?)\s*=\s*(.*?)\s*$")

# Columns of the line that opens a parcel, by the ministry's exchange format.
PARCEL_COLUMNS = ("界址点数", "地块面积", "地块编号", "地块名称", "图形属性", "图幅号", "地块用途")

_DATUMS = {
    "2000": "CGCS2000",
    "CGCS2000": "CGCS2000",
    "80": "Xian80",
    "1980": "Xian80",
    "西安": "Xian80",
    "54": "Beijing54",
    "北京": "Beijing54",
}


@dataclass
class Survey:
    """Parcels of a survey file: properties as strings, polygons, and the points that make no ring, by parcel."""

    header: dict[str, str]
    parcels: list[dict[str, str]] = field(default_factory=list)
    polygons: list[Any] = field(default_factory=list)
    broken: list[FeatureRef] = field(default_factory=list)
    lines_left: list[int] = field(default_factory=list)


def is_survey(text: str) -> bool:
    """Whether the text has survey points: at least three lines “J1,1,X,Y”."""
    return sum(bool(_POINT.match(line)) for line in text.splitlines()[:2000]) >= 3


def read_survey(text: str) -> Survey:
    """The parcels of a survey file as polygons with x = easting, y = northing. O(points).

    A ring of fewer than three different points is named in ``broken`` and its parcel keeps its other
    rings, or no geometry. Lines that are neither header, parcel nor point are numbered in ``lines_left``.
    """
    survey = Survey({})
    section, opened = "", False
    rings: dict[int, list[tuple[float, float]]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _SECTION.match(line):
            section = found.group(1)
        elif found := _POINT.match(line):
            if not opened:
                survey.parcels.append({})
            opened = True
            rings.setdefault(int(found.group(2)), []).append((float(found.group(4)), float(found.group(3))))
        elif line.rstrip().endswith("@") or (section == "地块坐标" and line.count(",") >= 4):
            _close(survey, rings, opened=opened)
            rings, opened = {}, True
            values = [part.strip() for part in line.rstrip().rstrip("@").split(",")]
            survey.parcels.append({k: v for k, v in zip(PARCEL_COLUMNS, values, strict=False) if v})
        elif found := _PROPERTY.match(line):
            survey.header[found.group(1)] = found.group(2)
        elif line.strip():
            survey.lines_left.append(number)
    _close(survey, rings, opened=opened)
    return survey


def stated_crs(header: dict[str, str]) -> str:
    """The EPSG code the header states, for CGCS2000; an empty string where it states none or another datum."""
    datum = next((name for key, name in _DATUMS.items() if key in header.get("坐标系", "")), "")
    degrees = re.sub(r"\D", "", header.get("几度分带", ""))
    zone = int(re.sub(r"\D", "", header.get("带号", ""))[:9] or 0)
    if datum != "CGCS2000":
        return ""
    if degrees == "3" and 25 <= zone <= 45:
        return f"EPSG:{4513 + zone - 25}"
    if degrees == "6" and 13 <= zone <= 23:
        return f"EPSG:{4491 + zone - 13}"
    return ""


def stated_datum(header: dict[str, str]) -> str:
    """``CGCS2000``, ``Xian80``, ``Beijing54`` or an empty string."""
    return next((name for key, name in _DATUMS.items() if key in header.get("坐标系", "")), "")


def _close(survey: Survey, rings: dict[int, list[tuple[float, float]]], *, opened: bool) -> None:
    """The rings gathered so far become the open parcel's geometry."""
    if not opened:
        return
    name = survey.parcels[-1].get("地块编号") or f"第{len(survey.parcels)}块"
    usable = []
    for number, points in sorted(rings.items()):
        if len(points) == 1 and any(points[0] == other[0] for n, other in rings.items() if n != number):
            continue  # the last point of another ring, which some programs number on
        for ring in _rings_of_one_number(points):
            if len(set(ring)) < 3:
                said = f"第{number}圈（{len(set(ring))} 个点）"
                survey.broken.append(FeatureRef(name, mark=" ", value=said))
                continue
            usable.append(np.array(ring))
    survey.polygons.append(_polygon(usable))


def _rings_of_one_number(points: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The rings among points of one number: each ends where its first point comes again."""
    found: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if len(found[-1]) > 3 and found[-1][-1] == found[-1][0]:
            found.append([])
        found[-1].append(point)
    return found


def _polygon(rings: list[NDArray[np.float64]]) -> Any:
    """Rings inside another are its holes; the rest are parts."""
    if not rings:
        return None
    shells = sorted((shapely.Polygon(ring) for ring in rings), key=lambda p: -p.area)
    parts: list[Any] = []
    for shell in shells:
        outer = next(
            (n for n, part in enumerate(parts) if part.is_valid and shell.is_valid and part.contains(shell)), None
        )
        if outer is None:
            parts.append(shell)
        else:
            parts[outer] = shapely.Polygon(parts[outer].exterior, [*parts[outer].interiors, shell.exterior])
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def survey_frame(text: str, path: Path, reading: Reading) -> gpd.GeoDataFrame:
    """The parcels of a survey file that is being read; what its points do not make is said."""
    import geopandas as gpd

    survey = read_survey(text)
    reading.facts["survey"] = {k: survey.header[k] for k in ("坐标系", "几度分带", "带号") if k in survey.header}
    if survey.broken:
        zh = "界址点不足三个，围不成面。"
        reading.say(
            "error", "unreadable_geometry", path, zh, "Fewer than three points make no area.", features=survey.broken
        )
    if survey.lines_left:
        zh, en = "看不懂的行，未采用。", "Lines not understood, not used."
        reading.say("warning", "lines_left", path, zh, en, features=by_row(survey.lines_left))
    datum = stated_datum(survey.header)
    if datum and datum != "CGCS2000" and not reading.card.source.crs:
        raise CRSError(
            f"图层 {reading.layer}：{path.name} 为 {datum} 坐标，没有公开的转换参数；"
            "请在来源卡写明 crs，并用 [control] 给出控制点。",
            f"Layer {reading.layer}: {path.name} is in {datum}, for which no public transformation exists; state crs "
            "in the card and give control points in [control].",
        )
    frame = gpd.GeoDataFrame(survey.parcels, geometry=survey.polygons)
    reading.columns = FileColumns(units=_area_unit(frame, path, reading))
    crs = stated_crs(survey.header)
    if crs and len(frame) and frame.total_bounds[2] < 1e6:
        crs = f"EPSG:{int(crs[5:]) + (21 if int(crs[5:]) >= 4513 else 11)}"  # the same zone without its number in front
    return frame.set_crs(crs) if crs else frame


_AREA = "地块面积"
# What one of a unit is in square metres; the exchange format has hectares, hand-made files any of them.
_AREA_UNITS_M2 = {"公顷": 10_000.0, "平方米": 1.0, "亩": 10_000.0 / 15.0}
_SAME_AREA = 0.02
# Coordinates below are degrees, or a local grid's; no area is known from degrees.
_LEAST_METRES = 1_000.0


def _area_unit(frame: gpd.GeoDataFrame, path: Path, reading: Reading) -> dict[str, str]:
    """The unit of the parcels' stated areas: the one in which most agree with their rings, else the format's hectares.

    Parcels whose stated area differs from that of their rings by more than two in a hundred are named.
    """
    import pandas as pd

    if _AREA not in frame or not frame[_AREA].notna().any() or not frame.total_bounds[2] > _LEAST_METRES:
        return {}
    stated = pd.to_numeric(frame[_AREA], errors="coerce").to_numpy(dtype="float64")
    drawn = shapely.area(frame.geometry.to_numpy())
    judged = (stated > 0) & (drawn > 0)

    def agree(unit: str) -> Flags:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.abs(stated * _AREA_UNITS_M2[unit] / drawn - 1)
        # Areas are written with few decimals: one unit of the last place of a hectare with four is a square metre.
        return np.asarray(judged & ((ratio <= _SAME_AREA) | (np.abs(stated * _AREA_UNITS_M2[unit] - drawn) <= 1)))

    unit = max(_AREA_UNITS_M2, key=lambda name: int(agree(name).sum()))
    differ = judged & ~agree(unit)
    reading.facts["area_unit"] = unit
    if differ.any():
        names = frame["地块编号"] if "地块编号" in frame else frame.index + 1
        said = [
            FeatureRef(str(names.iloc[n] if hasattr(names, "iloc") else names[n]), mark="：",
                       value=f"{stated[n] * _AREA_UNITS_M2[unit]:,.0f} ≠ {drawn[n]:,.0f} m²")
            for n in differ.nonzero()[0]
        ]  # fmt: skip
        reading.say(
            "warning", "stated_area_differs", path,
            f"登记的地块面积（按{unit}）与界址点围成的面积不符，请核对。",
            f"The stated area of the parcel, in {unit}, is not that of its points; check.",
            features=said,
        )  # fmt: skip
    return {_AREA: unit}


def read_coordinates(column: pd.Series) -> Floats:
    """Numbers, also with full-width digits; degrees may be written 116°59′24″."""
    import numpy as np
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce").to_numpy("float64", na_value=np.nan).copy()
    for position in np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy()):
        numbers[position] = _one_coordinate(str(column.iloc[position]))
    return numbers


def _one_coordinate(text: str) -> float:
    from gis_renovation.numerals import plain_text

    # Before plain_text, which would make two minute marks of the sign for seconds.
    shown = plain_text(text.replace("″", '"').replace("′", "'")).replace("’", "'").replace("”", '"').upper()
    parts = re.fullmatch(r"[EN东北]?(?:经|纬)?\s*(\d+)[°度]\s*(\d+)['分]\s*(\d+(?:\.\d+)?)?[\"秒]?\s*[EN]?", shown)
    if parts:
        degrees, minutes, seconds = (float(p or 0) for p in parts.groups())
        return degrees + minutes / 60 + seconds / 3600
    plain = re.fullmatch(r"[EN]?\s*(-?\d+(?:\.\d+)?)\s*[°度]?\s*[EN]?", shown)
    return float(plain.group(1)) if plain else float("nan")
