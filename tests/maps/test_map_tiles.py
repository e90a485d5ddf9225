"""Large layers as vector tiles: none left out, the same bytes, and readable by another program."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from drawn_city import CRS, HOSTILE, X0, Y0
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_renovation.display import html
from gis_renovation.errors import DataError
from gis_renovation.maps import PageFacts, shell
from gis_renovation.maps import page as maps
from gis_renovation.maps.tiles import areas, mvt, pmtiles
from gis_renovation.maps.tiles import files as tile_files
from gis_renovation.maps.tiles import layer as map_tiles

AS_OF = date(2024, 9, 30)


def many(count=12_000, step=45.0):
    """Buildings of 30 x 20 m in rows, of which every seventh has a courtyard."""
    side = int(np.ceil(np.sqrt(count)))
    at = np.arange(count)
    x, y = X0 + at % side * step, Y0 + at // side * step
    shapes = shapely.box(x, y, x + 30, y + 20)
    holes = shapely.box(x + 10, y + 5, x + 20, y + 15)
    shapes[::7] = shapely.difference(shapes[::7], holes[::7])
    return gpd.GeoDataFrame(
        {
            "community_id": [f"C{n % 40:03}" for n in at],
            "floors": at % 7 + 1,
            "floor_area_m2": np.where(at % 11 == 0, np.nan, 600.5 + at),
            "structure": np.array(["brick", "frame", None], dtype=object)[at % 3],
        },
        geometry=shapes,
        crs=CRS,
        index=pd.Index([f"B{n:06}" for n in at], name="building_id"),
    )


@pytest.fixture(scope="module")
def buildings():
    return many()


@pytest.fixture(scope="module")
def tiled(buildings):
    return map_tiles.tile_layer("buildings", buildings, {}, lang="zh")


@pytest.fixture(scope="module")
def read_by_gdal(tiled, tmp_path_factory):
    """Every layer of the archive as GDAL reads it, itself and its copies apart."""
    path = tmp_path_factory.mktemp("tiles") / "buildings.pmtiles"
    path.write_bytes(tiled.archive)
    names = [name for name, _ in pyogrio.list_layers(path).tolist()]
    return {name: pyogrio.read_dataframe(path, layer=name).to_crs(CRS) for name in names}


def decoded(archive):
    """Every feature of an archive at its home, as a list of attribute dictionaries."""
    pieces = pmtiles.archive_tiles(archive)
    next(pieces)
    found = []
    for tile in pieces:
        for name, (keys, values, features) in mvt.decode_tile(tile).layers.items():
            if not name.endswith("e"):
                found += [{keys[k]: values[v] for k, v in zip(t[::2], t[1::2], strict=True)} for t in features]
    return found


def test_every_feature_is_at_home_in_exactly_one_tile_with_all_its_values(buildings, tiled):
    found = decoded(tiled.archive)
    ids = [one["building_id"] for one in found]
    assert sorted(ids) == list(buildings.index)
    assert sum(tiled.block["tiles"]["counts"].values()) == len(buildings)
    by_id = {one["building_id"]: one for one in found}
    assert by_id["B000000"] == {"building_id": "B000000", "community_id": "C000", "floors": 1, "structure": "brick"}
    assert by_id["B000005"]["floor_area_m2"] == 605.5
    assert "structure" not in by_id["B000002"], "unknown is absent, neither 0 nor empty"


def test_another_program_reads_the_same_shapes_within_the_grid(buildings, read_by_gdal):
    whole = pd.concat(read_by_gdal.values())
    assert set(whole["building_id"]) == set(buildings.index)
    joined = whole.dissolve("building_id").geometry
    difference = joined.sort_index().symmetric_difference(buildings.geometry, align=True).area
    # Half a grid step (0.15 m at the equator, 0.126 m here) on each side of 120 m of outline at most.
    assert difference.max() < 0.126 * 160
    assert joined.area.to_numpy() == pytest.approx(buildings.area.to_numpy(), abs=0.126 * 160)


def test_same_layer_gives_the_same_bytes(buildings, tiled):
    assert map_tiles.tile_layer("buildings", buildings.copy(), {}, lang="zh").archive == tiled.archive


def test_lines_longer_than_a_tile_are_cut_but_keep_their_length(tmp_path):
    # Corners every 500 m: between two of them a straight line is straight in either projection.
    line = shapely.segmentize(shapely.LineString([(X0, Y0), (X0 + 40_000, Y0 + 30_000)]), 500)
    others = [shapely.LineString([(X0 + i, Y0), (X0 + i, Y0 + 5)]) for i in range(10_001)]
    pipes = gpd.GeoDataFrame(
        {"kind": "water"}, geometry=[line, *others], crs=CRS, index=pd.Index(range(10_002), name="pipe_id").astype(str)
    )
    made = map_tiles.tile_layer("pipes", pipes, {}, lang="zh")
    path = tmp_path / "pipes.pmtiles"
    path.write_bytes(made.archive)
    parts = pd.concat(
        pyogrio.read_dataframe(path, layer=name).to_crs(CRS) for name, _ in pyogrio.list_layers(path).tolist()
    )
    mine = parts[parts["pipe_id"] == "0"].geometry
    assert len(mine) > 5
    # The copies reach half a screen tile over their tile's edge, so that the pieces cover the line.
    assert line.difference(mine.union_all().buffer(1)).length == 0
    assert mine.union_all().difference(line.buffer(1)).length == 0
    assert sum(made.block["tiles"]["counts"].values()) == 10_002


def test_a_shape_smaller_than_the_grid_is_still_there():
    specks = [shapely.box(X0 + i, Y0, X0 + i + 0.01, Y0 + 0.01) for i in range(10_001)]
    frame = gpd.GeoDataFrame(geometry=specks, crs=CRS, index=pd.Index(range(10_001), name="parcel_id").astype(str))
    assert len(decoded(map_tiles.tile_layer("parcels", frame, {}, lang="zh").archive)) == 10_001


def test_counts_by_area_add_up_whatever_the_units_cover(buildings):
    squares = areas.count_by_unit(buildings, None)
    assert squares["feature_count"].sum() == len(buildings)
    assert len(squares) <= areas.UNITS_LIMIT
    left, bottom, right, top = buildings.total_bounds
    middle = (left + right) / 2
    units = gpd.GeoDataFrame(
        {"name": ["甲", "乙", "丙"], "level": "county"},
        geometry=[
            shapely.box(left - 1, bottom - 1, middle, top),
            shapely.box(left - 1, bottom - 1, middle, top),
            shapely.box(left - 99, bottom - 99, left - 50, bottom - 50),
        ],
        crs=CRS,
        index=pd.Index(["u1", "u2", "u3"], name="unit_code"),
    )
    counted = areas.count_by_unit(buildings, units)
    assert counted["feature_count"].sum() == len(buildings)
    within = int((shapely.get_coordinates(shapely.get_point(buildings.geometry.exterior, 0))[:, 0] <= middle).sum())
    assert counted.loc["u1", "feature_count"] == within
    assert counted.loc[["u2", "u3"], "feature_count"].tolist() == [0, 0], "counted once; none is 0, not absent"


def test_ten_thousand_stay_in_the_page_and_one_more_is_cut_with_the_reason():
    assert map_tiles.tile_reason(many(10_000)) is None
    reason = map_tiles.tile_reason(many(10_001))
    assert reason.zh == "10,001 个要素，超过页内上限 10,000：切成矢量瓦片"


def test_few_shapes_of_very_many_corners_are_cut_too():
    rings = shapely.points(np.stack([X0 + np.arange(1_500) * 80.0, np.full(1_500, Y0)], axis=1))
    round_ones = shapely.buffer(rings, 30, quad_segs=64)
    assert "385,500 个顶点" in map_tiles.tile_reason(gpd.GeoDataFrame(geometry=round_ones, crs=CRS)).zh


def test_too_many_names_to_search_are_said_on_the_page(buildings, monkeypatch):
    named = buildings.assign(name=[f"楼{n}" for n in range(len(buildings))])
    said = "名称超过 5,000 个，不参与名称检索"
    assert said not in maps.map_files({"buildings": named}, PageFacts(title="楼栋", as_of=AS_OF)).page
    for module in (map_tiles, shell):
        monkeypatch.setattr(module, "NAMES_LIMIT", 5_000)
    page = maps.map_files({"buildings": named}, PageFacts(title="楼栋", as_of=AS_OF)).page
    assert said in page
    assert 'id="names-buildings"' not in page


def test_page_and_files_name_every_feature_once_and_no_outside_host(buildings):
    made = maps.map_files({"buildings": buildings}, PageFacts(title="楼栋", as_of=AS_OF, show=["buildings"]))
    names = sorted(made.files)
    assert names == ["tiles/buildings.000.pm.js", "tiles/buildings.pmtiles"]
    code = "".join(re.findall(r"<script>(.*?)</script>", made.page, re.DOTALL))
    assert set(re.findall(r"https?://([^/\"' ]+)", code)) <= {"www.w3.org"}
    assert "script-src 'sha256-" in made.page
    assert re.search(r"script-src [^;]*'self'; connect-src 'self';", made.page)
    assert "B000007" not in made.page, "the features are in the tiles, not once more in the page"


def test_single_page_needs_no_other_file_and_a_large_one_is_refused_with_the_reason(buildings, monkeypatch):
    made = maps.map_files({"buildings": buildings}, PageFacts(title="楼栋", as_of=AS_OF), single=True)
    assert made.files == {}
    assert "'self'" not in made.page
    monkeypatch.setattr(tile_files, "SINGLE_LIMIT_BYTES", 100_000)
    with pytest.raises(DataError, match=r"单个网页文件将有 0\.\d MB.*buildings"):
        maps.map_page({"buildings": buildings}, PageFacts(title="楼栋", as_of=AS_OF))


def test_hostile_values_keys_and_layer_names_stay_in_the_tiles():
    frame = many(10_001).assign(structure=(HOSTILE * 600)[:10_001])
    hostile = frame.assign(**{f"名{text}": text for text in HOSTILE})
    plain = maps.map_files({"空": frame}, PageFacts(title="楼栋", as_of=AS_OF))
    for name in HOSTILE[:3]:
        made = maps.map_files({name: hostile}, PageFacts(title="楼栋", as_of=AS_OF))
        assert len(re.findall(r"<[a-zA-Z]", made.page)) == len(re.findall(r"<[a-zA-Z]", plain.page))
        assert all(re.fullmatch(r"tiles/[A-Za-z0-9_-]+(\.\d{3}\.pm\.js|\.pmtiles)", path) for path in made.files)
        texts = {one["structure"] for one in decoded(made.files[min(path for path in made.files if "pmtiles" in path)])}
        assert texts == {html.plain_text(text) for text in HOSTILE}


# --- the formats ----------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 2**63 - 1), max_size=50))
@settings(max_examples=100, deadline=None)
def test_many_varints_are_the_same_as_one_by_one(numbers):
    data, ends = mvt.varints(np.array(numbers, dtype=np.uint64))
    assert data == b"".join(mvt.varint(n) for n in numbers)
    assert [data[a:b] for a, b in itertools.pairwise(ends)] == [mvt.varint(n) for n in numbers]


@given(st.one_of(st.text(max_size=40), st.integers(-(2**62), 2**62), st.floats(allow_nan=False), st.booleans()))
@settings(max_examples=200, deadline=None)
def test_values_read_back_as_they_were(value):
    body = mvt.encode_tile_layer(
        "x", [b"\x09\x00\x00"], [b"\x00\x00"], extent=4096, kind=1, keys=["k"], values=[mvt.encode_value(value)]
    )
    (keys, values, features) = mvt.decode_tile(body).layers["x"]
    assert (keys, values, features) == (["k"], [value], [(0, 0)])
    assert type(values[0]) is type(value)


def test_tiles_are_numbered_along_the_curve_of_the_format():
    # The first tiles of the specification's table: zoom 0, then 1, then the start of 2.
    assert [pmtiles.tile_number(*t) for t in ((0, 0, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0), (2, 0, 0))] == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]
    zoom = 5
    order = sorted((pmtiles.tile_number(zoom, x, y), x, y) for x in range(32) for y in range(32))
    assert [n for n, _, _ in order] == list(range(341, 341 + 1024))
    steps = [abs(a[1] - b[1]) + abs(a[2] - b[2]) for a, b in itertools.pairwise(order)]
    assert set(steps) == {1}, "a Hilbert curve goes from neighbour to neighbour"


def test_an_archive_of_very_many_tiles_gets_leaves_and_reads_back():
    rng = np.random.default_rng(1)
    tiles = {(int(x), int(y)): rng.bytes(int(rng.integers(1, 400))) for x in range(110) for y in range(110)}
    archive = pmtiles.write_archive(tiles, zoom=9, bounds=(116, 32, 117, 33), metadata={"a": 1})
    pieces = [*pmtiles.archive_tiles(archive)]
    assert json.loads(pieces[0]) == {"a": 1}
    assert sorted(pieces[1:]) == sorted(tiles.values())
    assert int.from_bytes(archive[16:24], "little") <= 16_384 - 127
    assert int.from_bytes(archive[48:56], "little") > 0, "leaf directories"


@pytest.mark.parametrize("data", [b"", b"PMTiles\x03" + b"\0" * 119, b"x" * 300])
def test_a_broken_archive_is_named_so(data):
    with pytest.raises(ValueError):
        [*pmtiles.archive_tiles(data)]


def test_compressed_parts_carry_no_time(tiled):
    assert tiled.archive[127:129] == b"\x1f\x8b"
    assert tiled.archive[131:135] == b"\0\0\0\0"
    assert gzip.decompress(tiled.archive[127 : 127 + int.from_bytes(tiled.archive[16:24], "little")])
