"""Which communities are neighbours, across which gap, cut by what and joined again by what.

连片改造 needs neighbours, and compounds behind walls never quite touch: two communities are neighbours
when the gap between their edges is at most ``max_gap_m``. A river, railway, expressway, arterial or wall
cuts the link when it blocks *every* way across that gap; a bridge, underpass, gate or level crossing
joins it again at the price of the walk to it. County borders always cut, because each county reports and
pays for its own communities.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pandas.api.extensions import ExtensionArray

from gis_renovation.arrays import Flags, Floats, Geometries, Positions, Words
from gis_renovation.contiguity.barriers import barriers_met, prepare_barriers
from gis_renovation.contiguity.crossings import crossing_names, prepare_crossings
from gis_renovation.contiguity.judging import Between, Verdicts, judge_pairs
from gis_renovation.contiguity.limits import USUAL_LIMITS, LinkLimits
from gis_renovation.contiguity.pairs import DOT_M, Pairs, Places, gaps_and_lines, measured_pairs, outlines_of
from gis_renovation.contiguity.sentences import Facts, Judged, Sentences, feature_names, reason_sentences, taken_to_cut
from gis_renovation.contiguity.shared_lines import ties_of
from gis_renovation.contiguity.shared_walls import SharedWalls, walls_of
from gis_renovation.contiguity.streets import overlaps_told, streets_between, with_arterials
from gis_renovation.crs import require_metric
from gis_renovation.ids import sorted_by_id, with_ids
from gis_renovation.outlines import require_areas
from gis_renovation.unknowns import optional_column

STATUS = {
    "touching": "joined",
    "near": "joined",
    "around": "joined",
    "soft_barrier": "joined",
    "barrier": "cut",
    "unit_border": "cut",
    "subdistrict_border": "cut",
    "crossing": "rejoined",
}


class _Ground(NamedTuple):
    """What is drawn, each layer sorted by id: communities with the pairs near enough, barriers, crossings."""

    communities: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame | None
    crossings: gpd.GeoDataFrame | None
    places: Places
    pairs: Pairs


class _Told(NamedTuple):
    """What is said of the pairs: their reasons, and the names of the streets between them by row."""

    reasons: Sentences
    streets: dict[int, str]


def link_communities(  # noqa: PLR0913 - each is a layer that may lie between or tie neighbours
    communities: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    crossings: gpd.GeoDataFrame | None = None,
    *,
    reporting_units: gpd.GeoDataFrame | None = None,
    utility_lines: gpd.GeoDataFrame | None = None,
    slow_paths: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    limits: LinkLimits = USUAL_LIMITS,
    threads: int = 2,
) -> gpd.GeoDataFrame:
    """Every pair of communities at most ``max_gap_m`` apart, and why it is joined, cut or rejoined.

    The ways between two communities are the paths inside the *corridor* between their facing sides: the
    convex hull of what of each lies within ``max_gap_m`` of the other, as far as it is within that
    distance of both. Barriers are taken out of the corridor, widened so that an opening narrower than
    ``min_opening_m`` is none. If nothing of what is left leads from one community to the other, every
    way is blocked and the link is cut; a barrier across the shortest line alone cuts nothing. A cut
    link is rejoined when each barrier in the way has a crossing and the walk over it is short enough.
    Walks are straight lines from edge to crossing to edge, so a lower bound of the
    real walk; :mod:`gis_renovation.contiguity.barriers` says how the ways are searched.

    Parameters
    ----------
    communities
        Polygons in a projected CRS in metres, index the community id (a default index counts as ids
        "0", "1", ...); ``unit_code``, ``subdistrict`` are used where present, null is unknown and cuts nothing.
    barriers
        Lines or polygons, index the barrier id; ``kind``, ``name``, ``grade`` (1 no way over, 2 over at
        lights, 3 can be opened). None or empty: nothing blocks.
    crossings
        Points or lines, index the crossing id; ``kind``, ``name``, ``barrier_id``. None: whether there
        are crossings is unknown, and the reasons say so.
    reporting_units
        Counties by ``unit_code``, for their names in the reasons.
    utility_lines, slow_paths
        Lines that tie neighbours: mains by ``network`` and ``status``, paths. None: whether they share
        any is unknown, and the columns are null.
    streets
        Lines with ``class`` and ``name``: the one between two communities is named, and with ``arterials_cut``
        the arterials and expressways that no barrier stands for are barriers too.
    limits
        How far apart neighbours may lie, what cuts, and what a person on foot passes.
    threads
        Threads that measure; the answer does not depend on it.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``community_links``, lines, index ``link_id`` ("A~B" with A < B as text), sorted by
        ``focal`` and ``neighbor``. Empty with the same columns if nothing is near.

    Raises
    ------
    CRSError
        Layers without one projected CRS in metres.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n log n + candidates); the corridor is built only for pairs whose shortest line meets a barrier.

    Examples
    --------
    Two squares 40 m apart, and a railway down the middle of the gap:

    >>> from shapely import LineString, box
    >>> homes = gpd.GeoDataFrame(geometry=[box(0, 0, 9, 9), box(49, 0, 58, 9)], index=["A", "B"], crs="EPSG:4548")
    >>> rail = gpd.GeoDataFrame({"kind": ["railway"]}, geometry=[LineString([(29, -90), (29, 99)])], crs="EPSG:4548")
    >>> link_communities(homes)[["status", "cause", "gap_m"]]
             status cause  gap_m
    link_id
    A~B      joined  near   40.0
    >>> link_communities(homes, rail)[["status", "cause", "gap_m"]]
            status    cause  gap_m
    link_id
    A~B        cut  barrier   40.0
    """
    metric = require_metric(
        communities=communities,
        barriers=barriers,
        crossings=crossings,
        utility_lines=utility_lines,
        slow_paths=slow_paths,
        streets=streets,
    )
    require_areas(communities=communities)
    if limits.arterials_cut:
        barriers = with_arterials(barriers, streets, communities.crs)
    ground = _ground(communities, barriers, crossings, max_gap_m=limits.max_gap_m, threads=threads)
    places, pairs = ground.communities, ground.pairs
    alike = {column: _alike(places, pairs, column) for column in ("unit_code", "subdistrict", "owner_unit")}
    borders = _borders(alike, within_subdistrict=limits.within_subdistrict)
    walls = walls_of(ground.places.polygon, pairs, limits.wall_gap_m)
    judged = _judge(ground, _where_they_meet(pairs, walls), borders, limits)
    between = streets_between(sorted_by_id(streets, "streets"), pairs)
    facts = Facts(
        [] if ground.barriers is None else feature_names(ground.barriers, "barriers"),
        None if ground.crossings is None else crossing_names(ground.crossings, ground.barriers, limits),
        _sides(places, pairs, borders, reporting_units),
        limits.max_detour_m,
        overlaps_told(ground.places.polygon, pairs),
        between,
        {} if ground.barriers is None else taken_to_cut(ground.barriers),
    )
    same = {f"same_{column.removesuffix('_code')}": values.array for column, values in alike.items()}
    ties = same | ties_of(ground.places.polygon, pairs, utility_lines, slow_paths, limits.tie_reach_m)
    reasons = reason_sentences(pairs, judged, walls.length_m, facts)
    told = _Told(reasons, {row: street.name.zh for row, street in between.items()})
    frame = _columns(ground, judged, walls, ties, told)
    lines = drawn_links(ground.places.polygon, pairs, judged.line, walls.middle)
    return gpd.GeoDataFrame(frame, geometry=lines, crs=metric)


def _ground(
    communities: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    crossings: gpd.GeoDataFrame | None,
    *,
    max_gap_m: float,
    threads: int,
) -> _Ground:
    """The layers sorted by id, and the pairs of communities near enough."""
    communities = sorted_by_id(communities, "communities")
    barriers, crossings = sorted_by_id(barriers, "barriers"), sorted_by_id(crossings, "crossings")
    outlines = outlines_of(np.asarray(communities.geometry.to_numpy(), dtype=object), max_gap_m)
    pairs = Pairs(*measured_pairs(outlines, max_gap_m, threads, gaps_and_lines))
    polygons = np.asarray(communities.geometry.to_numpy(), dtype=object)
    return _Ground(communities, barriers, crossings, Places(polygons, outlines.tree, outlines.row), pairs)


def _alike(places: gpd.GeoDataFrame, pairs: Pairs, column: str) -> pd.Series[Any]:
    """Whether both communities of each pair have the same value; null unless both are known."""
    if column not in places:
        return pd.Series(pd.NA, index=range(len(pairs.first)), dtype="boolean")
    codes, _ = pd.factorize(places[column])
    one, other = codes[pairs.first], codes[pairs.second]
    return pd.Series(one == other, dtype="boolean").mask((one < 0) | (other < 0))


def _borders(alike: dict[str, pd.Series[Any]], *, within_subdistrict: bool) -> Words:
    """The border that cuts each pair, or an empty text."""
    cause = np.full(len(alike["unit_code"]), "", dtype=object)
    if within_subdistrict:
        cause[_differ(alike["subdistrict"])] = "subdistrict_border"
    cause[_differ(alike["unit_code"])] = "unit_border"
    return cause


def _sides(
    places: gpd.GeoDataFrame, pairs: Pairs, borders: Words, units: gpd.GeoDataFrame | None
) -> dict[int, tuple[str, str]]:
    """What lies on either side of the borders that cut, by row: counties by name where it is known."""
    known = {} if units is None else optional_column(with_ids(units, "reporting_units"), "name").dropna().to_dict()
    found: dict[int, tuple[str, str]] = {}
    for cause, column in (("unit_border", "unit_code"), ("subdistrict_border", "subdistrict")):
        rows = np.flatnonzero(borders == cause)
        if not len(rows):
            continue
        values = places[column].astype(object).map(lambda code: str(known.get(code, code))).tolist()
        for row, one, other in zip(rows.tolist(), pairs.first[rows].tolist(), pairs.second[rows].tolist(), strict=True):
            found[row] = (values[one], values[other])
    return found


def _differ(alike: pd.Series[Any]) -> Flags:
    """True where both values are known and differ."""
    return (~alike.fillna(value=True)).to_numpy(dtype=bool)


def _judge(ground: _Ground, at: Geometries, borders: Words, limits: LinkLimits) -> Judged:
    """The cause of each pair's status, with the barriers and crossings that matter."""
    pairs, free = ground.pairs, borders == ""
    cause = np.where(free, np.where(pairs.gap_m > 0, "near", "touching"), borders).astype(object)
    judged = Judged(cause, np.where(free, pairs.gap_m, np.nan), pairs.line.copy(), {}, {}, {})
    fences, bridges = ground.barriers, ground.crossings
    if fences is None or not len(fences):
        return judged
    shapes = np.asarray(fences.geometry.to_numpy(), dtype=object)
    cutting = _is_cutting(fences, limits.max_cutting_grade)
    hard, soft = (
        prepare_barriers(shapes[which], np.flatnonzero(which), min_opening_m=limits.min_opening_m)
        for which in (cutting, ~cutting)
    )
    ways = None
    if bridges is not None and len(bridges):
        ways = prepare_crossings(bridges, fences.index, (hard, soft), crossing_reach_m=limits.crossing_reach_m)
    rows = np.flatnonzero(free)
    for row, met in barriers_met(soft, ground.places, pairs, at, rows).items():
        judged.cause[row], judged.barriers[row] = "soft_barrier", met
    between = Between(ground.places, pairs, hard, ways)
    _write_verdicts(judged, judge_pairs(between, rows, max_gap_m=limits.max_gap_m, max_detour_m=limits.max_detour_m))
    return judged


def _is_cutting(fences: gpd.GeoDataFrame, max_cutting_grade: int) -> Flags:
    """Barriers that block: of a grade up to the limit, or of unknown grade (unknown is not passable)."""
    if "grade" not in fences:
        return np.ones(len(fences), dtype=bool)
    grade = pd.to_numeric(fences["grade"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(np.isnan(grade) | (grade <= max_cutting_grade))


def _write_verdicts(judged: Judged, verdicts: Verdicts) -> None:
    for row, (walk_m, line) in verdicts.around.items():
        judged.cause[row], judged.walk_m[row], judged.line[row] = "around", walk_m, line
        judged.barriers[row] = verdicts.past[row]
    for row, cut in verdicts.cut.items():
        judged.cause[row], judged.walk_m[row], judged.barriers[row] = "barrier", np.nan, cut.alone or cut.every
        judged.cuts[row] = cut
    for row, (walk_m, line, crossings) in verdicts.over.items():
        judged.cause[row], judged.walk_m[row], judged.line[row] = "crossing", walk_m, line
        judged.crossings[row] = crossings


def _where_they_meet(pairs: Pairs, walls: SharedWalls) -> Geometries:
    """Where a barrier between the two is looked for first: the middle of a shared wall, else the shortest line."""
    at = pairs.line.copy()
    walled = np.flatnonzero(~np.isnan(walls.middle[:, 0]))
    at[walled] = shapely.points(walls.middle[walled])
    return at


# --- the layer ------------------------------------------------------------------------------------


def _columns(
    ground: _Ground, judged: Judged, walls: SharedWalls, ties: dict[str, ExtensionArray], told: _Told
) -> pd.DataFrame:
    """The layer's columns in the order of its schema."""
    reasons = told.reasons
    ids, pairs = ground.communities.index.to_numpy(dtype=object), ground.pairs
    focal, neighbor = ids[pairs.first].tolist(), ids[pairs.second].tolist()
    barrier, crossing = (_first_of(found, len(focal)) for found in (judged.barriers, judged.crossings))
    columns = {
        "focal": pd.array(focal, dtype="str"),
        "neighbor": pd.array(neighbor, dtype="str"),
        "status": pd.array([STATUS[cause] for cause in judged.cause], dtype="str"),
        "cause": pd.array(judged.cause, dtype="str"),
        "gap_m": pairs.gap_m,
        "walk_m": judged.walk_m,
        "shared_wall_m": walls.length_m,
        "barrier_id": _picked(ground.barriers, None, barrier),
        "barrier_ids": _needed_ids(ground.barriers, judged),
        "barrier_kind": _picked(ground.barriers, "kind", barrier),
        "crossing_id": _picked(ground.crossings, None, crossing),
        "crossing_kind": _picked(ground.crossings, "kind", crossing),
        "street_between": pd.array([told.streets.get(row) for row in range(len(focal))], dtype="str"),
        **ties,
        "reason_zh": pd.array(reasons.zh, dtype="str"),
        "reason_en": pd.array(reasons.en, dtype="str"),
    }
    links = [f"{one}~{other}" for one, other in zip(focal, neighbor, strict=True)]
    return pd.DataFrame(columns, index=pd.Index(links, dtype="str", name="link_id"))


def _needed_ids(barriers: gpd.GeoDataFrame | None, judged: Judged) -> ExtensionArray:
    """For each pair cut by barriers the ids of all that need a crossing; null for the others."""
    ids = [] if barriers is None else barriers.index.tolist()
    told = np.full(len(judged.cause), None, dtype=object)
    for row, cut in judged.cuts.items():
        if judged.cause[row] == "barrier":
            told[row] = "、".join(str(ids[position]) for position in cut.needed)
    return pd.array(told, dtype="str")


def _first_of(found: dict[int, tuple[int, ...]], count: int) -> Positions:
    """The first position found for each row, -1 where there is none."""
    first = np.full(count, -1, dtype=np.intp)
    first[list(found)] = [which[0] for which in found.values()]
    return first


def _picked(layer: gpd.GeoDataFrame | None, column: str | None, at: Positions) -> ExtensionArray:
    """Ids, or a column, of the features at the positions; null for -1."""
    picked = np.full(len(at), None, dtype=object)
    if layer is not None and (column is None or column in layer):
        values = layer.index if column is None else layer[column]
        picked[at >= 0] = np.asarray(values, dtype=object)[at[at >= 0]]
    return pd.array(picked, dtype="str")


def drawn_links(polygons: Geometries, pairs: Pairs, lines: Geometries, middle: Floats) -> gpd.array.GeometryArray:
    """The links as lines one can see: where communities touch, from inside one to inside the other.

    ``lines`` is changed; ``middle`` is that of the longest shared wall of each pair, NaN where there is none.
    """
    dots = np.flatnonzero(shapely.length(lines) < DOT_M)
    if len(dots):
        contact = middle[dots]
        bare = np.isnan(contact[:, 0])
        contact[bare] = shapely.get_coordinates(shapely.get_point(pairs.line[dots[bare]], 0))
        inside = [
            shapely.get_coordinates(shapely.point_on_surface(polygons[at[dots]])) for at in (pairs.first, pairs.second)
        ]
        path = np.stack([inside[0], contact, inside[1]], axis=1)
        # The same community drawn twice: a line must still have a length.
        path[(np.ptp(path, axis=1) < DOT_M).all(axis=1), 2, 0] += 1.0
        lines[dots] = shapely.linestrings(path)
    return gpd.array.from_shapely(lines)
