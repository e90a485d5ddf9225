"""Attacks on a public edition: a secret in every withheld field at every level, in every spelling, packing and file."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import shutil
import sqlite3
import struct
import zipfile
import zlib
from contextlib import closing
from datetime import date
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from drawn_city import CRS, X0, Y0, layers, publish_city
from shapely.geometry import LineString, Point, box

from gis_renovation.errors import ConfigError, DataError
from gis_renovation.publish import profile, verify
from gis_renovation.publish.disclosure import personal
from gis_renovation.publish.leaks import search, unpack
from gis_renovation.publish.profile import read_profile
from gis_renovation.schemas import layer_schemas
from gis_renovation.shipped import shipped

AS_OF = date(2024, 9, 30)
PUBLIC = shipped("template/maps/public.toml").read_text(encoding="utf-8")
SECRET = "机密内容甲乙丙"


def edition_of(tmp_path, made, text=PUBLIC, **options):
    (tmp_path / "maps").mkdir(exist_ok=True)
    (tmp_path / "maps" / "public.toml").write_text(text, encoding="utf-8")
    profile = read_profile(tmp_path, "public")
    target = tmp_path / "maps" / "public"
    publish_city(made, profile, target, **options)
    return target


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return edition_of(tmp_path_factory.mktemp("plain"), layers())


@pytest.fixture
def copy(plain, tmp_path):
    return shutil.copytree(plain, tmp_path / "public")


# --- a secret in every withheld field of every layer ----------------------------------------------


def planted(number):
    """One row a layer and column: the drawn city where it has the layer, a row by itself elsewhere."""
    drawn, made, secrets = layers(), layers(), {}
    for layer, schema in layer_schemas().items():
        if schema.geometry and schema.geometry[0] == "raster":
            continue
        frame = drawn.get(layer)
        if frame is None:
            frame = blank_layer(schema)
        made[layer] = frame.copy()
        for field in schema.fields.values():
            if field.name == schema.key:
                continue
            leaves = schema.disclosure == "public" and field.disclosure == "public" and field.name in allowed(layer)
            if not leaves:
                number += 1
                made[layer][field.name], secrets[f"{layer}.{field.name}"] = secret_for(field, number, len(made[layer]))
        # A column nobody described, as a county's own table brings it.
        number += 1
        made[layer]["手工列"] = f"{SECRET}{number}列"
        secrets[f"{layer}.手工列"] = f"{SECRET}{number}列"
    return made, secrets


def blank_layer(schema):
    """One row with geometry where the layer has one; its key is itself a secret unless the layer is public."""
    shape = {
        "point": Point(X0, Y0),
        "line": LineString([(X0, Y0), (X0 + 9, Y0)]),
        "polygon": box(X0, Y0, X0 + 9, Y0 + 9),
    }
    key = "公开键" if schema.disclosure == "public" else f"密键{schema.name}"
    table = pd.DataFrame({"x": [1]}, index=pd.Index([key], name=schema.key or None))
    if schema.geometry:
        return gpd.GeoDataFrame(table, geometry=[shape[schema.geometry[0]]], crs=CRS).drop(columns="x")
    return table.drop(columns="x")


def allowed(layer):
    import tomllib

    return tomllib.loads(PUBLIC)["layers"].get(layer, [])


def secret_for(field, number, rows):
    """A value of the field's type that stands nowhere else, and how it is searched for."""
    if field.type == "string":
        text = f"{SECRET}{number}号"
        return [text] * rows, text
    if field.type == "date":
        day = date(1900 + number % 40, 7, 7)
        return [day] * rows, day.isoformat()
    if field.type == "boolean":
        return [True] * rows, None
    value = 70_000_000 + number * 1013 + (0.12345 if field.type == "number" else 0)
    return [value] * rows, str(value)[:8]


@pytest.fixture(scope="module")
def planted_edition(tmp_path_factory):
    made, secrets = planted(0)
    return edition_of(tmp_path_factory.mktemp("planted"), made), secrets


def everything(folder):
    """Name -> all bytes of a file, unpacked and decoded."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        parts = [spelt for data in unpack.unpacked(path.read_bytes()) for spelt in unpack.spellings(data)]
        yield path.relative_to(folder).as_posix(), b"\n".join([path.name.encode(), *parts])


def test_every_layer_and_level_is_planted(planted_edition):
    _, secrets = planted_edition
    classes = {layer_schemas()[name.partition(".")[0]].disclosure for name in secrets}
    assert classes == {"public", "internal", "restricted"}
    assert len(secrets) > 400


def test_no_planted_secret_is_in_any_byte_of_the_public_folder(planted_edition):
    folder, secrets = planted_edition
    wanted = {origin: text.encode() for origin, text in secrets.items() if text}
    assert len(wanted) > 350
    for name, data in everything(folder):
        assert SECRET.encode() not in data, name
        assert "密键".encode() not in data, name
        found = [origin for origin, text in wanted.items() if text in data]
        assert not found, (name, found)


def test_no_withheld_number_is_in_the_database_as_eight_bytes(planted_edition):
    folder, secrets = planted_edition
    data = (folder / "data" / "data.gpkg").read_bytes()
    numbers = [float(text) for text in secrets.values() if text and re.fullmatch(r"[\d.]+", text)]
    assert numbers
    assert not [n for n in numbers if struct.pack(">d", n + 0.12345) in data]


def test_the_planted_folder_checks_out_and_names_no_withheld_column(planted_edition):
    folder, secrets = planted_edition
    assert verify.check_published(folder) == []
    with closing(sqlite3.connect(folder / "data" / "data.gpkg")) as database:
        tables = [row[0] for row in database.execute("SELECT table_name FROM gpkg_contents")]
        held = {f"{table}.{row[1]}" for table in tables for row in database.execute(f'PRAGMA table_info("{table}")')}
    assert not held & {*secrets}


# --- a new sensitive column -----------------------------------------------------------------------


def test_a_new_column_without_a_class_is_unclassified_and_cannot_be_listed(tmp_path):
    with pytest.raises(ConfigError, match=r"communities\.residents_id_number：没有这一列，或未定公开级别"):
        edition_of(
            tmp_path, layers(), PUBLIC.replace('communities = ["name",', 'communities = ["residents_id_number",')
        )


def test_a_schema_column_without_a_class_counts_as_restricted(tmp_path, monkeypatch):
    """Someone adds a sensitive column to the schema and to the allow list, but gives it no class."""
    schemas = dict(layer_schemas())
    field = type(schemas["parks"].fields["name"])(
        name="keeper", type="string", label=schemas["parks"].fields["name"].label, values={}
    )
    changed = {**schemas["parks"].__dict__, "fields": {**schemas["parks"].fields, "keeper": field}}
    schemas["parks"] = type(schemas["parks"])(**changed)
    monkeypatch.setattr(profile, "layer_schemas", lambda: schemas)
    with pytest.raises(ConfigError, match=r"parks\.keeper：公开级别为 restricted"):
        edition_of(tmp_path, layers(), PUBLIC.replace('parks = ["name",', 'parks = ["keeper",'))


def test_a_public_layer_whose_key_is_not_public_cannot_be_listed(tmp_path, monkeypatch):
    import dataclasses

    schemas = dict(layer_schemas())
    key = dataclasses.replace(schemas["parks"].fields["park_id"], disclosure="internal")
    schemas["parks"] = dataclasses.replace(schemas["parks"], fields={**schemas["parks"].fields, "park_id": key})
    monkeypatch.setattr(profile, "layer_schemas", lambda: schemas)
    with pytest.raises(ConfigError, match=r"parks\.park_id：公开级别为 internal"):
        edition_of(tmp_path, layers())


def test_an_index_nobody_described_is_numbered_anew(tmp_path):
    made = layers()
    made["works_records"].index = pd.Index([f"{SECRET}{n}" for n in range(3)], name="张三的记录")
    made["parks"].index = pd.Index([f"{SECRET}园"], name="承包人")
    made["streets"] = made["streets"].rename_geometry(SECRET)
    folder = edition_of(tmp_path, made)
    for name, data in everything(folder):
        assert SECRET.encode() not in data, name
        assert "承包人".encode() not in data, name


# --- personal numbers in allowed columns ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("联系张三 13800138000", ["mobile"]),
        ("138 0013 8000", ["mobile"]),
        ("11010519491231002X", ["identity"]),
        ("110105194912310021", []),
        ("6222021234567890127", []),
        ("4111111111111111", ["card"]),
        ("340403001001", []),
        ("０５５４－６６４１２３４", ["landline"]),
        ("(0554)6641234", ["landline"]),
        ("213800138000", []),
        ("１３８００１３８０００", ["mobile"]),
        ("138　0013　8000", ["mobile"]),
        ("138\u200b0013\u200b8000", ["mobile"]),
        ("+8613800138000", ["mobile"]),
        ("0086-13800138000", ["mobile"]),
        ("138—0013—8000", ["mobile"]),
        ("138.0013.8000", ["mobile"]),
        ("1380 013 8000", ["mobile"]),
        ("(138)00138000", ["mobile"]),
        ("电话.13800138000", ["mobile"]),
        ("138.00138000", []),
        ("110105 19491231 002X", ["identity"]),
        ("4111 1111 1111 1111", ["card"]),
        ("4111 1111 1111 1112", []),
        ("联系 zhang.san@example.com", ["mail"]),
        ("微信号：zhangsan88", ["account"]),
        ("QQ 12345678", ["account"]),
        ("2024-0001234567", []),
        ("微信公众平台改造", []),
        ("3613000.13800138000", []),
        ("XM-2024-001", []),
        ("参数，未经标准确认；land_idle@2026.1", []),
        ("邮箱 zhang@163.com", ["mail"]),
        ("05546641234", ["landline"]),
        ("01062345678", ["landline"]),
        ("+86 554 6641234", ["landline"]),
        ("0554.664.1234", ["landline"]),
        ("034040300101", []),
        ("00554664123", []),
        ("138,0013,8000", ["mobile"]),
        ("13,800,138,000", ["mobile"]),
        ("投资 13,800,138,000 元", []),
        ("一三八零零一三八零零零", ["mobile"]),
        ("幺三八〇〇幺三八〇〇〇", ["mobile"]),
        ("壹叁捌-零零壹叁-捌零零零", ["mobile"]),
        ("一3八00一3八000", ["mobile"]),
        ("二〇二四年一月", []),
        ("微信号：zhang_san", ["account"]),
        ("V信:zhangsan", ["account"]),
        ("薇信号 zhangsanli", ["account"]),
        ("加wx：zhangsan", ["account"]),
        ("QQ号是12345678", ["account"]),
        ("微信公众号：huainan", []),
        ("微信小程序 huainan2024", []),
        ("xx：zhangsan", []),
    ],
)
def test_personal_numbers_are_told_from_other_numbers(text, kinds):
    """The identity number is the example of GB 11643-1999, annex A; the card is the industry's test number."""
    assert personal.personal_kinds(text) == kinds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("有事打张师傅电话", True),
        ("加微信问李姐", True),
        ("扫码加V信", True),
        ("QQ 见楼道", True),
        ("联系人老王", True),
        ("电话局家属院", False),
        ("手机城小区", False),
        ("关注微信公众号", False),
        ("龙湖新村", False),
        ("QQL-3", False),
    ],
)
def test_words_that_go_before_contacts_are_told_to_the_publisher(text, told):
    frame = pd.DataFrame(
        {"name": ["龙湖新村", text], "联系电话": ["电话", "电话"]}, index=pd.Index(["C1", "C2"], name="community_id")
    )
    found = personal.contact_words({"communities": frame})
    assert [(one.severity, one.field, len(one.features)) for one in found] == ([("warning", "name", 1)] if told else [])


@pytest.mark.parametrize("audience", ["planner", "bureau"])
def test_telephone_numbers_in_columns_not_meant_for_them_are_told_in_the_makers_own_editions(tmp_path, audience):
    made, told = layers(), []
    made["communities"]["subdistrict"] = ["13805540123", "淮滨街道", "电话 0554-2671234"] + ["龙泉街道"] * 6
    made["communities"]["联系电话"] = "13805540123"
    made["projects"]["contact"] = "张三 13800138000"
    text = f'[profile]\naudience = "{audience}"\n[disclosure]\nclass = "restricted"\n'
    edition_of(tmp_path, made, text, on_warning=told.append)
    (finding,) = [one for one in told if one.code == "personal_number"]
    assert (finding.severity, finding.layer, finding.field) == ("warning", "communities", "subdistrict")
    assert finding.text.zh.startswith("communities.subdistrict（街道（乡镇））有 2 行疑似含固定电话号码、手机号码")
    assert "in 2 rows" in finding.text.en
    for said in (finding.sentence("zh"), finding.sentence("en")):
        assert "1380554" not in said
        assert "2671234" not in said


def test_a_telephone_number_in_an_allowed_column_stops_the_publication(tmp_path):
    made = layers()
    made["projects"]["name"] = "龙湖片区改造（张三 13800138000）"
    with pytest.raises(DataError, match=r"projects\.name（项目名称）有 1 处疑似手机号码") as caught:
        edition_of(tmp_path, made)
    assert "13800138000" not in str(caught.value)
    assert not (tmp_path / "maps" / "public").exists()


def test_an_identity_number_as_an_id_is_found_and_not_repeated(tmp_path):
    made = layers()
    made["parks"].index = pd.Index(["11010519491231002X"], name="park_id")
    with pytest.raises(DataError, match=r"parks\.park_id.*身份证号码") as caught:
        edition_of(tmp_path, made)
    assert "11010519491231002X" not in str(caught.value)


# --- a leak in every place a file can hide it -----------------------------------------------------


def png(*chunks):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = [
        chunk(b"IHDR", head),
        *(chunk(*c) for c in chunks),
        chunk(b"IDAT", zlib.compress(b"\0\0")),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg(*segments, after=b""):
    parts = [b"\xff" + bytes([kind]) + struct.pack(">H", len(data) + 2) + data for kind, data in segments]
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xda\x00\x02\x00\xff\xd9" + after


def zipped(data, name="a.txt", comment=b""):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
        archive.comment = comment
    return made.getvalue()


RAW = SECRET.encode()
HIDDEN = {
    "plain text": RAW,
    "html references": "".join(f"&#{ord(c)};" for c in SECRET).encode(),
    "hexadecimal references": "".join(f"&#x{ord(c):X};" for c in SECRET).encode(),
    "json escapes": json.dumps({"a": SECRET}).encode(),
    "percent signs": quote(SECRET).encode(),
    "an address": f'<a href="map.html#at={quote(SECRET)}">x</a>'.encode(),
    "an alternative text": f'<img alt="{SECRET}">'.encode(),
    "a comment": f"<!-- {SECRET} -->".encode(),
    "gb18030": SECRET.encode("gb18030"),
    "utf-16": SECRET.encode("utf-16-le"),
    "utf-16 with mark": SECRET.encode("utf-16"),
    "gzip": gzip.compress(RAW),
    "a zip": zipped(SECRET),
    "a name in a zip": zipped("x", name=f"{SECRET}.txt"),
    "the comment of a zip": zipped("x", comment=RAW),
    "a zip in a zip": zipped(zipped(SECRET)),
    "base64": base64.b64encode(RAW * 3),
    "base64 of gzip in a page": b"<script>var a='"
    + base64.b64encode(gzip.compress(RAW * 9 + bytes(range(200))))
    + b"'</script>",
    "a picture's text": png((b"tEXt", b"Comment\0" + RAW)),
    "a picture's compressed text": png((b"zTXt", b"Comment\0\0" + zlib.compress(RAW))),
    "a picture's international text": png((b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(RAW))),
    "a photograph's EXIF": jpeg((0xE1, b"Exif\0\0" + RAW)),
    "a photograph's end": jpeg(after=RAW),
}


@pytest.mark.parametrize("place", HIDDEN)
def test_a_secret_is_found_wherever_it_hides(tmp_path, place):
    (tmp_path / "a.bin").write_bytes(HIDDEN[place])
    found = search.find_leaks(tmp_path, {"x.y": frozenset({SECRET})}, "")
    assert [(f.code, f.file) for f in found] == [("withheld_value", "a.bin")]


def test_a_secret_in_a_files_or_folders_name_is_found(tmp_path):
    (tmp_path / SECRET).mkdir()
    (tmp_path / SECRET / "a.txt").write_text("x")
    (tmp_path / f"{SECRET}.txt").write_text("x")
    assert len(search.find_leaks(tmp_path, {"x.y": frozenset({SECRET})}, "")) == 2


@pytest.mark.parametrize("order", ["<d", ">d"])
def test_a_withheld_number_is_found_as_the_eight_bytes_of_a_database_or_shape(tmp_path, order):
    (tmp_path / "a.gpkg").write_bytes(b"\0" * 50 + struct.pack(order, 12345.678) + b"\0" * 9)
    secrets = search.withheld_values({"a": pd.DataFrame({"b": [12345.678]})}, {})
    assert [f.code for f in search.find_leaks(tmp_path, secrets, "")] == ["withheld_value"]


def test_a_secret_across_the_border_of_two_searched_pieces_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "_PIECE", 64)
    for offset in range(56, 70):
        (tmp_path / "a.txt").write_bytes(b"." * offset + RAW + b"." * 100)
        assert search.find_leaks(tmp_path, {"x.y": frozenset({SECRET})}, ""), offset


def test_the_ids_of_a_layer_that_stayed_behind_are_searched_for(tmp_path):
    frame = pd.DataFrame({"n": [1]}, index=pd.Index(["燃气-中压-0017"], name="line_id"))
    secrets = search.withheld_values({"utility_lines": frame}, {})
    assert secrets == {"utility_lines.line_id": frozenset({"燃气-中压-0017"})}


# --- no false alarm -------------------------------------------------------------------------------


def test_the_noise_of_a_float_makes_no_secret_of_a_common_number():
    frame = pd.DataFrame({"area_m2": [8.699999999999999, 8.3, 12345.678]})
    values = search.withheld_values({"illegal_structures": frame}, {})["illegal_structures.area_m2"]
    assert all(value.startswith("1234") for value in values)
    assert "12345.678" in values


WORDS = [
    "进度总览",
    "unknown",
    "default",
    "geometry",
    "已开工",
    "2024-03-31",
    "text/css",
    "龙湖新村",
    "新村",
    "SELECT",
    "小区名称",
    "0",
    "12",
    "甲",
    "description",
    "folium",
    "CREATE_TRIGGER",
    "Undefined",
]


def test_a_withheld_cell_with_a_word_that_stands_there_anyway_is_no_alarm(tmp_path):
    made = layers()
    made["communities"]["owner_unit"] = WORDS[:9]
    made["communities"]["address"] = [word.replace("_", " ") for word in WORDS[9:]]
    made["projects"]["contact"] = "Open data"
    edition_of(tmp_path, made)


def test_the_publishers_contact_is_said_on_purpose(tmp_path):
    made = layers()
    made["projects"]["contact"] = "城市更新科 0554-1234567"
    text = PUBLIC.replace("contact = []", 'contact = ["城市更新科 0554-1234567"]')
    folder = edition_of(tmp_path, made, text)
    assert "城市更新科" in (folder / "about.html").read_text(encoding="utf-8")


# --- metadata -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (png(), []),
        (png((b"tEXt", b"Author\0x")), ["tEXt"]),
        (png((b"eXIf", b"MM")), ["eXIf"]),
        (jpeg(), []),
        (jpeg((0xE0, b"JFIF\0")), []),
        (jpeg((0xE1, b"Exif\0\0MM")), ["EXIF/XMP"]),
        (jpeg((0xFE, b"by hand"), (0xED, b"Photoshop")), ["IPTC", "comment"]),
        (jpeg(after=b"more"), ["trailing data"]),
        (b"RIFF\x1e\0\0\0WEBPVP8 \2\0\0\0ab" + b"EXIF\2\0\0\0MM", ["EXIF"]),
        (b"<svg/>", []),
    ],
)
def test_what_a_picture_carries_besides_the_picture_is_named(data, notes):
    assert unpack.picture_notes(data) == notes


@pytest.mark.parametrize("inside_page", [False, True])
def test_a_picture_with_a_place_in_it_does_not_check_out(copy, inside_page):
    picture = jpeg((0xE1, b"Exif\0\0MM" + b"G" * 40))
    if inside_page:
        page = copy / "about.html"
        data = base64.b64encode(picture).decode()
        page.write_text(
            page.read_text(encoding="utf-8") + f'<img src="data:image/jpeg;base64,{data}">', encoding="utf-8"
        )
    else:
        (copy / "a.jpg").write_bytes(picture)
    assert "picture_notes" in {f.code for f in verify.check_published(copy)}


def test_the_workbook_names_nobody(plain):
    book = openpyxl.load_workbook(plain / "data" / "data.xlsx")
    facts = book.properties
    assert not facts.creator
    assert not facts.lastModifiedBy
    assert (facts.created.year, facts.modified.year) == (2000, 2000)


def test_no_path_of_the_makers_machine_leaves(tmp_path):
    folder = edition_of(tmp_path, layers(), by="发布员王某")
    for name, data in everything(folder):
        assert str(tmp_path).encode() not in data, name
        assert "发布员王某".encode() not in data, name
    assert "发布员王某" in (tmp_path / "maps" / "publish-log.jsonl").read_text(encoding="utf-8")


def test_no_shape_of_a_layer_that_stayed_behind_is_in_the_database(tmp_path):
    made = layers()
    made["utility_lines"] = gpd.GeoDataFrame(
        {"network": ["gas"]},
        geometry=[LineString([(X0 + 123.456, Y0 + 234.567), (X0 + 345.678, Y0 + 456.789)])],
        crs=CRS,
        index=pd.Index(["L1"], name="line_id"),
    )
    folder = edition_of(tmp_path, made)
    data = (folder / "data" / "data.gpkg").read_bytes()
    for value in (X0 + 123.456, Y0 + 234.567, X0 + 345.678, Y0 + 456.789):
        assert struct.pack("<d", value) not in data
        assert struct.pack("<d", np.round(value)) not in data or value == Y0


@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_what_a_plain_search_of_every_file_finds(tmp_path, monkeypatch, seed):
    """Beginnings shared by many values, values within values, files joined for the search, pieces of all sizes."""
    monkeypatch.setattr(search, "_PIECE", (64, 333, 4096, 8 << 20)[seed])
    random = np.random.default_rng(seed)
    secrets = {"".join(random.choice(list("田家庵区")) for _ in range(n)) for n in random.integers(2, 20, 60)}
    said = {}
    for name in ("a.txt", "b.txt", "c/d.html", "e.csv"):
        words = ["".join(random.choice(list("田家庵区x")) for _ in range(n)) for n in random.integers(1, 40, 12)]
        said[name] = "，".join([*words, *random.choice(sorted(secrets), 2)])
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(said[name], encoding="utf-8")
    leaks = search.find_leaks(tmp_path, {secret: frozenset({secret}) for secret in secrets}, "")
    found = {(one.file, secret) for one in leaks for secret in secrets if f"（来自 {secret}）" in one.text.zh}
    assert found == {(name, secret) for name, text in said.items() for secret in secrets if secret in text}
    assert len(found) > len(said)
