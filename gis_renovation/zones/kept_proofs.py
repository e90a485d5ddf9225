"""What is proved of components is kept: a run that was stopped goes on, what did not change is not proved again.

A proof is known by the numbers it was made from and the counts of the effort, so taking it from where it is kept
changes no result.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import asdict, dataclass, field, fields

import numpy as np

from gis_renovation.zones.solver import Proof, SearchEffort, ZoneProblem


def _tell_nobody(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass
class ProofDesk:
    """Where proofs are kept, who is told how many components are done, and the clock that a limit of seconds goes by.

    Parameters
    ----------
    kept
        Finished proofs by their key, as text; a run hands in what it keeps in the project.
    tell
        Called with the communities whose component is done, and all.
    clock
        Seconds from any beginning.
    cut_short
        Whether the limit of seconds ended some proof; set by the work.
    """

    kept: MutableMapping[str, str] = field(default_factory=dict)
    tell: Callable[[int, int], None] = _tell_nobody
    clock: Callable[[], float] = time.monotonic
    cut_short: bool = False

    def proof_of(self, key: str, problem: ZoneProblem) -> Proof | None:
        """A kept proof; None if there is none, or it is not one of this problem."""
        try:
            labels, bounds, candidates = json.loads(self.kept[key])
            proof = Proof(np.array(labels, dtype=np.int64), _three(bounds), int(candidates))
        except (KeyError, TypeError, ValueError):
            return None
        return proof if proof.labels.shape == (problem.size,) else None

    def keep(self, key: str, proof: Proof) -> None:
        """Keep a finished proof."""
        bounds = ["nan" if math.isnan(bound) else bound for bound in proof.bounds]
        self.kept[key] = json.dumps([proof.labels.tolist(), bounds, proof.candidates])


def _three(bounds: Sequence[float | str]) -> tuple[float, float, float]:
    left_out, number, cost = map(float, bounds)
    return left_out, number, cost


def proof_key(problem: ZoneProblem, effort: SearchEffort) -> str:
    """SHA-256 of all the numbers that decide a proof. O(n + m)."""
    digest = hashlib.sha256()
    for part in fields(problem):
        value = getattr(problem, part.name)
        if isinstance(value, np.ndarray):
            digest.update(
                repr((part.name, value.dtype.str, value.shape)).encode() + np.ascontiguousarray(value).tobytes()
            )
        else:
            digest.update(repr((part.name, value)).encode())
    counts = {name: value for name, value in asdict(effort).items() if name in _COUNTS}
    digest.update(json.dumps(counts, sort_keys=True).encode())
    return digest.hexdigest()


_COUNTS = tuple(each.name for each in fields(SearchEffort) if each.name != "max_seconds")
