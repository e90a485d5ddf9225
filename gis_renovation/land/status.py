"""The land-status check (用地情况核查) of renovation zones and projects, ready for signature.

What ground a zone or project stands on: parcels and their tenure, surveyed and planned classes,
control lines and illegal structures (what follows for the statements of a joint review:
:mod:`gis_renovation.land.statements`). Parts sum to the whole after rounding, 0.00 is
written out, and what no layer covers is *not checked* (未核查), never *not affected* (不涉及).

The contents follow the sheet a natural-resources office fills by hand, put together from practice; no
form is prescribed (docs/methods.md, 4.4).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries, Positions, Words
from gis_renovation.crs import require_metric
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.codes import class_label, foreign_code, require_one_system
from gis_renovation.land.measures import NO_AREA_M2, numbers_of, require_control_kinds
from gis_renovation.land.sites import AREA_DIGITS, MU_DIGITS, polygons_of, round_to_total
from gis_renovation.numerals import M2_A_MU
from gis_renovation.outlines import require_areas
from gis_renovation.overlays import (
    are_slivers,
    covered_areas,
    dissolve_within,
    only_slivers,
    overlap_areas,
    sort_by_width,
)
from gis_renovation.schemas import layer_schema
from gis_renovation.words import CLAUSES, Text

STATUS_COLUMNS = (
    "site_id",
    "section",
    "item",
    "label_zh",
    "label_en",
    "state",
    "area_m2",
    "area_mu",
    "share",
    "sliver_m2",
    "feature_count",
    "source",
    "dated_from_on",
    "dated_to_on",
    "note_zh",
    "note_en",
)
_NOT_CHECKED = Text("未核查：没有取得该图层", "not checked: the layer is not at hand")


# --- the sheet ------------------------------------------------------------------------------------


class Origin(NamedTuple):
    """Where features come from, and the first and last day on which they are dated, as far as recorded."""

    source: str | None = None
    dated_from_on: datetime.date | None = None
    dated_to_on: datetime.date | None = None


_NO_ORIGIN: Final = Origin()


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the sheet: what a site stands on under one item of one section."""

    site_id: str
    section: str
    item: str
    label: Text
    state: str
    area_m2: float = np.nan
    area_mu: float = np.nan
    share: float = np.nan
    sliver_m2: float = np.nan
    feature_count: float = np.nan
    origin: Origin = _NO_ORIGIN
    note: Text | None = None

    def cells(self) -> tuple[object, ...]:
        """The line in the order of ``STATUS_COLUMNS``."""
        numbers = (self.area_m2, self.area_mu, self.share, self.sliver_m2, self.feature_count)
        notes = self.note or (None, None)
        return (self.site_id, self.section, self.item, *self.label, self.state, *numbers, *self.origin, *notes)


@layers_on_text_ids
def check_land_status(
    land_sites: gpd.GeoDataFrame,
    parcels: gpd.GeoDataFrame | None = None,
    land_survey: gpd.GeoDataFrame | None = None,
    planned_use: gpd.GeoDataFrame | None = None,
    control_lines: gpd.GeoDataFrame | None = None,
    *,
    illegal_structures: gpd.GeoDataFrame | None = None,
    checked_kinds: tuple[str, ...] = (),
    sliver_width_m: float = 1.0,
) -> pd.DataFrame:
    """What each site stands on, item by item: the area table of the land-status sheet.

    Parameters
    ----------
    land_sites
        The result of :func:`gis_renovation.land.sites.outline_land_sites`.
    parcels, land_survey, planned_use, control_lines, illegal_structures
        Polygons (illegal structures also points) by their keys, in the sites' CRS. ``None`` is a
        layer nobody has; its rows say *not checked*. Survey and plan each keep to one code system; without
        their layers the codes that the parcels carry are taken, and the source says so.
    checked_kinds
        Kinds of control line the layer covers even where it holds none of them.
    sliver_width_m
        Overlaps and gaps nowhere as wide as this are slivers: counted, shown apart, not decisive.

    Returns
    -------
    DataFrame, rows by site and then section (total, ownership, right, survey, planned, control,
    illegal) and item: label, state (touched, none, sliver, not_checked), area_m2 to 0.01, area_mu to
    0.0001 (1 mu = 10,000/15 m²), share of the site, sliver_m2, feature_count, source, dates, note.
    In ownership, right, survey and planned the items sum to the site's rounded area exactly, in m²
    and in mu each by largest remainder; ground under no patch is the item ``uncovered`` (state
    *nowhere* where there is none), ground of more than one item the negative item ``overlap``. Patches of
    one item drawn over each other count once. The development boundary is *inside*, *partly_outside* or
    *outside*: its area is that inside, its note tells that outside. No site: no rows.

    Raises
    ------
    CRSError; DataError for codes without, with an unknown, or with more than one code system.
    O(n log n + rim vertices).

    Examples
    --------
    A site of 100 by 60 m, of which 40 m lie in a parcel of the state:

    >>> import geopandas as gpd
    >>> from shapely import box
    >>> from gis_renovation.land import outline_land_sites
    >>> zones = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 60)], index=["Z1"], crs="EPSG:4548")
    >>> parcels = gpd.GeoDataFrame({"ownership": ["state"]}, geometry=[box(0, 0, 40, 60)], index=["P1"],
    ...                            crs="EPSG:4548")
    >>> status = check_land_status(outline_land_sites(zones), parcels)
    >>> status.loc[status["section"] == "ownership", ["item", "area_m2", "area_mu"]].to_numpy().tolist()
    [['state', 2400.0, 3.6], ['uncovered', 3600.0, 5.4]]
    """
    layers = {"land_survey": land_survey, "planned_use": planned_use}
    others = {"control_lines": control_lines, "illegal_structures": illegal_structures}
    require_metric(land_sites=land_sites, parcels=parcels, **layers, **others)
    require_areas(land_sites=land_sites, parcels=parcels)
    sites, lines = land_sites.sort_index(), []
    lines += _total_lines(sites)
    for name, column in (("ownership", "ownership"), ("right", "right_type")):
        labels = layer_schema("parcels").fields[column].values
        lines += _partition(sites, parcels, _Section(name, column, labels.get), sliver_width_m)
    for name, own, column in (
        ("survey", "land_survey", "land_use_code"),
        ("planned", "planned_use", "planned_use_code"),
    ):
        layer, source = layers[own], own
        if layer is None and parcels is not None and _any_codes(parcels, column):
            layer, source = parcels.assign(source=_OF_PARCELS), "parcels"
        system = None if layer is None else require_one_system(layer, source, code=column)
        coded = _partition(sites, layer, _Section(name, column, _class_labels(system)), sliver_width_m)
        lines += [_with_doubt(line, system) for line in coded]
    lines += _control_lines(sites, control_lines, require_control_kinds(checked_kinds), sliver_width_m)
    lines += _illegal_lines(sites, illegal_structures)
    return _as_table(lines)


# A source is a name, in whatever language it is: the codes that the parcels carry.
_OF_PARCELS: Final = "宗地图层 / parcels"


def _any_codes(parcels: gpd.GeoDataFrame, column: str) -> bool:
    return column in parcels.columns and bool(parcels[column].notna().any())


_SECTIONS = ("total", "ownership", "right", "survey", "planned", "control", "illegal")


def _as_table(lines: Sequence[Line]) -> pd.DataFrame:
    table = pd.DataFrame([line.cells() for line in lines], columns=list(STATUS_COLUMNS))
    order = table["section"].map({name: position for position, name in enumerate(_SECTIONS)})
    table = table.assign(order=order).sort_values(["site_id", "order"], kind="stable").drop(columns="order")
    words = ("site_id", "section", "item", "label_zh", "label_en", "state", "source", "note_zh", "note_en")
    numbers = ("area_m2", "area_mu", "share", "sliver_m2", "feature_count")
    types = dict.fromkeys(words, "str") | dict.fromkeys(numbers, "float64")
    return table.astype(types | {"dated_from_on": object, "dated_to_on": object}).reset_index(drop=True)


def _not_checked(sites: gpd.GeoDataFrame, section: str, item: str, label: Text, why: Text = _NOT_CHECKED) -> list[Line]:
    """A line a site on what nobody could look at."""
    return [
        Line(site_id=str(site_id), section=section, item=item, label=label, state="not_checked", note=why)
        for site_id in sites.index
    ]


def _total_lines(sites: gpd.GeoDataFrame) -> list[Line]:
    label = Text("用地范围面积", "area of the site")
    return [
        Line(
            site_id=str(site_id),
            section="total",
            item="total",
            label=label,
            state="touched",
            note=Text(f"椭球面积 {geodesic:,.2f} m²", f"geodesic area {geodesic:,.2f} m²"),
            area_m2=round(area, AREA_DIGITS),
            area_mu=round(area / M2_A_MU, MU_DIGITS),
            share=1.0,
            feature_count=1,
        )
        for site_id, area, geodesic in zip(sites.index, sites["area_m2"], sites["geodesic_area_m2"], strict=True)
    ]


def _class_labels(system: str | None) -> Callable[[str], Text | None]:
    return lambda code: class_label(system, code) if system else None


def _with_doubt(line: Line, system: str | None) -> Line:
    """The line of a code with a note where the code looks like one of another system."""
    note = foreign_code(system, line.item) if system and line.item not in _SPECIAL_LABELS else None
    return replace(line, note=CLAUSES.join(filter(None, (note, line.note)))) if note else line


# --- sections whose items make up the site --------------------------------------------------------


class _Section(NamedTuple):
    """A section whose items are the values of one column of a layer."""

    name: str
    column: str
    label_of: Callable[[str], Text | None]


class _Part(NamedTuple):
    """The ground of a site under one item."""

    area: float
    sliver: float = 0.0
    features: int = 0
    origin: Origin = _NO_ORIGIN
    twice: float = 0.0


def _partition(
    sites: gpd.GeoDataFrame, layer: gpd.GeoDataFrame | None, section: _Section, sliver_width_m: float
) -> list[Line]:
    """One section whose items, with what is uncovered or of several items, make up each site."""
    if layer is None:
        return _not_checked(sites, section.name, "not_checked", Text("未核查", "not checked"))
    layer = layer.sort_index()
    ground, shapes = polygons_of(sites), polygons_of(layer)
    union, touched = covered_areas(ground, shapes), overlap_areas(ground, shapes)
    sums = _sums_by_item(ground, layer, section.column, sliver_width_m)
    lines: list[Line] = []
    for position, site_id in enumerate(sites.index):
        total = float(sites["area_m2"].iloc[position])
        own = sums.get(position, {})
        bare = total - float(union[position])
        patches = shapes[touched.cover[touched.shape == position]]
        sliver = _sliver_gaps(ground[position], patches, sliver_width_m) if bare > NO_AREA_M2 else 0.0
        parts = dict(sorted(own.items())) | {"uncovered": _Part(bare, min(sliver, bare))}
        covered = sum(part.area for part in own.values())
        if covered - union[position] > NO_AREA_M2:
            parts["overlap"] = _Part(union[position] - covered)
        lines += _rounded(str(site_id), section, total, parts)
    return lines


def _sliver_gaps(site: shapely.Geometry, patches: Geometries, sliver_width_m: float) -> float:
    """Area of the gaps between patches that are too narrow to be ground of their own."""
    return sort_by_width(shapely.difference(site, shapely.union_all(patches)), sliver_width_m)[1]


def _sums_by_item(
    ground: Geometries, layer: gpd.GeoDataFrame, column: str, sliver_width_m: float
) -> dict[int, dict[str, _Part]]:
    """The ground under each item in each site; patches of one item that lie on each other count once."""
    shapes, names = polygons_of(layer), _words(layer, column)
    names[pd.isna(names)] = "unknown"
    items, kind = np.unique(names.astype(str), return_inverse=True)
    once, item = dissolve_within(shapes, kind)
    pairs = overlap_areas(ground, once)
    slivers = are_slivers(ground, once, pairs, width_m=sliver_width_m)
    facts = {"site": pairs.shape, "item": item[pairs.cover], "area": pairs.area_m2}
    frame = pd.DataFrame(facts | {"sliver": np.where(slivers, pairs.area_m2, 0.0)})
    areas = frame.groupby(["site", "item"], sort=True)[["area", "sliver"]].sum()
    patches = overlap_areas(ground, shapes) if len(once) < len(shapes) else pairs
    facts = {"site": patches.shape, "item": kind[patches.cover], "at": patches.cover, "area": patches.area_m2}
    drawn = pd.DataFrame(facts).groupby(["site", "item"])
    features, drawn_areas = dict(tuple(drawn["at"])), drawn["area"].sum()
    origins = _Origins(layer)
    sums: dict[int, dict[str, _Part]] = {}
    for key, (area, sliver) in zip(areas.index, areas.to_numpy(), strict=True):
        site, number = cast("tuple[int, int]", key)
        at = features[site, number].to_numpy() if (site, number) in features else np.empty(0, np.intp)
        counted_twice = float(drawn_areas.get((site, number), area)) - float(area)
        part = _Part(float(area), float(sliver), len(at), origins.of(at), counted_twice)
        sums.setdefault(site, {})[str(items[number])] = part
    return sums


class _Origins:
    """Sources and dates of a layer's features as plain arrays, for many small look-ups."""

    def __init__(self, layer: gpd.GeoDataFrame) -> None:
        self.sources = _words(layer, "source")
        self.dates = _words(layer, "dated_on")

    def of(self, at: Positions) -> Origin:
        """Sources, first and last date of some features, as far as they are recorded."""
        sources = sorted({str(value) for value in self.sources[at] if value is not None})
        dates = sorted(value for value in self.dates[at] if value is not None)
        return Origin("；".join(sources) or None, dates[0] if dates else None, dates[-1] if dates else None)


def _words(layer: pd.DataFrame, name: str) -> Words:
    """A column as an array with None for what is unknown, whether or not it is there."""
    words = np.full(len(layer), None, dtype=object)
    if name in layer.columns:
        known = layer[name].notna().to_numpy()
        words[known] = layer[name].to_numpy(dtype=object)[known]
    return words


_SPECIAL_LABELS: Mapping[str, Text] = {
    "unknown": Text("未登记", "not recorded"),
    "uncovered": Text("无图斑覆盖", "under no patch"),
    "overlap": Text("不同图斑重叠部分（扣减）", "where patches of several items overlap (deducted)"),
}
_PARCEL_LABELS: Mapping[str, Text] = {
    "uncovered": Text("无登记宗地", "under no registered parcel"),
    "overlap": Text("不同宗地重叠部分（扣减）", "where parcels of several items overlap (deducted)"),
}


def _rounded(site_id: str, section: _Section, total: float, parts: Mapping[str, _Part]) -> list[Line]:
    """The lines of one section and site, whose rounded areas sum to the rounded total."""
    areas = np.array([part.area for part in parts.values()])
    m2 = round_to_total(areas, total, AREA_DIGITS)
    mu = round_to_total(areas / M2_A_MU, total / M2_A_MU, MU_DIGITS)
    lines = []
    for position, (item, part) in enumerate(parts.items()):
        own = _PARCEL_LABELS.get(item) if section.name in ("ownership", "right") else None
        lines.append(
            Line(
                site_id=site_id,
                section=section.name,
                item=item,
                label=own or _SPECIAL_LABELS.get(item) or section.label_of(item) or Text(item, item),
                state=_state_of(item, part),
                area_m2=m2[position],
                area_mu=mu[position],
                share=part.area / total if total > 0.0 else np.nan,
                sliver_m2=round(part.sliver, AREA_DIGITS),
                feature_count=part.features,
                origin=part.origin,
                note=_twice_note(part.twice),
            )
        )
    return lines


def _twice_note(area: float) -> Text | None:
    """That patches of one item lie on each other; None where they do not."""
    if area < NO_AREA_M2:
        return None
    zh, en = f"图斑相互重叠 {area:,.2f} m²，只计一次", f"patches overlap by {area:,.2f} m², counted once"
    return Text(zh, en)


def _state_of(item: str, part: _Part) -> str:
    """What there is of an item on a site. A gap that is not there is no land that is not affected."""
    if abs(part.area) <= NO_AREA_M2:
        return "nowhere" if item == "uncovered" else "none"
    return "sliver" if part.sliver > 0.0 and part.area - part.sliver <= NO_AREA_M2 else "touched"


# --- control lines and illegal structures ---------------------------------------------------------


def _control_lines(
    sites: gpd.GeoDataFrame, lines: gpd.GeoDataFrame | None, checked: Sequence[str], sliver_width_m: float
) -> list[Line]:
    """One line a kind of control line and site; 0.00 only where the kind was looked for."""
    found: list[Line] = []
    for kind, label in layer_schema("control_lines").fields["kind"].values.items():
        own = None if lines is None else lines[lines["kind"] == kind].sort_index()
        if own is None:
            found += _not_checked(sites, "control", kind, label)
        elif len(own) == 0 and kind not in checked:
            absent = Text(f"未核查：控制线图层中没有{label.zh}", f"not checked: the control lines hold no {label.en}")
            found += _not_checked(sites, "control", kind, label, absent)
        elif kind == "urban_boundary":
            found += _boundary_lines(sites, own, label, sliver_width_m)
        else:
            found += _lines_of_kind(sites, own, kind, sliver_width_m)
    return found


def _boundary_lines(sites: gpd.GeoDataFrame, own: gpd.GeoDataFrame, label: Text, sliver_width_m: float) -> list[Line]:
    """How each site lies to the development boundary, the one line of which the ground outside matters."""
    ground, shapes, whole = polygons_of(sites), polygons_of(own), sites["area_m2"].to_numpy()
    area, pairs, origins = covered_areas(ground, shapes), overlap_areas(ground, shapes), _Origins(own)
    lines = []
    for position, site_id in enumerate(sites.index):
        touched = pairs.cover[pairs.shape == position]
        bounds = shapely.union_all(shapes[touched])
        state, out = _beside_boundary(ground[position], bounds, float(area[position]), sliver_width_m)
        inside = float(area[position]) if out > 0.0 else float(whole[position])
        lines.append(
            Line(
                site_id=str(site_id),
                section="control",
                item="urban_boundary",
                label=label,
                state=state,
                note=_outside_note(state, out),
                area_m2=round(inside, AREA_DIGITS),
                area_mu=round(inside / M2_A_MU, MU_DIGITS),
                share=inside / whole[position],
                sliver_m2=round(out, AREA_DIGITS) if state == "inside" else 0.0,
                feature_count=len(touched),
                origin=origins.of(touched if len(touched) else np.arange(len(own))),
            )
        )
    return lines


def _beside_boundary(
    site: shapely.Geometry, bounds: shapely.Geometry, inside: float, width: float
) -> tuple[str, float]:
    """Whether a site lies inside, partly or wholly outside, and the area outside."""
    out = float(shapely.area(site)) - inside
    if out < NO_AREA_M2:
        return "inside", 0.0
    if sort_by_width(shapely.difference(site, bounds), width)[0] < NO_AREA_M2:
        return "inside", out
    within = sort_by_width(shapely.intersection(site, bounds), width)[0] if inside >= NO_AREA_M2 else 0.0
    return "outside" if within < NO_AREA_M2 else "partly_outside", out


def _outside_note(state: str, out: float) -> Text | None:
    if out == 0.0:
        return None
    area = f"{out:,.2f} m²"
    if state == "inside":
        zh, en = (
            f"界外仅有细碎部分 {area}，可能是边界误差，需核对",
            f"slivers of {area} outside, perhaps boundary error",
        )
        return Text(zh, f"{en}; to be confirmed")
    mu = out / M2_A_MU
    return Text(f"界外 {area}（{mu:,.4f} 亩）", f"{area} ({mu:,.4f} mu) outside")


def _lines_of_kind(sites: gpd.GeoDataFrame, own: gpd.GeoDataFrame, kind: str, sliver_width_m: float) -> list[Line]:
    ground, shapes, whole = polygons_of(sites), polygons_of(own), sites["area_m2"].to_numpy()
    area = covered_areas(ground, shapes)
    pairs = overlap_areas(ground, shapes)
    narrow = only_slivers(ground, shapes, pairs, width_m=sliver_width_m)
    origins, states = _Origins(own), _words(own, "state")
    lines = []
    for position, site_id in enumerate(sites.index):
        touched = pairs.cover[pairs.shape == position]
        value = float(area[position]) if area[position] >= NO_AREA_M2 else 0.0
        sliver = value > 0.0 and bool(narrow[position])
        lines.append(
            Line(
                site_id=str(site_id),
                section="control",
                item=kind,
                label=layer_schema("control_lines").fields["kind"].values[kind],
                state="none" if value == 0.0 else "sliver" if sliver else "touched",
                note=_control_note(kind, states[touched], sliver=sliver),
                area_m2=round(value, AREA_DIGITS),
                area_mu=round(value / M2_A_MU, MU_DIGITS),
                share=value / whole[position],
                sliver_m2=round(value, AREA_DIGITS) if sliver else 0.0,
                feature_count=len(touched),
                origin=origins.of(touched if len(touched) else np.arange(len(own))),
            )
        )
    return lines


_OUTSIDE: Final = ("partly_outside", "outside")


def met_controls(land_status: pd.DataFrame) -> pd.DataFrame:
    """The rows on control lines that somebody must look at: lines met, and a development boundary left.

    The label of the boundary says how the site lies to it. O(rows).
    """
    lines = land_status[land_status["section"] == "control"]
    lines = lines[lines["state"].isin(["touched", *_OUTSIDE])].copy()
    states = layer_schema("land_status").fields["state"].values
    left = lines["state"].isin(_OUTSIDE)
    for place, lang in enumerate(("zh", "en")):
        said = lines["state"].map({name: states[name][place] for name in _OUTSIDE})
        before, after = ("（", "）") if lang == "zh" else (" (", ")")
        lines.loc[left, f"label_{lang}"] = lines[f"label_{lang}"][left] + before + said[left] + after
    return lines


# What a line that is met asks for, beyond its area.
_CONTROL_NOTES: Mapping[str, Text] = {
    "fire_access": Text("须保持畅通，不得占用、堵塞", "must stay clear"),
    "geohazard": Text("须取得地质灾害危险性评估意见", "an opinion on the danger is needed"),
}


def _control_note(kind: str, states: Words, *, sliver: bool) -> Text | None:
    if sliver:
        return Text("仅细碎重叠，可能是边界误差，需核对", "slivers only, perhaps boundary error; to be confirmed")
    if kind == "subsidence" and len(states):
        labels = layer_schema("control_lines").fields["state"].values
        found = sorted({state for state in states if state is not None})
        zh = "、".join(labels[state].zh for state in found) or "状态未知"
        en = ", ".join(labels[state].en for state in found) or "state unknown"
        return Text(f"{zh}；须取得稳定性意见，不等于禁止", f"{en}; a stability opinion is needed, it is not a ban")
    if len(states):
        return _CONTROL_NOTES.get(kind)
    return None


def _illegal_lines(sites: gpd.GeoDataFrame, structures: gpd.GeoDataFrame | None) -> list[Line]:
    """Count and recorded area of illegal structures in each site by how far they were dealt with."""
    if structures is None:
        return _not_checked(sites, "illegal", "not_checked", Text("违法建设", "illegal structures"))
    structures = structures.sort_index()
    states, areas = _words(structures, "state"), numbers_of(structures, "area_m2")
    states[pd.isna(states)] = "unknown"
    site_at, at = shapely.STRtree(polygons_of(structures)).query(polygons_of(sites), predicate="intersects")
    labels = {**layer_schema("illegal_structures").fields["state"].values, "unknown": Text("状态未知", "state unknown")}
    lines: list[Line] = []
    for position, site_id in enumerate(sites.index):
        own = np.sort(at[site_at == position])
        for state, label in labels.items():
            group = own[states[own] == state]
            if state == "unknown" and len(group) == 0:
                continue
            area = float(areas[group].sum())  # unknown if any of them is, 0 for no structure
            lines.append(
                Line(
                    site_id=str(site_id),
                    section="illegal",
                    item=state,
                    label=Text(f"违法建设（{label.zh}）", f"illegal structures, {label.en}"),
                    state="touched" if len(group) else "none",
                    note=None if np.isfinite(area) else Text("部分面积未登记", "some areas are not recorded"),
                    area_m2=round(area, AREA_DIGITS),
                    area_mu=round(area / M2_A_MU, MU_DIGITS),
                    feature_count=len(group),
                )
            )
    return lines
