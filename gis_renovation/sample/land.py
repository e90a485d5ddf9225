"""Land of the synthetic city: parcels, survey and plan, control lines, parks, culture sites.

A row of parcels in 谢家集 is drawn so that each breaks exactly one condition of idle public land;
their ids are in ``PLANTED_PARCELS``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.sample.housing import MARGIN_M, SLAB_DEPTH_M, boxes, community_ids
from gis_renovation.sample.place import CITY_CRS, HILLS, hill, huai_river, rounded, snapped, union_by
from gis_renovation.sample.plots import ALLEY_M, STREET_WIDTH_M, Plots, blanked, generator, planted_lots

SURVEYED_ON = dt.date(2024, 3, 31)
INSPECTED_ON = dt.date(2024, 6, 20)

# use: surveyed and planned code (用地用海分类 2023), registered use, right type, holder kind.
LAND_USES = {
    "old": ("070102", "城镇住宅用地", "allocated", "owners"),
    "housing": ("070102", "城镇住宅用地", "granted", "owners"),
    "shops": ("0901", "商业用地", "granted", "company"),
    "school": ("080403", "中小学用地", "allocated", "public_institution"),
    "government": ("0801", "机关团体用地", "allocated", "government"),
    "hospital": ("080602", "基层医疗卫生设施用地", "allocated", "public_institution"),
    "industry": ("1001", "工业用地", "granted", "company"),
    "vacant": ("2301", "空闲地", "allocated", "none"),
    "green": ("1402", "防护绿地", "allocated", "government"),
    "utility": ("1303", "供电用地", "allocated", "state_company"),
    "square": ("1403", "广场用地", "allocated", "government"),
    "park": ("1401", "公园绿地", "allocated", "government"),
}
SURVEY_CODES = {
    "old": "0701", "housing": "0701", "shops": "05H1", "school": "08H2", "government": "08H1", "hospital": "08H2",
    "industry": "0601", "vacant": "1201", "green": "0810", "utility": "0809", "square": "0810", "park": "0810",
}  # fmt: skip
TERM_YEARS = {"housing": 70, "old": 70, "shops": 40, "industry": 50}
VACANT_HOLDERS = ("none", "government", "public_institution", "state_company", "company")
VACANT_SHARES = (0.4, 0.2, 0.15, 0.15, 0.1)
HOLDER_LABELS = {
    "government": "机关", "public_institution": "事业单位", "state_company": "国企", "company": "企业",
    "owners": "业主", "collective": "村集体", "individual": "个人",
}  # fmt: skip

PLANTED_PARCELS = {
    "candidate": "340404001001GB09001",
    "used": "340404001001GB09002",
    "collective": "340404001001JB09003",
    "granted_not_overdue": "340404001001GB09004",
    "too_small": "340404001001GB09005",
    "prime_farmland": "340404001001GB09006",
    "inside_compound": "340404001001GB09007",
    "unknown_holder": "340404001001GB09008",
    "overdue": "340404001001GB09009",
    "overlapping": "340404001001GB09010",
    "area_off": "340404001001GB09011",
}
COMPOUND = "340404-002"

# Idle public land beyond doubt, and what is different in each planted parcel.
CANDIDATE: Mapping[str, Any] = {
    "land_use_code": "2301", "registered_use": "机关团体用地", "planned_use_code": "0702", "ownership": "state",
    "right_type": "allocated", "holder_kind": "government", "holder_name": "机关9000（合成）", "start_due_on": None,
    "started_on": None, "stopped_on": None, "built_share": np.nan, "invested_share": np.nan, "term_end_on": None,
    "inspected_vacant": True, "inspected_on": INSPECTED_ON,
}  # fmt: skip
_COMPANY: Mapping[str, Any] = {
    "right_type": "granted", "holder_kind": "company", "holder_name": "企业9000（合成）", "registered_use": "商业用地",
    "built_share": 0.0, "invested_share": 0.0, "term_end_on": dt.date(2063, 12, 31),
}  # fmt: skip
_USED: Mapping[str, Any] = {"land_use_code": "0801", "inspected_vacant": False}
DIFFERENT: Mapping[str, Mapping[str, Any]] = {
    "used": _USED,
    "collective": {
        "ownership": "collective", "right_type": "collective", "holder_kind": "collective",
        "holder_name": "村集体9003（合成）",
    },
    "granted_not_overdue": {**_COMPANY, "start_due_on": dt.date(2025, 3, 31)},
    "unknown_holder": {"holder_kind": None, "holder_name": None},
    "overdue": {**_COMPANY, "start_due_on": dt.date(2021, 6, 30)},
    "overlapping": _USED,
    "area_off": _USED,
}  # fmt: skip
PARK_ACROSS_RIVER = "GY-90001"
PRIME_FARMLAND = "KZX-NT-90001"


# --- parcels --------------------------------------------------------------------------------------


def make_parcels(plots: Plots, seed: int) -> gpd.GeoDataFrame:
    """Every lot as a parcel of one land-code system, and the planted ones; by ``parcel_id``."""
    rng = generator(seed, "parcels")
    lots = plots.lots
    frame = _rights(lots, planned_codes(lots, seed), rng)
    geometry = boxes(plots, lots["patch"].to_numpy(), lots)
    area = shapely.area(geometry)
    off = np.where(
        rng.random(len(lots)) < 0.02, rng.choice([0.82, 1.16], len(lots)), rng.uniform(0.996, 1.004, len(lots))
    )
    frame["registered_area_m2"] = np.where(rng.random(len(lots)) < 0.03, np.nan, np.round(area * off, 2))
    frame["parcel_id"] = _parcel_ids(frame, lots)
    parcels = gpd.GeoDataFrame(frame, geometry=geometry, crs=CITY_CRS)
    return _plant_parcels(parcels, plots).set_index("parcel_id").sort_index()


def planned_codes(lots: pd.DataFrame, seed: int) -> NDArray[np.object_]:
    """Planned use of each lot in the 2023 classes: as used today, a new purpose for vacant land."""
    rng = generator(seed, "planned")
    code = np.array([LAND_USES[use][0] for use in lots["use"]], dtype=object)
    purpose = rng.choice(np.array(["0702", "1401", "070102", "16"], dtype=object), len(lots))
    return np.where(lots["use"] == "vacant", purpose, code)


def _rights(lots: pd.DataFrame, planned: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    """Codes, rights, holders and dates as land of each use usually has them."""
    use, n = lots["use"].to_numpy(str), len(lots)
    code, registered, right, holder = (np.array([LAND_USES[value][k] for value in use], dtype=object) for k in range(4))
    vacant = use == "vacant"
    holder = np.where(vacant, rng.choice(VACANT_HOLDERS, n, p=VACANT_SHARES), holder).astype(object)
    right[vacant & (holder == "company")] = "granted"
    right[vacant & (holder == "none")] = None
    state_works = (use == "industry") & (rng.random(n) < 0.5)
    right[state_works], holder[state_works] = "allocated", "state_company"
    collective = ~np.isin(use, ["old", "park"]) & (rng.random(n) < 0.04)
    right[collective], holder[collective] = "collective", "collective"
    idle = vacant | ((use == "government") & (rng.random(n) < 0.08))
    inspected = rng.random(n) < np.where(idle, 0.82, 0.55)
    dates = _contract_dates(use, right, holder, vacant, rng)
    number = np.arange(1, n + 1)
    return pd.DataFrame(
        {
            "code_system": "sea_land_2023",
            "land_use_code": code,
            "registered_use": registered,
            "planned_use_code": planned,
            "ownership": np.where(collective, "collective", "state").astype(object),
            "right_type": right,
            "holder_kind": blanked(~vacant & (rng.random(n) < 0.02), holder),
            "holder_name": [
                f"{HOLDER_LABELS[h]}{k}（合成）" if h in HOLDER_LABELS else None
                for h, k in zip(holder, number, strict=True)
            ],
            "certificate_no": [
                f"皖（{2004 + k % 18}）淮南市不动产权第{90000 + k:07d}号（合成）"
                if h in HOLDER_LABELS and k % 9
                else None
                for h, k in zip(holder, number, strict=True)
            ],
            **dates,
            "inspected_vacant": blanked(~inspected, idle),
            "inspected_on": blanked(~inspected, [INSPECTED_ON] * n),
        }
    )


def _contract_dates(
    use: NDArray[np.str_],
    right: NDArray[np.object_],
    holder: NDArray[np.object_],
    vacant: NDArray[np.bool_],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Start due, started, stopped, term end and shares built, where a grant contract exists."""
    n = len(use)
    granted = right == "granted"
    signed = 1994 + rng.integers(0, 24, n)
    late = granted & vacant & (holder == "company")
    signed = np.where(late, 2018 + rng.integers(0, 7, n), signed)
    month = rng.integers(1, 13, n)
    due = [dt.date(int(y) + 1, int(m), 1) if g else None for y, m, g in zip(signed, month, granted, strict=True)]
    started = [None if d is None or idle else d + dt.timedelta(days=40) for d, idle in zip(due, late, strict=True)]
    stalled = granted & (use == "industry") & (rng.random(n) < 0.08)
    years = [TERM_YEARS.get(value, 40) for value in use]
    return {
        "start_due_on": due,
        "started_on": started,
        "stopped_on": [dt.date(2022, 11, 30) if s else None for s in stalled],
        "built_share": np.where(late, 0.0, np.where(stalled, 0.2, np.where(granted, 1.0, np.nan))),
        "invested_share": np.where(late, 0.0, np.where(stalled, 0.3, np.where(granted, 1.0, np.nan))),
        "term_end_on": [
            dt.date(int(y) + t, 12, 31) if g else None for y, t, g in zip(signed, years, granted, strict=True)
        ],
    }


def _parcel_ids(frame: pd.DataFrame, lots: pd.DataFrame) -> NDArray[np.object_]:
    """19 characters as in the cadastre: unit, district, block, ownership, serial."""
    mark = np.where(frame["ownership"] == "collective", "JB", "GB")
    serial = lots.groupby("unit_code").cumcount() + 1
    width = max(5, len(str(int(serial.max()))))
    ids = [f"{u}001001{m}{s:0{width}d}" for u, m, s in zip(lots["unit_code"], mark, serial, strict=True)]
    return np.array(ids, dtype=object)


def _plant_parcels(parcels: gpd.GeoDataFrame, plots: Plots) -> gpd.GeoDataFrame:
    """Overwrite eleven parcels so that each shows one thing a rule has to see."""
    chosen = planted_by_name(plots)
    ids = community_ids(plots)
    home = int(ids.index[ids == COMPOUND][0])
    yard = _yard(plots, home)
    shapes = {name: _planted_shape(plots, name, lot) for name, lot in chosen.items()} | {"inside_compound": yard}
    rows = [
        {
            **parcels.loc[chosen.get(name, home)].to_dict(),
            **CANDIDATE,
            **DIFFERENT.get(name, {}),
            "parcel_id": PLANTED_PARCELS[name],
            "registered_area_m2": round(shapely.area(shape) * (1.18 if name == "area_off" else 1.0), 2),
            "geometry": shape,
        }
        for name, shape in shapes.items()
    ]
    rest = parcels.drop(index=list(chosen.values()))
    around = shapely.difference(rest.geometry[home], yard)
    rest.loc[home, "geometry"] = around
    rest.loc[home, "registered_area_m2"] = round(shapely.area(around), 2)
    added = gpd.GeoDataFrame(rows, geometry="geometry", crs=CITY_CRS)[list(rest.columns)]
    both = pd.concat([part.astype(object).set_geometry("geometry") for part in (rest, added)])
    numbers = {"registered_area_m2": float, "built_share": float, "invested_share": float}
    return both.set_crs(CITY_CRS, allow_override=True).astype(numbers)


def _planted_shape(plots: Plots, name: str, lot: int) -> shapely.Polygon:
    """The lot itself, a scrap of it for the small one, 1.5 m too wide for the overlapping one."""
    rectangle = plots.lots.loc[[lot], ["x0", "y0", "x1", "y1"]].copy()
    if name == "too_small":
        rectangle["x1"], rectangle["y1"] = rectangle["x0"] + 9.0, rectangle["y0"] + 8.0
    if name == "overlapping":
        rectangle["x1"] += ALLEY_M + 1.5
    shape: shapely.Polygon = boxes(plots, plots.lots.loc[[lot], "patch"].to_numpy(), rectangle)[0]
    return shape


def _yard(plots: Plots, lot: int) -> shapely.Polygon:
    """A 24 m by 9 m plot between the first two rows of slabs of a lot."""
    row = plots.lots.loc[lot]
    x, y = (row["x0"] + row["x1"]) / 2, row["y0"] + MARGIN_M + SLAB_DEPTH_M + 2.0
    rectangle = pd.DataFrame({"x0": [x - 12], "x1": [x + 12], "y0": [y], "y1": [y + 9.0]})
    yard: shapely.Polygon = boxes(plots, np.array([row["patch"]]), rectangle)[0]
    return yard


# --- survey, plan and papers ----------------------------------------------------------------------


def make_land_survey(plots: Plots) -> gpd.GeoDataFrame:
    """Land-survey patches in the survey's own classes: a lot each, the streets of each town, the Huai."""
    lots = plots.lots
    codes = np.array([SURVEY_CODES[use] for use in lots["use"]], dtype=object)
    for name, lot in planted_by_name(plots).items():
        codes[lot] = "08H1" if name in ("used", "overlapping", "area_off") else "1201"
    squares = boxes(plots, lots["patch"].to_numpy(), lots)
    towns = np.array(list(union_by(squares, lots["patch"]).values()), dtype=object)
    streets = shapely.difference(shapely.buffer(patch_grounds(plots), 10.0, join_style="mitre"), towns)
    geometry = np.concatenate([squares, streets, [huai_river()]])
    frame = gpd.GeoDataFrame(
        {
            "patch_id": [f"TB-{k + 1:06d}" for k in range(len(geometry))],
            "code_system": "survey",
            "land_use_code": [*codes, *["1004"] * len(streets), "1101"],
            "ownership": "state",
            "recorded_area_m2": np.round(shapely.area(geometry), 2),
            "source": "合成示例（变更调查 2023）",
            "dated_on": [dt.date(2023, 12, 31)] * len(geometry),
        },
        geometry=shapely.set_precision(geometry, 0.001),
        crs=CITY_CRS,
    )
    return frame.set_index("patch_id")


def make_planned_use(plots: Plots, seed: int) -> gpd.GeoDataFrame:
    """The detailed plan: every lot with its planned class; candidates for idle land are to serve communities."""
    lots = plots.lots
    codes = planned_codes(lots, seed)
    codes[list(planted_by_name(plots).values())] = "0702"
    frame = gpd.GeoDataFrame(
        {
            "plan_patch_id": [f"GH-{k + 1:06d}" for k in range(len(lots))],
            "code_system": "sea_land_2023",
            "planned_use_code": codes,
            "source": "合成示例（控制性详细规划）",
            "dated_on": [dt.date(2023, 6, 30)] * len(lots),
        },
        geometry=boxes(plots, lots["patch"].to_numpy(), lots),
        crs=CITY_CRS,
    )
    return frame.set_index("plan_patch_id")


def make_proof_papers(parcels: gpd.GeoDataFrame, seed: int) -> pd.DataFrame:
    """Papers by parcel: the certificate where there is one, the decision or contract for most, and what some said."""
    rng, spoken = generator(seed, "papers"), generator(seed, "same_holder")
    rows: list[tuple[str, str, str | None, dt.date]] = []
    for parcel_id, number, right in zip(parcels.index, parcels["certificate_no"], parcels["right_type"], strict=True):
        day = dt.date(int(rng.integers(1996, 2023)), int(rng.integers(1, 13)), int(rng.integers(1, 28)))
        if isinstance(number, str):
            rows.append((parcel_id, "certificate", number, day))
        kind = {"allocated": "allocation_decision", "granted": "grant_contract"}.get(right)
        if kind and rng.random() < 0.7:
            rows.append((parcel_id, kind, f"合成字〔{day.year}〕{int(rng.integers(1, 400))}号", day))
        elif rng.random() < 0.1:
            rows.append((parcel_id, "statement", None, day))
        if isinstance(number, str) and spoken.random() < 0.4:
            rows.append((parcel_id, "same_holder", None, day))
    frame = pd.DataFrame(rows, columns=["parcel_id", "kind", "number", "issued_on"])
    return frame.sort_values(["parcel_id", "kind"], ignore_index=True)


def planted_by_name(plots: Plots) -> dict[str, int]:
    """The lot of each planted parcel, the one inside a compound left out."""
    return dict(zip([name for name in PLANTED_PARCELS if name != "inside_compound"], planted_lots(plots), strict=True))


# --- parks, culture, control lines ----------------------------------------------------------------


def make_parks(plots: Plots) -> gpd.GeoDataFrame:
    """Town parks on whole blocks, hill and riverside parks; one is planted beyond a creek without a bridge."""
    lots = plots.lots[plots.lots["use"].isin(["park", "square"])]
    planted = (lots["drawn"] & (lots["use"] == "park")).to_numpy()
    geometry = boxes(plots, lots["patch"].to_numpy(), lots)
    large = shapely.area(geometry) > 20_000
    kind = np.where(large, "comprehensive", np.where(lots["use"] == "park", "community", "pocket"))
    ids = np.array([f"GY-{k + 1:05d}" for k in range(len(lots))], dtype=object)
    ids[planted] = PARK_ACROSS_RIVER
    names = np.where(planted, "柳沟东岸公园", [f"{area[:2]}公园{k + 1}" for k, area in enumerate(lots["subdistrict"])])
    hills = [hill(start, end, width * 0.85) for _, start, end, _, width in HILLS]
    bank = shapely.intersection(
        shapely.difference(shapely.buffer(huai_river(), 40.0), huai_river()),
        shapely.box(499500, 3614000, 502500, 3617000),
    )
    south = min(shapely.get_parts(bank), key=lambda part: shapely.centroid(part).y)
    frame = gpd.GeoDataFrame(
        {
            "park_id": [*ids, *[f"GY-S{k + 1:04d}" for k in range(len(hills) + 1)]],
            "name": [*names, *[f"{name}森林公园" for name, *_ in HILLS], "淮河湿地公园"],
            "kind": [*kind, *["special"] * (len(hills) + 1)],
            "public": True,
        },
        geometry=[*geometry, *rounded(np.array([*hills, south], dtype=object))],
        crs=CITY_CRS,
    )
    frame["public"] = frame["public"].astype(object)
    return frame.set_index("park_id").sort_index()


def make_culture_sites(plots: Plots) -> gpd.GeoDataFrame:
    """Culture the plan asks 寿县 and 八公山 to use: the town wall as a polygon, the rest as points."""
    sites: list[tuple[str, str, shapely.Geometry]] = [
        ("寿县古城墙", "古城墙", _town_wall(plots)),
        ("寿县博物馆", "博物馆", shapely.Point(479600, 3606500)),
        ("报恩寺", "古建筑", shapely.Point(479850, 3606650)),
        ("八公山风景区", "风景区", shapely.Point(481500, 3610600)),
        ("淮南王刘安文化园", "主题园", shapely.Point(482300, 3611100)),
        ("豆腐文化广场", "文化广场", shapely.Point(484900, 3612250)),
        ("大通工业记忆馆", "工业遗产", shapely.Point(504900, 3612500)),
        ("九龙岗民国建筑群", "历史建筑", shapely.Point(508600, 3611500)),
    ]
    frame = gpd.GeoDataFrame(
        {
            "site_id": [f"WH-{k + 1:02d}" for k in range(len(sites))],
            "name": [site[0] for site in sites],
            "kind": [site[1] for site in sites],
        },
        geometry=[site[2] for site in sites],
        crs=CITY_CRS,
    )
    return frame.set_index("site_id")


def _numbered(kinds: Sequence[str]) -> list[str]:
    """An id for each control line, counted within its kind."""
    order = dict.fromkeys(kinds, 0)
    ids = []
    for kind in kinds:
        order[kind] += 1
        ids.append(f"KZX-{kind}-{order[kind]:04d}")
    return ids


def make_control_lines(
    plots: Plots, streets: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, parks: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """One or more areas of every kind of control line, drawn around what they protect."""
    town = shapely.union_all([shapely.buffer(ground, 120.0, join_style="mitre") for ground in patch_grounds(plots)])
    yellow = plots.lots[plots.lots["use"] == "utility"]
    rows: list[tuple[str, str, str | None, shapely.Geometry]] = [
        ("urban_boundary", "城镇开发边界", None, town),
        ("purple", "寿县古城保护范围", None, shapely.buffer(_town_wall(plots), 30.0, join_style="mitre")),
        ("blue", "淮河蓝线", None, shapely.buffer(huai_river(), 60.0, quad_segs=4)),
        *[("ecological_redline", f"{name}生态保护红线", None, hill(a, b, width))
          for name, a, b, _, width in HILLS],
        *[("blue", name, None, shapely.buffer(line, 12.0, quad_segs=2))
          for name, line in zip(barriers["name"], barriers.geometry, strict=True) if name in ("龙王沟", "柳沟")],
        *[("rail_protection", "铁路线路安全保护区", None, shapely.buffer(line, 15.0, quad_segs=2))
          for line in barriers.geometry[barriers["kind"] == "railway"]],
        *[("green", name, None, geometry) for name, geometry in zip(parks["name"], parks.geometry, strict=True)],
        *[("yellow", "供电设施黄线", None, box) for box in boxes(plots, yellow["patch"].to_numpy(), yellow)],
        *_road_redlines(streets),
        *[("fire_access", "消防车通道", None, lane) for lane in _fire_lanes(streets)],
        ("geohazard", "八公山滑坡隐患点", None, shapely.Point(482000, 3611000).buffer(200, quad_segs=5)),
        ("subsidence", "谢家集稳沉区", "stable", shapely.Point(485600, 3609600).buffer(900, quad_segs=5)),
        ("subsidence", "新庄孜未稳沉区", "unstable", shapely.Point(485650, 3612600).buffer(750, quad_segs=5)),
        ("subsidence", "潘一矿预测沉陷区", "predicted", shapely.Point(484300, 3629500).buffer(1500, quad_segs=5)),
        *_farmland(plots),
    ]  # fmt: skip
    ids = _numbered([kind for kind, *_ in rows])
    planted = [k for k, row in enumerate(rows) if row[1] == "永久基本农田（个例）"]
    ids[planted[0]] = PRIME_FARMLAND
    frame = gpd.GeoDataFrame(
        {
            "control_line_id": ids,
            "kind": [row[0] for row in rows],
            "name": [row[1] for row in rows],
            "state": [row[2] for row in rows],
            "source": "合成示例",
            "dated_on": [SURVEYED_ON] * len(rows),
        },
        geometry=shapely.set_precision(np.array([row[3] for row in rows], dtype=object), 0.001),
        crs=CITY_CRS,
    )
    return frame.set_index("control_line_id").sort_index()


def patch_grounds(plots: Plots) -> NDArray[np.object_]:
    """The rectangle of each patch's street grid."""
    grounds = pd.DataFrame([{"x0": x[0], "x1": x[-1], "y0": y[0], "y1": y[-1]} for x, y in plots.lines])
    return boxes(plots, np.arange(len(grounds)), grounds)


def _town_wall(plots: Plots) -> shapely.Polygon:
    number = plots.number_of("shouchun")
    ground = patch_grounds(plots)[number]
    wall: shapely.Polygon = snapped(shapely.buffer(ground, 45.0, join_style="mitre"))
    return wall


def _road_redlines(streets: gpd.GeoDataFrame) -> list[tuple[str, str, None, shapely.Geometry]]:
    """Red lines of the wider streets in town, one area a street name."""
    wide = streets[streets["class"].isin(["arterial", "secondary"]) & (streets.length < 400)]
    half = wide["class"].map(STREET_WIDTH_M).to_numpy() / 2 + 2.0
    areas = shapely.buffer(wide.geometry.to_numpy(), half, cap_style="flat")
    return [("road_redline", f"{name}红线", None, area) for name, area in union_by(areas, wide["name"]).items()]


def _fire_lanes(streets: gpd.GeoDataFrame) -> list[shapely.Geometry]:
    """The lanes into every fifth estate that has one, 4 m wide."""
    lanes = streets[streets["class"] == "access"].sort_index().geometry.iloc[::5]
    return list(shapely.buffer(lanes.to_numpy(), 2.0, cap_style="flat"))


def _farmland(plots: Plots) -> list[tuple[str, str, None, shapely.Geometry]]:
    """Prime farmland well outside the towns, and one area over a planted parcel."""
    lot = planted_by_name(plots)["prime_farmland"]
    rectangle = plots.lots.loc[[lot]]
    over = shapely.buffer(boxes(plots, rectangle["patch"].to_numpy(), rectangle)[0], 2.0, join_style="mitre")
    fields = [
        shapely.box(x, y, x + 2600, y + 1900)
        for x, y in (
            (476500, 3624000),
            (488000, 3621500),
            (497500, 3619800),
            (486500, 3603800),
            (474000, 3601500),
            (495000, 3606000),
        )
    ]
    return [
        ("prime_farmland", "永久基本农田（个例）", None, over),
        *[("prime_farmland", "永久基本农田", None, f) for f in fields],
    ]
