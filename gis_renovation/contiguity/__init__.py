"""Which communities are neighbours, across which gap, cut or joined by what."""

from gis_renovation.contiguity.links import connected_groups, link_communities, list_shared_walls, nearby_pairs
from gis_renovation.contiguity.sentences import WALL_WORTH_A_WORD_M, metres

__all__ = ["WALL_WORTH_A_WORD_M", "connected_groups", "link_communities", "list_shared_walls", "metres", "nearby_pairs"]
