"""The works records of projects (工程进度记录): what was told last, what before, what fell back."""

from __future__ import annotations

import datetime

import pandas as pd

from gis_renovation.ids import ids_in
from gis_renovation.progress.chain import ranks
from gis_renovation.unknowns import optional_column, optional_numbers


def history(works_records: pd.DataFrame, as_of: datetime.date) -> pd.DataFrame:
    """One record a project and day up to ``as_of``, in order, with rank, falls and same-day conflicts."""
    records = pd.DataFrame(
        {
            "project_id": ids_in(works_records["project_id"]).astype("object"),
            "day": pd.to_datetime(works_records["recorded_on"]).astype("datetime64[ns]"),
            "state": works_records["state"].astype("object"),
            "progress_share": optional_numbers(works_records, "progress_share"),
            "note": optional_column(works_records, "note").fillna("").astype(str).str.strip(),
        }
    )
    records = records[records["day"] <= pd.Timestamp(as_of)]
    records["rank"] = ranks(records["state"])
    # Least advanced first; of equal records the one with a note.
    order = ["project_id", "day", "rank", "progress_share", "note"]
    records = records.sort_values(order, ascending=[True, True, True, True, False], kind="stable")
    records = records.drop_duplicates(["project_id", "day", "state", "progress_share"])
    records["same_day_conflict"] = records.duplicated(["project_id", "day"], keep=False)
    records = records.drop_duplicates(["project_id", "day"]).reset_index(drop=True)
    by_project = records.groupby("project_id")
    last_known = by_project["progress_share"].ffill()
    before = last_known.groupby(records["project_id"]).shift()
    records["fell_from_state"] = by_project["state"].shift().where(records["rank"] < by_project["rank"].shift())
    records["fell_from_share"] = before.where(records["progress_share"] < before)
    records["fell"] = records["fell_from_state"].notna() | records["fell_from_share"].notna()
    return records


def latest(history: pd.DataFrame) -> pd.DataFrame:
    """The last record of each project, and how often it ever fell behind itself."""
    last = history.drop_duplicates("project_id", keep="last").set_index("project_id")
    columns = ["state", "rank", "progress_share", "day", "note", "same_day_conflict"]
    latest = last[[*columns, "fell_from_state", "fell_from_share"]].copy()
    # Unknown for a project's only record: there is nothing to compare it with.
    has_earlier = history.groupby("project_id").size().reindex(latest.index) > 1
    latest["went_back"] = last["fell"].astype("boolean").where(has_earlier)
    explained = (last["note"] != "").astype("boolean")
    latest["went_back_explained"] = explained.where(last["fell"])
    latest["same_day_conflict"] = last["same_day_conflict"].astype("boolean")
    falls = history[history["fell"]]
    latest["setback_count"] = falls.groupby("project_id").size()
    latest["unexplained_setback_count"] = falls[falls["note"] == ""].groupby("project_id").size()
    last_fall = falls.drop_duplicates("project_id", keep="last").set_index("project_id")
    fall_columns = ["day", "state", "progress_share", "note", "fell_from_state", "fell_from_share"]
    return latest.join(last_fall[fall_columns].add_prefix("fall_"))


def previous(history: pd.DataFrame, as_of: datetime.date) -> pd.DataFrame:
    """The last record of each project before the month of ``as_of``."""
    month = pd.Timestamp(as_of.replace(day=1))
    earlier = history[history["day"] < month].drop_duplicates("project_id", keep="last").set_index("project_id")
    return pd.DataFrame(
        {
            "previous_state": earlier["state"],
            "previous_progress_share": earlier["progress_share"],
            "previous_day": earlier["day"],
        }
    )
