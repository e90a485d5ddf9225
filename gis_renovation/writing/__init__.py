"""Files that leave: places, databases, workbooks, documents."""

from gis_renovation.writing.documents import Paper
from gis_renovation.writing.qgis import write_layer_styles
from gis_renovation.writing.workbooks import (
    SYNTHETIC_NOTICE,
    UNKNOWN,
    Column,
    display_width,
    explained_missing,
    missing_text,
    sheet_names,
    shown_text,
    shown_unit,
    unique_sheet_name,
    write_tables,
)

__all__ = [
    "SYNTHETIC_NOTICE",
    "UNKNOWN",
    "Column",
    "Paper",
    "display_width",
    "explained_missing",
    "missing_text",
    "sheet_names",
    "shown_text",
    "shown_unit",
    "unique_sheet_name",
    "write_layer_styles",
    "write_tables",
]
