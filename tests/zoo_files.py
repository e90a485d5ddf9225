"""What the zoo of files shares: a writer for every driver that can write here, and the law that each case keeps.

One law for each of some hundreds of files: either the right rows, values and place come out, or what is missing
is counted and named; or one clear refusal names the file and what to do. Never a trace, never a file touched.
"""

from __future__ import annotations

import itertools
import re
import warnings
from hashlib import sha256

import pandas as pd
import pyogrio
import pytest
import shapely
from zoo import communities, zip_of

from gis_renovation.checking.draft import draft_card
from gis_renovation.errors import GisRenovationError
from gis_renovation.run.inputs import read_inputs
from gis_renovation.run.project import open_project

PROJECT = """[project]
name = "zoo"
crs = "EPSG:4548"
as_of = 2025-01-01
area = [116.35, 31.9, 117.21, 33.01]
"""
TEXTS = ("朝阳一村", "八公山小区（西）", "寿县·老城厢")


def written(path, frame, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(frame, path, **options)
    return path.name


def zipped(folder, name):
    inner = sorted(p for p in folder.rglob("*") if p.is_file())
    zip_of(folder / "a.zip", {str(p.relative_to(folder)): p for p in inner})
    for p in inner:
        p.unlink()
    for p in sorted(folder.iterdir()):
        if p.is_dir():
            p.rmdir()
    return "a.zip" if name else name


def parquet(folder, frame):
    frame.to_parquet(folder / "a.parquet")
    return "a.parquet"


def delimited(folder, frame, *, encoding="utf-8"):
    table = pd.DataFrame(frame.drop(columns="geometry"))
    table["wkt"] = frame.geometry.to_wkt(rounding_precision=9)
    table.to_csv(folder / "a.csv", index=False, encoding=encoding)
    return "a.csv"


def sheet(folder, frame):
    table = pd.DataFrame(frame.drop(columns="geometry"))
    table["wkt"] = frame.geometry.to_wkt(rounding_precision=9)
    table.to_excel(folder / "a.xlsx", index=False)
    return "a.xlsx"


def kmz(folder, frame):
    written(folder / "doc.kml", frame.to_crs(4326), driver="LIBKML")
    zip_of(folder / "a.kmz", {"doc.kml": folder / "doc.kml"})
    (folder / "doc.kml").unlink()
    return "a.kmz"


def simple(suffix, **options):
    return lambda folder, frame: written(folder / f"a{suffix}", frame, **options)


# A writer each: folder and frame in, the file's name out.
DRIVERS = {
    "shp": simple(".shp", encoding="UTF-8"),
    "shp-gbk": simple(".shp", encoding="GBK"),
    "gpkg": simple(".gpkg"),
    "gdb": simple(".gdb", driver="OpenFileGDB"),
    "geojson": simple(".geojson", driver="GeoJSON"),
    "geojsonl": simple(".geojsonl", driver="GeoJSONSeq"),
    "fgb": simple(".fgb"),
    "parquet": parquet,
    "kml": simple(".kml", driver="LIBKML"),
    "kmz": kmz,
    "gml": simple(".gml", driver="GML"),
    "tab": simple(".tab", driver="MapInfo File", encoding="UTF-8"),
    "mif": simple(".mif", driver="MapInfo File", encoding="UTF-8"),
    "csv": delimited,
    "xlsx": sheet,
    "sqlite": simple(".sqlite", driver="SQLite"),
    "zip-shp": lambda folder, frame: zipped(folder, simple(".shp", encoding="GBK")(folder, frame)),
    "zip-gdb": lambda folder, frame: zipped(folder, simple(".gdb", driver="OpenFileGDB")(folder, frame)),
}
DEGREES_ONLY = {"geojson", "geojsonl", "kml", "kmz"}


def truth():
    frame = communities()
    frame["名称"] = TEXTS
    return frame


def footprint(folder):
    return {str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def taken(folder, file, *, source="", crs_line=None):
    """The layer and findings of one file in a project, through the drafted card; its folder must stay as it was."""
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    layers = folder / "layers"
    before = footprint(layers)
    try:
        text = draft_card(layers / file, layer="communities", beside=layers, project_crs="EPSG:4548").text
    except GisRenovationError:
        text = f'[source]\npath = "{file}"\n'
    if crs_line is not None:
        text = re.sub(r"(?m)^#? ?crs = .*$", crs_line, text)
    if source:
        text = re.sub(r"(?m)^encoding = .*\n", "", text)
    text = text.replace("[source]\n", f"[source]\n{source}", 1)
    assert footprint(layers) == before
    (layers / "communities.toml").write_text(text, encoding="utf-8")
    inputs = read_inputs(open_project(folder))
    (layers / "communities.toml").unlink()
    assert footprint(layers) == before
    for finding in inputs.findings:
        assert not re.search(r"Traceback|<class|object at 0x|Errno|NoneType", finding.text.zh + finding.text.en)
        assert re.search(r"[\u4e00-\u9fff]", finding.text.zh)
        if finding.code == "unreadable":
            assert file in finding.text.zh or file.split(".")[0] in finding.text.zh
            assert re.search(r"请|可用", finding.text.zh), finding.text.zh
    return inputs.layers.get("communities"), inputs.findings


def errors(findings):
    return [f for f in findings if f.severity == "error"]


def said(findings):
    return {f.code for f in findings if f.severity != "note"}


def is_right(layer, expected, *, within_m=0.02, columns=("名称", "户数", "总面积")):
    """Rows, values and place are those that were written."""
    assert list(layer.index) == sorted(expected["编号"])
    expected = expected.set_index("编号").sort_index()
    for ours, theirs in (("name", "名称"), ("households", "户数"), ("floor_area_m2", "总面积")):
        if theirs in columns:
            assert list(layer[ours]) == pytest.approx(list(expected[theirs])) if ours != "name" else True
            assert ours != "name" or list(layer[ours]) == list(expected[theirs])
    away = shapely.distance(shapely.centroid(layer.geometry.to_numpy()), shapely.centroid(expected.geometry.to_numpy()))
    assert (away < within_m).all(), away


def without_reserved(frame):
    """MapInfo and KML keep only letters of the Latin alphabet in names of columns."""
    return frame.rename(
        columns={"编号": "community_id", "名称": "name", "户数": "households", "总面积": "floor_area_m2"}
    )


def made(place, driver, frame):
    if driver in ("tab", "mif", "mif-gbk", "tab-gbk"):
        frame = without_reserved(frame)
    if driver in DEGREES_ONLY - {"geojson"} and frame.crs is not None:
        frame = frame.to_crs(4326)
    try:
        return DRIVERS[driver](place / "layers", frame)
    except Exception as error:  # noqa: BLE001 - a driver that refuses to write such a file leaves nothing to read
        pytest.skip(f"{driver} does not write it: {str(error)[:80]}")


def spread(*lists, step=3):
    """Every combination of the first of the first list; of the others each ``step``-th, so that all meet some."""
    found = list(itertools.product(*(list(values) for values in lists)))
    first = next(iter(lists[0]))
    return [one for number, one in enumerate(found) if one[0] == first or number % step == 0]
