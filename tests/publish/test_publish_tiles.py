"""Publishing large layers: nothing withheld stands in a tile, and the check reads tiles as a browser does."""

from __future__ import annotations

import base64
import json
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from drawn_city import CRS, X0, Y0, layers, publish_city

from gis_renovation.errors import DataError
from gis_renovation.maps import tiles
from gis_renovation.publish import contents, files, verify
from gis_renovation.publish.edition import select_layers
from gis_renovation.publish.leaks import search
from gis_renovation.publish.leaks import tiles as publish_tiles
from gis_renovation.publish.marker import read_marker, sealed, sha256
from gis_renovation.publish.profile import read_profile

AS_OF = date(2024, 9, 30)
SECRET = "联系人王某13900001234"
SECRET_NUMBER = 48213.375
PUBLIC = """
[profile]
audience = "public"
[disclosure]
class = "public"
[downloads]
formats = ["gpkg"]
[layers]
communities = ["name"]
streets = ["name", "class"]
"""


def streets(**columns):
    at = np.arange(10_001)
    lines = shapely.linestrings(
        np.stack([np.stack([X0 + at, np.full(10_001, Y0)], 1), np.stack([X0 + at, np.full(10_001, Y0 + 9)], 1)], 1)
    )
    return gpd.GeoDataFrame(
        {"name": "示例路", "class": "branch", **columns},
        geometry=lines,
        crs=CRS,
        index=pd.Index([f"S{n:05}" for n in at], name="street_id"),
    )


def city(**columns):
    return {"communities": layers()["communities"], "streets": streets(**columns)}


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    (folder / "maps").mkdir()
    (folder / "maps" / "own.toml").write_text(PUBLIC, encoding="utf-8")
    profile = read_profile(folder, "own")
    secret = [SECRET if n == 777 else f"记录编号第{n:07}号" for n in range(10_001)]
    made = city(surveyor_note=secret, depth_m=np.where(np.arange(10_001) == 42, SECRET_NUMBER, np.nan))
    publish_city(made, profile, folder / "maps" / "own")
    return folder / "maps" / "own", made


@pytest.fixture
def copy(edition, tmp_path):
    import shutil

    return shutil.copytree(edition[0], tmp_path / "own")


def planted(folder, frame):
    """Tiles of ``frame`` in place of the edition's own, listed as if they belonged there."""
    made = tiles.tile_layer("streets", frame, {}, lang="zh")
    for path, data in tiles.tile_files("streets", made.archive):
        (folder / path).write_bytes(data)
    marker = json.loads((folder / "publish.json").read_text(encoding="utf-8"))
    marker["files"] = {
        p.relative_to(folder).as_posix(): sha256(p)
        for p in folder.rglob("*")
        if p.is_file() and p.name != "publish.json"
    }
    (folder / "publish.json").write_text(json.dumps(sealed(marker)), encoding="utf-8")


def codes(findings):
    return {finding.code for finding in findings}


def test_edition_has_its_tiles_beside_it_and_says_why(edition):
    folder, _ = edition
    assert {p.name for p in (folder / "tiles").iterdir()} == {"streets.pmtiles", "streets.000.pm.js"}
    marker = read_marker(folder)
    assert marker.tiled == {"streets": "10,001 个要素，超过页内上限 10,000：切成矢量瓦片"}
    assert verify.check_published(folder) == []


def test_no_tile_of_a_public_edition_holds_a_withheld_column_or_value(edition):
    folder, made = edition
    archive = (folder / "tiles" / "streets.pmtiles").read_bytes()
    assert publish_tiles.archive_columns(archive) == {"streets": {"street_id", "name", "class"}}
    text = publish_tiles.archive_text(archive, search.number_forms)
    assert "示例路".encode() in text
    assert SECRET.encode() not in text
    assert str(SECRET_NUMBER).encode() not in text
    secrets = search.withheld_values(made, select_layers(made, read_profile(folder.parent.parent, "own")))
    assert SECRET in secrets["streets.surveyor_note"]
    assert search.find_leaks(folder, secrets, "") == []


@pytest.mark.parametrize(
    ("column", "value", "origin"),
    [("surveyor_note", SECRET, "streets.surveyor_note"), ("depth_m", SECRET_NUMBER, "streets.depth_m")],
)
def test_a_secret_in_one_tile_is_found_as_text_and_as_number(copy, column, value, origin):
    filled = [value if n == 9_000 else None for n in range(10_001)]
    planted(copy, streets(**{column: pd.Series(filled, dtype=object).to_numpy()}))
    raw = (copy / "tiles" / "streets.pmtiles").read_bytes()
    assert str(value).encode() not in raw, "a search through the bytes alone would miss it"
    findings = verify.check_published(copy)
    assert {"unlisted_column", "forbidden_column"} <= codes(findings)
    assert {f.file for f in findings} == {"tiles/streets.pmtiles", "tiles/streets.000.pm.js"}
    secrets = {origin: search.number_forms(value) or frozenset({value})}
    leaks = search.find_leaks(copy, secrets, "")
    assert {f.file for f in leaks} == {"tiles/streets.pmtiles", "tiles/streets.000.pm.js"}
    assert not any(str(value) in f.text.zh for f in leaks)


def test_a_line_that_is_none_of_the_layers_is_found_in_its_tiles(copy):
    """All attributes are those of the edition, one street of 10,001 lies a metre beside itself."""
    moved = streets()
    moved.geometry = [shapely.affinity.translate(g, 0, float(n == 4_000)) for n, g in enumerate(moved.geometry)]
    planted(copy, moved)
    findings = verify.check_published(copy)
    assert {(f.code, f.file) for f in findings} == {
        ("foreign_shape", "tiles/streets.pmtiles"),
        ("foreign_shape", "tiles/streets.000.pm.js"),
    }


def test_a_secret_under_an_allowed_column_stops_the_publication(tmp_path, monkeypatch):
    """The value of a withheld column slips into a published one: the reading back finds it."""
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "own.toml").write_text(PUBLIC, encoding="utf-8")
    profile = read_profile(tmp_path, "own")
    made = city(surveyor_note=[SECRET if n == 5 else None for n in range(10_001)])
    true_files = files.map_files

    def leaking(frames, facts, **options):
        leaky = {**frames, "streets": frames["streets"].assign(name=made["streets"]["surveyor_note"])}
        return true_files(leaky, facts, **options)

    monkeypatch.setattr(files, "map_files", leaking)
    with pytest.raises(DataError, match=r"streets\.surveyor_note"):
        publish_city(made, profile, tmp_path / "maps" / "own")
    assert not (tmp_path / "maps" / "own").exists()


def test_a_single_page_is_searched_in_its_tiles_too(tmp_path):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "own.toml").write_text(
        PUBLIC.replace('audience = "public"', 'audience = "bureau"'), encoding="utf-8"
    )
    profile = read_profile(tmp_path, "own")
    target = tmp_path / "maps" / "own"
    publish_city(city(), profile, target, single=True)
    assert not (target / "tiles").exists()
    held = contents.contents_of(target / files.PAGE)
    assert frozenset().union(*(one.columns for one in held["streets"])) == {"street_id", "name", "class"}
    assert [one.columns for one in held["tile_units"]] == [{"name", "feature_count", "per_km2"}]
    page = (target / files.PAGE).read_text(encoding="utf-8")
    (archive,) = publish_tiles.archives_of(target / files.PAGE)
    worse = tiles.tile_layer("streets", streets(surveyor_note=SECRET), {}, lang="zh").archive
    page = page.replace(base64.b64encode(archive).decode(), base64.b64encode(worse).decode())
    (target / files.PAGE).write_text(page, encoding="utf-8")
    assert "forbidden_column" in codes(verify.check_published(target))
    assert search.find_leaks(target, {"streets.surveyor_note": frozenset({SECRET})}, "")


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("tiles/streets.000.pm.js", 'fetch("https://cdn.example")', "broken_tiles"),
        ("tiles/streets.000.pm.js", 'tilePart("streets",0,"AAAA");alert(1);\n', "broken_tiles"),
        ("tiles/streets.pmtiles", "PMTiles", "broken_tiles"),
        ("tiles/more.js", "1", "foreign_script"),
    ],
)
def test_scripts_and_archives_that_are_not_ours_are_found(copy, file, text, code):
    (copy / file).write_text(text, encoding="utf-8")
    assert code in codes(verify.check_published(copy))


def test_scripts_of_another_edition_are_found(copy):
    other = tiles.tile_layer("streets", streets().iloc[:5_000], {}, lang="zh").archive
    (path, data) = tiles.tile_files("streets", other)[1]
    (copy / path).write_bytes(data)
    assert {"tiles_differ", "changed_file"} <= codes(verify.check_published(copy))
