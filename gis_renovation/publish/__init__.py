"""What an audience may see of a run: selected, withheld, written, searched, moved into place."""

# also: check_published, prepare_edition, publication_warnings

from gis_renovation.publish.edition import prepare_edition
from gis_renovation.publish.editions import log_edition, restore_previous
from gis_renovation.publish.marker import MARKER, read_marker
from gis_renovation.publish.profile import read_profile
from gis_renovation.publish.publish import Occasion, publish_run
from gis_renovation.publish.remembered import rebuild_counts
from gis_renovation.publish.verify import check_published, require_number_in_force, require_sound
from gis_renovation.publish.warnings import publication_warnings, publisher_warnings

__all__ = [
    "MARKER",
    "Occasion",
    "check_published",
    "log_edition",
    "prepare_edition",
    "publication_warnings",
    "publish_run",
    "publisher_warnings",
    "read_marker",
    "read_profile",
    "rebuild_counts",
    "require_number_in_force",
    "require_sound",
    "restore_previous",
]
