"""Why communities were left out, and the least change that would give them a zone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.crs import require_metric
from gis_renovation.ids import on_text_ids
from gis_renovation.schemas import layer_schema
from gis_renovation.sentences import with_sentences
from gis_renovation.words import LISTED, NO_TEXT, WAN, Sentence, Text
from gis_renovation.zones.request import has_unknown, zone_by_member
from gis_renovation.zones.requirements import NOTHING_ASKED, QUANTITIES, Bound, ZoneRequirements
from gis_renovation.zones.sentences import (
    NAMES_SHOWN,
    Link,
    ZoneScene,
    amount_text,
    amount_told,
    linked_groups,
    read_scene,
)

# Names that end like this say themselves that they are communities; 小区 before them would be said twice.
OWN_ENDINGS = (*"村苑院园坊里楼庭府城湾", "小区", "宿舍", "公寓", "家属区", "生活区")
WATER = ("river", "canal", "lake")


class Shortfall(NamedTuple):
    """Communities that no zone could take: the bound in the way and the least change that would do.

    ``relaxed`` is the value that the limit of ``bound`` would need (NaN when no bound is at fault);
    ``barrier_id`` the barrier over which a crossing would do, ``partner`` the community beyond it.
    """

    rows: tuple[int, ...]
    sentence: Sentence
    bound: str | None = None
    is_low: bool = False
    limit: float = math.nan
    found: float = math.nan
    relaxed: float = math.nan
    barrier_id: str | None = None
    partner: str | None = None


class _Remedy(NamedTuple):
    """Limits to change so that a group is, or joins, a zone: (bound, is_low, value needed)."""

    changes: tuple[tuple[Bound, bool, float], ...]

    @property
    def share(self) -> float:
        """Largest change as a share of its limit."""
        return max(
            abs(value - _limit(bound, is_low)) / max(_limit(bound, is_low), 1e-9)
            for bound, is_low, value in self.changes
        )


def explain_shortfalls(
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    requirements: ZoneRequirements = NOTHING_ASKED,
) -> gpd.GeoDataFrame:
    """Why communities were left out, group by group, and the least change that would give them a zone.

    A change named in the sentence suffices: with that limit, or that crossing, the group is or joins a zone
    that keeps all bounds.

    Parameters
    ----------
    communities, community_links, zone_members
        Layers of one run; polygons and lines in one projected CRS in metres.
    barriers
        For their names in the sentences; None: barriers go by their kind and id.
    requirements
        As for :func:`delineate_zones`: the bounds that were in the way.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``zone_shortfalls``, index ``shortfall_id`` (``S-`` and the smallest id), sorted;
        (multi)polygons. Nothing left out gives no rows with the same columns.

    Raises
    ------
    CRSError
        No common projected CRS in metres.

    Notes
    -----
    O(n + m).

    Examples
    --------
    Four communities in a row, 10 m apart. At most 560 households leave no zone for the last two: 200 are too
    few and 600 too many.

    >>> import geopandas as gpd
    >>> import numpy as np
    >>> import shapely
    >>> from gis_renovation.contiguity import link_communities
    >>> from gis_renovation.zones import delineate_zones
    >>> x = np.arange(4) * 110.0
    >>> communities = gpd.GeoDataFrame(
    ...     {"name": ["甲", "乙", "丙", "丁"], "households": [300, 250, 200, 600]},
    ...     index=["C1", "C2", "C3", "C4"],
    ...     geometry=shapely.box(x, 0.0, x + 100.0, 80.0),
    ...     crs="EPSG:4548",
    ... )
    >>> links = link_communities(communities)
    >>> asked = ZoneRequirements(households={"min": 500, "max": 560})
    >>> members = delineate_zones(communities, links, requirements=asked)
    >>> shortfalls = explain_shortfalls(communities, links, members, requirements=asked)
    >>> print(shortfalls.loc["S-C4", "reason_zh"])
    小区丁，600 户，高于上限 560 户；户数上限升至 600 户即可。
    """
    require_metric(communities=communities, community_links=community_links)
    communities, zone_members = on_text_ids(communities, "communities"), on_text_ids(zone_members, "zone_members")
    scene = read_scene(communities, community_links, zone_by_member(zone_members), requirements, barriers)
    found = sorted(shortfalls(scene), key=lambda entry: str(scene.ids[entry.rows[0]]))
    shapes = communities.loc[scene.ids].geometry.to_numpy()
    geometry = np.array([shapely.union_all(shapes[list(entry.rows)]) for entry in found], dtype=object)
    index = pd.Index([f"S-{scene.ids[entry.rows[0]]}" for entry in found], dtype="str", name="shortfall_id")
    table = pd.DataFrame(_shortfall_columns(scene, found), index=index)
    table = with_sentences(table, "reason", [entry.sentence for entry in found])
    return gpd.GeoDataFrame(table, geometry=gpd.array.from_shapely(geometry, crs=communities.crs))


def shortfalls(scene: ZoneScene) -> list[Shortfall]:
    """One entry for each connected group of communities left out, by smallest id.

    A community that breaks a maximum alone, or whose bounded amounts are unknown, is an entry of its own.
    """
    out = [row for row, zone in enumerate(scene.zone) if zone is None]
    unknown = [row for row in out if has_unknown(scene.amounts, scene.requirements)[row]]
    large = [
        row for row in out if any(scene.total([row], bound.name) > bound.high for bound in scene.requirements.bounds)
    ]
    rest = sorted(set(out).difference(large, unknown))
    groups = [*([row] for row in (*large, *unknown)), *linked_groups(rest, scene.inner_links(rest))]
    return [_shortfall(scene, tuple(rows)) for rows in sorted(groups)]


def _shortfall(scene: ZoneScene, rows: tuple[int, ...]) -> Shortfall:
    if any(np.isnan(scene.total(rows, bound.name)) for bound in scene.requirements.bounds):
        return _unknown_shortfall(scene, rows)
    broken = broken_bounds(scene, rows)
    start = _start_text(scene, rows, broken)
    if not broken:
        zh = "{start}；限值之外的要求（片区数、必须同片或分开）使其无处可归，请放宽。"
        en = "{start}: wishes other than bounds (number of zones, together, apart) leave no place; relax them."
        return Shortfall(rows, Sentence.of(zh, en, start=start))
    bound, is_low, value = broken[0]
    barrier_id, partner, crossing = _crossing(scene, rows)
    remedy = min([_Remedy(broken), *_joining_remedies(scene, rows)], key=lambda option: option.share)
    missed, enough = _missed_told(scene, rows, bound, is_low=is_low), _remedy_told(remedy)
    ways = Sentence.joined(Text("，或", " or "), [crossing, enough] if crossing else [enough])
    first = _filling_in(scene, rows) if is_low else NO_TEXT
    zh, en = "{start}，{missed}；{first}{ways}即可。", "{start}: {missed}; {first}{ways} would do."
    eased, eased_is_low, relaxed = remedy.changes[0]
    return Shortfall(
        rows,
        Sentence.of(zh, en, start=start, missed=missed, first=first, ways=ways),
        bound=eased.name,
        is_low=eased_is_low,
        limit=_limit(eased, eased_is_low),
        found=value,
        relaxed=relaxed,
        barrier_id=barrier_id,
        partner=partner,
    )


def _start_text(scene: ZoneScene, rows: tuple[int, ...], broken: tuple[tuple[Bound, bool, float], ...]) -> Text:
    """Who is left out; what keeps them from others explains why they are too small, never why too large."""
    names, apart = scene.name_list(rows), _apart_text(scene, rows)
    if broken and not broken[0][1]:
        apart = NO_TEXT
    count = f"共 {len(rows)} 个小区" if len(rows) > NAMES_SHOWN else ""
    return _called(names) + Text(count, "") + apart


def _missed_told(scene: ZoneScene, rows: tuple[int, ...], bound: Bound, *, is_low: bool) -> Sentence:
    """The sum and the limit it breaks."""
    label, found = QUANTITIES[bound.name].label, scene.total_told(rows, bound.name)
    limit = amount_text(bound.name, _limit(bound, is_low))
    word = Text("低于下限", "below the minimum of") if is_low else Text("高于上限", "above the maximum of")
    total = NO_TEXT if len(rows) == 1 else Text("合计", " in all")
    zh = "{total}{label} {found}，{word} {limit}"
    if bound.name == "households":
        # With the unit 户 the label goes without saying.
        zh = "{total} {found}，{word} {limit}" if total.zh else "{found}，{word} {limit}"
    en = "{label} {found}{total}, {word} {limit}"
    return Sentence.of(zh, en, total=total, label=label, found=found, word=word, limit=limit)


def _called(names: Text) -> Text:
    """小区 before the names, unless they all say it themselves."""
    say_it = all(name.endswith(OWN_ENDINGS) for name in names.zh.removesuffix("等").split("、"))
    return names if say_it else Text("小区", "") + names


def _unknown_shortfall(scene: ZoneScene, rows: tuple[int, ...]) -> Shortfall:
    bounds = [bound for bound in scene.requirements.bounds if np.isnan(scene.total(rows, bound.name))]
    text = Sentence.of(
        "{names}{labels}未知，无法核对限值，暂不划分；补上后再划分即可。",
        "{names}: {labels} unknown, so not zoned; fill it in and zone again.",
        names=_called(scene.name_list(rows)),
        labels=LISTED.join(QUANTITIES[bound.name].label for bound in bounds),
    )
    return Shortfall(rows, text, bound=bounds[0].name)


def _limit(bound: Bound, is_low: bool) -> float:
    return bound.low if is_low else bound.high


def broken_bounds(scene: ZoneScene, rows: Iterable[int]) -> tuple[tuple[Bound, bool, float], ...]:
    """Limits that a set breaks as one zone, the worst first."""
    rows = list(rows)
    sums = [(bound, scene.total(rows, bound.name)) for bound in scene.requirements.bounds]
    found = [(bound, True, value) for bound, value in sums if value < bound.low]
    found += [(bound, False, value) for bound, value in sums if value > bound.high]
    return tuple(sorted(found, key=lambda entry: -_Remedy((entry,)).share))


def _joining_remedies(scene: ZoneScene, rows: tuple[int, ...]) -> list[_Remedy]:
    """For each neighbouring zone that could take the group in, the limits that would have to give way."""
    homes = dict.fromkeys(scene.zone[there] for _, there in scene.outer_links(rows, scene.links))
    remedies = []
    for home in homes:
        if home is not None and not _kept_apart(scene, [*rows, *scene.members[home]]):
            changes = broken_bounds(scene, [*rows, *scene.members[home]])
            remedies += [_Remedy(changes)] if changes else []
    return remedies


def _kept_apart(scene: ZoneScene, rows: Iterable[int]) -> bool:
    members = {scene.ids[row] for row in rows}
    return any(len(members.intersection(group)) > 1 for group in scene.requirements.must_not_join)


def _remedy_told(remedy: _Remedy) -> Sentence:
    """The limits that would do; each is the sum that some communities have, so it tells that."""
    changes = []
    for bound, is_low, value in remedy.changes:
        word = Text("下限降至", "minimum") if is_low else Text("上限升至", "maximum")
        label, enough = QUANTITIES[bound.name].label, _enough_told(bound.name, value, is_low=is_low)
        zh, en = "{label}{word} {enough}", "a {word} of {enough} for {label}"
        changes.append(Sentence.of(zh, en, label=label, word=word, enough=enough))
    return Sentence.joined(Text("且", " and "), changes)


def _enough_told(name: str, value: float, *, is_low: bool) -> Sentence:
    """A limit that suffices as it is printed: a minimum is rounded down, a maximum up."""
    in_wan = name == "cost_yuan" or (name in ("floor_area_m2", "land_area_m2") and value >= WAN)
    # Two decimals of 万 are hundreds; sums are exact to the hundredth, so less than that is rounding.
    step = WAN / 100 if in_wan else 1.0
    whole = round(value / step, 6)
    return amount_told(name, step * (math.floor(whole) if is_low else math.ceil(whole)))


def _unknown_neighbours(scene: ZoneScene, rows: Sequence[int]) -> list[int]:
    """Linked neighbours set aside because an amount that is bounded is not known of them."""
    unknown = has_unknown(scene.amounts, scene.requirements)
    linked = dict.fromkeys(there for _, there in scene.outer_links(rows, scene.links))
    return [there for there in linked if unknown[there] and scene.zone[there] is None]


def _filling_in(scene: ZoneScene, rows: Sequence[int]) -> Text:
    """The first thing to do for a group that is too small beside neighbours of unknown size; else nothing."""
    unknown = _unknown_neighbours(scene, rows)
    if not unknown:
        return NO_TEXT
    lacking = [b.name for b in scene.requirements.bounds if np.isnan(scene.amounts[b.name][unknown]).any()]
    labels = LISTED.join(QUANTITIES[name].label for name in lacking)
    said = Text("先补上{names}的{labels}再划分；否则", "first fill in {labels} of {names} and zone again; else ")
    return said.fill(names=scene.name_list(unknown), labels=labels)


def _apart_text(scene: ZoneScene, rows: tuple[int, ...]) -> Text:
    """What keeps the group apart: nothing near, neighbours not known enough, a barrier, or zones that are full."""
    many, verb = len(rows) > 1, "are" if len(rows) > 1 else "is"
    outer = {there for _, there in scene.outer_links(rows, scene.links)}
    if outer:
        unknown = _unknown_neighbours(scene, rows)
        if outer == set(unknown):
            has = "have" if many else "has"
            said = Text("只与数据不全的{names}相邻", " {has} no neighbour but {names}, of which too little is known")
            return said.fill(has=has, names=scene.name_list(unknown))
        return Text("无法并入相邻片区", " fit into no neighbouring zone" if many else " fits into no neighbouring zone")
    cuts = [link for link, _ in scene.outer_links(rows, scene.cuts)]
    if not cuts:
        return Text(
            "周边没有其他相邻小区" if len(rows) > 1 else "周边没有相邻小区",
            " have no neighbours" if many else " has no neighbours",
        )
    values = layer_schema("barriers").fields["kind"].values
    kinds = dict.fromkeys(link.barrier_kind for link in cuts if link.barrier_kind)
    if not kinds:
        return Text("与周边隔开", f" {verb} cut off")
    labels = LISTED.join(values.get(kind, kind) for kind in kinds)
    return Text("被{labels}隔开", " {verb} cut off by {labels}").fill(verb=verb, labels=labels)


def _crossing(scene: ZoneScene, rows: tuple[int, ...]) -> tuple[str | None, str | None, Text | None]:
    """The narrowest barrier over which a crossing would give the group a zone that keeps all bounds."""
    for link, there in scene.outer_links(rows, scene.cuts):
        if not link.barrier_id:
            continue
        joined = {*rows, *_company(scene, there)}
        if not broken_bounds(scene, joined) and not _kept_apart(scene, joined):
            return link.barrier_id, str(scene.ids[there]), _crossing_text(scene, link, scene.names[there])
    return None, None, None


def _crossing_text(scene: ZoneScene, link: Link, partner: str) -> Text:
    """What to build over a barrier: a bridge over water, a gate in a wall, else a footbridge or underpass."""
    key, kind = str(link.barrier_id), link.barrier_kind or ""
    known = layer_schema("barriers").fields["kind"].values.get(kind, Text("阻隔", "barrier"))
    name = scene.barriers.get(key)
    over = Text.same(name) if name else Text("{known} {key} ", "{known} {key}").fill(known=known, key=key)
    said = Text("跨{over}增设一处过街通道（与{partner}相连）", "a crossing over {over} to join {partner}")
    if kind in WATER:
        said = Text("跨{over}架一座桥（与{partner}相连）", "a bridge over {over} to join {partner}")
    elif kind == "wall":
        said = Text("在{over}上开一处通行门（与{partner}相连）", "a gate in {over} to join {partner}")
    return said.fill(over=over, partner=partner)


def _company(scene: ZoneScene, there: int) -> Sequence[int]:
    """The zone of a community, or the group it was left out with."""
    home = scene.zone[there]
    if home is not None:
        return scene.members[home]
    out = [row for row, zone in enumerate(scene.zone) if zone is None]
    return next(group for group in linked_groups(out, scene.inner_links(out)) if there in group)


def _shortfall_columns(scene: ZoneScene, found: Sequence[Shortfall]) -> dict[str, Any]:
    def text(values: list[str | None]) -> Any:
        return pd.array(values, dtype="str")

    kinds = ["min" if entry.is_low else "max" if np.isfinite(entry.limit) else None for entry in found]
    return {
        "community_ids": text(["、".join(scene.ids[list(entry.rows)]) for entry in found]),
        "community_count": pd.array([len(entry.rows) for entry in found], dtype="int64"),
        "households": np.array([scene.total(entry.rows, "households") for entry in found], dtype="float64"),
        "bound": text([entry.bound for entry in found]),
        "bound_kind": text(kinds),
        "bound_value": np.array([entry.limit for entry in found], dtype="float64"),
        "relaxed_value": np.array([entry.relaxed for entry in found], dtype="float64"),
        "barrier_id": text([entry.barrier_id for entry in found]),
        "partner_id": text([entry.partner for entry in found]),
    }
