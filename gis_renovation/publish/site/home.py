"""The overview: the page of the site that speaks of the whole; and all the pages together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from gis_renovation.maps.encoding import row_id
from gis_renovation.progress import PLAN_BATCHES, STATE_ORDER, planned_communities
from gis_renovation.publish.site.about import about_page, data_page
from gis_renovation.publish.site.facts import (
    ABOUT,
    COMMUNITIES,
    DATA,
    HOME,
    MAP,
    STEPS,
    ZONES,
    Site,
    ask_lines,
    column_of,
    feature_names,
    has,
    month_before,
    paths_of,
    percent,
    share_cell,
    state_label,
    states_on,
    with_navigation,
)
from gis_renovation.publish.site.figures import Figure, county_figure, drawn_units
from gis_renovation.publish.site.frame import Page, page_html
from gis_renovation.publish.site.places import community_pages, zone_pages
from gis_renovation.publish.site.tables import Cell, Table, head_cell, shown_columns, table
from gis_renovation.publish.site.words import say, zone_tally
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Lang


def site_pages(site: Site) -> dict[str, str]:
    """Every page of the site but the map: path -> HTML. The same site gives the same bytes. O(pages x cells)."""
    site = with_navigation(site)
    pages = {HOME: _home(site), DATA: data_page(site), ABOUT: about_page(site)}
    if has(site, "communities"):
        pages |= community_pages(site)
    if has(site, "zones"):
        pages |= zone_pages(site)
    return pages


# --- overview -------------------------------------------------------------------------------------


def _home(site: Site) -> str:
    lang, as_of = site.facts.lang, site.facts.as_of
    heading = say("heading", lang, year=as_of.year, month=as_of.month)
    return page_html(
        site.facts,
        Page(HOME, site.facts.title, heading, say("lead", lang)),
        "site/home.html",
        map_page=MAP,
        headline=_headline(site),
        stages=_stages(site),
        pairs=_pairs(site),
        units=_units(site),
        unit_map=_unit_map(site),
        targets=_targets(site),
        changes=_changes(site),
        month_before=month_before(as_of),
        lists=_lists(site),
        ask=ask_lines(site),
    )


def _top_units(site: Site) -> pd.DataFrame | None:
    """Reporting units that add up to the whole: a subdistrict is counted in its county already."""
    frame = site.frames.get("unit_progress")
    if frame is None or len(frame) == 0:
        return None
    return frame[frame["level"].ne("subdistrict").fillna(value=True)] if "level" in frame.columns else frame


def _sum(frame: pd.DataFrame, column: str) -> float | None:
    """The sum of a column, None if a part is missing or withheld: a sum would give it back."""
    if column not in frame.columns:
        return None
    numbers = pd.to_numeric(frame[column], errors="coerce")
    return None if numbers.isna().any() else float(numbers.sum())


class _Number(NamedTuple):
    """One of the numbers everybody asks for."""

    label: str
    number: str
    note: str


def _headline(site: Site) -> list[_Number]:
    """Four numbers everybody asks for; what cannot be summed is left out."""
    frame, lang = _top_units(site), site.facts.lang
    if frame is None:
        return []
    planned = _sum(frame, "community_count")
    whole = "counted" in frame.columns and bool(frame["counted"].eq("list").any())
    unknown = not whole and bool(_sum(frame, "plan_unknown_count"))
    items = []
    for key, column in (
        ("planned", "community_count"),
        ("started", "started_count"),
        ("completed", "completed_count"),
        ("households", "households"),
    ):
        number = _sum(frame, column)
        if number is None:
            continue
        share = percent(number / planned) if key in {"started", "completed"} and planned else ""
        note = say("of_listed" if whole else "of_planned", lang, share=share) if share else ""
        if key == "planned" and unknown:
            note = say("batch_unknown", lang, n=f"{_sum(frame, 'plan_unknown_count'):,.0f}")
        label = {"planned": "all_listed", "households": "listed_households"}.get(key, key) if whole else key
        items.append(_Number(say(label, lang), f"{number:,.0f}", note))
    return items


class _Step(NamedTuple):
    """How many communities stand at a step, and where their part of the bar begins."""

    css: str
    label: str
    places: int
    left: int


class _Stages(NamedTuple):
    """How far the works have come: a bar, and the same as a list."""

    lead: str
    width: int
    steps: Sequence[_Step]


def _stages(site: Site) -> _Stages | None:
    """How many planned communities stand at which of the five steps."""
    lang, frame = site.facts.lang, site.frames.get("communities")
    states = column_of(site, "community_progress", "state")
    if frame is None or len(states) == 0:
        return None
    rows, batched = planned_communities(frame)
    planned = frame.index[rows]
    reached = [_reached_step(states.get(key)) for key in planned]
    labels = [
        *((at, STEPS[at - 1][1].in_language(lang)) for at in range(len(STEPS), 0, -1)),
        (0, say("not_listed", lang)),
        (-1, say("stage_unknown", lang)),
    ]
    steps, left = [], 0
    for at, label in labels:
        if at > 0 or reached.count(at):
            steps.append(_Step(f"s{max(at, 0)}", label, reached.count(at), left))
            left += reached.count(at)
    lead = say("stages_lead" if batched else "stages_lead_all", lang, n=f"{len(reached):,}")
    return _Stages(lead, max(left, 1), steps)


def _reached_step(state: object) -> int:
    """The last of the five steps that a state has reached, -1 where it is not known."""
    if state not in STATE_ORDER:
        return -1
    rank = STATE_ORDER.index(str(state))
    return sum(rank >= STATE_ORDER.index(first) for first, _ in STEPS)


# Pairs of photos on the front page; more would push what people look for out of sight.
_FRONT_PAIRS = 2


class _Pair(NamedTuple):
    """A community with a photo from before and one from after."""

    href: str
    name: str
    photos: Sequence[Mapping[str, str | int]]


def _pairs(site: Site) -> list[_Pair]:
    """The first communities that have a photo from before and one from after."""
    names = feature_names(site, "communities") if has(site, "communities") else {}
    called = {row_id(key): name for key, name in names.items()}
    paths = paths_of(site, "communities") if names else {}
    pairs = []
    for place, own in site.photos.items():
        pair = [next((photo for photo in own if photo["stage"] == stage), None) for stage in ("before", "after")]
        if all(pair):
            pairs.append(_Pair(paths[place], called[place], [photo for photo in pair if photo]))
    return pairs[:_FRONT_PAIRS]


def _units(site: Site) -> Table | None:
    """Every reporting unit with its rates, numbered as on the drawing below."""
    frame, lang = site.shown.get("unit_progress"), site.facts.lang
    if frame is None or len(frame) == 0:
        return None
    columns = shown_columns(
        "unit_progress", frame, ("community_count", "started_count", "completed_count", "households"), lang
    )
    names = feature_names(site, "unit_progress")
    bars = [(c, css) for c, css in (("started_share", "began"), ("completed_share", "done")) if c in frame.columns]
    fields = layer_schemas()["unit_progress"].fields
    numbers = {key: at for at, key in enumerate(drawn_units(site.frames, "completed_share").index, start=1)}
    rows = [
        [
            head_cell(f"{numbers[key]} {names[key]}" if key in numbers else names[key]),
            *(share_cell(frame[column].iloc[row], css) for column, css in bars),
            *(column.cells[row] for column in columns.values()),
        ]
        for row, key in enumerate(frame.index)
    ]
    labels = [fields[column].label.in_language(lang) for column, _ in bars]
    return table(say("units", lang), [say("unit", lang), *labels, *(column.label for column in columns.values())], rows)


def _unit_map(site: Site) -> Figure | None:
    lang = site.facts.lang
    caption = say("shades", lang, number=site.facts.number)
    return county_figure(site.frames, column="completed_share", title=say("unit_map", lang), caption=caption, lang=lang)


def _targets(site: Site) -> Table | None:
    """The plan's own totals beside the number of communities on the list."""
    lang = site.facts.lang
    if not site.targets:
        return None
    frame = site.frames.get("communities")
    batches = frame["plan_batch"] if frame is not None and "plan_batch" in frame.columns else None
    labels = layer_schemas()["communities"].fields["plan_batch"].values
    reached = [column_of(site, "community_progress", word) for word in ("started", "completed")]
    rows = []
    for batch in [*(b for b in PLAN_BATCHES if b in site.targets), *sorted(set(site.targets) - set(PLAN_BATCHES))]:
        wanted = site.targets[batch]
        listed = Cell("—" if batches is None else f"{int((batches == batch).sum()):,}", "number")
        rows.append(
            [
                head_cell(labels[batch].in_language(lang) if batch in labels else batch),
                _target(wanted.get("communities"), "", lang),
                listed,
                *(_reached(batches, batch, column) for column in reached),
                _target(wanted.get("households"), "", lang),
                _target(wanted.get("floor_area_m2"), " m²", lang),
            ]
        )
    words = ("batch", "target_communities", "listed", "started", "completed", "target_households", "target_area")
    return table(say("targets", lang), [say(word, lang) for word in words], rows)


def _reached(batches: pd.Series[str] | None, batch: str, column: pd.Series[str]) -> Cell:
    """How many listed communities of a batch have begun or are completed, and their share of the list."""
    if batches is None or len(column) == 0:
        return Cell("—")
    own = batches.index[batches == batch]
    count = int(column.reindex(own).eq("yes").sum())
    return Cell(f"{count:,}", "number", note=percent(count / len(own)) if len(own) else "")


def _target(number: float | None, unit: str, lang: Lang) -> Cell:
    if number is None:
        return Cell(say("not_stated", lang), "unknown")
    return Cell(f"{number:,.0f}{unit}", "number")


class _Change(NamedTuple):
    """Communities that moved alike since last month; whether the list stands open."""

    table: Table
    open: bool


def _changes(site: Site) -> list[_Change] | None:
    """What moved since the end of last month, community by community; None where that is not known."""
    now, before = states_on(site, site.facts.as_of), states_on(site, month_before(site.facts.as_of))
    if now is None or before is None:
        return None
    groups = _moved(now, before)
    return [
        _Change(_change_table(site, key, now[mask], before[mask]), key.startswith("newly"))
        for key, mask in groups.items()
        if mask.any()
    ]


def _moved(now: pd.DataFrame, before: pd.DataFrame) -> dict[str, pd.Series[bool]]:
    """Which communities were completed, were begun, changed their state otherwise, or advanced within it."""
    rank = {state: float(at) for at, state in enumerate(STATE_ORDER)}
    ranks = pd.DataFrame({"now": now["state"].map(rank), "before": before["state"].map(rank)}, dtype=float)
    began, done = float(rank["started"]), float(rank["completed"])
    # An unknown state last month may have been anything, so it is no proof of a start.
    groups = {"newly_completed": (ranks["now"] >= done) & (ranks["before"] < done)}
    groups["newly_started"] = (ranks["now"] >= began) & (ranks["before"] < began) & ~groups["newly_completed"]
    same = now["state"].fillna("") == before["state"].fillna("")
    groups["moved"] = ~same & ~groups["newly_completed"] & ~groups["newly_started"]
    shares = now["progress_share"].fillna(-1.0) != before["progress_share"].fillna(-1.0)
    groups["advanced"] = same & shares
    return groups


def _change_table(site: Site, key: str, now: pd.DataFrame, before: pd.DataFrame) -> Table:
    lang = site.facts.lang
    names, paths = feature_names(site, "communities"), paths_of(site, "communities")
    rows = [
        [
            head_cell(names[place], paths[row_id(place)]),
            Cell(_state_and_share(before.loc[place], lang)),
            Cell(_state_and_share(now.loc[place], lang)),
        ]
        for place in now.index
    ]
    return table(say(key, lang, n=len(rows)), [say("name", lang), say("before", lang), say("now", lang)], rows)


def _state_and_share(row: pd.Series[str], lang: Lang) -> str:
    state = row["state"] if isinstance(row["state"], str) else None
    return f"{state_label(state, lang)} {percent(row['progress_share'])}".strip()


def _lists(site: Site) -> list[tuple[str, str]]:
    """Ways on to every place."""
    lang, ways = site.facts.lang, []
    if has(site, "communities"):
        ways.append((COMMUNITIES, say("all_communities", lang, n=len(site.frames["communities"]))))
    if has(site, "zones"):
        ways.append((ZONES, zone_tally(site.frames["zones"], lang)))
    return ways
