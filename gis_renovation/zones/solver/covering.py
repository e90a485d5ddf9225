"""The best exact cover of few nodes by listed sets, without a solver: partial covers, node by node.

Integer programmes over few nodes and many sets are hard for branch and cut: the relaxation of two or three
zones among twenty communities says little. Counting partial covers is not: each is a set of nodes, held as
the bits of one number, of equal ones only the best is kept, and prices say how much dearer than the bound
each already is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gis_renovation.arrays import Floats
from gis_renovation.zones.solver.bitsets import MOST_NODES, Masks, all_of, lowest
from gis_renovation.zones.solver.covers import Cover, MaskCover
from gis_renovation.zones.solver.problem import Labels

# Pairs of a partial cover and a set tried at once.
PAIRS_AT_ONCE = 1_000_000


class Limits(NamedTuple):
    """What the reduced costs and each value of a choice may add up to.

    ``counted`` is a value of which more or less may turn out better, so that covers are compared only where it is
    equal.
    """

    spent: float
    values: Floats
    counted: int | None = None


class Priced(NamedTuple):
    """Columns to choose from, the reduced cost of each, at least 0, and its values, what decides first in front."""

    columns: Labels
    reduced: Floats
    values: Floats


class _Partial(NamedTuple):
    """Partial covers: nodes covered, how much dearer than the prices, values, and the last set with what it joined."""

    mask: Masks
    spent: Floats
    values: Floats
    before: Labels
    column: Labels

    def take(self, rows: Labels) -> _Partial:
        return _Partial(self.mask[rows], self.spent[rows], self.values[rows], self.before[rows], self.column[rows])


def best_cover(
    cover: Cover, priced: Priced, limits: Limits, *, max_pairs: int, width: int | None = None
) -> Labels | None:
    """The columns that cover every node once at the least values, the first part first; none where nothing does.

    Sums may not exceed the limits. With a ``width`` only so many partial covers, those that cost least beyond the
    prices, are grown on at each node, so that a better choice may be missed. None beyond ``max_pairs`` pairs of a
    partial cover and a column. Deterministic, in at most ``max_pairs`` steps.
    """
    if not isinstance(cover, MaskCover):
        raise TypeError(f"partial covers are of {MOST_NODES} nodes at most, found {cover.nodes}")
    masks = cover.masks[priced.columns]
    owner = lowest(masks)
    # By owner, then by reduced cost, equals as they come.
    order = np.argsort(priced.reduced, kind="stable")
    order = order[np.argsort(owner[order].astype(np.uint8), kind="stable")]
    starts = np.searchsorted(owner[order], np.arange(cover.nodes + 1))
    if width is not None:
        width = min(width, max(1, max_pairs // max(len(masks), 1)))
    waiting: list[list[_Partial]] = [[] for _ in range(cover.nodes + 1)]
    waiting[0].append(_nothing(priced.values.shape[1]))
    kept: list[_Partial] = []
    count = pairs = 0
    for node in range(cover.nodes):
        if not waiting[node]:
            continue
        states = _narrowed(_best_of_each(waiting[node], limits.counted), width)
        waiting[node] = []
        kept.append(states)
        own = order[starts[node] : starts[node + 1]]
        # Columns are in order of their reduced costs.
        pairs += int(np.searchsorted(priced.reduced[own], limits.spent - states.spent, side="right").sum())
        if pairs > max_pairs:
            return None
        sets = _Partial(masks[own], priced.reduced[own], priced.values[own], own, own)
        for grown in _grown(states, count, sets, limits.spent):
            place = np.where(grown.mask == all_of(cover.nodes), cover.nodes, lowest(~grown.mask))
            by_place = np.argsort(place.astype(np.uint8), kind="stable")
            starts_at = np.append(0, np.cumsum(np.bincount(place, minlength=cover.nodes + 1)))
            for goal in np.flatnonzero(np.diff(starts_at)):
                waiting[goal].append(grown.take(by_place[starts_at[goal] : starts_at[goal + 1]]))
        count += len(states.mask)
    return _traced(priced.columns, kept, waiting[-1], limits)


def _traced(columns: Labels, kept: list[_Partial], whole: list[_Partial], limits: Limits) -> Labels:
    """The columns of the best whole cover within the limits."""
    nothing = np.zeros(0, dtype=np.int64)
    if not whole:
        return nothing
    covers = _best_of_each(whole, limits.counted)
    good = np.flatnonzero((covers.values <= limits.values).all(axis=1))
    if not len(good):
        return nothing
    ranks = np.round(covers.values[good], 9)
    if limits.counted is not None:
        ranks = np.delete(ranks, limits.counted, axis=1)
    best = good[np.lexsort(ranks.T[::-1])[0]]
    before, column = (np.concatenate([getattr(each, name) for each in kept]) for name in ("before", "column"))
    chosen, at = [int(covers.column[best])], int(covers.before[best])
    while column[at] >= 0:
        chosen.append(int(column[at]))
        at = int(before[at])
    return np.sort(columns[chosen])


def _nothing(width: int) -> _Partial:
    """Nothing covered yet."""
    none = np.full(1, -1)
    return _Partial(np.zeros(1, np.uint64), np.zeros(1), np.zeros((1, width)), none, none)


def _best_of_each(found: list[_Partial], counted: int | None) -> _Partial:
    """Of partial covers of the same nodes, and the same count, only the best, the first found of equals."""
    every = _Partial(*(np.concatenate(each) for each in zip(*found, strict=True)))
    count = every.values[:, counted] if counted is not None else np.zeros(len(every.mask))
    order = np.lexsort((*np.round(every.values, 9).T[::-1], count, every.mask))
    mask, count = every.mask[order], count[order]
    first = np.append(True, (mask[1:] != mask[:-1]) | (count[1:] != count[:-1]))
    return every.take(order[first])


def _narrowed(states: _Partial, width: int | None) -> _Partial:
    if width is None or len(states.mask) <= width:
        return states
    return states.take(np.sort(np.argsort(states.spent, kind="stable")[:width]))


def _grown(states: _Partial, count: int, sets: _Partial, budget: float) -> Iterator[_Partial]:
    """Every partial cover with every set that fits it and the budget, some at a time; numbered from ``count`` on."""
    cheapest = np.argsort(states.spent, kind="stable")
    step = max(1, PAIRS_AT_ONCE // max(len(sets.mask), 1))
    for first in range(0, len(cheapest), step):
        rows = cheapest[first : first + step]
        part = states.take(rows)
        fitting = int(np.searchsorted(sets.spent, budget - part.spent[0], side="right"))
        fits = (part.mask[:, None] & sets.mask[:fitting]) == 0
        fits &= part.spent[:, None] + sets.spent[:fitting] <= budget
        one, two = np.nonzero(fits)
        yield _Partial(
            part.mask[one] | sets.mask[two],
            part.spent[one] + sets.spent[two],
            part.values[one] + sets.values[two],
            rows[one] + count,
            sets.column[two],
        )
