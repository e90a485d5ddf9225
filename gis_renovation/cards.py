"""Source cards: where one layer comes from, and how its columns become ours.

A card is a small TOML file in a project's ``layers/`` folder. :func:`read_card` checks it;
:func:`conform` turns the raw frame that ``io`` read into a frame that can keep the layer's schema,
recording what it did. Nothing is repaired that the card does not ask to repair.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gis_renovation.config import check_model, nearest_key, read_toml
from gis_renovation.errors import ConfigError, Finding, Severity, Text
from gis_renovation.schemas import Field as SchemaField
from gis_renovation.schemas import LayerSchema, layer_schema, type_test

if TYPE_CHECKING:
    import geopandas as gpd

Classification = Literal["public", "internal", "work_secret"]

# What one unit is in the schema's unit; handbook §3.1 (1 ha = 15 mu, 1 mu = 666.67 m²).
UNITS: Mapping[str, Mapping[str, float]] = {
    "m²": {
        "平方米": 1, "㎡": 1, "m2": 1, "m²": 1, "万平方米": 1e4, "万㎡": 1e4, "万m²": 1e4, "万m2": 1e4,
        "亩": 2000 / 3, "公顷": 1e4, "ha": 1e4, "平方公里": 1e6, "km²": 1e6, "平方英尺": 0.09290304, "ft2": 0.09290304,
        "acre": 4046.8564224,
    },
    "m": {
        "米": 1, "m": 1, "公里": 1e3, "千米": 1e3, "km": 1e3, "厘米": 0.01, "毫米": 1e-3, "mm": 1e-3, "英尺": 0.3048, "ft": 0.3048,
    },
    "mm": {"毫米": 1, "mm": 1, "厘米": 10, "cm": 10, "米": 1e3, "m": 1e3, "英寸": 25.4, "inch": 25.4},
    "元": {"元": 1, "yuan": 1, "万元": 1e4, "亿元": 1e8},
    "户": {"户": 1, "万户": 1e4},
    "": {"%": 0.01, "％": 0.01, "百分比": 0.01, "share": 1},
}  # fmt: skip

_YES = {"是", "有", "true", "yes", "y", "t", "1", "1.0", "√"}
_NO = {"否", "无", "false", "no", "n", "f", "0", "0.0", "×"}
_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


class Source(_Strict):
    """Where the layer lies and what is known about it; ``path`` is relative to the card."""

    path: str | list[str]
    layer: str = ""
    layer_name: str = ""
    encoding: str = ""
    crs: str = ""
    datum: Literal["", "gcj02", "bd09"] = ""
    owner: str = ""
    licence: str = ""
    classification: Classification = "internal"
    observed: datetime.date | None = None
    title: str = ""
    note: str = ""
    header_row: int = Field(default=1, ge=1)

    @property
    def paths(self) -> tuple[str, ...]:
        """All files, in the order written."""
        return (self.path,) if isinstance(self.path, str) else tuple(self.path)


class GeometryColumns(_Strict):
    """How a table's rows become points or shapes: ``x`` and ``y`` columns, or one ``wkt`` column.

    ``x`` is easting or longitude, ``y`` northing or latitude. Chinese survey tables call the
    northing X: write ``x = "Y"`` and ``y = "X"`` for them.
    """

    x: str = ""
    y: str = ""
    wkt: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> GeometryColumns:
        if bool(self.wkt) == bool(self.x or self.y) or bool(self.x) != bool(self.y):
            raise ConfigError(
                "请写 x 和 y 两列，或只写 wkt 一列", "give both x and y, or wkt alone"
            )  # pragma: no cover - re-raised by config
        return self


class ColumnRule(_Strict):
    """One of our columns from theirs: a column, a unit, a table of codes, what means unknown, or a constant."""

    from_: str | list[str] | None = Field(default=None, alias="from")
    unit: str = ""
    values: dict[str, Any] = Field(default_factory=dict)
    unknown: list[Any] = Field(default_factory=list)
    value: Any = None
    number: str | None = None


class Join(_Strict):
    """A second table whose rows are folded into ours by a common column; rows never multiply.

    ``take`` names their columns and how several rows become one value: ``unanimous`` (equal in all
    rows, else unknown), ``sum``, ``min``, ``max`` or ``count``.
    """

    path: str
    layer_name: str = ""
    encoding: str = ""
    on: str
    equals: str = ""
    take: dict[str, Literal["unanimous", "sum", "min", "max", "count"]]


class Repair(_Strict):
    """Repairs the card's author asks for; each is counted and listed in the manifest."""

    make_valid: bool = False
    drop_exact_duplicates: bool = False
    drop_empty_geometry: bool = False


class Card(_Strict):
    """One source card, checked."""

    source: Source
    geometry: GeometryColumns | None = None
    columns: dict[str, str | ColumnRule] = Field(default_factory=dict)
    select: dict[str, Any] = Field(default_factory=dict)
    join: list[Join] = Field(default_factory=list)
    repair: Repair = Repair()

    @property
    def schema_(self) -> LayerSchema:
        """The schema of the layer this card fills."""
        return layer_schema(self.source.layer)


def read_card(text: str, *, stem: str, where: str) -> Card:
    """The card in ``text``; ``stem`` (the file's name) is the layer unless ``source.layer`` says another.

    Raises ConfigError with every fault at once: TOML, unknown keys, columns our schema does not
    have, units that cannot become the field's unit.
    """
    data = read_toml(text, where=where)
    if isinstance(data.get("source"), dict):
        data["source"].setdefault("layer", stem)
    card = check_model(data, Card, where=where)
    faults = _column_faults(card, layer_schema(card.source.layer))
    if faults:
        raise ConfigError(
            "\n".join([f"{where}：有 {len(faults)} 处需要改正：", *(f"  - {t.zh}" for t in faults)]),
            "\n".join([f"{where}: {len(faults)} faults to mend:", *(f"  - {t.en}" for t in faults)]),
        )
    return card


def _column_faults(card: Card, schema: LayerSchema) -> list[Text]:
    faults = []
    for name, rule in card.columns.items():
        if name not in schema.fields:
            hint = nearest_key(name, schema.fields)
            faults.append(
                Text(
                    f"columns.{name}：{schema.label.zh}图层没有这个字段；{hint.zh}",
                    f"columns.{name}: layer {schema.name} has no such field; {hint.en}",
                )
            )
            continue
        if isinstance(rule, ColumnRule):
            faults += _rule_faults(name, rule, schema.fields[name])
    return faults


def _rule_faults(name: str, rule: ColumnRule, target: SchemaField) -> list[Text]:
    faults = []
    ways = [rule.from_ is not None, rule.value is not None, rule.number is not None]
    if sum(ways) != 1:
        faults.append(
            Text(
                f"columns.{name}：from（对应列）、value（固定值）、number（按位置编号）只能且必须写一个",
                f"columns.{name}: give exactly one of from, value, number",
            )
        )
    known = UNITS.get(target.unit, {})
    if rule.unit and rule.unit not in known:
        listed = ", ".join(known) or "（该字段没有单位）"
        faults.append(
            Text(
                f"columns.{name}.unit：{rule.unit!r} 不能换算为 {target.unit or '比例'}；可用：{listed}",
                f"columns.{name}.unit: {rule.unit!r} cannot become {target.unit or 'a share'}; known: {listed}",
            )
        )
    return faults


# --- raw frame to conformed frame -----------------------------------------------------------------


@dataclass
class Conformed:
    """A conformed frame, what is still wrong or worth saying, and the record for the manifest."""

    frame: gpd.GeoDataFrame | pd.DataFrame
    findings: list[Finding] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)


def conform(raw: gpd.GeoDataFrame | pd.DataFrame, card: Card, *, file: str = "") -> Conformed:
    """Rename, convert, select and key a raw frame by its card.

    Columns are taken as the card says; a schema field the card does not name is taken from a
    column of the same name or alias, and that is noted. Text is trimmed and blank text is unknown.
    A value that cannot become the field's type stays as it is, for the schema check to report.
    Rows are never dropped but by ``select`` and by a repair the card asks for, both counted. The
    result is indexed by the schema's key and sorted by it. O(rows x columns).
    """
    schema = layer_schema(card.source.layer)
    result = Conformed(raw, record={"rows_read": len(raw)})
    rows = _select(raw, card, result, schema, file)
    rows = _repair(rows, card, result, schema, file)
    taken: dict[str, Any] = {}
    used: set[str] = set()
    for target in schema.fields.values():
        series = _take(rows, target, card.columns.get(target.name), result, schema, file, used)
        if series is not None:
            taken[target.name] = series
    frame = pd.DataFrame(taken, index=rows.index)
    if schema.geometry and "geometry" in rows:
        import geopandas as gpd

        frame = gpd.GeoDataFrame(frame, geometry=rows.geometry, crs=rows.crs)
    left_out = [str(c) for c in rows.columns if c not in used and c != "geometry"]
    result.record |= {"rows_used": len(frame), "columns_left_out": left_out}
    if left_out:
        text = Text(f"未使用的列：{'、'.join(left_out[:12])}。", f"Columns not used: {', '.join(left_out[:12])}.")
        result.findings.append(Finding(severity="note", code="unused_columns", layer=schema.name, file=file, text=text))
    result.frame = _key(frame, schema)
    return result


def _select(raw: Any, card: Card, result: Conformed, schema: LayerSchema, file: str) -> Any:
    rows = raw
    for column, wanted in card.select.items():
        if column not in rows.columns:
            raise _no_column(column, rows, f"select.{column}", file)
        rows = rows[rows[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    if card.select:
        result.record["rows_not_selected"] = len(raw) - len(rows)
        text = Text(
            f"按 [select] 选用 {len(rows)} 行，另有 {len(raw) - len(rows)} 行不属于本图层。",
            f"[select] keeps {len(rows)} rows; {len(raw) - len(rows)} are not of this layer.",
        )
        result.findings.append(Finding(severity="note", code="selected", layer=schema.name, file=file, text=text))
    return rows


def _repair(rows: Any, card: Card, result: Conformed, schema: LayerSchema, file: str) -> Any:
    counts: dict[str, int] = {}
    if "geometry" in rows and schema.geometry:
        import shapely

        if card.repair.drop_empty_geometry:
            empty = shapely.is_missing(rows.geometry.to_numpy()) | shapely.is_empty(rows.geometry.to_numpy())
            counts["drop_empty_geometry"] = int(empty.sum())
            rows = rows[~empty]
        if card.repair.make_valid:
            rows, counts["make_valid"] = _make_valid(rows, schema)
    if card.repair.drop_exact_duplicates:
        repeated = rows.apply(lambda c: c.to_wkb() if c.name == "geometry" else c.astype(str)).duplicated()
        counts["drop_exact_duplicates"] = int(repeated.sum())
        rows = rows[~repeated.to_numpy()]
    for name, count in counts.items():
        if count:
            text = Text(f"按来源卡修复 {name}：{count} 处。", f"Repaired as the card asks, {name}: {count}.")
            finding = Finding(severity="note", code="repaired", layer=schema.name, file=file, text=text)
            result.findings.append(finding)
    if counts:
        result.record["repairs"] = counts
    return rows


def _make_valid(rows: Any, schema: LayerSchema) -> tuple[Any, int]:
    """Valid geometry of the schema's own dimension; parts of lower dimension (spikes) fall away."""
    import shapely

    from gis_renovation.schemas import GEOMETRY_TYPES

    geometry = rows.geometry.to_numpy().copy()
    allowed = {kind for name in schema.geometry for kind in GEOMETRY_TYPES[name]}
    kinds = np.array([g.geom_type if g is not None else "" for g in geometry])
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    bad = finite & ~shapely.is_missing(geometry) & (~shapely.is_valid(geometry) | ~np.isin(kinds, sorted(allowed)))
    for position in np.flatnonzero(bad):
        parts = shapely.get_parts(shapely.make_valid(geometry[position]))
        kept = [p for whole in parts for p in shapely.get_parts(whole) if p.geom_type in allowed]
        geometry[position] = shapely.union_all(kept) if kept else geometry[position]
    return rows.set_geometry(type(rows.geometry)(geometry, index=rows.index, crs=rows.crs)), int(bad.sum())


def _take(
    rows: Any,
    target: SchemaField,
    rule: str | ColumnRule | None,
    result: Conformed,
    schema: LayerSchema,
    file: str,
    used: set[str],
) -> Any:
    rule = ColumnRule.model_validate({"from": rule}) if isinstance(rule, str) else rule
    if rule is None:
        return _take_alike(rows, target, result, schema, file, used)
    if rule.number is not None:
        return _number_rows(rows, rule.number)
    if rule.value is not None:
        return pd.Series([rule.value] * len(rows), index=rows.index, dtype=object).pipe(_to_type, target)
    names = [rule.from_] if isinstance(rule.from_, str) else list(rule.from_ or ())
    for name in names:
        if name not in rows.columns:
            raise _no_column(name, rows, f"columns.{target.name}", file)
    used |= set(names)
    column = rows[names[0]] if len(names) == 1 else _joined(rows[names])
    if rule.unknown:
        column = column.where(
            ~column.isin(rule.unknown) & ~column.astype(str).str.strip().isin([str(u) for u in rule.unknown])
        )
    if rule.values:
        column = _map_values(column, rule.values)
    series = _to_type(column, target)
    if rule.unit:
        series = _scale(series, UNITS[target.unit][rule.unit])
    return series


def _take_alike(
    rows: Any, target: SchemaField, result: Conformed, schema: LayerSchema, file: str, used: set[str]
) -> Any:
    """A column of the field's own name or alias, if its content fits; both outcomes are said."""
    same = _same_name(rows, target)
    if same is None:
        return None
    series = _to_type(rows[same], target)
    known = series.dropna()
    fits = known.isin(list(target.values)) if target.values else known.map(type_test(target.type))
    if not fits.eq(True).all():
        code, text = (
            "alike_not_taken",
            Text(
                f"列“{same}”与{target.label.zh}同名，但内容不符，未采用；需要时请在来源卡 [columns] 中写明对照。",
                f"Column {same!r} is named like {target.label.en} but its content does not fit; not taken.",
            ),
        )
    else:
        used.add(same)
        code, text = (
            "matched_by_alias",
            Text(f"{target.label.zh}自动取自列“{same}”。", f"{target.label.en} is taken from column {same!r}."),
        )
    if code != "matched_by_alias" or same != target.name:
        severity: Severity = "note" if code == "matched_by_alias" else "warning"
        result.findings.append(
            Finding(severity=severity, code=code, layer=schema.name, field=target.name, file=file, text=text)
        )
    return series if code == "matched_by_alias" else None


def _same_name(rows: Any, target: SchemaField) -> str | None:
    names = {str(c).strip().lower(): str(c) for c in rows.columns if c != "geometry"}
    for candidate in (target.name, *target.aliases, target.label.zh):
        if candidate.lower() in names:
            return names[candidate.lower()]
    return None


def _no_column(name: str, rows: Any, key: str, file: str) -> ConfigError:
    columns = [str(c) for c in rows.columns if c != "geometry"]
    hint = nearest_key(name, columns)
    return ConfigError(
        f"{file}：来源卡 {key} 指的列“{name}”在文件中不存在；{hint.zh}",
        f"{file}: the card's {key} names column {name!r}, which the file does not have; {hint.en}",
    )


def _joined(columns: pd.DataFrame) -> pd.Series:
    text = columns.apply(_to_text)
    return text.apply(lambda row: "/".join(row) if row.notna().all() else None, axis=1)


def _number_rows(rows: Any, prefix: str) -> pd.Series:
    """Ids by position on the ground (left, bottom, right, top, then bytes), so row order does not matter."""
    import shapely

    geometry = rows.geometry.to_numpy()
    bounds = shapely.bounds(geometry)
    order = sorted(
        range(len(rows)), key=lambda i: (*np.nan_to_num(bounds[i]).tolist(), shapely.to_wkb(geometry[i]) or b"")
    )
    width = max(4, len(str(len(rows))))
    ids = np.empty(len(rows), dtype=object)
    for number, position in enumerate(order, start=1):
        ids[position] = f"{prefix}{number:0{width}d}"
    return pd.Series(ids, index=rows.index)


def _map_values(column: pd.Series, values: Mapping[str, Any]) -> pd.Series:
    text = _to_text(column)
    rest = values.get("*")

    def one(raw: Any, key: Any) -> Any:
        if key is None or key != key:  # noqa: PLR0124 - NaN is not itself
            return None
        return values.get(str(key), raw if rest is None else rest)

    return pd.Series([one(raw, key) for raw, key in zip(column, text, strict=True)], index=column.index, dtype=object)


def _scale(series: pd.Series, factor: float) -> pd.Series:
    numbers = pd.to_numeric(series, errors="coerce")
    scaled = numbers.astype("float64") * factor
    # 17351 × 0.01 style products carry binary dust; fifteen significant digits are what was meant.
    scaled = scaled.map(lambda v: float(f"{v:.12g}"), na_action="ignore")
    return scaled.astype(object).where(numbers.notna(), series) if (series.notna() & numbers.isna()).any() else scaled


def _to_type(column: pd.Series, target: SchemaField) -> pd.Series:
    """The column in the field's type; what cannot be converted stays for the schema check to report."""
    if target.type == "string":
        return _to_text(column)
    if target.type in ("number", "integer"):
        return _to_number(column, whole=target.type == "integer")
    one = _to_boolean if target.type == "boolean" else _to_date
    return pd.Series([one(value) for value in column], index=column.index, dtype=object)


def _to_text(column: pd.Series) -> pd.Series:
    return pd.Series([_one_text(value) for value in column], index=column.index, dtype=object)


def _one_text(value: Any) -> Any:
    if _is_unknown(value):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    text = str(value).strip()
    return text or None


def _to_number(column: pd.Series, *, whole: bool) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = column.astype("float64")
    else:
        values = [_one_number(value) for value in column]
        if any(isinstance(value, str | bool) for value in values):
            return pd.Series(values, index=column.index, dtype=object)
        numbers = pd.Series(values, index=column.index, dtype="float64")
    finite = numbers[np.isfinite(numbers)]
    if whole and (finite % 1 == 0).all() and np.isfinite(numbers[numbers.notna()]).all():
        return numbers.astype("Int64")
    return numbers


def _one_number(value: Any) -> Any:
    if _is_unknown(value):
        return np.nan
    if isinstance(value, bool | np.bool_):
        return bool(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    text = unicodedata.normalize("NFKC", str(value)).strip().replace(",", "")
    try:
        return float(text) if text else np.nan
    except ValueError:
        return str(value)


def _to_boolean(value: Any) -> Any:
    if _is_unknown(value):
        return None
    text = str(value).strip().lower()
    return True if text in _YES else False if text in _NO else (text or None) and value


def _to_date(value: Any) -> Any:
    if _is_unknown(value):
        return None
    if isinstance(value, datetime.datetime | pd.Timestamp):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    text = unicodedata.normalize("NFKC", str(value)).strip()
    for pattern in _DATE_FORMATS:
        try:
            return datetime.datetime.strptime(text.split("+")[0], pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return text or None


def _is_unknown(value: Any) -> bool:
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _key(frame: Any, schema: LayerSchema) -> Any:
    if not schema.key:
        return frame.reset_index(drop=True)
    if schema.key not in frame.columns:
        return frame
    frame = frame.set_index(schema.key)
    if frame.index.isna().any() or not frame.index.is_unique:
        return frame  # the schema check names the rows
    return frame.sort_index()


def fold_rows(table: pd.DataFrame, join: Join, *, where: str) -> pd.DataFrame:
    """One row for each value of ``join.on``: several rows become one as ``join.take`` says.

    ``unanimous`` gives the common value or unknown; ``sum`` of no known value is unknown.
    Indexed by ``join.on``, sorted. Raises ConfigError for columns the table does not have.
    """
    key = join.equals or join.on
    for name in (key, *join.take):
        if name not in table.columns:
            raise _no_column(name, table, "join", where)
    groups = table[table[key].notna()].groupby(key, sort=True)
    folded = {}
    for name, how in join.take.items():
        column = groups[name]
        if how == "unanimous":
            folded[name] = column.first().where(column.min() == column.max())
        elif how == "sum":
            folded[name] = column.sum(min_count=1)
        else:
            folded[name] = getattr(column, how)()
    return pd.DataFrame(folded)
