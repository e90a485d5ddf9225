"""The monthly table: each plan version by reporting unit, with what has no unit and the total."""

from __future__ import annotations

import pandas as pd

from gis_renovation.ids import with_ids
from gis_renovation.progress.members import community_facts
from gis_renovation.progress.tallies import on_lines, reporting_lines, tally
from gis_renovation.unknowns import optional_column, texts_as_objects


def plan_progress(
    reporting_units: pd.DataFrame,
    communities: pd.DataFrame,
    project_communities: pd.DataFrame,
    project_states: pd.DataFrame,
) -> pd.DataFrame:
    """The monthly table: each plan version by reporting unit, with what has no unit and the total.

    A rate means something only against a stated plan version (计划年度 and 批次), so each version has
    its own lines, the reserve list and communities of unknown version included. Counting rules are
    those of :func:`unit_progress`.

    Parameters
    ----------
    reporting_units, communities
        As for :func:`unit_progress`; communities with ``plan_year`` where known.
    project_communities
        Pairs ``project_id``, ``community_id``.
    project_states
        What :func:`project_states` returned.

    Returns
    -------
    pandas.DataFrame
        Layer ``plan_progress``, indexed by ``plan_line_id`` (``<version>/<unit>``) and sorted by it.
        The version is ``<year>-<batch>`` with ``unknown`` for what is not known. Besides every unit, each
        version has a line ``unassigned`` if there are communities whose unit is unknown or not in
        ``reporting_units``, and a line ``total``, counted from the communities and not from the lines, so that
        a mistake in either shows. ``floor_area_per_household_m2`` is over communities where both are known: a
        value far from its neighbours asks for a second look at the list. No communities: an empty frame with
        the same columns.

    Raises
    ------
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(c x depth of units) for c communities.

    Examples
    --------
    >>> units = pd.DataFrame({"name": ["田家庵区"]}, index=["340403"])
    >>> told = {"unit_code": "340403", "plan_year": 2024, "plan_batch": ["main", "supplement"]}
    >>> communities = pd.DataFrame({**told, "households": [300, 200]}, index=["A", "B"])
    >>> pairs = pd.DataFrame({"project_id": ["P"], "community_id": ["A"]})
    >>> states = pd.DataFrame({"state": ["started"], "previous_state": None}, index=["P"])
    >>> plan_progress(units, communities, pairs, states)[["community_count", "started_count", "households"]]
                            community_count  started_count  households
    plan_line_id
    2024-main/340403                      1              1         300
    2024-main/total                       1              1         300
    2024-supplement/340403                1              0         200
    2024-supplement/total                 1              0         200
    """
    communities = with_ids(communities, "communities")
    reporting_units = with_ids(reporting_units, "reporting_units")
    members = community_facts(communities, project_communities, with_ids(project_states, "project_states"))
    year = pd.to_numeric(optional_column(communities, "plan_year"), errors="coerce").astype("Int64").astype("string")
    version = year.fillna("unknown") + "-" + members["plan_batch"].astype("string").fillna("unknown")
    members["version"] = version.reindex(members.index).astype("object")
    both_known = members["households"].notna() & members["floor_area_m2"].notna() & (members["households"] > 0)
    members["ratio_households"] = members["households"].where(both_known)
    members["ratio_floor_area_m2"] = members["floor_area_m2"].where(both_known)
    lines = reporting_lines(reporting_units)
    own = on_lines(members, lines)
    rest = members[~members["unit_code"].isin(reporting_units.index)].assign(line="unassigned")
    parts = [own, rest, members.assign(line="total")]
    names = [*sorted(map(str, reporting_units.index)), "unassigned", "total"]
    keys = pd.MultiIndex.from_product([sorted(set(members["version"])), names], names=["version", "line"])
    table = tally(pd.concat(parts), ["version", "line"], keys)
    sums = pd.concat(parts).groupby(["version", "line"])[["ratio_floor_area_m2", "ratio_households"]].sum()
    ratio = sums["ratio_floor_area_m2"] / sums["ratio_households"].where(sums["ratio_households"] > 0)
    table["floor_area_per_household_m2"] = ratio.reindex(keys).astype("float64")
    table = table.reset_index(names=["plan_version", "unit_code"])
    table = table[(table["unit_code"] != "unassigned") | (table["community_count"] > 0)]
    table.insert(2, "name", table["unit_code"].map(_line_names(reporting_units)))
    table.index = pd.Index(table["plan_version"] + "/" + table["unit_code"], name="plan_line_id", dtype="object")
    return texts_as_objects(table.sort_index())


def _line_names(units: pd.DataFrame) -> dict[str, str]:
    names = {str(code): str(name) for code, name in optional_column(units, "name").dropna().items()}
    return {**names, "unassigned": "县区不明", "total": "合计"}
