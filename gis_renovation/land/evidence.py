"""Evidence that land lies idle: each piece with its date, weight and direction, and their conflicts.

A piece of evidence speaks for *idle*, for *used*, or is *unclear*; what nobody looked at is
*unknown* and weighs nothing. Weights are log-odds and fade with age. They are this program's
parameters, confirmed by no standard: change them, or set one to 0 to leave its evidence out. The sum
orders visits; it finds nothing idle (候选, never 认定), and it replaces no rule of the ledger.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.anniversaries import anniversaries
from gis_renovation.arrays import Flags, Floats, Words
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.ids import layers_on_text_ids
from gis_renovation.land.measures import DAYS_A_YEAR, nearest_zones_in_need
from gis_renovation.land.weights import named_weights
from gis_renovation.overlays import covered_areas
from gis_renovation.unknowns import optional_numbers
from gis_renovation.words import Text

EVIDENCE: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "inspection": Text("现场核查", "inspection"),
        "meter": Text("水电气用量", "meter readings"),
        "building_coverage": Text("建筑占地", "building coverage"),
        "bare_ground": Text("裸土比例", "bare ground"),
        "greenness": Text("绿度变化", "change in greenness"),
        "night_light": Text("夜间灯光", "night light"),
        "night_light_change": Text("夜间灯光变化", "change in night light"),
    }
)
# Log-odds: a visit outweighs all remote sensing together. Unconfirmed parameters.
DEFAULT_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "inspection": 3.0,
        "meter": 2.0,
        "building_coverage": 1.0,
        "bare_ground": 0.7,
        "greenness": 0.5,
        "night_light": 0.5,
        "night_light_change": 0.5,
    }
)
FINDINGS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "idle": Text("指向闲置", "points to idle"),
        "used": Text("指向在用", "points to use"),
        "unclear": Text("不明确", "unclear"),
        "unknown": Text("未知", "unknown"),
    }
)
_DIRECTION = {"idle": 1.0, "used": -1.0, "unclear": 0.0, "unknown": 0.0}


@dataclass(frozen=True, kw_only=True)
class Weighing:
    """How much each kind of evidence counts, and how it fades.

    evidence_weights
        Replaces weights by name (log-odds, 0 removes a kind of evidence).
    half_life_years, undated_factor
        A piece loses half its weight in this time; one without a date counts by this factor.
    """

    evidence_weights: dict[str, float] | None = None
    half_life_years: float = 3.0
    undated_factor: float = 0.5


@dataclass(frozen=True, kw_only=True)
class ShownOn:
    """The days that layers show; a run takes them from the source cards where the project does not set them."""

    buildings_on: datetime.date | None = None
    greenness_after_on: datetime.date | None = None
    night_light_on: datetime.date | None = None
    land_cover_on: datetime.date | None = None


@dataclass(frozen=True, kw_only=True)
class SignBounds:
    """From which value on each measure speaks for idle or for used.

    overgrown_change, cleared_change, dimmed_share, brightened_share
        Changes of greenness and of night light.
    bare_share, open_coverage_share, built_coverage_share
        Shares of the parcel.
    dark_below, lit_above
        The brightness itself has no threshold unless one is given: its unit differs from product to product.
    least_pixel_count
        A raster is unclear on a parcel that fills fewer of its pixels: it shows the neighbours.
    """

    overgrown_change: float = 0.1
    cleared_change: float = -0.2
    dimmed_share: float = -0.3
    brightened_share: float = 0.3
    bare_share: float = 0.5
    open_coverage_share: float = 0.05
    built_coverage_share: float = 0.3
    dark_below: float | None = None
    lit_above: float | None = None
    least_pixel_count: float = 1.0


_USUAL_WEIGHING: Final = Weighing()
_NO_DAYS: Final = ShownOn()
_USUAL_BOUNDS: Final = SignBounds()


@layers_on_text_ids
def weigh_idleness(  # noqa: PLR0913 - each is a layer of evidence, or its weights
    parcels: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None = None,
    parcel_greenness: pd.DataFrame | None = None,
    parcel_night_light: pd.DataFrame | None = None,
    parcel_land_cover: pd.DataFrame | None = None,
    *,
    meter_readings: pd.DataFrame | None = None,
    as_of: datetime.date,
    weighing: Weighing = _USUAL_WEIGHING,
    shown_on: ShownOn = _NO_DAYS,
    bounds: SignBounds = _USUAL_BOUNDS,
) -> pd.DataFrame:
    """List what speaks for and against each parcel lying idle.

    Parameters
    ----------
    parcels, buildings
        Polygons by their keys in one projected CRS in metres.
    parcel_greenness, parcel_night_light, parcel_land_cover
        Results of :mod:`gis_renovation.rasters.zonal`. ``None`` is evidence nobody has.
    meter_readings
        A table by place_id; those of the year before ``as_of`` count.
    as_of
        The day from which the age of evidence is counted.
    weighing, shown_on, bounds
        How much evidence counts and fades, the days that layers show, and from which value on they speak.

    Returns
    -------
    DataFrame by parcel_id and kind of evidence: finding (idle, used, unclear, unknown), value,
    observed_on, weight, log_odds (signed, aged, 0 for unclear and unknown), reason_zh, reason_en.

    Raises
    ------
    CRSError; ConfigError for a weight of an unknown name. O(parcels + overlaps).

    Examples
    --------
    A visit three years ago found the parcel vacant; half of its weight of 3 is left:

    >>> import datetime
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame({"inspected_vacant": [True], "inspected_on": [datetime.date(2021, 9, 30)]},
    ...                            geometry=[box(0, 0, 20, 10)], index=["P1"], crs="EPSG:4548")
    >>> evidence = weigh_idleness(parcels, as_of=datetime.date(2024, 9, 30))
    >>> evidence.loc[evidence["evidence"] == "inspection", ["finding", "log_odds"]].round(2).to_numpy().tolist()
    [['idle', 1.5]]
    """
    require_metric(parcels=parcels, buildings=buildings)
    parcels = parcels.sort_index()

    def pixels(table: pd.DataFrame | None, column: str, sides: Sides, on: datetime.date | None) -> Line:
        coarse = _of(table, "pixel_count", parcels.index) < bounds.least_pixel_count
        return _sides(_of(table, column, parcels.index), sides, on, coarse)

    coverage = Sides(idle_to=bounds.open_coverage_share, used_from=bounds.built_coverage_share)
    change = Sides(idle_from=bounds.overgrown_change, used_to=bounds.cleared_change)
    light = Sides(idle_to=bounds.dark_below, used_from=bounds.lit_above)
    dimming = Sides(idle_to=bounds.dimmed_share, used_from=bounds.brightened_share)
    bare = Sides(idle_from=bounds.bare_share)
    lines = {
        "inspection": _inspection(parcels),
        "meter": _meters(parcels.index, meter_readings, as_of),
        "building_coverage": _sides(_coverage(parcels, buildings), coverage, shown_on.buildings_on),
        "bare_ground": pixels(parcel_land_cover, "bare_share", bare, shown_on.land_cover_on),
        "greenness": pixels(parcel_greenness, "greenness_change", change, shown_on.greenness_after_on),
        "night_light": pixels(parcel_night_light, "night_light", light, shown_on.night_light_on),
        "night_light_change": pixels(parcel_night_light, "night_light_change_share", dimming, shown_on.night_light_on),
    }
    return _table(lines, "parcel_id", parcels.index, weighing, as_of)


@layers_on_text_ids
def weigh_vacancy(
    premises: gpd.GeoDataFrame,
    meter_readings: pd.DataFrame | None = None,
    *,
    as_of: datetime.date,
    weighing: Weighing = _USUAL_WEIGHING,
    premises_on: datetime.date | None = None,
) -> pd.DataFrame:
    """List what speaks for and against each room or building of the register standing empty.

    Evidence from rasters and buildings says nothing of a single room and is not in the table.

    Parameters
    ----------
    premises
        Points or polygons by premises_id; what their register says (vacant, used, partly used) counts as
        an inspection.
    meter_readings
        A table by place_id (the premises_id); those of the year before ``as_of`` count as use or none.
    as_of, weighing
        As for :func:`weigh_idleness`.
    premises_on
        The day of the register; a run takes it from its source card.

    Returns
    -------
    DataFrame with the columns of :func:`weigh_idleness`, premises_id in place of parcel_id. No premises: no rows.

    Raises
    ------
    ConfigError for a weight of an unknown name. O(premises + readings).

    Examples
    --------
    The register of this very day says vacant, and nobody has read a meter:

    >>> import datetime
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> day = datetime.date(2024, 9, 30)
    >>> rooms = gpd.GeoDataFrame({"status": ["vacant"]}, geometry=[Point(0, 0)], index=["R1"], crs="EPSG:4548")
    >>> weigh_vacancy(rooms, as_of=day, premises_on=day)[["evidence", "finding", "log_odds"]].to_numpy().tolist()
    [['inspection', 'idle', 3.0], ['meter', 'unknown', 0.0]]
    """
    places = premises.sort_index()
    lines = {
        "inspection": _register(places, premises_on),
        "meter": _meters(places.index, meter_readings, as_of),
    }
    return _table(lines, "premises_id", places.index, weighing, as_of)


Line = tuple[Words, Floats, Words, Flags]  # finding, value, date, whether the raster is too coarse


class Sides(NamedTuple):
    """At or beyond which values a measure speaks for idle and for used; unclear between."""

    idle_from: float | None = None
    idle_to: float | None = None
    used_from: float | None = None
    used_to: float | None = None


def _table(
    lines: Mapping[str, Line], key: str, index: pd.Index[str], weighing: Weighing, as_of: datetime.date
) -> pd.DataFrame:
    """The lines of all kinds of evidence, weighed, by place and then in the order of ``EVIDENCE``."""
    called = Text("证据", "evidence")
    weights = named_weights(weighing.evidence_weights, DEFAULT_WEIGHTS, parameter="evidence_weights", called=called)
    parts = []
    for name, line in lines.items():
        part = _weighed(name, line, weights[name], _fading(line, weighing, as_of))
        part.insert(0, key, index.to_numpy(dtype=object))
        parts.append(part)
    table = pd.concat(parts)
    order = {name: position for position, name in enumerate(EVIDENCE)}
    table = table.assign(order=table["evidence"].map(order)).sort_values([key, "order"], kind="stable")
    words = dict.fromkeys((key, "evidence", "finding", "reason_zh", "reason_en"), "str")
    return table.drop(columns="order").astype(words).reset_index(drop=True)


def _of(table: pd.DataFrame | None, column: str, index: pd.Index[str]) -> Floats:
    if table is None or column not in table.columns:
        return np.full(len(index), np.nan)
    return np.asarray(table[column].reindex(index).to_numpy(dtype=np.float64, na_value=np.nan))


def _coverage(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame | None) -> Floats:
    shapes = np.asarray(parcels.geometry.to_numpy(), dtype=object)
    if buildings is None:
        return np.full(len(shapes), np.nan)
    inside = covered_areas(shapes, np.asarray(buildings.geometry.to_numpy(), dtype=object))
    return np.asarray(inside / shapely.area(shapes), np.float64)


def _sides(value: Floats, sides: Sides, on: datetime.date | None, coarse: Flags | None = None) -> Line:
    """Idle at or beyond one bound, used at or beyond the other, unclear between; unknown without a value."""
    coarse = np.zeros(len(value), bool) if coarse is None else coarse & ~np.isnan(value)
    finding = np.where(np.isnan(value), "unknown", "unclear").astype(object)
    with np.errstate(invalid="ignore"):
        for name, low, high in (("idle", sides.idle_from, sides.idle_to), ("used", sides.used_from, sides.used_to)):
            if low is not None:
                finding[value >= low] = name
            if high is not None:
                finding[value <= high] = name
    finding[coarse] = "unclear"
    return finding, value, np.full(len(value), on, dtype=object), coarse


def _inspection(parcels: gpd.GeoDataFrame) -> Line:
    finding, dates = np.full(len(parcels), "unknown", dtype=object), np.full(len(parcels), None, dtype=object)
    if "inspected_vacant" in parcels.columns:
        known = parcels["inspected_vacant"].notna().to_numpy()
        finding[known] = np.where(parcels["inspected_vacant"][known].astype(bool), "idle", "used")
    if "inspected_on" in parcels.columns:
        given = parcels["inspected_on"].notna().to_numpy()
        dates[given] = parcels["inspected_on"].to_numpy(dtype=object)[given]
    return finding, np.full(len(parcels), np.nan), dates, np.zeros(len(parcels), bool)


def _register(premises: gpd.GeoDataFrame, on: datetime.date | None) -> Line:
    """What the register of premises says of their use."""
    said = {"vacant": "idle", "used": "used", "partly_used": "unclear"}
    finding = np.full(len(premises), "unknown", dtype=object)
    if "status" in premises.columns:
        known = premises["status"].isin(said).to_numpy()
        finding[known] = [said[word] for word in premises["status"][known]]
    nothing = np.full(len(premises), np.nan)
    return finding, nothing, np.full(len(premises), on, dtype=object), np.zeros(len(premises), bool)


def _meters(index: pd.Index[str], readings: pd.DataFrame | None, as_of: datetime.date) -> Line:
    """Use over the year before ``as_of``: none at all speaks for idle, any for used; no reading, unknown.

    Water, power and gas have no sum in common: an amount is known of one kind of meter only, or where all is 0.
    """
    finding, value = np.full(len(index), "unknown", dtype=object), np.full(len(index), np.nan)
    dates, never = np.full(len(index), None, dtype=object), np.zeros(len(index), bool)
    if readings is None or readings.empty:
        return finding, value, dates, never
    since = anniversaries(np.array([as_of], dtype="datetime64[D]"), -1)[0].item()
    readings = readings.assign(used_amount=optional_numbers(readings, "used_amount"))
    recent = readings[(readings["read_on"] > since) & (readings["read_on"] <= as_of) & readings["used_amount"].notna()]
    for place, group in recent.groupby("place_id"):
        if place not in index:
            continue
        at = int(index.get_indexer(pd.Index([place]))[0])
        used = float(group["used_amount"].sum())
        finding[at] = "used" if used > 0.0 else "idle"
        if used == 0.0 or ("kind" in group and len(set(group["kind"].fillna("").tolist())) == 1):
            value[at] = used
        dates[at] = max(group["read_on"])
    return finding, value, dates, never


def _fading(line: Line, weighing: Weighing, as_of: datetime.date) -> Floats:
    """What is left of the weight of each piece on ``as_of``."""
    _, _, dates, _ = line
    ages = np.array([np.nan if d is None else (as_of - d).days / DAYS_A_YEAR for d in dates], dtype=np.float64)
    left = 0.5 ** (np.maximum(ages, 0.0) / weighing.half_life_years)
    return np.where(np.isnan(ages), weighing.undated_factor, left)


def _weighed(name: str, line: Line, weight: float, fading: Floats) -> pd.DataFrame:
    finding, value, dates, _ = line
    log_odds = np.array([_DIRECTION[word] for word in finding], dtype=np.float64) * weight * fading
    return pd.DataFrame(
        {
            "evidence": name,
            "finding": finding,
            "value": value,
            "observed_on": dates,
            "weight": weight,
            "log_odds": log_odds + 0.0,
            "reason_zh": [_sentence(name, *facts, lang="zh") for facts in zip(*line, strict=True)],
            "reason_en": [_sentence(name, *facts, lang="en") for facts in zip(*line, strict=True)],
        }
    )


# Shares in per cent; an index of greenness and a brightness have no such measure.
_VALUE_FORMATS: Final = {"night_light_change": "+.0%", "building_coverage": ".0%", "bare_ground": ".0%"}


# Of meters it counts whether anything was used: their amounts have units of their own.
_METERED: Final = {
    "used": Text("近一年不为 0", " show use in the last year"),
    "idle": Text("近一年为 0", " show no use in the last year"),
}


def _sentence(name: str, finding: str, value: float, date: datetime.date | None, coarse: bool, *, lang: str) -> str:
    at = 0 if lang == "zh" else 1
    shown = "" if np.isnan(value) else f" {value:{_VALUE_FORMATS.get(name, '.2f')}}"
    if name == "meter":
        shown = _METERED[finding][at] if finding in _METERED else ""
    day = ("日期不明" if at == 0 else "undated") if date is None else date.isoformat()
    if finding == "unknown":
        return f"{EVIDENCE[name][at]}：未核查" if at == 0 else f"{EVIDENCE[name][at]}: not checked"
    if at == 0:
        why = "，像元大于宗地，反映的是周边" if coarse else ""
        return f"{EVIDENCE[name].zh}{shown}（{day}）：{FINDINGS[finding].zh}{why}"
    why = ", the pixels are larger than the parcel and show its surroundings" if coarse else ""
    return f"{EVIDENCE[name].en}{shown} ({day}): {FINDINGS[finding].en}{why}"


@layers_on_text_ids
def sum_idleness(parcels: gpd.GeoDataFrame, idle_evidence: pd.DataFrame) -> pd.DataFrame:
    """Add the evidence of each parcel up and show where its pieces contradict each other.

    Parameters
    ----------
    parcels
        Polygons by parcel_id.
    idle_evidence
        The result of :func:`weigh_idleness` for them.

    Returns
    -------
    DataFrame indexed and sorted by parcel_id: log_odds (sum), strength_share (its logistic;
    0.5 says nothing either way; an order of visits, no probability), idle_count, used_count,
    unknown_count, conflict (True where pieces with weight speak for both sides), evidence_zh and
    evidence_en (the pieces that speak, strongest first). Parcels without evidence have 0.5.

    Raises
    ------
    KeyError for a column that the evidence lacks. O(rows).

    Examples
    --------
    Pieces of the same weight on both sides say nothing together, and contradict each other:

    >>> import pandas as pd
    >>> parcels = pd.DataFrame(index=["P1"])
    >>> evidence = pd.DataFrame({"parcel_id": "P1", "finding": ["idle", "used"], "log_odds": [2.0, -2.0],
    ...                          "reason_zh": "", "reason_en": ["a visit", "a meter"]})
    >>> sum_idleness(parcels, evidence)[["strength_share", "conflict", "evidence_en"]].to_numpy().tolist()
    [[0.5, True, 'a visit; a meter']]
    """
    return _summed(parcels.sort_index().index, idle_evidence, "parcel_id")


@layers_on_text_ids
def sum_vacancy(premises: gpd.GeoDataFrame, vacancy_evidence: pd.DataFrame) -> pd.DataFrame:
    """Add the evidence of each room or building up, and show where its pieces contradict each other.

    Parameters
    ----------
    premises
        Points or polygons by premises_id.
    vacancy_evidence
        The result of :func:`weigh_vacancy` for them.

    Returns
    -------
    DataFrame with the columns of :func:`sum_idleness`, indexed and sorted by premises_id.

    Raises
    ------
    KeyError for a column that the evidence lacks. O(rows).

    Examples
    --------
    >>> import pandas as pd
    >>> rooms = pd.DataFrame(index=["R1", "R2"])
    >>> evidence = pd.DataFrame({"premises_id": ["R1"], "finding": "idle", "log_odds": 3.0, "reason_zh": "",
    ...                          "reason_en": "a visit"})
    >>> sum_vacancy(rooms, evidence)["strength_share"].round(2).to_dict()
    {'R1': 0.95, 'R2': 0.5}
    """
    return _summed(premises.sort_index().index, vacancy_evidence, "premises_id")


def _summed(index: pd.Index[str], evidence: pd.DataFrame, key: str) -> pd.DataFrame:
    heard = evidence[evidence["log_odds"] != 0.0]
    result = pd.DataFrame(index=index)
    result["log_odds"] = evidence.groupby(key)["log_odds"].sum().reindex(index, fill_value=0.0)
    result["strength_share"] = 1.0 / (1.0 + np.exp(-result["log_odds"]))
    for name in ("idle", "used"):
        counts = heard[heard["finding"] == name].groupby(key).size()
        result[f"{name}_count"] = counts.reindex(index, fill_value=0)
    unknown = evidence[evidence["finding"] == "unknown"].groupby(key).size()
    result["unknown_count"] = unknown.reindex(index, fill_value=0)
    result["conflict"] = (result["idle_count"] > 0) & (result["used_count"] > 0)
    size = heard["log_odds"].abs()
    order = heard.assign(size=size).sort_values([key, "size"], ascending=[True, False], kind="stable")
    for lang, mark in (("zh", "；"), ("en", "; ")):
        said = order.groupby(key, sort=True)[f"reason_{lang}"].agg(mark.join)
        result[f"evidence_{lang}"] = said.reindex(index).fillna("").astype("str")
    return result.rename_axis(key)


# --- candidates on the map ------------------------------------------------------------------------


@layers_on_text_ids
def grade_vacant_premises(
    idle_premises: gpd.GeoDataFrame,
    vacancy_strength: pd.DataFrame,
    zones: gpd.GeoDataFrame | None = None,
    *,
    strong_share: float = 0.9,
    medium_share: float = 0.6,
    need_classes: tuple[str, ...] = ("improvement", "enhancement"),
) -> gpd.GeoDataFrame:
    """The candidate rooms and buildings as points, graded by the evidence that they stand empty.

    A grade orders visits, it finds nothing vacant; both bounds are this program's parameters.

    Parameters
    ----------
    idle_premises, vacancy_strength
        Results of :func:`gis_renovation.land.candidates.screen_premises` and :func:`sum_vacancy`.
    zones
        Polygons in the same metric CRS with their needs by class.
    strong_share, medium_share
        Strong is a strength of the first or more, medium one of the second or more, weak everything
        below, contradicted evidence included.
    need_classes
        A zone is in need when its communities have a need of one of these classes.

    Returns
    -------
    GeoDataFrame of points (inside polygons) indexed and sorted by premises_id: strength
    (strong, medium, weak), strength_share, conflict, and name, floor_area_m2, storey, holder_kind,
    right_type, leasing_approval, nearest_community_id and community_distance_m as in
    ``idle_premises``, and the nearest zone in need of ``need_classes``
    (:func:`gis_renovation.land.measures.nearest_zones_in_need`). No candidate: no rows.

    Raises
    ------
    CRSError; ConfigError for bounds out of order and unknown classes. O(premises).

    Examples
    --------
    >>> import geopandas as gpd
    >>> import pandas as pd
    >>> from shapely import Point
    >>> facts = ["name", "floor_area_m2", "storey", "holder_kind", "right_type", "leasing_approval",
    ...          "nearest_community_id", "community_distance_m"]
    >>> rooms = gpd.GeoDataFrame({"verdict": ["candidate", "excluded"]}, geometry=[Point(0, 0), Point(9, 0)],
    ...                          index=["R1", "R2"], crs="EPSG:4548").assign(**dict.fromkeys(facts))
    >>> strength = pd.DataFrame({"strength_share": [0.95, 0.5], "conflict": False}, index=["R1", "R2"])
    >>> grade_vacant_premises(rooms, strength)[["strength", "need_zone_state"]].to_numpy().tolist()
    [['strong', 'unknown']]
    """
    require_metric(idle_premises=idle_premises, zones=zones)
    chosen = candidates_of(idle_premises)
    share = vacancy_strength["strength_share"].reindex(chosen.index).to_numpy(dtype=np.float64, na_value=np.nan)
    found = gpd.GeoDataFrame(
        {
            "strength": graded(share, strong=strong_share, medium=medium_share),
            "strength_share": share,
            "conflict": vacancy_strength["conflict"].reindex(chosen.index, fill_value=False).astype(bool),
        },
        index=chosen.index,
        geometry=chosen.geometry.representative_point(),
        crs=chosen.crs,
    )
    facts = ("name", "floor_area_m2", "storey", "holder_kind", "right_type", "leasing_approval",
             "nearest_community_id", "community_distance_m")  # fmt: skip
    found = found.assign(**{name: chosen[name] for name in facts}).astype({"strength": "str"})
    return found.join(nearest_zones_in_need(chosen, zones, need_classes))


def candidates_of(places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The candidates among assessed parcels or premises, by id."""
    return places[places["verdict"] == "candidate"].sort_index()


def graded(share: Floats, *, strong: float, medium: float) -> Words:
    """Strong, medium or weak by two bounds; weak where nobody knows. ConfigError for bounds out of order."""
    if not 0.0 <= medium <= strong <= 1.0:
        raise ConfigError(
            f"强、中的界限应满足 0 ≤ 中 ≤ 强 ≤ 1，现为 强 {strong:g}、中 {medium:g}。",
            f"The bounds must be 0 <= medium <= strong <= 1, found strong {strong:g}, medium {medium:g}.",
        )
    known = np.nan_to_num(share, nan=-1.0)
    return np.where(known >= strong, "strong", np.where(known >= medium, "medium", "weak")).astype(object)
