"""What a network reaches from a place, with valves as they stand; upstream, downstream, and the shortest way."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, dijkstra

from gis_renovation.arrays import Flags, Floats, Ints
from gis_renovation.errors import ConfigError
from gis_renovation.utilities.graph import Graph

Way = Literal["connected", "downstream", "upstream"]


def trace_nodes(
    graph: Graph,
    start: int,
    *,
    way: Way = "connected",
    flow: Ints | None = None,
    shut_nodes: Flags | None = None,
    shut_edges: Flags | None = None,
) -> Flags:
    """Which nodes are met from ``start``.

    Parameters
    ----------
    graph, start
        The network and a node position.
    way
        Both ways along every edge, with the flow, or against it.
    flow
        Of each edge 1 for from its start to its end, -1 for the other way, 0 for unknown: an edge whose flow nobody
        knows is walked both ways, so that nothing that may be met is left out. Needed for up- and downstream.
    shut_nodes, shut_edges
        Closed valves: such a node is met but not passed, such an edge is not walked. None: all open.

    Returns
    -------
    Flags
        One for each node, ``start`` included. O(nodes + edges) met.

    Examples
    --------
    >>> line = Graph(4, np.array([0, 1, 2]), np.array([1, 2, 3]))
    >>> trace_nodes(line, 0, shut_nodes=np.array([False, False, True, False]))
    array([ True,  True,  True, False])
    """
    _require_node(graph, start)
    arcs = _open_arcs(graph, _flow_wanted(way, flow), shut_nodes, shut_edges)
    met = np.zeros(graph.node_count, dtype=bool)
    met[breadth_first_order(arcs, start, directed=True, return_predecessors=False)] = True
    return met


def shortest_way(
    graph: Graph, lengths_m: Floats, start: int, goal: int, *, shut_edges: Flags | None = None
) -> tuple[float, Ints]:
    """Metres of the shortest way from ``start`` to ``goal`` and its edges in order; infinite and none without a way.

    O(edges log nodes). Of parallel edges the shortest is named.

    Examples
    --------
    >>> square = Graph(4, np.array([0, 1, 0, 3]), np.array([1, 2, 3, 2]))
    >>> shortest_way(square, np.array([50.0, 50.0, 30.0, 60.0]), 0, 2)
    (90.0, array([2, 3]))
    """
    for node in (start, goal):
        _require_node(graph, node)
    arcs = _open_arcs(graph, None, None, shut_edges)
    edge = arcs.data.astype("int64") - 1
    costs = csr_matrix((np.asarray(lengths_m, dtype="float64")[edge], arcs.indices, arcs.indptr), shape=arcs.shape)
    distance, before = dijkstra(costs, indices=start, return_predecessors=True)
    if not np.isfinite(distance[goal]):
        return float("inf"), np.empty(0, dtype="int64")
    way, node = [], goal
    while node != start:
        row = slice(arcs.indptr[node], arcs.indptr[node + 1])
        back = np.flatnonzero(arcs.indices[row] == before[node])
        way.append(edge[row][back[np.argmin(costs.data[row][back])]])
        node = int(before[node])
    return float(distance[goal]), np.array(way[::-1], dtype="int64")


def _require_node(graph: Graph, node: int) -> None:
    if not 0 <= node < graph.node_count:
        raise ConfigError(
            f"管网没有第 {node} 个节点；共 {graph.node_count} 个，从 0 数起。",
            f"The network has no node {node}; there are {graph.node_count}, counted from 0.",
        )


def _flow_wanted(way: Way, flow: Ints | None) -> Ints | None:
    if way == "connected":
        return None
    if flow is None:
        raise ConfigError(
            "追踪上游或下游需要各管段的流向 flow。", "Tracing up- or downstream needs the flow of each edge."
        )
    return np.asarray(flow) if way == "downstream" else -np.asarray(flow)


def _open_arcs(graph: Graph, flow: Ints | None, shut_nodes: Flags | None, shut_edges: Flags | None) -> csr_matrix:
    """The arcs that may be walked; the matrix itself where all may be."""
    arcs = graph.arcs
    if flow is None and (shut_nodes is None or not shut_nodes.any()) and (shut_edges is None or not shut_edges.any()):
        return arcs
    edge = arcs.data.astype("int64") - 1
    tail = np.repeat(np.arange(graph.node_count), np.diff(arcs.indptr))
    keep = np.ones(len(edge), dtype=bool)
    if shut_nodes is not None:
        keep &= ~shut_nodes[tail]
    if shut_edges is not None:
        keep &= ~shut_edges[edge]
    if flow is not None:
        along = graph.start[edge] == tail
        keep &= np.where(along, flow[edge] >= 0, flow[edge] <= 0)
    first = np.r_[0, np.cumsum(keep)][arcs.indptr].astype("int32")
    return csr_matrix((arcs.data[keep], arcs.indices[keep], first), shape=arcs.shape)
