"""Rooms and services of the synthetic city: vacant premises and the facilities people use every day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.sample.housing import community_ids
from gis_renovation.sample.place import CITY_CRS
from gis_renovation.sample.plots import Plots, blanked, generator

HOSTILE_NAMES = {"FW-90001": "<img src=x onerror=alert(1)>", "FW-90002": "=1+1"}
PLANTED_PREMISES = {
    "candidate": "KZ-9001",
    "used": "KZ-9002",
    "company": "KZ-9003",
    "unknown_status": "KZ-9004",
    "unsafe": "KZ-9005",
}

READING_DAYS = (dt.date(2023, 12, 31), dt.date(2024, 3, 31), dt.date(2024, 6, 30), dt.date(2024, 9, 30))
ROOM_NAMES = (
    "原锅炉房", "社区用房", "原职工俱乐部", "原单位食堂", "老干部活动室", "原粮油店", "原托儿所", "自行车棚",
    "原供销社门面",
)  # fmt: skip
HOLDER_SHARES = {
    "government": 0.2, "public_institution": 0.2, "state_company": 0.25, "community_committee": 0.2, "company": 0.1,
    "owners": 0.05,
}  # fmt: skip

# Which facilities lots of each use hold, and how likely.
FACILITY_SHARES = {
    "school": {"kindergarten": 0.7, "nursery": 0.25},
    "hospital": {"health_station": 1.0},
    "shops": {"supermarket": 0.45, "shops": 0.8, "meal_service": 0.15},
    "government": {"service_station": 0.35, "culture_station": 0.25},
    "square": {"activity_ground": 1.0},
    "utility": {"parking_charging": 0.4},
    "old": {"parcel_point": 0.25, "waste_point": 0.4, "elderly_station": 0.18, "service_station": 0.1},
    "housing": {"parcel_point": 0.12, "parking_charging": 0.12, "elderly_station": 0.05},
}
FACILITY_LABELS = {
    "kindergarten": "幼儿园", "nursery": "托育园", "health_station": "卫生服务站", "supermarket": "超市",
    "shops": "便民店",
    "meal_service": "老年助餐点", "service_station": "社区服务站", "culture_station": "文化站",
    "activity_ground": "健身广场", "parking_charging": "停车充电场", "parcel_point": "快递驿站",
    "waste_point": "分类投放点", "elderly_station": "养老服务站",
}  # fmt: skip
# Usual capacity and floor area in m².
FACILITY_SIZES = {
    "kindergarten": (240, 2400), "nursery": (60, 500), "health_station": (np.nan, 300), "supermarket": (np.nan, 700),
    "elderly_station": (40, 450), "service_station": (np.nan, 620), "culture_station": (120, 500),
}  # fmt: skip


def make_premises(plots: Plots, seed: int) -> gpd.GeoDataFrame:
    """Vacant and partly used rooms near the communities, about one for every three, five of them planted."""
    rng = generator(seed, "premises")
    ids = community_ids(plots)
    lots = plots.lots.loc[ids.index]
    count = max(len(ids) // 3, 1)
    pick = lots.iloc[np.sort(rng.choice(len(lots), count, replace=False))]
    at = _inside(plots, pick, rng)
    holder = rng.choice([*HOLDER_SHARES], count, p=[*HOLDER_SHARES.values()]).astype(object)
    status = rng.choice(["vacant", "partly_used", "used"], count, p=[0.6, 0.25, 0.15]).astype(object)
    since = [
        dt.date(int(y), int(m), 1)
        for y, m in zip(2012 + rng.integers(0, 12, count), rng.integers(1, 13, count), strict=True)
    ]
    frame = pd.DataFrame(
        {
            "premises_id": [f"KZ-{k + 1:04d}" for k in range(count)],
            "name": rng.choice(np.array(ROOM_NAMES, dtype=object), count),
            "holder_kind": blanked(rng.random(count) < 0.06, holder),
            "right_type": np.where(holder == "company", "granted", "allocated").astype(object),
            "floor_area_m2": np.where(rng.random(count) < 0.05, np.nan, np.round(rng.lognormal(5.4, 0.6, count), 1)),
            "storey": rng.choice([1, 1, 1, 2, 3], count),
            "status": blanked(rng.random(count) < 0.06, status),
            "vacant_since_on": [d if s != "used" else None for d, s in zip(since, status, strict=True)],
            "structure_safe": blanked(rng.random(count) < 0.3, rng.random(count) < 0.85),
            "x": at[:, 0],
            "y": at[:, 1],
        }
    )
    planted = _planted_premises(_inside(plots, lots[lots["patch"] == plots.number_of("xiejiaji")].iloc[:5], rng))
    frame = pd.concat([frame.astype(object), planted.astype(object)], ignore_index=True)
    frame = frame.astype({"floor_area_m2": float, "x": float, "y": float})
    geometry = shapely.points(frame[["x", "y"]].to_numpy())
    return gpd.GeoDataFrame(frame.drop(columns=["x", "y"]), geometry=geometry, crs=CITY_CRS).set_index("premises_id")


def _planted_premises(at: NDArray[np.float64]) -> pd.DataFrame:
    candidate = {
        "name": "原街道办公楼",
        "holder_kind": "government",
        "right_type": "allocated",
        "floor_area_m2": 420.0,
        "storey": 1,
        "status": "vacant",
        "vacant_since_on": dt.date(2020, 5, 1),
        "structure_safe": True,
    }
    different: dict[str, dict[str, Any]] = {
        "candidate": {},
        "used": {"status": "used", "vacant_since_on": None},
        "company": {"holder_kind": "company", "right_type": "granted"},
        "unknown_status": {"status": None, "vacant_since_on": None},
        "unsafe": {"structure_safe": False},
    }
    rows = [
        {**candidate, **change, "premises_id": PLANTED_PREMISES[name], "x": xy[0], "y": xy[1]}
        for (name, change), xy in zip(different.items(), at, strict=True)
    ]
    return pd.DataFrame(rows)


def make_facilities(plots: Plots, seed: int) -> gpd.GeoDataFrame:
    """Service facilities on the lots that would hold them, and two rows with hostile names for testing."""
    rng = generator(seed, "facilities")
    lots = plots.lots
    parts = [
        _facilities_of(plots, lots[(lots["use"] == use).to_numpy() & (rng.random(len(lots)) < share)], kind, rng)
        for use, kinds in FACILITY_SHARES.items()
        for kind, share in kinds.items()
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame.insert(0, "facility_id", [f"FW-{k + 1:05d}" for k in range(len(frame))])
    at = _inside(plots, lots[(lots["use"] == "old")].iloc[:2], rng)
    hostile = pd.DataFrame({"facility_id": [*HOSTILE_NAMES], "name": [*HOSTILE_NAMES.values()], "kind": "other",
                            "capacity": np.nan, "floor_area_m2": np.nan, "x": at[:, 0], "y": at[:, 1]})  # fmt: skip
    frame = pd.concat([frame, hostile], ignore_index=True)
    geometry = shapely.points(frame[["x", "y"]].to_numpy(float))
    frame = gpd.GeoDataFrame(frame.drop(columns=["x", "y"]), geometry=geometry, crs=CITY_CRS)
    return frame.set_index("facility_id").sort_index()


def _inside(plots: Plots, lots: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    """One point inside each lot, away from its edge and its cut corner."""
    share = rng.uniform(0.15, 0.55, (2, len(lots)))
    x = lots["x0"].to_numpy() + share[0] * (lots["x1"] - lots["x0"]).to_numpy()
    y = lots["y0"].to_numpy() + share[1] * (lots["y1"] - lots["y0"]).to_numpy()
    return np.round(plots.on_map(lots["patch"].to_numpy(), x, y), 2)


def make_meter_readings(parcels: gpd.GeoDataFrame, premises: gpd.GeoDataFrame, seed: int) -> pd.DataFrame:
    """Water and power used a quarter in the rooms and on the vacant or office parcels; some not read."""
    rng = generator(seed, "meters")
    idle = parcels[parcels["land_use_code"].isin(["2301", "0801"])]
    used = [*(premises["status"] != "vacant"), *(idle["land_use_code"] == "0801")]
    rows = []
    for place, is_used in zip([*premises.index, *idle.index], used, strict=True):
        for kind, usual in (("water", 60.0), ("power", 900.0)):
            level = usual * rng.uniform(0.4, 1.6) if is_used else 0.0
            for day in READING_DAYS:
                amount = round(level * rng.uniform(0.8, 1.2))
                if rng.random() < 0.9:
                    rows.append((place, kind, day, float(amount)))
    frame = pd.DataFrame(rows, columns=["place_id", "kind", "read_on", "used_amount"])
    return frame.sort_values(["place_id", "kind", "read_on"], ignore_index=True)


def _facilities_of(plots: Plots, lots: pd.DataFrame, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    """One facility of a kind on each lot, about as large as such facilities are."""
    at = _inside(plots, lots, rng)
    capacity, floor = FACILITY_SIZES.get(kind, (np.nan, np.nan))
    factor = rng.uniform(0.7, 1.3, len(lots))
    label = FACILITY_LABELS[kind]
    return pd.DataFrame(
        {
            "name": [f"{area[:2]}{label}{k + 1}" for k, area in enumerate(lots["subdistrict"])],
            "kind": kind,
            "capacity": np.round(capacity * factor),
            "floor_area_m2": np.round(floor * factor),
            "x": at[:, 0],
            "y": at[:, 1],
        }
    )
