"""Blank workbooks for people to fill in: Chinese headers with units, drop-downs, two example rows that are no data.

A filled one is read back by the names of its columns; the same shape, filled, is how a layer leaves for Excel.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation.schemas import Field, LayerSchema
from gis_renovation.unknowns import estimated_rows
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

# The first column, and what stands there in rows that only show how to fill in; the reader knows both.
NUMBER_HEADER, EXAMPLE = "序号", "示例"
COORDINATES = ("经度", "纬度")
_ROWS = 1000
_LIST_MAX = 255
_UNDATED = datetime.date(2000, 1, 1)
_YES_NO = ("是", "否")


def blank_fields(schema: LayerSchema) -> list[Field]:
    """The fields that a person fills in, in the schema's order."""
    return list(schema.read_fields.values())


def blank_header(field: Field) -> str:
    """A field's header: its Chinese label and its unit; shares are filled in as per cent."""
    unit = "%" if is_share(field) else "" if field.unit == "年" else field.unit
    return f"{field.label.zh}（{unit}）" if unit else field.label.zh


def is_share(field: Field) -> bool:
    """Whether a field holds a share from 0 to 1, which people write as per cent."""
    return field.type == "number" and not field.unit and (field.minimum, field.maximum) == (0, 1)


def write_blank(path: Path, schema: LayerSchema, *, frame: pd.DataFrame | None = None) -> None:
    """One workbook for one layer, with one sheet; with ``frame``, its rows in place of the examples.

    Ids and texts are text cells, so that 0012 stays 0012; codes are their Chinese labels, chosen from a list; what is
    required has a darker header. Layers of points have columns for longitude and latitude, other shapes none: they
    come by a file of their own. Unknown is an empty cell, an approximate number is written “约120”. The same layer
    gives the same bytes.
    """
    import xlsxwriter

    options: dict[str, Any] = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    with xlsxwriter.Workbook(path, options | {"in_memory": True}) as book:
        book.set_properties({"title": schema.label.zh, "created": datetime.datetime.combine(_UNDATED, datetime.time())})
        page = book.add_worksheet(schema.label.zh[:31])
        _write_heads(book, page, schema)
        rows = _examples(schema) if frame is None else _rows(frame, schema)
        text, plain = book.add_format({"num_format": "@"}), book.add_format({})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        grey = {"italic": True, "font_color": "#7F7F7F"}
        dimmed, dimmed_day = book.add_format(grey), book.add_format({**grey, "num_format": "yyyy-mm-dd"})
        for number, field in enumerate(blank_fields(schema), start=1):
            wide = max(10, 2 * len(blank_header(field)) + 2)
            page.set_column(number, number, wide, {"string": text, "date": day}.get(field.type, plain))
            _validate(page, number, field)
        looks = (dimmed, dimmed_day) if frame is None else (text, day)
        for row, cells in enumerate(rows, start=1):
            for column, value in enumerate(cells):
                _write_cell(page, row, column, value, looks)


def _write_cell(page: Worksheet, row: int, column: int, value: Any, looks: tuple[Format, Format]) -> None:
    if isinstance(value, datetime.date):
        page.write_datetime(row, column, datetime.datetime.combine(value, datetime.time()), looks[1])
    elif isinstance(value, str):
        page.write_string(row, column, value, looks[0])
    elif value is not None:
        page.write_number(row, column, value)


def _write_heads(book: Workbook, page: Worksheet, schema: LayerSchema) -> None:
    look = {"bold": True, "text_wrap": True, "align": "center", "valign": "vcenter", "border": 1}
    must, may = book.add_format({**look, "bg_color": "#F8CBAD"}), book.add_format({**look, "bg_color": "#DCE6F1"})
    page.freeze_panes(1, 1)
    page.set_row(0, 32)
    page.write_string(0, 0, NUMBER_HEADER, may)
    page.write_comment(0, 0, f"写“{EXAMPLE}”的行只作样子，不会读入；从下面的空行填起，或直接删去。", {"author": ""})
    fields = blank_fields(schema)
    for number, field in enumerate(fields, start=1):
        page.write_string(0, number, blank_header(field), must if _must(field, schema) else may)
        page.write_comment(0, number, _hint(field, schema), {"author": "", "x_scale": 1.6})
    if "point" in schema.geometry:
        for number, name in enumerate(COORDINATES, start=len(fields) + 1):
            page.write_string(0, number, name, must)
            page.write_comment(0, number, "CGCS2000 经纬度，十进制度，如 117.012345。", {"author": ""})


def _must(field: Field, schema: LayerSchema) -> bool:
    return field.required or field.name == schema.key


def _hint(field: Field, schema: LayerSchema) -> str:
    """What to write in a column: must it be there, unit, codes, what it points to."""
    parts = ["必填。" if _must(field, schema) else "可不填；空着就是不详，不是 0。"]
    if field.values:
        parts.append("从列表中选：" + "、".join(label.zh for label in field.values.values()))
    elif field.type == "boolean":
        parts.append("填 是 或 否")
    elif is_share(field):
        parts.append("填百分数，如 40 表示 40%")
    elif field.type == "date":
        parts.append("填日期，如 2024-09-30")
    if field.note.zh:
        parts.append(field.note.zh)
    return "\n".join(parts)


def _validate(page: Worksheet, column: int, field: Field) -> None:
    """A drop-down of what may stand in a column; other words are warned of, not refused: the reader knows more."""
    listed = [label.zh for label in field.values.values()] or (list(_YES_NO) if field.type == "boolean" else [])
    if listed and len(",".join(listed)) <= _LIST_MAX and not any("," in word for word in listed):
        rule = {"validate": "list", "source": listed, "error_type": "warning", "error_message": "不在列表里，确定吗？"}
        page.data_validation(1, column, _ROWS, column, rule)


# --- rows -----------------------------------------------------------------------------------------


def _examples(schema: LayerSchema) -> list[list[Any]]:
    """Two rows that show how to fill in; the reader passes them over by their first cell."""
    points = [[117.012345, 32.654321], [117.023456, 32.645678]] if "point" in schema.geometry else [[], []]
    fields = blank_fields(schema)
    return [[EXAMPLE, *(_example(field, schema, n) for field in fields), *points[n]] for n in range(2)]


def _example(field: Field, schema: LayerSchema, row: int) -> Any:
    if field.values:
        return list(field.values.values())[min(row, len(field.values) - 1)].zh
    if field.name == schema.key or field.references:
        return f"A00{row + 1}"
    if field.type == "string":
        return f"某某{field.label.zh}" if field.name == "name" else None
    if field.type == "boolean":
        return _YES_NO[row]
    if field.type == "date":
        return datetime.date(2024, 9, 30)
    if field.unit == "年":
        return 1998 + 7 * row
    return 40 + 20 * row if is_share(field) else int(max(field.minimum or 0, 1)) + row


def _rows(frame: pd.DataFrame, schema: LayerSchema) -> list[list[Any]]:
    """A layer's rows as a person would have filled them in."""
    import pandas as pd

    keyed = schema.key and frame.index.name == schema.key
    columns: list[list[Any]] = [list(range(1, len(frame) + 1))]
    for field in blank_fields(schema):
        values = list(frame.index) if keyed and field.name == schema.key else frame.get(field.name)
        cells = [None] * len(frame) if values is None else [None if pd.isna(value) else value for value in values]
        about = estimated_rows(frame, field.name).tolist()
        columns.append([_filled(value, field, about=so) for value, so in zip(cells, about, strict=True)])
    shaped: Any = frame
    if "point" in schema.geometry and "geometry" in frame and bool((shaped.geom_type == "Point").all()):
        places = shaped.to_crs(4490).geometry
        columns += [places.x.tolist(), places.y.tolist()]
    return [list(row) for row in zip(*columns, strict=True)]


def _filled(value: Any, field: Field, *, about: bool) -> Any:
    """A known value as a person writes it: labels, yes and no, per cent; “约120” for an approximate number."""
    if value is None:
        return None
    if field.values:
        return field.words(str(value), "zh")
    if field.type == "boolean":
        return _YES_NO[0] if value else _YES_NO[1]
    if field.type == "date":
        return value
    if field.type in ("number", "integer"):
        number = float(f"{100 * float(value):.12g}") if is_share(field) else float(value)
        return f"约{number:.12g}" if about else number
    return str(value)


def blank_card(path: str, schema: LayerSchema, lang: Lang = "zh") -> str:
    """The card by which a filled workbook at ``path`` is read as it is."""
    quoted = '"' + path.replace("\\", "/").replace('"', '\\"') + '"'
    notes = Text(
        "# 这张卡读按模板填好的表，不用改列；请补上提供单位等。",
        "# Reads the filled template as it is; only who gave the data is to be filled in.",
    )
    lines = [notes.in_language(lang), "[source]", f"path = {quoted}", f'layer = "{schema.name}"']
    if "point" in schema.geometry:
        lines += ['crs = "EPSG:4490"', 'owner = ""', 'classification = "internal"', "", "[geometry]"]
        lines += [f'x = "{COORDINATES[0]}"', f'y = "{COORDINATES[1]}"']
    else:
        lines += ['owner = ""', 'classification = "internal"']
    lines += ["", "[columns]", *(f'{field.name} = "{blank_header(field)}"' for field in blank_fields(schema))]
    return "\n".join(lines) + "\n"
