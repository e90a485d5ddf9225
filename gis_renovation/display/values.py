"""A value, a column, a unit as people read them, on screen, in cells and in documents."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gis_renovation.errors import ConfigError
from gis_renovation.schemas import Field, LayerSchema, layer_schema, nearest_names
from gis_renovation.unknowns import ABOUT, estimated_rows
from gis_renovation.words import Lang, Text, unit_text

if TYPE_CHECKING:
    import pandas as pd

    from gis_renovation.arrays import Flags

Frame = TypeVar("Frame", bound="pd.DataFrame")

UNKNOWN = Text("未知", "unknown")
WITHHELD = Text("不公开", "withheld")


SYNTHETIC_NOTICE = Text(
    "示意数据：本文件由程序生成的虚构数据计算而来，不反映任何真实小区、地块或工程。",
    "Synthetic data: computed from invented data; nothing here describes a real community, parcel or work.",
)


_WHOLE_TYPES = (str, int, bool, datetime.date)


_NULL_MEANINGS: Mapping[Lang, re.Pattern[str]] = {
    "zh": re.compile(r"空值表示([^；。]+)"),
    "en": re.compile(r"empty means ([^;.]+)"),
}


_NULL_AT_ZERO = re.compile(r"([a-z][a-z0-9_]*) 列为 0 时为空")


_NOT_APPLICABLE = "—"


@dataclass(frozen=True)
class Column:
    """One column of a sheet: the frame's column, and its field where the schema has one."""

    name: str
    field: Field | None

    def header(self, lang: Lang) -> str:
        """Label with the unit in brackets, as ``建筑面积（m²）``; of shares every cell says ``%`` itself."""
        if self.field is None:
            return self.name
        label = self.field.label.in_language(lang)
        unit = "" if is_share(self.field) else shown_unit(self.field)
        if lang == "zh":
            return f"{label}（{unit}）" if unit and not label.endswith(f"（{unit}）") else label
        unit = unit_text(unit, lang)
        return f"{label} ({unit})" if unit and unit != label.casefold() else label


def is_share(field: Field) -> bool:
    """Whether the column holds a share of 0-1, which readers see as per cent; points of 0-1 are no share."""
    return field.type == "number" and "share" in field.name.split("_") and not field.unit


def shown_unit(field: Field) -> str:
    """The unit readers see: money is kept in yuan and shown in 万元, as on the map; shares as per cent."""
    return "%" if is_share(field) else "万元" if field.unit == "元" else field.unit


def scaled(value: float, field: Field | None) -> float:
    """The number as readers see it, in :func:`shown_unit`'s unit."""
    return value / 1e4 if field is not None and field.unit == "元" else value


def missing_text(field: Field | None, lang: Lang) -> str:
    """What a reader sees in place of a missing value.

    Numbers, codes and yes/no are ``未知``. Text, ids and dates are blank, for there a missing value
    may well mean “none”. The schema's note decides otherwise: 空值表示… is shown as it stands there,
    and what is missing by its nature (…时为空) is a dash. Where that hangs on another column of the row
    (“… 列为 0 时为空”) see :func:`missing_texts`; here it is unknown.
    """
    if field is None:
        return ""
    if "时为空" in field.note.zh and not _NULL_AT_ZERO.search(field.note.zh):
        return _NOT_APPLICABLE
    if meaning := _NULL_MEANINGS[lang].search(field.note.in_language(lang)):
        return meaning[1]
    if field.type in ("number", "integer", "boolean") or field.values:
        return UNKNOWN.in_language(lang)
    return ""


def missing_texts(frame: pd.DataFrame, field: Field | None, lang: Lang) -> list[str]:
    """What a reader sees in place of a missing value in each row; see :func:`missing_text`.

    A share of nothing is not unknown: a field noted “… 列为 0 时为空” is a dash where that column is 0.
    """
    text = missing_text(field, lang)
    whole = _NULL_AT_ZERO.search(field.note.zh) if field is not None else None
    if whole is None or whole[1] not in frame:
        return [text] * len(frame)
    return [_NOT_APPLICABLE if zero else text for zero in frame[whole[1]].eq(0).fillna(value=False).tolist()]


def explained_missing(frame: pd.DataFrame, field: Field | None, lang: Lang) -> list[str | None]:
    """Per row what the schema's note says a missing value means, None where it is simply not known.

    What does not apply is “—”.
    """
    if field is None or not field.note.zh:
        return [None] * len(frame)
    plain = {"", UNKNOWN.in_language(lang)}
    return [None if text in plain else text for text in missing_texts(frame, field, lang)]


def shown_columns(frame: pd.DataFrame, schema: LayerSchema, lang: Lang) -> tuple[Column, ...]:
    """The key, then the schema's fields in its order, then what the schema does not know.

    Geometry is left out, and so are sentences in the language not asked for (``*_en`` or ``*_zh``).
    """
    other = "_en" if lang == "zh" else "_zh"
    geometry = {name for name, dtype in frame.dtypes.items() if str(dtype) == "geometry"}
    present = {str(name) for name in frame.columns if name not in geometry and not str(name).endswith(other)}
    if schema.key and frame.index.name == schema.key:
        present.add(schema.key)
    known = [name for name in schema.fields if name in present]
    if schema.key in known:
        known = [schema.key, *(name for name in known if name != schema.key)]
    unknown = sorted(present - set(known))
    return tuple(Column(name, schema.fields.get(name)) for name in [*known, *unknown])


def cell_values(frame: pd.DataFrame, column: Column) -> list[object]:
    """A column's plain Python values, None where missing; the key is read from the index."""
    values = frame.index if column.name == frame.index.name else frame[column.name]
    # Asking each value costs less than pandas does for a whole column of a small table.
    return [value if type(value) in _WHOLE_TYPES else _known(value) for value in values.tolist()]


def with_withheld(frame: Frame, withheld: Mapping[str, Flags] | None, lang: Lang) -> Frame:
    """``frame`` as its readers see it: cells that a column's mask says were withheld say so, by a word.

    Only what shows cells asks for it, and computes nothing from it: a column of numbers is then one of objects.
    """
    if not withheld:
        return frame
    said: Frame = frame.copy()
    for column, mask in withheld.items():
        said[column] = said[column].astype(object).mask(mask, WITHHELD.in_language(lang))
    return said


def _known(value: object) -> object:
    if type(value) is float:
        return value if math.isfinite(value) else None
    return _plain(value)


def shown_text(value: object, field: Field | None, lang: Lang) -> str:
    """A value as people read it in running text: codes by label, 是/否, thousands, 未知."""
    value = _plain(value)
    if value is None:
        return missing_text(field, lang)
    if field is not None and field.values and str(value) in field.values:
        return field.words(str(value), lang)
    if isinstance(value, bool):
        return yes_no(value, lang)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, int | float):
        return _number_text(scaled(float(value), field), field)
    return str(value) if field is None else field.words(str(value), lang)


def shown_texts(frame: pd.DataFrame, column: Column, lang: Lang) -> list[str]:
    """A column's cells as people read them; see :func:`shown_text`. What the source calls approximate says 约."""
    missing = missing_texts(frame, column.field, lang)
    values = zip(cell_values(frame, column), missing, strict=True)
    texts = [other if value is None else shown_text(value, column.field, lang) for value, other in values]
    about = zip(texts, estimated_rows(frame, column.name).tolist(), strict=True)
    return [ABOUT.in_language(lang).format(n=text) if so else text for text, so in about]


def labelled(frame: pd.DataFrame, layer: str, columns: str | Sequence[str] = (), *, lang: Lang = "zh") -> pd.DataFrame:
    """A layer's columns as the workbook shows them, for a screen: labels with units, codes spelled out, 未知.

    Cells are text. ``columns`` picks and orders; without it all are shown, those of the schema in its
    order and then those it does not know under their own names. The index keeps its ids and order and
    is headed by the key's label; no rows give no rows. Raises ConfigError for a layer without schema and
    for columns asked for that the frame lacks, all at once. O(cells).
    """
    import pandas as pd

    columns = (columns,) if isinstance(columns, str) else columns
    schema = layer_schema(layer)
    at_hand = {column.name: column for column in shown_columns(frame, schema, lang) if column.name != schema.key}
    lacking = [name for name in columns if name not in at_hand]
    if lacking:
        near = nearest_names(lacking[0], at_hand)
        listed, known = ", ".join(lacking), ", ".join(at_hand)
        raise ConfigError(
            f"{layer} 没有这些列：{listed}{f'；是否指 {near}？' if near else ''} 现有：{known}。",
            f"{layer} has no columns {listed}{f'; did you mean {near}?' if near else ''} Found: {known}.",
        )
    chosen = [at_hand[name] for name in columns or at_hand]
    cells = {c.header(lang): shown_texts(frame, c, lang) for c in chosen}
    key = schema.fields[schema.key].label.in_language(lang) if schema.key else None
    return pd.DataFrame(cells, index=frame.index.rename(key), dtype=object)


def _number_text(value: float, field: Field | None) -> str:
    pattern = number_format(field, [value]) if field is not None else "General"
    if pattern == "General":
        return f"{value:g}"
    if pattern.endswith("%"):
        text = f"{value:.1%}"
    else:
        decimals = len(pattern.partition(".")[2])
        text = f"{value:,.{decimals}f}" if "," in pattern else f"{value:.{decimals}f}"
    # What rounds to zero carries no sign.
    return text if any(digit in text for digit in "123456789") else text.removeprefix("-")


def _plain(value: object) -> object:
    """NumPy and pandas scalars as Python ones; every kind of missing as None."""
    import pandas as pd

    if isinstance(value, list | tuple | set | dict):
        return "、".join(map(str, value))
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime.datetime):
        return value.date()
    return value


def yes_no(value: bool, lang: Lang) -> str:
    """是 or 否, yes or no."""
    return (Text("是", "yes") if value else Text("否", "no")).in_language(lang)


def display_width(text: str) -> int:
    """Columns a text takes in a fixed-width font: two for a Chinese character, one for a Latin one."""
    return len(text) if text.isascii() else len(text.encode("gbk", "replace"))


def number_format(field: Field, values: Sequence[object]) -> str:
    """How a field's numbers look: areas and money two decimals, counts with thousands, years plain."""
    if is_share(field):
        return "0.0%"
    if field.unit == "年":
        return "0" if field.type == "integer" else "0.0"
    if field.name.endswith(("_code", "_year")):
        return "0"
    if field.unit == "亩":
        # As bureaus write it: at two decimals the parts of a small site would not add up.
        return "#,##0.0000"
    if field.unit in ("m²", "公顷", "ha", "万m²", "元"):
        return "#,##0.00"
    if field.unit == "m":
        return "#,##0.0"
    whole = field.type == "integer" or all(float(v).is_integer() for v in values if isinstance(v, int | float))
    return "#,##0" if whole else "#,##0.00"
