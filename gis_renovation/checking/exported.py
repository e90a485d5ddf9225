"""A layer that left as a workbook or a GeoPackage, as a layer again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gis_renovation.checking.remedies import check_layer
from gis_renovation.config import toml_inline
from gis_renovation.errors import ConfigError, DataError
from gis_renovation.reading import Card, conform, read_card, read_files, read_xlsx
from gis_renovation.schemas import LayerSchema, layer_schema
from gis_renovation.writing import COORDINATES, SHAPES, blank_fields, blank_header, filled_header


def read_exported(path: Path, layer: str) -> Any:
    """The layer that ``template --filled`` or :func:`writing.export_layers` wrote to ``path``, edited or not.

    On its key and sorted by it, or in the order of the rows where it has none. No card is needed: the headers, or in a
    GeoPackage the names of the columns, say which field is which, and the file its CRS. Values are read as those of a
    city's own files, so that an empty text is an unknown one. Raises DataError with every fault of the rows, FileError
    for a file that is none of these.
    """
    schema = layer_schema(layer)
    if schema.raster:
        raise ConfigError(f"{schema.label.zh}是栅格，没有表格。", f"{layer} is a raster and leaves in no table.")
    card = _card_of(path, schema)
    raw = read_files(card, path.parent)
    done = conform(raw.frame, card, file=path.name, columns=raw.columns)
    findings = [*raw.findings, *done.findings, *check_layer(done.frame, schema, done.origin)]
    faults = [finding for finding in findings if finding.severity == "error"]
    if faults:
        raise DataError(faults)
    return done.frame


def _card_of(path: Path, schema: LayerSchema) -> Card:
    """The card by which an exported file is read, from its own headers."""
    lines = ["[source]", f"path = {toml_inline(path.name)}"]
    if path.suffix.lower() == ".gpkg":
        lines.append(f"layer_name = {toml_inline(schema.name)}")
        return read_card("\n".join(lines), stem=schema.name, where=path.name)
    names = [str(name) for name in read_xlsx(path, header_row=1).columns]
    shapes = next((name for name in names if name.startswith(SHAPES)), "")
    placed = set(COORDINATES) <= set(names)
    code = shapes.removeprefix(SHAPES).strip("（）") or ("EPSG:4490" if placed else "")
    lines += ["header_row = 1", "header_rows = 1", *([f"crs = {toml_inline(code)}"] if code else [])]
    if shapes or placed:
        x, y = COORDINATES
        where = [f"wkt = {toml_inline(shapes)}"] if shapes else [f"x = {toml_inline(x)}", f"y = {toml_inline(y)}"]
        lines += ["[geometry]", *where]
    lines.append("[columns]")
    for field in blank_fields(schema):
        header = next((h for h in (filled_header(field, schema), blank_header(field)) if h in names), None)
        lines += [f"{field.name} = {toml_inline(header)}"] if header else []
    return read_card("\n".join(lines), stem=schema.name, where=path.name)
