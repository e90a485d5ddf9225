"""Boundaries in one file, the ledger in another: joined by number, and everything that does not meet is named."""

from __future__ import annotations

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from gis_renovation.checking.draft_ledger import draft_join, write_join
from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError, FileError
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import file_sha256, read_files
from gis_renovation.reading.joins import join_keys, match_rows

LEFT, BOTTOM = 500_000, 3_612_000
CARD = '[source]\npath = "data/边界.gpkg"\ncrs = "EPSG:4548"\n[columns]\ncommunity_id = "小区编号"\nname = "小区名称"\n'
JOIN = '\n[join]\npath = "data/台账.xlsx"\non = { "小区编号" = "编号" }\n'


def boundaries(folder, ids, **columns):
    (folder / "data").mkdir(exist_ok=True)
    shapes = [box(LEFT + 300 * n, BOTTOM, LEFT + 300 * n + 200, BOTTOM + 150) for n in range(len(ids))]
    names = [f"小区{n}" for n in range(len(ids))]
    frame = gpd.GeoDataFrame({"小区编号": ids, "小区名称": names, **columns}, geometry=shapes, crs=4548)
    frame.to_file(folder / "data" / "边界.gpkg")


def sheet(folder, rows, heads=("户数（户）", "建筑面积（万㎡）")):
    """A ledger as offices make it: a title, a header of two rows, a total, a footer. Records start in row 4."""
    (folder / "data").mkdir(exist_ok=True)
    book = openpyxl.Workbook()
    page = book.active
    page.append(["某区老旧小区改造台账"])
    page.merge_cells("A1:C1")
    page.append(["编号", "规模", None])
    page.append([None, *heads])
    page.merge_cells("A2:A3")
    page.merge_cells("B2:C2")
    for row in rows:
        page.append(row)
    page.append(["合计", None, None])
    page.append(["填表人：李四"])
    book.save(folder / "data" / "台账.xlsx")


def read(folder, text):
    card = read_card(text, stem="communities", where="layers/communities.toml")
    raw = read_files(card, folder)
    done = conform(raw.frame, card, file="边界.gpkg", columns=raw.columns)
    return done.frame, {f.code: f for f in [*raw.findings, *done.findings]}, raw.record


TAKEN = 'households = "规模/户数（户）"\nfloor_area_m2 = "规模/建筑面积（万㎡）"\n'


def test_the_ledger_fills_the_boundaries_in_our_units_whatever_its_order(tmp_path):
    boundaries(tmp_path, ["A1", "A2", "A3"])
    sheet(tmp_path, [["A3", "１，２００", 3.5], ["A1", "约120", "1.2"], ["A2", 80, "不详"]])
    frame, said, record = read(tmp_path, CARD + TAKEN + JOIN)
    assert frame["households"].to_dict() == {"A1": 120, "A2": 80, "A3": 1200}
    assert frame["floor_area_m2"].fillna(-1).to_dict() == {"A1": 12_000, "A2": -1, "A3": 35_000}
    assert record["files"][1]["path"] == "data/台账.xlsx"
    assert record["files"][1]["sha256"] == file_sha256(tmp_path / "data" / "台账.xlsx")
    assert record["files"][1]["set_aside"] == {"title": 1, "header": 2, "blank": 0, "total": 1, "footer": 1}
    assert record["files"][1]["joined"] == {
        "features_joined": 3, "features_without_row": 0, "rows_used": 3, "rows_without_feature": 0,
        "rows_without_number": 0, "rows_repeated": 0,
    }  # fmt: skip
    assert said["estimate"].file == "台账.xlsx"
    assert not [f for f in said.values() if f.severity in ("error", "warning")]


def test_what_does_not_meet_is_named_on_both_sides_and_counted(tmp_path):
    boundaries(tmp_path, ["A1", "A2", None])
    sheet(tmp_path, [["A1", 10, 1], ["A9", 20, 2], [None, 30, 3]])
    frame, said, record = read(tmp_path, CARD + TAKEN + JOIN)
    assert said["join_ledger_only"].named("zh") == ("A9（第5行）",)
    assert said["join_layer_only"].named("zh") == ("A2", "第3行没有编号")
    assert said["join_no_number"].named("zh") == ("第6行",)
    assert {said[c].severity for c in ("join_ledger_only", "join_layer_only", "join_no_number")} == {"warning"}
    assert int(frame["households"].sum()) == 10  # unknown is not 0, and no row of the ledger slips in elsewhere
    assert int(frame["households"].isna().sum()) == 2
    counts = record["files"][1]["joined"]
    assert counts["features_joined"] + counts["features_without_row"] == 3
    assert sum(counts[k] for k in ("rows_used", "rows_without_feature", "rows_without_number", "rows_repeated")) == 3


def test_repeated_ids_of_the_ledger_are_an_error_with_their_rows_and_none_is_taken(tmp_path):
    boundaries(tmp_path, ["A1", "A2"])
    sheet(tmp_path, [["A1", 10, 1], ["A2", 20, 2], ["A1 ", 11, 1]])
    frame, said, record = read(tmp_path, CARD + TAKEN + JOIN)
    assert said["join_repeated"].severity == "error"
    assert said["join_repeated"].named("zh") == ("A1（第4行、第6行）",)
    assert frame["households"].fillna(-1).to_dict() == {"A1": -1, "A2": 20}
    assert record["files"][1]["joined"]["rows_repeated"] == 2


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (["001", "002"], [1, 2]),
        (["001", "002"], ["1", "2"]),
        ([1, 2], ["001", "002"]),
        ([1, 2], ["1", "2"]),
        ([1.0, 2.0], [1, 2]),
        (["TJA001", "TJA002"], ["ＴＪＡ００１", "TJA002  "]),
        (["TJA001 ", "TJA002"], ["TJA001", "\u3000TJA002\u3000"]),
    ],
)
def test_ids_meet_however_people_and_spreadsheets_write_them(tmp_path, ours, theirs):
    boundaries(tmp_path, ours)
    sheet(tmp_path, [[theirs[0], 10, 1], [theirs[1], 20, 2]])
    frame, said, _ = read(tmp_path, CARD + TAKEN + JOIN)
    assert list(frame["households"]) == [10, 20]
    assert not [f for f in said.values() if f.severity in ("error", "warning")]
    assert ("join_zeros" in said) == ("001" in (ours[0], theirs[0]))


def test_zeros_in_front_are_dropped_only_where_one_number_can_be_meant():
    matched = match_rows(["001", "2", "003"], ["1", "01", "02", "2", "3", "0003"])
    assert list(matched.positions) == [-1, 3, -1]
    assert matched.padded == []


KEYS = st.lists(st.one_of(st.integers(0, 99), st.text("A01 ０１", max_size=4), st.none()), max_size=12)


@given(KEYS, KEYS)
@settings(max_examples=200, deadline=None)
def test_every_row_of_the_ledger_is_used_or_named_and_no_number_meets_another(ours, theirs):
    a, b = join_keys(ours), join_keys(theirs)
    matched = match_rows(a, b)
    for mine, position in zip(a, matched.positions, strict=True):
        if position >= 0:
            assert mine.lstrip("0") == b[position].lstrip("0")
            assert b.count(b[position]) == 1
        else:
            assert not mine or b.count(mine) != 1
    assert {key for key, rows in matched.repeated.items()} == {key for key in b if key and b.count(key) > 1}


def test_columns_of_both_that_differ_are_told_and_the_card_chooses(tmp_path):
    boundaries(tmp_path, ["A1", "A2", "A3"], 户数=["10", "２０", "约30"])
    sheet(tmp_path, [["A1", 10, 1], ["A2", 20, 2], ["A3", 33, 3]], heads=("户数（户）", "建筑面积（万㎡）"))
    frame, said, _ = read(tmp_path, CARD + 'households = "户数"\n' + JOIN)
    assert said["join_values_differ"].severity == "warning"
    assert said["join_values_differ"].named("zh") == ("A3=约30→33",)
    assert list(frame["households"]) == [10, 20, 30]
    frame, said, _ = read(tmp_path, CARD + 'households = "规模/户数（户）"\n' + JOIN)
    assert said["join_values_differ"].severity == "note"
    assert list(frame["households"]) == [10, 20, 33]


def test_a_column_of_the_same_name_is_taken_by_its_prefix(tmp_path):
    boundaries(tmp_path, ["A1", "A2"], 户数=[1, 2])
    pd.DataFrame({"编号": ["A1", "A2"], "户数": [11, 22], "栋数": [3, 4]}).to_csv(tmp_path / "data/l.csv", index=False)
    join = '[join]\npath = "data/l.csv"\non = { "小区编号" = "编号" }\n'
    frame, said, _ = read(tmp_path, CARD + 'households = "ledger.户数"\nbuilding_count = "ledger.栋数"\n' + join)
    assert list(frame["households"]) == [11, 22]
    assert list(frame["building_count"]) == [3, 4]
    assert said["join_values_differ"].named("zh") == ("A1=1→11", "A2=2→22")
    frame, _, _ = read(tmp_path, CARD + 'households = "户数"\nbuilding_count = "栋数"\n' + join)
    assert list(frame["households"]) == [1, 2]
    assert list(frame["building_count"]) == [3, 4]


def test_one_ledger_row_for_several_features_is_warned_of_unless_they_are_merged(tmp_path):
    boundaries(tmp_path, ["A1", "A1", "A2"])
    sheet(tmp_path, [["A1", 10, 1], ["A2", 20, 2]])
    _, said, _ = read(tmp_path, CARD + TAKEN + JOIN)
    assert said["join_row_shared"].named("zh") == ("A1",)
    merged, said, _ = read(tmp_path, CARD + TAKEN + JOIN + "[repair]\nmerge_pieces = true\n")
    assert "join_row_shared" not in said
    assert int(merged["households"].sum()) == 30


def test_numbers_that_never_meet_are_one_error_with_examples_of_both(tmp_path):
    boundaries(tmp_path, ["A1", "A2"])
    sheet(tmp_path, [["甲", 10, 1], ["乙", 20, 2]])
    _, said, _ = read(tmp_path, CARD + TAKEN + JOIN)
    assert said["join_nothing_met"].severity == "error"
    assert "A1、A2" in said["join_nothing_met"].text.zh
    assert "甲、乙" in said["join_nothing_met"].text.zh
    assert "join_layer_only" not in said


@pytest.mark.parametrize(
    ("join", "kind", "words"),
    [
        ('[join]\npath = "data/没有.xlsx"\non = "小区编号"\n', FileError, "台账.xlsx"),
        (
            '[join]\npath = "data/台账.xlsx"\non = { "小区编号" = "编码" }\n',
            ConfigError,
            "台账没有列“编码”；可用的有：编号",
        ),
        (
            '[join]\npath = "data/台账.xlsx"\non = { "小区编码" = "编号" }\n',
            ConfigError,
            "没有列“小区编码”；是否指 小区编号",
        ),
        ('[join]\npath = "data/台账.xlsx"\non = {}\n', ConfigError, "join.0.on"),
        ('[join]\npath = "data/台账.xlsx"\n', ConfigError, "缺少此项"),
        ('[join]\npath = "data/台账.xlsx"\nlayer_name = "表9"\non = { "小区编号" = "编号" }\n', FileError, "表9"),
    ],
)
def test_a_join_that_cannot_be_read_says_what_is_there_instead(tmp_path, join, kind, words):
    boundaries(tmp_path, ["A1"])
    sheet(tmp_path, [["A1", 10, 1]])
    with pytest.raises(kind, match=words):
        read(tmp_path, CARD + TAKEN + join)


def test_card_drafts_the_join_and_writes_it_into_the_card_that_stands(tmp_path):
    boundaries(tmp_path, ["A1", "A2"], 户数=[10, 21])
    sheet(tmp_path, [["A2", 20, 2], ["A1", 10, 1]])
    card = tmp_path / "communities.toml"
    card.write_text(CARD + 'households = "户数"\n# floor_area_m2 = ""  # 可选\n[repair]\n', encoding="utf-8")
    before = card.read_bytes()
    ledger = tmp_path / "data" / "台账.xlsx"
    draft = draft_join(ledger, layer="communities", beside=tmp_path)
    assert '[join]\npath = "data/台账.xlsx"\non = { "小区编号" = "编号" }\n' in draft.text("zh")
    assert '# households = "规模/户数（户）"' in draft.text("zh")
    assert card.read_bytes() == before
    write_join(draft, layer="communities")
    frame, _, _ = read(tmp_path, card.read_text(encoding="utf-8"))
    assert list(frame["floor_area_m2"]) == [10_000, 20_000]
    assert list(frame["households"]) == [10, 21]
    assert "# floor_area_m2" not in card.read_text(encoding="utf-8")
    with pytest.raises(FileError, match="已经接了"):
        draft_join(ledger, layer="communities", beside=tmp_path)


def test_card_says_when_the_ledger_meets_by_a_guess_or_not_at_all_and_writes_nothing(tmp_path):
    boundaries(tmp_path, ["X1", "X2"])
    sheet(tmp_path, [["小区0", 20, 2], ["小区1", 10, 1]])
    card = tmp_path / "communities.toml"
    card.write_text(CARD, encoding="utf-8")
    before = card.read_bytes()
    draft = draft_join(tmp_path / "data" / "台账.xlsx", layer="communities", beside=tmp_path)
    assert draft.section[-1] == 'on = { "小区名称" = "编号" }'
    with pytest.raises(FileError, match="没有改动"):
        write_join(draft, layer="communities")
    sheet(tmp_path, [["甲", 20, 2], ["乙", 10, 1]])
    with pytest.raises(FileError, match="没有一列"):
        draft_join(tmp_path / "data" / "台账.xlsx", layer="communities", beside=tmp_path)
    assert card.read_bytes() == before


def test_a_table_with_coordinates_or_without_a_card_is_no_ledger_to_join(tmp_path):
    boundaries(tmp_path, ["A1"])
    pd.DataFrame({"编号": ["A1"], "x": [LEFT], "y": [BOTTOM]}).to_csv(tmp_path / "data/p.csv", index=False)
    sheet(tmp_path, [["A1", 10, 1]])
    assert draft_join(tmp_path / "data/台账.xlsx", layer="communities", beside=tmp_path) is None
    (tmp_path / "communities.toml").write_text(CARD, encoding="utf-8")
    assert draft_join(tmp_path / "data/p.csv", layer="communities", beside=tmp_path) is None
    assert draft_join(tmp_path / "data/边界.gpkg", layer="communities", beside=tmp_path) is None


# --- what a card says of a file's axes, and rows in messages ---------------------------------------


def test_swap_axes_exchanges_x_and_y_on_request_only_and_counts(tmp_path):
    shapes = [box(BOTTOM, LEFT + 300 * n, BOTTOM + 150, LEFT + 300 * n + 200) for n in range(3)]
    frame = gpd.GeoDataFrame({"小区编号": ["A", "B", "C"], "小区名称": ["甲", "乙", "丙"]}, geometry=shapes, crs=4548)
    (tmp_path / "data").mkdir()
    frame.to_file(tmp_path / "data" / "边界.gpkg")
    plain, said, record = read(tmp_path, CARD)
    assert "axes_swapped" not in said
    assert plain.total_bounds[0] == BOTTOM
    swapped, said, record = read(tmp_path, CARD.replace("[columns]", "swap_axes = true\n[columns]"))
    assert list(swapped.total_bounds) == [LEFT, BOTTOM, LEFT + 800, BOTTOM + 150]
    assert record["files"][0]["axes_swapped"] == 3
    assert said["axes_swapped"].severity == "note"


def test_repeated_ids_are_named_with_the_rows_of_the_file(tmp_path):
    boundaries(tmp_path, ["B2", "A1", "B2", "C3"])
    card = read_card(CARD, stem="communities", where="x")
    raw = read_files(card, tmp_path)
    done = conform(raw.frame, card)
    (found,) = check_layer(done.frame, card.schema_, done.origin)
    assert found.named("zh") == ("B2（第1行、第3行）",)
    assert "[B2（第1行、第3行）]" in found.sentence("zh")
    assert "[B2 (row 1, row 3)]" in found.sentence("en")


def test_a_fault_in_a_card_shows_toml_and_not_the_programs_own_words():
    with pytest.raises(ConfigError) as caught:
        read_card('[source]\npath = "a.csv"\n[geometry]\nx = "Y"\n', stem="communities", where="x")
    assert '{ x = "Y" }' in caught.value.text.zh
    assert "{'x'" not in caught.value.text.zh
