"""What a file says of its columns beside their names: aliases, meanings of codes, attributes that drivers pass over.

Desktop GIS shows aliases and meanings (coded domains) to people instead of ``QSXZ`` and ``G``. A file geodatabase
keeps them as XML in its table of items (ESRI's ``DEFeatureClassInfo`` and ``GPCodedValueDomain2``), a GeoPackage in
the tables of its schema extension (OGC 12-128r19, annex F.9). KML documents edited in several programs write
attributes as free ``Data`` beside a typed schema; the driver gives the typed ones only.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree

from gis_renovation.local import as_local
from gis_renovation.numerals import header_unit, plain_text
from gis_renovation.schemas import Field as SchemaField

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def column_meanings(path: Path, layer: str) -> FileColumns:
    """Aliases and coded values of one layer's columns; empty where the format or the file has none."""
    suffix = path.suffix.lower()
    if suffix == ".gdb":
        return _geodatabase(path, layer)
    return _geopackage(path, layer) if suffix == ".gpkg" else FileColumns()


def _geodatabase(path: Path, layer: str) -> FileColumns:
    import pyogrio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            items = pyogrio.read_dataframe(
                as_local(path),
                layer="GDB_Items",
                columns=["Name", "Definition"],
                read_geometry=False,
                LIST_ALL_TABLES="YES",
            )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError):
        return FileColumns()  # made by software older than the table of items
    return _from_items([(str(name), str(text)) for name, text in items.dropna().itertuples(index=False)], layer)


def _from_items(items: Iterable[tuple[str, str]], layer: str) -> FileColumns:
    """Aliases and codes of ``layer`` from the names and definitions of all items."""
    trees = [(name, _tree(text)) for name, text in items]
    domains = {name: codes for _, tree in trees for name, codes in _domains(tree)}
    own = [tree for name, tree in trees if name == layer]
    fields = [f for tree in own for f in _fields(tree)]
    pairs = [(name, domains[domain]) for name, _, domain in fields if domain in domains]
    pairs += [pair for tree in own for pair in _subtypes(tree, domains)]
    return FileColumns(
        aliases={name: alias for name, alias, _ in fields if alias and alias != name}, codes=_agreed(pairs)
    )


def _subtypes(
    tree: ElementTree.Element | None, domains: Mapping[str, Mapping[str, str]]
) -> Iterable[tuple[str, Mapping[str, str]]]:
    """What the codes of subtypes mean, and the domains that hold within one subtype only."""
    kinds = list(_named(tree, "Subtype"))
    if tree is not None and kinds:
        yield _text(tree, "SubtypeFieldName"), {_text(k, "SubtypeCode"): _text(k, "SubtypeName") for k in kinds}
    for one in _named(tree, "SubtypeFieldInfo"):
        if (domain := _text(one, "DomainName")) in domains:
            yield _text(one, "FieldName"), domains[domain]


def _agreed(pairs: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, Mapping[str, str]]:
    """Codes by column; one that means this in one subtype and that in another is left as it stands."""
    said: dict[str, dict[str, set[str]]] = {}
    for column, codes in pairs:
        for code, text in codes.items():
            said.setdefault(column, {}).setdefault(code, set()).add(text)
    return {name: {c: min(texts) for c, texts in codes.items() if len(texts) == 1} for name, codes in said.items()}


def _tree(text: str) -> ElementTree.Element | None:
    """The XML, if it is one and declares nothing of its own, which such definitions never do."""
    if "<!" in text:
        return None
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - declarations were refused above
    except ElementTree.ParseError:
        return None


def _fields(tree: ElementTree.Element | None) -> Iterable[tuple[str, str, str]]:
    """Name, alias and domain of each field of a feature class or table."""
    for one in _named(tree, "GPFieldInfoEx"):
        yield _text(one, "Name"), _text(one, "AliasName"), _text(one, "DomainName")


def _domains(tree: ElementTree.Element | None) -> Iterable[tuple[str, Mapping[str, str]]]:
    if tree is not None and tree.tag.endswith("GPCodedValueDomain2"):
        yield _text(tree, "DomainName"), {_text(v, "Code"): _text(v, "Name") for v in _named(tree, "CodedValue")}


def _named(tree: ElementTree.Element | None, name: str) -> Iterable[ElementTree.Element]:
    return () if tree is None else (one for one in tree.iter() if one.tag.rpartition("}")[2] == name)


def _text(element: ElementTree.Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _geopackage(path: Path, layer: str) -> FileColumns:
    columns = "SELECT column_name, title, name, constraint_name FROM gpkg_data_columns WHERE table_name = ?"
    values = (
        "SELECT constraint_name, value, description FROM gpkg_data_column_constraints WHERE constraint_type = 'enum'"
    )
    try:
        # Immutable: nothing is locked, and no file is made beside the user's.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as base:
            fields = base.execute(columns, (layer,)).fetchall()
            enums = base.execute(values).fetchall() if fields else []
    except sqlite3.Error:  # no such tables, or not readable: reading the layer itself says what is wrong
        return FileColumns()
    domains: dict[str, dict[str, str]] = {}
    for domain, value, text in enums:
        domains.setdefault(str(domain), {})[str(value)] = str(text or value)
    aliases = {str(column): str(title or name or "").strip() for column, title, name, _ in fields}
    return FileColumns(
        aliases={column: alias for column, alias in aliases.items() if alias and alias != column},
        codes={str(column): domains[domain] for column, _, _, domain in fields if domain in domains},
    )


@dataclass(frozen=True)
class FileColumns:
    """What a file says of its columns: all names where some were left unread, aliases, and meanings of codes.

    ``files`` names the other file that a joined column came from, ``rows`` gives its rows by those of the frame;
    ``units`` the unit that the kind of file, not the column's name, says.
    """

    names: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, pd.Series] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def unit_of(self, column: str) -> str:
        """The unit of a column: as its name has it, else as the file says; empty where neither does."""
        return header_unit(column)[1] or self.units.get(column, "")


def same_name(
    columns: Iterable[object], target: SchemaField, aliases: Mapping[str, str] = MappingProxyType({})
) -> str | None:
    """The column named like the field: its name, an alias or its Chinese label, with or without a unit.

    ``aliases`` are the file's own other names for its columns; they count after all names.
    """
    full: dict[str, str] = {}
    bare: dict[str, str] = {}
    shown = [(str(column), str(column)) for column in columns if column != "geometry"]
    for column, name in [*shown, *((column, aliases[column]) for column, _ in shown if column in aliases)]:
        full.setdefault(plain_text(name).lower(), column)
        bare.setdefault(header_unit(name)[0].lower(), column)
    for names in (full, bare):
        for candidate in (target.name, *target.aliases, target.label.zh):
            if plain_text(candidate).lower() in names:
                return names[plain_text(candidate).lower()]
    return None


def same_filled(
    rows: pd.DataFrame, columns: Iterable[object], target: SchemaField, aliases: Mapping[str, str]
) -> str | None:
    """As :func:`same_name`, passing over columns that hold nothing while another of like name holds something.

    KML always has a column Name, which is empty where the names stand in the extended data.
    """
    left, first = [str(column) for column in columns], None
    while (same := same_name(left, target, aliases)) is not None:
        if not len(rows) or rows[same].notna().any():
            return same
        first = first or same
        left.remove(same)
    return first


@dataclass
class Placemarks:
    """Attributes of the placemarks by the folder they lie in, in the order written; other names of attributes."""

    rows: dict[str, list[Mapping[str, str]]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


def read_placemarks(path: Path) -> Placemarks:
    """The extended data of a KML file, one element in memory at a time; empty if it is no XML."""
    found = Placemarks()
    folders: list[list[str]] = []
    try:
        for event, element in ElementTree.iterparse(path, events=("start", "end")):  # noqa: S314 - checked by the caller
            tag = element.tag.rpartition("}")[2]
            if tag in ("Folder", "Document"):
                folders.append([""]) if event == "start" else folders.pop()
            elif event == "start":
                continue
            elif tag == "name" and folders and not folders[-1][0]:
                folders[-1][0] = (element.text or "").strip()
            elif tag == "SimpleField":
                _alias(element, found.aliases)
            elif tag == "Placemark":
                where = folders[-1][0] if folders else ""
                found.rows.setdefault(where, []).append(_attributes(element, found.aliases))
                element.clear()
    except ElementTree.ParseError:
        return Placemarks()
    return found


def _attributes(placemark: ElementTree.Element, aliases: dict[str, str]) -> Mapping[str, str]:
    values = {}
    for one in placemark.iter():
        tag, name = one.tag.rpartition("}")[2], one.get("name", "")
        if tag == "SimpleData" and name:
            values[name] = one.text or ""
        elif tag == "Data" and name:
            _alias(one, aliases)
            values[name] = next((c.text or "" for c in one if c.tag.rpartition("}")[2] == "value"), "")
    return values


def _alias(element: ElementTree.Element, aliases: dict[str, str]) -> None:
    shown = next((c.text or "" for c in element if c.tag.rpartition("}")[2] == "displayName"), "").strip()
    if shown and shown != element.get("name"):
        aliases.setdefault(element.get("name", ""), shown)


def with_attributes(frame: gpd.GeoDataFrame, layer: str, placemarks: Placemarks) -> tuple[Any, list[str]]:
    """The frame with the attributes its driver left out, and the names of those that could not be placed."""
    import pandas as pd

    only = len(placemarks.rows) == 1
    rows = next(iter(placemarks.rows.values())) if only else placemarks.rows.get(layer, [])
    missing = [name for name in dict.fromkeys(n for row in rows for n in row) if name not in frame.columns]
    if missing and len(rows) != len(frame):
        return frame, missing
    garbled = [c for c in frame.columns if missing and set(str(c)) == {"_"}]  # what the driver made of Chinese names
    frame = frame.drop(columns=garbled)
    added = {
        name: pd.Series([row.get(name) or None for row in rows], index=frame.index, dtype="str") for name in missing
    }
    return frame.assign(**added), []
