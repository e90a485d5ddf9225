"""Registered, surveyed and planned use compared, over a site's ground.

Uses are compared on their broad use, because the code systems differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.crs import require_metric
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.codes import broad_uses, class_label, registered_uses, require_one_system
from gis_renovation.land.measures import NO_AREA_M2
from gis_renovation.land.sites import AREA_DIGITS, polygons_of
from gis_renovation.overlays import are_slivers, overlap_areas
from gis_renovation.words import Text

USES: Final[Mapping[str, Text]] = {
    "registered": Text("登记用途", "registered use"),
    "surveyed": Text("现状地类", "surveyed class"),
    "planned": Text("规划用途", "planned use"),
}


class _Agreement(NamedTuple):
    """One row of the comparison: two uses on some ground of a site, or why they were not compared."""

    site_id: str
    comparison: str
    first_use: str | None = None
    second_use: str | None = None
    agreement: str = "not_checked"
    area_m2: float = np.nan
    share: float = np.nan
    patch_count: float = np.nan
    note_zh: str | None = None
    note_en: str | None = None


@layers_on_text_ids
def compare_land_uses(
    land_sites: gpd.GeoDataFrame,
    parcels: gpd.GeoDataFrame | None = None,
    land_survey: gpd.GeoDataFrame | None = None,
    planned_use: gpd.GeoDataFrame | None = None,
    *,
    sliver_width_m: float = 1.0,
) -> pd.DataFrame:
    """Where registered, surveyed and planned use of a site's ground agree, differ, or cannot be told.

    Uses are compared on the broad use their classes share (residential, public service, ...), never
    code by code, because the systems differ. Survey and plan come from their layers, or from the
    parcels' own codes where there is no such layer. A difference is a fact to explain, not a breach.

    Parameters
    ----------
    land_sites
        The result of :func:`gis_renovation.land.sites.outline_land_sites`.
    parcels, land_survey, planned_use
        Polygons by their keys in the sites' CRS; ``None`` is a layer nobody has.
    sliver_width_m
        A difference on patches narrower than this on average is a *sliver*, the error of a boundary
        rather than another use.

    Returns
    -------
    DataFrame, rows by site, comparison (registered_surveyed, registered_planned, surveyed_planned) and
    the two uses: agreement (agrees, differs, sliver, unknown, not_checked), area_m2, share of the site,
    patch_count. A comparison without data is one row *not_checked*. No site: no rows.

    Raises
    ------
    CRSError; DataError for faults of the code systems. O(n log n + rim vertices).

    Examples
    --------
    A parcel registered for housing, the surveyor's class of which is shops (05H1 of the survey's classes):

    >>> import geopandas as gpd
    >>> from shapely import box
    >>> from gis_renovation.land import outline_land_sites
    >>> sites = outline_land_sites(gpd.GeoDataFrame(geometry=[box(0, 0, 100, 60)], index=["Z1"], crs="EPSG:4548"))
    >>> facts = {"registered_use": ["城镇住宅用地"], "code_system": "survey", "land_use_code": "05H1"}
    >>> parcels = gpd.GeoDataFrame(facts, geometry=[box(0, 0, 40, 60)], index=["P1"], crs="EPSG:4548")
    >>> compare_land_uses(sites, parcels)[["comparison", "agreement", "area_m2"]].to_numpy().tolist()[0]
    ['registered_surveyed', 'differs', 2400.0]
    """
    require_metric(land_sites=land_sites, parcels=parcels, land_survey=land_survey, planned_use=planned_use)
    sites = land_sites.sort_index()
    cover = {
        "registered": use_patches(parcels, "parcels", "registered_use"),
        "surveyed": use_patches(land_survey, "land_survey", "land_use_code")
        or use_patches(parcels, "parcels", "land_use_code"),
        "planned": use_patches(planned_use, "planned_use", "planned_use_code")
        or use_patches(parcels, "parcels", "planned_use_code"),
    }
    rows: list[_Agreement] = []
    for first, second in (("registered", "surveyed"), ("registered", "planned"), ("surveyed", "planned")):
        one, other = cover[first], cover[second]
        if one is None or other is None:
            lacking = [USES[name] for name in (first, second) if cover[name] is None]
            zh = f"未核查：没有{'、'.join(text.zh for text in lacking)}"
            en = f"not checked: no {' or '.join(text.en for text in lacking)}"
            pair = f"{first}_{second}"
            rows += [_Agreement(str(site_id), pair, note_zh=zh, note_en=en) for site_id in sites.index]
        else:
            rows += _compared(sites, f"{first}_{second}", one, other, sliver_width_m)
    table = pd.DataFrame(rows, columns=list(_Agreement._fields))
    numbers = ("area_m2", "share", "patch_count")
    types = {name: "float64" if name in numbers else "str" for name in _Agreement._fields}
    return table.sort_values(["site_id"], kind="stable").astype(types).reset_index(drop=True)


Patches = tuple[Geometries, list[str], list[frozenset[str]]]


def use_patches(layer: gpd.GeoDataFrame | None, name: str, column: str) -> Patches | None:
    """Ground, label and broad uses of each patch that has the use recorded; None where none has."""
    if layer is None or column not in layer.columns or not layer[column].notna().any():
        return None
    layer = layer[layer[column].notna()].sort_index()
    words = [str(word) for word in layer[column]]
    if column == "registered_use":
        return polygons_of(layer), words, [registered_uses(word) for word in words]
    system = require_one_system(layer, name, code=column) or ""
    return polygons_of(layer), [class_label(system, code).zh for code in words], [broad_uses(system, c) for c in words]


def _compared(
    sites: gpd.GeoDataFrame, comparison: str, one: Patches, other: Patches, sliver_width_m: float
) -> list[_Agreement]:
    """One row a site and pair of uses, with the ground they share."""
    (shapes, first_labels, first_uses), (covers, second_labels, second_uses) = one, other
    in_site = overlap_areas(polygons_of(sites), shapes)
    ground = shapely.intersection(polygons_of(sites)[in_site.shape], shapes[in_site.cover])
    ground = _polygonal(ground)
    pairs = overlap_areas(ground, covers)
    slivers = are_slivers(ground, covers, pairs, width_m=sliver_width_m)
    first = in_site.cover[pairs.shape]
    agreements = [agreement_of(first_uses[a], second_uses[b]) for a, b in zip(first, pairs.cover, strict=True)]
    frame = pd.DataFrame(
        {
            "site": in_site.shape[pairs.shape],
            "first_use": [first_labels[at] for at in first],
            "second_use": [second_labels[at] for at in pairs.cover],
            "agreement": np.where(slivers & (np.array(agreements) == "differs"), "sliver", agreements),
            "area": pairs.area_m2,
        }
    )
    grouped = frame.groupby(["site", "first_use", "second_use", "agreement"], sort=True)["area"].agg(["sum", "size"])
    return [
        _Agreement(
            site_id=str(sites.index[site]),
            comparison=comparison,
            first_use=first_use,
            second_use=second_use,
            agreement=agreement,
            area_m2=round(float(area), AREA_DIGITS),
            share=float(area) / float(sites["area_m2"].iloc[site]),
            patch_count=int(count),
        )
        for (site, first_use, second_use, agreement), (area, count) in zip(
            grouped.index, grouped.to_numpy(), strict=True
        )
        if area >= NO_AREA_M2
    ]


def agreement_of(first: frozenset[str], second: frozenset[str]) -> str:
    """Whether two sets of broad uses share one: agrees, differs, or unknown where one is empty."""
    if not first or not second:
        return "unknown"
    return "agrees" if first & second else "differs"


def _polygonal(ground: Geometries) -> Geometries:
    """Intersections without the points and lines of mere contact."""
    mixed = shapely.get_type_id(ground) == shapely.GeometryType.GEOMETRYCOLLECTION
    for at in np.flatnonzero(mixed):
        parts = shapely.get_parts(ground[at])
        ground[at] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    return ground
