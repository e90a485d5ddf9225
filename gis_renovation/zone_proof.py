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
from scipy.sparse import csc_array, csr_array, identity

from gis_renovation.zone_problem import INNER, MEMBERS, Flags, Floats, Labels, ZoneProblem, compact, group_sums

Rows = NDArray[np.int32]
Members = NDArray[np.uint16 | np.int32]

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
# Sets grown side by side start from so many nodes.
ROOTS_AT_ONCE = 64
# Columns priced at once, and columns a node in the pool of likely ones.
COLUMNS_AT_ONCE = 250_000
POOL_SHARE = 100
# Added to every cap for the solver's tolerance; and for integer programmes on whole values.
CAP_SLACK = 1e-6
WHOLE_ROOM = 0.4


class Cover(NamedTuple):
    """Which nodes each column covers: column ``i`` has ``members[starts[i]:starts[i + 1]]`` of ``nodes``.

    Millions of columns are held in two bytes a member; only the few in a programme become a matrix.
    """

    starts: Labels
    members: Members
    nodes: int

    @classmethod
    def of(cls, matrix: csr_array) -> Cover:
        """The rows of a matrix as columns."""
        nodes = matrix.shape[1]
        return cls(matrix.indptr.astype(np.int64), matrix.indices.astype(_member_type(nodes)), nodes)

    def followed_by(self, *others: Cover) -> Cover:
        """These columns, then the others'."""
        parts = (self, *others)
        starts = _starts(np.concatenate([np.diff(part.starts) for part in parts]))
        return Cover(starts, np.concatenate([part.members for part in parts]), self.nodes)

    def matrix(self, columns: Labels) -> csr_array:
        """Some columns as the rows of a matrix of ones."""
        places = _spread_places(self.starts[columns], self.starts[columns + 1])[1]
        members = self.members[places].astype(np.int32)
        starts = _starts(self.starts[columns + 1] - self.starts[columns])
        return csr_array((np.ones(len(members)), members, starts), shape=(len(columns), self.nodes))

    def totals(self, values: Floats) -> Floats:
        """The sum of the values of each column's nodes; every column has some."""
        totals = np.empty(len(self.starts) - 1)
        for first in range(0, len(totals), COLUMNS_AT_ONCE):
            stop = min(first + COLUMNS_AT_ONCE, len(totals))
            starts = self.starts[first : stop + 1]
            taken = values[self.members[starts[0] : starts[-1]]]
            totals[first:stop] = np.add.reduceat(taken, starts[:-1] - starts[0])
        return totals

    def reached(self, columns: int) -> Flags:
        """Whether each node is in any of the first so many columns."""
        seen = np.zeros(self.nodes, dtype=bool)
        for first in range(0, columns, COLUMNS_AT_ONCE):
            stop = min(first + COLUMNS_AT_ONCE, columns)
            seen[self.members[self.starts[first] : self.starts[stop]]] = True
        return seen


def _member_type(nodes: int) -> type[np.uint16 | np.int32]:
    return np.uint16 if nodes <= np.iinfo(np.uint16).max else np.int32


class Candidates(NamedTuple):
    """Valid zones: which nodes each covers, and its two lesser scores; ``seen`` counts the sets looked at."""

    cover: Cover
    number: Floats
    cost: Floats
    seen: int


def list_candidates(problem: ZoneProblem, *, max_subsets: int) -> Candidates | None:
    """All connected sets of nodes that keep the bounds, each once; None beyond ``max_subsets`` looked at.

    A set is grown by one node at a time in an order that reaches it exactly once: the first node is its
    smallest, and each further one is taken from a list of which only the later entries, and the new
    node's own neighbours, remain. Sets above a maximum are not grown on. O(sets x degree x size).
    """
    n = problem.size
    if n > LARGEST_LISTED or not (np.isfinite(problem.high).any() or n <= SMALL_ENOUGH):
        return None
    net = _net(problem)
    found: list[tuple[Members, Floats, Floats]] = []
    seen = 0
    for first in range(0, n, ROOTS_AT_ONCE):
        level = _first_level(problem, net, np.arange(first, min(first + ROOTS_AT_ONCE, n), dtype=np.int32))
        while len(level.members):
            seen += len(level.members)
            if seen > max_subsets:
                return None
            good = problem.valid(level.sums)
            score = problem.score(level.sums[good])
            found.append((np.asarray(level.members[good], _member_type(n)), score.number, score.cost))
            level = _next_level(problem, net, level)
    return _gather(found, seen, n)


class _Net(NamedTuple):
    """Neighbours of each node, and flat tables, node by node: who is near (or the same), worth of the link."""

    grid: csr_array
    near: Flags
    worth: Floats | None


def _net(problem: ZoneProblem) -> _Net:
    n = problem.size
    near = np.eye(n, dtype=bool)
    near[problem.heads, problem.tails] = near[problem.tails, problem.heads] = True
    grid = csr_array(near)
    grid.sort_indices()
    if not problem.closeness.any():
        return _Net(grid, near.ravel(), None)
    worth = np.zeros((n, n))
    worth[problem.heads, problem.tails] = worth[problem.tails, problem.heads] = problem.closeness
    return _Net(grid, near.ravel(), worth.ravel())


class _Level(NamedTuple):
    """Sets of one size while growing; ``open_nodes[open_starts[i]:...]`` may still join set ``i``, and fit."""

    members: Rows
    sums: Floats
    open_starts: Labels
    open_nodes: Rows


def _first_level(problem: ZoneProblem, net: _Net, roots: Rows) -> _Level:
    fits = (problem.stats[roots][:, problem.amounts] <= problem.high).all(axis=1)
    roots = roots[fits]
    sums = problem.stats[roots]
    owner, node = _spread(net.grid.indptr[roots], net.grid.indptr[roots + 1], net.grid.indices)
    later = (node > roots[owner]) & _fits(problem, sums, owner, node)
    counts = np.bincount(owner[later], minlength=len(roots))
    return _Level(roots[:, None], sums, _starts(counts), node[later])


def _fits(problem: ZoneProblem, sums: Floats, owner: Labels, node: Rows) -> Flags:
    """Whether each node may join its owner's set without breaking a maximum."""
    fits = np.ones(len(owner), dtype=bool)
    for column, high in zip(range(problem.amounts.start, problem.amounts.stop), problem.high, strict=True):
        if high < np.inf:
            fits &= sums[:, column][owner] + problem.stats[:, column][node] <= high
    return fits


def _next_level(problem: ZoneProblem, net: _Net, level: _Level) -> _Level:
    parent = np.repeat(np.arange(len(level.members)), np.diff(level.open_starts))
    added = level.open_nodes
    before = level.members[parent]
    sums = level.sums[parent] + problem.stats[added]
    row = added.astype(np.int64) * problem.size
    if net.worth is not None:
        for column in before.T:
            sums[:, INNER] += net.worth[row + column]
    # What stays open: the entries after the added one, and neighbours that nobody in the set had.
    kept_owner, kept = _spread(np.arange(1, len(added) + 1), level.open_starts[parent + 1], added)
    fits = _fits(problem, sums, kept_owner, kept)
    kept_owner, kept = kept_owner[fits], kept[fits]
    owner, fresh = _spread(net.grid.indptr[added], net.grid.indptr[added + 1], net.grid.indices)
    new = fresh > before[owner, 0]
    owner, fresh = owner[new], fresh[new]
    new = _fits(problem, sums, owner, fresh)
    owner, fresh = owner[new], fresh[new]
    for column in before.T[::-1]:
        new = ~net.near[fresh.astype(np.int64) * problem.size + column[owner]]
        owner, fresh = owner[new], fresh[new]
    starts, nodes = _side_by_side(len(added), kept_owner, kept, owner, fresh)
    return _Level(np.column_stack([before, added]), sums, starts, nodes)


def _side_by_side(count: int, owner: Labels, nodes: Rows, other_owner: Labels, others: Rows) -> tuple[Labels, Rows]:
    """Both lists of nodes, sorted by owner, as one: each owner's nodes, then its others."""
    own, more = np.bincount(owner, minlength=count), np.bincount(other_owner, minlength=count)
    starts = _starts(own + more)
    both = np.empty(len(nodes) + len(others), dtype=np.int32)
    both[np.arange(len(nodes)) + np.repeat(_starts(more)[:-1], own)] = nodes
    both[np.arange(len(others)) + np.repeat(_starts(own)[1:], more)] = others
    return starts, both


def _spread(starts: NDArray[np.integer], stops: NDArray[np.integer], values: Rows) -> tuple[Labels, Rows]:
    """``values[starts[i]:stops[i]]`` one after the other, with ``i`` of each."""
    owner, places = _spread_places(starts, stops)
    return owner, values[places]


def _spread_places(starts: NDArray[np.integer], stops: NDArray[np.integer]) -> tuple[Labels, Labels]:
    counts = np.asarray(stops - starts, dtype=np.int64)
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) + np.repeat(starts - _starts(counts)[:-1], counts)


def _starts(counts: NDArray[np.integer]) -> Labels:
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _gather(found: list[tuple[Members, Floats, Floats]], seen: int, n: int) -> Candidates:
    sizes = np.concatenate([np.zeros(0, dtype=np.int64), *[np.full(len(m), m.shape[1]) for m, _, _ in found]])
    members = np.concatenate([np.zeros(0, dtype=_member_type(n)), *[m.ravel() for m, _, _ in found]])
    number = np.concatenate([np.zeros(0), *[number for _, number, _ in found]])
    cost = np.concatenate([np.zeros(0), *[cost for _, _, cost in found]])
    return Candidates(Cover(_starts(sizes), members, n), number, cost, seen)


# --- choosing among the candidates ----------------------------------------------------------------


class Programme(NamedTuple):
    """min cost @ x: every node covered once, each cap's values at x at most its limit, x in {0, 1}.

    ``room`` is what a limit may be exceeded by without letting any other whole choice in: integer
    programmes need it, since the solver's ones are only nearly one, and relaxations must not have it,
    since it would loosen their bound. The last ``barred`` columns may not be chosen.
    """

    cover: Cover
    caps: list[Floats]
    limits: Floats
    room: Floats
    cost: Floats
    barred: int = 0

    @property
    def columns(self) -> int:
        """How many columns there are to choose from."""
        return len(self.cost) - self.barred

    def cap_table(self, columns: Labels) -> Floats:
        """Values of the caps, columns by caps."""
        return np.stack([cap[columns] for cap in self.caps], axis=1) if self.caps else np.zeros((len(columns), 0))

    def only(self, columns: Labels) -> Programme:
        """The programme of some columns alone."""
        cover = Cover.of(self.cover.matrix(columns))
        return self._replace(cover=cover, caps=[cap[columns] for cap in self.caps], cost=self.cost[columns], barred=0)

    def reduced(self, prices: Floats, dues: Floats) -> Floats:
        """Cost of each column less what its nodes' prices and the caps' dues pay."""
        reduced = self.cost - self.cover.totals(prices)
        for cap, due in zip(self.caps, dues, strict=True):
            if due:
                reduced -= due * cap
        return reduced[: self.columns]


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
    if programme.columns <= SOLVED_WHOLE:
        found = _solve(programme, np.arange(programme.columns), limits.node_limit)
        if found is not None and found.bound >= found.value:
            return found
    column_limit = limits.column_limit
    bound, reduced = _relax(programme, start)
    best, value = start, float(programme.cost[start].sum())
    margin = 1.0 - 1e-6 if whole else 1e-7 * max(1.0, abs(value))
    order = _ascending(reduced, value - bound - (margin if whole else -margin))
    nodes = programme.cover.nodes
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


def _ascending(reduced: Floats, most: float) -> Labels:
    """Columns of at most so much reduced cost, the least first."""
    useful = np.flatnonzero(reduced <= most)
    return useful[np.argsort(reduced[useful], kind="stable")]


def _relax(programme: Programme, start: Labels) -> tuple[float, Floats]:
    """A bound from the linear relaxation and the reduced costs there of all columns, none negative.

    Columns are priced in from a pool of likely ones until it has none left, then from the whole list,
    which makes the next pool.
    """
    nodes = programme.cover.nodes
    scale = max(1.0, float(np.abs(programme.cost).max(initial=0.0)))
    inside = np.union1d(start, _likely(programme))
    pool = inside[:0]
    held = programme.only(pool)
    for _ in range(RELAXATION_ROUNDS):
        prices, dues, worth = _prices(programme, inside)
        reduced = held.reduced(prices, dues)
        fresh = np.setdiff1d(pool[reduced < -1e-9 * scale], inside, assume_unique=True)
        if not len(fresh):
            reduced = programme.reduced(prices, dues)
            pool = _least(reduced, POOL_SHARE * nodes)
            held = programme.only(pool)
            fresh = np.setdiff1d(pool[reduced[pool] < -1e-9 * scale], inside, assume_unique=True)
            if not len(fresh):
                break
            reduced = reduced[pool]
        cheapest = np.argsort(reduced[np.searchsorted(pool, fresh)], kind="stable")
        inside = np.union1d(inside, fresh[cheapest[: 3 * nodes + 200]])
    else:
        reduced = programme.reduced(prices, dues)
    # A choice has at most one column a node, so this much below the prices' worth and no more.
    short = min(0.0, float(reduced.min(initial=0.0)))
    return worth + short * nodes, reduced - short


def _prices(programme: Programme, columns: Labels) -> tuple[Floats, Floats, float]:
    """The relaxation over some columns: what covering each node and loosening each cap is worth, and its value."""
    capped = bool(programme.caps)
    result = scipy.optimize.linprog(
        programme.cost[columns],
        A_eq=programme.cover.matrix(columns).T.tocsc(),
        b_eq=np.ones(programme.cover.nodes),
        A_ub=programme.cap_table(columns).T if capped else None,
        b_ub=programme.limits if capped else None,
        method="highs",
    )
    if result.status != 0:
        raise RuntimeError(f"the relaxation of the zone choice failed: {result.message}")
    prices, dues = result.eqlin.marginals, np.minimum(result.ineqlin.marginals, 0.0)
    return prices, dues, float(prices.sum() + (dues @ programme.limits if capped else 0.0))


def _least(values: Floats, count: int) -> Labels:
    """Positions, ascending, of the least values; of equal ones the first."""
    if count >= len(values):
        return np.arange(len(values))
    near = np.flatnonzero(values <= np.partition(values, count)[count])
    return np.sort(near[np.argsort(values[near], kind="stable")[:count]])


def _likely(programme: Programme, each: int = 8) -> Labels:
    """A few columns of least cost per member for each node, to begin with."""
    size = np.diff(programme.cover.starts[: programme.columns + 1])
    worth = programme.cost[: programme.columns] / size
    some = POOL_SHARE * programme.cover.nodes
    # Where all cost the same, those evenly through the list reach all nodes.
    likely = np.union1d(_least(worth, some), np.arange(0, len(worth), max(1, len(worth) // some)))
    order = likely[np.argsort(worth[likely], kind="stable")]
    by_node = programme.cover.matrix(order).tocsc()
    by_node.sort_indices()
    starts = by_node.indptr[:-1]
    picked = np.concatenate([starts + k for k in range(each)])
    picked = picked[picked < np.tile(by_node.indptr[1:], each)]
    return np.unique(order[by_node.indices[picked]])


def _solve(programme: Programme, columns: Labels, node_limit: int) -> Choice | None:
    """The integer programme over some columns; None when it ends without any solution."""
    constraints = [scipy.optimize.LinearConstraint(programme.cover.matrix(columns).T.tocsc(), 1.0, 1.0)]
    if programme.caps:
        most = programme.limits + programme.room
        constraints.append(scipy.optimize.LinearConstraint(csc_array(programme.cap_table(columns).T), -np.inf, most))
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


class Columns(NamedTuple):
    """A choice to settle: zones, then last one column a node that leaves it out.

    ``parts`` are the parts of the objective in order, a value a column; ``whole`` says which take whole
    values only. ``caps`` are sums that must stay at most 1. ``chosen`` is a feasible choice.
    """

    cover: Cover
    parts: tuple[Floats, Floats, Floats]
    whole: tuple[bool, bool, bool]
    caps: list[Floats]
    chosen: Labels

    def labels(self, chosen: Labels) -> Labels:
        """The partition that these columns make."""
        part = self.cover.matrix(chosen).tocoo()
        labels = np.empty(self.cover.nodes, dtype=np.int64)
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
    barred = columns.cover.nodes if part > 0 and columns.parts[0][chosen].sum() == 0 else 0
    highest = np.array([cap.highest + CAP_SLACK for cap in caps])
    room = np.array([cap.room for cap in caps])
    programme = Programme(columns.cover, [cap.values for cap in caps], highest, room, values, barred)
    choice = choose_columns(programme, chosen, limits, whole=columns.whole[part])
    return choice.columns, choice.value, choice.bound


def _floor(columns: Columns, part: int) -> float:
    """What is certain without solving: a node in no zone is left out; what costs nothing stays at 0."""
    if part > 0:
        return -np.inf if columns.parts[part].any() else 0.0
    zones = len(columns.parts[0]) - columns.cover.nodes
    return float(columns.parts[0][zones:][~columns.cover.reached(zones)].sum())


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
