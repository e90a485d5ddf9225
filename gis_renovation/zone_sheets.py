"""One record a zone with everything its sheet in the scheme book says (handbook §6, zone record)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.errors import Text
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import name_or_id
from gis_renovation.zone_request import USABLE

MONEY_BASES = ("planned", "allocated", "received", "paid")
# 完整居住社区建设标准: what a zone should have in reach; the rest of the kinds are pleasant, not asked for.
EXPECTED_FACILITIES = (
    "service_station",
    "kindergarten",
    "nursery",
    "elderly_station",
    "health_station",
    "supermarket",
    "parcel_point",
    "activity_ground",
)


def sheet_records(
    zones: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame | None,
    utility_lines: gpd.GeoDataFrame | None,
    projects: pd.DataFrame | None,
    project_communities: pd.DataFrame | None,
    funds: pd.DataFrame | None,
    *,
    facility_reach_m: float,
    utility_reach_m: float,
) -> pd.DataFrame:
    """The table that :func:`zones.zone_sheets` returns."""
    frame = zones.sort_index()
    members = _members(zone_members)
    columns: dict[str, Any] = {
        "name": frame["name"].array,
        "subdistrict": frame["subdistrict"].array,
        "extent_zh": frame["extent_zh"].array,
        "area_ha": frame["land_area_m2"].to_numpy() / 1e4,
    }
    for name in ("community_count", "households", "building_count", "floor_area_m2", "cost_yuan"):
        columns[name] = frame[name].array
    columns["communities_zh"] = _texts([_names(communities, members.get(zone, ())) for zone in frame.index])
    columns["plan_batches_zh"] = _texts([_batches(communities, members.get(zone, ())) for zone in frame.index])
    columns |= {name: frame[name].array for name in ("need_basic", "need_improvement", "need_enhancement")}
    columns |= _walls(frame.index, members, communities, community_links)
    columns |= _facilities(frame, facilities, facility_reach_m)
    columns["operators_zh"] = _texts(_operators(frame, utility_lines, utility_reach_m))
    columns |= _money(frame.index, members, projects, project_communities, funds)
    columns |= {name: frame[name].array for name in ("why_zh", "why_en")}
    return pd.DataFrame(columns, index=pd.Index(frame.index, dtype="str", name="zone_id"))


def _members(zone_members: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    known = zone_members[zone_members["zone_id"].notna()]
    return {str(zone): tuple(sorted(map(str, rows))) for zone, rows in known.groupby("zone_id").groups.items()}


def _texts(values: Sequence[str | None]) -> Any:
    return pd.array(list(values), dtype="str")


def _names(communities: gpd.GeoDataFrame, members: Sequence[str]) -> str:
    return "、".join(name_or_id(communities["name"].get(member), member) for member in members)


def _batches(communities: gpd.GeoDataFrame, members: Sequence[str]) -> str | None:
    """The plan batches of the members with how many each; None where the layer does not say."""
    if "plan_batch" not in communities:
        return None
    labels = layer_schema("communities").fields["plan_batch"].values
    counts = communities.loc[list(members), "plan_batch"].fillna("").value_counts()
    order = {code: place for place, code in enumerate(labels)}
    parts = [
        f"{_label(labels, str(code)) if code else '未知'} {counts[code]} 个"
        for code in sorted(counts.index, key=lambda code: (order.get(code, 99), code))
    ]
    return "；".join(parts)


def _walls(
    index: pd.Index, members: Mapping[str, Sequence[str]], communities: gpd.GeoDataFrame, links: pd.DataFrame
) -> dict[str, Any]:
    """Shared walls inside each zone that could be opened (拆墙并院): how long in all, and which."""
    home = {member: zone for zone, group in members.items() for member in group}
    walls: dict[str, list[tuple[float, str]]] = {str(zone): [] for zone in index}
    if "shared_wall_m" in links:
        usable = links[links["status"].isin(USABLE) & (links["shared_wall_m"] > 0)]
        for focal, neighbor, length in usable[["focal", "neighbor", "shared_wall_m"]].itertuples(index=False):
            zone = home.get(focal)
            if zone in walls and zone == home.get(neighbor):
                text = f"{_names(communities, [focal])}—{_names(communities, [neighbor])} {length:.0f} 米"
                walls[str(zone)].append((-float(length), text))
    unknown = "shared_wall_m" not in links
    return {
        "shared_wall_m": [np.nan if unknown else -sum(row[0] for row in walls[str(zone)]) + 0.0 for zone in index],
        "shared_walls_zh": _texts(
            [None if unknown else "；".join(text for _, text in sorted(walls[str(zone)])) or "无" for zone in index]
        ),
    }


def _facilities(frame: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame | None, reach_m: float) -> dict[str, Any]:
    """Kinds of facility within reach of the zone's edge, and expected kinds that are not.

    Straight-line reach over-claims near barriers; the services analysis measures along streets.
    """
    if facilities is None:
        nothing = [None] * len(frame)
        return {"facilities_zh": _texts(nothing), "missing_facilities_zh": _texts(nothing)}
    labels = layer_schema("facilities").fields["kind"].values
    zone, row = facilities.sindex.query(frame.geometry, predicate="dwithin", distance=reach_m)
    found: list[set[str]] = [set() for _ in range(len(frame))]
    for place, kind in zip(zone, facilities["kind"].iloc[row], strict=True):
        if isinstance(kind, str):
            found[place].add(kind)
    present = ["、".join(_label(labels, kind) for kind in labels if kind in kinds) or "无" for kinds in found]
    missing = [
        "、".join(_label(labels, kind) for kind in EXPECTED_FACILITIES if kind not in kinds) or "无" for kinds in found
    ]
    return {"facilities_zh": _texts(present), "missing_facilities_zh": _texts(missing)}


def _label(labels: Mapping[str, Text], code: str) -> str:
    return labels[code].zh if code in labels else code


def _operators(frame: gpd.GeoDataFrame, utility_lines: gpd.GeoDataFrame | None, reach_m: float) -> list[str | None]:
    """Utility operators with lines in or along the zone, by network."""
    if utility_lines is None or "operator" not in utility_lines:
        return [None] * len(frame)
    labels = layer_schema("utility_lines").fields["network"].values
    zone, row = utility_lines.sindex.query(frame.geometry, predicate="dwithin", distance=reach_m)
    found: list[set[tuple[str, str]]] = [set() for _ in range(len(frame))]
    networks, operators = utility_lines["network"].tolist(), utility_lines["operator"].tolist()
    for place, line in zip(zone, row, strict=True):
        if isinstance(operators[line], str):
            found[place].add((networks[line], operators[line]))
    order = {code: position for position, code in enumerate(labels)}
    return [
        "；".join(
            f"{_label(labels, net)}：{name}" for net, name in sorted(pairs, key=lambda p: (order.get(p[0], 99), p[1]))
        )
        or "未知"
        for pairs in found
    ]


def _money(
    index: pd.Index,
    members: Mapping[str, Sequence[str]],
    projects: pd.DataFrame | None,
    project_communities: pd.DataFrame | None,
    funds: pd.DataFrame | None,
) -> dict[str, Any]:
    """Projects that lie wholly in each zone, their money by basis, and planned money by source.

    A project over several zones is named, but its money is not split: nobody decided how.
    """
    if project_communities is None:
        return {"projects_zh": _texts([None] * len(index))} | _amounts(index, {}, None)
    home = {member: zone for zone, group in members.items() for member in group}
    zones_of: dict[str, set[str | None]] = {}
    for project, member in project_communities[["project_id", "community_id"]].itertuples(index=False):
        zones_of.setdefault(str(project), set()).add(home.get(str(member)))
    inside: dict[str, list[str]] = {str(zone): [] for zone in index}
    names: dict[str, list[str]] = {str(zone): [] for zone in index}
    for project, homes in sorted(zones_of.items()):
        title = name_or_id(projects["name"].get(project), project) if projects is not None else project
        for zone in sorted(home_ for home_ in homes if home_ in names):
            names[zone].append(title if len(homes) == 1 else f"{title}（跨片区）")
            inside[zone] += [project] if len(homes) == 1 else []
    return {"projects_zh": _texts(["；".join(names[str(zone)]) or "无" for zone in index])} | _amounts(
        index, inside, funds
    )


def _amounts(index: pd.Index, inside: Mapping[str, Sequence[str]], funds: pd.DataFrame | None) -> dict[str, Any]:
    if funds is None or not inside:
        columns: dict[str, Any] = {f"funds_{basis}_yuan": np.full(len(index), np.nan) for basis in MONEY_BASES}
        return columns | {"fund_sources_zh": _texts([None] * len(index))}
    labels = layer_schema("funds").fields["source"].values
    own = {str(zone): funds[funds["project_id"].isin(list(inside[str(zone)]))] for zone in index}
    columns = {
        f"funds_{basis}_yuan": np.array([_sum_or_unknown(own[str(zone)], basis) for zone in index])
        for basis in MONEY_BASES
    }
    texts = []
    for zone in index:
        planned = own[str(zone)]
        by_source = planned[planned["basis"] == "planned"].groupby("source")["amount_yuan"].sum()
        parts = [
            f"{_label(labels, code)} {by_source[code] / 1e4:,.2f} 万元" for code in labels if code in by_source.index
        ]
        texts.append("；".join(parts) or "未知")
    return columns | {"fund_sources_zh": _texts(texts)}


def _sum_or_unknown(funds: pd.DataFrame, basis: str) -> float:
    rows = funds.loc[funds["basis"] == basis, "amount_yuan"]
    return float(rows.sum()) if len(rows) else np.nan
