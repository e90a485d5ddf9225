"""Which zone is built in which year: a work order under yearly budgets (滚动计划)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy

from gis_renovation.arrays import Floats
from gis_renovation.errors import ConfigError
from gis_renovation.sentences import with_sentences
from gis_renovation.words import WAN, Sentence, Text, shorten_ids
from gis_renovation.zones.solver import Labels


class _Order(NamedTuple):
    """Year position of each zone (-1 none) and whether the order is proven best."""

    year: Labels
    is_proven: bool


def order_zone_works(
    zones: gpd.GeoDataFrame,
    *,
    budgets_yuan: Mapping[str, float] | None = None,
    carry_over: bool = False,
    works_need_weight: float = 0.5,
    works_age_weight: float = 0.5,
    fixed_years: Mapping[str, int] | None = None,
    max_nodes: int = 500,
) -> pd.DataFrame:
    """Which zone is built in which year under yearly budgets (滚动计划).

    A zone is built within one year. As much as possible is built in all, and most of it early, measured
    in households raised by basic needs per household and by age (each by its weight at most).

    Parameters
    ----------
    zones
        As :func:`describe_zones` gives them. Zones of unknown cost get no year.
    budgets_yuan
        Money of each year, ``{"2025": 1.2e7, ..}``. None: no zone gets a year.
    carry_over
        Whether what a year leaves goes to the next.
    works_need_weight, works_age_weight
        How much the neediest and the oldest zone count above their households (0.5: half as much again).
    fixed_years
        Years already decided, ``{"Z-..": 2025}``; kept where the budget allows.
    max_nodes
        Work limit of the integer programme.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_schedule``, index ``zone_id``, sorted: ``work_year`` (null: reserve), ``work_rank``,
        cost, what its year has left, priority, ``is_proven``, and a sentence. No zones, no rows.

    Raises
    ------
    ConfigError
        Budgets that are negative or not for years; unknown zones or years in ``fixed_years``.

    Notes
    -----
    An integer programme of zones x years.

    Examples
    --------
    Of two zones only one can be paid; that with more households is.

    >>> import pandas as pd
    >>> zones = pd.DataFrame({"households": [550, 800], "cost_yuan": [8e6, 9e6]}, index=["Z-C1", "Z-C3"])
    >>> schedule = order_zone_works(zones, budgets_yuan={"2026": 1e7, "2027": 5e6})
    >>> schedule["reason_en"].tolist()
    ['needs 800.00 x 10,000 yuan, at most 500.00 left in any year; kept in reserve',
     "built in 2026; 100.00 x 10,000 yuan of that year's budget left"]
    """
    budgets_yuan = {str(year): money for year, money in (budgets_yuan or {}).items()}
    fixed_years = fixed_years or {}
    years = _years(zones, budgets_yuan, fixed_years)
    frame = zones.sort_index()
    cost = frame["cost_yuan"].to_numpy(dtype="float64", na_value=np.nan)
    worth = _worth(frame, works_need_weight, works_age_weight)
    budget = np.array([float(budgets_yuan[str(year)]) for year in years])
    fixed = np.array([years.index(fixed_years[zone]) if zone in fixed_years else -1 for zone in frame.index])
    order = _assign(cost, worth, budget, fixed, carry_over=carry_over, max_nodes=max_nodes)
    return _schedule(frame, years, budget, worth, order, carry_over=carry_over)


def _years(zones: pd.DataFrame, budgets_yuan: Mapping[str, float], fixed_years: Mapping[str, int]) -> list[int]:
    """Budget years in order; every fault of the budgets at once."""
    faults = []
    for key, value in budgets_yuan.items():
        if not str(key).isdigit() or len(str(key)) != 4:
            faults.append(Text(f"budgets_yuan 的键应为年份，实为 {key}。", f"budgets_yuan: {key} is not a year."))
        if not math.isfinite(value) or value < 0:
            faults.append(Text(f"{key} 年预算应为非负数，实为 {value}。", f"The budget of {key} must not be negative."))
    strange = sorted(set(map(str, fixed_years)) - set(map(str, zones.index)))
    if strange:
        faults.append(
            Text(
                f"fixed_years 中的片区不存在：{shorten_ids(strange, 'zh')}。",
                f"fixed_years names zones that do not exist: {shorten_ids(strange, 'en')}.",
            )
        )
    late = sorted({str(year) for year in fixed_years.values() if str(year) not in budgets_yuan})
    if late:
        years = "、".join(late)
        faults.append(
            Text(f"fixed_years 的年份 {years} 没有预算。", f"fixed_years names years without a budget: {years}.")
        )
    if faults:
        raise ConfigError(*Text.same("\n").join(faults))
    return sorted(int(key) for key in budgets_yuan)


def _worth(frame: pd.DataFrame, need_weight: float, age_weight: float) -> Floats:
    """Households, raised by basic needs per household and by age; unknown needs and ages raise nothing.

    Unknown households count as the mean of the known: no zone is put off for a gap in the records.
    """
    households = frame["households"].to_numpy(dtype="float64", na_value=np.nan)
    known = households[np.isfinite(households)]
    households = np.where(np.isfinite(households), households, known.mean() if len(known) else 1.0)
    factor = np.ones(len(frame))
    for name, weight, sign in (("need_basic", need_weight, 1.0), ("oldest_year_built", age_weight, -1.0)):
        if name not in frame:
            continue
        values = frame[name].to_numpy(dtype="float64", na_value=np.nan)
        if name == "need_basic":
            values = values / np.maximum(households, 1.0)
        spread = np.ptp(values[np.isfinite(values)]) if np.isfinite(values).any() else 0.0
        if spread > 0:
            least = np.nanmin(sign * values)
            factor += weight * np.nan_to_num((sign * values - least) / spread)
    return np.maximum(np.round(households * factor), 1.0)


def _assign(cost: Floats, worth: Floats, budget: Floats, fixed: Labels, *, carry_over: bool, max_nodes: int) -> _Order:
    """Most worth built in all, then most of it early. Exact by integer programming within the node limit."""
    usable = np.flatnonzero(np.isfinite(cost))
    count, years = len(usable), len(budget)
    if not count or not years:
        return _Order(np.full(len(cost), -1), is_proven=True)
    # Variable zone * years + year: the zone is built in that year.
    once = np.kron(np.eye(count), np.ones((1, years)))
    spent = np.kron(cost[usable][None, :], np.eye(years))
    limits = budget
    if carry_over:
        running = np.tril(np.ones((years, years)))
        spent, limits = running @ spent, running @ budget
    upper = np.ones((count, years))
    for place, zone in enumerate(usable):
        if fixed[zone] >= 0:
            upper[place] = 0.0
            upper[place, fixed[zone]] = 1.0
    rules = [
        scipy.optimize.LinearConstraint(once, 0.0, 1.0),
        scipy.optimize.LinearConstraint(spent / 1e4, -np.inf, limits / 1e4 + 1e-9),
    ]
    must = (fixed[usable] >= 0).astype(float)
    # Of zones worth the same, the lesser id comes first.
    value = np.repeat(worth[usable] + 0.1 * (count - np.arange(count)) / count / max(count, 1), years)
    # Worths are whole numbers, so what is within half of one of the bound is the best.
    gap = 0.5 / (worth.sum() * (1.0 + max(must.sum(), years)))
    total = _best(-(value + np.repeat(must, years) * worth.sum()), rules, upper.ravel(), max_nodes, gap)
    if total is None:
        return _Order(np.full(len(cost), -1), is_proven=False)
    # The zones built are settled; now each of them as early as the budgets allow.
    chosen = np.round(total[0]).reshape(count, years).any(axis=1).astype(float)
    rules[0] = scipy.optimize.LinearConstraint(once, chosen, chosen)
    early = value * np.tile(years - np.arange(years), count)
    best = _best(-early, rules, upper.ravel(), max_nodes, gap)
    built, proven = best if best is not None else total
    year = np.full(len(cost), -1)
    table = np.round(built).reshape(count, years)
    year[usable] = np.where(table.any(axis=1), table.argmax(axis=1), -1)
    return _Order(year, is_proven=bool(total[1] and proven and best is not None))


def _best(
    cost: Floats, rules: Sequence[scipy.optimize.LinearConstraint], upper: Floats, max_nodes: int, gap: float
) -> tuple[Floats, bool] | None:
    """The best 0-1 choice found and whether it is proven; None without any."""
    options = {"mip_rel_gap": gap, "node_limit": max_nodes}
    bounds = scipy.optimize.Bounds(np.zeros(len(upper)), upper)
    result = scipy.optimize.milp(
        cost, integrality=np.ones(len(cost)), bounds=bounds, constraints=rules, options=options
    )
    return None if result.x is None else (result.x, result.status == 0)


def _schedule(
    frame: pd.DataFrame,
    years: list[int],
    budget: Floats,
    worth: Floats,
    order: _Order,
    *,
    carry_over: bool,
) -> pd.DataFrame:
    """Columns of the work order: year, what the year has left, and a sentence for each zone."""
    cost = frame["cost_yuan"].to_numpy(dtype="float64", na_value=np.nan)
    spent = np.array([cost[order.year == place].sum() for place in range(len(years))])
    left = np.cumsum(budget - spent) if carry_over else budget - spent
    texts = [_reason(years, left, cost, order, place) for place in range(len(frame))]
    known = order.year >= 0
    sequence = np.lexsort((-worth, np.where(known, order.year, len(years))))
    rank = np.empty(len(frame), dtype=np.int64)
    rank[sequence] = np.arange(1, len(frame) + 1)
    table = pd.DataFrame(
        {
            "work_year": pd.array([years[place] if place >= 0 else None for place in order.year], dtype="Int64"),
            "work_status": pd.array([_status(years, cost, order, place) for place in range(len(frame))], dtype="str"),
            "work_rank": pd.array(rank, dtype="int64"),
            "cost_yuan": cost,
            "year_left_yuan": [left[place] if place >= 0 else np.nan for place in order.year],
            "priority": worth,
            "is_proven": pd.array([order.is_proven] * len(frame), dtype="boolean"),
        },
        index=pd.Index(frame.index, dtype="str", name="zone_id"),
    )
    return with_sentences(table, "reason", texts)


def _status(years: list[int], cost: Floats, order: _Order, place: int) -> str:
    """Whether a zone has a year, waits for money, or cannot be placed because something is not known."""
    if order.year[place] >= 0:
        return "scheduled"
    if not np.isfinite(cost[place]):
        return "cost_unknown"
    return "reserve" if years else "no_budget"


def _reason(years: list[int], left: Floats, cost: Floats, order: _Order, place: int) -> Sentence:
    if order.year[place] >= 0:
        year = years[order.year[place]]
        rest = float(left[order.year[place]])
        return Sentence.of(
            f"列入 {year} 年，当年预算余 {rest / WAN:,.2f} 万元",
            f"built in {year}; {rest / WAN:,.2f} x 10,000 yuan of that year's budget left",
            money_yuan=[rest],
        )
    if not np.isfinite(cost[place]):
        return Sentence.of("估算投资未知，暂不能排入年度计划", "estimated cost unknown, so no year can be given")
    if not years:
        return Sentence.of("未设年度预算，未排入年度计划", "no yearly budgets are set, so no year is given")
    need, most = float(cost[place]), float(left.max(initial=0.0))
    return Sentence.of(
        f"需 {need / WAN:,.2f} 万元，各年预算余额最多 {most / WAN:,.2f} 万元，列入储备",
        f"needs {need / WAN:,.2f} x 10,000 yuan, at most {most / WAN:,.2f} left in any year; kept in reserve",
        money_yuan=[need, most],
    )
