"""Tables of the pages beside the map: columns in words, cells, rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from gis_renovation.display import UNKNOWN, explained_missing, yes_no
from gis_renovation.maps.encoding import ColumnBlock, about_rows, encode_column
from gis_renovation.schemas import layer_schemas
from gis_renovation.unknowns import ABOUT
from gis_renovation.words import Lang


class Link(NamedTuple):
    """A file to take along: where it lies, its name, its size in words."""

    href: str
    name: str
    size: str


class Cell(NamedTuple):
    """One cell: its text, how it stands (``kind``: number, unknown, keep), and what stands with the text.

    ``head`` begins a row, ``href`` links on, ``note`` follows small. With ``bar``, the width of a share in per
    cent, ``css`` colours the bar; without, a ``css`` makes the text a state in a box.
    """

    text: str
    kind: str = ""
    head: bool = False
    href: str = ""
    note: str = ""
    css: str = ""
    bar: str | None = None
    code: bool = False
    span: int = 1
    files: Sequence[Link] = ()


class Head(NamedTuple):
    """The head of a column; numbers stand at the right."""

    text: str
    kind: str


class Table(NamedTuple):
    """A table in a box that scrolls sideways by itself; a screen reader is told its ``label``."""

    label: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]


class Shown(NamedTuple):
    """One column of a layer as the pages write it: label, unit, values and cells in row order."""

    label: str
    unit: str
    values: Sequence[object]
    cells: Sequence[Cell]


def table(label: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """A table; a row may be shorter than the heads where its last cell spans the columns left."""
    made = [list(row) for row in rows]
    right = [any(one.kind == "number" for row in made for one in row[at : at + 1]) for at in range(len(heads))]
    kinds = ["number" if number else "text" for number in right]
    return Table(label, [Head(text, kind) for text, kind in zip(heads, kinds, strict=True)], made)


def head_cell(text: str, href: str = "") -> Cell:
    """The first cell of a row; with ``href`` it links on."""
    return Cell(text, head=True, href=href)


def shown_columns(layer: str, frame: pd.DataFrame, columns: Sequence[str], lang: Lang) -> dict[str, Shown]:
    """Some columns of a layer, those that are there, in words."""
    return {name: _shown(layer, frame, name, lang) for name in columns if name in frame.columns}


def _shown(layer: str, frame: pd.DataFrame, name: str, lang: Lang) -> Shown:
    schema = layer_schemas().get(layer)
    field = schema.fields.get(name) if schema else None
    column = encode_column(frame[name], field, lang=lang, missing=explained_missing(frame, field, lang))
    texts, data = column.get("dict", []), column["data"]
    values: list[object] = [texts[value] if isinstance(value, int) and texts else value for value in data]
    about = about_rows(frame, name)
    cells = [_cell(column, value, lang, about=str(row) in about) for row, value in enumerate(values)]
    return Shown(column["label"], column.get("unit", ""), values, cells)


def _cell(column: ColumnBlock, value: object, lang: Lang, *, about: bool) -> Cell:
    said = words(column, value, lang)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    kind = "number" if number else "unknown" if value is None else ""
    return Cell(ABOUT.in_language(lang).format(n=said) if about else said, kind)


def words(column: Mapping[str, object] | ColumnBlock, value: object, lang: Lang) -> str:
    """A value as a reader sees it; the map's script writes it in the same way."""
    if value is None:
        return UNKNOWN.in_language(lang)
    if value == "":
        return "—"
    if isinstance(value, bool):
        return yes_no(value, lang)
    labels = column.get("labels")
    if isinstance(labels, Mapping):
        return str(labels.get(value, value))
    return _number(column, value, lang) if isinstance(value, int | float) else str(value)


def _number(column: Mapping[str, object] | ColumnBlock, value: float, lang: Lang) -> str:
    unit = f" {column['unit']}" if column.get("unit") else ""
    if column.get("share"):
        return f"{_digits(value * 100, 1)}%"
    if column.get("money") and abs(value) >= 10_000:
        return f"{_digits(value / 10_000, 2)} {'万元' if lang == 'zh' else '×10,000 yuan'}"
    if column.get("plain"):
        return f"{value}{unit}"
    return f"{_digits(value, 0 if abs(value) >= 100 else 2)}{unit}"


def _digits(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
