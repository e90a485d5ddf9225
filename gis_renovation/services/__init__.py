"""Everyday services on foot: from the gates to the nearest facilities, and how each place joins the network."""

# also: Walks

from gis_renovation.services.access import service_access
from gis_renovation.services.settings import Walks
from gis_renovation.services.snaps import access_snaps

__all__ = ["Walks", "access_snaps", "service_access"]
