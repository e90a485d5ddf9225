"""Approximate numbers from the register to every published form: marked, still numbers, nothing withheld named."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import date

import docx
import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from drawn_city import layers, publish_city
from hypothesis import given
from hypothesis import strategies as st

from gis_renovation.checking.remedies import check_layer
from gis_renovation.display.values import labelled
from gis_renovation.errors import ConfigError
from gis_renovation.publish.profile import read_profile
from gis_renovation.publish.verify import check_published
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import estimate_names, estimated_rows, keep_told_estimates
from gis_renovation.words import Text
from gis_renovation.writing.documents import Paper
from gis_renovation.writing.workbooks import write_tables

AS_OF = date(2024, 9, 30)


def register():
    """Nine communities as the register has them: of C2, C3 and C4 households are approximate, C3 has about a cost."""
    drawn = layers()["communities"]
    frame = drawn.reset_index()[["community_id", "name", "unit_code", "geometry"]]
    households = ["300", "约3", "400左右", "约450", "500", "550", "600", "650", "不详"]
    costs = ["100", None, "约200万元", *["300"] * 6]
    return frame.assign(households=households, cost_yuan=costs, year_built=[*["1990"] * 3, "1985年左右", *["1990"] * 5])


def city():
    """The drawn city with its communities read from that register."""
    card = read_card('[source]\npath = "a.xlsx"\ncrs = "EPSG:4548"\n', stem="communities", where="x")
    read = conform(register(), card).frame
    return layers() | {"communities": gpd.GeoDataFrame(read, geometry="geometry", crs="EPSG:4548")}


def test_reading_a_register_keeps_the_numbers_and_says_which_are_approximate():
    made = city()["communities"]
    assert made["households"].tolist()[:4] == [300, 3, 400, 450]
    assert made["approximate"].tolist()[1:4] == ["households", "households;cost_yuan", "year_built;households"]
    assert made["approximate"].isna().tolist() == [True, *[False] * 3, *[True] * 5]
    assert check_layer(made, layer_schema("communities")) == []


def test_a_register_without_approximate_numbers_has_no_such_column():
    card = read_card('[source]\npath = "a"\n', stem="communities", where="x")
    plain = register().assign(households="120", cost_yuan=None, year_built=None)
    assert "approximate" not in conform(plain, card).frame.columns


def test_a_card_cannot_map_the_column_that_the_program_writes():
    with pytest.raises(ConfigError, match=r"columns\.approximate"):
        read_card('[source]\npath = "a"\n[columns]\napproximate = "约数"\n', stem="communities", where="x")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6))
def test_what_is_named_is_found_again(marks):
    index = pd.RangeIndex(len(marks))
    rows = {"a": pd.array([a for a, _ in marks]).to_numpy(bool), "b": pd.array([b for _, b in marks]).to_numpy(bool)}
    told = estimate_names(rows, index)
    frame = pd.DataFrame({"a": 1, "b": 2}, index=index)
    if told is None:
        assert not any(a or b for a, b in marks)
        return
    frame = frame.assign(approximate=told)
    assert [tuple(map(bool, pair)) for pair in zip(*(estimated_rows(frame, c) for c in "ab"), strict=True)] == marks
    assert keep_told_estimates(frame).equals(frame)
    assert ";" not in "".join(keep_told_estimates(frame.drop(columns="b")).get("approximate", pd.Series()).dropna())


def test_nothing_is_named_that_is_not_there_or_not_known():
    frame = pd.DataFrame({"households": [120, None], "approximate": ["households;cost_yuan", "households"]})
    assert keep_told_estimates(frame)["approximate"].isna().tolist() == [False, True]
    assert keep_told_estimates(frame)["approximate"].tolist()[0] == "households"
    assert "approximate" not in keep_told_estimates(frame.drop(columns="households"))


def test_a_workbook_says_about_before_a_cell_that_stays_a_number(tmp_path):
    for lang, about, named in (("zh", "约 ", "户数、估算投资"), ("en", "about ", "Households, Estimated cost")):
        write_tables(tmp_path / "a.xlsx", {"communities": city()["communities"]}, synthetic=False, lang=lang)
        book = openpyxl.load_workbook(tmp_path / "a.xlsx")
        about_sheet = "".join(str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row)
        assert {"zh": "数前写“约”的", "en": "marked “about”"}[lang] in about_sheet
        sheet = book.worksheets[1]
        heads = {cell.value: cell.column for cell in sheet[1]}
        households = heads["户数（户）" if lang == "zh" else "Households"]
        one, exact = sheet.cell(4, households), sheet.cell(2, households)
        assert (one.value, one.number_format) == (400, f'"{about}"#,##0')
        assert (exact.value, exact.number_format) == (300, "#,##0")
        assert sheet.cell(4, heads["约数" if lang == "zh" else "Approximate"]).value == named


def test_documents_and_notebooks_say_about(tmp_path):
    made = city()["communities"]
    assert labelled(made, "communities", ["households"]).iloc[:4, 0].tolist() == [
        "300",
        "约 3",
        "约 400",
        "约 450",
    ]
    paper = Paper(title=Text("题", "T"), lang="en", footer="", synthetic=False)
    paper.layer_table(made, "communities", ["households"])
    paper.save(tmp_path / "a.docx", dated=AS_OF)
    cells = [cell.text for row in docx.Document(tmp_path / "a.docx").tables[-1].rows for cell in row.cells]
    assert "about 400" in cells
    assert "300" in cells


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """The public edition of that city; its allow list has households and year, not the cost."""
    place = tmp_path_factory.mktemp("estimates")
    profile = read_profile(place, "public")
    target = place / "maps" / "public"
    publish_city(city(), profile, target, as_of=AS_OF)
    return target


def block(folder, name):
    page = (folder / "map.html").read_text(encoding="utf-8")
    return json.loads(re.search(rf'id="layer-{name}">(.*?)</script>', page, re.DOTALL).group(1))


def test_every_public_file_names_the_approximate_columns_and_only_public_ones(public):
    wanted = {"C3": "households", "C4": "year_built;households"}
    table = pd.read_csv(public / "data" / "communities.csv", index_col="community_id")
    assert table["approximate"].dropna().to_dict() == wanted
    with closing(sqlite3.connect(public / "data" / "data.gpkg")) as base:
        rows = base.execute("select community_id, approximate, households from communities").fetchall()
    assert {key: text for key, text, _ in rows if text} == wanted
    assert {key: count for key, _, count in rows}["C4"] == 450
    features = json.loads((public / "data" / "communities.geojson").read_text("utf-8"))["features"]
    assert {f["properties"]["community_id"]: f["properties"]["approximate"] for f in features}["C3"] == "households"
    assert not any(b"cost_yuan" in path.read_bytes() for path in public.rglob("*") if path.is_file())
    assert check_published(public) == []


def test_a_withheld_count_is_not_said_to_be_approximate(public):
    table = pd.read_csv(public / "data" / "communities.csv", index_col="community_id")
    assert table.loc["C2", "households"] == "不公开"
    assert pd.isna(table.loc["C2", "approximate"])


def test_pages_and_cards_say_about(public):
    pages = {
        path: (public / path).read_text(encoding="utf-8") for path in ("communities/C4.html", "communities/index.html")
    }
    assert "约 450 户" in pages["communities/C4.html"]
    assert "约 1985" in pages["communities/C4.html"]
    assert "约 400 户" in pages["communities/index.html"]
    assert "约 500" not in pages["communities/index.html"]
    assert "数前写“约”的" in (public / "about.html").read_text(encoding="utf-8")
    columns = {column["name"]: column for column in block(public, "communities")["columns"]}
    assert columns["households"]["about"] == {"2": 1, "3": 1}
    assert columns["households"]["data"][2] == 400
    assert columns["approximate"]["labels"] == {"households": "户数", "year_built;households": "建成年代、户数"}


def test_a_city_without_approximate_numbers_is_published_without_a_word_of_them(tmp_path):
    profile = read_profile(tmp_path, "public")
    target = tmp_path / "maps" / "public"
    publish_city(layers(), profile, target, as_of=AS_OF)
    assert "数前写“约”的" not in (target / "about.html").read_text(encoding="utf-8")
    assert "approximate" not in pd.read_csv(target / "data" / "communities.csv").columns


@pytest.mark.browser
def test_a_reader_of_the_map_sees_about_on_the_card_and_in_the_table(visit):
    one = visit(city(), fragment="#at=communities:C3")
    facts = one.page.locator(".card dl.facts").first.locator("div").all_inner_texts()
    said = dict(fact.split("\n", 1) for fact in facts)
    assert said["户数"] == "约 400 户"
    assert said["估算投资"] == "约 200 万元"
    assert "约数" not in said, "said at the number, not once more"
    one.page.locator("#table-button").click()
    table = one.page.locator("#sheet table")
    at = table.locator("thead th").all_inner_texts().index("户数")
    cells = [row.locator("th, td").nth(at).inner_text() for row in table.locator("tbody tr").all()]
    assert cells[:5] == ["300 户", "约 3 户", "约 400 户", "约 450 户", "500 户"]
    one.assert_quiet()
