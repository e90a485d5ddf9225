"""The best disjoint choice of zones, solved exactly: one part of the objective after the other.

Choosing disjoint zones that cover most communities at least cost is set partitioning; its linear
relaxation is tight, so columns priced into it from the list, then a mixed-integer programme over the few
columns that can still matter, prove the optimum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from scipy.sparse import csc_array

from gis_renovation.arrays import Floats
from gis_renovation.zones.solver.effort import SearchEffort
from gis_renovation.zones.solver.enumeration import Cover
from gis_renovation.zones.solver.problem import Labels, compact

# So few columns go into one integer programme without pricing.
SOLVED_WHOLE = 100
# Rounds of pricing; each adds a few thousand columns, and a few dozen suffice.
RELAXATION_ROUNDS = 200
# Columns a node in the pool of likely ones.
POOL_SHARE = 100
# Added to every cap for the solver's tolerance; and for integer programmes on whole values.
CAP_SLACK = 1e-6
WHOLE_ROOM = 0.4


class Programme(NamedTuple):
    """min cost @ x: every node covered once, each cap's values at x at most its limit, x in {0, 1}.

    ``room`` is what a limit may be exceeded by without letting any other whole choice in: integer
    programmes need it, since the solver's ones are only nearly one, and relaxations must not have it,
    since it would loosen their bound. The last ``barred`` columns may not be chosen.
    """

    cover: Cover
    caps: list[Floats]
    limits: Floats
    room: Floats
    cost: Floats
    barred: int = 0

    @property
    def columns(self) -> int:
        """How many columns there are to choose from."""
        return len(self.cost) - self.barred

    def cap_table(self, columns: Labels) -> Floats:
        """Values of the caps, columns by caps."""
        return np.stack([cap[columns] for cap in self.caps], axis=1) if self.caps else np.zeros((len(columns), 0))

    def only(self, columns: Labels) -> Programme:
        """The programme of some columns alone."""
        cover = Cover.of(self.cover.matrix(columns))
        return self._replace(cover=cover, caps=[cap[columns] for cap in self.caps], cost=self.cost[columns], barred=0)

    def reduced(self, prices: Floats, dues: Floats) -> Floats:
        """Cost of each column less what its nodes' prices and the caps' dues pay."""
        reduced = self.cost - self.cover.totals(prices)
        for cap, due in zip(self.caps, dues, strict=True):
            if due:
                reduced -= due * cap
        return reduced[: self.columns]


class Choice(NamedTuple):
    """Columns chosen, their value, and a bound that no choice can beat."""

    columns: Labels
    value: float
    bound: float


def choose_columns(programme: Programme, start: Labels, effort: SearchEffort, *, whole: bool) -> Choice:
    """The cheapest columns that cover every node once, proven where the limits allow.

    ``start`` is a feasible choice. The relaxation is solved by pricing columns in from the whole list;
    a column whose reduced cost exceeds the gap between the relaxation and a known solution is in no
    better one. So small integer programmes over the likeliest columns come first: once the best
    solution is within the next column's reduced cost of the relaxation, it is proven. With ``whole``
    values a better choice is better by one at least.
    """
    if programme.columns <= SOLVED_WHOLE:
        found = _solve(programme, np.arange(programme.columns), effort.max_nodes)
        if found is not None and found.bound >= found.value:
            return found
    column_limit = effort.max_columns
    bound, reduced, _ = relax(programme, start)
    best, value = start, float(programme.cost[start].sum())
    margin = 1.0 - 1e-6 if whole else 1e-7 * max(1.0, abs(value))
    order = _ascending(reduced, value - bound - (margin if whole else -margin))
    nodes = programme.cover.nodes
    for count in sorted({min(4 * nodes, column_limit), min(16 * nodes, column_limit), column_limit}):
        if value - bound <= margin:
            break
        useful = int(np.searchsorted(reduced[order], value - bound - (margin if whole else -margin), side="right"))
        tried = np.union1d(order[: min(count, useful)], best)
        found = _solve(programme, tried, effort.max_nodes)
        if found is not None and found.value < value - 1e-9:
            best, value = found.columns, found.value
        beyond = bound + reduced[order[count]] if count < useful else value
        bound = max(bound, min(found.bound if found is not None else bound, beyond, value))
        if count >= useful:
            break
    return Choice(best, value, value if value - bound <= margin else bound)


def _ascending(reduced: Floats, most: float) -> Labels:
    """Columns of at most so much reduced cost, the least first."""
    useful = np.flatnonzero(reduced <= most)
    return useful[np.argsort(reduced[useful], kind="stable")]


def relax(programme: Programme, start: Labels) -> tuple[float, Floats, Floats]:
    """A bound from the linear relaxation, the reduced costs there of all columns, none negative, and the prices.

    Columns are priced in from a pool of likely ones until it has none left, then from the whole list,
    which makes the next pool.
    """
    nodes = programme.cover.nodes
    scale = max(1.0, float(np.abs(programme.cost).max(initial=0.0)))
    inside = np.union1d(start, _likely(programme))
    pool = inside[:0]
    held = programme.only(pool)
    for _ in range(RELAXATION_ROUNDS):
        prices, dues, worth = _prices(programme, inside)
        reduced = held.reduced(prices, dues)
        fresh = np.setdiff1d(pool[reduced < -1e-9 * scale], inside, assume_unique=True)
        if not len(fresh):
            reduced = programme.reduced(prices, dues)
            pool = least(reduced, POOL_SHARE * nodes)
            held = programme.only(pool)
            fresh = np.setdiff1d(pool[reduced[pool] < -1e-9 * scale], inside, assume_unique=True)
            if not len(fresh):
                break
            reduced = reduced[pool]
        cheapest = np.argsort(reduced[np.searchsorted(pool, fresh)], kind="stable")
        inside = np.union1d(inside, fresh[cheapest[: 3 * nodes + 200]])
    else:
        reduced = programme.reduced(prices, dues)
    # A choice has at most one column a node, so this much below the prices' worth and no more.
    short = min(0.0, float(reduced.min(initial=0.0)))
    return worth + short * nodes, reduced - short, prices


def _prices(programme: Programme, columns: Labels) -> tuple[Floats, Floats, float]:
    """The relaxation over some columns: what covering each node and loosening each cap is worth, and its value."""
    capped = bool(programme.caps)
    result = scipy.optimize.linprog(
        programme.cost[columns],
        A_eq=programme.cover.matrix(columns).T.tocsc(),
        b_eq=np.ones(programme.cover.nodes),
        A_ub=programme.cap_table(columns).T if capped else None,
        b_ub=programme.limits if capped else None,
        method="highs",
    )
    if result.status != 0:
        raise RuntimeError(f"the relaxation of the zone choice failed: {result.message}")
    prices, dues = result.eqlin.marginals, np.minimum(result.ineqlin.marginals, 0.0)
    return prices, dues, float(prices.sum() + (dues @ programme.limits if capped else 0.0))


def least(values: Floats, count: int) -> Labels:
    """Positions, ascending, of the least values; of equal ones the first."""
    if count >= len(values):
        return np.arange(len(values))
    near = np.flatnonzero(values <= np.partition(values, count)[count])
    return np.sort(near[np.argsort(values[near], kind="stable")[:count]])


def _likely(programme: Programme, each: int = 8) -> Labels:
    """A few columns of least cost per member for each node, to begin with."""
    size = np.diff(programme.cover.starts[: programme.columns + 1])
    worth = programme.cost[: programme.columns] / size
    some = POOL_SHARE * programme.cover.nodes
    # Where all cost the same, those evenly through the list reach all nodes.
    likely = np.union1d(least(worth, some), np.arange(0, len(worth), max(1, len(worth) // some)))
    order = likely[np.argsort(worth[likely], kind="stable")]
    by_node = programme.cover.matrix(order).tocsc()
    by_node.sort_indices()
    starts = by_node.indptr[:-1]
    picked = np.concatenate([starts + k for k in range(each)])
    picked = picked[picked < np.tile(by_node.indptr[1:], each)]
    return np.unique(order[by_node.indices[picked]])


def _solve(programme: Programme, columns: Labels, node_limit: int) -> Choice | None:
    """The integer programme over some columns; None when it ends without any solution."""
    constraints = [scipy.optimize.LinearConstraint(programme.cover.matrix(columns).T.tocsc(), 1.0, 1.0)]
    if programme.caps:
        most = programme.limits + programme.room
        constraints.append(scipy.optimize.LinearConstraint(csc_array(programme.cap_table(columns).T), -np.inf, most))
    result = scipy.optimize.milp(
        programme.cost[columns],
        integrality=np.ones(len(columns)),
        bounds=(0, 1),
        constraints=constraints,
        options={"mip_rel_gap": 0.0, "node_limit": node_limit},
    )
    if result.x is None:
        return None
    chosen = columns[result.x > 0.5]
    value = float(programme.cost[chosen].sum())
    return Choice(chosen, value, value if result.status == 0 else float(result.mip_dual_bound))


class Columns(NamedTuple):
    """A choice to settle: zones, then last one column that leaves it out for each of the first ``leaving`` nodes.

    ``parts`` are the parts of the objective in order, a value a column; ``whole`` says which take whole
    values only. ``chosen`` is a feasible choice.
    """

    cover: Cover
    parts: tuple[Floats, Floats, Floats]
    whole: tuple[bool, bool, bool]
    leaving: int
    chosen: Labels

    def labels(self, chosen: Labels) -> Labels:
        """The partition that these columns make."""
        part = self.cover.matrix(chosen).tocoo()
        labels = np.empty(self.cover.nodes, dtype=np.int64)
        labels[part.col] = part.row
        return compact(labels)


def settle(
    columns: Columns, effort: SearchEffort, *, zone_count: int | None = None
) -> tuple[Labels, tuple[float, float, float]]:
    """The best choice, part after part, and a bound for each part (NaN after one that is not proven)."""
    chosen, bounds, certain = columns.chosen, [np.nan, np.nan, np.nan], True
    caps: list[_Cap] = []
    for part, whole in enumerate(columns.whole):
        values, floor = columns.parts[part], _floor(columns, part)
        if part == 1 and zone_count is not None:
            values, floor = _towards(columns, chosen, zone_count)
            caps = [*caps, _Cap(-values, -floor, WHOLE_ROOM)]
        value = float(values[chosen].sum())
        bound = min(floor, value)
        if value > floor + 1e-9:
            chosen, value, bound = _settle_part(columns, chosen, values, caps, effort, part=part)
        bound = float(np.ceil(bound - 1e-6)) if whole else bound
        certain &= not np.isnan(bound)
        bounds[part] = bound + 0.0 if certain else np.nan
        certain &= value - bound <= 1e-6 * max(1.0, abs(value))
        caps = [*caps, _Cap(values, value, WHOLE_ROOM if whole else CAP_SLACK * max(1.0, abs(value)))]
    if zone_count is not None:
        bounds[1] = abs(abs(bounds[1]) - zone_count)
    return chosen, (bounds[0], bounds[1], bounds[2])


def _settle_part(
    columns: Columns,
    chosen: Labels,
    values: Floats,
    caps: list[_Cap],
    effort: SearchEffort,
    *,
    part: int,
) -> tuple[Labels, float, float]:
    """The columns that minimise one part of the objective under the caps, their value, and its bound."""
    # Where nothing need be left out, columns that leave a node out are not needed again.
    barred = columns.leaving if part > 0 and columns.parts[0][chosen].sum() == 0 else 0
    highest = np.array([cap.highest + CAP_SLACK for cap in caps])
    room = np.array([cap.room for cap in caps])
    programme = Programme(columns.cover, [cap.values for cap in caps], highest, room, values, barred)
    choice = choose_columns(programme, chosen, effort, whole=columns.whole[part])
    return choice.columns, choice.value, choice.bound


def _floor(columns: Columns, part: int) -> float:
    """What is certain without solving: a node in no zone is left out; what costs nothing stays at 0."""
    if part > 0:
        return -np.inf if columns.parts[part].any() else 0.0
    zones = len(columns.parts[0]) - columns.leaving
    return float(columns.parts[0][zones:][~columns.cover.reached(zones)[: columns.leaving]].sum())


def _towards(columns: Columns, chosen: Labels, wanted: int) -> tuple[Floats, float]:
    """Values that draw the number of zones to the one asked for, and the value there."""
    zones = (columns.parts[0] == 0).astype(float)
    sign = 1.0 if zones[chosen].sum() > wanted else -1.0
    return sign * zones, sign * wanted


class _Cap(NamedTuple):
    """A sum over the chosen columns that may not exceed ``highest``; see :class:`Programme` for the room."""

    values: Floats
    highest: float
    room: float
