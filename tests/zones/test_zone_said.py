"""What is said of zones: limits met exactly, sums beside limits, wishes as reasons, names, and plain tables."""

import geopandas as gpd
import pandas as pd
import pytest
from test_zones import groups_of, make_communities, make_links, make_row

from gis_renovation.errors import DataError
from gis_renovation.publish.site.words import zone_tally
from gis_renovation.schemas import layer_schema
from gis_renovation.zones import (
    ZoneRequirements,
    delineate_zones,
    describe_zones,
    explain_shortfalls,
    measure_zone_stability,
    order_zone_works,
    revise_zones,
)
from gis_renovation.zones.sentences import amount_text


def why(communities, links, **wishes):
    asked = ZoneRequirements(**wishes)
    members = delineate_zones(communities, links, requirements=asked)
    return describe_zones(communities, links, members, requirements=asked)["why_zh"]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"min": 200}, "户数 200 户，恰为下限"),
        ({"max": 200}, "户数 200 户，恰为上限"),
        ({"min": 199}, "户数 200 户，接近下限 199 户"),
        ({"max": 201}, "户数 200 户，接近上限 201 户"),
    ],
)
def test_a_limit_met_exactly_is_not_called_near(limits, words):
    communities, links = make_row([90, 110])
    told = why(communities, links, households=limits)["Z-C00"]
    assert words in told
    assert "恰" in words or "恰" not in told


@pytest.mark.parametrize("name", ["households", "floor_area_m2", "land_area_m2", "cost_yuan"])
@pytest.mark.parametrize("value", [7.0, 9_999.0, 12_000.0, 1_234_567.0])
@pytest.mark.parametrize("off", [0.01, 0.4, 3.0, 40.0])
def test_a_sum_and_a_limit_that_differ_are_never_printed_alike(name, value, off):
    for one, two in ((value, value + off), (value + off, value)):
        assert amount_text(name, one, beside=two).zh != amount_text(name, two, beside=one).zh
        assert amount_text(name, one, beside=two).en != amount_text(name, two, beside=one).en
    assert amount_text(name, value, beside=value) == amount_text(name, value)


def test_a_neighbour_of_a_fixed_zone_and_one_in_it_are_told_so_and_nothing_is_called_more_compact():
    communities, links = make_row([300, 300, 300, 300])
    told = why(communities, links, households={"min": 200, "max": 2_000}, fixed_zones=[["C00", "C01"]])
    assert "丙（本片区固定，不再并入）" in told["Z-C00"]
    assert "乙（已列入固定片区）" in told["Z-C02"]
    assert not told.str.contains("更紧凑").any()


def test_a_neighbour_that_must_be_with_others_is_weighed_with_them():
    communities, links = make_row([300, 300, 300])
    told = why(communities, links, households={"max": 700}, must_join=[["C01", "C02"]])
    assert "乙（连同须与它同片的并入后户数达 900 户，超过上限 700 户）" in told["Z-C00"]


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ({"unit_code": ["340402", "340403"]}, ["新村片区（340402）", "新村片区（340403）"]),
        ({"subdistrict": ["东街", "西街"]}, ["新村片区（东街）", "新村片区（西街）"]),
        ({}, ["新村片区（Z-C00）", "新村片区（Z-C01）"]),
    ],
)
def test_two_zones_of_one_name_carry_what_tells_them_apart(columns, names):
    communities, links = make_row([300, 300], cut=[(0, 1)])
    communities["name"] = "新村"
    for column, values in columns.items():
        communities[column] = values
    members = delineate_zones(communities, links)
    assert describe_zones(communities, links, members)["name"].tolist() == names


def test_counties_are_called_by_name_and_by_code_only_where_no_name_is_known():
    communities, links = make_row([300, 300, 300], cut=[(0, 1), (1, 2)])
    communities["name"], communities["unit_code"] = "新村", ["340402", "340403", "340404"]
    members = delineate_zones(communities, links)
    units = gpd.GeoDataFrame(
        {"name": ["大通区", None]}, geometry=[None, None], index=["340402", "340403"], crs=communities.crs
    )
    zones = describe_zones(communities, links, members, reporting_units=units)
    assert zones["name"].tolist() == ["新村片区（大通区）", "新村片区（340403）", "新村片区（340404）"]


def test_one_community_is_works_of_its_own_and_more_are_contiguous_works():
    communities, links = make_row([300, 300, 300], cut=[(1, 2)])
    zones = describe_zones(communities, links, delineate_zones(communities, links))
    assert zones["works_kind"].tolist() == ["contiguous", "single"]
    shown = layer_schema("zones").fields["works_kind"].values
    assert [shown[code].zh for code in zones["works_kind"]] == ["连片实施", "单独实施"]
    for columns in (["works_kind"], ["community_count"], ["works_kind", "community_count"]):
        assert zone_tally(zones[columns], "zh") == "全部片区（连片实施 1 个，单独实施 1 个）"
    assert zone_tally(zones.iloc[:1], "en") == "All zones (1)"
    assert zone_tally(zones[["name"]], "zh") == "全部片区（2 个）"


def test_a_community_alone_and_one_of_unknown_size_are_said_plainly():
    communities, links = make_row([None, None, 300], cut=[(1, 2)])
    zones = describe_zones(communities, links, delineate_zones(communities, links))
    assert zones["why_zh"].iloc[0].startswith("由甲、乙共 2 个小区组成，户数均未知；")
    assert zones["why_zh"].iloc[1].startswith("仅丙一个小区，300 户；")
    communities, links = make_row([None, 300])
    told = describe_zones(communities, links, delineate_zones(communities, links))["why_zh"].item()
    assert "共 2 个小区组成（其中 1 个户数未知）" in told
    communities, links = make_row([None])
    told = describe_zones(communities, links, delineate_zones(communities, links))["why_zh"].item()
    assert told.startswith("仅甲一个小区，户数未知；")


@pytest.mark.parametrize("wishes", [{}, {"households": {"min": 500, "max": 700}}, {"target": {"households": 600}}])
def test_links_may_be_a_plain_table_on_any_index(wishes):
    communities, links = make_row([300, 310, 290, 100])
    asked = ZoneRequirements(**wishes)
    plain = pd.DataFrame(links.drop(columns="geometry")).reset_index(drop=True)
    for function in (
        lambda table: delineate_zones(communities, table, requirements=asked),
        lambda table: describe_zones(
            communities, table, delineate_zones(communities, table, requirements=asked), requirements=asked
        ),
        lambda table: explain_shortfalls(
            communities, table, delineate_zones(communities, table, requirements=asked), requirements=asked
        ),
        lambda table: measure_zone_stability(
            communities, table, delineate_zones(communities, table, requirements=asked), requirements=asked
        ),
        lambda table: revise_zones(
            delineate_zones(communities, table, requirements=asked), communities, table, requirements=asked
        ),
    ):
        assert function(plain).equals(function(links))


def test_zones_of_another_list_are_refused_in_one_sentence():
    communities, links = make_row([300, 310, 290])
    members = delineate_zones(communities, links)
    for function in (describe_zones, explain_shortfalls):
        with pytest.raises(DataError, match="C02") as error:
            function(communities.iloc[:2], links, members)
        assert "小区图层" in str(error.value)


def test_years_of_budgets_may_be_numbers():
    communities, links = make_row([300, 310], cut=[(0, 1)])
    communities["cost_yuan"] = [4e6, 5e6]
    zones = describe_zones(communities, links, delineate_zones(communities, links))
    as_text = order_zone_works(zones, budgets_yuan={"2025": 4e6, "2026": 6e6})
    assert order_zone_works(zones, budgets_yuan={2025: 4e6, 2026: 6e6}).equals(as_text)


def test_links_over_a_street_are_told_by_themselves_and_not_called_free():
    communities = make_communities([(k, 0) for k in range(5)], [100] * 5)
    links = make_links([(k, k + 1) for k in range(4)])
    links["street_between"] = ["洞山路", None, None, None]
    links.loc["C00~C01", "reason_zh"] = "相距 10 米，中间为洞山路（主干路，未计为阻隔）"
    told = why(communities, links)
    assert groups_of(delineate_zones(communities, links)) == {frozenset(communities.index)}
    assert "甲与乙相距 10 米，中间为洞山路（主干路，未计为阻隔）" in told["Z-C00"]
    assert "其余相邻小区相距 10 米，其间均无阻隔" in told["Z-C00"]
