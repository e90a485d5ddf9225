"""The public edition: small counts stay behind, shapes are coarse without slivers, no secret in any byte."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from datetime import date

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from drawn_city import CRS, layers, publish_city
from shapely.geometry import LineString, Point, box

from gis_renovation.display import plain_text
from gis_renovation.errors import ConfigError, DataError
from gis_renovation.publish import files, verify
from gis_renovation.publish.checklist import review_checklist
from gis_renovation.publish.disclosure import generalise
from gis_renovation.publish.edition import Edition
from gis_renovation.publish.leaks import search
from gis_renovation.publish.marker import EditionFacts
from gis_renovation.publish.profile import read_profile
from gis_renovation.publish.site import tables
from gis_renovation.shipped import shipped

AS_OF = date(2024, 9, 30)


# --- shapes ---------------------------------------------------------------------------------------


def test_neighbours_stay_neighbours_without_gap_or_overlap():
    wave = [(x, 100 + 3 * np.sin(x / 7)) for x in range(0, 201, 4)]
    south = shapely.Polygon([(0, 0), *wave, (200, 0)])
    north = shapely.Polygon([(0, 200), *wave, (200, 200)])
    coarse = generalise.generalise_shapes(np.array([south, north], dtype=object), 10.0, grid_m=1.0)
    assert len(shapely.get_coordinates(coarse)) < 30 < len(shapely.get_coordinates([south, north]))
    assert shapely.intersection(coarse[0], coarse[1]).area == 0
    assert shapely.union_all(coarse).area == pytest.approx(200 * 200)
    assert len(shapely.get_parts(shapely.union_all(coarse))) == 1


def test_one_overlap_elsewhere_in_the_layer_opens_no_sliver_between_neighbours():
    """Real boundaries overlap somewhere; each shape by itself, the wave between south and north would part."""
    wave = [(x, 100 + 3 * np.sin(x / 7)) for x in range(0, 401, 4)]
    south, north = shapely.Polygon([(0, 0), *wave, (400, 0)]), shapely.Polygon([(0, 200), *wave, (400, 200)])
    shapes = np.array([south, north, box(1000, 0, 1100, 100), box(1050, 50, 1200, 150)], dtype=object)
    assert not shapely.coverage_is_valid(shapes)
    apart = shapely.simplify(shapes, 5.0)
    assert shapely.union_all(apart[:2]).area < 400 * 200 - 10, "the test is about borders that would part"
    coarse = generalise.generalise_shapes(shapes, 5.0, grid_m=1.0)
    assert shapely.intersection(coarse[0], coarse[1]).area == 0
    assert shapely.union_all(coarse[:2]).area == pytest.approx(400 * 200)
    assert len(shapely.get_coordinates(coarse)) < len(shapely.get_coordinates(shapes)) / 2


def test_coordinates_lie_on_the_grid_and_nothing_vanishes():
    shapes = np.array(
        [box(0.3, 0.3, 0.5, 0.5), Point(3.4, 7.6), LineString([(0.2, 0.2), (50.7, 0.1), (99.6, 0.4)]), None],
        dtype=object,
    )
    coarse = generalise.generalise_shapes(shapes, 5.0, grid_m=1.0)
    assert [s.geom_type if s is not None else None for s in coarse] == ["Polygon", "Point", "LineString", None]
    assert not shapely.is_empty(coarse[:3]).any()
    assert coarse[1].coords[0] == (3.0, 8.0)
    assert shapely.get_coordinates(coarse[2]).tolist() == [[0, 0], [100, 0]]


def test_empty_in_empty_out():
    assert len(generalise.generalise_shapes(np.zeros(0, dtype=object), 5.0)) == 0
    assert generalise.largest_contiguous_area_m2({}) == 0.0


def test_contiguous_cover_sums_blocks_across_streets_and_not_across_a_gap():
    blocks = np.array([box(x * 240, 0, x * 240 + 200, 100) for x in range(5)], dtype=object)
    far = np.array([box(10_000, 0, 10_100, 100)], dtype=object)
    area = generalise.largest_contiguous_area_m2({"communities": blocks, "parks": far}, gap_m=50.0)
    assert area == pytest.approx((4 * 240 + 200) * 100)


# --- the edition ----------------------------------------------------------------------------------


SECRET = "机密内容甲乙丙"


def with_secrets():
    """A secret in every withheld field: restricted, internal and unclassified columns, and a pipe layer."""
    made = layers()
    for name in ("communities", "projects", "parks", "streets", "facilities"):
        made[name] = made[name].assign(contact=f"{SECRET}{name}", 电话=f"1390000{len(name):04}7", lon_lat=32.123456789)
    made["communities"]["owner_unit"] = SECRET + "产权"
    made["communities"]["address"] = SECRET + "地址"
    made["idle_parcels"]["reason_zh"] = SECRET + "宗地"
    made["utility_lines"] = gpd.GeoDataFrame(
        {"network": ["gas"], "operator": [SECRET + "燃气"], "depth_m": [1.23456789]},
        geometry=[LineString([(500_000, 3_613_000), (500_100, 3_613_000)])],
        crs=CRS,
        index=pd.Index(["密管001122"], name="line_id"),
    )
    made["funds"] = pd.DataFrame(
        {"project_id": ["J1"], "source": ["city"], "basis": ["paid"], "amount_yuan": [98765432.1]}
    )
    return made


def public_edition(tmp_path, made):
    profile = read_profile(tmp_path, "public")
    page = publish_city(made, profile, tmp_path / "maps" / "public")
    return page.parent


@pytest.fixture(scope="module")
def plain_edition(tmp_path_factory):
    return public_edition(tmp_path_factory.mktemp("plain"), layers())


@pytest.fixture
def edition_copy(plain_edition, tmp_path):
    return shutil.copytree(plain_edition, tmp_path / "public")


def test_no_byte_of_the_public_folder_holds_a_secret(tmp_path):
    folder = public_edition(tmp_path, with_secrets())
    forbidden = [
        SECRET,
        "1390000",
        "密管",
        "98765432",
        "32.1234",
        "1.2345",
        "contact",
        "owner_unit",
        "utility_lines",
        "depth_m",
        "电话",
    ]
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        data = [path.read_bytes()]
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                data = [archive.read(name) for name in archive.namelist()]
        for word in forbidden:
            assert all(word.encode() not in part for part in data), (path.name, word)
    assert verify.check_published(folder) == []


def test_public_files_hold_the_same_rows_and_say_what_is_withheld(tmp_path):
    made = layers()
    made["communities"]["households"] = pd.array([3, 350, 400, 450, 500, 550, 600, 650, None], dtype="Int64")
    made["zones"]["households"] = [753.0, None]
    folder = public_edition(tmp_path, made)
    table = pd.read_csv(folder / "data" / "communities.csv", dtype=str, keep_default_na=False)
    # 3 hides behind 350 of its zone and 450 of its plan batch, whose total was announced; and 350 behind
    # 500 of its own batch, or that total would give 350 back and the zone's total then 3.
    assert table["households"].tolist() == ["不公开", "不公开", "400", "不公开", "不公开", "550", "600", "650", ""]
    assert (folder / "data" / "communities.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    stored = gpd.read_file(folder / "data" / "data.gpkg", layer="communities")
    assert stored["households"].isna().tolist() == [True, True, False, True, True, *[False] * 3, True]
    features = json.loads((folder / "data" / "communities.geojson").read_text(encoding="utf-8"))["features"]
    assert [f["properties"]["households"] for f in features][:4] == [None, None, 400, None]
    sheet = openpyxl.load_workbook(folder / "data" / "data.xlsx")
    words = {str(cell.value) for page in sheet for row in page.iter_rows() for cell in row}
    assert "不公开" in words
    marker = json.loads((folder / "publish.json").read_text(encoding="utf-8"))
    assert marker["withheld_counts"] == {"communities": {"households": 4}}
    with closing(sqlite3.connect(folder / "data" / "data.gpkg")) as database:
        assert database.execute("SELECT count(*) FROM layer_styles").fetchone()[0] > 0


def test_public_coordinates_are_on_the_metre(tmp_path):
    made = layers()
    made["communities"].geometry = made["communities"].geometry.translate(0.37, 0.41)
    folder = public_edition(tmp_path, made)
    stored = gpd.read_file(folder / "data" / "data.gpkg", layer="communities")
    xy = shapely.get_coordinates(stored.geometry.to_numpy())
    assert np.abs(xy - np.round(xy)).max() < 1e-6


def test_a_value_that_slips_through_stops_the_publication(tmp_path, monkeypatch):
    made = with_secrets()
    real = files.site_pages

    def spoiled(site):
        # Of the real edition only: what the pages say whatever the data is no secret.
        said = SECRET + "产权" if len(site.frames["communities"]) > 1 else ""
        return {path: page.replace("<h1>", f"<h1>{said}") for path, page in real(site).items()}

    monkeypatch.setattr(files, "site_pages", spoiled)
    with pytest.raises(DataError, match=r"communities\.owner_unit") as caught:
        public_edition(tmp_path, made)
    assert SECRET not in str(caught.value), "the message does not repeat the secret"
    assert not (tmp_path / "maps" / "public").exists()


@pytest.mark.parametrize("place", ["xlsx", "gpkg", "csv"])
def test_a_secret_in_any_kind_of_file_is_found(edition_copy, place):
    folder = edition_copy
    if place == "xlsx":
        with zipfile.ZipFile(folder / "data" / "data.xlsx", "a") as archive:
            archive.writestr("docProps/note.xml", f"<x>{SECRET}</x>")
    elif place == "csv":
        (folder / "data" / "parks.csv").write_text(f"name\n{SECRET}\n", encoding="utf-8")
    else:
        # A deleted row stays in a freed page of the file.
        with closing(sqlite3.connect(folder / "data" / "data.gpkg")) as database, database:
            database.execute("PRAGMA secure_delete = OFF")
            database.execute("CREATE TABLE scratch (x TEXT)")
            database.execute("INSERT INTO scratch VALUES (?)", [SECRET * 2000])
        with closing(sqlite3.connect(folder / "data" / "data.gpkg")) as database, database:
            database.execute("PRAGMA secure_delete = OFF")
            database.execute("DROP TABLE scratch")
    found = search.find_leaks(folder, {"x.y": frozenset({SECRET})}, "")
    assert [(f.code, f.file.rsplit(".", 1)[1]) for f in found] == [("withheld_value", place)]


@pytest.mark.parametrize("name", ["朝阳一村\r\n（北区）", "朝阳\t一村北区", "朝阳\x0b一村北区"])
def test_control_characters_are_compared_as_pages_write_them(tmp_path, name):
    """A published name is no leak in any form; a withheld one is found as databases and as pages keep it."""
    frame = pd.DataFrame({"name": [name]})
    secrets = search.withheld_values({"x": frame}, {})
    (tmp_path / "a.html").write_text(f"<p>{plain_text(name)}</p>", encoding="utf-8", newline="")
    (tmp_path / "b.csv").write_text(name, encoding="utf-8", newline="")
    assert search.find_leaks(tmp_path, secrets, f"a\n{name}\nb") == []
    assert sorted(f.file for f in search.find_leaks(tmp_path, secrets, "")) == ["a.html", "b.csv"]


def test_a_column_named_without_a_class_fails_to_publish(tmp_path):
    folder = tmp_path / "maps"
    folder.mkdir()
    text = shipped("template/maps/public.toml").read_text(encoding="utf-8")
    (folder / "public.toml").write_text(
        text.replace('parks = ["name", "kind"]', 'parks = ["name", "caretaker_phone"]'), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=r"parks\.caretaker_phone：没有这一列，或未定公开级别"):
        read_profile(tmp_path, "public")


def test_check_finds_a_forbidden_column_put_in_later(edition_copy):
    folder = edition_copy
    (folder / "data" / "communities.csv").write_text("community_id,name,owner_unit\nC1,x,y\n", encoding="utf-8-sig")
    codes = {f.code for f in verify.check_published(folder)}
    assert codes == {"changed_file", "row_count", "unlisted_column", "forbidden_column"}


def test_pipes_never_pass_any_public_profile():
    from gis_renovation.schemas import layer_schemas

    for layer in ("utility_lines", "utility_nodes", "utility_by_community", "illegal_structures"):
        assert layer_schemas()[layer].disclosure != "public"
    assert layer_schemas()["projects"].fields["contact"].disclosure == "restricted"


# --- the pages beside the map ---------------------------------------------------------------------


def test_checklist_lies_beside_the_folder_and_claims_no_exemption(plain_edition):
    text = plain_edition.with_name("public.checklist.md").read_text(encoding="utf-8")
    assert "不代替审核，也不作任何免审判断" in text
    assert "小区：小区名称" in text
    assert "最大面积 0.3" in text, "the nine blocks, the park 60 m away not: 620 m x 440 m"
    assert not list(plain_edition.glob("*checklist*")), "it is for the makers and not published"


def test_the_checklist_lists_what_was_withheld_and_why_without_its_numbers(tmp_path):
    made = layers()
    made["communities"].loc["C2", "households"] = 3
    (tmp_path / "maps").mkdir()
    folder = public_edition(tmp_path, made)
    text = folder.with_name("public.checklist.md").read_text(encoding="utf-8")
    part = text[text.index("小于限值 k = 5") : text.index("- [x] 已逐字节查找")]
    assert "  - 小区·户数：4 处\n    - 小于限值 5（1 处）：C2\n" in part
    assert re.search(r"公开后可由合计或其他数推算出不公开的数（3 处）：C\d、C\d、C\d\n", part)
    hidden = [str(n) for n in made["communities"]["households"].dropna() if n > 4]
    assert not [n for n in hidden if n in part], "ids and reasons, no numbers"
    assert "写在 maps/public.toml 的 [disclosure] minimum_count" in text
    public_edition(tmp_path, made)
    assert "往期或另一公众版没有公开，沿用（" in folder.with_name("public.checklist.md").read_text(encoding="utf-8")


def test_a_long_list_of_what_was_withheld_ends_after_twenty_and_the_log_keeps_the_limit(tmp_path):
    ids = [f"X{n:02}" for n in range(1, 24)]
    edition = Edition({}, reasons={"communities": {"households": {"small": ids}}})
    profile = read_profile(tmp_path, "public")
    seven = profile.model_copy(update={"disclosure": profile.disclosure.model_copy(update={"minimum_count": 7})})
    text = review_checklist(edition, seven, EditionFacts(title="例", as_of=AS_OF, profile="own"), number="")
    assert "小于限值 7（23 处）：X01、X02" in text
    assert "X20 等，另有 3 个" in text
    assert "X21" not in text
    (tmp_path / "maps").mkdir()
    for k in (5, 3):
        own = shipped("template/maps/public.toml").read_text(encoding="utf-8")
        own = own.replace("minimum_count = 5", f"minimum_count = {k}")
        (tmp_path / "maps" / "public.toml").write_text(own, encoding="utf-8")
        public_edition(tmp_path, layers())
    log = (tmp_path / "maps" / "publish-log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["minimum_count"] for line in log] == [5, 3]


def test_an_expired_map_number_is_refused(tmp_path):
    (tmp_path / "maps").mkdir()
    text = shipped("template/maps/public.toml").read_text(encoding="utf-8")
    dated = text.replace("# map_number", "map_number").replace("2026-06-01", "2024-08-31")
    (tmp_path / "maps" / "public.toml").write_text(dated, encoding="utf-8")
    with pytest.raises(ConfigError, match="已于 2024-08-31 到期"):
        public_edition(tmp_path, layers())
    assert not (tmp_path / "maps" / "public").exists()


def test_a_valid_map_number_is_printed_with_its_dates(tmp_path):
    (tmp_path / "maps").mkdir()
    text = shipped("template/maps/public.toml").read_text(encoding="utf-8")
    (tmp_path / "maps" / "public.toml").write_text(text.replace("# map_number", "map_number"), encoding="utf-8")
    folder = public_edition(tmp_path, layers())
    assert "审图号：皖S(2024)1号（2024-06-01 批准，有效期至 2026-06-01）" in (folder / "about.html").read_text(
        encoding="utf-8"
    )
    assert "审图号：皖S(2024)1号" in (folder / "map.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ({"share": True}, 0.456, "45.6%"),
        ({"money": True, "unit": "元"}, 12_345_678.0, "1,234.57 万元"),
        ({"unit": "m²"}, 25_000.4, "25,000 m²"),
        ({"unit": "m"}, 3.456, "3.46 m"),
        ({"plain": True, "unit": "年"}, 1985, "1985 年"),
        ({}, None, "未知"),
        ({}, True, "是"),
        ({"labels": {"a": "甲"}}, "a", "甲"),
        ({}, 0, "0"),
    ],
)
def test_values_in_words(column, value, said):
    assert tables.words(column, value, "zh") == said
