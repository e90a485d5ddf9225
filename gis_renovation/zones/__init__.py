"""Contiguous renovation zones (连片改造片区) under bounds, with proof and reasons."""

# also: Scheme, SearchEffort, StabilityTrials, Trials, ZoneRequirements

from gis_renovation.zones.delineate import delineate_zones
from gis_renovation.zones.describe import describe_zones
from gis_renovation.zones.kept_proofs import ProofDesk
from gis_renovation.zones.proof import missed_number, prove_zones, sum_proofs
from gis_renovation.zones.request import request_faults
from gis_renovation.zones.requirements import ZoneRequirements
from gis_renovation.zones.revision import revise_zones
from gis_renovation.zones.schedule import money_by_year, order_zone_works
from gis_renovation.zones.schemes import Scheme, compare_schemes, lay_out_schemes, list_scheme_differences
from gis_renovation.zones.sensitivity import Trials, measure_zone_sensitivity
from gis_renovation.zones.sheets import zone_sheets
from gis_renovation.zones.shortfalls import explain_shortfalls
from gis_renovation.zones.solver import SearchEffort
from gis_renovation.zones.stability import StabilityTrials, measure_zone_stability
from gis_renovation.zones.works import trace_zone_works

__all__ = [
    "ProofDesk",
    "Scheme",
    "SearchEffort",
    "StabilityTrials",
    "Trials",
    "ZoneRequirements",
    "compare_schemes",
    "delineate_zones",
    "describe_zones",
    "explain_shortfalls",
    "lay_out_schemes",
    "list_scheme_differences",
    "measure_zone_sensitivity",
    "measure_zone_stability",
    "missed_number",
    "money_by_year",
    "order_zone_works",
    "prove_zones",
    "request_faults",
    "revise_zones",
    "sum_proofs",
    "trace_zone_works",
    "zone_sheets",
]
