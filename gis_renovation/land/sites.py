"""What the land-status check is made for: zones, projects as the ground of their communities, parcels they touch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Floats, Geometries
from gis_renovation.crs import geodesic_area_m2, require_metric
from gis_renovation.errors import DataError, Finding, by_key
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.measures import NO_AREA_M2, numbers_of
from gis_renovation.numerals import M2_A_MU
from gis_renovation.outlines import require_areas
from gis_renovation.overlays import are_slivers, overlap_areas
from gis_renovation.words import Text

AREA_DIGITS: Final = 2
MU_DIGITS: Final = 4


def polygons_of(layer: gpd.GeoDataFrame) -> Geometries:
    """The layer's geometry as an array of shapely objects."""
    return np.asarray(layer.geometry.to_numpy(), dtype=object)


def round_to_total(parts: Floats, total: float, digits: int) -> Floats:
    """Parts rounded to ``digits`` decimals whose sum is exactly the rounded total.

    Largest remainder: every part is rounded down, then the units still lacking go to the parts that
    lost most, the earlier one on a tie; no part moves by more than one unit. ``parts`` sum to
    ``total`` but for rounding error. O(n log n).
    """
    scale = 10.0**digits
    target = round(total * scale)
    units = np.floor(np.asarray(parts) * scale + 1e-6)
    lacking = int(target - units.sum())
    order = np.argsort(-(np.asarray(parts) * scale - units), kind="stable")
    if lacking < 0:
        order = order[::-1]
    step = np.sign(lacking)
    for position in range(abs(lacking)):
        units[order[position % len(order)]] += step
    # Not -0.0, which would be printed with a sign.
    return np.round(units / scale, digits) + 0.0


@layers_on_text_ids
def outline_land_sites(
    zones: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame | None = None,
    projects: pd.DataFrame | None = None,
    project_communities: pd.DataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Every zone, and every project as the ground of its communities: what the check is made for.

    Parameters
    ----------
    zones, communities
        Polygons indexed by zone_id and community_id, in one projected CRS in metres.
    projects, project_communities
        Tables; without them only zones are checked.

    Returns
    -------
    GeoDataFrame indexed and sorted by site_id (the zone's or the project's id): kind (zone or
    project), name, area_m2 (planar), geodesic_area_m2, left_m, bottom_m, right_m, top_m (extent).
    Projects none of whose communities has a place are left out with a warning. Empty in, empty out.

    Raises
    ------
    CRSError; DataError when a zone and a project share an id. O(vertices).

    Examples
    --------
    A zone of 100 by 60 m, and a project in its one community:

    >>> import geopandas as gpd
    >>> import pandas as pd
    >>> from shapely import box
    >>> zones = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 60)], index=["Z1"], crs="EPSG:4548")
    >>> communities = gpd.GeoDataFrame(geometry=[box(0, 0, 40, 60)], index=["C1"], crs="EPSG:4548")
    >>> projects = pd.DataFrame(index=["J1"])
    >>> members = pd.DataFrame({"project_id": ["J1"], "community_id": ["C1"]})
    >>> outline_land_sites(zones, communities, projects, members)[["kind", "area_m2"]].to_numpy().tolist()
    [['project', 2400.0], ['zone', 6000.0]]
    """
    require_metric(zones=zones, communities=communities)
    require_areas(zones=zones)
    names = zones["name"] if "name" in zones.columns else pd.Series(None, index=zones.index, dtype="str")
    parts = [gpd.GeoDataFrame({"kind": "zone", "name": names}, geometry=zones.geometry, crs=zones.crs)]
    if projects is not None and project_communities is not None and communities is not None:
        parts.append(_project_grounds(projects, project_communities, communities))
    sites = pd.concat(parts).rename_axis("site_id").sort_index()
    twice = sites.index[sites.index.duplicated()]
    if len(twice):
        zh = "片区与项目编号相同，无法区分；请修改项目编号。"
        raise DataError([_fault("projects", zh, "a zone and a project have the same id; rename the project.", twice)])
    sites = gpd.GeoDataFrame(sites, geometry="geometry", crs=zones.crs)
    sites["area_m2"] = shapely.area(polygons_of(sites))
    sites["geodesic_area_m2"] = geodesic_area_m2(sites)
    sites[["left_m", "bottom_m", "right_m", "top_m"]] = shapely.bounds(polygons_of(sites)).reshape(-1, 4)
    return sites.astype({"kind": "str", "name": "str"})


def _project_grounds(projects: pd.DataFrame, members: pd.DataFrame, communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    located = members[members["community_id"].isin(communities.index) & members["project_id"].isin(projects.index)]
    lost = sorted(set(projects.index) - set(located["project_id"]))
    if lost:
        warnings.warn(
            f"{len(lost)} 个项目没有可定位的小区，未作用地核查 / projects without a located community were not "
            f"checked: {', '.join(map(str, lost[:5]))}",
            stacklevel=3,
        )
    located = located.drop_duplicates().sort_values(["project_id", "community_id"])
    grounds = {
        str(project): shapely.union_all(polygons_of(communities.loc[ids]))
        for project, ids in located.groupby("project_id")["community_id"]
    }
    index = pd.Index(list(grounds), dtype=object)
    names = projects["name"].reindex(index) if "name" in projects.columns else pd.Series(None, index=index, dtype="str")
    return gpd.GeoDataFrame(
        {"kind": ["project"] * len(index), "name": names},
        geometry=list(grounds.values()),
        index=index,
        crs=communities.crs,
    )


def _fault(layer: str, zh: str, en: str, ids: Sequence[object]) -> Finding:
    return Finding(severity="error", code="duplicate_key", layer=layer, text=Text(zh, en), features=by_key(ids))


_PARCEL_FACTS = (
    "ownership",
    "right_type",
    "holder_kind",
    "holder_name",
    "certificate_no",
    "registered_use",
    "term_end_on",
)


@layers_on_text_ids
def list_touched_parcels(
    land_sites: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame, *, sliver_width_m: float = 1.0
) -> pd.DataFrame:
    """Every parcel a site shares ground with: whose it is, under which right, and how much of it.

    Parameters
    ----------
    land_sites, parcels
        Polygons by site_id and parcel_id in one projected CRS in metres.
    sliver_width_m
        Overlaps nowhere as wide as this are slivers.

    Returns
    -------
    DataFrame, rows by site_id and parcel_id: map_number (1, 2, ... in each site: the number on its map),
    state (touched or sliver), area_in_m2 (inside the site,
    to 0.01), area_in_mu, share_in (of the parcel), drawn_area_m2, geodesic_area_m2,
    registered_area_m2 (as registered, never overwritten), area_difference_share (drawn by
    registered, less one), and the register's ownership, right_type, holder_kind, holder_name,
    certificate_no, registered_use, term_end_on. No parcel touched: no rows.

    Raises
    ------
    CRSError. O(n log n + rim vertices).

    Examples
    --------
    Of a parcel of 80 by 60 m, half lies in the site:

    >>> import geopandas as gpd
    >>> from shapely import box
    >>> sites = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 60)], index=["Z1"], crs="EPSG:4548")
    >>> parcels = gpd.GeoDataFrame(geometry=[box(60, 0, 140, 60)], index=["P1"], crs="EPSG:4548")
    >>> touched = list_touched_parcels(sites, parcels)
    >>> touched[["site_id", "parcel_id", "area_in_m2", "area_in_mu", "share_in"]].to_numpy().tolist()
    [['Z1', 'P1', 2400.0, 3.6, 0.5]]
    """
    require_metric(land_sites=land_sites, parcels=parcels)
    sites, parcels = land_sites.sort_index(), parcels.sort_index()
    pairs = overlap_areas(polygons_of(sites), polygons_of(parcels))
    keep = pairs.area_m2 >= NO_AREA_M2
    sliver = are_slivers(polygons_of(sites), polygons_of(parcels), pairs, width_m=sliver_width_m)[keep]
    site, at, area = pairs.shape[keep], pairs.cover[keep], pairs.area_m2[keep]
    own = parcels.iloc[at]
    drawn = shapely.area(polygons_of(own))
    registered = numbers_of(own, "registered_area_m2")
    frame = pd.DataFrame(
        {
            "site_id": sites.index.to_numpy(dtype=object)[site],
            "parcel_id": own.index.to_numpy(dtype=object),
            "map_number": pd.Series(site).groupby(site).cumcount().to_numpy(np.int64) + 1,
            "state": np.where(sliver, "sliver", "touched"),
            "area_in_m2": np.round(area, AREA_DIGITS),
            "area_in_mu": np.round(area / M2_A_MU, MU_DIGITS),
            "share_in": np.minimum(area / drawn, 1.0),
            "drawn_area_m2": drawn,
            "geodesic_area_m2": geodesic_area_m2(own),
            "registered_area_m2": registered,
            "area_difference_share": drawn / np.where(registered > 0.0, registered, np.nan) - 1.0,
        }
    )
    for name in _PARCEL_FACTS:
        frame[name] = own[name].to_numpy(dtype=object) if name in own.columns else None
    words = ["site_id", "parcel_id", "state", *(name for name in _PARCEL_FACTS if name != "term_end_on")]
    return frame.astype(dict.fromkeys(words, "str") | {"term_end_on": object})
