"""Does it lie where it says: units on record, features cut by tiles, overlaps, a CRS that is only a default."""

from __future__ import annotations

import json
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

from gis_renovation.checking import check_offsets, draft_card
from gis_renovation.checking.plausibility import check_plausibility
from gis_renovation.crs import parse_crs, wgs84_to_gcj02
from gis_renovation.reading import conform, read_card, read_files
from gis_renovation.schemas import layer_schemas

X, Y = 500_000.0, 3_613_000.0


def places(shapes, key, **columns):
    index = pd.Index([f"{key[0].upper()}{n}" for n in range(len(shapes))], name=key)
    return gpd.GeoDataFrame(columns, geometry=shapes, index=index, crs=4548)


def units():
    """A county in two parts, with a zone cut out of it, and its neighbour."""
    return places([box(X, Y, X + 1000, Y + 1000), box(X + 1000, Y, X + 2000, Y + 1000), box(X + 2000, Y, X + 3000, Y + 1000)], "unit_code", name=["甲区", "开发区", "乙区"], parent_code=["0", "U0", "0"])  # fmt: skip


@pytest.mark.parametrize(
    ("code", "left", "told"),
    [
        ("U0", 100, ""), ("U0", 1100, ""), ("U1", 1100, ""), ("U1", 100, ""),  # a zone and the county it belongs to
        ("U2", 100, "乙区→甲区"), ("U0", 2100, "甲区→乙区"), ("U2", 5000, "乙区→—"), ("U1", 2100, "开发区→乙区"),
        ("U2", 1960, ""), ("U2", 1940, "乙区→开发区、乙区"),  # over the border: where more than half of it lies
        (None, 2100, ""),
    ],
)  # fmt: skip
def test_a_community_outside_its_unit_is_told_with_where_it_lies(code, left, told):
    homes = places([box(X + left, Y + 100, X + left + 100, Y + 200)], "community_id", unit_code=[code], name=["某里"])
    found = [
        f for f in check_plausibility({"communities": homes, "reporting_units": units()}) if f.code == "outside_unit"
    ]
    assert [ref.value for f in found for ref in f.features] == ([told] if told else [])


POLYGONS = sorted(
    name for name, schema in layer_schemas().items() if "polygon" in schema.geometry and not schema.result
)


@pytest.mark.parametrize("name", POLYGONS)
def test_overlaps_are_told_in_every_layer_of_areas(name):
    schema = layer_schemas()[name]
    shapes = [box(X, Y, X + 100, Y + 100), box(X + 60, Y, X + 160, Y + 100), box(X + 160, Y, X + 260, Y + 100)]
    kind = {"kind": ["lake", "lake", "lake"]} if "kind" in schema.fields else {}
    found = [f for f in check_plausibility({name: places(shapes, schema.key, **kind)}) if f.code == "overlap"]
    assert [(ref.key[-1], ref.other[-1]) for f in found for ref in f.features] == [("0", "1")]
    assert not [f for f in check_plausibility({name: places(shapes[1:], schema.key)}) if f.code == "overlap"]


def test_control_lines_of_other_kinds_lie_over_each_other_as_they_should():
    shapes = [box(X, Y, X + 100, Y + 100), box(X + 60, Y, X + 160, Y + 100)]
    lines = places(shapes, "control_line_id", kind=["blue", "green"])
    assert not [f for f in check_plausibility({"control_lines": lines}) if f.code == "overlap"]


@pytest.mark.parametrize("layer", ["buildings", "parcels", "streets"])
@pytest.mark.parametrize("column", ["id", "osm_id", "OBJECTID"])
def test_a_number_that_repeats_beside_numbers_of_our_own_is_told_with_how_to_join_the_pieces(layer, column):
    schema = layer_schemas()[layer]
    shapes = [box(X + 50 * k, Y, X + 50 * k + 50, Y + 50) for k in range(6)]
    rows = gpd.GeoDataFrame({column: [1, 2, 2, 3, 4, 5]}, geometry=shapes, crs=4548)
    text = f'[source]\npath = "x"\nlayer = "{layer}"\n[columns]\n'
    card = read_card(text + f'{schema.key} = {{ number = "N" }}\n', stem=layer, where="card")
    (found,) = [f for f in conform(rows, card).findings if f.code == "repeated_source_id"]
    assert [ref.rows for ref in found.features] == [(2,), (3,)]
    assert "5 个号，却有 6 行" in found.text.zh
    line = f'{schema.key} = {{ from = "{column}" }}\n[repair]\nmerge_pieces = true\n'
    mended = conform(rows, read_card(text + line, stem=layer, where="card"))
    assert len(mended.frame) == 5
    assert "repeated_source_id" not in {f.code for f in mended.findings}
    sound = rows.assign(**{column: range(6)})
    assert "repeated_source_id" not in {f.code for f in conform(sound, card).findings}


# --- a CRS that nobody stated ---------------------------------------------------------------------


def plain(folder, kind):
    """Two homes in degrees in a file that states no CRS."""
    homes = gpd.GeoDataFrame({"bh": ["A", "B"]}, geometry=[box(117.0, 32.6, 117.01, 32.61), box(117.02, 32.6, 117.03, 32.61)], crs=4326)  # fmt: skip
    told = json.loads(homes.to_json())
    told.pop("crs", None)
    text = json.dumps(told, ensure_ascii=False)
    if kind == "zip":
        with zipfile.ZipFile(folder / "a.zip", "w") as archive:
            archive.writestr("a.geojson", text)
        return "a.zip"
    if kind == "parquet":
        import pyarrow.parquet as pq

        homes.to_parquet(folder / "a.parquet")
        table = pq.read_table(folder / "a.parquet")
        geo = json.loads(table.schema.metadata[b"geo"])
        del geo["columns"]["geometry"]["crs"]
        pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), folder / "a.parquet")
        return "a.parquet"
    (folder / f"a.{kind}").write_text(text, encoding="utf-8")
    return f"a.{kind}"


@pytest.mark.parametrize("kind", ["geojson", "json", "zip", "parquet"])
def test_a_file_that_states_no_crs_is_drafted_as_a_guess_and_read_with_a_warning(tmp_path, kind):
    name = plain(tmp_path, kind)
    draft = draft_card(tmp_path / name, layer="communities", beside=tmp_path, project_crs="EPSG:4548")
    assert "crs_guessed = true" in draft.text
    assert "文件自带" not in draft.text
    assert any("GCJ-02" in doubt.zh for doubt in draft.doubts)
    card = f'[source]\npath = "{name}"\nlayer = "communities"\n'
    assert [f.code for f in read_files(read_card(card, stem="a", where="a"), tmp_path).findings] == ["crs_assumed"]
    read = read_files(read_card(card + 'crs = "EPSG:4490"\n', stem="a", where="a"), tmp_path)
    assert read.frame.crs == parse_crs("EPSG:4490", where="a")
    assert not read.findings


@pytest.mark.parametrize(("suffix", "driver"), [("geojson", "GeoJSON"), ("gpkg", "GPKG"), ("parquet", "")])
def test_a_file_that_states_its_crs_is_no_guess(tmp_path, suffix, driver):
    homes = gpd.GeoDataFrame({"bh": ["A"]}, geometry=[box(117.0, 32.6, 117.01, 32.61)], crs=4490)
    path = tmp_path / f"a.{suffix}"
    homes.to_file(path, driver=driver) if driver else homes.to_parquet(path)
    assert "crs_guessed" not in draft_card(path, layer="communities", beside=tmp_path).text


def town(seed, shift=None):
    """Blocks of a town without a pattern, as they are or as a web map shifts them."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 3000, (80, 2))
    shapes = [
        box(X + x, Y + y, X + x + w, Y + y + h)
        for (x, y), (w, h) in zip(corners, rng.uniform(20, 90, (80, 2)), strict=True)
    ]
    frame = gpd.GeoSeries(shapes, crs=4548)
    if shift:
        import shapely

        degrees = frame.to_crs(4490)
        moved = shapely.transform(degrees.to_numpy(), lambda xy: np.column_stack(shift(xy[:, 0], xy[:, 1])))
        frame = gpd.GeoSeries(moved, crs=4490).to_crs(4548)
    return list(frame)


@pytest.mark.parametrize(
    ("one", "other"), [("parcels", "buildings"), ("land_survey", "parcels"), ("buildings", "planned_use")]
)
def test_layers_shifted_against_each_other_are_told_where_none_is_trusted_and_no_community_is_at_hand(one, other):
    keys = {name: layer_schemas()[name].key for name in (one, other)}
    layers = {one: places(town(3), keys[one]), other: places(town(3, wgs84_to_gcj02), keys[other])}
    (found,) = check_offsets(layers, parse_crs("EPSG:4548", where="x"))
    assert "gcj02" in found.code
    assert "没有标明可信图层" in found.text.zh
    straight = {one: places(town(3), keys[one]), other: places(town(3), keys[other])}
    assert not check_offsets(straight, parse_crs("EPSG:4548", where="x"))


def test_points_of_a_town_are_not_held_against_areas_that_nobody_trusts():
    shifted = places([Point(*shape.exterior.coords[0]) for shape in town(3, wgs84_to_gcj02)], "light_id")
    layers = {"parcels": places(town(3), "parcel_id"), "street_lights": shifted}
    assert not check_offsets(layers, parse_crs("EPSG:4548", where="x"))
