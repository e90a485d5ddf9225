"""A network as arrays: who meets whom, built once and asked often.

Nodes and edges are positions counted from 0. Two edges between the same nodes stay two (two pipes in one trench are
no single point of failure); an edge from a node to itself is kept and leads nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from gis_renovation.arrays import Floats, Ints
from gis_renovation.errors import ConfigError

# csgraph counts in 32 bits.
Small = NDArray[np.int32]


@dataclass(frozen=True)
class Graph:
    """``start`` and ``end`` are the node positions of each edge, below ``node_count``."""

    node_count: int
    start: Ints
    end: Ints

    def __post_init__(self) -> None:
        ends = np.r_[self.start, self.end]
        if len(self.start) != len(self.end) or (len(ends) and (ends.min() < 0 or ends.max() >= self.node_count)):
            raise ConfigError(
                f"管网的边引用了不存在的节点：节点共 {self.node_count} 个。",
                f"Edges of the network name nodes that do not exist: there are {self.node_count} nodes.",
            )

    @property
    def edge_count(self) -> int:
        """How many edges there are."""
        return len(self.start)

    @cached_property
    def arcs(self) -> csr_matrix:
        """Each edge both ways as a square matrix; data is 1 + the edge's position. O(edges log edges)."""
        edges = np.arange(1, self.edge_count + 1, dtype="float64")
        tail, head = np.r_[self.start, self.end], np.r_[self.end, self.start]
        return arcs_matrix(tail, head, np.r_[edges, edges], self.node_count)

    @cached_property
    def components(self) -> tuple[int, Small]:
        """How many connected parts there are, and which one each node belongs to."""
        count, label = connected_components(self.arcs, directed=False)
        return int(count), np.asarray(label, dtype="int32")


def arcs_matrix(tail: Ints, head: Ints, data: Floats, count: int) -> csr_matrix:
    """Arcs as a square matrix of ``count`` nodes; parallel arcs stay apart, where scipy's own way adds them up."""
    tail = tail.astype("int32")
    order = np.argsort(tail, kind="stable")
    first = np.zeros(count + 1, dtype="int32")
    np.cumsum(np.bincount(tail, minlength=count), out=first[1:])
    return csr_matrix((data[order], head.astype("int32")[order], first), shape=(count, count))
