"""What a file or folder is called: any sign may stand in its name, and none makes an address of it."""

from __future__ import annotations

import geopandas as gpd
import pyogrio
import pytest
from zoo import NAMES, communities, write_card

from gis_renovation.errors import FileError
from gis_renovation.local import as_local
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.files import read_files
from gis_renovation.writing import write_geopackage

SIGNS = ["改造!项目", "甲;乙", "zip:", "a.zip!b", "100%", "一 二#三", "x?y=z", "资料.zip"]


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "fgb", "parquet", "kml", "gml", "csv"])
@pytest.mark.parametrize("sign", SIGNS)
def test_any_sign_in_the_name_of_a_folder_or_file_is_read(tmp_path, sign, suffix):
    folder = tmp_path / sign
    folder.mkdir()
    plain = tmp_path / f"plain.{suffix}"
    frame = communities().to_crs(4490)
    if suffix == "parquet":
        frame.to_parquet(plain)
    elif suffix == "csv":
        frame.assign(WKT=frame.geometry.to_wkt()).drop(columns="geometry").to_csv(plain, index=False)
    else:
        frame.to_file(plain, driver="LIBKML" if suffix == "kml" else None)
    for part in tmp_path.glob("plain.*"):
        part.rename(folder / f"{sign}{part.suffix}")
    name = f"{sign}.{suffix}"
    text = write_card(folder, name, source='crs = "EPSG:4490"').read_text(encoding="utf-8")
    card = read_card(text + ('[geometry]\nwkt = "WKT"\n' if suffix == "csv" else ""), stem="communities", where="card")
    assert read_files(card, folder).frame["名称"].sort_values().tolist() == sorted(NAMES)


@pytest.mark.parametrize("sign", SIGNS)
def test_any_sign_in_the_name_of_a_folder_is_written(tmp_path, sign):
    folder = tmp_path / sign
    folder.mkdir()
    write_geopackage(folder / "layers.gpkg", {"communities": communities(), "more": communities(2)})
    assert sorted(p.name for p in folder.iterdir()) == ["layers.gpkg"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [sign]
    assert len(pyogrio.read_dataframe(as_local(folder / "layers.gpkg"), layer="more")) == 2


@pytest.mark.parametrize(
    ("stated", "encoding"),
    [("GB2312", "gbk"), ("GBK", "gbk"), ("UTF-8", "gbk"), ("gb18030", "gb18030"), ("GB2312", "utf-8")],
)
@pytest.mark.parametrize("suffix", ["kml", "gml"])
def test_xml_in_an_encoding_its_parser_does_not_know_is_read(tmp_path, suffix, stated, encoding):
    frame = communities().to_crs(4326)
    frame = frame.rename(columns={"编号": "id", "户数": "hu", "总面积": "mj", "名称": "name"})
    frame.to_file(tmp_path / f"a.{suffix}", driver={"kml": "LIBKML", "gml": "GML"}[suffix])
    (tmp_path / "a.xsd").unlink(missing_ok=True)
    text = (tmp_path / f"a.{suffix}").read_text(encoding="utf-8")
    rest = text.split("?>", 1)[1]
    (tmp_path / f"a.{suffix}").write_bytes(f'<?xml version="1.0" encoding="{stated}"?>{rest}'.encode(encoding))
    before = (tmp_path / f"a.{suffix}").read_bytes()
    text = f'[source]\npath = "a.{suffix}"\ncrs = "EPSG:4326"\n'
    card = read_card(text, stem="communities", where="card")
    found = read_files(card, tmp_path).frame
    column = next(name for name in found.columns if name.lower() == "name" and found[name].notna().any())
    assert sorted(found[column]) == sorted(NAMES)
    assert (tmp_path / f"a.{suffix}").read_bytes() == before


def test_no_words_of_drivers_stand_in_messages(tmp_path):
    for name, content in {
        "a.geojson": b'{"type": "FeatureCollection", "features": [{]}',
        "b.kml": b"<kml><a></kml>",
        "c.fgb": b"fgb\x03fgb\x00" + b"x" * 90,
    }.items():
        (tmp_path / name).write_bytes(content)
        text = write_card(tmp_path, name).read_text(encoding="utf-8")
        with pytest.raises(FileError) as error:
            read_files(read_card(text, stem="communities", where="card"), tmp_path)
        said = error.value.text.zh.replace(str(tmp_path), "")
        assert not [word for word in ("Failed", "error", "GDAL", "ogr", ".cpp", "object") if word in said], said


def test_an_empty_database_holds_no_layer_and_says_so(tmp_path):
    gpd.GeoDataFrame({"a": [1]}, geometry=communities(1).geometry, crs=4548).to_file(tmp_path / "a.gpkg", layer="x")
    import sqlite3

    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        database.execute("DELETE FROM gpkg_contents")
        database.execute("DELETE FROM gpkg_geometry_columns")
    database.close()
    text = write_card(tmp_path, "a.gpkg").read_text(encoding="utf-8")
    with pytest.raises(FileError) as error:
        read_files(read_card(text, stem="communities", where="card"), tmp_path)
    assert "（无）" not in error.value.text.zh + error.value.text.en
