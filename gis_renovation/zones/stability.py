"""How firmly each community belongs with its zone mates: many seeds, and inputs shaken as surveys err."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.arrays import Flags, Floats
from gis_renovation.crs import require_metric
from gis_renovation.ids import on_text_ids
from gis_renovation.zones.proof import solve
from gis_renovation.zones.request import Request, only_nodes, read_request, solved_together, zone_by_member
from gis_renovation.zones.requirements import NOTHING_ASKED, QUANTITIES, Ids, ZoneRequirements
from gis_renovation.zones.sentences import drawn
from gis_renovation.zones.solver import FULL_EFFORT, Labels, SearchEffort, noise


@dataclass(frozen=True, kw_only=True)
class StabilityTrials:
    """How often a city is zoned again to see what holds, and how far its records may err.

    Parameters
    ----------
    stability_runs, stability_error_share
        How many runs, and how far off the amounts are, at most, as a share.
    stability_sweeps, stability_subsets
        Search rounds and candidates listed in a run; less than a full run takes, for speed.
    """

    stability_runs: int = 20
    stability_error_share: float = 0.05
    stability_sweeps: int = 8
    stability_subsets: int = 50_000


TWENTY_TRIALS = StabilityTrials()


class Stability(NamedTuple):
    """Per community: share of runs with exactly the same zone mates, and the mean overlap of mates."""

    same_share: Floats
    overlap_share: Floats


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
    CRSError
        No common projected CRS in metres.
    ConfigError
        Requirements that contradict themselves or name unknown communities; all at once.
    DataError
        No communities, repeated ids, links to unknown communities, unknown or negative bounded values.

    Notes
    -----
    As many times as there are runs the cost of a light zoning.

    Examples
    --------
    Four communities in a row, 10 m apart. Their zones of 550 and 800 households keep 500 to 900 however
    the records err by five per cent.

    >>> import geopandas as gpd
    >>> import numpy as np
    >>> import shapely
    >>> from gis_renovation.contiguity import link_communities
    >>> from gis_renovation.zones import delineate_zones
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
    >>> five = StabilityTrials(stability_runs=5)
    >>> stability = measure_zone_stability(communities, links, members, requirements=asked, trials=five)
    >>> stability["same_mates_share"].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    require_metric(communities=communities, **drawn(community_links))
    communities, zone_members = on_text_ids(communities, "communities"), on_text_ids(zone_members, "zone_members")
    request = read_request(communities, community_links, requirements)
    light = replace(effort, sweeps=trials.stability_sweeps, max_subsets=trials.stability_subsets)
    found = measure_stability(
        request,
        _zone_numbers(request.ids, zone_by_member(zone_members)),
        light,
        runs=trials.stability_runs,
        error_share=trials.stability_error_share,
    )
    index = pd.Index(request.ids, dtype="str", name="community_id")
    zone_of = zone_by_member(zone_members)
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


def measure_stability(
    request: Request, zone: Labels, effort: SearchEffort, *, runs: int, error_share: float
) -> Stability:
    """Solve ``runs`` shaken copies of the request and compare each with ``zone`` (-1 left out).

    Errors in the amounts change which sets keep the bounds, not what a set costs. So where the zones are
    proven the best even among all sets that some error would let in, they are the best in every run in
    which they keep their bounds, and only the other components are solved again.
    """
    same, overlap = np.zeros(len(zone)), np.zeros(len(zone))
    firm = _firm(request, zone, error_share, effort) if runs else zone < 0
    for run in range(1, runs + 1):
        shaken = _shaken(request, _Luck(effort.seed, run), error_share)
        open_ = ~firm | _broken(shaken, zone)
        found = solve(only_nodes(shaken, open_), replace(effort, seed=effort.seed + run))
        again = np.where(open_, found.zone, zone)
        # Zones solved again have numbers of their own.
        again = np.where(open_ & (again >= 0), again + int(zone.max(initial=0)) + 1, again)
        common, mine, theirs = _mates(zone, again)
        same += (common == mine) & (common == theirs)
        overlap += common / (mine + theirs - common)
    return Stability(same / max(runs, 1), overlap / max(runs, 1))


def _firm(request: Request, zone: Labels, error_share: float, effort: SearchEffort) -> Flags:
    """Communities of components whose zones are proven the best under bounds eased by every possible error."""
    problem = request.problem
    if problem.target is not None:
        # Nearness to a target does depend on the amounts.
        return request.node < 0
    low, high = problem.low.copy(), problem.high.copy()
    erring = _erring(request)
    low[erring] /= 1.0 + error_share
    high[erring] /= 1.0 - min(error_share, 0.99)
    eased = replace(problem, low=low, high=high)
    found = solve(request._replace(problem=eased), effort)
    common, mine, theirs = _mates(zone, found.zone)
    proven = np.zeros(len(zone), dtype=bool)
    proven[[row for row, proof in found.proofs.items() if proof.is_proven]] = True
    part = solved_together(request)
    bad = np.bincount(part, (common != mine) | (common != theirs), int(part.max(initial=-1)) + 1) > 0
    good = np.bincount(part, proven, int(part.max(initial=-1)) + 1) > 0
    return (request.node < 0) | (good & ~bad)[part]


def _broken(shaken: Request, zone: Labels) -> Flags:
    """Communities of components in which one of the zones breaks its bounds, once the amounts are shaken."""
    problem, free = shaken.problem, np.flatnonzero(shaken.node >= 0)
    labels = np.full(problem.size, -1)
    labels[shaken.node[free]] = zone[free]
    used = labels >= 0
    sums = np.zeros((int(labels.max(initial=0)) + 1, problem.stats.shape[1]))
    np.add.at(sums, labels[used], problem.stats[used])
    amounts = sums[:, problem.amounts]
    faulty = np.asarray(((amounts < problem.low) | (amounts > problem.high)).any(axis=1))
    broken = np.zeros(len(zone), dtype=bool)
    broken[free] = (zone[free] >= 0) & faulty[np.maximum(zone[free], 0)]
    part = solved_together(shaken)
    return np.isin(part, part[broken])


def _shaken(request: Request, turn: _Luck, error_share: float) -> Request:
    """The request with every measured amount off by at most ``error_share``, still in whole steps."""
    problem = request.problem
    stats = problem.stats.copy()
    for place in _erring(request):
        column = problem.amounts.start + place
        luck = turn.of(request.requirements.measured[place].name, problem.size)
        stats[:, column] += np.trunc(stats[:, column] * error_share * (2.0 * luck - 1.0))
    return request._replace(problem=replace(problem, stats=stats))


class _Luck(NamedTuple):
    """One run's draws: a quantity errs alike whatever else is bounded beside it."""

    seed: int
    run: int

    def of(self, name: str, count: int) -> Floats:
        """Numbers in (0, 1], one a node, for the quantity of that name."""
        return noise(self.seed, 1_000_000 + self.run * len(QUANTITIES) + list(QUANTITIES).index(name), count)


def _erring(request: Request) -> Labels:
    """Places of the amounts that records get wrong: a count of communities is known, a wish to stay apart is one."""
    named = [bound.name for bound in request.requirements.measured]
    return np.array([k for k, name in enumerate(named) if name != "community_count"], dtype=int)


def _mates(one: Labels, two: Labels) -> tuple[Labels, Labels, Labels]:
    """For each community how many mates (itself included) it has in both, in the first, in the second.

    Communities left out are alone.
    """
    alone = np.arange(len(one)) + int(max(one.max(initial=0), two.max(initial=0))) + 1
    one, two = np.where(one < 0, alone, one), np.where(two < 0, alone, two)
    pairs = np.unique(np.stack([one, two]), axis=1, return_inverse=True, return_counts=True)
    common = pairs[2][np.ravel(pairs[1])]
    return common, np.bincount(one)[one], np.bincount(two)[two]


def _zone_numbers(ids: Ids, zone_of: Mapping[str, str | None]) -> Labels:
    """Number of each community's zone, -1 left out."""
    number = {name: place for place, name in enumerate(sorted({z for z in zone_of.values() if z is not None}))}
    return np.array(
        [number[zone] if (zone := zone_of.get(member)) is not None else -1 for member in ids], dtype=np.int64
    )
