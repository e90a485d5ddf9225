"""Whether what is to be published lies in one place, and in that of the edition it replaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.crs import reproject
from gis_renovation.errors import DataError, Finding
from gis_renovation.maps.encoding import DISPLAY_CRS
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Text

# Layers that say where a city is, the surest first.
_WHERE = ("communities", "reporting_units")
# A layer may reach this much further than the city on each side, in widths and heights of the city.
_MARGIN = 2.0
# A city that is one community is still this large, in degrees.
_LEAST_DEGREES = 0.2

Extent = tuple[float, float, float, float]


def extents_of(frames: Mapping[str, pd.DataFrame]) -> dict[str, Extent]:
    """Left, bottom, right and top of every layer with shapes, in degrees."""
    found: dict[str, Extent] = {}
    for name, frame in frames.items():
        if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None or frame.crs is None:
            continue
        bounds = frame.total_bounds
        if np.isfinite(bounds).all():
            square = gpd.GeoDataFrame(geometry=[shapely.box(*bounds)], crs=frame.crs)
            left, bottom, right, top = reproject(square, DISPLAY_CRS, where=name).total_bounds.tolist()
            found[name] = (left, bottom, right, top)
    return found


def place_of(extents: Mapping[str, Extent]) -> Extent | None:
    """Where the city is: its communities, or its reporting units; rounded to 0.01 degrees."""
    own = next((extents[name] for name in _WHERE if name in extents), None)
    return None if own is None else (round(own[0], 2), round(own[1], 2), round(own[2], 2), round(own[3], 2))


def require_one_place(extents: Mapping[str, Extent]) -> None:
    """Raise DataError with every layer that lies wholly outside the city and its surroundings."""
    city = next((extents[name] for name in _WHERE if name in extents), None)
    if city is None:
        return
    findings = [
        Finding(
            severity="error",
            code="another_place",
            layer=name,
            text=Text(
                f"图层 {_label(name).zh}（{name}）在 {_said(own)}，而小区在 {_said(city)}：不是同一个地方。"
                "请核对坐标系、坐标次序和文件是否拿错；原有的一版没有改动。",
                f"The layer {name} is at {_said(own)}, the communities at {_said(city)}: another place. Check the "
                "coordinate system, the order of the axes and the file; the edition in place is unchanged.",
            ),
        )
        for name, own in extents.items()
        if not _meet(own, city)
    ]
    if findings:
        raise DataError(findings)


def require_same_place(before: Extent | None, now: Extent | None) -> None:
    """Raise DataError if the edition to be replaced is of another place; nothing is compared where one is unknown."""
    if before is None or now is None or _meet(before, now):
        return
    raise DataError(
        [
            Finding(
                severity="error",
                code="another_place",
                layer="",
                text=Text(
                    f"现有的一版在 {_said(before)}，这次的小区在 {_said(now)}：不是同一个地方，"
                    "可能发布到了别的项目的文件夹。原有的一版没有改动；确要替换，请先把它移走。",
                    f"The edition in place is at {_said(before)}, these communities at {_said(now)}: another place, "
                    "perhaps another project's folder. It is unchanged; to replace it, move it away first.",
                ),
            )
        ]
    )


def _meet(one: Extent, city: Extent) -> bool:
    width = _MARGIN * max(city[2] - city[0], _LEAST_DEGREES)
    height = _MARGIN * max(city[3] - city[1], _LEAST_DEGREES)
    return (
        one[0] <= city[2] + width
        and one[2] >= city[0] - width
        and one[1] <= city[3] + height
        and one[3] >= city[1] - height
    )


def _said(extent: Sequence[float]) -> str:
    return f"{extent[0]:.2f}—{extent[2]:.2f}°E、{extent[1]:.2f}—{extent[3]:.2f}°N"


def _label(name: str) -> Text:
    schema = layer_schemas().get(name)
    return schema.label if schema else Text(name, name)
