"""Month by month: the last days of the months, and states by the same rule as the progress table."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from drawn_city import layers

from gis_renovation.maps import months as map_months


def test_months_end_on_their_last_day_and_the_last_on_the_day_of_the_run():
    assert map_months.month_ends(date(2023, 12, 5), date(2024, 3, 15)) == [
        date(2023, 12, 31),
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 15),
    ]
    assert map_months.month_ends(date(2024, 3, 1), date(2024, 3, 15)) == [date(2024, 3, 15)]


def test_only_the_latest_sixty_months_are_kept():
    ends = map_months.month_ends(date(2010, 1, 1), date(2024, 9, 30))
    assert len(ends) == 60
    assert ends[0] == date(2019, 10, 31)
    assert ends[-1] == date(2024, 9, 30)


def test_states_follow_the_records_and_stay_unknown_without_one():
    months = map_months.monthly_progress(layers(), date(2024, 9, 30))
    assert list(months) == [date(2024, 7, 31), date(2024, 8, 31), date(2024, 9, 30)]
    assert [frame.loc["C1", "state"] for frame in months.values()] == ["approved", "tendered", "started"]
    assert [frame.loc["C1", "started"] for frame in months.values()] == ["no", "no", "yes"]
    assert all(pd.isna(frame.loc["C9", "state"]) for frame in months.values())


def test_records_after_the_day_are_not_looked_at():
    months = map_months.monthly_progress(layers(), date(2024, 8, 31))
    assert [frame.loc["C1", "state"] for frame in months.values()] == ["approved", "tendered"]


def test_a_column_of_all_months_holds_each_value_once_and_follows_the_ids_asked_for():
    months = map_months.monthly_progress(layers(), date(2024, 9, 30))
    column = map_months.monthly_column("state", ["C9", "C1", "C1"], months)
    assert column == {"values": ["approved", "tendered", "started"], "rows": [[-1, 0, 0], [-1, 1, 1], [-1, 2, 2]]}


@pytest.mark.parametrize("missing", map_months.NEEDED)
def test_without_a_needed_table_there_are_no_months(missing):
    made = layers()
    del made[missing]
    assert map_months.monthly_progress(made, date(2024, 9, 30)) is None
    assert map_months.monthly_progress(layers(), date(2020, 1, 1)) is None
