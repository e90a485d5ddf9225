"""Proof that no better zones exist: every candidate zone listed, the best disjoint choice solved exactly.

With a maximum bound the connected sets of communities that keep it are finite and, in real cities, few
enough to list, each once (extension order of Wernicke 2006). Choosing disjoint ones that cover most
communities at least cost is set partitioning; its linear relaxation is tight, so columns priced into it
from the list, then a mixed-integer programme over the few columns that can still matter, prove the optimum.

Limits are counts of work, never seconds, so that the same request gives the same zones everywhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, identity, vstack

from gis_renovation.zone_problem import INNER, MEMBERS, Floats, Labels, ZoneProblem, compact, group_sums

Rows = NDArray[np.int32]

# Listing uses a dense adjacency table; larger components are not proven.
LARGEST_LISTED = 3_000
# So few nodes have few connected sets even without any maximum.
SMALL_ENOUGH = 16
# So few nodes need no solver at all.
SOLVED_BY_HAND = 8
# So few columns go into one integer programme without pricing.
SOLVED_WHOLE = 600
# Rounds of pricing; each adds a few thousand columns, and a few dozen suffice.
RELAXATION_ROUNDS = 200
# Added to every cap for the solver's tolerance; and for integer programmes on whole values.
CAP_SLACK = 1e-6
WHOLE_ROOM = 0.4


class Candidates(NamedTuple):
    """Valid zones: number ``i`` has nodes ``members[starts[i]:starts[i + 1]]`` and the two lesser scores."""

    starts: Labels
    members: Rows
    number: Floats
    cost: Floats
    seen: int

    def matrix(self, n: int) -> csr_array:
        """Candidates by nodes, 1 where the node is in the candidate."""
        ones = np.ones(len(self.members))
        return csr_array((ones, self.members, self.starts), shape=(len(self.starts) - 1, n))


def list_candidates(problem: ZoneProblem, *, max_subsets: int) -> Candidates | None:
    """All connected sets of nodes that keep the bounds, each once; None beyond ``max_subsets`` looked at.

    A set is grown by one node at a time in an order that reaches it exactly once: the first node is its
    smallest, and each further one is taken from a list of which only the later entries, and the new
    node's own neighbours, remain. Sets above a maximum are not grown on. O(sets x degree x size).
    """
    n = problem.size
    if n > LARGEST_LISTED or not (np.isfinite(problem.high).any() or n <= SMALL_ENOUGH):
        return None
    worth = np.zeros((n, n))
    near = np.eye(n, dtype=bool)
    worth[problem.heads, problem.tails] = worth[problem.tails, problem.heads] = problem.closeness
    near[problem.heads, problem.tails] = near[problem.tails, problem.heads] = True
    grid = csr_array(near)
    grid.sort_indices()
    found: list[tuple[Rows, Floats, Floats]] = []
    seen = 0
    for first in range(0, n, 64):
        roots = np.arange(first, min(first + 64, n), dtype=np.int32)
        level = _first_level(problem, grid, roots)
        while len(level.members):
            seen += len(level.members)
            if seen > max_subsets:
                return None
            good = problem.valid(level.sums)
            score = problem.score(level.sums[good])
            found.append((level.members[good], score.number, score.cost))
            level = _next_level(problem, grid, near, worth, level)
    return _gather(found, seen)


class _Level(NamedTuple):
    """Sets of one size while growing; ``open_nodes[open_starts[i]:...]`` may still join set ``i``."""

    members: Rows
    sums: Floats
    open_starts: Labels
    open_nodes: Rows


def _first_level(problem: ZoneProblem, grid: csr_array, roots: Rows) -> _Level:
    fits = (problem.stats[roots][:, problem.amounts] <= problem.high).all(axis=1)
    roots = roots[fits]
    owner, node = _spread(grid.indptr[roots], grid.indptr[roots + 1], grid.indices)
    later = node > roots[owner]
    counts = np.bincount(owner[later], minlength=len(roots))
    return _Level(roots[:, None], problem.stats[roots], _starts(counts), node[later])


def _next_level(problem: ZoneProblem, grid: csr_array, near: NDArray[np.bool_], worth: Floats, level: _Level) -> _Level:
    counts = np.diff(level.open_starts)
    parent = np.repeat(np.arange(len(counts)), counts)
    added = level.open_nodes
    amounts = level.sums[parent][:, problem.amounts] + problem.stats[added][:, problem.amounts]
    fits = np.flatnonzero((amounts <= problem.high).all(axis=1))
    parent, added = parent[fits], added[fits]
    before = level.members[parent]
    sums = level.sums[parent] + problem.stats[added]
    for column in range(before.shape[1]):
        sums[:, INNER] += worth[added, before[:, column]]
    # What stays open: the entries after the added one, and neighbours nobody in the set had.
    kept_owner, kept = _spread(fits + 1, level.open_starts[parent + 1], level.open_nodes)
    owner, fresh = _spread(grid.indptr[added], grid.indptr[added + 1], grid.indices)
    new = fresh > before[owner, 0]
    for column in range(before.shape[1]):
        new &= ~near[fresh, before[owner, column]]
    owner, fresh = owner[new], fresh[new]
    both = np.concatenate([kept_owner, owner])
    order = np.argsort(both, kind="stable")
    open_nodes = np.concatenate([kept, fresh])[order]
    starts = _starts(np.bincount(both, minlength=len(added)))
    return _Level(np.column_stack([before, added]), sums, starts, open_nodes)


def _spread(starts: NDArray[np.integer], stops: NDArray[np.integer], values: Rows) -> tuple[Labels, Rows]:
    """``values[starts[i]:stops[i]]`` one after the other, with ``i`` of each."""
    counts = np.asarray(stops - starts, dtype=np.int64)
    owner = np.repeat(np.arange(len(counts)), counts)
    offset = np.arange(len(owner)) - np.repeat(_starts(counts)[:-1], counts)
    return owner, values[np.asarray(starts, dtype=np.int64)[owner] + offset]


def _starts(counts: NDArray[np.integer]) -> Labels:
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _gather(found: list[tuple[Rows, Floats, Floats]], seen: int) -> Candidates:
    sizes = np.concatenate([np.zeros(0, dtype=np.int64), *[np.full(len(m), m.shape[1]) for m, _, _ in found]])
    members = np.concatenate([np.zeros(0, dtype=np.int32), *[m.ravel() for m, _, _ in found]])
    number = np.concatenate([np.zeros(0), *[number for _, number, _ in found]])
    cost = np.concatenate([np.zeros(0), *[cost for _, _, cost in found]])
    return Candidates(_starts(sizes), members, number, cost, seen)


# --- choosing among the candidates ----------------------------------------------------------------


class Programme(NamedTuple):
    """min cost @ x: every node covered once, ``caps.T @ x <= limits``, x in {0, 1}.

    ``cover`` is columns by nodes, ``caps`` columns by limits. ``room`` is what a limit may be exceeded by
    without letting any other whole choice in: integer programmes need it, since the solver's ones are
    only nearly one, and relaxations must not have it, since it would loosen their bound.
    """

    cover: csr_array
    caps: Floats
    limits: Floats
    room: Floats
    cost: Floats


class Choice(NamedTuple):
    """Columns chosen, their value, and a bound that no choice can beat."""

    columns: Labels
    value: float
    bound: float


def choose_columns(programme: Programme, start: Labels, limits: ProofLimits, *, whole: bool) -> Choice:
    """The cheapest columns that cover every node once, proven where the limits allow.

    ``start`` is a feasible choice. The relaxation is solved by pricing columns in from the whole list;
    a column whose reduced cost exceeds the gap between the relaxation and a known solution is in no
    better one. So small integer programmes over the likeliest columns come first: once the best
    solution is within the next column's reduced cost of the relaxation, it is proven. With ``whole``
    values a better choice is better by one at least.
    """
    if len(programme.cost) <= SOLVED_WHOLE:
        found = _solve(programme, np.arange(len(programme.cost)), limits.node_limit)
        if found is not None and found.bound >= found.value:
            return found
    column_limit = limits.column_limit
    bound, reduced = _relax(programme, start)
    best, value = start, float(programme.cost[start].sum())
    margin = 1.0 - 1e-6 if whole else 1e-7 * max(1.0, abs(value))
    order = np.argsort(reduced, kind="stable")
    nodes = programme.cover.shape[1]
    for count in sorted({min(4 * nodes, column_limit), min(16 * nodes, column_limit), column_limit}):
        if value - bound <= margin:
            break
        useful = int(np.searchsorted(reduced[order], value - bound - (margin if whole else -margin), side="right"))
        tried = np.union1d(order[: min(count, useful)], best)
        found = _solve(programme, tried, limits.node_limit)
        if found is not None and found.value < value - 1e-9:
            best, value = found.columns, found.value
        beyond = bound + reduced[order[count]] if count < useful else value
        bound = max(bound, min(found.bound if found is not None else bound, beyond, value))
        if count >= useful:
            break
    return Choice(best, value, value if value - bound <= margin else bound)


def _relax(programme: Programme, start: Labels) -> tuple[float, Floats]:
    """A bound from the linear relaxation and the reduced costs there of all columns, none negative."""
    nodes = programme.cover.shape[1]
    inside = np.union1d(start, _cheapest_for_each_node(programme))
    scale = max(1.0, float(np.abs(programme.cost).max(initial=0.0)))
    reduced, worth = programme.cost, 0.0
    for _ in range(RELAXATION_ROUNDS):
        result = scipy.optimize.linprog(
            programme.cost[inside],
            A_eq=programme.cover[inside].T.tocsc(),
            b_eq=np.ones(nodes),
            A_ub=programme.caps[inside].T if len(programme.limits) else None,
            b_ub=programme.limits if len(programme.limits) else None,
            method="highs",
        )
        if result.status != 0:
            raise RuntimeError(f"the relaxation of the zone choice failed: {result.message}")
        prices, dues = result.eqlin.marginals, np.minimum(result.ineqlin.marginals, 0.0)
        worth = float(prices.sum() + (dues @ programme.limits if len(dues) else 0.0))
        reduced = programme.cost - programme.cover @ prices
        if len(dues):
            reduced = reduced - programme.caps @ dues
        priced = np.flatnonzero(reduced < -1e-9 * scale)
        priced = np.setdiff1d(priced, inside, assume_unique=True)
        if not len(priced):
            break
        inside = np.union1d(inside, priced[np.argsort(reduced[priced], kind="stable")[: 3 * nodes + 200]])
    # A choice has at most one column a node, so this much below the prices' worth and no more.
    short = min(0.0, float(reduced.min(initial=0.0)))
    return worth + short * nodes, reduced - short


def _cheapest_for_each_node(programme: Programme, each: int = 8) -> Labels:
    """A few columns of least cost per member for each node, to begin with."""
    size = np.diff(programme.cover.indptr)
    order = np.argsort(programme.cost / size, kind="stable")
    by_node = programme.cover[order].tocsc()
    by_node.sort_indices()
    starts = by_node.indptr[:-1]
    picked = np.concatenate([starts + k for k in range(each)])
    picked = picked[picked < np.tile(by_node.indptr[1:], each)]
    return np.unique(order[by_node.indices[picked]])


def _solve(programme: Programme, columns: Labels, node_limit: int) -> Choice | None:
    """The integer programme over some columns; None when it ends without any solution."""
    constraints = [scipy.optimize.LinearConstraint(programme.cover[columns].T.tocsc(), 1.0, 1.0)]
    if len(programme.limits):
        constraints.append(
            scipy.optimize.LinearConstraint(
                csc_array(programme.caps[columns].T), -np.inf, programme.limits + programme.room
            )
        )
    result = scipy.optimize.milp(
        programme.cost[columns],
        integrality=np.ones(len(columns)),
        bounds=(0, 1),
        constraints=constraints,
        options={"mip_rel_gap": 0.0, "node_limit": node_limit},
    )
    if result.x is None:
        return None
    chosen = columns[result.x > 0.5]
    value = float(programme.cost[chosen].sum())
    return Choice(chosen, value, value if result.status == 0 else float(result.mip_dual_bound))


# --- one component --------------------------------------------------------------------------------


class Proof(NamedTuple):
    """Zones of one component with a bound for each part of the objective.

    ``bounds`` holds, in order, the least number of communities any zoning leaves out, the least number
    score among those, and the least cost among those; NaN where nothing is known. ``candidates`` is
    the count of listed zones, -1 when they were too many to list.
    """

    labels: Labels
    bounds: tuple[float, float, float]
    candidates: int


class ProofLimits(NamedTuple):
    """How much work a proof may take: sets listed, columns in one integer programme, nodes of its tree."""

    max_subsets: int
    column_limit: int
    node_limit: int


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


class _Cap(NamedTuple):
    """A sum over the chosen columns that may not exceed ``highest``; see :class:`Programme` for the room."""

    values: Floats
    highest: float
    room: float


def _by_dynamic_programme(problem: ZoneProblem, listed: Candidates) -> Proof:
    """The best zones of very few nodes, set by set of nodes still to place; a solver would cost more.

    Costs are compared to nine decimals; of equal choices the first listed wins.
    """
    zones: list[list[tuple[int, int, float, float]]] = [[] for _ in range(problem.size)]
    for number in range(len(listed.cost)):
        nodes = listed.members[listed.starts[number] : listed.starts[number + 1]].tolist()
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
        labels[listed.members[listed.starts[number] : listed.starts[number + 1]]] = number
    return Proof(compact(labels), (out, count, cost), len(listed.cost))


class Columns(NamedTuple):
    """A choice to settle: zones, then one column a node that leaves it out.

    ``parts`` are the parts of the objective in order, a value a column; ``whole`` says which take whole
    values only. ``caps`` are sums that must stay at most 1. ``chosen`` is a feasible choice.
    """

    cover: csr_array
    parts: tuple[Floats, Floats, Floats]
    whole: tuple[bool, bool, bool]
    caps: list[Floats]
    chosen: Labels

    def labels(self, chosen: Labels) -> Labels:
        """The partition that these columns make."""
        part = self.cover[chosen].tocoo()
        labels = np.empty(self.cover.shape[1], dtype=np.int64)
        labels[part.col] = part.row
        return compact(labels)


def settle(
    columns: Columns, limits: ProofLimits, *, zone_count: int | None = None
) -> tuple[Labels, tuple[float, float, float]]:
    """The best choice, part after part, and a bound for each part (NaN after one that is not proven)."""
    chosen, bounds, certain = columns.chosen, [np.nan, np.nan, np.nan], True
    caps = [_Cap(cap, 1.0, WHOLE_ROOM) for cap in columns.caps]
    for part, whole in enumerate(columns.whole):
        values, floor = columns.parts[part], _floor(columns, part)
        if part == 1 and zone_count is not None:
            values, floor = _towards(columns, chosen, zone_count)
            caps = [*caps, _Cap(-values, -floor, WHOLE_ROOM)]
        value = float(values[chosen].sum())
        bound = min(floor, value)
        if value > floor + 1e-9:
            chosen, value, bound = _settle_part(columns, chosen, values, caps, limits, part=part)
        bound = float(np.ceil(bound - 1e-6)) if whole else bound
        certain &= not np.isnan(bound)
        bounds[part] = bound + 0.0 if certain else np.nan
        certain &= value - bound <= 1e-6 * max(1.0, abs(value))
        caps = [*caps, _Cap(values, value, WHOLE_ROOM if whole else CAP_SLACK * max(1.0, abs(value)))]
    if zone_count is not None:
        bounds[1] = abs(abs(bounds[1]) - zone_count)
    return chosen, (bounds[0], bounds[1], bounds[2])


def _settle_part(
    columns: Columns,
    chosen: Labels,
    values: Floats,
    caps: list[_Cap],
    limits: ProofLimits,
    *,
    part: int,
) -> tuple[Labels, float, float]:
    """The columns that minimise one part of the objective under the caps, their value, and its bound."""
    # Where nothing need be left out, columns that leave a node out are not needed again.
    none_out = part > 0 and columns.parts[0][chosen].sum() == 0
    usable = np.flatnonzero(columns.parts[0] == 0) if none_out else np.arange(len(values))
    table = np.stack([cap.values[usable] for cap in caps], axis=1) if caps else np.zeros((len(usable), 0))
    highest = np.array([cap.highest + CAP_SLACK for cap in caps])
    programme = Programme(columns.cover[usable], table, highest, np.array([cap.room for cap in caps]), values[usable])
    choice = choose_columns(programme, np.searchsorted(usable, chosen), limits, whole=columns.whole[part])
    return usable[choice.columns], choice.value, choice.bound


def _floor(columns: Columns, part: int) -> float:
    """What is certain without solving: a node in no zone is left out; what costs nothing stays at 0."""
    if part > 0:
        return -np.inf if columns.parts[part].any() else 0.0
    reached = np.zeros(columns.cover.shape[1], dtype=bool)
    reached[columns.cover[np.flatnonzero(columns.parts[0] == 0)].indices] = True
    return float(columns.parts[0][len(columns.parts[0]) - len(reached) :][~reached].sum())


def _towards(columns: Columns, chosen: Labels, wanted: int) -> tuple[Floats, float]:
    """Values that draw the number of zones to the one asked for, and the value there."""
    zones = (columns.parts[0] == 0).astype(float)
    sign = 1.0 if zones[chosen].sum() > wanted else -1.0
    return sign * zones, sign * wanted


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
        cover=csr_array(vstack([listed.matrix(n), own, identity(n, format="csr")])),
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
