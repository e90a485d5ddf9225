"""Every connected set of up to 64 nodes within the bounds, grown as the bits of numbers.

The sets and their order of growth are those of :mod:`gis_renovation.zones.solver.enumeration`; a set, the nodes that
may still join it and the nodes it has met are one number each, so that one level is a few operations on whole arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gis_renovation.arrays import Floats
from gis_renovation.zones.solver.bitsets import BYTE, ONE, Masks, all_of, bits, byte_table, totals
from gis_renovation.zones.solver.problem import INNER, ZoneProblem


class Found(NamedTuple):
    """Sets of one size that keep the bounds, and their statistics."""

    masks: Masks
    sums: Floats


class _Net(NamedTuple):
    """Bits of each node's neighbours and itself, and the worth of its links by the bytes of a mask."""

    near: Masks
    worth: list[list[tuple[int, Floats]]]


class _Cap(NamedTuple):
    """A bounded sum: each node's amount, the limits, and who fits by how many of the least amounts do."""

    amounts: Floats
    low: float
    high: float
    ascending: Floats
    fitting: Masks

    @classmethod
    def of(cls, amounts: Floats, low: float, high: float) -> _Cap:
        order = np.argsort(amounts, kind="stable")
        own = bits(order)
        # The first so many of the least amounts, from none to all.
        fitting = np.append(np.uint64(0), np.bitwise_or.accumulate(own))
        return cls(amounts, low, high, amounts[order], fitting)

    def fits(self, sums: Floats) -> Masks:
        """The nodes that may each join a set of such a sum."""
        return np.asarray(self.fitting[np.searchsorted(self.ascending, self.high - sums, side="right")])


class _Level(NamedTuple):
    """Sets while growing: their nodes, who may still join, who is or was near, their bounded sums, worth inside."""

    masks: Masks
    open: Masks
    met: Masks
    amounts: tuple[Floats, ...]
    inner: Floats


def list_small(problem: ZoneProblem, max_subsets: int) -> tuple[list[Found], int] | None:
    """All sets within the bounds, by size, and how many were looked at; None beyond ``max_subsets``.

    Each set is reached once: the first node is its smallest, and of the nodes that may join only the later ones, and
    the new node's own neighbours, remain. O(sets x nodes / 8).
    """
    net = _net(problem)
    caps = [
        _Cap.of(problem.stats[:, column], float(low), float(high))
        for column, low, high in zip(
            range(problem.amounts.start, problem.amounts.stop), problem.low, problem.high, strict=True
        )
        if high < np.inf
    ]
    level = _first_level(problem, net, caps)
    found: list[Found] = []
    seen = 0
    while len(level.masks):
        seen += len(level.masks)
        if seen > max_subsets:
            return None
        found.append(_found(problem, caps, level))
        level = _next_level(problem.size, net, caps, level)
    return found, seen


def _net(problem: ZoneProblem) -> _Net:
    n = problem.size
    near = bits(np.arange(n))
    np.bitwise_or.at(near, problem.heads, bits(problem.tails))
    np.bitwise_or.at(near, problem.tails, bits(problem.heads))
    table = np.zeros((n, n))
    table[problem.heads, problem.tails] = table[problem.tails, problem.heads] = problem.closeness
    groups = range(0, n, BYTE)
    worth = [
        [(first, byte_table(row[first : first + BYTE])) for first in groups if row[first : first + BYTE].any()]
        for row in table
    ]
    return _Net(near, worth)


def _first_level(problem: ZoneProblem, net: _Net, caps: Sequence[_Cap]) -> _Level:
    """Every node that fits alone; only later ones may join it."""
    fits = (problem.stats[:, problem.amounts] <= problem.high).all(axis=1)
    roots = np.flatnonzero(fits)
    masks = bits(roots)
    # A root and all before it.
    before = (masks - ONE) | masks
    amounts = tuple(cap.amounts[roots] for cap in caps)
    level = _Level(masks, net.near[roots] & ~before, net.near[roots] | before, amounts, np.zeros(len(roots)))
    return _fitting(caps, level)


def _fitting(caps: Sequence[_Cap], level: _Level) -> _Level:
    """The level without those who would break a maximum by joining."""
    may = level.open
    for cap, sums in zip(caps, level.amounts, strict=True):
        may = may & cap.fits(sums)
    return level._replace(open=may)


def _next_level(nodes: int, net: _Net, caps: Sequence[_Cap], level: _Level) -> _Level:
    parts = list(_joined_by_each(nodes, net, caps, level))
    if not parts:
        none = np.zeros(0, dtype=np.uint64)
        return _Level(none, none, none, tuple(np.zeros(0) for _ in caps), np.zeros(0))
    masks, may, met, amounts, inner = zip(*parts, strict=True)
    sums = tuple(np.concatenate(each) for each in zip(*amounts, strict=True))
    every = np.concatenate
    return _fitting(caps, _Level(every(masks), every(may), every(met), sums, every(inner)))


def _joined_by_each(nodes: int, net: _Net, caps: Sequence[_Cap], level: _Level) -> Iterator[_Level]:
    """The level's sets with one node more, node by node."""
    everyone = all_of(nodes)
    for node in range(nodes):
        own = ONE << np.uint64(node)
        rows = np.flatnonzero(level.open & own)
        if not len(rows):
            continue
        masks, met = level.masks[rows], level.met[rows]
        later = everyone ^ (own | (own - ONE))
        inner = level.inner[rows]
        for first, table in net.worth[node]:
            inner += table[(masks >> np.uint64(first)).astype(np.uint8)]
        yield _Level(
            masks | own,
            (level.open[rows] & later) | (net.near[node] & ~met),
            met | net.near[node],
            tuple(sums[rows] + cap.amounts[node] for cap, sums in zip(caps, level.amounts, strict=True)),
            inner,
        )


def _found(problem: ZoneProblem, caps: Sequence[_Cap], level: _Level) -> Found:
    """The sets of a level that keep every bound, with their statistics."""
    good = np.ones(len(level.masks), dtype=bool)
    for cap, amounts in zip(caps, level.amounts, strict=True):
        if cap.low > 0:
            good &= amounts >= cap.low
    masks = level.masks[good]
    sums = totals(masks, problem.stats)
    sums[:, INNER] += level.inner[good]
    valid = problem.valid(sums)
    return Found(masks[valid], sums[valid])
