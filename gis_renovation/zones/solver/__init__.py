"""The zoning problem as numbers: search, enumeration, set partitioning, pricing."""

from gis_renovation.zones.solver.covers import Cover, cover_of
from gis_renovation.zones.solver.effort import FULL_EFFORT, SearchEffort
from gis_renovation.zones.solver.enumeration import Candidates, list_candidates
from gis_renovation.zones.solver.pricing import Proof, easy_bounds, prove_best
from gis_renovation.zones.solver.problem import (
    MEMBERS,
    Labels,
    ZoneProblem,
    compact,
    connected_parts,
    group_sums,
    noise,
    part_problem,
    total_score,
)
from gis_renovation.zones.solver.search import search_zones
from gis_renovation.zones.solver.set_partitioning import Columns, settle
from gis_renovation.zones.solver.years import YearPlan, YearProblem, pay_early, plan_years

__all__ = [
    "FULL_EFFORT",
    "MEMBERS",
    "Candidates",
    "Columns",
    "Cover",
    "Labels",
    "Proof",
    "SearchEffort",
    "YearPlan",
    "YearProblem",
    "ZoneProblem",
    "compact",
    "connected_parts",
    "cover_of",
    "easy_bounds",
    "group_sums",
    "list_candidates",
    "noise",
    "part_problem",
    "pay_early",
    "plan_years",
    "prove_best",
    "search_zones",
    "settle",
    "total_score",
]
