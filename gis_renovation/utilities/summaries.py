"""Pipes and cables: how much of each network lies in a community or zone, how old, whose, and what is not reached."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Floats, Ints
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.ids import sorted_by_id, with_ids
from gis_renovation.networks import lengths_within
from gis_renovation.schemas import layer_schema, nearest_names
from gis_renovation.unknowns import optional_column, optional_numbers, texts_as_objects
from gis_renovation.words import Text

# Water, drainage, gas, power and telecom are the systems that Huainan's plan of 2024 renews first (docs/methods.md, 6).
PLAN_NETWORKS = ("water", "sewer", "gas", "power", "telecom")

# Circle arcs as 4 x 32 chords: the ring beside an area is too narrow by at most 0.03 % of reach_m.
_ARC_SEGMENTS = 32
# Ages at which the State Council's plan of 2022 asks for gas (20 years) and water pipes (30 years) to be
# assessed for renewal (docs/methods.md, 6). Age alone never condemns a pipe; these only sort the lengths.
_AGE_LIMITS_YEARS = (20, 30)

_LENGTHS = (
    "length_m",
    "nearby_length_m",
    "age_under_20_length_m",
    "age_20_to_30_length_m",
    "age_30_plus_length_m",
    "age_unknown_length_m",
    "operator_unknown_length_m",
    "abandoned_length_m",
    "empty_length_m",
    "planned_length_m",
    "status_unknown_length_m",
)
_COLUMNS = (
    "network",
    "reached",
    "distance_m",
    "nearest_line_id",
    "line_count",
    *_LENGTHS,
    "mean_age_years",
    "oldest_year_built",
    "operators",
    "reason_zh",
    "reason_en",
)


def summarise_utilities(
    communities: gpd.GeoDataFrame,
    utility_lines: gpd.GeoDataFrame,
    zone_members: pd.DataFrame | None = None,
    *,
    as_of: datetime.date,
    reach_m: float = 20.0,
    expected_networks: tuple[str, ...] = PLAN_NETWORKS,
) -> pd.DataFrame:
    """Length, age and operators of each utility network in each community, and whether it is reached.

    A planner reads here what lies inside a compound's boundary, how much of it is past 20 or 30
    years, which operators (专营单位) to sit down with, and which compounds a network does not reach.
    Only lines in use count as service: abandoned, empty and planned lines are measured in columns of
    their own and never reach anybody; a line whose status nobody recorded can make a community
    ``unknown``, never ``yes``. The function does not judge capacity, connection to the buildings or
    the need for renewal.

    Parameters
    ----------
    communities
        Polygons, project CRS in metres, indexed by id (a default index counts as ids "0", "1", ...).
    utility_lines
        Lines, same CRS, indexed by id; ``network``, and where known ``status``, ``operator``, ``year_built``.
    zone_members
        Table indexed by community with ``zone_id``; copied beside each row. None: zone unknown.
    as_of
        Day the ages refer to; age is the difference of calendar years. A line in use that claims to
        be built after this year has an unknown age.
    reach_m
        A community is reached by a network when a line in use lies at most this far from its polygon,
        metres. No standard gives a figure; 20 m is the widest branch road (GB 50180-2018: 14-20 m
        between red lines), so a main on the far side of the street still counts.
    expected_networks
        Networks that get a row even when the layer holds no line of them; then ``unknown``, because
        a network without a record is not surveyed rather than absent.

    Returns
    -------
    pandas.DataFrame
        Layer ``utility_by_community``, indexed by ``community_network_id`` (``<community>/<network>``)
        and sorted by it: one row for each community and network. Lengths in metres are cut exactly at the
        polygon; ``nearby_length_m`` lies outside it but within ``reach_m``. A line that runs along a
        shared boundary counts for both neighbours, so community lengths must not be added up to a city total.
        No communities: an empty frame with the same columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    ConfigError
        ``reach_m`` is negative or ``expected_networks`` names an unknown network.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O((n + m) log m + k) for n areas, m lines and k pairs that meet.

    Examples
    --------
    A water main that runs through a square of 100 m and 20 m on:

    >>> from shapely import LineString, box
    >>> home = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 100)], index=["A"], crs="EPSG:4548")
    >>> told = {"network": ["water"], "status": ["in_use"], "year_built": [1994]}
    >>> main = gpd.GeoDataFrame(told, geometry=[LineString([(0, 50), (120, 50)])], index=["W"], crs="EPSG:4548")
    >>> day = datetime.date(2024, 9, 30)
    >>> found = summarise_utilities(home, main, as_of=day, expected_networks=("water", "gas"))
    >>> found[["reached", "length_m", "nearby_length_m", "age_30_plus_length_m"]]
                          reached  length_m  nearby_length_m  age_30_plus_length_m
    community_network_id
    A/gas                 unknown       0.0              0.0                   0.0
    A/water                   yes     100.0             20.0                 100.0
    """
    areas = sorted_by_id(communities, "communities")
    summary = _summarise(areas, utility_lines, as_of, reach_m, expected_networks)
    summary = _keyed(summary, areas, "community")
    zone_id = pd.Series(None, index=areas.index, dtype="object")
    if zone_members is not None:
        zone_id = with_ids(zone_members, "zone_members")["zone_id"].astype("object")
    summary.insert(1, "zone_id", summary["community_id"].map(zone_id).astype("object"))
    return summary


def summarise_zone_utilities(
    zones: gpd.GeoDataFrame,
    utility_lines: gpd.GeoDataFrame,
    *,
    as_of: datetime.date,
    reach_m: float = 20.0,
    expected_networks: tuple[str, ...] = PLAN_NETWORKS,
) -> pd.DataFrame:
    """The same for renovation zones: what lies in each zone's polygon and what reaches it.

    Measured on the zone's own geometry, not added up from communities, so a pipe shared by two
    members counts once. A zone is reached when any part of it is: look at the communities for the
    ones that are left out.

    Parameters
    ----------
    zones
        Polygons indexed by ``zone_id``, project CRS in metres.
    utility_lines, as_of, reach_m, expected_networks
        As for :func:`summarise_utilities`.

    Returns
    -------
    pandas.DataFrame
        Layer ``utility_by_zone``, indexed by ``zone_network_id`` (``<zone>/<network>``) and sorted by it;
        columns and units as in :func:`summarise_utilities`. No zones: an empty frame with the same columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    ConfigError
        ``reach_m`` is negative or ``expected_networks`` names an unknown network.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O((n + m) log m + k) for n zones, m lines and k pairs that meet.

    Examples
    --------
    A zone of 100 m, and a gas main that passes 30 m off, out of reach:

    >>> from shapely import LineString, box
    >>> zone = gpd.GeoDataFrame(geometry=[box(0, 0, 100, 100)], index=["Z"], crs="EPSG:4548")
    >>> told = {"network": ["gas"], "status": ["in_use"]}
    >>> main = gpd.GeoDataFrame(told, geometry=[LineString([(0, 130), (100, 130)])], index=["G"], crs="EPSG:4548")
    >>> found = summarise_zone_utilities(zone, main, as_of=datetime.date(2024, 9, 30), expected_networks=())
    >>> found[["reached", "distance_m", "nearest_line_id"]]
                    reached  distance_m nearest_line_id
    zone_network_id
    Z/gas                no        30.0               G
    """
    areas = sorted_by_id(zones, "zones")
    return _keyed(_summarise(areas, utility_lines, as_of, reach_m, expected_networks), areas, "zone")


def _summarise(
    areas: gpd.GeoDataFrame,
    utility_lines: gpd.GeoDataFrame,
    as_of: datetime.date,
    reach_m: float,
    expected_networks: tuple[str, ...],
) -> pd.DataFrame:
    """One row for each position in ``areas`` and network, measured on the areas' polygons."""
    require_metric(utility_lines=utility_lines, areas=areas)
    _require_options(reach_m, expected_networks)
    # Sorted as the areas are: sums are then added in the same order whatever the order of the input rows.
    lines = sorted_by_id(utility_lines, "utility_lines")
    networks = _networks_to_report(lines, expected_networks)
    facts = _line_facts(lines, as_of)
    pieces = _pieces(lines, areas, reach_m).join(facts, on="line")
    grid = pd.MultiIndex.from_product([range(len(areas)), networks], names=["area", "network"])
    table = _lengths(pieces).reindex(grid, fill_value=0.0)
    table = table.join(_details(pieces))
    table = table.join(_nearest(lines, areas, facts, networks))
    table["line_count"] = table["line_count"].fillna(0).astype("int64")
    table["near_unknown_m"] = table["status_unknown_length_m"] + table["status_unknown_nearby_m"]
    table["surveyed"] = np.isin(table.index.get_level_values("network"), facts["network"].unique())
    table["reached"] = _reached(table, reach_m)
    return _with_reasons(table.reset_index(), reach_m)


def _keyed(table: pd.DataFrame, areas: gpd.GeoDataFrame, area_kind: str) -> pd.DataFrame:
    """The rows named by area and network, and sorted by that; columns in order."""
    id_column, key = f"{area_kind}_id", f"{area_kind}_network_id"
    table.insert(0, id_column, areas.index.to_numpy(dtype=object)[table["area"].to_numpy(dtype=int)])
    table.index = pd.Index(table[id_column] + "/" + table["network"], name=key, dtype="object")
    return texts_as_objects(table[[id_column, *_COLUMNS]].sort_index())


def _require_options(reach_m: float, expected_networks: tuple[str, ...]) -> None:
    """Raise ConfigError for a negative reach or a network the schema does not know."""
    if not reach_m >= 0:
        raise ConfigError(
            f"[utilities] reach_m 应为不小于 0 的米数，现为 {reach_m}。",
            f"[utilities] reach_m must be metres, 0 or more; found {reach_m}.",
        )
    known = layer_schema("utility_lines").fields["network"].values
    wrong = [name for name in expected_networks if name not in known]
    if wrong:
        near = nearest_names(wrong[0], known)
        raise ConfigError(
            f"[utilities] expected_networks 中的 {', '.join(wrong)} 不是管线类别"
            f"{f'；是否指 {near}？' if near else '。'}可用：{', '.join(known)}。",
            f"[utilities] expected_networks: {', '.join(wrong)} is no network"
            f"{f'; did you mean {near}?' if near else '.'} Known: {', '.join(known)}.",
        )


def _networks_to_report(lines: gpd.GeoDataFrame, expected: tuple[str, ...]) -> list[str]:
    """Expected networks and those in the layer, in the schema's order."""
    wanted = {*expected, *lines["network"].dropna()}
    return [name for name in layer_schema("utility_lines").fields["network"].values if name in wanted]


def _line_facts(lines: gpd.GeoDataFrame, as_of: datetime.date) -> pd.DataFrame:
    """Network, status, age and operator of each line by position; unknown status is the word ``unknown``."""
    year = optional_numbers(lines, "year_built").to_numpy()
    year = np.where(year > as_of.year, np.nan, year)
    operator = optional_column(lines, "operator")
    return pd.DataFrame(
        {
            "network": lines["network"].to_numpy(dtype=object),
            "status": optional_column(lines, "status").fillna("unknown").to_numpy(dtype=object),
            "year": year,
            "age_years": as_of.year - year,
            "operator": operator.where(operator.notna(), None).to_numpy(dtype=object),
        },
        index=pd.RangeIndex(len(lines), name="line"),
    )


def _pieces(lines: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, reach_m: float) -> pd.DataFrame:
    """Every (area, line) pair that meets within ``reach_m``: metres inside and metres beside the area."""
    line_shapes, area_shapes = lines.geometry.to_numpy(), areas.geometry.to_numpy()
    inside = lengths_within(line_shapes, area_shapes)
    if reach_m > 0:
        around = shapely.buffer(area_shapes, reach_m, quad_segs=_ARC_SEGMENTS)
        reach = lengths_within(line_shapes, around)
    else:
        reach = inside
    both = pd.concat([inside.rename("inside_m"), reach.rename("reach_m")], axis="columns").fillna(0.0).sort_index()
    both["nearby_m"] = (both["reach_m"] - both["inside_m"]).clip(lower=0.0)
    return both.drop(columns="reach_m").reset_index()


def _lengths(pieces: pd.DataFrame) -> pd.DataFrame:
    """Sums of metres by area and network: in use by age and operator, the other statuses each apart."""
    inside, status, age = pieces["inside_m"], pieces["status"], pieces["age_years"]
    young, old = _AGE_LIMITS_YEARS
    in_use = status == "in_use"
    masks = {
        "length_m": in_use,
        "age_under_20_length_m": in_use & (age < young),
        "age_20_to_30_length_m": in_use & (age >= young) & (age < old),
        "age_30_plus_length_m": in_use & (age >= old),
        "age_unknown_length_m": in_use & age.isna(),
        "operator_unknown_length_m": in_use & pieces["operator"].isna(),
        **{f"{other}_length_m": status == other for other in ("abandoned", "empty", "planned")},
        "status_unknown_length_m": status == "unknown",
    }
    columns = {name: inside.where(mask, 0.0) for name, mask in masks.items()}
    columns["nearby_length_m"] = pieces["nearby_m"].where(in_use, 0.0)
    columns["status_unknown_nearby_m"] = pieces["nearby_m"].where(status == "unknown", 0.0)
    columns["out_of_use_m"] = (inside + pieces["nearby_m"]).where(~status.isin(["in_use", "unknown"]), 0.0)
    columns["age_metre_years"] = (inside * age).where(in_use & age.notna(), 0.0)
    return pd.DataFrame(columns).groupby([pieces["area"], pieces["network"]]).sum()


def _details(pieces: pd.DataFrame) -> pd.DataFrame:
    """Line count, oldest year and operators of the lines in use inside each area, by area and network."""
    served = pieces[(pieces["status"] == "in_use") & (pieces["inside_m"] > 0)]
    groups = served.groupby(["area", "network"])
    known = served[served["operator"].notna()].groupby(["area", "network"])
    return pd.DataFrame(
        {
            "line_count": groups.size(),
            "oldest_year_built": groups["year"].min().astype("Int64"),
            "operators": known["operator"].agg(lambda names: "、".join(sorted(set(names)))).astype("object"),
        }
    )


def _nearest(
    lines: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, facts: pd.DataFrame, networks: list[str]
) -> pd.DataFrame:
    """Exact metres to the nearest line in use and to the nearest of unknown status, by area and network."""
    shapes, area_shapes = lines.geometry.to_numpy(), areas.geometry.to_numpy()
    names = np.array([*lines.index, None], dtype=object)  # position -1, "none", reads the last
    parts = []
    for network in networks:
        of_network = (facts["network"] == network).to_numpy()
        in_use = np.flatnonzero(of_network & (facts["status"] == "in_use").to_numpy())
        doubtful = np.flatnonzero(of_network & (facts["status"] == "unknown").to_numpy())
        distance, position = _nearest_line(shapes, in_use, area_shapes)
        unknown_distance, _ = _nearest_line(shapes, doubtful, area_shapes)
        part = pd.DataFrame(
            {"distance_m": distance, "unknown_distance_m": unknown_distance, "nearest_line_id": names[position]}
        )
        part.index = pd.MultiIndex.from_product([range(len(areas)), [network]], names=["area", "network"])
        parts.append(part)
    return pd.concat(parts)


def _nearest_line(shapes: NDArray[Any], chosen: Ints, areas: NDArray[Any]) -> tuple[Floats, Ints]:
    """Distance and position of the nearest chosen line to each area; ties go to the smaller id; none: NaN and -1."""
    distance, position = np.full(len(areas), np.nan), np.full(len(areas), -1, dtype="int64")
    if len(chosen) == 0 or len(areas) == 0:
        return distance, position
    pairs, metres = shapely.STRtree(shapes[chosen]).query_nearest(areas, return_distance=True)
    area, line = np.asarray(pairs)
    order = np.lexsort((line, area))
    first = order[np.unique(area[order], return_index=True)[1]]
    distance[area[first]], position[area[first]] = metres[first], chosen[line[first]]
    return distance, position


def _reached(table: pd.DataFrame, reach_m: float) -> pd.Series[Any]:
    """yes, no or unknown: only a line in use can make a yes, only a surveyed network can make a no."""
    # NaN compares false on both sides, so "no such line" falls through to the next test.
    served = table["distance_m"] <= reach_m
    doubtful = (table["unknown_distance_m"] <= reach_m) | ~table["surveyed"]
    return pd.Series(np.select([served, doubtful], ["yes", "unknown"], "no"), index=table.index, dtype="object")


def _with_reasons(table: pd.DataFrame, reach_m: float) -> pd.DataFrame:
    """The table with mean age and one sentence a row in each language saying why it is reached or not."""
    known_m = table["length_m"] - table["age_unknown_length_m"]
    table["mean_age_years"] = (table["age_metre_years"] / known_m.where(known_m > 0)).astype("float64")
    labels = layer_schema("utility_lines").fields["network"].values
    combined = table["network"].eq("combined_sewer") & table["reached"].eq("yes")
    has_combined = table["area"].isin(table.loc[combined, "area"]) & table["network"].isin(["sewer", "storm"])
    # One sentence a row in Python: the wording has branches, and rows are communities times networks, not lines.
    rows = table.assign(with_combined=has_combined)[list(_Service._fields)].itertuples(index=False, name=None)
    sentences = [
        _reason(_Service(*row), labels[name], reach_m)
        for row, name in zip(rows, table["network"].astype(str), strict=True)
    ]
    table["reason_zh"] = pd.Series([zh for zh, _ in sentences], index=table.index, dtype="object")
    table["reason_en"] = pd.Series([en for _, en in sentences], index=table.index, dtype="object")
    return table


class _Service(NamedTuple):
    """What is said of one network in one area, lengths in metres; no line in use anywhere: the distance is NaN."""

    reached: str
    surveyed: bool
    length_m: float
    distance_m: float
    near_unknown_m: float
    out_of_use_m: float
    with_combined: bool


def _reason(row: _Service, network: Text, reach_m: float) -> tuple[str, str]:
    """Why the network reaches the area, does not, or may."""
    zh, en = network
    if row.reached == "yes" and row.length_m > 0:
        return (
            f"范围内有在用{zh}管线 {row.length_m:.0f} m。",
            f"{row.length_m:.0f} m of {en} lines in use lie inside.",
        )
    if row.reached == "yes":
        return (
            f"范围内无在用{zh}管线，边界外 {row.distance_m:.1f} m 处有（判定距离 {reach_m:g} m）。",
            f"No {en} line in use inside; one lies {row.distance_m:.1f} m from the boundary (reach {reach_m:g} m).",
        )
    if not row.surveyed:
        return (
            f"管线图层没有任何{zh}管线记录，无法判断是否通达，请向专营单位核实。",
            f"The layer holds no {en} line at all, so reach cannot be judged; ask the operator.",
        )
    if row.reached == "unknown":
        return (
            f"{reach_m:g} m 内仅有使用状态未填的{zh}管线 {row.near_unknown_m:.0f} m，请向专营单位核实。",
            f"Within {reach_m:g} m there are only {row.near_unknown_m:.0f} m of {en} lines of unknown status; ask.",
        )
    return _reason_not_reached(row, network, reach_m)


def _reason_not_reached(row: _Service, network: Text, reach_m: float) -> tuple[str, str]:
    """Why a network does not reach the area, what is nearest, and what was not counted."""
    zh, en = network
    texts = [(f"{reach_m:g} m 内没有在用{zh}管线", f"No {en} line in use within {reach_m:g} m")]
    if np.isnan(row.distance_m):
        texts.append(("全部数据中也没有在用的", "nor anywhere in the data"))
    else:
        texts.append((f"最近的在用管线相距 {row.distance_m:.0f} m", f"the nearest is {row.distance_m:.0f} m away"))
    if row.out_of_use_m > 0:
        texts.append(
            (
                f"废弃、空管或规划管线 {row.out_of_use_m:.0f} m 不计入",
                f"{row.out_of_use_m:.0f} m of abandoned, empty or planned lines do not count",
            )
        )
    if row.with_combined:
        texts.append(("有雨污合流管通达，尚未分流", "a combined sewer does reach it: not yet separated"))
    return "；".join(zh for zh, _ in texts) + "。", "; ".join(en for _, en in texts) + "."
