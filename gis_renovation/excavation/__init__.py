"""Which street is dug in which year, by whom, so that each is opened once."""

from gis_renovation.excavation.calendar import DigEffort, DigPrices, plan_dig_calendar
from gis_renovation.excavation.limits import judge_dig_limits
from gis_renovation.excavation.needs import Horizon, prepare_dig_needs
from gis_renovation.excavation.openings import list_dig_openings, measure_dig_savings
from gis_renovation.excavation.revision import RevisedDigs, revise_years
from gis_renovation.excavation.solver import DEFERRED, DigPlan, DigProblem, plan_digs

__all__ = [
    "DEFERRED",
    "DigEffort",
    "DigPlan",
    "DigPrices",
    "DigProblem",
    "Horizon",
    "RevisedDigs",
    "judge_dig_limits",
    "list_dig_openings",
    "measure_dig_savings",
    "plan_dig_calendar",
    "plan_digs",
    "prepare_dig_needs",
    "revise_years",
]
