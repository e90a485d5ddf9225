"""Layers to an interactive map page."""

from gis_renovation.maps.basemaps import Basemap, PageBasemaps, page_basemaps
from gis_renovation.maps.encoding import DISPLAY_CRS, about_rows, encode_column, joined_table, layer_label, row_id
from gis_renovation.maps.months import NEEDED, month_ends
from gis_renovation.maps.page import asset_css, asset_js, map_files, require_drawable
from gis_renovation.maps.pmtiles import archive_tiles, decode_tile, numbered_tiles, tile_corners
from gis_renovation.maps.shell import Download, file_size
from gis_renovation.maps.tiles import EDGE_SHARE, GRID_BITS, UNITS

__all__ = [
    "DISPLAY_CRS",
    "EDGE_SHARE",
    "GRID_BITS",
    "NEEDED",
    "UNITS",
    "Basemap",
    "Download",
    "PageBasemaps",
    "about_rows",
    "archive_tiles",
    "asset_css",
    "asset_js",
    "decode_tile",
    "encode_column",
    "file_size",
    "joined_table",
    "layer_label",
    "map_files",
    "month_ends",
    "numbered_tiles",
    "page_basemaps",
    "require_drawable",
    "row_id",
    "tile_corners",
]
