"""Cards: what they may say, and what conform makes of a raw frame. Counts in = counts out + counts reported."""

from __future__ import annotations

import contextlib
import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box
from zoo import NAMES, communities

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError
from gis_renovation.numerals import without_controls
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import columns_needed, conform, finish_shapes
from gis_renovation.reading.files import read_files
from gis_renovation.reading.joins import fold_rows
from gis_renovation.reading.values.domains import FileColumns
from gis_renovation.reading.values.ledgers import SHEET_ROW
from gis_renovation.run.fingerprints import fingerprint
from gis_renovation.schemas import layer_schema

HEAD = '[source]\npath = "a.gpkg"\n'
COLUMNS = '[columns]\ncommunity_id = "编号"\nname = "名称"\nhouseholds = "户数"\nfloor_area_m2 = "总面积"\n'


def card(text="", *, columns=COLUMNS, stem="communities"):
    return read_card(HEAD + columns + text, stem=stem, where="layers/x.toml")


def done(frame=None, text="", *, columns=COLUMNS, stem="communities"):
    result = conform(communities() if frame is None else frame, card(text, columns=columns, stem=stem), file="a.gpkg")
    record = result.record
    assert record["rows_read"] == record["rows_used"] + record["rows_not_selected"] + record["rows_dropped"]
    return result


def table(values, *, name="户数", target="households", rule=""):
    """One community a value, with the value in the column that feeds ``target``."""
    count = len(values)
    frame = communities(count).drop(columns=["户数", "总面积"])
    frame[name] = pd.Series(values, dtype=object)
    columns = f'[columns]\ncommunity_id = "编号"\nname = "名称"\n{target} = {rule or f"{chr(34)}{name}{chr(34)}"}\n'
    return done(frame, columns=columns)


def said(result, code):
    return next((f for f in result.findings if f.code == code), None)


# --- the card itself ------------------------------------------------------------------------------


def test_all_faults_of_a_card_come_at_once_with_the_nearest_key():
    text = (
        '[source]\npath = "a.gpkg"\nencodng = "GBK"\nclassification = "secret"\n'
        '[columns]\ncommunity_id = "a"\n[repair]\nmake_vaild = true\n'
    )
    with pytest.raises(ConfigError) as caught:
        read_card(text, stem="communities", where="layers/communities.toml")
    for word in ("layers/communities.toml", "encodng", "encoding", "classification", "make_vaild", "make_valid"):
        assert word in caught.value.text.zh
        assert word in caught.value.text.en


def test_a_column_we_do_not_have_names_the_nearest_and_a_wrong_unit_those_known():
    with pytest.raises(ConfigError) as caught:
        card(
            columns='[columns]\nhousehold = "户数"\nfloor_area_m2 = { from = "面积", unit = "公里" }\nname = { unit = "" }\n'
        )
    assert "households" in caught.value.text.zh
    assert "万平方米" in caught.value.text.zh
    assert "columns.name" in caught.value.text.zh


def test_text_that_is_no_toml_or_names_no_layer_is_explained():
    with pytest.raises(ConfigError, match="TOML"):
        read_card("[source\n", stem="communities", where="x")
    with pytest.raises(ConfigError, match="communities"):
        read_card(HEAD, stem="comunities", where="x")
    with pytest.raises(ConfigError, match="geometry"):
        read_card(HEAD + '[geometry]\nx = "X"\n', stem="facilities", where="x")


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_card_or_a_config_error(text):
    with contextlib.suppress(ConfigError):
        read_card(text, stem="communities", where="x")


# --- columns --------------------------------------------------------------------------------------


def test_the_frame_is_keyed_sorted_and_typed():
    result = done(communities().iloc[::-1])
    assert result.frame.index.name == "community_id"
    assert list(result.frame.index) == ["C1", "C2", "C3"]
    assert list(result.frame["households"]) == [100, 110, 120]
    assert result.frame["households"].dtype == "Int64"
    assert check_layer(result.frame, layer_schema("communities")) == []


def test_a_card_without_columns_takes_those_of_known_names_and_says_so():
    result = done(columns="")
    assert list(result.frame["name"]) == list(NAMES)
    assert {f.field for f in result.findings if f.code == "matched_by_alias"} >= {"community_id", "name", "households"}


def test_a_unit_in_the_card_the_header_or_the_cell_counts_and_the_cell_wins():
    assert list(
        table(["1.2", "3"], target="floor_area_m2", rule='{ from = "户数", unit = "万平方米" }').frame["floor_area_m2"]
    ) == [12000, 30000]
    frame = communities().drop(columns="总面积").assign(**{"建筑面积（万平方米）": [1.2, 0.8, 17.351]})
    columns = '[columns]\ncommunity_id = "编号"\nname = "名称"\n'
    assert list(done(frame, columns=columns).frame["floor_area_m2"]) == [12000, 8000, 173510]
    mixed = table(["1.2万㎡", "500", "1公顷"], target="floor_area_m2")
    assert list(mixed.frame["floor_area_m2"]) == [12000, 500, 10000]


def test_numbers_as_people_write_them_are_read_and_estimates_are_said():
    result = table(["约120", "１２０", "1,030", "1.2万", "100多户", "-", None, "不详"])
    values = result.frame["households"]
    assert list(values[:5]) == [120, 120, 1030, 12000, 100]
    assert values[5:].isna().all()
    assert said(result, "estimate").named("zh") == ("C1→约120", "C5→100多户")
    assert said(result, "placeholder").named("zh") == ("C6→-", "C8→不详")


def coded(values, rule):
    """A layer of barriers whose kinds are ``values``."""
    frame = communities(len(values)).assign(fclass=values)
    frame = frame.set_geometry(frame.boundary)
    text = f'[source]\npath = "a"\n[columns]\nbarrier_id = "编号"\nkind = {rule}\n'
    return conform(frame, read_card(text, stem="barriers", where="x"))


@pytest.mark.parametrize("rule", ['"fclass"', '{ from = "fclass", values = { stream = "…" } }'])
def test_values_that_are_not_ours_come_with_the_line_to_write_which_then_works(rule):
    result = coded(["water", "railway", "stream"], rule)
    schema = layer_schema("barriers")
    fault = next(f for f in check_layer(result.frame, schema, result.origin) if f.code == "value_not_allowed")
    start = fault.text.zh.index("kind = ")
    line = fault.text.zh[start : fault.text.zh.index(" }", fault.text.zh.index(" }") + 1) + 2]
    assert '"water" = "…"' in line
    assert '"stream" = "…"' in line
    assert 'from = "fclass"' in line
    assert line in fault.text.en
    assert "railway（铁路）" in fault.text.zh
    again = coded(["water", "铁路", "stream"], line.removeprefix("kind = ").replace("…", "railway"))
    assert list(again.frame["kind"]) == ["railway"] * 3


def test_what_is_no_number_stays_for_the_check_to_name():
    result = table(["12", "十几", "无"])
    faults = check_layer(result.frame, layer_schema("communities"))
    assert [(f.code, f.named("zh")) for f in faults] == [("wrong_type", ("C2=十几", "C3=无"))]


def test_a_negative_count_and_an_infinite_one_are_faults():
    faults = {f.code: f.named("zh") for f in check_layer(table([-5, 3, np.inf]).frame, layer_schema("communities"))}
    assert "C1=-5.0" in faults["below_minimum"]
    assert faults["wrong_type"] == ("C3=inf",)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('"户数"', [1998, None, None, 1985, 2000]),
        ('{ from = "户数", periods = "latest" }', [1998, 1999, 1999, 1985, 2000]),
        ('{ from = "户数", periods = "earliest" }', [1998, 1980, None, 1985, 2000]),
    ],
)
def test_a_period_is_no_year_unless_the_card_says_which(rule, expected):
    result = table(
        ["1998年", "80-90年代", "2000年前", "八五年".replace("八五", "85"), "2000年左右"],
        target="year_built",
        rule=rule,
    )
    found = [None if pd.isna(v) else int(v) for v in result.frame["year_built"]]
    assert found == expected
    assert said(result, "period").named("zh") == ("C2→80-90年代", "C3→2000年前")
    assert said(result, "period").severity == ("warning" if rule == '"户数"' else "note")


def test_dates_in_many_forms_and_months_only_on_request():
    frame = pd.DataFrame(
        {
            "项目编号": ["P1"] * 7,
            "填报日期": [
                "2024-04-15",
                "2024/4/15",
                "2024年4月15日",
                "20240415",
                45397,
                pd.Timestamp(2024, 4, 15),
                "2024.4",
            ],
            "状态": ["已开工"] * 7,
        }
    )
    columns = '[columns]\nproject_id = "项目编号"\nstate = "状态"\nrecorded_on = {}\n'
    plain = done(frame, columns=columns.format('"填报日期"'), stem="works_records")
    day = datetime.date(2024, 4, 15)
    assert list(plain.frame["recorded_on"][:6]) == [day] * 6
    assert plain.frame["recorded_on"][6] == "2024.4"
    assert list(plain.frame["state"]) == ["started"] * 7
    assert said(plain, "day_number").named("zh") == ("第5行→45397",)
    last = done(frame, columns=columns.format('{ from = "填报日期", month_as = "last_day" }'), stem="works_records")
    assert last.frame["recorded_on"][6] == datetime.date(2024, 4, 30)


def test_yes_and_no_in_many_forms():
    frame = gpd.GeoDataFrame(
        {"light_id": list("abcdef"), "working": ["是", "否", "1", True, None, "坏"]},
        geometry=[Point(n, 0) for n in range(6)],
        crs=4548,
    )
    values = done(frame, columns="", stem="street_lights").frame["working"]
    assert list(values[:4]) == [True, False, True, True]
    assert values["e"] is None
    assert values["f"] == "坏"


def test_codes_are_mapped_and_labels_need_no_mapping():
    frame = communities().assign(批次=["主计划", "增补计划", "另册"])
    result = done(frame, columns=COLUMNS + 'plan_batch = "批次"\n')
    assert list(result.frame["plan_batch"]) == ["main", "supplement", "另册"]
    mapped = done(
        frame, columns=COLUMNS + 'plan_batch = { from = "批次", values = { "主计划" = "main", "*" = "reserve" } }\n'
    )
    assert list(mapped.frame["plan_batch"]) == ["main", "reserve", "reserve"]


def test_values_that_mean_unknown_become_unknown():
    result = table([0, 1998, "0"], target="year_built", rule='{ from = "户数", unknown = [0] }')
    assert list(result.frame["year_built"].isna()) == [True, False, True]


def test_ids_from_several_columns_or_from_position():
    joined = done(columns='[columns]\ncommunity_id = { from = ["名称", "编号"] }\nname = "名称"\n')
    assert "八公山小区/C2" in joined.frame.index
    numbered = done(
        communities().sample(frac=1, random_state=3),
        columns='[columns]\ncommunity_id = { number = "XQ-" }\nname = "名称"\n',
    )
    assert list(numbered.frame["name"]) == list(NAMES)
    assert list(numbered.frame.index) == ["XQ-0001", "XQ-0002", "XQ-0003"]


def test_numbering_tells_equal_shapes_apart_by_their_content():
    frame = gpd.GeoDataFrame({"名称": ["b", "a", "c"]}, geometry=[box(0, 0, 1, 1)] * 3, crs=4548)
    columns = '[columns]\ncommunity_id = { number = "X" }\nname = "名称"\n'
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        assert list(done(frame.iloc[order], columns=columns).frame["name"]) == ["a", "b", "c"]


def test_a_missing_column_names_the_nearest():
    with pytest.raises(ConfigError, match="户数"):
        done(columns='[columns]\ncommunity_id = "编号"\nname = "名称"\nhouseholds = "总户数"\n')


def test_columns_that_are_not_used_are_said():
    assert (
        "总面积"
        in said(
            done(
                columns='[columns]\ncommunity_id = "编号"\nname = "名称"\nhouseholds = "户数"\nfloor_area_m2 = { value = 5 }\n'
            ),
            "unused_columns",
        ).text.zh
    )


def test_columns_that_make_the_geometry_are_used():
    frame = pd.DataFrame({"设施编号": ["F1"], "名称": ["x"], "Y": [500000.0], "X": [3613000.0], "备注": ["-"]})
    text = '[source]\npath = "a.csv"\ncrs = "EPSG:4548"\n[geometry]\nx = "Y"\ny = "X"\n[columns]\nfacility_id = "设施编号"\n'
    result = conform(frame, read_card(text, stem="facilities", where="x"))
    assert result.record["columns_left_out"] == ["备注"]


def test_heights_are_left_aside_and_said():
    frame = communities()
    frame.geometry = shapely.force_3d(frame.geometry, 25.0)
    result = done(frame)
    assert not result.frame.has_z.any()
    assert said(result, "heights_left_aside") is not None


# --- rows -----------------------------------------------------------------------------------------


def test_select_keeps_the_rows_meant_and_counts_the_others():
    result = done(text='[select]\n"名称" = ["八公山小区"]\n')
    assert list(result.frame.index) == ["C2"]
    assert result.record["rows_not_selected"] == 2
    with pytest.raises(ConfigError, match="名称"):
        done(text='[select]\n"名子" = "x"\n')


def test_repeated_and_empty_ids_are_faults_and_no_row_is_lost():
    frame = communities(4)
    frame["编号"] = ["C1", "C1", None, "C4"]
    result = done(frame)
    assert len(result.frame) == 4
    assert {f.code for f in check_layer(result.frame, layer_schema("communities"))} == {"duplicate_key", "empty_key"}


@given(st.permutations(range(6)))
@settings(max_examples=30, deadline=None)
def test_shuffled_rows_and_columns_give_the_same_fingerprint(order):
    frame = communities(6).assign(建成年代=["1998", "80年代", None, "约1990", "2000年前", "x"])
    shuffled = frame.iloc[list(order)].iloc[:, [3, 1, 0, 5, 2, 4]].set_geometry("geometry")
    assert fingerprint(done(shuffled).frame) == fingerprint(done(frame).frame)


def test_an_empty_frame_keeps_its_columns():
    full, empty = done(), done(communities().iloc[:0])
    assert len(empty.frame) == 0
    assert list(empty.frame.columns) == list(full.frame.columns)
    assert empty.frame.index.name == "community_id"


def test_a_file_without_rows_or_columns_is_empty_and_nothing_else():
    result = done(communities().iloc[:0][["geometry"]], columns="")
    assert [f.code for f in check_layer(result.frame, layer_schema("communities"))] == ["empty_layer"]


# --- repairs --------------------------------------------------------------------------------------


def test_nothing_is_repaired_unasked():
    bow = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    frame = gpd.GeoDataFrame({"编号": ["a", "a"], "名称": ["x", "x"]}, geometry=[bow, bow], crs=4548)
    result = done(frame, columns="")
    assert len(result.frame) == 2
    assert {f.code for f in check_layer(result.frame, layer_schema("communities"))} == {
        "duplicate_key",
        "invalid_geometry",
    }


def test_an_exact_duplicate_falls_away_and_is_counted():
    frame = pd.concat([communities(), communities().iloc[[1]]], ignore_index=True)
    result = done(frame, "[repair]\ndrop_exact_duplicates = true\n")
    assert list(result.frame.index) == ["C1", "C2", "C3"]
    assert result.record["repairs"] == {"drop_exact_duplicates": 1}
    nearly = frame.copy()
    nearly.loc[3, "户数"] = 999
    assert len(done(nearly, "[repair]\ndrop_exact_duplicates = true\n").frame) == 4


def test_a_bow_tie_made_valid_keeps_both_wings():
    bow = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    frame = gpd.GeoDataFrame({"编号": ["a"], "名称": ["x"]}, geometry=[bow], crs=4548)
    result = done(frame, "[repair]\nmake_valid = true\n", columns="[columns]\n")
    assert result.frame.geometry.iloc[0].area == pytest.approx(50)
    assert result.record["repairs"] == {"make_valid": 1}


def test_empty_geometry_is_dropped_on_request_only():
    frame = communities()
    frame.loc[1, "geometry"] = None
    assert len(done(frame).frame) == 3
    result = done(frame, "[repair]\ndrop_empty_geometry = true\n")
    assert list(result.frame.index) == ["C1", "C3"]
    assert result.record["rows_dropped"] == 1


def test_rings_are_closed_within_the_tolerance_only():
    ring = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0.4)]
    frame = gpd.GeoDataFrame(
        {"编号": ["a", "b"], "名称": ["x", "y"]}, geometry=[LineString(ring), LineString([(0, 0), (9, 9)])], crs=4548
    )
    assert list(done(frame, "[repair]\nclose_rings_m = 0.5\n", columns="").frame.geom_type) == ["Polygon", "LineString"]
    assert list(done(frame, "[repair]\nclose_rings_m = 0.3\n", columns="").frame.geom_type) == [
        "LineString",
        "LineString",
    ]


def test_pieces_of_one_id_are_merged_and_differing_attributes_become_unknown():
    frame = communities(4)
    frame["编号"] = ["C1", "C2", "C2", "C4"]
    frame["名称"] = ["a", "b", "b", "d"]
    result = done(frame, "[repair]\nmerge_pieces = true\n")
    assert list(result.frame.index) == ["C1", "C2", "C4"]
    assert result.frame.geometry["C2"].area == pytest.approx(16000)
    assert result.frame["name"]["C2"] == "b"
    assert pd.isna(result.frame["households"]["C2"])
    assert said(result, "pieces_differ").named("zh") == ("C2: floor_area_m2", "C2: households")


def test_slivers_between_neighbours_close_and_wide_gaps_stay():
    shapes = [box(0, 0, 10, 10), box(10.05, 0, 20, 10), box(19.95, 0, 30, 10), box(31, 0, 40, 10)]
    frame = gpd.GeoDataFrame({"编号": list("abcd"), "名称": list("abcd")}, geometry=shapes, crs=4548)
    asked = card("[repair]\nsnap_slivers_m = 0.2\n", columns="")
    result = conform(frame, asked)
    snapped, findings = finish_shapes(result.frame, asked, result.record)
    assert result.record["repairs"] == {"snap_slivers_m": 2}
    assert findings[0].code == "repaired"
    pairs = [shapely.distance(snapped.geometry.iloc[n], snapped.geometry.iloc[n + 1]) for n in range(3)]
    assert pairs == pytest.approx([0, 0, 1])
    assert shapely.area(shapely.intersection(snapped.geometry.iloc[1], snapped.geometry.iloc[2])) == 0
    assert snapped.area.sum() == pytest.approx(shapely.union_all(snapped.geometry).area)


def test_an_overlap_wider_than_a_sliver_is_left_alone():
    frame = gpd.GeoDataFrame(
        {"编号": ["a", "b"], "名称": ["a", "b"]}, geometry=[box(0, 0, 10, 10), box(5, 0, 15, 10)], crs=4548
    )
    asked = card("[repair]\nsnap_slivers_m = 0.2\n", columns="")
    result = conform(frame, asked)
    snapped, _ = finish_shapes(result.frame, asked, result.record)
    assert list(snapped.area) == [100, 100]


# --- joins ----------------------------------------------------------------------------------------


IDS = st.one_of(
    st.lists(st.text(alphabet="AZ09区é\0𠮷", min_size=1, max_size=12), min_size=1, max_size=30, unique=True),
    st.lists(st.text(alphabet="ABab01", min_size=20, max_size=20), min_size=1, max_size=30, unique=True),
    st.lists(st.text(alphabet="小区一二", min_size=3, max_size=3), min_size=1, max_size=30, unique=True),
)


@given(IDS, st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_ids_are_sorted_as_texts_are_and_repeated_ones_stay_for_the_check(ids, cut):
    wanted = [without_controls(text).strip() for text in ids]
    keys = pd.Series(wanted, dtype="str")
    frame = pd.DataFrame({"编号": keys, "金额": range(len(keys))}).iloc[min(cut, len(keys) - 1) :]
    text = '[source]\npath = "a"\n[columns]\nbarrier_id = "编号"\n'
    found = conform(frame, read_card(text, stem="barriers", where="x")).frame.index
    kept = [word or None for word in frame["编号"].str.strip()]
    if None in kept or len(set(kept)) < len(kept):
        assert len(found) == len(kept)
    else:
        assert list(found) == sorted(kept, key=str.encode)


WORDS = ("编号", "小区名称", "名称", "户数（户）", "户数", "总面积", "备注", "name", "街道")


@given(
    st.permutations(WORDS),
    st.integers(1, len(WORDS)),
    st.sampled_from(["", "[repair]\ndrop_exact_duplicates = true\n"]),
)
@settings(max_examples=100, deadline=None)
def test_columns_nobody_asks_for_may_stay_unread_without_a_trace_in_the_result(words, count, repair):
    frame = communities()[["geometry"]].assign(**{w: [f"{w}{n}" for n in range(3)] for w in words[:count]})
    asked = read_card(HEAD + '[columns]\nfloor_area_m2 = "总面积"\n' + repair, stem="communities", where="x")
    needed = columns_needed(asked, words[:count])
    if needed is None:
        assert repair or "总面积" not in words[:count]
        return
    whole = conform(frame, asked)
    part = conform(frame[["geometry", *needed]], asked, columns=FileColumns(tuple(words[:count])))
    assert fingerprint(whole.frame) == fingerprint(part.frame)
    assert (whole.record, whole.findings, whole.rules) == (part.record, part.findings, part.rules)


def test_several_rows_fold_into_one_and_unknown_stays_unknown():
    rows = pd.DataFrame(
        {
            "k": ["a", "a", "b", "b", "c", None],
            "u": ["x", "x", "y", "z", None, "q"],
            "n": [1.0, 2.0, np.nan, np.nan, 5.0, 7.0],
        }
    )
    join = card('[[join]]\npath = "t.csv"\non = "k"\ntake = { u = "unanimous", n = "sum" }\n').join[0]
    folded = fold_rows(rows, join, where="t.csv")
    assert list(folded.index) == ["a", "b", "c"]
    assert folded["u"].fillna("?").tolist() == ["x", "?", "?"]
    assert folded["n"].fillna(-1).tolist() == [3, -1, 5]


def test_a_join_on_an_unknown_column_is_a_config_error():
    join = card('[[join]]\npath = "t.csv"\non = "k"\ntake = { u = "max" }\n').join[0]
    with pytest.raises(ConfigError, match="u"):
        fold_rows(pd.DataFrame({"k": [1]}), join, where="t.csv")


@pytest.mark.parametrize(
    "text",
    ['[source]\npath = "a"\nwhere = "x = 1"', '[source]\npath = "a"\nfilter = 1', '[source]\npath = "a"\n[where]'],
)
def test_a_filter_is_led_to_select(text):
    with pytest.raises(ConfigError) as caught:
        read_card(text, stem="communities", where="x")
    assert "[select] 列 = [值]" in caught.value.text.zh
    assert "[select]" in caught.value.text.en


# --- rows and months as the file has them ---------------------------------------------------------


def works(months, **more):
    """Works records whose dates are ``months``, as a sheet with its header in row 3 gives them."""
    columns = {"项目编号": ["P1"] * len(months), "月份": months, "状态": ["已开工"] * len(months), **more}
    return pd.DataFrame(columns, index=pd.RangeIndex(4, 4 + len(months), name=SHEET_ROW))


def checked_works(frame, columns):
    text = f'[source]\npath = "a"\n[columns]\nproject_id = "项目编号"\nstate = "状态"\n{columns}\n'
    result = conform(frame, read_card(text, stem="works_records", where="x"))
    faults = check_layer(result.frame, layer_schema("works_records"), result.origin)
    return result, {fault.code: fault for fault in faults}


def test_a_month_without_a_day_is_told_with_the_row_of_the_file_and_the_line_to_write_which_then_works():
    frame = works(["2026年8月", "2026-08-15", "2026.9", "八月"])
    _, faults = checked_works(frame, 'recorded_on = "月份"')
    month = faults["month_without_day"]
    assert month.named("zh") == ("第4行=2026年8月", "第6行=2026.9")
    assert "只写到月" in month.text.zh
    assert "month without a day" in month.text.en
    assert faults["wrong_type"].named("zh") == ("第7行=八月",)
    line = 'recorded_on = { from = "月份", month_as = "last_day" }'
    assert line in month.text.zh
    assert line in month.text.en
    result, faults = checked_works(frame.iloc[:3], line)
    assert faults == {}
    assert result.frame["recorded_on"][0] == datetime.date(2026, 8, 31)


def test_an_empty_id_is_told_by_the_row_of_the_file():
    frame = works(["2026-08-15"] * 3, 名称=["甲", "乙", "丙"], 区="淮南").assign(项目编号=["P1", None, "P3"])
    text = '[source]\npath = "a"\n[columns]\nproject_id = "项目编号"\n'
    result = conform(frame, read_card(text, stem="projects", where="x"))
    faults = check_layer(result.frame, layer_schema("projects"), result.origin)
    assert next(f for f in faults if f.code == "empty_key").named("zh") == ("第5行",)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("项目编号,月份,状态\nP1,2026.8,已开工\nP1,2026.9,已开工\n", ("第2行=2026.8", "第3行=2026.9")),
        ("项目编号,月份,状态\n\nP1,2026.8,已开工\n\nP1,2026.9,已开工\n\n", ("第3行=2026.8", "第5行=2026.9")),
        ("项目表,,\n项目编号,月份,状态\nP1,2026.8,已开工\nP1,2026.9,已开工\n", ("第3行=2026.8", "第4行=2026.9")),
    ],
)
def test_rows_of_a_csv_are_those_that_a_spreadsheet_shows(tmp_path, text, rows):
    (tmp_path / "进度.csv").write_text(text, encoding="utf-8")
    card = '[source]\npath = "进度.csv"\n[columns]\nproject_id = "项目编号"\nstate = "状态"\nrecorded_on = "月份"\n'
    asked = read_card(card, stem="works_records", where="x")
    result = conform(read_files(asked, tmp_path).frame, asked)
    faults = check_layer(result.frame, layer_schema("works_records"), result.origin)
    assert [(f.code, f.named("zh")) for f in faults] == [("month_without_day", rows)]


def test_a_column_not_taken_tells_its_strange_values_the_codes_and_the_line_to_write_which_then_works():
    states = ["缓建"] * 3 + ["已开工", "停工"]
    frame = works(["2026-08-15"] * 5).assign(状态=states)
    head = '[source]\npath = "a"\n[columns]\nproject_id = "项目编号"\nrecorded_on = "月份"\n'
    result = conform(frame, read_card(head, stem="works_records", where="x"))
    warning = said(result, "alike_not_taken")
    assert "“缓建”3 行、“停工”1 行" in warning.text.zh
    assert "已开工”" not in warning.text.zh
    assert "not_started（未开工）" in warning.text.zh
    line = 'state = { from = "状态", values = { "缓建" = "?", "停工" = "?" } }'
    assert line in warning.text.zh
    assert line in warning.text.en
    faults = check_layer(result.frame, layer_schema("works_records"), result.origin)
    missing = next(f for f in faults if f.code == "missing_field")
    assert "“状态”" in missing.text.zh
    assert "未采用" in missing.text.zh
    assert "'状态'" in missing.text.en
    again = conform(frame, read_card(head + line.replace("?", "started"), stem="works_records", where="x"))
    assert list(again.frame["state"]) == ["started"] * 5


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("月份", ["2026年8月", "2026年9月"], ("只写到月", 'recorded_on = { from = "月份", month_as = "last_day" }')),
        ("月份", ["八月", "九月"], ("应为日期", "“八月”1 行", 'unknown = ["九月", "八月"]')),
    ],
)
def test_a_column_of_dates_not_taken_says_what_it_holds_instead(column, cells, words):
    frame = works(["2026-08-15"] * 2).drop(columns="月份").assign(**{column: cells})
    text = '[source]\npath = "a"\n[columns]\nproject_id = "项目编号"\nstate = "状态"\n'
    warning = said(conform(frame, read_card(text, stem="works_records", where="x")), "alike_not_taken")
    assert all(word in warning.text.zh for word in words), warning.text.zh
