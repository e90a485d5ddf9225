"""Stability under drawings that are off: against links judged anew on every shape, moved by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString, Point, box

from gis_renovation.contiguity import LinkLimits, link_communities
from gis_renovation.errors import ConfigError
from gis_renovation.zones import StabilityTrials, ZoneRequirements, delineate_zones, measure_zone_stability
from gis_renovation.zones import stability as zone_stability
from gis_renovation.zones.redrawing import DrawingErrors, Ground, Redrawing, moved

CRS = "EPSG:4548"
USABLE = ["joined", "rejoined"]


def layer(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes.values()), index=list(shapes), crs=CRS)


def homes(shapes, **columns):
    return layer(shapes, households=[300] * len(shapes), **columns)


def random_ground(seed, **limits):
    """Boxes on a jittered lattice whose gaps lie about the limit, with walls, a river, crossings and arterials."""
    rng = np.random.default_rng(seed)
    side = 5
    x, y = (axis.ravel() * 160.0 for axis in np.meshgrid(np.arange(side), np.arange(side)))
    jitter = rng.normal(0, 1.2, (2, side * side))
    x, y = x + jitter[0], y + jitter[1]
    communities = homes({f"C{i:02}": box(a, b, a + 100, b + 100) for i, (a, b) in enumerate(zip(x, y, strict=True))})
    # A wall with an opening about as wide as a person, a river between two rows, a wall along an edge.
    gap = rng.uniform(0.6, 1.8)
    barriers = layer(
        {
            "W1": LineString([(130, -50), (130, 60)]),
            "W2": LineString([(130, 60 + gap), (130, 320)]),
            "R": LineString([(-50, 290 + rng.uniform(-1, 1)), (900, 290)]),
            "E": LineString([(320, 99.8), (430, 99.8 + rng.uniform(-0.5, 0.5))]),
        },
        kind=["wall", "wall", "river", "wall"],
        grade=pd.array([1, 1, 1, 1], dtype="Int64"),
    )
    crossings = layer({"B": Point(300 + rng.uniform(-40, 40), 290)}, kind=["road_bridge"], barrier_id=["R"])
    streets = layer({"S": LineString([(610, -50), (610, 900)])}, **{"class": ["arterial"], "name": ["大道"]})
    return Ground(communities, barriers, crossings, streets, LinkLimits(**limits))


def pairs_of(links):
    links = links[links["status"].isin(USABLE)]
    return set(zip(links["focal"], links["neighbor"], strict=True))


def judged(ground):
    return link_communities(
        ground.communities, ground.barriers, ground.crossings, streets=ground.streets, limits=ground.limits
    )


@pytest.mark.parametrize("arterials_cut", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_links_of_a_run_are_those_of_all_shapes_judged_again(seed, arterials_cut):
    ground = random_ground(seed, arterials_cut=arterials_cut, max_detour_m=180.0)
    links = judged(ground)
    differ = 0
    for errors in (DrawingErrors(0.5, 0.5), DrawingErrors(2.0, 0.0), DrawingErrors(0.0, 1.0)):
        drawings = Redrawing(ground, links, errors)
        for run in range(6):
            found = drawings.links_of(seed, run)
            whole = pairs_of(judged(moved(ground, errors, seed, run)))
            assert (pairs_of(links) if found is None else pairs_of(found)) == whole
            differ += whole != pairs_of(links)
    assert differ > 3


def test_shapes_are_moved_as_a_whole_and_no_further_than_the_error():
    ground = random_ground(1)
    for run in range(20):
        off = moved(ground, DrawingErrors(0.5, 2.0), 3, run)
        for before, after, most in (
            (ground.communities, off.communities, 0.5),
            (ground.barriers, off.barriers, 2.0),
            (ground.streets, off.streets, 2.0),
        ):
            way = [
                np.subtract(shapely.get_coordinates(b), shapely.get_coordinates(a))
                for a, b in zip(before.geometry, after.geometry, strict=True)
            ]
            assert all(np.ptp(each, axis=0).max() < 1e-6 for each in way)
            far = np.array([np.hypot(*each[0]) for each in way])
            assert (far <= most).all()
            assert len(np.unique(np.round(far, 6))) == len(far)
        assert off.crossings is ground.crossings


def test_the_share_is_how_often_the_gap_keeps_the_limit():
    communities = homes({"A": box(0, 0, 100, 100), "B": box(159.8, 0, 260, 100)})
    links = link_communities(communities)
    members = delineate_zones(communities, links)
    trials = StabilityTrials(stability_runs=40, stability_outline_error_m=0.5)
    share = measure_zone_stability(communities, links, members, trials=trials)["same_mates_share"]
    ground = Ground(communities, None, None, None, LinkLimits())
    again = [moved(ground, DrawingErrors(0.5, 0.5), 0, run).communities.geometry for run in range(1, 41)]
    near = [shapely.distance(*each) <= 60 for each in again]
    assert 0 < sum(near) < 40
    assert share.tolist() == [sum(near) / 40] * 2


def test_gaps_that_no_error_brings_to_the_limit_keep_their_zones():
    communities = homes({"A": box(0, 0, 100, 100), "B": box(158.9, 0, 260, 100), "C": box(321.1, 0, 400, 100)})
    links = link_communities(communities)
    members = delineate_zones(communities, links)
    assert members["zone_id"].nunique() == 2
    assert (measure_zone_stability(communities, links, members)["same_mates_share"] == 1).all()
    wide = StabilityTrials(stability_outline_error_m=3.0)
    assert (measure_zone_stability(communities, links, members, trials=wide)["same_mates_share"] < 1).all()


def test_an_opening_that_a_drawing_error_closes_is_no_firm_tie():
    # Two walls that leave 1.3 m: a person needs 1.2 m. Barriers of their own errors, outlines exact.
    communities = homes({"A": box(0, 0, 100, 100), "B": box(140, 0, 240, 100)})
    walls = layer(
        {"W1": LineString([(120, -300), (120, 50)]), "W2": LineString([(120, 51.3), (120, 400)])},
        kind=["wall", "wall"],
        grade=[1, 1],
    )
    links = link_communities(communities, walls)
    assert links["status"].tolist() == ["joined"]
    members = delineate_zones(communities, links)

    def share(error_m, **layers):
        trials = StabilityTrials(stability_outline_error_m=0.0, stability_barrier_error_m=error_m)
        return measure_zone_stability(communities, links, members, trials=trials, **layers)["same_mates_share"].iloc[0]

    assert share(0.0, barriers=walls) == 1
    assert 0 < share(0.5, barriers=walls) < 1


@pytest.mark.parametrize("seed", range(4))
def test_what_is_proven_once_for_all_runs_is_what_solving_every_run_again_gives(seed, monkeypatch):
    ground = random_ground(seed)
    links = judged(ground)
    asked = ZoneRequirements(households={"min": 600, "max": 900})
    members = delineate_zones(ground.communities, links, requirements=asked)
    trials = StabilityTrials(stability_runs=6, stability_error_share=0.02)

    def measured():
        return measure_zone_stability(
            ground.communities,
            links,
            members,
            barriers=ground.barriers,
            crossings=ground.crossings,
            requirements=asked,
            trials=trials,
        )

    quick = measured()
    monkeypatch.setattr(zone_stability, "_firm", lambda request, *_, **__: np.zeros(len(request.ids), dtype=bool))
    pd.testing.assert_frame_equal(pd.DataFrame(measured()), pd.DataFrame(quick))


def test_a_run_tears_nothing_that_wishes_keep_together():
    communities = homes({"A": box(0, 0, 100, 100), "B": box(159.9, 0, 260, 100)})
    links = link_communities(communities)
    for wish in ({"must_join": [["A", "B"]]}, {"fixed_zones": [["A", "B"]]}):
        asked = ZoneRequirements(**wish)
        members = delineate_zones(communities, links, requirements=asked)
        stability = measure_zone_stability(communities, links, members, requirements=asked)
        assert (stability["same_mates_share"] == 1).all()


@pytest.mark.parametrize("name", ["stability_outline_error_m", "stability_barrier_error_m"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_an_error_that_is_no_length_is_refused(name, value):
    with pytest.raises(ConfigError, match=name) as refused:
        StabilityTrials(**{name: value})
    assert "不小于 0" in refused.value.text.zh
    assert "at least 0 m" in refused.value.text.en
