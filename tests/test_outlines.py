"""Frames made by hand: shapes without an area and unfit CRS are refused in one sentence, in both languages."""

import datetime
import pickle

import geopandas as gpd
import pytest
import shapely
from shapely import Point, Polygon, box

from gis_renovation.contiguity import link_communities, list_links_near_limits
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError, CRSError, DataError, Finding, by_key
from gis_renovation.greenways import park_access
from gis_renovation.land import assess_parcels, check_land_status, outline_land_sites
from gis_renovation.outlines import require_areas
from gis_renovation.rules import Rule
from gis_renovation.words import Text
from gis_renovation.zones import delineate_zones, describe_zones, explain_shortfalls, measure_zone_stability

CRS = "EPSG:4548"
BOW_TIE = Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
ODD = {
    "missing": (None, "图形缺失或为空", "missing or empty"),
    "empty": (Polygon(), "图形缺失或为空", "missing or empty"),
    "bow-tie": (BOW_TIE, "图形自相交", "cross themselves"),
    "point": (Point(5, 5), "不是面", "no areas"),
}


def homes(odd, index=("A", "B", "C")):
    shapes = [odd, box(120, 0, 220, 100), box(240, 0, 340, 100)]
    return gpd.GeoDataFrame({"households": [300] * 3}, geometry=shapes, index=list(index), crs=CRS)


GOOD = homes(box(0, 0, 100, 100))
LINKS = link_communities(GOOD)
MEMBERS = delineate_zones(GOOD, LINKS)
LINE = gpd.GeoDataFrame(
    {"kind": ["greenway"]}, geometry=[shapely.LineString([(0, -5), (400, -5)])], index=["S"], crs=CRS
)
PARK = gpd.GeoDataFrame({"name": ["园"]}, geometry=[box(0, -90, 90, -20)], index=["K"], crs=CRS)
RULE = Rule(id="r", layer="parcels", measure="area_m2", operator=">=", value=9.0, unit="m²", text=Text("面积", "area"))
CALLS = {
    "link_communities": link_communities,
    "list_links_near_limits": lambda odd: list_links_near_limits(odd, LINKS),
    "delineate_zones": lambda odd: delineate_zones(odd, LINKS),
    "describe_zones": lambda odd: describe_zones(odd, LINKS, MEMBERS),
    "explain_shortfalls": lambda odd: explain_shortfalls(odd, LINKS, MEMBERS),
    "measure_zone_stability": lambda odd: measure_zone_stability(odd, LINKS, MEMBERS),
    "park_access": lambda odd: park_access(odd, LINE, PARK),
    "assess_parcels": lambda odd: assess_parcels(odd, rules=(RULE,), as_of=datetime.date(2024, 9, 30)),
    "outline_land_sites": outline_land_sites,
    "check_land_status": lambda odd: check_land_status(outline_land_sites(GOOD), odd),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("odd", ODD)
def test_a_shape_without_an_area_is_refused_in_one_sentence_with_its_id(call, odd):
    shape, zh, en = ODD[odd]
    with pytest.raises(DataError) as refused:
        CALLS[call](homes(shape))
    [finding] = refused.value.findings
    assert finding.sentence("zh").endswith("[A]")
    assert zh in finding.sentence("zh")
    assert en in finding.sentence("en")
    assert finding.layer in finding.text.zh or odd == "point"


def test_each_kind_of_fault_is_one_sentence_and_good_shapes_pass():
    shapes = [None, Polygon(), BOW_TIE, Point(1, 1), box(0, 0, 1, 1), shapely.MultiPolygon([box(3, 3, 4, 4)])]
    layer = gpd.GeoDataFrame(geometry=shapes, index=list("ABCDEF"), crs=CRS)
    with pytest.raises(DataError) as refused:
        require_areas(parcels=layer, zones=layer.loc[["C", "E"]], communities=None)
    found = [(f.layer, f.code, f.named("en")) for f in refused.value.findings]
    assert found == [
        ("parcels", "missing_geometry", ("A", "B")),
        ("parcels", "wrong_geometry", ("D",)),
        ("parcels", "invalid_geometry", ("C",)),
        ("zones", "invalid_geometry", ("C",)),
    ]
    require_areas(parcels=layer.loc[["E", "F"]], communities=layer.iloc[:0])


@pytest.mark.parametrize(
    ("crs", "zh", "en"),
    [
        (None, "communities 为 未知/unknown", "communities: 未知/unknown"),
        ("EPSG:4490", "EPSG:4490（经纬度，单位为度）", "EPSG:4490 (degrees)"),
        ("EPSG:3857", "EPSG:3857（网络墨卡托", "EPSG:3857 (Web Mercator"),
        ("EPSG:2263", "EPSG:2263（单位不是米）", "EPSG:2263 (not in metres)"),
    ],
)
def test_an_unfit_crs_is_named_with_the_reason_and_the_line_to_write(crs, zh, en):
    layer = GOOD.set_crs(crs, allow_override=True)
    with pytest.raises(CRSError) as refused:
        link_communities(layer)
    assert zh in refused.value.in_language("zh")
    assert en in refused.value.in_language("en")
    for lang in ("zh", "en"):
        assert "gdf.to_crs(...)" in refused.value.in_language(lang)
        assert "gdf.set_crs(...)" in refused.value.in_language(lang)


def test_layers_in_two_crs_are_both_named_without_a_reason():
    with pytest.raises(CRSError, match=r"barriers 为 EPSG:4549，communities 为 EPSG:4548。") as refused:
        require_metric(communities=GOOD, barriers=GOOD.set_crs("EPSG:4549", allow_override=True))
    assert "barriers: EPSG:4549, communities: EPSG:4548." in str(refused.value)


def test_an_error_shows_both_languages_chinese_first_and_survives_another_process():
    error = ConfigError("错了。", "Wrong.")
    assert str(error) == "错了。\nWrong."
    assert str(ConfigError("A1", "A1")) == "A1"
    finding = Finding(
        severity="error", code="c", layer="parcels", text=Text("面积为负", "area below 0"), features=by_key(["P1"])
    )
    data = DataError([finding])
    assert str(data).startswith("数据有 1 处问题，需先改正：\n")
    assert "The data has 1 fault to mend first:\n" in str(data)
    for each in (error, data):
        again = pickle.loads(pickle.dumps(each))
        assert (str(again), type(again), again.text) == (str(each), type(each), each.text)
    assert pickle.loads(pickle.dumps(data)).findings == data.findings
