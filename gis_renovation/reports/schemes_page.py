"""The page that lays schemes side by side, and what the zones are sensitive to: for a browser, without any script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.display import render, shown_text, shown_unit
from gis_renovation.reports.parts import Layers, community_names
from gis_renovation.run import Manifest, parameter, value_text
from gis_renovation.schemas import Field, layer_schema
from gis_renovation.words import CLAUSES, COMMAS, Lang, Text, unit_text

# A drawing in its own units, ten to a pixel, and the finest detail it shows.
WIDTH, HEIGHT = 4000, 2600
_FINEST = 8.0
# A row of the chart of sensitivity: from the least value tried to the greatest.
SPAN, MARGIN = 300, 12
DIFFERENCES_SHOWN = 200

_MEASURES = (
    "zone_count", "single_zone_count", "zoned_count", "left_out_count", "households_least", "households_median",
    "households_most", "households_unknown_zone_count", "cost_least_yuan", "cost_median_yuan", "cost_most_yuan",
    "cost_unknown_zone_count", "mean_distance_m", "link_count", "cut_link_count", "changed_count", "moved_count",
    "newly_left_out_count", "taken_in_count", "unproven_count",
)  # fmt: skip
_SPREADS = (
    (Text("片区户数", "Households of the zones"), ("households_least", "households_median", "households_most")),
    (Text("片区估算投资", "Estimated cost of the zones"), ("cost_least_yuan", "cost_median_yuan", "cost_most_yuan")),
)
_NO_ZONE = Text("没有数量已知的片区", "no zone of known amount")
_SIDES = {"min": Text("下限", "minimum"), "max": Text("上限", "maximum")}


class Measure(NamedTuple):
    """One row of the comparison: its label, and a cell for each scheme."""

    label: str
    cells: list[str]


class Spread(NamedTuple):
    """How one amount of the zones spreads in each scheme: from the least zone over the median to the most."""

    label: str
    bars: list[Bar]


class Bar(NamedTuple):
    """One scheme's bar on a scale that all share: its title, where it begins, stands and ends, and that in words."""

    title: str
    least_x: float
    median_x: float
    most_x: float
    said: str


class Drawing(NamedTuple):
    """The zones of a scheme as SVG paths: those as in the chosen scheme, and those that differ."""

    label: str
    same: str
    other: str
    width: int
    height: int


class SchemeColumn(NamedTuple):
    """One scheme of the page: its title, how to choose it, what it asks otherwise, its sentence, drawing, changes."""

    title: str
    choose: str
    is_chosen: bool
    asks: str
    said: str
    drawing: Drawing | None
    changes: list[tuple[str, ...]]
    more: int


class Mark(NamedTuple):
    """A threshold on a row of the chart: where it stands, and its value."""

    x: float
    label: str


class Moved(NamedTuple):
    """One number that was moved: its label, its value, the values tried, its chart, and what was found."""

    label: str
    value: str
    tried: str
    base_x: float
    marks: list[Mark]
    sentences: list[str]


def schemes_page(layers: Layers, manifest: Manifest, lang: Lang) -> str:
    """The page as text; made of ``zone_schemes`` and, where they are at hand, ``zone_sensitivity``. O(vertices)."""
    project = manifest.project
    table = layers.get("zone_schemes")
    sensitivity = layers.get("zone_sensitivity")
    title = Text("{name}：方案比选", "{name}: schemes side by side").fill(name=project.name)
    return render(
        "schemes.html",
        lang=lang,
        title=title.in_language(lang),
        project=project,
        run=manifest.run,
        schemes=_columns(table, layers, manifest, lang) if table is not None else [],
        measures=_measures(table, lang) if table is not None else [],
        spreads=_spreads(table, lang) if table is not None else [],
        change_heads=_heads(lang),
        moved=_moved(sensitivity, lang) if sensitivity is not None else [],
        span=SPAN,
        margin=MARGIN,
    )


def _measures(table: pd.DataFrame, lang: Lang) -> list[Measure]:
    fields = layer_schema("zone_schemes").fields
    return [
        Measure(_labelled(fields[name], lang), [shown_text(value, fields[name], lang) for value in table[name]])
        for name in _MEASURES
    ]


def _spreads(table: pd.DataFrame, lang: Lang) -> list[Spread]:
    """Households and cost of the zones, where they are known of some zone in each scheme."""
    fields, spreads = layer_schema("zone_schemes").fields, []
    for label, names in _SPREADS:
        known = table[list(names)].astype("float64")
        most = float(known[names[2]].max())
        if known.isna().all().any() or not most > 0:
            continue
        bars = []
        for (title, _), values in zip(table[[f"title_{lang}", "is_chosen"]].to_numpy(), known.to_numpy(), strict=True):
            shown = [shown_text(value, fields[name], lang) for value, name in zip(values, names, strict=True)]
            unit = unit_text(shown_unit(fields[names[0]]), lang)
            said = Text("{a} 至 {c}，中位 {b}", "{a} to {c}, median {b}").fill(a=shown[0], b=shown[1], c=shown[2])
            told = (
                f"{said.in_language(lang)} {unit}".strip() if np.isfinite(values).all() else _NO_ZONE.in_language(lang)
            )
            least, middle, top = (round(MARGIN + SPAN * (0.0 if np.isnan(v) else v) / most, 1) for v in values)
            bars.append(Bar(str(title), least, middle, top, told))
        spreads.append(Spread(label.in_language(lang), bars))
    return spreads


def _labelled(field: Field, lang: Lang) -> str:
    unit = unit_text(shown_unit(field), lang)
    label = field.label.in_language(lang)
    return label + (Text(f"（{unit}）", f" ({unit})").in_language(lang) if unit else "")


def _columns(table: pd.DataFrame, layers: Layers, manifest: Manifest, lang: Lang) -> list[SchemeColumn]:
    made = manifest.made.get("zone_schemes")
    asked: Mapping[str, Any] = made.parameters.get("schemes", {}) if made else {}
    drawings = _drawings(layers.get("scheme_zones"), lang)
    columns = []
    for name, row in table.iterrows():
        changes = list(_changes(str(name), layers, lang))
        columns.append(
            SchemeColumn(
                title=row[f"title_{lang}"],
                choose=f"scheme = {json.dumps(str(name), ensure_ascii=False)}",
                is_chosen=bool(row["is_chosen"]),
                asks=_asks(asked.get(str(name), {}), lang),
                said=row[f"reason_{lang}"],
                drawing=drawings.get(str(name)),
                changes=changes[:DIFFERENCES_SHOWN],
                more=max(0, len(changes) - DIFFERENCES_SHOWN),
            )
        )
    return columns


def _asks(tables: Mapping[str, Any], lang: Lang) -> str:
    """What a scheme asks otherwise than the tables as they stand."""
    told = [
        f"{entry.label.in_language(lang)}{Text('：', ': ').in_language(lang)}{value_text(value, entry, lang)}"
        for table, values in tables.items()
        if table != "title"
        for name, value in values.items()
        for entry in [parameter(table, name)]
    ]
    return CLAUSES.in_language(lang).join(told) or Text("同 [zones]", "as [zones]").in_language(lang)


def _heads(lang: Lang) -> list[str]:
    fields = layer_schema("scheme_differences").fields
    names = ("community_id", "change", "chosen_zone_id", "zone_id", f"reason_{lang}")
    return [fields[name].label.in_language(lang) for name in names]


def _changes(name: str, layers: Layers, lang: Lang) -> Iterator[tuple[str, ...]]:
    """The communities that a scheme puts elsewhere: name, change, zones, and why."""
    table = layers.get("scheme_differences")
    if table is None:
        return
    names = community_names(layers["communities"])
    fields = layer_schema("scheme_differences").fields
    for _, row in table[table["scheme"] == name].iterrows():
        called = f"{names.get(row['community_id'], '')} {row['community_id']}".strip()
        cells = (shown_text(row[column], fields[column], lang) for column in ("change", "chosen_zone_id", "zone_id"))
        yield (called, *cells, row[f"reason_{lang}"])


# --- drawings -----------------------------------------------------------------------------------------


def _drawings(zones: gpd.GeoDataFrame | None, lang: Lang) -> dict[str, Drawing]:
    """The zones of every scheme in one frame, north up."""
    if zones is None or not len(zones):
        return {}
    left, bottom, right, top = zones.total_bounds
    per_m = min(WIDTH / max(right - left, 1.0), HEIGHT / max(top - bottom, 1.0))
    size = round((right - left) * per_m), round((top - bottom) * per_m)
    drawn = {}
    for name, own in zones.groupby("scheme", sort=False):
        shapes = shapely.simplify(own.geometry.to_numpy(), _FINEST / per_m)
        shapes = shapely.transform(shapes, lambda xy: np.column_stack([xy[:, 0] - left, top - xy[:, 1]]) * per_m)
        other = own["changed_count"].to_numpy() > 0
        alone = int((own["community_count"] == 1).sum())
        label = Text("{title}：连片片区 {n} 个", "{title}: {n} of several communities")
        label += Text("，单独实施 {alone} 个", ", {alone} of one alone") if alone else Text("", "")
        said = label.fill(title=own[f"scheme_title_{lang}"].iloc[0], n=len(own) - alone, alone=alone).in_language(lang)
        drawn[str(name)] = Drawing(said, _path(shapes[~other]), _path(shapes[other]), max(1, size[0]), max(1, size[1]))
    return drawn


def _path(shapes: Geometries) -> str:
    """Areas as the commands of one SVG path."""
    rings = [ring for shape in shapely.get_parts(shapes) for ring in shapely.get_rings(shape)]
    drawn = (" L".join(f"{x:.0f} {y:.0f}" for x, y in shapely.get_coordinates(ring)[:-1]) for ring in rings)
    return "".join(f"M{points}Z" for points in drawn)


# --- sensitivity --------------------------------------------------------------------------------------


def _moved(table: pd.DataFrame, lang: Lang) -> list[Moved]:
    """One entry a number, with its thresholds in their order."""
    names = ["table_name", "parameter", "side"]
    keyed = table.assign(side=table["side"].fillna(""))
    return [_one_moved(tuple(map(str, key)), rows, lang) for key, rows in keyed.groupby(names, sort=False)]


def _one_moved(key: Sequence[str], rows: pd.DataFrame, lang: Lang) -> Moved:
    table, name, side = key
    first, entry = rows.iloc[0], parameter(table, name)
    low, high, base = first["low_value"], first["high_value"], first["base_value"]
    side_text = _SIDES.get(side) or (parameter(table, side).label if side else None)
    label = entry.label + (COMMAS + side_text if side_text else Text("", ""))

    def x(value: float) -> float:
        return round(MARGIN + SPAN * (value - low) / (high - low), 1) if high > low else MARGIN + SPAN / 2

    said = parameter(table, side) if side and side not in _SIDES else entry
    return Moved(
        label=label.in_language(lang),
        value=value_text(base, said, lang),
        tried=f"{value_text(low, said, lang)} – {value_text(high, said, lang)}",
        base_x=x(base),
        marks=[Mark(x(value), f"{value:g}") for value in rows["other_value"].dropna()],
        sentences=rows[f"reason_{lang}"].tolist(),
    )
