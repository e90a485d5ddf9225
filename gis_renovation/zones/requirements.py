"""What a planner asks of the zones, and the faults in it that show without looking at any layer."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from gis_renovation.errors import ConfigError
from gis_renovation.schemas import nearest_names
from gis_renovation.words import Text, shorten_ids

Limits = Mapping[str, float]
Groups = Sequence[Sequence[str]]
Preference = Literal["auto", "any", "most", "fewest"]
Ids = NDArray[np.object_]

WEIGHTS = (
    "compactness_weight",
    "link_weight",
    "age_weight",
    "needs_weight",
    "main_weight",
    "path_weight",
    "owner_weight",
    "soft_border_cost",
)


def _is_limits(value: object) -> bool:
    """Whether a value holds numbers by name."""
    return isinstance(value, Mapping) and all(
        isinstance(number, numbers.Real) and not isinstance(number, bool) for number in value.values()
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


class BoundedSum(NamedTuple):
    """A sum that may be bounded: its Chinese and English name, unit, and how many steps make one unit."""

    label: Text
    unit: Text
    steps: int


# Sums are counted in whole steps, so that they are exact: households whole, areas and money to 0.01.
QUANTITIES: Mapping[str, BoundedSum] = {
    "households": BoundedSum(Text("户数", "households"), Text("户", "households"), 1),
    "floor_area_m2": BoundedSum(Text("建筑面积", "floor area"), Text("平方米", "m²"), 100),
    "land_area_m2": BoundedSum(Text("用地面积", "land area"), Text("平方米", "m²"), 100),
    "cost_yuan": BoundedSum(Text("估算投资", "estimated cost"), Text("元", "yuan"), 100),
    "community_count": BoundedSum(Text("小区数", "communities"), Text("个", "communities"), 1),
}


class Bound(NamedTuple):
    """One bounded sum: its quantity's name, least and most, in the quantity's own unit."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ZoneRequirements:
    """Everything that is wished for the zones; one record, given to every function about them alike.

    A sentence about a zone can so measure it against all that was asked. Nothing is checked here: the
    functions check it together with the layers and tell all faults at once.

    Parameters
    ----------
    households, floor_area_m2, land_area_m2, cost_yuan, community_count
        Bounds on a zone's sum, ``{"min": .., "max": ..}``, either or both; land area is that of the polygons.
        Households, m², yuan, communities. Practice has 2-20 communities and 500-2,000 households a zone; no
        statute fixes any.
    zone_count
        Exactly so many zones, fixed ones included, where the bounds allow.
    zone_preference
        ``most`` or ``fewest`` zones before compactness, ``any`` for neither; ``auto`` is ``any`` with a
        minimum and ``fewest`` without one (nothing else then holds zones together).
    target
        Sums to come near to, such as ``{"households": 1000}``; before compactness, instead of a number.
    must_join, must_not_join
        Groups of community ids that are together, or all apart. Left out, they are left out together.
    fixed_zones
        Zones kept exactly as given, whatever the bounds; the rest is zoned around them.
    compactness_weight, link_weight, age_weight, needs_weight
        Weights of the parts of the cost. Unknown ages and needs count as the average.
    main_weight, path_weight, owner_weight
        What a shared utility main in use, a shared path and the same former owner unit add to the worth of
        a link; a link without a gap is worth ``link_weight``. 0: such ties do not count. Unknown adds nothing.
    soft_border_cost
        Border between two known subdistricts, or a barrier that can be opened: each divides the worth of a
        link by 1 + this. 0: they do not count. Hard borders never are links (see :mod:`gis_renovation.contiguity`).
    leave_out_unknown
        Whether communities whose bounded amounts are unknown are left out with a reason. Without it
        they are an error: unknown is not 0.

    Examples
    --------
    >>> asked = ZoneRequirements(households={"min": 500, "max": 2000}, must_not_join=[["C1", "C2"]])
    >>> [(bound.name, bound.low, bound.high) for bound in asked.bounds]
    [('households', 500.0, 2000.0)]
    """

    households: Limits | None = None
    floor_area_m2: Limits | None = None
    land_area_m2: Limits | None = None
    cost_yuan: Limits | None = None
    community_count: Limits | None = None
    zone_count: int | None = None
    zone_preference: Preference = "auto"
    target: Limits | None = None
    must_join: Groups = ()
    must_not_join: Groups = ()
    fixed_zones: Groups = ()
    compactness_weight: float = 1.0
    link_weight: float = 1.0
    age_weight: float = 0.1
    needs_weight: float = 0.1
    main_weight: float = 0.0
    path_weight: float = 0.0
    owner_weight: float = 0.0
    soft_border_cost: float = 1.0
    leave_out_unknown: bool = False

    def __post_init__(self) -> None:
        """Raise ConfigError for values of another kind: a limit that is a bare number, a preference nobody knows."""
        faults = [
            Text(f"{name} 应写成 {shape}，实为 {value!r}。", f"{name} must be like {shape}, found {value!r}.")
            for name, shape in (
                *((name, '{"min": 500, "max": 2000}') for name in QUANTITIES),
                ("target", '{"households": 1000}'),
            )
            if (value := getattr(self, name)) is not None and not _is_limits(value)
        ]
        if self.zone_count is not None and not _is_whole(self.zone_count):
            found = self.zone_count
            faults.append(
                Text(f"zone_count 应为整数，实为 {found!r}。", f"zone_count must be a whole number, found {found!r}.")
            )
        if self.zone_preference not in get_args(Preference):
            known, asked = ", ".join(get_args(Preference)), self.zone_preference
            faults.append(
                Text(
                    f"zone_preference 应为 {known} 之一，实为 {asked!r}。",
                    f"zone_preference must be one of {known}, found {asked!r}.",
                )
            )
        if faults:
            raise ConfigError("\n".join(fault.zh for fault in faults), "\n".join(fault.en for fault in faults))

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The bounds given, those with a minimum first."""
        found = []
        for name in QUANTITIES:
            limits = getattr(self, name) or {}
            low, high = limits.get("min", 0.0), limits.get("max", math.inf)
            if low > 0 or high < math.inf:
                found.append(Bound(name, float(low), float(high)))
        return tuple(sorted(found, key=lambda bound: bound.low <= 0))

    @property
    def measured(self) -> tuple[Bound, ...]:
        """Every sum that is bounded or aimed at, in the order the search counts them; without limits if only aimed at.

        The one place that knows this order: whoever looks for a sum among those of a problem asks its name here.
        """
        aimed = (Bound(name, 0.0, math.inf) for name in QUANTITIES if name in (self.target or {}))
        bounded = self.bounds
        return (*bounded, *(bound for bound in aimed if bound.name not in {each.name for each in bounded}))

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked that connected components do not give."""
        asked = self.zone_count is not None or self.must_not_join or self.fixed_zones or self.target
        return not self.bounds and not asked and self.zone_preference in ("auto", "fewest")


NOTHING_ASKED = ZoneRequirements()


def limit_faults(requirements: ZoneRequirements) -> list[Text]:
    """Bounds, targets, numbers and weights that no zone could keep."""
    faults: list[Text] = []
    for name in (*QUANTITIES, "target"):
        faults += _one_limit_faults(name, getattr(requirements, name) or {})
    if requirements.zone_count is not None and requirements.zone_count < 1:
        faults.append(
            Text(
                f"zone_count 应不小于 1，实为 {requirements.zone_count}。",
                f"zone_count must be at least 1, found {requirements.zone_count}.",
            )
        )
    for name in WEIGHTS:
        weight = getattr(requirements, name)
        if not (math.isfinite(weight) and weight >= 0):
            faults.append(Text(f"{name} 应为非负数，实为 {weight}。", f"{name} must not be negative, found {weight}."))
    return faults


def _one_limit_faults(name: str, limits: Limits) -> Iterable[Text]:
    known = tuple(QUANTITIES) if name == "target" else ("min", "max")
    for key, value in limits.items():
        if key not in known:
            near = nearest_names(str(key), known)
            hint = Text(f"；是否指 {near}？" if near else "。", f"; did you mean {near}?" if near else ".")
            yield Text(
                f"{name} 中没有 {key} 这一项，可用：{'、'.join(known)}{hint.zh}",
                f"{name} has no key {key}; known: {', '.join(known)}{hint.en}",
            )
        elif not math.isfinite(value) or value < 0 or (name == "target" and value == 0):
            yield Text(
                f"{name}.{key} 应为正数，实为 {value}。", f"{name}.{key} must be a positive number, found {value}."
            )
    if name != "target" and limits.get("min", 0) > limits.get("max", math.inf):
        yield Text(
            f"{name} 的下限 {limits['min']:g} 大于上限 {limits['max']:g}，任何片区都无法满足；请改正其一。",
            f"{name}: the minimum {limits['min']:g} is above the maximum {limits['max']:g}; mend one of them.",
        )


def group_faults(requirements: ZoneRequirements, ids: Ids) -> list[Text]:
    """Groups that name communities that do not exist, are too small, or contradict each other."""
    known = set(ids)
    faults = []
    for name in ("must_join", "must_not_join", "fixed_zones"):
        groups = getattr(requirements, name)
        strange = sorted({str(member) for group in groups for member in group if member not in known})
        if strange:
            faults.append(
                Text(
                    f"{name} 中的小区编号不存在：{shorten_ids(strange, 'zh')}。",
                    f"{name} names communities that do not exist: {shorten_ids(strange, 'en')}.",
                )
            )
        least = 1 if name == "fixed_zones" else 2
        if any(len(set(group)) < least for group in groups):
            faults.append(
                Text(
                    f"{name} 的每一组至少要有 {least} 个不同的小区。",
                    f"Each group of {name} needs {least} different communities.",
                )
            )
    return faults + _contradictions(requirements)


def _contradictions(requirements: ZoneRequirements) -> list[Text]:
    leaders = together_with([*requirements.must_join, *requirements.fixed_zones])
    faults = [
        Text(
            f"小区 {one} 与 {two} 既要求同片区又要求分开，请删去其一。",
            f"Communities {one} and {two} must be both together and apart; drop one wish.",
        )
        for group in requirements.must_not_join
        for one, two in combinations(sorted(set(group)), 2)
        if one in leaders and leaders[one] == leaders.get(two)
    ]
    owners: dict[str, set[int]] = {}
    for number, group in enumerate(requirements.fixed_zones):
        for member in group:
            owners.setdefault(member, set()).add(number)
    faults += [
        Text(f"小区 {member} 同时列入两个固定片区。", f"Community {member} is in two fixed zones.")
        for member, numbers in sorted(owners.items())
        if len(numbers) > 1
    ]
    return faults + [
        Text(
            f"must_join 要求 {'、'.join(group)} 同片区，但固定片区已把它们分开。",
            f"must_join wants {', '.join(group)} together, but fixed_zones separates them.",
        )
        for group in requirements.must_join
        if len({frozenset(owners.get(member, ())) for member in group}) > 1
    ]


def together_with(groups: Iterable[Sequence[str]]) -> dict[str, str]:
    """Each named community's representative under 'together with'."""
    leader: dict[str, str] = {}

    def find(member: str) -> str:
        while leader.setdefault(member, member) != member:
            member = leader[member]
        return member

    for group in groups:
        for member in group[1:]:
            one, two = sorted((find(group[0]), find(member)))
            leader[two] = one
    return {member: find(member) for member in list(leader)}
