"""Proof that no better zones exist: every candidate zone listed, the best disjoint choice solved exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, identity

from gis_renovation.zone_choice import Columns, ProofLimits, settle
from gis_renovation.zone_listing import Candidates, Cover, list_candidates
from gis_renovation.zone_problem import MEMBERS, Labels, ZoneProblem, compact, group_sums

# So few nodes need no solver at all.
SOLVED_BY_HAND = 8


class Proof(NamedTuple):
    """Zones of one component with a bound for each part of the objective.

    ``bounds`` holds, in order, the least number of communities any zoning leaves out, the least number
    score among those, and the least cost among those; NaN where nothing is known. ``candidates`` is
    the count of listed zones, -1 when they were too many to list.
    """

    labels: Labels
    bounds: tuple[float, float, float]
    candidates: int


def prove_zones(problem: ZoneProblem, labels: Labels, limits: ProofLimits) -> Proof:
    """The best zones of a component, or ``labels`` with bounds on how much better there can be.

    ``labels`` is any partition into connected groups; groups that break a bound are left out. The parts
    of the objective are settled one after the other, each under the best value of those before it.
    """
    if problem.size == 1 and problem.zone_count is None:
        left_out, number, cost = (float(part[0]) for part in problem.score(problem.stats))
        return Proof(labels, (left_out, number, cost if left_out == 0 else 0.0), int(left_out == 0))
    listed = list_candidates(problem, max_subsets=limits.max_subsets)
    if listed is None:
        return Proof(labels, easy_bounds(problem), -1)
    if problem.size <= SOLVED_BY_HAND and problem.zone_count is None:
        return _by_dynamic_programme(problem, listed)
    columns = _columns(problem, listed, labels)
    chosen, bounds = settle(columns, limits, zone_count=problem.zone_count)
    return Proof(columns.labels(chosen), bounds, len(listed.cost))


def _by_dynamic_programme(problem: ZoneProblem, listed: Candidates) -> Proof:
    """The best zones of very few nodes, set by set of nodes still to place; a solver would cost more.

    Costs are compared to nine decimals; of equal choices the first listed wins.
    """
    cover = listed.cover
    zones: list[list[tuple[int, int, float, float]]] = [[] for _ in range(problem.size)]
    for number in range(len(listed.cost)):
        nodes = cover.members[cover.starts[number] : cover.starts[number + 1]].tolist()
        mask = sum(1 << node for node in nodes)
        zones[min(nodes)].append((mask, number, float(listed.number[number]), round(float(listed.cost[number]), 9)))
    weight = problem.stats[:, MEMBERS].tolist()
    best: dict[int, tuple[float, float, float, tuple[int, ...]]] = {0: (0.0, 0.0, 0.0, ())}
    # Every set of nodes left over has its lowest node placed first, so smaller sets come first.
    for left in range(1, 1 << problem.size):
        lowest = (left & -left).bit_length() - 1
        out, count, cost, chosen = best[left & (left - 1)]
        option = (out + weight[lowest], count, cost, chosen)
        for mask, number, price, own in zones[lowest]:
            if mask & left == mask:
                out, count, cost, chosen = best[left ^ mask]
                trial = (out, count + price, round(cost + own, 9), (*chosen, number))
                option = trial if trial[:3] < option[:3] else option
        best[left] = option
    out, count, cost, chosen = best[(1 << problem.size) - 1]
    labels = np.arange(problem.size) + len(listed.cost)
    for number in chosen:
        labels[cover.members[cover.starts[number] : cover.starts[number + 1]]] = number
    return Proof(compact(labels), (out, count, cost), len(listed.cost))


def _columns(problem: ZoneProblem, listed: Candidates, labels: Labels) -> Columns:
    """Every listed zone, the search's own, and one column a node that leaves it out."""
    n = problem.size
    score = problem.score(group_sums(problem, labels))
    good = score.left_out == 0
    own = csr_array((np.ones(n), (labels, np.arange(n))), shape=(len(good), n))[np.flatnonzero(good)]
    out = np.flatnonzero(~good[labels])
    zones, kept = len(listed.cost), int(good.sum())
    zero = np.zeros(n)
    return Columns(
        cover=listed.cover.followed_by(Cover.of(own), Cover.of(identity(n, format="csr"))),
        parts=(
            np.concatenate([np.zeros(zones + kept), problem.stats[:, MEMBERS]]),
            np.concatenate([listed.number, score.number[good], zero]),
            np.concatenate([listed.cost, score.cost[good], zero]),
        ),
        whole=(True, problem.target is None, False),
        caps=[],
        chosen=np.concatenate([np.arange(zones, zones + kept), zones + kept + out]),
    )


def easy_bounds(problem: ZoneProblem) -> tuple[float, float, float]:
    """Bounds from totals alone: a component below a minimum is left out; totals limit how many zones fit."""
    total = problem.stats[:, problem.amounts].sum(axis=0)
    if (total < problem.low).any():
        return float(problem.stats[:, MEMBERS].sum()), 0.0, np.nan
    if problem.zone_price < 0 and problem.target is None:
        with np.errstate(divide="ignore"):
            most = np.floor(np.where(problem.low > 0, total / problem.low, np.inf)).min()
        return 0.0, -min(float(most), float(problem.size)), np.nan
    return 0.0, 0.0 if problem.zone_price == 0 and problem.target is None else np.nan, np.nan
