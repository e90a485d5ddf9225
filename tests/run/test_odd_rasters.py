"""Rasters that nothing can be measured with: ``check`` tells of them, only their steps are left out, warping is asked for."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS, Transformer
from shapely.geometry import box

from gis_renovation.checking import draft_card
from gis_renovation.errors import ConfigError, DataError
from gis_renovation.rasters import Raster, warp_raster
from gis_renovation.run import check_project, open_project, read_layer, run_project

PROJECT = '[project]\nname = "城"\ncrs = "EPSG:4548"\nas_of = 2025-01-01\narea = [116.35, 31.9, 117.21, 33.01]\n'
LEFT, TOP = 500_000.0, 3_613_000.0
ASKED = "terrain"


def project(tmp_path, layer=ASKED, repair="", *, card="", **raster):
    """Four homes and as many parcels of 100 m, and one raster."""
    data = tmp_path / "layers" / "data"
    data.mkdir(parents=True)
    (tmp_path / "project.toml").write_text(PROJECT + "[rasters]\nbare_classes = [60]\n", encoding="utf-8")
    places = [box(LEFT + x, TOP - y - 100, LEFT + x + 100, TOP - y) for x in (0, 120) for y in (0, 120)]
    for name, key in (("communities", "community_id"), ("parcels", "parcel_id")):
        gpd.GeoDataFrame({key: list("ABCD")}, geometry=places, crs=4548).to_parquet(data / f"{name}.parquet")
        (tmp_path / "layers" / f"{name}.toml").write_text(f'[source]\npath = "data/{name}.parquet"\n')
    write(data / "grid.tif", **raster)
    card = f'[source]\npath = "data/grid.tif"\n{card}{repair}'
    (tmp_path / "layers" / f"{layer}.toml").write_text(card, encoding="utf-8")
    return open_project(tmp_path)


def write(path, crs="EPSG:4548", x0=LEFT - 1000, y0=TOP + 1000, pixel=30.0, rotation=0.0, values=None, place=None):
    values = np.add.outer(np.zeros(100), np.arange(100.0)) if values is None else values
    cos, sin = pixel * np.cos(np.radians(rotation)), pixel * np.sin(np.radians(rotation))
    place = Affine(cos, sin, x0, sin, -cos, y0) if place is None else place
    height, width = values.shape
    kind = {"driver": "GTiff", "count": 1, "dtype": "float32", "nodata": -9999.0}
    with rasterio.open(path, "w", width=width, height=height, crs=crs, transform=place, **kind) as target:
        target.write(values.astype("float32"), 1)


DEGREES = {"x0": 116.99, "y0": 32.66, "pixel": 1 / 3600}
UNFIT = {
    "degrees of CGCS2000": ({"crs": "EPSG:4490", **DEGREES}, "EPSG:4490"),
    "degrees of WGS 84": ({"crs": "EPSG:4326", **DEGREES}, "EPSG:4326"),
    "the next zone": ({"crs": "EPSG:4549"}, "EPSG:4549"),
    "no value at all": ({"values": np.full((100, 100), -9999.0)}, "nodata"),
    "millimetres": ({"values": np.full((100, 100), 2_000_000.0)}, "scale factor"),
    "another city": ({"x0": 700_000.0}, "another city"),
    "no CRS": ({"crs": None}, 'crs = "EPSG:4548"'),
    "no CRS, in degrees": ({"crs": None, **DEGREES}, 'crs = "EPSG:4490"'),
    "no CRS, with a zone": ({"crs": None, "x0": 39_499_000.0}, 'crs = "EPSG:4527"'),
    "a card that says another CRS": ({"card": 'crs = "EPSG:4549"\n'}, "Correct the card"),
    "no place": ({"place": Affine.identity()}, "not georeferenced"),
}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("case", UNFIT)
def test_check_tells_of_a_raster_that_nothing_is_measured_with_and_only_its_step_is_left_out(tmp_path, case):
    raster, said = UNFIT[case]
    work = project(tmp_path, **raster)
    checked = [f for f in check_project(work).findings if f.layer == ASKED and f.severity != "note"]
    assert [f.code for f in checked] == ["raster_left_out"]
    assert said in checked[0].text.en
    assert "小区地形" in checked[0].text.zh or "Community terrain" in checked[0].text.en
    assert "np.float" not in checked[0].text.zh + checked[0].text.en
    run = run_project(work)
    assert ASKED in {f.layer for f in run.manifest.findings if f.code == "raster_left_out"}
    assert [step.step for step in run.manifest.skipped if step.missing == (ASKED,)] == ["community_terrain"]
    assert {"community_links", "zones", "parcel_ledger"} <= set(run.manifest.made)


def test_a_raster_without_a_crs_is_measured_once_the_line_is_written_and_its_draft_has_it(tmp_path):
    work = project(tmp_path, crs=None)
    with pytest.raises(DataError, match="坐标系"):
        read_layer(work, ASKED)
    draft = draft_card(
        tmp_path / "layers/data/grid.tif", layer=ASKED, project_crs="EPSG:4548", beside=tmp_path / "layers"
    )
    assert '# crs = "EPSG:4548"' in draft.text
    (tmp_path / "b").mkdir()
    work = project(tmp_path / "b", crs=None, card='crs = "EPSG:4548"\n')
    assert "raster_left_out" not in {f.code for f in check_project(work).findings}
    assert "community_terrain" in run_project(work).manifest.made


@pytest.mark.parametrize(
    ("layer", "step"), [("night_light", "parcel_night_light"), ("land_cover", "parcel_land_cover")]
)
def test_a_parcels_raster_elsewhere_is_told_too(tmp_path, layer, step):
    work = project(tmp_path, layer, crs="EPSG:4490", **DEGREES)
    (finding,) = [f for f in check_project(work).findings if f.code == "raster_left_out"]
    assert finding.layer == layer
    assert ('warp = "nearest"' if layer == "land_cover" else 'warp = "bilinear"') in finding.text.zh
    assert step not in run_project(work).manifest.made


def test_a_rotated_raster_in_the_project_crs_is_measured_as_it_is(tmp_path):
    work = project(tmp_path, rotation=20.0, x0=LEFT - 500)
    assert "raster_left_out" not in {f.code for f in check_project(work).findings}
    assert run_project(work).layers["community_terrain"]["known_share"].to_numpy() == pytest.approx(1.0)


def slope(crs, place):
    """Heights that rise evenly with easting and northing, as a grid in another CRS has them."""
    rows, columns = np.mgrid[0:100, 0:100] + 0.5
    back = Transformer.from_crs(crs, "EPSG:4548", always_xy=True)
    x, y = back.transform(place["x0"] + columns * place["pixel"], place["y0"] - rows * place["pixel"])
    return 20.0 + 0.01 * (x - LEFT) + 0.02 * (y - TOP + 300)


@pytest.mark.parametrize("how", ["bilinear", "cubic", "average"])
@pytest.mark.parametrize(
    ("crs", "place"), [("EPSG:4490", DEGREES), ("EPSG:4549", {"x0": 218_000.0, "y0": 3_618_500.0, "pixel": 30.0})]
)
def test_a_warped_plane_has_the_heights_of_the_plane(tmp_path, crs, place, how):
    if crs == "EPSG:4549":
        x, y = Transformer.from_crs("EPSG:4548", crs, always_xy=True).transform(LEFT, TOP)
        place = {"x0": x - 1500.0, "y0": y + 1500.0, "pixel": 30.0}
    work = project(tmp_path, repair=f'[repair]\nwarp = "{how}"\n', crs=crs, values=slope(crs, place), **place)
    findings = [f for f in check_project(work).findings if f.layer == ASKED]
    assert {f.code for f in findings} == {"warped"}
    assert crs in findings[0].text.zh
    assert how in findings[0].text.zh
    run = run_project(work)
    middles = run.layers["communities"].centroid
    expected = 20.0 + 0.01 * (middles.x - LEFT) + 0.02 * (middles.y - TOP + 300)
    assert run.layers["community_terrain"]["mean_height_m"].to_numpy() == pytest.approx(expected.to_numpy(), abs=0.15)
    record = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))["sources"][ASKED]
    assert (record["warped_from"], record["resampling"]) == (crs, how)


def test_warping_keeps_codes_and_what_is_unknown_and_leaves_the_file_alone(tmp_path):
    codes = np.full((100, 100), 50.0)
    codes[:, 30:40] = 60.0
    codes[40:45] = -9999.0
    work = project(tmp_path, "land_cover", '[repair]\nwarp = "mode"\n', crs="EPSG:4490", values=codes, **DEGREES)
    file = tmp_path / "layers" / "data" / "grid.tif"
    before = file.read_bytes()
    assert "raster_left_out" not in {f.code for f in check_project(work).findings}
    warped = warp_raster(Raster(np.where(codes < 0, np.nan, codes), Affine(1 / 3600, 0, 116.99, 0, -1 / 3600, 32.66), CRS("EPSG:4490")), CRS("EPSG:4548"), "mode")  # fmt: skip
    assert set(np.unique(warped.values[~np.isnan(warped.values)])) == {50.0, 60.0}
    assert np.isnan(warped.values).any()
    assert "parcel_land_cover" in run_project(work).manifest.made
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("layer", "how", "said"),
    [("land_cover", "bilinear", "类别代码"), ("parcels", "nearest", "只用于栅格"), ("terrain", "lanczos", "nearest")],
)
def test_a_card_that_asks_for_what_cannot_be_is_refused(tmp_path, layer, how, said):
    work = project(tmp_path)
    card = tmp_path / "layers" / f"{layer}.toml"
    card.write_text(f'[source]\npath = "data/grid.tif"\n[repair]\nwarp = "{how}"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        check_project(work)


@pytest.mark.parametrize(("layer", "how"), [("terrain", "bilinear"), ("land_cover", "nearest")])
def test_a_draft_says_that_the_raster_is_in_another_crs_and_which_line_mends_it(tmp_path, layer, how):
    project(tmp_path, crs="EPSG:4490", **DEGREES)
    file = tmp_path / "layers" / "data" / "grid.tif"
    draft = draft_card(file, layer=layer, beside=tmp_path / "layers", project_crs="EPSG:4548")
    assert any("EPSG:4490" in doubt.zh for doubt in draft.doubts)
    card = tmp_path / "layers" / f"{layer}.toml"
    card.write_text(draft.text.replace("# warp", "warp"), encoding="utf-8")
    assert {f.code for f in check_project(open_project(tmp_path)).findings if f.layer == layer} == {"warped"}
    assert f'warp = "{how}"' in draft.text
    same = draft_card(file, layer=layer, beside=tmp_path / "layers", project_crs="EPSG:4490")
    assert "warp" not in same.text
