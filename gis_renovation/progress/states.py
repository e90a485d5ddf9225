"""Works records at a date: the state of each project and community, month on month, per reporting unit and plan."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.errors import ConfigError
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import optional_column, optional_numbers, texts_as_objects
from gis_renovation.words import Text, shorten_ids

# The chain of states from the reserve list to the handover (docs/methods.md, 8). No national list exists.
STATE_ORDER = (
    "reserve",
    "listed",
    "reviewed",
    "approved",
    "tendered",
    "not_started",
    "started",
    "main_done",
    "completed",
    "accepted",
    "handed_over",
)
_STARTED, _COMPLETED, _LAST = (STATE_ORDER.index(state) for state in ("started", "completed", "handed_over"))
# Planned, allocated, received and paid are four numbers, never to be mixed (docs/methods.md, 8).
FUND_BASES = ("planned", "allocated", "received", "paid")
# What is planned for a year; the reserve list is not yet a plan.
PLAN_BATCHES = ("main", "supplement")

_PROJECT_COLUMNS = (
    "name",
    "unit_code",
    "plan_batch",
    "state",
    "progress_share",
    "recorded_on",
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
_TALLY_COUNTS = (
    "community_count",
    "started_count",
    "completed_count",
    "newly_started_count",
    "newly_completed_count",
    "start_unknown_count",
    "completion_unknown_count",
    "no_project_count",
)
_TALLY_COLUMNS = (
    *_TALLY_COUNTS,
    "started_share",
    "completed_share",
    "households",
    "started_households",
    "completed_households",
    "households_unknown_count",
    "started_households_share",
    "completed_households_share",
    "floor_area_m2",
    "started_floor_area_m2",
    "completed_floor_area_m2",
    "floor_area_unknown_count",
    "started_floor_area_share",
    "completed_floor_area_share",
)
_PROJECT_COUNTS = (
    "project_count",
    "project_started_count",
    "project_completed_count",
    "project_state_unknown_count",
    "stale_project_count",
    "went_back_project_count",
)


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
        Table indexed by ``project_id``.
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

    Notes
    -----
    O(r log r) for r records.
    """
    _require_jump(jump_share)
    table = projects.sort_index().reindex(columns=["name", "unit_code", "plan_batch"]).astype("object")
    history = _history(works_records, as_of)
    table = table.join(_latest(history)).join(_previous(history, as_of))
    table = table.join(_sizes(project_communities, communities)).join(_fund_sums(funds, as_of))
    for name in _PROJECT_COUNT_COLUMNS:
        table[name] = table[name].fillna(0).astype("int64")
    table = _with_dates(table, history, as_of)
    table["contradictory"] = _contradictions(table)
    table["jump_limit"], table["monthly_rise"] = jump_share, _monthly_rises(table)
    # Shares are written to whole per cent: the limit itself is met despite the last binary digit.
    table["jumped"] = (
        (table["monthly_rise"] >= jump_share - 1e-9).astype("boolean").where(table["monthly_rise"].notna())
    )
    certain = {name: table[name].fillna(False).astype(bool) for name in _FLAGS}
    reasons = [_project_reason(row, as_of) for row in table.assign(**certain).itertuples()]
    table["reason_zh"] = pd.Series([zh for zh, _ in reasons], index=table.index, dtype="object")
    table["reason_en"] = pd.Series([en for _, en in reasons], index=table.index, dtype="object")
    return texts_as_objects(table[list(_PROJECT_COLUMNS)])


def community_progress(
    project_communities: pd.DataFrame, project_states: pd.DataFrame, communities: pd.DataFrame
) -> pd.DataFrame:
    """Whether works in each community have started and are completed, whatever the number of its projects.

    **Started** when any of its projects has, **completed** only when all of them are. A project without
    a record leaves it ``unknown`` unless another decides it; so does having no project at all.

    Returns layer ``community_progress``, indexed by ``community_id`` and sorted by it, one row for every
    community. ``state`` is that of the least advanced project, but at least ``started`` where one has
    started, and unknown while any project's state is; ``progress_share`` (0-1) is the lowest of its projects', unknown
    while any is unknown. No communities: an empty frame with the same columns. O(p log p) for p pairs.
    """
    facts = _community_facts(project_communities, project_states, communities)
    pairs = project_communities[["project_id", "community_id"]].drop_duplicates()
    pairs = pairs.sort_values(["community_id", "project_id"])
    pairs["rank"] = _ranks(pairs["project_id"].map(project_states["state"]))
    pairs["progress_share"] = pairs["project_id"].map(project_states["progress_share"]).astype("float64")
    groups = pairs.groupby("community_id")
    complete = (groups["rank"].count() == groups.size()).reindex(facts.index, fill_value=False)
    rank = groups["rank"].min().reindex(facts.index)
    rank = rank.where((facts["started"] != 1) | (rank >= _STARTED), _STARTED).where(complete)
    known_share = (groups["progress_share"].count() == groups.size()).reindex(facts.index, fill_value=False)
    words = {1.0: "yes", 0.0: "no"}
    table = pd.DataFrame(
        {
            "project_ids": groups["project_id"].agg("、".join).reindex(facts.index),
            "project_count": groups.size().reindex(facts.index, fill_value=0).astype("int64"),
            "state": rank.map(dict(enumerate(STATE_ORDER))).astype("object"),
            "started": facts["started"].map(words).fillna("unknown").astype("object"),
            "completed": facts["completed"].map(words).fillna("unknown").astype("object"),
            "progress_share": groups["progress_share"].min().reindex(facts.index).where(known_share),
        },
        index=facts.index,
    )
    return texts_as_objects(table)


def unit_progress(
    reporting_units: gpd.GeoDataFrame,
    projects: pd.DataFrame,
    project_communities: pd.DataFrame,
    project_states: pd.DataFrame,
    communities: pd.DataFrame,
    funds: pd.DataFrame | None = None,
    *,
    as_of: datetime.date,
    plan_batches: tuple[str, ...] = PLAN_BATCHES,
) -> gpd.GeoDataFrame:
    """Planned, started and completed communities, households and floor area, and money, of each reporting unit.

    Every reporting unit (填报单位) has a row, also one with nothing planned. The denominator is the
    plan: communities whose ``plan_batch`` is in ``plan_batches``; the reserve list and communities of
    unknown batch are not in it, the latter are counted beside. A community counts once however many
    projects work in it: it has **started** when any of its projects has, and is **completed** only when
    all of them are. A project without a record makes this unknown unless another project decides it;
    a community in no project is unknown too. A share is what is confirmed: as long as
    ``start_unknown_count`` is not 0 the true one may be higher; it is unknown when nothing is known.

    Parameters
    ----------
    reporting_units
        Polygons indexed by ``unit_code``, any CRS. Communities and projects of a unit of level
        ``subdistrict`` also count for its ``parent_code``; those of a ``special`` area (开发区) are
        reported on its own line only.
    projects
        Indexed by ``project_id``; ``unit_code`` says whose line a project and its money belong to.
    project_communities
        Pairs ``project_id``, ``community_id``.
    project_states
        What :func:`project_states` returned for the same day.
    communities
        Indexed by ``community_id``, with ``unit_code``, ``plan_batch``, ``households``, ``floor_area_m2``.
    funds
        As for :func:`project_states`.
    as_of
        The day to report.
    plan_batches
        Which batches make the denominator.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``unit_progress``, indexed by ``unit_code`` and sorted by it, geometry as given. Households
        and areas add up the known ones; shares of households divide by the known households of the
        plan. Money in yuan adds up the projects that have a row of the basis; unknown when the unit has
        projects and none has one. No units: an empty frame with the same columns.

    Warns
    -----
    UserWarning
        Planned communities or projects whose unit is unknown or not among ``reporting_units``: no line
        counts them; :func:`plan_progress` has the communities under ``unassigned``.

    Raises
    ------
    ConfigError
        ``plan_batches`` is empty or names an unknown batch.

    Notes
    -----
    O(c + p) for c communities and p pairs.
    """
    _require_batches(plan_batches)
    units = reporting_units.sort_index()
    members = _community_facts(project_communities, project_states, communities)
    planned = members[members["plan_batch"].isin(plan_batches)]
    undecided = members[members["plan_batch"].isna()]
    lines = _reporting_lines(units)
    _warn_of_lost(planned, projects, units)
    table = units.reindex(columns=["name", "level", "parent_code"]).astype("object")
    table = table.join(_tally(_on_lines(planned, lines), "line", units.index))
    unknown = _on_lines(undecided, lines).groupby("line").size()
    table["plan_unknown_count"] = unknown.reindex(units.index, fill_value=0).astype("int64")
    table = table.join(_unit_projects(projects, project_states, funds, lines, units.index, as_of))
    table = texts_as_objects(table)
    return gpd.GeoDataFrame(table, geometry=units.geometry.to_numpy(), crs=units.crs)


def plan_progress(
    reporting_units: pd.DataFrame,
    project_communities: pd.DataFrame,
    project_states: pd.DataFrame,
    communities: pd.DataFrame,
) -> pd.DataFrame:
    """The monthly table: each plan version by reporting unit, with what has no unit and the total.

    A rate means something only against a stated plan version (计划年度 and 批次), so each version has
    its own lines, the reserve list and communities of unknown version included. Counting rules are
    those of :func:`unit_progress`.

    Returns layer ``plan_progress``, indexed by ``plan_line_id`` (``<version>/<unit>``) and sorted by it.
    The version is ``<year>-<batch>`` with ``unknown`` for what is not known. Besides every unit, each version has
    a line ``unassigned`` if there are communities whose unit is unknown or not in ``reporting_units``, and
    a line ``total``, counted from the communities and not from the lines, so that a mistake in either shows.
    ``floor_area_per_household_m2`` is over communities where both are known: a value far from its neighbours
    asks for a second look at the list. No communities: an empty frame with the same columns. O(c x depth of units).
    """
    members = _community_facts(project_communities, project_states, communities)
    year = pd.to_numeric(optional_column(communities, "plan_year"), errors="coerce").astype("Int64").astype("string")
    version = year.fillna("unknown") + "-" + members["plan_batch"].astype("string").fillna("unknown")
    members["version"] = version.reindex(members.index).astype("object")
    both_known = members["households"].notna() & members["floor_area_m2"].notna() & (members["households"] > 0)
    members["ratio_households"] = members["households"].where(both_known)
    members["ratio_floor_area_m2"] = members["floor_area_m2"].where(both_known)
    lines = _reporting_lines(reporting_units)
    own = _on_lines(members, lines)
    rest = members[~members["unit_code"].isin(reporting_units.index)].assign(line="unassigned")
    parts = [own, rest, members.assign(line="total")]
    names = [*sorted(map(str, reporting_units.index)), "unassigned", "total"]
    keys = pd.MultiIndex.from_product([sorted(set(members["version"])), names], names=["version", "line"])
    table = _tally(pd.concat(parts), ["version", "line"], keys)
    sums = pd.concat(parts).groupby(["version", "line"])[["ratio_floor_area_m2", "ratio_households"]].sum()
    ratio = sums["ratio_floor_area_m2"] / sums["ratio_households"].where(sums["ratio_households"] > 0)
    table["floor_area_per_household_m2"] = ratio.reindex(keys).astype("float64")
    table = table.reset_index(names=["plan_version", "unit_code"])
    table = table[(table["unit_code"] != "unassigned") | (table["community_count"] > 0)]
    table.insert(2, "name", table["unit_code"].map(_line_names(reporting_units)))
    table.index = pd.Index(table["plan_version"] + "/" + table["unit_code"], name="plan_line_id", dtype="object")
    return texts_as_objects(table.sort_index())


# --- the records of a project ---------------------------------------------------------------------


def _history(works_records: pd.DataFrame, as_of: datetime.date) -> pd.DataFrame:
    """One record a project and day up to ``as_of``, in order, with rank, falls and same-day conflicts."""
    records = pd.DataFrame(
        {
            "project_id": works_records["project_id"].astype("object"),
            "day": pd.to_datetime(works_records["recorded_on"]).astype("datetime64[ns]"),
            "state": works_records["state"].astype("object"),
            "progress_share": optional_numbers(works_records, "progress_share"),
            "note": optional_column(works_records, "note").fillna("").astype(str).str.strip(),
        }
    )
    records = records[records["day"] <= pd.Timestamp(as_of)]
    records["rank"] = _ranks(records["state"])
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


def _latest(history: pd.DataFrame) -> pd.DataFrame:
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


def _previous(history: pd.DataFrame, as_of: datetime.date) -> pd.DataFrame:
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


def _with_dates(table: pd.DataFrame, history: pd.DataFrame, as_of: datetime.date) -> pd.DataFrame:
    """Ages, stale reports, missing months and the change since last month."""
    today, month = pd.Timestamp(as_of), pd.Timestamp(as_of.replace(day=1))
    due = month if today.is_month_end else month - pd.DateOffset(months=1)  # first day of the last month that ended
    table["recorded_on"] = _as_dates(table["day"])
    table["previous_recorded_on"] = _as_dates(table["previous_day"])
    table["record_age_days"] = (today - table["day"]).dt.days.astype("Int64")
    stale = (table["day"] < due) & (table["rank"] < _LAST)
    table["record_status"] = np.select([table["day"].isna(), stale], ["none", "stale"], "current").astype(object)
    this_month = table["day"] >= month
    change = table["progress_share"] - table["previous_progress_share"]
    table["progress_change_share"] = change.where(this_month).astype("float64")
    months = history["day"].dt.year * 12 + history["day"].dt.month
    seen = months.groupby(history["project_id"])
    end = (due.year * 12 + due.month) + pd.Series(0, index=table.index)
    handed_over = table["rank"] == _LAST
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
    wrong = ((rank >= _COMPLETED) & (share < 1)) | ((rank < _STARTED) & (share > 0))
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
    pairs = project_communities[["project_id", "community_id"]].drop_duplicates()
    known = (
        _numbers(communities) if communities is not None else _numbers(pd.DataFrame(index=pd.Index([], dtype="object")))
    )
    pairs = pairs.join(known, on="community_id").sort_values(["project_id", "community_id"])
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


def _fund_sums(funds: pd.DataFrame | None, as_of: datetime.date) -> pd.DataFrame:
    """Yuan by project (rows) and basis (columns) up to ``as_of``; NaN where a project has no row of a basis."""
    columns = [f"{basis}_yuan" for basis in FUND_BASES]
    if funds is None or len(funds) == 0:
        return pd.DataFrame(columns=columns, index=pd.Index([], name="project_id", dtype="object"), dtype="float64")
    days = pd.to_datetime(optional_column(funds, "recorded_on"))
    counted = funds[days.isna() | (days <= pd.Timestamp(as_of))]
    # Sorted amounts: a sum must not depend on the order of the rows, not even in its last digit.
    amounts = counted.assign(amount_yuan=pd.to_numeric(counted["amount_yuan"]).astype("float64"))
    amounts = amounts.sort_values(["project_id", "basis", "amount_yuan"])
    sums = amounts.pivot_table(index="project_id", columns="basis", values="amount_yuan", aggfunc="sum")
    return sums.reindex(columns=list(FUND_BASES)).set_axis(columns, axis="columns").astype("float64")


def _project_reason(row: Any, as_of: datetime.date) -> tuple[str, str]:
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
        fall_zh, fall_en = _fall(row, states)
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
        rise, limit = 100 * row.monthly_rise, 100 * row.jump_limit
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


def _fall(row: Any, states: Mapping[str, Text]) -> tuple[str, str]:
    """The latest fall of one project: when, from what to what, and whether it was explained."""
    if isinstance(row.fall_fell_from_state, str):
        before, after = states[row.fall_fell_from_state], states[row.fall_state]
    else:  # only the percentage fell
        before = after = Text("", "")
    was, became = _percent(row.fall_fell_from_share), _percent(row.fall_progress_share)
    when = row.fall_day.date()
    zh = f"{when} 进度倒退（{(before.zh + was).strip()} → {(after.zh + became).strip()}），"
    en = f"on {when} it fell back ({(before.en + was).strip()} to {(after.en + became).strip()}), "
    if row.fall_note:
        return zh + f"说明：{row.fall_note}", en + f"note: {row.fall_note}"
    return zh + "未说明原因", en + "no reason given"


def _percent(share: float) -> str:
    return "" if pd.isna(share) else f" {share:.0%}"


# --- communities ----------------------------------------------------------------------------------


def _community_facts(
    project_communities: pd.DataFrame, project_states: pd.DataFrame, communities: pd.DataFrame
) -> pd.DataFrame:
    """Unit, batch, size and the three-valued started / completed (1, 0, NaN) of each community, by id."""
    frame = communities.sort_index()
    facts = _numbers(frame)
    facts["unit_code"] = optional_column(frame, "unit_code")
    facts["plan_batch"] = optional_column(frame, "plan_batch")
    pairs = project_communities[["project_id", "community_id"]].drop_duplicates()
    now = _ranks(pairs["project_id"].map(project_states["state"]))
    before = _ranks(pairs["project_id"].map(project_states["previous_state"]))
    to = pairs["community_id"]
    facts["started"] = _any_of(_at_least(now, _STARTED), to).reindex(facts.index)
    facts["completed"] = _all_of(_at_least(now, _COMPLETED), to).reindex(facts.index)
    facts["was_started"] = _any_of(_at_least(before, _STARTED), to).reindex(facts.index)
    facts["was_completed"] = _all_of(_at_least(before, _COMPLETED), to).reindex(facts.index)
    facts["has_project"] = facts.index.isin(to)
    return facts


def _ranks(states: pd.Series[Any]) -> pd.Series[Any]:
    """Position of each state in the chain, NaN where unknown."""
    return states.map({state: float(rank) for rank, state in enumerate(STATE_ORDER)}).astype("float64")


def _at_least(rank: pd.Series[Any], bound: int) -> pd.Series[Any]:
    """1, 0, or NaN where the rank is unknown."""
    return (rank >= bound).astype("float64").where(rank.notna())


def _any_of(flags: pd.Series[Any], groups: pd.Series[Any]) -> pd.Series[Any]:
    """Three-valued "or" in each group: a yes decides, else an unknown leaves it open."""
    by = flags.groupby(groups)
    highest = by.max()
    return highest.where((highest == 1) | (by.size() == by.count()))


def _all_of(flags: pd.Series[Any], groups: pd.Series[Any]) -> pd.Series[Any]:
    """Three-valued "and" in each group: a no decides, else an unknown leaves it open."""
    by = flags.groupby(groups)
    lowest = by.min()
    return lowest.where((lowest == 0) | (by.size() == by.count()))


# --- reporting lines ------------------------------------------------------------------------------


def _reporting_lines(units: pd.DataFrame) -> pd.DataFrame:
    """Pairs (unit_code, line): a unit reports on its own line, a subdistrict also on its parent's."""
    level, parent = optional_column(units, "level"), optional_column(units, "parent_code")
    pairs = []
    for code in sorted(units.index):
        line, seen = code, set[str]()
        while line in units.index and line not in seen:
            pairs.append((code, line))
            seen.add(line)
            if level[line] != "subdistrict":
                break
            line = parent[line]
    return pd.DataFrame(pairs, columns=["unit_code", "line"], dtype="object")


def _on_lines(members: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Rows repeated for every line they count on; rows of no known unit drop out."""
    return members.reset_index(drop=True).merge(lines, on="unit_code")


def _warn_of_lost(planned: pd.DataFrame, projects: pd.DataFrame, units: pd.DataFrame) -> None:
    """Warn of planned communities and projects that no line counts: their unit is unknown or not a reporting unit."""
    for frame, zh, en in ((planned, "小区", "planned communities"), (projects, "项目", "projects")):
        lost = frame.index[~optional_column(frame, "unit_code").isin(units.index)]
        if len(lost):
            warnings.warn(
                f"{len(lost)} 个{zh}不属于任何填报单位，未计入各县区：{shorten_ids(sorted(lost), 'zh')} / "
                f"{len(lost)} {en} belong to no reporting unit and are on no line: {shorten_ids(sorted(lost), 'en')}",
                stacklevel=3,
            )


def _line_names(units: pd.DataFrame) -> dict[str, str]:
    names = {str(code): str(name) for code, name in optional_column(units, "name").dropna().items()}
    return {**names, "unassigned": "县区不明", "total": "合计"}


def _tally(members: pd.DataFrame, by: str | list[str], keys: pd.Index) -> pd.DataFrame:
    """Counts, sums and shares of the members of each line; a line without members has zeros and unknown shares."""
    started, completed = members["started"] == 1, members["completed"] == 1
    flags = {
        "community_count": pd.Series(1, index=members.index),
        "started_count": started,
        "completed_count": completed,
        "newly_started_count": started & (members["was_started"] == 0),
        "newly_completed_count": completed & (members["was_completed"] == 0),
        "start_unknown_count": members["started"].isna(),
        "completion_unknown_count": members["completed"].isna(),
        "no_project_count": ~members["has_project"].astype(bool),
        "households_unknown_count": members["households"].isna(),
        "floor_area_unknown_count": members["floor_area_m2"].isna(),
    }
    groups = [members[name] for name in ([by] if isinstance(by, str) else by)]
    table = pd.DataFrame(flags).astype("int64").groupby(groups).sum().reindex(keys, fill_value=0)
    for prefix, chosen in (
        ("", pd.Series(True, index=members.index)),
        ("started_", started),
        ("completed_", completed),
    ):
        for name in ("households", "floor_area_m2"):
            table[prefix + name] = _sum_known(members[name], chosen, groups, keys)
    for word in ("started", "completed"):
        unknown = table["start_unknown_count" if word == "started" else "completion_unknown_count"]
        for share, part, whole in (
            (f"{word}_share", f"{word}_count", "community_count"),
            (f"{word}_households_share", f"{word}_households", "households"),
            (f"{word}_floor_area_share", f"{word}_floor_area_m2", "floor_area_m2"),
        ):
            known = (table[whole] > 0) & (unknown < table["community_count"])
            table[share] = (table[part] / table[whole].where(known)).astype("float64")
    for name in ("households", "started_households", "completed_households"):
        table[name] = table[name].round().astype("Int64")
    return table[list(_TALLY_COLUMNS)]


def _sum_known(values: pd.Series[Any], chosen: pd.Series[Any], groups: list[Any], keys: pd.Index) -> pd.Series[Any]:
    """Sum of the known values of the chosen rows: 0 when none is chosen, unknown when none of them is known."""
    by_line = values.where(chosen, 0.0).groupby(groups)
    counts = pd.DataFrame({"chosen": chosen, "known": chosen & values.notna()}).groupby(groups).sum()
    sums = by_line.sum().where((counts["chosen"] == 0) | (counts["known"] > 0))
    return sums.reindex(keys).mask(~keys.isin(sums.index), 0.0)


def _unit_projects(
    projects: pd.DataFrame,
    states: pd.DataFrame,
    funds: pd.DataFrame | None,
    lines: pd.DataFrame,
    units: pd.Index,
    as_of: datetime.date,
) -> pd.DataFrame:
    """Project counts and money of each reporting line."""
    frame = projects.sort_index()
    rank = _ranks(states["state"].reindex(frame.index))
    flags = pd.DataFrame(
        {
            "unit_code": optional_column(frame, "unit_code"),
            "project_count": 1,
            "project_started_count": (rank >= _STARTED).astype("int64"),
            "project_completed_count": (rank >= _COMPLETED).astype("int64"),
            "project_state_unknown_count": rank.isna().astype("int64"),
            "stale_project_count": states["record_status"].reindex(frame.index).eq("stale").astype("int64"),
            "went_back_project_count": states["went_back"].reindex(frame.index).eq(True).fillna(False).astype("int64"),
        }
    ).join(_fund_sums(funds, as_of))
    on_lines = _on_lines(flags, lines)
    table = on_lines.groupby("line")[list(_PROJECT_COUNTS)].sum().reindex(units, fill_value=0).astype("int64")
    for basis in FUND_BASES:
        amount = on_lines[f"{basis}_yuan"].groupby(on_lines["line"])
        sums = amount.sum(min_count=1).reindex(units)
        table[f"{basis}_yuan"] = sums.where(table["project_count"] > 0, 0.0).astype("float64")
        unknown = on_lines[f"{basis}_yuan"].isna().groupby(on_lines["line"]).sum()
        table[f"{basis}_unknown_project_count"] = unknown.reindex(units, fill_value=0).astype("int64")
    return table


# --- small parts ----------------------------------------------------------------------------------


def _require_jump(jump_share: float) -> None:
    if not 0 < jump_share <= 1:
        raise ConfigError(
            f"[progress] jump_share 应大于 0、不超过 1（0.5 即每月 50 个百分点），现为 {jump_share:g}。",
            f"[progress] jump_share must be above 0 and at most 1 (0.5: 50 points a month), found {jump_share:g}.",
        )


def _require_batches(plan_batches: tuple[str, ...]) -> None:
    known = layer_schema("communities").fields["plan_batch"].values
    wrong = [batch for batch in plan_batches if batch not in known]
    if wrong or not plan_batches:
        found = ", ".join(wrong) or "()"
        raise ConfigError(
            f"[progress] plan_batches 应取自 {', '.join(known)}，至少一项；现为 {found}。",
            f"[progress] plan_batches must name at least one of {', '.join(known)}; found {found}.",
        )


def _numbers(communities: pd.DataFrame) -> pd.DataFrame:
    """Households and floor area as floats, NaN where unknown or the column is absent."""
    columns = {name: optional_numbers(communities, name) for name in ("households", "floor_area_m2")}
    return pd.DataFrame(columns, index=communities.index)
