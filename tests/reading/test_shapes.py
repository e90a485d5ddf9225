"""Arcs, surfaces and rings that cannot be built, through every way into geometry; areas from drawings and formulas."""

from __future__ import annotations

import math
import struct
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box
from zoo import BOTTOM, LEFT, communities

from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files
from gis_renovation.reading.values.shapes import shapes_from_text, shapes_from_wkb

X, Y = LEFT, BOTTOM


def ring(x, y, w, h, z=""):
    return "(" + ", ".join(f"{a} {b}{z}" for a, b in ((x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y))) + ")"


def arc_area(radius, degrees):
    """What lies between the centre and an arc that is drawn in steps of at most 4 degrees."""
    steps = math.ceil(degrees / 4)
    return steps * radius**2 * math.sin(math.radians(degrees / steps)) / 2


# What is written, and its area; None where it cannot be built.
SHAPES = {
    "plain": (f"POLYGON ({ring(X, Y, 100, 80)})", 8000.0),
    "circle": (
        f"CURVEPOLYGON (CIRCULARSTRING ({X} {Y}, {X + 100} {Y}, {X} {Y}))",
        2 * arc_area(50, 180),
    ),
    "arch": (
        (
            f"CURVEPOLYGON (COMPOUNDCURVE (({X} {Y}, {X + 100} {Y}, {X + 100} {Y + 80}), "
            f"CIRCULARSTRING ({X + 100} {Y + 80}, {X + 50} {Y + 130}, {X} {Y + 80}), ({X} {Y + 80}, {X} {Y})))"
        ),
        8000 + 2 * arc_area(50, 90),
    ),
    "round hole": (
        f"CURVEPOLYGON ({ring(X, Y, 100, 80)}, CIRCULARSTRING ({X + 40} {Y + 40}, {X + 60} {Y + 40}, {X + 40} {Y + 40}))",
        8000 - 2 * arc_area(10, 180),
    ),
    "parts, one of them round": (
        f"MULTISURFACE (({ring(X, Y, 100, 80)}), CURVEPOLYGON (CIRCULARSTRING ({X + 200} {Y}, {X + 220} {Y}, {X + 200} {Y})))",
        8000 + 2 * arc_area(10, 180),
    ),
    "two faces": (
        f"POLYHEDRALSURFACE Z (({ring(X, Y, 100, 80, ' 5')}), ({ring(X + 100, Y, 50, 80, ' 7')}))",
        12000.0,
    ),
    "a block with walls": (
        (
            f"POLYHEDRALSURFACE Z (({ring(X, Y, 100, 80, ' 0')}), ({ring(X, Y, 100, 80, ' 9')}), "
            f"(({X} {Y} 0, {X + 100} {Y} 0, {X + 100} {Y} 9, {X} {Y} 9, {X} {Y} 0)))"
        ),
        8000.0,
    ),
    "a net of triangles": (
        (
            f"TIN Z ((({X} {Y} 1, {X + 100} {Y} 2, {X} {Y + 80} 3, {X} {Y} 1)), "
            f"(({X + 100} {Y} 2, {X + 100} {Y + 80} 4, {X} {Y + 80} 3, {X + 100} {Y} 2)))"
        ),
        8000.0,
    ),
    "a triangle": (f"TRIANGLE (({X} {Y}, {X + 100} {Y}, {X} {Y + 80}, {X} {Y}))", 4000.0),
    "a ring of two points": (f"POLYGON (({X} {Y}, {X + 1} {Y}))", None),
    "an open ring": (f"POLYGON (({X} {Y}, {X + 9} {Y}, {X + 9} {Y + 9}, {X} {Y + 9}))", None),
    "an open ring with an arc": (
        f"CURVEPOLYGON (COMPOUNDCURVE (CIRCULARSTRING ({X} {Y}, {X + 5} {Y + 5}, {X + 9} {Y}), ({X + 9} {Y}, {X} {Y - 9})))",
        None,
    ),
    "walls only": (f"TIN Z ((({X} {Y} 0, {X + 9} {Y} 0, {X} {Y} 9, {X} {Y} 0)))", None),
}
ODD = [name for name in SHAPES if name != "plain"]


def binary(text):
    """Well-known binary by a writer of the test's own, in ISO's codes."""
    words = text.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
    kinds = [
        "", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION",
        "CIRCULARSTRING", "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE", "MULTISURFACE", "", "", "POLYHEDRALSURFACE",
        "TIN", "TRIANGLE",
    ]  # fmt: skip
    inner = {"COMPOUNDCURVE": "LINESTRING", "CURVEPOLYGON": "LINESTRING", "MULTISURFACE": "POLYGON"}
    inner |= {"POLYHEDRALSURFACE": "POLYGON", "TIN": "TRIANGLE", "MULTICURVE": "LINESTRING"}

    def points():
        rows = [[]]
        assert words.pop(0) == "("
        while (word := words.pop(0)) != ")":
            rows.append([]) if word == "," else rows[-1].append(float(word))
        return struct.pack("<I", len(rows)) + b"".join(struct.pack(f"<{len(r)}d", *r) for r in rows)

    def node(kind, high):
        if words[0] != "(":
            kind = words.pop(0)
            if words[0] == "Z":
                high = 1000
                words.pop(0)
        head = struct.pack("<BI", 1, kinds.index(kind) + high)
        if kind in ("LINESTRING", "CIRCULARSTRING"):
            return head + points()
        assert words.pop(0) == "("
        parts = []
        while True:
            parts.append(points() if kind in ("POLYGON", "TRIANGLE") else node(inner.get(kind, ""), high))
            if words.pop(0) == ")":
                return head + struct.pack("<I", len(parts)) + b"".join(parts)

    return node("", 0)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("way", ["text", "hexadecimal", "binary"])
def test_every_kind_of_shape_has_its_drawn_area_or_is_named_as_broken(name, way):
    text, area = SHAPES[name]
    plain = SHAPES["plain"][0]
    if way == "binary":
        built = shapes_from_wkb(np.array([binary(plain), binary(text), None], dtype=object))
    else:
        texts = [plain, text] if way == "text" else [binary(plain).hex().upper(), binary(text).hex()]
        built = shapes_from_text(np.array([*texts, None], dtype=object))
    assert shapely.area(built.shapes[0]) == 8000
    assert list(built.broken) == [False, area is None, False]
    assert built.shapes[2] is None
    if area is None:
        assert built.shapes[1] is None
        return
    assert shapely.is_valid(built.shapes[1])
    assert shapely.area(built.shapes[1]) == pytest.approx(area, rel=1e-9)
    assert built.curved[1] == ("CIRCULAR" in text)
    assert built.surfaces[1] == ("TIN" in text or "SURFACE Z" in text)


def test_neighbours_along_one_arc_have_the_same_points_whichever_way_it_was_drawn():
    ends = [f"{X} {Y}", f"{X + 50.3} {Y + 17.7}", f"{X + 100.1} {Y + 0.9}"]
    texts = [f"CIRCULARSTRING ({', '.join(points)})" for points in (ends, ends[::-1])]
    there, back = shapes_from_text(np.array(texts, dtype=object)).shapes
    assert shapely.get_coordinates(there).tolist() == shapely.get_coordinates(back).tolist()[::-1]


def test_an_arc_lies_where_the_driver_draws_it(tmp_path):
    text, _ = SHAPES["arch"]
    written(tmp_path / "a.gpkg", ["arch"])
    drawn = pyogrio.read_dataframe(tmp_path / "a.gpkg", use_arrow=False).geometry.iloc[0]
    ours = shapes_from_text(np.array([text], dtype=object)).shapes[0]
    assert shapely.hausdorff_distance(ours, drawn) < 50 * (1 - math.cos(math.radians(2))) + 1e-6


plain_shapes = st.one_of(
    st.builds(shapely.Point, st.integers(-9, 9), st.integers(-9, 9)),
    st.builds(shapely.LineString, st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=2, max_size=5)),
    st.builds(lambda x, w: box(x, 0, x + w, 3), st.integers(-9, 9), st.integers(1, 5)),
    st.builds(lambda x: MultiPolygon([box(x, 0, x + 1, 1), box(x + 2, 0, x + 3, 1)]), st.integers(-9, 9)),
)


@given(shapes=st.lists(plain_shapes, min_size=1, max_size=4), high=st.booleans(), small=st.booleans())
def test_our_reader_of_text_and_binary_agrees_with_the_library(shapes, high, small):
    from gis_renovation.reading.values.shapes import _read_binary, _read_text, _shape

    whole = shapely.GeometryCollection([shapely.force_3d(s, 2.0) if high else s for s in shapes])
    raw = shapely.to_wkb(whole, output_dimension=3, byte_order=int(small), flavor="extended" if small else "iso")
    for node in (_read_binary(raw), _read_text(whole.wkt)):
        assert shapely.equals_exact(_shape(node), shapely.force_2d(whole))


@given(data=st.binary(max_size=80))
def test_no_binary_raises(data):
    built = shapes_from_wkb(np.array([binary(SHAPES["circle"][0]), data], dtype=object))
    assert built.curved[0]


def written(path, names):
    wkb = np.array([binary(SHAPES[name][0]) for name in names], dtype=object)
    rows = np.array([f"C{n + 1}" for n in range(len(names))], dtype=object)
    if path.suffix == ".gpkg":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the driver registers kinds that the standard leaves out
            pyogrio.raw.write(
                path,
                wkb,
                [rows, rows],
                ["编号", "名称"],
                layer="a",
                driver="GPKG",
                crs="EPSG:4548",
                geometry_type="Unknown",
            )
    elif path.suffix == ".parquet":
        table = gpd.GeoDataFrame({"编号": rows, "名称": rows}, geometry=[box(X, Y, X + 1, Y + 1)] * len(rows), crs=4548)
        table.to_parquet(path)
        import pyarrow as pa
        import pyarrow.parquet as pq

        plain = pq.read_table(path)
        at = plain.schema.get_field_index("geometry")
        pq.write_table(plain.set_column(at, plain.schema.field(at), pa.array(list(wkb), pa.binary())), path)
    else:
        table = pd.DataFrame({"编号": rows, "名称": rows, "wkt": [SHAPES[name][0] for name in names]})
        if path.stem == "hex":
            table["wkt"] = [one.hex().upper() for one in wkb]
        table.to_excel(path, index=False) if path.suffix == ".xlsx" else table.to_csv(path, index=False)
    return path.name


@pytest.mark.parametrize("file", ["a.gpkg", "a.parquet", "a.csv", "hex.csv", "a.xlsx"])
def test_every_way_into_geometry_keeps_all_rows_and_names_the_broken_ones(tmp_path, file):
    # The writer of GeoPackages closes rings itself.
    names = [name for name in SHAPES if file != "a.gpkg" or "open" not in name]
    written(tmp_path / file, names)
    table = '[geometry]\nwkt = "wkt"\n' if file.endswith((".csv", ".xlsx")) else ""
    card = f'[source]\npath = "{file}"\ncrs = "EPSG:4548"\n{table}[columns]\ncommunity_id = "编号"\nname = "名称"\n'
    raw = read_files(read_card(card, stem="communities", where="x"), tmp_path)
    first = 2 if table else 1
    assert len(raw.frame) == len(names)
    for shape, name in zip(raw.frame.geometry, names, strict=True):
        area = SHAPES[name][1]
        assert (shape is None) == (area is None)
        assert area is None or shape.area == pytest.approx(area, rel=1e-9), name
    (broken,) = [f for f in raw.findings if f.code == "unreadable_geometry"]
    missing = [n + first for n, name in enumerate(names) if SHAPES[name][1] is None]
    assert broken.named("zh") == tuple(f"第{n}行" for n in missing)
    assert {"curves_approximated", "surfaces_flattened"} <= {f.code for f in raw.findings}


def multipatch(folder, patches):
    """A Shapefile of MultiPatch records (type 31), byte for byte; parts are (kind, points): 1 a fan, 5 a ring."""
    names = [f"C{n + 1}" for n in range(len(patches))]
    gpd.GeoDataFrame({"id": names}, geometry=[shapely.Point(X, Y)] * len(patches), crs=4548).to_file(folder / "a.shp")
    bounds = struct.pack("<4d", X, Y, X + 100, Y + 80)
    records, index, at = b"", b"", 100
    for number, parts in enumerate(patches, start=1):
        points = [p for _, own in parts for p in own]
        starts = np.cumsum([0, *(len(own) for _, own in parts)])[:-1]
        body = struct.pack("<i", 31) + bounds + struct.pack("<2i", len(parts), len(points))
        body += struct.pack(f"<{len(parts)}i", *starts) + struct.pack(f"<{len(parts)}i", *(kind for kind, _ in parts))
        body += b"".join(struct.pack("<2d", *p[:2]) for p in points) + struct.pack("<2d", 0, 9)
        body += struct.pack(f"<{len(points)}d", *(p[2] for p in points))
        records += struct.pack(">2i", number, len(body) // 2) + body
        index += struct.pack(">2i", at // 2, len(body) // 2)
        at += 8 + len(body)
    for suffix, content in ((".shp", records), (".shx", index)):
        head = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, (100 + len(content)) // 2) + struct.pack("<2i", 1000, 31)
        (folder / f"a{suffix}").write_bytes(head + bounds + struct.pack("<4d", 0, 9, 0, 0) + content)


def test_a_multipatch_is_read_as_the_ground_it_covers(tmp_path):
    roof = [(X, Y, 9), (X + 100, Y, 9), (X + 100, Y + 80, 9), (X, Y + 80, 9), (X, Y, 9)]
    wall = [(X, Y, 0), (X + 100, Y, 0), (X + 100, Y, 9), (X, Y, 9), (X, Y, 0)]
    fan = [(X, Y, 1), (X + 100, Y, 2), (X + 100, Y + 80, 3), (X, Y + 80, 4)]
    multipatch(tmp_path, [[(5, roof), (5, wall)], [(1, fan)], [(5, roof)]])
    card = '[source]\npath = "a.shp"\n[columns]\ncommunity_id = "id"\n'
    raw = read_files(read_card(card, stem="communities", where="x"), tmp_path)
    assert list(raw.frame.area) == pytest.approx([8000, 8000, 8000])
    assert not [f for f in raw.findings if f.severity == "error"]


# --- make_valid -----------------------------------------------------------------------------------

A = box(X, Y, X + 100, Y + 80)
TURN = [(X, Y), (X + 100, Y), (X + 100, Y + 80), (X, Y + 80)]
# As drawn, and what make_valid leaves: what is enclosed counts once.
MENDED = {
    "overlapping parts": (MultiPolygon([A, box(X + 60, Y, X + 160, Y + 80)]), 16000, 12800),
    "the same part twice": (MultiPolygon([A, A]), 16000, 8000),
    "a part inside another": (MultiPolygon([A, box(X + 20, Y + 20, X + 60, Y + 60)]), 9600, 8000),
    "drawn round twice": (Polygon([*TURN, *TURN]), 16000, 8000),
    "parts that share an edge": (MultiPolygon([A, box(X + 100, Y, X + 150, Y + 80)]), 12000, 12000),
    "a spike": (Polygon([*TURN[:3], (X + 50, Y + 80), (X + 50, Y + 200), (X + 50, Y + 80), TURN[3]]), 8000, 8000),
    "a hole that reaches out": (
        Polygon(TURN, [[(X + 80, Y + 20), (X + 120, Y + 20), (X + 120, Y + 60), (X + 80, Y + 60)]]),
        6400,
        7200,
    ),
}


@pytest.mark.parametrize("name", MENDED)
@pytest.mark.parametrize("crs", [4548, 4490])
def test_make_valid_counts_enclosed_ground_once_and_says_whose_area_changed(name, crs):
    drawn, before, after = MENDED[name]
    frame = communities()
    frame.loc[1, "geometry"] = drawn
    card = '[source]\npath = "x.gpkg"\n[columns]\ncommunity_id = "编号"\n[repair]\nmake_valid = true\n'
    raw = frame.to_crs(crs)
    done = conform(raw, read_card(card, stem="communities", where="x"))
    mended = done.frame.to_crs(4548).geometry
    assert mended.is_valid.all()
    assert list(mended.area) == pytest.approx([8000, after, 8000], rel=1e-4)
    said = [f for f in done.findings if f.code == "repair_changed_area"]
    assert done.record["repairs"]["make_valid"] == 1
    if before == after:
        assert not said
        return
    (row,) = said[0].named("en")
    shown = f"{before:,.1f} → {after:,.1f} m²" if crs == 4548 else f"{after / before - 1:+.1%}"
    assert row == f"row 2：{shown}"
    assert said[0].severity == "warning"
