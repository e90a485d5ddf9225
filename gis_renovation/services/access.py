"""How far each community walks to each everyday service, held against the rules on walking distances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Flags, Floats, Geometries
from gis_renovation.crs import require_metric
from gis_renovation.greenways import blocking_shapes, walk_lines
from gis_renovation.ids import sorted_by_id, with_ids
from gis_renovation.networks import build_network
from gis_renovation.outlines import require_areas
from gis_renovation.rules import Rule, judge_numbers, rules_for
from gis_renovation.schemas import layer_schema
from gis_renovation.services.joining import JOINED, join_places, walks_between
from gis_renovation.services.settings import USUAL_WALKS, Walks
from gis_renovation.services.starts import starts_of
from gis_renovation.unknowns import name_or_id, optional_column
from gis_renovation.verdicts import NO, YES
from gis_renovation.words import Text

_SUFFIX = "_walk_m"


def service_access(
    communities: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    slow_paths: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    gates: gpd.GeoDataFrame | None = None,
    rules: tuple[Rule, ...],
    walks: Walks = USUAL_WALKS,
) -> pd.DataFrame:
    """How far each community walks to the nearest facility of each kind that a rule asks for, and to the second.

    A walk is the straight connector from a gate to the nearest edge of the network, the way along it, and the
    connector to the facility; each connector is at most ``connect_m`` and crosses no barrier. Where no gate of a
    community is known it starts where the outline meets the network, and the remark says so: a true gate may be
    farther. A facility inside the community is 0 m away.

    Distances are those on ground surely open to walkers; ``possible_distance_m`` counts what is not known to be
    closed, ``step_free_distance_m`` leaves out paths of kind ``steps``. A verdict of *exceeds* needs the
    possible walk to be too long as well, and every facility of the kind to be joined to the network or too far
    in a straight line.

    Parameters
    ----------
    communities, facilities, gates
        Polygons and points, one projected CRS in metres, indexed by id. Gates with ``community_id``; those
        with ``open`` no are left out. ``None``: no gate is known.
    slow_paths, streets, barriers
        As :func:`gis_renovation.greenways.park_access` takes them.
    rules
        The rules in force; those of layer ``facilities`` with a measure ``<kind>_walk_m`` are applied.
    walks
        What people may walk on, the longest connector, how far is looked, and the speed behind ``walk_minutes``.

    Returns
    -------
    pandas.DataFrame
        Layer ``service_access``, a row for each community and rule, indexed by ``access_id`` (community/kind)
        and sorted by it. Distances are unknown where no walk within ``search_m`` is found. ``guide``: meets,
        exceeds or unknown. ``starts_from``: gates or frontage.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        Ids missing or repeated.
    ConfigError
        No rule on ``facilities``, or one whose measure is no kind's walk.

    Notes
    -----
    Another facility, or a new way that is no gate's or facility's nearest, never lengthens a distance; a new way
    nearer to a gate takes over its connector and can. O(F s) for F
    facilities and searches of s edges within ``search_m``, three times over.
    """
    require_metric(
        communities=communities, facilities=facilities, slow_paths=slow_paths, streets=streets,
        barriers=barriers, gates=gates,
    )  # fmt: skip
    require_areas(communities=communities)
    mine = rules_for(rules, "facilities", [kind + _SUFFIX for kind in layer_schema("facilities").fields["kind"].values])
    kinds = [rule.measure.removesuffix(_SUFFIX) for rule in mine]
    areas, places = sorted_by_id(communities, "communities"), sorted_by_id(facilities, "facilities")
    places = places[optional_column(places, "kind").isin(kinds).to_numpy()]
    walls = blocking_shapes(barriers, walks.blocking_kinds)
    limit_m = max([walks.search_m, *(float(rule.value) for rule in mine if not isinstance(rule.value, tuple))])
    ground = _Ground(areas, places, with_ids(gates, "gates"), walls, walks, limit_m)
    paths, roads = with_ids(slow_paths, "slow_paths"), with_ids(streets, "streets")
    sure_lines, open_lines = (walk_lines(paths, roads, walks, sure=sure) for sure in (True, False))
    flat_lines = walk_lines(paths[~optional_column(paths, "kind").eq("steps").to_numpy()], roads, walks, sure=True)
    sure = _measured(ground, sure_lines)
    # Each is part of the ground before it or holds it, so of equal size they are the same.
    possible, step_free = (
        sure if len(lines) == len(sure_lines) else _measured(ground, lines) for lines in (open_lines, flat_lines)
    )
    parts = [
        _held_against(rule, kind, ground, (sure, possible, step_free)) for rule, kind in zip(mine, kinds, strict=True)
    ]
    table = pd.concat(parts).sort_index()
    after = list(table.columns).index("distance_m") + 1
    table.insert(after, "walk_minutes", table["distance_m"] / walks.speed_m_per_min)
    return _with_remarks(table, walks.search_m)


class _Ground(NamedTuple):
    """What does not change with the network walked on."""

    areas: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame | None
    walls: Geometries
    walks: Walks
    limit_m: float


class _Walked(NamedTuple):
    """Walks on one network: ``area``, ``place``, ``metres``; which places and areas are joined; which have gates."""

    pairs: pd.DataFrame
    places_joined: Flags
    areas_joined: Flags
    has_gates: Flags


def _measured(ground: _Ground, lines: gpd.GeoDataFrame) -> _Walked:
    """The shortest walk of each area to each facility along ``lines``."""
    connect_m = ground.walks.connect_m
    nodes, edges = build_network(lines, snap_m=ground.walks.snap_m)
    starts = starts_of(ground.areas, ground.gates, lines, connect_m)
    points = ground.places.geometry.to_numpy()
    start_join = join_places(starts.points, edges, ground.walls, connect_m)
    place_join = join_places(points, edges, ground.walls, connect_m)
    found = walks_between((starts.points, start_join), (points, place_join), nodes, edges, ground.limit_m)
    pairs = pd.DataFrame({"area": starts.area[found["start"]], "place": found["goal"], "metres": found["metres"]})
    area, place = shapely.STRtree(points).query(ground.areas.geometry.to_numpy(), predicate="covers")
    pairs = pd.concat([pairs, pd.DataFrame({"area": area, "place": place, "metres": 0.0})])
    pairs = pairs.groupby(["area", "place"])[["metres"]].min().reset_index()
    joined = np.isin(np.arange(len(ground.areas)), starts.area[start_join["state"].eq(JOINED).to_numpy()])
    return _Walked(pairs, place_join["state"].eq(JOINED).to_numpy(), joined, starts.has_gates.to_numpy())


def _held_against(rule: Rule, kind: str, ground: _Ground, walked: tuple[_Walked, _Walked, _Walked]) -> pd.DataFrame:
    """One rule's rows: the nearest and second facility of its kind, and the verdict."""
    sure, possible, step_free = walked
    areas, places = ground.areas, ground.places
    of_kind = optional_column(places, "kind").eq(kind).to_numpy()
    ids, names = places.index.to_numpy(dtype=object), optional_column(places, "name").to_numpy(dtype=object)
    first, second = (_ranked(sure, of_kind, rank, len(areas)) for rank in (0, 1))
    maybe, flat = (_ranked(each, of_kind, 0, len(areas))["metres"] for each in (possible, step_free))
    straight = _straight(areas.geometry.to_numpy(), places.geometry.to_numpy()[of_kind])
    # What is not joined may yet be near: then a walk not found is no walk too long.
    all_joined = possible.areas_joined & bool(possible.places_joined[of_kind].all() and of_kind.any())
    maybe_far = np.where(all_joined & np.isnan(maybe), np.inf, maybe)
    too_far = (judge_numbers(rule, maybe_far)[0] == NO) | (judge_numbers(rule, straight)[0] == NO)
    meets = judge_numbers(rule, first["metres"].to_numpy())[0] == YES
    table = pd.DataFrame(
        {
            "community_id": areas.index.to_numpy(dtype=object),
            "kind": kind,
            "facility_id": _named(ids, first["place"]),
            "facility_name": _named(names, first["place"]),
            "distance_m": first["metres"].to_numpy(),
            "second_facility_id": _named(ids, second["place"]),
            "second_distance_m": second["metres"].to_numpy(),
            "step_free_distance_m": flat.to_numpy(),
            "possible_distance_m": maybe.to_numpy(),
            "straight_distance_m": straight,
            "starts_from": np.where(sure.has_gates, "gates", "frontage"),
            "limit_m": float(rule.value) if not isinstance(rule.value, tuple) else np.nan,
            "guide": np.select([meets, too_far], ["meets", "exceeds"], "unknown"),
            "rule_id": rule.id,
            "source_zh": rule.source.zh,
            "source_en": rule.source.en,
        }
    )
    table["counted"] = int(of_kind.sum())
    table["joined"] = sure.areas_joined
    return table.set_index(pd.Index([f"{key}/{kind}" for key in areas.index], name="access_id", dtype="object"))


def _ranked(walked: _Walked, of_kind: Flags, rank: int, count: int) -> pd.DataFrame:
    """The facility of the kind that is ``rank``-th nearest to each area, by position of the area."""
    pairs = walked.pairs[of_kind[walked.pairs["place"].to_numpy("int64")]].sort_values(["area", "metres", "place"])
    ranked: pd.DataFrame = pairs[pairs.groupby("area").cumcount() == rank].set_index("area").reindex(range(count))
    return ranked


def _named(names: Geometries, place: pd.Series) -> Geometries:
    """The names of facilities by position; None where there is none."""
    known = place.notna().to_numpy()
    found = np.full(len(place), None, dtype=object)
    found[known] = names[place[known].to_numpy("int64")]
    found[np.asarray(pd.isna(found))] = None
    return found


def _straight(areas: Geometries, points: Geometries) -> Floats:
    """Straight metres from each area to the nearest point; NaN without points."""
    metres = np.full(len(areas), np.nan)
    if len(points) and len(areas):
        (area, _), near = shapely.STRtree(points).query_nearest(areas, all_matches=False, return_distance=True)
        metres[area] = near
    return metres


# --- words ----------------------------------------------------------------------------------------


def _with_remarks(table: pd.DataFrame, search_m: float) -> pd.DataFrame:
    """The table with remarks in both languages, without the columns only they need."""
    remarks = list(_remarks(table, search_m))
    table = table.drop(columns=["counted", "joined"])
    for column in ("facility_id", "facility_name", "second_facility_id"):
        table[column] = table[column].astype("object").where(table[column].notna(), None)
    table["reason_zh"] = pd.Series([text.zh for text in remarks], index=table.index, dtype="object")
    table["reason_en"] = pd.Series([text.en for text in remarks], index=table.index, dtype="object")
    return table


def _remarks(table: pd.DataFrame, search_m: float) -> Iterator[Text]:
    """What each row rests on."""
    labels = layer_schema("facilities").fields["kind"].values
    for row in table.to_dict("records"):
        parts = [_distance_text(row, labels[row["kind"]], search_m), *_further(row, search_m)]
        text = "; ".join(part.en for part in parts)
        yield Text("；".join(part.zh for part in parts) + "。", f"{text[0].upper()}{text[1:]}.")


def _further(row: Mapping[Any, Any], search_m: float) -> Iterator[Text]:
    """Where the walk starts, the second facility, steps, and what is not verified."""
    metres, flat, limit = row["distance_m"], row["step_free_distance_m"], row["limit_m"]
    if metres > 0 and row["starts_from"] == "frontage":
        yield Text(
            "出入口不明，自边界与步行路网相接处起算，实际可能更远",
            "no gate is known: measured from where the outline meets the network, a gate may be farther",
        )
    if row["second_distance_m"] <= limit:
        second = f"{row['second_distance_m']:.0f} m"
        yield Text(f"另有一处在 {second}", f"a second one at {second}")
    if metres >= 0 and np.isnan(flat):
        yield Text(
            f"不走台阶，在可确认的路上 {search_m:g} m 内未找到走法",
            f"without steps no way within {search_m:g} m on ground surely open",
        )
    elif flat > metres + 1:
        yield Text(f"不走台阶为 {flat:.0f} m", f"{flat:.0f} m without steps")
    if row["guide"] != "meets" and row["possible_distance_m"] <= limit:
        possible = f"{row['possible_distance_m']:.0f} m"
        yield Text(
            f"若未核实的路段均可走，为 {possible}，请核实", f"{possible} if all unverified ways are open: verify"
        )


def _distance_text(row: Mapping[Any, Any], label: Text, search_m: float) -> Text:
    """The walk itself, or why there is none."""
    metres = row["distance_m"]
    if metres == 0:
        return Text(f"小区内有{label.zh}", f"a {label.en} inside the community")
    if metres > 0:
        name = name_or_id(row["facility_name"], row["facility_id"])
        return Text(f"步行 {metres:.0f} m 可到{name}", f"{metres:.0f} m on foot to {name}")
    if not row["counted"]:
        return Text(f"设施图层中没有{label.zh}，未核查", f"no {label.en} in the layer: not checked")
    straight = f"{row['straight_distance_m']:.0f} m"
    zh, en = f"最近的直线距离 {straight}", f"the nearest {straight} in a straight line"
    if not row["joined"]:
        return Text(f"小区未接入可确认的步行路网，{zh}", f"the community joins no network surely open, {en}")
    return Text(
        f"步行 {search_m:g} m 内未找到可到的{label.zh}，{zh}", f"no {label.en} within {search_m:g} m on foot, {en}"
    )
