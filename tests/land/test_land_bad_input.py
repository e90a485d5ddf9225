"""What bureaus really deliver: open rings, wrong codes, empty files. Each is one clear message, or stands in the sheet."""

import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from gis_renovation.errors import DataError
from gis_renovation.run.project import open_project
from gis_renovation.run.runner import run_project

CRS = "EPSG:4548"
X, Y = 500_000.0, 3_600_000.0
PROJECT = '[project]\nname = "坏数据"\ncrs = "EPSG:4548"\nas_of = 2024-09-30\n'


def box(left, bottom, right, top):
    return shapely.box(X + left, Y + bottom, X + right, Y + top)


HOMES = gpd.GeoDataFrame(
    {"community_id": ["C1", "C2"], "name": ["甲", "乙"], "households": [400, 500]},
    geometry=[box(0, 0, 100, 100), box(110, 0, 200, 100)],
    crs=CRS,
)
PARCELS = gpd.GeoDataFrame(
    {"parcel_id": ["P1", "P2"], "ownership": "state", "registered_use": "城镇住宅用地", "holder_kind": "government"},
    geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100)],
    crs=CRS,
)
SURVEY = gpd.GeoDataFrame(
    {"patch_id": ["T1", "T2"], "code_system": "survey", "land_use_code": ["0701", "1004"]},
    geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100)],
    crs=CRS,
)
LINES = gpd.GeoDataFrame({"control_line_id": ["K1"], "kind": ["blue"]}, geometry=[box(150, -50, 300, 200)], crs=CRS)


def card(name, file, columns, more=""):
    own = "\n".join(f'{column} = "{column}"' for column in columns)
    return (
        f'[source]\npath = "data/{file}"\n{more}\n[columns]\n{own}\n'
        if columns
        else f'[source]\npath = "data/{file}"\n{more}'
    )


def bureau(folder, **layers):
    """A project of two communities and the layers given: frames, or texts of GeoJSON."""
    (folder / "layers" / "data").mkdir(parents=True)
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    for name, layer in ({"communities": HOMES} | layers).items():
        if isinstance(layer, str):
            file, columns = f"{name}.geojson", json.loads(layer)["features"][0]["properties"]
            (folder / "layers" / "data" / file).write_text(layer, encoding="utf-8")
        else:
            file, columns = f"{name}.gpkg", [column for column in layer.columns if column != "geometry"]
            layer.to_file(folder / "layers" / "data" / file)
        more = f'crs = "{CRS}"\n' if isinstance(layer, str) else ""
        (folder / "layers" / f"{name}.toml").write_text(card(name, file, columns, more), encoding="utf-8")
    return folder


def status_of(folder, *steps):
    run = run_project(open_project(folder), only=("land_status", *steps))
    return run, run.layers["land_status"]


def part(status, section):
    return status[status["section"] == section].set_index("item")


def test_the_sound_delivery_gives_a_whole_sheet(tmp_path):
    _, status = status_of(bureau(tmp_path / "p", parcels=PARCELS, land_survey=SURVEY, control_lines=LINES))
    assert part(status, "control").loc["blue", "area_m2"].sum() > 0.0


def open_ring(closed):
    ring = [[X, Y], [X + 100, Y], [X + 100, Y + 100], [X, Y + 100]]
    feature = {
        "type": "Feature",
        "properties": {"parcel_id": "P1", "ownership": "state"},
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]] if closed else ring]},
    }
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


def test_an_open_ring_is_never_a_parcel_of_no_ground(tmp_path):
    _, sound = status_of(bureau(tmp_path / "closed", parcels=open_ring(closed=True)))
    assert part(sound, "ownership").loc["state", "area_m2"] > 0.0
    with pytest.raises(DataError) as caught:
        status_of(bureau(tmp_path / "open", parcels=open_ring(closed=False)))
    assert "环未闭合" in str(caught.value)
    assert "P1" in str(caught.value)


def test_codes_of_a_wrong_or_of_two_systems_stop_the_run_with_the_features(tmp_path):
    for number, (systems, words) in enumerate(
        [(["sanzuo", "sanzuo"], ("sanzuo", "T1", "T2")), (["survey", "sea_land_2023"], ("混用", "2"))]
    ):
        folder = bureau(tmp_path / str(number), land_survey=SURVEY.assign(code_system=systems))
        with pytest.raises(DataError) as caught:
            status_of(folder)
        for word in words:
            assert word in str(caught.value)


def test_a_code_of_another_system_is_not_taken_for_the_class_it_looks_like(tmp_path):
    # 1401 is a park in the classes of 2023 and nothing in the survey's.
    folder = bureau(tmp_path / "p", land_survey=SURVEY.assign(land_use_code=["1401", "0701"]))
    run, status = status_of(folder, "land_code_conversions")
    found = part(status, "survey")
    assert "未收录" in found.loc["1401", "label_zh"]
    assert "国土空间用地用海分类（2023）；请核对体系" in found.loc["1401", "note_zh"]
    assert found.loc[["0701"], "note_zh"].isna().all()
    conversions = run.layers["land_code_conversions"].set_index("code")
    assert conversions.loc["1401", "ambiguity"] == "none"


def test_overlapping_parcels_are_a_remark_and_a_line_of_the_sheet(tmp_path):
    wide = PARCELS.set_geometry([box(0, 0, 110, 100), box(90, 0, 200, 100)])
    run, status = status_of(bureau(tmp_path / "p", parcels=wide))
    remarks = [f.zh for f in run.manifest.findings if f.layer == "parcels"]
    assert any("P1 ∩ P2" in text and "2,000" in text for text in remarks), remarks
    for site, own in status[status["section"] == "ownership"].groupby("site_id"):
        total = status[(status["site_id"] == site) & (status["section"] == "total")]["area_m2"].item()
        assert round(own["area_m2"].sum(), 2) == round(total, 2)
    both = part(status, "ownership").loc[["state"]]
    assert both["note_zh"].str.fullmatch(r"图斑相互重叠 [\d,.]+ m²，只计一次").any()
    assert (part(status, "ownership")["area_m2"] >= 0.0).all()


def test_a_file_of_control_lines_without_any_is_not_checked_never_zero(tmp_path):
    run, status = status_of(bureau(tmp_path / "p", parcels=PARCELS, control_lines=LINES.iloc[:0]))
    found = part(status, "control")
    assert set(found["state"]) == {"not_checked"}
    assert found["area_m2"].isna().all()
    assert found["note_zh"].str.contains("没有").all()
    assert [f.zh for f in run.manifest.findings if f.layer == "control_lines"] == ["图层没有任何要素。"]


def with_raster(folder, *, crs=CRS, values=0.3):
    bureau(folder, parcels=PARCELS)
    for name in ("greenness_before", "greenness_after"):
        path = folder / "layers" / "data" / f"{name}.tif"
        grid = {"width": 30, "height": 20, "count": 1, "transform": Affine(10, 0, X - 50, 0, -10, Y + 150)}
        with rasterio.open(path, "w", driver="GTiff", dtype="float32", nodata=-9999.0, crs=crs, **grid) as target:
            target.write(np.full((1, 20, 30), values, np.float32))
        (folder / "layers" / f"{name}.toml").write_text(card(name, path.name, ()), encoding="utf-8")
    return folder


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_a_raster_without_crs_leaves_out_only_its_step_and_is_one_clear_message(tmp_path):
    sound = run_project(open_project(with_raster(tmp_path / "sound")), only=("parcel_greenness",))
    assert sound.layers["parcel_greenness"]["greenness_after"].tolist() == pytest.approx([0.3, 0.3])
    bad = run_project(open_project(with_raster(tmp_path / "bad", crs=None)), only=("parcel_greenness",))
    assert "parcel_greenness" not in bad.layers
    assert [step.step for step in bad.manifest.skipped] == ["parcel_greenness"]
    told = [one.text.zh for one in bad.manifest.findings if one.layer == "greenness_before"]
    assert any("坐标系" in text and "crs = " in text for text in told), told


def test_a_raster_without_any_value_leaves_out_only_the_steps_that_need_it(tmp_path):
    run = run_project(open_project(with_raster(tmp_path / "empty", values=-9999.0)))
    assert "parcel_greenness" not in run.layers
    assert "parcels" in run.layers
    told = {(one.layer, one.severity) for one in run.manifest.findings if "无数据" in one.text.zh}
    assert told == {("greenness_before", "warning"), ("greenness_after", "warning")}
