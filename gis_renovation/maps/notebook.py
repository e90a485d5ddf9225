"""A map at the notebook: the page of a run or of layers, as a folium map that one can add to.

What is added is drawn by the page's own library; what would have to be fetched from another host is refused
with its name, so that the map opens without a network as every page does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import folium
import geopandas as gpd
import pandas as pd
from branca.element import CssLink, Element, JavascriptLink

from gis_renovation.display import render
from gis_renovation.errors import ConfigError
from gis_renovation.maps.contents import page_contents
from gis_renovation.maps.document import PlanFigure, PlanMap
from gis_renovation.maps.page import Layers, fill_page
from gis_renovation.maps.page_facts import PageFacts
from gis_renovation.maps.tiles import require_small
from gis_renovation.schemas import layer_schemas

if TYPE_CHECKING:
    from gis_renovation.run import Run

HEIGHT_PX = 560


def show(data: Run | Layers | gpd.GeoDataFrame, facts: PageFacts | None = None, *, height: int = HEIGHT_PX) -> PlanMap:
    """A map of a run or of layers that shows itself in a notebook and to which folium's own elements can be added.

    It is the page that publishing writes, with legend, search, table and cards, in one piece and without any
    request: ``folium.Marker([32.6, 117.0], popup="这里").add_to(show(run))``; ``show(run).save("map.html")``
    writes the page. Everything given is on it: it is for the eyes of its maker, not for handing on.

    Parameters
    ----------
    data
        A finished run; layers by name in one projected CRS, any of them absent, None or empty; or one layer.
    facts
        Title, date, language and layers to open with; by default those of the run, else a page without a date.
    height
        Height in the notebook, in pixels.

    Returns
    -------
    PlanMap
        A ``folium.Map``. Vector elements, markers (drawn as a plain pin of their colour) and popups can be
        added; elements that fetch scripts, styles or pictures from other hosts are refused when it is drawn.

    Raises
    ------
    DataError
        If no layer has a shape to draw; when the map is drawn, if the page would be larger than 20 MB.
    CRSError
        If a layer has no CRS or cannot be brought to longitude and latitude.
    ConfigError
        When the map is drawn, if something was added to it that needs another host.
    """
    layers = _layers_of(data)
    told = facts or _facts_of(data)
    contents = page_contents(layers, told)
    archives = {name: made.archive for name, made in contents.tiled.items()}
    return fill_page(ShownFigure(told, archives, height=height), contents, told, single=True)


class ShownFigure(PlanFigure):
    """A page that is added to: it checks what was added, and shows itself in a frame."""

    def __init__(self, facts: PageFacts, archives: Mapping[str, bytes], *, height: int) -> None:
        super().__init__(lang=facts.lang, guests=True)
        self.page_title = facts.title
        self.archives = archives
        self.height = f"{height}px"

    def render(self, **_: object) -> str:
        """The page as text. Raises ConfigError if something on it would have to be fetched."""
        for element in _below(self):
            if isinstance(element, folium.TileLayer | folium.WmsTileLayer):
                raise _needs_host(element, str(getattr(element, "url", "") or getattr(element, "tiles", "")))
        page = super().render()
        require_small(page, self.archives)
        return page

    def check(self) -> None:
        """Raise ConfigError for a script or style that an element has asked for while it was drawn."""
        for name, link in self.header._children.items():  # noqa: SLF001 - branca offers no other way
            if isinstance(link, JavascriptLink | CssLink):
                raise _needs_host(link, f"{name}: {link.url}")

    def _repr_html_(self, **_: object) -> str:
        return render("map/frame.html", lang=self.lang, page=self.render(), title=self.page_title, height=self.height)


def _below(element: Element) -> Iterator[Element]:
    for child in element._children.values():  # noqa: SLF001
        yield child
        yield from _below(child)


def _needs_host(element: Element, what: str) -> ConfigError:
    kind = type(element).__name__
    return ConfigError(
        f"地图不向其他主机取任何东西，不能加上 {kind}（{what}）。可加：标记、弹窗、线、面、GeoJson 等图形；"
        "底图请在发布配置中声明。",
        f"The map fetches nothing from other hosts, so {kind} cannot be added ({what}). Markers, popups, lines, areas "
        "and GeoJson can; a basemap is declared in a profile.",
    )


def _layers_of(data: Run | Layers | gpd.GeoDataFrame) -> Layers:
    if isinstance(data, gpd.GeoDataFrame):
        named = (name for name, schema in layer_schemas().items() if schema.key and schema.key == data.index.name)
        return {next(named, "layer"): data}
    layers: Mapping[str, object] = data if isinstance(data, Mapping) else data.layers
    return {name: frame for name, frame in layers.items() if isinstance(frame, pd.DataFrame)}


def _facts_of(data: Run | Layers | gpd.GeoDataFrame) -> PageFacts:
    plain = PageFacts(title="", as_of=None)
    if isinstance(data, Mapping | pd.DataFrame):
        return plain
    project = data.manifest.project
    return replace(plain, title=project.name, as_of=project.as_of, synthetic=project.synthetic)
