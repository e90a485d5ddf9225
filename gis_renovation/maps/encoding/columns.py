"""Attributes as the page holds them: columns of plain values with their labels, units and words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, cast

import numpy as np
import pandas as pd

from gis_renovation.display import explained_missing, plain_text
from gis_renovation.maps.encoding.block import Cell, ColumnBlock, ColumnHead
from gis_renovation.schemas import APPROXIMATE, Field, LayerSchema
from gis_renovation.unknowns import estimated_rows
from gis_renovation.words import UNITS_EN, Lang

# On a card the label says of itself that a number is a year.
_UNITS_EN: Mapping[str, str] = {**UNITS_EN, "年": "", "层": "floors"}


def encode_column(
    values: pd.Series[Any], field: Field | None, *, lang: Lang, missing: Sequence[str | None] = ()
) -> ColumnBlock:
    """One column for the page: its label, unit, code labels and values; null is unknown.

    ``missing`` says for each row what a missing value means, if that is known; “—” becomes an empty text.
    """
    name = str(values.name)
    data = _plain_values(values)
    if name.endswith("_unknown_count"):
        # That nothing is unknown needs no line of its own.
        data = ["" if value == 0 else value for value in data]
    if missing:
        meant = ["" if text == "—" else text for text in missing]
        data = [other if value is None else value for value, other in zip(data, meant, strict=True)]
    head = _column_head(name, field, data, lang=lang)
    texts = [value for value in data if isinstance(value, str)]
    distinct = list(dict.fromkeys(texts))
    if len(texts) == len([v for v in data if v is not None]) and len(distinct) * 2 < len(texts):
        place = {text: at for at, text in enumerate(distinct)}
        places = [place[v] if isinstance(v, str) else None for v in data]
        return cast("ColumnBlock", {**head, "dict": distinct, "data": places})
    return cast("ColumnBlock", {**head, "data": data})


def _column_head(name: str, field: Field | None, data: Sequence[Cell], *, lang: Lang) -> ColumnHead:
    head: ColumnHead = {"name": plain_text(name), "label": field.label.in_language(lang) if field else plain_text(name)}
    unit = field.unit if field else ""
    if unit == "元":
        head["money"] = True
    if unit == "年" and field is not None and field.type == "integer":
        head["plain"] = True
    if name.endswith("_share") and not unit:
        head["share"] = True
    if unit:
        head["unit"] = unit if lang == "zh" else _UNITS_EN.get(unit, unit)
    if field is not None and field.values:
        head["labels"] = {code: text.in_language(lang) for code, text in field.values.items()}
    elif field is not None and field.columns:
        texts = sorted({value for value in data if isinstance(value, str) and value})
        head["labels"] = {text: field.words(text, lang) for text in texts}
    return head


def _plain_values(values: pd.Series[Any]) -> list[Cell]:
    if not pd.api.types.is_string_dtype(values.dtype):
        return [plain_value(value) for value in values.tolist()]
    codes, distinct = pd.factorize(values)
    texts = [*(plain_value(value) for value in distinct.tolist()), None]
    return [texts[code] for code in codes.tolist()]


def plain_value(value: object) -> Cell:
    """One cell as the page holds it: text, number, truth value, or None when it is missing."""
    if isinstance(value, list | tuple | set | dict | np.ndarray):
        return plain_text("、".join(str(item) for item in value))
    if value is None or pd.isna(cast("Cell", value)):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if not math.isfinite(number):
            return "∞" if number > 0 else "-∞"
        return int(number) if number.is_integer() and abs(number) < 1e15 else float(f"{number:.6g}")
    if isinstance(value, date):
        return value.isoformat()[:10]
    return plain_text(value)


def shown_columns(
    frame: pd.DataFrame, schema: LayerSchema | None, *, lang: Lang, skip: Iterable[str] = ()
) -> list[str]:
    """Column names for a card, in the schema's order, the sentences in one language only."""
    other = "_en" if lang == "zh" else "_zh"
    own = "_zh" if lang == "zh" else "_en"
    geometry = {column for column in frame.columns if str(frame[column].dtype) == "geometry"}
    left_out = {*skip, *geometry}
    names = [str(column) for column in frame.columns if column not in left_out]
    names = [name for name in names if not (name.endswith(other) and name[: -len(other)] + own in frame.columns)]
    order = list(schema.fields) if schema else []
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def encode_columns(
    frame: pd.DataFrame, schema: LayerSchema | None, *, lang: Lang, skip: Iterable[str] = ()
) -> list[ColumnBlock]:
    """Every column a card shows; a missing value that the schema's note explains is not left unknown.

    What does not apply is an empty text, which a card leaves out and a table shows as a dash.
    """
    fields = schema.fields if schema else {}
    encoded: list[ColumnBlock] = []
    for name in shown_columns(frame, schema, lang=lang, skip=skip):
        field = fields.get(name)
        column = encode_column(frame[name], field, lang=lang, missing=explained_missing(frame, field, lang))
        if about := about_rows(frame, name):
            column["about"] = about
        if name == APPROXIMATE:
            column["marks"] = True
        encoded.append(column)
    return encoded


def about_rows(frame: pd.DataFrame, name: str) -> dict[str, int]:
    """Which rows of a column say “约” before their number, as the page looks them up; empty without any."""
    return dict.fromkeys(map(str, np.flatnonzero(estimated_rows(frame, name)).tolist()), 1)


def name_references(
    columns: Sequence[ColumnBlock], schema: LayerSchema | None, layers: Mapping[str, pd.DataFrame], *, lang: Lang
) -> None:
    """Give columns of encoded ids of another layer labels with its names, “龙湖片区（Z-3）”, where it has any.

    Only ``layers`` are asked, so an edition names what it shows elsewhere and nothing more. A column beside
    which the name stands already (``park_id``, ``park_name``) keeps its ids. O(rows).
    """
    present = {column["name"] for column in columns}
    form = "{name}（{key}）" if lang == "zh" else "{name} ({key})"
    for column in columns:
        field = schema.fields.get(column["name"]) if schema else None
        other = layers.get(field.references) if field else None
        if other is None or "name" not in other.columns or f"{column['name'].removesuffix('_id')}_name" in present:
            continue
        named = zip(map(row_id, other.index), _plain_values(other["name"]), strict=True)
        names = {key: name for key, name in named if name not in (None, "", key)}
        found = {value for value in column.get("dict", column["data"]) if isinstance(value, str) and value in names}
        if found:
            column["labels"] = {key: form.format(name=names[key], key=key) for key in sorted(found)}


def row_id(key: object) -> str:
    """An index value as text; the parts of a compound one joined by a middle dot."""
    return plain_text("·".join(str(part) for part in key) if isinstance(key, tuple) else key)
