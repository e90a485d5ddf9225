"""A request checked against the layers, and put into numbers for the search."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis_renovation.arrays import Flags, Floats
from gis_renovation.contiguity import USABLE
from gis_renovation.errors import ConfigError, DataError, Finding, by_key
from gis_renovation.ids import ids_in
from gis_renovation.words import Text
from gis_renovation.zones.requirements import (
    QUANTITIES,
    Ids,
    ZoneRequirements,
    group_faults,
    limit_faults,
    together_with,
)
from gis_renovation.zones.solver import Labels, ZoneProblem, compact, connected_parts, part_problem

NEEDS = ("need_basic", "need_improvement", "need_enhancement")
# Features are counted in hundredths of the city's median link: finer than any survey, and exact.
FEATURE_STEPS = 100.0
# A link across this many metres is worth half of one without a gap; a shared wall of this length adds half.
HALF_WORTH_M = 30.0
YEARS_APART = 10.0


class Request(NamedTuple):
    """A checked request: ids in order, amounts in units, and the search problem of the free communities.

    ``node`` gives each community's node in ``problem``, -1 in a fixed zone; communities that must be
    together and touch share a node. ``links`` are the usable links as positions in ``ids``.
    """

    ids: Ids
    amounts: Mapping[str, Floats]
    node: Labels
    problem: ZoneProblem
    links: pd.DataFrame
    requirements: ZoneRequirements
    unit_m: float


def read_request(
    communities: gpd.GeoDataFrame,
    community_links: pd.DataFrame,
    requirements: ZoneRequirements,
    *,
    unit_m: float | None = None,
) -> Request:
    """Check wishes and layers together and build the search problem. O(n + m).

    Distances are counted in ``unit_m`` metres, the median link of the city where it is not given: what two requests
    with nearly the same links share, so that a link more or less changes no cost elsewhere.

    Raises ConfigError for wishes that contradict themselves or name unknown communities, DataError for
    layers that lack what the bounds need. All faults are in one message.
    """
    ids = np.array(sorted(map(str, communities.index)), dtype=object)
    frame = communities.loc[ids]
    amounts = community_amounts(frame)
    config = [*limit_faults(requirements), *group_faults(requirements, ids)]
    findings = [*_layer_faults(frame, community_links, ids), *_amount_faults(frame, amounts, requirements)]
    links = usable_links(ids, community_links) if not findings else None
    if links is not None and not config:
        config += _connection_faults(requirements, ids, links)
    if config:
        told = [*config, *(Text(finding.sentence("zh"), finding.sentence("en")) for finding in findings)]
        start = Text("片区划分的要求有误：", "The request for zones has faults:")
        raise ConfigError(*Text.same("\n").join([start, *("  - " + fault for fault in told)]))
    if findings or links is None:
        raise DataError(findings)
    node = _contract(ids, links, requirements, set_aside(ids, amounts, requirements))
    unit_m = _median_length_m(frame, links) if unit_m is None else unit_m
    problem = _problem(frame, requirements, ids=ids, links=links, node=node, amounts=amounts, unit_m=unit_m)
    return Request(ids, amounts, node, problem, links, requirements, unit_m)


def request_faults(communities: gpd.GeoDataFrame, requirements: ZoneRequirements) -> tuple[list[Text], list[Finding]]:
    """What :func:`read_request` would refuse that can be told without links: of the wishes, and of the communities."""
    frame = communities.set_index(communities.index.astype(str)).sort_index()
    ids = frame.index.to_numpy(dtype=object)
    config = [*limit_faults(requirements), *group_faults(requirements, ids)]
    return config, list(_amount_faults(frame, community_amounts(frame), requirements))


def zone_by_member(zone_members: pd.DataFrame) -> dict[str, str]:
    """The zone of each community that has one, from a table of members."""
    known = zone_members["zone_id"].notna()
    return {str(member): str(zone) for member, zone in zone_members.loc[known, "zone_id"].items()}


def community_amounts(frame: gpd.GeoDataFrame) -> dict[str, Floats]:
    """Every boundable quantity of each community in its unit; NaN where unknown or not in the layer."""
    nothing = np.full(len(frame), np.nan)
    amounts = {
        name: frame[name].to_numpy(dtype="float64", na_value=np.nan) if name in frame else nothing
        for name in ("households", "floor_area_m2", "cost_yuan")
    }
    amounts["land_area_m2"] = frame.geometry.area.to_numpy()
    amounts["community_count"] = np.ones(len(frame))
    return amounts


def usable_links(ids: Ids, community_links: pd.DataFrame) -> pd.DataFrame:
    """Joined and rejoined links, one a pair, as positions ``head < tail`` with way and wall in metres.

    ``way_m`` is the walk over a crossing where one is needed, else the gap.
    """
    usable = community_links[community_links["status"].isin(USABLE)]
    position = pd.Series(np.arange(len(ids)), index=ids)
    one, two = (position[ids_in(usable[side])].to_numpy() for side in ("focal", "neighbor"))
    table = pd.DataFrame(
        {
            "head": np.minimum(one, two),
            "tail": np.maximum(one, two),
            "way_m": way_m(usable),
            "wall_m": np.nan_to_num(_numbers(usable, "shared_wall_m")),
            "shares_main": np.nan_to_num(_numbers(usable, "shared_main_count")) > 0,
            "shares_path": np.nan_to_num(_numbers(usable, "shares_path")) > 0,
            "shares_owner": np.nan_to_num(_numbers(usable, "same_owner_unit")) > 0,
            "soft_borders": _soft_borders(usable),
        }
    )
    return table.sort_values(["head", "tail", "way_m"]).drop_duplicates(["head", "tail"], ignore_index=True)


def _soft_borders(links: pd.DataFrame) -> NDArray[np.int64]:
    """How many borders that may be crossed at a cost each link crosses: between subdistricts, and barriers to open."""
    subdistrict = (_numbers(links, "same_subdistrict") == 0).astype(np.int64)
    if "cause" in links:
        subdistrict += (links["cause"] == "soft_barrier").to_numpy(dtype=np.int64)
    return np.asarray(subdistrict)


def _worth(links: pd.DataFrame, requirements: ZoneRequirements) -> Floats:
    """What it is worth to keep each link inside a zone, in squared steps; less over soft borders."""
    wall_m = links["wall_m"].to_numpy()
    worth = requirements.link_weight * (
        1.0 / (1.0 + links["way_m"].to_numpy() / HALF_WORTH_M) + wall_m / (wall_m + HALF_WORTH_M)
    )
    for column, weight in (
        ("shares_main", requirements.main_weight),
        ("shares_path", requirements.path_weight),
        ("shares_owner", requirements.owner_weight),
    ):
        worth = worth + weight * links[column].to_numpy()
    worth = worth / (1.0 + requirements.soft_border_cost * links["soft_borders"].to_numpy())
    return np.asarray(np.rint(worth * FEATURE_STEPS**2), dtype=float)


def way_m(links: pd.DataFrame) -> Floats:
    """What lies between the edges, in metres: the walk over a crossing where one is needed, else the gap."""
    walk = _numbers(links, "walk_m") if "walk_m" in links else _numbers(links, "detour_m")
    return np.asarray(np.fmax(np.nan_to_num(_numbers(links, "gap_m")), np.nan_to_num(walk)))


def _numbers(frame: pd.DataFrame, column: str) -> Floats:
    if column not in frame:
        return np.full(len(frame), np.nan)
    return frame[column].to_numpy(dtype="float64", na_value=np.nan)


def components(ids: Ids, links: pd.DataFrame) -> Labels:
    """Connected component of each community, numbered by smallest id."""
    heads, tails = links["head"].to_numpy(), links["tail"].to_numpy()
    graph = coo_array((np.ones(len(heads)), (heads, tails)), shape=(len(ids), len(ids)))
    return compact(connected_components(graph, directed=False)[1].astype(np.int64))


def _connection_faults(requirements: ZoneRequirements, ids: Ids, links: pd.DataFrame) -> list[Text]:
    """Fixed zones that do not hang together; communities to be joined that no link leads between."""
    place = {member: position for position, member in enumerate(ids)}
    whole = components(ids, links)
    torn = [group for group in requirements.must_join if len({int(whole[place[member]]) for member in group}) > 1]
    loose = []
    for group in requirements.fixed_zones:
        rows = np.array(sorted({place[member] for member in group}))
        inside = links[links["head"].isin(rows) & links["tail"].isin(rows)]
        if len(np.unique(components(ids, inside)[rows])) > 1:
            loose.append(group)
    return [
        Text(
            f"must_join 要求 {'、'.join(group)} 同片区，但它们之间没有可通行的联系，无论如何划分都不连片。",
            f"must_join wants {', '.join(group)} together, but no usable links lead from one to the other.",
        )
        for group in torn
    ] + [
        Text(
            f"固定片区 {'、'.join(group)} 内部不连通；请只列相连的小区，或补上其间的通道。",
            f"The fixed zone {', '.join(group)} is not connected; name linked communities only.",
        )
        for group in loose
    ]


def _layer_faults(frame: gpd.GeoDataFrame, community_links: pd.DataFrame, ids: Ids) -> Iterable[Finding]:
    if not len(frame):
        yield _error(
            "no_communities", "", "没有任何小区，无法划分片区。", "There are no communities to form zones of.", []
        )
    if len(set(ids)) < len(ids):
        twice = sorted({member for member, after in pairwise(ids) if member == after})
        yield _error("duplicate_key", "", "小区编号重复。", "Community ids are repeated.", twice)
    ends = pd.concat([ids_in(community_links["focal"]), ids_in(community_links["neighbor"])])
    strange = sorted(set(map(str, ends)) - set(ids))
    if strange:
        yield _error(
            "dangling_reference",
            "",
            "相邻关系指向不存在的小区；请用同一份小区图层重新计算相邻关系。",
            "Links name communities that do not exist; compute the links from the same layer.",
            strange,
        )


def _amount_faults(
    frame: gpd.GeoDataFrame, amounts: Mapping[str, Floats], requirements: ZoneRequirements
) -> Iterable[Finding]:
    for name in dict.fromkeys([*(bound.name for bound in requirements.bounds), *(requirements.target or {})]):
        values = amounts.get(name)
        if values is None:
            continue
        label = QUANTITIES[name].label
        unknown, negative = frame.index[np.isnan(values)], frame.index[values < 0]
        if len(unknown) and not requirements.leave_out_unknown:
            yield _error(
                "unknown_value",
                name,
                f"{label.zh}有限值或目标值，但这些小区的{label.zh}未知；未知不等于 0，无法判断片区是否满足要求。"
                f"三种办法：补上{label.zh}；在 project.toml 的 [zones] 中删去 {name} 的要求；"
                "或写 leave_out_unknown = true，先不划分这些小区，并列入“未能成片的小区”。",
                f"{label.en.capitalize()} is bounded or aimed at but unknown for these communities; unknown is not 0, "
                f"so no zone can be checked. Either fill it in, or drop {name} from [zones] of project.toml, or write "
                "leave_out_unknown = true to leave them out, with the reason.",
                unknown,
            )
        if len(negative):
            yield _error(
                "below_minimum", name, f"{label.zh}为负数。", f"{label.en.capitalize()} is negative.", negative
            )


def _error(code: str, field: str, zh: str, en: str, ids: Iterable[str]) -> Finding:
    text = Text(zh, en)
    return Finding(severity="error", code=code, layer="communities", field=field, text=text, features=by_key(ids))


def has_unknown(amounts: Mapping[str, Floats], requirements: ZoneRequirements) -> Flags:
    """Which communities lack an amount that is bounded or aimed at."""
    named = [*(bound.name for bound in requirements.bounds), *(requirements.target or {})]
    unknown = np.zeros(len(amounts["community_count"]), dtype=bool)
    for name in named:
        unknown |= np.isnan(amounts[name])
    return unknown


def set_aside(ids: Ids, amounts: Mapping[str, Floats], requirements: ZoneRequirements) -> Flags:
    """Communities that no zone can be checked with: an amount unknown, or that of one they must be together with."""
    unknown = has_unknown(amounts, requirements)
    leader = together_with(requirements.must_join)
    lost = {leader[member] for member in ids[unknown] if member in leader}
    return np.asarray(unknown | np.array([leader.get(member, "") in lost for member in ids], dtype=bool))


def _contract(ids: Ids, links: pd.DataFrame, requirements: ZoneRequirements, aside: Flags) -> Labels:
    """Node of each community: -1 if fixed or set aside; one node for those that touch and must be together."""
    fixed = {member for group in requirements.fixed_zones for member in group}
    leader = together_with([group for group in requirements.must_join if not fixed.issuperset(group)])
    team = np.array([leader.get(member, "") for member in ids], dtype=object)
    heads, tails = links["head"].to_numpy(), links["tail"].to_numpy()
    same = (team[heads] == team[tails]) & (team[heads] != "")
    merged = components(ids, links[same])
    free = np.array([member not in fixed for member in ids]) & ~aside
    node = np.full(len(ids), -1)
    node[free] = compact(merged[free])
    return node


def _problem(
    frame: gpd.GeoDataFrame,
    requirements: ZoneRequirements,
    *,
    ids: Ids,
    links: pd.DataFrame,
    node: Labels,
    amounts: Mapping[str, Floats],
    unit_m: float,
) -> ZoneProblem:
    points = _centres(frame)
    heads, tails, length_m = _link_lengths(points, links)
    worth = _worth(links, requirements)
    features = _features(frame, points, unit_m, requirements)
    bounded, low, high = _bounded(ids, amounts, requirements)
    wholes, whole_sizes = _wholes(ids, node, requirements)
    rows = np.column_stack(
        [np.ones(len(ids)), np.square(features).sum(axis=1), np.zeros(len(ids)), features, bounded, wholes]
    )
    free = node >= 0
    count = int(node.max(initial=-1)) + 1
    stats = np.stack([np.bincount(node[free], column[free], minlength=count) for column in rows.T], axis=1)
    one, two = np.minimum(node[heads], node[tails]), np.maximum(node[heads], node[tails])
    within = (one == two) & (one >= 0)
    stats[:, 2] += np.bincount(one[within], worth[within], minlength=count)
    pairs, which = np.unique((one * max(count, 1) + two)[(one >= 0) & (one < two)], return_inverse=True)
    across = (one >= 0) & (one < two)
    least = np.full(len(pairs), np.inf)
    np.minimum.at(least, which, length_m[across])
    return ZoneProblem(
        heads=pairs // max(count, 1),
        tails=pairs % max(count, 1),
        lengths=np.maximum(least, 1.0),
        closeness=np.asarray(np.bincount(which, worth[across], minlength=len(pairs)), float),
        stats=np.asarray(stats, float),
        features=features.shape[1],
        low=low,
        high=high,
        whole_sizes=whole_sizes,
        cost_unit=FEATURE_STEPS**2,
        zone_price=_zone_price(requirements),
        target=_target(requirements, len(low)),
        zone_count=None if requirements.zone_count is None else requirements.zone_count - len(requirements.fixed_zones),
    )


def _centres(frame: gpd.GeoDataFrame) -> Floats:
    return np.asarray(shapely.get_coordinates(shapely.centroid(frame.geometry.to_numpy())))


def _median_length_m(frame: gpd.GeoDataFrame, links: pd.DataFrame) -> float:
    """The median length of the links; 100 m where there are none."""
    *_, length_m = _link_lengths(_centres(frame), links)
    return float(np.median(length_m)) if len(length_m) else 100.0


def _link_lengths(points: Floats, links: pd.DataFrame) -> tuple[Labels, Labels, Floats]:
    """Ends, and centre-to-centre distance plus the way between edges, to the millimetre."""
    heads, tails = links["head"].to_numpy(), links["tail"].to_numpy()
    apart = np.hypot(*(points[heads] - points[tails]).T)
    return heads, tails, np.round(apart + links["way_m"].to_numpy(), 3)


def _features(frame: gpd.GeoDataFrame, points: Floats, unit_m: float, requirements: ZoneRequirements) -> Floats:
    """Position, age and needs as whole steps, so that squared distances weigh as asked.

    An unknown age or need takes the mean of the known ones: it neither draws nor repels.
    """
    origin = points[0] if len(points) else np.zeros(2)
    place = np.round(points - origin, 3) / unit_m * math.sqrt(requirements.compactness_weight)
    years = _numbers(frame, "year_built") / YEARS_APART * math.sqrt(requirements.age_weight)
    columns = [place[:, 0], place[:, 1], years]
    for name in NEEDS:
        need = _numbers(frame, name)
        most = np.nanmax(need, initial=0.0)
        columns.append(need / (most or 1.0) * math.sqrt(requirements.needs_weight))
    kept = []
    for column in columns:
        known = np.isfinite(column)
        if known.any() and np.ptp(column[known]) > 0:
            filled = np.where(known, column, column[known].mean()) - column[known][0]
            kept.append(np.rint(filled * FEATURE_STEPS))
    return np.stack(kept, axis=1) if kept else np.zeros((len(frame), 0))


def _bounded(ids: Ids, amounts: Mapping[str, Floats], requirements: ZoneRequirements) -> tuple[Floats, Floats, Floats]:
    """Bounded amounts in whole steps with their limits, then one column a pair that must stay apart."""
    columns: list[Floats] = []
    low: list[float] = []
    high: list[float] = []
    for bound in requirements.measured:
        steps = QUANTITIES[bound.name].steps
        columns.append(np.rint(amounts[bound.name] * steps))
        low.append(math.ceil(bound.low * steps - 1e-6))
        high.append(math.floor(bound.high * steps + 1e-6) if bound.high < math.inf else math.inf)
    for group in requirements.must_not_join:
        columns.append(np.isin(ids, list(group)).astype(float))
        low.append(0.0)
        high.append(1.0)
    table = np.stack(columns, axis=1) if columns else np.zeros((len(ids), 0))
    return table, np.array(low, dtype=float), np.array(high, dtype=float)


def _wholes(ids: Ids, node: Labels, requirements: ZoneRequirements) -> tuple[Floats, Floats]:
    """One column for each set that must be together but does not touch, hence is not one node."""
    teams: dict[str, list[int]] = {}
    place = {member: position for position, member in enumerate(ids)}
    for member, leader in sorted(together_with(requirements.must_join).items()):
        if node[place[member]] >= 0:
            teams.setdefault(leader, []).append(place[member])
    torn = [rows for rows in teams.values() if len(set(node[rows])) > 1]
    table = np.zeros((len(ids), len(torn)))
    for column, rows in enumerate(torn):
        table[rows, column] = 1.0
    return table, table.sum(axis=0)


def _zone_price(requirements: ZoneRequirements) -> float:
    """What one zone more costs: without any minimum, zones are as large as the maxima allow."""
    if requirements.zone_count is not None or requirements.target:
        return 0.0
    if requirements.zone_preference == "auto":
        return 0.0 if any(bound.low > 0 for bound in requirements.bounds) else 1.0
    return {"any": 0.0, "most": -1.0, "fewest": 1.0}[requirements.zone_preference]


def _target(requirements: ZoneRequirements, width: int) -> Floats | None:
    if not requirements.target:
        return None
    names = [bound.name for bound in requirements.measured]
    target = np.full(width, np.nan)
    for name, value in requirements.target.items():
        target[names.index(name)] = value * QUANTITIES[name].steps
    return target


# --- parts of a request ---------------------------------------------------------------------------


def solved_together(request: Request) -> Labels:
    """Which part of the free graph each community is solved in; those not free have a number of their own."""
    problem = request.problem
    of_node = connected_parts(problem) if problem.zone_count is None else np.zeros(problem.size, dtype=np.int64)
    alone = np.arange(len(request.node)) + int(of_node.max(initial=-1)) + 1
    free = request.node >= 0
    alone[free] = of_node[request.node[free]]
    return alone


def only_nodes(request: Request, open_: Flags) -> Request:
    """The request of some whole components alone; the other communities take no part."""
    kept = open_ & (request.node >= 0)
    nodes = np.unique(request.node[kept])
    node = np.full(len(request.node), -1)
    node[kept] = np.searchsorted(nodes, request.node[kept])
    return request._replace(problem=part_problem(request.problem, nodes), node=node)
