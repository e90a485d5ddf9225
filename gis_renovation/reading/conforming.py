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
from gis_renovation.checks import Origin
from gis_renovation.errors import FeatureRef, Finding
from gis_renovation.reading.cards import Card, ColumnRule
from gis_renovation.reading.taking import Taking, no_column, report_remarks, take_column
from gis_renovation.reading.values import (
    ESTIMATE,
    SOURCE_IDS,
    AreaChange,
    FileColumns,
    close_rings,
    drop_empty_geometry,
    drop_exact_duplicates,
    file_rows,
    has_shapes,
    make_valid,
    merge_pieces,
    on_key,
    repeated_keys,
    repeated_source_ids,
    row_refs,
    same_name,
    snap_slivers,
    stacked,
    to_text,
    together,
)
from gis_renovation.schemas import (
    APPROXIMATE,
    GEOMETRY_TYPES,
    LayerSchema,
    layer_schema,
)
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
        or card.points
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
    taking = Taking(raw, schema, file, raw, {} if numbered is None else numbered, columns)
    if card.geometry is not None:
        taking.used |= {card.geometry.x, card.geometry.y, card.geometry.wkt}
    record: dict[str, Any] = {"rows_read": len(raw), "rows_not_selected": 0, "rows_dropped": 0}
    _select(taking, card, record)
    _repair(taking, card, record)
    rows = taking.rows
    taken: dict[str, Any] = {}
    for target in schema.read_fields.values():
        series = take_column(taking, target, card.columns.get(target.name))
        if series is not None:
            taken[target.name] = series
    told = estimate_names({name: remark.rows for name, remark in taking.remarks if remark.code == ESTIMATE}, rows.index)
    frame = pd.DataFrame(taken | ({} if told is None else {APPROXIMATE: told}), index=rows.index)
    if schema.geometry and "geometry" in rows:
        import geopandas as gpd

        geometry = _flat(rows.geometry.to_numpy(), taking)
        frame = gpd.GeoDataFrame(frame, geometry=geometry, crs=rows.crs)
    report_remarks(taking, frame)
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


def _joined_rows(taking: Taking, frame: pd.DataFrame) -> dict[str, dict[str, int | str]]:
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


def _select(taking: Taking, card: Card, record: dict[str, Any]) -> None:
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


def _repair(taking: Taking, card: Card, record: dict[str, Any]) -> None:
    """Repairs on the raw rows; merging pieces needs the key and comes later."""
    counts: dict[str, int] = {}
    rows, asked, before = taking.rows, card.repair, len(taking.rows)
    if "geometry" in rows and taking.schema.geometry:
        if asked.drop_empty_geometry:
            rows, counts["drop_empty_geometry"] = drop_empty_geometry(rows)
        if asked.close_rings_m:
            rows, counts["close_rings_m"] = close_rings(rows, asked.close_rings_m)
        if asked.make_valid:
            rows, counts["make_valid"], areas = make_valid(rows, taking.schema)
            _say_areas(taking, areas, rows.crs)
    if asked.drop_exact_duplicates:
        rows, counts["drop_exact_duplicates"] = drop_exact_duplicates(rows)
    taking.rows = rows
    record["rows_dropped"] = before - len(rows)
    _count_repairs(taking, counts, record)


# A change of area that a planner should look at.
_MUCH_AREA = 0.01


def _say_areas(taking: Taking, areas: Sequence[AreaChange], crs: Any) -> None:
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


def _count_repairs(taking: Taking, counts: Mapping[str, int], record: dict[str, Any]) -> None:
    for name, count in counts.items():
        taking.say(
            "note", "repaired", f"按来源卡修复 {name}：{count} 处。", f"Repaired as the card asks, {name}: {count}."
        )
    if counts:
        record["repairs"] = {**record.get("repairs", {}), **counts}


def _merge_pieces(frame: gpd.GeoDataFrame, taking: Taking, record: dict[str, Any]) -> gpd.GeoDataFrame:
    if not taking.schema.key or frame.index.name != taking.schema.key or "geometry" not in frame:
        return frame
    merged, went, differing = merge_pieces(frame)
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
    taking = Taking(frame, card.schema_, file)
    frame, changed = snap_slivers(frame, card.repair.snap_slivers_m)
    _count_repairs(taking, {"snap_slivers_m": changed}, record)
    return frame, taking.findings


def _flat(geometry: Geometries, taking: Taking) -> Geometries:
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
    with np.errstate(invalid="ignore"):  # coordinates that are none are told by the check of shapes
        return shapely.force_2d(geometry)
