"""How much work zones may take: counts, so that every machine gives the same zones; beside them, seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class SearchEffort:
    """How long to search for zones, and how much work a proof may take for each component.

    Parameters
    ----------
    seed
        Of the search. Where the proof succeeds, the zones do not depend on it but for exact ties.
    sweeps
        Rounds of the search; more are slower and better. None: 4 for up to 300 communities under a
        maximum, where the proof does the rest, else 10.
    max_subsets
        Candidate zones that a proof may list in each component.
    max_columns
        Candidates in one integer programme.
    max_nodes
        Nodes of its tree, each a linear programme.
    max_iterations
        Steps of the simplex method in each relaxation, and a fifth of it in each tree.
    max_pairs
        Pairs of a partial choice and a candidate that a proof may try at once; a part of the objective takes six tries
        at most.
    max_seconds
        Seconds after which no further component is proved. Where this bites, the zones depend on the machine:
        the proof says so, and a later run goes on from what is proved. Counts end most proofs long before.
    """

    seed: int = 0
    sweeps: int | None = None
    max_subsets: int = 10_000_000
    max_columns: int = 50_000
    max_nodes: int = 500
    max_iterations: int = 1_000_000
    max_pairs: int = 50_000_000
    max_seconds: float = 600.0

    def seconds_left(self) -> float:
        """Seconds until the work is to end; without a clock there is no end."""
        return math.inf

    def started(self, clock: Callable[[], float]) -> SearchEffort:
        """The same effort from now on, by a clock in seconds."""
        counts = {each.name: getattr(self, each.name) for each in fields(SearchEffort)}
        return _RunningEffort(**counts, clock=clock, until=clock() + self.max_seconds)


@dataclass(frozen=True, kw_only=True)
class _RunningEffort(SearchEffort):
    """An effort whose seconds run."""

    clock: Callable[[], float]
    until: float

    def seconds_left(self) -> float:
        return self.until - self.clock()


FULL_EFFORT = SearchEffort()
