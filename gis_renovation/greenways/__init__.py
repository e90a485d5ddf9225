"""The slow-traffic network: access to parks, provision, gaps."""

# also: GapLimits, ParkGoals, WalkingRules

from gis_renovation.greenways.access import park_access
from gis_renovation.greenways.detours import GapLimits
from gis_renovation.greenways.gaps import find_greenway_gaps
from gis_renovation.greenways.provision import slow_path_provision
from gis_renovation.greenways.rules import ParkGoals, WalkingRules

__all__ = ["GapLimits", "ParkGoals", "WalkingRules", "find_greenway_gaps", "park_access", "slow_path_provision"]
