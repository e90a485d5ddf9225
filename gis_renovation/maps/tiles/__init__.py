"""Layers of many thousand shapes as vector tiles in one archive."""

from gis_renovation.maps.tiles.areas import TILE_UNITS
from gis_renovation.maps.tiles.cutting import EDGE_SHARE, GRID_BITS
from gis_renovation.maps.tiles.files import require_small, tile_files
from gis_renovation.maps.tiles.layer import NAMES_LIMIT, TiledLayer, tile_layer, tile_reason
from gis_renovation.maps.tiles.mvt import decode_tile, tile_corners, tile_keys
from gis_renovation.maps.tiles.pmtiles import archive_tiles, numbered_tiles

__all__ = [
    "EDGE_SHARE",
    "GRID_BITS",
    "NAMES_LIMIT",
    "TILE_UNITS",
    "TiledLayer",
    "archive_tiles",
    "decode_tile",
    "numbered_tiles",
    "require_small",
    "tile_corners",
    "tile_files",
    "tile_keys",
    "tile_layer",
    "tile_reason",
]
