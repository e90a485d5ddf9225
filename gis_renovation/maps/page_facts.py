"""What a page is told beside its layers: title, date, audience, and what lies around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

from gis_renovation.arrays import Flags
from gis_renovation.display import plain_text
from gis_renovation.maps.basemaps import NO_BASEMAPS, PageBasemaps
from gis_renovation.maps.encoding import SheetBlock
from gis_renovation.maps.texts import ui
from gis_renovation.words import Lang

Audience = Literal["planner", "bureau", "public"]


class Download(NamedTuple):
    """A file beside the pages: its path, its size in bytes, and its layer ("" for all of them)."""

    path: str
    size: int
    layer: str


@dataclass(frozen=True, kw_only=True)
class PageFacts:
    """What a page is told beside its layers; texts, never markup.

    Parameters
    ----------
    title, as_of, attribution, map_number
        Printed on the page. Without ``as_of`` the page names no date and has no months. Without
        ``map_number`` (审图号) it says that it is an internal map, or for the public that the number
        is still to be obtained.
    lang
        Language of labels and cards.
    synthetic
        Whether to say on the page that the data is made up.
    audience
        Whom the page is for. It decides notices only: what may be seen is decided before
        (:mod:`gis_renovation.publish`); every layer given is put on the page.
    show
        Names of the layers drawn when the map opens; None takes the style table's choice.
    links
        Files beside the page to link to: path -> which of the page's own texts names it.
    downloads
        Files of data beside the page, listed with format and size; with none in the list the page says so,
        with None it says nothing about them.
    pages
        Features with a page of their own, linked from their cards: layer -> id -> path.
    photos
        Pictures on cards: layer -> id -> ``src`` (a path beside the page, or a data URI), ``width``, ``height``,
        ``alt`` and ``caption`` of each.
    basemaps
        Pictures of other makers to choose from (:func:`page_basemaps`); none is shown before a
        reader asks for it, and the page may fetch pictures of their hosts and nothing else.
    withheld
        Cells that were withheld, which then say so: layer -> column -> rows.
    """

    title: str
    as_of: date | None
    lang: Lang = "zh"
    synthetic: bool = False
    attribution: str = ""
    map_number: str = ""
    audience: Audience = "planner"
    show: Sequence[str] | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    downloads: Sequence[Download] | None = None
    pages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    photos: Mapping[str, Mapping[str, Sequence[Mapping[str, str | int]]]] = field(default_factory=dict)
    basemaps: PageBasemaps = NO_BASEMAPS
    withheld: Mapping[str, Mapping[str, Flags]] = field(default_factory=dict)


def as_of_line(facts: PageFacts) -> str:
    """The date of the data, in words; empty where none is told."""
    return ui("as_of", facts.lang, date=facts.as_of.isoformat()) if facts.as_of else ""


def number_line(facts: PageFacts) -> str:
    """The map number (审图号), or what its absence means for the audience."""
    missing = "number_wanted" if facts.audience == "public" else "no_number"
    return ui("number", facts.lang) + facts.map_number if facts.map_number else ui(missing, facts.lang)


def sheet_facts(facts: PageFacts) -> SheetBlock:
    """What a printed sheet says beside the map; a file name is made of the date alone."""
    lang = facts.lang
    return {
        "title": plain_text(facts.title),
        "as_of": as_of_line(facts),
        "number": plain_text(number_line(facts)),
        "source": ui("source", lang) + plain_text(facts.attribution) if facts.attribution else "",
        "synthetic": ui("synthetic", lang) if facts.synthetic else "",
        "file": f"map-{facts.as_of.isoformat()}" if facts.as_of else "map",
    }
