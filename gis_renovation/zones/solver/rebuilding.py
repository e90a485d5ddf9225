"""Zones of large components rebuilt piece by piece: each group of neighbouring zones as well as can be.

Trees cut at random seldom fit the last zones in. A few dozen communities are few enough to choose among all their
candidate zones; rounds that gather what zones lack in few of them alternate with rounds that make zones compact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gis_renovation.arrays import Floats
from gis_renovation.zones.solver.bitsets import MOST_NODES
from gis_renovation.zones.solver.effort import SearchEffort
from gis_renovation.zones.solver.enumeration import Candidates, list_candidates
from gis_renovation.zones.solver.problem import Labels, Turn, ZoneProblem, compact, part_problem, total_score
from gis_renovation.zones.solver.search import clusters
from gis_renovation.zones.solver.set_partitioning import Columns, settle

# Rounds that gather and rounds for compactness; pieces rebuilt in each; candidates, pairs and steps a piece may take.
GATHERING_ROUNDS, COMPACT_ROUNDS = 9, 3
MOST_PIECES = 24
PIECE_SUBSETS, PIECE_PAIRS, PIECE_STEPS = 60_000, 200_000, 20_000
# Where in the noise these rounds begin.
FIRST_TURN = 10_000

MakeColumns = Callable[[ZoneProblem, Candidates, Labels], Columns]


def rebuilt(problem: ZoneProblem, labels: Labels, effort: SearchEffort, columns_of: MakeColumns) -> Labels:
    """Zones no worse than ``labels``; deterministic, in a number of pieces that does not depend on the size."""
    best = labels
    for number in range(GATHERING_ROUNDS + COMPACT_ROUNDS):
        if effort.seconds_left() <= 0:
            break
        gathers = number < GATHERING_ROUNDS and len(problem.low) > 0
        labels = _one_round(problem, labels, effort, columns_of, number=number, gathers=gathers)
        # Gathering costs compactness that the last rounds win back.
        if _is_no_worse(problem, labels, best):
            best = labels
    return best


def _is_no_worse(problem: ZoneProblem, labels: Labels, than: Labels) -> bool:
    one, two = (tuple(np.round(total_score(problem, each), 7).tolist()) for each in (labels, than))
    return one <= two


def _one_round(
    problem: ZoneProblem,
    labels: Labels,
    effort: SearchEffort,
    columns_of: MakeColumns,
    *,
    number: int,
    gathers: bool,
) -> Labels:
    regions = clusters(problem, labels, Turn(effort.seed, FIRST_TURN + number, 1), 2 + number % 2)
    new = labels.copy()
    pieces = [np.flatnonzero(regions == region) for region in range(int(regions.max(initial=-1)) + 1)]
    fit = [nodes for nodes in pieces if 1 < len(nodes) <= MOST_NODES]
    for nodes in _some(fit, number):
        own = _piece(part_problem(problem, nodes), compact(labels[nodes]), effort, columns_of, gathers=gathers)
        new[nodes] = own + int(new.max()) + 1
    return compact(new)


def _some(pieces: list[Labels], number: int) -> list[Labels]:
    """So many of the pieces as one round may rebuild, others in other rounds."""
    if len(pieces) <= MOST_PIECES:
        return pieces
    first = number * MOST_PIECES % len(pieces)
    return (pieces + pieces)[first : first + MOST_PIECES]


def _piece(
    problem: ZoneProblem, labels: Labels, effort: SearchEffort, columns_of: MakeColumns, *, gathers: bool
) -> Labels:
    listed = list_candidates(problem, max_subsets=min(effort.max_subsets, PIECE_SUBSETS))
    if listed is None:
        return labels
    columns = columns_of(problem, listed, labels)
    if gathers:
        columns = columns._replace(parts=(*columns.parts[:2], _gathered(problem, columns)))
    small = replace(effort, max_pairs=PIECE_PAIRS, max_iterations=PIECE_STEPS)
    return columns.labels(settle(columns, small)[0])


def _gathered(problem: ZoneProblem, columns: Columns) -> Floats:
    """Less the square of what each zone has of the first bounded amount, in thousandths of the greatest."""
    amounts = columns.cover.totals(problem.stats[:, problem.amounts.start])
    amounts[len(amounts) - columns.leaving :] = 0.0
    return np.asarray(-np.square(amounts / max(float(amounts.max(initial=0.0)), 1.0)) * 1e3)
