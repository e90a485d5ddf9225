"""Works records at a date: state, money, units."""

from gis_renovation.progress.chain import STATE_ORDER
from gis_renovation.progress.members import community_progress
from gis_renovation.progress.months import community_months
from gis_renovation.progress.plan import plan_progress
from gis_renovation.progress.states import project_states
from gis_renovation.progress.units import PLAN_BATCHES, planned_communities, unit_progress

__all__ = [
    "PLAN_BATCHES",
    "STATE_ORDER",
    "community_months",
    "community_progress",
    "plan_progress",
    "planned_communities",
    "project_states",
    "unit_progress",
]
