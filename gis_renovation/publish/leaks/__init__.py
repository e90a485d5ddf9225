"""The search of a published folder for what was withheld."""

from gis_renovation.publish.leaks.own_words import own_text, tell_nothing
from gis_renovation.publish.leaks.search import find_leaks, number_forms, withheld_places, withheld_values
from gis_renovation.publish.leaks.sqlite_pages import freed_bytes, wipe_freed
from gis_renovation.publish.leaks.tiles import archive_columns, archive_corners, archives_of
from gis_renovation.publish.leaks.unpack import picture_notes, unpacked

__all__ = [
    "archive_columns",
    "archive_corners",
    "archives_of",
    "find_leaks",
    "freed_bytes",
    "number_forms",
    "own_text",
    "picture_notes",
    "tell_nothing",
    "unpacked",
    "wipe_freed",
    "withheld_places",
    "withheld_values",
]
