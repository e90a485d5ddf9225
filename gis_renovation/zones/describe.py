"""The zones as features: shape, sums, the four bounds (东至/西至/南至/北至), and why each is a zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.crs import geodesic_area_m2, require_metric
from gis_renovation.ids import on_text_ids, with_ids
from gis_renovation.outlines import require_areas
from gis_renovation.sentences import with_sentences
from gis_renovation.unknowns import names_or_ids
from gis_renovation.zones.request import NEEDS, zone_by_member
from gis_renovation.zones.requirements import NOTHING_ASKED, ZoneRequirements
from gis_renovation.zones.sentences import drawn, read_scene, zone_sentence

SUMMED = ("households", "floor_area_m2", "cost_yuan", "building_count", *NEEDS)
# Sight lines looked along for each side; an odd number, so that the middle is one of them.
SIGHT_LINES = 9
SIDES = {"east": ("东", (1, 0)), "west": ("西", (-1, 0)), "south": ("南", (0, -1)), "north": ("北", (0, 1))}
# Pieces of one street or river drawn with gaps no wider than twice this still part what lies beside them.
GAP_M = 1.0
# A line through one community parts it if this share of it, or more, lies on either side: less is drawing error.
PARTED_SHARE = 0.25


class _Lines(NamedTuple):
    """Named lines of all layers with a tree to find them."""

    tree: shapely.STRtree
    shapes: Geometries
    names: list[str]


def describe_zones(  # noqa: PLR0913 - the layers that zones are described by
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    zone_changes: pd.DataFrame | None = None,
    reporting_units: gpd.GeoDataFrame | None = None,
    requirements: ZoneRequirements = NOTHING_ASKED,
    bound_reach_m: float = 150.0,
) -> gpd.GeoDataFrame:
    """One row a zone: its members' union, its sums, its four bounds, and why it is a zone.

    Parameters
    ----------
    communities, community_links, zone_members
        Layers of one run; polygons and lines in one projected CRS in metres.
    streets, barriers
        Lines (barriers also polygons) with ``name``, from which 东至/西至/南至/北至 are read. None: unknown.
        Those with members of the zone on both sides run through it and bound it nowhere.
    zone_changes
        The least change to an approved plan: its zones give their names to those that continue them.
    reporting_units
        Counties by ``unit_code``, for their names where zones of one name have to be told apart; codes without.
    requirements
        As for :func:`delineate_zones`: what the sentence measures the zone against.
    bound_reach_m
        How far from the zone's edge a street still bounds it.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``zones``, index ``zone_id``, sorted; (multi)polygons. A sum with any unknown member is
        unknown and ``<sum>_unknown_count`` says of how many. Communities left out are in no row; no
        zones give no rows with the same columns.

    Raises
    ------
    CRSError
        No common projected CRS in metres.

    Notes
    -----
    O(n + m + vertices) plus four times nine sight lines a zone.

    Examples
    --------
    Four communities in a row, 10 m apart; 550 households are close to the minimum of 500.

    >>> import geopandas as gpd
    >>> import numpy as np
    >>> import shapely
    >>> from gis_renovation.contiguity import link_communities
    >>> from gis_renovation.zones import delineate_zones
    >>> x = np.arange(4) * 110.0
    >>> communities = gpd.GeoDataFrame(
    ...     {"name": ["甲", "乙", "丙", "丁"], "households": [300, 250, 200, 600]},
    ...     index=["C1", "C2", "C3", "C4"],
    ...     geometry=shapely.box(x, 0.0, x + 100.0, 80.0),
    ...     crs="EPSG:4548",
    ... )
    >>> links = link_communities(communities)
    >>> asked = ZoneRequirements(households={"min": 500, "max": 900})
    >>> members = delineate_zones(communities, links, requirements=asked)
    >>> zones = describe_zones(communities, links, members, requirements=asked)
    >>> zones[["name", "households", "land_area_m2"]].to_dict("index")["Z-C1"]
    {'name': '甲片区', 'households': 550.0, 'land_area_m2': 16000.0}
    >>> zones.loc["Z-C1", "why_zh"].split("；")[:3]
    ['由甲、乙共 2 个小区组成，合计 550 户', '甲与乙相距 10 米，其间无阻隔', '户数 550 户，接近下限 500 户']
    """
    require_metric(communities=communities, streets=streets, barriers=barriers, **drawn(community_links))
    require_areas(communities=communities)
    communities, zone_members = on_text_ids(communities, "communities"), on_text_ids(zone_members, "zone_members")
    scene = read_scene(communities, community_links, zone_by_member(zone_members), requirements, barriers)
    frame = communities.loc[scene.ids]
    zone_ids = sorted(scene.members)
    groups = [list(scene.members[zone]) for zone in zone_ids]
    shapes = np.array([shapely.union_all(frame.geometry.to_numpy()[rows]) for rows in groups], dtype=object)
    index = pd.Index(zone_ids, dtype="str", name="zone_id")
    geometry = gpd.GeoSeries(gpd.array.from_shapely(shapes, crs=communities.crs), index=index)
    geodesic_m2 = geodesic_area_m2(frame)
    continued = _continued(zone_members, zone_changes)
    first_names = [scene.names[rows[0]] for rows in groups]
    own_names = _own_names(frame, zone_ids, first_names, groups, _county_names(reporting_units))
    columns = {
        "name": pd.array([continued["name"].get(zone) or own_names[zone] for zone in zone_ids], dtype="str"),
        "continues_zone_id": pd.array([continued["zone_id"].get(zone) for zone in zone_ids], dtype="str"),
        **_one_value(frame, groups),
        **four_bounds(
            geometry, [frame.geometry.to_numpy()[rows] for rows in groups], streets, barriers, reach_m=bound_reach_m
        ),
        "works_kind": pd.array(["single" if len(rows) == 1 else "contiguous" for rows in groups], dtype="str"),
        "community_count": pd.array([len(rows) for rows in groups], dtype="int64"),
        "land_area_m2": [float(frame.geometry.iloc[rows].area.sum()) for rows in groups],
        "geodesic_area_m2": [float(geodesic_m2[rows].sum()) for rows in groups],
        **_sums(frame, groups),
        **_years(frame, groups),
    }
    table = with_sentences(pd.DataFrame(columns, index=index), "why", [zone_sentence(scene, rows) for rows in groups])
    return gpd.GeoDataFrame(table, geometry=geometry)


def _own_names(
    frame: gpd.GeoDataFrame,
    zone_ids: Sequence[str],
    names: Sequence[str],
    groups: Sequence[list[int]],
    counties: Mapping[str, str],
) -> dict[str, str]:
    """Each zone's name after its first community; zones of one name carry county, subdistrict or id, as need be."""
    places = [
        frame[column].tolist() if column in frame else [None] * len(frame) for column in ("unit_code", "subdistrict")
    ]
    told = {zone: f"{name}片区" for zone, name in zip(zone_ids, names, strict=True)}
    for values in places:
        twice = _repeated(told)
        for zone, rows in zip(zone_ids, groups, strict=True):
            if zone in twice and isinstance(value := values[rows[0]], str):
                told[zone] += f"（{counties.get(value, value)}）"
    return {zone: f"{name}（{zone}）" if zone in _repeated(told) else name for zone, name in told.items()}


def _county_names(units: gpd.GeoDataFrame | None) -> dict[str, str]:
    """The counties' names by code, of those that have one."""
    named = {} if units is None else names_or_ids(with_ids(units, "reporting_units")).to_dict()
    return {str(code): name for code, name in named.items()}


def _repeated(names: dict[str, str]) -> set[str]:
    """The keys of names that several have."""
    count = Counter(names.values())
    return {key for key, name in names.items() if count[name] > 1}


def _continued(zone_members: pd.DataFrame, zone_changes: pd.DataFrame | None) -> dict[str, dict[str, str]]:
    """For each zone that continues an approved one, that one's name and id; nothing where none is followed."""
    if zone_changes is None or not zone_members["proof"].isin(["revised", "revised_near"]).any():
        return {"name": {}, "zone_id": {}}
    known = zone_changes[zone_changes["zone_id"].notna() & zone_changes["continues_zone_id"].notna()]
    found = known.drop_duplicates("zone_id").set_index("zone_id")
    return {
        name: {str(zone): str(value) for zone, value in found[column].dropna().items()}
        for name, column in (("name", "continues_name"), ("zone_id", "continues_zone_id"))
    }


def _sums(frame: gpd.GeoDataFrame, groups: Sequence[list[int]]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in SUMMED:
        values = (
            frame[name].to_numpy(dtype="float64", na_value=np.nan) if name in frame else np.full(len(frame), np.nan)
        )
        columns[name] = np.array([values[rows].sum() for rows in groups], dtype="float64")
        unknown = [int(np.isnan(values[rows]).sum()) for rows in groups]
        columns[f"{name}_unknown_count"] = pd.array(unknown, dtype="int64")
    return columns


def _years(frame: gpd.GeoDataFrame, groups: Sequence[list[int]]) -> dict[str, Any]:
    """Oldest and newest known year built."""
    years = (
        frame["year_built"].to_numpy(dtype="float64", na_value=np.nan)
        if "year_built" in frame
        else np.full(len(frame), np.nan)
    )
    known = [years[rows][~np.isnan(years[rows])] for rows in groups]
    return {
        "oldest_year_built": pd.array([int(values.min()) if len(values) else None for values in known], dtype="Int64"),
        "newest_year_built": pd.array([int(values.max()) if len(values) else None for values in known], dtype="Int64"),
    }


def _one_value(frame: gpd.GeoDataFrame, groups: Sequence[list[int]]) -> dict[str, Any]:
    """County unit and subdistrict: the one all members share, several joined by 、, null if unknown."""
    columns = {}
    for name in ("unit_code", "subdistrict"):
        values = frame[name].tolist() if name in frame else [None] * len(frame)
        found = [{value for row in rows if isinstance(value := values[row], str)} for rows in groups]
        columns[name] = pd.Series(["、".join(sorted(texts)) or None for texts in found], dtype="str").array
    return columns


def four_bounds(
    zones: gpd.GeoSeries,
    members: Sequence[Geometries],
    streets: gpd.GeoDataFrame | None,
    barriers: gpd.GeoDataFrame | None,
    *,
    reach_m: float,
) -> dict[str, Any]:
    """For each side the name met first along most sight lines outward from the zone's edge.

    ``members`` are the polygons of each zone's communities, zone by zone. A street or river with members
    on both of its sides runs through the zone and bounds none of its sides; the next name beyond it may.
    Returns columns ``east_bound`` … ``north_bound`` (null where no named line lies within ``reach_m``
    metres), ``extent_zh``, the usual phrase, and ``extent_en``. Of names met equally often the nearer
    wins, then the lesser. O(zones log lines).
    """
    lines = _named_lines(streets, barriers)
    found: dict[str, list[str | None]] = {side: [] for side in SIDES}
    for shape, own in zip(zones, members, strict=True):
        inner = _names_through(own, lines)
        for side, (_, direction) in SIDES.items():
            found[side].append(_bound(_sight_lines(shape, direction, reach_m), lines, inner))
    rows = range(len(zones))
    zh = ["，".join(f"{SIDES[side][0]}至{found[side][row] or '（待核）'}" for side in SIDES) for row in rows]
    en = [", ".join(f"{side} to {found[side][row] or '(to be checked)'}" for side in SIDES) for row in rows]
    columns = {f"{side}_bound": pd.array(values, dtype="str") for side, values in found.items()}
    return {"extent_zh": pd.array(zh, dtype="str"), "extent_en": pd.array(en, dtype="str"), **columns}


def _named_lines(*layers: gpd.GeoDataFrame | None) -> _Lines:
    shapes, names = [], []
    for layer in layers:
        if layer is None or "name" not in layer:
            continue
        for _, name, shape in sorted(
            zip(layer.index, layer["name"], layer.geometry, strict=True), key=lambda row: str(row[0])
        ):
            if isinstance(name, str) and name and shape is not None and not shape.is_empty:
                shapes.append(shape)
                names.append(name)
    return _Lines(shapely.STRtree(shapes), np.array(shapes, dtype=object), names)


def _names_through(members: Geometries, lines: _Lines) -> set[str]:
    """Names of the lines that run through a zone: all pieces of a name together part its communities."""
    hull = shapely.convex_hull(shapely.union_all(members))
    pieces: dict[str, list[shapely.Geometry]] = {}
    for row in sorted(lines.tree.query(hull, predicate="intersects")):
        pieces.setdefault(lines.names[row], []).append(lines.shapes[row])
    return {name for name, shapes in pieces.items() if _parts(shapes, hull, members)}


def _parts(shapes: Sequence[shapely.Geometry], hull: shapely.Geometry, members: Geometries) -> bool:
    """Whether a line cuts the hull so that communities, or much of one, lie on either side."""
    sides = shapely.get_parts(shapely.difference(hull, shapely.buffer(shapely.union_all(shapes), GAP_M)))
    if len(sides) < 2:
        return False
    inside = shapely.area(shapely.intersection(np.asarray(members)[:, None], sides[None, :]))
    share = inside / np.maximum(shapely.area(members), 1e-9)[:, None]
    home = share.argmax(axis=1)[share.max(axis=1) > 0]
    return len(set(home.tolist())) > 1 or bool((np.sort(share, axis=1)[:, -2] >= PARTED_SHARE).any())


def _bound(sights: Geometries, lines: _Lines, inner: set[str]) -> str | None:
    """The name that most sight lines meet first, those of ``inner`` aside."""
    sight, line = lines.tree.query(sights, predicate="intersects")
    starts = shapely.get_point(sights, 0)
    away = shapely.distance(starts[sight], shapely.intersection(sights[sight], lines.shapes[line]))
    first: dict[int, tuple[float, str]] = {}
    for ray, row, distance in zip(sight, line, away, strict=True):
        if lines.names[row] in inner:
            continue
        entry = (round(float(distance), 3), lines.names[row])
        first[int(ray)] = min(first.get(int(ray), entry), entry)
    votes: dict[str, list[float]] = {}
    for distance, name in first.values():
        votes.setdefault(name, []).append(distance)
    if not votes:
        return None
    return min(votes, key=lambda name: (-len(votes[name]), round(sum(votes[name]) / len(votes[name]), 3), name))


def _sight_lines(shape: shapely.Geometry, direction: tuple[int, int], reach_m: float) -> Geometries:
    """Lines outward from the zone's outermost points at even spacing across the direction looked in."""
    left, bottom, right, top = shapely.bounds(shape)
    across = (np.arange(SIGHT_LINES) + 0.5) / SIGHT_LINES
    dx, dy = direction
    if dx:
        y = bottom + across * (top - bottom)
        slices = shapely.linestrings([[(left - 1, v), (right + 1, v)] for v in y])
        edge = shapely.bounds(shapely.intersection(slices, shape))[:, 2 if dx > 0 else 0]
        ends = [[(x, v), (x + dx * reach_m, v)] for x, v in zip(edge, y, strict=True) if np.isfinite(x)]
    else:
        x = left + across * (right - left)
        slices = shapely.linestrings([[(v, bottom - 1), (v, top + 1)] for v in x])
        edge = shapely.bounds(shapely.intersection(slices, shape))[:, 3 if dy > 0 else 1]
        ends = [[(v, y), (v, y + dy * reach_m)] for y, v in zip(edge, x, strict=True) if np.isfinite(y)]
    return shapely.linestrings(ends) if ends else np.array([], dtype=object)
