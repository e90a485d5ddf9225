"""How firmly each community belongs with its zone mates: many seeds, and inputs shaken as surveys err."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gis_renovation.zone_problem import Floats, Labels, noise
from gis_renovation.zone_proof import ProofLimits
from gis_renovation.zone_request import QUANTITIES, Request
from gis_renovation.zone_solve import solve


class Stability(NamedTuple):
    """Per community: share of runs with exactly the same zone mates, and the mean overlap of mates."""

    same_share: Floats
    overlap_share: Floats


def measure_stability(
    request: Request, zone: Labels, *, seed: int, sweeps: int, limits: ProofLimits, runs: int, error_share: float
) -> Stability:
    """Solve ``runs`` shaken copies of the request and compare each with ``zone`` (-1 left out)."""
    same, overlap = np.zeros(len(zone)), np.zeros(len(zone))
    for run in range(1, runs + 1):
        shaken = _shaken(request, noise(seed, 1_000_000 + run, request.problem.stats.size), error_share)
        again = solve(shaken, seed=seed + run, sweeps=sweeps, limits=limits).zone
        common, mine, theirs = _mates(zone, again)
        same += (common == mine) & (common == theirs)
        overlap += common / (mine + theirs - common)
    return Stability(same / max(runs, 1), overlap / max(runs, 1))


def _shaken(request: Request, luck: Floats, error_share: float) -> Request:
    """The request with every bounded amount off by up to ``error_share``, still in whole steps."""
    problem = request.problem
    stats = problem.stats.copy()
    first = problem.amounts.start
    named = [bound.name for bound in request.wishes.bounds]
    factor = 1.0 + error_share * (2.0 * luck.reshape(stats.shape) - 1.0)
    for place, name in enumerate(named):
        # A count of communities is known; pairs that must stay apart are wishes. Neither errs.
        if name in QUANTITIES and name != "community_count":
            column = first + place
            stats[:, column] = np.rint(stats[:, column] * factor[:, column])
    return request._replace(problem=replace(problem, stats=stats))


def _mates(one: Labels, two: Labels) -> tuple[Labels, Labels, Labels]:
    """For each community how many mates (itself included) it has in both, in the first, in the second.

    Communities left out are alone.
    """
    alone = np.arange(len(one)) + int(max(one.max(initial=0), two.max(initial=0))) + 1
    one, two = np.where(one < 0, alone, one), np.where(two < 0, alone, two)
    pairs = np.unique(np.stack([one, two]), axis=1, return_inverse=True, return_counts=True)
    common = pairs[2][np.ravel(pairs[1])]
    return common, np.bincount(one)[one], np.bincount(two)[two]
