"""Which units of work are built in which years under yearly money: an integer programme, and the money by year.

Numbers alone: units are rows, years are columns, money is in one unit throughout. In order: most decided years kept,
most approved years kept (a changed budget changes as few years as possible), most worth built, most of it early.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from gis_renovation.arrays import Floats

Years = NDArray[np.int64]
# Works over several years go on in each of them: at least this share of their money is spent in any.
LEAST_SHARE = 0.05
# Amounts are checked to the cent: those of the programme are whole numbers of them in floating point.
_CENT = 0.005
_SCALE = 1e4


@dataclass(frozen=True, kw_only=True)
class YearProblem:
    """Units with cost (NaN: unknown, never built) and worth (whole numbers, positive) beside the years' money.

    ``decided`` and ``approved`` are the year of each unit, -1 for none; a decided one is built in that year or not
    at all. Units dearer than every year are built over up to ``years_a_unit`` years.
    """

    cost: Floats
    worth: Floats
    budget: Floats
    decided: Years
    approved: Years
    carry_over: bool
    years_a_unit: int
    max_nodes: int


class YearPlan(NamedTuple):
    """First and last year of each unit (-1: not built), its money by year, and whether the plan is proven best."""

    first: Years
    last: Years
    money: Floats
    is_proven: bool


class _Choice(NamedTuple):
    """One way to build a unit."""

    unit: int
    first: int
    last: int


def pay_early(amounts: Floats, budget: Floats, *, carry_over: bool) -> Floats:
    """Money of units in their order, each as early as there is any: units by years. What finds none stays unpaid."""
    left, money = budget.astype(float), np.zeros((len(amounts), len(budget)))
    saved = 0.0
    waiting = np.nan_to_num(amounts).astype(float)
    for year in range(len(budget)):
        at_hand = float(left[year]) + saved
        for unit in range(len(waiting)):
            paid = min(waiting[unit], at_hand)
            money[unit, year] = paid
            waiting[unit] -= paid
            at_hand -= paid
        saved = at_hand if carry_over else 0.0
    return money


def plan_years(problem: YearProblem) -> YearPlan:
    """The best plan within the node limit. Exact where every step of the programme is; budgets always hold."""
    years = len(problem.budget)
    nothing = np.full(len(problem.cost), -1)
    choices = list(_choices(problem))
    if not choices:
        return YearPlan(nothing, nothing.copy(), np.zeros((len(problem.cost), years)), is_proven=True)
    built, is_proven = _Programme(problem, choices).solve()
    return _within_budgets(problem, [choices[place] for place in np.flatnonzero(built)], is_proven=is_proven)


def _choices(problem: YearProblem) -> Iterator[_Choice]:
    years = len(problem.budget)
    capacity = np.cumsum(problem.budget) if problem.carry_over else problem.budget
    for unit in np.flatnonzero(np.isfinite(problem.cost)):
        cost, decided = problem.cost[unit], problem.decided[unit]
        firsts = [int(decided)] if decided >= 0 else range(years)
        if cost <= capacity.max(initial=0.0) + _CENT:
            yield from (_Choice(int(unit), year, year) for year in firsts if cost <= capacity[year] + _CENT)
        elif not problem.carry_over:
            for first in firsts:
                for last in range(first + 1, min(first + problem.years_a_unit, years)):
                    own = problem.budget[first : last + 1]
                    if cost <= own.sum() + _CENT and (own >= LEAST_SHARE * cost - _CENT).all():
                        yield _Choice(int(unit), first, last)


class _Programme:
    """The integer programme: one variable a choice, and the money in each year of those over several."""

    def __init__(self, problem: YearProblem, choices: Sequence[_Choice]) -> None:
        self.problem, self.choices = problem, choices
        self.unit = np.array([choice.unit for choice in choices])
        self.long = sorted({choice.unit for choice in choices if choice.last > choice.first})
        years = len(problem.budget)
        self.width = len(choices) + len(self.long) * years
        self.rules = [self._once(), self._budgets(), *self._payments()]

    def _money(self, unit: int, year: int) -> int:
        return len(self.choices) + self.long.index(unit) * len(self.problem.budget) + year

    def _once(self) -> scipy.optimize.LinearConstraint:
        table = np.zeros((len(self.problem.cost), self.width))
        table[self.unit, np.arange(len(self.choices))] = 1.0
        return scipy.optimize.LinearConstraint(table, 0.0, 1.0)

    def _budgets(self) -> scipy.optimize.LinearConstraint:
        years = len(self.problem.budget)
        table = np.zeros((years, self.width))
        for place, choice in enumerate(self.choices):
            if choice.first == choice.last:
                table[choice.first, place] = self.problem.cost[choice.unit] / _SCALE
        for unit in self.long:
            for year in range(years):
                table[year, self._money(unit, year)] = 1.0
        limits = self.problem.budget / _SCALE
        if self.problem.carry_over:
            running = np.tril(np.ones((years, years)))
            table, limits = running @ table, running @ limits
        return scipy.optimize.LinearConstraint(table, -np.inf, limits + 1e-9)

    def _payments(self) -> Iterator[scipy.optimize.LinearConstraint]:
        """Money over several years adds up to the cost, and flows in every year of the works and in no other."""
        years = len(self.problem.budget)
        for unit in self.long:
            own = [place for place, choice in enumerate(self.choices) if choice.unit == unit]
            cost = self.problem.cost[unit] / _SCALE
            total = np.zeros(self.width)
            total[[self._money(unit, year) for year in range(years)]] = 1.0
            total[own] = -cost
            most, least = np.zeros((years, self.width)), np.zeros((years, self.width))
            for year in range(years):
                during = [place for place in own if self.choices[place].first <= year <= self.choices[place].last]
                most[year, self._money(unit, year)] = least[year, self._money(unit, year)] = 1.0
                most[year, during], least[year, during] = -cost, -cost * LEAST_SHARE
            yield scipy.optimize.LinearConstraint(total[None, :], 0.0, 0.0)
            yield scipy.optimize.LinearConstraint(most, -np.inf, 0.0)
            yield scipy.optimize.LinearConstraint(least, 0.0, np.inf)

    def solve(self) -> tuple[NDArray[np.bool_], bool]:
        """Which choices are made, wish after wish: what one wish reached, the next may not lose."""
        found, is_proven = np.zeros(len(self.choices)), True
        for value in self._wishes():
            best = self._best(value)
            if best is None:
                return found > 0.5, False
            made, proven = best
            found, is_proven = np.round(made[: len(self.choices)]), is_proven and proven
            reached = float(value @ found)
            table = np.concatenate([value, np.zeros(self.width - len(value))])[None, :]
            self.rules.append(scipy.optimize.LinearConstraint(table, reached - 0.25, np.inf))
        return found > 0.5, is_proven

    def _wishes(self) -> Iterator[Floats]:
        """Worth of each choice by each wish, in whole numbers; a wish nobody has is passed over."""
        problem, years = self.problem, len(self.problem.budget)
        first = np.array([choice.first for choice in self.choices])
        last = np.array([choice.last for choice in self.choices])
        for asked in (problem.decided, problem.approved):
            kept = (asked[self.unit] == first).astype(float)
            if kept.any():
                yield kept
        worth = problem.worth[self.unit]
        yield worth
        yield worth * (years - last)
        # Of plans worth the same, lesser rows come first, then earlier starts.
        yield (len(problem.cost) - self.unit) * (years + 1.0) - first

    def _best(self, value: Floats) -> tuple[Floats, bool] | None:
        cost = -np.concatenate([value, np.zeros(self.width - len(value))])
        # Values are whole numbers, so what is within half of one of the bound is the best.
        options = {"mip_rel_gap": 0.5 / max(1.0, float(value.sum())), "node_limit": self.problem.max_nodes}
        whole = np.concatenate([np.ones(len(value)), np.zeros(self.width - len(value))])
        upper = np.where(whole > 0, 1.0, np.inf)
        result = scipy.optimize.milp(
            cost,
            integrality=whole,
            bounds=scipy.optimize.Bounds(np.zeros(self.width), upper),
            constraints=self.rules,
            options=options,
        )
        return None if result.x is None else (result.x, result.status == 0)


def _within_budgets(problem: YearProblem, made: list[_Choice], *, is_proven: bool) -> YearPlan:
    """The plan with its money by year, to the cent; a unit that rounding let in is taken out again."""
    while True:
        money, holds = _spend(problem, made)
        if holds:
            break
        made.remove(min(made, key=lambda choice: (problem.worth[choice.unit], -choice.unit)))
        is_proven = False
    first, last = np.full(len(problem.cost), -1), np.full(len(problem.cost), -1)
    for choice in made:
        first[choice.unit], last[choice.unit] = choice.first, choice.last
    return YearPlan(first, last, money, is_proven)


def _spend(problem: YearProblem, made: Sequence[_Choice]) -> tuple[Floats, bool]:
    """Money of each unit by year: over several years as early as may be, who must end first before the others."""
    money = np.zeros((len(problem.cost), len(problem.budget)))
    for choice in made:
        if choice.first == choice.last:
            money[choice.unit, choice.first] = problem.cost[choice.unit]
        else:
            money[choice.unit, choice.first : choice.last + 1] = LEAST_SHARE * problem.cost[choice.unit]
    several = sorted((c for c in made if c.last > c.first), key=lambda choice: (choice.last, choice.unit))
    left = problem.budget - money.sum(axis=0)
    for year in range(len(left)):
        for choice in several:
            if choice.first <= year <= choice.last:
                more = min(left[year], problem.cost[choice.unit] - money[choice.unit].sum())
                money[choice.unit, year] += max(0.0, more)
                left[year] -= max(0.0, more)
    paid = all(abs(money[choice.unit].sum() - problem.cost[choice.unit]) <= _CENT for choice in made)
    spare = np.cumsum(left) if problem.carry_over else left
    return money, bool(paid and (spare >= -2 * _CENT).all())
