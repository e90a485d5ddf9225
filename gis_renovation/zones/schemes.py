"""Schemes side by side (方案比选): the zones of several sets of wishes, their numbers, and what differs and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.optimize import linear_sum_assignment

from gis_renovation.contiguity import USABLE
from gis_renovation.ids import on_text_ids, sorted_by_id, with_ids
from gis_renovation.sentences import with_sentences
from gis_renovation.unknowns import names_or_ids, optional_numbers
from gis_renovation.words import CLAUSES, COMMAS, LISTED, Sentence, Text, counted

NAMES_SHOWN = 6
_SPREAD = ("households", "cost_yuan")


class Scheme(NamedTuple):
    """One scheme: its title, whether it is the one chosen, and its links, members and zones, as far as asked for."""

    title: Text
    is_chosen: bool
    zone_members: pd.DataFrame
    community_links: gpd.GeoDataFrame | None = None
    zones: gpd.GeoDataFrame | None = None


class SchemeChange(NamedTuple):
    """Who is elsewhere than in the chosen scheme: in another zone, in none, or in one where it was in none."""

    moved: list[str]
    left_out: list[str]
    taken_in: list[str]

    @property
    def size(self) -> int:
        """How many communities that are."""
        return len(self.moved) + len(self.left_out) + len(self.taken_in)


def compare_schemes(communities: gpd.GeoDataFrame, *, schemes: Mapping[str, Scheme]) -> pd.DataFrame:
    """One row a scheme: zones, communities left out, households and cost of zones, compactness, links cut, changes.

    Zones of one community are counted beside: they are renovated by themselves (单独实施), not together. Compactness
    is how far, on average, communities of zones of two and more lie from the centre of theirs, in metres. Links cut
    are those usable between communities of two different zones. Changes count communities against the chosen scheme;
    a zone is the same as that of the chosen scheme with which it shares most communities, each taken once.

    Parameters
    ----------
    communities
        Polygons in a projected CRS in metres, index the community id.
    schemes
        By name, in their order; one of them chosen. Each with ``zone_members``, ``community_links`` and ``zones``.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_schemes``, index ``scheme``, in the order given. Sums over zones whose value is known; the counts
        beside say of how many it is not. No schemes, no rows.

    Raises
    ------
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(schemes x (n + m + zones^3)).

    Examples
    --------
    Three communities in a row: together, or each by itself.

    >>> homes = gpd.GeoDataFrame(geometry=shapely.box([0, 20, 40], 0, [10, 30, 50], 10), index=list("ABC"), crs=4548)
    >>> links = pd.DataFrame({"focal": ["A", "B"], "neighbor": ["B", "C"], "status": "joined"})
    >>> one = pd.DataFrame({"zone_id": ["Z-A"] * 3}, index=list("ABC"))
    >>> three = pd.DataFrame({"zone_id": ["Z-A", "Z-B", "Z-C"]}, index=list("ABC"))
    >>> both = {
    ...     "": Scheme(Text.same("one"), True, one, links, pd.DataFrame({"households": [9.0]}, index=["Z-A"])),
    ...     "apart": Scheme(Text.same("apart"), False, three, links, pd.DataFrame(index=["Z-A", "Z-B", "Z-C"])),
    ... }
    >>> compare_schemes(homes, schemes=both)[["zone_count", "cut_link_count", "changed_count"]].to_dict("list")
    {'zone_count': [1, 3], 'cut_link_count': [0, 2], 'changed_count': [0, 2]}
    """
    frame = with_ids(communities, "communities")
    chosen = _chosen(schemes)
    rows, texts = [], []
    for place, scheme in enumerate(schemes.values(), start=1):
        change = scheme_change(chosen.zone_members, scheme.zone_members)
        row = {"scheme_order": place, **_numbers(frame, scheme), **_changes(change)}
        rows.append(row)
        texts.append(_sentence(row, is_chosen=scheme.is_chosen))
    index = pd.Index(list(schemes), dtype="str", name="scheme")
    return with_sentences(pd.DataFrame(rows, index=index).astype(_kinds(rows)), "reason", texts)


def _chosen(schemes: Mapping[str, Scheme]) -> Scheme:
    return next(scheme for scheme in schemes.values() if scheme.is_chosen)


def _kinds(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Text, counts and numbers as they are kept."""
    kinds = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        whole = name.endswith("_count") or name == "scheme_order"
        kinds[name] = (
            "int64" if whole else "bool" if isinstance(values[0], bool) else "str" if name in _TEXTS else "float64"
        )
    return kinds


_TEXTS = ("title_zh", "title_en")


def _numbers(frame: gpd.GeoDataFrame, scheme: Scheme) -> dict[str, Any]:
    members = on_text_ids(scheme.zone_members, "zone_members")
    home = members["zone_id"].dropna()
    sizes = home.value_counts()
    return {
        "title_zh": scheme.title.zh,
        "title_en": scheme.title.en,
        "is_chosen": scheme.is_chosen,
        "zone_count": len(sizes),
        "single_zone_count": int((sizes == 1).sum()),
        "zoned_count": len(home),
        "left_out_count": len(members) - len(home),
        **_spread(scheme.zones),
        "mean_distance_m": _looseness_m(frame, home),
        **_links(scheme.community_links, home),
        "unproven_count": int((~members.get("proof", pd.Series("proven", members.index)).isin(_PROVEN)).sum()),
    }


# What a component's proof says where nothing better is possible: solved, taken whole, fixed, or not zoned at all.
_PROVEN = ("proven", "whole", "fixed", "unknown", "revised")


def _spread(zones: pd.DataFrame | None) -> dict[str, Any]:
    """Least, middle and most of a zone's households and cost, and of how many zones they are not known."""
    found: dict[str, Any] = {}
    for name in _SPREAD:
        values = optional_numbers(zones if zones is not None else pd.DataFrame(), name)
        known = values.dropna().to_numpy()
        stem = name.removesuffix("_yuan")
        unit = "_yuan" if name.endswith("_yuan") else ""
        for word, take in (("least", np.min), ("median", np.median), ("most", np.max)):
            found[f"{stem}_{word}{unit}"] = float(take(known)) if len(known) else np.nan
        found[f"{stem}_unknown_zone_count"] = int(values.isna().sum())
    return found


def _looseness_m(frame: gpd.GeoDataFrame, home: pd.Series[str]) -> float:
    """Mean distance of communities from the centre of their zone; NaN where no zone has two."""
    together = home[home.duplicated(keep=False)]
    if not len(together):
        return np.nan
    spots = shapely.get_coordinates(shapely.centroid(frame.loc[together.index].geometry.to_numpy()))
    at = pd.DataFrame(spots, index=together.index)
    away = at - at.groupby(together).transform("mean")
    return float(np.hypot(away[0], away[1]).mean())


def _links(links: pd.DataFrame | None, home: pd.Series[str]) -> dict[str, int]:
    """Usable links, and those of them that zones cut."""
    if links is None:
        return {"link_count": 0, "cut_link_count": 0}
    usable = links[links["status"].isin(USABLE)]
    one, two = usable["focal"].astype(str).map(home), usable["neighbor"].astype(str).map(home)
    return {"link_count": len(usable), "cut_link_count": int((one.notna() & two.notna() & (one != two)).sum())}


def _changes(change: SchemeChange) -> dict[str, int]:
    return {
        "changed_count": change.size,
        "moved_count": len(change.moved),
        "newly_left_out_count": len(change.left_out),
        "taken_in_count": len(change.taken_in),
    }


def scheme_change(before: pd.DataFrame, after: pd.DataFrame) -> SchemeChange:
    """Which communities are elsewhere in ``after`` than in ``before``, two tables of members of the same communities.

    Zones are matched one to one so that most communities stay. O(n + zones^3).
    """
    old, new = (on_text_ids(table, "zone_members")["zone_id"].sort_index() for table in (before, after))
    both = old.notna() & new.notna()
    counts = pd.crosstab(old[both].to_numpy(), new[both].to_numpy())
    rows, columns = linear_sum_assignment(-counts.to_numpy()) if counts.size else ([], [])
    same = {(counts.index[row], counts.columns[column]) for row, column in zip(rows, columns, strict=True)}
    stays = pd.Series([pair in same for pair in zip(old, new, strict=True)], index=old.index)
    return SchemeChange(
        moved=[str(member) for member in old.index[both & ~stays]],
        left_out=[str(member) for member in old.index[old.notna() & new.isna()]],
        taken_in=[str(member) for member in old.index[old.isna() & new.notna()]],
    )


def change_text(change: SchemeChange) -> Text:
    """How many communities are elsewhere than in the chosen scheme."""
    parts = [
        Text(zh.format(n=len(members)), en.format(n=counted(len(members), "community", "communities")))
        for members, zh, en in (
            (change.moved, "{n} 个小区换片", "{n} in another zone"),
            (change.left_out, "{n} 个变为未纳入", "{n} no longer in any zone"),
            (change.taken_in, "{n} 个由未纳入变为纳入", "{n} newly in a zone"),
        )
        if members
    ]
    return COMMAS.join(parts) if parts else Text("小区归属相同", "every community is where it was")


def _sentence(row: Mapping[str, Any], *, is_chosen: bool) -> Sentence:
    """A scheme in one sentence: how many zones it has and how it differs from the chosen one."""
    alone, out = row["single_zone_count"], row["left_out_count"]
    parts = [
        Text(
            "{n} 个片区，其中 {alone} 个只有一个小区（单独实施）；未纳入 {out} 个小区",
            "{n} zones, of which {alone} of one community alone; {out} communities in none",
        ).fill(n=row["zone_count"], alone=alone, out=out)
    ]
    if not is_chosen:
        change = SchemeChange(*([""] * row[name] for name in ("moved_count", "newly_left_out_count", "taken_in_count")))
        parts.append(Text("与采用的方案相比，", "against the chosen scheme: ") + change_text(change))
    if row["unproven_count"]:
        parts.append(
            Text("{n} 个小区的划分未证明最优", "for {n} communities the zones are not proven best").fill(
                n=row["unproven_count"]
            )
        )
    return Sentence(CLAUSES.join(parts))


def lay_out_schemes(*, schemes: Mapping[str, Scheme]) -> gpd.GeoDataFrame:
    """The zones of all schemes in one layer, each by its scheme; they lie on top of each other.

    Parameters
    ----------
    schemes
        By name, in their order, each with ``zones`` of one projected CRS in metres and ``zone_members``.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``scheme_zones``, index ``scheme_zone_id`` (``<scheme>/<zone id>``), by scheme and zone; (multi)polygons
        with the zone's sums and reasons, and how many of its communities are in no such zone of the chosen scheme.

    Raises
    ------
    ValueError
        No scheme at all.

    Notes
    -----
    O(zones + n).

    Examples
    --------
    >>> zones = gpd.GeoDataFrame({"name": ["甲片区"]}, geometry=[shapely.box(0, 0, 9, 9)], index=["Z-A"], crs=4548)
    >>> members = pd.DataFrame({"zone_id": ["Z-A"]}, index=["A"])
    >>> lay_out_schemes(schemes={"few": Scheme(Text.same("few"), True, members, None, zones)}).index.tolist()
    ['few/Z-A']
    """
    chosen = _chosen(schemes)
    parts = []
    for place, (name, scheme) in enumerate(schemes.items(), start=1):
        own = sorted_by_id(scheme.zones if scheme.zones is not None else gpd.GeoDataFrame(), "zones")
        change = scheme_change(chosen.zone_members, scheme.zone_members)
        elsewhere = {*change.moved, *change.taken_in}
        home = on_text_ids(scheme.zone_members, "zone_members")["zone_id"].dropna()
        changed = home[home.index.isin(elsewhere)].value_counts()
        table = own.reindex(columns=[*_KEPT, "geometry"])
        table.insert(0, "scheme", name)
        table.insert(1, "scheme_order", place)
        table.insert(2, "scheme_title_zh", scheme.title.zh)
        table.insert(3, "scheme_title_en", scheme.title.en)
        table.insert(4, "is_chosen", scheme.is_chosen)
        table.insert(5, "zone_id", own.index)
        table["changed_count"] = [int(changed.get(zone, 0)) for zone in own.index]
        table.index = pd.Index([f"{name}/{zone}" for zone in own.index], dtype="str", name="scheme_zone_id")
        parts.append(table)
    laid = pd.concat(parts)
    texts = dict.fromkeys(("scheme", "scheme_title_zh", "scheme_title_en", "zone_id", "name", "why_zh"), "str")
    counts = laid["community_count"].astype("Int64")
    return gpd.GeoDataFrame(
        laid.astype(texts | {"why_en": "str"}).assign(community_count=counts), geometry="geometry", crs=parts[0].crs
    )


_KEPT = ("name", "community_count", "households", "floor_area_m2", "cost_yuan", "why_zh", "why_en")


def list_scheme_differences(communities: gpd.GeoDataFrame, *, schemes: Mapping[str, Scheme]) -> pd.DataFrame:
    """Every community that a scheme puts elsewhere than the chosen one does: with whom it is now, and why.

    Parameters
    ----------
    communities
        Indexed by ``community_id``; ``name`` where known.
    schemes
        By name, in their order; each with ``zone_members`` and ``community_links``.

    Returns
    -------
    pandas.DataFrame
        Layer ``scheme_differences``, index ``difference_id`` (``<scheme>/<community id>``): ``change`` (moved,
        left_out, taken_in), the zone in either scheme, and a sentence: the reason for being left out, else the mates
        won and lost, with the link that is cut in this scheme where that is one. No differences, no rows.

    Raises
    ------
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n + m) a scheme.

    Examples
    --------
    >>> homes = pd.DataFrame({"name": ["甲", "乙"]}, index=["A", "B"])
    >>> one, two = ({"zone_id": zones} for zones in (["Z-A", "Z-A"], ["Z-A", "Z-B"]))
    >>> both = {
    ...     "": Scheme(Text.same("one"), True, pd.DataFrame(one, index=["A", "B"])),
    ...     "apart": Scheme(Text.same("apart"), False, pd.DataFrame(two, index=["A", "B"])),
    ... }
    >>> list_scheme_differences(homes, schemes=both)["reason_zh"].to_dict()
    {'apart/B': '不再与甲同片'}
    """
    frame = with_ids(communities, "communities")
    names = dict(zip(frame.index, names_or_ids(frame), strict=True))
    chosen = _chosen(schemes)
    before = _Sides.of(chosen)
    rows, texts = [], []
    for name, scheme in schemes.items():
        after, change = _Sides.of(scheme), scheme_change(chosen.zone_members, scheme.zone_members)
        for kind, members in change._asdict().items():
            for member in members:
                rows.append((f"{name}/{member}", name, member, kind, before.home.get(member), after.home.get(member)))
                texts.append(_why(member, before, after, names))
    index = pd.Index([row[0] for row in rows], dtype="str", name="difference_id")
    columns = ("scheme", "community_id", "change", "chosen_zone_id", "zone_id")
    table = pd.DataFrame(
        {column: pd.array([row[at] for row in rows], dtype="str") for at, column in enumerate(columns, start=1)},
        index=index,
    )
    return with_sentences(table, "reason", texts)


class _Sides(NamedTuple):
    """One scheme as its differences are told: homes, mates, the reasons for being left out, and its links."""

    home: Mapping[str, str]
    mates: Mapping[str, frozenset[str]]
    left_out: Mapping[str, Text]
    links: Mapping[frozenset[str], tuple[bool, Text]]

    @classmethod
    def of(cls, scheme: Scheme) -> _Sides:
        members = on_text_ids(scheme.zone_members, "zone_members")
        known = members["zone_id"].dropna()
        groups = {zone: frozenset(map(str, own)) for zone, own in known.groupby(known).groups.items()}
        reasons = {}
        if "reason_zh" in members:
            told = members[members["zone_id"].isna() & members["reason_zh"].notna()]
            reasons = {key: Text(*pair) for key, *pair in told[["reason_zh", "reason_en"]].itertuples()}
        home = {str(member): str(zone) for member, zone in known.items()}
        return cls(home, {member: groups[zone] for member, zone in home.items()}, reasons, _told(scheme))


def _told(scheme: Scheme) -> dict[frozenset[str], tuple[bool, Text]]:
    """For each pair of neighbours whether the link is usable, and the sentence about it."""
    links = scheme.community_links
    if links is None or "reason_zh" not in links:
        return {}
    columns = ("focal", "neighbor", "status", "reason_zh", "reason_en")
    cells = zip(*(links[column] for column in columns), strict=True)
    return {frozenset((str(a), str(b))): (status in USABLE, Text(zh, en)) for a, b, status, zh, en in cells}


def _why(member: str, before: _Sides, after: _Sides, names: Mapping[str, str]) -> Sentence:
    if member not in after.home:
        return Sentence(after.left_out.get(member) or Text("未纳入任何片区", "in no zone"))
    old, new = before.mates.get(member, frozenset()) - {member}, after.mates[member] - {member}
    parts = [
        text.fill(names=_listed(sorted(mates), names))
        for text, mates in (
            (Text("与{names}同片", "now with {names}"), new - old),
            (Text("不再与{names}同片", "no longer with {names}"), old - new),
        )
        if mates
    ]
    parts += _cut(member, old - new, before, after, names)
    return Sentence(CLAUSES.join(parts or [Text("单独成片", "a zone of its own")]))


def _cut(member: str, lost: frozenset[str], before: _Sides, after: _Sides, names: Mapping[str, str]) -> Iterator[Text]:
    """Links to former mates that could be used before and cannot now: what the wishes of this scheme changed."""
    for other in sorted(lost):
        was, now = (side.links.get(frozenset((member, other))) for side in (before, after))
        if was is None or not was[0] or (now is not None and now[0]):
            continue
        told = Text("该方案中与{other}不再相连", "in this scheme no link to {other}").fill(
            other=names.get(other, other)
        )
        yield told if now is None else told + Text("（", " (") + now[1] + Text("）", ")")


def _listed(members: Sequence[str], names: Mapping[str, str]) -> Text:
    shown = LISTED.join([names.get(member, member) for member in members[:NAMES_SHOWN]])
    more = len(members) - NAMES_SHOWN
    return shown + Text(f"等 {len(members)} 个小区", f" and {more} more") if more > 0 else shown
