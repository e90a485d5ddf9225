"""Idle land: planted parcels, one input flipped at a time."""

import datetime
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError, CRSError, DataError
from gis_renovation.land.candidates import screen_parcels, screen_premises, show_candidate_ledger
from gis_renovation.land.ledger import _judge, assess_premises
from gis_renovation.land.measures import Measure, RegisterReading, calendar_years
from gis_renovation.land.parcels import assess_parcels
from gis_renovation.rule_packs import rules_in_force
from gis_renovation.rules import Rule
from gis_renovation.schemas import layer_schema
from gis_renovation.words import Text

DAY = datetime.date
AS_OF = DAY(2024, 9, 30)
RULES = rules_in_force()
CRS = "EPSG:4548"
KINDS = tuple(layer_schema("control_lines").fields["kind"].values)


def layer(key, rows):
    """A layer from {id: (geometry, attributes)}."""
    frame = gpd.GeoDataFrame(
        [attributes for _, attributes in rows.values()], geometry=[shape for shape, _ in rows.values()], crs=CRS
    )
    frame.index = pd.Index(list(rows), name=key, dtype=object)
    return frame


GOOD = {
    "ownership": "state",
    "holder_kind": "government",
    "right_type": "granted",
    "inspected_vacant": True,
    "registered_area_m2": 600.0,
    "code_system": "survey",
    "land_use_code": "0701",
    "start_due_on": DAY(2024, 6, 1),
    "started_on": DAY(2024, 5, 1),
    "stopped_on": DAY(2024, 8, 1),
    "built_share": 0.5,
    "invested_share": 0.5,
    "term_end_on": DAY(2060, 1, 1),
}
# A parcel of 30 x 20 m; a community 50 m east of it; a house far off.
PLOT = shapely.box(0, 0, 30, 20)
COMMUNITY = shapely.box(80, 0, 180, 100)
FAR_OFF = shapely.box(900, 900, 950, 950)


def city(plot=PLOT, community=COMMUNITY, house=FAR_OFF, line=("yellow", FAR_OFF), **attributes):
    return {
        "parcels": layer("parcel_id", {"P1": (plot, GOOD | attributes)}),
        "communities": layer("community_id", {"C1": (community, {"name": "甲"})}),
        "control_lines": layer("control_line_id", {"L1": (line[1], {"kind": line[0]})}),
        "buildings": layer("building_id", {"B1": (house, {"floors": 5})}),
        "parcel_greenness": pd.DataFrame(
            {"greenness_after": [0.3], "greenness_change": [0.0]}, index=pd.Index(["P1"], name="parcel_id")
        ),
    }


def assess(layers, **more):
    reading = RegisterReading(**({"checked_kinds": KINDS} | more))
    return assess_parcels(**layers, rules=RULES, as_of=AS_OF, reading=reading)


def verdicts(layers, **more):
    return assess(layers, **more).set_index("rule_id")["verdict"]


def outcome(layers, **more):
    return screen_parcels(layers["parcels"], assess(layers, **more), layers["communities"]).loc["P1"]


def test_a_vacant_public_plot_near_a_community_is_a_candidate_and_nothing_more():
    found = outcome(city())
    assert found["verdict"] == "candidate"
    assert found["failed_count"] == found["unknown_count"] == 0
    assert found["passed_count"] == sum(rule.layer == "parcels" and rule.role == "decides" for rule in RULES)
    assert found["nearest_community_id"] == "C1"
    assert found["community_distance_m"] == 50.0
    assert "认定" not in found["reason_zh"]


NEAR_MISS = shapely.box(340, 0, 400, 60)

FLIPS = [
    ({"ownership": "collective"}, "parcel_state_owned", "no"),
    ({"ownership": None}, "parcel_state_owned", "unknown"),
    ({"holder_kind": "company"}, "parcel_holder_public", "no"),
    ({"holder_kind": "owners"}, "parcel_holder_public", "unknown"),
    ({"holder_kind": None}, "parcel_holder_public", "unknown"),
    ({"inspected_vacant": False}, "parcel_vacant", "no"),
    ({"inspected_vacant": None}, "parcel_vacant", "unknown"),
    ({"house": shapely.box(0, 0, 10, 10)}, "parcel_not_built", "no"),
    ({"line": ("prime_farmland", shapely.box(0, 0, 15, 20))}, "parcel_outside_prime_farmland", "no"),
    ({"line": ("ecological_redline", shapely.box(0, 0, 15, 20))}, "parcel_outside_ecological_redline", "no"),
    ({"line": ("prime_farmland", shapely.box(0, 0, 0.2, 20))}, "parcel_outside_prime_farmland", "unknown"),
    ({"community": NEAR_MISS}, "parcel_in_reach", "no"),
    ({"community": shapely.box(-50, -50, 20, 100)}, "parcel_not_shared_land", "unknown"),
    ({"registered_area_m2": 500.0}, "parcel_area_differs", "yes"),
    ({"registered_area_m2": 0.0}, "parcel_area_differs", "unknown"),
    ({"right_type": "allocated"}, "parcel_leasing_approval", "yes"),
    ({"right_type": None}, "parcel_leasing_approval", "unknown"),
    ({"built_share": 0.3}, "parcel_built_low", "yes"),
    ({"built_share": np.nan}, "parcel_built_low", "unknown"),
    ({"invested_share": 0.2}, "parcel_invested_low", "yes"),
    ({"stopped_on": DAY(2023, 9, 1)}, "parcel_stopped_long", "yes"),
    ({"stopped_on": None}, "parcel_stopped_long", "unknown"),
    ({"started_on": None}, "parcel_start_overdue", "unknown"),
    ({"term_end_on": DAY(2024, 1, 1)}, "parcel_term_ended", "yes"),
    ({"code_system": "survey", "land_use_code": "1201"}, "parcel_surveyed_vacant", "yes"),
    ({"code_system": "survey", "land_use_code": "9999"}, "parcel_surveyed_vacant", "unknown"),
    *(
        ({"line": (kind, shapely.box(0, 0, 15, 20))}, rule, "yes")
        for kind, rule in {
            "road_redline": "parcel_in_road_redline",
            "blue": "parcel_in_blue_line",
            "green": "parcel_in_green_line",
            "purple": "parcel_in_purple_line",
            "yellow": "parcel_in_yellow_line",
            "rail_protection": "parcel_in_rail_protection",
            "fire_access": "parcel_in_fire_access",
            "subsidence": "parcel_in_subsidence",
            "geohazard": "parcel_in_geohazard",
        }.items()
    ),
]


@pytest.mark.parametrize(
    ("change", "rule_id", "verdict"), FLIPS, ids=[f"{r}-{v}-{i}" for i, (_, r, v) in enumerate(FLIPS)]
)
def test_flipping_one_input_flips_exactly_one_line(change, rule_id, verdict):
    before, after = verdicts(city()), verdicts(city(**change))
    assert after[rule_id] == verdict
    assert list(before.index[before != after]) == [rule_id]


def test_a_tiny_plot_fails_by_its_area_alone():
    before, after = verdicts(city()), verdicts(city(plot=shapely.box(0, 0, 12, 10), registered_area_m2=120.0))
    assert list(before.index[before != after]) == ["parcel_area_usable"]


@pytest.mark.parametrize(
    ("missing", "rule_ids"),
    [
        ("communities", {"parcel_in_reach", "parcel_not_shared_land"}),
        ("buildings", {"parcel_not_built"}),
        ("parcel_greenness", {"parcel_greenness_lost"}),
        ("control_lines", {rule.id for rule in RULES if rule.layer == "parcels" and rule.measure[:-3] in KINDS}),
    ],
)
def test_a_missing_layer_leaves_its_rules_unknown_and_says_not_checked(missing, rule_ids):
    before = verdicts(city())
    ledger = assess(city() | {missing: None}).set_index("rule_id")
    changed = ledger[ledger["verdict"] != before]
    assert set(changed.index) == rule_ids
    assert set(changed["verdict"]) == {"unknown"}
    assert changed["reason_zh"].str.contains("未核查").all()
    assert changed["value"].isna().all()


def test_a_kind_of_control_line_that_nobody_listed_as_checked_is_unknown_not_zero():
    found = verdicts(city(), checked_kinds=("blue",))
    assert found["parcel_in_blue_line"] == "no"
    assert found["parcel_in_yellow_line"] == "no"  # the layer holds yellow lines
    assert found["parcel_outside_prime_farmland"] == "unknown"
    assert outcome(city(), checked_kinds=())["verdict"] == "unknown"


def test_an_empty_control_line_file_is_no_proof_of_anything():
    layers = city()
    layers["control_lines"] = layers["control_lines"].iloc[:0]
    assert outcome(layers, checked_kinds=())["verdict"] == "unknown"


@pytest.mark.parametrize(("change", "rule_id", "verdict"), FLIPS)
def test_unknown_never_passes_and_no_always_excludes(change, rule_id, verdict):
    rule = next(rule for rule in RULES if rule.id == rule_id)
    found = outcome(city(**change))
    if rule.role == "notes":
        assert found["verdict"] == "candidate"
    else:
        assert found["verdict"] == {"no": "excluded", "unknown": "unknown"}[verdict]
        assert found["deciding_rules"] == rule_id
        assert rule.text.zh in found["reason_zh"]


def test_the_cards_ledger_of_a_candidate_is_whole_and_keeps_only_the_contracts_figures_back():
    layers = city(built_share=0.1)
    ledger = assess(layers)
    shown = show_candidate_ledger(screen_parcels(layers["parcels"], ledger, layers["communities"]), ledger)
    assert list(shown["rule_id"]) == list(ledger["rule_id"])
    assert list(shown["verdict"]) == list(ledger["verdict"])
    found = shown.set_index("rule_id")
    reasons = ledger.set_index("rule_id")
    assert found.loc["parcel_area_usable", "found_zh"] == reasons.loc["parcel_area_usable", "reason_zh"]
    assert "600.00 m²" in found.loc["parcel_area_usable", "found_zh"]
    built = found.loc["parcel_built_low"]
    assert built["found_zh"] == "提示：已建面积不足应建面积三分之一（数值受限，见工作簿）"
    assert "10.0%" in reasons.loc["parcel_built_low", "reason_zh"]
    assert "10.0%" not in built["found_zh"] + built["found_en"]
    assert found.loc["parcel_area_usable", "needs_en"] == "≥ 150 m²"
    assert found.loc["parcel_state_owned", ["needs_zh", "needs_en"]].tolist() == ["为国有", "is state"]
    assert found.loc["parcel_stopped_long", "needs_en"] == "≥ 1 years"
    excluded = city(ownership="collective")
    ledger = assess(excluded)
    assert len(show_candidate_ledger(screen_parcels(excluded["parcels"], ledger), ledger)) == 0


def test_a_failed_number_tells_how_far_it_is_from_passing():
    ledger = assess(city(community=NEAR_MISS)).set_index("rule_id")
    assert ledger.loc["parcel_in_reach", "value"] == 310.0
    assert ledger.loc["parcel_in_reach", "distance"] == 10.0
    assert "差 10.0 m" in ledger.loc["parcel_in_reach", "reason_zh"]
    assert ledger["distance"].notna().sum() == (ledger["value"].notna() & (ledger["verdict"] == "no")).sum()


def test_every_excluded_parcel_has_a_reason_and_every_unknown_is_listed():
    found = outcome(city(ownership="collective", inspected_vacant=None, holder_kind="company"))
    assert found["deciding_rules"] == "parcel_state_owned, parcel_holder_public"
    assert (found["failed_count"], found["unknown_count"]) == (2, 1)


def test_the_same_code_is_vacant_land_in_one_system_and_a_railway_in_another():
    found = {
        system: verdicts(city(code_system=system, land_use_code="1201"))["parcel_surveyed_vacant"]
        for system in ("survey", "sea_land_2023", None)
    }
    assert found == {"survey": "yes", "sea_land_2023": "no", None: "unknown"}


def test_a_seen_certificate_settles_land_inside_a_compound():
    inside = city(community=shapely.box(-50, -50, 100, 100))
    assert outcome(inside)["verdict"] == "unknown"
    assert outcome(inside, certified_parcel_ids=("P1",))["verdict"] == "candidate"


LEGAL = [
    # due 16 months before, never begun: only a register that leaves blanks for that says so
    ({"start_due_on": DAY(2023, 6, 1), "started_on": None, "stopped_on": None}, "unknown", "yes"),
    ({"start_due_on": DAY(2023, 12, 1), "started_on": None, "stopped_on": None}, "unknown", "no"),
    ({"start_due_on": None, "started_on": None, "stopped_on": None}, "unknown", "unknown"),
    # begun, under a third built, stopped for 13 months
    ({"built_share": 0.3, "stopped_on": DAY(2023, 8, 30)}, "yes", "yes"),
    ({"built_share": 0.34, "stopped_on": DAY(2023, 8, 30)}, "no", "no"),
    ({"built_share": 0.34, "invested_share": 0.24, "stopped_on": DAY(2023, 8, 30)}, "yes", "yes"),
    ({"built_share": np.nan, "stopped_on": DAY(2023, 8, 30)}, "unknown", "unknown"),
    ({"built_share": np.nan, "invested_share": 0.24, "stopped_on": DAY(2023, 8, 30)}, "yes", "yes"),
    ({"built_share": 0.3, "stopped_on": DAY(2023, 10, 30)}, "no", "no"),
    ({"built_share": 0.3, "stopped_on": None}, "unknown", "unknown"),
    ({"built_share": 0.3, "stopped_on": DAY(2023, 8, 30), "ownership": "collective"}, "no", "no"),
    ({"built_share": 0.3, "stopped_on": DAY(2023, 8, 30), "ownership": None}, "unknown", "unknown"),
]


@pytest.mark.parametrize(("contract", "expected", "when_blank_is_not_started"), LEGAL)
def test_the_legal_test_is_three_valued_and_decides_nothing(contract, expected, when_blank_is_not_started):
    layers = city(**contract)
    for blank, answer in (("unknown", expected), ("not_started", when_blank_is_not_started)):
        ledger = assess(layers, blank_start=blank)
        found = screen_parcels(layers["parcels"], ledger, blank_start=blank).loc["P1"]
        assert found["legal_idle"] == answer


def test_what_contracts_say_is_kept_out_of_the_open_remarks():
    found = outcome(city(built_share=0.1, right_type="allocated"))
    assert "划拨" in found["notes_zh"]
    assert "三分之一" not in found["notes_zh"]
    assert "三分之一" in found["contract_notes_zh"]
    assert found["leasing_approval"] == "yes"


def test_drawn_registered_and_geodesic_area_stand_side_by_side():
    found = outcome(city(registered_area_m2=500.0))
    assert found["area_m2"] == 600.0
    assert found["registered_area_m2"] == 500.0
    assert found["area_difference_share"] == pytest.approx(0.2)
    assert found["geodesic_area_m2"] == pytest.approx(600.0, rel=0.01)
    assert found["geodesic_area_m2"] != 600.0


def test_columns_that_no_bureau_gave_are_unknown_throughout():
    parcels = city()["parcels"][["geometry"]]
    ledger = assess_parcels(parcels, rules=RULES, as_of=AS_OF).set_index("rule_id")["verdict"]
    assert ledger.pop("parcel_area_usable") == "yes"
    assert set(ledger) == {"unknown"}


def test_results_keep_their_schemas():
    layers = city()
    ledger = assess(layers)
    premises = layer("premises_id", {"R1": (shapely.Point(1, 1), ROOM)})
    rooms = assess_premises(premises, layers["communities"], layers["control_lines"], rules=RULES, as_of=AS_OF)
    for result, name in (
        (ledger, "parcel_ledger"),
        (screen_parcels(layers["parcels"], ledger, layers["communities"]), "idle_parcels"),
        (rooms, "premises_ledger"),
        (screen_premises(premises, rooms, layers["communities"]), "idle_premises"),
    ):
        schema = layer_schema(name)
        assert check_layer(result, schema) == []
        assert ({*result.columns, schema.key} - {"geometry", ""}) == set(schema.fields)


def test_empty_in_gives_empty_out_with_the_same_columns():
    layers = city()
    full = assess(layers)
    empty = layers | {"parcels": layers["parcels"].iloc[:0]}
    ledger = assess(empty)
    assert len(ledger) == 0
    assert ledger.dtypes.to_dict() == full.dtypes.to_dict()
    found = screen_parcels(empty["parcels"], ledger, layers["communities"])
    assert len(found) == 0
    assert list(found.columns) == list(screen_parcels(layers["parcels"], full, layers["communities"]).columns)


def test_a_ledger_of_other_parcels_is_refused():
    layers = city()
    with pytest.raises(DataError, match="1 个要素没有判定"):
        screen_parcels(layers["parcels"], assess(layers).iloc[:0])


def test_degrees_are_refused():
    layers = city()
    layers["parcels"] = layers["parcels"].to_crs("EPSG:4490")
    with pytest.raises(CRSError):
        assess(layers)


def test_an_unknown_kind_in_checked_kinds_is_refused_with_the_nearest_one():
    with pytest.raises(ConfigError, match="purple"):
        assess(city(), checked_kinds=("puple",))


def random_city(seed, count=25):
    rng = np.random.default_rng(seed)
    at = rng.uniform(0, 400, (count, 2))
    size = rng.uniform(5, 60, (count, 2))

    def pick(*values):
        return rng.choice(np.array(values, dtype=object), count)

    boxes = shapely.box(*at.T, *(at + size).T)
    parcels = gpd.GeoDataFrame(
        {
            "ownership": pick("state", "collective", None),
            "holder_kind": pick("government", "none", "company", "owners", None),
            "inspected_vacant": pick(True, True, False, None),
        },
        geometry=boxes,
        index=pd.Index([f"P{i:02d}" for i in range(count)], name="parcel_id", dtype=object),
        crs=CRS,
    )
    lots = rng.uniform(0, 400, (12, 2))
    rounds = shapely.buffer(shapely.points(lots), rng.uniform(10, 80, 12))
    return {
        "parcels": parcels,
        "communities": gpd.GeoDataFrame(
            geometry=rounds[:4], index=pd.Index(list("ABCD"), name="community_id", dtype=object), crs=CRS
        ),
        "control_lines": gpd.GeoDataFrame(
            {"kind": ["prime_farmland", "prime_farmland", "blue", "subsidence"]},
            geometry=rounds[4:8],
            index=pd.Index(list("abcd"), name="control_line_id", dtype=object),
            crs=CRS,
        ),
        "buildings": gpd.GeoDataFrame(
            geometry=rounds[8:], index=pd.Index(list("wxyz"), name="building_id", dtype=object), crs=CRS
        ),
    }


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_areas_and_distances_equal_plain_loops(seed):
    layers = random_city(seed)
    ledger = assess_parcels(**layers, rules=RULES, as_of=AS_OF).set_index(["parcel_id", "measure"])["value"]
    farmland = layers["control_lines"].query("kind == 'prime_farmland'").geometry.union_all()
    for parcel_id, shape in layers["parcels"].geometry.items():
        inside = shape.intersection(farmland).area
        assert ledger[parcel_id, "prime_farmland_m2"] == pytest.approx(inside, abs=0.005)
        for measure, name in (("building_coverage_share", "buildings"), ("inside_community_share", "communities")):
            share = shape.intersection(layers[name].geometry.union_all()).area / shape.area
            assert ledger[parcel_id, measure] == pytest.approx(share, abs=1e-9)
        nearest = min(shape.distance(other) for other in layers["communities"].geometry)
        assert ledger[parcel_id, "community_distance_m"] == pytest.approx(nearest)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_row_order_and_position_change_nothing(seed):
    layers = random_city(seed)
    first = assess_parcels(**layers, rules=RULES, as_of=AS_OF)
    shuffled = {name: frame.sample(frac=1, random_state=seed % 1000) for name, frame in layers.items()}
    pd.testing.assert_frame_equal(assess_parcels(**shuffled, rules=RULES, as_of=AS_OF), first)
    moved = {name: frame.set_geometry(frame.translate(1024, 2048)) for name, frame in layers.items()}
    again = assess_parcels(**moved, rules=RULES, as_of=AS_OF)
    pd.testing.assert_series_equal(again["verdict"], first["verdict"])
    pd.testing.assert_series_equal(again["value"], first["value"], rtol=1e-6, atol=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_an_outcome_is_the_kleene_and_of_its_deciding_lines(seed):
    layers = random_city(seed)
    ledger = assess_parcels(**layers, rules=RULES, as_of=AS_OF)
    found = screen_parcels(layers["parcels"], ledger)
    for parcel_id, lines in ledger[ledger["role"] == "decides"].groupby("parcel_id")["verdict"]:
        said = set(lines)
        expected = "excluded" if "no" in said else "unknown" if "unknown" in said else "candidate"
        assert found.loc[parcel_id, "verdict"] == expected


# --- premises -------------------------------------------------------------------------------------

ROOM = {
    "name": "老办公楼",
    "holder_kind": "public_institution",
    "right_type": "granted",
    "floor_area_m2": 650.0,
    "storey": 1,
    "status": "vacant",
    "vacant_since_on": DAY(2023, 1, 1),
    "structure_safe": True,
}


def room(shape=None, **attributes):
    layers = city()
    premises = layer("premises_id", {"R1": (shape or shapely.Point(60, 10), ROOM | attributes)})
    ledger = assess_premises(
        premises, layers["communities"], layers["control_lines"], rules=RULES, as_of=AS_OF, checked_kinds=KINDS
    )
    return ledger.set_index("rule_id")["verdict"], screen_premises(premises, ledger, layers["communities"]).loc["R1"]


def test_a_safe_vacant_public_room_is_a_candidate():
    found, row = room()
    assert row["verdict"] == "candidate"
    assert row["community_distance_m"] == 20.0
    assert found["premises_fits_service_complex"] == "yes"
    assert found["premises_fits_large_service_complex"] == "no"


@pytest.mark.parametrize(
    ("change", "rule_id", "verdict", "expected"),
    [
        ({"holder_kind": "individual"}, "premises_holder_public", "no", "excluded"),
        ({"holder_kind": "owners"}, "premises_holder_public", "unknown", "unknown"),
        ({"status": "used"}, "premises_vacant", "no", "excluded"),
        ({"status": "partly_used"}, "premises_vacant", "unknown", "unknown"),
        ({"structure_safe": False}, "premises_structure_safe", "no", "excluded"),
        ({"structure_safe": None}, "premises_structure_safe", "unknown", "unknown"),
        ({"floor_area_m2": 800.0}, "premises_fits_large_service_complex", "yes", "candidate"),
        ({"right_type": "allocated"}, "premises_leasing_approval", "yes", "candidate"),
        ({"vacant_since_on": DAY(2024, 3, 1)}, "premises_vacant_long", "no", "candidate"),
        ({"shape": shapely.Point(60, 500)}, "premises_in_reach", "no", "excluded"),
    ],
)
def test_flipping_one_input_flips_one_line_of_a_room(change, rule_id, verdict, expected):
    before, _ = room()
    after, row = room(**change)
    assert list(before.index[before != after]) == [rule_id]
    assert after[rule_id] == verdict
    assert row["verdict"] == expected


# --- years are counted by anniversaries -----------------------------------------------------------


def anniversary_by_hand(day, years):
    """The same day in another year; of 29 February the last of the month where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return datetime.date(day.year + years, 2, 28)


DAYS = st.dates(datetime.date(1990, 1, 1), datetime.date(2060, 12, 31))
LEAP_DAYS = st.sampled_from([datetime.date(year, 2, 29) for year in range(1992, 2061, 4)])


@settings(max_examples=300)
@given(DAYS | LEAP_DAYS, st.integers(-30, 30), st.integers(-2, 2))
def test_a_year_is_full_on_the_anniversary_and_on_no_day_before(day, years, shift):
    until = anniversary_by_hand(day, years) + datetime.timedelta(days=shift)
    early, late = min(day, until), max(day, until)
    whole = max(n for n in range(32) if anniversary_by_hand(early, n) <= late)
    found = calendar_years(np.array([day], dtype="datetime64[D]"), np.datetime64(until))[0]
    assert int(abs(found)) == whole
    assert (found == int(found)) == (anniversary_by_hand(early, whole) == late)
    assert np.sign(found) == np.sign((until - day).days)


@pytest.mark.parametrize("year", range(2019, 2029))
@pytest.mark.parametrize(("month", "day"), [(4, 15), (2, 28), (3, 1), (12, 31)])
@pytest.mark.parametrize(("late", "verdict"), [(-1, "no"), (0, "yes"), (1, "yes")])
def test_a_start_overdue_by_a_year_is_so_from_the_anniversary_on_in_every_year(year, month, day, late, verdict):
    due, as_of = datetime.date(year - 1, month, day), datetime.date(year, month, day) + datetime.timedelta(days=late)
    ledger = one_parcel_ledger(as_of, start_due_on=due, stopped_on=due, started_on=None)
    assert ledger.loc["parcel_start_overdue", "verdict"] == verdict
    stopped = one_parcel_ledger(as_of, stopped_on=due)
    assert stopped.loc["parcel_stopped_long", "verdict"] == verdict


def test_a_leap_day_has_its_anniversary_on_the_last_of_february():
    for until, verdict in (("2021-02-27", "no"), ("2021-02-28", "yes"), ("2021-03-01", "yes")):
        as_of = datetime.date.fromisoformat(until)
        ledger = one_parcel_ledger(as_of, start_due_on=datetime.date(2020, 2, 29), started_on=None)
        assert ledger.loc["parcel_start_overdue", "verdict"] == verdict


def test_a_right_ends_after_its_last_day():
    end = datetime.date(2024, 2, 29)
    for until, verdict in (("2024-02-28", "no"), ("2024-02-29", "no"), ("2024-03-01", "yes")):
        ledger = one_parcel_ledger(datetime.date.fromisoformat(until), term_end_on=end)
        assert ledger.loc["parcel_term_ended", "verdict"] == verdict


def one_parcel_ledger(as_of, **facts):
    facts = {"ownership": "state", "started_on": None} | facts
    parcel = gpd.GeoDataFrame(
        {name: [value] for name, value in facts.items()}, geometry=[shapely.box(0, 0, 50, 50)], crs="EPSG:4548"
    ).set_axis(pd.Index(["P"], name="parcel_id"))
    reading = RegisterReading(blank_start="not_started")
    return assess_parcels(parcel, rules=RULES, as_of=as_of, reading=reading).set_index("rule_id")


# --- what is said of values and bounds --------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [
            ("area_m2", "m²", 150.0),
            ("community_distance_m", "m", 300.0),
            ("built_share", "", 0.25),
            ("invested_share", "", 1 / 3),
        ]
    ),
    st.sampled_from([">=", "<=", ">", "<"]),
    st.floats(-1, 1).map(lambda x: x**9),
)
def test_a_value_that_differs_from_its_bound_never_reads_like_it(measure, operator, off):
    name, unit, bound = measure
    value = np.float64(bound * (1.0 + off))
    rule = Rule(id="r", layer="parcels", measure=name, operator=operator, value=bound, unit=unit, text=Text("甲", "a"))
    judged = _judge("parcels", rule, Measure(np.array([value]), Text("", "")))
    for said in (judged["reason_zh"][0], judged["reason_en"][0]):
        numbers = [float(n.replace(",", "")) for n in re.findall(r"-?[\d,]*\.?\d+(?:e-?\d+)?", said)]
        shown = float(f"{bound * (100.0 if not unit else 1.0):.6g}") if unit else float(f"{100.0 * bound:.4g}")
        if abs(value - bound) > 1e-9 * bound:
            assert numbers[0] != shown, said
            assert len(numbers) < 3 or numbers[2] > 0.0, said
        elif value == bound and judged["verdict"][0] == 0:
            assert ("恰为限值" in said) or ("just at the bound" in said)


def test_an_index_is_read_as_a_number_and_a_share_in_per_cent():
    by_id = {rule.id: rule for rule in RULES}
    assert by_id["parcel_greenness_lost"].threshold == "≤ -0.2"
    assert by_id["parcel_built_low"].threshold == "< 33.33%"
    greenness = pd.DataFrame({"greenness_change": [-0.35], "greenness_after": [0.1]}, index=["P"])
    parcel = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 50, 50)], index=["P"], crs="EPSG:4548")
    ledger = assess_parcels(
        parcel, parcel_greenness=greenness, rules=RULES, as_of=datetime.date(2024, 9, 30)
    ).set_index("rule_id")
    said = ledger.loc["parcel_greenness_lost", ["reason_zh", "reason_en"]]
    assert said["reason_zh"].endswith("（-0.35）")
    assert not said.str.contains("%").any()
