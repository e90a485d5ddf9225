"""The workbook a planner gets, read back with another library."""

import datetime
import math
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from gis_renovation.display.values import display_width, labelled, missing_text, shown_text
from gis_renovation.errors import ConfigError
from gis_renovation.schemas import layer_schemas
from gis_renovation.writing.workbooks import CELL_TEXT_MAX, SHEET_NAME_MAX, unique_sheet_name, write_tables


@pytest.fixture
def zones():
    """Two zones: one with hostile text and unknown numbers, one with zeros."""
    return gpd.GeoDataFrame(
        {
            "name": ["=HYPERLINK(1)", "公园里片区"],
            "community_count": [2, 3],
            "households": [math.nan, 0.0],
            "floor_area_m2": [1234.567, 0.0],
            "cost_yuan": [1234567.5, math.nan],
            "why_zh": ["间距 12 m，无阻隔", "同一街道"],
            "why_en": ["12 m apart", "one subdistrict"],
        },
        geometry=[box(0, 0, 1, 1), box(2, 0, 3, 1)],
        index=pd.Index(["Z-1", "Z-2"], name="zone_id"),
        crs="EPSG:4548",
    )


def read(path):
    book = openpyxl.load_workbook(path)
    try:
        return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}
    finally:
        book.close()


def column(rows, header):
    place = rows[0].index(header)
    return [row[place] for row in rows[1:]]


def test_headers_are_chinese_labels_with_units_and_the_key_comes_first(tmp_path, zones):
    write_tables(tmp_path / "t.xlsx", {"zones": zones}, synthetic=False)
    header = read(tmp_path / "t.xlsx")["连片改造片区"][0]
    assert header[0] == "片区编号"
    assert header[1:5] == ["片区名称", "小区数（个）", "户数（户）", "建筑面积（m²）"]


def test_unknown_is_a_word_and_zero_is_a_number(tmp_path, zones):
    write_tables(tmp_path / "t.xlsx", {"zones": zones}, synthetic=False)
    rows = read(tmp_path / "t.xlsx")["连片改造片区"]
    assert column(rows, "户数（户）") == ["未知", 0]
    assert column(rows, "建筑面积（m²）") == [1234.567, 0]
    assert column(rows, "估算投资（万元）") == [123.45675, "未知"]


def test_sentences_of_the_other_language_and_geometry_stay_out(tmp_path, zones):
    write_tables(tmp_path / "zh.xlsx", {"zones": zones}, synthetic=False)
    write_tables(tmp_path / "en.xlsx", {"zones": zones}, synthetic=False, lang="en")
    zh, en = read(tmp_path / "zh.xlsx")["连片改造片区"], read(tmp_path / "en.xlsx")["Renovation zones"]
    assert column(zh, "成片理由") == ["间距 12 m，无阻隔", "同一街道"]
    assert column(en, "Why") == ["12 m apart", "one subdistrict"]
    assert "Floor area (m²)" in en[0]
    assert "Households" in en[0]
    assert not {"geometry", "成片理由（英文）"} & set(zh[0])
    assert len(zh[0]) == len(en[0])


@pytest.mark.parametrize(
    "text", ["=1+1", "+86", "-1", "@SUM(A1)", "https://example.invalid/", "0012", "<b>x</b>", "\tx"]
)
def test_text_of_the_data_is_text_in_the_sheet(tmp_path, zones, text):
    zones["name"] = text
    write_tables(tmp_path / "t.xlsx", {"zones": zones}, synthetic=False)
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    cell = book["连片改造片区"]["B2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)
    book.close()
    with zipfile.ZipFile(tmp_path / "t.xlsx") as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if "worksheets/sheet" in name]
    assert not any("<f>" in sheet for sheet in sheets)


def test_codes_show_their_labels_and_yes_no_is_chinese(tmp_path):
    links = pd.DataFrame(
        {
            "focal": ["C1", "C1"],
            "neighbor": ["C2", "C3"],
            "status": ["joined", "cut"],
            "gap_m": [12.345, 30.0],
            "walk_m": [12.345, math.nan],
            "same_unit": pd.array([True, None], dtype="boolean"),
        },
        index=pd.Index(["C1~C2", "C1~C3"], name="link_id"),
    )
    write_tables(tmp_path / "t.xlsx", {"community_links": links}, synthetic=False)
    rows = read(tmp_path / "t.xlsx")["小区连接关系"]
    assert column(rows, "连通状态") == ["相连", "隔断"]
    assert column(rows, "同一县区") == ["是", "未知"]
    assert column(rows, "步行距离（m）") == [12.345, "—"], "the schema says a cut link has none"


def test_a_missing_value_shows_what_the_schema_says_it_means(tmp_path):
    members = pd.DataFrame({"zone_id": ["Z-1", None]}, index=pd.Index(["C1", "C2"], name="community_id"))
    write_tables(tmp_path / "t.xlsx", {"zone_members": members}, synthetic=False)
    assert column(read(tmp_path / "t.xlsx")["片区成员"], "片区编号") == ["Z-1", "未纳入任何片区"]


def test_what_does_not_apply_is_a_dash_and_what_is_not_known_is_unknown(tmp_path):
    members = pd.DataFrame(
        {
            "zone_id": ["Z-1", None],
            "objective": [None, 1.5],
            "candidate_count": pd.array([None, 3], dtype="Int64"),
            "reason_zh": [None, "户数过少"],
        },
        index=pd.Index(["C1", "C2"], name="community_id"),
    )
    units = pd.DataFrame(
        {"name": ["甲", "乙"], "community_count": [0, 3], "started_share": [float("nan")] * 2},
        index=pd.Index(["1", "2"], name="unit_code"),
    )
    layers = {"zone_members": members, "unit_progress": units}
    write_tables(tmp_path / "t.xlsx", layers, synthetic=False)
    book = read(tmp_path / "t.xlsx")
    for header, expected in (
        ("未纳入原因", ["—", "户数过少"]),
        ("松散度", ["—", 1.5]),
        ("枚举的候选片区数（个）", ["—", 3]),
    ):
        assert column(book["片区成员"], header) == expected
    sheet = next(rows for name, rows in book.items() if any("开工率（小区）" in str(cell) for cell in rows[0]))
    header = next(cell for cell in sheet[0] if str(cell).startswith("开工率（小区）"))
    assert column(sheet, header) == ["—", "未知"], "a share of nothing is not unknown"
    shown = labelled(units, "unit_progress", ["started_share"])
    assert shown.iloc[:, 0].tolist() == ["—", "未知"]


def test_shares_are_numbers_shown_as_per_cent_and_dates_are_dates(tmp_path):
    states = pd.DataFrame(
        {
            "progress_share": [0.4, math.nan],
            "recorded_on": [datetime.date(2024, 9, 30), None],
            "planned_yuan": [1e6, 0.0],
        },
        index=pd.Index(["P1", "P2"], name="project_id"),
    )
    write_tables(tmp_path / "t.xlsx", {"project_states": states}, synthetic=False)
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    sheet = book["项目进度"]
    header = [cell.value for cell in sheet[1]]
    share, dated = sheet.cell(2, header.index("形象进度") + 1), sheet.cell(2, header.index("填报日期") + 1)
    assert (share.value, share.number_format) == (0.4, "0.0%")
    assert (dated.value.date(), dated.number_format) == (datetime.date(2024, 9, 30), "yyyy-mm-dd")
    assert sheet.cell(2, header.index("计划资金（万元）") + 1).number_format == "#,##0.00"
    assert sheet.cell(3, header.index("填报日期") + 1).value is None
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("B2", "A1:D3")
    book.close()


def test_the_first_sheet_tells_project_date_notice_and_sheets(tmp_path, zones):
    write_tables(
        tmp_path / "t.xlsx", {"zones": zones}, synthetic=True, project="淮南（示意）", as_of=datetime.date(2024, 9, 30)
    )
    sheets = read(tmp_path / "t.xlsx")
    assert list(sheets) == ["说明", "连片改造片区", "字段说明"]
    text = "\n".join(str(cell) for row in sheets["说明"] for cell in row if cell is not None)
    for expected in ("淮南（示意）", "2024-09-30", "示意数据", "连片改造片区（zones）", "未知"):
        assert expected in text
    names = column(sheets["字段说明"], "列名")
    assert names[:3] == ["zone_id", "name", "community_count"]


def test_without_synthetic_data_there_is_no_notice(tmp_path, zones):
    write_tables(tmp_path / "t.xlsx", {"zones": zones}, synthetic=False)
    assert "示意数据" not in str(read(tmp_path / "t.xlsx"))


def test_the_same_layers_give_the_same_bytes(tmp_path, zones):
    for name in ("a.xlsx", "b.xlsx"):
        write_tables(tmp_path / name, {"zones": zones}, synthetic=True, as_of=datetime.date(2024, 9, 30))
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_layer_with_too_many_rows_is_named_on_the_first_sheet_and_not_cut(tmp_path, zones):
    write_tables(tmp_path / "t.xlsx", {"zones": zones}, synthetic=False, rows_max=1)
    sheets = read(tmp_path / "t.xlsx")
    assert "连片改造片区" not in sheets
    line = next(row for row in sheets["说明"] if row[1] == "连片改造片区（zones）")
    assert line[2] == 2
    assert "layers.gpkg" in line[4]


@pytest.mark.parametrize("rows_max", [0, 1_048_576])
def test_rows_beyond_excels_limit_are_refused(tmp_path, zones, rows_max):
    with pytest.raises(ConfigError, match="1,048,575"):
        write_tables(tmp_path / "t.xlsx", {"zones": zones}, synthetic=False, rows_max=rows_max)


def test_text_too_long_for_a_cell_is_whole_on_its_own_sheet(tmp_path, zones):
    long = "长" * CELL_TEXT_MAX + "尾"
    zones["why_zh"] = [long, "短"]
    write_tables(tmp_path / "t.xlsx", {"zones": zones}, synthetic=False)
    sheets = read(tmp_path / "t.xlsx")
    assert "超长文字" in column(sheets["连片改造片区"], "成片理由")[0]
    parts = sheets["超长文字"][1:]
    assert [row[:4] for row in parts] == [
        ["连片改造片区", "Z-1", "成片理由", 1],
        ["连片改造片区", "Z-1", "成片理由", 2],
    ]
    assert "".join(row[4] for row in parts) == long


def test_an_empty_layer_gives_a_header_only(tmp_path, zones):
    write_tables(tmp_path / "t.xlsx", {"zones": zones.iloc[:0]}, synthetic=False)
    rows = read(tmp_path / "t.xlsx")["连片改造片区"]
    assert len(rows) == 1
    assert rows[0][0] == "片区编号"


def test_every_known_table_has_a_header_for_every_field(tmp_path):
    schemas = {name: schema for name, schema in layer_schemas().items() if not schema.raster}
    frames = {
        name: pd.DataFrame(
            {field: pd.Series(dtype=object) for field in schema.fields if field != schema.key}
        ).rename_axis(schema.key or None)
        for name, schema in schemas.items()
    }
    write_tables(tmp_path / "t.xlsx", frames, synthetic=False)
    sheets = read(tmp_path / "t.xlsx")
    assert len(sheets) == len(schemas) + 2
    for name, schema in schemas.items():
        expected = [f for f in schema.fields if not f.endswith("_en")]
        described = [row[2] for row in sheets["字段说明"] if row[0].startswith(schema.label.zh)]
        assert set(expected) <= set(described), name


def test_an_unknown_layer_is_refused_by_name(tmp_path, zones):
    with pytest.raises(ConfigError, match="zonez"):
        write_tables(tmp_path / "t.xlsx", {"zonez": zones}, synthetic=False)
    assert not (tmp_path / "t.xlsx").exists()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=45), max_size=12))
def test_sheet_names_are_legal_and_differ(labels):
    taken: set[str] = set()
    for label in labels:
        name = unique_sheet_name(label, taken)
        assert 0 < len(name) <= SHEET_NAME_MAX
        assert not set(name) & set("[]:*?/\\")
        assert not name.startswith("'")
        assert not name.endswith("'")
        assert name.casefold() not in taken
        taken.add(name.casefold())


def test_a_labelled_frame_reads_like_the_sheet(zones):
    shown = labelled(zones, "zones", ["households", "floor_area_m2"])
    assert list(shown.columns) == ["户数（户）", "建筑面积（m²）"]
    assert shown.to_numpy().tolist() == [["未知", "1,234.57"], ["0", "0.00"]]
    assert (shown.index.name, list(shown.index)) == ("片区编号", ["Z-1", "Z-2"])
    assert list(labelled(zones.iloc[:0], "zones", lang="en").columns)[:2] == ["Name", "Communities"]


def test_columns_a_labelled_frame_lacks_are_all_named_with_the_nearest(zones):
    with pytest.raises(ConfigError) as caught:
        labelled(zones, "zones", ["household", "floor_area_m2", "no_such_column"])
    assert "household, no_such_column" in str(caught.value)
    assert "households" in str(caught.value)


def chinese(text):
    return any("\u4e00" <= character <= "\u9fff" for character in str(text))


def test_an_english_workbook_of_every_layer_holds_no_chinese(tmp_path):
    # A row each in which nothing is known: what a missing value is called has to be English too.
    layers = {
        name: pd.DataFrame({field: [None] for field in schema.fields}, index=pd.Index(["X"], name=schema.key or None))
        for name, schema in layer_schemas().items()
        if not schema.raster
    }
    write_tables(tmp_path / "en.xlsx", layers, synthetic=True, lang="en", as_of=datetime.date(2024, 9, 30))
    book = openpyxl.load_workbook(tmp_path / "en.xlsx")
    cells = [(sheet.title, cell) for sheet in book for row in sheet.iter_rows() for cell in row]
    said = [(title, cell.coordinate, text) for title, cell in cells for text in (cell.value, cell.comment) if text]
    assert len(said) > 20 * len(layers)
    assert [found for found in said if chinese(found[0]) or chinese(found[2])] == []


def test_every_note_is_in_both_languages_and_says_the_same_of_missing_values():
    schemas = layer_schemas().values()
    fields = [field for schema in schemas for field in schema.fields.values()]
    notes = [owner.note for owner in (*schemas, *fields) if owner.note.zh or owner.note.en]
    assert len(notes) > 100
    for note in notes:
        assert chinese(note.zh)
        assert note.en
        assert not chinese(note.en)
        assert ("空值表示" in note.zh) == ("empty means" in note.en), note
    for field in fields:
        assert (missing_text(field, "zh") == "—") == (missing_text(field, "en") == "—"), field.name


def test_a_chinese_character_is_two_columns_wide():
    assert display_width("ab小区") == 6


def test_running_text_shows_numbers_as_the_sheet_does():
    fields = layer_schemas()["zones"].fields
    assert shown_text(1234.567, fields["floor_area_m2"], "zh") == "1,234.57"
    assert shown_text(float("nan"), fields["floor_area_m2"], "zh") == "未知"
    assert shown_text(22595.0, fields["households"], "zh") == "22,595"
    assert shown_text("cut", layer_schemas()["community_links"].fields["status"], "en") == "cut"
    assert missing_text(fields["why_zh"], "zh") == ""
    states = layer_schemas()["project_states"].fields
    assert shown_text(0.405, states["progress_share"], "zh") == "40.5%"
    assert shown_text(datetime.date(2024, 9, 30), states["recorded_on"], "zh") == "2024-09-30"
