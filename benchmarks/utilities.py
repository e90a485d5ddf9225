"""Traces, bridges and isolation segments of a million edges, against networkx in the same run, answers compared.

python benchmarks/utilities.py [edges]

The network is a street grid thinned at random, with a service pipe at many corners; nodes are numbered by place, as
the program numbers them. Building is timed apart: a network is built once and asked often.
"""

from __future__ import annotations

import sys
import time

import networkx as nx
import numpy as np

from gis_renovation.utilities import Graph, find_bridges, find_cut_nodes, find_segments, find_weak_points, trace_nodes
from gis_renovation.utilities.segments import cuts_at_nodes


def grid(edges, seed=0):
    """A thinned grid with pendant pipes: about ``edges`` edges."""
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(edges / 1.7))
    at = np.arange(side * side).reshape(side, side)
    start = np.r_[at[:, :-1].ravel(), at[:-1].ravel()]
    end = np.r_[at[:, 1:].ravel(), at[1:].ravel()]
    keep = rng.random(len(start)) < 0.75
    start, end = start[keep], end[keep]
    corner = np.sort(rng.integers(0, side * side, edges - len(start)))
    own = side * side + np.arange(len(corner))
    start, end = np.r_[start, corner], np.r_[end, own]
    place = np.r_[np.arange(side * side) + 0.0, corner + 0.5]
    rank = np.empty(len(place), dtype="int64")
    rank[np.argsort(place, kind="stable")] = np.arange(len(place))
    return Graph(len(place), rank[start], rank[end])


def timed(function, repeats=3):
    """Best of some runs, seconds, and the answer."""
    best, answer = np.inf, None
    for _ in range(repeats):
        begin = time.perf_counter()
        answer = function()
        best = min(best, time.perf_counter() - begin)
    return best, answer


def main(edges):
    graph = grid(edges)
    built, _ = timed(lambda: (graph.arcs, graph.components), 1)
    theirs = nx.Graph()
    theirs.add_nodes_from(range(graph.node_count))
    theirs.add_edges_from(zip(graph.start.tolist(), graph.end.tolist(), strict=True))
    print(f"{graph.edge_count:,} edges, {graph.node_count:,} nodes; built in {built:.2f} s")

    ours, met = timed(lambda: trace_nodes(graph, 0))
    peer, reached = timed(lambda: nx.node_connected_component(theirs, 0), 1)
    assert set(np.flatnonzero(met).tolist()) == reached
    print(f"trace         {ours:7.3f} s, networkx {peer:7.3f} s, {peer / ours:5.0f} x; target 0.050 s")

    ours, bridges = timed(lambda: find_bridges(graph))
    peer, found = timed(lambda: {frozenset(edge) for edge in nx.bridges(theirs)}, 1)
    pairs = zip(graph.start[bridges].tolist(), graph.end[bridges].tolist(), strict=True)
    assert {frozenset(edge) for edge in pairs} == found
    print(f"bridges       {ours:7.3f} s, networkx {peer:7.3f} s, {peer / ours:5.0f} x; target 0.200 s, 10 x")

    ours, cut_nodes = timed(lambda: find_cut_nodes(graph))
    peer, found = timed(lambda: set(nx.articulation_points(theirs)), 1)
    assert set(np.flatnonzero(cut_nodes).tolist()) == found
    print(f"cut nodes     {ours:7.3f} s, networkx {peer:7.3f} s, {peer / ours:5.0f} x")

    weights = np.ones(graph.node_count)
    ours, _ = timed(lambda: find_weak_points(graph, np.array([0]), weights))
    print(f"weak points   {ours:7.3f} s, with what lies behind each edge and node")

    valves = np.flatnonzero(np.random.default_rng(1).random(graph.node_count) < 0.3)
    ours, segments = timed(lambda: find_segments(graph, cuts_at_nodes(graph, valves)))
    print(f"all segments  {ours:7.3f} s, {segments.segment_count:,} of {len(valves):,} valves; target 2.000 s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
