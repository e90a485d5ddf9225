"""What would give communities that were left out a zone: each remedy is applied, zoned again, and only then told.

A remedy counts if the same search and proof, under the changed wish or over the changed link, gives the whole group
zones and leaves no more of the others out than before. Where a component is too large to be proven again, a bound
is told only with the zones that would keep it, and the sentence says that the others stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Flags
from gis_renovation.contiguity import USABLE, LinkLimits, link_communities
from gis_renovation.errors import GisRenovationError
from gis_renovation.ids import ids_in
from gis_renovation.schemas import layer_schema
from gis_renovation.words import WAN, Sentence, Text
from gis_renovation.zones.proof import solve
from gis_renovation.zones.request import Request, only_nodes, read_request, solved_together
from gis_renovation.zones.requirements import QUANTITIES, Bound, ZoneRequirements, together_with
from gis_renovation.zones.sentences import Link, ZoneScene, amount_told
from gis_renovation.zones.solver import SearchEffort, list_candidates, part_problem

# Components with more candidate zones than this are not zoned again for every remedy.
TRIED_CANDIDATES = 20_000
# Trials of one call; after that, what is told is told as one way among others.
TRIALS = 600
# How far beyond the limit a gap is still worth a thought, and of each kind how many remedies are tried for a group.
GAP_SHARE = 1.25
TRIED_OF_A_KIND = 5
# Values of a limit tried one by one, from the least that could do, before a larger one is told as one way.
VALUES_TRIED = 12
WATER = ("river", "canal", "lake")


class Drawing(NamedTuple):
    """The layers of one run on text ids, as the links were judged from them."""

    communities: gpd.GeoDataFrame
    links: pd.DataFrame
    barriers: gpd.GeoDataFrame | None
    crossings: gpd.GeoDataFrame | None
    streets: gpd.GeoDataFrame | None
    limits: LinkLimits


class Remedy(NamedTuple):
    """One way that works: its sentence, and what it would change, as columns of the layer."""

    text: Sentence
    bound: str | None = None
    is_low: bool = False
    limit: float = math.nan
    relaxed: float = math.nan
    barrier_id: str | None = None
    partner: str | None = None
    max_gap_m: float = math.nan


class Change(NamedTuple):
    """A limit and the value it would need."""

    bound: Bound
    is_low: bool
    value: float

    @property
    def limit(self) -> float:
        """The limit as it is."""
        return self.bound.low if self.is_low else self.bound.high

    @property
    def share(self) -> float:
        """How large the change is, as a share of the limit."""
        return abs(self.value - self.limit) / max(self.limit, 1e-9)


class _Outcome(NamedTuple):
    """What zoning again gave: how many of the group's components are left out, and whether the group is placed."""

    saved: int
    is_placed: bool


def broken_bounds(scene: ZoneScene, rows: Iterable[int]) -> tuple[Change, ...]:
    """Limits that a set breaks as one zone, the worst first."""
    rows = list(rows)
    sums = [(bound, scene.total(rows, bound.name)) for bound in scene.requirements.bounds]
    found = [Change(bound, True, value) for bound, value in sums if value < bound.low]
    found += [Change(bound, False, value) for bound, value in sums if value > bound.high]
    return tuple(sorted(found, key=lambda change: -change.share))


def breaks_a_wish(scene: ZoneScene, rows: Iterable[int]) -> bool:
    """Whether a set cannot be one zone whatever its sums: some wanted apart, or torn from whom they must be with."""
    members = {scene.ids[row] for row in rows}
    wishes = scene.requirements
    apart = any(len(members.intersection(group)) > 1 for group in wishes.must_not_join)
    fixed = any(members.intersection(group) for group in wishes.fixed_zones)
    leader = together_with(wishes.must_join)
    teams = {leader[member] for member in members if member in leader}
    torn = any(team in teams and member not in members for member, team in leader.items())
    return apart or torn or fixed


def changed(wishes: ZoneRequirements, field: str, value: Any) -> ZoneRequirements:
    """The wishes with another value of one field."""
    one: dict[str, Any] = {field: value}
    return replace(wishes, **one)


class Workbench:
    """Applies a remedy to the request that was solved, zones what it touches again, and says whether it works."""

    def __init__(self, drawing: Drawing, scene: ZoneScene, effort: SearchEffort) -> None:
        self.drawing, self.scene, self.effort = drawing, scene, effort
        self._requests: dict[tuple[str, str], Request | None] = {}
        self._relinked: dict[str, pd.DataFrame | None] = {}
        self._trials = 0

    @property
    def is_spent(self) -> bool:
        """Whether all trials of this call are used up."""
        return self._trials >= TRIALS

    def works(self, rows: Sequence[int], wishes: ZoneRequirements, links: str = "") -> bool:
        """Whether the group is placed under these wishes, over the links of that name."""
        outcome = self.outcome(rows, wishes, links)
        return outcome is not None and outcome.is_placed

    def outcome(self, rows: Sequence[int], wishes: ZoneRequirements, links: str = "") -> _Outcome | None:
        """What zoning again gives the group; None where that is not certain."""
        request = self._request(wishes, links)
        if request is None or self.is_spent:
            return None
        node = request.node[list(rows)]
        fixed = {member for group in wishes.fixed_zones for member in group}
        if ((node < 0) & ~np.isin(request.ids[list(rows)], list(fixed))).any():
            return None
        together = solved_together(request)
        open_ = np.isin(together, together[list(rows)]) & (request.node >= 0)
        if not self._is_small(request, open_):
            return None
        self._trials += 1
        solution = solve(only_nodes(request, open_), self.effort)
        if any(proof.left_out > proof.left_out_bound + 1e-6 for proof in solution.proofs.values()):
            return None
        was_out = np.array([zone is None for zone in self.scene.zone]) & open_
        is_out = (solution.zone < 0) & open_
        saved = int(was_out.sum()) - int(is_out.sum())
        return _Outcome(saved, not is_out[list(rows)].any() and saved >= len(rows))

    def _is_small(self, request: Request, open_: Flags) -> bool:
        nodes = np.unique(request.node[open_])
        if request.requirements.is_plain or not len(nodes):
            return True
        return list_candidates(part_problem(request.problem, nodes), max_subsets=TRIED_CANDIDATES) is not None

    def _request(self, wishes: ZoneRequirements, links: str) -> Request | None:
        key = (repr(wishes), links)
        if key not in self._requests:
            table = self._relinked[links] if links else self.drawing.links
            try:
                self._requests[key] = None if table is None else read_request(self.drawing.communities, table, wishes)
            except GisRenovationError:
                # A wish that cannot be kept together with the others is no remedy.
                self._requests[key] = None
        return self._requests[key]

    # --- limits -----------------------------------------------------------------------------------

    def smallest(self, rows: Sequence[int], far: Change) -> tuple[Change, bool] | None:
        """The smallest change of a limit that works, and whether none smaller does; None where not even ``far`` does.

        How few are left out falls with every step of a limit, so the least value that could do is found by halving;
        from there on each sum that some zone may have is tried in turn.
        """
        values = self._sums_between(rows, far)
        if values is None or not self.works(rows, self.eased([far])):
            return None
        low, high, is_certain = 0, len(values) - 1, True
        while low < high:
            middle = (low + high) // 2
            outcome = self.outcome(rows, self.eased([far._replace(value=values[middle])]))
            is_certain &= outcome is not None
            if outcome is not None and outcome.saved >= len(rows):
                high = middle
            else:
                low = middle + 1
        for value in values[low : low + VALUES_TRIED]:
            change = far._replace(value=value)
            outcome = self.outcome(rows, self.eased([change]))
            is_certain &= outcome is not None
            if outcome is not None and outcome.is_placed:
                return change, is_certain
        return far, False

    def eased(self, changes: Iterable[Change]) -> ZoneRequirements:
        """The wishes with other limits, as they are printed."""
        wishes = self.scene.requirements
        for bound, is_low, value in changes:
            side = "min" if is_low else "max"
            limits = {**getattr(wishes, bound.name), side: printed_limit(bound.name, value, is_low=is_low)}
            wishes = changed(wishes, bound.name, limits)
        return wishes

    def _sums_between(self, rows: Sequence[int], far: Change) -> list[float] | None:
        """Sums that zones may have between a limit and ``far``, nearest to the limit first; None where too many."""
        request = self._request(self.eased([far]), "")
        if request is None:
            return None
        together = solved_together(request)
        open_ = np.isin(together, together[list(rows)]) & (request.node >= 0)
        part = part_problem(request.problem, np.unique(request.node[open_]))
        listed = list_candidates(part, max_subsets=TRIED_CANDIDATES) if open_.any() else None
        if listed is None:
            return None
        names = [bound.name for bound in request.requirements.measured]
        if far.bound.name not in names:
            return [far.value]
        column = part.stats[:, part.amounts.start + names.index(far.bound.name)]
        sums = np.unique(listed.cover.totals(column)) / QUANTITIES[far.bound.name].steps
        beyond = sums < far.limit if far.is_low else sums > far.limit
        found = sums[beyond][::-1] if far.is_low else sums[beyond]
        return list(dict.fromkeys([*found.tolist(), far.value]))

    # --- links ------------------------------------------------------------------------------------

    def agrees(self) -> bool:
        """Whether linking the drawing again gives the very links that were given: else nothing is said of new ones."""
        if "drawn" not in self._relinked:
            again = self._link(self.drawing.communities, self.drawing.limits, self.drawing.crossings)
            given = self.drawing.links
            same = again is not None and _usable_pairs(again) == _usable_pairs(given)
            self._relinked["drawn"] = given if same else None
        return self._relinked["drawn"] is not None

    def with_gap(self, max_gap_m: float) -> str:
        """The name of the links under another gap limit."""
        limits = replace(self.drawing.limits, max_gap_m=max_gap_m)
        return self._with_fresh(f"gap {max_gap_m:g}", self.drawing.communities, limits, self.drawing.crossings)

    def across_subdistricts(self) -> str:
        """The name of the links where borders of subdistricts do not cut."""
        limits = replace(self.drawing.limits, within_subdistrict=False)
        return self._with_fresh("subdistricts", self.drawing.communities, limits, self.drawing.crossings)

    def opened(self, link: Link) -> str:
        """The name of the links once a cut one can be walked: where nobody drew the barrier, its table must do."""
        one, two = sorted((str(self.scene.ids[link.head]), str(self.scene.ids[link.tail])))
        given, name = self.drawing.links, f"opened {one} {two}"
        self._relinked[name] = given.assign(status=given["status"].where(given.index != f"{one}~{two}", "rejoined"))
        return name

    def with_crossings(self, link: Link) -> str:
        """The name of the links once each barrier in the way of a link has a crossing where the two are nearest."""
        ids, limits = self.scene.ids, self.drawing.limits
        shapes = self.drawing.communities.geometry
        line = shapely.shortest_line(shapes[ids[link.head]], shapes[ids[link.tail]])
        reach_m = limits.max_detour_m + 2.0 * limits.max_gap_m
        near = self.drawing.communities[shapely.dwithin(np.asarray(shapes), line, reach_m)]
        name = f"crossing {ids[link.head]} {ids[link.tail]}"
        built = _built(line, link.barrier_ids, self.drawing)
        return self._with_fresh(name, near, limits, built)

    def _with_fresh(
        self, name: str, near: gpd.GeoDataFrame, limits: LinkLimits, crossings: gpd.GeoDataFrame | None
    ) -> str:
        """The links given, and those that linking some communities anew makes usable."""
        if name not in self._relinked:
            again = self._link(near, limits, crossings)
            given = self.drawing.links
            if again is not None:
                usable = again[again["status"].isin(USABLE)]
                fresh = usable[~usable.index.isin(given.index[given["status"].isin(USABLE)])]
                again = pd.concat([given.drop(index=fresh.index, errors="ignore"), fresh])
            self._relinked[name] = again
        return name

    def _link(
        self, communities: gpd.GeoDataFrame, limits: LinkLimits, crossings: gpd.GeoDataFrame | None
    ) -> pd.DataFrame | None:
        try:
            linked: pd.DataFrame = link_communities(
                communities, self.drawing.barriers, crossings, streets=self.drawing.streets, limits=limits
            )
        except GisRenovationError:
            return None
        return linked


def by_pair(links: pd.DataFrame) -> pd.DataFrame:
    """The links on the ids that linking gives them, whatever index the table has; one a pair."""
    one, two = (ids_in(links[side]).astype(str) for side in ("focal", "neighbor"))
    pairs = [f"{min(pair)}~{max(pair)}" for pair in zip(one, two, strict=True)]
    return links.assign(focal=one, neighbor=two).set_axis(pd.Index(pairs, dtype="str", name="link_id"))


def _usable_pairs(links: pd.DataFrame) -> set[tuple[str, str]]:
    usable = links[links["status"].isin(USABLE)]
    return {(min(pair), max(pair)) for pair in zip(usable["focal"], usable["neighbor"], strict=True)}


def _built(line: shapely.Geometry, barrier_ids: Sequence[str], drawing: Drawing) -> gpd.GeoDataFrame:
    """The crossings there are, and one over each of the barriers, along the shortest line."""
    index = [f"new over {key}" for key in barrier_ids]
    fresh = gpd.GeoDataFrame(
        {"kind": ["bridge"] * len(index), "barrier_id": list(barrier_ids)},
        geometry=[line] * len(index),
        index=index,
        crs=drawing.communities.crs,
    )
    old = drawing.crossings
    if old is None or not len(old):
        return fresh
    kept = old[[name for name in ("kind", "barrier_id") if name in old]].assign(geometry=old.geometry)
    return gpd.GeoDataFrame(pd.concat([pd.DataFrame(kept), fresh]), geometry="geometry", crs=drawing.communities.crs)


# --- the remedies of one group ----------------------------------------------------------------------


def remedies_for(bench: Workbench, rows: Sequence[int]) -> list[Remedy]:
    """The ways that give a group its zones, those first that planners take first."""
    found = _wider_gap(bench, rows)
    found += _alone(bench.scene, rows)
    found += _eased_limits(bench, rows)
    found += _crossing(bench, rows)
    return found + _dropped_wishes(bench, rows)


def _alone(scene: ZoneScene, rows: Sequence[int]) -> list[Remedy]:
    """Renovated each by itself: a fixed zone is kept whatever the bounds."""
    bound_to_others = {member for group in scene.requirements.must_join for member in group}
    if bound_to_others.intersection(scene.ids[list(rows)]):
        return []
    if len(rows) == 1:
        return [Remedy(Sentence.of("单独实施（列为固定片区）", "works of its own (as a fixed zone)"))]
    return [Remedy(Sentence.of("各自单独实施（各列为固定片区）", "works of their own (each as a fixed zone)"))]


def _wider_gap(bench: Workbench, rows: Sequence[int]) -> list[Remedy]:
    """The least gap limit, in whole metres, that gives the group a neighbour to be placed with."""
    scene, limit = bench.scene, bench.drawing.limits.max_gap_m
    if not bench.agrees():
        return []
    shapes = np.asarray(bench.drawing.communities.geometry.loc[scene.ids].to_numpy(), dtype=object)
    others = np.setdiff1d(np.arange(len(shapes)), rows)
    if not len(others):
        return []
    gap_m = shapely.distance(shapes[others][:, None], shapes[list(rows)][None, :]).min(axis=1)
    wide = (gap_m > limit) & (gap_m <= max(limit * GAP_SHARE, limit + 10.0))
    steps = sorted({max(math.ceil(gap - 1e-9), limit + 1.0) for gap in gap_m[wide].tolist()})
    for step in steps[:TRIED_OF_A_KIND]:
        if bench.works(rows, scene.requirements, bench.with_gap(step)):
            there = others[wide & (gap_m <= step)]
            nearest = there[np.argmin(gap_m[wide & (gap_m <= step)])]
            text = Text(
                f"间距上限由 {limit:g} 米放宽到 {step:g} 米（最近的{{name}}）",
                f"a gap limit of {step:g} m instead of {limit:g} m (nearest: {{name}})",
            )
            return [Remedy(Sentence(text.fill(name=scene.names[nearest])), max_gap_m=step)]
    return []


def _eased_limits(bench: Workbench, rows: Sequence[int]) -> list[Remedy]:
    """The limit whose change is the smallest; several together only where no single one will do."""
    scene = bench.scene
    options = [broken_bounds(scene, own) for own in _possible_zones(scene, rows)]
    single: dict[tuple[str, bool], Change] = {}
    for changes in options:
        if len(changes) == 1:
            key = (changes[0].bound.name, changes[0].is_low)
            single[key] = min(single.get(key, changes[0]), changes[0], key=lambda change: change.share)
    found = [(bench.smallest(rows, far), far) for far in single.values()]
    proven = [each for each, _ in found if each is not None]
    if proven:
        change, is_least = min(proven, key=lambda each: (each[0].share, not each[1]))
        return [_limit_remedy([change], _limits_told([change], is_least=is_least))]
    several = sorted((changes for changes in options if changes), key=lambda changes: max(c.share for c in changes))
    for changes in several[:TRIED_OF_A_KIND]:
        outcome = bench.outcome(rows, bench.eased(changes))
        told = _limits_told(changes, is_least=False)
        if outcome is None:
            return [
                _limit_remedy(
                    changes, Sentence.of("{told}（其余片区不变）", "{told} (other zones as they are)", told=told)
                )
            ]
        if outcome.is_placed:
            return [_limit_remedy(changes, told)]
    return []


def _possible_zones(scene: ZoneScene, rows: Sequence[int]) -> list[list[int]]:
    """The group as a zone of its own, and with each zone next to it, where no wish but a bound forbids it."""
    homes = dict.fromkeys(scene.zone[there] for _, there in scene.outer_links(rows, scene.links))
    zones = [list(rows), *([*rows, *scene.members[home]] for home in homes if home is not None)]
    return [own for own in zones if not breaks_a_wish(scene, own)]


def _limit_remedy(changes: Sequence[Change], told: Sentence) -> Remedy:
    first = changes[0]
    return Remedy(told, bound=first.bound.name, is_low=first.is_low, limit=first.limit, relaxed=first.value)


def _limits_told(changes: Sequence[Change], *, is_least: bool) -> Sentence:
    """The limits that would do; each is the sum that some communities have, so it tells that."""
    least, most = ("至少降至", "至少升至") if is_least else ("降至", "升至")
    parts = []
    for bound, is_low, value in changes:
        word = Text(f"下限{least}", "minimum") if is_low else Text(f"上限{most}", "maximum")
        label = QUANTITIES[bound.name].label
        enough = amount_told(bound.name, printed_limit(bound.name, value, is_low=is_low))
        how = Text("", "at most" if is_low else "at least") if is_least else Text("", "")
        zh, en = "{label}{word} {enough}", "a {word} of {how}{enough} for {label}"
        how = Text("", f"{how.en} " if how.en else "")
        parts.append(Sentence.of(zh, en, label=label, word=word, how=how, enough=enough))
    told = Sentence.joined(Text("且", " and "), parts)
    return told if is_least else Sentence.of("{told}（可行的办法之一）", "{told} (one way that works)", told=told)


def printed_limit(name: str, value: float, *, is_low: bool) -> float:
    """A limit that suffices as it is printed: a minimum is rounded down, a maximum up."""
    in_wan = name == "cost_yuan" or (name in ("floor_area_m2", "land_area_m2") and value >= WAN)
    # Two decimals of 万 are hundreds; sums are exact to the hundredth, so less than that is rounding.
    step = WAN / 100 if in_wan else 1.0
    whole = round(value / step, 6)
    return step * (math.floor(whole) if is_low else math.ceil(whole))


def _crossing(bench: Workbench, rows: Sequence[int]) -> list[Remedy]:
    """Crossings over all barriers of the narrowest cut that would give the group its zones."""
    scene = bench.scene
    for link, there in scene.outer_links(rows, scene.cuts)[:TRIED_OF_A_KIND]:
        is_drawn = bench.drawing.barriers is not None or bench.drawing.streets is not None
        if not link.barrier_ids or link.cause not in (None, "barrier") or (is_drawn and not bench.agrees()):
            continue
        links = bench.with_crossings(link) if is_drawn else bench.opened(link)
        if bench.works(rows, scene.requirements, links):
            told = crossing_text(scene, link, scene.names[there])
            return [Remedy(Sentence(told), barrier_id=link.barrier_ids[0], partner=str(scene.ids[there]))]
    return []


def crossing_text(scene: ZoneScene, link: Link, partner: str) -> Text:
    """What to build over the barriers in the way: a bridge over water, a gate in a wall, else some crossing."""
    parts = []
    for key in link.barrier_ids:
        kind = scene.barrier_kinds.get(key, link.barrier_kind or "")
        known = layer_schema("barriers").fields["kind"].values.get(kind, Text("阻隔", "barrier"))
        name = scene.barriers.get(key)
        over = Text.same(name) if name else Text("{known} {key} ", "{known} {key}").fill(known=known, key=key)
        said = Text("跨{over}增设一处过街通道", "a crossing over {over}")
        if kind in WATER:
            said = Text("跨{over}架一座桥", "a bridge over {over}")
        elif kind == "wall":
            said = Text("在{over}上开一处通行门", "a gate in {over}")
        parts.append(said.fill(over=over))
    told = Text("、并", " and ").join(parts)
    return Text("{told}（与{partner}相连）", "{told} to join {partner}").fill(told=told, partner=partner)


def _dropped_wishes(bench: Workbench, rows: Sequence[int]) -> list[Remedy]:
    """Wishes other than bounds without which the group would be placed."""
    scene, wishes = bench.scene, bench.scene.requirements
    kinds = (
        ("must_not_join", "取消{names}分开的要求", "dropping the wish to keep {names} apart"),
        ("must_join", "取消{names}同片的要求", "dropping the wish to keep {names} together"),
        ("fixed_zones", "不再固定{names}所成的片区", "no longer fixing the zone of {names}"),
    )
    own = {scene.ids[row] for row in rows}
    near = own | {scene.ids[there] for _, there in scene.outer_links(rows, scene.links)}
    found = []
    for field, zh, en in kinds:
        groups = getattr(wishes, field)
        touched = [place for place, group in enumerate(groups) if near.intersection(group)]
        for place in touched[:TRIED_OF_A_KIND]:
            less = changed(wishes, field, [*groups[:place], *groups[place + 1 :]])
            if bench.works(rows, less):
                names = scene.name_list([r for r, member in enumerate(scene.ids) if member in groups[place]])
                found.append(Remedy(Sentence(Text(zh, en).fill(names=names))))
                break
    if (
        bench.drawing.limits.within_subdistrict
        and bench.agrees()
        and bench.works(rows, wishes, bench.across_subdistricts())
    ):
        found.append(Remedy(Sentence.of("允许跨街道（乡镇）连片", "letting zones cross borders of subdistricts")))
    return found
