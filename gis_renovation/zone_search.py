"""The search for good contiguous zones, over plain arrays and without any frame.

One problem holds communities as nodes with additive statistics, and links between them. A zone is a
connected set of nodes; because every statistic adds up, each candidate zone is judged from one row of
sums. The search draws random spanning trees, cuts them from the leaves up, and then redraws small groups
of neighbouring zones together (recombination, after DeFord, Duchin and Solomon 2021), all disjoint
groups of the city at once so that numpy and scipy do the loops.

All statistics are whole numbers held in float64: their sums are exact in any order, so the same problem
gives the same zones on every machine and for every order of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, depth_first_order, minimum_spanning_tree

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Fixed columns of ``ZoneProblem.stats``; features, amounts and wholes follow.
MEMBERS, SCATTER, INNER, FIRST_FEATURE = 0, 1, 2, 3
# Costs are compared after rounding off what float64 division leaves behind.
COST_EPSILON = 1e-7


class Score(NamedTuple):
    """What a set of zones is worth; every part is better when smaller, earlier parts decide first."""

    left_out: Floats
    number: Floats
    cost: Floats


@dataclass(frozen=True, kw_only=True)
class ZoneProblem:
    """Nodes with additive statistics, links, bounds and weights; invariants checked on creation.

    ``stats`` has one row a node: members (communities in the node), scatter (sum of squared features),
    inner (closeness kept inside the node), the feature sums, the bounded amounts, and one column for each
    set that must stay whole. Whole numbers throughout. ``heads < tails`` name each link once.
    ``closeness`` is what keeping a link inside a zone is worth, in the units of cost.
    """

    heads: Labels
    tails: Labels
    lengths: Floats
    closeness: Floats
    stats: Floats
    features: int
    low: Floats
    high: Floats
    whole_sizes: Floats
    cost_unit: float = 1.0
    zone_price: float = 0.0
    target: Floats | None = None
    zone_count: int | None = None

    def __post_init__(self) -> None:
        width = FIRST_FEATURE + self.features + len(self.low) + len(self.whole_sizes)
        if self.stats.shape[1] != width or len(self.low) != len(self.high):
            raise ValueError(f"stats have {self.stats.shape[1]} columns, expected {width}")
        if not (self.heads < self.tails).all() or (len(self.tails) and self.tails.max() >= len(self.stats)):
            raise ValueError("links must name two nodes in order")
        if (self.stats != np.rint(self.stats)).any():
            raise ValueError("statistics must be whole numbers")

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.stats)

    @property
    def amounts(self) -> slice:
        """Columns of the bounded amounts."""
        first = FIRST_FEATURE + self.features
        return slice(first, first + len(self.low))

    def valid(self, sums: Floats) -> Flags:
        """Whether zones with these sums keep every bound and tear no whole apart."""
        amounts = sums[:, self.amounts]
        good = (amounts >= self.low).all(axis=1) & (amounts <= self.high).all(axis=1)
        if len(self.whole_sizes):
            parts = sums[:, self.amounts.stop :]
            good &= ((parts == 0) | (parts == self.whole_sizes)).all(axis=1)
        return np.asarray(good)

    def cost(self, sums: Floats) -> Floats:
        """Looseness of zones: squared feature distances from their means, less the links kept."""
        members = np.maximum(sums[:, MEMBERS], 1.0)
        features = sums[:, FIRST_FEATURE : FIRST_FEATURE + self.features]
        spread = sums[:, SCATTER] - np.square(features).sum(axis=1) / members
        return np.asarray((spread - sums[:, INNER]) / self.cost_unit)

    def score(self, sums: Floats) -> Score:
        """Score of each row of sums as one zone; an invalid zone leaves its communities out."""
        good = self.valid(sums)
        number = np.full(len(sums), self.zone_price)
        if self.target is not None:
            amounts = sums[:, self.amounts]
            number = number + np.abs(amounts / self.target - 1.0).sum(axis=1, where=np.isfinite(self.target))
        return Score(np.where(good, 0.0, sums[:, MEMBERS]), np.where(good, number, 0.0), self.cost(sums))


def group_sums(problem: ZoneProblem, labels: Labels, count: int | None = None) -> Floats:
    """Statistics of each group ``0 .. count-1`` of nodes, links kept inside included. O(n + m)."""
    count = int(labels.max(initial=-1)) + 1 if count is None else count
    sums = np.stack([np.bincount(labels, column, minlength=count) for column in problem.stats.T], axis=1)
    kept = labels[problem.heads] == labels[problem.tails]
    sums[:, INNER] += np.bincount(labels[problem.heads[kept]], problem.closeness[kept], minlength=count)
    return np.asarray(sums)


def total_score(problem: ZoneProblem, labels: Labels) -> tuple[float, float, float]:
    """Score of a whole partition. Costs of groups that are left out do not count."""
    score = problem.score(group_sums(problem, labels))
    good = score.left_out == 0
    number = float(score.number.sum())
    if problem.zone_count is not None:
        number = float(abs(int(good.sum()) - problem.zone_count))
    return float(score.left_out.sum()), number, float(score.cost[good].sum())


def noise(seed: int, turn: int, count: int) -> Floats:
    """``count`` numbers in (0, 1] from a counter-based generator (SplitMix64): equal on every machine.

    numpy promises no equal streams between its versions; thirty integer operations do.
    """
    key = np.uint64((seed * 0x9E3779B97F4A7C15 + turn * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF)
    with np.errstate(over="ignore"):
        x = (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ key
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
        x ^= x >> np.uint64(31)
    return np.asarray(((x >> np.uint64(11)).astype(np.float64) + 1.0) * 2.0**-53)


class Turn(NamedTuple):
    """One round of the search: the seed, which round, and how many trees it tries at once."""

    seed: int
    number: int
    tries: int


# --- trees ----------------------------------------------------------------------------------------


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


def _tree_stats(problem: ZoneProblem, regions: Labels, forest: Forest) -> tuple[Floats, Floats]:
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


# --- moves ----------------------------------------------------------------------------------------


def pair_cut(
    problem: ZoneProblem, labels: Labels, regions: Labels, turn: Turn, phase: Phase, *, change: int | None = None
) -> Labels:
    """Redraw each region as one or two zones along the best single cut of some random trees.

    ``change`` steers the number of groups: at most so many more (or fewer, when negative), 0 for none.
    """
    count = int(regions.max(initial=-1)) + 1
    wide, wide_regions = tiled(problem, turn.tries), _tile_labels(regions, turn.tries)
    forest = random_forest(wide, wide_regions, turn, winding=False)
    below, rest = _tree_stats(wide, wide_regions, forest)
    region = wide_regions[forest.node] % count
    is_root = forest.parent < 0
    whole, side = phase.score(problem, below), phase.score(problem, rest)
    both = Score(*(np.asarray(np.where(is_root, one, one + two)) for one, two in zip(whole, side, strict=True)))
    now = _region_score(problem, labels, regions, phase)
    more = np.where(is_root, 1, 2) - _groups_in(labels, regions, count)[region]
    if change is not None:
        both = both._replace(number=np.asarray(more * -float(np.sign(change)) if change else 1e9 * np.abs(more), float))
        now = now._replace(number=np.zeros(count))
    best = _best_in_region(both, region, count)
    better = _is_better([part[best] for part in both], now)
    if change:
        _keep_cheapest(better, more[best] != 0, both.cost[best] - now.cost, abs(change))
    return _redraw(labels, forest, region, best, better)


def _groups_in(labels: Labels, regions: Labels, count: int) -> Labels:
    first = np.zeros(int(labels.max(initial=-1)) + 1, dtype=np.int64)
    first[labels] = regions
    return np.bincount(first, minlength=count)


def _keep_cheapest(better: Flags, changing: Flags, price: Floats, quota: int) -> None:
    """Of the regions about to change the number of groups, let only the ``quota`` cheapest do so."""
    rows = np.flatnonzero(better & changing)
    better[rows[np.argsort(price[rows], kind="stable")[quota:]]] = False


def _redraw(labels: Labels, forest: Forest, region: Labels, best: Labels, better: Flags) -> Labels:
    """Nodes below a chosen cut form one zone, the rest of their region the other."""
    n = len(labels)
    chosen = np.zeros(len(region), dtype=bool)
    chosen[best[better]] = True
    inside = _inherit(forest, chosen & (forest.parent >= 0))
    redrawn = better[region] & (forest.node // n == (forest.node[best] // n)[region])
    new = labels.copy()
    new[forest.node[redrawn] % n] = (2 * region + inside + labels.max() + 1)[redrawn]
    return compact(new)


def many_cut(
    problem: ZoneProblem, labels: Labels, regions: Labels, turn: Turn, phase: Phase, *, winding: bool
) -> Labels:
    """Redraw each region from the leaves of some random trees up, cutting whenever a zone is complete."""
    n, count = problem.size, int(regions.max(initial=-1)) + 1
    tries = turn.tries
    wide, wide_regions = tiled(problem, tries), _tile_labels(regions, tries)
    forest = random_forest(wide, wide_regions, turn, winding=winding)
    drawn = np.empty(wide.size, dtype=np.int64)
    drawn[forest.node] = _cut_upwards(wide, forest)
    drawn = compact(drawn)
    now = _region_score(problem, labels, regions, phase)
    then = _region_score(wide, drawn, wide_regions, phase)
    best = _best_in_region(list(then), np.arange(tries * count) % count, count)
    better = _is_better([part[best] for part in then], now)
    taken = drawn[(best // count)[regions] * n + np.arange(n)]
    return compact(np.where(better[regions], taken + labels.max() + 1, labels))


def _tile_labels(labels: Labels, copies: int) -> Labels:
    count = int(labels.max(initial=-1)) + 1
    return np.tile(labels, copies) + np.repeat(np.arange(copies) * count, len(labels))


def _cut_upwards(problem: ZoneProblem, forest: Forest) -> Labels:
    """Part of each position: cut off as soon as the bounds hold; what is left at the root joins a part.

    With minimum bounds only this gives the most parts any cutting of the tree can have. O(n).
    """
    sums = problem.stats[forest.node]
    cut = np.zeros(len(sums), dtype=bool)
    for start, stop, families, parents in reversed(forest.levels):
        block = sums[start:stop]
        cut[start:stop] = done = _is_complete(problem, block)
        sums[parents] += np.add.reduceat(np.where(done[:, None], 0.0, block), families, axis=0)
    roots = forest.parent < 0
    cut[roots] = _is_complete(problem, sums[roots])
    part = np.where(cut, np.arange(len(sums)), -1)
    for start, stop, _, _ in forest.levels:
        block = part[start:stop]
        part[start:stop] = np.where(block < 0, part[forest.parent[start:stop]], block)
    return _join_leftover(problem, forest, part, sums)


def _is_complete(problem: ZoneProblem, sums: Floats) -> Flags:
    """Bounds hold, or a maximum is outgrown already: that only a later redraw can mend."""
    return problem.valid(sums) | (sums[:, problem.amounts] > problem.high).any(axis=1)


def _join_leftover(problem: ZoneProblem, forest: Forest, part: Labels, sums: Floats) -> Labels:
    """Give what was left at each root to the adjoining part that keeps the bounds, or leave it."""
    n = len(part)
    part = np.where(part < 0, n + forest.root, part)
    heads = np.flatnonzero((forest.parent >= 0) & (part == np.arange(n)))
    heads = heads[part[forest.parent[heads]] >= n]
    if not len(heads):
        return part
    joined = sums[heads] + sums[forest.root[heads]]
    fine = problem.valid(joined)
    order = np.lexsort((joined[:, problem.amounts.start] if len(problem.low) else heads, ~fine, forest.root[heads]))
    owners = forest.root[heads[order]]
    first = order[np.flatnonzero(np.diff(owners, prepend=-1))]
    first = first[fine[first]]
    taker = np.full(n, -1)
    taker[forest.root[heads[first]]] = heads[first]
    left = part >= n
    part[left] = np.where(taker[part[left] - n] >= 0, taker[part[left] - n], part[left])
    return part


def _inherit(forest: Forest, marked: Flags) -> Flags:
    """Marks handed down from each marked position to its whole subtree."""
    inside = marked.copy()
    for start, stop, _, _ in forest.levels:
        inside[start:stop] |= inside[forest.parent[start:stop]]
    return inside


def _region_score(problem: ZoneProblem, labels: Labels, regions: Labels, phase: Phase) -> Score:
    """Summed score of each region's present zones."""
    score = phase.score(problem, group_sums(problem, labels))
    owner = np.zeros(len(score.cost), dtype=np.int64)
    owner[labels] = regions
    count = int(regions.max(initial=-1)) + 1
    return Score(*(np.asarray(np.bincount(owner, part, minlength=count), float) for part in score))


def _best_in_region(parts: Sequence[Floats], region: Labels, count: int) -> Labels:
    """Position of the best candidate of each region, the earliest of equals."""
    rows = np.arange(len(region))
    for part in parts:
        least = np.full(count, np.inf)
        np.minimum.at(least, region[rows], part[rows])
        rows = rows[part[rows] <= least[region[rows]]]
    best = np.empty(count, dtype=np.int64)
    best[region[rows[::-1]]] = rows[::-1]
    return best


def _is_better(new: Sequence[Floats], old: Score) -> Flags:
    less = new[0] < old.left_out
    same = new[0] == old.left_out
    step = new[1] - old.number
    less |= same & (step < -COST_EPSILON)
    same &= np.abs(step) <= COST_EPSILON
    return np.asarray(less | (same & (new[2] < old.cost - COST_EPSILON)))


def compact(labels: Labels) -> Labels:
    """The same groups numbered 0, 1, ... by their smallest node. O(n + groups log groups)."""
    n = len(labels)
    first = np.full(int(labels.max(initial=-1)) + 1, n)
    first[labels[::-1]] = np.arange(n - 1, -1, -1)
    used = np.flatnonzero(first < n)
    rank = np.empty(len(first), dtype=np.int64)
    rank[used[np.argsort(first[used])]] = np.arange(len(used))
    return np.asarray(rank[labels])


def clusters(problem: ZoneProblem, labels: Labels, turn: Turn, rounds: int) -> Labels:
    """Disjoint connected regions of up to ``2 ** rounds`` neighbouring zones, at random."""
    region = labels
    for step in range(rounds):
        region = _matched(problem, region, noise(turn.seed, 24 * turn.number + 3 * step + 2, len(problem.heads)))
    return compact(region)


def _matched(problem: ZoneProblem, region: Labels, luck: Floats) -> Labels:
    """Merge groups pairwise along a random maximal matching of touching groups, near enough."""
    count = int(region.max()) + 1
    one, two = region[problem.heads], region[problem.tails]
    apart = one != two
    keys = np.unique(np.minimum(one[apart], two[apart]) * count + np.maximum(one[apart], two[apart]))
    one, two = keys // count, keys % count
    priority = luck[: len(keys)]
    mate = np.arange(count)
    for _ in range(4):
        free = (mate[one] == one) & (mate[two] == two)
        one, two, priority = one[free], two[free], priority[free]
        if not len(one):
            break
        best = np.full(count, np.inf)
        np.minimum.at(best, one, priority)
        np.minimum.at(best, two, priority)
        chosen = (priority == best[one]) & (priority == best[two])
        mate[one[chosen]], mate[two[chosen]] = two[chosen], one[chosen]
    return np.asarray(np.minimum(np.arange(count), mate)[region])


# --- the search -----------------------------------------------------------------------------------


class Phase(NamedTuple):
    """What a sweep strives for: compact zones, or room gathered in few zones so that one more fits."""

    gather: bool

    def score(self, problem: ZoneProblem, sums: Floats) -> Score:
        """Score of each row of sums in this phase."""
        score = problem.score(sums)
        if not self.gather or not len(problem.low):
            return score
        return score._replace(
            cost=-np.square(
                sums[:, problem.amounts.start] / max(float(problem.stats[:, problem.amounts.start].mean()), 1.0)
            )
        )


def connected_parts(problem: ZoneProblem) -> Labels:
    """The connected component of every node, numbered by smallest node."""
    n = problem.size
    graph = csr_array((np.ones(len(problem.heads)), (problem.heads, problem.tails)), shape=(n, n))
    return compact(connected_components(graph, directed=False)[1].astype(np.int64))


def tiled(problem: ZoneProblem, copies: int) -> ZoneProblem:
    """The problem ``copies`` times side by side: restarts that share each numpy call."""
    shift = np.repeat(np.arange(copies) * problem.size, len(problem.heads))
    return replace(
        problem,
        heads=np.tile(problem.heads, copies) + shift,
        tails=np.tile(problem.tails, copies) + shift,
        lengths=np.tile(problem.lengths, copies),
        closeness=np.tile(problem.closeness, copies),
        stats=np.tile(problem.stats, (copies, 1)),
    )


def part_of(problem: ZoneProblem, nodes: Labels) -> ZoneProblem:
    """The problem of some nodes alone, in the order given by their sorted positions."""
    place = np.full(problem.size, -1)
    place[nodes] = np.arange(len(nodes))
    inside = (place[problem.heads] >= 0) & (place[problem.tails] >= 0)
    return replace(
        problem,
        heads=place[problem.heads[inside]],
        tails=place[problem.tails[inside]],
        lengths=problem.lengths[inside],
        closeness=problem.closeness[inside],
        stats=problem.stats[nodes],
    )


class Effort(NamedTuple):
    """How hard to search: redraws, restarts side by side, and trees tried for each redraw."""

    sweeps: int
    copies: int
    tries: int


def effort_for(problem: ZoneProblem, *, sweeps: int | None) -> Effort:
    """Small cities afford restarts and several trees a redraw within one numpy call; large ones neither.

    Where a maximum lets a proof follow, a short search does.
    """
    if sweeps is None:
        sweeps = 8 if problem.size <= 300 and np.isfinite(problem.high).any() else 24
    return Effort(sweeps, int(np.clip(400 // max(problem.size, 1), 1, 4)), 2 if problem.size <= 5_000 else 1)


def search_zones(problem: ZoneProblem, *, seed: int, effort: Effort) -> Labels:
    """The best zones found: group numbers by node; groups that break a bound are to be left out.

    Deterministic in the problem and the seed. O(sweeps x m log m).
    """
    copies = 1 if problem.zone_count is not None else effort.copies
    many = tiled(problem, copies)
    whole = connected_parts(many)
    labels = many_cut(many, whole, whole, Turn(seed, 1, effort.tries), Phase(gather=False), winding=True)
    gather = Phase(gather=problem.zone_price != 0.0 or bool(_left_out(many, labels)))
    # Snakes are worth their looseness only where maxima make it hard to fit zones in at all.
    winding = bool(np.isfinite(problem.high).any())
    for step in range(effort.sweeps):
        turn = Turn(seed, 10 + 2 * step, effort.tries)
        labels = pair_cut(many, labels, clusters(many, labels, turn, 1), turn, gather)
        turn = Turn(seed, 11 + 2 * step, effort.tries)
        labels = many_cut(many, labels, clusters(many, labels, turn, 3), turn, gather, winding=winding)
    # Small and middling cities afford more rounds for compactness.
    for step in range(effort.sweeps * effort.tries):
        turn = Turn(seed, 10 + 2 * effort.sweeps + step, effort.tries)
        labels = _tidy(many, labels, turn)
    return _best_copies(problem, labels.reshape(copies, -1))


def _tidy(problem: ZoneProblem, labels: Labels, turn: Turn) -> Labels:
    """One round for compactness, and towards the number of zones asked for."""
    tidy = Phase(gather=False)
    if problem.zone_count is None:
        return pair_cut(problem, labels, clusters(problem, labels, turn, 1), turn, tidy)
    wanted = problem.zone_count - int(problem.valid(group_sums(problem, labels)).sum())
    regions = labels if wanted > 0 else clusters(problem, labels, turn, 1)
    return pair_cut(problem, labels, regions, turn, tidy, change=wanted)


def _left_out(problem: ZoneProblem, labels: Labels) -> float:
    return float(problem.score(group_sums(problem, labels)).left_out.sum())


def _best_copies(problem: ZoneProblem, copies: Labels) -> Labels:
    """For each component the best of the restarts, the first of equals."""
    part = connected_parts(problem)
    count = int(part.max(initial=-1)) + 1
    scores = []
    for copy in copies:
        labels = compact(copy)
        score = problem.score(group_sums(problem, labels))
        owner = np.zeros(len(score.cost), dtype=np.int64)
        owner[labels] = part
        cost = np.where(score.left_out == 0, score.cost, 0.0)
        scores.append([np.bincount(owner, values, count) for values in (score.left_out, score.number, cost)])
    table = np.round(np.array(scores), 7)
    order = np.lexsort((table[:, 2], table[:, 1], table[:, 0]), axis=0)[0]
    return compact(copies[order[part], np.arange(problem.size)])
