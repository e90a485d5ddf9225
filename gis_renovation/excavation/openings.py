"""What a calendar of digs opens, and what it saves against digging alone or sharing by chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.excavation.calendar import DigPrices
from gis_renovation.ids import sorted_by_id
from gis_renovation.sentences import with_sentences
from gis_renovation.unknowns import optional_column
from gis_renovation.words import CLAUSES, Sentence, Text

ALL = "合计"
_FORCED: Mapping[str, Text] = {
    "needed": Text("开挖须经县级以上人民政府批准（第三十三条）", "needs approval at county level or above (Art. 33)"),
    "verify": Text("道路通车、大修日期待核", "dates of opening and overhaul to be verified"),
}


def list_dig_openings(dig_calendar: pd.DataFrame, streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Each street and year that the calendar opens, on the street's line: who works in it, from which month to which.

    Parameters
    ----------
    dig_calendar
        As :func:`plan_dig_calendar` gives it.
    streets
        Lines indexed by id.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``dig_openings``, index ``opening_id`` (``<street>/<year>``), sorted, CRS as given. An opening needs
        approval if any of its works does. Nothing planned: no rows.

    Raises
    ------
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n log n).

    Examples
    --------
    >>> from shapely import LineString
    >>> street = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (90, 0)])], index=["L1"], crs="EPSG:4548")
    >>> told = {"dig_state": "planned", "street_id": "L1", "operator": ["W", "G"], "year": 2026, "approval": "none"}
    >>> plan = pd.DataFrame({**told, "first_month": [1, 3], "last_month": [2, 4]}, index=["N1", "N2"])
    >>> made = list_dig_openings(plan, street)
    >>> made.loc["L1/2026", ["operators", "first_month", "last_month", "works_count"]].to_list() == ["G、W", 1, 4, 2]
    True
    """
    roads = sorted_by_id(streets, "streets")
    planned = _planned(dig_calendar)
    rows, texts = [], []
    names = optional_column(roads, "name")
    for (street, _), own in planned.groupby(["street_id", "year"], sort=True):
        approval = next((word for word in ("needed", "verify") if own["approval"].eq(word).any()), "none")
        operators = sorted(set(own["operator"]))
        rows.append(
            {
                "opening_id": f"{street}/{own['year'].iloc[0]}",
                "street_id": street,
                "street_name": names.get(street),
                "year": int(own["year"].iloc[0]),
                "first_month": int(own["first_month"].min()),
                "last_month": int(own["last_month"].max()),
                "operators": "、".join(operators),
                "works_count": len(own),
                "approval": approval,
                "length_m": float(roads.geometry[street].length),
            }
        )
        said = Text("{who} 共 {n} 项", "{who}: {n} works").fill(who="、".join(operators), n=len(own))
        texts.append(Sentence(CLAUSES.join([said, *([_FORCED[approval]] if approval in _FORCED else [])])))
    table = pd.DataFrame(rows, columns=[*_OPENING]).set_index("opening_id").astype(_KINDS)
    table = with_sentences(table, "reason", texts)
    shapes = roads.geometry.reindex(table["street_id"]).to_numpy()
    made = gpd.GeoDataFrame(table, geometry=shapes, crs=roads.crs)
    made.attrs.update(table.attrs)
    return made.sort_index()


_OPENING = (
    "opening_id",
    "street_id",
    "street_name",
    "year",
    "first_month",
    "last_month",
    "operators",
    "works_count",
    "approval",
    "length_m",
)
_KINDS = dict.fromkeys(("year", "first_month", "last_month", "works_count"), "Int64") | {"length_m": "float64"}


def measure_dig_savings(
    dig_calendar: pd.DataFrame,
    streets: gpd.GeoDataFrame,
    *,
    prices: DigPrices = DigPrices(),  # noqa: B008 - frozen
) -> pd.DataFrame:
    """Openings and their price for each operator: alone, shared by chance in the best year, and as planned.

    The same planned works stand in all three. Alone, every work opens its street for itself; by chance, works whose
    best years fall in one year share it (a work without a best year counts in its planned one). Neither baseline was
    held against budgets, the law or the months. An opening is split evenly among the works that share it, which is
    an arithmetic of this table and no agreement on who pays.

    Parameters
    ----------
    dig_calendar
        As :func:`plan_dig_calendar` gives it.
    streets
        Lines indexed by id, project CRS in metres.
    prices
        The weights that the plan was made with; the price of approval is left out.

    Returns
    -------
    pandas.DataFrame
        Layer ``dig_savings``, index ``operator``, sorted, last ``合计``: openings and yuan three ways, the share
        saved against chance (null where nothing is opened), and how many works the plan moves and how far.

    Raises
    ------
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n log n).

    Examples
    --------
    Two works whose best years differ, planned together: two openings become one.

    >>> from shapely import LineString
    >>> street = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (100, 0)])], index=["L1"], crs="EPSG:4548")
    >>> told = {"dig_state": "planned", "street_id": "L1", "operator": ["W", "G"], "year": 2026}
    >>> plan = pd.DataFrame({**told, "best_year": [2025, 2026]}, index=["N1", "N2"])
    >>> made = measure_dig_savings(plan, street, prices=DigPrices(opening_yuan=100, opening_metre_yuan=1))
    >>> made.loc["合计", ["chance_openings", "plan_openings", "plan_yuan", "moved_count"]].tolist()
    [2.0, 1.0, 200.0, 1.0]
    """
    roads = sorted_by_id(streets, "streets")
    planned = _planned(dig_calendar)
    price = prices.opening_yuan + prices.opening_metre_yuan * roads.length.reindex(planned["street_id"]).to_numpy()
    year = planned["year"].astype("float64")
    best = pd.to_numeric(optional_column(planned, "best_year")).astype("float64").fillna(year)
    works = pd.DataFrame({"operator": planned["operator"], "works_count": 1}, index=planned.index)
    ways: dict[str, pd.Series[Any]] = {
        "alone": pd.Series(range(len(planned)), planned.index),
        "chance": best,
        "plan": year,
    }
    for name, when in ways.items():
        share = 1.0 / when.groupby([planned["street_id"], when]).transform("size")
        works[f"{name}_openings"], works[f"{name}_yuan"] = share, share * price
    works["moved_count"] = (year != best).astype("int64")
    works["moved_years"] = (year - best).abs().astype("int64")
    own = works.groupby("operator", sort=True).sum()
    table = pd.concat([own, works.drop(columns="operator").sum().to_frame(ALL).T])
    chance = table["chance_yuan"].to_numpy(dtype=float)
    saved = 1.0 - np.divide(table["plan_yuan"].to_numpy(dtype=float), chance, out=np.ones(len(table)), where=chance > 0)
    table["saved_share"] = np.where(chance > 0, saved, np.nan)
    for name in ("works_count", "moved_count", "moved_years"):
        table[name] = table[name].astype("int64")
    table.index = pd.Index(table.index.astype(str), name="operator")
    return with_sentences(
        table, "reason", [Sentence(_told({str(k): v for k, v in row.items()})) for row in table.to_dict("records")]
    )


def _told(row: Mapping[str, Any]) -> Text:
    return Text(
        "各自开挖 {a:.1f} 次，恰好同年 {c:.1f} 次，本计划 {p:.1f} 次；{m} 项改动年度",
        "{a:.1f} openings alone, {c:.1f} by chance, {p:.1f} as planned; {m} works moved",
    ).fill(a=row["alone_openings"], c=row["chance_openings"], p=row["plan_openings"], m=row["moved_count"])


def _planned(dig_calendar: pd.DataFrame) -> pd.DataFrame:
    calendar = sorted_by_id(dig_calendar, "dig_calendar")
    return calendar[calendar["dig_state"].eq("planned")]
