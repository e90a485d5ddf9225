"""The slow-traffic network: access to parks, provision, gaps."""

from gis_renovation.greenways.access import park_access, slow_path_provision
from gis_renovation.greenways.gaps import find_greenway_gaps

__all__ = ["find_greenway_gaps", "park_access", "slow_path_provision"]
