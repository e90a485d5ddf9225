"""Files that leave: places, databases, workbooks, documents."""

from gis_renovation.writing.blanks import blank_card, write_blank
from gis_renovation.writing.documents import Paper
from gis_renovation.writing.filing import Filing, filed_folder
from gis_renovation.writing.forms import Form
from gis_renovation.writing.geopackage import write_geopackage
from gis_renovation.writing.places import final_name, is_plain, move, new_file, new_folder, temporary_folder
from gis_renovation.writing.qgis import write_layer_styles
from gis_renovation.writing.workbooks import sheet_names, unique_sheet_name, write_tables

__all__ = [
    "Filing",
    "Form",
    "Paper",
    "blank_card",
    "filed_folder",
    "final_name",
    "is_plain",
    "move",
    "new_file",
    "new_folder",
    "sheet_names",
    "temporary_folder",
    "unique_sheet_name",
    "write_blank",
    "write_geopackage",
    "write_layer_styles",
    "write_tables",
]
