"""Nothing of a user's files changes and no path is more than a path: every driver, every command, odd folders."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine
from zoo import BOTTOM, LEFT, communities, drawing, survey_txt
from zoo_files import DRIVERS, PROJECT, made, truth

from gis_renovation.checking.draft import draft_card
from gis_renovation.cli import commands
from gis_renovation.errors import FileError
from gis_renovation.reading.cards import Card, read_card
from gis_renovation.reading.files import read_files, read_raw
from gis_renovation.reading.formats.untouched import lent
from gis_renovation.reading.raster_files import read_raster
from gis_renovation.reading.vectors import layers_in
from gis_renovation.writing.geopackage import write_geopackage

CARD = '[source]\npath = "{}"\nlayer = "communities"\n{}[columns]\ncommunity_id = {{ number = "C" }}\n'


def state(folder):
    """Names, bytes, sizes and times of all that lies in a folder, and the time of each folder itself."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (
            status.st_mtime_ns,
            status.st_ino,
            path.read_bytes() if path.is_file() else b"",
        )
    return found


def wal(path, *, households=999):
    """A GeoPackage whose last change is in the log beside it, as a program leaves it that has the file open."""
    work = path.with_name("work.gpkg")
    communities().to_file(work, layer="小区")
    with closing(sqlite3.connect(work)) as base:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA wal_autocheckpoint=0")
        for (trigger,) in base.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            base.execute(f'DROP TRIGGER "{trigger}"')
        base.execute('UPDATE "小区" SET "户数"=? WHERE "编号"=?', (households, "C1"))
        base.commit()
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{work}{suffix}", f"{path}{suffix}")
    for left in path.parent.glob("work.gpkg*"):
        left.unlink()


def interrupted(path):
    """A GeoPackage whose writer died in the middle: pages overwritten, and the journal that takes them back."""
    work = path.with_name("work.gpkg")
    communities().to_file(work, layer="小区")
    with closing(sqlite3.connect(work, isolation_level=None)) as base:
        base.execute("PRAGMA journal_mode=DELETE")
        base.execute("PRAGMA cache_size=1")
        for (trigger,) in base.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            base.execute(f'DROP TRIGGER "{trigger}"')
        base.execute("BEGIN")
        base.execute('UPDATE "小区" SET "户数"=1')
        base.execute(
            "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 9000) SELECT i, hex(randomblob(99)) FROM n"
        )
        for suffix in ("", "-journal"):
            shutil.copyfile(f"{work}{suffix}", f"{path}{suffix}")
        base.execute("ROLLBACK")
    for left in path.parent.glob("work.gpkg*"):
        left.unlink()


def raw(path, **source):
    return read_raw(path, Card.model_validate({"source": {"path": path.name, "layer": "communities", **source}}))


def test_changes_in_the_log_of_a_database_are_read_and_nothing_is_merged(tmp_path):
    wal(tmp_path / "小区.gpkg")
    before = state(tmp_path)
    found = raw(tmp_path / "小区.gpkg")
    assert list(found.frame["户数"]) == [999, 110, 120]
    (said,) = [f for f in found.findings if f.code == "unmerged_read"]
    assert "小区.gpkg-wal" in said.text.zh
    assert said.file == "小区.gpkg"
    assert set(found.record["beside"]) == {"小区.gpkg-wal"}
    assert layers_in(tmp_path / "小区.gpkg") == ["小区"]
    draft_card(tmp_path / "小区.gpkg", layer="communities", beside=tmp_path)
    assert state(tmp_path) == before


def test_the_hash_of_a_database_is_that_of_the_file_that_lies_there(tmp_path):
    from hashlib import sha256

    wal(tmp_path / "a.gpkg")
    files = {name: sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("a.gpkg", "a.gpkg-wal")}
    found = read_files(read_card(CARD.format("a.gpkg", ""), stem="communities", where="x"), tmp_path)
    (record,) = found.record["files"]
    assert record["sha256"] == files["a.gpkg"]
    assert record["beside"] == {"a.gpkg-wal": files["a.gpkg-wal"]}


def test_a_log_left_without_its_index_or_a_database_without_its_log_is_read(tmp_path):
    wal(tmp_path / "a.gpkg")
    (tmp_path / "a.gpkg-wal").unlink()
    before = state(tmp_path)
    found = raw(tmp_path / "a.gpkg")
    assert list(found.frame["户数"]) == [100, 110, 120]
    assert state(tmp_path) == before


def test_an_interrupted_write_is_taken_back_on_a_copy(tmp_path):
    interrupted(tmp_path / "a.gpkg")
    before = state(tmp_path)
    found = raw(tmp_path / "a.gpkg")
    assert list(found.frame["户数"]) == [100, 110, 120]
    assert "unmerged_read" in {f.code for f in found.findings}
    assert state(tmp_path) == before


def test_a_database_that_another_program_has_open_and_changed_is_read_with_the_change(tmp_path):
    path = tmp_path / "a.gpkg"
    communities().to_file(path, layer="小区")
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE note (text)")
        other.commit()
        before = state(tmp_path)
        assert len(raw(path, layer_name="小区").frame) == 3
        assert state(tmp_path) == before
        assert other.execute("SELECT count(*) FROM note").fetchone() == (0,)


def test_a_database_written_all_the_while_is_refused_in_words(tmp_path, monkeypatch):
    from gis_renovation.reading.formats import untouched

    wal(tmp_path / "a.gpkg")
    real, count = shutil.copyfile, iter(range(100))

    def copying(source, target):
        real(source, target)
        with (tmp_path / "a.gpkg-wal").open("ab") as log:
            log.write(bytes(next(count)))

    monkeypatch.setattr(untouched.shutil, "copyfile", copying)
    with pytest.raises(FileError, match="正被其他软件不断写入"):
        raw(tmp_path / "a.gpkg")


# --- paths ----------------------------------------------------------------------------------------

ODD = ("数据!", "a!b.zip", "x;y", "是?否", "50%20", "a#b", "https:", "zip:", "vsizip", '引"号', "星*")


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "driver", ["gpkg", "shp-gbk", "geojson", "gdb", "fgb", "parquet", "kml", "zip-shp", "mif", "xlsx", "csv"]
)
def test_a_path_is_only_a_path(tmp_path, odd, driver):
    (tmp_path / "layers").mkdir()
    file = made(tmp_path, driver, truth())
    (tmp_path / odd).mkdir()
    (tmp_path / "layers").rename(tmp_path / odd / "layers")
    before = state(tmp_path)
    found = raw(tmp_path / odd / "layers" / file)
    assert len(found.frame) == 3
    assert all(f.file == file for f in found.findings)
    assert state(tmp_path) == before


@pytest.mark.parametrize("odd", [name for name in ODD if name != "a!b.zip"])
@pytest.mark.parametrize("driver", ["gpkg", "shp-gbk", "geojson", "kml"])
def test_a_file_may_have_an_odd_name(tmp_path, odd, driver):
    (tmp_path / "layers").mkdir()
    made(tmp_path, driver, truth())
    for path in sorted((tmp_path / "layers").iterdir()):
        path.rename(path.with_name(f"{odd}{path.suffix}"))
    (path,) = [p for p in (tmp_path / "layers").iterdir() if p.suffix in (".gpkg", ".shp", ".geojson", ".kml")]
    before = state(tmp_path)
    found = raw(path)
    assert len(found.frame) == 3
    assert all(f.file == path.name for f in found.findings)
    draft_card(path, layer="communities", beside=tmp_path)
    assert state(tmp_path) == before


@pytest.mark.parametrize("odd", ODD)
def test_a_layer_is_written_into_an_odd_folder_and_read_back(tmp_path, odd):
    (tmp_path / odd).mkdir()
    write_geopackage(tmp_path / odd / "layers.gpkg", {"communities": communities(), "b": communities(2)})
    assert sorted(p.name for p in (tmp_path / odd).iterdir()) == ["layers.gpkg"]
    write_geopackage(tmp_path / "plain.gpkg", {"communities": communities(), "b": communities(2)})
    assert (tmp_path / odd / "layers.gpkg").read_bytes() == (tmp_path / "plain.gpkg").read_bytes()


@pytest.mark.parametrize("odd", ODD)
def test_a_raster_in_an_odd_folder_is_read(tmp_path, odd):
    (tmp_path / odd).mkdir()
    kind = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": "float32", "crs": "EPSG:4548"}
    with rasterio.open(tmp_path / "a.tif", "w", transform=Affine(10, 0, LEFT, 0, -10, BOTTOM), **kind) as target:
        target.write(np.ones((1, 4, 4), dtype="float32"))
    (tmp_path / "a.tif").rename(tmp_path / odd / "a.tif")
    card = read_card('[source]\npath = "a.tif"\n', stem="terrain", where="x")
    assert read_raster(card, tmp_path / odd)[0].values.shape == (4, 4)


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:9/a.geojson",
        "/vsicurl/http://127.0.0.1:9/a.gpkg",
        "s3://x/a.parquet",
        "GPKG:a.gpkg",
        "zip://a.zip!a.shp",
    ],
)
def test_an_address_in_a_card_is_a_file_that_is_not_there(tmp_path, address):
    with pytest.raises(FileError, match="找不到文件"):
        read_files(read_card(CARD.format(address, ""), stem="communities", where="x"), tmp_path)


def test_an_odd_temporary_folder_is_passed_over(tmp_path, monkeypatch):
    import tempfile

    (tmp_path / "临时!").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "临时!"))
    (tmp_path / "数据!").mkdir()
    communities().to_file(tmp_path / "a.gpkg")
    (tmp_path / "a.gpkg").rename(tmp_path / "数据!" / "a.gpkg")
    assert len(raw(tmp_path / "数据!" / "a.gpkg").frame) == 3
    with lent(tmp_path / "数据!" / "a.gpkg") as path:
        assert "!" not in str(path)


# --- every driver, every command ------------------------------------------------------------------


def in_project(folder, driver):
    """A project whose only layer is one file of the driver; its card by the program."""
    layers = folder / "layers"
    layers.mkdir()
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    if driver == "wal":
        wal(layers / "a.gpkg")
        return "a.gpkg"
    if driver == "dxf":
        return drawing(layers).name
    if driver == "txt":
        return survey_txt(layers / "a.txt").name
    return made(folder, driver, truth())


@pytest.mark.parametrize("driver", [*DRIVERS, "wal", "dxf", "txt"])
def test_no_command_changes_a_file_or_what_lies_beside_it(tmp_path, driver, capsys):
    file = in_project(tmp_path, driver)
    layers = tmp_path / "layers"

    def call(*words):
        before = state(layers)
        with pytest.raises(SystemExit) as ended:
            commands.main([str(word) for word in words])
        shown = capsys.readouterr()
        assert ended.value.code in (None, 0, 1, 2), shown.err
        assert "Traceback" not in shown.out + shown.err
        assert state(layers) == before, words[0]
        return ended.value.code

    call("card", layers / file, "--layer", "communities", "--project", tmp_path)
    table = '[geometry]\nwkt = "wkt"\n' if driver in ("csv", "xlsx") else ""
    crs = 'crs = "EPSG:4548"\n' if driver in ("csv", "xlsx", "dxf") else ""
    repair = "[repair]\nclose_rings_m = 0.1\ndrop_empty_geometry = true\n" if driver in ("dxf", "txt") else ""
    select = '[select]\nLayer = "JMD"\n' if driver == "dxf" else ""
    name = 'name = { number = "N" }\n' if driver in ("dxf", "txt") else ""
    text = CARD.format(file, crs) + name + table + repair + select
    (layers / "communities.toml").write_text(text, encoding="utf-8")
    for command in ("check", "run", "report"):
        call(command, tmp_path)
    call("publish", tmp_path, "--profile", "planner")
    assert driver == "txt" or sorted((tmp_path / "runs").iterdir())


# Root may write anywhere by two of its capabilities; without them the bits of files bind it like anybody.
AS_ANYBODY = """
import ctypes, sys, warnings
from pathlib import Path
libc = ctypes.CDLL(None, use_errno=True)
head, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert libc.capget(head, data) == 0
for place in (0, 1):
    data[place] &= ~(1 << 1 | 1 << 3)
assert libc.capset(head, data) == 0
folder = Path(sys.argv[1])
try:
    (folder / "probe").touch()
except PermissionError:
    pass
else:
    sys.exit("the folder can be written: this test would prove nothing")
warnings.simplefilter("error")
from gis_renovation.reading.files import read_files
from gis_renovation.reading.cards import read_card
card = read_card(sys.argv[2], stem="communities", where="x")
print(len(read_files(card, folder).frame))
from gis_renovation.checking.draft import draft_card
draft_card(folder / card.source.path, layer="communities", beside=folder)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="capabilities are Linux's")
@pytest.mark.parametrize("driver", [*DRIVERS, "wal", "dxf", "txt"])
def test_a_medium_that_can_only_be_read_is_enough(tmp_path, driver):
    folder = tmp_path
    try:
        folder.chmod(0o755)
        file = in_project(folder, driver)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = state(folder)
        table = '[geometry]\nwkt = "wkt"\n' if driver in ("csv", "xlsx") else ""
        crs = 'crs = "EPSG:4548"\n' if driver in ("csv", "xlsx", "dxf") else ""
        done = subprocess.run(
            [sys.executable, "-c", AS_ANYBODY, str(folder / "layers"), CARD.format(file, crs) + table],
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "HOME": "/tmp",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert int(done.stdout.split()[0]) >= 2
        assert state(folder) == before
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)


def test_the_frames_of_a_borrowed_database_are_those_of_the_driver(tmp_path):
    wal(tmp_path / "a.gpkg")
    with lent(tmp_path / "a.gpkg") as path:
        read = pyogrio.read_dataframe(path)
    assert isinstance(read, gpd.GeoDataFrame)
    assert list(read["户数"]) == [999, 110, 120]
