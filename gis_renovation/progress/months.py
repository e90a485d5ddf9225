"""Where communities stood on many days, from one look at the records."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pandas as pd

from gis_renovation.ids import sorted_by_id
from gis_renovation.progress.members import community_progress
from gis_renovation.progress.records import history, previous


def community_months(
    communities: pd.DataFrame,
    projects: pd.DataFrame,
    project_communities: pd.DataFrame,
    works_records: pd.DataFrame,
    days: Sequence[datetime.date],
) -> dict[datetime.date, pd.DataFrame]:
    """The layer ``community_progress`` as :func:`community_progress` gives it for each of several days.

    Arguments as those of :func:`project_states` and :func:`community_progress`. What was told up to a day is the
    first part of what was told up to a later one, so the records are put in order once.
    O(records log records + days x (records + pairs)).
    """
    if not days:
        return {}
    told = history(works_records, max(days))
    index = sorted_by_id(projects, "projects").index
    return {day: community_progress(communities, project_communities, _states(told, index, day)) for day in days}


def _states(told: pd.DataFrame, projects: pd.Index, day: datetime.date) -> pd.DataFrame:
    """Of each project what its communities are judged by."""
    known = told[told["day"] <= pd.Timestamp(day)]
    last = known.drop_duplicates("project_id", keep="last").set_index("project_id")
    states = last[["state", "progress_share"]].reindex(projects)
    return states.assign(previous_state=previous(known, day)["previous_state"].reindex(projects))
