"""Layers to an interactive map page."""

# also: PageFacts, show

from gis_renovation.maps.assets import asset_css, asset_js
from gis_renovation.maps.basemaps import Basemap, PageBasemaps, page_basemaps
from gis_renovation.maps.contents import require_drawable
from gis_renovation.maps.months import NEEDED, month_ends
from gis_renovation.maps.notebook import show
from gis_renovation.maps.page import map_files
from gis_renovation.maps.page_facts import Download, PageFacts
from gis_renovation.maps.shell import file_size

__all__ = [
    "NEEDED",
    "Basemap",
    "Download",
    "PageBasemaps",
    "PageFacts",
    "asset_css",
    "asset_js",
    "file_size",
    "map_files",
    "month_ends",
    "page_basemaps",
    "require_drawable",
    "show",
]
