"""Utility networks: per community and zone, traced, and what hangs on one pipe or valve."""

from gis_renovation.utilities.doctor import check_utility_topology
from gis_renovation.utilities.graph import Graph
from gis_renovation.utilities.isolation import list_isolation_segments, rank_valves
from gis_renovation.utilities.renewal import judge_renewal
from gis_renovation.utilities.segments import close_segments, find_segments
from gis_renovation.utilities.summaries import summarise_utilities, summarise_zone_utilities
from gis_renovation.utilities.tracing import shortest_way, trace_nodes
from gis_renovation.utilities.weak_pipes import rank_weak_pipes
from gis_renovation.utilities.weak_points import find_bridges, find_cut_nodes, find_weak_points

__all__ = [
    "Graph",
    "check_utility_topology",
    "close_segments",
    "find_bridges",
    "find_cut_nodes",
    "find_segments",
    "find_weak_points",
    "judge_renewal",
    "list_isolation_segments",
    "rank_valves",
    "rank_weak_pipes",
    "shortest_way",
    "summarise_utilities",
    "summarise_zone_utilities",
    "trace_nodes",
]
