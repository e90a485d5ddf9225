"""From a checked request to zones with their proof, component by component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gis_renovation.zones.requirements import Ids, Request, components
from gis_renovation.zones.solver import (
    Labels,
    Proof,
    SearchEffort,
    ZoneProblem,
    compact,
    connected_parts,
    group_sums,
    list_candidates,
    part_of,
    prove_best,
    search_zones,
    total_score,
)

# A component with so few candidate zones is solved outright; a search would only cost time.
FEW_CANDIDATES = 1_500


class ComponentProof(NamedTuple):
    """One component's objective and the bounds on it; NaN where nothing is proven.

    ``cost`` counts looseness and the worth of links cut, so it is never negative and 0 is perfect.
    ``zones_bound`` is the most (or fewest) zones possible where that was asked for.
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


def solve(request: Request, effort: SearchEffort) -> Solution:
    """Zones of all communities. Deterministic in the request and the effort."""
    component = components(request.ids, request.links)
    if request.requirements.is_plain:
        return Solution(component.copy(), component, {})
    problem = request.problem
    parts = connected_parts(problem) if problem.zone_count is None else np.zeros(problem.size, dtype=np.int64)
    components_ = [(nodes, part_of(problem, nodes)) for nodes in _rows_by_label(parts)]
    labels = _searched(problem, components_, effort)
    proofs: dict[int, ComponentProof] = {}
    free = request.node >= 0
    for nodes, own in components_:
        proof = prove_best(own, compact(labels[nodes]), effort)
        labels[nodes] = proof.labels + labels.max() + 1
        member = np.flatnonzero(free)[np.isin(request.node[free], nodes)][0]
        proofs[int(member)] = component_proof(own, proof)
    return Solution(_with_fixed(request, compact(labels)), _solved_parts(request, parts), proofs)


def _searched(problem: ZoneProblem, parts: Sequence[tuple[Labels, ZoneProblem]], effort: SearchEffort) -> Labels:
    """Starting zones: searched in the large components, every node for itself in those proven at once."""
    labels = np.arange(problem.size)
    large = [nodes for nodes, own in parts if list_candidates(own, max_subsets=FEW_CANDIDATES) is None]
    if large:
        nodes = np.sort(np.concatenate(large))
        part = part_of(problem, nodes)
        labels[nodes] = search_zones(part, effort) + problem.size
    return labels


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
