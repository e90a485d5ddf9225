"""Which zone is built in which year: a work order under yearly budgets (滚动计划)."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_renovation.arrays import Floats
from gis_renovation.errors import ConfigError
from gis_renovation.ids import sorted_by_id, with_ids
from gis_renovation.sentences import with_sentences
from gis_renovation.unknowns import optional_column, optional_numbers
from gis_renovation.words import CLAUSES, WAN, Sentence, Text, shorten_ids, yuan_text
from gis_renovation.zones.solver import YearPlan, YearProblem, pay_early, plan_years

YearPlaces = NDArray[np.int64]


class _Plan(NamedTuple):
    """The years to plan, and for each zone in order what is left to pay, what it is worth, and what is planned."""

    years: list[int]
    left_yuan: Floats
    worth: Floats
    # Year positions, -1 for none: when works begin and end, and what was approved or decided.
    first: YearPlaces
    last: YearPlaces
    approved: YearPlaces
    decided: YearPlaces
    state: list[str]
    started_year: list[int | None]
    money: Floats
    rest: Floats
    is_proven: bool
    budget: Floats
    carry_over: bool
    past: frozenset[int]
    # Of zones dearer than every year: allowed how many years each would be built, and from when to when.
    would_do: Mapping[int, tuple[int, int, int]]


def order_zone_works(  # noqa: PLR0913 - the wishes stand flat, as callers write them
    zones: gpd.GeoDataFrame,
    zone_works: pd.DataFrame | None = None,
    approved_zones: pd.DataFrame | None = None,
    *,
    budgets_yuan: Mapping[str, float] | None = None,
    carry_over: bool = False,
    works_need_weight: float = 0.5,
    works_age_weight: float = 0.5,
    fixed_years: Mapping[str, int] | None = None,
    years_a_zone: int = 1,
    max_nodes: int = 500,
    as_of: datetime.date | None = None,
) -> pd.DataFrame:
    """Which zone is built in which year under yearly budgets (滚动计划).

    What is completed is not planned. Where works go on they keep the year in which they began, and what is left to
    pay is paid first, as early as there is money. Then, in order: most decided years are kept; most approved years
    are kept, so that a cut budget changes as few as possible; as much as possible is built in all, and most of it
    early, measured in households raised by basic needs per household and by age (each by its weight at most). A zone
    is built within one year; one dearer than every year goes over several where ``years_a_zone`` allows, else it says
    so, with the number of years that would do.

    Parameters
    ----------
    zones
        As :func:`describe_zones` gives them. Zones of unknown cost get no year.
    zone_works
        As :func:`trace_zone_works` gives it. None: nothing is known of works; every zone is planned at its whole cost.
    approved_zones
        The approved plan with ``zone_id`` and ``work_year``; zones that continue an approved one have its year.
    budgets_yuan
        Money of each year, ``{"2025": 1.2e7, ..}``. None: no zone gets a year.
    carry_over
        Whether what a year leaves goes to the next.
    works_need_weight, works_age_weight
        How much the neediest and the oldest zone count above their households (0.5: half as much again).
    fixed_years
        Years already decided, ``{"Z-..": 2025}``; kept where the budget allows.
    years_a_zone
        Over how many years, one after the other, a zone dearer than every year may go (1: none does).
    max_nodes
        Work limit of the integer programme.
    as_of
        The day the results speak of: nothing is begun in a year before its own, whose money is not carried over
        either. None: every year of the budgets is still to come.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_schedule``, index ``zone_id``, sorted: ``work_year`` and ``work_end_year`` (null: not planned),
        ``work_rank`` (null: completed), the estimated cost and what is left of it to pay, the money of each year
        (``2026=5000000.00``), what its first year has left, priority, ``is_proven``, and a sentence. No zones, no
        rows.

    Raises
    ------
    ConfigError
        Budgets that are negative or not for years; unknown zones or years in ``fixed_years``; ``years_a_zone`` below
        1.

    Notes
    -----
    An integer programme of zones x years (:mod:`gis_renovation.zones.solver.years`).

    Examples
    --------
    Of two zones only one can be paid; that with more households is.

    >>> import pandas as pd
    >>> zones = pd.DataFrame({"households": [550, 800], "cost_yuan": [8e6, 9e6]}, index=["Z-C1", "Z-C3"])
    >>> schedule = order_zone_works(zones, budgets_yuan={"2026": 1e7, "2027": 5e6})
    >>> schedule["reason_en"].iloc[0]
    'needs 8,000,000 yuan, at most 5,000,000 yuan left in any year; kept in reserve'
    >>> schedule["reason_en"].iloc[1]
    "works in 2026; 1,000,000 yuan of that year's budget left"
    """
    frame = sorted_by_id(zones, "zones")
    budgets = {str(year): float(value) for year, value in (budgets_yuan or {}).items()}
    decided = {str(zone): int(year) for zone, year in (fixed_years or {}).items()}
    faults = [*_budget_faults(budgets), *_year_faults(frame, budgets, decided, years_a_zone)]
    if faults:
        raise ConfigError(*Text.same("\n").join(faults))
    past = frozenset(int(year) for year in budgets if as_of is not None and int(year) < as_of.year)
    years = sorted({int(year) for year in budgets} - past)
    budget = np.array([budgets[str(year)] for year in years])
    worth = _worth(frame, works_need_weight, works_age_weight)
    known = _known_works(frame, zone_works)
    problem = YearProblem(
        cost=np.where(known["works_state"].isin(_UNDER_WAY), np.nan, known["left_yuan"]),
        worth=worth,
        budget=budget,
        decided=_places(years, [decided.get(zone) for zone in frame.index]),
        approved=_places(years, _approved_years(frame, approved_zones)),
        carry_over=carry_over,
        years_a_unit=years_a_zone,
        max_nodes=max_nodes,
    )
    return _schedule(frame, _planned(problem, known, years, past))


# Zones whose year is settled: they are not chosen.
_UNDER_WAY = ("started", "completed")


def _known_works(frame: pd.DataFrame, zone_works: pd.DataFrame | None) -> pd.DataFrame:
    """State, year of beginning and money left of each zone; where nothing is known of works, the whole cost."""
    works = None if zone_works is None else with_ids(zone_works, "zone_works").reindex(frame.index)
    cost = optional_numbers(frame, "cost_yuan")
    if works is None:
        return pd.DataFrame({"works_state": "unknown", "started_year": pd.NA, "left_yuan": cost}, index=frame.index)
    absent = works["works_state"].isna()
    return pd.DataFrame(
        {
            "works_state": works["works_state"].fillna("unknown"),
            "started_year": works["started_year"],
            "left_yuan": works["left_yuan"].astype("float64").where(~absent, cost),
        }
    )


def _approved_years(frame: pd.DataFrame, approved_zones: pd.DataFrame | None) -> list[int | None]:
    """The approved year of each zone: of the approved zone that it continues, or else of that by its own id."""
    if approved_zones is None or "work_year" not in approved_zones:
        return [None] * len(frame)
    told = approved_zones.dropna(subset=["zone_id", "work_year"])
    by_zone = {str(zone): int(years.min()) for zone, years in told.groupby("zone_id")["work_year"]}
    continued = optional_column(frame, "continues_zone_id").fillna("").astype(str)
    return [by_zone.get(before or str(zone)) for zone, before in continued.items()]


def _places(years: Sequence[int], asked: Sequence[int | None]) -> YearPlaces:
    """Positions of years; -1 for none and for those that are not planned any more."""
    return np.array([years.index(year) if year in years else -1 for year in asked], dtype=np.int64)


def _planned(problem: YearProblem, known: pd.DataFrame, years: list[int], past: frozenset[int]) -> _Plan:
    """Works that go on are paid first; what is left of each year is planned."""
    going = known["works_state"].eq("started").to_numpy()
    left_yuan = known["left_yuan"].to_numpy(dtype="float64", na_value=np.nan)
    first_come = np.lexsort((np.arange(len(known)), -problem.worth))
    money = np.zeros((len(known), len(years)))
    due = np.where(going, left_yuan, 0.0)[first_come]
    money[first_come] = pay_early(due, problem.budget, carry_over=problem.carry_over)
    rest = problem.budget - money.sum(axis=0)
    free = replace(problem, budget=rest, approved=np.where(problem.decided >= 0, -1, problem.approved))
    plan = plan_years(free)
    spare = rest - plan.money.sum(axis=0)
    return _Plan(
        years=years,
        left_yuan=left_yuan,
        worth=problem.worth,
        first=plan.first,
        last=plan.last,
        approved=problem.approved,
        decided=problem.decided,
        state=known["works_state"].tolist(),
        started_year=[None if pd.isna(year) else int(year) for year in known["started_year"]],
        money=money + plan.money,
        rest=_spare(spare, carry_over=problem.carry_over),
        is_proven=plan.is_proven,
        budget=problem.budget,
        carry_over=problem.carry_over,
        past=past,
        would_do=_would_do(free, plan),
    )


def _would_do(problem: YearProblem, plan: YearPlan) -> dict[int, tuple[int, int, int]]:
    """Zones dearer than every year that more years a zone would place: solved again, so that the remedy is proved."""
    dear = problem.cost > problem.budget.max(initial=0.0) + _CENT
    waiting = {int(row) for row in np.flatnonzero(dear & (plan.first < 0))}
    found: dict[int, tuple[int, int, int]] = {}
    for allowed in range(problem.years_a_unit + 1, len(problem.budget) + 1):
        if problem.carry_over or not waiting:
            break
        other = plan_years(replace(problem, years_a_unit=allowed))
        placed = {row for row in waiting if other.first[row] >= 0}
        found |= {row: (allowed, int(other.first[row]), int(other.last[row])) for row in sorted(placed)}
        waiting -= placed
    return found


def _spare(rest: Floats, *, carry_over: bool) -> Floats:
    """What could still be spent in each year: with money carried over, no more than any later year can miss."""
    if not carry_over:
        return rest
    return np.minimum.accumulate(np.cumsum(rest)[::-1])[::-1]


def _budget_faults(budgets: Mapping[str, float]) -> Iterator[Text]:
    for key, value in budgets.items():
        if not key.isdigit() or len(key) != 4:
            yield Text(f"budgets_yuan 的键应为年份，实为 {key}。", f"budgets_yuan: {key} is not a year.")
        if not math.isfinite(value) or value < 0:
            yield Text(f"{key} 年预算应为非负数，实为 {value}。", f"The budget of {key} must not be negative.")


def _year_faults(
    zones: pd.DataFrame, budgets: Mapping[str, float], decided: Mapping[str, int], years_a_zone: int
) -> Iterator[Text]:
    strange = sorted(set(decided) - set(zones.index))
    if strange:
        yield Text(
            f"fixed_years 中的片区不存在：{shorten_ids(strange, 'zh')}。",
            f"fixed_years names zones that do not exist: {shorten_ids(strange, 'en')}.",
        )
    late = sorted({str(year) for year in decided.values() if str(year) not in budgets})
    if late:
        yield Text(
            f"fixed_years 的年份 {'、'.join(late)} 没有预算。",
            f"fixed_years names years without a budget: {', '.join(late)}.",
        )
    if years_a_zone < 1:
        yield Text(
            f"years_a_zone 应不小于 1，实为 {years_a_zone}。", f"years_a_zone must be at least 1, found {years_a_zone}."
        )


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


def _schedule(frame: pd.DataFrame, plan: _Plan) -> pd.DataFrame:
    """Columns of the work order: years, money, what the year has left, and a sentence for each zone."""
    rows = range(len(frame))
    begins = [_first_year(plan, row) for row in rows]
    sequence = np.lexsort((-plan.worth, np.array([math.inf if year is None else year for year in begins])))
    ordered = [row for row in sequence if plan.state[row] != "completed"]
    ranks = {row: number for number, row in enumerate(ordered, start=1)}
    known = [None if year not in plan.years else plan.years.index(year) for year in begins]
    table = pd.DataFrame(
        {
            "work_year": pd.array(begins, dtype="Int64"),
            "work_end_year": pd.array([_last_year(plan, row) for row in rows], dtype="Int64"),
            "work_status": pd.array([_status(plan, row) for row in rows], dtype="str"),
            "work_rank": pd.array([ranks.get(row) for row in rows], dtype="Int64"),
            "cost_yuan": optional_numbers(frame, "cost_yuan"),
            "left_yuan": np.where([state == "completed" for state in plan.state], 0.0, plan.left_yuan),
            "year_money": pd.array([_money_text(plan, row) for row in rows], dtype="str"),
            "year_left_yuan": [np.nan if place is None else plan.rest[place] for place in known],
            "approved_year": pd.array([plan.years[at] if at >= 0 else None for at in plan.approved], dtype="Int64"),
            "priority": plan.worth,
            "is_proven": pd.array([plan.is_proven] * len(frame), dtype="boolean"),
        },
        index=pd.Index(frame.index, dtype="str", name="zone_id"),
    )
    return with_sentences(table, "reason", [_reason(plan, row) for row in rows])


def money_by_year(year_money: str | None) -> dict[int, float]:
    """Yuan by year from a cell of ``year_money``."""
    if not isinstance(year_money, str):
        return {}
    return {int(year): float(amount) for year, _, amount in (part.partition("=") for part in year_money.split("; "))}


def _money_text(plan: _Plan, row: int) -> str | None:
    spent = {year: amount for year, amount in zip(plan.years, plan.money[row], strict=True) if amount > 0}
    return "; ".join(f"{year}={amount:.2f}" for year, amount in spent.items()) or None


def _first_year(plan: _Plan, row: int) -> int | None:
    """The year in which works begin or began; works that go on keep theirs."""
    if plan.state[row] == "completed":
        return None
    if plan.state[row] == "started":
        return plan.started_year[row]
    return plan.years[plan.first[row]] if plan.first[row] >= 0 else None


def _last_year(plan: _Plan, row: int) -> int | None:
    """The year in which the last money is spent; unknown where some of it is not found or not known."""
    if plan.state[row] == "started":
        paid = np.flatnonzero(plan.money[row])
        return plan.years[paid[-1]] if len(paid) and _short(plan, row) == 0 else None
    return plan.years[plan.last[row]] if plan.last[row] >= 0 else None


def _short(plan: _Plan, row: int) -> float:
    """What works that go on still lack beyond all years' budgets."""
    lacking = float(plan.left_yuan[row] - plan.money[row].sum())
    return lacking if not lacking <= _CENT else 0.0


_CENT = 0.005


def _status(plan: _Plan, row: int) -> str:
    """Whether a zone has a year, goes on, is done, waits for money, or cannot be placed for want of knowledge."""
    if plan.state[row] in _UNDER_WAY:
        return plan.state[row]
    if plan.first[row] >= 0:
        return "scheduled"
    if not np.isfinite(plan.left_yuan[row]):
        return "cost_unknown"
    return "reserve" if plan.years else "no_budget"


def _reason(plan: _Plan, row: int) -> Sentence:
    status = _status(plan, row)
    if status == "completed":
        return Sentence.of("已完工，不再排期", "completed, so not planned")
    if status == "started":
        return _going_on(plan, row)
    if status == "scheduled":
        return Sentence.joined(CLAUSES, [*_kept(plan, row), _built(plan, row)])
    if status == "cost_unknown":
        return Sentence.of("估算投资未知，暂不能排入年度计划", "estimated cost unknown, so no year can be given")
    if status == "no_budget":
        return _no_budget(plan)
    return Sentence.joined(CLAUSES, [*_kept(plan, row), _reserve(plan, row)])


def _no_budget(plan: _Plan) -> Sentence:
    if plan.past:
        last = max(plan.past)
        return Sentence.of(
            f"年度预算只到 {last} 年，已过，未排入年度计划",
            f"the budgets end in {last}, which is over; no year is given",
        )
    return Sentence.of("未设年度预算，未排入年度计划", "no yearly budgets are set, so no year is given")


def _going_on(plan: _Plan, row: int) -> Sentence:
    """Works that go on: since when, what is left, from which years' money, and what no year has."""
    year = plan.started_year[row]
    parts: list[Sentence | Text] = [
        Text("施工中，年度不变", "works go on, their year stays")
        if year is None
        else Text(f"进度记录显示 {year} 年已施工，年度不变", f"on record as begun by {year}; the year stays")
    ]
    left, short = plan.left_yuan[row], _short(plan, row)
    if not np.isfinite(left):
        parts.append(Text("尚需资金未知，没有预留", "what is left to pay is unknown, and no money is kept for it"))
    elif left <= 0:
        parts.append(Text("按已支付数无需再安排资金", "by what has been paid no more money is needed"))
    elif not plan.years:
        parts.append(_wan("尚需 {n} 万元，没有可用的年度预算", "{n} to go, no yearly budget is at hand", left))
    else:
        parts.append(_wan("尚需 {n} 万元", "{n} to go", left))
        parts += _by_year(plan, row)
        if short > 0:
            parts.append(_wan("各年预算用尽后仍缺 {n} 万元", "{n} more than all budgets have", short))
    return Sentence.joined(CLAUSES, parts)


def _by_year(plan: _Plan, row: int) -> list[Sentence]:
    """How much of which year's money a zone takes."""
    spent = [(year, float(amount)) for year, amount in zip(plan.years, plan.money[row], strict=True) if amount > 0]
    if not spent:
        return []
    zh = "、".join(f"{year} 年安排 {amount / WAN:,.2f} 万元" for year, amount in spent)
    en = ", ".join(f"{yuan_text(amount)} in {year}" for year, amount in spent)
    return [Sentence.of(zh, en, money_yuan=[amount for _, amount in spent])]


def _kept(plan: _Plan, row: int) -> list[Text]:
    """What became of an approved year: kept, or changed as one of the fewest that had to."""
    approved, first = plan.approved[row], plan.first[row]
    if approved < 0:
        return []
    year = plan.years[approved]
    if first == approved:
        return [Text(f"批准的年度 {year} 不变", f"the approved year {year} stays")]
    if plan.decided[row] >= 0 or not plan.is_proven:
        return [Text(f"原批准 {year} 年", f"approved for {year}")]
    return [Text(f"原批准 {year} 年，改动的片区已最少", f"approved for {year}; no plan changes fewer years")]


def _built(plan: _Plan, row: int) -> Sentence:
    first, last = plan.first[row], plan.last[row]
    if last > first:
        told = Sentence.of(
            f"高于各年可用预算，分 {plan.years[first]}—{plan.years[last]} 年实施",
            f"dearer than what any one year has; works from {plan.years[first]} to {plan.years[last]}",
        )
        return Sentence.joined(COLONS, [told, *_by_year(plan, row)])
    year, rest = plan.years[first], float(plan.rest[first])
    if plan.carry_over:
        return Sentence.of(
            f"列入 {year} 年，至当年末预算还可用 {rest / WAN:,.2f} 万元",
            f"works in {year}; {yuan_text(rest)} still free by the end of it",
            money_yuan=[rest],
        )
    return Sentence.of(
        f"列入 {year} 年，当年预算余 {rest / WAN:,.2f} 万元",
        f"works in {year}; {yuan_text(rest)} of that year's budget left",
        money_yuan=[rest],
    )


def _reserve(plan: _Plan, row: int) -> Sentence:
    """Why a zone waits: no year has its money, its decided year has not, or the plan is not proven to be the best."""
    need, decided = float(plan.left_yuan[row]), plan.decided[row]
    most = float(plan.rest[decided]) if decided >= 0 else float(plan.rest.max(initial=0.0))
    if need <= most + _CENT:
        return Sentence.of(
            f"需 {need / WAN:,.2f} 万元，列入储备；年度安排未证明最优",
            f"needs {yuan_text(need)}; kept in reserve, the plan is not proven best",
            money_yuan=[need],
        )
    if decided >= 0:
        year = plan.years[decided]
        return Sentence.of(
            f"已定 {year} 年，需 {need / WAN:,.2f} 万元，当年预算余 {most / WAN:,.2f} 万元，列入储备",
            f"decided for {year}; needs {yuan_text(need)}, {yuan_text(most)} left in it; kept in reserve",
            money_yuan=[need, most],
        )
    waits = Sentence.of(
        f"需 {need / WAN:,.2f} 万元，各年预算余额最多 {most / WAN:,.2f} 万元，列入储备",
        f"needs {yuan_text(need)}, at most {yuan_text(most)} left in any year; kept in reserve",
        money_yuan=[need, most],
    )
    return Sentence.joined(CLAUSES, [waits, *_too_dear(plan, row)])


def _too_dear(plan: _Plan, row: int) -> list[Text]:
    """That a zone is dearer than every year's whole budget, and over how many years it would go."""
    dearest = float(plan.budget.sum() if plan.carry_over else plan.budget.max(initial=0.0))
    if len(plan.years) < 2 or plan.left_yuan[row] <= dearest + _CENT:
        return []
    one = Text("高于任何一年的预算（{limit} 万元）", "more than any year's whole budget ({limit})")
    every = Text("高于全部年度预算合计（{limit} 万元）", "more than all budgets together ({limit})")
    told = [(every if plan.carry_over else one).fill(limit=f"{dearest / WAN:,.2f}")]
    if row in plan.would_do:
        allowed, first, last = plan.would_do[row]
        remedy = Text(
            "若允许分 {n} 年实施（years_a_zone = {n}），可排入 {first}—{last} 年",
            "allowed {n} years (years_a_zone = {n}) it is built from {first} to {last}",
        )
        told.append(remedy.fill(n=allowed, first=plan.years[first], last=plan.years[last]))
    return told


def _wan(zh: str, en: str, amount_yuan: float) -> Sentence:
    amount = Text(f"{amount_yuan / WAN:,.2f}", yuan_text(amount_yuan))
    return Sentence.of(zh, en, n=amount, money_yuan=[amount_yuan])


COLONS = Text("：", ": ")
