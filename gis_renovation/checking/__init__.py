"""What makes no sense in layers as read, and cards drafted for files."""

from gis_renovation.checking.claims import check_claim, check_places, check_zone
from gis_renovation.checking.draft import draft_card, write_draft
from gis_renovation.checking.draft_ledger import card_beside, describe, draft_join, write_join
from gis_renovation.checking.exported import read_exported
from gis_renovation.checking.folder import Proposal, propose_folder, write_proposals
from gis_renovation.checking.grids import likely_crs
from gis_renovation.checking.names import ids_for_names, named_references
from gis_renovation.checking.offsets import check_offsets
from gis_renovation.checking.plausibility import batch_label, check_plan_ratios, check_plausibility
from gis_renovation.checking.raster_fit import check_rasters
from gis_renovation.checking.remedies import check_layer, check_references

__all__ = [
    "Proposal",
    "batch_label",
    "card_beside",
    "check_claim",
    "check_layer",
    "check_offsets",
    "check_places",
    "check_plan_ratios",
    "check_plausibility",
    "check_rasters",
    "check_references",
    "check_zone",
    "describe",
    "draft_card",
    "draft_join",
    "ids_for_names",
    "likely_crs",
    "named_references",
    "propose_folder",
    "read_exported",
    "write_draft",
    "write_join",
    "write_proposals",
]
