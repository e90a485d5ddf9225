"""The table a bureau files: what stands on it, its total, and the paper it prints on."""

from __future__ import annotations

import datetime
import shutil
import subprocess

import openpyxl
import pandas as pd
import pytest

from gis_renovation.errors import ConfigError
from gis_renovation.words import Text
from gis_renovation.writing import Form, write_tables

TITLE = Text("进度统计表", "Progress")
NAMED = ("name", "community_count", "started_share", "households", "planned_yuan")
COLUMNS = tuple(("unit_progress", name) for name in NAMED)


def units(count=3, **columns):
    frame = pd.DataFrame(
        {
            "name": [f"第{n}区" for n in range(count)],
            "community_count": range(1, count + 1),
            "started_share": [0.5] * count,
            "households": pd.array([100 * n for n in range(count)], dtype="Int64"),
            "planned_yuan": [12_345_678.9] * count,
        }
        | columns
    )
    return frame.set_index(pd.Index([f"3404{n:02}" for n in range(count)], name="unit_code"))


def form(frame, **options):
    totals = frozenset({"community_count", "households", "planned_yuan"})
    return Form(title=TITLE, frame=frame, columns=COLUMNS, **({"totals": totals} | options))


def written(path, *forms, lang="zh", **options):
    told = {"prepared_by": "淮南市住建局", "run": "abc123", "as_of": datetime.date(2024, 9, 30)} | options
    write_tables(path, {}, synthetic=False, lang=lang, forms=forms, **told)
    return openpyxl.load_workbook(path)


def rows(sheet):
    return [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]


def test_the_first_sheet_is_the_form_with_title_unit_line_rows_and_total(tmp_path):
    book = written(tmp_path / "a.xlsx", form(units(), signs=(Text("填报人", "By"), Text("审核人", "Checked"))))
    sheet = book.worksheets[0]
    assert sheet.title == "进度统计表"
    found = rows(sheet)
    assert found[0] == ["进度统计表"]
    assert found[1] == ["填报单位：淮南市住建局", "数据截至：2024-09-30", "计量单位：个、户、万元"]
    assert found[2][:2] == ["序号", "名称"]
    assert found[3] == [1, "第0区", 1, 0.5, 0, 1234.56789]
    assert found[6] == ["合计", 6, "", 300, pytest.approx(3703.70367)]
    assert found[8][0].startswith("填报人：")


def test_a_total_of_which_parts_are_unknown_is_the_least_it_can_be(tmp_path):
    frame = units(households=pd.array([100, None, None], dtype="Int64"))
    found = rows(written(tmp_path / "a.xlsx", form(frame)).worksheets[0])
    assert "未知" in found[4]
    assert "至少 100（2 项未知）" in found[6]
    found = rows(written(tmp_path / "b.xlsx", form(frame), lang="en").worksheets[0])
    assert "at least 100 (2 unknown)" in found[6]


def test_shares_have_no_total_and_no_form_is_wider_than_a_page(tmp_path):
    found = rows(written(tmp_path / "a.xlsx", form(units())).worksheets[0])
    assert 0.5 not in found[6]
    with pytest.raises(ConfigError, match="超过 12 列"):
        Form(title=TITLE, frame=units(), columns=COLUMNS * 3)


def test_text_of_the_data_is_no_formula_and_an_unknown_filer_leaves_a_line(tmp_path):
    hostile = ["=1+1", '=HYPERLINK("http://x")', "@SUM(A1)"]
    sheet = written(tmp_path / "a.xlsx", form(units(name=hostile)), prepared_by="", as_of=None).worksheets[0]
    assert [sheet.cell(row, 2).value for row in (4, 5, 6)] == hostile
    assert {sheet.cell(row, 2).data_type for row in (4, 5, 6)} == {"s"}
    assert rows(sheet)[1][0] == "填报单位：＿＿＿＿＿＿"


def test_it_prints_a4_wide_with_head_and_name_on_every_page_and_the_runs_number(tmp_path):
    sheet = written(tmp_path / "a.xlsx", form(units())).worksheets[0]
    assert sheet.page_setup.paperSize == 9
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    assert (sheet.print_title_rows, sheet.print_title_cols) == ("$1:$3", "$A:$B")
    assert sheet.oddFooter.left.text == "运行编号 abc123"
    assert sheet.freeze_panes == "C4"


def test_the_same_forms_give_the_same_bytes(tmp_path):
    for name in "ab":
        written(tmp_path / f"{name}.xlsx", form(units()), form(units(5)))
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert len(openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames) == len(
        set(openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames)
    )


@pytest.mark.skipif(not (shutil.which("soffice") and shutil.which("pdfinfo")), reason="LibreOffice is not installed")
@pytest.mark.parametrize(("count", "pages"), [(8, 1), (20, 1), (60, 3)])
def test_a_county_table_prints_on_one_page(tmp_path, count, pages):
    """Printed by LibreOffice; the two sheets about the workbook take a page each."""
    written(tmp_path / "a.xlsx", form(units(count), signs=(Text("填报人", "By"),)))
    home = f"-env:UserInstallation=file://{tmp_path}/office"
    subprocess.run(
        ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(tmp_path / "a.xlsx")],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    said = subprocess.run(["pdfinfo", str(tmp_path / "a.pdf")], check=True, capture_output=True, text=True).stdout
    printed = next(int(line.split()[1]) for line in said.splitlines() if line.startswith("Pages:"))
    assert printed - 2 == pages
