"""The sample city shows walks from gates where they are known, and from the outline where they are not."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis_renovation.rule_packs import rules_in_force
from gis_renovation.sample import make_city
from gis_renovation.services import access_snaps, service_access

LAYERS = ["communities", "facilities", "slow_paths", "streets", "barriers", "gates"]


@pytest.fixture(scope="module")
def city():
    return make_city(layers=LAYERS)


@pytest.fixture(scope="module")
def access(city):
    return service_access(**city, rules=rules_in_force())


def test_gates_stand_on_outlines_and_some_are_shut(city):
    rims = city["communities"].geometry.boundary.reindex(city["gates"]["community_id"]).to_numpy()
    assert shapely.distance(city["gates"].geometry.to_numpy(), rims).max() < 0.02
    assert city["gates"]["open"].eq(False).any()


def test_walks_start_at_gates_exactly_where_an_open_one_is_known(city, access):
    known = set(city["gates"].loc[city["gates"]["open"], "community_id"])
    assert set(access.loc[access["starts_from"].eq("gates"), "community_id"]) == known
    assert 0 < len(known) < len(city["communities"])


def test_no_walk_is_shorter_than_the_straight_line_nor_step_free_than_any(access):
    walked = access[access["distance_m"] > 0]
    assert len(walked) > 300
    # Gaps of up to 0.5 m in the drawing cost nothing.
    assert (walked["distance_m"] >= walked["straight_distance_m"] - 5).all()
    assert not (access["step_free_distance_m"] < access["distance_m"] - 1e-6).any()
    assert not (access["possible_distance_m"] > access["distance_m"] + 1e-6).any()
    assert not (access["second_distance_m"] < access["distance_m"]).any()


def test_verdicts_follow_from_the_figures(access):
    meets = access["distance_m"] <= access["limit_m"]
    assert access["guide"].eq("meets").equals(meets)
    exceeds = access[access["guide"].eq("exceeds")]
    assert not (exceeds["possible_distance_m"] <= exceeds["limit_m"]).any()


def test_every_gate_and_facility_is_in_the_snap_report_once(city):
    snaps = access_snaps(*(city[name] for name in LAYERS[1:5]), gates=city["gates"])
    assert snaps.index.is_unique
    assert len(snaps) == len(city["facilities"]) + len(city["gates"])
    joined = snaps[snaps["state"].eq("joined")]
    assert np.isfinite(joined["snap_distance_m"]).all()
    assert (joined["snap_distance_m"] <= 100).all()
    assert snaps["state"].ne("joined").to_numpy()[: len(snaps) - len(joined)].all()
