"""Counts, sums and shares of communities on the lines of a report."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gis_renovation.ids import ids_in
from gis_renovation.unknowns import optional_column

_TALLY_COLUMNS = (
    "community_count",
    "started_count",
    "completed_count",
    "newly_started_count",
    "newly_completed_count",
    "newly_started_unknown_count",
    "newly_completed_unknown_count",
    "start_unknown_count",
    "completion_unknown_count",
    "no_project_count",
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


def reporting_lines(units: pd.DataFrame) -> pd.DataFrame:
    """Pairs (unit_code, line): a unit reports on its own line, a subdistrict also on its parent's."""
    level, parent = optional_column(units, "level"), ids_in(optional_column(units, "parent_code"))
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


def on_lines(members: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Rows repeated for every line they count on; rows of no known unit drop out."""
    return members.reset_index(drop=True).merge(lines, on="unit_code")


def tally(members: pd.DataFrame, by: str | list[str], keys: pd.Index) -> pd.DataFrame:
    """Counts, sums and shares of the members of each line; a line without members has zeros and unknown shares."""
    started, completed = members["started"] == 1, members["completed"] == 1
    flags = {
        "community_count": pd.Series(1, index=members.index),
        "started_count": started,
        "completed_count": completed,
        "newly_started_count": started & (members["was_started"] == 0),
        "newly_completed_count": completed & (members["was_completed"] == 0),
        "newly_started_unknown_count": _may_be_new(members["started"], members["was_started"]),
        "newly_completed_unknown_count": _may_be_new(members["completed"], members["was_completed"]),
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


def _may_be_new(now: pd.Series[Any], before: pd.Series[Any]) -> pd.Series[Any]:
    """Whether something may have happened this month and may not: it is yes or unknown now, and before it was not."""
    open_ = now.isna() | before.isna()
    return open_ & (now != 0) & (before != 1)


def _sum_known(
    values: pd.Series[Any], chosen: pd.Series[Any], groups: list[pd.Series[Any]], keys: pd.Index
) -> pd.Series[Any]:
    """Sum of the known values of the chosen rows: 0 when none is chosen, unknown when none of them is known."""
    by_line = values.where(chosen, 0.0).groupby(groups)
    counts = pd.DataFrame({"chosen": chosen, "known": chosen & values.notna()}).groupby(groups).sum()
    sums = by_line.sum().where((counts["chosen"] == 0) | (counts["known"] > 0))
    return sums.reindex(keys).mask(~keys.isin(sums.index), 0.0)
