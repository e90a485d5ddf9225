"""Evidence of idleness: direction, age, weight and conflict of each piece."""

import datetime
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError
from gis_renovation.land.evidence import (
    DEFAULT_WEIGHTS,
    ShownOn,
    grade_vacant_premises,
    sum_idleness,
    sum_vacancy,
    weigh_idleness,
    weigh_vacancy,
)
from gis_renovation.run.binding import gather_arguments
from gis_renovation.schemas import layer_schema

DAY = datetime.date
AS_OF = DAY(2024, 9, 30)
CRS = "EPSG:4548"


def parcels(**facts):
    facts = {"inspected_vacant": True, "inspected_on": AS_OF} | facts
    return gpd.GeoDataFrame(
        [facts, {}], geometry=[shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)], crs=CRS,
        index=pd.Index(["P1", "P2"], name="parcel_id", dtype=object),
    )  # fmt: skip


def table(**columns):
    return pd.DataFrame({name: [value] for name, value in columns.items()}, index=pd.Index(["P1"], name="parcel_id"))


def lines(places=None, *args, **options):
    options = gather_arguments(weigh_idleness, options)
    found = weigh_idleness(parcels() if places is None else places, *args, as_of=AS_OF, **options)
    return found[found["parcel_id"] == "P1"].set_index("evidence")


def test_what_nobody_looked_at_is_unknown_and_weighs_nothing():
    found = lines(parcels(inspected_vacant=None))
    assert set(found["finding"]) == {"unknown"}
    assert (found["log_odds"] == 0.0).all()
    total = sum_idleness(parcels(), weigh_idleness(parcels(inspected_vacant=None), as_of=AS_OF))
    assert list(total["strength_share"]) == [0.5, 0.5]


@pytest.mark.parametrize(("vacant", "sign", "finding"), [(True, 1, "idle"), (False, -1, "used")])
def test_an_inspection_today_counts_in_full_for_its_side(vacant, sign, finding):
    found = lines(parcels(inspected_vacant=vacant)).loc["inspection"]
    assert found["finding"] == finding
    assert found["log_odds"] == sign * DEFAULT_WEIGHTS["inspection"]


def test_evidence_fades_with_age_and_without_a_date_counts_by_half():
    old = lines(parcels(inspected_on=DAY(2018, 9, 30))).loc["inspection", "log_odds"]
    assert old == pytest.approx(DEFAULT_WEIGHTS["inspection"] / 4, rel=0.001)  # two half-lives of three years
    undated = lines(parcels(inspected_on=None)).loc["inspection"]
    assert undated["log_odds"] == DEFAULT_WEIGHTS["inspection"] / 2
    assert "日期不明" in undated["reason_zh"]


@pytest.mark.parametrize(("change", "finding"), [(0.2, "idle"), (0.0, "unclear"), (-0.3, "used"), (np.nan, "unknown")])
def test_growth_speaks_for_idle_and_clearing_for_use(change, finding):
    found = lines(None, None, table(greenness_change=change), greenness_after_on=AS_OF).loc["greenness"]
    assert found["finding"] == finding


@pytest.mark.parametrize(("width", "finding"), [(0.3, "idle"), (2, "unclear"), (5, "used")])
def test_buildings_speak_by_the_ground_they_cover(width, finding):
    house = gpd.GeoDataFrame(
        geometry=[shapely.box(0, 0, width, 10)], index=pd.Index(["B"], name="building_id"), crs=CRS
    )
    assert lines(None, house).loc["building_coverage", "finding"] == finding


def test_night_light_says_nothing_until_its_thresholds_are_given():
    light = table(night_light=0.2)
    assert lines(parcel_night_light=light).loc["night_light", "finding"] == "unclear"
    assert lines(parcel_night_light=light, dark_below=1.0).loc["night_light", "finding"] == "idle"
    assert lines(parcel_night_light=light, lit_above=0.1).loc["night_light", "finding"] == "used"


@pytest.mark.parametrize(("change", "finding"), [(-0.4, "idle"), (0.1, "unclear"), (0.5, "used"), (np.nan, "unknown")])
def test_light_gone_out_speaks_for_idle_and_light_come_on_for_use(change, finding):
    light = table(night_light_change_share=change)
    found = lines(parcel_night_light=light, night_light_on=AS_OF).loc["night_light_change"]
    assert found["finding"] == finding
    assert finding != "idle" or "-40%" in found["reason_zh"]


@pytest.mark.parametrize(("pixels", "finding"), [(0.4, "unclear"), (1.0, "idle")])
def test_a_raster_coarser_than_the_parcel_proves_nothing(pixels, finding):
    cover = table(bare_share=0.9, pixel_count=pixels)
    found = lines(parcel_land_cover=cover, land_cover_on=AS_OF).loc["bare_ground"]
    assert found["finding"] == finding
    assert ("像元大于宗地" in found["reason_zh"]) == (finding == "unclear")
    assert found["log_odds"] == (0.0 if finding == "unclear" else DEFAULT_WEIGHTS["bare_ground"])


def test_every_kind_of_evidence_can_be_removed_alone():
    house = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 0.1, 10)], index=pd.Index(["B"], name="building_id"), crs=CRS)
    every = (
        house,
        table(greenness_change=0.3),
        table(night_light=0.1, night_light_change_share=-0.9),
        table(bare_share=1.0),
    )
    meters = pd.DataFrame({"place_id": ["P1"], "read_on": [AS_OF], "used_amount": [0.0]})
    whole = lines(None, *every, meter_readings=meters, dark_below=1.0)["log_odds"]
    assert (whole > 0.0).all()
    assert set(whole.index) == set(DEFAULT_WEIGHTS)
    for name in DEFAULT_WEIGHTS:
        without = lines(None, *every, meter_readings=meters, dark_below=1.0, evidence_weights={name: 0.0})["log_odds"]
        assert without[name] == 0.0
        pd.testing.assert_series_equal(without.drop(name), whole.drop(name))


@pytest.mark.parametrize(
    ("amounts", "days", "finding"),
    [
        ([0.0, 0.0], [DAY(2024, 3, 1), DAY(2024, 9, 1)], "idle"),
        ([0.0, 3.0], [DAY(2024, 3, 1), DAY(2024, 9, 1)], "used"),
        ([5.0, 0.0], [DAY(2022, 3, 1), DAY(2024, 9, 1)], "idle"),  # only the last year counts
        ([0.0, None], [DAY(2022, 3, 1), DAY(2024, 9, 1)], "unknown"),
    ],
)
def test_meters_speak_for_the_last_year(amounts, days, finding):
    readings = pd.DataFrame({"place_id": "P1", "read_on": days, "used_amount": amounts})
    assert lines(meter_readings=readings).loc["meter", "finding"] == finding


def test_a_weight_of_zero_removes_a_kind_of_evidence():
    assert lines(evidence_weights={"inspection": 0.0}).loc["inspection", "log_odds"] == 0.0
    with pytest.raises(ConfigError, match="inspection"):
        lines(evidence_weights={"inspektion": 0.0})


def test_contradicting_pieces_are_shown_as_a_conflict():
    house = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 10)], index=pd.Index(["B"], name="building_id"), crs=CRS)
    evidence = weigh_idleness(parcels(), house, as_of=AS_OF, shown_on=ShownOn(buildings_on=AS_OF))
    total = sum_idleness(parcels(), evidence)
    assert total["conflict"].tolist() == [True, False]
    row = total.loc["P1"]
    assert row["log_odds"] == DEFAULT_WEIGHTS["inspection"] - DEFAULT_WEIGHTS["building_coverage"]
    assert row["strength_share"] == pytest.approx(1 / (1 + math.exp(-row["log_odds"])))
    assert row["evidence_zh"].index("现场核查") < row["evidence_zh"].index("建筑占地")


def test_results_keep_their_schemas_and_empty_in_gives_empty_out():
    for places in (parcels(), parcels().iloc[:0]):
        evidence = weigh_idleness(places, as_of=AS_OF)
        total = sum_idleness(places, evidence)
        assert (len(evidence), len(total)) == (len(places) * len(DEFAULT_WEIGHTS), len(places))
        for result, name in ((evidence, "idle_evidence"), (total, "idle_strength")):
            schema = layer_schema(name)
            assert [fault for fault in check_layer(result, schema) if fault.severity == "error"] == []
            assert ({*result.columns, schema.key} - {""}) == set(schema.fields)


# --- rooms and buildings --------------------------------------------------------------------------


def rooms(**status):
    index = pd.Index(list(status), name="premises_id", dtype=object)
    shapes = [shapely.Point(10.0 * i, 0) for i in range(len(status))]
    return gpd.GeoDataFrame({"status": list(status.values())}, geometry=shapes, index=index, crs=CRS)


def meter(place, amount):
    return pd.DataFrame(
        {"place_id": [place], "kind": ["power"], "read_on": [DAY(2024, 6, 30)], "used_amount": [amount]}
    )


def of_rooms(status, readings, **options):
    options = gather_arguments(weigh_vacancy, options | {"premises_on": AS_OF})
    table = weigh_vacancy(rooms(R1=status), readings, as_of=AS_OF, **options)
    return table.set_index("evidence"), sum_vacancy(rooms(R1=status), table).loc["R1"]


@pytest.mark.parametrize(
    ("status", "amount", "idle", "used", "conflict"),
    [("vacant", 0.0, 2, 0, False), ("vacant", 12.0, 1, 1, True), ("used", 12.0, 0, 2, False), (None, 0.0, 1, 0, False)],
)
def test_meters_speak_for_rooms_too_and_may_contradict_their_register(status, amount, idle, used, conflict):
    _, total = of_rooms(status, meter("R1", amount))
    assert (total["idle_count"], total["used_count"], total["conflict"]) == (idle, used, conflict)


def test_a_room_without_readings_is_not_checked_and_one_partly_used_is_unclear():
    found, total = of_rooms("partly_used", meter("other", 0.0))
    assert found.loc["meter", "finding"] == "unknown"
    assert found.loc["inspection", "finding"] == "unclear"
    assert total["strength_share"] == 0.5


def test_the_evidence_on_rooms_has_dates_and_weights_and_is_removable():
    found, total = of_rooms("vacant", meter("R1", 0.0))
    fading = 0.5 ** ((AS_OF - DAY(2024, 6, 30)).days / 365.25 / 3.0)
    expected = DEFAULT_WEIGHTS["inspection"] + DEFAULT_WEIGHTS["meter"] * fading
    assert total["log_odds"] == pytest.approx(expected)
    assert list(found["observed_on"]) == [AS_OF, DAY(2024, 6, 30)]
    _, without = of_rooms("vacant", meter("R1", 0.0), evidence_weights={"meter": 0.0})
    assert without["log_odds"] == DEFAULT_WEIGHTS["inspection"]


def assessed(*verdicts):
    index = pd.Index([f"R{i}" for i in range(len(verdicts))], name="premises_id", dtype=object)
    names = ("name", "floor_area_m2", "storey", "holder_kind", "right_type", "leasing_approval",
             "nearest_community_id", "community_distance_m")  # fmt: skip
    frame = gpd.GeoDataFrame(
        {"verdict": verdicts}, geometry=[shapely.box(0, 0, 4, 4)] * len(index), index=index, crs=CRS
    )
    numbers = {"floor_area_m2": 80.0, "storey": 1.0, "community_distance_m": 5.0, "leasing_approval": "no"}
    return frame.assign(**{name: numbers.get(name) for name in names})


def test_candidate_rooms_are_points_graded_by_the_strength_of_the_evidence():
    places = assessed("candidate", "candidate", "candidate", "excluded", "candidate")
    shares = [0.95, 0.9, 0.6, 0.99, 0.59]
    sums = pd.DataFrame({"strength_share": shares, "conflict": False}, index=places.index)
    found = grade_vacant_premises(places, sums)
    assert dict(found["strength"]) == {"R0": "strong", "R1": "strong", "R2": "medium", "R4": "weak"}
    assert (found.geom_type == "Point").all()
    assert found.within(places.geometry.loc[found.index]).all()
    assert [f for f in check_layer(found, layer_schema("vacant_candidates")) if f.severity == "error"] == []
    assert len(grade_vacant_premises(assessed(), sums.iloc[:0])) == 0
    with pytest.raises(ConfigError, match=r"强 0\.5、中 0\.6"):
        grade_vacant_premises(places, sums, strong_share=0.5)


def test_candidate_rooms_tell_the_nearest_zone_in_need_and_unknown_where_there_are_no_zones():
    places = assessed("candidate")
    sums = pd.DataFrame({"strength_share": [0.5], "conflict": False}, index=places.index)
    zone = gpd.GeoDataFrame(
        {"name": ["东片区"], "need_improvement": [1.0], "need_enhancement": [np.nan]},
        geometry=[shapely.box(34, 0, 50, 4)],
        index=pd.Index(["Z1"], name="zone_id"),
        crs=CRS,
    )
    row = grade_vacant_premises(places, sums, zone).loc["R0"]
    assert (row["need_zone_id"], row["need_zone_name"], row["need_zone_distance_m"]) == ("Z1", "东片区", 30.0)
    alone = grade_vacant_premises(places, sums).loc["R0"]
    assert alone["need_zone_state"] == "unknown"
    assert np.isnan(alone["need_zone_distance_m"])
