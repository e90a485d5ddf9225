"""Sets of up to 64 nodes as the bits of one number each: what is looked up a byte at a time costs no loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_renovation.arrays import Floats

Masks = NDArray[np.uint64]
Places = NDArray[np.int64]

# Nodes that the bits of one number tell apart.
MOST_NODES = 64
ONE = np.uint64(1)
BYTE = 8


def bits(nodes: NDArray[np.integer]) -> Masks:
    """Each node's own bit."""
    return np.asarray(ONE << nodes.astype(np.uint64))


def all_of(nodes: int) -> np.uint64:
    """Every one of so many nodes."""
    return np.uint64((1 << nodes) - 1)


def joined(starts: Places, members: NDArray[np.integer]) -> Masks:
    """The masks of sets: set ``i`` holds ``members[starts[i]:starts[i + 1]]``, one at least. O(members)."""
    if len(starts) < 2:
        return np.zeros(0, dtype=np.uint64)
    return np.asarray(np.bitwise_or.reduceat(bits(members), starts[:-1]))


def lowest(masks: Masks) -> Places:
    """The lowest bit of each number; 0 where there is none."""
    low = np.maximum(masks & (~masks + ONE), ONE)
    # A power of two has an exact logarithm.
    return np.asarray(np.log2(low.astype(np.float64)), dtype=np.int64)


def members_of(masks: Masks, nodes: int) -> tuple[Places, Places]:
    """How many nodes each set has, and the nodes of all, set by set, ascending. O(sets x nodes)."""
    flags = np.unpackbits(_bytes(masks, nodes), axis=1, bitorder="little")
    place = np.flatnonzero(flags)
    width = flags.shape[1]
    return np.bitwise_count(masks).astype(np.int64), place % max(width, 1)


def totals(masks: Masks, values: Floats) -> Floats:
    """The sum of each set's rows of ``values``, a row a node. O(sets x nodes / 8)."""
    sums = np.zeros((len(masks), *values.shape[1:]))
    for number, column in enumerate(_bytes(masks, len(values)).T):
        table = byte_table(values[BYTE * number : BYTE * (number + 1)])
        if table.any():
            sums += table[column]
    return sums


def byte_table(values: Floats) -> Floats:
    """Sums of the rows of up to eight nodes for each byte of their bits."""
    table = np.zeros((1 << len(values), *values.shape[1:]))
    for bit, row in enumerate(values):
        table[1 << bit : 2 << bit] = table[: 1 << bit] + row
    return table


def _bytes(masks: Masks, nodes: int) -> NDArray[np.uint8]:
    """The bytes of each number that hold the bits of so many nodes, the lowest first."""
    every = np.ascontiguousarray(masks, dtype="<u8").view(np.uint8).reshape(-1, BYTE)
    return every[:, : -(-nodes // BYTE)]
