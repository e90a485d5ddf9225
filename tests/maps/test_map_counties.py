"""Which county a feature belongs to: what the data says, else where it lies."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
from drawn_city import CRS
from shapely.geometry import Point, box

from gis_renovation.maps.counties import counties_of, county_blocks, county_rows


def units():
    """West (1) and east (2) of x = 100, and a subdistrict inside the east."""
    return gpd.GeoDataFrame(
        {
            "name": ["西区", "东区", "街道"],
            "level": ["county", "special", "subdistrict"],
            "parent_code": [None, None, "2"],
        },
        geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100), box(100, 0, 150, 50)],
        crs=CRS,
        index=pd.Index(["1", "2", "21"], name="unit_code"),
    )


def points(xs, **columns):
    index = pd.Index([f"P{n}" for n in range(len(xs))], name="park_id")
    return gpd.GeoDataFrame(columns, geometry=[Point(x, 10) for x in xs], crs=CRS, index=index)


def test_place_decides_where_the_data_says_nothing_and_the_lower_code_on_a_border():
    made = {"reporting_units": units()}
    counties = counties_of(made)
    assert counties.names == ["西区", "东区"]
    assert county_rows(points([10, 150, 100, 999]), made, counties) == [0, 1, 0, -1]


def test_what_the_data_says_goes_before_the_place_and_a_subdistrict_is_its_county():
    made = {"reporting_units": units()}
    said = points([10, 10, 10, 10], unit_code=["2", "21", None, "nowhere"])
    assert county_rows(said, made, counties_of(made)) == [1, 1, 0, 0]


def test_a_feature_of_a_community_is_of_the_county_of_the_community():
    places = points([150], unit_code=["1"]).rename_axis("community_id")
    made = {"reporting_units": units(), "communities": places}
    assert county_rows(points([150, 150], community_id=["P0", None]), made, counties_of(made)) == [0, 1]


def test_no_choice_with_fewer_than_two_counties_and_none_for_no_feature():
    made = {"reporting_units": units()}
    assert counties_of({}) is None
    assert counties_of({"reporting_units": units().iloc[[0, 2]]}) is None
    assert county_blocks({}, None) == []
    assert county_rows(points([]), made, counties_of(made)) == []


def test_each_county_says_how_many_communities_it_has_and_an_absent_layer_is_not_none_of_them():
    made = {"reporting_units": units()}
    assert [block["count"] for block in county_blocks(made, counties_of(made))] == [None, None]
    # One lies outside and says nothing; one without a shape says that it is of the subdistrict in the east.
    places = points([10, 150, 999, 20], unit_code=[None, "1", None, "21"]).rename_axis("community_id")
    places.loc["P3", "geometry"] = None
    made["communities"] = places
    assert [block["count"] for block in county_blocks(made, counties_of(made))] == [2, 1]
