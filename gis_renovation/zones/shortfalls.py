"""Why communities were left out, and what would give them a zone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.contiguity import USUAL_LIMITS, LinkLimits
from gis_renovation.crs import require_metric
from gis_renovation.ids import on_text_ids, with_ids
from gis_renovation.outlines import require_areas
from gis_renovation.schemas import layer_schema
from gis_renovation.sentences import with_sentences
from gis_renovation.words import COMMAS, LISTED, NO_TEXT, Sentence, Text
from gis_renovation.zones.remedies import Change, Drawing, Remedy, Workbench, broken_bounds, by_pair, remedies_for
from gis_renovation.zones.request import has_unknown, set_aside, zone_by_member
from gis_renovation.zones.requirements import NOTHING_ASKED, QUANTITIES, ZoneRequirements, together_with
from gis_renovation.zones.sentences import NAMES_SHOWN, Link, ZoneScene, amount_text, drawn, linked_groups, read_scene
from gis_renovation.zones.solver import FULL_EFFORT, SearchEffort

# Names that end like this say themselves that they are communities; 小区 before them would be said twice.
NO_SENTENCE = Sentence(NO_TEXT)
OWN_ENDINGS = (*"村苑院园坊里楼庭府城湾", "小区", "宿舍", "公寓", "家属区", "生活区")


class Shortfall(NamedTuple):
    """Communities that no zone could take, and why: the limit they break first, if any is broken.

    ``first`` is what to do before any limit is eased, such as filling in a number; ``lacks`` names the amount
    whose being unknown keeps them out; ``is_settled`` says that the reason itself tells what to do.
    """

    rows: tuple[int, ...]
    reason: Sentence
    broken: tuple[Change, ...] = ()
    first: Text = NO_TEXT
    lacks: str | None = None
    is_settled: bool = False

    @property
    def sentence(self) -> Sentence:
        """The reason as a sentence."""
        return Sentence.of("{reason}。", "{reason}.", reason=self.reason)


def explain_shortfalls(  # noqa: PLR0913 - what was judged, by which layers, under which wishes
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    zone_members: pd.DataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    crossings: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    requirements: ZoneRequirements = NOTHING_ASKED,
    limits: LinkLimits = USUAL_LIMITS,
    effort: SearchEffort = FULL_EFFORT,
) -> gpd.GeoDataFrame:
    """Why communities were left out, group by group, and what would give them a zone.

    Every way named in the sentence was tried: with that limit, that gap, that crossing or without that wish the
    communities were zoned again, and the whole group had a zone. "At least" says that no smaller change of that
    limit works; where that was not settled the sentence calls it one way.

    Parameters
    ----------
    communities, community_links, zone_members
        Layers of one run; polygons and lines in one projected CRS in metres.
    barriers, crossings, streets, limits
        What the links were judged by. Where linking anew gives other links than the ones given, nothing is said
        of wider gaps and new crossings.
    requirements, effort
        As for :func:`delineate_zones`: what was asked of the zones, and how they were searched and proven.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``zone_shortfalls``, index ``shortfall_id`` (``S-`` and the smallest id), sorted;
        (multi)polygons. Nothing left out gives no rows with the same columns.

    Raises
    ------
    CRSError
        No common projected CRS in metres.
    DataError
        Ids missing or repeated; members or links that name communities which are not there.

    Notes
    -----
    O(n + m), and for each group a few dozen zonings of its component, where that has at most 20,000 candidates.

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
    小区丁，600 户，高于上限 560 户；单独实施（列为固定片区），或户数上限至少升至 600 户即可。
    """
    require_metric(communities=communities, barriers=barriers, crossings=crossings, **drawn(community_links))
    require_areas(communities=communities)
    communities, zone_members = with_ids(communities, "communities"), on_text_ids(zone_members, "zone_members")
    barriers, crossings = with_ids(barriers, "barriers"), with_ids(crossings, "crossings")
    streets = with_ids(streets, "streets")
    scene = read_scene(communities, community_links, zone_by_member(zone_members), requirements, barriers)
    found = sorted(shortfalls(scene), key=lambda entry: str(scene.ids[entry.rows[0]]))
    bench = Workbench(
        Drawing(communities, by_pair(community_links), barriers, crossings, streets, limits), scene, effort
    )
    remedies = [[] if entry.is_settled else remedies_for(bench, entry.rows) for entry in found]
    shapes = communities.geometry.loc[scene.ids].to_numpy()
    geometry = np.array([shapely.union_all(shapes[list(entry.rows)]) for entry in found], dtype=object)
    index = pd.Index([f"S-{scene.ids[entry.rows[0]]}" for entry in found], dtype="str", name="shortfall_id")
    table = pd.DataFrame(_columns(scene, found, remedies), index=index)
    told = [_told(entry, ways) for entry, ways in zip(found, remedies, strict=True)]
    table = with_sentences(table, "reason", told)
    return gpd.GeoDataFrame(table, geometry=gpd.array.from_shapely(geometry, crs=communities.crs))


def _told(entry: Shortfall, remedies: Sequence[Remedy]) -> Sentence:
    """The reason, then the ways that work."""
    if not remedies:
        return entry.sentence
    ways = Sentence.joined(Text("，或", ", or "), [remedy.text for remedy in remedies])
    zh, en = "{reason}；{first}{ways}即可。", "{reason}; {first}{ways} would do."
    return Sentence.of(zh, en, reason=entry.reason, first=entry.first, ways=ways)


def shortfalls(scene: ZoneScene) -> list[Shortfall]:
    """One entry for each connected group of communities left out, by smallest id; without remedies.

    A community that breaks a maximum alone, or whose bounded amounts are unknown, is an entry of its own.
    """
    out = [row for row, zone in enumerate(scene.zone) if zone is None]
    aside = set_aside(scene.ids, scene.amounts, scene.requirements)
    unknown = [row for row in out if aside[row]]
    rest = [row for row in out if not aside[row]]
    bounds = scene.requirements.bounds
    large = [row for row in rest if any(scene.total([row], bound.name) > bound.high for bound in bounds)]
    rest = sorted(set(rest).difference(large))
    groups = [*([row] for row in (*large, *unknown)), *linked_groups(rest, scene.inner_links(rest))]
    return [_shortfall(scene, tuple(rows), is_aside=bool(aside[rows[0]])) for rows in sorted(groups)]


def _shortfall(scene: ZoneScene, rows: tuple[int, ...], *, is_aside: bool) -> Shortfall:
    if is_aside:
        return _unknown_shortfall(scene, rows[0])
    broken = broken_bounds(scene, rows)
    start = _start_text(scene, rows, broken)
    if not broken:
        wish = _wish_text(scene, rows)
        zh, en = "{start}；{wish}", "{start}; {wish}"
        return Shortfall(rows, Sentence.of(zh, en, start=start, wish=wish or _UNEXPLAINED), is_settled=wish is None)
    missed = _missed_told(scene, rows, broken[0])
    parted = NO_TEXT
    if len(rows) > 1 and not broken[0].is_low:
        parted = Text("，分开也未能都成片", ", and no division gives all of them zones")
    reason = Sentence.of(
        "{start}，{missed}{parted}", "{start}: {missed}{parted}", start=start, missed=missed, parted=parted
    )
    return Shortfall(rows, reason, broken, _filling_in(scene, rows) if broken[0].is_low else NO_TEXT)


# Zones formed under one request, explained under another, or found by a search that was cut short.
_UNEXPLAINED = Text(
    "按所给的要求它本可成片，未纳入的原因在划分时的其他要求，请用划分时的要求（requirements）重新说明",
    "the wishes given would let it be a zone; explain it with those that the zones were formed by (requirements)",
)


def _wish_text(scene: ZoneScene, rows: tuple[int, ...]) -> Text | None:
    """The wish that keeps a group of fitting sums from being a zone; None where no wish given does."""
    members = {scene.ids[row] for row in rows}
    wishes = scene.requirements
    for group in wishes.must_not_join:
        if len(members.intersection(group)) > 1:
            names = _names_of(scene, members.intersection(group))
            said = Text("{names}要求分开，分开后不能都成片", "{names} are wanted apart, and cannot all have zones then")
            return said.fill(names=names)
    leader = together_with(wishes.must_join)
    for team in sorted({leader[member] for member in members if member in leader}):
        others = {member for member, own in leader.items() if own == team} - members
        if others:
            said = Text(
                "须与{names}同片，而连成的片区不能满足全部要求",
                "must be with {names}, and no zone of all keeps every wish",
            )
            return said.fill(names=_names_of(scene, others))
    return None


def _names_of(scene: ZoneScene, members: set[str]) -> Text:
    return scene.name_list([row for row, member in enumerate(scene.ids) if member in members])


def _start_text(scene: ZoneScene, rows: tuple[int, ...], broken: tuple[Change, ...]) -> Text:
    """Who is left out; what keeps them from others explains why they are too small, never why too large."""
    names, apart = scene.name_list(rows), _apart_text(scene, rows)
    if broken and not broken[0].is_low:
        apart = NO_TEXT
    count = f"共 {len(rows)} 个小区" if len(rows) > NAMES_SHOWN else ""
    return _called(names) + Text(count, "") + apart


def _missed_told(scene: ZoneScene, rows: tuple[int, ...], change: Change) -> Sentence:
    """The sum and the limit it breaks."""
    name = change.bound.name
    label = QUANTITIES[name].label
    found, limit = (
        scene.total_told(rows, name, beside=change.limit),
        amount_text(name, change.limit, beside=change.value),
    )
    word = Text("低于下限", "below the minimum of") if change.is_low else Text("高于上限", "above the maximum of")
    total = NO_TEXT if len(rows) == 1 else Text("合计", " in all")
    zh = "{total}{label} {found}，{word} {limit}"
    if name == "households":
        # With the unit 户 the label goes without saying.
        zh = "{total} {found}，{word} {limit}" if total.zh else "{found}，{word} {limit}"
    en = "{label} {found}{total}, {word} {limit}"
    return Sentence.of(zh, en, total=total, label=label, found=found, word=word, limit=limit)


def _called(names: Text) -> Text:
    """小区 before the names, unless they all say it themselves."""
    say_it = all(name.endswith(OWN_ENDINGS) for name in names.zh.removesuffix("等").split("、"))
    return names if say_it else Text("小区", "") + names


def _unknown_shortfall(scene: ZoneScene, row: int) -> Shortfall:
    """One whose amounts are unknown, or that must be together with such a one."""
    own = scene.ids[row]
    leader = together_with(scene.requirements.must_join)
    team = [
        at for at, member in enumerate(scene.ids) if at == row or leader.get(member, member) == leader.get(own, own)
    ]
    unknown = has_unknown(scene.amounts, scene.requirements)
    blank = [row] if unknown[row] else [at for at in team if unknown[at]]
    names = dict.fromkeys([*(bound.name for bound in scene.requirements.measured)])
    lacking = [name for name in names if np.isnan(scene.amounts[name][blank]).any()]
    labels = LISTED.join(QUANTITIES[name].label for name in lacking)
    called = _called(scene.name_list([row]))
    if unknown[row]:
        zh, en = (
            "{called}{labels}未知，无法核对限值，暂不划分；补上后再划分即可",
            "{called}: {labels} unknown, so not zoned; fill it in and zone again",
        )
        return Shortfall((row,), Sentence.of(zh, en, called=called, labels=labels), lacks=lacking[0], is_settled=True)
    others = scene.name_list(blank)
    zh = "{called}须与{others}同片，而其{labels}未知，无法核对限值，一并暂不划分；补上后再划分即可"
    en = "{called} must be with {others}, whose {labels} are unknown, so none is zoned; fill them in and zone again"
    text = Sentence.of(zh, en, called=called, others=others, labels=labels)
    return Shortfall((row,), text, lacks=lacking[0], is_settled=True)


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
    lacking = [b.name for b in scene.requirements.measured if np.isnan(scene.amounts[b.name][unknown]).any()]
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
        homes = {frozenset(scene.ids[list(scene.members[home])]) for there in outer if (home := scene.zone[there])}
        fixed = {frozenset(group) for group in scene.requirements.fixed_zones}
        if homes and homes <= fixed:
            return Text("相邻的片区都已固定", " {verb} next to fixed zones only").fill(verb=verb)
        return Text("无法并入相邻片区", " fit into no neighbouring zone" if many else " fits into no neighbouring zone")
    cuts = [(link, scene.names[there]) for link, there in scene.outer_links(rows, scene.cuts)]
    if not cuts:
        return Text(
            "周边没有其他相邻小区" if many else "周边没有相邻小区",
            " have no neighbours" if many else " has no neighbours",
        )
    return _cut_text(cuts, verb)


def _cut_text(cuts: Sequence[tuple[Link, str]], verb: str) -> Text:
    """What parts a group from all its neighbours: borders by whom they part it from, barriers by their kinds."""
    texts = []
    for cause, label in _BORDERS.items():
        names = list(dict.fromkeys(name for link, name in cuts if link.cause == cause))[:NAMES_SHOWN]
        if names:
            said = Text("与相邻的{names}分属不同{label}", "in another {label} than {names}")
            texts.append(said.fill(names=LISTED.join(names), label=label))
    values = layer_schema("barriers").fields["kind"].values
    kinds = dict.fromkeys(link.barrier_kind for link, _ in cuts if link.barrier_kind)
    if kinds:
        labels = LISTED.join(values.get(kind, Text.same(kind)) for kind in kinds)
        texts.append(Text("被{labels}隔开", "cut off by {labels}").fill(labels=labels))
    told = COMMAS.join(texts or [Text("与周边隔开", "cut off")])
    return Text("{told}", " {verb} {told}").fill(told=told, verb=verb)


_BORDERS = {
    "unit_border": Text("县区", "county"),
    "subdistrict_border": Text("街道（乡镇）", "subdistrict"),
}


def _columns(scene: ZoneScene, found: Sequence[Shortfall], remedies: Sequence[Sequence[Remedy]]) -> dict[str, Any]:
    def text(values: list[str | None]) -> Any:
        return pd.array(values, dtype="str")

    eased = [next((way for way in ways if way.bound), None) for ways in remedies]
    bridged = [next((way for way in ways if way.barrier_id), Remedy(NO_SENTENCE)) for ways in remedies]
    worst = [entry.broken[0] if entry.broken else None for entry in found]
    bounds = [
        way.bound if way else entry.lacks or (change.bound.name if change else None)
        for entry, way, change in zip(found, eased, worst, strict=True)
    ]
    low = [way.is_low if way else bool(change and change.is_low) for way, change in zip(eased, worst, strict=True)]
    limit = [
        way.limit if way else change.limit if change else math.nan for way, change in zip(eased, worst, strict=True)
    ]
    return {
        "community_ids": text(["、".join(scene.ids[list(entry.rows)]) for entry in found]),
        "community_count": pd.array([len(entry.rows) for entry in found], dtype="int64"),
        "households": np.array([scene.total(entry.rows, "households") for entry in found], dtype="float64"),
        "bound": text(bounds),
        "bound_kind": text(
            [
                "min" if is_low else "max" if math.isfinite(value) else None
                for is_low, value in zip(low, limit, strict=True)
            ]
        ),
        "bound_value": np.array(limit, dtype="float64"),
        "relaxed_value": np.array([way.relaxed if way else math.nan for way in eased], dtype="float64"),
        "relaxed_gap_m": np.array([_first_gap(ways) for ways in remedies], dtype="float64"),
        "barrier_id": text([way.barrier_id for way in bridged]),
        "partner_id": text([way.partner for way in bridged]),
    }


def _first_gap(ways: Sequence[Remedy]) -> float:
    return next((way.max_gap_m for way in ways if math.isfinite(way.max_gap_m)), math.nan)
