"""What is being built in each zone already: started, completed, paid, and which projects join it to others."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gis_renovation.ids import ids_in, on_text_ids
from gis_renovation.sentences import with_sentences
from gis_renovation.unknowns import optional_column, optional_numbers
from gis_renovation.words import CLAUSES, WAN, Sentence, Text, shorten_ids, yuan_text

# States of a project after which nothing more is built.
_DONE = ("completed", "accepted", "handed_over")


class _Project(NamedTuple):
    """One project: the communities it works in, its state, the first day works were on record, what was paid."""

    members: frozenset[str]
    is_done: bool
    started_on: datetime.date | None
    paid_yuan: float


class _Site(NamedTuple):
    """A zone's communities by the state of their works, and all of them."""

    every: frozenset[str]
    completed: frozenset[str]
    started: frozenset[str]
    unknown: frozenset[str]

    @property
    def state(self) -> str:
        """Of the whole zone: ``completed`` only when all of it is, ``started`` as soon as works go on anywhere."""
        if self.every == self.completed:
            return "completed"
        if self.started:
            return "started"
        if self.unknown:
            return "unknown"
        return "part_completed" if self.completed else "not_started"


def trace_zone_works(
    zone_members: pd.DataFrame,
    communities: pd.DataFrame,
    project_communities: pd.DataFrame,
    project_states: pd.DataFrame,
    community_progress: pd.DataFrame,
) -> pd.DataFrame:
    """How far the works in each zone are, what they still cost, and which projects reach into other zones.

    A zone is ``completed`` when all its communities are, ``started`` when works go on in any of them;
    ``part_completed`` when some are completed and the others have not started; ``unknown`` when works are not known
    to go on and of some communities it is not known (no project, no record). What is left to pay is the estimated
    cost of the communities not completed less what was paid by projects that work in those alone. Money of a project
    that works elsewhere too, or in completed communities, is taken from nothing, because nobody has split it.

    Parameters
    ----------
    zone_members
        As :func:`delineate_zones` gives them.
    communities
        Indexed by ``community_id``, with ``cost_yuan`` where known.
    project_communities
        Pairs ``project_id``, ``community_id``.
    project_states, community_progress
        As :mod:`gis_renovation.progress` gives them: ``state``, ``paid_yuan`` and ``started_on`` of projects,
        ``started`` and ``completed`` (yes, no, unknown) of communities.

    Returns
    -------
    pandas.DataFrame
        Layer ``zone_works``, index ``zone_id``, sorted: state, communities by state, the year in which works were
        first on record, yuan paid, unsplit and left, projects whose money is not known, the zones joined to this one
        by a project, and a sentence. Left is unknown where the cost of a community not completed is. No zones,
        no rows.

    Raises
    ------
    DataError
        Ids forgotten in a column.

    Notes
    -----
    O(n + p log p) for p pairs.

    Examples
    --------
    Of two communities one is completed; of the 5 million for the other 2 are paid.

    >>> members = pd.DataFrame({"zone_id": ["Z-A", "Z-A"]}, index=["A", "B"])
    >>> communities = pd.DataFrame({"cost_yuan": [4e6, 5e6]}, index=["A", "B"])
    >>> pairs = pd.DataFrame({"project_id": ["P", "Q"], "community_id": ["A", "B"]})
    >>> states = pd.DataFrame({"state": ["completed", "started"], "paid_yuan": [4e6, 2e6]}, index=["P", "Q"])
    >>> progress = pd.DataFrame({"started": "yes", "completed": ["yes", "no"]}, index=["A", "B"])
    >>> works = trace_zone_works(members, communities, pairs, states, progress)
    >>> works[["works_state", "left_yuan"]].to_dict("index")
    {'Z-A': {'works_state': 'started', 'left_yuan': 3000000.0}}
    """
    zone_members = on_text_ids(zone_members, "zone_members")
    communities = on_text_ids(communities, "communities")
    progress = on_text_ids(community_progress, "community_progress")
    projects = _projects(project_communities, on_text_ids(project_states, "project_states"))
    homes = zone_members["zone_id"].dropna().astype(str)
    cost = {str(member): float(value) for member, value in optional_numbers(communities, "cost_yuan").items()}
    rows, texts = [], []
    for zone, own in sorted(homes.groupby(homes).groups.items()):
        site = _site(map(str, own), progress)
        touching = {name: project for name, project in projects.items() if project.members & site.every}
        row = _row(site, touching, cost)
        row["joined_zone_ids"] = _joined(str(zone), site, touching, homes)
        rows.append(row)
        texts.append(_sentence(row))
    index = pd.Index(sorted(set(homes)), dtype="str", name="zone_id")
    return with_sentences(_table(rows, index), "reason", texts)


_COUNTS = ("community_count", "completed_count", "started_count", "unknown_count")
_MONEY = ("paid_yuan", "unsplit_yuan", "left_yuan")


def _table(rows: list[dict[str, Any]], index: pd.Index) -> pd.DataFrame:
    columns = ["works_state", *_COUNTS, "started_year", *_MONEY, "unpaid_unknown_count", "joined_zone_ids"]
    kinds = {
        "works_state": "str",
        "joined_zone_ids": "str",
        "started_year": "Int64",
        **dict.fromkeys((*_COUNTS, "unpaid_unknown_count"), "int64"),
        **dict.fromkeys(_MONEY, "float64"),
    }
    return pd.DataFrame(rows, columns=columns, index=index).astype(kinds)


def _projects(project_communities: pd.DataFrame, states: pd.DataFrame) -> dict[str, _Project]:
    members: dict[str, set[str]] = {}
    pairs = zip(ids_in(project_communities["project_id"]), ids_in(project_communities["community_id"]), strict=True)
    for project, member in pairs:
        members.setdefault(str(project), set()).add(str(member))
    begun = optional_column(states, "started_on").to_dict()
    paid = optional_numbers(states, "paid_yuan").to_dict()
    done = set(states.index[states["state"].isin(_DONE)])
    return {
        name: _Project(
            frozenset(own), name in done, None if pd.isna(day := begun.get(name)) else day, paid.get(name, np.nan)
        )
        for name, own in sorted(members.items())
    }


def _site(own: Iterable[str], progress: pd.DataFrame) -> _Site:
    every = frozenset(own)
    known = progress.reindex(sorted(every))
    completed = frozenset(known.index[known["completed"].eq("yes")])
    started = frozenset(known.index[known["started"].eq("yes")]) - completed
    idle = frozenset(known.index[known["started"].eq("no")])
    return _Site(every, completed, started, every - completed - started - idle)


def _row(site: _Site, projects: Mapping[str, _Project], cost: Mapping[str, float]) -> dict[str, Any]:
    """States counted, and the money: what is left is unknown with the cost of any community still to do."""
    to_do = site.every - site.completed
    split = [project.paid_yuan for project in projects.values() if project.members <= to_do]
    rest = [project.paid_yuan for project in projects.values() if project.members & to_do and project.members - to_do]
    paid, unsplit = float(np.nansum(split)), float(np.nansum(rest))
    need = sum(cost.get(member, np.nan) for member in sorted(to_do))
    days = [project.started_on.year for project in projects.values() if project.started_on is not None]
    begun = min(days) if days and site.state in ("started", "completed") else None
    return {
        "works_state": site.state,
        "community_count": len(site.every),
        "completed_count": len(site.completed),
        "started_count": len(site.started),
        "unknown_count": len(site.unknown),
        "started_year": begun,
        "paid_yuan": paid,
        "unsplit_yuan": unsplit,
        "left_yuan": max(0.0, need - paid) if np.isfinite(need) else np.nan,
        "unpaid_unknown_count": int(np.isnan(split).sum() + np.isnan(rest).sum()),
    }


def _joined(zone: str, site: _Site, projects: Mapping[str, _Project], homes: pd.Series[str]) -> str | None:
    """Other zones that a project has communities in which is not done here."""
    own = [project for project in projects.values() if not project.is_done and project.members & site.every]
    reached = {member for project in own for member in project.members}
    others = set(homes[homes.index.isin(reached)]) - {zone}
    return "、".join(sorted(others)) or None


_STATES = {
    "completed": Text("全部小区已完工", "all communities are completed"),
    "started": Text("施工中", "works go on"),
    "part_completed": Text("部分小区已完工，其余未开工", "part is completed, the rest has not started"),
    "not_started": Text("未开工", "not started"),
    "unknown": Text("是否开工未全部查明", "not known of every community whether works have started"),
}


def _sentence(row: Mapping[str, Any]) -> Sentence:
    parts: list[Sentence | Text] = [_STATES[row["works_state"]]]
    count, completed, unknown = row["community_count"], row["completed_count"], row["unknown_count"]
    if 0 < completed < count:
        done = Text("{count} 个小区中 {completed} 个已完工", "{completed} of {count} communities are completed")
        parts.append(done.fill(count=count, completed=completed))
    if unknown:
        open_ = Text(
            "{n} 个小区没有项目或进度记录，是否开工未知",
            "whether works have started is not known of {n} without a project or a record",
        )
        parts.append(open_.fill(n=unknown))
    if row["works_state"] != "completed":
        parts += _money_parts(row)
    if row["joined_zone_ids"] is not None:
        others = row["joined_zone_ids"].split("、")
        named = Text(shorten_ids(others, "zh").replace(", ", "、"), shorten_ids(others, "en"))
        joined = Text("有未完工项目同时涉及 {named}", "a project not completed yet covers {named} too")
        parts.append(joined.fill(named=named))
    return Sentence.joined(CLAUSES, parts)


def _money_parts(row: Mapping[str, Any]) -> Iterable[Sentence]:
    """What is paid and taken off, what is paid and cannot be, and what is left."""
    paid, unsplit, left = (row[name] for name in _MONEY)
    if paid > 0:
        yield _told("已支付 {n} 万元", "{n} paid", paid)
    if unsplit > 0:
        yield _told(
            "另有同时涉及其他小区的项目支付 {n} 万元，未分摊，没有从尚需资金中扣除",
            "projects that work elsewhere too have paid {n}, split by nobody and not taken off what is left",
            unsplit,
        )
    if row["unpaid_unknown_count"]:
        count = row["unpaid_unknown_count"]
        yield Sentence.of(f"{count} 个项目支付数未知", f"what was paid is not known of projects: {count}")
    if np.isfinite(left):
        yield _told("尚需 {n} 万元", "{n} to go", left)


def _told(zh: str, en: str, amount_yuan: float) -> Sentence:
    amount = Text(f"{amount_yuan / WAN:,.2f}", yuan_text(amount_yuan))
    return Sentence.of(zh, en, n=amount, money_yuan=[amount_yuan])
