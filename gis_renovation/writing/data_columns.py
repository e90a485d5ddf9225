"""What the columns of a GeoPackage are called and what their codes mean, in the tables of its schema extension.

QGIS and other desktop GIS show these in place of ``household_count`` and ``in_use``, for tables without shapes too
(OGC 12-128r19, annex F.9); the reader takes them as a city's own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from gis_renovation.schemas import LayerSchema, layer_schemas
from gis_renovation.words import Lang
from gis_renovation.writing.blanks import blank_header

_TABLES = """
CREATE TABLE IF NOT EXISTS gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE IF NOT EXISTS gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
  constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE IF NOT EXISTS gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN,
  max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))
"""
_EXTENSION = "http://www.geopackage.org/spec121/#extension_schema"


def write_data_columns(path: Path, layers: Iterable[str], *, lang: Lang = "zh") -> None:
    """Titles, notes and the meanings of codes of ``layers`` into the GeoPackage at ``path``, replacing those it has.

    Names that are no layer's are passed over. A column's title has its unit; shares stay 0 to 1, so theirs has none.
    """
    known = [layer_schemas()[name] for name in sorted(layers) if name in layer_schemas()]
    with closing(sqlite3.connect(path)) as base, base:
        for table in _TABLES.split(";"):
            base.execute(table)
        extensions = [(t, "gpkg_schema", _EXTENSION, "read-write") for t in _TABLE_NAMES]
        base.execute("DELETE FROM gpkg_extensions WHERE extension_name = 'gpkg_schema'")
        base.executemany("INSERT INTO gpkg_extensions VALUES (?, NULL, ?, ?, ?)", extensions)
        for table in _TABLE_NAMES:
            base.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        for schema in known:
            _write_layer(base, schema, lang)


_TABLE_NAMES = ("gpkg_data_columns", "gpkg_data_column_constraints")


def _write_layer(base: sqlite3.Connection, schema: LayerSchema, lang: Lang) -> None:
    quoted = '"' + schema.name.replace('"', '""') + '"'
    there = {row[1] for row in base.execute(f"PRAGMA table_info({quoted})")}
    for field in schema.fields.values():
        if field.name not in there:
            continue
        domain = f"{schema.name}_{field.name}" if field.values else None
        title = field.label.in_language(lang) if lang != "zh" or not field.unit else blank_header(field)
        row = (schema.name, field.name, title, title, field.note.in_language(lang) or None, domain)
        base.execute("INSERT INTO gpkg_data_columns VALUES (?, ?, ?, ?, ?, NULL, ?)", row)
        labels = [(domain, code, label.in_language(lang)) for code, label in field.values.items()]
        base.executemany(
            "INSERT INTO gpkg_data_column_constraints VALUES (?, 'enum', ?, NULL, NULL, NULL, NULL, ?)", labels
        )
