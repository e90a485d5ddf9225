"""One record a zone with everything its sheet in the scheme book says (片区登记表)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.contiguity import USABLE, WALL_WORTH_A_WORD_M
from gis_renovation.crs import require_metric
from gis_renovation.ids import on_text_ids
from gis_renovation.schemas import layer_schema
from gis_renovation.sentences import repeat_sentences
from gis_renovation.unknowns import name_or_id, names_or_ids
from gis_renovation.words import WAN, Text, yuan_text
from gis_renovation.zones.sentences import drawn

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
_NONE, _UNKNOWN = Text("无", "none"), Text("未知", "unknown")


def zone_sheets(  # noqa: PLR0913 - each is a layer that the sheet tells of
    zones: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    *,
    facilities: gpd.GeoDataFrame | None = None,
    utility_lines: gpd.GeoDataFrame | None = None,
    projects: pd.DataFrame | None = None,
    project_communities: pd.DataFrame | None = None,
    funds: pd.DataFrame | None = None,
    facility_reach_m: float = 300.0,
    utility_reach_m: float = 10.0,
) -> pd.DataFrame:
    """One record a zone with what its sheet in the scheme book says (片区登记表).

    Name, subdistrict, four bounds, area, communities, sums, needs by class, shared walls that could be
    opened, facilities within reach and those the complete-community standard expects but are not,
    utility operators, projects, money by basis and planned money by source, and why it is a zone.

    Parameters
    ----------
    zones, communities, community_links, zone_members
        Layers of one run; projected CRS in metres.
    facilities, utility_lines, projects, project_communities, funds
        What else is known; None leaves the columns unknown. Money of a project over several zones is
        counted in none, because nobody has split it; the project is named in each.
    facility_reach_m
        Straight-line reach from the zone's edge (300 m: 五分钟生活圈, GB 50180-2018; a guide value).
    utility_reach_m
        Lines this near belong to a zone's operators.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_sheets``, index ``zone_id``, sorted. No zones, no rows.

    Raises
    ------
    CRSError
        No common projected CRS in metres.

    Notes
    -----
    O(n + m) and one spatial query a layer.

    Examples
    --------
    Four communities in a row, 10 m apart, each of 0.8 ha.

    >>> import geopandas as gpd
    >>> import numpy as np
    >>> import shapely
    >>> from gis_renovation.contiguity import link_communities
    >>> from gis_renovation.zones import ZoneRequirements, delineate_zones, describe_zones
    >>> x = np.arange(4) * 110.0
    >>> communities = gpd.GeoDataFrame(
    ...     {"name": ["甲", "乙", "丙", "丁"], "households": [300, 250, 200, 600]},
    ...     index=["C1", "C2", "C3", "C4"],
    ...     geometry=shapely.box(x, 0.0, x + 100.0, 80.0),
    ...     crs="EPSG:4548",
    ... )
    >>> links = link_communities(communities)
    >>> asked = ZoneRequirements(households={"min": 500, "max": 900})
    >>> members = delineate_zones(communities, links, requirements=asked)
    >>> zones = describe_zones(communities, links, members, requirements=asked)
    >>> sheets = zone_sheets(zones, communities, links, members)
    >>> sheets[["communities_zh", "area_ha", "households"]].to_dict("index")["Z-C1"]
    {'communities_zh': '甲、乙', 'area_ha': 1.6, 'households': 550.0}
    """
    require_metric(
        zones=zones,
        communities=communities,
        **drawn(community_links),
        facilities=facilities,
        utility_lines=utility_lines,
    )
    communities, zone_members = on_text_ids(communities, "communities"), on_text_ids(zone_members, "zone_members")
    frame = on_text_ids(zones, "zones").sort_index()
    members, called = _members(zone_members), dict(zip(communities.index, names_or_ids(communities), strict=True))
    columns: dict[str, Any] = {
        "name": frame["name"].array,
        "subdistrict": frame["subdistrict"].array,
        "extent_zh": frame["extent_zh"].array,
        "extent_en": frame["extent_en"].array,
        "area_ha": frame["land_area_m2"].to_numpy() / 1e4,
    }
    for name in ("community_count", "households", "building_count", "floor_area_m2", "cost_yuan"):
        columns[name] = frame[name].array
    columns |= _texts("communities", [_names(called, members.get(zone, ())) for zone in frame.index])
    columns |= _texts("plan_batches", [_batches(communities, members.get(zone, ())) for zone in frame.index])
    columns |= {name: frame[name].array for name in ("need_basic", "need_improvement", "need_enhancement")}
    columns |= _walls(frame.index, members, called, community_links)
    columns |= _facilities(frame, facilities, facility_reach_m)
    columns |= _texts("operators", _operators(frame, utility_lines, utility_reach_m))
    columns |= _money(frame.index, members, projects, project_communities, funds)
    table = pd.DataFrame(columns, index=pd.Index(frame.index, dtype="str", name="zone_id"))
    return repeat_sentences(table, "why", frame)


def _members(zone_members: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    known = zone_members[zone_members["zone_id"].notna()]
    return {str(zone): tuple(sorted(map(str, rows))) for zone, rows in known.groupby("zone_id").groups.items()}


def _texts(name: str, values: Sequence[Text | None]) -> dict[str, Any]:
    """The two columns of a sentence; null where nobody looked."""
    return {
        f"{name}_zh": pd.array([None if text is None else text.zh for text in values], dtype="str"),
        f"{name}_en": pd.array([None if text is None else text.en for text in values], dtype="str"),
    }


def _listed(parts: Sequence[Text], otherwise: Text, *, zh: str = "；", en: str = "; ") -> Text:
    """Items one after another, or what to say without any."""
    return Text(zh.join(part.zh for part in parts), en.join(part.en for part in parts)) if parts else otherwise


def _names(called: Mapping[str, str], members: Sequence[str]) -> Text:
    names = [Text(name, name) for name in (called[member] for member in members)]
    return _listed(names, _NONE, zh="、", en=", ")


def _batches(communities: gpd.GeoDataFrame, members: Sequence[str]) -> Text | None:
    """The plan batches of the members with how many each; None where the layer does not say."""
    if "plan_batch" not in communities:
        return None
    labels = layer_schema("communities").fields["plan_batch"].values
    counts = communities.loc[list(members), "plan_batch"].fillna("").value_counts()
    order = {code: place for place, code in enumerate(labels)}
    parts = []
    for code in sorted(counts.index, key=lambda code: (order.get(code, 99), code)):
        label = _label(labels, str(code)) if code else _UNKNOWN
        parts.append(Text(f"{label.zh} {counts[code]} 个", f"{label.en}: {counts[code]}"))
    return _listed(parts, _NONE)


def _walls(
    index: pd.Index, members: Mapping[str, Sequence[str]], called: Mapping[str, str], links: pd.DataFrame
) -> dict[str, Any]:
    """Shared walls inside each zone that could be opened (拆墙并院): how long in all, and which."""
    home = {member: zone for zone, group in members.items() for member in group}
    walls: dict[str, list[tuple[float, Text]]] = {str(zone): [] for zone in index}
    if "shared_wall_m" in links:
        usable = links[links["status"].isin(USABLE) & (links["shared_wall_m"] >= WALL_WORTH_A_WORD_M)]
        for focal, neighbor, length in usable[["focal", "neighbor", "shared_wall_m"]].itertuples(index=False):
            zone = home.get(focal)
            if zone in walls and zone == home.get(neighbor):
                pair = f"{called[focal]}—{called[neighbor]} {length:.0f}"
                walls[str(zone)].append((-float(length), Text(f"{pair} 米", f"{pair} m")))
    unknown = "shared_wall_m" not in links
    lengths = [np.nan if unknown else -sum(row[0] for row in walls[str(zone)]) + 0.0 for zone in index]
    ordered = [sorted(walls[str(zone)], key=lambda row: (row[0], row[1].zh)) for zone in index]
    listed = [None if unknown else _listed([text for _, text in rows], _NONE) for rows in ordered]
    return {"shared_wall_m": lengths, **_texts("shared_walls", listed)}


def _facilities(frame: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame | None, reach_m: float) -> dict[str, Any]:
    """Kinds of facility within reach of the zone's edge, and expected kinds that are not.

    Straight-line reach over-claims near barriers; the services analysis measures along streets.
    """
    if facilities is None:
        nothing = [None] * len(frame)
        return _texts("facilities", nothing) | _texts("missing_facilities", nothing)
    labels = layer_schema("facilities").fields["kind"].values
    zone, row = facilities.sindex.query(frame.geometry, predicate="dwithin", distance=reach_m)
    found: list[set[str]] = [set() for _ in range(len(frame))]
    for place, kind in zip(zone, facilities["kind"].iloc[row], strict=True):
        if isinstance(kind, str):
            found[place].add(kind)

    def kinds_text(chosen: Iterable[str]) -> Text:
        return _listed([_label(labels, kind) for kind in chosen], _NONE, zh="、", en=", ")

    present = [kinds_text(kind for kind in labels if kind in kinds) for kinds in found]
    missing = [kinds_text(kind for kind in EXPECTED_FACILITIES if kind not in kinds) for kinds in found]
    return _texts("facilities", present) | _texts("missing_facilities", missing)


def _label(labels: Mapping[str, Text], code: str) -> Text:
    return labels.get(code, Text(code, code))


def _operators(frame: gpd.GeoDataFrame, utility_lines: gpd.GeoDataFrame | None, reach_m: float) -> list[Text | None]:
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
    texts: list[Text | None] = []
    for pairs in found:
        ordered = sorted(pairs, key=lambda pair: (order.get(pair[0], 99), pair[1]))
        named = [(_label(labels, net), name) for net, name in ordered]
        texts.append(_listed([Text(f"{net.zh}：{name}", f"{net.en}: {name}") for net, name in named], _UNKNOWN))
    return texts


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
        return _texts("projects", [None] * len(index)) | _amounts(index, {}, None)
    home = {member: zone for zone, group in members.items() for member in group}
    zones_of: dict[str, set[str | None]] = {}
    for project, member in project_communities[["project_id", "community_id"]].itertuples(index=False):
        zones_of.setdefault(str(project), set()).add(home.get(str(member)))
    inside: dict[str, list[str]] = {str(zone): [] for zone in index}
    names: dict[str, list[Text]] = {str(zone): [] for zone in index}
    for project, homes in sorted(zones_of.items()):
        title = name_or_id(projects["name"].get(project), project) if projects is not None else project
        for zone in sorted(home_ for home_ in homes if home_ in names):
            over = Text(f"{title}（跨片区）", f"{title} (over several zones)")
            names[zone].append(Text(title, title) if len(homes) == 1 else over)
            inside[zone] += [project] if len(homes) == 1 else []
    return _texts("projects", [_listed(names[str(zone)], _NONE) for zone in index]) | _amounts(index, inside, funds)


def _amounts(index: pd.Index, inside: Mapping[str, Sequence[str]], funds: pd.DataFrame | None) -> dict[str, Any]:
    if funds is None or not inside:
        columns: dict[str, Any] = {f"funds_{basis}_yuan": np.full(len(index), np.nan) for basis in MONEY_BASES}
        return columns | _texts("fund_sources", [None] * len(index))
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
        sums = [
            (labels[code], f"{by_source[code] / WAN:,.2f}", yuan_text(by_source[code]))
            for code in labels
            if code in by_source.index
        ]
        parts = [Text(f"{label.zh} {text} 万元", f"{label.en} {yuan}") for label, text, yuan in sums]
        texts.append(_listed(parts, _UNKNOWN))
    return columns | _texts("fund_sources", texts)


def _sum_or_unknown(funds: pd.DataFrame, basis: str) -> float:
    rows = funds.loc[funds["basis"] == basis, "amount_yuan"]
    return float(rows.sum()) if len(rows) else np.nan
