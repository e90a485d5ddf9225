"""Ids: text stays, numbers become text, a forgotten id column is refused in one sentence."""

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

from gis_renovation.errors import DataError
from gis_renovation.ids import ids_in, sorted_by_id, with_ids


def points(index=None, **columns):
    places = [Point(k, 0) for k in range(len(index) if index is not None else 3)]
    return gpd.GeoDataFrame(columns, geometry=places, index=index, crs="EPSG:4548")


def test_text_ids_stay_the_very_frame():
    for dtype in ("str", object):
        frame = points(pd.Index(["B", "A"], dtype=dtype, name="community_id"))
        assert with_ids(frame, "communities") is frame
        assert sorted_by_id(frame, "communities").index.tolist() == ["A", "B"]


@pytest.mark.parametrize("index", [None, pd.Index([0, 1, 2]), pd.Index([0.0, 1.0, 2.0])])
def test_a_default_index_becomes_text(index):
    frame = with_ids(points(index), "communities")
    assert frame.index.tolist() == ["0", "1", "2"]
    assert frame.geometry.x.tolist() == [0, 1, 2]


def test_ids_sort_as_text():
    assert sorted_by_id(points(pd.Index([9, 10, 2])), "communities").index.tolist() == ["10", "2", "9"]


def test_an_id_column_beside_a_default_index_is_refused_with_the_call_that_mends_it():
    forgotten = points(community_id=["A", "B", "C"])
    with pytest.raises(DataError) as caught:
        with_ids(forgotten, "communities")
    for lang in ("zh", "en"):
        assert 'communities.set_index("community_id")' in caught.value.in_language(lang)
    assert with_ids(forgotten.set_index("community_id"), "communities").index.tolist() == ["A", "B", "C"]
    # The same column means nothing in a layer whose ids it does not hold.
    assert with_ids(forgotten, "barriers").index.tolist() == ["0", "1", "2"]


@pytest.mark.parametrize("ids", [["A", None], ["A", "A"], [1.0, float("nan")], [1, 1], [1, "1"]])
def test_missing_and_repeated_ids_are_refused(ids):
    with pytest.raises(DataError):
        with_ids(points(pd.Index(ids)), "communities")


def test_an_empty_frame_has_no_ids_to_mend():
    empty = points().iloc[:0]
    assert len(with_ids(empty, "communities")) == 0
    assert len(sorted_by_id(pd.DataFrame(), "unheard_of")) == 0


def test_columns_that_name_features_become_text_and_keep_their_gaps():
    assert ids_in(pd.Series([1, 2])).tolist() == ["1", "2"]
    assert ids_in(pd.Series([1.0, None])).tolist() == ["1", None]
    texts = pd.Series(["A", None])
    assert ids_in(texts) is texts
