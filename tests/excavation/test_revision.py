"""Plans done anew after answers, against every plan there is."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from gis_renovation.excavation import DEFERRED, DigProblem, plan_digs, revise_years


def drawn(seed):
    chance = np.random.default_rng(seed)
    works, years = 5, 3
    spend = chance.integers(1, 10, works).astype(float)
    return DigProblem(
        street=chance.integers(0, 3, works),
        operator=chance.integers(0, 2, works),
        place_yuan=np.where(chance.random((works, years)) < 0.8, chance.integers(0, 12, (works, years)), np.inf),
        defer_yuan=np.full(works, 500.0),
        spend_yuan=spend,
        open_yuan=chance.integers(1, 20, (3, years)).astype(float),
        budget_yuan=np.round(chance.random((2, years)) * spend.sum() * 0.6),
        reopen_years=1 + seed % 2,
    )


def nearest_of_all(problem, before):
    """Fewest left out, then fewest moved, then cheapest, by trying all plans."""
    plans = (np.array(years) for years in itertools.product(range(-1, problem.years), repeat=len(problem.street)))
    kept = [plan for plan in plans if not problem.faults(plan)]
    return min((int((p == DEFERRED).sum()), int((p != before).sum()), problem.cost_yuan(p)) for p in kept)


@pytest.mark.parametrize("seed", range(20))
def test_a_declined_slot_is_never_kept_and_nobody_moves_who_need_not(seed):
    problem = drawn(seed)
    before = plan_digs(problem).year
    placed = np.flatnonzero(before != DEFERRED)
    declined = placed[: 1 + seed % 2]
    place = problem.place_yuan.copy()
    place[declined, before[declined]] = np.inf
    told = replace(problem, place_yuan=place)
    found = revise_years(told, before)
    assert told.faults(found.year) == []
    assert (found.year[declined] != before[declined]).all()
    assert found.is_proven
    left_out, moved, cost = nearest_of_all(told, before)
    assert (found.left_out, len(found.moved)) == (left_out, moved)
    assert told.cost_yuan(found.year) == pytest.approx(cost)


@pytest.mark.parametrize("seed", range(6))
def test_two_rounds_keep_both_answers_and_no_answer_moves_nobody(seed):
    problem = drawn(seed + 40)
    before = plan_digs(problem).year
    fewest = (before == DEFERRED).sum()
    same = revise_years(problem, before)
    if same.left_out == fewest:
        assert same.moved.tolist() == []
    place, now = problem.place_yuan.copy(), before
    for _ in range(2):
        placed = np.flatnonzero(now != DEFERRED)
        if not len(placed):
            break
        place[placed[0], now[placed[0]]] = np.inf
        now = revise_years(replace(problem, place_yuan=place), now).year
    assert problem.faults(now) == []
    assert all(np.isfinite(place[i, t]) for i, t in enumerate(now) if t != DEFERRED)


def test_years_that_are_not_one_a_work_are_refused():
    with pytest.raises(ValueError, match="works"):
        revise_years(drawn(0), np.zeros(2, dtype=np.int64))
