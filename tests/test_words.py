"""Texts that add, join and fill themselves in two languages."""

import pytest

from gis_renovation.words import CLAUSES, LISTED, NO_TEXT, STOP, Text

ROAD = Text("道路", "road")


def test_a_text_fills_in_both_languages():
    said = Text("隔{what}，相距 {gap:.1f} 米", "cut by a {what}, {gap:.1f} m apart").fill(what=ROAD, gap=3.25)
    assert said == Text("隔道路，相距 3.2 米", "cut by a road, 3.2 m apart")


def test_braces_in_a_value_are_no_names():
    assert Text("“{name}”", "{name!r}").fill(name="{0}{x}") == Text("“{0}{x}”", "'{0}{x}'")


def test_a_language_need_not_use_every_value():
    assert Text("{a}", "{b}").fill(a=1, b=2) == Text("1", "2")


def test_a_forgotten_value_is_an_error():
    with pytest.raises(KeyError):
        Text("{a}", "{a}").fill(b=1)


def test_texts_join_in_both_languages():
    assert LISTED.join([ROAD, Text("河", "river"), "G1"]) == Text("道路、河、G1", "road, river, G1")
    assert CLAUSES.join([]) == NO_TEXT
    assert CLAUSES.join(ROAD for _ in range(1)) == ROAD


def test_texts_add_up():
    assert ROAD + Text("甲", " A") + STOP == Text("道路甲。", "road A.")
    assert Text("道路 1", "road 1") == ROAD + " 1"
    assert Text("S2 道路", "S2 road") == "S2 " + ROAD
    assert isinstance(ROAD + ROAD, Text)


def test_a_name_is_the_same_in_both_languages():
    assert Text.same(7) == Text("7", "7")


def test_a_text_still_comes_apart_in_two():
    zh, en = ROAD
    assert (zh, en) == ("道路", "road")
