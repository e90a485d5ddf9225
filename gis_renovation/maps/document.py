"""The page as a document: folium's map without what it would fetch from elsewhere, and a policy for the whole."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

import folium
from branca.element import Element, Figure, MacroElement
from jinja2 import Template
from markupsafe import Markup

from gis_renovation.display import render, script_json
from gis_renovation.maps.assets import asset_css, asset_js, page_script
from gis_renovation.maps.page_facts import PageFacts
from gis_renovation.words import Lang


class Verbatim(Element):
    """Text put into the page as it is: folium renders other elements' text as a template once more."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.text = text


class PlanMap(folium.Map):
    """A folium map without tiles, without links to other hosts, that may be zoomed by its readers."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map("{{ this.get_name() }}", {
          zoomControl: false, attributionControl: true, preferCanvas: false, fadeAnimation: false,
          minZoom: 5, maxZoom: 20, zoomSnap: 0.5, wheelPxPerZoomLevel: 90
        });
        var {{ this.get_name() }}_plan = openPlan({{ this.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self) -> None:
        super().__init__(tiles=None)
        # On the instance: the class's lists are shared by every folium map of the process.
        self.default_js = []
        self.default_css = []


class MapArea(Element):
    """Where the map stands in the page."""

    def __init__(self, plan: PlanMap, label: str, lang: Lang) -> None:
        super().__init__()
        self._name = "MapArea"
        self.plan, self.label, self.lang = plan, label, lang

    def render(self, **_: object) -> str:
        """The element that the map's script fills."""
        return render("map/area.html", lang=self.lang, id=self.plan.get_name(), label=self.label)


class PlanLayer(folium.map.Layer):
    """One layer whose shapes are read from its data block when it is first shown."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = {{ this._parent.get_name() }}_plan.layer({{ this.place }});
        {% endmacro %}
        """
    )

    def __init__(self, place: int, *, show: bool) -> None:
        # folium renders its scripts twice as templates, so no name from the data may stand in one:
        # the script says the layer's place in the list of the settings block.
        super().__init__(name=f"layer-{place}", overlay=True, control=False, show=show)
        self._name = "PlanLayer"
        self.place = int(place)


class PlanStart(MacroElement):
    """Starts the page once every layer stands."""

    _template = Template("{% macro script(this, kwargs) %}{{ this._parent.get_name() }}_plan.start();{% endmacro %}")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "PlanStart"


def page_head(facts: PageFacts, *, tiled: bool, guests: bool) -> Verbatim:
    """Title, style sheets and scripts of a page; the libraries for tiles only where a layer has them."""
    libraries = [
        "leaflet/leaflet.js",
        *(["pmtiles/pmtiles.js", "protomaps-leaflet/protomaps-leaflet.js"] if tiled else []),
    ]
    scripts = [*map(asset_js, libraries), page_script(tiled=tiled, guests=guests)]
    styles = [asset_css(name) for name in ("leaflet/leaflet.css", "page.css")]
    return Verbatim(
        render(
            "map/head.html", lang=facts.lang, title=facts.title, styles=map(_own, styles), scripts=map(_own, scripts)
        )
    )


def data_block(block_id: str, value: object) -> Verbatim:
    """A block of data that the page's scripts read."""
    return _data("application/json", block_id, script_json(value))


def archive_block(name: str, archive: bytes) -> Verbatim:
    """The tiles of a layer as a block of data; base64 holds no character that HTML knows."""
    return _data("application/base64", f"tiles-{name}", base64.b64encode(archive).decode("ascii"))


def _data(kind: str, block_id: str, text: str) -> Verbatim:
    return Verbatim(render("map/data.html", lang="zh", kind=kind, id=block_id, text=_own(text)))


def _own(text: str) -> Markup:
    """Text of the program's own files, or made so that nothing in it can end its element."""
    return Markup(text)  # noqa: S704


class PlanFigure(Figure):
    """A whole page: rendered with steady ids, its language, and a policy that lets nothing else run or load.

    ``beside``: files beside the page may be read as data and, opened from a disk, as scripts.
    ``hosts``: origins whose pictures may be shown. ``guests``: elements of folium may be added.
    """

    def __init__(self, *, lang: Lang, beside: bool = False, hosts: Sequence[str] = (), guests: bool = False) -> None:
        super().__init__(title=None)
        self.lang = lang
        self.beside = beside
        self.hosts = hosts
        self.guests = guests

    def render(self, **_: object) -> str:
        """The page as text; the same elements give the same bytes, however often it is asked for."""
        elements = _numbered(self)
        # Elements add to themselves and to the page's parts what they draw: each rendering begins anew.
        own = [element._children.copy() for element in elements]  # noqa: SLF001 - branca offers no other way
        try:
            for element in list(self._children.values()):
                element.render()
            self.check()
            head, body, script = (part.render() for part in (self.header, self.html, self.script))
        finally:
            for element, children in zip(elements, own, strict=True):
                element._children = children  # noqa: SLF001
        return render(
            "map/page.html",
            lang=self.lang,
            policy=_own(self._policy([*re.findall(r"<script>(.*?)</script>", head, flags=re.DOTALL), f"\n{script}\n"])),
            head=_own(head),
            body=_own(body),
            script=_own(script),
        )

    def check(self) -> None:
        """Look at what was drawn before it becomes a page."""

    def _policy(self, scripts: Sequence[str]) -> str:
        hashes = " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(script.encode('utf-8')).digest()).decode('ascii')}'"
            for script in scripts
        )
        own, reads = (" 'self'", "connect-src 'self'; ") if self.beside else ("", "")
        return (
            f"default-src 'none'; script-src {hashes}{own}; {reads}style-src 'unsafe-inline'; "
            f"img-src {' '.join(['data: blob:', *self.hosts])}; "
            "font-src data:; base-uri 'none'; form-action 'none'"
        )


def _numbered(figure: Figure) -> list[Element]:
    """Every element of a page, branca's random ids replaced by their places in the tree."""
    found: list[Element] = []
    waiting: list[Element] = [figure]
    while waiting:
        element = waiting.pop()
        element._id = f"{len(found):04d}"  # noqa: SLF001 - the only place branca keeps it
        found.append(element)
        parts = [getattr(element, part) for part in ("header", "html", "script") if isinstance(element, Figure)]
        waiting += [*reversed([*element._children.values(), *parts])]  # noqa: SLF001
    return found
