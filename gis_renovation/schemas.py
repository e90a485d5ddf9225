"""What each layer promises: geometry, key, fields, units, labels, aliases, disclosure.

The promises themselves are data, one TOML table a layer, in ``layer_schemas/``: ``inputs.toml`` for
what a city brings, one file an analysis for what the program makes. This module reads them and
checks a frame against them, reporting every fault at once and mending none.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from gis_renovation.config import toml_inline
from gis_renovation.errors import ConfigError, FeatureRef, Finding, Severity, by_key
from gis_renovation.numerals import plain_text, read_month
from gis_renovation.shipped import shipped
from gis_renovation.words import NO_TEXT, Lang, Text

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

FieldType = Literal["string", "integer", "number", "boolean", "date"]
GeometryKind = Literal["polygon", "line", "point"]
Disclosure = Literal["public", "internal", "restricted"]

# The column that says which of a row's numbers its source calls approximate: names of columns, so joined.
APPROXIMATE, NAMES_JOINED_BY = "approximate", ";"
GEOMETRY_TYPES: Mapping[GeometryKind, tuple[str, ...]] = {
    "polygon": ("Polygon", "MultiPolygon"),
    "line": ("LineString", "MultiLineString"),
    "point": ("Point", "MultiPoint"),
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column: what it means, its unit, what it may hold and who may see it.

    ``values`` maps each allowed code to its label; empty means any value. ``columns`` are the labels of the
    columns that a cell may name, joined by “;”. ``references`` names the layer whose key this column
    holds. ``disclosure`` without a value in the file is ``restricted``: what nobody classified, nobody
    outside sees.
    """

    name: str
    type: FieldType
    label: Text
    unit: str = ""
    required: bool = False
    aliases: tuple[str, ...] = ()
    values: Mapping[str, Text]
    minimum: float | None = None
    maximum: float | None = None
    references: str = ""
    disclosure: Disclosure = "restricted"
    note: Text = NO_TEXT
    columns: tuple[tuple[str, Text], ...] = ()

    def words(self, text: str, lang: Lang) -> str:
        """A text of this column as people read it: a code by its label, names of columns by theirs."""
        if text in self.values:
            return self.values[text].in_language(lang)
        if self.columns:
            labels = dict(self.columns)
            named = [labels.get(name, Text(name, name)) for name in text.split(NAMES_JOINED_BY)]
            return ("、" if lang == "zh" else ", ").join(label.in_language(lang) for label in named)
        return text


@dataclass(frozen=True, kw_only=True)
class LayerSchema:
    """One layer's promise. ``geometry`` is empty for a table; ``key`` names its index."""

    name: str
    label: Text
    geometry: tuple[GeometryKind, ...]
    key: str
    fields: Mapping[str, Field]
    disclosure: Disclosure
    raster: bool = False
    result: bool = False
    note: Text = NO_TEXT

    @property
    def read_fields(self) -> Mapping[str, Field]:
        """The fields a source card may name: all but the one the program writes by itself."""
        return {name: field for name, field in self.fields.items() if name != APPROXIMATE}


@lru_cache(maxsize=1)
def layer_schemas() -> Mapping[str, LayerSchema]:
    """Every layer the program knows, by name, in file and then written order.

    Raises ConfigError if two files describe one layer or a table has an unknown key: both are
    faults of the installation.
    """
    schemas: dict[str, LayerSchema] = {}
    folder = shipped("layer_schemas")
    for path in sorted(folder.iterdir(), key=lambda p: (p.name != "inputs.toml", p.name)):
        if not path.name.endswith(".toml"):
            continue
        result = path.name != "inputs.toml"
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if name in schemas:
                raise ConfigError(
                    f"图层 {name} 在 layer_schemas 中定义了两次（{path.name}）。",
                    f"Layer {name} is described twice in layer_schemas ({path.name}).",
                )
            schemas[name] = _layer(name, table, result=result)
    return schemas


def layer_schema(name: str) -> LayerSchema:
    """The schema of one layer; an unknown name fails with the nearest known ones.

    >>> layer_schema("zones").key
    'zone_id'
    """
    schemas = layer_schemas()
    if name not in schemas:
        hint = suggest_layers(name, [key for key, schema in schemas.items() if not schema.result])
        raise ConfigError(f"没有名为 {name} 的图层；{hint.zh}", f"There is no layer {name}; {hint.en}")
    return schemas[name]


def suggest_layers(name: str, known: Iterable[str]) -> Text:
    """Which of the ``known`` layers ``name`` may mean, by id or Chinese label; all of them, a line each, if none."""
    from difflib import SequenceMatcher

    labels = {key: layer_schemas()[key].label for key in known}
    alike = {
        key: max(SequenceMatcher(None, name.lower(), text.lower()).ratio() for text in (key, *label))
        for key, label in labels.items()
    }
    near = sorted((key for key in labels if alike[key] >= _ALIKE), key=lambda key: -alike[key])[:_SUGGESTED]
    if near:
        zh, en = ("、".join(f"{key}（{labels[key].zh}）" for key in near), " or ".join(near))
        return Text(f"是否指 {zh}？", f"did you mean {en}?")
    return Text(
        "\n".join(["可用的有：", *(f"  {key}  {label.zh}" for key, label in labels.items())]),
        "\n".join(["known:", *(f"  {key}  {label.en}" for key, label in labels.items())]),
    )


# A name this like another's is taken for a slip of the pen; no more than so many are offered.
_ALIKE = 0.6
_SUGGESTED = 2


def nearest_names(name: str, known: Iterable[str]) -> str:
    """Up to two known names that look like ``name``, or an empty string."""
    from difflib import get_close_matches

    return ", ".join(get_close_matches(name, list(known), n=2, cutoff=0.6))


def _layer(name: str, table: dict[str, Any], *, result: bool) -> LayerSchema:
    fields = {key: _field(name, key, value) for key, value in table.pop("fields", {}).items()}
    numbers = {key: field.label for key, field in fields.items() if field.type in ("number", "integer")}
    if numbers and not result:
        fields[APPROXIMATE] = _approximate_field(numbers, table.get("disclosure", "restricted"))
    geometry: Any = table.pop("geometry", [])
    try:
        return LayerSchema(
            name=name,
            label=Text(*table.pop("label")),
            geometry=cast("tuple[GeometryKind, ...]", (geometry,) if isinstance(geometry, str) else tuple(geometry)),
            key=table.pop("key", ""),
            fields=fields,
            disclosure=table.pop("disclosure", "restricted"),
            result=result,
            note=Text(*table.pop("note", NO_TEXT)),
            **table,
        )
    except TypeError as error:
        raise ConfigError(f"layer_schemas 中图层 {name}：{error}", f"layer_schemas, layer {name}: {error}") from None


def _approximate_field(numbers: Mapping[str, Text], disclosure: Disclosure) -> Field:
    """What tells approximate numbers: as open as its layer, for it names no column that does not leave with it."""
    return Field(
        name=APPROXIMATE,
        type="string",
        label=Text("约数", "Approximate"),
        values={},
        columns=tuple(numbers.items()),
        disclosure=disclosure,
        note=Text(
            "来源写作约数的栏（如“约120”），所列的数按所写的采用；没有约数时为空",
            "columns that the source gives as approximate (“about 120”), taken as written; empty if there is none",
        ),
    )


def _field(layer: str, name: str, table: dict[str, Any]) -> Field:
    table = dict(table)
    values = {code: Text(*label) for code, label in table.pop("values", {}).items()}
    try:
        return Field(
            name=name,
            label=Text(*table.pop("label")),
            aliases=tuple(table.pop("aliases", ())),
            values=values,
            note=Text(*table.pop("note", NO_TEXT)),
            **table,
        )
    except TypeError as error:
        raise ConfigError(
            f"layer_schemas 中 {layer}.{name}：{error}", f"layer_schemas, {layer}.{name}: {error}"
        ) from None


# --- checking a frame -----------------------------------------------------------------------------


# So many values are written out in the line a person copies into the card.
VALUES_SHOWN = 12

# What a fault at a position of a frame names: a feature by its key, or the row of its file.
RefAt = Callable[[int], FeatureRef]


def check_layer(
    frame: gpd.GeoDataFrame | pd.DataFrame,
    schema: LayerSchema,
    *,
    file: str = "",
    rules: Mapping[str, Mapping[str, Any]] | None = None,
    repeated: Mapping[str, FeatureRef] | None = None,
    row_at: RefAt | None = None,
    not_taken: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Every way in which ``frame`` breaks ``schema``; an empty list when it keeps it.

    The frame is expected on its key as index, with the schema's column names and the project CRS.
    Checked: key missing or repeated; required fields absent; type, range, allowed values;
    unknown values in required fields; geometry kind, missing, empty, non-finite, invalid.
    ``rules`` are the card's rules by column, for the line that a message tells to write; ``repeated`` tells
    in which rows of the file repeated keys stand, ``row_at`` which row a feature without a key is.
    ``not_taken`` names the column of the file that has a field's name but was not taken.
    References between layers are checked by :func:`check_references`. Nothing is changed.
    O(rows x fields).
    """
    row_at = row_at or _counted
    findings = [*_check_key(frame, schema, file, repeated or {}, row_at)]
    called = _refs_of(frame, schema, row_at)
    for field in schema.fields.values():
        if field.name == schema.key:
            continue
        if field.name not in frame.columns:
            if field.required and len(frame):
                findings.append(_missing_field(schema, field, file, (not_taken or {}).get(field.name)))
            continue
        rule = dict((rules or {}).get(field.name, {}))
        findings += _check_values(frame, schema, field, file, rule, called)
    if schema.geometry:
        findings += _check_geometry(frame, schema, file)
    if len(frame) == 0:
        findings.append(
            _finding("warning", "empty_layer", schema, file, "图层没有任何要素。", "The layer has no feature.")
        )
    return findings


def _counted(position: int) -> FeatureRef:
    return FeatureRef(rows=(position + 1,))


def _refs_of(frame: pd.DataFrame, schema: LayerSchema, row_at: RefAt) -> RefAt:
    """The rows by their key, or by their place in the file where there is none."""
    if schema.key and frame.index.name == schema.key:
        return lambda position: FeatureRef(str(frame.index[position]))
    return row_at


class Origin(NamedTuple):
    """What a message says of the file a layer came from: its name, the card's rules by column, its rows."""

    file: str = ""
    rules: Mapping[str, Mapping[str, Any]] = {}
    row_at: RefAt = _counted


def check_references(
    layers: Mapping[str, pd.DataFrame], *, origins: Mapping[str, Origin] | None = None
) -> list[Finding]:
    """Values that point to a feature which does not exist, for every pair of layers at hand.

    ``origins`` tells the layers' files. An id that differs from an existing one only in leading zeros, full-width
    letters, blanks or capitals is named beside it, with the line of the card that makes them one; nothing is joined.
    """
    import numpy as np

    schemas, origins = layer_schemas(), origins or {}
    findings: list[Finding] = []
    for name, frame in sorted(layers.items()):
        schema, origin = schemas[name], origins.get(name, Origin())
        called = _refs_of(frame, schema, origin.row_at)
        for field in schema.fields.values():
            target = field.references
            if not target or target not in layers or field.name not in frame.columns:
                continue
            column = frame[field.name]
            places = np.flatnonzero(column.notna() & ~column.isin(layers[target].index)).tolist()
            if not places:
                continue
            lost = [str(column.iloc[place]) for place in places]
            near = _spelt_otherwise(lost, layers[target].index)
            told = origins.get(target, Origin()).file
            hint = _spelling_line(field, near, dict(origin.rules.get(field.name, {})))
            findings.append(
                _finding(
                    "error" if field.required else "warning",
                    "dangling_reference",
                    schema,
                    origin.file,
                    f"{field.label.zh}指向的{schemas[target].label.zh}不存在：图层 {target}"
                    f"{f'（{told}）' if told else ''}中没有这些编号。{hint.zh}"
                    f"{'其余请' if hint.zh and len(near) < len({*lost}) else '请'}核对编号。",
                    f"{field.label.en} points to {schemas[target].label.en.lower()} that do not exist: layer {target}"
                    f"{f' ({told})' if told else ''} has no such ids. {hint.en}"
                    f"Check the {'other ' if hint.en and len(near) < len({*lost}) else ''}ids.",
                    field=field.name,
                    features=[called(p)._replace(mark="→", value=v) for p, v in zip(places, lost, strict=True)],
                )
            )
    return findings


def _spelt_otherwise(lost: Iterable[str], ids: Iterable[object]) -> dict[str, str]:
    """For ids that are not there, the one that is there and differs in spelling alone; sorted, none if several do."""
    there: dict[str, set[str]] = {}
    for one in ids:
        if isinstance(one, str):
            there.setdefault(_spelling(one), set()).add(one)
    found = {value: there.get(_spelling(value), set()) for value in sorted({*lost})}
    return {value: next(iter(alike)) for value, alike in found.items() if len(alike) == 1}


def _spelling(text: str, *, zeros: bool = True) -> str:
    """An id without what people write now so, now so: width, blanks, capitals and the zeros a number begins with."""
    plain = "".join(plain_text(text).split()).lower()
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain) if zeros else plain


def _spelling_line(field: Field, near: Mapping[str, str], rule: dict[str, Any]) -> Text:
    """How ids that only look different can become one: in the file, or by the line of the card given."""
    if not near:
        return Text("", "")
    zh, en = [], []
    for value, one in list(near.items())[:3]:
        zeros = _spelling(value, zeros=False) != _spelling(one, zeros=False)
        zh.append(f"“{value}”与“{one}”只差{'前导零' if zeros else '全角、空格或大小写'}")
        en.append(f"{value!r} and {one!r} differ only in {'leading zeros' if zeros else 'width, blanks or capitals'}")
    line = f"{field.name} = {toml_inline(_with_values(rule, dict(list(near.items())[:VALUES_SHOWN])))}"
    rest = len(near) - VALUES_SHOWN
    more = Text(f"（另有 {rest} 个，同样补上）", f" ({rest} more likewise)") if rest > 0 else Text("", "")
    return Text(
        f"其中 {'，'.join(zh)}{'等' if len(near) > 3 else ''}，共 {len(near)} 个编号；程序不擅自对应。确为同一个的，"
        f"请在文件中改成一致（表格中把编号列设为文本），或在来源卡 [columns] 写：{line}{more.zh}。",
        f"{', '.join(en)}{' …' if len(near) > 3 else ''} ({len(near)} ids in all); not joined unasked. "
        f"If they are the same, write them alike in the file (as text in a sheet), or in the card's [columns]: "
        f"{line if rule else line.replace('列名', 'COLUMN')}{more.en}. ",
    )


def _with_values(rule: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A card's rule for a column with these values beside those it already has."""
    return {**(rule or {"from": "列名"}), "values": {**rule.get("values", {}), **values}}


def _check_key(
    frame: pd.DataFrame, schema: LayerSchema, file: str, known: Mapping[str, FeatureRef], row_at: RefAt
) -> Iterable[Finding]:
    import numpy as np

    if not schema.key:
        return
    if frame.index.name != schema.key:
        yield _finding(
            "error",
            "missing_key",
            schema,
            file,
            f"缺少主键字段 {schema.key}；请在来源卡 [columns] 中指明。",
            f"The key field {schema.key} is missing; name it in the card's [columns].",
            field=schema.key,
        )
        return
    missing = np.asarray(frame.index.isna())
    if missing.any():
        yield _finding(
            "error",
            "empty_key",
            schema,
            file,
            f"{schema.key} 为空；请补上编号。",
            f"{schema.key} is empty; give each feature an id.",
            field=schema.key,
            features=[row_at(int(position)) for position in np.flatnonzero(missing)],
        )
    repeated = frame.index[frame.index.duplicated() & ~missing]
    if len(repeated):
        remedy = Text(
            "完全相同的行，可在来源卡写 [repair] drop_exact_duplicates = true；",
            " For identical rows write [repair] drop_exact_duplicates = true in the card.",
        )
        if schema.geometry:
            remedy = Text(
                f"{remedy.zh}同一要素分成几块的，写 [repair] merge_pieces = true；",
                f"{remedy.en} For pieces of one feature write [repair] merge_pieces = true.",
            )
        yield _finding(
            "error",
            "duplicate_key",
            schema,
            file,
            f"{schema.key} 重复，每个要素的编号必须唯一。{remedy.zh}其余请在源数据中改正编号。",
            f"{schema.key} is repeated; every feature needs an id of its own.{remedy.en} Correct all others at the "
            "source.",
            field=schema.key,
            features=[known.get(key, FeatureRef(key)) for key in sorted({*map(str, repeated)})],
        )


def _missing_field(schema: LayerSchema, field: Field, file: str, not_taken: str | None) -> Finding:
    aliases = "、".join(field.aliases[:4])
    remedy = Text(
        "请在来源卡 [columns] 中指明对应列" + (f"，常见列名：{aliases}。" if aliases else "。"),
        "name its column in the card's [columns].",
    )
    if not_taken is not None:
        remedy = Text(
            f"文件中有同名的列“{not_taken}”，因内容不符未采用，见该列的警告；请按警告所给的写法写入来源卡 [columns]。",
            f"the file has a column {not_taken!r} of that name, not taken for its content does not fit: see the "
            "warning on it, and write the line given there in the card's [columns].",
        )
    return _finding(
        "error",
        "missing_field",
        schema,
        file,
        f"缺少字段 {field.name}（{field.label.zh}）；{remedy.zh}",
        f"Field {field.name} ({field.label.en}) is missing; {remedy.en}",
        field=field.name,
    )


def _check_values(
    frame: pd.DataFrame, schema: LayerSchema, field: Field, file: str, rule: dict[str, Any], called: RefAt
) -> Iterable[Finding]:
    import numpy as np

    column = frame[field.name]
    known = column.notna().to_numpy()

    def found(severity: Severity, code: str, bad: Any, zh: str, en: str) -> Finding:
        places = np.flatnonzero(bad).tolist()
        refs = [called(place)._replace(mark="=", value=str(column.iloc[place])) for place in places]
        return _finding(severity, code, schema, file, zh, en, field=field.name, features=refs)

    if field.required and not known.all():
        refs = [called(place) for place in np.flatnonzero(~known).tolist()]
        yield _finding(
            "error",
            "unknown_value",
            schema,
            file,
            f"{field.label.zh}为空；这是必填字段。",
            f"{field.label.en} is empty; it is required.",
            field=field.name,
            features=refs,
        )
    wrong = known & ~fits_type(column, field.type).to_numpy(dtype=bool)
    month = _months(column, wrong) if field.type == "date" else np.zeros_like(wrong)
    if month.any():
        yield found("error", "month_without_day", month, *month_remedy(field, rule.get("from")))
    if (wrong & ~month).any():
        yield found(
            "error",
            "wrong_type",
            wrong & ~month,
            f"{field.label.zh}应为{TYPE_NAMES[field.type].zh}。",
            f"{field.label.en} must be {TYPE_NAMES[field.type].en}.",
        )
    known = known & ~wrong
    low, high = field.minimum, field.maximum
    if field.type in ("number", "integer") and not (low is None and high is None) and known.any():
        numbers = column.where(known).to_numpy("float64", na_value=math.nan)
        if low is not None and (numbers < low).any():
            zh = f"{field.label.zh}小于允许的最小值 {low:g}{field.unit}。"
            yield found("error", "below_minimum", numbers < low, zh, f"{field.label.en} is below {low:g} {field.unit}.")
        if high is not None and (numbers > high).any():
            zh = f"{field.label.zh}大于允许的最大值 {high:g}{field.unit}。"
            yield found(
                "error", "above_maximum", numbers > high, zh, f"{field.label.en} is above {high:g} {field.unit}."
            )
    if field.values and known.any():
        unknown = known & ~column.isin(list(field.values)).to_numpy(dtype=bool)
        if unknown.any():
            said = _mapping_line(field, column[unknown], rule)
            yield found(
                "error",
                "value_not_allowed",
                unknown,
                f"{field.label.zh}的取值不在允许范围内。{said.zh}",
                f"{field.label.en} holds values that are not allowed. {said.en}",
            )


def _months(column: pd.Series, wrong: Any) -> Any:
    """Which of the values that are no dates name a month without its day."""
    month = wrong.copy()
    for place in wrong.nonzero()[0].tolist():
        month[place] = read_month(column.iloc[place]) is not None
    return month


def month_remedy(field: Field, source: object) -> Text:
    """That a date column names months without a day, and the line of the card that says which day is meant."""
    line = f"{field.name} = {toml_inline({'from': source or '列名', 'month_as': 'last_day'})}"
    return Text(
        f"{field.label.zh}只写到月，没有写哪一天。取当月最后一天的，请在来源卡 [columns] 写：{line}；"
        'month_as = "first_day" 为当月第一天。',
        f"{field.label.en} names a month without a day. For its last day write in the card's [columns]: "
        f'{line if source else line.replace("列名", "COLUMN")}; month_as = "first_day" takes the first.',
    )


def _mapping_line(field: Field, bad: pd.Series, rule: dict[str, Any]) -> Text:
    """The line to write in the card for values that are not ours, and the codes to choose from."""
    bad_values = {str(value) for value in bad}
    mapped = {code: "…" if str(ours) in bad_values else ours for code, ours in rule.get("values", {}).items()}
    values = sorted(bad_values - {str(ours) for ours in rule.get("values", {}).values()})
    zh = "、".join(f"{code}（{label.zh}）" for code, label in field.values.items())
    en = ", ".join(f"{code} ({label.en})" for code, label in field.values.items())
    if "value" in rule:
        line = f'{field.name} = {{ value = "…" }}'
    else:
        wanted = {**mapped, **dict.fromkeys(values[:VALUES_SHOWN], "…")}
        line = f"{field.name} = {toml_inline({**(rule or {'from': '列名'}), 'values': wanted})}"
    rest = len(values) - VALUES_SHOWN
    more = Text(f"（另有 {rest} 个值，同样补上）", f" ({rest} more values likewise)") if rest > 0 else Text("", "")
    return Text(
        f"请在来源卡 [columns] 写：{line}{more.zh}，把 … 换成下列代码之一：{zh}。",
        f"Write in the card's [columns]: {line.replace('列名', 'COLUMN') if not rule else line}{more.en}, "
        f"with one of these codes for each …: {en}.",
    )


def _check_geometry(frame: gpd.GeoDataFrame, schema: LayerSchema, file: str) -> Iterable[Finding]:
    import numpy as np
    import shapely

    if not hasattr(frame, "geometry") or "geometry" not in frame.columns:
        yield _finding("error", "no_geometry", schema, file, "图层没有几何。", "The layer has no geometry.")
        return
    geometry = frame.geometry.to_numpy()

    def found(severity: Severity, code: str, bad: Any, zh: str, en: str, **more: Any) -> Finding:
        return _finding(severity, code, schema, file, zh, en, features=by_key(frame.index[bad]), **more)

    absent = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    if absent.any():
        yield found("error", "empty_geometry", absent, "几何为空。", "Geometry is missing or empty.")
    # Every vertex: the bounds of a shape pass over a NaN in the middle of its ring.
    vertices, owner = shapely.get_coordinates(geometry, return_index=True)
    infinite = np.zeros(len(geometry), dtype=bool)
    infinite[owner[~np.isfinite(vertices).all(axis=1)]] = True
    if infinite.any():
        yield found(
            "error", "non_finite_geometry", infinite, "坐标含 NaN 或无穷大。", "Coordinates hold NaN or infinity."
        )
    allowed = {kind for name in schema.geometry for kind in GEOMETRY_TYPES[name]}
    kinds = np.array(GEOMETRY_NAMES)[shapely.get_type_id(geometry) + 1]
    wrong = ~absent & ~np.isin(kinds, sorted(allowed))
    if wrong.any():
        yield found("error", "wrong_geometry_type", wrong, *_wrong_kind(schema, set(kinds[wrong])))
    invalid = ~absent & ~infinite & ~shapely.is_valid(geometry)
    if invalid.any():
        reasons = shapely.is_valid_reason(geometry[invalid])
        refs = [
            FeatureRef(str(key), mark=": ", value=str(why), spot=_spot(why) or tuple(shape.bounds[:2]))
            for key, why, shape in zip(frame.index[invalid], reasons, geometry[invalid], strict=True)
        ]
        yield _finding(
            "error",
            "invalid_geometry",
            schema,
            file,
            "几何无效（自相交等）；请在源数据中改正，或在来源卡写 [repair] make_valid = true。",
            "Geometry is invalid; mend it at the source or write [repair] make_valid = true in the card.",
            features=refs,
        )


def _spot(reason: str) -> tuple[float, float] | None:
    """Where a shape breaks, of which GEOS speaks only in words such as “Self-intersection[3 4]”."""
    found = re.search(r"\[(-?[\d.eE+]+) (-?[\d.eE+]+)\]", reason)
    return (float(found[1]), float(found[2])) if found else None


_KIND_WORDS = {"polygon": Text("面", "areas"), "line": Text("线", "lines"), "point": Text("点", "points")}


def _wrong_kind(schema: LayerSchema, found: set[str]) -> Text:
    """What the shapes should be, what they are, and what to do about it."""
    kind_of = {name: kind for kind, names in GEOMETRY_TYPES.items() for name in names} | {"LinearRing": "line"}
    kinds = {kind_of.get(name, "") for name in found}
    mixed = Text("混合几何（GeometryCollection）", "mixed collections (GeometryCollection)")
    words = [_KIND_WORDS[kind] for kind in _KIND_WORDS if kind in kinds] + ([mixed] if "" in kinds else [])
    wanted = [_KIND_WORDS[kind] for kind in schema.geometry]
    remedy = Text(
        "不属于本图层的行请用来源卡的 [select] 排除，或用 layer_name 换成正确的图层。",
        "Leave rows of other layers out with [select] in the card, or name the right layer as layer_name.",
    )
    if "line" in kinds and schema.geometry == ("polygon",):
        remedy = Text(
            f"边界线首尾相接的，写 [repair] close_rings_m = 0.1 可围成面；{remedy.zh}",
            f"Lines that close on themselves become areas by [repair] close_rings_m = 0.1. {remedy.en}",
        )
    if "" in kinds:
        remedy = Text(
            f"混合几何请先在 GIS 软件中拆成单一类型；{remedy.zh}",
            f"Split collections into single kinds in a GIS first. {remedy.en}",
        )
    return Text(
        f"几何类型应为{'或'.join(t.zh for t in wanted)}，实为{'、'.join(t.zh for t in words)}。{remedy.zh}",
        f"Shapes must be {' or '.join(t.en for t in wanted)}, found {', '.join(t.en for t in words)}. {remedy.en}",
    )


def fits_type(column: pd.Series, kind: FieldType) -> pd.Series:
    """Which values are of a field type; an unknown value is of none, numbers must be finite. O(rows)."""
    import numpy as np
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype):
        return column.notna() if kind == "string" else pd.Series(False, index=column.index)
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.notna() if kind == "boolean" else pd.Series(False, index=column.index)
    if pd.api.types.is_numeric_dtype(column.dtype):
        if kind not in ("number", "integer"):
            return pd.Series(False, index=column.index)
        values = column.to_numpy("float64", na_value=np.nan)
        fits = np.isfinite(values)
        return pd.Series(
            fits & (np.mod(np.where(fits, values, 0), 1) == 0) if kind == "integer" else fits, index=column.index
        )
    one = _type_test(kind)
    return pd.Series([one(value) for value in column], index=column.index, dtype=bool)


def _type_test(kind: FieldType) -> Any:
    """A function telling whether one value is of a field type."""
    import datetime
    import math
    import numbers

    def is_number(value: object) -> bool:
        return not isinstance(value, bool) and isinstance(value, numbers.Real) and math.isfinite(float(value))

    tests = {
        "string": lambda value: isinstance(value, str),
        "integer": lambda value: is_number(value) and float(value).is_integer(),
        "number": is_number,
        "boolean": lambda value: isinstance(value, bool) or type(value).__name__ == "bool_",
        "date": lambda value: isinstance(value, datetime.date) and not _is_nat(value),
    }
    return tests[kind]


def _is_nat(value: object) -> bool:
    import pandas as pd

    return value is pd.NaT


# By shapely's type number, from -1 (missing) on.
GEOMETRY_NAMES = (
    "",
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)

TYPE_NAMES = {
    "string": Text("文字", "text"),
    "integer": Text("整数", "a whole number"),
    "number": Text("数字", "a number"),
    "boolean": Text("是/否", "yes or no"),
    "date": Text("日期", "a date"),
}


def _finding(
    severity: Severity,
    code: str,
    schema: LayerSchema,
    file: str,
    zh: str,
    en: str,
    *,
    field: str = "",
    features: Sequence[FeatureRef] = (),
) -> Finding:
    return Finding(
        severity=severity,
        code=code,
        layer=schema.name,
        file=file,
        field=field,
        text=Text(zh, en),
        features=tuple(features),
    )


CLASSES: tuple[Disclosure, ...] = ("public", "internal", "restricted")
