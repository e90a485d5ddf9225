"""What the rules on idle land look at: one function a measure, over all parcels or premises at once.

A measure is an array of numbers (NaN unknown) or words (None unknown) in the order of the places,
with the reason why a value may be unknown. A layer nobody has makes its measures unknown (未核查).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.anniversaries import anniversaries
from gis_renovation.arrays import Flags, Floats, Words
from gis_renovation.errors import ConfigError
from gis_renovation.overlays import covered_areas, dissolve_overlapping, only_slivers, overlap_areas
from gis_renovation.schemas import layer_schema, nearest_names
from gis_renovation.verdicts import NO, UNKNOWN, YES
from gis_renovation.words import Text

DAYS_A_YEAR: Final = 365.25
NEED_CLASSES: Final = ("basic", "improvement", "enhancement")
NEED_ZONE_COLUMNS: Final = ("need_zone_state", "need_zone_id", "need_zone_name", "need_zone_distance_m")
# Measures of how a land contract was kept; remarks on them are told apart, for fewer eyes.
CONTRACT_MEASURES: Final = ("start_overdue_years", "built_share", "invested_share", "stopped_years", "term_left_years")
# Two boundaries drawn alike still share some cm² after reprojection; the sheet shows 0.01 m².
NO_AREA_M2: Final = 0.005


@dataclass(frozen=True)
class Measure:
    """Values of one measure: numbers (NaN unknown) or words (None unknown), and why unknown.

    ``doubtful`` marks values which a person must confirm, so that the rule stays unknown, and
    ``doubt`` says why.
    """

    values: Floats | Words
    why_unknown: Text
    doubtful: Flags | None = None
    doubt: Text | None = None


@dataclass(frozen=True, kw_only=True)
class RegisterReading:
    """How a project's registers and lines are to be read, beyond what their rows say.

    checked_kinds
        Kinds of control line that the layer covers even where it holds none of them. Any other
        kind absent from the layer is unknown, not zero.
    certified_parcel_ids
        Parcels inside a compound whose certificate was seen and shows they are not shared land.
    blank_start
        What a blank actual start means in this city's contract register.
    sliver_width_m
        Overlaps with control lines nowhere as wide as this are doubtful, hence unknown.
    """

    checked_kinds: tuple[str, ...] = ()
    certified_parcel_ids: tuple[str, ...] = ()
    blank_start: Literal["unknown", "not_started"] = "unknown"
    sliver_width_m: float = 1.0


AS_WRITTEN: Final = RegisterReading()


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything the measures may look at, already in one metric CRS and sorted by id."""

    layer: str
    places: gpd.GeoDataFrame
    as_of: datetime.date
    reading: RegisterReading
    communities: gpd.GeoDataFrame | None = None
    control_lines: gpd.GeoDataFrame | None = None
    buildings: gpd.GeoDataFrame | None = None
    greenness: pd.DataFrame | None = None

    @property
    def geometry(self) -> NDArray[np.object_]:
        """The places' shapes, in their order."""
        return np.asarray(self.places.geometry.to_numpy(), dtype=object)


Measured = Callable[[Site], Measure]
Days = NDArray[np.datetime64]


def control_kinds() -> tuple[str, ...]:
    """The kinds of control line the program knows, in written order."""
    return tuple(layer_schema("control_lines").fields["kind"].values)


def parcel_measures() -> dict[str, Measured]:
    """Every measure a parcel rule may name, but for the surveyed class (:mod:`gis_renovation.land.parcels`)."""
    measures: dict[str, Measured] = {
        name: _recorded_word(name) for name in ("ownership", "holder_kind", "right_type", "inspected_vacant")
    }
    measures |= {name: _recorded_number(name) for name in ("built_share", "invested_share", "registered_area_m2")}
    measures |= {f"{kind}_m2": _control_area(kind) for kind in control_kinds()}
    return measures | {
        "area_m2": lambda site: Measure(shapely.area(site.geometry), Text("没有图形", "no geometry")),
        "area_difference_share": _area_difference,
        "building_coverage_share": _building_coverage,
        "community_distance_m": _community_distance,
        "inside_community_share": _inside_community,
        "start_overdue_years": _start_overdue,
        "stopped_years": _years_since("stopped_on"),
        "term_left_years": _term_left,
        "greenness_change": _greenness("greenness_change"),
        "greenness_after": _greenness("greenness_after"),
    }


def premises_measures() -> dict[str, Measured]:
    """Every measure a rule on premises may name."""
    measures: dict[str, Measured] = {
        name: _recorded_word(name) for name in ("holder_kind", "right_type", "status", "structure_safe")
    }
    measures |= {name: _recorded_number(name) for name in ("floor_area_m2", "storey")}
    measures |= {f"in_{kind}": _inside_control(kind) for kind in control_kinds()}
    return measures | {"community_distance_m": _community_distance, "vacant_years": _years_since("vacant_since_on")}


def column_of(site: Site, name: str) -> pd.Series[Any] | None:
    """A column of the places; None where they have none of that name."""
    return site.places[name] if name in site.places.columns else None


def _not_recorded(site: Site, name: str) -> Text:
    label = layer_schema(site.layer).fields[name].label
    return Text(f"{label.zh}未登记", f"{label.en.lower()} is not recorded")


def _recorded_word(name: str) -> Measured:
    """A word column as it stands; yes and no for a boolean one."""

    def measure(site: Site) -> Measure:
        column, boolean = column_of(site, name), layer_schema(site.layer).fields[name].type == "boolean"
        words = np.full(len(site.places), None, dtype=object)
        if column is not None:
            known = column.notna().to_numpy()
            found = column[known]
            words[known] = np.where(found.astype(bool), "yes", "no") if boolean else found.to_numpy(dtype=object)
        return Measure(words, _not_recorded(site, name))

    return measure


def _recorded_number(name: str) -> Measured:
    return lambda site: Measure(numbers_of(site.places, name), _not_recorded(site, name))


def numbers_of(frame: pd.DataFrame, name: str) -> Floats:
    """A number column as an array, NaN where unknown or where the column is absent."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    return np.asarray(pd.to_numeric(frame[name]).to_numpy(dtype=np.float64, na_value=np.nan))


def _years(site: Site, name: str) -> Floats:
    """Calendar years from a date column to ``as_of``; negative for a later date, NaN for an unknown one."""
    column = column_of(site, name)
    if column is None:
        return np.full(len(site.places), np.nan)
    dates = pd.to_datetime(column, errors="raise").to_numpy(dtype="datetime64[D]")
    return calendar_years(dates, np.datetime64(site.as_of, "D"))


def calendar_years(dates: Days, until: np.datetime64) -> Floats:
    """Years from each date until a day: whole ones are anniversaries, the rest the share of the year begun.

    The anniversary of 29 February is the last of February where a year has no such day (Civil Code, Article 202).
    Negative for dates after the day, NaN for NaT.
    """
    known = ~np.isnat(dates)
    years = np.full(len(dates), np.nan)
    early, late = np.minimum(dates[known], until), np.maximum(dates[known], until)
    whole = late.astype("datetime64[Y]").astype(int) - early.astype("datetime64[Y]").astype(int)
    whole = whole - (anniversaries(early, whole) > late)
    last, following = anniversaries(early, whole), anniversaries(early, whole + 1)
    share = (late - last).astype(np.float64) / (following - last).astype(np.float64)
    years[known] = np.where(dates[known] <= until, 1.0, -1.0) * (whole + share)
    return years + 0.0


def _years_since(name: str) -> Measured:
    return lambda site: Measure(_years(site, name), _not_recorded(site, name))


def _term_left(site: Site) -> Measure:
    return Measure(-_years(site, "term_end_on"), _not_recorded(site, "term_end_on"))


def _start_overdue(site: Site) -> Measure:
    """Years past the agreed start without a start; 0 or less where works began or are not yet due.

    A blank actual start is unknown, unless the project says that its register leaves the date blank
    for land on which nothing was begun (``blank_start``).
    """
    due, started = _years(site, "start_due_on"), _years(site, "started_on")
    begun = started >= 0.0
    late = due if site.reading.blank_start == "not_started" else np.full(len(due), np.nan)
    value = np.where(begun, 0.0, np.where(np.isnan(started), late, due))
    not_due = due < 0.0  # nothing can be overdue, whether or not works have begun
    why = Text("约定动工日期或实际动工日期未登记", "the agreed or the actual start is not recorded")
    return Measure(np.where(not_due, due, value), why)


def _area_difference(site: Site) -> Measure:
    registered = numbers_of(site.places, "registered_area_m2")
    registered = np.where(registered > 0.0, registered, np.nan)
    difference = np.abs(shapely.area(site.geometry) - registered) / registered
    return Measure(difference, _not_recorded(site, "registered_area_m2"))


def _building_coverage(site: Site) -> Measure:
    missing = Text("没有楼栋图层，未核查", "not checked: there is no layer of buildings")
    return _share_inside(site, site.buildings, missing)


def _inside_community(site: Site) -> Measure:
    missing = Text("没有小区图层，未核查", "not checked: there is no layer of communities")
    measure = _share_inside(site, site.communities, missing)
    certified = site.places.index.isin(site.reading.certified_parcel_ids)
    return Measure(np.where(certified, 0.0, measure.values.astype(np.float64)), measure.why_unknown)


def _share_inside(site: Site, covers: gpd.GeoDataFrame | None, missing: Text) -> Measure:
    if covers is None:
        return Measure(np.full(len(site.places), np.nan), missing)
    inside = covered_areas(site.geometry, np.asarray(covers.geometry.to_numpy(), dtype=object))
    area = shapely.area(site.geometry)
    share = np.divide(inside, area, out=np.full(len(area), np.nan), where=area > 0.0)
    return Measure(np.clip(share, 0.0, 1.0), missing)


def _community_distance(site: Site) -> Measure:
    """Straight distance in m to the nearest community's edge, a lower bound of any walk."""
    if site.communities is None:
        missing = Text("没有小区图层，未核查", "not checked: there is no layer of communities")
        return Measure(np.full(len(site.places), np.nan), missing)
    _, distance = nearest_communities(site.geometry, site.communities)
    return Measure(distance, Text("小区图层为空", "the layer of communities is empty"))


def nearest_communities(geometry: NDArray[np.object_], communities: gpd.GeoDataFrame) -> tuple[Words, Floats]:
    """Id of and distance to the nearest community of each place; the smallest id where several tie."""
    communities = communities.sort_index()
    ids, distance = np.full(len(geometry), None, dtype=object), np.full(len(geometry), np.nan)
    if len(communities) and len(geometry):
        homes = np.asarray(communities.geometry.to_numpy(), dtype=object)
        # Touching first: of a place apart, the nearest ground is on an outline, whose edges are quick to search.
        community, place = shapely.STRtree(geometry).query(homes, predicate="intersects")
        apart = np.setdiff1d(np.flatnonzero(~shapely.is_missing(geometry)), place)
        edges, home = _outline_edges(homes)
        (at, edge), metres = shapely.STRtree(edges).query_nearest(geometry[apart], return_distance=True)
        other = home[edge]
        place, community = np.concatenate([place, apart[at]]), np.concatenate([community, other])
        metres = np.concatenate([np.zeros(len(place) - len(at)), metres])
        order = np.lexsort((community, place))
        place, first = np.unique(place[order], return_index=True)
        ids[place] = communities.index.to_numpy()[community[order][first]]
        distance[place] = metres[order][first]
    return ids, distance


def nearest_zones_in_need(
    places: gpd.GeoDataFrame, zones: gpd.GeoDataFrame | None, classes: Sequence[str]
) -> pd.DataFrame:
    """The nearest zone that needs something of the classes, for each place; straight, edge to edge.

    A zone is in need when its communities have at least one need of the classes (basic, improvement,
    enhancement) on record, in none when all of them are known to be 0, else unknown.

    Returns a DataFrame in the order of the places: need_zone_state (*found*; *none* where no zone is in
    need; *unknown* without zones, or where a zone of unknown need lies nearer), need_zone_id,
    need_zone_name, need_zone_distance_m in m (0 where they touch), empty unless found. Equally near
    zones: the smallest id. Raises ConfigError for no class or an unknown one. O(n log zones).
    """
    strange = [name for name in classes if name not in NEED_CLASSES]
    if strange or not classes:
        named, known = ", ".join(strange) or "[]", ", ".join(NEED_CLASSES)
        raise ConfigError(
            f"need_classes 须为 {known} 中的一类或几类，现为：{named}。",
            f"need_classes must name one or more of {known}, found: {named}.",
        )
    count = len(places)
    state, ids, distance = np.full(count, "unknown", object), np.full(count, None, object), np.full(count, np.nan)
    names = pd.Series(dtype="str")
    if zones is not None:
        ground = np.asarray(places.geometry.to_numpy(), dtype=object)
        need, names = _zone_needs(zones, classes), zones["name"].astype("str")
        ids, distance = nearest_communities(ground, zones[need == YES])
        _, doubt = nearest_communities(ground, zones[need == UNKNOWN])
        unsure = shapely.is_missing(ground) | (doubt < np.where(np.isnan(distance), np.inf, distance))
        state = np.where(unsure, "unknown", np.where(np.isnan(distance), "none", "found")).astype(object)
        ids[unsure], distance[unsure] = None, np.nan
    columns = (state, ids, names.reindex(pd.Index(ids)).to_numpy(), distance)
    found = pd.DataFrame(dict(zip(NEED_ZONE_COLUMNS, columns, strict=True)), index=places.index)
    return found.astype(dict.fromkeys(NEED_ZONE_COLUMNS[:3], "str"))


def _zone_needs(zones: gpd.GeoDataFrame, classes: Sequence[str]) -> NDArray[np.int8]:
    """Whether each zone needs something: a sum of what is known above 0 is a need, whatever is unknown."""
    needs = np.stack([numbers_of(zones, f"need_{name}") for name in classes])
    unsure = np.stack([np.nan_to_num(numbers_of(zones, f"need_{name}_unknown_count")) for name in classes])
    some, nothing = (needs > 0.0).any(axis=0), ((needs == 0.0) & (unsure == 0.0)).all(axis=0)
    return np.where(some, YES, np.where(nothing, NO, UNKNOWN)).astype(np.int8)


def _outline_edges(polygons: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Every edge of every ring as a line, and the position of its polygon."""
    parts, part_of = shapely.get_parts(polygons, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    xy, at = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero(at[1:] == at[:-1])
    edges = shapely.linestrings(np.stack([xy[first], xy[first + 1]], axis=1))
    return np.asarray(edges, dtype=object), part_of[ring_of[at[first]]]


def _kind_of_control(site: Site, kind: str) -> tuple[NDArray[np.object_] | None, Text]:
    """The control lines of one kind; None, and why, where nobody knows whether there are any."""
    label = layer_schema("control_lines").fields["kind"].values[kind]
    if site.control_lines is None:
        return None, Text("没有控制线图层，未核查", "not checked: there is no layer of control lines")
    lines = site.control_lines[site.control_lines["kind"] == kind]
    if len(lines) == 0 and kind not in site.reading.checked_kinds:
        return None, Text(
            f"控制线图层中没有{label.zh}，未核查；确无此线时请写入 checked_kinds",
            f"not checked: the control lines hold no {label.en}; if there is none, list it in checked_kinds",
        )
    return np.asarray(lines.geometry.to_numpy(), dtype=object), Text("", "")


def _control_area(kind: str) -> Measured:
    """Area in m² inside one kind of control line; a mere sliver is doubtful."""

    def measure(site: Site) -> Measure:
        lines, why = _kind_of_control(site, kind)
        if lines is None:
            return Measure(np.full(len(site.places), np.nan), why)
        ground = dissolve_overlapping(lines)
        pairs = overlap_areas(site.geometry, ground)
        narrow = only_slivers(site.geometry, ground, pairs, width_m=site.reading.sliver_width_m)
        area = np.bincount(pairs.shape, weights=pairs.area_m2, minlength=len(site.places)).astype(np.float64)
        area = np.where(area < NO_AREA_M2, 0.0, area)
        width = f"{site.reading.sliver_width_m:g} m"
        doubt = Text(
            f"仅有宽度不足 {width} 的细碎重叠，可能是边界误差，需核对",
            f"only slivers narrower than {width}, perhaps boundary error; to be confirmed",
        )
        return Measure(area, why, (area > 0.0) & narrow, doubt)

    return measure


def _inside_control(kind: str) -> Measured:
    """Whether premises (points or polygons) touch one kind of control line."""

    def measure(site: Site) -> Measure:
        lines, why = _kind_of_control(site, kind)
        words = np.full(len(site.places), None, dtype=object)
        if lines is not None:
            words[:] = "no"
            words[np.unique(shapely.STRtree(lines).query(site.geometry, predicate="intersects")[0])] = "yes"
        return Measure(words, why)

    return measure


def _greenness(name: str) -> Measured:
    def measure(site: Site) -> Measure:
        if site.greenness is None:
            missing = Text("没有绿度数据，未核查", "not checked: there is no greenness")
            return Measure(np.full(len(site.places), np.nan), missing)
        values = site.greenness[name].reindex(site.places.index).to_numpy(dtype=np.float64, na_value=np.nan)
        return Measure(values, Text("绿度数据在此处缺失", "greenness is missing here"))

    return measure


def require_control_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """The given kinds of control line; ConfigError with the nearest one for a kind nobody knows."""
    wrong = [kind for kind in kinds if kind not in control_kinds()]
    if wrong:
        near = nearest_names(wrong[0], control_kinds())
        listed, known = ", ".join(wrong), ", ".join(control_kinds())
        raise ConfigError(
            f"checked_kinds 中没有这些控制线类别：{listed}{f'；是否指 {near}？' if near else ''} 可用：{known}。",
            f"checked_kinds names no kind of control line: {listed}{f'; did you mean {near}?' if near else ''} "
            f"Known: {known}.",
        )
    return tuple(kinds)
