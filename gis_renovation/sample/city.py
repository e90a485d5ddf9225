"""A synthetic city of any size that resembles Huainan, with planted and labelled situations.

True are only the codes, names and rough positions of the county-level units and the totals of the
2024 plan. Every community, parcel, pipe, project and amount is invented. ``SITUATIONS`` lists what
was planted on purpose and what the program must find there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from gis_renovation.errors import ConfigError
from gis_renovation.sample import digs, gates, housing, land, lines, rasters, services, works
from gis_renovation.sample.place import PATCHES, reporting_units
from gis_renovation.sample.plots import Plots, lay_out
from gis_renovation.sample.small import TELLS_THE_PART, cut_city
from gis_renovation.schemas import nearest_names

__all__ = ["COMMUNITIES", "LAYERS", "SITUATIONS", "Situation", "make_city", "situation"]

SEED = 2024

# Communities of the sample: 100 of the main plan, 51 of the supplement (invented), 12 in reserve.
COMMUNITIES = sum(patch.main + patch.supplement + patch.reserve for patch in PATCHES)


def make_city(
    *, seed: int = SEED, scale: float = 1.0, communities: int | None = None, layers: Iterable[str] | None = None
) -> dict[str, Any]:
    """The layers of a synthetic city, conformed: by their keys, in EPSG:4548, clean by their schemas.

    Parameters
    ----------
    seed
        Same seed, same city. Every layer has random numbers of its own, so asking for fewer layers
        changes none of them.
    scale
        Size in samples: 10 is a city of ten times 163 communities.
    communities
        The same as a number of communities, instead of ``scale``. Fewer than the sample's are the middle of
        Xiejiaji with what lies near it: a town for quick trials, with only a part of what was planted.
    layers
        Names of the layers wanted; default all of ``LAYERS``. A benchmark of contiguity asks for
        ``("communities", "barriers", "crossings")``.

    Returns
    -------
    dict
        GeoDataFrames, DataFrames and Rasters by layer name, in the order of ``LAYERS``. At scale 1 the
        main plan has exactly 22,595 households and 1,735,100 m², the supplement 11,162 and 1,421,200.
        A larger city leaves the towns and their communities as they are; further communities stand in
        square patches in the plain south of them, all of the main plan, whose totals grow in proportion.

    Raises
    ------
    ConfigError
        An unknown layer, ``scale`` together with ``communities``, or less than one community.

    Notes
    -----
    O(communities) and O(n log n) in the street segments.
    """
    wanted = _wanted(layers)
    count = _community_count(scale, communities)
    plots = lay_out(seed=seed, communities=max(count, COMMUNITIES))
    made: dict[str, Any] = {}
    needed = {*wanted, *(TELLS_THE_PART if count < COMMUNITIES else ())}
    for name in reversed(list(_BUILDERS)):
        if name in needed:
            needed |= set(_BUILDERS[name].needs)
    for name, builder in _BUILDERS.items():
        if name in needed:
            made[name] = builder.build(plots, seed, made)
    if count < COMMUNITIES:
        made = cut_city({name: made[name] for name in LAYERS if name in made}, count)
    return {name: made[name] for name in LAYERS if name in wanted}


class _Builder(NamedTuple):
    """How one layer is made, and of which others."""

    build: Callable[[Plots, int, Mapping[str, Any]], Any]
    needs: tuple[str, ...] = ()


# In an order in which each finds what it needs; names with an underscore are steps on the way.
_BUILDERS: Mapping[str, _Builder] = {
    "reporting_units": _Builder(lambda _p, _s, _m: reporting_units()),
    "_housing": _Builder(lambda p, s, _m: housing.make_communities(p, s)),
    "communities": _Builder(lambda _p, _s, m: m["_housing"][0], ("_housing",)),
    "buildings": _Builder(
        lambda p, s, m: housing.make_buildings(p, m["_housing"][0], m["_housing"][1], s), ("_housing",)
    ),
    "illegal_structures": _Builder(
        lambda p, s, m: housing.make_illegal_structures(p, m["_housing"][1], s), ("_housing",)
    ),
    "streets": _Builder(
        lambda p, s, m: digs.with_dates(lines.make_streets(p, s), m["communities"], s), ("communities",)
    ),
    "street_lights": _Builder(lambda _p, s, m: lines.make_street_lights(m["streets"], s), ("streets",)),
    "barriers": _Builder(lambda p, _s, _m: lines.make_barriers(p)),
    "crossings": _Builder(
        lambda p, _s, m: lines.make_crossings(p, m["streets"], m["barriers"]), ("streets", "barriers")
    ),
    "slow_paths": _Builder(lambda p, s, _m: lines.make_slow_paths(p, s)),
    "utility_lines": _Builder(lambda p, s, _m: lines.make_utility_lines(p, s)),
    "utility_nodes": _Builder(lambda _p, s, m: lines.make_utility_nodes(m["utility_lines"], s), ("utility_lines",)),
    "parks": _Builder(lambda p, _s, _m: land.make_parks(p)),
    "parcels": _Builder(lambda p, s, _m: land.make_parcels(p, s)),
    "land_survey": _Builder(lambda p, _s, _m: land.make_land_survey(p)),
    "planned_use": _Builder(lambda p, s, _m: land.make_planned_use(p, s)),
    "proof_papers": _Builder(lambda _p, s, m: land.make_proof_papers(m["parcels"], s), ("parcels",)),
    "premises": _Builder(lambda p, s, _m: services.make_premises(p, s)),
    "meter_readings": _Builder(
        lambda _p, s, m: services.make_meter_readings(m["parcels"], m["premises"], s), ("parcels", "premises")
    ),
    "facilities": _Builder(lambda p, s, _m: services.make_facilities(p, s)),
    "gates": _Builder(lambda _p, s, m: gates.make_gates(m["communities"], m["streets"], s), ("communities", "streets")),
    "culture_sites": _Builder(lambda p, _s, _m: land.make_culture_sites(p)),
    "control_lines": _Builder(
        lambda p, _s, m: land.make_control_lines(p, m["streets"], m["barriers"], m["parks"]),
        ("streets", "barriers", "parks"),
    ),
    "projects": _Builder(lambda _p, s, m: works.make_projects(m["communities"], s), ("communities",)),
    "project_communities": _Builder(
        lambda _p, s, m: works.make_project_communities(m["communities"], s), ("communities",)
    ),
    "works_records": _Builder(lambda _p, s, m: works.make_works_records(m["projects"], s), ("projects",)),
    "funds": _Builder(
        lambda _p, s, m: works.make_funds(m["projects"], m["project_communities"], m["communities"], s),
        ("projects", "project_communities", "communities"),
    ),
    "works_needs": _Builder(
        lambda _p, s, m: digs.make_works_needs(m["streets"], m["utility_lines"], m["communities"], s),
        ("streets", "utility_lines", "communities"),
    ),
    "dig_budgets": _Builder(lambda _p, _s, m: digs.make_dig_budgets(m["works_needs"]), ("works_needs",)),
    "dig_bans": _Builder(lambda _p, _s, _m: digs.make_dig_bans()),
    "terrain": _Builder(lambda _p, s, _m: rasters.make_terrain(s)),
    "greenness_before": _Builder(lambda p, s, _m: rasters.make_greenness(p, s, after=False)),
    "greenness_after": _Builder(lambda p, s, _m: rasters.make_greenness(p, s, after=True)),
    "night_light": _Builder(lambda p, s, _m: rasters.make_night_light(p, s)),
    "night_light_before": _Builder(lambda p, s, _m: rasters.make_night_light(p, s, before=True)),
    "land_cover": _Builder(lambda p, _s, _m: rasters.make_land_cover(p)),
}

LAYERS: tuple[str, ...] = tuple(name for name in _BUILDERS if not name.startswith("_"))


def _wanted(layers: Iterable[str] | None) -> tuple[str, ...]:
    wanted = LAYERS if layers is None else tuple(layers)
    unknown = [name for name in wanted if name not in LAYERS]
    if unknown:
        near = nearest_names(unknown[0], LAYERS)
        raise ConfigError(
            f"示例城市没有图层 {', '.join(unknown)}{f'；是否指 {near}？' if near else ''}",
            f"The sample city has no layer {', '.join(unknown)}{f'; did you mean {near}?' if near else ''}",
        )
    return wanted


def _community_count(scale: float, communities: int | None) -> int:
    if communities is not None and scale != 1.0:
        raise ConfigError("scale 和 communities 只能写一个。", "Give scale or communities, not both.")
    count = round(COMMUNITIES * scale) if communities is None else communities
    if count < 1:
        raise ConfigError(
            f"示例城市至少有 1 个小区；要求的是 {count} 个。",
            f"The smallest city has 1 community; asked for {count}.",
        )
    return count


# --- what is planted ------------------------------------------------------------------------------


class Situation(NamedTuple):
    """Something planted on purpose: where it is and what the program must find. Same ids for every seed."""

    id: str
    zh: str
    en: str
    layer: str
    ids: tuple[str, ...]
    expect: str


_PARCEL = land.PLANTED_PARCELS
_PREMISES = services.PLANTED_PREMISES

SITUATIONS: tuple[Situation, ...] = (
    Situation(
        "railway_between",
        "铁路隔开的两个相邻小区",
        "two neighbours with the railway between them",
        "communities",
        ("340402-001", "340402-002"),
        "44 m apart; link cut by barrier B-TL-01",
    ),
    Situation(
        "footbridge_joins",
        "铁路隔开、由人行天桥连通的两个小区",
        "two neighbours joined by a footbridge over the railway",
        "communities",
        lines.FOOTBRIDGE_BETWEEN,
        f"44 m apart; link rejoined by crossing {lines.FOOTBRIDGE}",
    ),
    Situation(
        "gap_59",
        "相距 59 m 的两个小区",
        "a pair 59 m apart",
        "communities",
        ("340402-005", "340402-006"),
        "joined at max_gap_m = 60",
    ),
    Situation(
        "gap_61",
        "相距 61 m 的两个小区",
        "a pair 61 m apart",
        "communities",
        ("340402-007", "340402-008"),
        "no link at max_gap_m = 60",
    ),
    Situation(
        "expressway_between",
        "快速路隔开的两个小区",
        "two neighbours with an expressway between them",
        "communities",
        ("340402-009", "340402-010"),
        "52 m apart; link cut by barrier B-GS-02",
    ),
    Situation(
        "river_between",
        "河沟隔开的两个小区",
        "two neighbours with a creek between them",
        "communities",
        ("340402-011", "340402-012"),
        "50 m apart; link cut by barrier B-HE-03",
    ),
    Situation(
        "park_across_river",
        "公园就在对岸但没有桥",
        "the nearest park is across a creek without a bridge",
        "communities",
        ("340402-013",),
        f"within 300 m of park {land.PARK_ACROSS_RIVER} in a straight line, not within 500 m on foot",
    ),
    Situation(
        "isolated",
        "孤立小区",
        "a community with no neighbour",
        "communities",
        ("340402-014",),
        "a zone or isolate of its own",
    ),
    Situation(
        "duplicate_name",
        "两县区同名小区",
        "the same name in two units",
        "communities",
        ("340405-001", "340422-001"),
        "both named 八公山小区; told apart by unit and id",
    ),
    Situation(
        "district_town_name",
        "区与乡镇同名",
        "a town named as its district",
        "communities",
        ("340405-001", "340405-002"),
        "unit 八公山区 and subdistrict 八公山镇; matched by code, not by name",
    ),
    Situation(
        "no_gas",
        "燃气管网未覆盖的小区",
        "a community no gas network reaches",
        "communities",
        ("340402-014",),
        "gas not reached; nearest gas line several km away",
    ),
    Situation(
        "abandoned_water",
        "废弃给水管",
        "an abandoned water line",
        "utility_lines",
        (lines.ABANDONED_LINE,),
        f"in community {lines.ABANDONED_IN}; never counts as supply",
    ),
    Situation(
        "idle_candidate",
        "闲置公有用地候选",
        "a candidate for idle public land",
        "parcels",
        (_PARCEL["candidate"],),
        "candidate",
    ),
    Situation("parcel_used", "在用地块", "a parcel in use", "parcels", (_PARCEL["used"],), "excluded: in use"),
    Situation(
        "parcel_collective",
        "集体土地",
        "a collective parcel",
        "parcels",
        (_PARCEL["collective"],),
        "excluded: not state land",
    ),
    Situation(
        "parcel_granted",
        "已出让给企业且未到动工期",
        "granted to a company, start not yet due",
        "parcels",
        (_PARCEL["granted_not_overdue"],),
        "excluded: a company's land, not overdue",
    ),
    Situation("parcel_too_small", "面积过小", "too small", "parcels", (_PARCEL["too_small"],), "excluded: 72 m²"),
    Situation(
        "parcel_farmland",
        "占永久基本农田",
        "in prime farmland",
        "parcels",
        (_PARCEL["prime_farmland"],),
        f"excluded: control line {land.PRIME_FARMLAND}",
    ),
    Situation(
        "parcel_in_compound",
        "小区围墙内的地块",
        "land inside a compound",
        "parcels",
        (_PARCEL["inside_compound"],),
        f"excluded or asked about: inside community {land.COMPOUND}",
    ),
    Situation(
        "parcel_holder_unknown",
        "使用权人不明",
        "holder unknown",
        "parcels",
        (_PARCEL["unknown_holder"],),
        "unknown, never yes or no",
    ),
    Situation(
        "parcel_overdue",
        "疑似闲置土地：超期未动工",
        "overdue start",
        "parcels",
        (_PARCEL["overdue"],),
        "suspected idle land: start due 2021-06-30, not started",
    ),
    Situation(
        "parcel_overlap",
        "宗地重叠窄条",
        "a parcel that overlaps its neighbour by a sliver",
        "parcels",
        (_PARCEL["overlapping"],),
        "overlap 1.5 m wide",
    ),
    Situation(
        "parcel_area_off",
        "登记面积与图形面积相差超过 10%",
        "registered area 18 % above the geometry",
        "parcels",
        (_PARCEL["area_off"],),
        "difference reported, nothing overwritten",
    ),
    Situation(
        "premises_candidate",
        "空置公有房屋",
        "vacant public premises",
        "premises",
        (_PREMISES["candidate"],),
        "candidate",
    ),
    Situation(
        "premises_unknown",
        "使用状态不明的房屋",
        "premises of unknown status",
        "premises",
        (_PREMISES["unknown_status"],),
        "unknown",
    ),
    Situation(
        "area_per_household",
        "户均面积异常（约 127 m²/户）",
        "127 m² per household",
        "communities",
        (housing.OUTLIER,),
        "far from its plan batch, where all others are below 105 and the mean is 77",
    ),
    Situation(
        "progress_backward",
        "形象进度倒退",
        "progress that goes back",
        "works_records",
        (works.BACKWARD_PROJECT,),
        "0.60 on 2024-07-31, 0.45 on 2024-08-31, without a reason",
    ),
    Situation(
        "project_of_two",
        "一个项目覆盖两个小区",
        "one project over two communities",
        "projects",
        ("XM-2024-001",),
        "covers 340402-003 and 340402-004",
    ),
    Situation(
        "hostile_html",
        "名称含 HTML",
        "a name that is HTML",
        "facilities",
        ("FW-90001",),
        "shown as text everywhere",
    ),
    Situation(
        "hostile_formula",
        "名称以等号开头",
        "a name that is a formula",
        "facilities",
        ("FW-90002",),
        "text in every table",
    ),
    Situation(
        "gcj02_file",
        "GCJ-02 坐标文件",
        "a file in GCJ-02",
        "facilities",
        (),
        "the card says datum = gcj02; some 550 m off without it",
    ),
    Situation(
        "swapped_file",
        "测量坐标 X 为北的文件",
        "a file whose X is the northing",
        "street_lights",
        (),
        "the card maps x and y",
    ),
)


def situation(name: str) -> Situation:
    """The planted situation of that id. Raises ConfigError for an unknown one."""
    for one in SITUATIONS:
        if one.id == name:
            return one
    near = nearest_names(name, [one.id for one in SITUATIONS])
    raise ConfigError(f"没有情形 {name}；是否指 {near}？", f"There is no situation {name}; did you mean {near}?")
