"""How firmly each community belongs with its zone mates: many seeds, and inputs shaken as surveys err."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.arrays import Flags, Floats
from gis_renovation.contiguity import USUAL_LIMITS, LinkLimits
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.ids import on_text_ids
from gis_renovation.outlines import require_areas
from gis_renovation.zones.proof import solve
from gis_renovation.zones.redrawing import DrawingErrors, Ground, Redrawing
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
    stability_outline_error_m, stability_barrier_error_m
        How far, at most, an outline of a community, and a barrier or a street that counts as one, may lie from
        where it is drawn, in metres. 0: drawings are taken as exact.
    stability_sweeps, stability_subsets
        Search rounds and candidates listed in a run; less than a full run takes, for speed.
    """

    stability_runs: int = 20
    stability_error_share: float = 0.05
    stability_outline_error_m: float = 0.5
    stability_barrier_error_m: float = 0.5
    stability_sweeps: int = 8
    stability_subsets: int = 50_000

    def __post_init__(self) -> None:
        for name in ("stability_outline_error_m", "stability_barrier_error_m"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(
                    f"[zones] {name} 应为不小于 0 的米数，现为 {value:g}。",
                    f"[zones] {name} must be a length of at least 0 m, found {value:g}.",
                )


TWENTY_TRIALS = StabilityTrials()


class Stability(NamedTuple):
    """Per community: share of runs with exactly the same zone mates, and the mean overlap of mates."""

    same_share: Floats
    overlap_share: Floats


def measure_zone_stability(  # noqa: PLR0913 - what was judged, by which layers, under which wishes
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    *,
    barriers: gpd.GeoDataFrame | None = None,
    crossings: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    limits: LinkLimits = USUAL_LIMITS,
    requirements: ZoneRequirements = NOTHING_ASKED,
    effort: SearchEffort = FULL_EFFORT,
    trials: StabilityTrials = TWENTY_TRIALS,
) -> gpd.GeoDataFrame:
    """How firmly each community belongs with its zone mates, over other seeds, shaken inputs and drawings.

    Each run takes another seed, every bounded amount off by up to the error share of the trials (counts
    of communities excepted), and every outline and barrier off by up to its drawing error; judges the links
    again, zones the city anew, and is compared with ``zone_members``. A community
    left out has no mates but itself. What would move with a five per cent error in the records, or with half a
    metre on the map, should not be argued as necessary.

    Drawings are off as a whole, each its own way: so the gaps between them change by up to twice the error, links
    are lost and won, and what is left of them is worth what it was. In a run that would tear what wishes keep
    together no link is lost.

    Parameters
    ----------
    communities, community_links, requirements
        As for :func:`delineate_zones`.
    barriers, crossings, streets, limits
        What ``community_links`` were judged by (:func:`gis_renovation.contiguity.link_communities`).
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
        Requirements that contradict themselves or name unknown communities, all at once; errors below 0.
    DataError
        No communities, repeated ids, links to unknown communities, unknown or negative bounded values.

    Notes
    -----
    As many times as there are runs the cost of a light zoning, and of judging the links that may change.

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
    require_metric(
        communities=communities, barriers=barriers, crossings=crossings, streets=streets, **drawn(community_links)
    )
    require_areas(communities=communities)
    communities, zone_members = on_text_ids(communities, "communities"), on_text_ids(zone_members, "zone_members")
    request = read_request(communities, community_links, requirements)
    light = replace(effort, sweeps=trials.stability_sweeps, max_subsets=trials.stability_subsets)
    ground = Ground(communities.loc[request.ids], barriers, crossings, streets, limits)
    errors = DrawingErrors(trials.stability_outline_error_m, trials.stability_barrier_error_m)
    found = measure_stability(
        request,
        _zone_numbers(request.ids, zone_by_member(zone_members)),
        light,
        shaking=Shaking(trials.stability_runs, trials.stability_error_share, _redrawn(ground, community_links, errors)),
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


class Shaking(NamedTuple):
    """How many runs, how far off the amounts, and the request of a run whose links differ (by seed and run)."""

    runs: int
    error_share: float
    redrawn: Callable[[Request, int, int], Request]


def _redrawn(
    ground: Ground, community_links: pd.DataFrame, errors: DrawingErrors
) -> Callable[[Request, int, int], Request]:
    """What gives the request of a run: the same one where its links are those given."""
    drawings = Redrawing(ground, community_links, errors)

    def request_of(request: Request, seed: int, run: int) -> Request:
        for keep_all in (False, True):
            links = drawings.links_of(seed, run, keep_all=keep_all)
            if links is None:
                return request
            try:
                return read_request(ground.communities, links, request.requirements, unit_m=request.unit_m)
            except ConfigError:
                # Without the links lost, what wishes keep together would hang together no more.
                if keep_all:
                    raise
        return request

    return request_of


def measure_stability(request: Request, zone: Labels, effort: SearchEffort, *, shaking: Shaking) -> Stability:
    """Solve shaken copies of the request, as many as there are runs, and compare each with ``zone`` (-1 left out).

    Errors in the amounts change which sets keep the bounds, not what a set costs. So where the zones are
    proven the best even among all sets that some error would let in, they are the best in every run in
    which they keep their bounds and have the links given, and only the other components are solved again.
    """
    runs, error_share, redrawn = shaking
    same, overlap = np.zeros(len(zone)), np.zeros(len(zone))
    firm = _firm(request, zone, error_share, effort) if runs else zone < 0
    for run in range(1, runs + 1):
        drawn_again = redrawn(request, effort.seed, run)
        shaken = _shaken(drawn_again, _Luck(effort.seed, run), error_share)
        open_ = _whole_parts(shaken, ~firm | _other_links(request, shaken)) | _broken(shaken, zone)
        found = solve(only_nodes(shaken, open_), replace(effort, seed=effort.seed + run))
        again = np.where(open_, found.zone, zone)
        # Zones solved again have numbers of their own.
        again = np.where(open_ & (again >= 0), again + int(zone.max(initial=0)) + 1, again)
        common, mine, theirs = _mates(zone, again)
        same += (common == mine) & (common == theirs)
        overlap += common / (mine + theirs - common)
    return Stability(same / max(runs, 1), overlap / max(runs, 1))


def _other_links(request: Request, shaken: Request) -> Flags:
    """Communities at either end of a link that only one of the two requests has."""
    other = np.zeros(len(request.ids), dtype=bool)
    if request.links is shaken.links:
        return other
    ends = [set(zip(each.links["head"], each.links["tail"], strict=True)) for each in (request, shaken)]
    other[[place for pair in ends[0] ^ ends[1] for place in pair]] = True
    return other


def _whole_parts(shaken: Request, some: Flags) -> Flags:
    """All communities of the parts that some of them are in."""
    part = solved_together(shaken)
    return np.isin(part, part[some])


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
