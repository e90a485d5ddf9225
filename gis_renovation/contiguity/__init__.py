"""Which communities are neighbours, across which gap, cut or joined by what."""

# also: LinkLimits, links_from_graph, links_to_graph

from gis_renovation.contiguity.graphs import USABLE, connected_groups, links_from_graph, links_to_graph
from gis_renovation.contiguity.limits import USUAL_LIMITS, LinkLimits
from gis_renovation.contiguity.links import link_communities
from gis_renovation.contiguity.near_limits import list_links_near_limits
from gis_renovation.contiguity.pairs import nearby_pairs
from gis_renovation.contiguity.sentences import WALL_WORTH_A_WORD_M, metres
from gis_renovation.contiguity.shared_walls import list_shared_walls

__all__ = [
    "USABLE",
    "USUAL_LIMITS",
    "WALL_WORTH_A_WORD_M",
    "LinkLimits",
    "connected_groups",
    "link_communities",
    "links_from_graph",
    "links_to_graph",
    "list_links_near_limits",
    "list_shared_walls",
    "metres",
    "nearby_pairs",
]
