"""The calendar of digs: which operator works in which street in which year and month, and what that decides."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_renovation.arrays import Floats, Ints
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError, DataError, Finding, by_key
from gis_renovation.excavation.months import Opening, Work, place_months
from gis_renovation.excavation.needs import Horizon, read_months
from gis_renovation.excavation.solver import DEFERRED, DigPlan, DigProblem, plan_digs
from gis_renovation.ids import sorted_by_id
from gis_renovation.sentences import with_sentences
from gis_renovation.unknowns import optional_column, optional_numbers
from gis_renovation.words import CLAUSES, COMMAS, Sentence, Text


@dataclass(frozen=True, kw_only=True)
class DigPrices:
    """What the plan weighs against what, in yuan: weights of this program, no prices of any standard.

    An opening costs ``opening_yuan`` and ``opening_metre_yuan`` of its street; ``approval_yuan`` more in a year that
    needs approval or whose dates are to be verified. A work costs ``late_yuan_per_year`` after its best year,
    ``early_yuan_per_year`` before it, ``out_of_step_yuan`` outside the years of its zone, ``closed_yuan_per_month``
    for each month it keeps the street closed.
    """

    opening_yuan: float = 60_000.0
    opening_metre_yuan: float = 800.0
    approval_yuan: float = 1_000_000.0
    late_yuan_per_year: float = 20_000.0
    early_yuan_per_year: float = 10_000.0
    out_of_step_yuan: float = 50_000.0
    closed_yuan_per_month: float = 5_000.0

    def __post_init__(self) -> None:
        wrong = [f"{name} = {value}" for name, value in vars(self).items() if not 0 <= value < np.inf]
        if wrong:
            raise ConfigError(
                f"[excavation] {'、'.join(wrong)}：应为不小于 0 的金额（元）。",
                f"[excavation] {', '.join(wrong)}: must be an amount in yuan, 0 or more.",
            )


@dataclass(frozen=True, kw_only=True)
class DigEffort:
    """How hard the plan is searched, counted: the gap asked for, the rounds, the seed of the order of streets."""

    dig_gap_share: float = 0.001
    mend_rounds: int = 6
    dig_seed: int = 0


class _Ready(NamedTuple):
    """The works that can be planned, as numbers and as rows."""

    rows: pd.DataFrame
    streets: list[str]
    operators: list[str]
    years: range
    problem: DigProblem
    budget_known: NDArray[np.bool_]


# Months that fit nowhere send a work to another year, so many times at most; then it is left out and named.
_MONTH_ROUNDS = 12
# Leaving a work out is dearer than any opening, approval and delay together: by this much and its own cost.
_LEFT_OUT_YUAN = 1_000_000.0


def plan_dig_calendar(
    dig_needs: pd.DataFrame,
    streets: gpd.GeoDataFrame,
    *,
    dig_budgets: pd.DataFrame | None = None,
    communities: gpd.GeoDataFrame | None = None,
    as_of: datetime.date,
    horizon: Horizon = Horizon(),  # noqa: B008 - frozen
    prices: DigPrices = DigPrices(),
    effort: DigEffort = DigEffort(),
) -> pd.DataFrame:
    """A year and months for every work that can have them, so that each street is opened as seldom as possible.

    In two stages, both deterministic. First the years: works that share a street and a year share its opening;
    budgets of operators and years, ``reopen_years`` between openings of a street and the free months of each work
    are kept; the sum of :class:`DigPrices` is least, and the bound says by how much it may miss. Then the months:
    the works of an opening follow one another, deepest first; of the access streets of a community at least one
    stays open. What fits in no months goes to another year, and the years are planned again. The bound of the first
    stage holds for both, since the second only takes away.

    Parameters
    ----------
    dig_needs
        As :func:`prepare_dig_needs` gives them; only what is ``ready`` is planned.
    streets
        Lines indexed by id, project CRS in metres.
    dig_budgets
        ``operator``, ``year``, ``amount_yuan``. A year without a row or an amount limits nothing, because it is
        unknown; ``budget_known`` says so beside every work.
    communities
        Polygons, same CRS; a street within 15 m of one is an access street of it.
    as_of
        The day of the results; planned are the years after it.
    horizon, prices, effort
        The years, the weights and the search.

    Returns
    -------
    pandas.DataFrame
        Layer ``dig_calendar``, index ``need_id``, sorted: ``dig_state`` (planned, left_out, or why it was not
        planned), year, months, who shares the opening, whether it needs approval (needed, verify, none), and of the
        whole plan the objective, bound, gap and seed. The sentence of a work left out says what binds.

    Raises
    ------
    CRSError
        Streets and communities do not share one CRS in metres.
    ConfigError
        A weight is negative.
    DataError
        A budget is negative or given twice; ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(rounds · n · 2^years) and HiGHS; see :func:`plan_digs`.

    Examples
    --------
    Water would dig in 2025 and gas in 2026: together in 2026 the street is opened once.

    >>> from shapely import LineString
    >>> street = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (90, 0)])], index=["L1"], crs="EPSG:4548")
    >>> told = {"readiness": "ready", "street_id": "L1", "operator": ["W", "G"], "duration_months": 2}
    >>> years = {"best_year": [2025, 2026], "free_months": ["2025:1-12；2026:1-12", "2026:3-12"]}
    >>> needs = pd.DataFrame({**told, **years, "cost_yuan": 9.0, "depth_m": [1.5, 0.9]}, index=["N1", "N2"])
    >>> plan = plan_dig_calendar(needs, street, as_of=datetime.date(2024, 9, 30))
    >>> plan[["year", "first_month", "last_month", "shared_with"]].values.tolist()
    [[2026, 1, 2, 'G'], [2026, 3, 4, 'W']]
    """
    needs, roads = sorted_by_id(dig_needs, "dig_needs"), sorted_by_id(streets, "streets")
    ready = _ready(needs, roads, _budgets(dig_budgets), as_of, horizon, prices)
    access = _access(roads, communities, ready.streets)
    plan, year, first = _two_stages(ready, access, effort)
    return _table(needs, ready, plan, year, first)


# --- the problem in numbers --------------------------------------------------------------------------


def _budgets(dig_budgets: pd.DataFrame | None) -> dict[tuple[str, int], float]:
    """Known amounts by operator and year. Raises DataError for a negative one and for two of one year."""
    if dig_budgets is None:
        return {}
    rows = sorted_by_id(dig_budgets, "dig_budgets")
    amount = optional_numbers(rows, "amount_yuan")
    twice = rows.duplicated(["operator", "year"], keep=False)
    findings = [
        Finding(severity="error", code=code, layer="dig_budgets", features=by_key(rows.index[bad]), text=text)
        for code, bad, text in (
            ("negative_budget", amount < 0, Text("预算金额为负，请改正。", "Budgets are negative; mend them.")),
            (
                "repeated_budget",
                twice,
                Text("同一单位同一年度有两行预算，请合并。", "An operator's year has two budgets; keep one row."),
            ),
        )
        if bad.any()
    ]
    if findings:
        raise DataError(findings)
    known = amount.notna()
    keys = zip(rows.loc[known, "operator"].astype(str), rows.loc[known, "year"].astype(int), strict=True)
    return dict(zip(keys, amount[known].tolist(), strict=True))


def _ready(
    needs: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    budgets: Mapping[tuple[str, int], float],
    *rest: Any,
) -> _Ready:
    as_of, horizon, prices = rest
    rows = needs[needs["readiness"].eq("ready") & needs["street_id"].isin(roads.index)]
    years = range(as_of.year + 1, as_of.year + 1 + horizon.dig_years)
    street_names, operator_names = sorted(set(rows["street_id"])), sorted(set(rows["operator"]))
    street = np.searchsorted(street_names, rows["street_id"].tolist()).astype(np.int64) if len(rows) else _NONE
    operator = np.searchsorted(operator_names, rows["operator"].tolist()).astype(np.int64) if len(rows) else _NONE
    length = roads.length.reindex(street_names).to_numpy()
    opening = prices.opening_yuan + prices.opening_metre_yuan * length
    open_yuan = np.repeat(opening, len(years)).reshape(len(street_names), len(years))
    for at, held in zip(street, _held(rows, years), strict=True):
        open_yuan[at] = np.where(held, opening[at] + prices.approval_yuan, open_yuan[at])
    place = _place(rows, years, prices)
    spend = rows["cost_yuan"].to_numpy(dtype=float)
    worst = float(open_yuan.max(initial=0.0)) + float(np.where(np.isfinite(place), place, 0.0).max(initial=0.0))
    money = [[budgets.get((name, year), np.inf) for year in years] for name in operator_names]
    budget = np.array(money, dtype=float).reshape(len(operator_names), len(years))
    problem = DigProblem(
        street=street,
        operator=operator,
        place_yuan=place,
        defer_yuan=worst + _LEFT_OUT_YUAN + spend,
        spend_yuan=spend,
        open_yuan=open_yuan,
        budget_yuan=budget,
        reopen_years=horizon.reopen_years,
    )
    return _Ready(rows, street_names, operator_names, years, problem, np.isfinite(budget))


_NONE: Ints = np.zeros(0, dtype=np.int64)


def _held(rows: pd.DataFrame, years: range) -> list[list[bool]]:
    """For each work the years that need approval, or verification, of its street."""
    approval = optional_column(rows, "approval_years")
    verify = optional_column(rows, "verify_dates").eq(True)
    named = [{int(one) for one in text.split("、")} if isinstance(text, str) else set() for text in approval]
    return [[bool(all_) or year in own for year in years] for all_, own in zip(verify, named, strict=True)]


def _place(rows: pd.DataFrame, years: range, prices: DigPrices) -> Floats:
    """What each work costs the objective in each year; infinite where it has no months."""
    free = [read_months(text) for text in rows["free_months"]]
    allowed = np.array([[year in own for year in years] for own in free], dtype=bool).reshape(len(rows), len(years))
    best = optional_numbers(rows, "best_year").to_numpy()[:, None]
    shift = np.nan_to_num(np.array(years) - best)
    cost = np.where(shift > 0, shift * prices.late_yuan_per_year, -shift * prices.early_yuan_per_year)
    first, last = (optional_numbers(rows, name).to_numpy()[:, None] for name in ("zone_first_year", "zone_last_year"))
    cost = cost + np.where((np.array(years) < first) | (np.array(years) > last), prices.out_of_step_yuan, 0.0)
    cost = cost + rows["duration_months"].to_numpy(dtype=float)[:, None] * prices.closed_yuan_per_month
    return np.where(allowed, cost, np.inf)


# A street this near to a community is taken for one of its access streets.
_ACCESS_M = 15.0


def _access(
    roads: gpd.GeoDataFrame, communities: gpd.GeoDataFrame | None, asked: Sequence[str]
) -> dict[str, list[frozenset[str]]]:
    """For each street in which works are planned, the access streets of each community it gives access to."""
    if communities is None or not len(communities) or not asked:
        return {}
    require_metric(streets=roads, communities=communities)
    used = roads[~optional_column(roads, "class").eq("expressway").to_numpy(dtype=bool)]
    homes = sorted_by_id(communities, "communities")
    home, road = used.sindex.query(homes.geometry, predicate="dwithin", distance=_ACCESS_M)
    names = used.index.to_numpy()
    sets = [frozenset(names[road[home == one]]) for one in np.unique(home)]
    return {street: [own for own in sets if street in own] for street in asked}


# --- two stages --------------------------------------------------------------------------------------


def _two_stages(
    ready: _Ready, access: Mapping[str, Sequence[frozenset[str]]], effort: DigEffort
) -> tuple[DigPlan, Ints, dict[int, int]]:
    """The first plan of years with its bound, the years that have months, and the first month of each work."""
    problem, bound = ready.problem, None
    for _ in range(_MONTH_ROUNDS):
        plan = plan_digs(problem, gap=effort.dig_gap_share, seed=effort.dig_seed, mend_rounds=effort.mend_rounds)
        bound = plan.bound_yuan if bound is None else bound
        first, stuck = place_months(_works(ready, plan.year), access)
        if not stuck:
            break
        place = problem.place_yuan.copy()
        for opening in stuck:
            place[_one_to_move(problem, opening, ready.years), opening.year - ready.years[0]] = np.inf
        problem = replace(problem, place_yuan=place)
    year = plan.year.copy()
    for opening in stuck:
        year[[work.number for work in opening.works]] = DEFERRED
    cost = ready.problem.cost_yuan(year)
    return DigPlan(year, cost, min(bound or 0.0, cost), plan.seed, plan.rounds), year, first


def _works(ready: _Ready, year: Ints) -> list[Work]:
    rows = ready.rows
    depth, months = optional_numbers(rows, "depth_m").to_numpy(), rows["duration_months"].to_numpy(dtype=int)
    free = [read_months(text) for text in rows["free_months"]]
    return [
        Work(
            int(i),
            str(rows["street_id"].iloc[i]),
            ready.years[year[i]],
            None if np.isnan(depth[i]) else float(depth[i]),
            int(months[i]),
            free[i].get(ready.years[year[i]], frozenset()),
        )
        for i in np.flatnonzero(year != DEFERRED)
    ]


def _one_to_move(problem: DigProblem, opening: Opening, years: range) -> int:
    """Of the works that fit in no months of this year, the one that another year costs least."""
    at = opening.year - years[0]
    others = [np.delete(problem.place_yuan[work.number], at).min(initial=np.inf) for work in opening.works]
    return opening.works[int(np.argmin(others))].number


# --- the table ---------------------------------------------------------------------------------------


def _table(needs: pd.DataFrame, ready: _Ready, plan: DigPlan, year: Ints, first: Mapping[int, int]) -> pd.DataFrame:
    kept = ("street_id", "operator", "network", "zone_id", "best_year", "cost_yuan", "duration_months")
    table = pd.DataFrame({name: optional_column(needs, name) for name in kept}, index=needs.index)
    for name in ("best_year", "duration_months"):
        table[name] = optional_numbers(needs, name).round().astype("Int64")
    table["cost_yuan"] = optional_numbers(needs, "cost_yuan")
    table["dig_state"] = needs["readiness"].where(~needs["readiness"].eq("ready"), "left_out")
    for name in ("year", "first_month", "last_month", "late_years"):
        table[name] = pd.array([None] * len(table), dtype="Int64")
    for name in ("shared_with", "approval"):
        table[name] = pd.Series(None, index=table.index, dtype="object")
    table["budget_known"] = pd.array([None] * len(table), dtype="boolean")
    texts = {key: Sentence(Text(*pair)) for key, *pair in _reasons(needs)}
    held = _held(ready.rows, ready.years)
    for number, key in enumerate(ready.rows.index):
        if year[number] == DEFERRED:
            texts[key] = Sentence(_binding(ready, year, number))
            continue
        row = _planned(ready, year, number, first[number], held[number][year[number]])
        for name, value in row.items():
            table.loc[key, name] = value
        texts[key] = Sentence(_said(row))
    for name, value in _of_plan(plan).items():
        table[name] = value
    table.index.name = "need_id"
    return with_sentences(table, "reason", [texts[key] for key in table.index])


def _of_plan(plan: DigPlan) -> dict[str, float | int]:
    return {
        "plan_objective_yuan": plan.objective_yuan,
        "plan_bound_yuan": plan.bound_yuan,
        "plan_gap_share": plan.gap,
        "plan_seed": plan.seed,
    }


def _reasons(needs: pd.DataFrame) -> list[tuple[str, str, str]]:
    texts = [optional_column(needs, f"reason_{lang}").fillna("").tolist() for lang in ("zh", "en")]
    return list(zip(needs.index, *texts, strict=True))


def _planned(ready: _Ready, year: Ints, number: int, start: int, is_held: bool) -> dict[str, Any]:
    problem, row = ready.problem, ready.rows.iloc[number]
    at = year[number]
    together = np.flatnonzero((problem.street == problem.street[number]) & (year == at))
    others = sorted({ready.operators[problem.operator[i]] for i in together if i != number})
    best = row["best_year"]
    verify = bool(optional_column(ready.rows, "verify_dates").eq(True).iloc[number])
    return {
        "dig_state": "planned",
        "year": ready.years[at],
        "first_month": start,
        "last_month": start + int(row["duration_months"]) - 1,
        "late_years": None if pd.isna(best) else ready.years[at] - int(best),
        "shared_with": "、".join(others) or None,
        "approval": ("verify" if verify else "needed") if is_held else "none",
        "budget_known": bool(ready.budget_known[problem.operator[number], at]),
    }


_APPROVAL: Mapping[str, Text] = {
    "needed": Text("须报县级以上政府批准后开挖（第三十三条）", "needs approval at county level or above (Art. 33)"),
    "verify": Text("道路日期待核，核清前不得视为可挖", "dates of the street to be verified before it counts as free"),
}


def _said(row: Mapping[str, Any]) -> Text:
    parts = [
        Text("{y} 年 {a}—{b} 月", "{y}, months {a}-{b}").fill(y=row["year"], a=row["first_month"], b=row["last_month"])
    ]
    if row["shared_with"]:
        parts.append(Text("与 {who} 同次开挖", "in one opening with {who}").fill(who=row["shared_with"]))
    late = row["late_years"]
    if late:
        told = Text("比最佳年度晚 {n} 年", "{n} late") if late > 0 else Text("比最佳年度早 {n} 年", "{n} early")
        parts.append(told.fill(n=abs(late)))
    if row["approval"] in _APPROVAL:
        parts.append(_APPROVAL[row["approval"]])
    if not row["budget_known"]:
        parts.append(Text("当年预算未知，待核", "budget of the year unknown, to be verified"))
    return CLAUSES.join(parts)


def _binding(ready: _Ready, year: Ints, number: int) -> Text:
    """What stands in the way of a work left out, year by year of its window."""
    problem = ready.problem
    left = problem.budget_yuan - problem.spent_yuan(year)
    opened = set(year[(problem.street == problem.street[number]) & (year != DEFERRED)].tolist())
    parts = []
    for at in np.flatnonzero(np.isfinite(problem.place_yuan[number])):
        short = left[problem.operator[number], at] < problem.spend_yuan[number]
        near = any(0 < abs(at - other) < problem.reopen_years for other in opened)
        why = _WHY["budget"] if short else _WHY["reopen"] if near else _WHY["months"]
        parts.append(Text("{year} 年", "{year}: ").fill(year=ready.years[at]) + why)
    return Text("未能排入：", "left out: ") + COMMAS.join(parts)


_WHY: Mapping[str, Text] = {
    "budget": Text("该单位预算余额不足", "what is left of the operator's budget is too little"),
    "reopen": Text("与同路段另一次开挖间隔不足", "too near to another opening of the street"),
    "months": Text(
        "预算和间隔都容得下，但没有可用的连续月份、出入口不能同时封闭，或排程未找到位置",
        "budget and interval would allow it, but no months are left, the other access street is closed, or the "
        "search found no place",
    ),
}
