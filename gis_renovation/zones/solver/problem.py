"""What the zones are judged by, over plain arrays and without any frame.

One problem holds communities as nodes with additive statistics, and links between them. A zone is a
connected set of nodes; because every statistic adds up, each candidate zone is judged from one row of
sums.

All statistics are whole numbers held in float64: their sums are exact in any order, so the same problem
gives the same zones on every machine and for every order of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gis_renovation.arrays import Flags, Floats

Labels = NDArray[np.int64]

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


def compact(labels: Labels) -> Labels:
    """The same groups numbered 0, 1, ... by their smallest node. O(n + groups log groups)."""
    n = len(labels)
    first = np.full(int(labels.max(initial=-1)) + 1, n)
    first[labels[::-1]] = np.arange(n - 1, -1, -1)
    used = np.flatnonzero(first < n)
    rank = np.empty(len(first), dtype=np.int64)
    rank[used[np.argsort(first[used])]] = np.arange(len(used))
    return np.asarray(rank[labels])


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


def part_problem(problem: ZoneProblem, nodes: Labels) -> ZoneProblem:
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


class Phase(NamedTuple):
    """What a round strives for: compact zones, or also room gathered in few zones so that one more fits.

    ``gather`` is what the square of a zone's first bounded amount is worth, in cost; 0 for compact zones.
    """

    gather: float = 0.0

    def score(self, problem: ZoneProblem, sums: Floats) -> Score:
        """Score of each row of sums in this phase."""
        score = problem.score(sums)
        if not self.gather or not len(problem.low):
            return score
        return score._replace(cost=score.cost - self.gather * np.square(sums[:, problem.amounts.start]))


TIDY = Phase()


def gathering(problem: ZoneProblem) -> Phase:
    """The phase in which an average community's amount, squared, weighs as much as an average link.

    More weight finds little more room and leaves zones that no later round makes compact again.
    """
    if not len(problem.low) or not len(problem.heads):
        return TIDY
    features = problem.stats[:, FIRST_FEATURE : FIRST_FEATURE + problem.features]
    steps = np.square(features[problem.heads] - features[problem.tails]).sum(axis=1)
    amount = max(float(problem.stats[:, problem.amounts.start].mean()), 1.0)
    return Phase(float((steps + problem.closeness).mean()) / problem.cost_unit / amount**2)
