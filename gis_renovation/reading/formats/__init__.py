"""How each kind of file is opened: its bytes, its encoding, its sheets, its borrowed copy."""

from gis_renovation.reading.formats.contents import ADVICE, PARQUET_SUFFIXES, SHEET_SUFFIXES, TEXT_SUFFIXES
from gis_renovation.reading.formats.dbf import (
    bytes_at,
    prepare_shapefile,
    prepare_table,
    say_undecodable,
)
from gis_renovation.reading.formats.opening import (
    RASTER_DRIVERS,
    RASTER_SUFFIXES,
    SUFFIXES,
    VECTOR_SUFFIXES,
    Reading,
    check_signature,
    driver_words,
    empty_file,
    text_encoding,
    unpack,
    unreadable,
)
from gis_renovation.reading.formats.partial import say_if_partial
from gis_renovation.reading.formats.recoding import (
    AS_BYTES,
    Opened,
    open_drawing,
    open_mapinfo,
    open_xml,
    say_drawing_units,
)
from gis_renovation.reading.formats.sheets import read_csv, read_sheet, read_text_table, read_xlsx, sheet_names
from gis_renovation.reading.formats.stating import assumed_crs, claims_crs
from gis_renovation.reading.formats.surveys import read_coordinates
from gis_renovation.reading.formats.untouched import borrow, digests, lent, unmerged

__all__ = [
    "ADVICE",
    "AS_BYTES",
    "PARQUET_SUFFIXES",
    "RASTER_DRIVERS",
    "RASTER_SUFFIXES",
    "SHEET_SUFFIXES",
    "SUFFIXES",
    "TEXT_SUFFIXES",
    "VECTOR_SUFFIXES",
    "Opened",
    "Reading",
    "assumed_crs",
    "borrow",
    "bytes_at",
    "check_signature",
    "claims_crs",
    "digests",
    "driver_words",
    "empty_file",
    "lent",
    "open_drawing",
    "open_mapinfo",
    "open_xml",
    "prepare_shapefile",
    "prepare_table",
    "read_coordinates",
    "read_csv",
    "read_sheet",
    "read_text_table",
    "read_xlsx",
    "say_drawing_units",
    "say_if_partial",
    "say_undecodable",
    "sheet_names",
    "text_encoding",
    "unmerged",
    "unpack",
    "unreadable",
]
