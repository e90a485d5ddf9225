"""Digging in the synthetic city: dates of streets, what operators ask to dig, their budgets, months without digging.

All of it is invented. Streets with dates lie around one community, so that a part of the city has them too.
"""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.sample.plots import generator
from gis_renovation.sample.small import MIDDLE
from gis_renovation.sample.works import AS_OF

AROUND_M = 450.0
STREETS_DUG = 12
YEARS = range(AS_OF.year + 1, AS_OF.year + 6)
# The day on which five years are just over, the day before, and no day at all.
PLANTED_DATES = (dt.date(2019, 9, 29), dt.date(2019, 9, 30), None)
_MONTHS = {"water": 2, "sewer": 3, "gas": 2, "power": 1, "telecom": 1}
_YUAN_PER_M = {"water": 2200, "sewer": 3800, "gas": 2600, "power": 1800, "telecom": 700}


def streets_dug(streets: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> list[str]:
    """Ids of the streets that works are asked for in: the nearest to one community, long enough, no access roads."""
    centre = shapely.centroid(communities.geometry[MIDDLE])
    far = shapely.distance(streets.geometry.to_numpy(), centre)
    fit = (streets.length >= 60) & streets["class"].isin(["branch", "secondary"]).to_numpy() & (far <= AROUND_M)
    order = np.argsort(far, kind="stable")
    return [str(streets.index[i]) for i in order if fit.iloc[i]][:STREETS_DUG]


def with_dates(streets: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, seed: int) -> gpd.GeoDataFrame:
    """The streets with their dates, where works are asked for; elsewhere unknown."""
    rng = generator(seed, "street_dates")
    names = ("opened_on", "overhauled", "overhauled_on", "last_dug_on", "guarantee_until")
    known: dict[str, dict[str, object]] = {name: {} for name in names}
    for number, street in enumerate(streets_dug(streets, communities)):
        opened = AS_OF - dt.timedelta(days=int(rng.integers(400, 6000)))
        overhauled = bool(rng.random() < 0.2)
        dug, guarantee = rng.random() < 0.15, rng.random() < 0.1
        days = [int(rng.integers(100, 2000)), int(rng.integers(100, 700)), int(rng.integers(100, 500))]
        if number < len(PLANTED_DATES):
            known["opened_on"][street] = PLANTED_DATES[number]
            known["overhauled"][street] = False
            continue
        known["opened_on"][street] = opened
        known["overhauled"][street] = overhauled
        known["overhauled_on"][street] = AS_OF - dt.timedelta(days=days[0]) if overhauled else None
        known["last_dug_on"][street] = AS_OF - dt.timedelta(days=days[1]) if dug else None
        known["guarantee_until"][street] = AS_OF + dt.timedelta(days=days[2]) if guarantee else None
    columns = {
        name: pd.Series([rows.get(str(key)) for key in streets.index], index=streets.index, dtype="object")
        for name, rows in known.items()
    }
    made: gpd.GeoDataFrame = streets.assign(**columns)
    return made


def make_works_needs(
    streets: gpd.GeoDataFrame, utility_lines: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, seed: int
) -> pd.DataFrame:
    """What operators ask to dig: a work for most lines along the streets; some lack a year or a cost."""
    rng = generator(seed, "works_needs")
    rows: list[dict[str, object]] = []
    for street in streets_dug(streets, communities):
        shape = streets.geometry[street]
        beside = shapely.buffer(shape, 12.0, cap_style="flat")
        near = utility_lines.iloc[utility_lines.sindex.query(beside, predicate="intersects")].sort_index()
        along = pd.Series(shapely.length(shapely.intersection(near.geometry.to_numpy(), beside)), index=near.index)
        for network, months in _MONTHS.items():
            own = along[near["network"].eq(network).to_numpy()]
            asks, draw = rng.random() < 0.7, rng.random(4)
            if own.empty or own.max() < 20 or not asks:
                continue
            line = str(own.idxmax())
            best = YEARS[int(draw[0] * len(YEARS))]
            rows.append(
                {
                    "need_id": f"GX-{len(rows) + 1:03d}",
                    "street_id": street,
                    "line_id": line,
                    "operator": utility_lines["operator"][line],
                    "network": network,
                    "earliest_year": max(YEARS[0], best - int(draw[1] * 3)),
                    "best_year": best,
                    "latest_year": None if draw[3] < 0.03 else min(YEARS[-1], best + 1 + int(draw[2] * 3)),
                    "duration_months": months,
                    "cost_yuan": None if draw[3] > 0.97 else round(float(own.max()) * _YUAN_PER_M[network], -3),
                    "depth_m": float(utility_lines["depth_m"][line]),
                    "emergency": False,
                }
            )
    frame = pd.DataFrame(rows).astype({"emergency": object, "depth_m": float, "cost_yuan": float})
    for name in ("earliest_year", "best_year", "latest_year", "duration_months"):
        frame[name] = frame[name].astype("Int64")
    return frame.set_index("need_id")


def make_dig_budgets(works_needs: pd.DataFrame) -> pd.DataFrame:
    """A fifth of what each operator asks for a year and seven tenths more; one year is not known."""
    asked = works_needs.groupby("operator", sort=True)["cost_yuan"].sum()
    rows = [
        (f"YS-{number * len(YEARS) + at + 1:03d}", name, year, round(total / len(YEARS) * 1.7, -4))
        for number, (name, total) in enumerate(asked.items())
        for at, year in enumerate(YEARS)
    ][:-1]
    return pd.DataFrame(rows, columns=["budget_id", "operator", "year", "amount_yuan"]).set_index("budget_id")


def make_dig_bans() -> pd.DataFrame:
    """Drains are left alone in the months of high water, every street around the New Year."""
    columns = ["ban_id", "kind", "street_id", "network", "year", "first_month", "last_month"]
    rows = [
        ("JW-01", "flood", None, "sewer", None, 7, 8),
        ("JW-02", "festival", None, None, None, 2, 2),
        ("JW-03", "event", None, None, YEARS[1], 9, 9),
    ]
    frame = pd.DataFrame(rows, columns=columns).set_index("ban_id")
    return frame.astype({"year": "Int64", "first_month": "Int64", "last_month": "Int64", "street_id": object})
