"""One page a community and one a zone: what is done there, when, which works, and how to ask."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pandas as pd

from gis_renovation.maps.encoding import joined_table, row_id
from gis_renovation.progress import STATE_ORDER
from gis_renovation.publish.site.facts import (
    COMMUNITIES,
    HOME,
    STEPS,
    ZONES,
    Site,
    ask_lines,
    column_of,
    feature_names,
    figure_caption,
    has,
    map_link,
    map_spots,
    paths_of,
    percent,
    share_cell,
    state_cell,
    state_label,
    state_now,
    text_of,
    unit_names,
    unit_of,
)
from gis_renovation.publish.site.figures import Figure, place_figure
from gis_renovation.publish.site.frame import Page, page_html
from gis_renovation.publish.site.tables import Cell, Shown, Table, head_cell, shown_columns, table
from gis_renovation.publish.site.words import say, zone_tally
from gis_renovation.words import Text

_COMMUNITY_FACTS = (
    "subdistrict", "year_built", "households", "building_count", "floor_area_m2", "plan_batch", "plan_year",
)  # fmt: skip
_ZONE_FACTS = (
    "subdistrict", "works_kind", "community_count", "households", "households_unknown_count", "building_count",
    "floor_area_m2", "land_area_m2", "oldest_year_built", "newest_year_built",
    "east_bound", "west_bound", "south_bound", "north_bound",
)  # fmt: skip
_NEEDS: Mapping[str, Text] = {
    "need_basic": Text("基础类", "basic"),
    "need_improvement": Text("完善类", "improvement"),
    "need_enhancement": Text("提升类", "enhancement"),
}
_WALK = ("park_name", "network_distance_m", "covered_300_m_share", "covered_500_m_share")


class _Parts:
    """What the pages of places look up, made once: columns in words, projects and records by community."""

    def __init__(self, site: Site) -> None:
        lang, frames = site.facts.lang, site.shown
        places = frames["communities"]
        self.site = site
        self.facts = shown_columns("communities", places, _COMMUNITY_FACTS, lang)
        self.needs = shown_columns("communities", places, tuple(_NEEDS), lang)
        walk = frames.get("park_access")
        self.walk = {} if walk is None else shown_columns("park_access", walk, _WALK, lang)
        self.walk_rows = {} if walk is None else {key: at for at, key in enumerate(walk.index)}
        records = _joined(frames, "works_records")
        self.projects = _by_community(_joined(frames, "projects"))
        self.records = _by_community(records)
        self.first_days = _first_days(records, site.facts.as_of)
        zones = has(site, "zones")
        self.zone_names = feature_names(site, "zones") if zones else {}
        self.zone_paths = paths_of(site, "zones") if zones else {}


def _joined(frames: Mapping[str, pd.DataFrame], layer: str) -> pd.DataFrame | None:
    """Rows of a table of projects with the community of each; None where that cannot be told."""
    table_of = frames.get(layer)
    return None if table_of is None else joined_table(table_of, "community_id", frames)


def _by_community(joined: pd.DataFrame | None) -> dict[object, pd.DataFrame]:
    return {} if joined is None else dict(iter(joined.groupby("community_id", sort=True)))


class _Places(NamedTuple):
    """The features of a layer that have pages: what they are called, where the pages and the shapes lie."""

    layer: str
    names: Mapping[object, str]
    paths: Mapping[str, str]
    spots: Mapping[object, tuple[float, float]]
    units: Mapping[object, str]


def _places(site: Site, layer: str) -> _Places:
    paths = paths_of(site, layer)
    return _Places(layer, feature_names(site, layer), paths, map_spots(site, layer), unit_names(site))


# --- communities ----------------------------------------------------------------------------------


def community_pages(site: Site) -> dict[str, str]:
    """The list of communities and a page for each: path -> HTML."""
    frame, places, parts = site.shown["communities"], _places(site, "communities"), _Parts(site)
    pages = {COMMUNITIES: _community_list(site, places)}
    for row, key in enumerate(frame.index):
        pages[places.paths[row_id(key)]] = _community_page(parts, places, row, key)
    return pages


def _community_page(parts: _Parts, places: _Places, row: int, key: object) -> str:
    site, lang = parts.site, parts.site.facts.lang
    name, unit, state = places.names[key], unit_of(site, "communities", key, places.units), state_now(site, key)
    return page_html(
        site.facts,
        Page(
            places.paths[row_id(key)],
            name,
            description="，".join([name, unit, state_label(state, lang)]),
            crumbs=[(HOME, say("home", lang)), (COMMUNITIES, say("communities", lang))],
        ),
        "site/community.html",
        lead=_lead(parts, row, unit),
        state=state_cell(state, lang),
        share=percent(column_of(site, "community_progress", "progress_share").get(key)),
        steps=_steps(state),
        photos=site.photos.get(row_id(key), ()),
        timeline=_timeline(parts, key),
        needs=_needs(parts, row),
        projects=_projects(parts, key),
        known=_facts(parts.facts.values(), row),
        zone=_own_zone(parts, key),
        walk=_facts(parts.walk.values(), parts.walk_rows[key]) if key in parts.walk_rows else [],
        figure=_figure(site, [key], name),
        map_link=map_link("communities", key, places.spots.get(key)),
        ask=ask_lines(site),
    )


def _lead(parts: _Parts, row: int, unit: str) -> str:
    street = parts.facts.get("subdistrict")
    said = street.cells[row].text if street and street.values[row] is not None else ""
    return " · ".join(text for text in (unit, said) if text)


def _community_list(site: Site, places: _Places) -> str:
    lang, frame = site.facts.lang, site.shown["communities"]
    owners = {key: unit_of(site, "communities", key, places.units) for key in frame.index}
    columns = shown_columns("communities", frame, ("subdistrict", "households"), lang)
    shares = column_of(site, "community_progress", "progress_share")
    heads = [say("name", lang), *(c.label for c in columns.values()), say("state", lang), say("share", lang)]
    tables = []
    for unit in dict.fromkeys(owners.values()):
        rows = [
            [
                head_cell(places.names[key], places.paths[row_id(key)].rpartition("/")[2]),
                *(column.cells[row] for column in columns.values()),
                state_cell(state_now(site, key), lang),
                share_cell(shares.get(key)),
            ]
            for row, key in enumerate(frame.index)
            if owners[key] == unit
        ]
        tables.append(table(say("communities_in", lang, unit=unit, n=len(rows)), heads, rows))
    page = Page(COMMUNITIES, say("all_communities", lang, n=len(frame)), crumbs=[(HOME, say("home", lang))])
    return page_html(site.facts, page, "site/communities.html", tables=tables)


class _Step(NamedTuple):
    """One of the five steps on a community's page."""

    label: Text
    done: bool
    now: bool


def _steps(state: str | None) -> list[_Step]:
    """The five steps and which the state has reached; none where it is not known."""
    if state is None:
        return []
    reached = [STATE_ORDER.index(state) >= STATE_ORDER.index(first) for first, _ in STEPS]
    last = sum(reached) - 1
    return [_Step(label, done, at == last) for at, (done, (_, label)) in enumerate(zip(reached, STEPS, strict=True))]


class _First(NamedTuple):
    """The day on which a project was first recorded in a state."""

    project: object
    state: str
    day: str


def _first_days(records: pd.DataFrame | None, as_of: datetime.date) -> dict[object, list[_First]]:
    """By community: when each project was first recorded in each state, by project and day. O(records log records)."""
    if records is None or not {"recorded_on", "state", "project_id"} <= {*records.columns}:
        return {}
    known = records[records["state"].isin(STATE_ORDER) & records["recorded_on"].notna()]
    known = known[np.array([day <= as_of for day in known["recorded_on"]], dtype=bool)]
    firsts = known.sort_values(["project_id", "recorded_on"], kind="stable")
    firsts = firsts.drop_duplicates(["community_id", "project_id", "state"])
    found: dict[object, list[_First]] = {}
    for row in firsts.itertuples():
        found.setdefault(row.community_id, []).append(_First(row.project_id, str(row.state), str(row.recorded_on)[:10]))
    return found


def _timeline(parts: _Parts, key: object) -> list[Table]:
    """When each state was first recorded, project by project."""
    lang, titles = parts.site.facts.lang, column_of(parts.site, "projects", "name")
    heads = [say("state", lang), say("first_on", lang)]
    return [
        table(
            text_of(titles, project, str(project)),
            heads,
            [[head_cell(state_label(first.state, lang)), Cell(first.day, "keep")] for first in own],
        )
        for project, own in groupby(parts.first_days.get(key, ()), key=lambda first: first.project)
    ]


def _needs(parts: _Parts, row: int) -> str:
    """The works a community needs by class; "" where none is known."""
    lang = parts.site.facts.lang
    known = [(name, column) for name, column in parts.needs.items() if column.values[row] is not None]
    joint = "、" if lang == "zh" else ", "
    return joint.join(f"{_NEEDS[name].in_language(lang)} {column.cells[row].text}" for name, column in known)


def _projects(parts: _Parts, key: object) -> Table | None:
    """The projects that serve a community."""
    lang, projects = parts.site.facts.lang, parts.projects.get(key)
    if projects is None or len(projects) == 0:
        return None
    columns = shown_columns("projects", projects.reset_index(drop=True), ("plan_batch", "contractor"), lang)
    titles = [str(row_id(v)) for v in projects.get("name", projects["project_id"]).tolist()]
    rows = [[head_cell(title), *(column.cells[at] for column in columns.values())] for at, title in enumerate(titles)]
    return table(say("works", lang), [say("project", lang), *(column.label for column in columns.values())], rows)


def _facts(columns: Iterable[Shown], row: int) -> list[tuple[str, str]]:
    return [(column.label, column.cells[row].text) for column in columns]


class _Zone(NamedTuple):
    """The zone of a community; without a path it is in none."""

    name: str = ""
    path: str = ""


def _own_zone(parts: _Parts, key: object) -> _Zone | None:
    """The zone of a community; None where the site does not speak of zones."""
    frames = parts.site.frames
    if "zone_members" not in frames or "zone_id" not in frames["zone_members"].columns or not parts.zone_names:
        return None
    zone = text_of(column_of(parts.site, "zone_members", "zone_id"), key)
    return _Zone(parts.zone_names[zone], parts.zone_paths[zone]) if zone in parts.zone_names else _Zone()


def _figure(site: Site, keys: Sequence[object], name: str) -> Figure | None:
    return place_figure(site.ground, keys, name=name, caption=figure_caption(site), lang=site.facts.lang)


# --- zones ----------------------------------------------------------------------------------------


def zone_pages(site: Site) -> dict[str, str]:
    """The list of zones and a page for each: path -> HTML."""
    frame, places = site.shown["zones"], _places(site, "zones")
    members = column_of(site, "zone_members", "zone_id")
    own = {zone: list(keys) for zone, keys in members.groupby(members).groups.items()}
    facts = shown_columns("zones", frame, _ZONE_FACTS, site.facts.lang)
    parts = _Parts(site) if has(site, "communities") else None
    pages = {ZONES: _zone_list(site, places, own)}
    for row, key in enumerate(frame.index):
        page = _zone_page(site, parts, places, key, _Members(own.get(key, []), _facts(facts.values(), row)))
        pages[places.paths[row_id(key)]] = page
    return pages


class _Members(NamedTuple):
    """The communities of a zone, and what is known of it."""

    keys: Sequence[object]
    facts: Sequence[tuple[str, str]]


def _zone_page(site: Site, parts: _Parts | None, places: _Places, key: object, own: _Members) -> str:
    lang, name = site.facts.lang, places.names[key]
    why = text_of(column_of(site, "zones", f"why_{lang}"), key)
    return page_html(
        site.facts,
        Page(
            places.paths[row_id(key)],
            name,
            description=why or name,
            crumbs=[(HOME, say("home", lang)), (ZONES, say("zones", lang))],
        ),
        "site/zone.html",
        lead=_zone_units(site, own.keys, places.units),
        members=_members(site, own.keys),
        works=_zone_works(parts, own.keys) if parts else None,
        why=why,
        known=own.facts,
        figure=_figure(site, own.keys, name),
        map_link=map_link("zones", key, places.spots.get(key)),
        ask=ask_lines(site),
    )


def _zone_units(site: Site, keys: Sequence[object], units: Mapping[object, str]) -> str:
    found = [unit_of(site, "communities", key, units) for key in keys if has(site, "communities")]
    return "、".join(dict.fromkeys(found))


def _members(site: Site, keys: Sequence[object]) -> Table | None:
    """The communities of a zone with their states, each linked."""
    lang = site.facts.lang
    if not has(site, "communities") or not keys:
        return None
    places = site.frames["communities"].index
    there = [places[row] for row in _rows_of(places, keys)]
    names, paths = feature_names(site, "communities"), paths_of(site, "communities")
    shares = column_of(site, "community_progress", "progress_share")
    rows = [
        [
            head_cell(names[key], f"../{paths[row_id(key)]}"),
            state_cell(state_now(site, key), lang),
            share_cell(shares.get(key)),
        ]
        for key in there
    ]
    heads = [say("name", lang), say("state", lang), say("share", lang)]
    return table(say("members", lang, n=len(there)), heads, rows)


def _rows_of(places: pd.Index, keys: Sequence[object]) -> list[int]:
    """Where communities stand in their layer, in its order; those it does not hold left out."""
    rows = places.get_indexer(pd.Index(list(dict.fromkeys(keys)), dtype=object))
    return sorted(rows[rows >= 0].tolist())


class _Works(NamedTuple):
    """What is done in a zone: needs over its communities, and its projects."""

    needs: str
    projects: Table | None


def _zone_works(parts: _Parts, keys: Sequence[object]) -> _Works:
    """What is done in a zone and when: needs over its communities, its projects with their first dates."""
    needs = _zone_needs(parts, _rows_of(parts.site.frames["communities"].index, keys))
    return _Works(needs, _zone_projects(parts, keys))


def _zone_projects(parts: _Parts, keys: Sequence[object]) -> Table | None:
    lang = parts.site.facts.lang
    projects = [parts.projects[key] for key in keys if key in parts.projects]
    records = [parts.records[key] for key in keys if key in parts.records]
    if not projects:
        return None
    found = pd.concat(projects).drop_duplicates("project_id").sort_values("project_id").reset_index(drop=True)
    columns = shown_columns("projects", found, ("plan_batch", "contractor"), lang)
    dates = _first_dates(pd.concat(records) if records else pd.DataFrame(), parts.site.facts.as_of)
    rows = [
        [
            head_cell(text_of(found.get("name", found["project_id"]), at)),
            *(_date_cell(dates.get((project, state))) for state in ("started", "completed")),
            *(column.cells[at] for column in columns.values()),
        ]
        for at, project in enumerate(found["project_id"])
    ]
    words = ("project", "first_started", "first_completed")
    heads = [*(say(word, lang) for word in words), *(column.label for column in columns.values())]
    return table(say("works", lang), heads, rows)


def _zone_needs(parts: _Parts, rows: Sequence[int]) -> str:
    """Needs summed over the communities; where some are unknown the sum says so."""
    lang = parts.site.facts.lang
    joint, said = "、" if lang == "zh" else ", ", []
    for name, column in parts.needs.items():
        known = [value for value in (column.values[row] for row in rows) if isinstance(value, int | float)]
        if not known:
            continue
        lacking = say("needs_lacking", lang, n=len(rows) - len(known)) if len(known) < len(rows) else ""
        unit = f" {column.unit}" if column.unit else ""
        said.append(f"{_NEEDS[name].in_language(lang)} {sum(known):,}{unit}{lacking}")
    return joint.join(said)


def _first_dates(records: pd.DataFrame, as_of: datetime.date) -> dict[tuple[object, str], str]:
    """When each project was first recorded as begun and as completed."""
    if not {"recorded_on", "state", "project_id"} <= {*records.columns}:
        return {}
    known = records[records["state"].isin(STATE_ORDER) & records["recorded_on"].notna()].sort_values("recorded_on")
    found: dict[tuple[object, str], str] = {}
    for project, day, state in zip(known["project_id"], known["recorded_on"], known["state"], strict=True):
        for mark in ("started", "completed"):
            if day <= as_of and STATE_ORDER.index(state) >= STATE_ORDER.index(mark):
                found.setdefault((project, mark), str(day)[:10])
    return found


def _date_cell(day: str | None) -> Cell:
    return Cell(day, "keep") if day else Cell("—")


def _zone_list(site: Site, places: _Places, own: Mapping[object, Sequence[object]]) -> str:
    lang, frame = site.facts.lang, site.shown["zones"]
    columns = shown_columns("zones", frame, ("works_kind", "community_count", "households", "floor_area_m2"), lang)
    heads = [say("name", lang), *(column.label for column in columns.values())]
    rows = [
        [
            head_cell(places.names[key], places.paths[row_id(key)].rpartition("/")[2]),
            *(column.cells[row] for column in columns.values()),
        ]
        for row, key in enumerate(frame.index)
    ]
    if "community_progress" in site.frames:
        completed = column_of(site, "community_progress", "completed")
        counts = [sum(completed.get(member) == "yes" for member in own.get(key, [])) for key in frame.index]
        rows = [[*row, Cell(str(count), "number")] for row, count in zip(rows, counts, strict=True)]
        heads.append(say("completed_places", lang))
    page = Page(ZONES, zone_tally(site.frames["zones"], lang), crumbs=[(HOME, say("home", lang))])
    return page_html(site.facts, page, "site/zones.html", zones=table(page.title, heads, rows))
