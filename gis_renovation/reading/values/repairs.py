"""Repairs a source card asks for by name; each counts what it changed. Nothing here runs unasked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Flags
from gis_renovation.errors import FeatureRef
from gis_renovation.schemas import GEOMETRY_NAMES, GEOMETRY_TYPES, LayerSchema

if TYPE_CHECKING:
    import geopandas as gpd


# One degree of latitude on the CGCS2000 ellipsoid at mid latitudes; enough to judge a gap between line ends.
_METRES_A_DEGREE = 111_000.0


def drop_empty_geometry(rows: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, int]:
    """Rows without geometry fall away; the rest in their order, and how many went."""
    geometry = rows.geometry.to_numpy()
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    return rows[~empty], int(empty.sum())


def drop_exact_duplicates(rows: gpd.GeoDataFrame) -> tuple[Any, int]:
    """Rows equal to an earlier one in every column and every vertex fall away; and how many went."""
    text = pd.DataFrame(
        {
            number: shapely.to_wkb(rows[name].to_numpy()) if name == "geometry" else rows.iloc[:, number].astype(str)
            for number, name in enumerate(rows.columns)
        },
        index=rows.index,
    )
    repeated = text.duplicated().to_numpy()
    return rows[~repeated], int(repeated.sum())


@dataclass(frozen=True)
class AreaChange:
    """A row whose area a repair changed: its label, and the area as drawn and as mended, in squares of its CRS."""

    row: Any
    before: float
    after: float


def make_valid(rows: gpd.GeoDataFrame, schema: LayerSchema) -> tuple[gpd.GeoDataFrame, int, list[AreaChange]]:
    """Valid geometry of the schema's own dimension, how many shapes changed, and which of them in area.

    One rule for what overlaps itself: ground that any part or turn of the outline encloses belongs to the shape,
    once; so parts that overlap or lie in each other become their union, and only rings drawn as holes are holes.
    Parts of lower dimension (spikes) fall away. A shape of which nothing of its dimension is left stays as it is,
    for the check to report. Area “as drawn” is the sum over all rings, as other programs count it.
    """
    geometry = rows.geometry.to_numpy().copy()
    allowed = {kind for name in schema.geometry for kind in GEOMETRY_TYPES[name]}
    bad = _finite(geometry) & (~shapely.is_valid(geometry) | ~np.isin(_kinds(geometry), sorted(allowed)))
    changed, areas = 0, []
    for position in np.flatnonzero(bad):
        whole = shapely.make_valid(geometry[position], method="structure", keep_collapsed=False)
        parts = [p for part in shapely.get_parts(whole) for p in shapely.get_parts(part)]
        kept = [p for p in parts if p.geom_type in allowed and not p.is_empty]
        if kept:
            new = shapely.union_all(kept)
            before, after = float(shapely.area(geometry[position])), float(shapely.area(new))
            if abs(before - after) > _SAME_AREA * max(before, after):
                areas.append(AreaChange(rows.index[position], before, after))
            geometry[position] = new
            changed += 1
    return _with(rows, geometry), changed, areas


# Areas that differ by less than this share are the same but for rounding.
_SAME_AREA = 1e-6


def close_rings(rows: gpd.GeoDataFrame, gap_m: float) -> tuple[gpd.GeoDataFrame, int]:
    """Lines whose ends are at most ``gap_m`` metres apart become polygons, as drawings need; others stay lines.

    Pieces of a multi-line are joined first. A ring needs three corners.
    """
    geometry = rows.geometry.to_numpy().copy()
    lines = np.flatnonzero(
        np.isin(_kinds(geometry), ["LineString", "MultiLineString", "LinearRing"]) & _finite(geometry)
    )
    geographic = rows.crs is not None and rows.crs.is_geographic
    changed = 0
    for position in lines:
        line = geometry[position]
        merged = shapely.line_merge(line) if line.geom_type == "MultiLineString" else line
        if merged.geom_type not in ("LineString", "LinearRing"):
            continue
        xy = shapely.get_coordinates(merged)
        if len(np.unique(xy, axis=0)) < 3 or _gap(xy, geographic=geographic) > gap_m:
            continue
        geometry[position] = shapely.Polygon(xy)
        changed += 1
    return _with(rows, geometry), changed


def merge_pieces(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, int, tuple[FeatureRef, ...]]:
    """Rows of one id, as tile edges cut them, become one feature; its geometry is the union of the pieces.

    Returns the frame, how many rows went, and id and column for every attribute in which pieces differ;
    there the value becomes unknown. The frame is indexed by its key; rows without a key are left alone.
    """
    repeated = frame.index.duplicated(keep=False) & frame.index.notna()
    if not repeated.any():
        return frame, 0, ()
    pieces = frame[repeated]
    groups = pieces.groupby(level=0, sort=True)
    differing: list[FeatureRef] = []
    columns: dict[str, Any] = {}
    for name in frame.columns.drop("geometry"):
        counts = groups[name].nunique(dropna=True)
        first = groups[name].first()
        columns[name] = first.where(counts <= 1)
        differing += [FeatureRef(str(key), mark=": ", value=name) for key in counts.index[counts > 1]]
    columns["geometry"] = groups["geometry"].agg(lambda part: shapely.union_all(part.to_numpy()))
    merged = pd.DataFrame(columns).reindex(columns=frame.columns)
    merged.index.name = frame.index.name
    merged = type(frame)(merged, geometry="geometry", crs=frame.crs)
    for name in frame.columns.drop("geometry"):
        merged[name] = merged[name].astype(frame[name].dtype)
    whole = pd.concat([frame[~repeated], merged])
    return whole, int(len(frame) - len(whole)), tuple(sorted(differing, key=lambda ref: ref.spoken("zh")))


def snap_slivers(frame: gpd.GeoDataFrame, width_m: float) -> tuple[gpd.GeoDataFrame, int]:
    """Gaps and overlaps narrower than ``width_m`` between neighbouring polygons are closed.

    Features are taken in the order of their ids; each is snapped to its already settled neighbours and
    gives way where it overlaps them by a sliver. Wider overlaps and whole features inside another stay.
    A change that would break a shape or move more than a strip of ``width_m`` is not made. Needs metres.
    O(n k) for k neighbours each.
    """
    geometry = frame.geometry.to_numpy().copy()
    order = np.argsort(frame.index.astype(str).to_numpy(dtype=object), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    usable = _finite(geometry) & shapely.is_valid(geometry) & (shapely.area(geometry) > 0)
    tree = shapely.STRtree(np.where(usable, geometry, None))
    near = tree.query(np.where(usable, geometry, None), predicate="dwithin", distance=width_m)
    near = near[:, rank[near[1]] < rank[near[0]]]
    starts = np.searchsorted(np.sort(near[0]), np.arange(len(geometry) + 1))
    others = near[1][np.argsort(near[0], kind="stable")]
    changed = 0
    for position in order:
        settled = others[starts[position] : starts[position + 1]]
        if not len(settled):
            continue
        new = _snapped(geometry[position], geometry[settled], width_m)
        if new is not None:
            geometry[position] = new
            changed += 1
    return _with(frame, geometry), changed


def _snapped(shape: Any, settled: NDArray[Any], width_m: float) -> Any:
    """The shape snapped to its settled neighbours, or None where it should stay as it is."""
    around = shapely.union_all(settled)
    new = shapely.snap(shape, around, width_m)
    if not shapely.is_valid(new):
        return None
    overlap = shapely.intersection(new, around)
    if shapely.area(overlap) > 0 and not shapely.area(shapely.buffer(overlap, -width_m / 2)) > 0:
        new = shapely.difference(new, around)
    kept = [part for part in shapely.get_parts(new) if part.geom_type == "Polygon"]
    new = kept[0] if len(kept) == 1 else shapely.MultiPolygon(kept) if kept else new
    moved = shapely.area(shapely.symmetric_difference(new, shape))
    if not kept or shapely.equals(new, shape) or moved > width_m * shapely.length(shape):
        return None
    return new


def _gap(xy: NDArray[np.float64], *, geographic: bool) -> float:
    dx, dy = xy[-1] - xy[0]
    if geographic:
        dx, dy = dx * _METRES_A_DEGREE * np.cos(np.radians(xy[0, 1])), dy * _METRES_A_DEGREE
    return float(np.hypot(dx, dy))


def _finite(geometry: NDArray[Any]) -> Flags:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(shapely.bounds(geometry)).all(axis=1))


def _kinds(geometry: NDArray[Any]) -> NDArray[np.str_]:
    return np.asarray(np.array(GEOMETRY_NAMES)[shapely.get_type_id(geometry) + 1])


def _with(rows: gpd.GeoDataFrame, geometry: NDArray[Any]) -> gpd.GeoDataFrame:
    return rows.set_geometry(type(rows.geometry)(geometry, index=rows.index, crs=rows.crs))
