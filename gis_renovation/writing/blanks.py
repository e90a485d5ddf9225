"""Blank workbooks for people to fill in: Chinese headers with units, drop-downs, two example rows that are no data.

A filled one is read back by the names of its columns; the same shape, filled, is how every layer, brought or made by a
run, leaves for Excel. Numbers are written with all their digits, shapes in words (WKT) in the last column, texts longer
than a cell in further columns that the reader joins again.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_renovation.config import toml_inline
from gis_renovation.errors import FileError
from gis_renovation.schemas import Field, LayerSchema
from gis_renovation.unknowns import estimated_rows
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from gis_renovation.arrays import Geometries

# The first column, and what stands there in rows that only show how to fill in; the reader knows both.
NUMBER_HEADER, EXAMPLE = "序号", "示例"
# What the first column is called where the layer has a field called 序号.
_OTHER_NUMBER_HEADER = "行号"
COORDINATES = ("经度", "纬度")
SHAPES = "WKT"
# A text longer than a cell goes on in columns of its own: the end of a part, the beginning of the next, and the name of
# the column it stands in.
GOES_ON, FROM_BEFORE, CONTINUED = "…（续）", "…", "{header}（续{number}）"
_PART = 16_000
_CELL_MAX = 32_767
_ROWS = 1000
_ROWS_MAX = 1_048_575
_FIRST_YEAR = 1901
_LIST_MAX = 255
_UNDATED = datetime.date(2000, 1, 1)
_YES_NO = ("是", "否")


def blank_fields(schema: LayerSchema) -> list[Field]:
    """The fields that a person fills in, in the schema's order."""
    return list(schema.read_fields.values())


def blank_header(field: Field) -> str:
    """A field's header: its Chinese label and its unit, without blanks; shares are filled in as per cent."""
    unit = "%" if is_share(field) else "" if field.unit == "年" else field.unit
    return "".join(f"{field.label.zh}（{unit}）".split()) if unit else _bare_header(field)


def _bare_header(field: Field) -> str:
    """The label alone; the reader takes headers without blanks."""
    return "".join(field.label.zh.split())


def is_share(field: Field) -> bool:
    """Whether a field holds a share from 0 to 1, which people write as per cent."""
    return field.type == "number" and not field.unit and (field.minimum, field.maximum) == (0, 1)


def filled_header(field: Field, schema: LayerSchema) -> str:
    """A field's header where a layer leaves with its rows.

    As in a blank workbook, but for shares that the program computed: those are shown as per cent and stay 0 to 1, for
    a hundred times a number and back is not always the same number.
    """
    return _bare_header(field) if schema.result and is_share(field) else blank_header(field)


@dataclass
class _Column:
    """One column of a sheet: its header, its field (None for places), what stands in its rows."""

    header: str
    field: Field | None
    cells: list[Any]


def write_blank(path: Path, schema: LayerSchema, *, frame: pd.DataFrame | None = None) -> None:
    """One workbook for one layer, with one sheet; with ``frame``, its rows in place of the examples.

    Ids and texts are text cells, so that 0012 stays 0012; codes are their Chinese labels, chosen from a list; what is
    required has a darker header. A blank one has columns for longitude and latitude where a layer may be of points,
    and none for other shapes; with ``frame`` points of a city's own layer leave so too (to a micrometre), and all
    other shapes in words, in the CRS that the header of the last column names. Unknown is an empty cell, an
    approximate number is written “约120”. The same layer gives the same bytes.

    Raises FileError for more rows than a sheet holds. O(cells).
    """
    import xlsxwriter

    if frame is not None and len(frame) > _ROWS_MAX:
        raise FileError(
            f"{schema.label.zh}有 {len(frame):,} 行，一张 Excel 表放不下；请导出为 GeoPackage。",
            f"{schema.name} has {len(frame):,} rows, more than an Excel sheet holds; write it as a GeoPackage.",
        )
    columns = _blank_columns(schema) if frame is None else _filled_columns(frame, schema)
    options: dict[str, Any] = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    with xlsxwriter.Workbook(path, options | {"in_memory": True}) as book:
        book.set_properties({"title": schema.label.zh, "created": datetime.datetime.combine(_UNDATED, datetime.time())})
        page = book.add_worksheet(schema.label.zh[:31], worksheet_class=_exact_sheet())
        _write_heads(book, page, schema, columns)
        text, plain = book.add_format({"num_format": "@"}), book.add_format({})
        day, share = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "0.############%"})
        grey = {"italic": True, "font_color": "#7F7F7F"}
        dimmed, dimmed_day = book.add_format(grey), book.add_format({**grey, "num_format": "yyyy-mm-dd"})
        looks = (dimmed, dimmed_day) if frame is None else (text, day)
        for number, column in enumerate(columns):
            field = column.field
            if field is not None:
                whole = share if is_share(field) and column.header == _bare_header(field) else plain
                wide = max(10, 2 * len(column.header) + 2)
                page.set_column(number, number, wide, {"string": text, "date": day}.get(field.type, whole))
                _validate(page, number, field)
            for row, value in enumerate(column.cells, start=1):
                _write_cell(page, row, number, value, looks)


def _exact_sheet() -> type[Worksheet]:
    """A sheet that writes numbers with all their digits; the library's own leaves the last of seventeen out."""
    from xlsxwriter.worksheet import Worksheet

    class ExactSheet(Worksheet):  # type: ignore[misc]  # the library has no types
        def _xml_number_element(self, number: float, attributes: Iterable[tuple[str, object]] = ()) -> None:
            marks = "".join(f' {key}="{value}"' for key, value in attributes)
            self.fh.write(f"<c{marks}><v>{repr(float(number)).removesuffix('.0')}</v></c>")

    return ExactSheet


def _write_cell(page: Worksheet, row: int, column: int, value: Any, looks: tuple[Format, Format]) -> None:
    if isinstance(value, datetime.date):
        page.write_datetime(row, column, datetime.datetime.combine(value, datetime.time()), looks[1])
    elif isinstance(value, str):
        page.write_string(row, column, value, looks[0])
    elif value is not None:
        page.write_number(row, column, value)


def _write_heads(book: Workbook, page: Worksheet, schema: LayerSchema, columns: Sequence[_Column]) -> None:
    look = {"bold": True, "text_wrap": True, "align": "center", "valign": "vcenter", "border": 1}
    must, may = book.add_format({**look, "bg_color": "#F8CBAD"}), book.add_format({**look, "bg_color": "#DCE6F1"})
    page.freeze_panes(1, 1)
    page.set_row(0, 32)
    for number, column in enumerate(columns):
        field = column.field
        place = column.header in COORDINATES
        page.write_string(0, number, column.header, must if place or (field and _must(field, schema)) else may)
        if hint := _said_of(column, schema):
            page.write_comment(0, number, hint, {"author": "", "x_scale": 1.6 if field else 1.0})


def _said_of(column: _Column, schema: LayerSchema) -> str:
    """The comment at a header; none at the parts of long texts."""
    if column.field is not None:
        return _hint(column.field, schema)
    if column.header == NUMBER_HEADER:
        return f"写“{EXAMPLE}”的行只作样子，不会读入；从下面的空行填起，或直接删去。"
    if column.header in COORDINATES:
        return "CGCS2000 经纬度，十进制度，如 117.012345。"
    return "图形的文字表示，表头写明坐标系；不改图形的不要动这一列。" if column.header.startswith(SHAPES) else ""


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


def _blank_columns(schema: LayerSchema) -> list[_Column]:
    """Two rows that show how to fill in; the reader passes them over by their first cell."""
    columns = [_Column(NUMBER_HEADER, None, [EXAMPLE, EXAMPLE])]
    columns += [_Column(blank_header(f), f, [_example(f, schema, n) for n in range(2)]) for f in blank_fields(schema)]
    if "point" in schema.geometry:
        places = ([117.012345, 117.023456], [32.654321, 32.645678])
        columns += [_Column(name, None, cells) for name, cells in zip(COORDINATES, places, strict=True)]
    return columns


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


def _filled_columns(frame: pd.DataFrame, schema: LayerSchema) -> list[_Column]:
    """A layer's rows as a person would have filled them in."""
    import pandas as pd

    keyed = schema.key and frame.index.name == schema.key
    taken = any(field.label.zh == NUMBER_HEADER for field in blank_fields(schema))
    first = _OTHER_NUMBER_HEADER if taken else NUMBER_HEADER
    columns = [_Column(first, None, list(range(1, len(frame) + 1)))]
    for field in blank_fields(schema):
        values = list(frame.index) if keyed and field.name == schema.key else frame.get(field.name)
        cells = [None] * len(frame) if values is None else [None if pd.isna(value) else value for value in values]
        about, header = estimated_rows(frame, field.name).tolist(), filled_header(field, schema)
        percent = is_share(field) and header != _bare_header(field)
        written = [_filled(v, field, about=so, percent=percent) for v, so in zip(cells, about, strict=True)]
        columns += _in_parts(_Column(header, field, written))
    if not schema.geometry or "geometry" not in frame:
        return columns
    if leaves_as_places(frame, schema):
        shaped: Any = frame
        places = shaped.to_crs(4490).geometry
        return [
            *columns,
            *(_Column(n, None, c.tolist()) for n, c in zip(COORDINATES, (places.x, places.y), strict=True)),
        ]
    return columns + _in_parts(_Column(shapes_header(frame), None, _in_words(frame.geometry.to_numpy())))


def leaves_as_places(frame: Any, schema: LayerSchema) -> bool:
    """Whether a layer's shapes leave as longitude and latitude: a city's own points, each known and single."""
    return not schema.result and "point" in schema.geometry and bool((frame.geom_type == "Point").all())


def shapes_header(frame: Any) -> str:
    """The header of the column of shapes in words, with their CRS where it has a code."""
    code = frame.crs and frame.crs.to_authority()
    return f"{SHAPES}（{':'.join(code)}）" if code else SHAPES


def crs_code(crs: Any) -> str:
    """A CRS as a card writes it: authority and code where it has them, else its definition."""
    return ":".join(crs.to_authority() or ()) or str(crs.to_wkt())


def _in_words(shapes: Geometries) -> list[str | None]:
    """Shapes as WKT with all digits of their coordinates; None where there is none."""
    import shapely

    return list(shapely.to_wkt(shapes, rounding_precision=-1, output_dimension=2))


def _in_parts(column: _Column) -> list[_Column]:
    """The column, and further ones for what does not fit into a cell."""
    parts = [_cut(value) if isinstance(value, str) else [value] for value in column.cells]
    most = max(map(len, parts), default=1)
    headers = [column.header, *(CONTINUED.format(header=column.header, number=n) for n in range(2, most + 1))]
    return [
        _Column(header, column.field if not n else None, [part[n] if n < len(part) else None for part in parts])
        for n, header in enumerate(headers)
    ]


def _cut(text: str) -> list[str]:
    """A text as the cells hold it; Excel counts letters beyond the first plane twice."""
    if len(text) <= _CELL_MAX and len(text.encode("utf-16-le")) <= 2 * _CELL_MAX:
        return [text]
    pieces = [text[at : at + _PART] for at in range(0, len(text), _PART)]
    last = len(pieces) - 1
    return [(FROM_BEFORE if n else "") + p + (GOES_ON if n < last else "") for n, p in enumerate(pieces)]


def _filled(value: Any, field: Field, *, about: bool, percent: bool) -> Any:
    """A known value as a person writes it: labels, yes and no, per cent; “约120” for an approximate number."""
    if field.type in ("number", "integer") and value is not None:
        number = float(f"{100 * float(value):.12g}") if percent else float(value)
        return f"约{number:.12g}" if about else number
    if value is None:
        return None
    if field.values:
        return field.words(str(value), "zh")
    if field.type == "boolean":
        return _YES_NO[0] if value else _YES_NO[1]
    if field.type == "date":
        return value if value.year >= _FIRST_YEAR else value.isoformat()
    return str(value)


def blank_card(path: str, schema: LayerSchema, lang: Lang = "zh", *, frame: Any = None) -> str:
    """The card by which a filled workbook at ``path`` is read as it is.

    ``frame`` is the layer that left in it, if one did.
    """
    notes = Text(
        "# 这张卡读按模板填好的表，不用改列；请补上提供单位等。",
        "# Reads the filled template as it is; only who gave the data is to be filled in.",
    )
    lines = [
        notes.in_language(lang),
        "[source]",
        f"path = {toml_inline(path.replace(chr(92), '/'))}",
        f'layer = "{schema.name}"',
    ]
    shaped = frame is not None and schema.geometry and "geometry" in frame
    places = leaves_as_places(frame, schema) if shaped else frame is None and "point" in schema.geometry
    if places:
        lines += ['crs = "EPSG:4490"']
    elif shaped and frame.crs is not None:
        lines += [f"crs = {toml_inline(crs_code(frame.crs))}"]
    if frame is not None:
        lines += ["header_row = 1", "header_rows = 1"]
    lines += ['owner = ""', 'classification = "internal"']
    if places:
        lines += ["", "[geometry]", f'x = "{COORDINATES[0]}"', f'y = "{COORDINATES[1]}"']
    elif shaped:
        lines += ["", "[geometry]", f"wkt = {toml_inline(shapes_header(frame))}"]
    heads = {f.name: blank_header(f) if frame is None else filled_header(f, schema) for f in blank_fields(schema)}
    lines += ["", "[columns]", *(f"{name} = {toml_inline(head)}" for name, head in heads.items())]
    return "\n".join(lines) + "\n"
