"""Projects, works records and money of the synthetic city: twelve months that end on 2024-09-30.

All dates and amounts are invented; the plan itself names none.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.sample.plots import generator

AS_OF = dt.date(2024, 9, 30)
MONTH_ENDS = (
    dt.date(2023, 10, 31), dt.date(2023, 11, 30), dt.date(2023, 12, 31), dt.date(2024, 1, 31), dt.date(2024, 2, 29),
    dt.date(2024, 3, 31), dt.date(2024, 4, 30), dt.date(2024, 5, 31), dt.date(2024, 6, 30), dt.date(2024, 7, 31),
    dt.date(2024, 8, 31), AS_OF,
)  # fmt: skip
PLANNED_ON = dt.date(2024, 4, 15)

# Projects drawn by hand: one over two communities, one whose record goes back in August.
PLANTED_PROJECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("XM-2024-001", ("340402-003", "340402-004")),
    ("XM-2024-002", ("340402-005",)),
)
BACKWARD_PROJECT = "XM-2024-002"
BACKWARD_RECORDS = (
    (dt.date(2024, 6, 30), 0.4),
    (dt.date(2024, 7, 31), 0.6),
    (dt.date(2024, 8, 31), 0.45),
    (AS_OF, 0.7),
)
PIPES_SHARE = 0.25

FUND_SHARES = {
    "central_budget": 0.24, "province": 0.14, "city": 0.08, "county": 0.16, "special_bond": 0.17, "infra_fee": 0.04,
    "operators": 0.08, "owner_unit": 0.03, "residents": 0.03, "repair_fund": 0.03,
}  # fmt: skip
# A basis never exceeds the one before it: the range of each as a share of the former.
BASIS_SHARES = {"planned": (1.0, 1.0), "allocated": (0.6, 1.0), "received": (0.5, 1.0), "paid": (0.3, 0.95)}


def make_projects(communities: gpd.GeoDataFrame, seed: int) -> pd.DataFrame:
    """Projects by ``project_id``: neighbours of one subdistrict together, and one of pipes a unit."""
    rng = generator(seed, "projects")
    groups = _groups(communities, seed)
    rows = []
    for project_id, members in groups:
        first = communities.loc[members[0]]
        pipes = project_id.startswith("XM-GW")
        name = (
            f"{first['subdistrict']}老旧小区管网专项" if pipes
            else first["name"] + (f"等{len(members)}个小区" if len(members) > 1 else "") + "改造工程"
        )  # fmt: skip
        rows.append(
            {
                "project_id": project_id,
                "name": name,
                "unit_code": first["unit_code"],
                "plan_batch": first["plan_batch"],
                "contractor": f"施工企业{int(rng.integers(1, 25)):02d}（合成）",
                "contact": f"联系人{int(rng.integers(1, 90)):02d}（合成）",
            }
        )
    return pd.DataFrame(rows).set_index("project_id").sort_index()


def make_project_communities(communities: gpd.GeoDataFrame, seed: int) -> pd.DataFrame:
    """Which project covers which community; many to many."""
    rows = [(project, member) for project, members in _groups(communities, seed) for member in members]
    frame = pd.DataFrame(rows, columns=["project_id", "community_id"])
    return frame.sort_values(["project_id", "community_id"], ignore_index=True)


def make_works_records(projects: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A record a project and month end, a few missing; nothing goes back but the planted step."""
    rng = generator(seed, "works")
    rows: list[dict[str, Any]] = []
    for project_id, batch in zip(projects.index, projects["plan_batch"], strict=True):
        start = int(rng.integers(4, 10) if batch == "main" else rng.integers(6, 15))
        length = int(rng.integers(4, 10))
        missing = rng.random(len(MONTH_ENDS)) < 0.03
        bend = float(rng.uniform(0.8, 1.3))
        for month, day in enumerate(MONTH_ENDS):
            if missing[month] and project_id != BACKWARD_PROJECT:
                continue
            state, share = _state_at(month - start, length, bend)
            rows.append(
                {"project_id": project_id, "recorded_on": day, "state": state, "progress_share": share, "note": None}
            )
    backward = dict(BACKWARD_RECORDS)
    for row in rows:
        if row["project_id"] == BACKWARD_PROJECT:
            reached = backward.get(row["recorded_on"])
            row["state"], row["progress_share"] = ("approved", 0.0) if reached is None else ("started", reached)
    frame = pd.DataFrame(rows)
    frame["note"] = frame["note"].astype(object)
    return frame.sort_values(["project_id", "recorded_on"], ignore_index=True)


def make_funds(
    projects: pd.DataFrame, project_communities: pd.DataFrame, communities: gpd.GeoDataFrame, seed: int
) -> pd.DataFrame:
    """Money by project, source and basis, in whole hundreds of yuan; some rows are not reported."""
    rng = generator(seed, "funds")
    cost = communities["cost_yuan"].astype(float).reindex(project_communities["community_id"]).to_numpy()
    share = np.where(project_communities["project_id"].str.startswith("XM-GW"), PIPES_SHARE, 1.0)
    total = pd.Series(cost * share).groupby(project_communities["project_id"].to_numpy()).sum().reindex(projects.index)
    rows = []
    for project_id, amount in total.items():
        for source, part in FUND_SHARES.items():
            if rng.random() < 0.3 and source not in ("central_budget", "county"):
                continue
            left = amount * part
            for basis, (least, most) in BASIS_SHARES.items():
                left = round(left * rng.uniform(least, most), -2)
                if basis != "planned" and rng.random() < 0.08:
                    break
                rows.append((project_id, source, basis, left, PLANNED_ON if basis == "planned" else AS_OF))
    return pd.DataFrame(rows, columns=["project_id", "source", "basis", "amount_yuan", "recorded_on"])


def _groups(communities: gpd.GeoDataFrame, seed: int) -> list[tuple[str, list[str]]]:
    """Projects with their communities: the planted ones, runs of neighbours, then pipes per unit."""
    rng = generator(seed, "groups")
    planned = communities[communities["plan_batch"].isin(["main", "supplement"])]
    taken = {member for _, members in PLANTED_PROJECTS for member in members}
    groups = [(project, list(members)) for project, members in PLANTED_PROJECTS]
    rest = planned[~planned.index.isin(taken)]
    number = len(groups)
    for _, mine in rest.groupby(["unit_code", "subdistrict", "plan_batch"], sort=True):
        ids = list(mine.index)
        while ids:
            size = int(rng.choice([1, 1, 1, 2, 2, 3]))
            number += 1
            groups.append((f"XM-2024-{number:03d}", ids[:size]))
            ids = ids[size:]
    for unit, mine in planned.groupby("unit_code", sort=True):
        ids = list(mine.index[mine["plan_batch"] == "main"])
        if len(ids) > 6:
            groups.append((f"XM-GW-{unit}", ids[-5:]))
    return groups


def _state_at(months: int, length: int, bend: float) -> tuple[str, float]:
    """State and physical progress ``months`` after the start of works that take ``length`` months."""
    if months < 0:
        chain = ("tendered", "approved", "approved", "reviewed", "listed")
        return (chain[-months - 1] if -months <= len(chain) else "reserve"), 0.0
    share = round(min(((months + 1) / length) ** bend, 1.0), 2)
    if share < 1.0:
        return ("main_done" if share >= 0.85 else "started"), share
    after = months + 1 - length
    return ("completed", "accepted", "accepted", "handed_over")[min(after, 3)], 1.0
