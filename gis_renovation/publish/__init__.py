"""What an audience may see of a run: selected, withheld, written, searched, moved into place."""

from gis_renovation.publish.editions import log_edition, restore_previous
from gis_renovation.publish.publish import publish_run, publisher_warnings
from gis_renovation.publish.verify import MARKER, read_marker, require_number_in_force, require_sound

__all__ = [
    "MARKER",
    "log_edition",
    "publish_run",
    "publisher_warnings",
    "read_marker",
    "require_number_in_force",
    "require_sound",
    "restore_previous",
]
