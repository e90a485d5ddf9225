"""Rasters: values per feature, evidence of idleness."""

from gis_renovation.rasters.grid import Raster, grid_coverage
from gis_renovation.rasters.layers import (
    community_terrain,
    parcel_greenness,
    parcel_land_cover,
    parcel_night_light,
    raster_fault,
)
from gis_renovation.rasters.warping import warp_raster
from gis_renovation.rasters.zonal import zonal_sums

__all__ = [
    "Raster",
    "community_terrain",
    "grid_coverage",
    "parcel_greenness",
    "parcel_land_cover",
    "parcel_night_light",
    "raster_fault",
    "warp_raster",
    "zonal_sums",
]
