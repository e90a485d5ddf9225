"""Three-valued verdicts: yes, no, unknown, and what follows from several of them.

They are small integers ordered ``NO < UNKNOWN < YES``, so that Kleene's *and* is the minimum and *or*
the maximum: a missing value never turns into yes or no by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_renovation.arrays import Flags, Words

Verdict = Literal["yes", "no", "unknown"]
Verdicts = NDArray[np.int8]

NO: Final = 0
UNKNOWN: Final = 1
YES: Final = 2
VERDICT_NAMES: Final[tuple[Verdict, ...]] = ("no", "unknown", "yes")


def all_of(*verdicts: Verdicts) -> Verdicts:
    """Kleene *and*, elementwise: no if any is no, else unknown if any is unknown, else yes."""
    return np.asarray(np.minimum.reduce([np.asarray(v, np.int8) for v in verdicts]))


def any_of(*verdicts: Verdicts) -> Verdicts:
    """Kleene *or*, elementwise: yes if any is yes, else unknown if any is unknown, else no."""
    return np.asarray(np.maximum.reduce([np.asarray(v, np.int8) for v in verdicts]))


def verdicts_of(passes: Flags, known: Flags) -> Verdicts:
    """Yes or no where ``known``, unknown elsewhere."""
    return np.where(known, np.where(passes, YES, NO), UNKNOWN).astype(np.int8)


def verdict_names(verdicts: Verdicts) -> Words:
    """``yes``, ``no`` or ``unknown`` for each code."""
    return np.asarray(VERDICT_NAMES, dtype=object)[np.asarray(verdicts, np.intp)]


def verdict_codes(names: Iterable[str]) -> Verdicts:
    """The inverse of :func:`verdict_names`; another word is a KeyError. O(n), without a Python loop."""
    words = pd.Index(names)
    codes = pd.Index(VERDICT_NAMES).get_indexer(words)
    if (codes < 0).any():
        raise KeyError(str(words[codes < 0][0]))
    return codes.astype(np.int8)
