"""The best disjoint choice of zones, solved exactly: one part of the objective after the other.

Choosing disjoint zones that cover most communities at least cost is set partitioning; its linear
relaxation is tight, so columns priced into it from the list, then a mixed-integer programme over the few
columns that can still matter, prove the optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gis_renovation.arrays import Floats
from gis_renovation.zones.solver.bitsets import MOST_NODES
from gis_renovation.zones.solver.branching import Relaxed, Tables, Work, best_by_branching, relaxation
from gis_renovation.zones.solver.covering import Limits, Priced, best_cover
from gis_renovation.zones.solver.covers import Cover
from gis_renovation.zones.solver.effort import SearchEffort
from gis_renovation.zones.solver.problem import Labels, compact

# So few columns go into one integer programme without pricing.
SOLVED_WHOLE = 100
# Rounds of pricing; each adds a few thousand columns, and a few dozen suffice.
RELAXATION_ROUNDS = 200
# Columns a node in the pool of likely ones.
POOL_SHARE = 100
# What differences of float64 leave behind.
ROUNDED = 1.0 + 1e-9
# A tree may take this share of the steps that a relaxation may.
TREE_SHARE = 5
# Partial covers kept at each node while only a good choice is wanted.
NARROW = 300
# Added to every cap for the solver's tolerance; and for integer programmes on whole values.
CAP_SLACK = 1e-6
WHOLE_ROOM = 0.4


class Programme(NamedTuple):
    """min cost @ x: every node covered once, each cap's values at x at most its limit, x in {0, 1}.

    ``room`` is what a limit may be exceeded by without letting any other whole choice in: integer
    programmes need it, since the solver's ones are only nearly one, and relaxations must not have it,
    since it would loosen their bound. The last ``barred`` columns may not be chosen.
    ``counted`` is the cap of a number of zones asked for, where there is one: the values of other caps are the best
    there can be.
    """

    cover: Cover
    caps: list[Floats]
    limits: Floats
    room: Floats
    cost: Floats
    barred: int = 0
    counted: int | None = None

    @property
    def columns(self) -> int:
        """How many columns there are to choose from."""
        return len(self.cost) - self.barred

    def cap_table(self, columns: Labels) -> Floats:
        """Values of the caps, columns by caps."""
        return np.stack([cap[columns] for cap in self.caps], axis=1) if self.caps else np.zeros((len(columns), 0))

    def only(self, columns: Labels) -> Programme:
        """The programme of some columns alone."""
        return self._replace(
            cover=self.cover.only(columns), caps=[cap[columns] for cap in self.caps], cost=self.cost[columns], barred=0
        )

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
    if programme.columns <= SOLVED_WHOLE and programme.cover.nodes > MOST_NODES:
        value = float(programme.cost[start].sum())
        margin = 1.0 - 1e-6 if whole else 1e-7 * max(1.0, abs(value))
        found = _solve(programme, np.arange(programme.columns), value, margin, effort)
        if found.value - found.bound <= margin * ROUNDED:
            return Choice(found.columns if found.value < value - 1e-9 else start, found.value, found.value)
    relaxed, reduced, _ = relax(programme, start, effort)
    known = Choice(start, float(programme.cost[start].sum()), relaxed)
    margin = 1.0 - 1e-6 if whole else 1e-7 * max(1.0, abs(known.value))
    deepened = _by_partial_covers if programme.cover.nodes <= MOST_NODES else _by_programmes
    found = deepened(programme, known, reduced, effort, whole=whole)
    return found._replace(bound=found.value) if found.value - found.bound <= margin * ROUNDED else found


def _by_partial_covers(
    programme: Programme, known: Choice, reduced: Floats, effort: SearchEffort, *, whole: bool
) -> Choice:
    """All choices of few nodes whose reduced costs add up to little, then to more, until the best is among them.

    What a choice costs more than the relaxation is what its reduced costs add up to at least, so that the work does
    not depend on how good the known choice is.
    """
    relaxed, columns = known.bound, np.arange(programme.columns)
    for share in (1.0 / 256.0, 1.0 / 64.0, 1.0 / 16.0, 1.0 / 4.0, 1.0):
        spare = 1.0 - 1e-6 if whole else -1e-7 * max(1.0, abs(known.value))
        most = known.value - relaxed - spare
        if most < 0 or known.value - known.bound <= abs(spare) or effort.seconds_left() <= 0:
            break
        budget = share * most
        tried = columns[reduced <= budget]
        found = _best_of(programme, tried, reduced, budget, effort, width=None)
        if found is None:
            rough = _best_of(programme, columns[reduced <= most], reduced, most, effort, width=NARROW)
            return (
                known
                if rough is None or rough.value >= known.value - 1e-9
                else known._replace(columns=rough.columns, value=rough.value)
            )
        if found.value < known.value - 1e-9:
            known = known._replace(columns=found.columns, value=found.value)
        known = known._replace(
            bound=max(known.bound, min(relaxed + budget, known.value) if share < 1.0 else known.value)
        )
    return known


def _by_programmes(
    programme: Programme, known: Choice, reduced: Floats, effort: SearchEffort, *, whole: bool
) -> Choice:
    """Integer programmes over the likeliest columns, then over more."""
    relaxed, (best, value, bound) = known.bound, known
    margin = 1.0 - 1e-6 if whole else 1e-7 * max(1.0, abs(value))
    spare = margin if whole else -margin
    order = _ascending(reduced, value - relaxed - spare)
    for count in _stages(programme, effort, whole=whole):
        if value - bound <= margin * ROUNDED or effort.seconds_left() <= 0:
            break
        # Prices of the relaxation say which columns matter, whatever bound is known by now.
        budget = value - relaxed - spare
        useful = int(np.searchsorted(reduced[order], budget, side="right"))
        tried = np.union1d(order[: min(count, useful)], best)
        tree = _few_nodes(effort) if whole and count > 4 * programme.cover.nodes else effort
        found = _solve(programme, tried, value, margin, tree)
        if found.value < value - 1e-9:
            best, value = found.columns, found.value
        beyond = relaxed + reduced[order[count]] if count < useful else value
        bound = max(bound, min(found.bound, beyond, value))
        if count >= useful:
            break
    return Choice(best, value, bound)


def _few_nodes(effort: SearchEffort) -> SearchEffort:
    """The effort where a tree tells little: for a number of zones among many columns, and where no proof can follow."""
    return replace(effort, max_nodes=max(1, effort.max_nodes // 100))


def _stages(programme: Programme, effort: SearchEffort, *, whole: bool) -> list[int]:
    """How many of the likeliest columns are tried one after the other."""
    nodes, most = programme.cover.nodes, effort.max_columns
    return sorted({min(4 * nodes, most), min(16 * nodes, most), *(() if whole else (most,))})


def _best_of(
    programme: Programme, columns: Labels, reduced: Floats, budget: float, effort: SearchEffort, *, width: int | None
) -> Choice | None:
    """The best choice among some columns whose reduced costs add up to the budget at most; None beyond the effort.

    ``reduced`` are the reduced costs of all columns. Where there is no choice, its value is infinite.
    """
    values = np.column_stack([programme.cap_table(columns), programme.cost[columns]])
    limits = Limits(budget, np.append(programme.limits + programme.room, np.inf), programme.counted)
    sets = Priced(columns, reduced[columns], values)
    chosen = best_cover(programme.cover, sets, limits, max_pairs=effort.max_pairs, width=width)
    if chosen is None:
        return None
    value = float(programme.cost[chosen].sum()) if len(chosen) else np.inf
    return Choice(chosen, value, -np.inf if width is not None else value)


def _ascending(reduced: Floats, most: float) -> Labels:
    """Columns of at most so much reduced cost, the least first."""
    useful = np.flatnonzero(reduced <= most)
    return useful[np.argsort(reduced[useful], kind="stable")]


def relax(programme: Programme, start: Labels, effort: SearchEffort) -> tuple[float, Floats, Floats]:
    """A bound from the linear relaxation, the reduced costs there of all columns, none negative, and the prices.

    Columns are priced in from a pool of likely ones until it has none left, then from the whole list,
    which makes the next pool. Where the effort ends before, the last prices bound too, though less tightly.
    """
    nodes = programme.cover.nodes
    scale = max(1.0, float(np.abs(programme.cost).max(initial=0.0)))
    inside = np.union1d(start, _likely(programme))
    pool = inside[:0]
    held = programme.only(pool)
    found = Relaxed(np.zeros(0), 0.0, np.zeros(nodes), np.zeros(len(programme.caps)), 0)
    steps = effort.max_iterations
    for _ in range(RELAXATION_ROUNDS):
        tables = _tables(programme, inside)
        better = relaxation(tables, np.ones(len(inside), dtype=bool), steps, effort.seconds_left())
        if better is None:
            reduced = programme.reduced(found.prices, found.dues)
            break
        found, steps = better, steps - better.steps
        prices, dues = found.prices, found.dues
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
        reduced = programme.reduced(found.prices, found.dues)
    # A choice has at most one column a node, so this much below the prices' worth and no more.
    short = min(0.0, float(reduced.min(initial=0.0)))
    return found.value + short * nodes, reduced - short, found.prices


def least(values: Floats, count: int) -> Labels:
    """Positions, ascending, of the least values; of equal ones the first."""
    if count >= len(values):
        return np.arange(len(values))
    near = np.flatnonzero(values <= np.partition(values, count)[count])
    return np.sort(near[np.argsort(values[near], kind="stable")[:count]])


def _likely(programme: Programme, each: int = 60) -> Labels:
    """Some columns of least cost per member for each node, to begin with."""
    size = programme.cover.sizes()[: programme.columns]
    worth = programme.cost[: programme.columns] / size
    some = POOL_SHARE * programme.cover.nodes
    # Where all cost the same, those evenly through the list reach all nodes.
    is_likely = np.arange(len(worth)) % max(1, len(worth) // some) == 0
    is_likely[least(worth, some)] = True
    likely = np.flatnonzero(is_likely)
    order = likely[np.argsort(worth[likely], kind="stable")]
    by_node = programme.cover.matrix(order).tocsc()
    by_node.sort_indices()
    starts = by_node.indptr[:-1]
    picked = np.concatenate([starts + k for k in range(each)])
    picked = picked[picked < np.tile(by_node.indptr[1:], each)]
    return np.unique(order[by_node.indices[picked]])


def _solve(programme: Programme, columns: Labels, known: float, margin: float, effort: SearchEffort) -> Choice:
    """The best choice among some columns that beats the known value, where there is one, and a bound on these."""
    work = Work(effort.max_nodes, effort.max_iterations // TREE_SHARE, effort.seconds_left())
    best = best_by_branching(_tables(programme, columns), known, margin, work)
    return Choice(columns[best.columns], best.value, best.bound)


def _tables(programme: Programme, columns: Labels) -> Tables:
    """Some columns as the tables of a linear programme."""
    cover, caps = programme.cover.matrix(columns), programme.cap_table(columns)
    return Tables(cover, programme.cost[columns], caps, programme.limits, programme.room)


class Columns(NamedTuple):
    """A choice to settle: zones, then last one column that leaves it out for each of the first ``leaving`` nodes.

    ``parts`` are the parts of the objective in order, a value a column; ``whole`` says which take whole
    values only. ``chosen`` is a feasible choice. ``floors`` is what the first two parts are at least; the second
    holds where the first is reached.
    """

    cover: Cover
    parts: tuple[Floats, Floats, Floats]
    whole: tuple[bool, bool, bool]
    leaving: int
    chosen: Labels
    floors: tuple[float, float] = (0.0, -np.inf)

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
        values, floor = columns.parts[part], _floor(columns, part, bounds)
        if part == 1 and zone_count is not None:
            values, floor = _towards(columns, chosen, zone_count)
            caps = [*caps, _Cap(-values, -floor, WHOLE_ROOM)]
        value = float(values[chosen].sum())
        bound = min(floor, value)
        if value > floor + 1e-9:
            counted = 1 if part > 0 and zone_count is not None else None
            # What follows a part that is not proven is only made better.
            own = effort if certain else _few_nodes(effort)
            chosen, value, bound = _settle_part(columns, chosen, values, caps, own, part=part, counted=counted)
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
    counted: int | None,
) -> tuple[Labels, float, float]:
    """The columns that minimise one part of the objective under the caps, their value, and its bound."""
    # Where nothing need be left out, columns that leave a node out are not needed again.
    barred = columns.leaving if part > 0 and columns.parts[0][chosen].sum() == 0 else 0
    highest = np.array([cap.highest + CAP_SLACK for cap in caps])
    room = np.array([cap.room for cap in caps])
    programme = Programme(columns.cover, [cap.values for cap in caps], highest, room, values, barred, counted)
    choice = choose_columns(programme, chosen, effort, whole=columns.whole[part])
    return choice.columns, choice.value, choice.bound


def _floor(columns: Columns, part: int, bounds: Sequence[float]) -> float:
    """What is certain without solving: a node in no zone is left out; what costs nothing stays at 0."""
    if part == 0:
        return columns.floors[0]
    if not columns.parts[part].any():
        return 0.0
    return columns.floors[1] if part == 1 and bounds[0] <= columns.floors[0] + 1e-9 else -np.inf


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
