"""Contiguous renovation zones (连片改造片区): which communities are renovated together, and why.

Communities are joined over the links that :mod:`gis_renovation.contiguity.links` found usable (status
``joined`` or ``rejoined``). Without bounds, zones are the connected components of these links. With
bounds, zones leave as few communities out as possible, then come as near as possible to the number or
size asked for, then are as compact and as alike as possible; small and middling components are solved to
proven optimality, and every component says how near to the best it is known to be. Unknown sums stay
unknown and say of how many communities.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.crs import require_metric
from gis_renovation.ids import on_text_ids
from gis_renovation.outlines import require_areas
from gis_renovation.sentences import with_sentences
from gis_renovation.words import Sentence
from gis_renovation.zones.kept_proofs import ProofDesk
from gis_renovation.zones.proof import PROOF_COLUMNS, ComponentProof, Solution, solve, zone_names
from gis_renovation.zones.request import Request, components, read_request, zone_by_member
from gis_renovation.zones.requirements import NOTHING_ASKED, ZoneRequirements
from gis_renovation.zones.sentences import drawn, read_scene
from gis_renovation.zones.shortfalls import shortfalls
from gis_renovation.zones.solver import FULL_EFFORT, SearchEffort

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
    desk: ProofDesk | None = None,
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
    desk
        Where proofs are kept from run to run, and who is told how far the work is. None: nowhere, nobody.

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
        Requirements that contradict themselves or name unknown communities; all at once.
    DataError
        No communities, repeated ids, links to unknown communities, unknown or negative bounded values.

    Notes
    -----
    Search O(sweeps x m log m); proof as :mod:`gis_renovation.zones.solver.pricing`.

    Examples
    --------
    Four communities in a row, 10 m apart; a zone shall have 500 to 900 households.

    >>> import geopandas as gpd
    >>> import numpy as np
    >>> import shapely
    >>> from gis_renovation.contiguity import link_communities
    >>> x = np.arange(4) * 110.0
    >>> communities = gpd.GeoDataFrame(
    ...     {"households": [300, 250, 200, 600]},
    ...     index=["C1", "C2", "C3", "C4"],
    ...     geometry=shapely.box(x, 0.0, x + 100.0, 80.0),
    ...     crs="EPSG:4548",
    ... )
    >>> links = link_communities(communities)
    >>> asked = ZoneRequirements(households={"min": 500, "max": 900})
    >>> members = delineate_zones(communities, links, requirements=asked)
    >>> members[["zone_id", "proof"]].to_dict("list")
    {'zone_id': ['Z-C1', 'Z-C1', 'Z-C3', 'Z-C3'], 'proof': ['proven', 'proven', 'proven', 'proven']}
    """
    require_metric(communities=communities, **drawn(community_links))
    require_areas(communities=communities)
    communities = on_text_ids(communities, "communities")
    request = read_request(communities, community_links, requirements)
    if zone_changes is not None and follow_approved:
        members = _followed_frame(request, zone_changes)
    else:
        members = _members_frame(request, solve(request, effort, desk), effort.seed)
    reasons = _left_out_reasons(communities, community_links, barriers, members, requirements)
    return with_sentences(members, "reason", reasons)


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
    zone_of = zone_by_member(zone_changes)
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
        "proof": _proof_kind(proof),
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


def _proof_kind(proof: ComponentProof) -> str:
    if proof.is_proven:
        return "proven"
    if proof.is_cut_short:
        return "cut_short"
    return "bounded" if np.isfinite(proof.cost_bound) else "searched"


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
        scene = read_scene(communities, community_links, zone_by_member(members), requirements, barriers)
        for entry in shortfalls(scene):
            reasons.update(dict.fromkeys(entry.rows, entry.sentence))
    return [reasons.get(row) for row in range(len(members))]
