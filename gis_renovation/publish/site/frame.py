"""The frame of the pages beside the map, which need no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from gis_renovation.display import render
from gis_renovation.maps import asset_css, asset_js
from gis_renovation.publish.site.words import say
from gis_renovation.words import Lang, Text

# Pages every visitor finds in the navigation: path -> name.
NAVIGATION: Mapping[str, Text] = {
    "index.html": Text("总览", "Overview"),
    "map.html": Text("地图", "Map"),
    "communities/index.html": Text("小区", "Communities"),
    "zones/index.html": Text("片区", "Zones"),
    "data.html": Text("开放数据", "Open data"),
    "about.html": Text("关于", "About"),
}


class SiteFacts(NamedTuple):
    """What stands on every page: title, date, language, source, the sentence on the map number, whether made up."""

    title: str
    as_of: date
    lang: Lang
    attribution: str
    number: str
    synthetic: bool
    navigation: tuple[str, ...] = tuple(NAVIGATION)


class Page(NamedTuple):
    """One page: its place in the folder, title, heading, description, and the pages above it as (path, name)."""

    path: str
    title: str
    heading: str = ""
    description: str = ""
    crumbs: Sequence[tuple[str, str]] = ()


class _Link(NamedTuple):
    path: str
    name: str
    current: str


def page_html(facts: SiteFacts, page: Page, template: str, **context: object) -> str:
    """One page of the site: ``template`` filled with ``context`` in head, navigation, way back and foot.

    Nothing outside the page is asked for: style and the one small script stand in it, by their hashes.
    """
    return render(
        template,
        lang=facts.lang,
        site=facts,
        page=page,
        tell=partial(say, lang=facts.lang),
        full_title=page.title if page.title == facts.title else f"{page.title} · {facts.title}",
        up="../" * page.path.count("/"),
        links=[
            _Link(target, NAVIGATION[target].in_language(facts.lang), _current(target, page.path))
            for target in facts.navigation
        ],
        style=_style(),
        style_hash=_hash(_style()),
        script=_script(),
        script_hash=_hash(_script()),
        **context,
    )


@lru_cache(maxsize=1)
def _style() -> str:
    return asset_css("site.css")


@lru_cache(maxsize=1)
def _script() -> str:
    return asset_js("site.js")


@lru_cache(maxsize=2)
def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _current(target: str, path: str) -> str:
    """How the navigation marks a page: this one, or the list this one belongs to."""
    if target == path:
        return "page"
    folder = target.rpartition("/")[0]
    return "true" if folder and path.startswith(f"{folder}/") else ""


def number_sentence(number: str, dated: date | None, expires: date | None, *, lang: Lang) -> str:
    """What a page says about its map number (审图号)."""
    if not number:
        return say("no_number", lang)
    key = {(True, True): "number_dates", (False, True): "number_expires", (True, False): "number_dated"}.get(
        (dated is not None, expires is not None)
    )
    return say("number", lang, number=number) + (say(key, lang, dated=dated, expires=expires) if key else "")


def write_text(path: Path, text: str) -> None:
    """UTF-8 with line feeds, on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")
