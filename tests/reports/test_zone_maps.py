"""The maps of the zone document: true to scale, every community where it is, left out ones told apart."""

from __future__ import annotations

import io

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from manifests import manifest_of
from PIL import Image

from gis_renovation.errors import FileError
from gis_renovation.reports import fonts
from gis_renovation.reports.zone_maps import ZONE_MAP_WIDTH_CM, ZoneMaps

CRS = "EPSG:4548"
MANIFEST = manifest_of(project={"crs": CRS, "synthetic": False})
DOTS_A_CM = 150 / 2.54
OWN, OTHER, LEFT, RIVER = (246, 178, 107), (223, 231, 239), (192, 0, 0), (61, 133, 198)


def box(left, bottom, right, top):
    return shapely.box(500_000 + left, 3_600_000 + bottom, 500_000 + right, 3_600_000 + top)


def frame(shapes, key, **columns):
    table = gpd.GeoDataFrame(columns, geometry=list(shapes.values()), crs=CRS)
    table.index = pd.Index(list(shapes), name=key, dtype=object)
    return table


def city(**others):
    places = {
        "A1": box(0, 0, 100, 100),
        "A2": box(120, 0, 220, 100),
        "B1": box(0, 110, 100, 210),
        "C": box(225, 90, 262, 130),
    }
    communities = frame(places, "community_id", name=["甲一", "甲二", "乙", "丙"])
    zones = frame(
        {"Z-1": shapely.union_all([places["A1"], places["A2"]]), "Z-2": places["B1"]},
        "zone_id", name=["甲片区", "乙片区"], unit_code=["340402", "340402"],
    )  # fmt: skip
    members = pd.DataFrame({"zone_id": ["Z-1", "Z-1", "Z-2", None]}, index=communities.index)
    return {"communities": communities, "zones": zones, "zone_members": members, **others}


def pixels(png):
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return np.asarray(image).astype(int)


def like(image, colour, tolerance=12):
    return np.abs(image - np.array(colour)).max(axis=2) <= tolerance


def area_m2(image, colour, scale):
    """The ground that a colour covers inside the panel, by its dots."""
    panel = image[: int(image.shape[0] * 0.8)]
    metres = scale / 100 / DOTS_A_CM
    return like(panel, colour).sum() * metres**2


def test_a_zone_shows_its_own_communities_in_their_true_size_and_the_others_beside():
    image = pixels(ZoneMaps.of(city(), MANIFEST, lang="zh").zone("Z-1"))
    assert image.shape[1] == round(ZONE_MAP_WIDTH_CM * DOTS_A_CM)
    # 220 m by 100 m with a margin fits 15.4 by 8.9 cm at 1:2000; words and outlines take some of the 20,000 m².
    assert 16_500 < area_m2(image, OWN, 2000) < 20_000
    assert area_m2(image, OTHER, 2000) > 1_000
    assert like(image, LEFT, 30).any()


def test_a_zone_alone_has_no_others_and_nothing_left_out():
    layers = city()
    alone = layers["communities"].loc[["A1", "A2"]]
    layers |= {
        "communities": alone,
        "zones": layers["zones"].loc[["Z-1"]],
        "zone_members": layers["zone_members"].loc[["A1", "A2"]],
    }
    image = pixels(ZoneMaps.of(layers, MANIFEST, lang="zh").zone("Z-1"))
    assert not like(image, OTHER, 4).any()
    assert not like(image, LEFT, 30).any()


def test_lines_are_drawn_as_lines():
    river = frame({"R": shapely.LineString([(500_110, 3_599_900), (500_110, 3_600_400)])}, "barrier_id", kind=["river"])
    with_river, without = (
        pixels(ZoneMaps.of(city(**layers), MANIFEST, lang="zh").zone("Z-1")) for layers in ({"barriers": river}, {})
    )
    assert not like(without, RIVER).any()
    drawn = like(with_river[: int(with_river.shape[0] * 0.8)], RIVER)
    # A straight line from the bottom of the panel to its top, a few dots wide.
    assert drawn.any(axis=1).sum() > 0.9 * 8.9 * DOTS_A_CM
    assert drawn.any(axis=0).sum() < 12


def test_a_county_numbers_its_zones_and_one_without_shapes_has_no_map():
    maps = ZoneMaps.of(city(), MANIFEST, lang="zh")
    one, two = (maps.county(numbers, "大通区") for numbers in ({"Z-1": 1, "Z-2": 2}, {"Z-1": 1, "Z-2": 3}))
    assert (pixels(one) != pixels(two)).any()
    assert maps.county({"Z-9": 1}, "别区") is None
    assert maps.zone("Z-9") is None


def test_without_shapes_there_are_no_maps_and_empty_ones_are_passed_over():
    layers = city()
    assert (
        ZoneMaps.of(layers | {"zones": pd.DataFrame(layers["zones"].drop(columns="geometry"))}, MANIFEST, lang="zh")
        is None
    )
    assert ZoneMaps.of({"zones": layers["zones"]}, MANIFEST, lang="zh") is None
    empty = layers["communities"].copy()
    empty.loc["C", "geometry"] = shapely.Polygon()
    assert ZoneMaps.of(layers | {"communities": empty}, MANIFEST, lang="zh").zone("Z-1")


def test_the_same_layers_give_the_same_bytes_in_any_order_and_hostile_names_are_only_words():
    layers = city()
    layers["communities"]["name"] = ["<script>", "a" * 300, "\u202e倒", None]
    first = ZoneMaps.of(layers, MANIFEST, lang="zh").zone("Z-1")
    assert first == ZoneMaps.of(layers, MANIFEST, lang="zh").zone("Z-1")


def test_chinese_maps_need_a_chinese_font_and_english_ones_do_not(monkeypatch):
    monkeypatch.setattr(fonts, "chinese_face", lambda: None)
    with pytest.raises(FileError, match="fonts-noto-cjk"):
        ZoneMaps.of(city(), MANIFEST, lang="zh")
    assert ZoneMaps.of(city(), MANIFEST, lang="en").zone("Z-1")
