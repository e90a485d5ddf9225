"""Contiguous renovation zones (连片改造片区) under bounds, with proof and reasons."""

from gis_renovation.zones.delineate import (
    delineate_zones,
    describe_zones,
    explain_shortfalls,
    measure_zone_stability,
    order_zone_works,
    prove_zones,
    revise_zones,
    zone_sheets,
)
from gis_renovation.zones.requirements import ZoneRequirements
from gis_renovation.zones.sentences import missed_number
from gis_renovation.zones.solver import SearchEffort
from gis_renovation.zones.stability import StabilityTrials

__all__ = [
    "SearchEffort",
    "StabilityTrials",
    "ZoneRequirements",
    "delineate_zones",
    "describe_zones",
    "explain_shortfalls",
    "measure_zone_stability",
    "missed_number",
    "order_zone_works",
    "prove_zones",
    "revise_zones",
    "zone_sheets",
]
