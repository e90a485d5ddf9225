"""The slow-traffic network: access to parks, provision, gaps."""

# also: GapLimits, ParkGoals, WalkingRules

from gis_renovation.greenways.access import blocking_shapes, park_access, walk_lines
from gis_renovation.greenways.detours import GapLimits
from gis_renovation.greenways.gaps import find_greenway_gaps
from gis_renovation.greenways.provision import slow_path_provision
from gis_renovation.greenways.rules import ParkGoals, WalkingRules
from gis_renovation.greenways.walks import is_blocked

__all__ = [
    "GapLimits",
    "ParkGoals",
    "WalkingRules",
    "blocking_shapes",
    "find_greenway_gaps",
    "is_blocked",
    "park_access",
    "slow_path_provision",
    "walk_lines",
]
