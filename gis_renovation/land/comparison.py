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

from gis_renovation.arrays import Geometries, Positions
from gis_renovation.crs import require_metric
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.codes import broad_uses, class_label, registered_uses, require_one_system
from gis_renovation.land.measures import NO_AREA_M2
from gis_renovation.land.sites import AREA_DIGITS, polygons_of, round_to_total
from gis_renovation.outlines import require_areas
from gis_renovation.overlays import (
    are_slivers,
    dissolve_within,
    overlap_areas,
    overlapping_pairs,
    sort_by_width,
)
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
    first_use_zh: str | None = None
    first_use_en: str | None = None
    second_use_zh: str | None = None
    second_use_en: str | None = None
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
        Ground nowhere as wide as this is a *sliver*, the error of a boundary rather than another use.

    Returns
    -------
    DataFrame, rows by site, comparison (registered_surveyed, registered_planned, surveyed_planned) and
    the two uses: agreement (agrees, differs, unknown, missing, sliver, not_checked), area_m2, share of the
    site, patch_count. Every place of a site counts once and the rows of a comparison sum to the site's rounded
    area exactly: where patches of several uses lie on each other, a difference goes before an unknown use and
    that before agreement; *missing* is ground for which one of the two uses is not at hand. A comparison
    without data is one row *not_checked*. No site: no rows.

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
    require_areas(land_sites=land_sites)
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


Patches = tuple[Geometries, list[Text], list[frozenset[str]]]


def use_patches(layer: gpd.GeoDataFrame | None, name: str, column: str) -> Patches | None:
    """Ground, label and broad uses of each patch that has the use recorded; None where none has."""
    if layer is None or column not in layer.columns or not layer[column].notna().any():
        return None
    layer = layer[layer[column].notna()].sort_index()
    words = [str(word) for word in layer[column]]
    if column == "registered_use":
        return polygons_of(layer), [Text(word, word) for word in words], [registered_uses(word) for word in words]
    system = require_one_system(layer, name, code=column) or ""
    return polygons_of(layer), [class_label(system, code) for code in words], [broad_uses(system, c) for c in words]


def _compared(
    sites: gpd.GeoDataFrame, comparison: str, one: Patches, other: Patches, sliver_width_m: float
) -> list[_Agreement]:
    """The rows of one comparison: by site, agreement and pair of uses, then what could not be compared."""
    one, other = _drawn_once(one), _drawn_once(other)
    grounds = polygons_of(sites)
    in_site = overlap_areas(grounds, one[0])
    ground = _polygonal(shapely.intersection(grounds[in_site.shape], one[0][in_site.cover]))
    pairs = overlap_areas(ground, other[0])
    slivers = are_slivers(ground, other[0], pairs, width_m=sliver_width_m)
    first = in_site.cover[pairs.shape]
    agreements = [agreement_of(one[2][a], other[2][b]) for a, b in zip(first, pairs.cover, strict=True)]
    shared = pd.DataFrame(
        {
            "site": in_site.shape[pairs.shape],
            "agreement": np.where(slivers & (np.array(agreements, dtype=object) != "agrees"), "sliver", agreements),
            "first_use": [one[1][at] for at in first],
            "second_use": [other[1][at] for at in pairs.cover],
            "area": pairs.area_m2,
            "ground": pairs.shape,
            "cover": pairs.cover,
        }
    )
    clashing = np.isin(first, _clashing(one[0])) | np.isin(pairs.cover, _clashing(other[0]))
    doubtful = set(shared["site"][clashing])
    rows: list[_Agreement] = []
    for site, own in _by_site(shared, len(sites)):
        found, whole = _areas(own), float(sites["area_m2"].iloc[site])
        if site in doubtful or whole - sum(area for area, _ in found.values()) >= NO_AREA_M2:
            pieces = shapely.intersection(ground[own["ground"].to_numpy()], other[0][own["cover"].to_numpy()])
            pieces = _polygonal(pieces)
            found = _areas_once(own, pieces) if site in doubtful else found
            found |= _gaps(grounds[site], pieces, sliver_width_m)
        rows += _rows(str(sites.index[site]), comparison, whole, found)
    return rows


# Agreement, first and second use; the area of their ground, and the patches it is made of.
_Found = dict[tuple[str, Text | None, Text | None], tuple[float, int]]
# What counts where patches of several uses lie on each other.
_FIRST: Final = ("differs", "unknown", "agrees", "sliver")


def _drawn_once(patches: Patches) -> Patches:
    """The patches of one label united where they lie on each other."""
    shapes, labels, uses = patches
    kinds = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    once, kind = dissolve_within(shapes, np.array([kinds[label] for label in labels], np.intp))
    if len(once) == len(shapes):
        return patches
    of_label = dict(zip(labels, uses, strict=True))
    names = list(kinds)
    return once, [names[number] for number in kind], [of_label[names[number]] for number in kind]


def _clashing(shapes: Geometries) -> Positions:
    """The patches that share ground with another."""
    return np.unique(np.concatenate(overlapping_pairs(shapes)))


def _by_site(shared: pd.DataFrame, count: int) -> list[tuple[int, pd.DataFrame]]:
    """The rows of every site, none for a site that shares nothing."""
    groups = dict(tuple(shared.groupby("site")))
    return [(site, groups.get(site, shared.iloc[:0])) for site in range(count)]


def _areas(own: pd.DataFrame) -> _Found:
    """Area and patches of each pair of uses, of patches none of which lie on each other."""
    found: _Found = {}
    for key, area in zip(_keys(own), own["area"], strict=True):
        before, patches = found.get(key, (0.0, 0))
        found[key] = before + float(area), patches + 1
    return dict(sorted(found.items()))


def _areas_once(own: pd.DataFrame, pieces: Geometries) -> _Found:
    """Area and patches of each pair of uses where patches lie on each other: every place goes to one pair."""
    found: _Found = {}
    done: shapely.Geometry = shapely.Polygon()
    groups: dict[tuple[str, Text, Text], list[int]] = {}
    for at, key in enumerate(_keys(own)):
        groups.setdefault(key, []).append(at)
    for key in sorted(groups, key=lambda key: (_FIRST.index(key[0]), key)):
        ground = shapely.union_all(pieces[groups[key]])
        found[key] = float(shapely.area(shapely.difference(ground, done))), len(groups[key])
        done = shapely.union(done, ground)
    return {key: found[key] for key in sorted(groups)}


def _keys(own: pd.DataFrame) -> list[tuple[str, Text, Text]]:
    return list(zip(own["agreement"], own["first_use"], own["second_use"], strict=True))


def _gaps(site: shapely.Geometry, pieces: Geometries, sliver_width_m: float) -> _Found:
    """The ground for which one of the two uses is not at hand, slivers apart."""
    broad, narrow = sort_by_width(shapely.difference(site, shapely.union_all(pieces)), sliver_width_m)
    found: _Found = {("missing", None, None): (broad, 0), ("sliver", None, None): (narrow, 0)}
    return found


def _rows(site_id: str, comparison: str, whole: float, found: _Found) -> list[_Agreement]:
    """The rows of one site, whose rounded areas sum to its rounded area."""
    found = {key: facts for key, facts in found.items() if facts[0] >= NO_AREA_M2}
    areas = np.array([area for area, _ in found.values()])
    if not found:
        return []
    rounded = round_to_total(areas, whole, AREA_DIGITS)
    return [
        _Agreement(
            site_id=site_id,
            comparison=comparison,
            first_use_zh=first_use and first_use.zh,
            first_use_en=first_use and first_use.en,
            second_use_zh=second_use and second_use.zh,
            second_use_en=second_use and second_use.en,
            agreement=agreement,
            area_m2=float(shown),
            share=area / whole,
            patch_count=patches or np.nan,
            note_zh=_ONE_LACKS.zh if first_use is None else None,
            note_en=_ONE_LACKS.en if first_use is None else None,
        )
        for ((agreement, first_use, second_use), (area, patches)), shown in zip(found.items(), rounded, strict=True)
    ]


_ONE_LACKS: Final = Text("缺其中一方的数据，无法比对", "one of the two is not at hand: not comparable")


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
