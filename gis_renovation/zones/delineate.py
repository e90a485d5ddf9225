"""Contiguous renovation zones (连片改造片区): which communities are renovated together, and why.

Communities are joined over the links that :mod:`gis_renovation.contiguity.links` found usable (status
``joined`` or ``rejoined``). Without bounds, zones are the connected components of these links. With
bounds, zones leave as few communities out as possible, then come as near as possible to the number or
size asked for, then are as compact and as alike as possible; small and middling components are solved to
proven optimality, and every component says how near to the best it is known to be. Unknown sums stay
unknown and say of how many communities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.crs import geodesic_area_m2, require_metric
from gis_renovation.sentences import with_sentences
from gis_renovation.words import Sentence, Text, counted
from gis_renovation.zones.bounds import four_bounds
from gis_renovation.zones.changes import change_reasons
from gis_renovation.zones.proof import ComponentProof, Solution, solve, zone_names
from gis_renovation.zones.requirements import (
    NEEDS,
    NOTHING_ASKED,
    Ids,
    Request,
    ZoneRequirements,
    components,
    read_request,
)
from gis_renovation.zones.revision import revise
from gis_renovation.zones.schedule import order_works
from gis_renovation.zones.sentences import Scene, Shortfall, missed_number, read_scene, shortfalls, zone_sentence
from gis_renovation.zones.sheets import sheet_records
from gis_renovation.zones.solver import Labels, SearchEffort
from gis_renovation.zones.stability import TWENTY_TRIALS, StabilityTrials, measure_stability

FULL_EFFORT = SearchEffort()
REVISION_EFFORT = SearchEffort(max_subsets=1_000_000)
SUMMED = ("households", "floor_area_m2", "cost_yuan", "building_count", *NEEDS)
PROOF_COLUMNS = (
    "proof",
    "left_out_count",
    "left_out_bound_count",
    "zone_count",
    "zone_count_bound",
    "objective",
    "objective_bound",
    "gap_share",
    "candidate_count",
    "seed",
)
# What a workbook of a run, or a person, writes in place of a zone where there is none.
NO_ZONE = ("未纳入任何片区", "未纳入", "—")
COUNTS = ("left_out_count", "left_out_bound_count", "zone_count", "zone_count_bound", "candidate_count", "seed")
SHARES = ("objective", "objective_bound", "gap_share")


def delineate_zones(
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    zone_changes: pd.DataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    follow_approved: bool = True,
    requirements: ZoneRequirements = NOTHING_ASKED,
    effort: SearchEffort = FULL_EFFORT,
) -> pd.DataFrame:
    """The zone of every community, and how good the zoning of its component is proven to be.

    In order: as few communities left out as possible; then the number of zones asked for, or sums near
    the target; then the least cost, which adds up squared distances of members from their zone's centre
    (in median link lengths), likeness of age (decades) and needs, and the worth of the links cut (more
    for narrow gaps and shared walls). Zones are always connected over usable links.

    Parameters
    ----------
    communities
        Polygons in a projected CRS in metres, index the community id. Bounded columns must be known.
    community_links
        As :func:`contiguity.link_communities` gives them; ``joined`` and ``rejoined`` ones connect.
    zone_changes
        The least change to an approved plan, as :func:`revise_zones` gives it; None: there is none.
    barriers
        For their names in the sentences; None: barriers go by their kind and id.
    follow_approved
        Whether the zones are those of ``zone_changes`` where it is given. With False they are formed anew.
    requirements
        Bounds, wishes and weights; without any, zones are the connected components.
    effort
        How long to search, and how far to prove.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_members``, index ``community_id``, sorted. ``zone_id`` is ``Z-`` and the smallest
        member's id, null when left out; ``reason_zh``/``reason_en`` then say why and what would help.
        ``component_id`` names what was solved as one; the other columns repeat its proof.

    Raises
    ------
    CRSError
        No common projected CRS in metres.
    ConfigError
        Wishes that contradict themselves or name unknown communities; all at once.
    DataError
        No communities, repeated ids, links to unknown communities, unknown or negative bounded values.

    Notes
    -----
    Search O(sweeps x m log m); proof as :mod:`gis_renovation.zones.solver.pricing`.
    """
    require_metric(communities=communities, community_links=community_links)
    request = read_request(communities, community_links, requirements)
    if zone_changes is not None and follow_approved:
        members = _followed_frame(request, zone_changes)
    else:
        members = _members_frame(request, solve(request, effort), effort.seed)
    reasons = _left_out_reasons(communities, community_links, barriers, members, requirements)
    return with_sentences(members, "reason", reasons)


def describe_zones(
    communities: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    community_links: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    zone_changes: pd.DataFrame | None = None,
    *,
    requirements: ZoneRequirements = NOTHING_ASKED,
    bound_reach_m: float = 150.0,
) -> gpd.GeoDataFrame:
    """One row a zone: its members' union, its sums, its four bounds, and why it is a zone.

    Parameters
    ----------
    communities, zone_members, community_links
        Layers of one run; polygons and lines in one projected CRS in metres.
    streets, barriers
        Lines (barriers also polygons) with ``name``, from which 东至/西至/南至/北至 are read. None: unknown.
        Those with members of the zone on both sides run through it and bound it nowhere.
    zone_changes
        The least change to an approved plan: its zones give their names to those that continue them.
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
    """
    require_metric(communities=communities, community_links=community_links, streets=streets, barriers=barriers)
    scene = read_scene(communities, community_links, _zone_of(zone_members), requirements, barriers)
    frame = communities.loc[scene.ids]
    zone_ids = sorted(scene.members)
    groups = [list(scene.members[zone]) for zone in zone_ids]
    shapes = np.array([_union(frame.geometry.to_numpy()[rows]) for rows in groups], dtype=object)
    index = pd.Index(zone_ids, dtype="str", name="zone_id")
    geometry = gpd.GeoSeries(gpd.array.from_shapely(shapes, crs=communities.crs), index=index)
    geodesic_m2 = geodesic_area_m2(frame)
    continued = _continued(zone_members, zone_changes)
    own_names = {zone: f"{scene.names[rows[0]]}片区" for zone, rows in zip(zone_ids, groups, strict=True)}
    columns = {
        "name": pd.array([continued["name"].get(zone) or own_names[zone] for zone in zone_ids], dtype="str"),
        "continues_zone_id": pd.array([continued["zone_id"].get(zone) for zone in zone_ids], dtype="str"),
        **_one_value(frame, groups),
        **four_bounds(
            geometry, [frame.geometry.to_numpy()[rows] for rows in groups], streets, barriers, reach_m=bound_reach_m
        ),
        "community_count": pd.array([len(rows) for rows in groups], dtype="int64"),
        "land_area_m2": [float(frame.geometry.iloc[rows].area.sum()) for rows in groups],
        "geodesic_area_m2": [float(geodesic_m2[rows].sum()) for rows in groups],
        **_sums(frame, groups),
        **_years(frame, groups),
    }
    table = with_sentences(pd.DataFrame(columns, index=index), "why", [zone_sentence(scene, rows) for rows in groups])
    return gpd.GeoDataFrame(table, geometry=geometry)


def prove_zones(
    zone_members: pd.DataFrame,
    community_links: pd.DataFrame | None = None,
    *,
    requirements: ZoneRequirements = NOTHING_ASKED,
) -> pd.DataFrame:
    """The proof of each component: what was reached, what is the best possible, and the gap between.

    ``requirements`` as for :func:`delineate_zones`: where their ``zone_count`` is not met, the sentence says how near
    one comes and, with ``community_links``, whether that is because the communities are not linked.

    Returns layer ``zone_proof``, index ``component_id``, sorted: communities, zones, communities left
    out, objective, their bounds, gap and seed, with a sentence. Empty in, empty out. O(n).
    """
    grouped = zone_members.groupby("component_id", sort=True)
    table = grouped[list(PROOF_COLUMNS)].first()
    table.insert(0, "community_count", grouped.size().astype("int64"))
    missed = missed_number(requirements.zone_count, zone_members, community_links)
    texts = [_proof_text(cast("dict[str, Any]", row), missed) for row in table.to_dict("records")]
    table.index = pd.Index(table.index, dtype="str", name="component_id")
    return with_sentences(table, "reason", [Sentence(text) for text in texts])


def explain_shortfalls(
    communities: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    community_links: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    requirements: ZoneRequirements = NOTHING_ASKED,
) -> gpd.GeoDataFrame:
    """Why communities were left out, group by group, and the least change that would give them a zone.

    Arguments as for :func:`describe_zones`. A change named in the sentence suffices: with that limit, or
    that crossing, the group is or joins a zone that keeps all bounds.

    Returns layer ``zone_shortfalls``, index ``shortfall_id`` (``S-`` and the smallest id), sorted;
    (multi)polygons. Nothing left out gives no rows with the same columns. O(n + m).
    """
    require_metric(communities=communities, community_links=community_links)
    scene = read_scene(communities, community_links, _zone_of(zone_members), requirements, barriers)
    found = sorted(shortfalls(scene), key=lambda entry: str(scene.ids[entry.rows[0]]))
    shapes = communities.loc[scene.ids].geometry.to_numpy()
    geometry = np.array([_union(shapes[list(entry.rows)]) for entry in found], dtype=object)
    index = pd.Index([f"S-{scene.ids[entry.rows[0]]}" for entry in found], dtype="str", name="shortfall_id")
    table = pd.DataFrame(_shortfall_columns(scene, found), index=index)
    table = with_sentences(table, "reason", [entry.sentence for entry in found])
    return gpd.GeoDataFrame(table, geometry=gpd.array.from_shapely(geometry, crs=communities.crs))


def measure_zone_stability(
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    *,
    requirements: ZoneRequirements = NOTHING_ASKED,
    effort: SearchEffort = FULL_EFFORT,
    trials: StabilityTrials = TWENTY_TRIALS,
) -> gpd.GeoDataFrame:
    """How firmly each community belongs with its zone mates, over other seeds and shaken inputs.

    Each run takes another seed and every bounded amount off by up to the error share of the trials (counts
    of communities excepted), zones the city anew, and is compared with ``zone_members``. A community
    left out has no mates but itself. What would move with a five per cent error in the records should
    not be argued as necessary.

    Parameters
    ----------
    communities, community_links, requirements
        As for :func:`delineate_zones`.
    zone_members
        The zoning to judge.
    effort
        Its seed, columns and nodes; for its sweeps and subsets stand those of ``trials``.
    trials
        How many runs, how far off the amounts, and how light a run is.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``zone_stability``, index ``community_id``, sorted; the communities' polygons with
        ``zone_id``, ``same_mates_share`` (share of runs with exactly the same mates),
        ``mates_overlap_share`` (mean share of mates, old or new, that stay) and ``run_count``.

    Raises
    ------
    As :func:`delineate_zones`.

    Notes
    -----
    As many times as there are runs the cost of a light zoning.
    """
    require_metric(communities=communities, community_links=community_links)
    request = read_request(communities, community_links, requirements)
    light = replace(effort, sweeps=trials.stability_sweeps, max_subsets=trials.stability_subsets)
    found = measure_stability(
        request,
        _zone_numbers(request.ids, _zone_of(zone_members)),
        light,
        runs=trials.stability_runs,
        error_share=trials.stability_error_share,
    )
    index = pd.Index(request.ids, dtype="str", name="community_id")
    zone_of = _zone_of(zone_members)
    columns = {
        "zone_id": pd.array([zone_of.get(member) for member in request.ids], dtype="str"),
        "same_mates_share": np.round(found.same_share, 9),
        "mates_overlap_share": np.round(found.overlap_share, 9),
        "run_count": pd.array([trials.stability_runs] * len(index), dtype="int64"),
    }
    shapes = communities.loc[request.ids].geometry.to_numpy()
    return gpd.GeoDataFrame(
        pd.DataFrame(columns, index=index), geometry=gpd.array.from_shapely(shapes, crs=communities.crs)
    )


def revise_zones(
    approved_zones: pd.DataFrame,
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    requirements: ZoneRequirements = NOTHING_ASKED,
    effort: SearchEffort = REVISION_EFFORT,
) -> pd.DataFrame:
    """The nearest feasible zoning to an approved one after the list has changed, and what moved and why.

    In order: fewest communities left out, then fewest communities that leave their approved zone for
    another or for none, then least cost. Each zone may continue one approved zone; communities new to the
    list move nowhere. Exact where a component's candidates can be listed; elsewhere only
    the disturbed zones and those next to them are solved anew (``is_proven`` says which).

    Parameters
    ----------
    approved_zones
        The approved zoning: index community id, ``zone_id`` (null: left out), ``zone_name`` where known.
        Communities that are not in ``communities`` any more were dropped.
    communities, community_links, barriers
        The list, links and barriers as they are now.
    requirements
        As for :func:`delineate_zones`. How many zones there are follows from the approved plan: number,
        preference and target of zones do not count here.
    effort
        Its subsets, columns and nodes; nothing is searched for.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_changes``, index ``community_id``, sorted, of approved and present communities:
        ``approved_zone_id``, ``zone_id`` (named for its smallest member), ``continues_zone_id`` and
        ``continues_name`` (the approved zone that the present one continues), ``change`` (kept, moved,
        added, dropped, left_out, still_out), ``is_proven`` and a reason.

    Raises
    ------
    As :func:`delineate_zones`.
    """
    require_metric(communities=communities, community_links=community_links)
    requirements = replace(requirements, zone_count=None, zone_preference="auto", target=None)
    request = read_request(communities, community_links, requirements)
    approved = {member: zone for member, zone in _zone_of(approved_zones).items() if zone and zone not in NO_ZONE}
    revision = revise(request, approved, effort)
    zone_of = dict(zip(request.ids, zone_names(request.ids, revision.zone), strict=True))
    scene = read_scene(communities, community_links, zone_of, requirements, barriers)
    continues = {
        zone_of[member]: revision.continues.get(int(number))
        for member, number in zip(request.ids, revision.zone, strict=True)
    }
    proven = dict(zip(request.ids, revision.is_proven.tolist(), strict=True))
    ids = sorted({*map(str, approved_zones.index), *request.ids})
    table = change_reasons(scene, ids, approved, zone_of, continues, proven)
    named = (
        approved_zones.dropna(subset=["zone_id"]).drop_duplicates("zone_id") if "zone_name" in approved_zones else None
    )
    names = {} if named is None else dict(zip(named["zone_id"], named["zone_name"], strict=True))
    table.insert(3, "continues_name", table["continues_zone_id"].map(names).astype("str"))
    return table


def order_zone_works(
    zones: gpd.GeoDataFrame,
    *,
    budgets_yuan: Mapping[str, float] | None = None,
    carry_over: bool = False,
    works_need_weight: float = 0.5,
    works_age_weight: float = 0.5,
    fixed_years: Mapping[str, int] | None = None,
    max_nodes: int = 500,
) -> pd.DataFrame:
    """Which zone is built in which year under yearly budgets (滚动计划).

    A zone is built within one year. As much as possible is built in all, and most of it early, measured
    in households raised by basic needs per household and by age (each by its weight at most).

    Parameters
    ----------
    zones
        As :func:`describe_zones` gives them. Zones of unknown cost get no year.
    budgets_yuan
        Money of each year, ``{"2025": 1.2e7, ..}``. None: no zone gets a year.
    carry_over
        Whether what a year leaves goes to the next.
    works_need_weight, works_age_weight
        How much the neediest and the oldest zone count above their households (0.5: half as much again).
    fixed_years
        Years already decided, ``{"Z-..": 2025}``; kept where the budget allows.
    max_nodes
        Work limit of the integer programme.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_schedule``, index ``zone_id``, sorted: ``work_year`` (null: reserve), ``work_rank``,
        cost, what its year has left, priority, ``is_proven``, and a sentence. No zones, no rows.

    Raises
    ------
    ConfigError
        Budgets that are negative or not for years; unknown zones or years in ``fixed_years``.
    """
    return order_works(
        zones,
        budgets_yuan or {},
        carry_over=carry_over,
        need_weight=works_need_weight,
        age_weight=works_age_weight,
        fixed_years=fixed_years or {},
        node_limit=max_nodes,
    )


def zone_sheets(
    zones: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame | None = None,
    utility_lines: gpd.GeoDataFrame | None = None,
    projects: pd.DataFrame | None = None,
    project_communities: pd.DataFrame | None = None,
    funds: pd.DataFrame | None = None,
    *,
    facility_reach_m: float = 300.0,
    utility_reach_m: float = 10.0,
) -> pd.DataFrame:
    """One record a zone with what its sheet in the scheme book says (片区登记表).

    Name, subdistrict, four bounds, area, communities, sums, needs by class, shared walls that could be
    opened, facilities within reach and those the complete-community standard expects but are not,
    utility operators, projects, money by basis and planned money by source, and why it is a zone.

    Parameters
    ----------
    zones, zone_members, communities, community_links
        Layers of one run; projected CRS in metres.
    facilities, utility_lines, projects, project_communities, funds
        What else is known; None leaves the columns unknown. Money of a project over several zones is
        counted in none, because nobody has split it; the project is named in each.
    facility_reach_m
        Straight-line reach from the zone's edge (300 m: 五分钟生活圈, GB 50180-2018; a guide value).
    utility_reach_m
        Lines this near belong to a zone's operators.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_sheets``, index ``zone_id``, sorted. No zones, no rows.

    Raises
    ------
    CRSError
        No common projected CRS in metres.
    """
    require_metric(
        zones=zones,
        communities=communities,
        community_links=community_links,
        facilities=facilities,
        utility_lines=utility_lines,
    )
    return sheet_records(
        zones,
        zone_members,
        communities,
        community_links,
        facilities,
        utility_lines,
        projects,
        project_communities,
        funds,
        facility_reach_m=facility_reach_m,
        utility_reach_m=utility_reach_m,
    )


# --- frames ---------------------------------------------------------------------------------------


def _zone_numbers(ids: Ids, zone_of: Mapping[str, str | None]) -> Labels:
    """Number of each community's zone, -1 left out."""
    number = {name: place for place, name in enumerate(sorted({z for z in zone_of.values() if z is not None}))}
    return np.array(
        [number[zone] if (zone := zone_of.get(member)) is not None else -1 for member in ids], dtype=np.int64
    )


def _zone_of(zone_members: pd.DataFrame) -> dict[str, str | None]:
    known = zone_members["zone_id"].notna()
    return {str(member): str(zone) for member, zone in zone_members.loc[known, "zone_id"].items()}


def _members_frame(request: Request, solution: Solution, seed: int) -> pd.DataFrame:
    first = pd.Series(np.arange(len(request.ids))).groupby(solution.component).transform("min").to_numpy()
    fixed = {member for group in request.requirements.fixed_zones for member in group}
    heads = np.unique(first)
    without = "whole" if request.requirements.is_plain else "unknown"
    rows = [
        _proof_row(solution.proofs.get(int(row)), "fixed" if request.ids[row] in fixed else without, seed)
        for row in heads
    ]
    by_component = pd.DataFrame(rows, columns=list(PROOF_COLUMNS))
    table = by_component.iloc[np.searchsorted(heads, first)]
    table.index = pd.Index(request.ids, dtype="str", name="community_id")
    table.insert(0, "zone_id", pd.Series(zone_names(request.ids, solution.zone), index=table.index, dtype="str"))
    names = [f"K-{request.ids[row]}" for row in first]
    table.insert(1, "component_id", pd.Series(names, index=table.index, dtype="str"))
    return table.astype({**dict.fromkeys(COUNTS, "Int64"), **dict.fromkeys(SHARES, "float64"), "proof": "str"})


def _followed_frame(request: Request, zone_changes: pd.DataFrame) -> pd.DataFrame:
    """The members of a plan that follows an approved one; nothing of its objective is known but the moves."""
    zone_of = _zone_of(zone_changes)
    zone = pd.Series([zone_of.get(member) for member in request.ids], dtype="str")
    first = pd.Series(np.arange(len(zone))).groupby(components(request.ids, request.links)).transform("min")
    proven = zone_changes["is_proven"].reindex(request.ids).fillna(value=False).astype(bool).reset_index(drop=True)
    whole = proven.groupby(first).transform("all")
    table = pd.DataFrame(
        {
            "zone_id": zone,
            "component_id": pd.array([f"K-{request.ids[row]}" for row in first], dtype="str"),
            "proof": pd.array(np.where(whole, "revised", "revised_near"), dtype="str"),
            "left_out_count": zone.isna().groupby(first).transform("sum").astype("Int64"),
            "zone_count": zone.groupby(first).transform("nunique").astype("Int64"),
        }
    )
    table = table.reindex(columns=["zone_id", "component_id", *PROOF_COLUMNS])
    table.index = pd.Index(request.ids, dtype="str", name="community_id")
    return table.astype({**dict.fromkeys(COUNTS, "Int64"), **dict.fromkeys(SHARES, "float64")})


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


def _proof_row(proof: ComponentProof | None, without: str, seed: int) -> dict[str, Any]:
    """One component's proof as columns; components taken whole and fixed zones need none."""
    if proof is None:
        out = int(without == "unknown")
        return {
            "proof": without,
            "left_out_count": out,
            "left_out_bound_count": out,
            "zone_count": 1 - out,
        }
    known = np.isfinite(proof.left_out_bound)
    return {
        "proof": "proven" if proof.is_proven else "bounded" if np.isfinite(proof.cost_bound) else "searched",
        "left_out_count": round(proof.left_out),
        "left_out_bound_count": round(proof.left_out_bound) if known else None,
        "zone_count": proof.zones,
        "zone_count_bound": round(proof.zones_bound) if np.isfinite(proof.zones_bound) else None,
        "objective": round(proof.cost, 9),
        "objective_bound": round(proof.cost_bound, 9),
        "gap_share": round(proof.gap_share, 9),
        "candidate_count": proof.candidates if proof.candidates >= 0 else None,
        "seed": seed,
    }


def _left_out_reasons(
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    members: pd.DataFrame,
    requirements: ZoneRequirements,
) -> list[Sentence | None]:
    """Sentences for the communities left out; reading the scene costs, so not when there are none."""
    reasons: dict[int, Sentence] = {}
    if members["zone_id"].isna().any():
        scene = read_scene(communities, community_links, _zone_of(members), requirements, barriers)
        for entry in shortfalls(scene):
            reasons.update(dict.fromkeys(entry.rows, entry.sentence))
    return [reasons.get(row) for row in range(len(members))]


def _union(shapes: Any) -> Any:
    return shapely.union_all(shapes)


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


def _proof_text(row: Mapping[str, Any], missed: Text | None) -> Text:
    size, zones = row["community_count"], row["zone_count"]
    if row["proof"] == "whole":
        return Text(
            f"{size} 个小区连成一片，未设限值，整体为一个片区。", f"{size} connected communities, no bounds: one zone."
        )
    if row["proof"] in ("revised", "revised_near"):
        zh = f"{size} 个小区沿用已批准方案，调整后 {zones} 个片区，未纳入 {row['left_out_count']} 个"
        en = f"{size} communities follow the approved plan: {zones} zones, {row['left_out_count']} left out"
        least = row["proof"] == "revised"
        return Text(
            f"{zh}；{'已证明调动的小区最少' if least else '只重划受影响的片区，调动数未证明最少'}。",
            f"{en}; {'proven to move fewest' if least else 'only disturbed zones were formed anew'}.",
        )
    if row["proof"] == "fixed":
        return Text("固定片区，照旧保留。", "A fixed zone, kept as given.")
    if row["proof"] == "unknown":
        return Text("限值所需数据未知，未参与划分。", "Not zoned: an amount that is bounded is unknown.")
    out = row["left_out_count"]
    start = Text(
        f"{size} 个小区分为 {zones} 个片区，未纳入 {out} 个",
        f"{counted(size, 'community', 'communities')} in {counted(zones, 'zone')}, {out} left out",
    )
    if not zones:
        start = Text(f"{size} 个小区未能成片", f"{counted(size, 'community', 'communities')}, no zone possible")
    if missed is not None:
        # Fixed zones count too, so the number asked for is that of the whole city.
        start = Text(f"{start.zh}；{missed.zh}", f"{start.en}; {missed.en}")
    if row["proof"] == "proven" and not zones:
        end = Text("；已证明在现有限值和要求下无法成片。", "; proven within the bounds and wishes.")
        return Text(start.zh + end.zh, start.en + end.en)
    if row["proof"] == "proven":
        return Text(f"{start.zh}；已证明为最优。", f"{start.en}; proven optimal.")
    if row["proof"] == "bounded":
        gap = f"{row['gap_share']:.2%}"
        return Text(f"{start.zh}；与最优值的差距不超过 {gap}。", f"{start.en}; within {gap} of the best possible.")
    return Text(f"{start.zh}；由搜索得到，紧凑度未证明最优。", f"{start.en}; found by search, compactness not proven.")


def _shortfall_columns(scene: Scene, found: Sequence[Shortfall]) -> dict[str, Any]:
    def text(values: list[str | None]) -> Any:
        return pd.array(values, dtype="str")

    kinds = ["min" if entry.is_low else "max" if np.isfinite(entry.limit) else None for entry in found]
    return {
        "community_ids": text(["、".join(scene.ids[list(entry.rows)]) for entry in found]),
        "community_count": pd.array([len(entry.rows) for entry in found], dtype="int64"),
        "households": np.array([scene.total(entry.rows, "households") for entry in found], dtype="float64"),
        "bound": text([entry.bound for entry in found]),
        "bound_kind": text(kinds),
        "bound_value": np.array([entry.limit for entry in found], dtype="float64"),
        "relaxed_value": np.array([entry.relaxed for entry in found], dtype="float64"),
        "barrier_id": text([entry.barrier_id for entry in found]),
        "partner_id": text([entry.partner for entry in found]),
    }
