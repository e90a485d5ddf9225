"""Files that leave: places, databases, workbooks, documents."""

from gis_renovation.writing.blanks import (
    CONTINUED,
    COORDINATES,
    FROM_BEFORE,
    GOES_ON,
    SHAPES,
    blank_card,
    blank_fields,
    blank_header,
    filled_header,
    write_blank,
)
from gis_renovation.writing.data_columns import write_data_columns
from gis_renovation.writing.documents import Paper
from gis_renovation.writing.exporting import export_layers
from gis_renovation.writing.filing import Filing, filed_folder
from gis_renovation.writing.forms import Form
from gis_renovation.writing.geopackage import write_geopackage
from gis_renovation.writing.places import final_name, is_plain, move, new_file, new_folder, temporary_folder
from gis_renovation.writing.qgis import write_layer_styles
from gis_renovation.writing.workbooks import sheet_names, unique_sheet_name, write_tables

__all__ = [
    "CONTINUED",
    "COORDINATES",
    "FROM_BEFORE",
    "GOES_ON",
    "SHAPES",
    "Filing",
    "Form",
    "Paper",
    "blank_card",
    "blank_fields",
    "blank_header",
    "export_layers",
    "filed_folder",
    "filled_header",
    "final_name",
    "is_plain",
    "move",
    "new_file",
    "new_folder",
    "sheet_names",
    "temporary_folder",
    "unique_sheet_name",
    "write_blank",
    "write_data_columns",
    "write_geopackage",
    "write_layer_styles",
    "write_tables",
]
