"""Isolation: what lies between valves, what closing them cuts off, what a valve that fails would add.

A valve stands between an edge and one of its nodes (as hydraulic models have it), or at a node, where it shuts every
edge that ends there (as a pipe survey has it: a valve is a point). Either way it is a set of *cuts* ``(edge, end)``,
and a segment is what hangs together when all valves that can be closed are closed. A point where three lines and more
meet is taken as a chamber with a valve on each: closing off one side leaves the others joined.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gis_renovation.arrays import Flags, Floats, Ints
from gis_renovation.utilities.graph import Graph, arcs_matrix


class Cuts(NamedTuple):
    """Where valves stand: ``valve`` position, ``edge``, and ``end`` (0 its start, 1 its end); a row for each cut.

    ``at_node``: the valve is the node itself, which is then no segment to speak of.
    """

    valve: Ints
    edge: Ints
    end: Ints
    at_node: Flags


class Segments(NamedTuple):
    """The segment of each node and of each edge, and how many there are."""

    of_node: Ints
    of_edge: Ints
    segment_count: int


class Losses(NamedTuple):
    """What is without supply when things are closed: ``nodes``, ``edges``, and which ``cuts`` must be shut for it."""

    nodes: Flags
    edges: Flags
    cuts: Flags


def cuts_at_nodes(graph: Graph, valve_nodes: Ints) -> Cuts:
    """The cuts of valves that stand at nodes: each shuts all edges that end there. O(edges)."""
    number = np.full(graph.node_count, -1, dtype="int64")
    number[valve_nodes] = np.arange(len(valve_nodes))
    rows = [np.flatnonzero(number[ends] >= 0) for ends in (graph.start, graph.end)]
    valve = np.r_[number[graph.start[rows[0]]], number[graph.end[rows[1]]]]
    end = np.repeat(np.array([0, 1]), [len(row) for row in rows])
    return Cuts(valve, np.concatenate(rows), end, np.ones(len(end), dtype=bool))


def cuts_on_edges(graph: Graph, edges: Ints, nodes: Ints) -> Cuts:
    """The cuts of valves between an edge and one of its nodes, a valve a row. O(valves)."""
    end = np.where(graph.start[edges] == nodes, 0, 1)
    return Cuts(np.arange(len(edges)), np.asarray(edges), end, np.zeros(len(edges), dtype=bool))


def find_segments(graph: Graph, cuts: Cuts) -> Segments:
    """All isolation segments at once. O(nodes + edges).

    Nodes hang together along edges without a cut; an edge with one cut belongs to the node at its other end, one
    with two cuts is a segment of its own.

    Examples
    --------
    A pipe 0-1-2-3 with a valve at node 1, which is then a place of its own between two segments:

    >>> line = Graph(4, np.array([0, 1, 2]), np.array([1, 2, 3]))
    >>> found = find_segments(line, cuts_at_nodes(line, np.array([1])))
    >>> found.of_edge, found.of_node
    (array([0, 2, 2]), array([0, 1, 2, 2]))
    """
    shut = _shut(graph, cuts, np.ones(len(cuts.edge), dtype=bool))
    whole = ~shut.any(axis=0)
    matrix = arcs_matrix(graph.start[whole], graph.end[whole], np.ones(int(whole.sum())), graph.node_count)
    count, of_node = connected_components(matrix, directed=False)
    of_node = of_node.astype("int64")
    of_edge = np.where(shut[0], of_node[graph.end], of_node[graph.start])
    alone = shut.all(axis=0)
    of_edge[alone] = count + np.arange(int(alone.sum()))
    return Segments(of_node, of_edge, int(count + alone.sum()))


def sum_by_segment(segments: Segments, *, nodes: Floats | None = None, edges: Floats | None = None) -> Floats:
    """Weights of nodes and edges, added up for each segment. O(nodes + edges)."""
    total = np.zeros(segments.segment_count)
    for label, weights in ((segments.of_node, nodes), (segments.of_edge, edges)):
        if weights is not None:
            total += np.bincount(label, weights=weights, minlength=segments.segment_count)
    return total


def touching_segments(graph: Graph, cuts: Cuts, segments: Segments) -> tuple[Ints, Ints]:
    """Each valve with each segment it closes off, once: (valve, segment), sorted. O(cuts log cuts).

    Of a valve at a node the node itself is no segment to speak of and not among them; a valve that has the same
    segment on both sides isolates nothing and has one row.
    """
    beside = ~cuts.at_node
    node = np.where(cuts.end == 0, graph.start[cuts.edge], graph.end[cuts.edge])[beside]
    valve = np.r_[cuts.valve, cuts.valve[beside]]
    segment = np.r_[segments.of_edge[cuts.edge], segments.of_node[node]]
    pairs = np.unique(np.stack([valve, segment], axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def added_by_failure(valve: Ints, segment: Ints, sizes: Floats, valve_count: int) -> Floats:
    """For each valve what is closed off besides when it does not close, at worst: a burst on its smaller side.

    ``valve`` and ``segment`` are from :func:`touching_segments`, ``sizes`` is one weight a segment. O(rows).

    Examples
    --------
    >>> added_by_failure(np.array([0, 0]), np.array([4, 7]), np.array([0, 0, 0, 0, 30.0, 0, 0, 100.0]), 1)
    array([100.])
    """
    total = np.bincount(valve, weights=sizes[segment], minlength=valve_count)
    least = np.full(valve_count, np.inf)
    np.minimum.at(least, valve, sizes[segment])
    return np.where(np.bincount(valve, minlength=valve_count) > 1, total - least, 0.0)


def close_segments(graph: Graph, cuts: Cuts, sources: Ints, closed: Ints, segments: Segments) -> Losses:
    """What is dry when some segments are closed off at once: they, and what no source reaches any more.

    Where two closures together cut off what neither does alone, closing both tells it. ``closed`` are positions
    of segments; at a valve that is a node the ends of their own edges are shut, the others stay as they are.
    O(nodes + edges).

    Examples
    --------
    A source at 0, then 0-1-2-3 with a valve at node 1: closing the first segment leaves all behind it dry.

    >>> line = Graph(4, np.array([0, 1, 2]), np.array([1, 2, 3]))
    >>> cuts = cuts_at_nodes(line, np.array([1]))
    >>> found = close_segments(line, cuts, np.array([0]), np.array([0]), find_segments(line, cuts))
    >>> found.nodes, found.edges
    (array([ True,  True,  True,  True]), array([ True,  True,  True]))
    """
    inside = np.zeros(segments.segment_count, dtype=bool)
    inside[closed] = True
    node = np.where(cuts.end == 0, graph.start[cuts.edge], graph.end[cuts.edge])
    shut_cuts = inside[segments.of_edge[cuts.edge]] | (~cuts.at_node & inside[segments.of_node[node]])
    shut = _shut(graph, cuts, shut_cuts)
    dead_node = inside[segments.of_node]
    # Nodes first, then edges: each edge is joined to its two nodes where nothing is shut between.
    edges = graph.node_count + np.arange(graph.edge_count)
    tail, head = np.r_[edges[~shut[0]], edges[~shut[1]]], np.r_[graph.start[~shut[0]], graph.end[~shut[1]]]
    size = graph.node_count + graph.edge_count
    label = connected_components(coo_matrix((np.ones(len(tail)), (tail, head)), shape=(size, size)), directed=False)[1]
    fed = np.zeros(int(label.max(initial=-1)) + 1, dtype=bool)
    fed[label[sources[~dead_node[sources]]]] = True
    fed_nodes = fed[label[: graph.node_count]] & ~dead_node
    fed_edges = fed[label[graph.node_count :]] & ~inside[segments.of_edge]
    return Losses(~fed_nodes, ~fed_edges, shut_cuts)


def _shut(graph: Graph, cuts: Cuts, chosen: Flags) -> Flags:
    """Of each edge whether there is a chosen cut at its start and at its end: two rows."""
    shut = np.zeros((2, graph.edge_count), dtype=bool)
    shut[cuts.end[chosen], cuts.edge[chosen]] = True
    return shut
