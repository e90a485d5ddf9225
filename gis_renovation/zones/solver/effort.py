"""How much work zones may take: counts, never seconds, so that every machine gives the same zones."""

from __future__ import annotations

from dataclasses import dataclass


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
        Nodes of its tree.
    """

    seed: int = 0
    sweeps: int | None = None
    max_subsets: int = 10_000_000
    max_columns: int = 50_000
    max_nodes: int = 500


FULL_EFFORT = SearchEffort()
