"""The search for good contiguous zones: random trees cut in the best places, then small exchanges.

The search draws random spanning trees, cuts them from the leaves up, and then redraws small groups of
neighbouring zones together (recombination, after DeFord, Duchin and Solomon 2021), all disjoint groups
of the city at once so that numpy and scipy do the loops. Between the redraws single communities go over
or change places (:mod:`gis_renovation.zones.solver.exchange`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gis_renovation.arrays import Flags, Floats
from gis_renovation.zones.solver.effort import SearchEffort
from gis_renovation.zones.solver.exchange import Ties, both_ways, exchange
from gis_renovation.zones.solver.problem import (
    COST_EPSILON,
    TIDY,
    Labels,
    Phase,
    Score,
    Turn,
    ZoneProblem,
    compact,
    connected_parts,
    gathering,
    group_sums,
    noise,
    part_problem,
    tiled,
)
from gis_renovation.zones.solver.trees import Forest, random_forest, tree_stats

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
    below, rest = tree_stats(wide, wide_regions, forest)
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


def clusters(problem: ZoneProblem, labels: Labels, turn: Turn, rounds: int, *, wealth: Floats | None = None) -> Labels:
    """Disjoint connected regions of up to ``2 ** rounds`` neighbouring zones, at random.

    With ``wealth`` (a value a zone) the wealthy go together before the others.
    """
    region = labels
    owner = np.arange(int(labels.max(initial=-1)) + 1)
    for step in range(rounds):
        luck = noise(turn.seed, 24 * turn.number + 3 * step + 2, len(problem.heads))
        region = _matched(
            problem, region, luck, None if wealth is None else np.asarray(np.bincount(owner, wealth), float)
        )
        owner = np.empty_like(owner)
        owner[labels] = region
    return compact(region)


def _matched(problem: ZoneProblem, region: Labels, luck: Floats, wealth: Floats | None) -> Labels:
    """Merge groups pairwise along a random maximal matching of touching groups, near enough."""
    count = int(region.max()) + 1
    one, two = region[problem.heads], region[problem.tails]
    apart = one != two
    keys = np.unique(np.minimum(one[apart], two[apart]) * count + np.maximum(one[apart], two[apart]))
    one, two = keys // count, keys % count
    priority = luck[: len(keys)]
    if wealth is not None:
        priority = priority - (wealth[one] + wealth[two]) / max(float(wealth.max(initial=0.0)), 1.0)
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


class _Pace(NamedTuple):
    """How hard to search: rounds, restarts side by side, and trees tried for each redraw."""

    sweeps: int
    copies: int
    tries: int


def _pace(problem: ZoneProblem, sweeps: int | None) -> _Pace:
    """Small cities afford restarts and several trees a redraw within one numpy call; large ones neither.

    Where a maximum lets a proof follow, a short search does.
    """
    if sweeps is None:
        sweeps = 4 if problem.size <= 300 and np.isfinite(problem.high).any() else 10
    return _Pace(sweeps, int(np.clip(400 // max(problem.size, 1), 1, 4)), 2 if problem.size <= 5_000 else 1)


def search_zones(problem: ZoneProblem, effort: SearchEffort) -> Labels:
    """The best zones found: group numbers by node; groups that break a bound are to be left out.

    Deterministic in the problem, the seed and the sweeps. O(sweeps x m log m).
    """
    seed, pace = effort.seed, _pace(problem, effort.sweeps)
    copies = 1 if problem.zone_count is not None else pace.copies
    many = tiled(problem, copies)
    ties, phase = both_ways(many), gathering(many)
    whole = connected_parts(many)
    # Snakes are worth their looseness only where maxima make it hard to fit zones in at all.
    winding = bool(np.isfinite(problem.high).any())
    labels = many_cut(many, whole, whole, Turn(seed, 1, pace.tries), TIDY, winding=winding)
    for step in range(pace.sweeps):
        if problem.zone_price == 0.0 and not _left_out(many, labels):
            break
        labels = _gather(many, ties, labels, Turn(seed, 10 + 2 * step, pace.tries), phase, winding=winding)
    # Half as many rounds again for compactness: gathering stretches zones, most of all under maxima.
    for step in range(pace.sweeps + pace.sweeps // 2):
        labels = _tidy(many, ties, labels, Turn(seed, 10 + 2 * (pace.sweeps + step), pace.tries))
    return _best_copies(problem, labels.reshape(copies, -1))


def _gather(problem: ZoneProblem, ties: Ties, labels: Labels, turn: Turn, phase: Phase, *, winding: bool) -> Labels:
    """One round that gathers what zones have beyond their minimum, and redraws where one more may fit."""
    labels = pair_cut(problem, labels, clusters(problem, labels, turn, 1), turn, phase)
    labels = exchange(problem, ties, labels, phase)
    turn = turn._replace(number=turn.number + 1)
    sums = group_sums(problem, labels)
    wealth = np.maximum(sums[:, problem.amounts.start] - problem.low[0], 0.0) if len(problem.low) else None
    regions = clusters(problem, labels, turn, 1 + turn.number // 2 % 3, wealth=wealth)
    nodes = np.flatnonzero(_is_promising(problem, labels, regions)[regions])
    if not len(nodes):
        return labels
    # So few regions that more trees cost little.
    part, turn = part_problem(problem, nodes), turn._replace(tries=8 * turn.tries)
    redrawn = many_cut(part, compact(labels[nodes]), compact(regions[nodes]), turn, phase, winding=winding)
    labels[nodes] = redrawn + len(sums)
    return compact(labels)


def _is_promising(problem: ZoneProblem, labels: Labels, regions: Labels) -> Flags:
    """Regions whose totals would do for one zone more where more are better, or that leave some out."""
    count = int(regions.max(initial=-1)) + 1
    left_out = problem.score(group_sums(problem, labels)).left_out > 0
    owner = np.zeros(len(left_out), dtype=np.int64)
    owner[labels] = regions
    promising = np.bincount(owner, left_out, minlength=count) > 0
    if problem.zone_price < 0:
        more = np.bincount(owner, minlength=count)[:, None] + 1
        promising |= (group_sums(problem, regions)[:, problem.amounts] >= more * problem.low).all(axis=1)
    return np.asarray(promising)


def _tidy(problem: ZoneProblem, ties: Ties, labels: Labels, turn: Turn) -> Labels:
    """One round for compactness, and towards the number of zones asked for."""
    if problem.zone_count is not None:
        wanted = problem.zone_count - int(problem.valid(group_sums(problem, labels)).sum())
        regions = labels if wanted > 0 else clusters(problem, labels, turn, 1)
        labels = pair_cut(problem, labels, regions, turn, TIDY, change=wanted)
    elif turn.number % 4 and (problem.low > 0).any():
        labels = many_cut(problem, labels, clusters(problem, labels, turn, 2), turn, TIDY, winding=False)
    else:
        labels = pair_cut(problem, labels, clusters(problem, labels, turn, 1), turn, TIDY)
    return exchange(problem, ties, labels, TIDY)


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
