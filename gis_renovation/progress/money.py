"""Money of projects by basis: planned, allocated, received, paid."""

from __future__ import annotations

import datetime

import pandas as pd

from gis_renovation.ids import ids_in
from gis_renovation.unknowns import optional_column

# Planned, allocated, received and paid are four numbers, never to be mixed (docs/methods.md, 8).
FUND_BASES = ("planned", "allocated", "received", "paid")


def fund_sums(funds: pd.DataFrame | None, as_of: datetime.date) -> pd.DataFrame:
    """Yuan by project (rows) and basis (columns) up to ``as_of``; NaN where a project has no row of a basis."""
    columns = [f"{basis}_yuan" for basis in FUND_BASES]
    if funds is None or len(funds) == 0:
        return pd.DataFrame(columns=columns, index=pd.Index([], name="project_id", dtype="object"), dtype="float64")
    days = pd.to_datetime(optional_column(funds, "recorded_on"))
    counted = funds[days.isna() | (days <= pd.Timestamp(as_of))]
    # Sorted amounts: a sum must not depend on the order of the rows, not even in its last digit.
    amount_yuan = pd.to_numeric(counted["amount_yuan"]).astype("float64")
    amounts = counted.assign(amount_yuan=amount_yuan, project_id=ids_in(counted["project_id"]))
    amounts = amounts.sort_values(["project_id", "basis", "amount_yuan"])
    sums = amounts.pivot_table(index="project_id", columns="basis", values="amount_yuan", aggfunc="sum")
    return sums.reindex(columns=list(FUND_BASES)).set_axis(columns, axis="columns").astype("float64")
