"""Shared areas against GEOS cutting each with each."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_renovation.overlays import are_slivers, covered_areas, dissolve_overlapping, overlap_areas

box = shapely.box
EAST_NORTH = np.array([480_000.0, 3_605_000.0])


def array(*shapes):
    return np.array(shapes, dtype=object)


def matrix(shapes, covers, **options):
    pairs = overlap_areas(shapes, covers, **options)
    areas = np.zeros((len(shapes), len(covers)))
    areas[pairs.shape, pairs.cover] = pairs.area_m2
    return areas


def test_areas_are_those_of_the_drawing():
    shapes = array(box(0, 0, 10, 10), box(20, 0, 30, 10), box(100, 0, 110, 10))
    covers = array(box(-5, -5, 50, 50), box(5, 5, 25, 50))
    assert matrix(shapes, covers).tolist() == [[100.0, 25.0], [100.0, 25.0], [0.0, 0.0]]
    pairs = overlap_areas(shapes, covers)
    assert list(zip(pairs.shape, pairs.cover, pairs.whole, strict=True)) == [
        (0, 0, True), (0, 1, False), (1, 0, True), (1, 1, False),
    ]  # fmt: skip


def test_polygons_that_only_touch_share_nothing():
    shapes = array(box(0, 0, 10, 10))
    covers = array(box(10, 0, 20, 10), box(0, 10, 10, 20), box(10, 10, 20, 20))
    assert len(overlap_areas(shapes, covers).shape) == 0


def test_a_shape_in_a_hole_shares_nothing_and_one_around_it_loses_the_hole():
    ring = box(0, 0, 30, 30) - box(10, 10, 20, 20)
    shapes = array(box(12, 12, 18, 18), box(5, 5, 25, 25), ring)
    assert matrix(shapes, array(ring)).ravel().tolist() == [0.0, 300.0, 800.0]


def test_a_shape_equal_to_its_cover_is_covered_exactly():
    shape = shapely.Polygon([(0, 0), (7, 1), (9, 8), (3, 6)])
    assert matrix(array(shape), array(shape))[0, 0] == pytest.approx(shape.area)


def test_missing_shapes_and_empty_layers_share_nothing():
    nobody = np.empty(0, dtype=object)
    square = array(box(0, 0, 1, 1))
    assert len(overlap_areas(nobody, square).shape) == len(overlap_areas(square, nobody).shape) == 0
    assert matrix(array(None, box(0, 0, 1, 1)), square).tolist() == [[0.0], [1.0]]
    assert covered_areas(square, nobody).tolist() == [0.0]


def test_ground_under_two_covers_counts_once():
    covers = array(box(0, 0, 6, 10), box(4, 0, 10, 10), box(10, 0, 20, 5))
    assert covered_areas(array(box(0, 0, 20, 10)), covers).tolist() == [150.0]
    ground = dissolve_overlapping(covers)
    assert sorted(shapely.area(ground)) == [50.0, 100.0]


def test_slivers_are_thin_for_their_length_however_large():
    shapes = array(box(0, 0, 100, 100))
    covers = array(box(0, 0, 0.5, 100), box(0, 0, 5, 5), box(0, 0, 50, 100))
    pairs = overlap_areas(shapes, covers)
    assert pairs.area_m2.tolist() == [50.0, 25.0, 5000.0]
    assert are_slivers(shapes, covers, pairs, width_m=1.0).tolist() == [True, False, False]


def random_polygons(rng, count, offset):
    shapes = []
    for kind in rng.random(count):
        corners = rng.integers(3, 14)
        turn, reach = np.sort(rng.uniform(0, 2 * np.pi, corners)), rng.uniform(2, 40, corners)
        middle = rng.uniform(0, 120, 2)
        star = shapely.Polygon(np.column_stack([reach * np.cos(turn), reach * np.sin(turn)]) + middle + offset).buffer(
            0
        )
        at = np.round(middle / 10) * 10 + offset
        square = box(*at, *(at + rng.integers(1, 5, 2) * 10))
        holed = star - shapely.Point(middle + offset).buffer(5, quad_segs=3)
        shapes.append(square if kind < 0.3 else holed if kind < 0.5 else star | square if kind < 0.6 else star)
    return np.array([shape for shape in shapes if not shape.is_empty], dtype=object)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([1, 2]))
def test_shared_areas_equal_geos_and_whole_means_covered(seed, far, threads):
    rng = np.random.default_rng(seed)
    offset = EAST_NORTH if far else np.zeros(2)
    shapes, covers = random_polygons(rng, 14, offset), random_polygons(rng, 9, offset)
    expected = shapely.area(shapely.intersection(shapes[:, None], covers[None, :]))
    found = matrix(shapes, covers, threads=threads)
    assert np.abs(found - expected).max() < 2e-6
    # The other way round is the same ground.
    assert np.abs(matrix(covers, shapes).T - expected).max() < 2e-6
    pairs = overlap_areas(shapes, covers)
    assert shapely.covers(covers[pairs.cover], shapes[pairs.shape])[pairs.whole].all()
    union = covered_areas(shapes, covers)
    assert np.abs(union - shapely.area(shapely.intersection(shapes, shapely.union_all(covers)))).max() < 2e-5


def test_many_pairs_on_two_threads_equal_one_thread():
    rng = np.random.default_rng(3)
    at = rng.uniform(0, 3000, (120_000, 2))
    shapes = shapely.box(*at.T, *(at + rng.uniform(3, 20, at.shape)).T)
    covers = shapely.buffer(shapely.points(rng.uniform(0, 3000, (60, 2))), 250)
    one, two = (overlap_areas(shapes, covers, threads=threads) for threads in (1, 2))
    for name in ("shape", "cover", "area_m2", "whole"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
