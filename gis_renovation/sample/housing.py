"""Old communities of the synthetic city, their slab blocks, and what was built on without leave.

Totals of the main plan and the supplement are the plan's, to the household and the square metre;
how they are shared out among communities is invented.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Floats, Ints
from gis_renovation.sample.place import CITY_CRS, PATCHES
from gis_renovation.sample.plots import Plots, blanked, generator, planted_lots

# The plan's totals (淮旧改办〔2024〕6号) and the number of communities they belong to. The plan does not
# say how many communities the supplement has: 51 is invented.
PLAN = {"main": (100, 22_595, 1_735_100), "supplement": (51, 11_162, 1_421_200)}
RESERVE_COUNT = 12

OUTLIER = "340404-001"
OUTLIER_M2_PER_HOUSEHOLD = 127.0
DUPLICATE_NAME = "八公山小区"
DUPLICATE_NAMED = (("340405", 1), ("340422", 1))
RENOVATION_YUAN_PER_M2 = 430.0

# Uses that have buildings, and how many floors at most; housing outside the plan is newer and taller.
OTHER_FLOORS = {"shops": 5, "school": 5, "government": 7, "hospital": 6, "industry": 2, "utility": 1}

SLAB_DEPTH_M = 11.6
SLAB_PITCH_M = 25.5
SLAB_LONGEST_M = 62.0
MARGIN_M = 7.0

STEMS = {
    "340402": ("大通", "九龙岗", "居仁", "大通矿", "胜利", "建设", "红旗"),
    "340403": (
        "龙湖", "洞山", "国庆", "舜耕", "泉山", "淮滨", "港口", "朝阳", "柏园", "湖滨", "学院", "淮河", "矿务局",
        "田家庵电厂", "化肥厂", "纺织厂", "造纸厂", "轮胎厂", "肉联厂", "第三制药厂",
    ),
    "340404": ("谢一矿", "谢二矿", "李一矿", "蔡家岗", "望峰岗", "平山", "立新", "卧龙山", "机电总厂", "谢家集"),
    "340405": ("新庄孜矿", "土坝孜", "毕家岗", "孔集矿", "山王", "沈巷", "李咀孜"),
    "340406": ("田集", "潘一矿", "潘三矿", "平圩电厂", "泥河"),
    "340421": ("凤城", "州来", "明珠", "农机厂", "缫丝厂", "凤凰", "菱角湖", "城北"),
    "340422": ("春申", "寿春", "楚都", "南门", "北门", "西大寺巷", "棋盘", "古城酒厂", "宾阳"),
}  # fmt: skip
SUFFIXES = (
    "新村",
    "小区",
    "一村",
    "二村",
    "宿舍",
    "一区",
    "二区",
    "家属院",
    "三村",
    "三区",
    "工人村",
    "苑",
    "西院",
    "东院",
)
WORKS = ("厂", "矿", "局")


def community_ids(plots: Plots) -> pd.Series:
    """``community_id`` by lot, for the lots that are old communities, in order of the id.

    Those of extension patches have an E in their number and stand last.
    """
    lots = plots.lots[plots.lots["batch"] != ""]
    added = lots["patch"] >= len(PATCHES)
    serial = lots["serial"].astype(str)
    return (lots["unit_code"] + "-" + serial.str.zfill(3).where(~added, "E" + serial.str.zfill(7))).sort_values()


def place_slabs(lots: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Residential slabs in rows facing south on each lot: ``lot, x0, y0, x1, y1``, local metres.

    ``lots`` gains nothing; slabs that would stand in a lot's cut-out corner (:func:`corner_cut`) are
    left out. Sorted by the order of ``lots``. O(slabs).
    """
    width = (lots["x1"] - lots["x0"]).to_numpy() - 2 * MARGIN_M
    depth = (lots["y1"] - lots["y0"]).to_numpy() - 2 * MARGIN_M
    across = np.maximum(np.ceil((width + 7.0) / (SLAB_LONGEST_M + 7.0)).astype(np.int64), 1)
    rows = np.maximum(np.floor((depth - SLAB_DEPTH_M) / SLAB_PITCH_M).astype(np.int64) + 1, 1)
    length = (width - 7.0 * (across - 1)) / across
    count = across * rows
    owner = np.repeat(np.arange(len(lots)), count)
    k = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    column, row = k % across[owner], k // across[owner]
    x0 = lots["x0"].to_numpy()[owner] + MARGIN_M + column * (length[owner] + 7.0)
    pitch = (depth - SLAB_DEPTH_M) / np.maximum(rows - 1, 1)
    pitch = np.where(rows > 1, np.minimum(pitch, SLAB_PITCH_M * 1.35), 0.0)
    y0 = lots["y0"].to_numpy()[owner] + MARGIN_M + row * pitch[owner]
    slabs = pd.DataFrame(
        {"lot": lots.index.to_numpy()[owner], "x0": x0, "y0": y0, "x1": x0 + length[owner], "y1": y0 + SLAB_DEPTH_M}
    )
    cut_x, cut_y = corner_cut(lots, seed)
    inside_cut = (slabs["x1"] > cut_x[owner] - 3.0) & (slabs["y1"] > cut_y[owner] - 3.0)
    standing: pd.DataFrame = slabs[~inside_cut | (k == 0)].round(2)
    return standing.reset_index(drop=True)


def corner_cut(lots: pd.DataFrame, seed: int) -> tuple[Floats, Floats]:
    """Where an L-shaped lot's missing north-east corner begins; its own corner where nothing is missing."""
    rng = generator(seed, "corners")
    cut = (rng.random(len(lots)) < 0.16) & ~lots["drawn"].to_numpy()
    x0, x1, y0, y1 = (lots[name].to_numpy() for name in ("x0", "x1", "y0", "y1"))
    share = rng.uniform(0.25, 0.4, (2, len(lots)))
    return np.where(cut, x1 - share[0] * (x1 - x0), x1), np.where(cut, y1 - share[1] * (y1 - y0), y1)


def make_communities(plots: Plots, seed: int) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """The communities by ``community_id``, and the slabs that stand on their lots.

    Towns and extension patches are made one after the other, so that a larger city leaves the towns as they are.
    """
    ids = community_ids(plots)
    added = (plots.lots.loc[ids.index, "patch"] >= len(PATCHES)).to_numpy()
    parts = [_communities(plots, ids[~added], seed, "towns")]
    if added.any():
        parts.append(_communities(plots, ids[added], seed, "extension"))
    communities = pd.concat([part[0] for part in parts])
    return communities, pd.concat([part[1] for part in parts], ignore_index=True)


def _communities(plots: Plots, ids: pd.Series, seed: int, part: str) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Communities and slabs of the towns or of the extension; plan totals in proportion to their number."""
    lots = plots.lots.loc[ids.index]
    slabs = place_slabs(lots, seed)
    covered = ((slabs["x1"] - slabs["x0"]) * (slabs["y1"] - slabs["y0"])).groupby(slabs["lot"]).sum()
    footprint = covered.reindex(lots.index).to_numpy(np.float64)
    rng = generator(seed, "communities", part)
    batch = lots["batch"].to_numpy(str)
    floor_area, households = _share_out(batch, footprint, ids.to_numpy(str), rng)
    earliest, latest = np.where(batch == "supplement", 1988, 1972), np.where(batch == "supplement", 2004, 2000)
    year = (earliest + np.floor(rng.beta(2.2, 1.8, len(lots)) * (latest - earliest + 1))).astype(np.int64)
    names = _names(lots)
    works = np.array([next((stem for stem in STEMS[unit] if name.startswith(stem) and stem.endswith(WORKS)), None)
                      for name, unit in zip(names, lots["unit_code"], strict=True)], dtype=object)  # fmt: skip
    cost = np.round(floor_area * RENOVATION_YUAN_PER_M2 * rng.uniform(0.85, 1.2, len(lots)), -3)
    unknown = batch == "reserve"
    frame = gpd.GeoDataFrame(
        {
            "community_id": ids.to_numpy(str).astype(object),
            "name": names,
            "unit_code": lots["unit_code"].to_numpy(),
            "subdistrict": lots["subdistrict"].to_numpy(),
            "address": (lots["subdistrict"] + lots["street_line"].add(1).astype(str) + "号路").to_numpy(),
            "year_built": blanked(rng.random(len(lots)) < 0.03, year),
            "households": blanked(unknown & (rng.random(len(lots)) < 0.3), households),
            "building_count": slabs.groupby("lot").size().reindex(lots.index).to_numpy(),
            "floor_area_m2": floor_area.astype(float),
            "plan_batch": batch.astype(object),
            "plan_year": blanked(unknown, np.full(len(lots), 2024)),
            "owner_unit": pd.Series(works, dtype="str"),
            "need_basic": rng.integers(3, 10, len(lots)),
            "need_improvement": rng.integers(1, 7, len(lots)),
            "need_enhancement": rng.integers(0, 5, len(lots)),
            "cost_yuan": np.where(unknown, np.nan, cost),
        },
        geometry=_outlines(plots, lots, seed),
        crs=CITY_CRS,
    )
    return frame.set_index("community_id"), slabs


def make_buildings(plots: Plots, communities: gpd.GeoDataFrame, slabs: pd.DataFrame, seed: int) -> gpd.GeoDataFrame:
    """One polygon a building. In communities floors, floor area and households add up to the community's."""
    ids = community_ids(plots)
    owner = slabs["lot"].map(ids)
    mine = communities.loc[owner]
    footprint = ((slabs["x1"] - slabs["x0"]) * (slabs["y1"] - slabs["y0"])).to_numpy()
    total = pd.Series(footprint).groupby(slabs["lot"]).transform("sum").to_numpy()
    mean_floors = mine["floor_area_m2"].to_numpy() / total
    rng = generator(seed, "buildings")
    floors = np.maximum(np.floor(mean_floors + rng.random(len(slabs))), 1).astype(np.int64)
    weight = footprint * floors
    share = weight / pd.Series(weight).groupby(slabs["lot"]).transform("sum").to_numpy()
    number = slabs.groupby("lot").cumcount() + 1
    year = mine["year_built"].to_numpy()
    old = pd.Series(year).fillna(1990).to_numpy(float)
    structure = np.where(
        floors > 6, "frame", np.where((old < 1978) & (rng.random(len(slabs)) < 0.4), "brick_wood", "brick")
    )
    frame = gpd.GeoDataFrame(
        {
            "building_id": (owner + "-" + number.astype(str).str.zfill(2)).to_numpy(),
            "community_id": owner.to_numpy(),
            "floors": floors,
            "year_built": year,
            "structure": structure.astype(object),
            "households": _whole_shares(share, mine["households"], slabs["lot"]),
            "floor_area_m2": np.round(share * mine["floor_area_m2"].to_numpy(), 1),
        },
        geometry=boxes(plots, plots.lots["patch"].to_numpy()[slabs["lot"]], slabs),
        crs=CITY_CRS,
    )
    frame = pd.concat([frame, _other_buildings(plots, seed)], ignore_index=True)
    return frame.set_index("building_id").sort_index()


def _other_buildings(plots: Plots, seed: int) -> gpd.GeoDataFrame:
    """Buildings of the rest of the town: slabs on housing lots, one to three blocks on lots of other use."""
    lots = plots.lots[plots.lots["batch"] == ""].drop(index=planted_lots(plots))
    rng = generator(seed, "other buildings")
    homes = place_slabs(lots[lots["use"] == "housing"], seed)
    works = lots[lots["use"].isin([*OTHER_FLOORS])]
    count = rng.integers(1, 4, len(works))
    owner = np.repeat(np.arange(len(works)), count)
    k = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    width, depth = (works["x1"] - works["x0"]).to_numpy()[owner], (works["y1"] - works["y0"]).to_numpy()[owner]
    step = width / count[owner]
    x0 = works["x0"].to_numpy()[owner] + step * (k + rng.uniform(0.1, 0.2, len(owner)))
    y0 = works["y0"].to_numpy()[owner] + depth * rng.uniform(0.1, 0.3, len(owner))
    blocks = pd.DataFrame({"lot": works.index.to_numpy()[owner], "x0": x0, "y0": y0})
    blocks["x1"] = x0 + step * rng.uniform(0.45, 0.7, len(owner))
    blocks["y1"] = y0 + depth * rng.uniform(0.2, 0.5, len(owner))
    both = pd.concat([homes, blocks.round(2)], ignore_index=True)
    use = plots.lots["use"].to_numpy(str)[both["lot"]]
    geometry = boxes(plots, plots.lots["patch"].to_numpy()[both["lot"]], both)
    most = np.array([OTHER_FLOORS.get(value, 11) for value in use])
    floors = np.maximum(np.floor(most * rng.uniform(0.5, 1.01, len(both))), 1).astype(np.int64)
    area = np.round(shapely.area(geometry) * floors, 1)
    return gpd.GeoDataFrame(
        {
            "building_id": [f"LD-{n:06d}" for n in range(1, len(both) + 1)],
            "community_id": None,
            "floors": floors,
            "year_built": blanked(rng.random(len(both)) < 0.1, rng.integers(1985, 2019, len(both))),
            "structure": np.where(floors > 6, "frame", "brick").astype(object),
            "households": blanked(use != "housing", np.round(area / 95).astype(np.int64)),
            "floor_area_m2": area,
        },
        geometry=geometry,
        crs=CITY_CRS,
    )


def make_illegal_structures(plots: Plots, slabs: pd.DataFrame, seed: int) -> gpd.GeoDataFrame:
    """Sheds added to the south face of slabs, about one for every two communities."""
    ids = community_ids(plots)
    rng = generator(seed, "illegal")
    count = max(len(ids) // 2, 1)
    pick = slabs.iloc[np.sort(rng.choice(len(slabs), min(count, len(slabs)), replace=False))]
    start = pick["x0"] + (pick["x1"] - pick["x0"]) * rng.uniform(0.05, 0.8, len(pick))
    size = np.round(rng.uniform(2.5, 6.5, (2, len(pick))), 1)
    sheds = pd.DataFrame({"x0": start, "x1": start + size[0], "y0": pick["y0"] - size[1] * 0.8, "y1": pick["y0"]})
    geometry = boxes(plots, plots.lots["patch"].to_numpy()[pick["lot"]], sheds)
    frame = gpd.GeoDataFrame(
        {
            "structure_id": [f"WJ-{k + 1:04d}" for k in range(len(pick))],
            "community_id": pick["lot"].map(ids).to_numpy(),
            "area_m2": np.round(shapely.area(geometry), 1),
            "state": rng.choice(["found", "ordered", "removed"], len(pick), p=[0.4, 0.3, 0.3]).astype(object),
        },
        geometry=geometry,
        crs=CITY_CRS,
    )
    return frame.set_index("structure_id")


def boxes(plots: Plots, patch: Ints, rectangles: pd.DataFrame) -> NDArray[np.object_]:
    """Local rectangles ``x0, y0, x1, y1`` as polygons on the map, counter-clockwise."""
    x0, y0, x1, y1 = (rectangles[name].to_numpy(float) for name in ("x0", "y0", "x1", "y1"))
    x = np.column_stack([x0, x1, x1, x0, x0])
    y = np.column_stack([y0, y0, y1, y1, y0])
    return polygons(plots, patch, x, y)


def polygons(plots: Plots, patch: Ints, x: Floats, y: Floats) -> NDArray[np.object_]:
    """Closed rings of equal length, given as (rings, vertices) of local metres, as polygons on the map."""
    rings, vertices = x.shape
    xy = plots.on_map(np.repeat(patch, vertices), x.ravel(), y.ravel())
    return np.asarray(shapely.polygons(xy.reshape(rings, vertices, 2)), dtype=object)


def whole_parts(total: int, weights: Floats) -> Ints:
    """``total`` in whole parts proportional to ``weights``, by largest remainder; they add up exactly."""
    exact = total * weights / weights.sum()
    parts: Ints = np.floor(exact).astype(np.int64)
    missing = int(total - parts.sum())
    order = np.lexsort([np.arange(len(weights)), -(exact - parts)])
    parts[order[:missing]] += 1
    return parts


def _share_out(
    batch: NDArray[np.str_], footprint: Floats, ids: NDArray[np.str_], rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Floor area in m² and households of every community; each plan's totals are exact."""
    storeys = rng.uniform(4.2, 6.6, len(batch))
    size = rng.uniform(62.0, 94.0, len(batch))
    floor_area = np.round(footprint * storeys).astype(np.int64)
    households = np.maximum(np.round(floor_area / size), 1).astype(np.int64)
    for plan, (count, homes, area) in PLAN.items():
        mine = np.flatnonzero(batch == plan)
        if not len(mine):
            continue
        weight = footprint[mine] * storeys[mine]
        floor_area[mine] = whole_parts(round(area * len(mine) / count), weight)
        total = round(homes * len(mine) / count)
        odd = np.flatnonzero(ids[mine] == OUTLIER)
        households[mine[odd]] = np.round(floor_area[mine[odd]] / OUTLIER_M2_PER_HOUSEHOLD).astype(np.int64)
        rest = np.setdiff1d(mine, mine[odd])
        households[rest] = whole_parts(total - int(households[mine[odd]].sum()), floor_area[rest] / size[rest])
    return floor_area, households


def _outlines(plots: Plots, lots: pd.DataFrame, seed: int) -> NDArray[np.object_]:
    """Each lot as a block with cut corners, a little inside its parcel; drawn ones keep their sides."""
    rng = generator(seed, "outlines")
    loose = (~lots["drawn"].to_numpy()).astype(float)
    inset = np.round(rng.uniform(0.0, 2.5, (4, len(lots))) * loose, 2)
    x0, x1 = lots["x0"].to_numpy() + inset[0], lots["x1"].to_numpy() - inset[1]
    y0, y1 = lots["y0"].to_numpy() + inset[2], lots["y1"].to_numpy() - inset[3]
    c = np.round(rng.uniform(1.0, 5.0, (8, len(lots))), 2)
    x = np.column_stack([x0 + c[0], x1 - c[1], x1, x1, x1 - c[2], x0 + c[3], x0, x0, x0 + c[0]])
    y = np.column_stack([y0, y0, y0 + c[4], y1 - c[5], y1, y1, y1 - c[6], y0 + c[7], y0])
    patch = lots["patch"].to_numpy()
    whole = polygons(plots, patch, x, y)
    cut_x, cut_y = corner_cut(lots, seed)
    cut = np.flatnonzero(cut_x < lots["x1"].to_numpy())
    corner = pd.DataFrame({"x0": cut_x[cut], "y0": cut_y[cut], "x1": x1[cut] + 5, "y1": y1[cut] + 5})
    remaining = shapely.difference(whole[cut], boxes(plots, patch[cut], corner))
    whole[cut] = shapely.transform(remaining, lambda xy: np.round(xy, 3))
    return np.asarray(shapely.orient_polygons(whole), dtype=object)


def _names(lots: pd.DataFrame) -> NDArray[np.object_]:
    """Names as in such a town, none twice but the planted pair; extension patches are numbered."""
    taken = set(lots["name"]) | {DUPLICATE_NAME}
    pool = {unit: iter([a + b for b in SUFFIXES for a in stems if a + b not in taken]) for unit, stems in STEMS.items()}
    out = []
    for name, unit, area, serial in zip(
        lots["name"], lots["unit_code"], lots["subdistrict"], lots["serial"], strict=True
    ):
        if name:
            out.append(name)
        elif (unit, serial) in DUPLICATE_NAMED:
            out.append(DUPLICATE_NAME)
        elif area.startswith("扩展"):
            out.append(f"{area}{serial}号小区")
        else:
            out.append(next(pool[unit]))
    return np.array(out, dtype=object)


def _whole_shares(share: Floats, totals: pd.Series, group: pd.Series) -> NDArray[np.object_]:
    """Whole households per slab that add up to the community's; unknown where that is unknown."""
    known = totals.notna().to_numpy()
    total = pd.to_numeric(totals, errors="coerce").fillna(0).to_numpy(float)
    upto = np.round(pd.Series(share).groupby(group).cumsum().to_numpy() * total)
    first = ~group.duplicated().to_numpy()
    parts = np.diff(upto, prepend=0.0)
    parts[first] = upto[first]
    return blanked(~known, np.round(parts).astype(np.int64))
