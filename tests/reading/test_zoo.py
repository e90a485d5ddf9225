"""Coordinate systems and odd shapes in every driver that can write here; the law is in ``zoo_files``."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box
from zoo import BOTTOM, LEFT
from zoo_files import DRIVERS, errors, is_right, made, said, spread, taken, truth


@pytest.fixture
def place(tmp_path):
    (tmp_path / "layers").mkdir()
    return tmp_path


# --- coordinate systems ---------------------------------------------------------------------------

FEET = "+proj=tmerc +lat_0=0 +lon_0=117 +x_0=500000 +ellps=GRS80 +units=us-ft"
LOCAL = 'LOCAL_CS["淮南城建坐标",UNIT["metre",1]]'

# What the file says, what its numbers are in, and what must come out: nothing (right place), or a code.
SYSTEMS = {
    "cgcs2000": (4490, 4490, ""),
    "wgs84": (4326, 4326, ""),
    "3 degrees": (4548, 4548, ""),
    "3 degrees, zone 39": (4527, 4527, ""),
    "6 degrees, zone 20": (4498, 4498, ""),
    "6 degrees": (4509, 4509, ""),
    "utm": (32650, 32650, ""),
    "web mercator": (3857, 3857, ""),
    "feet": (FEET, FEET, ""),
    "none": (None, 4548, ""),
    "none, zone 39": (None, 4527, ""),
    "none, zone 20": (None, 4498, ""),
    "none, degrees": (None, 4490, ""),
    "xian80": (2384, 4548, "unreadable"),
    "beijing54": (2436, 4548, "unreadable"),
    "local": (LOCAL, 4548, "unreadable"),
    "metres, really degrees": (4548, 4490, "degrees_as_metres"),
    "degrees, really metres": (4490, 4548, "no_zone_prefix"),
    "no prefix, really zone 39": (4548, 4527, "zone_prefix"),
    "zone 39, really no prefix": (4527, 4548, "no_zone_prefix"),
    "wrong meridian": (4549, 4548, "other_zone|no_zone_prefix"),
    "metres, really feet": (4548, FEET, "feet"),
    "metres, really mercator": (4548, 3857, "web_mercator"),
}
CRS_DRIVERS = ("shp", "gpkg", "gdb", "fgb", "parquet", "gml", "mif", "csv", "xlsx", "sqlite", "zip-gdb", "geojson")
# These keep no CRS of their own, or not this one; their numbers look like their neighbours'.
NO_CRS = {"csv", "xlsx"}


@pytest.mark.parametrize(("driver", "system"), spread(CRS_DRIVERS, SYSTEMS))
def test_every_driver_and_coordinate_system_comes_to_its_place_or_says_why_not(place, driver, system):
    claim, really, code = SYSTEMS[system]
    file = made(place, driver, truth().to_crs(really).set_crs(claim, allow_override=True))
    layer, findings = taken(place, file)
    if said(findings) & {"driver_warning"}:
        assert layer is not None
    wrong = said(errors(findings))
    if wrong:
        told = {
            "unreadable",
            "degrees_as_metres",
            "no_zone_prefix",
            "zone_prefix",
            "other_zone",
            "feet",
            "web_mercator",
        }
        assert len(errors(findings)) == 1, [f.text.zh for f in errors(findings)]
        assert wrong <= told
        assert driver in NO_CRS or code or driver in ("gml", "mif", "geojson"), wrong
        return
    if code and driver not in NO_CRS:
        assert driver in ("gml", "mif"), "a lie went unnoticed"
    if driver in NO_CRS and system == "utm":  # its numbers look like the project's own; the draft says that it guessed
        return
    # A geodatabase without a CRS is written on a grid of a ten-thousandth of a unit; MapInfo rounds likewise.
    is_right(layer, truth(), within_m=12 if system == "none, degrees" else 0.02)


# --- every driver alone ---------------------------------------------------------------------------


@pytest.mark.parametrize("driver", DRIVERS)
def test_what_every_driver_wrote_is_read_back_row_by_row(place, driver):
    layer, findings = taken(place, made(place, driver, truth().to_crs(4490)))
    assert not errors(findings), [f.text.zh for f in errors(findings)]
    is_right(layer, truth(), within_m=0.05)


# --- shapes ---------------------------------------------------------------------------------------

HERE = box(LEFT, BOTTOM, LEFT + 100, BOTTOM + 80)
NAN, INF = float("nan"), float("inf")


def at(*pairs):
    return [(LEFT + x, BOTTOM + y) for x, y in pairs]


# The first row's shape; the other two are sound, and must come through whatever the first is.
with np.errstate(invalid="ignore"):
    ODD_NUMBERS = {
        "not a number": Polygon([(LEFT, BOTTOM), (NAN, BOTTOM), (LEFT, BOTTOM + 5)]),
        "infinite": Polygon([(LEFT, BOTTOM), (INF, BOTTOM), (LEFT, BOTTOM + 5)]),
    }
SHAPES = ODD_NUMBERS | {
    "none": None,
    "empty": Polygon(),
    "bow tie": Polygon(at((0, 0), (90, 80), (90, 0), (0, 80))),
    "point": Point(LEFT, BOTTOM),
    "line": LineString(at((0, 0), (50, 50))),
    "collection": GeometryCollection([HERE, Point(LEFT, BOTTOM)]),
    "heights": shapely.force_3d(HERE, 21.5),
    "measures": shapely.from_wkt(
        f"POLYGON M (({LEFT} {BOTTOM} 1, {LEFT + 9} {BOTTOM} 2, {LEFT} {BOTTOM + 9} 3, {LEFT} {BOTTOM} 1))"
    ),
    "huge": box(1e300, 1e300, 2e300, 2e300),
    "at zero": box(0, 0, 10, 10),
    "sliver": Polygon(at((0, 0), (1000, 0), (1000, 0.001), (0, 0.001))),
    "speck": Polygon(at((0, 0), (1e-6, 0), (1e-6, 1e-6))),
    "no area": Polygon(at((0, 0), (50, 50), (100, 100))),
    "hole outside": Polygon(at((0, 0), (9, 0), (9, 9)), [at((50, 50), (55, 50), (55, 55))]),
    "hole in hole": Polygon(
        HERE.exterior.coords, [at((5, 5), (60, 5), (60, 60), (5, 60)), at((10, 10), (20, 10), (20, 20))]
    ),
    "overlapping parts": MultiPolygon([HERE, box(LEFT + 50, BOTTOM, LEFT + 110, BOTTOM + 80)]),
    "clockwise": Polygon(list(HERE.exterior.coords)[::-1]),
    "same point again": Polygon(at((0, 0), (0, 0), (100, 0), (100, 80), (100, 80), (0, 80))),
    "spike": Polygon(at((0, 0), (100, 0), (100, 40), (900, 40), (100, 40), (100, 80), (0, 80))),
    "many corners": HERE.boundary.segmentize(0.05).buffer(0.01),
}
SHAPE_DRIVERS = ("shp", "gpkg", "gdb", "geojson", "geojsonl", "fgb", "parquet", "kml", "gml", "mif", "csv", "sqlite")
# What must be said of the first row, under one of these codes.
NAMED = {
    "none": {"empty_geometry"},
    "empty": {"empty_geometry"},
    "bow tie": {"invalid_geometry"},
    "point": {"wrong_geometry_type"},
    "line": {"wrong_geometry_type"},
    "collection": {"wrong_geometry_type"},
    "not a number": {"non_finite_geometry", "unreadable_geometry", "empty_geometry"},
    "infinite": {"non_finite_geometry", "unreadable_geometry", "empty_geometry"},
    "huge": {"outside_area", "non_finite_geometry", "empty_geometry"},
    "at zero": {"outside_area"},
    "hole outside": {"invalid_geometry"},
    "hole in hole": {"invalid_geometry"},
    "overlapping parts": {"invalid_geometry"},
    "no area": {"invalid_geometry"},
    "spike": {"invalid_geometry"},
}
# These formats tell holes by their turn or their place, so a misplaced one is read as an area, which is sound; rounding
# to degrees gives what has no area a little.
MENDED_BY_DRIVER = {
    ("hole outside", "shp"),
    ("hole outside", "gdb"),
    ("hole in hole", "gdb"),
    ("hole outside", "mif"),
    ("hole in hole", "mif"),
    *(("no area", driver) for driver in ("geojson", "geojsonl", "kml", "mif")),
}


@pytest.mark.parametrize(("driver", "shape"), spread(SHAPE_DRIVERS, SHAPES))
def test_one_odd_shape_leaves_the_other_rows_alone_and_is_named(place, driver, shape):
    frame = truth()
    frame.geometry = [SHAPES[shape], *frame.geometry[1:]]
    file = made(
        place,
        driver,
        frame if driver in ("shp", "gpkg", "gdb", "fgb", "parquet", "gml", "csv", "sqlite") else frame.to_crs(4490),
    )
    layer, findings = taken(place, file)
    if layer is None:
        assert len(errors(findings)) == 1
        return
    if driver == "mif" and len(layer) != 3:  # MapInfo writes the parts of a collection as rows of their own
        return
    lost = {"C1", "C2", "C3"} - set(layer.index)
    if driver == "gml" and shape in ("heights", "measures"):  # the writer mixes dimensions, which nobody can parse
        assert not lost or "rows_missing" in said(findings)
        return
    assert lost <= {"C1"}
    assert not lost or "rows_missing" in said(findings)
    is_right(layer.loc[["C2", "C3"]], frame.iloc[1:], within_m=0.05)
    if shape in NAMED and (shape, driver) not in MENDED_BY_DRIVER:
        assert said(findings) & NAMED[shape] or lost, sorted(said(findings))


TWO_POINTS = struct.pack("<BIIIdddd", 1, 3, 1, 2, LEFT, BOTTOM, LEFT + 1, BOTTOM)


def broken(folder, suffix):
    """Three rows, of which the second has a ring of two points, which no library builds."""
    frame = truth()
    shapes = shapely.to_wkb(frame.geometry.to_numpy()).astype(object)
    shapes[1] = TWO_POINTS
    path = folder / f"a{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
        table = pq.read_table(path)
        column = table.schema.get_field_index("geometry")
        pq.write_table(table.set_column(column, table.schema.field(column), pa.array(shapes)), path)
        return path.name
    columns = ["编号", "名称", "户数", "总面积"]
    values = [frame[name].to_numpy(dtype=object if frame[name].dtype == "str" else None) for name in columns]
    options = {"SPATIAL_INDEX": "NO"} if suffix == ".fgb" else {}
    pyogrio.raw.write(path, shapes, values, columns, layer="a", crs="EPSG:4548", geometry_type="Polygon", **options)
    return path.name


@pytest.mark.parametrize("suffix", [".gpkg", ".sqlite", ".fgb", ".parquet"])
def test_a_ring_of_two_points_leaves_the_other_rows_and_is_named_by_its_row(place, suffix):
    layer, findings = taken(place, broken(place / "layers", suffix))
    (fault,) = [f for f in findings if f.code == "unreadable_geometry"]
    assert fault.named("zh") == ("第2行",)
    assert list(layer.index) == ["C1", "C2", "C3"]
    assert layer.geometry.isna().tolist() == [False, True, False]
    is_right(layer.loc[["C1", "C3"]], truth().iloc[[0, 2]])
