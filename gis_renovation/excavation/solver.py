"""In which year each work is done, so that streets are opened seldom and no budget is overdrawn: numbers alone.

Works that share a street and a year share its opening. Budgets (per operator and year) are the only rows that tie
streets together, so they are priced (Lagrange): each street then picks its best set of years in closed form, and the
sum is a bound that no plan can beat. The plan is built under those prices and mended by whole numbers (HiGHS) on the
streets in which it loses most against the bound.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from gis_renovation.arrays import Floats, Ints

DEFERRED: Final = -1
# Sets of years are bits of a number: beyond this many years they are too many to try all.
MOST_YEARS: Final = 10
# Up to this many choices (work and year) the whole problem goes to HiGHS, and its proof is the bound.
_WHOLE_CHOICES: Final = 1_500
_WHOLE_NODES: Final = 50_000
_ROUND_NODES: Final = 10
# What whole numbers may lose in a round: a fifth of what the plan is asked to prove.
_ROUND_SHARE: Final = 0.2
# Money is equal within this share: sums of floats.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, kw_only=True)
class DigProblem:
    """Works of operators in streets over some years; n works, s streets, u operators, t years.

    ``street`` and ``operator`` (n) are positions. ``place_yuan`` (n, t) is what a work costs the objective in a
    year, infinite where it may not be done; ``defer_yuan`` (n) what it costs to leave it out. ``spend_yuan`` (n) is
    taken from ``budget_yuan`` (u, t), infinite where nothing limits. ``open_yuan`` (s, t) is the price of opening
    a street in a year, infinite where it may not be; two openings of a street lie ``reopen_years`` or more apart.
    """

    street: Ints
    operator: Ints
    place_yuan: Floats
    defer_yuan: Floats
    spend_yuan: Floats
    open_yuan: Floats
    budget_yuan: Floats
    reopen_years: int = 1

    @property
    def years(self) -> int:
        """How many years there are."""
        return int(self.place_yuan.shape[1])

    def cost_yuan(self, year: Ints) -> float:
        """The objective of a plan: what is placed, what is left out, what is opened. O(n)."""
        placed = np.flatnonzero(year != DEFERRED)
        opened = np.unique(self.street[placed] * self.years + year[placed])
        return float(
            self.place_yuan[placed, year[placed]].sum()
            + self.defer_yuan[year == DEFERRED].sum()
            + self.open_yuan.ravel()[opened].sum()
        )

    def spent_yuan(self, year: Ints) -> Floats:
        """What a plan takes from each operator's budget of each year, (u, t)."""
        spent = np.zeros(self.budget_yuan.shape)
        placed = np.flatnonzero(year != DEFERRED)
        np.add.at(spent, (self.operator[placed], year[placed]), self.spend_yuan[placed])
        return spent

    def faults(self, year: Ints) -> list[str]:
        """Which constraints a plan breaks, in words for a test; none if it keeps all."""
        placed = np.flatnonzero(year != DEFERRED)
        told = [f"work {i} year {year[i]}" for i in placed if not np.isfinite(self.place_yuan[i, year[i]])]
        over = self.spent_yuan(year) > self.budget_yuan * (1 + _ROUNDING) + _ROUNDING
        told += [f"budget of {u} in {t}" for u, t in np.argwhere(over)]
        opened = np.unique(np.column_stack([self.street[placed], year[placed]]), axis=0)
        told += [f"street {s} opened in {t}" for s, t in opened if not np.isfinite(self.open_yuan[s, t])]
        near = (np.diff(opened[:, 0]) == 0) & (np.diff(opened[:, 1]) < self.reopen_years)
        return told + [f"street {s} opened again in {t}" for s, t in opened[1:][near]]


class DigPlan(NamedTuple):
    """The year of each work (position, or ``DEFERRED``), what it costs, and what no plan can cost less than."""

    year: Ints
    objective_yuan: float
    bound_yuan: float
    seed: int
    rounds: int

    @property
    def gap(self) -> float:
        """How far the plan may be from the best one, as a share of its cost."""
        if self.objective_yuan <= 0:
            return 0.0
        return max(0.0, (self.objective_yuan - self.bound_yuan) / self.objective_yuan)


def plan_digs(
    problem: DigProblem, *, gap: float = 0.001, seed: int = 0, price_rounds: int = 250, mend_rounds: int = 6
) -> DigPlan:
    """The cheapest plan found, with its bound; effort is counted in rounds, never in seconds.

    Small problems are solved whole. Larger ones stop as soon as ``gap`` is proven, or after ``mend_rounds``: the
    plan then says by how much it may miss. The same problem and seed give the same plan. O(rounds · n · 2^t), and
    HiGHS on some hundred streets a round. Raises ValueError beyond ``MOST_YEARS`` years or for a negative budget.
    """
    if problem.years > MOST_YEARS:
        raise ValueError(f"{problem.years} years; at most {MOST_YEARS}")
    if np.isnan(problem.budget_yuan).any() or (problem.budget_yuan < 0).any():
        raise ValueError("a budget is negative or not a number")
    count = len(problem.street)
    if count == 0:
        return DigPlan(np.zeros(0, dtype=np.int64), 0.0, 0.0, seed, 0)
    start = np.full(count, DEFERRED, dtype=np.int64)
    every = np.ones(problem.open_yuan.shape[0], dtype=bool)
    if np.isfinite(problem.place_yuan).sum() <= _WHOLE_CHOICES:
        found, bound = _mended(problem, start, every, share=0.0, nodes=_WHOLE_NODES)
        return DigPlan(found, problem.cost_yuan(found), bound, seed, 1)
    return _by_prices(problem, gap, seed, price_rounds, mend_rounds)


# --- whole numbers on some streets -----------------------------------------------------------------


class DigModel(NamedTuple):
    """A part of the problem as whole numbers: choices of works and years, then openings of streets and years."""

    work: Ints
    year: Ints
    opening_street: Ints
    opening_year: Ints
    objective: Floats
    constraints: list[LinearConstraint]
    rest_yuan: float


def _mended(
    problem: DigProblem, plan: Ints, free: NDArray[np.bool_], *, share: float, nodes: int
) -> tuple[Ints, float]:
    """The plan with the ``free`` streets done anew, and the least such a plan can cost; never worse than it was."""
    model = model_of(problem, plan, free)
    if len(model.work) == 0:
        return plan, problem.cost_yuan(plan)
    solved = milp(
        model.objective,
        integrality=np.ones(len(model.objective)),
        bounds=Bounds(0, 1),
        constraints=model.constraints,
        options={"mip_rel_gap": share, "node_limit": nodes, "presolve": True},
    )
    bound = model.rest_yuan + (float(solved.mip_dual_bound) if solved.mip_dual_bound is not None else -np.inf)
    if solved.x is None:
        return plan, bound
    chosen = np.flatnonzero(solved.x[: len(model.work)] > 0.5)
    new = np.where(free[problem.street], DEFERRED, plan)
    new[model.work[chosen]] = model.year[chosen]
    worse = bool(problem.faults(new)) or problem.cost_yuan(new) >= problem.cost_yuan(plan)
    kept = plan if worse and not problem.faults(plan) else new
    return kept, min(bound, problem.cost_yuan(kept))


def model_of(problem: DigProblem, plan: Ints, free: NDArray[np.bool_]) -> DigModel:
    """The ``free`` streets (by position) as whole numbers, the others as in ``plan``. O(n · t)."""
    years = problem.years
    mine = free[problem.street]
    possible = np.isfinite(problem.place_yuan) & np.isfinite(problem.open_yuan[problem.street])
    # A work that costs no less than to leave it out is left out: such a choice never helps.
    possible &= problem.place_yuan < problem.defer_yuan[:, None]
    work, year = np.nonzero(possible & mine[:, None])
    cells, opening = np.unique(problem.street[work] * years + year, return_inverse=True)
    opening_street, opening_year = cells // years, cells % years
    gain = problem.place_yuan[work, year] - problem.defer_yuan[work]
    objective = np.concatenate([gain, problem.open_yuan[opening_street, opening_year]])
    rest = np.where(mine, DEFERRED, plan)
    left = np.maximum(problem.budget_yuan - problem.spent_yuan(rest), 0.0)
    rows = _rows(problem, (work, year, opening), (opening_street, opening_year), left)
    return DigModel(work, year, opening_street, opening_year, objective, rows, problem.cost_yuan(rest))


def _rows(
    problem: DigProblem, choices: tuple[Ints, Ints, Ints], openings: tuple[Ints, Ints], left: Floats
) -> list[LinearConstraint]:
    """Each work once; only in an open street; no budget overdrawn; no street opened again too soon."""
    work, year, opening = choices
    count, opened = len(work), len(openings[0])
    number = np.arange(count)
    width = count + opened
    _, once = np.unique(work, return_inverse=True)
    per_work = sparse.csr_array((np.ones(count), (once, number)), shape=(once.max() + 1 if count else 0, width))
    pair = np.concatenate([number, number])
    columns = np.concatenate([number, count + opening])
    signs = np.concatenate([np.ones(count), -np.ones(count)])
    in_open = sparse.csr_array((signs, (pair, columns)), shape=(count, width))
    built = [LinearConstraint(per_work, -np.inf, 1.0), LinearConstraint(in_open, -np.inf, 0.0)]
    purse = problem.operator[work] * problem.years + year
    limited = np.isfinite(left.ravel()[purse])
    if limited.any():
        named, row = np.unique(purse[limited], return_inverse=True)
        # In units of the largest spending, which keeps numbers near one.
        unit = max(float(problem.spend_yuan[work].max()), 1.0)
        spent = (problem.spend_yuan[work[limited]] / unit, (row, number[limited]))
        money = sparse.csr_array(spent, shape=(len(named), width))
        built.append(LinearConstraint(money, -np.inf, left.ravel()[named] / unit))
    apart = _apart(problem, openings, count, width)
    return built if apart is None else [*built, apart]


def _apart(problem: DigProblem, openings: tuple[Ints, Ints], offset: int, width: int) -> LinearConstraint | None:
    """At most one opening of a street in any ``reopen_years`` years that follow one another."""
    if problem.reopen_years < 2:
        return None
    street, year = openings
    rows, columns, row = [], [], 0
    for first in range(problem.years):
        inside = np.flatnonzero((year >= first) & (year < first + problem.reopen_years))
        named, at = np.unique(street[inside], return_inverse=True)
        rows.append(row + at)
        columns.append(offset + inside)
        row += len(named)
    at_rows, at_columns = np.concatenate(rows), np.concatenate(columns)
    matrix = sparse.csr_array((np.ones(len(at_rows)), (at_rows, at_columns)), shape=(row, width))
    return LinearConstraint(matrix, -np.inf, 1.0)


# --- prices on the budgets ---------------------------------------------------------------------------


class _Streets:
    """The works in order of their streets, and every set of years in which a street may be opened."""

    def __init__(self, problem: DigProblem) -> None:
        self.problem = problem
        self.order = np.argsort(problem.street, kind="stable")
        self.street = problem.street[self.order]
        self.named, self.first = np.unique(self.street, return_index=True)
        self.ends = np.array([*self.first[1:], len(self.street)])
        self.sets = [bits for bits in range(2**problem.years) if self._is_apart(bits)]
        opened = np.zeros((len(self.named), 2**problem.years))
        for bits in range(1, 2**problem.years):
            low = (bits & -bits).bit_length() - 1
            opened[:, bits] = opened[:, bits & (bits - 1)] + problem.open_yuan[self.named, low]
        self.open_yuan = opened[:, self.sets]
        place = problem.place_yuan[self.order]
        self.place_yuan = place
        self.defer_yuan = problem.defer_yuan[self.order]
        self.spend_yuan = problem.spend_yuan[self.order]
        self.operator = problem.operator[self.order]

    def _is_apart(self, bits: int) -> bool:
        own = [year for year in range(self.problem.years) if bits >> year & 1]
        return all(later - year >= self.problem.reopen_years for year, later in itertools.pairwise(own))

    def best(self, prices: Floats) -> tuple[Floats, Ints]:
        """The cost of every street by set of years under prices, (streets, sets), and the best set of each."""
        priced = self.place_yuan + prices[self.operator] * self.spend_yuan[:, None]
        least: dict[int, Floats] = {0: self.defer_yuan}
        cost = np.empty(self.open_yuan.shape)
        for column, bits in enumerate(self.sets):
            if bits:
                low = (bits & -bits).bit_length() - 1
                least[bits] = np.minimum(least[bits & (bits - 1)], priced[:, low])
            cost[:, column] = np.add.reduceat(least[bits], self.first)
        cost += self.open_yuan
        return cost, cost.argmin(axis=1)

    def years_of(self, prices: Floats, chosen: Ints) -> Ints:
        """The year of each work (in its own order) when every street takes its chosen set of years."""
        priced = self.place_yuan + prices[self.operator] * self.spend_yuan[:, None]
        open_ = np.array([[bits >> t & 1 for t in range(self.problem.years)] for bits in self.sets], dtype=bool)
        position = np.repeat(np.arange(len(self.named)), np.diff([*self.first, len(self.street)]))
        priced = np.where(open_[chosen][position], priced, np.inf)
        at = priced.argmin(axis=1)
        found = np.where(priced[np.arange(len(at)), at] < self.defer_yuan, at, DEFERRED)
        years = np.empty(len(found), dtype=np.int64)
        years[self.order] = found
        return years


def _by_prices(problem: DigProblem, gap: float, seed: int, price_rounds: int, mend_rounds: int) -> DigPlan:
    streets = _Streets(problem)
    prices, bound, plan = _prices(streets, gap, price_rounds)
    cost = problem.cost_yuan(plan)
    chance = np.random.default_rng(seed)
    rounds, size = 0, 40
    while rounds < mend_rounds and cost - bound > gap * cost:
        free = _worth_mending(streets, prices, plan, size, chance)
        plan, _ = _mended(problem, plan, free, share=gap * _ROUND_SHARE, nodes=_ROUND_NODES)
        better = problem.cost_yuan(plan)
        size = size if better < cost else min(size * 3 // 2, 120)
        cost, rounds = better, rounds + 1
    return DigPlan(plan, cost, min(bound, cost), seed, rounds)


def _prices(streets: _Streets, gap: float, rounds: int) -> tuple[Floats, float, Ints]:
    """The best prices found, their bound, and the plan built under them."""
    problem = streets.problem
    limited = np.isfinite(problem.budget_yuan)
    budget = np.where(limited, problem.budget_yuan, 0.0)
    prices = np.zeros(problem.budget_yuan.shape)
    best, bound = prices, -np.inf
    plan = _built(streets, prices)
    cost, step, still = problem.cost_yuan(plan), 1.0, 0
    for number in range(rounds):
        by_set, chosen = streets.best(prices)
        value = float(by_set.min(axis=1).sum() - (prices * budget).sum())
        if value > bound + 1e-7 * abs(cost):
            best, bound, still = prices, value, 0
        else:
            still += 1
            if still == 8:
                step, still = step / 2, 0
        if number % 50 == 49:
            found = _built(streets, best)
            if problem.cost_yuan(found) < cost:
                plan, cost = found, problem.cost_yuan(found)
            if cost - bound <= gap * cost:
                break
        over = np.where(limited, problem.spent_yuan(streets.years_of(prices, chosen)) - budget, 0.0)
        over = np.where((prices <= 0) & (over < 0), 0.0, over)
        size = float((over**2).sum())
        if size == 0 or step < 1e-4:
            break
        prices = np.maximum(prices + step * (cost - value) / size * over, 0.0)
    found = _built(streets, best)
    return best, bound, found if problem.cost_yuan(found) < cost else plan


def _built(streets: _Streets, prices: Floats) -> Ints:
    """A plan that keeps every budget: street after street takes what is best at the prices and left in the purses.

    Streets in which leaving a work out would cost most for their money come first.
    """
    problem = streets.problem
    left = problem.budget_yuan.copy()
    years = np.full(len(problem.street), DEFERRED, dtype=np.int64)
    worth = np.add.reduceat(streets.defer_yuan, streets.first) / np.maximum(
        np.add.reduceat(streets.spend_yuan, streets.first), 1.0
    )
    members = np.array([[bits >> t & 1 for t in range(problem.years)] for bits in streets.sets], dtype=bool)
    for position in np.argsort(-worth, kind="stable"):
        own = slice(streets.first[position], streets.ends[position])
        found = _street_years(streets, prices, left, position, members)
        years[streets.order[own]] = found
        done = np.flatnonzero(found != DEFERRED)
        np.subtract.at(left, (streets.operator[own][done], found[done]), streets.spend_yuan[own][done])
    return years


def _street_years(streets: _Streets, prices: Floats, left: Floats, position: int, members: NDArray[np.bool_]) -> Ints:
    """The best years of one street's works with the money that is left; what does not fit any more is left out."""
    own, open_yuan = slice(streets.first[position], streets.ends[position]), streets.open_yuan[position]
    operator, spend, defer = streets.operator[own], streets.spend_yuan[own], streets.defer_yuan[own]
    fits = spend[:, None] <= left[operator]
    priced = np.where(fits, streets.place_yuan[own] + prices[operator] * spend[:, None], np.inf)
    by_set = np.where(members[:, None, :], priced[None], np.inf)
    least = by_set.min(axis=2)
    chosen = int((np.minimum(least, defer).sum(axis=1) + open_yuan).argmin())
    at = by_set[chosen].argmin(axis=1)
    found = np.where(least[chosen] < defer, at, DEFERRED)
    purse = left.copy()
    for work in np.flatnonzero(found != DEFERRED):
        key = operator[work], found[work]
        if spend[work] > purse[key]:
            found[work] = DEFERRED
        else:
            purse[key] -= spend[work]
    return found


def _worth_mending(
    streets: _Streets, prices: Floats, plan: Ints, size: int, chance: np.random.Generator
) -> NDArray[np.bool_]:
    """Streets in which the plan loses most against the bound, and those that can change at little cost."""
    problem = streets.problem
    by_set, _ = streets.best(prices)
    least = by_set.min(axis=1)
    now = plan[streets.order]
    placed = now != DEFERRED
    priced = streets.place_yuan + prices[streets.operator] * streets.spend_yuan[:, None]
    paid = np.where(placed, priced[np.arange(len(now)), np.where(placed, now, 0)], streets.defer_yuan)
    paid_street = np.add.reduceat(paid, streets.first)
    opened = np.unique(streets.street[placed] * problem.years + now[placed])
    position = np.searchsorted(streets.named, opened // problem.years)
    np.add.at(paid_street, position, problem.open_yuan.ravel()[opened])
    loses = paid_street - least
    second = np.partition(by_set, 1, axis=1)[:, 1] - least if by_set.shape[1] > 1 else np.full(len(least), np.inf)
    shaken = second * chance.uniform(0.2, 1.8, len(second))
    chosen = np.zeros(len(least), dtype=bool)
    chosen[np.argsort(-loses, kind="stable")[: size // 2]] = True
    rest = np.flatnonzero(~chosen)
    chosen[rest[np.argsort(shaken[rest], kind="stable")[: size - int(chosen.sum())]]] = True
    free = np.zeros(problem.open_yuan.shape[0], dtype=bool)
    free[streets.named[chosen]] = True
    return free
