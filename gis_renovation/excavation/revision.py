"""A plan of digs done anew after operators have answered: nobody moves who need not."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from gis_renovation.arrays import Ints
from gis_renovation.excavation.solver import DEFERRED, DigProblem, model_of


class RevisedDigs(NamedTuple):
    """The years after a round of answers: how many works are left out, which ones moved, and whether that is proven."""

    year: Ints
    left_out: int
    moved: Ints
    is_proven: bool


def revise_years(problem: DigProblem, before: Ints, *, max_nodes: int = 20_000) -> RevisedDigs:
    """The plan nearest to ``before`` that keeps what ``problem`` allows now.

    A declined slot is one whose ``place_yuan`` became infinite; a year that an operator asks for is the only one
    left finite. First as few works as possible are left out, then as few as possible have another year than before
    (left out where it had a year, or a year where it had none, counts too), and among such plans the cheapest is
    taken. Both searches are whole-number programmes of HiGHS over all works, stopped after ``max_nodes``;
    ``is_proven`` tells whether both ended before.
    The same problem gives the same plan.
    Raises ValueError if ``before`` is not one year a work.

    >>> once = np.array([[0.0, 5.0, 9.0]])
    >>> money = np.full((1, 3), np.inf)
    >>> one = DigProblem(street=np.array([0]), operator=np.array([0]), place_yuan=once, defer_yuan=np.array([99.0]),
    ...     spend_yuan=np.array([1.0]), open_yuan=np.zeros((1, 3)), budget_yuan=money)
    >>> declined = replace(one, place_yuan=np.array([[np.inf, 5.0, 9.0]]))
    >>> revise_years(declined, np.array([0])).year.tolist()
    [1]
    """
    if before.shape != problem.street.shape:
        raise ValueError(f"{before.shape} years for {problem.street.shape} works")
    count = len(before)
    if count == 0:
        return RevisedDigs(before.copy(), 0, before.copy(), is_proven=True)
    steps = _steps(problem, before)
    first, least, proven = _solved(steps, None, max_nodes)
    limit = (steps, float(steps.cost_yuan(first)))
    year, _, also = _solved(problem, limit, max_nodes)
    if steps.cost_yuan(year) > limit[1] + 0.5:
        year, also = first, False
    moved = np.flatnonzero(year != before)
    return RevisedDigs(year, int((year == DEFERRED).sum()), moved, proven and also and least > -np.inf)


def _steps(problem: DigProblem, before: Ints) -> DigProblem:
    """The problem counted in moves: one for another year, more than all works together for being left out."""
    years = np.arange(problem.years)
    moves = np.where(years == before[:, None], 0.0, 1.0)
    return replace(
        problem,
        place_yuan=np.where(np.isfinite(problem.place_yuan), moves, np.inf),
        defer_yuan=len(before) + 1.0 + (before != DEFERRED),
        open_yuan=np.where(np.isfinite(problem.open_yuan), 0.0, np.inf),
    )


def _solved(problem: DigProblem, limit: tuple[DigProblem, float] | None, max_nodes: int) -> tuple[Ints, float, bool]:
    """The cheapest years, their bound, and whether they are proven; ``limit`` holds the moves to what they were."""
    nobody = np.full(len(problem.street), DEFERRED, dtype=np.int64)
    every = np.ones(problem.open_yuan.shape[0], dtype=bool)
    model = model_of(problem, nobody, every)
    if len(model.work) == 0:
        return nobody, problem.cost_yuan(nobody), True
    rows = list(model.constraints)
    if limit is not None:
        steps, most = limit
        gains = steps.place_yuan[model.work, model.year] - steps.defer_yuan[model.work]
        row = np.concatenate([gains, np.zeros(len(model.objective) - len(gains))])
        rows.append(LinearConstraint(sparse.csr_array(row[None]), -np.inf, most - steps.defer_yuan.sum() + 0.25))
    solved = milp(
        model.objective,
        integrality=np.ones(len(model.objective)),
        bounds=Bounds(0, 1),
        constraints=rows,
        options={"mip_rel_gap": 0.0, "node_limit": max_nodes},
    )
    year = nobody.copy()
    if solved.x is not None:
        chosen = np.flatnonzero(solved.x[: len(model.work)] > 0.5)
        year[model.work[chosen]] = model.year[chosen]
    bound = -np.inf if solved.mip_dual_bound is None else model.rest_yuan + float(solved.mip_dual_bound)
    return year, bound, bool(solved.status == 0)
