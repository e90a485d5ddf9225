"""Pipe surveys: lines between numbered points, X the northing, every number that is not found told with its row."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import get_coordinates

from gis_renovation.checking import draft_card, propose_folder, write_proposals
from gis_renovation.errors import ConfigError
from gis_renovation.reading import read_card, read_files
from gis_renovation.reading.surveyed import lines_between

E0, N0 = 39_498_000.0, 3_600_000.0
POINTS = [
    ("JS1", "起点", "阀门", N0, E0, "JS"),
    ("JS2", "直线点", None, N0 + 300, E0 + 400, "JS"),
    ("JS3", "三通", "消防栓", N0 + 300, E0 + 900, "JS"),
    ("JS4", "直线点", None, None, None, "JS"),
    ("JS5", "直线点", None, N0, E0, "JS"),
    ("JS6", "直线点", None, N0 + 1, E0, "JS"),
    ("JS6", "直线点", None, N0 + 9, E0, "JS"),
]
LINES = [
    ("JS1", "JS2", "JS", "PE", 200),  # row 2: 500 m
    (" ＪＳ２", "JS3", "JS", "PE", 200),  # row 3: 500 m
    ("JS3", "JS99", "JS", "PE", 200),  # row 4: no such point
    ("JS1", None, "JS", "PE", 200),  # row 5: no number
    ("JS1", "JS4", "JS", "PE", 200),  # row 6: a point without coordinates
    ("JS1", "JS5", "JS", "PE", 200),  # row 7: one place
    ("JS1", "JS6", "JS", "PE", 200),  # row 8: a number at two places
]
NAMES = (
    ("物探点号", "特征", "附属物", "X坐标", "Y坐标", "管线类型"),
    ("起点点号", "终点点号", "管线类型", "材质", "管径（mm）"),
)
OTHER = (("管线点号", "特征", "附属物", "X", "Y", "管类"), ("本点号", "连接点号", "管类", "材质", "管径"))


def workbook(file: Path, names: tuple[tuple[str, ...], tuple[str, ...]], *, sheets: tuple[str, str]) -> Path:
    with pd.ExcelWriter(file, engine="xlsxwriter") as book:
        pd.DataFrame(POINTS, columns=list(names[0])).to_excel(book, sheet_name=sheets[0], index=False)
        pd.DataFrame(LINES, columns=list(names[1])).to_excel(book, sheet_name=sheets[1], index=False)
    return file


@pytest.mark.parametrize(("names", "sheets"), [(NAMES, ("点表", "线表")), (OTHER, ("JS点", "JS线表"))])
def test_a_survey_of_two_sheets_is_drafted_and_read_from_a_folder(tmp_path, names, sheets) -> None:
    data, cards = tmp_path / "data", tmp_path / "layers"
    data.mkdir()
    cards.mkdir()
    file = workbook(data / "管线普查成果表.xlsx", names, sheets=sheets)
    before = file.read_bytes()
    found = {one.layer: one for one in propose_folder(data, beside=cards)}
    assert set(found) == {"utility_nodes", "utility_lines"}
    write_proposals(found.values(), cards)
    assert file.read_bytes() == before
    text = (cards / "utility_lines.toml").read_text("utf-8")
    card = read_card(text, stem="utility_lines", where="card")
    assert (card.points.x, card.points.y) == (names[0][4], names[0][3])  # the northing is called X
    raw = read_files(card, cards)
    ends = [get_coordinates(line).tolist() if line is not None else None for line in raw.frame.geometry]
    assert ends[:2] == [[[E0, N0], [E0 + 400, N0 + 300]], [[E0 + 400, N0 + 300], [E0 + 900, N0 + 300]]]
    assert ends[2:] == [None] * 5
    told = {f.code: [(ref.rows, ref.value) for ref in f.features] for f in raw.findings}
    assert told["point_missing"] == [((4,), "JS99")]
    assert told["point_blank"] == [((5,), "")]
    assert told["point_unplaced"] == [((6,), "JS4")]
    assert told["line_closed"] == [((7,), "")]
    assert told["point_repeated"] == [((8,), "JS6")]
    assert all(sheets[1] in f.text.zh for f in raw.findings if f.code.startswith("point"))
    assert [part["rows"] for part in raw.record["files"]] == [7, 7]  # both tables stand in the manifest
    nodes = read_card((cards / "utility_nodes.toml").read_text("utf-8"), stem="utility_nodes", where="card")
    assert nodes.columns["kind"] == "附属物"
    assert get_coordinates(read_files(nodes, cards).frame.geometry.iloc[0]).tolist() == [[E0, N0]]


def test_points_in_a_text_file_of_their_own(tmp_path) -> None:
    pd.DataFrame(POINTS, columns=list(NAMES[0])).to_csv(tmp_path / "p.csv", index=False, encoding="gbk")
    pd.DataFrame(LINES[:2], columns=list(NAMES[1])).to_csv(tmp_path / "l.csv", index=False, encoding="gbk")
    card = (
        '[source]\npath = "l.csv"\ncrs = "EPSG:4527"\n[points]\npath = "p.csv"\nnumber = "{}"\nx = "Y坐标"\n'
        'y = "X坐标"\nstart = "起点点号"\nend = "终点点号"\n[columns]\nline_id = {{ number = "L" }}\nnetwork = "管线类型"\n'
    )
    raw = read_files(read_card(card.format("物探点号"), stem="utility_lines", where="card"), tmp_path)
    assert raw.frame.length.round(6).tolist() == [500.0, 500.0]
    with pytest.raises(ConfigError, match="物探点号"):
        read_files(read_card(card.format("物探号"), stem="utility_lines", where="card"), tmp_path)


def test_a_table_of_lines_without_its_points_says_what_is_needed(tmp_path) -> None:
    pd.DataFrame(LINES, columns=list(NAMES[1])).to_excel(tmp_path / "线表.xlsx", index=False)
    draft = draft_card(tmp_path / "线表.xlsx", layer="utility_lines", beside=tmp_path)
    assert "[points]" not in draft.text.replace("# [points]", "")
    assert any("没有" in doubt.zh for doubt in draft.doubts)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3), st.integers(0, 3)), max_size=8),
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", "z", ""]), st.sampled_from(["a", "d", "e", ""])), max_size=8),
)
def test_every_row_has_a_line_or_a_reason(points, lines) -> None:
    numbers, x, y = (list(part) for part in zip(*points, strict=True)) if points else ([], [], [])
    start, end = (pd.Series([line[k] for line in lines], dtype=object) for k in (0, 1))
    done = lines_between(start, end, pd.Series(numbers, dtype=object), np.array(x, float), np.array(y, float))
    told = {
        ref.rows[0] for part in (done.missing, done.blank, done.repeated, done.unplaced, done.closed) for ref in part
    }
    places: dict[str, set] = {}
    for number, east, north in points:
        places.setdefault(number, set()).add((float(east), float(north)))
    for row, (shape, ends) in enumerate(zip(done.shapes, lines, strict=True), start=1):
        whole = all(len(places.get(number, ())) == 1 for number in ends) and places[ends[0]] != places[ends[1]]
        assert (shape is not None) == whole == (row not in told)
        if shape is not None:
            (a,), (b,) = places[ends[0]], places[ends[1]]
            assert shape.length == pytest.approx(math.dist(a, b))
