"""The faults of layers in words: what is wrong, and what to write in the source card to mend it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gis_renovation.checks import NO_FILE, Fault, Origin, layer_faults, reference_faults, spelling
from gis_renovation.errors import Finding
from gis_renovation.reading import UNKNOWN_NUMBERS, VALUES_SHOWN, chosen, column_line, month_remedy
from gis_renovation.schemas import GEOMETRY_TYPES, TYPE_NAMES, Field, LayerSchema, layer_schemas
from gis_renovation.words import LISTED, NO_TEXT, Text

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def check_layer(frame: gpd.GeoDataFrame | pd.DataFrame, schema: LayerSchema, origin: Origin = NO_FILE) -> list[Finding]:
    """Every way in which ``frame`` breaks ``schema``, said with its remedy; see :func:`checks.layer_faults`."""
    return [_finding(fault, schema, origin) for fault in layer_faults(frame, schema, origin)]


def check_references(
    layers: Mapping[str, pd.DataFrame], *, origins: Mapping[str, Origin] | None = None
) -> list[Finding]:
    """Values that point to a feature which does not exist, for every pair of layers at hand.

    ``origins`` tells the layers' files. An id that differs from an existing one only in leading zeros, full-width
    letters, blanks or capitals is named beside it, with the line of the card that makes them one; nothing is joined.
    """
    origins = origins or {}
    return [
        Finding(
            severity=fault.severity, code=fault.code, layer=name, field=field.name, features=fault.features,
            file=origins.get(name, NO_FILE).file,
            text=_dangling(fault, field, origins.get(name, NO_FILE), origins.get(field.references, NO_FILE)),
        )
        for name, field, fault in reference_faults(layers, origins)
    ]  # fmt: skip


def _finding(fault: Fault, schema: LayerSchema, origin: Origin) -> Finding:
    words = _WORDS[fault.code]
    return Finding(
        severity=fault.severity,
        code=fault.code,
        layer=schema.name,
        file=origin.files.get(fault.field, origin.file),
        field=fault.field,
        text=words if isinstance(words, Text) else words(_Case(fault, schema, origin)),
        features=fault.features,
    )


class _Case(NamedTuple):
    """A fault and what has to be known to say it."""

    fault: Fault
    schema: LayerSchema
    origin: Origin

    @property
    def field(self) -> Field:
        """The field that the fault is about."""
        return self.schema.fields[self.fault.field]

    @property
    def rule(self) -> Mapping[str, object]:
        """The card's rule for that field."""
        return self.origin.rules.get(self.fault.field, {})


# --- references -----------------------------------------------------------------------------------


def _dangling(fault: Fault, field: Field, origin: Origin, target: Origin) -> Text:
    hint = _spelling_line(field, fault.near, origin.rules.get(field.name, {}))
    others = bool(fault.near) and len(fault.near) < len({str(feature.value) for feature in fault.features})
    label, name = layer_schemas()[field.references].label, field.references
    return Text(
        f"{field.label.zh}指向的{label.zh}不存在："
        f"图层 {name}{f'（{target.file}）' if target.file else ''}中没有这些编号。"
        f"{hint.zh}{'其余请' if others else '请'}核对编号。",
        f"{field.label.en} points to {label.en.lower()} that do not exist: layer {name}"
        f"{f' ({target.file})' if target.file else ''} has no such ids. {hint.en}"
        f"Check the {'other ' if others else ''}ids.",
    )


def _spelling_line(field: Field, near: Mapping[str, str], rule: Mapping[str, object]) -> Text:
    """How ids that only look different can become one: in the file, or by the line of the card given."""
    if not near:
        return NO_TEXT
    shown = [_alike(value, one) for value, one in list(near.items())[:3]]
    line = column_line(field.name, _with_values(rule, dict(list(near.items())[:VALUES_SHOWN])))
    rest = len(near) - VALUES_SHOWN
    more = Text(f"（另有 {rest} 个，同样补上）", f" ({rest} more likewise)") if rest > 0 else NO_TEXT
    return Text(
        f"其中 {'，'.join(text.zh for text in shown)}{'等' if len(near) > 3 else ''}，共 {len(near)} 个编号；"
        "程序不擅自对应。确为同一个的，"
        f"请在文件中改成一致（表格中把编号列设为文本），或在来源卡 [columns] 写：{line.zh}{more.zh}。",
        f"{', '.join(text.en for text in shown)}{' …' if len(near) > 3 else ''} ({len(near)} ids in all); "
        "not joined unasked. "
        f"If they are the same, write them alike in the file (as text in a sheet), or in the card's [columns]: "
        f"{line.en}{more.en}. ",
    )


def _alike(value: str, one: str) -> Text:
    """That two ids differ in spelling only, and in what."""
    if spelling(value, zeros=False) != spelling(one, zeros=False):
        return Text(f"“{value}”与“{one}”只差前导零", f"{value!r} and {one!r} differ only in leading zeros")
    return Text(
        f"“{value}”与“{one}”只差全角、空格或大小写", f"{value!r} and {one!r} differ only in width, blanks or capitals"
    )


def _with_values(rule: Mapping[str, object], values: Mapping[str, object]) -> dict[str, object]:
    """A card's rule for a column with these values beside those it already has."""
    return {**(rule or {"from": None}), "values": {**_values(rule), **values}}


def _values(rule: Mapping[str, object]) -> Mapping[str, object]:
    """The table of codes that a card's rule holds."""
    values = rule.get("values", {})
    return values if isinstance(values, Mapping) else {}


# --- keys and fields ------------------------------------------------------------------------------


def _missing_key(case: _Case) -> Text:
    return Text(
        f"缺少主键字段 {case.schema.key}；请在来源卡 [columns] 中指明。",
        f"The key field {case.schema.key} is missing; name it in the card's [columns].",
    )


def _empty_key(case: _Case) -> Text:
    return Text(f"{case.schema.key} 为空；请补上编号。", f"{case.schema.key} is empty; give each feature an id.")


def _duplicate_key(case: _Case) -> Text:
    remedy = Text(
        "完全相同的行，可在来源卡写 [repair] drop_exact_duplicates = true；",
        " For identical rows write [repair] drop_exact_duplicates = true in the card.",
    )
    if case.schema.geometry:
        remedy += Text(
            "同一要素分成几块的，写 [repair] merge_pieces = true；",
            " For pieces of one feature write [repair] merge_pieces = true.",
        )
    return Text(
        f"{case.schema.key} 重复，每个要素的编号必须唯一。{remedy.zh}其余请在源数据中改正编号。",
        f"{case.schema.key} is repeated; every feature needs an id of its own.{remedy.en} Correct all others at "
        "the source.",
    )


def _missing_field(case: _Case) -> Text:
    field, taken = case.field, case.origin.not_taken.get(case.fault.field)
    usual = f"，常见的：{'、'.join(field.aliases[:4])}。" if field.aliases else "。"
    line, other = f'{field.name} = "…"', NO_TEXT
    if field.values:
        codes = "、".join(f"{code} {label.zh}" for code, label in field.values.items())
        constant = f'{field.name} = {{ value = "{next(iter(field.values))}" }}'
        other = Text(
            f"整个文件只有一种的，写 {constant}，可用：{codes}。",
            f" If the whole file is of one kind write {constant}, with one of: {', '.join(field.values)}.",
        )
    elif field.name == case.schema.key:
        constant = f'{field.name} = {{ number = "A-" }}'
        other = Text(
            f"文件里没有编号的，写 {constant}，由程序按位置编号。",
            f" Without ids in the file write {constant} to have them numbered by position.",
        )
    remedy = Text(
        f"请在来源卡 [columns] 写 {line}，引号中是文件里的列名{usual}{other.zh}",
        f"write {line} in the card's [columns] with the name of its column.{other.en}",
    )
    if taken is not None:
        remedy = Text(
            f"文件中有同名的列“{taken}”，因内容不符未采用，见该列的警告；请按警告所给的写法写入来源卡 [columns]。",
            f"the file has a column {taken!r} of that name, not taken for its content does not fit: see the "
            "warning on it, and write the line given there in the card's [columns].",
        )
    return Text(
        f"缺少字段 {field.name}（{field.label.zh}）；{remedy.zh}",
        f"Field {field.name} ({field.label.en}) is missing; {remedy.en}",
    )


def _unknown_value(case: _Case) -> Text:
    return case.field.label + Text("为空；这是必填字段。", " is empty; it is required.")


def _month_without_day(case: _Case) -> Text:
    return month_remedy(case.field, case.rule.get("from"))


def _wrong_type(case: _Case) -> Text:
    field = case.field
    return field.label + Text("应为", " must be ") + TYPE_NAMES[field.type] + Text("。", ".")


def _below_minimum(case: _Case) -> Text:
    field = case.field
    low = f"{field.minimum:g}"
    said = Text(f"小于允许的最小值 {low}{field.unit}。", f" is below {low} {field.unit}.")
    return field.label + said + _unknown_line(case)


def _above_maximum(case: _Case) -> Text:
    field = case.field
    high = f"{field.maximum:g}"
    said = Text(f"大于允许的最大值 {high}{field.unit}。", f" is above {high} {field.unit}.")
    return field.label + said + _unknown_line(case)


def _unknown_line(case: _Case) -> Text:
    """The line of the card for numbers that offices write for unknown, if there are such among the bad ones."""
    bad = {str(feature.value).removesuffix(".0") for feature in case.fault.features}
    meant = [number for number in UNKNOWN_NUMBERS if str(number) in bad]
    if not meant:
        return NO_TEXT
    line = column_line(case.field.name, {**(case.rule or {"from": None}), "unknown": meant})
    shown = "、".join(map(str, meant)), ", ".join(map(str, meant))
    return Text(
        f"其中 {shown[0]} 只表示不详的，在来源卡 [columns] 写：{line.zh}。",
        f" Where {shown[1]} only means unknown, write in the card's [columns]: {line.en}.",
    )


def _value_not_allowed(case: _Case) -> Text:
    field = case.field
    bad = {str(feature.value) for feature in case.fault.features}
    said = Text("的取值不在允许范围内。", " holds values that are not allowed. ")
    return field.label + said + _mapping_line(field, bad, case.rule)


def _mapping_line(field: Field, bad: set[str], rule: Mapping[str, object]) -> Text:
    """The line to write in the card for values that are not ours, and the codes to choose from."""
    ours = _values(rule)
    mapped = {code: "…" if str(value) in bad else value for code, value in ours.items()}
    values = sorted(bad - {str(value) for value in ours.values()})
    codes = LISTED.join(Text(f"{code}（{label.zh}）", f"{code} ({label.en})") for code, label in field.values.items())
    asked = {value: field.likely_code(value) or "…" for value in values[:VALUES_SHOWN]}
    wanted, what = {"values": {**mapped, **asked}}, chosen([*mapped.values(), *asked.values()], "…")
    if "value" in rule or not asked:
        what = chosen(["…"], "…")
    line = column_line(field.name, {"value": "…"} if "value" in rule else {**(rule or {"from": None}), **wanted})
    rest = len(values) - VALUES_SHOWN
    more = Text(f"（另有 {rest} 个值，同样补上）", f" ({rest} more values likewise)") if rest > 0 else NO_TEXT
    return Text(
        f"请在来源卡 [columns] 写：{line.zh}{more.zh}，{what.zh}：{codes.zh}。",
        f"Write in the card's [columns]: {line.en}{more.en}, {what.en}: {codes.en}.",
    )


# --- geometry -------------------------------------------------------------------------------------


_KIND_WORDS = {"polygon": Text("面", "areas"), "line": Text("线", "lines"), "point": Text("点", "points")}
_MIXED = Text("混合几何（GeometryCollection）", "mixed collections (GeometryCollection)")
_KIND_OF = {name: kind for kind, names in GEOMETRY_TYPES.items() for name in names} | {"LinearRing": "line"}


def _wrong_kind(case: _Case) -> Text:
    """What the shapes should be, what they are, and what to do about it."""
    kinds = {_KIND_OF.get(name, "") for name in case.fault.kinds}
    words = [_KIND_WORDS[kind] for kind in _KIND_WORDS if kind in kinds] + ([_MIXED] if "" in kinds else [])
    wanted = Text("或", " or ").join(_KIND_WORDS[kind] for kind in case.schema.geometry)
    remedy = Text(
        "不属于本图层的行请用来源卡的 [select] 排除，或用 layer_name 换成正确的图层。",
        "Leave rows of other layers out with [select] in the card, or name the right layer as layer_name.",
    )
    if "line" in kinds and case.schema.geometry == ("polygon",):
        remedy = (
            Text(
                "边界线首尾相接的，写 [repair] close_rings_m = 0.1 可围成面；",
                "Lines that close on themselves become areas by [repair] close_rings_m = 0.1. ",
            )
            + remedy
        )
    if "" in kinds:
        split = Text("混合几何请先在 GIS 软件中拆成单一类型；", "Split collections into single kinds in a GIS first. ")
        remedy = split + remedy
    said = Text("几何类型应为", "Shapes must be ") + wanted + Text("，实为", ", found ") + LISTED.join(words)
    return said + Text("。", ". ") + remedy


_WORDS: Mapping[str, Text | Callable[[_Case], Text]] = {
    "missing_key": _missing_key,
    "empty_key": _empty_key,
    "duplicate_key": _duplicate_key,
    "missing_field": _missing_field,
    "unknown_value": _unknown_value,
    "month_without_day": _month_without_day,
    "wrong_type": _wrong_type,
    "below_minimum": _below_minimum,
    "above_maximum": _above_maximum,
    "value_not_allowed": _value_not_allowed,
    "no_geometry": Text("图层没有几何。", "The layer has no geometry."),
    "empty_geometry": Text("几何为空。", "Geometry is missing or empty."),
    "non_finite_geometry": Text("坐标含 NaN 或无穷大。", "Coordinates hold NaN or infinity."),
    "wrong_geometry_type": _wrong_kind,
    "invalid_geometry": Text(
        "几何无效（自相交等）；请在源数据中改正，或在来源卡写 [repair] make_valid = true。",
        "Geometry is invalid; mend it at the source or write [repair] make_valid = true in the card.",
    ),
    "empty_layer": Text("图层没有任何要素。", "The layer has no feature."),
}
