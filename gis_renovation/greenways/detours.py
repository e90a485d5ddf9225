"""When a break in the slow network is a gap: the limits, and the parts of a graph that ways are searched in."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_matrix

from gis_renovation.arrays import Ints
from gis_renovation.errors import ConfigError

# Lengths that differ by less are equal: sums of the same pieces in another order.
EQUAL_M = 1e-6


@dataclass(frozen=True, kw_only=True)
class GapLimits:
    """How long a gap of the slow network may be and how great the detour without it; lengths in metres.

    Attributes
    ----------
    min_detour_ratio
        How many times farther the way on slow paths must be. 1.5 is what Vybornova et al. (2023,
        Geographical Analysis 55: 239-267) use for bicycle networks.
    limit_m
        Longest gap along streets to look for.
    missing_m
        Longest missing link, straight; 500 m is the ten-minute circle (TD/T 1062-2021).
    crossing_m
        A gap up to this length is a crossing: about the width of an arterial with its margins.

    Raises
    ------
    ConfigError
        A length is not above 0 or ``min_detour_ratio`` is below 1.
    """

    min_detour_ratio: float = 1.5
    limit_m: float = 1000.0
    missing_m: float = 500.0
    crossing_m: float = 40.0

    def __post_init__(self) -> None:
        lengths = {"limit_m": self.limit_m, "missing_m": self.missing_m}
        wrong = [f"{name} = {value:g}" for name, value in lengths.items() if not value > 0]
        if not self.min_detour_ratio >= 1:
            wrong.append(f"min_detour_ratio = {self.min_detour_ratio:g}")
        if wrong:
            raise ConfigError(
                f"[greenways] 长度应大于 0 m，min_detour_ratio 应不小于 1；现为 {'，'.join(wrong)}。",
                f"[greenways] lengths must be above 0 m, min_detour_ratio at least 1; found {', '.join(wrong)}.",
            )


# What a project has that says nothing of its own.
USUAL_LIMITS = GapLimits()


def part_of(graph: csr_matrix, inside: Ints) -> csr_matrix:
    """The graph among some of its nodes."""
    return graph[inside][:, inside]


def ends_of(edges: gpd.GeoDataFrame) -> Ints:
    """Positions of the nodes that edges end at, each once."""
    return np.unique(edges[["from", "to"]].to_numpy(dtype="int64"))
