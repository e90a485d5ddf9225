"""A city's files to layers: cards, files of every kind, what a card asks of them."""

from gis_renovation.reading.cards import (
    CLASS_WARPS,
    UNKNOWN_NUMBERS,
    VALUES_SHOWN,
    Card,
    ColumnRule,
    chosen,
    column_line,
    guessed_crs,
    month_remedy,
    read_card,
)
from gis_renovation.reading.cells import to_field, to_text
from gis_renovation.reading.conforming import Conformed, conform, finish_shapes, stack
from gis_renovation.reading.domains import FileColumns, column_meanings, same_filled, same_name
from gis_renovation.reading.files import Raw, find_file, read_files, read_raster, read_raw
from gis_renovation.reading.joins import LEDGER_PREFIX, confirmed_by_words, is_running, join_keys, match_rows, take_line
from gis_renovation.reading.opening import (
    RASTER_DRIVERS,
    RASTER_SUFFIXES,
    SHEET_SUFFIXES,
    SUFFIXES,
    VECTOR_SUFFIXES,
    check_signature,
    unreadable,
)
from gis_renovation.reading.rows import has_shapes
from gis_renovation.reading.shapes import shapes_from_text
from gis_renovation.reading.sheets import read_xlsx, sheet_names
from gis_renovation.reading.surveys import read_coordinates
from gis_renovation.reading.untouched import lent
from gis_renovation.reading.vectors import layers_in

__all__ = [
    "CLASS_WARPS",
    "LEDGER_PREFIX",
    "RASTER_DRIVERS",
    "RASTER_SUFFIXES",
    "SHEET_SUFFIXES",
    "SUFFIXES",
    "UNKNOWN_NUMBERS",
    "VALUES_SHOWN",
    "VECTOR_SUFFIXES",
    "Card",
    "ColumnRule",
    "Conformed",
    "FileColumns",
    "Raw",
    "check_signature",
    "chosen",
    "column_line",
    "column_meanings",
    "confirmed_by_words",
    "conform",
    "find_file",
    "finish_shapes",
    "guessed_crs",
    "has_shapes",
    "is_running",
    "join_keys",
    "layers_in",
    "lent",
    "match_rows",
    "month_remedy",
    "read_card",
    "read_coordinates",
    "read_files",
    "read_raster",
    "read_raw",
    "read_xlsx",
    "same_filled",
    "same_name",
    "shapes_from_text",
    "sheet_names",
    "stack",
    "take_line",
    "to_field",
    "to_text",
    "unreadable",
]
