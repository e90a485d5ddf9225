"""A drafted card: a planner's first ten minutes. It reads, it says what it guessed, it never overwrites."""

from __future__ import annotations

import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from shapely.geometry import Point, Polygon, box
from zoo import BOTTOM, LEFT, communities, drawing, ledger, locked_workbook, shapefile, survey_txt, table_of

from gis_renovation.checking.draft import draft_card, write_draft
from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError, FileError
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import file_sha256, read_files


def cards_folder(folder):
    target = folder / "my-city" / "layers"
    target.mkdir(parents=True)
    return target


def read_by(draft, beside):
    card = read_card(draft.text, stem=draft.layer, where="draft")
    raw = read_files(card, beside)
    return conform(raw.frame, card).frame, card


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "fgb", "parquet", "gdb"])
def test_a_draft_reads_without_a_touch_and_its_layer_is_guessed(tmp_path, suffix):
    beside = cards_folder(tmp_path)
    frame = communities().rename(columns={"编号": "小区编号", "名称": "小区名称", "总面积": "建筑面积"})
    path = tmp_path / f"数据.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    elif suffix == "shp":
        frame.to_file(path, encoding="GBK")
    else:
        frame.to_crs(4490 if suffix == "geojson" else 4548).to_file(
            path, **({"driver": "OpenFileGDB"} if suffix == "gdb" else {})
        )
    draft = draft_card(path, beside=beside)
    assert draft.layer == "communities"
    read, card = read_by(draft, beside)
    assert list(read.index) == ["C1", "C2", "C3"]
    assert list(read["households"]) == [100, 110, 120]
    assert check_layer(read, card.schema_) == []
    assert card.source.path == f"../../数据.{suffix}"


def test_an_unmarked_gbk_shapefile_names_its_encoding(tmp_path):
    text = draft_card(shapefile(tmp_path), layer="communities", beside=tmp_path).text
    assert 'encoding = "GB18030"' in text
    assert 'crs = "EPSG:4548"' in text


def test_a_ledger_gets_its_units_and_says_what_is_missing(tmp_path):
    draft = draft_card(ledger(tmp_path / "台账.xlsx"), layer="communities", beside=tmp_path)
    assert 'floor_area_m2 = { from = "改造规模/建筑面积（万平方米）", unit = "万平方米" }' in draft.text
    assert any("坐标列" in doubt.zh for doubt in draft.doubts)
    read_card(draft.text, stem="communities", where="draft")


def test_a_table_of_survey_coordinates_is_turned_the_right_way(tmp_path):
    table_of(communities()).to_csv(tmp_path / "点.csv", index=False, encoding="gbk")
    draft = draft_card(tmp_path / "点.csv", layer="facilities", beside=tmp_path, project_crs="EPSG:4548")
    read, card = read_by(draft, tmp_path)
    assert card.source.crs == "EPSG:4548"
    assert read.geometry.iloc[0].equals(Point(LEFT + 50, BOTTOM + 40))
    assert list(read.index) == ["C1", "C2", "C3"]
    assert any("中央经线" in d.zh for d in draft.doubts)


def test_degrees_are_recognised_and_web_maps_are_mentioned(tmp_path):
    pd.DataFrame({"编号": ["a"], "经度": [117.01], "纬度": [32.65]}).to_csv(tmp_path / "点.csv", index=False)
    draft = draft_card(tmp_path / "点.csv", layer="facilities", beside=tmp_path)
    assert 'crs = "EPSG:4490"' in draft.text
    assert "datum" in draft.text


def test_survey_points_and_drawings_are_drafted(tmp_path):
    survey = draft_card(survey_txt(tmp_path / "界址点.txt"), layer="parcels", beside=tmp_path)
    assert 'crs = "EPSG:4527"' in survey.text
    assert "drop_empty_geometry" in survey.text
    cad = draft_card(drawing(tmp_path), layer="communities", beside=tmp_path)
    assert '# Layer = ["DLSS", "JMD"]' in cad.text
    assert "DLSS 1、JMD 2" in cad.text
    assert "# close_rings_m" in cad.text


def test_codes_that_are_not_ours_are_listed_to_be_mapped(tmp_path):
    frame = gpd.GeoDataFrame(
        {"宗地编号": ["a", "b"], "权属性质": ["国有", "Z"]}, geometry=[box(0, 0, 1, 1)] * 2, crs=4548
    )
    frame.to_file(tmp_path / "a.gpkg")
    text = draft_card(tmp_path / "a.gpkg", layer="parcels", beside=tmp_path).text
    assert '# ownership = { from = "权属性质", values = { Z = "?" } }' in text
    assert "state 国有" in text


def test_broken_shapes_are_offered_a_repair_but_not_given_one(tmp_path):
    bow = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    gpd.GeoDataFrame({"编号": ["a"], "名称": ["x"]}, geometry=[bow], crs=4548).to_file(tmp_path / "a.gpkg")
    draft = draft_card(tmp_path / "a.gpkg", layer="communities", beside=tmp_path)
    assert "# make_valid = true" in draft.text
    assert not read_card(draft.text, stem="communities", where="x").repair.make_valid


def test_a_repeated_id_is_not_taken_as_the_key(tmp_path):
    frame = communities()
    frame["编号"] = ["C1", "C1", "C3"]
    frame.to_file(tmp_path / "a.gpkg")
    draft = draft_card(tmp_path / "a.gpkg", layer="communities", beside=tmp_path)
    assert 'community_id = { number = "CO-" }' in draft.text
    said = next(d for d in draft.doubts if "不能作编号" in d.zh)
    for word in ("1 个编号重复（C1）", "关联会失效", "独立的要素", 'community_id = "编号"', "merge_pieces = true"):
        assert word in said.zh
    assert "links from other tables" in said.en
    assert f"# ! {said.zh}" in draft.text


def test_one_of_several_layers_is_chosen_and_the_others_named(tmp_path):
    communities().to_file(tmp_path / "a.gpkg", layer="zone")
    communities().to_file(tmp_path / "a.gpkg", layer="communities_2024")
    text = draft_card(tmp_path / "a.gpkg", layer="communities", beside=tmp_path).text
    assert 'layer_name = "communities_2024"' in text
    assert "zone" in text
    assert (
        'layer_name = "zone"'
        in draft_card(tmp_path / "a.gpkg", layer="communities", sublayer="zone", beside=tmp_path).text
    )


def several(path):
    """A GeoPackage as from a web download: land use and water, neither of them communities."""
    frame = communities(2)[["名称", "geometry"]].rename(columns={"名称": "name"}).assign(fclass="x")
    frame.to_file(path, layer="landuse")
    frame.iloc[:1].to_file(path, layer="water")
    frame.set_geometry(frame.centroid).to_file(path, layer="places")
    return path


@pytest.mark.parametrize("layer", ["communities", ""])
def test_several_layers_none_of_which_fits_are_all_named_and_none_is_taken(tmp_path, layer):
    with pytest.raises(FileError) as caught:
        draft_card(several(tmp_path / "a.gpkg"), layer=layer, beside=tmp_path)
    assert caught.value.exit_code == 2
    for word in ("landuse（2 行，面）", "water（1 行，面）", "places（2 行，点）", "--sublayer"):
        assert word in caught.value.text.zh
    assert "places (2 rows, points)" in caught.value.text.en


def test_the_only_layer_that_fits_is_taken_and_said_with_the_others(tmp_path):
    communities().to_file(several(tmp_path / "a.gpkg"), layer="图层1")
    draft = draft_card(tmp_path / "a.gpkg", layer="communities", beside=tmp_path)
    assert 'layer_name = "图层1"' in draft.text
    said = next(d.zh for d in draft.doubts if "--sublayer" in d.zh)
    assert "图层1（3 行，面）" in said
    assert "water（1 行，面）" in said
    only = draft_card(tmp_path / "a.gpkg", layer="facilities", sublayer="places", beside=tmp_path)
    assert not any("--sublayer" in d.zh for d in only.doubts)


def test_sheets_are_chosen_by_the_same_rule(tmp_path):
    table = pd.DataFrame({"小区编号": ["a"], "小区名称": ["x"], "户数": [3]})
    with pd.ExcelWriter(tmp_path / "a.xlsx", engine="xlsxwriter") as book:
        pd.DataFrame({"说明": ["x", "y"]}).to_excel(book, sheet_name="说明", index=False)
        table.to_excel(book, sheet_name="表2", index=False)
    assert 'layer_name = "表2"' in draft_card(tmp_path / "a.xlsx", layer="communities", beside=tmp_path).text
    with pytest.raises(FileError, match="表2（1 行，表格）"):
        draft_card(tmp_path / "a.xlsx", layer="parks", beside=tmp_path)


def test_a_raster_is_drafted(tmp_path):
    with rasterio.open(
        tmp_path / "t.tif",
        "w",
        driver="GTiff",
        width=2,
        height=2,
        count=1,
        dtype="float32",
        crs="EPSG:4548",
        transform=Affine(10, 0, LEFT, 0, -10, BOTTOM),
    ) as sink:
        sink.write(np.ones((2, 2), "float32"), 1)
    draft = draft_card(tmp_path / "t.tif", beside=tmp_path)
    assert draft.layer == "terrain"
    assert any("无数据值" in d.zh for d in draft.doubts)
    assert read_card(draft.text, stem="terrain", where="x").source.crs == "EPSG:4548"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_draft_says_who_decides_the_class_and_what_it_opens_for_that_layer(tmp_path, lang):
    gpd.GeoDataFrame({"id": ["a"], "name": ["x"]}, geometry=[box(0, 0, 1, 1)], crs=4548).to_file(tmp_path / "a.gpkg")
    drafts = {
        layer: draft_card(tmp_path / "a.gpkg", layer=layer, beside=tmp_path, lang=lang).text
        for layer in ("communities", "parcels")
    }
    asks = {"zh": "向提供单位问清", "en": "ask who gave the data"}[lang]
    for layer, text in drafts.items():
        lines = text.splitlines()
        at = next(number for number, line in enumerate(lines) if line.startswith("classification = "))
        assert asks in lines[at - 2]
        assert read_card(text, stem=layer, where="x").source.classification == "internal"
    # The schema has communities on the public site, parcels never.
    assert "maps/public.toml" in drafts["communities"]
    assert "maps/public.toml" not in drafts["parcels"]
    assert {"zh": "都不进公众版", "en": "never goes onto the public site"}[lang] in drafts["parcels"]


def test_english_drafts_hold_no_chinese_of_ours(tmp_path):
    gpd.GeoDataFrame({"id": ["a"], "name": ["x"]}, geometry=[box(0, 0, 1, 1)], crs=4548).to_file(tmp_path / "a.gpkg")
    text = draft_card(tmp_path / "a.gpkg", layer="communities", beside=tmp_path, lang="en").text
    assert not any("\u4e00" <= c <= "\u9fff" for c in text)


def test_names_with_quotes_and_backslashes_stay_valid_toml(tmp_path):
    frame = communities().rename(columns={"户数": '户"数\\'})
    frame.to_file(tmp_path / 'a "b".gpkg')
    draft = draft_card(tmp_path / 'a "b".gpkg', layer="communities", beside=tmp_path)
    read_card(draft.text, stem="communities", where="x")


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(FileError, match="密码"):
        draft_card(locked_workbook(tmp_path / "a.xlsx"), layer="projects", beside=tmp_path)
    (tmp_path / ".gitkeep").touch()
    with pytest.raises(FileError, match="找不到") as caught:
        draft_card(tmp_path / "none.gpkg", layer="projects", beside=tmp_path)
    assert "来源卡" not in caught.value.text.zh
    assert ".gitkeep" not in caught.value.text.zh
    assert "a.xlsx" in caught.value.text.zh
    with pytest.raises(FileError, match="不存在"):
        draft_card(tmp_path / "nowhere" / "none.gpkg", beside=tmp_path)
    with pytest.raises(ConfigError, match="projects"):
        draft_card(tmp_path / "none.gpkg", layer="project", beside=tmp_path)


def test_a_card_that_exists_is_never_overwritten(tmp_path):
    communities().to_file(tmp_path / "a.gpkg")
    draft = draft_card(tmp_path / "a.gpkg", layer="communities", beside=tmp_path)
    target = write_draft(draft, tmp_path)
    before = file_sha256(target)
    with pytest.raises(FileError, match="没有改动"):
        write_draft(draft, tmp_path)
    assert file_sha256(target) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gpkg", "communities.toml"]


def test_the_command_prints_a_card_and_writes_one_on_request(tmp_path):
    communities().to_file(tmp_path / "小区.gpkg")
    project = tmp_path / "my-city"
    (project / "layers").mkdir(parents=True)
    (project / "project.toml").write_text('[project]\nname = "x"\ncrs = "EPSG:4548"\nas_of = 2024-09-30\n')

    def card(*words):
        command = [sys.executable, "-m", "gis_renovation", "card", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)

    printed = card(tmp_path / "小区.gpkg", "--layer", "communities", "--project", project)
    assert printed.returncode == 0, printed.stderr
    read_card(printed.stdout, stem="communities", where="x")
    assert list((project / "layers").iterdir()) == []
    written = card(tmp_path / "小区.gpkg", "--layer", "communities", "--project", project, "--write")
    assert written.returncode == 0, written.stderr
    text = (project / "layers" / "communities.toml").read_text(encoding="utf-8")
    assert 'path = "../../小区.gpkg"' in text


@pytest.mark.parametrize("name", ["月份", "填报月份", "统计月份"])
def test_a_column_of_months_is_offered_as_the_day_of_a_record_with_month_as(tmp_path, name):
    beside = cards_folder(tmp_path)
    rows = f"项目编号,{name},状态\nP1,2026年8月,已开工\nP2,2026.9,完工\n"
    (tmp_path / "进度.csv").write_text(rows, encoding="utf-8")
    draft = draft_card(tmp_path / "进度.csv", layer="works_records", beside=beside)
    assert f'recorded_on = {{ from = "{name}", month_as = "last_day" }}' in draft.text
    assert any("last_day" in doubt.zh and "first_day" in doubt.zh for doubt in draft.doubts)
    read, card = read_by(draft, beside)
    assert [day.isoformat() for day in read["recorded_on"]] == ["2026-08-31", "2026-09-30"]
    assert check_layer(read, card.schema_) == []


def test_a_crs_guessed_from_the_numbers_is_recorded_as_a_guess_and_a_stated_one_is_not(tmp_path):
    beside = cards_folder(tmp_path)
    communities().to_file(tmp_path / "a.shp", encoding="UTF-8")
    (tmp_path / "a.prj").unlink()
    communities().to_file(tmp_path / "b.gpkg")
    guessed = draft_card(tmp_path / "a.shp", layer="communities", beside=beside, project_crs="EPSG:4548")
    assert read_by(guessed, beside)[1].source.crs_guessed
    stated = draft_card(tmp_path / "b.gpkg", layer="communities", beside=beside, project_crs="EPSG:4548")
    assert not read_by(stated, beside)[1].source.crs_guessed
