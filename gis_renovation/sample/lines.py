"""Lines of the synthetic city: streets, slow paths, barriers with their crossings, pipes and cables.

Streets and paths meet in shared end points, to the millimetre. Each utility network follows the
streets at a constant offset of its own, so that its lines meet as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Floats
from gis_renovation.sample.housing import community_ids
from gis_renovation.sample.place import (
    CITY_CRS,
    EXPRESSWAY_COURSE,
    FAST_RAILWAY_COURSE,
    HUAI,
    HUAI_HALF_WIDTH_M,
    PATCHES,
    RAILWAY_COURSE,
    ROAD_BENDS,
    TRUNK_ROADS,
    WEST_EXPRESSWAY_COURSE,
    XY,
    huai_river,
    smoothed,
)
from gis_renovation.sample.plots import STREET_WIDTH_M, Plots, blanked, generator, segments_between

ROW_NAMES = ("人民", "朝阳", "国庆", "淮河", "建设", "和平", "团结", "解放", "胜利", "光明", "前进", "文化", "向阳")
COLUMN_NAMES = ("龙湖", "学院", "柏园", "曙光", "矿山", "电厂", "东风", "红旗", "迎宾", "公园", "湖滨", "金山", "卧龙")
LIGHT_SPACING_M = 60.0

FOOTBRIDGE = "GC-TQ-01"
FOOTBRIDGE_BETWEEN = ("340402-003", "340402-004")
ABANDONED_LINE = "JS-90001"
ABANDONED_IN = "340403-001"

# network: id prefix, offset from the street line in m, share of streets it follows, share of communities joined.
NETWORKS = {
    "water": ("JS", -2.0, 0.96, 1.0),
    "sewer": ("WS", 0.0, 0.92, 1.0),
    "gas": ("RQ", 2.0, 0.80, 0.85),
    "power": ("DL", 4.0, 0.97, 1.0),
    "telecom": ("TX", -4.0, 0.95, 1.0),
}
OPERATORS = {
    "water": ("首创水务（合成）",),
    "sewer": ("排水公司（合成）",),
    "gas": ("中燃城市燃气（合成）",),
    "power": ("供电公司（合成）",),
    "telecom": ("电信（合成）", "移动（合成）", "联通（合成）", "广电（合成）"),
}
# Materials from the oldest on: the last year in which each was laid.
MATERIALS = {
    "water": (("grey_cast_iron", 1988), ("ductile_iron", 2003), ("pe", 2100)),
    "sewer": (("concrete", 1992), ("reinforced_concrete", 2008), ("hdpe", 2100)),
    "gas": (("grey_cast_iron", 1992), ("steel", 2004), ("pe", 2100)),
    "power": (("copper_cable", 2100),),
    "telecom": (("copper_cable", 2005), ("fibre", 2100)),
}
DIAMETERS = {"water": (300, 100), "sewer": (600, 300), "gas": (160, 63), "power": (150, 100), "telecom": (110, 50)}
DEPTHS = {"water": 1.1, "sewer": 1.9, "gas": 0.95, "power": 0.8, "telecom": 0.75}
NODE_KINDS = {
    "water": ("valve", "hydrant", "inlet"),
    "sewer": ("manhole", "manhole", "inlet"),
    "gas": ("valve", "joint", "inlet"),
    "power": ("transformer", "joint", "inlet"),
    "telecom": ("cabinet", "joint", "inlet"),
}


# --- streets --------------------------------------------------------------------------------------


def make_streets(plots: Plots, seed: int) -> gpd.GeoDataFrame:
    """Streets between junctions, roads between towns, expressways, and one access road a community."""
    rng = generator(seed, "streets")
    taps = pd.concat([_alley_taps(plots), community_taps(plots)], ignore_index=True)
    cut = segments_between(plots.edges, taps)
    access = _access_roads(plots)
    trunk = _trunk_roads(plots)
    kinds = np.concatenate(
        [cut["kind"].to_numpy(str), np.full(len(access), "access"), np.full(len(trunk), "arterial"), ["expressway"] * 2]
    )
    names = [
        *_street_names(plots, cut),
        *[None] * len(access),
        *[name for name, _ in trunk],
        "合淮阜高速（示意）",
        "东部快速路（示意）",
    ]
    west = [
        _snapped(shapely.LineString(smoothed(WEST_EXPRESSWAY_COURSE))),
        shapely.LineString(course(plots, EXPRESSWAY_COURSE)),
    ]
    geometry = [*lines_of(plots, cut), *access, *[line for _, line in trunk], *west]
    outside = np.isin(kinds, ["expressway"])
    narrow = kinds == "branch"
    walkway = ~outside & ~(narrow & (rng.random(len(kinds)) < 0.12))
    walkway[len(cut) + len(access) : len(cut) + len(access) + len(trunk)] = [name.endswith("大桥") for name, _ in trunk]
    lit = (np.isin(kinds, ["arterial", "secondary"])) | (rng.random(len(kinds)) < 0.6)
    frame = gpd.GeoDataFrame(
        {
            "street_id": serials("L", len(kinds)),
            "name": names,
            "class": kinds.astype(object),
            "width_m": [STREET_WIDTH_M.get(kind, 28.0) for kind in kinds],
            "walkway": walkway.astype(object),
            "lit": blanked(rng.random(len(kinds)) < 0.03, lit),
        },
        geometry=geometry,
        crs=CITY_CRS,
    )
    return frame.set_index("street_id")


def make_street_lights(streets: gpd.GeoDataFrame, seed: int) -> gpd.GeoDataFrame:
    """Lamps every 60 m along lit streets in town; one in twelve is broken."""
    lit = streets[(streets["lit"].eq(True)) & ~streets["class"].isin(["access", "expressway"])]
    length = shapely.length(lit.geometry.to_numpy())
    lit, length = lit[length < 400], length[length < 400]
    count = np.maximum(np.floor(length / LIGHT_SPACING_M).astype(np.int64), 1)
    owner = np.repeat(np.arange(len(lit)), count)
    k = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    share = (k + 0.5) / count[owner]
    points = shapely.line_interpolate_point(lit.geometry.to_numpy()[owner], share, normalized=True)
    frame = gpd.GeoDataFrame(
        {
            "light_id": serials("LD", len(owner)),
            "working": (generator(seed, "lights").random(len(owner)) > 1 / 12).astype(object),
        },
        geometry=shapely.transform(points, lambda xy: np.round(xy, 2)),
        crs=CITY_CRS,
    )
    return frame.set_index("light_id")


def community_taps(plots: Plots) -> pd.DataFrame:
    """Where each community meets its street: the edge, and ``at`` along it; in order of community id."""
    lots = plots.lots.loc[community_ids(plots).index]
    return pd.DataFrame(
        {"patch": lots["patch"], "orient": 0, "line": lots["street_line"], "cell": lots["i"], "at": lots["ex"]}
    )


def lines_of(plots: Plots, cut: pd.DataFrame, offset: float = 0.0) -> NDArray[np.object_]:
    """Segments of :func:`segments_between` as lines on the map, moved by ``offset`` in x and y."""
    fixed, a, b = (cut[name].to_numpy(float) for name in ("fixed", "a", "b"))
    across = cut["orient"].to_numpy() == 1
    x0, y0 = np.where(across, fixed, a), np.where(across, a, fixed)
    x1, y1 = np.where(across, fixed, b), np.where(across, b, fixed)
    return pairs_of(plots, cut["patch"].to_numpy(), np.column_stack([x0, y0, x1, y1]) + offset)


def pairs_of(plots: Plots, patch: NDArray[np.int64], ends: Floats) -> NDArray[np.object_]:
    """Straight lines on the map from local ``x0, y0, x1, y1``."""
    xy = plots.on_map(np.repeat(patch, 2), ends[:, [0, 2]].ravel(), ends[:, [1, 3]].ravel())
    return np.asarray(shapely.linestrings(xy.reshape(-1, 2, 2)), dtype=object)


def node_on_map(plots: Plots, key: str, column: int, row: int) -> XY:
    """The crossing of two grid lines of the patch named ``key``."""
    number = plots.number_of(key)
    x, y = plots.lines[number]
    east, north = plots.on_map(np.array([number]), x[[column]], y[[row]])[0]
    return float(east), float(north)


def serials(prefix: str, count: int) -> list[str]:
    """``prefix-00001`` and on, wide enough that text order is number order."""
    width = max(5, len(str(count)))
    return [f"{prefix}-{k:0{width}d}" for k in range(1, count + 1)]


def _alley_taps(plots: Plots) -> pd.DataFrame:
    a = plots.alleys
    ends = [
        pd.DataFrame({"patch": a["patch"], "orient": 0, "line": a["j"] + k, "cell": a["i"], "at": a["x"]})
        for k in (0, 1)
    ]
    return pd.concat(ends, ignore_index=True)


def _access_roads(plots: Plots) -> NDArray[np.object_]:
    """From the street 30 m into each community, or to its middle if that is nearer."""
    lots = plots.lots.loc[community_ids(plots).index]
    return pairs_of(plots, lots["patch"].to_numpy(), _way_in(lots, 30.0))


def _way_in(lots: pd.DataFrame, depth_m: float) -> Floats:
    reach = np.minimum(depth_m, (lots["y1"] - lots["y0"]).to_numpy() / 2)
    end = np.where(lots["below"], lots["y0"] + reach, lots["y1"] - reach)
    return np.column_stack([lots["ex"], lots["ey"], lots["ex"], end])


def _trunk_roads(plots: Plots) -> list[tuple[str, shapely.LineString]]:
    return [
        (name, _road(node_on_map(plots, *start), node_on_map(plots, *end), ROAD_BENDS.get(name, 0.0)))
        for name, start, end in TRUNK_ROADS
    ]


def _road(start: XY, end: XY, bend: float) -> shapely.LineString:
    """A road that swings out to its left by ``bend`` of its length."""
    if bend == 0.0:
        return shapely.LineString([start, end])
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    out = [(x0 + s * dx - bend * dy, y0 + s * dy + bend * dx) for s in (0.3, 0.7)]
    return _snapped(shapely.LineString(smoothed([start, *out, end], rounds=3)))


def _street_names(plots: Plots, cut: pd.DataFrame) -> list[str]:
    suffix = {"arterial": "路", "secondary": "路", "branch": "街"}
    names = []
    for patch, orient, line, kind in zip(cut["patch"], cut["orient"], cut["line"], cut["kind"], strict=True):
        pool = ROW_NAMES if orient == 0 else COLUMN_NAMES
        area = plots.specs[patch].subdistrict[:2]
        names.append(f"{area}{pool[(line + 3 * patch) % len(pool)]}{suffix[kind]}")
    return names


# --- barriers and crossings -----------------------------------------------------------------------


def course(plots: Plots, points: Sequence[XY | str]) -> list[XY]:
    """Waypoints with each patch's name replaced by the ends of its barrier line, in the order travelled."""
    out: list[XY] = []
    rail = points is RAILWAY_COURSE
    for point in points:
        if not isinstance(point, str):
            out.append((float(point[0]), float(point[1])))
            continue
        number = plots.number_of(point)
        ends = barrier_line(plots, number, "row" if rail else "col", "railway" if rail else "expressway", 40.0)
        out += sorted(ends, key=lambda end: np.hypot(end[0] - out[-1][0], end[1] - out[-1][1]))
    return out


def barrier_line(plots: Plots, number: int, along: str, kind: str, beyond_m: float) -> list[XY]:
    """Both ends on the map of the grid line of patch ``number`` that carries ``kind``."""
    spec, (x, y) = plots.specs[number], plots.lines[number]
    table = spec.barrier_rows if along == "row" else spec.barrier_cols
    line = next(k for k, (found, _) in table.items() if found == kind)
    if along == "row":
        local = np.array([[x[0] - beyond_m, y[line]], [x[-1] + beyond_m, y[line]]])
    else:
        local = np.array([[x[line], y[0] - beyond_m], [x[line], y[-1] + beyond_m]])
    ends = plots.on_map(np.array([number, number]), local[:, 0], local[:, 1])
    return [(float(a), float(b)) for a, b in ends]


def make_barriers(plots: Plots) -> gpd.GeoDataFrame:
    """River, creeks, railways, expressways, one arterial and two walls; lines, the Huai a polygon."""
    rows: list[tuple[str, str, str, int, shapely.Geometry]] = [
        ("B-HE-01", "river", "淮河", 1, huai_river()),
        ("B-HE-02", "river", "龙王沟", 1, _creek(plots, "quanshan", ((502300, 3614900), (502500, 3617000)))),
        (
            "B-HE-03",
            "river",
            "柳沟",
            1,
            _creek(plots, "jiulonggang", ((510700, 3613500), (509000, 3616800), (506500, 3619700))),
        ),
        ("B-TL-01", "railway", "淮南线", 1, shapely.LineString(course(plots, RAILWAY_COURSE))),
        ("B-TL-02", "railway", "高速铁路（示意）", 1, _snapped(shapely.LineString(smoothed(FAST_RAILWAY_COURSE)))),
        (
            "B-GS-01",
            "expressway",
            "合淮阜高速（示意）",
            1,
            _snapped(shapely.LineString(smoothed(WEST_EXPRESSWAY_COURSE))),
        ),
        ("B-GS-02", "expressway", "东部快速路（示意）", 1, shapely.LineString(course(plots, EXPRESSWAY_COURSE))),
        ("B-ZG-01", "arterial", "洞山中路", 2, _arterial(plots)),
    ]
    rows += [(f"B-WQ-{k + 1:02d}", "wall", "小区围墙", 3, line) for k, line in enumerate(_walls(plots))]
    for number in range(len(PATCHES), len(plots.specs)):
        for along, kind in (("row", "railway"), ("col", "river"), ("col", "expressway")):
            line = shapely.LineString(barrier_line(plots, number, along, kind, 200.0))
            rows.append((f"B-KZ-{number:04d}-{kind}", kind, f"扩展片区{kind}", 1, line))
    frame = gpd.GeoDataFrame(
        {
            "barrier_id": [row[0] for row in rows],
            "kind": [row[1] for row in rows],
            "name": [row[2] for row in rows],
            "grade": [row[3] for row in rows],
        },
        geometry=[row[4] for row in rows],
        crs=CITY_CRS,
    )
    return frame.set_index("barrier_id").sort_index()


def make_crossings(plots: Plots, streets: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Where a street crosses a barrier, the planted footbridge, and the gate in the first wall."""
    walked = streets[~streets["class"].isin(["expressway", "access"])]
    lines, classes, names = (walked[name].to_numpy(dtype=object) for name in ("geometry", "class", "name"))
    tree = shapely.STRtree(lines)
    rows: list[tuple[str, str, str | None, str, shapely.Geometry]] = [
        (FOOTBRIDGE, "footbridge", "矿机厂人行天桥", "B-TL-01", _footbridge(plots)),
        (
            "GC-WQ-01",
            "gate",
            "便门",
            "B-WQ-01",
            shapely.line_interpolate_point(barriers.geometry["B-WQ-01"], 0.5, normalized=True),
        ),
    ]
    for barrier_id, kind, geometry in zip(barriers.index, barriers["kind"], barriers.geometry, strict=True):
        if kind == "wall":
            continue
        hit = np.sort(tree.query(geometry, predicate="intersects"))
        if kind == "arterial":
            hit = hit[classes[hit] == "secondary"]
        if barrier_id == "B-HE-01":
            rows += [(f"GC-{barrier_id[2:]}-{k + 1:02d}", "bridge", names[h], barrier_id, _span(lines[h], geometry))
                     for k, h in enumerate(hit)]  # fmt: skip
            continue
        places = _distinct_points(shapely.intersection(lines[hit], geometry), classes[hit])
        for k, (place, street_class) in enumerate(places):
            rows.append(
                (f"GC-{barrier_id[2:]}-{k + 1:02d}", _crossing_kind(kind, street_class), None, barrier_id, place)
            )
    frame = gpd.GeoDataFrame(
        {
            "crossing_id": [row[0] for row in rows],
            "kind": [row[1] for row in rows],
            "name": [row[2] for row in rows],
            "barrier_id": [row[3] for row in rows],
        },
        geometry=shapely.transform(np.array([row[4] for row in rows], dtype=object), lambda xy: np.round(xy, 3)),
        crs=CITY_CRS,
    )
    return frame.set_index("crossing_id").sort_index()


def _creek(plots: Plots, key: str, onward: Iterable[XY]) -> shapely.Polygon:
    """A creek 16 m wide along a patch's river line, then on to the Huai."""
    points = barrier_line(plots, plots.number_of(key), "col", "river", 60.0)
    line = shapely.LineString([*points, *[(float(a), float(b)) for a, b in onward]])
    return shapely.transform(
        shapely.buffer(line, 8.0, cap_style="flat", join_style="mitre"), lambda xy: np.round(xy, 3)
    )


def _arterial(plots: Plots) -> shapely.LineString:
    number = plots.number_of("guoqing")
    x, y = plots.lines[number]
    middle = len(x) // 2 - 1
    ends = plots.on_map(np.array([number] * 2), x[[middle, middle]], np.array([y[0], y[-1]]))
    return shapely.LineString(ends)


def _walls(plots: Plots) -> list[shapely.LineString]:
    """Walls between two pairs of neighbouring old communities of one block in the river-side town."""
    lots = plots.lots
    mine = lots[(lots["patch"] == plots.number_of("huaibin")) & (lots["batch"] != "")]
    out: list[shapely.LineString] = []
    for _, row in mine[mine["k"] > 0].iterrows():
        left = mine[
            (mine["i"] == row["i"]) & (mine["j"] == row["j"]) & (mine["k"] == row["k"] - 1) & (mine["r"] == row["r"])
        ]
        if len(left) and len(out) < 2:
            ends = np.array([[row["cut"] + 1.5, row["y0"] - 2, row["cut"] + 1.5, row["y1"] + 2]])
            out.append(pairs_of(plots, np.array([row["patch"]]), ends)[0])
    return out


def _footbridge(plots: Plots) -> shapely.LineString:
    ends = _bridge_heads(plots)
    return shapely.LineString([ends[0], ends[1]])


def _bridge_heads(plots: Plots) -> Floats:
    """South and north end of the footbridge, 24 m either side of the rails, on the map."""
    ids = community_ids(plots)
    lot = plots.lots.loc[ids.index[ids == FOOTBRIDGE_BETWEEN[0]][0]]
    number = int(lot["patch"])
    rail = plots.lines[number][1][next(iter(plots.specs[number].barrier_rows))]
    return plots.on_map(np.array([number] * 2), np.array([lot["ex"]] * 2), np.array([rail - 24.0, rail + 24.0]))


def _span(road: shapely.LineString, water: shapely.Polygon) -> shapely.Geometry:
    """The part of a road over the water and 20 m of bank either side."""
    return shapely.intersection(road, shapely.buffer(water, 20.0))


def _distinct_points(places: NDArray[np.object_], classes: NDArray[np.object_]) -> list[tuple[shapely.Point, str]]:
    """Middle points of the intersections, one for all within 8 m of each other."""
    middle = shapely.centroid(places)
    out: list[tuple[shapely.Point, str]] = []
    kept = np.zeros((0, 2))
    for point, street_class in zip(middle, classes, strict=True):
        xy = shapely.get_coordinates(point)
        if len(kept) and (np.hypot(*(kept - xy).T) < 25.0).any():
            continue
        kept = np.vstack([kept, xy])
        out.append((point, street_class))
    return out


def _crossing_kind(barrier: str, street: str) -> str:
    if barrier == "river":
        return "bridge"
    if barrier == "railway":
        return "level_crossing" if street == "branch" else "underpass"
    return "underpass" if barrier == "expressway" else "footbridge"


# --- slow paths -----------------------------------------------------------------------------------


def make_slow_paths(plots: Plots, seed: int) -> gpd.GeoDataFrame:
    """Alleys between lots, the riverside greenway with its gaps, cycleways, hill steps, the footbridge path."""
    rng = generator(seed, "paths")
    alleys = plots.alleys[rng.random(len(plots.alleys)) < 0.8]
    ends = alleys[["x", "y0", "x", "y1"]].to_numpy(float)
    rows: list[tuple[str, str | None, shapely.Geometry]]
    rows = [("alley", None, line) for line in pairs_of(plots, alleys["patch"].to_numpy(), ends)]
    rows += _greenway(plots)
    rows += [("cycleway", name, line) for name, line in _trunk_roads(plots) if name in ("淮舜路", "洞山路", "龙湖路")]
    steps = [node_on_map(plots, "quanshan", 2, 0), (499900.0, 3611100.0), (499700.0, 3610200.0)]
    rows.append(("steps", "舜耕山登山道", shapely.LineString(steps)))
    rows += [("footway", "天桥步道", line) for line in _bridge_path(plots)]
    kinds = np.array([row[0] for row in rows])
    width = {"alley": 4.0, "greenway": 6.0, "cycleway": 3.5, "steps": 2.5, "footway": 3.0}
    closed = (kinds == "alley") & (rng.random(len(rows)) < 0.12)
    frame = gpd.GeoDataFrame(
        {
            "path_id": serials("MX", len(rows)),
            "name": [row[1] for row in rows],
            "kind": kinds.astype(object),
            "width_m": [width[kind] for kind in kinds],
            "lit": blanked(rng.random(len(rows)) < 0.06, rng.random(len(rows)) < 0.5),
            "surface": ["沥青" if kind in ("greenway", "cycleway") else "砖" for kind in kinds],
            "public": (~closed).astype(object),
        },
        geometry=[row[2] for row in rows],
        crs=CITY_CRS,
    )
    return frame.set_index("path_id")


def _greenway(plots: Plots) -> list[tuple[str, str | None, shapely.Geometry]]:
    """The greenway on the south bank in pieces, some missing, and footways down to it from the town."""
    bank = shapely.offset_curve(shapely.LineString(smoothed(HUAI)), -(HUAI_HALF_WIDTH_M + 45.0))
    near = shapely.intersection(bank, shapely.box(495500, 3610000, 505800, 3625000))
    bank = max(shapely.get_parts(near), key=shapely.length)
    town = plots.specs[plots.number_of("huaibin")]
    links = [node_on_map(plots, town.key, column, town.rows) for column in (1, 3, 5)]
    stations = sorted(float(shapely.line_locate_point(bank, shapely.Point(node))) for node in links)
    marks = sorted({*np.arange(0.0, shapely.length(bank), 550.0).tolist(), *stations})
    rows: list[tuple[str, str | None, shapely.Geometry]] = []
    for k, (start, end) in enumerate(itertools.pairwise(marks)):
        shortened = {4: 40.0, 9: 120.0}.get(k, 0.0)
        if k == 13 or end - start <= shortened + 5:
            continue
        rows.append(("greenway", "淮河绿道", _substring(bank, start, end - shortened)))
    for node in links:
        at = shapely.line_interpolate_point(bank, shapely.line_locate_point(bank, shapely.Point(node)))
        rows.append(("footway", "滨河步道", _snapped(shapely.LineString([node, shapely.get_coordinates(at)[0]]))))
    return rows


def _substring(line: shapely.LineString, start: float, end: float) -> shapely.LineString:
    """The part of ``line`` between two distances along it, with a vertex at both."""
    xy = shapely.get_coordinates(line)
    at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    inner = xy[(at > start + 0.01) & (at < end - 0.01)]
    ends = [shapely.get_coordinates(shapely.line_interpolate_point(line, d)) for d in (start, end)]
    return _snapped(shapely.LineString(np.vstack([ends[0], inner, ends[1]])))


def _snapped(line: shapely.LineString) -> shapely.LineString:
    return shapely.transform(line, lambda xy: np.round(xy, 3))


def _bridge_path(plots: Plots) -> list[shapely.LineString]:
    """From the street south of the railway over the footbridge to the street north of it."""
    ids = community_ids(plots)
    number = plots.number_of("jiulonggang")
    south, north = _bridge_heads(plots)
    lots = [plots.lots.loc[ids.index[ids == one][0]] for one in FOOTBRIDGE_BETWEEN]
    doors = plots.on_map(
        np.array([number] * 2), np.array([lot["ex"] for lot in lots]), np.array([lot["ey"] for lot in lots])
    )
    return [shapely.LineString(pair) for pair in ((doors[0], south), (south, north), (north, doors[1]))]


# --- utilities ------------------------------------------------------------------------------------


def make_utility_lines(plots: Plots, seed: int) -> gpd.GeoDataFrame:
    """Five networks along the streets with a branch into the communities; one water branch is planted abandoned."""
    frames = [_network(plots, network, seed) for network in NETWORKS]
    lines = gpd.GeoDataFrame(pd.concat(frames), geometry="geometry", crs=CITY_CRS).sort_index()
    drawn = generator(seed, "lining").random(len(lines))
    iron = ((lines["network"] == "water") & lines["material"].isin(["grey_cast_iron", "ductile_iron"])).to_numpy()
    lines.insert(8, "lined", blanked(~iron | (drawn < 0.4), drawn < 0.7))
    return lines


def make_utility_nodes(lines: gpd.GeoDataFrame, seed: int) -> gpd.GeoDataFrame:
    """A node at every end of a line, once per network: an inlet in a community, a source, or by its degree.

    Of the valves one in twelve does not turn, and of one in four nobody tried.
    """
    frames = []
    for network, (prefix, *_) in NETWORKS.items():
        mine = lines[lines["network"] == network]
        xy = shapely.get_coordinates(mine.geometry.to_numpy()).reshape(-1, 2, 2)
        ends = np.vstack([xy[:, 0], xy[:, 1]])
        places, first, degree = np.unique(ends, axis=0, return_index=True, return_counts=True)
        branch = mine["diameter_mm"].to_numpy() == DIAMETERS[network][1]
        inlet = (first >= len(mine)) & branch[first % max(len(mine), 1)] & (degree == 1)
        junction, middle, end = NODE_KINDS[network]
        kind = np.where(inlet, end, np.where(degree > 2, junction, middle)).astype(object)
        if len(kind):
            kind[np.flatnonzero(~inlet)[0]] = "outfall" if network == "sewer" else "source"
        frames.append(
            pd.DataFrame(
                {
                    "node_id": serials(f"{prefix}D", len(places)),
                    "network": network,
                    "kind": kind,
                    "open": [True if value == "valve" else None for value in kind],
                    "geometry": shapely.points(places),
                }
            )
        )
    nodes = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), geometry="geometry", crs=CITY_CRS)
    drawn = generator(seed, "valves").random(len(nodes))
    untried = (nodes["kind"] != "valve").to_numpy() | (drawn < 0.25)
    nodes.insert(3, "operable", blanked(untried, drawn < 1 - 1 / 12))
    return nodes.set_index("node_id").sort_index()


def _network(plots: Plots, network: str, seed: int) -> pd.DataFrame:
    """Mains and branches of one network with their attributes."""
    prefix, offset, street_share, joined_share = NETWORKS[network]
    rng = generator(seed, "utilities", network)
    served = np.array([spec.gas or network != "gas" for spec in plots.specs])
    ids = community_ids(plots)
    lots = plots.lots.loc[ids.index]
    joined = served[lots["patch"]] & ((rng.random(len(lots)) < joined_share) | (ids == ABANDONED_IN).to_numpy())
    edges = plots.edges[served[plots.edges["patch"]] & (rng.random(len(plots.edges)) < street_share)]
    mains = segments_between(edges, community_taps(plots)[joined])
    branches = pairs_of(plots, lots["patch"].to_numpy()[joined], _way_in(lots[joined], 45.0) + offset)
    geometry = np.concatenate([lines_of(plots, mains, offset), branches])
    is_branch = np.arange(len(geometry)) >= len(mains)
    line_ids = serials(prefix, len(geometry))
    status = rng.choice(["in_use", "abandoned", "empty", "planned"], len(geometry), p=[0.955, 0.025, 0.01, 0.01])
    if network == "water":
        planted = len(mains) + int(np.flatnonzero(ids[joined] == ABANDONED_IN)[0])
        line_ids[planted], status[planted] = ABANDONED_LINE, "abandoned"
    year = 1974 + np.floor(rng.beta(1.9, 1.6, len(geometry)) * 48).astype(np.int64)
    year = np.where(status == "planned", 2025, year)
    names, last = zip(*MATERIALS[network], strict=True)
    material = np.array(names, dtype=object)[np.searchsorted(last, year)]
    unknown = rng.random((3, len(geometry)))
    diameter = np.where(is_branch, DIAMETERS[network][1], DIAMETERS[network][0]).astype(float)
    unsafe = (rng.random(len(geometry)) < 0.35).astype(object)
    frame = pd.DataFrame(
        {
            "line_id": line_ids,
            "network": network,
            "operator": rng.choice(np.array(OPERATORS[network], dtype=object), len(geometry)),
            "material": blanked(unknown[0] < 0.08, material),
            "diameter_mm": diameter,
            "year_built": blanked(unknown[1] < 0.12, year),
            "depth_m": np.round(DEPTHS[network] + rng.normal(0, 0.15, len(geometry)), 2),
            "status": status.astype(object),
            "assessed_unsafe": blanked((year >= 2000) | (unknown[2] >= 0.3), unsafe),
            "geometry": geometry,
        }
    )
    return frame.set_index("line_id")
