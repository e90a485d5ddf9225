"""Which county each feature of a map belongs to, for the choice of one county on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pandas as pd
import shapely

from gis_renovation.crs import reproject
from gis_renovation.display import plain_text
from gis_renovation.maps.encoding import DISPLAY_CRS, CountyBlock, row_id

if TYPE_CHECKING:
    import geopandas as gpd


class Counties(NamedTuple):
    """The units a reader may choose: codes and names in the order of the codes, shapes as a tree in that order."""

    codes: list[str]
    names: list[str]
    tree: shapely.STRtree
    place: dict[str, int]


def counties_of(layers: Mapping[str, pd.DataFrame]) -> Counties | None:
    """Counties and special areas of ``reporting_units``; None with fewer than two, where there is nothing to choose.

    A subdistrict counts as its county (``parent_code``). O(units).
    """
    units = layers.get("reporting_units")
    if units is None or "geometry" not in units.columns:
        return None
    below = units["level"].eq("subdistrict").to_numpy(dtype=bool) if "level" in units else np.zeros(len(units), bool)
    own = units[~below].sort_index()
    if len(own) < 2:
        return None
    codes = [str(code) for code in own.index]
    named = own["name"] if "name" in own else pd.Series(None, index=own.index, dtype="str")
    names = [plain_text(code if pd.isna(name) else name) for code, name in zip(codes, named, strict=True)]
    place = {code: at for at, code in enumerate(codes)}
    if "parent_code" in units:
        parents = zip(units.index[below], units["parent_code"][below], strict=True)
        place |= {str(code): place[parent] for code, parent in parents if parent in place}
    return Counties([plain_text(code) for code in codes], names, shapely.STRtree(own.geometry.to_numpy()), place)


def county_blocks(layers: Mapping[str, pd.DataFrame], counties: Counties | None) -> list[CountyBlock]:
    """Code, name, bounds (south, west, north, east in degrees) and number of communities of each county.

    The number is None where there is no layer of communities: unknown is not none. O(communities log counties).
    """
    if counties is None:
        return []
    counts = _community_counts(layers, counties)
    frame = layers["reporting_units"]
    shapes = frame.loc[
        [key for key in frame.index if plain_text(key) in set(counties.codes)], ["geometry"]
    ].sort_index()
    degrees = reproject(shapes, DISPLAY_CRS, where="reporting_units").geometry.bounds.round(6)
    return [
        {"code": code, "name": name, "bounds": [[row.miny, row.minx], [row.maxy, row.maxx]], "count": count}
        for code, name, row, count in zip(counties.codes, counties.names, degrees.itertuples(), counts, strict=True)
    ]


def _community_counts(layers: Mapping[str, pd.DataFrame], counties: Counties) -> list[int] | list[None]:
    places = layers.get("communities")
    if places is None or getattr(places, "active_geometry_name", None) is None:
        return [None] * len(counties.codes)
    rows = np.array(county_rows(cast("gpd.GeoDataFrame", places), layers, counties), dtype=np.int64)
    found: list[int] = np.bincount(rows[rows >= 0], minlength=len(counties.codes)).tolist()
    return found


def county_rows(frame: gpd.GeoDataFrame, layers: Mapping[str, pd.DataFrame], counties: Counties) -> list[int]:
    """Per feature its place in the list of counties, -1 where none is known.

    What the data says comes first (``unit_code``, or that of the feature's community); a feature
    that says nothing belongs where a point inside it lies. O(features log counties).
    """
    said = _said_codes(frame, layers)
    rows = np.array([counties.place.get(code, -1) if isinstance(code, str) else -1 for code in said], dtype=np.int64)
    silent = np.flatnonzero(rows < 0)
    spots = shapely.point_on_surface(frame.geometry.to_numpy()[silent])
    at, county = counties.tree.query(spots, predicate="intersects")
    # On a shared border the county of the lower code.
    first = np.full(len(silent), len(counties.codes), dtype=np.int64)
    np.minimum.at(first, at, county)
    rows[silent] = np.where(first < len(counties.codes), first, -1)
    found: list[int] = rows.tolist()
    return found


def _said_codes(frame: gpd.GeoDataFrame, layers: Mapping[str, pd.DataFrame]) -> Sequence[object]:
    if frame.index.name == "unit_code":
        return [row_id(key) for key in frame.index]
    if "unit_code" in frame:
        return list(frame["unit_code"])
    places = layers.get("communities")
    key = frame.index.to_series() if frame.index.name == "community_id" else frame.get("community_id")
    if places is None or key is None or "unit_code" not in places:
        return [None] * len(frame)
    code = places["unit_code"]
    return list(key.map(code[~code.index.duplicated()]))
