"""Which nodes each of many columns covers: by their bits where there are few nodes, else by lists of members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis_renovation.arrays import Flags, Floats
from gis_renovation.zones.solver import bitsets
from gis_renovation.zones.solver.bitsets import MOST_NODES, Masks
from gis_renovation.zones.solver.problem import Labels

Members = NDArray[np.uint16 | np.int32]

# Columns priced at once.
COLUMNS_AT_ONCE = 250_000


class MaskCover(NamedTuple):
    """Column ``i`` covers the nodes whose bits ``masks[i]`` has; 64 nodes at most, each column has one at least."""

    masks: Masks
    nodes: int

    @property
    def column_count(self) -> int:
        """How many columns there are."""
        return len(self.masks)

    def sizes(self) -> Labels:
        """How many nodes each column covers."""
        return np.bitwise_count(self.masks).astype(np.int64)

    def followed_by(self, *others: Cover) -> MaskCover:
        """These columns, then the others', of the same nodes."""
        masks = [self.masks, *(other.masks for other in others if isinstance(other, MaskCover))]
        _all_of_a_kind(masks, others)
        return MaskCover(np.concatenate(masks), self.nodes)

    def only(self, columns: Labels) -> MaskCover:
        """Some columns alone."""
        return MaskCover(self.masks[columns], self.nodes)

    def with_one_more(self, columns: Labels, extra: Labels, nodes: int) -> Cover:
        """Some columns over more nodes, each with the node ``extra`` besides, which is a new one (none for -1)."""
        if nodes > MOST_NODES:
            return self._listed().with_one_more(columns, extra, nodes)
        more = np.where(extra >= 0, bitsets.bits(np.maximum(extra, 0)), np.uint64(0))
        return MaskCover(self.masks[columns] | more, nodes)

    def _listed(self) -> MemberCover:
        sizes, members = bitsets.members_of(self.masks, self.nodes)
        return MemberCover(starts_of(sizes), members.astype(np.uint16), self.nodes)

    def matrix(self, columns: Labels) -> csr_array:
        """Some columns as the rows of a matrix of ones."""
        sizes, members = bitsets.members_of(self.masks[columns], self.nodes)
        indptr, indices = starts_of(sizes).astype(np.int32), members.astype(np.int32)
        return csr_array((np.ones(len(members)), indices, indptr), shape=(len(columns), self.nodes))

    def totals(self, values: Floats) -> Floats:
        """The sum of the values of each column's nodes."""
        return bitsets.totals(self.masks, values)

    def least_shares(self, values: Floats) -> Floats:
        """For each node the least value of a column that covers it; infinite where none does."""
        return _least_shares(*bitsets.members_of(self.masks, self.nodes), values, self.nodes)

    def reached(self, columns: int) -> Flags:
        """Whether each node is in any of the first so many columns."""
        every = np.bitwise_or.reduce(self.masks[:columns], initial=np.uint64(0))
        return np.asarray((every & bitsets.bits(np.arange(self.nodes))) != 0)


class MemberCover(NamedTuple):
    """Column ``i`` has ``members[starts[i]:starts[i + 1]]`` of ``nodes``, one at least.

    Millions of columns are held in two bytes a member; only the few in a programme become a matrix.
    """

    starts: Labels
    members: Members
    nodes: int

    @property
    def column_count(self) -> int:
        """How many columns there are."""
        return len(self.starts) - 1

    def sizes(self) -> Labels:
        """How many nodes each column covers."""
        return np.diff(self.starts)

    def followed_by(self, *others: Cover) -> MemberCover:
        """These columns, then the others', of the same nodes."""
        parts = [self, *(other for other in others if isinstance(other, MemberCover))]
        _all_of_a_kind(parts, others)
        starts = starts_of(np.concatenate([np.diff(part.starts) for part in parts]))
        return MemberCover(starts, np.concatenate([part.members for part in parts]), self.nodes)

    def only(self, columns: Labels) -> MemberCover:
        """Some columns alone."""
        places = spread_places(self.starts[columns], self.starts[columns + 1])[1]
        starts = starts_of(self.starts[columns + 1] - self.starts[columns])
        return MemberCover(starts, self.members[places], self.nodes)

    def with_one_more(self, columns: Labels, extra: Labels, nodes: int) -> Cover:
        """Some columns over more nodes, each with the node ``extra`` besides, which is a new one (none for -1)."""
        own = self.starts[columns + 1] - self.starts[columns]
        more = extra >= 0
        starts = starts_of(own + more)
        last = starts[1:][more] - 1
        members = np.empty(starts[-1], dtype=member_type(nodes))
        is_own = np.ones(len(members), dtype=bool)
        is_own[last] = False
        members[last] = extra[more]
        members[is_own] = self.members[spread_places(self.starts[columns], self.starts[columns + 1])[1]]
        return MemberCover(starts, members, nodes)

    def matrix(self, columns: Labels) -> csr_array:
        """Some columns as the rows of a matrix of ones."""
        places = spread_places(self.starts[columns], self.starts[columns + 1])[1]
        members = self.members[places].astype(np.int32)
        starts = starts_of(self.starts[columns + 1] - self.starts[columns])
        return csr_array((np.ones(len(members)), members, starts), shape=(len(columns), self.nodes))

    def totals(self, values: Floats) -> Floats:
        """The sum of the values of each column's nodes."""
        totals = np.empty(self.column_count)
        for first in range(0, len(totals), COLUMNS_AT_ONCE):
            stop = min(first + COLUMNS_AT_ONCE, len(totals))
            starts = self.starts[first : stop + 1]
            taken = values[self.members[starts[0] : starts[-1]]]
            totals[first:stop] = np.add.reduceat(taken, starts[:-1] - starts[0])
        return totals

    def least_shares(self, values: Floats) -> Floats:
        """For each node the least value of a column that covers it; infinite where none does."""
        return _least_shares(self.sizes(), self.members, values, self.nodes)

    def reached(self, columns: int) -> Flags:
        """Whether each node is in any of the first so many columns."""
        seen = np.zeros(self.nodes, dtype=bool)
        for first in range(0, columns, COLUMNS_AT_ONCE):
            stop = min(first + COLUMNS_AT_ONCE, columns)
            seen[self.members[self.starts[first] : self.starts[stop]]] = True
        return seen


Cover = MaskCover | MemberCover


def _least_shares(sizes: Labels, members: NDArray[np.integer], values: Floats, nodes: int) -> Floats:
    least = np.full(nodes, np.inf)
    np.minimum.at(least, members.astype(np.int64), np.repeat(values, sizes))
    return least


def _all_of_a_kind(parts: Sequence[object], others: Sequence[Cover]) -> None:
    if len(parts) != len(others) + 1:
        raise ValueError("columns follow one another only where they cover the same nodes")


def cover_of(matrix: csr_array) -> Cover:
    """The rows of a matrix as columns, each of one node at least."""
    starts = matrix.indptr.astype(np.int64)
    return listed_cover(starts, matrix.indices, matrix.shape[1])


def listed_cover(starts: Labels, members: NDArray[np.integer], nodes: int) -> Cover:
    """Columns by their members; of few nodes they are held as bits."""
    if nodes <= MOST_NODES:
        return MaskCover(bitsets.joined(starts, members), nodes)
    return MemberCover(starts, members.astype(member_type(nodes)), nodes)


def member_type(nodes: int) -> type[np.uint16 | np.int32]:
    """The numbers that so many nodes need."""
    return np.uint16 if nodes <= np.iinfo(np.uint16).max else np.int32


def spread_places(starts: NDArray[np.integer], stops: NDArray[np.integer]) -> tuple[Labels, Labels]:
    """The places ``starts[i] .. stops[i] - 1`` one after the other, with ``i`` of each before."""
    counts = np.asarray(stops - starts, dtype=np.int64)
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) + np.repeat(starts - starts_of(counts)[:-1], counts)


def starts_of(counts: NDArray[np.integer]) -> Labels:
    """Where each of some runs begins, and where the last ends."""
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts
