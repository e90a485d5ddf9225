"""How far people look for a facility, how fast they walk, and how gates join the network."""

from __future__ import annotations

from dataclasses import dataclass

from gis_renovation.errors import ConfigError
from gis_renovation.greenways import WalkingRules

# Two conventions of planning tools, 60 and 80 m a minute, are both in use; no standard that was read fixes one. The
# slower is the default, and only minutes depend on it, no verdict.
SPEED_M_PER_MIN = 60.0


BLOCKING_KINDS = (*WalkingRules().blocking_kinds, "wall")


@dataclass(frozen=True, kw_only=True)
class Walks(WalkingRules):
    """What people may walk on, how places join the network, how far facilities are looked for, how fast people walk.

    As :class:`gis_renovation.greenways.WalkingRules`, and:

    Attributes
    ----------
    search_m
        Walks longer than this are not looked for, metres. A rule with a longer distance raises it for all.
    speed_m_per_min
        Metres walked in a minute: turns metres into minutes, changes no verdict.
    connect_m
        Longest connector of a gate or facility. A facility's point stands in the middle of its building, farther
        from the path than a gate does.
    blocking_kinds
        Kinds of barrier that no connector crosses; walls too.

    Raises
    ------
    ConfigError
        A value is not above 0.
    """

    search_m: float = 2000.0
    speed_m_per_min: float = SPEED_M_PER_MIN
    connect_m: float = 100.0
    blocking_kinds: tuple[str, ...] = BLOCKING_KINDS

    def __post_init__(self) -> None:
        names = ("search_m", "speed_m_per_min", "connect_m")
        wrong = ", ".join(f"{name} = {getattr(self, name):g}" for name in names if not getattr(self, name) > 0)
        if wrong:
            raise ConfigError(f"[services] 以下参数应大于 0：{wrong}。", f"[services] these must be above 0: {wrong}.")


USUAL_WALKS = Walks()
