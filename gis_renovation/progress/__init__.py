"""Works records at a date: state, money, units."""

from gis_renovation.progress.states import (
    PLAN_BATCHES,
    STATE_ORDER,
    community_progress,
    plan_progress,
    project_states,
    unit_progress,
)

__all__ = ["PLAN_BATCHES", "STATE_ORDER", "community_progress", "plan_progress", "project_states", "unit_progress"]
