"""Where the faults of a check lie, as layers that QGIS shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from gis_renovation.errors import Finding
from gis_renovation.reports.parts import SEVERITIES, Layers
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Lang

_KINDS = {
    "Point": "points", "MultiPoint": "points",
    "LineString": "lines", "MultiLineString": "lines", "LinearRing": "lines",
}  # fmt: skip


class _Place(NamedTuple):
    severity: str
    layer: str
    feature: str
    fault: str
    code: str
    geometry: BaseGeometry


def error_places(findings: Sequence[Finding], layers: Layers, *, lang: Lang) -> dict[str, pd.DataFrame] | None:
    """Where the faults are: one layer each for points, lines and areas; None if no fault has a place.

    A feature with several faults appears once for each. The geometry is the feature's own, in the project
    CRS; an invalid feature also gets a point where it breaks.
    """
    placed = [f for f in findings if "geometry" in getattr(layers.get(f.layer), "columns", ())]
    rows = [place for finding in placed for place in _places(finding, layers[finding.layer], lang)]
    if not rows:
        return None
    crs = next((crs for f in placed if (crs := layers[f.layer].crs)), None)
    table = gpd.GeoDataFrame([row._asdict() for row in rows], geometry="geometry", crs=crs)
    kind = table.geom_type.map(_KINDS).fillna("areas")
    flat = table.set_geometry(table.geometry.force_2d())
    return {f"errors_{name}": flat[kind == name].reset_index(drop=True) for name in sorted(kind.unique())}


def _places(finding: Finding, layer: gpd.GeoDataFrame, lang: Lang) -> Iterator[_Place]:
    """The features one finding names that have a place on the map."""
    lookup = {str(key): shape for key, shape in zip(layer.index, layer.geometry, strict=True)}
    label = layer_schemas()[finding.layer].label.in_language(lang)
    for feature in finding.features:
        shape = lookup.get(feature.key)
        if shape is None or shape.is_empty or not np.isfinite(shape.bounds).all():
            continue
        severity, fault = SEVERITIES[finding.severity].in_language(lang), finding.text.in_language(lang)
        place = _Place(severity, label, feature.spoken(lang), fault, finding.code, shape)
        yield place
        if feature.spot is not None:
            yield place._replace(geometry=shapely.Point(feature.spot))
