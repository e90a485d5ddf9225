"""One folder at once: each file gets its layer, its card and its doubts; nothing is written unasked."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from openpyxl import Workbook
from shapely.geometry import LineString, box
from test_which_layer import ROWS, drawing
from zoo import BOTTOM, LEFT

from gis_renovation.checking import propose_folder, write_proposals
from gis_renovation.cli.commands import main
from gis_renovation.errors import FileError
from gis_renovation.reading.files import file_sha256
from gis_renovation.run.inputs import read_inputs
from gis_renovation.run.project import open_project


def boxes(count):
    return [box(LEFT + 200 * n, BOTTOM, LEFT + 200 * n + 99, BOTTOM + 99) for n in range(count)]


@pytest.fixture
def office(tmp_path):
    """A folder as an office keeps it: boundaries, their ledger, parks, a drawing, reports, and what is no data."""
    folder = tmp_path / "某区资料"
    (folder / "月报").mkdir(parents=True)
    ids = [f"C{n:03d}" for n in range(4)]
    shapes = gpd.GeoDataFrame({"小区编号": ids, "小区名称": list("甲乙丙丁")}, geometry=boxes(4), crs=4548)
    shapes.to_file(folder / "老旧小区边界.shp", encoding="GBK")
    book = Workbook()
    book.active.title = "台账"
    for row in (["小区编号", "户数（户）"], *([code, 100 + n] for n, code in enumerate(reversed(ids)))):
        book.active.append(row)
    book.create_sheet("Sheet2")
    book.save(folder / "小区台账.xlsx")
    gpd.GeoDataFrame({"公园名称": ["人民公园"]}, geometry=boxes(1), crs=4548).to_file(folder / "公园.gpkg")
    drawing(folder, ROWS, "水系铁路.dxf")
    for month, state in (("9", "施工中"), ("10", "已完工")):
        report = pd.DataFrame({"项目编号": ["P1"], "填报日期": [f"2026-{month}-28"], "阶段": [state]})
        report.to_csv(folder / "月报" / f"进度{month}月.csv", index=False)
    (folder / "说明.docx").write_bytes(b"PK")
    (folder / "~$小区台账.xlsx").write_bytes(b"lock")
    (folder / "坏.gpkg").write_bytes(b"not a database")
    return folder


@pytest.fixture
def project(tmp_path):
    home = tmp_path / "my-city"
    (home / "layers").mkdir(parents=True)
    (home / "project.toml").write_text('[project]\nname = "x"\ncrs = "EPSG:4548"\nas_of = 2026-10-31\n', "utf-8")
    return home


def hashes(folder):
    return {path.name: file_sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_file_of_a_folder_gets_its_layer_and_nothing_is_written_unasked(office, project):
    before = hashes(office)
    found = propose_folder(office, beside=project / "layers", project_crs="EPSG:4548")
    layers = {f"{one.path.name}{one.sublayer}": one.layer for one in found}
    assert layers == {
        "公园.gpkg": "parks",
        "坏.gpkg": "",
        "小区台账.xlsx台账": "communities",
        "老旧小区边界.shp": "communities",
        "水系铁路.dxf": "barriers",
        "说明.docx": "",
        "进度10月.csv": "works_records",
        "进度9月.csv": "works_records",
    }
    assert all(one.why.zh for one in found if one.layer)
    assert all(one.left is not None for one in found if not one.layer)
    assert list((project / "layers").iterdir()) == []
    assert hashes(office) == before


def test_the_cards_of_a_folder_read_and_ledgers_stand_beside_their_boundaries(office, project):
    found = propose_folder(office, beside=project / "layers", project_crs="EPSG:4548")
    written = write_proposals(found, project / "layers")
    names = sorted(path.name for path in written)
    assert names == [
        "barriers.toml", "communities.toml", "parks.toml", "works_records-进度9月.toml", "works_records.toml",
    ]  # fmt: skip
    inputs = read_inputs(open_project(project))
    assert [f.sentence("zh") for f in inputs.findings if f.severity == "error"] == []
    assert inputs.layers["communities"]["households"].to_dict() == {"C000": 103, "C001": 102, "C002": 101, "C003": 100}
    assert sorted(inputs.layers["works_records"]["state"]) == ["completed", "started"]
    assert sorted(inputs.layers["barriers"]["kind"]) == ["railway", "railway", "river"]


def test_a_card_that_stands_is_kept_and_the_new_one_gets_a_name_of_its_own(office, project):
    (project / "layers" / "parks.toml").write_text('[source]\npath = "own.gpkg"\n', encoding="utf-8")
    found = propose_folder(office, beside=project / "layers")
    write_proposals(found, project / "layers")
    assert (project / "layers" / "parks.toml").read_text(encoding="utf-8") == '[source]\npath = "own.gpkg"\n'
    assert (project / "layers" / "parks-公园.toml").is_file()


def test_a_drawing_of_several_layers_gives_one_card_for_each(tmp_path, project):
    road = LineString([(LEFT, BOTTOM + 50), (LEFT + 300, BOTTOM + 50)])
    drawing(tmp_path, [*ROWS, ("DL_道路中心线", road, "")], "地形图.dxf")
    found = propose_folder(tmp_path, beside=project / "layers", project_crs="EPSG:4548")
    drawn = [one for one in found if one.path.suffix == ".dxf"]
    assert {one.layer for one in drawn} == {"barriers", "streets"}
    write_proposals(drawn, project / "layers")
    inputs = read_inputs(open_project(project))
    assert (len(inputs.layers["barriers"]), len(inputs.layers["streets"])) == (3, 1)


def test_an_empty_folder_is_refused_and_a_layer_is_for_one_file(tmp_path, project, capsys):
    (tmp_path / "leer").mkdir()
    with pytest.raises(FileError, match="没有文件"):
        propose_folder(tmp_path / "leer", beside=project / "layers")
    with pytest.raises(SystemExit) as ended:
        main(["card", str(tmp_path / "leer"), "--layer", "parks"])
    assert ended.value.code == 2
    assert "一个文件" in capsys.readouterr().err


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_shows_one_table_and_all_doubts(office, project, capsys, lang, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    with pytest.raises(SystemExit) as ended:
        main(["card", str(office), "--project", str(project), "--lang", lang])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for word in ("老旧小区边界.shp", "communities.toml", "barriers", "坏.gpkg", "!"):
        assert word in said
    assert ("没有写任何文件" if lang == "zh" else "Nothing was written") in said
