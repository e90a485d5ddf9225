"""A raw frame as a card wants it: columns taken, converted, selected, repaired on request and keyed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gis_renovation.arrays import Geometries
from gis_renovation.checks import Origin, fits_type
from gis_renovation.config import nearest_key, toml_inline
from gis_renovation.errors import ConfigError, FeatureRef, Finding, Severity, by_key
from gis_renovation.numerals import plain_text, read_month, reads_like_a_value, unit_factor
from gis_renovation.reading import drawings, repairs
from gis_renovation.reading.cards import VALUES_SHOWN, Card, ColumnRule, chosen, month_remedy
from gis_renovation.reading.cells import (
    ESTIMATE,
    Remark,
    distinct_texts,
    join_text,
    map_values,
    to_field,
    to_text,
)
from gis_renovation.reading.domains import FileColumns, same_filled, same_name
from gis_renovation.reading.exact import stacked
from gis_renovation.reading.rows import file_rows, has_shapes, number_rows, on_key, repeated_keys, row_refs, together
from gis_renovation.reading.source_ids import SOURCE_IDS, repeated_source_ids
from gis_renovation.schemas import (
    APPROXIMATE,
    GEOMETRY_TYPES,
    TYPE_NAMES,
    LayerSchema,
    layer_schema,
)
from gis_renovation.schemas import Field as SchemaField
from gis_renovation.unknowns import estimate_names
from gis_renovation.words import Text

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass
class Conformed:
    """A conformed frame, what is still wrong or worth saying, and the record for the manifest."""

    frame: gpd.GeoDataFrame | pd.DataFrame
    file: str = ""
    findings: list[Finding] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    # How each of our columns was taken, as a card's [columns] would say it.
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Where each repeated key stands in the file.
    repeated: dict[str, FeatureRef] = field(default_factory=dict)
    # The file's rows, in the order of a frame that has no sound key to tell its rows by.
    file_rows: Any = None
    # Columns of a field's own name that were not taken, for their content does not fit.
    not_taken: dict[str, str] = field(default_factory=dict)
    # The keys in the order of the file, on its rows; only for a layer of several files.
    keys: pd.Series | None = None
    # Of columns from a second table: its row by key, and its name.
    joined: dict[str, dict[str, int | str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> Origin:
        """What has to be known of the file to say where a fault stands and what to write."""
        return Origin(self.file, self.rules, self.row_at, self.repeated, self.not_taken, self.joined, self.files)

    def row_at(self, position: int) -> FeatureRef:
        """The row of the file that stands at ``position`` of the frame."""
        return row_refs(range(position, position + 1) if self.file_rows is None else self.file_rows[[position]])[0]


@dataclass
class _Taking:
    """What :func:`conform` gathers while it goes through the fields of one raw frame."""

    rows: Any
    schema: LayerSchema
    file: str
    # All rows of the file, before any were selected.
    whole: Any = None
    # How many ids each prefix has numbered in earlier files.
    numbered: dict[str, int] = field(default_factory=dict)
    columns: FileColumns = field(default_factory=FileColumns)
    used: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    remarks: list[tuple[str, Remark]] = field(default_factory=list)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    not_taken: dict[str, str] = field(default_factory=dict)

    def ledger_rows(self, name: str) -> pd.Series | None:
        """The rows of a second table by those of the frame, for a column of ours that came from there."""
        source = self.rules.get(name, {}).get("from", "")
        return self.columns.rows.get(source) if isinstance(source, str) else None

    def say(
        self, severity: Severity, code: str, zh: str, en: str, *, name: str = "", features: Sequence[FeatureRef] = ()
    ) -> None:
        source = self.rules.get(name, {}).get("from", "")
        file = self.columns.files.get(source if isinstance(source, str) else "", self.file)
        finding = Finding(
            severity=severity, code=code, layer=self.schema.name, field=name, file=file, text=Text(zh, en),
            features=tuple(features),
        )  # fmt: skip
        self.findings.append(finding)


def columns_needed(
    card: Card, columns: Sequence[str], aliases: Mapping[str, str] = MappingProxyType({})
) -> list[str] | None:
    """Those of a file's columns that :func:`conform` will look at, in their order; None for all of them.

    None where the card lacks a column (its message lists what there is) or looks at whole rows: joins,
    numbering, exact duplicates, several files or sublayers.
    """
    rules = {
        name: ColumnRule.model_validate({"from": r}) if isinstance(r, str) else r for name, r in card.columns.items()
    }
    texts = any(rule.text_within_m is not None for rule in rules.values())
    whole = (
        texts
        or card.join
        or card.repair.drop_exact_duplicates
        or len(card.source.paths) > 1
        or card.source.layer_name == "*"
    )
    if whole or any(rule.number is not None for rule in rules.values()):
        return None
    named = {*card.select, *((card.geometry.x, card.geometry.y, card.geometry.wkt) if card.geometry else ())} - {""}
    for rule in rules.values():
        named |= {rule.from_} if isinstance(rule.from_, str) else set(rule.from_ or ())
    if not named <= set(columns):
        return None
    alike = {
        same_name(columns, target, aliases) for name, target in card.schema_.read_fields.items() if name not in rules
    }
    return [name for name in columns if name in named or name in alike or name.strip().lower() in SOURCE_IDS]


def conform(
    raw: gpd.GeoDataFrame | pd.DataFrame,
    card: Card,
    *,
    file: str = "",
    columns: FileColumns | None = None,
    numbered: dict[str, int] | None = None,
) -> Conformed:
    """Rename, convert, select and key a raw frame by its card.

    Columns are taken as the card says; a schema field the card does not name is taken from a
    column of the same name or alias whose content fits, and that is noted. Text is trimmed and blank
    text is unknown. Which numbers the file gives as approximate stands in a column of its own
    (:mod:`unknowns`). A value that cannot become the field's type stays as it is, for the schema check
    to report; one read with a loss (“约120”, “80年代”) is reported with its row. Rows are never dropped
    but by ``select`` and by a repair the card asks for, both counted: ``rows_read`` equals
    ``rows_used`` + ``rows_not_selected`` + ``rows_dropped``. Geometry is made two-dimensional. The
    result is indexed by the schema's key and sorted by it. ``columns`` is what the file itself says of its
    columns: an alias counts as a name, and a code whose meaning is one of ours is taken as ours. ``numbered`` counts
    the ids given by position to earlier files of the layer, by prefix. O(rows x columns).
    """
    schema = layer_schema(card.source.layer)
    columns = columns or FileColumns()
    taking = _Taking(raw, schema, file, raw, {} if numbered is None else numbered, columns)
    if card.geometry is not None:
        taking.used |= {card.geometry.x, card.geometry.y, card.geometry.wkt}
    record: dict[str, Any] = {"rows_read": len(raw), "rows_not_selected": 0, "rows_dropped": 0}
    _select(taking, card, record)
    _repair(taking, card, record)
    rows = taking.rows
    taken: dict[str, Any] = {}
    for target in schema.read_fields.values():
        series = _take(taking, target, card.columns.get(target.name))
        if series is not None:
            taken[target.name] = series
    told = estimate_names({name: remark.rows for name, remark in taking.remarks if remark.code == ESTIMATE}, rows.index)
    frame = pd.DataFrame(taken | ({} if told is None else {APPROXIMATE: told}), index=rows.index)
    if schema.geometry and "geometry" in rows:
        import geopandas as gpd

        geometry = _flat(rows.geometry.to_numpy(), taking)
        frame = gpd.GeoDataFrame(frame, geometry=geometry, crs=rows.crs)
    _report_remarks(taking, frame)
    key_source = taking.rules.get(schema.key, {}).get("from")
    for said, again in repeated_source_ids(taking.rows, schema.key, key_source) if schema.key else ():
        taking.say("warning", "repeated_source_id", *said, features=row_refs(again))
    joined = _joined_rows(taking, frame)
    came = {name: columns.files[str(taking.rules[name]["from"])] for name in joined}
    repeated, labels = repeated_keys(frame, schema), frame.index
    keys = frame[schema.key] if numbered is not None and schema.key in frame.columns else None
    frame = on_key(frame, schema)
    if card.repair.merge_pieces:
        frame = _merge_pieces(frame, taking, record)
    taking.used |= {join.sides[0] for join in card.join}
    left_out = [str(c) for c in columns.names or rows.columns if c not in taking.used and c != "geometry"]
    record |= {"rows_used": len(frame), "columns_left_out": left_out}
    if left_out:
        shown = left_out[:12]
        taking.say(
            "note", "unused_columns", f"未使用的列：{'、'.join(shown)}。", f"Columns not used: {', '.join(shown)}."
        )
    told_rows = labels if len(labels) == len(frame) else None
    return Conformed(
        frame, file, taking.findings, record, taking.rules, repeated, told_rows, taking.not_taken, keys, joined, came
    )


def _joined_rows(taking: _Taking, frame: pd.DataFrame) -> dict[str, dict[str, int | str]]:
    """For each column of ours from a second table that table's row by key."""
    if taking.schema.key not in frame.columns:
        return {}
    found = {}
    for name in taking.rules:
        rows = taking.ledger_rows(name)
        if rows is not None:
            pairs = zip(frame[taking.schema.key], rows.reindex(frame.index), strict=True)
            found[name] = {str(key): row for key, row in pairs if isinstance(row, int | str)}
    return found


def stack(parts: Sequence[Conformed], schema: LayerSchema) -> Conformed:
    """The conformed files of one layer as one, keyed again; every row knows its file and its row there.

    Frames with shapes are in one CRS. A key that stands in several files is repeated, with all its rows. What a file
    does not have is unknown in its rows. ``record`` sums the counts of all. O(rows log rows).
    """
    frames, labels = [], []
    for part in parts:
        frame = part.frame.reset_index() if schema.key and part.frame.index.name == schema.key else part.frame
        frames.append(frame)
        labels.append((part.file, _labels_of(part, frame, schema)))
    frame = stacked(frames).set_axis(file_rows(labels))
    repeated, rows = repeated_keys(frame, schema), frame.index
    frame = on_key(frame, schema)
    counted = ("rows_read", "rows_not_selected", "rows_dropped")
    record: dict[str, Any] = {name: sum(part.record[name] for part in parts) for name in counted}
    record["rows_used"] = len(frame)
    left = (name for part in parts for name in part.record["columns_left_out"])
    record["columns_left_out"] = list(dict.fromkeys(left))
    repairs_done = sum((Counter(part.record.get("repairs", {})) for part in parts), Counter[str]())
    record |= {"repairs": dict(repairs_done)} if repairs_done else {}
    firsts = [*reversed(parts)]
    return Conformed(
        frame, ", ".join(dict.fromkeys(part.file for part in parts)), [f for part in parts for f in part.findings],
        record, {k: v for part in firsts for k, v in part.rules.items()}, repeated, rows,
        {k: v for part in firsts for k, v in part.not_taken.items()},
        joined={k: together(part.joined.get(k, {}) for part in firsts) for part in firsts for k in part.joined},
        files=together(part.files for part in firsts),
    )  # fmt: skip


def _labels_of(part: Conformed, frame: pd.DataFrame, schema: LayerSchema) -> pd.Index:
    """The file's rows in the order of a conformed frame, which its key may have sorted."""
    if part.keys is None or part.frame.index.name != schema.key or not part.frame.index.is_unique:
        given: pd.Index = frame.index if part.file_rows is None else part.file_rows
        return given
    first = dict(zip(reversed(part.keys.tolist()), reversed(part.keys.index.tolist()), strict=True))
    rows: pd.Index = pd.Index([first[key] for key in frame[schema.key]], name=part.keys.index.name, dtype=object)
    return rows


def _select(taking: _Taking, card: Card, record: dict[str, Any]) -> None:
    rows = taking.rows
    for column, wanted in card.select.items():
        if column not in rows.columns:
            raise no_column(column, rows, f"select.{column}", taking.file)
        values = wanted if isinstance(wanted, list) else [wanted]
        rows = rows[rows[column].isin(values) | to_text(rows[column]).isin([str(v) for v in values])]
        taking.used.add(column)
    if card.source.shape and has_shapes(rows):
        kinds = rows.geom_type
        rows = rows[kinds.isin(GEOMETRY_TYPES[card.source.shape]) | kinds.isna()]
    if card.select or card.source.shape:
        asked = bool(card.select), bool(card.source.shape)
        kept, left = len(rows), len(taking.rows) - len(rows)
        record["rows_not_selected"] = left
        taking.say(
            "note", "selected",
            f"按{_SELECTS[asked].zh}选用 {kept} 行，另有 {left} 行不属于本图层。",
            f"{_SELECTS[asked].en} keeps {kept} rows; {left} are not of this layer.",
        )  # fmt: skip
    taking.rows = rows


_SELECTS = {
    (True, False): Text(" [select] ", "[select]"),
    (False, True): Text(" shape ", "shape"),
    (True, True): Text(" [select]、shape ", "[select] with shape"),
}


def _repair(taking: _Taking, card: Card, record: dict[str, Any]) -> None:
    """Repairs on the raw rows; merging pieces needs the key and comes later."""
    counts: dict[str, int] = {}
    rows, asked, before = taking.rows, card.repair, len(taking.rows)
    if "geometry" in rows and taking.schema.geometry:
        if asked.drop_empty_geometry:
            rows, counts["drop_empty_geometry"] = repairs.drop_empty_geometry(rows)
        if asked.close_rings_m:
            rows, counts["close_rings_m"] = repairs.close_rings(rows, asked.close_rings_m)
        if asked.make_valid:
            rows, counts["make_valid"], areas = repairs.make_valid(rows, taking.schema)
            _say_areas(taking, areas, rows.crs)
    if asked.drop_exact_duplicates:
        rows, counts["drop_exact_duplicates"] = repairs.drop_exact_duplicates(rows)
    taking.rows = rows
    record["rows_dropped"] = before - len(rows)
    _count_repairs(taking, counts, record)


# A change of area that a planner should look at.
_MUCH_AREA = 0.01


def _say_areas(taking: _Taking, areas: Sequence[repairs.AreaChange], crs: Any) -> None:
    """Which rows a repair made larger or smaller, in square metres where the file is in metres."""
    metres = crs is not None and crs.is_projected and all(axis.unit_name == "metre" for axis in crs.axis_info)
    said = []
    for one, ref in zip(areas, row_refs(change.row for change in areas), strict=True):
        share = f"{one.after / one.before - 1:+.1%}" if one.before > 0 else "0 → >0"
        value = f"{one.before:,.1f} → {one.after:,.1f} m²" if metres else share
        said.append(ref._replace(mark="：", value=value))
    if said:
        much = any(abs(one.after - one.before) > _MUCH_AREA * max(one.after, one.before) for one in areas)
        taking.say(
            "warning" if much else "note", "repair_changed_area",
            f"make_valid 改变了 {len(said)} 个要素的面积：自相交、重叠、互相套叠的各部分合并后只计一次，"
            "画成洞的才扣除。请核对是否符合原意；不符的请在源数据中改正。",
            f"make_valid changed the area of {len(said)} features: parts that cross, overlap or lie in each other are "
            "merged and count once; only what is drawn as a hole is taken out. Check that this is what was meant, and "
            "mend the source where it is not.",
            features=said,
        )  # fmt: skip


def _count_repairs(taking: _Taking, counts: Mapping[str, int], record: dict[str, Any]) -> None:
    for name, count in counts.items():
        taking.say(
            "note", "repaired", f"按来源卡修复 {name}：{count} 处。", f"Repaired as the card asks, {name}: {count}."
        )
    if counts:
        record["repairs"] = {**record.get("repairs", {}), **counts}


def _merge_pieces(frame: gpd.GeoDataFrame, taking: _Taking, record: dict[str, Any]) -> gpd.GeoDataFrame:
    if not taking.schema.key or frame.index.name != taking.schema.key or "geometry" not in frame:
        return frame
    merged, went, differing = repairs.merge_pieces(frame)
    record["rows_dropped"] += went
    _count_repairs(taking, {"merge_pieces": went}, record)
    if differing:
        zh = "同一编号的各块属性不一致，合并后该属性按未知处理。"
        en = "Pieces of one id differ in an attribute; after merging it is unknown."
        taking.say("warning", "pieces_differ", zh, en, features=differing)
    return merged.sort_index()


def finish_shapes(
    frame: gpd.GeoDataFrame, card: Card, record: dict[str, Any], *, file: str = ""
) -> tuple[Any, list[Finding]]:
    """Repairs that need metres, on the conformed frame in the project CRS; counted into ``record``."""
    if not card.repair.snap_slivers_m or "geometry" not in frame:
        return frame, []
    taking = _Taking(frame, card.schema_, file)
    frame, changed = repairs.snap_slivers(frame, card.repair.snap_slivers_m)
    _count_repairs(taking, {"snap_slivers_m": changed}, record)
    return frame, taking.findings


def _flat(geometry: Geometries, taking: _Taking) -> Geometries:
    """Geometry without heights; heights other than zero are said to be left aside."""
    import shapely

    high = shapely.has_z(geometry)
    if not high.any():
        return geometry
    z = shapely.get_coordinates(geometry[high], include_z=True)[:, 2]
    if np.any(np.isfinite(z) & (z != 0)):
        count = int(high.sum())
        taking.say(
            "note", "heights_left_aside",
            f"{count} 个要素带高程值，平面分析未使用。", f"{count} features carry heights, which are not used.",
        )  # fmt: skip
    return shapely.force_2d(geometry)


def _take(taking: _Taking, target: SchemaField, rule: str | ColumnRule | None) -> pd.Series | None:
    rows = taking.rows
    rule = ColumnRule.model_validate({"from": rule}) if isinstance(rule, str) else rule
    if rule is None:
        return _take_alike(taking, target)
    taking.rules[target.name] = rule.model_dump(by_alias=True, exclude_defaults=True)
    if rule.number is not None:
        done = taking.numbered.get(rule.number, 0)
        taking.numbered[rule.number] = done + len(rows)
        return number_rows(rows, rule.number, after=done)
    if rule.text_within_m is not None:
        return to_field(_texts_beside(taking, target, rule, rule.text_within_m), target).values
    if rule.value is not None:
        return to_field(pd.Series([rule.value] * len(rows), index=rows.index, dtype=object), target).values
    names = [rule.from_] if isinstance(rule.from_, str) else list(rule.from_ or ())
    for name in names:
        if name not in rows.columns:
            raise no_column(name, rows, f"columns.{target.name}", taking.file)
    taking.used |= set(names)
    cells = rows[names[0]] if len(names) == 1 else join_text(rows[names])
    if rule.unknown:
        texts = [str(value) for value in rule.unknown]
        cells = cells.where(~cells.isin(rule.unknown) & ~to_text(cells).isin(texts))
    if rule.values:
        cells = map_values(cells, rule.values)
    if target.values:
        cells, words = _codes_said(cells, target, taking.columns.codes.get(names[0], {}) if len(names) == 1 else {})
        _say_words(taking, target, words)
    unit = rule.unit or (_unit_in_file(taking.columns, names[0], target) if len(names) == 1 else "")
    column = to_field(
        cells, target, unit=unit, periods=rule.periods, month_as=rule.month_as, utc_offset_h=rule.utc_offset_h
    )
    taking.remarks += [(target.name, remark) for remark in column.remarks]
    return column.values


def _texts_beside(taking: _Taking, target: SchemaField, rule: ColumnRule, within_m: float) -> pd.Series:
    """The text beside each feature in a drawing; none where there is none, or where several differ, which is said."""
    beside = drawings.texts_beside(taking.rows, taking.whole, within_m=within_m, layers=rule.text_layers)
    taking.used |= {drawings.TEXT, *([drawings.LAYER] if rule.text_layers else [])}
    named, lost = int(beside.texts.notna().sum()), len(beside.unplaced)
    shown = "、".join(beside.unplaced[:_STRANGERS_SHOWN])
    rest = Text(
        f"；{lost} 处文字旁边没有要素：{shown}。" if lost else "。",
        f"; {lost} texts have no feature beside them: {shown}." if lost else ".",
    )
    taking.say(
        "note", "texts_beside",
        f"{target.label.zh}取自图上 {within_m:g} m 以内最近的文字：{named} 个要素有，{len(taking.rows) - named} 个没有"
        + rest.zh,
        f"{target.label.en} is the nearest text within {within_m:g} m in the drawing: {named} features have one, "
        f"{len(taking.rows) - named} have none" + rest.en,
        name=target.name,
    )  # fmt: skip
    if beside.several:
        places = taking.rows.index[[position for position, _ in beside.several]]
        refs = [
            ref._replace(mark="：", value="、".join(texts))
            for ref, (_, texts) in zip(row_refs(places), beside.several, strict=True)
        ]
        taking.say(
            "warning", "texts_differ",
            f"旁边有几处不同的文字，{target.label.zh}按未知处理；请在图上核对。",
            f"Several different texts stand beside it, so {target.label.en} is unknown; look at the drawing.",
            name=target.name, features=refs,
        )  # fmt: skip
    return beside.texts


def _unit_in_file(columns: FileColumns, name: str, target: SchemaField) -> str:
    """The unit a column's own name (建筑面积（万平方米）) or its file states, if it can become the field's."""
    unit = columns.unit_of(name)
    return unit if unit and unit_factor(unit, target.unit) is not None else ""


def _codes_said(
    cells: pd.Series, target: SchemaField, meanings: Mapping[str, str]
) -> tuple[pd.Series, dict[str, tuple[str, int]]]:
    """Cells that say a code in other words, as our code; and which words of the trade were taken, with their rows.

    ``meanings`` is what the file itself says of its codes; they count before any word of ours. O(rows).
    """
    said = {value: plain_text(meanings.get(value, value)).lower() for value in distinct_texts(cells)}
    wanted = {value: target.said_codes[text] for value, text in said.items() if text in target.said_codes}
    wanted = {value: code for value, code in wanted.items() if value not in target.values}
    if not wanted:
        return cells, {}
    words = sorted(value for value in wanted if said[value] in target.words_for and value not in meanings)
    counts = Counter(to_text(cells).dropna().tolist()) if words else Counter()
    return map_values(cells, wanted), {value: (wanted[value], counts[value]) for value in words}


def _say_words(taking: _Taking, target: SchemaField, words: Mapping[str, tuple[str, int]]) -> None:
    """That words which are no label were taken as a code: which, as what, how many rows."""
    if not words:
        return
    labels = target.values
    zh = "、".join(f"“{word}”{count} 行作{labels[code].zh}" for word, (code, count) in words.items())
    en = ", ".join(f"{word!r} in {count} rows as {labels[code].en}" for word, (code, count) in words.items())
    taking.say("note", "values_by_word", f"{target.label.zh}：{zh}。", f"{target.label.en}: {en}.", name=target.name)


# A column found by its name alone is taken if this share of its known cells fits; the rest is reported.
FIT_SHARE = 0.8


_STRANGERS_SHOWN = 5


def _take_alike(taking: _Taking, target: SchemaField) -> pd.Series | None:
    """A column of the field's own name or alias, if its content fits; both outcomes are said."""
    same = same_filled(taking.rows, taking.rows.columns, target, taking.columns.aliases)
    if same is None or same in taking.used:
        return None
    cells = taking.rows[same]
    words: dict[str, tuple[str, int]] = {}
    if target.values:
        cells, words = _codes_said(cells, target, taking.columns.codes.get(same, {}))
    unit = _unit_in_file(taking.columns, same, target)
    column = to_field(cells, target, unit=unit)
    known = column.values.dropna()
    fits = known.isin(list(target.values)) if target.values else fits_type(known, target.type)
    if len(known) and fits.mean() < FIT_SHARE:
        taking.not_taken[target.name] = same
        said = _why_not_taken(same, target, to_text(taking.rows[same].loc[known.index[~fits.to_numpy(dtype=bool)]]))
        taking.say(
            "warning", "alike_not_taken",
            f"列“{same}”与{target.label.zh}同名，但内容不符，未采用：{said.zh}",
            f"Column {same!r} is named like {target.label.en} but its content does not fit; not taken: {said.en}",
            name=target.name,
        )  # fmt: skip
        return None
    taking.used.add(same)
    taking.rules[target.name] = {"from": same}
    if same != target.name:
        alias = taking.columns.aliases.get(same, "")
        zh = (
            f"{target.label.zh}自动取自列“{same}”"
            + (f"（别名“{alias}”）" if alias else "")
            + (f"，单位按{unit}换算。" if unit else "。")
        )
        en = f"{target.label.en} is taken from column {same!r}" + (f", in {unit}." if unit else ".")
        taking.say("note", "matched_by_alias", zh, en, name=target.name)
    _say_words(taking, target, words)
    taking.remarks += [(target.name, remark) for remark in column.remarks]
    return column.values


def _why_not_taken(same: str, target: SchemaField, strange: pd.Series) -> Text:
    """The values that do not fit with their counts, what would, and the line of the card that settles them."""
    counts = sorted(Counter(strange.tolist()).items(), key=lambda one: (-one[1], one[0]))
    shown, rest = counts[:_STRANGERS_SHOWN], len(counts) - _STRANGERS_SHOWN
    zh = "、".join(f"“{value}”{count} 行" for value, count in shown) + (f"，另有 {rest} 种" if rest > 0 else "")
    en = ", ".join(f"{value!r} in {count}" for value, count in shown) + (f", {rest} more kinds" if rest > 0 else "")
    if target.type == "date" and all(read_month(value) is not None for value, _ in counts):
        remedy = month_remedy(target, same)
        return Text(f"{zh}。{remedy.zh}", f"{en}. {remedy.en}")
    if target.values:
        asked = {value: target.likely_code(value) or "?" for value, _ in counts[:VALUES_SHOWN]}
        line = f"{target.name} = {toml_inline({'from': same, 'values': asked})}"
        codes = "、".join(f"{code}（{label.zh}）" for code, label in target.values.items())
        codes_en = ", ".join(f"{code} ({label.en})" for code, label in target.values.items())
        return Text(
            f"看不懂的有{zh}。请在来源卡 [columns] 写：{line}，{chosen(asked.values(), '?').zh}：{codes}。",
            f"not understood are {en}. Write in the card's [columns]: {line}, {chosen(asked.values(), '?').en}: "
            f"{codes_en}.",
        )
    wanted = TYPE_NAMES[target.type]
    line = f"{target.name} = {toml_inline({'from': same, 'unknown': [value for value, _ in shown]})}"
    return Text(
        f"应为{wanted.zh}，而有{zh}。请在源数据中改正；这些值只表示不详的，在来源卡 [columns] 写：{line}。",
        f"it must be {wanted.en}, yet there are {en}. Correct them at the source; if they only mean unknown, write in "
        f"the card's [columns]: {line}.",
    )


def _report_remarks(taking: _Taking, frame: pd.DataFrame) -> None:
    """What the cells' conversion had to say, with the features' keys, or row numbers where there is no key."""
    key = taking.schema.key
    for name, remark in taking.remarks:
        meant = by_key(frame[key][remark.rows]) if key in frame.columns else row_refs(frame.index[remark.rows])
        table = taking.ledger_rows(name)
        if table is not None:
            told = table.reindex(frame.index[remark.rows])
            meant = [
                ref._replace(rows=(row,)) if row is not None else ref for ref, row in zip(meant, told, strict=True)
            ]
        said = [ref._replace(mark="→", value=str(value)) for ref, value in zip(meant, remark.values, strict=True)]
        taking.say(remark.severity, remark.code, *remark.text, name=name, features=said)


def no_column(name: str, rows: pd.DataFrame, key: str, file: str) -> ConfigError:
    """The error for a column that a card names and the file does not have, with the nearest one."""
    columns = [str(c) for c in rows.columns if c != "geometry"]
    hint = nearest_key(name, columns)
    if any(map(reads_like_a_value, columns)):
        hint += Text(
            "列名像数据：文件没有表头的，请在 [source] 写 header_row = 0，再用“第1列”“第2列”指各列。",
            ' The names read like values: without a header write header_row = 0 in [source], and "第1列" for a column.',
        )
    return ConfigError(
        f"{file}：来源卡 {key} 指的列“{name}”在文件中不存在；{hint.zh}",
        f"{file}: the card's {key} names column {name!r}, which the file does not have; {hint.en}",
    )
