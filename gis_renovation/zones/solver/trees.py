"""Random spanning trees of parts of a city, all parts at once, and sums over their branches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, depth_first_order, minimum_spanning_tree

from gis_renovation.arrays import Floats
from gis_renovation.zones.solver.problem import INNER, Labels, Turn, ZoneProblem, noise


class Forest(NamedTuple):
    """One rooted tree a region, in breadth-first order; arrays are by position in that order.

    ``node`` is the node at each position, ``parent`` the position of its parent (-1 for roots), ``root``
    the position of its region's root. ``levels`` walks from the roots down: start and stop of a depth,
    where each family of siblings begins in it, and the families' parents.
    """

    node: Labels
    parent: Labels
    root: Labels
    levels: list[tuple[int, int, Labels, Labels]]


def random_forest(problem: ZoneProblem, regions: Labels, turn: Turn, *, winding: bool) -> Forest:
    """A random spanning tree of every region; regions must be connected. O(m log m).

    Bushy trees are minimum spanning trees over the links' lengths times noise: they follow near
    neighbours and give compact zones. Winding trees are depth-first walks: they branch little, so
    cutting them wastes little, at the price of snakes to be straightened later.
    """
    n, count = problem.size, int(regions.max(initial=-1)) + 1
    inside = np.flatnonzero(regions[problem.heads] == regions[problem.tails])
    heads, tails = problem.heads[inside], problem.tails[inside]
    # Where a bushy tree is rooted changes none of its cuts; a walk starts anywhere.
    draw = np.argsort(noise(turn.seed, 3 * turn.number + 1, n)) if winding else np.arange(n)
    roots = np.empty(count, dtype=np.int64)
    roots[regions[draw]] = draw
    if winding:
        tree = _walk(heads, tails, roots, draw)
    else:
        weights = problem.lengths[inside] * (0.2 + noise(turn.seed, 3 * turn.number, len(problem.heads))[inside])
        tree = minimum_spanning_tree(_upper(heads, tails, weights, n))
    indices = np.concatenate([tree.indices, roots]).astype(np.int32)
    indptr = np.append(tree.indptr, len(indices)).astype(np.int32)
    graph = csr_array((np.ones(len(indices)), indices, indptr), shape=(n + 1, n + 1))
    order, before = breadth_first_order(graph, n, directed=False)
    place = np.empty(n + 1, dtype=np.int64)
    place[order] = np.arange(-1, n)
    node = order[1:].astype(np.int64)
    parent = place[before[node]]
    root = np.empty(count, dtype=np.int64)
    root[regions[node[:count]]] = np.arange(count)
    return Forest(node, parent, root[regions[node]], _levels(parent, count))


def _walk(heads: Labels, tails: Labels, roots: Labels, draw: Labels) -> csr_array:
    """A depth-first tree of each region, its nodes tried in the order of ``draw``."""
    n = len(draw)
    rank = np.empty(n, dtype=np.int64)
    rank[draw] = np.arange(n)
    one = np.concatenate([rank[heads], rank[tails], np.full(len(roots), n)])
    two = np.concatenate([rank[tails], rank[heads], rank[roots]])
    graph = csr_array((np.ones(len(one)), (one, two)), shape=(n + 1, n + 1))
    before = depth_first_order(graph, n, directed=True)[1][:n]
    child = np.flatnonzero(before < n)
    return csr_array((np.ones(len(child)), (draw[before[child]], draw[child])), shape=(n, n))


def _upper(heads: Labels, tails: Labels, weights: Floats, n: int) -> csr_array:
    """Links, already sorted by head, as a sparse matrix."""
    indptr = np.zeros(n + 1, dtype=np.int32)
    np.cumsum(np.bincount(heads, minlength=n), out=indptr[1:])
    return csr_array((weights, tails.astype(np.int32), indptr), shape=(n, n))


def _levels(parent: Labels, count: int) -> list[tuple[int, int, Labels, Labels]]:
    starts = [0, count]
    while starts[-1] < len(parent):
        starts.append(int(np.searchsorted(parent, starts[-1])))
    families = np.flatnonzero(parent[1:] != parent[:-1]) + 1
    bounds = np.searchsorted(families, starts)
    levels = []
    for level in range(1, len(starts) - 1):
        family = families[bounds[level] : bounds[level + 1]]
        levels.append((starts[level], starts[level + 1], family - starts[level], parent[family]))
    return levels


def subtree_sums(forest: Forest, values: Floats) -> Floats:
    """Sums of ``values`` (by position) over each position's subtree. O(n) in depth steps."""
    sums = values.copy()
    for start, stop, families, parents in reversed(forest.levels):
        sums[parents] += np.add.reduceat(sums[start:stop], families, axis=0)
    return sums


def meeting_points(forest: Forest, first: Labels, second: Labels) -> Labels:
    """Lowest common ancestors of pairs of positions in one tree each."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    open_pairs = np.flatnonzero(low != high)
    while len(open_pairs):
        up, other = forest.parent[high[open_pairs]], low[open_pairs]
        low[open_pairs], high[open_pairs] = np.minimum(up, other), np.maximum(up, other)
        open_pairs = open_pairs[up != other]
    return np.asarray(high)


def tree_stats(problem: ZoneProblem, regions: Labels, forest: Forest) -> tuple[Floats, Floats]:
    """Sums of every subtree, and of every region less that subtree (rows by position)."""
    own = problem.stats[forest.node]
    if not problem.closeness.any():
        below = subtree_sums(forest, own)
        return below, below[forest.root] - below
    n = problem.size
    inside = regions[problem.heads] == regions[problem.tails]
    place = np.empty(n, dtype=np.int64)
    place[forest.node] = np.arange(n)
    heads, tails, worth = place[problem.heads[inside]], place[problem.tails[inside]], problem.closeness[inside]
    kept = np.bincount(meeting_points(forest, heads, tails), worth, n)
    ends = np.bincount(heads, worth, n) + np.bincount(tails, worth, n)
    # A link counts at both ends and where they meet: what leaves the subtree is lost to both sides.
    sums = subtree_sums(forest, np.column_stack([own, kept, ends]))
    below, lost = sums[:, :-2], sums[:, -1] - 2.0 * sums[:, -2]
    below[:, INNER] += sums[:, -2]
    rest = below[forest.root] - below
    rest[:, INNER] -= lost
    return below, rest
