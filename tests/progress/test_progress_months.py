"""Many days from one look at the records: the same as each day by itself."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from gis_renovation.progress import STATE_ORDER, community_months, community_progress, project_states


def drawn(seed):
    """Projects, pairs and records in any order, with gaps, two records a day, falls and projects without any."""
    rng = np.random.default_rng(seed)
    projects = pd.DataFrame({"unit_code": "340402"}, index=[f"P{n}" for n in range(30)])
    pairs = pd.DataFrame(
        {"project_id": [f"P{n % 30}" for n in range(50)], "community_id": [f"C{n % 20}" for n in range(50)]}
    )
    count = 200
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=int(n)) for n in rng.integers(0, 270, count)]
    records = pd.DataFrame(
        {
            "project_id": [f"P{n}" for n in rng.integers(0, 26, count)],
            "recorded_on": days,
            "state": rng.choice(STATE_ORDER, count),
            "progress_share": np.where(rng.random(count) < 0.2, np.nan, rng.random(count).round(2)),
            "note": rng.choice(["", "雨季停工"], count),
        }
    )
    return pd.DataFrame(index=[f"C{n}" for n in range(22)]), projects, pairs, records


@pytest.mark.parametrize("seed", range(5))
def test_each_day_is_what_the_projects_states_of_that_day_give(seed):
    places, projects, pairs, records = drawn(seed)
    days = [datetime.date(2024, month, 28) for month in range(1, 10)]
    made = community_months(places, projects, pairs, records, days)
    assert list(made) == days
    for day in days:
        states = project_states(projects, pairs, records, as_of=day)
        pd.testing.assert_frame_equal(made[day], community_progress(places, pairs, states))


def test_no_day_no_table():
    assert community_months(*drawn(1), []) == {}
