"""Excel ledgers with every trap of an office: read whole, with every row accounted for."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo import as_office_saves, ledger, ods_ledger

from gis_renovation.errors import FileError
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files, read_xlsx
from gis_renovation.reading.formats.sheets import read_csv
from gis_renovation.reading.values.ledgers import read_ledger

CARD = '[source]\npath = "{}"\n{}\n[columns]\nproject_id = "小区名称"\nname = "小区名称"\n'


def raw(folder, name, source=""):
    card = read_card(CARD.format(name, source), stem="projects", where="card")
    return read_files(card, folder)


def test_a_ledger_with_every_trap_gives_its_records_only(tmp_path):
    ledger(tmp_path / "a.xlsx")
    found = raw(tmp_path, "a.xlsx")
    frame = found.frame
    assert list(frame.columns) == [
        "序号",
        "街道",
        "小区名称",
        "建成年代",
        "改造规模/建筑面积（万平方米）",
        "改造规模/户数（户）",
        "备注",
    ]
    assert list(frame["小区名称"]) == ["朝阳一村", "朝阳二村", "八公山小区"]
    assert list(frame["街道"]) == ["朝阳街道", "朝阳街道", "洞山街道"]
    facts = found.record["files"][0]
    # Ten rows: two of title, two of header, three records, two totals, one footer.
    assert facts["set_aside"] == {"title": 2, "header": 2, "blank": 0, "total": 2, "footer": 1}
    assert facts["sheet_rows"] == 10
    said = {(f.code, f.named("zh")) for f in found.findings}
    assert ("rows_set_aside", ("第7行", "第9行")) in said
    assert ("merged_filled", ()) in said
    assert not any("张三" in f.text.zh or "138" in f.text.zh for f in found.findings)


def test_its_cells_become_numbers_years_and_text(tmp_path):
    ledger(tmp_path / "a.xlsx")
    text = '[source]\npath = "a.xlsx"\n[columns]\nproject_id = "小区名称"\nname = "小区名称"\ncontact = "备注"\n'
    card = read_card(text, stem="projects", where="card")
    done = conform(read_files(card, tmp_path).frame, card)
    assert done.frame["contact"]["八公山小区"] == "=1+1"


def test_units_in_a_two_row_header_are_applied(tmp_path):
    ledger(tmp_path / "a.xlsx")
    frame = read_xlsx(tmp_path / "a.xlsx")
    import geopandas as gpd
    from shapely.geometry import box

    layer = gpd.GeoDataFrame(frame, geometry=[box(0, 0, 1, 1)] * 3, crs=4548)
    text = (
        '[source]\npath = "a.gpkg"\n[columns]\ncommunity_id = "小区名称"\nname = "小区名称"\nyear_built = "建成年代"\n'
        'floor_area_m2 = "改造规模/建筑面积（万平方米）"\nhouseholds = "改造规模/户数（户）"\n'
    )
    done = conform(layer, read_card(text, stem="communities", where="card"))
    assert done.frame["floor_area_m2"].to_dict() == {"朝阳一村": 12000, "朝阳二村": 8000, "八公山小区": 15000}
    assert done.frame["households"].to_dict() == {"朝阳一村": 120, "朝阳二村": 95, "八公山小区": 1030}
    assert done.frame["year_built"].isna().to_dict() == {"朝阳一村": True, "朝阳二村": True, "八公山小区": False}


def test_a_hidden_sheet_is_read_only_when_named_and_several_must_be_chosen(tmp_path):
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    for name in ("田家庵区", "大通区"):
        book.add_worksheet(name).write_row(0, 0, ["小区名称", "户数"])
    book.add_worksheet("草稿").hide()
    book.close()
    with pytest.raises(FileError, match=r"田家庵区.*大通区.*草稿（隐藏）"):
        raw(tmp_path, "a.xlsx")
    assert list(raw(tmp_path, "a.xlsx", 'layer_name = "大通区"').frame.columns) == ["小区名称", "户数"]
    with pytest.raises(FileError, match="没有工作表"):
        raw(tmp_path, "a.xlsx", 'layer_name = "潘集区"')


def test_a_locked_workbook_says_that_it_is_locked(tmp_path):
    # An encrypted workbook is an OLE container with a stream of this name; the marker is all a reader can see.
    from zoo import locked_workbook

    locked_workbook(tmp_path / "a.xlsx")
    with pytest.raises(FileError, match=r"a\.xlsx.*密码"):
        raw(tmp_path, "a.xlsx")


def test_a_workbook_by_another_writer_reads_the_same(tmp_path):
    ledger(tmp_path / "a.xlsx")
    openpyxl.load_workbook(tmp_path / "a.xlsx").save(tmp_path / "b.xlsx")
    assert raw(tmp_path, "a.xlsx").frame.astype(str).equals(raw(tmp_path, "b.xlsx").frame.astype(str))


def test_a_plain_table_has_its_first_row_as_header():
    found = read_ledger([["a", "b"], [1.0, "x"], [2.0, "y"]])
    assert list(found.frame.columns) == ["a", "b"]
    assert list(found.frame["a"]) == [1, 2]
    assert list(found.frame.index) == [2, 3]


def test_three_header_rows_and_equal_names():
    cells = [
        ["序号", "改造内容", "", "", "资金"],
        ["", "基础类", "", "完善类", "中央"],
        ["", "水", "电", "绿化", "万元"],
        [1.0, 1.0, 2.0, 3.0, 4.0],
    ]
    merged = [((0, 0), (2, 0)), ((0, 1), (0, 3)), ((1, 1), (1, 2))]
    found = read_ledger(cells, merged)
    assert list(found.frame.columns) == [
        "序号",
        "改造内容/基础类/水",
        "改造内容/基础类/电",
        "改造内容/完善类/绿化",
        "资金/中央/万元",
    ]
    same = read_ledger([["名称", "户数", "户数"], ["a", 1.0, 2.0]])
    assert list(same.frame.columns) == ["名称", "户数", "户数_2"]


def test_a_line_of_units_below_the_names_belongs_to_them():
    found = read_ledger([["名称", "面积", "户数"], ["", "（万平方米）", "（户）"], ["a", 1.0, 2.0]])
    assert list(found.frame.columns) == ["名称", "面积（万平方米）", "户数（户）"]


def test_a_repeated_header_and_a_line_of_column_numbers_are_no_records():
    cells = [
        ["序号", "名称", "户数", "备注"],
        ["1", "2", "3", "4"],
        [1.0, "a", 5.0, ""],
        ["序号", "名称", "户数", "备注"],
        [2.0, "b", 6.0, ""],
    ]
    found = read_ledger(cells)
    assert list(found.frame["名称"]) == ["a", "b"]
    assert found.set_aside["header"] == [1, 2, 4]


def test_a_total_that_does_not_add_up_is_said():
    cells = [["名称", "户数"], ["a", 10.0], ["b", "约20"], ["合计", 35.0]]
    assert read_ledger(cells).totals == [(4, "户数", 35.0, 30.0)]
    cells[-1] = ["合计", 30.0]
    assert read_ledger(cells).totals == []


def test_a_community_whose_name_merely_contains_a_total_word_is_a_record():
    found = read_ledger([["名称", "户数"], ["总计划局宿舍", 10.0], ["合计路小区", 20.0]])
    assert list(found.frame["名称"]) == ["总计划局宿舍", "合计路小区"]


def test_the_card_may_say_where_the_header_is():
    cells = [["x", "y", "z"], ["名称", "户数", "层"], ["a", 1.0, 2.0]]
    assert list(read_ledger(cells, header_row=2).frame.columns) == ["名称", "户数", "层"]
    assert list(read_ledger(cells, header_row=1, header_rows=2).frame.columns) == ["x/名称", "y/户数", "z/层"]


_CELLS = st.one_of(
    st.none(),
    st.text(max_size=6),
    st.floats(allow_nan=False),
    st.integers(-5, 5),
    st.booleans(),
    st.sampled_from(["合计", "序号", "填报人：", "（户）"]),
)


@given(st.lists(st.lists(_CELLS, min_size=0, max_size=5), max_size=12))
@settings(max_examples=200, deadline=None)
def test_every_row_of_any_sheet_is_a_record_or_set_aside(cells):
    found = read_ledger(cells)
    assert found.rows_seen == len(cells)
    seen = [*found.frame.index, *(row for rows in found.set_aside.values() for row in rows)]
    assert sorted(seen) == list(range(1, len(cells) + 1))


def test_an_opendocument_sheet_keeps_its_merged_header_and_street(tmp_path):
    ods_ledger(tmp_path / "台账.ods")
    frame = read_xlsx(tmp_path / "台账.ods")
    assert list(frame.columns) == [
        "小区编号", "街道", "小区名称", "改造规模/建筑面积（万平方米）", "改造规模/户数（户）",
    ]  # fmt: skip
    assert list(frame["街道"]) == ["朝阳街道", "朝阳街道"]
    text = (
        '[source]\npath = "台账.ods"\n[columns]\ncommunity_id = "小区编号"\nname = "小区名称"\nsubdistrict = "街道"\n'
        'households = "改造规模/户数（户）"\nfloor_area_m2 = "改造规模/建筑面积（万平方米）"\n'
    )
    done = conform(frame, read_card(text, stem="communities", where="card")).frame
    assert list(done["households"]) == [120, 95]
    assert list(done["floor_area_m2"]) == [12000, 8000]


@pytest.mark.parametrize("suffix", [".ods", ".xls"])
def test_a_workbook_saved_in_another_format_reads_as_before(tmp_path, suffix):
    saved = as_office_saves(ledger(tmp_path / "台账.xlsx"), suffix)
    if saved is None:
        pytest.skip("LibreOffice is not installed")
    pd.testing.assert_frame_equal(read_xlsx(saved), read_xlsx(tmp_path / "台账.xlsx"))


def test_a_line_with_too_many_cells_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("编号,名称\n1,甲\n2,乙,丙\n", encoding="utf-8")
    with pytest.raises(FileError, match="第 3 行有 3 格，表头只有 2 列"):
        read_csv(tmp_path / "a.csv")
