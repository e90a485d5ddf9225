"""Tables as offices pass them on: what a sheet hides, what stands between cells, what a file is called and is not."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from binary_workbook import EMPTY, ERROR, container, sheet
from binary_workbook import workbook as binary_workbook
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo import communities

from gis_renovation.errors import ConfigError, FileError
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files
from gis_renovation.reading.formats import RASTER_SUFFIXES, SUFFIXES
from gis_renovation.reading.formats.compound import CompoundFile
from gis_renovation.reading.formats.disguised import html_cells, xml_sheets
from gis_renovation.reading.formats.sheets import read_csv
from gis_renovation.reading.formats.workbook_traps import too_far
from gis_renovation.reading.values.ledgers import read_ledger


def read(folder, name, *, source="", columns='project_id = "编号"'):
    card = read_card(f'[source]\npath = "{name}"\n{source}\n[columns]\n{columns}\n', stem="projects", where="card")
    raw = read_files(card, folder)
    return raw.frame, {f.code: f for f in raw.findings}, card


def workbook(path, rows, hidden=(), formulas=()):
    """A workbook with rows of values; ``formulas`` are (cell, text, value stored)."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("台账")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    for row in hidden:
        sheet.set_row(row, options={"hidden": True})
    for cell, text, value in formulas:
        sheet.write_formula(cell, text, None, value)
    book.close()


ROWS = [["编号", "名称", "户数"], ["P1", "甲", 1], ["P2", "乙", 2], ["P3", "丙", 3]]


# --- what a sheet does not hold -------------------------------------------------------------------


def test_formulas_that_nothing_has_computed_are_told_by_cell(tmp_path):
    book = openpyxl.Workbook()
    for row in [*ROWS[:2], ["P2", "乙", "=50*2"], ["P3", "=A2", 3]]:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")  # openpyxl computes nothing
    _, said, _ = read(tmp_path, "a.xlsx")
    assert said["formulas_uncomputed"].severity == "warning"
    assert said["formulas_uncomputed"].named("zh") == ("C3", "B4")


def test_computed_formulas_and_empty_texts_are_values(tmp_path):
    workbook(tmp_path / "a.xlsx", ROWS, formulas=[("C2", "=1+1", 2)])
    frame, said, _ = read(tmp_path, "a.xlsx")
    assert frame["户数"].tolist() == [2, 2, 3]
    assert "formulas_uncomputed" not in said


def test_a_formula_that_gives_an_empty_text_is_computed(tmp_path):
    workbook(tmp_path / "a.xlsx", ROWS, formulas=[("B3", '=""', "x")])
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b"<v>x</v>" in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"<v>x</v>", b"<v></v>")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert "formulas_uncomputed" not in read(tmp_path, "a.xlsx")[1]


@pytest.mark.parametrize("error", ["#REF!", "#DIV/0!", "#N/A"])
def test_errors_of_formulas_are_told_by_cell(tmp_path, error):
    workbook(tmp_path / "a.xlsx", ROWS, formulas=[("C3", "=1/0", error), ("B30", "=1/0", "#REF!")])
    _, said, _ = read(tmp_path, "a.xlsx")
    assert f"C3={error}" in said["formula_errors"].named("zh")


def test_hidden_rows_are_read_and_told(tmp_path):
    workbook(tmp_path / "a.xlsx", ROWS, hidden=[2])
    frame, said, _ = read(tmp_path, "a.xlsx")
    assert frame["编号"].tolist() == ["P1", "P2", "P3"]
    assert said["hidden_rows"].named("zh") == ("第3行",)
    workbook(tmp_path / "b.xlsx", ROWS)
    assert "hidden_rows" not in read(tmp_path, "b.xlsx")[1]


ODS_ROW = '<table:table-row{}><table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>{}</table:table-row>'


def test_an_opendocument_sheet_tells_the_same(tmp_path):
    cell = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>"
    text = ' office:value-type="string"'
    rows = [
        ODS_ROW.format("", "编号", cell.format(text, "名称")),
        ODS_ROW.format(' table:visibility="filter"', "P1", cell.format(text, "甲")),
        ODS_ROW.format("", "P2", cell.format(' table:formula="of:=[.A1]"', "")),
        ODS_ROW.format("", "P3", cell.format(' table:formula="of:=1/0"' + text, "#DIV/0!")),
    ]
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    body = f'<office:body><office:spreadsheet><table:table table:name="台账">{"".join(rows)}</table:table></office:spreadsheet></office:body>'
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", f"<office:document-content {spaces}>{body}</office:document-content>")
    _, said, _ = read(tmp_path, "a.ods")
    assert said["hidden_rows"].named("zh") == ("第2行",)
    assert said["formulas_uncomputed"].named("zh") == ("B3",)
    assert said["formula_errors"].named("zh") == ("B4=#DIV/0!",)


# --- rows that are no footers ---------------------------------------------------------------------

NAMES = [
    "注塑厂宿舍",
    "电话局家属院",
    "制表厂新村",
    "注册会计师楼",
    "审核局宿舍",
    "备注厂小区",
    "说明书印刷厂",
    "联系人民路小区",
    "复核站",
]


@given(st.permutations(NAMES), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_communities_named_like_a_footer_are_records_wherever_they_stand(names, filled):
    cells = [
        ["名称", "户数", "年代", "单位", "备注"],
        *([name, 100.0, 1990.0, "某厂"][:filled] + [None] * (5 - filled) for name in names),
    ]
    assert read_ledger(cells).frame["名称"].tolist() == list(names)


@pytest.mark.parametrize(
    "line",
    [
        ["填报人：张三", "电话：13800000000"], ["制表：李四"], ["审核人: 王五"], ["备注：以上为2024年底数据"], ["注1：含在建"],
        ["填报单位（盖章）：某街道", None, "日期：2024-5-1"], ["填报人张三"], ["制表 李四"], ["联系电话", 13800000000.0], ["备注"], ["注 以上数据含租户"],
    ],
)  # fmt: skip
def test_a_footer_has_a_colon_or_stands_last(line):
    cells = [["名称", "户数", "年代", "单位", "备注"], ["甲", 1.0], ["乙", 2.0], ["合计", 3.0], line, []]
    found = read_ledger(cells)
    assert found.frame["名称"].tolist() == ["甲", "乙"]
    assert found.set_aside["footer"] == [5]


def test_years_as_numbers_or_text_belong_to_a_header():
    for years in ([2022.0, 2023.0], ["2022", "2023年"], ["2022年度", 2023.0]):
        cells = [["编号", "户数", *years], ["C1", "约100户", "未改", "改造"], ["C2", "不详", "无", "无"]]
        found = read_ledger(cells)
        assert list(found.frame.columns)[:2] == ["编号", "户数"]
        assert str(found.frame.columns[2]).startswith("2022")
        assert ".0" not in "".join(found.frame.columns)
        assert found.frame["编号"].tolist() == ["C1", "C2"]


# --- what stands between cells --------------------------------------------------------------------


@pytest.mark.parametrize("mark", [";", "\t", "|", ","])
def test_separators_are_told_by_equal_counts_not_by_their_number(tmp_path, mark):
    """Commas inside the shapes in words are many more than what stands between the cells."""
    frame = communities()
    table = pd.DataFrame(frame.drop(columns="geometry")).assign(WKT=frame.geometry.to_wkt())
    table.to_csv(tmp_path / "a.csv", sep=mark, index=False)
    found = read_csv(tmp_path / "a.csv")
    assert found["WKT"].tolist() == table["WKT"].tolist()
    assert found["名称"].tolist() == table["名称"].tolist()


def test_a_comma_in_every_text_does_not_divide_a_table_of_semicolons(tmp_path):
    (tmp_path / "a.csv").write_text("编号;备注\nP1;一,二,三\nP2;四\nP3;五,六\n", encoding="utf-8")
    assert read_csv(tmp_path / "a.csv")["备注"].tolist() == ["一,二,三", "四", "五,六"]


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_line_that_names_the_separator_is_obeyed_and_no_row(tmp_path, first, encoding):
    if encoding != "utf-8" and "\ufeff" in first:
        pytest.skip("GB 18030 has no mark")
    (tmp_path / "a.csv").write_bytes(f"{first}\r\n编号;名称\r\nP1;甲,乙\r\n".encode(encoding))
    frame, _, _ = read(tmp_path, "a.csv")
    assert frame.to_dict("list") == {"编号": ["P1"], "名称": ["甲,乙"]}
    assert frame.index.tolist() == [2]  # as a spreadsheet counts, which hides the line


def test_the_cards_separator_counts_before_all(tmp_path):
    (tmp_path / "a.csv").write_text("编号#名称,全\nP1#甲,乙\n", encoding="utf-8")
    frame, _, _ = read(tmp_path, "a.csv", source='separator = "#"')
    assert frame["名称,全"].tolist() == ["甲,乙"]
    (tmp_path / "b.txt").write_text("编号  名称\nP1 甲\n", encoding="utf-8")
    assert read(tmp_path, "b.txt", source='separator = " "')[0]["名称"].tolist() == ["甲"]
    with pytest.raises(ConfigError):
        read(tmp_path, "a.csv", source='separator = ";;"')


def test_rows_that_end_with_a_separator_shift_no_cell(tmp_path):
    (tmp_path / "a.csv").write_text("编号,名称\nP1,甲,\nP2,乙,\n", encoding="utf-8")
    assert read(tmp_path, "a.csv")[0].to_dict("list") == {"编号": ["P1", "P2"], "名称": ["甲", "乙"]}
    (tmp_path / "b.csv").write_text("编号,名称\nP1,甲,丙\nP2,乙,\n", encoding="utf-8")
    with pytest.raises(FileError, match="第 2 行有 3 格"):
        read(tmp_path, "b.csv")


# --- guards and headers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"=""0012"""', "0012"),
        ('="0012"', "0012"),
        ("'0012", "0012"),
        ("'-5", "-5"),
        ("'甲'村", "'甲'村"),
        ("=A1", "=A1"),
    ],
)
def test_guards_against_spreadsheets_are_taken_off_and_said(tmp_path, written, meant):
    (tmp_path / "a.csv").write_text(f"编号,名称\n{written},甲\nP2,乙\n", encoding="utf-8")
    frame, said, _ = read(tmp_path, "a.csv")
    assert frame["编号"].tolist() == [meant, "P2"]
    bare = written.strip('"').replace('""', '"')
    assert ("guarded" in said) == (meant not in (bare, written))


def test_guards_in_a_workbook_too(tmp_path):
    workbook(tmp_path / "a.xlsx", [["编号", "名称"], ["'0012", "甲"], ['="0013"', "乙"]])
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    book.active["A3"].data_type = "s"
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path, "a.xlsx")[0]["编号"].tolist()[0] == "0012"


def test_a_table_without_a_header_is_told_and_read_on_request(tmp_path):
    (tmp_path / "a.csv").write_text("P1,甲,100\nP2,乙,110\n", encoding="utf-8")
    frame, said, card = read(tmp_path, "a.csv")
    assert "header_doubtful" in said
    with pytest.raises(ConfigError, match="header_row = 0"):
        conform(frame, card)
    frame, said, _ = read(tmp_path, "a.csv", source="header_row = 0")
    assert frame.to_dict("list") == {"第1列": ["P1", "P2"], "第2列": ["甲", "乙"], "第3列": ["100", "110"]}
    assert "header_doubtful" not in said
    workbook(tmp_path / "a.xlsx", [["P1", "甲", 100], ["P2", "乙", 110]])
    frame, _, _ = read(tmp_path, "a.xlsx", source="header_row = 0")
    assert frame["第3列"].tolist() == [100, 110]


def test_a_nameless_column_has_a_name_of_ours(tmp_path):
    (tmp_path / "a.csv").write_text("编号,,名称\nP1,1,甲\n", encoding="utf-8")
    assert list(read(tmp_path, "a.csv")[0].columns) == ["编号", "第2列", "名称"]


# --- files that are called something else ---------------------------------------------------------

PAGE = (
    "<html><head><meta charset='gbk'></head><body><table><tr><td>导航</td></tr></table><table>"
    "<tr><th rowspan=2>编号</th><th colspan=2>规模</th></tr><tr><th>户数</th><th>面积</th></tr>"
    "<tr><td>0012</td><td>100<br></td><td>8&nbsp;000</td></tr><tr><td>0013<td>110<td>9000</table></body></html>"
)
EXCEL_2003 = (
    '<?xml version="1.0" encoding="GB2312"?><?mso-application progid="Excel.Sheet"?>'
    '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
    '<Worksheet ss:Name="台账"><Table><Row><Cell><Data ss:Type="String">编号</Data></Cell>'
    '<Cell ss:Index="3"><Data ss:Type="String">户数</Data></Cell></Row>'
    '<Row ss:Index="3"><Cell><Data ss:Type="String">0012</Data></Cell><Cell ss:Index="3"><Data ss:Type="Number">100</Data>'
    "</Cell></Row></Table></Worksheet></Workbook>"
)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig"])
def test_a_web_page_called_xls_is_read_as_its_table(tmp_path, encoding):
    (tmp_path / "a.xls").write_bytes(PAGE.encode(encoding))
    frame, said, _ = read(tmp_path, "a.xls")
    assert frame["编号"].tolist() == ["0012", "0013"]
    assert frame["规模/户数"].tolist() == ["100", "110"]
    assert "HTML" in said["disguised"].text.zh


def test_the_xml_of_excel_2003_called_xls_is_read(tmp_path):
    (tmp_path / "a.xls").write_bytes(EXCEL_2003.encode("gbk"))
    frame, said, _ = read(tmp_path, "a.xls")
    assert frame["编号"].tolist() == ["0012"]
    assert frame["户数"].tolist() == [100.0]
    assert frame.index.tolist() == [3]
    assert "disguised" in said


def test_text_called_xls_is_read_as_text(tmp_path):
    (tmp_path / "a.xls").write_bytes("编号\t户数\n0012\t100\n".encode("gbk"))
    assert read(tmp_path, "a.xls")[0]["编号"].tolist() == ["0012"]


@pytest.mark.parametrize("suffix", ["xls", "xlsx", "gpkg", "shp", "tif", "parquet", "geojson", "csv", "ods"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n\x00\xff", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (b"AC1027\0\0\0", "DWG"),
    ],
)
def test_a_file_that_is_something_else_is_called_what_it_is(tmp_path, suffix, content, kind):
    (tmp_path / f"a.{suffix}").write_bytes(content + b"\0" * 200)
    with pytest.raises(FileError) as error:
        read(tmp_path, f"a.{suffix}")
    if suffix != "tif":  # a layer of areas takes no raster
        assert kind in error.value.text.zh
        assert "密码" not in error.value.text.zh


def test_a_web_page_called_csv_is_called_a_page(tmp_path):
    (tmp_path / "a.csv").write_text("<!DOCTYPE html>\n<html><body>请登录</body></html>", encoding="utf-8")
    with pytest.raises(FileError, match="网页"):
        read(tmp_path, "a.csv")


def test_spans_of_a_page_beyond_reason_do_not_end_the_reading():
    cells, *_ = html_cells('<table><tr><td rowspan="999999999" colspan="99999999">x</td><td>y</td></tr></table>')
    assert cells[0][0] == "x"
    assert html_cells("<p>none</p>") is None
    assert xml_sheets("<a/>") == {}
    assert xml_sheets('<?xml version="1.0" encoding="gbk"') == {}
    assert xml_sheets(EXCEL_2003.replace("<Row", '<Row ss:Index="x"')) == {}
    assert xml_sheets('<!DOCTYPE a [<!ENTITY b "c">]><a/>') == {}


# --- workbooks of other kinds ---------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["xls", "et"])
@pytest.mark.parametrize("small", [False, True])
def test_a_binary_workbook_tells_hidden_rows_errors_and_formulas_without_a_value(tmp_path, suffix, small):
    cells = {(0, 0): "编号", (0, 1): "户数"} | {(row, 0): f"P{row}" for row in range(1, 8)}
    cells |= {(1, 1): (2.0, 0), (2, 1): (0.0, 2), (3, 1): None, (4, 1): (EMPTY, 0), (5, 1): (ERROR, 0), (6, 1): 0.0}
    other = sheet({(0, 0): "编号", (1, 0): "Q1"}, hidden={1})
    (tmp_path / f"a.{suffix}").write_bytes(binary_workbook({"别的": other, "台账": sheet(cells, {3, 6})}, small=small))
    frame, said, _ = read(tmp_path, f"a.{suffix}", source='layer_name = "台账"')
    assert said["hidden_rows"].named("zh") == ("第4行", "第7行")
    assert said["formula_errors"].named("zh") == ("B4=#N/A", "B6=#REF!")
    assert said["formulas_uncomputed"].named("zh") == ("B3",)
    assert said["formulas_empty"].named("zh") == ("B5",)
    known = frame["户数"].notna()
    assert frame["编号"][known].tolist() == ["P1", "P6"]
    assert frame["户数"][known].tolist() == [2, 0]
    assert read(tmp_path, f"a.{suffix}", source='layer_name = "别的"')[1]["hidden_rows"].named("zh") == ("第2行",)


def test_a_binary_workbook_without_traps_says_nothing_of_them(tmp_path):
    (tmp_path / "a.xls").write_bytes(
        binary_workbook({"a": sheet({(0, 0): "编号", (0, 1): "户数", (1, 0): "P1", (1, 1): 0.0})})
    )
    said = read(tmp_path, "a.xls")[1]
    assert not {"hidden_rows", "formula_errors", "formulas_uncomputed", "formulas_empty", "traps_unseen"} & set(said)


def test_broken_containers_are_no_containers():
    whole = binary_workbook({"a": sheet({(0, 0): "编号"})})
    assert CompoundFile(whole).names == ["Workbook"]
    for broken in (b"", whole[:300], whole[:520], whole.replace(b"\xfe\xff\xff\xff", b"\0\0\0\0")):
        with pytest.raises((ValueError, struct.error)):
            CompoundFile(broken).stream("Workbook")


def test_a_kind_of_workbook_that_tells_nothing_says_so(tmp_path, monkeypatch):
    (tmp_path / "a.xls").write_bytes(binary_workbook({"a": sheet({(0, 0): "编号", (1, 0): "P1"})}))
    monkeypatch.setattr("gis_renovation.reading.formats.workbook_traps.binary_traps", lambda *_: None)
    assert read(tmp_path, "a.xls")[1]["traps_unseen"].severity == "note"


@pytest.mark.parametrize("value", [0, 100])
def test_a_nought_that_a_program_stored_for_every_formula_is_no_value(tmp_path, value):
    workbook(tmp_path / "a.xlsx", ROWS, formulas=[("C3", "=50*2", value)])  # xlsxwriter has Excel compute on opening
    frame, said, _ = read(tmp_path, "a.xlsx")
    assert ("formulas_uncomputed" in said) == (value == 0)
    assert frame["户数"].isna().tolist() == [False, value == 0, False]


def test_rows_hidden_in_a_page_or_in_the_xml_of_2003_and_errors_are_told(tmp_path):
    rows = "".join(f"<tr {'style=display:none' if k == 2 else ''}><td>P{k}</td><td>#REF!</td></tr>" for k in (1, 2, 3))
    (tmp_path / "a.xls").write_text(f"<table><tr><td>编号</td><td>名称</td></tr>{rows}</table>", encoding="utf-8")
    assert read(tmp_path, "a.xls")[1]["hidden_rows"].named("zh") == ("第3行",)
    text = EXCEL_2003.replace("<Row", '<Row ss:Hidden="1"').replace(
        "</Table>", '<Row><Cell><Data ss:Type="String">P9</Data></Cell><Cell ss:Formula="=1/0">'
        '<Data ss:Type="Error">#DIV/0!</Data></Cell><Cell ss:Formula="=1"/></Row></Table>'
    )  # fmt: skip
    (tmp_path / "b.xls").write_bytes(text.encode("gbk"))
    said = read(tmp_path, "b.xls")[1]
    assert len(said["hidden_rows"].features) >= 1
    assert [name[1:].lstrip("0123456789") for name in said["formula_errors"].named("zh")] == ["=#DIV/0!"]
    assert len(said["formulas_uncomputed"].features) == 1


@pytest.mark.parametrize("error", ["#REF!", " #DIV/0! ", "#N/A"])
def test_an_error_that_became_text_is_no_value_in_any_file(tmp_path, error):
    (tmp_path / "a.csv").write_text(f"编号,名称\nP1,甲\nP2,{error}\n", encoding="utf-8")
    card = read_card(
        '[source]\npath = "a.csv"\n[columns]\nproject_id = "编号"\nname = "名称"\n', stem="projects", where="card"
    )
    done = conform(read_files(card, tmp_path).frame, card)
    assert done.frame["name"].isna().tolist() == [False, True]
    assert [f.code for f in done.findings if f.severity == "warning"] == ["formula_errors"]


# --- what a file is -------------------------------------------------------------------------------


def archive(**parts):
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return store.getvalue()


WORD = archive(**{"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"})
# Contents, what they are called, and a word of what to do.
CONTENTS = {
    "gif": (b"GIF89a\x10\0\x10\0" + b"\0" * 99, "GIF 图片", "GeoTIFF"),
    "bmp": (b"BM\x36\x10\0\0\0\0\0\0\x36\0\0\0" + b"\1" * 99, "BMP 图片", "GeoTIFF"),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 " + b"\1" * 99, "WebP 图片", "GeoTIFF"),
    "jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF" + b"\1" * 99, "JPEG 图片", "GeoTIFF"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4" + b"\3" * 99, "7z 压缩包", "解压"),
    "gz": (b"\x1f\x8b\x08\0" + b"\4" * 99, "gzip 压缩包", "解压"),
    "docx": (WORD, "Word 文档", "xlsx"),
    "doc": (container({"WordDocument": b"x" * 5000}), "Word 97", "xlsx"),
    "rtf": (b"{\\rtf1\\ansi hello}", "RTF 文档", "xlsx"),
    "zeros": (b"\0" * 5000, "零字节", "重新"),
    "blanks": (b" \r\n\t\n", "空白", "重新"),
    "lnk": (b"L\0\0\0\x01\x14\x02\0" + b"\0" * 99, "快捷方式", "索取"),
    "mp4": (b"\0\0\0\x18ftypmp42" + b"\0" * 99, "视频", "索取"),
    "locked": (b"%TSD-Header-###%" + bytes(range(99)), "加了密", "解密"),
    "mapgis": (b"WMAP`D22" + b"\0" * 99, "MapGIS", "Shapefile"),
}


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s not in (".gdb", *RASTER_SUFFIXES)])
@pytest.mark.parametrize("content", CONTENTS)
def test_whatever_it_is_called_a_file_is_named_by_its_first_bytes_with_what_to_do(tmp_path, suffix, content):
    data, kind, remedy = CONTENTS[content]
    (tmp_path / f"a{suffix}").write_bytes(data)
    with pytest.raises(FileError) as error:
        read(tmp_path, f"a{suffix}")
    said = error.value.text.zh
    assert kind in said
    assert remedy in said
    assert "可能损坏" not in said


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s not in (".gdb", *RASTER_SUFFIXES)])
def test_an_empty_file_is_called_empty_also_within_an_archive(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(b"")
    (tmp_path / "b.zip").write_bytes(archive(**{f"a{suffix}": b""}))
    with pytest.raises(FileError, match="0 字节"):
        read(tmp_path, f"a{suffix}")
    if suffix not in (".zip", ".dbf", ".txt"):
        with pytest.raises(FileError, match="0 字节"):
            read(tmp_path, "b.zip")


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.geojson", '{"code": 500, "msg": "未登录"}', "code、msg"),
        ("a.json", '["a", 1]', "没有要素"),
        ("a.kml", "<error><code>403</code></error>", "根元素 error"),
        ("a.gml", '<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="x"/>', "根元素 ExceptionReport"),
        ("a.kml", "<!-- x --><html><body>请登录</body></html>", "网页"),
        ("a.csv", '{"type": "FeatureCollection", "features": []}', "JSON"),
        ("a.csv", "0\nSECTION\n2\nHEADER\n", "DXF"),
        ("a.geojson", '<kml xmlns="http://www.opengis.net/kml/2.2"/>', "KML"),
    ],
)
def test_whole_text_of_another_kind_is_not_called_damaged(tmp_path, name, text, kind):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as error:
        read(tmp_path, name)
    assert kind in error.value.text.zh
    assert "可能损坏" not in error.value.text.zh


@pytest.mark.parametrize("first", ["BM,名称", "MZ,名称", "PAR,名称", "7z,名称", "II,名称", "ftyp,名称", "xftypm,名称"])
def test_letters_that_begin_other_kinds_of_files_begin_a_table_too(tmp_path, first):
    (tmp_path / "a.csv").write_text(f"{first},编号\n1,甲,P1\n", encoding="utf-8")
    assert read(tmp_path, "a.csv")[0]["编号"].tolist() == ["P1"]


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
def test_what_truly_is_cut_short_is_called_so(tmp_path, cut):
    workbook(tmp_path / "a.xlsx", ROWS)
    whole = (tmp_path / "a.xlsx").read_bytes()
    (tmp_path / "a.xlsx").write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(FileError, match="损坏"):
        read(tmp_path, "a.xlsx")


@pytest.mark.parametrize("at", range(520, 1500, 97))
def test_a_broken_binary_workbook_is_refused_in_words_and_its_reader_writes_no_trace(tmp_path, capfd, at):
    """The library that reads them gives up on some with an error that is no Exception, and a trace of its own."""
    cells = {(0, 0): "编号", (0, 1): "户数", (1, 0): "P1", (1, 1): (2.0, 0)}
    whole = bytearray(binary_workbook({"台账": sheet(cells)}, small=True))
    whole[at : at + 7] = b"\x7f\xff\xff\xff\x09\x08\x00"
    (tmp_path / "a.xls").write_bytes(whole)
    with contextlib.suppress(FileError):
        read(tmp_path, "a.xls")
    assert "panicked" not in capfd.readouterr().err


@pytest.mark.parametrize("cell", ["XFD1048576", "AAA400000", "ZZ1000000"])
def test_a_stray_cell_at_the_end_of_a_sheet_is_told_and_fills_no_memory(tmp_path, cell):
    workbook(tmp_path / "a.xlsx", ROWS, formulas=[(cell, "=1", 1)])
    with pytest.raises(FileError, match=f"{cell}.*Ctrl"):
        read(tmp_path, "a.xlsx")


@pytest.mark.parametrize("cell", ["XFD5", "C1000000"])
def test_a_wide_or_a_long_sheet_is_read(tmp_path, cell):
    workbook(tmp_path / "a.xlsx", ROWS, formulas=[(cell, "=1", 1)])
    assert too_far(tmp_path / "a.xlsx", "台账") == ""


def test_a_binary_workbook_with_cells_beyond_its_form_is_refused(tmp_path):
    (tmp_path / "a.xls").write_bytes(binary_workbook({"a": sheet({(0, 0): "编号", (65535, 60000): 1.0})}))
    with pytest.raises(FileError, match="超出合理范围"):
        read(tmp_path, "a.xls")


def test_a_container_whose_chains_lead_nowhere_is_refused_before_its_reader_lays_anything_out(tmp_path):
    whole = binary_workbook({"a": sheet({(0, 0): "编号"})})
    (tmp_path / "a.xls").write_bytes(whole[:48] + b"\xff\xff\xff\x7f" + whole[52:])  # the directory begins nowhere
    with pytest.raises(FileError, match="文件不完整"):
        read(tmp_path, "a.xls")
