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
from gis_renovation.zones.sentences import missed_number

__all__ = [
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
