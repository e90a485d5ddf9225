"""Least change to an approved zoning: the nearest zones that keep the bounds after the list has changed.

Each candidate zone may continue one approved zone; its communities that come from elsewhere have moved.
Choosing zones that leave fewest out, then move fewest, then cost least is again a choice among listed
candidates, each approved zone continued at most once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array, identity

from gis_renovation.arrays import Flags, Floats
from gis_renovation.crs import require_metric
from gis_renovation.ids import on_text_ids
from gis_renovation.outlines import require_areas
from gis_renovation.sentences import with_sentences
from gis_renovation.words import NO_TEXT, Sentence, Text
from gis_renovation.zones.remedies import broken_bounds
from gis_renovation.zones.request import Request, read_request, zone_by_member
from gis_renovation.zones.requirements import NOTHING_ASKED, QUANTITIES, Ids, ZoneRequirements
from gis_renovation.zones.sentences import ZoneScene, amount_text, amount_told, drawn, is_connected, read_scene
from gis_renovation.zones.shortfalls import shortfalls
from gis_renovation.zones.solver import (
    MEMBERS,
    Candidates,
    Columns,
    Cover,
    Labels,
    SearchEffort,
    ZoneProblem,
    compact,
    connected_parts,
    cover_of,
    group_sums,
    list_candidates,
    part_problem,
    settle,
)

# Beyond so many candidate zones in one component only the disturbed neighbourhood is solved: each takes a
# column for every approved zone it may continue, some hundred bytes together.
LISTED_REVISED = 1_000_000
ZONES_AT_ONCE = 200_000
REVISION_EFFORT = SearchEffort(max_subsets=1_000_000)
# What a workbook of a run, or a person, writes in place of a zone where there is none.
NO_ZONE = ("未纳入任何片区", "未纳入", "—")


class Revision(NamedTuple):
    """Zone number of each community (-1 left out), the approved zone each zone continues, and the proof.

    ``is_proven`` says of each community whether the least number of moves in its part is proven.
    """

    zone: Labels
    continues: Mapping[int, str]
    is_proven: Flags


class _Draft(NamedTuple):
    """What is revised so far, filled part by part: zone and proof of each node, and whom each zone continues."""

    labels: Labels
    proven: Flags
    continues: dict[int, str]

    def add(self, nodes: Labels, continued: str | None) -> None:
        """One zone more, numbered on from those there."""
        self.labels[nodes] = fresh = int(self.labels.max(initial=-1)) + 1
        if continued is not None:
            self.continues[fresh] = continued


class _Approved(NamedTuple):
    """Approved zones met by the nodes of a problem: ``counts`` is nodes by approved zones."""

    names: Ids
    counts: Floats


def revise_zones(
    approved_zones: pd.DataFrame,
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    requirements: ZoneRequirements = NOTHING_ASKED,
    effort: SearchEffort = REVISION_EFFORT,
) -> pd.DataFrame:
    """The nearest feasible zoning to an approved one after the list has changed, and what moved and why.

    In order: fewest communities left out, then fewest communities that leave their approved zone for
    another or for none, then least cost. Each zone may continue one approved zone; communities new to the
    list move nowhere. Exact where a component's candidates can be listed; elsewhere only
    the disturbed zones and those next to them are solved anew (``is_proven`` says which).

    Parameters
    ----------
    approved_zones
        The approved zoning: index community id, ``zone_id`` (null: left out), ``zone_name`` where known.
        Communities that are not in ``communities`` any more were dropped.
    communities, community_links, barriers
        The list, links and barriers as they are now.
    requirements
        As for :func:`delineate_zones`. How many zones there are follows from the approved plan: number,
        preference and target of zones do not count here.
    effort
        Its subsets, columns and nodes; nothing is searched for.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_changes``, index ``community_id``, sorted, of approved and present communities:
        ``approved_zone_id``, ``zone_id`` (that of the approved zone it continues; a new one is named for a
        member), ``continues_zone_id`` and ``continues_name`` (the approved zone that the present one
        continues), ``change`` (kept, moved, added, dropped, left_out, still_out), ``is_proven`` and a reason.

    Raises
    ------
    CRSError
        No common projected CRS in metres.
    ConfigError
        Requirements that contradict themselves or name unknown communities; all at once.
    DataError
        No communities, repeated ids, links to unknown communities, unknown or negative bounded values.

    Notes
    -----
    As the proof of :func:`delineate_zones`, with a column for each approved zone that a candidate may continue.

    Examples
    --------
    Four communities in a row, 10 m apart. After the first has left the list, the second alone is too small,
    and with the others too large.

    >>> import geopandas as gpd
    >>> import numpy as np
    >>> import shapely
    >>> from gis_renovation.contiguity import link_communities
    >>> from gis_renovation.zones import delineate_zones
    >>> x = np.arange(4) * 110.0
    >>> communities = gpd.GeoDataFrame(
    ...     {"households": [300, 250, 200, 600]},
    ...     index=["C1", "C2", "C3", "C4"],
    ...     geometry=shapely.box(x, 0.0, x + 100.0, 80.0),
    ...     crs="EPSG:4548",
    ... )
    >>> links = link_communities(communities)
    >>> asked = ZoneRequirements(households={"min": 500, "max": 900})
    >>> approved = delineate_zones(communities, links, requirements=asked)
    >>> now, ties = communities.drop(index="C1"), links.drop(index="C1~C2")
    >>> changes = revise_zones(approved, now, ties, requirements=asked)
    >>> changes["change"].to_dict()
    {'C1': 'dropped', 'C2': 'left_out', 'C3': 'kept', 'C4': 'kept'}
    """
    require_metric(communities=communities, **drawn(community_links))
    require_areas(communities=communities)
    communities, approved_zones = on_text_ids(communities, "communities"), on_text_ids(approved_zones, "approved_zones")
    requirements = replace(requirements, zone_count=None, zone_preference="auto", target=None)
    request = read_request(communities, community_links, requirements)
    approved = {member: zone for member, zone in zone_by_member(approved_zones).items() if zone and zone not in NO_ZONE}
    revision = revise(request, approved, effort)
    zone_of = dict(zip(request.ids, _names_kept(request.ids, revision, set(approved.values())), strict=True))
    scene = read_scene(communities, community_links, zone_of, requirements, barriers)
    continues = {
        zone_of[member]: revision.continues.get(int(number))
        for member, number in zip(request.ids, revision.zone, strict=True)
    }
    proven = dict(zip(request.ids, revision.is_proven.tolist(), strict=True))
    ids = sorted({*map(str, approved_zones.index), *request.ids})
    table = _change_table(scene, ids, approved, continues, proven)
    named = (
        approved_zones.dropna(subset=["zone_id"]).drop_duplicates("zone_id") if "zone_name" in approved_zones else None
    )
    names = {} if named is None else dict(zip(named["zone_id"], named["zone_name"], strict=True))
    table.insert(3, "continues_name", table["continues_zone_id"].map(names).astype("str"))
    return table


def _names_kept(ids: Ids, revision: Revision, approved: set[str]) -> list[str | None]:
    """A zone that continues an approved one keeps its id; others take the first name no approved zone ever had."""
    taken = set(approved)
    names = dict(revision.continues)
    for number in dict.fromkeys(revision.zone[revision.zone >= 0].tolist()):
        if number in names:
            continue
        own = [f"Z-{member}" for member in ids[revision.zone == number]]
        again = (f"{own[0]}-{turn}" for turn in count(2))
        names[number] = next(name for name in chain(own, again) if name not in taken)
        taken.add(names[number])
    return [names.get(int(number)) for number in revision.zone]


def _change_table(
    scene: ZoneScene,
    ids: Sequence[str],
    approved: Mapping[str, str],
    continues: Mapping[str | None, str | None],
    proven: Mapping[str, bool],
) -> pd.DataFrame:
    """What became of each approved or present community, and why."""
    zone_of = dict(zip(scene.ids, scene.zone, strict=True))
    row_of = {member: row for row, member in enumerate(scene.ids)}
    unplaced = {row: entry.sentence for entry in shortfalls(scene) for row in entry.rows}
    causes = _causes(scene, approved, row_of)
    rows, texts = [], []
    for member in ids:
        before, after = approved.get(member), zone_of.get(member)
        change = _change(member in row_of, before, after, continues.get(after))
        own = row_of.get(member, -1)
        texts.append(_reason(change, _company(scene, own, after), causes.get(before or ""), unplaced.get(own)))
        rows.append((before, after, continues.get(after) if after else None, change, proven.get(member, True)))
    table = pd.DataFrame(
        {
            "approved_zone_id": pd.array([row[0] for row in rows], dtype="str"),
            "zone_id": pd.array([row[1] for row in rows], dtype="str"),
            "continues_zone_id": pd.array([row[2] for row in rows], dtype="str"),
            "change": pd.array([row[3] for row in rows], dtype="str"),
            "is_proven": pd.array([row[4] for row in rows], dtype="boolean"),
        },
        index=pd.Index(list(ids), dtype="str", name="community_id"),
    )
    return with_sentences(table, "reason", texts)


def _change(is_present: bool, before: str | None, after: str | None, continued: str | None) -> str:
    if not is_present:
        return "dropped"
    if before is None:
        return "added" if after is not None else "still_out"
    if after is None:
        return "left_out"
    return "kept" if continued == before else "moved"


def _causes(scene: ZoneScene, approved: Mapping[str, str], row_of: Mapping[str, int]) -> dict[str, Sentence]:
    """Why each approved zone cannot stand as it is; zones that can are not in the result."""
    members: dict[str, list[int]] = {}
    gone: dict[str, int] = {}
    for member, zone in sorted(approved.items()):
        members.setdefault(zone, [])
        if member in row_of:
            members[zone].append(row_of[member])
        else:
            gone[zone] = gone.get(zone, 0) + 1
    causes = {}
    for zone, rows in members.items():
        lost = gone.get(zone, 0)
        start = Text(f"{lost} 个小区退出后，", f"after {lost} left the list, ") if lost else NO_TEXT
        fault = _fault(scene, rows)
        if fault is not None:
            causes[zone] = Sentence.joined(NO_TEXT, [start, fault])
    return causes


def _fault(scene: ZoneScene, rows: Sequence[int]) -> Sentence | None:
    if not rows:
        return Sentence.of("原片区已无小区", "the approved zone has no community left")
    wish = _wish_against(scene, rows)
    if wish is not None:
        return Sentence(wish)
    if not is_connected(scene, rows):
        return Sentence.of("原片区不再连通", "the approved zone is no longer connected")
    broken = broken_bounds(scene, rows)
    if not broken:
        return None
    bound, is_low, value = broken[0]
    label, found = QUANTITIES[bound.name].label, amount_told(bound.name, value, beside=broken[0].limit)
    limit = amount_text(bound.name, broken[0].limit, beside=value)
    word = Text("低于下限", "below the minimum of") if is_low else Text("超过上限", "above the maximum of")
    return Sentence.of(
        "原片区{label} {found}，{word} {limit}",
        "the approved zone has {label} {found}, {word} {limit}",
        label=label,
        found=found,
        word=word,
        limit=limit,
    )


def _wish_against(scene: ZoneScene, rows: Sequence[int]) -> Text | None:
    """The wish that an approved zone goes against as it is; None where it goes against none."""
    own = {scene.ids[row] for row in rows}
    wishes = scene.requirements
    torn = (
        (wishes.fixed_zones, "{names}已列入固定片区", "{names} of the approved zone are in a fixed zone"),
        (wishes.must_join, "{names}须与原片区以外的小区同片", "{names} must be with others than the approved zone"),
    )
    for groups, zh, en in torn:
        for group in groups:
            inside = own.intersection(group)
            if inside and (not own.issuperset(group) or (groups is wishes.fixed_zones and own != set(group))):
                return Text("原片区的" + zh, en).fill(names=_named(scene, inside))
    for group in wishes.must_not_join:
        inside = own.intersection(group)
        if len(inside) > 1:
            said = Text("原片区的{names}要求分开", "{names} of the approved zone are wanted apart")
            return said.fill(names=_named(scene, inside))
    return None


def _named(scene: ZoneScene, members: Collection[str]) -> Text:
    return scene.name_list([row for row, member in enumerate(scene.ids) if member in members])


def _company(scene: ZoneScene, own: int, after: str | None) -> Text:
    """With whom a community is now."""
    others = [row for row in scene.members.get(after or "", ()) if row != own]
    if not others:
        return Text("单独成片", "a zone of its own")
    return Text("与{mates}同片", "with {mates}").fill(mates=scene.name_list(others))


def _reason(change: str, company: Text, cause: Sentence | None, unplaced: Sentence | None) -> Sentence:
    if change == "dropped":
        return Sentence.of("已不在改造名单", "no longer on the list")
    if change in ("left_out", "still_out"):
        return unplaced or Sentence.of("未纳入任何片区", "in no zone")
    if change == "added":
        return Sentence.of("新列入，{company}", "new on the list, {company}", company=company)
    if change == "kept":
        return Sentence.of("维持原片区", "stays in its zone")
    if cause is not None:
        return Sentence.of("{cause}，改为{company}", "{cause}; now {company}", cause=cause, company=company)
    return Sentence.of(
        "为使未纳入和调动的小区尽量少而调整，改为{company}",
        "moved so that as few as possible are left out and moved in all; now {company}",
        company=company,
    )


def revise(request: Request, approved: Mapping[str, str], effort: SearchEffort) -> Revision:
    """The nearest feasible zoning of a request to approved zones (community id to zone id).

    Exact for each component whose candidates can be listed within the limits. In larger ones, sound
    approved zones away from any change stay as they are and the disturbed neighbourhood is solved.
    """
    problem, free = request.problem, np.flatnonzero(request.node >= 0)
    claim = _fixed_claims(request, approved)
    open_to_all = {approved[m] for m in request.ids[free] if m in approved} - set(claim.owner.values())
    names = np.array(sorted(open_to_all), dtype=object)
    # One column at least, so that a list with nothing approved needs no case of its own.
    counts = np.zeros((problem.size, max(len(names), 1)))
    for row in free:
        if approved.get(request.ids[row]) in open_to_all:
            counts[request.node[row], np.searchsorted(names, approved[request.ids[row]])] += 1.0
    draft = _Draft(np.full(problem.size, -1), np.zeros(problem.size, dtype=bool), {})
    parts = connected_parts(problem)
    for part in range(int(parts.max(initial=-1)) + 1):
        nodes = np.flatnonzero(parts == part)
        _revise_part(part_problem(problem, nodes), nodes, _Approved(names, counts[nodes]), effort, draft)
    _continue_once(draft, counts, names)
    zone, is_proven = np.full(len(request.ids), -1), np.ones(len(request.ids), dtype=bool)
    zone[free], is_proven[free] = draft.labels[request.node[free]], draft.proven[request.node[free]]
    return _with_fixed(request, approved, Revision(zone, draft.continues, is_proven), claim)


class _Claim(NamedTuple):
    """Which approved zone each fixed zone (by number) continues, and those that another might better have continued."""

    owner: dict[int, str]
    contested: frozenset[str]


def _fixed_claims(request: Request, approved: Mapping[str, str]) -> _Claim:
    """Approved zones that fixed ones continue: those of which no other zone could keep more communities.

    What a fixed zone does not claim is open to the others; where that, or a rival, may keep fewer than could be
    kept in all, the moves of these communities are not proven least.
    """
    groups = request.requirements.fixed_zones
    fixed = {member for group in groups for member in group}
    here = set(request.ids)
    free = Counter(zone for member, zone in approved.items() if member in here and member not in fixed)
    met = [Counter(approved[member] for member in set(group) if member in approved) for group in groups]
    zones = sorted({zone for counter in met for zone in counter})
    kept = np.array([[counter[zone] for zone in zones] for counter in met], dtype=float).reshape(
        len(groups), len(zones)
    )
    left = np.array([free[zone] for zone in zones], dtype=float)
    rows, columns = linear_sum_assignment(np.where(kept >= left, kept, 0.0), maximize=True)
    owner = {int(f): zones[z] for f, z in zip(rows, columns, strict=True) if kept[f, z] >= max(left[z], 1.0)}
    saved = {zone: kept[f, zones.index(zone)] for f, zone in owner.items()}
    best = np.maximum(kept.max(axis=0, initial=0.0), left)
    return _Claim(owner, frozenset(z for z, most in zip(zones, best.tolist(), strict=True) if saved.get(z, 0) < most))


def _with_fixed(request: Request, approved: Mapping[str, str], revision: Revision, claim: _Claim) -> Revision:
    """The revision with its fixed zones, each continuing what it claimed, or what nobody else continued."""
    zone, continues, is_proven = revision
    continues = dict(continues)
    used = {*continues.values(), *claim.owner.values()}
    for turn, group in enumerate(request.requirements.fixed_zones):
        inside = np.isin(request.ids, list(group))
        zone[inside] = number = int(max([zone.max(initial=-1), *continues])) + 1
        spare = Counter(
            approved[member] for member in sorted(set(group)) if approved.get(member, "") not in {"", *used}
        )
        name = claim.owner.get(turn) or min(spare, key=lambda zone: (-spare[zone], zone), default=None)
        if name is not None:
            continues[number] = name
            used.add(name)
    is_proven &= np.array([approved.get(member) not in claim.contested for member in request.ids])
    return Revision(zone, continues, is_proven)


def _continue_once(draft: _Draft, counts: Floats, names: Ids) -> None:
    """Let an approved zone torn over several components be continued by its largest piece only.

    Components are solved apart, so the moves of such a zone are not proven least.
    """
    labels, proven, continues = draft
    for column, name in enumerate(names):
        pieces = sorted(number for number, owner in continues.items() if owner == name)
        if len(pieces) > 1:
            sizes = {number: counts[labels == number, column].sum() for number in pieces}
            largest = max(pieces, key=lambda number: (sizes[number], -number))
            for number in pieces:
                proven[labels == number] = False
                if number != largest:
                    del continues[number]


def _revise_part(
    problem: ZoneProblem,
    nodes: Labels,
    approved: _Approved,
    effort: SearchEffort,
    draft: _Draft,
) -> None:
    """Write one component's zones into the draft."""
    start = standing_zones(problem, approved.counts)
    most = min(effort.max_subsets, LISTED_REVISED)
    listed = list_candidates(problem, max_subsets=most)
    inside = np.arange(problem.size)
    if listed is None:
        # Too many to list: keep sound zones that touch no disturbed one, solve the rest.
        inside = _disturbed(problem, approved.counts, start)
        for number in np.unique(start[np.setdiff1d(np.arange(problem.size), inside)]):
            rows = np.flatnonzero(start == number)
            draft.add(nodes[rows], str(approved.names[approved.counts[rows].sum(axis=0).argmax()]))
        problem = part_problem(problem, inside)
        listed = list_candidates(problem, max_subsets=most)
    own = _Approved(approved.names, approved.counts[inside])
    if listed is None:
        chosen_labels, owners, certain = compact(start[inside]), None, False
    else:
        chosen_labels, owners, certain = _least_change(problem, listed, own, compact(start[inside]), effort)
    valid = problem.valid(group_sums(problem, chosen_labels))
    owners = _natural_owners(chosen_labels, own, valid) if owners is None else owners
    for number in np.flatnonzero(valid):
        rows = np.flatnonzero(chosen_labels == number)
        draft.add(nodes[inside[rows]], str(approved.names[owners[number]]) if owners[number] >= 0 else None)
    draft.proven[nodes[inside]] = certain and len(inside) == len(nodes)


def standing_zones(problem: ZoneProblem, counts: Floats) -> Labels:
    """What is left of the approved zones: their members' connected groups; every new node for itself."""
    home = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), -1)
    same = (home[problem.heads] == home[problem.tails]) & (home[problem.heads] >= 0)
    kept = replace(
        problem,
        heads=problem.heads[same],
        tails=problem.tails[same],
        lengths=problem.lengths[same],
        closeness=problem.closeness[same],
    )
    return connected_parts(kept)


def _disturbed(problem: ZoneProblem, counts: Floats, start: Labels) -> Labels:
    """Nodes of zones that no longer stand, of torn ones, of new communities, and of the zones next to these."""
    valid = problem.valid(group_sums(problem, start))
    groups = np.zeros((len(valid), counts.shape[1]))
    np.add.at(groups, start, counts)
    torn = (groups > 0).sum(axis=0) > 1
    bad = ~valid | (groups[:, torn] > 0).any(axis=1) | (groups.sum(axis=1) == 0)
    near = bad.copy()
    one, two = start[problem.heads], start[problem.tails]
    near[two[bad[one]]] = near[one[bad[two]]] = True
    return np.flatnonzero(near[start])


def _least_change(
    problem: ZoneProblem, listed: Candidates, approved: _Approved, start: Labels, effort: SearchEffort
) -> tuple[Labels, Labels, bool]:
    """Zones, the approved zone each continues (-1 none), and whether the moves are proven least."""
    n = problem.size
    # Only approved zones that are met here; each is a node more, which the zone that continues it covers.
    met = np.flatnonzero(approved.counts.any(axis=0))
    counts, owners = approved.counts[:, met], len(met)
    groups = csr_array((np.ones(n), (start, np.arange(n))), shape=(int(start.max()) + 1, n))
    score = problem.score(group_sums(problem, start))
    good = np.flatnonzero(score.left_out == 0)
    zones = listed.cover.followed_by(cover_of(groups[good]))
    cost = np.concatenate([listed.cost, score.cost[good]])
    known = zones.totals(counts.sum(axis=1))
    # One column for each zone and each approved zone it may continue, and one as a new zone.
    row, owner, stays = _continuations(zones, counts)
    row = np.concatenate([row, np.arange(len(cost))])
    owner = np.concatenate([owner, np.full(len(cost), -1)])
    moved = known[row] - np.concatenate([stays, np.zeros(len(cost))])
    columns = len(row)
    first = _starting_columns(row, owner, np.arange(len(listed.cost), len(cost)), moved)
    out = np.flatnonzero(np.isin(start, np.flatnonzero(score.left_out > 0)))
    unused = np.setdiff1d(np.arange(owners), owner[first])
    lone = cover_of(identity(n + owners, format="csr")[np.append(np.arange(n, n + owners), np.arange(n))])
    zero = np.zeros(owners)
    cover = zones.with_one_more(row, np.where(owner >= 0, n + owner, -1), n + owners).followed_by(lone)
    choice = Columns(
        # After the zones, approved zones that nobody continues, then those left out.
        cover=cover,
        parts=(
            np.concatenate([np.zeros(columns), zero, problem.stats[:, MEMBERS]]),
            # Who had a zone and is left out has left it, too.
            np.concatenate([moved, zero, counts.sum(axis=1)]),
            np.concatenate([cost[row], zero, np.zeros(n)]),
        ),
        whole=(True, True, False),
        leaving=n,
        chosen=np.concatenate([first, columns + unused, columns + owners + out]),
        floors=(float(problem.stats[~cover.reached(columns)[:n], MEMBERS].sum()), -np.inf),
    )
    picked, bounds = settle(choice, effort)
    reached = choice.parts[1][picked].sum()
    labels, owner_of = _chosen_zones(choice.cover, picked[(picked < columns) | (picked >= columns + owners)], n)
    names = np.append(met, -1)[owner_of]
    return labels, names, bool(np.isfinite(bounds[1]) and reached <= bounds[1] + 1e-6)


def _chosen_zones(cover: Cover, picked: Labels, nodes: int) -> tuple[Labels, Labels]:
    """Zone of each community, by the first of its nodes, and the approved zone each continues (-1 none)."""
    chosen = cover.matrix(picked).tocoo()
    labels = np.empty(nodes, dtype=np.int64)
    owner = np.full(len(picked), -1)
    is_owner = chosen.col >= nodes
    labels[chosen.col[~is_owner]] = chosen.row[~is_owner]
    owner[chosen.row[is_owner]] = chosen.col[is_owner] - nodes
    order = compact(labels)
    owner_of = np.full(int(order.max()) + 1, -1)
    owner_of[order] = owner[labels]
    return order, owner_of


def _continuations(zones: Cover, counts: Floats) -> tuple[Labels, Labels, Floats]:
    """Every zone with each approved zone it shares communities with, and how many those are; by zone."""
    table, count = csr_array(counts), zones.column_count
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))]
    for first in range(0, count, ZONES_AT_ONCE):
        part = np.arange(first, min(first + ZONES_AT_ONCE, count))
        shared = csr_array(zones.matrix(part) @ table).tocoo()
        found.append((shared.row.astype(np.int64) + first, shared.col.astype(np.int64), shared.data))
    row, owner, stays = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.lexsort((owner, row))
    return row[order], owner[order], stays[order]


def _starting_columns(row: Labels, owner: Labels, zones: Labels, moved: Floats) -> Labels:
    """A column for each standing zone: continuing its approved zone, of a torn one the largest piece does."""
    order = np.lexsort((row, moved))
    taken: set[int] = set()
    column: dict[int, int] = {}
    pieces = set(zones.tolist())
    for place in order:
        zone, name = int(row[place]), int(owner[place])
        if zone in pieces and zone not in column and name not in taken:
            column[zone] = int(place)
            taken |= {name} if name >= 0 else set()
    return np.array([column[zone] for zone in sorted(pieces)], dtype=np.int64)


def _natural_owners(labels: Labels, approved: _Approved, valid: Flags) -> Labels:
    """For zones kept without a proof: each approved zone goes to the zone with most of its members."""
    owners = np.full(len(valid), -1)
    counts = np.zeros((len(valid), len(approved.names)))
    np.add.at(counts, labels, approved.counts)
    for zone, name in zip(*np.unravel_index(np.argsort(-counts, axis=None, kind="stable"), counts.shape), strict=True):
        if counts[zone, name] > 0 and owners[zone] < 0 and name not in owners:
            owners[zone] = name
    return owners
