"""Ledgers with a row for each building, and ledgers whose numbers only count rows: what is joined, and what is said."""

from __future__ import annotations

import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from gis_renovation.checking.draft_ledger import draft_join, write_join
from gis_renovation.errors import FileError
from gis_renovation.reading.joins import fold_rows, is_running, take_line
from gis_renovation.run import check_project, open_project, read_layer

HEAD = '[project]\nname = "城"\ncrs = "EPSG:4548"\nas_of = 2025-01-01\n'
NAMES = ["幸福里", "和平村", "建设楼", "前进院", "红旗巷", "朝阳里"]


def project(tmp_path, columns, card, ledger, name="台账.csv"):
    data = tmp_path / "layers" / "data"
    data.mkdir(parents=True)
    (tmp_path / "project.toml").write_text(HEAD, encoding="utf-8")
    count = len(next(iter(columns.values())))
    shapes = [box(500_000 + 120 * k, 3_613_000, 500_100 + 120 * k, 3_613_080) for k in range(count)]
    gpd.GeoDataFrame(columns, geometry=shapes, crs=4548).to_file(data / "m.gpkg")
    (tmp_path / "layers" / "communities.toml").write_text(f'[source]\npath = "data/m.gpkg"\n{card}', encoding="utf-8")
    if name.endswith(".csv"):
        pd.DataFrame(ledger).to_csv(data / name, index=False)
    else:
        pd.DataFrame(ledger).to_excel(data / name, index=False)
    return open_project(tmp_path)


def told(work, *codes):
    return {f.code: f for f in check_project(work).findings if f.code in codes}


TAKE = '[join]\npath = "data/台账.csv"\non = "bh"\ntake = { "户数" = "sum", "建成年代" = "min" }\n'
COLUMNS = (
    '[columns]\ncommunity_id = "bh"\nhouseholds = { from = "户数", unknown = [9999, "不详"] }\n'
    'year_built = { from = "建成年代", unknown = [0] }\n'
)
LEDGER = {"bh": ["A", "A", "B", "B", "Z"], "户数": [100, 9999, 50, 60, 70], "建成年代": [1985, 0, 1990, 1992, 1999]}


def test_what_means_unknown_is_unknown_before_anything_is_added(tmp_path):
    work = project(tmp_path, {"bh": ["A", "B", "C"]}, COLUMNS + TAKE, LEDGER)
    homes = read_layer(work, "communities")
    assert homes["households"].fillna(-1).tolist() == [-1, 110, -1]  # one of A's two buildings is unknown
    assert homes["year_built"].fillna(-1).tolist() == [1985, 1990, -1]
    assert homes["approximate"].fillna("").tolist() == ["year_built", "", ""]
    found = told(work, "join_ledger_only", "join_layer_only", "join_sum_partial")
    assert [(ref.key, ref.rows) for ref in found["join_ledger_only"].features] == [("Z", (6,))]
    assert [ref.key for ref in found["join_layer_only"].features] == ["C"]
    assert [(ref.key, ref.rows) for ref in found["join_sum_partial"].features] == [("A", (3,))]
    assert "sum_known" in found["join_sum_partial"].text.zh


def test_the_known_rows_alone_are_added_only_on_request_and_marked(tmp_path):
    take = TAKE.replace('"sum"', '"sum_known"')
    work = project(tmp_path, {"bh": ["A", "B", "C"]}, COLUMNS + take, LEDGER)
    homes = read_layer(work, "communities")
    assert homes["households"].fillna(-1).tolist() == [100, 110, -1]
    assert homes["approximate"].fillna("").str.contains("households").tolist() == [True, False, False]
    found = told(work, "join_sum_partial", "estimate")
    assert found["join_sum_partial"].severity == "warning"
    assert found["estimate"].severity == "note"


@pytest.mark.parametrize("how", ["sum", "sum_known", "max"])
def test_what_comes_of_an_approximate_number_is_approximate(tmp_path, how):
    ledger = {"bh": list("AABB"), "户数": ["约120", "30", "10", "20"], "建成年代": [1990] * 4}
    work = project(tmp_path, {"bh": ["A", "B"]}, COLUMNS + TAKE.replace('"sum"', f'"{how}"'), ledger)
    homes = read_layer(work, "communities")
    assert homes["households"].tolist() == ([120, 20] if how == "max" else [150, 30])
    assert homes["approximate"].fillna("").tolist() == ["households", ""]
    assert told(work, "estimate")["estimate"].features[0].key == "A"


@pytest.mark.parametrize(
    ("name", "cells", "square_metres"),
    [
        ("面积", ["1.2万平方米", "0.8万平方米", "约0.5万平方米"], [20_000, 5_000]),
        ("面积（万平方米）", ["1.2万平方米", "0.8", "0.5"], [20_000, 5_000]),
        ("面积", ["1200平方米", "800", "500㎡"], [2_000, 500]),
    ],
)
def test_the_unit_that_cells_are_written_in_is_not_lost_when_they_are_added(tmp_path, name, cells, square_metres):
    columns = f'[columns]\ncommunity_id = "bh"\nfloor_area_m2 = "{name}"\n'
    take = f'[join]\npath = "data/台账.csv"\non = "bh"\ntake = {{ "{name}" = "sum" }}\n'
    work = project(tmp_path, {"bh": ["A", "B"]}, columns + take, {"bh": list("AAB"), name: cells})
    assert read_layer(work, "communities")["floor_area_m2"].tolist() == square_metres


def test_a_number_without_a_unit_among_others_in_ten_thousands_is_not_guessed(tmp_path):
    columns = '[columns]\ncommunity_id = "bh"\nfloor_area_m2 = "面积"\n'
    take = '[join]\npath = "data/台账.csv"\non = "bh"\ntake = { "面积" = "sum" }\n'
    work = project(
        tmp_path, {"bh": ["A", "B"]}, columns + take, {"bh": list("AAB"), "面积": ["1.2万平方米", "0.8", "1"]}
    )
    assert "不写单位" in told(work, "join_not_a_number")["join_not_a_number"].text.zh


@pytest.mark.parametrize("blank", [None, "不详", 9999])
def test_numbers_written_apart_meet_and_empty_ones_are_told(tmp_path, blank):
    ledger = {
        "bh": ["a01 ", "ａ01", None, "b02"],
        "户数": ["10户", blank, "7", "30 户"],
        "建成年代": [1990, 1980, 1, 2000],
    }
    work = project(tmp_path, {"bh": ["a01", "b02"]}, COLUMNS + TAKE, ledger)
    homes = read_layer(work, "communities")
    assert homes["households"].fillna(-1).tolist() == [-1, 30]
    assert homes["year_built"].tolist() == [1980, 2000]
    assert [ref.rows for ref in told(work, "join_no_number")["join_no_number"].features] == [(4,)]


@pytest.mark.parametrize(
    ("cells", "said"), [(["10", "几户", "5"], "几户"), (["1万平方米", "200平方米", "5万平方米"], "单位不一")]
)
def test_a_cell_that_is_no_number_is_an_error_with_its_row_and_never_glued_together(tmp_path, cells, said):
    card = '[columns]\ncommunity_id = "bh"\n' + TAKE.replace("建成年代", "备注").replace('"min"', '"unanimous"')
    work = project(tmp_path, {"bh": ["A", "B"]}, card, {"bh": ["A", "A", "B"], "户数": cells, "备注": list("xyz")})
    found = told(work, "join_not_a_number")["join_not_a_number"]
    assert found.severity == "error"
    assert said in found.sentence("zh")
    assert found.features[0].rows[0] in (2, 3)


def folds(rows):
    """By hand: the sums, unknown where a part is."""
    made: dict[str, list[float | None]] = {}
    for key, value in rows:
        made.setdefault(key, []).append(value)
    return {key: None if None in values else sum(values) for key, values in made.items()}


@pytest.mark.parametrize("seed", range(5))
def test_sums_are_those_of_a_loop_over_rows(seed):
    from types import SimpleNamespace

    rng = np.random.default_rng(seed)
    rows = [(f"k{rng.integers(6)}", None if rng.random() < 0.3 else int(rng.integers(100))) for _ in range(40)]
    table = pd.DataFrame(rows, columns=["k", "n"]).astype({"n": "Int64"})
    folded = fold_rows(table, SimpleNamespace(sides=("k", "k"), take={"n": "sum"}), where="t")["n"]
    expected = folds(rows)
    assert list(folded.index) == sorted(expected)
    assert [None if pd.isna(v) else int(v) for v in folded] == [expected[key] for key in folded.index]


def test_a_row_for_each_building_without_take_is_told_with_the_line_to_write(tmp_path):
    card = '[columns]\ncommunity_id = "bh"\nhouseholds = "户数"\n[join]\npath = "data/台账.csv"\non = "bh"\n'
    work = project(tmp_path, {"bh": ["A", "B", "C"]}, card, {**LEDGER, "建成年代": [1985, 1986, 1990, 1992, 1999]})
    said = told(work, "join_repeated")["join_repeated"].text.zh
    line = next(part for part in said.split("如 ") if part.startswith("take")).rstrip("。")
    assert line == 'take = { "户数" = "sum", "建成年代" = "min" }'
    path = tmp_path / "layers" / "communities.toml"
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    assert read_layer(open_project(tmp_path), "communities")["households"].tolist()[1] == 110


@pytest.mark.parametrize(
    ("column", "how"),
    [
        ("户数", "sum"), ("建筑面积（平方米）", "sum"), ("改造投资万元", "sum"), ("建成年代", "min"), ("开工日期", "min"),
        ("产权单位", "unanimous"), ("层数", "unanimous"), ("电话号码", "unanimous"), ("容积率", "unanimous"),
    ],
)  # fmt: skip
def test_what_is_added_is_what_can_be_added(column, how):
    value = {"产权单位": "矿务局", "开工日期": datetime.date(2024, 5, 1)}.get(column, 1990)
    assert take_line(pd.DataFrame({column: [value, value]}), [column]).count(f'"{how}"') == 1


def test_a_draft_for_a_ledger_of_buildings_proposes_how_rows_become_one_and_says_so(tmp_path):
    ledger = {
        "小区编号": [f"X{k // 3}" for k in range(12)],
        "户数": range(12),
        "建成年代": [1990 + k for k in range(12)],
    }
    project(tmp_path, {"bh": ["X0", "X1", "X2", "X3"]}, '[columns]\ncommunity_id = "bh"\n', ledger)
    layers = tmp_path / "layers"
    draft = draft_join(layers / "data" / "台账.csv", layer="communities", beside=layers)
    assert 'take = { "建成年代" = "min", "户数" = "sum" }' in draft.text("zh")
    assert any("3 行" in doubt.zh and "sum" in doubt.zh for doubt in draft.doubts)
    with pytest.raises(FileError):
        write_join(draft, layer="communities")
    card = layers / "communities.toml"
    card.write_text('[source]\npath = "data/m.gpkg"\n[columns]\ncommunity_id = "bh"\n' + "\n".join([*draft.lines.values(), *draft.section]), encoding="utf-8")  # fmt: skip
    homes = read_layer(open_project(tmp_path), "communities")
    assert homes["households"].tolist() == [3, 12, 21, 30]
    assert homes["year_built"].tolist() == [1990, 1993, 1996, 1999]


def test_a_fault_of_a_joined_column_names_the_ledgers_file_and_row(tmp_path):
    card = '[columns]\ncommunity_id = "bh"\nhouseholds = "户数"\nplan_batch = "批次"\n[join]\npath = "data/台账.csv"\non = "bh"\n'
    ledger = {"bh": ["C", "A", "B"], "户数": [5, -3, 7], "批次": ["main", "main", "第九批"]}
    work = project(tmp_path, {"bh": ["A", "B", "C"]}, card, ledger)
    found = [f for f in check_project(work).findings if f.severity == "error"]
    assert {(f.field, f.file, f.features[0].key, f.features[0].rows) for f in found} == {
        ("households", "台账.csv", "A", (3,)),
        ("plan_batch", "台账.csv", "B", (4,)),
    }


# --- numbers that only count rows -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "running"),
    [
        ([1, 2, 3, 4], True), ([3, 1, 2, 0], True), (["1", "2", "3"], True), ([1.0, 2.0, 3.0], True),
        ([1, 2, 4], False), ([5, 6, 7], False), (["A1", "A2", "A3"], False), ([1, 1, 2], False), ([1, 2], False),
        ([1, 2, None], False),
    ],
)  # fmt: skip
def test_running_numbers_are_told_from_others(cells, running):
    assert is_running(cells) is running


def counted(tmp_path, order, ledger_name="小区名称", map_names=NAMES):
    columns = {"id": range(1, 7)} | ({"名称": map_names} if map_names else {})
    ledger = {"序号": range(1, 7), "户数": [100 + 10 * k for k in order]}
    ledger |= {ledger_name: [NAMES[k] for k in order]} if ledger_name else {}
    card = '[columns]\ncommunity_id = "id"\n' + ('name = "名称"\n' if map_names else "")
    work = project(tmp_path, columns, card, ledger)
    layers = tmp_path / "layers"
    return work, draft_join(layers / "data" / "台账.csv", layer="communities", beside=layers)


@pytest.mark.parametrize("order", [[3, 1, 5, 0, 2, 4], [5, 4, 3, 2, 1, 0]])
def test_where_names_meet_they_decide_against_running_numbers(tmp_path, order):
    _, draft = counted(tmp_path, order)
    assert 'on = { "名称" = "小区名称" }' in "\n".join(draft.section)
    assert not draft.doubts
    assert "流水号" in draft.text("zh")
    write_join(draft, layer="communities")
    homes = read_layer(open_project(tmp_path), "communities")
    assert homes["households"].tolist() == [100, 110, 120, 130, 140, 150]


def test_running_numbers_that_names_confirm_are_joined(tmp_path):
    _, draft = counted(tmp_path, range(6))
    assert not draft.doubts


@pytest.mark.parametrize(("ledger_name", "names"), [("", NAMES), ("小区名称", None)])
def test_without_names_a_join_by_running_numbers_is_a_doubt_in_the_card(tmp_path, ledger_name, names):
    _, draft = counted(tmp_path, [3, 1, 5, 0, 2, 4], ledger_name, names)
    assert any("流水号" in doubt.zh for doubt in draft.doubts)
    assert "# ! " in draft.text("zh")
    with pytest.raises(FileError, match="流水号"):
        write_join(draft, layer="communities")


@pytest.mark.parametrize("confirmed", [True, False])
def test_check_tells_of_a_card_that_joins_by_running_numbers_unless_words_confirm_it(tmp_path, confirmed):
    order = range(6) if confirmed else [3, 1, 5, 0, 2, 4]
    counted(tmp_path, order)
    card = tmp_path / "layers" / "communities.toml"
    text = '[columns]\ncommunity_id = "id"\nname = "名称"\nhouseholds = "户数"\n[join]\npath = "data/台账.csv"\non = { id = "序号" }\n'
    card.write_text('[source]\npath = "data/m.gpkg"\n' + text, encoding="utf-8")
    assert bool(told(open_project(tmp_path), "join_running_numbers")) is not confirmed
