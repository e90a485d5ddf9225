"""Progress of each reporting unit (填报单位): its plan, its projects and their money."""

from __future__ import annotations

import datetime
import warnings
from typing import NamedTuple

import geopandas as gpd
import pandas as pd

from gis_renovation.errors import ConfigError
from gis_renovation.ids import ids_in, sorted_by_id, with_ids
from gis_renovation.progress.chain import COMPLETED, STARTED, ranks
from gis_renovation.progress.members import community_facts
from gis_renovation.progress.money import FUND_BASES, fund_sums
from gis_renovation.progress.tallies import on_lines, reporting_lines, tally
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import optional_column, texts_as_objects
from gis_renovation.words import shorten_ids

# What is planned for a year; the reserve list is not yet a plan.
PLAN_BATCHES = ("main", "supplement")


class Planned(NamedTuple):
    """Which communities count as planned, and whether the ledger says so: without any plan batch all of them count."""

    rows: pd.Series[bool]
    stated: bool


def planned_communities(communities: pd.DataFrame, plan_batches: tuple[str, ...] = PLAN_BATCHES) -> Planned:
    """The communities whose ``plan_batch`` is in ``plan_batches``; all of them where none has a batch at all.

    That nobody wrote a batch does not mean that nobody is in the plan: a count of 0 would be a claim. O(n).
    """
    batches = optional_column(communities, "plan_batch").astype(object)
    stated = bool(batches.notna().any()) or len(batches) == 0
    return Planned(batches.isin(plan_batches) | (not stated), stated)


_PROJECT_COUNTS = (
    "project_count",
    "project_started_count",
    "project_completed_count",
    "project_state_unknown_count",
    "stale_project_count",
    "went_back_project_count",
)


def unit_progress(
    reporting_units: gpd.GeoDataFrame,
    communities: pd.DataFrame,
    projects: pd.DataFrame,
    project_communities: pd.DataFrame,
    project_states: pd.DataFrame,
    *,
    funds: pd.DataFrame | None = None,
    as_of: datetime.date,
    plan_batches: tuple[str, ...] = PLAN_BATCHES,
) -> gpd.GeoDataFrame:
    """Planned, started and completed communities, households and floor area, and money, of each reporting unit.

    Every reporting unit (填报单位) has a row, also one with nothing planned. The denominator is the
    plan: communities whose ``plan_batch`` is in ``plan_batches``; the reserve list and communities of
    unknown batch are not in it, the latter are counted beside. Where no community has a batch at all, every one
    counts and ``counted`` says ``list``. A community counts once however many
    projects work in it: it has **started** when any of its projects has, and is **completed** only when
    all of them are. A project without a record makes this unknown unless another project decides it;
    a community in no project is unknown too. A share is what is confirmed: as long as
    ``start_unknown_count`` is not 0 the true one may be higher; it is unknown when nothing is known.

    Parameters
    ----------
    reporting_units
        Polygons indexed by ``unit_code`` (a default index counts as ids "0", "1", ...), any CRS. Communities and
        projects of a unit of level ``subdistrict`` also count for its ``parent_code``; those of a ``special``
        area (开发区) are reported on its own line only.
    communities
        Indexed by ``community_id``, with ``unit_code``, ``plan_batch``, ``households``, ``floor_area_m2``.
    projects
        Indexed by ``project_id``; ``unit_code`` says whose line a project and its money belong to.
    project_communities
        Pairs ``project_id``, ``community_id``.
    project_states
        What :func:`project_states` returned for the same day.
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
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(c + p) for c communities and p pairs.

    Examples
    --------
    One county with two planned communities, of which one is in works:

    >>> from shapely import box
    >>> units = gpd.GeoDataFrame({"level": ["county"]}, geometry=[box(0, 0, 9, 9)], index=["340402"])
    >>> told = {"unit_code": "340402", "plan_batch": "main", "households": [300, 200]}
    >>> communities = pd.DataFrame(told, index=["A", "B"])
    >>> projects = pd.DataFrame({"unit_code": "340402"}, index=["P", "Q"])
    >>> pairs = pd.DataFrame({"project_id": ["P", "Q"], "community_id": ["A", "B"]})
    >>> told = {"previous_state": None, "record_status": "current", "went_back": False}
    >>> states = pd.DataFrame({"state": ["started", "tendered"], **told}, index=["P", "Q"])
    >>> lines = unit_progress(units, communities, projects, pairs, states, as_of=datetime.date(2024, 9, 30))
    >>> lines[["community_count", "started_count", "started_share", "started_households"]]
            community_count  started_count  started_share  started_households
    340402                2              1            0.5                 300
    """
    _require_batches(plan_batches)
    units, projects = sorted_by_id(reporting_units, "reporting_units"), sorted_by_id(projects, "projects")
    states = with_ids(project_states, "project_states")
    members = community_facts(communities, project_communities, states)
    in_plan = planned_communities(members, plan_batches)
    planned = members[in_plan.rows]
    undecided = members[members["plan_batch"].isna()]
    lines = reporting_lines(units)
    _warn_of_lost(planned, projects, units)
    table = units.reindex(columns=["name", "level", "parent_code"]).astype("object")
    table = table.join(tally(on_lines(planned, lines), "line", units.index))
    unknown = on_lines(undecided, lines).groupby("line").size()
    table["counted"] = "plan" if in_plan.stated else "list"
    table["plan_unknown_count"] = unknown.reindex(units.index, fill_value=0).astype("int64")
    table = table.join(_unit_projects(projects, states, fund_sums(funds, as_of), lines, units.index))
    return gpd.GeoDataFrame(texts_as_objects(table), geometry=units.geometry.to_numpy(), crs=units.crs)


def _warn_of_lost(planned: pd.DataFrame, projects: pd.DataFrame, units: pd.DataFrame) -> None:
    """Warn of planned communities and projects that no line counts: their unit is unknown or not a reporting unit."""
    for frame, zh, en in ((planned, "小区", "planned communities"), (projects, "项目", "projects")):
        lost = frame.index[~ids_in(optional_column(frame, "unit_code")).isin(units.index)]
        if len(lost):
            warnings.warn(
                f"{len(lost)} 个{zh}不属于任何填报单位，未计入各县区：{shorten_ids(sorted(lost), 'zh')} / "
                f"{len(lost)} {en} belong to no reporting unit and are on no line: {shorten_ids(sorted(lost), 'en')}",
                stacklevel=3,
            )


def _unit_projects(
    projects: pd.DataFrame, states: pd.DataFrame, money: pd.DataFrame, lines: pd.DataFrame, units: pd.Index
) -> pd.DataFrame:
    """Project counts and money of each reporting line."""
    rank = ranks(states["state"].reindex(projects.index))
    flags = pd.DataFrame(
        {
            "unit_code": ids_in(optional_column(projects, "unit_code")),
            "project_count": 1,
            "project_started_count": (rank >= STARTED).astype("int64"),
            "project_completed_count": (rank >= COMPLETED).astype("int64"),
            "project_state_unknown_count": rank.isna().astype("int64"),
            "stale_project_count": states["record_status"].reindex(projects.index).eq("stale").astype("int64"),
            "went_back_project_count": states["went_back"]
            .reindex(projects.index)
            .eq(True)
            .fillna(False)
            .astype("int64"),
        }
    ).join(money)
    reported = on_lines(flags, lines)
    table = reported.groupby("line")[list(_PROJECT_COUNTS)].sum().reindex(units, fill_value=0).astype("int64")
    for basis in FUND_BASES:
        amount = reported[f"{basis}_yuan"].groupby(reported["line"])
        sums = amount.sum(min_count=1).reindex(units)
        table[f"{basis}_yuan"] = sums.where(table["project_count"] > 0, 0.0).astype("float64")
        unknown = reported[f"{basis}_yuan"].isna().groupby(reported["line"]).sum()
        table[f"{basis}_unknown_project_count"] = unknown.reindex(units, fill_value=0).astype("int64")
    return table


def _require_batches(plan_batches: tuple[str, ...]) -> None:
    known = layer_schema("communities").fields["plan_batch"].values
    wrong = [batch for batch in plan_batches if batch not in known]
    if wrong or not plan_batches:
        found = ", ".join(wrong) or "()"
        raise ConfigError(
            f"[progress] plan_batches 应取自 {', '.join(known)}，至少一项；现为 {found}。",
            f"[progress] plan_batches must name at least one of {', '.join(known)}; found {found}.",
        )
