"""One page a community and one a zone: what is done there, when, which works, and how to ask."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from gis_renovation.display import safe
from gis_renovation.maps.encoding import joined_table, row_id
from gis_renovation.progress import STATE_ORDER
from gis_renovation.publish.site.facts import (
    COMMUNITIES,
    HOME,
    STEPS,
    ZONES,
    Site,
    badge,
    column_of,
    feature_names,
    figure_caption,
    h2,
    has,
    how_to_ask,
    map_link,
    map_spots,
    page_paths,
    percent,
    photos_html,
    say,
    share_bar,
    state_label,
    state_now,
    text_of,
    unit_names,
    unit_of,
)
from gis_renovation.publish.site.figures import place_figure
from gis_renovation.publish.site.frame import cell, cell_words, encoded_columns, head_cell, page_html, table_html
from gis_renovation.words import Text

_COMMUNITY_FACTS = (
    "subdistrict", "year_built", "households", "building_count", "floor_area_m2", "plan_batch", "plan_year",
)  # fmt: skip
_ZONE_FACTS = (
    "subdistrict", "community_count", "households", "households_unknown_count", "building_count", "floor_area_m2",
    "land_area_m2", "oldest_year_built", "newest_year_built", "east_bound", "west_bound", "south_bound", "north_bound",
)  # fmt: skip
_NEEDS: Mapping[str, Text] = {
    "need_basic": Text("基础类", "basic"),
    "need_improvement": Text("完善类", "improvement"),
    "need_enhancement": Text("提升类", "enhancement"),
}
_WALK = ("park_name", "network_distance_m", "covered_300_m_share", "covered_500_m_share")


# --- communities ----------------------------------------------------------------------------------


def community_pages(site: Site) -> dict[str, str]:
    """The list of communities and a page for each: path -> HTML."""
    frame, lang = site.shown["communities"], site.facts.lang
    names, units, paths = feature_names(site, "communities"), unit_names(site), page_paths(frame.index, "communities")
    parts = _Parts(site)
    pages = {COMMUNITIES: _community_list(site, names, units, paths)}
    for row, key in enumerate(frame.index):
        unit, name = unit_of(site, "communities", key, units), names[key]
        body = "".join(
            [
                f'<p class="lead">{safe(_lead(parts, row, unit))}</p>\n',
                _progress(site, key),
                _photos(site, key),
                _timeline(parts, key),
                _works(parts, row, key),
                _facts(parts.facts, row, lang),
                _own_zone(site, key, parts.zone_names, parts.zone_paths),
                _walk(parts, key),
                _place(site, "communities", key, [key], name, parts.spots),
                how_to_ask(site),
            ]
        )
        about = "，".join([name, unit, state_label(state_now(site, key), lang)])
        pages[paths[row_id(key)]] = page_html(
            site.facts,
            path=paths[row_id(key)],
            title=name,
            body=body,
            description=about,
            crumbs=[(HOME, say("home", lang)), (COMMUNITIES, say("communities", lang))],
        )
    return pages


class _Parts:
    """What every community's page looks up, made once: columns in words, projects and records by community."""

    def __init__(self, site: Site) -> None:
        lang, frames = site.facts.lang, site.shown
        places = frames["communities"]
        self.site = site
        self.facts = encoded_columns("communities", places, _COMMUNITY_FACTS, lang)
        self.needs = encoded_columns("communities", places, tuple(_NEEDS), lang)
        walk = frames.get("park_access")
        self.walk = {} if walk is None else encoded_columns("park_access", walk, _WALK, lang)
        self.walk_rows = {} if walk is None else {key: at for at, key in enumerate(walk.index)}
        self.projects = _by_community(frames, "projects")
        self.records = _by_community(frames, "works_records")
        self.spots = map_spots(site, "communities")
        zones = has(site, "zones")
        self.zone_names = feature_names(site, "zones") if zones else {}
        self.zone_paths = page_paths(frames["zones"].index, "zones") if zones else {}


def _by_community(frames: Mapping[str, pd.DataFrame], layer: str) -> dict[object, pd.DataFrame]:
    """Rows of a table of projects, by community."""
    table = frames.get(layer)
    joined = None if table is None else joined_table(table, "community_id", frames)
    return {} if joined is None else dict(iter(joined.groupby("community_id", sort=True)))


def _lead(parts: _Parts, row: int, unit: str) -> str:
    lang = parts.site.facts.lang
    street = parts.facts.get("subdistrict")
    said = cell_words(street, row, lang) if street and street["data"][row] is not None else ""
    return " · ".join(text for text in (unit, said) if text)


def _community_list(
    site: Site, names: Mapping[object, str], units: Mapping[object, str], paths: Mapping[str, str]
) -> str:
    lang, frame = site.facts.lang, site.shown["communities"]
    owners = {key: unit_of(site, "communities", key, units) for key in frame.index}
    columns = encoded_columns("communities", frame, ("subdistrict", "households"), lang)
    shares = column_of(site, "community_progress", "progress_share")
    parts = []
    for unit in dict.fromkeys(owners.values()):
        rows = [
            [
                head_cell(names[key], paths[row_id(key)].rpartition("/")[2]),
                *(cell(column, row, lang) for column in columns.values()),
                f'<td class="keep">{badge(state_now(site, key), lang)}</td>',
                f'<td class="keep">{_share_cell(shares.get(key))}</td>',
            ]
            for row, key in enumerate(frame.index)
            if owners[key] == unit
        ]
        heads = [say("name", lang), *(c["label"] for c in columns.values()), say("state", lang), say("share", lang)]
        title = say("communities_in", lang, unit=unit, n=len(rows))
        parts.append(f"<h2>{safe(title)}</h2>\n{table_html(heads, rows, label=title)}")
    return page_html(
        site.facts,
        path=COMMUNITIES,
        title=say("all_communities", lang, n=len(frame)),
        body="".join(parts),
        crumbs=[(HOME, say("home", lang))],
    )


def _share_cell(share: Any) -> str:
    said = percent(share)
    return f"{share_bar(share, 'done' if said == '100%' else 'began')}{said}" if said else "—"


def _progress(site: Site, key: object) -> str:
    """How far: the state in words, five steps, the physical progress."""
    lang, state = site.facts.lang, state_now(site, key)
    share = percent(column_of(site, "community_progress", "progress_share").get(key))
    said = f"<p>{badge(state, lang)} {safe(say('physical', lang, share=share)) if share else ''}</p>\n"
    if state is None:
        return h2("where_to", lang) + said + f"<p>{safe(say('state_unknown', lang))}</p>\n"
    rank = STATE_ORDER.index(state)
    reached = [rank >= STATE_ORDER.index(first) for first, _ in STEPS]
    last = sum(reached) - 1
    steps = "".join(
        f'<li class="{"done" if done else ""}{" now" if at == last else ""}"{_step(at == last)}>'
        f'{safe(label.in_language(lang))}<span class="hidden">'
        f"{safe(say('reached' if done else 'not_reached', lang))}</span></li>"
        for at, (done, (_, label)) in enumerate(zip(reached, STEPS, strict=True))
    )
    return h2("where_to", lang) + said + f'<ol class="track">{steps}</ol>\n'


def _photos(site: Site, key: object) -> str:
    """Photos before and after, side by side where there is room."""
    own = site.photos.get(row_id(key), ())
    return f"{h2('photos', site.facts.lang)}{photos_html(own, '../')}" if own else ""


def _step(now: bool) -> str:
    return ' aria-current="step"' if now else ""


def _timeline(parts: _Parts, key: object) -> str:
    """When each state was first recorded, project by project."""
    lang, records = parts.site.facts.lang, parts.records.get(key)
    if records is None or not {"recorded_on", "state", "project_id"} <= {*records.columns}:
        return ""
    known = records[records["state"].isin(STATE_ORDER) & records["recorded_on"].notna()]
    known = known[[day <= parts.site.facts.as_of for day in known["recorded_on"]]]
    if len(known) == 0:
        return ""
    firsts = known.sort_values(["project_id", "recorded_on"], kind="stable").drop_duplicates(["project_id", "state"])
    titles, tables = column_of(parts.site, "projects", "name"), []
    for project, own in firsts.groupby("project_id", sort=True):
        title = text_of(titles, project, str(project))
        rows = [
            [head_cell(state_label(str(row.state), lang)), f'<td class="keep">{safe(str(row.recorded_on)[:10])}</td>']
            for row in own.itertuples()
        ]
        heads = [say("state", lang), say("first_on", lang)]
        tables.append(f"<h3>{safe(title)}</h3>\n{table_html(heads, rows, label=title)}")
    return h2("when", lang) + "".join(tables) + f"<p>{safe(say('when_note', lang))}</p>\n"


def _works(parts: _Parts, row: int, key: object) -> str:
    """Needs by class and the projects that serve them."""
    lang, projects = parts.site.facts.lang, parts.projects.get(key)
    known = [(name, column) for name, column in parts.needs.items() if column["data"][row] is not None]
    joint = "、" if lang == "zh" else ", "
    needs = joint.join(f"{_NEEDS[name].in_language(lang)} {cell_words(column, row, lang)}" for name, column in known)
    said = f"<p>{safe(say('needs', lang, parts=needs))}</p>\n" if needs else ""
    if projects is not None and len(projects):
        columns = encoded_columns("projects", projects.reset_index(drop=True), ("plan_batch", "contractor"), lang)
        titles = [str(row_id(v)) for v in projects.get("name", projects["project_id"]).tolist()]
        rows = [
            [head_cell(title), *(cell(column, at, lang) for column in columns.values())]
            for at, title in enumerate(titles)
        ]
        heads = [say("project", lang), *(column["label"] for column in columns.values())]
        said += table_html(heads, rows, label=say("works", lang))
    return h2("works", lang) + (said or f"<p>{safe(say('no_works', lang))}</p>\n")


def _facts(columns: Mapping[str, Mapping[str, Any]], row: int, lang: Any) -> str:
    items = "".join(
        f"<div><dt>{safe(column['label'])}</dt><dd>{safe(cell_words(column, row, lang))}</dd></div>"
        for column in columns.values()
    )
    return f'{h2("facts", lang)}<dl class="facts">{items}</dl>\n' if items else ""


def _own_zone(site: Site, key: object, names: Mapping[object, str], paths: Mapping[str, str]) -> str:
    lang = site.facts.lang
    if "zone_members" not in site.frames or "zone_id" not in site.frames["zone_members"].columns or not names:
        return ""
    zone = text_of(column_of(site, "zone_members", "zone_id"), key)
    if zone not in names:
        return h2("zone", lang) + f"<p>{safe(say('no_zone', lang))}</p>\n"
    return h2("zone", lang) + f'<p><a href="../{paths[zone]}">{safe(names[zone])}</a></p>\n'


def _walk(parts: _Parts, key: object) -> str:
    lang, row = parts.site.facts.lang, parts.walk_rows.get(key)
    if row is None or not parts.walk:
        return ""
    items = "".join(
        f"<div><dt>{safe(column['label'])}</dt><dd>{safe(cell_words(column, row, lang))}</dd></div>"
        for column in parts.walk.values()
    )
    return f'{h2("walk", lang)}<dl class="facts">{items}</dl>\n'


def _place(
    site: Site,
    layer: str,
    key: object,
    keys: Sequence[object],
    name: str,
    spots: Mapping[object, tuple[float, float]],
) -> str:
    lang = site.facts.lang
    drawn = place_figure(site.frames, "communities", keys, name=name, caption=figure_caption(site), lang=lang)
    link = map_link(layer, key, spots.get(key), lang)
    return h2("place", lang) + drawn + link if drawn or link else ""


# --- zones ----------------------------------------------------------------------------------------


def zone_pages(site: Site) -> dict[str, str]:
    """The list of zones and a page for each: path -> HTML."""
    frame, lang = site.shown["zones"], site.facts.lang
    names, units, paths = feature_names(site, "zones"), unit_names(site), page_paths(frame.index, "zones")
    members = column_of(site, "zone_members", "zone_id")
    own = {zone: list(keys) for zone, keys in members.groupby(members).groups.items()}
    facts, spots = encoded_columns("zones", frame, _ZONE_FACTS, lang), map_spots(site, "zones")
    why = column_of(site, "zones", f"why_{lang}")
    parts = _Parts(site) if has(site, "communities") else None
    pages = {ZONES: _zone_list(site, names, paths, own)}
    for row, key in enumerate(frame.index):
        reason = text_of(why, key)
        body = "".join(
            [
                f'<p class="lead">{safe(_zone_units(site, own.get(key, []), units))}</p>\n',
                _members(site, own.get(key, [])),
                _zone_works(parts, own.get(key, [])) if parts else "",
                f"{h2('why', lang)}<p>{safe(reason)}</p>\n" if reason else "",
                _facts(facts, row, lang),
                _place(site, "zones", key, own.get(key, []), names[key], spots),
                how_to_ask(site),
            ]
        )
        pages[paths[row_id(key)]] = page_html(
            site.facts,
            path=paths[row_id(key)],
            title=names[key],
            body=body,
            description=reason or names[key],
            crumbs=[(HOME, say("home", lang)), (ZONES, say("zones", lang))],
        )
    return pages


def _zone_units(site: Site, keys: Sequence[object], units: Mapping[object, str]) -> str:
    found = [unit_of(site, "communities", key, units) for key in keys if has(site, "communities")]
    return "、".join(dict.fromkeys(found))


def _members(site: Site, keys: Sequence[object]) -> str:
    """The communities of a zone with their states, each linked."""
    lang = site.facts.lang
    if not has(site, "communities") or not keys:
        return ""
    frame = site.frames["communities"]
    there = [key for key in frame.index if key in set(keys)]
    names, paths = feature_names(site, "communities"), page_paths(frame.index, "communities")
    shares = column_of(site, "community_progress", "progress_share")
    rows = [
        [
            head_cell(names[key], f"../{paths[row_id(key)]}"),
            f'<td class="keep">{badge(state_now(site, key), lang)}</td>',
            f'<td class="keep">{_share_cell(shares.get(key))}</td>',
        ]
        for key in there
    ]
    title = say("members", lang, n=len(there))
    heads = [say("name", lang), say("state", lang), say("share", lang)]
    return f"<h2>{safe(title)}</h2>\n{table_html(heads, rows, label=title)}"


def _zone_works(parts: _Parts, keys: Sequence[object]) -> str:
    """What is done in a zone and when: needs over its communities, its projects with their first dates."""
    lang = parts.site.facts.lang
    frame = parts.site.frames["communities"]
    said = _zone_needs(parts, [at for at, key in enumerate(frame.index) if key in set(keys)])
    projects = [parts.projects[key] for key in keys if key in parts.projects]
    records = [parts.records[key] for key in keys if key in parts.records]
    if projects:
        table = pd.concat(projects).drop_duplicates("project_id").sort_values("project_id").reset_index(drop=True)
        columns = encoded_columns("projects", table, ("plan_batch", "contractor"), lang)
        dates = _first_dates(pd.concat(records) if records else pd.DataFrame(), parts.site.facts.as_of)
        rows = [
            [
                head_cell(text_of(table.get("name", table["project_id"]), at)),
                *(_date_cell(dates.get((project, state))) for state in ("started", "completed")),
                *(cell(column, at, lang) for column in columns.values()),
            ]
            for at, project in enumerate(table["project_id"])
        ]
        words = ("project", "first_started", "first_completed")
        heads = [*(say(word, lang) for word in words), *(column["label"] for column in columns.values())]
        said += table_html(heads, rows, label=say("works", lang)) + f"<p>{safe(say('when_note', lang))}</p>\n"
    return h2("works_when", lang) + (said or f"<p>{safe(say('no_works', lang))}</p>\n")


def _zone_needs(parts: _Parts, rows: Sequence[int]) -> str:
    """Needs summed over the communities; where some are unknown the sum says so."""
    lang = parts.site.facts.lang
    joint, said = "、" if lang == "zh" else ", ", []
    for name, column in parts.needs.items():
        known = [value for value in (column["data"][row] for row in rows) if isinstance(value, int | float)]
        if not known:
            continue
        lacking = say("needs_lacking", lang, n=len(rows) - len(known)) if len(known) < len(rows) else ""
        unit = f" {column['unit']}" if column.get("unit") else ""
        said.append(f"{_NEEDS[name].in_language(lang)} {sum(known):,}{unit}{lacking}")
    return f"<p>{safe(say('needs', lang, parts=joint.join(said)))}</p>\n" if said else ""


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


def _date_cell(day: str | None) -> str:
    return f'<td class="keep">{safe(day)}</td>' if day else "<td>—</td>"


def _zone_list(
    site: Site, names: Mapping[object, str], paths: Mapping[str, str], own: Mapping[object, Sequence[object]]
) -> str:
    lang, frame = site.facts.lang, site.shown["zones"]
    columns = encoded_columns("zones", frame, ("community_count", "households", "floor_area_m2"), lang)
    completed = column_of(site, "community_progress", "completed")
    rows = [
        [
            head_cell(names[key], paths[row_id(key)].rpartition("/")[2]),
            *(cell(column, row, lang) for column in columns.values()),
            f'<td class="number">{sum(completed.get(member) == "yes" for member in own.get(key, []))}</td>',
        ]
        for row, key in enumerate(frame.index)
    ]
    heads = [say("name", lang), *(column["label"] for column in columns.values()), say("completed_places", lang)]
    title = say("all_zones", lang, n=len(frame))
    if "community_progress" not in site.frames:
        rows, heads = [row[:-1] for row in rows], heads[:-1]
    return page_html(
        site.facts,
        path=ZONES,
        title=title,
        body=table_html(heads, rows, label=title),
        crumbs=[(HOME, say("home", lang))],
    )
