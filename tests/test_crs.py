"""Coordinate systems: what may be measured, what may be converted, and how exactly."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Proj, Transformer
from shapely.geometry import Point, Polygon, box

from gis_renovation.crs import (
    bd09_to_wgs84,
    fit_four_parameters,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    geodesic_area_m2,
    is_metric,
    parse_crs,
    reproject,
    require_metric,
    same_crs,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from gis_renovation.errors import CRSError


def layer(crs, shape=None):
    return gpd.GeoDataFrame(geometry=[shape or box(0, 0, 1, 1)], crs=crs)


def test_known_points_come_out_to_the_centimetre():
    # Computed with PROJ and the public constants.
    there = Transformer.from_crs(4490, 4548, always_xy=True)
    assert there.transform(117.0, 32.65) == pytest.approx((500000.00, 3613932.57), abs=0.01)
    assert there.transform(116.79, 32.57) == pytest.approx((480280.16, 3605080.22), abs=0.01)
    lon, lat = wgs84_to_gcj02(np.array([117.0]), np.array([32.65]))
    assert (lon[0], lat[0]) == pytest.approx((117.0054298, 32.6479597), abs=1e-7)
    lon, lat = gcj02_to_bd09(lon, lat)
    assert (lon[0], lat[0]) == pytest.approx((117.0118436, 32.6542988), abs=1e-7)


@given(st.floats(73.5, 134.5), st.floats(18, 53))
@settings(max_examples=200, deadline=None)
def test_the_inverse_of_both_offsets_is_exact_to_a_micrometre(lon, lat):
    geod = Geod(ellps="WGS84")
    for forward, inverse in ((wgs84_to_gcj02, gcj02_to_wgs84), (wgs84_to_bd09, bd09_to_wgs84)):
        x, y = inverse(*forward(np.array([lon]), np.array([lat])))
        assert geod.inv(lon, lat, x[0], y[0])[2] < 1e-6


def test_over_huainan_the_offsets_are_as_large_as_measured():
    # docs/methods.md, 1: GCJ-02 524 to 575 m, BD-09 1,152 to 1,248 m over the city.
    lon, lat = (a.ravel() for a in np.meshgrid(np.linspace(116.35, 117.21, 20), np.linspace(31.9, 33.01, 20)))
    geod = Geod(ellps="WGS84")
    gcj = geod.inv(lon, lat, *wgs84_to_gcj02(lon, lat))[2]
    bd = geod.inv(lon, lat, *wgs84_to_bd09(lon, lat))[2]
    assert gcj.min() > 520
    assert gcj.max() < 580
    assert bd.min() > 1145
    assert bd.max() < 1255


@pytest.mark.parametrize(
    ("code", "metric"),
    [
        ("EPSG:4548", True),
        ("EPSG:4527", True),
        ("EPSG:32650", True),
        ("EPSG:4490", False),
        ("EPSG:3857", False),
        ("EPSG:2263", False),
        (None, False),
    ],
)
def test_only_projected_metres_may_be_measured_in(code, metric):
    assert is_metric(code) is metric


def test_an_unfit_crs_names_every_layer_and_says_what_to_write():
    with pytest.raises(CRSError) as caught:
        require_metric(communities=layer(4326), parcels=layer(None), parks=layer(4548))
    for word in ("communities: EPSG:4326", "parcels", "EPSG:4548"):
        assert word in caught.value.text.en
    assert "parks" not in caught.value.text.zh
    with pytest.raises(CRSError, match="parks"):
        require_metric(communities=layer(4548), parks=layer(4527))
    assert require_metric(communities=layer(4548), parks=None).to_epsg() == 4548


def test_unknown_and_unreadable_crs_are_explained():
    with pytest.raises(CRSError, match="EPSG:4490"):
        parse_crs(None, where="x")
    with pytest.raises(CRSError, match="EPSG:99"):
        parse_crs("EPSG:99", where="x")


@pytest.mark.parametrize("old", ["EPSG:2384", "EPSG:2363", "EPSG:2436", "EPSG:4610", "EPSG:4214"])
def test_old_datums_are_refused_because_no_transformation_is_known(old):
    with pytest.raises(CRSError, match="控制点"):
        reproject(layer(old, Point(117, 32)), CRS("EPSG:4548"), where="x")


def test_coordinates_outside_what_the_crs_allows_are_an_error_not_infinity():
    with pytest.raises(CRSError, match="1 "):
        reproject(layer(4490, Point(500000, 3613000)), CRS("EPSG:4548"), where="x")


def test_reprojecting_keeps_rows_index_and_missing_geometry():
    frame = gpd.GeoDataFrame({"a": [1, 2]}, geometry=[Point(117, 32.65), None], crs=4490, index=["x", "y"])
    moved = reproject(frame, CRS("EPSG:4548"), where="x")
    assert list(moved.index) == ["x", "y"]
    assert moved.geometry["y"] is None
    assert frame.crs.to_epsg() == 4490


ESRI = (
    'PROJCS["CGCS2000_3_Degree_GK_CM_117E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",'
    'SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
    'PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",117.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("EPSG:4548", ESRI, True),
        ("EPSG:4548", "EPSG:4509", True),  # 3° and 6° share the meridian of 117° (docs/methods.md, 1)
        ("EPSG:4548", "EPSG:4527", False),
        ("EPSG:4548", "EPSG:4549", False),
        ("EPSG:4548", "EPSG:2384", False),
        ("EPSG:4548", "EPSG:2436", False),
        ("EPSG:4490", "EPSG:4326", True),
        ("EPSG:4490", "EPSG:4610", False),
        ("EPSG:4490", "EPSG:4548", False),
        ("EPSG:32650", "EPSG:4548", False),
    ],
)
def test_two_names_of_one_grid_are_the_same_and_look_alikes_are_not(one, other, same):
    assert same_crs(one, other) is same
    assert same_crs(other, one) is same


@given(
    st.floats(-500, 500), st.floats(-500, 500), st.floats(-0.01, 0.01), st.floats(0.9995, 1.0005), st.integers(0, 999)
)
@settings(max_examples=60, deadline=None)
def test_four_parameters_are_found_again(dx, dy, turn, scale, seed):
    random = np.random.default_rng(seed)
    x, y = random.uniform(0, 20_000, (2, 5)) + np.array([[480_000.0], [3_600_000.0]])
    a, b = scale * np.cos(turn), scale * np.sin(turn)

    def true(px, py):
        qx, qy = px - 490_000, py - 3_610_000
        return 490_000 + dx + a * qx - b * qy, 3_610_000 + dy + b * qx + a * qy

    fit = fit_four_parameters(x, y, *true(x, y), where="x")
    assert fit.largest_residual_m < 1e-5
    assert fit.scale == pytest.approx(scale, abs=1e-9)
    px, py = random.uniform(0, 20_000, 2) + np.array([480_000, 3_600_000])
    assert np.allclose(fit.apply(np.array([[px, py]])), np.array([true(px, py)]), atol=1e-4)


def test_a_wrong_control_point_shows_in_the_residuals():
    x, y = np.array([0.0, 1000, 1000, 0, 500]), np.array([0.0, 0, 1000, 1000, 500])
    u, v = x + 40.0, y + 12.0
    u[4] += 5.0
    fit = fit_four_parameters(x, y, u, v, where="x")
    # Least squares spreads one 5 m fault over five points: the mean takes a fifth of it.
    assert fit.largest_residual_m == pytest.approx(4.0, abs=0.01)
    assert int(np.argmax(fit.residuals_m)) == 4


def test_swapped_or_too_few_control_points_are_refused():
    x, y = np.array([0.0, 1000, 2000]), np.array([0.0, 100, 50])
    with pytest.raises(CRSError, match="尺度"):
        fit_four_parameters(x, y, x * 2, y * 2, where="x")
    with pytest.raises(CRSError, match="两个"):
        fit_four_parameters(x[:1], y[:1], x[:1], y[:1], where="x")
    with pytest.raises(CRSError, match="两个"):
        fit_four_parameters(x, y, x, np.array([0, np.nan, 1]), where="x")


def test_a_geodesic_area_agrees_with_the_plane_near_the_meridian_and_counts_holes():
    shape = Polygon(
        box(500_000, 3_613_000, 501_000, 3_614_000).exterior, [box(500_100, 3_613_100, 500_200, 3_613_200).exterior]
    )
    areas = geodesic_area_m2(gpd.GeoDataFrame(geometry=[shape, None, Point(5e5, 3.6e6)], crs=4548))
    assert areas[0] == pytest.approx(1_000_000 - 10_000, rel=1e-6)
    assert np.isnan(areas[1])
    assert areas[2] == 0


def test_web_mercator_would_be_forty_percent_too_large():
    # docs/methods.md, 1: 1.413 times at 32.6° N.
    frame = gpd.GeoDataFrame(geometry=[box(116.99, 32.59, 117.01, 32.61)], crs=4490)
    assert frame.to_crs(3857).area[0] / geodesic_area_m2(frame)[0] == pytest.approx(1.413, abs=0.005)


@given(
    lon=st.floats(73, 135),
    lat=st.floats(-60, 60),
    radius_m=st.floats(3, 5000),
    turns=st.lists(st.floats(0.0, 0.99), min_size=3, max_size=9, unique=True),
)
def test_geodesic_areas_are_those_of_pyproj_for_small_and_large_rings(lon, lat, radius_m, turns):
    angle = 2 * np.pi * np.sort(turns)
    x = lon + radius_m / 111_000 * np.cos(angle) / np.cos(np.radians(lat))
    y = lat + radius_m / 111_000 * np.sin(angle)
    ring = Polygon(np.column_stack([x, y]))
    expected = abs(Geod(a=6378137.0, rf=298.257222101).geometry_area_perimeter(ring)[0])
    found = geodesic_area_m2(gpd.GeoDataFrame(geometry=[ring], crs=4490))[0]
    assert found == pytest.approx(expected, rel=4e-8, abs=1e-3)  # pyproj's own error is 1e-4 m² and more


def test_the_geodesic_area_of_a_small_plot_is_its_plane_area_by_the_scale_of_the_projection():
    # An independent way, and finer than pyproj's polygon area: 20 m by 30 m, 30 km off the meridian.
    plot = gpd.GeoSeries([box(530_000, 3_613_000, 530_020, 3_613_030)], crs=4548)
    middle = plot.centroid.to_crs(4490)[0]
    scale = Proj(CRS(4548)).get_factors(middle.x, middle.y).areal_scale
    assert geodesic_area_m2(plot)[0] == pytest.approx(600.0 / scale, abs=1e-6)


@pytest.mark.parametrize("k", ["0", "-1"])
def test_a_projection_with_an_impossible_scale_is_like_no_other_and_refused_in_words(k):
    wkt = CRS(4548).to_wkt("WKT1_GDAL").replace('"scale_factor",1]', f'"scale_factor",{k}]')
    broken = CRS(wkt)
    assert not same_crs(broken, CRS(4548))
    assert not same_crs(CRS(4548), broken)
    frame = gpd.GeoDataFrame(geometry=[box(500_000, 3_613_000, 500_020, 3_613_030)], crs=broken)
    with pytest.raises(CRSError, match="replace_crs"):
        reproject(frame, CRS(4548), where="communities")
