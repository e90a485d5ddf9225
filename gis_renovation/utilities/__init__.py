"""Utility networks per community and zone."""

from gis_renovation.utilities.summaries import summarise_utilities, summarise_zone_utilities

__all__ = ["summarise_utilities", "summarise_zone_utilities"]
