"""Land of frames as people make them by hand: a default index and numbers as ids give what text ids give."""

from __future__ import annotations

from datetime import date

import geopandas as gpd
import pandas as pd
import pytest
from shapely import box

import gis_renovation as gr
from gis_renovation.errors import DataError

AS_OF = date(2024, 9, 30)


def three_plots():
    """Government land of 2,500 m² each, 10 m apart."""
    columns = {"holder_kind": "government", "code_system": "survey", "land_use_code": "0702", "ownership": "state"}
    plots = [box(x, 0, x + 50, 50) for x in (0, 60, 120)]
    return gpd.GeoDataFrame([columns] * 3, geometry=plots, crs="EPSG:4548")


def judged(parcels):
    """Verdicts, evidence and ranking."""
    ledger = gr.assess_parcels(parcels, rules=gr.rules_in_force(), as_of=AS_OF)
    candidates = gr.screen_parcels(parcels, ledger)
    evidence = gr.weigh_idleness(parcels, as_of=AS_OF)
    return ledger, candidates, evidence, gr.rank_parcels(candidates)


@pytest.mark.parametrize("index", [[0, 1, 2], [101, 102, 103]])
def test_numbers_as_ids_give_what_text_ids_give(index):
    by_text = judged(three_plots().set_axis([str(number) for number in index]))
    by_number = judged(three_plots().set_axis(index))
    for one, other in zip(by_text, by_number, strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other), check_index_type=False)


def test_ids_forgotten_in_a_column_are_refused_with_the_call_that_sets_them():
    with pytest.raises(DataError, match=r'parcels\.set_index\("parcel_id"\)'):
        gr.weigh_idleness(three_plots().assign(parcel_id=list("abc")), as_of=AS_OF)
