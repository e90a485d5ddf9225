"""The documents and workbooks people sign, made from a drawn city and read back with python-docx."""

import datetime
import re
import zipfile
from itertools import pairwise

import docx
import drawn_city
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st
from manifests import manifest_of

from gis_renovation.errors import ConfigError, FileError
from gis_renovation.land import check_land_status, list_code_conversions, outline_land_sites
from gis_renovation.progress.plan import plan_progress
from gis_renovation.progress.states import project_states
from gis_renovation.progress.units import unit_progress
from gis_renovation.reports import reports, zone_scheme
from gis_renovation.reports.idle_register import with_unit
from gis_renovation.reports.parts import file_names
from gis_renovation.reports.reports import write_reports
from gis_renovation.rule_packs import rules_in_force
from gis_renovation.run.manifest import read_manifest
from gis_renovation.run.steps import STEPS
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Text
from gis_renovation.writing.documents import Paper

ALWAYS = [one for one in reports.REPORTS if not one.needs]
AS_OF = datetime.date(2024, 9, 30)
RULES = rules_in_force([])


def city():
    """The drawn city with real progress: J1 renovates C1 and C2; six of nine communities are in the plan."""
    layers = drawn_city.layers()
    layers["zone_members"] = layers["zone_members"].assign(zone_id=[*["Z-C1"] * 3, *["Z-C4"] * 5, None])
    records = pd.DataFrame(
        {
            "project_id": ["J1", "J1"],
            "recorded_on": [datetime.date(2024, 8, 31), datetime.date(2024, 9, 30)],
            "state": ["tendered", "started"],
            "progress_share": [0.0, 0.2],
        }
    )
    places = layers["communities"]
    states = project_states(layers["projects"], layers["project_communities"], records, None, places, as_of=AS_OF)
    units = unit_progress(
        layers["reporting_units"], places, layers["projects"], layers["project_communities"], states, as_of=AS_OF
    )
    ledger = layers["parcel_ledger"]
    ledger = ledger.assign(reason_zh="判定 " + ledger["rule_id"], source="某标准")
    return layers | {"project_states": states, "unit_progress": units, "parcel_ledger": ledger}


def manifest(**changes):
    parts = {
        "project": {},
        "targets": {"main": {"communities": 3, "households": 1500, "floor_area_m2": None}},
        "sources": {
            "communities": {
                "owner": "住建局",
                "observed": "2024-04-15",
                "rows_used": 9,
                "classification": "internal",
            },
            "street_lights": {"owner": "路灯管理处", "fingerprint": "e" * 64},
        },
        "rules": RULES,
        "steps": [
            {"step": "zones", "inputs": {"communities": "x"}, "not_at_hand": ["streets"]},
            {
                "step": "community_links",
                "table": "contiguity",
                "function": "contiguity.link_communities",
                "parameters": {"max_gap_m": 80.0, "within_subdistrict": False, "threads": 2},
            },
            {"step": "idle_parcels", "inputs": {"communities": "x"}},
            {"step": "unit_progress", "inputs": {"communities": "x"}},
            {"step": "utility_by_zone", "skipped": True, "missing": ["utility_lines"]},
        ],
        "findings": [
            {"layer": "communities", "zh": "重名一处", "en": "one twice"},
            {"layer": "street_lights", "zh": "无关", "en": "unrelated"},
        ],
    }
    return manifest_of(**parts | changes)


def words(path):
    """All text of a document's body, paragraphs and tables in their order."""
    body = docx.Document(path).element.body
    return "\n".join("".join(t.text or "" for t in p.iter(qn("w:t"))) for p in body.iter(qn("w:p")))


def table_rows(path):
    return [[cell.text for cell in row.cells] for table in docx.Document(path).tables for row in table.rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    write_reports(folder, city(), manifest())
    return folder


def test_each_user_gets_a_document_and_a_workbook(tmp_path):
    written = write_reports(tmp_path, city(), manifest())
    assert [path.name for path in written] == [
        "planner-zones.docx",
        "planner-tables.xlsx",
        "bureau-idle-land.docx",
        "bureau-tables.xlsx",
        "publisher-progress.docx",
        "publisher-tables.xlsx",
    ]
    assert sorted(tmp_path.iterdir()) == sorted(written)


@pytest.mark.parametrize("user", ALWAYS, ids=lambda one: one.document)
def test_a_document_tells_date_run_version_notice_and_who_signs(folder, user):
    document = docx.Document(folder / user.document)
    text = words(folder / user.document)
    for expected in ("2024-09-30", "0123456789ab", "gis-renovation 0.1.0", "EPSG:4548", user.title.zh, "住建局"):
        assert expected in text
    assert "示意数据" in document.sections[0].header.paragraphs[0].text
    for role in user.signs:
        assert f"{role.zh}：＿" in text
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == "仿宋"


def test_real_data_carry_no_notice(tmp_path):
    real = manifest(project={"synthetic": False})
    write_reports(tmp_path, city(), real)
    for user in ALWAYS:
        assert docx.Document(tmp_path / user.document).sections[0].header.paragraphs[0].text == ""


# --- the planner ------------------------------------------------------------------------------------


def test_every_zone_has_a_sheet_with_its_communities_and_its_reason(folder):
    text = words(folder / "planner-zones.docx")
    records, details = text[: text.index("片区明细")], text[text.index("片区明细") :]
    sheet = records[records.index("龙湖片区（Z-C1）") : records.index("泉山片区（Z-C4）")]
    assert "成片理由：三个小区相连" in sheet
    for name in drawn_city.NAMES[:3]:
        assert name in sheet
    assert "朝阳新村" not in sheet
    sheet = details[details.index("龙湖片区（Z-C1）") : details.index("泉山片区（Z-C4）")]
    assert "学院南路小区" in sheet[sheet.index("与相邻小区的隔断") :], "C4 is C1's neighbour across the river"
    assert "朝阳新村" not in sheet
    assert "间距 40 m，直接相邻" in sheet


def test_the_overview_counts_zones_and_says_what_is_not_known(folder):
    text = words(folder / "planner-zones.docx")
    assert "共划分连片改造片区 2 个，含小区 9 个，1,050 户（1 个片区未知，未计入）" in text
    assert "另有 1 个小区未纳入任何片区" in text


def test_communities_in_no_zone_are_named(folder):
    text = words(folder / "planner-zones.docx")
    part = text[text.index("未纳入片区的小区") : text.index("片区登记表")]
    assert "洞山西苑" in part
    assert "龙湖新村" not in part


def test_what_was_not_looked_at_is_said(folder):
    text = words(folder / "planner-zones.docx")
    assert "管线：未核查" in text
    assert "未进行：" in text
    assert "缺少图层“管线”" in text
    assert "没有“街道路段”图层，相关内容未核查" in text


def test_parameters_in_force_are_listed(folder):
    rows = table_rows(folder / "planner-zones.docx")
    assert ["相邻的最大间距（边到边）", "max_gap_m", "80 m", "项目设定"] in rows
    assert ["街道界线作为硬边界", "within_subdistrict", "否", "默认"] in rows


def test_only_sources_and_remarks_of_the_users_own_data_are_listed(folder):
    text = words(folder / "planner-zones.docx")
    assert "重名一处" in text
    assert "无关" not in text
    assert "路灯管理处" not in text


def test_communities_of_one_name_are_told_apart_by_id(tmp_path):
    layers = city()
    layers["communities"] = layers["communities"].assign(name="同名小区")
    write_reports(tmp_path, layers, manifest())
    assert "同名小区（C1）" in words(tmp_path / "planner-zones.docx")


def test_a_community_without_a_name_is_called_by_its_id_alone(tmp_path):
    layers = city()
    names = layers["communities"]["name"].astype("str")
    names[["C1", "C2", "C9"]] = None
    layers["communities"] = layers["communities"].assign(name=names)
    layers["zones"] = layers["zones"].assign(name=pd.array([None, "泉山片区"], dtype="str"))
    write_reports(tmp_path, layers, manifest())
    text = words(tmp_path / "planner-zones.docx")
    assert "nan" not in text
    assert "（C1）" not in text
    assert "Z-C1（Z-C1）" not in text
    rows = table_rows(tmp_path / "planner-zones.docx")
    assert ["C1", "C2", "相连"] in [row[:3] for row in rows], "the link between two without a name"
    assert ["C1", "C1"] in [row[:2] for row in rows], "the member table"
    assert ["C9", "C9"] in [row[:2] for row in rows], "left out of every zone"


def test_more_zones_than_sheets_are_said_to_be_in_the_workbook(tmp_path, monkeypatch):
    monkeypatch.setattr(zone_scheme, "SHEETS_MAX", 1)
    write_reports(tmp_path, city(), manifest())
    text = words(tmp_path / "planner-zones.docx")
    assert "泉山片区（Z-C4）" not in text
    assert "其余 1 个片区见 planner-tables.xlsx" in text


def test_sheet_records_shortfalls_and_work_order_are_told_where_they_were_made(tmp_path):
    layers = city()
    zone = pd.Index(["Z-C1"], name="zone_id")
    layers["zone_sheets"] = pd.DataFrame(
        {"name": ["龙湖片区"], "shared_wall_m": [35.5], "missing_facilities_zh": ["托育机构"]}, index=zone
    )
    layers["zone_shortfalls"] = pd.DataFrame(
        {"community_ids": ["C9"], "reason_zh": ["下限降至 700 户即可"]}, index=pd.Index(["S1"], name="shortfall_id")
    )
    schedule = {"work_year": pd.array([2025], dtype="Int64"), "work_rank": [1], "cost_yuan": [1e6]}
    layers["zone_schedule"] = pd.DataFrame(schedule, index=zone)
    write_reports(tmp_path, layers, manifest())
    text = words(tmp_path / "planner-zones.docx")
    order = ["一、总体情况", "二、片区分布图", "三、未纳入片区", "下限降至 700 户即可", "四、年度计划"]
    order += ["五、片区登记表", "六、片区明细"]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "2025 年：1 个片区，1,050 户，估算投资 100.00 万元。" in text
    sheet = text[text.index("龙湖片区（Z-C1）") : text.index("泉山片区（Z-C4）")]
    assert "35.5 m" in sheet
    assert "托育机构" in sheet


# --- the bureau -------------------------------------------------------------------------------------


def test_a_candidate_is_never_a_finding(folder):
    text = words(folder / "bureau-idle-land.docx")
    assert "候选" in text
    allowed = ("不是对闲置土地的认定", "由市、县自然资源主管部门依法认定")
    for sentence in allowed:
        assert sentence in text
        text = text.replace(sentence, "")
    assert "认定" not in text


def test_each_outcome_is_counted_and_unknown_area_is_not_zero(folder):
    rows = [row[:5] for row in table_rows(folder / "bureau-idle-land.docx")]
    for outcome in ("候选", "未知", "排除"):
        assert ["宗地", outcome, "1", "未知", "—"] in rows


def test_areas_are_summed_in_square_metres_and_mu(tmp_path):
    layers = city()
    layers["idle_parcels"] = layers["idle_parcels"].assign(verdict="candidate", area_m2=[2000.0, 1000.0, float("nan")])
    write_reports(tmp_path, layers, manifest())
    rows = table_rows(tmp_path / "bureau-idle-land.docx")
    # 15 mu are a hectare: 3,000 m² are 4.5 mu.
    assert ["宗地", "候选", "3", "3,000.00", "4.50", "1 处面积未知，未计入"] in rows
    assert ["宗地", "排除", "0", "0.00", "0.00", ""] in rows


def test_a_candidates_ledger_is_listed_rule_by_rule(folder):
    text = words(folder / "bureau-idle-land.docx")
    sheet = text[text.index("宗地 P1") : text.rindex("待核实宗地")]
    assert "R-OWN" in sheet
    assert "R-BLUE" in sheet
    assert "P3" not in sheet


def test_the_register_lists_its_candidates_with_the_page_of_each_record(folder):
    xml = zipfile.ZipFile(folder / "bureau-idle-land.docx").read("word/document.xml").decode()
    marks = re.findall(r'w:bookmarkStart [^>]*w:name="(\w+)"', xml)
    asked = re.findall(r"PAGEREF (\w+)", xml)
    assert "idle_parcels_1" in asked
    assert sorted(asked) == sorted(marks)
    assert xml.index("目录") < xml.index("候选一览") < xml.index("宗地 P1")


def test_a_share_in_a_form_has_one_per_cent_sign():
    assert [with_unit(text, "%") for text in ("99.9%", "-0.3%", "未知")] == ["99.9%", "-0.3%", "未知"]
    assert with_unit("35,807.54", "m²") == "35,807.54 m²"


def test_a_candidates_usable_shape_and_rank_stand_on_its_sheet_where_known(tmp_path):
    layers = city()
    ids = pd.Index(["P1"], name="parcel_id")
    layers["usable_shapes"] = pd.DataFrame({"area_m2": [1234.5], "uses_zh": ["口袋公园"]}, index=ids)
    layers["parcel_ranking"] = pd.DataFrame({"rank": [3], "rank_best": [2], "rank_worst": [9]}, index=ids)
    write_reports(tmp_path, layers, manifest())
    text = words(tmp_path / "bureau-idle-land.docx")
    sheet = text[text.index("宗地 P1") : text.rindex("待核实宗地")]
    assert "可用面积\n1,234.50 m²" in sheet
    assert "口袋公园" in sheet
    assert "踏勘次序\n3（权重随机变动时为 2—9，5%—95% 分位）" in sheet


def test_what_is_excluded_or_unknown_gives_its_reason(folder):
    text = words(folder / "bureau-idle-land.docx")
    unknown, excluded = text[text.rindex("待核实宗地") : text.rindex("已排除宗地")], text[text.rindex("已排除宗地") :]
    assert "土地权属未知，需补充资料" in unknown
    assert "位于河道蓝线内，排除" in excluded


def test_a_missing_control_line_is_not_checked_never_not_affected(tmp_path):
    layers = city()
    layers["control_lines"] = drawn_city.frame(
        [{"control_line_id": "L1", "kind": "blue", "dated_on": datetime.date(2023, 5, 1)}],
        "control_line_id",
        [layers["parks"].geometry.iloc[0]],
    )
    write_reports(tmp_path, layers, manifest())
    rows = table_rows(tmp_path / "bureau-idle-land.docx")
    assert ["蓝线（河湖）", "已纳入核查", "1", "2023-05-01"] in rows
    assert ["永久基本农田", "未核查（没有此类控制线数据）", "—", "—"] in rows
    assert not any(
        "不涉及" in cell for row in rows for cell in row if cell != "不涉及控制线" and "国有划拨" not in cell
    )


def test_every_rule_in_force_stands_with_its_source(folder):
    rows = {row[0]: row for row in table_rows(folder / "bureau-idle-land.docx")}
    for rule in RULES:
        assert rows[rule.id][1:] == [rule.text.zh, rule.source.zh]


def with_land_status(layers, **inputs):
    sites = outline_land_sites(layers["zones"])
    status = check_land_status(sites, **inputs)
    return layers | {"land_sites": sites, "land_status": status}


def test_every_site_has_a_land_status_sheet_to_sign(tmp_path):
    layers = with_land_status(city())
    written = write_reports(tmp_path, layers, manifest())
    names = {path.name for path in written}
    assert {"bureau-land-status.docx", "bureau-land-status.xlsx", "bureau-land-status"} <= names
    folder = tmp_path / "bureau-land-status"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{site}.{kind}" for site in ("Z-C1", "Z-C4") for kind in ("docx", "png", "xlsx")
    ]
    for site, name, area in (("Z-C1", "龙湖片区（Z-C1）", "74,400.00 m²"), ("Z-C4", "泉山片区（Z-C4）", "")):
        text = words(folder / f"{site}.docx")
        assert name in text
        assert area in text  # 620 x 120 m
        assert text.count("负责人（盖章）：＿") == 1
        shapes = docx.Document(folder / f"{site}.docx").inline_shapes
        assert [round(shape.width.cm, 1) for shape in shapes] == [24.7]
        book = openpyxl.load_workbook(folder / f"{site}.xlsx")
        keys = {row[0] for row in book["用地情况核查表"].iter_rows(min_row=2, values_only=True)}
        book.close()
        assert site in keys
        assert keys.isdisjoint({"Z-C1", "Z-C4"} - {site})


def test_the_book_over_all_sites_has_a_line_for_each_and_every_matter(tmp_path):
    layers = with_land_status(city())
    layers["land_use_comparison"] = pd.DataFrame(
        {
            "site_id": ["Z-C1", "Z-C4"],
            "comparison": ["registered_planned"] * 2,
            "first_use_zh": ["机关团体用地"] * 2,
            "first_use_en": ["机关团体用地"] * 2,
            "second_use_zh": ["0701 城镇住宅用地"] * 2,
            "second_use_en": ["0701 urban residential"] * 2,
            "agreement": ["differs", "agrees"],
            "area_m2": [1234.5, 5.0],
            "share": [0.1, 0.1],
            "patch_count": [1.0, 1.0],
            "note_zh": [None, None],
            "note_en": [None, None],
        }
    )
    write_reports(tmp_path, layers, manifest())
    rows = table_rows(tmp_path / "bureau-land-status.docx")
    assert [row[7] for row in rows if row[2:3] in (["Z-C1"], ["Z-C4"])] == ["1,234.50", "0.00"]
    matters = [row for row in rows if len(row) == 5 and "→" in row[2]]
    assert matters == [
        ["龙湖片区", "登记用途与规划用途", "机关团体用地 → 0701 城镇住宅用地", "1,234.50", "自然资源主管部门"]
    ]
    assert "全部未核查的事项：" in words(tmp_path / "bureau-land-status.docx")


def test_only_the_sheets_asked_for_are_made_and_a_wrong_id_names_the_nearest(tmp_path):
    layers = with_land_status(city())
    write_reports(tmp_path, layers, manifest(), sites=["Z-C4"])
    assert {path.stem for path in (tmp_path / "bureau-land-status").iterdir()} == {"Z-C4"}
    assert "Z-C1" in words(tmp_path / "bureau-land-status.docx")
    with pytest.raises(ConfigError, match="是否指 Z-C4"):
        write_reports(tmp_path / "again", layers, manifest(), sites=["Z-C44"])


def test_a_folder_that_holds_files_is_refused_before_anything_is_written(tmp_path):
    mine = tmp_path / "planner-zones.docx"
    mine.write_text("edited by hand", encoding="utf-8")
    with pytest.raises(FileError, match="已存在"):
        write_reports(str(tmp_path), city(), manifest())
    assert [path.name for path in tmp_path.iterdir()] == [mine.name]
    assert mine.read_text(encoding="utf-8") == "edited by hand"


@given(st.lists(st.text(max_size=6), unique=True, max_size=12))
def test_ids_of_any_kind_give_files_of_different_names_in_the_folder(ids):
    names = file_names([*ids, "a/b", "A_b", "..", "CON"])
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[\w-]+", name)
        assert name.upper() != "CON"


def test_land_status_without_layers_is_not_checked_and_with_them_shows_zero(tmp_path):
    line = drawn_city.frame(
        [{"control_line_id": "L1", "kind": "blue"}],
        "control_line_id",
        [city()["parks"].geometry.iloc[0].buffer(1)],
    )
    write_reports(tmp_path, with_land_status(city(), control_lines=line), manifest())
    for site in ("Z-C1", "Z-C4"):
        rows = table_rows(tmp_path / "bureau-land-status" / f"{site}.docx")
        assert [row[1:3] for row in rows if row[0] == "蓝线（河湖）"] == [["不涉及（0.00）", "0.00"]]
        assert [row[1:3] for row in rows if row[0] == "道路红线"] == [["未核查", "未知"]]


def test_a_side_that_was_not_found_is_to_be_checked_and_statements_stand_once(tmp_path):
    layers = with_land_status(city())
    layers["zones"] = layers["zones"].assign(
        east_bound=pd.Series(["洞山路", None], index=["Z-C1", "Z-C4"], dtype=object)
    )
    write_reports(tmp_path, layers, manifest())
    sheets = tmp_path / "bureau-land-status"
    pairs = {site: dict(map(tuple, pairs_of(sheets / f"{site}.docx"))) for site in ("Z-C1", "Z-C4")}
    assert pairs["Z-C1"]["东至"] == "洞山路"
    assert pairs["Z-C4"]["东至"] == "（待核）"
    papers = words(sheets / "Z-C1.docx").split("六、证明材料与待确认事项")[1]
    assert "不新增用地" not in papers


def pairs_of(path):
    """Label and value of every form of a document."""
    return [row[at : at + 2] for row in table_rows(path) for at in (0, 2) if len(row[at : at + 2]) == 2]


def test_signatures_stay_with_the_table_of_sources(tmp_path):
    sheet = Paper(title=Text("表", "sheet"), lang="zh", footer="", synthetic=False)
    sheet.table(["甲"], [["一"], ["二"]])
    sheet.keep_last_table()
    sheet.signatures([Text("核查人", "Checked by")], one_line=True)
    sheet.save(tmp_path / "kept.docx", dated=datetime.date(2024, 9, 30))
    made = docx.Document(tmp_path / "kept.docx")
    cells = [paragraph for row in made.tables[0].rows for paragraph in row.cells[0].paragraphs]
    assert all(paragraph.paragraph_format.keep_with_next for paragraph in [*cells, made.paragraphs[-2]])


def test_each_sheet_lists_what_its_codes_may_become_in_the_plans_system(tmp_path):
    def patches(site, *codes):
        """Strips side by side over a site, one a code."""
        left, bottom, right, top = site.bounds
        edges = np.linspace(left, right, len(codes) + 1)
        return [shapely.box(a, bottom, b, top) for a, b in pairwise(edges)]

    grounds = city()["zones"].geometry
    shapes = [*patches(grounds["Z-C1"], "0701", "08H2"), *patches(grounds["Z-C4"], "0601")]
    rows = [
        {"patch_id": f"T{number}", "code_system": "survey", "land_use_code": code}
        for number, code in enumerate(("0701", "08H2", "0601"))
    ]
    survey = drawn_city.frame(rows, "patch_id", shapes)
    layers = with_land_status(city(), land_survey=survey) | {"land_code_conversions": list_code_conversions(survey)}
    write_reports(tmp_path, layers, manifest())
    found = {
        site: [
            row[1:]
            for row in table_rows(tmp_path / "bureau-land-status" / f"{site}.docx")
            if row[-1].startswith("一对")
        ]
        for site in ("Z-C1", "Z-C4")
    }
    assert [row[0] for row in found["Z-C1"]] == ["0701 城镇住宅用地", "08H2 科教文卫用地"]
    assert [row[2] for row in found["Z-C1"]] == ["一对一", "一对多"]
    assert "0803 文化用地；0804 教育用地" in found["Z-C1"][1][1]
    assert [row[0] for row in found["Z-C4"]] == ["0601 工业用地"]


# --- the publisher ----------------------------------------------------------------------------------


def test_rates_are_counted_against_the_plan(folder):
    text = words(folder / "publisher-progress.docx")
    # Main and supplement: C1 C2 C4 C5 C7 C8; J1 works in C1 and C2.
    known = "计划改造小区至少 6 个（另有 3 个计划批次未知，未计入）"
    assert f"截至 2024 年 9 月 30 日，{known}，已开工 2 个（33.3%），已完工 0 个（0.0%）" in text
    assert "本月新开工 2 个，新完工 0 个" in text
    assert "另有 4 个小区开工情况不明" in text


@pytest.mark.parametrize(("counted", "unknown", "said"), [
    ("plan", 0, "日，计划改造小区 6 个，已开工"),
    ("plan", 2, "日，计划改造小区至少 6 个（另有 2 个计划批次未知，未计入），已开工"),
    ("list", 6, "日，台账小区 6 个（均未填计划批次，是否列入计划未知，全部计入），已开工"),
])  # fmt: skip
def test_a_count_of_the_plan_says_what_it_counts(tmp_path, counted, unknown, said):
    layers = city()
    layers["unit_progress"] = layers["unit_progress"].assign(counted=counted, plan_unknown_count=unknown)
    write_reports(tmp_path, layers, manifest())
    text = words(tmp_path / "publisher-progress.docx")
    assert said in text
    assert ("分母为台账全部小区" in text) == (counted == "list")


@pytest.mark.parametrize(
    ("unknown", "said"),
    [(0, "潘集区没有列入计划的小区。"), (1, "潘集区没有已知列入计划的小区，有小区的计划批次未知。")],
)
def test_a_county_without_a_plan_is_named_and_not_given_a_rate(tmp_path, unknown, said):
    layers = city()
    units = layers["unit_progress"]
    other = units.assign(
        name="潘集区", community_count=0, started_count=0, started_share=float("nan"), plan_unknown_count=unknown
    )
    layers["unit_progress"] = pd.concat([units, other.set_axis(pd.Index(["340406"], name="unit_code"))])
    write_reports(tmp_path, layers, manifest())
    assert said in words(tmp_path / "publisher-progress.docx")
    assert not [row for row in table_rows(tmp_path / "publisher-progress.docx") if row[0] == "潘集区"]


def test_the_plan_stands_beside_the_list(folder):
    rows = table_rows(folder / "publisher-progress.docx")
    # C1 300, C4 450, C7 600 households.
    assert ["主计划", "小区数（个）", "3", "3", "0", ""] in rows
    assert ["主计划", "户数（户）", "1,500", "1,350", "-150", ""] in rows
    assert ["主计划", "建筑面积（m²）", "计划未写明", "84,000", "—", ""] in rows


def test_each_plan_version_has_its_own_rates(tmp_path):
    layers = city()
    layers["plan_progress"] = plan_progress(
        layers["reporting_units"],
        layers["communities"].assign(plan_year=2024),
        layers["project_communities"],
        layers["project_states"],
    )
    write_reports(tmp_path, layers, manifest())
    rows = {row[0]: row for row in table_rows(tmp_path / "publisher-progress.docx")}
    # Main: C1, C4, C7, of which C1 started; 1,350 households; 25,000 + 28,000 + 31,000 m².
    assert rows["2024年主计划"][1:3] == ["3", "33.3%"]
    assert rows["2024年主计划"][4:] == ["1,350", "84,000.00", "62.22"]


def test_what_changed_since_last_month_is_listed_with_the_countys_name(folder):
    text = words(folder / "publisher-progress.docx")
    part = text[text.index("四、本月变化") : text.index("五、需核实")]
    assert part.index("龙湖片区改造") < part.index("田家庵区") < part.index("招标") < part.index("已开工")


def test_reports_that_fell_back_or_are_overdue_are_listed(tmp_path):
    layers = city()
    layers["project_states"] = layers["project_states"].assign(went_back=True, reason_zh="进度由 20% 退为 10%，未说明")
    write_reports(tmp_path, layers, manifest())
    text = words(tmp_path / "publisher-progress.docx")
    assert "未说明" in text[text.index("五、需核实") :]
    assert "没有发现需要核实的填报" not in text


# --- all --------------------------------------------------------------------------------------------


def test_without_results_every_document_says_so_and_no_workbook_is_written(tmp_path):
    empty = manifest(steps=[], sources={}, findings=[], targets={})
    written = write_reports(tmp_path, {}, empty)
    assert [path.suffix for path in written] == [".docx"] * 3
    assert "没有划分片区" in words(tmp_path / "planner-zones.docx")
    assert "未核查" in words(tmp_path / "bureau-idle-land.docx")
    assert "未统计" in words(tmp_path / "publisher-progress.docx")
    for path in written:
        assert "数据检查未发现问题" not in words(path), "nothing was read, so nothing was found clean"
        assert "未作数据检查" in words(path)


def test_a_document_without_any_of_its_layers_is_not_written(tmp_path):
    layers = city()
    own = {name: layers[name] for name in ("communities", "community_links", "zones", "zone_members")}
    written = write_reports(tmp_path, own, manifest())
    assert [path.name for path in written] == ["planner-zones.docx", "planner-tables.xlsx"]
    assert sorted(tmp_path.iterdir()) == sorted(written)


def test_layers_without_rows_give_documents_too(tmp_path):
    layers = {name: frame.iloc[:0] for name, frame in city().items()}
    write_reports(tmp_path, layers, manifest())
    assert "共划分连片改造片区 0 个" in words(tmp_path / "planner-zones.docx")
    assert "没有候选宗地" in words(tmp_path / "bureau-idle-land.docx")
    assert "计划改造小区 0 个，已开工 0 个（—）" in words(tmp_path / "publisher-progress.docx")


def test_the_same_run_gives_the_same_bytes_also_from_the_written_manifest(tmp_path):
    written = tmp_path / "run.json"
    written.write_text(manifest().to_json(), encoding="utf-8")
    for name, record in (("a", manifest()), ("b", read_manifest(written))):
        (tmp_path / name).mkdir()
        write_reports(tmp_path / name, with_land_status(city()), record)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert any(path.suffix == ".png" for path in files)
    for path in files:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes(), path


def test_english_documents_hold_no_chinese_but_the_datas_own(tmp_path):
    write_reports(tmp_path, city(), manifest(), lang="en")
    text = words(tmp_path / "publisher-progress.docx")
    for name in ("画出来的城市", "龙湖片区改造", "田家庵区", "住建局"):
        text = text.replace(name, "")
    assert not [character for character in text if "\u4e00" <= character <= "\u9fff"]
    assert "monthly progress" in text


def visible(text):
    return "".join(c for c in text if c.isprintable() and not c.isspace() and c != "\ufffd")


@pytest.mark.parametrize("start", range(0, len(drawn_city.HOSTILE), 9))
def test_hostile_text_is_only_text(tmp_path, start):
    texts = (drawn_city.HOSTILE[start:] + drawn_city.HOSTILE)[:9]
    layers = city()
    layers["communities"] = layers["communities"].assign(name=texts)
    layers["zones"] = layers["zones"].assign(why_zh=texts[:2])
    layers["idle_parcels"] = layers["idle_parcels"].assign(reason_zh=texts[:3])
    write_reports(tmp_path, layers, manifest())
    shown = visible(words(tmp_path / "planner-zones.docx"))
    assert all(visible(text) in shown for text in texts)
    book = openpyxl.load_workbook(tmp_path / "planner-tables.xlsx")
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    book.close()
    assert "f" not in kinds


def test_a_long_table_says_how_much_is_left_out(tmp_path):
    paper = Paper(title=Text("表", "Table"), lang="zh", footer="", synthetic=False)
    frame = pd.DataFrame(
        {"zone_id": ["Z"] * 250}, index=pd.Index([f"C{n:03}" for n in range(250)], name="community_id")
    )
    paper.layer_table(frame, "zone_members", ["zone_id"], see="tables.xlsx")
    paper.save(tmp_path / "t.docx", dated=AS_OF)
    assert "本表列出前 200 行，其余 50 行见 tables.xlsx" in words(tmp_path / "t.docx")
    assert len(docx.Document(tmp_path / "t.docx").tables[0].rows) == 201


def test_every_step_is_in_some_readers_workbook():
    given = {name for one in reports.REPORTS for name in one.tables}
    assert {step.layer for step in STEPS} <= given <= set(layer_schemas())


def test_the_samples_documents_name_every_zone_and_count_every_candidate(sample_run, tmp_path):
    some = list(sample_run.layers["land_sites"].index[[0, -1]])
    write_reports(tmp_path, sample_run.layers, sample_run.manifest, sites=some)
    text = words(tmp_path / "planner-zones.docx")
    for key, zone in sample_run.layers["zones"].iterrows():
        assert f"{zone['name']}（{key}）" in text
    parcels = sample_run.layers["idle_parcels"]
    rows = table_rows(tmp_path / "bureau-idle-land.docx")
    for code, label in (("candidate", "候选"), ("unknown", "未知"), ("excluded", "排除")):
        own = parcels[parcels["verdict"] == code]
        expected = ["宗地", label, f"{len(own):,}", f"{own['area_m2'].sum():,.2f}"]
        assert expected in [row[:4] for row in rows]
