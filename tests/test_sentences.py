"""What sentences tell travels beside them: through a frame's own methods, and through a stored result."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis_renovation.sentences import Told, repeat_sentences, sentence_facts, with_sentences
from gis_renovation.words import CLAUSES, Sentence, Text


def told_frame(geometry=False):
    frame = pd.DataFrame({"name": ["甲", "乙", "丙"]}, index=["C1", "C2", "C3"])
    if geometry:
        frame = gpd.GeoDataFrame(frame, geometry=[shapely.Point(0, 0)] * 3, crs="EPSG:4548")
    small = Sentence.of("共 3 户", "3 households", counts=[3])
    dear = Sentence.of("需 12 元，{small}", "12 yuan, {small}", small=small, money_yuan=[12.5, 12.5])
    return with_sentences(frame, "why", [dear, Sentence.of("相邻", "next to it"), None])


def test_a_sentence_tells_what_its_parts_tell():
    part = Sentence.of("412 户", "412 households", counts=[412])
    whole = Sentence.of("合计 {part}，5 元", "{part}, 5 yuan", part=part, money_yuan=[5.0])
    assert whole == Sentence(Text("合计 412 户，5 元", "412 households, 5 yuan"), (412,), (5.0,))
    listed = Sentence.joined(CLAUSES, [whole, Text("相邻", "next to it"), part])
    assert listed.zh == "合计 412 户，5 元；相邻；412 户"
    assert (listed.counts, listed.money_yuan) == ((412, 412), (5.0,))


def test_the_columns_hold_the_texts_and_only_rows_that_tell_anything_have_facts():
    frame = told_frame()
    assert frame["why_zh"].tolist()[:2] == ["需 12 元，共 3 户", "相邻"]
    assert frame["why_en"].isna().tolist() == [False, False, True]
    assert sentence_facts(frame, "why") == {"C1": Told((3,), (12.5,))}
    assert sentence_facts(frame, "why_zh") == sentence_facts(frame, "why_en") == sentence_facts(frame, "why")


def test_a_frame_that_does_not_know_is_not_one_that_tells_nothing():
    frame = told_frame()
    assert sentence_facts(frame, "name") is None
    assert sentence_facts(with_sentences(frame, "note", [None] * 3), "note") == {}
    # Another layer made of this one forgets what no column of it says.
    other = frame[["name"]]
    assert sentence_facts(with_sentences(other, "note", [None] * 3), "why") is None


@pytest.mark.parametrize("geometry", [False, True])
def test_a_stored_result_still_knows(tmp_path, geometry):
    frame = told_frame(geometry)
    frame.to_parquet(tmp_path / "step.parquet")
    again = (gpd if geometry else pd).read_parquet(tmp_path / "step.parquet")
    assert sentence_facts(again, "why") == sentence_facts(frame, "why") == {"C1": Told((3,), (12.5,))}


def test_repeated_sentences_bring_their_facts_along():
    frame = told_frame()
    sheet = repeat_sentences(pd.DataFrame(index=frame.index), "why", frame)
    assert sentence_facts(sheet, "why") == sentence_facts(frame, "why")
    assert sheet["why_zh"].tolist()[0] == "需 12 元，共 3 户"
    plain = pd.DataFrame({"why_zh": ["甲"], "why_en": ["A"]}, index=["C1"])
    assert sentence_facts(repeat_sentences(pd.DataFrame(index=plain.index), "why", plain), "why") is None
