"""The coordinate guard: planted faults are found and told apart, clean layers raise no alarm."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from shapely.geometry import Point, box

from gis_renovation.checking.claims import check_claim, check_places, check_zone
from gis_renovation.checking.grids import likely_crs, looks_swapped
from gis_renovation.checking.offsets import check_offsets, find_offset
from gis_renovation.crs import gcj02_to_bd09, wgs84_to_bd09, wgs84_to_gcj02

PROJECT = CRS("EPSG:4548")
AREA = (116.35, 31.90, 117.21, 33.01)


def town(seed=0, count=60, *, centre=(117.0, 32.65), crs="EPSG:4548"):
    """Communities of irregular size scattered over some 8 km, keyed; in ``crs``."""
    random = np.random.default_rng(seed)
    x, y = Transformer.from_crs(4490, crs, always_xy=True).transform(*centre)
    corners = random.uniform(-4000, 4000, (count, 2)) + np.array([x, y])
    sizes = random.uniform(60, 300, (count, 2))
    shapes = [box(*low, *(low + size)) for low, size in zip(corners, sizes, strict=True)]
    return gpd.GeoDataFrame(
        {"name": [f"n{n}" for n in range(count)]}, geometry=shapes, crs=crs, index=[f"C{n}" for n in range(count)]
    )


def shifted(layer, change):
    """The layer as a web map would show it, in its own CRS."""
    degrees = layer.to_crs(4490)

    def move(xy):
        return np.column_stack(change(xy[:, 0], xy[:, 1]))

    return degrees.set_geometry(degrees.geometry.transform(move)).to_crs(layer.crs)


def xy(layer):
    return layer.geometry.centroid.x, layer.geometry.centroid.y


def claimed(layer, code):
    return layer.set_crs(code, allow_override=True)


def claim_codes(layer, **options):
    options = {"area": AREA, **options}
    return [(f.code, len(f.named("zh"))) for f in check_claim(layer, PROJECT, name="communities", **options)]


# --- a layer against its own claim ----------------------------------------------------------------


@pytest.mark.parametrize("area", [AREA, None])
@pytest.mark.parametrize("crs", ["EPSG:4548", "EPSG:4527", "EPSG:4498", "EPSG:4490", "EPSG:4326", "EPSG:32650"])
def test_a_clean_layer_in_any_right_crs_raises_no_alarm(area, crs):
    assert claim_codes(town().to_crs(crs), area=area) == []


@pytest.mark.parametrize("area", [AREA, None])
@pytest.mark.parametrize(
    ("true", "said", "code"),
    [
        ("EPSG:4527", "EPSG:4548", "zone_prefix"),
        ("EPSG:4498", "EPSG:4548", "zone_prefix"),
        ("EPSG:4548", "EPSG:4527", "no_zone_prefix"),
        ("EPSG:4490", "EPSG:4548", "degrees_as_metres"),
        ("EPSG:4548", "EPSG:4490", "no_zone_prefix"),
        ("EPSG:4527", "EPSG:4490", "zone_prefix"),
        ("EPSG:3857", "EPSG:4548", "web_mercator"),
    ],
)
def test_a_crs_the_file_lies_about_is_found(area, true, said, code):
    layer = claimed(town().to_crs(true), said)
    assert claim_codes(layer, area=area) == [(code, 60)]


@pytest.mark.parametrize("crs", ["EPSG:4548", "EPSG:4527", "EPSG:4490"])
def test_swapped_axes_are_found(crs):
    layer = town().to_crs(crs)
    layer = layer.set_geometry(layer.geometry.transform(lambda xy: xy[:, ::-1]))
    assert claim_codes(layer) == [("swapped_axes", 60)]


def test_feet_are_found():
    layer = town()
    layer = layer.set_geometry(layer.geometry.transform(lambda xy: xy / 0.3048))
    assert claim_codes(layer) == [("feet", 60)]


def test_a_wrong_central_meridian_is_found_only_where_the_area_is_known():
    layer = claimed(town(), "EPSG:4549")
    assert claim_codes(layer) == [("no_zone_prefix", 60)]
    project = [f.text.zh for f in check_claim(layer, PROJECT, name="x", area=AREA)]
    assert "EPSG:4548" in project[0]
    other = claimed(town(crs="EPSG:4547", centre=(115.9, 32.4)), "EPSG:4549")
    far = check_claim(other, CRS("EPSG:4548"), name="x", area=(115.5, 32.0, 116.2, 32.9))
    assert [f.code for f in far] == ["other_zone"]
    assert "EPSG:4547" in far[0].text.zh


def test_two_kinds_of_numbers_in_one_layer_are_told_apart_row_by_row():
    good, swapped, degrees = town(1, 10), town(2, 5), town(3, 4).to_crs(4490)
    swapped = swapped.set_geometry(swapped.geometry.transform(lambda xy: xy[:, ::-1]))
    mixed = gpd.GeoDataFrame(geometry=[*good.geometry, *swapped.geometry, *degrees.geometry], crs=4548)
    found = {f.code: f.named("zh") for f in check_claim(mixed, PROJECT, name="x", area=AREA)}
    assert found == {
        "swapped_axes": tuple(map(str, range(10, 15))),
        "degrees_as_metres": tuple(map(str, range(15, 19))),
    }


def test_missing_and_empty_geometry_are_passed_over():
    layer = gpd.GeoDataFrame(geometry=[None, Point(), Point(500000, 3613000), Point(np.inf, 3)], crs=4548)
    assert check_claim(layer, PROJECT, name="x", area=AREA) == []
    assert check_claim(layer.iloc[:0], PROJECT, name="x", area=AREA) == []


@given(st.floats(75.5, 134.5), st.floats(18, 53), st.sampled_from(["zone3", "zone6", "degrees", "swapped", "feet"]))
@settings(max_examples=60, deadline=None)
def test_planted_faults_are_found_anywhere_in_china(lon, lat, fault):
    meridian = round(lon / 3) * 3
    project = CRS(f"EPSG:{4534 + (meridian - 75) // 3}")
    area = (lon - 0.2, lat - 0.2, lon + 0.2, lat + 0.2)
    point = gpd.GeoDataFrame(geometry=[Point(lon, lat)] * 3, crs=4490)
    assert check_claim(point.to_crs(project), project, name="x", area=area) == []
    if fault == "zone3":
        layer, code = claimed(point.to_crs(4513 + meridian // 3 - 25), project), "zone_prefix"
    elif fault == "zone6":
        zone = int(lon // 6) + 1
        layer, code = claimed(point.to_crs(4491 + zone - 13), project), "zone_prefix"
    elif fault == "degrees":
        layer, code = claimed(point, project), "degrees_as_metres"
    else:
        layer = point.to_crs(project)
        swap = fault == "swapped"
        layer = layer.set_geometry(layer.geometry.transform(lambda xy: xy[:, ::-1] if swap else xy / 0.3048))
        code = "swapped_axes" if swap else "feet"
    assert [(f.code, len(f.named("zh"))) for f in check_claim(layer, project, name="x", area=area)] == [(code, 3)]


# --- numbers that name their grid -----------------------------------------------------------------


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4527", "EPSG:4498", "EPSG:4513", "EPSG:4501"])
def test_numbers_with_a_zone_name_their_grid(crs):
    use = CRS(crs).area_of_use
    lon, lat = ((use.west + use.east) / 2, 35.0) if crs != "EPSG:4490" else (117.0, 32.65)
    x, y = Transformer.from_crs(4490, crs, always_xy=True).transform(lon, lat)
    assert likely_crs(np.array([[x, y]]))[0][0] == crs
    assert likely_crs(np.array([[y, x]]))[0][0] == crs
    assert looks_swapped(y, x)
    assert not looks_swapped(x, y)


def test_numbers_without_a_zone_leave_the_meridian_open():
    xy = np.array([[500_000.0, 3_613_000.0]])
    assert likely_crs(xy) == []
    assert likely_crs(xy, project_crs="EPSG:4548")[0][0] == "EPSG:4548"
    assert likely_crs(np.empty((0, 2))) == []
    assert likely_crs(np.array([[1.0, 2.0]]))[0][0] == "EPSG:4326"


# --- the project's own zone -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lon", "said", "fits"),
    [(120.15, 4547, 4549), (120.15, 4548, 4549), (116.0, 4549, 4548), (75.6, 4538, 4534), (134.8, 4552, 4554)],
)
def test_a_project_in_the_wrong_zone_is_told_the_right_one(lon, said, fits):
    layer = town(centre=(lon, 30.3), crs=f"EPSG:{said}")
    (found,) = check_zone({"communities": layer}, CRS(said))
    assert (found.severity, found.code, found.layer) == ("warning", "project_zone", "communities")
    for text in found.text:
        assert f'crs = "EPSG:{fits}"' in text
        assert f"{lon:.1f}"[:-2] in text
    assert "面积会偏差约 +" in found.text.zh


@pytest.mark.parametrize("crs", ["EPSG:4549", "EPSG:4528", "EPSG:32651", "EPSG:4499"])
def test_a_project_in_its_own_zone_or_just_over_its_edge_is_left_alone(crs):
    assert check_zone({"communities": town(centre=(120.15, 30.3), crs=crs)}, CRS(crs)) == []
    assert check_zone({"communities": town(centre=(118.4, 30.3))}, PROJECT) == []
    assert check_zone({"communities": town(centre=(118.6, 30.3))}, PROJECT) == []


def test_the_trusted_layer_decides_and_data_abroad_get_no_code_of_china():
    near, far = town(), town(centre=(120.15, 30.3))
    assert check_zone({"communities": far, "parks": near}, PROJECT, trusted=["parks"]) == []
    assert [f.layer for f in check_zone({"parks": far}, PROJECT)] == ["parks"]
    (abroad,) = check_zone({"parks": town(centre=(139.7, 35.7))}, PROJECT)
    assert "CGCS2000" not in abroad.text.zh
    assert check_zone({"parks": near.iloc[:0], "funds": None}, PROJECT) == []


# --- layers against a trusted layer ---------------------------------------------------------------


SHIFTS = {"gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}


@given(st.floats(75.5, 134.5), st.floats(18, 53), st.sampled_from(sorted(SHIFTS)))
@settings(max_examples=25, deadline=None)
def test_a_web_maps_shift_is_found_anywhere_in_china_and_measured_within_five_metres(lon, lat, kind):
    centre, change = (lon, lat), SHIFTS[kind]
    meridian = round(centre[0] / 3) * 3
    crs = CRS(f"EPSG:{4534 + (meridian - 75) // 3}")
    true = town(5, crs=crs, centre=centre)
    layer = shifted(true, change)
    moves = [(ours - theirs).median() for ours, theirs in zip(xy(layer), xy(true), strict=True)]
    found = find_offset(layer, true, crs)
    assert found.kind == kind
    assert np.hypot(found.dx_m - moves[0], found.dy_m - moves[1]) < 5
    assert found.scores[kind] > 0.95


@given(st.integers(0, 1000), st.floats(0.1, 0.9), st.sampled_from(sorted(SHIFTS)))
@example(782, 0.375, "bd09")
@settings(max_examples=15, deadline=None)
def test_a_part_of_a_layer_that_is_shifted_is_found_and_its_rows_are_named(seed, part, kind):
    true = town(seed)
    rows = np.random.default_rng(seed).random(len(true)) < part
    rows[:6], rows[6:12] = True, False
    mixed = true.copy()
    mixed.geometry = np.where(rows, shifted(true, SHIFTS[kind]).geometry, true.geometry)
    mixed = mixed.set_crs(PROJECT)
    (said,) = check_offsets({"communities": true, "parcels": mixed}, PROJECT, trusted=["communities"])
    assert said.code == f"offset_mixed_{kind}"
    wrong = set(said.named("zh")) ^ set(true.index[rows])
    assert len(wrong) <= 2  # a corner may meet another outline by chance
    moved = shifted(true, SHIFTS[kind])
    # The shift differs by some ten metres within the town: what is said is that of a corner of the moved features.
    ours, theirs = (shapely.get_coordinates(one.geometry.to_numpy()[rows]) for one in (moved, true))
    found = find_offset(mixed, true, PROJECT)
    assert np.hypot(*((ours - theirs) - (found.dx_m, found.dy_m)).T).min() < 5


@given(st.integers(0, 1000), st.floats(0.1, 0.5))
@settings(max_examples=15, deadline=None)
def test_new_buildings_in_a_clean_layer_are_no_mixture(seed, part):
    true = town(seed)
    elsewhere = np.random.default_rng(seed).random(len(true)) < part
    newer = true.copy()
    newer.geometry = np.where(elsewhere, town(seed + 5000).geometry, true.geometry)
    assert (
        check_offsets({"communities": true, "parcels": newer.set_crs(PROJECT)}, PROJECT, trusted=["communities"]) == []
    )


@pytest.mark.parametrize("change", [wgs84_to_gcj02, wgs84_to_bd09])
def test_when_the_trusted_layer_is_the_shifted_one_that_is_said(change):
    true = town(5)
    found = find_offset(true, shifted(true, change), PROJECT)
    assert found.kind == ("trusted_gcj02" if change is wgs84_to_gcj02 else "trusted_bd09")


def test_a_drawing_of_the_same_things_by_another_hand_is_still_recognised():
    true = town(7)
    rough = true.set_geometry(true.geometry.transform(lambda xy: xy + 5 * np.sin(xy * 12.9898)))
    assert find_offset(rough, true, PROJECT).kind == "none"
    assert find_offset(shifted(rough, wgs84_to_gcj02), true, PROJECT).kind == "gcj02"


@given(st.floats(-1300, 1300), st.floats(-1300, 1300))
@settings(max_examples=20, deadline=None)
def test_one_vector_for_all_is_measured_within_five_metres(dx, dy):
    true = town(9)
    layer = true.set_geometry(true.geometry.translate(dx, dy))
    found = find_offset(layer, true, PROJECT)
    if np.hypot(dx, dy) < 40:  # as little as the drawing hand may differ
        assert found.kind in ("none", "shifted", "unclear")
    else:
        assert found.kind in ("shifted", "gcj02", "bd09", "trusted_gcj02", "trusted_bd09")
        assert np.hypot(found.dx_m - dx, found.dy_m - dy) < 5


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_clean_and_unrelated_layers_raise_no_alarm(seed):
    town_a, town_b = town(seed), town(seed + 1, 90)
    points = gpd.GeoDataFrame(geometry=town_b.geometry.centroid, crs=4548)
    layers = {"communities": town_a, "parks": town_b, "facilities": points}
    assert check_offsets(layers, PROJECT) == []
    assert check_offsets(layers, PROJECT, trusted=("communities",)) == []


@pytest.mark.parametrize("step", [100.0, 180.0, 550.0])
def test_a_town_on_a_grid_raises_no_alarm(step):
    shapes = [
        box(
            500_000 + i * step, 3_613_000 + j * step, 500_000 + i * step + 0.8 * step, 3_613_000 + j * step + 0.8 * step
        )
        for i in range(20)
        for j in range(20)
    ]
    grid = gpd.GeoDataFrame(geometry=shapes, crs=4548)
    half = grid.set_geometry(grid.geometry.translate(step / 2, step / 3))
    assert find_offset(grid, grid, PROJECT).kind == "none"
    assert find_offset(half, grid, PROJECT).kind in ("none", "unclear")


def test_the_warning_names_both_layers_the_metres_and_the_cure():
    true = town(5)
    layers = {"communities": true, "parcels": shifted(true, wgs84_to_gcj02)}
    (found,) = check_offsets(layers, PROJECT, trusted=("communities",))
    assert (found.layer, found.code, found.severity) == ("parcels", "offset_gcj02", "warning")
    # docs/methods.md, 1: over Huainan the shift is 524 to 575 m towards east-south-east.
    metres = int(found.text.zh.split("约 ")[1].split(" m")[0])
    assert 524 <= metres <= 575
    assert 'datum = "gcj02"' in found.text.zh
    assert "communities" in found.text.zh


# --- layers against the project's place -----------------------------------------------------------


def test_features_of_another_city_are_named():
    far = town(3, 4, centre=(117.0, 36.6))
    (found,) = check_places({"communities": town(), "parks": far}, PROJECT, area=AREA)
    assert found.code == "outside_area"
    assert len(found.named("zh")) == 4
    assert "36.5" in found.text.zh
    assert check_places({"communities": town(), "parks": far}, PROJECT)[0].layer == "parks"


def test_a_layer_without_features_and_a_raster_are_passed_over():
    assert check_places({"communities": town().iloc[:0], "terrain": object()}, PROJECT) == []


def test_the_guard_does_not_touch_the_layers():
    layer = shifted(town(5), wgs84_to_gcj02)
    before = shapely.to_wkb(layer.geometry.to_numpy()).tolist()
    check_places({"communities": town(5), "parcels": layer}, PROJECT, area=AREA)
    assert shapely.to_wkb(layer.geometry.to_numpy()).tolist() == before


def test_bd09_is_gcj02_shifted_once_more():
    lon, lat = wgs84_to_gcj02(np.array([117.0]), np.array([32.65]))
    twice = wgs84_to_bd09(np.array([117.0]), np.array([32.65]))
    assert np.allclose(np.column_stack(gcj02_to_bd09(lon, lat)), np.column_stack(twice))


# --- a layer in another zone than the rest --------------------------------------------------------


def test_the_layer_outside_the_zone_is_blamed_and_not_those_that_are_right():
    right = town()
    wrong = claimed(town(crs="EPSG:4547"), "EPSG:4548")  # drawn by the meridian of 114°, labelled 117°
    layers = {"communities": wrong, "barriers": right, "crossings": right.iloc[:9]}
    (found,) = check_places(layers, PROJECT)
    assert (found.severity, found.layer, len(found.named("zh"))) == ("error", "communities", len(wrong))
    assert 'crs = "EPSG:4547"' in found.text.zh
    assert "与 barriers、crossings 图层相距 50 km 以上" in found.text.zh
    assert "项目范围" not in found.text.zh
    assert check_zone(layers, PROJECT) == []


def test_where_most_layers_lie_outside_the_zone_the_project_crs_is_in_doubt():
    far = town(centre=(120.2, 30.3))
    layers = {"communities": far, "parks": far, "barriers": town(centre=(118.0, 30.3))}
    assert [f.layer for f in check_zone(layers, PROJECT)] == ["communities"]
    layers["reporting_units"] = layers["barriers"]
    assert check_zone(layers, PROJECT) == []
    assert {f.layer for f in check_places(layers, PROJECT) if f.code == "outside_area"} == {"communities", "parks"}


def test_without_an_area_nothing_is_said_of_the_projects_area():
    layer = claimed(town().to_crs(4490), PROJECT)
    (found,) = check_claim(layer, PROJECT, name="x")
    assert "项目坐标系（EPSG:4548）的适用范围之外" in found.text.zh
    assert "项目范围" not in found.text.zh


def test_the_advice_for_swapped_axes_is_what_a_card_can_say():
    layer = town()
    layer = layer.set_geometry(layer.geometry.transform(lambda xy: xy[:, ::-1]))
    (found,) = check_claim(layer, PROJECT, name="x", area=AREA)
    assert "swap_axes = true" in found.text.zh
    assert "swap_axes = true" in found.text.en
