"""Raster values in polygons, against plain polygon intersections pixel by pixel."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import CRSError, DataError
from gis_renovation.rasters import zonal
from gis_renovation.rasters.grid import Raster, grid_coverage
from gis_renovation.rasters.layers import community_terrain, parcel_greenness, parcel_land_cover, parcel_night_light
from gis_renovation.rasters.zonal import zonal_extremes, zonal_sums
from gis_renovation.schemas import layer_schema

METRIC = CRS("EPSG:4548")
NORTH_UP = Affine.translation(0, 40) @ Affine.scale(10, -10)


def frame(*polygons, key="parcel_id", crs=METRIC):
    return gpd.GeoDataFrame(
        geometry=list(polygons),
        index=pd.Index([f"P{i}" for i in range(len(polygons))], name=key, dtype=object),
        crs=crs,
    )


def raster(values, transform=NORTH_UP, crs=METRIC):
    return Raster(values=np.array(values, dtype=float), transform=transform, crs=crs)


def by_intersection(polygons, transform, height, width):
    """Covered share of every pixel, one polygon a row, by cutting each with each."""
    cells = np.array(
        [
            shapely.Polygon([transform @ corner for corner in ((j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1))])
            for i in range(height)
            for j in range(width)
        ]
    )
    return shapely.area(shapely.intersection(np.array(polygons)[:, None], cells)) / abs(transform.determinant)


def test_weights_of_a_grid_are_computed_once_for_every_raster_year_and_step(monkeypatch):
    made = []

    def counted(polygons, **grid):
        made.append(len(polygons))
        return grid_coverage(polygons, **grid)

    monkeypatch.setattr(zonal, "grid_coverage", counted)
    zonal._weights_of.cache_clear()
    places = frame(shapely.box(3, 3, 17, 21), shapely.box(22, 5, 38, 35))
    parcel_greenness(places, raster(RAMP), raster(RAMP))
    # Read anew, as a later step of a run may: content decides, not the object.
    again = places.set_geometry(shapely.from_wkb(shapely.to_wkb(places.geometry.to_numpy())))
    light = parcel_night_light(again, raster(RAMP), raster(RAMP))
    parcel_land_cover(again, raster(RAMP), bare_classes=(6,))
    assert made == [2]
    wanted = by_intersection(list(places.geometry), NORTH_UP, 4, 4) @ np.ravel(RAMP) / (places.area / 100.0)
    assert light["night_light"].to_numpy() == pytest.approx(wanted.to_numpy())
    parcel_night_light(again.iloc[:1], raster(RAMP))
    finer = raster(np.kron(RAMP, np.ones((2, 2))), transform=NORTH_UP @ Affine.scale(0.5))
    parcel_land_cover(again, finer, bare_classes=(6,))
    assert made == [2, 1, 2], "other polygons and another grid have weights of their own"
    zonal._weights_of.cache_clear()


# Four by four pixels of 10 m; the top row is the first.
RAMP = [[0.0, 0.1, 0.2, 0.3]] * 4


def test_a_polygon_over_half_pixels_weighs_them_by_half():
    greenness = parcel_greenness(frame(shapely.box(5, 0, 20, 40)), raster(RAMP), raster(RAMP))
    # Half of column 0 and all of column 1: (0.5 * 0.0 + 1 * 0.1) / 1.5.
    assert greenness.loc["P0", "greenness_after"] == pytest.approx(0.1 / 1.5)
    assert greenness.loc["P0", "greenness_change"] == 0.0
    assert greenness.loc["P0", "pixel_count"] == pytest.approx(6.0)
    assert greenness.loc["P0", "known_share_after"] == pytest.approx(1.0)


def test_a_polygon_smaller_than_a_pixel_takes_its_value():
    greenness = parcel_greenness(frame(shapely.box(22, 3, 24, 5)), raster(RAMP), raster(RAMP))
    assert greenness.loc["P0", "greenness_after"] == pytest.approx(0.2)


def test_a_hole_counts_nothing():
    ring = shapely.box(0, 0, 40, 40) - shapely.box(10, 10, 30, 30)
    greenness = parcel_greenness(frame(ring), raster(np.diag([1.0, 0, 0, 0])), raster(np.diag([0.0, 1, 1, 0])))
    assert greenness.loc["P0", "greenness_before"] == pytest.approx(1 / 12)
    assert greenness.loc["P0", "greenness_after"] == pytest.approx(0.0)


def test_nodata_and_the_raster_edge_are_reported_and_decide_what_is_known():
    values = np.array(RAMP)
    values[:, :2] = np.nan
    places = frame(shapely.box(10, 0, 30, 40), shapely.box(0, 0, 30, 40), shapely.box(30, 0, 70, 40))
    greenness = parcel_greenness(places, raster(values), raster(RAMP), min_known_share=0.4)
    assert list(greenness["known_share_before"]) == pytest.approx([0.5, 1 / 3, 0.25])
    assert list(greenness["nodata_share_before"]) == pytest.approx([0.5, 2 / 3, 0.0])
    assert list(greenness["outside_share_before"]) == pytest.approx([0.0, 0.0, 0.75])
    assert greenness["greenness_before"].isna().tolist() == [False, True, True]
    assert greenness.loc["P0", "greenness_before"] == pytest.approx(0.2)


def test_a_missing_date_leaves_the_change_unknown():
    greenness = parcel_greenness(frame(shapely.box(0, 0, 10, 10)), None, raster(RAMP))
    assert np.isnan(greenness.loc["P0", "greenness_change"])
    assert greenness.loc["P0", "greenness_after"] == 0.0


def test_two_dates_on_different_grids_are_each_measured_on_their_own():
    fine = raster(np.kron(RAMP, np.ones((2, 2))), Affine.translation(0, 40) @ Affine.scale(5, -5))
    place = frame(shapely.box(3, 7, 28, 33))
    greenness = parcel_greenness(place, raster(RAMP), fine)
    assert greenness.loc["P0", "greenness_change"] == pytest.approx(0.0)


def test_terrain_gives_height_relief_and_slope():
    # A plane that rises 1 m every 10 m eastwards.
    height = [[20.0, 21.0, 22.0, 23.0]] * 4
    terrain = community_terrain(frame(shapely.box(0, 0, 20, 40), key="community_id"), raster(height))
    row = terrain.loc["P0"]
    assert (row["mean_height_m"], row["lowest_m"], row["highest_m"], row["relief_m"]) == pytest.approx(
        (20.5, 20, 21, 1)
    )
    assert row["mean_slope_share"] == pytest.approx(0.1)


def test_the_slope_of_a_plane_does_not_depend_on_how_the_grid_lies():
    for transform in (NORTH_UP, Affine.scale(10, 10), Affine.rotation(30) @ Affine.scale(10, -5)):
        rows, columns = np.mgrid[0:6, 0:6]
        x, y = transform @ (columns + 0.5, rows + 0.5)
        centre = shapely.Point(transform @ (3, 3)).buffer(4)
        terrain = community_terrain(frame(centre, key="community_id"), raster(0.3 * x - 0.4 * y, transform))
        assert terrain.loc["P0", "mean_slope_share"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("values", "crs", "error", "word"),
    [
        (np.full((4, 4), np.nan), METRIC, DataError, "nodata"),
        (np.full((4, 4), 5000.0), METRIC, DataError, "scale"),
        (RAMP, CRS("EPSG:4549"), CRSError, "project CRS"),
    ],
)
def test_a_raster_that_cannot_be_used_is_refused(values, crs, error, word):
    with pytest.raises(error) as caught:
        parcel_greenness(frame(shapely.box(0, 0, 10, 10)), raster(values, crs=crs), raster(RAMP))
    assert word in caught.value.text.en


def test_a_raster_of_another_city_is_refused():
    with pytest.raises(DataError) as caught:
        parcel_greenness(frame(shapely.box(500, 0, 510, 10)), raster(RAMP), raster(RAMP))
    assert "another city" in caught.value.text.en


@pytest.mark.parametrize(
    ("values", "transform", "crs", "error"),
    [
        (np.zeros((2, 2)), NORTH_UP, None, CRSError),
        (np.zeros(4), NORTH_UP, METRIC, DataError),
        (np.zeros((0, 4)), NORTH_UP, METRIC, DataError),
        (np.zeros((2, 2), dtype=int), NORTH_UP, METRIC, DataError),
        (np.zeros((2, 2)), Affine.scale(0, 10), METRIC, DataError),
    ],
)
def test_a_raster_keeps_its_promise(values, transform, crs, error):
    with pytest.raises(error):
        Raster(values=values, transform=transform, crs=crs)


def test_empty_in_gives_empty_out_with_the_same_columns():
    full = frame(shapely.box(0, 0, 10, 10))
    for function, key, args in (
        (parcel_greenness, "parcel_id", (raster(RAMP), raster(RAMP))),
        (community_terrain, "community_id", (raster(RAMP),)),
    ):
        places = full.rename_axis(key)
        empty = function(places.iloc[:0], *args)
        assert len(empty) == 0
        assert list(empty.columns) == list(function(places, *args).columns)
        assert empty.index.name == key


def test_results_keep_their_schemas():
    places = frame(shapely.box(0, 0, 15, 10), shapely.box(30, 0, 70, 10))
    greenness = parcel_greenness(places, raster(RAMP), raster(RAMP))
    terrain = community_terrain(places.rename_axis("community_id"), raster(RAMP))
    for result, name in ((greenness, "parcel_greenness"), (terrain, "community_terrain")):
        schema = layer_schema(name)
        assert check_layer(result, schema) == []
        assert {*result.columns, schema.key} == set(schema.fields)


coordinates = st.floats(-30, 90, allow_nan=False).map(lambda value: round(value, 2))


@st.composite
def shapes(draw):
    centre = draw(st.tuples(coordinates, coordinates))
    shape = shapely.Point(centre).buffer(draw(st.floats(0.5, 45)), quad_segs=draw(st.integers(1, 4)))
    hole = shapely.Point(centre).buffer(draw(st.floats(0.1, 20)), quad_segs=2)
    return draw(
        st.sampled_from([shape, shape - hole, shapely.box(*shape.bounds), shape | shapely.box(200, 0, 207, 31)])
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(shapes(), min_size=1, max_size=4),
    st.sampled_from(
        [NORTH_UP, Affine.scale(10, 10), Affine.translation(7, 3) @ Affine.rotation(33) @ Affine.scale(8, -11)]
    ),
    st.integers(0, 2**32 - 1),
)
def test_sums_and_extremes_equal_cutting_every_pixel(polygons, transform, seed):
    polygons = [p for p in polygons if p.area > 0]
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((6, 7)) < 0.2, np.nan, rng.normal(size=(6, 7)))
    coverage = grid_coverage(np.array(polygons, dtype=object), transform=transform, height=6, width=7)
    total, weight = zonal_sums(coverage, values)
    low, high = zonal_extremes(coverage, values)
    share = by_intersection(polygons, transform, 6, 7)
    known = ~np.isnan(values.ravel())
    flat = np.where(known, values.ravel(), 0.0)
    assert total == pytest.approx((share * flat).sum(axis=1), abs=1e-9)
    assert weight == pytest.approx((share * known).sum(axis=1), abs=1e-9)
    assert coverage.inside_px == pytest.approx(share.sum(axis=1), abs=1e-9)
    for row, shares in enumerate(share):
        certain = flat[known & (shares > 1e-6)]
        if len(certain):
            assert low[row] <= certain.min()
            assert high[row] >= certain.max()
        if not (known & (shares > 1e-12)).any():
            assert np.isnan(low[row])


def test_bare_ground_is_the_exact_share_of_its_classes():
    cover = raster([[1.0, 1.0, 2.0, 3.0]] * 4)
    found = parcel_land_cover(frame(shapely.box(5, 0, 25, 40)), cover, bare_classes=(2, 3))
    assert found.loc["P0", "bare_share"] == pytest.approx(0.25)
    assert np.isnan(parcel_land_cover(frame(shapely.box(5, 0, 25, 40)), cover).loc["P0", "bare_share"])


def test_night_light_keeps_the_unit_of_its_raster():
    light = raster([[0.0, 10.0, 20.0, 300.0]] * 4)
    found = parcel_night_light(frame(shapely.box(10, 0, 30, 40)), light)
    assert found.loc["P0", "night_light"] == pytest.approx(15.0)
    assert np.isnan(found.loc["P0", "night_light_change_share"])
    before = raster([[0.0, 40.0, 20.0, 300.0]] * 4)
    changed = parcel_night_light(frame(shapely.box(10, 0, 30, 40)), light, before)
    assert changed.loc["P0", "night_light_before"] == pytest.approx(30.0)
    assert changed.loc["P0", "night_light_change_share"] == pytest.approx(-0.5)
    for result, name in ((found, "parcel_night_light"), (parcel_land_cover(frame(), None), "parcel_land_cover")):
        schema = layer_schema(name)
        assert [fault for fault in check_layer(result, schema) if fault.severity == "error"] == []
        assert {*result.columns, schema.key} == set(schema.fields)


def test_plain_frames_count_their_rows_as_ids_and_forgotten_ids_are_refused():
    places = frame(shapely.box(3, 3, 17, 21), shapely.box(22, 5, 38, 35), key="parcel_id")
    plain = parcel_greenness(places.reset_index(drop=True), raster(RAMP), None)
    assert plain.index.tolist() == ["0", "1"]
    assert (
        plain["greenness_before"].tolist() == parcel_greenness(places, raster(RAMP), None)["greenness_before"].tolist()
    )
    with pytest.raises(DataError, match="set_index"):
        parcel_greenness(places.reset_index(), raster(RAMP), None)
