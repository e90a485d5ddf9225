"""How verdicts on land and premises are put into words: nothing twice, unknown is not no, and no value without use."""

import datetime

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point, box

from gis_renovation.land.evidence import weigh_idleness
from gis_renovation.land.ledger import assess_premises
from gis_renovation.land.parcels import assess_parcels
from gis_renovation.rules import Rule
from gis_renovation.words import Text

CRS = "EPSG:4548"
DAY = datetime.date(2024, 9, 30)


def rule(measure, role="decides", text=("现场核查为空闲", "Found vacant on inspection"), **rest):
    wish = {"operator": "in", "value": ("yes",), **rest}
    return Rule(id="r", layer=wish.pop("layer", "parcels"), measure=measure, role=role, text=Text(*text), **wish)


def said(one, **columns):
    frame = gpd.GeoDataFrame(columns, geometry=[box(0, 0, 50, 50)], index=["P1"], crs=CRS)
    row = assess_parcels(frame, rules=(one,), as_of=DAY).iloc[0]
    return row["reason_zh"], row["reason_en"]


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (True, "符合：现场核查为空闲", "passes: Found vacant on inspection"),
        (False, "不符合：现场核查为空闲", "fails: Found vacant on inspection"),
        (None, "未知：现场核查为空闲（未登记）", "unknown: Found vacant on inspection (not recorded)"),
    ],
)
def test_a_yes_or_no_is_said_by_the_verdict_and_nothing_is_said_twice(value, zh, en):
    assert said(rule("inspected_vacant"), inspected_vacant=pd.array([value], dtype="boolean")) == (zh, en)


def test_notes_that_do_not_hold_are_no_such_case_and_what_nobody_looked_at_is_not_checked():
    lines = {"text": ("位于采煤沉陷区，须取得稳定性意见", "In mining subsidence"), "role": "notes"}
    subsidence = rule("in_subsidence", layer="premises", **lines)
    room = gpd.GeoDataFrame(geometry=[Point(20, 20)], index=["R1"], crs=CRS)
    ground = gpd.GeoDataFrame({"kind": ["subsidence"]}, geometry=[box(900, 0, 950, 50)], index=["L1"], crs=CRS)

    def note(lines):
        return assess_premises(room, control_lines=lines, rules=(subsidence,), as_of=DAY).iloc[0]["reason_zh"]

    assert note(ground) == "无此情形：位于采煤沉陷区，须取得稳定性意见"
    assert note(ground.set_geometry([box(0, 0, 90, 90)], crs=CRS)) == "提示：位于采煤沉陷区，须取得稳定性意见"
    assert note(None) == "未知：位于采煤沉陷区，须取得稳定性意见（没有控制线图层，未核查）"
    other = ground.assign(kind="green")
    assert "未核查；确无此线时请写入 checked_kinds" in note(other)


def test_the_one_word_a_rule_asks_for_is_not_said_again_and_one_of_several_is():
    state = rule("ownership", text=("土地为国有", "The land is state-owned"), value=("state",))
    assert said(state, ownership=["state"]) == ("符合：土地为国有", "passes: The land is state-owned")
    assert said(state, ownership=["collective"])[0] == "不符合：土地为国有（集体）"
    either = rule("ownership", text=("土地为国有或集体", "State or collective land"), value=("state", "collective"))
    assert said(either, ownership=["state"])[0] == "符合：土地为国有或集体（国有）"


def test_a_number_is_told_beside_its_rule_whether_it_holds_or_not():
    large = rule(
        "floor_area_m2",
        "notes",
        ("可设综合体", "Fits a complex"),
        operator=">=",
        value=600.0,
        unit="m²",
        layer="premises",
    )
    rooms = gpd.GeoDataFrame({"floor_area_m2": [617.6, 125.6]}, geometry=[Point(0, 0)] * 2, index=["R1", "R2"], crs=CRS)
    ledger = assess_premises(rooms, rules=(large,), as_of=DAY)
    assert ledger["reason_zh"].tolist() == ["提示：可设综合体（617.60 m²）", "无此情形：可设综合体（125.60 m²）"]


def test_meters_of_several_kinds_are_not_added_up():
    parcels = gpd.GeoDataFrame(
        geometry=[box(k * 90, 0, k * 90 + 50, 50) for k in range(3)], index=["P1", "P2", "P3"], crs=CRS
    )
    readings = pd.DataFrame(
        {
            "place_id": ["P1", "P1", "P2", "P3", "P3"],
            "kind": ["water", "power", "water", "water", "gas"],
            "read_on": [datetime.date(2024, 6, 30)] * 5,
            "used_amount": [100.0, 2000.0, 30.0, 0.0, 0.0],
        }
    )
    found = weigh_idleness(parcels, meter_readings=readings, as_of=DAY)
    meter = found[found["evidence"] == "meter"].set_index("parcel_id")
    assert meter["finding"].tolist() == ["used", "used", "idle"]
    assert meter["value"].isna().tolist() == [True, False, False]
    assert meter["value"].tolist()[1:] == [30.0, 0.0]
    assert meter["reason_zh"].tolist() == [
        "水电气用量近一年不为 0（2024-06-30）：指向在用",
        "水电气用量近一年不为 0（2024-06-30）：指向在用",
        "水电气用量近一年为 0（2024-06-30）：指向闲置",
    ]
