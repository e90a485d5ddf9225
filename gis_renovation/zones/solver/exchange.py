"""Small moves between neighbouring zones: one community goes over, or two change places.

Cutting a tree seldom finds the one exchange that makes two zones rounder; looking at every exchange of
the city at once costs about as much as one round of trees. Both zones stay connected: only nodes that
hold nothing together (no articulation points) leave, and only for a zone they touch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import depth_first_order

from gis_renovation.arrays import Flags, Floats
from gis_renovation.zones.solver.problem import (
    COST_EPSILON,
    INNER,
    MEMBERS,
    Labels,
    Phase,
    Score,
    ZoneProblem,
    compact,
    group_sums,
)


class Ties(NamedTuple):
    """Every link from both its ends, sorted by the first end and then the other, with its closeness."""

    near: Labels
    far: Labels
    worth: Floats


def both_ways(problem: ZoneProblem) -> Ties:
    """The links of a problem from both their ends. O(m log m)."""
    near, far = np.concatenate([problem.heads, problem.tails]), np.concatenate([problem.tails, problem.heads])
    order = np.argsort(near * problem.size + far)
    return Ties(near[order], far[order], np.tile(problem.closeness, 2)[order])


class _Border(NamedTuple):
    """Who may leave ``home`` for a touching ``goal``: links there, their worth, and the worth given up.

    ``alone`` says that nobody stays behind.
    """

    node: Labels
    home: Labels
    goal: Labels
    links: Labels
    won: Floats
    lost: Floats
    alone: Flags


class _Moves(NamedTuple):
    """A node goes from ``home`` to ``goal``; its ``mate`` (-1 for none) the other way; changes of the sums."""

    node: Labels
    mate: Labels
    home: Labels
    goal: Labels
    home_change: Floats
    goal_change: Floats


def exchange(problem: ZoneProblem, ties: Ties, labels: Labels, phase: Phase) -> Labels:
    """Make the best improving moves, each zone in one at most; equal labels when nothing improves.

    ``labels`` number connected groups without gaps, and so does the result. O(m log m) with m links.
    """
    sums = group_sums(problem, labels)
    moves = _moves(problem, ties, _border(ties, labels, len(sums)))
    old = phase.score(problem, sums)
    home, home_same = _changed(problem, phase, sums, old, zone=moves.home, change=moves.home_change)
    goal, goal_same = _changed(problem, phase, sums, old, zone=moves.goal, change=moves.goal_change)
    out, number, cost = (one + two for one, two in zip(home, goal, strict=True))
    level = np.abs(number) <= COST_EPSILON
    better = (out < 0) | ((out == 0) & ((number < -COST_EPSILON) | (level & (cost < -COST_EPSILON))))
    if problem.zone_count is not None:
        better &= home_same & goal_same
    rows = np.flatnonzero(better)
    rows = rows[np.lexsort((cost[rows], number[rows], out[rows]))]
    taken = _apart(rows, moves.home[rows], moves.goal[rows], len(sums))
    new = labels.copy()
    new[moves.node[taken]] = moves.goal[taken]
    swaps = taken[moves.mate[taken] >= 0]
    new[moves.mate[swaps]] = moves.home[swaps]
    return compact(new)


def _changed(
    problem: ZoneProblem, phase: Phase, sums: Floats, old: Score, *, zone: Labels, change: Floats
) -> tuple[Score, Flags]:
    """What a change of sums does to each zone's score, and whether a valid zone stays one."""
    after = sums[zone] + change
    score = phase.score(problem, after)
    stays = after[:, MEMBERS] > 0
    # A zone without members is none.
    score = score._replace(number=np.where(stays, score.number, 0.0))
    same = stays & (problem.valid(after) == problem.valid(sums)[zone]) if problem.zone_count is not None else stays
    return Score(*(new - was[zone] for new, was in zip(score, old, strict=True))), same


def _apart(rows: Labels, homes: Labels, goals: Labels, count: int) -> Labels:
    """The rows, first come first served, whose two zones no earlier one has taken."""
    used = [False] * count
    taken = []
    for row, home, goal in zip(rows.tolist(), homes.tolist(), goals.tolist(), strict=True):
        if not used[home] and not used[goal]:
            used[home] = used[goal] = True
            taken.append(row)
    return np.array(taken, dtype=np.int64)


def _border(ties: Ties, labels: Labels, count: int) -> _Border:
    """Every free node beside every other zone it touches."""
    n = len(labels)
    keys = ties.near * count + labels[ties.far]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    node, goal = np.divmod(keys[first], count)
    links = np.diff(first, append=len(keys))
    worth = np.add.reduceat(ties.worth[order], first) if len(first) else np.zeros(0)
    home = labels[node]
    inside = home == goal
    lost = np.zeros(n)
    lost[node[inside]] = worth[inside]
    free = ~inside & can_leave(ties, labels, count)[node]
    node = node[free]
    alone = (np.bincount(labels, minlength=count) == 1)[home[free]]
    return _Border(node, home[free], goal[free], links[free], worth[free], lost[node], alone)


def _moves(problem: ZoneProblem, ties: Ties, border: _Border) -> _Moves:
    """Every single move and every swap across the borders, with what they do to both sums."""
    leaves, comes = problem.stats[border.node], problem.stats[border.node]
    leaves[:, INNER] += border.lost
    comes[:, INNER] += border.won
    one, two, tie = _swaps(problem.size, ties, border)
    home_change, goal_change = comes[two] - leaves[one], comes[one] - leaves[two]
    # The link between the two that change places is in neither zone before or after.
    home_change[:, INNER] -= tie
    goal_change[:, INNER] -= tie
    return _Moves(
        np.concatenate([border.node, border.node[one]]),
        np.concatenate([np.full(len(border.node), -1), border.node[two]]),
        np.concatenate([border.home, border.home[one]]),
        np.concatenate([border.goal, border.goal[one]]),
        np.concatenate([-leaves, home_change]),
        np.concatenate([comes, goal_change]),
    )


def _swaps(n: int, ties: Ties, border: _Border) -> tuple[Labels, Labels, Floats]:
    """Pairs of border rows that can change places, and the worth of the link between their nodes.

    Each must touch the other's zone by a link that does not end at the other, unless that one was alone.
    """
    count = int(max(border.home.max(initial=0), border.goal.max(initial=0))) + 1
    out, back = border.home * count + border.goal, border.goal * count + border.home
    order = np.argsort(out, kind="stable")
    low, high = (np.searchsorted(out[order], back, side=side) for side in ("left", "right"))
    rows = np.flatnonzero((border.home < border.goal) & (high > low))
    partners = (high - low)[rows]
    one = np.repeat(rows, partners)
    two = order[np.arange(len(one)) + np.repeat(low[rows] - (np.cumsum(partners) - partners), partners)]
    keys, wanted = ties.near * n + ties.far, border.node[one] * n + border.node[two]
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    tied = keys[place] == wanted if len(keys) else np.zeros(len(wanted), dtype=bool)
    fine = (border.alone[two] | (border.links[one] > tied)) & (border.alone[one] | (border.links[two] > tied))
    return one[fine], two[fine], np.where(tied, ties.worth[place] if len(keys) else 0.0, 0.0)[fine]


def can_leave(ties: Ties, labels: Labels, count: int) -> Flags:
    """Whether each node's group stays connected (or empty) without it: no articulation point. O(m).

    After Tarjan: in a depth-first tree a node holds its group together where some child's branch has no
    link above the node, and a root where it has two children.
    """
    n = len(labels)
    order, parent = _walk(ties, labels, count)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    inside = labels[ties.near] == labels[ties.far]
    highest = np.arange(n)
    np.minimum.at(highest, place[ties.near[inside]], place[ties.far[inside]])
    branch = np.ones(n, dtype=np.int64)
    above = parent[parent >= 0]
    while len(above):
        branch += np.bincount(above, minlength=n)
        above = parent[above]
        above = above[above >= 0]
    # In depth-first order a branch is a run of places.
    runs = np.column_stack([np.arange(n), np.arange(n) + branch]).ravel()
    highest = np.minimum.reduceat(np.append(highest, n), runs)[::2]
    is_root = parent < 0
    child = np.flatnonzero(~is_root)
    holds = is_root & (np.bincount(parent[child], minlength=n) > 1)
    cut = parent[child[highest[child] >= parent[child]]]
    holds[cut[~is_root[cut]]] = True
    free = np.empty(n, dtype=bool)
    free[order] = ~holds
    return free


def _walk(ties: Ties, labels: Labels, count: int) -> tuple[Labels, Labels]:
    """Nodes in depth-first order group by group, and the place of each one's parent in it (-1 for roots)."""
    n = len(labels)
    inside = labels[ties.near] == labels[ties.far]
    first = np.empty(count, dtype=np.int64)
    first[labels[::-1]] = np.arange(n - 1, -1, -1)
    starts = np.zeros(n + 2, dtype=np.int32)
    np.cumsum(np.bincount(ties.near[inside], minlength=n), out=starts[1 : n + 1])
    starts[n + 1] = starts[n] + count
    ends = np.concatenate([ties.far[inside], first]).astype(np.int32)
    graph = csr_array((np.ones(len(ends)), ends, starts), shape=(n + 1, n + 1))
    order, before = depth_first_order(graph, n, directed=True)
    place = np.empty(n + 1, dtype=np.int64)
    place[order] = np.arange(-1, n)
    nodes = order[1:].astype(np.int64)
    return nodes, place[before[nodes]]
