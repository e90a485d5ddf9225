"""Works records at a date: the state of each project and community, month on month, per reporting unit and plan."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gis_renovation.errors import ConfigError
from gis_renovation.ids import sorted_by_id, with_ids
from gis_renovation.progress.chain import COMPLETED, LAST, STARTED
from gis_renovation.progress.members import member_pairs, numbers
from gis_renovation.progress.money import FUND_BASES, fund_sums
from gis_renovation.progress.records import history, latest, previous
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import texts_as_objects
from gis_renovation.words import Text

_PROJECT_COLUMNS = (
    "name",
    "unit_code",
    "plan_batch",
    "state",
    "progress_share",
    "recorded_on",
    "started_on",
    "record_age_days",
    "record_status",
    "missing_months_count",
    "previous_state",
    "previous_progress_share",
    "previous_recorded_on",
    "progress_change_share",
    "went_back",
    "went_back_explained",
    "setback_count",
    "unexplained_setback_count",
    "same_day_conflict",
    "contradictory",
    "jumped",
    "community_count",
    "households",
    "households_unknown_count",
    "floor_area_m2",
    "floor_area_unknown_count",
    *(f"{basis}_yuan" for basis in FUND_BASES),
    "reason_zh",
    "reason_en",
)
_PROJECT_COUNT_COLUMNS = (
    "community_count",
    "households_unknown_count",
    "floor_area_unknown_count",
    "setback_count",
    "unexplained_setback_count",
)
_FLAGS = ("went_back", "same_day_conflict", "contradictory", "jumped")


def project_states(
    projects: pd.DataFrame,
    project_communities: pd.DataFrame,
    works_records: pd.DataFrame,
    funds: pd.DataFrame | None = None,
    communities: pd.DataFrame | None = None,
    *,
    as_of: datetime.date,
    jump_share: float = 0.5,
) -> pd.DataFrame:
    """Where each project stands on a day, what moved since last month, and which reports are missing or odd.

    The state is that of the latest works record (工程进度记录) on or before ``as_of``; later records are
    not looked at, so a month can be recomputed years afterwards. What counts as odd is told, never
    mended: a record that falls behind the one before it (倒退), with or without a note that explains
    it; a month without a record; two different records on one day, of which the less advanced one is
    used, because a public map should rather say too little; a state and a percentage that exclude each
    other; a rise of ``jump_share`` or more a month, which may be true but is worth a question; more paid
    than received. No record at all leaves the state unknown, not "not started".

    Parameters
    ----------
    projects
        Table indexed by ``project_id`` (a default index counts as ids "0", "1", ...).
    project_communities
        Pairs ``project_id``, ``community_id``; a pair told twice counts once.
    works_records
        ``project_id``, ``recorded_on``, ``state`` and where known ``progress_share`` (0-1) and ``note``.
    funds
        ``project_id``, ``basis``, ``amount_yuan`` and where known ``recorded_on``. Every row is a sum of its
        own, not a running total; rows dated after ``as_of`` are left out, undated ones counted.
    communities
        Indexed by ``community_id``, with ``households`` and ``floor_area_m2`` where known. None: both unknown.
    as_of
        The day to report.
    jump_share
        Rise of the percentage a month, as a share, from which a report is to be verified (0.5: 50
        percentage points). A parameter of this program, no norm.

    Returns
    -------
    pandas.DataFrame
        Layer ``project_states``, indexed by ``project_id`` and sorted by it, one row for every project.
        ``record_status``: ``current``; ``stale`` when no record is dated in the last calendar month that
        had ended by ``as_of`` or later (a project handed over need not report); ``none`` without any record.
        ``started_on``: the day of the first record that says works were under way.
        ``previous_*``: the last record before the month of ``as_of``; ``progress_change_share`` is unknown
        without a record in that month; ``jumped`` divides it by the months between the two records.
        ``went_back`` compares the latest record with the one before it;
        ``setback_count`` counts all falls up to ``as_of``, ``unexplained_setback_count`` those without a
        note. ``households`` and ``floor_area_m2`` add up the known ones and are unknown when none is; the
        counts beside say how many are not known. Money in yuan by basis, unknown where the project has no
        row of that basis. No projects: an empty frame with the same columns.

    Raises
    ------
    ConfigError
        ``jump_share`` is not above 0 and at most 1.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(r log r) for r records.

    Examples
    --------
    A project that had not begun at the end of August and is at 30 % at the end of September:

    >>> projects = pd.DataFrame({"unit_code": ["340402"]}, index=["P"])
    >>> pairs = pd.DataFrame({"project_id": ["P"], "community_id": ["A"]})
    >>> days = [datetime.date(2024, 8, 31), datetime.date(2024, 9, 30)]
    >>> told = {"recorded_on": days, "state": ["tendered", "started"], "progress_share": [0.0, 0.3]}
    >>> records = pd.DataFrame({"project_id": "P", **told})
    >>> states = project_states(projects, pairs, records, as_of=datetime.date(2024, 9, 30))
    >>> states[["state", "previous_state", "progress_change_share", "record_status"]]
         state previous_state  progress_change_share record_status
    P  started       tendered                    0.3       current
    """
    _require_jump(jump_share)
    table = sorted_by_id(projects, "projects").reindex(columns=["name", "unit_code", "plan_batch"]).astype("object")
    told = history(works_records, as_of)
    table = table.join(latest(told)).join(previous(told, as_of))
    table = table.join(_sizes(project_communities, communities)).join(fund_sums(funds, as_of))
    for name in _PROJECT_COUNT_COLUMNS:
        table[name] = table[name].fillna(0).astype("int64")
    table = _with_dates(table, told, as_of)
    table["contradictory"] = _contradictions(table)
    table["monthly_rise"] = _monthly_rises(table)
    # Shares are written to whole per cent: the limit itself is met despite the last binary digit.
    table["jumped"] = (
        (table["monthly_rise"] >= jump_share - 1e-9).astype("boolean").where(table["monthly_rise"].notna())
    )
    certain = {name: table[name].fillna(False).astype(bool) for name in _FLAGS}
    reasons = _project_reasons(table.assign(**certain), as_of, jump_share)
    table["reason_zh"] = pd.Series([zh for zh, _ in reasons], index=table.index, dtype="object")
    table["reason_en"] = pd.Series([en for _, en in reasons], index=table.index, dtype="object")
    return texts_as_objects(table[list(_PROJECT_COLUMNS)])


def _with_dates(table: pd.DataFrame, history: pd.DataFrame, as_of: datetime.date) -> pd.DataFrame:
    """Ages, stale reports, missing months and the change since last month."""
    today, month = pd.Timestamp(as_of), pd.Timestamp(as_of.replace(day=1))
    due = month if today.is_month_end else month - pd.DateOffset(months=1)  # first day of the last month that ended
    table["recorded_on"] = _as_dates(table["day"])
    begun = history[history["rank"] >= STARTED].groupby("project_id")["day"].min()
    table["started_on"] = _as_dates(begun.reindex(table.index))
    table["previous_recorded_on"] = _as_dates(table["previous_day"])
    table["record_age_days"] = (today - table["day"]).dt.days.astype("Int64")
    stale = (table["day"] < due) & (table["rank"] < LAST)
    table["record_status"] = np.select([table["day"].isna(), stale], ["none", "stale"], "current").astype(object)
    this_month = table["day"] >= month
    change = table["progress_share"] - table["previous_progress_share"]
    table["progress_change_share"] = change.where(this_month).astype("float64")
    months = history["day"].dt.year * 12 + history["day"].dt.month
    seen = months.groupby(history["project_id"])
    end = (due.year * 12 + due.month) + pd.Series(0, index=table.index)
    handed_over = table["rank"] == LAST
    until = end.where(~handed_over, seen.max().reindex(table.index))  # no reports are due after the handover
    until = pd.concat([until, seen.max().reindex(table.index)], axis="columns").max(axis="columns")
    expected = until - seen.min().reindex(table.index) + 1
    table["missing_months_count"] = (expected - seen.nunique().reindex(table.index)).astype("Int64")
    return table


def _as_dates(days: pd.Series[Any]) -> pd.Series[Any]:
    """Timestamps as plain dates, missing ones as None."""
    dates = [None if pd.isna(day) else day.date() for day in days]
    return pd.Series(dates, index=days.index, dtype="object")


def _contradictions(table: pd.DataFrame) -> pd.Series[Any]:
    """State and percentage exclude each other: completed below 100 %, or work done before the start."""
    share, rank = table["progress_share"], table["rank"]
    wrong = ((rank >= COMPLETED) & (share < 1)) | ((rank < STARTED) & (share > 0))
    return wrong.astype("boolean").where(rank.notna() & share.notna())


def _monthly_rises(table: pd.DataFrame) -> pd.Series[Any]:
    """Rise of the percentage a month between this month's record and the one before; unknown without both."""
    day, before = table["day"], table["previous_day"]
    months = (day.dt.year - before.dt.year) * 12 + day.dt.month - before.dt.month
    # Two records of one month are a month's work at most.
    rises: pd.Series[Any] = table["progress_change_share"] / months.astype("float64").clip(lower=1)
    return rises


def _sizes(project_communities: pd.DataFrame, communities: pd.DataFrame | None) -> pd.DataFrame:
    """Communities, households and floor area of each project, with how many of them are unknown."""
    if communities is None:
        communities = pd.DataFrame(index=pd.Index([], dtype="object"))
    pairs = member_pairs(project_communities).join(numbers(with_ids(communities, "communities")), on="community_id")
    pairs = pairs.sort_values(["project_id", "community_id"])
    groups = pairs.groupby("project_id")
    sums = groups[["households", "floor_area_m2"]].sum(min_count=1)
    return pd.DataFrame(
        {
            "community_count": groups.size(),
            "households": sums["households"].round().astype("Int64"),
            "households_unknown_count": groups.size() - groups["households"].count(),
            "floor_area_m2": sums["floor_area_m2"],
            "floor_area_unknown_count": groups.size() - groups["floor_area_m2"].count(),
        }
    )


class _Standing(NamedTuple):
    """What is said of one project; unknown numbers are NaN."""

    record_status: str
    recorded_on: datetime.date | None
    state: str
    progress_share: float
    previous_progress_share: float
    monthly_rise: float
    setback_count: int
    same_day_conflict: bool
    contradictory: bool
    jumped: bool
    received_yuan: float
    paid_yuan: float


class _Fall(NamedTuple):
    """The latest fall of one project behind its own record; only the percentage fell where no state did."""

    day: pd.Timestamp
    state: str
    progress_share: float
    note: str
    fell_from_state: str | None
    fell_from_share: float


def _project_reasons(table: pd.DataFrame, as_of: datetime.date, jump_share: float) -> list[tuple[str, str]]:
    """What to know about each project, in Chinese and English."""
    standings = table[list(_Standing._fields)].itertuples(index=False, name=None)
    falls = table[[f"fall_{name}" for name in _Fall._fields]].itertuples(index=False, name=None)
    return [
        _project_reason(_Standing(*row), _Fall(*fall), as_of, jump_share)
        for row, fall in zip(standings, falls, strict=True)
    ]


def _project_reason(row: _Standing, fall: _Fall, as_of: datetime.date, jump_share: float) -> tuple[str, str]:
    """What to know about one project, in Chinese and English."""
    states = layer_schema("works_records").fields["state"].values
    if row.record_status == "none":
        return (f"截至 {as_of} 无进度填报记录，状态未知。", f"No works record up to {as_of}; the state is unknown.")
    zh = [f"{row.recorded_on} 填报：{states[row.state].zh}{_percent(row.progress_share)}"]
    en = [f"Record of {row.recorded_on}: {states[row.state].en}{_percent(row.progress_share)}"]
    if row.record_status == "stale":
        zh.append("此后应报月份未填报")
        en.append("no record for the month due since")
    if row.setback_count:
        fall_zh, fall_en = _said_of_fall(fall, states)
        zh.append(fall_zh)
        en.append(fall_en)
    if row.same_day_conflict:
        zh.append("同日有两条不一致的记录，取进度较低者")
        en.append("two records of one day differ, the less advanced is used")
    if row.contradictory:
        zh.append("状态与形象进度矛盾")
        en.append("state and percentage contradict each other")
    if row.jumped:
        was, became = _percent(row.previous_progress_share).strip(), _percent(row.progress_share).strip()
        rise, limit = 100 * row.monthly_rise, 100 * jump_share
        zh.append(
            f"形象进度由 {was} 升至 {became}，每月 {rise:.0f} 个百分点，达到核实界限（{limit:.0f}，参数，非规范）"
        )
        en.append(
            f"from {was} to {became}, {rise:.0f} percentage points a month; "
            f"from {limit:.0f} on it is to be verified (a parameter, no norm)"
        )
    if row.paid_yuan > row.received_yuan:
        zh.append("支付资金大于到位资金")
        en.append("more paid than received")
    return "；".join(zh) + "。", "; ".join(en) + "."


def _said_of_fall(fall: _Fall, states: Mapping[str, Text]) -> tuple[str, str]:
    """The latest fall of one project: when, from what to what, and whether it was explained."""
    if isinstance(fall.fell_from_state, str):
        before, after = states[fall.fell_from_state], states[fall.state]
    else:  # only the percentage fell
        before = after = Text("", "")
    was, became = _percent(fall.fell_from_share), _percent(fall.progress_share)
    when = fall.day.date()
    zh = f"{when} 进度倒退（{(before.zh + was).strip()} → {(after.zh + became).strip()}），"
    en = f"on {when} it fell back ({(before.en + was).strip()} to {(after.en + became).strip()}), "
    if fall.note:
        return zh + f"说明：{fall.note}", en + f"note: {fall.note}"
    return zh + "未说明原因", en + "no reason given"


def _percent(share: float) -> str:
    return "" if pd.isna(share) else f" {share:.0%}"


def _require_jump(jump_share: float) -> None:
    if not 0 < jump_share <= 1:
        raise ConfigError(
            f"[progress] jump_share 应大于 0、不超过 1（0.5 即每月 50 个百分点），现为 {jump_share:g}。",
            f"[progress] jump_share must be above 0 and at most 1 (0.5: 50 points a month), found {jump_share:g}.",
        )
