"""The chain of states, and yes, no or unknown over several projects."""

from __future__ import annotations

from typing import Any

import pandas as pd

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
STARTED, COMPLETED, LAST = (STATE_ORDER.index(state) for state in ("started", "completed", "handed_over"))


def ranks(states: pd.Series[Any]) -> pd.Series[Any]:
    """Position of each state in the chain, NaN where unknown."""
    return states.map({state: float(rank) for rank, state in enumerate(STATE_ORDER)}).astype("float64")


def at_least(rank: pd.Series[Any], bound: int) -> pd.Series[Any]:
    """1, 0, or NaN where the rank is unknown."""
    return (rank >= bound).astype("float64").where(rank.notna())


def any_of(flags: pd.Series[Any], groups: pd.Series[Any]) -> pd.Series[Any]:
    """Three-valued "or" in each group: a yes decides, else an unknown leaves it open."""
    by = flags.groupby(groups)
    highest = by.max()
    return highest.where((highest == 1) | (by.size() == by.count()))


def all_of(flags: pd.Series[Any], groups: pd.Series[Any]) -> pd.Series[Any]:
    """Three-valued "and" in each group: a no decides, else an unknown leaves it open."""
    by = flags.groupby(groups)
    lowest = by.min()
    return lowest.where((lowest == 0) | (by.size() == by.count()))
