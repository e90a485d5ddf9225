"""Every zone that a component could have: connected sets of communities within the bounds, each once.

With a maximum bound these sets are finite and, in real cities, few enough to list (extension order of
Wernicke 2006). Where they are too many, prices sieve them: only those are listed that can still matter,
and sets that can no longer become one are not grown on.

Limits are counts of work, never seconds, so that the same request gives the same zones everywhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gis_renovation.arrays import Flags, Floats
from gis_renovation.zones.solver.bitsets import MOST_NODES
from gis_renovation.zones.solver.covers import (
    Cover,
    MaskCover,
    Members,
    listed_cover,
    member_type,
    spread_places,
    starts_of,
)
from gis_renovation.zones.solver.problem import INNER, Labels, ZoneProblem
from gis_renovation.zones.solver.small_listing import Found, list_small

Rows = NDArray[np.int32]

# Listing uses a dense adjacency table; larger components are not proven.
LARGEST_LISTED = 3_000
# So few nodes have few connected sets even without any maximum.
SMALL_ENOUGH = 16
# Sets grown side by side start from so many nodes.
ROOTS_AT_ONCE = 64
# How finely the room for more nodes is told apart, and what keeps links of nothing in a sparse matrix.
ROOM_STEPS = 500
TINY = 1e-9
ROUNDING = 1e-9


class Candidates(NamedTuple):
    """Valid zones: which nodes each covers, and its two lesser scores; ``seen`` counts the sets looked at."""

    cover: Cover
    number: Floats
    cost: Floats
    seen: int


class Sieve(NamedTuple):
    """Which sets are worth listing under given prices of the nodes: those of reduced cost at most ``most``.

    A set's reduced cost is its cost less its nodes' prices. However a set is grown on, its spread does not
    shrink, and each node brings at most its ``promise``: its price and half the worth of all its links
    (each link has two ends). ``room`` holds, a row for each smallest node, the most that further nodes can
    promise within so many steps of ``step`` of the first amount that has a maximum.
    """

    prices: Floats
    promise: Floats
    room: Floats
    step: float
    column: int
    most: float

    def reduced(self, problem: ZoneProblem, level: _Level) -> Floats:
        """Reduced cost of each set."""
        return np.asarray(problem.cost(level.sums) - self.prices[level.members].sum(axis=1))

    def hopeful(self, problem: ZoneProblem, level: _Level) -> Flags:
        """Sets that can still become one worth listing."""
        spread = problem.cost(level.sums) + level.sums[:, INNER] / problem.cost_unit
        left = problem.high[self.column] - level.sums[:, problem.amounts.start + self.column]
        room = self.room[level.members[:, 0], np.ceil(left / self.step).astype(np.int64)]
        least = spread - self.promise[level.members].sum(axis=1) - room
        return np.asarray(least <= self.most + ROUNDING * (1.0 + np.abs(least)))


class Reach(NamedTuple):
    """What zones can span: the bounded amount this is judged by, and a table of nodes a zone can hold together."""

    column: int
    near: NDArray[np.bool_]


def reach_of(problem: ZoneProblem) -> Reach | None:
    """The reach of zones under the first maximum; None without any. O(n m log n)."""
    bounded = np.flatnonzero(np.isfinite(problem.high) & (problem.high > 0))
    if not len(bounded):
        return None
    column, n = int(bounded[0]), problem.size
    amount, high = problem.stats[:, problem.amounts.start + column], float(problem.high[column])
    # A zone that holds two nodes spends at least what lies on the way between them.
    one, two = np.concatenate([problem.heads, problem.tails]), np.concatenate([problem.tails, problem.heads])
    slack = ROUNDING * high + TINY * n
    ways = dijkstra(csr_array((amount[two] + TINY, (one, two)), shape=(n, n)), limit=high + 2.0 * slack)
    return Reach(column, ways <= high - amount[:, None] + slack)


def make_sieve(problem: ZoneProblem, reach: Reach, prices: Floats, *, most: float) -> Sieve:
    """The sieve of a problem under these prices. O(n x n)."""
    n, high = problem.size, float(problem.high[reach.column])
    amount = np.maximum(problem.stats[:, problem.amounts.start + reach.column], TINY)
    ends = np.bincount(problem.heads, problem.closeness, n) + np.bincount(problem.tails, problem.closeness, n)
    promise = prices + (ends / 2.0 + problem.stats[:, INNER]) / problem.cost_unit
    step = high / ROOM_STEPS
    room = np.empty((n, ROOM_STEPS + 1))
    budgets = np.arange(ROOM_STEPS + 1) * step + 2.0 * (ROUNDING * high + TINY * n)
    best_first = np.argsort(-promise / amount, kind="stable")
    best_first = best_first[promise[best_first] > 0]
    for first in range(n):
        nodes = best_first[reach.near[first, best_first] & (best_first > first)]
        # The fractional knapsack: the best promise for its amount first, the last one in part.
        spent, promised = np.cumsum(amount[nodes]), np.cumsum(promise[nodes])
        room[first] = np.interp(budgets, np.append(0.0, spent), np.append(0.0, promised))
    return Sieve(prices, promise, room, step, reach.column, most)


def list_candidates(problem: ZoneProblem, *, max_subsets: int, sieve: Sieve | None = None) -> Candidates | None:
    """All connected sets of nodes that keep the bounds, each once; None beyond ``max_subsets`` looked at.

    A set is grown by one node at a time in an order that reaches it exactly once: the first node is its
    smallest, and each further one is taken from a list of which only the later entries, and the new
    node's own neighbours, remain. Sets above a maximum are not grown on. With a sieve, all that pass it
    and no others. O(sets x degree x size).
    """
    n = problem.size
    if n > LARGEST_LISTED or not (np.isfinite(problem.high).any() or n <= SMALL_ENOUGH):
        return None
    if sieve is None and _singles_and_pairs(problem) > max_subsets:
        return None
    if sieve is None and n <= MOST_NODES:
        small = list_small(problem, max_subsets)
        return None if small is None else _scored(problem, *small)
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
            if sieve is not None:
                good &= sieve.reduced(problem, level) <= sieve.most
            score = problem.score(level.sums[good])
            found.append((np.asarray(level.members[good], member_type(n)), score.number, score.cost))
            if sieve is not None:
                level = _kept(level, np.flatnonzero(sieve.hopeful(problem, level)))
            level = _next_level(problem, net, level)
    return _gather(found, seen, n)


def _scored(problem: ZoneProblem, found: list[Found], seen: int) -> Candidates:
    """Sets as candidates with their lesser scores."""
    scores = [problem.score(each.sums) for each in found]
    number = np.concatenate([np.zeros(0), *[score.number for score in scores]])
    cost = np.concatenate([np.zeros(0), *[score.cost for score in scores]])
    masks = np.concatenate([np.zeros(0, dtype=np.uint64), *[each.masks for each in found]])
    return Candidates(MaskCover(masks, problem.size), number, cost, seen)


def _singles_and_pairs(problem: ZoneProblem) -> int:
    """How many sets of one or two nodes will be looked at: tables are not built in vain."""
    amounts = problem.stats[:, problem.amounts]
    pairs = amounts[problem.heads] + amounts[problem.tails]
    return int(sum((each <= problem.high).all(axis=1).sum() for each in (amounts, pairs)))


def _kept(level: _Level, rows: Labels) -> _Level:
    _, nodes = _spread(level.open_starts[rows], level.open_starts[rows + 1], level.open_nodes)
    starts = starts_of(np.diff(level.open_starts)[rows])
    return _Level(level.members[rows], level.sums[rows], starts, nodes)


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
    return _Level(roots[:, None], sums, starts_of(counts), node[later])


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
    starts = starts_of(own + more)
    both = np.empty(len(nodes) + len(others), dtype=np.int32)
    both[np.arange(len(nodes)) + np.repeat(starts_of(more)[:-1], own)] = nodes
    both[np.arange(len(others)) + np.repeat(starts_of(own)[1:], more)] = others
    return starts, both


def _spread(starts: NDArray[np.integer], stops: NDArray[np.integer], values: Rows) -> tuple[Labels, Rows]:
    """``values[starts[i]:stops[i]]`` one after the other, with ``i`` of each."""
    owner, places = spread_places(starts, stops)
    return owner, values[places]


def _gather(found: list[tuple[Members, Floats, Floats]], seen: int, n: int) -> Candidates:
    sizes = np.concatenate([np.zeros(0, dtype=np.int64), *[np.full(len(m), m.shape[1]) for m, _, _ in found]])
    members = np.concatenate([np.zeros(0, dtype=member_type(n)), *[m.ravel() for m, _, _ in found]])
    number = np.concatenate([np.zeros(0), *[number for _, number, _ in found]])
    cost = np.concatenate([np.zeros(0), *[cost for _, _, cost in found]])
    return Candidates(listed_cover(starts_of(sizes), members, n), number, cost, seen)
