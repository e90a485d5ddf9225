"""The maps of the zone document: one of each county with all its zones, one of each zone with its communities.

Drawn to a round scale in the project's CRS by :mod:`gis_renovation.reports.canvas`; the same layers and font give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely
from matplotlib.path import Path
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Geometries
from gis_renovation.display import SYNTHETIC_NOTICE
from gis_renovation.reports.canvas import Canvas, Pen, Window, width_cm
from gis_renovation.reports.canvas import outline as make_outline
from gis_renovation.reports.fonts import require_chinese_face
from gis_renovation.reports.map_parts import (
    Drawn,
    Look,
    draw_key,
    drawn,
    drawn_by,
    fitting_frame,
    north,
    scale_bar,
    shapes_of,
    space,
    with_ink,
)
from gis_renovation.reports.parts import Layers
from gis_renovation.run import Manifest
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import name_or_id
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    import geopandas as gpd

# Size on paper, so that the stated scale is true where the picture stands at this width.
ZONE_MAP_WIDTH_CM: Final = 15.6
_HEIGHT_CM, _HEAD_CM, _PANEL_CM, _KEY_CM = 11.8, 0.75, 8.9, 0.95
_NAME_POINTS: Final = (7.5, 6.5, 5.5)

_OWN = Look(label=Text("本片区小区", "communities of this zone"), face="#f6b26b", edge="#7f4f12", width=0.6)
_OTHERS = Look(label=Text("其他片区小区", "communities of other zones"), face="#dfe7ef", edge="#8497a8", width=0.4)
_ZONED = Look(label=Text("片区小区", "communities in zones"), face="#f9d9ae", edge="#7f4f12", width=0.4)
_LEFT = Look(
    label=Text("未纳入片区的小区", "communities in no zone"), face="#ffffff", edge="#c00000", width=0.9, dash="--"
)
_ZONE = Look(label=Text("片区范围", "zone"), edge="#b45f06", width=1.6)
_PARK = Look(label=Text("公园绿地", "park"), face="#d9ead3", edge="#8fb58a", width=0.3)
_STREET = Look(label=Text("道路", "street"), edge="#b7b7b7", width=0.8, is_line=True)
_HALO = Pen(edge="#ffffff", width=3.2)
_BARRIERS: Final[Mapping[str, tuple[str, float, str]]] = {
    "river": ("#3d85c6", 1.6, "-"),
    "canal": ("#3d85c6", 1.2, "-"),
    "lake": ("#3d85c6", 1.0, "-"),
    "railway": ("#000000", 1.4, "-."),
    "expressway": ("#7b3fa0", 1.8, "-"),
    "arterial": ("#888888", 1.8, "-"),
    "wall": ("#990000", 1.0, "-"),
}
_UNKNOWN_BARRIER = ("#555555", 1.2, ":")


@dataclass(frozen=True, eq=False)
class ZoneMaps:
    """The layers of all maps of a run, read once; :meth:`zone` and :meth:`county` make one map each."""

    communities: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    zone_of: pd.Series
    ground: tuple[Drawn, ...]
    barriers: Drawn | None
    remark: str
    synthetic: bool
    lang: Lang

    @classmethod
    def of(cls, layers: Layers, manifest: Manifest, *, lang: Lang) -> ZoneMaps | None:
        """Maps over a run's layers; None where zones or communities have no shapes. O(features).

        Raises FileError where the words are Chinese and no Chinese font is installed.
        """
        zones, communities, members = (layers.get(name) for name in ("zones", "communities", "zone_members"))
        if zones is None or communities is None or members is None:
            return None
        if not all(hasattr(layer, "geometry") and "geometry" in layer for layer in (zones, communities)):
            return None
        if lang == "zh":
            require_chinese_face()
        project = manifest.project
        dated = Text("数据截至 {day}", "As of {day}").fill(day=project.as_of).in_language(lang)
        streets, parks = (_areal_or_not(layers.get(name)) for name in ("streets", "parks"))
        return cls(
            communities=_with_shape(communities),
            zones=_with_shape(zones),
            zone_of=members["zone_id"].reindex(communities.index),
            ground=tuple(one for one in (drawn(parks, _PARK), drawn(streets, _STREET)) if one is not None),
            barriers=_drawn_barriers(_areal_or_not(layers.get("barriers"))),
            remark=f"{dated}{space(lang)}{project.crs}",
            synthetic=project.synthetic,
            lang=lang,
        )

    def zone(self, zone_id: str) -> bytes | None:
        """The PNG of one zone with its communities by name; None where it has no shape. O(features in the frame)."""
        if zone_id not in self.zones.index:
            return None
        row = self.zones.loc[zone_id]
        called = name_or_id(row.get("name"), zone_id)
        title = Text("{name}示意图", "Map of {name}").fill(name=called)
        is_own = self.zone_of.eq(zone_id).fillna(value=False)
        own = self.communities[is_own.reindex(self.communities.index)]
        looks = [(_LEFT, self.zone_of.isna()), (_OTHERS, self.zone_of.notna() & ~is_own), (_OWN, is_own)]
        names = own["name"] if "name" in own else pd.Series(index=own.index, dtype=object)
        spots = {name_or_id(names[key], str(key)): shape for key, shape in own.geometry.items()}
        return self._draw(row.geometry, title, looks, spots, {zone_id})

    def county(self, zone_ids: Mapping[str, int], name: str) -> bytes | None:
        """The PNG of a county's zones, each with its number; None where none has a shape."""
        own = self.zones[self.zones.index.isin(list(zone_ids))]
        if not len(own):
            return None
        title = Text("{name}片区分布图", "Zones of {name}").fill(name=name)
        looks = [(_LEFT, self.zone_of.isna()), (_ZONED, self.zone_of.notna())]
        spots = {str(zone_ids[str(key)]): shape for key, shape in own.geometry.items()}
        return self._draw(shapely.box(*own.total_bounds), title, looks, spots, set(own.index))

    def _draw(
        self,
        around: BaseGeometry,
        title: Text,
        looks: list[tuple[Look, pd.Series]],
        spots: Mapping[str, BaseGeometry],
        outlined: set[str],
    ) -> bytes:
        paper = Canvas(ZONE_MAP_WIDTH_CM, _HEIGHT_CM)
        left, top = 0.1, _HEIGHT_CM - _HEAD_CM
        right, bottom = ZONE_MAP_WIDTH_CM - 0.1, top - _PANEL_CM
        scale, frame = fitting_frame(around, right - left, _PANEL_CM)
        window = paper.window(left, bottom, right, top, frame)
        used: dict[Look, Geometries] = {}
        for layer in self.ground:
            used |= with_ink(layer.within(frame), frame)
        for look, chosen in looks:
            shapes = shapes_of(self.communities[chosen.reindex(self.communities.index).fillna(value=False)])
            used |= with_ink({look: shapes[shapely.intersects(shapes, frame)]}, frame)
        if self.barriers is not None:
            used |= with_ink(self.barriers.within(frame), frame)
        for look, shapes in used.items():
            paper.shape(window, make_outline(shapes), look)
        zones = make_outline(shapes_of(self.zones[self.zones.index.isin(outlined)]))
        for pen in (_HALO, _ZONE):
            paper.shape(window, zones, pen)
        _name(paper, window, spots)
        paper.box(left, bottom, right, top, Pen(edge="#000000", width=0.8))
        scale_bar(paper, scale, left, bottom)
        north(paper, right, top, Text("北", "N").in_language(self.lang))
        self._words(paper, title, scale, {_ZONE: zones, **used})
        return paper.png()

    def _words(self, paper: Canvas, title: Text, scale: int, used: Mapping[Look, Path | Geometries]) -> None:
        lang = self.lang
        paper.say(ZONE_MAP_WIDTH_CM / 2, _HEIGHT_CM - 0.05, title.in_language(lang), 10, anchor="ma")
        key = {look.label.in_language(lang): look for look in used}
        draw_key(paper, (0.1, 1.95, ZONE_MAP_WIDTH_CM - 0.4, _KEY_CM), Text("图例", "Key").in_language(lang), key)
        stated = Text("比例尺 1:{scale}　坐标北向上", "Scale 1:{scale}  grid north is up").fill(scale=scale)
        paper.say(0.1, 0.14, f"{stated.in_language(lang)}{space(lang)}{self.remark}", 6.5, colour="#333333")
        if self.synthetic:
            notice = Text("示意数据，非真实", "synthetic data") if lang == "zh" else SYNTHETIC_NOTICE
            paper.say(ZONE_MAP_WIDTH_CM - 0.1, 0.14, notice.in_language(lang), 6.5, anchor="rs", colour="#c00000")


def _name(paper: Canvas, window: Window, spots: Mapping[str, BaseGeometry]) -> None:
    """Words inside each shape, as large as all of them fit beside each other without touching."""
    shapes = np.array([*spots.values(), None], dtype=object)[:-1]
    middles = shapely.point_on_surface(shapes)
    at = {text: window.dot(point.x, point.y) for text, point in zip(spots, middles, strict=True) if not point.is_empty}
    points = next((size for size in _NAME_POINTS if not _touch(at, size)), _NAME_POINTS[-1])
    for text, point in zip(spots, middles, strict=True):
        if not point.is_empty:
            paper.mark(window, point.x, point.y, text, points)


def _touch(at: Mapping[str, tuple[float, float]], points: float) -> bool:
    """Whether two words of this size would lie over each other."""
    dots_a_cm = 150 / 2.54
    boxes = []
    for text, (x, y) in at.items():
        half_x, half_y = width_cm([text], points) * dots_a_cm / 2, points * 150 / 72 * 0.6
        boxes.append(shapely.box(x - half_x, y - half_y, x + half_x, y + half_y))
    tree = shapely.STRtree(boxes)
    return bool(boxes) and len(tree.query(boxes, predicate="intersects")[0]) > len(boxes)


def _with_shape(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return layer[~(layer.geometry.isna() | layer.geometry.is_empty)]


def _areal_or_not(layer: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    """The layer's features that have a shape; None where it has no geometry."""
    return None if layer is None or "geometry" not in layer else _with_shape(layer)


def _drawn_barriers(layer: gpd.GeoDataFrame | None) -> Drawn | None:
    if layer is None:
        return None
    labels = layer_schema("barriers").fields["kind"].values
    looks: dict[str | None, Look] = {
        kind: Look(label=labels[kind], edge=edge, width=width, dash=dash, is_line=kind != "lake")
        for kind, (edge, width, dash) in _BARRIERS.items()
    }
    edge, width, dash = _UNKNOWN_BARRIER
    unclear = Text("类别不明的阻隔", "barrier of unknown kind")
    looks[None] = Look(label=unclear, edge=edge, width=width, dash=dash, is_line=True)
    kinds = [kind if kind in looks else None for kind in layer["kind"]] if "kind" in layer else [None] * len(layer)
    return drawn_by(shapes_of(layer), kinds, looks)
