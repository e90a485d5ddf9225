"""Land status against parcels and control lines; idle public land and premises."""

# also: Parking, Scoring, ShownOn, SignBounds, Weighing, WeightTrial

from gis_renovation.land.candidates import screen_parcels, screen_premises, show_candidate_ledger
from gis_renovation.land.codes import class_colour, class_label, list_code_conversions, require_one_system, systems_with
from gis_renovation.land.comparison import compare_land_uses
from gis_renovation.land.evidence import (
    ShownOn,
    SignBounds,
    Weighing,
    grade_vacant_premises,
    sum_idleness,
    sum_vacancy,
    weigh_idleness,
    weigh_vacancy,
)
from gis_renovation.land.facilities import draw_facility_statements
from gis_renovation.land.ledger import assess_premises
from gis_renovation.land.measures import AS_WRITTEN, NEED_ZONE_COLUMNS, RegisterReading
from gis_renovation.land.parcels import assess_parcels
from gis_renovation.land.ranking import Scoring, WeightTrial, grade_candidates, rank_parcels
from gis_renovation.land.shapes import Parking, shape_usable_land
from gis_renovation.land.sites import list_touched_parcels, outline_land_sites
from gis_renovation.land.statements import conclude_land_sites, draw_land_statements
from gis_renovation.land.status import check_land_status, met_controls

__all__ = [
    "AS_WRITTEN",
    "NEED_ZONE_COLUMNS",
    "Parking",
    "RegisterReading",
    "Scoring",
    "ShownOn",
    "SignBounds",
    "Weighing",
    "WeightTrial",
    "assess_parcels",
    "assess_premises",
    "check_land_status",
    "class_colour",
    "class_label",
    "compare_land_uses",
    "conclude_land_sites",
    "draw_facility_statements",
    "draw_land_statements",
    "grade_candidates",
    "grade_vacant_premises",
    "list_code_conversions",
    "list_touched_parcels",
    "met_controls",
    "outline_land_sites",
    "rank_parcels",
    "require_one_system",
    "screen_parcels",
    "screen_premises",
    "shape_usable_land",
    "show_candidate_ledger",
    "sum_idleness",
    "sum_vacancy",
    "systems_with",
    "weigh_idleness",
    "weigh_vacancy",
]
