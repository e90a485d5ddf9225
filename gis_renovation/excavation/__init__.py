"""Which street is dug in which year, by whom, so that each is opened once."""

from gis_renovation.excavation.solver import DEFERRED, DigPlan, DigProblem, plan_digs

__all__ = ["DEFERRED", "DigPlan", "DigProblem", "plan_digs"]
