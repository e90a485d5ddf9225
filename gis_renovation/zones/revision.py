"""Least change to an approved zoning: the nearest zones that keep the bounds after the list has changed.

Each candidate zone may continue one approved zone; its communities that come from elsewhere have moved.
Choosing zones that leave fewest out, then move fewest, then cost least is again a choice among listed
candidates, each approved zone continued at most once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, identity

from gis_renovation.arrays import Flags, Floats
from gis_renovation.zones.requirements import Ids, Request
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
    group_sums,
    list_candidates,
    part_of,
    settle,
)

# Beyond so many candidate zones in one component only the disturbed neighbourhood is solved: each takes a
# column for every approved zone it may continue, some hundred bytes together.
LISTED_REVISED = 1_000_000
ZONES_AT_ONCE = 200_000


class Revision(NamedTuple):
    """Zone number of each community (-1 left out), the approved zone each zone continues, and the proof.

    ``is_proven`` says of each community whether the least number of moves in its part is proven.
    """

    zone: Labels
    continues: Mapping[int, str]
    is_proven: Flags


class _Approved(NamedTuple):
    """Approved zones met by the nodes of a problem: ``counts`` is nodes by approved zones."""

    names: Ids
    counts: Floats


def revise(request: Request, approved: Mapping[str, str], effort: SearchEffort) -> Revision:
    """The nearest feasible zoning of a request to approved zones (community id to zone id).

    Exact for each component whose candidates can be listed within the limits. In larger ones, sound
    approved zones away from any change stay as they are and the disturbed neighbourhood is solved.
    """
    problem, free = request.problem, np.flatnonzero(request.node >= 0)
    names = np.array(sorted({approved[member] for member in request.ids[free] if member in approved}), dtype=object)
    # One column at least, so that a list with nothing approved needs no case of its own.
    counts = np.zeros((problem.size, max(len(names), 1)))
    for row in free:
        if request.ids[row] in approved:
            counts[request.node[row], np.searchsorted(names, approved[request.ids[row]])] += 1.0
    labels, proven = np.full(problem.size, -1), np.zeros(problem.size, dtype=bool)
    continues: dict[int, str] = {}
    parts = connected_parts(problem)
    for part in range(int(parts.max(initial=-1)) + 1):
        nodes = np.flatnonzero(parts == part)
        _revise_part(part_of(problem, nodes), nodes, _Approved(names, counts[nodes]), effort, labels, proven, continues)
    _continue_once(labels, counts, names, continues, proven)
    zone, is_proven = np.full(len(request.ids), -1), np.ones(len(request.ids), dtype=bool)
    zone[free], is_proven[free] = labels[request.node[free]], proven[request.node[free]]
    for group in request.requirements.fixed_zones:
        zone[np.isin(request.ids, list(group))] = int(max(zone.max(initial=-1), labels.max(initial=-1))) + 1
    return Revision(zone, continues, is_proven)


def _continue_once(labels: Labels, counts: Floats, names: Ids, continues: dict[int, str], proven: Flags) -> None:
    """Let an approved zone torn over several components be continued by its largest piece only.

    Components are solved apart, so the moves of such a zone are not proven least.
    """
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
    labels: Labels,
    proven: Flags,
    continues: dict[int, str],
) -> None:
    """Write one component's zones into ``labels``, numbered on from those there."""
    start = standing_zones(problem, approved.counts)
    most = min(effort.max_subsets, LISTED_REVISED)
    listed = list_candidates(problem, max_subsets=most)
    inside = np.arange(problem.size)
    if listed is None:
        # Too many to list: keep sound zones that touch no disturbed one, solve the rest.
        inside = _disturbed(problem, approved.counts, start)
        for number in np.unique(start[np.setdiff1d(np.arange(problem.size), inside)]):
            rows = np.flatnonzero(start == number)
            labels[nodes[rows]] = fresh = int(labels.max(initial=-1)) + 1
            continues[fresh] = str(approved.names[approved.counts[rows].sum(axis=0).argmax()])
        problem = part_of(problem, inside)
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
        labels[nodes[inside[rows]]] = fresh = int(labels.max(initial=-1)) + 1
        if owners[number] >= 0:
            continues[fresh] = str(approved.names[owners[number]])
    proven[nodes[inside]] = certain and len(inside) == len(nodes)


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
    zones = listed.cover.followed_by(Cover.of(groups[good]))
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
    lone = Cover.of(identity(n + owners, format="csr")[np.append(np.arange(n, n + owners), np.arange(n))])
    zero = np.zeros(owners)
    choice = Columns(
        # After the zones, approved zones that nobody continues, then those left out.
        cover=zones.with_one_more(row, np.where(owner >= 0, n + owner, -1), n + owners).followed_by(lone),
        parts=(
            np.concatenate([np.zeros(columns), zero, problem.stats[:, MEMBERS]]),
            # Who had a zone and is left out has left it, too.
            np.concatenate([moved, zero, counts.sum(axis=1)]),
            np.concatenate([cost[row], zero, np.zeros(n)]),
        ),
        whole=(True, True, False),
        leaving=n,
        chosen=np.concatenate([first, columns + unused, columns + owners + out]),
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
    table, count = csr_array(counts), len(zones.starts) - 1
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
