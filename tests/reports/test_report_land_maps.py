"""The maps of the land-status sheets: true to scale, in the standard's colours, the same bytes each time."""

import io
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from manifests import manifest_of
from PIL import Image

from gis_renovation.errors import FileError
from gis_renovation.land import outline_land_sites
from gis_renovation.reports import fonts, site_maps
from gis_renovation.reports.map_parts import Look, with_ink
from gis_renovation.reports.site_maps import LandMaps
from gis_renovation.words import Text

CRS = "EPSG:4548"
CM_A_INCH, DOTS = 2.54, 150
MANIFEST = manifest_of(project={"crs": CRS, "synthetic": False})
RED, YELLOW, SEA = (215, 0, 15), (255, 255, 45), (51, 142, 192)


def layer(key, rows):
    frame = gpd.GeoDataFrame([facts for _, facts in rows.values()], geometry=[s for s, _ in rows.values()], crs=CRS)
    frame.index = pd.Index(list(rows), name=key, dtype=object)
    return frame


def box(left, bottom, right, top):
    return shapely.box(500_000 + left, 3_600_000 + bottom, 500_000 + right, 3_600_000 + top)


SITES = outline_land_sites(layer("zone_id", {"Z-1": (box(0, 0, 120, 80), {"name": "一片区"})}))
SURVEY = {
    "T1": (box(-500, -500, 60, 500), {"code_system": "survey", "land_use_code": "0701"}),
    "T2": (box(60, -500, 500, 500), {"code_system": "survey", "land_use_code": "1101"}),
}
LAYERS = {"land_survey": layer("patch_id", SURVEY)}


def drawn(layers=LAYERS, lang="zh", manifest=MANIFEST, sites=SITES, parcels=None):
    maps = LandMaps.of(layers, manifest, lang=lang)
    picture = maps.draw(sites.iloc[0], sites.geometry.iloc[0], parcels or {})
    return picture, np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def like(pixels, colour, reach=24):
    return np.abs(pixels - colour).max(axis=-1) <= reach


def left_half(pixels):
    """The surveyed half without title, key and remarks."""
    height, width = pixels.shape[:2]
    return pixels[int(0.1 * height) : int(0.72 * height), : width // 2]


def test_the_site_has_its_true_size_at_the_stated_scale():
    # 120 m by 80 m fits 12 cm by 9 cm at 1:1500 with its margin, not at 1:1000.
    scale, frame = site_maps._frame(SITES.geometry.iloc[0])
    assert scale == 1500
    assert frame.contains(SITES.geometry.iloc[0])
    _, pixels = drawn()
    rows, columns = np.nonzero(like(left_half(pixels), RED))
    across = (columns.max() - columns.min()) / DOTS * CM_A_INCH / 100 * scale
    up = (rows.max() - rows.min()) / DOTS * CM_A_INCH / 100 * scale
    assert (across, up) == pytest.approx((120.0, 80.0), abs=2.0)  # half the line's width each side


def test_classes_are_in_the_colours_of_the_mapping_standard_inside_and_pale_outside():
    _, pixels = drawn()
    half = left_half(pixels)
    rows, columns = np.nonzero(like(half, RED))
    inside = half[rows.min() + 12 : rows.max() - 12, columns.min() + 12 : columns.max() - 12]
    middle = inside.shape[1] // 2
    assert like(inside[:, : middle - 6], YELLOW).mean() > 0.99
    assert like(inside[:, middle + 6 :], SEA).mean() > 0.99
    assert not like(half[: rows.min() - 12], YELLOW).any()


def test_the_key_lists_an_outline_only_where_its_line_is_on_the_map():
    frame = box(0, 0, 100, 100)
    bare = Look(label=Text("界线", "line"), edge="#444444")
    hatched = Look(label=Text("范围", "area"), edge="#444444", hatch="//")
    around, across = box(-500, -500, 500, 500), box(50, -500, 500, 500)
    road = shapely.LineString([(500_000, 3_600_050), (500_300, 3_600_050)])
    found = {bare: np.array([around]), hatched: np.array([around])}
    assert list(with_ink(found, frame)) == [hatched]
    drawn_shapes = with_ink({bare: np.array([around, across, road])}, frame)[bare]
    assert list(drawn_shapes) == [across, road]


def test_the_same_layers_give_the_same_bytes_in_any_row_order():
    first, _ = drawn()
    shuffled = {"land_survey": LAYERS["land_survey"].iloc[::-1]}
    assert drawn()[0] == first
    assert drawn(shuffled)[0] == first


def test_a_missing_layer_is_said_on_its_half():
    _, with_survey = drawn()
    planned = layer(
        "plan_patch_id",
        {"G": (box(-500, -500, 500, 500), {"code_system": "sea_land_2023", "planned_use_code": "0701"})},
    )
    _, with_both = drawn(LAYERS | {"planned_use": planned})
    maps = LandMaps.of(LAYERS, MANIFEST, lang="zh")
    assert maps.uses["planned_use"] is None
    width = with_survey.shape[1]
    right = slice(width // 2 + 10, None)
    assert not like(with_survey[100:600, right], YELLOW).any()
    assert like(with_both[100:600, right], YELLOW).any()


@pytest.mark.parametrize("colour", [(31, 95, 168), (184, 134, 0)])
def test_control_lines_are_drawn_by_their_kind(colour):
    kind = {(31, 95, 168): "blue", (184, 134, 0): "yellow"}[colour]
    line = layer("control_line_id", {"L": (box(-30, 20, 40, 60), {"kind": kind})})
    _, without = drawn({})
    _, pixels = drawn({"control_lines": line})
    assert like(left_half(pixels), colour, 40).sum() > 50 + like(left_half(without), colour, 40).sum()


def test_points_holes_and_parts_are_drawn_and_parcels_numbered():
    ring = box(10, 10, 50, 50) - box(20, 20, 40, 40)
    two = shapely.union_all([ring, box(90, 30, 110, 60)])
    layers = {
        "parcels": layer("parcel_id", {"P": (two, {})}),
        "illegal_structures": layer("structure_id", {"S": (shapely.Point(500_060, 3_600_040), {})}),
    }
    plain = drawn(layers)[1]
    numbered = drawn(layers, parcels={1: two})[1]
    assert (plain != numbered).any()
    assert like(left_half(plain), (0, 0, 0), 8).any()


def test_without_a_chinese_font_chinese_maps_are_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr(fonts, "chinese_face", lambda: None)
    with pytest.raises(FileError, match="fonts-noto-cjk"):
        LandMaps.of(LAYERS, MANIFEST, lang="zh")
    maps = LandMaps.of(LAYERS, MANIFEST, lang="en")
    said = [*maps.remarks, *(look.label.en for look in maps.uses["land_survey"].looks)]
    assert all(line.isascii() for line in said), said
    maps.draw(SITES.iloc[0], SITES.geometry.iloc[0], {})


def test_a_chinese_font_is_found_by_its_file_where_no_list_names_it(monkeypatch):
    listed = fonts.chinese_face()
    assert listed is not None
    monkeypatch.setattr(fonts, "_CHINESE_FONTS", ())
    fonts.chinese_face.cache_clear()
    try:
        found = fonts.chinese_face()
        assert found is not None
        assert Path(found.file).is_file()
        pixels = fonts.ImageFont.truetype(found.file, 24, index=found.number)
        masks = {bytes(pixels.getmask(letter)) for letter in "淮南老旧小区"}
        assert len(masks) == 6
        # A Latin font has none of it.
        assert fonts._faces_with_chinese(fonts.font_manager.findfont("DejaVu Sans")) == []
        assert found.family in fonts.font_used()
    finally:
        fonts.chinese_face.cache_clear()


def test_synthetic_data_say_so_in_red():
    real, synthetic = (
        drawn(manifest=manifest_of(project={"crs": CRS, "synthetic": said}))[1] for said in (False, True)
    )
    foot = slice(int(0.9 * real.shape[0]), None)
    assert not like(real[foot], (192, 0, 0), 30).any()
    assert like(synthetic[foot], (192, 0, 0), 30).any()
