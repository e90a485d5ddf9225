"""The best choice among some columns by branching on pairs of nodes, every step of the simplex method counted.

Library trees bound nodes or seconds, not the work of one node; here each node is one linear programme whose steps are
counted, so that a proof ends at the same place on every machine. Branching after Ryan and Foster (1981): two nodes that
the relaxation puts half together are together in one branch and apart in the other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from scipy.sparse import csc_array, csr_array

from gis_renovation.arrays import Flags, Floats
from gis_renovation.zones.solver.problem import Labels

# What is taken for one or nothing.
NEARLY = 1e-5
# With so few nodes a linear programme is solved sooner than it is made smaller.
PRESOLVED = 64


class Tables(NamedTuple):
    """Columns to choose from: nodes each covers (a row a column), costs, and sums that may not exceed their limits.

    ``room`` is what whole values may exceed a limit by, see :class:`set_partitioning.Programme`.
    """

    cover: csr_array
    cost: Floats
    caps: Floats
    limits: Floats
    room: Floats


class Work(NamedTuple):
    """How much a tree may take: linear programmes, steps in all of them, and seconds."""

    nodes: int
    steps: int
    seconds: float


class Relaxed(NamedTuple):
    """A linear programme's solution, the worth of covering each node and of loosening each cap, and its steps.

    ``value`` is infinite where there is no choice at all.
    """

    values: Floats
    value: float
    prices: Floats
    dues: Floats
    steps: int


class Best(NamedTuple):
    """Positions of the best choice found (none where none beats what was known), its value, a bound on all."""

    columns: Labels
    value: float
    bound: float


class _Branch(NamedTuple):
    bound: float
    open: Flags


def best_by_branching(tables: Tables, known: float, margin: float, work: Work) -> Best:
    """The choice of least cost that beats ``known`` by more than ``margin``, and a bound that no choice is below.

    A branch is followed down to its end before the most promising of the others, so that choices are found early.
    Deterministic unless the seconds run out.
    """
    best, value = np.zeros(0, dtype=np.int64), known
    waiting = [_Branch(-np.inf, np.ones(len(tables.cost), dtype=bool))]
    steps = work.steps
    for _ in range(work.nodes):
        if not waiting:
            break
        branch = waiting[-1]
        found = relaxation(tables, branch.open, steps, work.seconds)
        if found is None:
            break
        waiting.pop()
        steps -= found.steps
        lower = max(branch.bound, found.value)
        split = _split(tables, branch.open, found.values) if lower <= value - margin else None
        if split is not None:
            waiting += [_Branch(lower, each) for each in reversed(split)]
            continue
        if lower <= value - margin:
            best = np.flatnonzero(found.values > 0.5)
            value = float(tables.cost[best].sum())
        waiting = [each for each in waiting if each.bound <= value - margin]
        # The most promising goes last, the latest of equals.
        place = min(range(len(waiting)), key=lambda at: (waiting[at].bound, -at), default=None)
        waiting += [] if place is None else [waiting.pop(place)]
    open_bound = min((each.bound for each in waiting), default=np.inf)
    # What was cut off is no better than the value less the margin.
    return Best(best, value, min(open_bound, value - margin))


def relaxation(tables: Tables, is_open: Flags, steps: int, seconds: float) -> Relaxed | None:
    """The linear relaxation over some columns; None where steps or seconds do not suffice."""
    if steps <= 0 or seconds <= 0:
        return None
    rows = np.flatnonzero(is_open)
    nodes, capped = tables.cover.shape[1], bool(len(tables.limits))
    limit = {"time_limit": seconds} if seconds < np.inf else {}
    result = scipy.optimize.linprog(
        tables.cost[rows],
        A_eq=csc_array(tables.cover[rows].T),
        b_eq=np.ones(nodes),
        A_ub=tables.caps[rows].T if capped else None,
        b_ub=tables.limits if capped else None,
        method="highs",
        options={"maxiter": steps, "presolve": nodes > PRESOLVED, **limit},
    )
    values = np.zeros(len(tables.cost))
    if result.status == 2:
        return Relaxed(values, np.inf, np.zeros(nodes), np.zeros(len(tables.limits)), int(result.nit))
    if result.status == 1:
        return None
    if result.status != 0:
        raise RuntimeError(f"the relaxation of the zone choice failed: {result.message}")
    values[rows] = result.x
    dues = np.minimum(result.ineqlin.marginals, 0.0)
    worth = float(result.eqlin.marginals.sum() + (dues @ tables.limits if capped else 0.0))
    return Relaxed(values, worth, result.eqlin.marginals, dues, int(result.nit))


def _split(tables: Tables, is_open: Flags, values: Floats) -> tuple[Flags, Flags] | None:
    """The open columns of two branches, the likelier one first; None where the values are a choice."""
    chosen = values > 0.5
    held = (tables.caps[chosen].sum(axis=0) <= tables.limits + tables.room).all()
    if held and (np.abs(values - chosen) <= NEARLY).all():
        return None
    parted = np.flatnonzero(values > 0.0)
    some = tables.cover[parted]
    together = csr_array(some.T @ (some * values[parted][:, None])).tocoo()
    shared = (together.row < together.col) & (together.data > NEARLY) & (together.data < 1.0 - NEARLY)
    if shared.any():
        pairs = np.flatnonzero(shared)
        order = np.lexsort((together.col[pairs], together.row[pairs], np.round(np.abs(together.data[pairs] - 0.5), 6)))
        one, two = int(together.row[pairs[order[0]]]), int(together.col[pairs[order[0]]])
        has = np.asarray(tables.cover[:, [one, two]].sum(axis=1)).ravel()
        with_both, not_both = is_open & (has != 1), is_open & (has != 2)
        return with_both, not_both
    # Columns of the same nodes: one of them is taken, or not.
    column = int(parted[np.argmin(np.round(np.abs(values[parted] - 0.5), 6))])
    meets = np.asarray(tables.cover @ tables.cover[[column]].T.toarray()).ravel() > 0
    taken, spared = is_open & ~meets, is_open.copy()
    taken[column], spared[column] = True, False
    return taken, spared
