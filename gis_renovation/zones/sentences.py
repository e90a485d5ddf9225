"""Sentences about zones: who is joined across what, which bound is tight, who stayed out, and why not.

Chinese first, as a planner would write it; English says the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.arrays import Floats
from gis_renovation.contiguity import WALL_WORTH_A_WORD_M, metres
from gis_renovation.errors import DataError, Finding, by_key
from gis_renovation.ids import ids_in
from gis_renovation.unknowns import ABOUT, estimated_rows, names_or_ids
from gis_renovation.words import CLAUSES, LISTED, NO_TEXT, WAN, Sentence, Text
from gis_renovation.zones.request import community_amounts, way_m
from gis_renovation.zones.requirements import QUANTITIES, Bound, Ids, ZoneRequirements, together_with

# A sum within this share of a limit is called tight.
TIGHT_SHARE = 0.1
NAMES_SHOWN = 6
TIES_SHOWN = 6
NEIGHBOURS_SHOWN = 3
# So many plain links are told by their gaps alone.
PLAIN_TOGETHER = 3
TOUCHING = Text("边界相接", "touching")


class Link(NamedTuple):
    """A usable or cut link between two positions: the way and the shared wall in m, and its reason as given.

    ``barrier_ids`` are the barriers that all need a crossing before the two are joined.
    """

    head: int
    tail: int
    way_m: float
    wall_m: float
    reason: Text | None
    barrier_id: str | None
    barrier_kind: str | None
    cause: str | None = None
    barrier_ids: tuple[str, ...] = ()
    has_street: bool = False

    def other(self, end: int) -> int:
        """The end that is not ``end``."""
        return self.tail if end == self.head else self.head


@dataclass(frozen=True, kw_only=True)
class ZoneScene:
    """Communities in id order with their names, sums, links and zones, for the sentences to read.

    ``zone`` is each community's zone id or None. ``links`` (usable) and ``cuts`` hold each community's
    own links, nearest first. ``barriers`` are the names of those that have one, by id. ``estimated`` tells, for each
    quantity, the communities whose amount the records give as approximate.
    """

    ids: Ids
    names: Sequence[str]
    amounts: Mapping[str, Floats]
    requirements: ZoneRequirements
    zone: Sequence[str | None]
    members: Mapping[str, tuple[int, ...]]
    links: Sequence[Sequence[Link]]
    cuts: Sequence[Sequence[Link]]
    barriers: Mapping[str, str]
    barrier_kinds: Mapping[str, str]
    estimated: Mapping[str, Sequence[bool]]

    def total_told(self, rows: Iterable[int], name: str, *, beside: float | None = None) -> Sentence:
        """The sum with its unit, with 约 before it where a part of it is approximate."""
        rows = sorted(rows)
        told = amount_told(name, self.total(rows, name), beside=beside)
        if not any(self.estimated[name][row] for row in rows):
            return told
        return told._replace(text=ABOUT.fill(n=told.text))

    def total(self, rows: Iterable[int], name: str) -> float:
        """Sum of a quantity over some communities; NaN if any is unknown."""
        return float(self.amounts[name][sorted(rows)].sum())

    def name_list(self, rows: Sequence[int]) -> Text:
        """Names of communities, a few, then how many in all."""
        names = [self.names[row] for row in rows]
        if len(names) <= NAMES_SHOWN:
            return LISTED.join(names)
        return LISTED.join(names[:NAMES_SHOWN]) + Text("等", " and others")

    def inner_links(self, rows: Iterable[int]) -> list[Link]:
        """Usable links within a set of communities, nearest first."""
        inside = set(rows)
        return _nearest(link for row in inside for link in self.links[row] if link.head == row and link.tail in inside)

    def outer_links(self, rows: Iterable[int], table: Sequence[Sequence[Link]]) -> list[tuple[Link, int]]:
        """Links of ``table`` that leave a set, nearest first, each with its end outside."""
        inside = set(rows)
        leaving = [link for row in inside for link in table[row] if link.other(row) not in inside]
        return [(link, link.tail if link.head in inside else link.head) for link in _nearest(leaving)]


def read_scene(
    communities: gpd.GeoDataFrame,
    community_links: pd.DataFrame,
    zone_of: Mapping[str, str | None],
    requirements: ZoneRequirements,
    barriers: pd.DataFrame | None = None,
) -> ZoneScene:
    """Gather what the sentences need. O(n + m)."""
    named = {} if barriers is None or "name" not in barriers else barriers["name"].dropna().to_dict()
    kinds = {} if barriers is None or "kind" not in barriers else barriers["kind"].dropna().to_dict()
    ids = np.array(sorted(map(str, communities.index)), dtype=object)
    _require_known(ids, community_links, zone_of)
    frame = communities.loc[ids]
    zone = [zone_of.get(member) for member in ids]
    members: dict[str, list[int]] = {}
    for row, name in enumerate(zone):
        if name is not None:
            members.setdefault(name, []).append(row)
    cut = (community_links["status"] == "cut").to_numpy()
    return ZoneScene(
        ids=ids,
        names=names_or_ids(frame).tolist(),
        amounts=community_amounts(frame),
        requirements=requirements,
        zone=zone,
        members={name: tuple(rows) for name, rows in members.items()},
        links=_links_by_end(ids, community_links[~cut]),
        cuts=_links_by_end(ids, community_links[cut]),
        barriers={str(key): str(name) for key, name in named.items() if str(name).strip()},
        barrier_kinds={str(key): str(kind) for key, kind in kinds.items()},
        estimated={name: estimated_rows(frame, name).tolist() for name in QUANTITIES},
    )


def drawn(community_links: pd.DataFrame) -> dict[str, gpd.GeoDataFrame]:
    """The links as a layer to be measured, for :func:`require_metric`; nothing where they are a plain table."""
    return {"community_links": community_links} if isinstance(community_links, gpd.GeoDataFrame) else {}


def _require_known(ids: Ids, community_links: pd.DataFrame, zone_of: Mapping[str, str | None]) -> None:
    """Raise DataError where zones or links name communities that are not in the layer: it is another list's."""
    known = set(ids)
    ends = {str(end) for side in ("focal", "neighbor") for end in ids_in(community_links[side])}
    findings = [
        Finding(severity="error", code="dangling_reference", layer=layer, text=text, features=by_key(sorted(strange)))
        for layer, strange, text in (
            (
                "zone_members",
                {member for member, zone in zone_of.items() if zone is not None} - known,
                _STRANGE_MEMBERS,
            ),
            ("community_links", ends - known, _STRANGE_LINKS),
        )
        if strange
    ]
    if findings:
        raise DataError(findings)


_STRANGE_MEMBERS = Text(
    "片区成员中有小区不在小区图层里；请用划分片区时的同一份小区图层。",
    "Zone members are not in the layer of communities; use the layer that the zones were formed from.",
)
_STRANGE_LINKS = Text(
    "相邻关系指向不存在的小区；请用同一份小区图层重新计算相邻关系。",
    "Links name communities that do not exist; compute the links from the same layer.",
)


def _links_by_end(ids: Ids, frame: pd.DataFrame) -> list[list[Link]]:
    position = {member: row for row, member in enumerate(ids)}
    table: list[list[Link]] = [[] for _ in ids]
    zh, en = _column(frame, "reason_zh"), _column(frame, "reason_en")
    barrier, kind, cause = (_column(frame, name) for name in ("barrier_id", "barrier_kind", "cause"))
    street = _column(frame, "street_between")
    # A table without the column names one barrier, which is then all that is in the way.
    needed = _column(frame, "barrier_ids") if "barrier_ids" in frame else barrier
    ways = way_m(frame)
    walls = frame["shared_wall_m"].to_numpy(dtype="float64", na_value=0.0) if "shared_wall_m" in frame else 0.0 * ways
    for row, (focal, neighbor) in enumerate(zip(ids_in(frame["focal"]), ids_in(frame["neighbor"]), strict=True)):
        head, tail = sorted((position[str(focal)], position[str(neighbor)]))
        reason = Text(zh[row] or en[row] or "", en[row] or zh[row] or "") if zh[row] or en[row] else None
        all_ids = tuple((needed[row] or "").split("、")) if needed[row] else ()
        told = (reason, barrier[row], kind[row], cause[row], all_ids, street[row] is not None)
        link = Link(head, tail, float(ways[row]), float(walls[row]), *told)
        table[head].append(link)
        table[tail].append(link)
    return [_nearest(links) for links in table]


def _nearest(links: Iterable[Link]) -> list[Link]:
    return sorted(links, key=lambda link: (link.way_m, link.head, link.tail))


def _column(frame: pd.DataFrame, name: str) -> list[str | None]:
    values = frame[name].tolist() if name in frame else [None] * len(frame)
    return [value if isinstance(value, str) else None for value in values]


def linked_groups(rows: Iterable[int], links: Iterable[Link]) -> list[list[int]]:
    """Connected groups of ``rows`` over ``links``, each sorted, by smallest member."""
    leader = {row: row for row in rows}
    for link in links:
        one, two = sorted((_find(leader, link.head), _find(leader, link.tail)))
        leader[two] = one
    groups: dict[int, list[int]] = {}
    for row in sorted(leader):
        groups.setdefault(_find(leader, row), []).append(row)
    return list(groups.values())


def _find(leader: dict[int, int], row: int) -> int:
    while leader[row] != row:
        leader[row] = leader[leader[row]]
        row = leader[row]
    return row


def zone_sentence(scene: ZoneScene, rows: Sequence[int]) -> Sentence:
    """Why these communities are one zone: members, links, the tight bound, and who stayed out."""
    names, size = scene.name_list(rows), _size_told(scene, rows)
    if len(rows) == 1:
        start = Sentence.of("仅{names}一个小区{size}", "A single community, {names}{size}", names=names, size=size)
    else:
        zh, en = "由{names}共 {count} 个小区组成{size}", "{count} communities ({names}){size}"
        start = Sentence.of(zh, en, names=names, count=len(rows), size=size)
    parts: list[Sentence | Text] = [start, *_ties_text(scene, rows), *_fixed_text(scene, rows)]
    parts += [*_tight_told(scene, rows), _outside_told(scene, rows)]
    return Sentence.of("{parts}。", "{parts}.", parts=Sentence.joined(CLAUSES, parts))


def _fixed_text(scene: ZoneScene, rows: Sequence[int]) -> list[Text]:
    own = {scene.ids[row] for row in rows}
    if not any(own == set(group) for group in scene.requirements.fixed_zones):
        return []
    return [Text("按要求固定保留", "kept as a fixed zone")]


def _size_told(scene: ZoneScene, rows: Sequence[int]) -> Sentence:
    households = scene.total(rows, "households")
    if not np.isfinite(households):
        unknown = int(np.isnan(scene.amounts["households"][list(rows)]).sum())
        if len(rows) == 1:
            return Sentence.of("，户数未知", ", households unknown")
        if unknown == len(rows):
            return Sentence.of("，户数均未知", ", households unknown in all")
        return Sentence.of(f"（其中 {unknown} 个户数未知）", f", households unknown in {unknown}")
    said = scene.total_told(rows, "households")
    word = "，" if len(rows) == 1 else "，合计" if said.zh.startswith("约") else "，合计 "
    return Sentence.of("{word}{said}", ", {said} households", word=word, said=said)


def _ties_text(scene: ZoneScene, rows: Sequence[int]) -> list[Text]:
    """The links that tie the zone together over the least way: a spanning tree."""
    leader, ties = {row: row for row in rows}, []
    for link in scene.inner_links(rows):
        one, two = _find(leader, link.head), _find(leader, link.tail)
        if one != two:
            leader[two] = one
            ties.append(link)
    plain = [link for link in ties if _is_plain(link)]
    if len(plain) < PLAIN_TOGETHER:
        plain = []
    named = [link for link in ties if link not in plain]
    texts = [_link_text(scene, link) for link in named[:TIES_SHOWN]]
    more = len(named) - TIES_SHOWN
    texts += [Text(f"另有 {more} 处联系", f"{more} more links")] if more > 0 else []
    return texts + ([_plain_text(plain, others=bool(named))] if plain else [])


def _is_plain(link: Link) -> bool:
    """Whether there is nothing to tell of a link but its gap: no wall, crossing or barrier."""
    is_bare = link.cause in (None, "near", "touching") and not link.has_street
    return is_bare and link.barrier_id is None and link.wall_m < WALL_WORTH_A_WORD_M


def _plain_text(links: Sequence[Link], *, others: bool) -> Text:
    """One phrase for all links that nothing lies across: how far apart their ends are."""
    near, far = (metres(bound(link.way_m for link in links)) for bound in (min, max))
    touching = not min(link.way_m for link in links)
    apart = Text(f"相距 {near} 至 {far} 米", f"{near} to {far} m apart")
    if not max(link.way_m for link in links):
        apart = TOUCHING
    elif touching:
        apart = Text(f"边界相接或相距不超过 {far} 米", f"touching or up to {far} m apart")
    elif near == far:
        apart = Text(f"相距 {far} 米", f"{far} m apart")
    told = Text("相邻小区{apart}，其间均无阻隔", "neighbours {apart}, nothing between them").fill(apart=apart)
    return Text("其余", "other ") + told if others else told


def _link_text(scene: ZoneScene, link: Link) -> Text:
    one, two = scene.names[link.head], scene.names[link.tail]
    way = f"{link.way_m:.0f}"
    reason = link.reason or (TOUCHING if link.way_m == 0 else Text(f"相距 {way} 米", f"{way} m apart"))
    return Text("{one}与{two}{reason}", "{one} and {two}: {reason}").fill(one=one, two=two, reason=reason)


def _tight_told(scene: ZoneScene, rows: Sequence[int]) -> list[Sentence]:
    """The bound with the least room, if it has little; else that all bounds are kept."""
    rooms = [(*_room(scene, rows, bound), bound) for bound in scene.requirements.bounds]
    if not rooms:
        return []
    room, is_low, bound = min(rooms, key=lambda entry: entry[0])
    if room > TIGHT_SHARE:
        return [Sentence.of("各项指标均在限值之内且留有余地", "all bounds are kept with room to spare")]
    at, value = bound.low if is_low else bound.high, scene.total(rows, bound.name)
    label, found = QUANTITIES[bound.name].label, scene.total_told(rows, bound.name, beside=at)
    limit = amount_text(bound.name, at, beside=value)
    if value == at:
        zh, en = ("恰为下限", "exactly the minimum") if is_low else ("恰为上限", "exactly the maximum")
        return [Sentence.of("{label} {found}，" + zh, "{label} {found}, " + en, label=label, found=found)]
    if room < 0:
        word = Text("低于下限", "is below the minimum of") if is_low else Text("超过上限", "is above the maximum of")
        zh = "{label} {found}，{word} {limit}（固定片区，照旧保留）"
        en = "{label} {found} {word} {limit} (a fixed zone, kept as given)"
        return [Sentence.of(zh, en, label=label, found=found, word=word, limit=limit)]
    word = Text("接近下限", "close to the minimum of") if is_low else Text("接近上限", "close to the maximum of")
    zh, en = "{label} {found}，{word} {limit}", "{label} {found}, {word} {limit}"
    return [Sentence.of(zh, en, label=label, found=found, word=word, limit=limit)]


def _room(scene: ZoneScene, rows: Sequence[int], bound: Bound) -> tuple[float, bool]:
    """Least room to a limit as a share of it, and whether that is the minimum."""
    value = scene.total(rows, bound.name)
    above = (value - bound.low) / bound.low if bound.low > 0 else math.inf
    below = (bound.high - value) / max(bound.high, 1e-9) if bound.high < math.inf else math.inf
    return min(above, below), above <= below


def _outside_told(scene: ZoneScene, rows: Sequence[int]) -> Sentence:
    """Why the nearest neighbours outside are not in this zone."""
    reasons: dict[int, Sentence] = {}
    for _, there in scene.outer_links(rows, scene.links):
        if there not in reasons:
            reasons[there] = _why_not_in(scene, rows, there)
    for link, there in scene.outer_links(rows, scene.cuts):
        reasons.setdefault(there, Sentence(link.reason or Text("被阻隔", "cut off by a barrier")))
    if not reasons:
        return Sentence.of("周边无其他相邻小区", "no other community is next to it")
    shown = [
        Sentence.of("{name}（{reason}）", "{name} ({reason})", name=scene.names[row], reason=reason)
        for row, reason in list(reasons.items())[:NEIGHBOURS_SHOWN]
    ]
    more = len(reasons) - len(shown)
    rest = Text(f"等 {len(reasons)} 个", f" and {more} more") if more else NO_TEXT
    listed = Sentence.joined(Text("、", "; "), shown)
    zh, en = "相邻而未并入的有{listed}{rest}", "next to it but not joined: {listed}{rest}"
    return Sentence.of(zh, en, listed=listed, rest=rest)


def _why_not_in(scene: ZoneScene, rows: Sequence[int], there: int) -> Sentence:
    """Why a linked neighbour is not in a zone: a wish, a limit that it would break, or where it is instead."""
    wish = _wish_between(scene, rows, there)
    if wish is not None:
        return Sentence(wish)
    team = _team(scene, there)
    for bound in scene.requirements.bounds:
        value = scene.total([*rows, *team], bound.name)
        if value > bound.high:
            label, most = QUANTITIES[bound.name].label, amount_text(bound.name, bound.high, beside=value)
            found = scene.total_told([*rows, *team], bound.name, beside=bound.high)
            zh, en = "并入后{label}达 {found}，超过上限 {most}", "{label} would reach {found}, above {most}"
            if len(team) > 1:
                zh, en = "连同须与它同片的" + zh, "with those it must be with " + en
            return Sentence.of(zh, en, label=label, found=found, most=most)
    return _why_it_stays(scene, there, team)


def _team(scene: ZoneScene, there: int) -> list[int]:
    """A community and those it must be together with."""
    leader = together_with(scene.requirements.must_join)
    own = leader.get(scene.ids[there])
    return [there] if own is None else [row for row, member in enumerate(scene.ids) if leader.get(member) == own]


def _wish_between(scene: ZoneScene, rows: Sequence[int], there: int) -> Text | None:
    """The wish that keeps a neighbour out of a zone; None where none does."""
    own, team = {scene.ids[row] for row in rows}, {scene.ids[row] for row in _team(scene, there)}
    fixed = [set(group) for group in scene.requirements.fixed_zones]
    if own in fixed:
        return Text("本片区固定，不再并入", "this zone is fixed and takes nobody in")
    if any(scene.ids[there] in group for group in fixed):
        return Text("已列入固定片区", "in a fixed zone")
    for group in scene.requirements.must_not_join:
        if team.intersection(group) and own.intersection(group):
            return Text("要求分开", "wanted apart")
    return None


def _why_it_stays(scene: ZoneScene, there: int, team: Sequence[int]) -> Sentence:
    """Why a neighbour is needed where it is, or that it simply is there."""
    home = scene.zone[there]
    if home is None:
        return Sentence.of("未纳入任何片区", "in no zone")
    rest = [row for row in scene.members[home] if row not in team]
    if not rest:
        return (
            Sentence.of("自成一片", "a zone of its own")
            if len(team) == 1
            else Sentence.of("另成一片", "in a zone of its own")
        )
    anchor = scene.names[rest[0]]
    for bound in scene.requirements.bounds:
        value = scene.total(rest, bound.name)
        if value < bound.low:
            label, found = QUANTITIES[bound.name].label, scene.total_told(rest, bound.name, beside=bound.low)
            zh = "{anchor}所在片区若缺少它，{label}只有 {found}，低于下限"
            en = "without it the zone of {anchor} has {label} {found}, below the minimum"
            return Sentence.of(zh, en, anchor=anchor, label=label, found=found)
    if not is_connected(scene, rest):
        return Sentence.of("{anchor}所在片区靠它连通", "it holds the zone of {anchor} together", anchor=anchor)
    # Compactness, number and target decide together: that it lies there better than here is not claimed for each.
    return Sentence.of("划入{anchor}所在片区", "in the zone of {anchor}", anchor=anchor)


def amount_text(name: str, value: float, *, beside: float | None = None) -> Text:
    """A sum with its unit; large areas and money in 万 for Chinese readers.

    ``beside`` is what it is compared with: two that differ are not printed alike, but with as many more decimals
    as tell them apart.
    """
    more = 0
    if beside is not None and beside != value and math.isfinite(beside) and math.isfinite(value):
        alike = (turn for turn in range(6) if _amount(name, value, turn).zh != _amount(name, beside, turn).zh)
        more = next(alike, 0)
    return _amount(name, value, more)


def _amount(name: str, value: float, more: int) -> Text:
    zh = "{value:,.{more}f} {unit}"
    if name == "cost_yuan" or (name in ("floor_area_m2", "land_area_m2") and abs(value) >= WAN):
        zh = "{in_wan:,.{more_of_wan}f} 万{unit}"
    en = "{value:,.{more}f}" if name in ("households", "community_count") else "{value:,.{more}f} {unit}"
    said = {"value": value, "in_wan": value / WAN, "more": more, "more_of_wan": more + 2}
    return Text(zh, en).fill(unit=QUANTITIES[name].unit, **said)


def amount_told(name: str, value: float, *, beside: float | None = None) -> Sentence:
    """A sum that is so of communities, not a limit; households and money are what it tells."""
    number = round(value) if name == "households" and math.isfinite(value) else value
    return Sentence(
        amount_text(name, value, beside=beside),
        counts=(number,) if name == "households" else (),
        money_yuan=(number,) if name == "cost_yuan" else (),
    )


def is_connected(scene: ZoneScene, rows: Iterable[int]) -> bool:
    """Whether usable links hold a set of communities together."""
    rows = list(rows)
    return len(linked_groups(rows, scene.inner_links(rows))) <= 1
