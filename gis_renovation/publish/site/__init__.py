"""The pages of the public site."""

from gis_renovation.publish.site.facts import MAP, Site, map_links, page_paths
from gis_renovation.publish.site.frame import SiteFacts, number_sentence, write_text
from gis_renovation.publish.site.home import site_pages
from gis_renovation.publish.site.photos import FOLDER, Photo, photo_blocks, photo_files, photos_of, read_photos
from gis_renovation.publish.site.sources import LayerSource, facts_told, layer_sources

__all__ = [
    "FOLDER",
    "MAP",
    "LayerSource",
    "Photo",
    "Site",
    "SiteFacts",
    "facts_told",
    "layer_sources",
    "map_links",
    "number_sentence",
    "page_paths",
    "photo_blocks",
    "photo_files",
    "photos_of",
    "read_photos",
    "site_pages",
    "write_text",
]
