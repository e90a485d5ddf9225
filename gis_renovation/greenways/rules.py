"""How near a park should be, and what people may walk on to reach it."""

from __future__ import annotations

from dataclasses import dataclass

from gis_renovation.errors import ConfigError

# Guide values ("不宜大于", recommended, not an order): 300 m is the five-minute circle (GB 50180-2018) and the
# radius of pocket parks of 0.2-1 ha, 500 m the ten-minute circle (TD/T 1062-2021) and that of community parks of
# 1-5 ha (GB/T 51346-2019, table 4.4.7); docs/methods.md, 7.1.
GUIDE_DISTANCES_M = (300.0, 500.0)
# Least area (m²) and service radius (m) of public parks: GB/T 51346-2019, table 4.4.7 (pocket park 0.2-1 ha 300 m,
# community park 1-5 ha 500 m and 5-10 ha 800-1000 m); docs/methods.md, 7.1.
SERVICE_RADII_M = ((2_000.0, 300.0), (10_000.0, 500.0), (50_000.0, 800.0))
# On these people walk on the carriageway where there is no walkway; on a cycleway they may not.
SHARED_CLASSES = ("access", "branch")
WALK_KINDS = ("footway", "greenway", "steps", "alley")
BLOCKING_KINDS = ("river", "canal", "lake", "railway", "expressway")


def require_positive(**values: float) -> None:
    """Raise ConfigError naming every option that is not above 0."""
    wrong = {name: value for name, value in values.items() if not value > 0}
    if wrong:
        listed = ", ".join(f"{name} = {value:g}" for name, value in wrong.items())
        raise ConfigError(
            f"[greenways] 以下参数应为大于 0 的米数：{listed}。",
            f"[greenways] these must be metres above 0: {listed}.",
        )


@dataclass(frozen=True, kw_only=True)
class ParkGoals:
    """How near a park should be.

    Attributes
    ----------
    distances_m
        Walking distances to test, metres. The defaults are guide values of GB 50180-2018 (five-minute
        circle) and TD/T 1062-2021 (ten minutes), as is the park radius in GB/T 51346-2019 table 4.4.7.
    service_radii_m
        Pairs of least park area (m²) and service radius (m) for ``served_share``; the defaults are the
        lower bounds of GB/T 51346-2019 table 4.4.7. Smaller parks are not counted there.

    Raises
    ------
    ConfigError
        A distance is not above 0, or there is none.
    """

    distances_m: tuple[float, ...] = GUIDE_DISTANCES_M
    service_radii_m: tuple[tuple[float, float], ...] = SERVICE_RADII_M

    def __post_init__(self) -> None:
        require_positive(distances_m=min(self.distances_m, default=0))


@dataclass(frozen=True, kw_only=True)
class WalkingRules:
    """What people may walk on, and how gates and gaps in the drawing join the network; lengths in metres.

    Attributes
    ----------
    connect_m
        How far a gate may lie from the drawn network. 30 m is about from a wall to the centre line of an arterial.
    snap_m
        Gap in the drawing that still joins two lines.
    step_m
        Spacing at which connectors are measured along lines; the way along the network is exact.
    shared_classes
        Street classes people walk on without a walkway, too.
    walk_kinds
        Kinds of slow path people surely may walk on.
    blocking_kinds
        Kinds of barrier that no connector crosses.

    Raises
    ------
    ConfigError
        ``connect_m`` or ``step_m`` is not above 0.
    """

    connect_m: float = 30.0
    snap_m: float = 0.5
    step_m: float = 10.0
    shared_classes: tuple[str, ...] = SHARED_CLASSES
    walk_kinds: tuple[str, ...] = WALK_KINDS
    blocking_kinds: tuple[str, ...] = BLOCKING_KINDS

    def __post_init__(self) -> None:
        require_positive(connect_m=self.connect_m, step_m=self.step_m)


# What a project has that says nothing of its own.
USUAL_GOALS, USUAL_WALKING = ParkGoals(), WalkingRules()
