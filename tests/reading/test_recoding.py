"""Text in the encoding it is really in: tables alone, drawings, MapInfo, XML; what the card says counts first."""

from __future__ import annotations

import io
import json
import struct
import zipfile

import pytest
import shapely
from zoo import BOTTOM, LEFT, communities, mapinfo, zip_of

from gis_renovation.errors import FileError
from gis_renovation.reading.cards import Card, read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files, read_raw

X, Y = LEFT, BOTTOM


def raw(path, *, layer="communities", **source):
    return read_raw(path, Card.model_validate({"source": {"path": path.name, "layer": layer, **source}}))


def codes(found, *severities):
    return {f.code for f in found.findings if f.severity in (severities or ("error", "warning"))}


# --- a table alone --------------------------------------------------------------------------------


def dbf(path, names, encoding, *, language=0, header="NAME"):
    """A table of text and a number, byte for byte."""
    width = 40
    body = b"".join(b" " + n.encode(encoding).ljust(width) + str(k).rjust(6).encode() for k, n in enumerate(names, 1))
    fields = b""
    for name, kind, size in ((header.encode(encoding), b"C", width), (b"NUM", b"N", 6)):
        fields += name.ljust(11, b"\0") + kind + b"\0" * 4 + bytes([size, 0]) + b"\0" * 14
    head = struct.pack("<BBBBIHH", 3, 124, 1, 1, len(names), 33 + len(fields), 7 + width)
    path.write_bytes(head + b"\0" * 17 + bytes([language, 0, 0]) + fields + b"\r" + body + b"\x1a")


SIMPLIFIED = ["幸福里一期", "和平新村", "建设小区"]
TRADITIONAL = ["幸福里一期社區", "和平新村東路", "建設社區"]
TABLES = [
    ("gbk", SIMPLIFIED, "", 0),
    ("gbk", SIMPLIFIED, "GB18030", 0),
    ("gbk", SIMPLIFIED, "", 0x57),
    ("gb18030", ["㐂龙里", "𠮷庆里小区", "建设小区"], "", 0),
    ("utf-8", SIMPLIFIED, "", 0),
    ("big5", TRADITIONAL, "", 0),
    ("big5", TRADITIONAL, "BIG5", 0),
    ("big5", TRADITIONAL, "", 0x78),
    ("cp1251", ["Красная улица", "Мира"], "", 0xC9),
    ("cp949", ["서울 아파트", "부산"], "cp949", 0),
    ("cp1252", ["Crème", "Straße"], "windows-1252", 0),
]


@pytest.mark.parametrize(("encoding", "names", "stated", "language"), TABLES)
def test_a_table_alone_is_read_in_any_encoding_that_it_or_the_card_names(tmp_path, encoding, names, stated, language):
    dbf(tmp_path / "t.dbf", names, encoding, language=language)
    found = raw(tmp_path / "t.dbf", layer="projects", encoding=stated)
    assert list(found.frame["NAME"]) == names
    assert list(found.frame["NUM"]) == list(range(1, len(names) + 1))
    # Only the person who states it can tell Korean from Chinese, so that stays a doubt.
    assert codes(found) == ({"encoding_doubtful"} if encoding == "cp949" else set())


def test_a_table_alone_with_a_chinese_column_is_a_layer_by_its_card(tmp_path):
    dbf(tmp_path / "t.dbf", SIMPLIFIED, "gbk", header="项目名称")
    card = read_card(
        '[source]\npath = "t.dbf"\n[columns]\nproject_id = "NUM"\nname = "项目名称"\n', stem="projects", where="x"
    )
    done = conform(read_files(card, tmp_path).frame, card)
    assert list(done.frame["name"]) == SIMPLIFIED


@pytest.mark.parametrize("name", ["KLINGON", "OEM", "base64"])
def test_a_code_page_that_nobody_knows_is_said_and_not_called_absent(tmp_path, name):
    dbf(tmp_path / "t.dbf", SIMPLIFIED, "gbk")
    (tmp_path / "t.cpg").write_text(name)
    found = raw(tmp_path / "t.dbf", layer="projects")
    assert list(found.frame["NAME"]) == SIMPLIFIED
    (said,) = [f for f in found.findings if f.code == "encoding_unknown"]
    assert name in said.text.zh
    assert "GB18030" in said.text.en


@pytest.mark.parametrize("name", ["936", "CP936", "ANSI 936", "GBK", "windows-936", "gb_2312-80", "cp-936 \r\n"])
def test_a_code_page_by_any_of_its_names_is_known(tmp_path, name):
    dbf(tmp_path / "t.dbf", SIMPLIFIED, "gbk")
    (tmp_path / "t.cpg").write_text(name)
    found = raw(tmp_path / "t.dbf", layer="projects")
    assert list(found.frame["NAME"]) == SIMPLIFIED
    assert not codes(found)


def test_a_table_alone_says_how_many_rows_were_cut_off(tmp_path):
    dbf(tmp_path / "t.dbf", SIMPLIFIED, "gbk")
    path = tmp_path / "t.dbf"
    path.write_bytes(path.read_bytes()[:-60])
    assert "file_cut" in codes(raw(path, layer="projects"), "error")


# --- drawings -------------------------------------------------------------------------------------


def dxf(path, texts, encoding, *, page="", version="AC1015", units=6, scale=1.0):
    """A drawing of texts and one outline on a layer with a Chinese name."""
    lines = ["0", "SECTION", "2", "HEADER", "9", "$ACADVER", "1", version, "9", "$INSUNITS", "70", units]
    lines += ["9", "$DWGCODEPAGE", "3", page] if page else []
    lines += ["0", "ENDSEC", "0", "SECTION", "2", "ENTITIES"]
    for text in texts:
        lines += ["0", "TEXT", "100", "AcDbEntity", "8", texts[0], "100", "AcDbText", "10", X * scale, "20", Y * scale]
        lines += ["40", "2", "1", text, "100", "AcDbText"]
    corners = [(X, Y), (X + 100, Y), (X + 100, Y + 80), (X, Y + 80)]
    lines += ["0", "LWPOLYLINE", "100", "AcDbEntity", "8", texts[0], "100", "AcDbPolyline", "90", "4", "70", "1"]
    for x, y in corners:
        lines += ["10", x * scale, "20", y * scale]
    lines += ["0", "ENDSEC", "0", "EOF", ""]
    path.write_bytes("\n".join(map(str, lines)).encode(encoding))


DRAWINGS = [
    ("gbk", "", "AC1015", "", set()),
    ("gbk", "ANSI_936", "AC1015", "", set()),
    ("gbk", "ANSI_1252", "AC1015", "", {"encoding_refuted"}),
    ("gbk", "ANSI_1252", "AC1015", "GB18030", set()),
    ("gbk", "", "AC1032", "", {"encoding_refuted"}),
    ("utf-8", "ANSI_936", "AC1015", "", {"encoding_refuted"}),
    ("utf-8", "ANSI_936", "AC1032", "", set()),
    ("utf-8", "ANSI_936", "AC1015", "UTF-8", set()),
    ("big5", "ANSI_950", "AC1015", "", set()),
    ("big5", "", "AC1015", "", set()),
    ("big5", "", "AC1015", "BIG5", set()),
]


@pytest.mark.parametrize(("encoding", "page", "version", "stated", "expected"), DRAWINGS)
def test_text_of_a_drawing_is_right_whatever_its_code_page_says(tmp_path, encoding, page, version, stated, expected):
    names = TRADITIONAL if encoding == "big5" else SIMPLIFIED
    dxf(tmp_path / "a.dxf", names, encoding, page=page, version=version)
    found = raw(tmp_path / "a.dxf", encoding=stated)
    assert list(found.frame["Text"].dropna()) == names
    assert set(found.frame["Layer"]) == {names[0]}
    assert codes(found) == expected


def test_two_words_are_enough_against_a_western_code_page(tmp_path):
    dxf(tmp_path / "a.dxf", ["小区"], "gbk", page="ANSI_1252")
    assert list(raw(tmp_path / "a.dxf").frame["Text"].dropna()) == ["小区"]
    dxf(tmp_path / "a.dxf", ["Crème brûlée"], "cp1252", page="ANSI_1252")
    found = raw(tmp_path / "a.dxf")
    assert list(found.frame["Text"].dropna()) == ["Crème brûlée"]
    assert not codes(found)


def test_escapes_of_a_drawing_are_characters(tmp_path):
    dxf(tmp_path / "a.dxf", [r"\U+671D\U+9633\M+5D2BBxx", "plain", r"\M+2A440"], "ascii")
    assert list(raw(tmp_path / "a.dxf").frame["Text"].dropna()) == ["朝阳一xx", "plain", "一"]


def test_a_wrong_encoding_in_the_card_is_an_error_that_does_not_advise_itself(tmp_path):
    dxf(tmp_path / "a.dxf", SIMPLIFIED, "utf-8")
    found = raw(tmp_path / "a.dxf", encoding="GB18030")
    (said,) = [f for f in found.findings if f.code == "text_undecodable"]
    assert said.severity == "error"
    assert "改正或删去" in said.text.zh
    assert "如 GB18030" not in said.text.zh


@pytest.mark.parametrize(("scale", "units"), [(1000, 4), (1000, 6), (100, 5), (1 / 0.3048, 2)])
def test_a_drawing_in_another_unit_is_told_with_the_line_and_read_by_it(tmp_path, scale, units):
    dxf(tmp_path / "a.dxf", ["JMD"], "ascii", units=units, scale=scale)
    found = raw(tmp_path / "a.dxf")
    (said,) = [f for f in found.findings if f.code == "drawing_units"]
    line = f"scale = {1 / scale:g}"
    assert line in said.text.zh
    card = f'[source]\npath = "a.dxf"\ncrs = "EPSG:4548"\n{line}\n[repair]\nclose_rings_m = 0.01\n'
    card += '[columns]\ncommunity_id = { number = "C" }\n'
    read = read_files(read_card(card, stem="communities", where="x"), tmp_path)
    assert "drawing_units" not in codes(read)
    done = conform(read.frame, read_card(card, stem="communities", where="x"))
    assert max(done.frame.area) == pytest.approx(8000, rel=1e-6)


@pytest.mark.parametrize("units", [4, 0, 6])
def test_a_drawing_in_metres_that_says_millimetres_is_not_doubted(tmp_path, units):
    dxf(tmp_path / "a.dxf", ["JMD"], "ascii", units=units)
    assert not codes(raw(tmp_path / "a.dxf"))


def test_a_scale_in_degrees_is_refused(tmp_path):
    communities().to_crs(4490).to_file(tmp_path / "a.gpkg")
    card = read_card('[source]\npath = "a.gpkg"\nscale = 0.001\n', stem="communities", where="x")
    with pytest.raises(Exception, match="scale 只用于平面坐标"):
        read_files(card, tmp_path)


# --- MapInfo --------------------------------------------------------------------------------------


@pytest.mark.parametrize("charset", ["Neutral", "WindowsSimpChinese", "WindowsLatin1", "WindowsTradChinese", "UTF-8"])
@pytest.mark.parametrize("stated", ["", "GB18030"])
def test_mapinfo_text_is_right_whatever_its_charset_says(tmp_path, charset, stated):
    mapinfo(tmp_path / "a.mif", charset=charset)
    found = raw(tmp_path / "a.mif", encoding=stated)
    assert list(found.frame["名称"]) == list(communities()["名称"])
    lies = charset not in ("Neutral", "WindowsSimpChinese") and not stated
    assert codes(found) == ({"encoding_refuted"} if lies else set())


def test_mapinfo_columns_that_fall_together_are_numbered(tmp_path):
    mapinfo(tmp_path / "a.mif", charset="Neutral")
    found = raw(tmp_path / "a.mif", encoding="UTF-8")
    assert len(set(found.frame.columns)) == len(found.frame.columns) == 5
    assert {"same_column_names", "text_undecodable"} <= codes(found)


def test_a_mapinfo_table_with_a_charset_that_lies_is_read_by_its_bytes(tmp_path):
    frame = communities().rename(columns={"编号": "id", "名称": "name", "户数": "hu", "总面积": "mj"})
    frame.to_file(tmp_path / "a.tab", driver="MapInfo File", encoding="GBK")
    head = (tmp_path / "a.tab").read_text("latin-1")
    (tmp_path / "a.tab").write_text(head.replace("Neutral", "WindowsLatin1"), "latin-1")
    assert "WindowsLatin1" in (tmp_path / "a.tab").read_text("latin-1")
    found = raw(tmp_path / "a.tab")
    assert list(found.frame["name"]) == list(frame["name"])
    assert codes(found) == {"encoding_refuted"}


# --- XML ------------------------------------------------------------------------------------------


def kml(names, *, declared="UTF-8", inner="", namespaces=""):
    marks = ""
    for number, (name, shape) in enumerate(zip(names, communities().to_crs(4490).geometry, strict=False), 1):
        ring = " ".join(f"{x},{y},0" for x, y in shape.exterior.coords)
        data = "".join(
            f'<Data name="{key}"><value>{value}</value></Data>'
            for key, value in (("编号", f"C{number}"), ("户数", 100 + number), ("地址", f"某路{number}号"))
        )
        marks += f"<Placemark><name>{name}</name>{inner}<ExtendedData>{data}</ExtendedData><Polygon><outerBoundaryIs>"
        marks += f"<LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
    head = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    return f'{head}<kml {namespaces}xmlns="http://www.opengis.net/kml/2.2"><Document><name>x</name>{marks}</Document></kml>'


@pytest.mark.parametrize(
    ("declared", "encoding", "expected"),
    [
        ("GB2312", "gb2312", set()),
        ("GBK", "gbk", set()),
        ("gb18030", "gb18030", set()),
        ("UTF-8", "gbk", {"encoding_refuted"}),
        ("", "gbk", {"encoding_refuted"}),
        ("GB2312", "utf-8", {"encoding_refuted"}),
        ("ISO-8859-1", "gbk", {"encoding_refuted"}),
        ("UTF-16", "utf-16", set()),
        ("Big5", "big5", set()),
    ],
)
def test_a_kml_is_read_whatever_encoding_it_declares(tmp_path, declared, encoding, expected):
    names = TRADITIONAL if encoding == "big5" else SIMPLIFIED
    text = kml(names, declared=declared)
    text = text.replace("编号", "id").replace("户数", "n").replace("地址", "a").replace("号", "")
    (tmp_path / "a.kml").write_bytes(text.encode(encoding))
    found = raw(tmp_path / "a.kml")
    assert list(found.frame["Name"]) == names
    assert list(found.frame["id"]) == ["C1", "C2", "C3"]
    assert codes(found) == expected


@pytest.mark.parametrize("ending", ["gpx", "gml"])
def test_other_xml_in_gb2312_is_read(tmp_path, ending):
    x, y = communities(1).to_crs(4490).geometry[0].exterior.coords[0]
    if ending == "gpx":
        point = f'<wpt lat="{y}" lon="{x}"><name>朝阳一村</name></wpt>'
        text = f'<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">{point}</gpx>'
    else:
        communities(1).to_file(tmp_path / "b.gml", driver="GML")
        text = (tmp_path / "b.gml").read_text("utf-8").split("?>", 1)[1]
    (tmp_path / f"a.{ending}").write_bytes(f'<?xml version="1.0" encoding="GB2312"?>\n{text}'.encode("gb2312"))
    found = raw(tmp_path / f"a.{ending}", layer_name="waypoints" if ending == "gpx" else "")
    name = "name" if ending == "gpx" else "名称"
    assert list(found.frame[name]) == ["朝阳一村"]
    assert not codes(found)


@pytest.mark.parametrize(
    "inner",
    [
        "<gx:balloonVisibility>1</gx:balloonVisibility>",
        "<atom:link href='x'/>",
        "<Style><IconStyle ns1:mode='x'><scale>1</scale></IconStyle></Style>",
    ],
)
def test_a_prefix_that_nobody_declared_loses_no_attribute(tmp_path, inner):
    (tmp_path / "a.kml").write_text(kml(SIMPLIFIED, inner=inner), "utf-8")
    found = raw(tmp_path / "a.kml")
    assert list(found.frame["编号"]) == ["C1", "C2", "C3"]
    assert list(found.frame["户数"]) == ["101", "102", "103"]
    assert list(found.frame["地址"]) == ["某路1号", "某路2号", "某路3号"]
    assert "prefix_undeclared" in codes(found, "note")
    assert not [name for name in found.frame.columns if set(name) == {"_"}]


def test_ids_of_a_gml_keep_the_zeros_in_front(tmp_path):
    frame = communities()
    frame["编号"] = ["0012", "0013", "340403196001010013"]
    frame.to_file(tmp_path / "a.gml", driver="GML")
    for file in tmp_path.glob("*.xsd"):
        file.unlink()
    assert list(raw(tmp_path / "a.gml").frame["编号"]) == list(frame["编号"])


# --- no list of other sources ---------------------------------------------------------------------

LISTS = {
    "a.gml": '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>secret.gpkg</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>',
    "a.kml": "<OGRWFSDataSource><URL>http://127.0.0.1:9/wfs</URL></OGRWFSDataSource>",
    "a.gpx": '<?xml version="1.0"?><VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>',
    "a.json": '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read secret.gpkg ! write streamed_dataset"}',
    "a.geojson": '{ "command_line": "gdal vector pipeline ! read http://127.0.0.1:9/x", "type": "gdal_streamed_alg" }',
}


@pytest.mark.parametrize("file", LISTS)
def test_a_file_that_names_other_files_or_addresses_is_refused(tmp_path, file):
    communities().to_file(tmp_path / "secret.gpkg")
    (tmp_path / file).write_text(LISTS[file])
    with pytest.raises(FileError, match="不是数据"):
        raw(tmp_path / file)


def test_a_schema_named_by_address_is_not_fetched(tmp_path):
    import http.server
    import threading

    asked = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        communities().to_file(tmp_path / "b.gml", driver="GML")
        text = (tmp_path / "b.gml").read_text("utf-8")
        address = (
            f"http://127.0.0.1:{server.server_port}/wfs?SERVICE=WFS&amp;REQUEST=DescribeFeatureType&amp;TYPENAME=b"
        )
        import re

        text = re.sub(r'schemaLocation="[^"]*"', f'schemaLocation="http://ogr.maptools.org/ {address}"', text)
        assert address in text
        (tmp_path / "a.gml").write_text(text, "utf-8")
        assert len(raw(tmp_path / "a.gml").frame) == 3
        server.shutdown()
    assert not asked


# --- partial files --------------------------------------------------------------------------------


def features():
    return [
        {"type": "Feature", "properties": {"id": f"C{n}", "numberMatched": 99}, "geometry": shapely.geometry.mapping(g)}
        for n, g in enumerate(communities().to_crs(4490).geometry)
    ]


PARTS = {
    "arcgis, in front": ({"exceededTransferLimit": True}, {}, "之后还有"),
    "arcgis, inside properties": ({"properties": {"exceededTransferLimit": True}}, {}, "之后还有"),
    "arcgis, behind": ({}, {"exceededTransferLimit": True}, "之后还有"),
    "geoserver": (
        {"totalFeatures": 5231},
        {"numberMatched": 5231, "numberReturned": 3},
        "共 5,231 个要素，此文件只有 3 个",
    ),
    "api features": (
        {},
        {"links": [{"rel": "self"}, {"rel": "next", "href": "http://x"}], "numberReturned": 3},
        "之后还有",
    ),
    "all of it": ({"totalFeatures": 3}, {"numberMatched": 3, "exceededTransferLimit": False}, ""),
    "nobody knows": ({"totalFeatures": "unknown"}, {}, ""),
    "it says nothing": ({}, {"bbox": [1, 2, 3, 4]}, ""),
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_that_says_it_is_not_all_is_told(tmp_path, name, indent):
    before, after, words = PARTS[name]
    text = json.dumps({"type": "FeatureCollection", **before, "features": features(), **after}, indent=indent)
    (tmp_path / "a.geojson").write_text(text, "utf-8")
    found = raw(tmp_path / "a.geojson")
    assert len(found.frame) == 3
    said = [f.text.zh for f in found.findings if f.code == "file_partial"]
    assert bool(said) == bool(words)
    assert not said or words in said[0]


def test_the_answer_of_a_wfs_and_a_kml_of_links_are_told(tmp_path):
    communities().to_file(tmp_path / "b.gml", driver="GML")
    text = (tmp_path / "b.gml").read_text("utf-8")
    for total, expected in ((5231, True), (3, False)):
        one = text.replace(
            "<ogr:FeatureCollection", f'<ogr:FeatureCollection numberMatched="{total}" numberReturned="3"', 1
        )
        (tmp_path / "a.gml").write_text(one, "utf-8")
        assert ("file_partial" in codes(raw(tmp_path / "a.gml"))) == expected
    link = "<NetworkLink><Link><href>http://127.0.0.1:9/x.kml</href></Link></NetworkLink>"
    (tmp_path / "a.kml").write_text(kml(SIMPLIFIED).replace("<Placemark>", f"{link}<Placemark>", 1), "utf-8")
    found = raw(tmp_path / "a.kml")
    assert len(found.frame) == 3
    assert "file_partial" in codes(found)


# --- archives of a Mac, files under a wrong suffix ------------------------------------------------


@pytest.mark.parametrize("inside", ["", "数据/"])
def test_a_zip_made_on_a_mac_holds_one_layer(tmp_path, inside):
    frame = communities().rename(columns={"编号": "id", "名称": "name", "户数": "hu", "总面积": "mj"})
    frame.to_file(tmp_path / "qu.shp", encoding="utf-8")
    members = {}
    for part in sorted(tmp_path.glob("qu.*")):
        members[f"{inside}{part.name}"] = part.read_bytes()
        members[f"__MACOSX/{inside}._{part.name}"] = b"\0\5\x16\7" + bytes(100)
        members[f"{inside}._{part.name}"] = b"\0\5\x16\7" + bytes(100)
    members |= {f"{inside}.DS_Store": b"Bud1"}
    zip_of(tmp_path / "a.zip", members)
    found = raw(tmp_path / "a.zip")
    assert list(found.frame["name"]) == list(frame["name"])


def packed(*names):
    """The bytes of an archive with these members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return made.getvalue()


WRONG = {
    "a login page": ("a.geojson", b"<!DOCTYPE html><html>login</html>", "网页（HTML）"),
    "a login page as zip": ("a.zip", b"<html>login</html>", "网页（HTML）"),
    "a drawing": ("a.dxf", b"AC1027\0\0\0", "DWG"),
    "a workbook": ("a.gpkg", packed("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
    "an archive cut short": ("a.gpkg", b"PK\x03\x04" + bytes(30), "ZIP"),
    "a pdf": ("a.shp", b"%PDF-1.4 ...", "PDF"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_under_a_wrong_suffix_is_called_what_it_is_and_not_damaged(tmp_path, name):
    from gis_renovation.reading.formats.opening import check_signature

    file, content, words = WRONG[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(FileError, match=words) as refused:
        check_signature(tmp_path / file, "communities")
    assert "损坏" not in str(refused.value)
    with pytest.raises(FileError, match=words):
        raw(tmp_path / file)


# --- boundary points ------------------------------------------------------------------------------

HEAD = "[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n计量单位=米\n带号=39\n[地块坐标]\n"


def rings(*parts):
    """Points of closed rings: (left, bottom, width, height, ring number)."""
    lines = []
    for x, y, w, h, ring in parts:
        for n, (a, b) in enumerate([(x, y), (x, y + h), (x + w, y + h), (x + w, y), (x, y)]):
            lines.append(f"J{n % 4 + 1},{ring},{b:.3f},{a + 39e6:.3f}")
    return "\n".join(lines) + "\n"


def survey(path, parcels):
    text = HEAD + "".join(f"5,{area},{name},{name},面,,住宅,,@\n{points}" for name, area, points in parcels)
    path.write_text(text, "gb18030")


WHOLE, NEXT, HOLE = (X, Y, 100, 80), (X + 120, Y, 100, 80), (X + 20, Y + 20, 40, 40)


@pytest.mark.parametrize(("unit", "size"), [("公顷", 10_000), ("平方米", 1), ("亩", 10_000 / 15)])
def test_the_unit_of_stated_areas_is_the_one_in_which_they_agree_with_the_points(tmp_path, unit, size):
    survey(tmp_path / "a.txt", [(f"D{n}", f"{8000 / size:.4f}", rings((*WHOLE, 1))) for n in range(3)])
    found = raw(tmp_path / "a.txt")
    assert found.columns.unit_of("地块面积") == unit
    assert not codes(found)


def test_a_parcel_whose_stated_area_is_another_is_named(tmp_path):
    parcels = [("D1", 0.8, rings((*WHOLE, 1))), ("D2", 0.8, rings((*WHOLE, 1))), ("D3", 0.9, rings((*WHOLE, 1)))]
    survey(tmp_path / "a.txt", parcels)
    (said,) = [f for f in raw(tmp_path / "a.txt").findings if f.code == "stated_area_differs"]
    assert said.named("zh") == ("D3：9,000 ≠ 8,000 m²",)


def test_rings_of_one_number_and_a_last_point_of_another_make_the_drawn_areas(tmp_path):
    last = rings((*WHOLE, 1)).splitlines()
    last[-1] = last[-1].replace(",1,", ",2,", 1)
    survey(
        tmp_path / "a.txt",
        [
            ("D1", 1.6, rings((*WHOLE, 1), (*NEXT, 1))),
            ("D2", 0.64, rings((*WHOLE, 1), (*HOLE, 1))),
            ("D3", 0.8, "\n".join(last) + "\n"),
        ],
    )
    found = raw(tmp_path / "a.txt")
    assert list(found.frame.area) == [16000, 6400, 8000]
    assert found.frame.geometry.is_valid.all()
    assert not codes(found)


def test_hectares_of_a_survey_become_square_metres_in_a_layer(tmp_path):
    from gis_renovation.schemas import layer_schemas

    schema, target = next(
        (s, f)
        for s in layer_schemas().values()
        for f in s.read_fields.values()
        if not s.result and "polygon" in s.geometry and f.unit in ("m2", "m²", "平方米")
    )
    survey(tmp_path / "a.txt", [("D1", 0.8, rings((*WHOLE, 1)))])
    for rule in ('"地块面积"', '{ from = "地块面积", unit = "公顷" }'):
        text = f'[source]\npath = "a.txt"\nlayer = "{schema.name}"\n[columns]\n{target.name} = {rule}\n'
        card = read_card(text, stem=schema.name, where="x")
        found = read_files(card, tmp_path)
        done = conform(found.frame, card, columns=found.columns)
        assert list(done.frame[target.name]) == [8000]


# --- years in a header ----------------------------------------------------------------------------


@pytest.mark.parametrize("years", [[2022, 2023, 2024], ["2022年", "2023年", "2024年度"], ["2022", "2023", "2024"]])
@pytest.mark.parametrize("title", [False, True])
def test_years_in_a_header_are_names_of_columns(years, title):
    from gis_renovation.reading.formats.sheets import read_ledger

    rows = [
        ["编号", "户数", *years],
        ["C1", 100, "未改", "未改", "改造"],
        ["C2", "约110户", "未改", "改造", "完成"],
        ["C3", "不详", "无", "无", "无"],
    ]
    rows = [["改造计划表", None, None, None, None], *rows] if title else rows
    ledger = read_ledger(rows)
    assert list(ledger.frame.columns) == ["编号", "户数", *map(str, years)]
    assert list(ledger.frame["编号"]) == ["C1", "C2", "C3"]


def test_a_record_with_a_year_is_no_header():
    from gis_renovation.reading.formats.sheets import read_ledger

    rows = [["编号", "名称", "建成年代"], ["C1", "甲", 1998], ["C2", "乙", 1999]]
    assert list(read_ledger(rows).frame["建成年代"]) == [1998, 1999]
