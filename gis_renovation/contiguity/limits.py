"""How far, how narrow and across what communities still count as neighbours: the limits of a link."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import ClassVar

from gis_renovation.errors import ConfigError


def require_length(name: str, value: float) -> None:
    """Raise ConfigError unless ``value`` is a length in metres, 0 or more."""
    if not (math.isfinite(value) and value >= 0.0):
        raise ConfigError(
            f"{name} 应为不小于 0 的米数，现为 {value}；请在 project.toml 的 [contiguity] 中改正。",
            f"{name} must be a length of at least 0 m; found {value}. Mend it in [contiguity] of project.toml.",
        )


@dataclass(frozen=True, kw_only=True)
class LinkLimits:
    """What makes two communities neighbours, and what a person on foot passes between them; lengths in metres.

    Attributes
    ----------
    max_gap_m
        Largest gap between the edges of neighbours, inclusive. No statute fixes one; 60 m passes an
        inner-city street with its setbacks.
    min_opening_m
        Narrowest opening in a barrier that a person passes; 1.2 m lets a wheelchair and a walker meet.
    max_cutting_grade
        Barriers up to this grade cut, and those of unknown grade; higher ones are only mentioned.
    crossing_reach_m
        A crossing that names no barrier and touches none serves the nearest within this distance.
    max_detour_m
        Longest walk from one community to the other over crossings.
    wall_gap_m
        Boundaries at most this far apart that run side by side count as a shared wall.
    tie_reach_m
        A main or path within this distance of both communities is shared: it runs along one street.
    within_subdistrict
        Whether the border between two known, different subdistricts cuts too.
    arterials_cut
        Whether arterials and expressways of the streets count as barriers (grade 2) where no barrier stands for them.

    Raises
    ------
    ConfigError
        A length that is negative or not finite.
    """

    # Wherever these are taken, a project states them once, in this table.
    table: ClassVar[str] = "contiguity"

    max_gap_m: float = 60.0
    min_opening_m: float = 1.2
    max_cutting_grade: int = 2
    crossing_reach_m: float = 25.0
    max_detour_m: float = 300.0
    wall_gap_m: float = 2.0
    tie_reach_m: float = 30.0
    within_subdistrict: bool = False
    arterials_cut: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name.endswith("_m"):
                require_length(field.name, getattr(self, field.name))


# What a project has that says nothing of its own.
USUAL_LIMITS = LinkLimits()
