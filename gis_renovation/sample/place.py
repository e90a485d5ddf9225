"""The stage of the synthetic city: where Huainan's towns, river, railways and hills lie, schematically.

True are the codes and names of the seven county-level units and the positions of their seats; all
else (outline, course of river and lines, extent of the towns) is drawn by hand to resemble the
place. Coordinates are EPSG:4548, metres, unless a name says otherwise. Nothing here is a boundary
anyone may rely on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS, Transformer

from gis_renovation.crs import gcj02_to_wgs84

CITY_CRS = CRS("EPSG:4548")

XY = tuple[float, float]


class Unit(NamedTuple):
    """A reporting unit: ``seat_gcj02`` in degrees as consumer maps give it; ``cells`` seed its territory."""

    code: str
    name: str
    parent_code: str
    level: str
    seat_gcj02: XY | None
    cells: tuple[XY, ...]


# Seats: district points of a consumer map service, so GCJ-02. The further cells give each unit its reach.
UNITS: tuple[Unit, ...] = (
    Unit(
        "340402",
        "大通区",
        "340400",
        "county",
        (117.053, 32.632),
        ((509500, 3611500), (512500, 3603000), (512500, 3617800)),
    ),
    Unit("340402400", "淮南经济开发区", "340402", "special", None, ((506300, 3616000),)),
    Unit(
        "340403",
        "田家庵区",
        "340400",
        "county",
        (117.018, 32.644),
        ((497000, 3611000), (498500, 3603500), (497800, 3614300)),
    ),
    Unit("340404", "谢家集区", "340400", "county", (116.865, 32.598), ((490500, 3611500), (489500, 3602500))),
    Unit("340405", "八公山区", "340400", "county", (116.841, 32.628), ((482400, 3613400),)),
    Unit(
        "340406",
        "潘集区",
        "340400",
        "county",
        (116.817, 32.782),
        ((486000, 3642000), (495500, 3625500), (478500, 3640000)),
    ),
    Unit(
        "340421",
        "凤台县",
        "340400",
        "county",
        (116.723, 32.705),
        ((462000, 3625000), (455000, 3635000), (466000, 3645000), (454000, 3616500)),
    ),
    Unit(
        "340422",
        "寿县",
        "340400",
        "county",
        (116.785, 32.577),
        (
            (470000, 3600000),
            (455000, 3597000),
            (480000, 3590000),
            (465000, 3580000),
            (490000, 3575000),
            (475000, 3560000),
            (485000, 3545000),
            (460000, 3550000),
        ),
    ),
)

OUTLINE: tuple[XY, ...] = (
    (459800, 3649500), (476600, 3648600), (490500, 3646400), (499900, 3639700), (506400, 3630600), (515700, 3624100),
    (518200, 3617300), (516000, 3604000), (507500, 3598300), (498100, 3592800), (496000, 3575100), (494100, 3554900),
    (488500, 3533900), (473600, 3533400), (458800, 3544000), (454100, 3564200), (446600, 3580800), (442900, 3595500),
    (453100, 3607500), (450600, 3618600), (444000, 3628500), (447700, 3640800),
)  # fmt: skip

# The Huai, west to east, with the bend at Fengtai; half its water width.
HUAI: tuple[XY, ...] = (
    (440000, 3586500), (448500, 3590400), (454900, 3595200), (462400, 3604000), (467800, 3608300), (471900, 3612900),
    (474000, 3615500), (476100, 3618500), (477300, 3620300), (479000, 3620400), (480500, 3618700), (481300, 3616300),
    (483000, 3614800), (485400, 3614600), (488200, 3615800), (491000, 3616700), (494000, 3615900), (496600, 3615700),
    (499000, 3616300), (501200, 3616500), (503600, 3617600), (506000, 3619600), (508900, 3623800), (512300, 3629200),
    (520000, 3637300),
)  # fmt: skip
HUAI_HALF_WIDTH_M = 170.0

# Ridges: start, end, height above the plain, half width. 舜耕山 south of the belt, 八公山 west of it.
HILLS: tuple[tuple[str, XY, XY, float, float], ...] = (
    ("舜耕山", (494300, 3610300), (504800, 3609000), 185.0, 700.0),
    ("八公山", (480300, 3609300), (482600, 3611600), 215.0, 850.0),
    ("上窑山", (512600, 3614000), (514500, 3612000), 150.0, 700.0),
)


class Planted(NamedTuple):
    """A block drawn by hand: ``lots`` side by side, ``gap_m`` apart, each a named community or ``None``."""

    names: tuple[str | None, ...]
    gap_m: float = 6.0
    use: str = "old"


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A piece of town on a street grid of its own: ``cols`` x ``rows`` blocks turned by ``angle_deg``.

    ``barrier_rows`` and ``barrier_cols`` give grid lines that carry a railway, river or expressway
    instead of a street, with the lines of streets that cross it.
    """

    key: str
    unit_code: str
    subdistrict: str
    centre: XY
    angle_deg: float
    cols: int
    rows: int
    main: int = 0
    supplement: int = 0
    reserve: int = 0
    barrier_rows: Mapping[int, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    barrier_cols: Mapping[int, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    planted: Mapping[tuple[int, int], Planted] = field(default_factory=dict)
    gas: bool = True
    parks: bool = True


RAIL_ROW = "railway"

PATCHES: tuple[Patch, ...] = (
    # The pairs that a test reads off: see sample.SITUATIONS. Column and row count from the south-west.
    Patch(
        key="jiulonggang", unit_code="340402", subdistrict="九龙岗镇", centre=(509300, 3611150), angle_deg=-3.0,
        cols=12, rows=5, main=13, parks=False,
        barrier_rows={2: ("railway", (6,))},
        barrier_cols={8: ("expressway", (4,)), 10: ("river", (3,))},
        planted={
            (1, 1): Planted(("九龙岗路南新村", None)), (1, 2): Planted(("九龙岗路北新村", None)),
            (3, 1): Planted((None, "矿务局机修厂宿舍")), (3, 2): Planted((None, "九龙岗东村")),
            (5, 2): Planted(("红旗一村", "红旗二村"), 59.0), (5, 0): Planted(("大通矿三村", "大通矿四村"), 61.0),
            (7, 2): Planted((None, "建设西村")), (8, 2): Planted(("建设东村", None)),
            (9, 4): Planted((None, "柳沟西苑")), (10, 4): Planted(("柳沟东苑", None)),
            (9, 0): Planted((None, "水泥厂家属院")), (10, 0): Planted((None,), use="park"),
        },
    ),
    Patch(
        key="kongdian", unit_code="340402", subdistrict="孔店乡", centre=(512600, 3604300), angle_deg=5.0,
        cols=2, rows=2, main=1, gas=False, planted={(0, 0): Planted((None, "孔店粮站宿舍"))},
    ),
    Patch(
        key="datong", unit_code="340402", subdistrict="大通街道", centre=(504700, 3612200), angle_deg=-6.0,
        cols=7, rows=4, main=6, barrier_rows={1: ("railway", (2, 5))},
    ),
    Patch(
        key="huaibin", unit_code="340403", subdistrict="淮滨街道", centre=(501000, 3614850), angle_deg=9.0,
        cols=7, rows=6, main=12, supplement=6,
    ),
    Patch(
        key="quanshan", unit_code="340403", subdistrict="泉山街道", centre=(501200, 3613200), angle_deg=-4.0,
        cols=9, rows=5, main=11, supplement=7, reserve=2, barrier_rows={3: ("railway", (1, 3, 7))},
        barrier_cols={5: ("river", (1, 4))},
    ),
    Patch(
        key="guoqing", unit_code="340403", subdistrict="国庆街道", centre=(499000, 3613250), angle_deg=3.0,
        cols=8, rows=5, main=11, supplement=7, reserve=2, barrier_rows={3: ("railway", (2, 5))},
    ),
    Patch(
        key="wangfenggang", unit_code="340404", subdistrict="望峰岗镇", centre=(490000, 3610500), angle_deg=14.0,
        cols=7, rows=4, main=6, supplement=3, barrier_rows={3: ("railway", (2,))},
    ),
    Patch(
        key="xiejiaji", unit_code="340404", subdistrict="谢家集街道", centre=(486850, 3608450), angle_deg=24.0,
        cols=8, rows=5, main=12, supplement=8, barrier_rows={4: ("railway", (2, 5))},
    ),
    Patch(
        key="bagongshan", unit_code="340405", subdistrict="八公山镇", centre=(484700, 3611900), angle_deg=-20.0,
        cols=7, rows=4, main=10,
    ),
    Patch(
        key="panji", unit_code="340406", subdistrict="田集街道", centre=(482363, 3628813), angle_deg=-8.0,
        cols=6, rows=4, reserve=8,
    ),
    Patch(
        key="fengtai", unit_code="340421", subdistrict="城关镇", centre=(473700, 3620250), angle_deg=12.0,
        cols=7, rows=5, main=9, supplement=10,
    ),
    Patch(
        key="shouchun", unit_code="340422", subdistrict="寿春镇", centre=(479316, 3606090), angle_deg=-2.0,
        cols=6, rows=6, main=9, supplement=10, gas=False,
    ),
)  # fmt: skip

# Roads between the towns: (patch, column line, row line) at each end.
TRUNK_ROADS: tuple[tuple[str, tuple[str, int, int], tuple[str, int, int]], ...] = (
    ("九大路", ("jiulonggang", 0, 3), ("datong", 7, 2)),
    ("孔店公路", ("kongdian", 0, 2), ("jiulonggang", 7, 0)),
    ("淮舜路", ("datong", 0, 2), ("quanshan", 9, 2)),
    ("龙湖路", ("quanshan", 2, 5), ("huaibin", 2, 0)),
    ("洞山路", ("quanshan", 0, 2), ("guoqing", 8, 2)),
    ("田谢公路", ("guoqing", 0, 2), ("wangfenggang", 7, 2)),
    ("蔡谢路", ("wangfenggang", 0, 2), ("xiejiaji", 8, 3)),
    ("谢八路", ("xiejiaji", 1, 5), ("bagongshan", 4, 0)),
    ("寿八公路", ("xiejiaji", 0, 2), ("shouchun", 6, 3)),
    ("凤台淮河大桥", ("bagongshan", 0, 3), ("fengtai", 7, 2)),
    ("凤潘公路", ("fengtai", 7, 4), ("panji", 0, 2)),
    ("平圩淮河大桥", ("panji", 6, 2), ("guoqing", 2, 5)),
)

# How far a road between towns swings out to its left, as a share of its length; the others run straight.
ROAD_BENDS = {"凤台淮河大桥": 0.05, "凤潘公路": 0.09, "平圩淮河大桥": -0.08, "孔店公路": 0.07, "寿八公路": -0.05}

# Through lines as waypoints; a string names a patch whose barrier line the course follows.
RAILWAY_COURSE: tuple[XY | str, ...] = (
    (518200, 3610700), "jiulonggang", "datong", "quanshan", "guoqing", "wangfenggang", "xiejiaji",
    (484000, 3606700), (481500, 3604000), (470000, 3597500), (452000, 3594800),
)  # fmt: skip
FAST_RAILWAY_COURSE: tuple[XY, ...] = (
    (517000, 3608000),
    (506000, 3606000),
    (492000, 3603500),
    (478000, 3600800),
    (452000, 3591500),
)
EXPRESSWAY_COURSE: tuple[XY | str, ...] = (
    (507800, 3629500),
    (510500, 3619000),
    "jiulonggang",
    (509600, 3606500),
    (505500, 3598000),
)
WEST_EXPRESSWAY_COURSE: tuple[XY, ...] = (
    (497500, 3641500),
    (494600, 3627000),
    (493200, 3613500),
    (492900, 3604000),
    (495500, 3585000),
    (491500, 3552000),
)


def seat_of(unit: Unit) -> XY | None:
    """Easting and northing of a unit's seat, its consumer-map offset undone; None where there is no seat."""
    if unit.seat_gcj02 is None:
        return None
    lon, lat = gcj02_to_wgs84(np.array([unit.seat_gcj02[0]]), np.array([unit.seat_gcj02[1]]))
    east, north = Transformer.from_crs("EPSG:4490", CITY_CRS, always_xy=True).transform(lon, lat)
    return round(float(east[0]), 1), round(float(north[0]), 1)


def reporting_units() -> gpd.GeoDataFrame:
    """The units as polygons that tile the schematic outline, without gap or overlap, by ``unit_code``."""
    owners: list[str] = []
    points: list[XY] = []
    for unit in UNITS:
        seat = seat_of(unit)
        cells = (*unit.cells, seat) if seat else unit.cells
        owners += [unit.code] * len(cells)
        points += cells
    outline = shapely.Polygon(OUTLINE)
    cells_found = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=outline))
    tree = shapely.STRtree(cells_found)
    position = [int(tree.query(shapely.Point(point), predicate="intersects")[0]) for point in points]
    rows = []
    for unit in UNITS:
        mine = [cells_found[position[k]] for k, owner in enumerate(owners) if owner == unit.code]
        rows.append(shapely.intersection(shapely.union_all(mine), outline))
    frame = gpd.GeoDataFrame(
        {
            "unit_code": [unit.code for unit in UNITS],
            "name": [unit.name for unit in UNITS],
            "parent_code": [unit.parent_code for unit in UNITS],
            "level": [unit.level for unit in UNITS],
        },
        geometry=rounded(np.array(rows, dtype=object)),
        crs=CITY_CRS,
    )
    return frame.set_index("unit_code").sort_index()


def union_by(geometry: Any, keys: Iterable[Any]) -> dict[Any, shapely.Geometry]:
    """The union of the geometries that share a key, by key in sorted order."""
    groups: dict[Any, list[shapely.Geometry]] = {}
    for key, shape in zip(keys, geometry, strict=True):
        groups.setdefault(key, []).append(shape)
    return {key: shapely.union_all(groups[key]) for key in sorted(groups)}


def huai_river() -> shapely.Polygon:
    """The water of the Huai as one polygon: the drawn course, smoothed, 340 m wide."""
    course = smoothed(HUAI)
    river = shapely.buffer(shapely.LineString(course), HUAI_HALF_WIDTH_M, join_style="mitre")
    water: shapely.Polygon = snapped(river)
    return water


def hill(start: XY, end: XY, half_width_m: float) -> shapely.Polygon:
    """The foot of a ridge from ``start`` to ``end``: broad in the middle, with an uneven edge."""
    along = np.linspace(0.0, 1.0, 33)
    x, y = start[0] + along * (end[0] - start[0]), start[1] + along * (end[1] - start[1])
    radius = half_width_m * (0.45 + 0.55 * np.sin(np.pi * along)) * (1.0 + 0.22 * np.sin(11.0 * along + start[0]))
    bulges = shapely.union_all(shapely.buffer(shapely.points(x, y), radius, quad_segs=6))
    filled = shapely.buffer(shapely.buffer(bulges, half_width_m), -half_width_m)
    return shapely.simplify(filled, 8.0)


def smoothed(points: Sequence[XY], rounds: int = 3) -> np.ndarray:
    """A polyline with its corners cut ``rounds`` times (Chaikin); ends stay."""
    line = np.asarray(points, dtype=float)
    for _ in range(rounds):
        near, far = line[:-1] * 0.75 + line[1:] * 0.25, line[:-1] * 0.25 + line[1:] * 0.75
        line = np.vstack([line[:1], np.column_stack([near, far]).reshape(-1, 2), line[-1:]])
    return line


def snapped(shape: Any) -> Any:
    """One geometry with coordinates to the millimetre."""
    return rounded(np.array([shape], dtype=object))[0]


def rounded(geometry: np.ndarray) -> np.ndarray:
    """Geometries with coordinates to the millimetre, so that files and platforms agree."""
    return np.asarray(shapely.transform(geometry, lambda xy: np.round(xy, 3)))
