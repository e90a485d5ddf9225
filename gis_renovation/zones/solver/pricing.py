"""Proof that no better zones exist: every candidate zone listed, the best disjoint choice solved exactly.

Where the candidates are too many to list, only those are listed that undercut the nodes' prices.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, identity

from gis_renovation.arrays import Flags, Floats
from gis_renovation.zones.solver.bitsets import MOST_NODES
from gis_renovation.zones.solver.covering import Limits, Priced, best_cover
from gis_renovation.zones.solver.covers import Cover, MaskCover, cover_of
from gis_renovation.zones.solver.effort import SearchEffort
from gis_renovation.zones.solver.enumeration import Candidates, Reach, list_candidates, make_sieve, reach_of
from gis_renovation.zones.solver.problem import (
    COST_EPSILON,
    MEMBERS,
    Labels,
    Turn,
    ZoneProblem,
    compact,
    group_sums,
    noise,
)
from gis_renovation.zones.solver.rebuilding import rebuilt
from gis_renovation.zones.solver.search import clusters, search_zones
from gis_renovation.zones.solver.set_partitioning import (
    Columns,
    Programme,
    choose_columns,
    least,
    relax,
    settle,
)

# So few nodes need no solver at all.
SOLVED_BY_HAND = 8
# Beyond so many sets, candidates are listed under prices only.
LISTED_WHOLE = 3_000_000
# Partial covers kept at each node for zones to begin with, and pairs tried for them.
FIRST_WIDTH = 20
FIRST_SHARES = (30, 300, 10_000)
MOST_FIRST_PAIRS = 20_000_000
# What one zone more or less weighs beside the cost of zones to begin with.
NUMBER_FIRST = 1e3
# Rounds of prices, each with a list of its own; and partitions of the city that the first ones come from.
PRICE_ROUNDS = 20
NEARBY_PARTITIONS = 3
# Amounts are whole numbers, so that quotients err by far less.
ROUNDING = 1e-9
# Candidates a node kept from round to round.
KNOWN_SHARE = 50
# How far above the prices, as a share of the zones' costs, sets are listed while prices still change.
LISTED_SHARE = 0.002


class Proof(NamedTuple):
    """Zones of one component with a bound for each part of the objective.

    ``bounds`` holds, in order, the least number of communities any zoning leaves out, the least number
    score among those, and the least cost among those; NaN where nothing is known. ``candidates`` is
    the count of listed zones, -1 when they were too many to list.
    """

    labels: Labels
    bounds: tuple[float, float, float]
    candidates: int


def prove_best(problem: ZoneProblem, labels: Labels | None, effort: SearchEffort) -> Proof:
    """The best zones of a component, or ``labels`` with bounds on how much better there can be.

    ``labels`` is any partition into connected groups; groups that break a bound are left out. None: one is searched
    where it is needed. The parts of the objective are settled one after the other, each under the best value of
    those before it.
    """
    if problem.size == 1 and problem.zone_count is None:
        left_out, number, cost = (float(part[0]) for part in problem.score(problem.stats))
        return Proof(
            np.zeros(1, dtype=np.int64), (left_out, number, cost if left_out == 0 else 0.0), int(left_out == 0)
        )
    listed = list_candidates(problem, max_subsets=min(effort.max_subsets, LISTED_WHOLE))
    if listed is not None and problem.size <= SOLVED_BY_HAND and problem.zone_count is None:
        return _by_dynamic_programme(problem, listed)
    if labels is None:
        labels = search_zones(problem, effort) if listed is None or problem.size > MOST_NODES else _first_zones(listed)
    if problem.size > MOST_NODES and (problem.zone_price or problem.target is not None):
        labels = rebuilt(problem, labels, effort, _columns)
    if listed is None:
        return prove_by_prices(problem, labels, effort) or Proof(labels, easy_bounds(problem), -1)
    columns = _columns(problem, listed, labels, is_whole=True)
    chosen, bounds = settle(columns, effort, zone_count=problem.zone_count)
    return Proof(columns.labels(chosen), bounds, len(listed.cost))


def _first_zones(listed: Candidates) -> Labels:
    """Zones to begin with: those of least cost for their communities, and as full as can be where few are wanted.

    More candidates are tried where some are left out that a candidate could take.
    """
    nodes = listed.cover.nodes
    least_out = int((~listed.cover.reached(listed.cover.column_count)).sum())
    every = cover_of(identity(nodes, format="csr"))
    labels = np.arange(nodes)
    for share in FIRST_SHARES:
        cover, priced = _likely_zones(listed, share * nodes)
        whole, limits = cover.followed_by(every), Limits(np.inf, np.full(2, np.inf))
        chosen = best_cover(whole, priced, limits, max_pairs=MOST_FIRST_PAIRS, width=FIRST_WIDTH)
        if chosen is None:
            break
        part = whole.matrix(chosen).tocoo()
        labels[part.col] = part.row
        if (chosen >= cover.column_count).sum() <= least_out or cover.column_count == listed.cover.column_count:
            break
    return compact(labels)


def _likely_zones(listed: Candidates, most: int) -> tuple[Cover, Priced]:
    """Candidates of least cost for each of their communities, some evenly through the list, and each node left out.

    A node's least share in the cost of a zone is a price that few zones undercut, so that partial covers show at
    once which of them are dear.
    """
    nodes, count = listed.cover.nodes, listed.cover.column_count
    worth = listed.number * NUMBER_FIRST + listed.cost
    each = worth / listed.cover.sizes()
    is_likely = np.arange(count) % max(1, count // most) == 0
    is_likely[least(each, most)] = True
    likely = np.flatnonzero(is_likely)
    cover, worth, each = listed.cover.only(likely), worth[likely], each[likely]
    share = cover.least_shares(each)
    share[~np.isfinite(share)] = 0.0
    dear = worth - cover.totals(share)
    alone = float(dear.max(initial=0.0)) * nodes + 1.0
    reduced = np.concatenate([np.maximum(dear, 0.0), np.full(nodes, alone)])
    leaving = np.append(np.zeros(len(worth)), np.ones(nodes))
    values = np.column_stack([leaving, np.append(worth, np.zeros(nodes))])
    return cover, Priced(np.arange(len(reduced)), reduced, values)


def _by_dynamic_programme(problem: ZoneProblem, listed: Candidates) -> Proof:
    """The best zones of very few nodes, set by set of nodes still to place; a solver would cost more.

    Costs are compared to nine decimals; of equal choices the first listed wins.
    """
    cover = listed.cover
    zones: list[list[tuple[int, int, float, float]]] = [[] for _ in range(problem.size)]
    masks = cover.masks.tolist() if isinstance(cover, MaskCover) else []
    for number, mask in enumerate(masks):
        zone = (mask, number, float(listed.number[number]), round(float(listed.cost[number]), 9))
        zones[(mask & -mask).bit_length() - 1].append(zone)
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
        labels[[node for node in range(problem.size) if masks[number] >> node & 1]] = number
    return Proof(compact(labels), (out, count, cost), len(listed.cost))


def _columns(problem: ZoneProblem, listed: Candidates, labels: Labels, *, is_whole: bool = False) -> Columns:
    """Every listed zone, the search's own, and one column a node that leaves it out; ``is_whole`` if all are listed."""
    n = problem.size
    score = problem.score(group_sums(problem, labels))
    good = score.left_out == 0
    own = csr_array((np.ones(n), (labels, np.arange(n))), shape=(len(good), n))[np.flatnonzero(good)]
    out = np.flatnonzero(~good[labels])
    zones, kept = len(listed.cost), int(good.sum())
    zero = np.zeros(n)
    cover = listed.cover.followed_by(cover_of(own), cover_of(identity(n, format="csr")))
    return Columns(
        cover=cover,
        parts=(
            np.concatenate([np.zeros(zones + kept), problem.stats[:, MEMBERS]]),
            np.concatenate([listed.number, score.number[good], zero]),
            np.concatenate([listed.cost, score.cost[good], zero]),
        ),
        whole=(True, problem.target is None, False),
        leaving=n,
        chosen=np.concatenate([np.arange(zones, zones + kept), zones + kept + out]),
        floors=_floors(problem, cover.reached(zones + kept)) if is_whole else (0.0, -np.inf),
    )


def _floors(problem: ZoneProblem, reached: Flags) -> tuple[float, float]:
    """The least left out, and the least number score where no more are: nodes in no zone, and what totals allow."""
    left_out = float(problem.stats[~reached, MEMBERS].sum())
    if problem.target is not None or problem.zone_price == 0:
        return left_out, -np.inf
    totals = problem.stats[reached, problem.amounts].sum(axis=0)
    if problem.zone_price > 0:
        share = totals / np.maximum(problem.high, 1.0)
        return left_out, problem.zone_price * float(np.ceil(share.max(initial=0.0) - ROUNDING))
    share = np.where(problem.low > 0, totals / np.maximum(problem.low, 1.0), np.inf)
    most = min(float(share.min(initial=np.inf)), float(reached.sum()))
    return left_out, problem.zone_price * float(np.floor(most + ROUNDING))


def prove_by_prices(problem: ZoneProblem, labels: Labels, effort: SearchEffort) -> Proof | None:
    """Zones and a bound on their cost where the candidates are too many to list; None where that cannot be.

    Column generation: prices from the zones within small parts of the city, then every set that undercuts
    them or nearly does, until none undercuts them. The prices then bound the cost of any choice, and a set
    whose reduced cost exceeds the gap to the best known zones is in no better choice; the others are few
    enough to choose from. Only where nobody is left out and neither number nor target of zones matters.
    """
    counted = problem.zone_price or problem.target is not None or problem.zone_count is not None
    reach = None if counted or problem.size > effort.max_subsets else reach_of(problem)
    if reach is None:
        return None
    known = _listed_nearby(problem, labels, effort)
    columns = _columns(problem, known, labels)
    if columns.parts[0][columns.chosen].sum() > 0:
        labels = columns.labels(settle(columns, effort)[0])
        columns = _columns(problem, known, labels)
    chosen = columns.chosen
    if columns.parts[0][chosen].sum() > 0:
        return None
    value, bound = float(columns.parts[2][chosen].sum()), -np.inf
    most = LISTED_SHARE * float(np.abs(columns.parts[2][chosen]).sum())
    start = chosen
    for _ in range(PRICE_ROUNDS):
        if effort.seconds_left() <= 0:
            break
        prices = relax(_costs(columns), start, effort)[2]
        sieve = make_sieve(problem, reach, prices, most=most)
        listed = list_candidates(problem, max_subsets=effort.max_subsets, sieve=sieve)
        if listed is None:
            break
        undercut = min(0.0, float((listed.cost - listed.cover.totals(prices)).min(initial=0.0)))
        # No choice has more columns than there are nodes.
        bound = max(bound, float(prices.sum()) + undercut * problem.size)
        if float(prices.sum()) - bound <= COST_EPSILON * max(1.0, abs(value)):
            columns = _columns(problem, listed, labels)
            return _chosen_under(problem, columns, effort, reach=reach, prices=prices, most=most, bound=bound)
        known = _once([_likeliest(known, prices), listed])
        columns = _columns(problem, known, labels)
        dear = columns.parts[2] - columns.cover.totals(prices)
        start = np.union1d(columns.chosen, least(dear[: -problem.size], 2 * problem.size))
    return Proof(labels, (0.0, 0.0, bound if np.isfinite(bound) else np.nan), -1)


def _chosen_under(
    problem: ZoneProblem,
    columns: Columns,
    effort: SearchEffort,
    *,
    reach: Reach,
    prices: Floats,
    most: float,
    bound: float,
) -> Proof:
    """The best choice once no set undercuts the prices; listed further where the gap asks for it."""
    choice = choose_columns(_costs(columns), columns.chosen, effort, whole=False)
    gap = choice.value - bound
    if gap > most:
        sieve = make_sieve(problem, reach, prices, most=gap)
        listed = list_candidates(problem, max_subsets=effort.max_subsets, sieve=sieve)
        if listed is not None:
            columns, most = _columns(problem, listed, columns.labels(choice.columns)), gap
            choice = choose_columns(_costs(columns), columns.chosen, effort, whole=False)
    # A better choice with a set not listed would cost so much more than the bound.
    bound = max(bound, min(choice.bound, bound + most))
    return Proof(columns.labels(choice.columns), (0.0, 0.0, min(bound, choice.value)), len(columns.parts[0]))


def _costs(columns: Columns) -> Programme:
    """The choice of least cost that leaves nobody out."""
    return Programme(columns.cover, [], np.zeros(0), np.zeros(0), columns.parts[2], columns.cover.nodes)


def _listed_nearby(problem: ZoneProblem, labels: Labels, effort: SearchEffort) -> Candidates:
    """Candidates within a few random partitions of the city into groups of neighbouring zones, each once."""
    found = [Candidates(cover_of(csr_array((0, problem.size))), np.zeros(0), np.zeros(0), 0)]
    for number in range(NEARBY_PARTITIONS):
        for rounds in (2, 1):
            regions = clusters(problem, labels, Turn(0, number, 1), rounds)
            inside = regions[problem.heads] == regions[problem.tails]
            apart = replace(
                problem,
                heads=problem.heads[inside],
                tails=problem.tails[inside],
                lengths=problem.lengths[inside],
                closeness=problem.closeness[inside],
            )
            listed = list_candidates(apart, max_subsets=min(effort.max_subsets, LISTED_WHOLE))
            if listed is not None:
                found.append(listed)
                break
    return _once(found)


def _likeliest(known: Candidates, prices: Floats) -> Candidates:
    """The candidates of least reduced cost."""
    rows = least(known.cost - known.cover.totals(prices), KNOWN_SHARE * known.cover.nodes)
    return Candidates(known.cover.only(rows), known.number[rows], known.cost[rows], known.seen)


def _once(found: list[Candidates]) -> Candidates:
    """All candidates of some lists, each once.

    Equal sets have equal sums of whole numbers drawn for their nodes; of two unequal ones that share a
    sum one would go, so only lists that need not be complete are put together here.
    """
    cover = found[0].cover.followed_by(*(listed.cover for listed in found[1:]))
    drawn = np.rint(noise(0, 0, cover.nodes) * 2.0**40)
    once = np.sort(np.unique(cover.totals(drawn), return_index=True)[1])
    number, cost = np.concatenate([each.number for each in found]), np.concatenate([each.cost for each in found])
    return Candidates(cover.only(once), number[once], cost[once], sum(each.seen for each in found))


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
