"""The public progress site: overview, one page a community and a zone, open data, about.

Made from the prepared edition alone, so that no page can show what the edition does not hold. Every
page works without a script; only the map needs one.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.arrays import Flags
from gis_renovation.crs import reproject
from gis_renovation.display import UNKNOWN, with_withheld
from gis_renovation.maps import NEEDED, Download
from gis_renovation.maps.encoding import DISPLAY_CRS, row_id
from gis_renovation.progress import STATE_ORDER, community_months
from gis_renovation.publish.disclosure import Displacement
from gis_renovation.publish.site.figures import Ground, prepared_ground
from gis_renovation.publish.site.frame import NAVIGATION, SiteFacts
from gis_renovation.publish.site.sources import LayerSource
from gis_renovation.publish.site.tables import Cell
from gis_renovation.publish.site.words import say
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Lang, Text

T = TypeVar("T")

HOME, MAP, COMMUNITIES, ZONES, DATA, ABOUT = NAVIGATION

# Five steps a resident can follow, each with the first state that reaches it.
STEPS: tuple[tuple[str, Text], ...] = (
    ("listed", Text("列入计划", "In the plan")),
    ("approved", Text("立项招标", "Approved")),
    ("started", Text("开工", "Works begun")),
    ("completed", Text("完工", "Completed")),
    ("accepted", Text("验收移交", "Accepted")),
)

_STARTED, _COMPLETED = STATE_ORDER.index("started"), STATE_ORDER.index("completed")

_RESERVED_NAMES = frozenset(
    {"con", "prn", "aux", "nul", "index", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """All that the pages are made of. In ``frames`` withheld cells are missing; ``withheld`` masks say which.

    Pages compute with ``frames`` and show cells of :attr:`shown`.
    ``contact`` and ``licence`` are the publisher's own words, ``targets`` the plan's totals by batch,
    ``sources`` what may be said of where each layer comes from, ``measured`` how far shapes lie from the data.
    """

    facts: SiteFacts
    frames: Mapping[str, pd.DataFrame]
    downloads: Sequence[Download] = ()
    photos: Mapping[str, Sequence[Mapping[str, str | int]]] = field(default_factory=dict)
    contact: Sequence[str] = ()
    licence: str = ""
    notes: Sequence[str] = ()
    targets: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    withheld: Mapping[str, Mapping[str, Flags]] = field(default_factory=dict)
    withheld_count: int = 0
    minimum_count: int = 5
    grid_m: float = 0.0
    claimed_m: float = 0.0
    measured: Mapping[str, Displacement] = field(default_factory=dict)
    sources: Mapping[str, LayerSource] = field(default_factory=dict)

    @cached_property
    def shown(self) -> Mapping[str, pd.DataFrame]:
        """The frames as people see them: withheld cells say so, by a word."""
        return {
            name: with_withheld(frame, self.withheld.get(name), self.facts.lang) for name, frame in self.frames.items()
        }

    @cached_property
    def ground(self) -> Ground:
        """What drawings show around a place, ready to be looked up."""
        return prepared_ground(self.frames)

    @cached_property
    def _kept(self) -> dict[tuple[str, ...], Any]:
        return {}

    def once(self, what: tuple[str, ...], make: Callable[[], T]) -> T:
        """What every page asks for, made the first time and kept by its name."""
        if what not in self._kept:
            self._kept[what] = make()
        found: T = self._kept[what]
        return found


def page_paths(keys: Iterable[object], folder: str) -> dict[str, str]:
    """Where the page of each feature lies, by its id: a name any file system and web server takes.

    An id of plain letters, digits, ``-`` and ``_`` is the name itself; any other, and one that differs
    from another only by case, is named by the start of its SHA-256.
    """
    ids = list(dict.fromkeys(row_id(key) for key in keys))
    lower = pd.Series([text.lower() for text in ids]).duplicated(keep=False).tolist()
    plain = [
        bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", text)) and text.lower() not in _RESERVED_NAMES and not twin
        for text, twin in zip(ids, lower, strict=True)
    ]
    return {
        text: f"{folder}/{text if good else 'p-' + hashlib.sha256(text.encode('utf-8')).hexdigest()[:16]}.html"
        for text, good in zip(ids, plain, strict=True)
    }


def map_links(frames: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, str]]:
    """For the map's cards: layer -> id -> page."""
    return {
        layer: page_paths(frames[layer].index, layer)
        for layer in ("communities", "zones")
        if layer in frames and len(frames[layer])
    }


def has(site: Site, layer: str) -> bool:
    """Whether a layer left and has rows."""
    return layer in site.frames and len(site.frames[layer]) > 0


def with_navigation(site: Site) -> Site:
    """The site with only those pages in its navigation that there are."""
    gone = {page for page, layer in ((COMMUNITIES, "communities"), (ZONES, "zones")) if not has(site, layer)}
    kept = tuple(page for page in NAVIGATION if page not in gone)
    return replace(site, facts=site.facts._replace(navigation=kept))


# --- facts that several pages need ----------------------------------------------------------------


def column_of(site: Site, layer: str, name: str) -> pd.Series[Any]:
    """A column by id as people see it, objects; empty if the layer or column did not leave."""

    def make() -> pd.Series[Any]:
        frame = site.shown.get(layer)
        cells = None if frame is None else frame.get(name)
        return pd.Series(dtype=object) if cells is None else cells.astype(object)

    return site.once(("column", layer, name), make)


def text_of(series: pd.Series[Any], key: object, instead: str = "") -> str:
    """One value as text, ``instead`` where there is none."""
    value = series.get(key) if key in series.index else None
    return instead if value is None or pd.isna(value) else str(value)


def feature_names(site: Site, layer: str) -> dict[object, str]:
    """What people call each feature; its id where it has no name."""
    names = column_of(site, layer, "name")
    return site.once(
        ("names", layer),
        lambda: {key: text_of(names, key, row_id(key)) or row_id(key) for key in site.frames[layer].index},
    )


def paths_of(site: Site, layer: str) -> dict[str, str]:
    """Where the page of each feature of a layer lies, by its id."""
    return site.once(("paths", layer), lambda: page_paths(site.frames[layer].index, layer))


def unit_names(site: Site) -> dict[object, str]:
    """Names of the reporting units by code."""
    names = pd.concat([column_of(site, layer, "name") for layer in ("reporting_units", "unit_progress")])
    return {key: str(value) for key, value in names.items() if not pd.isna(value)}


def unit_of(site: Site, layer: str, key: object, units: Mapping[object, str]) -> str:
    """The name of the county of a feature, its code if it has no name."""
    code = text_of(column_of(site, layer, "unit_code"), key)
    return units.get(code, code) or say("unit_unknown", site.facts.lang)


def states_on(site: Site, day: datetime.date) -> pd.DataFrame | None:
    """State and progress of each community on a day, from the published records."""
    if any(name not in site.frames for name in NEEDED):
        return None
    if not {"project_id", "recorded_on", "state"} <= {*site.frames["works_records"].columns}:
        return None
    pairs = site.frames["project_communities"]
    # Only which communities there are matters here; their numbers may be withheld.
    places = pd.DataFrame(index=site.frames["communities"].index)
    made = community_months(places, site.frames["projects"], pairs, site.frames["works_records"], [day])
    return made[day][["state", "progress_share"]].reindex(places.index)


def month_before(day: datetime.date) -> datetime.date:
    """The last day of the month before ``day``'s."""
    return day.replace(day=1) - datetime.timedelta(days=1)


def state_now(site: Site, key: object) -> str | None:
    """The state of a community, None where it is not known."""
    state = text_of(column_of(site, "community_progress", "state"), key)
    return state if state in STATE_ORDER else None


def state_label(state: str | None, lang: Lang) -> str:
    """A state in words."""
    if state is None:
        return UNKNOWN.in_language(lang)
    return layer_schemas()["community_progress"].fields["state"].values[state].in_language(lang)


def state_css(state: str | None) -> str:
    """The colour of a state's box; the words carry the meaning, the colour only helps."""
    rank = -1 if state is None else STATE_ORDER.index(state)
    return "done" if rank >= _COMPLETED else "began" if rank >= _STARTED else "none"


def state_cell(state: str | None, lang: Lang) -> Cell:
    """A state in a box."""
    return Cell(state_label(state, lang), "keep", css=state_css(state))


def percent(share: object) -> str:
    """A share in per cent, an empty text where it is not known."""
    number = _number(share)
    return "" if number is None else f"{number * 100:.1f}".rstrip("0").rstrip(".") + "%"


def _number(value: object) -> float | None:
    """A number that is known."""
    number = float(value) if isinstance(value, int | float | np.integer | np.floating) else math.nan
    return None if math.isnan(number) else number


def share_cell(share: object, css: str = "") -> Cell:
    """A share as a bar with its figure; without ``css`` the bar is that of works begun, or of works completed."""
    number, said = _number(share), percent(share)
    if number is None:
        return Cell("—", "" if css else "keep")
    width = f"{min(1.0, max(0.0, number)) * 100:.1f}"
    return Cell(said, "keep", bar=width, css=css or ("done" if said == "100%" else "began"))


def ask_lines(site: Site) -> list[list[tuple[str, bool]]]:
    """How to ask, in the publisher's own words: pieces of each line, and whether a piece is a telephone number."""
    lines = list(site.contact) or [say("no_contact", site.facts.lang)]
    return [
        [(part, at % 2 == 1) for at, part in enumerate(re.split(r"(?<!\d)(0\d{2,3}-\d{7,8}|12345)(?!\d)", line))]
        for line in lines
    ]


def figure_caption(site: Site) -> str:
    """What stands below every drawing: a drawing is a map, so the map number stands there too."""
    return say("figure", site.facts.lang, number=site.facts.number)


def map_link(layer: str, key: object, spot: tuple[float, float] | None) -> str:
    """The address that opens the map at a feature with its card; "" where nothing is known of its place."""
    if spot is None:
        return ""
    at = quote(f"{layer}:{row_id(key)}", safe="")
    return f"../{MAP}#16/{spot[1]:.5f}/{spot[0]:.5f}&at={at}"


def map_spots(site: Site, layer: str) -> dict[object, tuple[float, float]]:
    """Longitude and latitude inside each shape, for links to the map."""
    frame = site.frames[layer]
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return {}
    there = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    inside = gpd.GeoDataFrame(geometry=there.geometry.representative_point(), crs=frame.crs)
    degrees = reproject(inside, DISPLAY_CRS, where=layer).geometry
    return {key: (float(p.x), float(p.y)) for key, p in zip(there.index, degrees, strict=True)}
