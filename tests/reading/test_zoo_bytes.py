"""Text in every encoding, and damaged files of every driver; the law is in ``zoo_files``."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from zoo import BOTTOM, LEFT, communities, mapinfo, put_bytes
from zoo_files import errors, made, said, spread, taken, truth, written

from gis_renovation.errors import ConfigError


@pytest.fixture
def place(tmp_path):
    (tmp_path / "layers").mkdir()
    return tmp_path


# --- encodings ------------------------------------------------------------------------------------

ENCODINGS = ("utf-8", "utf-8-sig", "gbk", "gb18030", "big5", "utf-16", "utf-16-le", "utf-16-be", "shift_jis", "euc-kr")
STATED = ("nothing", "truth", "utf-8", "gbk", "big5", "latin-1")


def words(encoding):
    """Names that the encoding has; Big5 and the Japanese one have no simplified characters."""
    if encoding in ("big5", "shift_jis", "euc-kr"):
        return (
            ["朝陽一村居民住宅", "八公山社區東路", "壽縣市場"]
            if encoding == "big5"
            else ["朝陽一村", "八公山", "東西南北路"]
        )
    return [
        "朝阳一村𠮷" if encoding.startswith("utf") or encoding == "gb18030" else "朝阳一村",
        "八公山小区",
        "寿县·老城厢",
    ]


def csv_in(folder, names, encoding):
    rows = "".join(f"C{n + 1},{name},{LEFT + n:.1f},{BOTTOM:.1f}\n" for n, name in enumerate(names))
    (folder / "a.csv").write_bytes(f"id,name,x,y\n{rows}".encode(encoding))
    return "a.csv"


def dbf_in(folder, names, encoding):
    """A Shapefile whose text bytes are put in by hand, without a word about their encoding."""
    frame = communities()[["编号", "名称", "geometry"]].set_axis(["id", "name", "geometry"], axis=1)
    frame["name"] = "x" * 40
    written(folder / "a.shp", frame, encoding="GBK")
    (folder / "a.cpg").unlink(missing_ok=True)
    data = bytearray((folder / "a.dbf").read_bytes())
    data[29] = 0
    (folder / "a.dbf").write_bytes(bytes(data))
    for n, name in enumerate(names):
        put_bytes(folder / "a.dbf", n + 1, 1, name.encode(encoding))
    return "a.shp"


def geojson_in(folder, names, encoding):
    shapes = communities().to_crs(4490).geometry
    features = [
        {
            "type": "Feature",
            "properties": {"id": f"C{n + 1}", "name": name},
            "geometry": shapely.geometry.mapping(shape),
        }
        for n, (name, shape) in enumerate(zip(names, shapes, strict=True))
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    (folder / "a.geojson").write_bytes(text.encode(encoding))
    return "a.geojson"


def mid_in(folder, names, encoding):
    mapinfo(folder / "a.mif", charset="Neutral")
    head = (folder / "a.mif").read_bytes().decode("gbk").replace("编号", "id").replace("名称", "name")
    (folder / "a.mif").write_bytes(
        head.encode("gbk").replace("户数".encode("gbk"), b"n").replace("总面积".encode("gbk"), b"m")
    )
    rows = "".join(f'"C{n + 1}","{name}",1,1\r\n' for n, name in enumerate(names))
    (folder / "a.mid").write_bytes(rows.encode(encoding))
    return "a.mif"


WRITTEN = {"csv": csv_in, "dbf": dbf_in, "geojson": geojson_in, "mid": mid_in}


@pytest.mark.parametrize(("kind", "encoding", "stated"), spread(WRITTEN, ENCODINGS, STATED, step=2))
def test_text_in_every_encoding_is_right_or_refused_or_doubted(place, kind, encoding, stated):
    names = words(encoding)
    if kind in ("dbf", "mid") and encoding.startswith("utf-16"):
        return  # these formats end a text at a zero byte
    file = WRITTEN[kind](place / "layers", names, encoding)
    name = {"nothing": "", "truth": encoding}.get(stated, stated)
    layer, findings = taken(place, file, source=f'encoding = "{name}"\n' if name else "")
    codes = {f.code for f in findings if f.severity != "note"}
    right = layer is not None and "name" in layer and [n.strip("\ufeff") for n in layer["name"].fillna("")] == names
    if encoding in ("shift_jis", "euc-kr") and stated not in ("nothing", "truth"):
        return  # nothing tells Japanese and Korean from noise but the person who states it
    doubted = codes & {"unreadable", "encoding_doubtful", "text_undecodable", "encoding_refuted"}
    assert right or doubted, (sorted(codes), None if layer is None else list(layer.get("name", [])))
    if stated in ("nothing", "truth") and encoding in ("utf-8", "gbk", "gb18030"):
        assert right
        assert "encoding_doubtful" not in codes
    if encoding == stated == "big5":
        assert right


def test_an_encoding_that_there_is_not_is_a_fault_of_the_card(place):
    csv_in(place / "layers", words("gbk"), "gbk")
    with pytest.raises(ConfigError, match="没有这种文字编码"):
        taken(place, "a.csv", source='encoding = "klingon"\n')


# --- files cut short, scrambled, renamed ----------------------------------------------------------

DAMAGES = {
    "empty": lambda data: data[:0],
    "the first bytes": lambda data: data[:16],
    "a tenth": lambda data: data[: len(data) // 10],
    "half": lambda data: data[: len(data) // 2],
    "all but a little": lambda data: data[:-7],
    "zeros in the middle": lambda data: data[: len(data) // 3] + bytes(len(data) // 3) + data[2 * (len(data) // 3) :],
    "noise": lambda data: data[:40] + np.random.default_rng(1).bytes(len(data) - 40),
    "noise at the end": lambda data: data[: -len(data) // 4] + np.random.default_rng(2).bytes(len(data) // 4),
    "another kind": lambda data: b"\x89PNG\r\n\x1a\n" + data,
}
DAMAGED = (
    "shp",
    "gpkg",
    "geojson",
    "geojsonl",
    "fgb",
    "parquet",
    "kml",
    "kmz",
    "gml",
    "mif",
    "tab",
    "csv",
    "xlsx",
    "sqlite",
    "zip-shp",
)


@pytest.mark.parametrize(("driver", "damage"), spread(DAMAGED, DAMAGES, step=2))
def test_a_damaged_file_is_refused_or_gives_right_rows_and_says_what_is_missing(place, driver, damage):
    file = made(place, driver, truth())
    path = place / "layers" / file
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    layer, findings = taken(place, file)
    if layer is None or errors(findings):
        assert errors(findings)
        return
    assert len(layer) == 3 or said(findings)


def test_a_page_of_zeros_in_a_database_costs_only_the_rows_on_it(place):
    many = communities(3000)
    places = [(LEFT + 120 * (n % 60), BOTTOM + 100 * (n // 60)) for n in range(3000)]
    many.geometry = [shapely.box(x, y, x + 100, y + 80) for x, y in places]
    written(place / "layers" / "a.gpkg", many)
    path = place / "layers" / "a.gpkg"
    data = bytearray(path.read_bytes())
    start = len(data) // 3 // 4096 * 4096
    data[start : start + 4096] = bytes(4096)
    path.write_bytes(data)
    layer, findings = taken(place, "a.gpkg")
    (missing,) = [f for f in findings if f.code == "rows_missing"]
    assert 2900 < len(layer) < 3000
    assert len(missing.named("zh")) == 3000 - len(layer)
    expected = many.set_index("编号").loc[layer.index]
    assert list(layer["households"]) == list(expected["户数"])
    assert (shapely.distance(layer.geometry.to_numpy(), expected.geometry.to_numpy()) < 1e-6).all()
    assert {f"C{fid.removeprefix('FID ')}" for fid in missing.named("zh")} == {f"C{n + 1}" for n in range(3000)} - set(
        layer.index
    )
