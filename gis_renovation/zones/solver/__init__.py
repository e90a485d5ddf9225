"""The zoning problem as numbers: search, enumeration, set partitioning, pricing."""

from gis_renovation.zones.solver.enumeration import Candidates, Cover, list_candidates
from gis_renovation.zones.solver.pricing import Proof, prove_zones
from gis_renovation.zones.solver.problem import (
    MEMBERS,
    Labels,
    ZoneProblem,
    compact,
    connected_parts,
    group_sums,
    noise,
    part_of,
    total_score,
)
from gis_renovation.zones.solver.search import effort_for, search_zones
from gis_renovation.zones.solver.set_partitioning import Columns, ProofLimits, settle

__all__ = [
    "MEMBERS",
    "Candidates",
    "Columns",
    "Cover",
    "Labels",
    "Proof",
    "ProofLimits",
    "ZoneProblem",
    "compact",
    "connected_parts",
    "effort_for",
    "group_sums",
    "list_candidates",
    "noise",
    "part_of",
    "prove_zones",
    "search_zones",
    "settle",
    "total_score",
]
