"""Zones of frames as people make them by hand: a default index, numbers as ids, wishes written wrongly."""

from __future__ import annotations

import geopandas as gpd
import pytest
from shapely import box

import gis_renovation as gr
from gis_renovation.errors import ConfigError, DataError

REQUIREMENTS = gr.ZoneRequirements(households={"min": 500, "max": 900})


def row_of_four(**columns):
    """Four blocks 10 m apart, 300 households each."""
    blocks = [box(x, 0, x + 100, 100) for x in (0, 110, 220, 330)]
    return gpd.GeoDataFrame({"households": [300] * 4, **columns}, geometry=blocks, crs="EPSG:4548")


def zones_of(communities):
    """The whole chain, from links to stability."""
    links = gr.link_communities(communities)
    members = gr.delineate_zones(communities, links, requirements=REQUIREMENTS)
    zones = gr.describe_zones(communities, links, members, requirements=REQUIREMENTS)
    gr.explain_shortfalls(communities, links, members, requirements=REQUIREMENTS)
    gr.measure_zone_stability(communities, links, members, requirements=REQUIREMENTS)
    approved = members[["zone_id"]]
    changes = gr.revise_zones(approved, communities, links, requirements=REQUIREMENTS)
    assert set(changes["change"]) == {"kept"}
    return members["zone_id"].to_dict(), zones["households"].to_dict()


def test_a_default_index_gives_the_zones_that_text_ids_give():
    by_text = row_of_four().set_axis(["0", "1", "2", "3"])
    assert zones_of(row_of_four()) == zones_of(by_text)
    assert zones_of(row_of_four())[1] == {"Z-0": 600, "Z-2": 600}


def test_numbers_as_ids_are_their_digits():
    members, zones = zones_of(row_of_four().set_axis([101, 102, 103, 104]))
    assert sorted(members) == ["101", "102", "103", "104"]
    assert zones == {"Z-101": 600, "Z-103": 600}


def test_ids_forgotten_in_a_column_are_refused_with_the_call_that_sets_them():
    forgotten = row_of_four(community_id=list("abcd"))
    links = gr.link_communities(forgotten.set_index("community_id"))
    with pytest.raises(DataError, match=r'set_index\("community_id"\)'):
        gr.delineate_zones(forgotten, links)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"households": (500, 2000)}, r"households .*\"min\""),
        ({"households": 500}, r"households .*\"min\""),
        ({"cost_yuan": {"min": "500"}}, "cost_yuan"),
        ({"target": 1000}, "target"),
        ({"zone_count": 2.5}, "zone_count"),
        ({"zone_preference": "max"}, "auto, any, most, fewest"),
    ],
)
def test_a_wish_of_another_kind_is_refused_at_once_and_says_how_to_write_it(wish, said):
    with pytest.raises(ConfigError, match=said):
        gr.ZoneRequirements(**wish)
