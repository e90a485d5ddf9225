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
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import ABOUT, estimated_rows, names_or_ids
from gis_renovation.words import Sentence, Text
from gis_renovation.zones.requirements import (
    QUANTITIES,
    USABLE,
    Bound,
    Ids,
    ZoneRequirements,
    community_amounts,
    has_unknown,
    way_m,
)

# A sum within this share of a limit is called tight.
TIGHT_SHARE = 0.1
NAMES_SHOWN = 6
LINKS_SHOWN = 6
NEIGHBOURS_SHOWN = 3
# So many plain links are told by their gaps alone.
PLAIN_TOGETHER = 3
# Names that end like this say themselves that they are communities; 小区 before them would be said twice.
OWN_ENDINGS = (*"村苑院园坊里楼庭府城湾", "小区", "宿舍", "公寓", "家属区", "生活区")
WAN = 10_000.0
WATER = ("river", "canal", "lake")


class Link(NamedTuple):
    """A usable or cut link between two positions: the way and the shared wall in m, and its reason as given."""

    head: int
    tail: int
    way_m: float
    wall_m: float
    reason: Text | None
    barrier_id: str | None
    barrier_kind: str | None

    def other(self, end: int) -> int:
        """The end that is not ``end``."""
        return self.tail if end == self.head else self.head


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Communities in id order with their names, sums, links and zones, for the sentences to read.

    ``zone`` is each community's zone id or None. ``links`` (usable) and ``cuts`` hold each community's
    own links, nearest first. ``barriers`` are the names of those that have one. ``estimated`` tells, for each
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
    estimated: Mapping[str, Sequence[bool]]

    def total_told(self, rows: Iterable[int], name: str) -> Sentence:
        """The sum with its unit, with 约 before it where a part of it is approximate."""
        rows = sorted(rows)
        told = amount_told(name, self.total(rows, name))
        if not any(self.estimated[name][row] for row in rows):
            return told
        return told._replace(text=Text(*(about.format(n=said) for about, said in zip(ABOUT, told.text, strict=True))))

    def total(self, rows: Iterable[int], name: str) -> float:
        """Sum of a quantity over some communities; NaN if any is unknown."""
        return float(self.amounts[name][sorted(rows)].sum())

    def name_list(self, rows: Sequence[int]) -> Text:
        """Names of communities, a few, then how many in all."""
        names = [self.names[row] for row in rows]
        if len(names) <= NAMES_SHOWN:
            return Text("、".join(names), ", ".join(names))
        head = names[:NAMES_SHOWN]
        return Text(f"{'、'.join(head)}等", f"{', '.join(head)} and others")

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
) -> Scene:
    """Gather what the sentences need. O(n + m)."""
    named = {} if barriers is None or "name" not in barriers else barriers["name"].dropna().to_dict()
    ids = np.array(sorted(map(str, communities.index)), dtype=object)
    frame = communities.loc[ids]
    zone = [zone_of.get(member) for member in ids]
    members: dict[str, list[int]] = {}
    for row, name in enumerate(zone):
        if name is not None:
            members.setdefault(name, []).append(row)
    cut = (community_links["status"] == "cut").to_numpy()
    return Scene(
        ids=ids,
        names=names_or_ids(frame).tolist(),
        amounts=community_amounts(frame),
        requirements=requirements,
        zone=zone,
        members={name: tuple(rows) for name, rows in members.items()},
        links=_links_by_end(ids, community_links[~cut]),
        cuts=_links_by_end(ids, community_links[cut]),
        barriers={str(key): str(name) for key, name in named.items() if str(name).strip()},
        estimated={name: estimated_rows(frame, name).tolist() for name in QUANTITIES},
    )


def _links_by_end(ids: Ids, frame: pd.DataFrame) -> list[list[Link]]:
    position = {member: row for row, member in enumerate(ids)}
    table: list[list[Link]] = [[] for _ in ids]
    zh, en = _column(frame, "reason_zh"), _column(frame, "reason_en")
    barrier, kind = _column(frame, "barrier_id"), _column(frame, "barrier_kind")
    ways = way_m(frame)
    walls = frame["shared_wall_m"].to_numpy(dtype="float64", na_value=0.0) if "shared_wall_m" in frame else 0.0 * ways
    for row, (focal, neighbor) in enumerate(zip(frame["focal"], frame["neighbor"], strict=True)):
        head, tail = sorted((position[str(focal)], position[str(neighbor)]))
        reason = Text(zh[row] or en[row] or "", en[row] or zh[row] or "") if zh[row] or en[row] else None
        link = Link(head, tail, float(ways[row]), float(walls[row]), reason, barrier[row], kind[row])
        table[head].append(link)
        table[tail].append(link)
    return [_nearest(links) for links in table]


def _nearest(links: Iterable[Link]) -> list[Link]:
    return sorted(links, key=lambda link: (link.way_m, link.head, link.tail))


def _column(frame: pd.DataFrame, name: str) -> list[str | None]:
    values = frame[name].tolist() if name in frame else [None] * len(frame)
    return [value if isinstance(value, str) else None for value in values]


def _groups(rows: Iterable[int], links: Iterable[Link]) -> list[list[int]]:
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


# --- why a zone is a zone -------------------------------------------------------------------------


def zone_sentence(scene: Scene, rows: Sequence[int]) -> Sentence:
    """Why these communities are one zone: members, links, the tight bound, and who stayed out."""
    names, size = scene.name_list(rows), _size_told(scene, rows)
    if len(rows) == 1:
        parts = [Sentence.of(f"仅{names.zh}一个小区{size.zh}", f"A single community, {names.en}{size.en}", size)]
    else:
        zh = f"由{names.zh}共 {len(rows)} 个小区组成{size.zh}"
        parts = [Sentence.of(zh, f"{len(rows)} communities ({names.en}){size.en}", size)]
    parts += [Sentence(text) for text in (*_ties_text(scene, rows), *_fixed_text(scene, rows))]
    parts += [*_tight_told(scene, rows), _outside_told(scene, rows)]
    return Sentence.of("；".join(part.zh for part in parts) + "。", "; ".join(part.en for part in parts) + ".", *parts)


def _fixed_text(scene: Scene, rows: Sequence[int]) -> list[Text]:
    own = {scene.ids[row] for row in rows}
    if not any(own == set(group) for group in scene.requirements.fixed_zones):
        return []
    return [Text("按要求固定保留", "kept as a fixed zone")]


def _size_told(scene: Scene, rows: Sequence[int]) -> Sentence:
    households = scene.total(rows, "households")
    if not np.isfinite(households):
        unknown = int(np.isnan(scene.amounts["households"][list(rows)]).sum())
        return Sentence.of(f"（其中 {unknown} 个户数未知）", f", households unknown in {unknown}")
    said = scene.total_told(rows, "households")
    word = "，" if len(rows) == 1 else "，合计" if said.zh.startswith("约") else "，合计 "
    return Sentence.of(f"{word}{said.zh}", f", {said.en} households", said)


def _ties_text(scene: Scene, rows: Sequence[int]) -> list[Text]:
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
    texts = [_link_text(scene, link) for link in named[:LINKS_SHOWN]]
    more = len(named) - LINKS_SHOWN
    texts += [Text(f"另有 {more} 处联系", f"{more} more links")] if more > 0 else []
    return texts + ([_plain_text(plain, others=bool(named))] if plain else [])


def _is_plain(link: Link) -> bool:
    """Whether there is nothing to tell of a link but its gap: no wall, crossing or barrier."""
    return link.barrier_id is None and link.wall_m < WALL_WORTH_A_WORD_M


def _plain_text(links: Sequence[Link], *, others: bool) -> Text:
    """One phrase for all links that nothing lies across: how far apart their ends are."""
    near, far = (metres(bound(link.way_m for link in links)) for bound in (min, max))
    touching = not min(link.way_m for link in links)
    zh, en = f"相距 {near} 至 {far} 米", f"{near} to {far} m apart"
    if not max(link.way_m for link in links):
        zh, en = "边界相接", "touching"
    elif touching:
        zh, en = f"边界相接或相距不超过 {far} 米", f"touching or up to {far} m apart"
    elif near == far:
        zh, en = f"相距 {far} 米", f"{far} m apart"
    return Text(
        f"{'其余' if others else ''}相邻小区{zh}，其间均无阻隔",
        f"{'other ' if others else ''}neighbours {en}, nothing between them",
    )


def _link_text(scene: Scene, link: Link) -> Text:
    one, two = scene.names[link.head], scene.names[link.tail]
    way = f"{link.way_m:.0f}"
    plain = Text("边界相接", "touching") if link.way_m == 0 else Text(f"相距 {way} 米", f"{way} m apart")
    reason = link.reason or plain
    return Text(f"{one}与{two}{reason.zh}", f"{one} and {two}: {reason.en}")


def _tight_told(scene: Scene, rows: Sequence[int]) -> list[Sentence]:
    """The bound with the least room, if it has little; else that all bounds are kept."""
    rooms = [(*_room(scene, rows, bound), bound) for bound in scene.requirements.bounds]
    if not rooms:
        return []
    room, is_low, bound = min(rooms, key=lambda entry: entry[0])
    if room > TIGHT_SHARE:
        return [Sentence.of("各项指标均在限值之内且留有余地", "all bounds are kept with room to spare")]
    label, found = QUANTITIES[bound.name].label, scene.total_told(rows, bound.name)
    limit = amount_text(bound.name, bound.low if is_low else bound.high)
    if room < 0:
        word = Text("低于下限", "is below the minimum of") if is_low else Text("超过上限", "is above the maximum of")
        zh = f"{label.zh} {found.zh}，{word.zh} {limit.zh}（固定片区，照旧保留）"
        en = f"{label.en} {found.en} {word.en} {limit.en} (a fixed zone, kept as given)"
        return [Sentence.of(zh, en, found)]
    word = Text("接近下限", "close to the minimum of") if is_low else Text("接近上限", "close to the maximum of")
    zh, en = f"{label.zh} {found.zh}，{word.zh} {limit.zh}", f"{label.en} {found.en}, {word.en} {limit.en}"
    return [Sentence.of(zh, en, found)]


def _room(scene: Scene, rows: Sequence[int], bound: Bound) -> tuple[float, bool]:
    """Least room to a limit as a share of it, and whether that is the minimum."""
    value = scene.total(rows, bound.name)
    above = (value - bound.low) / bound.low if bound.low > 0 else math.inf
    below = (bound.high - value) / max(bound.high, 1e-9) if bound.high < math.inf else math.inf
    return min(above, below), above <= below


def _outside_told(scene: Scene, rows: Sequence[int]) -> Sentence:
    """Why the nearest neighbours outside are not in this zone."""
    reasons: dict[int, Sentence] = {}
    for _, there in scene.outer_links(rows, scene.links):
        if there not in reasons:
            reasons[there] = _why_not_in(scene, rows, there)
    for link, there in scene.outer_links(rows, scene.cuts):
        reasons.setdefault(there, Sentence(link.reason or Text("被阻隔", "cut off by a barrier")))
    if not reasons:
        return Sentence.of("周边无其他相邻小区", "no other community is next to it")
    shown = list(reasons.items())[:NEIGHBOURS_SHOWN]
    more = len(reasons) - len(shown)
    zh = "、".join(f"{scene.names[row]}（{text.zh}）" for row, text in shown) + (
        f"等 {len(reasons)} 个" if more else ""
    )
    en = "; ".join(f"{scene.names[row]} ({text.en})" for row, text in shown) + (f" and {more} more" if more else "")
    told = [text for _, text in shown]
    return Sentence.of(f"相邻而未并入的有{zh}", f"next to it but not joined: {en}", *told)


def _why_not_in(scene: Scene, rows: Sequence[int], there: int) -> Sentence:
    for group in scene.requirements.must_not_join:
        if scene.ids[there] in group and any(scene.ids[row] in group for row in rows):
            return Sentence.of("要求分开", "wanted apart")
    for bound in scene.requirements.bounds:
        value = scene.total([*rows, there], bound.name)
        if value > bound.high:
            label, most = QUANTITIES[bound.name].label, amount_text(bound.name, bound.high)
            found = scene.total_told([*rows, there], bound.name)
            zh = f"并入后{label.zh}达 {found.zh}，超过上限 {most.zh}"
            return Sentence.of(zh, f"{label.en} would reach {found.en}, above {most.en}", found)
    return _why_it_stays(scene, there)


def _why_it_stays(scene: Scene, there: int) -> Sentence:
    """Why a neighbour is needed where it is, or that it sits better there."""
    home = scene.zone[there]
    if home is None:
        return Sentence.of("未纳入任何片区", "in no zone")
    rest = [row for row in scene.members[home] if row != there]
    if not rest:
        return Sentence.of("自成一片", "a zone of its own")
    anchor = scene.names[rest[0]]
    for bound in scene.requirements.bounds:
        value = scene.total(rest, bound.name)
        if value < bound.low:
            label, found = QUANTITIES[bound.name].label, scene.total_told(rest, bound.name)
            zh = f"{anchor}所在片区若缺少它，{label.zh}只有 {found.zh}，低于下限"
            en = f"without it the zone of {anchor} has {label.en} {found.en}, below the minimum"
            return Sentence.of(zh, en, found)
    if not is_connected(scene, rest):
        return Sentence.of(f"{anchor}所在片区靠它连通", f"it holds the zone of {anchor} together")
    return Sentence.of(f"与{anchor}同片更紧凑", f"fits the zone of {anchor} better")


def amount_text(name: str, value: float) -> Text:
    """A sum with its unit; large areas and money in 万 for Chinese readers."""
    unit = QUANTITIES[name].unit
    en = f"{value:,.0f}" if name in ("households", "community_count") else f"{value:,.0f} {unit.en}"
    if name == "cost_yuan" or (name in ("floor_area_m2", "land_area_m2") and abs(value) >= WAN):
        return Text(f"{value / WAN:,.2f} 万{unit.zh}", en)
    return Text(f"{value:,.0f} {unit.zh}", en)


def amount_told(name: str, value: float) -> Sentence:
    """A sum that is so of communities, not a limit; households and money are what it tells."""
    number = round(value) if name == "households" and math.isfinite(value) else value
    return Sentence(
        amount_text(name, value),
        counts=(number,) if name == "households" else (),
        money_yuan=(number,) if name == "cost_yuan" else (),
    )


# --- how many -------------------------------------------------------------------------------------


def missed_number(
    zone_count: int | None, zone_members: pd.DataFrame, community_links: pd.DataFrame | None = None
) -> Text | None:
    """Why there are more or fewer zones than asked for; None if there are as many, or nothing was asked.

    Zones never reach over groups that no usable link joins: with more groups than zones asked for, the
    sentence says so; without ``community_links`` it cannot. O(n + m).
    """
    home = zone_members["zone_id"].dropna()
    found = int(home.nunique())
    if zone_count is None or found == zone_count:
        return None
    asked = Text(f"要求共 {zone_count} 个片区，", f"{zone_count} zones were asked for, ")
    groups = 0 if community_links is None else _group_count(home.index, community_links)
    if groups > zone_count:
        zh = f"实为 {found} 个：小区分成互不相连的 {groups} 组，组与组之间没有可用的联系，片区不能跨组"
        en = f"{found} were made: the communities fall into {groups} groups that no usable link joins"
        return Text(asked.zh + zh, asked.en + en)
    return Text(f"{asked.zh}在各项限值下最接近的是 {found} 个", f"{asked.en}{found} are the nearest within the bounds")


def _group_count(ids: Iterable[object], community_links: pd.DataFrame) -> int:
    """How many groups usable links join these communities into."""
    position = {str(member): row for row, member in enumerate(ids)}
    usable = community_links[community_links["status"].isin(USABLE)]
    pairs = zip(usable["focal"].astype(str), usable["neighbor"].astype(str), strict=True)
    leader = {row: row for row in position.values()}
    for one, two in pairs:
        if one in position and two in position:
            low, high = sorted((_find(leader, position[one]), _find(leader, position[two])))
            leader[high] = low
    return sum(leader[row] == row for row in leader)


# --- why not --------------------------------------------------------------------------------------


class Shortfall(NamedTuple):
    """Communities that no zone could take: the bound in the way and the least change that would do.

    ``relaxed`` is the value that the limit of ``bound`` would need (NaN when no bound is at fault);
    ``barrier_id`` the barrier over which a crossing would do, ``partner`` the community beyond it.
    """

    rows: tuple[int, ...]
    bound: str | None
    is_low: bool
    limit: float
    found: float
    relaxed: float
    barrier_id: str | None
    partner: str | None
    sentence: Sentence


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


def shortfalls(scene: Scene) -> list[Shortfall]:
    """One entry for each connected group of communities left out, by smallest id.

    A community that breaks a maximum alone, or whose bounded amounts are unknown, is an entry of its own.
    """
    out = [row for row, zone in enumerate(scene.zone) if zone is None]
    unknown = [row for row in out if has_unknown(scene.amounts, scene.requirements)[row]]
    large = [
        row for row in out if any(scene.total([row], bound.name) > bound.high for bound in scene.requirements.bounds)
    ]
    rest = sorted(set(out).difference(large, unknown))
    groups = [*([row] for row in (*large, *unknown)), *_groups(rest, scene.inner_links(rest))]
    return [_shortfall(scene, tuple(rows)) for rows in sorted(groups)]


def _shortfall(scene: Scene, rows: tuple[int, ...]) -> Shortfall:
    names = scene.name_list(rows)
    count = f"共 {len(rows)} 个小区" if len(rows) > NAMES_SHOWN else ""
    apart = _apart_text(scene, rows)
    broken = broken_bounds(scene, rows)
    # What keeps a group from others explains why it is too small, never why it is too large.
    apart = Text("", "") if broken and not broken[0][1] else apart
    start = Text(f"{_called(names)}{count}{apart.zh}", f"{names.en}{apart.en}")
    if any(np.isnan(scene.total(rows, bound.name)) for bound in scene.requirements.bounds):
        return _unknown_shortfall(scene, rows)
    if not broken:
        zh = f"{start.zh}；限值之外的要求（片区数、必须同片或分开）使其无处可归，请放宽。"
        en = f"{start.en}: wishes other than bounds (number of zones, together, apart) leave no place; relax them."
        return Shortfall(rows, None, False, math.nan, math.nan, math.nan, None, None, Sentence.of(zh, en))
    bound, is_low, value = broken[0]
    barrier_id, partner, crossing = _crossing(scene, rows)
    remedy = min([_Remedy(broken), *_joining_remedies(scene, rows)], key=lambda option: option.share)
    label, found = QUANTITIES[bound.name].label, scene.total_told(rows, bound.name)
    limit = amount_text(bound.name, _limit(bound, is_low))
    word = Text("低于下限", "below the minimum of") if is_low else Text("高于上限", "above the maximum of")
    total = Text("", "") if len(rows) == 1 else Text("合计", " in all")
    # With the unit 户 the label goes without saying.
    label = Text("", label.en) if bound.name == "households" else label
    first = _filling_in(scene, rows) if is_low else None
    enough = _remedy_told(remedy)
    remedies = [text for text in (crossing, enough) if text is not None]
    amount = " ".join(part for part in (f"{total.zh}{label.zh}", found.zh) if part)
    zh = f"{start.zh}，{amount}，{word.zh} {limit.zh}；"
    zh += f"{f'{first.zh}；否则' if first else ''}{'，或'.join(t.zh for t in remedies)}即可。"
    en = f"{start.en}: {label.en} {found.en}{total.en}, {word.en} {limit.en}; "
    en += f"{f'{first.en}; else ' if first else ''}{' or '.join(text.en for text in remedies)} would do."
    relaxed = remedy.changes[0]
    return Shortfall(
        rows,
        relaxed[0].name,
        relaxed[1],
        _limit(relaxed[0], relaxed[1]),
        value,
        relaxed[2],
        barrier_id,
        partner,
        Sentence.of(zh, en, found, enough),
    )


def _called(names: Text) -> str:
    """小区 before the names, unless they all say it themselves."""
    return (
        names.zh
        if all(name.endswith(OWN_ENDINGS) for name in names.zh.removesuffix("等").split("、"))
        else f"小区{names.zh}"
    )


def _unknown_shortfall(scene: Scene, rows: tuple[int, ...]) -> Shortfall:
    bounds = [bound for bound in scene.requirements.bounds if np.isnan(scene.total(rows, bound.name))]
    labels = [QUANTITIES[bound.name].label for bound in bounds]
    names, zh = scene.name_list(rows), "、".join(label.zh for label in labels)
    text = Sentence.of(
        f"{_called(names)}{zh}未知，无法核对限值，暂不划分；补上后再划分即可。",
        f"{names.en}: {', '.join(label.en for label in labels)} unknown, so not zoned; fill it in and zone again.",
    )
    return Shortfall(rows, bounds[0].name, False, math.nan, math.nan, math.nan, None, None, text)


def _limit(bound: Bound, is_low: bool) -> float:
    return bound.low if is_low else bound.high


def broken_bounds(scene: Scene, rows: Iterable[int]) -> tuple[tuple[Bound, bool, float], ...]:
    """Limits that a set breaks as one zone, the worst first."""
    rows = list(rows)
    sums = [(bound, scene.total(rows, bound.name)) for bound in scene.requirements.bounds]
    found = [(bound, True, value) for bound, value in sums if value < bound.low]
    found += [(bound, False, value) for bound, value in sums if value > bound.high]
    return tuple(sorted(found, key=lambda entry: -_Remedy((entry,)).share))


def is_connected(scene: Scene, rows: Iterable[int]) -> bool:
    """Whether usable links hold a set of communities together."""
    rows = list(rows)
    return len(_groups(rows, scene.inner_links(rows))) <= 1


def _joining_remedies(scene: Scene, rows: tuple[int, ...]) -> list[_Remedy]:
    """For each neighbouring zone that could take the group in, the limits that would have to give way."""
    homes = dict.fromkeys(scene.zone[there] for _, there in scene.outer_links(rows, scene.links))
    remedies = []
    for home in homes:
        if home is not None and not _kept_apart(scene, [*rows, *scene.members[home]]):
            changes = broken_bounds(scene, [*rows, *scene.members[home]])
            remedies += [_Remedy(changes)] if changes else []
    return remedies


def _kept_apart(scene: Scene, rows: Iterable[int]) -> bool:
    members = {scene.ids[row] for row in rows}
    return any(len(members.intersection(group)) > 1 for group in scene.requirements.must_not_join)


def _remedy_told(remedy: _Remedy) -> Sentence:
    """The limits that would do; each is the sum that some communities have, so it tells that."""
    zh, en, told = [], [], []
    for bound, is_low, value in remedy.changes:
        label, text = QUANTITIES[bound.name].label, _enough_told(bound.name, value, is_low=is_low)
        told.append(text)
        zh.append(f"{label.zh}{'下限降至' if is_low else '上限升至'} {text.zh}")
        en.append(f"a {'minimum' if is_low else 'maximum'} of {text.en} for {label.en}")
    return Sentence.of("且".join(zh), " and ".join(en), *told)


def _enough_told(name: str, value: float, *, is_low: bool) -> Sentence:
    """A limit that suffices as it is printed: a minimum is rounded down, a maximum up."""
    in_wan = name == "cost_yuan" or (name in ("floor_area_m2", "land_area_m2") and value >= WAN)
    # Two decimals of 万 are hundreds; sums are exact to the hundredth, so less than that is rounding.
    step = WAN / 100 if in_wan else 1.0
    whole = round(value / step, 6)
    return amount_told(name, step * (math.floor(whole) if is_low else math.ceil(whole)))


def _unknown_neighbours(scene: Scene, rows: Sequence[int]) -> list[int]:
    """Linked neighbours set aside because an amount that is bounded is not known of them."""
    unknown = has_unknown(scene.amounts, scene.requirements)
    linked = dict.fromkeys(there for _, there in scene.outer_links(rows, scene.links))
    return [there for there in linked if unknown[there] and scene.zone[there] is None]


def _filling_in(scene: Scene, rows: Sequence[int]) -> Text | None:
    """The first thing to do for a group that is too small beside neighbours of unknown size."""
    unknown = _unknown_neighbours(scene, rows)
    if not unknown:
        return None
    lacking = [b.name for b in scene.requirements.bounds if np.isnan(scene.amounts[b.name][unknown]).any()]
    labels = [QUANTITIES[name].label for name in lacking]
    zh, en = "、".join(label.zh for label in labels), ", ".join(label.en for label in labels)
    names = scene.name_list(unknown)
    return Text(f"先补上{names.zh}的{zh}再划分", f"first fill in {en} of {names.en} and zone again")


def _apart_text(scene: Scene, rows: tuple[int, ...]) -> Text:
    """What keeps the group apart: nothing near, neighbours not known enough, a barrier, or zones that are full."""
    many, verb = len(rows) > 1, "are" if len(rows) > 1 else "is"
    outer = {there for _, there in scene.outer_links(rows, scene.links)}
    if outer:
        unknown = _unknown_neighbours(scene, rows)
        if outer == set(unknown):
            names = scene.name_list(unknown)
            return Text(
                f"只与数据不全的{names.zh}相邻",
                f" {'have' if many else 'has'} no neighbour but {names.en}, of which too little is known",
            )
        return Text("无法并入相邻片区", " fit into no neighbouring zone" if many else " fits into no neighbouring zone")
    cuts = [link for link, _ in scene.outer_links(rows, scene.cuts)]
    if not cuts:
        return Text(
            "周边没有其他相邻小区" if len(rows) > 1 else "周边没有相邻小区",
            " have no neighbours" if many else " has no neighbours",
        )
    values = layer_schema("barriers").fields["kind"].values
    kinds = dict.fromkeys(link.barrier_kind for link in cuts if link.barrier_kind)
    labels = [values.get(kind, Text(kind, kind)) for kind in kinds]
    if not labels:
        return Text("与周边隔开", f" {verb} cut off")
    zh, en = "、".join(text.zh for text in labels), ", ".join(text.en for text in labels)
    return Text(f"被{zh}隔开", f" {verb} cut off by {en}")


def _crossing(scene: Scene, rows: tuple[int, ...]) -> tuple[str | None, str | None, Text | None]:
    """The narrowest barrier over which a crossing would give the group a zone that keeps all bounds."""
    for link, there in scene.outer_links(rows, scene.cuts):
        if not link.barrier_id:
            continue
        joined = {*rows, *_company(scene, there)}
        if not broken_bounds(scene, joined) and not _kept_apart(scene, joined):
            return link.barrier_id, str(scene.ids[there]), _crossing_text(scene, link, scene.names[there])
    return None, None, None


def _crossing_text(scene: Scene, link: Link, partner: str) -> Text:
    """What to build over a barrier: a bridge over water, a gate in a wall, else a footbridge or underpass."""
    key, kind = str(link.barrier_id), link.barrier_kind or ""
    known = layer_schema("barriers").fields["kind"].values.get(kind, Text("阻隔", "barrier"))
    name = scene.barriers.get(key)
    over = Text(name, name) if name else Text(f"{known.zh} {key} ", f"{known.en} {key}")
    if kind in WATER:
        return Text(f"跨{over.zh}架一座桥（与{partner}相连）", f"a bridge over {over.en} to join {partner}")
    if kind == "wall":
        return Text(f"在{over.zh}上开一处通行门（与{partner}相连）", f"a gate in {over.en} to join {partner}")
    return Text(f"跨{over.zh}增设一处过街通道（与{partner}相连）", f"a crossing over {over.en} to join {partner}")


def _company(scene: Scene, there: int) -> Sequence[int]:
    """The zone of a community, or the group it was left out with."""
    home = scene.zone[there]
    if home is not None:
        return scene.members[home]
    out = [row for row, zone in enumerate(scene.zone) if zone is None]
    return next(group for group in _groups(out, scene.inner_links(out)) if there in group)
