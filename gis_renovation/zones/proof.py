"""From a checked request to zones with their proof, component by component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gis_renovation.contiguity import USABLE
from gis_renovation.sentences import with_sentences
from gis_renovation.words import CLAUSES, NO_TEXT, STOP, Sentence, Text, counted
from gis_renovation.zones.kept_proofs import ProofDesk, proof_key
from gis_renovation.zones.request import Request, components
from gis_renovation.zones.requirements import NOTHING_ASKED, Ids, ZoneRequirements
from gis_renovation.zones.solver import (
    Labels,
    Proof,
    SearchEffort,
    ZoneProblem,
    compact,
    connected_parts,
    easy_bounds,
    group_sums,
    part_problem,
    prove_best,
    search_zones,
    total_score,
)

# So few communities are proved sooner than a proof is looked up.
NOT_WORTH_KEEPING = 8
# Components of more communities are searched each for itself.
SEARCHED_TOGETHER = 64
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


class ComponentProof(NamedTuple):
    """One component's objective and the bounds on it; NaN where nothing is proven.

    ``cost`` counts looseness and the worth of links cut, so it is never negative and 0 is perfect.
    ``zones_bound`` is the most (or fewest) zones possible where that was asked for. ``is_cut_short`` says that
    the seconds ran out.
    """

    left_out: float
    left_out_bound: float
    zones: int
    number: float
    number_bound: float
    cost: float
    cost_bound: float
    candidates: int
    zones_bound: float = np.nan
    is_cut_short: bool = False

    @property
    def is_proven(self) -> bool:
        """Whether every part of the objective meets its bound."""
        pairs = ((self.left_out, self.left_out_bound), (self.number, self.number_bound), (self.cost, self.cost_bound))
        return all(value - bound <= 1e-6 * max(1.0, abs(value)) for value, bound in pairs)

    @property
    def gap_share(self) -> float:
        """How far the cost may be from the best possible, as a share of it; NaN without a bound."""
        if not np.isfinite(self.cost_bound):
            return np.nan
        return max(0.0, self.cost - self.cost_bound) / max(abs(self.cost), 1e-9)


class Solution(NamedTuple):
    """Zone number of each community (-1 left out), component of each, and the components' proofs."""

    zone: Labels
    component: Labels
    proofs: dict[int, ComponentProof]


class _Outcome(NamedTuple):
    """What a component's sentence says of its zones; the fields are columns of the proof."""

    community_count: int
    proof: str
    zone_count: int
    left_out_count: int
    gap_share: float


def prove_zones(
    zone_members: pd.DataFrame,
    community_links: pd.DataFrame | None = None,
    *,
    requirements: ZoneRequirements = NOTHING_ASKED,
) -> pd.DataFrame:
    """The proof of each component: what was reached, what is the best possible, and the gap between.

    Parameters
    ----------
    zone_members
        As :func:`delineate_zones` gives them.
    community_links
        As for :func:`delineate_zones`. None: a sentence cannot say that communities are not linked.
    requirements
        As for :func:`delineate_zones`: where their ``zone_count`` is not met, the sentence says how near one comes
        and whether that is because the communities are not linked.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_proof``, index ``component_id``, sorted: communities, zones, communities left out,
        objective, their bounds, gap and seed, with a sentence. Empty in, empty out.

    Raises
    ------
    KeyError
        ``zone_members`` without the columns of a proof.

    Notes
    -----
    O(n + m).

    Examples
    --------
    Four communities in a row, 10 m apart, are one component.

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
    >>> proof = prove_zones(members, links, requirements=asked)
    >>> proof["reason_en"].to_dict()
    {'K-C1': '4 communities in 2 zones; proven optimal.'}
    """
    grouped = zone_members.groupby("component_id", sort=True)
    table = grouped[list(PROOF_COLUMNS)].first()
    table.insert(0, "community_count", grouped.size().astype("int64"))
    missed = missed_number(requirements.zone_count, zone_members, community_links)
    told = zip(*(table[name].tolist() for name in _Outcome._fields), strict=True)
    sentences = [Sentence(_proof_text(_Outcome(*row), missed)) for row in told]
    table.index = pd.Index(table.index, dtype="str", name="component_id")
    return with_sentences(table, "reason", sentences)


def _proof_text(row: _Outcome, missed: Text | None) -> Text:
    size = row.community_count
    if row.proof == "whole" and size == 1:
        return Text("周边没有相连小区，未设限值，自成一个片区。", "Linked to no other, no bounds: a zone of its own.")
    if row.proof == "whole":
        return Text(
            f"{size} 个小区连成一片，未设限值，整体为一个片区。", f"{size} connected communities, no bounds: one zone."
        )
    if row.proof in ("revised", "revised_near"):
        return _followed_text(row) + STOP
    if row.proof == "fixed":
        return Text("固定片区，照旧保留。", "A fixed zone, kept as given.")
    if row.proof == "unknown":
        return Text("限值所需数据未知，未参与划分。", "Not zoned: an amount that is bounded is unknown.")
    # Fixed zones count too, so the number asked for is that of the whole city.
    parts = [_divided_text(row), *([] if missed is None else [missed]), _certain_text(row)]
    return CLAUSES.join(parts) + STOP


def _followed_text(row: _Outcome) -> Text:
    """Zones that follow an approved plan."""
    size, zones, out = row.community_count, row.zone_count, row.left_out_count
    start = Text(
        f"{size} 个小区沿用已批准方案，调整后 {zones} 个片区",
        f"{counted(size, 'community follows', 'communities follow')} the approved plan: {counted(zones, 'zone')}",
    ) + _left_out_text(out)
    if row.proof == "revised":
        return CLAUSES.join([start, Text("已证明调动的小区最少", "proven to move fewest")])
    return CLAUSES.join([start, Text("只重划受影响的片区，调动数未证明最少", "only disturbed zones were formed anew")])


def _divided_text(row: _Outcome) -> Text:
    """What a component was divided into."""
    size, zones, out = row.community_count, row.zone_count, row.left_out_count
    communities = counted(size, "community", "communities")
    if not zones:
        return Text(f"{size} 个小区未能成片", f"{communities}, no zone possible")
    if zones == 1 and not out:
        return (
            Text("1 个小区单独成片", "1 community, a zone of its own")
            if size == 1
            else Text(f"{size} 个小区合为 1 个片区", f"{communities} in 1 zone")
        )
    divided = Text(f"{size} 个小区分为 {zones} 个片区", f"{communities} in {counted(zones, 'zone')}")
    return divided + _left_out_text(out)


def _left_out_text(count: int) -> Text:
    """How many are in no zone; nothing where all are in one."""
    return Text(f"，未纳入 {count} 个", f", {count} left out") if count else NO_TEXT


def _certain_text(row: _Outcome) -> Text:
    """How good that is known to be."""
    if row.proof == "proven" and not row.zone_count:
        return Text("已证明在现有限值和要求下无法成片", "proven within the bounds and wishes")
    if row.proof == "proven":
        return Text("已证明为最优", "proven optimal")
    gap = f"{row.gap_share:.2%}"
    if row.proof == "cut_short" and np.isfinite(row.gap_share):
        return Text(
            f"到时限，证明未完成，差距不超过 {gap}", f"the proof ran out of time, within {gap} of the best possible"
        )
    if row.proof == "cut_short":
        return Text("到时限，证明未完成，差距未知", "the proof ran out of time, how near the best is unknown")
    if row.proof == "bounded":
        return Text(f"与最优值的差距不超过 {gap}", f"within {gap} of the best possible")
    return Text("由搜索得到，紧凑度未证明最优", "found by search, compactness not proven")


def missed_number(
    zone_count: int | None, zone_members: pd.DataFrame, community_links: pd.DataFrame | None = None
) -> Text | None:
    """Why there are more or fewer zones than asked for; None if there are as many, or nothing was asked.

    Zones never reach over groups that no usable link joins: with more groups than zones asked for, the
    sentence says so; without ``community_links`` it cannot. O(n + m).
    """
    home = zone_members["zone_id"].dropna()
    found = int(home.nunique())
    if zone_count is None or found == zone_count:
        return None
    asked = Text(f"要求共 {zone_count} 个片区，", f"{zone_count} zones were asked for, ")
    groups = 0 if community_links is None else _group_count(home.index.to_numpy(dtype=object), community_links)
    if groups > zone_count:
        return asked + Text(
            f"实为 {found} 个：小区分成互不相连的 {groups} 组，组与组之间没有可用的联系，片区不能跨组",
            f"{found} were made: the communities fall into {groups} groups that no usable link joins",
        )
    return asked + Text(f"在各项限值下最接近的是 {found} 个", f"{found} are the nearest within the bounds")


def solve(request: Request, effort: SearchEffort, desk: ProofDesk | None = None) -> Solution:
    """Zones of all communities. Deterministic in the request and the effort, unless its seconds run out.

    Zones of all are searched before any proof begins; small components are proved first. One whose proof the ``desk``
    keeps is not proved again; where the seconds run out, the zones of the rest are the search's.
    """
    component = components(request.ids, request.links)
    if request.requirements.is_plain:
        return Solution(component.copy(), component, {})
    problem, desk = request.problem, desk or ProofDesk()
    parts = connected_parts(problem) if problem.zone_count is None else np.zeros(problem.size, dtype=np.int64)
    groups = sorted(_rows_by_label(parts), key=len)
    found = _proved(problem, groups, effort.started(desk.clock), desk)
    labels, proofs = np.full(problem.size, -1), {}
    free = np.flatnonzero(request.node >= 0)
    first = np.full(problem.size, len(request.ids))
    np.minimum.at(first, request.node[free], free)
    for nodes, (own, proof, is_cut_short) in zip(groups, found, strict=True):
        labels[nodes] = proof.labels + labels.max() + 1
        proofs[int(first[nodes].min())] = component_proof(own, proof)._replace(is_cut_short=is_cut_short)
    return Solution(_with_fixed(request, compact(labels)), _solved_parts(request, parts), proofs)


def _proved(
    problem: ZoneProblem, groups: Sequence[Labels], effort: SearchEffort, desk: ProofDesk
) -> list[tuple[ZoneProblem, Proof, bool]]:
    """Each group's own problem and proof, and whether the seconds ran out before it was done."""
    found: list[tuple[ZoneProblem, Proof, bool]] = []
    done = 0
    parts = [_Part.of(part_problem(problem, nodes), effort, desk) for nodes in groups]
    first = _first_zones(problem, groups, parts, effort)
    for nodes, part, searched in zip(groups, parts, first, strict=True):
        if effort.seconds_left() <= 0 and part.kept is None:
            desk.cut_short = True
            found.append((part.problem, Proof(searched, easy_bounds(part.problem), -1), True))
            continue
        proof = part.kept or _proved_anew(part, searched, effort, desk)
        is_late = effort.seconds_left() <= 0 and not component_proof(part.problem, proof).is_proven
        desk.cut_short |= is_late
        found.append((part.problem, proof, is_late))
        done += len(nodes)
        desk.tell(done, problem.size)
    return found


class _Part(NamedTuple):
    """A component's own problem, the key of its proof ("" where it is not worth keeping), and its kept proof."""

    problem: ZoneProblem
    key: str
    kept: Proof | None

    @classmethod
    def of(cls, problem: ZoneProblem, effort: SearchEffort, desk: ProofDesk) -> _Part:
        if problem.size <= NOT_WORTH_KEEPING:
            return cls(problem, "", None)
        key = proof_key(problem, effort)
        return cls(problem, key, desk.proof_of(key, problem))


def _first_zones(
    problem: ZoneProblem, groups: Sequence[Labels], parts: Sequence[_Part], effort: SearchEffort
) -> list[Labels]:
    """Zones of every group that is still to be proved, found by search before any proof begins.

    Small groups are searched all at once: their proofs find zones to begin with themselves. Where a proof is kept, each
    node is for itself.
    """
    large = [part.kept is None and part.problem.size > SEARCHED_TOGETHER for part in parts]
    small = [part.kept is None and not is_large for part, is_large in zip(parts, large, strict=True)]
    labels = np.arange(problem.size)
    chosen = [nodes for nodes, is_small in zip(groups, small, strict=True) if is_small]
    if chosen:
        every = np.sort(np.concatenate(chosen))
        labels[every] = search_zones(part_problem(problem, every), effort)
    return [
        search_zones(part.problem, effort) if is_large else compact(labels[nodes])
        for nodes, part, is_large in zip(groups, parts, large, strict=True)
    ]


def _proved_anew(part: _Part, searched: Labels, effort: SearchEffort, desk: ProofDesk) -> Proof:
    """A component's proof, kept unless the seconds ran out meanwhile.

    Only a large component's own search may begin its proof: zones that depend on other components would not be the
    same where a proof is kept.
    """
    own = searched if part.problem.size > SEARCHED_TOGETHER else None
    proof = prove_best(part.problem, own, effort)
    if part.key and (effort.seconds_left() > 0 or component_proof(part.problem, proof).is_proven):
        desk.keep(part.key, proof)
    return proof


def sum_proofs(zone_members: pd.DataFrame) -> dict[str, Any]:
    """The proofs of all components as one: sums of objectives and bounds, and how many components are proven.

    What any component does not know is None. Components taken whole, fixed, or following an approved plan have no
    objective; without any other there is none. O(n).
    """
    table = zone_members.groupby("component_id", sort=True)[list(PROOF_COLUMNS)].first()
    solved = table[table["objective"].notna()]
    value = float(solved["objective"].sum())
    bound = float(solved["objective_bound"].sum(skipna=False))
    known = len(solved) > 0 and np.isfinite(bound)
    return {
        "objective": round(value, 9) if len(solved) else None,
        "objective_bound": round(bound, 9) if known else None,
        "gap_share": round(max(0.0, value - bound) / max(value, 1e-9), 9) if known else None,
        "seed": int(solved["seed"].iloc[0]) if len(solved) else None,
        "components": len(table),
        "proven": int((table["proof"] == "proven").sum()),
        "is_cut_short": bool((table["proof"] == "cut_short").any()),
    }


def component_proof(problem: ZoneProblem, proof: Proof) -> ComponentProof:
    """The objective that a proof's zones reach beside its bounds, in terms people read."""
    left_out, number, cost = total_score(problem, proof.labels)
    zones = int(problem.valid(group_sums(problem, proof.labels)).sum())
    every_link = float(problem.closeness.sum() + problem.stats[:, 2].sum()) / problem.cost_unit
    bounds = proof.bounds
    counts = problem.zone_price != 0 and problem.target is None and problem.zone_count is None
    return ComponentProof(
        left_out=left_out,
        left_out_bound=bounds[0],
        zones=zones,
        number=number,
        number_bound=bounds[1],
        cost=cost + every_link,
        cost_bound=bounds[2] + every_link,
        candidates=proof.candidates,
        zones_bound=abs(bounds[1]) if counts else np.nan,
    )


def _rows_by_label(labels: Labels) -> list[Labels]:
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []


def _with_fixed(request: Request, labels: Labels) -> Labels:
    """Zone of each community: valid groups of the search, -1 for the rest, fixed zones as given."""
    zone = np.full(len(request.ids), -1)
    free = request.node >= 0
    valid = request.problem.valid(group_sums(request.problem, labels))
    own = labels[request.node[free]]
    zone[free] = np.where(valid[own], own, -1)
    for number, group in enumerate(request.requirements.fixed_zones):
        zone[np.isin(request.ids, list(group))] = len(valid) + number
    return zone


def _solved_parts(request: Request, parts: Labels) -> Labels:
    """First community of the part of the free graph that each community was solved in; own for fixed."""
    first = np.arange(len(request.ids))
    free = np.flatnonzero(request.node >= 0)
    part = parts[request.node[free]]
    least = np.full(int(part.max(initial=-1)) + 1, len(first))
    np.minimum.at(least, part, free)
    first[free] = least[part]
    for group in request.requirements.fixed_zones:
        inside = np.isin(request.ids, list(group))
        first[inside] = np.flatnonzero(inside)[0]
    return first


def zone_names(ids: Ids, zone: Labels) -> list[str | None]:
    """``Z-`` and the smallest member's id for each community, None where left out."""
    smallest: dict[int, str] = {}
    for member, number in zip(ids, zone, strict=True):
        smallest.setdefault(int(number), str(member))
    return [None if number < 0 else f"Z-{smallest[int(number)]}" for number in zone]


def _group_count(ids: Ids, community_links: pd.DataFrame) -> int:
    """How many groups usable links join these communities into."""
    ends = community_links.loc[community_links["status"].isin(USABLE), ["focal", "neighbor"]].astype(str)
    inside = ends[ends.isin(ids).all(axis=1)]
    place = pd.Series(np.arange(len(ids)), index=ids)
    pairs = pd.DataFrame({"head": place[inside["focal"]].to_numpy(), "tail": place[inside["neighbor"]].to_numpy()})
    return len(np.unique(components(ids, pairs)))
