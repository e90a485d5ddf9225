"""What may leave: counts, totals, persons, shapes, places, releases."""

from gis_renovation.publish.disclosure.counts import (
    Reason,
    counts_shown,
    stated_sums,
    withheld_reasons,
    withhold_small_counts,
)
from gis_renovation.publish.disclosure.derived import (
    Carried,
    carried_text,
    carried_warnings,
    require_none_above,
    without_unlisted,
)
from gis_renovation.publish.disclosure.displacement import (
    SAME_PLACE_M,
    Displacement,
    measured_layers,
    require_measured,
    spread_text,
)
from gis_renovation.publish.disclosure.earlier import settled
from gis_renovation.publish.disclosure.extent import Extent, extents_of, place_of, require_one_place, require_same_place
from gis_renovation.publish.disclosure.generalise import (
    COVERAGE_LIMIT_M2,
    generalise_shapes,
    largest_contiguous_area_m2,
)
from gis_renovation.publish.disclosure.personal import (
    contact_words,
    find_personal_numbers,
    personal_kinds,
    personal_number_warnings,
)
from gis_renovation.publish.disclosure.record import (
    Record,
    counts_file,
    merged,
    read_record,
    record_files,
    write_record,
)
from gis_renovation.publish.disclosure.release import Release, require_known_crs, require_released, sources_of

__all__ = [
    "COVERAGE_LIMIT_M2",
    "SAME_PLACE_M",
    "Carried",
    "Displacement",
    "Extent",
    "Reason",
    "Record",
    "Release",
    "carried_text",
    "carried_warnings",
    "contact_words",
    "counts_file",
    "counts_shown",
    "extents_of",
    "find_personal_numbers",
    "generalise_shapes",
    "largest_contiguous_area_m2",
    "measured_layers",
    "merged",
    "personal_kinds",
    "personal_number_warnings",
    "place_of",
    "read_record",
    "record_files",
    "require_known_crs",
    "require_measured",
    "require_none_above",
    "require_one_place",
    "require_released",
    "require_same_place",
    "settled",
    "sources_of",
    "spread_text",
    "stated_sums",
    "withheld_reasons",
    "withhold_small_counts",
    "without_unlisted",
    "write_record",
]
