"""The yearly plan of digs against every plan there is, and on problems too large for that."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from gis_renovation.excavation.solver import DEFERRED, DigProblem, _by_prices, plan_digs


def drawn(seed, *, streets=3, works=5, operators=2, years=3, reopen_years=2, money=0.8):
    chance = np.random.default_rng(seed)
    spend = chance.integers(1, 10, works).astype(float)
    place = np.where(chance.random((works, years)) < 0.75, chance.integers(0, 12, (works, years)), np.inf)
    open_ = np.where(chance.random((streets, years)) < 0.85, chance.integers(1, 20, (streets, years)), np.inf)
    budget = np.round(chance.random((operators, years)) * money * spend.sum() / years)
    return DigProblem(
        street=chance.integers(0, streets, works),
        operator=chance.integers(0, operators, works),
        place_yuan=place,
        defer_yuan=chance.integers(5, 40, works).astype(float),
        spend_yuan=spend,
        open_yuan=open_,
        budget_yuan=np.where(chance.random(budget.shape) < 0.2, np.inf, budget),
        reopen_years=reopen_years,
    )


def cheapest_of_all(problem):
    """Every year or none for every work, and what keeps the rules told here anew."""
    best = np.inf
    for years in itertools.product(range(-1, problem.years), repeat=len(problem.street)):
        opened = {(s, t) for s, t in zip(problem.street, years, strict=True) if t >= 0}
        near = any(a != b and a[0] == b[0] and abs(a[1] - b[1]) < problem.reopen_years for a in opened for b in opened)
        spent = {}
        for u, t, yuan in zip(problem.operator, years, problem.spend_yuan, strict=True):
            spent[u, t] = spent.get((u, t), 0.0) + yuan
        if near or any(yuan > problem.budget_yuan[u, t] for (u, t), yuan in spent.items() if t >= 0):
            continue
        cost = sum(problem.open_yuan[s, t] for s, t in opened) + sum(
            problem.defer_yuan[i] if t < 0 else problem.place_yuan[i, t] for i, t in enumerate(years)
        )
        best = min(best, cost)
    return best


@pytest.mark.parametrize("seed", range(30))
def test_a_small_plan_is_the_cheapest_of_all(seed):
    problem = drawn(seed, reopen_years=1 + seed % 3)
    plan, best = plan_digs(problem), cheapest_of_all(problem)
    assert problem.faults(plan.year) == []
    assert plan.objective_yuan == pytest.approx(best)
    assert plan.bound_yuan == pytest.approx(best)
    assert plan.objective_yuan == pytest.approx(problem.cost_yuan(plan.year))


@pytest.mark.parametrize("seed", range(12))
def test_prices_give_a_bound_below_the_cheapest_and_a_plan_that_keeps_all_rules(seed):
    problem = drawn(seed, reopen_years=1 + seed % 3)
    plan, best = _by_prices(problem, 0.0, 0, 60, 2), cheapest_of_all(problem)
    assert problem.faults(plan.year) == []
    assert plan.bound_yuan <= best + 1e-6 <= plan.objective_yuan + 2e-6


@pytest.mark.parametrize("seed", range(3))
def test_a_large_plan_breaks_nothing_and_is_the_same_each_time(seed):
    problem = drawn(seed, streets=400, works=1500, operators=5, years=5, money=0.3)
    plan = plan_digs(problem, gap=0.02, seed=seed, mend_rounds=1)
    assert problem.faults(plan.year) == []
    assert 0 < plan.bound_yuan <= plan.objective_yuan
    assert plan.gap < 0.1
    again = plan_digs(problem, gap=0.02, seed=seed, mend_rounds=1)
    np.testing.assert_array_equal(plan.year, again.year)


@pytest.mark.parametrize("seed", range(8))
def test_more_money_never_costs_more(seed):
    problem = drawn(seed, streets=4, works=10, operators=3, years=4)
    costs = [
        plan_digs(replace(problem, budget_yuan=problem.budget_yuan + more)).objective_yuan for more in (0, 1, 5, 50)
    ]
    assert costs == sorted(costs, reverse=True)


def test_a_shared_opening_is_paid_once_and_no_money_means_left_out():
    one = DigProblem(
        street=np.array([0, 0]),
        operator=np.array([0, 1]),
        place_yuan=np.array([[0.0, 3.0], [np.inf, 0.0]]),
        defer_yuan=np.array([100.0, 100.0]),
        spend_yuan=np.array([5.0, 5.0]),
        open_yuan=np.array([[10.0, 10.0]]),
        budget_yuan=np.array([[5.0, 5.0], [5.0, 5.0]]),
    )
    together = plan_digs(one)
    assert together.year.tolist() == [1, 1]
    assert together.objective_yuan == 13.0
    poor = plan_digs(replace(one, budget_yuan=np.array([[5.0, 5.0], [0.0, 4.9]])))
    assert poor.year.tolist() == [0, DEFERRED]
    assert poor.objective_yuan == 110.0


def test_faults_are_told_for_each_broken_rule():
    problem = replace(drawn(1, reopen_years=3), budget_yuan=np.zeros((2, 3)))
    found = " ".join(problem.faults(np.array([0, 1, 2, 0, 1])))
    assert all(word in found for word in ("budget of", "again"))


@pytest.mark.parametrize("wrong", [-1.0, np.nan])
def test_a_budget_that_is_no_amount_is_refused(wrong):
    with pytest.raises(ValueError, match="budget"):
        plan_digs(replace(drawn(1), budget_yuan=np.full((2, 3), wrong)))
