"""Single points of failure: the edges and nodes of a network whose loss cuts somebody off, all of them at once.

One walk in depth-first order (scipy) turns every edge that is not of its tree into one from a node back to one of
its ancestors. The rest is two theorems and array operations, no loop over nodes:

- *Edges.* Point tree edges away from the root and all others towards it. Two nodes are then on a common directed
  circle exactly when no bridge lies between them, so the strongly connected parts are what is left without bridges,
  and a bridge is a tree edge between two of them. Of the edges back from one node that reaching highest says all.
- *Nodes.* Take the tree edges as nodes: each points to the tree edges below it, and for an edge back from d to a to
  the first tree edge on the way from a to d. A directed circle then runs within one circle of the network, so the
  strongly connected parts are the blocks, and a node where a tree edge below is of another block than the one above
  cuts off what hangs on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, depth_first_order

from gis_renovation.arrays import Flags, Floats, Ints
from gis_renovation.utilities.graph import Graph, Small, arcs_matrix


class WeakPoints(NamedTuple):
    """``edges``, ``nodes``: which cut somebody off; ``behind_edge``, ``behind_node``: the weight they cut off, else 0.

    The weight of a node that fails is in its own figure. ``supplied`` are the nodes that a source reaches.
    """

    edges: Flags
    nodes: Flags
    behind_edge: Floats
    behind_node: Floats
    supplied: Flags


def find_bridges(graph: Graph) -> Flags:
    """Which edges are bridges: without them a connected part falls in two. O(nodes + edges), exact.

    Examples
    --------
    A triangle and a way out of it:

    >>> ring = Graph(4, np.array([0, 1, 2, 2]), np.array([1, 2, 0, 3]))
    >>> find_bridges(ring)
    array([False, False, False,  True])
    """
    return _bridge_edges(graph, _walk(graph, _first_of_parts(graph)))


def find_cut_nodes(graph: Graph) -> Flags:
    """Which nodes are cut nodes: without them a connected part falls in pieces. O(edges log edges), exact.

    Examples
    --------
    >>> ring = Graph(4, np.array([0, 1, 2, 2]), np.array([1, 2, 0, 3]))
    >>> find_cut_nodes(ring)
    array([False, False,  True, False])
    """
    walk = _walk(graph, _first_of_parts(graph))
    block = _blocks(walk)
    below = np.flatnonzero(walk.parent[1:] > 0) + 1
    above = walk.parent[below]
    cuts = block[below] != block[above]
    # A root has no tree edge above it: it cuts when those below it are not all of one block.
    first = np.full(len(walk.order), -1, dtype="int64")
    first[above[::-1]] = below[::-1]
    at_root = walk.parent[above] == 0
    cuts[at_root] = block[below[at_root]] != block[first[above[at_root]]]
    found = np.zeros(graph.node_count + 1, dtype=bool)
    found[walk.order[above[cuts]]] = True
    return found[:-1]


def find_weak_points(graph: Graph, sources: Ints, weights: Floats) -> WeakPoints:
    """Edges and nodes whose loss cuts weight off from every source, and how much. O(edges log edges), exact.

    Parameters
    ----------
    graph
        The network in use.
    sources
        Node positions that supply (or, of a drain, receive). Sources back each other up.
    weights
        What each node has to lose, households say; one number a node.

    Returns
    -------
    WeakPoints
        What no source reaches is supplied by nobody, and no edge or node of it is a weak point.

    Examples
    --------
    A source at 0, a ring 0-1-2, and 50 households at the end of a branch from 2:

    >>> ring = Graph(4, np.array([0, 1, 2, 2]), np.array([1, 2, 0, 3]))
    >>> found = find_weak_points(ring, np.array([0]), np.array([0.0, 20.0, 0.0, 50.0]))
    >>> found.behind_edge
    array([ 0.,  0.,  0., 50.])
    >>> found.behind_node
    array([70., 20., 50., 50.])
    """
    walk = _walk(graph, np.unique(sources))
    own = np.r_[np.asarray(weights, dtype="float64"), 0.0][walk.order]
    total = np.r_[0.0, np.cumsum(own)]
    subtree = total[_subtree_ends(walk.parent)] - total[:-1]
    bridges = _bridge_edges(graph, walk)
    behind_edge = np.zeros(graph.edge_count)
    lower = np.maximum(walk.label[graph.start[bridges]], walk.label[graph.end[bridges]])
    behind_edge[bridges] = subtree[lower]
    block = _blocks(walk)
    below = np.flatnonzero(walk.parent > 0)
    hanging = below[block[below] != block[walk.parent[below]]]
    lost = own + np.bincount(walk.parent[hanging], weights=subtree[hanging], minlength=len(own))
    cuts = np.zeros(graph.node_count + 1, dtype=bool)
    cuts[walk.order[walk.parent[hanging]]] = True
    behind_node, supplied = np.zeros(graph.node_count + 1), np.zeros(graph.node_count + 1, dtype=bool)
    behind_node[walk.order], supplied[walk.order] = lost, True
    return WeakPoints(bridges, cuts[:-1], behind_edge, behind_node[:-1], supplied[:-1])


class _Walk(NamedTuple):
    """A depth-first walk from a node of our own that is joined to every root.

    Nodes are counted as they were met, our own is 0. ``order``: the node met as each; ``label``: when each
    node was met, -1 never; ``parent``: from which. ``tree``: which edge leads to each, -1 from our own. ``up``: the
    highest node that an edge back from each one reaches, itself where there is none.
    """

    order: Small
    label: Small
    parent: Small
    tree: Ints
    up: Small


def _first_of_parts(graph: Graph) -> Ints:
    """One node of each connected part."""
    count, label = graph.components
    first = np.empty(count, dtype="int64")
    first[label[::-1]] = np.arange(graph.node_count)[::-1]
    return first


def _walk(graph: Graph, roots: Ints) -> _Walk:
    arcs, own = graph.arcs, graph.node_count
    joined = csr_matrix(
        (
            np.r_[arcs.data, np.ones(len(roots))],
            np.r_[arcs.indices, roots.astype("int32")],
            np.r_[arcs.indptr, arcs.nnz + len(roots)],
        ),
        shape=(own + 1, own + 1),
    )
    order, before = depth_first_order(joined, own, directed=True, return_predecessors=True)
    label = np.full(own + 1, -1, dtype="int32")
    label[order] = np.arange(len(order), dtype="int32")
    parent = np.zeros(len(order), dtype="int32")
    parent[1:] = label[before[order[1:]]]
    first, second = label[graph.start], label[graph.end]
    above, below = np.minimum(first, second), np.maximum(first, second)
    met = (above != below) & (above >= 0)
    in_tree = np.flatnonzero(met & (parent[below] == above))
    tree = np.full(len(order), -1, dtype="int64")
    tree[below[in_tree][::-1]] = in_tree[::-1]
    met[tree[tree >= 0]] = False
    up = np.arange(len(order), dtype="int32")
    np.minimum.at(up, below[met], above[met])
    # Our own node reaches a root that was met on the way from another one once more: an edge back to it.
    again = label[roots]
    up[again[parent[again] != 0]] = 0
    return _Walk(order, label, parent, tree, up)


def _bridge_edges(graph: Graph, walk: _Walk) -> Flags:
    """Tree edges between two strongly connected parts."""
    nodes = np.arange(len(walk.order), dtype="int32")
    back = np.flatnonzero(walk.up < nodes)
    tail, head = np.r_[walk.parent[1:], nodes[back]], np.r_[nodes[1:], walk.up[back]]
    part = connected_components(
        arcs_matrix(tail, head, np.ones(len(tail)), len(nodes)), directed=True, connection="strong"
    )[1]
    found = np.zeros(graph.edge_count, dtype=bool)
    cuts = (part != part[walk.parent]) & (walk.tree >= 0)
    found[walk.tree[cuts]] = True
    return found


def _blocks(walk: _Walk) -> Small:
    """The block that the tree edge above each node belongs to; our own node has none, and is its own."""
    nodes = np.arange(len(walk.order), dtype="int64")
    parent, up = walk.parent.astype("int64"), walk.up.astype("int64")
    down = np.flatnonzero(parent > 0)
    back = np.flatnonzero(up < nodes)
    # The children of each node in the order they were met: the last one met no later than d leads to d.
    children = np.sort(parent[1:] * len(nodes) + nodes[1:])
    towards = children[np.searchsorted(children, up[back] * len(nodes) + back, side="right") - 1] % len(nodes)
    tail, head = np.r_[parent[down], back], np.r_[down, towards]
    matrix = arcs_matrix(tail, head, np.ones(len(tail)), len(nodes))
    return np.asarray(connected_components(matrix, directed=True, connection="strong")[1], dtype="int32")


def _subtree_ends(parent: Small) -> Ints:
    """One past the last node below each one; nodes are counted in the order they were met. O(n log depth)."""
    count = len(parent)
    order = np.argsort(parent[1:], kind="stable") + 1
    goes_on = np.r_[parent[order][1:] == parent[order][:-1], False] if count > 1 else np.zeros(0, dtype=bool)
    end = np.full(count, count, dtype="int64")
    end[order[:-1][goes_on[:-1]]] = order[1:][goes_on[:-1]]
    settled = np.zeros(count, dtype=bool)
    settled[0] = True
    settled[order[goes_on]] = True
    to = np.where(settled, np.arange(count), parent)
    while True:
        further = to[to]
        if np.array_equal(further, to):
            return end[to]
        to = further
